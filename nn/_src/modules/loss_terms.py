"""What all losses share: predictions and targets as flat lists, and the reduction of all terms to one number."""

from __future__ import annotations

import operator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import autograd_core as ag
from autograd_core import OperandError, RangeError, StructureError, Value
from autograd_core._src.any_object import refuse_endless, shown
from autograd_core._src.notation.losses import LossRule, as_one
from autograd_core._src.wrong_calls import is_among

from ..support.validation import plain, real

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NUMBER_TYPES = frozenset({float, int})


def flat(prediction: Any, target: Any, caller: str) -> tuple[list[Any], list[Any]]:
    """Both as flat lists of numbers, in the same order.

    Raises:
        StructureError: Their shapes differ, or there is nothing in them.
    """
    ps: list[Any] = []
    ts: list[Any] = []
    try:
        _append(plain(prediction), plain(target), caller, ps, ts)
    except RecursionError:
        refuse_endless(caller, prediction, target)
        raise
    if not ps:
        msg = f"{caller}: expected at least one case, got none"
        raise StructureError(msg)
    return ps, ts


def _append(p: Any, t: Any, caller: str, ps: list[Any], ts: list[Any]) -> None:
    many_p, many_t = isinstance(p, list), isinstance(t, list)
    if many_p and many_t:
        if len(p) != len(t):
            msg = f"{caller}: expected as many targets as predictions, got {len(p)} predictions and {len(t)} targets"
            raise StructureError(msg)
        for a, b in zip(p, t):
            if a.__class__ is Value and b.__class__ in NUMBER_TYPES:  # the usual case, tested first
                ps.append(a)
                ts.append(b)
            else:
                _append(plain(a), plain(b), caller, ps, ts)
    elif many_p or many_t:
        many = p if many_p else t
        if len(many) != 1:
            msg = (
                f"{caller}: expected prediction and target of the same shape, got a list of {len(many)} "
                f"{'predictions' if many_p else 'targets'} for one {'target' if many_p else 'prediction'}"
            )
            raise StructureError(msg)
        _append(plain(many[0]) if many_p else p, plain(many[0]) if many_t else t, caller, ps, ts)
    else:
        _a_number(p, caller)
        _a_number(t, caller)
        ps.append(p)
        ts.append(t)


def _a_number(x: Any, caller: str) -> None:
    # Number types of other libraries check themselves when they are computed with; dates can be subtracted, too.
    if type(x).__module__ == "builtins" or not hasattr(x, "__pow__"):
        real(x, caller, nan=True)


class TargetKind(NamedTuple):
    """The targets that a loss takes, in words, and how to convert those of another loss."""

    are_good: Callable[[Any], bool]
    expected: str
    other: float
    cure: str


SIGNS = TargetKind(lambda t: t in (-1.0, 1.0), "-1 or 1", 0, "2 * t - 1 makes these of 0 and 1")
PROBABILITIES = TargetKind(lambda t: 0.0 <= t <= 1.0, "in [0, 1]", -1, "(t + 1) / 2 makes these of -1 and 1")


def checked(ts: list[Any], caller: str, kind: TargetKind) -> None:
    """Raise unless every target is a number of that kind."""
    for t in ts:
        if not kind.are_good(t.data if isinstance(t, Value) else t):
            cure = f"; {kind.cure}" if t == kind.other else ""
            msg = f"{caller}: expected targets {kind.expected}, got {shown(t)}{cure}"
            raise RangeError(msg)


def sum_of_squares(xs: Sequence[Any]) -> Any:
    """x1^2 + ... + xn^2, in which each number is used once: `dot(xs, xs)` would have each path twice."""
    squares = [ag.square(x) for x in xs]
    return squares[0] if len(squares) == 1 else ag.sum(squares)


Reduction = Literal["mean", "sum", "batchmean"]  # as in PyTorch; "batchmean" is from its KLDivLoss
ONE_CASE: ContextVar[bool] = ContextVar("ONE_CASE", default=False)  # whether predictions are those of a single case


