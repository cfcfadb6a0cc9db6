"""The fast path: each entry of `engine/primitives`, compiled to one Python function that builds a node.

`number_systems/source.py` turns a rule into text. Here the text is put into a function that takes Values,
computes data and local derivatives, and makes the node, without a further call (docs/adr/0002).
`print(autograd_core._src.engine.node_builders.text(PRIMITIVES["mul"]))` shows one. Anything but plain floats
inside plain Values (an int beside a Fraction, a rule that raises, an open context) goes to `record`, which
evaluates the rule itself; both make the same node.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from ..number_systems.floats import FAST
from ..number_systems.source import Source, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .ops import Primitive

OPERAND_NAMES = ("x", "y")

# Why these texts are as they are:
# - `_p` and `_q` are the operands, `_d` and `_e` the derivatives with respect to them; `Value.__slots__` says more.
# - Classes are compared, not asked by isinstance: a subclass, such as a user's `Parameter`, goes to `record`, and all
#   nodes are Values themselves. `special` is true while a context is open that records nodes otherwise.
# - Everything that can raise is within `try`, before the node is made: where a rule raises, `record` evaluates it on
#   numbers that have infinities and NaN instead.
# - A plain number stands as a float where an operand stands, with derivative 0.0 whatever the partial is: so every
#   sweep passes it by, and no leaf is made for it.
# - Slots are assigned one by one, for a call of `__init__` would take longer than all of this.
UNARY = """\
def build_{name}(a, /):
    if a.__class__ is Value and not special:
        x = a._data
        if x.__class__ is float:
            try:
                z = {value}
                d = {d[0]}
            except (ArithmeticError, ValueError):
                return record(primitive, a)
            node = new(Value)
            node._data = z
            node._grad = 0.0
            node._primitive = primitive
            node._p = a
            node._q = None
            node._d = d
            return node
    return record(primitive, a)
"""

BINARY = """\
def build_{name}(a, b, /):
    kind = b.__class__
    if kind is Value:
        if a.__class__ is Value and not special:
            x = a._data
            y = b._data
            if x.__class__ is float and y.__class__ is float:
                try:
                    z = {value}
                    d = {d[0]}
                    e = {d[1]}
                except (ArithmeticError, ValueError):
                    return record(primitive, a, b)
                node = new(Value)
                node._data = z
                node._grad = 0.0
                node._primitive = primitive
                node._p = a
                node._q = b
                node._d = d
                node._e = e
                return node
    elif (kind is float or kind is int) and a.__class__ is Value and not special:
        x = a._data
        if x.__class__ is float:
            try:
                y = float(b)
                z = {value}
                d = {d[0]}
                e = 0.0
            except (ArithmeticError, ValueError):
                return record(primitive, a, b)
            node = new(Value)
            node._data = z
            node._grad = 0.0
            node._primitive = primitive
            node._p = a
            node._q = y
            node._d = d
            node._e = e
            return node
    return record(primitive, a, b)
"""

REFLECTED = """\
def build_{name}(a, b, /):
    kind = b.__class__
    if (kind is float or kind is int) and a.__class__ is Value and not special:
        y = a._data
        if y.__class__ is float:
            try:
                x = float(b)
                z = {value}
                d = 0.0
                e = {second}
            except (ArithmeticError, ValueError):
                return record(primitive, b, a)
            node = new(Value)
            node._data = z
            node._grad = 0.0
            node._primitive = primitive
            node._p = x
            node._q = a
            node._d = d
            node._e = e
            return node
    return record(primitive, b, a)
