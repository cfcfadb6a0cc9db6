"""A program takes numbers from outside of its function for constants; when they change, that is said."""

import array
import collections
import copy
import functools
import math
import re
import statistics
import sys
import types
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import StaleTraceWarning
from autograd_core._src import compiler
from autograd_core._src.compiler.tracing import captured_constants, code_walk, watches

pytest.importorskip("llvmlite")
scale = 2.0
settings = types.SimpleNamespace(rate=2.0, deep=types.SimpleNamespace(rates=[2.0, 3.0]))
table = np.array([2.0, 3.0])
weight = ag.Value(2.0)
UNSET = math.nan
calls = 0


class Model:
    gain = 2.0

    def __init__(self):
        self.w = 2.0

    @property
    def twice(self):
        return 2 * self.w

    def part(self, x):
        return next(self.w * v for v in [x])

    def __call__(self, x):
        return self.part(x) * self.gain


def of_global(x):
    return x * scale


def of_helper(x):
    return of_global(x) + 1


def counted(x):
    global calls
    calls += 1
    return x


def closure():
    k = 2.0

    def f(x):
        return x * k

    def change():
        nonlocal k
        k = 5.0

    return f, change


def change(thing, name, to):
    return lambda monkeypatch: monkeypatch.setattr(thing, name, to)


def change_item(things, to):
    return lambda _: things.__setitem__(0, to)


here = sys.modules[__name__]
captured, change_captured = closure()
made = Model()
outer = ag.Value(2.0, label="w")
hidden = {"w": ag.Value(2.0)}
sealed = types.MappingProxyType({"w": ag.Value(2.0)})


@functools.cache
def kept():
    return ag.Value(2.0)


CASES = [
    (of_global, "scale was 2.0 while tracing and is 5.0 now", change(here, "scale", 5.0)),
    (of_helper, "scale was 2.0", change(here, "scale", 5.0)),
    (partial(of_global), "scale was 2.0", change(here, "scale", 5.0)),
    (ag.grad(lambda x: x * scale), "scale was 2.0", change(here, "scale", 5.0)),
    (captured, "k was 2.0 while tracing and is 5.0", lambda _: change_captured()),
    (lambda x: x * settings.rate + settings.rate, "settings.rate was 2.0", change(settings, "rate", 5.0)),
    (lambda x: x * settings.deep.rates[0], "settings.deep.rates has changed", change_item(settings.deep.rates, 5.0)),
    (lambda x: x * settings.rate, "settings.rate was 2.0 while tracing and is 'high' now", change(settings, "rate", "high")),
    (lambda x: x * settings.rate, "settings.rate has changed", change(settings, "rate", [2.0])),
    (lambda x: ag.dot([x, x], table), "table has changed", change_item(table, 5.0)),
    (lambda x: ag.dot([x, x], table.tolist()), "table has changed", change_item(table, 6.0)),
    (made, "self.w was 2.0", change(made, "w", 5.0)),
    (made.part, "self.w was 2.0", change(made, "w", 5.0)),
    (lambda x: made(x), "made.gain was 2.0", change(Model, "gain", 5.0)),
    (lambda x: weight * x, "weight was 2.0", change(weight, "data", 5.0)),
    (lambda x: weight * x, "weight was 2.0", change(here, "weight", ag.Value(5.0))),
    (lambda x: weight.data * x, "weight was 2.0 while", change(weight, "data", 5.0)),
    (lambda x: hidden["w"] * x, r"hidden\['w'\] was 2.0", change(hidden["w"], "data", 5.0)),
    (lambda x: sealed["w"] * x, r"sealed\['w'\] was 2.0", change(sealed["w"], "data", 5.0)),
    (lambda x: kept() * x, "a Value from outside was 2.0", change(kept(), "data", 5.0)),
]  # fmt: skip


@pytest.mark.parametrize(("f", "message", "changes"), CASES, ids=[message for _, message, _ in CASES])
def test_a_changed_number_is_named_once_where_the_function_is_called(monkeypatch, f, message, changes):
    compiled = compiler.compile(f, 1.0)
    before = compiled(1.0)
    with monkeypatch.context() as patch:
        changes(patch)
        with pytest.warns(StaleTraceWarning, match=message) as caught:
            assert compiled(1.0) == before
        assert [w.filename for w in caught] == [__file__]
        assert compiled(1.0) == before  # said once


def test_a_graph_that_stands_and_what_is_derived_from_it(monkeypatch):
    x = ag.Value(1.0)
    compiled = compiler.compile(x * x * outer, inputs=[x])
    hessian = compiled.hessian
    monkeypatch.setattr(outer, "data", 5.0)
    with pytest.warns(StaleTraceWarning, match=r"compiled graph: w was 2\.0"):
        assert compiled.bind(3.0).inputs[0] == 3.0
    with pytest.warns(StaleTraceWarning, match=r"compiled the Hessian of graph: w was 2\.0"):
        assert hessian(3.0)[0][0] == 4.0


