"""What differences say about one number of a derivative: its verdict, and the report in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..arguments.flat import DOUBLE
from ..verdicts import Report, Verdict, Worst

if TYPE_CHECKING:
    from .judged_function import Numeric
    from .slope import Slope

MANY_INPUTS = 48  # with more inputs random directions are checked first
SAFETY = 16.0  # an error up to this factor times the estimated error of the differences is allowed
CLOSE = 4.0  # numbers further off than this factor times it are compared with several estimates
RESOLVED = 1 / 4  # roundoff to this power, times the result's other slopes, is the resolution required at least
DECLARED = 64.0  # 0 is confirmed beside slopes up to this factor times the user's `nondet_tol`
DOUBTFUL_ORDER = 1.95  # a remainder order that rounds to 2 does not speak against the derivative
FEW_INPUTS = 4  # so many inputs are listed in a sentence
UNSURE = 0.2  # a reference with a larger relative error decides nothing
IDLE = 2.0**-10  # a derivative whose effect is below this many roundings of the result counts as 0
LEAST = 2.0**-1000  # smaller slopes are not tested


@dataclass(slots=True)
class NumericFinding:
    """What differences find about one number of the derivative."""

    where: str
    v: list[float]
    found: float
    slope: Slope
    reference: str
    allowed: float
    close: float  # a number no further off than this needs no further estimates
    order: float
    unit: float
    scale: float  # the largest slope that the function has elsewhere
    noise: float  # the error of a slope due to rounding of the values, over the whole size of the input
    lost: bool  # whether all differences, here and at larger steps, are noise
    natural: float  # the slope that would change the result by its own size over that of the input
    declared: float = 0.0  # the slope that would change the result by `nondet_tol` over the size of the input
    near: str = ""  # the reason, in words, why rounding leaves only an interval for the derivative

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
        rough = s.rough and self.noise > 3 * self.declared  # more noise than the user declared
        if self.lost or (rough and off > self.allowed):
            return Verdict.ILL_CONDITIONED  # all differences are noise
        if off > self.allowed:
            # Wrong by both tests, differences and remainder order; or by an error that leaves no doubt.
            return Verdict.WRONG if self.order < 1.7 or off > 2 * self.allowed else Verdict.ILL_CONDITIONED
        known = min(self.allowed, SAFETY * (s.spread + self.unit * abs(s.value) + self.noise))
        if self.found == 0 and (still := s.still):  # neighbours may have noise, this line has none
            known = min(known, SAFETY * self.unit * still)
        return Verdict.ILL_CONDITIONED if max(known, off) > self.digit else Verdict.RIGHT

    @property
    def digit(self) -> float:
        """The accuracy to which a right number has to be confirmed: a digit, or a fraction of the slopes near by."""
        flat = UNSURE * self.natural if abs(self.found) <= IDLE * self.unit * self.natural else 0.0
        size = UNSURE * max(abs(self.slope.value), abs(self.found))
        shown = float(self.unit**RESOLVED) * self.scale
        return max(size, shown, flat, LEAST, DECLARED * self.declared)

    @property
    def unsettled(self) -> bool:
        """Whether further estimates may change the verdict."""
        return bool(self.rank) or abs(self.found - self.slope.value) > self.close

    @property
    def resolution(self) -> float:
        """The largest error that a number called right may have."""
        return min(self.allowed, self.digit)

    @property
    def doubtful(self) -> bool:
        """Whether differences hardly determine the slope."""
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
                of = f"with respect to {where}, {known} (to {self.resolution:.2g})"
                reason = f"{self.found!r} is the derivative {of}."
            else:
                many = len(f.point) > MANY_INPUTS
                what = f"derivatives along {count} random directions" if many else f"{count} derivatives"
                reason = f"all {what} are right, {known}."
            return Report(verdict, reason, worst, resolution=max(resolution, self.resolution))
        if verdict is Verdict.DISCONTINUOUS:
            return Report(verdict, f"the result jumps at this point when {where} moves.", worst)
        if verdict is Verdict.NOT_FINITE:
            reason = (
                f"the derivative with respect to {where} is {self.found} ({f.given.side}), where {self.reference} give "
                f"{s.value!r}."
            )
            return Report(verdict, reason, worst)
        if verdict is Verdict.KINK:
            low, high = min(s.left, s.right), max(s.left, s.right)
            place = "between" if self.fair else "outside of"
            if self.near:
                reason = (
                    f"{self.near} to tell the derivative with respect to {where}: it is between {low:.9g} and "
                    f"{high:.9g}, as the {self.found!r} found is."
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
                f"the rounding of the function's values hides its derivative with respect to {where}: differences give "
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
            f"the derivative with respect to {where} is {s.value:.9g} by {self.reference}, and {self.found!r} was "
            f"found{at}{witness}."
        )
        return Report(verdict, reason, worst)
