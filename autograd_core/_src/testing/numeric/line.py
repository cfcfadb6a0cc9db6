"""Differences along one direction of the inputs, for every combination of results, and the complex step beside them."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from ....errors import AutogradError
from ..arguments.flat import DOUBLE
from ..directions import GOLDEN
from ..verdicts import FunctionError
from .differences import (
    INNER,
    NEAR_ZERO,
    STRETCHES,
    TOO_FINE,
    fine_steps,
    remainder_order,
    slopes,
    together,
    wide_scale,
    wide_steps,
)
from .first_look import confirmed
from .fitted import fitted_slope
from .from_afar import from_afar
from .inner_jumps import left_out
from .noise import JUMP
from .numeric_finding import CLOSE, SAFETY, UNSURE, NumericFinding
from .slope import ROUNDING, Slope
from .stairs import FACTOR, LARGEST, STEEP, WIDEST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..arguments.given import Given
    from .judged_function import Numeric

FLOOR = 8.0  # an error of the derivative may change a result by up to this many of its rounding errors
ULPS = (0, 1, -2, 3, -5)  # the complex step is taken at the point and these neighbours, in ulps
KEPT = 0.75  # share of its digits that a right derivative keeps in spite of its own rounding
ENDS = 2.0  # a size has stopped growing if further out it is at most this factor times what is seen nearer
APART = 2.0**-4  # two numbers are of different sizes if their ratio is below this
PLAIN_DIGIT = 2.0**-8  # a smaller relative error is not called wrong on the agreement of estimates alone
ANALYTIC = 4.0  # the error of the complex step is at least its distance from the differences over this
NEXT_TO_ZERO = 1e-10  # share of the largest difference quotient
UNSEEN = 2.0**-50  # steps from 0 skip over inputs smaller than this
UNDERFLOW = 2.0**10
TINIEST = {DOUBLE: 2.0**-1022, 2.0**-24: 2.0**-126, 2.0**-8: 2.0**-126}  # below, digits are lost, or all is 0
TINY_STEP = 2.0**-80
WIDER = 4.0  # jumps of rounding are looked for up to this factor times the largest input
BITS, FEW_SIZES = 16, 4  # inputs within 2**16 are of one size; at most 4 sizes are tried as steps of an operand of 0


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
        self.wide = max(self.size, 1.0)
        # The effect of an input that is tiny beside the others depends on those.
        self.moved = max(self.size or 1.0, min(1.0, max(map(abs, f.point), default=0.0) or 1.0))
        self.estimates: list[list[Slope]] = []
        self.looked = False  # at all steps
        self.elsewhere = [0.0] * len(seeds)
        self.around = [0.0] * len(seeds)
        self.within = [0.0] * len(seeds)
        self.exact = _complex_step(f, v, seeds) if exact else None
        self.once = cache(self._values)  # further estimates need some of the same points

    def _values(self, t: float) -> list[float]:
        at = [x + d * t for x, d in zip(self.f.point, self.v, strict=True)]
        if not all(map(math.isfinite, at)):
            return [math.nan] * len(self.seeds)
        try:
            values = self.f.call(at)
        except FunctionError:  # outside of its domain
            values = [math.nan] * len(self.zero)
        return [combined(seed, values) for seed in self.seeds]

    def _slopes(self, stretch: float) -> list[Slope]:
        moved, beside = self.size * self.f.coarse, [] if self.size else self._tiny()
        return slopes(self.once, self.size, self.f.unit, moved, stretch, self.around, beside, self.within)

    def _tiny(self) -> list[float]:
        """The sizes of tiny inputs, one for those of about the same size, largest first."""
        found: dict[int, float] = {}
        for x in sorted(abs(x) for x in self.f.point if 0 < abs(x) < NEAR_ZERO):
            found.setdefault(math.frexp(x)[1] // BITS, x)
        return [*reversed(found.values())][:FEW_SIZES]

    def look(self) -> None:
        """Make one estimate."""
        self.estimates, self.looked = [self._slopes(STRETCHES[0])], True

    def glance(self) -> None:
        """Estimate by few values where these confirm what was given, else by all."""
        claimed = [self.f.given.along(seed, self.v) for seed in self.seeds]
        quick = confirmed(self.once, self.size, (self.f.unit, self.size * self.f.coarse), claimed)
        if quick is None:
            self.look()
        else:
            self.estimates, self.looked = [quick], False

    def look_again(self, around: list[float], of_all: list[float]) -> None:
        """Make further estimates with other steps, and measure the function at larger distances.

        Args:
            around: The noise of values at neighbours of the point in all inputs.
            of_all: The slopes of the results when all inputs change at once.
        """
        jump = any(slope.kind == "jump" for slope in self.estimates[0])
        # A jump below the rounding of the values seen when all inputs change is internal rounding.
        passed = max(unseen(self.f.point), self.f.unit) if jump else 0.0
        self.around = [max(off, passed * slope) for off, slope in zip(around, of_all, strict=True)]
        wide = wide_scale(self.once, self.size, [slope.noise for slope in self.estimates[0]])
        self.elsewhere = [max(pair) for pair in zip(wide, of_all, strict=True)]
        largest = max(map(abs, self.f.point), default=0.0)
        self.within = [min(largest * slope, LARGEST) for slope in self.elsewhere]
        self.estimates = [self._slopes(stretch) for stretch in STRETCHES]

    def look_from_afar(self, s: int, finding: NumericFinding) -> None:
        """Accept a number between the one-sided slopes, measured at larger steps (`from_afar`).

        An operand of 0 is itself at the end of a domain; any other may be next to one.
        """
        slope = finding.slope
        if math.isfinite(slope.other) and abs(finding.found - (slope.value + slope.other) / 2) <= slope.error / 2:
            low, high = sorted((slope.value, slope.other))
            finding.slope = replace(slope, kind="kink", value=finding.found, left=low, right=high, error=0.0)
            finding.allowed = 0.0
            finding.near = "rounding within the function is too coarse"
            return
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
        """Accept the slope of a step if the function is a stair finer than the spacing of numbers at the point.

        Among doubles near 1e16, `round(x)` and x are the same function. So any number between both slopes is accepted.

        Returns:
            Whether there are such steps.
        """
        f, moving = self.f, [j for j, d in enumerate(self.v) if d]
        if len(moving) > 1 or TOO_FINE * self.size * f.coarse * STEEP <= WIDEST or not math.isfinite(finding.found):
            return False
        (j,) = moving

        def at(x: float) -> float:
            try:
                return combined(self.seeds[s], f.call([*f.point[:j], x, *f.point[j + 1 :]]))
            except FunctionError:  # outside of its domain
                return math.nan

        steps = fine_steps(at, f.point[j], (f.unit, f.coarse), seen_here=bool(finding.slope.step))
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

    def look_within(self, s: int, finding: NumericFinding) -> None:
        """Accept a number whose difference from the slope at small steps is explained by jumps of internal rounding.

        Such jumps are no higher than the rounding of intermediate numbers.
        """
        slope, f = finding.slope, self.f
        off = finding.found - slope.value
        if slope.kind != "smooth" or not slope.readings or abs(off) > finding.digit:
            return
        if 0 < self.size < NEAR_ZERO:
            return  # beside a tiny operand, a vertical tangent looks like a jump
        if _is_apart(finding.found, slope.value) and not self._largest_given(s) > abs(off):
            return  # the slope is as small everywhere, so no larger term was rounded away
        steps = [reading[0] for reading in slope.readings]
        while (wider := FACTOR * steps[0]) <= min(WIDER * max(map(abs, f.point)), LARGEST):
            steps.insert(0, wider)
        # Intermediate numbers may be of size 1, as in 1 + p, even if all that is visible is smaller.
        largest = max(1.0, *map(abs, f.point), *(abs(z) for reading in slope.readings for z in reading[1:]))
        moved, highest = self.size * f.coarse, INNER * f.unit * largest
        least, most = left_out(lambda t: self.once(t)[s], steps, abs(off), slope.noise, moved, highest)
        if least - finding.allowed <= off <= most + finding.allowed and least < most:
            low, high = sorted((slope.value, finding.found))
            finding.slope = replace(slope, kind="kink", value=finding.found, left=low, right=high, error=0.0)
            finding.allowed = 0.0
            finding.near = "rounding within the function is too coarse"

    def look_evenly(self, s: int, finding: NumericFinding) -> None:
        """Confirm a number that rounding hides from differences by a curve through many values, if that has a digit."""
        slope = finding.slope
        if slope.kind != "smooth" or finding.lost or not math.isfinite(finding.found):
            return
        fitted = fitted_slope(lambda t: self.once(t)[s], self.size)
        if fitted is None:
            return
        value, error = fitted
        if abs(finding.found - value) <= error <= UNSURE * abs(value):
            finding.slope = replace(slope, value=value, error=error, left=value, right=value, spread=0.0, noise=0.0)
            finding.allowed, finding.noise, finding.reference = error, 0.0, "a curve through many values"

    def change(self, s: int) -> float:
        """How much a result changes when the inputs change by their own size."""
        value = self.estimates[0][s].value
        return abs(value) * (self.size or self.estimates[0][s].beside or 1.0) if math.isfinite(value) else 0.0

    def findings(self, changes: Sequence[float]) -> list[NumericFinding]:
        """The findings, given how much each result changes along all directions."""
        return [
            self._finding(s, together(several), changes[s])
            for s, several in enumerate(zip(*self.estimates, strict=True))
        ]

    def _finding(self, s: int, slope: Slope, change: float) -> NumericFinding:
        f, seed = self.f, self.seeds[s]
        slope, reference = self._best(s, slope)
        claimed = f.given.along(seed, self.v)
        noise, result = slope.noise + f.tolerances.nondet_tol, abs(combined(seed, self.zero))
        beside = slope.scale if slope.scale * self.wide > JUMP * noise and not slope.rough else 0.0
        scale = max(beside, self.elsewhere[s], change / self.moved)
        natural = max(0.0 if slope.rough else slope.scale, result / self.wide)
        # If several estimates agree, their common error is smaller than each of them claims; for an entry far smaller
        # than others, too, unless it is as small as the rounding of those.
        close = max(CLOSE * slope.error, PLAIN_DIGIT * max(abs(slope.value), abs(claimed)))
        close = max(close, f.unit**KEPT * max(scale, natural, self.within[s] / self.wide))
        allowed = SAFETY * slope.error
        if math.isfinite(slope.spread) and slope.kind == "smooth" and reference != "complex step":
            known = SAFETY * (slope.spread + f.unit * abs(slope.value) + noise / self.wide)
            allowed = min(allowed, max(close, known))
        own = self._own_error(s, claimed, slope, change)
        off = abs(claimed - slope.value)
        if allowed + own < off <= FLOOR * f.unit * self.elsewhere[s] and not f.tolerances.strict:
            own += self._rounding_of_given(s, claimed, slope)
        order = remainder_order(combined(seed, self.zero), slope, claimed)
        lost = slope.rough and slope.noise > max(ROUNDING * self.elsewhere[s] * self.wide, 2 * f.tolerances.nondet_tol)
        return NumericFinding(
            self._label(s), self.v, claimed, slope, reference, allowed + own, close + own, order, f.unit, scale,
            noise / self.wide, lost, natural, f.tolerances.nondet_tol / self.wide,
        )  # fmt: skip

    def _label(self, s: int) -> str:
        """The result that is differentiated, and the input with respect to which."""
        places = self.f.places
        if len(places) == 1 and not places[0]:
            return self.where
        of = f"result{places[s]}" if len(self.seeds) == len(places) else "random combination of results"
        return f"{of} / {self.where}"

    def _best(self, s: int, slope: Slope) -> tuple[Slope, str]:
        """The best estimate and the name of its method: the complex step if it is sharper and differences agree."""
        if self.exact is not None and slope.kind == "smooth":
            value, spread = self.exact[s]
            apart = abs(value - slope.value)
            agrees = apart <= SAFETY * slope.error
            spread = max(spread, apart / ANALYTIC)  # a term may be lost in |z|, which has no complex derivative
            if agrees and abs(value) > NEXT_TO_ZERO * slope.scale and spread < slope.error:
                return replace(slope, value=value, error=spread, left=value, right=value), "complex step"
        return slope, "finite differences"

    def _own_error(self, s: int, claimed: float, slope: Slope, change: float) -> float:
        """The error allowed to a right derivative: by its rounding, by its effect on results, by user tolerances."""
        f, tolerances = self.f, self.f.tolerances
        own: float = f.unit**KEPT * abs(slope.value) + (slope.noise + tolerances.nondet_tol) / self.wide
        if not tolerances.strict:
            own += FLOOR * f.unit * change / self.moved
            if not slope.scale and slope.kind == "smooth":  # constant values, as of a saturated softmax
                own += FLOOR * f.unit * self.elsewhere[s]
        if math.isfinite(slope.value):
            if abs(claimed) < (tiniest := TINIEST.get(f.unit, 0.0)):
                own = max(own, UNDERFLOW * tiniest)  # the derivative's own, in its last factor or before
            own = max(own, tolerances.atol + tolerances.rtol * abs(slope.value))
        return own

    def _rounding_of_given(self, s: int, claimed: float, slope: Slope) -> float:
        """The rounding error of a derivative that is next to 0, and of another size than the differences show.

        In a saturated softmax its formula subtracts numbers of the size that it has elsewhere, as in p - p sum(p). A
        derivative that is as small everywhere has no such numbers, and one that grows without bound does not show them.
        """
        if slope.kind != "smooth" or not _is_apart(claimed, slope.value):
            return 0.0
        return FLOOR * self.f.unit * min(self._largest_given(s), self.elsewhere[s])

    def _largest_given(self, s: int) -> float:
        """The size of the given derivative at larger distances; 0 if it grows without bound or cannot be computed."""
        given_at, largest = self.f.given_at, 0.0
        if given_at is None:
            return 0.0
        steps = wide_steps(max(self.size, 1.0))
        for side in (steps[::2], steps[1::2]):
            sizes = [size for t in side if not math.isnan(size := self._size_of_given(given_at, s, t))]
            if len(sizes) > 1 and not sizes[-1] <= ENDS * max(sizes[:-1]) < math.inf:
                return 0.0
            largest = max(largest, *sizes, 0.0)
        return largest

    def _size_of_given(self, given_at: Callable[[list[float]], Given], s: int, t: float) -> float:
        """How large the derivative that was given is at another point; NaN where it has none."""
        at = [x + d * t for x, d in zip(self.f.point, self.v, strict=True)]
        try:
            return abs(given_at(at).along(self.seeds[s], self.v))
        except (AutogradError, ArithmeticError):  # outside of its domain
            return math.nan


def _is_apart(a: float, b: float) -> bool:
    """Whether two numbers are of different sizes."""
    least, most = sorted((abs(a), abs(b)))
    return least <= APART * most


def combined(seed: Sequence[float], values: Sequence[float]) -> float:
    """The combination of results that is judged: the sum of seed times value; a seed of 0 hides infinities and NaN."""
    return sum(u * z for u, z in zip(seed, values, strict=True) if u)


def _complex_step(f: Numeric, v: list[float], seeds: list[list[float]]) -> list[tuple[float, float]] | None:
    """Im f(x + i h v) / h, which needs no difference, and its error; None if f does not take complex numbers.

    Terms may still cancel within f, as in sin(z) / z. So it is evaluated at neighbours of the point with several step
    lengths, and their spread is a lower bound on the error.
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


def unseen(point: Sequence[float]) -> float:
    """The largest input that every step from 0 skips over: a change of the result over such a distance is no jump."""
    return max((abs(x) for x in point if abs(x) < UNSEEN), default=0.0)
