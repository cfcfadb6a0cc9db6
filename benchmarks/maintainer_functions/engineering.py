"""Kinetics, monotone splines, conservation laws, robots, cameras and shapes, in NumPy."""

from __future__ import annotations

import math

import numpy as np

from . import function, real, vec


@function("Hill kinetics", real(1e-6, 1e6), real(1e-3, 1e3), real(0.5, 4))
def hill(s, k, n):
    return s**n / (k**n + s**n)


@hill.right
def _(s, k, n):
    a, b = s**n, k**n
    w = a * b / (a + b) ** 2
    return n / s * w, -n / k * w, w * np.log(s / k)


@hill.bug("the logarithm of s alone")
def _(s, k, n):
    a, b = s**n, k**n
    w = a * b / (a + b) ** 2
    return n / s * w, -n / k * w, w * np.log(s)


def harmonic(a, b):
    return 2 * a * b / (a + b) if a * b > 0 else 0.0


def harmonic_slopes(a, b):
    return (2 * (b / (a + b)) ** 2, 2 * (a / (a + b)) ** 2) if a * b > 0 else (0.0, 0.0)


@function("monotone cubic interpolation", real(0, 1), vec(4, -1e3, 1e3))
def pchip(t, y):
    a, b, c = np.diff(y)
    d, e = harmonic(a, b), harmonic(b, c)
    return y[1] * (1 + 2 * t) * (1 - t) ** 2 + d * t * (1 - t) ** 2 + y[2] * t * t * (3 - 2 * t) + e * t * t * (t - 1)


def pchip_slopes(t, y, *, swap=False):
    a, b, c = np.diff(y)
    d, e = harmonic(a, b), harmonic(b, c)
    (da, db), (eb, ec) = harmonic_slopes(a, b), harmonic_slopes(b, c)
    if swap:
        da, db, eb, ec = db, da, ec, eb
    h1, h2 = t * (1 - t) ** 2, t * t * (t - 1)
    dt = y[1] * (6 * t * t - 6 * t) + d * (1 - t) * (1 - 3 * t) + y[2] * (6 * t - 6 * t * t) + e * (3 * t * t - 2 * t)
    g = np.array([-h1 * da, (1 + 2 * t) * (1 - t) ** 2 + h1 * (da - db) - h2 * eb, t * t * (3 - 2 * t) + h1 * db + h2 * (eb - ec), h2 * ec])
    return dt, g


@pchip.right
def _(t, y):
    return pchip_slopes(t, y)


@pchip.bug("the slopes of the harmonic mean swapped")
def _(t, y):
    return pchip_slopes(t, y, swap=True)


W6 = np.array([1.0, -2.0, 0.5, 3.0, -1.0, 0.7])


def burgers_states(u, n=8, c=0.1):
    states = [u]
    for _ in range(n):
        left, right = np.roll(u, 1), np.roll(u, -1)
        u = (left + right) / 2 - c * (right**2 - left**2) / 2
        states.append(u)
    return states


@function("Burgers' equation by Lax and Friedrichs", vec(6, -2, 2))
def burgers(u):
    return W6 @ burgers_states(u)[-1]


def burgers_adjoint(u, c=0.1, flip=1):
    states, g = burgers_states(u), W6
    for v in states[-2::-1]:
        g = (np.roll(g, -1) + np.roll(g, 1)) / 2 + flip * c * v * (np.roll(g, -1) - np.roll(g, 1))
    return g


@burgers.right
def _(u):
    return burgers_adjoint(u)


@burgers.bug("the transport in the forward direction")
def _(u):
    return burgers_adjoint(u, flip=-1)


def minmod(a, b):
    return np.where(a * b > 0, np.where(np.abs(a) < np.abs(b), a, b), 0.0)


@function("advection with a minmod limiter", vec(6, -1e3, 1e3))
def advection(u):
    s = minmod(u - np.roll(u, 1), np.roll(u, -1) - u)
    flux = u + 0.5 * (1 - 0.4) * s
    return u - 0.4 * (flux - np.roll(flux, 1))


def advection_jacobian(u, *, limited=True):
    a, b = u - np.roll(u, 1), np.roll(u, -1) - u
    eye = np.eye(6)
    da, db = eye - np.roll(eye, 1, 0), np.roll(eye, -1, 0) - eye
    take_a = (np.abs(a) < np.abs(b))[:, None]
    ds = np.where((a * b > 0)[:, None], np.where(take_a, da, db), 0.0)
    if not limited:
        ds = np.where(take_a, da, db)
    df = eye + 0.5 * 0.6 * ds
    return eye - 0.4 * (df - np.roll(df, 1, 0))


@advection.right
def _(u):
    return advection_jacobian(u)


