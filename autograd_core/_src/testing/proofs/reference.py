"""Evaluates a graph again in high precision: what every value and every gradient should have been.

Nothing here trusts what it checks. Local derivatives are those of `local_slopes`, which takes them from values. The
sweeps are separate from those of `engine/sweep.py`. Precision is raised until two precisions agree, so 1e60 + x
- 1e60 is as safe as any other program (docs/adr/0008).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.graph import order_of, topological_order
from ...engine.value import Constant
from ...wrong_calls import says_how
from .local_slopes import (
    CONFIRMING,
    Slopes,
    bends,
    comes_back,
    is_alike,
    number_system,
    own_partials,
    read,
    rough_slopes,
    slopes_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ...engine.value import Value

LEVELS = (*CONFIRMING, 2500, 6000)  # decimal digits
CANCELLING, NATURAL = 400, 1000  # digits to try next if a sum of paths, or a value, cancels; doubles span 632 digits
CEILING, WORK = 1000, 4_000_000  # most digits for any graph; a small one may have more, up to so many digits × nodes
MORE = 30  # additional digits in which a precision is confirmed
SETTLED = 25  # digits in which two precisions must agree
NOTHING_BITS = -1130  # numbers below 2 to this power are below all doubles
LEFT_BITS = 84  # bits that must remain of a sum after cancellation: SETTLED digits


class Reference(NamedTuple):
    """Value and gradient of one graph in high precision.

    Attributes:
        value: The root's value, an mpmath number.
        values: Every node's value.
        gradients: Every node's gradient, d root / d node.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import reference
        >>> x = ag.Value(0.1)
        >>> float(reference(x * x).gradients[x])
        0.2
    """

    value: Any
    values: dict[Value, Any]
    gradients: dict[Value, Any]


class Replay:
    """A graph evaluated in high precision.

    Attributes:
        m: The number system.
        order: Its nodes, operands first.
        values: Every node's value.
        slopes: Local derivatives of every node that depends on what moves.
    """

    def __init__(
        self,
        order: Sequence[Value],
        moving: Iterable[Value],
        digits: int,
        *,
        recorded: bool = False,
        known: dict[Value, Slopes] | None = None,
        at: dict[Value, Any] | None = None,
    ) -> None:
        """Replay a graph.

        Args:
            order: Its nodes, operands first.
            moving: The leaves to differentiate with respect to.
            digits: Working precision.
            recorded: Whether each node is taken alone, at the data that its operands recorded.
            known: Slopes from a replay in another precision: what is confirmed there, at the same operands but for
                rounding, needs no difference quotient.
            at: Numbers for some of the leaves, instead of their data.
        """
        self.m = m = number_system(digits)
        self.order = order
        self.slopes: dict[Value, Slopes] = {}
        moves = set(moving)
        values: dict[Value, Any] = {}
        self.values = values
        data = {node: m.number(node.data) for node in order} if recorded else values
        found: dict[tuple[Any, ...], Slopes] = {}  # by operation and numbers: at a minimum many nodes are 0
        for node in order:
            primitive = node._primitive
            if primitive is None:
                values[node] = at[node] if at and node in at else m.number(node.data)
                continue
            parents = node.parents
            xs = [data[p] for p in parents]
            z, rough = read(m, primitive, xs)
            slopes: Slopes | None = None
            if not rough and comes_back(m, primitive, xs, [p._primitive is not None for p in parents], z):
                z = m.context.nan
                slopes = Slopes((z,) * len(xs), confirmed=False)
            values[node] = z
            which = [p in moves for p in parents]
            if not any(which):
                continue
            before = known.get(node) if known else None
            if before is not None and before.confirmed and all(map(is_alike, before.at, xs)):
                own = own_partials(m, primitive, xs, z, which)
                slopes = None if own is None else Slopes(own, confirmed=True, at=before.at)
            if slopes is None and rough:
                slopes = rough_slopes(m, primitive, xs, which)
            if slopes is None:
                same = (id(primitive), *which, *xs)
                slopes = found.get(same) or slopes_of(m, primitive, xs, z, which)
                found[same] = slopes
            self.slopes[node] = slopes
            edges = node._edges
            known_to_slope = any(slopes.exact) or slopes.sides or any(slopes.rough)
            sloped = known_to_slope or (recorded and any(edges[len(edges) // 2 :]))
            if sloped or bends(m, primitive, xs, z, which):
                moves.add(node)

    def edges(self, node: Value) -> Iterator[tuple[Value, Any]]:
        """The operands that move, each with its local derivative."""
        slopes = self.slopes.get(node)
        if slopes is not None:
            yield from zip(node.parents, slopes.exact, strict=True)

    @property
    def uneven(self) -> list[Value]:
        """Nodes at a kink or a jump."""
        return [node for node, slopes in self.slopes.items() if slopes.sides is not None]

    @property
    def singular(self) -> list[Value]:
        """Nodes with a local derivative that is not finite."""
        finite = self.m.context.isfinite
        return [node for node, slopes in self.slopes.items() if not all(map(finite, slopes.exact))]

    @property
    def rough(self) -> bool:
        """Whether a primitive could only be read in doubles."""
        return any(slopes.rough for slopes in self.slopes.values())


def values_at(m: Any, order: Sequence[Value], at: dict[Value, Any]) -> dict[Value, Any]:
    """The values of a graph with some leaves set to other numbers.

    Args:
        m: The number system.
        order: The nodes to evaluate, operands first.
        at: The leaves' numbers.
    """
    values: dict[Value, Any] = {}
    for node in order:
        primitive = node._primitive
        if primitive is None:
            values[node] = at[node] if node in at else m.number(node.data)
        else:
            values[node] = read(m, primitive, [values[p] for p in node.parents])[0]
    return values


class Cones:
    """For a leaf, the nodes that depend on it, in order: all that changes when it alone does.

    Args:
        order: A graph, operands first.
    """

    def __init__(self, order: Sequence[Value]) -> None:
        self.place = {node: i for i, node in enumerate(order)}
        self.users: dict[Value, list[Value]] = {}
        for node in order:
            for parent in node.parents:
                self.users.setdefault(parent, []).append(node)

    def of(self, leaf: Value) -> list[Value]:
        """The leaf and all above it."""
        found, waiting = {leaf}, [leaf]
        while waiting:
            for user in self.users.get(waiting.pop(), ()):
                if user not in found:
                    found.add(user)
                    waiting.append(user)
        return sorted(found, key=self.place.__getitem__)


class Moved:
    """The values of a graph, with some of them replaced."""

    def __init__(self, before: dict[Value, Any], after: dict[Value, Any]) -> None:
        self.before, self.after = before, after

    def __getitem__(self, node: Value) -> Any:
        return self.after[node] if node in self.after else self.before[node]


def pulled(
    order: Sequence[Value], edges: Callable[[Value], Iterable[tuple[Value, Any]]], seeds: dict[Value, Any], zero: Any
) -> dict[Value, Any]:
    """Adjoints of all nodes: a reverse sweep of this module's own."""
    adjoints = dict.fromkeys(order, zero)
    for node, seed in seeds.items():
        adjoints[node] += seed
    for node in reversed(order):
        g = adjoints[node]
        if g:
            for parent, d in edges(node):
                if d:
                    adjoints[parent] += d * g
    return adjoints


