"""Rotations, triangles, the globe and colours, in NumPy."""

from __future__ import annotations

import math

import numpy as np

from . import function, real, vec


def cross_matrix(w):
    return np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])


@function("rotation by a quaternion", vec(4, -10, 10), vec(3, -1e3, 1e3), domain=lambda q, v: q @ q > 0.01)
def rotate(q, v):
    w, u = q[0], q[1:]
    return (2 * (u @ v) * u + (w * w - u @ u) * v + 2 * w * np.cross(u, v)) / (q @ q)


def raw_rotation(q, v):
    w, u = q[0], q[1:]
    dw = 2 * w * v + 2 * np.cross(u, v)
    du = 2 * ((u @ v) * np.eye(3) + np.outer(u, v) - np.outer(v, u) - w * cross_matrix(v))
    return np.column_stack([dw, du])


@rotate.right
def _(q, v):
    n = q @ q
    w, u = q[0], q[1:]
    dv = (2 * np.outer(u, u) + (w * w - u @ u) * np.eye(3) + 2 * w * cross_matrix(u)) / n
    return (raw_rotation(q, v) - 2 * np.outer(rotate(q, v), q)) / n, dv


@rotate.bug("the normalisation forgotten")
def _(q, v):
    return raw_rotation(q, v) / (q @ q), rotate.derivative(q, v)[1]


@rotate.bug("the inverse rotation")
def _(q, v):
    dq, dv = rotate.derivative(q, v)
    return dq, dv.T


@function("rotation by an axis and an angle", vec(3, -3, 3))
def rodrigues(w):
    t2 = w @ w
    t = math.sqrt(t2)
    a, b = (math.sin(t) / t, (1 - math.cos(t)) / t2) if t > 1e-2 else (1 - t2 / 6 + t2 * t2 / 120, 0.5 - t2 / 24 + t2 * t2 / 720)
    k = cross_matrix(w)
    return (np.eye(3) + a * k + b * k @ k) @ np.array([1.0, -2.0, 0.5])


def rodrigues_jacobian(w, *, small=1e-2):
    t2, v = w @ w, np.array([1.0, -2.0, 0.5])
    t = math.sqrt(t2)
    if t > small:
        a, b = math.sin(t) / t, (1 - math.cos(t)) / t2
        da, db = (math.cos(t) - a) / t2, (a - 2 * b) / t2
    else:
        a, b = 1 - t2 / 6 + t2 * t2 / 120, 0.5 - t2 / 24 + t2 * t2 / 720
        da, db = -1 / 3 + t2 / 30, -1 / 12 + t2 / 180
    k = cross_matrix(w)
    jacobian = np.outer(k @ v, da * w) + np.outer(k @ k @ v, db * w)
    for j in range(3):
        e = cross_matrix(np.eye(3)[j])
        jacobian[:, j] += a * e @ v + b * (e @ k + k @ e) @ v
    return jacobian


@rodrigues.right
def _(w):
    return rodrigues_jacobian(w)


@rodrigues.bug("the series of small angles up to one")
def _(w):
    return rodrigues_jacobian(w, small=1.0)


@function("great-circle distance", real(-1.5, 1.5), real(-3, 3), real(-1.5, 1.5), real(-3, 3))
def haversine(p, l, q, k):  # noqa: E741
    return math.asin(math.sqrt(haversine_square(p, l, q, k)))


def haversine_square(p, l, q, k):  # noqa: E741
    return min(1.0, math.sin((q - p) / 2) ** 2 + math.cos(p) * math.cos(q) * math.sin((k - l) / 2) ** 2)


@haversine.right
def _(p, l, q, k):  # noqa: E741
    a = haversine_square(p, l, q, k)
    if not 0 < a < 1:
        return 0.0, 0.0, 0.0, 0.0
    outer = 0.5 / math.sqrt(a * (1 - a))
    s, half = math.sin((k - l) / 2) ** 2, 0.5 * math.sin(q - p)
    dl = -0.5 * math.cos(p) * math.cos(q) * math.sin(k - l)
    dp, dq = -half - math.sin(p) * math.cos(q) * s, half - math.cos(p) * math.sin(q) * s
    return outer * dp, outer * dl, outer * dq, -outer * dl


@haversine.bug("latitude and longitude swapped")
def _(p, l, q, k):  # noqa: E741
    a, b, c, d = haversine.derivative(p, l, q, k)
    return b, a, d, c


