"""The interpreter without a compiler: the same rules on NumPy arrays, one instruction at a time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ....errors import PerformanceWarning
from ...engine.ops import PRIMITIVES
from ...engine.provenance import warn_user
from ...number_systems.base import read_rule
from ...number_systems.numpy_arrays import NUMPY, ArrayNumber

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...engine.ops import Primitive
    from ..ir.program import Program
    from .memory import LaneSums

REMEDY = "pip install 'autograd-core[fast]'"
said: list[str] = []  # warnings so far: one for a process


class NumpyInterpreter:
    """Runs one program on NumPy; results are within 4 ulp of the compiled ones.

    Args:
        program: What to run.
        why: Why no compiler does it: said at the first run of a process.
        dtype: float64, or float32: then each result is computed in doubles and rounded.
    """

    backend = "numpy"

    def __init__(self, program: Program, why: str = "", dtype: str = "float64") -> None:
        self.program, self.why, self.dtype = program, why, np.dtype(dtype)
        self.numbers_per_example = program.n_slots

    def load(self, width: int, wanted: Any, sought: Any, summed: Any) -> None:
        """Nothing is to be loaded."""

    def run(
        self, inputs: Any, mapped: Any, rows: Any, wanted: Any, sought: Any = None, sums: LaneSums | None = None
    ) -> tuple[Any, Any]:
        """As `Interpreter.run`; each example's gradient is computed first, and then added up."""
        if self.why and not said:
            slow = f"compiled functions run on NumPy, several times slower: {self.why}; {REMEDY}"
            warn_user(slow, PerformanceWarning)
            said.append(self.why)
        # One operation of NumPy on the whole batch per instruction: the overhead is per instruction, so it pays for
        # large batches only. Slots first, so that the batch of one slot is contiguous.
        p = self.program
        values = np.empty((p.n_slots, len(rows)), self.dtype).view(ArrayNumber)
        values[: p.n_inputs] = inputs[:, None]
        values[mapped] = rows.T
        with np.errstate(all="ignore"):  # `where` evaluates both sides, so what is not chosen may overflow
            values[p.n_inputs : p.first] = p.constants[:, None]
            for primitive, slots, own in self._instructions():
                values[own] = read_rule(primitive, primitive.value, NUMPY, *values[slots].astype(float, copy=False))
            if sought is None:
                return _plain(values[wanted]), np.empty((len(rows), 0), self.dtype)
            adjoints = np.zeros((p.n_slots, len(rows)), self.dtype).view(ArrayNumber)
            adjoints[p.outputs[0]] = 1.0
            for primitive, slots, own in reversed(list(self._instructions())):
                *xs, z, g = (
                    column.astype(float, copy=False) for column in (*values[slots], values[own], adjoints[own])
                )
                # Slot by slot, not by fancy indexing: an operand that occurs twice must get both contributions. The
                # product of the table and not `*`: strict zero is one rule for all tiers (docs/adr/0014).
                for slot, d in zip(slots, read_rule(primitive, primitive.partials, NUMPY, *xs, z), strict=True):
                    adjoints[slot] += PRIMITIVES["path_product"].value(NUMPY, d, g)
        if sums is not None:
            sums.add(_plain(adjoints[sums.slots]))
        return _plain(values[wanted]), _plain(adjoints[sought])

    def _instructions(self) -> Iterator[tuple[Primitive, Any, int]]:
        p = self.program
        for i, (start, stop) in enumerate(pairwise(p.offsets.tolist())):
            yield p.primitives[p.codes[i]], p.operands[start:stop], p.first + i


def _plain(columns: Any) -> Any:
    return np.ascontiguousarray(columns.T).view(np.ndarray)
