"""Nested scopes: each is laid out by itself, innermost first, and then placed as one item of the scope around it.

A single layout of all cards would not keep the cards of a scope together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ..text import numbered
from .layered import NAME_ROOM, PAD, Item, Joint, Level, Point, Scope
from .line_breaks import laid_out

if TYPE_CHECKING:
    from ..scene.cards import Card, Scene


class Box(NamedTuple):
    """A rectangle: corner and size, along the flow and across it."""

    along: float
    across: float
    length: float
    breadth: float


class Plan(NamedTuple):
    """The finished layout."""

    length: float
    breadth: float
    cards: dict[int, Box]  # a card's box does not include the chips before it
    scopes: dict[Scope, Box]
    routes: dict[tuple[int, int], list[Point]]  # by card and operand
    carried: int  # the most values that cross a line break; 0 without breaks


Endpoint = tuple[str, int | Scope]  # ("card", index), ("box", scope), ("entry", source), ("exit", source)


class Plot:
    """The contents of one scope: endpoints, and the edges between them."""

    def __init__(self) -> None:
        self.ends: dict[Endpoint, int] = {}
        self.joints: dict[Joint, None] = {}

    def at(self, end: Endpoint) -> int:
        """The index of an endpoint, which is added if it is new."""
        return self.ends.setdefault(end, len(self.ends))

    def join(self, source: int, start: Endpoint, end: Endpoint, port: int) -> None:
        """Add an edge, unless it is there."""
        self.joints[Joint(source, self.at(start), self.at(end), port)] = None


def plan(scene: Scene, engine: str, width: float = math.inf) -> Plan:
    """Lay out all cards; a level longer than `width` along the flow is broken into lines where these are readable."""
    homes: dict[int, Scope] = {i: card.scope for i, card in scene.cards.items()}
    return _put_together(scene, homes, _plots(scene, homes), engine, width)


def _plots(scene: Scene, homes: dict[int, Scope]) -> dict[Scope, Plot]:
    """The endpoints and edges of every scope; an edge between scopes has a piece in each scope that it passes."""
    plots: dict[Scope, Plot] = {(): Plot()}
    for i, home in homes.items():
        for depth in range(len(home)):
            plots.setdefault(home[: depth + 1], Plot())
            plots[home[:depth]].at(("box", home[: depth + 1]))
        plots[home].at(("card", i))
    # A constant is a chip at its user's port, so it has no card and no edge.
    for i, card in scene.cards.items():
        for port in card.ports:
            if not port.is_constant:
                for scope, start, end, key in pieces(port.source, i, port.operand, homes):
                    plots[scope].join(port.source, start, end, key)
    return plots


def pieces(
    source: int, user: int, operand: int, homes: dict[int, Scope]
) -> list[tuple[Scope, Endpoint, Endpoint, int]]:
    """The pieces of one edge, out of its scopes and into others, each as (scope, start, end, port)."""
    # Up from the source to the innermost common scope, across it, and down to the user. A piece that leaves or enters
    # a box is named by its source: all edges of one value share one door in the box.
    a, b = homes[source], homes[user]
    common = 0
    while common < min(len(a), len(b)) and a[common] == b[common]:
        common += 1
    found: list[tuple[Scope, Endpoint, Endpoint, int]] = []
    start: Endpoint = ("card", source)
    for depth in range(len(a), common, -1):
        found.append((a[:depth], start, ("exit", source), source))
        start = ("box", a[:depth])
    for depth in range(common, len(b)):
        found.append((b[:depth], start, ("box", b[: depth + 1]), source))
        start = ("entry", source)
    found.append((b, start, ("card", user), operand))
    return found


def _put_together(
    scene: Scene, homes: dict[int, Scope], plots: dict[Scope, Plot], engine: str, width: float
) -> Plan:
    levels: dict[Scope, Level] = {}
    boxes: dict[Scope, Item] = {}
    # Innermost scopes first: a box's size and doors must be known before the scope around it is laid out.
    for scope in sorted(plots, key=len, reverse=True):
        plot = plots[scope]
        items = _numbered(plot, [_item(end, scene, boxes) for end in plot.ends], scene)
        # Less room the deeper a scope is, since each box around it has padding on both sides.
        level = laid_out(items, list(plot.joints), engine, width - 2 * PAD * len(scope))
        levels[scope] = level
        boxes[scope] = _boxed(plot, items, level, scene.direction)
    # Then outermost first, turning coordinates relative to a scope into coordinates of the picture.
    corner: dict[Scope, Point] = {(): (0.0, 0.0)}
    cards: dict[int, Box] = {}
    frames: dict[Scope, Box] = {}
    before, beside = _padding(scene.direction)
    for scope in sorted(plots, key=len):
        x0, y0 = corner[scope]
        for (kind, what), v in plots[scope].ends.items():
            if kind not in ("card", "box"):  # entries and exits are points on the box's side
                continue
            x, y = levels[scope].corners[v]
            if isinstance(what, tuple):
                item = boxes[what]
                corner[what] = (x0 + x + before, y0 + y + beside)
                frames[what] = Box(x0 + x, y0 + y, item.along, item.across)
            else:
                chip = scene.cards[what].chip  # an item is its card and, before it, the room for chips
                length, breadth = _extent(scene.cards[what], scene.direction)
                cards[what] = Box(x0 + x + chip, y0 + y, length, breadth)
    routes: dict[tuple[int, int], list[Point]] = {}
    for i, card in scene.cards.items():
        for port in card.ports:
            if port.is_constant:
                continue
            # A route is its pieces one after the other; they meet at the doors, whose positions both levels share.
            route: list[Point] = []
            for scope, _, end, key in pieces(port.source, i, port.operand, homes):
                x0, y0 = corner[scope]
                piece = levels[scope].routes[port.source, plots[scope].ends[end], key]
                route += [(x0 + x, y0 + y) for x, y in piece]
            routes[i, port.operand] = route
    whole = levels[()]
    # `carried` is compared when a direction is chosen: a picture with many values between lines reads badly.
    return Plan(whole.along, whole.across, cards, frames, routes, max(level.carried for level in levels.values()))


def _padding(direction: str) -> tuple[float, float]:
    """Room before a scope's content, along the flow and across it, with space for its name on the upper side."""
    return (PAD, PAD + NAME_ROOM) if direction == "LR" else (PAD + NAME_ROOM, PAD)


