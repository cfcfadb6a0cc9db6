"""Primitives of this library inside programs: the derivative is a partial, written by hand."""

from __future__ import annotations

import math

import numpy as np

import autograd_core as ag

from . import function, real, vec
from .physics import cubic_root, kepler_anomaly


def own(name, program, *draws, **facts):
    return function(name, *draws, host="own", program=program, **facts)


@own("softplus in a logistic loss", lambda op, w, b: op(-2.0 * w - b) + op(w + b) + 0.5 * op(3.0 * w - b), real(-1e3, 1e3), real(-1e3, 1e3))
def soft_plus(x):
    return ag.maximum(x, 0.0) + ag.log1p(ag.exp(-ag.abs(x)))


@soft_plus.right
def _(x):
    return ag.sigmoid(x)


@soft_plus.bug("wrong sign")
def _(x):
    return -ag.sigmoid(x)


@soft_plus.bug("wrong for large numbers")
def _(x):
    return ag.where(x > 30.0, 0.0, ag.sigmoid(x))


@own("logit of a probability", lambda op, p: op(p) * p, real(1e-12, 1 - 1e-9))
def logit(p):
    return ag.log(p) - ag.log1p(-p)


@logit.right
def _(p):
    return 1 / (p * (1 - p))


@logit.bug("dropped term")
def _(p):
    return 1 / p


@own("Huber loss of a fit", lambda op, a, b: sum(op(a * t + b - y) for t, y in ((0.0, 1.0), (1.0, 2.0), (2.0, -5.0))), real(-1e4, 1e4), real(-1e4, 1e4))
def huber_loss(r):
    return ag.where(ag.abs(r) <= 1.0, 0.5 * r * r, ag.abs(r) - 0.5)


@huber_loss.right
def _(r):
    return ag.clip(r, -1.0, 1.0)


@huber_loss.bug("wrong branch beyond the kink")
def _(r):
    return r


@huber_loss.bug("wrong for negative residuals")
def _(r):
    return ag.minimum(ag.abs(r), 1.0)