@advection.bug("no limit at extrema")
def _(u):
    return advection_jacobian(u, limited=False)


LINKS = np.array([1.0, 0.7, 0.4])


@function("reach of an arm with three joints", vec(3, -math.pi, math.pi), vec(2, -3, 3))
def arm(q, target):
    a = np.cumsum(q)
    return np.hypot(LINKS @ np.cos(a) - target[0], LINKS @ np.sin(a) - target[1])


def arm_gradient(q, target, *, whole=True):
    a = np.cumsum(q)
    e = np.array([LINKS @ np.cos(a) - target[0], LINKS @ np.sin(a) - target[1]])
    r = np.hypot(*e)
    n = e / r if r else np.zeros(2)
    each = LINKS * (-np.sin(a) * n[0] + np.cos(a) * n[1])
    return (np.cumsum(each[::-1])[::-1] if whole else each), -n


@arm.right
def _(q, target):
    return arm_gradient(q, target)


@arm.bug("a joint moves its own link alone")
def _(q, target):
    return arm_gradient(q, target, whole=False)


@function("residual of a pose graph", vec(3, -100, 100), vec(3, -100, 100))
def pose(p, q):
    c, s = np.cos(p[2]), np.sin(p[2])
    dx, dy = q[:2] - p[:2]
    return np.array([c * dx + s * dy - 1.0, -s * dx + c * dy, np.remainder(q[2] - p[2] + np.pi, 2 * np.pi) - np.pi])


def pose_jacobians(p, q, sign=1):
    c, s = np.cos(p[2]), np.sin(p[2])
    dx, dy = q[:2] - p[:2]
    j = np.array([[-c, -s, -s * dx + c * dy], [s, -c, sign * (-c * dx - s * dy)], [0, 0, -1]])
    return j, np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])


@pose.right
def _(p, q):
    return pose_jacobians(p, q)


@pose.bug("wrong sign of one rotation")
def _(p, q):
    return pose_jacobians(p, q, -1)


@function("camera with radial distortion", vec(2, -10, 10), real(0.1, 100), vec(2, -0.5, 0.5))
def camera(p, z, k):
    u = p / z
    r = u @ u
    return 500 * u * (1 + k[0] * r + k[1] * r * r)


def camera_jacobians(p, z, k, two=2):
    u = p / z
    r = u @ u
    d, slope = 1 + k[0] * r + k[1] * r * r, k[0] + two * k[1] * r
    ju = 500 * (d * np.eye(2) + 2 * slope * np.outer(u, u))
    return ju / z, -ju @ u / z, 500 * np.outer(u, [r, r * r])


@camera.right
def _(p, z, k):
    return camera_jacobians(p, z, k)


@camera.bug("the second coefficient without its factor 2")
def _(p, z, k):
    return camera_jacobians(p, z, k, 1)


def across(u, v):
    return u[0] * v[1] - u[1] * v[0]


def place(p, a, b):
    d = b - a
    return min(max((p - a) @ d / (d @ d), 0.0), 1.0) if d @ d else 0.0


@function("distance to a segment", vec(2, -100, 100), vec(2, -100, 100), vec(2, -100, 100))
def segment(p, a, b):
    t = place(p, a, b)
    if 0 < t < 1:
        return abs(across(b - a, p - a)) / np.hypot(*(b - a))
    return np.hypot(*(p - (a if t == 0 else b)))


def segment_gradient(p, a, b, *, swap=False):
    t, d = place(p, a, b), b - a
    if 0 < t < 1:
        n = np.sign(across(d, p - a)) * np.array([-d[1], d[0]]) / np.hypot(*d)
    else:
        e = p - (a if t == 0 else b)
        n = e / np.hypot(*e) if np.any(e) else np.zeros(2)
    return n, -(t if swap else 1 - t) * n, -(1 - t if swap else t) * n


@segment.right
def _(p, a, b):
    return segment_gradient(p, a, b)


@segment.bug("the weights of the ends swapped")
def _(p, a, b):
    return segment_gradient(p, a, b, swap=True)


@function("signed distance of a box", vec(2, -1e3, 1e3), vec(2, 1e-3, 1e3))
def box(p, half):
    q = np.abs(p) - half
    return np.hypot(*np.maximum(q, 0)) + min(max(q), 0.0)


def box_gradient(p, half, *, signed=True):
    q = np.abs(p) - half
    if max(q) > 0:
        o = np.maximum(q, 0)
        g = o / np.hypot(*o)
    else:
        g = np.eye(2)[np.argmax(q)]
    return g * (np.sign(p) if signed else 1), -g


@box.right
def _(p, half):
    return box_gradient(p, half)


@box.bug("the sign of the absolute value forgotten")
def _(p, half):
    return box_gradient(p, half, signed=False)
