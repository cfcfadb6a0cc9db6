"""Training that stops and goes on later, over files, has the bits of training that never stopped."""

import copy
import itertools
import json
import math
import pickle
import random
import sys
from fractions import Fraction

import pytest

import autograd_core as ag
import nn

X, Y = nn.datasets.moons(30, noise=0.2, seed=3)
LOSS = nn.binary_cross_entropy_with_logits

SCHEDULES = {
    "a number": lambda: 0.05,
    "constant": lambda: nn.schedules.constant(0.05),
    "linear": lambda: nn.schedules.linear(0.1, 0.01, steps=25),
    "step": lambda: nn.schedules.step(0.1, every=7, factor=0.5),
    "exponential": lambda: nn.schedules.exponential(0.1, 0.97),
    "cosine": lambda: nn.schedules.cosine(0.1, steps=30, end=0.01),
    "warmup": lambda: nn.schedules.warmup(nn.schedules.cosine(0.1, steps=30), steps=12),
    "a function": lambda: lambda step: 0.1 / (1 + step),
    "warmup of a function": lambda: nn.schedules.warmup(lambda step: 0.1 / (1 + step), steps=3),
}
OPTIMIZERS = {
    "SGD": lambda params, lr: nn.SGD(params, lr),
    "momentum": lambda params, lr: nn.SGD(params, lr, momentum=0.9, weight_decay=0.01),
    "Nesterov": lambda params, lr: nn.SGD(params, lr, momentum=0.8, nesterov=True),
    "Adam": lambda params, lr: nn.Adam(params, lr, weight_decay=0.01, decay_biases=False),
    "AdamW": lambda params, lr: nn.AdamW(params, lr, betas=(0.8, 0.99), eps=1e-7),
}


def mlp():
    return nn.MLP(2, [4, 1], "tanh", seed=1)


def bits(model):
    return [p.data.hex() for p in model.parameters()]


def train(model, optimizer, epochs, **options):
    options = {"batch_size": 8, "seed": 5, "compiled": False, "progress": False} | options
    return nn.fit(model, X, Y, loss=LOSS, optimizer=optimizer, epochs=epochs, **options)


def resumed(make_model, make_optimizer, folder, fresh=None, **options):
    """5 epochs, files, and 5 epochs more of new objects; and 10 epochs at once."""
    whole = make_model()
    whole_history = train(whole, make_optimizer(whole), 10, **options)
    first = make_model()
    optimizer = make_optimizer(first)
    history = train(first, optimizer, 5, **options)
    first.save(folder / "model.json")
    optimizer.save(folder / "optimizer.json")
    second = make_model().load(folder / "model.json")
    again = (fresh or make_optimizer)(second).load(folder / "optimizer.json")
    later = train(second, again, 5, **options)
    assert bits(second) == bits(whole)
    assert bits(first) != bits(whole)
    assert history.loss + later.loss == whole_history.loss
    assert history.val_loss + later.val_loss == whole_history.val_loss
    assert history.accuracy + later.accuracy == whole_history.accuracy
    assert again.epochs == 10
    return whole_history


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_5_and_5_epochs_are_10(name, compiled, tmp_path):
    if compiled:
        pytest.importorskip("llvmlite")
    make = lambda model: OPTIMIZERS[name](model, nn.schedules.cosine(0.1, steps=30))
    history = resumed(mlp, make, tmp_path, compiled=compiled)
    assert history.ran == ("compiled" if compiled else "graphs")


@pytest.mark.parametrize("name", SCHEDULES)
def test_with_every_schedule(name, tmp_path):
    resumed(mlp, lambda model: nn.SGD(model, SCHEDULES[name](), momentum=0.5), tmp_path)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": None},
        {"batch_size": 7},
        {"shuffle": False},
        {"validation": 0.3},
        {"max_grad_norm": 0.1, "l2": 0.01},
        {"validation": (X, Y), "accuracy": nn.SameSide(threshold=0.0, middle=0.5)},
    ],
)
def test_with_every_option(options, compiled, tmp_path):
    if compiled:
        pytest.importorskip("llvmlite")
    resumed(mlp, lambda model: nn.Adam(model, lr=0.05), tmp_path, compiled=compiled, **options)


