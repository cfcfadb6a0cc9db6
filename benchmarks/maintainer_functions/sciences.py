"""Optics, geodesy, chemistry, actuarial values and pictures, in NumPy."""

from __future__ import annotations

import math

import numpy as np

from . import function, real, real32, vec, vec32


@function(
    "focal length of two lenses", real(0.1, 100), real(-100, -0.1), real(0, 10),
    domain=lambda f, g, d: abs(f + g - d) > 1e-3,
)  # fmt: skip
def lenses(f, g, d):
    return f * g / (f + g - d)


def lenses_slope(f, g, d, sign=1):
    n = f + g - d
    return g * (g - d) / n**2, f * (f - d) / n**2, sign * f * g / n**2


lenses.right(lenses_slope)
lenses.bug("sign of the distance")(lambda f, g, d: lenses_slope(f, g, d, -1))


@function("transmission of an etalon", real(0, 0.99), real(-100, 100))
def etalon(r, phase):
    return 1 / (1 + 4 * r / (1 - r) ** 2 * np.sin(phase / 2) ** 2)


def etalon_slope(r, phase, half=0.5):
    t, finesse = etalon.f(r, phase), 4 * r / (1 - r) ** 2
    by_finesse = -(t**2) * np.sin(phase / 2) ** 2
    return by_finesse * 4 * (1 + r) / (1 - r) ** 3, -(t**2) * finesse * half * np.sin(phase)


etalon.right(etalon_slope)
etalon.bug("half of the phase lost")(lambda r, phase: etalon_slope(r, phase, 1.0))


@function("curvature radius of the meridian", real(-1.57, 1.57), real(6.3e6, 6.4e6), real(0, 0.01))
def meridian(lat, a, e2):
    return a * (1 - e2) / (1 - e2 * np.sin(lat) ** 2) ** 1.5


def meridian_slope(lat, a, e2, power=2.5):
    s, w = np.sin(lat), 1 - e2 * np.sin(lat) ** 2
    return (
        3 * a * (1 - e2) * e2 * s * np.cos(lat) / w**2.5,
        (1 - e2) / w**1.5,
        a * (-1 / w**1.5 + 1.5 * (1 - e2) * s * s / w**power),
    )


meridian.right(meridian_slope)
meridian.bug("power of the eccentricity's term")(lambda lat, a, e2: meridian_slope(lat, a, e2, 1.5))


@function("isometric latitude of an ellipsoid", real(-1.5, 1.5), real(0, 0.2))
def isometric(lat, e):
    return np.arcsinh(np.tan(lat)) - e * np.arctanh(e * np.sin(lat))


def isometric_slope(lat, e, whole=1):
    s, c = np.sin(lat), np.cos(lat)
    return 1 / c - e * e * c / (1 - (e * s) ** 2), -np.arctanh(e * s) - whole * e * s / (1 - (e * s) ** 2)


isometric.right(isometric_slope)
isometric.bug("the eccentricity held fixed within")(lambda lat, e: isometric_slope(lat, e, 0))


@function("acidity of a weak acid", real(1e-12, 1), real(0, 10))
def acid(k, c):
    return 2 * c / (1 + np.sqrt(1 + 4 * c / k))


def acid_slope(k, c):
    x = acid.f(k, c)
    return x * x / k / (2 * x + k), k / (2 * x + k)


acid.right(acid_slope)
acid.bug("what is dissolved added")(lambda k, c: ((c + acid.f(k, c)) / (2 * acid.f(k, c) + k), acid_slope(k, c)[1]))


@function("activity by Debye and Hückel", real(1e-6, 1), real(1, 3), real(1, 10))
def activity(ions, z, size):
    root = np.sqrt(ions)
    return -0.509 * z * z * root / (1 + 0.328 * size * root)


def activity_slope(ions, z, size, power=2):
    root = np.sqrt(ions)
    n = 1 + 0.328 * size * root
    return (
        -0.509 * z * z / (2 * root) / n**power,
        -0.509 * 2 * z * root / n,
        0.509 * z * z * root * 0.328 * root / n**2,
    )


