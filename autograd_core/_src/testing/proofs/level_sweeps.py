"""Sums over the paths of a large graph by NumPy, level by level: nodes of one level do not depend on each other.

Nodes of one primitive in a level are evaluated together. Python's `sum` records a chain of additions as deep as it has
terms; since nothing else uses its partial sums, the chain counts as one node with many operands. Without NumPy, and for
a graph about as deep as it is large, `path_sums.py` goes from node to node instead; both agree up to rounding.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...engine.ops import PRIMITIVES
from ..arguments.flat import DOUBLE
from ..directions import SMALLEST
from .edges import FEW_MOVED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...engine.value import Value
    from .flat_graph import FlatGraph

FEWEST = 32  # arrays do not pay for fewer nodes
MANY, MOST_LEVELS = 256, 200  # a graph with fewer nodes or more levels goes node by node


def levels_of(flat: FlatGraph) -> Levels | None:
    """The levels of a graph, cached with it; None if going from node to node is as fast."""
    if flat.levels is None:
        flat.levels = False
        if len(flat.nodes) < MANY:
            return None
        try:
            import numpy as np  # noqa: F401
        except ImportError:
            return None
        found = Levels(flat)
        flat.levels = found if found.count <= min(MOST_LEVELS, len(flat.nodes) / FEWEST) else False
    return flat.levels or None


class Levels:
    """A graph's nodes and edges by level. The level of a node is one more than the highest level of its operands.

    Args:
        flat: The graph.

    Attributes:
        count: How many levels there are; of deep graphs, more than `MOST_LEVELS`.
        steep: The local derivative of each edge.
        nodes: The places of the nodes; a chain of additions has that of its last one.
    """

    def __init__(self, flat: FlatGraph) -> None:
        import numpy as np

        self.flat = flat
        self.steep, self._values = np.array(flat.steep, float), np.array(flat.values)
        self.above, self.below = np.array(flat.above, np.int64), np.array(flat.below, np.int64)
        nodes, kinds = np.array(flat.nodes, np.int64), np.array(flat.kinds, np.int64)
        end, sign, self._signs = _ends_of_chains(flat, self.above, self.below, self.steep)
        self._end = end
        inside = end != np.arange(len(end))
        in_chain = np.isin(nodes, end[inside])[~inside[nodes]]
        nodes, kinds = nodes[~inside[nodes]], kinds[~inside[nodes]]
        self.steep *= sign[self.above]
        self._signs *= sign[self.above]
        self.above = end[self.above]
        self._kept = np.flatnonzero(~inside[self.below])
        self._kept = self._kept[np.argsort(self.above[self._kept], kind="stable")]
        lists = self.above, self.below, self.steep, self._signs
        self.above, self.below, self.steep, self._signs = (x[self._kept] for x in lists)
        order = np.argsort(nodes)
        nodes, kinds, in_chain = nodes[order], kinds[order], in_chain[order]
        counts = np.bincount(self.above, minlength=len(flat.values))[nodes]
        kinds[in_chain] = -counts[in_chain]  # a chain has minus its number of operands instead of a group
        self.first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
        level = np.zeros(len(flat.values), np.int64)
        for self.count in range(1, MOST_LEVELS + 2):
            new = np.maximum.reduceat(level[self.below], self.first) + 1
            if (new == level[nodes]).all():
                break
            level[nodes] = new
        self.nodes, self._level = nodes, level[nodes]
        self._in_chain = np.isin(self.above, nodes[in_chain])
        self._edges = _parted(level[self.above])
        self._groups = [
            (int(kinds[places[0]]), places) for level in _parted(self._level) for places in _parted(kinds, level)
        ]

    def path_sums(self, steep: Any, start: Any) -> Any:
        """The derivative of a weighted sum of nodes with respect to every node.

        Args:
            steep: The local derivative of each edge.
            start: The weight of each node.
        """
        import numpy as np

        sums = start.copy()
        for edges in reversed(self._edges):
            g = sums[self.above[edges]]
            np.add.at(sums, self.below[edges], np.where(g != 0, steep[edges] * g, 0.0))
        return sums

    def last_terms(self, sums: Any, start: Any) -> Any:
        """For each derivative, Σ |term| of the last addition on the way to it, which may cancel.

        Args:
            sums: The derivatives.
            start: The size of the weight of each node.
        """
        import numpy as np

        terms = start.copy()
        single = np.bincount(self.below, minlength=len(sums)) + (start != 0) == 1
        for edges in reversed(self._edges):
            above, below = self.above[edges], self.below[edges]
            of = np.where(single[below], terms[above], np.abs(sums[above]))
            np.add.at(terms, below, np.where(of != 0, np.abs(self.steep[edges]) * of, 0.0))
        return terms

    def bounds(self, own: Any, start: Any) -> tuple[Any, Any, Any]:
        """The sums of |path products|, and the errors that a sweep and wrong local derivatives may cause.

        Args:
            own: For each local derivative, the error that may be in it.
            start: The size of the weight of each node.
        """
        import numpy as np

        own = np.where(self._in_chain, 0.0, own[self._kept])  # ±1 is exact
        sizes, sweep, unseen = start.copy(), np.zeros_like(start), np.zeros_like(start)
        for edges in reversed(self._edges):
            above, below = self.above[edges], self.below[edges]
            size, hidden = sizes[above], unseen[above]
            used = (size != 0) | (hidden != 0)
            above, below, size, hidden = above[used], below[used], size[used], hidden[used]
            d = np.abs(self.steep[edges][used])
            flow = d * size
            np.add.at(sizes, below, flow)
            np.add.at(sweep, below, d * sweep[above] + 4 * DOUBLE * flow + SMALLEST)
            np.add.at(unseen, below, d * hidden + own[edges][used] * size)
        return sizes, sweep, unseen

    def steep_otherwise(
        self,
        seed: int,
        rounded: Sequence[bool],
        one: Callable[[int, int, Any], tuple[float, Sequence[float], float]],
        at: Mapping[int, float] = MappingProxyType({}),
    ) -> Any:
        """The local derivatives if every value is perturbed at random by as much as rounding may do.

        Args:
            seed: Of the random numbers.
            rounded: Whether each value was rounded.
            one: Evaluates one node by its place, its group and all values: value, local derivatives, and the size
                of what its rounding is a share of.
            at: Other numbers for some inputs, by their places.
        """
        import numpy as np

        flat, rng = self.flat, np.random.default_rng(seed)
        noise = 6 * DOUBLE * (rng.random(len(self.nodes)) - 0.5)
        inexact = np.zeros(len(self._values), bool)
        inexact[self._end[np.flatnonzero(rounded)]] = True  # a chain is inexact if one of its partial sums is
        noise[~inexact[self.nodes]] = 0.0
        values, steep = self._values.copy(), np.zeros(len(self.above))
        values[[*at]] = [*at.values()]
        moving = np.array(flat.moves)
        for kind, places in self._groups:
            nodes, first = self.nodes[places], self.first[places]
            if kind < 0:  # perturb each partial sum, as rounding does
                edges, sums = self._chains(-kind, first, values)
                off = 6 * DOUBLE * (rng.random(sums.shape) - 0.5)
                values[nodes] = sums[:, -1] + np.where(noise[places] != 0, 2 * (sums * off).sum(axis=1), 0.0)
                steep[edges] = np.where(moving[self.below[edges]], self._signs[edges], 0.0)
                continue
            group = flat.groups[kind]
            count = len(group.moves)
            found = None
            if len(places) >= FEWEST and count <= FEW_MOVED:
                found = _together(group.primitive, [values[self.below[first + k]] for k in range(count)])
            if found is not None:
                z, slopes = found
                values[nodes] = z + 2 * z * noise[places]
                for k, (d, moves) in enumerate(zip(slopes, group.moves, strict=True)):
                    if moves:
                        steep[first + k] = d
                continue
            for i, start, off in zip(nodes.tolist(), first.tolist(), noise[places].tolist(), strict=True):
                z, slopes, size = one(i, kind, values)
                steep[start : start + len(slopes)] = slopes
                values[i] = z + size * off
        return steep

    def at(self, numbers: Sequence[float], inputs: Sequence[Value]) -> Any:
        """All values if the inputs are other numbers, up to a few roundings.

        Raises:
            ArithmeticError: Where arithmetic on floats raises it. A user's rule may raise anything.
        """
        import numpy as np

        flat, values = self.flat, self._values.copy()
        rules = flat.value_rules()
        values[[flat.place[x] for x in inputs if x in flat.place]] = [
            number for x, number in zip(inputs, numbers, strict=True) if x in flat.place
        ]
        for kind, places in self._groups:
            nodes, first = self.nodes[places], self.first[places]
            if kind < 0:
                values[nodes] = self._chains(-kind, first, values)[1][:, -1]
                continue
            group = flat.groups[kind]
            columns = [values[self.below[first + k]] for k in range(len(group.moves))]
            found = _together(group.primitive, columns, slopes=False) if len(places) >= FEWEST else None
            if found is None:
                values[nodes] = [rules[kind](*xs)[0] for xs in np.stack(columns, axis=1).tolist()]
            else:
                values[nodes] = found[0]
        return values

    def _chains(self, count: int, first: Any, values: Any) -> tuple[Any, Any]:
        """The edges of equally long chains and their partial sums, as matrices with a row for each chain.

        Args:
            count: The number of operands of each chain.
            first: The first edge of each.
            values: All values.
        """
        import numpy as np

        edges = first[:, None] + np.arange(count)
        return edges, np.cumsum(self._signs[edges] * values[self.below[edges]], axis=1)


def _ends_of_chains(flat: FlatGraph, above: Any, below: Any, steep: Any) -> tuple[Any, Any, Any]:
    """Find the chains of additions and subtractions.

    A node continues a chain if it is an addition or subtraction that nothing else uses and that is no result. Recorded
    local derivatives must be ±1; the check of single edges finds wrong ones.

    Returns:
        For each place the last node of its chain, or itself; its sign in that; and that of each edge in its own node.
    """
    import numpy as np

    end, sign, signs = np.arange(len(flat.values)), np.ones(len(flat.values)), np.ones(len(steep))
    linear, starts = np.zeros(len(end), bool), np.array(flat.starts)
    for group in flat.groups:
        if group.primitive in (PRIMITIVES["add"], PRIMITIVES["sub"]):
            linear[group.places] = True
            signs[starts[group.places] + 1] = -1.0 if group.primitive is PRIMITIVES["sub"] else 1.0
    linear[above[(steep != signs) & np.array(flat.moves)[below]]] = False
    readers = np.bincount(below, minlength=len(end))
    readers[flat.results] += 1
    links = np.flatnonzero(linear[above] & linear[below] & (readers[below] == 1))
    end[below[links]], sign[below[links]] = above[links], signs[links]
    while True:  # pointer jumping: each round doubles the distance, so a chain of n links takes log2(n) rounds
        further = end[end]
        if (further == end).all():
            return end, sign, signs
        end, sign = further, sign * sign[end]


def _parted(keys: Any, among: Any = None) -> list[Any]:
    """The positions of each key, ascending; keys in order."""
    import numpy as np

    mine = keys if among is None else keys[among]
    order = np.argsort(mine, kind="stable")
    ends = np.flatnonzero(np.diff(mine[order])) + 1
    parts = np.split(order, ends)
    return parts if among is None else [among[part] for part in parts]


def _together(primitive: Any, columns: Sequence[Any], *, slopes: bool = True) -> tuple[Any, Sequence[Any]] | None:
    """A rule's values and local derivatives at many points; None if it cannot be evaluated on arrays."""
    import numpy as np

    from ...number_systems.numpy_arrays import NUMPY, ArrayNumber

    xs = [column.view(ArrayNumber) for column in columns]
    try:
        z = primitive.value(NUMPY, *xs)
        results = (z, *primitive.partials(NUMPY, *xs, z)) if slopes else (z,)
        found = [np.broadcast_to(np.asarray(x, float), columns[0].shape) for x in results]
    except Exception:  # noqa: BLE001  a user's rule may raise anything for arrays
        return None
    return found[0], found[1:]
