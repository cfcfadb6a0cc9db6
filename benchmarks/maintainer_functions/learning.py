"""Rankings, alignments, projections and layers, in NumPy, in both precisions."""

from __future__ import annotations

import numpy as np
from scipy import special

from . import function, real, real32, vec, vec32
from .losses import softmax

F = np.float32
WINS = [(0, 1), (0, 2), (3, 1), (2, 1), (0, 3)]


@function("pairwise ranking loss", vec(4, -200, 200))
def ranking(s):
    return np.sum([np.logaddexp(0, s[j] - s[i]) for i, j in WINS])


@ranking.right
def _(s):
    g = np.zeros(4)
    for i, j in WINS:
        g[i] -= special.expit(s[j] - s[i])
        g[j] += special.expit(s[j] - s[i])
    return g


@ranking.bug("the loser's side dropped")
def _(s):
    g = np.zeros(4)
    for i, j in WINS:
        g[i] -= special.expit(s[j] - s[i])
    return g


@ranking.bug("wrong sign of the margin")
def _(s):
    return ranking.derivative(-s)


@function("multiclass hinge loss", vec(4, -100, 100))
def crammer_singer(s):
    return np.max(s - s[1] + np.array([1.0, 0.0, 1.0, 1.0]))


@crammer_singer.right
def _(s):
    k = np.argmax(s - s[1] + np.array([1.0, 0.0, 1.0, 1.0]))
    return np.eye(4)[k] - np.eye(4)[1]


@crammer_singer.bug("the true class forgotten")
def _(s):
    return np.eye(4)[np.argmax(s - s[1] + np.array([1.0, 0.0, 1.0, 1.0]))]


@crammer_singer.bug("the margin forgotten")
def _(s):
    return np.eye(4)[np.argmax(s)] - np.eye(4)[1]


@function("projection onto the simplex", vec(4, -5, 5))
def sparsemax(x):
    return np.maximum(x - threshold(x), 0)


def threshold(x):
    z = np.sort(x)[::-1]
    k = np.arange(1, len(x) + 1)
    count = k[1 + k * z > np.cumsum(z)][-1]
    return (np.sum(z[:count]) - 1) / count


@sparsemax.right
def _(x):
    inside = (x > threshold(x)).astype(float)
    return np.diag(inside) - np.outer(inside, inside) / np.sum(inside)


@sparsemax.bug("divided by the length instead of the support")
def _(x):
    inside = (x > threshold(x)).astype(float)
    return np.diag(inside) - np.outer(inside, inside) / 4


def alignment(s, gap):
    """Smoothed local alignment: the logarithm of the sum over all of them."""
    h = np.full((4, 4), -np.inf)
    for i in range(1, 4):
        for j in range(1, 4):
            diagonal = np.logaddexp(h[i - 1, j - 1], 0) + s[i - 1, j - 1]
            h[i, j] = np.logaddexp(diagonal, np.logaddexp(h[i - 1, j], h[i, j - 1]) - gap)
    return h


@function("soft local alignment", vec((3, 3), -30, 30), real(0, 30))
def smith_waterman(s, gap):
    return special.logsumexp(alignment(s, gap)[1:, 1:])


def aligned(s, gap, *, transposed=False, restart=True):
    h = alignment(s, gap)
    out = np.exp(h - special.logsumexp(h[1:, 1:]))
    g, ds, dgap = out.copy(), np.zeros((3, 3)), 0.0
    for i in range(3, 0, -1):
        for j in range(3, 0, -1):
            if h[i, j] == -np.inf:
                continue
            before = np.logaddexp(h[i - 1, j - 1], 0)
            d = np.exp(before + s[i - 1, j - 1] - h[i, j]) * g[i, j]
            ds[i - 1, j - 1] += d
            if h[i - 1, j - 1] > -np.inf:
                g[i - 1, j - 1] += d * np.exp(h[i - 1, j - 1] - before) if restart else d
            for a, b in ((i - 1, j), (i, j - 1)):
                if h[a, b] > -np.inf:
                    e = np.exp(h[a, b] - gap - h[i, j]) * g[i, j]
                    g[a, b] += e
                    dgap -= e
    return (ds.T if transposed else ds), dgap


@smith_waterman.right
def _(s, gap):
    return aligned(s, gap)


@smith_waterman.bug("transposed")
def _(s, gap):
    return aligned(s, gap, transposed=True)


@smith_waterman.bug("the alignments that start there forgotten")
def _(s, gap):
    return aligned(s, gap, restart=False)


@function("cosine similarity in single precision", vec32(3, -100, 100), dtype="float32", domain=lambda x: x @ x > 1e-3)
def cosine(x):
    a = np.array([1, -2, 0.5], F)
    return x @ a / np.sqrt((x @ x) * (a @ a))


