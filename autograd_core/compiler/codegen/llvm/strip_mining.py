"""The code for a stretch of blocks of rows, as loops over these blocks, one after the other.

Within one block each operation waits for those before it, in the next block nothing does; but a
processor looks only some hundred instructions ahead, and keeps only some thousand decoded. So long
code is cut into stages, and each runs for all blocks of a stretch before the next (loop
distribution, Allen and Kennedy 1987). What a later stage reads is kept in memory, block by block.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ....number_systems.llvm import Delayed, Lanes
from ...runtime.memory import zeros
from .jit import i64, load, loop, store

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 150  # LLVM instructions in a stage, or a few more
STRETCH = 16  # blocks, at most
MEMORY = 2**18  # bytes that what they keep should fit into
FIELDS = ("stretch", "n_kept", "kept")  # what code is told about that memory; two numbers and an address


def stretch_of(n_kept: int, size: int) -> int:
    """How many blocks keep so many vectors of a size in bytes at a time."""
    return max(1, min(STRETCH, MEMORY // (n_kept * size + 1)))


def memory(n_kept: int, blocks: int, width: int, dtype: Any = float) -> tuple[Any, tuple[int, int, int]]:
    """For what so many blocks keep, a stretch at a time: an array that is to be held, and the fields."""
    stretch = max(min(stretch_of(n_kept, width * np.dtype(dtype).itemsize), blocks), 1)
    kept = zeros((stretch, n_kept, width), dtype)
    return kept, (stretch, n_kept, kept.ctypes.data)


@contextmanager
def stretches(b: Any, a: dict[str, Any], blocks: Any, width: int, long: int = LONG) -> Iterator[Stages]:
    """Code for all blocks, a stretch at a time.

    Args:
        b: The builder.
        a: What the code was told, by name.
        blocks: How many there are.
        width: Rows of a block.
        long: How long a stage may become.
    """
    whole = b.sdiv(b.add(blocks, b.sub(a["stretch"], i64(1))), a["stretch"])
    with loop(b, i64(0), whole) as stretch:
        first = b.mul(stretch, a["stretch"])
        left = b.sub(blocks, first)
        count = b.select(b.icmp_signed("<", left, a["stretch"]), left, a["stretch"])
        yield Stages(b, a["kept"], a["n_kept"], first, count, width, long)


class Stages:
    """Code under construction.

    Args:
        b: The builder.
        memory: Where vectors are kept.
        n_kept: How many there are of a block; known when all code is written.
        first: The first block of the stretch.
        count: How many there are.
        width: Rows of a block.
        long: After how many instructions of LLVM's a stage may end.

    Attributes:
        block: The block that the code is for.
        row: The first row of that block.
        at: Where what that block keeps begins, in vectors.
        places: How many vectors a block keeps so far.
    """

    def __init__(self, b: Any, memory: Any, n_kept: Any, first: Any, count: Any, width: int, long: int) -> None:
        self.b, self.memory, self.n_kept, self.first, self.count, self.width = b, memory, n_kept, first, count, width
        self.long = long
        self.places = 0
        self._begin()

    def _begin(self) -> None:
        self._loop = ExitStack()
        block = self._loop.enter_context(loop(self.b, i64(0), self.count))
        self.block = self.b.add(self.first, block)
        self.row = self.b.mul(self.block, i64(self.width))
        self.at = self.b.mul(block, self.n_kept)

    def end(self) -> None:
        """No more of them."""
        self._loop.close()

    def turn(self) -> bool:
        """Begin another stage if this one is long; whether it did."""
        is_long = len(self.b.block.instructions) > self.long
        if is_long:
            self.end()
            self._begin()
        return is_long

    def hold(self, x: Any) -> Any:
        """A value that later stages can use: literals and what was made before all stages last by themselves."""
        if not isinstance(x, Lanes) or isinstance(x, Delayed | Held):
            return x
        value = x.value
        return Held(self, value) if isinstance(value, ir.Instruction) and value.parent is self.b.block else x


class Held(Lanes):
    """A value that other stages load from memory."""

    __slots__ = ("_at", "_made", "_place", "_stages")

    def __init__(self, stages: Stages, made: Any) -> None:
        self.builder, self._stages, self._made, self._at = stages.b, stages, made, stages.at
        self._place: int | None = None

    @property
    def place(self) -> int:
        """Which of the kept vectors of a block it is; when first asked for, it is stored right where it is made."""
        if self._place is None:
            b, stages, here = self.builder, self._stages, self.builder.block
            self._place = stages.places
            stages.places += 1
            b.position_after(self._made)
            store(b, self._made, stages.memory, b.add(self._at, i64(self._place)))
            b.position_at_end(here)
        return self._place

    @property
    def value(self) -> Any:
        """An LLVM value, good in the present stage."""
        b, stages = self.builder, self._stages
        if stages.at is self._at:
            return self._made
        return load(b, self._made.type, stages.memory, b.add(stages.at, i64(self.place)))
