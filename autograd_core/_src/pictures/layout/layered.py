"""Lays out one level: layers along the flow, coordinates across it, and edge routes that avoid the cards.

Sugiyama's method (1981): assign a layer to each card, add a point on every layer that an edge passes,
order each layer with few crossings, then assign coordinates. Two things are our own. All edges from one
value share one trunk, so a value with many users is one line that branches. And each scope is laid out by
itself and then placed as one large card in the scope around it (`nested`).

Coordinates here are (along the flow, across it); `svg` maps them to x and y (docs/adr/0006).
"""

from __future__ import annotations

from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ..topology import sorted_topologically
from .crossings import ENGINES, MANY_LINKS, Link

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

Point = tuple[float, float]
INF = float("inf")
Scope = tuple[str, ...]  # the paths of the scopes around: ("layer1", "layer1/neuron0")
GAP, SMALL_GAP, LANE = 14.0, 4.0, 11.0  # between cards, between low cards, beside a passing edge
CHANNEL, DOOR = 30.0, 16.0  # least distance between two layers; the same next to a scope's side
THIN_KINDS = frozenset({"point", "entry", "exit"})  # items without extent along the flow
BENT = 3.0  # an edge that deviates from a straight line by fewer pixels needs no room to bend
NEARLY = 26.0  # a card is moved by up to so many pixels to straighten the edge from its only operand
ONE_COLUMN = 16  # more one-line cards before one user are put into two columns
TAUT, GENTLE = 3.0, 0.12  # pixels by which a trunk may be moved to be straight, and the steepest slope of its lines
PASSES, HASTY_PASSES = 12, 6  # relaxation passes over the coordinates, and those of large graphs
PAD, NAME_ROOM = 10.0, 18.0  # within a scope's box: at its sides, and for its name
NOWHERE: Mapping[int, float] = MappingProxyType({})  # no ports: every edge ends at the middle of the side


class Item(NamedTuple):
    """Something in a layer: a card, a scope's box, or a point that an edge passes."""

    along: float
    across: float
    first: int  # the least topological index within it; breaks ties, so that layouts are reproducible
    kind: str  # "card", "row" (a card of one line), "low" (of two), "box", "entry", "exit", "point"
    enters: Mapping[int, float] = NOWHERE  # offset of a port from the middle, by operand (of a box by source)
    leaves: Mapping[int, float] = NOWHERE  # by source


class Joint(NamedTuple):
    """An edge between two items of one level."""

    source: int  # the card whose value it carries
    start: int
    end: int
    port: int


class Level(NamedTuple):
    """One scope, laid out: its items' corners and its edges' routes, relative to its own corner."""

    along: float
    across: float
    corners: dict[int, Point]
    routes: dict[tuple[int, int, int], list[Point]]  # by source, end, port
    carried: int = 0  # the most values that cross a line break


# Levels that are laid out already, while several layouts of one graph are compared: most levels recur in several.
ARRANGED: ContextVar[dict[Hashable, Level] | None] = ContextVar("ARRANGED", default=None)


def arrange(items: Sequence[Item], joints: Sequence[Joint], engine: str) -> Level:
    """Lay out one level."""
    known = ARRANGED.get()
    if known is None:
        return _arranged(items, joints, engine)
    key = (engine, *joints, *((*item[:4], *item.enters.items(), None, *item.leaves.items()) for item in items))
    if key not in known:
        known[key] = _arranged(items, joints, engine)
    return known[key]


