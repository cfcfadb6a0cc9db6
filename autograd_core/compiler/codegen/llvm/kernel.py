"""Straight-line code of a whole program, over lanes of rows: what runs small programs, and large batches.

The interpreter needs no compiling per program, but reads and writes memory at every instruction.
Here a program becomes one function: values and adjoints live in registers, the lanes are rows of
the batch, and gradients of what all rows share are sums of products, added up for many rows at a
time; what depends on nothing else runs once, before and after the rows. That costs about 1 ms of
compiling per edge, once for each program and, thanks to the cache on disk, once for all processes.

Products of the backward sweep follow the zero-path rule, which takes two comparisons per edge.
Where nothing is infinite they change nothing but the sign of zeros, which the sums then lose. So
the code leaves them out, looks whether a gradient came out as NaN, and in that rare case runs once
more with them: a product 0 * inf gives NaN, and no later product or sum can hide it. What a rule
does `rarely`, as a quotient among the subnormals, is NaN at first for the same reason.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ....engine.ops import ROWS
from ....number_systems.llvm import HASTY, LLVM, Delayed, FastModule, Lanes, Literal
from ...ir.program import unreadable
from ...runtime.memory import called_back
from .accumulation import Adjoints
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
from .outer_products import Products, at_once
from .strip_mining import FIELDS, memory, stretches
from .wide_nodes import SUMS, is_wide, read_at_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ....engine.ops import Primitive
    from ...ir.layout import Layout
    from ...ir.program import Program
    from ...passes.batch_invariant import Split
    from .strip_mining import Stages

NUMBERS = ("count", "blocks", "again", "stretch", "n_kept")  # of these; the others are addresses
CALL = ir.FunctionType(VOID, [PTR])
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
)  # then tables, then gradients per row


def read(row: Primitive, rule: Callable[..., Any], xs: Sequence[Any], b: Any, kind: Any, m: Any = LLVM) -> Any:
    """A rule as instructions; xs are `Lanes`, or floats for constants."""
    partials = rule is row.partials
    try:
        if row not in SUMS and is_wide(row, len(xs) - partials):
            return read_at_hand(row, xs, b, kind, hasty=m is HASTY, partials=partials)
        return rule(m, *(x if isinstance(x, Lanes) else Literal(b, kind, x) for x in xs))
    except (TypeError, AttributeError) as error:
        raise unreadable(row, error) from error


class Code:
    """A program written down as instructions, forward and backward."""

    def __init__(
        self, program: Program, b: Any, kind: Any, source: Callable[[int], Any], stages: Stages | None = None
    ) -> None:
        self.program, self.b, self.kind = program, b, kind
        self._turn: Callable[[], bool] = stages.turn if stages else lambda: False
        self._hold: Callable[[Any], Any] = stages.hold if stages else LLVM.number
        self.values: dict[int, Any] = {}
        self._source = source
        self._operands = [program.operands[i:j].tolist() for i, j in pairwise(program.offsets.tolist())]

    def value(self, slot: int) -> Any:
        """What stands in a slot: `Lanes`, or a float for a constant."""
        p = self.program
        if slot not in self.values:
            is_constant = p.n_inputs <= slot < p.first
            self.values[slot] = float(p.constants[slot - p.n_inputs]) if is_constant else self._hold(self._source(slot))
        return self.values[slot]

    def lanes(self, slot: int) -> Any:
        """The same as an LLVM value."""
        z = self.value(slot)
        return z.value if isinstance(z, Lanes) else constant(self.kind, z)

    def forward(self, only: set[int] | None = None) -> None:
        """All instructions in order that have no value yet; or some of them."""
        p = self.program
        for i, operands in enumerate(self._operands):
            if p.first + i in self.values or (only is not None and i not in only):
                continue
            self._turn()
            row = p.primitives[p.codes[i]]
            xs = [self.value(x) for x in operands]
            self.values[p.first + i] = self._hold(LLVM.number(read(row, row.value, xs, self.b, self.kind)))

    def backward(
        self,
        seed: Any,
        sought: Iterable[int],
        send: Callable[[int, Any, Any], bool],
        receive: Callable[[int, Any], None],
        *,
        masked: bool,
    ) -> None:
        """The adjoints of the sought slots.

        Args:
            seed: The first output's adjoint.
            sought: Slots.
            send: Takes a slot, a local derivative and an adjoint; true if it has kept their product elsewhere.
            receive: Takes a sought slot and its adjoint, where there is one.
            masked: Whether 0 wins over infinity and NaN.
        """
        p, root = self.program, int(self.program.outputs[0])
        sought = set(sought)
        needed, left = set(sought), Counter[int]()  # how often something is still to be sent
        for i, operands in enumerate(self._operands):
            if not needed.isdisjoint(operands):
                needed.add(p.first + i)
                left.update(operands)
        seeds = {root: self._hold(Lanes(self.b, seed))} if root in needed else {}
        adjoints = Adjoints(left, lambda slot: seeds.pop(slot, None), self._hold, masked=masked)
        for i in reversed(range(len(self._operands))):
            slot = p.first + i
            self._turn()
            g = adjoints.gather(slot)
            if g is None:
                continue
            if slot in sought:
                receive(slot, g)
            row, operands = p.primitives[p.codes[i]], self._operands[i]
            xs = [self.value(x) for x in (*operands, slot)]
            partials = read(row, row.partials, xs, self.b, self.kind, LLVM if masked else HASTY)
            for operand, d in zip(operands, partials, strict=True):
                if operand in needed and not send(operand, d, g):
                    adjoints.send(operand, d, g)
        for slot in sorted(sought & {*seeds, *adjoints.waiting()}, reverse=True):
            self._turn()
            g = adjoints.gather(slot)
            if g is not None:
                receive(slot, g)


class Kernel:
    """A program as one function over rows.

    Args:
        program: What to run.
        layout: Which inputs and results there are.
        rows: Rows of a block: LANES, or 1 for a single row.
        fast: Whether functions may come from a vector library.
        dtype: What it computes with: float64 or float32.
        parts: The program in two, where something is shared by all rows.
        compiles: Whether code is made where none is kept on disk.

    Raises:
        LookupError: No code is kept, and none is to be made.
    """

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
            (f"grad_{k}" for k in range(len(layout.per_row))),
        )
        self.fields = (*HEAD, *tables, *grads)
        self.address, self._n_kept = self._compiled(masked=False)
        self._masked: tuple[int, int] | None = None
        self.again = called_back(self._run_again)

    def _compiled(self, *, masked: bool) -> tuple[int, int]:
        """Where the code begins, and how many vectors a block of rows keeps for later stages."""
        key = self._key(masked=masked)
        found = kept(key, f"{ENTRY}run")
        if found is not None:
            return found
        if not self._compiles:
            raise LookupError(key)
        # What rows share is computed as in each of them: values must not depend on which gradients are asked for.
        module = FastModule(always=self.rows > 1) if self._fast else ir.Module()
        writer = _Writer(self, ir.Function(module, CALL, f"{ENTRY}run"), masked=masked)
        writer.write()
        [address] = addresses_of(module, [f"{ENTRY}run"], straight=True, key=key, note=writer.n_kept)
        return address, writer.n_kept

    def _key(self, *, masked: bool) -> str:
        """What code is kept under: the program, and how it is to run; "" where a user's rules may change unseen."""
        p = self._whole
        if any(ROWS.get(row.name) is not row for row in p.primitives):
            return ""
        names = [row.name for row in p.primitives]
        arrays = (p.codes, p.offsets, p.operands, p.constants, p.outputs, p.guards)
        return key_of(
            names, p.n_inputs, *(x.tobytes().hex() for x in arrays), self.layout, self.rows, self._fast, self.dtype,
            self.parts is None, masked,
        )  # fmt: skip

    def memory(self, blocks: int, n_kept: int | None = None) -> tuple[Any, tuple[int, int, int]]:
        """For what so many blocks of rows keep."""
        n = self._n_kept if n_kept is None else n_kept
        return memory(n, blocks, self.rows, self.dtype)

    def _run_again(self, block: int) -> None:
        """What the code calls where a gradient came out as NaN: with other code, that keeps other vectors."""
        if self._masked is None:
            self._compiles = True
            self._masked = self._compiled(masked=True)
        address, n_kept = self._masked
        fields = np.array((ctypes.c_int64 * len(self.fields)).from_address(block))
        _memory, about = self.memory(int(fields[self.fields.index("blocks")]), n_kept)
        for name, x in zip(FIELDS, about, strict=True):
            fields[self.fields.index(name)] = x
        ctypes.CFUNCTYPE(None, ctypes.c_int64)(address)(fields.ctypes.data)


