"""Reorders a program so that more of it runs in lanes, and less goes through memory.

A region whose copies read the copy before need not run copy by copy. If no result depends on its own
predecessor, the body is cut into stages, each of which reads other copies only in earlier stages. All copies of
one stage run, in lanes, before the next stage (loop distribution: Allen and Kennedy 1987). Hessian-vector
products of sums over neighbours run like this.

A `sum` over one or more results of every copy is moved behind its region, whose loop then adds it up in the
same order (docs/adr/0011).
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...engine.ops import PRIMITIVES
from .find_repeats import GATHERED, Region, classified, regions_of, slots_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ir.program import Program

MOST_STAGES = 16  # with more, lanes would not make up for the loads and stores between stages


class Total(NamedTuple):
    """A `sum` over results of all copies.

    Attributes:
        instruction: Which one it is.
        before: Slots that it adds first, known before the region.
        results: Which results of the body it adds, in order, copy by copy.
    """

    instruction: int
    before: tuple[int, ...]
    results: tuple[int, ...]


class Arranged(NamedTuple):
    """A reordered program.

    Attributes:
        program: The same instructions.
        place: int64: where each slot of the program as it came is now.
        regions: Its regions, in order.
        totals: For each region, the sums that stand right behind it.
    """

    program: Program
    place: Any
    regions: list[Region]
    totals: list[list[Total]]


def arranged(program: Program) -> Arranged:
    """The program with its regions cut into stages, and sums over a region moved behind it."""
    place = np.arange(program.n_slots)
    # First stages, then sums: stages are regions whose copies are independent, and only of these a loop can add up
    # results while it computes them.
    regions = regions_of(program)
    cuts = [None if region.parallel else _stages(program, region) for region in regions]
    if any(cuts):
        program, place, regions = _cut(program, regions, cuts)
    totals = [_totals(program, region) for region in regions]
    if any(totals):
        program, moved, regions, totals = _behind(program, regions, totals)
        place = moved[place]
    return Arranged(program, place, regions, totals)


def reordered(program: Program, order: Any) -> tuple[Program, Any]:
    """The instructions in another order, and each slot's new place.

    Args:
        program: A program.
        order: int64: which instruction comes first, second, and so on; each must come after what it reads.
    """
    # Operands are copied by one gather, and not by a loop in Python: `edges` says for each new place the old one.
    counts = program.counts[order]
    offsets = np.zeros(len(order) + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    edges = np.repeat(program.offsets[order] - offsets[:-1], counts) + np.arange(offsets[-1])
    place = np.arange(program.n_slots)
    place[program.first + order] = program.first + np.arange(len(order))
    moved = {name: place[getattr(program, name)].astype(np.int32) for name in ("outputs", "guards")}
    operands = place[program.operands[edges]].astype(np.int32)
    return dataclasses.replace(program, codes=program.codes[order], offsets=offsets, operands=operands, **moved), place


# --- stages -------------------------------------------------------------------------------------


def _stages(program: Program, region: Region) -> list[Any] | None:
    """The body's instructions by stage; None if a result depends on its own predecessor."""
    period = region.period
    readers = np.repeat(np.arange(period), program.counts[region.start : region.start + period])
    # Slots relative to the region: negative ones are known before it. For the others the remainder modulo the period is
    # the result that is read, in whichever copy.
    slots = slots_of(program, region) - (program.first + region.start)
    needs: list[set[tuple[int, int]]] = [set() for _ in range(period)]  # (result, 1 if of another copy)
    for e, reader in enumerate(readers.tolist()):
        inside = slots[:, e][slots[:, e] >= 0]
        # A read within the copy may stay in its stage; any other one needs the stage of what it reads to be complete.
        apart = int(region.kinds[e] == GATHERED)
        results = np.flatnonzero(np.bincount(inside % period))
        needs[reader] |= {(result, apart) for result in results.tolist()}
    # A result's stage is the most reads of other copies on any way to it. Where it depends on its own predecessor that
    # grows at each pass without end; otherwise the passes settle after as many as there are stages.
    stage = before = [0] * period
    for _ in range(MOST_STAGES + 1):
        before, stage = stage, list(stage)
        for reader in range(period):
            stage[reader] = max([stage[reader], *(stage[result] + apart for result, apart in needs[reader])])
        if stage == before or max(stage) >= MOST_STAGES:
            break
    if max(stage) >= MOST_STAGES or stage != before:
        return None
    return [np.flatnonzero(np.array(stage) == s) for s in range(max(stage) + 1)]