def pushed(
    order: Sequence[Value], edges: Callable[[Value], Iterable[tuple[Value, Any]]], seeds: dict[Value, Any], zero: Any
) -> dict[Value, Any]:
    """Tangents of all nodes: a forward sweep of this module's own."""
    tangents: dict[Value, Any] = {}
    for node in order:
        t = seeds.get(node, zero)
        for parent, d in edges(node):
            if d and tangents[parent]:
                t += d * tangents[parent]
        tangents[node] = t
    return tangents


def agrees(a: Any, b: Any) -> bool:
    """Whether the value in a higher precision settles the one in a lower.

    A value that falls below all doubles is settled, too: it is 0.
    """
    if a == b or (a != a and b != b):  # noqa: PLR0124
        return True
    return bool(abs(a - b) <= 10.0**-SETTLED * abs(b) or is_nothing(b))


def is_nothing(x: Any) -> bool:
    """Whether a number is 0, or below all doubles."""
    return not x or bool(x.context.isfinite(x) and x.context.mag(x) < NOTHING_BITS)


def is_lost(replay: Replay, x: Any, size: Any) -> bool:
    """Whether cancellation leaves too few digits of a sum of terms of this size.

    Not if rounding of terms of that size is below all doubles: then the sum is 0.
    """
    if not size or not replay.m.context.isfinite(size):
        return False
    mag, bits = replay.m.context.mag, replay.m.context.prec
    noise = mag(size) - bits + LEFT_BITS
    return bool(noise > NOTHING_BITS and (not x or mag(x) < noise))


def _cancels(replay: Replay) -> bool:
    """Whether a value is far below the terms that it sums, or all of its digits are lost.

    Two low precisions may then agree on a wrong result: 1e90 + x - 1e90.
    """
    small, values = 10.0**-SETTLED, replay.values
    return any(
        abs(values[node])
        < small * max(abs(d) * abs(values[p]) for p, d in zip(node.parents, slopes.exact, strict=True))
        for node, slopes in replay.slopes.items()
    )


