"""The paths from a root to a leaf, split at labelled nodes, and the terms that stand on each line of a derivation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import RangeError, topological_order

from ..support.formulas import MOST_PATHS
from .reasons import rules
from .slopes import Edge, Factor, edges
from .writing import SUMS, summands, without_guards

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_core import Value


class OpenProduct(NamedTuple):
    """A product in progress: a number, factors, and the node whose derivative is still to be taken."""

    coefficient: float
    factors: tuple[Factor, ...]
    rest: Value | None


class Part(NamedTuple):
    """The section of a path from one labelled node to the next: its factors, its end, its edges and rules applied."""

    coefficient: float
    factors: tuple[Factor, ...]
    rest: Value | None
    route: tuple[int, ...]
    rules: tuple[str, ...]


class LeafPaths:
    """The paths from a root to a leaf in the graph as a text writes it: without guards, a softmax as one function."""

    def __init__(
        self,
        root: Value,
        leaf: Value,
        *,
        prime: bool = False,
        outputs: bool = False,
        sums: bool = False,
        beside: Sequence[Value] = (),
    ) -> None:
        self.root: Value = root
        self.leaf: Value = leaf
        self.sums: bool = sums
        order = topological_order(root)
        dependents = {leaf}
        for node in order:
            if not dependents.isdisjoint(node.parents):
                dependents.add(node)
        candidates = sorted([*order, *beside], key=lambda n: bool(n.label))
        named = {node.parents[0]: node for node in candidates if node.op == "softmax"}
        sigmoids = {node.parents[0]: node for node in candidates if node.op == "sigmoid" and node.label}
        labels = {node.label for node in order}
        self.edges: dict[Value, list[Edge]] = {}
        self.dependents = dependents
        counts = {leaf: 1}
        for node in order:
            if node in dependents and node is not leaf:
                found = edges(node, named, labels, prime=prime, outputs=outputs, sigmoids=sigmoids)
                self.edges[node] = [edge for edge in found if edge.below in dependents]
                counts[node] = sum(counts[edge.below] for edge in self.edges[node])
                if counts[node] > MOST_PATHS**2:
                    break  # path counts only grow from here; counting on would build ever larger integers
        count = counts.get(root, max(counts.values()))
        if count > MOST_PATHS:
            msg = f"derivation: expected at most {MOST_PATHS} paths, got {count}; label less, or take a smaller graph"
            raise RangeError(msg)

    def _is_sum_within(self, node: Value, below: Value) -> bool:
        """Whether a path is split at an unlabelled sum because its derivative gets a line of its own."""
        return self.sums and node.op not in SUMS and without_guards(below) is None and summands(below) is not None

    def parts(self, node: Value) -> list[Part]:
        """The sections from a node to the next labelled nodes, or to sums that get a line of their own."""
        found: list[Part] = []
        waiting = [(node, Part(1.0, (), None, (), ()))]
        while waiting:
            at, so_far = waiting.pop()
            if at is not node and (at is self.leaf or so_far.rest is not None):
                found.append(so_far)
                continue
            for k, edge in reversed(list(enumerate(self.edges[at]))):
                is_cut = edge.below is not self.leaf and (edge.below.label or self._is_sum_within(at, edge.below))
                part = Part(
                    so_far.coefficient * edge.coefficient,
                    so_far.factors + edge.factors,
                    edge.below if is_cut else None,
                    (*so_far.route, k),
                    (*so_far.rules, *rules(at, edge.below, self.dependents, self.leaf)),
                )
                waiting.append((edge.below, part))
        return found

    def all(self) -> list[list[Part]]:
        """Each path as its sections."""
        found: list[list[Part]] = []
        waiting: list[tuple[Value | None, tuple[Part, ...]]] = [(self.root, ())]
        while waiting:
            node, parts = waiting.pop()
            if node is None:
                found.append(list(parts))
            else:
                waiting += [(part.rest, (*parts, part)) for part in reversed(self.parts(node))]
        return found


class OpenLine(NamedTuple):
    """The terms of a line, the rules that led to them, and whether terms with the same open derivative were merged."""

    terms: list[OpenProduct]
    rules: list[str]
    gathered: bool = False


def by_paths(leaf_paths: LeafPaths) -> list[OpenLine]:
    """One term for each path; every line goes one labelled node further along all paths."""
    paths = leaf_paths.all()
    found = []
    for depth in range(1 + max(map(len, paths))):
        taken = [rule for path in paths for part in path[depth - 1 : depth] for rule in part.rules] if depth else []
        found.append(OpenLine(terms_of(leaf_paths.root, paths, depth), taken))
    return found


def by_nodes(leaf_paths: LeafPaths, sum_of: Callable[[list[OpenProduct]], OpenProduct]) -> list[OpenLine]:
    """One term for each labelled node: contributions of all paths to it are summed first, as for error signals.

    Args:
        leaf_paths: The paths.
        sum_of: Merges terms with the same open derivative into one.
    """
    stages = [OpenLine([OpenProduct(1.0, (), leaf_paths.root)], [])]
    while any(t.rest is not None for t in stages[-1].terms):
        before = stages[-1].terms
        still = _below_others(leaf_paths, [t.rest for t in before if t.rest is not None])
        brought: dict[Any, list[OpenProduct]] = {}
        taken: list[str] = []
        for place, t in enumerate(before):
            if t.rest is None or t.rest in still:
                brought.setdefault((place, 0) if t.rest is None else id(t.rest), []).append(t)
                continue
            for k, part in enumerate(_added(leaf_paths.parts(t.rest))):
                key = id(part.rest) if part.rest is not None else (place, k)
                product = OpenProduct(t.coefficient * part.coefficient, t.factors + part.factors, part.rest)
                brought.setdefault(key, []).append(product)
                taken += part.rules
        gathered = any(len(each) > 1 for each in brought.values())
        stages.append(OpenLine([sum_of(each) for each in brought.values()], taken, gathered))
    return stages


def _added(parts: list[Part]) -> list[Part]:
    """Merge sections with the same factors and the same end: the derivative of s s is 2 s."""
    found: dict[Any, Part] = {}
    for part in parts:
        key = id(part.rest), tuple((f.text, f.value) for f in part.factors)
        c = found[key].coefficient if key in found else 0.0
        found[key] = part._replace(coefficient=c + part.coefficient)
    return list(found.values())


def _below_others(leaf_paths: LeafPaths, nodes: list[Value]) -> set[Value]:
    """The nodes that others of the list depend on: they wait until the contributions of these have been added."""
    found: set[Value] = set()
    for top in nodes:
        seen: set[Value] = set()
        waiting = [top]
        while waiting:
            for edge in leaf_paths.edges.get(waiting.pop(), ()):
                if edge.below not in seen:
                    seen.add(edge.below)
                    waiting.append(edge.below)
        found |= seen & set(nodes)
    return found


def terms_of(root: Value, paths: list[list[Part]], depth: int) -> list[OpenProduct]:
    """The terms after `depth` sections of every path; paths that agree so far are one term, like terms are added."""
    seen: set[Any] = set()
    found: dict[Any, OpenProduct] = {}
    for path in paths:
        done = path[:depth]
        so_far = tuple((id(part.rest), part.route) for part in done)
        if so_far in seen:
            continue
        seen.add(so_far)
        factors = tuple(f for part in done for f in part.factors)
        coefficient = math.prod(part.coefficient for part in done)
        rest = done[-1].rest if done else root
        # Compared by node, not only by text: paths through different nodes are different terms, even if written alike.
        like = tuple(id(part.rest) for part in done), tuple((f.text, f.value) for f in factors)
        before = found[like].coefficient if like in found else 0.0
        found[like] = OpenProduct(before + coefficient, factors, rest)
    return [t for t in found.values() if t.coefficient] or list(found.values())[:1]
