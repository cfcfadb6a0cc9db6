"""`diagnose`: the practical tips of the textbooks as checks of a model, its data and its loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autograd_core import AutogradError, OperandError, Value, grad_of
from autograd_core._src.any_object import shown
from autograd_core._src.sums import exact_sum
from autograd_core._src.wrong_calls import says_how

from ..data.dataset import cases_of
from ..metrics.accuracy import SameClass, right_for
from ..modules.losses import underlying
from ..modules.module import Module, check_module
from ..support.tables import number
from ..support.validation import plain, real, whole
from ..training.history import History
from .diagnosis import Diagnosis, Finding, LayerState
from .plateau import Rest, mistaken, nearly_alike, rest
from .target_checks import SQUARED, coded, mismatch, out_of_range, refused
from .units import UnitUses, flat_values, units_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..metrics.accuracy import Loss

FLAT = 1e-3  # |slope| below which an activation counts as saturated, as in `explain`
MOSTLY = 0.95  # a unit is named if it is saturated or dead in this share of cases
FADED = 1e-3  # an error signal below this share of the last layer's has vanished
LARGE_INPUT = 10.0
UNEVEN = 10.0  # ratio of the ranges of two columns that is reported
LARGE_WEIGHT = 20.0
STEEP = 0.1  # below this share of its largest slope, a sigmoid or tanh is far out on its curve
LARGEST_SLOPE = {"sigmoid": 0.25, "tanh": 1.0}
FAR_OUT = 0.5  # weights are reported if this share of a layer's units and cases is far out, or beyond +-3
SMALL_WEIGHT, EXTREME = 1.0, 3.0  # the first is the bound of the lecture's XOR
MANY_WRONG = 0.25  # share of cases
MANY_PARAMETERS = 20  # parameters per case
STILL = 1e-3  # a loss that falls by a smaller share hardly falls
NAMED_FINDINGS = 3  # findings of one kind that are listed one by one


@says_how
def diagnose(
    model: Module, X: Any, y: Any = None, loss: Loss | None = None, *, lr: float | None = None,
    history: History | None = None, cases: int = 200,
) -> Diagnosis:  # fmt: skip
    """Look for what keeps a network from learning: saturated and dead units, signals that fade, odd ranges.

    Nothing is changed: no parameter, no gradient, no mode. Kinds of findings:

    - saturated: an activation with a slope below 0.001 in 95 % of its cases; dead: a relu never active
    - vanishing, exploding: a layer's error signals below 1/1000 of the last layer's, or above 1000 times; likewise
      its outputs, beside the inputs
    - inputs: columns that never change, are beyond +-10, or have ranges that differ by more than 10 times
    - weights: beyond +-20; of sigmoids and tanhs beyond +-3, or beyond +-1 where half of their slopes are below a tenth
      of the largest, unless three quarters of the cases are right or it is on a plateau; two units of a layer that are
      the same, so that they learn the same; or hidden units that are nearly the same, with outputs that differ by less
      than 5 % over all units and cases
    - plateau: next to no gradient, though a quarter of the cases or more are wrong; with the hidden units that are shut
    - targets: at or beyond the limits of the output's activation with a squared error; beyond +-100; classes that
      seem to be coded as levels of one output
    - size: more than 20 times as many parameters as cases, with hidden units and targets
    - labels: what the loss cannot take, and classes that never come
    - outputs: probabilities where the loss wants scores, or the reverse
    - learning rate: a step of gradient descent that makes the loss larger, or hardly changes it; training in which
      the loss grew, or hardly fell though a larger step would lower it
    - not finite: inputs, predictions or parameters that are infinite or NaN

    Args:
        model: It is called with one row of X at a time.
        X: n inputs, a list of rows or a NumPy array.
        y: n targets, as the loss takes them; None for what can be said without.
        loss: A function of `(predictions, targets)`; None likewise.
        lr: A learning rate to be tried in one step of gradient descent, which is taken back.
        history: What `fit` returned for this model: how its loss went, and at which learning rate.
        cases: How many cases to look at, at most; evenly spaced among all.

    Returns:
        A `Diagnosis`, with `.findings`, `.layers`, text, HTML and `.plot()`.

    Raises:
        OperandError: An argument of a wrong type, or only one of `y` and `loss`.
        StructureError: Lengths that do not fit, or rows that do not fit the model.
        RangeError: `lr` or `cases` is too small.

    Source: the tips are those of Downing, 2023, and of LeCun, Bottou, Orr, Mueller, "Efficient BackProp", 1998.

    Example:
        >>> import nn
        >>> model = nn.Sequential(nn.Linear(2, 1, seed=0), nn.Sigmoid())
        >>> print(nn.diagnose(model, *nn.datasets.xor(), loss=nn.sse).findings[0])
        targets, all: 4 of 4 lie at the limits 0 and 1 of sigmoid, which only infinite weights reach. Use
            0.1 for 0 and 0.9 for 1 (nn.one_hot has low= and high=), or a cross-entropy.
    """
    check_module(model, "diagnose: model")
    if (y is None) != (loss is None) or (loss is not None and not callable(loss)):
        msg = f"diagnose: expected both y and loss, or neither, got y={shown(y)} and loss={shown(loss)}"
        raise OperandError(msg)
    if history is not None and not isinstance(history, History):
        msg = f"diagnose: history: expected what fit returned, a History, got {shown(history)}"
        raise OperandError(msg)
    limit, rate = whole(cases, "diagnose: cases"), None if lr is None else real(lr, "diagnose: lr", 0.0, open_low=True)
    rows, targets = cases_of(X, plain(X) if y is None else y, "diagnose")
    chosen = sorted({i * len(rows) // limit for i in range(limit)}) if len(rows) > limit else range(len(rows))
    some = [rows[i] for i in chosen]
    exam = Examination(model, some, [targets[i] for i in chosen], loss)
    found = [
        *_input_findings(some),
        *exam.unit_findings(),
        *exam.signal_findings(),
        *exam.weight_findings(),
        *(exam.target_findings(targets) if loss else ()),
        *(exam.size_findings(len(rows)) if loss else ()),
        *(exam.rest_findings() if loss else ()),
        *(exam.rate_findings(rate) if loss and rate else ()),
        *(exam.course_findings(history) if loss and history is not None and history.loss else ()),
    ]
    return Diagnosis(tuple(found), tuple(exam.layers), len(some))


def _shortened(found: list[Finding], what: str, most: int = NAMED_FINDINGS) -> list[Finding]:
    """One finding for many of the same kind."""
    if len(found) <= most:
        return found
    first = found[0]
    places = ", ".join(list(dict.fromkeys(f.where for f in found))[:3])
    text = f"and so on, {len(found)} {what} in all; the first: {first.text}"
    return [Finding(first.kind, f"{places}, ...", first.number, text, first.advice)]


def _rms(numbers: list[float]) -> float:
    largest = max(map(abs, numbers), default=0.0)
    if not largest or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(exact_sum((x / largest) ** 2 for x in numbers) / len(numbers))


# --- the inputs -----------------------------------------------------------------------------------


def _input_findings(rows: list[Any]) -> Iterator[Finding]:
    columns = list(zip(*(flat_values(plain(x)) for x in rows)))
    numbers = [[float(getattr(x, "data", x)) for x in column] for column in columns]
    odd = [(j, c) for j, c in enumerate(numbers) if not all(map(math.isfinite, c))]
    for j, c in odd[:NAMED_FINDINGS]:
        count = sum(not math.isfinite(x) for x in c)
        text = f"{count} of {len(c)} values are infinite or not a number."
        yield Finding("not finite", f"column {j}", count, text, "Mend these rows, or leave them out.")
    if odd:
        return
    constant = [j for j, c in enumerate(numbers) if len(c) > 1 and min(c) == max(c)]
    yield from _shortened(
        [Finding("inputs", f"column {j}", numbers[j][0], f"is {numbers[j][0]:g} in all cases.",
                 "It tells the cases apart in nothing; leave it out.") for j in constant],
        "columns",
    )  # fmt: skip
    sizes = [max(map(abs, c)) for c in numbers]
    advice = "Scale the inputs: nn.MinMaxScaler() or nn.StandardScaler(), fitted on the training cases."
    large = [j for j, size in enumerate(sizes) if size > LARGE_INPUT]
    yield from _shortened(
        [
            Finding("inputs", f"column {j}", sizes[j], f"goes up to {sizes[j]:g}, beyond 10.", advice)
            for j in sorted(large, key=lambda j: -sizes[j])
        ],
        "columns",
    )
    ranges = [(max(c) - min(c), j) for j, c in enumerate(numbers) if j not in constant]
    if ranges and not large:
        (small, i), (wide, j) = min(ranges), max(ranges)
        if wide > UNEVEN * small:
            text = f"range over {number(small, 3)} and {number(wide, 3)}, {number(wide / small, 3)} times as much."
            yield Finding("inputs", f"columns {i} and {j}", wide / small, text, advice)


# --- the model ------------------------------------------------------------------------------------


class Examination:
    """A model on some cases: its units with their numbers, and the error signals.

    Args:
        model: What to look at.
        rows: Inputs.
        targets: As many, or anything without a loss.
        loss: None for the sum of all outputs.
    """

    def __init__(self, model: Module, rows: list[Any], targets: list[Any], loss: Loss | None) -> None:
        self.model: Module = model
        self.rows: list[Any] = rows
        self.targets: list[Any] = targets
        self.loss: Loss | None = loss
        was = model.training
        model.eval()
        try:
            self.predictions: list[Any] = [model(x) for x in rows]
        finally:
            model.train(was)
        self.refusal: AutogradError | None = None
        self.value: Value | None = self._value()
        self.units: list[UnitUses] = units_of(model, self.predictions)
        self.errors: dict[int, list[float]] = self._errors()
        groups: dict[str, list[UnitUses]] = {}
        for unit in self.units:
            groups.setdefault(unit.layer, []).append(unit)
        self.groups = groups
        self.layers: list[LayerState] = [self._state(name, units) for name, units in groups.items()]

    def _value(self) -> Value | None:
        outputs = [p for p in flat_values(self.predictions) if isinstance(p, Value)]
        if self.loss is not None:
            try:
                found = self.loss(self.predictions, self.targets)
            except AutogradError as error:
                self.refusal = error
            else:
                return found if isinstance(found, Value) else None
        return sum(outputs[1:], outputs[0]) if outputs else None

    def _errors(self) -> dict[int, list[float]]:
        """For each unit the derivatives of the loss with respect to its sums."""
        if self.value is None:
            return {id(u): [0.0] * len(u.sums) for u in self.units}
        flat = [float(g) for g in grad_of(self.value, [z for u in self.units for z in u.sums])]
        found, start = {}, 0
        for u in self.units:
            found[id(u)] = flat[start : start + len(u.sums)]
            start += len(u.sums)
        return found

    def _state(self, name: str, units: list[UnitUses]) -> LayerState:
        slopes = [s for u in units for s in u.slopes]
        weights = [float(w.data) for u in units for w in u.weights]
        activations = sorted({u.activation for u in units})
        return LayerState(
            name, "/".join(activations), len(units),
            sum(s < FLAT for s in slopes) / len(slopes) if slopes else 0.0,
            _rms([float(y.data) for u in units for y in u.outputs]),
            _rms([e for u in units for e in self.errors[id(u)]]),
            _rms(weights), max(map(abs, weights), default=0.0),
        )  # fmt: skip

    def _remedy(self, kind: str) -> str:
        """Advice against vanishing or exploding signals, for this network's inputs and activations."""
        if any(abs(float(getattr(x, "data", x))) > LARGE_INPUT for row in self.rows for x in flat_values(plain(row))):
            return "Scale the inputs first, as said there."
        if kind == "exploding":
            return "Smaller weights (nn.init), scaled inputs, or max_grad_norm in fit."
        used = {u.activation for u in self.units}
        flat = sorted(used & {"sigmoid", "tanh"})
        if flat:
            return f"relu instead of {' and '.join(flat)}, fewer layers, or weights as nn.init.xavier_uniform has them."
        if "relu" in used:
            return "leaky_relu where units are off, fewer layers, or weights as nn.init.kaiming_uniform has them."
        return "Weights as nn.init.xavier_uniform has them, scaled inputs, or fewer layers."

    def unit_findings(self) -> Iterator[Finding]:
        """Saturated and dead units."""
        dead, saturated = [], []
        for u in self.units:
            slopes = u.slopes
            if not slopes:
                continue
            share = sum(s < FLAT for s in slopes) / len(slopes)
            if u.activation in ("relu", "clip") and not any(slopes):
                top = max(float(z.data) for z in u.sums)
                text = f"{u.activation} passes nothing in all {len(slopes)} cases; its sum is at most {number(top, 3)}."
                advice = "Its weights cannot change any more: a smaller learning rate, another seed, or leaky_relu."
                dead.append(Finding("dead", u.name, top, text, advice))
            elif u.activation not in ("relu", "clip") and share >= MOSTLY:
                size = _rms([float(z.data) for z in u.sums])
                text = (
                    f"the slope of {u.activation} is below 0.001 in {100 * share:.0f} % of cases; "
                    f"its sums are about {number(size, 3)}."
                )
                advice = "Smaller initial weights, for sigmoids within [-0.1, 0.1], scaled inputs, or weight decay."
                saturated.append(Finding("saturated", u.name, share, text, advice))
        yield from _shortened(saturated, "units")
        yield from _shortened(dead, "units")

    def signal_findings(self) -> Iterator[Finding]:
        """Layers whose error signals or outputs vanish or explode, and numbers that are NaN or infinite."""
        bad = [i for i, p in enumerate(self.predictions) if not all(_finite(x) for x in flat_values(p))]
        if bad:
            text = f"the prediction is infinite or not a number in {len(bad)} of {len(self.rows)} cases."
            advice = "Find the first such operation: with autograd_core.detect_anomaly(): model(row)."
            yield Finding("not finite", f"case {bad[0]}", len(bad), text, advice)
        last = self.layers[-1] if self.layers else None
        start = _rms([float(getattr(x, "data", x)) for row in self.rows for x in flat_values(plain(row))])
        if last is None or not math.isfinite(start):
            return
        odd: dict[str, list[Finding]] = {"vanishing": [], "exploding": []}
        for layer in self.layers:
            ratio = layer.error / last.error if last.error else 1.0
            if not FADED <= ratio <= 1 / FADED:
                kind = "vanishing" if ratio < FADED else "exploding"
                text = f"its error signals are {number(ratio, 2)} times those of {last.name}."
                odd[kind].append(Finding(kind, layer.name, ratio, text, self._remedy(kind)))
            growth = layer.signal / start if start else 1.0
            unbounded = layer.activation not in ("sigmoid", "tanh")
            if (layer.signal and growth < FADED) or (unbounded and growth > 1 / FADED):
                kind = "vanishing" if growth < FADED else "exploding"
                text = f"its outputs are {number(growth, 2)} times the inputs."
                odd[kind].append(Finding(kind, layer.name, growth, text, self._remedy(kind)))
        for found in odd.values():
            yield from _shortened(found, "findings", 2 * NAMED_FINDINGS)

    def weight_findings(self) -> Iterator[Finding]:
        """Weights that are NaN or infinite, too large, or the same in two units."""
        for name, p in self.model.named_parameters():
            if not math.isfinite(p.data):
                text = f"it is {float(p.data)}, the first such parameter."
                yield Finding("not finite", name, float(p.data), text, "Load earlier weights; a smaller learning rate.")
                return
        for layer in self.layers:
            if layer.largest > LARGE_WEIGHT:
                text = f"the largest weight is {number(layer.largest, 3)}."
                advice = "Small initial weights and weight decay (l2) keep units where their slope is large."
                yield Finding("weights", layer.name, layer.largest, text, advice)
            elif (share := self._far_out(layer)) is not None and (share >= FAR_OUT or layer.largest > EXTREME):
                small = f"{100 * share:.0f} % of slopes are below a tenth of the largest that {layer.activation} has."
                if share < FAR_OUT:
                    small = f"one input can take a unit to where {layer.activation} is flat."
                text = f"they go up to {number(layer.largest, 3)}: {small}"
                advice = "Begin with smaller ones, within [-1, 1] or as nn.init.xavier_uniform has them."
                yield Finding("weights", layer.name, layer.largest, text, advice)
        for name, units in self.groups.items():
            seen: dict[Any, str] = {}
            for u in units:
                key = (
                    u.activation,
                    *(float(w.data) for w in u.weights),
                    None if u.bias is None else float(u.bias.data),
                )
                twin = seen.setdefault(key, u.name)
                if twin != u.name:
                    text = f"{twin} and {u.name} have the same weights, so they get the same gradients."
                    advice = "Start from random weights, not from a constant."
                    yield Finding("weights", name, float(len(units)), text, advice)
                    break
            else:
                yield from nearly_alike(name, units) if name != self.layers[-1].name else ()

    def _far_out(self, layer: LayerState) -> float | None:
        """The share of a layer's slopes that large weights have made small; None if that does not matter.

        So it is after training, which has a finding of its own where it stands still: large weights are what a sigmoid
        needs for outputs near 0 and 1.
        """
        most = LARGEST_SLOPE.get(layer.activation)
        if most is None or layer.largest <= SMALL_WEIGHT or self._wrong() < MANY_WRONG or self.rest() is not None:
            return None
        slopes = [s for u in self.groups[layer.name] for s in u.slopes]
        return sum(s < STEEP * most for s in slopes) / len(slopes)

    def _wrong(self) -> float:
        """The share of wrong cases; 1 if right and wrong cannot be distinguished."""
        if self.loss is None or self.refusal is not None or not all(map(_finite, flat_values(self.predictions))):
            return 1.0
        return mistaken(self.loss, self.predictions, self.targets)

    def target_findings(self, targets: list[Any]) -> Iterator[Finding]:
        """Targets and labels against the loss and the output's activation; outputs against the loss."""
        outputs = [float(getattr(x, "data", x)) for x in flat_values(self.predictions)]
        if self.refusal is not None:  # because of the targets, unless the loss cannot take the outputs
            found = list(mismatch(self.loss, self.predictions, outputs))
            yield from found or [refused(self.refusal, self.predictions, self.targets)]
            return
        last = self.units[-1].activation if self.units else ""
        yield from mismatch(self.loss, self.predictions, outputs)
        if underlying(self.loss) in SQUARED:
            numbers = [float(getattr(t, "data", t)) for t in flat_values(plain(targets))]
            yield from out_of_range(numbers, last)
            yield from coded(targets, last)
        elif isinstance(right_for(self.loss), SameClass) and all(isinstance(t, int) for t in targets):  # type: ignore[arg-type]
            missing = sorted(set(range(len(flat_values(self.predictions[0])))) - set(targets))
            if missing:
                text = f"of {len(flat_values(self.predictions[0]))} outputs, {len(missing)} never are the right class."
                advice = "One output per class; are all classes among the cases, and counted from 0?"
                yield Finding("labels", f"class {missing[0]}", len(missing), text, advice)

    def size_findings(self, cases: int) -> Iterator[Finding]:
        """More parameters than the cases can determine, if there are hidden units to leave out."""
        count, hidden = len(self.model.parameters()), sum(layer.units for layer in self.layers[:-1])
        if hidden and count > MANY_PARAMETERS * cases:
            largest = max(self.layers[:-1], key=lambda layer: layer.units)
            text = (
                f"{count} parameters and {hidden} hidden units for {cases} cases, {number(count / cases, 3)} "
                "parameters a case: these can be learnt by heart."
            )
            advice = "Fewer hidden units, more cases, or weight decay (l2) and early_stopping with validation cases."
            yield Finding("size", largest.name, count / cases, text, advice)

    def rest(self) -> Rest | None:
        """The plateau that the network is on, if it is on one."""
        if self.value is None or self.refusal is not None or not self.layers or self.loss is None:
            return None
        if not all(_finite(x) for x in flat_values(self.predictions)):
            return None
        wrong = mistaken(self.loss, self.predictions, self.targets)
        return rest(self.value, self.model.parameters(), self.units[: -self.layers[-1].units], wrong)

    def rest_findings(self) -> Iterator[Finding]:
        """A plateau: no gradient to speak of, and cases that are wrong."""
        if (found := self.rest()) is not None:
            yield found.finding(len(self.targets))

    def rate_findings(self, lr: float) -> Iterator[Finding]:
        """The effect of a step of gradient descent on the loss."""
        if self.value is None or self.refusal is not None or not math.isfinite(self.value.data):
            return
        params = self.model.parameters()
        before = float(self.value.data)
        gradient = [float(g) for g in grad_of(self.value, params)]
        after = self._loss_after(params, gradient, lr)
        if after < before:
            if before - after < 1e-6 * abs(before):
                text = f"a step at {lr:g} changes the loss of {number(before)} by {number(before - after, 2)}."
                yield Finding("learning rate", f"lr={lr:g}", lr, text, self._other_rate())
            return
        good = lr
        while good > 1e-12 * lr and not self._loss_after(params, gradient, good) < before:
            good /= 2
        if good > 1e-12 * lr:
            text = f"a step at {lr:g} makes the loss grow from {number(before)} to {number(after)}."
            advice = f"At {number(good, 2)} it falls; try that, or less."
            yield Finding("learning rate", f"lr={lr:g}", lr, text, advice)

    def course_findings(self, history: History) -> Iterator[Finding]:
        """Findings on the learning rate from the losses of the history."""
        first, last, lr = history.loss[0], history.loss[-1], history.lr
        rate, epochs = "the learning rate" if lr is None else f"lr={lr:g}", len(history.loss)
        if lr == 0:
            text = "it is 0, so that no step changes anything."
            yield Finding("learning rate", rate, 0.0, text, "Set optimizer.lr, or a schedule that does not end at 0.")
        elif not last - first <= abs(first) + STILL:
            text = f"the loss grew from {number(first, 3)} to {number(last, 3)} in {epochs} epochs."
            advice = "Start anew with a smaller one, a tenth say, and scaled inputs; or max_grad_norm in fit."
            yield Finding("learning rate", rate, lr or 0.0, text, advice)
        elif epochs == 1 or not abs(first - last) < STILL * abs(first) or self.rest() is not None:
            return
        elif better := self._falls_at():
            text = f"the loss hardly fell in {epochs} epochs, from {number(first, 6)} to {number(last, 6)}."
            advice = f"A larger one: a step of gradient descent at {better[0]:g} alone makes it {number(better[1])}."
            yield Finding("learning rate", rate, lr or 0.0, text, advice)

    def _falls_at(self) -> tuple[float, float] | None:
        """A learning rate at which one step of gradient descent lowers the loss noticeably, and the loss after it."""
        if self.value is None or self.refusal is not None or not math.isfinite(self.value.data):
            return None
        params, before = self.model.parameters(), float(self.value.data)
        gradient = [float(g) for g in grad_of(self.value, params)]
        losses = [(self._loss_after(params, gradient, 10.0**k), 10.0**k) for k in range(-4, 2)]
        after, lr = min((pair for pair in losses if math.isfinite(pair[0])), default=(math.inf, 0.0))
        return (lr, after) if after < before - 0.01 * abs(before) else None

    def _other_rate(self) -> str:
        """The advice if a step changes next to nothing."""
        if self.rest() is not None:
            return "It isn't the rate: there is next to no gradient here, as said under plateau."
        if any(f for name, units in list(self.groups.items())[:-1] for f in nearly_alike(name, units)):
            return "It isn't the rate alone: hidden units are nearly alike, as said under weights."
        return "A larger one, or scale inputs and targets."

    def _loss_after(self, params: list[Value], gradient: list[float], lr: float) -> float:
        start = [p.data for p in params]
        was = self.model.training
        self.model.eval()
        try:
            for p, g in zip(params, gradient, strict=True):
                p.data -= lr * g
            assert self.loss is not None
            found = self.loss([self.model(x) for x in self.rows], self.targets)
            return float(found.data if isinstance(found, Value) else found)
        finally:
            self.model.train(was)
            for p, data in zip(params, start, strict=True):
                p.data = data


def _finite(x: Any) -> bool:
    return math.isfinite(getattr(x, "data", x))