def _arranged(items: Sequence[Item], joints: Sequence[Joint], engine: str) -> Level:
    rank = ranks(items, joints)
    count = max(rank) + 1
    items = list(items)
    layers: list[list[int]] = [[] for _ in range(count)]
    for v in sorted(range(len(items)), key=lambda v: items[v].first):
        layers[rank[v]].append(v)
    trunks = _trunks(items, joints, rank, layers)
    links = _links(items, joints, rank, trunks)
    # An edge now spans one layer only, so the engine sees a passing trunk as one more thing to order.
    layers = ENGINES[engine](layers, [_fraction(items, link) for link in links])
    across = _coordinates(items, layers, links)
    starts, widths, total = _columns(items, layers, links, rank, across)
    corners: dict[int, Point] = {}
    for v, item in enumerate(items):
        if item.kind != "point":
            k = rank[v]
            # Aligned at the end of its layer, where values leave: so all of a layer's edges start at one line.
            corners[v] = (starts[k] + widths[k] - item.along, across[v] - item.across / 2)
    taut = {source: _taut(trunk, across, starts, widths) for source, trunk in trunks.items()}
    routes: dict[tuple[int, int, int], list[Point]] = {}
    for joint in joints:
        a, b = rank[joint.start], rank[joint.end]
        y = across[joint.start] + items[joint.start].leaves.get(joint.source, 0.0)
        points = [(corners[joint.start][0] + items[joint.start].along, y), (starts[a] + widths[a], y)]
        # On a layer that it passes, a route follows its trunk, whose place is kept free of cards.
        for k in range(a + 1, b):
            points += taut[joint.source][k]
        y = across[joint.end] + items[joint.end].enters.get(joint.port, 0.0)
        points += [(starts[b], y), (corners[joint.end][0], y)]
        routes[joint.source, joint.end, joint.port] = points
    extent = max((across[v] + item.across / 2 for v, item in enumerate(items)), default=0.0)
    return Level(total, extent, corners, routes)


def ranks(items: Sequence[Item], joints: Sequence[Joint]) -> list[int]:
    """The layer of each item: its longest path from the sources; items without operands move next to their user."""
    # Longest paths make every edge lead forward. Left in layer 0, the weights of a deep network would be a tall
    # column with an edge across all layers each.
    rank = [0] * len(items)
    into: list[list[int]] = [[] for _ in items]
    out: list[list[int]] = [[] for _ in items]
    for joint in joints:
        into[joint.end].append(joint.start)
        out[joint.start].append(joint.end)
    for v in sorted_topologically(into):
        rank[v] = max((rank[u] + 1 for u in into[v]), default=0)
    # Exits of a scope are at its far side, whatever layer their value is in; entries stay in layer 0.
    last = max((r + (items[v].kind != "exit") for v, r in enumerate(rank)), default=0)
    for v, item in enumerate(items):
        if item.kind == "exit":
            rank[v] = last
        elif item.kind != "entry" and not into[v] and out[v]:
            rank[v] = min(rank[u] for u in out[v]) - 1
    _place_loose(items, [v for v in range(len(items)) if not into[v] and not out[v]], rank)
    return _in_two_columns(items, joints, rank, out)


def _place_loose(items: Sequence[Item], loose: Sequence[int], rank: list[int]) -> None:
    """Put items without edges, such as the card about a plate's copies, where they need the least room."""
    if not loose or len(loose) == len(items):
        return
    along, across = [0.0] * (max(rank) + 1), [0.0] * (max(rank) + 1)
    for v, item in enumerate(items):
        if v not in loose:
            along[rank[v]] = max(along[rank[v]], item.along)
            across[rank[v]] += item.across + GAP
    for v in loose:
        widest = max(across)

        def added(k: int, item: Item = items[v], widest: float = widest) -> float:
            return max(0.0, item.along - along[k]) + max(0.0, across[k] + item.across + GAP - widest)

        rank[v] = k = min(range(len(along)), key=added)
        along[k] = max(along[k], items[v].along)
        across[k] += items[v].across + GAP


