"""Evaluates a graph again in high precision: what every value and every gradient should have been.

Nothing here trusts what it checks. A primitive's partials are used only after a difference quotient of its
*value*, in the same precision, has confirmed them; otherwise the difference quotients themselves are used. The
sweeps are separate from those of `engine/sweep.py`. Precision is raised until two precisions agree, so 1e60 + x
- 1e60 is as safe as any other program (docs/adr/0008).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.evaluation import evaluate
from ...engine.graph import order_of, topological_order
from ...engine.ops import ROWS
from ...engine.value import Constant
from ...errors import MissingExtraError
from ..directions import GOLDEN
from ..numeric.differences import slopes as float_slopes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ...engine.ops import Primitive
    from ...engine.value import Value

LEVELS = (50, 150, 400, 1000, 2500, 6000)  # decimal digits
CONFIRMING = LEVELS[:4]
CANCELLING, NATURAL = (
    400,
    1000,
)  # where a sum of paths, and where a value is lost to cancellation; doubles span 632 digits
CEILING, WORK = 1000, 4_000_000  # most digits for any graph; digits times nodes up to which a small one gets more
SIDES = (1000, 2500)  # digits of one-sided difference quotients
QUICK = ((100, 33), (150, 50))  # the same, tried first: where both sides agree there is no kink
STEPS = ((SIDES[0], 333), (SIDES[1], 833), (SIDES[1], 1333))  # and powers of 1/10; the third where the first two differ
WIDE = 32  # operands that are moved one by one at a kink, at most
GROWN = 1e-30  # relative decrease below which differences do not decrease
MORE = 30  # further digits that confirm a precision
SETTLED = 25  # digits in which two precisions agree
CLOSED = 1e-20  # a gap that shrinks by this factor between two levels counts as 0
DOUBLES = 1100  # bits before the point; doubles end at 1024
NOTHING = 340  # 10^-340 is below all doubles
NOTHING_BITS = -1130  # likewise, as a power of 2
LEFT_BITS = 84  # bits of a sum that must be left after cancellation: SETTLED digits


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


class Slopes(NamedTuple):
    """A node's local derivatives, computed from its primitive's value alone.

    Attributes:
        exact: One per operand; 0 to operands that do not move.
        confirmed: Whether these are the rule's own partials, confirmed by a difference quotient.
        sides: (left, right) one-sided derivatives per operand, where some differ; else None.
        rough: How far off they may be, if the rule can be evaluated in doubles only.
        at: The operands at which they were confirmed.
    """

    exact: tuple[Any, ...]
    confirmed: bool
    sides: tuple[tuple[Any, Any], ...] | None = None
    rough: tuple[float, ...] = ()
    at: tuple[Any, ...] = ()


def number_system(digits: int) -> Any:
    """The number system with that many digits.

    Raises:
        MissingExtraError: mpmath is not installed.
    """
    try:
        from ...number_systems.high_precision import HighPrecision
    except ImportError as error:
        msg = "checks against 50 digits need mpmath: pip install 'autograd-core[check]'"
        raise MissingExtraError(msg) from error
    return HighPrecision(digits)


# --- one row ------------------------------------------------------------------------------------


class RoughError(Exception):
    """A user's primitive cannot be evaluated in 50 digits: it converts to floats, or does not terminate."""


def _by_user(m: Any, call: Callable[[], Any], *, floats: bool) -> Any:
    """The result of a user's rule for high-precision numbers."""
    from ...number_systems.high_precision import LostDigitsError

    try:
        with m.bounded(floats=floats):
            return call()
    except (ArithmeticError, ValueError, TypeError, AttributeError, LostDigitsError):
        raise RoughError from None  # what it does with floats is another matter


def value_of(m: Any, row: Primitive, xs: Sequence[Any]) -> Any:
    """A primitive's value in high precision; NaN where it has none.

    Raises:
        RoughError: The rule computes in doubles whatever it is given.
    """
    if row.name in ROWS:
        return m.number(row.value(m, *xs))
    return m.number(_by_user(m, lambda: row.value(m, *xs), floats=False))


def read(m: Any, row: Primitive, xs: Sequence[Any]) -> tuple[Any, bool]:
    """A primitive's value, and whether it could be evaluated in doubles only."""
    try:
        return value_of(m, row, xs), False
    except RoughError:
        return m.number(evaluate(row, [float(x) for x in xs])[0]), True


