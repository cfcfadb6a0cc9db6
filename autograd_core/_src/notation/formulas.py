"""How operations are written: as text and as LaTeX, with names or with numbers."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.graph import order_of
from ..engine.ops import Primitive
from ..engine.value import Constant, Value
from ..number_systems.languages.precedence import ATOM, COMPARISON, PRODUCT, STRENGTH, SUM, TIGHT
from .latex_names import escaped, latex_name, latex_number
from .losses import BEGINNING, MOST_TERMS, WrittenLoss
from .names import atom
from .node_names import named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..engine.ops import Composite


class WrittenComposite(Primitive):
    """A primitive with its parts as one operation, whose first operand is its own: s_2 of z_2, z_1, z_3.

    Args:
        primitive: The primitive at its end.
        composite: How it is written.
        place: Where among the others its own operand stands in a sum over all.
    """

    __slots__ = ("place",)

    def __init__(self, primitive: Primitive, composite: Composite, place: int) -> None:
        super().__init__(
            composite.name, primitive.value, primitive.partials,
            arity=None, composite=composite, summary=primitive.summary,
        )
        self.place = place

    def in_order(self, operands: Sequence[Any]) -> list[Any]:
        """The operands as a sum over all has them."""
        own, *others = operands
        return [*others[: self.place], own, *others[self.place :]]

    def text(self, operands: Sequence[str]) -> str:
        """In text, of operands in text."""
        assert self.composite is not None
        total = " + ".join(x if "..." in x else f"exp({x})" for x in self.in_order(operands))
        return self.composite.text.format(operands[0], total)

    def latex_text(self, operands: Sequence[str]) -> str:
        """In LaTeX, of operands in LaTeX."""
        assert self.composite is not None
        total = " + ".join(x if x == r"\cdots" else f"e^{{{x}}}" for x in self.in_order(operands))
        return self.composite.latex.format(operands[0], total)


def is_written_out(primitive: Primitive) -> bool:
    """Whether it is written as the sum of its terms, and not by its name."""
    return primitive.reduction is not None and not primitive.reduction.is_mean


def adds_to_zero(primitive: Primitive, operands: Sequence[Value]) -> bool:
    """Whether it is 0 + x, as Python's `sum` begins: it is written as x."""
    return primitive.name == "add" and isinstance(operands[0], Constant) and not operands[0].data


def operation(primitive: Primitive, operands: Sequence[str]) -> str:
    """An operation on operands that are already written, such as "a * b" or "tanh(x)".

    Example:
        >>> from autograd_core._src.notation.formulas import operation
        >>> from autograd_core._src.engine.ops import PRIMITIVES
        >>> operation(PRIMITIVES["dot"], ["w1", "w2", "x1", "x2"]), operation(PRIMITIVES["pow"], ["-3", "2"])
        ('w1 * x1 + w2 * x2', '(-3) ** 2')
    """
    if isinstance(primitive, (WrittenComposite, WrittenLoss)):
        return primitive.text(operands)
    if primitive.pairs:
        half = len(operands) // 2
        return " + ".join(f"{atom(w)} * {atom(x)}" for w, x in zip(operands[:half], operands[half:], strict=True))
    if is_written_out(primitive):
        return " + ".join(operands)
    if primitive.symbol and primitive.arity == 2:
        left = atom(operands[0]) if primitive.name not in ("add", "sub") else operands[0]
        return f"{left} {primitive.symbol} {atom(operands[1])}"
    if primitive.symbol:
        return f"{primitive.symbol}{atom(operands[0])}"
    return f"{primitive.name}({', '.join(operands)})"


class Piece(NamedTuple):
    """A part of a formula, and how strongly it holds together."""

    latex: str
    strength: int

    def within(self, strength: int, *, first: bool = True) -> str:
        """As a part of something stronger in brackets; a minus sign stands bare only where nothing is before it."""
        minus = self.latex.startswith("-") and (strength > SUM or not first)
        return rf"\left({self.latex}\right)" if minus or self.strength < strength else self.latex


