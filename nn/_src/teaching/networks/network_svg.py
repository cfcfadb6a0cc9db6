"""The SVG of a placed network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autograd_core._src.pictures.render.theme import SANS
from autograd_core._src.pictures.render.typeset_names import typeset, typeset_words
from autograd_core._src.pictures.text import xml

from .network_layout import ARROW, BAND, MARGIN, box_below, label_box, lines_below, written

if TYPE_CHECKING:
    from .network_layout import Box, PlacedNetwork, PlacedUnit, PlacedWeight, Point

CSS = (
    ".bg{{fill:{bg}}}.edge{{fill:none;stroke:{edge};stroke-width:1.2}}.tip{{fill:{edge}}}"
    ".unit{{fill:{card};stroke:{root};stroke-width:1.4}}.in{{fill:{leaf};stroke:{leafline}}}"
    ".one{{fill:{chip};stroke:{line}}}"
    "text{{font-family:" + SANS + ";text-anchor:middle;fill:{ink};white-space:pre}}"
    ".name{{font-size:13px;font-weight:600}}.small{{font-size:10.5px}}.soft{{fill:{soft}}}"
    ".weight{{font-size:10.5px}}"
    ".pos{{fill:{pos}}}.neg{{fill:{neg}}}.title{{font-size:15px;font-weight:600}}"
)


def network_svg(network: PlacedNetwork, title: str) -> str:
    """The content of the svg element: arrows first, labels over them, then circles."""
    head = [f'<text class="title" x="{network.width / 2:g}" y="{MARGIN + 8:g}">{xml(title)}</text>'] if title else []
    arrows = [_arrow(arrow) for arrow in network.weights]
    labels = [_label(arrow.label_at, arrow.label) for arrow in network.weights if arrow.label]
    circles = [_circle(circle) for circle in network.units]
    words = [_text(spot, text, "small soft") for spot, text in network.words]
    return "".join([*head, *arrows, *labels, *circles, *words])


def _arrow(arrow: PlacedWeight) -> str:
    """An arrow; its name and number show as a tooltip."""
    both = written(arrow.weight, "both")
    title = f"<title>{xml(both)}</title>" if both else ""
    return f"<g>{title}{_path(arrow)}</g>"


def _path(arrow: PlacedWeight) -> str:
    """The path of an arrow between the rims of two circles."""
    a, bend = _towards(arrow.start, arrow.bend, arrow.leaves), arrow.bend
    tip, base = (_towards(arrow.end, bend, arrow.enters + 1 + length) for length in (0, ARROW))
    across = (tip[1] - base[1]) * 0.45, (base[0] - tip[0]) * 0.45
    corners = (tip, (base[0] + across[0], base[1] + across[1]), (base[0] - across[0], base[1] - across[1]))
    line = f'<path class="edge" d="M{_pair(a)} Q{_pair(bend)} {_pair(base)}"/>'
    return line + f'<path class="tip" d="M{" L".join(map(_pair, corners))}Z"/>'


def _towards(start: Point, end: Point, length: float) -> Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    share = length / max((dx * dx + dy * dy) ** 0.5, 1e-9)
    return start[0] + share * dx, start[1] + share * dy


def _pair(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _label(spot: Point, said: str) -> str:
    name, equals, value = said.partition(" = ")
    sign = "" if equals or not re.fullmatch(r"−?[\d.e−]+", name) else " neg" if name.startswith("−") else " pos"
    text, end = typeset(name)
    rest = f'<tspan dy="{-end:g}">{equals}{xml(value)}</tspan>' if equals else ""
    back = _back(label_box(spot, said))
    return f'{back}<text class="weight{sign}" x="{spot[0]:.1f}" y="{spot[1] + 3.5:.1f}">{text}{rest}</text>'


def _back(box: Box) -> str:
    left, top, right, bottom = box
    size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
    return f'<rect class="bg" x="{left:.1f}" y="{top:.1f}" {size}/>'


def _text(spot: Point, name: str, kind: str) -> str:
    text = typeset_words(name) if "/" in name else typeset(name)[0]
    return f'<text class="{kind}" x="{spot[0]:.1f}" y="{spot[1]:.1f}">{text}</text>'


def _circle(placed: PlacedUnit) -> str:
    circle, (x, y), radius = placed
    kind = {"in": "unit in", "one": "unit one"}.get(circle.kind, "unit")
    title = f"{circle.name} = {circle.number}" if circle.number else circle.name
    said = f"{title}; {circle.said}" if circle.said else title
    parts = [f"<g><title>{xml(said)}</title>", f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>']
    parts.append(_text((x, y + (-1 if circle.number else 4)), circle.name, "name"))
    if circle.number:
        parts.append(_text((x, y + 13), circle.number, "small soft"))
    lines = lines_below(circle)
    if lines:
        parts.append(_back(box_below(placed.middle, radius, lines)))
        sign = "neg" if circle.delta.startswith("−") else "pos"
        kinds = ["small soft", f"small {sign}"][-len(lines) :]
        for k, (line, kind) in enumerate(zip(lines, kinds, strict=True)):
            letter, _, rest = line.partition(" ")
            text, dropped = typeset(letter)
            back = f'<tspan dy="{-dropped:g}">\u00a0</tspan>' if dropped else " "
            text += f"{back}{xml(rest)}" if rest else ""
            parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y + radius + 13 + BAND * k:.1f}">{text}</text>')
    return "".join(parts) + "</g>"
