"""The error of a function's values, estimated from the values themselves.

Rounding of intermediate numbers makes neighbouring values scatter by more than the rounding of the result. A difference
counts only if it is larger than that noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..directions import SMALLEST
from .stairs import FACTOR

if TYPE_CHECKING:
    from collections.abc import Sequence

JUMP = 8.0  # a value further from its neighbours than this many times the noise is a jump
COARSEST = 2.0**-7  # half a unit in the last place of the shortest numbers in use, of 8 bits
EVEN = 8.0  # for a smooth function, the ratios from level to level differ by at most this factor
SHORT = 14  # a table of so few steps shows a smooth function in fewer rows


def noise_of(zero: float, sides: Sequence[Sequence[float]], unit: float) -> float:
    """The noise of function values: what remains of them when the smooth part is eliminated.

    On each side, a combination of the values at three steps in which constants and slopes cancel falls by a factor of
    16 per level if the function is smooth. What no longer falls is noise: of rounding, of a subtraction within the
    function, or of an iteration that ended early.
    """
    largest = 4 * (unit * abs(zero) + SMALLEST)
    for values in sides:
        rests = [abs((a - b) - FACTOR * (b - c)) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
        clean = 0
        for k in range(len(rests) - 3, 1, -1):
            at_end = k > len(rests) - 5  # with few levels left to show noise, a clearer fall is required
            row, fall = (1, 2) if at_end or len(rests) <= SHORT else (1, 2, 3), 2 * FACTOR if at_end else FACTOR
            if k >= len(row) and all(rests[k - j] > fall * rests[k - j + 1] > 0 for j in row):
                falls = [rests[k - j] / rests[k - j + 1] for j in row]
                # Steps that stay on one step of an internally rounded value fall as well, but unevenly.
                if max(falls) <= EVEN * min(falls):
                    clean = k + 1
                    break
        # A kink between two steps leaves a remainder at two levels, a steep rise at four, noise at many.
        tail = sorted(rests[clean:])
        short = clean > 0 and len(tail) <= 4
        largest = max(largest, max(tail if short else tail[:-4], default=0.0) / FACTOR)
    return largest


def noise_at_zero(zero: float, finite: Sequence[tuple[float, float, float]], near_by: float) -> float:
    """The error of the value at 0 itself, which all difference quotients share.

    The sum of both differences from it falls with the step if the function is smooth or has a kink. If it approaches a
    constant instead, the value at 0 is off: by rounding, if the constant is no more than a few times the noise near by.
    """
    floor = min(abs((up - zero) + (down - zero)) for _, up, down in finite[-4:]) / 2
    return floor if floor <= JUMP * near_by else 0.0


def quantum(zero: float, finite: Sequence[tuple[float, float, float]]) -> float:
    """The height of a step if the function is a stair, for instance because it uses single precision internally.

    It is constant on both sides for small steps, rises through its value with larger ones, and by no more than the
    rounding of a number of few digits.
    """
    rises = [(up - zero, zero - down) for _, up, down in finite]
    flat = next((k for k, (a, b) in enumerate(rises) if not a and not b), len(rises))
    if flat < 2 or any(a or b for a, b in rises[flat:]) or flat == len(rises):
        return 0.0
    (right, left), (a, b) = rises[flat - 2], rises[flat - 1]
    height = max(abs(a), abs(b))
    return height if right * left > 0 and height <= COARSEST * abs(zero) else 0.0
