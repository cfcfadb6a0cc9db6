"""What differences say of a derivative: an estimate with its error, one for each side at a kink."""

from __future__ import annotations

import math
from dataclasses import dataclass

DOUBLE_ROUNDOFF = 2.0**-53
SURE = 8.0  # times an error estimate
ALL_NOISE, ROUNDING = 0.02, 1e-3  # shares of the largest change and of the value, from which on noise is all there is
NO_ROUNDING = 2.0**-1000  # below, values are 0 but for underflow


@dataclass(frozen=True, slots=True)
class Slope:
    """The derivative at t = 0.

    Attributes:
        value: The estimate; from both sides where the function is smooth.
        error: How far off it may be.
        left: The left one-sided derivative at a kink; else `value`.
        right: The right one.
        kind: "smooth", "kink", "jump" or "not finite".
        noise: How far function values near by are off, from rounding.
        scale: The largest difference quotient over all steps: what "next to 0" is measured by.
        readings: (t, f(t), f(-t)), larger steps first.
        spread: How far independent estimates differ; infinite for a single one.
        step: How wide the steps are of a stair that the function is; else 0.
        other: Another estimate that cannot be ruled out, nor held to be the right one; else NaN.
        beside: The size that steps of an operand of 0 were taken by, if that is another input's; else 0.
    """

    value: float
    error: float
    left: float
    right: float
    kind: str
    noise: float
    scale: float
    readings: tuple[tuple[float, float, float], ...]
    spread: float = math.inf
    step: float = 0.0
    other: float = math.nan
    beside: float = 0.0

    def has_side(self, piece: Slope) -> bool:
        """Whether one of the pieces that meet at a kink has the slope of another estimate."""
        room = SURE * (self.error + piece.error) + ALL_NOISE * abs(piece.value)
        return min(abs(piece.value - self.left), abs(piece.value - self.right)) <= room

    @property
    def still(self) -> float:
        """If all values are one number other than 0: its size over the largest step; else 0."""
        values = {value for reading in self.readings for value in reading[1:]}
        steps = [reading[0] for reading in self.readings]
        return abs(values.pop()) / max(steps) if len(values) == 1 and len(steps) > 1 else 0.0

    @property
    def unsure(self) -> float:
        """The error; for a value that is constant to the last digit, its rounding over the largest step."""
        return min(self.error, DOUBLE_ROUNDOFF * self.still) if self.still else self.error

    @property
    def reach(self) -> float:
        """How far apart values near by are."""
        values = [value for reading in self.readings for value in reading[1:]]
        return max(values) - min(values) if values else 0.0

    @property
    def rough(self) -> bool:
        """Whether values near by differ by noise alone, which is no rounding: that of a sine at 1e17, say."""
        values = [value for reading in self.readings for value in reading[1:]]
        return (
            bool(self.reach)
            and self.noise > max(ALL_NOISE * self.reach, NO_ROUNDING)
            and self.noise > ROUNDING * max(map(abs, values))
        )
