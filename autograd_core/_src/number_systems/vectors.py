"""What LLVM vectors and NumPy arrays have in common: many doubles at once, so no branch can be taken.

The formulas are those of `floats.py`, which branches and calls `math`; here both sides of a
choice are computed, and one is selected. Tests hold the two against each other bit for bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import gamma
from .base import BINARY, CONSTANTS, UNARY, NumberSystem
from .floats import (
    FLOATS,
    INF,
    ONE_OVER_SQRT_2PI,
    SQRT_HALF,
    SQRT_HALF_REST,
    THIRD_SPLITTER,
    TWO_OVER_SQRT_PI,
    head,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# Roots are scaled by a power of two, so that no power overflows or loses digits to underflow.
TINY, HUGE, UP, DOWN = 2.0**-300, 2.0**300, 2.0**600, 2.0**-600

# Those that a system must bring itself, and `rough_cbrt`; the others follow below.
DERIVED = ("cbrt", "gaussian", "normal_pdf", "normal_cdf", "hypot", "lgamma", "digamma", "zeta")
ELEMENTARY = tuple(name for name in (*UNARY, *BINARY) if name not in DERIVED)

NO_BRANCH = "a rule cannot branch on many numbers at once: use ag.where(condition, a, b), ag.clip"
NO_FLOAT = "float(...) of many numbers at once: use this library's functions, ag.tanh for math.tanh"


class Vectors(NumberSystem):
    """Base of the systems whose numbers hold many doubles."""

    ln2: float
    log2e: float
    log10e: float
    two_over_sqrt_pi: float
    pi: float

    lgamma, digamma, zeta = gamma.lgamma, gamma.digamma, gamma.zeta

    def gaussian(self: Any, x: Any) -> Any:
        """exp(-x^2)."""
        h = head(x)
        return self.where(self.abs(x) > 28.0, 0.0, self.exp(-h * h) * self.exp((h - x) * (h + x)))

    def normal_pdf(self: Any, x: Any) -> Any:
        """exp(-x^2 / 2) / sqrt(2 pi)."""
        h = head(x)
        y = ONE_OVER_SQRT_2PI * self.exp(-0.5 * h * h) * self.exp(0.5 * (h - x) * (h + x))
        return self.where(self.abs(x) > 39.0, 0.0, y)

    def normal_cdf(self: Any, x: Any) -> Any:
        """erfc(-x / sqrt 2) / 2, corrected for the rounding of x / sqrt 2."""
        t = x * SQRT_HALF
        xh, ch = head(x), head(SQRT_HALF)
        xl, cl = x - xh, SQRT_HALF - ch
        rest = ((xh * ch - t) + xh * cl + xl * ch) + xl * cl + x * SQRT_HALF_REST
        y = 0.5 * (self.erfc(-t) + rest * TWO_OVER_SQRT_PI * self.gaussian(t))
        return self.where(self.abs(x) > 39.0, self.where(x < 0, 0.0, 1.0), y)

    def cbrt(self: Any, x: Any) -> Any:
        """The system's own cube root after a Newton step whose residual is exact."""
        size = self.abs(x)
        scale = self.scale(size)
        a = x * scale
        z = self.rough_cbrt(a)
        c = THIRD_SPLITTER * z
        h = c - (c - z)
        rest = z - h
        residual = (a - h * h * h) - rest * (3 * h * h + rest * (3 * h + rest))
        back = self.where(scale > 1, 2.0**-200, self.where(scale < 1, 2.0**200, 1.0))
        root = (z + residual / (3 * z * z)) * back
        return self.where(size < INF, self.where(self.equal(x, 0), x, root), x)

    def scale(self, size: Any) -> Any:
        """A power of two that brings a positive number to where its powers keep their digits."""
        return self.where(size > HUGE, DOWN, self.where(size < TINY, UP, 1.0))

    def hypot(self, x: Any, y: Any) -> Any:
        """Length of (x, y)."""
        return self.norm((x, y))

    def norm(self: Any, xs: Sequence[Any]) -> Any:
        """Euclidean length in twice the precision, then rounded: as `math.hypot`, unlike libm's.

        The squares are summed with their rounding errors (Dekker, 1971; Knuth, 1969), and the
        square root is corrected by one step of Newton's.
        """

        def larger(top: Any, size: Any) -> tuple[Any]:
            return (self.where(size > top, size, top),)

        def added(total: Any, rest: Any, square: Any, error: Any) -> tuple[Any, Any]:
            s = total + square
            b = s - total
            return s, rest + (((total - (s - b)) + (square - b)) + error)

        [top] = self.fold(larger, (0.0,), [self.abs(x) for x in xs])
        scale = self.scale(top)
        squares, errors = zip(*(_square(x * scale) for x in xs), strict=True)
        total, rest = self.fold(added, (0.0, 0.0), squares, errors)
        root = self.sqrt(total)
        square, error = _square(root)
        root = root + (((total - square) - error) + rest) / (2.0 * root)
        # An infinite coordinate wins over NaN, as IEEE 754 wants it of hypot.
        return self.where(self.equal(top, INF), INF, self.where(self.equal(total, 0), 0.0, root / scale))


def _square(x: Any) -> tuple[Any, Any]:
    """x^2 and its rounding error."""
    square = x * x
    h = head(x)
    low = x - h
    return square, ((h * h - square) + 2.0 * h * low) + low * low


for _name in CONSTANTS:
    setattr(Vectors, _name, float(getattr(FLOATS, _name)))
