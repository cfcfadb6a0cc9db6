"""How a rule's formulas are set: as text, with the signs of mathematics or in ASCII, and as LaTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.ops import PRIMITIVES
from ..number_systems.languages.precedence import ATOM, PRODUCT, SUM, TIGHT
from ..number_systems.written import RuleTerm
from .formulas import INFIX, Piece, typeset
from .latex_names import escaped, latex_name, latex_number
from .numbers import number, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class SetText(NamedTuple):
    """A part of a formula, and how strongly it holds together."""

    text: str
    strength: int
    is_function: bool = False


class Plain:
    """As text: with the signs of mathematics, or in ASCII."""

    def __init__(self, signs: Mapping[str, str], number: Callable[..., str]) -> None:
        self.signs, self._number = signs, number

    def number(self, x: Any, digits: int = 4) -> SetText:
        """A number."""
        text = self._number(x, digits=digits)
        return SetText(text, SUM if " " in text or text[0] in "-−" else PRODUCT if "/" in text else ATOM)

    def name(self, text: str) -> SetText:
        """A name."""
        return SetText(text, ATOM if _is_name(text) else SUM)

    def constant(self, name: str) -> SetText:
        """A constant of mathematics."""
        text = self.signs[name]
        return SetText(text, PRODUCT if "/" in text else ATOM)

    def brackets(self, text: str) -> str:
        """Within brackets."""
        return f"({text})"

    def infix(self, op: str, x: str, y: str) -> str:
        """x op y."""
        return f"{x}{self.signs[op]}{y}"

    def power(self, x: str, y: str) -> str:
        """x to the y."""
        return f"{x}{self.signs['pow']}{y}"

    def square(self, x: SetText, op: str) -> str:
        """x squared; of a function the 2 stands behind its name."""
        head, bracket, inside = x.text.partition("(")
        if self.signs["square"] == "²" and op in PRIMITIVES and x.strength == ATOM and bracket:
            return f"{head}²({inside}"
        return (x.text if x.strength == ATOM else self.brackets(x.text)) + self.signs["square"]

    def function(self, op: str, xs: Sequence[SetText]) -> SetText:
        """A function by its name."""
        return SetText(f"{op}({', '.join(x.text for x in xs)})", ATOM)

    def partial(self, z: SetText, x: SetText) -> str:
        """The derivative of z with respect to x."""
        above, below = (self.brackets(p.text) if p.strength < ATOM else p.text for p in (z, x))
        return f"{self.signs['partial']}{above}/{self.signs['partial']}{below}"

    def line(self, parts: Sequence[str], sides: Sequence[str], note: str) -> str:
        """A rule in one line."""
        line = " = ".join(parts)
        line += f", as {' and '.join(sides)}" if sides else ""
        return f"{line} ({self.plainly(note)})" if note else line

    def plainly(self, note: str) -> str:
        """A note in this style."""
        return note if self.signs["partial"] == "∂" else note.replace("−", "-")


TEXT = Plain(
    {
        "add": " + ", "sub": " − ", "mul": " · ", "div": " / ", "neg": "−", "pow": "^", "square": "²", "partial": "∂",
        "lt": " < ", "le": " ≤ ", "gt": " > ", "ge": " ≥ ", "eq": " = ", "ne": " ≠ ",
        "ln2": "log(2)", "log2e": "1 / log(2)", "log10e": "1 / log(10)", "two_over_sqrt_pi": "2 / √π", "pi": "π",
    },
    number,
)  # fmt: skip
ASCII = Plain(
    {
        "add": " + ", "sub": " - ", "mul": " * ", "div": " / ", "neg": "-", "pow": "**", "square": "**2",
        "partial": "d ", "lt": " < ", "le": " <= ", "gt": " > ", "ge": " >= ", "eq": " = ", "ne": " != ",
        "ln2": "log(2)", "log2e": "1 / log(2)", "log10e": "1 / log(10)", "two_over_sqrt_pi": "2 / sqrt(pi)",
        "pi": "pi",
    },
    shown,
)  # fmt: skip


class InLatex(Plain):
    """As LaTeX."""

    def __init__(self) -> None:
        super().__init__(
            {
                "add": " + ", "sub": " - ", "mul": r" \cdot ", "neg": "-", "lt": " < ", "le": r" \le ", "gt": " > ",
                "ge": r" \ge ", "eq": " = ", "ne": r" \ne ", "ln2": r"\ln 2", "log2e": r"\frac{1}{\ln 2}",
                "log10e": r"\frac{1}{\ln 10}", "two_over_sqrt_pi": r"\frac{2}{\sqrt{\pi}}", "pi": r"\pi",
                "partial": r"\partial ", "square": "^2",
            },
            latex_number,
        )  # fmt: skip

    def name(self, text: str) -> SetText:
        """A name."""
        return SetText(latex_name(text), ATOM)

    def constant(self, name: str) -> SetText:
        """A constant of mathematics."""
        return SetText(self.signs[name], TIGHT)

    def brackets(self, text: str) -> str:
        """Within brackets, of the size that they need."""
        return rf"\left({text}\right)"

    def infix(self, op: str, x: str, y: str) -> str:
        """x op y; a quotient as a fraction."""
        return rf"\frac{{{x}}}{{{y}}}" if op == "div" else super().infix(op, x, y)

    def power(self, x: str, y: str) -> str:
        """x to the y."""
        return f"{x}^{{{y}}}"

    def square(self, x: SetText, op: str) -> str:
        """x squared; of a function the 2 stands behind its name."""
        command = re.match(r"\\[a-z]+(?= )", x.text) or re.match(r"\\operatorname\{\w+\}", x.text)
        if command and op in PRIMITIVES:
            return f"{command[0]}^2{x.text[command.end() :]}"
        return (x.text if x.strength == ATOM else self.brackets(x.text)) + "^2"

    def function(self, op: str, xs: Sequence[SetText]) -> SetText:
        """A function as its entry has it."""
        primitive = PRIMITIVES.get(op)
        if primitive is None or primitive.inner:
            return SetText(rf"\operatorname{{{escaped(op)}}}{self.brackets(', '.join(x.text for x in xs))}", ATOM)
        piece = typeset(primitive, [Piece(x.text, x.strength) for x in xs])
        return SetText(piece.latex, piece.strength, is_function=not primitive.symbol)

    def partial(self, z: SetText, x: SetText) -> str:
        """The derivative of z with respect to x."""
        above = self.brackets(z.text) if z.strength < TIGHT else z.text
        return rf"\frac{{\partial {above}}}{{\partial {x.text}}}"

    def line(self, parts: Sequence[str], sides: Sequence[str], note: str) -> str:
        """A rule in one line."""
        line = " = ".join(parts)
        line += r",\quad " + r",\ ".join(sides) if sides else ""
        return line + (rf"\quad\text{{({note.replace('−', '$-$')})}}" if note else "")


LATEX = InLatex()


class Setter:
    """Writes formulas of one node in one style, with names or with numbers."""

    def __init__(self, style: Plain, operands: Sequence[SetText], result: SetText, *, digits: int = 0) -> None:
        self.style, self.operands, self.result, self.digits = style, operands, result, digits  # 0: with names
        self.result_op = ""  # what the result is written as; "" for a name or a number

    def write(self, formula: RuleTerm) -> SetText:
        """A formula."""
        style, op = self.style, formula.op
        if op == "operand":
            place: int = formula.args[0]
            return self.operands[place]
        if op == "result":
            return self.result
        if op == "number":
            return style.number(formula.data)
        if op == "constant":
            return style.constant(*formula.args)
        if op == "softmax" and self.digits:
            return style.number(formula.data, self.digits)
        args = [self.write(x) for x in formula.args if isinstance(x, RuleTerm)]
        if op == "square" or (op == "pow" and formula.args[1].is_number(2)):
            inside = formula.args[0].op
            return SetText(style.square(args[0], self.result_op if inside == "result" else inside), TIGHT)
        if op == "neg":
            return SetText(style.signs["neg"] + self._last(args[0], PRODUCT), SUM)
        if op == "pow":
            above = args[1].text if style is LATEX else self._within(args[1], ATOM)
            return SetText(style.power(self._within(args[0], ATOM), above), TIGHT)
        if op not in INFIX:
            return style.function(op, args)
        if op == "div" and style is LATEX:
            return SetText(style.infix(op, args[0].text, args[1].text), TIGHT)
        left, right, strength = INFIX[op]
        first = args[0].text if left == SUM <= args[0].strength else self._within(args[0], left)
        return SetText(style.infix(op, first, self._last(args[1], right)), strength)

    def _within(self, x: SetText, strength: int) -> str:
        """As a part of something stronger in brackets; one that begins with a minus sign, everywhere but in front."""
        minus = x.text[0] in "-−" and x.strength < ATOM
        return self.style.brackets(x.text) if x.strength < strength or minus else x.text

    def _last(self, x: SetText, strength: int) -> str:
        """The same behind an operator, where a function needs no brackets: 2 sin x, but (sin x) 2."""
        return x.text if x.is_function else self._within(x, strength)


def _is_name(text: str) -> bool:
    return all(c.isalnum() or c in "_.[]'" for c in text)
