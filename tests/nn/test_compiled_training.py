"""Training on programs gives what training on graphs gives, and says where it cannot."""

import contextlib
import functools
import inspect
import itertools
import math
import random
import sys
from fractions import Fraction

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core._src.compiler.runtime import specialization
from nn._src.modules import activations
from nn._src.training import side_effects
from nn._src.training.task import Task

pytest.importorskip("llvmlite")

X, SIDES = nn.datasets.moons(11, noise=0.1, seed=1, labels=(-1, 1))
BITS = [int(t > 0) for t in SIDES]
CLASSES = [i % 3 for i in range(11)]
REAL = [0.1 * i * i - 0.3 for i in range(11)]
SMOOTH = {"epochs": 100, "progress": False}


def run(make, y, loss, compiled, optimizer=None, X=X, **options):
    """Loss after each epoch, parameters, gradients, and the history."""
    model = make()
    history = nn.fit(
        model, X, y, loss=loss, optimizer=optimizer() if optimizer else nn.SGD(lr=0.05), compiled=compiled,
        **SMOOTH | {"seed": 3} | options,
    )  # fmt: skip
    return model, history


def agree(make, y, loss, optimizer=None, *, ran="compiled", compiled=True, **options):
    """Both ways give the same numbers; returns the compiled run."""
    eager, expected = run(make, y, loss, False, optimizer, **options)
    model, history = run(make, y, loss, compiled, optimizer, **options)
    assert expected.ran == "graphs"
    assert history.ran == ran
    for name in ("loss", "val_loss", "accuracy", "val_accuracy"):
        assert getattr(history, name) == pytest.approx(getattr(expected, name), rel=1e-9, abs=1e-12, nan_ok=True)
    for p, q in zip(model.parameters(), eager.parameters(), strict=True):
        assert type(p.data) is type(p.grad) is float
        assert p.data == pytest.approx(q.data, rel=1e-8, abs=1e-11, nan_ok=True)
        assert p.grad == pytest.approx(q.grad, rel=1e-7, abs=1e-10, nan_ok=True)
    assert model.training
    return model, history


def mlp(nout=1, activation="tanh", seed=1):
    return nn.MLP(2, [3, nout], activation, seed=seed)


# --- everything there is ------------------------------------------------------------------------

ONE_HOT = [[float(k == t) for k in range(3)] for t in CLASSES]
LOSSES = {
    "binary_cross_entropy": [(lambda: nn.Sequential(mlp(), nn.Sigmoid()), [0, 1, 0.25, *BITS[3:]])],
    "binary_cross_entropy_with_logits": [(mlp, BITS), (mlp, [0.5, *BITS[1:]])],
    "cross_entropy": [(lambda: mlp(3), CLASSES), (lambda: mlp(3), ONE_HOT)],
    "hinge": [(mlp, SIDES)],
    "hinge_loss": [(mlp, SIDES)],
    "huber_loss": [(mlp, REAL)],
    "l1_loss": [(mlp, REAL)],
    "mse": [(mlp, REAL), (lambda: mlp(2), [[a, -a] for a in REAL])],
    "mse_loss": [(lambda: nn.Sequential(mlp()), REAL)],
    "nll_loss": [(lambda: nn.Sequential(mlp(3), nn.LogSoftmax()), CLASSES)],
    "sse": [(mlp, REAL)],
}
EVERY_LOSS = {name for name, f in vars(nn._src.modules.losses).items() if inspect.isfunction(f) and name in nn.__all__}


@pytest.mark.parametrize("name", sorted(EVERY_LOSS))
def test_every_loss(name):
    for make, y in LOSSES[name]:
        optimizer = functools.partial(nn.SGD, lr=0.005 if name == "sse" else 0.05)
        agree(make, y, getattr(nn, name), optimizer)


@pytest.mark.parametrize("activation", sorted(activations.ACTIVATIONS))
def test_every_activation(activation):
    agree(lambda: mlp(activation=activation), REAL, nn.mse)