def _cut(program: Program, regions: Sequence[Region], cuts: Sequence[Any]) -> tuple[Program, Any, list[Region]]:
    """The program with each region that can be cut replaced by its stages."""
    order, starts, here = [], [], 0
    for region, stages in zip(regions, cuts, strict=True):
        order.append(np.arange(here, region.start))
        here = region.start
        for places in stages or [np.arange(region.period)]:
            starts.append((here, region.copies, len(places)))
            copies = region.start + np.arange(region.copies) * region.period
            # Copy by copy within a stage, as in the program: so a stage is a region again, with a shorter body.
            order.append((copies[:, None] + places).ravel())
            here += region.copies * len(places)
    program, place = reordered(program, np.concatenate([*order, np.arange(here, len(program.codes))]))
    # Classified anew: what was local to a copy may now be read from another stage, one slot per copy.
    found = [classified(program, *about) for about in starts]
    return program, place, [region for region in found if region is not None]


# --- sums ---------------------------------------------------------------------------------------


def _totals(program: Program, region: Region) -> list[Total]:
    """Sums whose operands are the same results of every copy, copy by copy, perhaps after some others."""
    if not region.parallel or PRIMITIVES["sum"] not in program.primitives:
        return []
    copies, start = region.copies, program.first + region.start
    wide = (program.codes == program.primitives.index(PRIMITIVES["sum"])) & (program.counts >= copies)
    # A sum before the region's end cannot read all of its copies. `copies` operands at least: a sum over a part of them
    # would need a condition in the loop.
    wide[: region.stop] = False
    found = []
    for i in np.flatnonzero(wide).tolist():
        read = program.operands[program.offsets[i] : program.offsets[i + 1]]
        # Terms before the copies begin the sum; any behind them would have to wait for the loop, so there may be none.
        before = int(np.argmax(read >= start)) if (read >= start).any() else len(read)
        if before == len(read) or (len(read) - before) % copies:
            continue
        grid = read[before:].reshape(copies, -1) - start
        results = grid[0]
        # Copy by copy: the loop adds terms in the order in which it computes them, and that has to be the order of the
        # sum's operands, to which its bits belong (docs/adr/0014). In another order the sum stays where it is.
        in_order = (grid == results + np.arange(copies)[:, None] * region.period).all()
        if in_order and results.min() >= 0 and results.max() < region.period:
            found.append(Total(i, tuple(read[:before].tolist()), tuple(results.tolist())))
    return found


def _behind(
    program: Program, regions: Sequence[Region], totals: Sequence[Sequence[Total]]
) -> tuple[Program, Any, list[Region], list[list[Total]]]:
    """The program with every sum moved behind the region that it adds up."""
    # Each moves forward, to where its region ends: by then all that it reads is there.
    stays = np.ones(len(program.codes), bool)
    stays[[total.instruction for some in totals for total in some]] = False
    order, here = [], 0
    new_regions, new_totals = [], []
    ends = [0, *(x for region in regions for x in (region.start, region.stop)), len(program.codes)]
    for k, (start, stop) in enumerate(pairwise(ends)):
        if k % 2:
            new_regions.append(regions[k // 2]._replace(start=here))
            some = totals[k // 2]
            here += stop - start
            new_totals.append([total._replace(instruction=here + m) for m, total in enumerate(some)])
            order += [np.arange(start, stop), np.array([total.instruction for total in some], np.int64)]
            here += len(some)
        else:
            order.append(start + np.flatnonzero(stays[start:stop]))
            here += len(order[-1])
    program, place = reordered(program, np.concatenate(order))
    return program, place, new_regions, new_totals
