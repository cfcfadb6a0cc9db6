"""Steps in machine code have the bits of steps that are taken one by one."""

import pytest

import autograd_core as ag
import nn
from nn._src.training import compiled_steps, order, steps_in_code, ways

pytest.importorskip("llvmlite")

X, Y = nn.datasets.moons(23, noise=0.2, seed=4, labels=(-1, 1))
OPTIMIZERS = {
    "SGD": lambda: nn.SGD(lr=0.05),
    "decay": lambda: nn.SGD(lr=0.05, weight_decay=0.1, decay_biases=False),
    "momentum": lambda: nn.SGD(lr=0.05, momentum=0.9),
    "Nesterov": lambda: nn.SGD(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda: nn.Adam(lr=0.05),
    "Adam with decay": lambda: nn.Adam(lr=nn.schedules.cosine(0.1, steps=30), weight_decay=0.1),
    "AdamW": lambda: nn.AdamW(lr=0.05, betas=(0.8, 0.9)),
}
OPTIONS = {
    "plain": {},
    "no accuracy": {"loss": lambda ps, ts: nn.hinge(ps, ts)},
    "own accuracy": {"accuracy": lambda p, t: p > 0.1 * t},
    "validation": {"validation": 0.3},
    "penalty": {"l2": 0.01, "l2_biases": False},
    "stopping": {"early_stopping": nn.EarlyStopping(patience=2, monitor="loss")},
    "in order": {"shuffle": False},
}


def trained(optimizer, epochs=4, **options):
    """All that training leaves behind."""
    model = nn.MLP(2, [3, 1], "tanh", seed=1)
    about = {"loss": nn.hinge, "seed": 5, "progress": False, "compiled": True} | options
    history = nn.fit(model, X, Y, optimizer=optimizer, epochs=epochs, **about)
    bits = [x.hex() for p in model.parameters() for x in (p.data, p.grad)]
    return bits, history, history.penalty, optimizer.state_dict()


@pytest.fixture
def ran(monkeypatch):
    """Machine code from the first step on; the lengths of the batches that it has been called with, and how often."""
    found, take = [], steps_in_code.Batches.take

    def counted(self, places, rates):
        found.append((len(places) // len(rates), len(rates)))
        return take(self, places, rates)

    monkeypatch.setattr(ways.CaseByCase, "pays", True)
    monkeypatch.setattr(steps_in_code.Batches, "take", counted)
    return found


def one_by_one(monkeypatch, *about, **options):
    """The same, each step from Python, and shuffled there."""
    with monkeypatch.context() as m:
        m.setattr(compiled_steps.Programs, "_in_code", lambda *_: None)
        m.setattr(order.random, "Random", type("Other", (order.random.Random,), {}))
        return trained(*about, **options)


@pytest.mark.parametrize("batch_size", [1, 5, 23])
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer(name, batch_size, ran, monkeypatch):
    make = OPTIMIZERS[name]
    assert trained(make(), batch_size=batch_size) == one_by_one(monkeypatch, make(), batch_size=batch_size)
    lengths = {1: {(1, 23), (1, 69)}, 5: {(5, 4), (3, 1)}, 23: {(23, 1), (23, 3)}}  # three epochs at once after the first
    assert set(ran) == lengths[batch_size]


@pytest.mark.parametrize("batch_size", [1, 5, None])
@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_option(name, batch_size, ran, monkeypatch):
    options = OPTIONS[name] | {"batch_size": batch_size}
    assert trained(nn.Adam(lr=0.05), **options) == one_by_one(monkeypatch, nn.Adam(lr=0.05), **options)
    assert ran


@pytest.mark.parametrize("options", [{"max_grad_norm": 0.1}, {"loss": nn.mse, "optimizer": "own"}])
def test_what_needs_python_has_it(options, ran):
    class Own(nn.SGD):
        def update(self, index, p, g, lr):
            return p - lr * ag.sign(g)

    optimizer = Own(lr=0.1) if options.pop("optimizer", None) else nn.SGD(lr=0.1)
    trained(optimizer, **options)
    assert not ran


def test_an_optimizer_with_parameters_in_an_order_of_its_own_is_python(ran):
    model = nn.MLP(2, [3, 1], "tanh", seed=1)
    nn.fit(model, X, Y, loss=nn.hinge, optimizer=nn.SGD(model.parameters()[::-1], lr=0.1), epochs=2, progress=False)
    assert not ran


@pytest.mark.parametrize(
    ("batch_size", "at"), [(5, 0), (5, 1), (5, 4), (5, 5), (5, 7), (1, 22), (1, 23), (1, 50), (23, 1), (23, 3)]
)
def test_a_rate_that_fails_leaves_the_steps_before_it(batch_size, at, ran, monkeypatch):
    def rate(step):
        if step == at:
            raise KeyboardInterrupt
        return 0.1 / (1 + step)

    def left():
        model, optimizer = nn.MLP(2, [3, 1], "tanh", seed=1), nn.SGD(lr=rate)
        with pytest.raises(KeyboardInterrupt):
            nn.fit(model, X, Y, loss=nn.hinge, optimizer=optimizer, batch_size=batch_size, seed=2, progress=False,
                   compiled=True)  # fmt: skip
        return [p.data.hex() for p in model.parameters()], optimizer.steps, optimizer.epochs

    ours = left()
    assert ours[1:] == (at, at // -(-23 // batch_size))
    with monkeypatch.context() as m:
        m.setattr(compiled_steps.Programs, "_in_code", lambda *_: None)
        assert left() == ours


def test_long_epochs_are_cut(ran, monkeypatch):
    whole = trained(nn.Adam(lr=0.05), batch_size=1)
    monkeypatch.setattr(steps_in_code, "MOST_NUMBERS", 40)
    ran.clear()
    assert trained(nn.Adam(lr=0.05), batch_size=1) == whole
    assert max(steps for _, steps in ran) < 23


def test_a_generator_of_ones_own_is_left_where_shuffles_leave_it(ran, monkeypatch):
    import random

    ours, theirs = random.Random(3), random.Random(3)
    same = list(range(23))
    trained(nn.SGD(lr=0.1), batch_size=5, seed=ours, epochs=4)
    for _ in range(4):
        theirs.shuffle(same)
    assert ran
    assert ours.getstate() == theirs.getstate()
