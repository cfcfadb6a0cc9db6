"""A long program in segments: regions of equal copies, nodes of many operands, and pieces of straight-line code."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ....engine.ops import PRIMITIVES
from ...passes.find_repeats import GATHERED, LOCAL, SHARED, Region, classified, coarser, regions_of, slots_of
from ...tracing.lower import LONGEST_DOT
from .wide_nodes import WIDE_FROM, is_wide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ....engine.ops import Primitive
    from ...ir.program import Program

MOST_PAIRED = 150  # edges of a body up to which its loop runs two blocks of examples at a time
MOST_PIECE = 200  # edges of a piece: LLVM's time is more than linear in the length of a block


def segments_of(program: Program) -> list[Region]:
    """The program as regions of equal copies, nodes of many operands, and pieces, which are regions of one copy."""
    p = program
    found: list[Region] = []
    here = 0
    # A region whose copies do not stand in order is written as pieces, like what repeats nothing.
    regions = [part for r in regions_of(p) for part in _parts(p, r) if is_in_order(p, part)]
    for region in [*regions, None]:  # None stands for the end of the program, behind the last region
        stop = len(p.codes) if region is None else region.start
        begin = here
        for i in range(here, stop):
            wide = _is_loop(p.primitives[p.codes[i]], int(p.offsets[i + 1] - p.offsets[i]))
            # A piece ends before a wide node, and where it has become long.
            if wide or int(p.offsets[i + 1] - p.offsets[begin]) > MOST_PIECE:
                if i > begin:
                    found.append(_piece(p, begin, i))
                begin = i
            if wide:
                found.append(_piece(p, i, i + 1))
                begin = i + 1
        if stop > begin:
            found.append(_piece(p, begin, stop))
        if region is not None:
            found.append(region)
            here = region.stop
    return found


def _parts(program: Program, region: Region) -> list[Region]:
    """A region, with several copies taken as one where that is simpler, and the copies that this leaves at its ends."""
    # The first step of a recurrent layer has other operands than the next ones, and its units are copies of each other.
    large, period = coarser(program, region), region.period
    before = classified(program, region.start, (large.start - region.start) // period, period)
    behind = classified(program, large.stop, (region.stop - large.stop) // period, period)
    return [part for part in (before, large, behind) if part is not None]


def edges_written(program: Program) -> int:
    """How many edges the code has, where copies count once, and beside them a node of many operands as a few."""
    segments = segments_of(program)
    if all(x.copies == 1 for x in segments):
        return len(program.operands)  # nothing repeats: an interpreter runs wide nodes as well
    return sum(WIDE_FROM if _is_one(program, x, is_wide) else len(x.kinds) for x in segments)


def is_wide_node(program: Program, segment: Region) -> bool:
    """Whether a segment is one node that becomes a loop over its operands, which are read from memory."""
    return _is_one(program, segment, _is_loop)


def _is_one(program: Program, segment: Region, fits: Callable[[Primitive, int], bool]) -> bool:
    """Whether a segment is one node, whose primitive and number of operands fit."""
    one = segment.period == segment.copies == 1
    return one and fits(program.primitives[program.codes[segment.start]], len(segment.kinds))


def _is_loop(primitive: Primitive, count: int) -> bool:
    """Whether a node of so many operands becomes a loop."""
    # A reduction is short unrolled as well, so it becomes a loop only where it would be a piece by itself; a `dot` that
    # was a chain of products never does. A loop has strict zero at each product, and a path of 60 steps whose sum this
    # is took a third longer.
    return is_wide(primitive, count) and (
        primitive.reduction is None or count > max(MOST_PIECE, LONGEST_DOT * primitive.lists)
    )


def _piece(program: Program, start: int, stop: int) -> Region:
    slots = program.operands[program.offsets[start] : program.offsets[stop]]
    kinds = np.where(slots >= program.first + start, LOCAL, SHARED)
    return Region(start, stop - start, copies=1, parallel=False, kinds=kinds)


def needed_slots(program: Program, sought: Sequence[int]) -> Any:
    """For each slot, whether its adjoint leads to one that is sought."""
    leads = np.zeros(program.n_slots, bool)
    leads[list(sought)] = True
    found: list[bool] = leads.tolist()  # of Python's, as each answer depends on those before it
    operands = program.operands.tolist()
    # Operands stand before the nodes that read them, so one pass finds all.
    for i, (start, stop) in enumerate(pairwise(program.offsets.tolist()), program.first):
        if not found[i]:
            found[i] = any(found[x] for x in operands[start:stop])
    return np.array(found, bool)


class CopiesTotal(NamedTuple):
    """A sum over results of all copies, which their loop adds up as it goes.

    Attributes:
        slot: Of the sum.
        before: Slots that it adds first.
        results: Which results of a copy it adds, in order, copy by copy.
        behind: Slots that it adds last.
    """

    slot: int
    before: Any
    results: tuple[int, ...]
    behind: Any


def totals_of(program: Program, regions: Sequence[Region], read: Any, needed: Any) -> dict[int, list[CopiesTotal]]:
    """For each region, by its first instruction, the sums that its loop adds up.

    Only sums of results that nothing else outside their copy reads: then these have no adjoint in memory, and the sum's
    adjoint is the first of their contributions, as it is where the sum is a node of its own.
    """
    p = program
    found: dict[int, list[CopiesTotal]] = {}
    taken: set[int] = set()
    reads = np.bincount(p.operands, minlength=p.n_slots)
    sums = [x for x in regions if is_wide_node(p, x) and p.primitives[p.codes[x.start]] is PRIMITIVES["sum"]]
    for region in regions:
        begin, end = p.first + region.start, p.first + region.stop
        for one in sums if region.copies > 1 else ():
            slot = p.first + one.start
            slots = p.operands[p.offsets[one.start] : p.offsets[one.start + 1]]
            here = np.flatnonzero((slots >= begin) & (slots < end))
            # As many operands of each copy, one next to the other: else the loop would add in another order.
            if slot in taken or not len(here) or len(here) % region.copies or here[-1] - here[0] >= len(here):
                continue
            before, behind = slots[: here[0]], slots[here[-1] + 1 :]
            grid = slots[here].reshape(region.copies, -1)
            # The same results of every copy, the first copy's first; and what the sum adds before them is computed
            # when the loop begins.
            moved = grid[0] + region.period * np.arange(region.copies)[:, None]
            if (grid != moved).any() or grid[0].max() >= begin + region.period or (before >= begin).any():
                continue
            # Reads by anything but their own copy and this sum.
            others = reads - np.bincount(slots_of(p, region)[:, region.kinds == LOCAL].ravel(), minlength=p.n_slots)
            others -= np.bincount(grid.ravel(), minlength=p.n_slots)
            # The copies have one code, so their adjoints are sought all or none.
            if not (others[grid] != 0).any() and not read[grid].any() and (needed[grid] == needed[slot]).all():
                results = tuple((grid[0] - begin).tolist())
                found.setdefault(region.start, []).append(CopiesTotal(slot, before, results, behind))
                taken.add(slot)
    return found


class CopyColumn(NamedTuple):
    """Where a gathered operand's vector is: at `first + copy * step`, or in a table if `table` is not -1."""

    first: int
    step: int
    table: int


