"""The header of a picture: title, legends of paths and marks, and formulas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ....errors import MissingExtraError
from .. import text
from ..scene.flow import THINNEST, width_of
from .typeset_names import typeset_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..scene.highlight import Track
    from ..scene.overlay import Overlay

TITLE_HEIGHT, LINE_HEIGHT, TITLE_FONT, TITLE_LINES = 30.0, 20.0, 15.0, 2
LINE_FONT, FORMULA_SIZE, FORMULA_GAP = 11.5, 16.0, 9.0
BESIDE_KEY = 30.0  # where text begins beside the sample line of a path
KEY_ROOM = 42.0  # width of a sample line with the gaps around its number
MOST_LEGENDS = 8
TITLE_MARK_LINES = 4  # lines of the title of marks
SWATCHES = (0.0, 0.25, 0.5, 0.75, 1.0)
SWATCH = 15.0
SCALE_ENDS = ("mild", "severe")
FLOWS = (1.0, 0.1, 0.01, 0.001)  # the legend shows the widths of these shares of the largest flow


class Heading(NamedTuple):
    """SVG elements below each other, how wide they are, and how high."""

    parts: tuple[str, ...]
    width: float
    height: float


class TypesetFormula(NamedTuple):
    """One formula as paths: from its upper left corner."""

    body: str
    width: float
    height: float


def heading(
    title: str,
    tracks: Sequence[Track],
    overlay: Overlay | None,
    formulas: Sequence[TypesetFormula],
    room: float,
    most: float | None = None,
) -> Heading:
    """The header of a graph that is `room` wide.

    A title, legends and rules are broken into lines, a formula is made smaller.
    `most` is the flow of the widest edge, where edges are as wide as what flows along them.
    """
    parts: list[str] = []
    y = width = 0.0
    if title:
        lines = [text.fitted(line, TITLE_FONT, room) for line in _broken(title, room, TITLE_LINES, _title_breadth)]
        parts += [_text("title", 0, 12 + LINE_HEIGHT * k, line) for k, line in enumerate(lines)]
        y = TITLE_HEIGHT + LINE_HEIGHT * (len(lines) - 1)
    below_title = y
    legends = [track for track in tracks if track.legend]
    for track in tracks:
        if track in legends[:MOST_LEGENDS]:
            parts.append(f'<path class="key {track.colour}" d="M0 {y + 8:g}H22"/>')
            for line in _lines(track.legend, room - BESIDE_KEY):
                parts.append(_text("legend", BESIDE_KEY, y + 12, line))
                y += LINE_HEIGHT
        for line in (line for rule in track.rules for line in _lines(rule, room - BESIDE_KEY)):
            parts.append(_words(y + 12, line, x=BESIDE_KEY, kind="legend soft"))
            y += LINE_HEIGHT
    if len(legends) > MOST_LEGENDS:
        parts.append(_text("legend", BESIDE_KEY, y + 12, f"and {len(legends) - MOST_LEGENDS} more paths"))
        y += LINE_HEIGHT
    if overlay is not None:
        lines = _lines(overlay.title, room)
        for line in lines:
            parts.append(_words(y + 12, line))
            y += LINE_HEIGHT
        # A scale with a single level would have nothing to compare it with.
        if len({mark.level for mark in overlay.marks.values()}) > 1:
            ended = text.extent(lines[-1], LINE_FONT) + 12 if lines else 0.0
            is_below = ended + _scale_width() > room
            parts += _scale(0.0 if is_below else ended, y if is_below or not lines else y - LINE_HEIGHT)
            y += LINE_HEIGHT * (is_below or not lines)
        elif not lines:
            y += LINE_HEIGHT
    if most is not None:
        parts += _widths(most, y, room)
        y += LINE_HEIGHT
    for formula in formulas:
        shrink = min(1.0, room / formula.width)
        place = f"translate(0 {y + 2:g})" + (f" scale({shrink:.3f})" if shrink < 1 else "")
        parts.append(f'<g class="formula" transform="{place}">{formula.body}</g>')
        width = max(width, formula.width * shrink)
        y += formula.height * shrink + FORMULA_GAP
    return Heading(tuple(parts), width, y + (8 if y > below_title else 0))


def _text(kind: str, x: float, y: float, content: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{text.xml(content)}</text>'


def _words(y: float, content: str, x: float = 0.0, kind: str = "legend") -> str:
    """A line of the legend, with typeset names."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{typeset_words(content)}</text>'


def _lines(said: str, room: float) -> list[str]:
    """A text of the legend in lines that are no longer than `room`."""
    most = max(1, int(room / (text.EM * LINE_FONT)))
    return [text.shorten(line, most) for line in _broken(said, room, TITLE_MARK_LINES, _legend_breadth)]


def _legend_breadth(line: str) -> float:
    return text.extent(line, LINE_FONT)


