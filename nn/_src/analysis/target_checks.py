"""Checks of targets and labels against the loss and the activation of the outputs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autograd_core import AutogradError, Value
from autograd_core._src.sums import exact_sum

from ..modules import losses
from ..support.tables import number
from ..support.validation import plain
from .diagnosis import Finding
from .units import flat_values

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE_TARGET = 100.0
SQUARED = (losses.sse, losses.mse, losses.huber_loss, losses.l1_loss)
CODES = range(3, 11)  # targets with this number of distinct values may be codes of classes
OFTEN = 5  # codes occur at least this often on average, unlike evenly spaced measurements
CODED = {(0.0, 1.0), (0.1, 0.9), (-1.0, 1.0), (-0.8, 0.8), (-0.9, 0.9)}  # usual ranges of codes, for any activation
LIMITS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf), "softplus": (0.0, math.inf)}


def refused(error: AutogradError, predictions: list[Any], targets: list[Any]) -> Finding:
    """Targets or predictions that the loss refused."""
    outputs = len(flat_values(predictions[0]))
    numbers = [t for t in targets if isinstance(t, int)]
    advice = "Give targets as the loss takes them; see its documentation."
    if len(numbers) == len(targets) and outputs > 1 and min(numbers) == 1 and max(numbers) == outputs:
        advice = "Count classes from 0: y = [t - 1 for t in y]."
    elif any(isinstance(t, str) for t in targets):
        advice = "Number the classes, or use nn.one_hot(y)."
    elif outputs > 1 and any(isinstance(t, float) for t in targets):
        advice = "A class is an int, counted from 0: y = [int(t) for t in y]; for numbers use nn.mse."
    return Finding("labels", "y", float(len(targets)), f"{error}.", advice)


def mismatch(loss: Any, predictions: list[Any], outputs: list[float]) -> Iterator[Finding]:
    """Probabilities where the loss takes scores, and the reverse."""
    loss = losses.underlying(loss)
    inside = all(0.0 <= x <= 1.0 for x in outputs)
    rows = [flat_values(p) for p in predictions]
    sums_to_one = inside and all(
        len(row) > 1 and abs(exact_sum(getattr(x, "data", x) for x in row) - 1.0) < 1e-9 for row in rows
    )
    ends_in_sigmoid = all(isinstance(x, Value) and x.op == "sigmoid" for row in rows for x in row)
    worst = max(outputs, key=abs, default=0.0)
    if loss is losses.cross_entropy and sums_to_one:
        text = "the outputs are probabilities already, and the loss takes softmax of scores: softmax is there twice."
        yield Finding("outputs", "last layer", worst, text, "Leave Softmax out, or use LogSoftmax with nn.nll_loss.")
    elif loss is losses.nll_loss and any(x > 0 for x in outputs):
        text = f"the loss takes logarithms of probabilities, at most 0, and got {number(max(outputs), 3)}."
        yield Finding("outputs", "last layer", max(outputs), text, "End in LogSoftmax, or use nn.cross_entropy.")
    elif loss is losses.binary_cross_entropy and not inside:
        text = f"the loss takes probabilities, and got {number(worst, 3)}."
        advice = "End in a sigmoid, or use nn.binary_cross_entropy_with_logits."
        yield Finding("outputs", "last layer", worst, text, advice)
    elif loss is losses.binary_cross_entropy_with_logits and ends_in_sigmoid:
        text = "the outputs are sigmoids, and the loss takes the sigmoid of scores: it is there twice."
        yield Finding("outputs", "last layer", worst, text, "Leave the sigmoid out, or use nn.binary_cross_entropy.")


def out_of_range(targets: list[float], activation: str) -> Iterator[Finding]:
    """Targets that an output cannot reach, or only in the limit; and large targets."""
    low, high = LIMITS.get(activation, (-math.inf, math.inf))
    beyond = [t for t in targets if not low <= t <= high]
    if beyond:
        said = f"{len(beyond)} of {len(targets)}, such as {beyond[0]:g}, lie outside"
        text = f"{said} of ({low:g}, {high:g}), where {activation} ends."
        yield Finding("targets", "all", len(beyond), text, "Scale the targets into it, or make the output linear.")
        return
    at = [t for t in targets if t in (low, high)]
    if at and activation in ("sigmoid", "tanh"):
        text = (
            f"{len(at)} of {len(targets)} lie at the limits {low:g} and {high:g} of {activation}, "
            "which only infinite weights reach."
        )
        inner = (0.1, 0.9) if activation == "sigmoid" else (-0.8, 0.8)
        instead = f"Use {inner[0]:g} for {low:g} and {inner[1]:g} for {high:g}"
        advice = f"{instead} (nn.one_hot has low= and high=), or a cross-entropy."
        yield Finding("targets", "all", len(at), text, advice)
    largest = max(map(abs, targets), default=0.0)
    if largest > LARGE_TARGET:
        text = f"they go up to {largest:g}, so gradients of a squared error do as well."
        yield Finding("targets", "all", largest, text, "Scale them: nn.StandardScaler() on [[t] for t in y], and back.")


def coded(targets: list[Any], activation: str) -> Iterator[Finding]:
    """Classes that seem to be coded as levels of one number, such as 0.1, 0.5 and 0.9."""
    rows = [[float(getattr(t, "data", t)) for t in flat_values(plain(target))] for target in targets]
    for j, column in enumerate(zip(*rows)):
        levels = sorted(set(column))
        k, n = len(levels), len(column)
        if k not in CODES or not math.isfinite(levels[-1] - levels[0]):
            continue
        step = (levels[-1] - levels[0]) / (k - 1)
        even = all(abs(x - levels[0] - i * step) <= 1e-6 * step for i, x in enumerate(levels))
        bounded = activation in ("sigmoid", "tanh") or (levels[0], levels[-1]) in CODED
        least = k + 1 if bounded and len(rows[0]) == 1 else OFTEN * k
        whole = all(x.is_integer() for x in levels) and step == 1.0  # a linear output is given the numbers of classes
        if even and n >= least and (bounded or whole):
            some = ", ".join(f"{x:g}" for x in levels[:3]) + (", ..." if k > 3 else "")
            text = f"they take {k} values alone, {some}: if these stand for classes, one node has to order them."
            advice = "One output per class: nn.one_hot(y, low=0.1, high=0.9), or a cross-entropy with class numbers."
            yield Finding("targets", "all" if len(rows[0]) == 1 else f"output {j}", float(k), text, advice)
