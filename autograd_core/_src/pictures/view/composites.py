"""Composites, which are recorded as several nodes, such as a softmax: each becomes a scope of its own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ...notation.composites import composites_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from ...engine.value import Value


def composites(
    order: Sequence[Value], users: Sequence[Sequence[int]], never: AbstractSet[int], parts: list[tuple[str, ...]]
) -> list[tuple[list[int], str]]:
    """Give each composite a scope within the scope it is in.

    Args:
        order: The nodes, in topological order.
        users: Of each node the numbers of those that use it.
        never: The numbers of results and of constants.
        parts: The path of each node's scope; extended here by the name of the composite.

    Returns:
        For each composite its nodes, and two lines of text: its formula and the formula of its derivative.
    """
    found = []
    names: Counter[tuple[str, ...]] = Counter()
    for group in composites_of(order, users, never):
        if len(group.nodes) == 1 or len({parts[v] for v in group.nodes}) > 1:
            continue
        around = (*parts[group.nodes[0]], group.said.name)
        names[around] += 1
        name = group.said.name if names[around] == 1 else f"{group.said.name}{names[around]}"
        for v in group.nodes:
            parts[v] = (*parts[v], name)
        found.append((group.nodes, "\n".join(filter(None, group.captions))))
    return found
