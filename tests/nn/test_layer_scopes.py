"""The units of different layers are told apart, however a model is put together."""

import itertools
import re

import pytest

import autograd_core as ag
import nn

BUILT = {
    "layers": lambda: nn.Sequential(nn.Layer(2, 3), nn.Layer(3, 2)),
    "linear": lambda: nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)),
    "mixed": lambda: nn.Sequential(nn.Linear(2, 3), nn.MLP(3, [3, 3]), nn.Layer(3, 2), nn.Softmax()),
    "networks": lambda: nn.Sequential(nn.MLP(2, [3, 3]), nn.MLP(3, [2])),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))),
    "neurons": lambda: nn.Sequential(nn.Neuron(2), lambda y: [y, y], nn.Neuron(2)),
    "own": lambda: Own(),
}


class Own(nn.Module):
    """A model of one's own."""

    def __init__(self):
        self.first, self.second = nn.Layer(2, 3), nn.Linear(3, 2)
        self.there, self.back = nn.MLP(2, [3, 3]), nn.MLP(3, [2, 2])

    def forward(self, x):
        return self.back(self.there(self.second(self.first(x))))


def layers_of(model):
    neurons = {id(n) for _, m in model.named_modules() if isinstance(m, nn.Layer) for n in m.neurons}
    return [
        m for _, m in model.named_modules() if isinstance(m, (nn.Layer, nn.Linear, nn.Neuron)) and id(m) not in neurons
    ]


def outputs_of(model):
    found = model([0.5, -1.0])
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", sorted(BUILT))
def test_no_two_layers_share_a_scope(name):
    model = BUILT[name]()
    scopes = [{p.scope for p in layer.parameters()} for layer in layers_of(model)]
    assert all("" not in found for found in scopes)
    for a, b in itertools.combinations(scopes, 2):
        assert a.isdisjoint(b)
    made = {node.scope for y in outputs_of(model) for node in ag.topological_order(y) if node.op}
    assert set().union(*scopes) <= made  # what a unit computes is in the scope of its weights


def test_the_first_of_two_parts_with_the_same_scopes_keeps_them():
    class Two(nn.Module):
        def __init__(self):
            self.there, self.back = nn.MLP(2, [3, 3]), nn.MLP(3, [2, 2])

    model, alone = Two(), [p.scope for p in nn.MLP(2, [3, 3]).parameters()]
    assert [p.scope for p in model.there.parameters()] == alone
    assert {p.scope.partition("/")[0] for p in model.back.parameters()} == {"back"}


@pytest.mark.parametrize("name", sorted(BUILT))
@pytest.mark.parametrize("scope", ["", "net"])
def test_pictures_explanations_and_hessians_tell_them_apart(name, scope):
    if scope:
        with ag.scope(scope):
            model = BUILT[name]()
    else:
        model = BUILT[name]()
    units = sum(len(layer.weight) if not isinstance(layer, nn.Neuron) else 1 for layer in layers_of(model))
    assert len({p.scope for p in model.parameters()}) == units
    loss = nn.sse(model([0.5, -1.0]), [0.0] * len(outputs_of(model)))
    names = nn.hessian(model, [[0.5, -1.0]], [0.0 if len(outputs_of(model)) == 1 else [0.0] * 2], loss=nn.sse).names
    assert len(set(names)) == len(names)
    assert not re.search(r"(neuron|layer)\d+ · use 1 of", ag.draw(loss).svg)
    assert len(nn.forward_pass(model, [0.5, -1.0]).layers) == len(layers_of(model))


def test_a_layer_that_is_used_twice_is_one():
    layer = nn.Layer(2, 2)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    assert {p.scope for p in model.parameters()} == {"layer1/neuron0", "layer1/neuron1"}
    assert "use 1 of 2" in ag.draw(ag.sum(model([0.5, -1.0]))).svg


def test_what_has_a_scope_of_its_own_keeps_it():
    with ag.scope("hidden"):
        hidden = nn.Layer(2, 3)
    with ag.scope("top"):
        top = nn.Layer(3, 1)
    model = nn.Sequential(hidden, top)
    assert list(nn.forward_pass(model, [0.5, -1.0]).layers) == ["hidden", "top"]
    assert {p.scope for p in nn.Sequential(nn.MLP(2, [2, 1]), nn.Softmax()).parameters()} == {
        "layer1/neuron0", "layer1/neuron1", "layer2/neuron0",
    }  # fmt: skip


def test_a_layer_of_another_model_keeps_its_name():
    first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    both = nn.Sequential(first, second)
    nn.Sequential(second)
    assert [p.scope for p in both[1].parameters()] == ["layer2/neuron0"] * 3


def test_values_that_are_shared_keep_their_scope():
    with ag.scope("mine"):
        w = ag.Value(0.5, label="w")
    model = nn.Sequential(nn.Layer(weights=[[w, 1.0]]), nn.Layer(1, 1))
    assert w.scope == "mine"
    assert model[0].neurons[0].w[1].scope == "layer1/neuron0"


def test_convolutions_are_told_apart():
    model = nn.Sequential(nn.Conv1d(1, 1, 2), nn.ReLU(), nn.Conv1d(1, 1, 2))
    assert {p.scope for p in model.parameters()} == {"conv1/weights", "conv2/weights"}
    scopes = {node.scope for node in ag.topological_order(model([[1.0, 2.0, 3.0, 4.0]])[0][0]) if node.op}
    assert {"conv1/patch0", "conv2/patch0"} <= scopes