def of_one_case(loss: Callable[[Any, Any], Any], prediction: Any, target: Any) -> Any:
    """Within it, predictions are those of one case: "batchmean" does not count a list of outputs as several cases."""
    token = ONE_CASE.set(True)
    try:
        return loss(prediction, target)
    finally:
        ONE_CASE.reset(token)


def divisor(terms: int, prediction: Any, reduction: Reduction, caller: str) -> int:
    """The number by which the sum of all terms is divided.

    Raises:
        RangeError: There is no such reduction.
    """
    if not is_among(reduction, get_args(Reduction)):
        msg = f"{caller}: reduction: expected {', '.join(map(repr, get_args(Reduction)))}, got {shown(reduction)}"
        raise RangeError(msg)
    if reduction == "batchmean":
        return len(prediction) if isinstance(prediction, list) and not ONE_CASE.get() else 1
    return terms if reduction == "mean" else 1


def reduced(terms: list[Any], prediction: Any, reduction: Reduction, caller: str) -> Any:
    """The terms of all outputs and cases, reduced to one number."""
    n = divisor(len(terms), prediction, reduction, caller)
    if n == len(terms):
        return ag.mean(terms)
    return ag.sum(terms) if n == 1 else ag.sum(terms) / n


def written_as_one(
    terms: list[Any], prediction: Any, reduction: Reduction, rule: LossRule, ps: list[Any], ts: list[Any]
) -> Any:
    """The same number, with the rule by which pictures write it."""
    n = divisor(len(terms), prediction, reduction, rule.name)
    return as_one(reduced(terms, prediction, reduction, rule.name), rule, ps, ts, n)


def cases_of_classes(prediction: Any, target: Any, caller: str) -> list[tuple[list[Any], list[tuple[int, float]]]]:
    """For each case its scores, and the classes with their probabilities, zeros left out."""
    rows, targets = plain(prediction), plain(target)
    if not isinstance(rows, list) or not rows:
        msg = f"{caller}: expected a list of scores, one per class, or a list of such lists, got {shown(prediction)}"
        raise StructureError(msg)
    rows = [plain(r) for r in rows]
    if not any(isinstance(r, list) for r in rows):
        rows, targets = [rows], [targets]
    if not isinstance(targets, list) or len(targets) != len(rows):
        got = len(targets) if isinstance(targets, list) else shown(target)
        msg = f"{caller}: expected one target per case, got {len(rows)} cases and {got} targets"
        raise StructureError(msg)
    one = len(rows) == 1
    return [
        (_scores(r, caller), _weights(plain(t), len(r), caller, "" if one else f", the target of case {i}"))
        for i, (r, t) in enumerate(zip(rows, targets))
    ]


def _scores(row: Any, caller: str) -> list[Any]:
    if not isinstance(row, list) or len(row) < 2:
        msg = f"{caller}: expected the scores of at least two classes, got {shown(row)}"
        raise StructureError(msg)
    for z in row:
        _a_number(z, caller)
    return row


def _weights(target: Any, classes: int, caller: str, case: str) -> list[tuple[int, float]]:
    if isinstance(target, list):
        if len(target) != classes:
            msg = f"{caller}: expected {classes} probabilities, got {len(target)}: {shown(target)}{case}"
            raise StructureError(msg)
        numbers = [real(t, caller, nan=True) for t in target]
        if not all(t >= 0 for t in numbers) or not abs(sum(numbers) - 1.0) < 1e-6:
            msg = f"{caller}: expected probabilities that sum to 1, got {shown(target)}{case}"
            raise RangeError(msg)
        return [(k, t) for k, t in enumerate(numbers) if t]
    try:
        k = operator.index(target)
    except TypeError:
        cure = (
            "names = sorted(set(y)); y = [names.index(name) for name in y]"
            if isinstance(target, str)
            else "y = [int(label) for label in y], or y.astype(int) of an array"
        )
        msg = f"{caller}: expected the index of a class, an int, got {shown(target)}{case}; convert labels: {cure}"
        raise OperandError(msg) from None
    if not 0 <= k < classes:
        msg = f"{caller}: expected the index of one of {classes} classes, 0 to {classes - 1}, got {k}{case}"
        raise RangeError(msg)
    return [(k, 1.0)]
