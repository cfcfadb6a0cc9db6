"""What flows back along the edges of a scene: which of them carry no gradient, and how much the others carry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ...engine.evaluation import is_finite, times
from .cards import nonzero

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..view.scope_tree import Graph
    from .cards import Card, Port, Scene

REACHED: WeakKeyDictionary[Graph, list[bool]] = WeakKeyDictionary()  # shared by all views of a page
THINNEST, WIDEST, DECADES = 1.2, 7.0, 3  # widths of edges in pixels, and the factors of ten between them


def with_flow(scene: Scene, graph: Graph, *, measured: bool) -> Scene:
    """The scene with what flows back: `is_idle` on ports and cards, and if `measured` also `flow` on ports."""
    reached = reached_by_gradients(graph)
    if all(reached) and not measured:
        return scene
    members: dict[int, list[int]] = {}
    for v, shown_on in scene.card_of.items():
        if v not in graph.constants:
            members.setdefault(shown_on, []).append(v)
    idle = {i for i, nodes in members.items() if not any(reached[v] for v in nodes)}
    cards = {}
    for i, card in scene.cards.items():
        nodes = members.get(i, [])
        ports = tuple(_with_flow(port, card, nodes, scene, graph, idle, measured=measured) for port in card.ports)
        cards[i] = card._replace(ports=ports, is_idle=i in idle)
    return scene._replace(cards=cards)


def reached_by_gradients(graph: Graph) -> list[bool]:
    """For every node, whether some path from a root to it has no local derivative of 0."""
    if graph not in REACHED:
        reached = [i in graph.roots for i in range(len(graph.order))]
        for i in range(len(reached) - 1, -1, -1):
            if reached[i]:
                for u, slope in _operands(graph, i):
                    reached[u] = reached[u] or nonzero(slope)
        for u in graph.constants:
            reached[u] = True  # no gradient is asked for there
        REACHED[graph] = reached
    return REACHED[graph]


def _operands(graph: Graph, i: int) -> Iterator[tuple[int, Any]]:
    """The operands of a node with their local derivatives, without constants."""
    node = graph.order[i]
    parents = node.parents
    slopes = node._edges[len(parents) :]  # as recorded: none is asked for at a constant
    for parent, slope in zip(parents, slopes, strict=True):
        u = graph.index[parent]
        if u not in graph.constants:
            yield u, slope


def _with_flow(
    port: Port, card: Card, nodes: Iterable[int], scene: Scene, graph: Graph, idle: set[int], *, measured: bool
) -> Port:
    if port.is_constant:
        return port
    if port.source in idle:
        return port._replace(is_idle=True)
    if card.kind == "node" and port.node >= 0:
        edges = graph.order[card.node]._edges
        pairs = [(port.node, card.node, edges[len(edges) // 2 + port.operand])]
    else:
        sources = _sources(port, scene)
        pairs = [
            (u, v, slope)
            for v in nodes
            for u, slope in _operands(graph, v)
            if (u == port.node if port.node >= 0 else scene.card_of.get(u) in sources)
        ]
    reached = reached_by_gradients(graph)
    carries = not pairs or any(reached[v] and nonzero(slope) for _, v, slope in pairs)
    sums: dict[int, Any] = {}
    for u, v, slope in pairs if measured else ():
        sums[u] = sums.get(u, 0) + times(slope, graph.grads[v])
    return port._replace(is_idle=not carries, flow=_total(list(sums.values())))


def _sources(port: Port, scene: Scene) -> set[int]:
    """The cards whose values enter by a port: several, if it is connected to a junction."""
    card = scene.cards[port.source]
    return {inner.source for inner in card.ports} if card.kind == "junction" else {port.source}


def _total(parts: list[Any]) -> float:
    """The flow of one value with its sign; of several, the sum of their sizes."""
    if len(parts) > 1:
        parts = [sum(map(abs, parts))]
    if not parts:
        return 0.0
    return _as_float(parts[0])


def _as_float(x: Any) -> float:
    try:
        return float(x)
    except OverflowError:  # a Fraction beyond floats
        return math.copysign(math.inf, x)


def largest_flow(scene: Scene) -> float:
    """The size of the largest flow that is finite."""
    flows = (abs(port.flow) for card in scene.cards.values() for port in card.ports)
    return max((flow for flow in flows if is_finite(flow)), default=0.0)


def width_of(flow: float, largest: float) -> float:
    """The width of an edge: from WIDEST for the largest flow down to THINNEST for a thousandth of it, or less.

    Example:
        >>> from autograd_core._src.pictures.scene.flow import width_of
        >>> [round(width_of(flow, 2.0), 2) for flow in (2.0, 0.2, 0.002, 0.0)]
        [7.0, 5.07, 1.2, 1.2]
    """
    if not flow or not largest:
        return THINNEST
    if not is_finite(flow):
        return WIDEST
    share = 1 + math.log10(abs(flow) / largest) / DECADES
    return THINNEST + (WIDEST - THINNEST) * min(max(share, 0.0), 1.0)
