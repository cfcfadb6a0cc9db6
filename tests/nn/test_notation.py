"""Signals, Jacobians, formulas and graphs with the names and the index order of each text; numbers stay the same."""

import math

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn._src.notation.latex import latex
from nn._src.notation.texts import NOTATIONS

X, T = [0.5, -1.0, 2.0], 1.0


def model():
    return nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", bias=False, seed=1)


def labels(root):
    return {node.label: node.data for node in ag.topological_order(root) if node.label}


def test_downing_3_2_1():
    """X, Y, Z with V and W, from i to j: one entry of J_V^Z is z1 (1 - z1) x1 y1 (1 - y1) w11."""
    net = model()
    J = nn.weight_jacobian(net, X, layer=1, of=2, notation="downing")
    assert J.name == "J_V^Z"
    assert [axis.title for axis in J.axes] == ["from X", "to Y", "Z"]
    assert (J.rows, J.columns) == (("x_1", "x_2", "x_3"), ("y_1", "y_2"))
    run = nn.forward_pass(net, X, T, loss=nn.sse, notation="downing")
    v = labels(run.loss)
    x, y, z1 = [v[f"x_{i}"] for i in (1, 2, 3)], [v["y_1"], v["y_2"]], v["z_1"]
    w = [v["w_11"], v["w_21"]]  # from y_i to z_1
    assert w == [p.data for p in net.layers[1].neurons[0].w]
    assert v["v_31"] == net.layers[0].neurons[0].w[2].data
    for i in range(3):
        for j in range(2):
            assert J.entries[i][j][0] == pytest.approx(z1 * (1 - z1) * x[i] * y[j] * (1 - y[j]) * w[j])
    assert nn.layer_jacobian(net, X, of=2, to=1, notation="downing").latex.startswith("J_{Y}^{Z} = ")
    assert nn.layer_jacobian(net, X, of="loss", to=2, target=T, loss=nn.mse, notation="downing").name == "J_Z^L"
    assert nn.weight_jacobian(net, X, layer=2, form="simplified", notation="downing").name == "Ĵ_W^Z"
    chain = nn.chain(net, X, T, loss=nn.mse, to=1, weights=True, notation="downing")
    assert [f.name for f in chain.factors] == ["J_Z^L", "J_Y^Z", "J_V^Y"]
    assert [r.name for r in chain.products] == ["J_Z^L", "J_Y^L", "J_V^L"]
    assert chain.by_backward.flat == pytest.approx(chain.result.flat)
    signals = nn.error_signals(net, X, T, loss=nn.sse, notation="downing")
    assert signals["δ(y_2)"] == signals["layer1/neuron1"]
    assert str(signals).splitlines()[1].split() == ["node", "sum", "o", "∂o/∂sum", "∂L/∂o", "δ"]


def test_cs60050_counts_layers_from_1_and_biases_from_0():
    net = nn.MLP(3, [4, 4, 2], "sigmoid", output="sigmoid", seed=1)
    signals = nn.error_signals(net, X, [1.0, 0.0], loss=nn.sse, notation="cs60050")
    assert signals["δ_2^(4)"] == signals["layer3"][1]
    assert signals["δ_1^(3)"] == signals["layer2"][0]
    assert r"\delta_{1}^{(3)} &= " in signals.latex
    assert signals.latex.index("(4)") < signals.latex.index("(3)") < signals.latex.index("(2)")
    v = labels(signals.run.loss)
    assert v["Θ_23^(1)"] == net.layers[0].theta.data[1][3]
    assert v["Θ_20^(3)"] == net.layers[2].theta.data[1][0]
    assert v["Θ_23^(3)"] == net.layers[2].theta.data[1][3]
    assert "δ_1^(1)" not in str(signals)  # no δ^(1)
    simple = nn.weight_jacobian(net, X, layer=1, form="simplified", notation="cs60050")
    assert (simple.name, simple.shape) == ("∂a^(2)/∂Θ^(1), simplified", (4, 4))  # to j from i, and from 1
    assert simple.columns == ("a_0^(1)", "a_1^(1)", "a_2^(1)", "a_3^(1)")