@pytest.mark.parametrize("optimizer", sorted(x for x in nn.__all__ if inspect.isclass(getattr(nn, x))
                                             and issubclass(getattr(nn, x), nn.Optimizer) and x != "Optimizer"))  # fmt: skip
def test_every_optimizer(optimizer):
    make = getattr(nn, optimizer)
    rate = nn.schedules.linear(0.05, 0.01, 100)
    for options in ({}, {"weight_decay": 0.1, "decay_biases": False}):
        agree(mlp, REAL, nn.mse, lambda o=options: make(lr=rate, **o))
    if "nesterov" in inspect.signature(make).parameters:
        for nesterov in (False, True):
            agree(mlp, REAL, nn.mse, lambda n=nesterov: make(lr=0.01, momentum=0.9, nesterov=n, weight_decay=0.1))


LAYERS = {
    "Conv1d": lambda: nn.Sequential(lambda x: [[x[0], x[1], x[0]]], nn.Conv1d(1, 1, 2, seed=1), lambda y: y[0]),
    "Conv2d": lambda: nn.Sequential(
        lambda x: [[[x[0], x[1]], [x[1], x[0]], [x[0], x[0]]]], nn.Conv2d(1, 1, 2, seed=1), lambda y: [r[0] for r in y[0]]
    ),
    "LSTM": lambda: nn.Sequential(lambda x: [[x[0]], [x[1]]], nn.LSTM(1, 2, seed=1), lambda y: y[1][0]),
    "RNN": lambda: nn.Sequential(lambda x: [[x[0]], [x[1]]], nn.RNN(1, 2, seed=1), lambda y: y[1]),
    "Dropout": lambda: nn.Sequential(nn.Dropout(0.5, seed=1), nn.Linear(2, 2, seed=1)),
    "Layer": lambda: nn.Layer(2, 2, "tanh", seed=1),
    "Linear": lambda: nn.Linear(2, 2, bias=False, seed=1),
    "MLP": lambda: mlp(2),
    "Module": lambda: Line(),
    "Neuron": lambda: nn.Sequential(nn.Layer(2, 2, "tanh", seed=1), lambda x: [x[0], x[1] * x[1]]),
    "Sequential": lambda: nn.Sequential(nn.Linear(2, 3, seed=1), nn.Tanh(), nn.Linear(3, 2, seed=2)),
}


class Line(nn.Module):
    """Parameters in a dict, a tuple and a list, one of them twice, and a part of another kind."""

    def __init__(self):
        a, b = ag.Value(0.5), ag.Value(-0.25)
        self.parts = {"a": a, "pair": (b, [a])}
        self.scale = 2.0

    def forward(self, x):
        b, (a,) = self.parts["pair"]
        return [self.parts["a"] * x[0] + b, a * x[1] * self.scale]


@pytest.mark.parametrize("name", sorted(x for x in nn.__all__ if inspect.isclass(getattr(nn, x))
                                        and issubclass(getattr(nn, x), nn.Module)))  # fmt: skip
def test_every_layer(name):
    kind = getattr(nn, name)
    make = LAYERS.get(name) or (lambda: nn.Sequential(nn.Linear(2, 2, seed=1), kind()))
    y = [[a, -a] for a in REAL]
    if name == "Dropout":
        agree(make, y, nn.mse, compiled=None, ran="graphs: model.modules[0]._rng changes when the model is called")
        return
    _, history = agree(make, y, nn.mse)
    assert history.loss[0] == pytest.approx(run(make, y, nn.mse, False, epochs=1)[1].loss[0], rel=1e-14)


