"""Terms: a rule, read once, becomes a formula that any language can be written from.

A `Term` is an operation and its operands, no more; `compiler/codegen` writes it in C or as NumPy text,
where equal terms are computed once. Operations of literals alone are done here, as doubles.
"""

from __future__ import annotations

import operator
from typing import Any

from ...errors import OperandError
from ..engine.ops import PRIMITIVES
from .base import ARITHMETIC, BINARY, SYSTEMS, UNARY
from .floats import FLOATS, Double
from .vectors import NO_BRANCH, NO_FLOAT, Vectors

COMPARISONS = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq}


class Term:
    """An operation on terms.

    Attributes:
        op: The operation; "name" and "load" stand for a text of the language itself.
        args: Its operands; of a name, the text.
    """

    __slots__ = ("args", "op")

    def __init__(self, op: str, *args: Any) -> None:
        self.op = op
        self.args = args

    def __bool__(self) -> bool:
        raise OperandError(NO_BRANCH)

    def __float__(self) -> float:
        raise OperandError(NO_FLOAT)

    def __pos__(self) -> Any:
        return TERMS.number(self)

    def __neg__(self) -> Any:
        return term("neg", self)

    def __abs__(self) -> Any:
        return term("abs", self)

    def __pow__(self, other: Any) -> Any:
        return term("pow", self, other)

    def __rpow__(self, other: Any) -> Any:
        return term("pow", other, self)

    __hash__ = object.__hash__


class Literal(Term):
    """A number."""

    __slots__ = ()

    def __init__(self, x: float) -> None:
        super().__init__("number", Double(x))

    @property
    def number(self) -> Double:
        """The number itself."""
        return self.args[0]  # type: ignore[no-any-return]


def term(op: str, *xs: Any) -> Any:
    """An operation; a Literal if the operands are literals, and their comparison is a plain truth."""
    args = [TERMS.number(x) for x in xs]
    if not all(isinstance(x, Literal) for x in args):
        return Term(op, *args)
    numbers = [x.number for x in args]
    if op in COMPARISONS:
        return COMPARISONS[op](*numbers)
    if op in ARITHMETIC:
        return Literal(ARITHMETIC[op](*numbers))
    return Literal(-numbers[0] if op == "neg" else getattr(FLOATS, op)(*numbers))


def _operator(op: str, *, reflected: bool = False) -> Any:
    return lambda self, other: term(op, other, self) if reflected else term(op, self, other)


for _op, _method in (("add", "add"), ("sub", "sub"), ("mul", "mul"), ("div", "truediv")):
    setattr(Term, f"__{_method}__", _operator(_op))
    setattr(Term, f"__r{_method}__", _operator(_op, reflected=True))
for _op in COMPARISONS:
    setattr(Term, f"__{_op}__", _operator(_op))
Term.__ne__ = lambda self, other: TERMS.where(self == other, 0, 1)  # type: ignore[method-assign]


class Terms(Vectors):
    """Formulas; no number is known, so no branch can be taken."""

    def number(self, x: Any) -> Any:
        if isinstance(x, Term):
            return Term("where", x, Literal(1.0), Literal(0.0)) if x.op in COMPARISONS else x
        return Literal(float(x))

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        if not isinstance(condition, Term):
            return self.number(a if condition else b)
        return Term("where", condition, self.number(a), self.number(b))

    def equal(self, a: Any, b: Any) -> Any:
        return term("eq", a, b)

    def rough_cbrt(self, x: Any) -> Any:
        """The language's own."""
        return term("rough_cbrt", x)

    def norm(self, xs: Any) -> Any:
        return term("hypot", *xs) if len(xs) == 2 else super().norm(xs)


def _call(op: str) -> Any:
    return lambda self, *xs: term(op, *xs)


for _op in (*UNARY, *BINARY):
    setattr(Terms, _op, _call(_op))

TERMS: Any = Terms()
SYSTEMS[Term] = TERMS

# Functions that no language has, or none with all digits, and the product of a backward sweep: what each is made of.
FORMULAS: dict[str, Any] = {
    "gaussian": lambda x: Vectors.gaussian(TERMS, x),
    "normal_pdf": lambda x: Vectors.normal_pdf(TERMS, x),
    "normal_cdf": lambda x: Vectors.normal_cdf(TERMS, x),
    "cbrt": lambda x: Vectors.cbrt(TERMS, x),
    "lgamma": lambda x: Vectors.lgamma(TERMS, x),
    "digamma": lambda x: Vectors.digamma(TERMS, x),
    "zeta": lambda s, x: Vectors.zeta(TERMS, s, x),
    "hypot": lambda x, y: Vectors.norm(TERMS, (x, y)),
    "path_product": lambda x, y: PRIMITIVES["path_product"].value(TERMS, x, y),
}