@own("smooth step of a distance", lambda op, x, y: op(ag.hypot(x, y) - 1.0) * x, real(-5, 5), real(-5, 5))
def smooth_edge(t):
    t = ag.clip(t, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


@smooth_edge.right
def _(t):
    t = ag.clip(t, 0.0, 1.0)
    return 6.0 * t * (1.0 - t)


@smooth_edge.bug("missing factor 6")
def _(t):
    t = ag.clip(t, 0.0, 1.0)
    return t * (1.0 - t)


@own("root by bisection, in a program", lambda op, a, b: op(a, b) ** 2 + a, real(0.1, 100), real(-100, 100))
def implicit_root(a, b):
    return cubic_root(a, b)


@implicit_root.right
def _(a, b):
    x = implicit_root.op(a, b)
    return -x / (3.0 * x * x + a), 1.0 / (3.0 * x * x + a)


@implicit_root.bug("wrong sign of the implicit derivative")
def _(a, b):
    x = implicit_root.op(a, b)
    return x / (3.0 * x * x + a), 1.0 / (3.0 * x * x + a)


@own("Kepler's equation, the height of a planet", lambda op, m, e: ag.sin(op(m, e)) * ag.sqrt(1.0 - e * e), real(-3, 3), real(0, 0.7))
def anomaly(m, e):
    return kepler_anomaly(m, e)


@anomaly.right
def _(m, e):
    x = anomaly.op(m, e)
    return 1.0 / (1.0 - e * ag.cos(x)), ag.sin(x) / (1.0 - e * ag.cos(x))


@anomaly.bug("swapped arguments")
def _(m, e):
    x = anomaly.op(m, e)
    return ag.sin(x) / (1.0 - e * ag.cos(x)), 1.0 / (1.0 - e * ag.cos(x))


@own("normal distribution function in an option's price", lambda op, s, v: s * op((ag.log(s) + 0.5 * v * v) / v) - op((ag.log(s) - 0.5 * v * v) / v), real(0.05, 20), real(0.05, 2))
def norm_cdf(x):
    return 0.5 * ag.erfc(-x / math.sqrt(2.0))


@norm_cdf.right
def _(x):
    return ag.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


@norm_cdf.bug("missing factor of the root of 2")
def _(x):
    return ag.exp(-0.5 * x * x) / math.sqrt(math.pi)


@own("normal distribution function of the C library", lambda op, x, y: op(x - y) * y, real(-100, 100), real(-100, 100))
def c_norm_cdf(x):
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@c_norm_cdf.right
def _(x):
    return ag.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


@c_norm_cdf.bug("wrong sign of the exponent")
def _(x):
    return ag.exp(-0.25 * x * x) / math.sqrt(2.0 * math.pi)


@own("log-sum-exp of three", lambda op, x, y, z: op(x, y, z) - y, real(-1e3, 1e3), real(-1e3, 1e3), real(-1e3, 1e3))
def three_way(x, y, z):
    top = ag.maximum(ag.maximum(x, y), z)
    return top + ag.log(ag.exp(x - top) + ag.exp(y - top) + ag.exp(z - top))


@three_way.right
def _(x, y, z):
    return tuple(ag.softmax([x, y, z]))


@three_way.bug("the last two swapped")
def _(x, y, z):
    p = ag.softmax([x, y, z])
    return p[0], p[2], p[1]


@own("Lennard-Jones energy of three atoms", lambda op, a, b: op(a) + op(b) + op(a + b), real(0.5, 100), real(0.5, 100))
def pair_energy(r):
    return 4.0 * (r**-12.0 - r**-6.0)


@pair_energy.right
def _(r):
    return 4.0 * (6.0 * r**-7.0 - 12.0 * r**-13.0)


@pair_energy.bug("off-by-one exponent")
def _(r):
    return 4.0 * (6.0 * r**-6.0 - 12.0 * r**-13.0)


def verlet_energy(op, x, v):
    for _ in range(12):
        v = v + 0.05 * op(x)
        x = x + 0.1 * v
        v = v + 0.05 * op(x)
    return 0.5 * v * v - ag.cos(x)


@own("pendulum by twelve Verlet steps", verlet_energy, real(-10, 10), real(-10, 10))
def force(x):
    return -ag.sin(x)


@force.right
def _(x):
    return -ag.cos(x)


@force.bug("wrong sign")
def _(x):
    return ag.cos(x)


@own("cubic spline on one cell", lambda op, t, a, b: op(t, a, b) ** 2, real(0, 1), real(-100, 100), real(-100, 100))
def hermite(t, a, b):
    return a * (1.0 - t) ** 2.0 * (1.0 + 2.0 * t) + b * t * t * (3.0 - 2.0 * t)


@hermite.right
def _(t, a, b):
    return 6.0 * t * (1.0 - t) * (b - a), (1.0 - t) ** 2.0 * (1.0 + 2.0 * t), t * t * (3.0 - 2.0 * t)


@hermite.bug("dropped term")
def _(t, a, b):
    return 6.0 * t * (1.0 - t) * b, *hermite.derivative(t, a, b)[1:]


@own("Lambert's W by Newton's iteration", lambda op, x: op(x) * x, real(0, 1e6))
def lambert(x):
    w = math.log1p(x)
    for _ in range(30):
        step = (w * math.exp(w) - x) / (math.exp(w) * (w + 1.0))
        w -= step
        if abs(step) <= 1e-16 * abs(w):
            break
    return w


@lambert.right
def _(x):
    w = lambert.op(x)
    return ag.exp(-w) / (1.0 + w)


@lambert.bug("the factor 1 + w forgotten")
def _(x):
    return ag.exp(-lambert.op(x))


@own("length of a vector, normalised", lambda op, x, y, z: x / op(x, y, z), real(-1e3, 1e3), real(-1e3, 1e3), real(1e-3, 1e3))
def length(x, y, z):
    return ag.sqrt(x * x + y * y + z * z)


@length.right
def _(x, y, z):
    n = ag.sqrt(x * x + y * y + z * z)
    return x / n, y / n, z / n


@length.bug("off-by-one index")
def _(x, y, z):
    n = ag.sqrt(x * x + y * y + z * z)
    return y / n, z / n, x / n


@own("Mish in a layer", lambda op, w: sum(op(w[0] * x + w[1]) * w[2] for x in (-1.0, 0.3, 2.0)), vec(3, -20, 20))
def mish(x):
    return x * ag.tanh(ag.softplus(x))


@mish.right
def _(x):
    t = ag.tanh(ag.softplus(x))
    return t + x * (1.0 - t * t) * ag.sigmoid(x)


@mish.bug("the sigmoid of the inner derivative forgotten")
def _(x):
    t = ag.tanh(ag.softplus(x))
    return t + x * (1.0 - t * t)


def forward_recursion(op, a, b):
    x, y = a, b
    for k in range(8):
        x, y = op(x, y - 1.0) + 0.1 * k * a, op(x + 0.5, y) - 0.2 * b
    return op(x, y)


@own("forward recursion of a chain", forward_recursion, real(-50, 50), real(-50, 50))
def log_add(x, y):
    top = ag.maximum(x, y)
    return top + ag.log1p(ag.exp(-ag.abs(x - y)))


@log_add.right
def _(x, y):
    return ag.sigmoid(x - y), ag.sigmoid(y - x)


@log_add.bug("both sides alike")
def _(x, y):
    return ag.sigmoid(x - y), ag.sigmoid(x - y)


@own("rank-weighted sum of three", lambda op, x: ag.sum([op(x[0], x[1]), 2.0 * op(x[1], x[2]), -op(x[0], x[2])]), vec(3, -1e6, 1e6))
def larger(x, y):
    return ag.where(x >= y, x, y)


@larger.right
def _(x, y):
    return ag.where(x >= y, 1.0, 0.0), ag.where(x >= y, 0.0, 1.0)


@larger.bug("the smaller one's")
def _(x, y):
    return ag.where(x >= y, 0.0, 1.0), ag.where(x >= y, 1.0, 0.0)


WEIGHTS = np.linspace(-1.0, 1.0, 5)


@own("Gaussian log-density of samples", lambda op, mu, s: ag.sum([op(float(x), mu, s) for x in WEIGHTS]), real(-1e3, 1e3), real(0.01, 100))
def log_density(x, mu, s):
    return -0.5 * ((x - mu) / s) ** 2.0 - ag.log(s)


@log_density.right
def _(x, mu, s):
    z = (x - mu) / s
    return -z / s, z / s, z * z / s - 1.0 / s


@log_density.bug("missing square")
def _(x, mu, s):
    z = (x - mu) / s
    return -z / s, z / s, z / s - 1.0 / s