@haversine.bug("the cosine of the latitude taken for a constant")
def _(p, l, q, k):  # noqa: E741
    a = haversine_square(p, l, q, k)
    _, dl, _, dk = haversine.derivative(p, l, q, k)
    outer = 0.5 / math.sqrt(a * (1 - a)) if 0 < a < 1 else 0.0
    return -outer * 0.5 * math.sin(q - p), dl, outer * 0.5 * math.sin(q - p), dk


@function("area of a triangle", vec((3, 2), -1e6, 1e6))
def triangle(p):
    return 0.5 * abs(signed_area(p))


def signed_area(p):
    (a, b), (c, d) = p[1] - p[0], p[2] - p[0]
    return a * d - b * c


def area_gradient(p):
    x, y = p.T
    return 0.5 * np.column_stack([np.roll(y, -1) - np.roll(y, 1), np.roll(x, 1) - np.roll(x, -1)])


@triangle.right
def _(p):
    return np.sign(signed_area(p)) * area_gradient(p)


@triangle.bug("wrong for clockwise corners")
def _(p):
    return area_gradient(p)


@function("sRGB to linear light", vec(3, 0, 1))
def linear_light(c):
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ np.array([0.2126, 0.7152, 0.0722])


@linear_light.right
def _(c):
    slope = np.where(c <= 0.04045, 1 / 12.92, 2.4 / 1.055 * ((c + 0.055) / 1.055) ** 1.4)
    return slope * np.array([0.2126, 0.7152, 0.0722])


@linear_light.bug("the power everywhere")
def _(c):
    return 2.4 / 1.055 * ((c + 0.055) / 1.055) ** 1.4 * np.array([0.2126, 0.7152, 0.0722])


@linear_light.bug("red and blue swapped")
def _(c):
    slope = np.where(c <= 0.04045, 1 / 12.92, 2.4 / 1.055 * ((c + 0.055) / 1.055) ** 1.4)
    return slope * np.array([0.0722, 0.7152, 0.2126])


@function("CIE lightness", real(0, 1))
def lightness(y):
    return 116 * np.cbrt(y) - 16 if y > (6 / 29) ** 3 else (29 / 3) ** 3 * y


@lightness.right
def _(y):
    return 116 / 3 / np.cbrt(y) ** 2 if y > (6 / 29) ** 3 else (29 / 3) ** 3


@lightness.bug("one cube root short")
def _(y):
    return 116 / 3 / np.cbrt(y) if y > (6 / 29) ** 3 else (29 / 3) ** 3


@function("saturation of a colour", vec(3, 0.01, 1))
def saturation(c):
    return 1 - np.min(c) / np.max(c)


@saturation.right
def _(c):
    g = np.zeros(3)
    g[np.argmin(c)] -= 1 / np.max(c)
    g[np.argmax(c)] += np.min(c) / np.max(c) ** 2
    return g


@saturation.bug("the largest channel taken for a constant")
def _(c):
    g = np.zeros(3)
    g[np.argmin(c)] -= 1 / np.max(c)
    return g


@function("spherical coordinates", real(0, 1e6), real(-10, 10), real(-10, 10))
def spherical(r, a, b):
    return np.array([r * np.sin(a) * np.cos(b), r * np.sin(a) * np.sin(b), r * np.cos(a)])


@spherical.right
def _(r, a, b):
    sa, ca, sb, cb = np.sin(a), np.cos(a), np.sin(b), np.cos(b)
    return np.array([sa * cb, sa * sb, ca]), r * np.array([ca * cb, ca * sb, -sa]), r * np.array([-sa * sb, sa * cb, 0])


@spherical.bug("the two angles swapped")
def _(r, a, b):
    dr, da, db = spherical.derivative(r, a, b)
    return dr, db, da


@function("sine over its argument", real(-1e3, 1e3))
def sinc(x):
    return np.sinc(x)


@sinc.right
def _(x):
    y = np.pi * x
    if abs(y) < 1e-2:
        return np.pi * (-y / 3 + y**3 / 30 - y**5 / 840)
    return (np.cos(y) - np.sin(y) / y) / x


@sinc.bug("wrong term of the series")
def _(x):
    y = np.pi * x
    return np.pi * (-y / 6) if abs(y) < 1e-2 else (np.cos(y) - np.sin(y) / y) / x


@sinc.bug("the argument's factor forgotten")
def _(x):
    return sinc.derivative(x) / np.pi


@function("smooth step", real(-10, 10))
def smooth_step(x):
    t = min(max(x, 0.0), 1.0)
    return t * t * (3 - 2 * t)


@smooth_step.right
def _(x):
    return 6 * x * (1 - x) if 0 < x < 1 else 0.0


@smooth_step.bug("not clamped")
def _(x):
    return 6 * x * (1 - x)
