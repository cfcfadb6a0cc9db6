"""What a loop over equal copies reads and writes: its operands, where they stand, and who else reads its results."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ...passes.find_repeats import GATHERED, LOCAL, slots_of
from ...runtime.memory import LANES, zeros
from .strip_mining import memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ir.program import Program
    from ...passes.find_repeats import Region
    from ...passes.loop_fission import Total


class Gather(NamedTuple):
    """The index of a gathered operand in each copy: `first + copy * step`, or from a table."""

    first: int
    step: int
    table: int  # which table, or -1
    is_constant: bool  # all copies read constants, which have no adjoint


def stride_of(copies: int) -> int:
    """The distance between two results of a body: room for all copies, an odd number of cache lines.

    With a power of two all results of one copy would fall into a few sets of the cache.
    """
    return LANES * ((copies + 2 * LANES - 1) // LANES | 1)


class Placed(Protocol):
    """What a loop needs to know of the plan that it is in.

    Attributes:
        program: The whole program.
        at: Where the number of each of its slots stands.
        fast: Whether functions may come from a vector library.
    """

    program: Program
    at: Any
    fast: bool


class Body:
    """One region: what its code needs to know of operands, addresses and results."""

    def __init__(self, plan: Placed, region: Region, totals: Sequence[Total]) -> None:
        self.plan, self.region, self.totals = plan, region, totals
        p = plan.program
        self.width = LANES if region.parallel else 1
        self.blocks = -(-region.copies // self.width)
        self.tail = region.copies % self.width  # copies in the last block, if it is not full
        a, b = int(p.offsets[region.start]), int(p.offsets[region.start + region.period])
        self.slots = slots_of(p, region)
        ends = p.offsets[region.start : region.start + region.period + 1] - a
        self.operands = [range(i, j) for i, j in pairwise(ends.tolist())]
        self.primitives = [p.primitives[code] for code in p.codes[region.start : region.start + region.period]]
        self.base, self.stride = int(plan.at[p.first + region.start]), stride_of(region.copies)
        self.tables: list[Any] = []
        # Three kinds of operands: results of the same copy (LOCAL), one slot that all copies share, and gathered
        # ones, which differ from copy to copy. Constants count as shared; they get no adjoint.
        self.columns = {int(e): self._column(int(e)) for e in np.flatnonzero(region.kinds == GATHERED)}
        self.buffered = self._overlapping()
        # Shared operands get one sum each over all copies, constants among them a sum that nobody reads.
        self.shared = sorted({int(self.slots[0, e]) for e in range(b - a) if region.kinds[e] not in (GATHERED, LOCAL)})
        self.exported = self._exported()

    def _column(self, e: int) -> Gather:
        p = self.plan.program
        slots = self.slots[:, e]
        address = self.plan.at[slots]
        is_constant = bool(((slots >= p.n_inputs) & (slots < p.first)).all())
        # A constant step needs no table; a step of 1 makes the lanes one vector load.
        steps = np.diff(address)
        if (steps == steps[0]).all():
            return Gather(int(address[0]), int(steps[0]), -1, is_constant)
        # Lanes after the last copy read its address again, so that every load is within the arrays.
        padded = np.concatenate([address, np.repeat(address[-1:], self.blocks * self.width - len(address))])
        for k, table in enumerate(self.tables):
            if np.array_equal(table, padded):
                return Gather(0, 0, k, is_constant)
        self.tables.append(padded.astype(np.int32))
        return Gather(0, 0, len(self.tables) - 1, is_constant)

    def _overlapping(self) -> list[Gather]:
        """Columns whose ranges of indices overlap, as those of x[i] and x[i + 1] do."""
        # A load that overlaps a recent store by part of a vector stalls until the store is through. So contributions
        # to these columns are first accumulated in a buffer each, and added to the adjoints after the loop.
        columns = [c for c in dict.fromkeys(self.columns.values()) if c.table < 0 and c.step == 1 and not c.is_constant]
        if self.width == 1:
            return []
        apart = self.region.copies
        return [a for a in columns if any(a is not b and abs(a.first - b.first) < apart for b in columns)]

    def _exported(self) -> list[bool]:
        """For each result of the body, whether anything outside its copy reads it, the region's totals excepted."""
        # Only these are stored, and only they can receive adjoints from outside. Totals are added up within the loop.
        p, region = self.plan.program, self.region
        reads = np.zeros(p.n_slots, bool)
        reads[p.outputs] = reads[p.guards] = True
        a = int(p.offsets[region.start])
        # The operands from `a` to `behind` are those of the region and of its totals; gathered ones are added below.
        behind = int(p.offsets[region.stop + len(self.totals)])
        reads[p.operands[:a]] = True
        reads[p.operands[behind:]] = True
        for e in self.columns:
            reads[self.slots[:, e]] = True
        mine = reads[p.first + region.start : p.first + region.stop].reshape(region.copies, region.period)
        found: Any = mine.any(axis=0).tolist()
        return list(found)

    def block(self, values: Any, adjoints: Any, n_kept: int, kept: list[Any]) -> Any:
        """The argument block of both functions; the arrays that it points to are appended to `kept`."""
        tables = np.concatenate([np.empty(0, np.int32), *self.tables])
        scratch = zeros((len(self.shared), self.width))
        buffers = zeros((len(self.buffered), self.stride))
        vectors, about = memory(n_kept, self.blocks, self.width)
        addresses = [x.ctypes.data for x in (values, adjoints, tables, scratch, buffers)]
        block = np.array([*addresses, *about], np.int64)
        kept += [tables, scratch, buffers, vectors, block]
        return block
