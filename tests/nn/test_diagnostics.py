"""The diagnosis names what keeps a network from learning, where, with which number, and what to do; and is quiet else."""

import math
import random
import sys

import pytest

import autograd_core as ag
import nn
from nn._src.analysis.units import units_of

X = [[0.1, 0.9], [0.8, -0.3], [-0.5, 0.4], [0.3, -0.7]]
T = [0.3, 0.6, 0.2, 0.7]


def sigmoid_net(seed=1, scale=1.0):
    model = nn.Sequential(nn.MLP(2, [3, 1], "sigmoid", seed=seed), nn.Sigmoid())
    for p in model.parameters():
        p.data *= scale
    return model


def kinds(report):
    return [f.kind for f in report.findings]


# --- healthy networks are left in peace -----------------------------------------------------------

HEALTHY = {
    "mlp": (lambda: nn.MLP(2, [8, 1], "tanh", seed=1), X, T, nn.mse),
    "relu": (lambda: nn.MLP(2, [8, 8, 1], "relu", seed=2), *nn.datasets.moons(40, labels=(-1, 1)), nn.hinge),
    "sigmoid": (sigmoid_net, X, T, nn.sse),
    "logits": (lambda: nn.MLP(2, [3, 3], "tanh", seed=1), X, [0, 1, 2, 0], nn.cross_entropy),
    "xor": (sigmoid_net, nn.datasets.xor()[0], [0.1, 0.9, 0.9, 0.1], nn.sse),
    "log": (lambda: nn.Sequential(nn.Linear(2, 2, seed=1), nn.LogSoftmax()), X, [0, 1, 1, 0], nn.nll_loss),
    "probabilities": (sigmoid_net, X, [0, 1, 1, 0], nn.binary_cross_entropy),
    "scores": (lambda: nn.Linear(2, 1, seed=1), X, [0, 1, 1, 0], nn.binary_cross_entropy_with_logits),
    "rnn": (lambda: nn.Sequential(lambda x: [[x[0]], [x[1]]], nn.RNN(1, 3, seed=1), lambda y: y[1][0]), X, T, nn.mse),
    "conv": (lambda: nn.Sequential(lambda x: [x], nn.Conv1d(1, 2, 1, seed=1), nn.Flatten(), nn.Linear(4, 1, seed=1)), X, T, nn.mse),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_odd_where_nothing_is(name):
    make, rows, targets, loss = HEALTHY[name]
    report = nn.diagnose(make(), rows, targets, loss, lr=0.01)
    assert report.ok, str(report)
    assert nn.diagnose(make(), rows).ok
    assert report.layers
    assert str(report).startswith(f"Nothing odd on {len(rows)} cases.\nlayer")


def test_wine_is_healthy_when_scaled_and_odd_when_not():
    pytest.importorskip("sklearn")
    rows, y = nn.datasets.wine()
    model = nn.MLP(13, [8, 3], "tanh", seed=1)
    report = nn.diagnose(model, rows, y, nn.cross_entropy)
    assert report.of("inputs")
    assert report.of("saturated")
    assert nn.diagnose(model, nn.StandardScaler().fit_transform(rows), y, nn.cross_entropy).ok


def test_the_flat_share_counts_units_and_cases():
    """tanh of the inputs themselves: a slope 1 - tanh² below 0.001 begins at |z| of about 4.15."""
    model = nn.Layer(2, 2, "tanh", init=nn.init.constant(0.0))
    for k, neuron in enumerate(model.neurons):
        neuron.w[k].data = 1.0
    [layer] = nn.diagnose(model, [[0.0, 4.1], [4.2, -9.0], [1.0, 1.0], [-5.0, 2.0]]).layers
    assert layer.flat == 3 / 8


# --- planted faults, each found by its name ------------------------------------------------------


def dead():
    model = nn.MLP(2, [3, 1], seed=1)
    model.layers[0].neurons[1].b.data = -50.0
    return model


def deep(activation, scale, layers=6):
    return nn.MLP(2, [4] * layers + [1], activation, init=nn.init.normal(0.0, scale), seed=1)


def twins():
    return nn.MLP(2, [3, 1], "tanh", init=nn.init.constant(0.3))


def not_finite():
    model = nn.Linear(2, 1, seed=1)
    model.bias[0].data = math.nan
    return model


def linear():
    return nn.Linear(2, 1, seed=1)


def scores(n=3):
    return nn.Linear(2, n, seed=1)


SIGMOID = lambda: nn.Sequential(linear(), nn.Sigmoid())
TANH = lambda: nn.Sequential(linear(), nn.Tanh())
RELU = lambda: nn.Sequential(nn.Linear(2, 1, init=nn.init.constant(1.0)), nn.ReLU())
SOFTMAX = lambda: nn.Sequential(scores(), nn.Softmax())
PLANTED = [
    # what, model, X, y, loss, kind, where, part of the text, part of the advice
    ("saturated", lambda: sigmoid_net(scale=200), X, T, nn.sse, "saturated", "layer1/neuron0", "slope of sigmoid is below 0.001", "Smaller initial weights"),
    ("dead", dead, X, T, nn.mse, "dead", "layer1/neuron1", "passes nothing in all 4 cases", "leaky_relu"),
    ("vanishing", lambda: deep("sigmoid", 0.1), X, T, nn.mse, "vanishing", "layer1", "times those of layer7", "relu instead of sigmoid"),
    ("exploding", lambda: deep("relu", 30.0, 3), X, T, nn.mse, "exploding", "layer1", "times those of layer4", "max_grad_norm"),
    ("fading outputs", lambda: deep("linear", 0.1, 3), X, T, nn.mse, "vanishing", "layer4", "times the inputs", "xavier"),
    ("large inputs", linear, [[0.1, 900.0], [0.2, 700.0]], T[:2], nn.mse, "inputs", "column 1", "goes up to 900, beyond 10", "nn.MinMaxScaler()"),
    ("uneven inputs", linear, [[0.001, 5.0], [0.002, 3.0]], T[:2], nn.mse, "inputs", "columns 0 and 1", "range over 0.001 and 2, 2e3 times", "nn.StandardScaler()"),
    ("constant input", linear, [[0.5, 1.0], [0.7, 1.0]], T[:2], nn.mse, "inputs", "column 1", "is 1 in all cases", "leave it out"),
    ("inputs that are none", linear, [[math.nan, 1.0], [0.7, math.inf]], T[:2], nn.mse, "not finite", "column 0", "1 of 2 values", "Mend these rows"),
    ("predictions that are none", not_finite, X, T, nn.mse, "not finite", "case 0", "in 4 of 4 cases", "detect_anomaly"),
    ("parameters that are none", not_finite, X, T, nn.mse, "not finite", "bias.0", "it is nan", "Load earlier weights"),
    ("large weights", lambda: nn.Linear(2, 1, init=nn.init.constant(30.0)), X, T, nn.mse, "weights", "Linear", "largest weight is 30", "weight decay"),
    ("twins", twins, X, T, nn.mse, "weights", "layer1", "layer1/neuron0 and layer1/neuron1 have the same weights", "random weights"),
    ("0 and 1 for a sigmoid", SIGMOID, X, [0, 1, 1, 0], nn.sse, "targets", "all", "4 of 4 lie at the limits 0 and 1 of sigmoid", "Use 0.1 for 0 and 0.9 for 1"),
    ("-1 and 1 for tanh", TANH, X, [0.5, 1, 1, -1], nn.mse, "targets", "all", "3 of 4 lie at the limits -1 and 1 of tanh", "Use -0.8 for -1 and 0.8 for 1"),
    ("2 for a sigmoid", SIGMOID, X, [0.5, 0.5, 2, 0.5], nn.mse, "targets", "all", "1 of 4, such as 2, lie outside of (0, 1)", "make the output linear"),
    ("negative for relu", RELU, X, [1.0, -1.0, 1.0, 0.0], nn.mse, "targets", "all", "outside of (0, inf), where relu ends", "linear"),
    ("large targets", linear, X, [500.0, 1, 1, 0], nn.mse, "targets", "all", "go up to 500", "Scale them"),
    ("classes on one node", SIGMOID, X, [0.1, 0.5, 0.9, 0.5], nn.sse, "targets", "all", "3 values alone, 0.1, 0.5, 0.9: if", "One output per class"),
    ("classes on one tanh node", TANH, X * 2, [[t] for t in (-0.8, 0.0, 0.8, 0.0) * 2], nn.mse, "targets", "all", "3 values alone, -0.8, 0, 0.8", "nn.one_hot"),
    ("classes on one linear node", linear, X, [0.1, 0.9, 0.5, 0.5], nn.mse, "targets", "all", "3 values alone, 0.1, 0.5, 0.9: if", "One output per class"),
    ("class numbers as numbers", linear, X * 5, [0, 1, 2, 3] * 5, nn.mse, "targets", "all", "4 values alone, 0, 1, 2, ...: if", "class numbers"),
    ("classes on one of two nodes", lambda: nn.Sequential(scores(2), nn.Sigmoid()), X * 5, [[0.1, 0.3], [0.5, 0.31], [0.9, 0.7], [0.5, 0.2]] * 5, nn.sse, "targets", "output 0", "3 values alone", "One output per class"),
    ("too many hidden units", lambda: nn.MLP(2, [60, 1], "tanh", seed=1), X, T, nn.mse, "size", "layer1", "241 parameters and 60 hidden units for 4 cases, 60.2", "Fewer hidden units"),
    ("too many in two layers", lambda: nn.MLP(2, [3, 30, 3], "tanh", seed=1), X, [0, 1, 2, 0], nn.cross_entropy, "size", "layer2", "222 parameters and 33 hidden units", "early_stopping"),
    ("classes from 1", scores, X, [1, 2, 3, 1], nn.cross_entropy, "labels", "y", "0 to 2, got 3", "Count classes from 0"),
    ("classes by name", scores, X, ["a", "b", "a", "b"], nn.cross_entropy, "labels", "y", "got 'a'", "nn.one_hot(y)"),
    ("classes as floats", scores, X, [0.0, 1.0, 0.0, 1.0], nn.cross_entropy, "labels", "y", "an int, got 0.0", "int(t)"),
    ("hinge with 0", linear, X, [0, 1, 1, 0], nn.hinge, "labels", "y", "expected targets -1 or 1, got 0", "as the loss takes them"),
    ("a class that never comes", scores, X, [0, 1, 0, 1], nn.cross_entropy, "labels", "class 2", "of 3 outputs, 1 never", "One output per class"),
    ("softmax twice", SOFTMAX, X, [0, 1, 2, 0], nn.cross_entropy, "outputs", "last layer", "softmax is there twice", "Leave Softmax out"),
    ("softmax for logs", SOFTMAX, X, [0, 1, 2, 0], nn.nll_loss, "outputs", "last layer", "at most 0", "LogSoftmax"),
    ("scores for probabilities", lambda: nn.Linear(2, 1, init=nn.init.constant(3.0)), X, [0, 1, 1, 0], nn.binary_cross_entropy, "outputs", "last layer", "takes probabilities, and got", "with_logits"),
    ("sigmoid twice", SIGMOID, X, [0, 1, 1, 0], nn.binary_cross_entropy_with_logits, "outputs", "last layer", "it is there twice", "Leave the sigmoid out"),
]  # fmt: skip


ELEVEN = [[math.sin(3 * i), math.cos(5 * i)] for i in range(11)]
ORDINARY = {
    # numbers that are measured, or few, though some of them come twice
    "two values": (SIGMOID, X, [0.1, 0.9, 0.9, 0.1], nn.sse),
    "uneven": (SIGMOID, X * 5, [0.1, 0.3, 0.9, 0.3] * 5, nn.sse),
    "each once": (SIGMOID, X, [0.1, 0.3, 0.5, 0.7], nn.sse),
    "a grid": (SIGMOID, ELEVEN, [0.05 + 0.09 * i for i in range(11)], nn.sse),
    "|x| on a grid": (linear, ELEVEN, [abs(i - 5.0) for i in range(11)], nn.mse),
    "halves": (linear, X * 10, [0.5, 1.0, 1.5, 1.0] * 10, nn.mse),
    "one-hot": (lambda: nn.Sequential(scores(), nn.Sigmoid()), X * 5, nn.one_hot([0, 1, 2, 0] * 5, low=0.1, high=0.9), nn.sse),
    "all the same": (SIGMOID, X, [0.4] * 4, nn.sse),
    "19 parameters a case": (lambda: nn.MLP(2, [19, 1], "tanh", seed=1), X, T, nn.mse),
    "no hidden units": (lambda: nn.Linear(100, 1, seed=1), [[math.sin(i * j + i) for j in range(100)] for i in range(1, 5)], T, nn.mse),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_targets_and_sizes_are_left_in_peace(name):
    make, rows, targets, loss = ORDINARY[name]
    report = nn.diagnose(make(), rows, targets, loss)
    assert not report.of("size"), str(report)
    assert not [f for f in report.of("targets") if "classes" in f.text], str(report)


def test_a_look_at_few_cases_without_targets_says_nothing_about_size():
    assert nn.diagnose(nn.MLP(2, [60, 1], "tanh", seed=1), X).ok


def test_the_size_is_that_of_all_cases_not_of_those_that_are_looked_at():
    model = nn.MLP(2, [20, 1], "tanh", seed=1)
    assert not nn.diagnose(model, X * 10, T * 10, nn.mse, cases=2).of("size")


@pytest.mark.parametrize("fault", PLANTED, ids=lambda fault: fault[0])
def test_a_planted_fault_is_named(fault):
    _, make, rows, targets, loss, kind, where, text, advice = fault
    report = nn.diagnose(make(), rows, targets, loss)
    found = [f for f in report.of(kind) if f.where == where and text in f.text]
    assert found, str(report)
    assert advice in found[0].advice
    assert isinstance(found[0].number, (int, float))
    assert not report.ok
    for shown in (str(report), report._repr_html_().replace("&#x27;", "'")):
        assert found[0].where in shown
        assert found[0].kind in shown


def above(x):
    return math.nextafter(x, math.inf)


def unit(w, *, squashed=False):
    line = nn.Linear(1, 1, bias=False, init=nn.init.constant(w))
    return nn.Sequential(line, nn.Sigmoid()) if squashed else line


def of_size(n):
    """n parameters, two of them those of hidden units."""
    hidden = nn.MLP(1, [1, 1], "tanh", seed=0, bias=False)
    return nn.diagnose(nn.Sequential(hidden, nn.Linear(1, n - 2, seed=0, bias=False)), [[0.1]], [[0.5] * (n - 2)], nn.mse)


# What the docstring says "beyond", "above" and "more than" of: the number itself, which is in order, and the next one.
LIMITS = {
    "inputs": (10.0, above(10.0), lambda x: nn.diagnose(unit(1.0), [[x], [5.0]])),
    "ranges": (1.0, 0.999, lambda x: nn.diagnose(nn.Linear(2, 1, seed=0), [[0.0, 0.0], [10.0, x]])),
    "weights": (20.0, above(20.0), lambda w: nn.diagnose(unit(w), [[0.1], [0.2]])),
    "weights of sigmoids": (3.0, above(3.0), lambda w: nn.diagnose(unit(w, squashed=True), [[0.1], [0.2]])),
    "weights where half is flat": (1.0, above(1.0), lambda w: nn.diagnose(unit(w, squashed=True), [[0.1], [9.0]])),
    "targets": (100.0, above(100.0), lambda t: nn.diagnose(nn.Linear(1, 1, seed=0), [[0.1], [0.2]], [0.5, t], nn.mse)),
    "parameters": (20, 21, of_size),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_in_order_and_what_is_beyond_is_named(name):
    at, beyond, look = LIMITS[name]
    assert look(at).ok, str(look(at))
    assert not look(beyond).ok


def test_half_of_the_slopes_is_said_as_half_and_less_is_none():
    [finding] = nn.diagnose(unit(2.0, squashed=True), [[0.1], [9.0]]).of("weights")
    assert "50 % of slopes" in finding.text
    assert nn.diagnose(unit(2.0, squashed=True), [[0.1], [0.2], [9.0]]).ok


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
def test_up_to_three_findings_are_listed_one_by_one(n):
    found = nn.diagnose(nn.Linear(n, 1, seed=0), [[0.5] * n] * 3).of("inputs")
    assert [f.where for f in found] == ([f"column {j}" for j in range(n)] if n <= 3 else ["column 0, column 1, column 2, ..."])


def test_a_learning_rate_that_is_too_large_gets_a_better_one():
    model = nn.Linear(2, 1, seed=1)
    [finding] = nn.diagnose(model, X, T, nn.mse, lr=100.0).findings
    assert finding.kind == "learning rate"
    better = float(finding.advice.split("At ")[1].split(" ")[0])
    assert 0 < better < 100.0
    assert nn.diagnose(model, X, T, nn.mse, lr=better).ok


def test_a_learning_rate_that_does_nothing():
    [finding] = nn.diagnose(nn.Linear(2, 1, seed=1), X, T, nn.mse, lr=1e-12).findings
    assert (finding.kind, finding.number) == ("learning rate", 1e-12)
    assert "A larger one" in finding.advice


def test_no_rate_is_tried_where_there_is_no_loss():
    for model, targets, loss in ((linear(), [0, 1, 1, 0], nn.hinge), (not_finite(), T, nn.mse)):
        assert not nn.diagnose(model, X, targets, loss, lr=100.0).of("learning rate")


def test_at_a_minimum_no_rate_is_at_fault():
    model = nn.Linear(1, 1, init=nn.init.constant(2.0))
    assert not nn.diagnose(model, [[0.5], [0.25]], [1.0, 0.5], nn.mse, lr=0.1).of("learning rate")


def test_without_targets_the_model_and_its_inputs_are_looked_at():
    report = nn.diagnose(sigmoid_net(scale=200), [[0.1, 90.0], [0.2, 70.0]])
    assert {"saturated", "inputs", "weights"} <= set(kinds(report))
    assert nn.diagnose(nn.ReLU(), X).layers == ()


def test_many_findings_of_a_kind_become_one():
    report = nn.diagnose(nn.Linear(8, 1, seed=1), [[100.0 * i + j for j in range(8)] for i in range(3)])
    [finding] = report.of("inputs")
    assert finding.where == "column 7, column 6, column 5, ..."  # the largest first
    assert "8 columns in all" in finding.text


def test_nothing_is_changed():
    model = nn.Sequential(nn.Dropout(0.5, seed=1), nn.MLP(2, [3, 1], seed=1))
    model.parameters()[0].grad = 7.0
    before = model.state_dict()
    state = random.getstate()
    assert str(nn.diagnose(model, X, T, nn.mse, lr=0.1)) == str(nn.diagnose(model, X, T, nn.mse, lr=0.1))
    assert (model.state_dict(), model.parameters()[0].grad, model.training) == (before, 7.0, True)
    assert random.getstate() == state


def test_many_cases_are_looked_at_evenly():
    seen = []

    class Spy(nn.Module):
        def __init__(self):
            self.w = ag.Value(1.0)

        def forward(self, x):
            seen.append(x[0])
            return self.w * x[0]

    report = nn.diagnose(Spy(), [[i / 100] for i in range(100)], cases=10)
    assert report.cases == 10
    assert seen == [i / 10 for i in range(10)]
    assert [layer.name for layer in report.layers] == ["Spy"]


def test_numbers_of_a_layer_are_what_one_computes():
    model = nn.MLP(1, [2, 1], "tanh", seed=3)
    rows, targets = [[0.5], [-1.0]], [0.2, 0.4]
    report = nn.diagnose(model, rows, targets, nn.sse)
    first, last = report.layers
    hidden = [[n([x]) for n in model.layers[0].neurons] for (x,) in rows]
    deltas = [model([x]).data - t for (x,), t in zip(rows, targets, strict=True)]  # of the linear output, by hand
    v = model.layers[1].neurons[0].w
    below = [d * v[j].data * (1 - h[j].data ** 2) for d, h in zip(deltas, hidden, strict=True) for j in range(2)]

    def rms(xs):
        return math.sqrt(sum(x * x for x in xs) / len(xs))

    assert last.error == pytest.approx(rms(deltas))
    assert first.error == pytest.approx(rms(below))
    assert first.signal == pytest.approx(rms([y.data for h in hidden for y in h]))
    assert (first.units, first.activation, first.flat) == (2, "tanh", 0.0)
    assert last.weight == pytest.approx(rms([w.data for w in v]))
    assert last.largest == max(abs(w.data) for w in v)


def test_the_picture_has_a_bar_for_every_layer():
    report = nn.diagnose(deep("sigmoid", 0.1), X, T, nn.mse)
    figure = report.plot()
    assert [len(axes.patches) for axes in figure.axes] == [7, 7, 7, 7]
    heights = [bar.get_width() for bar in figure.axes[1].patches]
    assert heights == [layer.error for layer in report.layers]
    for axes in figure.axes:
        if axes.get_xlabel().startswith("%"):
            assert axes.get_xlim() == (0.0, 100.0)
        else:  # every bar has an end that can be seen
            assert axes.get_xscale() == "log"
            assert all(axes.get_xlim()[0] < bar.get_width() < axes.get_xlim()[1] for bar in axes.patches)
    assert nn.diagnose(not_finite(), X, T, nn.mse).plot()._repr_png_().startswith(b"\x89PNG")


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ag.MissingExtraError, match="Diagnosis.plot needs matplotlib"):
        nn.diagnose(linear(), X).plot()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.diagnose(abs, X), ag.OperandError, "expected a Module"),
        (lambda: nn.diagnose(linear(), X, T), ag.OperandError, "both y and loss, or neither"),
        (lambda: nn.diagnose(linear(), X, loss=nn.mse), ag.OperandError, "both y and loss, or neither"),
        (lambda: nn.diagnose(linear(), X, T, "mse"), ag.OperandError, "both y and loss"),
        (lambda: nn.diagnose(linear(), X, T[:2], nn.mse), ag.StructureError, "one target per row"),
        (lambda: nn.diagnose(linear(), [], [], nn.mse), ag.StructureError, "at least one"),
        (lambda: nn.diagnose(linear(), [[1.0]], [1.0], nn.mse), ag.StructureError, "expected 2 inputs"),
        (lambda: nn.diagnose(linear(), X, T, nn.mse, lr=0.0), ag.RangeError, "diagnose: lr"),
        (lambda: nn.diagnose(linear(), X, T, nn.mse, cases=0), ag.RangeError, "diagnose: cases"),
        (lambda: nn.diagnose(linear(), 3.0), ag.OperandError, "diagnose: X"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- units are found in any model -----------------------------------------------------------------

UNITS = {
    "mlp": (lambda: nn.MLP(2, [2, 1], "tanh", seed=1), [1.0, 2.0], ["layer1/neuron0", "layer1/neuron1", "layer2/neuron0"]),
    "sequential": (
        lambda: nn.Sequential(nn.Linear(2, 1, seed=1), nn.Tanh(), nn.Linear(1, 1, seed=1)), [1.0, 2.0],
        ["layer1/neuron0", "layer2/neuron0"],
    ),
    "layer": (lambda: nn.Layer(2, 2, seed=0), [1.0, 2.0], ["neuron0", "neuron1"]),
    "neuron": (lambda: nn.Neuron(1, seed=0), [1.0], ["Neuron"]),
    "rnn": (lambda: nn.RNN(1, 2, seed=1), [[1.0], [2.0]], ["rnn/w_ih[0]", "rnn/w_ih[1]"]),
    "conv": (lambda: nn.Sequential(nn.Conv1d(1, 2, 2, seed=1), nn.ReLU()), [[1.0, 2.0, 3.0]], ["conv/w[0][0]", "conv/w[1][0]"]),
}  # fmt: skip


@pytest.mark.parametrize("name", UNITS)
def test_units_have_names_in_any_model(name):

    make, x, expected = UNITS[name]
    model = make()
    units = units_of(model, [model(x)])
    assert [u.name for u in units] == expected
    assert {len(u.sums) for u in units} == {2 if name in ("rnn", "conv") else 1}  # one per step, one per patch
    assert units[0].activation == {"mlp": "tanh", "sequential": "tanh", "rnn": "tanh"}.get(name, "relu")


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.MLP(2, [3, 1], "tanh", seed=1),
        lambda: nn.Sequential(nn.Linear(2, 3, seed=1), nn.Tanh(), nn.Linear(3, 1, seed=2)),
        lambda: nn.Sequential(nn.Layer(2, 3, "tanh", seed=1), nn.Neuron(3, "linear", seed=2)),
        lambda: nn.Sequential(nn.MLP(2, [3, 2], "tanh", seed=1), nn.Linear(2, 1, seed=2)),
        lambda: nn.Sequential(nn.MLP(2, [3, 2], "tanh", seed=1), nn.Tanh(), nn.MLP(2, [2, 1], seed=2)),
    ],
)
def test_units_and_layers_have_the_names_of_the_forward_pass(make):
    model, rows = make(), [[1.0, 2.0], [-1.0, 0.5]]
    run = nn.forward_pass(model, rows[0])
    found = units_of(model, [model(x) for x in rows])
    assert [u.name for u in found] == [u.name for units in run.layers.values() for u in units]
    assert [state.name for state in nn.diagnose(model, rows).layers] == list(run.layers)


