"""Straight-line code of a whole program, over lanes of rows: what runs small programs, and large batches.

The interpreter needs no compiling per program, but reads and writes memory at every instruction.
Here a program becomes one function: values and adjoints live in registers, the lanes are rows of
the batch, and gradients of what all rows share are summed in place. That costs about 0.2 ms of
compiling per edge, once for each program and, thanks to the cache on disk, once for all processes.

Products of the backward sweep follow the zero-path rule, which takes two comparisons per edge.
Where nothing is infinite they change nothing but the sign of zeros, which the sums then lose. So
the code leaves them out, looks whether a gradient came out as NaN, and in that rare case runs once
more with them: a product 0 * inf gives NaN, and no later product or sum can hide it.
"""

from __future__ import annotations

import ctypes
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ..number_systems.llvm import LLVM, FastModule, Lanes
from ..ops import ROWS
from .machine import (
    ENTRY,
    I64,
    PTR,
    VOID,
    addresses_of,
    alignment,
    constant,
    i64,
    lanes,
    load,
    loop,
    real_of,
    spread,
    store,
)
from .program import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from ..ops import Primitive
    from .program import Program
    from .runners import Layout

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
)  # then tables, then gradients per row


def read(row: Primitive, rule: Callable[..., Any], xs: Sequence[Any], b: Any, kind: Any) -> Any:
    """A rule as instructions; xs are `Lanes`, or floats for constants."""
    try:
        try:
            return rule(LLVM, *xs)
        except ArithmeticError:  # 1 / 0.0, of which Python makes an error, and a processor infinity
            return rule(LLVM, *(x if isinstance(x, Lanes) else Lanes(b, constant(kind, x)) for x in xs))
    except (TypeError, AttributeError) as error:
        raise unreadable(row, error) from error


class Code:
    """A program written down as instructions, forward and backward."""

    def __init__(self, program: Program, b: Any, kind: Any, source: Callable[[int], Any]) -> None:
        self.program, self.b, self.kind = program, b, kind
        self.values: dict[int, Any] = {}
        self._source = source
        self._operands = [program.operands[i:j].tolist() for i, j in pairwise(program.offsets.tolist())]

    def value(self, slot: int) -> Any:
        """What stands in a slot: `Lanes`, or a float for a constant."""
        p = self.program
        if slot not in self.values:
            is_constant = p.n_inputs <= slot < p.first
            self.values[slot] = float(p.constants[slot - p.n_inputs]) if is_constant else self._source(slot)
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
            row = p.primitives[p.codes[i]]
            xs = [self.value(x) for x in operands]
            self.values[p.first + i] = LLVM.number(read(row, row.value, xs, self.b, self.kind))

    def without(self, slots: Container[int]) -> set[int]:
        """The instructions that depend on none of these inputs."""
        p, found = self.program, set()
        for i, operands in enumerate(self._operands):
            if all(x not in slots and (x < p.first or x - p.first in found) for x in operands):
                found.add(i)
        return found

    def backward(self, seed: Any, sought: Sequence[int], send: Callable[[int, Any], bool], *, masked: bool) -> Any:
        """The adjoints of the sought slots.

        Args:
            seed: The first output's adjoint.
            sought: Slots.
            send: Takes a slot and a product; true if it has kept it elsewhere.
            masked: Whether 0 wins over infinity and NaN.
        """
        p = self.program
        needed = set(sought)
        for i, operands in enumerate(self._operands):
            if not needed.isdisjoint(operands):
                needed.add(p.first + i)
        adjoints: dict[int, Any] = {}
        if int(p.outputs[0]) in needed:
            adjoints[int(p.outputs[0])] = Lanes(self.b, seed)
        for i in reversed(range(len(self._operands))):
            g = adjoints.pop(p.first + i, None) if p.first + i not in sought else adjoints.get(p.first + i)
            if g is None:
                continue
            row, operands = p.primitives[p.codes[i]], self._operands[i]
            xs = [self.value(x) for x in (*operands, p.first + i)]
            partials = read(row, row.partials, xs, self.b, self.kind)
            for slot, d in zip(operands, partials, strict=True):
                if slot in needed:
                    product = _product(LLVM.number(d), g, masked=masked)
                    if product is not None and not send(slot, product):
                        old = adjoints.get(slot)
                        adjoints[slot] = product if old is None else old + product
        return adjoints


