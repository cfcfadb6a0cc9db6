"""Predictions, classes, evaluation, and the table of what was taken for what."""

import math
import re
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core._src.engine import contexts
from nn._src.metrics.accuracy import numbers


class Echo(nn.Module):
    """Gives its row back, and notes its mode."""

    def __init__(self):
        self.w = ag.Value(1.0)
        self.seen = []

    def forward(self, x):
        self.seen.append(self.training)
        return [self.w * a for a in x] if len(x) > 1 else x[0] * self.w


def test_predictions_are_plain_numbers_in_eval_mode():
    model = Echo()
    assert nn.predict(model, [[1.0, 2.0], [3.0]]) == [[1.0, 2.0], 3.0]
    assert nn.predict(model, np.array([[1.0, 2.0]])) == [[1.0, 2.0]]
    assert set(model.seen) == {False}
    assert model.training
    model.eval()
    nn.predict(model, [[1.0]])
    assert not model.training


def test_the_mode_is_kept_where_a_row_does_not_fit():
    model = nn.Neuron(2, seed=0)
    with pytest.raises(ag.StructureError, match="expected 2 inputs"):
        nn.predict(model, [[1.0]])
    assert model.training


def test_classes_are_the_largest_output_or_above_a_threshold():
    model = Echo()
    assert nn.predict_classes(model, [[0.1, 0.7, 0.2], [5.0, -1.0, 5.0]]) == [1, 0]
    assert nn.predict_classes(model, [[0.5], [0.6]]) == [0, 1]
    assert nn.predict_classes(model, [[-0.5], [0.0], [0.1]], threshold=0.0) == [0, 0, 1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.predict(abs, [[1.0]]), ag.OperandError, "predict: model: expected a Module"),
        (lambda: nn.predict(Echo(), 3.0), ag.OperandError, "predict: X"),
        (lambda: nn.predict_classes(Echo(), [[1.0]], threshold="a"), ag.OperandError, "threshold"),
        (lambda: nn.predict_classes(nn.ReLU(), [[[1.0], [2.0]]]), ag.StructureError, "a number or a list of numbers"),
        (lambda: nn.predict_classes(nn.ReLU(), [[]]), ag.StructureError, "a number or a list of numbers"),
        (lambda: nn.evaluate(Echo(), [[1.0]], [1, 2], loss=nn.mse), ag.StructureError, "evaluate: expected one target per row"),
        (lambda: nn.evaluate(Echo(), [[1.0]], [0.5], loss=nn.hinge), ag.RangeError, "targets -1 or 1"),
        (lambda: nn.confusion_matrix([0], [0, 1]), ag.StructureError, "confusion_matrix: expected one target per row"),
        (lambda: nn.confusion_matrix(0, [0]), ag.OperandError, "confusion_matrix: X"),
        (lambda: nn.confusion_matrix([0, 2], [0, 1], labels=(0, 1)), ag.RangeError, r"classes among \[0, 1\].*got 2"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.binary_cross_entropy_with_logits, nn.mse])
def test_evaluation_is_what_fit_measures(loss):
    X, y = nn.datasets.moons(30, seed=1)
    model = nn.MLP(2, [4, 2 if loss is nn.cross_entropy else 1], "tanh", seed=1)
    held = nn.datasets.moons(20, seed=2)
    history = nn.fit(model, X, y, loss=loss, epochs=3, validation=held, progress=False)
    found = nn.evaluate(model, *held, loss=loss)
    assert found.loss == pytest.approx(history.val_loss[-1], rel=1e-12)
    assert found.accuracy == (history.val_accuracy[-1] if loss is not nn.mse else None)
    assert found.n == 20


def test_an_accuracy_of_ones_own_counts():
    def near(p, t):
        return abs(p - t) < 0.5

    assert nn.evaluate(Echo(), [[1.0], [2.0]], [1.2, 5.0], loss=nn.sse, accuracy=near).accuracy == 0.5


def test_targets_of_01_and_09_are_judged_by_the_largest():
    found = nn.evaluate(Echo(), [[0.2, 0.4], [0.6, 0.3]], [[0.1, 0.9], [0.1, 0.9]], loss=nn.sse, accuracy=nn.SameClass())
    assert found.accuracy == 0.5


