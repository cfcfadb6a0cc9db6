"""A derivative of any function, from any library, against differences of its values.

The reference is numeric: differences at steps of all sizes with an error estimate
(`differences.py`), and where the function takes complex numbers the complex step (Squire and Trapp,
1998), which loses no digits, if it agrees with them. Second witness of a wrong derivative is the
order with which the remainder f(x + h v) - f(x) - h g v falls: 2 for the right one, 1 for others.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from .arguments import DOUBLE
from .differences import Slope, remainder_order, slopes
from .recording import directions, seeds_of
from .verdicts import FunctionError, Report, Verdict, Worst

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DIRECTIONS = 4
MANY_INPUTS = 48  # beyond, random directions first
SAFETY = 16.0  # times the error estimate of the differences
KEPT = 0.75  # share of its digits that a right derivative has in spite of its own rounding
NEXT_TO_ZERO = 1e-10  # of the largest difference quotient
DOUBTFUL_ORDER = 1.95  # what rounds to 2 is no second witness
FEW = 4  # inputs that a sentence can list
UNSURE = 0.05  # a reference that knows less than this share of the derivative judges nothing
LEAST = 2.0**-1000  # no function is asked for smaller slopes
TINY_STEP = 2.0**-80


@dataclass(slots=True)
class Numeric:
    """A function and its derivative as flat lists of numbers.

    Attributes:
        call: f, of a list of floats (or complex numbers), with a list of floats.
        point: Where.
        names: The places of its arguments.
        places: The places of its results; [""] for a single number.
        given: The Jacobian to judge, a row per result.
        unit: Unit roundoff of its results.
        rounds: Whether its arguments are rounded to less than doubles.
        side: Who gave the derivative.
    """

    call: Callable[[list[Any]], list[Any]]
    point: list[float]
    names: list[str]
    places: list[str]
    given: list[list[float]]
    unit: float = DOUBLE
    rounds: bool = False
    side: str = "derivative"

    def claimed(self, seed: Sequence[float], v: Sequence[float]) -> float:
        """The derivative that was given, of a combination of results along a direction."""
        return sum(
            u * sum(g * d for g, d in zip(row, v, strict=True) if d)
            for u, row in zip(seed, self.given, strict=True)
            if u
        )


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
    units = [(f.names[j], [float(k == j) for k in range(n)]) for j in range(n)]
    if n > MANY_INPUTS:
        units = [
            (f"{n} inputs along random direction {k}", directions(n, f"difference {k}")) for k in range(DIRECTIONS)
        ]
    findings: list[Finding] = []
    for where, v in units:
        findings += _along(f, where, v, seeds, zero)
    if n > MANY_INPUTS and max(findings).rank:
        narrowed = _narrowed(f, max(findings), seeds, zero)
        return narrowed.report(f)
    return max(findings).report(f, len(findings))


@dataclass(slots=True)
class Finding:
    """What differences say about one number of the derivative."""

    where: str
    v: list[float]
    found: float
    slope: Slope
    reference: str
    allowed: float
    order: float
    unit: float
    natural: float  # the slope that would change the result by its own size over that of the input

    @property
    def verdict(self) -> Verdict:
        """What the number deserves."""
        s = self.slope
        if s.kind == "jump":
            return Verdict.DISCONTINUOUS
        if not math.isfinite(self.found) or not math.isfinite(s.value):
            return Verdict.NOT_FINITE
        if s.kind == "kink":
            return Verdict.KINK
        off = abs(self.found - s.value)
        if off > self.allowed:
            # Both witnesses, or a distance that leaves no doubt.
            return Verdict.WRONG if self.order < 1.7 or off > 2 * self.allowed else Verdict.ILL_CONDITIONED
        # A derivative of exactly 0 that the differences do not contradict is a flat piece.
        next_to_zero = 1.0 if self.found == s.value == 0 else NEXT_TO_ZERO
        size = max(abs(s.value), abs(self.found), next_to_zero * (s.scale if self.found else self.natural), LEAST)
        return Verdict.ILL_CONDITIONED if SAFETY * s.error > UNSURE * size else Verdict.RIGHT

    @property
    def rank(self) -> int:
        """Worse verdicts first."""
        order = (
            Verdict.RIGHT,
            Verdict.ILL_CONDITIONED,
            Verdict.KINK,
            Verdict.WRONG,
            Verdict.DISCONTINUOUS,
            Verdict.NOT_FINITE,
        )
        return order.index(self.verdict)

    @property
    def share(self) -> float:
        """How much of what is allowed is used up."""
        off = abs(self.found - self.slope.value)
        return off / self.allowed if self.allowed and math.isfinite(off) else math.inf if off else 0.0

    def __lt__(self, other: Finding) -> bool:
        return (self.rank, self.share) < (other.rank, other.share)

    def report(self, f: Numeric, count: int = 1) -> Report:
        """In words."""
        s, where, verdict = self.slope, self.where, self.verdict
        expected = min(max(self.found, min(s.left, s.right)), max(s.left, s.right)) if s.kind == "kink" else s.value
        off, allowed = math.inf, 0.0
        if math.isfinite(expected) and math.isfinite(self.found):
            ulp = math.ulp(abs(expected) or self.allowed) * (self.unit / DOUBLE)
            off, allowed = abs(self.found - expected) / ulp, self.allowed / ulp if s.kind == "smooth" else 0.0
        worst = Worst(where, expected, self.found, off, allowed, self.reference, f.side)
        if verdict is Verdict.RIGHT:
            known = f"by {self.reference}"
            if count == 1:
                reason = f"{self.found!r} is the derivative to {where}, {known} (to {self.allowed:.2g})."
            else:
                reason = f"all {count} derivatives are right, {known}."
            return Report(verdict, reason, worst)
        if verdict is Verdict.DISCONTINUOUS:
            return Report(verdict, f"the result jumps at this point when {where} moves.", worst)
        if verdict is Verdict.NOT_FINITE:
            reason = f"the derivative to {where} is {self.found} ({f.side}), where {self.reference} give {s.value!r}."
            return Report(verdict, reason, worst)
        if verdict is Verdict.KINK:
            low, high = min(s.left, s.right), max(s.left, s.right)
            edge = 4 * s.error
            place = "between" if low - edge <= self.found <= high + edge else "outside of"
            reason = (
                f"to {where} the one-sided derivatives are {s.left:.9g} on the left and {s.right:.9g} on the right, "
                f"and the {self.found!r} found lies {place} them."
            )
            return Report(verdict, reason, worst, interval=(low, high))
        if verdict is Verdict.ILL_CONDITIONED:
            condition = max(1.0, s.error / self.unit / max(abs(s.value), abs(self.found), 2.0**-1000))
            reason = (
                f"the rounding of the function's values hides its derivative to {where}: differences give "
                f"{s.value:.6g} and may be off by {s.error:.1g}, {self.found!r} was found."
            )
            return Report(verdict, reason, worst, condition=condition)
        at = f" at ({', '.join(map(repr, f.point))})" if len(f.point) <= FEW else ""
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


def _along(f: Numeric, where: str, v: list[float], seeds: list[list[float]], zero: list[float]) -> list[Finding]:
    """Differences along one direction, for every combination of results."""
    moving = [j for j, d in enumerate(v) if d]
    size = max((abs(f.point[j]) for j in moving), default=0.0)

    @cache
    def once(t: float) -> list[float]:
        try:
            values = f.call([x + d * t for x, d in zip(f.point, v, strict=True)])
        except FunctionError:  # outside of its domain
            values = [math.nan] * len(zero)
        return [_combined(seed, values) for seed in seeds]

    found = slopes(once, size, f.unit, size * (f.unit if f.rounds else DOUBLE))
    exact = _complex_step(f, v, seeds)
    findings = []
    for s, (seed, slope) in enumerate(zip(seeds, found, strict=True)):
        claimed = f.claimed(seed, v)
        label = where
        if len(f.places) > 1 or f.places[0]:
            label = (
                f"result{f.places[s]} / {where}"
                if len(seeds) == len(f.places)
                else f"random combination of results / {where}"
            )
        reference = "finite differences"
        trusted = exact is not None and slope.kind == "smooth" and abs(exact[s]) > NEXT_TO_ZERO * slope.scale
        if exact is not None and trusted and abs(exact[s] - slope.value) <= SAFETY * slope.error:
            reference = "complex step"
            slope = Slope(
                exact[s],
                8 * f.unit * abs(exact[s]),
                exact[s],
                exact[s],
                "smooth",
                slope.noise,
                slope.scale,
                slope.readings,
            )
        allowed = SAFETY * slope.error + f.unit**KEPT * abs(slope.value) + slope.noise / max(size, 1.0)
        order = remainder_order(_combined(seed, zero), slope, claimed)
        natural = max(slope.scale, abs(_combined(seed, zero)) / max(size, 1.0))
        findings.append(Finding(label, v, claimed, slope, reference, allowed, order, f.unit, natural))
    return findings


def _combined(seed: Sequence[float], values: Sequence[float]) -> float:
    return sum(u * z for u, z in zip(seed, values, strict=True) if u)


def _complex_step(f: Numeric, v: list[float], seeds: list[list[float]]) -> list[float] | None:
    """Im f(x + i h v) / h, without cancellation; None where the function takes no complex numbers."""
    if f.rounds or f.unit > DOUBLE:
        return None
    h = TINY_STEP
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns where it drops an imaginary part
            values = f.call([complex(x, h * d) for x, d in zip(f.point, v, strict=True)])
        if not any(isinstance(z, complex) for z in values):
            return None
        return [sum(u * z.imag for u, z in zip(seed, values, strict=True) if u) / h for seed in seeds]
    except Exception:  # noqa: BLE001  whatever a function of real numbers does with complex ones
        return None


def _narrowed(f: Numeric, worst: Finding, seeds: list[list[float]], zero: list[float]) -> Finding:
    """Halve the inputs that move until one is left which is still at fault."""
    v, kept = worst.v, worst
    while sum(map(bool, v)) > 1:
        moving = [j for j, d in enumerate(v) if d]
        half = set(moving[: len(moving) // 2])
        for side in (half, set(moving) - half):
            part = [d if j in side else 0.0 for j, d in enumerate(v)]
            if len(side) == 1:
                part = [float(d != 0) for d in part]
            name = f.names[next(iter(side))] if len(side) == 1 else f"{len(side)} inputs along a random direction"
            found = max(_along(f, name, part, seeds, zero))
            if found.rank:
                v, kept = part, found
                break
        else:
            return kept
    return kept