activity.right(activity_slope)
activity.bug("the quotient's rule without its square")(lambda ions, z, size: activity_slope(ions, z, size, 1))


def _mean_exponential(x):
    """(exp(x) - 1) / x, and its derivative."""
    if abs(x) < 1e-2:
        return 1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (1 + x / 7))))), 0.5 + x / 3 * (
            1 + 3 * x / 8 * (1 + 4 * x / 15 * (1 + 5 * x / 24 * (1 + 6 * x / 35)))
        )
    return math.expm1(x) / x, (x * math.exp(x) - math.expm1(x)) / x**2


@function("middle product of two reactions", real(0, 5), real(0, 5), real(0, 20))
def reactions(k, m, t):
    return k * t * math.exp(-m * t) * _mean_exponential((m - k) * t)[0]


def reactions_slope(k, m, t, known=1):
    (g, s), e = _mean_exponential((m - k) * t), math.exp(-m * t)
    return (
        t * e * g - known * k * t * t * e * s,
        -k * t * t * e * (g - s),
        k * e * (g * (1 - m * t) + (m - k) * t * s),
    )


reactions.right(reactions_slope)
reactions.bug("the second rate alone makes the mean")(lambda k, m, t: reactions_slope(k, m, t, 0))

YEARS = np.arange(1.0, 60.0)


@function("value of an annuity by Gompertz' law of mortality", real(0, 0.15), real(1e-5, 1e-2), real(0.01, 0.15))
def gompertz(i, b, c):
    return np.sum((1 + i) ** -YEARS * np.exp(-b * np.expm1(c * YEARS) / c))


def gompertz_slope(i, b, c, early=0):
    hazard = np.expm1(c * YEARS) / c
    terms = (1 + i) ** -YEARS * np.exp(-b * hazard)
    return (
        -np.sum(YEARS * terms / (1 + i) ** (1 - early)),
        -np.sum(hazard * terms),
        -b * np.sum(terms * (YEARS * np.exp(c * YEARS) - hazard) / c),
    )


gompertz.right(gompertz_slope)
gompertz.bug("discounted a year too little")(lambda i, b, c: gompertz_slope(i, b, c, 1))


@function("reserve by chain ladder", vec(3, 1, 1e4), vec(2, 1, 1e4), vec(1, 1, 1e4))
def ladder(first, second, third):
    return first[2] * second.sum() / first[:2].sum() * third[0] / second[0] - first[2]


def ladder_slope(first, second, third, late=1):
    total = ladder.f(first, second, third) + first[2]
    s = first[:2].sum()
    return (
        np.array([-total / s, -total / s, total / first[2] - 1]),
        np.array([total / second.sum() - late * total / second[0], total / second.sum()]),
        total / third,
    )


ladder.right(ladder_slope)
ladder.bug("the second factor held fixed")(lambda a, b, c: ladder_slope(a, b, c, 0))


@function("bilateral filter of a pixel", vec(5, 0, 255), real(1, 100))
def bilateral(p, width):
    w = np.exp(-np.array([2.0, 0.5, 0, 0.5, 2]) - ((p - p[2]) / width) ** 2 / 2)
    return w @ p / w.sum()


def bilateral_slope(p, width, centre=1):
    d = p - p[2]
    w = np.exp(-np.array([2.0, 0.5, 0, 0.5, 2]) - (d / width) ** 2 / 2)
    w /= w.sum()
    pull = w * (p - w @ p)
    g = w - pull * d / width**2
    g[2] += centre * (pull @ d) / width**2
    return g, pull @ d**2 / width**3


bilateral.right(bilateral_slope)
bilateral.bug("weights do not depend on the middle")(lambda p, width: bilateral_slope(p, width, 0))

SOBEL = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])


