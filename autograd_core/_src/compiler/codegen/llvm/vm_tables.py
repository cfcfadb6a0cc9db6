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
from .vm_places import shared_places
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
# Instructions from which on places are shared. Shorter programs are slower with shared places, by up to an eighth over
# a batch: the cache holds them as they are.
SHARED_FROM = 2**15
UNUSED = -1  # the slope of an edge that sends nothing


class TableLine(NamedTuple):
    """Where the parts of some adjacent instructions begin in the tables, and how many calls they have."""

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
        gradient: Whether there is a backward sweep.
        kept: Slots whose values or adjoints are read after a run.
        sums: Slots whose adjoints are summed over a batch.
        at: Where each slot stands in the arrays of values and adjoints; None if they share one array, in which what
            is dead gives its place to what is born later, if the program is long.
        spare: The first place behind all of these: from there on are literals and slopes.
        lines: The lines, as (start, stop) of instructions, ascending; None for all in one.

    Attributes:
        replaces: Whether the first that is sent to a slot replaces what is there. Else, as handlers that send know
            nothing of this, all adjoints have to be 0 before a sweep.
        is_shared: Whether values and adjoints share one array. Handlers that send know one place of a slot, so where
            there are some, nothing is shared.
        literals: The numbers at the places from `literal` on.
        literal: The first of these places.
        values_at: The place of each slot's value, then of the literals, then of the slopes.
        adjoints_at: The place of each slot's adjoint.
        size: The length of the array of values.
        operands: int32: those of the instructions that handlers compute, each with the places of its slopes behind.
        products: int32 of shape (n + AHEAD, 4): x, y, w, and the place of the value.
        calls: int64 of shape (n, CALL_SIZE): those of the forward sweep.
        edges: int32 of shape (n + AHEAD, 3), those of the last instruction first.
        sum_edges: int32 of shape (n, 3): those that lead to sums over the batch, by number.
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
        gradient: bool = True,
        kept: Any = (),
        sums: Any = (),
        at: Any = None,
        spare: int = 0,
        lines: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        p, sums, kept = program, np.asarray(sums, np.int64), np.asarray(kept, np.int64)
        firsts, lasts = np.array([(0, len(p.codes))] if lines is None else lines, np.int64).reshape(-1, 2).T
        lengths = lasts - firsts
        stops = np.cumsum(lengths)
        which, _ = _ranges(firsts, lengths)
        number, kinds = _kinds(p, which, at, width, fast=fast, real=real)
        counts, starts = p.counts[which].astype(np.int64), p.offsets[which].astype(np.int64)
        # All numbers have names: those of slots, then literals, then stored slopes. Places are found at the end.
        own, operands = p.first + which, p.operands
        places = [x for kind in kinds for x in (*kind.product, *kind.slopes)]
        literals = dict.fromkeys([(1.0).hex(), (0.0).hex(), *(x.hex() for x in places if isinstance(x, float))])
        literal = {x: p.n_slots + k for k, x in enumerate(literals)}
        self.literals = np.array([float.fromhex(x) for x in literals])
        # How many slopes an instruction stores: some of its operands', or all.
        per_operand = np.array([kind.slopes.count(STORED) if kind.arity else 0 for kind in kinds], np.int64)
        all_of = np.array([not kind.arity and STORED in kind.slopes for kind in kinds], bool)
        stored = np.where(all_of[number], counts, per_operand[number]) if gradient else np.zeros_like(counts)
        free = p.n_slots + len(literals) + np.cumsum(stored) - stored  # the name of its first one

        of_kind = np.array([[kind.value, kind.other, bool(kind.product), not kind.slopes] for kind in kinds], np.int64)
        value, other, is_product, sends = of_kind.reshape(-1, 4)[number].T
        products, slope = np.zeros((len(which), 4), np.int64), np.full(len(p.operands), UNUSED, np.int64)
        products[:, 3] = own
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
            if not gradient:
                continue
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

        # Backward: the last line first, and of each its last instruction, and the edges of one in their order.
        back = np.arange(len(which) if gradient else 0)[::-1]
        at_all, of = _ranges(starts[back], counts[back])
        of = back[of]
        to = operands[at_all]
        # Nothing reads the adjoints of constants.
        used = (slope[at_all] != UNUSED) & ~((to >= p.n_inputs) & (to < p.first))
        of, edges = of[used], np.stack([to, slope[at_all], own[of]], 1)[used]
        is_summed = np.zeros(p.n_slots, bool)
        is_summed[sums] = True
        apart = is_summed[edges[:, 0]]
        sum_edges, edges, of = edges[apart], edges[~apart], of[~apart]
        root = p.outputs[:1]
        # The result may be what is summed: its adjoint is the seed, and comes first.
        seeds = np.array([(x, literal[(1.0).hex()], x) for x in root if is_summed[x]], np.int64).reshape(-1, 3)
        sum_edges = np.concatenate([seeds, sum_edges])

        self.replaces = at is None and not (gradient and sends.any())
        self.is_shared = self.replaces and len(which) >= SHARED_FROM
        n_names = p.n_slots + len(self.literals) + int(stored.sum())
        if self.is_shared:
            self.values_at, self.adjoints_at, self.size = _shared(
                p, np.append(kept, root), len(self.literals), stored, (edges, of), sum_edges
            )
        else:
            self.adjoints_at = np.arange(p.n_slots) if at is None else at
            spare = p.n_slots if at is None else spare
            self.values_at = np.append(self.adjoints_at, np.arange(spare, spare + n_names - p.n_slots))
            self.size = spare + n_names - p.n_slots
        self.literal = int(self.values_at[p.n_slots])

        called = np.flatnonzero(is_product == 0)
        self.products = padded(self.values_at[products[is_product != 0]])
        listed, begins = _with_slopes(operands, starts[called], counts[called], free[called], stored[called])
        self.operands = self.values_at[listed].astype(np.int32)
        begin = np.zeros(len(which), np.int64)
        begin[called] = begins
        about = np.stack([begin, counts, self.values_at[own]], 1)
        before = np.append(0, np.cumsum(is_product))
        handler = np.where(sends, value, other) if gradient else value
        self.calls, first_call = _calls(called, stops, before, handler, about)

        sent = np.bincount(len(which) - 1 - of, minlength=len(which))  # edges, by instruction from the last on
        until = np.append(0, np.cumsum(sent))
        senders = np.flatnonzero(sends[back])
        back_stops = len(which) - (stops - lengths)[::-1]
        self.sends, first_send = _calls(senders, back_stops, until, other[back], about[back])
        self.edges = padded(self._placed(edges, self.adjoints_at))
        if self.replaces:
            first = np.full(p.n_slots, -1)
            first[edges[::-1, 0]] = np.arange(len(edges))[::-1]
            first[root] = -1  # it has its seed
            first = first[first >= 0]
            self.edges[first, 0] = ~self.edges[first, 0]
        number_of = np.zeros(p.n_slots, np.int64)
        number_of[sums] = np.arange(len(sums))
        self.sum_edges = self._placed(sum_edges, number_of).astype(np.int32)

        # Where each line begins; what is counted from the back begins where the line after it ends.
        self.lines = []
        n = len(lengths)
        for k, (start, stop) in enumerate(zip((stops - lengths).tolist(), stops.tolist(), strict=True)):
            calls, back_calls = first_call[k : k + 2], first_send[n - 1 - k : n + 1 - k]
            self.lines.append(TableLine(
                product=int(before[start]), call=int(calls[0]), calls=int(calls[1] - calls[0]),
                edge=int(until[len(which) - stop]),
                send=int(back_calls[0]), sends=int(back_calls[1] - back_calls[0]),
            ))  # fmt: skip

    def _placed(self, edges: Any, to: Any) -> Any:
        return np.stack([to[edges[:, 0]], self.values_at[edges[:, 1]], self.adjoints_at[edges[:, 2]]], 1)


