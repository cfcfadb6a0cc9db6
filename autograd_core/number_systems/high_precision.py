"""mpmath: the rules to 50 digits and more, the reference that checks measure against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import mpmath

from .base import SYSTEMS, NumberSystem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DIGITS = 50
EXACT_BITS = 5000  # hold any sum of doubles, and of their products
FAR = 2**20  # erfc(FAR) is below 10^-10^11; mpmath overflows an exponent of its own further out


class HighPrecision(NumberSystem):
    """Numbers of `digits` decimal digits in an mpmath context of their own; 1/0 is infinite, as with doubles.

    There is one system for each number of digits, as making a context takes milliseconds.

    Args:
        digits: Working precision in decimal digits.
    """

    made: ClassVar[dict[int, HighPrecision]] = {}
    context: Any

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
        self.ln2, self.log2e, self.log10e = mp.ln(2), 1 / mp.ln(2), 1 / mp.ln(10)
        self.two_over_sqrt_pi, self.pi = 2 / mp.sqrt(mp.pi), +mp.pi
        for name in "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh".split():
            setattr(self, name, self._real(getattr(mp, name)))

    def _by_zero(self, x: Any) -> Any:
        return self.context.sign(x) * self.context.inf if x else self.context.nan

    def _real(self, function: Any) -> Any:
        """The function, with NaN where its result is complex."""

        def real(x: Any) -> Any:
            y = function(self.number(x))
            return self.context.nan if isinstance(y, self.context.mpc) else y

        return real

    def number(self, x: Any) -> Any:
        if hasattr(x, "denominator") and not isinstance(x, int):
            return self.context.mpf(x.numerator) / x.denominator
        return self.context.mpf(x)

    def abs(self, x: Any) -> Any:
        return abs(self.number(x))

    def exp(self, x: Any) -> Any:
        return self.context.exp(x)

    def expm1(self, x: Any) -> Any:
        return self.context.expm1(x)

    def exp2(self, x: Any) -> Any:
        return self.context.power(2, x)

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
        if x == 0 and y < 0:
            return self.context.inf
        z = self.context.power(x, y)
        return self.context.nan if isinstance(z, self.context.mpc) else z

    def atan2(self, y: Any, x: Any) -> Any:
        return self.context.atan2(y, x)

    def hypot(self, x: Any, y: Any) -> Any:
        return self.context.hypot(x, y)

    def erf(self, x: Any) -> Any:
        return self.context.erf(x)

    def erfc(self, x: Any) -> Any:
        return self.context.zero if x > FAR else self.context.erfc(x)

    def gaussian(self, x: Any) -> Any:
        return self.context.exp(-x * x)

    def normal_pdf(self, x: Any) -> Any:
        return self.context.npdf(x)

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

    def dot(self, w: Sequence[Any], x: Sequence[Any]) -> Any:
        """Rounded once, likewise."""
        with self.context.workprec(max(EXACT_BITS, self.context.prec)):
            total = super().dot(w, x)
        return +self.number(total)
