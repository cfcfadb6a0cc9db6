"""Angles, rotations, time steps and filters, in NumPy."""

from __future__ import annotations

import math

import numpy as np

from . import function, real, vec
from .geometry import cross_matrix

SIGNAL = np.array([0.3, -1.0, 0.8, 2.0, 1.1, -0.4])


def wrapped(angle):
    return angle - 2 * math.pi * math.floor((angle + math.pi) / (2 * math.pi))


@function("wrapped difference of angles, squared", real(-50, 50), real(-50, 50))
def angle_error(a, b):
    return wrapped(a - b) ** 2


@angle_error.right
def _(a, b):
    return 2 * wrapped(a - b), -2 * wrapped(a - b)


@angle_error.bug("not wrapped")
def _(a, b):
    return 2 * (a - b), -2 * (a - b)


@function("course from one place to another", real(-1.4, 1.4), real(-1.4, 1.4), real(-3, 3))
def course(p, q, d):
    return math.sin(math.atan2(*bearing(p, q, d)))


def bearing(p, q, d):
    return math.sin(d) * math.cos(q), math.cos(p) * math.sin(q) - math.sin(p) * math.cos(q) * math.cos(d)


course.domain = lambda p, q, d: math.hypot(*bearing(p, q, d)) > 1e-2


@course.right
def _(p, q, d):
    y, x = bearing(p, q, d)
    outer = math.cos(math.atan2(y, x)) / (x * x + y * y)
    dxp = -math.sin(p) * math.sin(q) - math.cos(p) * math.cos(q) * math.cos(d)
    dyq, dxq = -math.sin(d) * math.sin(q), math.cos(p) * math.cos(q) + math.sin(p) * math.sin(q) * math.cos(d)
    dyd, dxd = math.cos(d) * math.cos(q), math.sin(p) * math.cos(q) * math.sin(d)
    return -outer * y * dxp, outer * (x * dyq - y * dxq), outer * (x * dyd - y * dxd)


@course.bug("numerator and denominator of the angle swapped")
def _(p, q, d):
    dp, dq, dd = course.derivative(p, q, d)
    return dp, -dq, dd


def hamilton(p, q):
    a, u, b, v = p[0], p[1:], q[0], q[1:]
    return np.concatenate([[a * b - u @ v], a * v + b * u + np.cross(u, v)])


@function("product of quaternions", vec(4, -1e3, 1e3), vec(4, -1e3, 1e3))
def quaternion_product(p, q):
    return hamilton(p, q)


def left_matrix(p, sign=1):
    m = p[0] * np.eye(4)
    m[0, 1:] = -p[1:]
    m[1:, 0] = p[1:]
    m[1:, 1:] += sign * cross_matrix(p[1:])
    return m


@quaternion_product.right
def _(p, q):
    return left_matrix(q, -1), left_matrix(p)


@quaternion_product.bug("taken for commutative")
def _(p, q):
    return left_matrix(q), left_matrix(p)


@function("spherical interpolation", real(0, 1), real(-3, 3))
def slerp(t, angle):
    s = math.sin(angle)
    a, b = (1 - t, t) if abs(s) < 1e-9 else (math.sin((1 - t) * angle) / s, math.sin(t * angle) / s)
    return np.array([a + b * math.cos(angle), b * s])


@slerp.right
def _(t, angle):
    return angle * np.array([-math.sin(t * angle), math.cos(t * angle)]), t * np.array(
        [-math.sin(t * angle), math.cos(t * angle)]
    )


@slerp.bug("the angle's factor forgotten")
def _(t, angle):
    return np.array([-math.sin(t * angle), math.cos(t * angle)]), slerp.derivative(t, angle)[1]


@function("rotation by Euler angles", vec(3, -10, 10))
def euler(a):
    return rotation(a)[0] @ np.array([1.0, -2.0, 0.5])


def rotation(a):
    (ca, cb, cc), (sa, sb, sc) = np.cos(a), np.sin(a)
    x = np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    y = np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
    z = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    return z @ y @ x, x, y, z


@euler.right
def _(a):
    _, x, y, z = rotation(a)
    jx, jy, jz = map(cross_matrix, np.eye(3))
    v = np.array([1.0, -2.0, 0.5])
    return np.column_stack([z @ y @ jx @ x @ v, z @ jy @ y @ x @ v, jz @ z @ y @ x @ v])


@euler.bug("the order of two rotations swapped")
def _(a):
    _, x, y, z = rotation(a)
    jx, jy, jz = map(cross_matrix, np.eye(3))
    v = np.array([1.0, -2.0, 0.5])
    return np.column_stack([y @ z @ jx @ x @ v, z @ jy @ y @ x @ v, jz @ z @ y @ x @ v])