def test_dolhansky_the_lecture_and_ling3804():
    net = model()
    signals = nn.error_signals(net, X, T, loss=nn.sse, notation="dolhansky")
    assert [row.split()[0] for row in str(signals).splitlines()[2:]] == ["δ_j1", "δ_j2", "δ_o"]
    v = labels(signals.run.loss)
    assert v["w_i3→j1"] == net.layers[0].neurons[0].w[2].data
    assert (v["s_o"], v["ŷ"]) == (signals.run.layers["layer2"][0].sum.data, signals.run.outputs[0].data)
    one = nn.error_signals(nn.MLP(1, [1, 1, 1], "sigmoid", seed=1), [0.5], T, loss=nn.sse, notation="dolhansky")
    assert [row.split()[0] for row in str(one).splitlines()[2:]] == ["δ_j", "δ_k", "δ_o"]
    assert {"w_i→j", "w_j→k", "w_k→o", "z_j", "s_k", "E"} <= set(labels(one.run.loss))
    lecture = nn.error_signals(net, X, T, loss=nn.sse, notation="lecture")
    assert lecture["∂f/∂z_1,2"] == lecture["layer1"][1]
    assert r"\frac{\partial f}{\partial z_{1,2}}" in lecture.latex
    assert nn.weight_jacobian(net, X, layer=2, of="loss", target=T, loss=nn.sse, notation="lecture").name == "∂f/∂W_2"
    ling = nn.error_signals(net, X, T, loss=nn.sse, notation="ling3804")
    assert ling["e_1"] == ling["layer2"][0]
    assert ling["e′_2"] == ling["layer1"][1]
    assert r"e'_{2}" in ling.latex


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("sizes", [[1], [2], [3, 2], [2, 3, 2], [2, 2, 2, 2, 1]])
@pytest.mark.usefixtures("unbroken")
def test_no_two_things_have_one_name_and_numbers_stay(notation, sizes):
    net = nn.MLP(3, sizes, "tanh", output="sigmoid", bias_init=nn.init.uniform(), seed=2)
    target = [0.5] * sizes[-1]
    plain = nn.error_signals(net, X, target, loss=nn.sse)
    named = nn.error_signals(net, X, target, loss=nn.sse, notation=notation)
    assert [named[name] for name in named.layers] == [plain[name] for name in plain.layers]
    texts = [row.split()[0] for row in str(named).splitlines()[2:]]
    assert len(set(texts)) == len(texts) == sum(sizes)
    given = [node.label for node in ag.topological_order(named.run.loss) if node.label]
    assert len(set(given)) == len(given)
    order = "from_to" if notation in ("downing", "dolhansky") else "to_from"
    last = len(sizes)
    ours = nn.weight_jacobian(net, X, layer=last, index=order, form="simplified")
    theirs = nn.weight_jacobian(net, X, layer=last, form="simplified", notation=notation)
    biases = notation == "cs60050"  # column 0 of Θ
    assert [row[biases:] for row in theirs.entries] == ours.entries
    assert theirs.notation == notation
    chains = [nn.chain(net, X, target, loss=nn.sse, notation=n) for n in (None, notation)]
    assert chains[0].result.entries == chains[1].result.entries
    assert chains[1].result.T.notation == notation
    assert ag.draw(named.run.loss).svg.count("<svg")
    assert np.isfinite([x for r in chains[1].products for x in r.flat]).all()


def test_pictures_and_steps_bear_the_names():
    run = nn.forward_pass(nn.MLP(2, [1], output="sigmoid", seed=1), [1.0, 2.0], 1.0, loss=nn.sse, notation="cs60050")
    formulas = [step.formula for step in ag.forward_steps(run.loss)]
    assert any("z_1^(2)" in formula for formula in formulas)
    picture = ag.draw(run.loss).svg
    assert "Θ_11^(1)" in picture


def test_names_as_formulas():
    assert latex("Θ_24^(1)") == r"\Theta_{24}^{(1)}"
    assert latex("w_i1→j2") == r"w_{i1 \to j2}"
    assert latex("x″_1") == "x''_{1}"
    assert latex("error") == r"\mathrm{error}"
    assert latex("δ(y_1)") == r"\delta(y_{1})"


def test_an_unknown_notation_is_refused():
    for call in (
        lambda n: nn.error_signals(model(), X, T, loss=nn.sse, notation=n),
        lambda n: nn.layer_jacobian(model(), X, of=2, to=1, notation=n),
        lambda n: nn.weight_jacobian(model(), X, layer=1, notation=n),
        lambda n: nn.chain(model(), X, notation=n),
        lambda n: nn.forward_pass(model(), X, notation=n),
    ):
        with pytest.raises(ag.RangeError, match="notation: expected one of 'downing', 'downing-first', 'dolhansky'"):
            call("bishop")


