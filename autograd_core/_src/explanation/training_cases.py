"""Which training case a node belongs to: by the scope that `case` gives it, else by the terms of the loss's sum."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..engine.contexts import case_in
from ..engine.graph import topological_order
from ..engine.value import Constant
from ..pictures.topology import connected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..engine.value import Value


def case_of(node: Value) -> str:
    """The training case that a node's scope names, as "case0"; "" for none."""
    return case_in(node.scope) if node.scope else ""


def case_by_node(root: Value) -> dict[Value, str]:
    """The training case of each node that lies in a case, or that is used by a single case only."""
    found: dict[Value, str] = {}
    ahead: dict[Value, set[str]] = {}  # the cases of all users of a node that were visited so far
    # From the root down: when a node is reached, all of its users have been. "" stands for a user outside of all cases,
    # such as a penalty, and keeps what it shares with a case from being counted to that case.
    for node in reversed(topological_order(root)):
        own = case_of(node)
        here = {own} if own else ahead.pop(node, {""})
        if len(here) == 1 and "" not in here:
            [found[node]] = here
        for p in node.parents:
            ahead.setdefault(p, set()).update(here)
    return found


def cases_by_structure(root: Value) -> dict[Value, str]:
    """The training case of each node, where no scopes name cases: from the terms of the loss's sum.

    Terms are cases if they share at least one leaf and nothing but leaves, and if most of their operations are equal.
    Not all need be: a cross-entropy computes other terms where the target is 1 than where it is 0. So the mean over a
    batch is split into cases, and the squared weights of a penalty, which share nothing, are not. Counted from 1.
    """
    top, terms = _terms(root)
    parts = _apart(terms, top)
    if len(parts) < 2:
        return {}
    kinds = [Counter(node.op for node in part if node.op) for part in parts]
    # Weights are what cases have in common. Constants do not count: every loss contains a 1 or a 2.
    leaves = [{p for node in part for p in node.parents if not p.op and not isinstance(p, Constant)} for part in parts]
    if not all(_are_alike(kind, kinds[0]) for kind in kinds) or not set.intersection(*leaves):
        return {}
    return {node: f"case {k + 1}" for k, part in enumerate(parts) for node in part}


def _are_alike(a: Counter[str], b: Counter[str]) -> bool:
    apart = (a - b).total() + (b - a).total()  # the size of the symmetric difference of two multisets
    return 2 * apart <= min(a.total(), b.total())


def _terms(root: Value) -> tuple[set[Value], list[Value]]:
    """The nodes that add up and scale a loss, from the root down, and the terms of that sum in their order."""
    # First through scalings and square roots of the sum, which have one operand that is an operation; then through
    # nested sums, as a loop over cases with `+=` records a chain of additions.
    top, node = set(), root
    while len(inner := [p for p in node.parents if p.op]) == 1 and len(node.parents) <= 2:
        top.add(node)
        node = inner[0]
    terms: list[Value] = []
    waiting = [node]
    while waiting:
        node = waiting.pop()
        primitive = node._primitive
        adds = primitive is not None and (
            primitive.name == "add" or (primitive.reduction is not None and not primitive.pairs)
        )
        if adds:
            top.add(node)
            waiting += reversed(node.parents)
        elif node.op:
            terms.append(node)
    return top, list(dict.fromkeys(terms))  # a term that was added twice is one case


def _apart(terms: Iterable[Value], top: set[Value]) -> list[list[Value]]:
    """The connected components of what the terms are computed from, without leaves, in the order of the terms."""
    # Without leaves, which all cases share: with them everything would be one component. A dict keeps the order.
    reached: dict[Value, None] = {}
    edges: list[tuple[Value, Value]] = []
    for term in terms:
        waiting = [term]
        while waiting:
            node = waiting.pop()
            if node in reached:
                continue
            reached[node] = None
            inner = [p for p in node.parents if p.op and p not in top]
            edges += ((p, node) for p in inner)
            waiting += inner
    return connected(reached, edges)
