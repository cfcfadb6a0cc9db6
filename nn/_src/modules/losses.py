"""Losses: functions of `(prediction, target)` that give one number, the mean over all cases and outputs.

`reduction="batchmean"` sums over the outputs of a case, and takes the mean over cases alone, which are the entries of
the outermost list. For `fit` use `functools.partial(nn.mse, reduction="batchmean")`. What looks at one case alone, as
`nn.forward_pass`, `nn.error_signals` and `nn.cost` do, takes the prediction for one case, whatever its shape; called
by oneself with the outputs of one case, "sum" is meant.

A prediction is a number or Value, or a list (tuple, NumPy array) of them, nested as you like; the
target has the same shape. A list of one number fits a number, since a model with one output may
return either. All quantities are dimensionless. Targets are checked before anything is computed;
predictions outside of a loss's domain follow IEEE 754 (log of a negative number is NaN), but for
`binary_cross_entropy`, which refuses them.
"""

from __future__ import annotations

import functools
import math
import operator
from contextvars import ContextVar
from numbers import Real
from typing import TYPE_CHECKING, Any, overload

import autograd_core as ag
from autograd_core import OperandError, RangeError, StructureError, Value
from autograd_core._src.engine.contexts import current
from autograd_core._src.engine.reductions import logsumexp_less
from autograd_core._src.notation.losses import LossRule, as_one

from ..support.validation import plain, real, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Values = Value | Sequence["Values"]
    Numbers = float | Sequence["Numbers"]


PLAIN = frozenset({float, int})


def flat(prediction: Any, target: Any, caller: str) -> tuple[list[Any], list[Any]]:
    """Both as flat lists of numbers, in the same order.

    Raises:
        StructureError: Their shapes differ, or there is nothing in them.
    """
    ps: list[Any] = []
    ts: list[Any] = []
    _append(plain(prediction), plain(target), caller, ps, ts)
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
            if a.__class__ is Value and b.__class__ in PLAIN:  # nearly all of them
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
    if type(x).__module__ == "builtins":  # numbers of other libraries take care of themselves
        real(x, caller, nan=True)


def _checked(ts: list[Any], caller: str, good: Callable[[Any], Any], expected: str) -> None:
    """Raise unless every target is a number that is good."""
    for t in ts:
        if not good(t.data if isinstance(t, Value) else t):
            msg = f"{caller}: expected targets {expected}, got {shown(t)}"
            raise RangeError(msg)


def sum_of_squares(xs: Sequence[Any]) -> Any:
    """x1^2 + ... + xn^2, in which each number is used once: `dot(xs, xs)` would have each path twice."""
    squares = [ag.square(x) for x in xs]
    return squares[0] if len(squares) == 1 else ag.sum(squares)


def underlying(loss: Any) -> Any:
    """The loss inside `functools.partial`, without its options."""
    while isinstance(loss, functools.partial):
        loss = loss.func
    return loss


REDUCTIONS = ("mean", "sum", "batchmean")  # PyTorch's words; "batchmean" is that of its KLDivLoss


ONE_CASE: ContextVar[bool] = ContextVar("ONE_CASE", default=False)  # whether a prediction is that of one case
# Means over all outputs, unless a reduction is chosen; the other losses are numbers of a case.
BY_OUTPUT = frozenset(
    ("mse", "l1_loss", "huber_loss", "hinge", "binary_cross_entropy", "binary_cross_entropy_with_logits")
)


def of_one_case(loss: Callable[[Any, Any], Any], prediction: Any, target: Any) -> Any:
    """The loss of one case: its outputs in a list are not taken for as many cases by "batchmean"."""
    token = ONE_CASE.set(True)
    try:
        return loss(prediction, target)
    finally:
        ONE_CASE.reset(token)


OF_PROBABILITIES = frozenset(("binary_cross_entropy", "binary_cross_entropy_with_logits"))  # as targets


OF_SCORES = {"binary_cross_entropy_with_logits": "sigmoid", "cross_entropy": "softmax"}


def made_of_scores(loss: Any) -> str:
    """What a loss here that takes scores makes of them itself, "sigmoid" or "softmax"; "" for the others."""
    inner = underlying(loss)
    own = getattr(inner, "__module__", None) == __name__
    return OF_SCORES.get(getattr(inner, "__name__", ""), "") if own else ""


