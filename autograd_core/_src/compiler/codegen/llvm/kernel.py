"""Kernels: a whole program as one function of straight-line code, an example of the batch per lane.

For small programs, and for large batches. The interpreter needs no compiling per program, but reads and writes
memory at every instruction. Here a program becomes one function (`straight_line`), whose values and adjoints live
in registers. Gradients with respect to shared
arguments are sums of products over the batch, added up for many examples at a time. The part of the program
that depends on shared arguments alone runs once, before the examples, and its backward sweep once after them.
Compiling takes about 1 ms per edge, once per program; the cache on disk serves later processes.

The backward sweep's products have strict zero (0 * inf is 0), which would take two comparisons per edge. Where
nothing is infinite that changes nothing but the sign of zeros, and the sums lose that sign anyway. So the
code is first compiled without strict zero. If a gradient comes out as NaN, the sweep runs again with it: a
product 0 * inf gives NaN, and no later product or sum can hide that. Branches that a rule marks as rare,
such as a quotient of subnormals, are NaN in the first code for the same reason (docs/adr/0010, 0013).
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ....engine.ops import PRIMITIVES
from ....number_systems.llvm import LLVM, Delayed, Lanes
from ....number_systems.llvm_functions import FastModule
from ...runtime.memory import called_back
from .jit import (
    ENTRY,
    I64,
    PTR,
    VOID,
    addresses_of,
    alignment,
    constant,
    i64,
    kept,
    key_of,
    lanes,
    load,
    loop,
    real_of,
    spread,
    store,
)
from .outer_products import OuterProducts, at_once
from .straight_line import StraightLineCode
from .strip_mining import FIELDS, memory, strips

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...ir.layout import Layout
    from ...ir.program import Program
    from ...passes.batch_invariant import Split
    from .strip_mining import Stages

# The function takes the address of one array of 64-bit fields: HEAD, then the tables, then the gradients per example.
# ctypes takes long over many arguments.
INTEGER_FIELDS = ("count", "blocks", "again", "strip", "n_kept")  # fields that are integers; the others are addresses
CALLBACK = ir.FunctionType(VOID, [PTR])
HEAD = (
    "count",
    "blocks",
    "shared",
    "scratch",
    "summed",
    "results",
    "divisor",
    "again",
    *FIELDS,
)


def program_key(program: Program, *about: Any) -> str:
    """The cache key of a program's code, and how it is to run; "" for a program with a user's primitives."""
    # A built-in rule is identified by its name and the digest of our files. A user's rule may change, its name not.
    if any(PRIMITIVES.get(primitive.name) is not primitive for primitive in program.primitives):
        return ""
    names = [primitive.name for primitive in program.primitives]
    p = program
    arrays = (p.codes, p.offsets, p.operands, p.constants, p.outputs, p.guards)
    return key_of(names, p.n_inputs, *(x.tobytes().hex() for x in arrays), *about)


class Kernel:
    """A program compiled to one function over a batch.

    Args:
        program: The program.
        layout: Its inputs and results.
        rows: Examples of a block: LANES, or 1 for a single example.
        fast: Whether functions may come from a vector library.
        dtype: The precision, float64 or float32.
        parts: The program split into a shared and a per-example part, if anything is shared by all examples.
        compiles: Whether to compile if the cache on disk has no code.

    Raises:
        LookupError: The cache has no code, and `compiles` is false.

    Attributes:
        writer: What writes the code.
    """

    writer: type[KernelWriter]

    def __init__(
        self,
        program: Program,
        layout: Layout,
        rows: int,
        *,
        fast: bool,
        dtype: str = "float64",
        parts: Split | None = None,
        compiles: bool = True,
    ) -> None:
        self._compiles, self._whole = compiles, program
        self._fast, self.dtype = fast, np.dtype(dtype)
        self.real = real_of(self.dtype)
        self.layout, self.rows, self.parts = layout, rows, parts
        self.program, self.inner = (program, layout) if parts is None else (parts.rest, parts.layout)
        self.n_inputs = program.n_inputs
        tables, grads = (
            (f"table_{k}" for k in range(len(layout.tables))),
            (f"grad_{k}" for k in range(len(layout.per_example))),
        )
        self.fields = (*HEAD, *tables, *grads)
        self.address, self._n_kept = self._compiled(strict_zero=False)
        self._strict: tuple[int, int] | None = None  # the code with strict zero, compiled on first use
        self.again = called_back(self._run_again)

    def _compiled(self, *, strict_zero: bool) -> tuple[int, int]:
        """The code's address, and how many vectors a block of examples keeps for later stages."""
        # Looked up before any LLVM text exists: writing the text takes about as long as compiling it.
        about = self.writer.__name__, self.layout, self.rows, self._fast, self.dtype, self.parts is None, strict_zero
        key = program_key(self._whole, *about)
        found = kept(key, f"{ENTRY}run")
        if found is not None:
            return found
        if not self._compiles:
            raise LookupError(key)
        # The shared part calls the lanes' functions as well (`always`): whether something is shared depends on which
        # gradients are asked for, and values must not (docs/adr/0014).
        module = FastModule(always=self.rows > 1) if self._fast else ir.Module()
        writer = self.writer(self, ir.Function(module, CALLBACK, f"{ENTRY}run"), strict_zero=strict_zero)
        writer.write()
        [address] = addresses_of(module, [f"{ENTRY}run"], straight=True, key=key, note=writer.n_kept)
        return address, writer.n_kept

    def memory(self, blocks: int, n_kept: int | None = None) -> tuple[Any, tuple[int, int, int]]:
        """Memory for the vectors that blocks keep for later stages; see `strip_mining.memory`."""
        n = self._n_kept if n_kept is None else n_kept
        return memory(n, blocks, self.rows, self.dtype)

    def _run_again(self, block: int) -> None:
        """Run the same arguments with strict zero. The code calls this when a gradient came out as NaN."""
        # The strict code keeps other vectors between its stages, so it gets a copy of the arguments with its memory.
        if self._strict is None:
            self._compiles = True
            self._strict = self._compiled(strict_zero=True)
        address, n_kept = self._strict
        fields = np.array((ctypes.c_int64 * len(self.fields)).from_address(block))
        _memory, about = self.memory(int(fields[self.fields.index("blocks")]), n_kept)
        for name, x in zip(FIELDS, about, strict=True):
            fields[self.fields.index(name)] = x
        ctypes.CFUNCTYPE(None, ctypes.c_int64)(address)(fields.ctypes.data)


