"""Sums over rows of local derivatives times adjoints, as the matrix product that they are.

Adding each product to its sum at once would load and store that sum for every block of rows. So
the factors are kept for a stretch of blocks, and then a few sums at a time stay in registers while
the rows go by. Those of some adjoints by some local derivatives go together, so that each factor
loaded serves several sums (Goto and van de Geijn 2008, *Anatomy of high-performance matrix
multiplication*).
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from ....number_systems.llvm import F32, Lanes
from ....number_systems.processor import native_lanes
from .accumulation import with_product
from .jit import constant, element_of, i64, lanes, load, loop, store
from .strip_mining import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .strip_mining import Stages

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


class Sum(NamedTuple):
    """The products that a block of rows adds to one sum, in order; a factor may be a number.

    Attributes:
        k: Which sum.
        ds: Local derivatives.
        gs: As many adjoints.
    """

    k: int
    ds: tuple[Any, ...]
    gs: tuple[Any, ...]


class Products:
    """The products of a block of rows, and the code that adds them up.

    Each sum has as many lanes as a block has rows, and a block adds to it in the order in which products were sent:
    so the bits depend neither on tiles and stretches nor on the processor, and the interpreter has them, too.

    Args:
        stages: The code that makes the factors.
        kind: The type of a factor, and of a sum.
        scratch: Where the sums are.
        masked: Whether 0 wins over infinity and NaN.
    """

    def __init__(self, stages: Stages, kind: Any, scratch: Any, *, masked: bool) -> None:
        self.stages, self.scratch, self.masked = stages, scratch, masked
        element = element_of(kind)
        native = min(kind.count, native_lanes(4 if element is F32 else 8))
        self.kind, self.parts = lanes(native, element), kind.count // native  # a register holds a part of a sum
        self._sent: dict[int, list[tuple[Any, Any]]] = {}
        self._made: dict[int, tuple[Lanes, Any]] = {}  # by identity; both are held, or others might get their ids

    def send(self, k: int, d: Any, g: Any) -> None:
        """Local derivative times adjoint, for sum k."""
        if isinstance(d, Lanes) or d != 0:
            self._sent.setdefault(k, []).append((self._kept(d), self._kept(g)))

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
        b, stages, parts = self.stages.b, self.stages, self.parts
        sums = [Sum(k, *zip(*products, strict=True)) for k, products in self._sent.items()]
        with b.goto_entry_block():
            totals = [b.alloca(self.kind) for _ in range(OPEN)]
        for tile in tiles(sums, max(OPEN // parts, 1)):
            open_parts = [(s, part) for part in range(parts) for s in tile]
            for total, (s, part) in zip(totals, open_parts, strict=False):
                b.store(load(b, self.kind, self.scratch, i64(s.k * parts + part)), total)
            with loop(b, i64(0), stages.count) as block:
                first = b.mul(block, b.mul(stages.n_kept, i64(parts)))
                for turn, part in product(range(len(tile[0].ds)), range(parts)):
                    factors = dict.fromkeys(x for s in tile for x in (s.gs[turn], s.ds[turn]))
                    found = {x: self._factor(x, first, part) for x in factors}
                    for s, total in zip(tile, totals[part * len(tile) :], strict=False):
                        old = Lanes(b, b.load(total, typ=self.kind))
                        new = with_product(old, found[s.ds[turn]], found[s.gs[turn]], masked=self.masked)
                        b.store(new.value, total)
            for total, (s, part) in zip(totals, open_parts, strict=False):
                store(b, b.load(total, typ=self.kind), self.scratch, i64(s.k * parts + part))

    def _factor(self, x: Any, first: Any, part: int) -> Any:
        """A part of a factor."""
        if not isinstance(x, Kept):
            return x
        b, stages = self.stages.b, self.stages
        return Lanes(b, load(b, self.kind, stages.memory, b.add(first, i64(x.place * self.parts + part))))


def tiles(sums: Sequence[Sum], most: int = OPEN) -> Iterator[list[Sum]]:
    """The sums in groups of at most so many, all of as many products."""
    tile: list[Sum] = []
    for rectangle in _rectangles(sums, most):
        if tile and (len(tile) + len(rectangle) > most or len(tile[0].ds) != len(rectangle[0].ds)):
            yield tile
            tile = []
        tile += rectangle
    if tile:
        yield tile


def _rectangles(sums: Sequence[Sum], most: int) -> Iterator[list[Sum]]:
    """Those of the same local derivatives by some adjoints, product by product."""
    by_adjoints: dict[Any, list[Sum]] = {}
    for s in sorted(sums, key=lambda s: len(s.ds)):  # those of as many products one after the other
        by_adjoints.setdefault(s.gs, []).append(s)
    alike: dict[Any, list[list[Sum]]] = {}
    for row in by_adjoints.values():
        alike.setdefault(tuple(s.ds for s in row), []).append(row)
    for ds, same in alike.items():
        for some in _evenly(same, max(min(2, most), most // len(ds))):
            for columns in _evenly(range(len(ds)), max(most // len(some), 1)):
                yield [row[k] for k in columns for row in some]


def _evenly(xs: Sequence[Any], most: int) -> list[Sequence[Any]]:
    """In parts of nearly the same length, of no more than `most`."""
    n = -(-len(xs) // most)
    return [xs[len(xs) * k // n : len(xs) * (k + 1) // n] for k in range(n)]
