"""The guards of a recorded program: what each `if` compared, so that a page can tell when another branch would run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...engine.graph import order_of
from ...engine.value import Constant, Value
from ...notation.formulas import operation
from ...notation.numbers import shown
from .. import text
from .numbers import number
from .state import FEW_OPERANDS, operation_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..view.scope_tree import Graph
    from .state import Operation

LONGEST = 60  # cells of a condition in words


def beyond(order: Sequence[Value], guards: Mapping[Value, bool]) -> list[Value]:
    """The nodes that conditions need in addition to those of the graph, operands first."""
    known = set(order)
    return [node for node in order_of([*guards]) if node not in known] if guards else []


def guards_of(
    graph: Graph,
    more: Sequence[Value],
    guards: Mapping[Value, bool],
    operations: Mapping[Operation, tuple[int, str]],
    names: Sequence[str],
) -> dict[str, Any]:
    """The guards as JSON: the additional nodes, and for each guard its node, its outcome and its condition in words.

    Args:
        graph: The graph.
        more: The additional nodes, from `beyond`.
        guards: The nodes whose truth was asked, with the outcome.
        operations: For each operation its number, and the key of its rule.
        names: Those of the graph's nodes.
    """
    place = dict(graph.index)
    words = {node: names[i] for i, node in enumerate(graph.order)}
    nodes: list[Any] = []
    for node in more:
        place[node] = len(graph.order) + len(nodes)
        op = -1 if node._primitive is None else operations[operation_of(node)][0]
        nodes.append([op, [place[p] for p in node.parents], number(node.data)])
        words[node] = _words(node, words)
    told = [[place[v], int(outcome), text.clean(text.shorten(words[v], LONGEST))] for v, outcome in guards.items()]
    return {"nodes": nodes, "tests": told}


def _words(node: Value, words: Mapping[Value, str]) -> str:
    if isinstance(node, Constant):
        return shown(node.data)
    if node.label or node._primitive is None:
        return node.label or shown(node.data)
    if len(node.parents) > FEW_OPERANDS:
        return f"{node._primitive.name}(...)"
    return text.shorten(operation(node._primitive, [words[p] for p in node.parents]), LONGEST)
