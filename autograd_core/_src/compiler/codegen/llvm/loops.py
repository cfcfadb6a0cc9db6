"""Machine code for one region of a plan: the body's rules as straight-line code, in a loop over the copies.

A parallel region runs eight copies at a time, one per lane; one whose copies read each other runs copy by
copy. The forward function loops over blocks of copies from first to last, the backward one from last to first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from llvmlite import ir

from ....number_systems.llvm import HASTY, LLVM, Delayed, Lanes
from ....number_systems.llvm_functions import FastModule
from ...passes.find_repeats import LOCAL
from .accumulation import TERMS_TOGETHER, Adjoints, gathered
from .jit import ENTRY, F64, I32, I64, PTR, addresses_of, constant, i64, lanes, load, loop, spread, store
from .kernel import CALLBACK, sum_of_lanes
from .loop_body import Body, Gather
from .outer_products import OuterProducts, at_once
from .straight_line import read
from .strip_mining import FIELDS, strips

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...passes.loop_fission import Total
    from .strip_mining import Stages

# LLVM instructions in a stage of a body. Ten times those of a kernel: a region has few blocks, and its results are in
# memory anyway, so short stages cost more than they save (docs/adr/0013).
BODY_STAGE_LENGTH = 1_500


class Compiled(NamedTuple):
    """A body's code: the addresses of two functions, and how many vectors of a block the backward one keeps."""

    forward: int
    backward: int
    n_kept: int


def compiled(body: Body, *, strict_zero: bool, gradient: bool) -> Compiled:
    """Compile both functions of a body; without a gradient the forward one stands for both."""
    # The backward function is written first: it decides which results the forward one has to store.
    module = (FastModule if body.plan.fast else ir.Module)()
    names = [f"{ENTRY}forward", *([f"{ENTRY}backward"] if gradient else [])]
    functions = [ir.Function(module, CALLBACK, name) for name in names]
    forward, *backward = (_LoopWriter(body, f, strict_zero=strict_zero) for f in functions)
    # A result that only its own copy reads, and only forward, never goes to memory.
    kept = {j for j, is_read in enumerate(body.exported) if is_read}
    for writer in backward:
        kept |= writer.backward()
    forward.forward(kept)
    found = addresses_of(module, names)
    return Compiled(found[0], found[-1], sum(writer.n_kept for writer in backward))


