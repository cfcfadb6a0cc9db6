"""`Formulas`: lines of formulas as text and as LaTeX, each with its value."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from .figures import COLOURS
from .tables import LINE, broken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_PATHS = 64  # most paths through a network or graph that are written out one by one
WIDTH = 72  # widest line beside which the numbers stand in one column
LINES = ("", ";text-decoration:underline", ";text-decoration:underline double")  # distinguish repeated colours


def _standing(factor: str) -> re.Pattern[str]:
    """A pattern that matches a factor where it is not part of a longer name."""
    return re.compile(rf"(?<![\w→^′]){re.escape(factor)}(?![\w→^′(])")


def is_loose(text: str) -> bool:
    """Whether a text needs brackets as a factor: it begins with a minus, or is a sum outside of brackets."""
    depths = accumulate((c == "(") - (c == ")") for c in text)
    return any(c in "+−" and depth == 0 for c, depth in zip(text, depths, strict=True))


class Formula(NamedTuple):
    """A formula, as text and as LaTeX."""

    text: str
    latex: str


def unbracketed(text: str, tex: str) -> tuple[str, str]:
    r"""A formula without the brackets around all of it, if there are such.

    Example:
        >>> from nn._src.support.formulas import unbracketed
        >>> unbracketed("(1 − z²)", r"\left(1 - z^{2}\right)"), unbracketed("(a) (b)", r"\left(a\right) \left(b\right)")
        (('1 − z²', '1 - z^{2}'), ('(a) (b)', '\\left(a\\right) \\left(b\\right)'))
    """
    if _is_in_one_pair(re.findall(r"[()]|[^()]+", text), "(", ")"):
        marks = re.findall(r"\\left\(|\\right\)|(?:(?!\\left\(|\\right\)).)+", tex)
        if _is_in_one_pair(marks, r"\left(", r"\right)"):
            return text[1:-1], tex.removeprefix(r"\left(").removesuffix(r"\right)")
    return text, tex


def _is_in_one_pair(pieces: Sequence[str], opening: str, closing: str) -> bool:
    """Whether the first piece opens a bracket that the last one closes."""
    depths = list(accumulate((piece == opening) - (piece == closing) for piece in pieces))
    return len(pieces) > 2 and pieces[0] == opening and depths[-1] == 0 and 0 not in depths[:-1]


def juxtaposed(factors: Sequence[tuple[str, str]]) -> tuple[str, str]:
    r"""A product, as text and as LaTeX. The only place that decides how factors are written side by side.

    They stand side by side. A dot is before a number, and in text behind a quotient, for what is side by side would
    be taken together: −1/a · a is not −1/(a a). A line of LaTeX says by itself what is below it.

    Example:
        >>> from nn._src.support.formulas import juxtaposed
        >>> juxtaposed([("w", "w"), ("1/a", r"\frac{1}{a}"), ("b", "b"), ("2", "2")])
        ('w · 1/a · b · 2', 'w \\, \\frac{1}{a} \\, b \\cdot 2')
    """
    (text, tex), *others = factors
    for (before, above), (t, x) in zip(factors, others, strict=False):
        text += (" · " if t[0].isnumeric() or is_quotient(before) else " ") + t
        number = x[0].isdigit() or (above[0].isdigit() and x.startswith(r"\frac{") and x[6].isdigit())
        tex += (r" \cdot " if number else r" \, ") + x
    return text, tex


def is_quotient(text: str) -> bool:
    """Whether a product ends in a quotient: a slash outside of all brackets, with no factor after it."""
    depths = accumulate((c in "([") - (c in ")]") for c in text)
    outside = "".join(c if depth == 0 else "_" for c, depth in zip(text, depths, strict=True))
    return "/" in outside.rpartition(" ")[2]


def with_reasons(lines: Sequence[str], reasons: Sequence[str]) -> list[str]:
    """Lines with their reasons in a column to the right, or further left or below where that is too far.

    Lines that are too wide are broken; the reason stands at the last one.
    """
    parts = [broken(line) for line in lines]
    reasons = [why for part, reason in zip(parts, reasons, strict=True) for why in [*[""] * (len(part) - 1), reason]]
    lines = [line for part in parts for line in part]
    column = min(max(map(len, lines)), WIDTH) + 4
    found: list[str] = []
    for line, why in zip(lines, reasons, strict=True):
        at = max(min(column, LINE - len(why)), 0)
        if why and at < len(line) + 4:
            at = len(line) + 4
        if why and at + len(why) > LINE:
            found += [line, " " * max(min(column, LINE - len(why)), 0) + why]
        else:
            found.append(f"{line:{at}}{why}" if why else line)
    return found


def in_pre(escaped: str) -> str:
    """Preformatted text for a notebook: columns stay aligned and lines are not wrapped."""
    style = "font-family:monospace;white-space:pre;overflow-x:auto"
    return f'<pre class="autograd-derivation mathjax_ignore" tabindex="0" style="{style}">{escaped}</pre>'


class Formulas(list[str]):
    """Formulas line by line: a list of their texts. When printed, and in a notebook, each has its value beside it.

    Attributes:
        numbers: For each line what it comes to: a number, of an update the factor of the learning rate; of a line of
            matrices a list.

    Example:
        >>> import nn
        >>> model = nn.MLP(1, [1], "sigmoid", bias=False, init=nn.init.constant(1.0))
        >>> lines = nn.error_signals(model, [0.5], 1.0, loss=nn.sse, notation="dolhansky").updates
        >>> lines, lines.numbers
        (['Δw_i→o = −η δ_o x_i'], [0.25])
        >>> print(lines)
        Δw_i→o = −η δ_o x_i    = 0.25 η
    """

    __slots__ = ("_latex", "_shared", "_values", "numbers")

    numbers: list[Any]

    def __init__(
        self,
        formulas: Iterable[Formula] = (),
        numbers: Sequence[Any] = (),
        values: Sequence[Formula] = (),
        factors: Iterable[str] = (),
    ) -> None:
        """Make the list from formulas.

        Args:
            formulas: The lines; in LaTeX with & at the equals sign.
            numbers: What each comes to.
            values: The same as it stands beside them, with the sign that joins it.
            factors: Texts that have one colour each in HTML wherever they stand, if two lines have them.
        """
        given = list(formulas)
        super().__init__(formula.text for formula in given)
        self.numbers = list(numbers)
        self._values = tuple(values)
        self._latex = tuple(formula.latex for formula in given)
        self._shared = self._in_several(dict.fromkeys(factors))

    def beside(self, numbers: Sequence[Any], values: Sequence[Formula]) -> Formulas:
        """The same lines with something else beside them.

        Args:
            numbers: What each comes to.
            values: The same as it stands beside them, with the sign that joins it.

        Returns:
            `Formulas`.

        Example:
            >>> import nn
            >>> from nn._src.support.formulas import Formula
            >>> lines = nn.forward_pass(nn.MLP(1, [1], bias=False, seed=1), [0.5], notation="cs60050").formulas
            >>> print(lines.beside([1.0, 2.0], [Formula("first", ""), Formula("second", "")]))
            z_1^(2) = Θ_11^(1) a_1^(1)    first
            a_1^(2) = z_1^(2)             second
        """
        pairs = zip(self, self._latex, strict=True)
        return Formulas([Formula(text, latex) for text, latex in pairs], numbers, values)

    @property
    def latex(self) -> str:
        r"""All lines as one LaTeX formula, aligned at the equals signs, with their values.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1], bias=False, init=nn.init.constant(1.0))
            >>> print(nn.forward_pass(model, [0.5], notation="cs60050").formulas.latex[16:-14].partition(r" \\ ")[0])
            z_{1}^{(2)} &= \Theta_{11}^{(1)} \, a_{1}^{(1)} = 0.5
        """
        values = self._values or (Formula("", ""),) * len(self._latex)
        body = r" \\ ".join(f"{line}{value.latex}" for line, value in zip(self._latex, values, strict=True))
        return rf"\begin{{aligned}} {body} \end{{aligned}}"

    def _in_several(self, factors: Iterable[str]) -> dict[str, str]:
        """The style of each factor that occurs in two lines or more."""
        found = [factor for factor in factors if sum(bool(_standing(factor).search(line)) for line in self) > 1]
        return {
            factor: f"color:{COLOURS[k % len(COLOURS)]}{LINES[k // len(COLOURS) % len(LINES)]}"
            for k, factor in enumerate(found)
        }

    def _repr_html_(self) -> str:
        """The lines with their numbers; a factor that occurs in several lines has the same colour in all."""
        import html

        text = str(self)
        if self._shared:
            either = "|".join(_standing(f).pattern for f in sorted(self._shared, key=len, reverse=True))
            pieces, at = [], 0
            for found in re.finditer(either, text):
                pieces += [html.escape(text[at : found.start()]), self._coloured(found[0], html.escape(found[0]))]
                at = found.end()
            text = "".join([*pieces, html.escape(text[at:])])
        else:
            text = html.escape(text)
        return in_pre(text)

    def _coloured(self, factor: str, escaped: str) -> str:
        return f'<span style="{self._shared[factor]}">{escaped}</span>'

    def __str__(self) -> str:
        values = [value.text.lstrip() for value in self._values] or [""] * len(self)
        both = [(len(line), len(value)) for line, value in zip(self, values, strict=True)]
        widest = max((value for line, value in both if line + 4 + value <= LINE), default=0)
        column = min(min(max(map(len, self), default=0), WIDTH) + 4, LINE - widest)
        lines: list[str] = []
        for formula, value in zip(self, values, strict=True):
            *wide, line = broken(formula)
            at = max(column, len(line) + 4)
            if wide or at + len(value) <= LINE or not value:
                lines += [*wide, f"{line:{at}}{value}".rstrip()]
            elif len(line) + 4 + len(value) <= LINE:
                lines.append(f"{line:{LINE - len(value)}}{value}")
            else:
                lines += [line, f"{'':{max(LINE - len(value), 0)}}{value}"]
        return "\n".join(lines)

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"
