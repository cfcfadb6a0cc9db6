"""Which predictions are right, for one case or for many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_core import StructureError

from ..modules import losses
from ..modules.loss_terms import flat

if TYPE_CHECKING:
    from collections.abc import Callable

    Loss = Callable[[Any, Any], Any]
    Right = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class SameSide:
    """An `accuracy=` for two classes: prediction and target lie on the same side; of several outputs all must.

    Args:
        threshold: A prediction above it says class 1.
        middle: A target above it means class 1.

    Example:
        >>> import nn
        >>> right = nn.SameSide(threshold=0.5, middle=0.5)
        >>> right(0.7, 0.9), right(0.7, 0.1)
        (True, False)
    """

    threshold: float  # of predictions
    middle: float  # of targets

    def __call__(self, prediction: Any, target: Any) -> bool:
        """For one case."""
        ps, ts = flat(prediction, target, "accuracy")
        return all((p > self.threshold) == (t > self.middle) for p, t in zip(ps, ts))

    def _sides(self, predictions: Any) -> Any:
        """The predicted answers, from an array with a row of predictions for each case."""
        return predictions > self.threshold

    def _answers(self, targets: Any) -> Any:
        """The answers in an array of targets."""
        return targets > self.middle


class SameClass:
    """An `accuracy=` for many classes: the largest prediction is that of the right class.

    The target is the class's index, counted from 0, or a list whose largest number is there, such as
    one-hot targets or 0.1 and 0.9.

    Example:
        >>> import nn
        >>> right = nn.SameClass()
        >>> right([0.2, 0.7, 0.3], [0.1, 0.9, 0.1]), right([0.2, 0.7, 0.3], 2)
        (True, False)
    """

    def __call__(self, prediction: list[float], target: Any) -> bool:
        """For one case."""
        return largest(prediction) == (largest(target) if isinstance(target, list) else target)

    def _sides(self, predictions: Any) -> Any:
        """The predicted classes, from an array with a row of predictions for each case."""
        return predictions.argmax(axis=1)

    def _answers(self, targets: Any) -> Any:
        """The right classes."""
        return targets if targets.ndim == 1 else targets.argmax(axis=1)


def largest(numbers: list[float]) -> int:
    """The index of the largest number; of equal ones the first."""
    return max(range(len(numbers)), key=numbers.__getitem__)


RIGHT: dict[Loss, SameSide | SameClass] = {
    losses.hinge: SameSide(0.0, 0.0),
    losses.binary_cross_entropy: SameSide(0.5, 0.5),
    losses.binary_cross_entropy_with_logits: SameSide(0.0, 0.5),
    losses.cross_entropy: SameClass(),
    losses.nll_loss: SameClass(),
}


def right_for(loss: Loss) -> SameSide | SameClass | None:
    """The rule that decides which predictions are right, for a classification loss of this package; else None."""
    return RIGHT.get(losses.underlying(loss))


def check_scores(loss: Loss, prediction: Any, caller: str) -> None:
    """Refuse a model of one output for a loss of one score per class.

    By itself such a loss takes the numbers of all cases for the scores of a single one, and its targets for the
    probabilities of that one's classes.

    Raises:
        StructureError: It is one.
    """
    if isinstance(RIGHT.get(losses.underlying(loss)), SameClass) and not isinstance(prediction, (list, tuple)):
        msg = (
            f"{caller}: loss: {losses.underlying(loss).__name__} takes one score per class, and the model gives one "
            "number; for two classes by one output use nn.binary_cross_entropy_with_logits, with targets 0 and 1, or "
            "else a model with an output per class"
        )
        raise StructureError(msg)


def numbers(prediction: Any) -> Any:
    """A prediction as plain numbers, in nested lists as it came."""
    if isinstance(prediction, (list, tuple)):
        return [numbers(p) for p in prediction]
    return getattr(prediction, "data", prediction)
