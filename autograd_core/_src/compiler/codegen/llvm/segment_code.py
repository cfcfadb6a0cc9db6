"""The functions of a segment, examples of the batch in lanes: a loop over its copies, forward and backward."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from llvmlite import ir

from ....number_systems.llvm import HASTY, LLVM, Delayed, Lanes
from ...passes.find_repeats import LOCAL
from .accumulation import TERMS_TOGETHER, Adjoints, with_product
from .jit import I32, I64, PTR, VOID, constant, i64, load, loop, spread, store
from .loops import LoadedResults
from .outer_products import OuterProducts
from .segments import CopyColumn
from .straight_line import read
from .strip_mining import STRIP_BLOCKS, Stages
from .vm_code import OF_MANY, looped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ....engine.ops import Primitive
    from .segments import CopiesTotal, SegmentBody

CHEAP = {"fadd", "fsub", "fmul", "fneg", "fcmp", "select", "uitofp", "and", "or", "xor"}  # and so few of these:
MOST_CHEAP = 8
MOST_OPEN = 16  # sums over all copies that stay in registers; more would be spilled at every turn


class Target(Protocol):
    """What the code of a segment needs to know of the kernel that it is in.

    Attributes:
        module: The module.
        kind: The type of a vector.
        real: The type of a lane.
        places: The inputs that differ from example to example; the others are read from where all examples share them.
        at: For each slot, where its vector is in memory; -1 if it has none.
        n_vectors: How many slots have one.
        in_memory: For each slot, whether it is read as a vector although it is an input or a constant.
        together: How many blocks of examples are computed at a time.
        n_strip: How many vectors a copy keeps for the sums over all copies, at most.
    """

    module: Any
    kind: Any
    real: Any
    places: Any
    at: Any
    n_vectors: int
    in_memory: Any
    together: int
    n_strip: int


# Three kinds of code with one interface (`forward`, `call_forward`, `backward`): equal copies as a loop, a node of many
# operands, and what is left of a sum that a loop has begun. The kernel calls them in the program's order.
class LoopCode:
    """Writes the two functions of a region: loops over its copies."""

    def __init__(self, target: Target, body: SegmentBody, k: int) -> None:
        self.target, self.body, self.kind, self.k = target, body, target.kind, k
        self.program, self.region = body.program, body.region
        self.begin = self.program.first + self.region.start
        self.tables = [constant_array(target.module, f"places_{k}_{n}", x, I32) for n, x in enumerate(body.tables)]
        # What is gathered is found by index, so inputs and constants among it have to be vectors in memory, too.
        for e in body.columns:
            target.in_memory[body.slots[:, e]] = True
        self.before = {
            x.slot: constant_array(target.module, f"before_{x.slot}", target.at[x.before], I32) for x in body.totals
        }
        # Results that are read outside of their copy; the backward function, written first, adds those that it reads.
        self.stored = {j for j, is_read in enumerate(body.exported) if is_read}
        # A copy's vectors stand next to each other, and those of the next copy right behind them.
        mine = target.at[self.begin : self.begin + self.region.period]
        self.n_mine = int((mine >= 0).sum())
        self.first = int(mine.max()) - self.n_mine + 1
        self.rank = (mine - self.first).tolist()

    def _begin(self, name: str) -> None:
        function = segment_function(self.target.module, f"{name}_{self.k}")
        self.values, self.adjoints, self.shared = function.args
        self.b = ir.IRBuilder(function.append_basic_block())
        self.made = function

    def _start(self, copy: Any) -> None:
        """Begin the code of a copy."""
        b = self.b
        at = b.add(b.mul(copy, i64(self.n_mine)), i64(self.first))
        self.copy = copy
        self.seen: dict[int | CopyColumn, Any] = {}
        # All results of the copy are at fixed distances from these two, which addressing modes take for nothing.
        self.mine, self.mine_back = (b.gep(x, [at], source_etype=self.kind) for x in (self.values, self.adjoints))

    def _place(self, slot: int) -> Any:
        return i64(int(self.target.at[slot]))

    def _at(self, column: CopyColumn) -> Any:
        b = self.b
        if column.table < 0:
            return b.add(b.mul(self.copy, i64(column.step)), i64(column.first))
        return b.sext(load(b, I32, self.tables[column.table], self.copy), I64)

    def _operand(self, e: int, results: Any) -> Any:
        """An operand, by its place among those of the body."""
        p, slot = self.program, int(self.body.slots[0, e])
        # In a register: a copy's own results go through memory only where somebody outside of the copy reads them.
        if self.region.kinds[e] == LOCAL:
            return results[slot - self.begin]
        source = self.body.columns.get(e, slot)
        if isinstance(source, int) and p.n_inputs <= source < p.first:
            return float(p.constants[source - p.n_inputs])
        # One object for each source, by which products with the same factor are known.
        if source not in self.seen:
            self.seen[source] = Delayed(self.b, lambda: self._loaded(source))
        return self.seen[source]

    def _loaded(self, source: int | CopyColumn) -> Any:
        b = self.b
        if isinstance(source, CopyColumn):
            return load(b, self.kind, self.values, self._at(source))
        # What all examples share is broadcast at each use: as vectors, weights would take eight times the cache.
        if source < self.program.n_inputs and source not in self.target.places:
            return spread(b, load(b, self.target.real, self.shared, i64(source)), self.kind)
        return load(b, self.kind, self.values, self._place(source))

    def _read(self, primitive: Primitive, rule: Callable[..., Any], xs: Sequence[Any], m: Any = LLVM) -> Any:
        return read(primitive, rule, xs, self.b, self.kind, m)

    def forward(self) -> None:
        """Write the forward loop; for small bodies it runs two blocks of examples at a time."""
        self._begin("forward")
        b, body = self.b, self.body
        first, second, self.shared = self.made.args
        self.is_paired = self.target.together > 1 and body.is_paired
        blocks = (first, second) if self.is_paired else (first,)
        sums = [[self._begun(total, values) for total in body.totals] for values in blocks]
        with loop(b, i64(0), i64(self.region.copies)) as copy:
            for values, running in zip(blocks, sums, strict=True):
                self.values = values
                self._start(copy)
                results: dict[int, Any] = {}
                for j, (primitive, operands) in enumerate(zip(body.primitives, body.operands, strict=True)):
                    xs = [self._operand(e, results) for e in operands]
                    results[j] = z = LLVM.number(self._read(primitive, primitive.value, xs))
                    if j in self.stored:
                        store(b, self._vector(z), self.mine, i64(self.rank[j]))
                for total, place in zip(body.totals, running, strict=True):
                    for j in total.results:
                        b.store(b.fadd(b.load(place, typ=self.kind), self._vector(results[j])), place)
        for values, running in zip(blocks, sums, strict=True):
            for total, place in zip(body.totals, running, strict=True):
                store(b, b.load(place, typ=self.kind), values, self._place(total.slot))
        b.ret_void()
        self.function = self.made

    def _vector(self, z: Any) -> Any:
        return z.value if isinstance(z, Lanes) else constant(self.kind, z)

    def _begun(self, total: CopiesTotal, values: Any) -> Any:
        """Where a total is added up: in a register, with the terms before the copies in it."""
        place = self.b.alloca(self.kind)
        self.b.store(constant(self.kind, -0.0), place)  # x + -0.0 is x for every x; 0.0 would lose the sign of -0.0
        with loop(self.b, i64(0), i64(len(total.before))) as k:
            x = load(self.b, self.kind, values, self.b.sext(load(self.b, I32, self.before[total.slot], k), I64))
            self.b.store(self.b.fadd(self.b.load(place, typ=self.kind), x), place)
        return place

    def call_forward(self, b: Any, values: Sequence[Any], shared: Any) -> None:
        """Write the calls that compute some blocks of examples."""
        if self.is_paired:
            b.call(self.function, [values[0], values[-1], shared])
            return
        for memory in values:
            b.call(self.function, [memory, memory, shared])

    def backward(self, *, strict_zero: bool) -> Any:
        """Write the backward loop, from the last copy to the first, and return its function."""
        self._begin("backward")
        b, body = self.b, self.body
        self.strict_zero = strict_zero
        # A sum passes its adjoint on unchanged; it is 0 in memory afterwards, as that of any node that was read.
        self.ends = []
        for total in body.totals:
            if body.needed[total.results[0]]:
                g = Lanes(b, load(b, self.kind, self.adjoints, self._place(total.slot)))
                self.ends += [(j, g) for j in total.results]
                store(b, constant(self.kind, 0.0), self.adjoints, self._place(total.slot))
        if len(body.summed) > MOST_OPEN:
            self._backward_by_strips()
        else:
            # LLVM keeps these in registers while the loop runs.
            sums = {slot: b.alloca(self.kind) for slot in body.summed}
            for slot, total in sums.items():
                b.store(load(b, self.kind, self.adjoints, self._place(slot)), total)

            def add(slot: int, d: Any, g: Any) -> None:
                old = Lanes(b, b.load(sums[slot], typ=self.kind))
                b.store(with_product(old, LLVM.number(d), g, strict_zero=strict_zero).value, sums[slot])

            # Last copy first, as `backward()` goes through the graph: so sums over all copies have its order of
            # addition, and its bits (docs/adr/0014).
            with loop(b, i64(0), i64(self.region.copies)) as turn:
                self._start(b.sub(i64(self.region.copies - 1), turn))
                self._backward(LLVM.number, add)
            for slot, total in sums.items():
                store(b, b.load(total, typ=self.kind), self.adjoints, self._place(slot))
        b.ret_void()
        return self.made

    def _backward_by_strips(self) -> None:
        """Write a loop over strips of copies, after each of which its products are added to many sums in tiles.

        What examples are to a kernel's sums over the batch, copies are here: each sum still receives its products from
        the last copy to the first.
        """
        b, copies = self.b, self.region.copies
        strip = min(STRIP_BLOCKS, copies)
        # Known when the code is written: how many vectors a copy keeps.
        about = ir.GlobalVariable(b.module, I64, f"kept_by_{self.k}")
        about.linkage = "internal"
        n_kept = b.load(about, typ=I64)
        memory = b.gep(self.adjoints, [i64(self.target.n_vectors)], source_etype=self.kind)  # see RolledWriter
        with loop(b, i64(0), i64(-(-copies // strip))) as turn:
            first = b.mul(turn, i64(strip))
            left = b.sub(i64(copies), first)
            count = b.select(b.icmp_signed("<", left, i64(strip)), left, i64(strip))
            # A single stage: its blocks are copies, and `turn` is never asked.
            stages = Stages(b, memory, n_kept, first, count, self.kind, 0)
            products = OuterProducts(stages, self.kind, self.adjoints, strict_zero=self.strict_zero)
            self._start(b.sub(i64(copies - 1), stages.block))
            self._backward(stages.hold, lambda slot, d, g: products.send(int(self.target.at[slot]), d, g))
            stages.end()
            products.add_up()
        about.initializer = i64(stages.places)
        # One piece of memory serves all regions in turn.
        self.target.n_strip = max(self.target.n_strip, stages.places)

    def _backward(self, hold: Callable[[Any], Any], add: Callable[[int, Any, Any], None]) -> None:
        """Write one copy's sweep; `add` takes what goes to sums over all copies."""
        body = self.body
        self.results = results = LoadedResults(self._result)
        targets = (
            self._target(e) for j, operands in enumerate(body.operands) for e in operands if body.needed[j]
        )
        # How many products each target gets from this copy: when the last has come they are added up (docs/adr/0011).
        left = Counter(to for to in targets if to is not None)
        left.update(j for j, _ in self.ends)
        # The same accumulation as in straight-line code, by the same class: two ways of adding up would have to agree
        # to the last bit.
        adjoints = Adjoints(left, self._sent_by_others, hold, strict_zero=self.strict_zero, together=TERMS_TOGETHER)
        for j, g in self.ends:
            adjoints.send(j, 1.0, g)
        m = LLVM if self.strict_zero else HASTY
        for j in reversed(range(len(body.primitives))):
            if not body.needed[j]:
                continue
            g = adjoints.gather(j)
            # Nobody has sent anything: what follows from it is 0 and needs no code.
            if g is None:
                continue
            operands, primitive = body.operands[j], body.primitives[j]
            xs = [self._operand(e, results) for e in operands]
            for e, d in zip(operands, self._read(primitive, primitive.partials, [*xs, results[j]], m), strict=True):
                if body.sends[e]:
                    self._send(e, d, g, adjoints, add)
        # What is left are columns. Their adjoints stand in memory, where copies before this one, or what comes before
        # the region, read them later.
        for column in adjoints.waiting():
            g = adjoints.gather(column)
            store(self.b, g.value, self.adjoints, self._at(column))

    def _target(self, e: int) -> Any:
        """What `Adjoints` accumulates an operand's adjoint under: a result of the copy or a column; else None."""
        body = self.body
        if not body.sends[e]:
            return None
        if body.region.kinds[e] == LOCAL:
            return int(body.slots[0, e]) - self.begin
        column = body.columns.get(e)
        return column if column in body.apart else None

    def _send(self, e: int, d: Any, g: Any, adjoints: Adjoints, add: Callable[[int, Any, Any], None]) -> None:
        """Contribute local derivative times adjoint to an operand."""
        b, slot, to = self.b, int(self.body.slots[0, e]), self._target(e)
        column = self.body.columns.get(e)
        if to is not None:
            adjoints.send(to, d, g)
        elif column is None and slot in self.body.summed:
            add(slot, d, g)
        else:  # in memory at once: another operand of this copy may have the same slot
            at = self._place(slot) if column is None else self._at(column)
            old = Lanes(b, load(b, self.kind, self.adjoints, at))
            store(b, with_product(old, LLVM.number(d), g, strict_zero=self.strict_zero).value, self.adjoints, at)

    def _result(self, j: int) -> Any:
        """Result j: computed anew if that is a few instructions; else loaded at each use, so stored forward."""
        # Memory is what bounds long programs: with sums and products computed anew, steps took 0.7 to 0.8 of the time.
        rule, operands = self.body.primitives[j].value, self.body.operands[j]
        if is_cheap(rule, len(operands), self.kind):
            return LLVM.number(rule(LLVM, *(self._operand(e, self.results) for e in operands)))

        def vector() -> Any:
            self.stored.add(j)
            return load(self.b, self.kind, self.mine, i64(self.rank[j]))

        return Delayed(self.b, vector)

    def _sent_by_others(self, j: Any) -> Any:
        """The adjoint that a result has received from outside its copy, which is 0 in memory then; or a column's."""
        if isinstance(j, CopyColumn):
            return Lanes(self.b, load(self.b, self.kind, self.adjoints, self._at(j)))
        if not self.body.exported[j]:
            return None
        # Who reads it writes the 0 back: the invariant *Zeros* of `rolled_kernel`.
        g = Lanes(self.b, load(self.b, self.kind, self.mine_back, i64(self.rank[j])))
        store(self.b, constant(self.kind, 0.0), self.mine_back, i64(self.rank[j]))
        return g


