"""The one reverse and the one forward loop.

Reverse: parent's adjoint += local derivative * adjoint, over the reversed topological order.
Forward: tangent = sum of local derivative * parent's tangent, over the order itself.

Strict zero: where either factor is exactly 0, nothing is added, even if the other is infinite
or NaN. So 0 * sqrt(x) has derivative 0 at 0, and where(x > 0, sqrt(x), 0) as well.

Adjoints live in a dict outside of the nodes until a sweep ends: an error halfway changes nothing,
and two threads can sweep one graph. The numbers swept may be floats, Fractions, or `Symbol`s,
which make the sweep record a graph of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .evaluation import plus, times
from .graph import MANY

if TYPE_CHECKING:
    from collections.abc import Callable

    from .graph import Value


def reverse(
    order: list[Value],
    adjoints: dict[Value, Any],
    edges_of: Callable[[Value], tuple[Any, ...]] | None = None,
    watch: Callable[[Value, Any], None] | None = None,
) -> dict[Value, Any]:
    """Send every node's adjoint to its parents, results before operands.

    Args:
        order: Nodes, operands first.
        adjoints: Their adjoints: the seeds on the roots, 0.0 elsewhere. Completed in place.
        edges_of: A node's parents followed by as many local derivatives; as recorded by default.
        watch: Called with each node and its complete adjoint, before it is sent on.

    Returns:
        `adjoints`.
    """
    # Whatever uses a node comes before it here: its adjoint is complete when it is sent on, so each node is visited
    # once. Terms are added one by one in this order, never collected first: compiled programs add in it, too, and give
    # the same bits (docs/adr/0005).
    for node in reversed(order):
        g = adjoints[node]
        if watch is not None:
            watch(node, g)
        if not g:  # strict zero; `if d` below is its other half
            continue
        q = node._q
        if edges_of is not None:
            edges = edges_of(node)
        elif q is MANY:
            edges = node._p
        else:  # one or two operands: the loop below without its tuple, in two thirds of the time
            p = node._p
            if p is not None:
                try:
                    d = node._d
                    if d:  # a plain number as an operand has 0.0 here, so p is a node
                        adjoints[p] += d * g
                    if q is not None:
                        d = node._e
                        if d:
                            adjoints[q] += d * g
                except OverflowError:
                    _send_the_rest(node._edges, g, adjoints)
            continue
        try:
            for p, d in zip(edges, edges[len(edges) // 2 :]):
                if d:
                    adjoints[p] += d * g
        except OverflowError:
            _send_the_rest(edges, g, adjoints)
    return adjoints


def _send_the_rest(edges: tuple[Any, ...], g: Any, adjoints: dict[Value, Any]) -> None:
    """Finish a node at which a float met a Fraction beyond all floats: send to that operand and those after it."""
    # What was sent before must not be sent twice: the first operand at which the sum fails is where it failed there.
    is_sent = True
    for p, d in zip(edges, edges[len(edges) // 2 :]):
        if d and is_sent:
            try:
                _ = adjoints[p] + d * g
            except OverflowError:
                is_sent = False
        if d and not is_sent:
            adjoints[p] = plus(adjoints[p], times(d, g))


def forward(
    order: list[Value],
    tangents: dict[Value, Any],
    edges_of: Callable[[Value], tuple[Any, ...]] | None = None,
) -> dict[Value, Any]:
    """Give every node its tangent, operands before results.

    Args:
        order: Nodes, operands first.
        tangents: Those of the inputs, which keep them. Completed in place.
        edges_of: A node's parents followed by as many local derivatives; as recorded by default.

    Returns:
        `tangents`.
    """
    for node in order:
        if node in tangents:  # an input, which may be the result of other nodes
            continue
        q = node._q
        if edges_of is None and q is not MANY:  # without a tuple, as in the reverse loop: half of the time
            p = node._p
            t = 0.0
            if p is not None:
                try:
                    d = node._d
                    if d and (u := tangents[p]):
                        t = d * u  # not 0.0 + d * u, as in `_received`
                        if q is not None and (d := node._e) and (u := tangents[q]):
                            t += d * u
                    elif q is not None and (d := node._e) and (u := tangents[q]):
                        t = d * u
                except OverflowError:
                    t = _received(node._edges, tangents)
            tangents[node] = t
        else:
            tangents[node] = _received(node._edges if edges_of is None else edges_of(node), tangents)
    return tangents


def _received(edges: tuple[Any, ...], tangents: dict[Value, Any]) -> Any:
    """The tangent of a node of any number of operands."""
    t = None  # and not 0.0, beside which a Fraction would become a float
    for parent, d in zip(edges, edges[len(edges) // 2 :]):
        if d:
            u = tangents[parent]
            if u:
                try:
                    if t is None:
                        t = d * u
                    else:
                        t += d * u
                except OverflowError:  # a Fraction beyond floats, and a float
                    t = times(d, u) if t is None else plus(t, times(d, u))
    return 0.0 if t is None else t
