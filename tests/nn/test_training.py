"""`fit` learns, can be repeated, measures what it says, and changes nothing on bad input."""

import io
import random
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn._src.training import loop, progress

XOR = nn.datasets.xor()
QUIET = {"progress": False}


@pytest.fixture(autouse=True, params=["programs", "graphs"])
def _both_ways(request, monkeypatch):
    """Everything holds where all is compiled that can be, and where nothing is."""
    if request.param == "graphs":
        monkeypatch.setattr(loop, "is_available", lambda: False)


def line(**options):
    """Fit y = 2x + 1 with a linear neuron."""
    model = nn.Neuron(1, "linear", init=nn.init.constant(0.0))
    X = [[-1.0], [0.0], [1.0], [2.0]]
    history = nn.fit(model, X, [2 * x + 1 for (x,) in X], loss=nn.mse, **QUIET, **options)
    return model, history


def test_a_line_is_found():
    model, history = line(optimizer=nn.SGD(lr=0.2), epochs=200)
    assert model.w[0].data == pytest.approx(2.0, abs=1e-6)
    assert model.b.data == pytest.approx(1.0, abs=1e-6)
    assert len(history.loss) == 200
    assert history.loss[0] == (1 + 1 + 9 + 25) / 4  # before the first step
    assert (history.accuracy, history.val_loss, history.val_accuracy) == ([], [], [])


def test_moons_are_learned_as_in_micrograds_demo():
    X, y = nn.datasets.moons(100, noise=0.1, seed=1, labels=(-1, 1))
    model = nn.MLP(2, [16, 16, 1], seed=1)
    history = nn.fit(
        model, X, y, loss=nn.hinge, l2=1e-4, optimizer=nn.SGD(lr=nn.schedules.linear(1.0, 0.1, 100)), epochs=60, **QUIET
    )
    assert history.accuracy[-1] > 0.99
    assert [model(x).data > 0 for x in X] == [t > 0 for t in y]


@pytest.mark.parametrize(
    ("loss", "targets", "out"),
    [
        (nn.cross_entropy, [0, 1, 1, 0], 2),
        (nn.cross_entropy, [[1, 0], [0, 1], [0, 1], [1, 0]], 2),
        (nn.binary_cross_entropy_with_logits, [0, 1, 1, 0], 1),
        (nn.hinge, [-1, 1, 1, -1], 1),
    ],
)
def test_xor_is_learned_with_every_classification_loss(loss, targets, out):
    model = nn.MLP(2, [4, out], "tanh", seed=0)
    history = nn.fit(model, XOR[0], targets, loss=loss, optimizer=nn.Adam(lr=0.1), epochs=60, **QUIET)
    assert history.accuracy[-1] == 1.0
    assert history.loss[-1] < history.loss[0] / 3


@pytest.mark.parametrize("loss", [nn.nll_loss, nn.binary_cross_entropy])
def test_losses_on_probabilities(loss):
    end = nn.LogSoftmax() if loss is nn.nll_loss else nn.Sigmoid()
    model = nn.Sequential(nn.MLP(2, [4, 2], "tanh", seed=0), end)
    targets = [0, 1, 1, 0] if loss is nn.nll_loss else [[1, 0], [0, 1], [0, 1], [1, 0]]
    history = nn.fit(model, XOR[0], targets, loss=loss, optimizer=nn.Adam(lr=0.1), epochs=80, **QUIET)
    assert history.accuracy[-1] == 1.0


def test_one_step_is_what_one_computes_by_hand():
    for options, factor in (({}, 1.0), ({"l2": 0.25}, 1.0), ({"max_grad_norm": 0.5}, None)):
        model = nn.Neuron(1, "linear", init=nn.init.constant(1.0))
        nn.fit(model, [[2.0]], [0.0], loss=nn.sse, optimizer=nn.SGD(lr=0.1), epochs=1, **QUIET, **options)
        gw, gb = 4.0, 2.0  # (w x + b - y) x and (w x + b - y)
        if "l2" in options:
            gw += 2 * 0.25 * 1.0
        if factor is None:
            norm = (gw**2 + gb**2) ** 0.5
            gw, gb = gw * 0.5 / norm, gb * 0.5 / norm
        assert [model.w[0].data, model.b.data] == pytest.approx([1.0 - 0.1 * gw, -0.1 * gb], rel=1e-14)


def test_the_same_seed_gives_the_same_run_and_another_one_another():
    def run(seed, **options):
        model = nn.MLP(2, [3, 1], seed=0)
        X, y = nn.datasets.moons(20, labels=(-1, 1))
        history = nn.fit(model, X, y, loss=nn.hinge, epochs=3, batch_size=3, seed=seed, **QUIET, **options)
        return model.state_dict(), history

    random.seed(1)
    state = random.getstate()
    assert run(1) == run(1) == run(random.Random(1))
    assert run(1) != run(2)
    assert run(1, shuffle=False) == run(2, shuffle=False)
    assert run(1, validation=0.25) == run(1, validation=0.25) != run(2, validation=0.25)
    assert random.getstate() == state


