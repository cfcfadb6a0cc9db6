"""Early stopping: when training ends, and which weights are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograd_core import RangeError, StructureError
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import is_among

from ..support.validation import real, whole

if TYPE_CHECKING:
    from .history import History

MONITORED = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """End training when a number of its `History` no longer improves; terms as in Keras and Lightning.

    "Until convergence" is `monitor="loss"` with a `min_delta` such as 1e-6: the loss of training improves by less. It
    is the loss that is watched, not the weights or their gradient: the latter may be all but 0 on a plateau as well.

    Args:
        patience: After how many epochs in a row without improvement to stop, at least 1.
        min_delta: A change counts as an improvement where it is larger than this; at least 0.
        monitor: The number to watch: "val_loss", "val_accuracy", "loss" or "accuracy". Losses improve
            downwards, accuracies upwards; NaN is never an improvement.
        restore_best: Whether the model ends with the weights that it had after its best epoch, also
            where all epochs were run; else with those of the last one.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number out of its bounds, or a name that `History` does not have.

    Source: Prechelt, "Early stopping - but when?", 1998.

    Example:
        >>> import nn
        >>> X, y = nn.datasets.moons(60, noise=0.3, seed=1)
        >>> history = nn.fit(nn.MLP(2, [8, 1], "tanh", seed=1), X, y, loss=nn.binary_cross_entropy_with_logits,
        ...                  optimizer=nn.Adam(lr=0.1), epochs=500, validation=0.3, seed=1, progress=False,
        ...                  early_stopping=nn.EarlyStopping(patience=10))
        >>> len(history.loss) - history.best_epoch
        10
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: str = "val_loss"
    restore_best: bool = True

    def __post_init__(self) -> None:
        whole(self.patience, "EarlyStopping: patience")
        real(self.min_delta, "EarlyStopping: min_delta", 0.0)
        if not is_among(self.monitor, MONITORED):
            msg = f"EarlyStopping: monitor: expected one of {', '.join(MONITORED)}, got {shown(self.monitor)}"
            raise RangeError(msg)


class Stopwatch:
    """The best epoch so far, and how long ago it was.

    Args:
        rule: When to stop; None for never.
    """

    def __init__(self, rule: EarlyStopping | None) -> None:
        self.rule = rule
        self.best: float = math.inf  # negated if larger is better, so that smaller is always better
        self.best_epoch: int = 0  # counted from 1
        self.epoch: int = 0

    def improved(self, history: History) -> bool:
        """Record an epoch; returns whether it is the best so far."""
        if self.rule is None:
            return False
        self.epoch += 1
        number = getattr(history, self.rule.monitor)[-1]
        score = -number if self.rule.monitor.endswith("accuracy") else number
        if not score < self.best - self.rule.min_delta:
            return False
        self.best = score
        self.best_epoch = self.epoch
        return True

    @property
    def restores(self) -> bool:
        """Whether the best weights are to be restored."""
        return self.rule is not None and self.rule.restore_best

    @property
    def over(self) -> bool:
        """Whether to stop now."""
        return self.rule is not None and self.epoch - self.best_epoch >= self.rule.patience


def check_monitor(rule: EarlyStopping | None, *, has_validation: bool, has_accuracy: bool) -> None:
    """Raise if the number to be watched will not be recorded.

    Raises:
        StructureError: There is no validation, or nothing says what is right.
    """
    if rule is None:
        return
    if rule.monitor.startswith("val_") and not has_validation:
        msg = (
            f"fit: early_stopping: expected validation= with monitor={rule.monitor!r}, got none; "
            'set cases aside, or watch monitor="loss"'
        )
        raise StructureError(msg)
    if rule.monitor.endswith("accuracy") and not has_accuracy:
        msg = (
            f"fit: early_stopping: monitor={rule.monitor!r}: expected a loss that knows what is right, or accuracy=; "
            "got neither"
        )
        raise StructureError(msg)