def _product(d: Any, g: Any, *, masked: bool) -> Any:
    """Local derivative times adjoint; None where that is 0 for certain."""
    if not isinstance(d, Lanes):
        return None if d == 0 else g if d == 1 else d * g
    return ROWS["path_product"].value(LLVM, d, g) if masked else d * g


class Kernel:
    """A program as one function over rows.

    Args:
        program: What to run.
        layout: Which inputs and results there are.
        width: Lanes: WIDTH, or 1 for a single row.
        fast: Whether functions may come from a vector library.
        dtype: What it computes with: float64 or float32.
    """

    def __init__(self, program: Program, layout: Layout, width: int, *, fast: bool, dtype: str = "float64") -> None:
        self._fast, self.dtype = fast, np.dtype(dtype)
        self.real = real_of(self.dtype)
        self.program, self.layout, self.width = program, layout, width
        tables, grads = (
            (f"table_{k}" for k in range(len(layout.tables))),
            (f"grad_{k}" for k in range(len(layout.per_row))),
        )
        self.fields = (*HEAD, *tables, *grads)
        [self.address] = addresses_of(self._module(masked=False), [f"{ENTRY}run"])
        self._masked = 0
        self.again = ctypes.CFUNCTYPE(None, ctypes.c_int64)(self._run_again)

    def _run_again(self, block: int) -> None:
        """What the code calls where a gradient came out as NaN."""
        if not self._masked:
            [self._masked] = addresses_of(self._module(masked=True), [f"{ENTRY}run"])
        ctypes.CFUNCTYPE(None, ctypes.c_int64)(self._masked)(block)

    def _module(self, *, masked: bool) -> Any:
        module = (FastModule if self._fast else ir.Module)()
        _Writer(self, ir.Function(module, CALL, f"{ENTRY}run"), masked=masked).write()
        return module


