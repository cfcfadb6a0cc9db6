"""Weights as matrices: given, read and set on every layer; and names that no layer has are refused."""

import copy
import functools
import operator
import pickle

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn._src.support.matrix_algebra import as_matrix

W = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]
b = [0.1, -0.2]
X = [1.0, 2.0, -3.0]


def numbers(out):
    return [y.data for y in out]


@pytest.mark.parametrize("make", [lambda **o: nn.Layer(activation="linear", **o), nn.Linear], ids=["Layer", "Linear"])
class TestLayers:
    def test_a_matrix_makes_a_layer(self, make):
        layer = make(weights=W, bias=b)
        assert numbers(layer(X)) == pytest.approx((np.array(W) @ X + b).tolist(), rel=1e-15)
        assert layer.weight.data == W
        assert layer.bias.data == b
        assert layer.theta.data == [[b[0], *W[0]], [b[1], *W[1]]]
        assert numbers(make(weights=np.array(W))(X)) == pytest.approx((np.array(W) @ X).tolist())  # biases of 0
        assert make(nin=3, nout=2, weights=W, bias=b).weight.data == W

    def test_without_biases_there_are_none(self, make):
        layer = make(weights=W, bias=False)
        assert layer.bias is None
        assert layer.theta.data == W
        assert len(layer.parameters()) == 6
        assert numbers(layer(X)) == pytest.approx((np.array(W) @ X).tolist())
        with ag.scope("elsewhere"):
            assert numbers(layer(X)) == pytest.approx((np.array(W) @ X).tolist())
        layer.theta = np.array(W) * 2
        assert layer.weight.data == (np.array(W) * 2).tolist()
        layer.bias = b
        assert layer.bias.data == b
        assert layer.theta.data == [[b[0], *(2 * w for w in W[0])], [b[1], *(2 * w for w in W[1])]]
        assert len(layer.parameters()) == 8
        layer.bias = None
        assert len(layer.parameters()) == 6

    def test_setting_numbers_keeps_the_parameters_and_setting_values_shares_them(self, make):
        layer, other = make(nin=3, nout=2, seed=1), make(nin=3, nout=2, seed=2)
        before = layer.parameters()
        layer.weight, layer.bias = W, b
        assert list(map(id, layer.parameters())) == list(map(id, before))
        layer.theta = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]
        assert layer.bias.data == [1.0, 5.0]
        assert layer.weight.data == [[2.0, 3.0, 4.0], [6.0, 7.0, 8.0]]
        assert list(map(id, layer.parameters())) == list(map(id, before))
        layer.weight[1][2] = -1.0
        layer.theta[0] = [0.0, 0.0, 0.0, 1.0]
        assert layer.theta.data == [[0.0, 0.0, 0.0, 1.0], [5.0, 6.0, 7.0, -1.0]]
        layer.weight = other.weight
        assert layer.weight[0][0] is other.weight[0][0]
        assert len({id(p) for p in [*layer.parameters(), *other.parameters()]}) == 6 + 2 + 2
        assert set(map(id, layer.parameters())) >= {id(p) for row in other.weight for p in row}
        tied = make(weights=other.weight, bias=other.bias)
        assert list(map(id, tied.parameters())) == list(map(id, other.parameters()))

    def test_gradients_are_read_as_matrices(self, make):
        layer = make(weights=W, bias=b)
        nn.sse(layer(X), [0.0, 1.0]).backward()
        delta = np.array(W) @ X + b - [0.0, 1.0]
        assert np.array(layer.weight.grad) == pytest.approx(np.outer(delta, X))
        assert np.array(layer.theta.grad) == pytest.approx(np.outer(delta, [1.0, *X]))

    def test_what_does_not_fit_is_refused_and_nothing_changes(self, make):
        layer = make(weights=W, bias=b)
        for name, wrong, error, words in (
            ("weight", [[1.0, 2.0]], ag.StructureError, "weight: expected 2 x 3 numbers"),
            ("weight", [[1.0, 2.0, 3.0], [4.0, 5.0]], ag.StructureError, "expected 2 x 3 numbers"),
            ("weight", 3.0, ag.StructureError, "expected 2 x 3 numbers"),
            ("weight", [[9.0, 9.0, 9.0], [9.0, 9.0, "x"]], ag.OperandError, "expected a real number"),
            ("weight", [[9.0] * 3, [9.0, 9.0, ag.Value(1.0) * 2]], ag.OperandError, "the result of mul"),
            ("bias", [9.0], ag.StructureError, "bias: expected 2 numbers"),
            ("theta", W, ag.StructureError, "theta: expected 2 x 4 numbers"),
        ):
            with pytest.raises(error, match=words):
                setattr(layer, name, wrong)
        with pytest.raises(ag.OperandError, match=r"whole \.weight"):
            layer.weight[0][0] = ag.Value(1.0)
        assert (layer.weight.data, layer.bias.data) == (W, b)
        for options, error, words in (
            ({}, ag.StructureError, "numbers of inputs and units, or weights=W"),
            ({"weights": [1.0, 2.0]}, ag.StructureError, "weights: expected a matrix"),
            ({"weights": [[1.0], [1.0, 2.0]]}, ag.StructureError, "weights: expected a matrix"),
            ({"weights": W, "nin": 2}, ag.StructureError, "expected nin=3"),
            ({"weights": W, "nout": 3}, ag.StructureError, "expected nout=2"),
            ({"weights": [["x"]]}, ag.OperandError, "weights: expected a real number"),
            ({"weights": [[ag.Value(1.0) + 1]]}, ag.OperandError, "weights: .* the result of add"),
            ({"weights": W, "bias": [1.0]}, ag.StructureError, "bias: expected 2 numbers"),
            ({"weights": W, "bias": 1.0}, ag.OperandError, "bias: expected True, False or a number per unit"),
        ):
            with pytest.raises(error, match=words):
                make(**options)

    def test_copies_and_pickles_are_whole(self, make):
        layer = make(weights=W, bias=b)
        for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            assert (again.weight.data, again.bias.data) == (W, b)
            again.weight = [[0.0] * 3] * 2
            assert layer.weight.data == W

    def test_biases_have_an_initialiser_too(self, make):
        layer = make(nin=2, nout=50, bias_init=nn.init.uniform(2.0, 3.0), seed=1)
        assert all(2.0 <= x <= 3.0 for x in layer.bias.data)
        assert len(set(layer.bias.data)) == 50
        assert make(nin=2, nout=2, seed=1).bias.data == [0.0, 0.0]


