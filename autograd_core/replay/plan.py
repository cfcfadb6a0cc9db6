"""Large programs at a single point: regions of equal copies as compiled loops, the rest interpreted.

All values stand in one array, all adjoints in another. Of a region, each result of the body has a
stretch with its number for every copy, so that lanes, those of the copy before too, are one load;
an address per slot says where everything is. What nobody reads again stays in registers. A run is
a sequence of stages, each a function and its block of arguments. Adjoints of a region are 0 between
runs: whoever has read one puts the 0 back.
"""

from __future__ import annotations

import ctypes
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from llvmlite import ir

from ..number_systems.llvm import LLVM, Delayed, FastModule, Lanes, native_lanes
from .adjoints import gathered, with_product
from .arranging import Total, arranged
from .interpreter import HANDLER, handlers
from .kernels import CALL, _sum_of_lanes
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
from .program import unreadable
from .regions import GATHERED, LOCAL, Region
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
        self.program, place, self.regions, self.totals = arranged(program)
        self.at = self._addresses()
        self.address = self.at[place]  # where the number of each slot of the program as it came stands
        self.operands = self.at[self.program.operands].astype(np.int32)
        self.bodies = [_Body(self, *about) for about in zip(self.regions, self.totals, strict=True)]
        self._functions: dict[Any, list[tuple[int, int]]] = {}

    def _addresses(self) -> Any:
        """Where the number of each slot stands; `size` is set to how many places there are."""
        p = self.program
        at = np.empty(p.n_slots, np.int64)
        at[: p.first] = np.arange(p.first)
        here, end = 0, p.first
        for region in self.regions:
            line = region.start - here
            at[p.first + here : p.first + region.start] = np.arange(end, end + line)
            end += line
            stride = _stride(region.copies)
            grid = end + np.arange(region.period) * stride + np.arange(region.copies)[:, None]
            at[p.first + region.start : p.first + region.stop] = grid.ravel()
            end += region.period * stride
            here = region.stop
        at[p.first + here :] = np.arange(end, end + len(p.codes) - here)
        self.size = end + len(p.codes) - here
        return at

    def functions(self, *, masked: bool, gradient: bool) -> list[tuple[int, int]]:
        """Addresses of the forward and the backward code of each region."""
        key = masked, gradient
        if key not in self._functions:
            self._functions[key] = [body.compiled(masked=masked, gradient=gradient) for body in self.bodies]
        return self._functions[key]

    @property
    def share(self) -> float:
        """How much of the program's edges lies in regions."""
        edges = sum(len(region.kinds) * region.copies for region in self.regions)
        return edges / max(len(self.program.operands), 1)

    def lines(self) -> list[tuple[int, int]]:
        """The instructions that are interpreted, before, between and behind the regions: from, to."""
        ends = [0]
        for region, totals in zip(self.regions, self.totals, strict=True):
            ends += [region.start, region.stop + len(totals)]
        ends.append(len(self.program.codes))
        return list(zip(ends[::2], ends[1::2], strict=True))

    def uncleaned(self) -> Any:
        """The adjoints that no region puts back to 0: inputs, and instructions outside of regions. From, how many."""
        first = self.program.first
        found = [(0, first)]
        here = 0
        for region in self.regions:
            found.append((int(self.at[first + here]), region.start - here))
            here = region.stop
        if here < len(self.program.codes):
            found.append((int(self.at[first + here]), len(self.program.codes) - here))
        return np.array([(a, n) for a, n in found if n], np.int64)


