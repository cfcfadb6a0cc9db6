"""The fast path: each row of `ops.py` compiled into one Python function that builds a node.

`number_systems/source.py` turns a rule into text; here the text is set into a function that
takes Values, computes data and local derivatives, and makes the node, without a further call.
`print(autograd_core.fusion.text(row))` shows it. Whatever is not plain floats inside plain
Values (an int beside a Fraction, a rule that raises, an open context) goes to `record`, which
reads the row itself; both give the same node.
"""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, Any

from .number_systems.floats import FAST
from .number_systems.source import Source, Term, is_free, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ops import Primitive

NAMES = ("x", "y")

UNARY = """\
def build_{name}(self):
    if self.__class__ is Value and not entered:
        x = self.data
        if x.__class__ is float:
            try:
                z = {value}
                edges = (self, {d[0]})
            except (ArithmeticError, ValueError):
                return record(row, self)
            node = new(Value)
            node.data = z
            node.grad = 0.0
            node._row = row
            node._edges = edges
            return node
    return record(row, self)
"""

BINARY = """\
def build_{name}(self, other):
    kind = other.__class__
    if kind is Value:
        if self.__class__ is Value and not entered:
            x = self.data
            y = other.data
            try:
                z = {value}
                edges = (self, other, {d[0]}, {d[1]})
            except (ArithmeticError, ValueError):
                return record(row, self, other)
            if {floats}:
                node = new(Value)
                node.data = z
                node.grad = 0.0
                node._row = row
                node._edges = edges
                return node
    elif (kind is float or kind is int) and self.__class__ is Value and not entered:
        x = self.data
        if x.__class__ is float:
            try:
                y = float(other)
                z = {value}
                edges = (self, y, {first}, 0.0)
            except (ArithmeticError, ValueError):
                return record(row, self, other)
            node = new(Value)
            node.data = z
            node.grad = 0.0
            node._row = row
            node._edges = edges
            return node
    return record(row, self, other)
"""

REFLECTED = """\
def build_{name}(self, other):
    kind = other.__class__
    if (kind is float or kind is int) and self.__class__ is Value and not entered:
        y = self.data
        if y.__class__ is float:
            try:
                x = float(other)
                z = {value}
                edges = (x, self, 0.0, {second})
            except (ArithmeticError, ValueError):
                return record(row, other, self)
            node = new(Value)
            node.data = z
            node.grad = 0.0
            node._row = row
            node._edges = edges
            return node
    return record(row, other, self)
"""


def _terms(row: Primitive) -> tuple[Source, Term, list[Term]]:
    source = Source()
    xs = [source.name(name) for name in NAMES[: row.arity]]
    value = source.number(row.value(source, *xs))
    partials = [source.number(d) for d in row.partials(source, *xs, source.name("z"))]
    return source, value, partials


def _written(row: Primitive, which: int | None = None) -> list[str]:
    """Text of the value and of all partials, or of one."""
    _, value, partials = _terms(row)
    return write([value, *(partials if which is None else [partials[which]])])


def text(row: Primitive, *, reflected: bool = False) -> str:
    """Python source of the function that builds a node of this row, of one or two operands."""
    value, *d = _written(row)
    if row.arity == 1:
        return UNARY.format(name=row.name, value=value, d=d)
    if reflected:
        value, second = _written(row, 1)
        return REFLECTED.format(name=row.name, value=value, second=second)
    # x + y of floats and of nothing else is a float; a literal or a call hides the operands' types.
    _, term, _ = _terms(row)
    pure = term.op in ("add", "sub", "mul", "div") and all(map(is_free, term.args))
    floats = "z.__class__ is float" if pure else "x.__class__ is float and y.__class__ is float"
    return BINARY.format(name=row.name, value=value, d=d, first=_written(row, 0)[1], floats=floats)


def fused(row: Primitive, namespace: dict[str, Any], *, reflected: bool = False) -> Callable[..., Any]:
    """Compile a row of one or two operands.

    Args:
        row: The primitive.
        namespace: `Value`, `record`, `entered` and `new`, as the text uses them.
        reflected: For `number <op> Value`: the operands come in the other order.
    """
    source = text(row, reflected=reflected)
    filename = f"<autograd_core {'reflected ' if reflected else ''}{row.name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope = FAST | namespace | {"row": row}
    exec(compile(source, filename, "exec"), scope)  # noqa: S102  the text is made from our own rows above
    function = scope[f"build_{row.name}"]
    function.__name__ = function.__qualname__ = row.name
    return function
