"""Early stopping: it ends when it should, gives back the best weights, and is the same on programs and graphs."""

import math

import pytest

import autograd_core as ag
import nn
from nn._src.training import training_run
from nn._src.training.stopping import Stopwatch

QUIET = {"progress": False}
X, Y = nn.datasets.moons(40, noise=0.4, seed=2)
HELD = nn.datasets.moons(80, noise=0.4, seed=3)


@pytest.fixture(params=[False, True], ids=["graphs", "programs"])
def compiled(request):
    if request.param:
        pytest.importorskip("llvmlite")
    return request.param


def overfit(compiled, **options):
    model = nn.MLP(2, [8, 1], "tanh", seed=1)
    history = nn.fit(
        model, X, Y, loss=nn.binary_cross_entropy_with_logits, optimizer=nn.Adam(lr=0.2), validation=HELD, compiled=compiled,
        seed=1, **{"epochs": 60} | QUIET | options,
    )  # fmt: skip
    return model, history


def loss_on_held(model):
    return nn.binary_cross_entropy_with_logits([model(x) for x in HELD[0]], HELD[1]).data


def numbers(rule, values):
    """What the rule says after each of some validation losses."""
    watch, history, said = Stopwatch(rule), nn.History(), []
    for value in values:
        history.val_loss.append(value)
        said.append((watch.improved(history), watch.over))
    return said, watch.best_epoch


def test_patience_counts_epochs_in_a_row_without_improvement():
    said, best = numbers(nn.EarlyStopping(patience=2), [3.0, 2.0, 2.5, 1.0, 1.0, 1.5])
    assert said == [(True, False), (True, False), (False, False), (True, False), (False, False), (False, True)]
    assert best == 4


def test_changes_up_to_min_delta_are_no_improvement():
    said, best = numbers(nn.EarlyStopping(patience=2, min_delta=0.5), [3.0, 2.6, 2.5, 2.4])
    assert said == [(True, False), (False, False), (False, True), (True, False)]
    assert best == 4


def test_not_a_number_is_no_improvement():
    said, best = numbers(nn.EarlyStopping(patience=2), [math.nan, math.nan])
    assert said == [(False, False), (False, True)]
    assert best == 0


def test_without_a_rule_nothing_stops():
    assert numbers(None, [1.0, 2.0]) == ([(False, False)] * 2, 0)


def test_accuracy_improves_upwards():
    watch, history = Stopwatch(nn.EarlyStopping(patience=1, monitor="accuracy")), nn.History()
    for share, better in ((0.5, True), (0.75, True), (0.6, False)):
        history.accuracy.append(share)
        assert watch.improved(history) is better
    assert watch.over


def test_it_stops_and_the_best_weights_come_back(compiled):
    model, history = overfit(compiled, early_stopping=nn.EarlyStopping(patience=5))
    assert history.ran == ("compiled" if compiled else "graphs")
    assert len(history.loss) == history.best_epoch + 5 < 60
    assert history.val_loss[history.best_epoch - 1] == min(history.val_loss)
    assert loss_on_held(model) == pytest.approx(min(history.val_loss), rel=1e-9)


def test_without_restoring_the_last_weights_stay(compiled):
    model, history = overfit(compiled, early_stopping=nn.EarlyStopping(patience=5, restore_best=False))
    assert loss_on_held(model) == pytest.approx(history.val_loss[-1], rel=1e-9)
    assert history.val_loss[-1] > min(history.val_loss)


def test_the_best_weights_come_back_where_all_epochs_were_run(compiled):
    model, history = overfit(compiled, early_stopping=nn.EarlyStopping(patience=1000))
    assert len(history.loss) == 60
    assert loss_on_held(model) == pytest.approx(min(history.val_loss), rel=1e-9) != history.val_loss[-1]


def test_stopping_early_is_training_for_fewer_epochs(compiled):
    stopped, history = overfit(compiled, early_stopping=nn.EarlyStopping(patience=5, restore_best=False))
    shorter, _ = overfit(compiled, epochs=len(history.loss))
    assert stopped.state_dict() == shorter.state_dict()
    best, history = overfit(compiled, early_stopping=nn.EarlyStopping(patience=5))
    shorter, _ = overfit(compiled, epochs=history.best_epoch)
    assert best.state_dict() == shorter.state_dict()


