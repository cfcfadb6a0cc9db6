"""Text in pictures: labels may hold anything, and every string must fit the room that it has.

All text within cards is set in a fixed-pitch font, so its width is known without any font file.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from ..notation import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

number, in_full = numbers.number, numbers.in_full

EM = 0.61  # advance of one cell over the font size: the widest of the usual fixed-pitch fonts
# A box that scrolls, and its right edge faded until its end is reached; without scrolling no animation runs. On paper
# nothing scrolls, and all of it is shown.
SCROLLED = "overflow-x:auto;animation:autograd-more 1ms linear both;animation-timeline:scroll(self inline)"
FADE = "linear-gradient(to left,#0000,#000 28px) 0 0"
FADING = (
    f"<style>@keyframes autograd-more{{0%,90%{{mask:{FADE}/100% 100% no-repeat}}"
    f"100%{{mask:{FADE}/calc(100% + 28px) 100% no-repeat}}}}"
    "@media print{.autograd-scrolled{overflow:visible!important;animation:none!important}}</style>"
)
LONGEST_LABEL = 40  # cells of a label that messages and titles show in one line
# First code points, for private use, of characters that stand for operands in a template which scripts fill in: an
# operand as it is, and one that needs brackets unless it is a plain symbol.
OPERAND, BRACKETED_OPERAND = 0xE000, 0xE400


def clean(label: str) -> str:
    """The label without characters that XML forbids, that change the text direction, or that have no shape.

    A line break or a tab becomes a space; a letter keeps at most one combining mark.
    """
    if label.isascii() and label.isprintable():
        return label
    kept: list[str] = []
    marks = 0
    for c in unicodedata.normalize("NFC", label):
        category = unicodedata.category(c)
        marks = marks + 1 if category == "Mn" else 0
        if category == "Cf" or marks > 1:  # Cf: joiners, and the marks that turn the direction of the text
            continue
        if c.isspace():
            kept.append(" ")
        elif category in ("Cc", "Cs", "Co", "Cn"):
            kept.append("\ufffd")
        else:
            kept.append(c)
    return "".join(kept)


def cells(text: str) -> int:
    """Width in cells of a fixed-pitch font; two for characters that may come from another font."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(c) for c in text)


def padded(text: str, width: int, *, right: bool) -> str:
    """The text padded with spaces to so many cells: before it if it is aligned right, else behind it."""
    room = " " * (width - cells(text))
    return room + text if right else text + room


def _cells_of(c: str) -> int:
    return 1 if ord(c) < 0x530 or 0x2010 <= ord(c) < 0x2300 else 2  # Latin, Greek, Cyrillic; signs


def scrolled(table: str) -> str:
    """HTML that may be wider than a page, in a box that scrolls by itself: the page around it does not.

    Keys reach the box, or it could be scrolled by the mouse alone. While there is more at its right it fades there,
    since phones show no scrollbar; a shadow over it was rejected: it needs the page's background, which is not ours.
    """
    return f'<div class="autograd-scrolled" tabindex="0" style="{SCROLLED}">{FADING}{table}</div>'


def extent(text: str, size: float) -> float:
    """An upper bound of the width in pixels at a font size in pixels."""
    return cells(text) * EM * size


def shorten(text: str, room: int) -> str:
    """The text, or its beginning and an ellipsis, within `room` cells."""
    if cells(text) <= room:
        return text
    end, used = 0, _cells_of(text[0])
    while used < room:  # the ellipsis takes the last cell
        end += 1
        used += _cells_of(text[end])
    return text[:end].rstrip() + "…"


def breadth(text: str, size: float) -> float:
    """An upper bound of the width in pixels of bold print at a font size, in any proportional font."""
    return sum(map(_advance, text)) * size


def fitted(text: str, size: float, room: float) -> str:
    """The text shortened to `room` pixels of bold print at a font size, in any proportional font."""
    widths = list(accumulate((_advance(c) for c in text), initial=0.0))
    if widths[-1] * size <= room:
        return text
    end = bisect_right(widths, room / size - 1) - 1  # an ellipsis is 1 wide
    return text[: max(end, 0)].rstrip() + "…"


def _advance(c: str) -> float:
    """A character's advance over the font size in DejaVu Sans Bold, the widest of the usual fonts."""
    if not c.isascii():
        return 1.1 if _cells_of(c) == 1 else 1.35
    if c in "mwMW%@":
        return 1.11
    if c in "fijlrtI .,:;'!|()[]/-":
        return 0.5
    return 0.72 if c.islower() or c.isdigit() else 0.85


def by_number(name: str) -> list[tuple[str, int]]:
    """A name as a key by which neuron2 comes before neuron10."""
    return [(word, int(digits or 0)) for word, digits in re.findall(r"(\D*)(\d*)", name)]


def numbered(names: Sequence[str]) -> list[int]:
    """An order of names: names that differ in the number at their end only are sorted by it, others stay in place.

    Example:
        >>> from autograd_core._src.pictures.text import numbered
        >>> numbered(["n1", "loss", "n0"])
        [2, 1, 0]
    """
    order = list(range(len(names)))
    if len(names) < 2:
        return order
    alike: dict[str, list[int]] = {}
    for k, name in enumerate(names):
        alike.setdefault(re.sub(r"\d+$", "#", name), []).append(k)
    for places in alike.values():
        if len(places) < 2:
            continue
        for place, k in zip(places, sorted(places, key=lambda k: by_number(names[k])), strict=True):
            order[place] = k
    return order


def xml(text: str) -> str:
    """Escaped for XML text and attributes."""
    for c, entity in ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#x27;"):
        text = text.replace(c, entity)
    return text


def record_field(text: str) -> str:
    """Escaped for one field of a record label in DOT.

    `&` is escaped as well, or Graphviz would read entities; a backslash begins an escape in DOT.
    """
    text = xml(clean(text))
    for c in ("\\", "{", "}", "|"):
        text = text.replace(c, "\\" + c)
    return text
