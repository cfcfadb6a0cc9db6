"""The interpreter: a program as two tables of addresses, of a forward and a backward handler for each instruction.

The handlers and the driver that calls them are compiled code (`vm_code`). Slots hold `<W x double>`, whose lanes are
rows of a batch, or a `double` for a single point.

Compiling a function per program instead was tried: it takes 100 us and more per node, so it pays only for programs
that run often (`kernel`; docs/adr/0010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...runtime.memory import LANES as WIDTH
from ...runtime.memory import LaneSums
from .jit import F64, real_of
from .vm_code import BLOCK, SIDE_BY_SIDE, driver, handlers
from .wide_nodes import WIDE_FROM, is_wide

if TYPE_CHECKING:
    from ....engine.ops import Primitive
    from ...ir.program import Program


def table_of(
    program: Program, width: int, *, fast: bool, real: Any = F64, start: int = 0, stop: Any = None, at: Any = None
) -> Any:
    """Addresses of the handlers of some instructions: int64 of shape (2, n), forward and backward.

    Args:
        program: Whose they are.
        width: Lanes.
        fast: Whether functions may come from a vector library.
        real: The type of a lane.
        start: The first instruction.
        stop: Where to end; None for with the last one.
        at: int32: where each operand stands; the program's own operands, if None.
    """
    codes, counts = program.codes[start:stop].astype(np.int64), program.counts[start:stop].astype(np.int64)
    at = program.operands if at is None else at
    # Wide nodes whose operands are adjacent get handlers that load whole vectors.
    for i in np.flatnonzero(counts >= WIDE_FROM).tolist():
        first = int(program.offsets[start + i])
        if _in_a_row(program.primitives[codes[i]], at[first : first + counts[i]]):
            counts[i] = 0  # marks adjacent operands; no instruction has 0 of them
    # A number for each pair of operation and count that occurs: handlers are looked up once for each pair, and then one
    # gather gives the addresses of all instructions.
    rank = np.cumsum(np.bincount(counts) > 0) - 1  # counts may be large; the number of distinct counts is small
    n = int(rank[-1]) + 1 if len(rank) else 1
    keys = codes * n + rank[counts]
    kinds = np.flatnonzero(np.bincount(keys))
    count_of = np.flatnonzero(np.bincount(counts))
    found = zip(*divmod(kinds, n), strict=True)
    wanted = [(program.primitives[code], int(count_of[k]) or SIDE_BY_SIDE) for code, k in found]
    addresses = np.zeros((2, len(program.primitives) * n), np.int64)
    addresses[:, kinds] = np.array(handlers(wanted, width, fast=fast, real=real), np.int64).reshape(-1, 2).T
    return np.ascontiguousarray(addresses[:, keys])


def _in_a_row(primitive: Primitive, places: Any) -> bool:
    """Whether the slots of each list of operands are adjacent."""
    if not is_wide(primitive, len(places)):
        return False
    lists = places[: len(places) - primitive.singles].reshape(primitive.lists, -1)
    return bool((np.diff(lists, axis=1) == 1).all())


class Interpreter:
    """Runs one program on LLVM's machine code.

    Args:
        program: What to run.
        fast: Whether functions of lanes may come from a vector library.
        dtype: What it computes with: float64 or float32.
    """

    backend = "llvm"

    def __init__(self, program: Program, *, fast: bool = False, dtype: str = "float64") -> None:
        self.program, self.fast, self.dtype = program, fast, np.dtype(dtype)
        self.real = real_of(self.dtype)
        self.numbers_per_row = program.n_inputs + len(program.outputs)  # one block's values serve all blocks in turn
        self._tables: dict[int, Any] = {}

    def load(self, width: int) -> None:
        """Load what runs need, so that how long these take tells how long others will."""
        self._table(width)
        driver(width, self.real)

    def _table(self, width: int) -> Any:
        """Addresses of each instruction's handlers: int64 of shape (2, n)."""
        if width not in self._tables:
            self._tables[width] = table_of(self.program, width, fast=self.fast, real=self.real)
        return self._tables[width]

    def run(
        self, inputs: Any, mapped: Any, rows: Any, wanted: Any, sought: Any = None, sums: LaneSums | None = None
    ) -> tuple[Any, Any]:
        """Values, and the gradient of the first output, for every row.

        Args:
            inputs: Of `dtype`, one number per input; those of mapped ones are not used.
            mapped: int32, the inputs that differ from row to row.
            rows: Of `dtype` and shape (rows, len(mapped)), at least one row.
            wanted: int32, the slots to return.
            sought: int32, the slots whose adjoints to return; None for no backward pass.
            sums: What to add up over the rows; it goes on from where it is. It says how many lanes there are, too.

        Returns:
            Two arrays of shapes (rows, len(wanted)) and (rows, len(sought)).
        """
        p, count, dtype = self.program, len(rows), self.dtype
        if sums is None:
            sums = LaneSums(np.empty(0, np.int32), WIDTH if len(mapped) else 1, dtype)
        width = sums.width
        blocks = -(-count // width)
        # Spare lanes of the last block compute the last row again: no garbage can become NaN there.
        padded = np.concatenate([rows, np.repeat(rows[-1:], blocks * width - count, axis=0)])
        # Block, input, lane: the lanes of an input are adjacent, so the driver copies whole vectors; the transposition
        # is done here, once, by NumPy.
        lanes = np.ascontiguousarray(padded.reshape(blocks, width, -1).transpose(0, 2, 1))
        values = np.empty((p.n_slots + WIDTH, width), dtype)  # the last elements are read in whole vectors
        values[: p.n_inputs] = inputs[:, None]
        with np.errstate(over="ignore"):  # doubles beyond floats are infinite
            values[p.n_inputs : p.first] = p.constants[:, None]
        seeks = np.empty(0, np.int32) if sought is None else sought
        # Not cleared here: the driver clears them at each block.
        adjoints = np.empty((0 if sought is None else p.n_slots, width), dtype)
        results, gradient = (np.empty((blocks, n, width), dtype) for n in (len(wanted), len(seeks)))
        seeds = (np.arange(width) < count - (blocks - 1) * width).astype(dtype)  # 0 in spare lanes
        table = self._table(width)
        counts = {"n": len(p.codes), "n_slots": p.n_slots, "n_mapped": len(mapped), "n_wanted": len(wanted)}
        fields = counts | {
            "blocks": blocks,
            "first": p.first,
            "offsets": p.offsets,
            "operands": p.operands,
            "forward": table[0],
            "backward": table[1],
            "values": values,
            "adjoints": adjoints,
            "mapped": mapped,
            "rows": lanes,
            "wanted": wanted,
            "results": results,
            "gradients": int(sought is not None),
            "root": 0 if sought is None else int(p.outputs[0]),
            "seeds": seeds,
            "n_sought": len(seeks),
            "sought": seeks,
            "gradient": gradient,
            "n_summed": len(sums.slots),
            "summed": sums.slots,
            "sums": sums.lanes,
        }
        block = np.array([_address(fields[name]) for name in BLOCK], np.int64)
        driver(width, self.real)(block.ctypes.data)
        return _by_rows(results)[:count], _by_rows(gradient)[:count]


def _address(x: Any) -> int:
    """A field of the argument block: a number itself, or an array's address."""
    return x if isinstance(x, int) else x.ctypes.data


def _by_rows(lanes: Any) -> Any:
    blocks, n, width = lanes.shape
    return lanes.transpose(0, 2, 1).reshape(blocks * width, n)
