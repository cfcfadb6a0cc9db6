"""Judges a derivative of any function, from any library, by differences of its values.

The reference is numeric: differences at steps of many sizes with an error estimate (`differences`), and, where
the function accepts complex numbers, the complex step (Squire and Trapp, 1998), which loses no digits, if it
agrees with them (`line`). A second test of a derivative that looks wrong is the order at which the remainder
f(x + h v) - f(x) - h g v decreases: 2 for a right one, 1 for others (docs/adr/0008).
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..directions import directions, seeds_of
from ..verdicts import FunctionError, Report, Verdict, Worst
from .line import Line, combined, unseen
from .numeric_finding import MANY_INPUTS
from .ties import DIGIT, between, inside, is_tied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .judged_function import Numeric
    from .numeric_finding import NumericFinding
    from .slope import Slope

DIRECTIONS = 4
VERY_MANY = 500  # with more inputs there are two random directions
FURTHEST = 8  # a faulty half of the inputs is found by central differences with steps this many levels below the size
HALF_THE_DIGITS = 8.0  # noise above this many square roots of the roundoff is no rounding
NEARBY_ROUNDINGS = 64.0  # noise below this many roundings of the differences near by counts as rounding
NEIGHBOURS, ULPS_AWAY = 6, 4.0  # number of points at which the noise of values is measured, and their distance in ulps


def judge(f: Numeric) -> Report:
    """The verdict on a derivative.

    Args:
        f: The function, the point and the derivative.

    Returns:
        A `Report` without a graph.
    """
    zero = f.call(f.point)
    seeds = seeds_of(len(zero))
    for i, z in enumerate(zero):
        if not math.isfinite(z):
            worst = Worst(f.names[0], z, z, 0.0, 0.0, "its value", "its value")
            return Report(Verdict.NOT_FINITE, f"the result{f.places[i]} is {z}.", worst)
    n = len(f.point)
    if n <= MANY_INPUTS:
        units = [(f.names[j], [float(k == j) for k in range(n)]) for j in range(n)]
    else:
        count = DIRECTIONS if n <= VERY_MANY else 2
        units = [(f"{n} inputs along random direction {k}", directions(n, f"difference {k}")) for k in range(count)]
    lines = [Line(f, where, v, seeds, zero) for where, v in units]
    findings = _judged(lines)
    if n <= MANY_INPUTS:
        _break_ties(f, seeds, findings)
    if n > MANY_INPUTS and max(findings).rank:
        narrowed = _narrowed(f, max(findings), seeds, zero)
        return narrowed.report(f)
    # Along a random direction every input has a weight of at least one half.
    resolution = max(finding.resolution for finding in findings) * (2 if n > MANY_INPUTS else 1)
    return max(findings).report(f, len(findings), resolution)


def _break_ties(f: Numeric, seeds: list[list[float]], findings: list[NumericFinding]) -> None:
    """If several inputs tie, accept a number between the derivatives of the pieces that meet there."""

    def look(point: list[float], v: list[float]) -> list[Slope] | None:
        try:
            line = Line(replace(f, point=point), "", v, seeds, f.call(point))
        except FunctionError:  # outside of its domain
            return None
        passed = unseen(point)
        line.around = [passed * slope for slope in _slopes_of_all(line)] if passed else line.around
        line.look()
        return line.estimates[0]

    def value(seed: list[float], point: list[float]) -> float:
        try:
            return combined(seed, f.call(point))
        except FunctionError:  # outside of its domain
            return math.nan

    point = inside(f.point, f.coarse)
    groups = [name.partition("]")[0] for name in f.names]
    tied: dict[int, bool] = {}
    # The worst first: if that is no fair choice, it is the verdict, whatever the others are.
    for place in sorted(range(len(findings)), key=findings.__getitem__, reverse=True):
        finding, k, s = findings[place], place // len(seeds), place % len(seeds)
        column = findings[s :: len(seeds)]
        if len(column) < 2 or not _is_excusable(finding):
            return
        slope = finding.slope
        if s not in tied:
            off = max(abs(other.found - other.slope.value) for other in column if _is_excusable(other))
            tied[s] = is_tied(point, [other.slope for other in column], s, off, look)
        if not tied[s]:
            return
        ends = (slope.left, slope.right)
        off = min(abs(finding.found - end) for end in ends)
        near = between(point, (f.coarse, f.unit), k, off, partial(value, seeds[s]), groups, finding.found)
        if near is None:
            return
        low, high = min(*ends, *near), max(*ends, *near)
        if not low - off * DIGIT <= finding.found <= high + off * DIGIT:  # the ends are known to this accuracy only
            return
        low, high = min(low, finding.found), max(high, finding.found)
        finding.slope = replace(slope, kind="kink", left=low, right=high)


def _is_excusable(finding: NumericFinding) -> bool:
    """Whether a number that looks wrong may be a fair choice where inputs tie."""
    return bool(finding.rank) and math.isfinite(finding.found) and finding.slope.kind in ("smooth", "kink")


def _judged(lines: Sequence[Line]) -> list[NumericFinding]:
    """The findings along some directions.

    A number that agrees with one estimate is right. Before any other is called wrong, further estimates are made. An
    error is compared with the changes along all directions: one that changes a result by less than its rounding does
    not count.
    """
    for line in lines:
        line.glance()
    changes = [max(line.change(s) for line in lines) for s in range(len(lines[0].seeds))]
    if any(finding.unsettled for line in lines for finding in line.findings(changes)):
        for line in lines:
            if not line.looked:
                line.look()  # the noise along one line counts along all
    around: list[float] = []
    slopes_of_all: list[float] = []
    again: set[Line] = set()
    while True:
        changes = [max(line.change(s) for line in lines) for s in range(len(lines[0].seeds))]
        # Better estimates may be smaller, so that others beside them are no longer negligible.
        unsure = [line for line in lines if line not in again and any(x.unsettled for x in line.findings(changes))]
        if not unsure:
            break
        around = around or _noise_around(lines, changes)
        slopes_of_all = slopes_of_all or _slopes_of_all(lines[0])
        for line in unsure:
            line.look_again(around, slopes_of_all)
        again.update(unsure)
    findings = [finding for line in lines for finding in line.findings(changes)]
    for k, finding in enumerate(findings):
        line, s = lines[k // len(changes)], k % len(changes)
        has_steps = bool(finding.rank) and line.look_for_steps(s, finding)
        if finding.doubtful and not has_steps:
            line.look_from_afar(s, finding)
        if finding.share > 1 and finding.verdict in (Verdict.WRONG, Verdict.ILL_CONDITIONED):
            line.look_within(s, finding)
        if finding.verdict is Verdict.ILL_CONDITIONED:
            line.look_evenly(s, finding)
    return findings


def _noise_around(lines: Sequence[Line], changes: Sequence[float]) -> list[float]:
    """The noise of values at neighbours of the point in all inputs, beyond what slopes explain.

    Along a single input values may happen to be exact: a term is 0, or two are equal. So the noise along the other
    inputs counts, too, if it is rounding. If it is more than half of the digits of the function's changes, it is a
    jump.
    """
    line = lines[0]
    f, seeds = line.f, line.seeds
    largest = max(map(abs, f.point), default=0.0) or 1.0
    rounding = f.rounding() if f.rounding is not None else [0.0] * len(f.places)
    found = [combined([abs(u) for u in seed], rounding) for seed in seeds]
    for s, off in enumerate(found):
        seen = [slope.noise for slope in (other.estimates[0][s] for other in lines) if _only_rounding(slope, f.unit)]
        found[s] = max(off, *seen, 0.0)
    for k in range(NEIGHBOURS):
        v = directions(len(f.point), f"neighbour {k}")
        at = [x + ULPS_AWAY * f.coarse * d * (abs(x) or largest) for x, d in zip(f.point, v, strict=True)]
        try:
            values = f.call(at)
        except FunctionError:  # outside of its domain
            continue
        for s, seed in enumerate(seeds):
            off = abs(combined(seed, values) - combined(seed, line.zero))
            explained = 2 * ULPS_AWAY * f.coarse * len(f.point) * changes[s]
            largest_change = max(other.estimates[0][s].reach for other in lines)
            if explained < off <= HALF_THE_DIGITS * math.sqrt(f.unit) * largest_change < math.inf:
                found[s] = max(found[s], off - explained)
    return found


def _only_rounding(slope: Slope, unit: float) -> bool:
    """Whether the noise along a line is rounding of values: then it occurs along other lines, too."""
    return slope.kind == "smooth" and slope.noise <= NEARBY_ROUNDINGS * unit * slope.reach


def _slopes_of_all(line: Line) -> list[float]:
    """The largest slopes of results when all inputs move at once, by about 1."""
    found = [0.0] * len(line.seeds)
    for k in range(NEIGHBOURS):
        v = directions(len(line.f.point), f"neighbour {k}")
        try:
            values = line.f.call([x + d for x, d in zip(line.f.point, v, strict=True)])
        except FunctionError:  # outside of its domain
            continue
        for s, seed in enumerate(line.seeds):
            slope = abs(combined(seed, values) - combined(seed, line.zero)) / max(map(abs, v))
            found[s] = max(found[s], slope if math.isfinite(slope) else 0.0)
    return found


def _located(f: Numeric, worst: NumericFinding, seeds: list[list[float]], zero: list[float]) -> NumericFinding | None:
    """The entry with the largest error, if a wrong derivative along a direction comes from a single entry.

    By bisection: of two halves of the inputs, the one whose derivative is further from a central difference is kept.
    """
    moving = [j for j, d in enumerate(worst.v) if d]
    if worst.verdict is not Verdict.WRONG or len(f.point) <= VERY_MANY:
        return None
    seed = next(s for s in seeds if f.given.along(s, worst.v) == worst.found)

    def off(part: list[int]) -> float:
        v = [0.0] * len(f.point)
        for j in part:
            v[j] = worst.v[j]
        line = Line(f, "", v, [seed], zero, exact=False)
        t = 2.0**-FURTHEST * (line.size or 1.0)
        far, near = ((line.once(h)[0] - line.once(-h)[0]) / (2 * h) for h in (t, t / 4))
        return abs(f.given.along(seed, v) - (near + (near - far) / 15))

    while len(moving) > 1:
        left, right = moving[: len(moving) // 2], moving[len(moving) // 2 :]
        a, b = off(left), off(right)
        if not math.isfinite(a + b):
            return None
        moving = left if a > b else right
    (j,) = moving
    unit = [0.0] * len(f.point)
    unit[j] = 1.0
    found = max(_judged([Line(f, f.names[j], unit, seeds, zero)]))
    return found if found.verdict is Verdict.WRONG else None


def _narrowed(f: Numeric, worst: NumericFinding, seeds: list[list[float]], zero: list[float]) -> NumericFinding:
    """Bisect the inputs of a direction until one is left that is still wrong."""
    located = _located(f, worst, seeds, zero)
    if located is not None:
        return located
    v, kept = worst.v, worst
    while sum(map(bool, v)) > 1:
        moving = [j for j, d in enumerate(v) if d]
        half = set(moving[: len(moving) // 2])
        for side in (half, set(moving) - half):
            part = [d if j in side else 0.0 for j, d in enumerate(v)]
            if len(side) == 1:
                part = [float(d != 0) for d in part]
            name = f.names[next(iter(side))] if len(side) == 1 else f"{len(side)} inputs along a random direction"
            found = max(_judged([Line(f, name, part, seeds, zero)]))
            if found.rank:
                v, kept = part, found
                break
        else:
            return kept
    return kept