@function("Lotka-Volterra by twenty Runge-Kutta steps", real(0.1, 5), real(0.1, 5))
def lotka(a, b):
    return lotka_pass(a, b)[0][0]


def lotka_pass(a, b, *, weight=2.0):
    def rate(s):
        (x, y), d = s[0], s[1:]
        f = np.array([a * x - x * y, x * y - b * y])
        jacobian = np.array([[a - y, -x], [y, x - b]])
        return np.vstack([f, d @ jacobian.T + np.array([[x, 0.0], [0.0, -y]])])

    s, h = np.vstack([[1.0, 0.5], np.zeros((2, 2))]), 0.05
    for _ in range(20):
        k1 = rate(s)
        k2 = rate(s + h / 2 * k1)
        k3 = rate(s + h / 2 * k2)
        k4 = rate(s + h * k3)
        s[0] += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)[0]
        s[1:] += h / 6 * (k1 + weight * k2 + 2 * k3 + k4)[1:]
    return s


@lotka.right
def _(a, b):
    s = lotka_pass(a, b)
    return s[1][0], s[2][0]


@lotka.bug("a weight of the step's stages wrong")
def _(a, b):
    s = lotka_pass(a, b, weight=1.0)
    return s[1][0], s[2][0]


@lotka.bug("the two sensitivities swapped")
def _(a, b):
    s = lotka_pass(a, b)
    return s[2][0], s[1][0]


@function("implicit Euler step of a stiff equation", real(-10, 10), real(0, 1e6))
def implicit_step(x, k):
    y = x
    for _ in range(60):
        y -= (y - x + k * y**3) / (1 + 3 * k * y * y)
    return y


@implicit_step.right
def _(x, k):
    y = implicit_step(x, k)
    return 1 / (1 + 3 * k * y * y), -(y**3) / (1 + 3 * k * y * y)


@implicit_step.bug("explicit instead")
def _(x, k):
    return 1 - 3 * k * x * x, -(x**3)


@function("exponential moving average", real(0, 1), vec(6, -1e3, 1e3))
def smoothed(a, x):
    m = x[0]
    for v in x[1:]:
        m = (1 - a) * m + a * v
    return m


@smoothed.right
def _(a, x):
    m, dm, d = x[0], 0.0, np.eye(6)[0]
    for k, v in enumerate(x[1:], 1):
        dm = (1 - a) * dm + v - m
        m = (1 - a) * m + a * v
        d = (1 - a) * d + a * np.eye(6)[k]
    return dm, d


@smoothed.bug("the average before its update, stale")
def _(a, x):
    m, dm = x[0], 0.0
    for v in x[1:]:
        m = (1 - a) * m + a * v
        dm = (1 - a) * dm + v - m
    return dm, smoothed.derivative(a, x)[1]


@smoothed.bug("off-by-one power of the weights")
def _(a, x):
    return smoothed.derivative(a, x)[0], a * (1 - a) ** np.arange(5.0, -1, -1)


@function("tracking filter of two states", real(0, 1), real(0, 1))
def tracker(alpha, beta):
    x, v, total = 0.0, 0.0, 0.0
    for y in SIGNAL.tolist():
        x += v
        e = y - x
        x, v, total = x + alpha * e, v + beta * e, total + e * e
    return total


@tracker.right
def _(alpha, beta):
    return tracked(alpha, beta)


def tracked(alpha, beta, stale=0.0):
    x, v = 0.0, 0.0
    dx, dv, total = np.zeros(2), np.zeros(2), np.zeros(2)
    for y in SIGNAL.tolist():
        x, dx = x + v, dx + dv
        e, de = y - x, -dx
        total = total + 2 * e * de
        dx = dx + np.array([e, 0.0]) + alpha * de
        dv = dv + np.array([0.0, e]) + beta * de * (1 - stale)
        x, v = x + alpha * e, v + beta * e
    return tuple(total)


@tracker.bug("the speed's own error dropped")
def _(alpha, beta):
    return tracked(alpha, beta, 1.0)


@function("area of a triangle by its sides", real(1, 100), real(1, 100), real(0.1, 3))
def heron(a, b, angle):
    c = math.sqrt(a * a + b * b - 2 * a * b * math.cos(angle))
    s = (a + b + c) / 2
    return s * (s - a) * (s - b) * (s - c)


@heron.right
def _(a, b, angle):
    s = math.sin(angle)
    return a * b * b * s * s / 2, a * a * b * s * s / 2, a * a * b * b * s * math.cos(angle) / 2


@heron.bug("missing factor 2")
def _(a, b, angle):
    da, db, d = heron.derivative(a, b, angle)
    return da, db, d / 2
