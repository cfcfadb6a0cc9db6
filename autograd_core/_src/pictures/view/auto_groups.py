"""Generated scopes, where a scope holds more than a picture can show: grouped by depth and by repetition.

The direct contents of a scope are cut into bands of consecutive depths; a band's thickness is a multiple of the
period with which its operations repeat. Within a band, connected nodes are one part, and similar parts are one
group: "100 × (dot, add, tanh)". Leaves join the part that uses them, and leaves used by the same parts are one
group. A group that is still too large is cut in the same way.

Edges between bands lead to deeper ones, and there are none between the parts of a band, so no path leaves a
group and enters it again.
"""

from __future__ import annotations

import re
from collections import Counter
from math import gcd
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from .. import text
from ..topology import connected, sorted_topologically
from .scope_tree import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .scope_tree import Graph, ScopeTree

MOST_IN_SCOPE = 24  # nodes and scopes directly in one scope, at most
MOST_SCOPES = 60  # up to so many of the user's scopes within one are left as they are
BANDS = 12  # at most so many bands per scope, or groups per set of similar parts
LONGEST_PERIOD = 32
LEAF_GROUPS = 12
OPS_IN_A_NAME = 3
LARGE_LEVEL = 1_000  # in a scope of more nodes, parts that hardly repeat are named by their depths
MOST_COUNTED = 20  # operations of one kind that a summary counts where nothing is repeated

Vertex = int  # a node, or ~s for the scope s
Spot = tuple[int, int]  # segment, and depth in it


class Hidden(NamedTuple):
    """What is known of a node whose copy is not shown."""

    stands: int  # the corresponding node of the copy that is shown
    boxes: frozenset[int]  # the scopes of its plates


NONE_HIDDEN: Mapping[int, Hidden] = MappingProxyType({})


class ScopeLevel:
    """The direct contents of one scope, and the edges among them."""

    __slots__ = ("edges", "vertices")

    def __init__(self) -> None:
        self.vertices: dict[Vertex, None] = {}
        self.edges: dict[tuple[Vertex, Vertex], None] = {}


class Crowd(NamedTuple):
    """One level of a scope, its contents numbered from 0 in topological order."""

    vertices: list[Vertex]
    into: list[list[int]]
    kinds: list[str]  # the operation, a scope's name without digits, "" for a leaf
    barriers: set[int]  # the user's scopes, which no group may contain


def generate_scopes(
    graph: Graph,
    tree: ScopeTree,
    hidden: Mapping[int, Hidden] = NONE_HIDDEN,
    most: int = MOST_IN_SCOPE,
    bands: int = BANDS,
) -> None:
    """Add scopes to the tree until no scope has many more than `most` direct contents.

    A scope is cut into at most `bands` bands. Nodes of copies that are not shown do not count as contents.
    """
    levels = _levels(graph, tree, hidden)
    waiting = sorted(levels)
    while waiting:
        s = waiting.pop()
        level = levels.pop(s)
        if len(level.vertices) > most:
            inner = _grouped(graph, tree, s, level, bands)
            levels.update(inner)
            waiting += inner
    tree.finish()


def _levels(graph: Graph, tree: ScopeTree, hidden: Mapping[int, Hidden]) -> dict[int, ScopeLevel]:
    levels = {s: ScopeLevel() for s in range(len(tree.scopes))}
    shown = [v for v in range(len(tree.home)) if v not in graph.constants and v not in hidden]
    inhabited = {s for v in shown for s in tree.chain(tree.home[v])} if hidden else {*range(1, len(tree.scopes))}
    for s in sorted(inhabited):
        levels[tree.scopes[s].parent].vertices[~s] = None
    for v in shown:
        levels[tree.home[v]].vertices[v] = None
    scopes, home = tree.scopes, tree.home
    for v in shown:
        for u in graph.operands[v]:
            a, b = u, v
            if u in hidden:
                a = hidden[u].stands
                if not hidden[u].boxes.isdisjoint(tree.chain(home[v])):
                    continue  # an edge from one copy to the next, both drawn as one
            at, bt = home[a], home[b]
            while at != bt:
                if scopes[at].depth >= scopes[bt].depth:
                    a, at = ~at, scopes[at].parent
                else:
                    b, bt = ~bt, scopes[bt].parent
            levels[at].edges[a, b] = None
    return levels


def _grouped(graph: Graph, tree: ScopeTree, s: int, level: ScopeLevel, bands: int) -> dict[int, ScopeLevel]:
    """Cut one level into groups, each a new scope; returns their levels."""
    crowd = _crowd(graph, tree, level)
    groups = _with_leaves(crowd, _groups(crowd, bands))
    names = _distinct(_named(crowd, groups))
    inner: dict[int, ScopeLevel] = {}
    member: dict[Vertex, int] = {}
    for group, name in zip(groups, names):
        number = len(tree.scopes)
        tree.scopes.append(Scope(s, name, tree.scopes[s].plain, is_generated=True))
        inner[number] = ScopeLevel()
        for v in group:
            vertex = crowd.vertices[v]
            member[vertex] = number
            inner[number].vertices[vertex] = None
            if vertex >= 0:
                tree.home[vertex] = number
            else:
                tree.scopes[~vertex].parent = number
    for a, b in level.edges:
        if a in member and member[a] == member.get(b):
            inner[member[a]].edges[a, b] = None
    return inner


