"""Records one call of a function as a graph, with facts about each of its nodes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...engine.contexts import transforming
from ...engine.evaluation import evaluate
from ...engine.ops import PRIMITIVES
from ...engine.value import Constant, Value
from ...engine.value_system import VALUES
from ...number_systems.floats import FLOATS
from ..arguments.flat import DOUBLE
from ..directions import SMALLEST, directions, total
from .flat_graph import FlatGraph
from .local_slopes import slopes_of
from .reference import graph_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reference import Replay

# In steps, which are shares of the operands: a formula of numbers is smooth over the first ones, but for rounding.
PLACES, NEARBY, FURTHER = range(-4, 5), [2.0**-k for k in range(50, 17, -4)], [4.0**-k for k in range(8, -1, -1)]
HALVINGS = 48  # that find where a formula jumps
ROUNDED, COARSE = 8.0, 16.0  # roundings of the result, of value and operands: the lowest and highest jump that counts
BINOMIAL = [(-1) ** k * math.comb(8, k) for k in range(9)]
SCATTERED = 2.0  # times the scatter of values there, a formula may be off


@dataclass(slots=True)
class Recording:
    """One call of a function on fresh Values.

    Attributes:
        call: The function, of a flat list of numbers or Values, with a flat list of results.
        inputs: The Values that it was called with.
        names: Their places.
        outputs: Its results, Values or numbers.
        places: Their places; [""] for a single number.
        results: The tree that they stand in; None where there is none.
        branches: Whether the function asked Values for their truth, as `if x > 0` does.
        beside: Points beside this one where it was called, and the results there, by the sign of the step.
    """

    call: Callable[[list[Any]], list[Any]]
    inputs: list[Value]
    names: list[str]
    outputs: list[Any]
    places: list[str]
    results: Any = None
    _order: list[Value] | None = field(default=None, init=False)
    _flat: FlatGraph | None = field(default=None, init=False)
    branches: bool = False
    beside: dict[int, tuple[list[float], list[Any] | None]] = field(default_factory=dict)

    @property
    def order(self) -> list[Value]:
        """The graph, operands first."""
        if self._order is None:
            self._order = graph_of(self.outputs)
        return self._order

    @property
    def flat(self) -> FlatGraph:
        """The same as lists, for large ones."""
        if self._flat is None:
            self._flat = FlatGraph(self.inputs, self.outputs)
        return self._flat

    @property
    def root(self) -> Value | None:
        """The graph to draw: the first result that is a node."""
        return next((out for out in self.outputs if isinstance(out, Value)), None)


def built_in(node: Value) -> bool:
    """Whether the node's operation is one of the library's own."""
    return node._primitive is not None and node._primitive.name in PRIMITIVES


def named(node: Value) -> str:
    """A node's name in a sentence."""
    return f"{node.op or 'leaf'} ({node.label!r})" if node.label else node.op or "a leaf"


def digits_left(error: Any, scale: Any) -> int:
    """How many decimal digits of a number of this size are right."""
    share = float(error / scale) if scale else math.inf
    return 0 if share >= 1 else int(-math.log10(max(share, DOUBLE)))