def test_batches_cover_all_cases_once_an_epoch():
    seen = []

    class Spy(nn.Module):
        def __init__(self):
            self.w = ag.Value(0.0)

        def forward(self, x):
            seen.append(x[0])
            return self.w * x[0]

    X = [[float(i)] for i in range(7)]
    nn.fit(Spy(), X, [0.0] * 7, loss=nn.mse, epochs=2, batch_size=3, seed=0, **QUIET)
    trial, first, second = seen[:7], seen[7:14], seen[14:]
    assert trial == sorted(first) == sorted(second) == [x for (x,) in X]
    assert first != second


def test_validation_is_measured_and_never_trained_on():
    X, y = [[1.0], [2.0]], [1.0, 2.0]
    model = nn.Neuron(1, "linear", init=nn.init.constant(0.0))
    history = nn.fit(
        model, X, y, loss=nn.mse, optimizer=nn.SGD(lr=0.1), epochs=3, validation=([[10.0]], [0.0]),
        accuracy=lambda p, t: abs(p - t) < 0.5, **QUIET,
    )  # fmt: skip
    assert history.val_loss[-1] == pytest.approx(model([10.0]).data ** 2)
    assert history.val_accuracy == [0.0, 0.0, 0.0]
    assert len(history.accuracy) == 3
    apart = nn.Neuron(1, "linear", init=nn.init.constant(0.0))
    nn.fit(apart, X, y, loss=nn.mse, optimizer=nn.SGD(lr=0.1), epochs=3, **QUIET)
    assert apart.state_dict() == model.state_dict()


def test_a_share_is_set_aside():
    called = []

    def loss(p, t):
        called.append(len(t))
        return nn.mse(p, t)

    nn.fit(nn.Neuron(1, "linear"), [[1.0]] * 10, [1.0] * 10, loss=loss, epochs=1, validation=0.3, **QUIET)
    assert called == [7, 3, 7, 3]


def test_dropout_is_off_while_measuring_and_the_mode_is_kept():
    model = nn.Sequential(nn.Dropout(1.0), nn.Linear(1, 1, init=nn.init.constant(1.0)))
    history = nn.fit(
        model, [[1.0]], [0.0], loss=nn.mse, optimizer=nn.SGD(lr=0.0), epochs=2, validation=([[1.0]], [0.0]), **QUIET
    )
    assert history.loss == [0.0, 0.0]
    assert history.val_loss == [1.0, 1.0]
    assert model.training


def test_arrays_and_one_output_in_a_list():
    model = nn.Linear(2, 1, seed=0)
    history = nn.fit(model, np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1, 0]), loss=nn.mse, epochs=2, **QUIET)
    assert len(history.loss) == 2


def test_a_bound_optimizer_may_leave_parameters_out():
    model = nn.Neuron(1, init=nn.init.constant(1.0))
    nn.fit(model, [[1.0]], [0.0], loss=nn.mse, optimizer=nn.SGD([model.b], lr=0.1), epochs=3, **QUIET)
    assert model.w[0].data == 1.0
    assert model.b.data != 0.0


class Bare(nn.Module):
    def forward(self, x):
        return x[0]