def _crowd(graph: Graph, tree: ScopeTree, level: ScopeLevel) -> Crowd:
    number = {v: k for k, v in enumerate(level.vertices)}
    into: list[list[int]] = [[] for _ in number]
    for a, b in level.edges:
        into[number[b]].append(number[a])
    order = sorted_topologically(into)
    place = {k: i for i, k in enumerate(order)}
    vertices = list(level.vertices)
    kinds: dict[str, str] = {}
    scopes = {i for i, k in enumerate(order) if vertices[k] < 0}
    uses = {i for i in scopes if tree.scopes[~vertices[order[i]]].is_use}
    if len(uses) > MOST_IN_SCOPE:  # many uses of one scope, such as a cell's steps, are grouped like operations
        scopes -= uses
    return Crowd(
        vertices=[vertices[k] for k in order],
        into=[sorted(place[u] for u in into[k]) for k in order],
        kinds=[_kind(graph, tree, vertices[k], kinds) for k in order],
        barriers=scopes if len(scopes) <= MOST_SCOPES else set(),
    )


def _kind(graph: Graph, tree: ScopeTree, v: Vertex, known: dict[str, str]) -> str:
    if v < 0:
        return re.sub(r"\d+", "", tree.scopes[~v].plain.rpartition("/")[2]).strip() or "scope"
    op = graph.order[v].op
    if op not in known:
        known[op] = text.clean(op).replace("/", "∕")  # no separator of paths
    return known[op]