def _in_two_columns(
    items: Sequence[Item], joints: Sequence[Joint], rank: list[int], out: Sequence[Sequence[int]]
) -> list[int]:
    """Put many one-line cards before one user into two columns, by moving every other one a layer back."""
    before: dict[int, list[tuple[float, int]]] = {}
    for joint in joints:
        if items[joint.start].kind == "row" and len(out[joint.start]) == 1:
            at = items[joint.end].enters.get(joint.port, 0.0)
            before.setdefault(joint.end, []).append((at, joint.start))
    for rows in before.values():
        if len(rows) > ONE_COLUMN:
            for _, u in sorted(rows)[::2]:
                rank[u] -= 1
    if min(rank) < 0:
        return [0 if item.kind == "entry" else r + 1 for item, r in zip(items, rank)]
    return rank


def _trunks(
    items: list[Item], joints: Sequence[Joint], rank: list[int], layers: list[list[int]]
) -> dict[int, dict[int, int]]:
    """A point on every layer that a source's edges pass, by source and layer; adds the points to `items`."""
    # One per source and not per edge: a value with ten users takes one lane and branches next to each user.
    reach: dict[int, tuple[int, int]] = {}
    for joint in joints:
        start, end = reach.get(joint.source, (rank[joint.start], 0))
        reach[joint.source] = start, max(end, rank[joint.end])
    trunks: dict[int, dict[int, int]] = {}
    for source, (start, end) in reach.items():
        trunks[source] = {}
        for k in range(start + 1, end):
            trunks[source][k] = len(items)
            layers[k].append(len(items))
            rank.append(k)
            items.append(Item(0.0, 0.0, source, "point"))
    return trunks


def _links(
    items: list[Item], joints: Sequence[Joint], rank: list[int], trunks: dict[int, dict[int, int]]
) -> list[Link]:
    """The pieces of all edges between neighbouring layers, with offsets in pixels; shared pieces once."""
    found: dict[tuple[int, int, float], Link] = {}
    for joint in joints:
        u, leaves = joint.start, items[joint.start].leaves.get(joint.source, 0.0)
        for k in range(rank[joint.start] + 1, rank[joint.end]):
            v = trunks[joint.source][k]
            found.setdefault((u, v, 0.0), Link(u, v, leaves, 0.0))
            u, leaves = v, 0.0
        enters = items[joint.end].enters.get(joint.port, 0.0)
        found[u, joint.end, enters] = Link(u, joint.end, leaves, enters)
    return list(found.values())


def _fraction(items: Sequence[Item], link: Link) -> Link:
    above, below = items[link.above].across or 1.0, items[link.below].across or 1.0
    return Link(link.above, link.below, link.leaves / above, link.enters / below)


def _coordinates(items: Sequence[Item], layers: Sequence[Sequence[int]], links: Sequence[Link]) -> list[float]:
    """The middle of each item across the flow, as near to its neighbours as the order and the sizes allow.

    Each layer in turn gets the exact least-squares solution (pooling of adjacent violators, Ayer 1955).
    """
    # Pieces between points weigh more, so that long lines stay straight.
    ends: list[list[tuple[int, float, float]]] = [[] for _ in items]
    for u, v, leaves, enters in links:
        straight = 4.0 if items[u].kind in THIN_KINDS and items[v].kind in THIN_KINDS else 1.0
        ends[u].append((v, enters - leaves, straight))
        ends[v].append((u, leaves - enters, straight))
    place = [0.0] * len(items)
    depth = {v: k for k, vertices in enumerate(layers) for v in vertices}
    offsets = [_stacked(items, vertices) for vertices in layers]
    for vertices, stack in zip(layers, offsets):
        for v, y in zip(vertices, stack):
            place[v] = y - stack[-1] / 2
    passes = HASTY_PASSES if len(links) > MANY_LINKS else PASSES
    # Passes go forth and back and look at the layers behind them only; the last two look at both sides.
    above = [[end for end in found if depth[end[0]] < depth[v]] for v, found in enumerate(ends)]
    below = [[end for end in found if depth[end[0]] >= depth[v]] for v, found in enumerate(ends)]
    weights = {id(sides): [sum([w for _, _, w in near]) for near in sides] for sides in (ends, above, below)}
    for turn in range(passes):
        forth = turn % 2 == 0
        sides = ends if turn >= passes - 2 else above if forth else below
        total = weights[id(sides)]
        for k in range(len(layers)) if forth else range(len(layers) - 1, -1, -1):
            wanted = []
            for v in layers[k]:
                if not total[v]:
                    wanted.append(place[v])
                    continue
                y = 0.0
                for u, d, w in sides[v]:
                    y += (place[u] + d) * w
                wanted.append(y / total[v])
            if len(wanted) == 1:
                place[layers[k][0]] = wanted[0]
                continue
            for v, y in zip(layers[k], _pooled(wanted, [total[v] or 0.01 for v in layers[k]], offsets[k])):
                place[v] = y
    _straighten(items, layers, ends, depth, place)
    _draw_in(items, layers, ends, place)
    top = min(place[v] - item.across / 2 for v, item in enumerate(items))
    return [y - top for y in place]


