"""Long graphs in rows, like lines of text: a level is cut between layers, and each row is laid out by itself.

What a cut crosses leaves its row at the right, runs back in the gutter below, and goes down at the left to
the rows that use it. Each value has a lane of its own on all three sides; at the right they are nested, so
that they do not cross. Where to cut is found by dynamic programming, as lines of a paragraph are broken
(D. Knuth and M. Plass, 1981): low rows, few values across a cut, rows of like length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .layered import CHANNEL, GAP, LANE, Item, Joint, Level, Point, arrange, busy_channels, channel, ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_CARRIED = 6  # values across one cut; where there are more, rows are harder to read than a longer line
GUTTER = 22.0  # between two rows, besides the lanes
CARRIED_COST = 40.0  # pixels of height that one value less across a cut is worth
UNEVEN_COST = 120.0  # pixels of height that a full row is worth over an empty one
SLACK = 1.02  # widths that are taken for the same
TRIES = 4  # widths are known only once a row is laid out


class Outline(NamedTuple):
    """What is known of a level before it is laid out, by rank."""

    rank: list[int]  # where every item belongs; sources beside their first user
    lengths: list[float]  # of what has operands
    lead: list[float]  # of the sources that stand before a layer
    gaps: list[float]  # behind a layer
    heights: list[float]
    carried: list[int]  # values that a cut before this layer crosses


def laid_out(items: Sequence[Item], joints: Sequence[Joint], engine: str, width: float) -> Level:
    """One level, in rows if it would be longer than `width` and rows are readable."""
    level = arrange(items, joints, engine)
    if level.along <= width:
        return level
    outline = _outline(items, joints)
    tried = [level]
    goal = width
    for last in (False,) * TRIES + (True,):
        if last:  # something that cannot be cut is wider than the page; then other rows may be as wide
            goal = SLACK * min(level.along for level in tried)
        rows = _rows(outline, goal)
        if len(set(rows)) == 1:
            break
        level = _stacked(items, joints, engine, rows)
        if level.along <= width:
            return level
        tried.append(level)
        goal -= max(CHANNEL, level.along - width)
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
    for joint in joints:  # an exit stands in the row of what leaves
        if items[joint.end].kind == "exit":
            rank[joint.end] = rank[joint.start]
    count = max(rank) + 1
    lengths, lead, heights = [0.0] * count, [0.0] * count, [-GAP] * count
    for v, item in enumerate(items):
        heights[rank[v]] += item.across + GAP
        if has_operands[v] or not users[v]:
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


def _rows(outline: Outline, width: float) -> list[int]:
    """The row of every layer."""
    count = len(outline.lengths)
    best = [0.0] + [float("inf")] * count
    first = [0] * (count + 1)
    for start in range(count):
        if outline.carried[start] > MOST_CARRIED:
            continue
        length = outline.lead[start] + (outline.gaps[start - 1] if start else 0.0)
        height = outline.heights[start - 1] if start and outline.lead[start] else 0.0
        cuttable = False  # the row so far
        cut = (GUTTER + outline.carried[start] * (LANE + CARRIED_COST)) if start else 0.0
        for end in range(start + 1, count + 1):
            last = end - 1
            length += max(outline.lengths[last], outline.lead[end] if end < count else 0.0)
            height = max(height, outline.heights[last])
            used = length + 2 * LANE * outline.carried[end]
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
    """One row: its items and edges, with an entry or an exit for each value that a cut crosses."""

    def __init__(self) -> None:
        self.ends: dict[tuple[str, int], int] = {}  # ("item", its number), ("entry" or "exit", source)
        self.joints: dict[Joint, None] = {}

    def at(self, kind: str, what: int) -> int:
        """The number of an endpoint; a new one is added."""
        return self.ends.setdefault((kind, what), len(self.ends))

    def join(self, source: int, start: int, end: int, port: int) -> None:
        """Add an edge, unless it is there."""
        self.joints[Joint(source, start, end, port)] = None


def _stacked(items: Sequence[Item], joints: Sequence[Joint], engine: str, rows: Sequence[int]) -> Level:
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
    """The rows one below the other, and the lanes between them."""
    leaving: list[list[int]] = []  # of each row, the values that leave it, from the lowest to the highest
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
    """For each value its lane at the left, 0 beside the rows; those that go furthest are outermost."""
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
