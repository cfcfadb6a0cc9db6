"""The LING3804 notes: Jacobians of threshold functions and of softmax, matrix chains, attenuation."""

import math
import random
import sys
from itertools import pairwise

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import practice

STATE = [0.3, -1.8, -0.2, 0.4, 0.9]


def relu(x):
    return [ag.relu(v) for v in x]


def shifted(x):
    """The threshold function of practice 6.1."""
    return [ag.where(v > -1, v, 0.0) for v in x]


# --- N1: threshold functions --------------------------------------------------------------------------


def test_jacobian_of_relu_at_the_vector_of_the_notes():
    assert ag.jacobian(relu)(STATE) == np.diag([1.0, 0.0, 0.0, 1.0, 1.0]).tolist()


def test_jacobian_of_the_shifted_threshold_at_that_vector():
    J = ag.jacobian(shifted)(STATE)
    assert np.diag([1.0, 0.0, 1.0, 1.0, 1.0]).tolist() == J
    assert practice.check("LING3804 6.1", J)
    assert not practice.check("LING3804 6.1", ag.jacobian(relu)(STATE))


def test_threshold_functions_are_the_same_within_a_network():
    """A layer whose weights are 1 on the diagonal and 0 elsewhere passes the vector on to them."""
    for function, slopes in ((ag.relu, [1, 0, 0, 1, 1]), (lambda v: ag.where(v > -1, v, 0.0), [1, 0, 1, 1, 1])):
        layer = nn.Layer(5, 5, function, init=nn.init.constant(0.0))
        for i, neuron in enumerate(layer.neurons):
            neuron.w[i].data = 1.0
        J = nn.layer_jacobian(layer, STATE, of=1, to="sum(layer1)")
        assert J.array.tolist() == np.diag(slopes).tolist()


# --- N2: softmax ---------------------------------------------------------------------------------------

PRINTED = """
    0.2 -0 -0 -0.1 -0.1
    -0 0 -0 -0 -0
    -0 -0 0.1 -0 -0.1
    -0.1 -0 -0 0.2 -0.1
    -0.1 -0 -0.1 -0.1 0.2
"""


def test_softmax_table_to_its_printed_digits():
    table = [f"{round(x, 1):g}" for row in ag.jacobian(ag.softmax)(STATE) for x in row]
    assert table == PRINTED.split()


def test_softmax_table_from_a_network_that_ends_in_softmax():
    model = nn.Sequential(nn.Linear(5, 5, bias=False, init=nn.init.constant(0.0)), nn.Softmax())
    for i, row in enumerate(model.modules[0].weight):
        row[i].data = 1.0
    J = nn.layer_jacobian(model, STATE, of="softmax", to="layer1")
    assert [f"{round(x, 1):g}" for x in J.flat] == PRINTED.split()


def test_the_derivation_of_the_softmax_jacobian_symbolically():
    """Section 6.6, line by line in SymPy; and the library's own rules give its last line."""
    sympy = pytest.importorskip("sympy")
    pytest.importorskip("llvmlite")
    compiled = ag.compile(lambda x: [ag.exp(v) / ag.sum([ag.exp(u) for u in x]) for v in x], [0.1, 0.2, 0.3])
    exported = compiled.jacobian.to_sympy()
    [x], [ours] = exported.symbols, exported.value
    total = sum(sympy.exp(v) for v in x)
    for i in range(3):
        for j in range(3):
            whole = sympy.diff(sympy.exp(x[i]) / total, x[j])
            own = sympy.Integer(i == j)
            lines = [
                sympy.exp(x[i]) * sympy.diff(1 / total, x[j]) + sympy.diff(sympy.exp(x[i]), x[j]) / total,
                -sympy.exp(x[i]) / total**2 * sympy.diff(total, x[j]) + sympy.diff(sympy.exp(x[i]), x[j]) / total,
                -sympy.exp(x[i]) / total**2 * sum(sympy.diff(sympy.exp(v), x[j]) for v in x) + sympy.diff(sympy.exp(x[i]), x[j]) / total,
                -sympy.exp(x[i]) / total**2 * sympy.exp(x[j]) + sympy.exp(x[j]) / total * own,
                (own - sympy.exp(x[i]) / total) * sympy.exp(x[j]) / total,
                ours[i][j],
            ]
            for line in lines:
                assert sympy.cancel(sympy.together(line - whole)) == 0


def test_increasing_one_output_decreases_its_competitors():
    J = np.array(ag.jacobian(ag.softmax)(STATE))
    assert (np.diag(J) > 0).all()
    assert (J[~np.eye(5, dtype=bool)] < 0).all()
    assert J.sum(axis=0) == pytest.approx(np.zeros(5), abs=1e-16)  # a game of sum zero


