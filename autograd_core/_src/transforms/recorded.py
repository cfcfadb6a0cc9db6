"""Derivatives of a recorded graph, forward and reverse, as numbers or as graphs.

Where the results must be differentiable, the sweep itself records a graph: its adjoints are `Symbol`s, and each
rule is evaluated again in the number system of Values (docs/adr/0003).
"""

from __future__ import annotations

import math
from operator import is_not
from typing import TYPE_CHECKING, Any, Self, overload

from ...errors import AnomalyError, OperandError
from ..any_object import listed, shown
from ..engine.contexts import current, unwatched
from ..engine.evaluation import is_finite, is_fraction
from ..engine.graph import order_of, sweep_order
from ..engine.ops import PRIMITIVES
from ..engine.provenance import GradientWatch, named
from ..engine.recording import FUSED, check_fresh, record_many
from ..engine.sweep import forward, reverse
from ..engine.value import Constant, Value
from ..engine.value_system import VALUES
from ..wrong_calls import says_how

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Literal


class Symbol:
    """An adjoint or a tangent that is a graph: a sum of Values that has not been added up yet.

    It is never "0": in a gradient graph a product with something that is 0 at this point is a node like any
    other, or (sin^2)''(0) would lose its 2.
    """

    __slots__ = ("_last", "terms")

    def __init__(self, term: Any) -> None:
        self.terms = [term]
        self._last: tuple[Any, Any, Any] | None = None  # factors and product: of x * x two are alike, and one node

    @property
    def total(self) -> Any:
        """The sum, as one node."""
        terms = self.terms
        if len(terms) > 1:
            terms[:] = [terms[0] + terms[1] if len(terms) == 2 else record_many(PRIMITIVES["sum"], terms)]
        return terms[0]

    def __iadd__(self, other: Any) -> Self:
        if isinstance(other, Symbol):
            self.terms += other.terms  # in place: a weight with n uses has n terms
        return self

    def __radd__(self, other: Any) -> Symbol:
        return self  # 0.0 + symbol: nothing was there before

    def __mul__(self, other: Any) -> Symbol:
        x, y = self.total, other.total if isinstance(other, Symbol) else other
        if x.__class__ is not Value and x == 1:
            return Symbol(y)
        if y.__class__ is not Value and y == 1:
            return Symbol(x)
        adjoint = other if isinstance(other, Symbol) else self
        known = adjoint._last
        if known is None or known[0] is not x or known[1] is not y:
            adjoint._last = known = (x, y, FUSED["path_product"](x, y))
        return Symbol(known[2])

    def __rmul__(self, other: Any) -> Symbol:
        return Symbol(other) * self


def _symbolic_edges(node: Value) -> tuple[Any, ...]:
    """A node's operands and its local derivatives as graphs.

    Raises:
        StaleGraphError: The operands no longer give what the node recorded.
    """
    primitive, parents = node._primitive, node.parents
    if primitive is None:
        return ()
    check_fresh(node)
    operands = [p.data if isinstance(p, Constant) else p for p in parents]
    try:
        local = primitive.partials(VALUES, *operands, node)
    except ArithmeticError:  # a rule divides by a constant 0; operations on nodes never raise
        local = primitive.partials(VALUES, *parents, node)
    return (*parents, *(0 if isinstance(p, Constant) else _local(d) for p, d in zip(parents, local, strict=True)))


def _local(d: Any) -> Any:
    return Symbol(d) if isinstance(d, Value) else d


