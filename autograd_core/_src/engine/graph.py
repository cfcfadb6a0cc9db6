"""Walks over a graph, by operands alone; no walk recurses."""

from __future__ import annotations

from contextlib import suppress
from numbers import Number
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ...errors import OperandError, StructureError
from ..any_object import brief
from ..wrong_calls import says_how

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .value import Value as Value  # noqa: PLC0414  sweeps, pickles and notes of origin have it from here

# Sets and dicts of nodes below never call `==`, which makes nodes: the hash of a node is its identity.


MANY = object()  # in the second operand's slot: the node has more than two


@says_how
def topological_order(root: Value) -> list[Value]:
    """All nodes that `root` depends on, operands before results, `root` last; constants included.

    A node may be sent backward only after every node that uses it: with b = a + a; c = b + b,
    visiting a before b is complete would lose half of its gradient.

    Args:
        root: The node at the top.

    Returns:
        A list with every node once. The order follows the operands from left to right.

    Example:
        >>> import autograd_core as ag
        >>> a = ag.Value(2.0, label="a")
        >>> b = a * a
        >>> [node.op for node in ag.topological_order(b + a)]
        ['', 'mul', 'add']
    """
    return order_of([node_of(root, "topological_order")])


def _is_node(x: object) -> bool:
    return hasattr(type(x), "local_grads")


def node_of(x: Any, caller: str) -> Any:
    """`x`, if it is a node.

    Raises:
        OperandError: It is none.
    """
    if not _is_node(x):
        msg = f"{caller}: expected a Value, got {no_node(x)}"
        raise OperandError(msg)
    return x


def roots_of(given: Any, caller: str) -> list[Value]:
    """One root or several, as a list.

    Raises:
        OperandError: It is no Value, and no sequence of them.
        StructureError: There is none.
    """
    if _is_node(given):
        return [given]
    items = None
    with suppress(TypeError):  # an array without axes is an Iterable without items
        items = None if isinstance(given, (str, bytes)) else iter(given)
    if items is None:
        msg = f"{caller}: expected a Value, got {no_node(given, '; or a list of Values')}"
        raise OperandError(msg)
    roots = list(items)
    for root in roots:
        if not _is_node(root):
            msg = f"{caller}: expected a list of Values, got one with {no_node(root)}"
            raise OperandError(msg)
    if not roots:
        msg = f"{caller}: expected a Value, or a list of them, got an empty {type(given).__name__}"
        raise StructureError(msg)
    return roots


def no_node(x: Any, instead: str = "") -> str:
    """Describe what was passed instead of a node, what else is taken, and what to do where that is clear."""
    kind = type(x)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if kind.__name__ == "Value" or hasattr(kind, "backward"):
        hint = "; build the graph with autograd_core.Value, whose operators and methods are the same"
    elif isinstance(x, str):
        hint = "; pass the Value itself, not its label"
    elif hasattr(x, "__iter__"):
        hint = "; take one of its entries, or ag.sum of them"
    elif callable(x):
        hint = "; call it, and take what it gives: f(x)"
    elif isinstance(x, Number):
        hint = "; a number has no graph: compute it from Values, as in f(ag.Value(2.0))"
    else:
        hint = ""
    return f"{brief(x)} ({name}){instead}{hint}"


def order_of(
    roots: Iterable[Value],
    parents_of: Callable[[Value], Iterable[Value]] = attrgetter("parents"),
    *,
    stop: Iterable[Value] = (),
) -> list[Value]:
    """Topological order of everything below several roots.

    Args:
        roots: The nodes at the top.
        parents_of: Gives the parents to which the walk goes on from a node.
        stop: Nodes that are left out, with what only they lead to.
    """
    order: list[Value] = []
    seen: set[Value] = set(stop)
    # A stack of our own: recursion would end at some 1 000 nodes in a row. It holds the nodes on the way down and what
    # each of them has yet to go on to: a node of n parents is scanned once, not once for each that leads deeper.
    for root in roots:
        if root in seen:
            continue
        seen.add(root)  # when it is met, not when it is done: no circle leads back to it
        path = [root]
        waiting = [iter(parents_of(root))]
        while path:
            for parent in waiting[-1]:
                if parent not in seen:
                    seen.add(parent)
                    path.append(parent)
                    waiting.append(iter(parents_of(parent)))
                    break
            else:
                order.append(path.pop())
                waiting.pop()
    return order