def test_a_neuron_takes_weights_and_a_bias():
    unit = nn.Neuron(weights=[2.0, -1.0], bias=0.5, activation="linear")
    assert unit([1.0, 1.0]).data == 1.5
    unit.w, unit.b = [1.0, 1.0], 0.0
    assert unit([1.0, 2.0]).data == 3.0
    shared = ag.Value(4.0)
    assert nn.Neuron(weights=[shared], bias=shared, activation="linear")([2.0]).data == 12.0
    bare = nn.Neuron(2, "sigmoid", bias=False)
    assert bare.b is None
    assert len(bare.parameters()) == 2
    assert [n.op for n in ag.topological_order(bare([1.0, 2.0])) if n.op] == ["dot", "sigmoid"]
    with pytest.raises(ag.StructureError, match="expected nin=1"):
        nn.Neuron(2, weights=[1.0])


def test_the_last_layer_of_an_mlp_has_an_activation_where_one_is_named():
    sizes = [3, 2]
    model = nn.MLP(2, sizes, "tanh", output="sigmoid", bias_init=nn.init.uniform(-1.0, 1.0), seed=1)
    assert repr(model.layers[-1]) == "Layer of [SigmoidNeuron(3), SigmoidNeuron(3)]"
    a = np.array([0.5, -1.0])
    for layer, f in zip(model.layers, (np.tanh, lambda z: 1 / (1 + np.exp(-z))), strict=True):
        theta = np.array(layer.theta.data)
        assert np.all(np.abs(theta[:, 0]) < 1)
        assert np.all(theta[:, 0] != 0)
        a = f(theta @ [1.0, *a])
    assert numbers(model([0.5, -1.0])) == pytest.approx(a.tolist())
    assert len(nn.MLP(2, sizes, bias=False).parameters()) == 2 * 3 + 3 * 2
    with pytest.raises(ag.OperandError, match="MLP: bias: expected True or False"):
        nn.MLP(2, sizes, bias=[1.0, 2.0])
    with pytest.raises(ag.RangeError, match="activation: expected one of"):
        nn.MLP(2, sizes, output="sigmoyd")


