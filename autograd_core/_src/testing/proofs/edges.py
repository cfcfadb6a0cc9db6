"""Checks a node's local derivatives against its value, one node at a time: in floats, or in 50 digits.

Every node is taken at the operands that it recorded, so cancellation elsewhere has no effect.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ...engine.evaluation import rounded
from ...engine.value import Constant
from ...number_systems.complex_step import slope
from ...number_systems.floats import FLOATS
from ..arguments.flat import DOUBLE
from ..directions import directions, total
from .allowance import MARGIN, own_rounding
from .local_slopes import RoughError, number_system, slopes_of, value_of
from .recording import built_in, recorded_slopes, value_error_allowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...engine.ops import Primitive
    from ...engine.value import Value

STEPPED = 8 * DOUBLE  # what the complex step itself may be off by, as a share of a term
FEW_MOVED = 3  # operands that are moved one by one; more of them together, each by what moves the result alike
TWICE = 2.0  # what rounding allows a rule, it allows the complex step as well
DIGITS = 50


class Edges(NamedTuple):
    """The findings about a node's local derivatives.

    Attributes:
        unseen: By how much each may be wrong without having been seen.
        off: By how much they were seen to be; infinite where the value is another, NaN where nothing is known.
        kink: Whether the node is at a kink.
    """

    unseen: Sequence[float]
    off: float = 0.0
    kink: bool = False


UNKNOWN = Edges((), math.nan)
AT_KINK = Edges((), kink=True)


def quickly(node: Value, moves: Sequence[bool]) -> Edges:
    """By the complex step, in floats."""
    primitive = node._primitive
    assert primitive is not None
    xs = [p._data for p in node.parents]
    ds = recorded_slopes(node)
    try:
        if primitive.kinks is not None:
            zeros = primitive.kinks(FLOATS, *map(FLOATS.number, xs))
            if any(k == 0 for k in (zeros if isinstance(zeros, tuple) else (zeros,))):
                return AT_KINK
        looked_at = _each if len(xs) <= FEW_MOVED else _together
        return looked_at(node, primitive, xs, ds, moves)
    except Exception:  # noqa: BLE001  a user's rule may raise anything at such a number
        return UNKNOWN


def _each(node: Value, primitive: Primitive, xs: list[float], ds: Sequence[float], moves: Sequence[bool]) -> Edges:
    """One operand after the other."""
    unseen, off = [TWICE * e for e in own_rounding(node, xs, [*map(abs, ds)])], 0.0
    value, rounding = node._data, value_error_allowed(node, abs(node._data))
    for i, move in enumerate(moves):
        if not move:
            continue
        by = [0.0] * len(xs)
        by[i] = 1.0
        at, found = slope(primitive.value, xs, by)
        if not abs(at - value) <= rounding:
            return Edges(unseen, math.inf)
        if not (apart := abs(found - ds[i])) <= unseen[i]:
            off = max(off, apart if apart == apart else math.inf)  # noqa: PLR0124
    return Edges(unseen, off)


def _together(node: Value, primitive: Primitive, xs: list[float], ds: Sequence[float], moves: Sequence[bool]) -> Edges:
    """Along a random direction that every operand has the same share of."""
    sizes = [abs(d) if move else 0.0 for d, move in zip(ds, moves, strict=True)]
    largest = max(sizes) or 1.0
    random = directions(len(xs), "edges")
    by = [v / (d or largest) * move for v, d, move in zip(random, sizes, moves, strict=True)]
    at, found = slope(primitive.value, xs, by)
    if not abs(at - node._data) <= value_error_allowed(node, total(abs(d * x) for d, x in zip(ds, xs, strict=True))):
        return Edges((), math.inf)
    terms = [d * v for d, v in zip(ds, by, strict=True) if v]
    # Of random signs: roundings of n terms add up to those of their root.
    rounding = [STEPPED * d for d in sizes]
    if not primitive.exact_partials:
        rounding = [e + r for e, r in zip(rounding, own_rounding(node, xs, sizes), strict=True)]
    allowed = MARGIN * math.hypot(*(e * v for e, v in zip(rounding, by, strict=True)))
    apart = abs(found - total(terms))
    unseen = [2 * allowed / abs(v) if v else 0.0 for v in by]
    return Edges(unseen, 0.0 if apart <= allowed else apart if apart == apart else math.inf)  # noqa: PLR0124


def closely(node: Value, moves: Sequence[bool]) -> Edges:
    """By difference quotients in 50 digits, or as many as it takes."""
    m, primitive = number_system(DIGITS), node._primitive
    assert primitive is not None
    xs = [m.number(p.data) for p in node.parents]
    try:
        z = value_of(m, primitive, xs)
    except RoughError:
        return UNKNOWN
    slopes = slopes_of(m, primitive, xs, z, moves)
    if slopes.sides is not None:
        return AT_KINK
    if slopes.rough or not all(map(m.context.isfinite, (z, *slopes.exact))):
        return UNKNOWN
    sizes = [abs(float(d)) for d in slopes.exact]
    largest = total(d * abs(rounded(p.data)) for d, p in zip(sizes, node.parents, strict=True))
    unseen = own_rounding(node, [rounded(p.data) for p in node.parents], sizes)
    if not abs(float(m.number(node.data) - z)) <= value_error_allowed(node, abs(float(z)) + largest):
        return Edges(unseen, math.inf)
    offs = [
        abs(float(m.number(own) - d)) if move and not isinstance(p, Constant) else 0.0
        for p, own, d, move in zip(node.parents, recorded_slopes(node), slopes.exact, moves, strict=True)
    ]
    return Edges(unseen, max((off for off, e in zip(offs, unseen, strict=True) if not off <= e), default=0.0))


def value_is_close(node: Value) -> bool:
    """Whether the value recorded by a user's rule agrees with 50 digits, and is no remainder of cancellation."""
    if built_in(node):
        return True
    m, primitive = number_system(DIGITS), node._primitive
    assert primitive is not None
    try:
        z = value_of(m, primitive, [m.number(p._data) for p in node.parents])
    except RoughError:
        return False
    return bool(abs(m.number(node._data) - z) <= value_error_allowed(node, abs(float(z))))
