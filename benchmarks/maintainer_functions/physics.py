"""Solvers, orbits, prices and time steps, in NumPy."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from . import function, real, vec


def cubic_root(a, b):
    """The real root of x**3 + a * x = b for a > 0, by bisection down to the last bit."""
    low, high = -1.0 - abs(b), 1.0 + abs(b)
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return middle
        if middle**3 + a * middle < b:
            low = middle
        else:
            high = middle


@function("root by bisection", real(0.1, 100), real(-100, 100))
def bisection(a, b):
    return cubic_root(a, b)


@bisection.right
def _(a, b):
    x = cubic_root(a, b)
    return -x / (3 * x * x + a), 1 / (3 * x * x + a)


@bisection.bug("wrong sign of the implicit derivative")
def _(a, b):
    da, db = bisection.derivative(a, b)
    return -da, db


@function("square root by Newton's iteration", real(1e-8, 1e12))
def newton_root(a):
    x = max(a, 1.0)
    for _ in range(200):
        x, before = 0.5 * (x + a / x), x
        if x >= before:
            break
    return before


@newton_root.right
def _(a):
    return 0.5 / newton_root(a)


@newton_root.bug("the last step alone")
def _(a):
    return 0.25 / newton_root(a)


def kepler_anomaly(m, e):
    x = m + e * math.sin(m)
    for _ in range(100):
        step = (x - e * math.sin(x) - m) / (1 - e * math.cos(x))
        x -= step
        if abs(step) <= 4e-16 * max(1.0, abs(x)):
            break
    return x


@function("Kepler's equation", real(-3, 3), real(0, 0.7))
def kepler(m, e):
    return kepler_anomaly(m, e)


@kepler.right
def _(m, e):
    x = kepler_anomaly(m, e)
    d = 1 - e * math.cos(x)
    return 1 / d, math.sin(x) / d


@kepler.bug("anomaly and eccentricity swapped")
def _(m, e):
    return kepler.derivative(m, e)[::-1]


def black_scholes_terms(s, k, t, v):
    d1 = (np.log(s / k) + 0.5 * v * v * t) / (v * np.sqrt(t))
    return d1, d1 - v * np.sqrt(t)


def density(x):
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


@function("Black-Scholes price", real(1, 1e3), real(1, 1e3), real(0.01, 10), real(0.05, 2))
def black_scholes(s, k, t, v):
    d1, d2 = black_scholes_terms(s, k, t, v)
    return s * special.ndtr(d1) - k * special.ndtr(d2)


@black_scholes.right
def _(s, k, t, v):
    d1, d2 = black_scholes_terms(s, k, t, v)
    vega = s * density(d1) * np.sqrt(t)
    return special.ndtr(d1), -special.ndtr(d2), 0.5 * v * vega / t, vega


@black_scholes.bug("vega without the root of the time")
def _(s, k, t, v):
    d = black_scholes.derivative(s, k, t, v)
    return (*d[:3], d[3] / np.sqrt(t))


@black_scholes.bug("d2 in the delta")
def _(s, k, t, v):
    d = black_scholes.derivative(s, k, t, v)
    return (-d[1], *d[1:])


@function("Lennard-Jones potential", real(0.3, 1e3))
def lennard_jones(r):
    return 4 * (r**-12 - r**-6)


@lennard_jones.right
def _(r):
    return 4 * (-12 * r**-13 + 6 * r**-7)


@lennard_jones.bug("exponent instead of factor in the attraction")
def _(r):
    return 4 * (-12 * r**-13 + 7 * r**-7)


def verlet_path(x, v, *, stale=False, steps=20, h=0.1):
    """The tangents of a pendulum by velocity Verlet."""
    tangent = np.eye(2)
    for _ in range(steps):
        a, da = -np.sin(x), -np.cos(x) * tangent[0]
        x, dx = x + h * v + 0.5 * h * h * a, tangent[0] + h * tangent[1] + 0.5 * h * h * da
        b, db = -np.sin(x), -np.cos(x) * dx
        v, dv = v + 0.5 * h * (a + b), tangent[1] + 0.5 * h * (da + (da if stale else db))
        tangent = np.array([dx, dv])
    return tangent


@function("pendulum by velocity Verlet", real(-10, 10), real(-10, 10))
def verlet(x, v, steps=20, h=0.1):
    a = -math.sin(x)
    for _ in range(steps):
        x += h * v + 0.5 * h * h * a
        a, before = -math.sin(x), a
        v += 0.5 * h * (before + a)
    return x, v


@verlet.right
def _(x, v):
    jacobian = verlet_path(x, v)
    return jacobian[:, 0], jacobian[:, 1]


@verlet.bug("the force before the step")
def _(x, v):
    jacobian = verlet_path(x, v, stale=True)
    return jacobian[:, 0], jacobian[:, 1]


def growth(y, r, dy, dr):
    return r * y * (1 - y), r * (1 - 2 * y) * dy + y * (1 - y) * dr


def runge_kutta(y, r, *, third=True, steps=5, h=0.2):
    """The derivatives of logistic growth by Runge-Kutta, to the start and to the rate."""
    d, dr = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    for _ in range(steps):
        k1, d1 = growth(y, r, d, dr)
        k2, d2 = growth(y + h / 2 * k1, r, d + h / 2 * d1, dr)
        k3, d3 = growth(y + h / 2 * k2, r, d + h / 2 * (d2 if third else d1), dr)
        k4, d4 = growth(y + h * k3, r, d + h * d3, dr)
        y, d = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), d + h / 6 * (d1 + 2 * d2 + 2 * d3 + d4)
    return tuple(d)


@function("logistic growth by Runge-Kutta", real(0, 1.5), real(0, 4))
def rk4(y, r, steps=5, h=0.2):
    for _ in range(steps):
        k1 = r * y * (1 - y)
        k2 = r * (y + h / 2 * k1) * (1 - (y + h / 2 * k1))
        k3 = r * (y + h / 2 * k2) * (1 - (y + h / 2 * k2))
        k4 = r * (y + h * k3) * (1 - (y + h * k3))
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


@rk4.right
def _(y, r):
    return runge_kutta(y, r)


@rk4.bug("the third stage from the first")
def _(y, r):
    return runge_kutta(y, r, third=False)


@function("time of an event: a thrown stone lands", real(-100, 100), real(0.01, 1e3))
def landing(v, h):
    root = math.sqrt(v * v + 19.62 * h)
    return (v + root) / 9.81 if v >= 0 else 2 * h / (root - v)


@landing.right
def _(v, h):
    root = math.sqrt(v * v + 19.62 * h)
    return landing(v, h) / root, 1 / root


@landing.bug("wrong sign of the velocity")
def _(v, h):
    dv, dh = landing.derivative(v, h)
    return -dv, dh


@landing.bug("wrong for negative velocities")
def _(v, h):
    dv, dh = landing.derivative(v, h)
    return abs(v) / 9.81 / math.sqrt(v * v + 19.62 * h) + 1 / 9.81, dh


@function("Planck's law", real(0.01, 100))
def planck(x):
    return x**3 / np.expm1(x)


@planck.right
def _(x):
    return x**2 * (3 - x / -np.expm1(-x)) / np.expm1(x)


@planck.bug("dropped term")
def _(x):
    return 3 * x**2 / np.expm1(x)


@function("van der Waals pressure", real(0.5, 1e3), real(1, 1e4))
def van_der_waals(v, t):
    return t / (v - 0.1) - 2.0 / (v * v)


@van_der_waals.right
def _(v, t):
    return -t / (v - 0.1) ** 2 + 4.0 / v**3, 1 / (v - 0.1)


@van_der_waals.bug("wrong sign of the attraction")
def _(v, t):
    return -t / (v - 0.1) ** 2 - 4.0 / v**3, 1 / (v - 0.1)


@function("Lorentz factor", real(-0.999, 0.999))
def lorentz(b):
    return 1 / math.sqrt(1 - b * b)


@lorentz.right
def _(b):
    return b / (1 - b * b) ** 1.5


@lorentz.bug("the square root instead of its cube")
def _(b):
    return b / math.sqrt(1 - b * b)


@function("arc length of a polygon", vec((4, 2), -1e6, 1e6))
def arc_length(p):
    return np.sum(np.hypot(*np.diff(p, axis=0).T))


@arc_length.right
def _(p):
    d = np.diff(p, axis=0)
    n = np.hypot(*d.T)[:, None]
    u = np.divide(d, n, out=np.zeros_like(d), where=n > 0)
    g = np.zeros_like(p)
    g[1:] += u
    g[:-1] -= u
    return g


@arc_length.bug("the last corner left out")
def _(p):
    g = arc_length.derivative(p)
    g[-1] = 0
    return g
