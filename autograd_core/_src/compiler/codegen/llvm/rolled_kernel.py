"""A kernel with loops: equal copies within a long program, such as time steps, are written once (docs/adr/0019).

Lanes are examples of the batch, as in any kernel, and copies run one after the other. So copies may read each other,
and a path of 10 000 steps compiles like one of 100. Each segment of the program is a function that reads and writes
vectors in memory: LLVM's time, which is more than linear in the length of a function, is linear in that of the
program.

Invariants:
- *Order.* Forward and backward, everything is computed and each product is added in the interpreter's order, so the
  bits are the same (docs/adr/0014). That is why the program is not reordered as an execution plan's is.
- *Memory.* A result has a vector, and an adjoint's, only if something outside its copy reads it or the backward sweep
  cannot compute it anew cheaply. The vectors of a copy stand next to each other and copies one after the other, so
  that the sweep goes through memory line by line, as processors expect it. With a vector for each slot, its steps were
  as long as a copy, and long programs left the cache sooner.
- *Zeros.* A result has an adjoint in memory only if something outside its copy sends to it. The sweep that reads it
  writes the 0 back, so that each block of examples begins with zeros without clearing the whole array.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ...runtime.memory import zeros
from .jit import I32, I64, alignment, constant, i64, load, loop, spread, store
from .kernel import Kernel, KernelWriter, transposed
from .segment_code import LoopCode, TotalCode, WideNodeCode, constant_array, is_cheap
from .segments import SegmentBody, is_wide_node, needed_slots, segments_of, totals_of
from .strip_mining import STRIP_BLOCKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .segments import CopiesTotal


class RolledWriter(KernelWriter):
    """Writes a kernel's function as calls of its segments."""

    def _blocks(self) -> None:
        """Write the loop over the blocks of rows: two at a time forward, one by one backward."""
        # Forward, copies wait for each other, and the two blocks fill each other's gaps. Backward, sums over the batch
        # receive one block's products after the other's, or their bits would change.
        b, a, kernel = self.b, self.a, self.kernel
        self.program, layout, self.module = kernel.program, kernel.inner, b.module
        self.values = a["kept"]
        bodies = self._bodies()
        self.together = together = together_of([body for body, _ in bodies])
        apart = i64(self.n_vectors)
        # One array: the values of the blocks of examples, then the adjoints of one, then what a strip of copies keeps.
        self.adjoints = b.gep(self.values, [i64(together * self.n_vectors)], source_etype=self.kind)
        self.n_strip = 0
        forward, backward = self._segments(bodies)
        self.n_kept = (together + 1) * self.n_vectors + self.n_strip * STRIP_BLOCKS
        self._put_into_memory()
        # A sum over the batch stays in its adjoint from the first block to the last.
        summed = constant_array(self.module, "summed", np.array(layout.summed, np.int32), I32)
        with loop(b, i64(0), i64(len(layout.summed))) as k:
            store(b, constant(self.kind, 0.0), self.adjoints, b.sext(load(b, I32, summed, k), I64))
        with loop(b, i64(0), b.sdiv(b.add(a["blocks"], i64(together - 1)), i64(together))) as group:
            first = b.mul(group, i64(together))
            # An odd last block is computed twice, in the same place.
            last = b.sub(a["blocks"], i64(1))
            second = b.select(b.icmp_signed("<", first, last), b.add(first, i64(1)), last)
            blocks = [first, second][:together]
            values = [b.gep(self.values, [b.mul(b.sub(x, first), apart)], source_etype=self.kind) for x in blocks]
            for block, memory in zip(blocks, values, strict=True):
                for k, table in enumerate(layout.tables):
                    self._load_table(a[f"table_{k}"], b.mul(block, i64(self.width)), table, memory)
            for segment in forward:
                segment.call_forward(b, values, a["shared"])
            count = b.sub(a["blocks"], first)
            count = b.select(b.icmp_signed("<", count, i64(together)), count, i64(together))
            with loop(b, i64(0), count) as k:
                start = b.mul(b.add(first, k), i64(self.width))
                self._finish_block(start, b.gep(self.values, [b.mul(k, apart)], source_etype=self.kind), backward)
        with loop(b, i64(0), i64(len(layout.summed))) as k:
            slot = b.sext(load(b, I32, summed, k), I64)
            store(b, load(b, self.kind, self.adjoints, slot), a["scratch"], k)

    def _finish_block(self, start: Any, values: Any, backward: Sequence[Any]) -> None:
        """Write a block's results, its sweep and its gradients, from example `start` on."""
        b, a, layout = self.b, self.a, self.kernel.inner

        def value(slot: Any) -> Any:
            return load(b, self.kind, values, slot)

        self._write_table(
            a["results"], start, layout.width, [*zip(layout.places, self.at[[*layout.wanted]], strict=True)], value
        )
        if layout.has_gradient:
            root = i64(int(self.at[self.program.outputs[0]]))
            # Added: a root that is a shared input itself holds what the blocks before have sent to it.
            seed = b.fadd(load(b, self.kind, self.adjoints, root), self._seed(start))
            store(b, seed, self.adjoints, root)
            for function in reversed(backward):
                b.call(function, [values, self.adjoints, a["shared"]])
            self._write_gradients(start)

    def _bodies(self) -> list[tuple[SegmentBody, CopiesTotal | None]]:
        """All segments in order, with the sum that one ends; and where in memory their results are."""
        p, layout = self.program, self.kernel.inner
        sought = [slot for group in (*layout.per_example, layout.summed) for slot in group]
        read = np.zeros(p.n_slots, bool)
        read[list(layout.wanted)] = True
        read[p.outputs[:1]] = True  # the root's adjoint begins in memory, even where its value is no result
        needed = needed_slots(p, sought)
        self.in_memory = read.copy()  # inputs and constants that are read as vectors
        regions = segments_of(p)
        totals = totals_of(p, regions, read, needed)
        begun = {total.slot: total for some in totals.values() for total in some}
        self.at, self.n_vectors = np.full(p.n_slots, -1), p.first
        self.at[: p.first] = np.arange(p.first)  # blocks load their examples as they stand in the tables
        found = []
        for region in regions:
            body = SegmentBody(p, region, read, needed, totals.get(region.start, ()))
            is_wide = is_wide_node(p, region)
            kept = [
                is_wide or body.exported[j]
                or (layout.has_gradient and not is_cheap(primitive.value, len(body.operands[j]), self.kind))
                for j, primitive in enumerate(body.primitives)
            ]
            own = np.flatnonzero(np.tile(kept, region.copies)) + p.first + region.start
            self.at[own] = self.n_vectors + np.arange(len(own))
            self.n_vectors += len(own)
            body.locate(self.at)
            found.append((body, begun.get(p.first + region.start) if is_wide else None))
        return found

    def _segments(self, bodies: Sequence[tuple[SegmentBody, CopiesTotal | None]]) -> tuple[list[Any], list[Any]]:
        """All segments in order, and the functions of their sweeps."""
        forward, backward = [], []
        for k, (body, total) in enumerate(bodies):
            segment: Any = (
                TotalCode(self, total)
                if total
                else WideNodeCode(self, body, k)
                if is_wide_node(self.program, body.region)
                else LoopCode(self, body, k)
            )
            # Written first: it decides which results the forward function has to store.
            if self.kernel.inner.has_gradient and any(body.needed):
                backward.append(segment.backward(strict_zero=self.strict_zero))
            segment.forward()
            forward.append(segment)
        return forward, backward

    def _put_into_memory(self) -> None:
        """Write shared inputs and constants that are read as vectors, once for all blocks."""
        b, p = self.b, self.program
        found = np.flatnonzero(self.in_memory[: p.first])
        # Inputs that have a column in a table are not among them: each block loads its own examples of those.
        shared = np.array([slot for slot in found if slot < p.n_inputs and slot not in self.places], np.int32)
        constants = found[found >= p.n_inputs].astype(np.int32)
        for name, slots in (("shared", shared), ("constants", constants)):
            if not len(slots):
                continue
            at = constant_array(self.module, f"{name}_slots", slots, I32)
            numbers = None
            if name == "constants":
                with np.errstate(over="ignore"):  # beyond float32's range a constant is infinite, as it is in NumPy
                    numbers = p.constants[slots - p.n_inputs].astype(self.kernel.dtype)
                numbers = constant_array(self.module, "constants", numbers, self.real)
            with loop(b, i64(0), i64(len(slots))) as k:
                slot = b.sext(load(b, I32, at, k), I64)
                x = load(b, self.real, self.a["shared"], slot) if numbers is None else load(b, self.real, numbers, k)
                for block in range(self.together):  # for both blocks of rows: no block writes to these slots
                    place = b.add(slot, i64(block * self.n_vectors))
                    store(b, spread(b, x, self.kind), self.values, place)

    # --- tables: rows in memory, lanes in code ---

    def _load_table(self, base: Any, start: Any, slots: Sequence[int], values: Any) -> None:
        """Write a block of rows of a table to the values, a vector per column."""
        b, n = self.b, len(slots)
        for column, count in _runs(list(enumerate(slots))):
            slot = slots[column]
            groups = count // self.width
            with loop(b, i64(0), i64(groups)) as group:
                # A square of the table is loaded row by row and transposed in registers: a load for each row, where
                # number by number there would be one for each number.
                first = b.mul(group, i64(self.width))
                square = []
                for lane in range(self.width):
                    at = b.add(b.mul(b.add(start, i64(lane)), i64(n)), b.add(first, i64(column)))
                    place = b.gep(base, [at], source_etype=self.real)
                    square.append(b.load(place, typ=self.kind, align=alignment(self.kind)))
                for k, x in enumerate(transposed(b, square)):
                    store(b, x, values, b.add(first, i64(slot + k)))
            for k in range(groups * self.width, count):
                store(b, self._column(base, start, n, column + k), values, i64(slot + k))

    def _write_table(
        self, base: Any, start: Any, n: int, pairs: Sequence[tuple[int, int]], source: Callable[[Any], Any]
    ) -> None:
        """Write vectors to a block of rows of a table of n columns; pairs are a column and a slot."""
        b = self.b
        for where, count in _runs(pairs):
            column, slot = pairs[where]
            groups = count // self.width
            with loop(b, i64(0), i64(groups)) as group:
                first = b.mul(group, i64(self.width))
                square = [source(b.add(first, i64(slot + k))) for k in range(self.width)]
                for lane, x in enumerate(transposed(b, square)):
                    at = b.add(b.mul(b.add(start, i64(lane)), i64(n)), b.add(first, i64(column)))
                    b.store(x, b.gep(base, [at], source_etype=self.real), align=alignment(self.real))
            for k in range(groups * self.width, count):
                self._put(source(i64(slot + k)), base, start, n, column + k)

    def _write_gradients(self, start: Any) -> None:
        """Write gradients per example; their adjoints are 0 in memory afterwards."""
        b, zero = self.b, constant(self.kind, 0.0)

        def source(slot: Any) -> Any:
            x = b.fadd(load(b, self.kind, self.adjoints, slot), zero)  # -0.0 becomes 0.0, as in `_finish`
            store(b, zero, self.adjoints, slot)
            # x · 0 is NaN if x is NaN or infinite; `write` looks at the sum once, after all blocks.
            b.store(b.fadd(b.load(self.seen, typ=self.kind), b.fmul(x, zero)), self.seen)
            return x

        for k, group in enumerate(self.kernel.inner.per_example):
            self._write_table(self.a[f"grad_{k}"], start, len(group), list(enumerate(group)), source)