def test_programs_and_graphs_stop_at_the_same_epoch():
    pytest.importorskip("llvmlite")
    for monitor in ("loss", "val_loss", "val_accuracy", "accuracy"):
        rule = nn.EarlyStopping(patience=4, min_delta=1e-3, monitor=monitor)
        (one, a), (two, b) = (overfit(c, early_stopping=rule, epochs=100, batch_size=8, l2=1e-3, l2_biases=False) for c in (True, False))
        assert (len(a.loss), a.best_epoch) == (len(b.loss), b.best_epoch)
        assert list(one.state_dict().values()) == pytest.approx(list(two.state_dict().values()), rel=1e-9)


def test_a_history_knows_its_best_epoch_and_marks_it():
    _, history = overfit(False, epochs=3, early_stopping=nn.EarlyStopping(patience=9))
    labels = [text.get_text() for text in history.plot().axes[0].get_legend().get_texts()]
    assert labels == ["training", "validation", "best epoch"]
    _, history = overfit(False, epochs=1)
    assert history.best_epoch is None


def test_where_no_number_was_seen_the_last_weights_stay():
    model = nn.Neuron(1, "linear", seed=0)
    with pytest.warns(UserWarning, match="column 0"):
        history = nn.fit(
            model, [[math.nan], [1.0]], [1.0, 1.0], loss=nn.mse, epochs=9, **QUIET,
            early_stopping=nn.EarlyStopping(patience=3, monitor="loss"),
        )  # fmt: skip
    assert (len(history.loss), history.best_epoch) == (3, None)
    assert math.isnan(model.w[0].data)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": 0}, ag.RangeError, "patience: expected at least 1"),
        ({"patience": 1.5}, ag.OperandError, "patience: expected an int"),
        ({"min_delta": -1.0}, ag.RangeError, "min_delta"),
        ({"monitor": "mse"}, ag.RangeError, "monitor: expected one of loss, accuracy, val_loss, val_accuracy, got 'mse'"),
        ({"monitor": ["loss"]}, ag.RangeError, "monitor"),
    ],
)
def test_rules_that_make_no_sense(options, error, message):
    with pytest.raises(error, match=message):
        nn.EarlyStopping(**options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"early_stopping": nn.EarlyStopping(), "validation": None}, ag.StructureError, "expected validation= with monitor='val_loss'"),
        ({"early_stopping": nn.EarlyStopping(monitor="accuracy"), "loss": nn.mse}, ag.StructureError, "knows what is right"),
        ({"early_stopping": 5}, ag.OperandError, "expected an EarlyStopping"),
    ],
)
def test_what_cannot_be_watched_is_said_before_anything_changes(options, error, message):
    model = nn.MLP(2, [1], seed=1)
    before = model.state_dict()
    with pytest.raises(error, match=message):
        nn.fit(model, X, Y, **{"loss": nn.binary_cross_entropy_with_logits, "validation": HELD} | QUIET | options)
    assert model.state_dict() == before


def test_programs_that_fail_on_the_way_keep_the_best_weights(monkeypatch):
    """Halfway through, training goes back to graphs: the best weights are those of any epoch."""
    pytest.importorskip("llvmlite")
    refused = training_run.NotCompiledError("planted")
    real = training_run.programs.Programs.steps
    calls = []

    def fails_late(self, *about):
        calls.append(1)
        if len(calls) > 30:
            raise refused
        return real(self, *about)

    monkeypatch.setattr(training_run.programs.Programs, "steps", fails_late)
    rule = nn.EarlyStopping(patience=5)
    one, history = overfit(None, early_stopping=rule)
    monkeypatch.undo()
    two, expected = overfit(False, early_stopping=rule)
    assert history.best_epoch == expected.best_epoch
    assert list(one.state_dict().values()) == pytest.approx(list(two.state_dict().values()), rel=1e-9)
