"""What runs a program over rows: memory for inputs and results, and the way from one to the other."""

from __future__ import annotations

import ctypes
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from .kernels import Kernel
    from .program import Program

LANES = 8  # partial sums over rows, in every runner: so all add in one order
MOST_EDGES = 6_000  # of a program that becomes straight-line code: about a second of compiling
CHUNK = 2**20  # slots times rows that an interpreter runs at a time: bounds the memory


class Layout(NamedTuple):
    """Which inputs and results a program's runs have.

    Attributes:
        tables: For each argument with rows, its slots.
        wanted: Slots whose values are results, for each row.
        per_row: Groups of slots whose gradients are sought for each row.
        summed: Slots whose gradients are sought, summed over all rows; inputs that all rows share.
        places: Where in a row of results each wanted slot stands; what is not named stays 0.
        width: How long a row of results is.
    """

    tables: tuple[tuple[int, ...], ...]
    wanted: tuple[int, ...]
    per_row: tuple[tuple[int, ...], ...] = ()
    summed: tuple[int, ...] = ()
    places: tuple[int, ...] = ()
    width: int = 0

    @property
    def has_gradient(self) -> bool:
        """Whether there is a backward sweep."""
        return bool(self.per_row or self.summed)


class Runner(Protocol):
    """Memory for so many rows: write the inputs, run, read the results. All of it is float64, or all float32.

    Attributes:
        shared: Of shape (inputs,); those of arguments with rows are not read.
        tables: Of shape (rows, columns), one for each argument with rows.
        results: Of shape (rows, width).
        per_row: Of shape (rows, slots), one for each group.
        summed: Of shape (summed slots,).
        divisor: Of shape (1,): what the sums are divided by.
    """

    shared: Any
    tables: list[Any]
    results: Any
    per_row: list[Any]
    summed: Any
    divisor: Any

    def run(self) -> None:
        """From the inputs to the results."""


class InterpreterRunner:
    """Runs by an interpreter: any program, at once."""

    def __init__(self, interpreter: Any, layout: Layout, count: int) -> None:
        self.interpreter, self.layout = interpreter, layout
        self.seconds = 0.0  # that the last run took
        self.dtype = dtype = interpreter.dtype
        self.shared = np.zeros(interpreter.program.n_inputs, dtype)
        self.tables = [np.zeros((count, len(slots)), dtype) for slots in layout.tables]
        self.results = np.zeros((count, layout.width), dtype)
        self.per_row = [np.zeros((count, len(slots)), dtype) for slots in layout.per_row]
        self.summed = np.zeros(len(layout.summed), dtype)
        self.divisor = np.ones(1, dtype)
        self._mapped = _slots(slot for table in layout.tables for slot in table)
        self._wanted = _slots(layout.wanted)
        self._sought = _slots([*(slot for group in layout.per_row for slot in group), *layout.summed])

    def run(self) -> None:
        """Chunk by chunk, so that memory stays bounded."""
        began = perf_counter()
        count = len(self.results)
        step = max(CHUNK // (self.interpreter.program.n_slots + 1) // LANES * LANES, 8 * LANES)
        sums = np.zeros((LANES, len(self.summed)), self.dtype)
        for start in range(0, count, step):
            here = slice(start, start + step)
            nothing = np.empty((min(step, count - start), 0), self.dtype)
            rows = np.concatenate([nothing, *(t[here] for t in self.tables)], axis=1)
            sought = self._sought if self.layout.has_gradient else None
            results, gradient = self.interpreter.run(self.shared, self._mapped, rows, self._wanted, sought)
            self.results[here, self.layout.places] = results
            if sought is None:
                continue
            column = 0
            for group in self.per_row:
                group[here] = gradient[:, column : column + group.shape[1]]
                column += group.shape[1]
            _add_in_lanes(sums, gradient[:, column:])
        with np.errstate(all="ignore"):  # inf - inf, and sums beyond all doubles
            total = sums[0]
            for lane in sums[1:]:
                total = total + lane
            self.summed[:] = total / self.divisor
        self.seconds = perf_counter() - began


def _slots(slots: Any) -> Any:
    return np.fromiter(slots, np.int32)


def _add_in_lanes(sums: Any, rows: Any) -> None:
    """Row after row into one partial sum of several, as vector code adds them."""
    with np.errstate(all="ignore"):
        for start in range(0, len(rows), LANES):
            block = rows[start : start + LANES]
            sums[: len(block)] += block


class KernelRunner:
    """Runs by compiled code of the whole program."""

    def __init__(self, kernel: Kernel, count: int) -> None:
        self.kernel = kernel
        layout = kernel.layout
        blocks = -(-count // kernel.width)
        rows = blocks * kernel.width  # the last block is padded
        dtype = kernel.dtype
        self.shared, self.summed = np.zeros(kernel.program.n_inputs, dtype), np.zeros(len(layout.summed), dtype)
        results = np.zeros((rows, layout.width), dtype)
        tables = [np.zeros((rows, len(slots)), dtype) for slots in layout.tables]
        per_row = [np.zeros((rows, len(slots)), dtype) for slots in layout.per_row]
        scratch = np.zeros((len(layout.summed), kernel.width), dtype)
        self.divisor = np.ones(1, dtype)
        arrays = [self.shared, scratch, self.summed, results, self.divisor]
        again = ctypes.cast(kernel.again, ctypes.c_void_p).value
        fields = [count, blocks, *(x.ctypes.data for x in arrays), again, *(x.ctypes.data for x in (*tables, *per_row))]
        self._kept = scratch
        self.block = np.array(fields, np.int64)
        self.tables, self.per_row = [t[:count] for t in tables], [g[:count] for g in per_row]
        self.results = results[:count]
        self._call = ctypes.CFUNCTYPE(None, ctypes.c_int64)(kernel.address)
        self.address, self.at = kernel.address, self.block.ctypes.data
        self.work = len(kernel.program.operands) * blocks

    def run(self) -> None:
        """In one call, without the interpreter lock."""
        self._call(self.at)


def interpreter_of(program: Program, *, fast: bool, dtype: str) -> Any:
    """LLVM's interpreter where llvmlite can be loaded, else NumPy's."""
    try:
        from .interpreter import Interpreter
    except (ImportError, OSError) as error:  # not installed, too old; or its library is broken
        from .numpy_interpreter import NumpyInterpreter

        return NumpyInterpreter(program, str(error), dtype)
    return Interpreter(program, fast=fast, dtype=dtype)
