"""Formulas: a rule, read at one point, becomes what a person would write there.

A choice is made by the data, and remembered as the side that was taken; a choice between forms of one number is none,
and is not seen. Operations with 0 and 1, and of whole numbers, are done at once; no others are, so that 2 x stays 2 x.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from ...errors import OperandError
from ..engine.ops import PRIMITIVES
from . import products
from .base import ARITHMETIC, BINARY, CONSTANTS, SYSTEMS, UNARY, NumberSystem
from .floats import FLOATS, Double
from .vectors import NO_FLOAT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPPOSITE = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {name: getattr(operator, name) for name in OPPOSITE}


class RuleTerm:
    """A formula at one point.

    Attributes:
        op: "number", "constant" (args: its name), "operand" (args: its place), "result", or an operation's name.
        args: Its operands, formulas.
        data: Its value.
        sides: Of the choices in it that the data have made: the comparisons that hold.
    """

    __slots__ = ("args", "data", "op", "sides")

    def __init__(self, op: str, args: tuple[Any, ...], data: Any, sides: tuple[RuleTerm, ...] = ()) -> None:
        self.op, self.args, self.data, self.sides = op, args, data, sides

    def is_number(self, x: float) -> bool:
        """Whether it is this literal."""
        return self.op == "number" and bool(self.data == x)

    def is_same(self, other: RuleTerm) -> bool:
        """Whether it is written alike."""
        if self is other:
            return True
        if self.op != other.op or len(self.args) != len(other.args):
            return False
        if self.op == "number":
            return bool(self.data == other.data)
        return all(
            a.is_same(b) if isinstance(a, RuleTerm) else a == b for a, b in zip(self.args, other.args, strict=True)
        )

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        raise OperandError(NO_FLOAT)

    def __neg__(self) -> RuleTerm:
        return _negative(self)

    def __pos__(self) -> RuleTerm:
        return self

    def __abs__(self) -> RuleTerm:
        return WRITTEN.abs(self)  # type: ignore[no-any-return]

    def __pow__(self, other: Any) -> RuleTerm:
        return WRITTEN.pow(self, other)  # type: ignore[no-any-return]

    def __rpow__(self, other: Any) -> RuleTerm:
        return WRITTEN.pow(other, self)  # type: ignore[no-any-return]

    __hash__ = object.__hash__


def _operator(op: str, *, reflected: bool = False) -> Any:
    def method(self: RuleTerm, other: Any) -> RuleTerm:
        x, y = (WRITTEN.number(other), self) if reflected else (self, WRITTEN.number(other))
        return _arithmetic(op, x, y)

    return method


for _op, _method in (("add", "add"), ("sub", "sub"), ("mul", "mul"), ("div", "truediv")):
    setattr(RuleTerm, f"__{_method}__", _operator(_op))
    setattr(RuleTerm, f"__r{_method}__", _operator(_op, reflected=True))


def _comparison(op: str) -> Any:
    return lambda self, other: _compared(op, self, WRITTEN.number(other))


for _op in COMPARISONS:
    setattr(RuleTerm, f"__{_op}__", _comparison(_op))


def _compared(op: str, x: RuleTerm, y: RuleTerm) -> RuleTerm:
    return RuleTerm(op, (x, y), COMPARISONS[op](x.data, y.data))


def _sides(*xs: RuleTerm) -> tuple[RuleTerm, ...]:
    return tuple(side for x in xs for side in x.sides)


def _negative(x: RuleTerm) -> RuleTerm:
    if x.op == "number":
        return RuleTerm("number", (), -x.data if x.data else x.data, x.sides)
    if x.op == "neg":
        return RuleTerm(x.args[0].op, x.args[0].args, x.args[0].data, x.sides)
    return RuleTerm("neg", (x,), -x.data, x.sides)


def _is_minus(x: RuleTerm) -> bool:
    return x.op == "neg" or (x.op == "number" and x.data < 0)


def _arithmetic(op: str, x: RuleTerm, y: RuleTerm) -> RuleTerm:
    """x op y without what 0 and 1 make superfluous; a minus sign goes to the front of a product."""
    data, sides = ARITHMETIC[op](x.data, y.data), _sides(x, y)
    if x.op == y.op == "number" and op != "div" and data == int(data or 0):
        return RuleTerm("number", (), data, sides)
    if op in ("mul", "div") and (_is_minus(x) or _is_minus(y)):
        bare = _arithmetic(op, *(_negative(z) if _is_minus(z) else z for z in (x, y)))
        found = bare if _is_minus(x) and _is_minus(y) else _negative(bare)
        return RuleTerm(found.op, found.args, data, sides)
    kept = _kept(op, x, y)
    if kept is not None:
        return RuleTerm(kept.op, kept.args, kept.data, sides)
    if op == "mul" and x.is_same(y):
        return RuleTerm("square", (x,), data, sides)
    if op == "add" and y.op == "neg":
        return RuleTerm("sub", (x, y.args[0]), data, sides)
    return RuleTerm(op, (x, y), data, sides)


def _kept(op: str, x: RuleTerm, y: RuleTerm) -> RuleTerm | None:
    """What an operation with 0 or 1 leaves."""
    if op == "mul":
        if x.is_number(0) or y.is_number(0):
            return WRITTEN.number(0)  # type: ignore[no-any-return]
        if x.is_number(-1) or y.is_number(-1):
            return _negative(y if x.is_number(-1) else x)
        return y if x.is_number(1) else x if y.is_number(1) else None
    if op == "div":
        return x if y.is_number(1) or x.is_number(0) else None
    if y.is_number(0):
        return x
    if x.is_number(0):
        return y if op == "add" else _negative(y)
    return None


class WrittenRules(NumberSystem):
    """Formulas of real numbers, as textbooks have them."""

    def number(self, x: Any) -> RuleTerm:
        return x if isinstance(x, RuleTerm) else RuleTerm("number", (), Double(x))

    def where(self, condition: Any, a: Any, b: Any) -> RuleTerm:
        """The side that the data choose."""
        chosen = self.number(a if condition else b)
        if not isinstance(condition, RuleTerm) or condition.op not in OPPOSITE:
            return chosen
        x, y = condition.args
        if x.is_same(y) or x.op == y.op == "number":
            return chosen  # whether it is NaN, or settled for all operands
        if not condition and condition.op not in {"eq", "ne"} and (x.data != x.data or y.data != y.data):
            return chosen  # of NaN neither an order nor its opposite holds
        side = condition or RuleTerm(OPPOSITE[condition.op], condition.args, True)  # noqa: FBT003
        return RuleTerm(chosen.op, chosen.args, chosen.data, (side, *chosen.sides))

    def either(self, condition: Any, a: Callable[[], Any], b: Callable[[], Any]) -> RuleTerm:
        return self.where(condition, a() if condition else 0, 0 if condition else b())

    def rarely(self, condition: Any, rare: Any, usual: Any) -> Any:  # noqa: ARG002
        return usual

    def choose_form(self, xs: Any, fails: Any, careful: Any, usual: Callable[[], Any]) -> Any:  # noqa: ARG002
        return usual()

    def from_above(self, x: Any) -> Any:
        return x

    def to_round(self, careful: Callable[[], Any], plain: Callable[[], Any]) -> Any:  # noqa: ARG002
        return plain()

    def equal(self, a: Any, b: Any) -> RuleTerm:
        return _compared("eq", self.number(a), self.number(b))

    def primitive(self, name: str, *xs: Any) -> Any:
        """By its name; one that only rules use, or that has a choice, as what it is."""
        primitive = PRIMITIVES[name]
        if primitive.inner or primitive.kinks is not None:
            return primitive.value(self, *xs)
        return self.called(name, *xs)

    def called(self, op: str, *xs: Any) -> RuleTerm:
        """A function of formulas."""
        args = tuple(map(self.number, xs))
        return RuleTerm(op, args, PRIMITIVES[op].value(FLOATS, *(Double(x.data) for x in args)), _sides(*args))

    def pow(self, x: Any, y: Any) -> RuleTerm:
        y = self.number(y)
        if y.is_number(0):
            return self.number(1)
        if y.is_number(1):
            return self.number(x)
        return self.called("square", x) if y.is_number(2) else self.called("pow", x, y)

    def prod(self, xs: Any) -> Any:
        return products.plainly(self, xs)

    def products_of_others(self, xs: Any) -> tuple[Any, ...]:
        """In the order of the factors."""
        return tuple(self.prod([x for k, x in enumerate(xs) if k != i]) for i in range(len(xs)))

    def norm(self, xs: Sequence[Any]) -> RuleTerm:
        return self.called("norm", *xs)

    def max(self, xs: Sequence[Any]) -> RuleTerm:
        return self.called("max", *xs)

    def min(self, xs: Sequence[Any]) -> RuleTerm:
        return self.called("min", *xs)


def _function(op: str) -> Any:
    return lambda self, *xs: self.called(op, *xs)


for _op in (*UNARY, *BINARY):
    if _op not in vars(WrittenRules):
        setattr(WrittenRules, _op, _function(_op))
for _name in CONSTANTS:
    setattr(WrittenRules, _name, RuleTerm("constant", (_name,), Double(getattr(FLOATS, _name))))

WRITTEN: Any = WrittenRules()
SYSTEMS[RuleTerm] = WRITTEN