class Nameless(nn.Module):
    """Two units of one name."""

    def __init__(self):
        self.a, self.b = [ag.Value(1.0)], [ag.Value(2.0)]

    def forward(self, x):
        return ag.dot(self.b, [ag.tanh(ag.dot(self.a, x))])


def test_units_of_one_name_keep_their_error_signals():
    """E = 1/2 z^2 with z = 2 tanh x: dE/dz = z, and dE/ds = 2 z (1 - tanh^2 x)."""
    [layer] = nn.diagnose(Nameless(), [[0.5]], [0.0], nn.sse).layers
    z = 2 * math.tanh(0.5)
    assert layer.error == pytest.approx(math.sqrt((z**2 + (2 * z * (1 - math.tanh(0.5) ** 2)) ** 2) / 2))


# --- plateaus, and units that are nearly alike ---------------------------------------------------


def trained_xor(seed, bound=1.0, epochs=5000, **how):
    """2-2-1 sigmoid units after so many epochs of batch descent, as Downing has them."""
    pytest.importorskip("llvmlite", reason="on graphs it takes minutes")
    start = nn.init.uniform(-bound, bound)
    model = nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", init=start, bias_init=start, seed=seed)
    rows, y = nn.datasets.xor()
    if epochs:
        nn.fit(model, rows, y, optimizer=nn.SGD(lr=0.5), epochs=epochs, progress=False, **{"loss": nn.sse} | how)
    return model, rows, y


