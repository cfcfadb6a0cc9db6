"""Splines, solves, roots and prices, in NumPy."""

from __future__ import annotations

import math

import numpy as np
from scipy import special
from scipy.linalg import cho_factor, cho_solve

from . import function, real, vec

FLOWS = np.array([-100.0, 30.0, 40.0, 50.0, 20.0])


def moments(y):
    """The second derivatives of a natural spline at knots 0, 1, 2, 3, 4."""
    system = 4 * np.eye(3) + np.eye(3, k=1) + np.eye(3, k=-1)
    return np.concatenate([[0.0], np.linalg.solve(system, 6 * np.diff(y, 2)), [0.0]])


@function("natural cubic spline, solved for its moments", real(0, 4), vec(5, -1e3, 1e3))
def natural_spline(x, y):
    return spline_at(x, y)[0]


def spline_at(x, y, *, shift=0):
    i = min(int(x), 3)
    m, b = moments(y), x - i
    a = 1 - b
    value = a * y[i] + b * y[i + 1] + ((a**3 - a) * m[i] + (b**3 - b) * m[i + 1]) / 6
    i = min(i + shift, 3)
    slope = y[i + 1] - y[i] + ((1 - 3 * a * a) * m[i] + (3 * b * b - 1) * m[i + 1]) / 6
    return value, slope


@natural_spline.right
def _(x, y):
    return spline_at(x, y)[1], np.array([spline_at(x, e)[0] for e in np.eye(5)])


@natural_spline.bug("off-by-one cell")
def _(x, y):
    return spline_at(x, y, shift=1)[1], natural_spline.derivative(x, y)[1]


@natural_spline.bug("the moments taken for constants")
def _(x, y):
    i = min(int(x), 3)
    g = np.zeros(5)
    g[i], g[i + 1] = 1 - (x - i), x - i
    return spline_at(x, y)[1], g


def basis(x, degree=3):
    """Uniform cubic B-splines on [0, 1], by the recursion of Cox and de Boor."""
    knots = np.arange(-degree, degree + 2.0)
    b = ((knots[:-1] <= x) & (x < knots[1:])).astype(float)
    for k in range(1, degree + 1):
        b = (x - knots[: -k - 1]) / k * b[:-1] + (knots[k + 1 :] - x) / k * b[1:]
    return b


@function("uniform B-spline", real(0, 0.999), vec(4, -1e3, 1e3))
def b_spline(x, c):
    return basis(x) @ c


@b_spline.right
def _(x, c):
    t = 1 - x
    return np.array([-t * t, 3 * x * x - 4 * x, 1 + 2 * x - 3 * x * x, x * x]) @ c / 2, basis(x)


@b_spline.bug("the coefficients in reverse")
def _(x, c):
    return b_spline.derivative(x, c)[0], basis(x)[::-1]


@b_spline.bug("a factor of the degree")
def _(x, c):
    return 3 * b_spline.derivative(x, c)[0], basis(x)


@function("quadratic form of an inverse, by Cholesky", vec((3, 3), -5, 5), vec(3, -1e3, 1e3))
def mahalanobis(a, x):
    return x @ cho_solve(cho_factor(a @ a.T + np.eye(3)), x)


@mahalanobis.right
def _(a, x):
    y = cho_solve(cho_factor(a @ a.T + np.eye(3)), x)
    return -2 * np.outer(y, y) @ a, 2 * y


@mahalanobis.bug("transposed")
def _(a, x):
    da, dx = mahalanobis.derivative(a, x)
    return da.T, dx


@mahalanobis.bug("one half of the symmetric derivative")
def _(a, x):
    da, dx = mahalanobis.derivative(a, x)
    return da / 2, dx


@function("triangular solve", vec((3, 3), -1, 1), vec(3, -1e3, 1e3))
def triangular(ell, b):
    return np.linalg.solve(np.tril(ell, -1) + 2 * np.eye(3), b)


@triangular.right
def _(ell, b):
    inverted = np.linalg.inv(np.tril(ell, -1) + 2 * np.eye(3))
    return -inverted[:, :, None] * (inverted @ b) * np.tril(np.ones((3, 3)), -1), inverted


@triangular.bug("the upper triangle counts, too")
def _(ell, b):
    inverted = np.linalg.inv(np.tril(ell, -1) + 2 * np.eye(3))
    return -inverted[:, :, None] * (inverted @ b), inverted


@function("logarithm of the determinant of a general matrix", vec((3, 3), -1, 1))
def log_abs_det(a):
    return np.linalg.slogdet(a + 4 * np.eye(3))[1]


@log_abs_det.right
def _(a):
    return np.linalg.inv(a + 4 * np.eye(3)).T


@log_abs_det.bug("not transposed")
def _(a):
    return np.linalg.inv(a + 4 * np.eye(3))