GOOD = {"X": [[1.0], [2.0]], "y": [1, -1], "loss": nn.hinge}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": [[1.0]]}, ag.StructureError, "got 1 rows and 2 targets"),
        ({"X": [], "y": []}, ag.StructureError, "got 0 rows and 0 targets"),
        ({"X": 3.0}, ag.OperandError, "fit: X: expected a list or an array"),
        ({"y": None}, ag.OperandError, "fit: y: expected a list or an array"),
        ({"X": [[1.0], [2.0, 3.0]]}, ag.StructureError, "expected 1 inputs, got 2"),
        ({"X": [[1.0], ["a"]]}, ag.OperandError, "got 'a'"),
        ({"X": [1.0, 2.0]}, ag.StructureError, r"for one number pass \[x\], for one row of many \[row\], and for a column of numbers a row for each, \[\[x\] for x in X\]"),
        ({"y": [1, 0]}, ag.RangeError, "targets -1 or 1, got 0"),
        ({"y": [1, [1, 1]]}, ag.StructureError, "a list of 2 targets for one prediction"),
        ({"validation": ([[1.0]], [5])}, ag.RangeError, "targets -1 or 1, got 5"),
        ({"validation": ([[1.0]],)}, ag.StructureError, "expected a share or a pair"),
        ({"validation": ([[1.0]], [])}, ag.StructureError, "got 1 rows and 0 targets"),
        ({"validation": 1.0}, ag.RangeError, "leaves cases to learn from"),
        ({"validation": 2.0}, ag.RangeError, r"fit: validation: expected a number in \[0, 1\]"),
        ({"validation": "0.2"}, ag.OperandError, "fit: validation"),
        ({"loss": "hinge"}, ag.OperandError, "fit: loss: expected a function"),
        ({"loss": lambda p, t: 1.0}, ag.OperandError, "expected it to give a Value"),
        ({"optimizer": 0.1}, ag.OperandError, "fit: optimizer: expected an Optimizer"),
        ({"epochs": 0}, ag.RangeError, "fit: epochs: expected at least 1"),
        ({"epochs": 1.5}, ag.OperandError, "fit: epochs"),
        ({"batch_size": 0}, ag.RangeError, "fit: batch_size"),
        ({"l2": -1.0}, ag.RangeError, "fit: l2"),
        ({"max_grad_norm": -1.0}, ag.RangeError, "fit: max_grad_norm"),
        ({"seed": "a"}, ag.OperandError, "seed"),
    ],
)
def test_bad_input_changes_nothing(change, error, message):
    model = nn.Neuron(1, seed=0)
    before = model.state_dict()
    optimizer = nn.SGD(lr=0.1)
    arguments = {"optimizer": optimizer, "batch_size": 1} | GOOD | change
    with pytest.raises(error, match=message):
        nn.fit(model, arguments.pop("X"), arguments.pop("y"), **arguments, **QUIET)
    assert model.state_dict() == before
    assert model.training
    assert optimizer.params == []


def test_models_that_cannot_learn():
    with pytest.raises(ag.OperandError, match="fit: model: expected a Module"):
        nn.fit(lambda x: x, [[1.0]], [1.0], loss=nn.mse)
    with pytest.raises(ag.OperandError, match="a Value that depends on the model"):
        nn.fit(Bare(), [[1.0]], [1.0], loss=nn.mse)
    with pytest.raises(ag.StructureError, match="Adam: expected at least one parameter"):
        nn.fit(Bare(), [[ag.Value(1.0)]], [1.0], loss=nn.mse)


# --- progress -------------------------------------------------------------------------------------


def test_a_loss_of_one_case_is_told_that_a_loss_takes_lists():
    with pytest.raises(TypeError, match="'list' and 'list'") as error:
        nn.fit(nn.Neuron(1, "linear", seed=1), [[1.0], [2.0]], [1.0, 2.0], loss=lambda p, t: (p - t) ** 2, **QUIET)
    [note] = error.value.__notes__
    loss = eval(note.partition("loss=")[2], {"ag": ag})
    assert len(nn.fit(nn.Neuron(1, "linear", seed=1), [[1.0], [2.0]], [1.0, 2.0], loss=loss, epochs=3, **QUIET).loss) == 3


def test_progress_is_tqdms(capsys):
    line(epochs=3, optimizer=nn.SGD(lr=0.1))
    assert capsys.readouterr().err == ""
    model = nn.Neuron(1, seed=0)
    nn.fit(model, [[1.0]], [1.0], loss=nn.mse, epochs=3)
    err = capsys.readouterr().err
    assert "3/3" in err
    assert "loss=" in err


def test_progress_without_tqdm_is_a_line_of_text(monkeypatch):
    for name in list(sys.modules):
        if name.split(".")[0] == "tqdm":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    nn.fit(nn.Neuron(1, seed=0), [[1.0]], [1.0], loss=nn.mse, epochs=50)
    lines = sys.stderr.getvalue().split("\r")
    assert lines[-1].startswith("fit: 50/50 loss=")
    assert lines[-1].endswith("\n")
    assert len(lines) < 50  # not every epoch is worth a line


def test_a_line_of_text_has_as_many_steps_as_were_asked_for(capsys):
    assert list(progress.ProgressLine(3, "x")) == [0, 1, 2]
    assert capsys.readouterr().err.endswith("x: 3/3 \n")