# --- the table ------------------------------------------------------------------------------------

TRUTH = ["cat", "cat", "dog", "bird", "dog", "dog"]
SAID = ["cat", "dog", "dog", "cat", "dog", "bird"]


def test_confusion_matrix_is_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    for truth, said in ((TRUTH, SAID), ([0, 2, 1, 1, 2], [0, 1, 1, 2, 2])):
        found = nn.confusion_matrix(truth, said)
        assert [list(row) for row in found.counts] == metrics.confusion_matrix(truth, said).tolist()
        assert found.accuracy == metrics.accuracy_score(truth, said)
        assert found.recall == pytest.approx(metrics.recall_score(truth, said, average=None))
        assert found.precision == pytest.approx(metrics.precision_score(truth, said, average=None))


def test_classes_may_be_one_hot_and_arrays():
    counts = ((1, 0), (1, 1))
    assert nn.confusion_matrix([[1, 0], [0, 1], [0.1, 0.9]], [0, 1, 0]).counts == counts
    assert nn.confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0])).counts == counts


def test_a_class_that_never_comes_has_a_row_and_no_share():
    table = nn.confusion_matrix([0, 0], [0, 0], labels=["0", 0, 1])
    assert table.counts == ((0, 0, 0), (0, 2, 0), (0, 0, 0))
    assert [math.isnan(x) for x in table.recall] == [True, False, True]
    assert [math.isnan(x) for x in table.precision] == [True, False, True]


def test_its_text():
    assert str(nn.confusion_matrix(TRUTH, SAID)).splitlines() == [
        "         predicted",
        "true   bird   cat   dog",
        " bird     0     1     0     0 %",
        "  cat     0     1     1    50 %",
        "  dog     1     0     2    67 %",
        "accuracy 50 % of 6",
    ]
    assert str(nn.confusion_matrix([0], [0], labels=[0, 1])).splitlines()[3] == "   1    0    0"


def test_its_html_escapes_and_shades():
    html = nn.confusion_matrix(["<a>", "b"], ["<a>", "b"])._repr_html_()
    assert "&lt;a&gt;" in html
    assert "<a>" not in html
    assert re.findall(r"rgba\(0,114,178,([\d.]+)\)", html) == ["0.70", "0.00", "0.00", "0.70"]


def test_its_picture_shows_every_count():
    figure = nn.confusion_matrix(TRUTH, SAID).plot()
    [axes] = figure.axes
    assert [text.get_text() for text in axes.texts] == list("010011102")
    assert axes.get_title() == "50 % of 6 right"
    assert [t.get_text() for t in axes.get_yticklabels()] == ["bird", "cat", "dog"]
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert nn.confusion_matrix([0], [0]).plot(axes, "again") is figure
    assert axes.get_title() == "again"


def test_the_tint_of_a_count_is_its_share_of_its_row():
    """Of the cases of that class, how many; figures are white on dark, and grey where there is nothing."""
    matrix = nn.ConfusionMatrix((0, 1, 2), ((6, 3, 1), (0, 0, 0), (0, 5, 0)))
    [axes] = matrix.plot().axes
    [image] = axes.images
    assert image.get_array().tolist() == [[0.6, 0.3, 0.1], [0, 0, 0], [0, 1, 0]]
    colours = {"white": [0, 7], "#222222": [1, 2], "#bbbbbb": [3, 4, 5, 6, 8]}
    assert [t.get_color() for t in axes.texts] == [next(c for c, ks in colours.items() if k in ks) for k in range(9)]


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ag.MissingExtraError, match=r"ConfusionMatrix.plot needs matplotlib: pip install 'autograd-core\[plot\]'"):
        nn.confusion_matrix([0], [0]).plot()


# --- the split ------------------------------------------------------------------------------------


def test_a_split_parts_all_cases_by_seed():
    X, y = [[float(i)] for i in range(20)], list(range(20))
    X_train, X_test, y_train, y_test = nn.train_test_split(X, y, test=0.3, seed=1)
    assert (len(X_train), len(X_test)) == (14, 6)
    assert sorted(y_train + y_test) == y
    assert [x for (x,) in X_train + X_test] == y_train + y_test
    assert nn.train_test_split(X, y, seed=1) == nn.train_test_split(np.array(X), np.array(y), seed=1)
    assert nn.train_test_split(X, y, seed=1) != nn.train_test_split(X, y, seed=2)
    assert y_train != sorted(y_train)


