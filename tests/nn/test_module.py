"""Modules find their parameters, name them, load and save them; nothing is half loaded."""

import copy
import json
import math
import pickle
import re
from fractions import Fraction

import numpy as np
import pytest

import autograd_core as ag
import nn


class Net(nn.Module):
    def __init__(self):
        self.first = nn.Linear(2, 2, seed=0)
        self.scale = ag.Value(2.0)
        self.table = {"a": [ag.Value(1.0)], "b": (ag.Value(2.0), nn.Neuron(1, seed=0))}
        self.again = self.first
        self.kept = self.scale * 3  # a result, no parameter
        self.note = "text"

    def forward(self, x):
        return self.scale * self.first(x)[0]


NAMES = [
    "first.weight.0.0", "first.weight.0.1", "first.weight.1.0", "first.weight.1.1", "first.bias.0", "first.bias.1",
    "scale", "table.a.0", "table.b.0", "table.b.1.w.0", "table.b.1.b",
]  # fmt: skip


def test_parameters_are_leaves_in_attributes_lists_dicts_and_submodules_each_once():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert list(map(id, net.parameters())) == [id(p) for _, p in net.named_parameters()]
    assert [name for name, _ in net.named_modules()] == ["", "first", "table.b.1"]


def test_a_module_that_contains_itself_ends():
    net = Net()
    net.me = net
    assert len(net.parameters()) == len(NAMES)


def test_forward_is_what_a_call_computes():
    net = Net()
    net.first.load_state_dict({"weight.0.0": 1, "weight.0.1": 2, "weight.1.0": 0, "weight.1.1": 0, "bias.0": 3,
                               "bias.1": 0})  # fmt: skip
    assert net([1.0, 10.0]).data == 2 * (1 + 20 + 3)


def test_a_module_without_forward_says_so():
    class Empty(nn.Module):
        pass

    with pytest.raises(ag.StructureError, match="Empty: expected a method forward"):
        Empty()(1.0)
    assert Empty().parameters() == []
    assert repr(Empty()) == "Empty()"


def test_zero_grad_reaches_all_parameters():
    net = Net()
    for p in net.parameters():
        p.grad = 3.0
    net.zero_grad()
    assert [p.grad for p in net.parameters()] == [0.0] * len(NAMES)


def test_train_and_eval_reach_all_modules():
    model = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    assert all(m.training for _, m in model.named_modules())
    assert model.eval() is model
    assert not any(m.training for _, m in model.named_modules())
    assert model.train() is model
    assert all(m.training for _, m in model.named_modules())


def test_repr_names_the_parts():
    assert repr(Net()) == "Net(first=Linear(2, 2), scale=1 parameter, table=1 modules, again=Linear(2, 2))"


