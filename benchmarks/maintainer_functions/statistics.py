"""Densities, order statistics, filters and special functions, in NumPy and SciPy."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from . import function, real, vec
from .losses import logsumexp, softmax

RANKS = np.array([0.1, -0.4, 0.3, 0.9, 2.0])
SEEN = np.array([0.4, 1.1, 0.7, 1.9, 1.3])
DATA = np.array([-1.3, 0.2, 0.9, 4.0])


@function("median", vec(5))
def median(x):
    return np.median(x)


@median.right
def _(x):
    return np.eye(5)[np.argsort(x, kind="stable")[2]]


@median.bug("off by one in the order")
def _(x):
    return np.eye(5)[np.argsort(x, kind="stable")[3]]


@function("quantile", vec(5))
def quantile(x):
    return np.quantile(x, 0.3)


@quantile.right
def _(x):
    order = np.argsort(x, kind="stable")
    return 0.8 * np.eye(5)[order[1]] + 0.2 * np.eye(5)[order[2]]


@quantile.bug("weights swapped")
def _(x):
    order = np.argsort(x, kind="stable")
    return 0.2 * np.eye(5)[order[1]] + 0.8 * np.eye(5)[order[2]]


@function("rank-weighted sum", vec(5))
def ranked(x):
    return RANKS @ np.sort(x)


@ranked.right
def _(x):
    g = np.empty(5)
    g[np.argsort(x, kind="stable")] = RANKS
    return g


@ranked.bug("the inverse permutation")
def _(x):
    return RANKS[np.argsort(x, kind="stable")]


@function("total variation", vec(5))
def total_variation(x):
    return np.sum(np.abs(np.diff(x)))


@total_variation.right
def _(x):
    s = np.sign(np.diff(x))
    return np.concatenate([[0.0], s]) - np.concatenate([s, [0.0]])


@total_variation.bug("the first difference dropped")
def _(x):
    s = np.sign(np.diff(x))
    s[0] = 0
    return np.concatenate([[0.0], s]) - np.concatenate([s, [0.0]])


@function("Gaussian log-density by its Cholesky factor", vec(2, -1e3, 1e3), vec(2, -1e3, 1e3), vec(3, 0.01, 100))
def gaussian(x, mu, ell):
    y0 = (x[0] - mu[0]) / ell[0]
    y1 = (x[1] - mu[1] - ell[1] * y0) / ell[2]
    return -0.5 * (y0 * y0 + y1 * y1) - np.log(ell[0]) - np.log(ell[2]) - np.log(2 * np.pi)


@gaussian.right
def _(x, mu, ell):
    y0 = (x[0] - mu[0]) / ell[0]
    y1 = (x[1] - mu[1] - ell[1] * y0) / ell[2]
    dy0 = -y0 + y1 * ell[1] / ell[2]
    dx = np.array([dy0 / ell[0], -y1 / ell[2]])
    return dx, -dx, np.array([-dy0 * y0 / ell[0] - 1 / ell[0], y1 * y0 / ell[2], y1 * y1 / ell[2] - 1 / ell[2]])


@gaussian.bug("wrong sign at the mean")
def _(x, mu, ell):
    dx, _, d = gaussian.derivative(x, mu, ell)
    return dx, dx, d


@gaussian.bug("the determinant's term dropped")
def _(x, mu, ell):
    dx, dmu, d = gaussian.derivative(x, mu, ell)
    return dx, dmu, d + np.array([1 / ell[0], 0, 1 / ell[2]])


@function("Kullback-Leibler divergence of Gaussians", real(-1e3, 1e3), real(1e-2, 1e2), real(1e-2, 1e2))
def kl_gaussians(mu, s, t):
    return np.log(t / s) + (s * s + mu * mu) / (2 * t * t) - 0.5


@kl_gaussians.right
def _(mu, s, t):
    return mu / t**2, s / t**2 - 1 / s, 1 / t - (s * s + mu * mu) / t**3


@kl_gaussians.bug("the two deviations swapped")
def _(mu, s, t):
    a, b, c = kl_gaussians.derivative(mu, s, t)
    return a, c, b


@function("Kullback-Leibler divergence of two softmaxes", vec(3, -50, 50), vec(3, -50, 50))
def kl_softmax(a, b):
    p = softmax(a)
    return p @ (a - logsumexp(a) - b + logsumexp(b))


@kl_softmax.right
def _(a, b):
    p, ratio = softmax(a), a - logsumexp(a) - b + logsumexp(b)
    return p * (ratio - p @ ratio), softmax(b) - p


@kl_softmax.bug("the weights taken for constants")
def _(a, b):
    return np.zeros(3), kl_softmax.derivative(a, b)[1]


@function("mixture of Gaussians", vec(2, -100, 100), vec(2, -30, 30))
def mixture(mu, logits):
    w = logits - logsumexp(logits)
    return sum(logsumexp(w - 0.5 * (x - mu) ** 2) for x in DATA)


@mixture.right
def _(mu, logits):
    w = logits - logsumexp(logits)
    r = np.array([softmax(w - 0.5 * (x - mu) ** 2) for x in DATA])
    return np.sum(r * (DATA[:, None] - mu), axis=0), np.sum(r, axis=0) - len(DATA) * softmax(logits)


@mixture.bug("responsibilities forgotten")
def _(mu, logits):
    return np.sum(DATA[:, None] - mu, axis=0), mixture.derivative(mu, logits)[1]


@mixture.bug("the normalisation of the weights dropped")
def _(mu, logits):
    dmu, dw = mixture.derivative(mu, logits)
    return dmu, dw + len(DATA) * softmax(logits)


def kalman_pass(q, r, *, stale=False):
    """The derivatives of the log-likelihood of a random walk seen through noise, forward."""
    m, p = 0.0, 1.0
    dm, dp, dtotal = np.zeros(2), np.zeros(2), np.zeros(2)
    for y in SEEN:
        p, dp = p + q, dp + np.array([1.0, 0.0])
        s, ds = p + r, dp + np.array([0.0, 1.0])
        e, de = y - m, -dm
        dtotal = dtotal - 0.5 * (ds / s + 2 * e * de / s - e * e / s**2 * ds)
        k, dk = p / s, dp / s - p / s**2 * ds
        m, dm = m + k * e, dm + dk * e + k * de
        dp = dp if stale else dp * (1 - k) - p * dk
        p = p * (1 - k)
    return tuple(dtotal)


@function("Kalman filter, log-likelihood", real(1e-6, 1e4), real(1e-3, 1e4))
def kalman(q, r):
    m, p, total = 0.0, 1.0, 0.0
    for y in SEEN.tolist():
        p += q
        s, e = p + r, y - m
        total -= 0.5 * (math.log(2 * math.pi * s) + e * e / s)
        m, p = m + p / s * e, p * (1 - p / s)
    return total


@kalman.right
def _(q, r):
    return kalman_pass(q, r)


@kalman.bug("the covariance before its update")
def _(q, r):
    return kalman_pass(q, r, stale=True)


@function("Bessel function J0", real(-1e4, 1e4))
def bessel_j0(x):
    return special.j0(x)


@bessel_j0.right
def _(x):
    return -special.j1(x)


@bessel_j0.bug("wrong for negative arguments")
def _(x):
    return -special.j1(abs(x))


@function("logarithm of the gamma function", real(1e-3, 1e5))
def gammaln(x):
    return special.gammaln(x)


@gammaln.right
def _(x):
    return special.digamma(x)


@gammaln.bug("digamma of x + 1")
def _(x):
    return special.digamma(x + 1)


@function("logarithm of the beta function", real(1e-3, 1e4), real(1e-3, 1e4))
def betaln(a, b):
    return special.betaln(a, b)


@betaln.right
def _(a, b):
    return special.digamma(a) - special.digamma(a + b), special.digamma(b) - special.digamma(a + b)


@betaln.bug("the common term dropped")
def _(a, b):
    return special.digamma(a), special.digamma(b)


@function("normal distribution function", real(-30, 30))
def normal_cdf(x):
    return special.ndtr(x)


@normal_cdf.right
def _(x):
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


@normal_cdf.bug("the factor of the error function")
def _(x):
    return np.exp(-0.5 * x * x) / np.sqrt(np.pi)


@function("normal quantile", real(1e-6, 1 - 1e-6))
def probit(p):
    return special.ndtri(p)


@probit.right
def _(p):
    z = special.ndtri(p)
    return np.sqrt(2 * np.pi) * np.exp(0.5 * z * z)


@probit.bug("wrong sign in the exponent")
def _(p):
    z = special.ndtri(p)
    return np.sqrt(2 * np.pi) * np.exp(-0.5 * z * z)


@function("Student's t, log-density", real(-1e6, 1e6), real(0.5, 1e3))
def student(x, nu):
    half = 0.5 * (nu + 1)
    return special.gammaln(half) - special.gammaln(nu / 2) - 0.5 * np.log(np.pi * nu) - half * np.log1p(x * x / nu)


@student.right
def _(x, nu):
    half, u = 0.5 * (nu + 1), x * x / nu
    dnu = 0.5 * (special.digamma(half) - special.digamma(nu / 2) - 1 / nu - np.log1p(u)) + half * u / nu / (1 + u)
    return -2 * half * x / (nu + x * x), dnu


@student.bug("missing factor 1/2 at the degrees of freedom")
def _(x, nu):
    dx, dnu = student.derivative(x, nu)
    return dx, 2 * dnu


@function("logarithm of 1 - exp(-x)", real(1e-8, 600))
def log1mexp(x):
    return np.log(-np.expm1(-x)) if x < np.log(2) else np.log1p(-np.exp(-x))


@log1mexp.right
def _(x):
    return 1 / np.expm1(x)


@log1mexp.bug("wrong on the far side of log 2")
def _(x):
    return 1 / np.expm1(x) if x < np.log(2) else 1 / np.exp(x)


@function("cosine similarity", vec(3, -1e3, 1e3), vec(3, -1e3, 1e3), domain=lambda x, y: min(x @ x, y @ y) > 1e-12)
def cosine(x, y):
    return x @ y / np.sqrt((x @ x) * (y @ y))


@cosine.right
def _(x, y):
    a, b, c = np.sqrt(x @ x), np.sqrt(y @ y), cosine(x, y)
    return (y / b - c * x / a) / a, (x / a - c * y / b) / b


@cosine.bug("the norm taken for a constant")
def _(x, y):
    return y / np.sqrt((x @ x) * (y @ y)), cosine.derivative(x, y)[1]


@function("geometric mean", vec(4, 1e-6, 1e6))
def geometric_mean(x):
    return np.exp(np.mean(np.log(x)))


@geometric_mean.right
def _(x):
    return geometric_mean(x) / (len(x) * x)


@geometric_mean.bug("missing factor 1/n")
def _(x):
    return geometric_mean(x) / x


@function("variance", vec(5, -1e6, 1e6))
def variance(x):
    return np.var(x, ddof=1)


@variance.right
def _(x):
    return 2 * (x - np.mean(x)) / 4


@variance.bug("n instead of n - 1")
def _(x):
    return 2 * (x - np.mean(x)) / 5


@function("circular mean", vec(4, -20, 20), domain=lambda a: np.hypot(np.sum(np.sin(a)), np.sum(np.cos(a))) > 0.1)
def circular_mean(a):
    s, c = np.sum(np.sin(a)), np.sum(np.cos(a))
    return np.sin(np.arctan2(s, c))


@circular_mean.right
def _(a):
    s, c = np.sum(np.sin(a)), np.sum(np.cos(a))
    return np.cos(np.arctan2(s, c)) * (c * np.cos(a) + s * np.sin(a)) / (s * s + c * c)


@circular_mean.bug("sine and cosine swapped")
def _(a):
    s, c = np.sum(np.sin(a)), np.sum(np.cos(a))
    return np.cos(np.arctan2(s, c)) * (s * np.cos(a) + c * np.sin(a)) / (s * s + c * c)