class WideNodeCode:
    """A node of many operands: the interpreter's handlers, which loop over them."""

    def __init__(self, target: Target, body: SegmentBody, k: int) -> None:
        self.target, self.body, self.k = target, body, k
        self.own = int(target.at[body.program.first + body.region.start])
        target.in_memory[body.slots] = True
        self.slots = constant_array(target.module, f"operands_{k}", target.at[body.slots[0]], I32)
        self.names = f"value_{k}", f"adjoint_{k}"
        looped(target.module, body.primitives[0], self.names, target.kind, OF_MANY)

    def _call(self, b: Any, handler: str, values: Any, adjoints: Any) -> None:
        count = i64(len(self.body.slots[0]))
        b.call(self.target.module.globals[handler], [self.slots, count, values, adjoints, i64(self.own)])

    def forward(self) -> None:
        """Its handlers are written already."""

    def call_forward(self, b: Any, values: Sequence[Any], shared: Any) -> None:  # noqa: ARG002
        """Write the calls that compute some blocks of examples."""
        for memory in values:
            self._call(b, self.names[0], memory, memory)

    def backward(self, *, strict_zero: bool) -> Any:  # noqa: ARG002  the interpreter's handlers always have strict zero
        """Write the function that sends to all operands, and return it."""
        function = segment_function(self.target.module, f"backward_{self.k}")
        values, adjoints, _shared = function.args
        b = ir.IRBuilder(function.append_basic_block())
        self._call(b, self.names[1], values, adjoints)
        # A handler leaves its own adjoint as it is, and the next block of examples begins with zeros.
        store(b, constant(self.target.kind, 0.0), adjoints, i64(self.own))
        b.ret_void()
        return function