# --- every way to train -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 4},
        {"batch_size": 4, "shuffle": False},
        {"batch_size": 1},
        {"l2": 0.01},
        {"l2": 0.01, "l2_biases": False},
        {"l2": 0.01, "l2_biases": False, "batch_size": 4, "max_grad_norm": 0.05},
        {"early_stopping": nn.EarlyStopping(patience=3, monitor="loss"), "batch_size": 3},
        {"early_stopping": nn.EarlyStopping(patience=3, min_delta=1e-4), "validation": 0.3, "l2": 0.1, "l2_biases": False},
        {"max_grad_norm": 0.05},
        {"max_grad_norm": 1e9},
        {"validation": 0.3, "batch_size": 4},
        {"validation": (X[:3], SIDES[:3])},
        {"accuracy": lambda p, t: p > 0.5 * t},
        {"X": np.array(X)},
    ],
    ids=",".join,
)
@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Adam])
def test_every_option(options, optimizer):
    agree(mlp, SIDES, nn.hinge, lambda: optimizer(lr=0.05), **options)


def test_many_classes_are_judged_alike_by_index_and_by_probabilities():
    for y in (CLASSES, ONE_HOT):
        agree(lambda: mlp(3), y, nn.cross_entropy, validation=0.3)
    mixed = [*ONE_HOT[:5], *CLASSES[5:]]
    agree(lambda: mlp(3), mixed, nn.cross_entropy)


def test_values_have_the_bits_of_graphs():
    make = functools.partial(mlp, activation="relu")
    one, two = (run(make, SIDES, nn.hinge, compiled, epochs=2)[1] for compiled in (True, False))
    assert one.loss[0] == two.loss[0]
    frozen = lambda: nn.SGD(lr=0.0)
    one, two = (run(make, SIDES, nn.hinge, compiled, frozen, epochs=3)[1] for compiled in (True, False))
    assert one.loss == two.loss


@pytest.mark.filterwarnings("ignore:fit. X. column 0 is NaN:UserWarning")
@pytest.mark.filterwarnings("ignore:fit. the loss grew:UserWarning")
def test_not_a_number_stays_what_it_is_in_graphs():
    spoiled = [*X[:-1], [math.nan, 0.0]]
    agree(mlp, SIDES, nn.hinge, X=spoiled, epochs=3)
    agree(lambda: mlp(3), CLASSES, nn.cross_entropy, X=spoiled, epochs=3, batch_size=4, seed=2)
    agree(lambda: nn.Neuron(2, "linear", seed=1), REAL, nn.mse, lambda: nn.SGD(lr=1e200), epochs=4)


def test_one_case_and_one_epoch():
    agree(mlp, [0.5], nn.mse, X=[[1.0, 2.0]])
    _, history = agree(mlp, [0.5], nn.mse, X=[[1.0, 2.0]], epochs=1)
    assert len(history.loss) == 1


def test_rows_may_be_numbers_or_tables():
    class Table(nn.Module):
        def __init__(self):
            self.w = [ag.Value(0.5), ag.Value(0.25)]

        def forward(self, x):
            return ag.dot(self.w, [sum(row) for row in x])

    agree(Table, REAL, nn.mse, lambda: nn.SGD(lr=0.001), X=[[[a, 1.0], [b, 2.0]] for a, b in X])
    agree(lambda: nn.Sequential(lambda x: [x], nn.Neuron(1, "tanh", seed=1)), REAL, nn.mse, X=[a for a, _ in X])


# --- optimizers ---------------------------------------------------------------------------------


class Own(nn.Optimizer):
    def update(self, index, p, g, lr):
        return p - lr * math.copysign(min(abs(g), 0.5), g)


class Noted(nn.Adam):
    def step(self):
        self.norm = math.hypot(*(p.grad for p in self.params))
        super().step()


@pytest.mark.parametrize("kind", [Own, Noted])
def test_an_optimizer_of_ones_own_gets_the_parameters(kind):
    agree(mlp, REAL, nn.mse, lambda: kind(lr=0.01), max_grad_norm=1.0)