def _comes_back(m: Any, row: Primitive, xs: Sequence[Any], inner: Sequence[bool], z: Any) -> bool:
    """Whether a result is infinite only because an operand is, and would be moderate if that were merely huge.

    The reference has infinity for what is beyond 2^(2^FARTHEST); log(log(x)) of that may be any number.
    """
    isinf = m.context.isinf
    if not isinf(z) or not any(isinf(x) and own for x, own in zip(xs, inner, strict=True)):
        return False
    large = m.number(2) ** m.farthest
    less = value_of(m, row, [m.context.sign(x) * large if isinf(x) else x for x in xs])
    return bool(m.context.mag(less) < DOUBLES)


def slopes_of(m: Any, row: Primitive, xs: Sequence[Any], z: Any, moves: Sequence[bool]) -> Slopes:
    """The local derivatives of a primitive at a point, with respect to the operands that vary."""
    own = _own_partials(m, row, xs, z, moves)
    if own is not None and all(map(m.context.isfinite, (*own, z, *xs))):
        bent = None
        for level in CONFIRMING:
            try:
                agreed, now = _confirmed(number_system(level), row, xs, own, moves)
            except RoughError:
                return _rough_slopes(m, row, xs, moves)
            if agreed and (not now or (bent is not None and now < bent * CLOSED)):
                return Slopes(own, confirmed=True, at=tuple(xs))
            bent = now if agreed else None
            # A rule with constants of 16 digits is never confirmed.
            if level == CONFIRMING[1] and not agreed and m.context.dps <= QUICK[0][0]:
                quick = _quick(m, row, xs, z, own, moves)
                if quick is not None:
                    return quick
            if at_kink(m, row, xs):
                break
    if not all(map(m.context.isfinite, xs)):
        return Slopes(own or (m.context.nan,) * len(xs), confirmed=False)
    try:
        return _one_sided(m, row, xs, own, moves)
    except RoughError:
        return _rough_slopes(m, row, xs, moves)


def _own_partials(m: Any, row: Primitive, xs: Sequence[Any], z: Any, moves: Sequence[bool]) -> tuple[Any, ...] | None:
    """The partials of the rule; None if it cannot be evaluated in high precision."""

    def own() -> tuple[Any, ...]:
        given = row.partials(m, *xs, z)
        return tuple(m.number(d) if move else m.context.zero for d, move in zip(given, moves, strict=True))

    try:
        return own() if row.name in ROWS else _by_user(m, own, floats=True)
    except (ArithmeticError, ValueError, TypeError, AttributeError, RoughError):
        return None


def _size(xs: Sequence[Any], x: Any) -> Any:
    """The unit of a step; at the highest precision it may be small compared with 1 too, as exp needs."""
    size = abs(x) or max(map(abs, xs)) or 1
    return min(size, 1) if x.context.dps >= SIDES[0] - 1 else size


def at_kink(m: Any, row: Primitive, xs: Sequence[Any]) -> bool:
    """Whether a primitive declares a kink at this point."""
    if row.kinks is None:
        return False
    zeros = row.kinks(m, *xs)
    return any(k == 0 for k in (zeros if isinstance(zeros, tuple) else (zeros,)))


