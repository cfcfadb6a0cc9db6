"""Recurrences, fractions, tables, sparse and implicit solutions, adjoints and robust fits, in NumPy and SciPy."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from . import function, real, vec

LINE = sparse.diags([-np.ones(5), np.array([1.0, 2, 2, 2, 2, 1]), -np.ones(5)], [-1, 0, 1]).tocsc()


@function("smoothing on a graph, by a sparse solution", vec(6, -100, 100), real(0, 100))
def smoothing(b, strength):
    return np.sum(spsolve(sparse.eye(6, format="csc") + strength * LINE, b) ** 2)


def smoothing_slope(b, strength, sign=-1):
    m = sparse.eye(6, format="csc") + strength * LINE
    u = spsolve(m, b)
    w = spsolve(m, 2 * u)
    return w, sign * w @ (LINE @ u)


smoothing.right(smoothing_slope)
smoothing.bug("sign of the inverse's derivative")(lambda b, strength: smoothing_slope(b, strength, 1))


@function("energy of a weighted graph", vec(5, -3, 3), real(0.1, 3))
def graph_energy(x, width):
    d = x[:, None] - x
    return np.sum(np.exp(-((d / width) ** 2)) * d**2) / 4


def graph_energy_slope(x, width, known=1):
    d = x[:, None] - x
    w = np.exp(-((d / width) ** 2))
    return np.sum(w * d * (1 - known * (d / width) ** 2), 1), np.sum(w * d**4) / (2 * width**3)


graph_energy.right(graph_energy_slope)
graph_energy.bug("weights held fixed")(lambda x, width: graph_energy_slope(x, width, 0))


@function("rank of a page, by sixty steps", vec((3, 3), 0.1, 10))
def page_rank(w):
    p, r = w / w.sum(0), np.full(3, 1 / 3)
    for _ in range(60):
        r = 0.5 * p @ r + 1 / 6
    return r[0]


def page_rank_slope(w, scaled=1):
    s = w.sum(0)
    p = w / s
    r = np.linalg.solve(np.eye(3) - 0.5 * p, np.full(3, 1 / 6))
    adjoint = np.linalg.solve(np.eye(3) - 0.5 * p.T, np.array([1.0, 0, 0]))
    return 0.5 * (adjoint[:, None] - scaled * adjoint @ p) * r / s


page_rank.right(page_rank_slope)
page_rank.bug("columns not scaled")(lambda w: page_rank_slope(w, 0))


@function("envelope of a signal by its analytic part", vec(8, -10, 10))
def envelope(x):
    z = np.fft.ifft(np.fft.fft(x) * np.array([1, 2, 2, 2, 1, 0, 0, 0]))
    return np.sum(np.log1p(np.abs(z) ** 2))


def envelope_slope(x, part=1):
    h = np.array([1, 2, 2, 2, 1, 0, 0, 0])
    z = np.fft.ifft(np.fft.fft(x) * h)
    u = 2 * z / (1 + np.abs(z) ** 2)
    return np.real(np.fft.ifft(np.fft.fft(u) * (h if part else 1)))


envelope.right(envelope_slope)
envelope.bug("the filter's adjoint forgotten")(lambda x: envelope_slope(x, 0))

TABLE = np.array([[1.0, 3, 2, 5], [0, 4, 1, 2], [2, 2, 6, 3]])


@function("lookup in a table of two entries, held at its ends", real(-1, 3), real(-1, 4))
def lookup(x, y):
    x, y = min(max(x, 0.0), 2.0), min(max(y, 0.0), 3.0)
    i, j = min(int(x), 1), min(int(y), 2)
    s, t = x - i, y - j
    return (1 - s) * ((1 - t) * TABLE[i, j] + t * TABLE[i, j + 1]) + s * (
        (1 - t) * TABLE[i + 1, j] + t * TABLE[i + 1, j + 1]
    )


def lookup_slope(x, y, *, held=True):
    inside = [not held or 0 <= z <= end for z, end in ((x, 2), (y, 3))]
    x, y = min(max(x, 0.0), 2.0), min(max(y, 0.0), 3.0)
    i, j = min(int(x), 1), min(int(y), 2)
    s, t = x - i, y - j
    by_x = (1 - t) * (TABLE[i + 1, j] - TABLE[i, j]) + t * (TABLE[i + 1, j + 1] - TABLE[i, j + 1])
    by_y = (1 - s) * (TABLE[i, j + 1] - TABLE[i, j]) + s * (TABLE[i + 1, j + 1] - TABLE[i + 1, j])
    return inside[0] * by_x, inside[1] * by_y


lookup.right(lookup_slope)
lookup.bug("the slope goes on beyond the ends")(lambda x, y: lookup_slope(x, y, held=False))


@function("Padé approximant with its coefficients", real(-1, 1), vec(3, -10, 10), vec(2, -0.4, 0.4))
def pade(x, p, q):
    return (p[0] + x * (p[1] + x * p[2])) / (1 + x * (q[0] + x * q[1]))


def pade_slope(x, p, q, doubled=2):
    n, d = p[0] + x * (p[1] + x * p[2]), 1 + x * (q[0] + x * q[1])
    powers = np.array([1, x, x * x])
    return (p[1] + 2 * x * p[2]) / d - n * (q[0] + doubled * x * q[1]) / d**2, powers / d, -n / d**2 * powers[1:]


pade.right(pade_slope)
pade.bug("2 of the denominator's square lost")(lambda x, p, q: pade_slope(x, p, q, 1))


@function("tangent by its continued fraction", real(-1.4, 1.4))
def fraction_tangent(x):
    below = 25.0
    for k in range(23, 0, -2):
        below = k - x * x / below
    return x / below


fraction_tangent.right(lambda x: 1 / math.cos(x) ** 2)
fraction_tangent.bug("1 lost")(lambda x: math.tan(x) ** 2)


@function("continued fraction of its terms", vec(6, 0.1, 10))
def fraction(b):
    z = b[-1]
    for x in b[-2::-1]:
        z = x + 1 / z
    return z


def fraction_slope(b, sign=-1.0):
    tails = [b[-1]]
    for x in b[-2::-1]:
        tails.append(x + 1 / tails[-1])
    return np.cumprod(np.concatenate([[1.0], [sign / z**2 for z in tails[-2::-1]]]))


fraction.right(fraction_slope)
fraction.bug("signs do not alternate")(lambda b: fraction_slope(b, 1.0))


def _hermite(x, n):
    rows = [np.pi**-0.25 * np.exp(-x * x / 2)]
    rows.append(math.sqrt(2) * x * rows[0])
    for k in range(2, n + 1):
        rows.append(math.sqrt(2 / k) * x * rows[-1] - math.sqrt((k - 1) / k) * rows[-2])
    return rows


@function("Hermite function of order six", real(-50, 50))
def hermite(x):
    return _hermite(x, 6)[6]


hermite.right(lambda x: math.sqrt(12) * _hermite(x, 6)[5] - x * _hermite(x, 6)[6])
hermite.bug("the bell held fixed")(lambda x: math.sqrt(12) * _hermite(x, 6)[5])


@function("ratio of Bessel functions by Miller's recurrence", real(-50, 50))
def bessel_ratio(x):
    r = 0.0
    for k in range(120, 0, -1):
        r = x / (2 * k + x * r)
    return r


def bessel_ratio_slope(x, sign=-1):
    r = bessel_ratio.f(x)
    return 1 + sign * r * r - (r / x if abs(x) > 1e-8 else 0.5)


bessel_ratio.right(bessel_ratio_slope)
bessel_ratio.bug("sign of the square")(lambda x: bessel_ratio_slope(x, 1))

STEP, TIMES = 0.1, 15


def _duffing(x, v, a):
    path = [(x, v)]
    for k in range(TIMES):
        v = v + STEP * (x - x**3 - 0.2 * v + a * math.cos(STEP * k))
        x = x + STEP * v
        path.append((x, v))
    return path


@function("Duffing's oscillator by its adjoint", real(-2, 2), real(-2, 2), real(-1, 1))
def duffing(x, v, a):
    return _duffing(x, v, a)[-1][0] ** 2


def duffing_slope(x, v, a, late=0):
    path = _duffing(x, v, a)
    p, q, by_a = 2 * path[-1][0], 0.0, 0.0
    for k in range(TIMES - 1, -1, -1):
        q += STEP * p
        by_a += q * STEP * math.cos(STEP * k)
        p, q = p + q * STEP * (1 - 3 * path[k + late][0] ** 2), q * (1 - 0.2 * STEP)
    return p, q, by_a


duffing.right(duffing_slope)
duffing.bug("the state of a step later")(lambda x, v, a: duffing_slope(x, v, a, 1))


@function("friction of a pipe, by Colebrook's equation", real(4e3, 1e8), real(0, 0.05))
def colebrook(re, rough):
    z = 6.0
    for _ in range(30):
        inner = rough / 3.7 + 2.51 * z / re
        z -= (z + 2 * math.log10(inner)) / (1 + 2 / math.log(10) * 2.51 / re / inner)
    return 1 / z**2


def colebrook_slope(re, rough, whole=1):
    z = colebrook.f(re, rough) ** -0.5
    c = 2 / math.log(10) / (rough / 3.7 + 2.51 * z / re)
    n = 1 + whole * c * 2.51 / re
    return -2 / z**3 * c * 2.51 * z / re**2 / n, 2 / z**3 * c / 3.7 / n


colebrook.right(colebrook_slope)
colebrook.bug("the unknown held fixed within")(lambda re, rough: colebrook_slope(re, rough, 0))


@function("current of a diode with a resistor", real(-5, 5), real(0.1, 100))
def diode(v, r):
    w = min(v, 1.0)
    for _ in range(100):
        e = 1e-3 * math.exp(w)
        w -= (r * (e - 1e-3) + w - v) / (r * e + 1)
    return (v - w) / r


def diode_slope(v, r, whole=1):
    i = diode.f(v, r)
    g = 1e-3 * math.exp(v - i * r)
    return g / (1 + g * r), -g * i / (1 + whole * g * r)


diode.right(diode_slope)
diode.bug("the current held fixed within")(lambda v, r: diode_slope(v, r, 0))


def _location(x, c):
    """Huber's location of samples: the zero of a falling sum of straight pieces."""
    low, high = min(x), max(x)
    for _ in range(80):
        m = (low + high) / 2
        low, high = (m, high) if np.sum(np.clip(x - m, -c, c)) > 0 else (low, m)
    return (low + high) / 2


