"""Prices by trees, risk, survival, networks, filters, series and special functions, in NumPy and SciPy."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from . import function, real, vec

ROOT2PI = math.sqrt(2 * math.pi)


def tree(s, v, k=1.0, n=8, r=0.01):
    """American put by a binomial tree: value, delta, vega, in forward mode."""
    dt = 1 / n
    root = math.sqrt(dt)
    u = math.exp(v * root)
    du = root * u
    p = (math.exp(r * dt) - 1 / u) / (u - 1 / u)
    w, dw = u - 1 / u, du + du / u**2
    dp = (du / u**2 * w - (math.exp(r * dt) - 1 / u) * dw) / w**2
    disc = math.exp(-r * dt)

    def layer(m):
        j = 2 * np.arange(m + 1) - m
        x = s * u**j
        return np.maximum(k - x, 0), np.where(x < k, -x / s, 0), np.where(x < k, -x * j * root, 0)

    val, ds, dv = layer(n)
    for m in range(n - 1, -1, -1):
        hold = disc * (p * val[1:] + (1 - p) * val[:-1])
        hs = disc * (p * ds[1:] + (1 - p) * ds[:-1])
        hv = disc * (p * dv[1:] + (1 - p) * dv[:-1] + dp * (val[1:] - val[:-1]))
        ex, es, ev = layer(m)
        val, ds, dv = np.maximum(hold, ex), np.where(ex > hold, es, hs), np.where(ex > hold, ev, hv)
    return val[0], ds[0], dv[0]


@function("American put by a binomial tree", real(0.1, 10), real(0.05, 2))
def put(s, v):
    return tree(s, v)[0]


@put.right
def _(s, v):
    return tree(s, v)[1:]


@put.bug("delta in percent")
def _(s, v):
    _, d, g = tree(s, v)
    return d, g / 100


@function("Bachelier price", real(-1e3, 1e3), real(1e-3, 100))
def bachelier(m, v):
    d = m / v
    return m * special.ndtr(d) + v * np.exp(-d * d / 2) / ROOT2PI


@bachelier.right
def _(m, v):
    return special.ndtr(m / v), np.exp(-((m / v) ** 2) / 2) / ROOT2PI


@bachelier.bug("vega of the first term only")
def _(m, v):
    d = m / v
    return special.ndtr(d), -d * d * np.exp(-d * d / 2) / ROOT2PI


@function("expected shortfall, by Rockafellar and Uryasev", real(-1e4, 1e4), vec(6, -1e4, 1e4))
def shortfall(t, x):
    return t + np.sum(np.maximum(x - t, 0)) / (6 * 0.2)


@shortfall.right
def _(t, x):
    over = (x > t) / 1.2
    return 1 - np.sum(over), over


@shortfall.bug("the level's own 1 forgotten")
def _(t, x):
    over = (x > t) / 1.2
    return -np.sum(over), over


@function("Gini coefficient", vec(5, 1e-3, 1e6))
def gini(x):
    return np.sum(np.abs(x[:, None] - x)) / (2 * 25 * np.mean(x))


@gini.right
def _(x):
    return np.sum(np.sign(x[:, None] - x), 1) / (25 * np.mean(x)) - gini(x) / np.sum(x)


@gini.bug("the mean taken for constant")
def _(x):
    return np.sum(np.sign(x[:, None] - x), 1) / (25 * np.mean(x))


EVENT = np.array([1, 0, 1, 1, 0])


@function("partial likelihood of Cox", vec(5, -100, 100))
def cox(s):
    return sum(s[i] - np.logaddexp.reduce(s[i:]) for i in range(5) if EVENT[i])


def cox_gradient(s, first=0):
    g = EVENT.astype(float)
    for i in range(5):
        if EVENT[i]:
            g[i + first :] -= np.exp(s[i + first :] - np.logaddexp.reduce(s[i + first :]))
    return g


@cox.right
def _(s):
    return cox_gradient(s)


@cox.bug("risk sets without the case")
def _(s):
    return cox_gradient(s, 1)


@function("skew normal log-density", real(-1e3, 1e3), real(-100, 100))
def skew(x, a):
    return math.log(2 / ROOT2PI) - x * x / 2 + special.log_ndtr(a * x)


def hazard(z):
    return np.exp(-z * z / 2 - special.log_ndtr(z)) / ROOT2PI


@skew.right
def _(x, a):
    if a * x < -1e4:  # where the exponents are too large to subtract
        h = -a * x - 1 / (a * x)
    else:
        h = math.sqrt(2 / math.pi) / special.erfcx(-a * x / math.sqrt(2)) if a * x < 0 else hazard(a * x)
    return -x + a * h, x * h


@skew.bug("the inner slope forgotten")
def _(x, a):
    h = math.sqrt(2 / math.pi) / special.erfcx(-a * x / math.sqrt(2)) if a * x < 0 else hazard(a * x)
    return -x + h, x * h


@function("zeros of an inflated Poisson law", real(1e-9, 1 - 1e-9), real(0, 1e3))
def inflated(p, lam):
    return np.log(p + (1 - p) * np.exp(-lam))


@inflated.right
def _(p, lam):
    z = p + (1 - p) * np.exp(-lam)
    return -np.expm1(-lam) / z, -(1 - p) * np.exp(-lam) / z


@inflated.bug("the share of zeros forgotten")
def _(p, lam):
    z = p + (1 - p) * np.exp(-lam)
    return -np.expm1(-lam) / z, -np.exp(-lam) / z


EDGES = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (2, 4), (3, 4)]


def shortest(w):
    d, via = np.full(5, np.inf), [-1] * 5
    d[0] = 0
    for k, (a, b) in enumerate(EDGES):  # in topological order
        if d[a] + w[k] < d[b]:
            d[b], via[b] = d[a] + w[k], k
    return d[4], via


@function("shortest path", vec(7, 0, 1e3))
def path(w):
    return shortest(w)[0]


@path.right
def _(w):
    via, g, at = shortest(w)[1], np.zeros(7), 4
    while at:
        g[via[at]] = 1
        at = EDGES[via[at]][0]
    return g


@path.bug("the last edge alone")
def _(w):
    g = np.zeros(7)
    g[shortest(w)[1][4]] = 1
    return g


INC = np.array([[1, -1, 0, 0], [1, 0, -1, 0], [0, 1, -1, 0], [0, 1, 0, -1], [0, 0, 1, -1]], float)


def potentials(w):
    lap = INC.T @ (w[:, None] * INC)
    v = np.zeros(4)
    v[:3] = np.linalg.solve(lap[:3, :3], [1.0, 0, 0])
    return v


@function("effective resistance of a network", vec(5, 1e-3, 1e3))
def resistance(w):
    return potentials(w)[0]


@resistance.right
def _(w):
    return -((INC @ potentials(w)) ** 2)


@resistance.bug("the current for its square")
def _(w):
    return -np.abs(INC @ potentials(w))


SIGNAL = np.array([1.0, -0.5, 2.0, 0.3, -1.2, 0.8, 0.1, -0.4])


def biquad_run(b, a):
    y, dy = np.zeros(10), np.zeros((10, 5))
    x = np.concatenate([[0, 0], SIGNAL])
    for n in range(2, 10):
        y[n] = b @ x[n - 2 : n + 1][::-1] - a @ y[n - 2 : n][::-1]
        dy[n] = np.concatenate([x[n - 2 : n + 1][::-1], -y[n - 2 : n][::-1]]) - a[0] * dy[n - 1] - a[1] * dy[n - 2]
    return y, dy


@function("energy behind a biquad filter", vec(3, -10, 10), vec(2, -0.9, 0.9))
def biquad(b, a):
    y = biquad_run(b, a)[0]
    return y @ y


@biquad.right
def _(b, a):
    y, dy = biquad_run(b, a)
    g = 2 * y @ dy
    return g[:3], g[3:]


@biquad.bug("feedback of the derivative forgotten")
def _(b, a):
    y, dy = biquad_run(b, a)
    back = np.zeros((10, 2))
    for n in range(2, 10):
        back[n] = -y[n - 2 : n][::-1]
    return (2 * y @ dy)[:3], 2 * y @ back


@function("autocorrelation at lag 1", vec(5), domain=lambda x: np.any(np.abs(x) > 1e-100))
def autocorrelation(x):
    return x[1:] @ x[:-1] / (x @ x)


def autocorrelation_gradient(x, two=2):
    n = x @ x
    g = np.zeros(5)
    g[1:] += x[:-1]
    g[:-1] += x[1:]
    return (g - two * x * autocorrelation(x)) / n  # divided at last: before, a product underflows near 0


@autocorrelation.right
def _(x):
    return autocorrelation_gradient(x)


@autocorrelation.bug("half of the norm's slope")
def _(x):
    return autocorrelation_gradient(x, 1)


@function("power at a frequency, by Goertzel's sum", real(-math.pi, math.pi), vec(6, -1e3, 1e3))
def goertzel(w, x):
    n = np.arange(6)
    return np.dot(x, np.cos(w * n)) ** 2 + np.dot(x, np.sin(w * n)) ** 2


def goertzel_gradient(w, x, two=2):
    n = np.arange(6)
    c, s = np.cos(w * n), np.sin(w * n)
    return 2 * (x @ s * (x @ (n * c)) - x @ c * (x @ (n * s))), two * (x @ c * c + x @ s * s)


@goertzel.right
def _(w, x):
    return goertzel_gradient(w, x)


@goertzel.bug("the factor 2 forgotten")
def _(w, x):
    return goertzel_gradient(w, x, 1)


@function("spherical Bessel function", real(0, 1e3), domain=lambda x: np.isfinite(special.spherical_jn(2, x)))
def sph(x):
    return special.spherical_jn(2, x)


@sph.right
def _(x):
    return special.spherical_jn(2, x, derivative=True)


@sph.bug("wrong recurrence")
def _(x):
    return special.spherical_jn(1, x) + 3 * special.spherical_jn(2, x) / (x or 1)


@function("exponential integral", real(1e-6, 600))
def expint(x):
    return special.exp1(x)


@expint.right
def _(x):
    return -np.exp(-x) / x


@expint.bug("wrong sign")
def _(x):
    return np.exp(-x) / x


@function("Airy function", real(-50, 50))
def airy(x):
    return special.airy(x)[0]


@airy.right
def _(x):
    return special.airy(x)[1]


@airy.bug("that of the second kind")
def _(x):
    return special.airy(x)[3]


@function("Dawson's integral", real())
def dawson(x):
    return special.dawsn(x)


@dawson.right
def _(x):
    if abs(x) > 50:
        return -1 / (2 * x * x) * (1 + 1.5 / x**2 * (1 + 2.5 / x**2 * (1 + 3.5 / x**2 * (1 + 4.5 / x**2))))
    return 1 - 2 * x * special.dawsn(x)


@dawson.bug("missing factor 2")
def _(x):
    return 1 - x * special.dawsn(x)


@function("elliptic sine", real(-20, 20))
def sn(u):
    return special.ellipj(u, 0.7)[0]


@sn.right
def _(u):
    _, c, d, _ = special.ellipj(u, 0.7)
    return c * d


@sn.bug("the amplitude's slope forgotten")
def _(u):
    return special.ellipj(u, 0.7)[1]


def warp(a, b):
    n = len(a)
    d, via = np.full((n + 1, n + 1), np.inf), {}
    d[0, 0] = 0
    for i in range(n):
        for j in range(n):
            m, k = min((d[i, j], (i, j)), (d[i, j + 1], (i, j + 1)), (d[i + 1, j], (i + 1, j)))
            d[i + 1, j + 1], via[i + 1, j + 1] = m + (a[i] - b[j]) ** 2, k
    at, cells = (n, n), []
    while at != (0, 0):
        cells.append((at[0] - 1, at[1] - 1))
        at = via[at]
    return d[n, n], cells


@function("dynamic time warping", vec(4, -100, 100), vec(4, -100, 100))
def dtw(a, b):
    return warp(a, b)[0]


def dtw_gradient(a, b, signed=-1):
    ga, gb = np.zeros(4), np.zeros(4)
    for i, j in warp(a, b)[1]:
        ga[i] += 2 * (a[i] - b[j])
        gb[j] += signed * 2 * (a[i] - b[j])
    return ga, gb


@dtw.right
def _(a, b):
    return dtw_gradient(a, b)


@dtw.bug("wrong sign of the second series")
def _(a, b):
    return dtw_gradient(a, b, 1)


@function("Fresnel's reflectance", real(0, 1.5707), real(1, 4))
def fresnel(t, n):
    c, e = np.cos(t), np.sqrt(1 - (np.sin(t) / n) ** 2)
    return ((c - n * e) / (c + n * e)) ** 2


def fresnel_gradient(t, n, *, whole=True):
    s, c = np.sin(t), np.cos(t)
    e = np.sqrt(1 - (s / n) ** 2)
    r = (c - n * e) / (c + n * e)
    ne_t, ne_n = -s * c / (n * e), (e + s * s / (n * n * e)) if whole else e
    q = (c + n * e) ** 2
    rt = ((-s - ne_t) * (c + n * e) - (c - n * e) * (-s + ne_t)) / q
    return 2 * r * rt, 2 * r * (-2 * c * ne_n / q)


@fresnel.right
def _(t, n):
    return fresnel_gradient(t, n)


@fresnel.bug("the refracted angle taken for constant")
def _(t, n):
    return fresnel_gradient(t, n, whole=False)