def recorded_slopes(node: Value) -> tuple[Any, ...]:
    """The local derivatives as recorded; 0 at constants."""
    edges = node._edges
    return edges[len(edges) // 2 :]


def one_sided(local: Replay, side: int) -> Callable[[Value], Any]:
    """Edges with the one-sided derivatives from one side of every kink."""

    def edges(node: Value) -> Any:
        slopes = local.slopes.get(node)
        if slopes is None or slopes.sides is None:
            return local.edges(node)
        return zip(node.parents, [s[side] for s in slopes.sides], strict=True)

    return edges


def value_error_allowed(node: Value, size: Any) -> Any:
    """The rounding error that a node's value may have, given the size of its terms."""
    return 2 * DOUBLE * ((8 if built_in(node) else 64) + len(node.parents)) * size + 64 * SMALLEST


def value_is_wrong(local: Replay, node: Value) -> bool:
    """Whether the recorded value differs from the rule's at the recorded operands, beyond rounding."""
    m, exact, primitive = local.m, local.values[node], node._primitive
    assert primitive is not None
    off = abs(m.number(node.data) - exact)
    if off <= value_error_allowed(node, abs(exact)):
        return False
    # Terms that cancel may be constants, which a replay has no slopes of.
    xs = [m.number(p.data) for p in node.parents]
    slopes = slopes_of(m, primitive, xs, exact, [True] * len(xs)).exact
    size = abs(exact) + sum(abs(d * x) for d, x in zip(slopes, xs, strict=True))
    if off <= value_error_allowed(node, size):
        return False
    # A formula of the user's that cancels loses the digits that the same program would lose without `@primitive`.
    if built_in(node):
        return True
    formula = _recorded(lambda: primitive.value(VALUES, *(Value(p.data) for p in node.parents)))
    return formula is None or bool(off > _rounding_within(formula))


def _recorded(rule: Callable[[], Any]) -> Any:
    """A rule's formula as a graph, or the number that it is; None if it takes numbers alone, as functions of `math`."""
    try:
        with transforming():  # a formula that leaves the graph is an error
            return rule()
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return None


def _rounding_within(formula: Any, result: Value | None = None) -> float:
    """The rounding errors of all steps of a formula, and of `result` where it is an operand, propagated to its end."""
    if not isinstance(formula, Value):
        return 0.0
    bounds: dict[Value, float] = {}
    for step in graph_of([formula]):
        terms = zip(step.parents, step.local_grads, strict=True)
        rounded = step._primitive is not None or step is result
        bounds[step] = total(abs(d) * bounds[p] for p, d in terms if d) + 4 * DOUBLE * abs(step.data) * rounded
    return bounds[formula]


def rule_rounding(node: Value, i: int) -> float:
    """The rounding error of a local derivative's formula.

    The formula is recorded as a graph, through which the rounding of each step is propagated. One that takes numbers
    alone, as with functions of `math`, cannot be read: there it is what its values jump by next to the operands.
    """
    primitive, result = node._primitive, Value(node.data)
    assert primitive is not None
    formula = _recorded(lambda: primitive.partials(VALUES, *(Value(p.data) for p in node.parents), result)[i])
    return _scatter(node, i) if formula is None else _rounding_within(formula, result)


def _scatter(node: Value, i: int) -> float:
    """How far from a smooth curve a local derivative's values are at neighbours of the operands.

    Of a formula that cancels they jump, as high as what it subtracts is rounded: at small steps, or at the next one
    where 1 - z moves, which next to z = 1 may be far. Constants stay.
    """
    primitive = node._primitive
    assert primitive is not None
    xs = [float(p.data) for p in node.parents]
    signs = directions(len(xs), "scatter")
    by = [0.0 if isinstance(p, Constant) else x * v for p, x, v in zip(node.parents, xs, signs, strict=True)]

    def at(t: float) -> float:
        moved = [FLOATS.number(x + t * move) for x, move in zip(xs, by, strict=True)]
        try:
            return float(primitive.partials(FLOATS, *moved, evaluate(primitive, moved)[0])[i])
        except Exception:  # noqa: BLE001  whatever a formula of numbers says outside of its domain
            return math.nan

    scatter = 0.0
    for step in NEARBY:
        values = [at(k * step) for k in PLACES]
        if not all(map(math.isfinite, values)):
            break
        # What is smooth falls with the eighth power of the step, and out of the difference.
        rest = total(c * (z - values[0]) for c, z in zip(BINOMIAL, values, strict=True))
        scatter = max(scatter, abs(rest) / max(BINOMIAL))
    highest = COARSE * DOUBLE * max(1.0, abs(float(node.data))) * max(1.0, *map(abs, xs))
    jumps = [_nearest_jump(at, sign) for sign in (1, -1)]
    return SCATTERED * max(scatter, *(jump for jump in jumps if jump <= highest), 0.0)  # higher ones are no rounding


def _nearest_jump(at: Callable[[float], float], sign: int) -> float:
    """The height of the nearest jump on one side, if one is near by and higher than the rounding of the result; else 0.

    Of halves, the one over which the function changes more is kept: smooth changes fall with the width, jumps stay.
    """
    here = at(0.0)
    for reach in FURTHER:
        (a, low), (b, high) = (0.0, here), (sign * reach, at(sign * reach))
        for _ in range(HALVINGS):
            middle = (a + b) / 2
            between = at(middle)
            if abs(between - low) > abs(high - between):
                b, high = middle, between
            else:
                a, low = middle, between
        if not abs(high - low) <= ROUNDED * DOUBLE * max(abs(low), abs(high)):
            return abs(high - low) if math.isfinite(high - low) else 0.0
    return 0.0
