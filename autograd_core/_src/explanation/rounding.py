"""`conditioning`: where a value loses digits, and which units pass no gradient."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Unpack

from ...errors import RangeError
from ..any_object import brief
from ..engine.contexts import unwatched
from ..engine.evaluation import is_fraction
from ..engine.graph import node_of, sweep_order
from ..engine.recording import check_fresh
from ..notation.node_names import names_of
from ..pictures import draw
from ..pictures.scene.overlay import Mark, Overlay
from ..pictures.text import number
from ..transforms.recorded import grad_of
from ..wrong_calls import says_how
from . import writing
from .flow import adjoints_of, ratio
from .path import local_grad
from .reasons import Words, is_saturated

if TYPE_CHECKING:
    from ..engine.value import Value
    from ..pictures import Picture
    from ..pictures.picture import DrawOptions

ULP = 2.0**-52
SWITCHES = frozenset(("relu", "clip"))  # units that may be off; max and where choose between operands instead
ALL_DIGITS = writing.ALL_DIGITS
LISTED = 1.0  # a node that loses at least so many digits is listed and marked
MOST_SHOWN = 10


@dataclass(frozen=True, slots=True, eq=False)
class NodeCondition:
    """How one operation amplifies relative errors.

    Attributes:
        node: The operation's result, z.
        name: Its name in this report.
        condition: Sum of |local derivative * operand| over |z|: by how much a relative error common
            to all of its operands can grow here. Constants have no error and are left out.
        cancelled: In a sum (add, sub, sum, mean, dot), the decimal digits by which |z| is smaller
            than the sizes of its terms add up to: log10 of their quotient; 0 in other operations.
        sensitivity: |d root / d z * z / root|: the relative change of the root for one of z.
        digits: Decimal digits of the root that are lost to rounding errors of this node's operands:
            log10(condition * sensitivity), at least 0; also known where z is 0, and its condition infinite.
        state: "saturated" (an activation with |slope| below 0.001), "dead" or "off" (relu or clip with
            slope 0: "off" if others in its scope, such as the same unit for another sample, are not), or "".

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(1.0, label="x")
        >>> [add, sub] = ag.conditioning((1e8 + x) - 1e8).nodes
        >>> round(add.cancelled, 2), round(sub.cancelled, 2), round(sub.digits, 2)
        (0.0, 8.3, 8.0)
    """

    node: Value
    name: str
    condition: float
    cancelled: float
    sensitivity: float
    digits: float
    state: str


@dataclass(frozen=True, slots=True, eq=False)
class Conditioning:
    """The condition of every operation of a graph. `conditioning` makes it.

    Attributes:
        root: The node at the top.
        nodes: A `NodeCondition` for every operation, operands first.
        error_bound: First-order bound of the root's relative rounding error, from the sensitivity to
            every operation's own rounding; infinite where the root is 0.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(1.0, label="x")
        >>> found = ag.conditioning((1e8 + x) - 1e8)
        >>> print(found)
        v2 = 1: rounding moves it by at most 1e−8 of itself, to first order; 8.0 of 16 digits are sure
        <BLANKLINE>
        Operations that lose digits
          digits lost  cancelled  condition  sensitivity  operation
                    8        8.3        1e8            1  v2 = v1 - 1e8
    """

    root: Value
    nodes: tuple[NodeCondition, ...]
    error_bound: float

    @property
    def worst(self) -> list[NodeCondition]:
        """At most ten operations that cost the root a digit or more, the worst first."""
        lossy = [n for n in self.nodes if n.digits >= LISTED]
        return sorted(lossy, key=lambda n: -n.digits)[:MOST_SHOWN]

    @property
    def saturated(self) -> list[NodeCondition]:
        """Activations with a slope below 0.001."""
        return [n for n in self.nodes if n.state == "saturated"]

    @property
    def dead(self) -> list[NodeCondition]:
        """Units of relu and clip with slope 0 in all their uses: a scope is a unit, and so is what is in none."""
        return [n for n in self.nodes if n.state == "dead"]

    @property
    def text(self) -> str:
        """For a terminal of 100 columns."""
        return writing.as_text(*self._written())

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Conditioning of {len(self.nodes)} operations, {len(self.worst)} listed>"

    def _repr_html_(self) -> str:
        return writing.as_html(*self._written())

    def _written(self) -> tuple[str, list[writing.Section], str]:
        words = Words(names_of(self.root))
        head = words.valued(self.root)
        if 0 < self.error_bound < math.inf:
            sure = min(ALL_DIGITS, max(0.0, -math.log10(self.error_bound)))
            bound = number(float(f"{self.error_bound:.0e}"))
            head += (
                f": rounding moves it by at most {bound} of itself, to first order; {sure:.1f} of 16 digits are sure"
            )
        sections = []
        if self.worst:
            heads = ("digits lost", "cancelled", "condition", "sensitivity", "operation")
            rows = [
                (
                    _digits(n.digits),
                    _digits(n.cancelled),
                    number(n.condition),
                    number(n.sensitivity),
                    words.made(n.node),
                )
                for n in self.worst
            ]
            sections.append(writing.Section("Operations that lose digits", heads, rows, numbers=4))
        for title, state in UNITS.items():
            units = self._units(state, words)
            if units:
                rest = f"… and {len(units) - MOST_SHOWN} more" if len(units) > MOST_SHOWN else ""
                some = units[:MOST_SHOWN]
                sections.append(writing.Section(title, ("uses", "unit", "where"), some, numbers=1, note=rest))
        return head, sections, "" if sections else "No operation loses a digit, no unit is saturated or dead."

    def _units(self, state: str, words: Words) -> list[tuple[str, ...]]:
        """In how many of its uses each unit is in a state, the most first."""
        uses = Counter(_unit(n.node) for n in self.nodes)
        found = [n.node for n in self.nodes if n.state == state]
        one = {_unit(node): node for node in found}
        return [
            (f"{n} of {uses[unit]}", words.made(node) if uses[unit] == 1 else node.op, writing.where(node))
            for unit, n in Counter(map(_unit, found)).most_common()
            for node in (one[unit],)
        ]

    def overlay(self, kind: str | None = None) -> Overlay:
        """Marks for `draw`.

        Args:
            kind: "cancellation" (the operations of `worst`, by the digits that they cost the root),
                "condition" (operations by which a relative error grows tenfold or more) or
                "saturated" (units that are saturated, dead or off), also called "saturation". None: the first and
                the last together.

        Returns:
            An `Overlay`.

        Raises:
            RangeError: Another kind.

        Example:
            >>> import autograd_core as ag
            >>> x = ag.Value(1.0)
            >>> [mark] = ag.conditioning((1e8 + x) - 1e8).overlay().marks.values()
            >>> mark.text
            '−8 digits'
        """
        if kind is None:
            lost, flat = self.overlay("cancellation"), self.overlay("saturation")
            titles = [some.title for some in (lost, flat) if some.marks] or [lost.title]
            return Overlay("; ".join(titles), {**flat.marks, **lost.marks})
        kind = "saturation" if kind == "saturated" else kind
        makers = {"cancellation": _cancellation_mark, "condition": _condition_mark, "saturation": _saturation_mark}
        if kind not in makers:
            msg = f"overlay: expected kind to be one of {', '.join(map(repr, makers))}, got {brief(kind)}"
            raise RangeError(msg)
        marks = ((n.node, makers[kind](n)) for n in (self.worst if kind == "cancellation" else self.nodes))
        return Overlay(TITLES[kind], {node: mark for node, mark in marks if mark is not None})

    def draw(self, kind: str | None = None, **options: Unpack[DrawOptions]) -> Picture:
        """The graph with the marks of `overlay(kind)`.

        Args:
            kind: As for `overlay`.
            **options: As for `draw`.

        Returns:
            A `Picture`.

        Example:
            >>> import autograd_core as ag
            >>> x = ag.Value(-2.0)
            >>> ag.conditioning(ag.relu(x) * 3).draw("saturation").svg.count(">dead<")
            1
        """
        shown: DrawOptions = {"overlay": self.overlay(kind), **options}
        return draw(self.root, **shown)  # pyright: ignore[reportArgumentType]  `DrawOptions` has no other keys


TITLES = {
    "cancellation": "Decimal digits that the root loses",
    "condition": "Growth of relative errors",
    "saturation": "Units that pass little or no gradient",
}


UNITS = {"Saturated units": "saturated", "Dead units": "dead", "Units that are off in some uses": "off"}


def _cancellation_mark(n: NodeCondition) -> Mark:
    title = f"rounding errors of its operands cost {_digits(n.digits)} digits of the root"
    if n.cancelled == math.inf:
        title += "; nothing is left of its terms"
    elif n.cancelled >= LISTED:
        title += f"; the sizes of its terms are 10^{_digits(n.cancelled)} times that of their sum"
    said = "all lost" if n.digits == math.inf else f"−{n.digits:.0f} digits"
    return Mark(said, min(1.0, n.digits / ALL_DIGITS), title)


def _condition_mark(n: NodeCondition) -> Mark | None:
    if not n.condition >= 10**LISTED:
        return None
    title = f"a relative error of its operands may grow {number(n.condition)}-fold; sensitivity {number(n.sensitivity)}"
    return Mark(f"κ {number(n.condition)}", min(1.0, math.log10(n.condition) / ALL_DIGITS), title)


def _saturation_mark(n: NodeCondition) -> Mark | None:
    if not n.state:
        return None
    return Mark(n.state, 1.0 if n.state == "dead" else 0.5, f"slope {number(local_grad(n.node, 0))}")


def _digits(x: float) -> str:
    return "all" if x == math.inf else f"{x:.1f}".removesuffix(".0")


@says_how
def conditioning(root: Value) -> Conditioning:
    """Find the operations at which a value loses digits, and units that are saturated or dead.

    Args:
        root: The node at the top.

    Returns:
        A `Conditioning`.

    Raises:
        OperandError: `root` is no Value.
        StaleGraphError: A leaf's `.data` was changed after the graph was built.

    Source:
        Higham, 2002, "Accuracy and Stability of Numerical Algorithms", chapters 1 and 4, for the
        condition of an operation and of a sum; Linnainmaa, 1976, for rounding errors by adjoints.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(1e-9, label="x")
        >>> [worst] = ag.conditioning(1 - ag.cos(x * 1e4)).worst
        >>> worst.node.op, round(worst.digits)
        ('sub', 10)
    """
    order = sweep_order(node_of(root, "conditioning"))
    for node in order:
        check_fresh(node)
    names, adjoints = names_of(root), adjoints_of(root, order)
    nodes = []
    error = 0.0
    for node in order:
        if node._primitive is not None:
            found = _at(node, names[node], adjoints[node], root)
            nodes.append(found)
            error += _own_error(found)
    # Known only after all nodes: a unit is dead if it is off for every example, and off if another example passes it.
    on = {_unit(n.node) for n in nodes if n.node.op in SWITCHES and not n.state}
    nodes = [replace(n, state="off") if n.state == "dead" and _unit(n.node) in on else n for n in nodes]
    return Conditioning(root, tuple(nodes), error if root.data else math.inf)


MOST_MEASURED = 20_000  # operations of a gradient graph; the rounding of a larger one is not estimated


def digits_lost(root: Value, leaf: Value) -> float:
    """Decimal digits that d root / d leaf loses to rounding, to first order.

    The gradient graph is measured like any other graph. It contains the forward values as operands, so what these have
    lost is included.

    Returns:
        The digits lost at its worst operation, at most 16; NaN where a rule cannot be recorded as a graph.
    """
    order = sweep_order(root)
    if len(order) > MOST_MEASURED:
        return math.nan
    try:
        with unwatched():
            [gradient] = grad_of(root, [leaf], create_graph=True)
    except Exception:  # noqa: BLE001  a rule of a user may raise anything where its operands are no floats
        return math.nan
    order = sweep_order(gradient)
    adjoints = adjoints_of(gradient, order)
    # The worst operation and not their sum: losses in sequence overlap more often than they add up, and a bound that
    # adds them says 16 for every long graph.
    lost = [_at(node, "", adjoints[node], gradient).digits for node in order if node._primitive is not None]
    return min(ALL_DIGITS, max(lost, default=0.0))


def _at(node: Value, name: str, g: Any, root: Value) -> NodeCondition:
    # Constants are exact, and their local derivative in the edges is 0: they drop out without a test.
    edges = node._edges
    half = len(edges) // 2
    size = sum(_size(d, p.data) for p, d in zip(edges, edges[half:], strict=False) if d)
    condition = _over(size, node.data)
    sensitivity = 1.0 if node is root else _over(_size(g, node.data), root.data)
    growth = _over(_size(g, size), root.data)  # where the result is 0, condition × sensitivity would be ∞ × 0
    if node.data:
        growth = condition * sensitivity if condition and sensitivity else 0.0
    lost = max(0.0, _log10(growth))
    return NodeCondition(node, name, condition, _cancelled(node), sensitivity, lost, _state(node))


def _own_error(found: NodeCondition) -> float:
    """The part of the root's relative error that the rounding of this one operation causes."""
    node, count = found.node, len(found.node.parents)
    ulps = node._primitive.ulps if node._primitive else 0.0
    if not ulps or is_fraction(node.data) or not found.sensitivity:
        return 0.0
    if count > 2:  # n operands round n times, each time relative to a partial sum as large as the terms
        ulps += count * max(found.condition, 10**found.cancelled)
    return ULP * ulps * found.sensitivity