# --- N3: matrix chains -----------------------------------------------------------------------------------


def linear(*matrices):
    """Layers without bias and activation; `matrices` from the last to the first, as in a chain e W W'."""
    layers = []
    for m in reversed(matrices):
        layer = nn.Linear(len(m[0]), len(m), bias=False)
        for row, numbers in zip(layer.weight, m, strict=True):
            for w, x in zip(row, numbers, strict=True):
                w.data = float(x)
        layers.append(layer)
    return nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("matrices", "expected"),
    [
        ([[[3, 4], [5, 6]]], [13, 16]),  # the example
        ([[[3, -3], [4, -4]]], [11, -11]),  # practice 6.2
        ([[[3, -3], [4, -4]], [[1, 0], [0, 1]]], [11, -11]),  # practice 6.3
    ],
)
def test_error_through_a_matrix_chain(matrices, expected):
    """The loss e . y has the Jacobian e at y; the chain carries it back through one matrix after the other."""
    chain = nn.chain(linear(*matrices), [0.0, 0.0], [1.0, 2.0], loss=ag.dot)
    assert chain.products[0].entries == [[1.0, 2.0]]
    assert [factor.entries for factor in chain.factors[1:]] == [[[float(x) for x in row] for row in m] for m in matrices]
    assert chain.result.entries == [[float(x) for x in expected]]
    if len(chain.factors) == 3:
        assert practice.check("LING3804 6.3", chain.result)
        assert practice.check("LING3804 6.2", chain.products[1])


def test_activation_forward_and_error_backward_use_the_same_matrices():
    matrices = [[1.0, 2.0], [-1.0, 0.5], [0.0, 3.0]], [[2.0, -1.0], [1.0, 1.0]]
    model = linear(*matrices)
    a = np.array([0.5, -2.0])
    assert [y.data for y in model(a)] == pytest.approx(np.array(matrices[0]) @ np.array(matrices[1]) @ a)
    e = np.array([1.0, 0.0, -1.0])
    back = nn.chain(model, a, e, loss=ag.dot)
    assert back.result.array[0] == pytest.approx(e @ np.array(matrices[0]) @ np.array(matrices[1]))


# --- N4: attenuation -----------------------------------------------------------------------------------


def test_softmax_jacobians_fade_an_error_by_at_least_half_each():
    """The largest singular value of diag(s) - s s^T is at most 1/2; of the notes' vector it is 0.321."""
    J = np.array(ag.jacobian(ag.softmax)(STATE))
    largest = np.linalg.svd(J, compute_uv=False)[0]
    assert largest == pytest.approx(0.321, abs=5e-4)
    error = np.array([1.0, -1.0, 0.5, 0.0, 2.0])
    lengths = [np.linalg.norm(error @ np.linalg.matrix_power(J, k)) for k in range(10)]
    assert all(after <= largest * before for before, after in pairwise(lengths))


def test_relu_jacobians_keep_or_kill():
    assert set(np.linalg.svd(ag.jacobian(relu)(STATE), compute_uv=False)) == {0.0, 1.0}


@pytest.fixture(scope="module")
def fading():
    return nn.attenuation(20, 10, activations=["sigmoid", "softmax", "tanh", "relu", "linear"], seed=1)


def test_error_signals_fade_over_long_chains(fading):
    for name, steepest in (("sigmoid", 0.25), ("softmax", 0.5)):
        lengths = fading.norms[name]
        assert lengths[0] == 1.0
        assert all(after < before for before, after in pairwise(lengths))
        assert lengths[20] < 1e-6
        # a random matrix of gain 1 has a largest singular value below 2, or a little above
        assert fading.per_layer(name) < steepest * 2.2
    assert fading.per_layer("softmax") < fading.per_layer("sigmoid") < fading.per_layer("relu") < fading.per_layer("linear")


def test_large_weights_make_an_error_explode(fading):
    large = nn.attenuation(20, 10, activations=["relu", "linear"], gain=4.0, seed=1)
    for name in ("relu", "linear"):
        assert large.norms[name][20] == pytest.approx(fading.norms[name][20] * 4.0**19, rel=1e-9)  # 19 matrices between 20 layers
        assert large.per_layer(name) > 1


