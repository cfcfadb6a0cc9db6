"""Points at which several inputs tie, as those of a median: which derivatives are fair choices there.

Where three or more numbers tie, changing one of them alone shows little: the median of five zeros stays 0 whichever
changes. The function has kinks in other directions. A fair choice is a derivative of the pieces that meet at the point,
as in Clarke's generalized gradient (F. H. Clarke, 1983): each entry lies between those near the point, where the tie is
broken.
"""

from __future__ import annotations

import math
import random
from itertools import product
from typing import TYPE_CHECKING

from ..directions import directions
from .differences import NEAR_ZERO
from .stairs import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .slope import Slope

    Look = Callable[[list[float], list[float]], list[Slope] | None]

ASKED = 8  # random directions along which linearity is tested
DOUBT = 16.0  # safety factor of error estimates
RANKS, ORDERS = 12, 6  # at most so many ways to break a tie in one order of the inputs, and so many orders
BY_GROUP = (False, True)  # for the first orders: whether the last argument comes first
DIGIT = 1e-3  # relative accuracy to which the derivatives of neighbours are known
LEAST = 2.0**-1000  # smallest change of a number
CLOSER = 16  # a slope at a neighbour is taken over a distance smaller by this factor
ROUNDINGS = 8  # a difference may be off by this many rounding errors of the result
NEAR, FAR, UNEVEN = 2.0**-8, 2.0**4, 64  # range of the factors by which distances differ; at most 64 ways
APART = 1 / 3  # neighbours are at a relative distance of the roundoff to this power


def inside(point: Sequence[float], coarse: float) -> list[float]:
    """The point, all inputs scaled down a little if need be, so that neighbours of the largest doubles are finite."""
    times = 1 - CLOSER * coarse**APART if max(map(abs, point), default=0.0) > LARGEST else 1.0
    return [x * times for x in point]


def is_tied(point: Sequence[float], columns: Sequence[Slope], s: int, off: float, look: Look) -> bool:
    """Whether slopes along several inputs at once differ from the sums of the single ones: then f has no derivative.

    Args:
        point: The point.
        columns: The slopes of a result along each input.
        s: The number of that result.
        off: The error of the derivative that a tie would have to explain.
        look: The slopes of all results at a point along a direction.

    Huge inputs hide the effect of the others, and tiny ones are hidden by them: so the others are first moved alone.
    """
    if any(slope.kind == "kink" for slope in columns):
        return True
    if any(slope.kind != "smooth" for slope in columns):
        return False
    sure = tuple(DOUBT * c.unsure < DIGIT * off for c in columns)
    moving = [sure] if all(sure) else [sure, (True,) * len(point)]
    for which, k in product(moving, range(ASKED)):
        v = [d * moves for d, moves in zip(directions(len(point), f"tie {k}"), which, strict=True)]
        found = look(list(point), v) if any(v) else None
        if found is None or found[s].kind not in ("smooth", "kink"):
            continue
        if found[s].kind == "kink":
            return True
        sum_, unsure = sum(d * c.value for d, c in zip(v, columns, strict=True)), found[s].error
        unsure += sum(abs(d) * c.unsure for d, c in zip(v, columns, strict=True))
        if abs(found[s].value - sum_) > DOUBT * unsure:
            return True
    return False


def between(
    point: Sequence[float],
    units: tuple[float, float],
    j: int,
    off: float,
    value: Callable[[list[float]], float],
    groups: Sequence[str],
    found: float,
) -> tuple[float, float] | None:
    """The smallest and the largest slope with respect to one input where the tie is broken nearby.

    It stops as soon as the number in question lies between slopes found so far.

    Args:
        point: The point.
        units: Unit roundoff of its numbers, and of the results.
        j: The input.
        off: Slopes whose error exceeds this and their distance from the number do not count.
        value: The result at a point; NaN outside of the domain.
        groups: The argument that each input belongs to; inputs of one argument are moved together first.
        found: The number in question.
    """
    n, apart = len(point), units[0] ** APART
    rng = random.Random(f"{n} {j} ties")  # noqa: S311
    zero = min(max(map(abs, point), default=0.0) or 1.0, 1.0)  # the scale by which an input of 0 is moved
    # Beside steps of size 1, tiny numbers tie even if they differ.
    scales = [0.0, 1.0] if any(0 < abs(x) < NEAR_ZERO for x in point) else [0.0]
    # If other inputs change the result far more, steps must be large enough for its rounding not to hide the slope.
    seen = 2 * DOUBT * ROUNDINGS * units[1] * abs(value(list(point))) / off if off else 0.0
    if abs(point[j]) < CLOSER * seen / apart < math.inf:
        scales.append(CLOSER * seen / apart)
    near: list[float] = []
    # Equal distances first. For a nonlinear mean, such as the harmonic one, the extreme slopes need very unequal ones.
    sides = [*_sides(n, j, groups, rng)]
    uneven = [*product(sides, sides)]
    ways = [(below, below, 1.0, 1.0) for below in sides]
    ways += [(below, far, NEAR, FAR) for below, far in rng.sample(uneven, min(len(uneven), UNEVEN))]
    for (below, far, near_by, further), scale in product(ways, scales):
        moved = list(point)
        for i in range(n):
            if i != j:
                away = (0.5 + rng.random()) * max(apart * max(abs(point[i]) or zero, scale), LEAST)
                away *= further if i in far else near_by
                moved[i] += -away if i in below else away
        step = max(apart * max(abs(point[j]) or zero, scale) * near_by / CLOSER, LEAST)
        slope, error = _difference(value, moved, j, step, units[1])
        if DOUBT * error < max(off, abs(slope - found)):  # sure enough to lie on one side of the number
            near.append(slope)
            edge = off * DIGIT
            if min(near) - edge <= found <= max(near) + edge:
                break
    return (min(near), max(near)) if near else None


def _difference(
    value: Callable[[list[float]], float], point: list[float], j: int, step: float, unit: float
) -> tuple[float, float]:
    """The slope with respect to one input, where it has one at a distance from kinks, and how far off it may be."""

    def at(t: float) -> float:
        return value([*point[:j], point[j] + t, *point[j + 1 :]])

    middle, steps = at(0.0), (step, -step, step / 4, -step / 4)
    values = [at(t) for t in steps]
    quotients = [(z - middle) / t for z, t in zip(values, steps, strict=True)]
    error = max(quotients) - min(quotients) + ROUNDINGS * unit * max(map(abs, values)) / step
    return (quotients[2] + quotients[3]) / 2, error if math.isfinite(error) else math.inf


def _sides(n: int, j: int, groups: Sequence[str], rng: random.Random) -> Iterator[frozenset[int]]:
    """The sets of other inputs to be put below input j: growing prefixes of several orders."""
    seen: set[frozenset[int]] = set()
    for k in range(ORDERS):
        others = [i for i in range(n) if i != j]
        rng.shuffle(others)
        if k < len(BY_GROUP) and len(set(groups)) > 1:
            others.sort(key=groups.__getitem__, reverse=BY_GROUP[k])
        for count in sorted({round(r * len(others) / RANKS) for r in range(RANKS + 1)}):
            below = frozenset(others[:count])
            if below not in seen:
                seen.add(below)
                yield below