@function("strength of an edge by Sobel's masks", vec((3, 3), -255, 255))
def sobel(p):
    return math.hypot(np.sum(SOBEL * p), np.sum(SOBEL.T * p))


def sobel_slope(p, across=SOBEL.T):
    x, y = np.sum(SOBEL * p), np.sum(SOBEL.T * p)
    r = math.hypot(x, y)
    return (x * SOBEL + y * across) / r if r else np.zeros((3, 3))


sobel.right(sobel_slope)
sobel.bug("the mask not transposed")(lambda p: sobel_slope(p, SOBEL))


@function("local contrast, by the median of neighbours", vec(5, 0, 255), real(1, 50))
def contrast(p, c):
    m = np.median(p)
    return (p[2] - m) / (m + c)


def contrast_slope(p, c, power=2):
    m, k = np.median(p), int(np.argsort(p, kind="stable")[2])
    g = np.zeros(5)
    g[2] = 1 / (m + c)
    g[k] -= (p[2] + c) / (m + c) ** power
    return g, -(p[2] - m) / (m + c) ** 2


contrast.right(contrast_slope)
contrast.bug("the quotient's rule without its square")(lambda p, c: contrast_slope(p, c, 1))


def _is_box(a):
    return bool(np.all(a[2:] > a[:2] + 0.1))


@function("overlap of two boxes", vec(4, -10, 10), vec(4, -10, 10), domain=lambda a, b: _is_box(a) and _is_box(b))
def overlap(a, b):
    both = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def overlap_slope(a, b, shared=1):
    sides = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    both, sizes = np.prod(sides), [x[2:] - x[:2] for x in (a, b)]
    whole = np.prod(sizes[0]) + np.prod(sizes[1]) - both
    found = []
    for mine, theirs, first, size in ((a, b, True, sizes[0]), (b, a, False, sizes[1])):
        low = (mine[:2] >= theirs[:2]) if first else (mine[:2] > theirs[:2])
        high = (mine[2:] <= theirs[2:]) if first else (mine[2:] < theirs[2:])
        inner = np.concatenate([-1.0 * low * sides[::-1], 1.0 * high * sides[::-1]]) * (both > 0)
        area = np.concatenate([-size[::-1], size[::-1]])
        found.append(inner / whole - both / whole**2 * (area - shared * inner))
    return tuple(found)


overlap.right(overlap_slope)
overlap.bug("the union without what is shared")(lambda a, b: overlap_slope(a, b, 0))


@function("gamma-corrected blend in single precision", vec32(3, 0, 1), vec32(3, 0, 1), real32(0, 1), dtype="float32")
def blend(a, b, w):
    return np.sum(np.sqrt(w * a * a + (1 - w) * b * b + np.float32(1e-3)))


def blend_slope(a, b, w, sign=1):
    z = np.sqrt(w * a * a + (1 - w) * b * b + np.float32(1e-3))
    return w * a / z, (1 - w) * b / z, np.sum((a * a - sign * b * b) / z) / 2


blend.right(blend_slope)
blend.bug("sign of the second weight")(lambda a, b, w: blend_slope(a, b, w, -1))


@function("noise of a lattice in single precision", real32(-8, 8), vec32(4, -1, 1), dtype="float32")
def lattice(x, g):
    t = np.float32(x - np.floor(x))
    s = t * t * t * (t * (t * 6 - 15) + 10)
    return (1 - s) * g[0] * t + s * g[1] * (t - 1)


def lattice_slope(x, g, known=1):
    t = np.float32(x - np.floor(x))
    s, d = t * t * t * (t * (t * 6 - 15) + 10), 30 * t * t * (t * (t - 2) + 1)
    return (
        (1 - s) * g[0] + s * g[1] + known * d * (g[1] * (t - 1) - g[0] * t),
        np.array([(1 - s) * t, s * (t - 1), 0, 0], dtype=np.float32),
    )


lattice.right(lattice_slope)
lattice.bug("the weight held fixed")(lambda x, g: lattice_slope(x, g, 0))