def _stride(copies: int) -> int:
    """Places for the numbers of one result: an odd number of cache lines, lest all results fall into a few sets."""
    return LANES * ((copies + 2 * LANES - 1) // LANES | 1)


class _Body:
    """The code of one region."""

    def __init__(self, plan: Plan, region: Region, totals: Sequence[Total]) -> None:
        self.plan, self.region, self.totals = plan, region, totals
        p = plan.program
        self.width = native_lanes() if region.parallel else 1
        self.blocks = -(-region.copies // self.width)
        self.tail = region.copies % self.width  # copies in the last block, if it is not full
        a, b = int(p.offsets[region.start]), int(p.offsets[region.start + region.period])
        self.slots = p.operands[a : a + (b - a) * region.copies].reshape(region.copies, b - a)
        ends = p.offsets[region.start : region.start + region.period + 1] - a
        self.operands = [range(i, j) for i, j in pairwise(ends.tolist())]
        self.rows = [p.primitives[code] for code in p.codes[region.start : region.start + region.period]]
        self.base, self.stride = int(plan.at[p.first + region.start]), _stride(region.copies)
        self.tables: list[Any] = []
        self.columns = {int(e): self._column(int(e)) for e in np.flatnonzero(region.kinds == GATHERED)}
        self.buffered = self._overlapping()
        self.shared = sorted({int(self.slots[0, e]) for e in range(b - a) if region.kinds[e] not in (GATHERED, LOCAL)})
        self.exported = self._exported()

    def _column(self, e: int) -> Column:
        p = self.plan.program
        slots = self.slots[:, e]
        address = self.plan.at[slots]
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

    def _overlapping(self) -> list[Column]:
        """Columns of neighbours that reach into each other.

        A vector that was just stored cannot be loaded anew at a place beside it without a wait, so what is sent
        to these is added up in a stretch for each, and then once.
        """
        columns = [c for c in dict.fromkeys(self.columns.values()) if c.table < 0 and c.step == 1 and not c.is_constant]
        if self.width == 1:
            return []
        near = lambda a, b: a is not b and abs(a.first - b.first) < self.region.copies
        return [a for a in columns if any(near(a, b) for b in columns)]

    def _exported(self) -> list[bool]:
        """Which results of the body somebody else reads: another stage, another copy, or the caller; not its totals."""
        p, region = self.plan.program, self.region
        reads = np.zeros(p.n_slots, bool)
        reads[p.outputs] = True
        a = int(p.offsets[region.start])
        behind = int(p.offsets[region.stop + len(self.totals)])
        reads[p.operands[:a]] = True
        reads[p.operands[behind:]] = True
        for e in self.columns:
            reads[self.slots[:, e]] = True
        mine = reads[p.first + region.start : p.first + region.stop].reshape(region.copies, region.period)
        found: Any = mine.any(axis=0).tolist()
        return list(found)

    def compiled(self, *, masked: bool, gradient: bool) -> tuple[int, int]:
        """Addresses of the forward and of the backward function; of the forward one twice without a gradient."""
        module = (FastModule if self.plan.fast else ir.Module)()
        names = [f"{ENTRY}forward", *([f"{ENTRY}backward"] if gradient else [])]
        forward, *backward = (_BodyWriter(self, ir.Function(module, CALL, name), masked=masked) for name in names)
        kept = {j for j, is_read in enumerate(self.exported) if is_read}
        for writer in backward:
            kept |= writer.backward()
        forward.forward(kept)
        found = addresses_of(module, names)
        return found[0], found[-1]

    def block(self, values: Any, adjoints: Any, kept: list[Any]) -> Any:
        """The arguments of both functions; what they point to goes to `kept`."""
        tables = np.concatenate([np.empty(0, np.int32), *self.tables])
        scratch = np.zeros((len(self.shared), self.width))
        buffers = np.zeros((len(self.buffered), self.stride))
        block = np.array([x.ctypes.data for x in (values, adjoints, tables, scratch, buffers)], np.int64)
        kept += [tables, scratch, buffers, block]
        return block


class _BodyWriter:
    """A function over all copies of a body, under construction."""

    def __init__(self, body: _Body, function: Any, *, masked: bool) -> None:
        self.body, self.masked = body, masked
        self.program = body.plan.program
        self.kind = lanes(body.width)
        self.b = b = ir.IRBuilder(function.append_basic_block())
        fields = ("values", "adjoints", "tables", "scratch", "buffers")
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
        body = self.body
        return self.b.add(self.b.mul(self.block, i64(body.width)), i64(body.base + j * body.stride))

    def _vector(self, base: Any, index: Any) -> Any:
        return self.b.load(self.b.gep(base, [index], source_etype=F64), typ=self.kind, align=8)

    def _put(self, x: Any, base: Any, index: Any) -> None:
        self.b.store(x, self.b.gep(base, [index], source_etype=F64), align=8)

    def _is_adjacent(self, column: Column) -> bool:
        """Whether the lanes of a gathered operand are one load."""
        return self.body.width == 1 or (column.table < 0 and column.step == 1)

    def _lane_addresses(self, column: Column) -> list[Any]:
        """The address in each lane; behind the last copy, that of the last copy."""
        b, body = self.b, self.body
        start = b.mul(self.block, i64(body.width))
        if column.table >= 0:
            start = b.add(start, i64(column.table * body.blocks * body.width))
            places = [b.add(start, i64(lane)) for lane in range(body.width)]
            return [b.sext(load(b, I32, self.a["tables"], place), I64) for place in places]
        found = []
        for lane in range(1 if self._is_adjacent(column) else body.width):
            copy = b.add(start, i64(lane))
            if body.tail and lane >= body.tail:
                last = i64(body.region.copies - 1)
                copy = b.select(b.icmp_signed("<", copy, last), copy, last)
            found.append(b.add(b.mul(copy, i64(column.step)), i64(column.first)))
        return found

    def _gathered(self, column: Column) -> Any:
        b = self.b
        addresses = self._lane_addresses(column)
        if not self._is_adjacent(column):
            x = ir.Constant(self.kind, ir.Undefined)
            for lane, address in enumerate(addresses):
                x = b.insert_element(x, load(b, F64, self.a["values"], address), ir.Constant(I32, lane))
            return x
        x = self._vector(self.a["values"], addresses[0])
        if self.body.tail:  # behind the last copy, its own numbers once more
            last = b.extract_element(x, ir.Constant(I32, self.body.tail - 1))
            x = b.select(self.is_last, spread(b, last, self.kind), x)
        return x

    def _operand(self, e: int, results: dict[int, Any]) -> Any:
        """An operand; what is one load is loaded whenever it is used, which takes less than a register."""
        body, p = self.body, self.program
        slot = int(body.slots[0, e])
        if body.region.kinds[e] == LOCAL:
            return results[slot - p.first - body.region.start]
        column = body.columns.get(e)
        if column is None:
            if p.n_inputs <= slot < p.first:
                return float(p.constants[slot - p.n_inputs])
            at = i64(int(body.plan.at[slot]))
            return Delayed(self.b, lambda: spread(self.b, load(self.b, F64, self.a["values"], at), self.kind))
        if self._is_adjacent(column) and not body.tail:
            return Delayed(self.b, lambda: self._gathered(column))
        if column not in self.seen:
            self.seen[column] = Lanes(self.b, self._gathered(column))
        return self.seen[column]

    def _read(self, j: int, rule: Callable[..., Any], xs: Sequence[Any]) -> Any:
        try:
            return rule(LLVM, *xs)
        except (TypeError, AttributeError) as error:
            raise unreadable(self.body.rows[j], error) from error

    # --- the two directions ---

    def forward(self, kept: set[int]) -> None:
        """All copies' results, of which some are kept, and their totals."""
        body, b = self.body, self.b
        sums = [b.alloca(F64) for _ in body.totals]
        for total, about in zip(sums, body.totals, strict=True):
            x = constant(F64, -0.0)  # the number that, added to any other, changes nothing
            for slot in about.before:
                x = b.fadd(x, load(b, F64, self.a["values"], i64(int(body.plan.at[slot]))))
            b.store(x, total)
        with loop(b, i64(0), i64(body.blocks)) as block:
            self._start(block)
            results: dict[int, Any] = {}
            for j, (row, operands) in enumerate(zip(body.rows, body.operands, strict=True)):
                results[j] = LLVM.number(self._read(j, row.value, [self._operand(e, results) for e in operands]))
                if j in kept:
                    self._put(self._lanes(results[j]), self.a["values"], self._own(j))
            for total, about in zip(sums, body.totals, strict=True):
                self._add_up(total, [self._lanes(results[j]) for j in about.results])
        for total, about in zip(sums, body.totals, strict=True):
            store(b, b.load(total, typ=F64), self.a["values"], i64(self._total_at(about)))
        b.ret_void()

    def _lanes(self, z: Any) -> Any:
        return z.value if isinstance(z, Lanes) else constant(self.kind, z)

    def _total_at(self, total: Total) -> int:
        return int(self.body.plan.at[self.program.first + total.instruction])

    def _add_up(self, total: Any, terms: Sequence[Any]) -> None:
        """Add results to a total, copy by copy; the sum waits for each addition, the lanes' work fills the time."""
        b, width = self.b, self.body.width
        if self.body.tail:
            terms = [b.select(self.is_last, constant(self.kind, -0.0), x) for x in terms]
        x = b.load(total, typ=F64)
        for lane in range(width):
            for term in terms:
                x = b.fadd(x, term if width == 1 else b.extract_element(term, ir.Constant(I32, lane)))
        b.store(x, total)

    def backward(self) -> set[int]:
        """All copies' adjoints, from the last block to the first, sent to what they read; the results it reads."""
        body, b, p = self.body, self.b, self.program
        for k in range(len(body.shared)):
            store(b, constant(self.kind, 0.0), self.a["scratch"], i64(k))
        ends: dict[int, list[Any]] = {}
        for total in body.totals:
            g = load(b, F64, self.a["adjoints"], i64(self._total_at(total)))
            for slot in total.before:
                at = i64(int(body.plan.at[slot]))
                store(b, b.fadd(load(b, F64, self.a["adjoints"], at), g), self.a["adjoints"], at)
            for j in total.results:
                ends.setdefault(j, []).append((1.0, Lanes(b, spread(b, g, self.kind))))
        read: set[int] = set()
        with loop(b, i64(0), i64(body.blocks)) as turn:
            self._start(b.sub(i64(body.blocks - 1), turn))
            loaded = _Results(lambda j: self._result(j, read))
            pending = {key: list(products) for key, products in ends.items()}
            for j in reversed(range(len(body.rows))):
                g = self._adjoint(j, pending.pop(j, ()))
                if g is not None:
                    self._send(j, g, loaded, pending)
            for column, products in pending.items():
                x = gathered(None, products, masked=self.masked)
                if x is not None:
                    self._scatter(column, x.value)
        for k, column in enumerate(body.buffered):
            self._add_buffer(k, column)
        for k, slot in enumerate(body.shared):
            if not p.n_inputs <= slot < p.first:
                total = _sum_of_lanes(b, load(b, self.kind, self.a["scratch"], i64(k)), body.width)
                at = i64(int(body.plan.at[slot]))
                store(b, b.fadd(load(b, F64, self.a["adjoints"], at), total), self.a["adjoints"], at)
        b.ret_void()
        return read

    def _result(self, j: int, read: set[int]) -> Any:
        """Result j, loaded whenever it is used; then `read` says so."""

        def vector() -> Any:
            read.add(j)
            return self._vector(self.a["values"], self._own(j))

        return Delayed(self.b, vector)

    def _adjoint(self, j: int, products: Sequence[tuple[Any, Any]]) -> Any:
        """The adjoint of result j: what other stages have sent, then what the body has."""
        g = None
        if self.body.exported[j]:
            at = self._own(j)
            g = Lanes(self.b, self._vector(self.a["adjoints"], at))
            self._put(constant(self.kind, 0.0), self.a["adjoints"], at)
        return gathered(g, products, masked=self.masked)

    def _add_buffer(self, k: int, column: Column) -> None:
        """What was sent to a column, added to the adjoints of what it reads."""
        b, width = self.b, self.body.width
        start = b.gep(self.a["buffers"], [i64(k * self.body.stride)], source_etype=F64)
        with loop(b, i64(0), i64(self.body.blocks)) as block:
            at = b.mul(block, i64(width))
            own = b.add(at, i64(column.first))
            self._put(b.fadd(self._vector(self.a["adjoints"], own), self._vector(start, at)), self.a["adjoints"], own)

    def _send(self, j: int, g: Any, loaded: Any, pending: dict[Any, list[Any]]) -> None:
        body, b, p = self.body, self.b, self.program
        operands = body.operands[j]
        xs = [self._operand(e, loaded) for e in operands]
        partials = self._read(j, body.rows[j].partials, [*xs, loaded[j]])
        for e, d in zip(operands, partials, strict=True):
            slot = int(body.slots[0, e])
            column = body.columns.get(e)
            if column.is_constant if column else p.n_inputs <= slot < p.first:
                continue
            if column or body.region.kinds[e] == LOCAL:
                pending.setdefault(column or slot - p.first - body.region.start, []).append((d, g))
                continue
            at = i64(self.scratch[slot])
            total = Lanes(b, load(b, self.kind, self.a["scratch"], at))
            total = with_product(total, LLVM.number(d), g, masked=self.masked)
            store(b, total.value, self.a["scratch"], at)

    def _scatter(self, column: Column, x: Any) -> None:
        """Add to the adjoints of what was gathered; one lane after the other where two may be the same."""
        b, adjoints = self.b, self.a["adjoints"]
        if self.body.tail:
            x = b.select(self.is_last, constant(self.kind, 0.0), x)
        if column in self.body.buffered:
            k = self.body.buffered.index(column)
            at = b.add(b.mul(self.block, i64(self.body.width)), i64(k * self.body.stride))
            self._put(x, self.a["buffers"], at)
            return
        addresses = self._lane_addresses(column)
        if self._is_adjacent(column):
            self._put(b.fadd(self._vector(adjoints, addresses[0]), x), adjoints, addresses[0])
            return
        for lane, address in enumerate(addresses):
            part = b.extract_element(x, ir.Constant(I32, lane))
            store(b, b.fadd(load(b, F64, adjoints, address), part), adjoints, address)


class _Results(dict[int, Any]):
    """Results of a body, made when first asked for."""

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

    b, a, _ = function("clear", "n root adjoints stretches")
    with loop(b, i64(0), a["n"]) as k:
        at = b.mul(k, i64(2))
        start, count = (load(b, I64, a["stretches"], x) for x in (at, b.add(at, i64(1))))
        with loop(b, i64(0), count) as m:
            store(b, constant(F64, 0.0), a["adjoints"], b.add(start, m))
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
        p = plan.program  # in the plan's order; what the layout names are slots of the program as it came
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
        self._uncleaned = plan.uncleaned()
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
            own = int(plan.at[p.first + start])
            arrays = (offsets, plan.operands, table[0], table[1], self.values, self.adjoints)
            block = np.array([stop - start, own, *(x.ctypes.data for x in arrays)], np.int64)
            self._kept += [table, offsets, block]
            blocks.append(block)
        self._region_blocks = [body.block(self.values, self.adjoints, self._kept) for body in plan.bodies]
        return blocks

    def _stages_forward(self) -> list[tuple[int, Any]]:
        stages: list[tuple[int, Any]] = []
        codes = self.plan.functions(masked=False, gradient=self._backward)
        for k, line in enumerate(self._lines):
            if line is not None:
                stages.append((self._stage["line_forward"], line))
            if k < len(codes):
                stages.append((codes[k][0], self._region_blocks[k]))
        return stages

    def _stages_backward(self, *, masked: bool) -> list[tuple[int, Any]]:
        plan = self.plan
        root = int(plan.at[plan.program.outputs[0]])
        clear = [len(self._uncleaned), root, self.adjoints.ctypes.data, self._uncleaned.ctypes.data]
        clear = np.array(clear, np.int64)
        self._kept.append(clear)
        stages: list[tuple[int, Any]] = [(self._stage["clear"], clear)]
        codes = plan.functions(masked=masked, gradient=True)
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