def test_networks_without_biases_are_read_trained_and_drawn_as_others():
    X, y = nn.datasets.xor()
    model = nn.MLP(2, [3, 1], "tanh", output="sigmoid", bias=False, seed=3)
    again = copy.deepcopy(model)
    losses = [
        nn.fit(m, X, y, loss=nn.mse, optimizer=nn.SGD(lr=0.5), epochs=5, compiled=c, progress=False).loss
        for m, c in ((model, None), (again, False))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    signals = nn.error_signals(model, X[1], y[1], loss=nn.sse)
    assert len(signals["layer1"]) == 3
    assert nn.diagnose(model, X, y, loss=nn.mse).layers[0].units == 3


def test_matrices_of_other_layers_are_set_in_place():
    rnn = nn.RNN(1, 2, seed=1)
    before = rnn.parameters()
    rnn.weight_hh_l0 = 0.5 * np.eye(2)
    conv = nn.Conv1d(1, 1, 2)
    conv.weight, conv.bias = [[[1.0, -1.0]]], [2.0]
    assert list(map(id, rnn.parameters())) == list(map(id, before))
    assert [[v.data for v in row] for row in rnn.weight_hh_l0] == [[0.5, 0.0], [0.0, 0.5]]
    assert [y.data for y in conv([[3.0, 1.0, 5.0]])[0]] == [4.0, -2.0]
    assert len(conv.parameters()) == 3
    with pytest.raises(ag.StructureError, match=r"RNN.weight_hh_l0: expected 2 x 2 numbers"):
        rnn.weight_hh_l0 = [[1.0]]


class MyNeuron(nn.Neuron):
    """Of a class that keeps what it likes, beside the weights of its layer."""


class MyRNN(nn.RNN):
    """Likewise."""


HOLDERS = {
    "Neuron": lambda: nn.Neuron(2, seed=1),
    "Layer": lambda: nn.Layer(2, 3, seed=1),
    "MLP": lambda: nn.MLP(2, [3, 1], seed=1),
    "Linear": lambda: nn.Linear(2, 3, seed=1),
    "Conv1d": lambda: nn.Conv1d(2, 1, 3, seed=1),
    "Conv2d": lambda: nn.Conv2d(1, 2, 2, seed=1),
    "RNN": lambda: nn.RNN(1, 2, seed=1),
    "LSTM": lambda: nn.LSTM(1, 2, seed=1),
    "Sequential": lambda: nn.Sequential(nn.Linear(2, 2, seed=1), nn.Tanh(), nn.Neuron(2, seed=2)),
    "MyNeuron": lambda: MyNeuron(2, seed=1),
    "MyRNN": lambda: MyRNN(1, 2, seed=1),
    "a copy": lambda: copy.deepcopy(nn.LSTM(1, 2, seed=1)),
    "of a pickle": lambda: pickle.loads(pickle.dumps(nn.MLP(2, [3, 1], seed=1))),
}


def at(module, name):
    """What the parameter of that name stands in, and its place there."""
    *way, last = name.split(".")
    place = module
    for step in way:
        place = place[int(step)] if step.isdigit() else getattr(place, step)
    return place, int(last) if last.isdigit() else last


@pytest.mark.parametrize("kind", HOLDERS)
def test_a_number_that_is_set_in_any_list_of_any_layer_becomes_the_parameters(kind):
    module = HOLDERS[kind]()
    before = dict(module.named_parameters())
    for k, name in enumerate(before):
        place, key = at(module, name)
        if isinstance(key, int):
            place[key] = 0.5 + k
        else:
            setattr(place, key, 0.5 + k)
        assert before[name].data == 0.5 + k
    now = dict(module.named_parameters())
    assert list(map(id, now.values())) == list(map(id, before.values()))
    assert module.state_dict() == {name: 0.5 + k for k, name in enumerate(before)}
    for name in before:
        place, key = at(module, name)
        if isinstance(key, str):
            continue
        place[:] = [7.0] * len(place)  # a part, and backwards
        place[-1] = np.float32(2.5)
        assert [p.data for p in place] == [7.0] * (len(place) - 1) + [2.5]
        for wrong, error, words in (
            ("x", ag.OperandError, "a parameter: expected a real number"),
            (None, ag.OperandError, "a parameter: expected a real number"),
            ([1.0], ag.OperandError, "a parameter: expected a real number"),
            (place[key] + 1.0, ag.OperandError, r"a parameter: expected a number.*\.(data|weight)"),  # as += has it
        ):
            with pytest.raises(error, match=words):
                place[key] = wrong
        for change, given in (("append", [1.0]), ("extend", [[1.0]]), ("insert", [0, 1.0]), ("pop", []), ("__delitem__", [0])):
            with pytest.raises(ag.StructureError, match=r"expected as many parameters as before, \d+; build a layer"):
                getattr(place, change)(*given)
    assert list(map(id, module.parameters())) == list(map(id, before.values()))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "Conv1d", "Conv2d", "MyRNN"])
