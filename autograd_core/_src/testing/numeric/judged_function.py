"""The function whose derivative is judged by its values, and the tolerances that the user set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..arguments.flat import DOUBLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..arguments.given import Given


@dataclass(frozen=True, slots=True)
class Tolerances:
    """The tolerances that the user set.

    Attributes:
        atol: Absolute tolerance of an entry.
        rtol: Relative tolerance of an entry.
        nondet_tol: How much two results for the same arguments may differ.
        strict: Whether errors below the function's own rounding noise count as wrong.
    """

    atol: float = 0.0
    rtol: float = 0.0
    nondet_tol: float = 0.0
    strict: bool = False


@dataclass(slots=True)
class Numeric:
    """A function and its derivative as flat lists of numbers.

    Attributes:
        call: f, of a list of floats (or complex numbers), with a list of floats.
        point: The point, a flat list of numbers.
        names: The names of its inputs, such as "args[0][1]".
        places: The names of its results; [""] for a single number.
        given: The derivative to judge.
        unit: Unit roundoff of its results.
        coarse: Unit roundoff of its arguments.
        tolerances: The user's tolerances.
        rounding: Gives a bound on the rounding error of each result; None if there is none.
        given_at: Gives the same derivative at another point; None if that cannot be computed.
    """

    call: Callable[[list[Any]], list[Any]]
    point: list[float]
    names: list[str]
    places: list[str]
    given: Given
    unit: float = DOUBLE
    coarse: float = DOUBLE
    tolerances: Tolerances = Tolerances()
    rounding: Callable[[], list[float]] | None = None
    given_at: Callable[[list[float]], Given] | None = None