@function("largest eigenvalue of a symmetric matrix", vec(3, -10, 10), real(0.1, 10))
def largest_eigenvalue(d, c):
    return np.linalg.eigvalsh(symmetric(d, c))[-1]


def symmetric(d, c):
    return np.diag(d) + c * (np.eye(3, k=1) + np.eye(3, k=-1))


@largest_eigenvalue.right
def _(d, c):
    v = np.linalg.eigh(symmetric(d, c))[1][:, -1]
    return v * v, 2 * (v[0] * v[1] + v[1] * v[2])


@largest_eigenvalue.bug("the symmetric entry counted once")
def _(d, c):
    v = np.linalg.eigh(symmetric(d, c))[1][:, -1]
    return v * v, v[0] * v[1] + v[1] * v[2]


@largest_eigenvalue.bug("the smallest one's vector")
def _(d, c):
    v = np.linalg.eigh(symmetric(d, c))[1][:, 0]
    return v * v, largest_eigenvalue.derivative(d, c)[1]


def discounted(rate, flows):
    return np.sum(flows * (1 + rate) ** -np.arange(5.0))


@function("internal rate of return, by Newton's iteration", real(10, 100), real(0, 100))
def internal_rate(first, last):
    return rate_of(first, last)[0]


def rate_of(first, last):
    flows, r, k = FLOWS.copy(), 0.0, np.arange(5.0)
    flows[1], flows[4] = first, last
    for _ in range(100):
        slope = np.sum(-k * flows * (1 + r) ** (-k - 1))
        step = discounted(r, flows) / slope
        r = max(r - step, -0.9)
        if abs(step) < 1e-15:
            break
    return r, np.sum(-k * flows * (1 + r) ** (-k - 1))


@internal_rate.right
def _(first, last):
    r, slope = rate_of(first, last)
    return -1 / (1 + r) / slope, -((1 + r) ** -4.0) / slope


@internal_rate.bug("not discounted")
def _(first, last):
    _, slope = rate_of(first, last)
    return -1 / slope, -1 / slope


@function("value of an annuity", real(-0.01, 1), real(1, 100))
def annuity(r, n):
    return n if abs(r) < 1e-12 else -math.expm1(-n * math.log1p(r)) / r


@annuity.right
def _(r, n):
    if abs(r) * n < 1e-4:
        dr = -n * (n + 1) / 2 + n * (n + 1) * (n + 2) / 3 * r - n * (n + 1) * (n + 2) * (n + 3) / 8 * r * r
        dn = 1 - (n + 0.5) * r + (n * n / 2 + n + 1 / 3) * r * r
        return dr, dn
    left = math.exp(-n * math.log1p(r))
    return (n * left / (1 + r) - annuity(r, n)) / r, left * math.log1p(r) / r


@annuity.bug("one payment short")
def _(r, n):
    left = math.exp(-n * math.log1p(r))
    return annuity.derivative(r, n)[0], left


@annuity.bug("wrong sign of the discount's change")
def _(r, n):
    dr, dn = annuity.derivative(r, n)
    return -dr, dn


@function("implied volatility, by bisection", real(0.05, 0.35))
def implied(price):
    low, high = 1e-6, 10.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if at_the_money(middle) < price else (low, middle)
    return low


def at_the_money(v):
    return math.erf(v / math.sqrt(8))


@implied.right
def _(price):
    v = implied(price)
    return math.sqrt(2 * math.pi) * math.exp(v * v / 8)


@implied.bug("vega instead of its inverse")
def _(price):
    v = implied(price)
    return math.exp(-v * v / 8) / math.sqrt(2 * math.pi)


@function("arithmetic-geometric mean", real(1e-3, 1e3), real(1e-3, 1e3))
def agm(a, b):
    return agm_pass(a, b)[0][0]


def agm_pass(a, b, *, halves=1.0):
    s, t = np.array([a, 1.0, 0.0]), np.array([b, 0.0, 1.0])
    for _ in range(12):
        g = math.sqrt(s[0] * t[0])
        dg = halves * (s[1:] * t[0] + t[1:] * s[0]) / (2 * g)
        s, t = (s + t) / 2, np.array([g, *dg])
    return s, t


@agm.right
def _(a, b):
    return tuple(agm_pass(a, b)[0][1:])


@agm.bug("the root's factor 1/2 forgotten")
def _(a, b):
    return tuple(agm_pass(a, b, halves=2.0)[0][1:])


@function("complete elliptic integral", real(-100, 0.999))
def elliptic(m):
    return special.ellipk(m)


@elliptic.right
def _(m):
    if abs(m) < 1e-4:
        return math.pi / 8 * (1 + 9 * m / 8 + 75 * m * m / 64)
    return (special.ellipe(m) - (1 - m) * special.ellipk(m)) / (2 * m * (1 - m))


@elliptic.bug("the modulus taken for the parameter")
def _(m):
    return 2 * math.sqrt(abs(m)) * elliptic.derivative(m)