# --- wherever it is cut ----------------------------------------------------------------------------


class Branching(nn.Module):
    """Takes a branch on a Value, another with every few cases; and counts where `counts`."""

    def __init__(self, counts=False):
        self.inner, self.outer = nn.Linear(2, 2, seed=4), nn.Linear(2, 1, seed=5)
        self.counts, self.calls = counts, 0

    def forward(self, x):
        self.calls += self.counts
        return self.outer([h if h > 0 else 0.1 * h for h in self.inner(x)])[0]


def hinge(p, t):
    """As one writes it with Python's `max`."""
    return ag.mean([max(1.0 - a * (1.0 if b else -1.0), 0.0 * a) for a, b in zip(p, t)])


def root(p, t):
    return ag.sqrt(nn.mse(p, t) + 0.01)


class Logging:
    """A loss that notes how often it is called."""

    def __init__(self):
        self.calls = []

    def __call__(self, p, t):
        self.calls.append(len(t))
        return nn.mse(p, t)


def dropout():
    return nn.Sequential(nn.Linear(2, 4, seed=1), nn.Tanh(), nn.Dropout(0.5, seed=2), nn.Linear(4, 1, seed=3))


def recurrent():
    return nn.Sequential(lambda x: [[x[0]], [x[1]]], nn.RNN(1, 2, seed=1), lambda h: h[1], nn.Linear(2, 1, seed=2), lambda y: y[0])


GRAPHS = "compiled model, loss on graphs"
PROGRAMS = {  # each with what it is trained by: a matter of model and loss, not of the number of epochs
    "MLP": (mlp, lambda: LOSS, "compiled"),
    "relu": (lambda: nn.MLP(2, [5, 1], "relu", seed=6), lambda: nn.mse, "compiled"),
    "recurrent": (recurrent, lambda: nn.mse, "compiled"),
    "branches in the model": (Branching, lambda: LOSS, "compiled"),
    "branches in the loss": (mlp, lambda: hinge, "compiled"),
    "loss of the batch": (mlp, lambda: root, GRAPHS),
    "loss that logs": (mlp, Logging, GRAPHS),
    "model that counts": (lambda: Branching(counts=True), lambda: LOSS, "graphs"),
    "dropout": (dropout, lambda: LOSS, "graphs"),
}
OPTIONS = [
    {},
    {"validation": 0.3},
    {"max_grad_norm": 0.1, "l2": 0.01, "shuffle": False},
    {"validation": (X[:7], Y[:7]), "early_stopping": nn.EarlyStopping(patience=9, restore_best=False)},
]


def fitted_in_parts(make, make_loss, optimizer, parts, folder, **options):
    """So many epochs each, and between them all goes over files: the last model's bits, the losses, and what ran."""
    model = make()
    mine, loss = optimizer(model), make_loss()
    seen, ran = [], set()
    for epochs in parts:
        model.save(folder / "m")
        mine.save(folder / "o")
        model = make().load(folder / "m")
        mine = optimizer(model).load(folder / "o")
        if epochs:
            history = nn.fit(model, X, Y, loss=loss, optimizer=mine, epochs=epochs, seed=5, progress=False, **options)
            seen += zip(*(s for s in (history.loss, history.accuracy, history.val_loss, history.val_accuracy) if s))
            ran.add(history.ran.partition(":")[0])
    return bits(model), seen, ran, mine.state_dict()