@pytest.mark.parametrize("seed", range(8))
def test_a_start_that_came_to_rest_is_told_from_one_that_has_learnt(seed):
    model, rows, y = trained_xor(seed)
    stuck = nn.evaluate(model, rows, y, loss=nn.sse).loss > 0.1
    report = nn.diagnose(model, rows, y, nn.sse, lr=1e-6)
    assert bool(report.of("plateau")) == stuck == (seed in (2, 5))
    [rate] = report.of("learning rate")
    assert rate.advice.startswith("It isn't the rate" if stuck else "A larger one")
    if stuck:
        [found] = report.of("plateau")
        assert "50 % of 4 cases are wrong" in found.text
        assert "layer1/neuron0 in 50 % of cases, layer1/neuron1 in 50 % of cases" in found.text
        assert "A larger learning rate hardly helps" in found.advice
        assert found.number == pytest.approx(gradient_length(model, rows, y))


def gradient_length(model, rows, y):
    model.zero_grad()
    nn.sse([model(x) for x in rows], y).backward()
    return math.hypot(*(p.grad for p in model.parameters()))


@pytest.mark.parametrize("loss", [nn.sse, nn.mse, nn.binary_cross_entropy])
@pytest.mark.parametrize("seed", range(6))
def test_hidden_units_that_are_nearly_alike_are_named(loss, seed):
    model, rows, y = trained_xor(seed, bound=0.1, epochs=0)
    [found] = nn.diagnose(model, rows, y, loss).of("weights")
    assert found.where == "layer1"
    assert "2 units are nearly alike" in found.text
    assert "Larger random weights" in found.advice
    outputs = [1 / (1 + math.exp(-u.b.data - sum(w.data * v for w, v in zip(u.w, x)))) for x in rows for u in model.layers[0].neurons]
    middle = sum(outputs) / 8
    spread = math.sqrt(sum((o - middle) ** 2 for o in outputs) / sum(o * o for o in outputs))
    assert found.number == pytest.approx(spread)
    assert spread < 0.05
    model, rows, y = trained_xor(seed, bound=1.0, epochs=0)
    report = nn.diagnose(model, rows, y, loss)
    assert not report.of("weights")
    assert not report.of("plateau")  # a random start is none
    model, *_ = trained_xor(seed, bound=0.1, epochs=0)
    small = nn.MLP(2, [2, 1], "tanh", init=nn.init.uniform(-0.1, 0.1), seed=seed)  # tanh tells signs apart
    assert not nn.diagnose(small, rows, y, nn.mse).of("weights")


