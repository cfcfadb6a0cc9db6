"""The experiments: what they must reach, that a seed repeats them, and that their shortcuts are what `fit` does."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
import nn
from nn import experiments
from nn.experiments import __main__ as shell
from nn.experiments import descents, overtrained, starts, wines, xor_starts

np = pytest.importorskip("numpy")
QUIET = {"progress": False}


# --- XOR ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def xor():
    return experiments.run("xor")


def test_xor_is_learnt_from_nearly_every_start(xor):
    """2-2-1 sigmoid units, all weights in [-1, 1]: at least 85 % of 200 starts, 95 % to be reached."""
    assert len(xor.ours.starts) == 200
    assert xor.share >= 0.95
    for start in xor.ours.starts:
        if start.learnt:
            assert all(abs(o - t) < 0.3 for o, t in zip(start.outputs, (0.1, 0.9, 0.9, 0.1), strict=True))
            assert (start.kind, start.reason, start.curvature) == ("learnt", "", None)


def test_xor_by_the_lectures_means_alone(xor):
    """Batch and incremental descent, constant rates, no momentum and no decay: about four starts in five learn it."""
    batch, slow, fast = xor.lecture
    assert [(r.settings.batch_size, r.settings.rate) for r in xor.lecture] == [(4, 1.0), (1, 0.5), (1, 1.2)]
    for runs, expected in ((batch, 0.80), (slow, 0.86), (fast, 0.75)):
        assert (runs.settings.momentum, runs.settings.weight_decay) == (0.0, 0.0)
        assert runs.settings.rate == runs.settings.last_rate
        assert len(runs.starts) == 200
        spread = math.sqrt(2 * expected * (1 - expected) / 200)  # of the difference of two samples of 200
        assert abs(runs.share - expected) < 3 * spread
    assert max(r.share for r in xor.lecture) < 0.93  # no cure


def test_every_xor_start_that_fails_is_diagnosed(xor):
    """Each is said to stand on a plateau, at a saddle or in a minimum, with what its hidden units do, and checked."""
    stuck = [start for runs in xor.lecture for start in runs.stuck] + xor.ours.stuck
    assert 20 < len(xor.plain.stuck) < 60
    X, _ = nn.datasets.xor(labels=(0.1, 0.9))
    for start in stuck:
        assert start.kind in ("plateau", "saddle", "local minimum", "still falling")
        assert start.reason.startswith(("both hidden units", "one hidden unit", "the hidden units"))
        assert "about" in start.reason
        model = xor_starts.network(start.seed)
        for p, w in zip(model.parameters(), start.weights, strict=True):
            p.data = w
        assert nn.predict(model, X) == pytest.approx(list(start.outputs), rel=1e-12)
        if start.kind == "plateau":
            assert start.slope < 0.02
    for runs in (*xor.lecture, xor.ours):
        assert "of 200 starts learnt it" in str(runs)
        assert all(start.kind in str(runs) for start in runs.stuck)


def test_no_two_kinds_of_start_have_one_colour():
    assert len(set(xor_starts.SHADES.values())) == len(xor_starts.SHADES)


def test_xor_starts_lie_in_minus_1_to_1_and_differ():
    weights = [[p.data for p in xor_starts.network(seed).parameters()] for seed in range(50)]
    assert all(len(ws) == 9 and all(-1 <= w <= 1 for w in ws) for ws in weights)
    assert len({tuple(ws) for ws in weights}) == 50
    assert min(min(ws) for ws in weights) < -0.9
    assert max(max(ws) for ws in weights) > 0.9


@pytest.mark.parametrize("settings_", [*xor_starts.LECTURE, xor_starts.OURS], ids=lambda s: f"{s.name} {s.rate}")
def test_a_start_is_what_fit_does(settings_):
    """Many starts at once, as rows of one program, give what each gives by itself."""
    short = xor_starts.Settings(settings_.name, 30, *(getattr(settings_, n) for n in ("batch_size", "rate", "last_rate", "momentum", "weight_decay")))
    runs = xor_starts.train(short, starts=4, seed=5)
    X, y = nn.datasets.xor(labels=(0.1, 0.9))
    for row, start in enumerate(runs.starts):
        model = xor_starts.network(start.seed)
        history = nn.fit(
            model, X, y, loss=nn.sse, optimizer=short.optimizer(), epochs=30, batch_size=short.batch_size, seed=start.seed,
            compiled=False, **QUIET,
        )  # fmt: skip
        assert [p.data for p in model.parameters()] == pytest.approx(list(start.weights), rel=1e-9)
        assert history.loss == pytest.approx(runs.losses[row].tolist(), rel=1e-9)


@pytest.mark.parametrize("optimizer", [lambda: nn.SGD(lr=0.1, momentum=0.9, weight_decay=0.01, decay_biases=False), lambda: nn.Adam(lr=0.1)])
@pytest.mark.parametrize("size", [None, 1, 3])
def test_any_model_can_be_trained_from_many_starts(optimizer, size):
    X, y = nn.datasets.moons(7, labels=(-1, 1))
    make = lambda seed: nn.MLP(2, [3, 1], "tanh", seed=seed)
    trained = starts.train_starts(make, [3, 8], X, y, loss=nn.mse, optimizer=optimizer(), epochs=4, batch_size=size)
    for row, seed in enumerate((3, 8)):
        model = make(seed)
        history = nn.fit(model, X, y, loss=nn.mse, optimizer=optimizer(), epochs=4, batch_size=size, seed=seed, compiled=False, **QUIET)
        assert [p.data for p in model.parameters()] == pytest.approx(trained.weights[row].tolist(), rel=1e-9)
        assert history.loss == pytest.approx(trained.losses[row].tolist(), rel=1e-9)


def test_optimizers_that_work_on_one_parameter_at_a_time_are_refused():
    class Own(nn.SGD):
        def update(self, index, p, g, lr):
            return p - lr * g

    with pytest.raises(ag.OperandError, match="expected SGD, Adam or AdamW, got Own"):
        starts.train_starts(xor_starts.network, [1], *nn.datasets.xor(), loss=nn.sse, optimizer=Own(), epochs=1)


def test_many_starts_without_numpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ag.MissingExtraError, match=r"needs NumPy: pip install 'autograd-core\[fast\]'"):
        starts.train_starts(xor_starts.network, [1], *nn.datasets.xor(), loss=nn.sse, optimizer=nn.SGD(), epochs=1)


X4, Y4 = nn.datasets.xor(labels=(0.1, 0.9))
LINE = (9.0, 9.0, -4.0)  # w, w, b of a unit that tells 00 from the rest
CORNER = (9.0, 9.0, -13.0)  # 11 from the rest


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ([*LINE, *CORNER, 9.0, -9.0, -4.5], ""),
        ([0.0] * 9, "both hidden units are constant; all outputs are about 0.50"),
        ([*LINE, 0.0, 0.0, 9.0, 1.0, 0.0, -0.3], "one hidden unit is constant, saturated; 01 and 10 and 11 all give about 0.7"),
        ([*LINE, 0.0, 0.0, 0.0, 1.0, 0.0, -0.3], "one hidden unit is constant; 01 and 10 and 11 all give about 0.7"),
        ([*LINE, *LINE, 1.0, 1.0, -3.0], "both hidden units draw the same line; 01 and 10 and 11 all give about 0.3"),
        ([9.0, 9.0, -13.0, 9.0, 0.0, -4.0, 9.0, -9.0, 0.0], "both hidden units are saturated at 00 and 01; 00 and 01 and 11 all give about 0.5"),
        ([9.0, 9.0, -13.0, 2.0, 0.0, -1.0, 9.0, -9.0, 3.0], "both hidden units are alike at 00 and 01; 00 and 01 give about 0.7"),
        ([9.0, 0.0, -4.0, 0.0, 9.0, -4.0, 2.0, -2.0, 0.0], "the hidden units tell all cases apart, the output does not; 00 and 11 give about 0.5"),
    ],
    ids=["learnt", "zeros", "saturated", "constant", "same line", "saturated alike", "alike", "told apart"],
)
def test_what_holds_a_start_up_is_named(weights, reason):
    start = xor_starts.judge(7, weights, X4, Y4)
    assert start.reason == reason
    assert start.learnt is (reason == "")
    assert start.seed == 7


@pytest.mark.parametrize(
    ("slope", "curvature", "kind"),
    [(0.1, -1.0, "still falling"), (0.001, -1.0, "saddle"), (1e-5, 0.1, "local minimum"), (1e-5, 0.0, "plateau"), (0.01, 0.1, "plateau")],
)
def test_where_a_start_stands(slope, curvature, kind):
    assert xor_starts._kind(slope, curvature) == kind


def test_slope_and_curvature_are_those_of_the_penalised_error():
    """At zero weights the gradient and the curvature of 1/2 sum (t - o)^2 + decay/2 sum w^2 are known by hand."""
    start = xor_starts.judge(0, [0.0] * 9, X4, Y4, decay=0.5)
    assert start.slope == pytest.approx(0.0, abs=1e-15)  # outputs are 0.5, and the mean target is
    assert start.curvature == pytest.approx(0.5)  # hidden weights do nothing there: the penalty alone
    shifted = xor_starts.judge(0, [1.0] + [0.0] * 8, X4, Y4, decay=0.5)
    assert shifted.slope == pytest.approx(0.5, rel=1e-3)


def test_xor_is_repeated_by_its_seed_and_drawn(xor):
    small, again, other = (experiments.xor(seed=s, starts=3) for s in (1, 1, 2))
    assert small.plain.starts == again.plain.starts != other.plain.starts
    pictures = xor.pictures()
    assert list(pictures) == ["xor_runs.png", "xor.png"]
    [few] = pictures["xor_runs.png"].axes
    assert [line.get_ydata().tolist() for line in few.get_lines()] == xor.plain.losses[:8].tolist()
    assert len({line.get_color() for line in few.get_lines()}) == 8
    assert [len(axes.get_lines()) for axes in pictures["xor.png"].axes] == [200] * 4
    assert pictures["xor.png"].axes[0].get_title() == f"batch, lr 1: {100 * xor.plain.share:.1f} % learn XOR"


def test_outcomes_show_themselves_as_their_text(xor):
    small = experiments.descent(), experiments.logistic(), xor, xor.plain
    assert all(repr(outcome) == str(outcome) for outcome in small)
    assert str(xor) == "\n".join(map(str, (*xor.lecture, xor.ours)))


def curves(axes):
    """What is drawn in a panel, by its label."""
    return {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}


# --- wine -----------------------------------------------------------------------------------------


def test_wine_is_told_apart():
    """13 properties, 3 classes, the real data: at least 97 % of test cases, the mean over 20 random splits."""
    pytest.importorskip("sklearn")
    pytest.importorskip("llvmlite")
    outcome = experiments.run("wine")
    assert len(outcome.accuracies) == 20
    assert outcome.mean >= 0.97
    assert outcome.cases == (125, 53)
    assert outcome.confusion.n == 20 * 53
    assert outcome.confusion.accuracy == pytest.approx(outcome.mean)
    assert f"{100 * outcome.mean:.1f} % of test cases right" in repr(outcome)
    figure = outcome.pictures()["wine.png"]
    assert [axes.get_title() for axes in figure.axes] == ["one split", "20 splits", "test cases of all splits"]
    assert curves(figure.axes[0]) == {"training": outcome.history.loss, "test": outcome.history.val_loss}
    shares, mean = (list(line.get_ydata()) for line in figure.axes[1].get_lines())
    assert shares == [100 * a for a in sorted(outcome.accuracies)]
    assert set(mean) == {100 * outcome.mean}


def test_wine_on_programs_and_on_graphs(monkeypatch):
    pytest.importorskip("sklearn")
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(wines, "EPOCHS", 2)
    one, two = (experiments.wine(splits=1, compiled=compiled) for compiled in (True, False))
    assert one.accuracies == two.accuracies
    assert one.history.loss == pytest.approx(two.history.loss, rel=1e-9)


# --- over-training ----------------------------------------------------------------------------------


def test_over_training_is_seen_and_early_stopping_helps():
    outcome = experiments.run("overtraining")
    over, stopped = outcome.over, outcome.stopped
    assert over.train.accuracy == 1.0  # learnt by heart
    assert over.history.loss[-1] < 0.01
    assert over.history.val_loss[-1] > 2 * min(over.history.val_loss)  # and the test loss rises
    assert stopped.history.best_epoch < len(stopped.history.loss) < len(over.history.loss)
    assert stopped.test.accuracy > over.test.accuracy + 0.03
    # one seed: they are the same run, until one stops
    assert stopped.history.loss == over.history.loss[: len(stopped.history.loss)]
    found = nn.evaluate(stopped.model, *outcome.unseen, loss=nn.binary_cross_entropy_with_logits)
    assert found.accuracy == stopped.test.accuracy
    assert "stopped early" in repr(outcome)
    figure = outcome.pictures()["overtraining.png"]
    assert len(figure.axes) == 6
    assert figure.axes[0].get_title() == "over-trained"
    assert figure.axes[5].get_title() == f"test cases: {100 * stopped.test.accuracy:.1f} % right"
    for panels, run, unseen in ((figure.axes[:2], over, "test"), (figure.axes[3:5], stopped, "set aside")):
        best = stopped.history.best_epoch
        drawn = {"training": run.history.loss, unseen: run.history.val_loss, f"epoch {best}": [0, 1]}
        assert curves(panels[0]) == drawn
        assert [len(line.get_xdata()) for line in panels[1].get_lines()] == [outcome.data[1].count(k) for k in (0, 1)]


def test_over_training_on_programs_and_on_graphs(monkeypatch):
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(overtrained, "EPOCHS", 5)
    monkeypatch.setattr(overtrained, "UNSEEN", 30)
    one, two = (experiments.overtraining(seed=1, compiled=compiled) for compiled in (True, False))
    assert one.over.history.val_loss == pytest.approx(two.over.history.val_loss, rel=1e-9)
    assert one.stopped.history.best_epoch == two.stopped.history.best_epoch


# --- logistic regression ----------------------------------------------------------------------------

NUMBERS = st.lists(st.floats(-3, 3), min_size=3, max_size=3)


@given(x=NUMBERS, w=NUMBERS, b=st.floats(-3, 3), y=st.sampled_from([0.0, 1.0]))
@examples(60)
def test_logistic_regression_has_dz_dw_db(x, w, b, y):
    """dz = a - y, dw = (a - y) x, db = a - y; dL/da = -y / a + (1 - y) / (1 - a)."""
    graph = experiments.logistic(x=x, y=y, w=w, b=b)
    a = 1 / (1 + math.exp(-(sum(p * q for p, q in zip(w, x, strict=True)) + b)))
    assert graph.a == pytest.approx(a, rel=1e-9)
    close = {"rel": 1e-9 + 4e-16 / min(a, 1 - a), "abs": 1e-12}  # 1 - a loses digits where a is near 1
    assert graph.dz == pytest.approx(a - y, **close)
    assert graph.db == pytest.approx(a - y, **close)
    assert graph.dw == pytest.approx([(a - y) * xi for xi in x], **close)
    assert ag.grad_of(graph.loss, [graph.output])[0] == pytest.approx(-y / a + (1 - y) / (1 - a), **close)


def test_logistic_regression_is_stepped():
    """Step by step: first dL/da, then dz, then db and dw, each as the chain rule adds its product."""
    graph = experiments.logistic(x=(1.0, -2.0, 0.5), y=1.0, w=(0.5, 0.25, -0.5), b=0.1)
    steps = graph.steps()
    order = [line.split()[0] for line in steps]
    assert [name for i, name in enumerate(order) if name not in order[:i]] == ["a", "z", "b", "w1", "w2", "w3"]
    final = {line.split()[0]: float(line.rsplit("=", 1)[1]) for line in steps}
    error = graph.a - 1.0
    assert final["z"] == pytest.approx(error, abs=5e-5)
    assert final["w2"] == pytest.approx(-2.0 * error, abs=5e-5)
    stepper = graph.pictures()["logistic_steps.html"]
    nodes = [ag.backward_steps(graph.loss)[i].node for i in range(len(ag.backward_steps(graph.loss)))]
    assert nodes.index(graph.z) > nodes.index(graph.output)
    assert len(stepper) > len(nodes)


def test_logistic_regression_prints_both_sides():
    text = str(experiments.logistic(x=[2.0], y=1.0, w=[0.0], b=0.0))
    assert "z = 0.0000, a = 0.5000, L = 0.6931" in text
    assert "dw1     -1.000000   (a - y) x1 -1.000000" in text
    assert str(experiments.run("logistic", seed=1)) == str(experiments.run("logistic", seed=1)) != str(experiments.run("logistic"))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"y": 0.5}, ag.RangeError, "y: expected 0 or 1"),
        ({"w": [1.0]}, ag.StructureError, "expected 3 weights, one per input, got 1"),
        ({"x": 3.0}, ag.OperandError, "x: expected a list of numbers"),
        ({"x": []}, ag.OperandError, "x: expected a list of numbers"),
    ],
)
def test_logistic_regression_of_what_makes_no_sense(options, error, message):
    with pytest.raises(error, match=message):
        experiments.logistic(**options)


# --- three kinds of descent -------------------------------------------------------------------------


def test_three_kinds_of_descent_reach_the_best_line():
    outcome = experiments.run("descent")
    assert [(w.name, w.batch_size, len(w.points) - 1) for w in outcome.ways] == [("batch", 12, 8), ("incremental", 1, 96), ("minibatch", 4, 24)]
    slope, offset = np.polyfit([x for (x,) in outcome.X], outcome.t, 1)
    assert outcome.best == pytest.approx((slope, offset))
    least = descents.cost_of(outcome.X, outcome.t, *outcome.best)
    for way in outcome.ways:
        assert way.cost < 1.2 * least < 0.2 * descents.cost_of(outcome.X, outcome.t, *way.points[0])
    for way in outcome.ways[:1]:  # a batch step is -eta times the gradient of the whole error
        for (w, b), (w2, b2) in zip(way.points, way.points[1:], strict=False):
            errors = [t - (w * x + b) for (x,), t in zip(outcome.X, outcome.t, strict=True)]
            assert w2 - w == pytest.approx(way.rate * sum(e * x for e, (x,) in zip(errors, outcome.X, strict=True)))
            assert b2 - b == pytest.approx(way.rate * sum(errors))
    assert "incremental" in str(outcome)
    figure = outcome.pictures()["descent.png"]
    assert [axes.get_title() for axes in figure.axes] == ["batch: 8 steps", "incremental: 96 steps", "minibatch: 24 steps"]


# --- shared weights, and signals that fade ----------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_a_shared_weight_has_the_gradients_of_its_copies_added_up(seed):
    """df/dmu = df/da + df/db + df/dc."""
    found = experiments.run("convolution", seed=seed)
    assert found.names == ("w0", "w1", "b")
    for used, copies, gradient in zip(found.uses, found.copies, found.gradients, strict=True):
        assert len(copies) == 3
        assert used == pytest.approx(copies, rel=1e-12)
        assert sum(copies) == pytest.approx(gradient, rel=1e-12)
    x, (w0, w1, b) = np.array([0.5, -1.0, 2.0, 1.0]), (w.data for w in found.weights)
    by_hand = np.convolve(x, [w1, w0], "valid") + b
    assert found.loss.data == pytest.approx(0.5 * sum((by_hand - (by_hand - np.array(found.copies[2]))) ** 2))
    assert f"{found.gradients[0]:.4f}" in str(found)
    assert repr(found) == str(found)
    assert "patch2" in found.pictures()["convolution.svg"].svg


@pytest.mark.parametrize("signal", [[1.0], 2.0])
def test_a_convolution_needs_a_patch(signal):
    with pytest.raises(ag.StructureError, match="signal: expected a list of at least 2 numbers"):
        experiments.convolution(signal=signal)


def test_errors_fade_by_sigmoid_and_softmax_and_become_sparse_by_relu():
    outcome = experiments.run("attenuation")
    small, large = outcome.measured
    for name in ("sigmoid", "softmax"):
        assert small.norms[name][-1] < 1e-15
        assert large.norms[name][-1] < 1e-6
    assert large.norms["relu"][-1] > 1e6
    assert 0.4 < np.mean(small.zeros["relu"][1:]) < 0.6
    assert str(outcome).count("Length of the error signal") == repr(outcome).count("Length of the error signal") == 2
    assert list(outcome.pictures()) == ["attenuation_gain1.png", "attenuation_gain4.png"]


@pytest.mark.parametrize("run", [lambda: experiments.wine(splits=0), lambda: experiments.xor(starts=0)])
def test_no_runs_are_no_experiment(run):
    with pytest.raises(ag.RangeError, match="expected at least 1, got 0"):
        run()


# --- the table and the command line ----------------------------------------------------------------


def test_the_table_has_a_row_for_every_experiment():
    names = [primitive.name for primitive in experiments.EXPERIMENTS]
    assert sorted(names) == sorted(set(names))
    assert {"xor", "wine", "overtraining", "logistic", "convolution", "memory", "attenuation", "descent"} <= set(names)
    for primitive in experiments.EXPERIMENTS:
        assert experiments.experiment(primitive.name) is primitive
        assert primitive.summary
    with pytest.raises(ag.RangeError, match="expected one of attenuation, .*got 'xnor'"):
        experiments.run("xnor")


def test_one_command_prints_a_table_and_saves_pictures(tmp_path, capsys):
    folder = tmp_path / "new" / "pictures"
    assert shell.main(["descent", "logistic", "-o", str(folder), "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert "The delta rule on a linear unit" in out
    assert str(experiments.run("logistic", seed=3)) in out
    assert sorted(p.name for p in folder.iterdir()) == ["descent.png", "logistic.svg", "logistic_steps.html"]
    assert all(p.stat().st_size > 1000 for p in folder.iterdir())


def test_all_runs_all(monkeypatch, capsys):
    rows = tuple(experiments.Experiment(name, "", lambda *, seed=0, name=name: f"{name} {seed}") for name in "ab")
    monkeypatch.setattr(shell, "EXPERIMENTS", rows)
    monkeypatch.setattr(shell, "experiment", {primitive.name: primitive for primitive in rows}.get)
    assert shell.main(["all"]) == 0
    assert capsys.readouterr().out.split("\n")[:2] == ["a 0", "b 0"]


def test_the_command_line_says_what_is_wrong(tmp_path, capsys, monkeypatch):
    with pytest.raises(SystemExit):
        shell.main(["xnor"])
    assert "invalid choice: 'xnor'" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert shell.main(["logistic", "-o", str(tmp_path / "file")]) == 2
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert shell.main(["wine"]) == 2
    assert "needs scikit-learn" in capsys.readouterr().err
