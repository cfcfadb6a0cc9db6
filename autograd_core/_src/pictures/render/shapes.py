"""A picture's SVG read back as plain shapes for other page languages: outlines and lines of text, with styles.

So what is drawn is decided in one place, the writer of the SVG. This is no general SVG reader: it understands what that
writer uses, which is translated and scaled groups, rectangles, circles, paths, texts, and the rules of the theme.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET

from .theme import declared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..layout.layered import Point

TOKEN = re.compile(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")
TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4, "A": 7, "Z": 0}  # how many numbers a path command takes
POINTS_PER_PIXEL = 0.75  # PostScript points: pixels are 1/96 inch, as in CSS
ROUND = 4 * (math.sqrt(2) - 1) / 3  # handle length over radius of the cubic that approximates a quarter of a circle
STYLE_ATTRIBUTES = frozenset({"fill-opacity", "font-size", "font-family", "stroke-width"})


class TextPart(NamedTuple):
    """A run of text in one size, and its offset below the baseline."""

    said: str
    size: float | None
    below: float


class Shape(NamedTuple):
    """An outline or a text.

    Attributes:
        outline: Commands M, L, C and Z with their points; empty for a text.
        lines: The parts of a text.
        at: The anchor of a text: its beginning, middle or end.
        rules: The selectors of the theme's rules that apply to it, weakest first.
        own: The styles of the element itself.
        opacity: The product of the opacities of the groups around it.
        box: For a rectangle or a circle: left, top, width, height, and the radius of its corners.
    """

    outline: tuple[tuple[str, tuple[Point, ...]], ...]
    lines: tuple[TextPart, ...]
    at: Point
    rules: tuple[str, ...]
    own: Mapping[str, str]
    opacity: float
    box: tuple[float, float, float, float, float] | None = None


class ShapeGroup(NamedTuple):
    """Shapes that belong together: a card, an edge with its arrowhead, a scope's box, a line of the header."""

    node: int | None  # of a card
    shapes: tuple[Shape, ...]


class Drawing(NamedTuple):
    """All shapes, in the picture's units; `width` and `height` are in pixels."""

    width: float
    height: float
    across: float
    down: float
    groups: tuple[ShapeGroup, ...]


class _Around(NamedTuple):
    """What an element inherits: the classes around it, outermost first, opacity, scale and translation."""

    classes: tuple[frozenset[str], ...] = ()
    opacity: float = 1.0
    scale: float = 1.0
    shift: Point = (0.0, 0.0)


def shapes_of(svg: str, look: str) -> Drawing:
    """The shapes of an SVG that `svg.write` made in a style: "full" or "compact"."""
    root = ET.fromstring(svg)  # noqa: S314  written a moment ago
    across, down = map(float, root.attrib["viewBox"].split()[2:])
    reader = _Reader(look, across, down)
    groups: list[ShapeGroup] = []
    for element in root:
        kind = _tag(element)
        if kind in ("title", "desc", "style"):
            continue
        around = reader.within(element, _Around())
        parts = list(element) if kind == "g" else [element]
        for part in parts:
            node = part.get("data-node")
            shapes = tuple(reader.read(part, around if kind == "g" else _Around()))
            if "tip" in part.get("class", "").split():
                shapes, node = groups.pop().shapes + shapes, None
            if shapes:
                groups.append(ShapeGroup(None if node is None else int(node), shapes))
    return Drawing(float(root.attrib["width"]), float(root.attrib["height"]), across, down, tuple(groups))


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


