"""A program: a graph as flat arrays, one instruction per node, each slot written once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OperandError, StructureError

if TYPE_CHECKING:
    from ..ops import Primitive


def unreadable(row: Primitive, error: Exception) -> OperandError:
    """What to raise where a user's primitive does what is no arithmetic, such as `math.sin(x)`."""
    advice = "write it with operators, where() and this library's functions"
    return OperandError(f"primitive {row.name!r} cannot be compiled: {error}; {advice}")


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Instructions in single assignment; checked when built.

    Slots are numbered: first the inputs, then the constants, then one result per instruction in
    order. An instruction reads only slots below its own.

    Attributes:
        primitives: The rows that the codes stand for.
        codes: int32, length n: the primitive of each instruction.
        offsets: int32, length n + 1: instruction i reads `operands[offsets[i]:offsets[i + 1]]`.
        operands: int32: slots.
        n_inputs: How many inputs there are.
        constants: float64: one number per constant.
        outputs: int32: the slots of the results.
        guards: int32: slots that must be true or false as they were when traced.
        truths: bool: which of both.

    Raises:
        StructureError: The arrays do not fit each other.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.replay.lowering import program_of
        >>> x = ag.Value(3.0)
        >>> print(program_of([x * x + 1], [x]))
        input  v0
        v1 = 1.0
        v2 = mul(v0, v0)
        v3 = add(v2, v1)
        output v3
    """

    primitives: tuple[Primitive, ...]
    codes: Any
    offsets: Any
    operands: Any
    n_inputs: int
    constants: Any
    outputs: Any
    guards: Any
    truths: Any

    def __post_init__(self) -> None:
        for array in (self.codes, self.offsets, self.operands, self.constants, self.outputs, self.guards, self.truths):
            array.flags.writeable = False
        problem = self._problem()
        if problem:
            msg = f"program: {problem}"
            raise StructureError(msg)

    @property
    def first(self) -> int:
        """The slot of the first instruction's result."""
        return self.n_inputs + len(self.constants)

    @property
    def n_slots(self) -> int:
        """How many slots there are."""
        return self.first + len(self.codes)

    @property
    def counts(self) -> Any:
        """How many operands each instruction has."""
        return np.diff(self.offsets)

    def _problem(self) -> str:
        """What is wrong with the arrays; "" if nothing is."""
        n = len(self.codes)
        if not np.array_equal(self.offsets[[0, -1]], [0, len(self.operands)]) or len(self.offsets) != n + 1:
            return f"expected {n + 1} offsets from 0 to {len(self.operands)}, got {self.offsets}"
        if np.any(self.counts < 1):
            return f"instruction {np.argmin(self.counts)} has no operand"
        if n and not (self.codes.min() >= 0 and self.codes.max() < len(self.primitives)):
            return f"expected codes from 0 to {len(self.primitives) - 1}, got {self.codes}"
        arity = np.array([row.arity or 0 for row in self.primitives], np.int32)[self.codes]
        wrong = np.flatnonzero((arity > 0) & (arity != self.counts))
        if wrong.size:
            i = wrong[0]
            return f"{self.primitives[self.codes[i]].name} takes {arity[i]} operand(s), got {self.counts[i]}"
        results = np.repeat(np.arange(self.first, self.n_slots), self.counts)
        early = np.flatnonzero((self.operands < 0) | (self.operands >= results))
        if early.size:
            return f"v{results[early[0]]} reads v{self.operands[early[0]]}, which is not known by then"
        named = np.concatenate([self.outputs, self.guards])
        if named.size and not (named.min() >= 0 and named.max() < self.n_slots):
            return f"expected outputs and guards below {self.n_slots}, got {named}"
        return "" if len(self.guards) == len(self.truths) else "as many truths as guards are expected"

    def __str__(self) -> str:
        lines = [f"input  v{slot}" for slot in range(self.n_inputs)]
        lines += [f"v{slot} = {x}" for slot, x in enumerate(self.constants.tolist(), self.n_inputs)]
        for i, (start, stop) in enumerate(pairwise(self.offsets.tolist())):
            operands = ", ".join(f"v{slot}" for slot in self.operands[start:stop])
            lines.append(f"v{self.first + i} = {self.primitives[self.codes[i]].name}({operands})")
        lines += [
            f"guard  v{slot} is {'true' if truth else 'false'}"
            for slot, truth in zip(self.guards, self.truths, strict=True)
        ]
        return "\n".join(lines + [f"output v{slot}" for slot in self.outputs])
