"""SymPy expressions that are what the rules are as doubles: constants to the last bit, nothing complex.

`Symbolic` is for proofs within the domains. Here a number knows where it is one: NaN, which SymPy cannot compare
and solves for minutes within choices, never stands in an expression, and where a root is none becomes a choice once,
in the result. No comparison is solved in which a choice stands; that takes SymPy minutes, too.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import sympy

from ...errors import OperandError
from . import products
from .base import BINARY, CONSTANTS, SYSTEMS, UNARY, NumberSystem
from .symbolic import SYMBOLIC
from .vectors import NO_BRANCH, NO_FLOAT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SMALL, LARGE = 2**10, 2**53  # denominators and numerators of what is written as a fraction
PRINTED_DIGITS = 17  # hold a double, and are written out where SymPy's 15 would be cut
CHOICES = (sympy.Piecewise, sympy.Max, sympy.Min)
ORDER = {"gt": sympy.Gt, "ge": sympy.Ge, "lt": sympy.Lt, "le": sympy.Le}


class RealExpression:
    """A number of `Reals`.

    Attributes:
        expr: The expression.
        inside: SymPy's condition under which it is a number; elsewhere it is NaN, whatever the expression is.
    """

    __slots__ = ("expr", "inside")

    def __init__(self, expr: Any, inside: Any = sympy.true) -> None:
        self.expr = expr
        self.inside = inside

    def __repr__(self) -> str:
        return f"RealExpression({self.expr}, {self.inside})"

    def __neg__(self) -> Any:
        return REALS.apply(operator.neg, self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return REALS.abs(self)

    def __pow__(self, other: Any) -> Any:
        return REALS.pow(self, other)

    def __rpow__(self, other: Any) -> Any:
        return REALS.pow(other, self)

    def __bool__(self) -> bool:
        raise OperandError(NO_BRANCH)

    def __float__(self) -> float:
        raise OperandError(NO_FLOAT)

    __hash__ = object.__hash__


class RealCondition(RealExpression):
    """A comparison: what `where` chooses by, and 1 or 0 beside operators.

    Attributes:
        holds: SymPy's condition.
    """

    __slots__ = ("holds",)

    def __init__(self, holds: Any) -> None:
        super().__init__(None)
        self.holds = holds

    @property
    def expr(self) -> Any:
        """1 or 0."""
        return _choice((1, self.holds), (0, True))

    @expr.setter
    def expr(self, _: Any) -> None:
        pass


def _operator(function: Callable[..., Any], *, reflected: bool = False) -> Any:
    return lambda self, other: REALS.apply(function, *((other, self) if reflected else (self, other)))


for _name in ("add", "sub", "mul", "truediv"):
    setattr(RealExpression, f"__{_name}__", _operator(getattr(operator, _name)))
    setattr(RealExpression, f"__r{_name}__", _operator(getattr(operator, _name), reflected=True))


def _comparison(relation: Any) -> Any:
    return lambda self, other: RealCondition(REALS.holds(relation, self, other))


for _name, _relation in (*ORDER.items(), ("eq", sympy.Eq), ("ne", sympy.Ne)):
    setattr(RealExpression, f"__{_name}__", _comparison(_relation))

NOWHERE = RealExpression(sympy.Integer(0), sympy.false)


class Reals(NumberSystem):
    """SymPy expressions with the conditions under which they are real."""

    abs: Any
    floor: Any

    def number(self, x: Any) -> Any:
        if isinstance(x, RealExpression):
            return x
        expr: Any = _double(x) if isinstance(x, float) else sympy.sympify(x)
        return NOWHERE if expr is sympy.nan else RealExpression(expr)

    def apply(self, function: Callable[..., Any], *xs: Any, inside: Any = sympy.true) -> Any:
        """A function of SymPy's, within its domain."""
        numbers = [self.number(x) for x in xs]
        inside = _all(inside, *(x.inside for x in numbers))
        if inside == sympy.false:
            return NOWHERE
        expr = sympy.sympify(function(*(x.expr for x in numbers)))
        return NOWHERE if expr is sympy.nan else RealExpression(expr, inside)

    def holds(self, relation: Any, a: Any, b: Any) -> Any:
        """A condition, false of NaN; it is not solved where a choice stands in it."""
        a, b = self.number(a), self.number(b)
        if relation is sympy.Ne:
            return sympy.Not(self.holds(sympy.Eq, a, b))
        return _all(_holds(relation, a.expr, b.expr), a.inside, b.inside)

    def equal(self, a: Any, b: Any) -> Any:
        return RealCondition(self.holds(sympy.Eq, a, b))

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        a, b = self.number(a), self.number(b)
        condition = condition.holds if isinstance(condition, RealCondition) else sympy.sympify(bool(condition))
        if condition in (sympy.true, sympy.false):
            return a if condition == sympy.true else b
        inside = a.inside
        if a.inside != b.inside:
            otherwise = sympy.Not(condition)
            of_a, of_b = _beyond(condition, a.inside), _beyond(otherwise, b.inside)
            both = of_a == sympy.true and of_b == sympy.true
            inside = sympy.true if both else _any(_all(condition, of_a), _all(otherwise, of_b))
        return RealExpression(_choice((a.expr, condition), (b.expr, True)), inside)

    def rarely(self, condition: Any, rare: Any, usual: Any) -> Any:  # noqa: ARG002
        """Numbers here neither overflow nor lose digits."""
        return usual

    def to_round(self, careful: Callable[[], Any], plain: Callable[[], Any]) -> Any:  # noqa: ARG002
        return plain()

    def max(self, xs: Sequence[Any]) -> Any:
        return self.apply(lambda *v: sympy.Max(*v, evaluate=all(x.is_number for x in v)), *xs)

    def min(self, xs: Sequence[Any]) -> Any:
        return self.apply(lambda *v: sympy.Min(*v, evaluate=all(x.is_number for x in v)), *xs)

    def sum(self, xs: Iterable[Any]) -> Any:
        """All at once: SymPy sorts the terms at every addition."""
        return self.apply(sympy.Add, *xs)

    def prod(self, xs: Any) -> Any:
        """No part leaves the range."""
        return products.plainly(self, xs)

    def products_of_others(self, xs: Any) -> tuple[Any, ...]:
        return products.plainly_of_others(self, xs)

    def norm(self, xs: Sequence[Any]) -> Any:
        return self.apply(lambda *v: SYMBOLIC.norm(v), *xs)

    def sqrt(self, x: Any) -> Any:
        return self.apply(sympy.sqrt, x, inside=self.holds(sympy.Ge, x, 0))

    def log(self, x: Any, base: Any = sympy.E) -> Any:
        x = self.number(x)

        def log(x: Any) -> Any:
            inside = sympy.nan if x.is_zero else sympy.log(x) / sympy.log(base)
            return _choice((inside, _holds(sympy.Gt, x, 0)), (-sympy.oo, True))

        return self.apply(log, x, inside=_any(self.holds(sympy.Gt, x, 0), self.holds(sympy.Eq, x, 0)))

    def log1p(self, x: Any) -> Any:
        return self.log(1 + self.number(x))

    def log2(self, x: Any) -> Any:
        return self.log(x, 2)

    def log10(self, x: Any) -> Any:
        return self.log(x, 10)

    def asin(self, x: Any) -> Any:
        return self.apply(sympy.asin, x, inside=self._between(x))

    def acos(self, x: Any) -> Any:
        return self.apply(sympy.acos, x, inside=self._between(x))

    def acosh(self, x: Any) -> Any:
        return self.apply(sympy.acosh, x, inside=self.holds(sympy.Ge, x, 1))

    def atanh(self, x: Any) -> Any:
        return self.apply(sympy.atanh, x, inside=self._between(x))

    def _between(self, x: Any) -> Any:
        return _all(self.holds(sympy.Ge, x, -1), self.holds(sympy.Le, x, 1))

    def pow(self, x: Any, y: Any) -> Any:
        x, y = self.number(x), self.number(y)
        if (y.expr.is_integer and y.expr.is_nonnegative) or x.expr.is_positive:
            return self.apply(operator.pow, x, y)
        zero = self.holds(sympy.Eq, x, 0)
        whole = sympy.true if y.expr.is_integer else self.holds(sympy.Eq, self.floor(y), y)

        def power(x: Any, y: Any) -> Any:
            if x.has(sympy.Piecewise) or y.has(sympy.Piecewise):
                return x**y  # cases of cases are too many
            # `**` of SymPy reads 0**0 as 1, as the rules do, but 0**-1 as an infinity without a direction.
            pole = _all(zero, _holds(sympy.Lt, y, 0))
            return _choice((sympy.oo, pole), (x**y, True))

        return self.apply(power, x, y, inside=_any(self.holds(sympy.Gt, x, 0), zero, whole))

    def atan2(self, y: Any, x: Any) -> Any:
        origin = _all(self.holds(sympy.Eq, y, 0), self.holds(sympy.Eq, x, 0))  # where SymPy's is NaN
        return self.apply(lambda y, x: _choice((sympy.Integer(0), origin), (sympy.atan2(y, x), True)), y, x)

    def copysign(self, x: Any, y: Any) -> Any:
        """SymPy has no -0.0."""
        return self.where(self.number(y) < 0, -self.abs(x), self.abs(x))


