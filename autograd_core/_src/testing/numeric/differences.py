"""Derivatives of a function of one number, by differences: central, one-sided, extrapolated, with an error.

The steps t fall by factors of 4, from a quarter of the operand's size down to its last bits. Polynomial extrapolation
of the difference quotients to t = 0 gives a table; the entry whose neighbours disagree least is the estimate, and their
disagreement its error (Ridders, 1982).

First the quotients of the two sides are compared. While their gap closes as t falls, the function is smooth between -t
and t, and only such steps enter the table; so a kink within the larger steps is left out. If the gap does not close
down to the smallest steps that rounding leaves readable, the point itself is a kink or a jump.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise, product
from typing import TYPE_CHECKING

from ..directions import SMALLEST
from .noise import JUMP, noise_at_zero, noise_of, quantum
from .slope import DOUBLE_ROUNDOFF, SURE, Slope
from .stairs import FACTOR, LARGEST, STEEP, STRAIGHT, Plateau, is_stair, side_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LEVELS = 26
CLOSING = 0.6  # the gap of a smooth function shrinks by FACTOR per level, that of a kink does not: 0.6 tells them apart
READABLE = 0.05  # a difference quotient counts while rounding disturbs it by less than this share
SEEN = 16.0  # a gap between the sides is real if it exceeds the noise by this factor
TRUSTED = 16.0  # estimates whose error is at most this factor times the best one's count, too
GROWING = 1.5  # quotients that grow by this factor per level have no limit; at the vertical tangent of a root it is 2
ALIKE, RISING = 0.95, 0.01  # quotients also diverge if their increments stay equal and large, as of a logarithm
ORDERS = (2, 4, 6, 8)  # powers of the step in the error of a central difference
ONE_SIDED = (1, 2, 3)  # likewise, of a one-sided difference
NEAR_ZERO = 2.0**-20  # operands smaller than this are tried with steps of size 1 as well
NO_SQUARE = 2.0**-500  # the square of a smaller number underflows, or nearly
FEWEST = 3  # least number of steps in a table
STRETCHES = (1.0, 0.6875, 0.8125)  # factors of all steps, for independent estimates; short numbers keep sums exact
NEARER = (0.211, 0.405, 0.587)  # powers of 1/roundoff: smaller operands at which the steps of a stair are looked for
TOO_FINE = 64.0  # steps wider than the finest visible ones by this factor are seen at the operand itself
FOLLOWED = 0.02  # least relative error of a step's slope that was measured at smaller operands
ALONE = 1.5  # an interval up to this many step widths has no other step within
ON_A_STEP = 16  # points from which the slope of a step is measured
INNER = 8.0  # intermediate numbers may be larger than the values near by by this factor, and cancel
TOLD = 2.0**-14  # a derivative known to this share of the largest difference quotient counts as known
WIDER = 6  # number of steps beyond the operand's size, to see whether the function changes at all


def extrapolated(
    steps: Sequence[float], quotients: Sequence[float], noises: Sequence[float], orders: Sequence[int]
) -> tuple[float, float]:
    """The limit for steps that fall by FACTOR, and its error (Richardson, 1911; Ridders, 1982).

    Args:
        steps: The steps, larger ones first.
        quotients: The difference quotient of each step.
        noises: The rounding error of each quotient.
        orders: The powers of the step in the expansion of the error.
    """
    best, error = quotients[0], noises[0] + abs(quotients[0])
    row: list[float] = []
    for k in range(len(steps)):
        new = [quotients[k]]
        for j, old in enumerate(row[: len(orders)]):
            new.append(new[j] + (new[j] - old) / (FACTOR ** orders[j] - 1))
        for j in range(1, len(new)):
            apart = max(abs(new[j] - new[j - 1]), abs(new[j] - row[j - 1])) + 2 * noises[k]
            if apart < error:
                best, error = new[j], apart
        row = new
    return best, error


def slopes(
    f: Callable[[float], Sequence[float]],
    size: float,
    unit: float,
    moved: float = 0.0,
    stretch: float = 1.0,
    floors: Sequence[float] = (),
    beside: Sequence[float] = (),
    within: Sequence[float] = (),
) -> list[Slope]:
    """The derivative of every result of `f` at t = 0.

    Args:
        f: A function of one number t that returns a list.
        size: The size of the operand to which t is added.
        unit: Unit roundoff of the results.
        moved: The rounding error of t itself.
        stretch: A factor of all steps.
        floors: A lower bound on the error of the values, where one is known from elsewhere.
        beside: The size of the other inputs, if they are tiny: the steps of an operand of 0 must not be large to them.
        within: The size of intermediate numbers that may have cancelled in the values.
    """
    zero = f(0.0)
    floors = floors or [0.0] * len(zero)
    within = within or [0.0] * len(zero)
    found = _slopes(f, zero, max(size, 1.0), unit, moved, stretch, floors, within)
    if 0 < size < NEAR_ZERO:
        near = _slopes(f, zero, size, unit, moved, stretch, floors, within, [slope.reach for slope in found])
        found = [_of_two(far, close, size, unit) for far, close in zip(found, near, strict=True)]
    for other in () if size else beside:
        if not any(slope.kind in ("jump", "kink") for slope in found):
            break
        near = _slopes(f, zero, other, unit, moved, stretch, floors, within, [slope.reach for slope in found])
        found = [
            replace(close, beside=other) if _is_smoother(close, far, unit) else far
            for far, close in zip(found, near, strict=True)
        ]
    return found


def _is_smoother(close: Slope, far: Slope, unit: float) -> bool:
    """Whether smaller steps show that a function is smooth where larger ones show a kink or a jump.

    An example is y / hypot(x, y) at y = 0 for a tiny x. Constant values prove nothing there: they may be rounded.
    """
    largest = max((abs(value) for reading in far.readings for value in reading[1:]), default=0.0)
    return far.kind in ("jump", "kink") and close.kind == "smooth" and close.reach > INNER * unit * largest


def _of_two(far: Slope, close: Slope, size: float, unit: float) -> Slope:
    """Choose between the estimate from steps of size 1 and the one from steps that are small beside a tiny operand.

    A value that is constant over all small steps may be rounded. It decides nothing if the larger steps show a change,
    or if squares of the operand underflow.
    """
    largest = max((abs(value) for reading in far.readings for value in reading[1:]), default=0.0)
    inner = close.reach <= INNER * unit * largest  # rounding of an intermediate number may explain the small steps
    still = not close.scale and size < NO_SQUARE
    if (far.kind == "smooth" and (close.kind != "smooth" or not close.scale)) or (far.kind == "kink" and still):
        return far
    if far.kind == "kink" and close.kind == "smooth" and SURE * close.error > abs(far.right - far.left):
        return far  # an ulp away from a knot, values tell no more
    bent = far.kind == "kink" and math.isfinite(far.left + far.right)
    if bent and close.kind == "smooth" and inner and not far.has_side(close):
        return far  # neither piece of the kink has the other estimate's slope: the kink is too near for rounding
    if far.kind != "smooth" and close.kind == "smooth":
        return close
    apart = abs(far.value - close.value)
    # Intermediate numbers may be far larger than all values near by. So where larger steps determine a derivative,
    # smaller ones cannot refute or refine it, unless they show a slope steeper than any other, as at a root.
    bounded = abs(close.value) <= SURE * far.scale
    if far.kind == close.kind == "smooth" and far.scale and (inner or (bounded and far.error <= TOLD * far.scale)):
        close = replace(close, error=max(close.error, far.error))
        if bounded and apart > TRUSTED * (far.error + close.error):
            return replace(far, error=apart, other=close.value)
    if far.kind == close.kind == "smooth" and close.scale and apart > TRUSTED * (far.error + close.error):
        return close  # larger steps see another part of the function: a root, whose tangent at 0 is vertical
    return min(far, close, key=lambda s: s.error)


def together(found: Sequence[Slope]) -> Slope:
    """Combine several independent estimates into one, whose error is at least their spread.

    If some see a smooth function and some a kink or a jump, it counts as smooth; unless most do, the spread of all is
    the error.
    """
    # Estimates that missed the steps of a stair took them for rounding; the widest may have passed an edge.
    width = ALONE * min((s.step for s in found if s.step), default=0.0)
    found = [s for s in found if 0 < s.step <= width] or found
    smooth = sorted((s for s in found if s.kind == "smooth"), key=lambda s: s.error)
    if not smooth:
        kinks = [s for s in found if s.kind == "kink"]
        if len(kinks) < len(found) or not kinks:
            return found[0]
        first = min(kinks, key=lambda s: s.error)
        apart = max((max(abs(first.left - s.left), abs(first.right - s.right)) for s in kinks), default=0.0)
        return replace(first, error=max(first.error, apart if apart == apart else 0.0))  # noqa: PLR0124
    best = smooth[0]
    gaps = [abs(best.value - s.value) - (s.error if s.error > TRUSTED * best.error else 0.0) for s in smooth[1:]]
    if 2 * len(smooth) < len(found):
        sides = [max(abs(best.value - s.left), abs(best.value - s.right)) for s in found if s.kind == "kink"]
        gaps += [x for x in sides if math.isfinite(x)]
    values = [s.value for s in smooth]
    spread = max(values) - min(values) if len(smooth) == len(found) == len(STRETCHES) else math.inf
    usual = smooth[len(smooth) // 2].error  # an error far below the others' is an accident
    return replace(best, error=max(best.error, usual if math.isfinite(usual) else 0.0, *gaps), spread=spread)


def _slopes(
    f: Callable[[float], Sequence[float]],
    zero: Sequence[float],
    size: float,
    unit: float,
    moved: float,
    stretch: float,
    floors: Sequence[float],
    within: Sequence[float],
    reaches: Sequence[float] = (),
) -> list[Slope]:
    top = math.frexp(size)[1] - 2
    least = max(4 * moved, 2**8 * SMALLEST)
    steps = [stretch * math.ldexp(1.0, top - 2 * k) for k in range(LEVELS)]  # few bits: adding them is mostly exact
    steps = [t for t in steps if least <= t <= LARGEST]
    up, down = [f(t) for t in steps], [f(-t) for t in steps]
    found = []
    for i, at_zero in enumerate(zero):
        readings = [(t, a[i], b[i]) for t, a, b in zip(steps, up, down, strict=True)]
        finite = [r for r in readings if math.isfinite(r[1]) and math.isfinite(r[2])]
        if math.isfinite(at_zero) and len(finite) >= max(FEWEST, len(steps) // 2):
            reach = reaches[i] if reaches else 0.0
            alone = _entry(f, i)
            pieces = [side_of(alone, at_zero, finite, sign, reach, (unit, moved)) for sign in (1, -1)]
            pairs = [*zip(*pieces, strict=True)]
            stair = next((pair for pair in pairs if is_stair(alone, at_zero, pair, (unit, moved))), None)
            if stair is not None:
                found.append(_on_a_step(alone, at_zero, finite, (unit, moved), stair))
            else:
                rounding = max(floors[i], *(piece.rounding for pair in pairs for piece in pair))
                found.append(_slope(at_zero, _within(finite, pairs[1]), unit, moved, rounding, within[i]))
        else:
            found.append(_at_an_end(at_zero, readings, unit))
    return found


def fine_steps(
    f: Callable[[float], float], x: float, units: tuple[float, float], *, seen_here: bool = False
) -> tuple[float, float, float] | None:
    """The steps of a stair that are finer than the spacing of numbers around an operand; None if there are none.

    They are found at smaller operands; the slope of a step is measured there and extrapolated as a power of the
    operand.

    Args:
        f: The function of the operand itself.
        x: The operand.
        units: Unit roundoff of the results and of the operand.
        seen_here: Whether the steps, but not their slope, are visible at the operand itself.

    Returns:
        Their width, and the least and the largest slope that a step at x may have.
    """
    unit, coarse = units
    seen: list[tuple[float, Slope]] = []
    for power in NEARER:
        m = math.copysign(coarse**-power, x)
        [slope] = _slopes(lambda t, m=m: [f(m + t)], [f(m)], abs(m), unit, abs(m) * coarse, 1.0, [0.0], [0.0])  # type: ignore[misc]
        if slope.step:
            seen.append((m, slope))
    if not seen or not (seen_here or seen[-1][1].step <= TOO_FINE * STEEP * abs(x) * coarse):
        return None
    (far, last), (near, first) = seen[-1], seen[0]
    told = []
    for end, start in product(_ends(last), _ends(first)):
        # A slope that rounding hides at all operands is only known to grow no faster than rounding does.
        share = end / start if start and len(seen) > 1 else 0.0
        power = math.log(share) / math.log(far / near) if share > 0 else 1.0
        try:
            told.append(end * (x / far) ** power)
        except OverflowError:
            told.append(math.copysign(math.inf, end))
    return last.step, min(told), max(told)


def _ends(slope: Slope) -> tuple[float, float]:
    """The least and the largest slope that a step may have."""
    off = max(slope.error, FOLLOWED * abs(slope.value))
    return slope.value - off, slope.value + off


def wide_scale(f: Callable[[float], Sequence[float]], size: float, noises: Sequence[float]) -> list[float]:
    """The largest slope of every result at large steps, counting only changes above the noise."""
    size, zero = max(size, 1.0), f(0.0)
    scales = [0.0] * len(noises)
    for t in wide_steps(size):
        changes = [abs(a - b) for a, b in zip(f(t), zero, strict=True)]
        scales = [
            max(scale, change / abs(t)) if JUMP * noise < change < math.inf else scale
            for scale, change, noise in zip(scales, changes, noises, strict=True)
        ]
    return scales


def wide_steps(size: float) -> list[float]:
    """Steps of the size of the operand and larger, to both sides."""
    return [t for k in range(WIDER) for t in (size * FACTOR**k, -size * FACTOR**k) if abs(t) <= LARGEST]


def _slope(
    zero: float, finite: list[tuple[float, float, float]], unit: float, moved: float, stair: float, within: float
) -> Slope:
    """The derivative where both sides are finite."""
    steps = [t for t, _, _ in finite]
    noise = noise_of(zero, ([r[1] for r in finite], [r[2] for r in finite]), unit)
    noise = max(noise, noise_at_zero(zero, finite, noise), quantum(zero, finite), stair)
    right = [(a - zero) / t for t, a, _ in finite]
    left = [(zero - b) / t for t, _, b in finite]
    # The rounding error of a quotient: that of the function's values, and that of t itself.
    noises = [
        (noise + 2 * unit * max(abs(a - zero), abs(b - zero))) / t + moved / t * max(abs(r), abs(s))
        for (t, a, b), r, s in zip(finite, right, left, strict=True)
    ]
    gaps = [r - s for r, s in zip(right, left, strict=True)]
    # Once the gap has closed, the values may all be equal: the point is on a flat piece next to a kink.
    readable = [
        k for k in range(1, len(steps)) if noises[k] <= READABLE * max(abs(right[k]), abs(left[k]), abs(gaps[k - 1]))
    ]
    last = _last_gap(gaps, noises, readable[-1] if readable else 1)
    if not _closes(gaps, noises, last):
        return _sided(zero, finite, right, left, noises, last, noise)
    jumps = _jumps(zero, finite, noise)
    if len(jumps) == 2 and len(finite) >= LEVELS // 2:  # as of a sign at 0, on both sides alike
        return _jump_at(jumps[0], finite, noise)
    first = last
    while first > 0 and _closes(gaps, noises, first):
        first -= 1
    middle = [(r + s) / 2 for r, s in zip(right, left, strict=True)]
    value, error = extrapolated(steps[first:], middle[first:], noises[first:], ORDERS)
    # Steps longer than the scale on which the function varies prove nothing, however well they agree.
    while first < last - 1 and abs(middle[last] - value) > 16 * (error + noises[last]):
        first += 1
        value, error = extrapolated(steps[first:], middle[first:], noises[first:], ORDERS)
    # A value that is small beside those near by, or beside the inputs, may be a difference of numbers that large. Their
    # rounding may make a stair, of which the smallest steps see one step only: log(1 + exp(x)) + y*y at x = -25.
    inner = INNER * unit * max(within, *(max(abs(a), abs(b)) for _, a, b in finite))
    if inner > noise:
        coarse = [max(n, inner / t) for n, t in zip(noises, steps, strict=True)]
        start = last
        while start > 0 and _closes(gaps, coarse, start):
            start -= 1
        other, unsure = extrapolated(steps[start:], middle[start:], coarse[start:], ORDERS)
        if SURE * unsure < abs(other - value):
            error = max(error, abs(other - value))
    scale = max(map(abs, (*right, *left)))
    return Slope(value, error, value, value, "smooth", noise, scale, tuple(finite))


def _entry(f: Callable[[float], Sequence[float]], i: int) -> Callable[[float], float]:
    """Result i alone."""
    return lambda t: f(t)[i]


def _within(finite: list[tuple[float, float, float]], sides: Sequence[Plateau]) -> list[tuple[float, float, float]]:
    """The readings within the straight piece around the point, as of a spline, if there is one; else all."""
    width = min(side.edge if not side.jump else 0.0 for side in sides)
    near = [reading for reading in finite if reading[0] <= width]
    return near if len(near) >= 2 * FEWEST else finite


def _on_a_step(
    f: Callable[[float], float],
    zero: float,
    finite: list[tuple[float, float, float]],
    units: tuple[float, float],
    sides: Sequence[Plateau],
) -> Slope:
    """The derivative on a step of a genuine stair: the least-squares slope of the values on that step."""
    (unit, moved), width = units, min(side.edge for side in sides)
    if not width:  # the point is at an edge
        return _jump_at(math.copysign(math.inf, finite[-1][1] - finite[-1][2]), finite, 0.0)
    near = [r for r in finite if r[0] < width] or [(width / FACTOR, zero, zero)]
    right, left = (side.edge for side in sides)
    whole = right + left
    places = [whole * (k + 0.5) / ON_A_STEP - left for k in range(ON_A_STEP)]
    rises = [f(t) - zero for t in places]
    slope = error = 0.0
    if any(rises):
        middle, mean = sum(places) / ON_A_STEP, sum(rises) / ON_A_STEP
        offs = [t - middle for t in places]
        slope = sum(off * (rise - mean) for off, rise in zip(offs, rises, strict=True)) / sum(off * off for off in offs)
        rest = max(abs(rise - mean - slope * off) for off, rise in zip(offs, rises, strict=True))
        error = STRAIGHT * (max(unit * abs(zero), rest) + moved * abs(slope)) / whole
    return Slope(slope, error, slope, slope, "smooth", 0.0, abs(slope), tuple(near), step=whole)


def _last_gap(gaps: Sequence[float], noises: Sequence[float], last: int) -> int:
    """The last level at which the gap between the sides can be judged.

    At the last readable level a gap may be almost lost in noise. If it is still nearer to its earlier size than to 0,
    the last level at which it clearly exceeded the noise counts.
    """
    k = last
    while k > 2 and abs(gaps[k]) <= SEEN * noises[k]:
        k -= 1
    kept = all(abs(gap - gaps[k]) < abs(gap) for gap in gaps[k + 1 : last + 1])
    constant = k > 2 and not any(_closes(gaps, noises, i) for i in (k, k - 1, k - 2))
    return k if kept and constant else last


def _closes(gaps: Sequence[float], noises: Sequence[float], k: int) -> bool:
    """Whether the difference quotients of the two sides approach each other from level k - 1 to k."""
    return abs(gaps[k]) <= max(CLOSING * abs(gaps[k - 1]), 4 * noises[k])


def grows(quotients: Sequence[float]) -> bool:
    """Whether the quotients diverge as the steps fall."""
    tail = [abs(q) for q in quotients[-5:]]
    if all(b >= GROWING * a > 0 for a, b in pairwise(tail)):
        return True
    rises = [b - a for a, b in pairwise(tail)]  # all alike, and not small: as of a logarithm
    alike = all(b >= ALIKE * a > 0 and a >= ALIKE * b for a, b in pairwise(rises))
    return len(rises) > FEWEST and alike and rises[-1] > RISING * tail[-1]


def _sided(
    zero: float,
    finite: list[tuple[float, float, float]],
    right: list[float],
    left: list[float],
    noises: list[float],
    last: int,
    noise: float,
) -> Slope:
    """A kink; or a jump, if a difference itself does not fall with the step."""
    jumps = _jumps(zero, finite, noise)
    if jumps:
        return _jump_at(jumps[0], finite, noise)
    least = DOUBLE_ROUNDOFF * max(abs(r[k] - zero) for r in finite for k in (1, 2))
    start = max(0, last - 6)
    window = slice(start, last + 1)
    steps, doubled = [t for t, _, _ in finite][window], [2 * n for n in noises[window]]
    # A quotient that grows only because differences have reached their rounding error does not diverge.
    (r, e), (s, d) = (
        (math.copysign(math.inf, side[last]), 0.0)
        if abs(side[last]) * steps[-1] > max(least, JUMP * noise) and grows(side[: last + 1])
        else extrapolated(steps, side[window], doubled, ONE_SIDED)
        for side in (right, left)
    )
    return Slope((r + s) / 2 if math.isfinite(r + s) else 0.0, max(e, d), s, r, "kink", noise, 0.0, tuple(finite))


def _jumps(zero: float, finite: Sequence[tuple[float, float, float]], noise: float) -> list[float]:
    """The signs of the infinite slopes on the sides where a difference does not fall with the step."""
    least = max(JUMP * noise, DOUBLE_ROUNDOFF * max(abs(r[k] - zero) for r in finite for k in (1, 2)))
    found = []
    for sign, place in ((1, 1), (-1, 2)):
        near, far = (abs(finite[k][place] - zero) for k in (-1, -min(5, len(finite))))
        if near > 0.5 * far and near > least:  # half: at a root's vertical tangent it is a sixteenth
            found.append(math.copysign(math.inf, sign * (finite[-1][place] - zero)))
    return found


def _jump_at(side: float, finite: Sequence[tuple[float, float, float]], noise: float) -> Slope:
    return Slope(side, math.inf, side, side, "jump", noise, 0.0, tuple(finite))


def _at_an_end(zero: float, readings: list[tuple[float, float, float]], unit: float) -> Slope:
    """The slope at the end of a domain, where the function is finite on one side only."""
    for sign, place in ((1.0, 1), (-1.0, 2)):
        finite = [r for r in readings if math.isfinite(r[place])]
        if math.isfinite(zero) and len(finite) >= LEVELS // 2:
            steps = [r[0] for r in finite]
            noise = noise_of(zero, [[r[place] for r in finite]], unit)
            quotients = [sign * (r[place] - zero) / r[0] for r in finite]
            kept = tuple((r[0], r[place], zero) for r in finite)
            if grows(quotients):
                value = math.copysign(math.inf, quotients[-1])
                return Slope(value, 0.0, value, value, "not finite", noise, 0.0, kept)
            noises = [2 * (noise + unit * abs(r[place] - zero)) / r[0] for r in finite]
            value, error = extrapolated(steps, quotients, noises, ONE_SIDED)
            return Slope(value, error, value, value, "smooth", noise, max(map(abs, quotients)), kept)
    return Slope(math.nan, math.inf, math.nan, math.nan, "not finite", 0.0, 0.0, ())


def remainder_order(zero: float, slope: Slope, claimed: float) -> float:
    """The power of t with which f(t) - f(0) - t * claimed falls, at the smallest steps above rounding.

    2 for the right derivative, 1 for a wrong one: Taylor's theorem as a second witness.
    inf where nothing is left above rounding.
    """
    left = []
    for t, up, _ in slope.readings:
        rest = abs(up - zero - t * claimed)
        if rest > 32 * slope.noise and rest > 2.0**-40 * abs(t * claimed):
            left.append((t, rest))
    orders = [(math.log(a[1]) - math.log(b[1])) / math.log(a[0] / b[0]) for a, b in pairwise(left) if a[1] < math.inf]
    return sorted(orders[-3:])[len(orders[-3:]) // 2] if orders else math.inf
