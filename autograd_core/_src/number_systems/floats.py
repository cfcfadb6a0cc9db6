"""Doubles that follow IEEE 754 where Python raises: log(0) = -inf, 1/0 = inf, sqrt(-1) = nan.

Two readings of the rules as doubles give the same answers:
the fast one (`source.py`) works on plain floats and `math`, and may raise;
whenever it does, the rule is read again here, where nothing raises.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import gamma
from .base import BINARY, UNARY, NumberSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INF, NAN = math.inf, math.nan
LN2 = 0.6931471805599453
LOG2E = 1.4426950408889634
LOG10E = 0.4342944819032518
TWO_OVER_SQRT_PI = 1.1283791670955126
ONE_OVER_SQRT_2PI = 0.3989422804014327
SQRT_HALF, SQRT_HALF_REST = 0.7071067811865476, -4.833646656726457e-17
SPLITTER = 134217729.0  # 2^27 + 1
THIRD_SPLITTER = 68719476737.0  # 2^36 + 1


class Double(float):
    """A float whose division and arithmetic never raise."""

    __slots__ = ()

    def __add__(self, other: float) -> Double:
        return Double(float(self) + float(other))

    __radd__ = __add__

    def __sub__(self, other: float) -> Double:
        return Double(float(self) - float(other))

    def __rsub__(self, other: float) -> Double:
        return Double(float(other) - float(self))

    def __mul__(self, other: float) -> Double:
        return Double(float(self) * float(other))

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> Double:
        return Double(divide(float(self), float(other)))

    def __rtruediv__(self, other: float) -> Double:
        return Double(divide(float(other), float(self)))

    def __neg__(self) -> Double:
        return Double(-float(self))

    def __pos__(self) -> Double:
        return self


def divide(x: float, y: float) -> float:
    """x / y with 1/0 = inf, -1/0 = -inf and 0/0 = nan."""
    try:
        return x / y
    except ZeroDivisionError:
        if x == 0 or math.isnan(x):
            return NAN
        return math.copysign(INF, x) * math.copysign(1.0, y)


# --- functions that `math` lacks, or has with fewer digits ---------------------------------------


def head(x: float) -> float:
    """The upper 26 bits of x (Veltkamp, 1968), so that their square is exact."""
    c = SPLITTER * x
    return c - (c - x)


def gaussian(x: float) -> float:
    """exp(-x^2): the square is split in two, or its rounding alone would cost 700 ulp far out."""
    if abs(x) > 28.0:
        return 0.0
    h = head(x)
    return math.exp(-h * h) * math.exp((h - x) * (h + x))


def cbrt_error(x: float, z: float) -> float:
    """How much z falls short of the cube root of x, if it is near to it; without a branch."""
    c = THIRD_SPLITTER * z
    h = c - (c - z)  # 17 bits, so that h^3 is exact
    rest = z - h
    return ((x - h * h * h) - rest * (3.0 * h * h + rest * (3.0 * h + rest))) / (3.0 * z * z)


def cbrt(x: float) -> float:
    """The cube root of `math`, up to 4 ulp off, after a Newton step whose residual is exact."""
    z = math.cbrt(x)
    if z == 0 or not math.isfinite(z):
        return z
    s = 2.0**-200 if abs(z) > 2.0**200 else 2.0**200 if abs(z) < 2.0**-200 else 1.0
    return z + cbrt_error(x * s * s * s, z * s) / s


def normal_pdf(x: float) -> float:
    """exp(-x^2 / 2) / sqrt(2 pi)."""
    if abs(x) > 39.0:
        return 0.0
    h = head(x)
    return ONE_OVER_SQRT_2PI * math.exp(-0.5 * h * h) * math.exp(0.5 * (h - x) * (h + x))


def normal_cdf(x: float) -> float:
    """erfc(-x / sqrt 2) / 2, corrected to first order for the rounding of x / sqrt 2."""
    if abs(x) > 39.0:
        return 0.0 if x < 0 else 1.0
    t = x * SQRT_HALF
    xh, ch = head(x), head(SQRT_HALF)
    xl, cl = x - xh, SQRT_HALF - ch
    rest = ((xh * ch - t) + xh * cl + xl * ch) + xl * cl + x * SQRT_HALF_REST
    return 0.5 * (math.erfc(-t) + rest * TWO_OVER_SQRT_PI * gaussian(t))


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    def rounded(x: float) -> float:
        return math.copysign(float(function(x)), x) if math.isfinite(x) else x

    return rounded


# Functions on plain floats; they may raise OverflowError, ValueError or ZeroDivisionError.
FAST: dict[str, Callable[..., float]] = {name: getattr(math, name) for name in (*UNARY, *BINARY) if hasattr(math, name)}
FAST |= {
    "abs": abs,
    "floor": _whole(math.floor),
    "ceil": _whole(math.ceil),
    "cbrt": cbrt,
    "gaussian": gaussian,
    "normal_pdf": normal_pdf,
    "normal_cdf": normal_cdf,
    "lgamma": lambda x: gamma.lgamma(PLAIN_FLOATS, x),
    "digamma": lambda x: gamma.digamma(PLAIN_FLOATS, x),
    "zeta": lambda s, x: gamma.zeta(PLAIN_FLOATS, s, x),
}


def _is_odd(y: float) -> bool:
    return y.is_integer() and y % 2 == 1  # alone, the rest of the double beside -1 would be rounded to 1


def _power_overflow(x: float, y: float) -> float:
    return -INF if x < 0 and _is_odd(y) else INF


def _power_invalid(x: float, y: float) -> float:
    if x == 0 and y < 0:
        return math.copysign(INF, x) if _is_odd(y) else INF
    return NAN


# What IEEE 754 wants where the fast function raises: on overflow, and outside of the domain.
OVERFLOW: dict[str, Callable[..., float]] = {
    "pow": _power_overflow,
    "sinh": lambda x: math.copysign(INF, x),
}
INVALID: dict[str, Callable[..., float]] = {
    "log": lambda x: -INF if x == 0 else NAN,
    "log2": lambda x: -INF if x == 0 else NAN,
    "log10": lambda x: -INF if x == 0 else NAN,
    "log1p": lambda x: -INF if x == -1 else NAN,
    "atanh": lambda x: math.copysign(INF, x) if abs(x) == 1 else NAN,
    "pow": _power_invalid,
}


def _never_raises(name: str) -> Callable[..., Double]:
    fast = FAST[name]
    overflow: Callable[..., float] = OVERFLOW.get(name, lambda *_: INF)
    invalid: Callable[..., float] = INVALID.get(name, lambda *_: NAN)

    def function(*xs: float) -> Double:
        xs = tuple(map(float, xs))
        try:
            return Double(fast(*xs))
        except OverflowError:
            return Double(overflow(*xs))
        except ValueError:
            return Double(invalid(*xs))

    return function


class Floats(NumberSystem):
    """Doubles, IEEE 754, nothing raises."""

    ln2, log2e, log10e, two_over_sqrt_pi, pi = map(Double, (LN2, LOG2E, LOG10E, TWO_OVER_SQRT_PI, math.pi))

    def number(self, x: float) -> Double:
        return Double(x)

    def either(self, condition: Any, a: Callable[[], Any], b: Callable[[], Any]) -> Any:
        return a() if condition else b()

    def rarely(self, condition: Any, rare: Callable[[], Any], usual: Any) -> Any:
        return rare() if condition else usual

    def norm(self, xs: Sequence[float]) -> Double:
        """Euclidean length, without overflow: `math.hypot` of all."""
        return Double(math.hypot(*map(float, xs)))


for _name in FAST:
    setattr(Floats, _name, staticmethod(_never_raises(_name)))
for _name in ("lgamma", "digamma", "zeta"):
    setattr(Floats, _name, getattr(gamma, _name))  # of this system's own arithmetic, so nothing raises

FLOATS: Any = Floats()


class PlainFloats(Floats):
    """Doubles as plain floats: fast, for rules of n operands; may raise as `math` does."""

    ln2, log2e, log10e, two_over_sqrt_pi, pi = LN2, LOG2E, LOG10E, TWO_OVER_SQRT_PI, math.pi  # type: ignore[assignment]

    def number(self, x: float) -> float:  # type: ignore[override]
        return float(x)

    def norm(self, xs: Sequence[float]) -> float:  # type: ignore[override]
        return math.hypot(*xs)


for _name, _function in FAST.items():
    setattr(PlainFloats, _name, staticmethod(_function))

PLAIN_FLOATS: Any = PlainFloats()
