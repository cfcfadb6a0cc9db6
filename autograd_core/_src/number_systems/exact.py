"""Fractions: arithmetic, comparisons and integer powers stay exact; sin and its like give floats."""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational
from typing import Any

from . import products
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

    def prod(self, xs: Any) -> Any:
        """Fractions have no range to leave."""
        return products.plainly(self, xs) if _all_rational(xs) else super().prod(xs)

    def products_of_others(self, xs: Any) -> tuple[Any, ...]:
        return products.plainly_of_others(self, xs) if _all_rational(xs) else super().products_of_others(xs)

    def pow(self, x: Any, y: Any) -> Any:
        if isinstance(x, (int, Fraction)) and isinstance(y, (int, Fraction)) and y == int(y):
            return Fraction(x) ** int(y)
        return float(FLOATS.pow(x, y))


def _all_rational(xs: Any) -> bool:
    return all(isinstance(x, Rational) for x in xs)


def _floating(name: str) -> Any:
    function = getattr(FLOATS, name)
    return staticmethod(lambda *xs: float(function(*xs)))


for _name in (*UNARY, *BINARY):
    if _name not in vars(Exact):
        setattr(Exact, _name, _floating(_name))

EXACT: Any = Exact()