def test_the_seven_steps_of_cs60050():
    """Loss; then for the last layer and the one before it the derivative to A, to Z and to W, against NumPy."""
    net = nn.MLP(3, [2, 2], "sigmoid", output="sigmoid", bias_init=nn.init.uniform(), seed=3)
    y = np.array([1.0, 0.0])
    loss = lambda p, t: nn.binary_cross_entropy(p, t, reduction="sum")
    steps = nn.backward_pass(net, X, y.tolist(), loss=loss, notation="cs60050")
    W1, W2 = (np.array(layer.weight.data) for layer in net.layers)
    b1, b2 = (np.array(layer.bias.data) for layer in net.layers)
    a1 = 1 / (1 + np.exp(-(W1 @ X + b1)))
    a2 = 1 / (1 + np.exp(-(W2 @ a1 + b2)))
    to_a2 = -y / a2 + (1 - y) / (1 - a2)
    to_z2 = a2 - y
    to_a1 = W2.T @ to_z2
    to_z1 = to_a1 * a1 * (1 - a1)
    expected = [to_a2, to_z2, np.outer(to_z2, [1, *a1]), to_a1, to_z1, np.outer(to_z1, [1, *X])]
    assert steps.loss == pytest.approx(-(y * np.log(a2) + (1 - y) * np.log(1 - a2)).sum())
    assert [d.name for d in steps.derivatives] == [
        "∂cost/∂a^(3)", "∂cost/∂z^(3)", "∂cost/∂Θ^(2)", "∂cost/∂a^(2)", "∂cost/∂z^(2)", "∂cost/∂Θ^(1)",
    ]  # fmt: skip
    for found, array in zip(steps.derivatives, expected, strict=True):
        assert found.array[0] == pytest.approx(array)
    lines = str(steps).splitlines()
    assert lines[0] == "Backward pass  7 steps"
    assert [line.split(".")[0] for line in lines[2:]] == [str(k) for k in range(1, 8)]
    assert len(nn.backward_pass(nn.MLP(3, [2, 2, 1]), X, 0.0, loss=nn.sse).derivatives) == 9
    with pytest.raises(ag.StructureError, match="backward_pass: expected a loss"):
        nn.backward_pass(net, X, 0.0, loss=None)


def test_the_seven_steps_with_the_names_of_its_first_half():
    net = nn.MLP(3, [2, 2], "sigmoid", output="sigmoid", bias_init=nn.init.uniform(), seed=3)
    steps = nn.backward_pass(net, X, [1.0, 0.0], loss=nn.binary_cross_entropy, notation="cs60050-first")
    assert [d.name for d in steps.derivatives] == [
        "∂L/∂a^(2)", "∂L/∂z^(2)", "∂L/∂W^(2)", "∂L/∂a^(1)", "∂L/∂z^(1)", "∂L/∂W^(1)",
    ]  # fmt: skip
    signals = nn.error_signals(net, X, [1.0, 0.0], loss=nn.binary_cross_entropy, notation="cs60050-first")
    for layer, derivative in zip(("layer2", "layer1"), steps.derivatives[2::3], strict=True):
        assert derivative.entries[0] == signals.weight_gradient(layer)
    v = labels(signals.run.loss)
    assert v["w_13^(1)"] == net.layers[0].weight.data[0][2]  # to neuron 1 from neuron 3
    assert v["b_2^(2)"] == net.layers[1].bias.data[1]
    assert v["a_3^(0)"] == X[2]