class _Writer:
    """The function of a kernel, under construction."""

    def __init__(self, kernel: Kernel, function: Any, *, masked: bool) -> None:
        self.kernel, self.masked = kernel, masked
        self.real, self.kind, self.width = kernel.real, lanes(kernel.rows, kernel.real), kernel.rows
        self.argument = function.args[0]
        self.b = b = ir.IRBuilder(function.append_basic_block())
        self.a = {}
        for k, field in enumerate(kernel.fields):
            x = load(b, I64, self.argument, i64(k))
            self.a[field] = x if field in NUMBERS else b.inttoptr(x, PTR)
        self.n_kept = 0
        self.places = {
            slot: (f"table_{k}", len(table), column)
            for k, table in enumerate(kernel.layout.tables)
            for column, slot in enumerate(table)
        }

    def write(self) -> None:
        """What is shared, all blocks, sums over the rows, what is shared backward; look for NaN."""
        b, a, kernel = self.b, self.a, self.kernel
        n = len(kernel.inner.summed)
        self._pad()
        with loop(b, i64(0), i64(n)) as k:
            store(b, constant(self.kind, 0.0), a["scratch"], k)
        with b.goto_entry_block():
            self.nan, self.seen = b.alloca(self.real), b.alloca(self.kind)
        b.store(constant(self.real, 0.0), self.nan)
        b.store(constant(self.kind, 0.0), self.seen)
        shared = self._shared_forward()
        self._blocks()
        self._look(sum_of_lanes(b, b.load(self.seen, typ=self.kind), self.width))
        self._sum_up(n)
        if shared and kernel.layout.summed:
            self._shared_backward(shared)
        self._finish(len(kernel.layout.summed))
        if kernel.layout.has_gradient and not self.masked:
            x = b.load(self.nan, typ=self.real)
            with b.if_then(b.fcmp_unordered("uno", x, x), likely=False):
                b.call(b.inttoptr(a["again"], CALL.as_pointer()), [self.argument])
        b.ret_void()

    def _blocks(self) -> None:
        """All rows, a stretch of blocks at a time."""
        b, a = self.b, self.a
        if self.width == 1:
            self._rows(lambda: i64(0), None, at_once(b, self.kind, a["scratch"], masked=self.masked))
            return
        with stretches(b, a, a["blocks"], self.width) as stages:
            products = Products(stages, self.kind, a["scratch"], masked=self.masked)
            self._rows(lambda: stages.row, stages, products.send)
            stages.end()
            products.add_up()
            self.n_kept = stages.places

    def _sum_up(self, n: int) -> None:
        """The sums over the rows: for as many at once as there are lanes, lane after lane."""
        b, a, width = self.b, self.a, self.width
        with loop(b, i64(0), i64(n // width)) as group:
            first = b.mul(group, i64(width))
            total = None
            square = [load(b, self.kind, a["scratch"], b.add(first, i64(k))) for k in range(width)]
            for row in _transposed(b, square):
                total = row if total is None else b.fadd(total, row)
            b.store(total, b.gep(a["summed"], [first], source_etype=self.real), align=alignment(self.real))
        for k in range(n - n % width, n):
            store(b, sum_of_lanes(b, load(b, self.kind, a["scratch"], i64(k)), width), a["summed"], i64(k))

    def _finish(self, n: int) -> None:
        """Divide the sums, and look whether one is NaN."""
        b, at = self.b, self.a["summed"]
        divisor = load(b, self.real, self.a["divisor"], i64(0))

        def some(first: Any, kind: Any) -> Any:
            """Those from one on, as many as the kind has lanes; NaN where one of them is."""
            place = b.gep(at, [first], source_etype=self.real)
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

    # --- what all rows share ---

    def _shared_forward(self) -> Code | None:
        """Run the shared part, for the rest to read its results as inputs."""
        parts, b, a = self.kernel.parts, self.b, self.a
        if parts is None:
            return None
        n = self.kernel.n_inputs

        def source(slot: int) -> Any:  # a seed is the sum over the rows, behind those that are asked for
            place = {x: k for k, x in enumerate(parts.layout.summed)}
            if slot < n:
                return Delayed(b, lambda: load(b, self.real, a["shared"], i64(slot)))
            return Delayed(b, lambda: load(b, self.real, a["summed"], i64(place[slot]))) if slot in place else 0.0

        code = Code(parts.first, b, self.real, source)
        code.forward(set(range(len(parts.first.codes) - 1)))
        for k, slot in enumerate(parts.results):
            store(b, code.lanes(slot), a["shared"], i64(n + k))
        return code

    def _shared_backward(self, code: Code) -> None:
        """Sweep the shared part, from the sums that its results' adjoints are."""
        b, a, summed = self.b, self.a, self.kernel.layout.summed
        code.forward()
        place = {slot: k for k, slot in enumerate(summed)}

        def receive(slot: int, g: Any) -> None:
            k = i64(place[slot])
            store(b, b.fadd(load(b, self.real, a["summed"], k), g.value), a["summed"], k)

        code.backward(constant(self.real, 1.0), summed, lambda *_: False, receive, masked=self.masked)

    def _pad(self) -> None:
        """Fill the last block with the last row: what runs in its other lanes must be as harmless."""
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
        """Remember whether some number was NaN; infinities times 0 are asked for so, too."""
        b = self.b
        b.store(b.fadd(b.load(self.nan, typ=self.real), x), self.nan)

    def _source(self, start: Any, slot: int) -> Lanes:
        """An input in a block of rows; a shared one is loaded whenever it is used, which takes less than a register."""
        b = self.b
        if slot in self.places:
            table, n, column = self.places[slot]
            return Lanes(b, self._column(self.a[table], start, n, column))
        return Delayed(b, lambda: spread(b, load(b, self.real, self.a["shared"], i64(slot)), self.kind))

    def _rows(self, start: Callable[[], Any], stages: Stages | None, add: Callable[[int, Any, Any], None]) -> None:
        """The rows of a block, from one on; what is summed over all rows goes to `add`."""
        layout, b, a, kind = self.kernel.inner, self.b, self.a, self.kind
        code = Code(self.kernel.program, b, kind, lambda slot: self._source(start(), slot), stages)
        code.forward()
        for column, slot in zip(layout.places, layout.wanted, strict=True):
            self._put(code.lanes(slot), a["results"], start(), layout.width, column)
        if not layout.has_gradient:
            return
        place = {slot: k for k, slot in enumerate(layout.summed)}
        columns = {slot: (k, column) for k, group in enumerate(layout.per_row) for column, slot in enumerate(group)}
        zero = constant(kind, 0.0)

        def send(slot: int, d: Any, g: Any) -> bool:
            if slot in place:
                add(place[slot], LLVM.number(d), g)
            return slot in place

        def put(slot: int, g: Any) -> None:
            k, column = columns.pop(slot)
            self._put(g, a[f"grad_{k}"], start(), len(layout.per_row[k]), column)

        def receive(slot: int, g: Any) -> None:
            if not send(slot, 1.0, g):
                x = b.fadd(g.value, zero)
                put(slot, x)
                b.store(b.fadd(b.load(self.seen, typ=kind), b.fmul(x, zero)), self.seen)  # NaN of NaN or infinity

        code.backward(self._seed(start()), [*columns, *place], send, receive, masked=self.masked)
        for slot in tuple(columns):
            put(slot, zero)

    def _seed(self, start: Any) -> Any:
        """1 for each row, 0 for the lanes behind the last one."""
        b = self.b
        if self.width == 1:
            return constant(self.real, 1.0)
        kind = ir.VectorType(I64, self.width)
        empty, lane_0 = ir.Constant(kind, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        left = b.sub(self.a["count"], start)
        left = b.shuffle_vector(b.insert_element(empty, left, lane_0), empty, everywhere)
        here = b.icmp_signed("<", ir.Constant(kind, list(range(self.width))), left)
        return b.select(here, constant(self.kind, 1.0), constant(self.kind, 0.0))

    def _column(self, table: Any, start: Any, n: int, column: int) -> Any:
        """One column of a block of rows."""
        b = self.b
        first = b.add(b.mul(start, i64(n)), i64(column))
        if self.width == 1 or n == 1:
            return b.load(b.gep(table, [first], source_etype=self.real), typ=self.kind, align=alignment(self.kind))
        x = ir.Constant(self.kind, ir.Undefined)
        for lane in range(self.width):
            element = load(b, self.real, table, b.add(first, i64(lane * n)))
            x = b.insert_element(x, element, ir.Constant(ir.IntType(32), lane))
        return x

    def _put(self, x: Any, table: Any, start: Any, n: int, column: int) -> None:
        """Write one column of a block of rows."""
        b = self.b
        first = b.add(b.mul(start, i64(n)), i64(column))
        if self.width == 1 or n == 1:
            b.store(x, b.gep(table, [first], source_etype=self.real), align=alignment(self.kind))
            return
        for lane in range(self.width):
            element = b.extract_element(x, ir.Constant(ir.IntType(32), lane))
            store(b, element, table, b.add(first, i64(lane * n)))


def sum_of_lanes(b: Any, x: Any, width: int) -> Any:
    """From the first lane to the last."""
    if width == 1:
        return x
    parts = [b.extract_element(x, ir.Constant(ir.IntType(32), lane)) for lane in range(width)]
    total = parts[0]
    for part in parts[1:]:
        total = b.fadd(total, part)
    return total


def _transposed(b: Any, rows: Sequence[Any]) -> list[Any]:
    """Lanes for rows, of as many vectors as each has lanes."""
    rows, n = list(rows), len(rows)
    apart = n // 2
    while apart:
        for k in (k for k in range(n) if not k & apart):
            x, y = rows[k], rows[k + apart]
            # A mask counts the lanes of x, then those of y.
            low = [lane if not lane & apart else n + lane - apart for lane in range(n)]
            high = [lane + apart if not lane & apart else n + lane for lane in range(n)]
            masks = (ir.Constant(ir.VectorType(ir.IntType(32), n), mask) for mask in (low, high))
            rows[k], rows[k + apart] = (b.shuffle_vector(x, y, mask) for mask in masks)
        apart //= 2
    return rows