def _runs(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs in which column and slot both grow by 1: where each begins among the pairs, and how many it has."""
    if not pairs:
        return []
    found = np.array(pairs, np.int64)
    ends = np.flatnonzero((np.diff(found, axis=0) != 1).any(axis=1)) + 1
    return [(int(a), int(b - a)) for a, b in pairwise([0, *ends.tolist(), len(pairs)])]


class RolledKernel(Kernel):
    """A long program over a batch; as a kernel, with loops for equal copies."""

    writer = RolledWriter

    def memory(self, blocks: int, n_kept: int | None = None) -> tuple[Any, tuple[int, int, int]]:  # noqa: ARG002
        """Memory for the values of some blocks of examples, the adjoints of one, and what a strip of copies keeps."""
        kept = zeros((self._n_kept if n_kept is None else n_kept, self.rows), self.dtype)
        return kept, (1, 0, kept.ctypes.data)


def together_of(bodies: Sequence[SegmentBody]) -> int:
    """How many blocks of examples are computed at a time: two, if most of the program is in loops that run two."""
    # Also where their values leave the second-level cache: copies wait for each other longer than for memory. If the
    # loops run one block after the other, a second one only takes memory: a tenth of the time of a long program.
    edges = sum(body.slots.size for body in bodies)
    return 2 if 2 * sum(body.slots.size for body in bodies if body.is_paired) >= edges else 1