def _draw_in(
    items: Sequence[Item],
    layers: Sequence[Sequence[int]],
    ends: Sequence[Sequence[tuple[int, float, float]]],
    place: list[float],
) -> None:
    """Move a layer that sticks out because of an item without edges, as far as the others reach at its other side."""
    for vertices in layers:
        others = [v for other in layers if other is not vertices for v in other]
        if not others or all(ends[v] for v in vertices):
            continue
        (top, bottom), (first, last) = (
            (min(place[v] - items[v].across / 2 for v in some), max(place[v] + items[v].across / 2 for v in some))
            for some in (others, vertices)
        )
        move = min(max(top - first, 0.0), max(bottom - last, 0.0)) - min(max(last - bottom, 0.0), max(first - top, 0.0))
        for v in vertices:
            place[v] += move


def _straighten(
    items: Sequence[Item],
    layers: Sequence[Sequence[int]],
    ends: Sequence[Sequence[tuple[int, float, float]]],
    depth: dict[int, int],
    place: list[float],
) -> None:
    """Straighten trunks where their neighbours leave room, and edges that are nearly straight."""
    # Least squares spreads a deviation over many small bends, which look like mistakes. Orders and distances stay.
    rooms = [_stacked(items, vertices) for vertices in layers]
    at = {v: i for vertices in layers for i, v in enumerate(vertices)}

    def room(v: int) -> tuple[float, float]:
        k, i = depth[v], at[v]
        row, stack = layers[k], rooms[k]
        low = place[row[i - 1]] + stack[i] - stack[i - 1] if i else -INF
        high = place[row[i + 1]] - stack[i + 1] + stack[i] if i + 1 < len(row) else INF
        return low, high

    runs: dict[int, list[int]] = {}
    for vertices in layers:
        for v in vertices:
            if items[v].kind == "point":
                runs.setdefault(items[v].first, []).append(v)
    for run in runs.values():
        bounds = [room(v) for v in run]
        low, high = max(b[0] for b in bounds), min(b[1] for b in bounds)
        if low <= high:
            y = min(max(sum(place[v] for v in run) / len(run), low), high)
            for v in run:
                place[v] = y
    for k, vertices in enumerate(layers):
        for v in vertices:
            before = [place[u] + d for u, d, _ in ends[v] if depth[u] < k]
            if len(before) == 1 and items[v].kind != "point" and abs(before[0] - place[v]) < NEARLY:
                low, high = room(v)
                place[v] = min(max(before[0], low), high)


