"""Numbers in JSON, which has no infinities, NaN or fractions."""

from __future__ import annotations

import math
from typing import Any

from ...engine.evaluation import decimal, is_fraction


def number(x: Any) -> float | str:
    """A number as a double; infinities and NaN as "inf", "-inf" and "nan"."""
    double = float(decimal(x) if is_fraction(x) else x)
    if math.isfinite(double):
        return double
    return "nan" if math.isnan(double) else "inf" if double > 0 else "-inf"