def pull_back(
    outputs: Sequence[Any],
    seeds: Sequence[Any],
    inputs: Sequence[Value],
    *,
    graph: bool,
    fresh: bool = False,
    swept: list[Value] | None = None,
) -> list[Any]:
    """Sum over the outputs of seed * d output / d input, for every input.

    Args:
        outputs: Values; plain numbers among them depend on nothing.
        seeds: One number (or, with `graph`, Value) per output.
        inputs: The nodes to differentiate with respect to.
        graph: Whether the results are Values.
        fresh: Whether the inputs were made for this call, so that none is above another. Then no walk goes below
            them: in a loop that differentiates at each step, what is below is all that came before.
        swept: The `sweep_order` of the outputs, where it is known.
    """
    stop = inputs if fresh else ()
    pairs = [(out, seed) for out, seed in zip(outputs, seeds, strict=True) if isinstance(out, Value)]
    roots = [out for out, _ in pairs]
    watch = None
    if (anomaly := current().anomaly) is not None:
        anomaly.settle(roots)
        watch = GradientWatch(inputs)
    if graph:
        order = [*stop, *_dependents(sweep_order(*roots, stop=stop), inputs)]
        adjoints: dict[Value, Any] = dict.fromkeys(order, 0.0)
        for root, seed in pairs:
            if root in adjoints:
                adjoints[root] += Symbol(seed)
        wanted = set(order)
        with unwatched():
            reverse(
                order,
                adjoints,
                lambda node: _kept(_symbolic_edges(node), wanted),
                watch and (lambda node, g: watch(node, _as_number(g))),
            )
        return _merged([_as_value(adjoints.get(x, 0.0)) for x in inputs], order, [*stop, *seeds])
    order = [*stop, *sweep_order(*roots, stop=stop)] if swept is None else swept
    exact = next((type(x.data) for x in (*roots, *inputs) if is_fraction(x.data)), None)
    zero = exact(0) if exact else 0.0
    adjoints = dict.fromkeys(order, zero)
    for root, seed in pairs:
        adjoints[root] += exact(seed) if exact else seed
    reverse(order, adjoints, watch=watch)
    return [adjoints.get(x, zero) for x in inputs]


def _merged(results: list[Value], known: Iterable[Value], stop: Iterable[Any] = ()) -> list[Value]:
    """The same results, with equal nodes (of one rule and the same operands) merged.

    Each rule is evaluated by itself, so sin'' computes sin again, and (1 + e) occurs twice; without merging,
    that multiplies with every order. Only nodes made by this sweep are changed or dropped; older ones may take
    their place.

    Args:
        results: What a sweep has given.
        known: The nodes that it went through.
        stop: Nodes among which, and below which, there is nothing new; plain numbers are passed over.
    """
    first: dict[tuple[Any, ...], Value] = {}
    same: dict[Value, Value] = {}
    old = set(known)
    for node in sweep_order(*results, stop=[x for x in stop if isinstance(x, Value)]):
        edges = node._edges
        if not edges:
            continue
        half = len(edges) // 2
        operands = [same.get(p, p) if isinstance(p, Value) else p for p in edges[:half]]
        found = first.setdefault((node._primitive, *map(_identity, operands)), node)
        if node in old:
            continue
        if found is not node:
            same[node] = found
        elif any(map(is_not, operands, edges)):
            node._edges = (*operands, *edges[half:])
    return [same.get(x, x) for x in results]


def _identity(operand: Any) -> Any:
    """The key by which operands are compared: nodes by identity, plain numbers by value and sign of zero."""
    if isinstance(operand, Value) and not isinstance(operand, Constant):
        return id(operand)
    x = operand.data if isinstance(operand, Constant) else operand
    return (x.__class__, x, math.copysign(1.0, x)) if x == x else (id(operand),)  # noqa: PLR0124


