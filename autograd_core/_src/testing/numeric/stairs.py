"""Plateaus of a function of one number: internal rounding, or steps of a genuine stair.

A function that uses half or single precision internally is a stair of small steps, and its derivative is that of the
function it rounds. `round(x)` is a stair as well, and its derivative is 0. Near a point both look alike: half precision
has all integers from 1024 to 2048. But the steps of rounding become wider as numbers grow; those of a stair do not.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FACTOR = 4.0  # ratio of successive steps
LARGEST = 2.0**1023
STRAIGHT = 4.0  # values on a straight line may be off by this many rounding errors
EDGE = 40  # bisections that find the edge of a plateau; behind it a function may rise like exp(x^2)
ONE_STAIR = 32.0  # a step lower than this many roundings of the change at large steps is rounding
COARSE_STAIR = 2.0**-7  # a step lower than this share of the largest change is rounding, a higher one genuine
WIDEST = 2.0**-10  # genuine steps are at least this wide; results that are rounded to digits have finer ones
FAR = (2.0**9, 2.0**12, 2.0**25)  # this many steps away, rounding to 8, 11 and 24 bits has steps of another width
STEPS, PARTS = 6, 6  # steps examined at each place, and points within one
PHASE = 0.381966  # offset of the points, as a share of their distance, so that none hits an edge
SAME = 2.0**-20  # relative difference up to which slopes, or heights of steps, are equal
BESIDE = 2.0**-6  # share of a step's width that counts as right beside the point
BEYOND, BENT = 1 / 8, 8.0  # what begins at an edge shows after 1/8 of the way, by 8 rounding errors
GOES_ON = 1.5  # ... and is larger by this factor after 2/8; a jump is not
STEEP = 64.0  # a step is higher than this many rounding errors


class Plateau(NamedTuple):
    """The straight piece of a function on one side of a point, and what happens where it ends.

    Attributes:
        rounding: The height of the jump at its edge, if that is internal rounding; else 0.
        jump: The height of the jump; 0 if another slope begins there, or a curve.
        edge: The distance of the edge; 0 without one.
        slope: The slope of the piece.
    """

    rounding: float = 0.0
    jump: float = 0.0
    edge: float = 0.0
    slope: float = 0.0


def side_of(
    f: Callable[[float], float],
    zero: float,
    finite: Sequence[tuple[float, float, float]],
    sign: int,
    reach: float,
    units: tuple[float, float],
) -> tuple[Plateau, Plateau]:
    """The flat or straight piece on one side of a point, and the jump at its edge.

    A function that is rounded internally, to single precision or by underflow, is constant near a point, or straight if
    only one of its terms is rounded. If it leaves this plateau by a jump that is small beside its change at larger
    steps, the jump is its rounding. A genuinely flat piece, as of relu, ends without a jump.

    Args:
        f: The function.
        zero: Its value at 0.
        finite: (t, f(t), f(-t)), larger steps first.
        sign: The side, 1 or -1.
        reach: The difference of values at larger steps.
        units: Unit roundoff of the results, and the rounding error of the operand.
    """
    place, unit = 1 if sign > 0 else 2, units[0]
    steps = [(r[0], r[place]) for r in finite]
    if _flat(zero, steps) == 0 or _straight(zero, steps, sign, units)[0] == 0:
        wider = [finite[0][0] * FACTOR**k for k in (3, 2, 1)]
        values = [(t, f(sign * t)) for t in wider if t <= LARGEST]
        steps = [(t, value) for t, value in values if math.isfinite(value)] + steps
    largest = max(abs(value - zero) for _, value in steps)
    found = []
    # A straight piece is constant as well, at even smaller steps, since its result is rounded.
    for flat, slope in ((_flat(zero, steps), None), _straight(zero, steps, sign, units)):
        found.append(Plateau())
        if 1 <= flat < len(steps) - 1:
            tilt = None if slope is None else sign * slope
            jump, edge = _jump(lambda t: f(sign * t), zero, tilt, steps[flat], steps[flat - 1], units)
            # For a tiny operand, the change at larger steps counts, too.
            is_rounding = jump <= COARSE_STAIR * (largest if slope else max(largest, reach)) or (
                0 < jump <= ONE_STAIR * unit * _far_change(lambda t: f(sign * t), zero, finite[0][0])
            )
            found[-1] = Plateau(jump if is_rounding else 0.0, jump, edge, slope or 0.0)
    return found[0], found[1]


def _far_change(f: Callable[[float], float], zero: float, step: float) -> float:
    """The change of a function beyond the largest step; in 1 + erf(x) the rounding of 1 is small beside it."""
    changes = [abs(f(t) - zero) for k in (1, 2, 3) if (t := step * FACTOR**k) <= LARGEST]
    return max((change for change in changes if math.isfinite(change)), default=0.0)


def _jump(
    f: Callable[[float], float],
    zero: float,
    tilt: float | None,
    inner: tuple[float, float],
    outer: tuple[float, float],
    units: tuple[float, float],
) -> tuple[float, float]:
    """The height of the jump at which a function leaves a straight piece, 0 if it leaves without; and its distance.

    The distance is 0 if a curve leaves its tangent. The slope of the piece is None if all of its values are equal;
    otherwise they may be off by rounding, even if that hides the slope.
    """
    slope = tilt or 0.0

    def rounding(value: float) -> float:
        return 0.0 if tilt is None else _off_line(zero, value, slope, units)

    def rest(t: float, value: float) -> float:
        off = abs(value - zero - t * slope)
        return off if off > rounding(value) else 0.0

    inside, outside = inner[0], outer[0]
    jump = first = rest(*outer)
    for _ in range(EDGE):
        middle = (inside + outside) / 2
        value = f(middle)
        off = rest(middle, value)
        if off <= 2 * rounding(value) and off:
            near, far = (rest(t, f(t)) for t in (middle * (1 + BEYOND), middle * (1 + 2 * BEYOND)))
            if far >= GOES_ON * near and near > BENT * rounding(value):
                return 0.0, inside  # another slope begins, or a curve: no power of t from 0 on rises so fast
            return rounding(value), 0.0  # a curve that leaves its tangent by its own rounding
        if not off:
            inside = middle
        else:
            outside, jump = middle, off if math.isfinite(off) else jump
    # A slope that begins at the edge has changed the value in proportion to the distance from there.
    return 0.0 if jump <= 2 * first * (outside - inside) / outer[0] else jump, inside


def _flat(zero: float, steps: Sequence[tuple[float, float]]) -> int:
    """The first step from which on values are constant."""
    return next((k for k in range(len(steps)) if all(value == zero for _, value in steps[k:])), len(steps))


def _off_line(zero: float, value: float, slope: float, units: tuple[float, float]) -> float:
    """How far rounding of results and operands may move a value off a straight line."""
    unit, moved = units
    return STRAIGHT * unit * max(abs(zero), abs(value)) + moved * abs(slope)


def _straight(
    zero: float, steps: Sequence[tuple[float, float]], sign: int, units: tuple[float, float]
) -> tuple[int, float]:
    """The first step from which on values lie on a straight line, up to rounding; and its slope."""
    for k in range(len(steps) - 2):
        slope = (steps[k][1] - zero) / (sign * steps[k][0])
        if math.isfinite(slope) and all(
            abs(value - zero - sign * t * slope) <= _off_line(zero, value, slope, units)
            for t, value in steps[k:]
        ):
            return k, slope
    return len(steps), 0.0


def is_stair(
    f: Callable[[float], float], zero: float, sides: Sequence[Plateau], units: tuple[float, float]
) -> bool:
    """Whether a function is a genuine stair: whether its steps are as wide far away as they are here.

    A point at an edge has its own step on one side and the next one on the other. Each step may have a slope of its
    own, as for `round(x) * x`.

    Args:
        f: The function.
        zero: Its value at 0.
        sides: The piece on each side of the point.
        units: Unit roundoff of the results, and the rounding error of the operand.
    """
    (right, left), (unit, moved) = sides, units
    edges = [side for side in sides if side.edge]
    width, jump = right.edge + left.edge, min((side.jump for side in edges), default=0.0)
    if jump <= STEEP * unit * abs(zero) or width < max(WIDEST, STEEP * moved):
        return False
    if len(edges) == len(sides):
        rounding = FACTOR * STRAIGHT * unit * abs(zero) / min(right.edge, left.edge)  # from a step within the edge
        if abs(right.slope - left.slope) > SAME * abs(right.slope) + rounding:
            return False
    elif not _next_step(f, zero, -1 if right.edge else 1, width, jump, unit):
        return False
    # Truncated towards 0, the step that 0 is on is twice as wide as all others.
    return any(_is_even(f, width / k, jump, edges[0].slope, units) for k in (1, 2) if k == 1 or moved < unit * width)


def _is_even(
    f: Callable[[float], float], width: float, jump: float, slope: float, units: tuple[float, float]
) -> bool:
    """Whether steps far away are as wide as here."""

    def goes_on(sign: int, far: float) -> Stretch:
        return _goes_on(f, sign * width, far, jump, slope, units)

    # If the steps are rounding of the result, their width changes in at least one direction.
    half_way = 1 / (4 * units[0])
    for sign in (1, -1):
        there: list[Stretch] = []
        for far in FAR:
            if far < half_way:
                there.append(goes_on(sign, far))
                if not there[-1].alike:
                    break
        else:
            break
    else:
        return False
    if any(stretch.slopes for stretch in there):
        return True  # steps with different slopes cannot be measured so far away
    ends = [goes_on(sign, half_way).alike for sign in (1, -1)]
    return False not in ends and (True in ends or bool(slope))


def _next_step(f: Callable[[float], float], zero: float, sign: int, width: float, jump: float, unit: float) -> bool:
    """Whether the next step begins right beside a point, and is about as high."""
    t = width * BESIDE
    near, far, middle = (f(sign * t * times) for times in (1, 2, 4))
    height = abs(2 * near - far - zero)
    straight = abs((middle - near) - 3 * (far - near)) <= SAME * height + 4 * STRAIGHT * unit * abs(zero)
    return straight and jump <= 2 * height and height <= 2 * jump


class Stretch(NamedTuple):
    """Some steps far away.

    Attributes:
        alike: Whether they are as wide as here; None if that cannot be determined.
        slopes: Whether they have slopes of their own, or slopes that rounding may hide.
    """

    alike: bool | None
    slopes: bool = False


def _goes_on(
    f: Callable[[float], float], width: float, far: float, jump: float, slope: float, units: tuple[float, float]
) -> Stretch:
    """Whether a stair has steps of the same width so many steps away.

    Args:
        f: The function.
        width: The width of a step, with the sign of the direction.
        far: The number of steps.
        jump: The height of a step here.
        slope: The slope of a step.
        units: Unit roundoff of the results, and the rounding error of the operand here.
    """
    unit, moved = units
    parts = PARTS if far * unit < 1 / STEEP else 2
    places = [width * (far + (k + (parts > 2) * PHASE) / parts) for k in range(STEPS * parts + 1)]
    values = [f(t) for t in places]
    if not all(map(math.isfinite, values)):
        return Stretch(None)
    rises = [b - a for a, b in pairwise(values)]
    expected = slope * width / parts
    usual = sorted(rises)[len(rises) // 2] if parts > 2 else expected  # every other one of the latter jumps
    steep = abs(usual * parts / width)
    rounding = STRAIGHT * (unit * max(map(abs, values)) + steep * (unit * abs(places[-1]) + moved))
    tilted = parts > 2 and any(0 < abs(rise) <= rounding for rise in rises)  # by so little that rounding hides it
    room = rounding if usual or tilted else 0.0
    varies = abs(usual - expected) > room or tilted
    offs = [abs(rise - usual) for rise in rises]
    if 4 * room > (max(jump, *offs) if parts > 2 else jump):
        return Stretch(None)
    least = max(room, max(offs) / 4) if varies else room
    changes = [off > least for off in offs]
    # Far away, positions are rounded to half a width and may be edges; over many steps that averages out.
    if abs(sum(changes) - STEPS) > 1:
        return Stretch(alike=False)
    each = parts == 2 or all(any(changes[k : k + parts]) for k in range(0, len(changes), parts))
    return Stretch(each, varies)
