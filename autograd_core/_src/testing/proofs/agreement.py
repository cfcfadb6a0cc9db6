"""Checks that products of a derivative are linear, and belong to one map, whatever the function.

For every u and v, u·(J v) = (Jᵀu)·v. A product that is not proportional to its vector is wrong even if it is
right at unit vectors.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ..arguments.given import KEPT, Columns, Products
from ..directions import directions, seeds_of, total

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..arguments.given import Given
    from ..numeric.judged_function import Tolerances

PAIRS = 3  # of random vectors
FEW_ENTRIES = 48  # inputs or entries that are looked at one by one


class Contradiction(NamedTuple):
    """Two numbers that should be one.

    Attributes:
        reason: What they are.
        where: Between which derivatives.
        expected: One.
        found: The other.
    """

    reason: str
    where: str
    expected: float
    found: float


def contradiction(
    given: Sequence[Given], results: int, count: int, unit: float, tolerances: Tolerances
) -> Contradiction | None:
    """Where products are not linear, or contradict each other; None if they are one linear map.

    Args:
        given: What was given.
        results: How many results there are.
        count: How many inputs.
        unit: Unit roundoff.
        tolerances: How far apart they may be besides.
    """
    share, atol = max(unit**KEPT, tolerances.rtol), tolerances.atol + tolerances.nondet_tol
    for g in given:
        told = None
        if isinstance(g, Products):
            told = _not_linear(g.side, g.row, seeds_of(results), _vector(results), share, atol)
        elif isinstance(g, Columns):
            units = [[float(k == j) for k in range(count)] for j in range(count)] if count <= FEW_ENTRIES else []
            told = _not_linear(g.side, g.column, units, _vector(count), share, atol)
        if told is not None:
            return told
    for a, b in pairwise(given):
        for k in range(PAIRS):
            u, v = directions(results, f"left {k}"), directions(count, f"right {k}")
            terms = [g * d for g, d in zip(a.row(u), v, strict=True)]
            one, other = total(terms), b.along(u, v)
            size = total(map(abs, terms)) + abs(other)
            if not (abs(one - other) <= share * size + atol * count or one == other):
                reason = (
                    f"{a.side} and {b.side} do not agree: for random u and v, u·(J v) is {one:.17g} by {a.side} and "
                    f"{other:.17g} by {b.side}{_furthest(a, b, results, count)}."
                )
                return Contradiction(reason, f"{a.side} and {b.side}", one, other)
    return None


def _furthest(a: Given, b: Given, results: int, count: int) -> str:
    """The entry in which two derivatives differ most, if there are few."""
    if results * count > FEW_ENTRIES:
        return ""
    units = [[float(i == k) for k in range(results)] for i in range(results)]
    pairs = [(i, j, x, y) for i, u in enumerate(units) for j, (x, y) in enumerate(zip(a.row(u), b.row(u), strict=True))]
    i, j, x, y = max(pairs, key=lambda p: abs(p[2] - p[3]))
    return f"; they differ most at result {i} and input {j}: {x!r} and {y!r}"


def _vector(n: int) -> list[float]:
    """A random vector, never a unit vector; a single number is negative, so that errors of sign show."""
    v = directions(n, "linear")
    return [-d for d in v] if v[0] > 0 else v


def _not_linear(
    side: str,
    product: Callable[[Sequence[float]], list[float]],
    units: Sequence[list[float]],
    v: list[float],
    share: float,
    atol: float,
) -> Contradiction | None:
    """Whether the product with a combination differs from the combination of the products."""
    if len(units) == len(v):
        parts = [(d, product(unit)) for d, unit in zip(v, units, strict=True)]
        what = "the combination of those with unit vectors"
    else:
        parts = [(-2.0, product([-d / 2 for d in v]))]
        what = "-2 times that with -v / 2"
    for j, x in enumerate(product(v)):
        terms = [d * part[j] for d, part in parts]
        size, one = total(map(abs, terms)), total(terms)
        if math.isfinite(size) and not abs(x - one) <= share * max(size, abs(x)) + atol:
            reason = f"{side} is not linear: entry {j} of its product with a vector v is {x!r}, and {what} {one!r}."
            return Contradiction(reason, f"entry {j} of the product", one, x)
    return None