@function("Huber's location of samples", vec(5, -100, 100), real(20, 100))
def location(x, c):
    return _location(x, c)


def location_slope(x, c, n=None):
    off = x - _location(x, c)
    inside = np.abs(off) <= c
    return inside / (n or max(inside.sum(), 1)), np.sum(np.sign(off) * ~inside) / max(inside.sum(), 1)


location.right(location_slope)
location.bug("the mean over all samples")(lambda x, c: location_slope(x, c, 5))

TIMES_OF = np.arange(5.0)


@function("slope by Theil and Sen", vec(5, -100, 100))
def theil(y):
    i, j = np.triu_indices(5, 1)
    return np.sort((y[j] - y[i]) / (j - i))[4]


def theil_slope(y, per=1):
    i, j = np.triu_indices(5, 1)
    k = np.argsort((y[j] - y[i]) / (j - i), kind="stable")[4]
    g = np.zeros(5)
    g[j[k]], g[i[k]] = 1 / (j[k] - i[k]) ** per, -1 / (j[k] - i[k]) ** per
    return g


theil.right(theil_slope)
theil.bug("not over the distance")(lambda y: theil_slope(y, 0))


@function("local linear fit with tricube weights", real(-1, 6), vec(5, -10, 10))
def loess(x, y):
    return loess_parts(x, y)[0]


def loess_parts(x, y):
    u = (TIMES_OF - x) / 8
    a = 1 - np.abs(u) ** 3
    w, slopes = a**3, 9 * a**2 * u * np.abs(u) / 8
    rows = np.stack([np.ones(5), TIMES_OF - x])
    m = rows * w @ rows.T
    weights = np.linalg.solve(m, rows * w)
    return weights[0] @ y, weights, w, slopes, m, rows


def loess_slope(x, y, known=1):
    _, weights, _, slopes, m, rows = loess_parts(x, y)
    rest = y - rows.T @ (weights @ y)
    by_weight = np.linalg.solve(m, rows)[0] * rest
    return (weights @ y)[1] + known * by_weight @ slopes, weights[0]


loess.right(loess_slope)
loess.bug("weights held fixed")(lambda x, y: loess_slope(x, y, 0))