class _Reader:
    """Reads elements, and looks up which rules they follow."""

    def __init__(self, look: str, across: float, down: float) -> None:
        self._rules = [(selector, _parts(selector)) for selector, _ in declared("", look)]
        self._rules.sort(key=lambda rule: sum(len(classes) for _, classes in rule[1]))  # specificity: more classes win
        self._known: dict[tuple[tuple[frozenset[str], ...], frozenset[str]], tuple[str, ...]] = {}
        self._opacity = {s: float(d["opacity"]) for s, d in declared("", look) if "opacity" in d}
        self._page = {"width": across, "height": down}

    def within(self, element: ET.Element, around: _Around) -> _Around:
        """What the elements within an element inherit."""
        mine = frozenset(element.get("class", "").split())
        scale, (x, y) = around.scale, around.shift
        moved = re.match(r"translate\(([^)]*)\)(?: scale\(([^)]*)\))?", element.get("transform", ""))
        if moved:
            dx, dy = (float(v) for v in TOKEN.findall(moved[1]))
            x, y = x + scale * dx, y + scale * dy
            scale *= float(moved[2] or 1)
        opacity = around.opacity
        for selector in self._followed(around.classes, mine):
            opacity *= self._opacity.get(selector, 1.0)
        return _Around((*around.classes, mine), opacity, scale, (x, y))

    def read(self, element: ET.Element, around: _Around) -> Iterator[Shape]:
        """The shapes of an element."""
        kind = _tag(element)
        if kind == "title" or element.get("aria-hidden"):  # hidden: the rim around a text
            return
        inner = self.within(element, around)
        if kind == "g":
            for part in element:
                yield from self.read(part, inner)
            return
        rules = self._followed(around.classes, inner.classes[-1])
        if not rules and "formula" in set().union(*around.classes):
            rules = ("formula",)
        own = {key: value for key, value in element.attrib.items() if key in STYLE_ATTRIBUTES}
        own |= dict(part.split(":", 1) for part in element.get("style", "").split(";") if part)
        numbers = {key: self._number(element, key) for key in ("x", "y", "width", "height", "rx", "cx", "cy", "r")}
        outline: Sequence[tuple[str, tuple[Point, ...]]] = ()
        lines: tuple[TextPart, ...] = ()
        box: tuple[float, ...] = ()
        if kind == "rect":
            box = tuple(numbers[key] for key in ("x", "y", "width", "height", "rx"))
        elif kind == "circle":
            r = numbers["r"]
            box = (numbers["cx"] - r, numbers["cy"] - r, 2 * r, 2 * r, r)
        elif kind == "path":
            outline = outline_of(element.attrib["d"])
        elif kind == "text":
            lines = tuple(_lines(element))
        k, (dx, dy) = inner.scale, inner.shift
        if box:
            x, y, w, h, r = box
            outline = rectangle(x, y, w, h, r)
            at = (dx + k * x, dy + k * y)
            yield Shape(_moved(outline, k, dx, dy), (), at, rules, own, inner.opacity, (*at, k * w, k * h, k * r))
            return
        at = (dx + k * numbers["x"], dy + k * numbers["y"])
        yield Shape(_moved(outline, k, dx, dy), lines, at, rules, own, inner.opacity)

    def _number(self, element: ET.Element, key: str) -> float:
        given = element.get(key, "0")
        return self._page[key] if given == "100%" else float(given)

    def _followed(self, around: tuple[frozenset[str], ...], mine: frozenset[str]) -> tuple[str, ...]:
        if not mine:
            return ()
        key = around, mine
        if key not in self._known:
            self._known[key] = tuple(s for s, parts in self._rules if _matches(parts, around, mine))
        return self._known[key]


def _moved(
    outline: Sequence[tuple[str, tuple[Point, ...]]], k: float, dx: float, dy: float
) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    return tuple((command, tuple((dx + k * x, dy + k * y) for x, y in points)) for command, points in outline)


def _parts(selector: str) -> list[tuple[str, frozenset[str]]]:
    """A selector such as "on>.chip" as [("", {"on"}), (">", {"chip"})]."""
    pieces = re.split(r"([ >])", selector)
    found = [("", frozenset(pieces[0].strip(".").split(".")))]
    for how, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        found.append((how, frozenset(piece.strip(".").split("."))))
    return found


def _matches(parts: list[tuple[str, frozenset[str]]], around: tuple[frozenset[str], ...], mine: frozenset[str]) -> bool:
    how, last = parts[-1]
    if not last <= mine:
        return False
    if not how:
        return True
    before = around[-1:] if how == ">" else around
    return any(parts[0][1] <= classes for classes in before)  # no selector has more than two parts


