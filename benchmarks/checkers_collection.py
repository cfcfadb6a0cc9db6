"""Planted faults and right programs, most of them nasty, each written once over the terms `m` of any library.

What `m` supplies is said in `checkers_terms.py`. A fault is a function with a derivative written by hand that is wrong
at the point where it is looked at; it stands by itself or inside a program. `host` says how this library's checker meets
it: as an operation of its own graphs ("own": a user's @primitive, or a planted entry of the table where `op` is the name of
one), or as another library's function.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, eq=False)
class Case:
    """One fault, or one right program.

    Attributes:
        name: What it is.
        category: What kind of fault, or what is nasty.
        at: The arguments where it is checked.
        value: The function, `value(m, *args)`; its result is one number.
        derived: Its derivative by hand, an entry per argument; None for the library's own.
        program: `program(m, op, *args)` around the function; None for the function itself.
        host: "own", "numpy", "c", "torch" or "jax".
        op: The name of the operation: of an entry of the table, or of a user's primitive.
        named: The operation at fault, where it is another one.
        order: Of the derivative that is checked.
        fault: Whether the derivative is wrong.
        kink: Whether the point is a kink, where a verdict that says so is right.
        found: "not finite" for a fault that consists in that.
    """

    name: str
    category: str
    at: tuple[Any, ...]
    value: Callable[..., Any]
    derived: Callable[..., Any] | None = None
    program: Callable[..., Any] | None = None
    host: str = "own"
    op: str = "planted"
    named: str = ""
    order: int = 1
    fault: bool = False
    kink: bool = False
    found: str = ""

    def function(self, m: Any) -> Callable[..., Any]:
        """The program in one library's terms."""
        if self.derived is None:
            return partial(self.value, m)
        op = m.custom(self.op, partial(self.value, m), partial(self.derived, m))
        return op if self.program is None else partial(self.program, m, op)

    def derivative(self, m: Any) -> Callable[..., Any]:
        """The derivative by hand in one library's terms."""
        return partial(self.derived, m)


FAULTS: list[Case] = []
PROGRAMS: list[Case] = []


def fault(category: str, name: str, at: tuple[Any, ...], value: Any, derived: Any = None, **facts: Any) -> None:
    FAULTS.append(Case(name, category, at, value, derived, fault=True, **facts))


def right(category: str, name: str, at: tuple[Any, ...], value: Any, derived: Any = None, **facts: Any) -> None:
    PROGRAMS.append(Case(name, category, at, value, derived, **facts))


def array(*numbers: float) -> Any:
    return np.array(numbers, dtype=float)


