"""Fractions: arithmetic, comparisons and integer powers stay exact; sin and its like give floats."""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational
from typing import Any

from .base import BINARY, UNARY
from .floats import FLOATS, Floats


class Exact(Floats):
    """Doubles, except where Fractions can stay exact."""

    def number(self, x: Any) -> Any:
        return Fraction(x)

    def kept(self, x: Any) -> Any:
        """A result as data: a Fraction where it is exact, else a float."""
        return Fraction(x) if isinstance(x, Rational) else float(x)

    def abs(self, x: Any) -> Any:
        return abs(x)

    def floor(self, x: Any) -> Any:
        return Fraction(x.__floor__()) if isinstance(x, Fraction) else FLOATS.floor(x)

    def ceil(self, x: Any) -> Any:
        return Fraction(x.__ceil__()) if isinstance(x, Fraction) else FLOATS.ceil(x)

    def pow(self, x: Any, y: Any) -> Any:
        if isinstance(x, (int, Fraction)) and isinstance(y, (int, Fraction)) and y == int(y):
            return Fraction(x) ** int(y)
        return float(FLOATS.pow(x, y))


def _floating(name: str) -> Any:
    function = getattr(FLOATS, name)
    return staticmethod(lambda *xs: float(function(*xs)))


for _name in (*UNARY, *BINARY):
    if _name not in vars(Exact):
        setattr(Exact, _name, _floating(_name))

EXACT: Any = Exact()
