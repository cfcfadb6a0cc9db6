"""A name for each node of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.graph import topological_order
from ..engine.provenance import box_of
from ..engine.value import Constant, Value
from .numbers import shown

if TYPE_CHECKING:
    from collections.abc import Sequence


def names_of(root: Value) -> dict[Value, str]:
    """A name for every node below a root: its label, a constant's number, else v1, v2, ... in order.

    A label that stands in several scopes is told apart by them: `layer1.neuron0.w0`. One that two nodes
    bear in one place gets a number at its second and later places.
    """
    order = topological_order(root)
    return named(order, [node.label for node in order])


def named(order: Sequence[Value], labels: Sequence[str]) -> dict[Value, str]:
    """The same for the nodes of an order whose labels are these."""
    names: dict[Value, str] = {node: shown(node.data) for node in order if isinstance(node, Constant)}
    labels = _told_apart(order, labels)
    taken = set(labels)
    given: set[str] = set()
    used: dict[str, int] = {}  # the last number that a label was given; "" for v1, v2, ...
    for node, label in zip(order, labels, strict=True):
        if node in names:
            continue
        name = label
        while not name or name in given:
            again = used[label] = used.get(label, 1 if label else 0) + 1
            name = f"{label}_{again}" if label else f"v{again}"
            if name in taken:
                name = ""
        given.add(name)
        names[node] = name
    return names


def _told_apart(order: Sequence[Value], labels: Sequence[str]) -> list[str]:
    """The labels, with their scopes in front, as boxes are called, where one label stands in several of them."""
    scopes: dict[str, set[str]] = {}
    for node, label in zip(order, labels, strict=True):
        if label:
            scopes.setdefault(label, set()).add(node.scope)
    return [
        f"{dotted(box_of(node))}.{label}" if label and node.scope and len(scopes[label]) > 1 else label
        for node, label in zip(order, labels, strict=True)
    ]


def dotted(scope: str) -> str:
    """A scope, or what its box is called, as names have it: layer1.neuron0."""
    return scope.replace("/", ".")