def test_state_goes_round():
    a, b = nn.MLP(2, [3, 1], seed=0), nn.MLP(2, [3, 1], seed=1)
    assert a.state_dict() != b.state_dict()
    b.load_state_dict(a.state_dict())
    assert a.state_dict() == b.state_dict()
    a.state_dict()["layers.0.neurons.0.b"] = 7.0
    assert a.state_dict() == b.state_dict()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s.pop("b"), ag.StructureError, "missing: b; unexpected: none"),
        (lambda s: s.update(c=1.0), ag.StructureError, "missing: none; unexpected: c"),
        (lambda s: s.update(dict.fromkeys("cdefg", 1.0)), ag.StructureError, "unexpected: c, d, e, ..."),
        (lambda s: s.update({"b": "1"}), ag.OperandError, "b: expected a real number, got '1'"),
        (lambda s: s.update({"b": [1.0]}), ag.OperandError, "b: expected a real number"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    n = nn.Neuron(2, seed=0)
    before = n.state_dict()
    state = {"w.0": 5.0, "w.1": 6.0, "b": 7.0}
    change(state)
    with pytest.raises(error, match=message):
        n.load_state_dict(state)
    assert n.state_dict() == before


@pytest.mark.parametrize("prefix", ["", "0.", "net.2."])
@pytest.mark.parametrize("table", [lambda rows: rows, np.array])
def test_tables_of_weights_as_pytorch_has_them(prefix, table):
    state = {f"{prefix}weight": table([[1.0, 2.0]]), f"{prefix}bias": table([3.0])}
    said = rf"got '{prefix}weight' with a table.*nn\.Linear\(weights=state\['{prefix}weight'\], bias=state\['{prefix}bias'\]\)"
    model = nn.Linear(2, 1)
    before = model.state_dict()
    with pytest.raises(ag.StructureError, match=said):
        model.load_state_dict(state)
    assert model.state_dict() == before
    layer = nn.Linear(weights=state[f"{prefix}weight"], bias=state[f"{prefix}bias"])
    assert layer([1.0, 10.0])[0].data == 24.0


def test_a_name_that_is_there_twice():
    class Dotted(nn.Module):
        def __init__(self):
            self.table = {"a.b": ag.Value(1.0), "a": {"b": ag.Value(2.0)}}

    with pytest.raises(ag.StructureError, match=r"Dotted: expected different names, got 'table\.a\.b' twice"):
        Dotted().state_dict()


def test_a_state_is_a_mapping():
    with pytest.raises(ag.OperandError, match="expected a dict of names and numbers, got 3"):
        nn.Neuron(1).load_state_dict(3)


def test_copies_and_pickles_stand_alone():
    a = nn.MLP(2, [2, 1], seed=0)
    for b in (copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
        assert b.state_dict() == a.state_dict()
        assert b([1.0, 2.0]).data == a([1.0, 2.0]).data
        b.layers[0].neurons[0].w[0].data += 1.0
        assert b.state_dict() != a.state_dict()


# --- files --------------------------------------------------------------------------------------

NUMBERS = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, math.pi, math.inf, -math.inf, Fraction(1, 3), Fraction(-2)]


def test_files_keep_every_number_exactly(tmp_path):
    path = tmp_path / "model.json"
    a, b = nn.Neuron(len(NUMBERS), seed=0), nn.Neuron(len(NUMBERS), seed=1)
    for p, x in zip(a.w, NUMBERS, strict=True):
        p.data = x
    a.b.data = math.nan
    a.save(path)
    assert b.load(path) is b
    assert [repr(p.data) for p in b.parameters()] == [repr(p.data) for p in a.parameters()]
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_strict_json_that_says_what_it_is(tmp_path):
    path = tmp_path / "model.json"
    n = nn.Neuron(1, init=nn.init.constant(0.5))
    n.b.data = math.inf
    n.save(str(path))

    def never(token):
        raise AssertionError(token)

    content = json.loads(path.read_text(), parse_constant=never)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", content.pop("checksum"))
    assert content == {
        "format": "autograd-core parameters",
        "version": 1,
        "model": "ReLUNeuron(1)",
        "parameters": {"w.0": 0.5, "b": "inf"},
    }


GOOD = {"format": "autograd-core parameters", "version": 1, "model": "", "parameters": {"w.0": 1.0, "b": 2.0}}


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", ag.StructureError, "is no model file"),
        (b"\x80\x04\x95pickle", ag.StructureError, "is no model file"),
        (b"[" * 200_000, ag.StructureError, "is no model file"),
        (b"[1, 2]", ag.StructureError, 'no "format" of that name'),
        (b"{}", ag.StructureError, 'no "format" of that name'),
        (GOOD | {"version": 2}, ag.RangeError, "expected version 1 of the format, got 2"),
        (GOOD | {"parameters": [1.0]}, ag.StructureError, "no object of names and numbers"),
        (GOOD | {"parameters": {"w.0": 1.0, "b": "two"}}, ag.StructureError, "a parameter is no number"),
        (GOOD | {"parameters": {"w.0": 1.0, "b": True}}, ag.StructureError, "a parameter is no number: got True"),
        (GOOD | {"parameters": {"w.0": 1.0, "b": None}}, ag.StructureError, "a parameter is no number: got None"),
        (GOOD | {"parameters": {"w.0": 1.0, "b": "1/0"}}, ag.StructureError, "a parameter is no number"),
        (GOOD | {"parameters": {"w.0": 1.0, "b": 10**400}}, ag.StructureError, "a parameter is no number"),
        (GOOD | {"parameters": {"w.0": 1.0}}, ag.StructureError, "missing: b"),
        (json.dumps(GOOD).replace('"b"', '"w.0"').encode(), ag.StructureError, "'w.0' stands there twice"),
    ],
)
def test_a_file_that_is_no_model_changes_nothing(tmp_path, content, error, message):
    path = tmp_path / "model.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    n = nn.Neuron(1, seed=0)
    before = n.state_dict()
    with pytest.raises(error, match=message):
        n.load(path)
    assert n.state_dict() == before


