"""Paths from a leaf to a root: one after the other, or those with the largest products first.

A gradient is the sum over all paths of their products, and there may be 10^300 of them. So nothing here walks
all of them unless asked to: `paths` is lazy, `top_paths` searches. Products are compared by `ranks`. Rounded
multiplication is monotone, so a path can be among the best paths to a node only if its beginning is among the
best paths to the parent that it passes. The order is therefore that of the rounded products themselves, not of
sums of their logarithms.
"""

from __future__ import annotations

import sys
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..engine.evaluation import is_fraction, whole
from ..engine.graph import node_of, sweep_order
from ..wrong_calls import says_how
from .path import TOLD_APART, Path, PathNames, local_grad, path_of
from .ranks import ONE, rank_of, times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine.value import Value
    from .ranks import Rank

    # A path to a node: its rank, the operand by which it enters, and which of that parent's paths it continues.
    Entry = tuple[Rank, int, int]


# --- one after the other --------------------------------------------------------------------------


@says_how
def paths(root: Value, leaf: Value) -> Iterator[Path]:
    """The paths from `leaf` to `root`, one at a time, in the order of the operands from the root down.

    Lazy: the first ones come at once, however many there are; `count_paths` says how many. Edges
    whose derivative is 0 count, as they do there.

    Args:
        root: The node at the top.
        leaf: Any node; no path if `root` does not depend on it, one without edges if it is `root`.

    Returns:
        An iterator of `Path`s.

    Raises:
        OperandError: `root` or `leaf` is no Value.

    Example:
        >>> import autograd_core as ag
        >>> x, w = ag.Value(2.0, label="x"), ag.Value(5.0, label="w")
        >>> [path.product for path in ag.paths(x * w + x, x)]
        [5.0, 1.0]
        >>> y = x
        >>> for _ in range(1000):
        ...     y = y + y
        >>> next(ag.paths(y, x)).product
        1.0
    """
    return _walk(node_of(root, "paths"), node_of(leaf, "paths"))


