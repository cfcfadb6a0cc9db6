"""Jumps of a function that is rounded internally, found between steps at which it looks smooth.

In single precision 1 + p is constant while p changes by less than half an ulp of 1, and then jumps. If a function
contains such a sum, as an entropy does when one score dominates, small steps see all of its slope but that of the sum,
and agree with each other. The missing slope is the height of the jumps divided by their distance.

A function without jumps rises by the integral of its slope, and the quadrature error falls fast as the interval is
halved. At a jump a remainder stays.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PARTS = 4  # intervals between two steps
IN_A_PART, MOST = 2, 8  # at most so many jumps are looked for in an interval, and on a side
SLOPE_OVER = 16.0  # a slope is measured over this fraction (1/16) of an interval
PLACES = (0.25, 0.5, 0.75)  # positions in an interval at which slopes are measured, for quadrature
CLEAR = 8.0  # a jump is higher than the noise by this factor
ALONE = 64.0  # a jump is higher than the change of the values beside it by this factor
FINEST = 16.0  # intervals are halved down to this many rounding errors of the operand
NEARER = 1 / 4  # the nearer half is searched if its remainder is at least this share of the other half's
ENOUGH = 1 / 4  # remainders below this share of the height that would explain the derivative are not followed
LIKE = 1 / 2  # jumps of one stair have at least this share of each other's height
CURVED = 2.0  # the missing slope may be larger than the jumps show by this factor


class Jump(NamedTuple):
    """One jump.

    Attributes:
        distance: Its distance from the point.
        height: The value to the right of it minus the value to the left.
    """

    distance: float
    height: float


def left_out(
    f: Callable[[float], float], steps: Sequence[float], off: float, noise: float, moved: float, highest: float
) -> tuple[float, float]:
    """The least and the largest slope that jumps may add to the slope at small steps; (0, 0) without jumps.

    Args:
        f: A function of one number t.
        steps: The distances at which it is evaluated, larger ones first.
        off: The slope that is to be explained. Jumps that are too low for that, or too far away, are left out.
        noise: The error of its values near by.
        moved: The rounding error of t itself.
        highest: Higher jumps belong to the function and are not caused by rounding.
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
    """The distance of the jumps around the point, over two jumps on each side where possible: stairs may alternate."""
    second, across = ([x.distance for x in side if _alike(x, jump)] for side in (after, other))
    if second and len(across) > 1:
        return (second[0] + across[1]) / 3
    return jump.distance + (across[0] if across else 0.0)


def _alike(other: Jump, jump: Jump) -> bool:
    """Whether two jumps may belong to the same stair."""
    return abs(other.height) >= LIKE * abs(jump.height)


def _jumps(
    f: Callable[[float], float], steps: Sequence[float], sign: int, off: float, noise: float, moved: float
) -> list[Jump]:
    """The jumps on one side, nearest first; of each interval between two steps the first ones."""

    def rise(a: float, b: float) -> float:
        return f(sign * b) - f(sign * a)

    def rest(a: float, b: float) -> float:
        """The rise of the function minus the integral of its slope (Milne's rule)."""
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
