"""The interpreter's code: a forward and a backward handler per primitive, made from its rule, and their driver.

A handler serves one primitive with one number of operands; it is compiled when the first program needs it, and kept for
all later programs. Rules of a few operands are unrolled. Those of many operands become loops (`wide_nodes`); `sum`,
`mean` and `dot` always do.
"""

from __future__ import annotations

import ctypes
from itertools import chain
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from ....number_systems.base import read_rule
from ....number_systems.llvm import LLVM, Lanes
from ....number_systems.llvm_functions import FastModule, width_of
from .accumulation import with_product
from .jit import (
    ENTRY,
    F64,
    I32,
    I64,
    PTR,
    VOID,
    addresses_of,
    alignment,
    constant,
    i64,
    lanes,
    load,
    lock,
    loop,
    spread,
    store,
)
from .wide_nodes import each_partial, is_wide, read_node
from .wide_rules import Wide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ....engine.ops import Primitive

# No number of operands is 0 or less, so a key (primitive, n) has room for these. Handlers for any number are few, and
# compiled once; one for each length would be compiled for every new length of a sum.
OF_FEW, OF_MANY, SIDE_BY_SIDE = 0, -1, -2  # handlers for any number of operands; the last needs adjacent slots
# Operands ahead of a backward sweep that are fetched into the cache. A program of 100 000 operations is larger than the
# second-level cache, and its far operands are not where the processor expects them: waiting for them took an eighth of
# the time. 16 to 96 are alike, and small programs take no longer.
AHEAD = 32
# One signature for all, so that a program is a table of addresses; operands are slots, found anew at each call: a
# handler knows nothing of the program that it runs in.
HANDLER = ir.FunctionType(VOID, [PTR, I64, PTR, PTR, I64])  # operands, their count, values, adjoints, own slot


def _slot(b: Any, slots: Any, index: Any) -> Any:
    return b.sext(load(b, I32, slots, index), I64)


class _Handler:
    """Writes a handler; knows where operands, values and adjoints are."""

    def __init__(self, module: Any, name: str, kind: Any) -> None:
        function = ir.Function(module, HANDLER, name)
        self.operands, self.count, self.values, self.adjoints, self.own = function.args
        self.kind = kind
        self.b = ir.IRBuilder(function.append_basic_block())

    def operand(self, index: Any) -> Lanes:
        return Lanes(self.b, load(self.b, self.kind, self.values, _slot(self.b, self.operands, index)))

    def finish(self, z: Any) -> None:
        """Store the result."""
        z = LLVM.number(z)
        store(self.b, z.value if isinstance(z, Lanes) else constant(self.kind, z), self.values, self.own)
        self.b.ret_void()

    def result(self) -> Lanes:
        return Lanes(self.b, load(self.b, self.kind, self.values, self.own))

    def adjoint(self) -> Lanes:
        return Lanes(self.b, load(self.b, self.kind, self.adjoints, self.own))

    # Handlers always have strict zero: they are compiled once for all programs, so there is no second,
    # careful version to fall back to.

    def send(self, d: Any, g: Lanes, index: Any) -> None:
        """Add d * g to an operand's adjoint, unless either is 0."""
        slot = _slot(self.b, self.operands, index)
        old = Lanes(self.b, load(self.b, self.kind, self.adjoints, slot))
        store(self.b, with_product(old, LLVM.number(d), g, strict_zero=True).value, self.adjoints, slot)


def _unrolled(module: Any, primitive: Primitive, n: int, names: tuple[str, str], kind: Any) -> None:
    """Both handlers of a primitive for n operands, with its rule unrolled."""
    # The backward handler loads the result and does not compute it anew: the values of all nodes are in memory until
    # the sweep ends, and many partials are short only because they use z, such as 1 - z * z of tanh.
    forward, backward = (_Handler(module, name, kind) for name in names)
    forward.finish(primitive.value(LLVM, *(forward.operand(i64(k)) for k in range(n))))
    xs = [backward.operand(i64(k)) for k in range(n)]
    partials = primitive.partials(LLVM, *xs, backward.result())
    g = backward.adjoint()
    for k, d in enumerate(partials):
        backward.send(d, g, i64(k))
    backward.b.ret_void()


def looped(module: Any, primitive: Primitive, names: tuple[str, str], kind: Any, form: int) -> None:
    """Both handlers of a primitive for any number of operands."""
    h = _Handler(module, names[0], kind)
    many = _Many(h, primitive, form)
    found = primitive.value(many.wide, *many.xs)
    many.wide.give_back()
    h.finish(found)

    h = _Handler(module, names[1], kind)
    many = _Many(h, primitive, form)
    many.backward()
    h.b.ret_void()


