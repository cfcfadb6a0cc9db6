"""Judges a derivative of any function, from any library, by differences of its values.

The reference is numeric: differences at steps of many sizes with an error estimate (`differences`), and, where
the function accepts complex numbers, the complex step (Squire and Trapp, 1998), which loses no digits, if it
agrees with them. A second test of a derivative that looks wrong is the order at which the remainder f(x + h v)
- f(x) - h g v decreases: 2 for a right one, 1 for others (docs/adr/0008).
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from ..arguments.flat import DOUBLE
from ..directions import GOLDEN, directions, seeds_of
from ..verdicts import FunctionError, Report, Verdict, Worst
from .differences import (
    JUMP,
    ROUNDING,
    STRETCHES,
    TOO_FINE,
    Slope,
    fine_steps,
    remainder_order,
    slopes,
    together,
    wide_scale,
)
from .from_afar import from_afar
from .stairs import STEEP, WIDEST
from .ties import DIGIT, between, inside, is_tied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..arguments.given import Given

DIRECTIONS = 4
MANY_INPUTS = 48  # inputs beyond which random directions are checked first
VERY_MANY = 500  # inputs beyond which there are two random directions
FURTHEST = 8  # levels below the operand's size at which halves are compared, by two central differences
SAFETY = 16.0  # times the error estimate of the differences
RESOLVED = 1 / 4  # power of the roundoff: what the differences tell at least, as a share of the result's other slopes
DECLARED = 64.0  # times the slope that results may vary by: beside one that the user calls noise, 0 is confirmed
FLOOR = 8.0  # roundings of a result, by which a derivative may be off in its effect
ULPS = (0, 1, -2, 3, -5)  # neighbours of the point at which the complex step is taken, too
KEPT = 0.75  # share of its digits that a right derivative has in spite of its own rounding
ANALYTIC = 4.0  # a share of what the complex step differs by from differences is its error at least
NEXT_TO_ZERO = 1e-10  # of the largest difference quotient
DOUBTFUL_ORDER = 1.95  # what rounds to 2 is no second witness
HALF_THE_DIGITS = 8.0  # times the root of the roundoff
PLAIN = 64.0  # roundings of what values near by differ by: noise below is no more than rounding
NEIGHBOURS, ULPS_AWAY = 6, 4.0  # points at which the roughness of values is measured, and how far away
UNSEEN = 2.0**-50  # inputs below this are passed by every step from 0
FEW_INPUTS = 4  # inputs that a sentence can list
UNSURE = 0.2  # a reference with a relative error above this decides nothing
IDLE = 2.0**-10  # roundings of a result: a derivative with less effect than that counts as 0
UNDERFLOW = 2.0**10
TINIEST = {DOUBLE: 2.0**-1022, 2.0**-24: 2.0**-126, 2.0**-8: 2.0**-126}  # below, digits are lost, or all is 0
LEAST = 2.0**-1000  # no function is asked for smaller slopes
TINY_STEP = 2.0**-80


@dataclass(frozen=True, slots=True)
class Tolerances:
    """The tolerances that the user set.

    Attributes:
        atol: How far off any entry may be.
        rtol: The same as a share of the entry.
        nondet_tol: How far apart two results for the same arguments may be.
        strict: Whether errors below the function's own rounding noise count.
    """

    atol: float = 0.0
    rtol: float = 0.0
    nondet_tol: float = 0.0
    strict: bool = False


@dataclass(slots=True)
class Numeric:
    """A function and its derivative as flat lists of numbers.

    Attributes:
        call: f, of a list of floats (or complex numbers), with a list of floats.
        point: Where.
        names: The places of its arguments.
        places: The places of its results; [""] for a single number.
        given: The derivative to judge.
        unit: Unit roundoff of its results.
        coarse: Unit roundoff of its arguments.
        tolerances: What the user allows.
        rounding: How far off rounding may put each result, where that is known.
    """

    call: Callable[[list[Any]], list[Any]]
    point: list[float]
    names: list[str]
    places: list[str]
    given: Given
    unit: float = DOUBLE
    coarse: float = DOUBLE
    tolerances: Tolerances = Tolerances()
    rounding: Callable[[], list[float]] | None = None


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
    # In a sum over a direction of many inputs, one is weighted by half at least.
    resolution = max(finding.resolution for finding in findings) * (2 if n > MANY_INPUTS else 1)
    return max(findings).report(f, len(findings), resolution)


def _break_ties(f: Numeric, seeds: list[list[float]], findings: list[NumericFinding]) -> None:
    """Where several inputs tie, accept a number between the derivatives of the pieces that meet there."""

    def look(point: list[float], v: list[float]) -> list[Slope] | None:
        try:
            line = Line(replace(f, point=point), "", v, seeds, f.call(point))
        except FunctionError:  # outside of its domain
            return None
        unseen = _unseen(point)
        line.around = [unseen * slope for slope in _slopes_of_all(line)] if unseen else line.around
        line.look()
        return line.estimates[0]

    def value(seed: list[float], point: list[float]) -> float:
        try:
            return _combined(seed, f.call(point))
        except FunctionError:  # outside of its domain
            return math.nan

    point = inside(f.point, f.coarse)
    groups = [name.partition("]")[0] for name in f.names]
    for s in range(len(seeds)):
        column = findings[s :: len(seeds)]
        bad = [k for k, finding in enumerate(column) if finding.rank and math.isfinite(finding.found)]
        bad = [k for k in bad if column[k].slope.kind in ("smooth", "kink")]
        if len(column) < 2 or not bad:
            continue
        off = max(abs(column[k].found - column[k].slope.value) for k in bad)
        if not is_tied(point, [finding.slope for finding in column], s, off, look):
            continue
        for k in bad:
            finding = column[k]
            slope = finding.slope
            ends = (slope.left, slope.right)
            off = min(abs(finding.found - end) for end in ends)
            near = between(point, (f.coarse, f.unit), k, off, partial(value, seeds[s]), groups, finding.found)
            if near is not None:
                low, high = min(*ends, *near), max(*ends, *near)
                if low - off * DIGIT <= finding.found <= high + off * DIGIT:  # they are known to so many digits
                    low, high = min(low, finding.found), max(high, finding.found)
                    finding.slope = replace(slope, kind="kink", left=low, right=high)


@dataclass(slots=True)
class NumericFinding:
    """What differences find about one number of the derivative."""

    where: str
    v: list[float]
    found: float
    slope: Slope
    reference: str
    allowed: float
    order: float
    unit: float
    scale: float  # the largest slope that the function has elsewhere
    noise: float  # that rounding of the values leaves of a slope, over the whole size of the input
    lost: bool  # whether all that is seen, here and further out, is noise
    natural: float  # the slope that would change the result by its own size over that of the input
    declared: float = 0.0  # the slope that would change the result by `nondet_tol` over the size of the input
    near: str = ""  # what is too near by, or too fine, for rounding to tell

    @property
    def verdict(self) -> Verdict:
        """The verdict on the number."""
        s = self.slope
        if s.kind == "jump":
            return Verdict.DISCONTINUOUS
        if not math.isfinite(self.found) or not math.isfinite(s.value):
            return Verdict.NOT_FINITE
        if s.kind == "kink":
            return Verdict.KINK
        off = abs(self.found - s.value)
        rough = s.rough and self.noise > 3 * self.declared  # beyond what the user has said of it
        if self.lost or (rough and off > self.allowed):
            return Verdict.ILL_CONDITIONED  # all that is seen is noise
        if off > self.allowed:
            # Both witnesses, or a distance that leaves no doubt.
            return Verdict.WRONG if self.order < 1.7 or off > 2 * self.allowed else Verdict.ILL_CONDITIONED
        known = min(self.allowed, SAFETY * (s.spread + self.unit * abs(s.value) + self.noise))
        if self.found == 0 and (still := s.still):  # neighbours may have noise, this line has none
            known = min(known, SAFETY * self.unit * still)
        return Verdict.ILL_CONDITIONED if max(known, off) > self.digit else Verdict.RIGHT

    @property
    def digit(self) -> float:
        """The error to which a right number has to be confirmed: a digit, or a fraction of nearby slopes."""
        flat = UNSURE * self.natural if abs(self.found) <= IDLE * self.unit * self.natural else 0.0
        size = UNSURE * max(abs(self.slope.value), abs(self.found))
        shown = float(self.unit**RESOLVED) * self.scale
        return max(size, shown, flat, LEAST, DECLARED * self.declared)

    @property
    def resolution(self) -> float:
        """The error that a number called right may have."""
        return min(self.allowed, self.digit)

    @property
    def doubtful(self) -> bool:
        """Whether differences determine the slope hardly at all."""
        s, verdict = self.slope, self.verdict
        if verdict is Verdict.NOT_FINITE:
            return math.isfinite(self.found)
        return verdict is Verdict.ILL_CONDITIONED or (
            verdict is Verdict.WRONG and s.error > UNSURE * max(abs(s.value), abs(s.left), abs(s.right))
        )

    @property
    def fair(self) -> bool:
        """Whether the number lies between the one-sided derivatives of a kink."""
        s = self.slope
        edge = self.allowed if math.isfinite(self.allowed) else 0.0
        return min(s.left, s.right) - edge <= self.found <= max(s.left, s.right) + edge

    @property
    def rank(self) -> int:
        """For sorting: worse verdicts first, so that nothing hides a wrong number."""
        order = (
            Verdict.RIGHT,
            Verdict.KINK,
            Verdict.ILL_CONDITIONED,
            Verdict.DISCONTINUOUS,
            Verdict.NOT_FINITE,
            Verdict.WRONG,
        )
        verdict = self.verdict
        return order.index(Verdict.DISCONTINUOUS if verdict is Verdict.KINK and not self.fair else verdict)

    @property
    def share(self) -> float:
        """The error as a fraction of what is allowed."""
        off = abs(self.found - self.slope.value)
        return off / self.allowed if self.allowed and math.isfinite(off) else math.inf if off else 0.0

    def __lt__(self, other: NumericFinding) -> bool:
        return (self.rank, self.share) < (other.rank, other.share)

    def report(self, f: Numeric, count: int = 1, resolution: float = 0.0) -> Report:
        """The finding in words."""
        s, where, verdict = self.slope, self.where, self.verdict
        expected = min(max(self.found, min(s.left, s.right)), max(s.left, s.right)) if s.kind == "kink" else s.value
        off, allowed = math.inf, 0.0
        if math.isfinite(expected) and math.isfinite(self.found):
            ulp = math.ulp(abs(expected) or self.allowed) * (self.unit / DOUBLE)
            off, allowed = abs(self.found - expected) / ulp, self.allowed / ulp if s.kind == "smooth" else 0.0
        worst = Worst(where, expected, self.found, off, allowed, self.reference, f.given.side)
        if verdict is Verdict.RIGHT:
            known = f"by {self.reference}"
            if count == 1:
                reason = f"{self.found!r} is the derivative to {where}, {known} (to {self.resolution:.2g})."
            else:
                many = len(f.point) > MANY_INPUTS
                what = f"derivatives along {count} random directions" if many else f"{count} derivatives"
                reason = f"all {what} are right, {known}."
            return Report(verdict, reason, worst, resolution=max(resolution, self.resolution))
        if verdict is Verdict.DISCONTINUOUS:
            return Report(verdict, f"the result jumps at this point when {where} moves.", worst)
        if verdict is Verdict.NOT_FINITE:
            reason = (
                f"the derivative to {where} is {self.found} ({f.given.side}), where {self.reference} give {s.value!r}."
            )
            return Report(verdict, reason, worst)
        if verdict is Verdict.KINK:
            low, high = min(s.left, s.right), max(s.left, s.right)
            place = "between" if self.fair else "outside of"
            if self.near:
                reason = (
                    f"{self.near} to tell the derivative to {where}: it is between {low:.9g} and {high:.9g}, as the "
                    f"{self.found!r} found is."
                )
                return Report(verdict, reason, worst, interval=(low, high), fair=True)
            reason = (
                f"to {where} the one-sided derivatives are {s.left:.9g} on the left and {s.right:.9g} on the right, "
                f"and the {self.found!r} found lies {place} them."
            )
            return Report(verdict, reason, worst, interval=(low, high), fair=self.fair)
        if verdict is Verdict.ILL_CONDITIONED:
            condition = max(1.0, s.error / self.unit / max(abs(s.value), abs(self.found), 2.0**-1000))
            reason = (
                f"the rounding of the function's values hides its derivative to {where}: differences give "
                f"{s.value:.6g} and may be off by {s.error:.1g}, {self.found!r} was found."
            )
            return Report(verdict, reason, worst, condition=condition)
        at = f" at ({', '.join(map(repr, f.point))})" if len(f.point) <= FEW_INPUTS else ""
        witness = (
            ""
            if self.order > DOUBTFUL_ORDER
            else f"; the Taylor remainder falls like h^{self.order:.1f} instead of h^2"
        )
        reason = (
            f"the derivative to {where} is {s.value:.9g} by {self.reference}, and {self.found!r} was found{at}"
            f"{witness}."
        )
        return Report(verdict, reason, worst)


def _judged(lines: Sequence[Line]) -> list[NumericFinding]:
    """What there is to say along some directions.

    What agrees with one estimate is right. What does not is held against all there are before it is
    called so. A derivative is measured by those along the other directions: what changes a result by
    less than its rounding does not matter.
    """
    for line in lines:
        line.look()
    around: list[float] = []
    slopes_of_all: list[float] = []
    again: set[Line] = set()
    while True:
        changes = [max(line.change(s) for line in lines) for s in range(len(lines[0].seeds))]
        # Better estimates may be smaller, and so what is beside them is no longer too small to matter.
        unsure = [line for line in lines if line not in again and any(x.rank for x in line.findings(changes))]
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
    return findings


def _noise_around(lines: Sequence[Line], changes: Sequence[float]) -> list[float]:
    """How far rounding puts values off at neighbours of the point, beyond what slopes explain.

    Along one input values may be as good as exact, by luck: where a term is 0, or two are the same, or where the next
    number is far. So that along the others counts, if it is rounding. What is more than
    half of the digits of the changes that the function shows is no rounding, but a jump.
    """
    line = lines[0]
    f, seeds = line.f, line.seeds
    largest = max(map(abs, f.point), default=0.0) or 1.0
    rounding = f.rounding() if f.rounding is not None else [0.0] * len(f.places)
    found = [_combined([abs(u) for u in seed], rounding) for seed in seeds]
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
            off = abs(_combined(seed, values) - _combined(seed, line.zero))
            explained = 2 * ULPS_AWAY * f.coarse * len(f.point) * changes[s]
            largest_change = max(other.estimates[0][s].reach for other in lines)
            if explained < off <= HALF_THE_DIGITS * math.sqrt(f.unit) * largest_change < math.inf:
                found[s] = max(found[s], off - explained)
    return found


def _only_rounding(slope: Slope, unit: float) -> bool:
    """Whether noise along a line is rounding of its values: then it occurs along others, too."""
    return slope.kind == "smooth" and slope.noise <= PLAIN * unit * slope.reach


def _unseen(point: Sequence[float]) -> float:
    """The largest input that every step from 0 passes: a change of the result over such distances is no jump."""
    return max((abs(x) for x in point if abs(x) < UNSEEN), default=0.0)


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
            slope = abs(_combined(seed, values) - _combined(seed, line.zero)) / max(map(abs, v))
            found[s] = max(found[s], slope if math.isfinite(slope) else 0.0)
    return found


class Line:
    """Differences along one direction, for every combination of results.

    Args:
        f: The function.
        where: The direction in words.
        v: The direction.
        seeds: The combinations.
        zero: The results at the point.
        exact: Whether the complex step is tried.
    """

    def __init__(
        self, f: Numeric, where: str, v: list[float], seeds: list[list[float]], zero: list[float], *, exact: bool = True
    ) -> None:
        self.f, self.where, self.v, self.seeds, self.zero = f, where, v, seeds, zero
        self.size = max((abs(x) for x, d in zip(f.point, v, strict=True) if d), default=0.0)
        self.estimates: list[list[Slope]] = []
        self.elsewhere = [0.0] * len(seeds)
        self.around = [0.0] * len(seeds)
        self.exact = _complex_step(f, v, seeds) if exact else None
        self.once = cache(self._values)

    def _values(self, t: float) -> list[float]:
        at = [x + d * t for x, d in zip(self.f.point, self.v, strict=True)]
        if not all(map(math.isfinite, at)):
            return [math.nan] * len(self.seeds)
        try:
            values = self.f.call(at)
        except FunctionError:  # outside of its domain
            values = [math.nan] * len(self.zero)
        return [_combined(seed, values) for seed in self.seeds]

    def _slopes(self, stretch: float) -> list[Slope]:
        return slopes(self.once, self.size, self.f.unit, self.size * self.f.coarse, stretch, self.around)

    def look(self) -> None:
        """Make one estimate."""
        self.estimates = [self._slopes(STRETCHES[0])]

    def look_again(self, around: list[float], of_all: list[float]) -> None:
        """Make further estimates with other steps, and measure what the function does further out.

        Args:
            around: How far values at neighbours in all inputs are off.
            of_all: Slopes where all inputs move.
        """
        jump = any(slope.kind == "jump" for slope in self.estimates[0])
        unseen = _unseen(self.f.point) if jump else 0.0
        self.around = [max(off, unseen * slope) for off, slope in zip(around, of_all, strict=True)]
        self.estimates = [self._slopes(stretch) for stretch in STRETCHES]
        wide = wide_scale(self.once, self.size, [slope.noise for slope in self.estimates[0]])
        self.elsewhere = [max(pair) for pair in zip(wide, of_all, strict=True)]

    def look_from_afar(self, s: int, finding: NumericFinding) -> None:
        """Accept a number between the slopes on both sides of the point, as measured from further out.

        An operand of 0 is at the end of a domain itself; any other may be next to one.
        """
        slope = finding.slope
        if not self.size or finding.lost or slope.rough:
            return
        rounding = max(self.around[s], 2 * self.f.unit * max(abs(self.once(0.0)[s]), slope.reach))
        ends = from_afar(lambda t: self.once(t)[s], self.size, max(slope.noise, rounding), rounding)
        if ends is not None:
            low, high, error = ends
            if low - SAFETY * error <= finding.found <= high + SAFETY * error:
                value = min(max(finding.found, low), high)
                finding.slope = replace(slope, kind="kink", value=value, left=low, right=high, error=error)
                finding.allowed = SAFETY * error
                finding.near = "a kink or a vertical tangent is too near for rounding"

    def look_for_steps(self, s: int, finding: NumericFinding) -> bool:
        """Accept the slope of a step where the function is a stair whose steps are finer than numbers of this size.

        `round(x)` and x are one function among doubles of 1e16. So a number between both slopes is accepted.

        Returns:
            Whether there are such steps.
        """
        f, moving = self.f, [j for j, d in enumerate(self.v) if d]
        if len(moving) > 1 or TOO_FINE * self.size * f.coarse * STEEP <= WIDEST or not math.isfinite(finding.found):
            return False
        (j,) = moving

        def at(x: float) -> float:
            try:
                return _combined(self.seeds[s], f.call([*f.point[:j], x, *f.point[j + 1 :]]))
            except FunctionError:  # outside of its domain
                return math.nan

        steps = fine_steps(at, f.point[j], (f.unit, f.coarse))
        if steps is None:
            return False
        width, *ends = steps
        slope = finding.slope
        ends += [0.0] if slope.kind == "jump" or not math.isfinite(slope.value) else [0.0, slope.value]
        low, high = min(ends), max(ends)
        if low <= finding.found <= high:
            finding.slope = replace(slope, kind="kink", value=finding.found, left=low, right=high, error=0.0)
            finding.allowed = 0.0
            finding.near = f"steps of width {width:.3g} are too fine for numbers of this size"
        return True

    def change(self, s: int) -> float:
        """How much a result changes when the inputs change by their own size."""
        value = self.estimates[0][s].value
        return abs(value) * (self.size or 1.0) if math.isfinite(value) else 0.0

    def findings(self, changes: Sequence[float]) -> list[NumericFinding]:
        """The findings, given how much each result changes along all directions."""
        return [
            self._finding(s, together(several), changes[s])
            for s, several in enumerate(zip(*self.estimates, strict=True))
        ]

    def _finding(self, s: int, slope: Slope, change: float) -> NumericFinding:
        f, seed, size = self.f, self.seeds[s], self.size or 1.0
        label = self.where
        if len(f.places) > 1 or f.places[0]:
            of = f"result{f.places[s]}" if len(self.seeds) == len(f.places) else "random combination of results"
            label = f"{of} / {self.where}"
        reference = "finite differences"
        if self.exact is not None and slope.kind == "smooth":
            value, spread = self.exact[s]
            apart = abs(value - slope.value)
            agrees = apart <= SAFETY * slope.error
            spread = max(spread, apart / ANALYTIC)  # a term may be lost in |z|, which has no complex derivative
            if agrees and abs(value) > NEXT_TO_ZERO * slope.scale and spread < slope.error:
                reference = "complex step"
                slope = replace(slope, value=value, error=spread, left=value, right=value)
        claimed = f.given.along(seed, self.v)
        wide, result = max(size, 1.0), abs(_combined(seed, self.zero))
        # An input that is tiny beside the others moves a result by what those make of it.
        moved = max(size, min(1.0, max(map(abs, f.point)) or 1.0))
        noise = slope.noise + f.tolerances.nondet_tol
        allowed = SAFETY * slope.error + f.unit**KEPT * abs(slope.value) + noise / wide
        if not f.tolerances.strict:
            allowed += FLOOR * f.unit * change / moved
            if not slope.scale and slope.kind == "smooth":  # it stands still, as shares that saturate do
                allowed += FLOOR * f.unit * self.elsewhere[s]
        if math.isfinite(slope.value):
            if abs(claimed) < (tiniest := TINIEST.get(f.unit, 0.0)):
                allowed = max(allowed, UNDERFLOW * tiniest)  # the derivative's own, in its last factor or before
            allowed = max(allowed, f.tolerances.atol + f.tolerances.rtol * abs(slope.value))
        order = remainder_order(_combined(seed, self.zero), slope, claimed)
        lost = slope.rough and slope.noise > max(ROUNDING * self.elsewhere[s] * wide, 2 * f.tolerances.nondet_tol)
        near = slope.scale if slope.scale * wide > JUMP * noise and not slope.rough else 0.0
        scale = max(near, self.elsewhere[s], change / moved)
        natural = max(0.0 if slope.rough else slope.scale, result / wide)
        return NumericFinding(
            label, self.v, claimed, slope, reference, allowed, order, f.unit, scale, noise / wide, lost, natural,
            f.tolerances.nondet_tol / wide,
        )  # fmt: skip


def _combined(seed: Sequence[float], values: Sequence[float]) -> float:
    return sum(u * z for u, z in zip(seed, values, strict=True) if u)


def _complex_step(f: Numeric, v: list[float], seeds: list[list[float]]) -> list[tuple[float, float]] | None:
    """Im f(x + i h v) / h, without cancellation, and how far it may be off; None where f takes no complex numbers.

    What happens within f may cancel all the same, as in sin(z) / z. So it is taken at neighbours of the
    point with steps of several lengths, and no less error is claimed than they differ by.
    """
    if f.coarse > DOUBLE or f.unit > DOUBLE:
        return None
    tries = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns where it drops an imaginary part
            for k, ulps in enumerate(ULPS):
                h = TINY_STEP * (1 + k * GOLDEN % 1)
                at = [complex(x + ulps * math.ulp(x) * (d != 0), h * d) for x, d in zip(f.point, v, strict=True)]
                values = f.call(at)
                if not any(isinstance(z, complex) for z in values):
                    return None
                tries.append([sum(u * z.imag for u, z in zip(seed, values, strict=True) if u) / h for seed in seeds])
    except Exception:  # noqa: BLE001  whatever a function of real numbers does with complex ones
        return None
    found = []
    for several in zip(*tries, strict=True):
        spread = max(several) - min(several) if all(map(math.isfinite, several)) else math.inf
        found.append((several[0], 8 * f.unit * abs(several[0]) + 2 * spread))
    return found


def _located(f: Numeric, worst: NumericFinding, seeds: list[list[float]], zero: list[float]) -> NumericFinding | None:
    """The entry with the largest error, if a wrong derivative along a direction comes from one.

    Of two halves of the inputs the one goes on in which the derivative is further from a central difference.
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
    """Halve the inputs that move until one is left which is still at fault."""
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
