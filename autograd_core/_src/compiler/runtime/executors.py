"""Runners: memory for inputs and results, with the code that computes one from the other.

A runner is made for one batch size and serves one call at a time; `kept_executors` keeps it for the next one. All
runners go through a batch in the same chunks and lanes, so that sums have the same bits whichever runs (docs/adr/0014).
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .memory import LANES, LaneSums, address, zeros_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..codegen.llvm.kernel import Kernel
    from ..ir.layout import Layout
    from ..ir.program import Program
    from ..passes.batch_invariant import Split

CHUNK = 2**14  # examples; sums are formed per chunk and then added, so they do not depend on threads
# The thread's own time: what other processes take of the processor lengthens calls and compiling alike.
clock = getattr(time, "thread_time", time.perf_counter)
MOST_NUMBERS = 2**20  # numbers that an interpreter keeps at a time; bounds the memory


class Runner(Protocol):
    """Memory for a batch of one size: write the inputs, run, read the results. All arrays are float64, or all float32.

    Attributes:
        shared: Of shape (inputs,); those of batched arguments are not read.
        tables: Of shape (rows, columns), one for each batched argument.
        results: Of shape (rows, width).
        per_example: Of shape (rows, slots), one for each group of inputs.
        summed: Of shape (summed slots,).
        divisor: Of shape (1,): what the sums are divided by.
        serves: For which runs it is kept.
        used: When it was used last, in runs of the process.
        called: Whether call stubs have used it since `kept_executors.sweep` last looked at all runners.
        bytes: Of its arrays.
        is_native: Whether a run is one call of machine code.
        hands: The parts of it that a call stub uses, for each kind of stub.
    """

    shared: Any
    tables: list[Any]
    results: Any
    per_example: list[Any]
    summed: Any
    divisor: Any
    serves: Any
    used: int
    called: bool
    bytes: int
    is_native: bool
    hands: list[Any]

    def run(self) -> None:
        """Compute the results from the inputs."""


class InterpreterRunner:
    """Runs any program on an interpreter, without compiling."""

    serves: Any = None
    is_native = False
    hands: Any = ()
    used, called = 0, False

    def __init__(self, interpreter: Any, layout: Layout, count: int, shared: SharedPart | None = None) -> None:
        self.interpreter, self.part = interpreter, shared
        self.seconds = 0.0  # the duration of the last run
        self.dtype = dtype = interpreter.dtype
        inner = layout if shared is None else shared.split.layout
        self._inputs = np.zeros(interpreter.program.n_inputs, dtype)
        self.shared = self._inputs if shared is None else self._inputs[: -len(shared.split.results)]
        self._has_gradient, self._places = layout.has_gradient, layout.places
        self.tables = [np.zeros((count, len(slots)), dtype) for slots in layout.tables]
        self.results = np.zeros((count, layout.width), dtype)
        self.per_example = [np.zeros((count, len(slots)), dtype) for slots in layout.per_example]
        self.summed = np.zeros(len(layout.summed), dtype)
        self.divisor = np.ones(1, dtype)
        self._mapped = _slots(slot for table in layout.tables for slot in table)
        self._wanted = _slots(inner.wanted)
        self._sought = _slots(slot for group in inner.per_example for slot in group)
        self._summed, self._width = _slots(inner.summed), LANES if layout.tables else 1
        self.bytes = _bytes(self._inputs, *self.tables, self.results, *self.per_example)

    def run(self) -> None:
        """Run chunk by chunk, as all runners do."""
        # Before the clock starts: what is loaded once is not what a further run takes, by which compiling is decided.
        sought = self._sought if self._has_gradient else None
        self.interpreter.load(self._width, self._wanted, sought, self._summed)
        began = clock()
        count = len(self.results)
        total: Any = None
        if self.part:
            self._inputs[len(self.shared) :] = self.part.values(self.shared)
        for start in range(0, max(count, 1), CHUNK):
            sums = LaneSums(self._summed, self._width, self.dtype)
            self._chunk(start, min(start + CHUNK, count), sums)
            with np.errstate(all="ignore"):  # inf - inf, and sums beyond all doubles
                mine = sums.total()
                if self.part and len(self.summed):
                    mine = self.part.gradient(self.shared, mine) + 0.0
                total = mine if total is None else total + mine
        with np.errstate(all="ignore"):
            self.summed[:] = total / self.divisor
        self.seconds = clock() - began

    def _chunk(self, start: int, stop: int, sums: LaneSums) -> None:
        """Run some examples, as many at a time as the memory limit allows."""
        # Whole blocks of lanes: example k must be added to lane k mod LANES wherever the memory limit cuts the batch.
        step = max(MOST_NUMBERS // (self.interpreter.numbers_per_example + 1) // LANES * LANES, 8 * LANES)
        for first in range(start, stop, step):
            here = slice(first, min(first + step, stop))
            nothing = np.empty((here.stop - here.start, 0), self.dtype)
            rows = np.concatenate([nothing, *(t[here] for t in self.tables)], axis=1)
            sought = self._sought if self._has_gradient else None
            results, gradient = self.interpreter.run(self._inputs, self._mapped, rows, self._wanted, sought, sums)
            self.results[here, self._places] = results
            if sought is None:
                continue
            column = 0
            for group in self.per_example:
                # -0.0 becomes 0.0, as in kernels: without strict zero the sign of zeros is arbitrary.
                group[here] = gradient[:, column : column + group.shape[1]] + 0.0
                column += group.shape[1]


class SharedPart:
    """Runs the part that depends on shared inputs alone, once for all examples.

    Args:
        parts: The program in two.
        summed: Slots whose gradients are sought.
        interpreter: That of the first part.
    """

    def __init__(self, parts: Split, summed: Sequence[int], interpreter: Any) -> None:
        self.split, n, dtype = parts, parts.first.n_inputs, interpreter.dtype
        self._interpreter = interpreter
        self._results, self._summed = _slots(parts.results), _slots(summed)
        self._seeds = _slots(parts.layout.summed[len(summed) :])  # whose adjoints the rest sums up
        self._inputs, self._none = np.zeros(n, dtype), np.empty((1, 0), dtype)

    def values(self, shared: Any) -> Any:
        """Compute the results that the rest reads."""
        return self._run(shared, None, self._results)[0][0]

    def gradient(self, shared: Any, sums: Any) -> Any:
        """The sums over examples that the rest gave, plus what flows back through the shared part's results."""
        # The part's output is sum(seed * result), with seeds as inputs (`batch_invariant._first`): so an ordinary sweep
        # from that one output starts from all adjoints that the rest gave.
        n = len(self._summed)
        self._inputs[self._seeds] = sums[n:]
        return sums[:n] + self._run(shared, self._summed, self._summed[:0])[1][0]

    def _run(self, shared: Any, sought: Any, wanted: Any) -> Any:
        self._inputs[: len(shared)] = shared
        as_in_lanes = LaneSums(_slots(()), LANES, self._none.dtype)
        return self._interpreter.run(self._inputs, _slots(()), self._none, wanted, sought, as_in_lanes)