def _title_breadth(line: str) -> float:
    return text.breadth(line, TITLE_FONT)


def _broken(said: str, room: float, most: int, breadth: Callable[[str], float]) -> list[str]:
    """A text broken between words; a line is longer than `room` where one word is, or where there are too many."""
    found = [""]
    for word in said.split():
        longer = f"{found[-1]} {word}".strip()
        if breadth(longer) <= room or not found[-1]:
            found[-1] = longer
        elif len(found) < most:
            found.append(word)
        else:
            found[-1] = f"{longer} …"
            break
    return [line for line in found if line]


def _scale_width() -> float:
    return sum(text.extent(end, LINE_FONT) + 6 for end in SCALE_ENDS) + SWATCH * len(SWATCHES) + 6


def _scale(x: float, y: float) -> list[str]:
    """The tints of marks from harmless to severe."""
    parts = [_text("legend soft", x, y + 12, SCALE_ENDS[0])]
    x += text.extent(SCALE_ENDS[0], LINE_FONT) + 6
    for k, level in enumerate(SWATCHES):
        parts.append(
            f'<rect class="swatch" x="{x + k * SWATCH:g}" y="{y + 3:g}" width="{SWATCH:g}" height="10"/>'
            f'<rect class="tint" x="{x + k * SWATCH:g}" y="{y + 3:g}" width="{SWATCH:g}" height="10" '
            f'fill-opacity="{tint(level)}"/>'
        )
    parts.append(_text("legend soft", x + SWATCH * len(SWATCHES) + 6, y + 12, SCALE_ENDS[1]))
    return parts


def _widths(most: float, y: float, room: float) -> list[str]:
    """The legend of edge widths; in few words where there is little room."""
    shares = FLOWS if most else ()
    numbers = [("≤ " if share == FLOWS[-1] else "±") + text.number(most * share, digits=2) for share in shares]
    needed = sum(text.extent(shown, LINE_FONT) + KEY_ROOM for shown in numbers)
    said = "flows back along an edge:"
    if text.extent(said, LINE_FONT) + 8 + needed > room:
        said = "flow:"
    parts = [_text("legend soft", 0, y + 12, said if most else f"{said} nothing")]
    x = text.extent(said, LINE_FONT) + 8
    for share, shown in zip(shares, numbers, strict=True):
        wide = THINNEST if share == FLOWS[-1] else width_of(most * share, most)
        parts.append(f'<path class="key plain" style="stroke-width:{wide:.1f}" d="M{x:.1f} {y + 8:g}h22"/>')
        parts.append(_text("legend", x + 28, y + 12, shown))
        x += text.extent(shown, LINE_FONT) + KEY_ROOM
    return parts


def tint(level: float) -> str:
    """The opacity of a mark's tint, so weak that text on it stays readable."""
    return f"{0.1 + 0.4 * level:.2f}"


def set_formulas(formulas: Sequence[str]) -> list[TypesetFormula]:
    """Formulas as vector paths, which need no font where the picture is shown.

    Raises:
        MissingExtraError: Without ziamath.
    """
    if not formulas:
        return []
    import warnings

    from ...notation.formulas import mathml

    with warnings.catch_warnings():  # ziamath reads its font by a deprecated function
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            from ziafont.config import config
            from ziamath.zmath import Math
        except ImportError:
            msg = (
                "draw: a formula within an SVG, PNG or PDF needs ziamath; pip install 'autograd-core[math]', "
                "or save as .html, or draw with expression=False"
            )
            raise MissingExtraError(msg) from None
        before = config.svg2
        config.svg2 = False  # paths in place: no ids that two pictures on a page might share
        try:
            return [_set(Math(mathml(latex), size=FORMULA_SIZE).svg()) for latex in formulas]
        finally:
            config.svg2 = before


def _set(drawn: str) -> TypesetFormula:
    """One formula from ziamath: its paths and rules, without their colour, moved to the origin."""
    from xml.etree import ElementTree as ET

    root = ET.fromstring(drawn)  # noqa: S314  ziamath wrote it a moment ago
    x, y, width, height = map(float, root.attrib["viewBox"].split())
    parts = []
    for element in root:
        kept = {name: _rounded(value) for name, value in element.attrib.items() if name != "fill"}
        attributes = " ".join(f'{name}="{text.xml(value)}"' for name, value in kept.items())
        parts.append(f"<{element.tag.rpartition('}')[2]} {attributes}/>")
    return TypesetFormula(f'<g transform="translate({-x:g} {-y:g})">{"".join(parts)}</g>', width, height)


def _rounded(numbers: str) -> str:
    """Coordinates with two decimals, and without spaces where a letter separates them anyway."""
    short = re.sub(r"-?\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}", numbers)
    return re.sub(r" ?([A-Za-z]) ?", r"\1", short).replace(" -", "-")