@pytest.mark.parametrize("kind", [nn.SGD, nn.Adam, Own])
def test_an_optimizer_may_leave_parameters_out_and_have_its_own_order(kind):
    def trained(compiled):
        model = mlp()
        optimizer = kind(model.parameters()[:4][::-1], lr=0.05)
        nn.fit(model, X, REAL, loss=nn.mse, optimizer=optimizer, compiled=compiled, max_grad_norm=0.1, **SMOOTH)
        return [x for p in model.parameters() for x in (p.data, p.grad)]

    assert trained(True) == pytest.approx(trained(False), rel=1e-9, abs=1e-12)


def test_an_optimizer_goes_on_where_it_was():
    def trained(*ways):
        model, optimizer = mlp(), nn.Adam(lr=0.05)
        for compiled in ways:
            nn.fit(model, X, REAL, loss=nn.mse, optimizer=optimizer, compiled=compiled, **SMOOTH | {"epochs": 5})
        assert optimizer.steps == 5 * len(ways)
        assert all(type(x) is float for name in optimizer._kept for x in getattr(optimizer, name))
        return list(model.state_dict().values())

    assert trained(True, False, True) == pytest.approx(trained(False, False, False), rel=1e-9)


def test_what_was_trained_is_in_the_model_when_something_raises():
    def trained(compiled):
        model = mlp()
        optimizer = nn.SGD(lr=lambda step: 0.05 if step < 5 else -1.0)
        with pytest.raises(ag.RangeError, match="the rate at step 5"):
            nn.fit(model, X, REAL, loss=nn.mse, optimizer=optimizer, compiled=compiled, **SMOOTH)
        assert optimizer.steps == 5
        return list(model.state_dict().values())

    assert trained(True) == pytest.approx(trained(False), rel=1e-9)


# --- losses of one's own ------------------------------------------------------------------------


def root(p, t):
    return ag.sqrt(nn.mse(p, t))


def summed(p, t):
    return ag.sum([(a - b) ** 2 for a, b in zip(p, t)]) / 10


def weighted(p, t):
    weight = [2.0 if b > 0 else 1.0 for b in t]
    return ag.dot(weight, [(a - b) ** 2 for a, b in zip(p, t)]) / sum(weight)


def spread(p, t):
    return nn.mse(p, t) + 0.1 * ag.sum([(a - p[0]) ** 2 for a in p]) / (len(p) - 1)


def branching(p, t):
    return ag.mean([(a - b) ** 2 if a > b else 2.0 * (b - a) ** 2 for a, b in zip(p, t)])


def named(p, t):
    return ag.mean([(a - {"low": -1.0, "high": 1.0}[b]) ** 2 for a, b in zip(p, t)])


NAMES = ["high" if b else "low" for b in BITS]
GRAPHS = "compiled model, loss on graphs"


@pytest.mark.parametrize(
    ("loss", "y", "ran"),
    [
        (summed, REAL, "compiled"),
        (branching, REAL, "compiled"),
        (named, NAMES, "compiled"),
        (root, REAL, GRAPHS),
        (weighted, REAL, GRAPHS),
        (spread, REAL, GRAPHS),
    ],
)
@pytest.mark.parametrize("batch_size", [None, 4])
def test_losses_of_ones_own(loss, y, ran, batch_size):
    agree(mlp, y, loss, batch_size=batch_size, shuffle=loss is not spread, ran=ran, validation=(X[:5], y[:5]))


def test_a_loss_that_keeps_state_is_called_as_ever():
    def calls(compiled):
        seen = []

        def loss(p, t):
            seen.append(len(t))
            return nn.mse(p, t) * len(seen) ** -0.5

        _, history = run(mlp, REAL, loss, compiled, batch_size=4, validation=0.3, epochs=5)
        return seen, history

    (seen, history), (expected, other) = calls(True), calls(False)
    assert seen == expected
    assert history.ran == GRAPHS
    assert history.loss == pytest.approx(other.loss, rel=1e-9)


