"""mpmath: the rules to 50 digits and more, the reference that checks measure against."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar

import mpmath

from . import products
from .base import SYSTEMS, NumberSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

DIGITS = 50
EXACT_BITS = 5000  # hold any sum of doubles, and of their products
ERFC_VANISHES = 2**20  # erfc(ERFC_VANISHES) is below 10^-10^11; mpmath overflows an exponent of its own further out
EXP_VANISHES = 30  # bits before the point: exp(-2^EXP_VANISHES) is nothing beside 1
WHOLE = 64  # bits of an exponent up to which a power is a product
COMPARISON_METHODS = ("__lt__", "__le__", "__gt__", "__ge__", "__eq__", "__ne__")
HALVINGS, COMPARED = 2100, 4  # from the largest double to the smallest one, and comparisons at each
FARTHEST = 4096  # bits before the point: of what is larger, exponentials and sines would fill the memory


class LostDigitsError(Exception):
    """Code of a user that makes floats of numbers of many digits, or does not end with them."""


class HighPrecision(NumberSystem):
    """Numbers of `digits` decimal digits in an mpmath context of their own; 1/0 is infinite, as with doubles.

    An exponential of more than 2^FARTHEST is infinite, and of less than -2^FARTHEST it is 0: doubles end at 2^1024, and
    a number whose logarithm needs thousands of bits would take more memory than there is. A sine of it is NaN.

    There is one system for each number of digits, as making a context takes milliseconds.

    Args:
        digits: Working precision in decimal digits.
    """

    made: ClassVar[dict[int, HighPrecision]] = {}
    context: Any
    exp: Any
    farthest = FARTHEST

    def __new__(cls, digits: int = DIGITS) -> HighPrecision:  # noqa: PYI034  it returns one that was made before
        if digits not in cls.made:
            cls.made[digits] = system = super().__new__(cls)
            system._open(digits)
            SYSTEMS[system.context.mpf] = system
        return cls.made[digits]

    def _open(self, digits: int) -> None:
        self.context = mp = mpmath.MPContext()
        mp.dps = digits
        # Rules divide on the side of a `where` that is not taken; the class is this context's own.
        divide, divide_by = mp.mpf.__truediv__, mp.mpf.__rtruediv__
        mp.mpf.__truediv__ = lambda x, y: divide(x, y) if y else self._by_zero(x)
        mp.mpf.__rtruediv__ = lambda y, x: divide_by(y, x) if y else self._by_zero(x)
        self._left: Iterator[None] = repeat(None)  # comparisons
        self._floats = True
        for name in COMPARISON_METHODS:
            setattr(mp.mpf, name, self._counted(getattr(mp.mpf, name)))
        mp.mpf.__bool__ = self._counted_truth(mp.mpf.__bool__)
        mp.mpf.__float__ = self._if_floats(mp.mpf.__float__)
        self._power = mp.mpf.__pow__
        mp.mpf.__pow__ = lambda x, y: self.pow(x, y)  # noqa: PLW0108  a user's x ** y, with its exponent within bounds
        mp.mpf.__rpow__ = lambda y, x: self.pow(x, y)
        self.ln2, self.log2e, self.log10e = mp.ln(2), 1 / mp.ln(2), 1 / mp.ln(10)
        self.two_over_sqrt_pi, self.pi = 2 / mp.sqrt(mp.pi), +mp.pi
        for name in "asin acos atan asinh acosh atanh".split():
            setattr(self, name, self._real(getattr(mp, name)))
        limits: dict[str, tuple[Any, Any]] = {
            "exp": (lambda x: self._large(-x, -1), self._large),
            "expm1": (lambda x: -mp.one, self._large),
            "sinh": (lambda x: -self._large(-x) / 2, lambda x: self._large(x) / 2),
            "cosh": (lambda x: self._large(-x) / 2, lambda x: self._large(x) / 2),
            "tanh": (lambda x: -mp.one, lambda x: mp.one),
        }
        for name, (left, right) in limits.items():
            setattr(self, name, self._outwards(self._real(getattr(mp, name)), left, right))
        for name in ("sin", "cos", "tan"):
            setattr(self, name, self._outwards(self._real(getattr(mp, name)), None, None))

    @contextmanager
    def bounded(self, *, floats: bool = True) -> Iterator[None]:
        """A user's code on these numbers ends.

        A bisection that stops where both halves are alike ends with doubles, which end at 2^-1074; here a root at 0
        has no last digit.

        Args:
            floats: Whether the code may turn numbers into floats.

        Raises:
            LostDigitsError: It compares numbers without end, or turned one into a float.
        """
        self._left, self._floats = repeat(None, COMPARED * (self.context.prec + HALVINGS)), floats
        try:
            yield
        finally:
            self._left, self._floats = repeat(None), True

    def _counted(self, compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def compared(x: Any, y: Any) -> Any:
            if next(self._left, True):
                raise LostDigitsError
            return compare(x, y)

        return compared

    def _counted_truth(self, truth: Callable[[Any], bool]) -> Callable[[Any], bool]:
        def true(x: Any) -> bool:
            if next(self._left, True):
                raise LostDigitsError
            return truth(x)

        return true

    def _if_floats(self, to_float: Callable[[Any], float]) -> Callable[[Any], float]:
        def rounded(x: Any) -> float:
            if not self._floats:
                raise LostDigitsError
            return to_float(x)

        return rounded

    def _by_zero(self, x: Any) -> Any:
        return self.context.sign(x) * self.context.inf if x else self.context.nan

    def _real(self, function: Any) -> Any:
        """The function, with NaN where its result is complex."""

        def real(x: Any) -> Any:
            y = function(self.number(x))
            return self.context.nan if isinstance(y, self.context.mpc) else y

        return real

    def _far(self, x: Any) -> bool:
        """Whether a finite number has more bits before its point than its exponential may take."""
        return bool(self.context.isfinite(x) and self.context.mag(x) > FARTHEST)

    def _outwards(self, function: Any, left: Any, right: Any) -> Any:
        """The function, with what it is far out on the left and on the right; None where only FARTHEST bounds it."""

        def bounded(x: Any) -> Any:
            x = self.number(x)
            if not self.context.isfinite(x) or self.context.mag(x) <= EXP_VANISHES:
                return function(x)
            if left is None:
                return self.context.nan if self._far(x) else function(x)
            return right(x) if x > 0 else left(x)

        return bounded

    def _large(self, x: Any, sign: int = 1) -> Any:
        """exp(x) or exp(-x) of a large x; mpmath would multiply e by itself as often as x has bits."""
        mp = self.context
        if self._far(x):
            return mp.inf if sign > 0 else mp.zero
        with mp.workprec(mp.prec + mp.mag(x) + 20):
            power = mp.nint(x / mp.ln2)
            rest = mp.exp(sign * (x - power * mp.ln2))
        return mp.ldexp(+rest, sign * int(power))

    def number(self, x: Any) -> Any:
        if hasattr(x, "denominator") and not isinstance(x, int):
            return self.context.mpf(x.numerator) / x.denominator
        return self.context.mpf(x)

    def abs(self, x: Any) -> Any:
        return abs(self.number(x))

    def exp2(self, x: Any) -> Any:
        return self.pow(2, x)

    def log(self, x: Any) -> Any:
        if x == 0:
            return -self.context.inf
        return self.context.log(x) if x > 0 else self.context.nan

    def log1p(self, x: Any) -> Any:
        if x == -1:
            return -self.context.inf
        return self.context.log1p(x) if x > -1 else self.context.nan

    def log2(self, x: Any) -> Any:
        return self.log(x) * self.log2e

    def log10(self, x: Any) -> Any:
        return self.log(x) * self.log10e

    def sqrt(self, x: Any) -> Any:
        return self.context.sqrt(x) if x >= 0 else self.context.nan

    def cbrt(self, x: Any) -> Any:
        return self.context.cbrt(x) if x >= 0 else -self.context.cbrt(-x)

    def pow(self, x: Any, y: Any) -> Any:
        x, y = self.number(x), self.number(y)
        if x == 1 or y == 0:
            return self.context.one  # of NaN and infinity, too
        if x == 0 and y < 0:
            return self.context.inf
        if x == -self.context.inf and not self.context.isint(y):
            x = self.context.inf
        z = self._limit(x, y)
        if z is None:
            z = self._power(x, y) if not self.context.mag(y) > WHOLE else self._by_logarithm(x, y)
        return self.context.nan if isinstance(z, self.context.mpc) else z

    def _by_logarithm(self, x: Any, y: Any) -> Any:
        """x^y of a y so large that mpmath would multiply thousands of times."""
        if not self.context.isfinite(y):
            return self.context.one if abs(x) == 1 else self._power(abs(x), y)  # even, as all that is so large
        if not x or not self.context.isfinite(x):
            return self._power(x, self.number(2 if y > 0 else -2))  # of 0 and infinity all even powers are alike
        with self.context.workprec(self.context.prec + self.context.mag(y) + 20):
            z = self.exp(y * self.context.log(abs(x)))
        return +z if x > 0 or int(y) % 2 == 0 else -z

    def _limit(self, x: Any, y: Any) -> Any:
        """What x^y tends to, where its exponent is beyond bounds; None where it is not."""
        mp = self.context
        if not x or not mp.isfinite(x) or not mp.isfinite(y) or mp.mag(y) + mp.mag(x).bit_length() < FARTHEST:
            return None
        if x < 0 and not mp.isint(y):
            return mp.nan
        size, even = abs(x), self._far(y) or int(y) % 2 == 0  # a number so far out is whole, and even
        far = mp.one if size == 1 else mp.inf if (size > 1) == (y > 0) else mp.zero
        return far if x > 0 or even else -far

    def atan2(self, y: Any, x: Any) -> Any:
        return self.context.atan2(y, x)

    def hypot(self, x: Any, y: Any) -> Any:
        return self.context.hypot(x, y)

    def erf(self, x: Any) -> Any:
        return self.context.erf(x) if abs(x) < ERFC_VANISHES else self.context.sign(x)

    def erfc(self, x: Any) -> Any:
        return self.context.erfc(x) if not abs(x) > ERFC_VANISHES else self.number(0 if x > 0 else 2)

    def gaussian(self, x: Any) -> Any:
        return self.exp(-x * x)

    def normal_pdf(self, x: Any) -> Any:
        return self.exp(-x * x / 2) / self.context.sqrt(2 * self.context.pi)

    def normal_cdf(self, x: Any) -> Any:
        return self.erfc(-x / self.context.sqrt(2)) / 2

    def lgamma(self, x: Any) -> Any:
        if x <= 0 and x == self.context.floor(x):
            return self.context.inf
        return self.context.loggamma(x).real

    def digamma(self, x: Any) -> Any:
        if x <= 0 and x == self.context.floor(x):
            return self.context.nan if x else -self.context.inf
        return self.context.digamma(x)

    def zeta(self, s: Any, x: Any) -> Any:
        if x <= 0:
            return self.context.nan if x else self.context.inf
        return self.context.zeta(s, x)

    def copysign(self, x: Any, y: Any) -> Any:
        """mpmath has no -0.0."""
        return -abs(x) if y < 0 else abs(x)

    def floor(self, x: Any) -> Any:
        return self.context.floor(x)

    def ceil(self, x: Any) -> Any:
        return self.context.ceil(x)

    def sum(self, xs: Iterable[Any]) -> Any:
        """Rounded once: terms that cancel leave all digits. mpmath's fsum drops what is far below the largest."""
        with self.context.workprec(max(EXACT_BITS, self.context.prec)):
            total = super().sum(xs)
        return +self.number(total)

    def prod(self, xs: Any) -> Any:
        """No part leaves the range."""
        return products.plainly(self, xs)

    def products_of_others(self, xs: Any) -> tuple[Any, ...]:
        return products.plainly_of_others(self, xs)

    def dot(self, w: Sequence[Any], x: Sequence[Any]) -> Any:
        """Rounded once, likewise."""
        with self.context.workprec(max(EXACT_BITS, self.context.prec)):
            total = super().dot(w, x)
        return +self.number(total)