class _Many:
    """Operands in lists of any length, and their adjoints."""

    def __init__(self, h: _Handler, primitive: Primitive, form: int) -> None:
        b = h.b
        self.h, self.primitive, self.in_a_row = h, primitive, form == SIDE_BY_SIDE
        # Lists come one after the other and have one length (`dot`: w..., x...), then single operands: so a count says
        # all.
        self.n = b.sdiv(b.sub(h.count, i64(primitive.singles)), i64(primitive.lists))
        self.wide = Wide(b, h.kind, self.n, in_lanes=form != OF_FEW)
        self.behind = b.mul(self.n, i64(primitive.lists))
        self.starts = [_slot(b, h.operands, b.mul(self.n, i64(k))) for k in range(primitive.lists)]
        self.xs = read_node(self.wide, primitive, self._vector, lambda k: h.operand(b.add(self.behind, i64(k))))

    def _vector(self, k: int, i: Any) -> Any:
        """Elements of a list from index i on; lanes after the last one hold arbitrary numbers."""
        h, b, wide = self.h, self.h.b, self.wide
        if self.in_a_row:
            return wide.vector(h.values, b.add(self.starts[k], i))
        base = b.mul(self.n, i64(k))
        if wide.width == 1:
            return h.operand(b.add(base, i)).value
        x = ir.Constant(wide.lane_kind(h.kind), None)
        # Operands are anywhere in memory, so lanes are filled one by one; beyond the end the last operand is repeated.
        last = b.sub(self.n, i64(1))
        for lane in range(wide.width):
            here = b.add(i, i64(lane))
            here = b.select(b.icmp_signed("<", here, last), here, last)
            x = b.insert_element(x, h.operand(b.add(base, here)).value, ir.Constant(I32, lane))
        return x

    def backward(self) -> None:
        """Write the contributions to all operands."""
        h, b, n = self.h, self.h.b, self.n
        g = h.adjoint()

        def each(k: int, i: Any, d: Any) -> None:
            h.send(d, g, b.add(i, b.mul(n, i64(k))))

        # Adjacent operands of a list are different nodes, so their adjoints are loaded, added to and stored as one
        # vector. Of `sum([x, x])` each use has to see what the one before has added, and `_in_a_row` excludes it; lists
        # come one by one.
        def some(k: int, i: Any, d: Any) -> None:
            place = b.gep(h.adjoints, [b.add(self.starts[k], i)], source_etype=h.kind)
            old = b.load(place, typ=d.value.type, align=alignment(h.kind))
            sent = Lanes(b, spread(b, g.value, d.value.type))
            b.store(with_product(Lanes(b, old), d, sent, strict_zero=True).value, place, align=alignment(h.kind))

        def one(k: int, d: Any) -> None:
            h.send(d, g, b.add(self.behind, i64(k)))

        each_partial(self.wide, self.primitive, [*self.xs, h.result()], each, one, some if self.in_a_row else None)


# The driver's arguments: one block of 64-bit numbers, for ctypes takes long over many arguments.
BLOCK = (
    "blocks n first offsets operands forward backward values adjoints n_slots "
    "n_mapped mapped rows n_wanted wanted results gradients root seeds n_sought sought gradient n_summed summed sums"
).split()


