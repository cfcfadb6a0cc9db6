"""`Layout`: which inputs and results the runs of a program have. Passes, code and runners agree on it."""

from __future__ import annotations

from typing import NamedTuple


class Layout(NamedTuple):
    """Which inputs and results a program's runs have.

    Attributes:
        tables: For each batched argument, its slots.
        wanted: Slots whose values are results, for each example.
        per_example: Groups of slots whose gradients are sought for each example.
        summed: Slots whose gradients are sought, summed over all examples; inputs that all examples share.
        places: Where in a row of results each wanted slot stands; what is not named stays 0.
        width: How long a row of results is.
    """

    tables: tuple[tuple[int, ...], ...]
    wanted: tuple[int, ...]
    per_example: tuple[tuple[int, ...], ...] = ()
    summed: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
    width: int = 0

    @property
    def has_gradient(self) -> bool:
        """Whether there is a backward sweep."""
        return bool(self.per_example or self.summed)
