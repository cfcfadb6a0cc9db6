"""Long straight-line code, cut into stages; each stage is a loop over a strip of blocks of examples.

Operations within one block depend on each other, operations of different blocks do not. A processor
could overlap blocks, but it looks only some hundred instructions ahead and caches only some thousand
decoded ones. So long code is cut into stages, and each stage runs for all blocks of a strip before
the next begins (strip mining and loop distribution, Allen and Kennedy 1987; docs/adr/0013). What a
later stage reads is kept in memory, block by block.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ....number_systems.llvm import Delayed, Lanes
from ....number_systems.llvm_functions import width_of
from ...runtime.memory import zeros
from .jit import i64, load, loop, store

if TYPE_CHECKING:
    from collections.abc import Iterator

# LLVM instructions after which a stage ends. With 50, the values of chains took 1.5 times as long and their gradients
# a tenth longer; from 1 500 on both took half as long again.
STAGE_LENGTH = 150
# Blocks in a strip, at most. With 4 or 8 the sums over the batch are loaded and stored more often, and more loop
# ends are mispredicted: 5 to 15 % slower.
STRIP_BLOCKS = 16
MEMORY = 2**18  # bytes: what a strip keeps should stay in the second-level cache
FIELDS = ("strip", "n_kept", "kept")  # the code's arguments about that memory: two numbers and an address


def strip_of(n_kept: int, size: int) -> int:
    """Blocks in a strip, if each keeps `n_kept` vectors of `size` bytes."""
    return max(1, min(STRIP_BLOCKS, MEMORY // (n_kept * size + 1)))


def memory(n_kept: int, blocks: int, width: int, dtype: Any = float) -> tuple[Any, tuple[int, int, int]]:
    """Memory for the vectors that a strip keeps: an array, which the caller has to keep alive, and the fields."""
    strip = max(min(strip_of(n_kept, width * np.dtype(dtype).itemsize), blocks), 1)
    kept = zeros((strip, n_kept, width), dtype)
    return kept, (strip, n_kept, kept.ctypes.data)


@contextmanager
def strips(b: Any, a: dict[str, Any], blocks: Any, kind: Any, long: int = STAGE_LENGTH) -> Iterator[Stages]:
    """A loop over all strips; its body is written to the stages that it yields.

    Args:
        b: The builder.
        a: The code's arguments, by name.
        blocks: The number of blocks.
        kind: The type of a vector, with a lane for each example of a block.
        long: LLVM instructions after which a stage may end.
    """
    whole = b.sdiv(b.add(blocks, b.sub(a["strip"], i64(1))), a["strip"])
    with loop(b, i64(0), whole, is_long=True) as strip:
        first = b.mul(strip, a["strip"])
        left = b.sub(blocks, first)  # the last strip may be shorter
        count = b.select(b.icmp_signed("<", left, a["strip"]), left, a["strip"])
        yield Stages(b, a["kept"], a["n_kept"], first, count, kind, long)


class Stages:
    """The stages of a strip, under construction.

    Args:
        b: The builder.
        memory: Where vectors are kept.
        n_kept: How many vectors a block keeps, as an argument of the code: it is known only when all code is written.
        first: The first block of the strip.
        count: Blocks in the strip.
        kind: The type of a vector, with a lane for each example of a block.
        long: LLVM instructions after which a stage may end.

    Attributes:
        block: The block that the code is for.
        row: The first example of that block.
        at: Where the vectors that this block keeps begin.
        places: How many vectors a block keeps so far.
    """

    def __init__(self, b: Any, memory: Any, n_kept: Any, first: Any, count: Any, kind: Any, long: int) -> None:
        self.b, self.memory, self.n_kept, self.first, self.count, self.kind = b, memory, n_kept, first, count, kind
        self.long = long
        self.places = 0
        self._begin()

    def _begin(self) -> None:
        # Left open, so that the caller can write the stage's code with plain calls; `end` closes the loop.
        self._loop = ExitStack()
        block = self._loop.enter_context(loop(self.b, i64(0), self.count, is_long=True))
        self.block = self.b.add(self.first, block)
        self.row = self.b.mul(self.block, i64(width_of(self.kind) or 1))
        self.at = self.b.gep(self.memory, [self.b.mul(block, self.n_kept)], source_etype=self.kind)

    def end(self) -> None:
        """End the last stage."""
        self._loop.close()

    def turn(self) -> bool:
        """Begin another stage if this one is long; returns whether it did."""
        # Counts the current basic block only: after an inner branch or loop the count begins anew.
        is_long = len(self.b.block.instructions) > self.long
        if is_long:
            self.end()
            self._begin()
        return is_long

    def hold(self, x: Any) -> Any:
        """A value that later stages can use."""
        if not isinstance(x, Lanes) or isinstance(x, Delayed | Spilled):
            return x
        # A `Delayed` is loaded again wherever it is used, so no stage depends on another for it.
        value = x.value
        # Literals and values from before the strips dominate all stages. An instruction of this stage does not.
        return Spilled(self, value) if isinstance(value, ir.Instruction) and value.parent is self.b.block else x


class Spilled(Lanes):
    """A value that other stages load from memory.

    It is stored only if another stage asks for it: whether one will is not known when the value is made.
    """

    __slots__ = ("_at", "_made", "_place", "_stages")

    def __init__(self, stages: Stages, made: Any) -> None:
        self.builder, self._stages, self._made, self._at = stages.b, stages, made, stages.at
        self._place: int | None = None

    @property
    def place(self) -> int:
        """The vector's place among those that a block keeps; asking for it writes the store."""
        if self._place is None:
            b, stages, here = self.builder, self._stages, self.builder.block
            self._place = stages.places
            stages.places += 1
            # Stored where it is made, in an earlier stage's loop: only there is `_at` the right address.
            b.position_after(self._made)
            store(b, self._made, self._at, i64(self._place))
            b.position_at_end(here)
        return self._place

    @property
    def value(self) -> Any:
        """An LLVM value that is valid in the current stage."""
        b, stages = self.builder, self._stages
        if stages.at is self._at:  # each stage has an address of its own, so this tells the stage
            return self._made
        return load(b, self._made.type, stages.at, i64(self.place))
