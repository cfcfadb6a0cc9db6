"""Copying and pickling graphs of any depth, with the sharing between several roots.

`pickle` and `deepcopy` recurse into what an object refers to, which ends at a chain of some
hundred nodes. So a node hands over the list of all that lies below it, operands first: each entry
then refers only to entries that are already done.

Several roots in one pickle would list what they share once each. So what was stored lately is left
out. A node is not told which pickler asks, and the one that asks may not be the one that stored it;
but a pickler asks an entry for its parts exactly when it does not have it yet. An entry that was left
out, and is asked all the same, brings the whole list along. So leaving out is a guess: a wrong one
costs time, and neither depth nor sharing depends on it.
"""

from __future__ import annotations

import threading
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from .graph import order_of

if TYPE_CHECKING:
    from .graph import Value
    from .ops import Primitive


class Entry:
    """A node's stand-in inside a pickle, which loads as the node itself.

    There is one per node and thread, so that a pickler recognizes a node that several roots share. The memos of
    picklers keep the entries alive, and entries go with them.

    Attributes:
        node: The node.
        round: In which round it was stored; `LISTED` while it stands in a list that is being stored.
    """

    __slots__ = ("__weakref__", "node", "round")

    def __init__(self, node: Value) -> None:
        self.node = node
        self.round = LISTED

    def __reduce__(self) -> tuple[Any, ...]:
        node = self.node
        below = None
        if self.round != LISTED:  # stored before, by a pickler that is not this one: its round is over
            _state.round += 1
            below = _listed([p for p in order_of([node], _operands) if p is not node])
        self.round = _state.round
        edges = tuple(_state.entries[id(e)] if hasattr(e, "_edges") else e for e in node._edges)
        attributes = attributes_of(node)
        note = getattr(node, "_note", None)
        parts: tuple[Any, ...] = (type(node), node._data, node.grad, node._primitive, edges, note)
        make, parts = (restore, parts) if below is None else (restore_after, (below, *parts))
        if not attributes:
            return make, parts
        return make, parts, attributes, None, None, set_attributes  # set last, as they may lead back to the node


LISTED = 0
OURS = "autograd_core._src.engine.value"  # where the classes of nodes stand


class End:
    """The last item of a list of entries: by then all of them are stored, now or earlier."""

    __slots__ = ("entries",)

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries

    def __reduce__(self) -> tuple[Any, ...]:
        for entry in self.entries:
            if entry.round == LISTED:
                entry.round = _state.round
        return tuple, ()


class _State(threading.local):
    """The state of one thread: the entries of nodes that some memo holds, and the number of the round."""

    def __init__(self) -> None:
        self.entries: WeakValueDictionary[int, Entry] = WeakValueDictionary()
        self.round = LISTED + 1


_state = _State()


def _listed(nodes: list[Value]) -> tuple[Any, ...]:
    """The entries of nodes that are to be stored, and their end."""
    found = _state.entries
    listed = []
    for node in nodes:
        entry = found.get(id(node))
        if entry is None:
            found[id(node)] = entry = Entry(node)
        entry.round = LISTED
        listed.append(entry)
    return (*listed, End(listed))


def _operands(node: Value) -> list[Value]:
    """A node's operands that are nodes; plain numbers among them are stored as they are."""
    return [e for e in node._edges[: len(node._edges) // 2] if e.__class__ is not float]


def attributes_of(node: Value) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What a user's subclass keeps in a node, in its dict and its own slots; None for nothing."""
    slots = {}
    for cls in type(node).__mro__:
        if cls.__module__ == OURS:
            break
        names = vars(cls).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            name = f"_{cls.__name__.lstrip('_')}{name}" if name[:2] == "__" != name[-2:] else name
            if name not in ("__dict__", "__weakref__") and hasattr(node, name):
                slots[name] = getattr(node, name)
    kept = getattr(node, "__dict__", {})
    return (kept, slots) if kept or slots else None


def restore(
    cls: type[Value],
    data: Any,
    grad: Any,
    primitive: Primitive | None,
    edges: tuple[Any, ...],
    note: Any,
    attributes: Any = None,
) -> Value:
    """Make a node from its parts."""
    node = object.__new__(cls)
    node._data, node._grad, node._primitive, node._edges = data, grad, primitive, edges
    if note is not None:
        node._note = note
    if attributes:
        set_attributes(node, attributes)
    return node


def set_attributes(node: Value, attributes: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Set what `attributes_of` returned for another node."""
    kept, slots = attributes
    if kept:
        node.__dict__.update(kept)
    for name, x in slots.items():
        object.__setattr__(node, name, x)


def restore_after(_below: tuple[Any, ...], *parts: Any) -> Value:
    """`restore`, called after everything below the node is restored."""
    return restore(*parts)


def last(listed: tuple[Any, ...]) -> Value:
    """The root, which a list of nodes and its end load as."""
    root: Value = listed[-2]
    return root


def reduced(root: Value) -> tuple[Any, ...]:
    """What pickle stores for a node: all that lies below it and was not stored lately, operands first."""
    found, now = _state.entries, _state.round

    def missing(node: Value) -> list[Value]:
        return [p for p in _operands(node) if getattr(found.get(id(p)), "round", LISTED) != now]

    return last, (_listed(order_of([root], missing)),)


def deep_copied(root: Value, memo: dict[int, Any]) -> Value:
    """A copy of a node and of all below it; `memo` holds what this deepcopy has copied already."""
    order = order_of([root], lambda node: [p for p in _operands(node) if id(p) not in memo])
    for node in order:
        edges = tuple(memo[id(e)] if hasattr(e, "_edges") else e for e in node._edges)
        note = getattr(node, "_note", None)
        memo[id(node)] = restore(type(node), node._data, node.grad, node._primitive, edges, note)
    for node in order:  # when all are there, for attributes may lead back to any of them
        if attributes := attributes_of(node):
            set_attributes(memo[id(node)], deepcopy(attributes, memo))
    copied: Value = memo[id(root)]
    return copied
