"""The outputs of a unit: the nodes of a neuron, a layer or any other scope that nodes outside of it use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ...errors import OperandError, RangeError
from ..any_object import brief, shown
from ..engine.graph import topological_order
from ..notation.node_names import dotted
from ..pictures import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine.value import Value
    from .uses import Explained

MOST_SCOPES = 8  # scopes that a message lists
MOST_NAMED = 3  # neurons of a layer that an answer names


class PartOfModel(Protocol):
    """A part of a model whose nodes have scopes of their own, such as a neuron or a layer of `nn`."""

    def _scopes(self) -> tuple[str, ...]:
        """The scopes of its nodes; empty where they have none."""
        ...


def unit_of(of: Explained, way: Any) -> tuple[str, frozenset[Value]]:
    """The name of a unit, and its outputs: the nodes by which it enters the rest of the graph.

    Args:
        of: The explanation in question.
        way: The name of a scope, with or without the scopes around it (such as that of a training case), or a part of
            a model.

    Raises:
        OperandError: It is neither, or a part without a scope.
        RangeError: The graph has no such scope.
    """
    order = topological_order(of.root)
    if isinstance(way, str):
        called, paths = way, [way.replace(".", "/").split("/")]
    else:
        scopes = way._scopes() if hasattr(way, "_scopes") else ()
        if not scopes:
            msg = (
                "without: expected a Path, a Use, a node, an edge (node, operand), or a unit: a neuron, a layer or a "
                f"scope's name, got {shown(way, 80)}"
            )
            raise OperandError(msg)
        more = ", ..." if len(scopes) > MOST_NAMED else ""
        called, paths = ", ".join(scopes[:MOST_NAMED]) + more, [scope.split("/") for scope in scopes]
    # A scope counts if the path occurs anywhere in it: "layer1/neuron0" is meant in every training case.
    known = {node.scope for node in order}
    inside = {scope for scope in known if any(_leads_through(scope.split("/"), path) for path in paths)}
    if not inside:
        some = sorted({dotted(scope) for scope in known if scope})
        said = ", ".join(some[:MOST_SCOPES]) + (", ..." if len(some) > MOST_SCOPES else "")
        msg = f"without: expected a scope of the graph ({said or 'it has none'}), got {brief(text.clean(called), 80)}"
        raise RangeError(msg)
    return dotted(called), _given(of.root, order, inside)


def _leads_through(scope: Sequence[str], path: Sequence[str]) -> bool:
    return any(list(scope[k : k + len(path)]) == path for k in range(len(scope) - len(path) + 1))


def _given(root: Value, order: Sequence[Value], inside: set[str]) -> frozenset[Value]:
    """The nodes of some scopes that nodes outside use: operations, or leaves where a scope has nothing else."""
    # A unit is cut at its outputs only: cutting all of its nodes would count a path once for every node on it.
    within = {node for node in order if node.scope in inside}
    used = {p for node in order if node not in within for p in node.parents if p in within}
    if root in within:
        used.add(root)
    return frozenset({node for node in used if node.op} or used)
