"""The SVG writer: a scene and its plan as text.

Every rule of the style sheet begins with the picture's own id, because a notebook puts the
sheets of all its pictures on one page. Groups carry `data-node`, `data-operand`, `data-scope`,
so that a script can find them.
"""

from __future__ import annotations

import math
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from .. import text
from ..layout.layered import GENTLE
from ..scene.cards import LEAST_FONT
from ..scene.flow import width_of
from ..scene.highlight import ACCENTS, STRONG, STRONGEST, emphasis
from ..scene.overlay import CHANGED
from ..sizes import FREE, Extent, Sizes, extent
from .card_svg import KINDS, Accent, number, rectangle, words
from .header import heading
from .theme import style

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..layout.layered import Point, Scope
    from ..layout.nested import Box, Plan
    from ..scene.cards import Card, Port, Scene
    from ..scene.highlight import Track
    from ..scene.overlay import Mark, Overlay
    from .header import Heading, TypesetFormula

MARGIN = 16.0
SAME, CORNER = 0.05, 7.0  # pixels: a difference too small to see; the radius of a turn
SMALLEST = 9.0 / LEAST_FONT  # a page shrinks a picture until print is 9 pixels high; then the picture scrolls
EDGE_WIDTH, ON_TRACK = 1.4, 2.6  # widths of an edge, as the style sheet has them
TIP, BEHIND = 5.0, 0.8  # size of an arrowhead in addition to its edge's width; its overlap with the edge
TRACK_GAP = 3.8  # distance between tracks that share an edge
LEAST_DECORATED = 480.0  # least width of a picture with legends or formulas


class Decoration(NamedTuple):
    """What is drawn over a scene."""

    tracks: tuple[Track, ...] = ()
    overlay: Overlay | None = None
    marks: Mapping[int, Mark] = MappingProxyType({})  # by card
    formulas: tuple[TypesetFormula, ...] = ()
    kinds: Mapping[int, str] = MappingProxyType({})  # by card: classes for one step of an animation
    edges: Mapping[tuple[int, int], str] = MappingProxyType({})  # by card and operand: the like for edges
    sizes: Sizes = FREE
    most: float | None = None  # the largest flow, where edges are as wide as what flows back along them


UNDECORATED = Decoration()


def size(scene: Scene, plan: Plan, title: str, decoration: Decoration = UNDECORATED) -> Extent:
    """Width and height, in pixels and in the picture's units."""
    w, h, head = _extents(scene, plan, text.clean(title), decoration)
    return extent(w + 2 * MARGIN, h + head.height + 2 * MARGIN, decoration.sizes)


def _extents(scene: Scene, plan: Plan, title: str, decoration: Decoration) -> tuple[float, float, Heading]:
    w, h = (plan.length, plan.breadth) if scene.direction == "LR" else (plan.breadth, plan.length)
    decorated = decoration.overlay is not None or decoration.formulas or decoration.most is not None
    decorated = decorated or any(track.legend or track.rules for track in decoration.tracks)
    w = max(w, LEAST_DECORATED) if decorated else w
    return w, h, heading(title, decoration.tracks, decoration.overlay, decoration.formulas, w, decoration.most)


