"""Distribution functions, counts, survival and special functions, in NumPy and SciPy."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from . import anything, function, real, vec

COUNTS = np.array([0.0, 1.0, 1.0, 3.0, 7.0])
TIMES, SEEN = np.array([0.2, 1.5, 3.0, 0.7]), np.array([1.0, 0.0, 1.0, 1.0])


@function("gamma distribution function", real(0.1, 50), real(1e-3, 200))
def gamma_cdf(a, x):
    return special.gammainc(2.5, x) * a


@gamma_cdf.right
def _(a, x):
    return special.gammainc(2.5, x), a * math.exp(1.5 * math.log(x) - x - special.gammaln(2.5))


@gamma_cdf.bug("missing normalisation")
def _(a, x):
    return special.gammainc(2.5, x), a * math.exp(1.5 * math.log(x) - x)


@function("beta distribution function", real(1e-6, 1 - 1e-6))
def beta_cdf(x):
    return special.betainc(2.0, 3.5, x)


@beta_cdf.right
def _(x):
    return x * (1 - x) ** 2.5 / special.beta(2.0, 3.5)


@beta_cdf.bug("off-by-one exponent")
def _(x):
    return x * (1 - x) ** 3.5 / special.beta(2.0, 3.5)


@function("beta-binomial log-probability", real(1e-2, 1e3), real(1e-2, 1e3))
def beta_binomial(a, b):
    return special.betaln(a + 3, b + 7) - special.betaln(a, b) + math.log(120)


@beta_binomial.right
def _(a, b):
    both = special.digamma(a + b) - special.digamma(a + b + 10)
    return (
        special.digamma(a + 3) - special.digamma(a) + both,
        special.digamma(b + 7) - special.digamma(b) + both,
    )


@beta_binomial.bug("the counts of both swapped")
def _(a, b):
    both = special.digamma(a + b) - special.digamma(a + b + 10)
    return (
        special.digamma(a + 7) - special.digamma(a) + both,
        special.digamma(b + 3) - special.digamma(b) + both,
    )


@function("negative binomial log-likelihood", real(1e-2, 1e3), real(-20, 20))
def negative_binomial(r, logit):
    log_p, log_q = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
    return np.sum(special.gammaln(COUNTS + r) - special.gammaln(r) + r * log_p + COUNTS * log_q)


@negative_binomial.right
def _(r, logit):
    p = special.expit(logit)
    dr = np.sum(special.digamma(COUNTS + r) - special.digamma(r)) - len(COUNTS) * np.logaddexp(0, -logit)
    return dr, len(COUNTS) * r * special.expit(-logit) - np.sum(COUNTS) * p


@negative_binomial.bug("digamma of r dropped")
def _(r, logit):
    dr, dlogit = negative_binomial.derivative(r, logit)
    return dr + len(COUNTS) * special.digamma(r), dlogit


@negative_binomial.bug("the failures' term dropped")
def _(r, logit):
    dr, _ = negative_binomial.derivative(r, logit)
    return dr, len(COUNTS) * r * special.expit(-logit)


@function("Weibull log-likelihood with censoring", real(0.1, 8), real(0.1, 100))
def weibull(k, scale):
    z = TIMES / scale
    return np.sum(SEEN * (np.log(k / scale) + (k - 1) * np.log(z)) - z**k)


@weibull.right
def _(k, scale):
    z = TIMES / scale
    dk = np.sum(SEEN * (1 / k + np.log(z)) - z**k * np.log(z))
    return dk, np.sum(-SEEN * k / scale + k / scale * z**k)


@weibull.bug("censored times taken for events")
def _(k, scale):
    z = TIMES / scale
    return np.sum(1 / k + np.log(z) - z**k * np.log(z)), weibull.derivative(k, scale)[1]


@weibull.bug("wrong sign of the survival's term")
def _(k, scale):
    z = TIMES / scale
    return weibull.derivative(k, scale)[0], np.sum(-SEEN * k / scale - k / scale * z**k)


@function("von Mises log-density", real(-10, 10), real(1e-3, 500))
def von_mises(angle, kappa):
    return kappa * (np.cos(angle) - 1) - np.log(2 * np.pi * special.i0e(kappa))


@von_mises.right
def _(angle, kappa):
    return -kappa * np.sin(angle), np.cos(angle) - special.i1e(kappa) / special.i0e(kappa)


@von_mises.bug("the normalisation taken for a constant")
def _(angle, kappa):
    return -kappa * np.sin(angle), np.cos(angle) - 1


@function("Fresnel integral", real(-50, 50))
def fresnel(x):
    return special.fresnel(x)[0]


@fresnel.right
def _(x):
    return math.sin(0.5 * math.pi * x * x)


@fresnel.bug("the unnormalised integral's")
def _(x):
    return math.sin(x * x)


@function("Lambert's W of the library", real(-0.36, 1e6))
def lambert_w(x):
    return special.lambertw(x).real


@lambert_w.right
def _(x):
    w = special.lambertw(x).real
    return math.exp(-w) / (1 + w)


@lambert_w.bug("the other form, without its guard at 0")
def _(x):
    w = special.lambertw(x).real
    return w / (x * (1 + w)) if abs(x) > 1e-300 else 0.0


@function("scaled complementary error function", real(-20, 1e4))
def erfcx(x):
    return special.erfcx(x)


@erfcx.right
def _(x):
    if x > 100:  # where the two terms cancel
        return -(1 - 3 / (2 * x * x) + 15 / (4 * x**4) - 105 / (8 * x**6)) / (math.sqrt(math.pi) * x * x)
    return 2 * x * special.erfcx(x) - 2 / math.sqrt(math.pi)


@erfcx.bug("the constant's factor 2")
def _(x):
    return 2 * x * special.erfcx(x) - 1 / math.sqrt(math.pi)


@function("Langevin function", real(-1e3, 1e3))
def langevin(x):
    return 1 / math.tanh(x) - 1 / x if abs(x) > 1e-2 else x / 3 - x**3 / 45 + 2 * x**5 / 945


@langevin.right
def _(x):
    if abs(x) <= 1e-2:
        return 1 / 3 - x * x / 15 + 2 * x**4 / 189
    return 1 / (x * x) - (1 / math.sinh(x) ** 2 if abs(x) < 300 else 0.0)


@langevin.bug("the series far beyond its reach")
def _(x):
    return 1 / 3 - x * x / 15 + 2 * x**4 / 189 if abs(x) <= 2.5 else langevin.derivative(x)


@function("distance of two samples by their order", vec(4), vec(4))
def wasserstein(x, y):
    return np.mean(np.abs(np.sort(x) - np.sort(y)))


@wasserstein.right
def _(x, y):
    i, j = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    s = np.sign(x[i] - y[j]) / 4
    dx, dy = np.empty(4), np.empty(4)
    dx[i], dy[j] = s, -s
    return dx, dy


@wasserstein.bug("not put back in order")
def _(x, y):
    s = np.sign(np.sort(x) - np.sort(y)) / 4
    return s, -s


@function("trimmed mean", vec(6))
def trimmed_mean(x):
    return np.mean(np.sort(x)[1:-1])


@trimmed_mean.right
def _(x):
    g = np.zeros(6)
    g[np.argsort(x, kind="stable")[1:-1]] = 0.25
    return g


@trimmed_mean.bug("divided by the whole count")
def _(x):
    return trimmed_mean.derivative(x) * 4 / 6


@trimmed_mean.bug("off by one at the upper end")
def _(x):
    g = np.zeros(6)
    g[np.argsort(x, kind="stable")[1:]] = 0.25
    return g


@function("sum of the three largest", vec(6, -1e3, 1e3))
def top_three(x):
    return np.sum(np.partition(x, 3)[3:])


@top_three.right
def _(x):
    g = np.zeros(6)
    g[np.argsort(-x, kind="stable")[:3]] = 1
    return g


@top_three.bug("the threshold counted twice")
def _(x):
    return (x >= np.sort(x)[2]).astype(float)


@function("softplus of any number", anything())
def soft_plus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@soft_plus.right
def _(x):
    return special.expit(x)


@soft_plus.bug("its own value for large numbers")
def _(x):
    return special.expit(x) if x < 40 else soft_plus(x)


@function("smooth absolute value of any number", anything())
def pseudo_huber(x):
    return math.hypot(1.0, x) - 1.0


@pseudo_huber.right
def _(x):
    return x / math.hypot(1.0, x)


@pseudo_huber.bug("not divided")
def _(x):
    return x


@pseudo_huber.bug("the square root twice")
def _(x):
    return x / math.sqrt(math.hypot(1.0, x))


@function("mean absolute deviation of any numbers", vec(3, -1e300, 1e300))
def deviation(x):
    return np.mean(np.abs(x / 3 - np.median(x) / 3))


@deviation.right
def _(x):
    middle = np.argsort(x, kind="stable")[1]
    s = np.sign(x - x[middle]) / 9
    s[middle] -= np.sum(s)
    return s


@deviation.bug("the median taken for a constant, and the mean for a sum")
def _(x):
    return np.sign(x - np.median(x)) / 3