class TotalCode:
    """The rest of a sum that a region's loop has begun: adds the operands that follow the copies' results."""

    def __init__(self, target: Target, total: CopiesTotal) -> None:
        self.target, self.total, self.own = target, total, i64(int(target.at[total.slot]))
        target.in_memory[np.concatenate([total.before, total.behind])] = True
        self.arrays = [
            constant_array(target.module, f"{name}_of_{total.slot}", target.at[slots], I32)
            for name, slots in (("behind", total.behind), ("both", np.concatenate([total.before, total.behind])))
        ]

    def _each(self, b: Any, which: int, each: Callable[[Any], None]) -> None:
        with loop(b, i64(0), i64(len(self.arrays[which].initializer.constant))) as k:
            each(b.sext(load(b, I32, self.arrays[which], k), I64))

    def forward(self) -> None:
        """All is in its calls."""

    def call_forward(self, b: Any, values: Sequence[Any], shared: Any) -> None:  # noqa: ARG002
        """Write the code that adds, for some blocks of examples."""
        kind, own = self.target.kind, self.own
        with b.goto_entry_block():
            places = [b.alloca(kind) for _ in values]
        # All are loaded before any is stored: two blocks may be one and the same.
        for place, memory in zip(places, values, strict=True):
            b.store(load(b, kind, memory, own), place)
        for place, memory in zip(places, values, strict=True):

            def add(slot: Any, place: Any = place, memory: Any = memory) -> None:
                b.store(b.fadd(b.load(place, typ=kind), load(b, kind, memory, slot)), place)

            self._each(b, 0, add)
        for place, memory in zip(places, values, strict=True):
            store(b, b.load(place, typ=kind), memory, own)

    def backward(self, *, strict_zero: bool) -> Any:  # noqa: ARG002  a factor of 1 is not 0
        """Write the function that sends to the other operands, and return it; the loop reads the adjoint after it."""
        function = segment_function(self.target.module, f"backward_of_{self.total.slot}")
        _values, adjoints, _shared = function.args
        b = ir.IRBuilder(function.append_basic_block())
        g = load(b, self.target.kind, adjoints, self.own)
        kind = self.target.kind
        # Not to the copies' results: the region's loop, which reads this adjoint next, sends to these.
        self._each(b, 1, lambda slot: store(b, b.fadd(load(b, kind, adjoints, slot), g), adjoints, slot))
        b.ret_void()
        return function


