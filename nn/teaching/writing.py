"""How operations and their derivatives are written, as text and as LaTeX, with the names that nodes have."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from ..support.tables import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_core import Value

FRACTIONS = {Fraction(1, 2): "½", Fraction(1, 3): "⅓", Fraction(1, 4): "¼", Fraction(2, 3): "⅔"}


class Written(NamedTuple):
    """A part of a formula, as text and as LaTeX."""

    text: str
    latex: str
    tight: bool = True  # whether it stands in a product without brackets


class Factor(NamedTuple):
    """One factor of a product, and its number.

    Attributes:
        text: Such as "σ(s_k)(1 − σ(s_k))".
        latex: The same in LaTeX.
        value: Its number.
        below: For 1/b and 1/b² the node b, else None.
        power: How often it divides by that.
    """

    text: str
    latex: str
    value: float
    below: Value | None = None
    power: int = 0


def side_by_side(texts: Sequence[str]) -> str:
    """Factors side by side, with a dot before one that begins with a digit."""
    first, *others = texts
    return first + "".join(f" · {t}" if t[0].isdigit() else f" {t}" for t in others)


def added_up(parts: list[tuple[str, str]]) -> tuple[str, str]:
    """A sum, text and LaTeX, in which a minus stands for the plus before it."""
    (text, tex), *more = parts
    for t, x in more:
        text += f" − {t[1:]}" if t.startswith("−") else f" + {t}"
        tex += f" - {x[1:]}" if x.startswith("-") else f" + {x}"
    return text, tex


def write(node: Value) -> Written:
    """A node by its name, a number, or what it is computed from."""
    if node.label:
        return written(node.label)
    return in_figures(float(node.data)) if not node.parents else body(node)


def body(node: Value) -> Written:
    """What a node is computed from, with the names of its operands."""
    operands = [write(p) for p in node.parents]
    if not operands:
        return write(node)
    if node.op == "mul":
        return _juxtaposed(*operands)
    if node.op == "dot":
        half = len(operands) // 2
        pairs = [_juxtaposed(w, x) for w, x in zip(operands[:half], operands[half:], strict=True)]
        return _added(pairs) if half > 1 else pairs[0]
    if node.op in ("add", "sum"):
        return _added(operands)
    if node.op == "sub":
        a, b = operands
        return Written(f"{a.text} − {held(b)[0]}", f"{a.latex} - {held(b)[1]}", tight=False)
    if node.op == "neg":
        text, latex = held(operands[0])
        return Written(f"−{text}", f"-{latex}", tight=False)
    if node.op == "div":
        (above, _), (below, _) = map(held, operands)
        return Written(f"{above}/{below}", rf"\frac{{{operands[0].latex}}}{{{operands[1].latex}}}")
    if node.op == "pow":
        return _power(operands[0], operands[1])
    if node.op == "exp":
        return Written(f"exp({operands[0].text})", f"e^{{{operands[0].latex}}}")
    return _applied("σ" if node.op == "sigmoid" else node.op, operands)


def local_slope(node: Value, k: int, *, prime: bool) -> tuple[float, list[Factor]]:
    """The derivative of a node to its k-th operand: a number, and factors."""
    op, parents = node.op, node.parents
    slope = float(node.local_grads[k])
    if op in ("add", "sum") or (op == "sub" and k == 0):
        return 1.0, []
    if op in ("sub", "neg"):
        return -1.0, []
    if op == "mean":
        return 1.0 / len(parents), []
    if op in ("mul", "dot"):
        half = len(parents) // 2
        return _times(parents[(k + half) % len(parents)])
    if op == "div":
        return _of_quotient(parents[0], parents[1], k)
    if op == "pow" and k == 0 and _is_number(parents[1]):
        n = float(parents[1].data)
        if n == 1.0:
            return 1.0, []
        base = write(parents[0])
        power = _power(base, in_figures(n - 1.0)) if n != 2.0 else base
        return n, [_factor(power, slope / n if n else 0.0)]
    if op == "exp":
        return 1.0, [_factor(write(node), slope)]
    inside = [write(p) for p in parents]
    if op == "sigmoid" and not prime:
        z = _applied("σ", inside)
        return 1.0, [Factor(f"{z.text}(1 − {z.text})", rf"{z.latex}\left(1 - {z.latex}\right)", slope)]
    if len(parents) == 1:
        return 1.0, [_factor(_applied("σ" if op == "sigmoid" else op, inside, mark=True), slope)]
    whole = _applied(op, inside)
    text = f"∂{whole.text}/∂{inside[k].text}"
    return 1.0, [Factor(text, rf"\frac{{\partial {whole.latex}}}{{\partial {inside[k].latex}}}", slope)]


def _times(other: Value) -> tuple[float, list[Factor]]:
    """The derivative of a product: the other factor."""
    if _is_number(other):
        return float(other.data), []
    factor = _factor(write(other), float(other.data))
    if other.op == "div" and _is_number(other.parents[0]) and float(other.parents[0].data) == 1.0:
        factor = factor._replace(below=other.parents[1], power=1)
    return 1.0, [factor]


def _of_quotient(a: Value, b: Value, k: int) -> tuple[float, list[Factor]]:
    """1 / b, or -a / b^2."""
    if _is_number(b):
        return 1.0 / float(b.data), []
    below = write(b)
    if k == 0:
        return 1.0, [Factor(f"1/{held(below)[0]}", rf"\frac{{1}}{{{below.latex}}}", 1.0 / float(b.data), b, 1)]
    square = _power(below, in_figures(2.0))
    c, factors = _times(a)
    inverse = Factor(f"1/{square.text}", rf"\frac{{1}}{{{square.latex}}}", 1.0 / float(b.data) ** 2, b, 2)
    return -c, [*factors, inverse]


def in_shares(factors: Sequence[Factor]) -> tuple[Factor, ...] | None:
    """A product of terms of a sum, divided by that sum as often, as a product of shares: exp(x)/Σ exp(y)/Σ."""
    below = next((f.below for f in factors if f.below is not None), None)
    above = [f for f in factors if f.below is None]
    if below is None or below.op not in ("add", "sum") or any(f.power and f.below is not below for f in factors):
        return None
    terms = {held(write(p))[0] for p in below.parents}
    if len(above) != sum(f.power for f in factors) or not all(f.text in terms for f in above):
        return None
    under = write(below)
    return tuple(
        Factor(f"{f.text}/{held(under)[0]}", rf"\frac{{{f.latex}}}{{{under.latex}}}", f.value / float(below.data))
        for f in above
    )


def _is_number(node: Value) -> bool:
    return not node.label and not node.parents


def _factor(part: Written, value: float) -> Factor:
    text, latex = held(part)
    return Factor(text, latex, value)


def held(part: Written) -> tuple[str, str]:
    """A part as it stands in a product or below a line: a sum in brackets."""
    return (part.text, part.latex) if part.tight else (f"({part.text})", rf"\left({part.latex}\right)")


def _juxtaposed(*parts: Written) -> Written:
    each = [held(p) for p in parts]
    return Written(side_by_side([h[0] for h in each]), r" \, ".join(h[1] for h in each))


def _added(parts: Sequence[Written]) -> Written:
    text, latex = added_up([(p.text, p.latex) for p in parts])
    return Written(text, latex, tight=len(parts) == 1 and parts[0].tight)


def _power(base: Written, exponent: Written) -> Written:
    alone = base.tight and not any(c in base.text for c in " /^²³") and not base.text.startswith("−")
    text, latex = (base.text, base.latex) if alone else (f"({base.text})", rf"\left({base.latex}\right)")
    small = {"2": "²", "3": "³"}.get(exponent.text, f"^{held(exponent)[0]}")
    return Written(f"{text}{small}", f"{latex}^{{{exponent.latex}}}")


def _applied(name: str, inside: Sequence[Written], *, mark: bool = False) -> Written:
    """A function of its operands, with a prime for its derivative."""
    letter = r"\sigma" if name == "σ" else rf"\{name}" if name in LATEX_KNOWS else rf"\operatorname{{{name}}}"
    letter = letter.replace("_", r"\_")
    texts, latex = ", ".join(p.text for p in inside), ", ".join(p.latex for p in inside)
    prime = "′" if mark else ""
    return Written(f"{name}{prime}({texts})", rf"{letter}{chr(39) if mark else ''}\left({latex}\right)")


LATEX_KNOWS = frozenset("exp log sin cos tan sinh cosh tanh max min".split())


def in_figures(x: float) -> Written:
    """A number: four digits, or a simple fraction."""
    if math.isfinite(x):
        part = Fraction(x).limit_denominator(100)
        if abs(part) in FRACTIONS and float(part) == x:
            sign = "−" if x < 0 else ""
            over = rf"\frac{{{abs(part.numerator)}}}{{{part.denominator}}}"
            return Written(f"{sign}{FRACTIONS[abs(part)]}", f"{'-' if x < 0 else ''}{over}", tight=x >= 0)
    return Written(number(x), number(x).replace("−", "-"), tight=x >= 0)


LETTERS = {
    "ŷ": r"\hat{y}", "Σ": r"\Sigma", "σ": r"\sigma", "δ": r"\delta", "Δ": r"\Delta",
    "θ": r"\theta", "Θ": r"\Theta", "μ": r"\mu",
}


def written(label: str) -> Written:
    r"""A name as texts have it: y_hat is ŷ, and what follows the first _ is an index; w_i→j leads from i to j.

    Example:
        >>> from nn.teaching.writing import written
        >>> written("w_i→j").latex, written("y_hat").text, written("ŷ").latex
        ('w_{i \\to j}', 'ŷ', '\\hat{y}')
    """
    label = label.replace("y_hat", "ŷ").replace("yhat", "ŷ")
    letter, _, index = label.partition("_")
    if not index and len(label) > 1 and label[1:].isdigit():
        letter, index = label[0], label[1:]
    base = LETTERS.get(letter, letter if len(letter) == 1 and letter.isalpha() else rf"\mathrm{{{_plain(letter)}}}")
    small = _plain(index).replace("→", r" \to ")
    return Written(label, f"{base}_{{{small}}}" if small else base)


def _plain(text: str) -> str:
    """Text without what LaTeX reads as an order."""
    return "".join(f"\\{c}" if c in "#$%&_{}" else c for c in text if c not in "\\^~")