def test_targets_beyond_all_floats_and_tables_of_several_shapes():
    def even(p, t):
        return ag.mean([(a - b % 2) ** 2 for a, b in zip(p, t)])

    agree(mlp, [10**400 + k for k in CLASSES], even)
    rows = [[np.full((2, 2), 0.1)], *([np.full((2, k), 0.1)] for k in range(2, 12))]
    make = lambda: nn.Sequential(lambda x: [float(np.sum(x[0]))], nn.Neuron(1, "tanh", seed=1))
    assert "plain numbers" in run(make, REAL[:11], nn.mse, None, X=rows[:11], epochs=2)[1].ran


def test_many_kinds_of_targets_that_are_no_numbers():
    names = [f"t{i}" for i in range(40)]

    def loss(p, t):
        return ag.mean([(a - int(b[1:]) / 40) ** 2 for a, b in zip(p, t)])

    agree(mlp, names, loss, X=[[0.1 * i, 1.0] for i in range(40)], ran=GRAPHS)


def test_targets_that_are_values_keep_their_gradients():
    def gradients(compiled):
        y = [ag.Value(t) for t in REAL]
        history = run(mlp, y, nn.mse, compiled, epochs=3)[1]
        return [t.grad for t in y], history.ran

    got, ran = gradients(True)
    assert ran == GRAPHS
    assert got == pytest.approx(gradients(False)[0], rel=1e-9)


class Level:
    def __init__(self, height):
        self.height = height

    def __repr__(self):
        return "a level"


def test_targets_that_look_alike_are_not_taken_for_each_other():
    def loss(p, t):
        return ag.mean([(a - b.height) ** 2 for a, b in zip(p, t)])

    agree(mlp, [Level(t) for t in REAL], loss, ran=GRAPHS)


def test_a_loss_that_adds_up_to_nothing_tells_nothing():
    agree(mlp, REAL, lambda p, t: 0.0 * nn.mse(p, t), ran=GRAPHS)


# --- what stays on graphs, and why --------------------------------------------------------------


class Stairs(nn.Module):
    """A line whose slope depends on how many steps it has passed."""

    def __init__(self, start=0.5, steps=2):
        self.w, self.steps = ag.Value(start), steps

    def forward(self, x):
        y = self.w * x[0]
        passed = sum(1 for k in range(self.steps) if y > k)
        return y * (1.0 + 0.001 * passed)


def test_branches_are_followed():
    agree(Stairs, REAL, nn.mse)
    for steps, ran in ((4, "compiled"), (5, "graphs: a case takes 5 branches on numbers, and programs follow 4")):
        agree(lambda n=steps: Stairs(0.5, n), REAL, nn.mse, compiled=None, ran=ran)
        agree(lambda n=steps: Stairs(0.5, n), REAL, root, compiled=None, ran=ran if steps > 4 else GRAPHS)
    agree(lambda: Stairs(0.5, 5), REAL, nn.mse)
    agree(Stairs, SIDES, nn.hinge, validation=0.3)


@pytest.mark.parametrize("options", [{}, {"batch_size": 10}, {"validation": ([[30.0 + i] for i in range(30)], [0.0] * 30)}], ids=str)  # fmt: skip
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_branches_without_end_end_on_graphs(start, options, monkeypatch):
    monkeypatch.setattr(specialization, "PATIENCE", math.inf)  # of programs that are not kept no machine code is made
    data = [[float(i)] for i in range(10 if "validation" in options else 40)]
    train = functools.partial(
        run, lambda: Stairs(start, 60), data, nn.mse, X=data, optimizer=lambda: nn.SGD(lr=1e-4), **options
    )
    (_, history), (_, expected) = train(compiled=None), train(compiled=False)
    assert history.ran == "graphs: a case takes 60 branches on numbers, and programs follow 4"
    for name in ("loss", "val_loss"):
        assert getattr(history, name) == pytest.approx(getattr(expected, name), rel=1e-9)
    with pytest.raises(ag.StructureError, match="compiled=True: tracing raised GuardError"):
        train(compiled=True)