class _LoopWriter:
    """Writes one function: a loop over all copies of a body."""

    def __init__(self, body: Body, function: Any, *, strict_zero: bool) -> None:
        self.body, self.strict_zero = body, strict_zero
        self.program = body.plan.program
        self.kind = lanes(body.width)
        self.b = b = ir.IRBuilder(function.append_basic_block())
        self.a = {}
        for k, field in enumerate(("values", "adjoints", "tables", "scratch", "buffers", *FIELDS)):
            x = load(b, I64, function.args[0], i64(k))
            self.a[field] = x if field in ("strip", "n_kept") else b.inttoptr(x, PTR)
        self.n_kept = 0
        self.scratch = {slot: k for k, slot in enumerate(body.shared)}
        self.is_last: Any = None
        self.seen: dict[Any, Any] = {}
        self.hold: Callable[[Any], Any] = LLVM.number  # makes a value available to later stages

    # --- operands ---

    def _start(self, block: Any, hold: Callable[[Any], Any] = LLVM.number) -> None:
        """Begin the code of a block or of a stage: nothing is loaded yet."""
        self.block, self.seen, self.hold = block, {}, hold
        # The last block may have fewer copies than lanes. One code serves all blocks: spare lanes compute on the last
        # copy's numbers, and `is_last` masks what they would add to sums and adjoints.
        if self.body.tail:
            behind = ir.VectorType(ir.IntType(1), self.body.width)
            mask = ir.Constant(behind, [int(lane >= self.body.tail) for lane in range(self.body.width)])
            here = self.b.icmp_signed("==", block, i64(self.body.blocks - 1))
            self.is_last = self.b.select(here, mask, ir.Constant(behind, [0] * self.body.width))

    def _own(self, j: int) -> Any:
        """The index of result j of this block's first copy."""
        body = self.body
        return self.b.add(self.b.mul(self.block, i64(body.width)), i64(body.base + j * body.stride))

    # A column may begin at any number of a result, so vectors are aligned to single numbers only.

    def _vector(self, base: Any, index: Any) -> Any:
        return self.b.load(self.b.gep(base, [index], source_etype=F64), typ=self.kind, align=8)

    def _put(self, x: Any, base: Any, index: Any) -> None:
        self.b.store(x, self.b.gep(base, [index], source_etype=F64), align=8)

    def _is_adjacent(self, column: Gather) -> bool:
        """Whether the lanes of a gathered operand are adjacent, and so one load."""
        return self.body.width == 1 or (column.table < 0 and column.step == 1)

    def _lane_addresses(self, column: Gather) -> list[Any]:
        """The index for each lane; in spare lanes that of the last copy."""
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

    def _gathered(self, column: Gather) -> Any:
        b = self.b
        addresses = self._lane_addresses(column)
        if not self._is_adjacent(column):
            x = ir.Constant(self.kind, None)
            for lane, address in enumerate(addresses):
                x = b.insert_element(x, load(b, F64, self.a["values"], address), ir.Constant(I32, lane))
            return x
        x = self._vector(self.a["values"], addresses[0])
        if self.body.tail:  # spare lanes loaded a neighbour's numbers; they must be as harmless as the last copy's
            last = b.extract_element(x, ir.Constant(I32, self.body.tail - 1))
            x = b.select(self.is_last, spread(b, last, self.kind), x)
        return x

    def _operand(self, e: int, results: dict[int, Any]) -> Any:
        """An operand of the body, by its place among the body's operands."""
        body, p = self.body, self.program
        slot = int(body.slots[0, e])
        if body.region.kinds[e] == LOCAL:
            return results[slot - p.first - body.region.start]
        column = body.columns.get(e)
        if column is None:
            if p.n_inputs <= slot < p.first:
                return float(p.constants[slot - p.n_inputs])
            # Anything that is a single load is loaded at each use: a load costs less than a register (docs/adr/0011).
            at = i64(int(body.plan.at[slot]))
            return Delayed(self.b, lambda: spread(self.b, load(self.b, F64, self.a["values"], at), self.kind))
        if self._is_adjacent(column) and not body.tail:
            return Delayed(self.b, lambda: self._gathered(column))
        # Eight loads and inserts: done once per block, and kept in memory for later stages.
        if column not in self.seen:
            self.seen[column] = self.hold(Lanes(self.b, self._gathered(column)))
        return self.seen[column]

    def _read(self, j: int, rule: Callable[..., Any], xs: Sequence[Any], m: Any = LLVM) -> Any:
        return read(self.body.primitives[j], rule, xs, self.b, self.kind, m)

    # --- the two directions ---

    def forward(self, kept: set[int]) -> None:
        """Write the forward loop: all copies' results, of which those in `kept` are stored, and the totals."""
        body, b = self.body, self.b
        sums = [b.alloca(F64) for _ in body.totals]
        # A total adds its terms in the order of `sum`, copy by copy, so values keep their bits (docs/adr/0011).
        for total, about in zip(sums, body.totals, strict=True):
            x = constant(F64, -0.0)  # x + -0.0 is x for every x; 0.0 would lose the sign of -0.0
            for slot in about.before:
                x = b.fadd(x, load(b, F64, self.a["values"], i64(int(body.plan.at[slot]))))
            b.store(x, total)
        with loop(b, i64(0), i64(body.blocks)) as block:
            self._start(block)
            results: dict[int, Any] = {}
            for j, (primitive, operands) in enumerate(zip(body.primitives, body.operands, strict=True)):
                results[j] = LLVM.number(self._read(j, primitive.value, [self._operand(e, results) for e in operands]))
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
        """Add a block's results to a total, copy by copy."""
        # Each addition waits for the one before; meanwhile the processor computes the next block's lanes.
        b, width = self.b, self.body.width
        if self.body.tail:
            terms = [b.select(self.is_last, constant(self.kind, -0.0), x) for x in terms]
        x = b.load(total, typ=F64)
        for lane in range(width):
            for term in terms:
                x = b.fadd(x, term if width == 1 else b.extract_element(term, ir.Constant(I32, lane)))
        b.store(x, total)

    def backward(self) -> set[int]:
        """Write the backward loop, from the last block to the first; returns the results that it reads."""
        body, b, p = self.body, self.b, self.program
        # Gradients with respect to shared operands are sums over copies, as those of a kernel are over examples.
        for k in range(len(body.shared)):
            store(b, constant(self.kind, 0.0), self.a["scratch"], i64(k))
        # A total passes its adjoint on unchanged, to each result that it adds and to the terms before the region.
        ends: dict[int, list[Any]] = {}
        for total in body.totals:
            g = load(b, F64, self.a["adjoints"], i64(self._total_at(total)))
            for slot in total.before:
                at = i64(int(body.plan.at[slot]))
                store(b, b.fadd(load(b, F64, self.a["adjoints"], at), g), self.a["adjoints"], at)
            for j in total.results:
                ends.setdefault(j, []).append(spread(b, g, self.kind))
        read: set[int] = set()
        # Copies that read each other leave nothing to overlap, so they get no stages and no kept factors.
        if body.width == 1:
            with loop(b, i64(0), i64(body.blocks)) as turn:
                add = at_once(b, self.kind, self.a["scratch"], strict_zero=self.strict_zero)
                self._backward(lambda: turn, None, ends, read, add)
        else:
            with strips(b, self.a, i64(body.blocks), self.kind, BODY_STAGE_LENGTH) as stages:
                products = OuterProducts(stages, self.kind, self.a["scratch"], strict_zero=self.strict_zero)
                self._backward(lambda: stages.block, stages, ends, read, products.send)
                stages.end()
                products.add_up()
                self.n_kept = stages.places
        for k, column in enumerate(body.buffered):
            self._add_buffer(k, column)
        # Other stages may have sent to shared slots, so the sums are added, not stored.
        for k, slot in enumerate(body.shared):
            if not p.n_inputs <= slot < p.first:
                x = sum_of_lanes(b, load(b, self.kind, self.a["scratch"], i64(k)), body.width)
                at = i64(int(body.plan.at[slot]))
                store(b, b.fadd(load(b, F64, self.a["adjoints"], at), x), self.a["adjoints"], at)
        b.ret_void()
        return read

    def _backward(
        self,
        turn: Callable[[], Any],
        stages: Stages | None,
        ends: dict[int, list[Any]],
        read: set[int],
        add: Callable[..., None],
    ) -> None:
        """Write the backward code of one block; `add` takes contributions to shared operands."""
        body = self.body
        hold = stages.hold if stages else LLVM.number

        def start() -> None:
            self._start(self.b.sub(i64(body.blocks - 1), turn()), hold)

        start()
        loaded = LoadedResults(lambda j: self._result(j, read))
        # `Adjoints` must know how many contributions a target gets, to accumulate several targets together.
        left = Counter(to for e in range(len(body.region.kinds)) if (to := self._target(e)) is not None)
        left.update({j: len(gs) for j, gs in ends.items()})
        # If copies read each other, `_send` may add to a result's adjoint in memory right up to that result's turn.
        together = TERMS_TOGETHER if body.region.parallel else 1
        adjoints = Adjoints(left, self._sent_by_others, hold, strict_zero=self.strict_zero, together=together)
        for j, gs in ends.items():
            for g in gs:
                adjoints.send(j, 1.0, hold(self._of_copies(g)))
        for j in reversed(range(len(body.primitives))):
            if stages and stages.turn():
                start()
            g = adjoints.gather(j)
            if g is not None:
                self._send(j, g, loaded, adjoints, add)
        for column in adjoints.waiting():
            if stages and stages.turn():
                start()
            x = adjoints.gather(column)
            if x is not None:
                self._scatter(column, x.value)

    def _target(self, e: int) -> Any:
        """What `Adjoints` accumulates an operand's adjoint under: a result of the body or a column; else None."""
        body = self.body
        if body.region.kinds[e] == LOCAL:
            return int(body.slots[0, e]) - self.program.first - body.region.start
        column = body.columns.get(e)
        return column if column and not column.is_constant and body.region.parallel else None

    def _result(self, j: int, read: set[int]) -> Any:
        """Result j, loaded at each use; notes in `read` that the forward function has to store it."""

        def vector() -> Any:
            read.add(j)
            return self._vector(self.a["values"], self._own(j))

        return Delayed(self.b, vector)

    def _sent_by_others(self, to: Any) -> Any:
        """The adjoint that a result has received from outside the body; resets it to 0 in memory."""
        if isinstance(to, Gather) or not self.body.exported[to]:
            return None
        at = self._own(to)
        # A plan's adjoints are 0 between runs (see `execution_plan`): who reads one restores the 0.
        g = Lanes(self.b, self._vector(self.a["adjoints"], at))
        self._put(constant(self.kind, 0.0), self.a["adjoints"], at)
        return g

    def _of_copies(self, x: Any) -> Lanes:
        """The same number for all copies, and 0 in spare lanes."""
        return Lanes(self.b, self.b.select(self.is_last, constant(self.kind, 0.0), x) if self.body.tail else x)

    def _add_buffer(self, k: int, column: Gather) -> None:
        """Write a loop that adds a buffer to the adjoints of the column's operands."""
        b, width = self.b, self.body.width
        start = b.gep(self.a["buffers"], [i64(k * self.body.stride)], source_etype=F64)
        with loop(b, i64(0), i64(self.body.blocks)) as block:
            at = b.mul(block, i64(width))
            own = b.add(at, i64(column.first))
            self._put(b.fadd(self._vector(self.a["adjoints"], own), self._vector(start, at)), self.a["adjoints"], own)

    def _send(self, j: int, g: Any, loaded: Any, adjoints: Adjoints, add: Callable[..., None]) -> None:
        body, p = self.body, self.program
        operands = body.operands[j]
        xs = [self._operand(e, loaded) for e in operands]
        # HASTY leaves rare branches out as NaN, which leads to the strict code, as in a kernel.
        partials = self._read(j, body.primitives[j].partials, [*xs, loaded[j]], LLVM if self.strict_zero else HASTY)
        for e, d in zip(operands, partials, strict=True):
            slot = int(body.slots[0, e])
            column = body.columns.get(e)
            if column.is_constant if column else p.n_inputs <= slot < p.first:
                continue
            # Added in memory at once: the target may be a result of this copy or of an earlier one, still to come.
            if column and not body.region.parallel:
                product = gathered(None, [(d, g)], strict_zero=self.strict_zero)
                if product is not None:
                    self._scatter(column, product.value)
                continue
            to = self._target(e)
            if to is None:
                add(self.scratch[slot], LLVM.number(d), g)
            else:
                adjoints.send(to, d, g)

    def _scatter(self, column: Gather, x: Any) -> None:
        """Add a vector to the adjoints of a gathered operand."""
        b, adjoints = self.b, self.a["adjoints"]
        if self.body.tail:
            x = b.select(self.is_last, constant(self.kind, 0.0), x)
        # Each block has its own part of the buffer and writes it once, so this is a store.
        if column in self.body.buffered:
            k = self.body.buffered.index(column)
            at = b.add(b.mul(self.block, i64(self.body.width)), i64(k * self.body.stride))
            self._put(x, self.a["buffers"], at)
            return
        addresses = self._lane_addresses(column)
        if self._is_adjacent(column):
            self._put(b.fadd(self._vector(adjoints, addresses[0]), x), adjoints, addresses[0])
            return
        # One lane after the other, because two lanes may have the same address.
        for lane, address in enumerate(addresses):
            part = b.extract_element(x, ir.Constant(I32, lane))
            store(b, b.fadd(load(b, F64, adjoints, address), part), adjoints, address)


class LoadedResults(dict[int, Any]):
    """The results of a body, each loaded from memory on first access."""

    def __init__(self, source: Callable[[int], Any]) -> None:
        super().__init__()
        self._source = source

    def __missing__(self, j: int) -> Any:
        self[j] = self._source(j)
        return self[j]
