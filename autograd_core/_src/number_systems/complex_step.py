"""The complex step: a function's slope from its value at x + i h, without a difference that cancels.

    Im f(x + i h) / h -> f'(x)       (Squire and Trapp, 1998)

h is so small that its square is nothing, so `+ - * /` are those of dual numbers, and the elementary functions are
those of `cmath`. No rule of this library is asked for a derivative: this is what its rules are held against. What
`cmath` lacks is refused, and so is any comparison that ties: there may be a kink.
"""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any

from ..sums import exact_sum
from .base import BINARY, SYSTEMS, UNARY, NumberSystem
from .floats import FAST, LN2, LOG2E, LOG10E, TWO_OVER_SQRT_PI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

STEP = 2.0**-200
THIRD = 1 / 3


class NoStepError(ArithmeticError):
    """A slope that the complex step does not tell."""


class Stepped:
    """A number, and how fast it moves.

    Args:
        at: The number.
        by: Its slope.
    """

    __slots__ = ("at", "by")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, at: float, by: float) -> None:
        self.at = at
        self.by = by

    def __add__(self, other: Any) -> Stepped:
        if other.__class__ is Stepped:
            return Stepped(self.at + other.at, self.by + other.by)
        return Stepped(self.at + other, self.by)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Stepped:
        if other.__class__ is Stepped:
            return Stepped(self.at - other.at, self.by - other.by)
        return Stepped(self.at - other, self.by)

    def __rsub__(self, other: float) -> Stepped:
        return Stepped(other - self.at, -self.by)

    def __mul__(self, other: Any) -> Stepped:
        if other.__class__ is Stepped:
            return Stepped(self.at * other.at, self.at * other.by + self.by * other.at)
        return Stepped(self.at * other, self.by * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Stepped:
        if other.__class__ is Stepped:
            z = self.at / other.at
            return Stepped(z, (self.by - z * other.by) / other.at)
        return Stepped(self.at / other, self.by / other)

    def __rtruediv__(self, other: float) -> Stepped:
        z = other / self.at
        return Stepped(z, -z * self.by / self.at)

    def __neg__(self) -> Stepped:
        return Stepped(-self.at, -self.by)

    def __pos__(self) -> Stepped:
        return self

    def __abs__(self) -> Stepped:
        return -self if self < 0 else self

    def __pow__(self, other: Any) -> Stepped:
        return power(self, other)

    def __rpow__(self, other: float) -> Stepped:
        return power(other, self)

    def __lt__(self, other: Any) -> bool:
        return self.at < self._apart_from(other)

    def __le__(self, other: Any) -> bool:
        return self.at <= self._apart_from(other)

    def __gt__(self, other: Any) -> bool:
        return self.at > self._apart_from(other)

    def __ge__(self, other: Any) -> bool:
        return self.at >= self._apart_from(other)

    def __eq__(self, other: object) -> bool:
        return self.at == self._apart_from(other)

    def _apart_from(self, other: Any) -> float:
        """What to compare with.

        Raises:
            NoStepError: A tie with a number that moves otherwise.
        """
        there, by = (other.at, other.by) if other.__class__ is Stepped else (other, 0.0)
        if self.at == there and self.by != by:
            raise NoStepError
        return there


def power(x: Any, y: Any) -> Stepped:
    """x^y, of whole exponents by repeated multiplication."""
    base, exponent = x.at if x.__class__ is Stepped else x, y.at if y.__class__ is Stepped else y
    if base == 0:
        raise NoStepError
    z = (complex(base, STEP * x.by) if x.__class__ is Stepped else base) ** (
        complex(exponent, STEP * y.by) if y.__class__ is Stepped else exponent
    )
    return Stepped(math.pow(base, exponent), z.imag / STEP)


class ComplexStep(NumberSystem):
    """Floats, and among them `Stepped` numbers that move."""

    ln2, log2e, log10e, two_over_sqrt_pi, pi = LN2, LOG2E, LOG10E, TWO_OVER_SQRT_PI, math.pi

    def number(self, x: Any) -> Any:
        return x if x.__class__ is Stepped else float(x)

    def to_round(self, careful: Callable[[], Any], plain: Callable[[], Any]) -> Any:
        """The plain text where the other asks for the sign of a rounding error, which is 0 here."""
        try:
            return careful()
        except NoStepError:
            return plain()

    def either(self, condition: Any, a: Callable[[], Any], b: Callable[[], Any]) -> Any:
        return a() if condition else b()

    def rarely(self, condition: Any, rare: Callable[[], Any], usual: Any) -> Any:
        return rare() if condition else usual

    def sum(self, xs: Iterable[Any]) -> Any:
        """Rounded once."""
        at, by = [], []
        for x in xs:
            if x.__class__ is Stepped:
                at.append(x.at)
                by.append(x.by)
            else:
                at.append(x)
        return Stepped(exact_sum(at), exact_sum(by)) if by else exact_sum(at)

    def abs(self, x: Any) -> Any:
        return abs(x)

    def pow(self, x: Any, y: Any) -> Any:
        return power(x, y) if Stepped in (x.__class__, y.__class__) else FAST["pow"](x, y)

    def hypot(self, x: Any, y: Any) -> Any:
        return self.sqrt(x * x + y * y)  # type: ignore[attr-defined]

    def copysign(self, x: Any, y: Any) -> Any:
        return -abs(x) if y < 0 else abs(x)

    def floor(self, x: Any) -> Any:
        return self._step(FAST["floor"], x)

    def ceil(self, x: Any) -> Any:
        return self._step(FAST["ceil"], x)

    def _step(self, function: Callable[[float], float], x: Any) -> Any:
        if x.__class__ is not Stepped:
            return function(x)
        if x.at.is_integer():
            raise NoStepError
        return Stepped(function(x.at), 0.0)

    def log2(self, x: Any) -> Any:
        return self.log(x) * LOG2E  # type: ignore[attr-defined]

    def log10(self, x: Any) -> Any:
        return self.log(x) * LOG10E  # type: ignore[attr-defined]

    def log1p(self, x: Any) -> Any:
        return _named("log1p", x, lambda z: cmath.log(1 + z))

    def expm1(self, x: Any) -> Any:
        return _named("expm1", x, cmath.exp)

    def exp2(self, x: Any) -> Any:
        return self.pow(2.0, x)

    def cbrt(self, x: Any) -> Any:
        return _named("cbrt", x, lambda z: z**THIRD if z.real > 0 else -((-z) ** THIRD))

    def gaussian(self, x: Any) -> Any:
        return _named("gaussian", x, lambda z: cmath.exp(-z * z))

    def normal_pdf(self, x: Any) -> Any:
        return _named("normal_pdf", x, lambda z: cmath.exp(-z * z / 2) / math.sqrt(2 * math.pi))


def _named(name: str, x: Any, function: Callable[[complex], complex]) -> Any:
    """A function of a number: its value by `math`, its slope by the complex step."""
    if x.__class__ is not Stepped:
        return FAST[name](x)
    return Stepped(FAST[name](x.at), function(complex(x.at, STEP * x.by)).imag / STEP)


def _of_cmath(name: str) -> Callable[[Any, Any], Any]:
    real, function = FAST[name], getattr(cmath, name)

    def stepped(_: Any, x: Any) -> Any:
        if x.__class__ is not Stepped:
            return real(x)
        return Stepped(real(x.at), function(complex(x.at, STEP * x.by)).imag / STEP)

    return stepped


def _refused(name: str) -> Callable[..., Any]:
    """A function that `cmath` does not have, of plain numbers alone."""
    real = FAST[name]

    def plain(_: Any, *xs: Any) -> Any:
        if any(x.__class__ is Stepped for x in xs):
            raise NoStepError
        return real(*xs)

    return plain


for _name in (*UNARY, *BINARY):
    if _name not in vars(ComplexStep):
        setattr(ComplexStep, _name, _of_cmath(_name) if hasattr(cmath, _name) else _refused(_name))

COMPLEX_STEP: Any = ComplexStep()
SYSTEMS[Stepped] = COMPLEX_STEP


def slope(value: Callable[..., Any], xs: Sequence[float], by: Sequence[float]) -> tuple[float, float]:
    """The value of a rule, and its slope along a direction.

    Args:
        value: `Primitive.value`.
        xs: The operands.
        by: How fast each moves; 0 for what stands still.

    Raises:
        ArithmeticError: The complex step does not tell it; so may a user's rule raise anything else.
    """
    z = value(COMPLEX_STEP, *[Stepped(x, d) if d else x for x, d in zip(xs, by, strict=True)])
    return (z.at, z.by) if z.__class__ is Stepped else (float(z), 0.0)
