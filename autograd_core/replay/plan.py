"""Large programs at a single point: regions of equal copies as compiled loops, the rest interpreted.

All values stand in one array, all adjoints in another. Where copies run as lanes, their results are
laid out block by block, lane beside lane, so that a vector is one load; an address per slot says
where everything is. A run is a sequence of stages, each a function and its block of arguments.
"""

from __future__ import annotations

import ctypes
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from llvmlite import ir

from ..number_systems.llvm import LLVM, FastModule, Lanes
from .interpreter import HANDLER, handlers
from .kernels import CALL, _product, _sum_of_lanes, read
from .machine import (
    ENTRY,
    F64,
    I32,
    I64,
    PTR,
    addresses_of,
    constant,
    i64,
    lanes,
    load,
    loop,
    spread,
    store,
)
from .regions import GATHERED, LOCAL, Region, regions_of
from .runners import LANES, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .program import Program

SLACK = 2 * LANES  # numbers behind the end, which the last block of lanes may touch


class Column(NamedTuple):
    """Where a gathered operand stands, copy by copy: `first + copy * step`, or by a table."""

    first: int
    step: int
    table: int  # which table, or -1
    is_constant: bool


class Plan:
    """A program, cut into regions and the lines between them.

    Args:
        program: What to run, at one point.
        fast: Whether functions may come from a vector library.
    """

    def __init__(self, program: Program, *, fast: bool) -> None:
        self.fast = fast
        self.program = program
        self.regions = regions_of(program)
        self.address = self._addresses()
        self.size = int(self.address.max(initial=-1)) + 1
        self.operands = self.address[program.operands].astype(np.int32)
        self.bodies = [_Body(self, region) for region in self.regions]
        self._functions: dict[bool, list[tuple[int, int]]] = {}

    def _addresses(self) -> Any:
        """Where the number of each slot stands."""
        p = self.program
        address = np.empty(p.n_slots, np.int64)
        address[: p.first] = np.arange(p.first)
        here, end = 0, p.first
        for region in self.regions:
            line = region.start - here
            address[p.first + here : p.first + region.start] = np.arange(end, end + line)
            end += line
            width = LANES if region.parallel else 1
            blocks = -(-region.copies // width)
            grid = np.arange(end, end + blocks * region.period * width).reshape(blocks, region.period, width)
            in_order = grid.transpose(0, 2, 1).reshape(-1, region.period)[: region.copies]
            address[p.first + region.start : p.first + region.stop] = in_order.ravel()
            end += grid.size
            here = region.stop
        address[p.first + here :] = np.arange(end, end + len(p.codes) - here)
        return address

    def functions(self, *, masked: bool) -> list[tuple[int, int]]:
        """Addresses of the forward and the backward code of each region."""
        if masked not in self._functions:
            self._functions[masked] = [body.compiled(masked=masked) for body in self.bodies]
        return self._functions[masked]

    @property
    def share(self) -> float:
        """How much of the program's edges lies in regions."""
        edges = sum(len(region.kinds) * region.copies for region in self.regions)
        return edges / max(len(self.program.operands), 1)

    def lines(self) -> list[tuple[int, int]]:
        """The instructions between the regions: from, to."""
        ends = [0, *(x for region in self.regions for x in (region.start, region.stop)), len(self.program.codes)]
        return list(zip(ends[::2], ends[1::2], strict=True))


class _Body:
    """The code of one region."""

    def __init__(self, plan: Plan, region: Region) -> None:
        self.plan, self.region = plan, region
        p = plan.program
        self.width = LANES if region.parallel else 1
        self.blocks = -(-region.copies // self.width)
        self.tail = region.copies % self.width  # copies in the last block, if it is not full
        a, b = int(p.offsets[region.start]), int(p.offsets[region.start + region.period])
        self.slots = p.operands[a : a + (b - a) * region.copies].reshape(region.copies, b - a)
        ends = p.offsets[region.start : region.start + region.period + 1] - a
        self.operands = [range(i, j) for i, j in pairwise(ends.tolist())]
        self.rows = [p.primitives[code] for code in p.codes[region.start : region.start + region.period]]
        self.base = int(plan.address[p.first + region.start])
        self.tables: list[Any] = []
        self.columns = {int(e): self._column(int(e)) for e in np.flatnonzero(region.kinds == GATHERED)}
        self.shared = sorted({int(self.slots[0, e]) for e in range(b - a) if region.kinds[e] not in (GATHERED, LOCAL)})
        self.exported = self._exported()

    def _column(self, e: int) -> Column:
        p = self.plan.program
        slots = self.slots[:, e]
        address = self.plan.address[slots]
        is_constant = bool(((slots >= p.n_inputs) & (slots < p.first)).all())
        steps = np.diff(address)
        if (steps == steps[0]).all():
            return Column(int(address[0]), int(steps[0]), -1, is_constant)
        padded = np.concatenate([address, np.repeat(address[-1:], self.blocks * self.width - len(address))])
        for k, table in enumerate(self.tables):
            if np.array_equal(table, padded):
                return Column(0, 0, k, is_constant)
        self.tables.append(padded.astype(np.int32))
        return Column(0, 0, len(self.tables) - 1, is_constant)

    def _exported(self) -> list[bool]:
        """Which results of the body somebody else reads: another stage, another copy, or the caller."""
        p, region = self.plan.program, self.region
        reads = np.zeros(p.n_slots, bool)
        reads[p.outputs] = True
        a, b = int(p.offsets[region.start]), int(p.offsets[region.stop])
        reads[p.operands[:a]] = True
        reads[p.operands[b:]] = True
        for e in self.columns:
            reads[self.slots[:, e]] = True
        mine = reads[p.first + region.start : p.first + region.stop].reshape(region.copies, region.period)
        found: Any = mine.any(axis=0).tolist()
        return list(found)

    def compiled(self, *, masked: bool) -> tuple[int, int]:
        """Addresses of the forward and of the backward function."""
        module = (FastModule if self.plan.fast else ir.Module)()
        names = [f"{ENTRY}forward", f"{ENTRY}backward"]
        _BodyWriter(self, ir.Function(module, CALL, names[0]), masked=masked).forward()
        _BodyWriter(self, ir.Function(module, CALL, names[1]), masked=masked).backward()
        forward, backward = addresses_of(module, names)
        return forward, backward

    def block(self, values: Any, adjoints: Any, kept: list[Any]) -> Any:
        """The arguments of both functions; what they point to goes to `kept`."""
        tables = np.concatenate([np.empty(0, np.int32), *self.tables])
        scratch = np.zeros((len(self.shared), self.width))
        block = np.array([x.ctypes.data for x in (values, adjoints, tables, scratch)], np.int64)
        kept += [tables, scratch, block]
        return block


class _BodyWriter:
    """A function over all copies of a body, under construction."""

    def __init__(self, body: _Body, function: Any, *, masked: bool) -> None:
        self.body, self.masked = body, masked
        self.program = body.plan.program
        self.kind = lanes(body.width)
        self.b = b = ir.IRBuilder(function.append_basic_block())
        fields = ("values", "adjoints", "tables", "scratch")
        self.a = {field: b.inttoptr(load(b, I64, function.args[0], i64(k)), PTR) for k, field in enumerate(fields)}
        self.scratch = {slot: k for k, slot in enumerate(body.shared)}
        self.is_last: Any = None
        self.seen: dict[Any, Any] = {}

    # --- where operands are ---

    def _start(self, block: Any) -> None:
        """What holds for one block: nothing is loaded yet; which lanes lie behind the last copy."""
        self.block, self.seen = block, {}
        if self.body.tail:
            behind = ir.VectorType(ir.IntType(1), self.body.width)
            mask = ir.Constant(behind, [int(lane >= self.body.tail) for lane in range(self.body.width)])
            here = self.b.icmp_signed("==", block, i64(self.body.blocks - 1))
            self.is_last = self.b.select(here, mask, ir.Constant(behind, [0] * self.body.width))

    def _own(self, j: int) -> Any:
        """The address of result j of this block."""
        width, period = self.body.width, self.body.region.period
        return self.b.add(self.b.mul(self.block, i64(period * width)), i64(self.body.base + j * width))

    def _vector(self, base: Any, index: Any) -> Any:
        return self.b.load(self.b.gep(base, [index], source_etype=F64), typ=self.kind, align=8)

    def _put(self, x: Any, base: Any, index: Any) -> None:
        self.b.store(x, self.b.gep(base, [index], source_etype=F64), align=8)

    def _lane_addresses(self, column: Column) -> list[Any]:
        """The address in each lane."""
        b, width = self.b, self.body.width
        copy = b.mul(self.block, i64(width))
        if column.table < 0:
            start = b.add(b.mul(copy, i64(column.step)), i64(column.first))
            return [b.add(start, i64(lane * column.step)) for lane in range(width)]
        start = b.add(copy, i64(column.table * self.body.blocks * width))
        return [b.sext(load(b, I32, self.a["tables"], b.add(start, i64(lane))), I64) for lane in range(width)]

    def _gathered(self, column: Column) -> Any:
        b, width = self.b, self.body.width
        addresses = self._lane_addresses(column)
        if width == 1 or (column.table < 0 and column.step == 1):
            x = self._vector(self.a["values"], addresses[0])
        else:
            x = ir.Constant(self.kind, ir.Undefined)
            for lane, address in enumerate(addresses):
                x = b.insert_element(x, load(b, F64, self.a["values"], address), ir.Constant(I32, lane))
        if self.body.tail and column.table < 0:  # behind the last copy, its own numbers once more
            last = b.extract_element(x, ir.Constant(I32, self.body.tail - 1))
            x = b.select(self.is_last, spread(b, last, self.kind), x)
        return x

    def _operand(self, e: int, results: dict[int, Any]) -> Any:
        body, p = self.body, self.program
        slot = int(body.slots[0, e])
        if body.region.kinds[e] == LOCAL:
            return results[slot - p.first - body.region.start]
        key = body.columns.get(e, slot)
        if key not in self.seen:
            if isinstance(key, Column):
                self.seen[key] = Lanes(self.b, self._gathered(key))
            elif p.n_inputs <= slot < p.first:
                self.seen[key] = float(p.constants[slot - p.n_inputs])
            else:
                x = load(self.b, F64, self.a["values"], i64(int(body.plan.address[slot])))
                self.seen[key] = Lanes(self.b, spread(self.b, x, self.kind))
        return self.seen[key]

    def _read(self, j: int, rule: Callable[..., Any], xs: Sequence[Any]) -> Any:
        return read(self.body.rows[j], rule, xs, self.b, self.kind)

    # --- the two directions ---

    def forward(self) -> None:
        """All copies' results."""
        body, b = self.body, self.b
        with loop(b, i64(0), i64(body.blocks)) as block:
            self._start(block)
            results: dict[int, Any] = {}
            for j, (row, operands) in enumerate(zip(body.rows, body.operands, strict=True)):
                z = LLVM.number(self._read(j, row.value, [self._operand(e, results) for e in operands]))
                results[j] = z
                self._put(z.value if isinstance(z, Lanes) else constant(self.kind, z), self.a["values"], self._own(j))
        b.ret_void()

    def backward(self) -> None:
        """All copies' adjoints, from the last block to the first, sent to what they read."""
        body, b, p = self.body, self.b, self.program
        for k in range(len(body.shared)):
            store(b, constant(self.kind, 0.0), self.a["scratch"], i64(k))
        with loop(b, i64(0), i64(body.blocks)) as turn:
            self._start(b.sub(i64(body.blocks - 1), turn))
            loaded = _Loaded(lambda j: Lanes(b, self._vector(self.a["values"], self._own(j))))
            adjoints: dict[int, Any] = {}
            for j in reversed(range(len(body.rows))):
                g = adjoints.get(j)
                if body.exported[j]:
                    sent = Lanes(b, self._vector(self.a["adjoints"], self._own(j)))
                    g = sent if g is None else g + sent
                if g is not None:
                    self._send(j, g, loaded, adjoints)
        for k, slot in enumerate(body.shared):
            if not p.n_inputs <= slot < p.first:
                total = _sum_of_lanes(b, load(b, self.kind, self.a["scratch"], i64(k)), body.width)
                at = i64(int(body.plan.address[slot]))
                store(b, b.fadd(load(b, F64, self.a["adjoints"], at), total), self.a["adjoints"], at)
        b.ret_void()

    def _send(self, j: int, g: Any, loaded: Any, adjoints: dict[int, Any]) -> None:
        body, b, p = self.body, self.b, self.program
        operands = body.operands[j]
        xs = [self._operand(e, loaded) for e in operands]
        partials = self._read(j, body.rows[j].partials, [*xs, loaded[j]])
        for e, d in zip(operands, partials, strict=True):
            slot = int(body.slots[0, e])
            column = body.columns.get(e)
            if column.is_constant if column else p.n_inputs <= slot < p.first:
                continue
            product = _product(LLVM.number(d), g, masked=self.masked)
            if product is None:
                continue
            if column:
                self._scatter(column, product.value)
            elif body.region.kinds[e] == LOCAL:
                k = slot - p.first - body.region.start
                adjoints[k] = product if k not in adjoints else adjoints[k] + product
            else:
                at = i64(self.scratch[slot])
                store(b, b.fadd(load(b, self.kind, self.a["scratch"], at), product.value), self.a["scratch"], at)

    def _scatter(self, column: Column, x: Any) -> None:
        """Add to the adjoints of what was gathered; one lane after the other where two may be the same."""
        b, adjoints = self.b, self.a["adjoints"]
        if self.body.tail:
            x = b.select(self.is_last, constant(self.kind, 0.0), x)
        addresses = self._lane_addresses(column)
        if self.body.width == 1 or (column.table < 0 and column.step == 1):
            self._put(b.fadd(self._vector(adjoints, addresses[0]), x), adjoints, addresses[0])
            return
        for lane, address in enumerate(addresses):
            part = b.extract_element(x, ir.Constant(I32, lane))
            store(b, b.fadd(load(b, F64, adjoints, address), part), adjoints, address)


class _Loaded(dict[int, Any]):
    """Results of a body, loaded when first asked for."""

    def __init__(self, source: Callable[[int], Any]) -> None:
        super().__init__()
        self._source = source

    def __missing__(self, j: int) -> Any:
        self[j] = self._source(j)
        return self[j]


# --- the stages that every plan has -------------------------------------------------------------


def _stages_module() -> Any:
    """Lines forward and backward, clearing, finishing, and the sequence of stages itself."""
    module = ir.Module()

    def function(name: str, fields: str) -> tuple[Any, dict[str, Any], Any]:
        f = ir.Function(module, CALL, ENTRY + name)
        b = ir.IRBuilder(f.append_basic_block())
        a = {}
        for k, field in enumerate(fields.split()):
            x = load(b, I64, f.args[0], i64(k))
            a[field] = x if field in ("n", "own", "root", "n_wanted", "n_sought", "again") else b.inttoptr(x, PTR)
        return b, a, f.args[0]

    for name in ("line_forward", "line_backward"):
        b, a, _ = function(name, "n own offsets operands forward backward values adjoints")
        with loop(b, i64(0), a["n"]) as turn:
            i = turn if name == "line_forward" else b.sub(b.sub(a["n"], i64(1)), turn)
            start, stop = (b.sext(load(b, I32, a["offsets"], j), I64) for j in (i, b.add(i, i64(1))))
            operands = b.gep(a["operands"], [start], source_etype=I32)
            handler = b.inttoptr(load(b, I64, a[name.removeprefix("line_")], i), HANDLER.as_pointer())
            b.call(handler, [operands, b.sub(stop, start), a["values"], a["adjoints"], b.add(a["own"], i)])
        b.ret_void()

    b, a, _ = function("clear", "n root adjoints")
    with loop(b, i64(0), a["n"]) as k:
        store(b, constant(F64, 0.0), a["adjoints"], k)
    store(b, constant(F64, 1.0), a["adjoints"], a["root"])
    b.ret_void()

    b, a, argument = function("read", "n_wanted wanted places results n_sought sought gradient values adjoints again")
    with loop(b, i64(0), a["n_wanted"]) as k:
        x = load(b, F64, a["values"], b.sext(load(b, I32, a["wanted"], k), I64))
        store(b, x, a["results"], b.sext(load(b, I32, a["places"], k), I64))
    nan = b.alloca(F64)
    b.store(constant(F64, 0.0), nan)
    with loop(b, i64(0), a["n_sought"]) as k:
        g = b.fadd(load(b, F64, a["adjoints"], b.sext(load(b, I32, a["sought"], k), I64)), constant(F64, 0.0))
        store(b, g, a["gradient"], k)
        b.store(b.select(b.fcmp_unordered("uno", g, g), g, b.load(nan, typ=F64)), nan)
    x = b.load(nan, typ=F64)
    is_nan = b.fcmp_unordered("uno", x, x)
    with b.if_then(b.and_(is_nan, b.icmp_signed("!=", a["again"], i64(0))), likely=False):
        b.call(b.inttoptr(a["again"], CALL.as_pointer()), [argument])
    b.ret_void()

    b, a, argument = function("sequence", "n")
    with loop(b, i64(0), a["n"]) as k:
        at = b.add(b.mul(k, i64(2)), i64(1))
        stage = b.inttoptr(load(b, I64, argument, at), CALL.as_pointer())
        b.call(stage, [b.inttoptr(load(b, I64, argument, b.add(at, i64(1))), PTR)])
    b.ret_void()
    return module


def _stages() -> dict[str, int]:
    names = ("line_forward", "line_backward", "clear", "read", "sequence")
    return dict(zip(names, addresses_of(_stages_module(), [ENTRY + name for name in names]), strict=True))


class PlanRunner:
    """Runs a plan; a `Runner` of one row."""

    def __init__(self, plan: Plan, layout: Layout) -> None:
        p = plan.program
        self.plan, self.work = plan, len(p.operands)
        self.values, self.adjoints = np.zeros(plan.size + SLACK), np.zeros(plan.size + SLACK)
        self.values[p.n_inputs : p.first] = p.constants
        self.shared = self.values[: p.n_inputs]
        self.tables = [
            self.values[None, slots[0] : slots[-1] + 1] if slots else np.zeros((1, 0)) for slots in layout.tables
        ]
        sought = [*(slot for group in layout.per_row for slot in group), *layout.summed]
        self.results, gradient = np.zeros((1, layout.width)), np.zeros(len(sought))
        ends = np.cumsum([0, *map(len, layout.per_row)]).tolist()
        self.per_row = [gradient[None, a:b] for a, b in pairwise(ends)]
        self.summed = gradient[ends[-1] :]
        self.divisor = np.ones(1)
        self._kept: list[Any] = [gradient]
        self._again = ctypes.CFUNCTYPE(None, ctypes.c_int64)(self._run_again)
        self._masked: Any = None
        self._stage = _stages()
        self._ends = [plan.address[list(slots)].astype(np.int32) for slots in (layout.wanted, sought)]
        self._places = np.array(layout.places, np.int32)
        self._gradient, self._backward = gradient, layout.has_gradient
        self._lines = self._line_blocks()
        forward = self._stages_forward()
        backward = self._stages_backward(masked=False) if layout.has_gradient else []
        self.block = self._sequence([*forward, *backward, self._reading(again=True)])
        self._call = ctypes.CFUNCTYPE(None, ctypes.c_int64)(self._stage["sequence"])
        self.address, self.at = self._stage["sequence"], self.block.ctypes.data

    def run(self) -> None:
        """In one call, without the interpreter lock."""
        self._call(self.at)

    def _run_again(self, _: int) -> None:
        """With the zero-path rule spelt out, where a gradient came out as NaN."""
        if self._masked is None:
            self._masked = self._sequence([*self._stages_backward(masked=True), self._reading(again=False)])
        self._call(self._masked.ctypes.data)

    def _line_blocks(self) -> list[Any]:
        """Arguments of the lines; None for an empty one."""
        plan, p = self.plan, self.plan.program
        calls = list(zip(p.codes.tolist(), p.counts.tolist(), strict=True))
        blocks: list[Any] = []
        for start, stop in plan.lines():
            if start == stop:
                blocks.append(None)
                continue
            kinds = list(dict.fromkeys(calls[start:stop]))
            found = dict(zip(kinds, handlers([(p.primitives[code], n) for code, n in kinds], 1), strict=True))
            table = np.ascontiguousarray(np.array([found[call] for call in calls[start:stop]], np.int64).T)
            offsets = np.ascontiguousarray(p.offsets[start : stop + 1])
            own = int(plan.address[p.first + start])
            arrays = (offsets, plan.operands, table[0], table[1], self.values, self.adjoints)
            block = np.array([stop - start, own, *(x.ctypes.data for x in arrays)], np.int64)
            self._kept += [table, offsets, block]
            blocks.append(block)
        self._region_blocks = [body.block(self.values, self.adjoints, self._kept) for body in plan.bodies]
        return blocks

    def _stages_forward(self) -> list[tuple[int, Any]]:
        stages: list[tuple[int, Any]] = []
        codes = self.plan.functions(masked=False)
        for k, line in enumerate(self._lines):
            if line is not None:
                stages.append((self._stage["line_forward"], line))
            if k < len(codes):
                stages.append((codes[k][0], self._region_blocks[k]))
        return stages

    def _stages_backward(self, *, masked: bool) -> list[tuple[int, Any]]:
        plan = self.plan
        root = int(plan.address[plan.program.outputs[0]])
        clear = np.array([plan.size + SLACK, root, self.adjoints.ctypes.data], np.int64)
        self._kept.append(clear)
        stages: list[tuple[int, Any]] = [(self._stage["clear"], clear)]
        codes = plan.functions(masked=masked)
        for k in reversed(range(len(self._lines))):
            if k < len(codes):
                stages.append((codes[k][1], self._region_blocks[k]))
            if self._lines[k] is not None:
                stages.append((self._stage["line_backward"], self._lines[k]))
        return stages

    def _reading(self, *, again: bool) -> tuple[int, Any]:
        wanted, sought = self._ends
        n_sought = len(sought) if self._backward else 0
        back = ctypes.cast(self._again, ctypes.c_void_p).value if again and self._backward else 0
        fields = [
            len(wanted),
            *(x.ctypes.data for x in (wanted, self._places, self.results)),
            n_sought,
            sought.ctypes.data,
        ]
        fields += [self._gradient.ctypes.data, self.values.ctypes.data, self.adjoints.ctypes.data, back]
        block = np.array(fields, np.int64)
        self._kept.append(block)
        return self._stage["read"], block

    @staticmethod
    def _sequence(stages: Sequence[tuple[int, Any]]) -> Any:
        pairs = [x for function, block in stages for x in (function, block.ctypes.data)]
        return np.array([len(stages), *pairs], np.int64)
