"""Plateaus: why a network stops learning, with hidden units nearly alike, or at a point with many wrong cases."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_core import grad_of
from autograd_core._src.sums import exact_sum

from ..metrics.accuracy import right_for
from ..support.tables import number
from ..support.validation import plain
from .diagnosis import Finding
from .units import flat_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from autograd_core import Value

    from .units import UnitUses

ALIKE = 0.05  # units whose outputs differ by a smaller share, over all cases, are nearly alike
SHUT = 0.01  # a unit with a smaller |slope| passes almost no error: a twenty-fifth of a sigmoid's largest slope
WRONG = 0.25  # a standstill with at least this share of wrong cases is a plateau; a unit shut in this share is shut
AT_REST = 0.1  # descent stands still if units are shut and |gradient| |parameters| / loss is smaller; solved, it is 10
STILL = 1e-3  # the same bound if no unit is shut; at a random start the ratio is about 0.1
NAMED_UNITS = 3  # units named in a sentence


def nearly_alike(layer: str, units: list[UnitUses]) -> Iterator[Finding]:
    """Hidden units with nearly the same outputs in all cases."""
    outputs = [float(y.data) for u in units for y in u.outputs]
    if len(units) < 2:
        return
    middle = exact_sum(outputs) / len(outputs)
    root = math.sqrt(len(outputs))
    apart, size = math.hypot(*(y - middle for y in outputs)) / root, math.hypot(*outputs) / root
    if 0.0 < apart < ALIKE * size:
        text = (
            f"its {len(units)} units are nearly alike, {number(middle, 3)} give or take {number(apart, 2)} in all "
            "cases, so they get nearly the same gradients, and learning begins late."
        )
        advice = "Larger random weights at the start, within [-1, 1] for a few inputs, or nn.init.xavier_uniform."
        yield Finding("weights", layer, apart / size, text, advice)


def mistaken(loss: Callable[[Any, Any], Any], predictions: list[Any], targets: list[Any]) -> float:
    """The share of cases that are wrong.

    By the loss's own rule; without one, where targets take two values, those not on their own side. Other numbers are
    neither right nor wrong: 0.0.
    """
    right = right_for(loss)
    rows = [[float(getattr(x, "data", x)) for x in flat_values(p)] for p in predictions]
    if right is not None:
        given: list[Any] = [row if isinstance(p, (list, tuple)) else row[0] for row, p in zip(rows, predictions)]
        return sum(not right(p, y) for p, y in zip(given, targets)) / len(targets)
    aims = [[float(getattr(t, "data", t)) for t in flat_values(plain(y))] for y in targets]
    levels = sorted({t for row in aims for t in row})
    if len(levels) != 2 or any(len(p) != len(t) for p, t in zip(rows, aims)):
        return 0.0
    side = 0.49 * (levels[1] - levels[0])  # an output in the middle is neither answer
    return sum(any(abs(x - t) > side for x, t in zip(p, y)) for p, y in zip(rows, aims)) / len(aims)


@dataclass(frozen=True, slots=True)
class Rest:
    """A point at which gradient descent makes almost no progress at any sensible rate, though many cases are wrong.

    Attributes:
        loss: The loss there.
        slope: The length of the gradient.
        wrong: The share of cases that are wrong.
        shut: Hidden units that let next to no error through in many cases, and in which share of them.
    """

    loss: float
    slope: float
    wrong: float
    shut: dict[str, float]

    def finding(self, cases: int) -> Finding:
        """The plateau in words."""
        shut = [f"{name} in {100 * share:.0f} % of cases" for name, share in self.shut.items()]
        why = f"; the slope is below {SHUT:g} of {', '.join(shut[:NAMED_UNITS])}" if shut else ""
        more = ", ..." if len(shut) > NAMED_UNITS else ""
        text = (
            f"the gradient is {number(self.slope, 2)} long at a loss of {number(self.loss)}, and "
            f"{100 * self.wrong:.0f} % of {cases} cases are wrong{why}{more}."
        )
        advice = "A larger learning rate hardly helps here: begin from another seed, or with more hidden units."
        return Finding("plateau", "all", self.slope, text, advice)


def rest(value: Value, parameters: list[Value], hidden: list[UnitUses], wrong: float) -> Rest | None:
    """The plateau that a network is on; None if it is on none."""
    if wrong < WRONG or not 0.0 < value.data < math.inf:
        return None
    shares = {u.name: sum(s < SHUT for s in u.slopes) / max(1, len(u.slopes)) for u in hidden}
    shut = {name: share for name, share in shares.items() if share >= WRONG}
    slope = math.hypot(*map(float, grad_of(value, parameters)))
    # At least 1: where parameters are near 0, a step of length 1 is still reasonable.
    size = max(1.0, math.hypot(*(float(p.data) for p in parameters)))
    moves = slope * size / float(value.data)
    return Rest(float(value.data), slope, wrong, shut) if moves < (AT_REST if shut else STILL) else None
