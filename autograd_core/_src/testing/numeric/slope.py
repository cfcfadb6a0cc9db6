"""A derivative estimated by differences, with its error; at a kink one for each side."""

from __future__ import annotations

import math
from dataclasses import dataclass

DOUBLE_ROUNDOFF = 2.0**-53
SURE = 8.0  # safety factor of an error estimate
ALL_NOISE, ROUNDING = 0.02, 1e-3  # noise above these shares of the largest change, of the value, hides everything else
NO_ROUNDING = 2.0**-1000  # smaller values are 0 but for underflow


@dataclass(frozen=True, slots=True)
class Slope:
    """The derivative at t = 0.

    Attributes:
        value: The estimate; from both sides where the function is smooth.
        error: Its estimated error.
        left: The left one-sided derivative at a kink; else `value`.
        right: The right one.
        kind: "smooth", "kink", "jump" or "not finite".
        noise: The rounding error of function values near by.
        scale: The largest difference quotient over all steps, with respect to which a derivative is "next to 0".
        readings: (t, f(t), f(-t)), larger steps first.
        spread: The spread of independent estimates; infinite for a single one.
        step: The width of a step if the function is a stair; else 0.
        other: A second estimate that can be neither ruled out nor preferred; else NaN.
        beside: The size of another input, if steps of an operand of 0 were scaled by it; else 0.
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
        """Whether one of the one-sided slopes agrees with another estimate."""
        room = SURE * (self.error + piece.error) + ALL_NOISE * abs(piece.value)
        return min(abs(piece.value - self.left), abs(piece.value - self.right)) <= room

    @property
    def still(self) -> float:
        """If all values are equal and not 0, their size over the largest step; else 0."""
        values = {value for reading in self.readings for value in reading[1:]}
        steps = [reading[0] for reading in self.readings]
        return abs(values.pop()) / max(steps) if len(values) == 1 and len(steps) > 1 else 0.0

    @property
    def unsure(self) -> float:
        """The error; if all values are equal to the last digit, their rounding over the largest step."""
        return min(self.error, DOUBLE_ROUNDOFF * self.still) if self.still else self.error

    @property
    def reach(self) -> float:
        """The largest difference of values near by."""
        values = [value for reading in self.readings for value in reading[1:]]
        return max(values) - min(values) if values else 0.0

    @property
    def rough(self) -> bool:
        """Whether values near by differ by noise alone that is larger than rounding, such as a sine at 1e17."""
        values = [value for reading in self.readings for value in reading[1:]]
        return (
            bool(self.reach)
            and self.noise > max(ALL_NOISE * self.reach, NO_ROUNDING)
            and self.noise > ROUNDING * max(map(abs, values))
        )
