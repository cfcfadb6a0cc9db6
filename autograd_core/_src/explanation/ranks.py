"""Compares products of many factors, which as doubles would overflow or underflow after a thousand factors.

A rank is (-exponent, -mantissa): the smaller, the larger the product. The mantissa of a float is in [0.5, 1).
Fractions stay exact, with exponent 0, where no float is among the factors.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Rank = tuple[Any, Any]

ONE: Rank = (-1, -0.5)
NOTHING: Rank = (math.inf, 0.0)
INFINITE: Rank = (-math.inf, -1.0)
UNKNOWN: Rank = (-math.inf, -2.0)  # NaN, which counts as the largest: it spoils every sum


def rank_of(d: Any, *, exact: bool = False) -> Rank:
    """The rank of one factor."""
    if not d:
        return NOTHING
    if d.__class__ is not float:
        if exact:
            return 0, -abs(d)
        # A Fraction among floats: scaled to about 1 first, since float(d) alone may over- or underflow.
        shift = d.numerator.bit_length() - d.denominator.bit_length()
        mantissa, exponent = math.frexp(float(abs(d) / type(d)(2) ** shift))
        return -(exponent + shift), -mantissa
    mantissa, exponent = math.frexp(abs(d))
    if mantissa < 1.0:
        return -exponent, -mantissa
    return INFINITE if mantissa == math.inf else UNKNOWN


def times(a: Rank, b: Rank) -> Rank:
    """The rank of a product, rounded as a product of doubles is."""
    if not a[1] or not b[1]:
        return NOTHING
    exponent = a[0] + b[0]
    if exponent == -math.inf:  # an infinity or NaN is among them; NaN has the smaller rank and wins
        return min(a, b)
    mantissa = -(a[1] * b[1])
    if mantissa > -0.5 and mantissa.__class__ is float:  # normalised again, so that tuples compare as products do
        return exponent + 1, mantissa * 2
    return exponent, mantissa


def as_float(rank: Rank) -> float:
    """The size of the product that a rank stands for; infinite beyond all floats, NaN where it is unknown."""
    if rank == UNKNOWN:
        return math.nan
    if rank[0] < -sys.float_info.max_exp:
        return math.inf
    return math.ldexp(-rank[1], -rank[0]) if rank[1] else 0.0
