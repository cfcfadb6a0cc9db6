"""The paths of a derivative as texts go them, cut where nodes have names, and the terms of a line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import RangeError, topological_order

from .reasons import rules
from .slopes import Edge, Factor, edges
from .writing import SUMS, inner, summands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_core import Value

MOST_PATHS = 64


class OpenProduct(NamedTuple):
    """A product on its way: a number, factors, and the node whose derivative is still to be taken."""

    coefficient: float
    factors: tuple[Factor, ...]
    rest: Value | None


class Part(NamedTuple):
    """A path's way from one named node to the next: what it is multiplied with, where it ends, its edges and rules."""

    coefficient: float
    factors: tuple[Factor, ...]
    rest: Value | None
    route: tuple[int, ...]
    rules: tuple[str, ...]


class Ways:
    """The paths from a root to a leaf, as texts go them: guards are passed over, a softmax is one function."""

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
        self.root, self.leaf, self.sums = root, leaf, sums
        order = topological_order(root)
        leads = {leaf}
        for node in order:
            if not leads.isdisjoint(node.parents):
                leads.add(node)
        candidates = sorted([*order, *beside], key=lambda n: bool(n.label))
        named = {node.parents[0]: node for node in candidates if node.op == "softmax"}
        sigmoids = {node.parents[0]: node for node in candidates if node.op == "sigmoid" and node.label}
        labels = {node.label for node in order}
        self.edges: dict[Value, list[Edge]] = {}
        self.leads = leads
        counts = {leaf: 1}
        for node in order:
            if node in leads and node is not leaf:
                found = edges(node, named, labels, prime=prime, outputs=outputs, sigmoids=sigmoids)
                self.edges[node] = [edge for edge in found if edge.below in leads]
                counts[node] = sum(counts[edge.below] for edge in self.edges[node])
        if counts[root] > MOST_PATHS:
            msg = (
                f"derivation: expected at most {MOST_PATHS} paths, got {counts[root]}; label less, or take a smaller "
                "graph"
            )
            raise RangeError(msg)

    def _is_sum_within(self, node: Value, below: Value) -> bool:
        """Whether a path is cut at a sum without a name, whose derivative is to have a line of its own."""
        return self.sums and node.op not in SUMS and inner(below) is None and summands(below) is not None

    def all(self) -> list[list[Part]]:
        """Each path, cut at named nodes, and where each sum has a line of its own at sums."""
        found: list[list[Part]] = []
        start = Part(1.0, (), None, (), ())
        waiting: list[tuple[Value, tuple[Part, ...], Part]] = [(self.root, (), start)]
        while waiting:
            node, parts, so_far = waiting.pop()
            if node is self.leaf:
                found.append([*parts, so_far])
                continue
            for k, edge in reversed(list(enumerate(self.edges[node]))):
                part = Part(
                    so_far.coefficient * edge.coefficient,
                    so_far.factors + edge.factors,
                    None,
                    (*so_far.route, k),
                    (*so_far.rules, *rules(node, edge.below, self.leads, self.leaf)),
                )
                if edge.below is not self.leaf and (edge.below.label or self._is_sum_within(node, edge.below)):
                    waiting.append((edge.below, (*parts, part._replace(rest=edge.below)), start))
                else:
                    waiting.append((edge.below, parts, part))
        return found


def terms_of(root: Value, ways: list[list[Part]], depth: int) -> list[OpenProduct]:
    """The terms after so many parts of every path. Paths that are one so far are one term, and like ones are added."""
    seen: set[Any] = set()
    found: dict[Any, OpenProduct] = {}
    for way in ways:
        done = way[:depth]
        so_far = tuple((id(part.rest), part.route) for part in done)
        if so_far in seen:
            continue
        seen.add(so_far)
        factors = tuple(f for part in done for f in part.factors)
        coefficient = math.prod(part.coefficient for part in done)
        rest = done[-1].rest if done else root
        # By their nodes: two paths that go through different ones are two terms, even if they look alike.
        like = tuple(id(part.rest) for part in done), tuple((f.text, f.value) for f in factors)
        before = found[like].coefficient if like in found else 0.0
        found[like] = OpenProduct(before + coefficient, factors, rest)
    return [t for t in found.values() if t.coefficient] or list(found.values())[:1]
