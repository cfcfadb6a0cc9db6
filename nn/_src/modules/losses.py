"""Losses: functions of `(prediction, target)` that give one number, the mean over all cases and outputs.

`reduction="batchmean"` sums over the outputs of a case, and takes the mean over cases alone, which are the entries of
the outermost list. For `fit` use `functools.partial(nn.mse, reduction="batchmean")`. Functions of one case, such as
`nn.forward_pass`, `nn.error_signals` and `nn.cost`, treat the prediction as one case, whatever its shape. To call a
loss on the outputs of one case yourself, use "sum".

A prediction is a number or Value, or a list (tuple, NumPy array) of them, nested as you like; the
target has the same shape. A list of one number fits a number, since a model with one output may
return either. All quantities are dimensionless. Targets are checked before anything is computed;
predictions outside of a loss's domain follow IEEE 754 (log of a negative number is NaN), but for
`binary_cross_entropy`, which refuses them.
"""

from __future__ import annotations

import functools
import math
import sys
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol, overload

import autograd_core as ag
from autograd_core import RangeError, Value
from autograd_core._src.any_object import shown
from autograd_core._src.engine.contexts import current
from autograd_core._src.engine.reductions import cross_entropy as cross_entropy_of_scores
from autograd_core._src.notation.losses import as_one

