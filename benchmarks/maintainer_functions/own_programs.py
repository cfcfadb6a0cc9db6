"""More primitives of this library inside programs: chemistry, control, robust fits, iterated maps."""

from __future__ import annotations

import autograd_core as ag

from . import real, vec
from .own import own


@own("entropy of a mixed bit", lambda op, p, q: op(0.3 * p + 0.7 * q) - 0.3 * op(p) - 0.7 * op(q), real(1e-9, 1 - 1e-9), real(1e-9, 1 - 1e-9))
def bit_entropy(p):
    return -p * ag.log(p) - (1 - p) * ag.log1p(-p)


@bit_entropy.right
def _(p):
    return ag.log1p(-p) - ag.log(p)


@bit_entropy.bug("wrong sign")
def _(p):
    return ag.log(p) - ag.log1p(-p)


@own("Charbonnier flow", lambda op, u, v: ag.sum([op(a * u + b * v - c) for a, b, c in ((1.0, 0.5, 0.2), (-0.3, 1.0, 3.0), (0.0, 2.0, 1.0))]), real(), real())
def charbonnier(r):
    return ag.hypot(r, 1e-3)


@charbonnier.right
def _(r):
    return r / ag.hypot(r, 1e-3)


@charbonnier.bug("the root forgotten")
def _(r):
    return r / (r * r + 1e-6)


@own("Cauchy loss of a line", lambda op, a, b: ag.sum([op((a * t + b - y) / 2.0) for t, y in ((0.0, 1.0), (1.0, 3.0), (2.0, 20.0), (3.0, 7.0))]), real(-1e3, 1e3), real(-1e3, 1e3))
def cauchy(r):
    return ag.log1p(r * r)


@cauchy.right
def _(r):
    return 2 * r / (1 + r * r)


@cauchy.bug("missing factor 2")
def _(r):
    return r / (1 + r * r)


@own("distance in the hyperbolic half plane", lambda op, x, y: op(1.0 + ((x - 0.5) ** 2 + (y - 2.0) ** 2) / (4.0 * y)) ** 2, real(-100, 100), real(1e-3, 100))
def arcosh(z):
    return ag.acosh(z)


@arcosh.right
def _(z):
    return 1 / ag.sqrt((z - 1) * (z + 1))


@arcosh.bug("the sign within the root")
def _(z):
    return 1 / ag.sqrt(z * z + 1)


def pol(op, x, v, mu):
    for _ in range(10):
        x, v = x + 0.05 * v, v + 0.05 * op(x, v, mu)
    return x * x + v


@own("oscillator of van der Pol", pol, real(-3, 3), real(-3, 3), real(0, 5))
def acceleration(x, v, mu):
    return mu * (1 - x * x) * v - x


@acceleration.right
def _(x, v, mu):
    return -2 * mu * x * v - 1, mu * (1 - x * x), (1 - x * x) * v


@acceleration.bug("dropped term")
def _(x, v, mu):
    return -2 * mu * x * v, mu * (1 - x * x), (1 - x * x) * v


@own("viscosity of Carreau", lambda op, g, n: op(g, n) * g + op(2.0 * g, n), real(0, 1e6), real(0.1, 1))
def carreau(g, n):
    return (1 + g * g) ** ((n - 1) / 2)


@carreau.right
def _(g, n):
    z = (1 + g * g) ** ((n - 1) / 2)
    return (n - 1) * g * z / (1 + g * g), 0.5 * ag.log1p(g * g) * z


@carreau.bug("the half of the exponent forgotten")
def _(g, n):
    z = (1 + g * g) ** ((n - 1) / 2)
    return (n - 1) * g * z / (1 + g * g), ag.log1p(g * g) * z


@own("elbow of a robot, by the law of cosines", lambda op, x, y: op(x * x + y * y) + ag.atan2(y, x), real(0.3, 0.9), real(0.3, 0.9))
def elbow(r):
    return ag.acos((r - 1.0 - 0.81) / 1.8)


@elbow.right
def _(r):
    c = (r - 1.0 - 0.81) / 1.8
    return -1 / 1.8 / ag.sqrt((1 - c) * (1 + c))


@elbow.bug("wrong sign")
def _(r):
    c = (r - 1.0 - 0.81) / 1.8
    return 1 / 1.8 / ag.sqrt((1 - c) * (1 + c))


def controlled(op, kp, ki):
    x, s = 1.0, 0.0
    for _ in range(12):
        s = s + 0.1 * x
        x = x + 0.1 * op(-kp * x - ki * s) + 0.02 * x
    return x * x


@own("controller with a bounded output", controlled, real(0, 50), real(0, 50))
def bounded(u):
    return ag.clip(u, -1.0, 1.0)


@bounded.right
def _(u):
    return ag.where(ag.abs(u) <= 1.0, 1.0, 0.0)


@bounded.bug("never at its bounds")
def _(u):
    return 0 * u + 1.0


@own("Morse chain", lambda op, a, b, c: op(a) + op(b) + op(c) + op(a + b) + op(b + c), real(0.1, 50), real(0.1, 50), real(0.1, 50))
def morse(r):
    return (1 - ag.exp(-1.5 * (r - 1.2))) ** 2


@morse.right
def _(r):
    e = ag.exp(-1.5 * (r - 1.2))
    return 3.0 * (1 - e) * e


@morse.bug("dropped factor")
def _(r):
    return 3.0 * ag.exp(-1.5 * (r - 1.2))


def iterated(op, x, r):
    for _ in range(12):
        x = op(x, r)
    return x


@own("population by Ricker's map", iterated, real(0.01, 3), real(0.1, 2.5))
def ricker(x, r):
    return x * ag.exp(r * (1 - x))


@ricker.right
def _(x, r):
    e = ag.exp(r * (1 - x))
    return (1 - r * x) * e, x * (1 - x) * e


@ricker.bug("the product rule forgotten")
def _(x, r):
    e = ag.exp(r * (1 - x))
    return -r * x * e, x * (1 - x) * e


@own("rates of Arrhenius", lambda op, e, t: op(e, t) / (op(e, t) + op(0.5 * e, t) + 1e-3), real(0, 100), real(0.1, 1e3))
def arrhenius(e, t):
    return ag.exp(-e / t)


@arrhenius.right
def _(e, t):
    k = ag.exp(-e / t)
    return -k / t, e * k / (t * t)


@arrhenius.bug("off-by-one exponent")
def _(e, t):
    k = ag.exp(-e / t)
    return -k / t, e * k / t


@own("Catmull-Rom path", lambda op, t, p: ag.hypot(op(t, p[0], p[1], p[2], p[3]) - 1.0, t), real(0, 1), vec(4, -1e3, 1e3))
def catmull(t, a, b, c, d):
    return 0.5 * (2 * b + t * (c - a) + t * t * (2 * a - 5 * b + 4 * c - d) + t**3 * (3 * b - a - 3 * c + d))


@catmull.right
def _(t, a, b, c, d):
    u = 1 - t
    slope = 0.5 * (c - a) + t * (2 * a - 5 * b + 4 * c - d) + 1.5 * t * t * (3 * b - a - 3 * c + d)
    return slope, -0.5 * t * u * u, 0.5 * u * (2 + 2 * t - 3 * t * t), 0.5 * t * (1 + 4 * t - 3 * t * t), -0.5 * t * t * u


@catmull.bug("off-by-one point")
def _(t, a, b, c, d):
    g = catmull.derivative(t, a, b, c, d)
    return g[0], g[1], g[2], g[4], g[3]
