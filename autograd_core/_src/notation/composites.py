"""Composites: what is recorded as several nodes but written as one operation, such as a softmax or a loss.

An entry of the table says which primitives are its parts; a softmax is recorded as its largest operand, a scale and the
shares. Outputs that share a part are one composite: all n of a softmax. A loss is marked at its result (`losses.py`).
`as_written` gives the graph in which each composite is a single operation, as texts write it: s_i of all x_j, with the
slopes s_i (1 - s_i) and -s_i s_j.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.evaluation import plus, times
from ..engine.graph import order_of
from ..engine.pickling import restore
from ..engine.value import Constant, Value
from .formulas import WrittenComposite
from .losses import LossRule, WrittenLoss, loss_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ..engine.ops import Composite, Primitive
    from .losses import UsedLoss

MOST_EDGES = 400  # of a composite as texts write it, from each operand to each output: those of 20 classes


class CompositeInGraph(NamedTuple):
    """A composite in a graph, its nodes as numbers in topological order."""

    nodes: list[int]
    outputs: list[int]
    primitive: Primitive
    said: Composite | LossRule
    loss: UsedLoss | None = None

    @property
    def captions(self) -> tuple[str, str]:
        """Its formula and its derivative, in general."""
        return (self.said.caption, self.said.derivative) if self.loss is None else self.loss.captions


def composites_of(
    order: Sequence[Value], users: Sequence[Sequence[int]], never: AbstractSet[int]
) -> list[CompositeInGraph]:
    """The composites of a graph.

    Args:
        order: The nodes, operands first.
        users: Of each node the numbers of those that use it.
        never: The numbers of results and of constants, which are no parts.
    """
    losses = _losses(order, users, never)
    of_losses = {v for loss in losses for v in loss.nodes}
    found = []
    for group in _together(order, users, never):
        inside = set(group)
        if not of_losses.isdisjoint(inside):
            continue  # a part of one
        outputs = [v for v in group if v in never or not users[v] or not inside.issuperset(users[v])]
        found_here = {order[v]._primitive for v in outputs}
        [primitive] = found_here if len(found_here) == 1 else [None]
        if primitive is None:
            continue
        if primitive.composite is not None:
            found.append(CompositeInGraph(group, outputs, primitive, primitive.composite))
    return found + losses


def _losses(order: Sequence[Value], users: Sequence[Sequence[int]], never: AbstractSet[int]) -> list[CompositeInGraph]:
    """Losses with all nodes between their result and their operands, unless one of these has a use elsewhere.

    One that is not what its formula gives stays as recorded, as where a logarithm is held.
    """
    marked = [(v, loss) for v, node in enumerate(order) if (loss := loss_of(node)) is not None]
    if not marked:
        return []
    index = {node: v for v, node in enumerate(order)}
    found = []
    for v, loss in marked:
        operands, primitive = loss.operands, order[v]._primitive
        if operands is None or primitive is None or not all(x in index for x in operands):
            continue
        if not WrittenLoss(loss).gives(order[v].data):
            continue
        ends = {index[x] for x in operands}
        inside, left = {v}, [v]
        while left:
            for p in order[left.pop()].parents:
                u = index[p]
                if u not in ends and u not in inside and not isinstance(p, Constant):
                    inside.add(u)
                    left.append(u)
        parts = inside - {v}
        if parts and all(
            u not in never and order[u].op and not order[u].label and inside.issuperset(users[u]) for u in parts
        ):
            found.append(CompositeInGraph(sorted(inside), [v], primitive, loss.rule, loss))
    return found


def _together(
    order: Sequence[Value], users: Sequence[Sequence[int]], never: AbstractSet[int]
) -> list[list[int]]:
    """Nodes and their parts, with all that share one; in topological order. What has other uses, too, is no part.

    What is a composite without any part is a group by itself.
    """
    composed = [v for v, node in enumerate(order) if _is_written_composite(node)]
    if not composed:
        return []
    index = {node: v for v, node in enumerate(order)}
    without_parts = []
    first: dict[int, int] = {}  # by node: another of its group, nearer to the one that stands for it
    alone: dict[int, bool] = {}

    def head(v: int) -> int:
        while first.setdefault(v, v) != v:
            first[v] = first[first[v]]
            v = first[v]
        return v

    for v in composed:
        node = order[v]
        primitive = node._primitive
        assert primitive is not None
        if not primitive.parts:
            without_parts.append([v])
        for operand in node.parents[-primitive.parts :] if primitive.parts else ():
            u = index[operand]
            if u not in alone:
                alone[u] = u not in never and _serves_alone(order[u], [order[w] for w in users[u]])
            if alone[u]:
                first[head(u)] = head(v)
    groups: dict[int, list[int]] = {}
    for v in sorted(first):
        groups.setdefault(head(v), []).append(v)
    return [group for group in groups.values() if len(group) > 1] + without_parts


def _serves_alone(node: Value, users: Sequence[Value]) -> bool:
    """Whether all that use a node have it as a part."""
    if not node.op:
        return False
    for user in users:
        own = user._primitive.parts if user._primitive is not None else 0
        others = user.parents[: len(user.parents) - own]
        if not own or any(operand is node for operand in others):
            return False
    return True


# --- the graph as texts write it ----------------------------------------------------------------------


Edge = tuple[Value, int]  # a node and the position of one of its operands


class AsWritten(NamedTuple):
    """One output of a composite as texts write it."""

    primitive: WrittenComposite | WrittenLoss
    operands: list[Value]
    slopes: list[Any]
    edges: list[list[Edge]]  # for each operand the edges by which it enters the composite


class ReadGraph(NamedTuple):
    """The graph as texts write it: copies of its composites and of all nodes above them, other nodes themselves."""

    roots: list[Value]
    shown: dict[Value, Value]  # by recorded node its copy; a part has the copy of an output
    recorded: dict[Value, Value]  # by copy the recorded node
    hidden: frozenset[Value]  # the parts
    edges: Mapping[Value, Sequence[Sequence[Edge]]]  # by output: for each operand as written its recorded edges

    def copy(self, node: Value) -> Value:
        """The node that stands for a recorded one."""
        return self.shown.get(node, node)

    def original(self, node: Value) -> Value:
        """The recorded node of one that may be a copy."""
        return self.recorded.get(node, node)


class _Copy(Value):
    """A node as texts write it; its local derivatives are as recorded, those to constants 0."""

    __slots__ = ()

    @property
    def local_grads(self) -> tuple[Any, ...]:
        return self._edges[len(self.parents) :]


def _is_written_composite(node: Value) -> bool:
    """Whether texts write it as one operation, with or without nodes that are computed for it alone."""
    primitive = node._primitive
    return primitive is not None and bool(primitive.parts or primitive.composite)


def has_composites(roots: Iterable[Value]) -> bool:
    """Whether anything below the roots may be computed in parts."""
    return any(_is_written_composite(node) or loss_of(node) is not None for node in order_of(roots))


def as_written(roots: Sequence[Value], keep: Iterable[Value] = (), least: int = 1) -> ReadGraph | None:
    """The graph with each composite as texts write it; None where it has none.

    Args:
        roots: The results.
        keep: Nodes that are to be in it: a composite of which one is a part stays as recorded.
        least: Wholes with fewer outputs stay as recorded.
    """
    if not has_composites(roots):
        return None
    order = order_of(roots)
    index = {node: v for v, node in enumerate(order)}
    users: list[list[int]] = [[] for _ in order]
    for v, node in enumerate(order):
        for p in node.parents:
            users[index[p]].append(v)
    never = {index[root] for root in roots} | {v for v, node in enumerate(order) if isinstance(node, Constant)}
    kept = {index[node] for node in keep if node in index}
    written: dict[Value, AsWritten] = {}
    hidden: dict[Value, Value] = {}  # by part: the output that stands for it
    for group in composites_of(order, users, never):
        ends = frozenset(group.outputs)
        parts = [v for v in group.nodes if v not in ends]
        new = _operation([order[v] for v in group.nodes], [order[v] for v in group.outputs], group)
        if new is None or len(group.outputs) < least or not kept.isdisjoint(parts):
            continue
        written |= new
        hidden |= {order[v]: order[group.outputs[0]] for v in parts}
    return _copied(roots, order, written, hidden) if written else None


def _copied(
    roots: Sequence[Value],
    order: Sequence[Value],
    written: Mapping[Value, AsWritten],
    hidden: dict[Value, Value],
) -> ReadGraph:
    shown: dict[Value, Value] = {}
    for node in order:
        if node in hidden:
            continue
        primitive: Primitive | None
        if node in written:
            primitive, operands, slopes, _ = written[node]
        else:
            primitive, operands = node._primitive, list(node.parents)
            slopes = list(node._edges[len(operands) :])
            if not any(p in shown for p in operands):
                continue
        edges = (*(shown.get(p, p) for p in operands), *slopes)
        shown[node] = restore(_Copy, node.data, node.grad, primitive, edges, getattr(node, "_note", None))
    recorded = {copy: node for node, copy in shown.items()}
    shown |= {part: shown[output] for part, output in hidden.items()}
    ways = {node: one.edges for node, one in written.items()}
    return ReadGraph([shown.get(root, root) for root in roots], shown, recorded, frozenset(hidden), ways)


def _operation(
    nodes: Sequence[Value], outputs: Sequence[Value], group: CompositeInGraph
) -> Mapping[Value, AsWritten] | None:
    """Each output with its operands, its own one first; None if there are too many."""
    if group.loss is not None:
        return _loss_operation(nodes, group.loss)
    said = group.said
    assert not isinstance(said, LossRule)
    inside, ends = set(nodes), set(outputs)
    places: dict[Value, list[int]] = {}  # of an operand that occurs several times, each is one for itself
    operands: list[Value] = []
    of: dict[tuple[Value, int], int] = {}  # by node and position among its operands
    own: dict[Value, int] = {}
    owners: Counter[Value] = Counter()
    for node in nodes:
        seen: Counter[Value] = Counter()
        for k, p in enumerate(node.parents):
            if p in inside:
                continue
            known = places.setdefault(p, [])
            which = owners[p] if node in ends and known else seen[p]
            seen[p] += 1
            if which >= len(known):
                which = len(known)
                known.append(len(operands))
                operands.append(p)
            of[node, k] = known[which]
            if node in ends:
                owners[p] += 1
                if len(nodes) > 1:  # else it has no parts, and the last is its own
                    own.setdefault(node, known[which])
    if len(operands) * len(outputs) > MOST_EDGES:
        return None
    found = {}
    for output in outputs:
        mine = own.get(output, len(operands) - 1)
        slopes = _slopes(nodes, output, of, len(operands))
        turned = [mine, *(k for k in range(len(operands)) if k != mine)]
        found[output] = AsWritten(
            _named(group.primitive, said, mine), [operands[k] for k in turned],
            [0.0 if isinstance(operands[k], Constant) else slopes[k] for k in turned],
            _by_operand(of, turned),
        )  # fmt: skip
    return found


def _loss_operation(
    nodes: Sequence[Value], loss: UsedLoss
) -> Mapping[Value, AsWritten] | None:
    """The same of a loss, whose operands are as it names them."""
    operands = loss.operands
    assert operands is not None
    if len(operands) > MOST_EDGES:
        return None
    place = {x: k for k, x in enumerate(operands)}
    of = {(node, k): place[p] for node in nodes for k, p in enumerate(node.parents) if p in place}
    result = nodes[-1]
    edges = _by_operand(of, range(len(operands)))
    return {result: AsWritten(WrittenLoss(loss), operands, _slopes(nodes, result, of, len(operands)), edges)}


def _by_operand(of: Mapping[Edge, int], turned: Iterable[int]) -> list[list[Edge]]:
    found = defaultdict(list)
    for edge, k in of.items():
        found[k].append(edge)
    return [found[k] for k in turned]


@cache
def _named(primitive: Primitive, said: Composite, place: int) -> WrittenComposite:
    return WrittenComposite(primitive, said, place)


def _slopes(nodes: Sequence[Value], output: Value, of: dict[tuple[Value, int], int], count: int) -> list[Any]:
    """The derivatives of one output with respect to the operands: a reverse sweep of the composite alone."""
    adjoints: dict[Value, Any] = defaultdict(int)
    adjoints[output] = 1
    slopes: list[Any] = [0.0] * count
    for node in reversed(nodes):
        g = adjoints[node]
        if not g:
            continue
        parents = node.parents
        for k, (p, d) in enumerate(zip(parents, node._edges[len(parents) :], strict=True)):
            if not d:
                continue
            product = times(d, g)
            if (node, k) in of:
                slopes[of[node, k]] = plus(slopes[of[node, k]], product)
            else:
                adjoints[p] = plus(adjoints[p], product)
    return slopes
