"""Copying and pickling graphs of any depth, with the sharing between several roots.

`pickle` and `deepcopy` recurse into what an object refers to, which ends at a chain of some
hundred nodes. So a node hands over the list of all that lies below it, operands first: each entry
then refers only to entries that are already done.
"""

from __future__ import annotations

import threading
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from .graph import order_of

if TYPE_CHECKING:
    from .ops import Primitive
    from .value import Value


class Entry:
    """Stands for one node inside a pickle, and loads as the node itself.

    One object per node and pickling, so that the pickler recognises a node that several roots
    share. The pickler's memo keeps the entries alive; when it goes, they go.
    """

    __slots__ = ("__weakref__", "node")

    def __init__(self, node: Value) -> None:
        self.node = node

    def __reduce__(self) -> tuple[Any, ...]:
        node = self.node
        edges = tuple(_entries()[id(e)] if hasattr(e, "_edges") else e for e in node._edges)
        return restore, (type(node), node.data, node.grad, node._row, edges, *_rest(node))


_local = threading.local()


def _entries() -> WeakValueDictionary[int, Entry]:
    if not hasattr(_local, "entries"):
        _local.entries = WeakValueDictionary()
    entries: WeakValueDictionary[int, Entry] = _local.entries
    return entries


def _operands(node: Value) -> list[Value]:
    """A node's operands that are nodes; plain numbers among them are stored as they are."""
    return [e for e in node._edges[: len(node._edges) // 2] if e.__class__ is not float]


def _rest(node: Value) -> tuple[Any, Any]:
    return getattr(node, "_note", None), getattr(node, "__dict__", None)


def restore(
    cls: type[Value], data: Any, grad: Any, row: Primitive | None, edges: tuple[Any, ...], note: Any, attributes: Any
) -> Value:
    """Make a node from its parts."""
    node = object.__new__(cls)
    node.data, node.grad, node._row, node._edges = data, grad, row, edges
    if note is not None:
        node._note = note
    if attributes:
        node.__dict__.update(attributes)
    return node


def last(nodes: tuple[Value, ...]) -> Value:
    """The root: what a pickled list of nodes stands for."""
    return nodes[-1]


def reduced(root: Value) -> tuple[Any, ...]:
    """What pickle stores for a node: all that lies below it and is not stored yet, operands first."""
    entries = _entries()
    fresh = order_of([root], lambda node: [p for p in _operands(node) if id(p) not in entries])
    listed = []
    for node in fresh:
        entry = entries.get(id(node)) or Entry(node)
        entries[id(node)] = entry
        listed.append(entry)
    return last, (tuple(listed),)


def deep_copied(root: Value, memo: dict[int, Any]) -> Value:
    """A copy of a node and of all below it; `memo` holds what this deepcopy has copied already."""
    for node in order_of([root], lambda node: [p for p in _operands(node) if id(p) not in memo]):
        edges = tuple(memo[id(e)] if hasattr(e, "_edges") else e for e in node._edges)
        note, attributes = _rest(node)
        memo[id(node)] = restore(type(node), node.data, node.grad, node._row, edges, note, deepcopy(attributes, memo))
    copied: Value = memo[id(root)]
    return copied
