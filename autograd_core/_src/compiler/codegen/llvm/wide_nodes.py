"""Nodes of many operands: their code, a function or handlers that loop over the operands (docs/adr/0017).

`wide_rules` reads the rule once for all operands of a list; here are the operands, in memory side by side or anywhere,
and what becomes of the value and the partials.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from ....number_systems.llvm import LLVM, Lanes
from ...runtime.memory import LANES
from .jit import I64, PTR, VOID, constant, i64, load, store
from .wide_rules import Element, Wide, untyped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ....engine.ops import Primitive

WIDE_FROM = 32  # operands from which a rule becomes loops
ARRAY_FUNCTION = ir.FunctionType(VOID, [PTR, I64, PTR])  # operands, how many a list has, results


def is_wide(primitive: Primitive, count: int) -> bool:
    """Whether a node with this number of operands becomes loops."""
    return primitive.lists > 0 and count >= WIDE_FROM


def read_node(
    wide: Wide, primitive: Primitive, vector: Callable[[int, Any], Any], single: Callable[[int], Any]
) -> list[Any]:
    """The operands to read a rule with.

    Args:
        wide: The number system.
        primitive: The primitive.
        vector: Loads a list's elements from an index on: takes which list, and the index.
        single: Gives one of the operands behind the lists.
    """
    lists = [Element(lambda k=k: Lanes(wide.b, vector(k, wide.index))) for k in range(primitive.lists)]
    return [*lists, *(single(k) for k in range(primitive.singles))]


def each_partial(
    wide: Wide,
    primitive: Primitive,
    xs: Sequence[Any],
    each: Callable[[int, Any, Any], None],
    one: Callable[[int, Any], None],
    some: Callable[[int, Any, Any], None] | None = None,
) -> None:
    """A node's partials.

    Args:
        wide: The number system.
        primitive: The primitive.
        xs: Its operands, as they are read, and its value.
        each: Takes which list, an element's index and its partial, within a loop.
        one: Takes which of the operands behind the lists, and its partial.
        some: Takes which list, and the index and the partials of as many elements as there are lanes; where it is
            None, they come one by one.
    """
    # The rule gives one partial for a whole list, by the element that stands for all: each becomes a loop of its own.
    found = primitive.partials(wide, *xs)
    for k, d in enumerate(found[: primitive.lists]):
        wide.go_along(d, partial(each, k), partial(some, k) if some else None)
    for k, d in enumerate(found[primitive.lists :]):
        one(k, d)
    wide.give_back()


def read_at_hand(primitive: Primitive, xs: Sequence[Any], b: Any, kind: Any, *, hasty: bool, partials: bool) -> Any:
    """A rule of many operands that are already computed, and its value last if partials are wanted.

    They are stored side by side in memory, and a function loops over them.
    """
    # In straight-line code operands are values of instructions, anywhere in registers; a loop needs addresses.
    count = len(xs) - partials
    n = (count - primitive.singles) // primitive.lists
    given, found = _scratch(b, kind, "given", len(xs)), _scratch(b, kind, "found", count)
    for i, x in enumerate(xs):
        y = LLVM.number(x)
        store(b, y.value if isinstance(y, Lanes) else constant(kind, y), given, i64(i))
    b.call(_function(b.module, primitive, kind, hasty=hasty, partials=partials), [given, i64(n), found])
    if not partials:
        return Lanes(b, load(b, kind, found, i64(0)))
    return tuple(Lanes(b, load(b, kind, found, i64(i))) for i in range(count))


def _scratch(b: Any, kind: Any, name: str, size: int) -> Any:
    """Memory of the current function for operands: one buffer for all nodes, replaced if a longer one is needed."""
    # LANES more: the last vector of a list is loaded whole, and its spare lanes are read from behind.
    known = b.function.__dict__.setdefault("scratch_of_nodes", {})
    place, most = known.get((name, kind), (None, 0))
    if most < size + LANES:
        with b.goto_entry_block():
            place = untyped(b, b.alloca(kind, ir.Constant(I64, size + LANES)))
        known[name, kind] = place, size + LANES  # code written before keeps the shorter one
    return place


def _function(module: Any, primitive: Primitive, kind: Any, *, hasty: bool, partials: bool) -> Any:
    """A function that loops over stored operands (and their value), and stores the value or the partials."""
    what = "partials" if partials else "value"
    # The type of numbers is in the name: one module may have code for single examples and for lanes of them.
    name = f"{primitive.name}_{what}_{hasty}_{kind}".translate(str.maketrans("<> ", "___"))
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ARRAY_FUNCTION, name)
    # One function per primitive and module, never inlined: its code is large, and a program may have many such nodes.
    function.linkage = "internal"
    function.attributes.add("noinline")
    given, n, found = function.args
    b = ir.IRBuilder(function.append_basic_block())
    wide = Wide(b, kind, n, hasty=hasty)
    behind = b.mul(n, i64(primitive.lists))

    def single(k: int) -> Any:
        return Lanes(b, load(b, kind, given, b.add(behind, i64(k))))

    xs = read_node(wide, primitive, lambda k, i: wide.vector(given, b.add(i, b.mul(n, i64(k)))), single)
    if partials:
        each_partial(
            wide, primitive, [*xs, single(primitive.singles)],
            lambda k, i, d: store(b, wide.written(d), found, b.add(i, b.mul(n, i64(k)))),
            lambda k, d: store(b, wide.written(d), found, b.add(behind, i64(k))),
        )  # fmt: skip
    else:
        store(b, wide.written(primitive.value(wide, *xs)), found, i64(0))
        wide.give_back()
    b.ret_void()
    return function
