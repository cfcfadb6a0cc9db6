"""Graphs as Mermaid flowcharts, which GitHub and many wikis render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...engine.provenance import box_of
from .. import text

if TYPE_CHECKING:
    from ..view.scope_tree import Graph

LABEL_ROOM = 40  # cells
# Characters with a meaning within Mermaid's quotes, or in the HTML that it makes of them.
ESCAPES = {c: f"#{ord(c)};" for c in '#"&<>`\\'}
MERMAID_HEAD = """\
flowchart {direction}
    classDef leaf stroke:#0f5ea8,stroke-width:2px
    classDef root stroke-width:3px"""


def mermaid(graph: Graph, direction: str) -> str:
    """The text of a flowchart: a box for every value, with its gradient once there is one, and boxes around scopes.

    Edges bear the local derivative, and are dotted where it is 0.

    Args:
        graph: The graph as pictures read it.
        direction: "LR" or "TB".

    Source:
        Mermaid's documentation, Flowcharts - Basic Syntax, version 11, 2024.
    """
    lines = [MERMAID_HEAD.format(direction=direction)]
    has_grads = graph.has_grads
    opened: tuple[str, ...] = ()
    scopes = [tuple(box_of(node).split("/")) if node.scope else () for node in graph.order]
    for i in sorted(range(len(graph.order)), key=scopes.__getitem__):  # one scope's nodes beside each other
        opened = _within(lines, opened, scopes[i])
        lines.append("    " * (len(opened) + 1) + _box(graph, i, has_grads=has_grads))
    _within(lines, opened, ())
    for i, node in enumerate(graph.order):
        for parent, d in zip(node.parents, node.local_grads, strict=True):
            p = graph.index[parent]
            label = "" if p in graph.constants else f'|"×{text.number(d)}"|'
            lines.append(f"    n{p} {'-.->' if label and d == 0 else '-->'}{label} n{i}")
    leaves = [f"n{i}" for i in range(len(graph.order)) if graph.is_leaf(i) and i not in graph.constants]
    for kind, names in (("leaf", leaves), ("root", [f"n{i}" for i in sorted(graph.roots)])):
        if names:
            lines.append(f"    class {','.join(names)} {kind}")
    return "\n".join(lines) + "\n"


def _within(lines: list[str], opened: tuple[str, ...], scope: tuple[str, ...]) -> tuple[str, ...]:
    """Close the scopes that end here, and open those that begin."""
    shared = 0
    while shared < min(len(opened), len(scope)) and opened[shared] == scope[shared]:
        shared += 1
    lines += ["    " * depth + "end" for depth in range(len(opened), shared, -1)]
    for depth in range(shared, len(scope)):
        lines.append("    " * (depth + 1) + f'subgraph s{len(lines)}["{_quoted(scope[depth])}"]')
    return scope


def _box(graph: Graph, i: int, *, has_grads: bool) -> str:
    if i in graph.constants:
        return f'n{i}(["{text.number(graph.data[i])}"])'
    node = graph.order[i]
    head = " = ".join(filter(None, [_quoted(graph.bare(i)), _quoted(node._op)]))
    rows = [head, f"value {text.number(graph.data[i])}"]
    if has_grads:
        rows.append(f"grad {text.number(graph.grads[i])}")
    return f'n{i}["{"<br/>".join(rows)}"]'


def _quoted(label: Any) -> str:
    """A label, escaped for Mermaid's quotation marks."""
    return "".join(ESCAPES.get(c, c) for c in text.shorten(text.clean(label), LABEL_ROOM))
