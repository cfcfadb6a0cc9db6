"""Primitives that are computed in parts, such as a softmax by its logsumexp: each with its parts is a scope of its own.

What a primitive's parts are stands at its entry. Outputs that share a part are one: the n of one softmax.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ...engine.value import Value


def wholes(
    index: Mapping[Value, int],
    users: Sequence[Sequence[int]],
    roots: AbstractSet[int],
    constants: AbstractSet[int],
    parts: list[tuple[str, ...]],
) -> list[tuple[list[int], str]]:
    """Give each whole a scope within the one it stands in.

    Args:
        index: The nodes, in topological order, and their numbers.
        users: Of each node the numbers of those that use it.
        roots: The numbers of the results.
        constants: The numbers of constants.
        parts: The path of each node's scope, which is made longer by the name of the whole.

    Returns:
        The nodes of each whole, and what it is as texts write it.
    """
    found = []
    names: Counter[tuple[str, ...]] = Counter()
    order = list(index)
    for group in _together(order, index, users, roots | constants):
        inside = set(group)
        rows = {order[v]._row for v in group if v in roots or not inside.issuperset(users[v])}
        [row] = rows if len(rows) == 1 else [None]
        if row is None or not row.whole or len({parts[v] for v in group}) > 1:
            continue
        around = (*parts[group[0]], row.name)
        names[around] += 1
        name = row.name if names[around] == 1 else f"{row.name}{names[around]}"
        for v in group:
            parts[v] = (*parts[v], name)
        found.append((group, row.whole))
    return found


def _together(
    order: Sequence[Value], index: Mapping[Value, int], users: Sequence[Sequence[int]], never: AbstractSet[int]
) -> list[list[int]]:
    """Nodes and their parts, with all that share one; in topological order. What has other uses, too, is no part."""
    first: dict[int, int] = {}  # by node: another of its group, nearer to the one that stands for it
    alone: dict[int, bool] = {}

    def head(v: int) -> int:
        while first.setdefault(v, v) != v:
            first[v] = first[first[v]]
            v = first[v]
        return v

    for v, node in enumerate(order):
        if node._row is None or not node._row.parts:
            continue
        for operand in node.parents[-node._row.parts :]:
            u = index[operand]
            if u not in alone:
                alone[u] = u not in never and _serves_alone(order[u], [order[w] for w in users[u]])
            if alone[u]:
                first[head(u)] = head(v)
    groups: dict[int, list[int]] = {}
    for v in sorted(first):
        groups.setdefault(head(v), []).append(v)
    return [group for group in groups.values() if len(group) > 1]


def _serves_alone(node: Value, users: Sequence[Value]) -> bool:
    """Whether all that use a node have it as a part."""
    if not node.op:
        return False
    for user in users:
        own = user._row.parts if user._row is not None else 0
        others = user.parents[: len(user.parents) - own]
        if not own or any(operand is node for operand in others):
            return False
    return True
