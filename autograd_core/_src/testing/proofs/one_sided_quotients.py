"""One-sided derivatives of a whole recorded function, from its values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...engine.value import Value
from .local_slopes import limit, number_system, read
from .reference import Moved, values_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .local_slopes import Slopes
    from .recording import Recording

ONE_SIDED = 250  # digits in which the whole graph is evaluated
MORE_DIGITS = 20  # of these digits, how many rounding may spoil


class OneSidedQuotients:
    """Difference quotients of a recorded function on either side of a point at which it may have a kink.

    Args:
        rec: The recording.
        seeds: The combinations of results whose derivatives are asked for.
        slopes: Local derivatives. A primitive that can be read in doubles only stands still over steps as small as
            these, or shows its rounding; so it goes on along its own one-sided derivatives.
    """

    def __init__(self, rec: Recording, seeds: Sequence[Sequence[float]], slopes: dict[Value, Slopes]) -> None:
        self.rec, self.seeds = rec, seeds
        rough = {node: found for node, found in slopes.items() if found.rough}
        self.rough = {x: found for x, found in rough.items() if all(map(math.isfinite, map(float, found.exact)))}
        self.m = number_system(self._digits())
        self.here = values_at(self.m, rec.order, {x: self.m.number(x.data) for x in rec.inputs})
        self.results = self._combined(self.here)

    def _digits(self) -> int:
        """The digits needed to resolve a step at the smallest input next to the largest intermediate number."""
        sizes = [abs(float(node.data)) for node in self.rec.order]
        inputs = [size for x in self.rec.inputs if (size := abs(float(x.data)))]
        largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
        if not largest or not inputs:
            return ONE_SIDED
        return ONE_SIDED + 50 * max(0, math.ceil((math.log10(largest) - math.log10(min(1.0, *inputs))) / 50))

    def _combined(self, values: dict[Value, Any] | Moved) -> list[Any]:
        outs = [values[out] if isinstance(out, Value) else self.m.number(out) for out in self.rec.outputs]
        return [sum(self.m.number(u) * z for u, z in zip(seed, outs, strict=True) if u) for seed in self.seeds]

    def _at(self, x: Value, number: Any, cone: Sequence[Value]) -> Moved:
        """All values where one input is another number."""
        after = {x: number}
        values = Moved(self.here, after)
        for node in cone:
            if node._primitive is not None:
                rough = self.rough.get(node)
                after[node] = (
                    read(self.m, node._primitive, [values[p] for p in node.parents])[0]
                    if rough is None
                    else self._straight_on(node, rough, values)
                )
        return values

    def _straight_on(self, node: Value, slopes: Slopes, values: Moved) -> Any:
        z = self.here[node]
        for i, p in enumerate(node.parents):
            if step := values[p] - self.here[p]:
                left, right = slopes.sides[i] if slopes.sides is not None else (slopes.exact[i], slopes.exact[i])
                z += self.m.number(right if step > 0 else left) * step
        return z

    def of(self, x: Value, cone: Sequence[Value]) -> list[list[tuple[Any, Any] | None]]:
        """Difference quotients to an input on the left and on the right, by what depends on it."""
        m, here = self.m, self.here
        # A step past a tie that is tiny beside the step looks like a jump of the result. So what looks like a jump is
        # tried again with steps from the smallest input on.
        size = min(abs(here[x]), m.context.one) or m.context.one  # the steps of a stair do not grow with numbers
        smallest = min([size, *(abs(here[y]) for y in self.rec.inputs if here.get(y))])  # one without use has no number
        for step in (size, smallest):
            sides = [self._one_side(x, cone, sign * step) for sign in (-1, 1)]
            if None not in (*sides[0], *sides[1]) or smallest == size:
                break
        return sides

    def _one_side(self, x: Value, cone: Sequence[Value], step: Any) -> list[tuple[Any, Any] | None]:
        """One-sided difference quotients for each seed: that of the largest step, and the limit; None at a jump."""
        m, here = self.m, self.here
        # Steps this small need the many digits of ONE_SIDED, and leave no doubt about curvature.
        steps = [step * m.number(10) ** -power for power in (40, 60, 80)]
        largest = max((abs(z) for z in here.values() if m.context.isfinite(z)), default=m.context.zero)
        nothing = largest * m.number(10) ** (MORE_DIGITS - m.context.dps)
        values = [self._combined(self._at(x, here[x] + step, cone)) for step in steps]
        found: list[tuple[Any, Any] | None] = []
        for at, *there in zip(self.results, *values, strict=True):
            # A difference in the last digits of the largest intermediate number is rounding.
            rises = [m.context.zero if abs(z - at) <= nothing else z - at for z in there]
            # A step shrunk by 10^20 must shrink the rise; if half of it is left, the function jumps.
            if rises[1] and 2 * abs(rises[1]) > abs(rises[0]):
                found.append(None)
                continue
            quotients = [rise / step for rise, step in zip(rises, steps, strict=True)]
            found.append((quotients[0], limit(m, *quotients)))
        return found
