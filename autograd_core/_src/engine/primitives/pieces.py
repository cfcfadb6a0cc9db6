"""What rules of several families are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TINY, HUGE, HUGE_ROOT = 2.0**-100, 2.0**100, 2.0**60  # inside of these nothing over- or underflows
SCALE = 2**64  # makes a subnormal normal; an int: beside Fractions it stays exact


def sign_of(m: Any, x: Any) -> Any:
    """-1, 0 or 1; NaN stays NaN."""
    rest = m.to_round(lambda: m.where(m.equal(x, 0), 0, x), lambda: 0)
    return m.where(x > 0, 1, m.where(x < 0, -1, rest))


def far_out(m: Any, condition: Callable[[], Any], limit: Callable[[], Any], usual: Callable[[], Any]) -> Any:
    """A number, or its limit where a factor of it is infinite."""
    return m.to_round(lambda: m.where(condition(), limit(), usual()), usual)