class _Writer:
    """The function of a kernel, under construction."""

    def __init__(self, kernel: Kernel, function: Any, *, masked: bool) -> None:
        self.kernel, self.masked = kernel, masked
        self.real, self.kind, self.width = kernel.real, lanes(kernel.width, kernel.real), kernel.width
        self.argument = function.args[0]
        self.b = b = ir.IRBuilder(function.append_basic_block())
        self.a = {}
        for k, field in enumerate(kernel.fields):
            x = load(b, I64, self.argument, i64(k))
            self.a[field] = x if field in ("count", "blocks", "again") else b.inttoptr(x, PTR)
        self.places = {
            slot: (f"table_{k}", len(table), column)
            for k, table in enumerate(kernel.layout.tables)
            for column, slot in enumerate(table)
        }

    def write(self) -> None:
        """Pad, run over all blocks, sum up, look for NaN."""
        layout, b, a = self.kernel.layout, self.b, self.a
        n_summed = len(layout.summed)
        self._pad()
        for k in range(n_summed):
            store(b, constant(self.kind, 0.0), a["scratch"], i64(k))
        nan = b.alloca(self.real)
        b.store(constant(self.real, 0.0), nan)
        before = self._shared_code()
        with loop(b, i64(0), a["blocks"]) as block:
            self._block(block, nan, before)
        divisor = load(b, self.real, a["divisor"], i64(0))
        for k in range(n_summed):
            total = _sum_of_lanes(b, load(b, self.kind, a["scratch"], i64(k)), self.width)
            store(b, b.fdiv(b.fadd(total, constant(self.real, 0.0)), divisor), a["summed"], i64(k))
            self._look(nan, total)
        if layout.has_gradient and not self.masked:
            x = b.load(nan, typ=self.real)
            with b.if_then(b.fcmp_unordered("uno", x, x), likely=False):
                b.call(b.inttoptr(a["again"], CALL.as_pointer()), [self.argument])
        b.ret_void()

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

    def _look(self, nan: Any, x: Any) -> None:
        """Remember whether some number was NaN: 0 * inf is NaN as well, so infinities do no harm to add."""
        b = self.b
        is_nan = b.fcmp_unordered("uno", x, x)
        b.store(b.select(is_nan, x, b.load(nan, typ=self.real)), nan)

    def _source(self, start: Any, slot: int) -> Lanes:
        """An input in a block of rows."""
        b = self.b
        if slot in self.places:
            table, n, column = self.places[slot]
            return Lanes(b, self._column(self.a[table], start, n, column))
        return Lanes(b, spread(b, load(b, self.real, self.a["shared"], i64(slot)), self.kind))

    def _shared_code(self) -> dict[int, Any]:
        """What depends on no row, computed once: results by slot.

        The inputs themselves are not kept: to read one again in each block takes less than a register.
        """
        program = self.kernel.program
        code = Code(program, self.b, self.kind, lambda slot: self._source(None, slot))
        once = code.without(self.places)
        code.forward(once)
        return {program.first + i: code.values[program.first + i] for i in once}

    def _block(self, block: Any, nan: Any, before: dict[int, Any]) -> None:
        layout, b, a, kind = self.kernel.layout, self.b, self.a, self.kind
        start = b.mul(block, i64(self.width))

        code = Code(self.kernel.program, b, kind, lambda slot: self._source(start, slot))
        code.values |= before
        code.forward()
        for column, slot in zip(layout.places, layout.wanted, strict=True):
            self._put(code.lanes(slot), a["results"], start, layout.width, column)
        if not layout.has_gradient:
            return
        place = {slot: k for k, slot in enumerate(layout.summed)}

        def send(slot: int, product: Any) -> bool:
            if slot not in place:
                return False
            k = i64(place[slot])
            store(b, b.fadd(load(b, kind, a["scratch"], k), product.value), a["scratch"], k)
            return True

        sought = {slot for group in layout.per_row for slot in group}
        adjoints = code.backward(self._seed(start), [*sought, *place], send, masked=self.masked)
        root = int(self.kernel.program.outputs[0])
        if root in place and root in adjoints:
            send(root, adjoints[root])
        total = constant(kind, 0.0)
        for k, group in enumerate(layout.per_row):
            for column, slot in enumerate(group):
                g = adjoints.get(slot)
                x = constant(kind, 0.0) if g is None else b.fadd(g.value, constant(kind, 0.0))
                self._put(x, a[f"grad_{k}"], start, len(group), column)
                if g is not None:
                    total = b.fadd(total, b.fmul(x, constant(kind, 0.0)))  # NaN of a NaN or an infinity
        self._look(nan, _sum_of_lanes(b, total, self.width))

    def _seed(self, start: Any) -> Any:
        """1 for each row, 0 for the lanes behind the last one."""
        b = self.b
        if self.width == 1:
            return constant(self.real, 1.0)
        kind = ir.VectorType(I64, self.width)
        empty, lane_0 = ir.Constant(kind, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        left = b.sub(self.a["count"], start)
        left = b.shuffle_vector(b.insert_element(empty, left, lane_0), empty, zeros)
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


def _sum_of_lanes(b: Any, x: Any, width: int) -> Any:
    """From the first lane to the last."""
    if width == 1:
        return x
    parts = [b.extract_element(x, ir.Constant(ir.IntType(32), lane)) for lane in range(width)]
    total = parts[0]
    for part in parts[1:]:
        total = b.fadd(total, part)
    return total
