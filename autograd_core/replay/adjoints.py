"""The one line of reverse mode, *adjoint += local derivative × adjoint*, as machine code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir

from ..number_systems.llvm import LLVM, Lanes, multiply_add
from ..ops import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable


def gathered(g: Any, products: Iterable[tuple[Any, Any]], *, masked: bool) -> Any:
    """An adjoint with all that was sent to it, multiplied and added here and not where it was sent.

    Sums that stand open for long do not fit into registers: each addition would be stored, and waited for.
    """
    return gathered_together([g], [products], masked=masked)[0]


def gathered_together(sums: Iterable[Any], products: Iterable[Iterable[tuple[Any, Any]]], *, masked: bool) -> list[Any]:
    """The same for some adjoints to which as much was sent, product by product."""
    sums = list(sums)
    for row in zip(*products, strict=True):
        sums = [with_product(g, LLVM.number(d), sent, masked=masked) for g, (d, sent) in zip(sums, row, strict=True)]
    return sums


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


def parts_of(x: Any, width: int, size: int) -> list[Any]:
    """The lanes of a vector in parts of a size, for sums that have no more."""
    if not isinstance(x, Lanes) or width == size:
        return [x] * (width // size)
    whole, kind = x.value, ir.VectorType(ir.IntType(32), size)
    starts = range(0, width, size)
    masks = [ir.Constant(kind, list(range(start, start + size))) for start in starts]
    nothing = ir.Constant(whole.type, ir.Undefined)
    return [Lanes(x.builder, x.builder.shuffle_vector(whole, nothing, mask)) for mask in masks]
