"""Text in pictures: labels are foreign data, and every string must fit the room that it has.

All text within cards is set in a fixed-pitch font, so its width is known without any font file.
"""

from __future__ import annotations

import math
import unicodedata
from html import escape
from numbers import Rational
from typing import Any

EM = 0.61  # advance of one cell over the font size: the widest of the usual fixed-pitch fonts
LONGEST_LABEL = 40  # cells of a label that messages and titles show in one line

# What turns the direction of the text around it: a label must not reorder its neighbours.
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(label: str) -> str:
    """The label without characters that XML forbids, that turn the text, or that have no shape.

    Line breaks and tabs become one space; a letter keeps at most one combining mark.
    """
    if label.isascii() and label.isprintable():
        return label
    kept: list[str] = []
    marks = 0
    for c in unicodedata.normalize("NFC", label):
        category = unicodedata.category(c)
        marks = marks + 1 if category == "Mn" else 0
        if c in BIDI or marks > 1:
            continue
        if c.isspace():
            kept.append(" ")
        elif category in ("Cc", "Cf", "Cs", "Co", "Cn"):
            kept.append("\ufffd")
        else:
            kept.append(c)
    return "".join(kept)


def cells(text: str) -> int:
    """Width in cells of a fixed-pitch font; two for what other fonts may have to draw."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(c) for c in text)


def _cells_of(c: str) -> int:
    code = ord(c)
    if unicodedata.combining(c):
        return 0
    return 1 if code < 0x530 or 0x2010 <= code < 0x2300 else 2  # Latin, Greek, Cyrillic; signs


def width(text: str, size: float) -> float:
    """An upper bound of the width in pixels at a font size in pixels."""
    return cells(text) * EM * size


def shorten(text: str, room: int) -> str:
    """The text, or its beginning and an ellipsis, within `room` cells."""
    if len(text) <= room and cells(text) <= room:
        return text
    used = 0
    for end, c in enumerate(text):
        used += _cells_of(c)
        if used > room - 1:
            return text[:end].rstrip() + "…"
    return text


def number(x: Any, room: int = 10) -> str:
    """Four significant digits with a real minus sign; a Fraction exactly where it fits.

    Example:
        >>> number(-0.00001234567), number(float("-inf")), number(24.70408)
        ('−1.235e−5', '−inf', '24.7')
    """
    if isinstance(x, Rational) and not isinstance(x, int):
        exact = str(x).replace("-", "−")
        if len(exact) <= room:
            return exact
        try:
            return "≈" + number(float(x))
        except OverflowError:
            return "≈−huge" if x < 0 else "≈huge"
    if not math.isfinite(x):
        return str(float(x)).replace("-", "−")
    mantissa, _, exponent = f"{x:.4g}".partition("e")
    text = f"{mantissa}e{int(exponent)}" if exponent else mantissa
    return text.replace("-", "−")


def xml(text: str) -> str:
    """Escaped for XML text and attributes."""
    return escape(text)


def record_field(text: str) -> str:
    """Escaped for one field of a record label in DOT.

    `&` is escaped as well, or Graphviz would read entities; a backslash begins an escape in DOT.
    """
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    for c in ("\\", "{", "}", "|"):
        text = text.replace(c, "\\" + c)
    return text