@pytest.mark.parametrize("name", PROGRAMS)
def test_epochs_may_be_cut_into_calls_anywhere(name, tmp_path):
    """With what `fit` chooses itself: k epochs and the rest, for every k, or one at a time, are all at once."""
    pytest.importorskip("llvmlite")
    make, make_loss, ran = PROGRAMS[name]
    cuts = [(k, 4 - k) for k in range(5)] + [(1, 1, 1, 1)]
    start = list(PROGRAMS).index(name)
    for k, parts in enumerate(cuts, start):
        optimizer, schedule = list(OPTIMIZERS)[k % 5], list(SCHEDULES)[k % len(SCHEDULES)]
        batch_size = [None, 1, 7, 30][k % 4]
        how = lambda model, o=optimizer, s=schedule: OPTIMIZERS[o](model, SCHEDULES[s]())
        options = {"batch_size": batch_size} | OPTIONS[k // 2 % len(OPTIONS)]
        whole = fitted_in_parts(make, make_loss, how, [4], tmp_path, **options)
        assert fitted_in_parts(make, make_loss, how, parts, tmp_path, **options) == whole, (optimizer, schedule, options)
        if batch_size != 1:  # a loss of the batch is that of its case then
            assert whole[2] == {ran}


def test_more_epochs_than_were_once_worth_compiling(tmp_path):
    pytest.importorskip("llvmlite")
    how = lambda model: nn.Adam(model, lr=0.05)
    whole = fitted_in_parts(mlp, lambda: LOSS, how, [100], tmp_path)
    assert fitted_in_parts(mlp, lambda: LOSS, how, [1, 30, 69], tmp_path) == whole


@pytest.mark.parametrize("compiled", [None, False])
@pytest.mark.parametrize("at", [8, 9, 10])  # steps, of which an epoch has four
def test_interrupted_training_goes_on(at, compiled, tmp_path):
    """Ctrl-C leaves the steps that were taken; the epoch that was under way begins again."""

    def rate(step):
        if step == at and not done:
            raise KeyboardInterrupt
        return 0.1 / (1 + step)

    done, model = [], mlp()
    optimizer = nn.Adam(model, lr=rate)
    with pytest.raises(KeyboardInterrupt):
        train(model, optimizer, 5, compiled=compiled)
    assert (optimizer.epochs, optimizer.steps) == (2, at)
    model.save(tmp_path / "m")
    optimizer.save(tmp_path / "o")
    done.append(True)
    later = mlp().load(tmp_path / "m")
    again = nn.Adam(later, lr=rate).load(tmp_path / "o")
    train(later, again, 3, compiled=compiled)
    train(model, optimizer, 3, compiled=compiled)
    assert bits(later) == bits(model)
    assert (again.epochs, again.steps) == (5, at + 12)
    whole = mlp()
    train(whole, nn.Adam(whole, lr=rate), 5, compiled=compiled)
    assert (bits(later) == bits(whole)) == (at == 8)


def test_the_state_says_all_that_the_constructor_was_told(tmp_path):
    resumed(mlp, lambda m: nn.Adam(m, 0.07, betas=(0.7, 0.9), eps=1e-6, weight_decay=0.1, decay_biases=False),
            tmp_path, fresh=nn.Adam)  # fmt: skip


def test_an_optimizer_that_gets_its_parameters_from_fit(tmp_path):
    resumed(mlp, lambda model: nn.Adam(lr=0.05), tmp_path, fresh=lambda model: nn.Adam())


def test_dropout_goes_on_with_its_generator(tmp_path):
    def make():
        return nn.Sequential(nn.Linear(2, 6, seed=1), nn.Tanh(), nn.Dropout(0.5, seed=2), nn.Linear(6, 1, seed=3))

    resumed(make, lambda model: nn.Adam(model, lr=0.05), tmp_path)


def test_a_generator_is_taken_as_it_is():
    """Its own state says what comes next; nothing of it is passed over."""
    rng, model = random.Random(5), mlp()
    optimizer = nn.SGD(model)
    train(model, optimizer, 2, seed=rng)
    expected = random.Random()
    expected.setstate(rng.getstate())
    expected.shuffle(list(range(len(X))))
    train(model, optimizer, 1, seed=rng)
    assert rng.getstate() == expected.getstate()
    assert optimizer.epochs == 3


def test_newtons_method(tmp_path):
    resumed(mlp, lambda model: nn.NewtonCG(model, radius=0.1), tmp_path, batch_size=None)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_loop_by_hand(name, tmp_path):
    def steps(model, optimizer, first, last):
        for k in range(first, last):
            optimizer.zero_grad()
            LOSS([model(x) for x in X[k::3]], Y[k::3]).backward()
            nn.clip_grad_norm(optimizer.params, 0.5)
            optimizer.step()

    whole, part = mlp(), mlp()
    steps(whole, OPTIMIZERS[name](whole, nn.schedules.linear(0.2, 0.0, steps=9)), 0, 8)
    optimizer = OPTIMIZERS[name](part, nn.schedules.linear(0.2, 0.0, steps=9))
    steps(part, optimizer, 0, 5)
    part.save(tmp_path / "m")
    optimizer.save(tmp_path / "o")
    later = mlp().load(tmp_path / "m")
    steps(later, OPTIMIZERS[name](later, 0.5).load(tmp_path / "o"), 5, 8)
    assert bits(later) == bits(whole)
    again = mlp()
    again.load_state_dict(part.state_dict())
    kept = OPTIMIZERS[name](again, 0.5)
    kept.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # in memory as over a file
    steps(again, kept, 5, 8)
    assert bits(again) == bits(whole)


def test_a_state_is_a_copy():
    model = mlp()
    optimizer = nn.Adam(model)
    train(model, optimizer, 1)
    state = optimizer.state_dict()
    before = copy.deepcopy(state)
    train(model, optimizer, 1)
    assert state == before
    state["kept"]["mean"][0] = 7.0
    assert optimizer.state_dict()["kept"]["mean"][0] != 7.0


def test_every_number_is_kept(tmp_path):
    params = [ag.Value(0.0) for _ in range(5)]
    optimizer = nn.SGD(params, momentum=0.5)
    optimizer._velocity = [math.inf, -math.inf, math.nan, -0.0, Fraction(1, 3)]
    optimizer.save(tmp_path / "o")
    loaded = nn.SGD(params, momentum=0.5).load(tmp_path / "o")
    assert [repr(x) for x in loaded._velocity] == [repr(x) for x in optimizer._velocity]


# --- what does not fit ----------------------------------------------------------------------------


def stepped():
    model = mlp()
    optimizer = nn.Adam(model, lr=nn.schedules.warmup(0.1, steps=3))
    train(model, optimizer, 1)
    return optimizer


def changed(**changes):
    state = stepped().state_dict()
    for name, x in changes.items():
        (state["kept"] if name in state["kept"] else state["options"] if name in state["options"] else state)[name] = x
    return state


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (lambda: 3, ag.OperandError, "expected a dict that state_dict gave, got 3"),
        (lambda: None, ag.OperandError, "expected a dict"),
        (dict, ag.StructureError, "expected the names optimizer, steps"),
        (lambda: changed(more=1), ag.StructureError, "expected the names optimizer, steps.*got .*more"),
        (lambda: changed(optimizer="AdamW"), ag.StructureError, "expected the state of Adam, got that of 'AdamW'"),
        (lambda: changed(steps=-1), ag.RangeError, "Adam: steps: expected at least 0"),
        (lambda: changed(steps=True), ag.OperandError, "Adam: steps: expected an int"),
        (lambda: changed(steps=1.5), ag.OperandError, "Adam: steps: expected an int"),
        (lambda: changed(epochs="1"), ag.OperandError, "Adam: epochs"),
        (lambda: changed(lr=0.1), ag.StructureError, "expected the state of one of constant, linear"),
        (lambda: changed(lr={"schedule": "cubic"}), ag.StructureError, "expected the state of one of"),
        (lambda: changed(lr={"schedule": ["constant"], "lr": 1.0}), ag.StructureError, "expected the state of one of"),
        (lambda: changed(lr={"schedule": "constant"}), ag.StructureError, "schedule constant: expected the names"),
        (lambda: changed(lr={"schedule": "constant", "lr": -1.0}), ag.RangeError, "constant: lr"),
        (lambda: changed(lr={"schedule": "step", "lr": 1.0, "every": 0, "factor": 1.0}), ag.RangeError, "step: every"),
        (lambda: changed(lr=None), ag.StructureError, "function of yours"),
        (lambda: changed(betas=[0.5]), ag.StructureError, "Adam: betas: expected two numbers"),
        (lambda: changed(betas=[0.5, 1.0]), ag.RangeError, r"betas\[1\]"),
        (lambda: changed(eps=0.0), ag.RangeError, "Adam: eps"),
        (lambda: changed(weight_decay=True), ag.OperandError, "Adam: weight_decay: expected something like 0.0"),
        (lambda: changed(decay_biases="no"), ag.OperandError, "Adam: decay_biases: expected something like True"),
        (lambda: changed(mean=[0.0]), ag.StructureError, "mean: expected 17 numbers, one per parameter, got 1"),
        (lambda: changed(mean=0.0), ag.OperandError, "mean: expected a list of numbers"),
        (lambda: changed(square=["much"] * 17), ag.OperandError, "square: expected a list of numbers, got 'much'"),
        (lambda: changed(square=[True] * 17), ag.OperandError, "square: expected a list of numbers, got True"),
        (lambda: changed(square=[None] * 17), ag.OperandError, "square: expected a list of numbers"),
        (lambda: changed(square=[10**400] * 17), ag.OperandError, "square: expected a list of numbers"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state, error, message):
    optimizer = stepped()
    before, given = optimizer.state_dict(), state()
    for target in (optimizer, nn.Adam(lr=0.5)):
        before = target.state_dict()
        if "one per parameter" in message and not target.params:
            message = "expected 1 numbers, one per parameter, got 17|expected 17"
        with pytest.raises(error, match=message):
            target.load_state_dict(given)
        assert target.state_dict() == before


def test_parameters_that_come_later_are_counted():
    optimizer = nn.Adam()
    optimizer.load_state_dict(stepped().state_dict())
    with pytest.raises(ag.StructureError, match="decays: expected 3 numbers, one per parameter, got 17"):
        optimizer.bind(nn.Neuron(2))
    assert optimizer.params == []
    assert optimizer.state_dict() == stepped().state_dict()
    optimizer.bind(mlp())
    assert optimizer.state_dict() == stepped().state_dict()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"optimizer": "SGD"}, ag.StructureError),
        ({"radius": 0.0}, ag.RangeError),
        ({"max_radius": 0.001}, ag.RangeError),
        ({"max_cg": 0}, ag.RangeError),
        ({"steps": -1}, ag.RangeError),
        ({"products": 1.5}, ag.OperandError),
        ({"more": 1}, ag.StructureError),
    ],
)
def test_newtons_state_is_checked_too(change, error):
    optimizer = nn.NewtonCG(nn.Neuron(1), radius=0.5)
    before = optimizer.state_dict()
    with pytest.raises(error):
        optimizer.load_state_dict(before | change)
    assert optimizer.state_dict() == before


