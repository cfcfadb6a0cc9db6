"""Evaluation of a trained model: predictions, classes, accuracy, confusion matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, RangeError, StructureError
from autograd_core._src.any_object import shown
from autograd_core._src.engine.pytrees import as_numpy, is_array
from autograd_core._src.pictures.text import scrolled
from autograd_core._src.wrong_calls import says_how

from ..data.dataset import cases_of
from ..modules.module import Module, check_module
from ..support.figures import figure_of
from ..support.tables import number
from ..support.validation import LOSS, ONE_PREDICTION, callable_of, plain, real
from ..training.case_programs import predictions
from ..training.side_effects import Watch
from .accuracy import check_scores, largest, numbers, right_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from .accuracy import Loss, Right


MANY = 1000  # with fewer rows nothing is compiled: compiling takes as long as some 500 rows on graphs
TRIED = 16  # rows that are also computed on graphs, to see that the program agrees


@says_how
def predict(model: Module, X: Any) -> list[Any]:
    """A model's prediction for each row as plain numbers, in `eval` mode; no graph is kept.

    A thousand rows and more are computed by a compiled program where the model can be traced (extra `fast`), with the
    same bits.

    Args:
        model: It is called with one row of X at a time.
        X: n inputs, a list of rows or a NumPy array.

    Returns:
        A list of n predictions, each a float or a list of floats.

    Raises:
        OperandError: `model` is no Module, or `X` no list or array.
        StructureError: A row does not fit the model.

    Example:
        >>> import nn
        >>> neuron = nn.Neuron(1, "linear", init=nn.init.constant(2.0))
        >>> nn.predict(neuron, [[1.0], [2.5]])
        [2.0, 5.0]
    """
    check_module(model, "predict: model")
    X = as_numpy(X)
    rows = X if is_array(X) and X.ndim > 1 else plain(X)  # lists of a million rows would take most of the time
    if not isinstance(rows, list) and not is_array(rows):
        msg = f"predict: X: expected a list or an array of rows, got {shown(X)}"
        raise OperandError(msg)
    was = model.training
    model.eval()
    try:
        # Each graph is gone before the next row's is built. Within no_grad() it would take half as long again, as every
        # node then asks in which context it is.
        if len(rows) < MANY:
            return [numbers(model(plain(x))) for x in rows]
        watch = Watch(model=model)
        first = [numbers(model(plain(x))) for x in rows[:TRIED]]
        found = None if watch.changed() else predictions(model, rows)  # the same bits as graphs give, sooner
        if found is not None and found[:TRIED] == first:
            return found
        return first + [numbers(model(plain(x))) for x in rows[TRIED:]]
    finally:
        model.train(was)


@says_how
def predict_classes(model: Module, X: Any, *, threshold: float = 0.5) -> list[int]:
    """The class that a model gives each row: its largest output, or with one output whether it is above a threshold.

    Args:
        model: As for `predict`.
        X: Likewise.
        threshold: With one output, class 1 is above it and class 0 else: 0.5 for probabilities, 0.0 for
            scores (`hinge`, `binary_cross_entropy_with_logits`).

    Returns:
        A list of n ints, counted from 0.

    Raises:
        OperandError: `model` is no Module, `X` no list or array, or `threshold` no number.
        StructureError: A row does not fit the model, or its prediction is no number and no list of numbers.

    Example:
        >>> import nn
        >>> nn.predict_classes(nn.Softmax(), [[1.0, 3.0], [2.0, 0.0]])
        [1, 0]
    """
    threshold = real(threshold, "predict_classes: threshold")
    return [_class_of(p, threshold) for p in predict(model, X)]


def _class_of(prediction: Any, threshold: float) -> int:
    scores = prediction if isinstance(prediction, list) else [prediction]
    if not scores or any(isinstance(score, list) for score in scores):
        msg = f"predict_classes: expected a number or a list of numbers from the model, got {shown(prediction)}"
        raise StructureError(msg)
    return largest(scores) if len(scores) > 1 else int(scores[0] > threshold)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The results of a model on some data.

    Attributes:
        loss: The loss of all cases.
        accuracy: The share of cases that are right; None where nothing says what is right.
        n: The number of cases.

    Example:
        >>> import nn
        >>> nn.Evaluation(loss=0.25, accuracy=1.0, n=4)
        Evaluation(loss=0.25, accuracy=1.0, n=4)
    """

    loss: float
    accuracy: float | None
    n: int


