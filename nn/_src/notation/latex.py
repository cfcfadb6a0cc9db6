"""Textbook names, such as δ_1^(3), as LaTeX."""

from __future__ import annotations

import re

NAME = re.compile(r"(?P<base>[^_^]+)(?:_(?P<index>[^^]+))?(?:\^(?P<above>.+))?")
GREEK = {
    "α": r"\alpha", "η": r"\eta", "δ": r"\delta", "θ": r"\theta", "Θ": r"\Theta", "ŷ": r"\hat{y}",
    "Σ": r"\Sigma", "∂": r"\partial ", "ℓ": r"\ell",
}  # fmt: skip


def latex(name: str) -> str:
    r"""A name of a text as LaTeX.

    Example:
        >>> from nn._src.notation.latex import latex
        >>> latex("δ_1^(3)"), latex("w_i→j"), latex("sum(y_1)")
        ('\\delta_{1}^{(3)}', 'w_{i \\to j}', '\\mathrm{sum}(y_{1})')
    """
    if name.startswith("(") and " + " in name:
        return rf"\left({' + '.join(map(latex, name[1:-1].split(' + ')))}\right)"
    if re.fullmatch(r"d[a-z](_\w+)?", name):  # dz
        return f"d{latex(name[1:])}"
    inner = re.fullmatch(r"(\w+|δ)\(([^()]+)\)", name)
    if inner:
        return _called(*inner.groups())
    above, slash, below = name.partition("/")
    if slash and above.startswith("∂"):
        return rf"\frac{{\partial {latex(above[1:])}}}{{\partial {latex(below[1:])}}}"
    match = NAME.fullmatch(name)
    if match is None:
        return rf"\text{{{name}}}"
    base, index, top = match["base"], match["index"], match["above"]
    letter = base.rstrip("′″‴")
    primes = "'" * sum("′″‴".index(c) + 1 for c in base[len(letter) :])
    written = GREEK.get(letter) or (letter if len(letter.rstrip("0123456789")) == 1 else rf"\text{{{letter}}}")
    small = GREEK.get(index or "", index or "").replace("→", r" \to ")
    if small.endswith("′"):  # f_T′ is the slope of f_T
        small, primes = small[:-1], primes + "'"
    return f"{written}{primes}" + (f"_{{{small}}}" if small else "") + (f"^{{{top}}}" if top else "")


def _called(function: str, of: str) -> str:
    name, _, index = function.partition("_")
    letter = GREEK.get(name) or (name if len(name) == 1 else rf"\mathrm{{{name}}}")
    letter += f"_{{{GREEK.get(index, index)}}}" if index else ""
    return f"{letter}({latex(of)})"