def _elementary(name: str) -> Any:
    return lambda self, *xs: self.apply(getattr(SYMBOLIC, name), *xs)


for _name in (*UNARY, *BINARY):
    if _name not in vars(Reals):
        setattr(Reals, _name, _elementary(_name))
for _name in CONSTANTS:
    setattr(Reals, _name, RealExpression(getattr(SYMBOLIC, _name)))

REALS: Any = Reals()
SYSTEMS[RealExpression] = SYSTEMS[RealCondition] = REALS


def _double(x: float) -> Any:
    if not math.isfinite(x):
        return sympy.nan if math.isnan(x) else sympy.oo if x > 0 else -sympy.oo
    numerator, denominator = x.as_integer_ratio()
    if (denominator <= SMALL and abs(numerator) < LARGE) or abs(math.frexp(x)[0]) == 0.5:
        return sympy.Rational(numerator, denominator)
    return sympy.Float(x, PRINTED_DIGITS)


# --- conditions -------------------------------------------------------------------------------------


def _holds(relation: Any, a: Any, b: Any) -> Any:
    """A comparison, solved only where no choice stands in it, or where it follows from what SymPy knows at once."""
    a, b = sympy.sympify(a), sympy.sympify(b)
    solved = bool(b.is_infinite) or not (a.has(*CHOICES) or b.has(*CHOICES))
    if relation is sympy.Eq and a == b:
        return sympy.true
    if not solved and b == 0:
        facts = {
            sympy.Gt: a.is_extended_positive, sympy.Lt: a.is_extended_negative, sympy.Eq: a.is_zero,
            sympy.Ge: a.is_extended_nonnegative, sympy.Le: a.is_extended_nonpositive,
        }  # fmt: skip
        if facts[relation] is not None:
            return sympy.true if facts[relation] else sympy.false
    if not solved and relation is sympy.Eq and b == 0:
        return _vanishes(a)
    return _solved(relation, a, b, solved=solved)


