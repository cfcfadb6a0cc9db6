"""Linear algebra, interpolation and spectra, in NumPy and SciPy."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline

from . import function, real, vec

W = np.array([[0.3, -1.0, 0.7], [1.1, 0.2, -0.5], [-0.4, 0.9, 0.6]])
KNOTS = np.array([0.0, 1.0, 2.5, 3.0, 5.0])
HEIGHTS = np.array([1.0, -0.5, 2.0, 2.2, -3.0])
DESIGN = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 4.0]])


@function("logarithm of a determinant", vec((3, 3), -100, 100))
def logdet(a):
    return np.linalg.slogdet(a @ a.T + np.eye(3))[1]


@logdet.right
def _(a):
    return 2 * np.linalg.solve(a @ a.T + np.eye(3), a)


@logdet.bug("missing factor 2")
def _(a):
    return np.linalg.solve(a @ a.T + np.eye(3), a)


@logdet.bug("transposed")
def _(a):
    return logdet.derivative(a).T


@function("inverse of a matrix", vec((3, 3), -1, 1))
def inverse(a):
    return np.sum(W * np.linalg.inv(a + 4 * np.eye(3)))


@inverse.right
def _(a):
    b = np.linalg.inv(a + 4 * np.eye(3)).T
    return -b @ W @ b


@inverse.bug("not transposed")
def _(a):
    b = np.linalg.inv(a + 4 * np.eye(3))
    return -b @ W @ b


@function("solution of a linear system", vec((2, 2), -1, 1), vec(2, -1e6, 1e6))
def solve(a, b):
    return np.linalg.solve(a + 3 * np.eye(2), b)


@solve.right
def _(a, b):
    inverted = np.linalg.inv(a + 3 * np.eye(2))
    return -inverted[:, :, None] * (inverted @ b), inverted


@solve.bug("transposed Jacobian")
def _(a, b):
    da, db = solve.derivative(a, b)
    return da, db.T


@function("Cholesky factor, weighted sum", vec((3, 3), -10, 10))
def cholesky(a):
    return np.sum(W * np.linalg.cholesky(a @ a.T + np.eye(3)))


@cholesky.right
def _(a):
    ell = np.linalg.cholesky(a @ a.T + np.eye(3))
    phi = np.tril(ell.T @ np.tril(W))
    phi[np.diag_indices(3)] /= 2
    inverted = np.linalg.inv(ell)
    s = inverted.T @ phi @ inverted
    return (s + s.T) @ a


@cholesky.bug("the diagonal not halved")
def _(a):
    ell = np.linalg.cholesky(a @ a.T + np.eye(3))
    inverted = np.linalg.inv(ell)
    s = inverted.T @ np.tril(ell.T @ np.tril(W)) @ inverted
    return (s + s.T) @ a


@function("weighted least squares", vec(4, -1e3, 1e3), vec(4, 0.1, 10))
def least_squares(y, w):
    return np.linalg.solve(DESIGN.T @ (w[:, None] * DESIGN), DESIGN.T @ (w * y))


@least_squares.right
def _(y, w):
    inverted = np.linalg.inv(DESIGN.T @ (w[:, None] * DESIGN))
    rest = y - DESIGN @ least_squares(y, w)
    return inverted @ (DESIGN * w[:, None]).T, inverted @ (DESIGN * rest[:, None]).T


@least_squares.bug("the weights of the normal matrix taken for constants")
def _(y, w):
    inverted = np.linalg.inv(DESIGN.T @ (w[:, None] * DESIGN))
    return least_squares.derivative(y, w)[0], inverted @ (DESIGN * y[:, None]).T


@function("power spectrum", vec(6, -1e6, 1e6))
def power(x):
    return np.abs(np.fft.rfft(x)) ** 2 @ np.arange(1.0, 5.0)


@power.right
def _(x):
    k = np.exp(-2j * np.pi * np.outer(np.arange(4), np.arange(6)) / 6)
    return 2 * np.real(np.conj(k).T @ (np.arange(1.0, 5.0) * (k @ x)))


@power.bug("missing factor 2")
def _(x):
    return power.derivative(x) / 2


@function("magnitudes of a Fourier transform", vec(4, -1e3, 1e3))
def magnitude(x):
    z = np.fft.rfft(x)
    return np.sum(np.sqrt(z.real**2 + z.imag**2 + 1e-6))


@magnitude.right
def _(x):
    k = np.exp(-2j * np.pi * np.outer(np.arange(3), np.arange(4)) / 4)
    z = k @ x
    return np.real(np.conj(k).T @ (z / np.sqrt(z.real**2 + z.imag**2 + 1e-6)))


@magnitude.bug("not conjugated")
def _(x):
    k = np.exp(-2j * np.pi * np.outer(np.arange(3), np.arange(4)) / 4)
    z = k @ x
    return np.real(k.T @ (z / np.sqrt(z.real**2 + z.imag**2 + 1e-6)))


@function("linear interpolation", real(0, 5))
def interpolate(x):
    return np.interp(x, KNOTS, HEIGHTS)


def cell(x):
    return np.clip(np.searchsorted(KNOTS, x, side="right") - 1, 0, len(KNOTS) - 2)


@interpolate.right
def _(x):
    return (np.diff(HEIGHTS) / np.diff(KNOTS))[cell(x)]


@interpolate.bug("off-by-one cell")
def _(x):
    return (np.diff(HEIGHTS) / np.diff(KNOTS))[max(cell(x) - 1, 0)]


SPLINE = CubicSpline(KNOTS, HEIGHTS)


@function("cubic spline", real(0, 5), vec(5, -100, 100))
def spline(x, y):
    return CubicSpline(KNOTS, y)(x)


CARDINAL = CubicSpline(KNOTS, np.eye(5))


@spline.right
def _(x, y):
    return CubicSpline(KNOTS, y)(x, 1), CARDINAL(x)


@spline.bug("derivative to the scaled variable")
def _(x, y):
    return CubicSpline(KNOTS, y)(x, 1) * np.diff(KNOTS)[cell(x)], CARDINAL(x)


@function("polynomial by Horner's rule", real(-100, 100), vec(5, -1e3, 1e3))
def polynomial(x, c):
    return np.polyval(c, x)


@polynomial.right
def _(x, c):
    return np.polyval(np.polyder(c), x), x ** np.arange(4.0, -1, -1)


@polynomial.bug("off-by-one exponent")
def _(x, c):
    return np.polyval(np.polyder(c), x), x ** np.arange(5.0, 0, -1)


@function("Euclidean distance", vec(3), vec(3))
def distance(x, y):
    return np.linalg.norm(x - y)


@distance.right
def _(x, y):
    d = np.linalg.norm(x - y)
    g = (x - y) / d if d else np.zeros(3)
    return g, -g


@distance.bug("not divided by the distance")
def _(x, y):
    return x - y, y - x


@function("unit vector", vec(3), domain=lambda x: x @ x > 1e-12)
def unit_vector(x):
    return x / np.sqrt(x @ x)


@unit_vector.right
def _(x):
    n = np.sqrt(x @ x)
    return (np.eye(3) - np.outer(x, x) / n**2) / n


@unit_vector.bug("the projection dropped")
def _(x):
    return np.eye(3) / np.sqrt(x @ x)


@function("radial basis kernel", vec(2, -20, 20), vec(2, -20, 20), real(0.1, 1e3))
def rbf(x, y, length):
    return np.exp(-0.5 * np.sum((x - y) ** 2) / length**2)


@rbf.right
def _(x, y, length):
    k, d = rbf(x, y, length), x - y
    return -k * d / length**2, k * d / length**2, k * (d @ d) / length**3


@rbf.bug("one power of the length short")
def _(x, y, length):
    dx, dy, dl = rbf.derivative(x, y, length)
    return dx, dy, dl * length
