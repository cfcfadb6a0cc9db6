"""A program as the tables that the interpreter runs through: products, calls of handlers, and edges.

Forward, most instructions of most programs are products, sums or differences: rows (x, y, w) of slots, for x y + w.
The others are calls of handlers; the products between two calls are a run. Backward, a row (to, slope, from) stands
for *adjoint += local derivative × adjoint*, whatever the primitive: all three are slots, for handlers store the
slopes that are no operand, value or literal. Nothing is left to be decided, so no branch is mispredicted, and what
is far in memory can be asked for early (docs/adr/0029).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .jit import F64
from .vm_code import SIDE_BY_SIDE, STORED, handlers
from .wide_nodes import WIDE_FROM, is_wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....engine.ops import Primitive
    from ...ir.program import Program
    from .vm_code import Handlers, Place

# A call: products or edges before it, the handler, where its operands begin, how many there are, and its own slot. The
# last of a line has no handler.
CALL_SIZE = 5
# Edges ahead whose slots are fetched into the cache. A program of 100 000 operations is larger than the second-level
# cache, and its far operands are not where the processor expects them.
AHEAD = 32
UNUSED = -1  # the slope of an edge that sends nothing


class TableLine(NamedTuple):
    """Where the parts of some adjacent instructions begin in the tables, and how many calls they have."""

    own: int
    product: int
    call: int
    calls: int
    edge: int
    send: int
    sends: int


class InstructionTables:
    """The tables of some lines of a program.

    Args:
        program: The program.
        width: Lanes.
        fast: Whether functions may come from a vector library.
        real: The type of a lane.
        at: Where each slot stands in the arrays of values and adjoints; None where that is its number.
        spare: The first place behind all of these: from there on are literals and slopes.
        lines: The lines, as (start, stop) of instructions, ascending; None for all in one.

    Attributes:
        literals: The numbers at the first places from `spare` on.
        one: The place of 1.
        size: The length of the array of values.
        operands: int32: those of the instructions that handlers compute, each with the places of its slopes behind.
        products: int32 of shape (n, 3).
        values: int64 of shape (n, CALL_SIZE): the calls where values alone are computed.
        slopes: The same, where slopes are, too.
        edges: int32 of shape (n + AHEAD, 3), those of the last instruction first.
        sends: int64 of shape (n, CALL_SIZE): the calls of handlers that send, with the edges before each.
        lines: Where each line is.
    """

    def __init__(
        self,
        program: Program,
        width: int,
        *,
        fast: bool,
        real: Any = F64,
        at: Any = None,
        spare: int | None = None,
        lines: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        p = program
        at = np.arange(p.n_slots) if at is None else at
        spare = p.n_slots if spare is None else spare
        firsts, lasts = np.array([(0, len(p.codes))] if lines is None else lines, np.int64).reshape(-1, 2).T
        lengths = lasts - firsts
        stops = np.cumsum(lengths)
        which, _ = _ranges(firsts, lengths)
        number, kinds = _kinds(p, which, at, width, fast=fast, real=real)
        counts, starts = p.counts[which].astype(np.int64), p.offsets[which].astype(np.int64)
        own, operands = at[p.first + which], at[p.operands]
        places = [x for kind in kinds for x in (*kind.product, *kind.slopes)]
        literals = dict.fromkeys([(1.0).hex(), *(x.hex() for x in places if isinstance(x, float))])
        literal = {x: spare + k for k, x in enumerate(literals)}
        self.one = spare
        self.literals = np.array([float.fromhex(x) for x in literals])
        # How many slopes an instruction stores: some of its operands', or all.
        per_operand = np.array([kind.slopes.count(STORED) if kind.arity else 0 for kind in kinds], np.int64)
        all_of = np.array([not kind.arity and STORED in kind.slopes for kind in kinds], bool)
        stored = np.where(all_of[number], counts, per_operand[number])
        free = spare + len(literals) + np.cumsum(stored) - stored  # the place of its first one
        self.size = spare + len(literals) + int(stored.sum())

        products, slope = np.zeros((len(which), 3), np.int32), np.full(len(p.operands), UNUSED, np.int64)
        order = np.argsort(number, kind="stable")
        ends = np.searchsorted(number[order], np.arange(len(kinds) + 1))
        for k, kind in enumerate(kinds):
            some = order[ends[k] : ends[k + 1]]
            begin, mine = starts[some], own[some]

            def place(x: Place, kind: Handlers = kind, begin: Any = begin, mine: Any = mine) -> Any:
                if isinstance(x, float):
                    return literal[x.hex()]
                return mine if x == kind.arity else operands[begin + x]

            for column, x in enumerate(kind.product):
                products[some, column] = place(x)
            if not kind.arity:
                _of_lists(slope, kind.slopes, operands, begin, counts[some], free[some], literal)
                continue
            behind = 0
            for operand, x in enumerate(kind.slopes):
                if x is STORED:
                    slope[begin + operand] = free[some] + behind
                    behind += 1
                elif not (isinstance(x, float) and x == 0):
                    slope[begin + operand] = place(x)

        of_kind = np.array([[kind.value, kind.other, bool(kind.product), not kind.slopes] for kind in kinds], np.int64)
        value, other, is_product, sends = of_kind.reshape(-1, 4)[number].T
        called = np.flatnonzero(is_product == 0)
        self.products = padded(products[is_product != 0])
        self.operands, begins = _with_slopes(operands, starts[called], counts[called], free[called], stored[called])
        begin = np.zeros(len(which), np.int64)
        begin[called] = begins
        about = np.stack([begin, counts, own], 1)
        before = np.append(0, np.cumsum(is_product))
        self.values, first_call = _calls(called, stops, before, value, about)
        self.slopes, _ = _calls(called, stops, before, np.where(sends, value, other), about)

        # Backward: the last line first, and of each its last instruction, and the edges of one in their order.
        back = np.arange(len(which))[::-1]
        at_all, of = _ranges(starts[back], counts[back])
        of = back[of]
        # Nothing reads the adjoints of constants.
        to = operands[at_all]
        is_constant = (p.operands[at_all] >= p.n_inputs) & (p.operands[at_all] < p.first)
        used = (slope[at_all] != UNUSED) & ~is_constant
        self.edges = padded(np.stack([to, slope[at_all], own[of]], 1)[used])
        sent = np.bincount(len(which) - 1 - of[used], minlength=len(which))  # edges, by instruction from the last on
        until = np.append(0, np.cumsum(sent))
        senders = np.flatnonzero(sends[back])
        back_stops = len(which) - (stops - lengths)[::-1]
        self.sends, first_send = _calls(senders, back_stops, until, other[back], about[back])

        # Where each line begins; what is counted from the back begins where the line after it ends.
        self.lines = []
        n = len(lengths)
        for k, (start, stop) in enumerate(zip((stops - lengths).tolist(), stops.tolist(), strict=True)):
            calls, back_calls = first_call[k : k + 2], first_send[n - 1 - k : n + 1 - k]
            self.lines.append(TableLine(
                own=int(own[start]) if stop > start else 0,
                product=int(before[start]), call=int(calls[0]), calls=int(calls[1] - calls[0]),
                edge=int(until[len(which) - stop]),
                send=int(back_calls[0]), sends=int(back_calls[1] - back_calls[0]),
            ))  # fmt: skip


def padded(edges: Any) -> Any:
    """Edges with some behind them that are fetched ahead and not used."""
    return np.concatenate([edges, np.zeros((AHEAD, 3), np.int64)]).astype(np.int32)


def _kinds(
    p: Program, which: Any, at: Any, width: int, *, fast: bool, real: Any
) -> tuple[Any, list[Handlers]]:
    """For each instruction the number of its handlers, and these."""
    codes, counts = p.codes[which].astype(np.int64), p.counts[which].astype(np.int64)
    # Wide nodes whose operands are adjacent get handlers that load whole vectors.
    for i in np.flatnonzero(counts >= WIDE_FROM).tolist():
        first = int(p.offsets[which[i]])
        if _in_a_row(p.primitives[codes[i]], at[p.operands[first : first + counts[i]]]):
            counts[i] = 0  # marks adjacent operands; no instruction has 0 of them
    # A number for each pair of operation and count that occurs, so handlers are looked up once for each pair.
    rank = np.cumsum(np.bincount(counts) > 0) - 1  # counts may be large; the number of distinct counts is small
    n = int(rank[-1]) + 1 if len(rank) else 1
    keys = codes * n + (rank[counts] if len(rank) else 0)
    kinds, count_of = np.flatnonzero(np.bincount(keys)), np.flatnonzero(np.bincount(counts))
    found = zip(*divmod(kinds, n), strict=True)
    wanted = [(p.primitives[code], int(count_of[k]) or SIDE_BY_SIDE) for code, k in found]
    return np.searchsorted(kinds, keys), handlers(wanted, width, fast=fast, real=real)


def _in_a_row(primitive: Primitive, places: Any) -> bool:
    """Whether the slots of each list of operands are adjacent."""
    if not is_wide(primitive, len(places)):
        return False
    lists = places[: len(places) - primitive.singles].reshape(primitive.lists, -1)
    return bool((np.diff(lists, axis=1) == 1).all())


def _ranges(starts: Any, counts: Any) -> tuple[Any, Any]:
    """The numbers of some ranges, one range after the other, and which of these each is in."""
    of = np.repeat(np.arange(len(counts)), counts)
    return np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts - starts, counts), of


def _of_lists(
    slope: Any, slopes: Sequence[Place], operands: Any, starts: Any, counts: Any, free: Any, literal: dict[str, int]
) -> None:
    """Write the places of the slopes of instructions with lists of operands."""
    if not slopes:
        return
    at, of = _ranges(starts, counts)
    if STORED in slopes:  # then all are
        slope[at] = free[of] + at - starts[of]
        return
    n = counts[of] // len(slopes)
    which, k = np.divmod(at - starts[of], n)
    for j, x in enumerate(slopes):
        here = which == j
        slope[at[here]] = literal[x.hex()] if isinstance(x, float) else operands[(starts[of] + x * n + k)[here]]


def _with_slopes(operands: Any, starts: Any, counts: Any, free: Any, stored: Any) -> tuple[Any, Any]:
    """The operands of instructions, with the places of their slopes behind; and where each one's begin."""
    lengths = counts + stored
    begins = np.cumsum(lengths) - lengths
    found = np.zeros(int(lengths.sum()), np.int32)
    at, of = _ranges(starts, counts)
    found[at - starts[of] + begins[of]] = operands[at]
    at, of = _ranges(free, stored)
    found[at - free[of] + (begins + counts)[of]] = at
    return found, begins


def _calls(called: Any, stops: Any, before: Any, handler: Any, about: Any) -> tuple[Any, Any]:
    """The calls of lines that end at `stops`, and where each line's begin, and the last one's end.

    Args:
        called: The instructions that are calls, ascending.
        stops: Where lines end.
        before: For each instruction, and for what is behind the last one, what comes before it.
        handler: For each instruction.
        about: For each instruction the rest of its call.
    """
    # A line's end comes before the call of the next line's first instruction.
    end = np.searchsorted(called, stops) + np.arange(len(stops))
    row = np.arange(len(called)) + np.searchsorted(stops, called, side="right")
    at = np.zeros(len(called) + len(stops), np.int64)
    at[row], at[end] = called, stops
    calls = np.zeros((len(at), CALL_SIZE), np.int64)
    calls[:, 0] = np.diff(before[at], prepend=0)
    calls[row, 1], calls[row, 2:] = handler[called], about[called]
    return calls, np.append(0, end + 1)