def test_downings_first_half_counts_nodes_through_the_network():
    """To i from j, with case d: δ_jd = o_jd (1 − o_jd) Σ_k w_kj δ_kd and Δw_ij = −η δ_id o_jd; inputs are nodes 1, 2, 3."""
    net = nn.MLP(3, [2, 2], "sigmoid", output="sigmoid", bias_init=nn.init.uniform(), seed=3)
    target = [1.0, 0.0]
    signals = nn.error_signals(net, X, target, loss=nn.sse, notation="downing-first")
    v, run = labels(signals.run.loss), signals.run
    w = dict(enumerate([row for layer in net.layers for row in layer.theta.data], 4))  # each with its bias first
    o = dict(enumerate(X, 1))  # of inputs it is x
    for i, into in ((4, (1, 2, 3)), (5, (1, 2, 3)), (6, (4, 5)), (7, (4, 5))):
        o[i] = 1 / (1 + np.exp(-(w[i][0] + sum(w[i][k] * o[j] for k, j in enumerate(into, 1)))))
        assert v[f"o_{i}d"] == pytest.approx(o[i])
        assert v[f"w_{i}0"] == w[i][0]
    assert (v["w_43"], v["w_64"], v["w_75"]) == (w[4][3], w[6][1], w[7][2])
    assert {f"t_{i}d" for i in (6, 7)} == {signals.names.target_of(k, 2) for k in (1, 2)}
    delta = {i: -(t - o[i]) * o[i] * (1 - o[i]) for i, t in zip((6, 7), target, strict=True)}
    for j in (4, 5):
        delta[j] = o[j] * (1 - o[j]) * sum(v[f"w_{k}{j}"] * delta[k] for k in (6, 7))
    assert {i: signals[f"δ_{i}d"] for i in delta} == pytest.approx(delta)
    assert signals.formulas[0] == "δ_6d = (o_6d − t_6d) o_6d(1 − o_6d)"
    assert signals.formulas[-1] == "δ_5d = o_5d(1 − o_5d) (w_65 δ_6d + w_75 δ_7d)"
    assert {"Δw_64 = −η δ_6d o_4d", "Δw_43 = −η δ_4d x_3d", "Δw_40 = −η δ_4d"} <= set(signals.updates)
    run.loss.backward()
    for i, j in ((4, 1), (5, 3), (6, 4), (7, 5)):
        assert run[f"w_{i}{j}"].grad == pytest.approx(delta[i] * o[j])
    assert run["E"] is run["E_d"]
    assert r"\delta_{5d} &= " in signals.latex
    assert [run.names(name) for name in run.layers] == ["o^(1)", "o^(2)"]
    cost = nn.cost(net, [X, X], [target, target], loss=nn.sse, notation="downing-first")
    assert cost.letter == "E"
    assert "Δw_64 = −η Σ_(d∈D) δ_6d o_4d" in cost.updates


def test_downings_delta_rule_in_his_letters():
    unit = nn.Layer(weights=[[0.5, -1.0]], bias=False, activation="sigmoid")
    signals = nn.error_signals(unit, [1.0, 2.0], 0.9, loss=nn.sse, notation="downing-first")
    assert signals.explicit_updates[0] == "Δw_31 = −η (o_3d − t_3d) o_3d(1 − o_3d) x_1d"
    assert [signals.names(name) for name in ("layer1", "weights of layer1", "signal layer1")] == ["o", "w", "δ"]
    wide = nn.error_signals(nn.MLP(9, [2, 1], seed=1), [0.5] * 9, 0.9, loss=nn.sse, notation="downing-first")
    assert wide.updates[0] == "Δw_12,10 = −η δ_12d o_10d"
    assert wide.updates[-1] == "Δw_11,0 = −η δ_11d"


