"""Neurons, layers and networks compute what NumPy computes, in three nodes each, with micrograd's names."""

import random
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn

ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.logaddexp(0, z),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "sin": np.sin,
}
CLOSE = 1e-12  # a few roundings in sums of at most 8 terms of size 1


def by_numpy(model, x, activation):
    for layer in model.layers:
        W = np.array([[p.data for p in n.w] for n in layer.neurons])
        b = np.array([n.b.data for n in layer.neurons])
        x = W @ x + b
        if layer is not model.layers[-1]:
            x = activation(x)
    return x


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(seed=st.integers(0, 10**6), x=st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_a_network_computes_what_numpy_computes(name, seed, x):
    model = nn.MLP(3, [4, 2], name, seed=seed)
    for p in model.parameters():  # biases start at 0
        p.data += 0.125
    out = [v.data for v in model(x)]
    assert out == pytest.approx(by_numpy(model, np.array(x), ACTIVATIONS[name]).tolist(), rel=CLOSE, abs=CLOSE)


def test_every_activation_by_name_is_the_function_of_that_name():
    for name, function in nn._src.modules.activations.ACTIVATIONS.items():
        n = nn.Neuron(1, name, init=nn.init.constant(1.0))
        assert n([-0.7]).data == (-0.7 if function is None else getattr(ag, name)(-0.7))


def test_gradients_against_finite_differences():
    model = nn.MLP(2, [3, 1], "tanh", seed=3)
    x = [0.3, -0.8]
    model(x).backward()
    for p in model.parameters():
        h, here = 1e-6, p.data
        p.data = here + h
        up = model(x).data
        p.data = here - h
        down = model(x).data
        p.data = here
        assert p.grad == pytest.approx((up - down) / (2 * h), rel=1e-7, abs=1e-9)  # h^2 and 1e-16 / h


def test_a_neuron_is_three_nodes():
    n = nn.Neuron(5, seed=0)
    out = n([ag.Value(1.0) for _ in range(5)])
    assert [node.op for node in ag.topological_order(out) if node.op] == ["dot", "add", "relu"]
    assert all(p is q for p, q in zip(out.parents[0].parents[0].parents[:5], n.w, strict=True))


def test_micrograds_names_and_texts():
    model = nn.MLP(3, [2, 1], seed=0)
    assert repr(model) == "MLP of [Layer of [ReLUNeuron(3), ReLUNeuron(3)], Layer of [LinearNeuron(2)]]"
    assert [len(layer.neurons) for layer in model.layers] == [2, 1]
    assert [n.nonlin for layer in model.layers for n in layer.neurons] == [True, True, False]
    assert not nn.Neuron(2, False).nonlin
    assert not nn.Neuron(2, nonlin=False).nonlin
    assert not nn.Layer(2, 1, nonlin=False).neurons[0].nonlin
    assert nn.Neuron(2, True).nonlin
    assert nn.Neuron(2, None).activation == "linear"
    assert len(model.parameters()) == 3 * 2 + 2 + 2 + 1
    assert isinstance(model([1.0, 2.0, 3.0]), ag.Value)
    assert isinstance(nn.MLP(3, [2, 2])([1.0, 2.0, 3.0]), list)


def test_any_function_can_be_an_activation():
    def half(z):
        return z * 0.5

    n = nn.Neuron(1, half, init=nn.init.constant(4.0))
    assert n([1.0]).data == 2.0
    assert repr(n) == "halfNeuron(1)"
    assert repr(nn.Neuron(1, nn.Tanh())) == "TanhNeuron(1)"
    with ag.scope("s"):
        assert n([1.0]).data == 2.0


@pytest.mark.parametrize("row", [(1.0, 2.0), np.array([1.0, 2.0]), np.array([1, 2]), iter([1.0, 2.0]), [1, 2]])
@pytest.mark.parametrize("make", [lambda: nn.Neuron(2), lambda: nn.Layer(2, 1), lambda: nn.MLP(2, [1])])
def test_rows_of_any_kind(make, row):
    if not hasattr(row, "__len__"):
        row = iter([1.0, 2.0])
    model = make()
    model.load_state_dict(dict.fromkeys(model.state_dict(), 0.25))
    assert model(row).data == 1.0


def test_rows_of_values_get_gradients():
    x = [ag.Value(1.0), ag.Value(2.0)]
    model = nn.MLP(2, [1], init=nn.init.constant(3.0))
    model(x).backward()
    assert [v.grad for v in x] == [3.0, 3.0]
    array = np.array([ag.Value(1.0), ag.Value(2.0)])
    assert model(array).data == 9.0


@pytest.mark.parametrize(
    ("make", "row", "message"),
    [
        (lambda: nn.Neuron(2), [1, 2, 3], r"ReLUNeuron\(2\): expected 2 inputs, got 3: \[1, 2, 3\]"),
        (lambda: nn.Neuron(2), (1,), r"expected 2 inputs, got 1"),
        (lambda: nn.Layer(2, 2), [1, 2, 3], "expected 2 inputs, got 3"),
        (lambda: nn.MLP(2, [1]), [], "expected 2 inputs, got 0"),
        (lambda: nn.Linear(2, 1), [1, 2, 3], r"Linear\(2, 1\): expected 2 inputs, got 3"),
        (lambda: nn.Neuron(1), 3.0, "expected a list of numbers, got 3.0"),
        (lambda: nn.MLP(1, [1]), ag.Value(3.0), "expected a list of numbers, got Value"),
        (lambda: nn.Linear(1, 1), "x", "expected a list of numbers, got 'x'"),
        (lambda: nn.Dropout(0.5), 1.0, "expected a list of numbers, got 1.0"),
    ],
)
def test_rows_of_a_wrong_shape(make, row, message):
    with pytest.raises(ag.StructureError, match=message):
        make()(row)


def test_rows_of_no_numbers():
    with pytest.raises(ag.OperandError, match="got 'a'"):
        nn.MLP(2, [1])(["a", "b"])


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("make", [lambda: nn.Neuron(2), lambda: nn.Layer(2, 2), lambda: nn.MLP(2, [1]), lambda: nn.Linear(2, 1)])
def test_a_batch_in_place_of_a_row_is_called_one(make, count, within):
    rows = [[1.0, 2.0]] * count
    for batch in (rows, np.array(rows), tuple(rows), [tuple(map(ag.Value, row)) for row in rows]):
        said = rf"expected one row of 2 numbers, got {count} row\(s\); call the model for each, \[model\(x\) for x in X\]"
        with pytest.raises(ag.StructureError, match=said), ag.scope("outer") if within else nullcontext():
            make()(batch)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Neuron(0), ag.RangeError, "nin: expected at least 1, got 0"),
        (lambda: nn.Neuron(2.0), ag.OperandError, "nin: expected an int, got 2.0"),
        (lambda: nn.Neuron(nin=True), ag.OperandError, "nin: expected an int, got True"),
        (lambda: nn.Neuron(1, "swoosh"), ag.RangeError, "activation: expected one of linear, relu.*got 'swoosh'"),
        (lambda: nn.Neuron(1, "identity"), ag.RangeError, "got 'identity'; 'identity' is 'linear' here"),
        (lambda: nn.activation_curve("Logistic"), ag.RangeError, "'Logistic' is 'sigmoid' here"),
        (lambda: nn.Neuron(1, 3.0), ag.OperandError, "activation: expected a name, a function or None, got 3.0"),
        (lambda: nn.Neuron(1, init=1.0), ag.OperandError, "init: expected an initialiser"),
        (lambda: nn.Neuron(1, seed="a"), ag.OperandError, "seed: expected an int, a random.Random or None"),
        (lambda: nn.Layer(1, 0), ag.RangeError, "nout: expected at least 1"),
        (lambda: nn.MLP(1, 3), ag.OperandError, "nouts: expected a list of ints"),
        (lambda: nn.MLP(1, []), ag.StructureError, "at least one layer"),
        (lambda: nn.MLP(1, [2, 0]), ag.RangeError, "nout: expected at least 1, got 0"),
        (lambda: nn.Linear(1, -1), ag.RangeError, "nout: expected at least 1, got -1"),
        (nn.Sequential, ag.StructureError, "at least one module"),
        (lambda: nn.Sequential([nn.ReLU()]), ag.OperandError, "not as a list"),
        (lambda: nn.Dropout(1.5), ag.RangeError, r"p: expected a number in \[0, 1\], got 1.5"),
    ],
)
def test_sizes_and_options_out_of_bounds(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_seeds_rule_the_weights_and_leave_the_global_generator_alone():
    random.seed(7)
    state = random.getstate()
    a, b = nn.MLP(2, [3, 1], seed=5), nn.MLP(2, [3, 1], seed=random.Random(5))
    assert a.state_dict() == b.state_dict() != nn.MLP(2, [3, 1], seed=6).state_dict()
    assert nn.MLP(2, [3, 1]).state_dict() != nn.MLP(2, [3, 1]).state_dict()
    assert random.getstate() == state


def test_a_single_neuron_between_layers():
    model = nn.MLP(2, [1, 2], "linear", init=nn.init.constant(1.0))
    assert [v.data for v in model([1.0, 2.0])] == [3.0, 3.0]


# --- scopes -------------------------------------------------------------------------------------


def scopes_of(out, stop):
    return [node.scope for node in ag.topological_order(out) if node.op or any(node is p for p in stop)]


def test_parameters_and_nodes_know_their_neuron():
    model = nn.MLP(1, [2, 1], seed=0)
    neuron = model.layers[0].neurons[1]
    assert [p.label for p in neuron.parameters()] == ["w0", "b"]
    assert [p.scope for p in neuron.parameters()] == ["layer1/neuron1"] * 2
    out = model([ag.Value(1.0)])
    scopes = [node.scope for node in ag.topological_order(out) if node.op]
    assert scopes == ["layer1/neuron0"] * 3 + ["layer1/neuron1"] * 3 + ["layer2/neuron0"] * 2


def test_scopes_nest_in_those_of_the_user():
    with ag.scope("critic"):
        model = nn.MLP(1, [1], seed=0)
    assert model.parameters()[0].scope == "critic/layer1/neuron0"
    assert model([1.0]).scope == "critic/layer1/neuron0"
    with ag.scope("twice"):
        assert model([1.0]).scope == "twice/critic/layer1/neuron0"
        assert nn.Neuron(1)([1.0]).scope == "twice/twice"
    assert nn.Neuron(1)([1.0]).scope == ""


def test_a_label_for_one_node_stays_with_it():
    n = nn.Neuron(1, seed=0)
    out = n([1.0])
    out.label = "score"
    assert out.scope == n.b.scope
    assert [node.label for node in ag.topological_order(out) if node.op] == ["", "", "score"]
    assert n([1.0]).label == ""


def test_an_activation_that_returns_a_leaf_does_not_rename_it():
    mine = ag.Value(3.0, label="mine")
    assert nn.Neuron(1, lambda z: mine)([1.0]).label == "mine"


def test_anomalies_name_the_users_line():
    with pytest.raises(ag.AnomalyError, match=r"test_layers\.py"), ag.detect_anomaly():
        nn.Neuron(1, init=nn.init.constant(1.0))([1e308 * 10])


def test_networks_inside_transforms():
    model = nn.MLP(1, [2, 1], "tanh", seed=1)
    slope = ag.grad(lambda x: model([x]))(0.5)
    x = ag.Value(0.5)
    model([x]).backward()
    assert slope.data == pytest.approx(x.grad, rel=CLOSE)
    assert ag.jvp(lambda x: model([x]), (0.5,), (1.0,))[1].data == pytest.approx(x.grad, rel=CLOSE)
    slope.backward()  # the gradient of a gradient reaches the parameters
    assert any(p.grad for p in model.parameters())


# --- Linear, Sequential, Dropout ------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("scoped", [True, False])
def test_linear_is_a_matrix_times_a_vector(bias, scoped):
    layer = nn.Linear(3, 2, bias=bias, seed=4)
    W = np.array([[p.data for p in row] for row in layer.weight])
    b = np.array([0.5, -0.5]) if bias else np.zeros(2)
    for p, x in zip(layer.bias or [], b, strict=False):
        p.data = float(x)
    x = np.array([1.0, -2.0, 0.25])
    if scoped:
        with ag.scope("outer"):
            out = layer(x)
        assert [y.scope for y in out] == ["outer/neuron0", "outer/neuron1"]
    else:
        out = layer(x)
        assert [y.scope for y in out] == ["neuron0", "neuron1"]
    assert [y.data for y in out] == pytest.approx((W @ x + b).tolist(), rel=CLOSE)
    assert repr(layer) == ("Linear(3, 2)" if bias else "Linear(3, 2, bias=False)")
    assert len(layer.parameters()) == (8 if bias else 6)


def test_sequential_is_a_sequence():
    model = nn.Sequential(nn.Linear(2, 2, seed=0), nn.ReLU(), ag.sum)
    x = [1.0, -1.0]
    assert model(x).data == ag.sum(nn.ReLU()(model[0](x))).data
    assert len(model) == 3
    assert [type(m) for m in model][:2] == [nn.Linear, nn.ReLU]
    assert repr(model) == "Sequential(Linear(2, 2), ReLU(), sum)"
    assert len(model.parameters()) == 6


def test_dropout_keeps_the_mean_in_training_and_does_nothing_after():
    drop = nn.Dropout(0.25, seed=0)
    xs = [1.0] * 4000
    out = drop(xs)
    assert set(out) == {0.0, 1 / 0.75}
    assert sum(out) / len(out) == pytest.approx(1.0, abs=4 * (1 / 3 / 4000) ** 0.5)  # four standard errors
    assert drop.eval()(xs) == xs
    assert repr(drop) == "Dropout(0.25)"
    assert nn.Dropout(1.0)([3.0]) == [0.0]


def test_an_unknown_activation_is_refused_where_no_layer_uses_it():
    with pytest.raises(ag.RangeError, match="expected one of .*got 'tahn'"):
        nn.MLP(2, [1], activation="tahn")
