"""Typesets names: subscripts and superscripts, and Greek letters for their spelled-out names."""

from __future__ import annotations

import math
import re
import unicodedata

from ...notation.names import GREEK
from .. import text
from ..scene.cards import LEAST_FONT, NAME_FONT

INDEX = r"(?:\d{1,3}[A-Za-z]|[A-Za-z]{0,2}\d{0,3}(?:[,→][A-Za-z]{0,2}\d{0,3})*)"  # 12, j, i1→j2; 3d: node 3, case d
NAME = re.compile(rf"(?P<base>\w+?[′″‴]*)(?:_(?P<low>{INDEX}))?(?:\^(?P<high>\(?\w{{1,3}}\)?))?")
CALLED = re.compile(r"(\w+)\((\w+[′″‴]*_[\w,→]+)\)")  # sum(y_1)
FUNCTION = re.compile(r"([^\W\d_])_([^\W\d_])(\(\w+\))")  # h_θ(x)
NUMBERED = re.compile(r"^([A-Za-z]|" + "|".join(GREEK) + r")(\d{1,3})$")  # x1, alpha1
NAME_IN_LINE = re.compile(r"((?<!\w)[^\W_][′″‴]*_\w+(?:→\w+)?(?:\^\(\w+\))?)")  # a name within a line
PRIMES = "′″‴"
LETTERS = {
    name: unicodedata.lookup(f"GREEK {'CAPITAL' if name[0].isupper() else 'SMALL'} LETTER {name.upper()}")
    for name in GREEK
    if name not in ("lambda", "Lambda")
} | {"lambda": "λ", "Lambda": "Λ"}  # Unicode spells it lamda
SANS = "system-ui,'DejaVu Sans',sans-serif"
SMALL_PRINT = f"{LEAST_FONT:g}px"
SMALLER = LEAST_FONT / NAME_FONT
LOW, HIGH = 3.0, -5.0  # pixels below and above the line


def typeset(label: str) -> tuple[str, float]:
    """A name as SVG text: Θ_10^(1) with subscript and superscript, theta_1 as θ with a subscript; others as they are.

    Returns:
        The text, and how far below the line it ends.

    Example:
        >>> from autograd_core._src.pictures.render.typeset_names import typeset
        >>> typeset("w_1"), typeset("x_train")
        (('w<tspan font-size="10.5px" dy="3">1</tspan>', 3.0), ('x_train', 0.0))
    """
    called = CALLED.fullmatch(label)
    if called is not None:
        inside, below = typeset(called[2])
        if below:
            return f'{text.xml(called[1])}({inside}<tspan dy="{-below:g}">)</tspan>', 0.0
    function = FUNCTION.fullmatch(label)
    if function is not None:
        low = f'<tspan font-size="{SMALL_PRINT}" dy="{LOW:g}">{text.xml(function[2])}</tspan>'
        return f'{text.xml(function[1])}{low}<tspan dy="{-LOW:g}">{text.xml(function[3])}</tspan>', 0.0
    letter, low, high = _pieces(label)
    parts, at = [_letters(letter)], 0.0
    for piece, y in ((low, LOW), (high, HIGH)):
        if piece:
            parts.append(f'<tspan font-size="{SMALL_PRINT}" dy="{y - at:g}">{text.xml(piece)}</tspan>')
            at = y
    return "".join(parts), at


def cells_of(label: str) -> int:
    """How many cells a typeset name takes: its subscript and superscript are small.

    Example:
        >>> from autograd_core._src.pictures.render.typeset_names import cells_of
        >>> cells_of("Θ_1,10^(2)"), cells_of("x_train")
        (7, 7)
    """
    letter, low, high = _pieces(label)
    return text.cells(letter) + math.ceil(SMALLER * text.cells(low + high))


def _pieces(label: str) -> tuple[str, str, str]:
    """The base, subscript and superscript of a name, "" for none; other names are all base."""
    label = NUMBERED.sub(r"\1_\2", label)
    match = NAME.fullmatch(label) if "_" in label or "^" in label or label in LETTERS else None
    base = match["base"] if match is not None else label
    letter = LETTERS.get(base, base)
    if match is None or len(letter.rstrip(PRIMES)) > 1 or not (letter != base or match["low"] or match["high"]):
        return label, "", ""
    return letter, match["low"] or "", match["high"] or ""


def typeset_words(line: str) -> str:
    """A line of words as SVG text, in which names are set as `typeset` sets them: w_kj, and E_d in ∂E_d/∂sum.

    Example:
        >>> from autograd_core._src.pictures.render.typeset_names import typeset_words
        >>> typeset_words("times w_kj, as ever")
        'times w<tspan font-size="10.5px" dy="3">kj</tspan><tspan dy="-3">, as ever</tspan>'
    """
    written, dropped = "", 0.0
    for part in filter(None, NAME_IN_LINE.split(line)):
        set_, below = typeset(part) if NAME_IN_LINE.fullmatch(part) else (text.xml(part), 0.0)
        written += f'<tspan dy="{-dropped:g}">{set_}</tspan>' if dropped else set_
        dropped = below
    return written


def _letters(base: str) -> str:
    """A letter's text; a bold theta in a fixed-pitch font looks like a zero, so it is set in another font."""
    return text.xml(base).replace("Θ", f'<tspan font-family="{SANS}">Θ</tspan>')
