"""Cards as SVG: their text, chips where operands enter, marks and highlight colours."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from .. import text
from ..scene import compact, low
from ..scene.cards import (
    BAR_STEPS,
    CAPTION_FONT,
    CAPTION_LINE,
    CARD_HEIGHT,
    CARD_WIDTH,
    FOLD_SIGN,
    LEAST_FONT,
    NAME_FONT,
    NUMBER_FONT,
    PILE,
    ROW_CELLS,
    ROW_NAME,
    ROW_VALUE,
    ROW_WIDTH,
    fold_size,
)
from ..scene.overlay import CHANGED
from ..scene.plates import ASIDE, LINE_HEIGHT, STRIP, TABLE_HEAD, TITLE_HEIGHT, column_width, stub_lines, table_width
from .header import tint
from .theme import BADGE_FONT, BAR_GAP, BAR_WIDTH, CALLED_FONT, dashing
from .typeset_names import cells_of, typeset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..layout.nested import Box
    from ..scene.cards import Card, Strip
    from ..scene.overlay import Mark

BADGE_CELLS = 10  # on a card of one line: as many as "−10 digits" has
FIRST_LINE_FONTS = (NAME_FONT, NUMBER_FONT)  # sizes of a name and of its operation
BETWEEN = 6.0  # pixels from the name to the operation
SMALLEST_OP = 0.8  # a long operation is set smaller, down to this share of the usual size


class Accent(NamedTuple):
    """How one card is drawn: dimmed, coloured, marked."""

    kind: str = ""  # classes
    ports: Mapping[int, str] = MappingProxyType({})  # by operand, the colour of the track on it
    mark: Mark | None = None


def number(x: float) -> str:
    """A coordinate."""
    return f"{x:.1f}".removesuffix(".0").replace("-0.0", "0")


def rectangle(box: Box, *, flip: bool) -> tuple[float, float, float, float]:
    """Left, top, width and height on the page."""
    return (
        (box.across, box.along, box.breadth, box.length) if flip else (box.along, box.across, box.length, box.breadth)
    )


def _card(card: Card, box: Box, accent: Accent, *, flip: bool, is_used: bool, style: str = "full") -> str:
    x, y, w, h = rectangle(box, flip=flip)
    kind = "card" + " leaf" * card.is_leaf + " root" * card.is_root + " fold" * bool(card.folded)
    kind += " idle" * card.is_idle + " centre" * card.is_centre + accent.kind
    place = f'transform="translate({number(x)} {number(y)})"'
    folded = f'data-folded="{text.xml(card.folded)}" ' if card.folded else ""
    opening = f'<g id="n{card.node}" class="{kind}" data-node="{card.node}" {folded}{place}>'
    parts = [opening, f"<title>{text.xml(_title(card, accent))}</title>", *_ports(card, w, h, accent, flip=flip)]
    face = h - PILE * bool(card.folded)
    if card.folded:
        parts += _pile(w, face)
    parts.append(f'<rect class="face" width="{number(w)}" height="{number(face)}" rx="6"/>')
    if accent.mark is not None:
        parts.append(_tint(accent.mark, w, face))
    parts += _low_face(card) if card.is_low else FACES[card.kind, card.is_row, style](card, w, h)
    if accent.mark is not None:
        parts.append(_badge(accent.mark, w, face, is_row=card.is_row))
    if is_used:
        cx, cy = (w / 2, h) if flip else (w, h / 2)
        parts.append(f'<circle class="start" cx="{number(cx)}" cy="{number(cy)}" r="2.2"/>')
    return "".join(parts) + "</g>"


def words(kind: str, x: float, y: float, content: str, more: str = "") -> str:
    """A text."""
    return f'<text class="{kind}" x="{number(x)}" y="{number(y)}"{more}>{text.xml(content)}</text>'


def _sign(bar: int) -> str:
    return " pos" if bar > 0 else " neg" if bar < 0 else ""


def _tone(number: str, bar: int) -> str:
    """The class of a gradient's text: by its sign; infinities and NaN stand out."""
    return " nan" if number.lower() == "nan" else _sign(bar)