# What an operator asks of its operands, and what comes of it: a - (b + c) needs brackets, a + (b + c) none.
INFIX = {
    op: (max(strength, SUM), strength + (op not in ("add", "mul")), strength) for op, strength in STRENGTH.items()
}
# The same by signs where LaTeX sets them: whatever is in an exponent or a fraction stands apart.
BETWEEN = {
    "+": INFIX["add"],
    "-": INFIX["sub"],
    "*": INFIX["mul"],
    "**": (ATOM, COMPARISON, TIGHT),
    "/": (COMPARISON, COMPARISON, TIGHT),
}


def latex_operation(primitive: Primitive, operands: Sequence[str]) -> str:
    r"""An operation on operands that are already LaTeX: names or numbers.

    Example:
        >>> from autograd_core._src.notation.formulas import latex_operation
        >>> from autograd_core._src.engine.ops import PRIMITIVES
        >>> latex_operation(PRIMITIVES["div"], ["a", "b"])
        '\\frac{a}{b}'
    """
    return typeset(primitive, [Piece(text, _strength(text)) for text in operands]).latex


def _strength(text: str) -> int:
    return PRODUCT if r"\cdot " in text else ATOM if " " not in text or text.startswith(r"\mathrm{") else SUM


def typeset(primitive: Primitive, operands: Sequence[Piece], *, brackets: bool = True) -> Piece:
    """An operation as a piece, with brackets only where it needs them; a + (-b) keeps them unless told otherwise."""
    if isinstance(primitive, WrittenComposite):
        is_sum = primitive.composite is not None and " - " in primitive.composite.latex
        return Piece(primitive.latex_text([x.latex for x in operands]), SUM if is_sum else TIGHT)
    if isinstance(primitive, WrittenLoss):
        strength = PRODUCT if primitive.is_quotient else SUM
        return Piece(primitive.latex_text([x.within(PRODUCT) for x in operands]), strength)
    if primitive.pairs:
        half = len(operands) // 2
        terms = [
            rf"{w.within(PRODUCT)} \cdot {x.within(PRODUCT, first=False)}"
            for w, x in zip(operands[:half], operands[half:], strict=True)
        ]
        return Piece(" + ".join(terms), SUM if half > 1 else PRODUCT)
    if is_written_out(primitive) or (primitive.name == "add" and not brackets):
        terms = [x.within(SUM, first=k == 0 or not brackets) for k, x in enumerate(operands)]
        return Piece(" + ".join(terms).replace("+ -", "- "), SUM)
    if not primitive.latex:
        inside = ", ".join(x.latex for x in operands)
        return Piece(rf"\operatorname{{{escaped(primitive.name)}}}\left({inside}\right)", ATOM)
    if primitive.arity == 2 and primitive.symbol:
        left, right, strength = BETWEEN.get(primitive.symbol, INFIX["eq"])
        is_open = left == COMPARISON or primitive.symbol == "**"
        sides = operands[0].within(left), operands[1].within(right, first=is_open)
        return Piece(primitive.latex.format(*sides), strength)
    if primitive.symbol:  # a sign
        return Piece(primitive.latex.format(operands[0].within(PRODUCT)), SUM)
    if any(sign in primitive.latex for sign in ("{{{0}}}", r"\left", r"\lfloor", r"\lceil")):
        return Piece(primitive.latex.format(*(x.latex for x in operands)), TIGHT if "^" in primitive.latex else ATOM)
    written = primitive.latex.format(*(x.within(ATOM) for x in operands))
    bare = written.endswith(operands[-1].latex)  # sin x times y is not sin(x y)
    return Piece(written, SUM if bare else TIGHT)