def takes_mean_of_outputs(loss: Any) -> bool:
    """Whether it is one of the losses here that are a mean over the outputs too, and no reduction was chosen."""
    chosen = False
    while isinstance(loss, functools.partial):
        chosen = chosen or "reduction" in loss.keywords
        loss = loss.func
    named = getattr(loss, "__module__", None) == __name__ and getattr(loss, "__name__", None) in BY_OUTPUT
    return named and not chosen


def _divisor(terms: int, prediction: Any, reduction: str, caller: str) -> int:
    """What the sum of all terms is divided by.

    Raises:
        RangeError: There is no such reduction.
    """
    if reduction not in REDUCTIONS:
        msg = f"{caller}: reduction: expected {', '.join(map(repr, REDUCTIONS))}, got {shown(reduction)}"
        raise RangeError(msg)
    if reduction == "batchmean":
        return len(prediction) if isinstance(prediction, list) and not ONE_CASE.get() else 1
    return terms if reduction == "mean" else 1


def _reduced(terms: list[Any], prediction: Any, reduction: str, caller: str) -> Any:
    """One number from the terms of all outputs and cases."""
    n = _divisor(len(terms), prediction, reduction, caller)
    if n == len(terms):
        return ag.mean(terms)
    return ag.sum(terms) if n == 1 else ag.sum(terms) / n


def _as_one(terms: list[Any], prediction: Any, reduction: str, rule: LossRule, ps: list[Any], ts: list[Any]) -> Any:
    """The same, which says what it is as texts write it."""
    n = _divisor(len(terms), prediction, reduction, rule.name)
    return as_one(_reduced(terms, prediction, reduction, rule.name), rule, ps, ts, n)


# --- as texts write them ------------------------------------------------------------------------
# What a reader of a graph is told of a loss; its nodes are computed below.


def _huber_slope(m: Any, p: Any, t: Any, delta: float) -> Any:
    return m.where(m.abs(p - t) <= delta, p - t, delta * m.row("sign", p - t))


SQUARED_ERRORS = LossRule(
    "mse", "Σ (ŷ − y)² / n",
    lambda m, p, t: (p - t) * (p - t), lambda m, p, t: 2 * (p - t), lambda m, p, t: -2 * (p - t),
    "({0} - {1})**2", r"\left({0} - {1}\right)^2",
    derivative="∂/∂ŷ = 2 (ŷ − y) / n",
)  # fmt: skip
HALF_SQUARED_ERRORS = LossRule(
    "sse", "½ Σ (ŷ − y)² / n",
    lambda m, p, t: (p - t) * (p - t), lambda m, p, t: p - t, lambda m, p, t: t - p,
    "({0} - {1})**2", r"\left({0} - {1}\right)^2", factor=(0.5, "0.5 * ", r"\frac{1}{2}"),
    derivative="∂/∂ŷ = (ŷ − y) / n",
)  # fmt: skip
ABSOLUTE_ERRORS = LossRule(
    "l1_loss", "Σ |ŷ − y| / n",
    lambda m, p, t: m.abs(p - t), lambda m, p, t: m.row("sign", p - t), lambda m, p, t: -m.row("sign", p - t),
    "abs({0} - {1})", r"\left|{0} - {1}\right|",
    kinks=lambda m, p, t: (p - t,), kink="|x|'(0) = 0",
    derivative="∂/∂ŷ = sign(ŷ − y) / n",
)  # fmt: skip
HINGES = LossRule(
    "hinge", "Σ max(0, 1 − y ŷ) / n",
    lambda m, p, t: m.row("relu", _margin(p, t)),
    lambda m, p, t: m.where(_margin(p, t) > 0, -t, 0), lambda m, p, t: m.where(_margin(p, t) > 0, -p, 0),
    "max(0, 1 - {1} * {0})", r"\max\left(0, 1 - {1} \cdot {0}\right)",
    known={
        1: ("max(0, 1 - {0})", r"\max\left(0, 1 - {0}\right)"),
        -1: ("max(0, 1 + {0})", r"\max\left(0, 1 + {0}\right)"),
    },
    kinks=lambda m, p, t: (_margin(p, t),), kink="relu'(0) = 0",
    derivative="∂/∂ŷ = −y / n where y ŷ < 1, else 0",
)  # fmt: skip
OF_PROBABILITY = LossRule(
    "binary_cross_entropy", "−Σ (y log ŷ + (1 − y) log(1 − ŷ)) / n",
    lambda m, p, t: m.log(1 - p) if _is(t, 0) else m.log(p) if _is(t, 1) else t * m.log(p) + (1 - t) * m.log(1 - p),
    lambda m, p, t: 1 / (1 - p) if _is(t, 0) else -1 / p if _is(t, 1) else (p - t) / (p * (1 - p)),
    lambda m, p, t: m.log(1 - p) - m.log(p),
    "{1} * log({0}) + (1 - {1}) * log(1 - {0})",
    r"{1} \cdot \log {0} + \left(1 - {1}\right) \cdot \log\left(1 - {0}\right)",
    factor=(-1.0, "-", "-"),
    known={0: ("log(1 - {0})", r"\log\left(1 - {0}\right)"), 1: ("log({0})", r"\log {0}")},
    derivative="∂/∂ŷ = (ŷ − y) / (ŷ (1 − ŷ)) / n",
)  # fmt: skip
OF_SCORE = LossRule(
    "binary_cross_entropy_with_logits", "Σ (log(1 + exp(z)) − y z) / n",
    lambda m, p, t: m.row("softplus", p) - t * p, lambda m, p, t: m.row("sigmoid", p) - t, lambda m, p, t: -p,
    "softplus({0}) - {1} * {0}", r"\log\left(1 + e^{{{0}}}\right) - {1} \cdot {0}",
    known={
        0: ("softplus({0})", r"\log\left(1 + e^{{{0}}}\right)"),
        1: ("softplus(-{0})", r"\log\left(1 + e^{{-{0}}}\right)"),
    },
    derivative="∂/∂z = (σ(z) − y) / n",
)  # fmt: skip


