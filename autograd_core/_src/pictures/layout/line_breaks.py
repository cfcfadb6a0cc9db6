"""Breaks a long level into lines, like those of a text: it is cut between layers, and each line is laid out by itself.

A value that a break crosses leaves its line at the right, runs back in the gutter below, and goes down at the
left to the lines that use it. Each such value has its own lane on all three sides; at the right the lanes are
nested, so that they do not cross. The breaks are found by dynamic programming, as those of a paragraph are
(D. Knuth and M. Plass, 1981). They prefer low lines, few values across a break, and lines of similar length.
Cutting a finished layout was rejected: lines would keep the height of the tallest one (docs/adr/0007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .layered import CHANNEL, GAP, LANE, Item, Joint, Level, Point, arrange, busy_channels, channel, ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_CARRIED = 6  # values across one break; with more, lines are harder to read than one long line
GUTTER = 22.0  # between two lines, besides the lanes
CARRIED_COST = 40.0  # cost of a value that crosses a break, in pixels of height
UNEVEN_COST = 120.0  # cost of an empty line compared with a full one, in pixels of height
SLACK = 1.02  # widths up to this ratio count as equal
TRIES = 4  # a line's width is estimated before its layout and known after it, so breaks are tried again


class Outline(NamedTuple):
    """Estimates of a level before it is laid out, by layer."""

    rank: list[int]  # the layer of every item; sources are next to their first user
    lengths: list[float]  # along the flow, of items with operands
    lead: list[float]  # along the flow, of the sources that a line with this layer at its beginning puts before it
    gaps: list[float]  # the distance to the next layer
    heights: list[float]
    carried: list[int]  # values that a break before this layer crosses


def laid_out(items: Sequence[Item], joints: Sequence[Joint], engine: str, width: float) -> Level:
    """Lay out one level, broken into lines if it is longer than `width` and the lines are readable."""
    level = arrange(items, joints, engine)
    if level.along > width:
        level = _broken(level, items, joints, engine, width)
    joined = {v for joint in joints for v in (joint.start, joint.end)}
    if not joined or len(joined) == len(items):
        return level
    below = _with_loose_below(items, joints, engine, width, sorted(joined))
    is_narrower = below.along < level.along and (level.along > width or below.across <= SLACK * level.across)
    return below if is_narrower else level


def _with_loose_below(
    items: Sequence[Item], joints: Sequence[Joint], engine: str, width: float, joined: Sequence[int]
) -> Level:
    """A level in lines, with items without edges, such as the card about a plate's copies, below all others."""
    place = {v: k for k, v in enumerate(joined)}
    inner = [Joint(source, place[start], place[end], port) for source, start, end, port in joints]
    rest = laid_out([items[v] for v in joined], inner, engine, width)
    loose = [v for v in range(len(items)) if v not in place]
    total = max(rest.along, *(items[v].along for v in loose))
    corners = {v: rest.corners[k] for v, k in place.items()}
    routes = {(source, joined[end], port): [*route] for (source, end, port), route in rest.routes.items()}
    for v in joined:
        if items[v].kind == "exit":  # at the far side
            corners[v] = (total, corners[v][1])
    for (source, end, port), route in routes.items():
        if items[end].kind == "exit" and route[-1][0] < total:
            routes[source, end, port] = [*route, (total, route[-1][1])]
    down = rest.across
    for v in loose:
        corners[v] = (0.0, down + GAP)
        down += GAP + items[v].across
    return Level(total, down, corners, routes, rest.carried)


def _broken(level: Level, items: Sequence[Item], joints: Sequence[Joint], engine: str, width: float) -> Level:
    """A level that is too long, broken into lines."""
    outline = _outline(items, joints)
    tried = [level]
    goal = width
    for last in (False,) * TRIES + (True,):
        if last:  # an item that cannot be cut is wider than the page; then all lines may be as wide
            goal = SLACK * min(level.along for level in tried)
        rows = _break(outline, goal)
        if len(set(rows)) == 1:
            break
        level = _in_lines(items, joints, engine, rows)
        if level.along <= width:
            return level
        tried.append(level)
        goal -= max(CHANNEL, level.along - width)
    # Nothing fits: of the narrowest layouts the lowest, since whatever is too wide is shrunk as a whole.
    least = SLACK * min(level.along for level in tried)
    return min((level for level in tried if level.along <= least), key=lambda level: level.across)