def sweep_order(*roots: Value, stop: Iterable[Value] = ()) -> list[Value]:
    """Topological order of all nodes below the roots but constants, for a reverse sweep.

    Nodes in `stop` and what only they lead to are left out.

    Nodes behind an edge of derivative 0 get nothing and could be left out, but then the order of
    the others, and with it the rounding of a sum, would depend on the data: a compiled program,
    whose order is fixed, could not give the same bits.

    This is a third of the time of `backward()`. So nodes of one and two operands are unrolled, and a
    node of many operands, which are mostly leaves or seen before, keeps a scan of its own.
    """
    order: list[Value] = []
    emit = order.append
    seen: set[Value] = set(stop)
    see = seen.add
    scans: dict[Value, Any] = {}  # how far the operands of a node of many were looked at; see `order_of`
    path: list[Value] = []
    push = path.append
    for root in roots:
        if root in seen:
            continue
        see(root)
        node = root
        while True:
            # A node is looked at again after each operand below it; operands that are done are in `seen`.
            q = node._q
            if q is None:
                p = node._p
                if p is not None and p not in seen:  # None: this is a leaf
                    see(p)
                    push(node)
                    node = p
                    continue
            elif q is MANY:
                scan = scans.get(node)
                if scan is None:
                    edges = node._p
                    half = len(edges) // 2
                    scan = () if seen.issuperset(edges[:half]) else iter(edges[:half])
                    scans[node] = scan
                deeper = None
                for p in scan:
                    if p.__class__ is not float and p not in seen:
                        see(p)
                        if p._p is not None:
                            deeper = p
                            break
                        emit(p)
                if deeper is not None:
                    push(node)
                    node = deeper
                    continue
            else:
                p = node._p
                if p.__class__ is not float and p not in seen:  # a plain number is no node
                    see(p)
                    if p._p is not None:  # a leaf leads nowhere, and is in order at once
                        push(node)
                        node = p
                        continue
                    emit(p)
                if q.__class__ is not float and q not in seen:
                    see(q)
                    if q._p is not None:
                        push(node)
                        node = q
                        continue
                    emit(q)
            emit(node)
            if not path:
                break
            node = path.pop()
    return order


@says_how
def count_paths(root: Value, leaf: Value) -> int:
    """How many paths lead from `leaf` to `root`: exact, structural, in time linear in the graph.

    Edges whose derivative is 0 count; x * x has two paths to x.

    Args:
        root: The node at the top.
        leaf: Any node; 0 paths if `root` does not depend on it.

    Returns:
        An int of any size.

    Example:
        >>> import autograd_core as ag
        >>> x = y = ag.Value(1.0)
        >>> for _ in range(1000):
        ...     y = y + y
        >>> ag.count_paths(y, x) == 2**1000
        True
    """
    counts: dict[Value, int] = {}
    node_of(leaf, "count_paths")
    for node in order_of([node_of(root, "count_paths")]):
        here = 1 if node is leaf else 0
        for parent in node.parents:
            here += counts[parent]
        counts[node] = here
    return counts[root]


@says_how
def trace(root: Value) -> tuple[list[Value], list[tuple[Value, Value]]]:
    """The nodes and the edges below `root`, as micrograd's notebooks have them.

    What `compile` calls a trace, the recording of a call, is another thing.

    Args:
        root: The node at the top.

    Returns:
        `(nodes, edges)`: nodes operands first; an edge `(operand, result)` for every operand, so
        x * x has two.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(3.0)
        >>> nodes, edges = ag.trace(x * x)
        >>> len(nodes), len(edges)
        (2, 2)
    """
    nodes = order_of([node_of(root, "trace")])
    return nodes, [(parent, node) for node in nodes for parent in node.parents]