class KernelWriter:
    """Writes a kernel's function: all examples in straight-line code."""

    def __init__(self, kernel: Kernel, function: Any, *, strict_zero: bool) -> None:
        self.kernel, self.strict_zero = kernel, strict_zero
        self.real, self.kind, self.width = kernel.real, lanes(kernel.rows, kernel.real), kernel.rows
        self.argument = function.args[0]
        self.b = b = ir.IRBuilder(function.append_basic_block())
        self.a = {}
        for k, field in enumerate(kernel.fields):
            x = load(b, I64, self.argument, i64(k))
            self.a[field] = x if field in INTEGER_FIELDS else b.inttoptr(x, PTR)
        self.n_kept = 0
        # Where each per-example input is: its table, the table's width, and the column. All other inputs are shared.
        self.places = {
            slot: (f"table_{k}", len(table), column)
            for k, table in enumerate(kernel.layout.tables)
            for column, slot in enumerate(table)
        }

    def write(self) -> None:
        """Write the shared part, all blocks, sums over the batch, the shared part's reverse sweep, the test for NaN."""
        b, a, kernel = self.b, self.a, self.kernel
        n = len(kernel.inner.summed)  # with the adjoints of the shared part's results
        self._pad()
        with loop(b, i64(0), i64(n)) as k:
            store(b, constant(self.kind, 0.0), a["scratch"], k)
        # LLVM promotes to registers only what the entry block allocates.
        with b.goto_entry_block():
            self.nan, self.seen = b.alloca(self.real), b.alloca(self.kind)
        b.store(constant(self.real, 0.0), self.nan)
        b.store(constant(self.kind, 0.0), self.seen)
        # One NaN anywhere makes `nan` NaN and leads to a second run of everything: NaN is rare, and a test per example
        # or per gradient would cost each run.
        shared = self._shared_forward()
        self._blocks()
        self._look(sum_of_lanes(b, b.load(self.seen, typ=self.kind), self.width))
        self._sum_up(n)
        if shared and kernel.layout.summed:
            self._shared_backward(shared)
        self._finish(len(kernel.layout.summed))
        # The strict code makes no such call: a NaN that is left there is the answer.
        if kernel.layout.has_gradient and not self.strict_zero:
            x = b.load(self.nan, typ=self.real)
            with b.if_then(b.fcmp_unordered("uno", x, x), likely=False):
                b.call(b.inttoptr(a["again"], CALLBACK.as_pointer()), [self.argument])
        b.ret_void()

    def _blocks(self) -> None:
        """Write the code for all examples."""
        b, a = self.b, self.a
        # A single example leaves nothing to overlap: no stages, and each product is added to its sum at once.
        if self.width == 1:
            self._rows(lambda: i64(0), None, at_once(b, self.kind, a["scratch"], strict_zero=self.strict_zero))
            return
        # The factors of sums over the batch are kept by the stages, and multiplied after them (docs/adr/0013).
        with strips(b, a, a["blocks"], self.kind) as stages:
            products = OuterProducts(stages, self.kind, a["scratch"], strict_zero=self.strict_zero)
            self._rows(lambda: stages.row, stages, products.send)
            stages.end()
            products.add_up()
            self.n_kept = stages.places

    def _sum_up(self, n: int) -> None:
        """Add up the lanes of each sum, from the first to the last."""
        b, a, width = self.b, self.a, self.width
        # `width` sums at a time are transposed, so that adding lane k of each is one vector addition. Each sum still
        # adds its lanes from first to last, as the interpreter does (docs/adr/0014).
        with loop(b, i64(0), i64(n // width)) as group:
            first = b.mul(group, i64(width))
            total = None
            square = [load(b, self.kind, a["scratch"], b.add(first, i64(k))) for k in range(width)]
            for row in transposed(b, square):
                total = row if total is None else b.fadd(total, row)
            b.store(total, b.gep(a["summed"], [first], source_etype=self.real), align=alignment(self.real))
        for k in range(n - n % width, n):
            store(b, sum_of_lanes(b, load(b, self.kind, a["scratch"], i64(k)), width), a["summed"], i64(k))

    def _finish(self, n: int) -> None:
        """Divide the sums by the divisor, and test them for NaN."""
        b, at = self.b, self.a["summed"]
        divisor = load(b, self.real, self.a["divisor"], i64(0))

        def some(first: Any, kind: Any) -> Any:
            """Divide as many sums as the kind has lanes, from index `first` on; returns the sums times 0."""
            place = b.gep(at, [first], source_etype=self.real)
            # Adding 0.0 turns -0.0 into 0.0: without strict zero the sign of zeros is arbitrary.
            total = b.fadd(b.load(place, typ=kind, align=alignment(self.real)), constant(kind, 0.0))
            b.store(b.fdiv(total, spread(b, divisor, kind)), place, align=alignment(self.real))
            return b.fmul(total, constant(kind, 0.0))

        with b.goto_entry_block():
            seen = b.alloca(self.kind)
        b.store(constant(self.kind, 0.0), seen)
        with loop(b, i64(0), i64(n // self.width)) as group:
            found = some(b.mul(group, i64(self.width)), self.kind)
            b.store(b.fadd(b.load(seen, typ=self.kind), found), seen)
        self._look(sum_of_lanes(b, b.load(seen, typ=self.kind), self.width))
        for k in range(n - n % self.width, n):
            self._look(some(i64(k), self.real))

    # --- the part that depends on shared arguments alone (docs/adr/0011) ---

    def _shared_forward(self) -> StraightLineCode | None:
        """Write the shared part; its results become inputs of the rest."""
        parts, b, a = self.kernel.parts, self.b, self.a
        if parts is None:
            return None
        n = self.kernel.n_inputs

        # The shared part's inputs from n on are seeds for its backward sweep: the adjoints of its results, summed
        # over the batch. `_sum_up` leaves them in `summed`, after the sums that the caller asked for.
        def source(slot: int) -> Any:
            place = {x: k for k, x in enumerate(parts.layout.summed)}
            if slot < n:
                return Delayed(b, lambda: load(b, self.real, a["shared"], i64(slot)))
            return Delayed(b, lambda: load(b, self.real, a["summed"], i64(place[slot]))) if slot in place else 0.0

        code = StraightLineCode(parts.first, b, self.real, source)
        # All but the last instruction: that is the dot product of seeds and results, and there are no seeds yet.
        code.forward(set(range(len(parts.first.codes) - 1)))
        for k, slot in enumerate(parts.results):
            store(b, code.lanes(slot), a["shared"], i64(n + k))
        return code

    def _shared_backward(self, code: StraightLineCode) -> None:
        """Write the shared part's backward sweep, seeded with the summed adjoints of its results."""
        b, a, summed = self.b, self.a, self.kernel.layout.summed
        code.forward()
        place = {slot: k for k, slot in enumerate(summed)}

        def receive(slot: int, g: Any) -> None:
            k = i64(place[slot])
            store(b, b.fadd(load(b, self.real, a["summed"], k), g.value), a["summed"], k)

        # The seeds enter through the dot product, whose adjoint is 1; shared inputs have no further sum to go to.
        code.backward(constant(self.real, 1.0), summed, lambda *_: False, receive, strict_zero=self.strict_zero)

    def _pad(self) -> None:
        """Fill the spare lanes of the last block with copies of the last example."""
        # Garbage there could be infinite or NaN and cause a second run; copies are as harmless as the example itself.
        b, a = self.b, self.a
        if self.width == 1:
            return
        rows = b.mul(a["blocks"], i64(self.width))
        last = b.sub(a["count"], i64(1))
        for k, table in enumerate(self.kernel.layout.tables):
            base, n = a[f"table_{k}"], i64(len(table))
            with loop(b, a["count"], rows) as row, loop(b, i64(0), n) as column:
                store(b, load(b, self.real, base, b.add(b.mul(last, n), column)), base, b.add(b.mul(row, n), column))

    def _look(self, x: Any) -> None:
        """Add to `nan`, which stays NaN from the first NaN on."""
        # Callers pass x · 0, so that one test for NaN also catches infinities.
        b = self.b
        b.store(b.fadd(b.load(self.nan, typ=self.real), x), self.nan)

    def _source(self, start: Any, slot: int) -> Lanes:
        """An input in a block of examples."""
        b = self.b
        if slot in self.places:
            table, n, column = self.places[slot]
            return Lanes(b, self._column(self.a[table], start, n, column))
        # Loaded at each use: a network's weights would not fit into registers, and a load is cheaper than a spill.
        return Delayed(b, lambda: spread(b, load(b, self.real, self.a["shared"], i64(slot)), self.kind))

    def _rows(self, start: Callable[[], Any], stages: Stages | None, add: Callable[[int, Any, Any], None]) -> None:
        """Write the code of one block, from example `start()` on; `add` takes what is summed over all examples."""
        layout, b, a, kind = self.kernel.inner, self.b, self.a, self.kind
        code = StraightLineCode(self.kernel.program, b, kind, lambda slot: self._source(start(), slot), stages)
        code.forward()
        for column, slot in zip(layout.places, layout.wanted, strict=True):
            self._put(code.lanes(slot), a["results"], start(), layout.width, column)
        if not layout.has_gradient:
            return
        place = {slot: k for k, slot in enumerate(layout.summed)}
        columns = {slot: (k, column) for k, group in enumerate(layout.per_example) for column, slot in enumerate(group)}
        zero = constant(kind, 0.0)

        # A shared input has no adjoint per example: each product goes to its sum over the batch.
        def send(slot: int, d: Any, g: Any) -> bool:
            if slot in place:
                add(place[slot], LLVM.number(d), g)
            return slot in place

        def put(slot: int, g: Any) -> None:
            k, column = columns.pop(slot)
            self._put(g, a[f"grad_{k}"], start(), len(layout.per_example[k]), column)

        def receive(slot: int, g: Any) -> None:
            if not send(slot, 1.0, g):
                x = b.fadd(g.value, zero)  # -0.0 becomes 0.0, as in `_finish`
                put(slot, x)
                # Accumulated in lanes and looked at once after all blocks; x · 0 is NaN if x is NaN or infinite.
                b.store(b.fadd(b.load(self.seen, typ=kind), b.fmul(x, zero)), self.seen)

        code.backward(self._seed(start()), [*columns, *place], send, receive, strict_zero=self.strict_zero)
        # `put` has removed the columns that got an adjoint; no path leads to the others.
        for slot in tuple(columns):
            put(slot, zero)

    def _seed(self, start: Any) -> Any:
        """The root's adjoint: 1 for each example, 0 in spare lanes, which so contribute 0 to sums over the batch."""
        b = self.b
        if self.width == 1:
            return constant(self.real, 1.0)
        kind = ir.VectorType(I64, self.width)
        left = spread(b, b.sub(self.a["count"], start), kind)
        here = b.icmp_signed("<", ir.Constant(kind, list(range(self.width))), left)
        return b.select(here, constant(self.kind, 1.0), constant(self.kind, 0.0))

    def _column(self, table: Any, start: Any, n: int, column: int) -> Any:
        """Load one column of a block of examples."""
        b = self.b
        # A table of one column is a vector load at any row, so it is aligned to single numbers only.
        first = b.add(b.mul(start, i64(n)), i64(column))
        if self.width == 1 or n == 1:
            return b.load(b.gep(table, [first], source_etype=self.real), typ=self.kind, align=alignment(self.kind))
        # Tables are row-major, so the lanes of a column lie `n` numbers apart.
        x = ir.Constant(self.kind, None)
        for lane in range(self.width):
            element = load(b, self.real, table, b.add(first, i64(lane * n)))
            x = b.insert_element(x, element, ir.Constant(ir.IntType(32), lane))
        return x

    def _put(self, x: Any, table: Any, start: Any, n: int, column: int) -> None:
        """Write one column of a block of examples."""
        b = self.b
        first = b.add(b.mul(start, i64(n)), i64(column))
        if self.width == 1 or n == 1:
            b.store(x, b.gep(table, [first], source_etype=self.real), align=alignment(self.kind))
            return
        for lane in range(self.width):
            element = b.extract_element(x, ir.Constant(ir.IntType(32), lane))
            store(b, element, table, b.add(first, i64(lane * n)))


Kernel.writer = KernelWriter


def sum_of_lanes(b: Any, x: Any, width: int) -> Any:
    """The sum of a vector's lanes, from the first to the last: the order is part of the result's bits."""
    if width == 1:
        return x
    parts = [b.extract_element(x, ir.Constant(ir.IntType(32), lane)) for lane in range(width)]
    total = parts[0]
    for part in parts[1:]:
        total = b.fadd(total, part)
    return total


def transposed(b: Any, rows: Sequence[Any]) -> list[Any]:
    """The transpose of a square of lanes."""
    rows, n = list(rows), len(rows)
    # Swaps ever smaller off-diagonal squares: n log n shuffles, where element by element takes n² moves.
    apart = n // 2
    while apart:
        for k in (k for k in range(n) if not k & apart):
            x, y = rows[k], rows[k + apart]
            # A shuffle's mask counts the lanes of x first, then those of y.
            low = [lane if not lane & apart else n + lane - apart for lane in range(n)]
            high = [lane + apart if not lane & apart else n + lane for lane in range(n)]
            masks = (ir.Constant(ir.VectorType(ir.IntType(32), n), mask) for mask in (low, high))
            rows[k], rows[k + apart] = (b.shuffle_vector(x, y, mask) for mask in masks)
        apart //= 2
    return rows