class Counting(nn.Module):
    def __init__(self):
        self.w, self.calls = ag.Value(0.5), 0

    def forward(self, x):
        self.calls += 1
        return self.w * x[0] / self.calls


class Noisy(nn.Module):
    def __init__(self, noise):
        self.w, self.noise = ag.Value(0.5), noise

    def forward(self, x):
        return self.w * x[0] + (self.noise() if self.training else 0.0)


class Captured(nn.Module):
    """A parameter that is used from another place as well stands in the program as a number there."""

    def __init__(self):
        self.w = ag.Value(0.5)
        self.more = lambda y, w=self.w: w * y

    def forward(self, x):
        return self.more(self.w * x[0])


class Looking(nn.Module):
    """In training it does something else where an input is no plain number, as it is in a program."""

    def __init__(self):
        self.w = ag.Value(0.5)

    def forward(self, x):
        return self.w * x[0] + (0.25 if self.training and isinstance(x[0], ag.Value) else 0.0)


class Keyed(nn.Module):
    def __init__(self):
        self.table = [ag.Value(0.1 * i) for i in range(3)]

    def forward(self, x):
        return self.table[x[0]] * 2.0


class Paired(nn.Module):
    def __init__(self):
        self.w = ag.Value(0.5)

    def forward(self, x):
        return {"y": self.w * x[0]}


class Exact(nn.Module):
    def __init__(self):
        self.w = ag.Value(Fraction(1, 2))

    def forward(self, x):
        return self.w * x[0]


def of_dicts(p, t):
    return nn.mse([q["y"] for q in p], t)


REASONS = {
    "_rng changes": (lambda: nn.Sequential(nn.Dropout(0.5, seed=1), nn.Linear(2, 1, seed=1)), nn.mse, {}),
    "model.calls changes": (Counting, nn.mse, {}),
    "the generator of random changes": (lambda: Noisy(random.random), nn.mse, {}),
    "the generator of numpy.random changes": (lambda: Noisy(np.random.random), nn.mse, {}),
    "model.noise changes": (lambda: Noisy(np.random.default_rng(1).random), nn.mse, {}),
    "a program gave other gradients": (Captured, nn.mse, {}),
    "a program gave other predictions": (Looking, nn.mse, {}),
    "tracing raised TypeError": (Keyed, nn.mse, {"X": [[i % 3] for i in range(11)]}),
    "neither numbers nor lists": (Paired, of_dicts, {}),
    "some parameters are no floats": (Exact, nn.mse, {}),
    "the inputs are not all plain numbers": (mlp, nn.mse, {"X": [[ag.Value(a), b] for a, b in X]}),
}


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_what_stays_on_graphs_says_why(reason):
    make, loss, options = REASONS[reason]
    pythons, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002

    def trained(compiled):
        random.setstate(pythons)
        np.random.set_state(numpys)  # noqa: NPY002
        return run(make, REAL, loss, compiled, epochs=5, **options)

    with pytest.raises(ag.StructureError, match=f"compiled=True: .*{reason}"):
        trained(True)
    (_, history), (_, expected) = trained(None), trained(False)
    assert reason in history.ran
    assert history.loss == expected.loss


def test_anomalies_are_looked_for_on_graphs():
    with ag.detect_anomaly():
        _, history = run(mlp, REAL, nn.mse, None, epochs=3)
    assert history.ran == "graphs: detect_anomaly() is to see every operation"


def test_the_least_work_is_compiled():
    """What runs depends on no number of epochs or cases: training may be cut into calls anywhere."""
    for n, epochs in ((1, 1), (11, 1), (11, 3)):
        assert run(mlp, REAL[:n], nn.mse, None, X=X[:n], epochs=epochs)[1].ran == "compiled"