def _size(d: Any, x: Any) -> Any:
    """|d x|, by strict zero."""
    try:
        return abs(d * x) if d and x else 0
    except OverflowError:  # a Fraction beyond doubles, beside one
        return math.inf


def _over(a: Any, b: Any) -> float:
    return ratio(a, abs(b)) if a else 0.0


def _log10(x: float) -> float:
    return math.log10(x) if x else 0.0


def _cancelled(node: Value) -> float:
    """Decimal digits that cancel in a sum: log10 of Σ |term| over |sum|; 0 for other operations."""
    primitive = node._primitive
    if primitive is None or (primitive.reduction is None and node.op not in ("add", "sub")):
        return 0.0
    # By values, not by local derivatives: constants count here, since x + 1e8 - 1e8 loses digits to them.
    terms = [p.data for p in node.parents]
    if primitive.pairs:
        half = len(terms) // 2
        terms = [w * x if w and x else 0 for w, x in zip(terms[:half], terms[half:], strict=True)]
    total = node.data * len(terms) if primitive.reduction and primitive.reduction.is_mean else node.data
    return max(0.0, _log10(_over(sum(map(abs, terms)), total)))


def _unit(node: Value) -> Any:
    """A key for one unit, however often it is used: equal operations within one scope, else the node itself."""
    return (node.scope, node.op) if node.scope else node


def _state(node: Value) -> str:
    if node.op in SWITCHES and not local_grad(node, 0):
        return "dead"
    return "saturated" if is_saturated(node) else ""
