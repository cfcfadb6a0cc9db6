"""Wines told apart by 13 properties, trained as Downing's practical tips have it.

Inputs scaled to [-1, 1], learnt on the training part; sigmoid units; one output per class with targets 0.1 and 0.9;
half the sum of squared errors; small initial weights in [-0.1, 0.1]; cases one by one, in another order every epoch.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from nn import datasets, init
from nn._src.data.dataset import train_test_split
from nn._src.data.nominal import one_hot
from nn._src.data.scaling import MinMaxScaler
from nn._src.metrics.accuracy import SameClass
from nn._src.metrics.evaluation import ConfusionMatrix, confusion_matrix, predict_classes
from nn._src.modules.activations import Sigmoid
from nn._src.modules.layers import MLP, Sequential
from nn._src.modules.losses import sse
from nn._src.support.figures import COLOURS, figure_of, whole_numbers
from nn._src.support.validation import whole
from nn._src.training.history import History
from nn._src.training.loop import fit
from nn._src.training.optimizers import SGD

GROWERS = ("grower 1", "grower 2", "grower 3")
TEST = 0.3
EPOCHS = 60


@dataclass(frozen=True, slots=True, repr=False)
class WineOutcome:
    """The results of 20 networks on as many random splits.

    Attributes:
        accuracies: The share of test cases that are right, for each split.
        confusion: Test cases of all splits together.
        history: The learning curves of the first split; its validation cases are its test cases.
        cases: Numbers of training and of test cases.
    """

    accuracies: tuple[float, ...]
    confusion: ConfusionMatrix
    history: History
    cases: tuple[int, int]

    @property
    def mean(self) -> float:
        """The mean of the accuracies."""
        return statistics.fmean(self.accuracies)

    def __str__(self) -> str:
        n, tested = self.cases
        spread = f", from {100 * min(self.accuracies):.1f} to {100 * max(self.accuracies):.1f} %"
        return (
            f"Wine, 13-5-3 sigmoid units, {n} cases to learn from, {tested} to test on, {len(self.accuracies)} splits: "
            f"{100 * self.mean:.1f} % of test cases right{spread}.\n{self.confusion}"
        )

    def __repr__(self) -> str:
        return str(self)

    def pictures(self) -> dict[str, Any]:
        """Learning curves of one split, the accuracies of all, and a confusion matrix.

        Returns:
            {"wine.png": a matplotlib figure}.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        figure, (curves, shares, table) = figure_of("WineOutcome.pictures", 3, width=3.6, height=3.2)
        epochs = range(1, len(self.history.loss) + 1)
        curves.plot(epochs, self.history.loss, color=COLOURS[0], label="training")
        curves.plot(epochs, self.history.val_loss, color=COLOURS[1], label="test")
        curves.set(xlabel="epoch", ylabel="½ Σ (t − o)² of a case", title="one split")
        curves.set_ylim(0.0)
        curves.legend()
        order = sorted(self.accuracies)
        shares.plot(range(1, len(order) + 1), [100 * a for a in order], "o", color=COLOURS[0])
        shares.axhline(100 * self.mean, color=COLOURS[1], label=f"mean {100 * self.mean:.1f} %")
        shares.set(
            xlabel="split, in order", ylabel="% of test cases right", title=f"{len(order)} splits", ylim=(85, 101)
        )
        shares.legend(loc="lower right")
        for axes in (curves, shares):
            whole_numbers(axes)
            axes.title.set_fontsize("medium")
            axes.grid(visible=True, alpha=0.3)
        self.confusion.plot(table, title="test cases of all splits")
        return {"wine.png": figure}


def network(seed: int = 0) -> Sequential:
    """A 13-5-3 network of sigmoid units with small initial weights.

    Args:
        seed: Of the weights.

    Returns:
        A model with three outputs in (0, 1).

    Example:
        >>> from nn.experiments.wines import network
        >>> len(network().parameters())
        88
    """
    return Sequential(MLP(13, [5, 3], "sigmoid", init=init.uniform(-0.1, 0.1), seed=seed), Sigmoid())


def wine(*, seed: int = 0, splits: int = 20, compiled: bool | None = None) -> WineOutcome:
    """Train and test on random splits of the real data.

    Args:
        seed: 0 for the first `splits` splits, 1 for the next, and so on.
        splits: How many.
        compiled: As for `fit`.

    Returns:
        A `WineOutcome`: a text, `.mean`, `.accuracies`, `.confusion`, `.history`, and pictures.

    Raises:
        MissingExtraError: scikit-learn is not installed.
        RangeError: There are no splits.

    Example:
        >>> from nn.experiments import wine
        >>> wine(splits=1).cases
        (125, 53)
    """
    splits = whole(splits, "wine: splits")
    X, y = datasets.wine()
    accuracies: list[float] = []
    truth, said, first, counts = [], [], History(), (0, 0)
    for s in range(seed * splits, (seed + 1) * splits):
        X_train, X_test, y_train, y_test = train_test_split(X, y, test=TEST, seed=s)
        scaler = MinMaxScaler(-1.0, 1.0).fit(X_train)
        X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
        targets, unseen = (one_hot(labels, 3, low=0.1, high=0.9) for labels in (y_train, y_test))
        model, is_first = network(s), not accuracies
        history = fit(
            model, X_train, targets, loss=sse, optimizer=SGD(lr=0.3), epochs=EPOCHS, batch_size=1, seed=s,
            validation=(X_test, unseen) if is_first else None, accuracy=SameClass(), compiled=compiled, progress=False,
        )  # fmt: skip
        classes = predict_classes(model, X_test)
        accuracies.append(sum(a == b for a, b in zip(classes, y_test, strict=True)) / len(y_test))
        truth += [GROWERS[t] for t in y_test]
        said += [GROWERS[c] for c in classes]
        first, counts = history if is_first else first, (len(y_train), len(y_test))
    table = confusion_matrix(truth, said, labels=GROWERS)
    return WineOutcome(tuple(accuracies), table, first, counts)