def settled(
    order: Sequence[Value],
    moving: Sequence[Value],
    look: Callable[[Replay], list[tuple[Any, Any]]],
    digits: int = LEVELS[0],
) -> Replay:
    """The replay in the first precision that a lower one confirms, and in which no number of interest is lost.

    Args:
        order: Nodes, operands first.
        moving: The leaves to differentiate with respect to.
        look: The numbers that are of interest in a replay, each with the size of the terms it sums.
        digits: The lowest precision.

    Returns:
        A replay; in the highest precision that is tried, if none settles everything.
    """
    replay = Replay(order, moving, digits)
    looked = look(replay)
    lost = any(is_lost(replay, *pair) for pair in looked)
    level = NATURAL if _cancels(replay) else max(digits + MORE, CANCELLING if lost else 0)
    ceiling = max(CEILING, WORK // len(order)) if order else CEILING
    while True:
        higher = Replay(order, moving, level, known=replay.slopes)
        again = look(higher)
        if all(agrees(a, b) and not is_lost(higher, b, size) for (a, _), (b, size) in zip(looked, again, strict=True)):
            return higher
        further = [lvl for lvl in LEVELS if level < lvl <= ceiling]
        if not further:
            return higher
        replay, looked, level = higher, again, further[0]


def pulled_with_sizes(replay: Replay, seeds: dict[Value, Any]) -> tuple[dict[Value, Any], dict[Value, Any]]:
    """Adjoints of all nodes, and the sums of the absolute values of all paths."""
    zero = replay.m.context.zero
    sizes = pulled(
        replay.order,
        lambda node: [(p, abs(d)) for p, d in replay.edges(node)],
        {node: abs(seed) for node, seed in seeds.items()},
        zero,
    )
    return pulled(replay.order, replay.edges, seeds, zero), sizes


@says_how
def reference(root: Value, digits: int = 50) -> Reference:
    """Replay the graph below `root` in mpmath, forward and backward.

    Local derivatives come from the primitives' values, by difference quotients in high precision:
    a wrong partial is not confirmed by itself. Where 50 digits are not enough, more are taken.

    Args:
        root: The node at the top; the leaves' doubles are taken as exact.
        digits: Working precision in decimal digits, the lowest that is tried.

    Returns:
        A `Reference`.

    Raises:
        MissingExtraError: mpmath is not installed.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import error_in_ulps, reference
        >>> x = ag.Value(0.7)
        >>> y = ag.exp(ag.sin(x))
        >>> y.backward()
        >>> error_in_ulps(x.grad, reference(y).gradients[x]) < 2
        True
        >>> x = ag.Value(1.0)
        >>> float(reference(1e60 + x - 1e60).value)
        1.0
    """
    order = topological_order(root)
    # Every node moves, not the leaves alone: one behind a dead relu has a gradient, too.
    moving = [node for node in order if not isinstance(node, Constant)]

    def gradients(replay: Replay) -> tuple[dict[Value, Any], dict[Value, Any]]:
        return pulled_with_sizes(replay, {root: replay.m.context.one})

    def look(replay: Replay) -> list[tuple[Any, Any]]:
        found, sizes = gradients(replay)
        return [*((z, 0) for z in replay.values.values()), *((g, sizes[node]) for node, g in found.items())]

    replay = settled(order, moving, look, digits)
    return Reference(replay.values[root], replay.values, gradients(replay)[0])


@says_how
def error_in_ulps(found: float, exact: Any) -> float:
    """Distance of a double from an exact number, in units in the last place of the exact one.

    Args:
        found: A float.
        exact: A float, an int, or an mpmath number.

    Returns:
        0.5 at most for a correctly rounded result; 0.0 where both are NaN or the same infinity,
        inf where only one is.

    Example:
        >>> from autograd_core.testing import error_in_ulps
        >>> error_in_ulps(1.0000000000000002, 1)
        1.0
    """
    rounded = float(exact)
    if math.isnan(rounded) or math.isinf(rounded) or not math.isfinite(found):
        return 0.0 if found == rounded or (math.isnan(found) and math.isnan(rounded)) else math.inf
    return abs(float((exact - found) / math.ulp(rounded)))


def graph_of(outputs: Iterable[Any]) -> list[Value]:
    """Topological order of everything below several results, of which some may be plain numbers."""
    return order_of([out for out in outputs if hasattr(out, "parents")])
