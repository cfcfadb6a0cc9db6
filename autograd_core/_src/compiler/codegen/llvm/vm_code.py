"""The interpreter's handlers: for each primitive and number of operands two functions, made from its rule.

A handler serves one primitive with one number of operands; it is compiled when the first program needs it, and
kept for all later programs. The first computes the value. The second computes the value and the slopes, as the
local derivatives of a node are called here, and stores these in slots of their own: then the backward sweep needs
nothing but slots (`vm_tables`). A slope that is an operand, the value or a number is no result: its slot is known.

Rules of a few operands are unrolled. Those of many operands become loops (`wide_nodes`); `sum`, `mean` and
`dot` always do. At a single point the lanes of such loops are operands; there the second handler adds the
products to the operands' adjoints itself, many at a time.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

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
    spread,
    store,
)
from .wide_nodes import each_partial, is_wide, read_node
from .wide_rules import Wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....engine.ops import Primitive

# No number of operands is 0 or less, so a key (primitive, n) has room for these. Handlers for any number are few, and
# compiled once; one for each length would be compiled for every new length of a sum.
OF_FEW, OF_MANY, SIDE_BY_SIDE = 0, -1, -2  # handlers for any number of operands; the last needs adjacent slots
# One signature for all, so that a program is a table of addresses; operands are slots, found anew at each call: a
# handler knows nothing of the program that it runs in.
HANDLER = ir.FunctionType(VOID, [PTR, I64, PTR, PTR, I64])  # operands, their count, values, adjoints, own slot
STORED = None  # a slope that is computed, and stored behind the operands' slots
# x y + w is x y with w = -0.0, x + w with y = 1, and w - x with y = -1, to the last bit, fused or not: so one
# loop runs through products, sums and differences alike, and no branch has to be foreseen.
ONE, MINUS_ONE, MINUS_ZERO = 1.0, -1.0, -0.0
Place = int | float | None  # where a number is: the k-th operand or, with k = n, the value; or a literal


class Handlers(NamedTuple):
    """The two functions, and what is known of the rule.

    Attributes:
        value: Address of the function that computes the value.
        other: Of that which computes the slopes, too; or which sends them, where `slopes` is None.
        product: x, y and w, where the value is x y + w; else empty.
        slopes: With respect to each operand; or, where there may be any number of them, to those of each list: then
            an integer is a list, of which it is the operand at the same place. Empty where `other` sends.
        arity: How many operands there are; 0 for any number.
    """

    value: int
    other: int
    product: tuple[Place, ...]
    slopes: tuple[Place, ...]
    arity: int


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
        self.put(z, self.own)
        self.b.ret_void()

    def put(self, z: Any, slot: Any) -> None:
        """Store a value."""
        z = LLVM.number(z)
        store(self.b, z.value if isinstance(z, Lanes) else constant(self.kind, z), self.values, slot)

    def result(self) -> Lanes:
        return Lanes(self.b, load(self.b, self.kind, self.values, self.own))

    def adjoint(self) -> Any:
        return Lanes(self.b, load(self.b, self.kind, self.adjoints, self.own))

    # Handlers that send always have strict zero: they are compiled once for all programs, so there is no second,
    # careful version to fall back to.

    def send(self, d: Any, g: Any, index: Any) -> None:
        """Add d * g to an operand's adjoint, unless either is 0."""
        slot = _slot(self.b, self.operands, index)
        old = Lanes(self.b, load(self.b, self.kind, self.adjoints, slot))
        store(self.b, with_product(old, LLVM.number(d), g, strict_zero=True).value, self.adjoints, slot)


class _Keeper(_Handler):
    """Writes a handler that stores slopes, in the slots behind those of the operands."""

    def adjoint(self) -> Any:
        """There is none yet."""
        return None

    def send(self, d: Any, g: Any, index: Any) -> None:  # noqa: ARG002
        self.put(d, _slot(self.b, self.operands, self.b.add(self.count, index)))


def unrolled(
    module: Any, primitive: Primitive, n: int, names: Sequence[str], kind: Any
) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """Both handlers of a primitive for n operands, with its rule unrolled; returns its product and its slopes."""
    h = _Handler(module, names[0], kind)
    xs = [h.operand(i64(k)) for k in range(n)]
    z = LLVM.number(primitive.value(LLVM, *xs))
    h.finish(z)
    product = _product_of(z, xs)

    h = _Keeper(module, names[1], kind)
    xs = [h.operand(i64(k)) for k in range(n)]
    h.put(primitive.value(LLVM, *xs), h.own)
    z = h.result()
    slopes: list[Place] = []
    for d in primitive.partials(LLVM, *xs, z):
        known: Place = next((k for k, x in enumerate((*xs, z)) if x is d), STORED)
        if known is STORED:
            y = LLVM.number(d)
            known = y if isinstance(y, float) else STORED
        if known is STORED:
            h.send(d, None, i64(slopes.count(STORED)))
        slopes.append(known)
    h.b.ret_void()
    return product, tuple(slopes)