def test_the_linear_network_of_the_lectures_first_half():
    """a_0 = x, a_i = W_i a_{i−1}; g_d = 2 (a_d − y), g_i = W_{i+1}ᵀ g_{i+1}; ∂ℓ/∂W_i = g_i a_{i−1}ᵀ."""
    net = nn.MLP(3, [2, 3, 2], "linear", bias=False, seed=3)
    y = [1.0, 0.0]
    given = {"loss": lambda p, t: 2 * nn.sse(p, t), "notation": "lecture-first"}
    signals = nn.error_signals(net, X, y, **given)
    run, W = signals.run, [np.array(layer.weight.data) for layer in net.layers]
    a = [np.array(X)]
    for matrix in W:
        a.append(matrix @ a[-1])
    g = [2 * (a[3] - y)]
    for matrix in W[:0:-1]:
        g.insert(0, matrix.T @ g[0])
    steps = nn.backward_pass(net, X, y, **given)
    derivative = {d.name: d.array[0] for d in steps.derivatives}
    for i in (1, 2, 3):
        assert [node.data for node in run[f"a_{i}"]] == pytest.approx(a[i])
        assert signals[f"g_{i}"] == pytest.approx(g[i - 1])
        assert derivative[f"∂ℓ/∂W_{i}"] == pytest.approx(np.outer(g[i - 1], a[i - 1]))
        assert np.array(signals.weight_gradient(f"W_{i}")) == pytest.approx(np.outer(g[i - 1], a[i - 1]))
        assert [[w.data for w in row] for row in run[f"W_{i}"]] == W[i - 1].tolist()
    assert [node.data for node in run["a_0"]] == X
    assert run["ℓ"] is run["L"]
    assert str(signals).splitlines()[0].split("  ")[1].startswith("g_i = W_{i+1}ᵀ g_{i+1}; at the output")
    assert signals.formulas[-1] == "g_1,2 = W_2,1,2 g_2,1 + W_2,2,2 g_2,2 + W_2,3,2 g_2,3"
    assert "W_2,3,1 ← W_2,3,1 − η g_2,3 a_1,1" in signals.updates
    assert r"\frac{\partial \ell}{\partial W_{2}}" in nn.weight_jacobian(net, X, layer=2, of="loss", target=y, **given).latex
    curved = nn.error_signals(nn.MLP(3, [2, 1], "tanh", seed=1), X, 1.0, loss=nn.sse, notation="lecture-first")
    assert "g_i = (W_{i+1}ᵀ g_{i+1}) ⊙ b′_i(z_i)" in str(curved)


@pytest.mark.parametrize("bias", [True, False])
def test_matrices_of_theta_have_the_column_of_biases_wherever_they_stand(bias):
    net = nn.MLP(3, [4, 2], "sigmoid", output="sigmoid", bias=bias, bias_init=nn.init.uniform(), seed=3)
    given = {"target": [1.0, 0.0], "loss": nn.sse, "notation": "cs60050"}
    steps = nn.backward_pass(net, X, **given)
    signals = nn.error_signals(net, X, **given)
    cost = nn.cost(net, [X], [[1.0, 0.0]], loss=nn.sse, notation="cs60050")
    nn.forward_pass(net, X, [1.0, 0.0], loss=nn.sse).loss.backward()
    assert cost.names == ["Θ^(1)", "Θ^(2)"]
    for k, layer in enumerate(net.layers):
        expected = np.array(layer.theta.grad)
        assert expected.shape == np.shape(layer.theta.data)
        name = f"layer{k + 1}"
        found = [
            steps.derivatives[3 * (1 - k) + 2].array[0],
            np.array(signals.weight_gradient(name)),
            nn.weight_jacobian(net, X, layer=name, of="loss", layout="numerator", **given).array[0],
            nn.chain(net, X, to=name, weights=True, **given).result.array[0],
            cost.D[k],
        ]
        for matrix in found:
            assert matrix.shape == expected.shape
            assert matrix == pytest.approx(expected)
        simple = nn.weight_jacobian(net, X, layer=name, form="simplified", notation="cs60050")
        assert simple.shape == expected.shape
        assert (simple.columns[0] == f"a_0^({k + 1})") == bias


def test_the_backward_pass_goes_through_a_softmax():
    """The loss's derivative to the probabilities comes first: (0, -1/p, 0); then that to the scores, p - y."""
    net = nn.Sequential(nn.MLP(2, [3, 3], "sigmoid", seed=1), nn.Softmax())
    x, right = [1.0, -0.5], 1
    steps = nn.backward_pass(net, x, right, loss=lambda p, t: -ag.log(p[t]))
    p = [v.data for v in net(x)]
    names = ["softmax", "sum(layer2)", "weights of layer2", "layer1", "sum(layer1)", "weights of layer1"]
    assert [d.to for d in steps.derivatives] == names
    assert steps.derivatives[0].entries[0] == pytest.approx([0.0, -1 / p[1], 0.0])
    assert steps.derivatives[1].entries[0] == pytest.approx([p[0], p[1] - 1, p[2]])
    bent = nn.Sequential(nn.MLP(2, [3], output="tanh", seed=1), nn.Softmax())  # with an activation before it
    steps = nn.backward_pass(bent, x, right, loss=lambda p, t: -ag.log(p[t]))
    assert [d.to for d in steps.derivatives] == ["softmax", "layer1", "sum(layer1)", "weights of layer1"]
    assert "softmax comes after the last layer" in str(nn.error_signals(net, x, 1, loss=lambda p, t: -ag.log(p[t])))


