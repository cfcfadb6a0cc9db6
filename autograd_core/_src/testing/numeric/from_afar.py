"""One-sided slopes from somewhat larger steps, where rounding hides what happens at smaller ones.

An operand may lie a few ulps away from a kink or from a vertical tangent. Differences at small steps are lost in
rounding there, and those at larger steps mix both slopes. But the slope on either side can be measured by chords
between neighbouring steps, which do not involve the point itself. Any derivative between the two slopes is accepted, as
it is at a kink.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from .differences import LEVELS, grows
from .slope import SURE
from .stairs import FACTOR, LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FEWEST = 4  # steps needed on a side
READ = 0.02  # fraction of a rise of quotients up to which rounding may disturb it


class Side(NamedTuple):
    """The slope on one side.

    Attributes:
        slope: The slope; infinite if difference quotients grow without bound.
        least: The largest quotient that was seen, if they grow; else `slope`.
        error: A bound of its error.
    """

    slope: float
    least: float
    error: float


def from_afar(
    f: Callable[[float], float], size: float, noise: float, rounding: float
) -> tuple[float, float, float] | None:
    """The slopes on both sides of t = 0, or the slope of one side and an infinite one, with a bound of their error.

    Args:
        f: A function of one number.
        size: The size of the operand to which t is added.
        noise: The error of nearby values.
        rounding: The part of it that rounding of the results causes: the only error of quotients that grow evenly.

    Returns:
        The lower and the higher slope, and their error; None if they differ by no more than that.
    """
    top = math.frexp(max(size, 1.0))[1] - 2
    steps = [t for k in range(LEVELS) if (t := math.ldexp(1.0, top - 2 * k)) <= LARGEST]
    zero = f(0.0)
    left, right = (_side(sign, zero, [(t, f(sign * t)) for t in steps], noise, rounding) for sign in (-1, 1))
    sides = [side for side in (left, right) if side is not None]
    if not sides or (len(sides) == 1 and math.isfinite(sides[0].slope)):
        return None
    ends = [end for side in sides for end in ((side.slope,) if len(sides) > 1 else (side.slope, side.least))]
    low, high, error = min(ends), max(ends), max(side.error for side in sides)
    return None if high - low <= SURE * error else (low, high, error)


def _side(sign: int, zero: float, values: Sequence[tuple[float, float]], noise: float, rounding: float) -> Side | None:
    """The slope on one side, from larger steps."""
    finite = [(t, z) for t, z in values if math.isfinite(z)]
    if len(finite) < FEWEST:
        return None
    quotients = [sign * (z - zero) / t for t, z in finite]
    read = 1
    rises = [abs(b - a) for a, b in pairwise(quotients)]
    while read < len(finite) and 2 * rounding / finite[read][0] <= READ * rises[read - 1]:
        read += 1
    if read > FEWEST and grows(quotients[:read]):
        steepest = quotients[read - 1]
        return Side(math.copysign(math.inf, steepest), steepest, 0.0)
    chords = [sign * (a - b) / (t - s) for (t, a), (s, b) in pairwise(finite)]
    noises = [2 * noise / (t - s) for (t, _), (s, _) in pairwise(finite)]
    errors = [abs(b - a) + 2 * n for (a, b), n in zip(pairwise(chords), noises[1:], strict=True)]
    # A chord that ends beyond the kink is not confirmed by the next one, which has another slope.
    k = min(range(len(errors)), key=errors.__getitem__)
    slope = (FACTOR * chords[k + 1] - chords[k]) / (FACTOR - 1)  # chords are off by the step times the curvature
    return Side(slope, slope, errors[k])