def _product_of(z: Any, xs: Sequence[Lanes]) -> tuple[Place, ...]:
    """x, y and w, if the value is x y + w: where its rule is a single product, sum or difference of two operands."""
    made = getattr(z, "value", None)
    if len(xs) != 2 or not isinstance(made, ir.Instruction):
        return ()
    places = {id(x.value): k for k, x in enumerate(xs)}
    found = [places.get(id(x)) for x in made.operands]
    if len(found) != 2 or None in found:
        return ()
    x, y = found
    return {"fmul": (x, y, MINUS_ZERO), "fadd": (x, ONE, y), "fsub": (y, MINUS_ONE, x)}.get(made.opname, ())


def looped(module: Any, primitive: Primitive, names: Sequence[str], kind: Any, form: int) -> None:
    """The handlers of a primitive for any number of operands: one for the value, and one that sends."""
    h = _Handler(module, names[0], kind)
    many = _Many(h, primitive, form)
    h.finish(many.value())

    h = _Handler(module, names[1], kind)
    _Many(h, primitive, form).slopes()
    h.b.ret_void()


def _kept(module: Any, primitive: Primitive, names: Sequence[str], kind: Any, form: int) -> tuple[Place, ...]:
    """The same, but the second one stores the slopes of each list, which are returned."""
    h = _Handler(module, names[0], kind)
    h.finish(_Many(h, primitive, form).value())

    h = _Keeper(module, names[1], kind)
    many = _Many(h, primitive, form)
    h.put(many.value(), h.own)
    total = primitive.reduction
    if total is None or total.is_mean:
        many.slopes()
    h.b.ret_void()
    if total is None or total.is_mean:
        return (STORED,) * (primitive.lists + primitive.singles)
    # Each operand of a list has the slope that the rule gives for one: 1, or the operand of the other list.
    marks = [object() for _ in range(primitive.lists)]
    return tuple(marks.index(d) if d in marks else float(d) for d in total.partials(0, *marks))


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

    def value(self) -> Any:
        """Write the value."""
        found = self.primitive.value(self.wide, *self.xs)
        self.wide.give_back()
        return found

    def slopes(self) -> None:
        """Write what is sent to all operands."""
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


# --- compiling ----------------------------------------------------------------------------------

Key = tuple["Primitive", int]
_handlers: dict[Any, Handlers] = {}


def handlers(keys: Sequence[Key], width: int, *, fast: bool = False, real: Any = F64) -> list[Handlers]:
    """The handlers of each primitive and operand count.

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
            names = [(f"{ENTRY}value_{k}", f"{ENTRY}slopes_{k}") for k in range(len(missing))]
            known: list[tuple[Any, Any]] = []
            for (primitive, _, _, n, _, _), pair in zip(missing, names, strict=True):
                if n > 0:
                    known.append(read_rule(primitive, unrolled, module, primitive, n, pair, kind))
                elif _sends(n, kind):
                    looped(module, primitive, pair, kind, n)
                    known.append(((), ()))
                else:
                    known.append(((), _kept(module, primitive, pair, kind, n)))
            found = addresses_of(module, chain.from_iterable(names))
            for key, value, other, about in zip(missing, found[::2], found[1::2], known, strict=True):
                _handlers[key] = Handlers(value, other, *about, arity=max(key[3], 0))
        return [_handlers[key] for key in full]


def _sends(form: int, kind: Any) -> bool:
    """Whether the second handler sends: that of many operands at a single point, where it runs at memory speed."""
    return not width_of(kind) and form in (OF_MANY, SIDE_BY_SIDE)


def _form(primitive: Primitive, n: int, kind: Any) -> int:
    """The kind of handler for a number of operands: for exactly that number, for few, or for many."""
    if n == SIDE_BY_SIDE:
        return OF_MANY if width_of(kind) else n  # lanes are examples or elements, never both
    return OF_MANY if is_wide(primitive, n) else OF_FEW if primitive.reduction is not None else n