def test_a_stratified_split_keeps_the_shares():
    y = [0] * 40 + [1] * 20
    for seed in range(5):
        _, _, learnt, tested = nn.train_test_split([[0.0]] * 60, y, test=0.25, stratify=True, seed=seed)
        assert (tested.count(0), tested.count(1), len(learnt)) == (10, 5, 45)
        assert learnt != sorted(learnt)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"test": 0.0}, ag.RangeError, "leaves cases in both parts"),
        ({"test": 1.0}, ag.RangeError, "leaves cases in both parts"),
        ({"test": 1.5}, ag.RangeError, "train_test_split: test"),
        ({"test": "a"}, ag.OperandError, "train_test_split: test"),
        ({"y": [1]}, ag.StructureError, "train_test_split: expected one target per row"),
    ],
)
def test_splits_that_cannot_be(options, error, message):
    with pytest.raises(error, match=message):
        nn.train_test_split([[1.0], [2.0]], options.pop("y", [0, 1]), **options)


def test_predicting_calls_the_model_in_no_context():
    """Within `no_grad()` every operation takes the slow way."""

    class Line(nn.Module):
        def __init__(self):
            self.seen, self.slope = [], ag.Value(2.0)

        def forward(self, x):
            self.seen.append(list(contexts.entered))
            return self.slope * x

    model = Line()
    assert nn.predict(model, [1.0, 2.0]) == [2.0, 4.0]
    assert model.seen == [[], []]


def test_evaluation_wants_a_loss():
    with pytest.raises(ag.OperandError, match="evaluate: loss: expected a function of predictions and targets"):
        nn.evaluate(nn.Neuron(1), [[1.0]], [0.0], loss="mse")


# --- many rows -------------------------------------------------------------------------------------

MANY = np.random.default_rng(1).normal(size=(1050, 2)) * 3


def branching(x):
    return [a if a > 0 else 0.5 * a for a in x]


def many_branches(x):
    return x[0] * sum(1.0 if x[1] > k else 0.5 for k in range(9))


MODELS = {
    "tanh": lambda: nn.MLP(2, [5, 3], "tanh", seed=1),
    "one number": lambda: nn.MLP(2, [4, 1], "gelu", seed=1),
    "softmax": lambda: nn.Sequential(nn.Linear(2, 3, seed=1), nn.Softmax()),
    "dropout": lambda: nn.Sequential(nn.Linear(2, 3, seed=1), nn.Dropout(0.5, seed=1), nn.Sigmoid()),
    "branches": lambda: nn.Sequential(nn.Linear(2, 2, seed=1), branching),
    "many branches": lambda: nn.Sequential(nn.Linear(2, 2, seed=1), many_branches),
    "math": lambda: nn.Sequential(lambda x: [math.sin(x[0])], nn.Linear(1, 1, seed=1)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("form", [np.asarray, np.ndarray.tolist])
def test_many_rows_have_the_bits_of_each(name, form):
    model = MODELS[name]()
    found = nn.predict(model, form(MANY))
    model.eval()
    assert found == [numbers(model(x)) for x in MANY.tolist()]


def test_many_rows_run_on_a_program(monkeypatch):
    model, calls = nn.MLP(2, [5, 3], "tanh", seed=1), []
    was = nn.MLP.__call__
    monkeypatch.setattr(nn.MLP, "__call__", lambda self, x: calls.append(1) or was(self, x))
    report = nn.evaluate(model, MANY, [0] * len(MANY), loss=nn.cross_entropy)
    assert len(calls) < 50
    assert report.n == len(MANY)


def test_a_model_that_keeps_notes_sees_every_row():
    model = Echo()
    nn.predict(model, MANY)
    assert len(model.seen) == len(MANY)


def test_a_row_among_many_that_does_not_fit_is_said_in_words():
    rows = [*MANY.tolist(), [1.0]]
    with pytest.raises(ag.StructureError, match="expected 2 inputs"):
        nn.predict(nn.Neuron(2, seed=0), rows)
