"""The textbook's formula of each operation and of its derivatives, for the reference: read off the table of operations.

A rule is evaluated in one more number system, whose numbers are formulas of real numbers: they neither end nor are
rounded, and a convention for a single point, which the entry's `kink` says in words, is left out.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import sympy

from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.number_systems.symbolic import Symbolic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_core._src.engine.ops import Composite, Primitive


class Textbook(Symbolic):
    """Formulas as books print them; a list of operands is one of its elements, x_i, which stands for all."""

    def choose_form(self, xs: Any, fails: Any, careful: Any, usual: Callable[[], Any]) -> Any:  # noqa: ARG002
        return usual()

    def rarely(self, condition: Any, rare: Any, usual: Any) -> Any:  # noqa: ARG002
        return usual

    def to_round(self, careful: Any, plain: Callable[[], Any]) -> Any:  # noqa: ARG002
        return plain()

    def from_above(self, x: Any) -> Any:
        return x

    def primitive(self, name: str, *xs: Any) -> Any:
        return sympy.sign(*xs) if name == "sign" else super().primitive(name, *xs)

    def normal_cdf(self, x: Any) -> Any:
        return (1 + sympy.erf(self.number(x) / sympy.sqrt(2))) / 2

    def max(self, xs: Sequence[Any]) -> Any:
        return sympy.Max(*xs) if len(xs) > 1 else over(r"\max_i", *xs)

    def min(self, xs: Sequence[Any]) -> Any:
        return sympy.Min(*xs) if len(xs) > 1 else over(r"\min_i", *xs)

    def sum(self, xs: Any) -> Any:
        """Of two numbers what it is; of an element that of all."""
        xs = tuple(xs)
        return sympy.Add(*xs) if len(xs) > 1 else over(r"\sum_i", *xs)

    def dot(self, w: Sequence[Any], x: Sequence[Any]) -> Any:
        return self.sum([w[0] * x[0]])

    def prod(self, xs: Any) -> Any:
        return over(r"\prod_i", *xs)

    def products_of_others(self, xs: Any) -> Any:
        return tuple(over(r"\prod_{j \neq i}", sympy.Symbol(x.name.replace("i", "j"))) for x in xs)

    def count(self, xs: Any) -> Any:  # noqa: ARG002
        return sympy.Symbol("n")


TEXTBOOK: Any = Textbook()
VALUE, SHARE = "z", "s"
GREEK = {"alpha"}


def over(operator: str, element: Any) -> Any:
    """A sum, product or largest of a list, as a number of its own."""
    return sympy.Symbol(f"{operator} {written(element)}", real=True)


def operands_of(primitive: Primitive) -> list[str]:
    """The operands' names, which are those of its rule; of one that takes any number x, y."""
    if primitive.arity is None:
        return ["w_{i}", "x_{i}"][-primitive.lists :]
    _, *given = inspect.signature(primitive.value).parameters.values()
    names = [p.name for p in given if p.kind != p.VAR_POSITIONAL and p.default is p.empty]
    return names or ["x", "y"][: primitive.arity]


def expressions(primitive: Primitive) -> tuple[list[Any], Any, list[Any]]:
    """The operands, the value and the derivatives of an operation, as SymPy has them; in derivatives z is the value."""
    xs = [sympy.Symbol(name, real=True) for name in operands_of(primitive)]
    settled = {}
    if primitive.name == "clip":  # its rule goes on to bounds that are equal or stand the wrong way round
        _, low, high = xs
        settled = dict.fromkeys((low > high, low >= high, high < low, high <= low), sympy.false)
    rule = primitive.textbook or primitive.partials
    z = sympy.Symbol(VALUE, real=True)
    value = cases(primitive.value(TEXTBOOK, *xs))
    partials = [cases(sympy.sympify(partial).subs(settled)) for partial in rule(TEXTBOOK, *xs, z)]
    if not value.has(sympy.Eq, sympy.Ne):
        partials = [elsewhere(partial) for partial in partials]
    return xs, value, partials


def cases(expression: Any) -> Any:
    """Choices one below the other, each with the condition under which it is not 0, if there is one."""
    expression = sympy.piecewise_fold(sympy.sympify(expression))

    def turned(*chosen: Any) -> Any:
        if len(chosen) == 2:
            (a, condition), (b, _) = chosen
            if a == 0 or (isinstance(condition, sympy.Eq) and b != 0):
                return sympy.Piecewise((b, sympy.to_nnf(sympy.Not(condition))), (a, True))
        return sympy.Piecewise(*chosen)

    return expression.replace(sympy.Piecewise, turned)


def elsewhere(expression: Any) -> Any:
    """Without the conventions for single points, where an operand or the value is 0."""

    def kept(*chosen: Any) -> Any:
        usual = [(x, c) for x, c in chosen if not any(map(at_zero, sympy.And.make_args(c)))]
        (x, condition), *rest = usual
        if len(rest) == 1 and isinstance(condition, sympy.Ne) and condition.rhs == 0:
            return x
        return sympy.Piecewise(*usual)

    def at_zero(condition: Any) -> bool:
        return isinstance(condition, sympy.Eq) and condition.rhs == 0

    return expression.replace(sympy.Piecewise, kept)


def latex_of(primitive: Primitive) -> list[str]:
    """The value and the derivatives of an operation, as LaTeX equations."""
    if primitive.composite is not None:
        return latex_of_composite(primitive.name, primitive.composite)
    xs, value, partials = expressions(primitive)
    lines = [f"{VALUE} = {written(value)}"]
    for x, partial in zip(xs, partials, strict=True):
        lines.append(rf"\frac{{\partial {VALUE}}}{{\partial {written(x)}}} = {written(partial)}")
    return lines


def latex_of_composite(name: str, composite: Composite) -> list[str]:
    """The formulas of a composite: entry i of the result, its derivatives with respect to x_i and to another x_j."""
    total, x = r"\sum_j e^{x_{j}}", "x_{i}"
    z = SHARE if name == "softmax" else VALUE
    p, q = sympy.symbols(f"{SHARE}_i {SHARE}_j")
    assert composite.slopes is not None
    own, other = composite.slopes[0](p), composite.slopes[1](p, q)
    lines = [
        f"{z}_i = {composite.latex.format(x, total)}".replace(r"\log", r"\ln"),
        rf"\frac{{\partial {z}_i}}{{\partial x_i}} = {written(own)}",
        rf"\frac{{\partial {z}_i}}{{\partial x_j}} = {written(other)}",
    ]
    if z != SHARE:
        shares = PRIMITIVES["softmax"].composite
        assert shares is not None
        lines.append(f"{SHARE}_i = {shares.latex.format(x, total)}")
    return lines


def written(expression: Any) -> str:
    """LaTeX that latex2mathml reads, with e and ln as texts have them, and names of several letters upright."""
    expression = sympy.sympify(expression)
    words = [s for s in expression.free_symbols if re.fullmatch("[a-z]{3,}", s.name) and s.name not in GREEK]
    upright = {word: rf"\mathrm{{{word.name}}}" for word in words}
    times = "dot" if upright else None
    text = sympy.latex(expression, ln_notation=True, symbol_names=upright, mul_symbol=times)
    text = text.replace(r"\text{for}\:", r"\text{ for }").replace(r"\text{otherwise}", r"\text{ otherwise}")
    text = text.replace(r"\operatorname{atan}_{2}", r"\operatorname{atan2}")
    return text.replace(r"\operatorname{polygamma}", r"\psi")