def test_a_bias_is_the_weight_of_a_node_that_is_always_1():
    with_bias = nn.Layer(weights=[[0.3, -0.2]], bias=[0.1], activation="sigmoid")
    with_node = nn.Layer(weights=with_bias.theta.data, bias=False, activation="sigmoid")
    x = [1.0, -2.0]
    assert with_node([1.0, *x]).data == pytest.approx(with_bias(x).data)
    for layer, row in ((with_bias, x), (with_node, [1.0, *x])):
        nn.sse(layer(row), 0.9).backward()
    o = 1 / (1 + np.exp(-(0.1 + 0.3 + 0.4)))
    by_hand = -(0.9 - o) * o * (1 - o) * np.array([1.0, *x])
    assert np.array(with_bias.theta.grad)[0] == pytest.approx(by_hand)
    assert np.array(with_node.weight.grad)[0] == pytest.approx(by_hand)


SLOPES = {  # how each text writes the slope of the first layer's activation at its first sum
    "downing": ("f′(sum(y_1))", r"f'\left(\mathrm{sum}(y_{1})\right)"),
    "downing-first": ("f_T′(sum_3d)", r"f'_{T}\left(\mathrm{sum}_{3d}\right)"),
    "dolhansky": ("f′(s_k)", r"f'\left(s_{k}\right)"),
    "lecture": ("b′_2(z_1,1)", r"b'_{2}\left(z_{1,1}\right)"),
    "lecture-first": ("b′_1(z_1,1)", r"b'_{1}\left(z_{1,1}\right)"),
    "cs60050": ("g′(z_1^(2))", r"g'\left(z_{1}^{(2)}\right)"),
    "cs60050-first": ("g′(z_1^(1))", r"g'\left(z_{1}^{(1)}\right)"),
    "ling3804": ("f′(x′_1)", r"f'\left(x'_{1}\right)"),
}


@pytest.mark.parametrize("activation", ["relu", "elu", "softplus", "gelu"])
@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_slope_without_a_formula_is_written_as_the_text_writes_it(notation, activation):
    model = nn.MLP(2, [2, 2], activation, output=activation, bias=False, seed=1)
    signals = nn.error_signals(model, [1.0, 0.5], [0.5, 2.0], loss=nn.sse, notation=notation)
    text, written = SLOPES[notation]
    [formula] = [f for f in signals.formulas if text in f]
    assert formula == signals.formulas[2]
    assert written in signals.latex
    assert any(f" {text} " in update for update in signals.explicit_updates)
    if signals.names.loss == "f":  # there f is the whole loss
        assert "f′(" not in " ".join([*signals.formulas, *signals.explicit_updates, signals.draw("slopes").svg])
    within = nn.Sequential(nn.Layer(2, 2, "linear", seed=1), nn.Softmax(), nn.Layer(2, 2, activation, seed=2))
    said = str(nn.error_signals(within, [1.0, 0.5], [0.5, 2.0], loss=nn.sse, notation=notation))
    letter = {"le": "b′", "cs": "g′"}.get(notation[:2], "f_T′" if notation == "downing-first" else "f′")
    assert f"through a softmax within, {letter} is its Jacobian" in said


class Skip(nn.Module):
    def __init__(self, activation):
        self.l1, self.l2 = nn.Layer(2, 2, "relu", seed=1), nn.Layer(2, 2, activation, seed=2)

    def __call__(self, x):
        h = self.l1(x)
        return [a + b for a, b in zip(self.l2(h), h, strict=True)]


@pytest.mark.parametrize("activation", ["linear", "tanh", "relu"])
@pytest.mark.parametrize("notation", NOTATIONS)
def test_what_is_not_the_last_layers_activation_has_another_name(notation, activation):
    signals = nn.error_signals(Skip(activation), [1.0, 0.5], [0.3, -0.2], loss=nn.sse, notation=notation)
    run = signals.run
    layers = {signals.names(unit.name) for units in run.layers.values() for unit in units}
    outputs = {signals.names(label) for label in run.ends[run.last].labels}
    assert outputs == ({"o_7d", "o_8d"} if notation == "downing-first" else {"o_1", "o_2"})
    assert layers.isdisjoint(outputs)
    assert len(layers) == 4
    for name, node in zip(sorted(outputs), run.outputs, strict=True):
        assert node.label == name
        assert run[name] == node.data or run[name] is node
    softmax = nn.Sequential(nn.Layer(2, 2, "linear", seed=1), nn.Softmax())  # which is the layer's activation
    run = nn.forward_pass(softmax, [1.0, 0.5], notation="lecture")
    assert [run.names(label) for label in run.ends["softmax"].labels] == ["a_2,1", "a_2,2"]


