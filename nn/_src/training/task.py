"""`Task`: a model, its loss and everything else a training step needs, on graphs or on programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import autograd_core as ag
from autograd_core import OperandError, Value
from autograd_core._src.any_object import shown

from ..metrics.accuracy import check_scores, numbers
from .clipping import clip_grad_norm
from .optimizer import is_bias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..data.dataset import Cases
    from ..metrics.accuracy import Loss, Right
    from ..modules.module import Module
    from .optimizer import Optimizer
    from .second_order import NewtonCG


LOSS_OF_LISTS = (
    "A loss of nn.fit takes a list of predictions and a list of targets, as nn.mse does: "
    "loss=lambda ps, ts: ag.mean([(p - t) ** 2 for p, t in zip(ps, ts)])"
)


class Task(NamedTuple):
    """The model, its loss, the batch size and everything else that a training step needs."""

    model: Module
    loss: Loss
    right: Right | None
    batch_size: int
    l2: float
    l2_biases: bool
    max_grad_norm: float | None

    def value_of(self, predictions: list[Any], targets: list[Any]) -> Value:
        """The loss."""
        try:
            value = self.loss(predictions, targets)
        except TypeError as error:  # such as list - list, in a loss that was written for one case
            error.add_note(LOSS_OF_LISTS)
            raise
        if isinstance(value, Value) and value.parents:
            return value
        msg = (
            f"fit: loss: expected it to give a Value that depends on the model, got {shown(value)}; "
            "within no_grad() nothing does"
        )
        raise OperandError(msg)

    def hits(self, predictions: list[Any], targets: list[Any]) -> int:
        """How many predictions are right."""
        return sum(self.are_right(predictions, targets))

    def are_right(self, predictions: list[Any], targets: list[Any]) -> list[bool]:
        """Which predictions are right; [] if the task has no accuracy."""
        return [] if self.right is None else [bool(self.right(p, t)) for p, t in zip(predictions, targets)]

    def penalised(self) -> list[bool]:
        """For each parameter whether `l2` applies to it."""
        return [self.l2_biases or not is_bias(name) for name, _ in self.model.named_parameters()]

    def penalty(self, weights: list[float], drawn: list[bool]) -> float:
        """The penalty of `l2`, added up in the same way on graphs and on programs."""
        return self.l2 * float(sum(w * w for w, is_drawn in zip(weights, drawn, strict=True) if is_drawn))

    def regularised(self, value: Value) -> Value:
        """The loss plus the penalty of `l2`."""
        if not self.l2:
            return value
        params = self.model.parameters()
        if not self.l2_biases:
            params = [p for p, drawn in zip(params, self.penalised(), strict=True) if drawn]
        # One node for all squares, since this graph is never shown: one for each would cost a small batch a tenth more.
        total: Value = value + self.l2 * ag.dot(params, params)
        return total

    def differentiate(self, value: Value, optimizer: Optimizer) -> None:
        """Compute the gradients of a step from the loss."""
        self.model.zero_grad()
        optimizer.zero_grad()
        self.regularised(value).backward()

    def advance_by_curvature(self, batch: Cases, optimizer: NewtonCG) -> tuple[float, int]:
        """One step of an optimizer that computes the loss itself; the loss before it, and how many are right."""
        seen: list[tuple[float, list[Any]]] = []

        def closure() -> Any:
            outputs = [self.model(x) for x in batch.inputs]
            value = self.loss(outputs, batch.targets)
            seen.append((value.data, numbers(outputs)))
            return self.regularised(value)

        optimizer.step(closure)
        value, outputs = seen[0]
        return value, self.hits(outputs, batch.targets)

    def advance(self, optimizer: Optimizer) -> None:
        """One step along them."""
        if self.max_grad_norm is not None:
            clip_grad_norm(optimizer.params, self.max_grad_norm)
        optimizer.step()

    def measure(self, cases: Cases) -> Measured:
        """Mean loss and share of right cases, without training."""
        was = self.model.training
        self.model.eval()
        total, right, seen = 0.0, 0, []
        n = len(cases.targets)
        try:
            for start in range(0, n, self.batch_size):
                batch = cases.some(list(range(start, min(start + self.batch_size, n))))
                outputs = [self.model(x) for x in batch.inputs]
                check_scores(self.loss, outputs[0], "fit")
                value = self.value_of(outputs, batch.targets)
                seen += numbers(outputs)
                right += self.hits(seen[start:], batch.targets)
                total += value.data * len(batch.targets)
        finally:
            self.model.train(was)
        return Measured(total / n, right / n, seen)

    def note(self, values: list[float], shares: list[float], seen: Sequence[float]) -> None:
        """Record the numbers of an epoch."""
        values.append(seen[0])
        if self.right is not None:
            shares.append(seen[1])


class Measured(NamedTuple):
    """The results on some data in `eval` mode."""

    loss: float
    share: float
    predictions: list[Any]