def write(
    scene: Scene, plan: Plan, *, title: str, theme: str, prefix: str = "", decoration: Decoration = UNDECORATED,
    fixed: bool = False,
) -> str:
    """The whole SVG; the ids derive from the content and begin with `prefix`.

    A `fixed` one has no styles that need a page around it: CairoSVG reads `height:auto` as no height.
    """
    from hashlib import sha256

    title = text.clean(title)
    w, h, head = _extents(scene, plan, title, decoration)
    width, height, across, down = size(scene, plan, title, decoration)
    left, top = (across - w) / 2, (down - h - head.height) / 2
    body = "\n".join(_body(scene, plan, decoration))
    above = "\n".join(head.parts)
    name = f"{prefix}ag{sha256((title + above + body).encode()).hexdigest()[:10]}"
    shrinking = f'style="max-width:100%;min-width:{number(min(width, across * SMALLEST))}px;height:auto" '
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" class="autograd-core" '
        f'viewBox="0 0 {number(across)} {number(down)}" width="{number(width)}" height="{number(height)}" role="img" '
        f'{"" if fixed else shrinking}aria-labelledby="{name}-t {name}-d">'
    )
    rules = style(
        name,
        theme,
        scene.style,
        film=bool(decoration.kinds),
        plates=any(card.kind in ("plate", "fold") for card in scene.cards.values()),
        calm=CHANGED in decoration.marks.values(),
        strong=any(STRONG in track.colour for track in decoration.tracks),
    )
    lines = [
        opening,
        f'<title id="{name}-t">{text.xml(title or "Computation graph")}</title>',
        f'<desc id="{name}-d">{text.xml(scene.description)}</desc>',
        f"<style>{rules}</style>",
        '<rect class="bg" width="100%" height="100%" rx="6"/>',
    ]
    if above:
        lines.append(f'<g transform="translate({number(left)} {number(top)})">{above}</g>')
    lines += [
        f'<g transform="translate({number(left)} {number(top + head.height)})">',
        body.replace(' id="', f' id="{name}-'),
        "</g>",
    ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _body(scene: Scene, plan: Plan, decoration: Decoration) -> Iterator[str]:
    flip = scene.direction == "TB"
    on = emphasis(decoration.tracks, scene)
    for scope, box in plan.scopes.items():
        yield _scope(scope, box, flip=flip)
    edges = [(i, port) for i, card in scene.cards.items() for port in card.ports if not port.is_constant]
    for i, port in sorted(edges, key=lambda edge: (edge[0], edge[1].operand) in on.ports):  # those on tracks last
        tracks = on.ports.get((i, port.operand), [])
        kinds = [decoration.tracks[k].colour for k in tracks[:ACCENTS]]
        kind = f" on {kinds[0]}" if tracks else " dim" * bool(decoration.tracks)
        kind += decoration.edges.get((i, port.operand), "")
        route, most = plan.routes[i, port.operand], decoration.most
        yield from _edge(scene.cards[i], port, route, kind, kinds[1:], most, flip=flip)
    for scope, box in plan.scopes.items():
        yield _scope_name(scope, box, flip=flip)
    used = {port.source for card in scene.cards.values() for port in card.ports if not port.is_constant}
    for i, card in scene.cards.items():
        accent = Accent(decoration.kinds.get(i, ""), mark=decoration.marks.get(i))
        if decoration.tracks:
            kind = f" on {decoration.tracks[on.cards[i]].colour}" if i in on.cards else " dim"
            marked = {p.operand: on.ports[i, p.operand][0] for p in card.ports if (i, p.operand) in on.ports}
            ports = {operand: decoration.tracks[k].colour for operand, k in marked.items()}
            accent = accent._replace(kind=kind, ports=ports)
        yield KINDS[card.kind](card, plan.cards[i], accent, flip=flip, is_used=i in used, style=scene.style)


def _scope(scope: Scope, box: Box, *, flip: bool) -> str:
    x, y, w, h = rectangle(box, flip=flip)
    path = text.xml(scope[-1])
    return (
        f'<g data-scope="{path}"><title>scope {path}</title>'
        f'<rect class="scope" x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}" rx="8"/></g>'
    )


def _scope_name(scope: tuple[str, ...], box: Box, *, flip: bool) -> str:
    """The name of a scope, written after the edges and with a rim in the background's colour, as edges may cross it.

    The rim is a text of its own, because not every converter knows `paint-order`.
    """
    x, y, w, _ = rectangle(box, flip=flip)
    *outer, innermost = scope
    around = outer[-1] + "/" if outer else ""
    shown = text.fitted(innermost.removeprefix(around), 11, w - 18)
    rim, name = (words(kind, x + 9, y + 15, shown) for kind in ("scoperim", "scopename"))
    return rim.replace("<text", '<text aria-hidden="true"', 1) + name.replace(
        "<text", f'<text data-scope="{text.xml(innermost)}"', 1
    )


def _edge(
    user: Card, port: Port, route: list[Point], kind: str, others: Sequence[str], most: float | None, *, flip: bool
) -> Iterator[str]:
    """An edge with its arrowhead; where several tracks share it, they run side by side."""
    kind = " dead" * port.is_dead + " idle" * (port.is_idle and not port.is_dead) + kind
    wide = STRONGEST if STRONG in kind else ON_TRACK if " on " in kind else EDGE_WIDTH
    style = ""
    if most is not None:
        wide = width_of(port.flow, most)
        kind += " flow" + (" pos" if port.flow > 0 else " neg" if port.flow < 0 else "")
        style = f'style="stroke-width:{wide:.2f}" '
    is_tipped = user.kind != "junction" and port.height > TIP
    tip = TIP + wide if is_tipped else 0.0
    end, way = route[-1], _shortened(route, tip * BEHIND)
    lanes = [TRACK_GAP * (k - len(others) / 2) for k in range(len(others) + 1)]
    for lane, colour in zip(lanes[1:], others, strict=True):
        yield f'<path class="halo {colour}" d="{_curve(_beside(way, lane), flip=flip)}"/>'
    yield (
        f'<path id="e{user.node}.{port.operand}" class="edge{kind}" {style}data-from="{port.source}" '
        f'data-to="{user.node}" data-operand="{port.operand}" d="{_curve(_beside(way, lanes[0]), flip=flip)}">'
        f"<title>{text.xml(port.title)}</title></path>"
    )
    if is_tipped:
        half = (TIP + wide + TRACK_GAP * len(others)) / 2
        x, y = end
        corners = [(x - tip, y - half), end, (x - tip, y + half)]
        shape = "L".join(f"{number(b)} {number(a)}" if flip else f"{number(a)} {number(b)}" for a, b in corners)
        yield f'<path class="tip{kind}" d="M{shape}Z"/>'


def _shortened(route: list[Point], by: float) -> list[Point]:
    """The route without its last pixels along the flow, which the arrowhead covers."""
    x, y = route[-1]
    last = len(route) - 1
    while last and abs(route[last - 1][1] - y) < SAME and route[last - 1][0] > x - by:
        last -= 1
    return [*route[:last], (max(x - by, route[last - 1][0] if last else x - by), y)]


def _beside(route: list[Point], offset: float) -> list[Point]:
    """A route parallel to another one, `offset` pixels to its right."""
    points = [p for k, p in enumerate(route) if not k or _apart(p, route[k - 1])]
    if not offset or len(points) < 2:
        return points
    # Pieces begin and end along the flow, except for those that run across it; at a turn both normals add up.
    ways = [
        (math.copysign(1.0, x1 - x0), 0.0) if abs(x1 - x0) >= SAME else (0.0, math.copysign(1.0, y1 - y0))
        for (x0, y0), (x1, y1) in pairwise(points)
    ]
    moved = []
    for (x, y), (tx, ty), (ux, uy) in zip(points, [ways[0], *ways], [*ways, ways[-1]], strict=True):
        turns = (tx, ty) != (ux, uy) and tx * ux + ty * uy == 0
        moved.append((x - offset * (ty + uy * turns), y + offset * (tx + ux * turns)))
    return moved


def _curve(route: list[Point], *, flip: bool) -> str:
    """A route as a path: straight within layers, curved between them, rounded where it turns."""

    def at(x: float, y: float) -> str:
        return f"{number(y)} {number(x)}" if flip else f"{number(x)} {number(y)}"

    points = _without_straight_ones([p for k, p in enumerate(route) if not k or _apart(p, route[k - 1])])
    path = ["M" + at(*points[0])]
    for (x0, y0), (x, y), after in zip(points, points[1:], [*points[2:], None]):
        if abs(x - x0) >= SAME and abs(y - y0) > max(SAME, GENTLE * abs(x - x0)):
            bend = (x - x0) / 2
            path.append(f"C{at(x0 + bend, y0)} {at(x - bend, y)} {at(x, y)}")
        elif after is None or not _turns((x0, y0), (x, y), after):
            path.append("L" + at(x, y))
        else:
            (bx, by), (ax, ay) = _towards((x, y), (x0, y0)), _towards((x, y), after)
            path.append(f"L{at(bx, by)}C{at((bx + x) / 2, (by + y) / 2)} {at((ax + x) / 2, (ay + y) / 2)} {at(ax, ay)}")
    return "".join(path)


def _without_straight_ones(points: list[Point]) -> list[Point]:
    """The route without points inside straight lines along the flow, or nearly straight ones."""
    kept = points[:2]
    for (x, y), (x1, y1) in pairwise(points[1:]):
        x0, y0 = kept[-2]
        gentle = abs(y - y0) <= max(SAME, GENTLE * abs(x - x0)) and abs(y1 - y) <= max(SAME, GENTLE * abs(x1 - x))
        aside = abs((y1 - y0) * (x - x0) - (y - y0) * (x1 - x0))
        if (x - x0) * (x1 - x) > 0 and gentle and aside <= SAME * abs(x1 - x0):
            kept.pop()
        kept.append((x1, y1))
    return kept


def _apart(a: Point, b: Point) -> bool:
    return abs(a[0] - b[0]) >= SAME or abs(a[1] - b[1]) >= SAME


def _turns(a: Point, b: Point, c: Point) -> bool:
    """Whether the route turns at b from one axis to the other."""
    return any(abs(a[k] - b[k]) < SAME and abs(b[1 - k] - c[1 - k]) < SAME for k in (0, 1))


def _towards(a: Point, b: Point) -> Point:
    """The point near `a` on the way to `b`, where a rounded corner begins."""
    length = abs(a[0] - b[0]) + abs(a[1] - b[1])
    share = min(CORNER, length / 2) / length
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