@says_how
def evaluate(model: Module, X: Any, y: Any, *, loss: Loss, accuracy: Right | None = None) -> Evaluation:
    """Loss and share of right cases on a data set, in `eval` mode; nothing is learnt.

    Args:
        model: It is called with one row of X at a time.
        X: n inputs, a list of rows or a NumPy array.
        y: n targets, as the loss takes them.
        loss: As for `fit`.
        accuracy: Likewise: a function of one prediction and its target. The classification losses
            bring their own.

    Returns:
        An `Evaluation` with `.loss`, `.accuracy` and `.n`.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A target that the loss cannot take.
        StructureError: Lengths that do not fit, or no data.

    Example:
        >>> import nn
        >>> nn.evaluate(nn.Softmax(), [[0.0, 9.0], [9.0, 0.0]], [1, 1], loss=nn.cross_entropy).accuracy
        0.5
    """
    cases = cases_of(X, y, "evaluate")
    callable_of(loss, "evaluate: loss", LOSS)
    if accuracy is not None:
        callable_of(accuracy, "evaluate: accuracy", ONE_PREDICTION)
    found = predict(model, cases.inputs)
    check_scores(loss, found[0], "evaluate")
    right = right_for(loss) if accuracy is None else accuracy
    n = len(found)
    share = None if right is None else sum(bool(right(p, t)) for p, t in zip(found, cases.targets)) / n
    return Evaluation(float(numbers(loss(found, cases.targets))), share, n)