def _solved(relation: Any, a: Any, b: Any, *, solved: bool) -> Any:
    try:
        return relation(a, b, evaluate=solved)
    except TypeError:  # SymPy's refusal to compare what has no order, an infinity without a sign
        return sympy.false


def _follows(known: Any, condition: Any) -> bool:
    """Whether a condition is seen to hold where `known` does."""
    if condition in (sympy.true, known):
        return True
    if isinstance(known, sympy.And) and any(_follows(part, condition) for part in known.args):
        return True
    if isinstance(condition, sympy.Or):
        return any(_follows(known, part) for part in condition.args)
    weaker = {sympy.StrictGreaterThan: sympy.Ge, sympy.StrictLessThan: sympy.Le}.get(type(known))
    if weaker:
        return bool(condition == weaker(*known.args, evaluate=False))
    bound = isinstance(known, sympy.Eq) and isinstance(condition, (sympy.Ge, sympy.Le))
    return bool(bound and known.args == condition.args)


def _beyond(known: Any, condition: Any) -> Any:
    """What is left of a condition where another one is known to hold."""
    return _all(*(part for part in sympy.And.make_args(condition) if not _follows(known, part)))


def _all(*conditions: Any) -> Any:
    return sympy.And(*conditions)


def _any(*conditions: Any) -> Any:
    """One of them holds; what follows from another is left out."""
    kept: list[Any] = []
    for c in conditions:
        if not any(_follows(c, other) for other in kept):
            kept = [other for other in kept if not _follows(other, c)] + [c]
    return sympy.Or(*kept)