def test_a_line_of_text_ends_where_training_stops_early(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    nn.fit(
        nn.Neuron(1, "linear", seed=0), [[1.0]], [1.0], loss=nn.mse, optimizer=nn.SGD(lr=0.0), epochs=50,
        early_stopping=nn.EarlyStopping(patience=2, monitor="loss"),
    )  # fmt: skip
    assert sys.stderr.getvalue().split("\r")[-1].startswith("fit: 3/50 loss=")
    assert sys.stderr.getvalue().endswith("\n")


def test_silence_is_silent(capsys):
    quiet = progress.bar(2, "x", progress=False)
    quiet.set_postfix_str("facts")
    assert list(quiet) == [0, 1]
    assert capsys.readouterr() == ("", "")


def test_an_optimizer_of_another_model_is_refused_and_nothing_changes():
    X, y = nn.datasets.xor()
    optimizer = nn.Adam(lr=0.05)
    first, second = nn.MLP(2, [2, 1], "tanh", seed=1), nn.MLP(2, [2, 1], "tanh", seed=2)
    nn.fit(first, X, y, loss=nn.mse, optimizer=optimizer, epochs=1, progress=False)
    before = first.state_dict(), second.state_dict()
    with pytest.raises(ag.StructureError, match="expected one for this model"):
        nn.fit(second, X, y, loss=nn.mse, optimizer=optimizer, epochs=1, progress=False)
    assert before == (first.state_dict(), second.state_dict())


def test_training_under_no_grad_is_refused():
    X, y = nn.datasets.xor()
    with ag.no_grad(), pytest.raises(ag.OperandError, match="within no_grad"):
        nn.fit(nn.MLP(2, [2, 1], seed=1), X, y, loss=nn.mse, epochs=1, progress=False)


# --- an optimizer that computes the loss itself ------------------------------------------------------


def test_newton_cg_in_fit_is_its_own_loop():
    X, y = XOR
    fitted, alone = nn.MLP(2, [3, 1], "tanh", seed=1), nn.MLP(2, [3, 1], "tanh", seed=1)
    history = nn.fit(fitted, X, y, loss=nn.mse, optimizer=nn.NewtonCG(fitted), epochs=8, **QUIET)
    expected = nn.NewtonCG(alone).minimize(lambda: nn.mse([alone(x) for x in X], y), steps=8)
    assert history.loss == expected.loss[:8]
    assert history.loss[-1] < 1e-6
    assert [p.data for p in fitted.parameters()] == [p.data for p in alone.parameters()]
    assert history.ran == "graphs"


@pytest.mark.parametrize("biases", [True, False])
def test_newton_cg_in_fit_finds_the_ridge_regression(biases):
    """Over all data one step is the normal equations' solution."""
    X, y, lam = [[-1.0], [0.0], [1.0], [2.0]], [0.0, 1.0, 2.5, 5.0], 0.3
    model = nn.Neuron(1, "linear", seed=1)
    optimizer = nn.NewtonCG(model, radius=100.0)
    nn.fit(model, X, y, loss=nn.mse, optimizer=optimizer, epochs=20, l2=lam, l2_biases=biases, **QUIET)
    A = np.column_stack([np.array(X), np.ones(4)])
    expected = np.linalg.solve(A.T @ A / 4 + lam * np.diag([1.0, float(biases)]), A.T @ np.array(y) / 4)
    assert [p.data for p in model.parameters()] == pytest.approx(expected, abs=1e-8)


def test_newton_cg_in_fit_takes_minibatches_and_counts_what_is_right():
    X, y = nn.datasets.moons(20, noise=0.1, seed=1)
    model = nn.MLP(2, [4, 1], "tanh", seed=1)
    optimizer = nn.NewtonCG(model)
    history = nn.fit(model, X, y, loss=nn.binary_cross_entropy_with_logits, optimizer=optimizer, batch_size=10, epochs=15, seed=1, validation=(X, y), **QUIET)
    assert optimizer.steps > 15
    assert history.loss[-1] < 0.8 * history.loss[0]
    assert 0.5 < history.accuracy[-1] <= 1.0
    assert history.val_accuracy[-1] == nn.evaluate(model, X, y, loss=nn.binary_cross_entropy_with_logits).accuracy


@pytest.mark.parametrize("options", [{"max_grad_norm": 1.0}, {"compiled": True}])
def test_newton_cg_in_fit_wants_no_clipping_and_no_programs(options, monkeypatch):
    monkeypatch.undo()  # compiled=True without what compiles is an error of its own
    model = nn.MLP(2, [3, 1], "tanh", seed=1)
    before = [p.data for p in model.parameters()]
    with pytest.raises(ag.StructureError, match="NewtonCG trains on graphs"):
        nn.fit(model, *XOR, loss=nn.mse, optimizer=nn.NewtonCG(model), **options, **QUIET)
    with pytest.raises(ag.StructureError, match="parameters of another"):
        nn.fit(model, *XOR, loss=nn.mse, optimizer=nn.NewtonCG(nn.Neuron(2)), **QUIET)
    assert [p.data for p in model.parameters()] == before


def test_accuracy_is_a_function():
    with pytest.raises(ag.OperandError, match=r"fit: accuracy: expected a function of one prediction and its target .* got 5 \(int\)"):
        nn.fit(nn.Neuron(2), *XOR, loss=nn.mse, accuracy=5, **QUIET)


@pytest.mark.parametrize("none", [0, 0.0, None])
def test_a_validation_of_0_sets_nothing_aside(none):
    X, y = nn.datasets.xor()
    history = nn.fit(nn.Neuron(2, seed=0), X, y, loss=nn.mse, epochs=1, validation=none, progress=False)
    assert history.val_loss == []