def _groups(crowd: Crowd, most: int) -> list[list[int]]:
    """Groups of at least two vertices that are neither leaves nor barriers."""
    free = [v for v, kind in enumerate(crowd.kinds) if kind and v not in crowd.barriers]
    if not free:
        if crowd.barriers:  # only leaves are left to group, and these join their users
            return []
        free = list(range(len(crowd.kinds)))
    spots = _spots(crowd, free)
    bands = _bands(crowd, spots, most)
    used = {u for v in free for u in crowd.into[v]}
    ends = sum(v not in used for v in free)  # each part contains an end, so one end means one part
    parts = _parts(crowd, free) if len(bands) == 1 or (ends > 1 and not crowd.barriers) else []
    if len(parts) > 1:
        groups = _merged(parts)
        if not 1 < len(groups) <= MOST_IN_SCOPE:
            groups = _in_turn([part for _, part in parts], most)
    else:
        groups = []
        for band in bands:
            merged = _merged(_parts(crowd, band))
            groups += merged if len(merged) <= max(2, MOST_IN_SCOPE // len(bands)) else [band]
    return [group for group in groups if len(group) > 1]


def _spots(crowd: Crowd, free: Sequence[int]) -> dict[int, Spot]:
    """The depth of each vertex; a new segment begins after a barrier."""
    inside = {*free, *crowd.barriers}
    spots: dict[int, Spot] = {}
    for v in range(len(crowd.vertices)):
        if v not in inside:
            continue
        best = (0, 0)
        for u in crowd.into[v]:
            if u in spots:
                segment, depth = spots[u]
                if v in crowd.barriers:
                    best = max(best, (segment, 0))
                else:
                    best = max(best, (segment + 1, 0) if u in crowd.barriers else (segment, depth + 1))
        spots[v] = best
    return {v: spots[v] for v in free}


def _bands(crowd: Crowd, spots: dict[int, Spot], most: int) -> list[list[int]]:
    """Runs of depths that repeat, if there are a few; else bands of equal thickness."""
    at: dict[Spot, list[int]] = {}
    for v, spot in spots.items():
        at.setdefault(spot, []).append(v)
    depths = sorted(at)
    kinds = [tuple(sorted(Counter(crowd.kinds[v] for v in at[spot]).items())) for spot in depths]
    runs = _runs(kinds)
    repeated = sum(end - start for start, end, period in runs if period)
    if not 1 < len(runs) <= most or repeated < len(depths) / 2:
        period = max(runs, key=lambda run: run[1] - run[0])[2] or 1
        thickness = -(-len(depths) // most)
        if period <= thickness:
            thickness = -(-thickness // period) * period
        runs = [(k, k + thickness, period) for k in range(0, len(depths), thickness)]
    bands = []
    for start, end, _ in runs:
        pieces: dict[int, list[int]] = {}  # no band continues across a barrier
        for spot in depths[start:end]:
            pieces.setdefault(spot[0], []).extend(at[spot])
        bands += [sorted(piece) for piece in pieces.values()]
    return bands


def _runs(kinds: Sequence[object]) -> list[tuple[int, int, int]]:
    """Start, end and period of maximal runs of levels; period 0 where nothing repeats."""
    runs: list[tuple[int, int, int]] = []
    start = k = 0
    while k < len(kinds):
        end = period = k
        for p in range(1, LONGEST_PERIOD + 1):
            reached = _repeated(kinds, k, p)
            if reached > end:
                end, period = reached, p
            if end == len(kinds):
                break
        if end == k:
            k += 1
            continue
        if start < k:
            runs.append((start, k, 0))
        runs.append((k, end, period))
        start = k = end
    return [*runs, (start, k, 0)] if start < k else runs


def _repeated(kinds: Sequence[object], start: int, period: int) -> int:
    """The end of a run of this period that begins here; `start` if nothing occurs twice."""
    end = start + period
    while end < len(kinds) and kinds[end] == kinds[end - period]:
        end += 1
    return end if end >= start + 2 * period else start


def _parts(crowd: Crowd, band: Sequence[int]) -> list[tuple[tuple[int, ...], list[int]]]:
    """The connected parts of a band, each with its shape; similar parts have equal shapes."""
    members = set(band)
    edges: list[tuple[int, int]] = []
    looks: dict[tuple[object, ...], int] = {}
    look: dict[int, int] = {}
    for v in band:
        operands = [u for u in crowd.into[v] if u in members]
        edges += ((u, v) for u in operands)
        seen = [look[u] for u in operands]
        seen.sort()
        look[v] = looks.setdefault((crowd.kinds[v], *seen), len(looks))
    return [(tuple(sorted(look[v] for v in part)), part) for part in connected(band, edges)]


def _merged(parts: Iterable[tuple[tuple[int, ...], list[int]]]) -> list[list[int]]:
    merged: dict[tuple[int, ...], list[int]] = {}
    for look, part in parts:
        merged.setdefault(look, []).extend(part)
    return list(merged.values())


def _in_turn(parts: Sequence[list[int]], most: int) -> list[list[int]]:
    """The parts in at most `most` groups of consecutive ones."""
    length = -(-len(parts) // most)
    return [[v for part in parts[k : k + length] for v in part] for k in range(0, len(parts), length)]


def _with_leaves(crowd: Crowd, groups: list[list[int]]) -> list[list[int]]:
    """Add leaves to the only group that uses them; leaves with the same users form groups."""
    member = {v: k for k, group in enumerate(groups) for v in group}
    users: dict[int, set[int]] = {}
    for v, sources in enumerate(crowd.into):
        for u in sources:
            if not crowd.kinds[u] and u not in member:
                users.setdefault(u, set()).add(member.get(v, ~v))
    rest: dict[tuple[int, ...], list[int]] = {}
    for u, kind in enumerate(crowd.kinds):
        if kind or u in member or u in crowd.barriers:
            continue
        around = tuple(sorted(users.get(u, ())))
        if len(around) == 1 and around[0] >= 0:
            groups[around[0]].append(u)
        else:
            rest.setdefault(around, []).append(u)
    if sum(map(len, rest.values())) > LEAF_GROUPS:
        together = list(rest.values()) if len(rest) <= LEAF_GROUPS else [[u for us in rest.values() for u in us]]
        groups += [us for us in together if len(us) > 1]
    return [sorted(group) for group in groups]


def summary(kinds: Counter[str]) -> str:
    """The contents of a group in words: "100 × (dot, add, tanh)"; leaves count only if there is nothing else."""
    counts = Counter({kind: n for kind, n in kinds.items() if kind})
    if not counts:
        return f"{kinds['']} leaves" if kinds[""] != 1 else "1 leaf"
    times = gcd(*counts.values())
    shape = {kind: n // times for kind, n in counts.items()}
    if times < len(shape):  # hardly repeated
        times, shape = 1, dict(counts.most_common())
    counted = max(shape.values()) <= MOST_COUNTED
    shown = [f"{n} {kind}" if counted and n > 1 else kind for kind, n in shape.items()][:OPS_IN_A_NAME]
    body = ", ".join([*shown, *(["…"] if len(shape) > OPS_IN_A_NAME else [])])
    if times == 1:
        return body
    return f"{times} × ({body})" if len(shape) > 1 else f"{times} × {body}"


def _named(crowd: Crowd, groups: Sequence[Sequence[int]]) -> list[str]:
    """What groups hold, or in a large level, where little is repeated, at which depths they are."""
    names = [summary(Counter(crowd.kinds[v] for v in group)) for group in groups]
    if len(crowd.vertices) < LARGE_LEVEL:
        return names
    depths: list[int] = []
    for into in crowd.into:
        depths.append(1 + max((depths[u] for u in into), default=-1))
    for k, group in enumerate(groups):
        at = [depths[v] for v in group if crowd.kinds[v]]
        if at and "×" not in names[k] and len(group) > MOST_IN_SCOPE:
            names[k] = f"depth {min(at)} … {max(at)}"
    return names


def _distinct(names: Sequence[str]) -> list[str]:
    """Names, with numbers where one recurs."""
    total, seen = Counter(names), Counter[str]()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(f"{name} · {seen[name]} of {total[name]}" if total[name] > 1 else name)
    return distinct
