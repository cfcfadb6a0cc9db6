"""Which training case a node belongs to, by the scope that `case` gives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..engine.graph import topological_order

if TYPE_CHECKING:
    from ..engine.value import Value

CASE = re.compile(r"(?:^|/)(case\d+)(?=/|$)")


def case_of(node: Value) -> str:
    """The training case that a node's scope names, as "case0"; "" for none."""
    found = CASE.search(node.scope) if node.scope else None
    return found[1] if found else ""


def case_by_node(root: Value) -> dict[Value, str]:
    """Of each node that lies in one training case, or leads to one alone, which one."""
    found: dict[Value, str] = {}
    ahead: dict[Value, set[str]] = {}
    for node in reversed(topological_order(root)):
        own = case_of(node)
        here = {own} if own else ahead.pop(node, {""})
        if len(here) == 1 and "" not in here:
            [found[node]] = here
        for p in node.parents:
            ahead.setdefault(p, set()).update(here)
    return found
