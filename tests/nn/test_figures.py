"""Every matplotlib figure says what it shows: what its axes are, whole numbers where it counts, from the first one on."""

import re
from pathlib import Path

import pytest

import nn
from nn import experiments
from nn._src.support.figures import figure_of
from nn.experiments import adding, overtrained, wines, xor_starts

pytest.importorskip("matplotlib")
pytest.importorskip("numpy")

FIRST = {"epoch": 1, "split, in order": 1, "layers back from the loss": 0, "steps back, k": 0}  # of axes that count
X, Y = [[0.0, 1.0], [1.0, 0.5], [-1.0, 2.0]], [0.0, 1.0, 1.0]


def memory(_):
    history = nn.History([0.5, 0.25], val_loss=[0.5, 0.375])
    model = adding.LastState(nn.RNN(2, 2, seed=0), seed=0)
    return adding.Memory(3, {"plain": history}, {"plain": model}, [[0.5, 1.0], [0.25, 0.0], [0.5, 1.0]]).plot()


def wine(monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setattr(wines, "EPOCHS", 2)
    return experiments.wine(splits=2, compiled=False).pictures()["wine.png"]


def overtraining(monkeypatch):
    monkeypatch.setattr(overtrained, "EPOCHS", 2)
    monkeypatch.setattr(overtrained, "UNSEEN", 4)
    monkeypatch.setattr(overtrained, "_border", lambda axes, run, data: axes.set_title("training cases"))  # 1 089 points
    return experiments.overtraining(compiled=False).pictures()["overtraining.png"]


def xor(_):
    runs = [xor_starts.train(xor_starts.Settings(name, 3, 4, 1.0, 1.0, 0.0, 0.0), starts=2) for name in ("batch", "ours")]
    return list(xor_starts.XorOutcome((runs[0],) * 3, runs[1]).pictures().values())


FIGURES = {
    "History.plot": lambda _: nn.History([0.5, 0.25], val_loss=[1.0, 0.5], accuracy=[0.5, 1.0]).plot(),
    "Hessian.plot": lambda _: nn.hessian(nn.MLP(2, [1], seed=0), X, Y, loss=nn.mse).plot(),
    "ConfusionMatrix.plot": lambda _: nn.ConfusionMatrix(("cat", "dog"), ((5, 1), (0, 4))).plot(),
    "SignalOverTime.plot": lambda _: nn.SignalOverTime([1.0, 0.5]).plot(beside={"b": nn.SignalOverTime([1.0, 2.0])}),
    "Attenuation.plot": lambda _: nn.attenuation(depth=3, width=3, runs=1, seed=0).plot(),
    "ActivationCurve.plot": lambda _: nn.activation_curve("relu").plot(),
    "Diagnosis.plot": lambda _: nn.diagnose(nn.MLP(2, [2, 1], "tanh", seed=1), X, Y, loss=nn.mse).plot(),
    "LinearTime.plot": lambda _: experiments.linear_time(widths=[2, 4], cases=1, repeats=1).plot(),
    "XorOutcome.pictures": xor,
    "DescentOutcome.pictures": lambda _: experiments.descent().pictures()["descent.png"],
    "Memory.plot": memory,
    "WineOutcome.pictures": wine,
    "OvertrainingOutcome.pictures": overtraining,
}

# Of each panel its title, with shares left out, and what is written at its axes.
SAID = {
    "History.plot": [
        ("", "epoch", "loss"),
        ("", "epoch", "accuracy"),
    ],
    "Hessian.plot": [
        ("", "", ""),
        ("", "", "∂²loss / ∂p ∂q"),
    ],
    "ConfusionMatrix.plot": [
        ("# % of 10 right", "predicted class", "true class"),
    ],
    "SignalOverTime.plot": [
        ("", "steps back, k", "‖∂state_T / ∂state_(T−k)‖"),
    ],
    "Attenuation.plot": [
        ("weights of gain 1, 3 units per layer", "layers back from the loss", "length of the error signal"),
        ("no zeros: sigmoid, softmax, tanh", "layers back from the loss", "share of zeros in it"),
    ],
    "ActivationCurve.plot": [
        ("relu", "x", "f(x)"),
        ("slope of relu", "x", "f′(x)"),
    ],
    "Diagnosis.plot": [
        ("signal", "root mean square", ""),
        ("error signal", "root mean square", ""),
        ("flat slopes", "% of units and cases", ""),
        ("weights", "root mean square", ""),
    ],
    "LinearTime.plot": [
        ("", "edges of the graph", "milliseconds"),
        ("", "edges of the graph", "quotient of times"),
    ],
    "XorOutcome.pictures": [
        ("2 runs, batch, lr 1", "epoch", "½ Σ (t − o)² of an epoch"),
        ("batch, lr 1: # % learn XOR", "epoch", "½ Σ (t − o)² of an epoch"),
        ("batch, lr 1: # % learn XOR", "epoch", "½ Σ (t − o)² of an epoch"),
        ("batch, lr 1: # % learn XOR", "epoch", "½ Σ (t − o)² of an epoch"),
        ("ours, lr 1: # % learn XOR", "epoch", "½ Σ (t − o)² of an epoch"),
    ],
    "DescentOutcome.pictures": [
        ("batch: 8 steps", "w", "b"),
        ("incremental: 96 steps", "w", ""),
        ("minibatch: 24 steps", "w", ""),
    ],
    "Memory.plot": [
        ("", "epoch", "loss on unseen sequences"),
        ("", "steps back, k", "‖∂state_T / ∂state_(T−k)‖"),
    ],
    "WineOutcome.pictures": [
        ("one split", "epoch", "½ Σ (t − o)² of a case"),
        ("2 splits", "split, in order", "% of test cases right"),
        ("test cases of all splits", "predicted class", "true class"),
    ],
    "OvertrainingOutcome.pictures": [
        ("over-trained", "epoch", "cross-entropy"),
        ("training cases", "", ""),
        ("test cases: # % right", "predicted class", "true class"),
        ("stopped early", "epoch", "cross-entropy"),
        ("training cases", "", ""),
        ("test cases: # % right", "predicted class", "true class"),
    ],
}


@pytest.fixture(scope="module", params=FIGURES)
def figure(request):
    """(name, panels); each is made once."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        found = FIGURES[request.param](monkeypatch)
    return request.param, [axes for one in (found if isinstance(found, list) else [found]) for axes in one.axes]


def test_these_are_all_figures():
    folder = Path(nn.__file__).parent
    made = {name for path in folder.rglob("*.py") for name in re.findall(r'figure_of\("(\S+)"', path.read_text())}
    assert made == set(FIGURES) == set(SAID)


def test_every_panel_says_what_it_shows(figure):
    """Its title, and what its axes are."""
    name, panels = figure
    assert [(re.sub(r"[\d.]+ %", "# %", axes.get_title()), axes.get_xlabel(), axes.get_ylabel()) for axes in panels] == SAID[name]


def test_legends_name_their_lines(figure):
    """Each name once, of a line that is drawn; curves of one panel have names where there are several."""
    for axes in figure[1]:
        names = [text.get_text() for text in axes.get_legend().get_texts()] if axes.get_legend() else []
        assert all(names)
        assert len(set(names)) == len(names)
        assert set(names) <= {line.get_label() for line in axes.get_lines()}


def test_what_has_a_name_has_a_colour_of_its_own(figure):
    """Not that of what has none; the runs of one kind share theirs, and so do a curve and the dot on it."""
    name, panels = figure
    for axes in panels if name not in ("XorOutcome.pictures", "ActivationCurve.plot") else ():
        named = [line.get_color() for line in axes.get_lines() if not line.get_label().startswith("_")]
        others = {line.get_color() for line in axes.get_lines() if line.get_label().startswith("_")}
        assert len(set(named)) == len(named)
        assert not others.intersection(named)


def test_axes_that_count_begin_with_the_first(figure):
    """Curves and dots over epochs, splits, layers, steps; lines across have two points at most."""
    for axes in figure[1]:
        first = FIRST.get(axes.get_xlabel())
        curves = [list(line.get_xdata()) for line in axes.get_lines() if line.get_transform() == axes.transData]
        assert first is None or curves
        for x in curves if first is not None else ():
            assert x == list(range(first, first + len(x))), axes.get_xlabel()


def test_axes_that_count_have_whole_numbers_alone(figure):
    """However near one looks."""
    for axes in figure[1]:
        if axes.get_xlabel() in FIRST and axes.get_xscale() == "linear":
            for span in ((0.0, 2.5), (1.0, 2.0), (0.0, 7.0), (0.0, 1500.0)):
                axes.set_xlim(*span)
                assert all(at == round(at) for at in axes.xaxis.get_ticklocs()), (axes.get_xlabel(), span)


def test_width_and_height_are_those_of_one_panel():
    figure, panels = figure_of("here", 3, width=2.0, height=1.5, rows=2)
    assert (*figure.get_size_inches(), len(panels)) == (6.0, 3.0, 6)