def _face(card: Card, w: float, h: float) -> list[str]:
    """Name and operation, value, gradient and its bar; centred on a larger card."""
    left, top = (w - CARD_WIDTH) / 2, (h - CARD_HEIGHT) / 2
    right = left + CARD_WIDTH
    parts = _first_line(card, left + 8, right - 8, top + 17, FIRST_LINE_FONTS)
    parts += [words("caption", left + 8, top + 33, "value"), words("value", right - 8, top + 33, card.value)]
    parts.append(words("caption", left + 8, top + 48, "grad"))
    return parts + _gradient(card, left + 8, right - 8, top + 48)


def _first_line(card: Card, left: float, right: float, y: float, fonts: tuple[float, float]) -> list[str]:
    """The name, and at the right the operation; bold is the one that tells a reader more.

    The operation has the room that the name leaves, at least half of the line. If it is a little too long it is set
    smaller, if it is longer it is cut.
    """
    font, op_font = fonts
    if not card.label:
        font = CALLED_FONT
    op, room, style = card.op, right - left, ""
    if op:
        again = card.name.removeprefix(card.label)
        named = cells_of(card.label) + text.cells(again) if card.label else text.cells(card.name)
        free = max(room - named * text.EM * font, room / 2) - BETWEEN
        wide = text.extent(op, op_font)
        if free < wide <= free / SMALLEST_OP:
            op_font *= free / wide
            style = f' style="font-size:{number(op_font)}px"'
        op = text.shorten(op, int(free / (text.EM * op_font) + 1e-9))
        room -= text.extent(op, op_font) + BETWEEN
    parts = [_name(card, left, y, int(room / (text.EM * font) + 1e-9))]
    if op:
        parts.append(words("op" if card.label else "op alone", right, y, op, style))
    return parts


def _name(card: Card, x: float, y: float, room: int) -> str:
    """A value's name; muted where it is generated, or numbered to make it unique."""
    if not card.label:
        return words("called", x, y, text.shorten(card.name, room))
    again = card.name.removeprefix(card.label) if card.name.startswith(card.label) else ""
    own = max(room - text.cells(again), 1)
    label, below = typeset(card.label if cells_of(card.label) <= own else text.shorten(card.label, own))
    back = f' dy="{-below:g}"' if below else ""
    added = f'<tspan class="called"{back}>{text.xml(again)}</tspan>' if again else ""
    return f'<text class="name" x="{number(x)}" y="{number(y)}">{label}{added}</text>'


def _gradient(card: Card, left: float, right: float, y: float) -> list[str]:
    """The gradient and its bar below. The bar of a norm shows no sign."""
    if not card.grad:
        return [words("none", right, y, "not computed")]
    sign = _sign(card.bar) if card.captions[1] == "grad" else " norm"
    tone = _tone(card.grad, card.bar) if card.captions[1] == "grad" else _tone(card.grad, 0)
    parts = [words("grad" + tone, right, y, card.grad)]
    width = right - left
    if card.parts:
        return [*parts, *bars(card.parts, (left, y + 3.5, width, 9.0))]
    dashes = "" if width == BAR_WIDTH else f' style="stroke-dasharray:{dashing(width)}"'
    place = f"M{number(left)} {number(y + 6.5)}h"
    parts.append(f'<path class="bar"{dashes} d="{place}{number(width)}"/>')
    if card.bar:
        filled = abs(card.bar) * (width + BAR_GAP) / BAR_STEPS - BAR_GAP
        parts.append(f'<path class="bar{sign}"{dashes} d="{place}{number(filled)}"/>')
    return parts


def _pile(w: float, face: float) -> list[str]:
    """The cards that show below a folded one."""
    return [
        f'<rect class="pile" x="{number(d)}" y="{number(face - 8)}" width="{number(w - 2 * d)}" '
        f'height="{number(8 + PILE - d / 2)}" rx="5"/>'
        for d in (PILE, PILE / 2)
    ]