def _taut(
    trunk: Mapping[int, int], across: Sequence[float], starts: Sequence[float], widths: Sequence[float]
) -> dict[int, list[Point]]:
    """Where a trunk passes its layers, drawn with few straight lines that miss no point by more than TAUT.

    Each line is the longest possible from its beginning (sleeve fitting; J. Sklansky and V. Gonzalez, 1980).
    """
    # `low` and `high` bound the slopes that still pass near all points so far; when they cross, a new line begins.
    ways = [(starts[k] + x, across[v], k) for k, v in trunk.items() for x in (0.0, widths[k])]
    heights = [y for _, y, _ in ways]
    begin = 0
    while begin < len(ways) - 1:
        x0, y0, _ = ways[begin]
        low, high = -GENTLE, GENTLE
        end = begin + 1
        for i in range(begin + 1, len(ways)):
            x, y, _ = ways[i]
            if x > x0:
                if low <= (y - y0) / (x - x0) <= high:
                    end = i
                low, high = max(low, (y - TAUT - y0) / (x - x0)), min(high, (y + TAUT - y0) / (x - x0))
                if low > high:
                    break
        x1, y1, _ = ways[end]
        for i in range(begin + 1, end):
            heights[i] = y0 + (y1 - y0) * (ways[i][0] - x0) / (x1 - x0)
        begin = end
    passed: dict[int, list[Point]] = {k: [] for k in trunk}
    for (x, _, k), y in zip(ways, heights):
        passed[k].append((x, y))
    return passed


def _stacked(items: Sequence[Item], vertices: Sequence[int]) -> list[float]:
    """The least offset of each item's middle from the first one's, if the items are stacked in this order."""
    y, stack, before = 0.0, [], None
    for v in vertices:
        item = items[v]
        if before is not None:
            y += (before.across + item.across) / 2 + _gap(before, item)
        stack.append(y)
        before = item
    return stack


def _gap(a: Item, b: Item) -> float:
    if a.kind in THIN_KINDS or b.kind in THIN_KINDS:
        return SMALL_GAP if "row" in (a.kind, b.kind) else LANE
    return SMALL_GAP if a.kind == b.kind and a.kind in ("row", "low") else GAP


def _pooled(wanted: Sequence[float], weights: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """The coordinates nearest to the wanted ones that are at least the distances in `offsets` apart."""
    # Less their offsets, coordinates need only be non-decreasing: isotonic regression. Neighbours that would pass each
    # other are pooled into one block at their weighted mean; that is optimal, and takes linear time.
    blocks: list[tuple[float, float, int]] = []  # weighted mean, weight, number of items
    for y, weight, offset in zip(wanted, weights, offsets):
        mean, total, n = y - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, w, m = blocks.pop()
            mean = (mean * total + other * w) / (total + w)
            total, n = total + w, n + m
        blocks.append((mean, total, n))
    means = (mean for mean, _, n in blocks for _ in range(n))
    return [mean + offset for mean, offset in zip(means, offsets)]


def _columns(
    items: Sequence[Item], layers: Sequence[Sequence[int]], links: Sequence[Link], rank: Sequence[int],
    across: Sequence[float],
) -> tuple[list[float], list[float], float]:
    """Where each layer begins, how wide it is, and the level's length."""
    widths = [max((items[v].along for v in vertices), default=0.0) for vertices in layers]
    bent = [link for link in links if abs(across[link.above] + link.leaves - across[link.below] - link.enters) > BENT]
    busy = _busy(bent, rank, len(layers))
    starts, x = [], 0.0
    for k, n in enumerate(busy):
        starts.append(x)
        x += widths[k] + channel(n, (DOOR if n else DOOR / 2) if 0.0 in widths[k : k + 2] else CHANNEL)
    return starts, widths, starts[-1] + widths[-1]


def _busy(links: Sequence[Link], rank: Sequence[int], count: int) -> list[int]:
    busy = [0] * count
    for link in links:
        busy[rank[link.above]] += 1
    return busy


def busy_channels(items: Sequence[Item], joints: Sequence[Joint], rank: Sequence[int]) -> list[int]:
    """How many links lead from each layer to the next."""
    items, rank = list(items), list(rank)
    count = max(rank) + 1
    trunks = _trunks(items, joints, rank, [[] for _ in range(count)])
    return _busy(_links(items, joints, rank, trunks), rank, count)


def channel(links: int, least: float = CHANNEL) -> float:
    """The distance between two layers with `links` links between them."""
    return min(90.0, max(least, 22 + 2.5 * links if links > 3 else 0.0))