def _surprise_of_scores(m: Any, zs: Sequence[Any], ys: Sequence[float]) -> Any:
    others = [m.row("logsumexp_less", *zs[:k], *zs[k + 1 :], z) for k, z in enumerate(zs) if ys[k]]
    return m.sum([y * m.row("softplus", x) for y, x in zip(filter(None, ys), others)])


OF_SCORES_OF_CLASSES = LossRule(
    "cross_entropy", "−Σ y log p / n, p = softmax(z)",
    _surprise_of_scores, lambda m, p, y: p - y, lambda m, p, y: 0,
    "log({1}) - {0}", r"\log\left({1}\right) - {0}",
    derivative="∂/∂z = (p − y) / n", of_classes=True,
    note=lambda y: "p − y" + {0: ", of another class: y = 0", 1: ", of the right class: y = 1"}.get(y, ""),
)  # fmt: skip
OF_LOG_PROBABILITIES = LossRule(
    "nll_loss", "−Σ y log p / n",
    lambda m, p, y: y * p, lambda m, p, y: -y, lambda m, p, y: 0,
    "{1} * {0}", r"{1} \cdot {0}", factor=(-1.0, "-", "-"), known={1: ("{0}", "{0}")},
    derivative="∂/∂(log p) = −y / n",
)  # fmt: skip


def _huber(delta: float) -> LossRule:
    shown_delta = f"{delta:g}"
    return LossRule(
        "huber_loss", f"Σ (ŷ − y)²/2 / n, beyond {shown_delta} linear",
        lambda m, p, t: m.where(
            m.abs(p - t) <= delta, (p - t) * (p - t) / 2, delta * (m.abs(p - t) - delta / 2)
        ),
        lambda m, p, t: _huber_slope(m, p, t, delta), lambda m, p, t: -_huber_slope(m, p, t, delta),
        "huber({0} - {1})", r"\operatorname{{huber}}\left({0} - {1}\right)",
        derivative=f"∂/∂ŷ = (ŷ − y) / n, within ±{shown_delta} / n",
    )  # fmt: skip


def _margin(p: Any, t: Any) -> Any:
    """1 - t p; hinge has a target of 1 or -1, and 1 + p is what one writes for the latter."""
    return 1 + p if _is(t, -1) else 1 - t * p


def _is(t: Any, x: float) -> bool:
    return isinstance(t, (int, float)) and t == x


# --- of numbers ---------------------------------------------------------------------------------


