"""Rules of many operands as loops: each is read once, with one symbolic element for all operands of a list.

What a rule does to that element is recorded (`Element`) and computed when a loop over the operands asks for it.
A sum, a maximum or any other reduction over a list is a loop of its own, in the order of the operands. So code
is as long for a million operands as for two. At a single point the lanes of vectors are elements, and
reductions take them one by one; over a batch the lanes are examples. Every tier runs this code for such a node,
so its bits are the same everywhere (docs/adr/0017).
"""

from __future__ import annotations

import math
import operator
from contextlib import ExitStack, contextmanager
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from ....number_systems import products
from ....number_systems.base import NumberSystem
from ....number_systems.llvm import LLVM, LaneLiteral, Lanes, Llvm, Truth, narrowed, widened
from ....number_systems.llvm_functions import F32, element_of, of_c, width_of
from ....number_systems.vectors import Vectors
from ...runtime.memory import LANES
from .jit import I64, PTR, VOID, alignment, constant, i64, lanes, load, loop, spread, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Element(Lanes):
    """An operation on the elements of a list, recorded; a loop computes it for all of its lanes at once."""

    __slots__ = ("operands", "operate")

    def __init__(self, operate: Callable[..., Any], *operands: Any) -> None:
        self.operate, self.operands = operate, operands

    def __pos__(self) -> Element:
        return self

    def __neg__(self) -> Element:
        return Element(operator.neg, self)

    __hash__ = object.__hash__  # `==` records a comparison, so elements are told apart by identity


def _operator(name: str, *, reflected: bool = False) -> Any:
    operate = getattr(operator, name)
    if reflected:
        return lambda self, other: Element(operate, other, self)
    return lambda self, other: Element(operate, self, other)


# A rule's operators on an element record what to do; nothing is computed before a loop asks for the element.
for _name in ("add", "sub", "mul", "truediv", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Element, f"__{_name}__", _operator(_name))
for _name in ("add", "sub", "mul", "truediv"):
    setattr(Element, f"__r{_name}__", _operator(_name, reflected=True))


class Scan(Element):
    """The second result of a scan's step, for each element in order; computed only where the gate is open."""

    __slots__ = ("gate", "start", "step")

    def __init__(self, step: Callable[..., Any], start: Sequence[Any], gate: Any, *lists: Any) -> None:
        super().__init__(step, *lists)
        self.step, self.start, self.gate = step, start, gate