def _confirmed(
    m: Any, row: Primitive, xs: Sequence[Any], own: Sequence[Any], moves: Sequence[bool]
) -> tuple[bool, Any]:
    """Whether a central difference quotient in one generic direction confirms the partials, and the sides' gap.

    One direction decides for all operands at once: for one wrong partial to hide another takes a coincidence of
    20 digits. The gap between the quotients of both sides counts as 0 if it is small compared with the slope;
    otherwise it has to shrink with the step, or there is a kink whose sides have this mean, as |x| at 0.
    """
    digits = m.context.dps
    h = m.number(10) ** -(digits // 3)
    xs = [m.number(x) for x in xs]
    moved = [
        _size(xs, x) * h * (1 + (i + 1) * GOLDEN % 1) * (1 - 2 * (i % 2)) if move else 0
        for i, (x, move) in enumerate(zip(xs, moves, strict=True))
    ]
    terms = [m.number(d) * s for d, s in zip(own, moved, strict=True)]
    up = value_of(m, row, [x + s for x, s in zip(xs, moved, strict=True)])
    down = value_of(m, row, [x - s for x, s in zip(xs, moved, strict=True)])
    size, longest = sum(map(abs, terms)), max(map(abs, moved))
    off, bend = abs((up - down) / 2 - sum(terms)), abs(up + down - 2 * value_of(m, row, xs))
    nothing = longest * m.number(10) ** -NOTHING
    agreed = off <= size * m.number(10) ** -(2 * digits // 5) or off <= nothing
    straight = bend <= size * m.number(10) ** -(digits // 5) or bend <= nothing
    return bool(agreed), 0 if straight else bend / longest


def _one_sided(m: Any, row: Primitive, xs: Sequence[Any], own: Any, moves: Sequence[bool]) -> Slopes:
    """One-sided difference quotients for every operand, used where no derivative is confirmed."""
    exact, sides = [], []
    asked = _asked(own, moves)
    for i, move in enumerate(moves):
        if not move:
            exact.append(m.context.zero)
            sides.append((m.context.zero, m.context.zero))
            continue
        if own is not None and i not in asked:
            exact.append(own[i])
            sides.append((own[i], own[i]))
            continue
        quotients = [q for q in (_side(row, xs, i, sign) for sign in (-1, 1)) if q is not None]
        both = [m.number(near) for _, near in quotients]
        if not both:  # outside of the domain on either side
            exact.append(m.context.nan)
            sides.append((m.context.nan, m.context.nan))
        elif _alike(both[0], both[-1]) or _close_up(*quotients):
            exact.append((both[0] + both[-1]) / 2)
            sides.append((exact[-1], exact[-1]))
        else:
            given = own[i] if own is not None and m.context.isfinite(own[i]) else sum(both) / 2
            exact.append(given)
            sides.append((both[0], both[1]))
    uneven = any(not _alike(a, b) for a, b in sides)
    return Slopes(tuple(exact), confirmed=False, sides=tuple(sides) if uneven else None)


def _asked(own: Any, moves: Sequence[bool]) -> set[int]:
    """The operands whose sides are evaluated: all, or a selection of many, first those whose slope is not 0.

    Each takes evaluations with all operands. At a kink, the gradient's entries are decided by values of the
    whole graph.
    """
    moving = [i for i, move in enumerate(moves) if move]
    if len(moving) <= WIDE or own is None:
        return set(moving)
    sloped = [i for i in moving if own[i]]
    return {*sloped[:: -(-2 * len(sloped) // WIDE) or 1], *moving[:: -(-2 * len(moving) // WIDE)]}


def _alike(a: Any, b: Any) -> bool:
    if a == b or (a != a and b != b):  # noqa: PLR0124
        return True
    return bool(abs(a - b) <= min(abs(a), abs(b)) * CLOSED < math.inf)


def _quick(
    m: Any, row: Primitive, xs: Sequence[Any], z: Any, own: Sequence[Any], moves: Sequence[bool]
) -> Slopes | None:
    """Difference quotients of few digits, if they agree for all operands.

    More digits are taken if the rule's own slope is far below the value.
    """
    mag = m.context.mag
    exact = []
    for i, move in enumerate(moves):
        if not move:
            exact.append(m.context.zero)
            continue
        change = own[i] * _size(xs, xs[i])
        below = max(0, mag(z) - mag(change)) if z and change else 0
        more = 50 * math.ceil(below * math.log10(2) / 50)
        if more > CONFIRMING[-1]:
            return None
        steps = [(digits + more, power) for digits, power in QUICK]
        left, right = (_side(row, xs, i, sign, steps) for sign in (-1, 1))
        if left is None or right is None or not _agree(*left, *right):
            return None
        exact.append(m.number((left[1] + right[1]) / 2))
    return Slopes(tuple(exact), confirmed=False)


def _agree(*quotients: Any) -> bool:
    """Whether quotients agree at all steps on both sides; 0 does not count, as underflow may cause it."""
    return all(quotients) and all(_alike(quotients[0], q) for q in quotients[1:])


def _close_up(left: tuple[Any, Any], right: tuple[Any, Any]) -> bool:
    """Whether the gap between the quotients of both sides shrinks with the step."""
    far, near = (abs(b - a) for a, b in zip(left, right, strict=True))
    return bool(near <= far * CLOSED < math.inf)


def _side(
    row: Primitive, xs: Sequence[Any], i: int, sign: int, steps: Sequence[tuple[int, int]] = STEPS
) -> tuple[Any, Any] | None:
    """One-sided difference quotients at two steps; None outside of the domain.

    At a jump both are -inf on the left and inf on the right; at a vertical tangent both are infinite.
    """
    quotients, rises = [], []
    m = number_system(steps[0][0])
    for level, power in steps:
        m = number_system(level)
        ys = [m.number(x) for x in xs]
        base = value_of(m, row, ys)
        step = sign * _size(ys, ys[i]) * m.number(10) ** -power
        ys[i] += step
        rise = value_of(m, row, ys) - base
        rises.append(rise)
        quotients.append(rise / step)
        if len(quotients) == len(SIDES) and (not m.context.isfinite(rise) or _alike(*quotients)):
            break
    first, second = quotients[:2]
    if not m.context.isfinite(second):
        return None
    if rises[1] and abs(rises[1]) * 2 > abs(rises[0]):
        return m.context.inf * sign, m.context.inf * sign
    end = limit(m, *quotients) if len(quotients) > len(SIDES) else second
    return (end, end) if m.context.isinf(end) else (first, end)


def limit(m: Any, first: Any, second: Any, third: Any) -> Any:
    """The limit of difference quotients at three steps in geometric progression.

    L + c h^p has the limit L (Aitken's process, 1926): so x^1.0005 has the derivative 0 at 0. It is infinite
    where the quotients grow without end.
    """
    change, next_change = second - first, third - second
    if abs(next_change) <= CLOSED * abs(third):
        return third
    if abs(third) <= CLOSED * abs(first):
        return m.context.zero
    if abs(change) - abs(next_change) <= abs(change) * GROWN:
        return m.context.inf * m.context.sign(third) if abs(third) > 1 else third
    end = third - next_change**2 / (next_change - change)
    return m.context.zero if abs(end) <= CLOSED * abs(third) else end


def _rough_slopes(m: Any, row: Primitive, xs: Sequence[Any], moves: Sequence[bool]) -> Slopes:
    """Difference quotients in doubles, for a primitive that is written with `math` or NumPy."""
    points = [float(x) for x in xs]
    exact, sides, errors = [], [], []
    for i, move in enumerate(moves):
        if not move:
            exact.append(m.context.zero)
            sides.append((m.context.zero, m.context.zero))
            errors.append(0.0)
            continue

        def along(t: float, i: int = i) -> list[float]:
            moved = [*points]
            moved[i] += t
            return [evaluate(row, moved)[0]]

        slope = float_slopes(along, abs(points[i]), 2.0**-53, abs(points[i]) * 2.0**-53)[0]
        exact.append(m.number(slope.value))
        sides.append((m.number(slope.left), m.number(slope.right)))
        at_point = abs(along(0.0)[0])  # of a value that stands still, its rounding is unknown
        errors.append(max(slope.error, 0.0 if slope.scale else 2.0**-53 * at_point / max(abs(points[i]), 1.0)))
    uneven = any(a != b for a, b in sides)
    return Slopes(tuple(exact), confirmed=False, sides=tuple(sides) if uneven else None, rough=tuple(errors))


# --- a graph ------------------------------------------------------------------------------------


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
            moving: The leaves to differentiate to.
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
            row = node._row
            if row is None:
                values[node] = at[node] if at and node in at else m.number(node.data)
                continue
            parents = node.parents
            xs = [data[p] for p in parents]
            z, rough = read(m, row, xs)
            slopes: Slopes | None = None
            if not rough and _comes_back(m, row, xs, [p._row is not None for p in parents], z):
                z = m.context.nan
                slopes = Slopes((z,) * len(xs), confirmed=False)
            values[node] = z
            which = [p in moves for p in parents]
            if not any(which):
                continue
            before = known.get(node) if known else None
            if before is not None and before.confirmed and all(map(_alike, before.at, xs)):
                own = _own_partials(m, row, xs, z, which)
                slopes = None if own is None else Slopes(own, confirmed=True, at=before.at)
            if slopes is None and rough:
                slopes = _rough_slopes(m, row, xs, which)
            if slopes is None:
                same = (id(row), *which, *xs)
                slopes = found.get(same) or slopes_of(m, row, xs, z, which)
                found[same] = slopes
            self.slopes[node] = slopes
            edges = node._edges
            known_to_slope = any(slopes.exact) or slopes.sides or any(slopes.rough)
            sloped = known_to_slope or (recorded and any(edges[len(edges) // 2 :]))
            if sloped or _bends(m, row, xs, z, which):
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


def _bends(m: Any, row: Primitive, xs: Sequence[Any], z: Any, moves: Sequence[bool]) -> bool:
    """Whether a primitive with slope 0 varies at all.

    x*x does at 0, so sqrt(x*x) has a kink there; a dead relu does not.
    """
    h = m.number(10) ** -(m.context.dps // 3)
    moved = [x + _size(xs, x) * h if move else x for x, move in zip(xs, moves, strict=True)]
    return bool(read(m, row, moved)[0] != z)


def values_at(
    m: Any, order: Sequence[Value], at: dict[Value, Any], others: dict[Value, Any] | None = None
) -> dict[Value, Any]:
    """The values of a graph with some leaves set to other numbers.

    Args:
        m: The number system.
        order: The nodes to evaluate, operands first.
        at: The leaves' numbers.
        others: Values of operands that are not among the nodes.
    """
    values: dict[Value, Any] = {}
    for node in order:
        row = node._row
        if row is None:
            values[node] = at[node] if node in at else m.number(node.data)
        else:
            xs = [values[p] if others is None or p in values else others[p] for p in node.parents]
            values[node] = read(m, row, xs)[0]
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
        moving: The leaves to differentiate to.
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