def test_numbers_are_neither_right_nor_wrong():
    model = nn.MLP(1, [2, 1], "sigmoid", seed=1)
    rows, y = [[0.0], [1.0], [2.0]], [0.0, 3.0, 7.0]
    nn.fit(model, rows, [3.0, 3.0, 3.0], loss=nn.mse, optimizer=nn.SGD(lr=0.1), epochs=300, progress=False)
    assert not nn.diagnose(model, rows, y, nn.mse).of("plateau")


def test_a_classifier_at_zero_is_on_a_plateau_by_its_own_rule():
    zero = nn.MLP(2, [3, 3], "tanh", init=nn.init.constant(0.0))
    report = nn.diagnose(zero, X, [1, 2, 1, 2], nn.cross_entropy)
    assert not report.of("plateau")  # the biases have a gradient
    report = nn.diagnose(nn.MLP(2, [3, 1], "tanh", init=nn.init.constant(0.0)), X, [0, 1, 1, 0], nn.binary_cross_entropy_with_logits, lr=1.0)
    assert report.of("plateau")[0].number == 0.0


@pytest.mark.parametrize(
    ("activation", "named", "never"),
    [("relu", "leaky_relu where units are off", "instead of"), ("sigmoid", "relu instead of sigmoid", "leaky"), ("tanh", "relu instead of tanh", "sigmoid")],
)
def test_advice_against_fading_fits_the_activations(activation, named, never):
    model = nn.MLP(2, [2] * 8 + [1], activation, seed=1, init=nn.init.uniform(-0.1, 0.1))
    found = nn.diagnose(model, *nn.datasets.xor(), loss=nn.mse).of("vanishing")
    assert found
    for finding in found:
        assert named in finding.advice
        assert never not in finding.advice


