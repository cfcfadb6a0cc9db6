"""Derivatives of long programs from those of shorter ones: 200 time steps are differentiated as 14 and 15 are.

A derivative of a program that repeats itself repeats itself. So the copies in the middle of the recorded steps are
taken out, what is left is differentiated and lowered twice, with m copies and with m + 1, and `more_copies` puts the
others back into the result. That is possible if the operands of each copy are those of the copy before, moved on by
one copy, and if the two short programs differ by one copy of each region and nothing else; otherwise the whole is
differentiated. Either way the program is the same, instruction by instruction (docs/adr/0023).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..ir.program import Program
from ..ir.tape import Tape
from ..tracing.lower import LONGEST_DOT, program_of_tape
from ..tracing.record import Traced, lowered
from .find_repeats import GATHERED, Region, regions_of, slots_of
from .more_copies import with_more_copies

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.value import Value
    from ..ir.tape import TapedGraph

FEW = 14  # copies of the shorter program: a derivative repeats itself after fewer, at all orders in common use
WORTH_FEWER = 6 * FEW  # copies from which on two short programs are less work than a long one
MOST_OTHER = 0.25  # share of the steps that may be no copies
NEAR = 4  # copies from either end that may be read from outside


def lowered_derivative(graph: TapedGraph, derive: Callable[[TapedGraph], TapedGraph], *, optimize: bool) -> Traced:
    """The program of a derivative.

    Args:
        graph: What was recorded; `derive` may continue its tape.
        derive: Gives the graph of the derivative.
        optimize: As for `lowered`.
    """
    return _by_fewer_copies(graph, derive, optimize=optimize) or lowered(derive(graph), optimize=optimize)


def _by_fewer_copies(
    graph: TapedGraph, derive: Callable[[TapedGraph], TapedGraph], *, optimize: bool
) -> Traced | None:
    steps = graph.tape.steps
    # With many inputs each step usually has its own, and derivatives with respect to different inputs make steps
    # differ.
    if graph.guards or graph.places is not None or len(steps) < WORTH_FEWER * len(graph.inputs):
        return None
    program, place = _as_program(graph)
    # The longest region alone: with two of like length taken out, their numbers of copies would have to grow together.
    region = max(regions_of(program), key=lambda r: r.period * r.copies, default=None)
    region = region and _that_moves_on(program, region)
    if region is None or region.copies < WORTH_FEWER:
        return None
    if region.period * region.copies < (1 - MOST_OTHER) * len(program.codes):
        return None
    found = []
    # Two lengths, since one does not tell what grows: `more_copies` reads it off their difference.
    for few in (FEW, FEW + 1):
        short = _shortened(graph, program, place, region, region.copies - few)
        if short is None:
            return None
        found.append(_lowered(derive(short), optimize=optimize))
    (a, longer), (b, longer_by_one) = found
    more = region.copies - FEW
    # Sums of so many products that they were no dots must be too long for one in the whole, too.
    lengths = [x + (y - x) * more for x, y in zip(longer, longer_by_one, strict=False)]
    if len(longer) != len(longer_by_one) or min(lengths, default=LONGEST_DOT + 1) <= LONGEST_DOT or not _is_alike(a, b):
        return None
    whole = with_more_copies(a.program, b.program, more)
    return None if whole is None else a._replace(program=whole)


def _lowered(graph: TapedGraph, *, optimize: bool) -> tuple[Traced, list[int]]:
    """The program of few copies, and how long its sums of products are that grow into more than a dot."""
    constant_leaves: list[Value] = []
    longer: list[int] = []
    program = program_of_tape(
        graph, optimize=optimize, constant_leaves=constant_leaves, longest_dot=FEW - NEAR, longer=longer
    )
    return Traced(program, graph.spec, (), graph.places, graph.pattern, constant_leaves), longer


def _is_alike(few: Traced, one_more: Traced) -> bool:
    """Whether results have the same shape and stand in the same places, and the same leaves were constants."""
    if few.spec != one_more.spec or [id(x) for x in few.constant_leaves] != [id(x) for x in one_more.constant_leaves]:
        return False
    pairs = [(few.places, one_more.places), *zip(few.pattern or (), one_more.pattern or (), strict=False)]
    return (few.pattern is None) == (one_more.pattern is None) and all(np.array_equal(x, y) for x, y in pairs)


def _as_program(graph: TapedGraph) -> tuple[Program, list[int]]:
    """The steps of a tape as instructions, and which slot of these each of its own is; at the end its constants."""
    tape = graph.tape
    steps, n = tape.steps, len(tape.numbers)
    leaves = [slot for slot, step in enumerate(steps) if not step]
    place = [0] * (len(steps) + n)
    for k, slot in enumerate(leaves):
        place[slot] = k
    place[len(steps) :] = range(len(leaves) + n - 1, len(leaves) - 1, -1)  # slot -1 - k is constant k
    here = len(leaves) + n
    done = [(slot, step) for slot, step in enumerate(steps) if step]
    for slot, _ in done:
        place[slot] = here
        here += 1
    offsets = np.zeros(len(done) + 1, np.int32)
    np.cumsum([len(step) - 1 for _, step in done], out=offsets[1:])
    program = Program(
        primitives=tuple(tape.primitives),
        codes=np.array([step[0] for _, step in done], np.int32),
        offsets=offsets,
        operands=np.array([place[x] for _, step in done for x in step[1:]], np.int32),
        n_inputs=len(leaves),
        constants=np.zeros(n),
        outputs=np.array([place[x] for x in graph.roots], np.int32),
        guards=np.zeros(0, np.int32),
        truths=np.zeros(0, bool),
    )
    return program, place


def _that_moves_on(program: Program, region: Region) -> Region | None:
    """The copies whose gathered operands are results that move on with them, from at most a few copies before."""
    slots = slots_of(program, region)[:, region.kinds == GATHERED]
    # Operands that move by another step, such as a target for each time step, are other inputs in each copy: then
    # copies are not alike to a derivative, which may be wanted with respect to these.
    uneven = np.flatnonzero((np.diff(slots, axis=0) != region.period).any(axis=1))
    first = int(uneven[uneven < NEAR].max(initial=-1)) + 1  # the first ones may read what stands before
    start = region.start + first * region.period
    begin = program.first + start
    if (uneven >= first).any() or (slots[first] < max(begin - NEAR * region.period, program.first)).any():
        return None
    return region._replace(start=start, copies=region.copies - first)


def _shortened(
    graph: TapedGraph, program: Program, place: list[int], region: Region, out: int
) -> TapedGraph | None:
    """The graph with some of the copies in the middle taken out; None if something outside reads one of these."""
    tape, short = graph.tape, Tape()
    first, begin, period = program.first, program.first + region.start, region.period
    cut = begin + (region.copies - out) // 2 * period  # from here on copies are taken out
    behind, end = cut + out * period, begin + region.copies * period
    near = begin + NEAR * period, end - NEAR * period
    of_slot: list[int] = [0] * program.n_slots  # on the new tape
    for x in tape.numbers:
        short.constant(x)
    for k in range(len(tape.numbers)):
        of_slot[place[-1 - k]] = -1 - k
    for primitive in tape.primitives:
        short.code(primitive)

    def moved(x: int, reader: int) -> int | None:
        if x < begin or x >= end:
            return of_slot[x]
        # What comes after the copies may read the first and the last few, which both short programs have; one in the
        # middle would be another one in each of them.
        if reader >= end and near[0] <= x < near[1]:
            return None
        return of_slot[x if x < cut or x >= behind else x - out * period]

    slots = {p: slot for slot, p in enumerate(place[: len(tape.steps)])}
    starts = program.offsets.tolist()
    operands = program.operands.tolist()
    leaves = [slot for slot, step in enumerate(tape.steps) if not step]
    for k, slot in enumerate(leaves):
        of_slot[k] = short.leaf(tape.leaves[slot]) if slot in tape.leaves else short.input()
    for i, (a, b) in enumerate(pairwise(starts), first):
        if cut <= i < behind:
            continue
        # A copy behind the cut reads the ones before it. If these were taken out, the last copies before the cut take
        # their place: all copies compute the same of their operands.
        xs = [moved(x, i) for x in operands[a:b]]
        if None in xs:
            return None
        of_slot[i] = short.keep((tape.steps[slots[i]][0], *xs))  # type: ignore[arg-type]
    roots = [x for x in (moved(place[root], end) for root in graph.roots) if x is not None]
    inputs = [of_slot[place[x]] for x in graph.inputs]
    return graph._replace(tape=short, roots=roots, inputs=inputs) if len(roots) == len(graph.roots) else None