@pytest.mark.parametrize("scale", [1.0, 1e5])
@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("loss", [nn.mse, root], ids=["mse", "on graphs"])
def test_where_a_fit_is_as_good_as_it_can_be(scale, noise, loss):
    """What is left of the gradient is rounding, and tells nothing of the program."""
    xs = [scale * (i - 5.0) for i in range(11)]
    y = [2.0 * x + noise * scale * ((-1) ** i - (-1 / 11)) for i, x in enumerate(xs)]
    [[slope, offset], *_] = np.linalg.lstsq(np.array([[x, 1.0] for x in xs]), np.array(y), rcond=None)

    def make():
        line = nn.Neuron(1, "linear", seed=1)
        line.w[0].data, line.b.data = float(slope), float(offset)
        return line

    options = {"X": [[x] for x in xs], "epochs": 2, "optimizer": lambda: nn.SGD(lr=1e-12)}
    assert run(make, y, loss, True, **options)[1].ran == ("compiled" if loss is nn.mse else GRAPHS)


@pytest.mark.parametrize("missing", ["llvmlite", "numpy"])
def test_without_the_extra(monkeypatch, forget, missing):
    forget("autograd_core._src.compiler.")
    for name in list(sys.modules):
        if name.split(".")[0] == missing:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    model, history = run(mlp, REAL, nn.mse, None, epochs=3)
    assert history.ran == "graphs"
    before = model.state_dict()
    with pytest.raises(ag.MissingExtraError, match=r"pip install 'autograd-core\[fast\]'"):
        nn.fit(model, X, REAL, loss=nn.mse, compiled=True, **SMOOTH)
    assert model.state_dict() == before


# --- what is kept from call to call -------------------------------------------------------------


class Kept:
    __slots__ = ("slot", "unset")
    shared = [0]  # noqa: RUF012  that is what is to be seen

    def __init__(self):
        self.slot = 0

    @property
    def seen(self):
        return self.slot

    @staticmethod
    def still():
        return 0

    def __call__(self):
        self.slot += 1

    def add(self):
        self.shared.append(1)


COUNTS = {"calls": 0}
WORDS = ["a"]


def adds_to_a_global():
    COUNTS["calls"] += 1


def adds_within():
    return [COUNTS.update(calls=COUNTS["calls"] + 1) for _ in range(1)]


def counting():
    calls = 0

    def count():
        nonlocal calls
        calls += 1

    return count


def defaults(seen=[]):  # noqa: B006
    seen.append(1)


def keyword(*, seen={}):  # noqa: B006
    seen[len(seen)] = 1


def on_itself():
    on_itself.calls = getattr(on_itself, "calls", 0) + 1


def unbound():
    if False:
        later = 1
    return lambda: later


def pure(x=(1, None, "a", {"b": {2.0}})):
    return len(WORDS), math.sin(1.0), ag, itertools, Kept, x


STILL = [
    pure, unbound(), functools.partial(pure, x=2), nn.mse, nn.MLP(2, [1], seed=1), lambda: 0, Kept.still, np.zeros(3),
]  # fmt: skip


def numbers_in_an_array(memory=np.zeros(2)):
    memory += 1


def takes_the_next(numbers=itertools.count()):
    next(numbers)


@pytest.mark.parametrize(
    "what",
    [
        adds_to_a_global, adds_within, counting(), defaults, keyword, on_itself, Kept(), Kept().add,
        functools.partial(Kept()), numbers_in_an_array, takes_the_next, random.Random(1).random,
        np.random.RandomState(1).rand, np.random.default_rng(1).random, lambda f=counting(): f(),
    ],
)  # fmt: skip
def test_what_keeps_state_is_seen_to(what):
    watch = side_effects.Watch(loss=what)
    if what is not takes_the_next:
        assert watch.changed() is None
    what()
    assert watch.changed().startswith("loss")


@pytest.mark.parametrize("what", STILL)
def test_what_keeps_none_is_not_blamed(what):
    watch = side_effects.Watch(loss=what)
    if callable(what) and what is not nn.mse and not isinstance(what, nn.Module):
        with contextlib.suppress(NameError):
            what()
    assert watch.changed() is None


