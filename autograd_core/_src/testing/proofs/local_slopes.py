"""The local derivatives of one primitive at a point, in high precision, from its values.

The partials that the primitive states are used only after a difference quotient of its *value*, in the same precision,
has confirmed them; otherwise the difference quotients themselves are used.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ....errors import MissingExtraError
from ...engine.evaluation import evaluate
from ...engine.ops import PRIMITIVES
from ..directions import GOLDEN
from ..numeric.differences import slopes as float_slopes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...engine.ops import Primitive

CONFIRMING = (50, 150, 400, 1000)  # decimal digits in which partials are confirmed, one after the other
SIDES = (1000, 2500)  # digits of one-sided difference quotients
QUICK = ((100, 33), (150, 50))  # the same, tried first: where both sides agree there is no kink
STEPS = ((SIDES[0], 333), (SIDES[1], 833), (SIDES[1], 1333))  # and powers of 1/10; the third where the first two differ
WIDE = 32  # operands that are moved one by one at a kink, at most
GROWN = 1e-30  # relative decrease below which differences do not decrease
CLOSED = 1e-20  # a gap that shrinks by this factor between two levels counts as 0
DOUBLES = 1100  # bits before the point; doubles end at 1024
NOTHING = 340  # 10^-340 is below all doubles


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


def value_of(m: Any, primitive: Primitive, xs: Sequence[Any]) -> Any:
    """A primitive's value in high precision; NaN where it has none.

    Raises:
        RoughError: The rule computes in doubles whatever it is given.
    """
    if primitive.name in PRIMITIVES:
        return m.number(primitive.value(m, *xs))
    return m.number(_by_user(m, lambda: primitive.value(m, *xs), floats=False))


def read(m: Any, primitive: Primitive, xs: Sequence[Any]) -> tuple[Any, bool]:
    """A primitive's value, and whether it could be evaluated in doubles only."""
    try:
        return value_of(m, primitive, xs), False
    except RoughError:
        return m.number(evaluate(primitive, [float(x) for x in xs])[0]), True


def comes_back(m: Any, primitive: Primitive, xs: Sequence[Any], inner: Sequence[bool], z: Any) -> bool:
    """Whether a result is infinite only because an operand is, and would be moderate if that were merely huge.

    The reference has infinity for what is beyond 2^(2^FARTHEST); log(log(x)) of that may be any number.
    """
    isinf = m.context.isinf
    if not isinf(z) or not any(isinf(x) and own for x, own in zip(xs, inner, strict=True)):
        return False
    large = m.number(2) ** m.farthest
    less = value_of(m, primitive, [m.context.sign(x) * large if isinf(x) else x for x in xs])
    return bool(m.context.mag(less) < DOUBLES)


def slopes_of(m: Any, primitive: Primitive, xs: Sequence[Any], z: Any, moves: Sequence[bool]) -> Slopes:
    """The local derivatives of a primitive at a point, with respect to the operands that vary."""
    own = own_partials(m, primitive, xs, z, moves)
    if own is not None and all(map(m.context.isfinite, (*own, z, *xs))):
        bent = None
        for level in CONFIRMING:
            try:
                ds = own if level <= m.context.dps else _own_in(level, primitive, xs, moves)
                agreed, now = _confirmed(number_system(level), primitive, xs, own if ds is None else ds, moves)
            except RoughError:
                return rough_slopes(m, primitive, xs, moves)
            if agreed and (not now or (bent is not None and now < bent * CLOSED)):
                exact = own if ds is None else tuple(m.number(d) for d in ds)
                return Slopes(exact, confirmed=True, at=tuple(xs))
            bent = now if agreed else None
            # A rule with constants of 16 digits is never confirmed.
            if level == CONFIRMING[1] and not agreed and m.context.dps <= QUICK[0][0]:
                quick = _quick(m, primitive, xs, z, own, moves)
                if quick is not None:
                    return quick
            if at_kink(m, primitive, xs):
                break
    if not all(map(m.context.isfinite, xs)):
        return Slopes(own or (m.context.nan,) * len(xs), confirmed=False)
    try:
        return _one_sided(m, primitive, xs, own, moves)
    except RoughError:
        return rough_slopes(m, primitive, xs, moves)


