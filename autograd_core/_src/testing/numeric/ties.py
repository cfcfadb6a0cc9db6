"""Points at which several inputs tie, as those of a median: which derivatives are fair choices there.

Where three or more numbers tie, moving one of them alone shows little: the median of five zeros does not change
whichever moves. The function has kinks in other directions. A fair choice then is a derivative of the pieces
that meet at the point, as in Clarke's generalized gradient (F. H. Clarke, 1983): its entries lie between those
that the function has where the tie is broken.
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

ASKED = 8  # directions in which a function is seen to have no derivative: a mean of three in order needs a third of all
DOUBT = 16.0  # times the error estimates
RANKS, ORDERS = 12, 6  # ways at most to break a tie in one order of the inputs, and orders
BY_GROUP = (False, True)  # whether the last argument goes first, of the first orders
DIGIT = 1e-3  # of a distance, to which the derivatives of neighbours are known
LEAST = 2.0**-1000  # by which numbers are moved
CLOSER = 16  # times, at which a slope is taken there
ROUNDINGS = 8  # of a result, that a difference may be off by
NEAR, FAR, UNEVEN = 2.0**-8, 2.0**4, 64  # times that, where distances differ, and in how many ways at most
APART = 1 / 3  # power of the roundoff: how far neighbours are, in terms of the number


def inside(point: Sequence[float], coarse: float) -> list[float]:
    """The point, or with all inputs alike a little smaller, so that neighbours of the largest doubles are finite."""
    times = 1 - CLOSER * coarse**APART if max(map(abs, point), default=0.0) > LARGEST else 1.0
    return [x * times for x in point]


def is_tied(point: Sequence[float], columns: Sequence[Slope], s: int, off: float, look: Look) -> bool:
    """Whether slopes along several inputs at once are not the sums of the single ones: then there is no derivative.

    Args:
        point: Where.
        columns: The slopes of a result along each input.
        s: The number of that result.
        off: How far off a derivative is that a tie may explain.
        look: The slopes of all results at a point along a direction.

    Beside huge numbers little is known of others, and of tiny ones beside others: the rest alone is moved first.
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

    It ends as soon as the number in question lies between slopes found so far.

    Args:
        point: Where.
        units: Unit roundoff of its numbers, and of the results.
        j: The input.
        off: Slopes that are neither as sure as this nor further away do not count.
        value: The result at a point; NaN where it has none.
        groups: The argument that each input belongs to: those of one are moved together first.
        found: The number.
    """
    n, apart = len(point), units[0] ** APART
    rng = random.Random(f"{n} {j} ties")  # noqa: S311
    zero = min(max(map(abs, point), default=0.0) or 1.0, 1.0)  # what a 0 is moved in terms of
    # Beside steps of size 1 numbers that are tiny and not alike tie, too.
    scales = [0.0, 1.0] if any(0 < abs(x) < NEAR_ZERO for x in point) else [0.0]
    # Beside inputs that move the result far more, steps have to be so large that its rounding does not hide a slope.
    seen = 2 * DOUBT * ROUNDINGS * units[1] * abs(value(list(point))) / off if off else 0.0
    if abs(point[j]) < CLOSER * seen / apart < math.inf:
        scales.append(CLOSER * seen / apart)
    near: list[float] = []
    # Alike first. Of a mean that is not linear, as a harmonic one, slopes reach their ends where distances differ much.
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
        if DOUBT * error < max(off, abs(slope - found)):  # it is told which side of the number it is on
            near.append(slope)
            edge = off * DIGIT
            if min(near) - edge <= found <= max(near) + edge:
                break
    return (min(near), max(near)) if near else None


def _difference(
    value: Callable[[list[float]], float], point: list[float], j: int, step: float, unit: float
) -> tuple[float, float]:
    """The slope to one input, where it has one at a distance from kinks, and how far off it may be."""

    def at(t: float) -> float:
        return value([*point[:j], point[j] + t, *point[j + 1 :]])

    middle, steps = at(0.0), (step, -step, step / 4, -step / 4)
    values = [at(t) for t in steps]
    quotients = [(z - middle) / t for z, t in zip(values, steps, strict=True)]
    error = max(quotients) - min(quotients) + ROUNDINGS * unit * max(map(abs, values)) / step
    return (quotients[2] + quotients[3]) / 2, error if math.isfinite(error) else math.inf


def _sides(n: int, j: int, groups: Sequence[str], rng: random.Random) -> Iterator[frozenset[int]]:
    """Which other inputs go below one: growing prefixes of several orders of them."""
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