# --- logistic regression of CS60050 --------------------------------------------------------------


def test_a_lone_neuron_is_logistic_regression_with_its_letters():
    """"dz = ∂L/∂z = a − y, db = ∂L/∂b = a − y, dw = ∂L/∂w = (a − y) x", w = (w_1, w_2, w_3), x = (x_1, x_2, x_3)."""
    unit, x, y = nn.Neuron(3, "sigmoid", seed=1), [1.0, -2.0, 0.5], ag.Value(1.0, label="y")
    given = {"loss": nn.binary_cross_entropy, "notation": "cs60050-first"}
    signals = nn.error_signals(unit, x, y, **given)
    run = signals.run
    assert set(labels(run.loss)) >= {"x_1", "x_2", "x_3", "w_1", "w_2", "w_3", "b", "z", "a", "y", "L"}
    assert run.formulas == [
        "z = w_1 x_1 + w_2 x_2 + w_3 x_3 + b", "a = g(z) = σ(z)", "L = −y log(a) − (1 − y) log(1 − a)",
    ]  # fmt: skip
    assert run.matrix_formulas[0] == "z = w x + b"
    assert signals.formulas == ["dz = a − y"]
    assert signals.gradients == ["dw_1 = dz x_1", "dw_2 = dz x_2", "dw_3 = dz x_3", "db = dz × 1"]
    assert signals.matrix_formulas == ["dz = a − y", "dw = dz xᵀ"]
    a = run["a"].data
    assert a == pytest.approx(1 / (1 + math.exp(-run["z"].data)))
    assert signals["dz"] == pytest.approx(a - 1.0)
    assert signals.gradients.numbers == pytest.approx([*((a - 1.0) * v for v in x), a - 1.0])
    assert r"dw_{1} &= dz \, x_{1}" in signals.gradients.latex
    assert str(signals).splitlines()[1].split()[-1] == "dz"
    for leaf, name, known in (("b", "db", "(a − y) · 1"), ("w_2", "dw_2", "(a − y) x_2")):
        by_rules = {"outputs": True, "partials": True, "through": run["z"], "name": name}
        lines = [line.partition("= ")[2] for line in nn.derivation(run["L"], run[leaf], **by_rules).lines]
        assert lines[:2] == [f"∂L/∂{leaf}", f"∂L/∂a · ∂a/∂z · ∂z/∂{leaf}"]
        assert lines[3] == known
    steps = nn.backward_pass(unit, x, 1.0, **given)
    assert [d.name for d in steps.derivatives] == ["∂L/∂a", "∂L/∂z", "∂L/∂w"]
    batch = nn.cost(unit, [x, [1.0, 0.0, 0.0]], [1.0, 0.0], 0.5, notation="cs60050-first")
    assert "∂J(θ)/∂w = 1/n · Σ dz xᵀ + λ/n · w" in str(batch)
    assert batch.updates[0] == "w_1 ← w_1 − α/n · Σ_i dz x_1 − α λ/n · w_1"


@pytest.mark.parametrize("unit", [nn.Layer(3, 1, "sigmoid", seed=1), nn.Linear(3, 1, seed=1), nn.Neuron(3, "sigmoid", seed=1)])
def test_a_layer_of_one_unit_alone_is_logistic_regression_too(unit):
    run = nn.forward_pass(unit, [1.0, -2.0, 0.5], notation="cs60050-first")
    assert {"x_1", "w_1", "b", "a"} <= set(labels(run.outputs[0]))  # of a linear unit z is a
    assert run["W^(1)"].data == run["w"].data
    assert run["z^(1)"].data == run["z"].data or run["z^(1)"].data == [run["z"].data]


