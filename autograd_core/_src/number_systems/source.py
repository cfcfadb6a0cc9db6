"""Python text: a rule, read once, becomes the source of a straight-line function on plain floats.

Interpreting `m.where(x <= 0, 0, x)` costs two calls for every node that is built; the text
`0.0 if x <= 0.0 else x` costs none. Equal subexpressions are written once: the exponential in
the value of `sigmoid` serves its derivative, too.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ..engine.ops import PRIMITIVES
from .base import CONSTANTS, NumberSystem
from .floats import FAST, FLOATS

if TYPE_CHECKING:
    from ..engine.ops import Primitive

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=="}


# Operations of which IEEE 754 defines every bit.
EXACT_OPERATIONS = frozenset((*INFIX, "neg", "where", "sqrt", "abs", "floor", "ceil", "copysign"))


class Subexpression:
    """A subexpression: the operation and its operands; a name or a literal has no operands."""

    __slots__ = ("args", "op", "system", "uses")

    def __init__(self, system: Source, op: str, args: tuple[Subexpression, ...]) -> None:
        self.system = system
        self.op = op
        self.args = args
        self.uses = 0

    def __neg__(self) -> Subexpression:
        return self.system.term("neg", self)

    def __pos__(self) -> Subexpression:
        return self


def _operator(op: str, *, reflected: bool = False) -> Any:
    def method(self: Subexpression, other: Any) -> Subexpression:
        return self.system.term(op, other, self) if reflected else self.system.term(op, self, other)

    return method


for _op, _method in (("add", "add"), ("sub", "sub"), ("mul", "mul"), ("div", "truediv")):
    setattr(Subexpression, f"__{_method}__", _operator(_op))
    setattr(Subexpression, f"__r{_method}__", _operator(_op, reflected=True))
for _op in ("lt", "le", "gt", "ge"):
    setattr(Subexpression, f"__{_op}__", _operator(_op))


class Source(NumberSystem):
    """Subexpressions of one function; equal ones are the same object."""

    def __init__(self) -> None:
        self.terms: dict[tuple[Any, ...], Subexpression] = {}
        for name in CONSTANTS:
            setattr(self, name, self.name(repr(float(getattr(FLOATS, name)))))
        for name in FAST:
            setattr(self, name, lambda *xs, op=name: self.term(op, *xs))

    def name(self, text: str) -> Subexpression:
        """A variable or a literal."""
        return self.terms.setdefault((text,), Subexpression(self, text, ()))

    def number(self, x: Any) -> Subexpression:
        """A literal, always as a float."""
        if isinstance(x, Subexpression):
            return x
        return self.name(repr(float(x)) if abs(x) < float("inf") else f"float('{float(x)}')")

    def term(self, op: str, *xs: Any) -> Subexpression:
        args = tuple(self.number(x) for x in xs)
        return self.terms.setdefault((op, *map(id, args)), Subexpression(self, op, args))

    def where(self, condition: Any, a: Any, b: Any) -> Subexpression:
        return self.term("where", condition, a, b)

    def equal(self, a: Any, b: Any) -> Subexpression:
        return self.term("eq", a, b)

    def norm(self, xs: Any) -> Subexpression:
        return self.term("hypot", *xs)


@cache
def is_exact(primitive: Primitive) -> bool:
    """Whether a built-in rule's value has one result to the last bit, whoever computes it: it calls no function."""
    if PRIMITIVES.get(primitive.name) is not primitive:
        return False
    source = Source()
    count = primitive.arity or 2 * primitive.lists + primitive.singles or 2
    term = primitive.value(source, *(source.name(f"x{k}") for k in range(count)))
    waiting, seen = [source.number(term)], set()
    while waiting:
        found = waiting.pop()
        if found not in seen:
            seen.add(found)
            waiting += found.args
    return all(x.op in EXACT_OPERATIONS for x in seen if x.args)


def write(terms: list[Subexpression]) -> list[str]:
    """Python text of each subexpression, in order; one that recurs is kept in a local variable at its first use."""
    for term in terms:
        _count(term)
    names: dict[int, str] = {}
    return [_text(term, names) for term in terms]


def _count(term: Subexpression) -> None:
    term.uses += 1
    if term.uses == 1:
        for arg in term.args:
            _count(arg)


def _text(term: Subexpression, names: dict[int, str]) -> str:
    """Text of one term; `names` are the local variables that are certainly set by now."""
    if not term.args:
        return term.op
    if id(term) in names:
        return names[id(term)]
    if term.op == "where":
        condition, a, b = term.args
        test = _text(condition, names)  # is evaluated first; then one side, whose names stay its own
        text = f"({_text(a, dict(names))} if {test} else {_text(b, dict(names))})"
    else:
        args = [_text(arg, names) for arg in term.args]
        if term.op in INFIX:
            text = f"({args[0]} {INFIX[term.op]} {args[1]})"
        elif term.op == "neg":
            text = f"(-{args[0]})"
        else:
            text = f"{term.op}({', '.join(args)})"
    if term.uses == 1:
        return text
    names[id(term)] = f"t{len(names)}"
    return f"({names[id(term)]} := {text})"