def test_as_an_error_it_comes_every_time(monkeypatch):
    compiled = compiler.compile(of_global, 1.0)
    monkeypatch.setattr(here, "scale", 5.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", StaleTraceWarning)
        for _ in range(2):
            with pytest.raises(StaleTraceWarning, match="scale"):
                compiled(1.0)


def unassigned():
    def f(x):
        return later * x if x.data > 1 else x

    with pytest.warns(StaleTraceWarning, match="reads .data"):
        compiled = compiler.compile(f, 1.0)
    later = 2.0
    return compiled


def test_what_is_no_change():
    assert compiler.compile(counted, 1.0)(2.0) == 2.0  # a counter of the function's own
    compiled = compiler.compile(lambda x: x + UNSET, 1.0)  # NaN is unequal to itself
    assert math.isnan(compiled(1.0))
    values = [ag.Value(math.nan)]
    assert math.isnan(compiler.compile(lambda x: x * values[0], 1.0)(1.0))
    assert compiler.compile(lambda x: x * len("text"), 1.0)(1.0) == 4.0
    assert compiler.compile(lambda x: x * made.twice, 1.0)(1.0) == 4.0  # a property is code: it is not asked
    assert compiler.compile(lambda x: x * statistics.fmean([1.0, 3.0]), 1.0)(1.0) == 2.0


def test_what_has_no_value_yet_is_no_number():
    assert unassigned()(3.0) == 3.0


# --- whatever the function reads ---


cfg = {"s": 2.0, "deep": {"t": [3.0, 4.0]}, "mode": "linear", "on": True}
mixed = [2.0, settings, {"k": 3.0}, ag.Value(4.0)]
weights = [[ag.Value(1.0), ag.Value(2.0)], [ag.Value(3.0)]]
objects = np.array([ag.Value(2.0), 3.0], object)
chosen = {"tanh", "exp"}


class Slotted:
    __slots__ = ("gain",)

    def __init__(self, gain):
        self.gain = gain


class Rates:
    first = 2.0

    def __getitem__(self, k):
        return self.first + k

    @property
    def doubled(self):
        return 2 * self.hidden


slotted, rates, more_rates = Slotted(2.0), Rates(), Rates()
rates.hidden = 3.0
networks = {"a": [Slotted(2.0), Slotted(3.0)]}


class Doubled:
    def times(self, x):
        return x * 2


class Tripled:
    def times(self, x):
        return x * 3


class DoubledAgain:
    def times(self, x):
        return x * 2


DoubledAgain.times.__code__ = Doubled.times.__code__.replace()


@dataclass
class Settings:
    """Its class has methods that `object` has, too, and data with names of Python's own functions."""

    max: float = 2.0

    def sum(self):
        return self.max * 2


data, data_list = Settings(), [Settings(float(k)) for k in range(6)]


class Meta(type):
    first = 2.0


class Made(metaclass=Meta):
    pass


plain = {"range": range(3), "wait": timedelta(seconds=2), "path": Path("a/b")}
swapped, deep_rate = Doubled(), attrgetter("inner.rate")
nested_settings = types.SimpleNamespace(inner=types.SimpleNamespace(rate=2.0))
with_keyword = partial(lambda x, s: x * s, s=2.0)


def helper(x):
    return x * 2


def other_helper(x):
    return x * 3


def same_helper(x):
    return x * 2


same_helper.__code__ = helper.__code__.replace()


def with_default(x, k=2.0, *, more={"m": 1.0}):  # noqa: B006  as users do
    return x * k + more["m"]


def with_keywords(x, *, k=2.0):
    return x * k


def of_settings(c, x):
    return c.rate * x


def imports(x):
    import test_outside_numbers

    return x * test_outside_numbers.rate


numbers = types.ModuleType("test_outside_numbers")
numbers.rate = 2.0
numbers.helper = helper
sys.modules["test_outside_numbers"] = numbers


def set_item(thing, key, to):
    return lambda monkeypatch: monkeypatch.setitem(thing, key, to)


def put(things, k, to):
    """As `set_item`, for lists and arrays; what was there is put back by `restored`."""
    return lambda _: things.__setitem__(k, to)


READ = {
    "entry of a dict": (lambda x: x * cfg["s"], r"cfg\['s'\] was 2.0 while tracing and is 5.0", set_item(cfg, "s", 5.0)),
    "entry within": (lambda x: x * cfg["deep"]["t"][1], r"cfg\['deep'\]\['t'\] has", set_item(cfg["deep"], "t", [3.0, 5.0])),
    "text": (lambda x: x if cfg["mode"] == "linear" else x * x, "was 'linear' while", set_item(cfg, "mode", "square")),
    "truth": (lambda x: x if cfg["on"] else x * x, r"cfg\['on'\] was True while", set_item(cfg, "on", False)),
    "entries": (lambda x: x * sum(v for v in cfg.values() if isinstance(v, float)), "cfg has", set_item(cfg, "more", 1.0)),
    "number in a list of several": (lambda x: x * mixed[0], r"mixed\[0\] was 2.0", put(mixed, 0, 5.0)),
    "attribute in a list": (lambda x: x * mixed[1].rate, r"\.rate was 2.0", change(settings, "rate", 5.0)),
    "dict in a list": (lambda x: x * mixed[2]["k"], r"mixed\[2\]\['k'\] was 3.0", set_item(mixed[2], "k", 5.0)),
    "Value in a list": (lambda x: x * mixed[3], r"mixed\[3\] was 4.0", change(mixed[3], "data", 5.0)),
    "Values in lists": (lambda x: x * weights[0][1], r"weights\[0\] has", change(weights[0][1], "data", 5.0)),
    "another Value": (lambda x: x * weights[1][0], r"weights\[1\] has", put(weights[1], 0, ag.Value(7.0))),
    "a number for a Value": (lambda x: x * weights[1][0], r"weights\[1\] has", put(weights[1], 0, 7.0)),
    "a text for a Value": (lambda x: x * weights[1][0], r"weights\[1\] has", put(weights[1], 0, "7")),
    "a list for a Value": (lambda x: x * weights[1][0], r"weights\[1\] has", put(weights[1], 0, [ag.Value(7.0)])),
    "one Value more": (lambda x: x * ag.sum(weights[0]), r"weights\[0\] has", lambda _: weights[0].append(ag.Value(1.0))),
    "array of objects": (lambda x: x * objects[1], r"objects\[1\] was 3.0", put(objects, 1, 4.0)),
    "set": (lambda x: ag.exp(x) if "exp" in chosen else x, "chosen has changed", lambda _: chosen.discard("exp")),
    "slot": (lambda x: x * slotted.gain, "slotted.gain was 2.0", change(slotted, "gain", 5.0)),
    "slots in containers": (lambda x: x * networks["a"][1].gain, r"\.gain was 3.0", change(networks["a"][1], "gain", 5.0)),
    "property": (lambda x: x * rates.doubled, "rates.hidden was 3.0", change(rates, "hidden", 5.0)),
    "shadow of a class": (lambda x: x * rates.first, "rates.first was 2.0", change(rates, "first", 5.0)),
    "special method": (lambda x: x * more_rates[0], "more_rates.first was 2.0", change(Rates, "first", 6.0)),
    "getattr": (lambda x: x * getattr(settings, "rate"), "settings.rate was 2.0", change(settings, "rate", 5.0)),  # noqa: B009
    "helper": (lambda x: helper(x) + 1, "helper has changed", change(here, "helper", other_helper)),
    "helper's default": (lambda x: with_default(x), "k was 2.0", change(with_default, "__defaults__", (5.0,))),
    "default of a keyword": (with_keywords, "k was 2.0", set_item(with_keywords.__kwdefaults__, "k", 5.0)),
    "dataclass": (lambda x: x * data.max, "data.max was 2.0", change(data, "max", 5.0)),
    "method of a dataclass": (lambda x: x * data.sum(), "data.max was 2.0", change(data, "max", 5.0)),
    "list of dataclasses": (lambda x: x * data_list[3].max, r"data_list\[3\].max was 3.0", change(data_list[3], "max", 5.0)),
    "helper's own dict": (lambda x: with_default(x), r"more\['m'\] was 1.0", set_item(with_default.__kwdefaults__["more"], "m", 5.0)),
    "what a helper is given": (lambda x: of_settings(settings, x), "settings.rate was 2.0", change(settings, "rate", 5.0)),
    "helper of a module": (lambda x: numbers.helper(x), "numbers.helper has changed", change(numbers, "helper", other_helper)),
    "number of a module": (lambda x: x * numbers.rate, "numbers.rate was 2.0", change(numbers, "rate", 5.0)),
    "imported module": (imports, "test_outside_numbers.rate was 2.0", change(numbers, "rate", 5.0)),
    "function of a library": (lambda x: x * math.sqrt(4.0), "math.sqrt has", change(math, "sqrt", math.cbrt if hasattr(math, "cbrt") else math.exp)),
    "keyword of a partial": (with_keyword, "s was 2.0", set_item(with_keyword.keywords, "s", 5.0)),
    "range": (lambda x: x * len(plain["range"]), r"plain\['range'\] has", set_item(plain, "range", range(4))),
    "duration": (lambda x: x * plain["wait"].total_seconds(), r"plain\['wait'\] has", set_item(plain, "wait", timedelta(seconds=5))),
    "path": (lambda x: x * len(plain["path"].parts), r"plain\['path'\] has", set_item(plain, "path", Path("a/b/c"))),
    "what a getter reads": (lambda x: x * deep_rate(nested_settings), r"\.rate was 2.0", change(nested_settings.inner, "rate", 5.0)),
    "class of an object": (lambda x: swapped.times(x), "swapped.times has changed", change(swapped, "__class__", Tripled)),
    "class of a class": (lambda x: x * Made.first, "Made.first was 2.0", change(Meta, "first", 5.0)),
    "part of a partial": (partial(of_settings, settings), "rate was 2.0", change(settings, "rate", 5.0)),
    "method": (lambda x: made.part(x), "made.part has changed", change(Model, "part", other_helper)),
}  # fmt: skip


@pytest.fixture
def restored():
    """What the cases change in place comes back."""
    kept = [(x, x[:]) for x in (mixed, *weights)]
    inside = set(chosen), objects.copy()
    yield
    for x, was in kept:
        x[:] = was
    chosen.update(inside[0])
    objects[:] = inside[1]


@contextmanager
def no_walk(monkeypatch):
    """Nothing has changed, and the watches say so: a walk takes milliseconds, and would at every call."""
    with monkeypatch.context() as patch:
        patch.setattr(captured_constants, "walked", lambda *_, **__: pytest.fail("nothing was touched"))
        yield


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("case", READ)
def test_whatever_code_reads_is_seen(monkeypatch, case):
    f, message, changes = READ[case]
    compiled = compiler.compile(f, 1.0)
    before = compiled(1.0)
    with no_walk(monkeypatch):
        for _ in range(20):
            assert compiled(1.0) == before
    with monkeypatch.context() as patch:
        changes(patch)
        with pytest.warns(StaleTraceWarning, match=message):
            assert compiled(1.0) == before
        assert compiled(1.0) == before  # said once


def test_parameters_of_a_model():
    nn = pytest.importorskip("nn")
    model = nn.MLP(2, [3, 1], seed=1)
    compiled = compiler.compile(lambda x: model(x), [1.0, 2.0])
    compiled([1.0, 2.0])
    model.parameters()[4].data += 1.0
    with pytest.warns(StaleTraceWarning, match="the program keeps"):
        compiled([1.0, 2.0])


def scaler(top):
    return nn.StandardScaler().fit([[0.0], [top]])


def network(*middle):
    return nn.Sequential(nn.Linear(1, 2, seed=0), *middle, nn.Linear(2, 1, seed=1))


class Pipeline:
    def __init__(self):
        self.scaler, self.model = scaler(4.0), network(nn.Tanh())

    def __call__(self, x):
        return self.model(self.scaler([1.0]))[0] * x


class Net(nn.Module):
    def __init__(self):
        self.steps = {"first": nn.Neuron(1, seed=0)}

    def forward(self, x):
        return self.steps["first"]([x])


def replaced(things, key, to):
    return lambda _: things.__setitem__(key, to)


def set_to(thing, name, to):
    return lambda _: setattr(thing, name, to)


def state_cases():
    """What keeps its state in attributes of its own that no code of the user's names, and how it changes."""
    learnt, ranged, coded = scaler(4.0), nn.MinMaxScaler().fit([[0.0], [4.0]]), nn.OneHotEncoder().fit([["a"], ["b"]])
    whole, swapped = Pipeline(), Pipeline()
    layers, longer, nested = network(nn.Tanh()), network(nn.Tanh()), nn.Sequential(network(), nn.Tanh())
    mlps = [nn.MLP(1, [2, 1], seed=0) for _ in range(5)]
    linear, leaky, dropped, conv = nn.Linear(1, 1, seed=0), nn.LeakyReLU(0.1), nn.Dropout(0.9, seed=1), nn.Conv1d(1, 1, 1)
    rnn, net, optimizer = nn.RNN(1, 1, seed=0), Net(), nn.SGD(lr=0.1)
    dropped.eval()
    user_dict, user_list = collections.UserDict(k=2.0), collections.UserList([2.0])
    chained, numbers = collections.ChainMap({"k": 2.0}), array.array("d", [2.0])
    octets, fields, inner = bytearray(b"\2"), np.zeros(1, [("k", float)]), {"k": 2.0}
    proxy = types.MappingProxyType(inner)
    return {
        "scaler fitted again": (lambda x: x * learnt.transform([[1.0]])[0][0], lambda _: learnt.fit([[0.0], [40.0]])),
        "scaler called": (lambda x: x * ranged([1.0])[0], lambda _: ranged.fit([[0.0], [40.0]])),
        "encoder": (lambda x: x * coded.transform([["a"]])[0][0], lambda _: coded.fit([["0"], ["a"]])),
        "scaler within": (whole, lambda _: whole.scaler.fit([[0.0], [40.0]])),
        "another scaler": (swapped, set_to(swapped, "scaler", scaler(40.0))),
        "layer swapped": (lambda x: layers([x])[0], replaced(layers.modules, 1, nn.ReLU())),
        "layer added": (lambda x: longer([x])[0], lambda _: longer.modules.append(nn.Tanh())),
        "layer within": (lambda x: nested([x])[0], replaced(nested.modules[0].modules, 0, nn.Linear(1, 2, seed=5))),
        "model itself": (nested, replaced(nested.modules, 1, nn.Sigmoid()), [1.0]),
        "activation": (lambda x: mlps[0]([x]), set_to(mlps[0].layers[0].neurons[0], "_function", ag.sin)),
        "layer of neurons": (lambda x: mlps[1]([x]), replaced(mlps[1].layers, 0, nn.Layer(1, 2, seed=7))),
        "neurons": (lambda x: mlps[2]([x]), set_to(mlps[2].layers[0], "neurons", [nn.Neuron(1, seed=k) for k in (8, 9)])),
        "weight": (lambda x: mlps[3]([x]), replaced(mlps[3].layers[0].neurons[0].w, 0, ag.Value(5.0))),
        "bias": (lambda x: mlps[4]([x]), set_to(mlps[4].layers[0].neurons[0], "b", ag.Value(5.0))),
        "weights": (lambda x: linear([x])[0], set_to(linear, "weight", [[ag.Value(3.0)]])),
        "option": (lambda x: leaky(-x), set_to(leaky, "options", (0.5,))),
        "mode": (lambda x: dropped([x])[0], lambda _: dropped.train()),
        "kernel": (lambda x: conv([[x, x]])[0][0], replaced(conv.weight[0][0], 0, ag.Value(9.0))),
        "state that is loaded": (lambda x: rnn([[x]])[0][0][0], lambda _: rnn.load_state_dict(nn.RNN(1, 1, seed=4).state_dict())),
        "module of the user's": (net, replaced(net.steps, "first", nn.Neuron(1, seed=4))),
        "rate": (lambda x: x * optimizer.lr, set_to(optimizer, "lr", 0.5)),
        "UserDict": (lambda x: x * user_dict["k"], replaced(user_dict, "k", 5.0)),
        "UserList": (lambda x: x * user_list[0], replaced(user_list, 0, 5.0)),
        "ChainMap": (lambda x: x * chained["k"], replaced(chained, "k", 5.0)),
        "array.array": (lambda x: x * numbers[0], replaced(numbers, 0, 5.0)),
        "bytearray": (lambda x: x * octets[0], replaced(octets, 0, 5)),
        "fields": (lambda x: x * float(fields["k"][0]), replaced(fields, 0, (5.0,))),
        "proxy": (lambda x: x * proxy["k"], replaced(inner, "k", 5.0)),
    }  # fmt: skip


STATE = state_cases()


@pytest.mark.parametrize("case", STATE)
def test_state_of_objects_is_seen(monkeypatch, case):
    f, changes, at = (*STATE[case], 1.0)[:3]
    compiled = compiler.compile(f, at)
    before = compiled(at)
    with no_walk(monkeypatch):
        for _ in range(20):
            assert compiled(at) == before
    changes(monkeypatch)
    with pytest.warns(StaleTraceWarning, match="since tracing|while tracing"):
        assert [compiled(at) for _ in range(20)] == [before] * 20
    assert compiler.compile(f, at)(at) != before


def test_what_a_model_does_beside_its_computation_is_no_change():
    model, net = network(nn.Tanh()), nn.MLP(1, [2, 1], seed=0)
    compiled = compiler.compile(lambda x: model([net([x])])[0], 1.0)
    before = compiled(1.0)
    result = model([net([2.0])])[0]
    result.backward()
    model.state_dict(), repr(net), net.parameters(), model.eval(), net.train()
    nn.SGD(net.parameters(), lr=0.0).step()
    net.zero_grad()
    assert [compiled(1.0) for _ in range(20)] == [before] * 20


def test_of_many_changes_a_few_are_named():
    model = nn.MLP(1, [20, 1], seed=0)
    compiled = compiler.compile(lambda x: model([x]), 1.0)
    for p in model.parameters():
        p.data += 1.0
    with pytest.warns(StaleTraceWarning) as caught:
        compiled(1.0)
    assert len(caught) == 5
    assert re.search(r"\(beside 37 others\) was 0.0 while tracing", str(caught[-1].message))
    compiled(1.0)  # said once


def named(kind, n):
    things = [Slotted(float(i)) for i in range(n)]
    if kind == "dict":
        return {(i,): x for i, x in enumerate(things)}
    return np.array(things, object) if kind == "array" else things


@pytest.mark.parametrize("kind", ["dict", "list", "array"])
@pytest.mark.parametrize(("n", "seen"), [(24, 24), (49, 0), (60, 0)])
def test_a_walk_looks_at_no_more_than_so_many_things(monkeypatch, kind, n, seen):
    monkeypatch.setattr(code_walk, "MOST_THINGS", 50)  # an entry counts when its container is opened, and by itself
    data = named(kind, n)
    walk = code_walk.walked(lambda x: [thing.gain * x for thing in data])
    assert sum(name.endswith(".gain") for name, _ in walk.facts.values()) == seen


def factory(k):
    def f(x):
        return x * k

    def set_k(to):
        nonlocal k
        k = to

    return f, set_k


def test_two_functions_of_one_code_are_two():
    (f, _), (g, set_k) = factory(2.0), factory(3.0)
    compiled = compiler.compile(lambda x: f(x) + g(x), 1.0)
    assert compiled(1.0) == 5.0
    set_k(7.0)
    with pytest.warns(StaleTraceWarning, match="k was 3.0 while tracing and is 7.0 now"):
        compiled(1.0)


class Counting:
    def __init__(self):
        self.calls, self.cache, self.s = 0, {}, 2.0

    def __call__(self, x):
        self.calls += 1
        self.cache[self.calls] = self.s
        return x * self.s if x > 0 else -x


def test_what_a_function_changes_itself_is_its_own(monkeypatch):
    counting = Counting()
    compiled = compiler.compile(counting, 1.0)
    assert compiled(1.0) == 2.0
    assert compiled(-1.0) == 1.0  # traced once more
    counting(3.0)
    assert compiled(1.0) == 2.0
    monkeypatch.setattr(counting, "s", 5.0)
    with pytest.warns(StaleTraceWarning, match="self.s was 2.0"):
        compiled(1.0)


def test_entries_that_the_code_does_not_name_are_not_its_own(monkeypatch):
    state = {"step": 0, "rate": 2.0, "deep": {"k": 3.0, "seen": 0}}
    compiled = compiler.compile(lambda x: x * state["rate"] * state["deep"]["k"], 1.0)
    walks = []
    monkeypatch.setattr(compiled._captured, "_look", walks.append)
    for k in range(5):
        state["step"] = state["deep"]["seen"] = k + 1
        assert compiled(1.0) == 6.0
    assert walks == []  # and cost no walk
    monkeypatch.undo()
    state["deep"]["k"] = 4.0
    with pytest.warns(StaleTraceWarning, match=r"state\['deep'\]\['k'\] was 3.0"):
        compiled(1.0)


def test_an_equal_class_is_no_change(monkeypatch):
    """As when a module is loaded again in which nothing was changed."""
    compiled = ag.compile(lambda x: swapped.times(x), 1.0)
    monkeypatch.setattr(swapped, "__class__", DoubledAgain)
    assert [compiled(1.0) for _ in range(5)] == [2.0] * 5


def test_what_is_equal_is_no_change(monkeypatch):
    compiled = compiler.compile(lambda x: helper(x) * cfg["s"] * settings.rate * settings.deep.rates[1] + table[0], 1.0)
    before = compiled(1.0)
    monkeypatch.setattr(here, "helper", same_helper)
    monkeypatch.setattr(here, "cfg", {key: cfg[key] for key in cfg})
    rates = list(settings.deep.rates)
    monkeypatch.setattr(here, "settings", types.SimpleNamespace(rate=2.0, deep=types.SimpleNamespace(rates=rates)))
    monkeypatch.setattr(here, "table", table.copy())
    monkeypatch.setattr(settings, "unread", 1.0, raising=False)
    assert compiled(1.0) == before
    rates[1] = 6.0  # of the one that stands there now
    with pytest.warns(StaleTraceWarning, match="settings.deep.rates has changed"):
        compiled(1.0)


@pytest.mark.parametrize("kind", ["numbers", "array", "Values", "objects"])
def test_large_data_are_looked_at_in_turns(monkeypatch, kind):
    monkeypatch.setattr(watches, "COMPARED_AT_ONCE", 100)
    monkeypatch.setattr(watches, "OBJECTS", 100)
    n = 4950
    data = {
        "numbers": [float(i) for i in range(n)],
        "array": np.arange(float(n)),
        "Values": [ag.Value(float(i)) for i in range(n)],
        "objects": [Slotted(float(i)) for i in range(n)],
    }[kind]
    if kind == "objects":
        compiled = compiler.compile(lambda x: x * data[3].gain, 1.0)
    else:
        compiled = compiler.compile(lambda x: x * data[3], 1.0)
    for _ in range(watches.WHOLE + 3):
        compiled(1.0)
    if kind in ("Values", "objects"):
        setattr(data[4917], "data" if kind == "Values" else "gain", 5.0)
    else:
        data[4917] = 5.0
    with pytest.warns(StaleTraceWarning, match="data"):
        assert {compiled(1.0) for _ in range(400)} == {3.0}


def rows(n, width):
    return [[float(i + j) for i in range(width)] for j in range(n)]


@pytest.mark.parametrize("calls", [0, watches.WHOLE - 1, watches.WHOLE, watches.WHOLE + 3])
@pytest.mark.parametrize(
    ("data", "late"),
    {
        "500 numbers": ([float(i) for i in range(500)], 0),
        "501 numbers": ([float(i) for i in range(501)], 0),
        "1,000 numbers": ([float(i) for i in range(1000)], 0),
        "5,000 numbers": ([float(i) for i in range(5000)], 0),
        "15,000 numbers": ([float(i) for i in range(15_000)], 0),
        "numbers and texts": ([*range(600), *map(str, range(600))], 0),
        "rows": (rows(40, 70), 0),
        "a row": (tuple(rows(1, 4900)), 0),
        "array": (array.array("d", range(5000)), 0),
        "bytes": (bytearray(5000), 0),
        "a dict of rows": (dict(enumerate(rows(30, 70))), 0),
        "a dict": ({f"k{i}": float(i) for i in range(500)}, 0),
        "a large dict": ({f"k{i}": float(i) for i in range(1000)}, 1),
        "short rows": (rows(80, 8), 0),
        "many rows": (rows(500, 10), 6),
    }.values(),
)
def test_of_thousands_of_numbers_a_change_is_found_in_the_next_call_or_a_few_later(data, late, calls):
    """A call compares what takes some microseconds: lists within lists and entries of dicts take longer than numbers."""
    data = copy.deepcopy(data)

    def f(x):
        return x * len(data)

    compiled = compiler.compile(f, 1.0)
    for _ in range(calls):
        compiled(1.0)
    part, key = data, None
    while key is None:
        key = next(reversed(part)) if isinstance(part, dict) else -1
        if isinstance(part[key], (list, tuple, dict)):
            part, key = part[key], None
    part[key] = 5 if isinstance(part, bytearray) else 0.5
    with pytest.warns(StaleTraceWarning, match="data"):
        assert {compiled(1.0) for _ in range(1 if calls < watches.WHOLE else 1 + late)} == {float(len(data))}


@pytest.mark.parametrize("k", [0, 499, 500, 5000, 49_999])
def test_at_first_all_of_large_data_is_looked_at(monkeypatch, k):
    data = [float(i) for i in range(10 * watches.COMPARED_AT_ONCE)]
    compiled = compiler.compile(lambda x: x * data[3], 1.0)
    compiled(1.0)
    data[k] = 5.5
    with pytest.warns(StaleTraceWarning, match="data has changed"):
        compiled(1.0)


def test_a_call_compares_no_more_than_so_much(monkeypatch):
    """Counted as what the watches are asked for: their number does not grow with what the closure holds."""
    asked = []
    things = [Slotted(float(i)) for i in range(300)]
    real = watches.of_slot

    def counted_slot(thing, name):
        watch = real(thing, name)
        return lambda: asked.append(1) or watch()

    monkeypatch.setattr(watches, "of_slot", counted_slot)
    compiled = compiler.compile(lambda x: x * things[3].gain, 1.0)
    for _ in range(watches.WHOLE):
        compiled(1.0)
    asked.clear()
    compiled(1.0)
    assert 0 < len(asked) <= watches.WATCHES


def test_a_program_of_another_program(monkeypatch):
    inner = compiler.compile(of_global, 1.0)
    outer = compiler.compile(lambda x: inner(x) + 1, 1.0)
    monkeypatch.setattr(here, "scale", 5.0)
    with pytest.warns(StaleTraceWarning, match="scale was 2.0"):
        assert outer(1.0) == 3.0


# --- what leaves the graph within a trace --------------------------------------------------------


def under_no_grad(x):
    with ag.no_grad():
        y = ag.exp(x) * x
    return y * x


STOPPED = {
    "detach": (lambda x: x * x.detach(), lambda x: x * x, lambda x: x),
    "detach of a result": (lambda x: x * ag.sin(x).detach(), lambda x: x * math.sin(x), math.sin),
    "detach of a sum": (lambda x: ag.sum([x, 2.0, x]).detach() + x, lambda x: 3 * x + 2, lambda x: 1.0),
    "no_grad": (under_no_grad, lambda x: math.exp(x) * x * x, lambda x: math.exp(x) * x),
}


@pytest.mark.parametrize("name", STOPPED)
@pytest.mark.parametrize("optimize", [True, False])
def test_detached_numbers_follow_the_arguments_and_have_no_gradient(name, optimize):
    f, value, slope = STOPPED[name]
    compiled = compiler.compile(f, 1.0, optimize=optimize)
    rows = compiler.compile(f, 1.0, in_axes=0, optimize=optimize)
    points = [-2.0, 0.0, 0.5, 3.0]
    for x in points:
        assert compiled.value_and_grad(x) == (pytest.approx(value(x)), (pytest.approx(slope(x)),))
        assert ag.value_and_grad(f)(x) == pytest.approx((value(x), slope(x)))
        assert compiler.compile(ag.grad(f), 1.0)(x) == pytest.approx(slope(x))
        second = ag.grad(ag.grad(f))(x)
        assert compiled.hessian(x)[0][0] == pytest.approx(second)
    values, (slopes,) = rows.value_and_grad(points)
    assert values.tolist() == pytest.approx([value(x) for x in points])
    assert slopes.tolist() == pytest.approx([slope(x) for x in points])


LEAKS = {
    "an argument": lambda x: x * x.data,
    "a choice": lambda x: x * x if x.data > 0 else -x,
    "a result": lambda x: x * (ag.sin(x) + 1).data,
    "within a gradient": lambda x: ag.grad(lambda y: y * y * x.data)(x),
}


@pytest.mark.parametrize("name", LEAKS)
def test_reading_the_data_of_what_hangs_on_an_argument_is_said_when_it_is_traced(name):
    with pytest.warns(StaleTraceWarning, match=r"reads \.data of a Value that depends on its arguments") as caught:
        compiler.compile(LEAKS[name], 1.0)
    assert [w.filename for w in caught] == [__file__]


def test_reading_the_data_of_what_hangs_on_no_argument_is_quiet():
    w = ag.Value(2.0)
    f = compiler.compile(lambda x: x * w.data + (w * 3).data + ag.Value(1.0).data + len(f"{x:.2f}{x!r}"), 1.0)
    assert f(2.0) == pytest.approx(2 * 2 + 6 + 1 + len("1.00" + repr(ag.Value(1.0))))


def _watched():
    """A function for each kind of change, and what is watched: several watches, written out as one."""
    first, second, many = {"a": 1.0, "b": 2.0}, {"a": 3.0, "c": 4.0}, {f"n{k}": float(k) for k in range(9)}
    numbers, inner = [1.0, 2.0], [5.0]

    def plain(x):
        return x

    def with_defaults(x, y=1.0, *, z=2.0):
        return x * y * z

    def around():
        u, v = 1.0, 2.0

        def reads():
            return u, v

        def sets(x):
            nonlocal v
            v = x

        return reads.__closure__, sets

    cells, sets = around()
    found = [
        watches.of_names(first.get, ["a", "b"]), watches.of_names(second.get, ["a", "c", "len"]),
        watches.of_names(many.get, list(many)), watches.of_cells(cells), watches.of_plain(numbers, numbers[:]),
        watches.of_functions([plain, with_defaults]), lambda: inner[0] == 5.0,
    ]  # fmt: skip
    changes = {
        "nothing": lambda: None,
        "a name": lambda: first.update(b=7.0),
        "a name that is gone": lambda: first.pop("b"),
        "the same name elsewhere": lambda: second.update(a=1.0),
        "a name elsewhere that is gone": lambda: second.pop("a"),
        "a builtin that is hidden": lambda: second.update(len=1.0),
        "one of many names elsewhere": lambda: many.update(n8=0.0),
        "a cell": lambda: sets(3.0),
        "an empty cell": lambda: delattr(cells[1], "cell_contents"),
        "a number": lambda: numbers.append(3.0),
        "code": lambda: setattr(plain, "__code__", (lambda x: -x).__code__),
        "defaults": lambda: setattr(with_defaults, "__defaults__", (3.0,)),
        "keywords' defaults": lambda: setattr(with_defaults, "__kwdefaults__", {"z": 3.0}),
        "something that is asked": lambda: inner.append(inner.pop() + 1),
        "defaults where there were none": lambda: setattr(plain, "__defaults__", (3.0,)),
    }
    return found, changes


@pytest.mark.parametrize("most", [12, 3], ids=["written as one", "in turns"])
@pytest.mark.parametrize("change", _watched()[1])
def test_watches_together_report_what_each_of_them_reports(change, most, monkeypatch):
    monkeypatch.setattr(watches, "WATCHES", most)
    found, changes = _watched()
    untouched = watches.of_all(found)
    assert all(untouched() for _ in range(4))
    changes[change]()
    is_change = change not in ("nothing", "defaults where there were none")
    assert all(untouched() is not is_change for _ in range(4))


def objects_in(n):
    return [object() for _ in range(n)]


# By kind of container: n things in one, its watch, and something else that may stand in the place of each.
CONTAINERS = {
    "objects in a list": (objects_in, lambda x: watches.of_items(x, list(x)), object),
    "objects in a deque": (lambda n: collections.deque(objects_in(n)), lambda x: watches.of_items(x, list(x)), object),
    "objects in an array": (lambda n: np.array(objects_in(n)), lambda x: watches.of_items(x, list(x)), object),
    "objects in a dict": (lambda n: dict(enumerate(objects_in(n))), watches.of_entries, object),
    "Values": (lambda n: [ag.Value(0.25)] * n, watches.of_values, lambda: ag.Value(0.5)),
    "Values, then a number": (lambda n: [ag.Value(0.25)] * n, watches.of_values, lambda: 0.25),
    "numbers in a list": (lambda n: [0.25] * n, lambda x: watches.of_plain(x, x[:]), lambda: 0.5),
    "numbers in a dict": (lambda n: dict.fromkeys(range(n), 0.25), lambda x: watches.of_plain(x, x.copy()), lambda: 0.5),
    "rows in a list": (lambda n: [[0.25]] * n, lambda x: watches.of_plain(x, x[:]), lambda: [0.5]),
    "array of doubles": (lambda n: array.array("d", [0.25] * n), lambda x: watches.of_plain(x, x[:]), lambda: 0.5),
    "bytes": (bytearray, lambda x: watches.of_plain(x, x[:]), lambda: 1),
    "array of NumPy's": (np.zeros, watches.of_array, lambda: 0.5),
}
PLACES, LENGTHS = (0.0, 0.5, 1.0), ("more", "fewer", "first to last")
CHANGES = [
    (kind, change) for kind in CONTAINERS for change in (*PLACES, *LENGTHS)
    if change in PLACES or kind not in ("objects in an array", "array of NumPy's")
]  # fmt: skip


def changed(things, change, other):
    """Things in which something else stands at a place, or one more, or less than all."""
    keys = list(things) if isinstance(things, dict) else range(len(things))
    if isinstance(change, float):
        things[keys[round(change * (len(keys) - 1))]] = other
    elif change == "more":
        things.update({-1: other}) if isinstance(things, dict) else things.append(other)
    elif change == "fewer":
        things.popitem() if isinstance(things, dict) else things.pop()
    else:
        del things[keys[0]]
        changed(things, "more", other)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("n", [3, 600, 6000])
@pytest.mark.parametrize(("kind", "change"), CHANGES)
def test_a_container_of_any_size_is_watched(kind, change, n, late):
    """Nothing is reported before a change; a change is, within as many calls as it takes to look at all; and stays so."""
    make, watch, other = CONTAINERS[kind]
    things = make(n)
    untouched = watches.of_all([watch(things)])
    calls = watches.WHOLE + 1 + n // 15  # some twenty rows take as long as a thousand numbers
    assert all(untouched() for _ in range(calls if late else 1))
    changed(things, change, other())
    assert not all(untouched() for _ in range(calls))
    assert not any(untouched() for _ in range(calls))
