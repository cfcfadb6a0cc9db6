"""A picture as Typst, which compiles alone and is imported by other documents; it needs no package.

One line per shape or line of text, in the order of the SVG and at its coordinates, so that a change of one value
changes one line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .shapes import POINTS_PER_PIXEL, shapes_of
from .theme import DARK, LIGHT, declared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .shapes import Shape

TYPST_HEAD = """\
// A picture by autograd-core. It compiles alone; a document imports `picture` from it, and then has #picture.
#let u = {unit:.6g}pt
#let at(x, y) = (x * u, y * u)
#let m(x, y) = curve.move(at(x, y))
#let l(x, y) = curve.line(at(x, y))
#let c(a, b, d, e, x, y) = curve.cubic(at(a, b), at(d, e), at(x, y))
#let z = curve.close()
#let line-of(paint, wide, ..dash) = stroke(
  paint: rgb(paint), thickness: wide * u, dash: if dash.pos() == () {{ none }} else {{ dash.pos().map(x => x * u) }},
)
#let shape(fill, stroke, ..parts) = place(top + left, curve(fill: fill, stroke: stroke, ..parts))
#let sans = ("DejaVu Sans", "Liberation Sans", "Arial", "DejaVu Sans Mono")
#let mono = ("DejaVu Sans Mono", "Liberation Mono", "Courier New")
#let part(font, size, weight, slant, fill, below, said) = text(font: font, size: size * u, weight: weight, \
style: slant, fill: rgb(fill), baseline: below * u, said)
#let said(x, y, back, ..parts) = place(top + left, dx: x * u, dy: y * u, context {{
  let line = box(parts.pos().join())
  move(dx: -back * measure(line).width, line)
}})
#let picture = box(width: {across} * u, height: {down} * u, {{
set text(top-edge: "baseline", bottom-edge: "baseline", hyphenate: false, ligatures: false)
set par(leading: 0pt, spacing: 0pt, justify: false, first-line-indent: 0pt)
set align(left)
"""
TYPST_FOOT = """\
})
#set page(width: auto, height: auto, margin: 0pt)
#picture
"""


def typst(svg: str, look: str, theme: str) -> str:
    """The text of a `.typ` file.

    Args:
        svg: The picture.
        look: "full" or "compact".
        theme: "light" or "dark".

    Source:
        Typst, https://typst.app/docs/reference/visualize/curve.
    """
    drawing = shapes_of(svg, look)
    rules, colours = dict(declared(theme, look)), DARK if theme == "dark" else LIGHT
    unit = POINTS_PER_PIXEL * drawing.width / drawing.across
    lines = [TYPST_HEAD.format(unit=unit, across=_n(drawing.across), down=_n(drawing.down))]
    for group in drawing.groups:
        for shape in group.shapes:
            said: dict[str, str] = {}
            for rule in shape.rules:
                said |= rules[rule]
            said |= shape.own
            lines.append((_text(shape, said, colours) if shape.lines else _outline(shape, said, colours)) + "\n")
    return "".join(lines) + TYPST_FOOT


def _colour(value: str, opacity: float, colours: Mapping[str, str]) -> str:
    """A colour as a string of Typst's `rgb`, with its opacity as a fourth number."""
    plain = colours.get(value, value)
    return f'"{plain}"' if opacity >= 1 else f'"{plain}{round(255 * opacity):02x}"'


def _opacity(shape: Shape, said: Mapping[str, str], key: str) -> float:
    return shape.opacity * float(said.get(f"{key}-opacity", 1))


def _outline(shape: Shape, said: Mapping[str, str], colours: Mapping[str, str]) -> str:
    fill, stroke = said.get("fill", "#000000"), said.get("stroke", "none")
    inside = "none" if fill == "none" else f"rgb({_colour(fill, _opacity(shape, said, 'fill'), colours)})"
    line = "none"
    if stroke != "none":
        paint = _colour(stroke, _opacity(shape, said, "stroke"), colours)
        numbers = [said.get("stroke-width", "1"), *said.get("stroke-dasharray", "").split()]
        line = f"line-of({paint}, {', '.join(_n(float(x)) for x in numbers)})"
    return f"shape({inside}, {line}, {', '.join(_steps(shape))})"


def _steps(shape: Shape) -> Iterator[str]:
    for command, points in shape.outline:
        numbers = ", ".join(_n(x) for point in points for x in point)
        yield "z" if command == "Z" else f"{command.lower()}({numbers})"


def _text(shape: Shape, said: Mapping[str, str], colours: Mapping[str, str]) -> str:
    font = said.get("font", "")
    found = re.search(r"([\d.]+)px", said.get("font-size", font))
    size = float(found[1]) if found else 12.0
    family = "mono" if "monospace" in font else "sans"
    weight = '"bold"' if re.search(r"\b[67]00\b", font + said.get("font-weight", "")) else '"regular"'
    slant = '"italic"' if "italic" in font else '"normal"'
    fill = _colour(said.get("fill", "#000000"), _opacity(shape, said, "fill"), colours)
    parts = [
        f"part({family}, {_n(line.size or size)}, {weight}, {slant}, {fill}, {_n(line.below)}, {_quoted(line.said)})"
        for line in shape.lines
    ]
    back = {"middle": 0.5, "end": 1}.get(said.get("text-anchor", ""), 0)
    x, y = shape.at
    return f"said({_n(x)}, {_n(y)}, {back}, {', '.join(parts)})"


def _n(x: float) -> str:
    said = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if said == "-0" else said


def _quoted(text: str) -> str:
    """A string literal of Typst; control characters become spaces."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
