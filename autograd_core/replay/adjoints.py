"""The one line of reverse mode, *adjoint += local derivative × adjoint*, as machine code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..number_systems.llvm import LLVM, Lanes, multiply_add
from ..ops import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable


def gathered(g: Any, products: Iterable[tuple[Any, Any]], *, masked: bool) -> Any:
    """An adjoint with all that was sent to it, multiplied and added here and not where it was sent.

    Sums that stand open for long do not fit into registers: each addition would be stored, and waited for.
    """
    for d, sent in products:
        g = with_product(g, LLVM.number(d), sent, masked=masked)
    return g


def with_product(total: Any, d: Any, g: Any, *, masked: bool) -> Any:
    """An adjoint, or None for none so far, and local derivative times adjoint."""
    if not isinstance(d, Lanes):
        if d == 0:
            return total
        if total is None:
            return g if d == 1 else d * g
        return total + g if d == 1 else multiply_add(d, g, total)
    if total is None:
        return ROWS["path_product"].value(LLVM, d, g) if masked else d * g
    more = multiply_add(d, g, total)
    if not masked:
        return more
    d_is_0, g_is_0 = (Lanes.__eq__(x, 0) for x in (d, g))
    return LLVM.where(d_is_0, total, LLVM.where(g_is_0, total, more))
