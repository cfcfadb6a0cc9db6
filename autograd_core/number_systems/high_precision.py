"""mpmath: the rules to 50 digits and more, the reference that checks measure against."""

from __future__ import annotations

from typing import Any

import mpmath

from .base import NumberSystem

DIGITS = 50


class HighPrecision(NumberSystem):
    """Numbers of `digits` decimal digits in an mpmath context of their own.

    Args:
        digits: Working precision in decimal digits.
    """

    def __init__(self, digits: int = DIGITS) -> None:
        self.context = mp = mpmath.MPContext()
        mp.dps = digits
        self.ln2, self.log2e, self.log10e = mp.ln(2), 1 / mp.ln(2), 1 / mp.ln(10)
        self.two_over_sqrt_pi = 2 / mp.sqrt(mp.pi)
        for name in "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh".split():
            setattr(self, name, self._real(getattr(mp, name)))

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
        return self.context.erfc(x)

    def gaussian(self, x: Any) -> Any:
        return self.context.exp(-x * x)

    def normal_pdf(self, x: Any) -> Any:
        return self.context.npdf(x)

    def normal_cdf(self, x: Any) -> Any:
        return self.context.erfc(-x / self.context.sqrt(2)) / 2

    def floor(self, x: Any) -> Any:
        return self.context.floor(x)

    def ceil(self, x: Any) -> Any:
        return self.context.ceil(x)
