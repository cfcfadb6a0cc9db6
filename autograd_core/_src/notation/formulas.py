"""How operations are written: as text and as LaTeX, with names or with numbers."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.graph import order_of, topological_order
from ..engine.ops import Primitive
from ..engine.provenance import box_of
from ..engine.value import Constant, Value
from ..number_systems.languages.precedence import ATOM, COMPARISON, PRODUCT, STRENGTH, SUM, TIGHT
from .losses import BEGINNING, MOST_OPERANDS, WrittenLoss
from .names import ACCENTS, GREEK, atom, without_latex
from .numbers import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..engine.ops import Composite

SCOPES = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
NUMBERED = re.compile(r"([A-Za-z_]+?)_?([0-9]+)")
# w1, w_1, w[1]; w1_2 is the second w1
INDEXED = re.compile(r"([A-Za-z]|" + "|".join(GREEK) + r")(_?[0-9]+|\[[0-9]+\])(?:_([0-9]+))?")


def names_of(root: Value) -> dict[Value, str]:
    """A name for every node below a root: its label, a constant's number, else v1, v2, ... in order.

    A label that stands in several scopes is told apart by them: `layer1.neuron0.w0`. One that two nodes
    bear in one place gets a number at its second and later places.
    """
    order = topological_order(root)
    return named(order, [node.label for node in order])


def named(order: Sequence[Value], labels: Sequence[str]) -> dict[Value, str]:
    """The same for the nodes of an order whose labels are these."""
    names: dict[Value, str] = {node: shown(node.data) for node in order if isinstance(node, Constant)}
    labels = _told_apart(order, labels)
    taken = set(labels)
    given: set[str] = set()
    used: dict[str, int] = {}  # the last number that a label was given; "" for v1, v2, ...
    for node, label in zip(order, labels, strict=True):
        if node in names:
            continue
        name = label
        while not name or name in given:
            again = used[label] = used.get(label, 1 if label else 0) + 1
            name = f"{label}_{again}" if label else f"v{again}"
            if name in taken:
                name = ""
        given.add(name)
        names[node] = name
    return names


def _told_apart(order: Sequence[Value], labels: Sequence[str]) -> list[str]:
    """The labels, with their scopes in front, as boxes are called, where one label stands in several of them."""
    scopes: dict[str, set[str]] = {}
    for node, label in zip(order, labels, strict=True):
        if label:
            scopes.setdefault(label, set()).add(node.scope)
    return [
        f"{dotted(box_of(node))}.{label}" if label and node.scope and len(scopes[label]) > 1 else label
        for node, label in zip(order, labels, strict=True)
    ]


def dotted(scope: str) -> str:
    """A scope, or what its box is called, as names have it: layer1.neuron0."""
    return scope.replace("/", ".")


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


def latex_name(text: str) -> str:
    r"""A name or a number as LaTeX: w1 becomes w_{1}, alpha a Greek letter; user text is escaped.

    A name within scopes has the layer above, and neuron and index below, as books write it.

    Example:
        >>> from autograd_core._src.notation.formulas import latex_name
        >>> latex_name("w1"), latex_name("alpha"), latex_name("a_b$")
        ('w_{1}', '\\alpha', '\\mathrm{a\\_b\\$}')
        >>> latex_name("layer1.neuron0.w2"), latex_name("step3.h")
        ('w^{(1)}_{02}', 'h^{(3)}')
    """
    text = without_latex(text)
    scopes, _, own = text.rpartition(".")
    if scopes and SCOPES.fullmatch(scopes) and own.strip():
        return _within(scopes.split("."), own)
    if text in GREEK:
        return "\\" + text
    indexed = INDEXED.fullmatch(text)
    if indexed:
        letter, index, again = indexed.groups()
        letter = f"\\{letter}" if letter in GREEK else letter
        return f"{letter}_{{{index.strip('[]_')}}}" + (f"^{{({again})}}" if again else "")
    if not escaped(text).strip():
        return r"\mathrm{?}"
    if len(text) <= 2 and not text.isascii() and (accented := _accented(text)) != text:
        return accented
    if len(text) == 1 or text.replace(".", "", 1).lstrip("-").isdigit():
        return text if text.isalnum() or text.lstrip("-")[:1].isdigit() else f"\\mathrm{{{escaped(text)}}}"
    if text in ("inf", "-inf"):
        return text.replace("inf", r"\infty")
    if (of_text := _of_a_text(text)) is not None:
        return of_text
    mantissa, _, exponent = text.partition("e")
    if exponent.lstrip("+-").isdigit() and mantissa.replace(".", "", 1).lstrip("-").isdigit():
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    return f"\\mathrm{{{escaped(text)}}}"


TEXTBOOK = re.compile(
    r"(?P<base>[^\W\d_][\u0302-\u0308\u20d7]?|" + "|".join(GREEK) + r")(?P<primes>[′″‴']*)"
    r"(?:_(?P<low>\w{1,3}(?:[,→]\w{1,3})*))?(?:\^(?P<high>\(?\w{1,5}\)?))?"
)
LETTERS = {
    "ŷ": r"\hat{y}", "δ": r"\delta", "Δ": r"\Delta", "Θ": r"\Theta", "θ": r"\theta", "Σ": r"\Sigma", "σ": r"\sigma",
    "μ": r"\mu", "λ": r"\lambda", "α": r"\alpha", "β": r"\beta", "η": r"\eta", "∂": r"\partial",
}  # fmt: skip
CALLED = re.compile(r"(\w+|δ)\(([^()]+)\)")


def _of_a_text(name: str) -> str | None:
    """A name as texts have it: z_j, w_i→j, a_1^(2), e′_1, sum(y_1), 1/Σ; None for another one. It has no blanks."""
    called = CALLED.fullmatch(name)
    if called:
        function, inside = called.groups()
        head = _of_a_text(function) if "_" in function else None  # h_θ(x)
        if head is None:
            head = LETTERS.get(function) or (function if len(function) == 1 else rf"\mathrm{{{escaped(function)}}}")
        return f"{head}({latex_name(inside)})"
    above, slash, below = name.partition("/")
    if slash:
        both = [x if x.isdecimal() else _of_a_text(x) for x in (above, below)]
        return None if None in both else rf"\frac{{{both[0]}}}{{{both[1]}}}"
    match = TEXTBOOK.fullmatch(name)
    if match is None:
        return None
    base = match["base"]
    letter = LETTERS.get(base) or (f"\\{base}" if base in GREEK else _accented(base))
    primes = "'" * sum("'′″‴".index(c) or 1 for c in match["primes"])
    low, high = match["low"], match["high"]
    under = "" if low is None else "_{" + LETTERS.get(low, low).replace("→", r"{\to}").replace("_", ",") + "}"
    return letter + primes + under + ("" if high is None else f"^{{{_exponent(high)}}}")


def _accented(letter: str) -> str:
    """A letter with its accent as LaTeX has it; of mathematics' accents alone."""
    plain, *marks = list(unicodedata.normalize("NFD", letter))
    commands = {mark: command for command, mark in reversed(ACCENTS.items())}
    return rf"\{commands[marks[0]]}{{{plain}}}" if len(marks) == 1 and marks[0] in commands else letter


