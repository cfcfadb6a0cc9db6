"""Names and numbers as LaTeX."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from .names import ACCENTS, GREEK, without_latex
from .numbers import shown

if TYPE_CHECKING:
    from collections.abc import Sequence


SCOPES = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
NUMBERED = re.compile(r"([A-Za-z_]+?)_?([0-9]+)")
# w1, w_1, w[1]; w1_2 is the second w1
INDEXED = re.compile(r"([A-Za-z]|" + "|".join(GREEK) + r")(_?[0-9]+|\[[0-9]+\])(?:_([0-9]+))?")


def latex_name(text: str) -> str:
    r"""A name or a number as LaTeX: w1 becomes w_{1}, alpha a Greek letter; user text is escaped.

    A name within scopes has the layer above, and neuron and index below, as books write it.

    Example:
        >>> from autograd_core._src.notation.latex_names import latex_name
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
    if text in LETTERS:
        return LETTERS[text]
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
    "μ": r"\mu", "λ": r"\lambda", "α": r"\alpha", "β": r"\beta", "η": r"\eta", "∂": r"\partial", "ℓ": r"\ell",
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
    low, high = match["low"], match["high"]
    under = "" if low is None else "_{" + LETTERS.get(low, low).replace("→", r"{\to}").replace("_", ",") + "}"
    return letter + primes(match["primes"]) + under + ("" if high is None else f"^{{{_exponent(high)}}}")


def primes(marks: str) -> str:
    """The primes ′, ″ and ‴, each as so many of LaTeX's own."""
    return "'" * sum("'′″‴".index(c) or 1 for c in marks)


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


def latex_number(x: Any, digits: int = 4) -> str:
    r"""A number as LaTeX; a Fraction as one.

    Example:
        >>> from autograd_core._src.notation.latex_names import latex_number
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
