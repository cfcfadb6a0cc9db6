"""Splits a program into the part that depends on shared arguments alone and the part that each example has its own of.

The first part runs once per batch. The adjoints of its results are summed over the examples, so its backward sweep
runs once as well, seeded with these sums: a penalty on a network's weights costs as much as for one example
(docs/adr/0011).
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...engine.ops import PRIMITIVES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ir.layout import Layout
    from ..ir.program import Program


class Split(NamedTuple):
    """The two parts of a program.

    Attributes:
        first: Its inputs are the program's and then a seed for each of `results`; its output is the sum of seeds
            times results, whose gradient is what a backward sweep from these seeds gives.
        results: Slots of `first` that the rest reads.
        rest: Its inputs are the program's and then those results.
        layout: What the rest is run for; sums of the adjoints of results come last.
    """

    first: Program
    results: tuple[int, ...]
    rest: Program
    layout: Layout


def split(program: Program, layout: Layout) -> Split | None:
    """Split a program; None if nothing is shared, or if gradients with respect to shared results differ by example."""
    mapped = {slot for table in layout.tables for slot in table}
    # A gradient with respect to a shared input that is wanted for each example separately would need the first part's
    # sweep once per example: nothing would be saved, so the program stays whole.
    if not mapped or any(slot not in mapped for group in layout.per_example for slot in group):
        return None
    n, first = program.n_inputs, program.first
    operands = [program.operands[a:b].tolist() for a, b in pairwise(program.offsets.tolist())]
    # Two facts of each slot, from operands to results: `differs`, whether it is not the same for all examples; `leads`,
    # whether a gradient that is summed over the batch passes through it. Constants have neither.
    differs = [slot in mapped for slot in range(first)]
    summed = set(layout.summed)  # as many as there are shared inputs
    leads = [slot in summed for slot in range(first)]
    for xs in operands:
        differs.append(any(differs[x] for x in xs))
        leads.append(any(leads[x] for x in xs))
    rest = [i for i in range(len(operands)) if differs[first + i]]
    # What the caller wants counts as read: it is returned for each example, so the rest has to pass it on.
    read = {x for i in rest for x in operands[i]} | set(layout.wanted)
    results = [slot for slot in range(first, program.n_slots) if not differs[slot] and slot in read]
    if not results:
        return None

    # The rest's slots: its inputs first, as every program has them, so that what was computed by the first part stands
    # between the inputs and the constants.
    place = np.arange(program.n_slots)
    place[n:first] += len(results)
    place[first + np.array(rest, int)] = first + len(results) + np.arange(len(rest))
    place[results] = n + np.arange(len(results))
    moved = {name: place[getattr(program, name)].astype(np.int32) for name in ("outputs", "guards")}
    # Only results on the way to a wanted gradient: an adjoint that nobody sends on would be a sum over the batch for
    # nothing.
    seeds = [n + k for k, slot in enumerate(results) if leads[slot]] if layout.summed else []
    return Split(
        *_first(program, [i for i in range(len(operands)) if not differs[first + i]], operands, results),
        _program(program, rest, [place[operands[i]].tolist() for i in rest], n + len(results), **moved),
        layout._replace(wanted=tuple(place[list(layout.wanted)].tolist()), summed=(*layout.summed, *seeds)),
    )


def _first(
    program: Program, kept: Sequence[int], operands: Sequence[Sequence[int]], results: Sequence[int]
) -> tuple[Program, tuple[int, ...]]:
    """The shared part with its seeds, and where its results are."""
    n, first, count = program.n_inputs, program.first, len(results)
    place = np.arange(program.n_slots)
    place[n:] += count
    place[first + np.array(kept, int)] = first + count + np.arange(len(kept))
    found = place[list(results)].tolist()
    lists = [place[operands[i]].tolist() for i in kept]
    part = _program(program, kept, lists, n + count, outputs=[], guards=[], truths=np.empty(0, bool))
    # A backward sweep starts from one output with the seed 1, in every tier. So that it need not learn of several
    # seeds, the output is sum(seed * result): its gradient with respect to the inputs is what a sweep from these seeds
    # gives, and the second operands of the dot are ordinary inputs.
    dot = len(part.primitives)
    read = np.array([*part.operands.tolist(), *found, *range(n, n + count)], np.int32)
    return dataclasses.replace(
        part,
        primitives=(*part.primitives, PRIMITIVES["dot"]),
        codes=np.append(part.codes, np.int32(dot)),
        offsets=np.append(part.offsets, np.int32(len(read))),
        operands=read,
        outputs=np.array([first + count + len(kept)], np.int32),
    ), tuple(found)


def _program(program: Program, kept: Sequence[int], operands: Sequence[Sequence[int]], n: int, **ends: Any) -> Program:
    """Some of the instructions, with other operands and inputs."""
    # Primitives and constants are kept whole, used or not: so `codes` keep their meaning, and the slots of constants
    # only shift.
    counts = np.fromiter(map(len, operands), np.int32, len(kept))
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    ends |= {name: np.array(ends[name], np.int32) for name in ("outputs", "guards")}
    return dataclasses.replace(
        program,
        codes=program.codes[np.array(kept, int)],
        offsets=offsets,
        operands=np.fromiter((x for xs in operands for x in xs), np.int32),
        n_inputs=n,
        **ends,
    )
