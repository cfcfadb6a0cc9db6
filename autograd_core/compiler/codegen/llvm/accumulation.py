"""The one line of reverse mode, *adjoint += local derivative × adjoint*, as machine code."""

from __future__ import annotations

from collections import Counter
from math import isfinite
from typing import TYPE_CHECKING, Any

from ....engine.ops import ROWS
from ....number_systems.llvm import LLVM, Lanes, constant, multiply_add

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


TOGETHER = 4  # adjoints that are gathered at once where the same were sent to them


class Adjoints:
    """Adjoints under way: what was sent to whom, multiplied and added up when it is asked for.

    Where the same adjoints were sent to several, these are added up together, product by product: what is loaded
    then serves them all.

    Args:
        left: How often something is sent to each.
        start: What the adjoint of one begins with, or None; asked once.
        hold: Makes a value last.
        masked: Whether 0 wins over infinity and NaN.
        together: How many to add up together; 1 where what an adjoint begins with is not known before its turn.
    """

    def __init__(
        self,
        left: Mapping[Any, int],
        start: Callable[[Any], Any],
        hold: Callable[[Any], Any],
        *,
        masked: bool,
        together: int = TOGETHER,
    ) -> None:
        self._left, self._start, self._hold, self._masked = Counter(left), start, hold, masked
        self._together = together
        self._products: dict[Any, list[tuple[Any, Any]]] = {}
        self._alike: dict[Any, dict[Any, None]] = {}  # to whom all was sent, by what was sent
        self._done: dict[Any, Any] = {}

    def send(self, to: Any, d: Any, g: Any) -> None:
        """Local derivative times adjoint."""
        self._left[to] -= 1
        products = self._products.setdefault(to, [])
        products.append((self._hold(LLVM.number(d)), g))
        if not self._left[to]:
            self._alike.setdefault(_ids(products), {})[to] = None

    def gather(self, to: Any) -> Any:
        """The adjoint of one; None if nothing was sent to it."""
        if to not in self._done:
            same = self._alike.get(_ids(self._products.get(to, ())), {})
            same.pop(to, None)
            some = [to, *(same.popitem()[0] for _ in range(min(len(same), self._together - 1)))]
            products = [self._products.pop(x, ()) for x in some]
            sums = gathered_together(map(self._start, some), products, masked=self._masked)
            self._done.update((x, g if g is None else self._hold(g)) for x, g in zip(some, sums, strict=True))
        return self._done.pop(to)

    def waiting(self) -> list[Any]:
        """Whose adjoints have not been asked for."""
        return [*self._done, *self._products]


def _ids(products: Iterable[tuple[Any, Any]]) -> tuple[int, ...]:
    """Which adjoints there are in some products."""
    return tuple(id(g) for _, g in products)


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
    """An adjoint, or None for none so far, and local derivative times adjoint.

    This is the one place where a product is added, in the interpreter as in compiled code: with one rounding where
    the module allows that, so that a gradient has the same bits whichever of them ran.
    """
    if not isinstance(d, Lanes):
        if d == 0:
            return total
        if isfinite(d):
            if total is None:
                return g if d == 1 else d * g
            return total + g if d == 1 else multiply_add(d, g, total)
        d = Lanes(g.builder, constant(g.value.type, d))
    if total is None:
        return ROWS["path_product"].value(LLVM, d, g) if masked else d * g
    more = multiply_add(d, g, total)
    if not masked:
        return more
    d_is_0, g_is_0 = (Lanes.__eq__(x, 0) for x in (d, g))
    return LLVM.where(d_is_0, total, LLVM.where(g_is_0, total, more))