@overload
def sse(prediction: Values, target: Any, *, reduction: str = "sum") -> Value: ...
@overload
def sse(prediction: Numbers, target: Numbers, *, reduction: str = "sum") -> float: ...
@overload
def sse(prediction: Any, target: Any, *, reduction: str = "sum") -> float | Value: ...
def sse(prediction: Any, target: Any, *, reduction: str = "sum") -> Any:
    """Half the sum of squared errors: 1/2 * sum (p - t)^2.

    Args:
        prediction: Numbers or Values, of any shape.
        target: Likewise, of the same shape.
        reduction: "sum", "mean" over all outputs and cases, or "batchmean": the sum over outputs, and the mean over
            cases.

    Returns:
        A Value where one is among them, else a number.

    Raises:
        StructureError: The shapes differ, or there is nothing in them.
        RangeError: There is no such reduction.
        OperandError: Something in them is no number.

    Example:
        >>> import nn
        >>> nn.sse([1.0, 2.0], [0.0, 0.0])
        2.5
    """
    prediction = plain(prediction)
    ps, ts = flat(prediction, target, "sse")
    n = _divisor(len(ps), prediction, reduction, "sse")
    total = 0.5 * sum_of_squares([p - t for p, t in zip(ps, ts)])
    return as_one(total if n == 1 else total / n, HALF_SQUARED_ERRORS, ps, ts, n)