def _folded(card: Card, w: float, h: float) -> list[str]:
    """A folded scope: its name, its contents, its result."""
    width, height = fold_size(card.label, card.caption)
    width = min(w, width)
    left, top = (w - width) / 2 + 8, (h - PILE - height) / 2 + PILE / 2 + 37
    right = left + width - 16
    parts = _head(card, w, 22)
    for line in card.caption.split("\n"):
        what = text.shorten(line, int((width - 16) / (text.EM * CAPTION_FONT) + 1e-9))
        parts.append(words("caption", left, top, what))
        top += CAPTION_LINE
    top += 16 - CAPTION_LINE
    said, _ = typeset(card.captions[0])
    parts.append(f'<text class="caption" x="{number(left)}" y="{number(top)}">{said}</text>')
    parts.append(words("value", right, top, card.value))
    parts += [words("caption", left, top + 15, card.captions[1])]
    return parts + _gradient(card, left, right, top + 15)


def _head(card: Card, w: float, height: float) -> list[str]:
    """The name of a folded scope; a long one in smaller print."""
    font = max(LEAST_FONT, min(NAME_FONT, (w - FOLD_SIGN) / (text.EM * max(text.cells(card.label), 1))))
    name, _ = typeset(text.shorten(card.label, int((w - FOLD_SIGN) / (text.EM * font) + 1e-9)))
    size = "" if font == NAME_FONT else f' style="font-size:{number(font)}px"'
    return [
        f'<path class="head" d="M0 {height:g}V6a6 6 0 0 1 6-6H{number(w - 6)}a6 6 0 0 1 6 6V{height:g}Z"/>',
        words("name", 8, height - 7, "▸"),
        f'<text class="name" x="22" y="{height - 7:g}"{size}>{name}</text>',
    ]


def _small_face(card: Card, w: float, h: float) -> list[str]:
    """Name, then value and gradient in one line; on a leaf that copies share, the contributions of the copies below."""
    left, top = (w - compact.WIDTH) / 2, (h - compact.HEIGHT - compact.PARTS * bool(card.parts)) / 2
    right = left + compact.WIDTH - compact.SIDE
    left += compact.SIDE
    parts = [*_first_line(card, left, right, top + 15.5, FIRST_LINE_FONTS), *_numbers(card, left, right, top + 31)]
    return parts + (bars(card.parts, (left, top + 35.5, right - left, 9.0)) if card.parts else [])


def _low_face(card: Card) -> list[str]:
    """A leaf's name, and in one line value and gradient with its bar; above the gradient its word."""
    left, right = low.SIDE, card.width - low.SIDE
    parts = [_name(card, left, 15.5, low.NAMED)]
    if card.grad:
        parts.append(words("caption end", right, 15.5, low.WORD))
    parts.append(words("value", left + text.extent(card.value, NUMBER_FONT), 33, card.value))
    return parts + _gradient(card, left, right, 33)


def _numbers(card: Card, left: float, right: float, y: float) -> list[str]:
    size = "" if compact.is_in_line(card.value, card.grad, right - left + 2 * compact.SIDE) else " small"
    parts = [words("value" + size, left, y, card.value)]
    if card.grad:
        parts.append(words("grad" + size + _tone(card.grad, card.bar), right, y, card.grad))
    return parts


def _small_row(card: Card, w: float, h: float) -> list[str]:  # noqa: ARG001  as all faces
    return [_name(card, compact.SIDE, 15, 5), *_numbers(card, 54, compact.ROW_WIDTH - compact.SIDE, 15)]


def _small_folded(card: Card, w: float, h: float) -> list[str]:
    parts = _head(card, w, 22)
    return parts + _numbers(card, compact.SIDE, w - compact.SIDE, (h - PILE + 22) / 2 + 4.5)