def sigmoid(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


def fold(step: Callable[[Any], Any], times: int, x: Any) -> Any:
    for _ in range(times):
        x = step(x)
    return x


def fixed_point(m: Any, a: Any) -> Any:
    """z = a cos z, by Newton steps until they stand still."""
    z = a + 0.0
    for _ in range(50):
        z, before = z - (z - a * m.cos(z)) / (1 + a * m.sin(z)), z
        if abs(z - before) <= 1e-15:
            break
    return z


def sech2(m: Any, x: Any) -> Any:
    return 1 - m.tanh(x) ** 2


# --- faults ----------------------------------------------------------------------------------------------------------

kind = "wrong sign"
fault(kind, "cos' = +sin in the table", (0.7,), lambda m, x: m.cos(x), lambda m, x: m.sin(x), op="cos",
      program=lambda m, cos, x: m.exp(cos(x)) * x)
fault(kind, "second partial of a difference", (3.0, 1.25), lambda m, x, y: x - y, lambda m, x, y: (1.0, 1.0), op="sub",
      program=lambda m, sub, x, y: m.tanh(sub(x, y)) + x * y)
fault(kind, "Rosenbrock by hand, +2(1 - x)", (array(-1.2, 1.0),), lambda m, v: (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2,
      lambda m, v: m.stack([-400 * v[0] * (v[1] - v[0] ** 2) + 2 * (1 - v[0]), 200 * (v[1] - v[0] ** 2)]), host="numpy")
fault(kind, "Bessel function in C, J0' = +J1", (1.3,), lambda m, x: m.c("j0")(x), lambda m, x: m.c("j1")(x), host="c")
fault(kind, "log cosh", (-0.4,), lambda m, x: m.log(m.cosh(x)), lambda m, x: -m.tanh(x), host="torch")

kind = "missing factor"
fault(kind, "(x^2)' = x", (1.7,), lambda m, x: x * x, lambda m, x: x, op="square", program=lambda m, square, x: m.sin(square(x)) + square(x - 1))
fault(kind, "log10' = 1/x in the table", (20.0,), lambda m, x: m.log10(x), lambda m, x: 1 / x, op="log10",
      program=lambda m, log10, x: x * log10(x + 1))
fault(kind, "normal density, mean's 1/s forgotten", (0.3, 1.1, 2.5), lambda m, x, mu, s: m.exp(-(((x - mu) / s) ** 2) / 2) / s,
      lambda m, x, mu, s: (
          -(x - mu) / s**3 * m.exp(-(((x - mu) / s) ** 2) / 2),
          (x - mu) / s**2 * m.exp(-(((x - mu) / s) ** 2) / 2),
          (((x - mu) / s) ** 2 - 1) / s**2 * m.exp(-(((x - mu) / s) ** 2) / 2),
      ), op="density")
fault(kind, "mean of squares without 1/n", (array(1.0, -2.0, 0.5), array(0.8, -1.0, 1.5)), lambda m, x, t: m.sum((x - t) ** 2) / 3,
      lambda m, x, t: (2 * (x - t), -2 * (x - t)), host="numpy")
fault(kind, "softplus with a slope, the slope twice", (0.6,), lambda m, x: m.log1p(m.exp(3 * x)) / 3, lambda m, x: 3 * sigmoid(m, 3 * x), host="jax")
fault(kind, "lgamma in C, digamma's 1/x term halved", (2.5,), lambda m, x: m.c("lgamma")(x),
      lambda m, x: 0.7031566406452432 + 0.2, host="c")
fault(kind, "one entry of 200 is off by a thousandth", (np.cos(np.arange(200.0)),), lambda m, x: m.sum(m.sin(x)),
      lambda m, x: m.cos(x) * array(*(1.001 if k == 137 else 1.0 for k in range(200))), host="numpy")

kind = "stale value"
fault(kind, "sin' at the operand of the first call", (0.75,), lambda m, x: m.sin(x), lambda m, x: m.cos(0 * x + 0.5), op="cached_sine",
      program=lambda m, op, x: op(x) * m.exp(x))
fault(kind, "root by Newton, derivative of the last step but one", (2.0,),
      lambda m, x: fold(lambda z: (z + x / z) / 2, 6, 1.5 + 0 * x), lambda m, x: 0.5 / fold(lambda z: (z + x / z) / 2, 1, 1.5 + 0 * x), op="newton_root",
      program=lambda m, root, x: root(x * x + 1))
fault(kind, "recurrent step with the state after it", (0.8, -0.5, 0.3), lambda m, w, u, h: m.tanh(w * 1.2 + u * h),
      lambda m, w, u, h: (
          1.2 * sech2(m, w * 1.2 + u * h), m.tanh(w * 1.2 + u * h) * sech2(m, w * 1.2 + u * h), u * sech2(m, w * 1.2 + u * h)
      ), host="numpy")
fault(kind, "norm. by the variance of an earlier batch", (array(0.5, -1.0, 2.0),),
      lambda m, x: x[0] / m.sqrt(m.sum(x**2)), lambda m, x: m.stack([1 / 2.2 - x[0] ** 2 / 2.2**3, -x[0] * x[1] / 2.2**3, -x[0] * x[2] / 2.2**3]), host="torch")
fault(kind, "product whose factor changed after it was kept", (1.5, 2.0), lambda m, x, y: x * y, lambda m, x, y: (y + 0.25, x), op="mul",
      program=lambda m, mul, x, y: m.sin(mul(x, y)))

kind = "dropped path"
fault(kind, "share x/(x + y) without the sum's own path", (1.2, 0.7), lambda m, x, y: x / (x + y), lambda m, x, y: (1 / (x + y), -x / (x + y) ** 2),
      op="share", program=lambda m, share, x, y: m.log(share(x, y)) * x)
fault(kind, "second partial of a product is 0", (1.4, -0.6), lambda m, x, y: x * y, lambda m, x, y: (y, 0.0 * x), op="mul",
      program=lambda m, mul, x, y: m.exp(mul(x, y)) - y)
fault(kind, "last of four operands forgotten", (0.5, -0.2, 1.0, 0.3), lambda m, a, b, c, d: m.log(m.exp(a) + m.exp(b) + m.exp(c) + m.exp(d)),
      lambda m, a, b, c, d: (
          *(m.exp(x) / (m.exp(a) + m.exp(b) + m.exp(c) + m.exp(d)) for x in (a, b, c)), 0 * d
      ), op="log_sum", program=lambda m, op, *xs: op(*xs) ** 2)
fault(kind, "softmax: the diagonal of its Jacobian alone", (array(0.2, 1.0, -0.5),), lambda m, x: m.exp(x[1]) / m.sum(m.exp(x)),
      lambda m, x: (m.exp(x) / m.sum(m.exp(x))) * (1 - m.exp(x) / m.sum(m.exp(x))) * array(0.0, 1.0, 0.0), host="numpy")
fault(kind, "x times x, one factor cut off", (1.3,), lambda m, x: m.sin(x) * m.stop(x), host="torch")
fault(kind, "layer norm as if its mean were constant", (array(1.5, -1.0, 2.0),), lambda m, x: (x[0] - m.sum(x) / 3) ** 3,
      lambda m, x: m.stack([3 * (x[0] - m.sum(x) / 3) ** 2, 0.0 * x[1], 0.0 * x[2]]), host="numpy")

kind = "overwritten"
fault(kind, "weight used twice, the last use written over the first", (0.6, 1.1, -0.4), lambda m, w, x, y: m.sin(w * x) + m.sin(w * y),
      lambda m, w, x, y: (y * m.cos(w * y), w * m.cos(w * x), w * m.cos(w * y)), op="two_uses")
fault(kind, "convolution of a kernel, last patch only", (0.5, -0.3, 1.0, 2.0, -1.0),
      lambda m, k0, k1, a, b, c: (k0 * a + k1 * b) ** 2 + (k0 * b + k1 * c) ** 2,
      lambda m, k0, k1, a, b, c: (
          2 * (k0 * b + k1 * c) * b, 2 * (k0 * b + k1 * c) * c, 2 * (k0 * a + k1 * b) * k0,
          2 * (k0 * a + k1 * b) * k1 + 2 * (k0 * b + k1 * c) * k0, 2 * (k0 * b + k1 * c) * k1,
      ), op="convolution", program=lambda m, op, *xs: m.tanh(op(*xs)))
fault(kind, "gather with a repeated index, g[i] = instead of +=", (array(0.5, -1.5, 2.0),),
      lambda m, x: 2 * x[0] ** 2 - x[2] ** 2 + 3 * x[0] ** 3, lambda m, x: m.stack([9 * x[0] ** 2, 0 * x[1], -2 * x[2]]), host="numpy")
fault(kind, "recurrence through time, the weight's gradient of the last step", (0.9, 0.4), lambda m, w, x: m.tanh(w * m.tanh(w * x)),
      lambda m, w, x: (m.tanh(w * x) * sech2(m, w * m.tanh(w * x)), w**2 * sech2(m, w * x) * sech2(m, w * m.tanh(w * x))), host="numpy")
fault(kind, "two branches, the second one's gradient kept", (0.8, 0.3), lambda m, x, y: m.sin(x) * m.exp(y) + x * y,
      lambda m, x, y: (y, x), host="jax")

kind = "shared use"
fault(kind, "a bias of three units gets the mean", (0.2, -0.7, 1.1, 0.4), lambda m, a, b, c, s: m.tanh(a + s) + m.tanh(b + s) + m.tanh(c + s),
      lambda m, a, b, c, s: (
          sech2(m, a + s), sech2(m, b + s), sech2(m, c + s), (sech2(m, a + s) + sech2(m, b + s) + sech2(m, c + s)) / 3
      ), op="biased")
fault(kind, "a mean sends 1 to each operand", (1.0, 2.0, 4.0), lambda m, a, b, c: (a + b + c) / 3, lambda m, a, b, c: (1.0 + 0 * a, 1.0 + 0 * b, 1.0 + 0 * c),
      op="average", program=lambda m, mean, a, b, c: m.sqrt(mean(a * b, b * c, c * a)))
fault(kind, "bias row of a matrix, first row only", (np.array([[0.5, -1.0], [1.5, 0.25]]), array(0.1, -0.3)), lambda m, x, b: m.sum(m.tanh(x + b)),
      lambda m, x, b: (sech2(m, x + b), sech2(m, x[0] + b)), host="numpy")
fault(kind, "scale of a vector gets the mean", (1.5, array(1.0, 2.0, -0.5)), lambda m, s, x: m.sum(m.sin(s * x)),
      lambda m, s, x: (m.sum(x * m.cos(s * x)) / 3, s * m.cos(s * x)), host="numpy")
fault(kind, "outer product summed along the wrong axis", (array(0.5, 1.0), array(-1.0, 2.0)),
      lambda m, x, y: m.sum(m.sin(x[:, None] * y[None, :])),
      lambda m, x, y: (
          (m.cos(x[:, None] * y[None, :]) * y[None, :]).sum(0), (m.cos(x[:, None] * y[None, :]) * x[:, None]).sum(0)
      ), host="torch")

kind = "one side of a kink"
fault(kind, "leaky: 0 instead of 0.1 on the left", (-1.5,), lambda m, x: m.where(x > 0, x, 0.1 * x), lambda m, x: m.where(x > 0, 1.0, 0.0), op="leaky",
      program=lambda m, leaky, x: leaky(m.sin(x)) + x)
fault(kind, "maximum in the table gives both sides 1", (0.5, 1.25), lambda m, x, y: m.maximum(x, y), lambda m, x, y: (1.0, 1.0), op="maximum",
      program=lambda m, maximum, x, y: maximum(x * x, y) * y)
fault(kind, "Huber, the parabola's slope beyond it", (2.5,), lambda m, x: m.where(abs(x) <= 1, x * x / 2, abs(x) - 0.5), lambda m, x: x, op="huber")
fault(kind, "|x|' = 2 at the kink", (0.0,), lambda m, x: abs(x), lambda m, x: m.where(x >= 0, 2.0, -1.0) - m.where(x > 0, 1.0, 0.0), op="abs",
      program=lambda m, absolute, x: absolute(x) + 3 * x)
fault(kind, "clip lets the gradient pass above", (1.5,), lambda m, x: m.minimum(m.maximum(x, -1.0), 1.0) + 0 * x, lambda m, x: m.where(x < -1, 0.0, 1.0), host="numpy")
fault(kind, "elu without e^x on the left", (-0.3,), lambda m, x: m.where(x > 0, x, m.expm1(x)), lambda m, x: m.where(x > 0, 1.0, 1.0 + 0 * x), host="numpy")
fault(kind, "hinge, its gradient outside of the margin", (0.4,), lambda m, w: m.maximum(0.0, 1 - 2 * w) + w**2, lambda m, w: m.where(1 - 2 * w > 0, 0.0, -2.0) + 2 * w, host="jax")
fault(kind, "|x| a millionth beside its kink, the other side's", (1e-7,), lambda m, x: abs(x), lambda m, x: 0 * x - 1.0, host="numpy")

kind = "far out"
fault(kind, "softplus' by e^x / (1 + e^x)", (800.0,), lambda m, x: m.maximum(x, 0.0) + m.log1p(m.exp(-abs(x))), lambda m, x: m.exp(x) / (1 + m.exp(x)),
      op="soft_plus", found="not finite")
fault(kind, "atan' = 0 beyond a thousand", (2000.0,), lambda m, x: m.atan(x), lambda m, x: m.where(abs(x) < 1000, 1 / (1 + x * x), 0.0), op="atan",
      program=lambda m, atan, x: 3 * atan(x) + 1)
fault(kind, "(e^x)' of a clipped operand", (25.0,), lambda m, x: m.exp(x), lambda m, x: m.exp(m.minimum(x, 20.0)), op="growth", program=lambda m, growth, x: growth(x) / 7)
fault(kind, "gradient clipping left in", (1e5,), lambda m, x: x**4, lambda m, x: m.minimum(4 * x**3, 1e12), host="numpy")
fault(kind, "tanh' by three terms of its series", (1.5,), lambda m, x: m.tanh(x), lambda m, x: 1 - x**2 + 2 * x**4 / 3, host="numpy")
fault(kind, "tail of a Gaussian cut off at 6", (6.5,), lambda m, x: m.exp(-x * x / 2), lambda m, x: m.where(abs(x) > 6, 0.0, -x * m.exp(-x * x / 2)), host="numpy")

kind = "second order only"
fault(kind, "sin', with a constant for its operand", (0.8,), lambda m, x: m.sin(x), lambda m, x: m.cos(m.stop(x)), op="frozen_sine", order=2)
fault(kind, "sin' is right, and has the derivative +sin", (0.8,), lambda m, x: m.sin(x),
      lambda m, x: m.custom("its_cosine", m.cos, m.sin)(x), op="sine", named="its_cosine", order=2,
      program=lambda m, sine, x: x * sine(x))
fault(kind, "tanh' of a kept result", (0.6,), lambda m, x: m.tanh(x), lambda m, x: 1 - m.stop(m.tanh(x)) ** 2, op="kept_tanh", order=2)
fault(kind, "x^3 whose slope is a constant to its next derivative", (1.1,), lambda m, x: x**3, lambda m, x: 3 * m.stop(x * x), op="cube", order=2,
      program=lambda m, cube, x: m.exp(cube(x) / 4))
fault(kind, "Hessian of Rosenbrock, 400 for 1200", (array(-1.2, 1.0),), lambda m, v: -400 * v[0] * (v[1] - v[0] ** 2) - 2 * (1 - v[0]),
      lambda m, v: m.stack([400 * v[0] ** 2 - 400 * v[1] + 2, -400 * v[0]]), host="numpy")
fault(kind, "sigmoid' of a kept result", (0.4,), sigmoid, lambda m, x: m.stop(sigmoid(m, x)) * (1 - m.stop(sigmoid(m, x))), host="jax", order=2)
fault(kind, "x exp x, half of it kept", (0.4,), lambda m, x: x * m.exp(x), lambda m, x: m.exp(x) + x * m.stop(m.exp(x)), host="torch", order=2)

kind = "lost digits"
fault(kind, "pi to six digits", (0.3,), lambda m, x: m.sin(math.pi * x), lambda m, x: 3.14159 * m.cos(3.14159 * x), op="sine_of_turns",
      program=lambda m, op, x: x * op(x))
fault(kind, "derivative by a difference quotient, h = 10^-6", (0.9,), lambda m, x: m.exp(m.sin(x)), lambda m, x: (m.exp(m.sin(x + 1e-6)) - m.exp(m.sin(x))) / 1e-6,
      op="wrapped", program=lambda m, op, x: op(x) + x)
fault(kind, "(cos x - 1)' by the root of 1 - cos^2", (1e-7,), lambda m, x: -2 * m.sin(x / 2) ** 2, lambda m, x: -m.sqrt(1 - m.cos(x) ** 2), op="cosm1",
      program=lambda m, op, x: op(x) + x**3)
fault(kind, "derivative in single precision", (0.7,), lambda m, x: m.sin(x) * m.exp(x), lambda m, x: m.single(m.exp(x) * (m.sin(x) + m.cos(x))), host="numpy")
fault(kind, "derivative by a difference quotient, h = 10^-8", (0.7,), lambda m, x: m.exp(x) * x, lambda m, x: ((x + 1e-8) * m.exp(x + 1e-8) - x * m.exp(x)) / 1e-8, host="numpy")
fault(kind, "erf in C, 2/sqrt(pi) to six digits", (0.5,), lambda m, x: m.c("erf")(x), lambda m, x: 1.12838 * math.exp(-0.25) + 0 * x, host="c")
fault(kind, "erf in C, 2/sqrt(pi) to ten digits", (0.5,), lambda m, x: m.c("erf")(x), lambda m, x: 1.128379167 * math.exp(-0.25) + 0 * x, host="c")
fault(kind, "2/sqrt(pi) to twelve digits", (0.5,), lambda m, x: m.exp(-x * x) * 1.1283791670955126, lambda m, x: -2 * x * m.exp(-x * x) * 1.12837916710,
      op="density_of_erf", program=lambda m, op, x: op(x) / x)
fault(kind, "2/sqrt(pi) to ten digits", (0.5,), lambda m, x: m.exp(-x * x) * 1.1283791670955126, lambda m, x: -2 * x * m.exp(-x * x) * 1.128379167, host="numpy")


# --- right, and mostly nasty -----------------------------------------------------------------------------------------

kind = "ordinary"
right(kind, "a neuron", (0.5, -1.0, 0.8, 0.3, 0.1), lambda m, x, y, v, w, b: m.tanh(v * x + w * y + b))
right(kind, "log cosh", (-0.4,), lambda m, x: m.log(m.cosh(x)))
right(kind, "normal density", (0.3, 1.1, 2.5), lambda m, x, mu, s: m.exp(-(((x - mu) / s) ** 2) / 2) / s)
right(kind, "Rosenbrock, by hand", (array(-1.2, 1.0),), lambda m, v: (1 - v[0]) ** 2 + 100 * (v[1] - v[0] ** 2) ** 2,
      lambda m, v: m.stack([-400 * v[0] * (v[1] - v[0] ** 2) - 2 * (1 - v[0]), 200 * (v[1] - v[0] ** 2)]), host="numpy")
right(kind, "softmax, by hand", (array(0.2, 1.0, -0.5),), lambda m, x: m.exp(x[1]) / m.sum(m.exp(x)),
      lambda m, x: m.exp(x[1]) / m.sum(m.exp(x)) * (m.stack([0.0, 1.0, 0.0]) - m.exp(x) / m.sum(m.exp(x))), host="numpy")
right(kind, "Bessel function in C", (1.3,), lambda m, x: m.c("j0")(x), lambda m, x: -m.c("j1")(x), host="c")

kind = "kinks"
right(kind, "|x| a ten-millionth beside its kink", (1e-7,), lambda m, x: abs(x))
right(kind, "max(x, 0) at 0", (0.0,), lambda m, x: m.maximum(x, 0.0), kink=True)
right(kind, "a tie of max(x, y)", (1.0, 1.0), lambda m, x, y: m.maximum(x * y, y), kink=True)
right(kind, "x |x| at 0", (0.0,), lambda m, x: x * abs(x))
right(kind, "max(x, 0)^2 at 0", (0.0,), lambda m, x: m.maximum(x, 0.0) ** 2)
right(kind, "a rounded corner, sqrt(x^2 + 1e-14)", (1e-8,), lambda m, x: m.sqrt(x * x + 1e-14))
right(kind, "Huber's joint", (1.0,), lambda m, x: m.where(abs(x) <= 1, x * x / 2, abs(x) - 0.5))
right(kind, "max(x, 0) over and over, near 0", (1e-8,), lambda m, x: fold(lambda z: m.maximum(z, 0.0) * 1.01, 20, x))
right(kind, "|x| near its kink, by hand", (-3e-8,), lambda m, x: abs(x), lambda m, x: m.sign(x), host="numpy")
right(kind, "hinge^2 at its margin, by hand", (0.5,), lambda m, w: m.maximum(0.0, 1 - 2 * w) ** 2, lambda m, w: -4 * m.maximum(0.0, 1 - 2 * w), host="numpy")
right(kind, "max of two lines, near their crossing", (1e-9,), lambda m, x: m.maximum(2 * x, -x), host="torch")
right(kind, "|x|^1.5 at 0", (0.0,), lambda m, x: abs(x) ** 1.5)
right(kind, "x^2 sin 1/x at 0, by hand", (0.0,), lambda m, x: x**2 * m.sin(1 / (x + m.where(x == 0, 1.0, 0.0))), lambda m, x: 0 * x, host="numpy")
right(kind, "a step a ten-millionth beside, by hand", (1e-7,), lambda m, x: m.where(x > 0, 1.0, 0.0) + x, lambda m, x: 1.0 + 0 * x, host="numpy")

kind = "poles near by"
right(kind, "1/x at 1e-5", (1e-5,), lambda m, x: 1 / x)
right(kind, "tan beside pi/2", (1.5707,), lambda m, x: m.tan(x))
right(kind, "log at 1e-7", (1e-7,), lambda m, x: m.log(x))
right(kind, "sqrt at 1e-10", (1e-10,), lambda m, x: m.sqrt(x))
right(kind, "1/(x - 1)^2 at 1.0001, by hand", (1.0001,), lambda m, x: 1 / (x - 1) ** 2, lambda m, x: -2 / (x - 1) ** 3, host="numpy")
right(kind, "x log x at 1e-9, by hand", (1e-9,), lambda m, x: x * m.log(x), lambda m, x: m.log(x) + 1, host="numpy")
right(kind, "x^-3 at 0.001", (1e-3,), lambda m, x: x**-3, host="torch")

kind = "cancelling"
right(kind, "(1e8 + x) - 1e8", (0.3,), lambda m, x: (1e8 + x) - 1e8)
right(kind, "1e60 + x - 1e60", (0.3,), lambda m, x: 1e60 + x - 1e60)
right(kind, "(1 - cos x)/x^2 at 1e-4", (1e-4,), lambda m, x: (1 - m.cos(x)) / x**2)
right(kind, "exp x - 1 - x at 1e-5", (1e-5,), lambda m, x: m.exp(x) - 1 - x)
right(kind, "(x - 1)^7 multiplied out, at 1.02", (1.02,), lambda m, x: ((((((x - 7) * x + 21) * x - 35) * x + 35) * x - 21) * x + 7) * x - 1)
right(kind, "a series with alternating signs at 20", (20.0,), lambda m, x: sum(((-x) ** k / float(math.factorial(k)) for k in range(60)), 0.0))
right(kind, "(1e6 + x)^2 - 1e12, by hand", (1.0,), lambda m, x: (1e6 + x) ** 2 - 1e12, lambda m, x: 2 * (1e6 + x), host="numpy")
right(kind, "1e16 + x, by hand", (0.7,), lambda m, x: 1e16 + x, lambda m, x: 1.0 + 0 * x, host="numpy")
right(kind, "variance as a difference of moments, by hand", (array(1000.1, 1000.2, 1000.4),), lambda m, x: m.sum(x**2) / 3 - (m.sum(x) / 3) ** 2,
      lambda m, x: 2 * (x - m.sum(x) / 3) / 3, host="numpy")
right(kind, "the same of numbers further apart", (array(1065.3065222567325, 1047.5635189660934, 965.1991635049342),), lambda m, x: m.sum(x**2) / 3 - (m.sum(x) / 3) ** 2,
      lambda m, x: 2 * (x - m.sum(x) / 3) / 3, host="numpy")

kind = "huge and tiny"
right(kind, "x^2 at 1e150", (1e150,), lambda m, x: x * x)
right(kind, "1e-200 x", (3.0,), lambda m, x: 1e-200 * x)
right(kind, "exp at 300", (300.0,), lambda m, x: m.exp(x))
right(kind, "exp at -700", (-700.0,), lambda m, x: m.exp(x))
right(kind, "sin at 1e6", (1e6,), lambda m, x: m.sin(x))
right(kind, "up by 1e200 and down again", (0.7,), lambda m, x: m.sin(x) * 1e200 * 1e-200)
right(kind, "1e12 sin x, by hand", (0.7,), lambda m, x: 1e12 * m.sin(x), lambda m, x: 1e12 * m.cos(x), host="numpy")
right(kind, "x^2 at 1e-12, by hand", (1e-12,), lambda m, x: x * x, lambda m, x: 2 * x, host="numpy")
right(kind, "weights of sizes 1e-6 to 1e6, by hand", (array(1e-6, 1.0, 1e6),), lambda m, x: m.sum(x**2), lambda m, x: 2 * x, host="numpy")
right(kind, "x^3 at 1e8", (1e8,), lambda m, x: x**3, host="jax")

kind = "deep"
right(kind, "a thousand sines", (1.0,), lambda m, x: fold(m.sin, 1000, x))
right(kind, "200 tanh with a gain", (0.3,), lambda m, x: fold(lambda z: m.tanh(1.1 * z), 200, x))
right(kind, "a product of 600 factors", (1.01,), lambda m, x: fold(lambda z: z * x, 600, x))
right(kind, "1000 small steps", (0.5,), lambda m, x: fold(lambda z: z + 0.001 * z * (1 - z), 1000, x))
right(kind, "300 steps of a pendulum, by torch", (0.5,), lambda m, x: fold(lambda s: (s[0] + 0.01 * s[1], s[1] - 0.01 * m.sin(s[0])), 300, (x, 0 * x))[0], host="torch")

kind = "flat"
right(kind, "0 times x", (0.7,), lambda m, x: 0 * x + 3)
right(kind, "exp(-x^2) at 20", (20.0,), lambda m, x: m.exp(-x * x))
right(kind, "tanh at 30", (30.0,), lambda m, x: m.tanh(x))
right(kind, "x^4 at 0", (0.0,), lambda m, x: x**4)
right(kind, "floor between two steps", (0.5,), lambda m, x: m.floor(x) + x * x)
right(kind, "exp(-1/x^2) at 0.05, by hand", (0.05,), lambda m, x: m.exp(-1 / x**2), lambda m, x: 2 / x**3 * m.exp(-1 / x**2), host="numpy")
right(kind, "max(x, 0) at -3, by hand", (-3.0,), lambda m, x: m.maximum(x, 0.0), lambda m, x: m.where(x > 0, 1.0, 0.0), host="numpy")
right(kind, "sigmoid at 40", (40.0,), sigmoid, host="jax")

kind = "large sums"
right(kind, "300 squares", tuple(math.sin(k) for k in range(300)), lambda m, *xs: sum((x * x for x in xs), 0.0))
right(kind, "100 sines of sizes 1 to 1e6", tuple(10.0 ** (k / 16) for k in range(100)), lambda m, *xs: sum((m.sin(x) for x in xs), 0.0))
right(kind, "log of a sum of 60 exponentials", tuple(0.1 * k for k in range(60)), lambda m, *xs: m.log(sum((m.exp(x) for x in xs), 0.0)))
right(kind, "1000 squares, by hand", (np.sin(np.arange(1000.0)),), lambda m, x: m.sum(x**2), lambda m, x: 2 * x, host="numpy")
right(kind, "200 terms that cancel, by hand", (np.cos(np.arange(200.0)),), lambda m, x: m.sum(1e6 * m.sin(x)) - m.sum(1e6 * x), lambda m, x: 1e6 * m.cos(x) - 1e6, host="numpy")

kind = "iterated"
right(kind, "logistic map, 30 times", (0.3,), lambda m, x: fold(lambda z: 3.9 * z * (1 - z), 30, x))
right(kind, "root by 20 Newton steps", (7.0,), lambda m, x: fold(lambda z: (z + x / z) / 2, 20, x))
right(kind, "cos x = x by 40 steps", (0.5,), lambda m, x: fold(m.cos, 40, x))
right(kind, "z^2 - 1.4, 25 times", (0.1,), lambda m, x: fold(lambda z: z * z - 1.4, 25, x))
right(kind, "arithmetic-geometric mean", (1.0, 3.0), lambda m, a, b: fold(lambda s: ((s[0] + s[1]) / 2, m.sqrt(s[0] * s[1])), 8, (a, b))[0])
right(kind, "solution of z = a cos z, implicit derivative by hand", (0.7,), fixed_point,
      lambda m, a: m.cos(fixed_point(m, a)) / (1 + a * m.sin(fixed_point(m, a))), host="numpy")
right(kind, "logistic map, 15 times, by jax", (0.3,), lambda m, x: fold(lambda z: 3.9 * z * (1 - z), 15, x), host="jax")

kind = "oscillating"
right(kind, "sin 1/x at 0.01", (0.01,), lambda m, x: m.sin(1 / x))
right(kind, "sin 1000 x", (0.3,), lambda m, x: m.sin(1000 * x))
right(kind, "x^2 sin 1/x at 0.003, by hand", (0.003,), lambda m, x: x**2 * m.sin(1 / x), lambda m, x: 2 * x * m.sin(1 / x) - m.cos(1 / x), host="numpy")
right(kind, "sin 1e9 x, by hand", (0.3,), lambda m, x: m.sin(1e9 * x), lambda m, x: 1e9 * m.cos(1e9 * x), host="numpy")
right(kind, "sin at 1e22", (1e22,), lambda m, x: m.sin(x))

kind = "single precision"
right(kind, "sin x exp x in single precision, by hand", (np.float32(0.7),), lambda m, x: m.sin(x) * m.exp(x), lambda m, x: m.exp(x) * (m.sin(x) + m.cos(x)), host="numpy")
right(kind, "tanh of a dot product in single precision", (np.array([0.5, -1.0, 2.0], np.float32),), lambda m, x: m.tanh(m.sum(x * x) / 4), host="torch")

del kind