def test_rows_of_numbers_are_set_in_place_too(kind):
    module = HOLDERS[kind]()
    before = module.parameters()
    for name in [n for n in vars(module) if "weight" in n]:
        matrix = getattr(module, name)
        matrix[0] = np.full_like(np.array(matrix.data[0]), 0.25)
        assert set(np.array(matrix.data[0]).ravel().tolist()) == {0.25}
        with pytest.raises(ag.StructureError, match="a parameter: expected"):
            matrix[0] = [1.0] * 9
        setattr(module, name, np.full_like(np.array(matrix.data), 0.5).tolist())  # the whole, which may not grow either
        assert set(np.array(getattr(module, name).data).ravel().tolist()) == {0.5}
        with pytest.raises(ag.StructureError, match="expected as many parameters as before"):
            getattr(module, name).append(1.0)
    assert list(map(id, module.parameters())) == list(map(id, before))


def test_a_value_that_is_set_in_a_layers_own_list_is_shared():
    shared = ag.Value(0.5)
    unit, rnn = nn.Neuron(2, seed=1), nn.RNN(1, 2, seed=1)
    unit.w[1] = shared
    rnn.weight_hh_l0[0][1] = shared
    rnn.weight_hh_l0[1] = [shared, 3.0]
    assert unit.parameters()[1] is shared
    assert rnn.weight_hh_l0[0][1] is shared
    assert rnn.weight_hh_l0[1][0] is shared
    assert rnn.weight_hh_l0[1].data == [0.5, 3.0]
    rnn.weight_hh_l0[1][1] = 4.0  # a row that was set is held as the one before
    assert rnn.weight_hh_l0.data[1] == [0.5, 4.0]
    unit.w[0] = result = 2.0 * shared
    unit.w[0] = 7.0  # a result that stood there keeps its number
    assert (unit.w[0].data, result.data, len(unit.parameters())) == (7.0, 1.0, 3)
    mine = MyNeuron(2, seed=1)
    mine.w = [shared, shared, shared]  # a class of one's own may have another number of them
    mine.w[0] = 2.0
    assert shared.data == 2.0


@pytest.mark.parametrize(
    "module",
    [
        nn.Neuron(1), nn.Layer(1, 1), nn.MLP(1, [1]), nn.Linear(1, 1), nn.Sequential(nn.Tanh()), nn.Dropout(), nn.ReLU(),
        nn.ELU(), nn.LeakyReLU(), nn.Softmax(), nn.LogSoftmax(), nn.Conv1d(1, 1, 1), nn.Conv2d(1, 1, 1), nn.Flatten(),
        nn.RNN(1, 1), nn.LSTM(1, 1),
    ],
    ids=lambda m: type(m).__name__,
)  # fmt: skip
def test_an_attribute_that_a_layer_does_not_have_is_refused(module):
    for name in ("weights", "wieght", "lr"):
        with pytest.raises(AttributeError, match=f"has no attribute '{name}', so setting it would change nothing"):
            setattr(module, name, [[1.0]])
        assert not hasattr(module, name)
    for name in ("requires_grad", "trainable"):
        with pytest.raises(AttributeError, match=r"the optimizer gets the parameters that are to be trained, nn.Adam\(\["):
            setattr(module, name, False)
    module.training = False
    assert module.eval() is module
    assert copy.deepcopy(module).training is False

    class Mine(type(module)):
        pass

    mine = copy.deepcopy(module)
    mine.__class__ = Mine
    mine.lr = 0.1  # a subclass keeps what it likes
    assert mine.lr == 0.1