def _outline(items: Sequence[Item], joints: Sequence[Joint]) -> Outline:
    rank = ranks(items, joints)
    users: list[list[int]] = [[] for _ in items]
    has_operands = [False] * len(items)
    for joint in joints:
        users[joint.start].append(joint.end)
        has_operands[joint.end] = True
    gaps = [channel(n) for n in busy_channels(items, joints, rank)]
    for joint in joints:  # an exit belongs to the line of the value that leaves
        if items[joint.end].kind == "exit":
            rank[joint.end] = rank[joint.start]
    count = max(rank) + 1
    lengths, lead, heights = [0.0] * count, [0.0] * count, [-GAP] * count
    for v, item in enumerate(items):
        heights[rank[v]] += item.across + GAP
        if has_operands[v] or not users[v] or item.kind == "box":  # a box may have a line of its own
            lengths[rank[v]] = max(lengths[rank[v]], item.along)
        else:
            rank[v] = min(rank[u] for u in users[v])
            lead[rank[v]] = max(lead[rank[v]], item.along)
    carried = [0] * (count + 1)
    reach: dict[int, tuple[int, int]] = {}
    for joint in joints:
        start, end = reach.get(joint.source, (rank[joint.start], 0))
        reach[joint.source] = start, max(end, rank[joint.end])
    for start, end in reach.values():
        for k in range(start + 1, end + 1):
            carried[k] += 1
    return Outline(rank, lengths, lead, gaps, heights, carried)


def _break(outline: Outline, width: float) -> list[int]:
    """The line of every item."""
    # best[k] is the least cost of lines for the layers before k, and first[k] where the last of these lines begins.
    count = len(outline.lengths)
    best = [0.0] + [float("inf")] * count
    first = [0] * (count + 1)
    for start in range(count):
        if outline.carried[start] > MOST_CARRIED:
            continue
        length = outline.lead[start] + (outline.gaps[start - 1] if start else 0.0)
        # A line begins with the sources of its first layer, which make up a layer of their own.
        height = outline.heights[start - 1] if start and outline.lead[start] else 0.0
        cuttable = False  # whether the line could end somewhere so far
        cut = (GUTTER + outline.carried[start] * (LANE + CARRIED_COST)) if start else 0.0
        for end in range(start + 1, count + 1):
            last = end - 1
            length += max(outline.lengths[last], outline.lead[end] if end < count else 0.0)
            height = max(height, outline.heights[last])
            used = length + 2 * LANE * outline.carried[end]
            # A line that is too wide is kept only if it cannot end earlier: some breaks would cross too many values.
            if used > width and cuttable:
                break
            length += outline.gaps[last]
            if outline.carried[end] > MOST_CARRIED:
                continue
            cuttable = True
            cost = best[start] + cut + height + UNEVEN_COST * max(0.0, 1 - used / width) ** 2
            if cost < best[end]:
                best[end], first[end] = cost, start
    rows = [0] * count
    end, row = count, 0
    while end:
        for k in range(first[end], end):
            rows[k] = row
        end, row = first[end], row + 1
    kept = sorted({rows[r] for r in outline.rank}, reverse=True)  # a layer of sources alone is empty here
    return [kept.index(rows[r]) for r in outline.rank]


class Row:
    """One line: its items and edges, with an entry or an exit for each value that a break crosses."""

    def __init__(self) -> None:
        self.ends: dict[tuple[str, int], int] = {}  # endpoints: ("item", index), ("entry", source), ("exit", source)
        self.joints: dict[Joint, None] = {}

    def at(self, kind: str, what: int) -> int:
        """The index of an endpoint, which is added if it is new."""
        return self.ends.setdefault((kind, what), len(self.ends))

    def join(self, source: int, start: int, end: int, port: int) -> None:
        """Add an edge, unless it is there."""
        self.joints[Joint(source, start, end, port)] = None


