"""Sums of doubles that are rounded once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def exact_sum(numbers: Iterable[float]) -> float:
    """The sum, rounded once; infinite or NaN where doubles that are added up overflow or cancel infinities.

    `math.fsum` raises there.

    Args:
        numbers: Any doubles.

    Returns:
        Their sum.

    Example:
        >>> from autograd_core._src.sums import exact_sum
        >>> exact_sum([0.1] * 10), exact_sum([1e308, 1e308]), exact_sum([float("inf"), float("-inf")])
        (1.0, inf, nan)
    """
    numbers = list(numbers)
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):
        return sum(numbers)