def _bytes(*arrays: Any) -> int:
    return sum(x.nbytes for x in arrays)


def _slots(slots: Any) -> Any:
    return np.fromiter(slots, np.int32)


class KernelRunner:
    """Runs compiled code of the whole program, one call per chunk of examples."""

    serves: Any = None
    used, called = 0, False

    def __init__(self, kernel: Kernel, count: int) -> None:
        self.kernel = kernel
        layout = kernel.layout
        rows = -(-count // kernel.rows) * kernel.rows  # the last block is padded
        dtype = kernel.dtype
        n_summed, columns = len(kernel.inner.summed), [*layout.tables, *layout.per_example]
        # One piece of memory, and one array of fields with the addresses in it: a call passes a single integer, since
        # ctypes takes long over each argument. The fields stand in the order of `Kernel.fields`.
        shapes = [kernel.program.n_inputs, n_summed, (n_summed, kernel.rows), (rows, layout.width)]
        memory = zeros_together([*shapes, *((rows, len(slots)) for slots in columns)], dtype)
        shared, summed, scratch, results, *rest = memory
        tables, per_example = rest[: len(layout.tables)], rest[len(layout.tables) :]
        kept, about = kernel.memory(min(rows, CHUNK) // kernel.rows)
        self.shared, self.divisor, self.is_native = shared[: kernel.n_inputs], np.ones(1, dtype), count <= CHUNK
        self._part = summed[: len(layout.summed)]
        self.summed, divisor = (self._part, self.divisor) if self.is_native else (self._part.copy(), np.ones(1, dtype))
        again = ctypes.cast(kernel.again, ctypes.c_void_p).value
        self.blocks = []
        for start in range(0, max(count, 1), CHUNK):
            here = min(CHUNK, count - start)
            arrays = [shared, scratch, summed, results[start:], divisor]
            fields = [here, -(-here // kernel.rows), *(x.ctypes.data for x in arrays), again]
            fields += [*about, *(x[start:].ctypes.data for x in (*tables, *per_example))]
            self.blocks.append(np.array(fields, np.int64))
        self.tables, self.per_example = [t[:count] for t in tables], [g[:count] for g in per_example]
        self.results = results[:count]
        self._writes_all = len({*layout.places}) == layout.width  # and not those that are always 0
        self.hands = [None] * 3
        self._call = ctypes.CFUNCTYPE(None, ctypes.c_int64)(kernel.address)
        self.address, self.at = kernel.address, self.blocks[0].ctypes.data
        self.work = len(kernel.program.operands) * (rows // kernel.rows)
        # The argument with which the code gives means, whatever the divisor is to others; of one chunk of examples.
        means, n = self.blocks[0].copy(), np.full(1, count, dtype)
        means[kernel.fields.index("divisor")] = n.ctypes.data
        self._means, self.at_means = means, means.ctypes.data
        self._memory = shared, summed, scratch, kept, divisor, n
        self.bytes = _bytes(shared, summed, scratch, kept, results, *tables, *per_example)

    def run_in_place(
        self, tables: Sequence[Any], results: Any, per_example: Sequence[Any], *, means: bool = False
    ) -> bool:
        """Run on arrays of the caller's instead of its own, which saves copies; only sums are its own.

        Args:
            tables: As `self.tables`.
            results: Likewise.
            per_example: Likewise.
            means: Whether sums are divided by the batch size, whatever the divisor is.

        Returns:
            Whether it did: the code reads and writes whole blocks of examples, of arrays like its own.
        """
        # Only whole blocks: the code writes the spare lanes of a last one, too, and there the caller's arrays end.
        arrays = (*tables, results, *per_example)
        if not self.is_native or len(results) % self.kernel.rows or results.shape != self.results.shape:
            return False
        if not all(x.dtype == self.kernel.dtype and x.flags.c_contiguous and x.flags.aligned for x in arrays):
            return False
        if not self._writes_all:
            results[:] = 0.0
        fields, n = (self._means if means else self.blocks[0]).copy(), len(self.kernel.fields)
        fields[self.kernel.fields.index("results")] = address(results)
        fields[n - len(arrays) + 1 :] = [address(x) for x in (*tables, *per_example)]
        self._call(fields.ctypes.data)
        return True

    def run(self) -> None:
        """Run with the GIL released."""
        self._call(self.at)
        if self.is_native:
            return
        with np.errstate(all="ignore"):  # inf - inf, and sums beyond all doubles
            total = self._part.copy()
            for block in self.blocks[1:]:
                self._call(block.ctypes.data)
                total += self._part
            self.summed[:] = total / self.divisor


def processors() -> int:
    """How many processors this process may use."""
    # In a container or under `taskset` that is fewer than the machine has; Windows and macOS do not tell.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def interpreter_of(program: Program, *, fast: bool, dtype: str) -> Any:
    """LLVM's interpreter if llvmlite can be loaded, else NumPy's."""
    try:
        from ..codegen.llvm.vm import Interpreter
    except (ImportError, OSError) as error:  # not installed, too old; or its library is broken
        from .numpy_vm import NumpyInterpreter

        return NumpyInterpreter(program, str(error), dtype)
    return Interpreter(program, fast=fast, dtype=dtype)