def test_the_factor_per_layer_is_that_of_layers_with_weights():
    """Each W J_f of a linear network multiplies the length by the gain times a random factor; J_f alone by 1."""
    for depth in (1, 2, 5):
        small, large = (nn.attenuation(depth, 6, activations=["linear", "sigmoid"], gain=g, runs=1, seed=2) for g in (1, 3))
        for measured in (small, large):
            for name, lengths in measured.norms.items():
                steps = [after / before for before, after in pairwise(lengths[1:])]
                expected = math.prod(steps) ** (1 / len(steps)) if steps else lengths[1]
                assert measured.per_layer(name) == pytest.approx(expected, rel=1e-12)
        if depth > 1:
            assert large.per_layer("linear") == pytest.approx(3 * small.per_layer("linear"), rel=1e-12)
    grown = nn.attenuation(5, 60, activations=["sigmoid"], gain=40.0, runs=1, seed=1)
    assert grown.norms["sigmoid"][-1] > grown.norms["sigmoid"][1]
    assert grown.per_layer("sigmoid") > 1  # though the whole chain may be below 1


def test_relu_error_signals_are_sparse(fading):
    assert 0.3 < np.mean(fading.zeros["relu"][1:]) < 0.7
    assert set(fading.zeros["sigmoid"]) == set(fading.zeros["tanh"]) == {0.0}
    assert fading.zeros["relu"][0] == 0.0


def test_an_attenuation_by_numpy():
    """One run, once more by hand."""
    measured = nn.attenuation(3, 4, activations=["tanh"], runs=1, gain=1.5, seed=3)
    seed = random.Random(3).getrandbits(32)
    draw = random.Random(seed)
    W = [np.array([[draw.gauss(0.0, 1.5 / math.sqrt(4)) for _ in range(4)] for _ in range(4)]) for _ in range(3)]
    x, e = ([draw.gauss(0.0, 1.0) for _ in range(4)] for _ in range(2))
    sums = []
    for w in W:
        sums.append(w @ x)
        x = np.tanh(sums[-1])
    r = np.array(e) / np.linalg.norm(e)
    lengths = [1.0]
    for w, s in zip(reversed(W), reversed(sums), strict=True):
        r = r * (1 - np.tanh(s) ** 2)
        lengths.append(np.linalg.norm(r))
        r = r @ w
    assert measured.norms["tanh"] == pytest.approx(lengths, rel=1e-10)


def test_a_panel_of_zeros_has_the_curves_of_those_that_have_some_and_none_is_empty():
    mixed = nn.attenuation(4, 6, activations=["tanh", "relu"], runs=2, seed=1)
    signal, zeros = mixed.plot().axes
    assert [line.get_label() for line in signal.lines] == ["tanh", "relu"]
    assert [line.get_label() for line in zeros.lines] == ["relu"]
    assert zeros.lines[0].get_color() == signal.lines[1].get_color()
    assert any(mixed.zeros["relu"])
    assert zeros.get_title() == "no zeros: tanh"
    dense = nn.attenuation(4, 6, activations=["tanh", "sigmoid"], runs=2, seed=1)
    assert not any(map(any, dense.zeros.values()))
    assert len(dense.plot().axes) == 1


def test_of_several_runs_the_median_length_and_the_mean_of_zeros():
    together = nn.attenuation(4, 5, activations="relu", runs=3, seed=random.Random(5))
    draw = random.Random(5)
    single = [nn.attenuation(4, 5, activations="relu", runs=1, seed=draw) for _ in range(3)]
    assert together.norms["relu"] == tuple(np.median([run.norms["relu"] for run in single], axis=0))
    assert together.zeros["relu"] == pytest.approx(np.mean([run.zeros["relu"] for run in single], axis=0))
    assert len({run.norms["relu"] for run in single}) == 3  # so the median is not the largest


@pytest.mark.parametrize("name", ["sigmoid", "softmax", "tanh", "relu", "linear", "gelu"])
def test_attenuation_is_that_of_one_network_of_layers(name):
    """The same weights in layers, and one sweep over the whole graph."""
    width, depth, seed = 5, 4, 11
    measured = nn.attenuation(depth, width, activations=[name], runs=1, seed=random.Random(seed))
    rng = random.Random(random.Random(seed).getrandbits(32))
    blocks = [nn.Linear(width, width, bias=False, init=nn.init.kaiming_normal(1.0), seed=rng) for _ in range(depth)]
    x, error = ([rng.gauss(0.0, 1.0) for _ in range(width)] for _ in range(2))
    sums, y = [], x
    for block in blocks:
        sums.append(block(y))
        function = getattr(ag, name, None)
        y = ag.softmax(sums[-1]) if name == "softmax" else [function(s) if function else s for s in sums[-1]]
    loss = ag.dot(y, [e / math.hypot(*error) for e in error])
    expected = [math.hypot(*ag.grad_of(loss, nodes)) for nodes in reversed(sums)]
    assert measured.norms[name] == pytest.approx([1.0, *expected], rel=1e-12)