@cosine.right
def _(x):
    a, n = np.array([1, -2, 0.5], F), np.sqrt(x @ x)
    return (a / np.sqrt(a @ a) - cosine(x) * x / n) / n


@cosine.bug("the projection dropped")
def _(x):
    a = np.array([1, -2, 0.5], F)
    return a / np.sqrt((x @ x) * (a @ a))


@function("focal loss in single precision", real32(-50, 50), dtype="float32")
def focal(x):
    return special.expit(-x) ** 2 * np.logaddexp(F(0), -x)


@focal.right
def _(x):
    p, q = special.expit(x), special.expit(-x)
    return -(q**3) - 2 * q * q * p * np.logaddexp(F(0), -x)


@focal.bug("wrong power of the modulation")
def _(x):
    p, q = special.expit(x), special.expit(-x)
    return -(q**3) - 2 * q * p * np.logaddexp(F(0), -x)


@function("hard swish in single precision", vec32(3, -1e4, 1e4), dtype="float32")
def hard_swish(x):
    return np.sum(x * np.clip(x + F(3), F(0), F(6)) / F(6))


@hard_swish.right
def _(x):
    return np.where(x <= -3, F(0), np.where(x >= 3, F(1), (2 * x + F(3)) / F(6)))


@hard_swish.bug("the outer factor alone")
def _(x):
    return np.clip(x + F(3), F(0), F(6)) / F(6)


@function("sinc in single precision", real32(-100, 100), dtype="float32")
def sinc(x):
    return F(np.sinc(np.float64(x)))


@sinc.right
def _(x):
    y = np.pi * np.float64(x)
    return F(np.pi * (-y / 3 + y**3 / 30) if abs(y) < 1e-2 else np.pi * (np.cos(y) - np.sin(y) / y) / y)


@sinc.bug("the argument's factor forgotten")
def _(x):
    return sinc.derivative(x) / F(np.pi)


@function("label smoothing in single precision", vec32(4, -80, 80), dtype="float32")
def smoothing(x):
    t = np.array([0.025, 0.025, 0.925, 0.025], F)
    return np.max(x) + np.log(np.sum(np.exp(x - np.max(x)))) - t @ x


@smoothing.right
def _(x):
    return softmax(x) - np.array([0.025, 0.025, 0.925, 0.025], F)


@smoothing.bug("the constant in single precision of the whole class")
def _(x):
    return softmax(x) - np.array([0.0, 0.0, 1.0, 0.0], F)


@function("layer normalisation with a gain, in single precision", vec32(4, -100, 100), vec32(4, -10, 10), dtype="float32")
def layer_norm(x, gain):
    y = x - np.mean(x)
    return gain * y / np.sqrt(np.mean(y * y) + F(1e-2))


@layer_norm.right
def _(x, gain):
    y = x - np.mean(x)
    s = np.sqrt(np.mean(y * y) + F(1e-2))
    inner = (np.eye(4, dtype=F) - F(0.25) - np.outer(y, y) / (4 * s * s)) / s
    return gain[:, None] * inner, np.diag(y / s)


@layer_norm.bug("the mean taken for a constant")
def _(x, gain):
    y = x - np.mean(x)
    s = np.sqrt(np.mean(y * y) + F(1e-2))
    return gain[:, None] * (np.eye(4, dtype=F) - np.outer(y, y) / (4 * s * s)) / s, np.diag(y / s)


@layer_norm.bug("the gain's Jacobian not divided")
def _(x, gain):
    return layer_norm.derivative(x, gain)[0], np.diag(x - np.mean(x))


@function("bilinear interpolation of a picture", real(0, 2), real(0, 2), vec((3, 3), -100, 100))
def bilinear(u, v, picture):
    i, j, a, b = place(u, v)
    p = picture[i : i + 2, j : j + 2]
    return (1 - a) * ((1 - b) * p[0, 0] + b * p[0, 1]) + a * ((1 - b) * p[1, 0] + b * p[1, 1])


def place(u, v):
    i, j = min(int(u), 1), min(int(v), 1)
    return i, j, u - i, v - j


@bilinear.right
def _(u, v, picture):
    i, j, a, b = place(u, v)
    p = picture[i : i + 2, j : j + 2]
    d = np.zeros((3, 3))
    d[i : i + 2, j : j + 2] = np.outer([1 - a, a], [1 - b, b])
    return (p[1] - p[0]) @ [1 - b, b], [1 - a, a] @ (p[:, 1] - p[:, 0]), d


@bilinear.bug("rows and columns of the weights swapped")
def _(u, v, picture):
    du, dv, d = bilinear.derivative(u, v, picture)
    return du, dv, d.T


@bilinear.bug("the difference of one row alone")
def _(u, v, picture):
    i, j, _, _ = place(u, v)
    _, dv, d = bilinear.derivative(u, v, picture)
    return picture[i + 1, j] - picture[i, j], dv, d
