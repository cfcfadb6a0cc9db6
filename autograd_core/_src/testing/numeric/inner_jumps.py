"""Jumps of a function that is rounded within, found between steps on which it looks smooth.

In single precision 1 + p stands still while p changes by less than half a rounding of 1, and jumps then. Of a
function that such a sum is in, as of an entropy beside a score that leads, small steps see all but the sum's slope,
and agree with each other on that. What is missing is told by the jumps: their height over the distance between them.

Where a function does not jump, it rises by the integral of its slopes, and what differs from that falls fast when the
interval is halved. The rest at a jump stays.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PARTS = 4  # intervals between two steps
IN_A_PART, MOST = 2, 8  # jumps that are looked for in one, and on a side
SLOPE_OVER = 16.0  # parts of an interval that a slope is read over
PLACES = (0.25, 0.5, 0.75)  # in an interval, where slopes are read; none reaches beyond its ends
CLEAR = 8.0  # times the noise of values, below which a jump is none
ALONE = 64.0  # times what values beside a jump rise by, it is higher
FINEST = 16.0  # times what rounding moves an operand by: intervals are not halved further
NEARER = 1 / 4  # of the rest that is further out: with such a share nearer, a jump is looked for there
ENOUGH = 1 / 4  # of the heights that would explain a derivative: rests below are not followed
LIKE = 1 / 2  # of a jump's height: another one of the same stair has as much
CURVED = 2.0  # times what the jumps tell, a slope may be that they leave out


class Jump(NamedTuple):
    """One jump.

    Attributes:
        distance: From the point.
        height: How much higher values to the right of it are.
    """

    distance: float
    height: float


def left_out(
    f: Callable[[float], float], steps: Sequence[float], off: float, noise: float, moved: float, highest: float
) -> tuple[float, float]:
    """The least and the largest slope that jumps may add to what small steps show of a function; (0, 0) without any.

    Args:
        f: A function of one number t.
        steps: Where it is looked at, larger ones first.
        off: The slope that is to be explained. Jumps that are too low for that, or too far away, are left out.
        noise: How far off its values near by are.
        moved: How far off rounding puts t itself.
        highest: Jumps that are higher are the function's own.
    """
    steps = [t for t in steps if t * off <= CURVED * highest]
    sides = [_jumps(f, steps, sign, off, noise, moved) for sign in (1, -1)]
    least = most = 0.0
    for near, other in (sides, sides[::-1]):
        for k, jump in enumerate(near):
            if abs(jump.height) <= highest and not any(_alike(x, jump) for x in near[:k]):
                slope = CURVED * jump.height / _width(jump, near[k + 1 :], other)
                least, most = min(least, slope), max(most, slope)
    return least, most


def _width(jump: Jump, after: Sequence[Jump], other: Sequence[Jump]) -> float:
    """How far jumps are apart around the point: of two to both sides, if there are, as two stairs may alternate."""
    second, across = ([x.distance for x in side if _alike(x, jump)] for side in (after, other))
    if second and len(across) > 1:
        return (second[0] + across[1]) / 3
    return jump.distance + (across[0] if across else 0.0)


def _alike(other: Jump, jump: Jump) -> bool:
    """Whether a jump may be of the same stair as another one."""
    return abs(other.height) >= LIKE * abs(jump.height)


def _jumps(
    f: Callable[[float], float], steps: Sequence[float], sign: int, off: float, noise: float, moved: float
) -> list[Jump]:
    """Jumps of one side, nearer ones first: of each part between two steps the first ones."""

    def rise(a: float, b: float) -> float:
        return f(sign * b) - f(sign * a)

    def rest(a: float, b: float) -> float:
        """What a function rises by beyond the integral of its slopes (Milne's rule)."""
        half = (b - a) / SLOPE_OVER / 2
        middles = [a + (b - a) * place for place in PLACES]
        first, second, third = (rise(t - half, t + half) / (2 * half) for t in middles)
        return abs(rise(a, b) - (b - a) * (2 * first - second + 2 * third) / 3)

    found = []
    for end, start in pairwise(reversed(steps)):
        ends = [end * (start / end) ** (k / PARTS) for k in range(PARTS + 1)]
        for a, b in pairwise(ends):
            for _ in range(IN_A_PART):
                enough = max(CLEAR * SLOPE_OVER * noise, ENOUGH * off * a)
                if not enough < rest(a, b) < math.inf:
                    break
                low, high = a, b
                while high - low > FINEST * max(moved, math.ulp(high)):
                    middle = (low + high) / 2
                    inner = rest(low, middle) >= NEARER * rest(middle, high)
                    low, high = (low, middle) if inner else (middle, high)
                height, beside = rise(low, high), abs(rise(high, 2 * high - low)) + abs(rise(2 * low - high, low))
                if not abs(height) > max(CLEAR * noise, ALONE * beside, enough / SLOPE_OVER):
                    break  # as where it is NaN, outside of the domain
                found.append(Jump(high, sign * height))
                if len(found) == MOST:
                    return found
                a = 2 * high - low
    return found
