"""Groups a program: independent instructions with one primitive become one operation on arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ...engine.ops import Primitive
    from ..ir.program import Program


class Group(NamedTuple):
    """Instructions of one operation.

    Attributes:
        primitive: The operation.
        operands: Slots, of shape (operands of each, instructions).
        slots: Where the results stand.
    """

    primitive: Primitive
    operands: Any
    slots: Any


def levels_of(program: Program) -> Any:
    """The level of each slot: how many instructions must run one after the other to compute it."""
    # One pass: operands are lower slots, so their levels are final. Inputs and constants are level 0.
    levels = np.zeros(program.n_slots, np.int64)
    operands, offsets = program.operands, program.offsets.tolist()
    for i in range(len(program.codes)):
        levels[program.first + i] = levels[operands[offsets[i] : offsets[i + 1]]].max() + 1
    return levels


def groups_of(program: Program) -> list[Group]:
    """All instructions in a valid order: by level, primitive and number of operands."""
    p = program
    # By level first, which makes any order within a level valid; then so that equal instructions are neighbours.
    # `lexsort` takes its last key as the first, and is stable.
    keys = np.stack([p.counts, p.codes, levels_of(p)[p.first :]]) if len(p.codes) else np.zeros((3, 0), int)
    order = np.lexsort(keys)
    ends = np.flatnonzero((np.diff(keys[:, order], axis=1) != 0).any(axis=0)) + 1
    groups = []
    for some in np.split(order, ends) if len(order) else ():
        n = int(p.counts[some[0]])
        operands = p.operands[p.offsets[some][:, None] + np.arange(n)].T
        groups.append(Group(p.primitives[p.codes[some[0]]], operands, p.first + some))
    return groups


class Places:
    """The position of each slot in a list of arrays: inputs, constants, and one array per group."""

    def __init__(self, program: Program, groups: list[Group]) -> None:
        # A slot's array and its index there, as two arrays over all slots: looking up many slots is then one operation.
        self.sizes = [program.n_inputs, len(program.constants), *(len(group.slots) for group in groups)]
        self.array = np.zeros(program.n_slots, np.int64)
        self.index = np.arange(program.n_slots)
        self.array[program.n_inputs : program.first] = 1
        self.index[program.n_inputs : program.first] -= program.n_inputs
        for k, group in enumerate(groups, 2):
            self.array[group.slots] = k
            self.index[group.slots] = np.arange(len(group.slots))

    def parts(self, slots: Any) -> list[tuple[int, Any, Any]]:
        """For each array in which some of the slots stand: which, at which indices, and which of the slots."""
        arrays = self.array[slots]
        return [(int(k), self.index[slots[arrays == k]], np.flatnonzero(arrays == k)) for k in np.unique(arrays)]
