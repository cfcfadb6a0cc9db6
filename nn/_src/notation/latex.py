"""Textbook names, such as δ_1^(3), as LaTeX.

In these the first _ begins an index, whatever stands before it: sum_6d. In the labels of `autograd_core`, where
learning_rate is one word, it does so after a letter alone (`notation/latex_names.py`).
"""

from __future__ import annotations

import re

from autograd_core._src.notation.latex_names import LETTERS, escaped, primes

NAME = re.compile(r"(?P<base>[^_^]+)(?:_(?P<index>[^^]*))?(?:\^(?P<above>.+))?")
CALL = re.compile(r"([^()/]*[^()/^])\((.+)\)")
DIFFERENTIAL = re.compile(r"d([a-z](?:_\w+)?)")  # dz, dw_2
# A / in anything else is part of a scoped name.
QUOTIENT = re.compile(r"(\d+|∂[^/]+|[^\W\d_](_[^/]+)?)/(\d+|∂[^/]+|[^\W\d_](_[^/]+)?)")


def latex(name: str) -> str:
    r"""A name of a text as LaTeX: a fraction, a function call, or a letter with its index and exponent.

    Example:
        >>> from nn._src.notation.latex import latex
        >>> latex("δ_1^(3)"), latex("w_i→j"), latex("sum(y_1)"), latex("1/Σ")
        ('\\delta_{1}^{(3)}', 'w_{i \\to j}', '\\mathrm{sum}(y_{1})', '\\frac{1}{\\Sigma}')
    """
    if name.startswith("(") and " + " in name:
        return rf"\left({' + '.join(map(latex, name[1:-1].split(' + ')))}\right)"
    if differential := DIFFERENTIAL.fullmatch(name):
        return f"d{latex(differential[1])}"
    call = CALL.fullmatch(name)
    if call and _closed(call[2]):
        return f"{latex(call[1])}({', '.join(map(latex, call[2].split(', ')))})"
    above, slash, below = name.partition("/")
    if slash and _closed(above) and QUOTIENT.fullmatch(name):
        return rf"\frac{{{latex(above)}}}{{{latex(below)}}}"
    if above[:1] == "∂" and not slash:
        return rf"\partial {latex(above[1:])}" if above[1:] else r"\partial"
    match = NAME.fullmatch(name)
    if match is None:
        return rf"\mathrm{{{escaped(name)}}}"
    base, index, top = match["base"], match["index"] or "", match["above"] or ""
    letter = base.rstrip("′″‴") or base
    marks = primes(base[len(letter) :])
    if not index and len(letter) > 1 and letter[1:].isdigit() and not letter.isdigit():
        letter, index = letter[0], letter[1:]
    if index.endswith("′"):  # f_T′ is the slope of f_T
        index, marks = index[:-1], marks + "'"
    alone = (len(letter) == 1 and letter.isalpha()) or letter.isdigit()
    written = LETTERS.get(letter, letter if alone else rf"\mathrm{{{escaped(letter)}}}")
    small = LETTERS.get(index) or escaped(index).replace("→", r" \to ")
    high = top if top.startswith("(") and top.endswith(")") else latex(top) if top else ""
    return f"{written}{marks}" + (f"_{{{small}}}" if small else "") + (f"^{{{high}}}" if high else "")


def _closed(text: str) -> bool:
    """Whether its brackets are balanced."""
    depth = 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if depth < 0:
            return False
    return depth == 0
