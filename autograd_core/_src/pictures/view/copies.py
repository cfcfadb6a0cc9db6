"""Whether parts of a graph are copies of each other, and which of their nodes correspond.

Two parts are copies if they do the same to what they share, such as weights, and to what is their own, such as an
input or what the copy before handed on.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .scope_tree import Graph

LEAST = 3  # fewer copies are not worth a plate


class Copies(NamedTuple):
    """Parts of a graph that are copies of each other."""

    places: list[int]  # the indices of the copies among the given parts
    nodes: list[list[int]]  # for each copy its nodes without leaves; corresponding nodes have the same position
    leaves: list[dict[tuple[int, int], int]]  # for each copy the leaves that it alone uses, by (position, operand)
    shared: frozenset[int]  # nodes outside that all copies use: weights, as a rule
    is_chain: bool  # whether a copy uses a node of another copy


def copies_of(graph: Graph, parts: Sequence[Sequence[int]], spot: Callable[[int, int], str]) -> Copies | None:
    """The largest set of copies among some parts; None where there are fewer than `LEAST`.

    Args:
        graph: The graph.
        parts: The nodes of each part, in topological order; leaves are left out.
        spot: A label for a node of a part, such as its inner scope: nodes with different labels do not correspond.
    """
    parts = [[v for v in part if not graph.is_leaf(v)] for part in parts]
    shared = _shared(graph, parts)
    known: dict[Any, int] = {}
    looks = [_looks(graph, part, shared, known, [spot(k, v) for v in part]) for k, part in enumerate(parts)]
    kinds = [tuple(sorted(look.values())) for look in looks]
    if len(parts) >= LEAST and len({*kinds}) > 1 and Counter(kinds).most_common(1)[0][1] * 3 < len(parts) * 2:
        looks = _in_common(graph, looks)  # losses that depend on the target differ in their last operations
        kinds = [tuple(sorted(look.values())) for look in looks]
    alike, n = Counter(filter(None, kinds)).most_common(1)[0] if any(kinds) else ((), 0)
    if n < LEAST:
        return None
    places = [k for k, kind in enumerate(kinds) if kind == alike]
    nodes = [[v for _, v in sorted((n, v) for v, n in looks[k].items())] for k in places]
    copy_of = {v: k for k, copy in enumerate(nodes) for v in copy}
    is_chain = any(copy_of.get(u, k) != k for v, k in copy_of.items() for u in graph.operands[v])
    leaves = [dict(_own_leaves(graph, copy, k, copy_of)) for k, copy in enumerate(nodes)]
    return Copies(places, nodes, leaves, shared, is_chain)


def _shared(graph: Graph, parts: Sequence[Sequence[int]]) -> frozenset[int]:
    """The nodes outside that at least two thirds of the parts use in the same way."""
    # Not all of them: a first step may use no state, and a loss other operations where its target is 0.
    inside = {v for part in parts for v in part}
    uses: dict[int, dict[int, list[Any]]] = {}  # by node and part: the (operation, operand) of each use
    for k, part in enumerate(parts):
        for v in part:
            for operand, p in enumerate(graph.order[v].parents):
                u = graph.index[p]
                if u not in inside and u not in graph.constants:
                    uses.setdefault(u, {}).setdefault(k, []).append((graph.kinds[v], operand))
    alike = set()
    for u, by_part in uses.items():
        if len(by_part) >= LEAST:
            [(_, n)] = Counter(tuple(sorted(ways)) for ways in by_part.values()).most_common(1)
            if n * 3 >= len(parts) * 2:
                alike.add(u)
    return frozenset(alike)


def _looks(
    graph: Graph, part: Sequence[int], shared: frozenset[int], known: dict[Any, int], spots: Sequence[str]
) -> dict[int, int]:
    """A number for each node, equal for nodes with the same operation on corresponding operands.

    This is hash consing in which whatever is neither shared nor in the part counts as one unknown operand.
    """
    looks: dict[int, int] = {}
    index = graph.index
    for v, spot in zip(part, spots, strict=True):
        operands: list[int | None] = []
        for p in graph.order[v].parents:
            u = index[p]
            operands.append(looks.get(u, ~u if u in shared else None))
        looks[v] = known.setdefault((graph.kinds[v], spot, *operands), len(known))
    return looks


def _in_common(graph: Graph, looks: list[dict[int, int]]) -> list[dict[int, int]]:
    """The common beginning of all parts: nodes with equal numbers; nothing if that is not most of every part."""
    counts = [Counter(look.values()) for look in looks]
    common = {n for n, k in counts[0].items() if all(count[n] == k for count in counts)}
    kept: list[dict[int, int]] = []
    for look in looks:
        inside: dict[int, int] = {}
        for v, n in look.items():
            if n in common and all(u in inside for u in graph.operands[v] if u in look):
                inside[v] = n
        kept.append(inside)
    return kept if all(2 * len(a) > len(b) for a, b in zip(kept, looks, strict=True)) else [{} for _ in looks]


def _own_leaves(
    graph: Graph, copy: Sequence[int], k: int, copy_of: dict[int, int]
) -> Iterator[tuple[tuple[int, int], int]]:
    for place, v in enumerate(copy):
        for operand, u in enumerate(graph.operands[v]):
            if graph.is_leaf(u) and all(copy_of.get(w) == k for w in graph.users[u]):
                yield (place, operand), u
