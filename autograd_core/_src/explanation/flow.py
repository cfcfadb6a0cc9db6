"""Quantities between a leaf and its root: adjoints, and the sizes of their terms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..engine.evaluation import is_fraction, plus, times
from ..engine.graph import sweep_order
from ..engine.sweep import reverse
from ..engine.value import Constant
from .walks import dependents

if TYPE_CHECKING:
    from ..engine.value import Value


class Flow:
    """One reverse sweep of the signed local derivatives, and one of their absolute values.

    Attributes:
        order: The sweep's nodes, operands first.
        between: Those between the leaf and the root, both included; empty if there is no path.
        adjoints: d root / d node: the sum over the node's paths of their products.
        sizes: The same sum of the products' absolute values, also in one sweep.
        live: The nodes to which a path from the leaf leads whose factors are all other than 0.
    """

    def __init__(self, root: Value, leaf: Value) -> None:
        self.root, self.leaf = root, leaf
        self.order = sweep_order(root)
        # Sweeps go through the whole graph, not `between` alone: so adjoints have the bits of `backward()`, whose order
        # of addition they follow (docs/adr/0005).
        self.between = [] if isinstance(leaf, Constant) and leaf is not root else dependents(root, leaf)
        self.adjoints = adjoints_of(root, self.order)
        self.sizes = reverse(self.order, _seeded(root, self.order), _absolute)
        zero = 0 * self.adjoints[root]
        self.gradient = self.adjoints.get(leaf, zero) if self.between else zero
        self.size = self.sizes.get(leaf, zero) if self.between else zero
        self.live = self._live()

    def _live(self) -> set[Value]:
        # By factors and not by products, which underflow to 0 over a long path though no factor is 0.
        live = {self.leaf}
        for node in self.between:
            edges = node._edges
            half = len(edges) // 2
            if any(d and p in live for p, d in zip(edges, edges[half:])):
                live.add(node)
        return live

    @property
    def condition(self) -> float:
        """Sum of |path products| over |their sum|: how much a relative error of one of them grows."""
        return ratio(self.size, abs(self.gradient)) if self.size else 1.0

    def terms(self, operand: Value) -> list[tuple[Value, int, Any, Any]]:
        """The terms that each use sends to a node: user, operand, local derivative, product; in the sweep's order."""
        found = []
        for node in reversed(self.order):
            edges = node._edges
            half = len(edges) // 2
            for place in range(half):
                if edges[place] is operand:
                    d, g = edges[half + place], self.adjoints[node]
                    found.append((node, place, d, times(d, g) if d and g else 0 * self.adjoints[self.root]))
        return found

    def cancelling(self) -> dict[Value, float]:
        """Where terms of both signs meet: the sizes of a node's terms over the size of their sum."""
        # Every edge is looked at once, from its user: asking each node for its `terms` would take quadratic time.
        sums: dict[Value, Any] = {}
        between = set(self.between)
        for node in self.order:
            edges = node._edges
            g = self.adjoints[node]
            for p, d in zip(edges, edges[len(edges) // 2 :]):
                if d and g and p in between:
                    sums[p] = plus(sums.get(p, 0), abs(times(d, g)))
        ratios = {p: ratio(total, abs(self.adjoints[p])) for p, total in sums.items() if total}
        return {p: r for p, r in ratios.items() if r > 1 + 1e-9}  # above 1 only by rounding: all terms have one sign


def adjoints_of(root: Value, order: list[Value]) -> dict[Value, Any]:
    """d root / d node for every node, as `backward()` computes it; no `.grad` is touched."""
    return reverse(order, _seeded(root, order))


def _seeded(root: Value, order: list[Value]) -> dict[Value, Any]:
    kind = type(root.data) if is_fraction(root.data) else float
    return dict.fromkeys(order, kind(0)) | {root: kind(1)}


def _absolute(node: Value) -> tuple[Any, ...]:
    # With |d| in place of d the same reverse loop adds up |products|: no second loop has to know strict zero.
    edges = node._edges
    half = len(edges) // 2
    return (*edges[:half], *map(abs, edges[half:]))


def ratio(a: Any, b: Any) -> float:
    """a / b for a, b >= 0 as a float: infinite where b is 0 or the quotient beyond doubles, else NaN where one is."""
    if not b:
        return math.nan if a != a else math.inf  # noqa: PLR0124
    try:
        return float(a / b)
    except OverflowError:
        return math.inf