def test_the_refusal_says_what_may_be_meant():
    with pytest.raises(AttributeError, match=r"did you mean 'weight'\? It has bias, neurons, theta, training, weight"):
        nn.Layer(1, 1).wieght = [[1.0]]


def test_a_layer_with_biases_on_some_units_says_so():
    layer = nn.Layer(1, 2)
    layer.neurons[0].b = None
    with pytest.raises(ag.StructureError, match="a bias on all neurons or on none, got 1 of 2"):
        layer.theta  # noqa: B018


@pytest.mark.parametrize("layer", [nn.Layer(3, 2, "linear", bias_init=nn.init.uniform(), seed=1), nn.Linear(3, 2, seed=1)])
@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_parameters_are_multiplied_as_matrices_and_stay_a_graph(layer, kind):
    x, d = [0.5, -1.0, 2.0], [0.3, -0.7]
    theta, weight = np.array(layer.theta.data), np.array(layer.weight.data)
    z = layer.theta @ kind([1.0, *x])
    assert [v.data for v in z] == pytest.approx([v.data for v in layer(x)])
    [slopes] = [ag.grad_of(z[1], [v for row in layer.theta for v in row])]
    assert slopes == pytest.approx([0, 0, 0, 0, 1.0, *x])
    assert [v.data for v in layer.weight @ kind(x)] == pytest.approx(weight @ x)
    assert [v.data for v in kind(d) @ layer.theta] == pytest.approx(d @ theta)
    assert (layer.bias @ kind(d)).data == pytest.approx((kind(d) @ layer.bias).data)
    X = np.array([x, [1.0, 2.0, 3.0]])
    assert [[v.data for v in row] for row in layer.weight @ kind(X.T.tolist())] == pytest.approx(weight @ X.T)
    assert [[v.data for v in row] for row in kind([d, d]) @ layer.weight] == pytest.approx(np.array([d, d]) @ weight)
    with pytest.raises(ag.StructureError, match="as many numbers on both sides, got 3 and 2"):
        layer.weight @ [1.0, 2.0]
    for wrong in (2.0, [], [[1.0], 2.0]):
        with pytest.raises(ag.OperandError, match="Values @: expected a vector or a matrix"):
            layer.weight @ wrong


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_who_asks_for_softmax_as_an_activation_is_told_where_it_is(name):
    with pytest.raises(ag.RangeError, match=r"nn\.cross_entropy, or put nn\.Softmax\(\) after the layers"):
        nn.MLP(2, [3, 3], output=name)
    with pytest.raises(ag.RangeError, match="(?m)got 'swoosh'$"):
        nn.MLP(2, [3, 3], output="swoosh")


# --- as arrays ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["weight", "bias", "theta"])
def test_an_array_of_parameters_has_their_numbers(which):
    layer = nn.Layer(2, 3, "linear", bias_init=nn.init.uniform(-1.0, 1.0), seed=1)
    given = getattr(layer, which)
    for array in (np.asarray(given), np.array(given)):
        assert array.dtype == np.float64
        assert array.tolist() == given.data
    assert np.asarray(given, dtype=np.float32).dtype == np.float32
    values = np.asarray(given, dtype=object)
    assert values.shape == np.asarray(given).shape
    assert values.ravel()[0] is (given[0] if which == "bias" else given[0][0])
    conv = nn.Conv2d(2, 3, 2, seed=1)
    assert np.asarray(conv.weight).shape == (3, 2, 2, 2)


@pytest.mark.parametrize(
    "f",
    [
        lambda W, x: W @ x, lambda W, x: np.dot(W, x), lambda W, x: np.matmul(W, x), lambda W, x: np.array([0.5, 1.0]) @ W,
        lambda W, x: np.sum(W), lambda W, x: np.exp(W).ravel(), lambda W, x: W[0] * x, lambda W, x: x * W[0],
        lambda W, x: np.concatenate([W, W]).ravel(), lambda W, x: np.einsum("ij,j->i", W, x), lambda W, x: np.outer(W[0], x).ravel(),
    ],
)  # fmt: skip
def test_functions_of_numpy_take_parameters_as_values(f):
    layer = nn.Layer(weights=[[1.0, 2.0], [3.0, 4.0]], bias=False, activation="linear")
    x = np.array([0.5, -1.0])
    result = f(layer.weight, x)
    total = ag.sum(list(np.ravel(np.asarray(result, dtype=object))))
    assert isinstance(total, ag.Value)
    assert total.data == pytest.approx(np.sum(f(np.asarray(layer.weight), x)))
    total.backward()
    assert any(map(any, layer.weight.grad))  # gradients pass