def _kept(edges: tuple[Any, ...], wanted: set[Value]) -> tuple[Any, ...]:
    """The edges, with derivative 0 where the operand's adjoint is not needed."""
    parents = edges[: len(edges) // 2]
    return (*parents, *(d if p in wanted else 0 for p, d in zip(parents, edges[len(parents) :], strict=True)))


def _dependents(order: list[Value], inputs: Iterable[Value]) -> list[Value]:
    """The nodes of a topological order that depend on an input, inputs included."""
    found = set(inputs)
    for node in order:
        edges = node._edges
        for p in edges[: len(edges) // 2]:
            if p in found:
                found.add(node)
                break
    return [node for node in order if node in found]


def _as_value(x: Any) -> Value:
    x = x.total if isinstance(x, Symbol) else x
    return x if isinstance(x, Value) else Value(x)


def _as_number(x: Any) -> Any:
    x = x.total if isinstance(x, Symbol) else x
    return x.data if isinstance(x, Value) else x


def push_forward(
    outputs: Sequence[Any],
    inputs: Sequence[Value],
    tangents: Sequence[Any],
    *,
    graph: bool,
    fresh: bool = False,
    swept: list[Value] | None = None,
) -> list[Any]:
    """d output / d inputs * tangents, for every output; Values with `graph`; other options as in `pull_back`."""
    roots = [out for out in outputs if isinstance(out, Value)]
    stop = inputs if fresh else ()
    if graph:
        order = order_of(roots, stop=stop)
        wanted = {*stop, *_dependents(order, inputs)}
        moving: dict[Value, Any] = {node: 0.0 for node in order if node not in wanted}
        moving |= {x: Symbol(t) for x, t in zip(inputs, tangents, strict=True)}
        with unwatched():
            forward(order, moving, lambda node: _kept(_symbolic_edges(node), wanted))
        _watch_tangents(outputs, moving)
        results = [_as_value(moving[out] if isinstance(out, Value) else 0.0) for out in outputs]
        return _merged(results, [*stop, *order], [*stop, *tangents])
    moving = dict(zip(inputs, tangents, strict=True))
    forward(sweep_order(*roots, stop=stop) if swept is None else swept, moving)
    _watch_tangents(outputs, moving)
    return [moving[out] if isinstance(out, Value) else 0.0 for out in outputs]


def _watch_tangents(outputs: Sequence[Any], tangents: dict[Value, Any]) -> None:
    """Under `detect_anomaly()`, raise if the value or the tangent of an output is not finite."""
    anomaly = current().anomaly
    if anomaly is None:
        return
    roots = [out for out in outputs if isinstance(out, Value)]
    anomaly.settle(roots)
    for root in roots:
        node: Value | None = root
        while node is not None and not is_finite(t := _as_number(tangents[node])):
            given = ", ".join(map(named, node.parents)) or "the tangent that was given"
            msg = f"the tangent of {named(node)} became {t}, from {given}"
            sent = zip(node.parents, node.local_grads, strict=True)
            node = next((p for p, d in sent if d and not is_finite(_as_number(tangents.get(p, 0.0)))), None)
            if node is None:
                raise AnomalyError(msg)


@overload
def grad_of(output: Value, inputs: Iterable[Value], *, create_graph: Literal[False] = False) -> list[float]: ...
@overload
def grad_of(output: Value, inputs: Iterable[Value], *, create_graph: Literal[True]) -> list[Value]: ...
@overload
def grad_of(output: Value, inputs: Iterable[Value], *, create_graph: bool) -> list[float] | list[Value]: ...
@says_how
def grad_of(output: Value, inputs: Iterable[Value], *, create_graph: bool = False) -> list[Any]:
    """The gradient of a recorded graph with respect to any of its nodes; no `.grad` is changed.

    Args:
        output: The node to differentiate.
        inputs: Nodes to differentiate with respect to; one that `output` does not depend on gets 0.
        create_graph: Whether the gradients are Values, to be differentiated again.

    Returns:
        A list, one entry per input: floats, or Values with `create_graph=True`.

    Raises:
        OperandError: `output` or an input is no Value.
        StaleGraphError: With `create_graph=True`, when a leaf's `.data` was changed meanwhile.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(3.0)
        >>> ag.grad_of(x ** 3, [x])
        [27.0]
        >>> [slope] = ag.grad_of(x ** 3, [x], create_graph=True)
        >>> ag.grad_of(slope, [x])
        [18.0]
    """
    entries = listed(inputs)
    nodes: list[Any] = [inputs] if entries is None else entries
    for node in (output, *nodes):
        if not isinstance(node, Value):
            msg = f"grad_of: expected Values, got {shown(node)}"
            raise OperandError(msg)
    return pull_back([output], [1.0], nodes, graph=create_graph)
