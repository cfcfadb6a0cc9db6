"""Over-training made visible: "weights become so fine-tuned to the training cases that generalization suffers".

Two half moons with so much noise that they overlap, forty cases to learn from, and a network that can learn
them by heart. One run goes on to the end; the other, the same in every number, is stopped early by cases set aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nn import datasets
from nn._src.metrics.evaluation import ConfusionMatrix, confusion_matrix, predict, predict_classes
from nn._src.modules.layers import MLP
from nn._src.modules.losses import binary_cross_entropy_with_logits
from nn._src.support.figures import COLOURS, figure_of, whole_numbers
from nn._src.training.loop import fit
from nn._src.training.optimizers import Adam
from nn._src.training.stopping import EarlyStopping

if TYPE_CHECKING:
    from nn._src.modules.module import Module
    from nn._src.training.history import History

CASES, UNSEEN, NOISE, EPOCHS = 40, 400, 0.35, 400
MOONS = ("outer", "inner")


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """One of the two runs.

    Attributes:
        name: "over-trained" or "stopped early".
        model: As it ended.
        history: Its curves.
        train: What it made of the training cases.
        test: And of test cases it never saw, which stopped nothing either.
        test_loss: The mean cross-entropy of the test cases after each epoch.
    """

    name: str
    model: Module
    history: History
    train: ConfusionMatrix
    test: ConfusionMatrix


@dataclass(frozen=True, slots=True, repr=False)
class OvertrainingOutcome:
    """Both runs, and their data.

    Attributes:
        over: The run to the end; its validation cases are the test cases.
        stopped: The run that was stopped early, by other cases set aside.
        data: The training cases, `(X, y)`.
        unseen: The test cases.
    """

    over: TrainedRun
    stopped: TrainedRun
    data: tuple[list[list[float]], list[float]]
    unseen: tuple[list[list[float]], list[float]]

    def __str__(self) -> str:
        lines = [f"Over-training: MLP 2-16-16-1 on {len(self.data[1])} noisy moons, {len(self.unseen[1])} test cases"]
        lines.append(f"  {'':13}  weights of epoch  training right  test right")
        for run in (self.over, self.stopped):
            epoch = run.history.best_epoch or len(run.history.loss)
            lines.append(
                f"  {run.name:13}  {epoch:16}  {100 * run.train.accuracy:12.1f} %  {100 * run.test.accuracy:8.1f} %"
            )
        lines.append(f"  the second run ended after {len(self.stopped.history.loss)} epochs, and kept its best weights")
        best = min(self.over.history.val_loss)
        lines.append(f"  test loss at its best {best:.3f}, at the end {self.over.history.val_loss[-1]:.3f}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def pictures(self) -> dict[str, Any]:
        """Curves, the decision boundary of each run, and its confusion matrix on test cases.

        Returns:
            {"overtraining.png": a matplotlib figure}.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        figure, panels = figure_of("OvertrainingOutcome.pictures", 3, rows=2, width=3.6, height=3.1)
        for row, run in zip((panels[:3], panels[3:]), (self.over, self.stopped), strict=True):
            _curves(row[0], run, self.stopped.history.best_epoch or 0)
            _border(row[1], run, self.data)
            run.test.plot(row[2], title=f"test cases: {100 * run.test.accuracy:.1f} % right")
        return {"overtraining.png": figure}


def _curves(axes: Any, run: TrainedRun, stop: int) -> None:
    epochs = range(1, len(run.history.loss) + 1)
    axes.plot(epochs, run.history.loss, color=COLOURS[0], label="training")
    said = "test" if run.history.best_epoch is None else "set aside"
    axes.plot(epochs, run.history.val_loss, color=COLOURS[1], label=said)
    axes.axvline(stop, color="#888888", linestyle="--", linewidth=1, label=f"epoch {stop}")
    axes.set(xlabel="epoch", ylabel="cross-entropy", title=run.name, xlim=(0, EPOCHS), ylim=(0, 1.5))
    axes.title.set_fontsize("medium")
    whole_numbers(axes)
    axes.legend(fontsize="small", loc="center right")
    axes.grid(visible=True, alpha=0.3)


def _border(axes: Any, run: TrainedRun, data: tuple[list[list[float]], list[float]]) -> None:
    """The decision boundary of the model, with the training cases."""
    steps = [i / 32 for i in range(33)]
    xs, ys = [-1.8 + 4.6 * s for s in steps], [-1.4 + 3.3 * s for s in steps]
    scores = predict(run.model, [[x, y] for y in ys for x in xs])
    rows = [scores[i * len(xs) : (i + 1) * len(xs)] for i in range(len(ys))]
    axes.contourf(xs, ys, rows, levels=[-1e9, 0, 1e9], colors=["#cfe3f1", "#f9dcc8"])
    axes.contour(xs, ys, rows, levels=[0], colors=["#444444"], linewidths=1)
    for label, colour in ((0, COLOURS[0]), (1, COLOURS[1])):
        points = [x for x, t in zip(*data, strict=True) if t == label]
        axes.plot(
            [p[0] for p in points], [p[1] for p in points], "o", color=colour, markersize=4, markeredgecolor="white"
        )
    axes.set_title(f"training cases: {100 * run.train.accuracy:.1f} % right", fontsize="medium")
    axes.set_xlim(xs[0], xs[-1])
    axes.set_ylim(ys[0], ys[-1])
    axes.set_xticks([])
    axes.set_yticks([])


def _judged(model: Module, X: list[list[float]], y: list[float]) -> ConfusionMatrix:
    said = predict_classes(model, X, threshold=0.0)
    return confusion_matrix([MOONS[int(t)] for t in y], [MOONS[c] for c in said], labels=MOONS)


def overtraining(*, seed: int = 0, compiled: bool | None = None) -> OvertrainingOutcome:
    """Train the same network twice, once for too long and once with early stopping.

    Args:
        seed: Of data and weights.
        compiled: As for `fit`.

    Returns:
        An `OvertrainingOutcome`: a text, both runs, and pictures.

    Example:
        >>> from nn.experiments import overtraining
        >>> outcome = overtraining()
        >>> outcome.over.train.accuracy > outcome.stopped.train.accuracy
        True
        >>> outcome.over.test.accuracy < outcome.stopped.test.accuracy
        True
    """
    first = 10 * seed
    data = datasets.moons(CASES, NOISE, seed=first + 1)
    aside, unseen = datasets.moons(CASES, NOISE, seed=first + 2), datasets.moons(UNSEEN, NOISE, seed=first + 3)

    def run(name: str, validation: Any, early_stopping: EarlyStopping | None) -> TrainedRun:
        model = MLP(2, [16, 16, 1], "tanh", seed=seed)
        history = fit(
            model, *data, loss=binary_cross_entropy_with_logits, optimizer=Adam(lr=0.02), epochs=EPOCHS, seed=seed,
            validation=validation, early_stopping=early_stopping, compiled=compiled, progress=False,
        )  # fmt: skip
        train, test = _judged(model, *data), _judged(model, *unseen)
        return TrainedRun(name, model, history, train, test)

    over = run("over-trained", unseen, None)
    stopped = run("stopped early", aside, EarlyStopping(patience=30))
    return OvertrainingOutcome(over, stopped, data, unseen)