def test_what_shows_nothing_counts_as_changed():
    assert side_effects.Watch(loss=random.SystemRandom().random).changed() == "loss"


def test_without_numpy_its_generator_is_not_asked(monkeypatch):
    monkeypatch.delitem(sys.modules, "numpy.random")
    watch = side_effects.Watch()
    np.random.random()  # noqa: NPY002
    assert watch.changed() is None


def test_a_watch_looks_at_so_much_and_no_more(monkeypatch):
    monkeypatch.setattr(side_effects, "MOST_OBJECTS", 10)
    far = [[k] for k in range(20)] + [[ag.Value(0.0)]]
    watch = side_effects.Watch(loss=far)
    far[-1][0] = ag.Value(1.0)
    assert watch.changed() is None


# --- many cases -----------------------------------------------------------------------------------

MANY, MANY_BITS = nn.datasets.moons(60, noise=0.1, seed=2)


@pytest.mark.parametrize("few", [7, 25, 59])
@pytest.mark.parametrize("options", [{}, {"batch_size": 8}, {"batch_size": 8, "validation": 0.5}, {"validation": (MANY[:3], MANY_BITS[:3])}])
@pytest.mark.parametrize(("name", "loss"), [("compiled", nn.binary_cross_entropy_with_logits), ("compiled model, loss on graphs", ranking := lambda ps, ts: nn.binary_cross_entropy_with_logits(ps, ts) * ag.exp(0.01 * ag.sum(ps)))])
def test_of_many_cases_some_are_tried_on_graphs_and_the_bits_stay(monkeypatch, few, options, name, loss):
    found = []
    for most in (10**6, few):
        monkeypatch.setattr("nn._src.training.training_run.TRIED", most)
        model, history = run(mlp, MANY_BITS, loss, None, X=MANY, **{"epochs": 3} | options)
        assert history.ran == name
        found.append((model.state_dict(), history.loss, history.accuracy, history.val_loss))
    assert found[0] == found[1]


def test_graphs_see_few_of_many_cases(monkeypatch):
    seen, measure = [], Task.measure
    monkeypatch.setattr(Task, "measure", lambda task, cases: seen.append(len(cases.targets)) or measure(task, cases))
    X, y = nn.datasets.moons(9000, seed=1)
    model = nn.MLP(2, [1], "tanh", seed=1)
    for compiled, most in ((None, 1024), (False, 9000)):
        seen.clear()
        history = nn.fit(
            model, X, y, loss=nn.binary_cross_entropy_with_logits, compiled=compiled, epochs=1, batch_size=500, progress=False
        )
        assert history.ran == ("graphs" if compiled is False else "compiled")
        assert most / 2 < sum(seen) <= most


@pytest.mark.parametrize("place", range(0, 60, 7))
@pytest.mark.parametrize("spoilt", ["target", "input", "class"])
def test_what_is_wrong_with_a_case_is_said_before_anything_is_learned(monkeypatch, spoilt, place):
    monkeypatch.setattr("nn._src.training.training_run.TRIED", 9)
    X, y = [[*row] for row in MANY], [*MANY_BITS]

    class Careful(nn.MLP, closed=True):
        def __call__(self, x):
            if x[0] > 50:
                raise ag.RangeError("too far")
            return super().__call__(x)

    model, loss = Careful(2, [2, 1], "tanh", seed=1), nn.binary_cross_entropy_with_logits
    if spoilt == "target":
        y[place] = 2
    elif spoilt == "input":
        X[place][0] = 99.0
    else:
        model, loss = Careful(2, [2, 3], "tanh", seed=1), nn.cross_entropy
        y[place] = 3
    before = model.state_dict()
    with pytest.raises(ag.RangeError):
        nn.fit(model, X, y, loss=loss, epochs=2, batch_size=5, seed=1, progress=False)
    assert model.state_dict() == before