def test_columns_are_explained():
    said = str(nn.diagnose(nn.MLP(2, [2, 1], "tanh", seed=1), *nn.datasets.xor(), loss=nn.mse))
    for column in ("flat:", "signal:", "error:", "weights:"):
        assert column in said


# --- the course of training ------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [0.0, 1e-9, 1e-6])
@pytest.mark.parametrize("compiled", [False, None])
def test_a_rate_that_is_too_small_is_named(lr, compiled):
    model = nn.MLP(2, [4, 1], "tanh", seed=1)
    history = nn.fit(model, X, T, loss=nn.mse, optimizer=nn.SGD(lr=lr), epochs=5, progress=False, compiled=compiled)
    assert history.lr == lr
    [finding] = nn.diagnose(model, X, T, nn.mse, history=history).of("learning rate")
    assert finding.where == f"lr={lr:g}"


def test_a_rate_that_is_too_large_is_named_and_warned_of():
    model = nn.MLP(2, [4, 1], "relu", seed=1)
    with pytest.warns(UserWarning, match=r"fit: the loss grew from .* at lr=5: start anew with a smaller lr \(0.5, say\)"):
        history = nn.fit(model, X, T, loss=nn.mse, optimizer=nn.SGD(lr=5.0), epochs=9, progress=False)
    [finding] = nn.diagnose(model, X, T, nn.mse, history=history).of("learning rate")
    assert "the loss grew from" in finding.text