def expression(*roots: Value, most: int = 12, names: Mapping[Value, str] | None = None) -> list[str]:
    r"""The formulas of a graph as LaTeX: the root's first, then those of the names in it.

    A node with a label, or of which there are several uses, has a formula of its own, and so has a
    part that would be too long within another; all else is written where it is used. Of many
    operands only the first and the last are written.

    Args:
        *roots: The node at the end; of several ones each has a name and a formula.
        most: Formulas; if there are more, a last line says how many are left out.
        names: What nodes are called, if not by their labels.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core._src.notation.formulas import expression
        >>> x = ag.Value(2.0, label="x")
        >>> s = x * x + 1
        >>> expression(s / (s - x))
        ['\\frac{v_{2}}{v_{2} - x}', 'v_{2} = x \\cdot x + 1']
    """
    order = order_of(roots)
    given = names or {}
    labels = {node: given.get(node) or node.label for node in order}
    written = {node: latex_name(_brief(name)) for node, name in named(order, list(labels.values())).items()}
    ends = set(roots)
    uses = Counter(parent for node in order for parent in node.parents)
    pieces: dict[Value, Piece] = {}
    lines: list[str] = []
    for node in order:
        name = Piece(written[node], ATOM)
        primitive = node._primitive
        if primitive is None:
            alone = isinstance(node, Constant) or (not labels[node] and uses[node] <= 1)
            pieces[node] = _number(node.data) if alone else name
            if not alone and not labels[node]:
                lines.append(f"{name.latex} = {_number(node.data).latex}")
            continue
        body = _shortened(primitive, [pieces[parent] for parent in node.parents])
        if adds_to_zero(primitive, node.parents):
            body = pieces[node.parents[1]]
        if node in ends:
            lines.append(f"{name.latex} = {body.latex}" if labels[node] or len(roots) > 1 else body.latex)
            pieces[node] = name
        elif labels[node] or uses[node] > 1 or _cells(body.latex) > LONGEST_PART:
            lines.append(f"{name.latex} = {body.latex}")
            pieces[node] = name
        else:
            pieces[node] = body
    lines = lines[::-1] or [pieces[root].latex for root in roots]
    if len(lines) > most:
        lines[most - 1 :] = [rf"\ldots \quad \text{{{len(lines) - most + 1} more}}"]
    return lines


LONGEST_PART, LONGEST_NAME_IN_FORMULA = 40, 20  # signs


def _brief(name: str) -> str:
    scopes, dot, own = name.rpartition(".")
    return name if len(own) <= LONGEST_NAME_IN_FORMULA else scopes + dot + own[: LONGEST_NAME_IN_FORMULA - 1] + "…"


def _number(x: Any) -> Piece:
    latex = latex_number(x)
    return Piece(latex, TIGHT if r"\frac" in latex else SUM if " - " in latex or " + " in latex else _strength(latex))


def _shortened(primitive: Primitive, operands: list[Piece]) -> Piece:
    """An operation, with dots for most of very many operands."""
    if len(operands) <= MOST_TERMS or isinstance(primitive, WrittenLoss):
        return typeset(primitive, operands, brackets=False)
    dots = Piece(r"\cdots", ATOM)
    some = [*operands[:BEGINNING], dots, operands[-1]]
    if not primitive.pairs:
        return typeset(primitive, some, brackets=False)
    half = len(operands) // 2
    pairs = [
        *zip(operands[:BEGINNING], operands[half : half + BEGINNING], strict=True),
        (operands[half - 1], operands[-1]),
    ]
    *first, last = (typeset(primitive, pair).latex for pair in pairs)
    return Piece(" + ".join([*first, dots.latex, last]), SUM)


def _cells(latex: str) -> int:
    """About how many signs one sees."""
    return len(re.sub(r"\\[A-Za-z]+|[{}^_\\ ]", lambda m: "|" * (m[0] in (r"\cdot", r"\left")), latex))


def mathml(latex: str) -> str:
    r"""A formula as MathML, which browsers set without any script.

    Args:
        latex: One formula, such as those of `expression`; names in it are escaped by `latex_name`.

    Example:
        >>> from autograd_core._src.notation.formulas import mathml
        >>> mathml("x").partition(">")[2]
        '<mrow><mi>x</mi></mrow></math>'
    """
    from latex2mathml.converter import convert

    for environment, known in ("{aligned}", "{split}"), ("{gathered}", "{matrix}"):  # a name's braces are escaped
        latex = latex.replace(environment, known)
    # Browsers follow MathML Core, which aligns the cells of a table by style alone.
    return re.sub(r'columnalign="(\w+)"', r'style="text-align:\1"', str(convert(latex)))