class Wide(Llvm):
    """The number system that reads such a rule, and writes the loops that it asks for.

    Args:
        b: The builder.
        kind: The type of a number: a double or a float, or a vector with a lane for each example.
        n: How many operands a list has.
        hasty: Whether what is rare is NaN, for the sweep is run once more then.
        in_lanes: Whether the elements may be lanes, where the type has none.
    """

    def __init__(self, b: Any, kind: Any, n: Any, *, hasty: bool = False, in_lanes: bool = True) -> None:
        self.b, self.kind, self.n, self.hasty = b, kind, n, hasty
        # Elements at a time: lanes are either examples of a batch or elements of a list, never both.
        self.width = LANES if in_lanes and not width_of(kind) else 1
        self._held: list[Any] = []  # memory to free
        self._gate: Any = None  # while a rare branch is read, whether any lane needs it; else None

    def lane_kind(self, kind: Any) -> Any:
        """The type of the elements that are computed at a time."""
        return kind if self.width == 1 else lanes(self.width, kind)

    # --- what is noted ---

    def number(self, x: Any) -> Any:
        """A truth as a number; recorded if there is one per element."""
        return Element(LLVM.number, x) if isinstance(x, Element) else super().number(x)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """Recorded if it differs from element to element."""
        if not isinstance(condition, Lanes):
            return a if condition else b
        if any(isinstance(x, Element) for x in (condition, a, b)):
            return Element(LLVM.where, condition, a, b)
        return super().where(condition, a, b)

    def call(self, name: str, *xs: Any) -> Any:
        """Recorded if it differs from element to element."""
        if any(isinstance(x, Element) for x in xs):
            return Element(partial(LLVM.call, name), *xs)
        return super().call(name, *xs)

    def tiny(self, x: Any) -> float:
        """The smallest normal number of the operands' type."""
        return LLVM.tiny(LaneLiteral(self.b, self.kind, 1.0)) if isinstance(x, Element) else super().tiny(x)

    def rarely(self, condition: Any, rare: Callable[[], Any], usual: Any) -> Any:
        """A rare branch: its loops run zero times unless some lane needs it."""
        # In hasty code NaN leads to a second run with careful code (docs/adr/0013).
        if self.hasty:
            return self.where(condition, math.nan, usual)
        # A condition on single elements has no one answer for the whole loop, so both forms are computed; so is one
        # that is known when the code is written, of which `where` keeps one.
        if not isinstance(condition, Truth):
            return self.where(condition, rare(), usual)
        return self._gated(condition, rare, usual)

    def _gated(self, condition: Truth, rare: Callable[[], Any], usual: Any) -> Any:
        n, gate = self.n, self._gate
        # No branch: the loops of the rare form get length 0. Its results are then garbage, which `where` discards.
        here = _any(self.b, condition.value)
        self._gate = here if gate is None else self.b.and_(gate, here)
        self.n = self.b.select(self._gate, n, i64(0))
        found = rare()
        self.n, self._gate = n, gate
        return self.where(condition, found, usual)

    def count(self, xs: Any) -> Any:  # noqa: ARG002  the list has one element, for all
        """How many operands there are."""
        return Lanes(self.b, spread(self.b, self.b.sitofp(self.n, element_of(self.kind)), self.kind))

    # --- what goes along a list ---

    # Each reduction is one fold, and the rules of softmax, norm and prod are written with these few: no rule of many
    # operands needs a loop of its own, and a new entry of the table gets its loops for nothing.
    def sum(self, xs: Any) -> Any:
        """A sum from left to right, from -0.0, which changes no number."""
        return self.fold(lambda total, x: (total + x,), (-0.0,), list(xs))[0]

    def max(self, xs: Any) -> Any:
        """The maximum as the base class defines it, starting from minus infinity."""
        return self._extreme(lambda x, y: NumberSystem.max(LLVM, (x, y)), -math.inf, xs)

    def min(self, xs: Any) -> Any:
        """The minimum, starting from infinity."""
        return self._extreme(lambda x, y: NumberSystem.min(LLVM, (x, y)), math.inf, xs)

    def _extreme(self, step: Callable[..., Any], start: float, xs: Any) -> Any:
        found = self._in_any_order(step, start, xs)
        if self.width == 1:
            return found
        # Lane by lane is 4 times as fast, and of equal numbers it finds another one. That is the same number, but for
        # the sign of a zero: where it is 0, the elements are gone through in order. Not `rarely`, since the largest
        # of numbers that a relu made often is 0, and a second run of the whole sweep costs more than this loop.
        in_order = lambda: self.fold(lambda x, y: (step(x, y),), (start,), xs)[0]
        return self._gated(self.equal(found, 0), in_order, found)

    def whole_sum(self, xs: Any) -> Any:
        """Lane by lane."""
        return self._in_any_order(operator.add, -0.0, list(xs))

    def norm(self, xs: Any) -> Any:
        """The norm; that of floats is computed in doubles."""
        if element_of(self.kind) is F32:
            return narrowed(Vectors.norm(self, [Element(widened, x) for x in xs]))
        return Vectors.norm(self, xs)

    def prod(self, xs: Any) -> Any:
        """A product; where it leaves the range on the way, the scaled one of `products` replaces it."""
        # The plain product is checked on the way, since an overflow may be followed by an underflow that hides it.
        p, bad, _ = self._product(xs, self.n)
        return self.rarely(bad > 0, lambda: products.joined(LLVM, *self._careful_product(xs)), p)

    def products_of_others(self, xs: Any) -> tuple[Any, ...]:
        """For each element the product of all others: products from the left times products from the right.

        Those from the right are stored in memory first; those from the left are a scan.
        """
        # No division by an element: it could be 0, and would round once more.
        fewer = self.b.sub(self.n, i64(1))
        bad = self._product(xs, fewer)[1] + self._product(xs, fewer, reverse=True)[1]
        [behind] = self._stored(lambda p, x: ((p * x,), (p,)), (1.0,), xs)
        [ahead] = self.scan(lambda p, x: ((p * x,), p), (1.0,), xs)

        def rare() -> Any:
            def step(p: Any, count: Any, x: Any) -> Any:
                return products.with_factor(LLVM, p, count, x), (p, count)

            q, more = self._stored(step, (1.0, 0.0), xs)
            [found] = self.scan(
                lambda p, count, x, q, more: (
                    products.with_factor(LLVM, p, count, x),
                    products.joined(LLVM, *products.nearer_to_1(LLVM, p * q, count + more)),
                ),
                (1.0, 0.0), xs, [q], [more],
            )  # fmt: skip
            return found

        return (self.rarely(bad > 0, rare, ahead * behind),)

    def _product(self, xs: Any, n: Any, *, reverse: bool = False) -> tuple[Any, ...]:
        """A product, and whether a part of it left the range."""

        # The first product is the element itself, which loses nothing, be it huge or subnormal: `first` is 1 there.
        def step(p: Any, bad: Any, first: Any, x: Any) -> tuple[Any, ...]:
            found = LLVM.where(first > 0, bad, products.leaving(LLVM, p, x, p * x, bad))
            return p * x, found, LaneLiteral(self.b, element_of(self.kind), 0.0) * first

        return self.fold(step, (1.0, 0.0, 1.0), xs, n=n, reverse=reverse)

    def _careful_product(self, xs: Any) -> tuple[Any, ...]:
        return self.fold(lambda p, count, x: products.with_factor(LLVM, p, count, x), (1.0, 0.0), xs)

    # --- loops ---

    def fold(
        self, step: Callable[..., Any], start: Sequence[Any], *lists: Any, n: Any = None, reverse: bool = False
    ) -> tuple[Any, ...]:
        """The final state of a fold over lists, each given by its symbolic element."""
        state: list[Any] = []
        xs = [x for [x] in lists]
        n = self.n if n is None else n
        # The state is in memory, which LLVM promotes to registers: with phi nodes each step would have to say in which
        # block it ends, and a rule may open blocks of its own.
        with self._each(n, xs, reverse=reverse) as (_, before, found):
            kind = found[0].value.type
            self._begin(state, start, kind, before)
            # Element by element, though they come in lanes: a sum keeps the order of its operands (docs/adr/0014).
            with self._one_by_one(n, found, reverse=reverse) as (_, ys):
                self._put(state, step(*self._of(state), *ys))
        return self._of(state)

    def _in_any_order(self, step: Callable[[Any, Any], Any], start: float, xs: Any) -> Any:
        """A fold whose result does not depend on the order: each lane by itself, and then over the lanes."""
        b = self.b
        if self.width == 1:
            return self.fold(lambda x, y: (step(x, y),), (start,), xs)[0]
        state: list[Any] = []
        with self._each(self.n, list(xs)) as (_, before, [x]):
            kind = x.value.type
            self._begin(state, (start,), kind, before, kind)
            [before_it] = self._of(state)
            left = spread(b, b.sub(self.n, self.index), lanes(self.width, I64))
            is_there = b.icmp_signed("<", ir.Constant(left.type, list(range(self.width))), left)  # not in spare lanes
            after = step(before_it, Lanes(b, b.select(is_there, x.value, constant(kind, start))))
            self._put(state, [after])
        [found] = self._of(state)
        each = [Lanes(b, b.extract_element(found.value, i64(lane))) for lane in range(self.width)]
        return reduce(step, each)

    def scan(self, step: Callable[..., Any], start: Sequence[Any], *lists: Any) -> list[Any]:
        """The results of a scan's steps: recorded, and computed along with the loop that asks for them."""
        # A loop asks for it later, when `_gate` may be that of another branch: so it keeps the one of now.
        return [Scan(step, start, self._gate, *(x for [x] in lists))]

    def _stored(self, step: Callable[..., Any], start: Sequence[Any], xs: Any) -> list[Any]:
        """The results of a scan from the last element to the first, stored in memory."""
        state: list[Any] = []
        memory = [self._array() for _ in start]
        # From the last to the first, as a product of what stands behind an element is wanted while going forward.
        with self._each(self.n, list(xs), reverse=True) as (_, before, found):
            self._begin(state, start, found[0].value.type, before)
            with self._one_by_one(self.n, found, reverse=True) as (i, ys):
                after, results = step(*self._of(state), *ys)
                for base, x in zip(memory, results, strict=True):
                    store(self.b, self._value(x, self.kind), base, i)
                self._put(state, after)
        return [self._read_from(base) for base in memory]

    def in_memory(self, xs: Any) -> list[Any]:
        """Stored in memory: an exponential takes longer than to write a number and to read it."""
        memory = self._array()
        with self._each(self.n, list(xs)) as (_, _, [x]):
            place = self.b.gep(memory, [self.index], source_etype=self.kind)
            self.b.store(self._value(x, self.lane_kind(self.kind)), place, align=alignment(self.kind))
        return [self._read_from(memory)]

    def _array(self) -> Any:
        """Memory for a number of each element."""
        # On the heap, because the length is known only at run time and may not fit on the stack. LANES more than
        # there are elements, because the last chunk is loaded as a whole vector.
        size = self.b.mul(self.b.add(self.n, i64(LANES)), i64(_size(self.kind)))
        memory = self.b.call(of_c(self.b.module, "malloc", PTR, I64), [size])
        self._held.append(memory)
        return memory

    def _read_from(self, memory: Any) -> Element:
        some = self.b.icmp_signed(">", self.n, i64(0))  # or there is none, and nobody looks at what is read
        return Element(lambda: Lanes(self.b, self.vector(memory, self.b.select(some, self.index, i64(0)))))

    def vector(self, base: Any, i: Any) -> Any:
        """Adjacent elements from an index on."""
        place = self.b.gep(base, [i], source_etype=self.kind)
        return self.b.load(place, typ=self.lane_kind(self.kind), align=alignment(self.kind))

    def give_back(self) -> None:
        """Free the memory of `_stored`."""
        for base in self._held:
            self.b.call(of_c(self.b.module, "free", VOID, PTR), [base])

    def go_along(self, x: Any, each: Callable[[Any, Any], None], some: Callable[[Any, Any], None] | None) -> None:
        """A loop over elements; `each` takes an index and a number, `some` as many numbers as there are lanes."""
        b = self.b
        with self._each(self.n, [x]) as (_, _, found):
            if some is None:
                with self._one_by_one(self.n, found) as (i, [y]):
                    each(i, y)
                return
            # Only whole chunks are written as vectors: spare lanes would overwrite what stands behind the list.
            is_whole = b.icmp_signed(">=", b.sub(self.n, self.index), i64(self.width))
            with b.if_else(is_whole) as (then, otherwise):
                with then:
                    some(self.index, found[0])
                with otherwise, self._one_by_one(self.n, found) as (i, [y]):
                    each(i, y)

    def written(self, x: Any) -> Any:
        """A number as an LLVM value of the nodes' type."""
        return self._value(x, self.kind)

    @contextmanager
    def _each(self, n: Any, xs: Sequence[Any], *, reverse: bool = False) -> Iterator[Any]:
        """A loop over chunks of elements: yields `index`, the block before the loop, and the elements' values.

        The last chunk may be shorter; its spare lanes hold arbitrary numbers.
        """
        b, width = self.b, self.width
        before = b.block
        chunks = n if width == 1 else b.sdiv(b.add(n, i64(width - 1)), i64(width))
        last = b.sub(chunks, i64(1))
        with loop(b, i64(0), chunks) as turn:
            at = b.sub(last, turn) if reverse else turn
            self.index = at if width == 1 else b.mul(at, i64(width))
            # Recorded operations are written once for each loop that asks for them, so an exp in two loops is computed
            # twice: to keep it would take an array as long as the list.
            known: dict[int, Any] = {}  # anew for each chunk: its values are no others'
            yield self.index, before, [self._evaluated(x, known, before) for x in xs]

    @contextmanager
    def _one_by_one(self, n: Any, found: Sequence[Any], *, reverse: bool = False) -> Iterator[Any]:
        """A loop over the single elements of a chunk: yields an index and values."""
        b = self.b
        if self.width == 1:
            yield self.index, found
            return
        # Lanes are stored and read back one by one: a lane's index is not a constant within the loop.
        buffers = [untyped(b, self._memory(x.value.type)) for x in found]
        for buffer, x in zip(buffers, found, strict=True):
            b.store(x.value, buffer, align=alignment(x.value.type))
        left = b.sub(n, self.index)
        left = b.select(b.icmp_signed("<", left, i64(self.width)), left, i64(self.width))
        with loop(b, i64(0), left) as turn:
            lane = b.sub(b.sub(left, i64(1)), turn) if reverse else turn
            xs = [
                Lanes(b, load(b, element_of(x.value.type), buffer, lane))
                for buffer, x in zip(buffers, found, strict=True)
            ]
            yield b.add(self.index, lane), xs

    def _evaluated(self, x: Any, known: dict[int, Any], before: Any) -> Any:
        """The values of a recorded element, in lanes; what does not differ is broadcast."""
        # Iterative, with results by identity: a rule's expression may be deep, and its parts are used several times.
        waiting = [x]
        while waiting:
            x = waiting[-1]
            if id(x) in known:
                waiting.pop()
                continue
            if not isinstance(x, Element):
                known[id(x)] = self._spread(x)
                continue
            missing = [y for y in x.operands if id(y) not in known]
            if missing:
                waiting += missing
                continue
            xs = [known[id(y)] for y in x.operands]
            known[id(x)] = self._scanned(x, xs, before) if isinstance(x, Scan) else x.operate(*xs)
        found = known[id(x)]
        if isinstance(found, Truth | LaneLiteral) or not isinstance(found, Lanes):
            return Lanes(self.b, self._value(found, self.lane_kind(self.kind)))
        return found

    def _spread(self, x: Any) -> Any:
        # Literals and truths stay what they are, so that rules can go on folding them.
        if self.width == 1 or not isinstance(x, Lanes):
            return x
        if isinstance(x, LaneLiteral):
            return LaneLiteral(self.b, self.lane_kind(x.kind), x.x)
        if isinstance(x, Truth):
            bits = ir.VectorType(ir.IntType(1), self.width)
            return Truth(self.b, spread(self.b, x.value, bits), self.lane_kind(x.kind))
        value = x.value
        return Lanes(self.b, spread(self.b, value, self.lane_kind(value.type)))

    def _scanned(self, x: Scan, xs: Sequence[Any], before: Any) -> Any:
        b = self.b
        state: list[Any] = []
        kind = xs[0].value.type
        self._begin(state, x.start, kind, before)
        out = untyped(b, self._memory(kind))
        with ExitStack() as stack:
            # Where the gate is closed `out` holds garbage, which the `where` of the rare branch discards.
            if x.gate is not None:
                stack.enter_context(b.if_then(x.gate))
            # Through all lanes, spare ones too: nobody reads the state behind the last element.
            i, ys = stack.enter_context(self._one_by_one(b.add(self.index, i64(self.width)), xs))
            after, found = x.step(*self._of(state), *ys)
            self._put(state, after)
            store(b, self._value(found, self._one(kind)), out, b.sub(i, self.index))
        return Lanes(b, b.load(out, typ=kind, align=alignment(kind)))

    def _one(self, kind: Any) -> Any:
        """The type of a single element."""
        return kind if self.width == 1 else element_of(kind)

    def _memory(self, kind: Any) -> Any:
        # Within a loop it would be allocated anew at each turn, and LLVM would not promote it to a register.
        with self.b.goto_entry_block():
            return self.b.alloca(kind)

    def _value(self, x: Any, kind: Any) -> Any:
        x = LLVM.number(x)
        return x.value if isinstance(x, Lanes) else constant(kind, x)

    def _begin(
        self, state: list[Any], start: Sequence[Any], of: Any, before: Any, kind: Any = None
    ) -> None:
        """Allocate a state, of single elements if nothing else is said, and initialize it before the loop."""
        kind = kind or self._one(of)
        for x in start:
            state.append((self._memory(kind), kind))
            # The builder is within the loop already: only there are the types of the elements known.
            with self.b.goto_block(before):
                self.b.store(self._value(x, kind), state[-1][0], align=alignment(kind))

    def _of(self, state: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(Lanes(self.b, self.b.load(place, typ=kind, align=alignment(kind))) for place, kind in state)

    def _put(self, state: Sequence[Any], xs: Sequence[Any]) -> None:
        for (place, kind), x in zip(state, xs, strict=True):
            self.b.store(self._value(x, kind), place, align=alignment(kind))


def _any(b: Any, bits: Any) -> Any:
    """Whether a condition holds in some lane."""
    if not width_of(bits.type):
        return bits
    whole = ir.IntType(width_of(bits.type))  # the bits of all lanes as one integer: one comparison
    return b.icmp_unsigned("!=", b.bitcast(bits, whole), ir.Constant(whole, 0))


def untyped(b: Any, place: Any) -> Any:
    """An address that can be read and written as vectors and as elements."""
    return b.inttoptr(b.ptrtoint(place, I64), PTR)


def _size(kind: Any) -> int:
    return alignment(kind) * (width_of(kind) or 1)