# --- schedules ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in ("a number", "a function")])
def test_a_schedule_over_a_file(name, tmp_path):
    schedule = SCHEDULES[name]()
    schedule.save(tmp_path / "s")
    own = nn.schedules.warmup(schedule.about["lr"], steps=1) if "function" in name else nn.schedules.constant(3.0)
    loaded = own.load(tmp_path / "s")
    assert [loaded(k) for k in range(40)] == [schedule(k) for k in range(40)]
    assert repr(loaded) == repr(schedule)
    if "function" not in name:
        again = pickle.loads(pickle.dumps(schedule))
        assert [again(k) for k in range(40)] == [schedule(k) for k in range(40)]


def test_a_rate_may_be_assigned():
    optimizer = nn.Adam(mlp(), lr=0.5)
    optimizer.lr = 0.25
    assert optimizer.lr == 0.25
    optimizer.lr = nn.schedules.exponential(1.0, 0.5)
    optimizer.steps = 2
    assert optimizer.lr == 0.25
    with pytest.raises(ag.RangeError, match="Adam: lr"):
        optimizer.lr = -1.0
    assert optimizer.lr == 0.25


# --- files ----------------------------------------------------------------------------------------


def fitted(scaler, rows=((0.5, 3.0), (4.0, -1.0), (2.0, 2.0))):
    return scaler.fit([list(row) for row in rows])


