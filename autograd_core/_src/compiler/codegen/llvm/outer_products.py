"""Sums over the batch of local derivative × adjoint, computed as a matrix product.

Adding each product to its sum at once would load and store that sum for every block of examples. Instead
the factors are kept in memory for a strip of blocks. Then a tile of a few sums stays in registers
while the loop runs over these blocks. A tile holds the sums of some adjoints by some local derivatives,
so that each factor is loaded once for several sums (Goto and van de Geijn 2008, *Anatomy of
high-performance matrix multiplication*; docs/adr/0013).
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from ....number_systems.llvm import Lanes
from ....number_systems.llvm_functions import F32
from ....number_systems.processor import native_lanes
from .accumulation import with_product
from .jit import constant, element_of, i64, lanes, load, loop, store
from .strip_mining import Spilled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .strip_mining import Stages

# Sums in a tile: a tile of 3 × 4 sums loads 7 factors for 12 products, and these fill 16 vector registers. Adding
# several products to each sum per turn, by unrolling, was rejected: four times the code, which is decoded anew.
OPEN = 12


def at_once(b: Any, sums: Any, scratch: Any, *, strict_zero: bool) -> Callable[[int, Any, Any], None]:
    """A function that writes code for *sum += local derivative × adjoint*, for a single example."""

    def add(k: int, d: Any, g: Any) -> None:
        total = with_product(Lanes(b, load(b, sums, scratch, i64(k))), d, g, strict_zero=strict_zero)
        store(b, total.value, scratch, i64(k))

    return add


class Kept(NamedTuple):
    """A factor in memory, by its place among the vectors that a block keeps."""

    place: int


class ProductSum(NamedTuple):
    """The products that a block of examples adds to one sum, in order; a factor may be a number.

    Attributes:
        k: The sum's index.
        ds: Local derivatives.
        gs: Adjoints, one for each local derivative.
    """

    k: int
    ds: tuple[Any, ...]
    gs: tuple[Any, ...]


class OuterProducts:
    """The products that a block of examples contributes to sums, and the code that adds them up.

    Each sum has as many lanes as a block has examples, and a block adds to it in the order in which products were sent.
    So the bits depend neither on tiles and strips nor on the processor, and the interpreter gives the same.

    Args:
        stages: The code that computes the factors.
        kind: The type of a factor, and of a sum.
        scratch: Where the sums are.
        strict_zero: Whether 0 × infinity and 0 × NaN are 0.
    """

    def __init__(self, stages: Stages, kind: Any, scratch: Any, *, strict_zero: bool) -> None:
        self.stages, self.scratch, self.strict_zero = stages, scratch, strict_zero
        element = element_of(kind)
        native = min(kind.count, native_lanes(4 if element is F32 else 8))
        # Eight doubles are one register of AVX-512, two of AVX2, four of SSE2. The sum has eight lanes on all of
        # them, or its bits would depend on the processor.
        self.kind, self.parts = lanes(native, element), kind.count // native  # a register holds a part of a sum
        self._sent: dict[int, list[tuple[Any, Any]]] = {}
        self._made: dict[int, tuple[Lanes, Any]] = {}  # by identity; keeps both alive, or their ids could be reused

    def send(self, k: int, d: Any, g: Any) -> None:
        """Contribute local derivative times adjoint to sum k."""
        # A literal 0 contributes nothing, with strict zero or without.
        if isinstance(d, Lanes) or d != 0:
            self._sent.setdefault(k, []).append((self._kept(d), self._kept(g)))

    def _kept(self, x: Any) -> Any:
        """Keep a factor in memory, unless it is a plain number."""
        if not isinstance(x, Lanes):
            return x
        if not isinstance(x, Spilled):
            # Only what an instruction of this stage computes can be kept. Loads and values from outside the loop get
            # one: x + -0.0, which is x for every x.
            if id(x) not in self._made:
                b, value = x.builder, x.value
                here = b.fadd(value, constant(value.type, -0.0))
                self._made[id(x)] = x, self.stages.hold(Lanes(b, here))
            x = self._made[id(x)][1]
        return Kept(x.place)

    def add_up(self) -> None:
        """Write code that adds the products of a strip to their sums."""
        b, stages, parts = self.stages.b, self.stages, self.parts
        sums = [ProductSum(k, *zip(*products, strict=True)) for k, products in self._sent.items()]
        # One set of stack slots for all tiles; LLVM promotes them to registers within each tile's loop.
        with b.goto_entry_block():
            totals = [b.alloca(self.kind) for _ in range(OPEN)]
        n_kept = b.mul(stages.n_kept, i64(parts))
        for tile in tiles(sums, max(OPEN // parts, 1)):
            open_parts = [(s, part) for part in range(parts) for s in tile]
            for total, (s, part) in zip(totals, open_parts, strict=False):
                b.store(load(b, self.kind, self.scratch, i64(s.k * parts + part)), total)
            # Blocks outside, products inside: the order in which the interpreter adds them, too.
            with loop(b, i64(0), stages.count, is_long=True) as block:
                here = b.gep(stages.memory, [b.mul(block, n_kept)], source_etype=self.kind)
                for turn, part in product(range(len(tile[0].ds)), range(parts)):
                    # Each factor of the tile once, however many sums use it: this is what tiles are for.
                    factors = dict.fromkeys(x for s in tile for x in (s.gs[turn], s.ds[turn]))
                    found = {x: self._factor(x, here, part) for x in factors}
                    for s, total in zip(tile, totals[part * len(tile) :], strict=False):
                        old = Lanes(b, b.load(total, typ=self.kind))
                        new = with_product(old, found[s.ds[turn]], found[s.gs[turn]], strict_zero=self.strict_zero)
                        b.store(new.value, total)
            for total, (s, part) in zip(totals, open_parts, strict=False):
                store(b, b.load(total, typ=self.kind), self.scratch, i64(s.k * parts + part))

    def _factor(self, x: Any, here: Any, part: int) -> Any:
        """The part of a factor that one register holds."""
        if not isinstance(x, Kept):
            return x
        b = self.stages.b
        return Lanes(b, load(b, self.kind, here, i64(x.place * self.parts + part)))


def tiles(sums: Sequence[ProductSum], most: int = OPEN) -> Iterator[list[ProductSum]]:
    """The sums in groups of at most `most`; the sums of a group have equally many products."""
    tile: list[ProductSum] = []
    # Small rectangles share a tile, which saves loops over the blocks.
    for rectangle in _rectangles(sums, most):
        if tile and (len(tile) + len(rectangle) > most or len(tile[0].ds) != len(rectangle[0].ds)):
            yield tile
            tile = []
        tile += rectangle
    if tile:
        yield tile


def _rectangles(sums: Sequence[ProductSum], most: int) -> Iterator[list[ProductSum]]:
    """Groups of sums that form a grid: the same adjoints along one side, the same local derivatives along the other.

    A dense layer's weight gradients are one such grid, and a rectangle of n × m sums loads n + m factors.
    """
    by_adjoints: dict[Any, list[ProductSum]] = {}
    for s in sorted(sums, key=lambda s: len(s.ds)):  # so that sums with equally many products are neighbours
        by_adjoints.setdefault(s.gs, []).append(s)
    alike: dict[Any, list[list[ProductSum]]] = {}
    for row in by_adjoints.values():
        alike.setdefault(tuple(s.ds for s in row), []).append(row)
    for ds, same in alike.items():
        # At least two adjoints by the rest: one by twelve would load thirteen factors for twelve products.
        for some in _evenly(same, max(min(2, most), most // len(ds))):
            for columns in _evenly(range(len(ds)), max(most // len(some), 1)):
                yield [row[k] for k in columns for row in some]


def _evenly(xs: Sequence[Any], most: int) -> list[Sequence[Any]]:
    """Parts of nearly equal length, each of at most `most`."""
    n = -(-len(xs) // most)
    return [xs[len(xs) * k // n : len(xs) * (k + 1) // n] for k in range(n)]