@overload
def mse(prediction: Values, target: Any, *, reduction: str = "mean") -> Value: ...
@overload
def mse(prediction: Numbers, target: Numbers, *, reduction: str = "mean") -> float: ...
@overload
def mse(prediction: Any, target: Any, *, reduction: str = "mean") -> float | Value: ...
def mse(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Mean of squared errors over all outputs and cases: mean (p - t)^2.

    The sum over the cases of each case's mean over its outputs, as Downing's minibatches have it, is
    `len(p) * nn.mse(p, t)`; half the sum of all squares is `nn.sse`, whose mean over the cases is "batchmean".

    Args:
        prediction: Numbers or Values, of any shape.
        target: Likewise, of the same shape.
        reduction: "mean" over all outputs and cases, "sum", or "batchmean": the sum over outputs, and the mean over
            cases.

    Returns:
        A Value where one is among them, else a number.

    Raises:
        StructureError: The shapes differ, or there is nothing in them.
        RangeError: There is no such reduction.
        OperandError: Something in them is no number.

    Example:
        >>> import nn
        >>> nn.mse([[1.0, 2.0]], [[0.0, 0.0]])
        2.5
    """
    prediction = plain(prediction)
    ps, ts = flat(prediction, target, "mse")
    n = _divisor(len(ps), prediction, reduction, "mse")
    total = sum_of_squares([p - t for p, t in zip(ps, ts)])
    return as_one(total if n == 1 else total / n, SQUARED_ERRORS, ps, ts, n)


@overload
def l1_loss(prediction: Values, target: Any, *, reduction: str = "mean") -> Value: ...
@overload
def l1_loss(prediction: Numbers, target: Numbers, *, reduction: str = "mean") -> float: ...
@overload
def l1_loss(prediction: Any, target: Any, *, reduction: str = "mean") -> float | Value: ...
def l1_loss(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Mean of absolute errors: mean |p - t|; its derivative where p = t is 0.

    Args:
        prediction: Numbers or Values, of any shape.
        target: Likewise, of the same shape.
        reduction: "mean" over all outputs and cases, "sum", or "batchmean": the sum over outputs, and the mean over
            cases.

    Returns:
        A Value where one is among them, else a number.

    Raises:
        StructureError: The shapes differ, or there is nothing in them.
        RangeError: There is no such reduction.
        OperandError: Something in them is no number.

    Example:
        >>> import nn
        >>> nn.l1_loss([1.0, -2.0], [0.0, 0.0])
        1.5
    """
    prediction = plain(prediction)
    ps, ts = flat(prediction, target, "l1_loss")
    terms = [ag.abs(p - t) for p, t in zip(ps, ts)]
    return _as_one(terms, prediction, reduction, ABSOLUTE_ERRORS, ps, ts)


@overload
def huber_loss(prediction: Values, target: Any, delta: float = 1.0, *, reduction: str = "mean") -> Value: ...
@overload
def huber_loss(prediction: Numbers, target: Numbers, delta: float = 1.0, *, reduction: str = "mean") -> float: ...
@overload
def huber_loss(prediction: Any, target: Any, delta: float = 1.0, *, reduction: str = "mean") -> float | Value: ...
def huber_loss(prediction: Any, target: Any, delta: float = 1.0, *, reduction: str = "mean") -> Any:
    """Mean over d = p - t of d^2 / 2 where |d| <= delta, else delta * (|d| - delta / 2) (Huber, 1964).

    Args:
        prediction: Numbers or Values, of any shape.
        target: Likewise, of the same shape.
        delta: Where squares give way to absolute values, above 0.
        reduction: "mean" over all outputs and cases, "sum", or "batchmean": the sum over outputs, and the mean over
            cases.

    Returns:
        A Value where one is among them, else a number.

    Raises:
        StructureError: The shapes differ, or there is nothing in them.
        OperandError: Something in them is no number.
        RangeError: `delta` is not above 0; or there is no such reduction.

    Example:
        >>> import nn
        >>> nn.huber_loss([1.0, 3.0], [0.0, 0.0])
        1.5
    """
    delta = real(delta, "huber_loss: delta", 0.0, open_low=True)
    prediction, terms = plain(prediction), []
    ps, ts = flat(prediction, target, "huber_loss")
    for p, t in zip(ps, ts):
        size = ag.abs(p - t)
        held = ag.minimum(size, delta)
        terms.append(held * (size - 0.5 * held))  # both cases at once, and nothing is squared that could overflow
    return _as_one(terms, prediction, reduction, _huber(delta), ps, ts)


@overload
def hinge(prediction: Values, target: Any, *, reduction: str = "mean") -> Value: ...
@overload
def hinge(prediction: Numbers, target: Numbers, *, reduction: str = "mean") -> float: ...
@overload
def hinge(prediction: Any, target: Any, *, reduction: str = "mean") -> float | Value: ...
def hinge(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Mean of max(0, 1 - t * p) for targets -1 and 1 (Cortes, Vapnik, 1995).

    Args:
        prediction: Scores, numbers or Values, of any shape.
        target: -1 or 1 each, of the same shape.
        reduction: "mean" over all outputs and cases, "sum", or "batchmean": the sum over outputs, and the mean over
            cases.

    Returns:
        A Value where one is among them, else a number.

    Raises:
        StructureError: The shapes differ, or there is nothing in them.
        RangeError: A target is neither -1 nor 1; or there is no such reduction.
        OperandError: Something in them is no number.

    Example:
        >>> import nn
        >>> nn.hinge([0.5, -2.0], [1, -1])
        0.25
    """
    prediction = plain(prediction)
    ps, ts = flat(prediction, target, "hinge")
    _checked(ts, "hinge", lambda t: t in (-1.0, 1.0), "-1 or 1")
    terms = [ag.relu(1.0 - p if t == 1 else 1.0 + p) for p, t in zip(ps, ts)]
    return _as_one(terms, prediction, reduction, HINGES, ps, ts)


# --- of two classes -----------------------------------------------------------------------------


@overload
def binary_cross_entropy(prediction: Values, target: Any, *, reduction: str = "mean") -> Value: ...
@overload
def binary_cross_entropy(prediction: Numbers, target: Numbers, *, reduction: str = "mean") -> float: ...
@overload
def binary_cross_entropy(prediction: Any, target: Any, *, reduction: str = "mean") -> float | Value: ...
def binary_cross_entropy(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Mean of -(t log p + (1 - t) log(1 - p)), for probabilities p.

    Logarithms are held at -100, as PyTorch has it, so that no term is above 100 and a prediction of
    exactly 0 or 1 has a finite value; held, a logarithm is a constant, with derivative 0 (PyTorch's
    is -1e12 there). A term with factor 0 is left out. From scores use
    `binary_cross_entropy_with_logits`, which loses no digits and is held nowhere.

    A prediction outside of [0, 1] is always a mistake, such as a missing sigmoid, and raises; where
    the function was compiled, nothing can raise, and the loss is NaN. A prediction of NaN gives NaN.

    Args:
        prediction: Probabilities, numbers or Values, of any shape.
        target: In [0, 1] each, of the same shape.
        reduction: "mean" over all outputs and cases, "sum", or "batchmean": the sum over outputs, and the mean over
            cases.

    Returns:
        A Value where one is among them, else a number.

    Raises:
        StructureError: The shapes differ, or there is nothing in them.
        RangeError: A prediction or a target is outside of [0, 1]; or there is no such reduction.
        OperandError: Something in them is no number.

    Example:
        >>> import nn
        >>> round(nn.binary_cross_entropy([0.5, 1.0], [0, 1]), 6)
        0.346574
        >>> nn.binary_cross_entropy(0.0, 1)
        100.0
    """
    prediction = plain(prediction)
    ps, ts = flat(prediction, target, "binary_cross_entropy")
    ps = list(map(_probability, ps))
    _checked(ts, "binary_cross_entropy", lambda t: 0.0 <= t <= 1.0, "in [0, 1]")
    terms = [_between(p, t, _surprise, lambda p: -ag.maximum(ag.log1p(-p), LEAST_LOG)) for p, t in zip(ps, ts)]
    return _as_one(terms, prediction, reduction, OF_PROBABILITY, ps, ts)


LEAST_LOG = -100.0


def _surprise(p: Any) -> Any:
    return -ag.maximum(ag.log(p), LEAST_LOG)


def _probability(p: Any) -> Any:
    """A prediction in [0, 1]: outside it raises, and is NaN in what is being traced.

    Raises:
        RangeError: It is outside.
    """
    if current().guards is not None and isinstance(p, Value):
        return ag.where(p < 0.0, math.nan, ag.where(p > 1.0, math.nan, p))
    x = p.data if isinstance(p, Value) else p
    if isinstance(x, Real) and not 0.0 <= float(x) <= 1.0 and x == x:  # noqa: PLR0124  NaN passes
        msg = (
            f"binary_cross_entropy: expected predictions in [0, 1], got {shown(x)}; pass probabilities, such as those "
            "of sigmoid, or use nn.binary_cross_entropy_with_logits for scores"
        )
        raise RangeError(msg)
    return p


@overload
def binary_cross_entropy_with_logits(prediction: Values, target: Any, *, reduction: str = "mean") -> Value: ...
@overload
def binary_cross_entropy_with_logits(prediction: Numbers, target: Numbers, *, reduction: str = "mean") -> float: ...
@overload
def binary_cross_entropy_with_logits(prediction: Any, target: Any, *, reduction: str = "mean") -> float | Value: ...
def binary_cross_entropy_with_logits(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """`binary_cross_entropy` of sigmoid(z), from the scores z: mean of t softplus(-z) + (1 - t) softplus(z).

    No exponential overflows, and nothing cancels: at z = 40, t = 1 it is 4.2e-18, not 0.

    Args:
        prediction: Scores, numbers or Values, of any shape.
        target: In [0, 1] each, of the same shape.
        reduction: "mean" over all outputs and cases, "sum", or "batchmean": the sum over outputs, and the mean over
            cases.

    Returns:
        A Value where one is among them, else a number.

    Raises:
        StructureError: The shapes differ, or there is nothing in them.
        RangeError: A target is outside of [0, 1]; or there is no such reduction.
        OperandError: Something in them is no number.

    Example:
        >>> import nn
        >>> nn.binary_cross_entropy_with_logits([1000.0, -1000.0], [0, 1])
        1000.0
    """
    prediction = plain(prediction)
    zs, ts = flat(prediction, target, "binary_cross_entropy_with_logits")
    _checked(ts, "binary_cross_entropy_with_logits", lambda t: 0.0 <= t <= 1.0, "in [0, 1]")
    terms = [_between(z, t, lambda z: ag.softplus(-z), ag.softplus) for z, t in zip(zs, ts)]
    return _as_one(terms, prediction, reduction, OF_SCORE, zs, ts)


def _between(p: Any, t: Any, one: Callable[[Any], Any], zero: Callable[[Any], Any]) -> Any:
    """t * one(p) + (1 - t) * zero(p), without what has the factor 0: that may be infinite."""
    if isinstance(t, Value):
        return ag.where(t == 0, 0.0, t * one(p)) + ag.where(t == 1, 0.0, (1.0 - t) * zero(p))
    return one(p) if t == 1 else zero(p) if t == 0 else t * one(p) + (1.0 - t) * zero(p)


# --- of many classes ----------------------------------------------------------------------------


@overload
def cross_entropy(prediction: Values, target: Any, *, reduction: str = "mean") -> Value: ...
@overload
def cross_entropy(prediction: Numbers, target: Numbers, *, reduction: str = "mean") -> float: ...
@overload
def cross_entropy(prediction: Any, target: Any, *, reduction: str = "mean") -> float | Value: ...
def cross_entropy(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Mean of -log softmax(z)_k, from the scores z of all classes and the right class k.

    Computed as softplus(logsumexp of the other scores less z_k), which neither overflows nor loses
    digits where the right class is nearly certain, or where all scores have a large offset.

    Args:
        prediction: A list of at least two scores (numbers or Values), or a list of such lists.
        target: The class's index, counted from 0, or its probabilities (one-hot, or any others
            that sum to 1); for a list of lists a list of these.
        reduction: "mean" over the cases, "sum", or "batchmean", which is the mean here.

    Returns:
        A Value where one is among the scores, else a number.

    Raises:
        StructureError: The shapes do not fit.
        RangeError: There is no class of that index, or probabilities are negative or do not sum to 1;
            or there is no such reduction.
        OperandError: An index is no int, or something is no number.

    Example:
        >>> import nn
        >>> round(nn.cross_entropy([[0.0, 0.0], [50.0, 0.0]], [1, 0]), 6)
        0.346574
    """
    cases = _cases(prediction, target, "cross_entropy")
    terms = _surprises(cases, lambda zs, k: ag.softplus(logsumexp_less(zs[:k] + zs[k + 1 :], zs[k])))
    result = _reduced(terms, terms, reduction, "cross_entropy")
    zs = [z for scores, _ in cases for z in scores]
    ys = [dict(weights).get(k, 0.0) for scores, weights in cases for k in range(len(scores))]
    n = _divisor(len(terms), terms, reduction, "cross_entropy")
    return as_one(result, OF_SCORES_OF_CLASSES, zs, ys, n, [len(scores) for scores, _ in cases])


@overload
def nll_loss(prediction: Values, target: Any, *, reduction: str = "mean") -> Value: ...
@overload
def nll_loss(prediction: Numbers, target: Numbers, *, reduction: str = "mean") -> float: ...
@overload
def nll_loss(prediction: Any, target: Any, *, reduction: str = "mean") -> float | Value: ...
def nll_loss(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """Mean of -l_k, from the logarithms l of all classes' probabilities and the right class k.

    Args:
        prediction: A list of at least two log-probabilities (`log_softmax` gives them), or a list
            of such lists.
        target: The class's index, or probabilities, as for `cross_entropy`.
        reduction: "mean" over the cases, "sum", or "batchmean", which is the mean here.

    Returns:
        A Value where one is among the log-probabilities, else a number.

    Raises:
        StructureError: The shapes do not fit.
        RangeError: There is no class of that index, or probabilities are negative or do not sum to 1;
            or there is no such reduction.
        OperandError: An index is no int, or something is no number.

    Example:
        >>> import nn
        >>> nn.nll_loss([-0.25, -2.0], 0)
        0.25
    """
    cases = _cases(prediction, target, "nll_loss")
    terms = _surprises(cases, lambda ls, k: -ls[k])
    result = _reduced(terms, terms, reduction, "nll_loss")
    used = [(ls[k], y) for ls, weights in cases for k, y in weights]
    n = _divisor(len(terms), terms, reduction, "nll_loss")
    return as_one(result, OF_LOG_PROBABILITIES, [p for p, _ in used], [y for _, y in used], n)


def _surprises(cases: list[tuple[list[Any], list[tuple[int, float]]]], surprise: Callable[..., Any]) -> list[Any]:
    """For each case the surprise at each class, weighted with its probability."""
    terms = []
    for scores, weights in cases:
        if len(weights) == 1:
            terms.append(surprise(scores, weights[0][0]))
        else:
            terms.append(ag.dot([w for _, w in weights], [surprise(scores, k) for k, _ in weights]))
    return terms


def _cases(prediction: Any, target: Any, caller: str) -> list[tuple[list[Any], list[tuple[int, float]]]]:
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


mse_loss = mse  # PyTorch's names
hinge_loss = hinge