@dataclass(frozen=True, slots=True, repr=False)
class ConfusionMatrix:
    """How often each class was taken for each: `counts[i][j]` cases of class `labels[i]` were called `labels[j]`.

    Attributes:
        labels: The classes, in order.
        counts: A list of ints for each true class, one per predicted class.

    It is a table, as text and in a notebook. See `confusion_matrix`.

    Example:
        >>> import nn
        >>> print(nn.ConfusionMatrix(("cat", "dog"), ((5, 1), (0, 4))))
                predicted
        true  cat  dog
         cat    5    1    83 %
         dog    0    4   100 %
        accuracy 90 % of 10
    """

    labels: tuple[Any, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def n(self) -> int:
        """The number of cases.

        Example:
            >>> import nn
            >>> nn.ConfusionMatrix((0, 1), ((5, 1), (0, 4))).n
            10
        """
        return sum(map(sum, self.counts))

    @property
    def accuracy(self) -> float:
        """The share of cases that are right: the diagonal.

        Example:
            >>> import nn
            >>> nn.ConfusionMatrix((0, 1), ((5, 1), (0, 4))).accuracy
            0.9
        """
        return sum(row[i] for i, row in enumerate(self.counts)) / self.n

    @property
    def recall(self) -> tuple[float, ...]:
        """For each true class the share of its cases that are right; NaN for a class without cases.

        Example:
            >>> import nn
            >>> nn.ConfusionMatrix((0, 1), ((3, 1), (0, 4))).recall
            (0.75, 1.0)
        """
        return tuple(_share(row[i], sum(row)) for i, row in enumerate(self.counts))

    @property
    def precision(self) -> tuple[float, ...]:
        """For each predicted class the share of those called so that are right; NaN where none is.

        Example:
            >>> import nn
            >>> nn.ConfusionMatrix((0, 1), ((3, 1), (0, 4))).precision
            (1.0, 0.8)
        """
        return tuple(_share(column[j], sum(column)) for j, column in enumerate(zip(*self.counts)))

    def __str__(self) -> str:
        names = [str(label) for label in self.labels]
        first = max(4, *(len(name) + 1 for name in names))
        width = max(5, *(len(name) + 2 for name in names), *(len(str(c)) + 2 for row in self.counts for c in row))
        head = f"{'true':<{first}}" + "".join(f"{name:>{width}}" for name in names)
        lines = [f"{'':<{first}}    predicted", head]
        for name, row, share in zip(names, self.counts, self.recall):
            cells = "".join(f"{count:>{width}}" for count in row)
            lines.append(f"{name:>{first}}{cells}   {'' if math.isnan(share) else f'{100 * share:3.0f} %'}")
        lines.append(f"accuracy {number(100 * self.accuracy)} % of {self.n}")
        return "\n".join(line.rstrip() for line in lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The table with its cells shaded by their share of the true class's cases."""
        head = "".join(f"<th>{escape(str(label))}</th>" for label in self.labels)
        rows = []
        for label, row in zip(self.labels, self.counts):
            cells = "".join(
                f'<td style="background:rgba(0,114,178,{0.7 * count / max(1, sum(row)):.2f})">{count}</td>'
                for count in row
            )
            rows.append(f"<tr><th>{escape(str(label))}</th>{cells}</tr>")
        return scrolled(
            f"<table><caption>{number(100 * self.accuracy)} % of {self.n} right; "
            f"rows: true class, columns: predicted</caption><tr><th></th>{head}</tr>{''.join(rows)}</table>"
        )

    def plot(self, axes: Any = None, title: str = "") -> Figure:
        """The table as a picture: each cell's blue is its share of the true class's cases.

        Args:
            axes: Where to draw, a `matplotlib.axes.Axes`; None for a figure of its own.
            title: Above it.

        Returns:
            The `matplotlib.figure.Figure`, which shows itself at the end of a notebook cell.

        Raises:
            MissingExtraError: matplotlib is not installed.

        Example:
            >>> import nn
            >>> nn.ConfusionMatrix((0, 1), ((5, 1), (0, 4))).plot().axes[0].get_xlabel()
            'predicted class'
        """
        if axes is None:
            size = 0.6 * len(self.labels)
            figure, [axes] = figure_of("ConfusionMatrix.plot", 1, width=1.6 + size, height=1.2 + size)
        else:
            figure = axes.figure
        shares = [[_share(count, sum(row)) if sum(row) else 0.0 for count in row] for row in self.counts]
        axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.15)
        for i, row in enumerate(self.counts):
            for j, count in enumerate(row):
                colour = "white" if shares[i][j] > 0.55 else "#222222" if count else "#bbbbbb"
                axes.text(j, i, str(count), ha="center", va="center", color=colour)
        axes.set_xticks(range(len(self.labels)), [str(label) for label in self.labels])
        axes.set_yticks(range(len(self.labels)), [str(label) for label in self.labels])
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        axes.set_title(title or f"{number(100 * self.accuracy)} % of {self.n} right", fontsize="medium")
        return figure


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


@says_how
def confusion_matrix(truth: Any, predicted: Any, *, labels: Sequence[Any] | None = None) -> ConfusionMatrix:
    """Count how often each class was taken for each.

    Args:
        truth: The right class of each case: ints, strings, or one-hot lists.
        predicted: The class that was predicted, as `predict_classes` gives it, likewise.
        labels: All classes, in the order of the table; None for those that occur, sorted.

    Returns:
        A `ConfusionMatrix`; rows are true classes, columns predicted ones, as in scikit-learn.

    Raises:
        StructureError: Lengths differ, or there are no cases.
        OperandError: One is no list or array.
        RangeError: A class that is not among `labels`.

    Example:
        >>> import nn
        >>> nn.confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1]).counts
        ((1, 1), (0, 2))
    """
    cases = cases_of(truth, predicted, "confusion_matrix")
    pairs = [(_label(t), _label(p)) for t, p in zip(*cases)]
    known = sorted({x for pair in pairs for x in pair}, key=lambda x: (isinstance(x, str), x))
    if labels is not None and not isinstance(plain(labels), (list, tuple, range)):
        msg = f"confusion_matrix: labels: expected a list or an array of classes, got {shown(labels)}"
        raise OperandError(msg)
    names = known if labels is None else list(plain(labels))
    places = {name: i for i, name in enumerate(names)}
    missing = [x for x in known if x not in places]
    if missing:
        msg = f"confusion_matrix: expected classes among {shown(names)}, got {shown(missing[0])}"
        raise RangeError(msg)
    counts = [[0] * len(names) for _ in names]
    for t, p in pairs:
        counts[places[t]][places[p]] += 1
    return ConfusionMatrix(tuple(names), tuple(map(tuple, counts)))


def _label(x: Any) -> Any:
    if not isinstance(x, list):
        return x
    return largest([real(score, "confusion_matrix: a score", nan=True) for score in x])