def test_training_that_went_well_is_left_in_peace():
    model = nn.MLP(2, [8, 1], "tanh", seed=1)
    for epochs in (300, 5):  # the second time next to nothing is left to learn
        history = nn.fit(model, X, T, loss=nn.mse, optimizer=nn.Adam(lr=0.01), epochs=epochs, progress=False)
        assert not nn.diagnose(model, X, T, nn.mse, history=history).of("learning rate")
    with pytest.raises(ag.OperandError, match="expected what fit returned"):
        nn.diagnose(model, X, T, nn.mse, history=[1.0])


def test_the_widest_column_comes_first_and_scaling_is_the_cure():
    rows = [[15.0 * a, 0.1 * b, 1600.0 * a * b] for a, b in X]
    report = nn.diagnose(nn.MLP(3, [8, 8, 1], "sigmoid", seed=1), rows, T, nn.mse)
    assert report.of("inputs")[0].where == "column 2"
    assert not any("relu instead" in f.advice for f in report.findings)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_extreme_initial_weights_are_named_and_those_of_a_trained_network_are_not(activation):
    X, y = nn.datasets.xor()
    found = {}
    for bound in (0.1, 1.0, 5.0):
        named = untold = 0
        for seed in range(20):
            draw = nn.init.uniform(-bound, bound)
            model = nn.MLP(2, [2, 1], activation, output="sigmoid", init=draw, bias_init=draw, seed=seed)
            by_loss, alone = nn.diagnose(model, X, y, nn.sse), nn.diagnose(model, X)
            named += any(f.kind == "weights" and f.text.startswith("they go up to") for f in by_loss.findings)
            if bound == 5.0:  # else no cause: it has learnt, or stands still already
                named += any(f.kind == "plateau" for f in by_loss.findings)
            untold += not any(f.text.startswith("they go up to") for f in alone.findings)
        found[bound] = named
        assert untold == 20 if bound < 5 else untold <= 2  # by chance all weights are small
    assert found[0.1] == found[1.0] == 0
    assert found[5.0] >= 17
    model = nn.MLP(2, [4, 1], activation, output="sigmoid", seed=1)
    nn.fit(model, X, y, loss=nn.binary_cross_entropy, optimizer=nn.Adam(lr=0.1), epochs=300, progress=False)
    assert max(abs(p.data) for p in model.parameters()) > 3
    assert not [f for f in nn.diagnose(model, X, y, nn.binary_cross_entropy).findings if f.kind == "weights"]