class SegmentBody:
    """One region: what its code needs to know.

    Args:
        program: The whole program.
        region: Which instructions.
        read: For each slot, whether it is a result of the run.
        needed: For each slot, whether its adjoint leads to a gradient that is sought.
        totals: The sums over all copies that the loop adds up.
    """

    def __init__(
        self, program: Program, region: Region, read: Any, needed: Any, totals: Sequence[CopiesTotal] = ()
    ) -> None:
        self.program, self.region, self.totals = program, region, totals
        p, start, copies = program, region.start, region.copies
        self.slots = slots_of(p, region)
        a = int(p.offsets[start])
        ends = p.offsets[start : start + region.period + 1] - a
        self.operands = [range(i, j) for i, j in pairwise(ends.tolist())]
        self.primitives = [p.primitives[code] for code in p.codes[start : start + region.period]]
        self._gathered = np.flatnonzero(region.kinds == GATHERED).tolist()
        own = slice(p.first + start, p.first + region.stop)
        # What only its own copy reads need not be stored.
        exported = (self._read_outside() | read)[own].reshape(copies, -1).any(axis=0)
        exported[[j for total in totals for j in total.results]] = False  # read by their sum alone, which is the loop's
        self.exported = exported.tolist()
        # One code serves all copies: a result is needed if that of any copy is.
        self.needed = needed[own].reshape(copies, -1).any(axis=0).tolist()
        # Operands whose adjoints are not sought, such as random numbers in a table, get no product.
        self.sends = needed[self.slots].any(axis=0).tolist()
        self._shared = {int(self.slots[0, e]) for e in np.flatnonzero(region.kinds == SHARED) if self.sends[e]}
        # A slot that is gathered in some copy receives products in memory; in two places they would lose their order.
        gathered = set(self.slots[:, self._gathered].ravel().tolist())
        self.summed = sorted(self._shared - gathered) if copies > 1 else []

    @property
    def is_paired(self) -> bool:
        """Whether its loop runs two blocks of examples at a time, forward.

        Copies wait for each other, and a processor does not look as far ahead as the next block of examples.
        """
        return self.region.copies > 1 and len(self.region.kinds) <= MOST_PAIRED

    def locate(self, at: Any) -> None:
        """Find the columns, once it is known where each slot's vector stands in memory."""
        self.tables: list[Any] = []
        self.columns = {e: self._column(at[self.slots[:, e]]) for e in self._gathered}
        self.apart = self._apart()

    def _apart(self) -> set[CopyColumn]:
        """Columns that never have another one's slot or a shared one: a copy's products are added up before they go.

        Any other operand receives its products in memory, one by one, or two of them would overwrite each other.
        """
        found = {column: self.slots[:, e] for e, column in self.columns.items()}
        return {
            column
            for column, slots in found.items()
            if not any((slots == others).any() for other, others in found.items() if other != column)
            and not np.isin(slots, list(self._shared)).any()
        }

    def _column(self, places: Any) -> CopyColumn:
        steps = np.diff(places)
        if not len(steps) or (steps == steps[0]).all():
            return CopyColumn(int(places[0]), int(steps[0]) if len(steps) else 0, -1)
        # Operands often share a table, as all units of a layer read the same inputs.
        for k, table in enumerate(self.tables):
            if np.array_equal(table, places):
                return CopyColumn(0, 0, k)
        self.tables.append(places.astype(np.int32))
        return CopyColumn(0, 0, len(self.tables) - 1)

    def _read_outside(self) -> Any:
        """For each slot, whether anything but its own copy reads it."""
        p, region = self.program, self.region
        found = np.zeros(p.n_slots, bool)
        found[p.operands[: p.offsets[region.start]]] = True
        found[p.operands[p.offsets[region.stop] :]] = True
        found[self.slots[:, self._gathered]] = True
        return found


def is_in_order(program: Program, region: Region) -> bool:
    """Whether the gathered operands of each copy stand before that copy."""
    # One that in some copies is a result of the copy itself would receive products out of order.
    slots = slots_of(program, region)
    begins = program.first + region.start + region.period * np.arange(region.copies)
    return bool((slots[:, region.kinds == GATHERED] < begins[:, None]).all())
