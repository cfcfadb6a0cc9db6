"""Reverse mode's accumulation, *adjoint += local derivative × adjoint*, as LLVM instructions."""

from __future__ import annotations

from collections import Counter
from math import isfinite
from typing import TYPE_CHECKING, Any

from ....engine.ops import PRIMITIVES
from ....number_systems.llvm import LLVM, Lanes, constant, multiply_add

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


# Slots whose adjoints are accumulated together if they receive the same adjoints, as all inputs of a dense layer do:
# each adjoint is then loaded once for four sums (docs/adr/0013).
TERMS_TOGETHER = 4


class Adjoints:
    """Pending contributions to adjoints. They are multiplied and added up when the adjoint is read.

    Slots that receive the same adjoints are accumulated together, product by product, so that each adjoint is loaded
    once for all of them.

    Args:
        left: How many contributions each slot will receive.
        start: Gives the initial value of a slot's adjoint, or None; called once per slot.
        hold: Makes a value available to later stages.
        strict_zero: Whether 0 × infinity and 0 × NaN are 0.
        together: How many slots to accumulate together; 1 if the initial value is not known before a slot's turn.
    """

    def __init__(
        self,
        left: Mapping[Any, int],
        start: Callable[[Any], Any],
        hold: Callable[[Any], Any],
        *,
        strict_zero: bool,
        together: int = TERMS_TOGETHER,
    ) -> None:
        self._left, self._start, self._hold, self._strict = Counter(left), start, hold, strict_zero
        self._together = together
        self._products: dict[Any, list[tuple[Any, Any]]] = {}
        self._alike: dict[Any, dict[Any, None]] = {}  # slots that have received everything, by the adjoints received
        self._done: dict[Any, Any] = {}  # accumulated along with another slot, not read yet

    def send(self, to: Any, d: Any, g: Any) -> None:
        """Contribute local derivative times adjoint to a slot."""
        self._left[to] -= 1
        products = self._products.setdefault(to, [])
        products.append((self._hold(LLVM.number(d)), g))
        # Only a slot that will receive nothing more may be accumulated before its turn.
        if not self._left[to]:
            self._alike.setdefault(_ids(products), {})[to] = None

    def gather(self, to: Any) -> Any:
        """The adjoint of a slot; None if it received nothing."""
        # Not summed in `send`: a sum that stays open through the sweep occupies a register or is spilled, and then
        # every addition waits for a store and a load (docs/adr/0011).
        if to not in self._done:
            same = self._alike.get(_ids(self._products.get(to, ())), {})
            same.pop(to, None)
            some = [to, *(same.popitem()[0] for _ in range(min(len(same), self._together - 1)))]
            products = [self._products.pop(x, ()) for x in some]
            sums = gathered_together(map(self._start, some), products, strict_zero=self._strict)
            self._done.update((x, g if g is None else self._hold(g)) for x, g in zip(some, sums, strict=True))
        return self._done.pop(to)

    def waiting(self) -> list[Any]:
        """Slots whose adjoints have not been read."""
        return [*self._done, *self._products]


def _ids(products: Iterable[tuple[Any, Any]]) -> tuple[int, ...]:
    """The adjoints among some products, by identity and in order."""
    return tuple(id(g) for _, g in products)


def gathered(g: Any, products: Iterable[tuple[Any, Any]], *, strict_zero: bool) -> Any:
    """An adjoint plus the products contributed to it, in the order in which they were sent."""
    return gathered_together([g], [products], strict_zero=strict_zero)[0]


def gathered_together(
    sums: Iterable[Any], products: Iterable[Iterable[tuple[Any, Any]]], *, strict_zero: bool
) -> list[Any]:
    """The same for several adjoints with equally many products, product by product."""
    sums = list(sums)
    # The outer loop goes over products, so that the adjoint that they share is loaded once for all sums. Each sum
    # still adds its own products in order, so its bits are the same as alone.
    for turn in zip(*products, strict=True):
        pairs = zip(sums, turn, strict=True)
        sums = [with_product(g, LLVM.number(d), sent, strict_zero=strict_zero) for g, (d, sent) in pairs]
    return sums


def with_product(total: Any, d: Any, g: Any, *, strict_zero: bool) -> Any:
    """An adjoint (None if it is empty so far) plus local derivative times adjoint.

    The interpreter and compiled code both add products here, fused to one rounding where the module allows it. So a
    gradient has the same bits whichever of them ran (docs/adr/0014).
    """
    if not isinstance(d, Lanes):  # a number known while writing code: no instruction needs to test it
        if d == 0:
            return total
        if isfinite(d):
            # Strict zero has nothing to do here: d is neither 0 nor infinite, and d · 0 is 0 anyway.
            if total is None:
                return g if d == 1 else d * g
            return total + g if d == 1 else multiply_add(d, g, total)
        d = Lanes(g.builder, constant(g.value.type, d))
    if total is None:
        return PRIMITIVES["path_product"].value(LLVM, d, g) if strict_zero else d * g
    more = multiply_add(d, g, total)
    # Without strict zero 0 · inf gives NaN, which no later sum hides; it leads to the strict code (docs/adr/0010).
    if not strict_zero:
        return more
    # Selected after the addition, not by masking a factor: a skipped product must leave the sum's bits alone, and
    # `total + 0.0` would turn -0.0 into 0.0.
    d_is_0, g_is_0 = (Lanes.__eq__(x, 0) for x in (d, g))
    return LLVM.where(d_is_0, total, LLVM.where(g_is_0, total, more))