def _lines(element: ET.Element) -> Iterator[TextPart]:
    """The parts of a text: its own, and those of its spans."""
    below = 0.0
    yield from _line(element.text, None, below)
    for span in element:
        below += float(span.get("dy", 0))
        size = span.get("font-size")
        yield from _line(span.text, None if size is None else float(size.removesuffix("px")), below)
        yield from _line(span.tail, None, below)


def _line(said: str | None, size: float | None, below: float) -> Iterator[TextPart]:
    if said:
        yield TextPart(said, size, below)


def rectangle(x: float, y: float, w: float, h: float, r: float) -> list[tuple[str, tuple[Point, ...]]]:
    """A rectangle with rounded corners."""
    r = min(r, w / 2, h / 2)
    if not r:
        return [("M", ((x, y),)), ("L", ((x + w, y),)), ("L", ((x + w, y + h),)), ("L", ((x, y + h),)), ("Z", ())]
    k = r * (1 - ROUND)
    found: list[tuple[str, tuple[Point, ...]]] = [("M", ((x + r, y),))]
    corners = (
        ((x + w - r, y), (x + w - k, y), (x + w, y + k), (x + w, y + r)),
        ((x + w, y + h - r), (x + w, y + h - k), (x + w - k, y + h), (x + w - r, y + h)),
        ((x + r, y + h), (x + k, y + h), (x, y + h - k), (x, y + h - r)),
        ((x, y + r), (x, y + k), (x + k, y), (x + r, y)),
    )
    for start, a, b, end in corners:
        found += [("L", (start,)), ("C", (a, b, end))]
    return [*found, ("Z", ())]


def outline_of(d: str) -> list[tuple[str, tuple[Point, ...]]]:
    """A path's commands with absolute points: lines and cubic curves.

    Example:
        >>> from autograd_core._src.pictures.render.shapes import outline_of
        >>> outline_of("M1 2h3V0Z")
        [('M', ((1.0, 2.0),)), ('L', ((4.0, 2.0),)), ('L', ((4.0, 0.0),)), ('Z', ())]
    """
    tokens = TOKEN.findall(d)
    found: list[tuple[str, tuple[Point, ...]]] = []
    x = y = 0.0
    k, command = 0, ""
    while k < len(tokens):
        if tokens[k].isalpha():
            command, k = tokens[k], k + 1
        count = TAKES[command.upper()]
        values, k = [float(v) for v in tokens[k : k + count]], k + count
        ox, oy = (x, y) if command.islower() else (0.0, 0.0)
        step, (x, y) = _step(command.upper(), values, (x, y), (ox, oy))
        found.append(step)
        if command in "Mm":
            command = "L" if command == "M" else "l"  # further pairs are lines
    return found


def _step(
    command: str, values: list[float], here: Point, origin: Point
) -> tuple[tuple[str, tuple[Point, ...]], Point]:
    (x, y), (ox, oy) = here, origin
    if command == "Z":
        return ("Z", ()), here
    if command == "H":
        return ("L", ((ox + values[0], y),)), (ox + values[0], y)
    if command == "V":
        return ("L", ((x, oy + values[0]),)), (x, oy + values[0])
    if command == "A":  # a quarter of a circle, from a side to the next one
        end = (ox + values[5], oy + values[6])
        corner = (x, end[1]) if values[4] == ((end[0] > x) == (end[1] < y)) else (end[0], y)
        a, b = (tuple(p + (c - p) * ROUND for p, c in zip(at, corner, strict=True)) for at in (here, end))
        return ("C", ((a[0], a[1]), (b[0], b[1]), end)), end
    points = [(ox + a, oy + b) for a, b in zip(values[::2], values[1::2], strict=True)]
    if command == "Q":
        (qx, qy), end = points
        a = (x + 2 * (qx - x) / 3, y + 2 * (qy - y) / 3)
        b = (end[0] + 2 * (qx - end[0]) / 3, end[1] + 2 * (qy - end[1]) / 3)
        return ("C", (a, b, end)), end
    return (command, tuple(points)), points[-1]
