"""`draw_dot`: the graph for the `graphviz` package, in the style of micrograd's notebooks."""

from __future__ import annotations

from numbers import Rational
from typing import TYPE_CHECKING, Any

from ....errors import RangeError
from ...any_object import brief
from ...engine.graph import roots_of
from ...notation.composites import as_written
from ...wrong_calls import is_among, says_how
from .. import text
from ..view.scope_tree import Graph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphviz import Digraph

    from ...engine.value import Value

RANKDIRS = ("LR", "TB")
LABEL_ROOM = 60  # cells; Graphviz draws a record as wide as its text


@says_how
def draw_dot(root: Value | Iterable[Value], format: str = "svg", rankdir: str = "LR") -> Digraph:  # noqa: A002
    """The graph as a `graphviz.Digraph`: a record per value, an ellipse per operation.

    Its `.source` needs no program; `.render()`, and showing it in a notebook, need Graphviz's `dot`.
    `draw` needs nothing.

    Args:
        root: The node at the end, or several of them in one picture.
        format: What `.render()` shall write: "svg", "png", "pdf" or another format of Graphviz.
        rankdir: "LR" from left to right, "TB" from top to bottom.

    Returns:
        A `graphviz.Digraph`.

    Raises:
        OperandError: `root` is no Value, and no list of them.
        StructureError: The list is empty.
        RangeError: A format that the graphviz package does not know, or another rankdir.

    Source:
        A. Karpathy, micrograd, trace_graph.ipynb, 2020.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core._src.pictures import draw_dot
        >>> print(draw_dot(ag.Value(2.0, label="x").tanh()).source)  # doctest: +NORMALIZE_WHITESPACE
        digraph {
            graph [rankdir=LR]
            n0 [label="{ x | data 2.0000 | grad 0.0000 }" shape=record]
            n1 [label="{ data 0.9640 | grad 0.0000 }" shape=record]
            n1op [label=tanh]
            n1op -> n1
            n0 -> n1op
        }
    """
    roots = roots_of(root, "draw_dot")
    if not is_among(rankdir, RANKDIRS):
        msg = f"draw_dot: expected rankdir to be 'LR' or 'TB', got {brief(rankdir)}"
        raise RangeError(msg)
    return digraph(Graph(roots, read=as_written(roots, least=2)), format, rankdir)


def digraph(graph: Graph, format: str, rankdir: str) -> Digraph:  # noqa: A002
    """`draw_dot` for a graph that was read earlier, with the numbers of that moment."""
    import graphviz

    try:
        dot = graphviz.Digraph(format=format, graph_attr={"rankdir": rankdir})
    except ValueError:
        msg = f"draw_dot: expected a format that Graphviz writes, such as 'svg' or 'png', got {brief(format)}"
        raise RangeError(msg) from None
    for i, node in enumerate(graph.order):
        dot.node(f"n{i}", label=_record(graph, i), shape="record")
        if node.parents:
            dot.node(f"n{i}op", label=graphviz.escape(text.clean(node._op)))
            dot.edge(f"n{i}op", f"n{i}")
        for parent in node.parents:
            dot.edge(f"n{graph.index[parent]}", f"n{i}op")
    return dot


def _record(graph: Graph, i: int) -> str:
    fields = [f"data {_fixed(graph.data[i])}", f"grad {_fixed(graph.grads[i])}"]
    if graph.labels[i]:
        fields.insert(0, text.record_field(text.shorten(text.clean(graph.labels[i]), LABEL_ROOM)))
    return "{ " + " | ".join(fields) + " }"


def _fixed(x: Any) -> str:
    """Four decimals, as micrograd writes them."""
    if isinstance(x, Rational):
        return text.number(x, room=20)
    return f"{x:.4f}" if abs(x) < 1e15 else f"{x:.4e}"