def own_partials(
    m: Any, primitive: Primitive, xs: Sequence[Any], z: Any, moves: Sequence[bool]
) -> tuple[Any, ...] | None:
    """The partials of the rule; None if it cannot be evaluated in high precision."""

    def own() -> tuple[Any, ...]:
        given = primitive.partials(m, *xs, z)
        return tuple(m.number(d) if move else m.context.zero for d, move in zip(given, moves, strict=True))

    try:
        return own() if primitive.name in PRIMITIVES else _by_user(m, own, floats=True)
    except (ArithmeticError, ValueError, TypeError, AttributeError, RoughError):
        return None


def _own_in(digits: int, primitive: Primitive, xs: Sequence[Any], moves: Sequence[bool]) -> tuple[Any, ...] | None:
    """The partials of the rule with more digits, at the same operands: what more digits of a value can confirm.

    The steps that confirm 20 digits of sin'(1e13) are so small that its value needs 150 digits, and its partial 60.
    """
    m = number_system(digits)
    xs = [m.number(x) for x in xs]
    return own_partials(m, primitive, xs, value_of(m, primitive, xs), moves)


def _size(largest: Any, x: Any) -> Any:
    """The unit of a step, given the largest operand.

    At the highest precision it may be small compared with 1 too, as exp needs.
    """
    size = abs(x) or largest or 1
    return min(size, 1) if x.context.dps >= SIDES[0] - 1 else size


@cache
def _tenth(m: Any, power: int) -> Any:
    """10^-power."""
    return m.number(10) ** -power


def _largest(xs: Sequence[Any]) -> Any:
    return max(map(abs, xs))


def at_kink(m: Any, primitive: Primitive, xs: Sequence[Any]) -> bool:
    """Whether a primitive declares a kink at this point."""
    if primitive.kinks is None:
        return False
    zeros = primitive.kinks(m, *xs)
    return any(k == 0 for k in (zeros if isinstance(zeros, tuple) else (zeros,)))