def _in_lines(items: Sequence[Item], joints: Sequence[Joint], engine: str, rows: Sequence[int]) -> Level:
    parts = [Row() for _ in range(max(rows) + 1)]
    for v, row in enumerate(rows):
        parts[row].at("item", v)
    for source, start, end, port in joints:
        leaves, enters = parts[rows[start]], parts[rows[end]]
        at = leaves.at("item", start)
        if leaves is not enters:
            leaves.join(source, at, leaves.at("exit", source), source)
            at = enters.at("entry", source)
        enters.join(source, at, enters.at("item", end), port)
    levels = []
    for part in parts:
        within = [items[what] if kind == "item" else Item(0.0, 0.0, what, kind) for kind, what in part.ends]
        levels.append(arrange(within, list(part.joints), engine))
    return _joined(items, joints, rows, parts, levels)


def _joined(
    items: Sequence[Item], joints: Sequence[Joint], rows: Sequence[int], parts: Sequence[Row], levels: Sequence[Level]
) -> Level:
    """Stack the lines, and lead the values that cross breaks along their lanes."""
    leaving: list[list[int]] = []  # for each line the values that leave it, from the lowest to the highest
    for part, level in zip(parts, levels):
        heights = {what: level.corners[v][1] for (kind, what), v in part.ends.items() if kind == "exit"}
        leaving.append(sorted(heights, key=lambda source: -heights[source]))
    last = {what: row for row, part in enumerate(parts) for kind, what in part.ends if kind == "entry"}
    inner, lanes = _lanes(leaving, last)
    indent = (lanes + 0.5) * LANE
    total = max(indent + level.along + (len(out) + 0.5) * LANE for level, out in zip(levels, leaving))
    corners: dict[int, Point] = {}
    back: dict[int, list[Point]] = {}  # by source: its way to the left
    tops = []
    top = 0.0
    for part, level, out in zip(parts, levels, leaving):
        tops.append(top)
        for (kind, what), v in part.ends.items():
            if kind == "item":
                x, y = level.corners[v]
                corners[what] = {"entry": 0.0, "exit": total}.get(items[what].kind, indent + x), top + y
        bottom = top + level.across
        # The lowest value takes the innermost lane at the right and the topmost in the gutter: no two of them cross.
        for k, source in enumerate(out):
            y = bottom + GUTTER / 2 + (k + 0.5) * LANE
            right, left = indent + level.along + (k + 0.5) * LANE, indent - (inner[source] + 1) * LANE
            leaves = top + level.corners[part.ends["exit", source]][1]
            back[source] = [(right, leaves), (right, y), (left, y)]
        top = bottom + GUTTER + len(out) * LANE

    def within(row: int, kind: str, what: int, joint: Joint, key: int) -> list[Point]:
        piece = levels[row].routes[joint.source, parts[row].ends[kind, what], key]
        return [(indent + x, tops[row] + y) for x, y in piece]

    routes: dict[tuple[int, int, int], list[Point]] = {}
    for joint in joints:
        source, start, end, port = joint
        a, b = rows[start], rows[end]
        route = [corners[start]] if items[start].kind == "entry" else []
        arrives = within(b, "item", end, joint, port)
        if a != b:
            route += within(a, "exit", source, joint, source) + back[source]
            route.append((back[source][-1][0], arrives[0][1]))
        route += arrives
        routes[source, end, port] = [*route, corners[end]] if items[end].kind == "exit" else route
    return Level(total, tops[-1] + levels[-1].across, corners, routes, max(map(len, leaving)))


def _lanes(leaving: Sequence[Sequence[int]], last: dict[int, int]) -> tuple[dict[int, int], int]:
    """The lane of each value at the left, 0 next to the lines, and the number of lanes; the longest are outermost."""
    # Greedy interval colouring, shortest way first: a value takes the innermost lane that is free all along its way.
    ways = [(last[source] - row, row, -k, source) for row, out in enumerate(leaving) for k, source in enumerate(out)]
    free: list[list[bool]] = []
    lane: dict[int, int] = {}
    for length, row, _, source in sorted(ways):
        passed = range(row, row + length)
        k = 0
        while k < len(free) and not all(free[k][r] for r in passed):
            k += 1
        if k == len(free):
            free.append([True] * len(leaving))
        for r in passed:
            free[k][r] = False
        lane[source] = k
    return lane, len(free)