def _choice(*cases: tuple[Any, Any]) -> Any:
    """The value of the first case that holds; a choice that is the last value adds its own cases."""
    kept: list[tuple[Any, Any]] = []
    for value, condition in cases:
        if condition == sympy.false:
            continue
        kept.append((sympy.sympify(value), condition))
        if condition == sympy.true:
            break
    last, _ = kept[-1]
    if isinstance(last, sympy.Piecewise):
        pairs: Any = last.args
        kept[-1:] = [(value, condition) for value, condition in pairs]
    if all(value == kept[0][0] for value, _ in kept):
        return kept[0][0]
    return sympy.Piecewise(*kept, evaluate=False)


# --- local derivatives times adjoints ---------------------------------------------------------------


def product(d: Any, g: Any) -> Any:
    """A product under strict zero: 0 × infinity and 0 × NaN are 0."""
    d, g = REALS.number(d), REALS.number(g)
    if any(x.expr == 0 and x.inside == sympy.true for x in (d, g)):
        return RealExpression(sympy.Integer(0))
    inside = _all(d.inside, g.inside)
    if d.inside != sympy.true:
        inside = _any(inside, _all(g.inside, _vanishes(g.expr)))
    if g.inside != sympy.true:
        inside = _any(inside, _all(d.inside, _vanishes(d.expr)))
    return RealExpression(_product(d.expr, g.expr), inside)


def _product(d: Any, g: Any) -> Any:
    """The same of expressions; within each case of a choice, where 0 wins over what is infinite there."""
    for x, y in ((d, g), (g, d)):
        if isinstance(x, sympy.Piecewise):
            cases: Any = x.args
            return _choice(*((_product(value, y), condition) for value, condition in cases))
    if d == 0 or g == 0:
        return sympy.Integer(0)
    for x, y in ((d, g), (g, d)):
        if _may_be_infinite(x) and y.free_symbols and not y.is_nonzero:
            return _choice((sympy.Integer(0), _vanishes(y)), (x * y, True))
    return d * g


def _vanishes(x: Any) -> Any:
    """The condition under which an expression is 0."""
    if not x.free_symbols or x.is_nonzero:
        return sympy.sympify(x == 0)
    if isinstance(x, sympy.Mul):
        return _any(*map(_vanishes, x.args))
    if isinstance(x, sympy.Pow) and x.exp.is_positive:
        return _vanishes(x.base)
    if not isinstance(x, sympy.Piecewise):
        return _solved(sympy.Eq, x, sympy.Integer(0), solved=not x.has(*CHOICES))
    found, before = sympy.false, sympy.true
    pairs: Any = x.args
    for value, condition in pairs:
        found = _any(found, _all(before, condition, _vanishes(value)))
        before = _all(before, sympy.Not(condition))
    return found


def _may_be_infinite(x: Any) -> bool:
    """Whether an expression is infinite somewhere, by a pole or by a case that is."""
    if x.has(sympy.oo, -sympy.oo, sympy.zoo):
        return True
    poles: Any = x.atoms(sympy.Pow, sympy.log)
    return any(
        not (p.base.is_nonzero or p.exp.is_nonnegative) if isinstance(p, sympy.Pow) else not p.args[0].is_positive
        for p in poles
    )


# --- results ----------------------------------------------------------------------------------------


class NaN(sympy.AtomicExpr):  # type: ignore[misc]
    """NaN as a result: a real one, for `complex()` of SymPy's own NaN is NaN in both parts.

    It prints as SymPy's does, since printers go by the name of the class, and calculations with it
    end in SymPy's.
    """

    is_extended_real = True
    is_commutative = True

    def as_real_imag(self, deep: bool = True, **_: Any) -> Any:  # noqa: FBT001, FBT002, ARG002  SymPy's signature
        return self, sympy.Integer(0)

    def _eval_evalf(self, prec: int) -> Any:  # noqa: ARG002  SymPy's signature
        return sympy.nan

    def __float__(self) -> float:
        return math.nan

    def __complex__(self) -> complex:
        return complex(math.nan, 0.0)


def as_result(x: RealExpression) -> Any:
    """The expression that is given to a user: where it is no number, NaN is chosen."""
    if x.inside in (sympy.true, sympy.false):
        return x.expr if x.inside == sympy.true else sympy.nan
    pairs: Any = x.expr.args if isinstance(x.expr, sympy.Piecewise) else ((x.expr, sympy.true),)
    cases, rest = [], x.inside
    for value, condition in pairs:
        cases.append((value, condition if _follows(condition, x.inside) else _all(condition, rest)))
        rest = sympy.Or(*(part for part in sympy.Or.make_args(rest) if part != condition))
    return sympy.Piecewise(*cases, (NaN(), True), evaluate=False)
