"""The SVG writer: a scene and its plan as text.

Every rule of the style sheet begins with the picture's own id, because a notebook puts the
sheets of all its pictures on one page. Groups carry `data-node`, `data-operand`, `data-scope`,
so that a script can find them.
"""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from .. import text
from ..layout.layered import GENTLE
from ..scene.highlight import ACCENTS, emphasis
from .card_svg import KINDS, Accent, number, rectangle, words
from .header import heading
from .theme import style

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..layout.layered import Point, Scope
    from ..layout.nested import Box, Plan
    from ..scene.cards import Port, Scene
    from ..scene.highlight import Track
    from ..scene.overlay import Mark, Overlay
    from .header import Heading, Set

MARGIN = 16.0
SAME, CORNER = 0.05, 7.0  # pixels too small to see; the radius of a turn
SMALLEST = 0.6  # how far a page may shrink the picture; beyond that it scrolls, to stay readable
LEAST_DRESSED = 480.0  # width of a picture with legends or formulas


class Dress(NamedTuple):
    """What is drawn over a scene."""

    tracks: tuple[Track, ...] = ()
    overlay: Overlay | None = None
    marks: Mapping[int, Mark] = MappingProxyType({})  # by card
    formulas: tuple[Set, ...] = ()
    kinds: Mapping[int, str] = MappingProxyType({})  # by card, further classes: of one step of an animation
    edges: Mapping[tuple[int, int], str] = MappingProxyType({})  # the same by card and operand


BARE = Dress()


def size(scene: Scene, plan: Plan, title: str, dress: Dress = BARE) -> tuple[float, float]:
    """Width and height in pixels."""
    w, h, head = _extents(scene, plan, text.clean(title), dress)
    return w + 2 * MARGIN, h + head.height + 2 * MARGIN


def _extents(scene: Scene, plan: Plan, title: str, dress: Dress) -> tuple[float, float, Heading]:
    w, h = (plan.length, plan.breadth) if scene.direction == "LR" else (plan.breadth, plan.length)
    dressed = dress.overlay is not None or dress.formulas or any(track.legend for track in dress.tracks)
    w = max(w, LEAST_DRESSED) if dressed else w
    return w, h, heading(title, dress.tracks, dress.overlay, dress.formulas, w)


def write(
    scene: Scene, plan: Plan, *, title: str, theme: str, prefix: str = "", dress: Dress = BARE, fixed: bool = False
) -> str:
    """The whole SVG; the ids derive from the content and begin with `prefix`.

    One of fixed size asks for nothing that only a page can give: CairoSVG takes `height:auto` for no height.
    """
    from hashlib import sha256

    title = text.clean(title)
    w, h, head = _extents(scene, plan, title, dress)
    width, height = w + 2 * MARGIN, h + head.height + 2 * MARGIN
    body = "\n".join(_body(scene, plan, dress))
    above = "\n".join(head.parts)
    name = f"{prefix}ag{sha256((title + above + body).encode()).hexdigest()[:10]}"
    shrinking = f'style="max-width:100%;min-width:{number(width * SMALLEST)}px;height:auto" '
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" class="autograd-core" '
        f'viewBox="0 0 {number(width)} {number(height)}" width="{number(width)}" height="{number(height)}" role="img" '
        f'{"" if fixed else shrinking}aria-labelledby="{name}-t {name}-d">'
    )
    lines = [
        opening,
        f'<title id="{name}-t">{text.xml(title or "Computation graph")}</title>',
        f'<desc id="{name}-d">{text.xml(scene.description)}</desc>',
        f"<style>{style(name, theme, scene.style, film=bool(dress.kinds))}</style>",
        '<rect class="bg" width="100%" height="100%" rx="6"/>',
    ]
    if above:
        lines.append(f'<g transform="translate({number(MARGIN)} {number(MARGIN)})">{above}</g>')
    lines += [
        f'<g transform="translate({number(MARGIN)} {number(MARGIN + head.height)})">',
        body.replace(' id="', f' id="{name}-'),
        "</g>",
    ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _body(scene: Scene, plan: Plan, dress: Dress) -> Iterator[str]:
    flip = scene.direction == "TB"
    on = emphasis(dress.tracks, scene)
    for scope, box in plan.scopes.items():
        yield _scope(scope, box, flip=flip)
    edges = [(i, port) for i, card in scene.cards.items() for port in card.ports if not port.is_constant]
    for i, port in sorted(edges, key=lambda edge: (edge[0], edge[1].operand) in on.ports):  # those on tracks last
        tracks = on.ports.get((i, port.operand), [])
        route = plan.routes[i, port.operand]
        yield from _halos(tracks, route, flip=flip)
        kind = f" on a{tracks[0] % ACCENTS}" if tracks else " dim" * bool(dress.tracks)
        kind += dress.edges.get((i, port.operand), "")
        yield _edge(i, port, route, kind, flip=flip)
    for scope, box in plan.scopes.items():
        yield _scope_name(scope, box, flip=flip)
    used = {port.source for card in scene.cards.values() for port in card.ports if not port.is_constant}
    for i, card in scene.cards.items():
        accent = Accent(dress.kinds.get(i, ""), mark=dress.marks.get(i))
        if dress.tracks:
            kind = f" on a{on.cards[i] % ACCENTS}" if i in on.cards else " dim"
            ports = {p.operand: on.ports[i, p.operand][0] for p in card.ports if (i, p.operand) in on.ports}
            accent = accent._replace(kind=kind, ports=ports)
        yield KINDS[card.kind](card, plan.cards[i], accent, flip=flip, is_used=i in used, style=scene.style)


def _halos(tracks: Sequence[int], route: list[Point], *, flip: bool) -> Iterator[str]:
    """An edge on several tracks: their colours side by side, the first in the middle."""
    for wider, track in reversed(list(enumerate(tracks[1:ACCENTS], start=1))):
        kind, width = f"halo a{track % ACCENTS}", 2.6 + 4 * wider
        yield f'<path class="{kind}" stroke-width="{width:g}" d="{_curve(route, flip=flip)}"/>'


def _scope(scope: Scope, box: Box, *, flip: bool) -> str:
    x, y, w, h = rectangle(box, flip=flip)
    path = text.xml(scope[-1])
    return (
        f'<g data-scope="{path}"><title>scope {path}</title>'
        f'<rect class="scope" x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}" rx="8"/></g>'
    )


def _scope_name(scope: tuple[str, ...], box: Box, *, flip: bool) -> str:
    """After the edges, with a rim of background, for an edge may come in behind it.

    The rim is a text of its own: not every converter knows `paint-order`.
    """
    x, y, w, _ = rectangle(box, flip=flip)
    *outer, innermost = scope
    around = outer[-1] + "/" if outer else ""
    shown = text.fitted(innermost.removeprefix(around), 11, w - 18)
    rim, name = (words(kind, x + 9, y + 15, shown) for kind in ("scoperim", "scopename"))
    return rim.replace("<text", '<text aria-hidden="true"', 1) + name.replace(
        "<text", f'<text data-scope="{text.xml(innermost)}"', 1
    )


def _edge(user: int, port: Port, route: list[Point], kind: str, *, flip: bool) -> str:
    dead = " dead" * port.is_dead + kind
    return (
        f'<path id="e{user}.{port.operand}" class="edge{dead}" data-from="{port.source}" data-to="{user}" '
        f'data-operand="{port.operand}" d="{_curve(route, flip=flip)}"><title>{text.xml(port.title)}</title></path>'
    )


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
