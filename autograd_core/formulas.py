"""How operations are written: as text and as LaTeX, with names or with numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .evaluation import decimal
from .graph import topological_order
from .value import Constant, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ops import Primitive

GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split()
)


def shown(x: Any, digits: int = 4) -> str:
    """A number for people: `digits` significant digits, trailing zeros left out, a true minus kept ASCII.

    Example:
        >>> from autograd_core.formulas import shown
        >>> shown(0.70710678), shown(-3.0), shown(1e-9), shown(float("nan"))
        ('0.7071', '-3', '1e-09', 'nan')
    """
    if x.__class__ is not float:
        text = str(x)
        return text if len(text) <= 2 * digits + 3 else f"{decimal(x):.{digits}g}"
    return f"{x:.{digits}g}"


def names_of(root: Value) -> dict[Value, str]:
    """A name for every node below a root: its label, a constant's number, else v1, v2, ... in order.

    A label that two nodes bear gets a number at its second and later places.
    """
    order = topological_order(root)
    names: dict[Value, str] = {node: shown(node.data) for node in order if isinstance(node, Constant)}
    taken = {node.label for node in order}
    given: set[str] = set()
    count = 0
    for node in order:
        if node in names:
            continue
        name, again = node.label, 1
        while not name or name in given:
            if node.label:
                again += 1
                name = f"{node.label}_{again}"
            else:
                count += 1
                name = f"v{count}"
            if name in taken and name != node.label:
                name = ""
        given.add(name)
        names[node] = name
    return names


def operation(row: Primitive, operands: Sequence[str]) -> str:
    """An operation on operands that are already written, such as "a * b" or "tanh(x)".

    Example:
        >>> from autograd_core.formulas import operation
        >>> from autograd_core.ops import ROWS
        >>> operation(ROWS["dot"], ["w1", "w2", "x1", "x2"]), operation(ROWS["pow"], ["-3", "2"])
        ('w1 * x1 + w2 * x2', '(-3) ** 2')
    """
    if row.name == "dot":
        half = len(operands) // 2
        return " + ".join(f"{_atom(w)} * {_atom(x)}" for w, x in zip(operands[:half], operands[half:], strict=True))
    if row.name == "sum":
        return " + ".join(operands)
    if row.symbol and row.arity == 2:
        left = _atom(operands[0]) if row.name not in ("add", "sub") else operands[0]
        return f"{left} {row.symbol} {_atom(operands[1])}"
    if row.symbol:
        return f"{row.symbol}{_atom(operands[0])}"
    return f"{row.name}({', '.join(operands)})"


def _atom(text: str) -> str:
    positive = text.replace("e+", "e").replace("e-", "e")  # 1e-09 is one number
    return text if all(c.isalnum() or c in "_.[]'" for c in positive) else f"({text})"


def latex_name(text: str) -> str:
    r"""A name or a number as LaTeX: w1 becomes w_{1}, alpha a Greek letter; user text is escaped.

    Example:
        >>> from autograd_core.formulas import latex_name
        >>> latex_name("w1"), latex_name("alpha"), latex_name("a_b$")
        ('w_{1}', '\\alpha', '\\mathrm{a\\_b\\$}')
    """
    if text in GREEK:
        return "\\" + text
    stem = text.rstrip("0123456789")
    if len(stem) == 1 and stem.isalpha() and stem.isascii() and stem != text:
        return f"{stem}_{{{text[len(stem) :]}}}"
    if len(text) == 1 or text.replace(".", "", 1).lstrip("-").isdigit():
        return text if text.isalnum() or text.lstrip("-")[:1].isdigit() else f"\\mathrm{{{_escaped(text)}}}"
    if text in ("inf", "-inf"):
        return text.replace("inf", r"\infty")
    mantissa, _, exponent = text.partition("e")
    if exponent.lstrip("+-").isdigit() and mantissa.replace(".", "", 1).lstrip("-").isdigit():
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    return f"\\mathrm{{{_escaped(text)}}}"


LATEX_ESCAPES = {c: "\\" + c for c in "#$%&_{}"} | {
    "\\": r"\backslash{}",
    "^": r"\hat{}",
    "~": r"\sim{}",
    "\n": " ",
}


def _escaped(text: str) -> str:
    return "".join(LATEX_ESCAPES.get(c, c) for c in text if c.isprintable() or c == "\n")


def latex_operation(row: Primitive, operands: Sequence[str]) -> str:
    r"""An operation on operands that are already LaTeX.

    Example:
        >>> from autograd_core.formulas import latex_operation
        >>> from autograd_core.ops import ROWS
        >>> latex_operation(ROWS["div"], ["a", "b"])
        '\\frac{a}{b}'
    """
    if row.name == "dot":
        half = len(operands) // 2
        return " + ".join(
            rf"{_latex_atom(w)} \cdot {_latex_atom(x)}" for w, x in zip(operands[:half], operands[half:], strict=True)
        )
    if row.name == "sum":
        return " + ".join(operands)
    if row.latex:
        frac = row.name in ("div", "sqrt", "abs", "exp")
        return row.latex.format(*(operands if frac else map(_latex_atom, operands)))
    return rf"\operatorname{{{_escaped(row.name)}}}\left({', '.join(operands)}\right)"


def _latex_atom(text: str) -> str:
    return rf"\left({text}\right)" if text.startswith("-") or " " in text.replace(r"\cdot ", "") else text
