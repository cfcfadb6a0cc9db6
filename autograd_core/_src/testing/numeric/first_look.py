"""A first look at a derivative that is claimed: few values confirm it where the function is smooth.

Most derivatives are right, and most functions are smooth where they are checked. Central differences at the wider ones
of the steps that `differences` takes give as many digits of such a derivative as all of them do, and a few small steps
show that the function has no jump and no bend within. Whatever is less clear is left to all steps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..directions import SMALLEST
from .differences import CLOSING, NEAR_ZERO, ORDERS, extrapolated
from .noise import JUMP
from .numeric_finding import CLOSE
from .slope import Slope
from .stairs import FACTOR, LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Reading = tuple[float, float, float]

WIDE, SMALL = range(9), (15, 20)  # which steps: so many powers of 1/4 of the operand's size
UNEVEN = 0.71  # the factor of small ones, which else may be as wide as the steps of a stair
FEWEST = 6  # steps at which the function is finite
ROUNDINGS = 64.0  # of the largest value near by: more noise than that may be no rounding
KNOWN = 0.6  # the relative error is at most the roundoff to this power
ITS_OWN = 0.75  # likewise, by its own rounding a right derivative may be off by so much


def confirmed(
    f: Callable[[float], Sequence[float]], size: float, units: tuple[float, float], claimed: Sequence[float]
) -> list[Slope] | None:
    """The derivatives of all results at t = 0, where they are as claimed beyond doubt; else None.

    Args:
        f: A function of one number t that returns a list.
        size: The size of the operand to which t is added.
        units: Unit roundoff of the results, and the rounding error of t.
        claimed: The derivatives as they should be.
    """
    if size > LARGEST:
        return None
    least, top = 4 * units[1], math.frexp(max(size, 1.0))[1] - 2
    steps = [UNEVEN * math.ldexp(1.0, top - 2 * k) for k in SMALL]
    steps += [size / FACTOR, size / FACTOR**2] if 0 < size < NEAR_ZERO else []  # a tiny operand has a scale of its own
    wide, small = (
        [(t, f(t), f(-t)) for t in several if t >= least]
        for several in ([math.ldexp(1.0, top - 2 * k) for k in WIDE], steps)
    )
    zero, found = f(0.0), []
    for i, claim in enumerate(claimed):
        far, near = ([(t, up[i], down[i]) for t, up, down in readings] for readings in (wide, small))
        slope = _confirmed(zero[i], far, near, units, claim)
        if slope is None:
            return None
        found.append(slope)
    return found


def _confirmed(
    zero: float, far: Sequence[Reading], near: Sequence[Reading], units: tuple[float, float], claim: float
) -> Slope | None:
    """The derivative of one result, if it is as claimed beyond doubt."""
    unit, moved = units
    far = [(t, up, down) for t, up, down in far if math.isfinite(up) and math.isfinite(down)]
    if len(far) < FEWEST or not math.isfinite(claim):
        return None
    # Over small steps rounding alone is left beside the slope.
    least = 4 * (unit * abs(zero) + SMALLEST)
    scatter = [max(least, abs((up - zero) + (down - zero))) for _, up, down in near]
    noise = max([least, *scatter])
    if noise > ROUNDINGS * (unit * max(abs(z) for reading in far for z in reading[1:]) + SMALLEST):
        return None  # it may be a stair
    steps, right, left = zip(*((t, (up - zero) / t, (zero - down) / t) for t, up, down in far), strict=True)
    largest = max(map(abs, (*right, *left)))
    noises = [(noise + moved * largest) / t + 2 * unit * largest for t in steps]
    gaps = [abs(a - b) for a, b in zip(right, left, strict=True)]
    if any(gaps[k] > max(CLOSING * gaps[k - 1], 4 * noises[k]) for k in range(len(gaps) - FEWEST + 1, len(gaps))):
        return None  # it may have a kink
    value, error = extrapolated(steps, [(a + b) / 2 for a, b in zip(right, left, strict=True)], noises, ORDERS)
    if not largest:
        value = error = 0.0
    scale = abs(value) if value or claim else largest  # an exact 0, as at the middle of a square
    if not (error <= unit**KNOWN * scale and abs(claim - value) <= CLOSE * error + unit**ITS_OWN * abs(value)):
        return None
    # What is rounding at one step is so at the next smaller one, too; a curve is no more curved than further out.
    last, up, down = far[-1]
    curved = 2 * abs((up - zero) + (down - zero))
    for (t, up, down), seen in zip(near, [*scatter[1:], *scatter[-1:]], strict=True):
        room = JUMP * seen + 2 * moved * abs(value) + t * unit**KNOWN * abs(value) + curved * (t / last) ** 2
        if not abs(up - zero - t * value) + abs(zero - down - t * value) <= room:
            return None
    return Slope(value, error, value, value, "smooth", noise, largest, tuple(far))