def _shared(
    p: Program, kept: Any, n_literals: int, stored: Any, edges: tuple[Any, Any], sum_edges: Any
) -> tuple[Any, Any, int]:
    """Places of all values and of all adjoints in one array, and how many places there are.

    Args:
        p: The program.
        kept: Slots whose values and adjoints are read after both sweeps.
        n_literals: How many literals there are.
        stored: How many slopes each instruction stores.
        edges: The edges, by name, and the instruction of each.
        sum_edges: Those that are added to sums after both sweeps.
    """
    n, n_fixed = len(p.codes), p.first + n_literals
    # The forward sweep's steps are its instructions, the backward sweep's begin after n, when the root gets its seed.
    forward = np.arange(n)
    backward, end = 2 * n - forward, 2 * n + 1
    (to, slope, _), of = edges[0].T, edges[1]
    # Inputs, constants and literals have places of their own. Else values and slopes are written by their instruction.
    fixed, literals = np.zeros(p.first, np.int64), np.zeros(n_literals, np.int64)
    births = np.concatenate([fixed, forward, literals, np.repeat(forward, stored)])
    deaths = births.copy()
    # Uses are in the order of steps, so the last one stays.
    deaths[p.operands] = np.repeat(forward, p.counts)
    deaths[slope] = backward[of]
    deaths[sum_edges[:, 1]] = deaths[kept] = end
    moves = np.ones(len(births), bool)
    moves[: p.first] = moves[p.n_slots : p.n_slots + n_literals] = False
    # Adjoints are born with the first edge to them, and die after the last from them.
    born = np.full(p.n_slots, -1, np.int64)
    born[to[::-1]] = backward[of[::-1]]
    born[p.outputs[:1]] = n
    dead = np.append(np.full(p.first, end), backward)
    dead[sum_edges[:, 2]] = dead[kept] = end
    sent = np.flatnonzero(born >= 0)
    places, count = shared_places(np.append(births[moves], born[sent]), np.append(deaths[moves], dead[sent]))
    places += n_fixed
    values_at = np.empty(len(births), np.int64)
    values_at[: p.first], values_at[p.n_slots : p.n_slots + n_literals] = np.split(np.arange(n_fixed), [p.first])
    values_at[moves], adjoints = np.split(places, [len(births) - n_fixed])
    # What nothing is sent to is 0, the second literal.
    adjoints_at = np.full(p.n_slots, p.first + 1)
    adjoints_at[sent] = adjoints
    return values_at, adjoints_at, n_fixed + count


def padded(rows: Any) -> Any:
    """Rows with some behind them that are fetched ahead and not used."""
    return np.concatenate([rows, np.zeros((AHEAD, rows.shape[1]), np.int64)]).astype(np.int32)


def _kinds(
    p: Program, which: Any, at: Any, width: int, *, fast: bool, real: Any
) -> tuple[Any, list[Handlers]]:
    """For each instruction the number of its handlers, and these."""
    codes, counts = p.codes[which].astype(np.int64), p.counts[which].astype(np.int64)
    # Wide nodes whose operands are adjacent get handlers that load whole vectors.
    for i in np.flatnonzero(counts >= WIDE_FROM).tolist():
        first = int(p.offsets[which[i]])
        slots = p.operands[first : first + counts[i]]
        if _in_a_row(p.primitives[codes[i]], slots if at is None else at[slots]):
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
