"""How far a function's values are off, told by the values themselves.

Rounding within the function, and not of its result alone, makes values next to each other scatter. What a
difference quotient says of the derivative counts only where it is larger than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .stairs import FACTOR

if TYPE_CHECKING:
    from collections.abc import Sequence

JUMP = 8.0  # times the noise: a value further than that from its neighbours is a jump
SMALLEST = 2.0**-1074
COARSEST = 2.0**-7  # half a unit in the last place of the shortest numbers in use, of 8 bits
EVEN = 8.0  # falls from level to level of what is smooth differ by no more than such a factor
SHORT = 14  # a table of so few steps shows a smooth function in fewer rows


def noise_of(zero: float, sides: Sequence[Sequence[float]], unit: float) -> float:
    """How far rounding puts function values off: what is left of them when all that is smooth is gone.

    On each side a combination of the values at three steps in which constants and slopes cancel
    falls by 16 per level where the function is smooth. Below, there is noise: of rounding, of a
    subtraction within, or of an iteration that ended early.
    """
    largest = 4 * (unit * abs(zero) + SMALLEST)
    for values in sides:
        rests = [abs((a - b) - FACTOR * (b - c)) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
        clean = 0
        for k in range(len(rests) - 3, 1, -1):
            at_end = k > len(rests) - 5  # with few left to tell noise by, they have to fall more clearly
            row, fall = (1, 2) if at_end or len(rests) <= SHORT else (1, 2, 3), 2 * FACTOR if at_end else FACTOR
            if k >= len(row) and all(rests[k - j] > fall * rests[k - j + 1] > 0 for j in row):
                falls = [rests[k - j] / rests[k - j + 1] for j in row]
                # Steps too small to leave one stair of a value that is rounded within fall as well, but not evenly.
                if max(falls) <= EVEN * min(falls):
                    clean = k + 1
                    break
        # A kink between two steps leaves a rest at two levels, a steep rise at four, noise at many.
        tail = sorted(rests[clean:])
        short = clean > 0 and len(tail) <= 4
        largest = max(largest, max(tail if short else tail[:-4], default=0.0) / FACTOR)
    return largest


def noise_at_zero(zero: float, finite: Sequence[tuple[float, float, float]], near_by: float) -> float:
    """How far off rounding puts the value at 0 itself, in which all difference quotients share.

    What both sides differ from it by together falls with the step where the function is smooth or has a kink.
    Where it stands still, the value at 0 is off: by rounding, if that is no more than some times the noise near by.
    """
    floor = min(abs((up - zero) + (down - zero)) for _, up, down in finite[-4:]) / 2
    return floor if floor <= JUMP * near_by else 0.0


def quantum(zero: float, finite: Sequence[tuple[float, float, float]]) -> float:
    """The height of a stair, where the function rises in stairs: computed in single precision within, for instance.

    It stands still on both sides for small steps, rises through its value with larger ones, and by no
    more than a number of few digits is rounded.
    """
    rises = [(up - zero, zero - down) for _, up, down in finite]
    flat = next((k for k, (a, b) in enumerate(rises) if not a and not b), len(rises))
    if flat < 2 or any(a or b for a, b in rises[flat:]) or flat == len(rises):
        return 0.0
    (right, left), (a, b) = rises[flat - 2], rises[flat - 1]
    height = max(abs(a), abs(b))
    return height if right * left > 0 and height <= COARSEST * abs(zero) else 0.0