def facts(x):
    """All that can be told of an object."""
    if hasattr(x, "state_dict"):
        return repr(x.state_dict())
    return repr(sorted(vars(x).items()))


LOADERS = {
    "model": (lambda: nn.MLP(2, [2, 1], seed=1), lambda: nn.MLP(2, [2, 1], seed=2)),
    "dropout": (lambda: nn.Sequential(nn.Linear(1, 1, seed=1), nn.Dropout(seed=1)), lambda: nn.Sequential(nn.Linear(1, 1, seed=2), nn.Dropout(seed=1))),
    "minmax": (lambda: fitted(nn.MinMaxScaler(-1.0, 1.0)), lambda: fitted(nn.MinMaxScaler(), [[1.0], [2.0]])),
    "standard": (lambda: fitted(nn.StandardScaler()), lambda: nn.StandardScaler()),
    "onehot": (lambda: fitted(nn.OneHotEncoder(), [["a", 1], ["b", 2.5], ["c", True]]), lambda: fitted(nn.OneHotEncoder(0.1, 0.9))),
    "optimizer": (stepped, lambda: nn.Adam(mlp())),
    "newton": (lambda: nn.NewtonCG(mlp(), radius=0.5), lambda: nn.NewtonCG(mlp())),
    "schedule": (lambda: nn.schedules.warmup(nn.schedules.step(0.1, 3), steps=4), lambda: nn.schedules.constant(1.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", LOADERS)
def test_a_damaged_file_changes_nothing(name, tmp_path):
    """Bits turned and ends cut off: refused with an error of ours, or read as it was written."""
    make, make_target = LOADERS[name]
    original, path, rng = make(), tmp_path / "x.json", random.Random(name)
    original.save(path)
    content = path.read_bytes()
    for k in range(150):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged if k % 3 else content[: rng.randrange(len(content) - 1)])
        target = make_target()
        before = facts(target)
        try:
            target.load(path)
        except ag.AutogradError:
            assert facts(target) == before
        else:
            assert facts(target) == facts(original)
    path.write_bytes(content)
    target = make_target()
    target.load(path)
    assert facts(target) == facts(original)


STRANGE = [None, True, False, "x", "0.5", "inf", "nan", "", [], {}, [[]], -1, 0, 1e308, 10**400, "1/0", [1.0, None], {"a": 1.0}]


def places(content, so_far=()):
    """Where something stands in a file."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, x in items:
        yield (*so_far, key)
        yield from places(x, (*so_far, key))


@pytest.mark.parametrize("name", LOADERS)
def test_strange_content_changes_nothing(name, tmp_path):
    """Anything in the place of anything, without a checksum: nothing is half loaded."""
    make, make_target = LOADERS[name]
    path = tmp_path / "x.json"
    make().save(path)
    right = json.loads(path.read_text())
    del right["checksum"]
    found = [place for place in places(right) if len(place) < 5]
    rng = random.Random(name)
    pairs = list(itertools.product(rng.sample(found, min(len(found), 25)), [*STRANGE, ...]))
    refused = 0
    for place, strange in pairs:
        content = copy.deepcopy(right)
        within = content
        for key in place[:-1]:
            within = within[key]
        if strange is ...:
            del within[place[-1]]
        else:
            within[place[-1]] = strange
        path.write_text(json.dumps(content))
        target = make_target()
        before = facts(target)
        try:
            target.load(path)
        except ag.AutogradError:
            refused += 1
            assert facts(target) == before
        else:
            used = {"schedule": lambda: target(1), "minmax": lambda: target.transform([[1.0] * target._columns()])}
            used.get(name, lambda: repr(target))()
    assert refused > len(pairs) / 3


@pytest.mark.parametrize("name", LOADERS)
def test_a_checksum_is_looked_at_where_there_is_one(name, tmp_path):
    make, make_target = LOADERS[name]
    path = tmp_path / "x.json"
    make().save(path)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content, sort_keys=True))  # in another order, on one line
    make_target().load(path)
    path.write_text(json.dumps({key: x for key, x in content.items() if key != "checksum"}))
    make_target().load(path)
    for checksum in ("sha256:" + "0" * 64, "", 7, True, [], {}):
        path.write_text(json.dumps(content | {"checksum": checksum}))
        with pytest.raises(ag.StructureError, match="its checksum is another"):
            make_target().load(path)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", '"Infinity"', '"0.5"', '" 1"', '"1_0"', '"+inf"', "true", "null", "1" * 400, '"1/0"'])
def test_weights_are_numbers_of_json(token, tmp_path):
    path, model = tmp_path / "m.json", nn.Neuron(1, seed=0)
    before = model.state_dict()
    head = '{"format": "autograd-core parameters", "version": 1, "parameters": '
    path.write_text(f'{head}{{"w.0": {token}, "b": 1.0}}}}')
    with pytest.raises(ag.StructureError, match="m.json is no model file"):
        model.load(path)
    assert model.state_dict() == before


def test_depth_and_length_are_bounded(tmp_path, monkeypatch):
    path = tmp_path / "m.json"
    head = '{"format": "autograd-core parameters", "version": 1, "checksum": "", "parameters": '
    for deep in ("[" * 100_000, '{"a": ' * 100_000, "[" * 500 + "]" * 500):
        path.write_text(head + deep + "}")
        with pytest.raises(ag.StructureError):
            nn.Neuron(1).load(path)
    nn.Neuron(1).save(path)
    monkeypatch.setattr("nn._src.support.files.MOST_BYTES", 50)
    with pytest.raises(ag.StructureError, match="there are more than 50 bytes"):
        nn.Neuron(1).load(path)


def test_what_json_cannot_hold_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "s.json"
    path.write_text("old")
    scaler = nn.StandardScaler().fit([[-1.0], [1.0]])
    scaler._state["scale"] = [math.inf]
    with pytest.raises(ag.RangeError, match="s.json was not written"):
        scaler.save(path)
    neuron = nn.Neuron(1)
    neuron.b.data = Fraction(1, 10**5000)
    with pytest.raises(ag.RangeError, match="fraction is too long"):
        neuron.save(path)
    assert path.read_text() == "old"


# --- a step that Ctrl-C cuts -----------------------------------------------------------------------


def interrupted_at(k, call):
    """Call it, with Ctrl-C at the k-th line of the optimizers' file; whether there were as many."""
    lines = itertools.count()

    def at_line(frame, event, _):
        if not frame.f_code.co_filename.endswith(("optimizer.py", "optimizers.py")):
            return None
        if event == "line" and next(lines) == k:
            sys.settrace(None)
            raise KeyboardInterrupt
        return at_line

    tracer = sys.gettrace()
    try:
        sys.settrace(at_line)
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(tracer)
    return False


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_is_taken_as_a_whole_or_not_at_all(name):
    def at_second_step():
        x, y = ag.Value(0.5), ag.Value(-0.25)
        optimizer = OPTIMIZERS[name]([("x", x), ("b", y)], nn.schedules.cosine(0.1, steps=30))
        for p in (x, y):
            p.grad = 1.0 + p.data
        optimizer.step()
        return optimizer

    def state(optimizer):
        return [p.data for p in optimizer.params], optimizer.state_dict()

    before, after = at_second_step(), at_second_step()
    after.step()
    k, found = 0, []
    while True:
        optimizer = at_second_step()
        if not interrupted_at(k, optimizer.step):
            break
        found.append(state(optimizer))
        k += 1
    assert k > 8
    assert all(one in (state(before), state(after)) for one in found)
    assert state(before) in found