def test_a_good_file_loads(tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(GOOD | {"parameters": {"w.0": 1, "b": 2}}))
    assert nn.Neuron(1).load(path).state_dict() == {"w.0": 1.0, "b": 2.0}


def test_a_missing_file_is_an_oserror():
    with pytest.raises(FileNotFoundError):
        nn.Neuron(1).load("/no/such/file.json")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    nn.Neuron(1, seed=0).save(path)
    before = path.read_bytes()

    def full(*_, **__):
        msg = "no space left"
        raise OSError(msg)

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="no space"):
        nn.Neuron(1, seed=1).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("saved", "other"),
    [
        (lambda: nn.MLP(2, [3, 1], "tanh"), lambda: nn.MLP(2, [3, 1], "relu")),
        (lambda: nn.MLP(2, [3, 1], "tanh"), lambda: nn.MLP(2, [3, 1], "tanh", output="sigmoid")),
        (lambda: nn.Neuron(2, "tanh"), lambda: nn.Neuron(2)),
        (lambda: nn.Sequential(nn.Linear(2, 1), nn.Tanh()), lambda: nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())),
        (lambda: nn.Sequential(nn.Linear(2, 1), nn.LeakyReLU(0.1)), lambda: nn.Sequential(nn.Linear(2, 1), nn.LeakyReLU(0.2))),
        (lambda: nn.Sequential(nn.Linear(2, 1)), lambda: nn.Sequential(nn.Linear(2, 1), nn.Dropout(0.5))),
    ],
)
def test_a_file_of_another_model_is_refused_in_words(tmp_path, saved, other):
    model, another = saved(), other()
    model.save(tmp_path / "model.json")
    before = another.state_dict()
    with pytest.raises(ag.StructureError, match=r"model.json: load: expected parameters of .*, got those of .*same_model"):
        another.load(tmp_path / "model.json")
    assert another.state_dict() == before
    assert another.load(tmp_path / "model.json", same_model=False).state_dict() == model.state_dict()
    assert saved().load(tmp_path / "model.json").state_dict() == model.state_dict()


def test_units_alike_are_counted_where_a_file_of_another_model_is_refused(tmp_path):
    nn.MLP(8, [16, 12, 1], "tanh").save(tmp_path / "model.json")
    with pytest.raises(ag.StructureError) as error:
        nn.MLP(8, [16, 1], "tanh").load(tmp_path / "model.json")
    own, saved = (f"MLP of [Layer of [16 × TanhNeuron(8)], {rest}]" for rest in (
        "Layer of [LinearNeuron(16)]", "Layer of [12 × TanhNeuron(16)], Layer of [LinearNeuron(12)]",
    ))  # fmt: skip
    assert f"expected parameters of {own}, got those of {saved}; build" in str(error.value)


def test_a_model_with_an_object_without_a_name_loads_its_file(tmp_path):
    class Shift:
        def __call__(self, x):
            return [x[0] + 1.0]

    model = nn.Sequential(Shift(), nn.Linear(1, 1))
    model.save(tmp_path / "model.json")
    assert nn.Sequential(Shift(), nn.Linear(1, 1)).load(tmp_path / "model.json").state_dict() == model.state_dict()