def dependents(root: Value, leaf: Value) -> list[Value]:
    """The nodes between `leaf` and `root`, both included, operands first; empty if there is no path."""
    reached = {leaf}
    order = [leaf]
    for node in sweep_order(root):
        if node is not leaf:
            edges = node._edges
            for parent in edges[: len(edges) // 2]:
                # A number among the operands might have the hash of a node, and would be compared with it.
                if parent.__class__ is not float and parent in reached:
                    reached.add(node)
                    order.append(node)
                    break
    return order if root in reached else []


def _walk(root: Value, leaf: Value) -> Iterator[Path]:
    reached, names = set(dependents(root, leaf)), PathNames()
    if root is leaf:
        yield path_of((leaf,), (), names)
    # Depth first, with a stack of iterators over operands: memory is linear in the length of one path, however many
    # paths there are. Only nodes above the leaf are entered, so the walk never backs out of a branch empty-handed, and
    # the time between two paths is linear as well.
    nodes, waiting = [root], [_operands(root, reached)] if root in reached and root is not leaf else []
    operands: list[int] = []
    while waiting:
        for operand, parent in waiting[-1]:
            if parent is leaf:
                yield path_of((leaf, *reversed(nodes)), (operand, *reversed(operands)), names)
                continue
            nodes.append(parent)
            operands.append(operand)
            waiting.append(_operands(parent, reached))
            break
        else:
            waiting.pop()
            nodes.pop()
            if operands:
                operands.pop()


def _operands(node: Value, reached: set[Value]) -> Iterator[tuple[int, Value]]:
    """The operands, with their places, through which the leaf is reached."""
    edges = node._edges
    return (
        (operand, parent)
        for operand, parent in enumerate(edges[: len(edges) // 2])
        if parent.__class__ is not float and parent in reached
    )


# --- the largest first ------------------------------------------------------------------------------


@says_how
def top_paths(root: Value, leaf: Value, k: int) -> list[Path]:
    """The `k` paths with the largest |product|, largest first, found without walking the others.

    Products are compared with an unlimited exponent, so those that are 0 or infinite as doubles
    only by underflow or overflow still have their order. NaN counts as largest, then come infinite
    ones; those that are 0 come last. Of equal ones the one through the root's first operand stands
    first, and so on from the root down.

    Args:
        root: The node at the top.
        leaf: Any node.
        k: How many, at least 1.

    Returns:
        A list of `Path`s, fewer than `k` if there are no more.

    Raises:
        OperandError: `root` or `leaf` is no Value, or `k` no int.
        RangeError: `k` is below 1.

    Source:
        Jimenez and Marzal, 1999, "Computing the K shortest paths": the recursive enumeration
        algorithm, here on a graph without cycles and without recursion. Time: linear in the graph
        for the first path; for each further one, at most its length times the logarithm of the
        number of operands.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(1.0, label="x")
        >>> y = x
        >>> for _ in range(1000):
        ...     y = 0.5 * y + 0.25 * y
        >>> [path.product * 2.0**1000 for path in ag.top_paths(y, x, 2)]
        [1.0, 0.5]
    """
    root, leaf = node_of(root, "top_paths"), node_of(leaf, "top_paths")
    found = list(islice(ranked(root, leaf), count_of(k, "top_paths")))
    if found:
        found[0]._names.beside = found[:TOLD_APART]
    return found


def count_of(k: Any, caller: str) -> int:
    """Check that `k` is a positive int.

    Raises:
        OperandError: It is no int.
        RangeError: It is below 1.
    """
    return min(whole(k, caller, "k"), sys.maxsize)


def ranked(root: Value, leaf: Value) -> Iterator[Path]:
    """All paths, the largest |product| first, each computed when it is requested."""
    search = _Search(root, leaf)
    place = 0
    while search.knows(root, place):  # the next path is searched for when it is asked for, not before
        yield search.path(root, place)
        place += 1


class _Search:
    """The best paths from the leaf to each node, computed as far as requested.

    The best path to a node is its best edge after the best path to that edge's parent; the next ones come from
    a heap with one candidate per edge. Once the j-th path to a parent is used, the candidate of its edge is the
    (j + 1)-th, which is searched for only then.
    """

    def __init__(self, root: Value, leaf: Value) -> None:
        self.leaf = leaf
        self.names = PathNames()
        order = dependents(root, leaf)
        # Fractions are ranked exactly. One float among the factors rounds the product, so then all are ranked as
        # floats. A factor of 0 decides nothing: its path has the product 0 either way.
        local = (d for node in order for d in node._edges[len(node._edges) // 2 :])
        self.exact = is_fraction(root.data) and not any(d.__class__ is float for d in local if d)
        self.found: dict[Value, list[Entry]] = {}
        self.heaps: dict[Value, list[Entry]] = {}
        self.ended = {leaf}
        # The best path to every node, by dynamic programming in topological order: linear in the graph. Heaps are made
        # only for nodes of which a second path is asked.
        if order:
            self.found[leaf] = [((0, type(root.data)(-1)) if self.exact else ONE, -1, -1)]
            for node in order[1:]:
                self.found[node] = [min(self.candidates(node))]

    def candidates(self, node: Value) -> Iterator[Entry]:
        """One candidate per edge: the best path to the edge's parent, continued by the edge."""
        edges = node._edges
        half = len(edges) // 2
        found = self.found
        for operand in range(half):
            parent = edges[operand]
            if parent.__class__ is not float and parent in found:
                rank = rank_of(edges[half + operand], exact=self.exact)
                yield times(found[parent][0][0], rank), operand, 0

    def knows(self, root: Value, place: int) -> bool:
        """Whether there are more than `place` paths to `root`; searches for one more."""
        known = self.found.get(root, [])
        if len(known) <= place and known:
            self.advance(root)
        return len(known) > place

    def advance(self, root: Value) -> None:
        """Find the next path to a node. This needs one more path to each parent along its last path, found first."""
        waiting = [root] if root not in self.ended else []
        # The recursion of the published algorithm as a stack. Invariant: a node's heap has a candidate of every edge
        # but that of its last path, whose next candidate is pushed here before the smallest is taken.
        while waiting:
            node = waiting[-1]
            known = self.found[node]
            heap = self.heaps.get(node)
            if heap is None:
                heap = self.heaps[node] = [entry for entry in self.candidates(node) if entry[1] != known[0][1]]
                heapify(heap)
            _, operand, place = known[-1]
            parent = node._edges[operand]
            of_parent = self.found[parent]
            if len(of_parent) == place + 1 and parent not in self.ended:
                waiting.append(parent)  # the parent's next path first; then this node is looked at again
                continue
            if len(of_parent) > place + 1:
                rank = rank_of(local_grad(node, operand), exact=self.exact)
                heappush(heap, (times(of_parent[place + 1][0], rank), operand, place + 1))
            if heap:
                known.append(heappop(heap))
            else:
                self.ended.add(node)
            waiting.pop()

    def path(self, node: Value, place: int) -> Path:
        """A path that was found."""
        nodes, operands = [node], []
        while node is not self.leaf:
            _, operand, place = self.found[node][place]
            node = node._edges[operand]
            nodes.append(node)
            operands.append(operand)
        return path_of(tuple(reversed(nodes)), tuple(reversed(operands)), self.names)
