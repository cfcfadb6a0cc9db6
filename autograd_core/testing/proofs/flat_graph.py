"""A large graph as lists of numbers: what is to be said of each node takes no look at the node itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.graph import sweep_order
from ...engine.value import Value
from ...number_systems.floats import PLAIN_FLOATS
from .compiled_rules import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...engine.ops import Primitive


class OperationGroup(NamedTuple):
    """Nodes of one rule, of which the same operands move.

    Attributes:
        row: The rule.
        moves: Which operands move.
        places: The nodes' places in the order.
        first: Where the edges of each begin.
    """

    row: Primitive
    moves: tuple[bool, ...]
    places: list[int]
    first: list[int]

    def rule(self) -> Callable[..., Sequence[float]]:
        """Value and local derivatives as a function of the operands."""
        return compiled(self.row, self.moves) or partial(_at, self.row)


class FlatGraph:
    """The graph of several results; constants stand behind the nodes.

    Args:
        inputs: The leaves to differentiate to.
        outputs: The results, Values or numbers.

    Attributes:
        order: The nodes, operands first.
        place: Their places.
        values: Their numbers, and behind them the constants'.
        parents: The places of the operands.
        slopes: The local derivatives to them.
        moves: What depends on an input.
        nodes: The places of the nodes that do, but leaves.
        kinds: The group of each of these.
        groups: They by rule.
        above: Of every edge below them, the node,
        below: the operand,
        steep: and the local derivative.
        plain: Whether all numbers are floats.
        levels: What `level_sweeps.levels_of` has found, None before.
    """

    def __init__(self, inputs: Sequence[Value], outputs: Sequence[Any]) -> None:
        self.order = order = sweep_order(*[z for z in outputs if isinstance(z, Value)])
        self.place = place = {node: i for i, node in enumerate(order)}
        self.values = values = [node._data for node in order]
        self.plain = all(x.__class__ is float for x in values)
        leaves = set(inputs)
        self.moves = moves = [node in leaves for node in order]
        self.parents: list[Sequence[int]] = []
        self.slopes: list[Sequence[float]] = []
        self.nodes: list[int] = []
        self.kinds: list[int] = []
        self.groups: list[OperationGroup] = []
        self.above: list[int] = []
        self.below: list[int] = []
        self.steep: list[float] = []
        self.levels: Any = None
        # What follows is most of the time that a large graph takes: methods are looked up once, and a node is one turn.
        known: dict[tuple[Any, ...], int] = {}
        add_parents, add_slopes, add_number = self.parents.append, self.slopes.append, values.append
        places: list[Callable[[int], None]] = []
        firsts: list[Callable[[int], None]] = []
        add_node, add_kind = self.nodes.append, self.kinds.append
        above, into, steep = self.above.extend, self.below.extend, self.steep.extend
        count, first = len(values), 0
        for i, node in enumerate(order):
            edges = node._edges
            if not edges:
                add_parents(())
                add_slopes(())
                continue
            half = len(edges) // 2
            below = []
            for p in edges[:half]:
                if p.__class__ is float:
                    below.append(count)
                    count += 1
                    add_number(p)
                    moves.append(False)
                else:
                    below.append(place[p])
            slopes = edges[half:]
            add_parents(below)
            add_slopes(slopes)
            moving = (moves[below[0]], moves[below[1]]) if half == 2 else tuple([moves[p] for p in below])
            if True not in moving:
                continue
            moves[i] = True
            key = (node._row, moving)
            k = known.get(key, -1)
            if k < 0:
                assert node._row is not None
                known[key] = k = len(self.groups)
                self.groups.append(OperationGroup(node._row, moving, [], []))
                places.append(self.groups[k].places.append)
                firsts.append(self.groups[k].first.append)
            places[k](i)
            firsts[k](first)
            first += half
            add_node(i)
            add_kind(k)
            above((i,) * half)
            into(below)
            steep(slopes)

    def moving(self, i: int) -> list[bool]:
        """Which operands of a node move."""
        return [self.moves[p] for p in self.parents[i]]

    def edges(self, steep: Sequence[float], *more: Sequence[float]) -> Iterator[tuple[Any, ...]]:
        """The edges, results before operands: node, operand, local derivative, and what is given beside."""
        return zip(*map(reversed, (self.above, self.below, steep, *more)), strict=True)

    def at(self, numbers: Sequence[float], inputs: Sequence[Value]) -> list[float]:
        """The values of all nodes where the inputs are other numbers.

        Raises:
            ArithmeticError: Where arithmetic on floats does; so may a user's rule raise anything else.
        """
        values, parents = self.values.copy(), self.parents
        for x, number in zip(inputs, numbers, strict=True):
            if x in self.place:
                values[self.place[x]] = number
        rules = self.value_rules()
        for i, k in zip(self.nodes, self.kinds, strict=True):
            values[i] = rules[k](*[values[p] for p in parents[i]])[0]
        return values


    def value_rules(self) -> list[Callable[..., Sequence[float]]]:
        """For each group a function of the operands, whose first result is the value."""
        return [
            compiled(group.row, (False,) * len(group.moves)) or partial(_value_at, group.row) for group in self.groups
        ]


def _at(row: Primitive, *xs: float) -> Sequence[float]:
    """A rule's value and local derivatives at floats."""
    z = row.value(PLAIN_FLOATS, *xs)
    return z, *row.partials(PLAIN_FLOATS, *xs, z)


def _value_at(row: Primitive, *xs: float) -> Sequence[float]:
    return (row.value(PLAIN_FLOATS, *xs),)