@pytest.mark.parametrize("kind", [nn.Layer, nn.Linear])
def test_weights_may_be_given_from_i_to_j(kind):
    """As Downing and Dolhansky have them: a row per input."""
    V = [[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]]
    options = {"activation": "sigmoid"} if kind is nn.Layer else {}
    layer = kind(weights=V, index="from_to", bias=False, **options)
    same = kind(weights=np.transpose(V).tolist(), bias=False, **options)
    x = [0.5, -1.0, 2.0]
    assert [y.data for y in layer(x)] == [y.data for y in same(x)]
    assert layer.weight.data == same.weight.data
    assert [[w.data for w in row] for row in nn.forward_pass(layer, x, notation="downing")["W"]] == V
    with pytest.raises(ag.RangeError, match=f"{kind.__name__}: index: expected 'to_from' or 'from_to', got 'ij'"):
        kind(weights=V, index="ij")
    with pytest.raises(ag.StructureError, match=f"{kind.__name__}: expected nin=3, as weights has it, got 2"):
        kind(2, 3, weights=V, index="from_to")
    with pytest.raises(ag.StructureError, match="weights: expected a matrix, a row per input"):
        kind(weights=[[1.0], [1.0, 2.0]], index="from_to")


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_a_product_adds_up_entry_by_entry(kind):
    """z = W a + b, as it is typed; never a longer list."""
    layer = nn.Layer(weights=[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], bias=[10.0, 20.0])
    a, b = kind([1.0, 1.0, 1.0]), kind([10.0, 20.0])
    product = layer.weight @ a
    rows = kind([1.0, 0.0]) @ layer.weight
    sums = [product + layer.bias, layer.bias + product, product + b, b + product, layer.theta @ [0.0, *a] + b]
    for z in sums:
        assert [v.data for v in z] == [16.0, 35.0]
    assert [v.data for v in product + product] == [12.0, 30.0]
    assert [v.data for v in rows + kind([1.0, 1.0, 1.0])] == [2.0, 3.0, 4.0]
    assert ag.grad_of(sums[0][1], [*layer.weight[1], *layer.bias]) == [1.0, 1.0, 1.0, 0.0, 1.0]
    z = layer.weight @ a
    z += b
    assert [v.data for v in z] == [16.0, 35.0]
    matrix = layer.weight @ [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    for total in (matrix + kind([[1.0, 1.0], [1.0, 1.0]]), kind([[1.0, 1.0], [1.0, 1.0]]) + matrix):
        assert [[v.data for v in row] for row in total] == [[2.0, 3.0], [5.0, 6.0]]
    assert [v.data for v in matrix[0] + b] == [11.0, 22.0]
    assert [[v.data for v in pickle.loads(pickle.dumps(z))], [v.data for v in copy.deepcopy(z)]] == [[16.0, 35.0]] * 2
    with pytest.raises(ag.StructureError, match="as many entries on both sides, got 2 and 3"):
        product + kind([1.0, 2.0, 3.0])
    assert [v.data for v in product + 1.0] == [7.0, 16.0]  # a number goes to every entry, as NumPy has it
    with pytest.raises(ag.StructureError, match="as many entries on both sides, got 2 x 2 and 2"):
        matrix + b  # NumPy would add b to each row, which no text means
    for wrong in ("1", None):
        with pytest.raises(ag.OperandError, match="expected a vector, a matrix or a number as the other term"):
            product + wrong


def test_vectors_of_a_pass_show_numbers_and_make_the_formulas_of_the_texts():
    """a .* (1 - a), (Θ^(2))ᵀ δ^(3) without its row 0, δ aᵀ, W • J_Sum: typed as they are printed."""
    model = nn.MLP(2, [3, 2], "sigmoid", output="sigmoid", seed=0)
    asked = {"loss": functools.partial(nn.binary_cross_entropy, reduction="sum"), "notation": "cs60050"}
    signals = nn.error_signals(model, [0.5, -1.0], [1.0, 0.0], **asked)
    run = signals.run
    a, theta, top = run["a^(2)"], run["Θ^(2)"], signals["δ^(3)"]
    assert repr(a) == f"Values([{', '.join(format(v.data, '.4g') for v in a)}])"
    assert [text in a._repr_html_() for text in ("a_1^(2)", "a_3^(2)")] == [True, True]
    below = (theta.T @ top)[1:] * (a * (1 - a))
    assert below.data == pytest.approx(signals["δ^(2)"])
    assert [v.data for v in a * (1 - a)] == pytest.approx([v.data * (1 - v.data) for v in a])
    D = nn.cost(model, [[0.5, -1.0]], [[1.0, 0.0]], notation="cs60050").D
    assert np.outer(top, [1.0, *np.asarray(a)]) == pytest.approx(D[1])
    assert np.outer(signals["δ^(2)"], run["a^(1)"]) == pytest.approx(D[0][:, 1:])  # NumPy takes a pass's numbers
    assert ag.grad_of((theta @ [1.0, *a])[0], [a[0]]) == [theta[0][1].data]  # and operators its nodes
    assert (1 - a**2).data == pytest.approx([1 - v.data**2 for v in a])
    for sign in (operator.neg, operator.pos, operator.abs):  # the node that it makes of a Value alone
        signed = sign(theta)
        assert signed.data == [[sign(v.data) for v in row] for row in theta]
        assert [v.op for v in sign(a)] == [sign(v).op for v in a]
    assert (2.0 - 3.0 * a / 2.0).data == pytest.approx([2.0 - 1.5 * v.data for v in a])
    assert theta.T.T.data == theta.data
    assert a.T.data == a.data
    for same in (copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
        assert type(same) is type(a)
        assert same.data == a.data


def test_comparisons_of_numpy_take_numbers():
    layer = nn.Layer(weights=[[1.0, 2.0], [3.0, 4.0]], bias=[1.0, -1.0], activation="linear")
    z = layer.weight @ [1.0, 1.0] + layer.bias
    for left, right in ((z, [4.0, 6.0]), ([4.0, 6.0], z), (layer.bias + z, [5.0, 5.0]), (layer.weight, [[1, 2], [3, 4]])):
        assert np.allclose(left, right)
        assert np.array_equal(np.asarray(left, float), right if isinstance(right, list) else right.data)
    assert not np.allclose(z, [4.0, 6.5])
    assert isinstance(np.tanh(z)[0], ag.Value)  # any other function is one of the nodes


def test_a_step_of_gradient_descent_as_it_is_written():
    """Θ = Θ − α D: with the numbers of the result; where it is the result itself the error says so."""
    for unit in (nn.Layer(2, 1, "sigmoid", seed=1), nn.Neuron(2, "sigmoid", seed=1)):
        before = np.asarray(unit.theta).ravel()
        D = nn.cost(unit, [[1.0, 2.0], [0.5, -1.0]], [1, 0], 0.1).D[0]
        with pytest.raises(ag.OperandError, match=r"got the result of sub; .*assign the result's \.data"):
            unit.theta = unit.theta - 0.5 * D
        assert np.asarray(unit.theta).ravel().tolist() == before.tolist()
        unit.theta = (unit.theta - 0.5 * D).data
        assert np.asarray(unit.theta).ravel() == pytest.approx(before - 0.5 * np.ravel(D))


def test_the_parameters_of_one_unit_are_given_in_a_row():
    """θ = (θ_0, θ_1, θ_2), as logistic regression has it."""
    layer, unit = nn.Layer(2, 1, "sigmoid", weights=[1.0, -2.0], bias=0.5), nn.Neuron(2, "sigmoid")
    unit.theta = [0.5, 1.0, -2.0]
    assert layer([3.0, 1.0]).data == unit([3.0, 1.0]).data == ag.sigmoid(1.5)
    layer.theta = [0.0, 1.0, 1.0]
    unit.theta = [[0.0, 1.0, 1.0]]  # a row of a matrix, as nn.cost gives D
    assert layer.theta.data == [unit.theta.data] == [[0.0, 1.0, 1.0]]
    assert (unit.b.data, [w.data for w in unit.w]) == (0.0, [1.0, 1.0])
    assert nn.Neuron(2, bias=False, weights=[1.0, 2.0]).theta.data == [1.0, 2.0]
    parameters = unit.parameters()
    unit.theta = [3.0, 2.0, 1.0]
    assert all(p is q for p, q in zip(parameters, unit.parameters(), strict=True))
    with pytest.raises(ag.StructureError, match=r"Neuron\.theta: expected 3 numbers"):
        unit.theta = [1.0, 2.0]
    with pytest.raises(ag.StructureError, match="weights: expected a matrix, a row per unit"):
        nn.Layer(2, 2, weights=[1.0, 2.0])
    with pytest.raises(ag.OperandError, match="bias: expected True, False or a number per unit"):
        nn.Layer(2, 2, bias=0.5)


def test_what_a_neuron_holds_stays_a_list():
    """`self.w + [self.b]`, as micrograd has it, appends."""
    unit = nn.Neuron(2, seed=1)
    assert [*map(id, operator.add(unit.w, [unit.b]))] == [*map(id, unit.parameters())]
    assert [*map(id, operator.add([unit.b], unit.w))] == [id(unit.b), *map(id, unit.w)]


@pytest.mark.parametrize(
    ("notation", "of_the_sums", "sums"),
    [
        ("cs60050-first", lambda run: run["W^(1)"] @ run["a^(0)"] + run["b^(1)"], "z^(1)"),
        ("cs60050-first", lambda run: run["b^(2)"] + run["W^(2)"] @ run["a^(1)"], "z^(2)"),
        ("cs60050", lambda run: run["Θ^(1)"] @ [1.0, *run["a^(1)"]], "z^(2)"),
        ("cs60050-first", lambda run: run["b^(1)"] + run["w1"] @ run["x"], "z1"),
        ("lecture", lambda run: run["W_1"] @ run["a_1"] + run["b_1"], "z_1"),
        ("lecture-first", lambda run: run["W_2"] @ run["a_1"] + run["b_2"], "z_2"),
        ("ling3804", lambda run: run["w"] @ run["a"] + run["b"], "x′"),
        ("downing", lambda run: run["X"] @ run["V"] + [run["v_01"], run["v_02"], run["v_03"]], "sum(Y)"),
    ],
)
def test_formulas_of_texts_hold_for_what_a_pass_calls_so(notation, of_the_sums, sums):
    run = nn.forward_pass(nn.MLP(2, [3, 2], "tanh", seed=0), [0.5, -1.0], notation=notation)
    assert [v.data for v in of_the_sums(run)] == pytest.approx([v.data for v in run[sums]], rel=1e-14)


def test_parameters_show_their_numbers():
    """A matrix row by row, as NumPy writes an array; in a notebook a table. What layers hold are lists of Values."""
    layer = nn.Layer(weights=[[0.123456, -2.0], [3.0, 4.0], [1e-9, 0.0]], bias=[0.5, -1.0, 0.0])
    assert repr(layer.weight) == "Parameters([[0.1235, -2],\n            [3, 4],\n            [1e-09, 0]])"
    assert repr(layer.bias) == "Parameters([0.5, -1, 0])"
    for shown in (layer.weight, layer.bias, layer.theta, nn.Linear(3, 2, seed=1).theta, nn.MLP(2, [3, 1], seed=1).layers[0].weight):
        numbers = np.array(shown.data)
        assert np.array(eval(repr(shown), {"Parameters": list})) == pytest.approx(numbers, rel=1e-3)
        assert shown._repr_html_().count("</tr>") == 1 + len(np.atleast_2d(numbers))
    run = nn.forward_pass(layer, [1.0, 2.0], notation="downing")
    assert repr(run["W"]) == "Values([[0.1235, 3, 1e-09],\n        [-2, 4, 0]])"
    assert run["W"]._repr_html_().count("</tr>") == 3
    kernel = nn.Conv1d(1, 2, 3, seed=1).weight
    assert np.shape(kernel) == (2, 1, 3)
    assert getattr(kernel, "_repr_html_", None) is None
    for no_table in (as_matrix([]), as_matrix([[], []]), as_matrix([[[1.0]]])):  # without an entry, or of three axes
        assert no_table._repr_html_() is None
    assert repr(layer.neurons[0].w).startswith("[Value(data=")
    assert getattr(layer.neurons[0].w, "_repr_html_", None) is None
