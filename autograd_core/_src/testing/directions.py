"""Directions in which derivatives are compared, random but the same in each process; sums and units of results."""

from __future__ import annotations

import math
import random
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..sums import exact_sum

if TYPE_CHECKING:
    from collections.abc import Iterable

MANY_OUTPUTS = 16  # beyond, random combinations of them
COMBINATIONS = 4
KEPT = 1000  # entries of a random direction that is kept for the next check
SMALLEST = 2.0**-1074
GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples, without their whole parts, are spread evenly


def directions(n: int, seed: str) -> list[float]:
    """A random direction, the same one each time: numbers of size 0.5 to 1.5 of either sign."""
    return [*_direction(n, seed)] if n <= KEPT else _drawn(n, seed)


@lru_cache(maxsize=256)
def _direction(n: int, seed: str) -> tuple[float, ...]:
    return tuple(_drawn(n, seed))


def _drawn(n: int, seed: str) -> list[float]:
    rng = random.Random(f"{n} {seed}")  # noqa: S311
    bits, size = rng.getrandbits, rng.random
    found = []
    for _ in range(n):
        while (sign := bits(2)) > 1:  # as `rng.choice` of two, in half of its time
            pass
        found.append((0.5 + size()) * (1.0 if sign else -1.0))
    return found


def seeds_of(m: int) -> list[list[float]]:
    """Unit vectors over the results, or a few random combinations if there are many."""
    if m <= MANY_OUTPUTS:
        return [[float(i == k) for k in range(m)] for i in range(m)]
    return [directions(m, f"cotangent {k}") for k in range(COMBINATIONS)]


def total(terms: Iterable[float]) -> float:
    """A sum, rounded once where it is finite."""
    return exact_sum(terms)


def ulp_of(x: Any) -> float:
    """A unit in the last place of a number of any precision, as a double."""
    size = abs(float(x))
    return math.ulp(size) if math.isfinite(size) else math.inf
