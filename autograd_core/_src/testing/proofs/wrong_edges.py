"""Which node's rule is wrong, by the local derivatives that it recorded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...engine.value import Constant, Value
from ..arguments.flat import DOUBLE
from ..directions import total, ulp_of
from .allowance import rule_allowance, rules_allowance
from .expectations import FLOOR, STEP
from .local_slopes import RoughError, slopes_of, value_of
from .recording import recorded_slopes, rule_rounding
from .reference import Replay, pushed

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW_OPERANDS = 8  # that are moved one by one
LOST = 256.0  # ulp, from which on a rule is named where its digits are lacking in an entry
SHARE = 1 / 8  # of an entry's error, which such a rule causes at least
OPERANDS = 16.0  # times what rounding of its operands does, a local derivative may be off by it
SUSPECTS = 64  # wrong edges that are looked at closely, at most


def is_suspect(replay: Replay, rules: dict[Value, list[float]], node: Value) -> bool:
    """Whether a recorded local derivative differs from the one at the exact operands."""
    slopes = replay.slopes[node]
    if slopes.sides is not None:  # at a kink there is no single number to compare with
        return False
    rows = zip(node.parents, slopes.exact, recorded_slopes(node), rules[node], strict=True)
    return any(not abs(float(d) - float(own)) <= rule for p, d, own, rule in rows if not isinstance(p, Constant))


def wrong_edges(replay: Replay, m: Any, node: Value) -> list[tuple[int, Any]]:
    """The operands whose recorded local derivative is wrong at the recorded operands, with its error."""
    # At the exact operands it may differ by no fault of the rule: the operands were rounded.
    xs = [m.number(p.data) for p in node.parents]
    which = [not isinstance(p, Constant) for p in node.parents]
    assert node._primitive is not None
    try:
        slopes = slopes_of(m, node._primitive, xs, value_of(m, node._primitive, xs), which)
    except RoughError:
        return []
    if slopes.sides is not None or slopes.rough:
        return []
    rule = rule_allowance(replay, node, [abs(float(d)) for d in slopes.exact])
    offs = [abs(m.number(own) - d) for own, d in zip(recorded_slopes(node), slopes.exact, strict=True)]
    return [
        (i, replay.m.number(off))
        for i, (off, allows, moves) in enumerate(zip(offs, rule, which, strict=True))
        if moves and not off <= allows
    ]


def faulty_edge(local: Replay, adjoints: dict[Value, Any], x: Value) -> tuple[Value | None, int]:
    """The node whose local derivative is off by more than its formula's rounding and moves an entry most.

    Args:
        local: Each node alone, at the operands that it recorded.
        adjoints: Those of the entry's result by the right local derivatives.
        x: The entry's input.
    """
    wrong = (edge for edge in _off_edges(local, adjoints, x) if not edge[3] <= rule_rounding(*edge[1:3]))
    return next(((node, i) for _, node, i, _ in wrong), (None, 0))


def lossy_edge(local: Replay, adjoints: dict[Value, Any], x: Value, error: Any) -> tuple[Value | None, int]:
    """The node that an entry lost its digits at, if it is one whose formula cancels.

    An error that rounding of the operands causes in any formula is no fault of the node.

    Args:
        local: Each node alone, at the operands that it recorded.
        adjoints: Those of the entry's result by the right local derivatives.
        x: The entry's input.
        error: How far off the entry is.
    """
    for moved, node, i, off in _off_edges(local, adjoints, x):
        if moved < SHARE * error:
            break
        slope = float(local.slopes[node].exact[i])
        # exp(-600) is off by 600 roundings of its operand, in any formula.
        exponent = abs(math.log(abs(slope))) if slope and math.isfinite(slope) else 0.0
        lost = max(LOST, 4 * exponent) * ulp_of(slope)
        if off > lost and off > OPERANDS * moved_by_operands(local.m, node, i):
            return node, i
    return None, 0


def is_below_noise(local: Replay, node: Value, i: int) -> bool:
    """Whether the error of a local derivative changes the node's value by no more than a few of its roundings.

    That much is lost where a function saturates: z (1 - z) is no more accurate than z is, next to 1.
    """
    off = abs(float(local.m.number(recorded_slopes(node)[i]) - local.slopes[node].exact[i]))
    return STEP * off * max(abs(float(node.parents[i].data)), 1.0) <= FLOOR * DOUBLE * abs(float(node.data))


def _off_edges(local: Replay, adjoints: dict[Value, Any], x: Value) -> Iterator[tuple[Any, Value, int, Any]]:
    """Edges that are off by more than a rule may be, behind how far that moves an entry; those first that do most."""
    m = local.m
    # Adjoints are by right local derivatives, tangents by recorded ones: so adjoint × error × tangent, summed over all
    # edges, is exactly A - B of `graph_checker`.
    recorded = {node: [m.number(d) for d in recorded_slopes(node)] for node in local.slopes}

    def as_recorded(node: Value) -> Any:
        return zip(node.parents, recorded.get(node, ()), strict=node in recorded)

    tangents = pushed(local.order, as_recorded, {x: m.context.one}, m.context.zero)
    found: list[tuple[Any, Value, int, Any]] = []
    for node, slopes in local.slopes.items():
        if slopes.sides is not None:
            continue
        allowance = rule_allowance(local, node, [abs(float(d)) for d in slopes.exact])
        for i, (parent, d, own) in enumerate(zip(node.parents, slopes.exact, recorded[node], strict=True)):
            if isinstance(parent, Constant) or not tangents[parent] or not adjoints[node]:
                continue
            off = abs(own - d)
            if not off <= allowance[i]:
                found.append((abs(off * adjoints[node] * tangents[parent]), node, i, off))
    found.sort(key=lambda f: f[0] if f[0] == f[0] else math.inf, reverse=True)
    yield from found[:SUSPECTS]


def rules_as_recorded(local: Replay) -> dict[Value, list[float]]:
    """What rounding allows each rule, by operand, and what it did to those formulas that cancel: for right rules."""
    rules = rules_allowance(local)
    for node, slopes in local.slopes.items():
        if slopes.sides is None:
            rows = zip(rules[node], recorded_slopes(node), slopes.exact, strict=True)
            offs = [(allows, abs(float(local.m.number(own) - d))) for allows, own, d in rows]
            rules[node] = [max(allows, off) if math.isfinite(off) else allows for allows, off in offs]
    return rules


def moved_by_operands(m: Any, node: Value, i: int) -> float:
    """How far rounding of a node's operands may move a local derivative: no formula is more accurate than that."""
    primitive, xs = node._primitive, [m.number(p.data) for p in node.parents]
    assert primitive is not None
    if len(xs) > FEW_OPERANDS:
        return 0.0
    moves = [k == i for k in range(len(xs))]
    found = []
    try:
        for k in (None, *range(len(xs))):
            at = [x + x * m.number(DOUBLE) if j == k else x for j, x in enumerate(xs)]
            found.append(slopes_of(m, primitive, at, value_of(m, primitive, at), moves).exact[i])
    except RoughError:
        return 0.0
    off = total(float(abs(d - found[0])) for d in found[1:])
    return off if math.isfinite(off) else 0.0


def is_on_other_side(local: Replay, replay: Replay) -> bool:
    """Whether rounding put an operand on the other side of a kink that its primitive declares."""
    # `kinks` is 0 at a kink, so different signs at the recorded and the exact operands mean a kink between them.
    for node in local.slopes:
        primitive = node._primitive
        if primitive is not None and primitive.kinks is not None:
            parents = node.parents
            here, there = (
                primitive.kinks(m, *xs)
                for m, xs in (
                    (local.m, [local.m.number(p.data) for p in parents]),
                    (replay.m, [replay.values[p] for p in parents]),
                )
            )
            pairs = zip(here, there, strict=True) if isinstance(here, tuple) else [(here, there)]
            if any((a > 0) != (b > 0) or (a < 0) != (b < 0) for a, b in pairs):
                return True
    return False