from ..support.validation import plain, real
from .loss_rules import (
    ABSOLUTE_ERRORS,
    HALF_SQUARED_ERRORS,
    HINGES,
    OF_LOG_PROBABILITIES,
    OF_PROBABILITY,
    OF_SCORE,
    OF_SCORES_OF_CLASSES,
    SQUARED_ERRORS,
    huber_rule,
)
from .loss_terms import (
    PROBABILITIES,
    SIGNS,
    cases_of_classes,
    checked,
    divisor,
    flat,
    reduced,
    sum_of_squares,
    written_as_one,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .loss_terms import Reduction

    Values = Value | Sequence["Values"]
    Numbers = float | Sequence["Numbers"]

    class LossOfPredictions(Protocol):
        """A loss here: a Value if there is a Value among the predictions, else a number."""

        __name__: str

        @overload
        def __call__(self, prediction: Values, target: Any, *, reduction: Reduction = ...) -> Value: ...
        @overload
        def __call__(self, prediction: Numbers, target: Numbers, *, reduction: Reduction = ...) -> float: ...
        @overload
        def __call__(self, prediction: Any, target: Any, *, reduction: Reduction = ...) -> float | Value: ...


def _typed_as_loss(function: Callable[..., Any]) -> LossOfPredictions:
    return function


# --- of numbers ---------------------------------------------------------------------------------


@_typed_as_loss
def sse(prediction: Any, target: Any, *, reduction: Reduction = "sum") -> Any:
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
    n = divisor(len(ps), prediction, reduction, "sse")
    total = 0.5 * sum_of_squares([p - t for p, t in zip(ps, ts)])
    return as_one(total if n == 1 else total / n, HALF_SQUARED_ERRORS, ps, ts, n)


@_typed_as_loss
def mse(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
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
    n = divisor(len(ps), prediction, reduction, "mse")
    total = sum_of_squares([p - t for p, t in zip(ps, ts)])
    return as_one(total if n == 1 else total / n, SQUARED_ERRORS, ps, ts, n)


@_typed_as_loss
def l1_loss(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
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
    return written_as_one(terms, prediction, reduction, ABSOLUTE_ERRORS, ps, ts)


@overload
def huber_loss(prediction: Values, target: Any, delta: float = 1.0, *, reduction: Reduction = "mean") -> Value: ...
@overload
def huber_loss(prediction: Numbers, target: Numbers, delta: float = 1.0, *, reduction: Reduction = "mean") -> float: ...
@overload
def huber_loss(prediction: Any, target: Any, delta: float = 1.0, *, reduction: Reduction = "mean") -> float | Value: ...
def huber_loss(prediction: Any, target: Any, delta: float = 1.0, *, reduction: Reduction = "mean") -> Any:
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
    return written_as_one(terms, prediction, reduction, huber_rule(delta), ps, ts)


@_typed_as_loss
def hinge(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
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
    checked(ts, "hinge", SIGNS)
    terms = [ag.relu(1.0 - p if t == 1 else 1.0 + p) for p, t in zip(ps, ts)]
    return written_as_one(terms, prediction, reduction, HINGES, ps, ts)


# --- of two classes -----------------------------------------------------------------------------


@_typed_as_loss
def binary_cross_entropy(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """Mean of -(t log p + (1 - t) log(1 - p)), for probabilities p.

    Logarithms are clamped at -100, as in PyTorch, so that no term is above 100 and the loss is finite for a prediction
    of exactly 0 or 1; a clamped logarithm is a constant, with derivative 0 (PyTorch's is -1e12 there). A term with
    factor 0 is left out. For scores use `binary_cross_entropy_with_logits`, which loses no digits and clamps nothing.

    A prediction outside of [0, 1] is always a mistake, such as a missing sigmoid, and raises; compiled code cannot
    raise, so there the loss is NaN. A prediction of NaN gives NaN.

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
    checked(ts, "binary_cross_entropy", PROBABILITIES)
    terms = [_between(p, t, _surprise, lambda p: -ag.maximum(ag.log1p(-p), LEAST_LOG)) for p, t in zip(ps, ts)]
    return written_as_one(terms, prediction, reduction, OF_PROBABILITY, ps, ts)


LEAST_LOG = -100.0


def _surprise(p: Any) -> Any:
    return -ag.maximum(ag.log(p), LEAST_LOG)


def _probability(p: Any) -> Any:
    """Check that a prediction is in [0, 1]: raise if it is not, or while tracing make the loss NaN there.

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


@_typed_as_loss
def binary_cross_entropy_with_logits(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
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
    checked(ts, "binary_cross_entropy_with_logits", PROBABILITIES)
    terms = [_between(z, t, lambda z: ag.softplus(-z), ag.softplus) for z, t in zip(zs, ts)]
    return written_as_one(terms, prediction, reduction, OF_SCORE, zs, ts)


def _between(p: Any, t: Any, one: Callable[[Any], Any], zero: Callable[[Any], Any]) -> Any:
    """t * one(p) + (1 - t) * zero(p), leaving out a term with factor 0, which may be infinite.

    A finite one with a factor that is a Value stays, since its derivative with respect to t is not 0.
    """
    if isinstance(t, Value):
        return _shared(t, one(p)) + _shared(1.0 - t, zero(p))
    return one(p) if t == 1 else zero(p) if t == 0 else t * one(p) + (1.0 - t) * zero(p)


def _shared(factor: Value, surprise: Any) -> Any:
    """factor * surprise, which is 0 where the factor is 0 and the surprise infinite.

    That is a guard of the arithmetic: while tracing it has to stay in the program, else the data decide.
    """
    x = surprise.data if isinstance(surprise, Value) else surprise
    if current().guards is None and math.isfinite(x):
        return factor * surprise
    return factor * ag.where(factor == 0, ag.minimum(surprise, sys.float_info.max), surprise)


# --- of many classes ----------------------------------------------------------------------------


@_typed_as_loss
def cross_entropy(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """Mean of -log softmax(z)_k, from the scores z of all classes and the right class k.

    One node for each case, which neither overflows nor loses digits where the right class is nearly
    certain, or where all scores have a large offset.

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
    cases = cases_of_classes(prediction, target, "cross_entropy")
    terms = _surprises(cases, lambda zs, k: cross_entropy_of_scores(zs[:k] + zs[k + 1 :], zs[k]))
    result = reduced(terms, terms, reduction, "cross_entropy")
    zs = [z for scores, _ in cases for z in scores]
    ys = [dict(weights).get(k, 0.0) for scores, weights in cases for k in range(len(scores))]
    n = divisor(len(terms), terms, reduction, "cross_entropy")
    return as_one(result, OF_SCORES_OF_CLASSES, zs, ys, n, [len(scores) for scores, _ in cases])


@_typed_as_loss
def nll_loss(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
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
    cases = cases_of_classes(prediction, target, "nll_loss")
    terms = _surprises(cases, lambda ls, k: -ls[k])
    result = reduced(terms, terms, reduction, "nll_loss")
    used = [(ls[k], y) for ls, weights in cases for k, y in weights]
    n = divisor(len(terms), terms, reduction, "nll_loss")
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


mse_loss = mse  # PyTorch's names
hinge_loss = hinge


# --- which losses these are -----------------------------------------------------------------------


def underlying(loss: Any) -> Any:
    """The loss inside `functools.partial`, without its options."""
    while isinstance(loss, functools.partial):
        loss = loss.func
    return loss


# Means over all outputs, unless a reduction is chosen; the other losses are numbers of a case.
BY_OUTPUT = (mse, l1_loss, huber_loss, hinge, binary_cross_entropy, binary_cross_entropy_with_logits)
OF_PROBABILITIES = (binary_cross_entropy, binary_cross_entropy_with_logits)  # as targets
OF_SCORES = ((binary_cross_entropy_with_logits, "sigmoid"), (cross_entropy, "softmax"))


def made_of_scores(loss: Any) -> str:
    """What a loss here that takes scores makes of them itself, "sigmoid" or "softmax"; "" for the others."""
    inner = underlying(loss)
    return next((made for own, made in OF_SCORES if own is inner), "")


def has_probable_targets(loss: Any) -> bool:
    """Whether it is one of the losses here whose targets are probabilities, of which 0 and 1 are two."""
    return any(underlying(loss) is own for own in OF_PROBABILITIES)


def takes_mean_of_outputs(loss: Any) -> bool:
    """Whether it is one of the losses here that are a mean over the outputs too, and no reduction was chosen."""
    chosen = False
    while isinstance(loss, functools.partial):
        chosen = chosen or "reduction" in loss.keywords
        loss = loss.func
    return not chosen and any(loss is own for own in BY_OUTPUT)