"""


def _written(primitive: Primitive, which: int | None = None) -> list[str]:
    """The text of the value and of all partials, or of one."""
    source = Source()
    xs = [source.name(name) for name in OPERAND_NAMES[: primitive.arity]]
    value = source.number(primitive.value(source, *xs))
    partials = [source.number(d) for d in primitive.partials(source, *xs, source.name("z"))]
    return write([value, *(partials if which is None else [partials[which]])])


def text(primitive: Primitive, *, reflected: bool = False) -> str:
    """Python source of the function that builds a node of this primitive, of one or two operands."""
    if reflected:
        value, second = _written(primitive, 1)
        return REFLECTED.format(name=primitive.name, value=value, second=second)
    value, *d = _written(primitive)
    return (UNARY if primitive.arity == 1 else BINARY).format(name=primitive.name, value=value, d=d)


# The body of every function until its first call; its globals are the function's own. Then its code is replaced, not
# the function: methods of `Value`, public names and pickles go on to have the same one.
def _unary(a: Any, /) -> Any:
    return compile_and_call(a)  # type: ignore[name-defined]  # noqa: F821


def _binary(a: Any, b: Any, /) -> Any:
    return compile_and_call(a, b)  # type: ignore[name-defined]  # noqa: F821


def fused(primitive: Primitive, namespace: dict[str, Any], *, reflected: bool = False) -> Callable[..., Any]:
    """A function that builds nodes of a primitive of one or two operands.

    It is compiled at its first call: all of them together would take 10 ms of the import.

    Args:
        primitive: The primitive.
        namespace: `Value`, `record`, `special` and `new`, as the text uses them.
        reflected: For `number <op> Value`: the operands come in the other order.
    """
    scope: dict[str, Any] = FAST | namespace | {"primitive": primitive, "__name__": __name__}
    function = FunctionType((_unary if primitive.arity == 1 else _binary).__code__, scope, primitive.name)
    function.__qualname__ = primitive.name  # with the module that engine/functions.py sets, it can be pickled

    def compile_and_call(*operands: Any) -> Any:
        _run(text(primitive, reflected=reflected), f"{'reflected ' if reflected else ''}{primitive.name}", scope)
        function.__code__ = scope[f"build_{primitive.name}"].__code__
        return function(*operands)

    scope["compile_and_call"] = compile_and_call
    return function


MANY_TEMPLATE = """\
def {function}(operands):
    {nodes}, = operands
    if {unfit}:
        return {otherwise}
    try:
        {loads}{floats}
        z = {value}{slopes}
        edges = ({nodes}, {d})
    except (AttributeError, ArithmeticError, TypeError, ValueError):
        return {otherwise}
    if z.__class__ is float:
        node = new(Value)
        node._data = z
        node._grad = 0.0
        node._primitive = primitive
        node._p = edges
        node._q = MANY
        return node
    return None


"""


def many_text(primitive: Primitive, count: int, *, literals: bool = False) -> str:
    """Python source for a primitive of any number of operands, for one such number: straight-line, without a list.

    `values` takes Values alone, and calls `mixed` if floats are among them. A rule with `literals` is for
    floats alone: beside a literal a Fraction would become a float.
    """
    source = Source()
    xs = [source.name(f"x{i}") for i in range(count)]
    value = source.number(primitive.value(source, *xs))
    partials = [source.number(d) for d in primitive.partials(source, *xs, source.name("z"))]
    z, *d = write([value, *partials])
    nodes = [f"p{i}" for i in range(count)]
    kinds = " is ".join(f"{x.op}.__class__" for x in xs)
    floats = f"\n        if not ({kinds} is float):\n            return None" if literals else ""
    naming = {i: e for i, e in enumerate(d) if ":=" in e}  # whose terms others use: computed for a number, too
    # Two functions: nearly always all operands are Values, and then nobody asks which of them are plain numbers.
    mixed = MANY_TEMPLATE.format(
        function="mixed", nodes=", ".join(nodes), value=z, otherwise="None", floats=floats,
        unfit="set(map(type, operands)) != {Value, float}",
        loads="; ".join(f"{x.op} = {p} if {p}.__class__ is float else {p}._data" for x, p in zip(xs, nodes)),
        slopes="".join(f"\n        d{i} = {e}" for i, e in naming.items()),
        d=", ".join(
            f"0.0 if {p}.__class__ is float else {f'd{i}' if i in naming else d[i]}" for i, p in enumerate(nodes)
        ),
    )
    values = MANY_TEMPLATE.format(
        function="values", nodes=", ".join(nodes), value=z, otherwise="mixed(operands)", floats=floats,
        unfit=" or ".join(f"{p}.__class__ is not Value" for p in nodes),  # 6 ns each; a foreign ._data must not pass
        loads="; ".join(f"{x.op} = {p}._data" for x, p in zip(xs, nodes)),
        slopes="", d=", ".join(d),
    )
    return mixed + values


def fused_many(
    primitive: Primitive, count: int, namespace: dict[str, Any], *, literals: bool = False
) -> Callable[[Sequence[Any]], Any]:
    """Compile a primitive of any number of operands for `count` of them; 0.5 ms for 32.

    Returns:
        A function of a sequence of Values and floats. It gives the node, or None where `record` has
        to look: operands of another kind, or a rule that raises.
    """
    scope: dict[str, Any] = FAST | namespace | {"primitive": primitive, "__name__": __name__}
    _run(many_text(primitive, count, literals=literals), f"{primitive.name} of {count}", scope)
    function: Callable[[Sequence[Any]], Any] = scope["values"]
    return function


def _run(source: str, name: str, scope: dict[str, Any]) -> None:
    """Execute generated text, so that tracebacks show its lines."""
    import linecache  # brings tokenize and re, 4 ms

    filename = f"<autograd_core {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), scope)  # noqa: S102  the text is made from our own rules