def _tint(mark: Mark, w: float, h: float) -> str:
    kind = "tint" + " calm" * (mark is CHANGED)
    return f'<rect class="{kind}" width="{number(w)}" height="{number(h)}" rx="6" fill-opacity="{tint(mark.level)}"/>'


def _badge(mark: Mark, w: float, h: float, *, is_row: bool) -> str:
    """A mark on the lower rim, where a card has no text; on a card of one line, at its end."""
    shown = text.shorten(mark.text, BADGE_CELLS if is_row else max(BADGE_CELLS, int((w - 6) / (text.EM * BADGE_FONT))))
    if not shown:
        return ""
    width = text.extent(shown, BADGE_FONT) + 6
    x, y = (w - width - 4, h / 2 - 7) if is_row else (w - width + 3, h - 3)
    return (
        f'<g class="mark{" calm" * (mark is CHANGED)}"><title>{text.xml(mark.title or mark.text)}</title>'
        f'<rect class="badge" x="{number(x)}" y="{number(y)}" width="{number(width)}" height="14" rx="4"/>'
        f"{words('badgetext', x + width / 2, y + 10.7, shown)}</g>"
    )


def _title(card: Card, accent: Accent) -> str:
    if accent.mark is None:
        return card.title
    mark = accent.mark
    return f"{card.title}\n{mark.text}{': ' * bool(mark.title)}{mark.title}"


def _junction(card: Card, box: Box, accent: Accent, *, flip: bool, **_: object) -> str:
    """A junction, where many edges become one."""
    x, y, w, h = rectangle(box, flip=flip)
    return (
        f'<g class="tie{accent.kind}"><title>{text.xml(card.title)}</title>'
        f'<rect class="junction" x="{number(x)}" y="{number(y)}" '
        f'width="{number(w)}" height="{number(h)}" rx="2.5"/></g>'
    )


def _stub(card: Card, box: Box, accent: Accent, *, flip: bool, **_: object) -> str:
    """The card for nodes that are not in view."""
    x, y, w, h = rectangle(box, flip=flip)
    lines = stub_lines(card.label)
    top = h / 2 + 3.7 - CAPTION_LINE * (len(lines) - 1) / 2
    said = [words("stubtext", w / 2, top + CAPTION_LINE * k, line) for k, line in enumerate(lines)]
    return (
        f'<g class="stub{accent.kind}" transform="translate({number(x)} {number(y)})">'
        f"<title>{text.xml(card.title)}</title>{''.join(_ports(card, w, h, accent, flip=flip) if card.chip else [])}"
        f'<rect class="face" width="{number(w)}" height="{number(h)}" rx="{number(h / 2)}"/>'
        f"{''.join(said)}</g>"
    )


def _plate(card: Card, box: Box, accent: Accent, *, flip: bool, **_: object) -> str:
    """The card about all copies of a plate: how many there are, and a strip of bars for each of its signals."""
    x, y, full, h = rectangle(box, flip=flip)
    w = full - (ASIDE + table_width(card.table)) * card.is_beside  # the width of the bars
    parts = [
        f'<g class="plate{accent.kind}" transform="translate({number(x)} {number(y)})">',
        f"<title>{text.xml(card.title)}</title>",
        *_ports(card, full, h, accent, flip=flip),
        words("name", 0, 14, card.label),
        words("caption", text.extent(card.label, NAME_FONT) + 8, 14, card.caption),
    ]
    top = TITLE_HEIGHT
    for strip in card.strips:
        parts.append(words("caption", 0, top + 10, text.fitted(strip.caption, CAPTION_FONT, w)))
        parts += bars(strip.bars, (0.0, top + 13, w, 20.0), int(strip.shown * len(strip.bars)))
        parts.append(words("caption", 0, top + 44, strip.first))
        parts.append(words("caption end", w, top + 44, strip.last))
        if strip.most:
            parts.append(words("caption", _between(strip, w), top + 44, strip.most))
        top += STRIP
    column_room, w = column_width(card.table), full
    left = w - table_width(card.table) if card.is_beside else 0.0
    top = 0.0 if card.is_beside else top
    for k, (first, *others) in enumerate(card.table):
        y, begin = top + TABLE_HEAD + LINE_HEIGHT * k + 9, w - column_room * len(others)
        parts.append(words("caption", left, y, text.fitted(first, CAPTION_FONT, begin - left)))
        for column, said in enumerate(others, start=1):
            if said:
                end = begin + column_room * column
                parts.append(words("caption end", end, y, said))
    return "".join(parts) + "</g>"