def _extent(card: Card, direction: str) -> tuple[float, float]:
    return (card.width, card.height) if direction == "LR" else (card.height, card.width)


def _item(end: Endpoint, scene: Scene, boxes: dict[Scope, Item]) -> Item:
    kind, what = end
    if isinstance(what, tuple):
        return boxes[what]
    # A door takes no room; as an item it is ordered with the cards, so that edges meet it without crossing.
    if kind != "card":
        return Item(0.0, 0.0, what, kind)
    card = scene.cards[what]
    length, breadth = _extent(card, scene.direction)
    enters = {port.operand: port.at for port in card.ports}
    return Item(length + card.chip, breadth, what, "row" if card.is_row else "low" if card.is_low else "card", enters)


def _numbered(plot: Plot, items: list[Item], scene: Scene) -> list[Item]:
    """The items, with ties between siblings whose names differ in a number only broken by that number."""
    called = {}
    for v, (kind, what) in enumerate(plot.ends):
        if isinstance(what, tuple):
            called[v] = what[-1]
        elif kind == "card" and (scene.cards[what].folded or scene.cards[what].is_leaf):
            called[v] = scene.cards[what].folded or scene.cards[what].label
    scopes = sorted(called, key=lambda v: items[v].first)
    firsts = [items[v].first for v in scopes]
    for first, k in zip(firsts, numbered([called[v] for v in scopes]), strict=True):
        items[scopes[k]] = items[scopes[k]]._replace(first=first)
    # Their exits follow the same order: otherwise edges would cross at the doors.
    begins = {joint.end: joint.start for joint in plot.joints}
    doors = [v for v, (kind, _) in enumerate(plot.ends) if kind == "exit"]
    firsts = sorted(items[v].first for v in doors)
    for first, v in zip(firsts, sorted(doors, key=lambda v: (items[begins[v]].first, items[v].first)), strict=True):
        items[v] = items[v]._replace(first=first)
    return items


def _boxed(plot: Plot, items: list[Item], level: Level, direction: str) -> Item:
    """A finished scope as an item of the scope around it."""
    # Its doors: where each value enters and leaves, measured from the middle of its side, as ports of a card are.
    before, beside = _padding(direction)
    along, across = level.along + before + PAD, level.across + beside + PAD
    sides: dict[str, dict[int, float]] = {"entry": {}, "exit": {}}
    for (kind, what), v in plot.ends.items():
        if kind in sides and isinstance(what, int):
            sides[kind][what] = level.corners[v][1] + beside - across / 2
    # Entries do not count for a box's position in the order: all neurons of a layer have the same inputs.
    first = min(item.first for (kind, _), item in zip(plot.ends, items, strict=True) if kind != "entry")
    return Item(along, across, first, "box", sides["entry"], sides["exit"])