@pytest.mark.parametrize("kind", [nn.Layer, nn.Neuron])
def test_logistic_regression_by_theta(kind):
    """h_θ(x) = σ(θᵀ x) with x_0 = 1, and J(θ) with its 1/n, whose penalty leaves θ_0 out."""
    unit = kind(weights=[[0.1, -0.2, 0.3]] if kind is nn.Layer else [0.1, -0.2, 0.3], bias=[0.5] if kind is nn.Layer else 0.5, activation="sigmoid")
    X, y, lam = np.array([[1.0, 2.0, 3.0], [0.0, 1.0, -1.0], [2.0, 0.0, 1.0]]), np.array([1.0, 0.0, 1.0]), 0.6
    theta, ones = np.array([0.5, 0.1, -0.2, 0.3]), np.c_[np.ones(3), X]
    h = 1 / (1 + np.exp(-ones @ theta))
    J = -np.mean(y * np.log(h) + (1 - y) * np.log(1 - h)) + lam / 6 * np.sum(theta[1:] ** 2)
    D = ones.T @ (h - y) / 3 + lam / 3 * np.r_[0.0, theta[1:]]
    found = nn.cost(unit, X, y, lam, notation="cs60050")
    assert pytest.approx(J) == found.J
    assert found.D[0].ravel() == pytest.approx(D)
    assert found.formula == [
        "J(θ) = −1/n · Σ_i (y_i log(h_θ(x_i)) + (1 − y_i) log(1 − h_θ(x_i))) + λ/(2n) · Σ_j θ_j²",
    ]  # fmt: skip
    assert r"J(\theta) &= " in found.formula.latex
    assert r"\log h_{\theta}(x_{i})" in found.formula.latex
    assert str(found).startswith("J(θ) = ")
    assert "D = Δ/n + λ/n · θ without θ_0" in str(found)
    assert found.formulas == ["δ = h_θ(x) − y"]
    assert found.updates[1] == "θ_1 ← θ_1 − α (1/n · Δθ_1 + λ/n · θ_1), Δθ_1 = Σ_i δ x_1"
    signals = nn.error_signals(unit, X[0], 1.0, loss=nn.binary_cross_entropy, notation="cs60050")
    run = signals.run
    assert run.formulas == [
        "z = θ_0 x_0 + θ_1 x_1 + θ_2 x_2 + θ_3 x_3", "h_θ(x) = g(z) = σ(z)", "cost = −y log(h_θ(x)) − (1 − y) log(1 − h_θ(x))",
    ]  # fmt: skip
    assert all(letter not in run.formulas.latex + signals.formulas.latex for letter in "θδσ")
    assert signals.gradients == ["∂cost/∂θ_0 = δ x_0", "∂cost/∂θ_1 = δ x_1", "∂cost/∂θ_2 = δ x_2", "∂cost/∂θ_3 = δ x_3"]
    assert signals.gradients.numbers == pytest.approx((h[0] - 1.0) * ones[0])
    assert "δ = ∂cost/∂z = ∂cost/∂h_θ(x) g′(z)" in str(signals)
    assert [w.data for w in run["θ"][0]] == [w.data for w in run["theta"][0]] == theta.tolist()
    assert run["x_0"].data == 1.0
    for name in ("h", "h_θ(x)", "h_theta(x)", "a", "a^(2)", "ŷ"):
        assert np.ravel(np.asarray(getattr(run[name], "data", run[name]))) == pytest.approx(h[:1])
    assert run["Θ^(1)"].data == run["θ"].data  # its names as a network of two layers are good, too
    assert signals["δ"] == pytest.approx(h[0] - 1.0) or signals["δ"] == pytest.approx([h[0] - 1.0])
    J_theta = nn.weight_jacobian(unit, X[0], layer="θ", notation="cs60050")
    assert np.ravel(J_theta) == pytest.approx(h[0] * (1 - h[0]) * ones[0])
    assert 'h<tspan font-size="10.5px" dy="3">θ</tspan><tspan dy="-3">(x)</tspan>' in signals.draw().svg
    assert 'dy="3">θ</tspan><tspan dy="-3">(x)</tspan>' in nn.draw_network(unit, X[0], notation="cs60050").svg


@pytest.mark.parametrize(
    "model",
    [nn.MLP(3, [1], output="sigmoid", seed=1), nn.Sequential(nn.Layer(3, 1, "sigmoid", seed=1))],
)
def test_a_layer_of_one_neuron_is_a_layer(model):
    run = nn.forward_pass(model, X, notation="cs60050-first")
    assert {"z_1^(1)", "a_1^(1)"} <= set(labels(run.outputs[0]))
    assert run.names.differentials is False