def _driver(module: Any, name: str, kind: Any) -> None:
    """The function that runs a program over all blocks of rows: load, forward, read, backward, read.

    An adjoint that is summed over the rows goes on from what the block before has left, so that products are added
    to it one by one, as compiled code adds them.
    """
    function = ir.Function(module, ir.FunctionType(VOID, [PTR]), name)
    b = ir.IRBuilder(function.append_basic_block())
    a: dict[str, Any] = {}
    for k, field in enumerate(BLOCK):
        x = load(b, I64, function.args[0], i64(k))
        pointer = field not in ("blocks", "n", "first", "gradients", "root") and not field.startswith("n_")
        a[field] = b.inttoptr(x, PTR) if pointer else x

    prefetch = ir.Function(module, ir.FunctionType(VOID, [PTR, I32, I32, I32]), "llvm.prefetch.p0")

    def handle(table: str, i: Any) -> None:
        start, stop = (_slot(b, a["offsets"], j) for j in (i, b.add(i, i64(1))))
        operands = b.gep(a["operands"], [start], source_etype=I32)
        handler = b.inttoptr(load(b, I64, a[table], i), HANDLER.as_pointer())
        b.call(handler, [operands, b.sub(stop, start), a["values"], a["adjoints"], b.add(a["first"], i)])

    def fetch(i: Any) -> None:
        """Ask for values and adjoints of operands that come so many later in a backward sweep."""
        start, stop = (_slot(b, a["offsets"], j) for j in (i, b.add(i, i64(1))))
        with loop(b, start, stop) as k:
            ahead = b.sub(k, i64(AHEAD))
            slot = _slot(b, a["operands"], b.select(b.icmp_signed("<", ahead, i64(0)), i64(0), ahead))
            how = [ir.Constant(I32, x) for x in (0, 3, 1)]  # to be read, more than once; data
            for array in ("values", "adjoints"):
                b.call(prefetch, [b.gep(a[array], [slot], source_etype=kind), *how])

    def gather(slots: str, source: str, target: str, block: Any) -> None:
        n = a[f"n_{slots}"]
        with loop(b, i64(0), n) as k:
            x = load(b, kind, a[source], _slot(b, a[slots], k))
            store(b, x, a[target], b.add(b.mul(block, n), k))

    # Values and adjoints of one block serve all blocks in turn, so the memory does not grow with the batch.
    with loop(b, i64(0), a["blocks"]) as block:
        with loop(b, i64(0), a["n_mapped"]) as k:
            x = load(b, kind, a["rows"], b.add(b.mul(block, a["n_mapped"]), k))
            store(b, x, a["values"], _slot(b, a["mapped"], k))
        with loop(b, i64(0), a["n"]) as i:
            handle("forward", i)
        gather("wanted", "values", "results", block)
        with b.if_then(b.icmp_signed("!=", a["gradients"], i64(0))):
            with loop(b, i64(0), a["n_slots"]) as k:
                store(b, constant(kind, 0.0), a["adjoints"], k)
            # Sums over the batch are not cleared: compiled code adds to them product by product as well, and results
            # must have the same bits (docs/adr/0014).
            with loop(b, i64(0), a["n_summed"]) as k:
                store(b, load(b, kind, a["sums"], k), a["adjoints"], _slot(b, a["summed"], k))
            # In the last block the seeds of spare lanes are 0, so these lanes add 0 to sums.
            is_last = b.icmp_signed("==", block, b.sub(a["blocks"], i64(1)))
            seed = b.select(is_last, load(b, kind, a["seeds"], i64(0)), constant(kind, 1.0))
            store(b, b.fadd(load(b, kind, a["adjoints"], a["root"]), seed), a["adjoints"], a["root"])
            with loop(b, i64(0), a["n"]) as i:
                last = b.sub(b.sub(a["n"], i64(1)), i)
                if width_of(kind):  # a single point has an eighth of the memory, and of the work that would hide this
                    fetch(last)
                handle("backward", last)
            gather("sought", "adjoints", "gradient", block)
            gather("summed", "adjoints", "sums", i64(0))
    b.ret_void()


Key = tuple["Primitive", int]
_handlers: dict[Any, tuple[int, int]] = {}
_drivers: dict[Any, tuple[int, Callable[[int], None]]] = {}


def handlers(keys: Sequence[Key], width: int, *, fast: bool = False, real: Any = F64) -> list[tuple[int, int]]:
    """Addresses of the forward and the backward handler of each primitive and operand count.

    Raises:
        OperandError: A user's primitive does what is no arithmetic, such as `math.sin(x)`.
    """
    kind = lanes(width, real)
    # A user may replace a primitive's rules, so they belong to the key.
    full = [(p, p.value, p.partials, _form(p, n, kind), kind, fast) for p, n in keys]
    # Under the lock of all compiling: a fork meanwhile would copy LLVM in the middle of its work (`compiler/locks.py`).
    with lock:
        missing = [key for key in dict.fromkeys(full) if key not in _handlers]
        # All missing handlers in one module: each module has a fixed cost.
        if missing:
            module = (FastModule if fast else ir.Module)()
            names = [(f"{ENTRY}forward_{k}", f"{ENTRY}backward_{k}") for k in range(len(missing))]
            for (primitive, _, _, n, _, _), pair in zip(missing, names, strict=True):
                if n <= 0:
                    looped(module, primitive, pair, kind, n)
                else:
                    read_rule(primitive, _unrolled, module, primitive, n, pair, kind)
            found = addresses_of(module, chain.from_iterable(names))
            _handlers.update(zip(missing, zip(found[::2], found[1::2]), strict=True))
        return [_handlers[key] for key in full]


def _form(primitive: Primitive, n: int, kind: Any) -> int:
    """The kind of handler for a number of operands: for exactly that number, for few, or for many."""
    if n == SIDE_BY_SIDE:
        return OF_MANY if width_of(kind) else n  # lanes are examples or elements, never both
    return OF_MANY if is_wide(primitive, n) else OF_FEW if primitive.reduction is not None else n


def driver(width: int, real: Any = F64) -> Callable[[int], None]:
    """The function that runs programs over lanes of this width; takes the address of its argument block."""
    kind = lanes(width, real)
    with lock:
        if kind not in _drivers:
            module = ir.Module()
            _driver(module, f"{ENTRY}run", kind)
            [address] = addresses_of(module, [f"{ENTRY}run"])
            _drivers[kind] = address, ctypes.CFUNCTYPE(None, ctypes.c_int64)(address)
        return _drivers[kind][1]
