"""Functions in single precision, in NumPy."""

from __future__ import annotations

import numpy as np
from scipy import special

from . import function, real32, vec32

F = np.float32


@function("log cosh in single precision", vec32(3), dtype="float32")
def log_cosh(x):
    a = np.abs(x)
    return np.sum(a + np.log1p(np.exp(-2 * a)) - F(np.log(2)))


@log_cosh.right
def _(x):
    return np.tanh(x)


@log_cosh.bug("wrong for negative numbers")
def _(x):
    return np.tanh(np.abs(x))


@function("softplus in single precision", real32(), dtype="float32")
def softplus(x):
    return np.maximum(x, F(0)) + np.log1p(np.exp(-np.abs(x)))


@softplus.right
def _(x):
    return special.expit(x)


@softplus.bug("wrong branch for large numbers")
def _(x):
    return special.expit(x) if x < 20 else F(0)


@function("log-sum-exp in single precision", vec32(4), dtype="float32")
def log_sum_exp(x):
    return np.max(x) + np.log(np.sum(np.exp(x - np.max(x))))


@log_sum_exp.right
def _(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


@log_sum_exp.bug("the largest entry alone")
def _(x):
    return np.eye(4, dtype=F)[np.argmax(x)]


@function("normal distribution function in single precision", real32(-20, 20), dtype="float32")
def normal_cdf(x):
    return special.ndtr(x)


@normal_cdf.right
def _(x):
    return np.exp(F(-0.5) * x * x) * F(0.3989422804)


@normal_cdf.bug("wrong in single precision only: a step of 1e-4 in a difference")
def _(x):
    return (special.ndtr(F(x + F(1e-4))) - special.ndtr(F(x - F(1e-4)))) / F(2e-3)


@function("root mean square norm in single precision", vec32(4, -100, 100), dtype="float32")
def rms_norm(x):
    return x / np.sqrt(np.mean(x * x) + F(1e-3))


@rms_norm.right
def _(x):
    s = np.sqrt(np.mean(x * x) + F(1e-3))
    return (np.eye(4, dtype=F) - np.outer(x, x) / (4 * s * s)) / s


@rms_norm.bug("missing factor 1/n")
def _(x):
    s = np.sqrt(np.mean(x * x) + F(1e-3))
    return (np.eye(4, dtype=F) - np.outer(x, x) / (s * s)) / s


@function("Huber loss in single precision", vec32(4, -100, 100), dtype="float32")
def huber(r):
    a = np.abs(r)
    return np.sum(np.where(a <= 1, F(0.5) * r * r, a - F(0.5)))


@huber.right
def _(r):
    return np.clip(r, F(-1), F(1))


@huber.bug("wrong sign beyond the kink")
def _(r):
    return np.where(np.abs(r) <= 1, r, -np.sign(r))


@function("GELU in single precision", vec32(3, -50, 50), dtype="float32")
def gelu(x):
    return np.sum(F(0.5) * x * (1 + np.tanh(F(0.7978845608) * (x + F(0.044715) * x**3))))


@gelu.right
def _(x):
    t = np.tanh(F(0.7978845608) * (x + F(0.044715) * x**3))
    return F(0.5) * (1 + t) + F(0.5) * x * (1 - t * t) * F(0.7978845608) * (1 + F(0.134145) * x * x)


@gelu.bug("the inner derivative without its factor 3")
def _(x):
    t = np.tanh(F(0.7978845608) * (x + F(0.044715) * x**3))
    return F(0.5) * (1 + t) + F(0.5) * x * (1 - t * t) * F(0.7978845608) * (1 + F(0.044715) * x * x)


@function("mean squared error in single precision", vec32(4, -1000, 1000), dtype="float32")
def squares(x):
    return np.mean((x - np.array([1, 2, 3, 4], F)) ** 2)


@squares.right
def _(x):
    return (x - np.array([1, 2, 3, 4], F)) / F(2)


@squares.bug("missing factor 2")
def _(x):
    return (x - np.array([1, 2, 3, 4], F)) / F(4)


@function("linear interpolation in a table, in single precision", real32(0, 4), dtype="float32")
def table(x):
    return F(np.interp(x, np.arange(5.0), np.array([0.0, 1.0, -1.0, 0.5, 2.0])))


@table.right
def _(x):
    return F(np.diff([0.0, 1.0, -1.0, 0.5, 2.0])[min(int(x), 3)])


@table.bug("rounded to the nearest cell")
def _(x):
    return F(np.diff([0.0, 1.0, -1.0, 0.5, 2.0])[min(int(x + F(0.5)), 3)])