def _exponent(high: str) -> str:
    return high if high[0] == "(" or "_" not in high else latex_name(high)


def _within(scopes: Sequence[str], own: str) -> str:
    """A name within scopes: the number of the outer one above, those of inner ones and its own below."""
    above, *below = (NUMBERED.fullmatch(x) for x in scopes)
    indexed = INDEXED.fullmatch(own)
    letter, index, again = indexed.groups() if indexed else (own, "", None)
    numbers = [x[2] if x else f"\\mathrm{{{escaped(scope)}}}" for x, scope in zip(below, scopes[1:], strict=True)]
    numbers += [index.strip("[]_")] if index else []
    short = all(len(x) == 1 for x in numbers)
    over = f"({above[2]})" if above else f"\\mathrm{{{escaped(scopes[0])}}}"
    under = f"_{{{('' if short else ',').join(numbers)}}}" if numbers else ""
    return f"{latex_name(letter)}^{{{over}{f',{again}' if again else ''}}}{under}"


LATEX_ESCAPES = {c: "\\" + c for c in "#$%&_{}"} | {
    "\\": r"\backslash{}",
    "^": r"\hat{}",
    "~": r"\sim{}",
    "\n": " ",
}


def escaped(text: str) -> str:
    """Text in LaTeX, with its special characters escaped."""
    return "".join(LATEX_ESCAPES.get(c, c) for c in text if c.isprintable() or c == "\n")


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


LONGEST_PART, LONGEST_NAME = 40, 20  # signs


def _brief(name: str) -> str:
    scopes, dot, own = name.rpartition(".")
    return name if len(own) <= LONGEST_NAME else scopes + dot + own[: LONGEST_NAME - 1] + "…"


def latex_number(x: Any, digits: int = 4) -> str:
    r"""A number as LaTeX; a Fraction as one.

    Example:
        >>> from autograd_core._src.notation.formulas import latex_number
        >>> latex_number(1e-9), latex_number(float("inf")), latex_number(1 - 5e-11)
        ('1 \\cdot 10^{-9}', '\\infty', '1 - 5 \\cdot 10^{-11}')
    """
    text = shown(x, digits)
    numerator, fraction, denominator = text.partition("/")
    if fraction:
        sign = "-" * numerator.startswith("-")
        return rf"{sign}\frac{{{numerator.lstrip('-')}}}{{{denominator}}}"
    one, *rest = text.split(" ")
    return " ".join([latex_name(one), *(x if x in "+-" else latex_name(x) for x in rest)])


def _number(x: Any) -> Piece:
    latex = latex_number(x)
    return Piece(latex, TIGHT if r"\frac" in latex else SUM if " - " in latex or " + " in latex else _strength(latex))


def _shortened(primitive: Primitive, operands: list[Piece]) -> Piece:
    """An operation, with dots for most of very many operands."""
    if len(operands) <= MOST_OPERANDS or isinstance(primitive, WrittenLoss):
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