@cache
def is_cheap(rule: Callable[..., Any], count: int, kind: Any) -> bool:
    """Whether a rule for so many operands is a few additions, multiplications and comparisons."""
    # Read on an empty function: the instructions that a rule becomes tell its cost, its text does not.
    function = ir.Function(ir.Module(), ir.FunctionType(VOID, [kind] * count), "tried")
    b: Any = ir.IRBuilder(function.append_basic_block())
    try:
        rule(LLVM, *(Lanes(b, x) for x in function.args))
    except (TypeError, AttributeError):  # a user's rule that cannot be compiled: said where it is written
        return False
    found = [x.opname for x in b.block.instructions]
    return len(function.blocks) == 1 and len(found) <= MOST_CHEAP and set(found) <= CHEAP


def segment_function(module: Any, name: str) -> Any:
    """A new function of a segment: values, adjoints (or the values of another block), and the shared inputs."""
    function = ir.Function(module, ir.FunctionType(VOID, [PTR, PTR, PTR]), name)
    function.linkage = "internal"
    # Not inlined: LLVM's time is more than linear in the length of a function.
    function.attributes.add("noinline")
    return function


def constant_array(module: Any, name: str, numbers: Any, kind: Any) -> Any:
    """An array in the code."""
    content = ir.Constant(ir.ArrayType(kind, len(numbers)), numbers.tolist())
    found: Any = ir.GlobalVariable(module, content.type, name)
    found.initializer, found.global_constant, found.linkage = content, True, "internal"
    return found