def test_attenuation_as_a_table_and_curves(fading, tmp_path):
    lines = str(fading).splitlines()
    assert lines[0] == "Length of the error signal  10 units per layer, weights of gain 1"
    assert lines[1].split() == ["layers", "back", "0", "1", "5", "10", "15", "20", "per", "layer", "zeros"]
    assert [line.split()[0] for line in lines[2:]] == list(fading.norms)
    assert repr(fading) == str(fading)
    assert "<th" in fading._repr_html_()
    assert fading.depth == 20
    figure = fading.plot()
    left, right = figure.axes
    some = {name: shares for name, shares in fading.zeros.items() if any(shares)}
    assert set(some) == {"relu"}
    for axes, curves in ((left, fading.norms), (right, some)):
        shown = {line.get_label(): tuple(line.get_ydata()) for line in axes.get_lines()}
        assert shown == {name: pytest.approx(curve) for name, curve in curves.items()}
    assert left.get_yscale() == "log"
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_what_faded_to_nothing_has_no_place_on_a_logarithmic_axis():
    dead = nn.attenuation(2, 2, activations="relu", gain=0.0, runs=1, seed=0)
    assert dead.norms["relu"][-1] == 0.0 == dead.per_layer("relu")
    assert math.isnan(dead.plot().axes[0].get_lines()[0].get_ydata()[-1])


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"depth": 0}, ag.RangeError, "attenuation: depth: expected at least 1, got 0"),
        ({"width": 1.5}, ag.OperandError, "attenuation: width: expected an int"),
        ({"runs": 0}, ag.RangeError, "attenuation: runs"),
        ({"gain": -1.0}, ag.RangeError, "attenuation: gain"),
        ({"activations": ["steep"]}, ag.RangeError, "expected one of linear, relu"),
        ({"activations": ["step"]}, ag.RangeError, "attenuation: activations: expected one of .*, softmax, got 'step'"),
        ({"activations": [len]}, ag.OperandError, "attenuation: activations: expected names"),
        ({"activations": len}, ag.OperandError, "attenuation: activations: expected names"),
        ({"activations": ["relu", 3]}, ag.OperandError, "attenuation: activations: expected names"),
        ({"activations": []}, ag.StructureError, "attenuation: activations: expected at least one name"),
        ({"seed": "a"}, ag.OperandError, "seed"),
    ],
)
def test_what_cannot_be_measured_is_said(options, error, said):
    with pytest.raises(error, match=said):
        nn.attenuation(**options)


def test_without_matplotlib(fading, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ag.MissingExtraError, match=r"pip install 'autograd-core\[plot\]'"):
        fading.plot()


# --- 6, 6.1: planes, and wiggled weights ---------------------------------------------------------------


def classes_between(model, seed, pairs=400):
    """How often a point half-way between two of one class is of another."""
    rng = np.random.default_rng(seed)
    ends = rng.uniform(-2.0, 2.0, size=(2, pairs, 2))
    a, b, middle = (nn.predict_classes(model, points.tolist()) for points in (*ends, ends.mean(axis=0)))
    same = [(x, m) for x, z, m in zip(a, b, middle, strict=True) if x == z]
    return sum(x != m for x, m in same), len(same)


@pytest.mark.parametrize("activation", ["linear", "sigmoid", "tanh"])
@pytest.mark.parametrize("seed", range(4))
def test_one_layer_of_several_neurons_parts_by_planes(activation, seed):
    layer = nn.Layer(2, 4, activation, bias_init=nn.init.uniform(-1.0, 1.0), seed=seed)
    outside, same = classes_between(layer, seed)
    assert same > 50
    assert outside == 0  # regions between planes are convex
    deep = nn.MLP(2, [8, 4], "tanh", init=nn.init.uniform(-4.0, 4.0), bias_init=nn.init.uniform(-4.0, 4.0), seed=seed)
    assert classes_between(deep, seed)[0] > 0


@pytest.mark.parametrize("sizes", [[1], [2, 1], [3, 2, 2]])
def test_an_error_wiggled_by_each_weight(sizes):
    model = nn.MLP(2, sizes, "sigmoid", output="sigmoid", bias_init=nn.init.uniform(-1.0, 1.0), seed=3)
    x, t, h = [0.5, -1.0], [0.9, 0.1][: sizes[-1]], 1e-4

    def moved(w, step):
        at, w.data = w.data, w.data + step
        error = nn.sse(model(x), t if len(t) > 1 else t[0]).data
        w.data = at
        return error

    nn.sse(model(x), t if len(t) > 1 else t[0]).backward()
    for w in model.parameters():
        assert w.grad == pytest.approx((moved(w, h) - moved(w, -h)) / (2 * h), rel=1e-6)