def _between(strip: Strip, w: float) -> float:
    """Where the middle one of three texts begins, so that the gaps on both sides are equal."""
    first, most, last = (text.extent(said, CAPTION_FONT) for said in (strip.first, strip.most, strip.last))
    return (first + w - last - most) / 2


def bars(sizes: Sequence[float], room: tuple[float, float, float, float], here: int = -1) -> list[str]:
    """Numbers from -1 to 1 as bars in a rectangle; if some are negative, the zero line is in the middle."""
    left, top, w, height = room
    step = w / len(sizes)
    gap = min(2.0, step / 4)
    is_signed = any(size < 0 for size in sizes)
    height /= 1 + is_signed
    parts = []
    for k, size in enumerate(sizes):
        h = max(abs(size) * height, 0.6)
        kind = "strip" + " neg" * (size < 0) + " here" * (k == here)
        parts.append(
            f'<rect class="{kind}" x="{number(left + k * step)}" y="{number(top + height - h * (size >= 0))}" '
            f'width="{number(step - gap)}" height="{number(h)}"/>'
        )
    return parts


def _row(card: Card, w: float, h: float) -> list[str]:  # noqa: ARG001  as all faces
    """A leaf on one line: name, value, gradient."""
    parts = [_name(card, 7, 15.5, ROW_NAME), words("value", ROW_VALUE, 15.5, card.value)]
    if card.grad:
        if text.cells(card.grad) <= ROW_CELLS:
            parts.append(words("caption", ROW_VALUE + 4, 15.5, "grad"))
        parts.append(words("grad" + _tone(card.grad, card.bar), ROW_WIDTH - 8, 15.5, card.grad))
    else:
        parts.append(words("none", ROW_WIDTH - 8, 15.5, "no grad yet"))
    return parts


def _ports(card: Card, w: float, h: float, accent: Accent, *, flip: bool) -> list[str]:
    """The chips before the card, where its operands enter."""
    parts = []
    for port in card.ports:
        kind, radius = ("pill", port.height / 2) if port.is_constant else ("chip", min(3.0, port.height / 2))
        x = w / 2 + port.at - port.width / 2 if flip else -port.width
        y = -port.height if flip else h / 2 + port.at - port.height / 2
        track = accent.ports.get(port.operand)
        emphasis = "" if track is None else f'class="on {track}" '
        parts.append(
            f'<g {emphasis}data-operand="{port.operand}" data-source="{port.source if port.node < 0 else port.node}">'
            f"<title>{text.xml(port.title)}</title>"
            f'<rect class="{kind}" x="{number(x)}" y="{number(y)}" '
            f'width="{number(port.width)}" height="{number(port.height)}" rx="{number(radius)}"/>'
        )
        if port.chip:
            parts.append(words("chiptext", x + port.width / 2, y + port.height / 2 + 4, port.chip))
        parts.append("</g>")
    return parts


FACES: dict[tuple[str, bool, str], Callable[[Card, float, float], list[str]]] = {
    ("node", False, "full"): _face,
    ("node", True, "full"): _row,
    ("fold", False, "full"): _folded,
    ("node", False, "compact"): _small_face,
    ("node", True, "compact"): _small_row,
    ("fold", False, "compact"): _small_folded,
}
KINDS: dict[str, Callable[..., str]] = {
    "node": _card,
    "fold": _card,
    "junction": _junction,
    "stub": _stub,
    "plate": _plate,
}
