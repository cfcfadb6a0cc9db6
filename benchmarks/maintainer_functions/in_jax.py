"""Functions of jax: a `jax.custom_vjp`, compiled."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from . import function, real, real32, vec, vec32

jax.config.update("jax_enable_x64", True)  # noqa: FBT003


def in_jax(name, *draws, **facts):
    return function(name, *draws, host="jax", **facts)


@in_jax("jax: log-sum-exp", vec(4))
def log_sum_exp(x):
    return jnp.max(x) + jnp.log(jnp.sum(jnp.exp(x - jnp.max(x))))


@log_sum_exp.right
def _(x):
    return jax.nn.softmax(x)


@log_sum_exp.bug("the maximum's derivative added")
def _(x):
    return jax.nn.softmax(x) + jax.nn.one_hot(jnp.argmax(x), 4)


@in_jax("jax: Kepler's equation", real(-3, 3), real(0, 0.7))
def kepler(m, e):
    return jax.lax.fori_loop(0, 12, lambda _, x: x - (x - e * jnp.sin(x) - m) / (1 - e * jnp.cos(x)), m + e * jnp.sin(m))


@kepler.right
def _(m, e):
    x = kepler.f(m, e)
    return 1 / (1 - e * jnp.cos(x)), jnp.sin(x) / (1 - e * jnp.cos(x))


@kepler.bug("at the anomaly that was given")
def _(m, e):
    return 1 / (1 - e * jnp.cos(m)), jnp.sin(m) / (1 - e * jnp.cos(m))


@in_jax("jax: safe norm", vec(3, -1e3, 1e3))
def safe_norm(x):
    return jnp.sqrt(jnp.sum(x * x) + 1e-12)


@safe_norm.right
def _(x):
    return x / jnp.sqrt(jnp.sum(x * x) + 1e-12)


@safe_norm.bug("missing root")
def _(x):
    return x / (jnp.sum(x * x) + 1e-12)


@in_jax("jax: logarithm of 1 - exp(-x)", real(1e-6, 500))
def log1mexp(x):
    return jnp.where(x < 0.7, jnp.log(-jnp.expm1(-x)), jnp.log1p(-jnp.exp(-x)))


@log1mexp.right
def _(x):
    return 1 / jnp.expm1(x)


@log1mexp.bug("wrong sign")
def _(x):
    return -1 / jnp.expm1(x)


@in_jax("jax: cross-entropy with smoothed labels", vec(3, -500, 500))
def smoothed(x):
    return jax.nn.logsumexp(x) - jnp.array([0.9, 0.05, 0.05]) @ x


@smoothed.right
def _(x):
    return jax.nn.softmax(x) - jnp.array([0.9, 0.05, 0.05])


@smoothed.bug("labels not smoothed")
def _(x):
    return jax.nn.softmax(x) - jnp.array([1.0, 0.0, 0.0])


@in_jax("jax: recurrent cell", vec(2, -20, 20), vec((2, 2), -5, 5))
def rnn(h, u):
    return jnp.sum(jnp.array([1.0, -0.5]) * jnp.tanh(u @ h))


@rnn.right
def _(h, u):
    g = jnp.array([1.0, -0.5]) / jnp.cosh(u @ h) ** 2
    return g @ u, jnp.outer(g, h)


@rnn.bug("transposed")
def _(h, u):
    g = jnp.array([1.0, -0.5]) / jnp.cosh(u @ h) ** 2
    return u @ g, jnp.outer(g, h)


@in_jax("jax: quadratic form", vec(3, -1e3, 1e3), vec((3, 3), -10, 10))
def quadratic(x, a):
    return x @ a @ x


@quadratic.right
def _(x, a):
    return (a + a.T) @ x, jnp.outer(x, x)


@quadratic.bug("taken for symmetric")
def _(x, a):
    return 2 * a @ x, jnp.outer(x, x)


@in_jax("jax: sine over its argument", real(-100, 100))
def sinc(x):
    return jnp.where(jnp.abs(x) < 1e-3, 1 - x * x / 6 + x**4 / 120, jnp.sin(x) / jnp.where(x == 0, 1.0, x))


@sinc.right
def _(x):
    y = jnp.where(jnp.abs(x) < 1e-2, 1.0, x)
    return jnp.where(jnp.abs(x) < 1e-2, -x / 3 + x**3 / 30 - x**5 / 840, (jnp.cos(y) - jnp.sin(y) / y) / y)


@sinc.bug("dropped term")
def _(x):
    y = jnp.where(jnp.abs(x) < 1e-2, 1.0, x)
    return jnp.where(jnp.abs(x) < 1e-2, -x / 3 + x**3 / 30, jnp.cos(y) / y)


@in_jax("jax: Gaussian process, log-likelihood", real(0.1, 10), real(0.01, 10))
def likelihood(length, noise):
    t, y = jnp.array([0.0, 1.0, 2.5]), jnp.array([0.3, -0.7, 1.1])
    k = jnp.exp(-0.5 * (t[:, None] - t) ** 2 / length**2) + noise * jnp.eye(3)
    return -0.5 * y @ jnp.linalg.solve(k, y) - 0.5 * jnp.linalg.slogdet(k)[1]


def likelihood_terms(length, noise):
    t, y = jnp.array([0.0, 1.0, 2.5]), jnp.array([0.3, -0.7, 1.1])
    d2 = (t[:, None] - t) ** 2
    k = jnp.exp(-0.5 * d2 / length**2)
    inverted = jnp.linalg.inv(k + noise * jnp.eye(3))
    return inverted @ y, inverted, k * d2 / length**3


@likelihood.right
def _(length, noise):
    a, inverted, dk = likelihood_terms(length, noise)
    return 0.5 * (a @ dk @ a - jnp.sum(inverted * dk)), 0.5 * (a @ a - jnp.trace(inverted))


@likelihood.bug("the determinant's term dropped")
def _(length, noise):
    a, _, dk = likelihood_terms(length, noise)
    return 0.5 * a @ dk @ a, 0.5 * a @ a


@in_jax("jax: softplus in single precision", real32(-100, 100), dtype="float32")
def softplus32(x):
    return jnp.logaddexp(x, 0.0)


@softplus32.right
def _(x):
    return jax.nn.sigmoid(x)


@softplus32.bug("missing factor")
def _(x):
    return 0.5 * jax.nn.sigmoid(x)


@in_jax("jax: log cosh in single precision", vec32(3, -100, 100), dtype="float32")
def log_cosh32(x):
    return jnp.sum(jnp.logaddexp(x, -x) - jnp.float32(0.6931472))


@log_cosh32.right
def _(x):
    return jnp.tanh(x)


@log_cosh32.bug("wrong sign for negative numbers")
def _(x):
    return jnp.abs(jnp.tanh(x))


@in_jax("jax: soft threshold in single precision", vec32(3, -10, 10), dtype="float32")
def shrink32(x):
    return jnp.sum((jnp.sign(x) * jnp.maximum(jnp.abs(x) - 1, 0)) ** 2)


@shrink32.right
def _(x):
    return 2 * jnp.sign(x) * jnp.maximum(jnp.abs(x) - 1, 0)


@shrink32.bug("the threshold forgotten")
def _(x):
    return jnp.where(jnp.abs(x) > 1, 2 * x, 0.0)


@in_jax("jax: variance in single precision", vec32(4, -100, 100), dtype="float32")
def variance32(x):
    return jnp.var(x)


@variance32.right
def _(x):
    return (x - jnp.mean(x)) / 2


@variance32.bug("the mean forgotten")
def _(x):
    return x / 2


@in_jax("jax: a jump's limiter of third order", vec(5, -10, 10))
def weno(u):
    return weno_parts(u)[0]


def weno_parts(u):
    beta = jnp.array([(u[1] - u[0]) ** 2, (u[2] - u[1]) ** 2])
    alpha = jnp.array([1 / 3, 2 / 3]) / (beta + 1e-2) ** 2
    flux = jnp.array([-u[0] / 2 + 1.5 * u[1], (u[1] + u[2]) / 2])
    w = alpha / alpha.sum()
    return w @ flux, beta, w, flux


def weno_slope(u, power=2):
    value, beta, w, flux = weno_parts(u)
    by_beta = -power * w * (flux - value) / (beta + 1e-2)
    a, b = 2 * by_beta[0] * (u[1] - u[0]), 2 * by_beta[1] * (u[2] - u[1])
    return jnp.array([-w[0] / 2 - a, 1.5 * w[0] + w[1] / 2 + a - b, w[1] / 2 + b, 0.0, 0.0])


weno.right(weno_slope)
weno.bug("power of the weights")(lambda u: weno_slope(u, 1))


@in_jax("jax: gated unit in single precision", vec(3, -20, 20, 32), vec(3, -20, 20, 32), dtype="float32")
def gated(a, b):
    return jnp.sum(jax.nn.silu(a) * b)


def gated_slope(a, b, sign=1):
    s = jax.nn.sigmoid(a)
    return b * s * (1 + sign * a * (1 - s)), jax.nn.silu(a)


gated.right(gated_slope)
gated.bug("sign of the gate's slope")(lambda a, b: gated_slope(a, b, -1))
