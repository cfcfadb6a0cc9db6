"""A large graph as flat lists, so that checks of a million nodes read lists and not attributes of Python objects."""

from __future__ import annotations

from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.graph import MANY, sweep_order
from ...engine.value import Value
from ...number_systems.floats import PLAIN_FLOATS
from .compiled_rules import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...engine.ops import Primitive

BOTH, LEFT, RIGHT = (True, True), (True, False), (False, True)  # which of two operands depend on an input


class OperationGroup(NamedTuple):
    """Nodes of one primitive for which the same operands depend on an input: one function evaluates them all.

    Attributes:
        primitive: The primitive.
        moves: Which operands depend on an input.
        places: The indices of the nodes in the order.
    """

    primitive: Primitive
    moves: tuple[bool, ...]
    places: list[int]

    def rule(self) -> Callable[..., Sequence[float]]:
        """Value and local derivatives as a function of the operands."""
        # `compiled` gives None for users' rules, which may be any Python, and for rules of many operands.
        return compiled(self.primitive, self.moves) or partial(_at, self.primitive)


class FlatGraph:
    """The graph of several results as lists indexed by place: nodes in topological order, then constants.

    Args:
        inputs: The leaves with respect to which is differentiated.
        outputs: The results, Values or numbers.

    Attributes:
        order: The nodes, operands first.
        place: The place of each node.
        values: The number at each place.
        moves: For each place, whether it depends on an input.
        nodes: The places of the operations that depend on an input.
        kinds: For each of these, the index of its group.
        groups: The groups of equal operations.
        starts: For each place, where the edges of its node begin, if it is among `nodes`.
        above: For every edge below `nodes`, the place of the node.
        below: The place of the operand.
        steep: The local derivative.
        results: The places of the results.
        plain: Whether all numbers are floats.
        levels: The result of `level_sweeps.levels_of`; None before it is computed.
    """

    def __init__(self, inputs: Sequence[Value], outputs: Sequence[Any]) -> None:
        self.order = order = sweep_order(*[z for z in outputs if isinstance(z, Value)])
        self.place = dict(zip(order, range(len(order)), strict=True))
        self.results = [self.place[z] for z in outputs if isinstance(z, Value)]
        self.values = values = [node._data for node in order]
        # A Fraction or another number among them: the float-only sweeps of `path_sums` would round it unseen.
        self.plain = all(x.__class__ is float for x in values)
        # Seeded with the inputs and completed by `_collect`: forward propagation of "depends on an input". An input may
        # itself be the result of an operation; it counts as a leaf of the derivative all the same.
        leaves = set(inputs)
        self.moves = [node in leaves for node in order]
        self.nodes: list[int] = []
        self.kinds: list[int] = []
        self.groups: list[OperationGroup] = []
        self.below: list[int] = []
        self.steep: list[float] = []
        self.levels: Any = None
        self.starts: list[int] = []
        self._collect()
        # After the loop and not in it: one call of C for all edges, where the loop would append to a further list.
        counts = [len(self.groups[k].moves) for k in self.kinds]
        self.above = [*chain.from_iterable(map(repeat, self.nodes, counts))]

    def _collect(self) -> None:
        """Fill the lists in one pass. This is most of the time of a large check, hence the bound methods in locals."""
        place, moves, below, steep, starts = self.place, self.moves, self.below, self.steep, self.starts
        # Groups by mask, then by primitive. For one or two operands the mask's table is picked by an `if`: building and
        # hashing a tuple of truths for every node would take longer than all else that is done for it.
        known: dict[tuple[bool, ...], dict[Primitive, int]] = {BOTH: {}, LEFT: {}, RIGHT: {}}
        both, left, right = known.values()
        constants: list[float] = []
        count = len(moves)
        add_node, add_kind, begin = self.nodes.append, self.kinds.append, starts.append
        into, along = below.extend, steep.extend
        members: list[Callable[[int], None]] = []
        operands: Sequence[int]
        # Invariant: `order` has operands first, so `moves` is final for every operand that is read here. A node that no
        # input reaches gets no edges: its derivative is 0, and its recorded value holds at all inputs.
        for i, node in enumerate(self.order):
            begin(len(below))  # for leaves, too, so that slices need no case for them
            p, q = node._p, node._q
            if p is None:
                continue
            if q is None or q is MANY:  # one operand, or more than two: the slow path over a tuple (docs/adr/0001)
                edges = node._edges
                half = len(edges) // 2
                places = [-1 if x.__class__ is float else place[x] for x in edges[:half]]
                moving = tuple([k >= 0 and moves[k] for k in places])
                if True not in moving:
                    continue
                # Only now: constants of nodes that are left out must not take up places.
                for k, x in enumerate(edges[:half]):
                    if places[k] < 0:
                        places[k] = count + len(constants)
                        constants.append(x)
                operands, slopes, of = places, edges[half:], known.setdefault(moving, {})
            else:
                slopes = (node._d, node._e)
                # A plain number stands in the slot as a bare float and has no place yet; constants follow the nodes.
                if p.__class__ is float or q.__class__ is float:
                    number, x, of = (p, q, right) if p.__class__ is float else (q, p, left)
                    k = -1 if x.__class__ is float else place[x]
                    if k < 0 or not moves[k]:
                        continue
                    at = count + len(constants)
                    operands = (at, k) if of is right else (k, at)
                    constants.append(number)
                else:
                    operands = j, k = place[p], place[q]
                    if moves[j]:
                        of = both if moves[k] else left
                    elif moves[k]:
                        of = right
                    else:
                        continue
            primitive = node._primitive
            assert primitive is not None
            group = of.get(primitive, -1)
            if group < 0:
                of[primitive] = group = len(members)
                moving = next(moving for moving, rows in known.items() if rows is of)
                self.groups.append(OperationGroup(primitive, moving, []))
                members.append(self.groups[group].places.append)
            moves[i] = True
            members[group](i)
            add_node(i)
            add_kind(group)
            into(operands)
            along(slopes)
        begin(len(below))  # one more than there are nodes: the end of the last slice
        self.values += constants
        moves += [False] * len(constants)

    def parents(self, i: int) -> list[int]:
        """The places of the operands of a node that depends on an input."""
        return self.below[self.starts[i] : self.starts[i + 1]]

    def slopes(self, i: int) -> list[float]:
        """The local derivatives with respect to these operands."""
        return self.steep[self.starts[i] : self.starts[i + 1]]

    def moving(self, i: int) -> list[bool]:
        """For each operand of a node, whether it depends on an input."""
        return [self.moves[p] for p in self.parents(i)]

    def edges(self, steep: Sequence[float], *more: Sequence[float]) -> Iterator[tuple[Any, ...]]:
        """The edges in the order of a reverse sweep: node, operand, local derivative, then the items of `more`."""
        # Reversed lists are a valid order: all edges of a node are together, and operands come before it. Within a node
        # the last operand comes first, unlike in `backward()`: sums are compared with error bounds, not bit for bit.
        return zip(*map(reversed, (self.above, self.below, steep, *more)), strict=True)

    def at(self, numbers: Sequence[float], inputs: Sequence[Value]) -> list[float]:
        """The values at all places if the inputs are other numbers.

        Raises:
            ArithmeticError: Where arithmetic on floats raises it. A user's rule may raise anything.
        """
        values, below, starts = self.values.copy(), self.below, self.starts
        for x, number in zip(inputs, numbers, strict=True):
            if x in self.place:  # no result depends on the others
                values[self.place[x]] = number
        rules = self.value_rules()
        for i, k in zip(self.nodes, self.kinds, strict=True):
            values[i] = rules[k](*[values[p] for p in below[starts[i] : starts[i + 1]]])[0]
        return values

    def value_rules(self) -> list[Callable[..., Sequence[float]]]:
        """For each group a function of the operands whose first result is the value of the node."""
        # Compiled for no moving operand, so that no partial derivative is computed.
        return [
            compiled(group.primitive, (False,) * len(group.moves)) or partial(_value_at, group.primitive)
            for group in self.groups
        ]


def _at(primitive: Primitive, *xs: float) -> Sequence[float]:
    """A rule's value and local derivatives at floats."""
    z = primitive.value(PLAIN_FLOATS, *xs)
    return z, *primitive.partials(PLAIN_FLOATS, *xs, z)


def _value_at(primitive: Primitive, *xs: float) -> Sequence[float]:
    return (primitive.value(PLAIN_FLOATS, *xs),)
