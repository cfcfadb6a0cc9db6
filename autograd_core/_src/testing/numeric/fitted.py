"""The slope of a curve that is fitted to values which rounding scatters: it averages over what differences cannot.

In single precision a step small enough for a function's curvature may change it by less than its values scatter. Of
many values the scatter averages out, as long as it is one: of neighbours in turn to both sides. Where it is not, as on
stairs that are wider than the distances of the values, the fit tells nothing.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from .stairs import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 64  # values in a window
ORDERS = 6  # of Chebyshev's polynomials
WINDOWS = 10  # each half as wide as the one before
NO_LESS = 0.7  # of the scatter in a window, that in one half as wide is, where all of it is rounding
IN_TURN = 1.2  # the mean square of neighbours' difference over that of the scatter: 2 if independent, 0 if smooth
SURE = 4.0  # standard errors
PLACES = [math.cos((k + 0.5) * math.pi / COUNT) for k in range(COUNT)]
SLOPES = [0.0, 1.0, 0.0, -3.0, 0.0, 5.0]  # of the polynomials at 0
POLYNOMIALS = [[math.cos(order * (k + 0.5) * math.pi / COUNT) for k in range(COUNT)] for order in range(ORDERS)]


def fitted_slope(f: Callable[[float], float], size: float) -> tuple[float, float] | None:
    """The derivative at t = 0 and its error; None unless two windows agree on it, the one half as wide as the other.

    Args:
        f: A function of one number.
        size: The size of the operand to which t is added.
    """
    width = min(max(size, 1.0) / 2, LARGEST)
    windows = [_fit(f, width / 2**k) for k in range(2)]
    for k in range(2, WINDOWS):
        (wide, narrow) = windows[-2:]
        if wide is not None and narrow is not None and narrow[2] >= NO_LESS * wide[2] > 0:
            (value, error, _), (other, unsure, _) = wide, narrow
            apart, room = abs(value - other), SURE * (error + unsure)
            return (value, max(apart, SURE * unsure)) if apart <= room else None
        windows.append(_fit(f, width / 2**k))
    return None


def _fit(f: Callable[[float], float], width: float) -> tuple[float, float, float] | None:
    """Slope, standard error and scatter of the values in a window; None if they do not scatter around a curve."""
    values = [f(width * place) for place in PLACES]
    if not all(map(math.isfinite, values)):
        return None
    mean = sum(values) / COUNT
    rests, slope, spread = [z - mean for z in values], 0.0, 0.0
    for curve, rise in zip(POLYNOMIALS[1:], SLOPES[1:], strict=True):
        share = 2 / COUNT * sum(c * z for c, z in zip(curve, rests, strict=True))
        rests = [z - share * c for c, z in zip(curve, rests, strict=True)]
        slope, spread = slope + share * rise, spread + rise * rise
    squares = sum(z * z for z in rests)
    scatter = math.sqrt(squares / (COUNT - ORDERS))
    if sum((a - b) ** 2 for a, b in pairwise(rests)) < IN_TURN * squares:
        return None
    return slope / width, scatter * math.sqrt(2 / COUNT * spread) / width, scatter
