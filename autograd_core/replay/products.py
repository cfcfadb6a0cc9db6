"""Sums over rows of local derivatives times adjoints, as the matrix product that they are.

Adding each product to its sum at once would load and store that sum for every block of rows. So
the factors are kept for a stretch of blocks, and then a few sums at a time stay in registers while
the rows go by. Those of some adjoints by some local derivatives go together, so that each factor
loaded serves several sums (Goto and van de Geijn 2008, *Anatomy of high-performance matrix
multiplication*).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..number_systems.llvm import Lanes
from .adjoints import with_product
from .machine import constant, i64, load, loop, store
from .stages import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .stages import Stages

OPEN = 12  # sums at a time: with their factors they fill 16 registers


def at_once(b: Any, sums: Any, scratch: Any, *, masked: bool) -> Callable[[int, Any, Any], None]:
    """What adds a local derivative times an adjoint to a sum in memory, where there is one row at a time."""

    def add(k: int, d: Any, g: Any) -> None:
        total = with_product(Lanes(b, load(b, sums, scratch, i64(k))), d, g, masked=masked)
        store(b, total.value, scratch, i64(k))

    return add


class Kept(NamedTuple):
    """A factor in memory: where it is among those of a block."""

    place: int


class Product(NamedTuple):
    """A local derivative, an adjoint, and the sum that their product is added to; a factor may be a number."""

    d: Any
    g: Any
    k: int


class Products:
    """The products of a block of rows, and the code that adds them up.

    Args:
        stages: The code that makes the factors.
        sums: The type of a sum: as many lanes as a factor, or a part of them.
        parts: How many times as many a factor has.
        scratch: Where the sums are.
        masked: Whether 0 wins over infinity and NaN.
    """

    def __init__(self, stages: Stages, sums: Any, parts: int, scratch: Any, *, masked: bool) -> None:
        self.stages, self.sums, self.parts, self.scratch, self.masked = stages, sums, parts, scratch, masked
        self._sent: list[Product] = []
        self._made: dict[int, tuple[Lanes, Any]] = {}  # by identity; both are held, or others might get their ids

    def send(self, k: int, d: Any, g: Any) -> None:
        """Local derivative times adjoint, for sum k."""
        if isinstance(d, Lanes) or d != 0:
            self._sent.append(Product(self._kept(d), self._kept(g), k))

    def _kept(self, x: Any) -> Any:
        """Where a factor is kept; a number is one."""
        if not isinstance(x, Lanes):
            return x
        if not isinstance(x, Held):
            if id(x) not in self._made:
                b, value = x.builder, x.value
                here = b.fadd(value, constant(value.type, -0.0))  # which changes nothing, and is made in this stage
                self._made[id(x)] = x, self.stages.hold(Lanes(b, here))
            x = self._made[id(x)][1]
        return Kept(x.place)

    def add_up(self) -> None:
        """Add the products of the stretch to their sums."""
        b, stages = self.stages.b, self.stages
        with b.goto_entry_block():
            totals = [b.alloca(self.sums) for _ in range(OPEN)]
        for tile in tiles(self._sent):
            open_sums = list(zip(totals, tile, strict=False))
            for total, product in open_sums:
                b.store(load(b, self.sums, self.scratch, i64(product.k)), total)
            with loop(b, i64(0), stages.count) as block:
                first = b.mul(block, b.mul(stages.n_kept, i64(self.parts)))
                for part in range(self.parts):
                    found = {x: self._factor(x, first, part) for product in tile for x in (product.g, product.d)}
                    for total, product in open_sums:
                        old = Lanes(b, b.load(total, typ=self.sums))
                        new = with_product(old, found[product.d], found[product.g], masked=self.masked)
                        b.store(new.value, total)
            for total, product in open_sums:
                store(b, b.load(total, typ=self.sums), self.scratch, i64(product.k))

    def _factor(self, x: Any, first: Any, part: int) -> Any:
        """As much of a factor as is as long as a sum."""
        if not isinstance(x, Kept):
            return x
        b, stages = self.stages.b, self.stages
        return Lanes(b, load(b, self.sums, stages.memory, b.add(first, i64(x.place * self.parts + part))))


def tiles(products: Sequence[Product]) -> Iterator[list[Product]]:
    """The products in groups of at most OPEN, none with two for one sum: of these the later is in a later group."""
    tile: list[Product] = []
    for rectangle in _rectangles(products):
        if len(tile) + len(rectangle) > OPEN or {p.k for p in tile} & {p.k for p in rectangle}:
            yield tile
            tile = []
        tile += rectangle
    if tile:
        yield tile


def _rectangles(products: Sequence[Product]) -> Iterator[list[Product]]:
    """Those of the same local derivatives by some adjoints."""
    rounds: dict[int, dict[Any, list[Product]]] = {}  # the first to each sum, the second ...; by adjoint
    times: dict[int, int] = {}
    for product in products:
        n = times[product.k] = times.get(product.k, -1) + 1
        rounds.setdefault(n, {}).setdefault(product.g, []).append(product)
    for rows in rounds.values():
        alike: dict[Any, list[list[Product]]] = {}
        for row in rows.values():
            alike.setdefault(tuple(p.d for p in row), []).append(row)
        for ds, same in alike.items():
            for some in _evenly(same, max(2, OPEN // len(ds))):
                for columns in _evenly(range(len(ds)), OPEN // len(some)):
                    yield [row[k] for k in columns for row in some]


def _evenly(xs: Sequence[Any], most: int) -> list[Sequence[Any]]:
    """In parts of nearly the same length, of no more than `most`."""
    n = -(-len(xs) // most)
    return [xs[len(xs) * k // n : len(xs) * (k + 1) // n] for k in range(n)]