def _confirmed(
    m: Any, primitive: Primitive, xs: Sequence[Any], own: Sequence[Any], moves: Sequence[bool]
) -> tuple[bool, Any]:
    """Whether a central difference quotient in one generic direction confirms the partials, and the sides' gap.

    One direction decides for all operands at once: for one wrong partial to hide another takes a coincidence of
    20 digits. The gap between the quotients of both sides counts as 0 if it is small compared with the slope;
    otherwise it has to shrink with the step, or there is a kink whose sides have this mean, as |x| at 0.
    """
    digits = m.context.dps
    h = _tenth(m, digits // 3)
    xs = [m.number(x) for x in xs]
    largest = _largest(xs)
    moved = [
        _size(largest, x) * h * (1 + (i + 1) * GOLDEN % 1) * (1 - 2 * (i % 2)) if move else 0
        for i, (x, move) in enumerate(zip(xs, moves, strict=True))
    ]
    terms = [m.number(d) * s for d, s in zip(own, moved, strict=True)]
    up = value_of(m, primitive, [x + s for x, s in zip(xs, moved, strict=True)])
    down = value_of(m, primitive, [x - s for x, s in zip(xs, moved, strict=True)])
    size, longest = sum(map(abs, terms)), max(map(abs, moved))
    off, bend = abs((up - down) / 2 - sum(terms)), abs(up + down - 2 * value_of(m, primitive, xs))
    nothing = longest * _tenth(m, NOTHING)
    agreed = off <= size * _tenth(m, 2 * digits // 5) or off <= nothing
    straight = bend <= size * _tenth(m, digits // 5) or bend <= nothing
    return bool(agreed), 0 if straight else bend / longest


def _one_sided(m: Any, primitive: Primitive, xs: Sequence[Any], own: Any, moves: Sequence[bool]) -> Slopes:
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
        quotients = [q for q in (_side(primitive, xs, i, sign) for sign in (-1, 1)) if q is not None]
        both = [m.number(near) for _, near in quotients]
        if not both:  # outside of the domain on either side
            exact.append(m.context.nan)
            sides.append((m.context.nan, m.context.nan))
        elif is_alike(both[0], both[-1]) or _close_up(*quotients):
            exact.append((both[0] + both[-1]) / 2)
            sides.append((exact[-1], exact[-1]))
        else:
            given = own[i] if own is not None and m.context.isfinite(own[i]) else sum(both) / 2
            exact.append(given)
            sides.append((both[0], both[1]))
    uneven = any(not is_alike(a, b) for a, b in sides)
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


def is_alike(a: Any, b: Any) -> bool:
    """Whether two quotients are one number, but for what a smaller step would still change."""
    if a == b or (a != a and b != b):  # noqa: PLR0124
        return True
    return bool(abs(a - b) <= min(abs(a), abs(b)) * CLOSED < math.inf)


def _quick(
    m: Any, primitive: Primitive, xs: Sequence[Any], z: Any, own: Sequence[Any], moves: Sequence[bool]
) -> Slopes | None:
    """Difference quotients of few digits, if they agree for all operands.

    More digits are taken if the rule's own slope is far below the value.
    """
    mag, largest = m.context.mag, _largest(xs)
    exact = []
    for i, move in enumerate(moves):
        if not move:
            exact.append(m.context.zero)
            continue
        change = own[i] * _size(largest, xs[i])
        below = max(0, mag(z) - mag(change)) if z and change else 0
        more = 50 * math.ceil(below * math.log10(2) / 50)
        if more > CONFIRMING[-1]:
            return None
        steps = [(digits + more, power) for digits, power in QUICK]
        left, right = (_side(primitive, xs, i, sign, steps) for sign in (-1, 1))
        if left is None or right is None or not _agree(*left, *right):
            return None
        exact.append(m.number((left[1] + right[1]) / 2))
    return Slopes(tuple(exact), confirmed=False)


def _agree(*quotients: Any) -> bool:
    """Whether quotients agree at all steps on both sides; 0 does not count, as underflow may cause it."""
    return all(quotients) and all(is_alike(quotients[0], q) for q in quotients[1:])


def _close_up(left: tuple[Any, Any], right: tuple[Any, Any]) -> bool:
    """Whether the gap between the quotients of both sides shrinks with the step."""
    far, near = (abs(b - a) for a, b in zip(left, right, strict=True))
    return bool(near <= far * CLOSED < math.inf)


def _side(
    primitive: Primitive, xs: Sequence[Any], i: int, sign: int, steps: Sequence[tuple[int, int]] = STEPS
) -> tuple[Any, Any] | None:
    """One-sided difference quotients at two steps; None outside of the domain.

    At a jump both are -inf on the left and inf on the right; at a vertical tangent both are infinite.
    """
    quotients, rises = [], []
    m = number_system(steps[0][0])
    for level, power in steps:
        m = number_system(level)
        ys = [m.number(x) for x in xs]
        base = value_of(m, primitive, ys)
        step = sign * _size(_largest(ys), ys[i]) * _tenth(m, power)
        ys[i] += step
        rise = value_of(m, primitive, ys) - base
        rises.append(rise)
        quotients.append(rise / step)
        if len(quotients) == len(SIDES) and (not m.context.isfinite(rise) or is_alike(*quotients)):
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


def rough_slopes(m: Any, primitive: Primitive, xs: Sequence[Any], moves: Sequence[bool]) -> Slopes:
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
            return [evaluate(primitive, moved)[0]]

        slope = float_slopes(along, abs(points[i]), 2.0**-53, abs(points[i]) * 2.0**-53)[0]
        exact.append(m.number(slope.value))
        sides.append((m.number(slope.left), m.number(slope.right)))
        at_point = abs(along(0.0)[0])  # of a value that stands still, its rounding is unknown
        errors.append(max(slope.error, 0.0 if slope.scale else 2.0**-53 * at_point / max(abs(points[i]), 1.0)))
    uneven = any(a != b for a, b in sides)
    return Slopes(tuple(exact), confirmed=False, sides=tuple(sides) if uneven else None, rough=tuple(errors))


def bends(m: Any, primitive: Primitive, xs: Sequence[Any], z: Any, moves: Sequence[bool]) -> bool:
    """Whether a primitive with slope 0 varies at all.

    x*x does at 0, so sqrt(x*x) has a kink there; a dead relu does not.
    """
    h = m.number(10) ** -(m.context.dps // 3)
    largest = _largest(xs)
    moved = [x + _size(largest, x) * h if move else x for x, move in zip(xs, moves, strict=True)]
    return bool(read(m, primitive, moved)[0] != z)
