"""What a table prints can be asked for: layers, units, sums, signals and weights by the names of each text."""

import re

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn._src.notation.naming import names
from nn._src.notation.texts import NOTATIONS, TEXTS

ASCII = str.maketrans({"′": "'", "″": "''", "‴": "'''", "δ": "delta", "Θ": "Theta", "ŷ": "yhat", "→": "->", "∂": "d"})
X = [0.5, -1.0]


def model_of(kind="plain"):
    if kind == "softmax":
        return nn.Sequential(nn.MLP(2, [3, 3], "sigmoid", seed=1), nn.Softmax())
    return nn.MLP(2, [3, 2, 2], "sigmoid", output="sigmoid", seed=1)


def loss(prediction, target):
    return nn.sse(prediction, [target] * len(prediction))


@pytest.mark.parametrize("kind", ["plain", "softmax"])
@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_end_goes_by_its_name(notation, kind):
    model = model_of(kind)
    run = nn.forward_pass(model, X, 0.25, loss=loss)
    called = names(notation, run)
    ends = [end for end in run.ends if end not in ("inputs", "loss")]
    given = [called(end) for end in ends]
    for end, name in zip(ends, given, strict=True):
        own = nn.layer_jacobian(model, X, of=end, to="inputs", notation=notation)
        for text in (name, name.translate(ASCII)):
            by_name = nn.layer_jacobian(model, X, of=text, to=called("inputs"), notation=notation)
            assert by_name.axes == own.axes or len(set(given)) < len(given)
            assert by_name.entries == own.entries
        assert nn.layer_jacobian(model, X, of="loss", to=name, notation=notation, target=0.25, loss=loss).name
    with pytest.raises(ag.RangeError, match="expected one of"):
        nn.layer_jacobian(model, X, of="Q", to="inputs", notation=notation)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.usefixtures("unbroken")
def test_signals_and_weights_go_by_their_names(notation):
    model = model_of()
    signals = nn.error_signals(model, X, 0.25, loss=loss, notation=notation)
    printed = [line.split("  ")[0] for line in str(signals).splitlines()[2:]]
    assert len(set(printed)) == 7
    units = [unit for layer in signals.layers.values() for unit in layer]
    for name, unit in zip(printed, units, strict=True):
        assert signals[name] == signals[name.translate(ASCII)] == unit.delta
    called = signals.names
    for k, layer in enumerate(signals.layers, 1):
        assert signals[called(f"signal {layer}")] == signals[layer]
        weights = called(f"weights of {layer}")
        expected = signals.weight_gradient(layer)
        assert signals.weight_gradient(weights) == signals.weight_gradient(k) == expected
        assert signals.weight_gradient(called(layer)) == expected
        for given in (weights, called(layer), k):
            J = nn.weight_jacobian(model, X, layer=given, of="sum", notation=notation, form="simplified")
            assert J.to == weights
        chain = nn.chain(model, X, 0.25, loss=loss, to=called(layer), weights=True, notation=notation)
        assert chain.result.to == weights


@pytest.mark.parametrize("notation", NOTATIONS)
def test_nodes_go_by_their_names_and_runs_bear_them(notation):
    model = model_of()
    run = nn.forward_pass(model, X, 0.25, loss=loss, notation=notation)
    for layer, units in run.layers.items():
        assert run[run.names(layer)] == run[layer] == tuple(unit.output for unit in units)
        for unit in units:
            assert run[run.names(unit.name)] is unit.output
            assert run[run.names(f"sum({unit.name})")] is unit.sum
            assert run[run.names(f"weight 1 {unit.name}")] is unit.weights[1]
    others = (
        nn.chain(model, X, 0.25, loss=loss, notation=notation).run,
        nn.backward_pass(model, X, 0.25, loss=loss, notation=notation).run,
        nn.error_signals(model, X, 0.25, loss=loss, notation=notation).run,
    )
    labels = [node.label for node in ag.topological_order(run.loss)]
    for other in others:
        assert [node.label for node in ag.topological_order(other.loss)] == labels


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(
    ("outputs", "target", "loss"),
    [(1, 0.75, nn.sse), (2, [0.25, 0.75], nn.sse), (3, 1, nn.cross_entropy), (1, 0.75, nn.binary_cross_entropy_with_logits)],
)
def test_what_formulas_name_can_be_asked_for(notation, outputs, target, loss):
    given = "sigmoid" if loss is nn.sse else None
    model = nn.MLP(2, [2, outputs], "sigmoid", output=given, seed=1)
    signals = nn.error_signals(model, X, target, loss=loss, notation=notation)
    run, flat = signals.run, target if isinstance(target, list) else [0.0, 1.0, 0.0] if outputs == 3 else [target]
    for k, (unit, y) in enumerate(zip(signals.layers["layer2"], flat, strict=True), 1):
        right = signals.formulas[k - 1].partition(" = ")[2]
        activation, rest = right.lstrip("(").split(" − ", maxsplit=1)
        named = [run[activation], run[re.split(r"[ )]", rest)[0]]]
        assert named[1].data == y
        assert named[1].label in right
        error = named[0].data - named[1].data
        assert unit.delta == pytest.approx(error * named[0].data * (1 - named[0].data) if loss is nn.sse else error)
    whole = run[signals.names.target]
    assert (whole.data if isinstance(whole, ag.Value) else list(whole.data)) == (flat[0] if outputs == 1 else flat)


@pytest.mark.parametrize("notation", NOTATIONS)
def test_each_derivative_that_formulas_name_can_be_asked_for(notation):
    """∂L/∂W and its kin, the left sides of the products of matrices, and what is derived to one weight."""
    model = nn.MLP(2, [3, 2], "sigmoid", output="sigmoid", seed=1)
    signals = nn.error_signals(model, X, [0.25, 0.75], loss=nn.sse, notation=notation)
    run, called = signals.run, signals.names
    lines = [line.partition(" = ")[0] for line in signals.matrix_formulas]
    assert len(lines) == 4
    for k, (signal, product) in enumerate(zip(lines[::2], lines[1::2], strict=True)):
        layer = f"layer{2 - k}"
        assert signals[signal] == signals[layer]
        assert np.allclose(signals[product], signals.weight_gradient(layer))
        assert signals[product.translate(ASCII)] == signals[product]
        assert str(signals[product]) == str(signals.weight_gradient(layer))
        for unit in run.layers[layer]:
            for own, node in ((f"weight 1 {unit.name}", unit.weights[1]), (f"bias {unit.name}", unit.bias), (unit.name, unit.output)):
                assert signals[f"∂{called.loss}/∂{called(own)}"] == ag.grad_of(run.loss, [node])[0]
    for none in ("∂Q/∂w", f"∂{called.loss}/∂nothing", f"∂{called.loss}/∂{called.target}"):
        with pytest.raises(ag.RangeError, match="error_signals: expected one of"):
            signals[none]


def test_logistic_regression_has_dz_dw_and_db():
    asked = {"loss": nn.binary_cross_entropy, "notation": "cs60050-first"}
    signals = nn.error_signals(nn.Layer(2, 1, "sigmoid", seed=1), X, 1.0, **asked)
    error = signals.run["a"].data - signals.run["y"].data
    assert (signals["dz"], signals["db"], signals["dw_2"]) == pytest.approx((error, error, error * X[1]))
    assert signals["dw"] == [pytest.approx([error * x for x in X])]
    assert signals["da"] == signals["∂L/∂a"] == pytest.approx(-1 / signals.run["a"].data)
    for none in ("dy", "dq", "delta", "d"):
        with pytest.raises(ag.RangeError):
            signals[none]
    for notation, name in (("cs60050-first", "dz"), ("cs60050", "δ")):
        lone = nn.error_signals(nn.Neuron(2, "sigmoid", seed=1), X, 1.0, loss=nn.binary_cross_entropy, notation=notation)
        assert lone[name] == pytest.approx(lone.run["a" if notation == "cs60050-first" else "h_θ(x)"].data - 1.0)
    scores = nn.error_signals(nn.MLP(2, [2], seed=1), X, 1, loss=nn.cross_entropy, notation="cs60050")
    assert scores["∂cost/∂z^(2)"] == pytest.approx(scores["δ^(2)"])
    with pytest.raises(ag.RangeError):
        scores["∂cost/∂a^(2)"]  # the loss has no such node: it takes the scores


def test_a_bias_stands_beside_its_weights_and_a_1_below_the_inputs():
    """CS60050: z_1^1 = [w_1^1 b_1^1] [x; 1], and z^1 = [W^1 b^1] [x; 1]; in the second layer a^(1) for x."""
    model = nn.MLP(2, [3, 2], "sigmoid", output="sigmoid", bias_init=nn.init.uniform(-1, 1), seed=1)
    run = nn.forward_pass(model, X, [1, 0], loss=nn.binary_cross_entropy, notation="cs60050-first")
    for k, below in ((1, "x"), (2, "a^(1)")):
        both = run[f"[W^({k}) b^({k})]"]
        assert (both @ run[f"[{below} 1]"]).data == pytest.approx([z.data for z in run[f"z^({k})"]])
        for j, row in enumerate(both, 1):
            assert row == run[f"[w_{j}^({k}) b_{j}^({k})]"]
            assert row[:-1] == run[f"w_{j}^({k})"]
            assert (row @ run[f"[{below}; 1]"]).data == pytest.approx(run[f"z_{j}^({k})"].data)
    assert run["[W^1 b^1]"][2][2] is run["b_3^(1)"]
    assert run["ℒ"] is run["L"]
    lone = nn.forward_pass(nn.Neuron(2, "sigmoid", seed=1), X, 1.0, loss=nn.binary_cross_entropy, notation="cs60050-first")
    assert (lone["[w b]"] @ lone["[x 1]"]).data == pytest.approx([lone["z"].data])
    for wrong in ("[W^1 b^2]", "[W^1 c]", "[]", "[W^1"):
        with pytest.raises(ag.RangeError, match="expected"):
            run[wrong]
    assert nn.forward_pass(model, X, [1, 0], loss=nn.binary_cross_entropy, notation="cs60050")["cost(x_i)"].label == "cost"


@pytest.mark.parametrize(
    ("notation", "copied", "name"),
    [
        ("cs60050", r"\boldsymbol{\delta}^{(3)}", "δ^(3)"), ("cs60050", r"\delta_1^{(L)}", "δ_1^(4)"),
        ("cs60050", r"\frac{\partial cost}{\partial \Theta_{12}^{(1)}}", "∂cost/∂Θ_12^(1)"),
        ("cs60050-first", r"\frac{\partial \mathcal{L}}{\partial \mathbf{W}^{(1)}}", "∂L/∂W^(1)"),
        ("downing", r"\mathbf{J}_{V}^{L}", "J_V^L"), ("downing", r"J_{v_{11}}^{L}", "∂L/∂v_11"),
        ("downing-first", r"\frac{\partial \textit{E}_{\textit{d}}}{\partial \textit{w}_{\textit{53}}}", "∂E_d/∂w_53"),
        ("lecture", r"\frac{\partial f}{\partial z_{2}}", "∂f/∂z_2"), ("lecture-first", "\\frac{\\partial \\ell}{\\partial W_2}", "∂ℓ/∂W_2"),
        ("ling3804", r"e^{\prime}", "e′"),
    ],
)  # fmt: skip
def test_names_are_copied_from_a_text_in_latex(notation, copied, name):
    sizes = [3, 1] if notation.startswith(("downing", "lecture-first")) else [3, 2, 1]
    sizes = [2, 1] if notation == "downing-first" else sizes
    asked = {"loss": nn.binary_cross_entropy, "notation": notation}
    signals = nn.error_signals(nn.MLP(2, sizes, "sigmoid", output="sigmoid", seed=1), X, 1.0, **asked)
    assert signals[copied] == signals[name]


def test_nodes_are_found_by_names_in_latex():
    his = nn.forward_pass(nn.MLP(1, [1, 1, 1], "sigmoid", bias=False, seed=1), [0.5], 0.3, loss=nn.sse, notation="dolhansky")
    for copied in (r"w_{i \to j}", r"w_{i\rightarrow j}", "w_{i→j}"):
        assert his[copied] is his["w_i→j"]
    for copied in (r"\hat{y}", r"\hat{y}_i", r"\hat y"):
        assert his[copied] is his["ŷ"]
    lecture = nn.forward_pass(nn.MLP(2, [3, 1], "sigmoid", output="sigmoid", seed=1), X, 0.3, loss=nn.sse, notation="cs60050")
    assert lecture[r"\mathbf{a}^{(2)}"] == lecture["a^(2)"]
    assert lecture[r"h_{\Theta}(\mathbf{x})"] == lecture["h_Θ(x)"]
    assert lecture[r"\Theta^{(1)}_{10}"] is lecture["Θ_10^(1)"]
    with pytest.raises(ag.RangeError, match="expected one of"):
        lecture[r"\gamma"]


@pytest.mark.parametrize(
    ("notation", "layer", "unit"),
    [
        ("cs60050", "g′(z^(2))", "g'(z_1^{(2)})"), ("cs60050-first", "g'(z^1)", "g'(z_1^1)"), ("lecture", "b'_{2}(z_1)", "b′_2(z_1,1)"),
        ("downing", "f'(sum(Y))", "f'(sum(y_1))"), ("downing-first", "f_T'(sum^(1))", "f_T'(sum_{3d})"),
        ("dolhansky", None, "f_k'(s_k)"), ("dolhansky", None, "σ'_k(s_k)"), ("ling3804", "f'(x')", "f'(x'_1)"),
    ],
)  # fmt: skip
def test_slopes_are_asked_for_by_a_prime(notation, layer, unit):
    """The lecture's goal: compute {a_i}, {df/dz_i}, {b'_i+1(z_i)}."""
    signals = nn.error_signals(nn.MLP(2, [2, 1], "sigmoid", seed=1), X, 0.3, loss=nn.sse, notation=notation)
    known = [a.output.data * (1 - a.output.data) for a in signals.run.layers["layer1"]]
    assert signals[unit] == pytest.approx(known[0])
    assert layer is None or signals[layer] == pytest.approx(known)
    for none in ("g'(y)", "g'(z^(7))", "g'()", "g'(g'(z^(2)))"):
        with pytest.raises(ag.RangeError):
            signals[none]


def test_a_layer_whose_activations_are_a_softmax_has_no_slopes():
    scores = nn.error_signals(nn.MLP(2, [2, 2], "sigmoid", seed=1), X, 1, loss=nn.cross_entropy, notation="cs60050")
    assert len(scores["g'(z^(2))"]) == 2
    for none in ("g'(z^(3))", "g'(z_1^(3))"):
        with pytest.raises(ag.RangeError):
            scores[none]


def test_an_update_is_refused_with_what_it_is():
    signals = nn.error_signals(nn.MLP(1, [1, 1], "sigmoid", bias=False, seed=1), [0.5], 0.3, loss=nn.sse, notation="dolhansky")
    for typed in ("Δw_i→j", "Δw_{i→j}", "Delta w_i->j"):
        with pytest.raises(ag.RangeError, match=r"the learning rate η as a factor: .* -η \* signals\['(∂E/∂w.*)'\]") as info:
            signals[typed]
        assert signals[str(info.value).split("'")[-2]] == signals["∂E/∂w_i→j"]


def test_a_target_that_is_a_node_is_that_node_and_others_are_none():
    model, y = nn.MLP(2, [2, 1], "sigmoid", seed=1), ag.Value(0.5)
    assert nn.forward_pass(model, X, y, loss=nn.sse, notation="cs60050")["y"] is y
    for asked in ({}, {"target": None, "loss": lambda p, t: p + 1}, {"target": "cat", "loss": lambda p, t: p * p}):
        run = nn.forward_pass(model, X, notation="cs60050", **asked)
        with pytest.raises(ag.RangeError, match="expected one of"):
            run["y"]


def test_downings_names_without_the_case_and_dolhanskys_with_it():
    model = nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", seed=1)
    signals = nn.error_signals(model, X, 0.5, loss=nn.sse, notation="downing-first")
    run = signals.run
    for short, name in (("o_5", "o_5d"), ("sum_4", "sum_4d"), ("t_5", "t_5d"), ("o_1", "x_1d"), ("o_2d", "x_2d")):
        assert run[short].label == name
    assert signals["δ_5"] == signals["delta_5d"] == signals["δ_5d"]
    with pytest.raises(ag.RangeError):
        run["t_1"]  # node 1 is an input
    run = nn.forward_pass(nn.MLP(1, [1, 1, 1], "sigmoid", seed=1), [1.0], 0.5, loss=nn.sse, notation="dolhansky")
    for other, name in (("in_j", "s_j"), ("in_o", "s_o"), ("ŷ_i", "ŷ"), ("yhat_i", "ŷ"), ("y_i", "y")):
        assert run[other].label == run[name].label


@pytest.mark.parametrize(("notation", "signal", "output"), [("lecture", "∂f/∂z_d", "a_d+1"), ("lecture-first", "g_d", "a_d")])
def test_the_lecture_counts_its_layers_to_d(notation, signal, output):
    model = nn.MLP(2, [3, 2, 2], "sigmoid", output="sigmoid", seed=1)
    signals = nn.error_signals(model, X, [0.5, 0.25], loss=nn.sse, notation=notation)
    run, loss = signals.run, signals.names.loss
    assert signals[signal] == signals["layer3"]
    assert signals[signal.replace("_d", "_{d-1}")] == signals[signal.replace("_d", "_{d−1}")] == signals["layer2"]
    assert run[output].data == [y.data for y in run.outputs]
    assert run["W_d"].data == run["W_3"].data
    assert run["W_{d−2}"].data == run["W_1"].data
    assert run["z_d"].data == run["z_3"].data
    assert signals[f"∂{loss}/∂W_d"] == signals.weight_gradient("W_d") == signals.weight_gradient(3)
    assert nn.layer_jacobian(model, X, of=output, to="inputs", notation=notation).entries
    with pytest.raises(ag.RangeError):
        run["W_{d+1}"]


@pytest.mark.parametrize("notation", NOTATIONS)
def test_layers_are_meant_by_what_pictures_write_around_them(notation):
    model = nn.MLP(2, [3, 2, 2], "sigmoid", output="sigmoid", seed=1)
    run = nn.forward_pass(model, X, notation=notation)
    svg = ag.draw(list(run.outputs)).svg
    boxes = set(re.findall(r">(layer [^<:]+)<", svg))
    assert len(boxes) == 3
    assert {tuple(run[box].data) for box in boxes} == {tuple(run[layer].data) for layer in run.layers}
    for box in boxes:
        assert nn.layer_jacobian(model, X, of=box, to="inputs", notation=notation).entries


def test_numbers_of_layers_that_a_text_counts_otherwise():
    model = nn.MLP(2, [3, 2, 2], "sigmoid", output="sigmoid", seed=1)
    J = nn.layer_jacobian(model, X, of="layer 4", to="layer 3", notation="cs60050")
    assert (J.name, J.entries) == ("∂a^(4)/∂a^(3)", nn.layer_jacobian(model, X, of=3, to=2).entries)
    assert nn.weight_jacobian(model, X, layer="layer 4", notation="cs60050").to == "Θ^(3)"
    with pytest.raises(ag.RangeError, match=r"\(a\^\(4\)\), or 1 to 4, got 0"):
        nn.layer_jacobian(model, X, of=4, to=0, notation="cs60050")


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
def test_a_number_is_the_layer_that_the_text_calls_so(notation):
    """a^(1) is the input in CS60050's second half, a_1 in the lecture's; a text without numbers counts from 0."""
    model = nn.MLP(2, [3, 2, 2], "sigmoid", output="sigmoid", seed=1)
    run = nn.forward_pass(model, X, notation=notation)
    first = 1 if notation in ("cs60050", "lecture") else 0
    assert [run.end(k).name for k in range(first, first + 4)] == ["inputs", "layer1", "layer2", "layer3"]
    J = nn.layer_jacobian(model, X, of=first + 2, to=first, notation=notation)
    assert J.entries == nn.layer_jacobian(model, X, of="layer2", to="inputs").entries
    chained = nn.chain(model, X, of=first + 2, to=first, notation=notation).result
    assert chained.name == J.name
    assert np.allclose(chained, J, rtol=1e-12)
    of_weights = nn.weight_jacobian(model, X, layer=2, of=first + 3, notation=notation)
    assert of_weights.entries == nn.weight_jacobian(model, X, layer="layer2", of="layer3", notation=notation).entries
    for wrong in (first - 1, first + 4, True):
        with pytest.raises(ag.RangeError, match=f"or {first} to {first + 3}, got {wrong}"):
            nn.layer_jacobian(model, X, of=wrong, to="inputs", notation=notation)


def test_the_number_of_weights_is_the_texts():
    model = nn.MLP(2, [3, 2, 2], "sigmoid", output="sigmoid", seed=1)
    for notation, name in {"cs60050": "Θ^({})", "lecture": "W_{}", "lecture-first": "W_{}", "cs60050-first": "W^({})"}.items():
        for k in (1, 2, 3):
            assert nn.weight_jacobian(model, X, layer=k, notation=notation).to == name.format(k)


def test_a_chain_takes_the_order_of_indices():
    model = model_of()
    a, b = (nn.chain(model, X, 0.25, loss=loss, to=1, weights=True, index=i).result for i in ("from_to", "to_from"))
    assert np.allclose(a.array, np.swapaxes(b.array, 1, 2))
    with pytest.raises(ag.RangeError, match="expected index to be 'from_to' or 'to_from', got 'up'"):
        nn.chain(model, X, index="up")


# --- softmax ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notation", "name", "unit", "below"),
    [
        ("downing", "J_Z^S", "s_1", "z_1"), ("cs60050", "∂a^(3)/∂z^(3)", "a_1^(3)", "z_1^(3)"),
        ("ling3804", "∂a″/∂x″", "a″_1", "x″_1"), ("lecture", "∂a_3/∂z_2", "a_3,1", "z_2,1"),
        ("cs60050-first", "∂a^(2)/∂z^(2)", "a_1^(2)", "z_1^(2)"),
        ("downing-first", "∂o^(2)/∂sum^(2)", "o_6d", "sum_6d"), ("lecture-first", "∂a_2/∂z_2", "a_2,1", "z_2,1"),
    ],
)  # fmt: skip
def test_softmax_outputs_are_named_as_the_text_does(notation, name, unit, below):
    model = model_of("softmax")
    J = nn.layer_jacobian(model, X, of="outputs", to="layer2", notation=notation)
    assert (J.name, J.rows[0], J.columns[0]) == (name, unit, below)
    s = [y.data for y in model(X)]
    assert np.allclose(J, np.diag(s) - np.outer(s, s))
    run = nn.forward_pass(model, X, notation=notation)
    assert next(y.label for y in run.outputs) == unit
    assert nn.derivation(run.outputs[0], run.layers["layer2"][0].sum).lines[0].startswith(f"∂{unit}/∂{below} = ")


# --- activations alone -----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [nn.Softmax(), nn.Sequential(nn.Softmax())], ids=repr)
def test_a_softmax_alone_has_a_jacobian(model):
    J = nn.layer_jacobian(model, X, of="outputs", to="inputs", notation="ling3804")
    s = ag.softmax(X)
    assert np.allclose(J, np.diag(s) - np.outer(s, s))
    assert (J.rows, J.columns) == (("f_1", "f_2"), ("x_1", "x_2"))  # as in 6.2 and 6.6
    assert nn.layer_jacobian(model, X, of="softmax", to=0).rows == ("softmax0", "softmax1")


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
def test_activations_in_a_row_are_a_chain(notation):
    model = nn.Sequential(nn.Tanh(), nn.Sequential(nn.Softmax(), nn.Softmax()))
    chain = nn.chain(model, X, notation=notation)
    assert [factor.shape for factor in chain.factors] == [(2, 2)] * 3
    assert np.allclose(chain.result, chain.by_backward)
    assert len({label for factor in chain.factors for axis in factor.axes for label in axis.labels}) == 8
    expected = ag.jacobian(lambda x: ag.softmax(ag.softmax([ag.tanh(v) for v in x])))(X)
    assert np.allclose(chain.result, expected)


WITHOUT_UNITS = {
    "rnn": (nn.RNN(1, 2, seed=1), [[0.3], [0.1], [-0.2]]), "one step": (nn.RNN(1, 2, seed=1), [[0.3]]),
    "lstm": (nn.LSTM(1, 2, seed=1), [[0.3], [0.1], [-0.2]]), "conv1d": (nn.Conv1d(1, 2, 2, seed=1), [[1.0, 2.0, 3.0]]),
    "conv2d": (nn.Conv2d(1, 1, 2, seed=1), [[[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]]]),
    "in a row": (nn.Sequential(nn.Conv1d(1, 2, 2, seed=1), nn.Flatten(), nn.Tanh()), [[1.0, 2.0, 3.0]]),
}  # fmt: skip


def leaves(x):
    return [z for y in x for z in leaves(y)] if isinstance(x, (list, tuple)) else [x]


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
@pytest.mark.parametrize("kind", WITHOUT_UNITS)
def test_a_model_without_units_has_its_inputs_and_outputs(kind, notation):
    model, x = WITHOUT_UNITS[kind]
    run = nn.forward_pass(model, x, notation=notation)
    expected = list(dict.fromkeys(y.data for y in leaves(model(x))))
    assert [y.data for y in run.outputs] == expected
    assert [x.data for x in run.inputs] == leaves(x)
    assert next(iter(run.ends)) == "inputs"
    labels = [label for end in run.ends.values() for label in end.labels]
    assert len(set(labels)) == len(labels) == len(str(run).splitlines()) - 2
    J = nn.layer_jacobian(model, x, of="outputs", to="inputs", notation=notation)
    last = run.ends[run.last].nodes
    assert J.entries == [ag.grad_of(y, run.inputs) for y in last]
    called = f"got {type(model).__name__}"
    of = {"notation": notation} if notation else {}
    for refused in (
        lambda: nn.weight_jacobian(model, x, layer=1, **of), lambda: nn.draw_network(model, x, **of),
        lambda: nn.chain(model, x, weights=True, **of),
        lambda: nn.error_signals(model, x, None, loss=lambda p, _: ag.sum(leaves(p)), **of),
        lambda: nn.backward_pass(model, x, None, loss=lambda p, _: ag.sum(leaves(p)), **of),
        lambda: nn.cost(model, [x], [0.0], loss=lambda p, _: ag.sum(leaves(p)), **of),
    ):  # fmt: skip
        with pytest.raises(ag.StructureError, match="expected a model of Neurons, Layers or Linears") as error:
            refused()
        assert called in str(error.value)


@pytest.mark.parametrize("activation", ["tanh", "linear", "sigmoid"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_recurrent_network_has_its_steps(size, activation):
    """A chain of the Jacobians from step to step is what `signal_over_time` measures; linear, it is a power of V."""
    rnn = nn.RNN(1, size, nonlinearity=activation, seed=2)
    x = [[0.3], [0.1], [-0.2], [0.5]]
    run = nn.forward_pass(rnn, x, [0.5] * size, loss=lambda prediction, target: nn.sse(prediction[1], target))
    assert list(run.ends) == ["inputs", "step0", "step1", "step2", "step3", "loss"]
    assert [y.data for y in run["step2"]] == [h.data for (h,) in [rnn.states(x)[2]] for h in h]
    assert run.ends["step3"].labels == tuple(f"step3/h[{j}]" for j in range(size))
    chain = nn.chain(rnn, x, of="step3", to="step0")
    norms = nn.signal_over_time(rnn, x).norms
    assert [max(values) for values in chain.singular_values] == pytest.approx(norms[1:4])
    assert chain.result.flat == pytest.approx(chain.by_backward.flat)
    if activation == "linear":
        V = np.array([[w.data for w in row] for row in rnn.weight_hh_l0])
        assert chain.result.array == pytest.approx(np.linalg.matrix_power(V, 3))
        assert nn.layer_jacobian(rnn, x, of="step3", to="step1").array == pytest.approx(V @ V)
    with pytest.raises(ag.StructureError, match="leads around one"):  # inputs come in at every step
        nn.chain(rnn, x)
    rnn.truncate = 2
    assert not np.any(nn.layer_jacobian(rnn, x, of="step3", to="step1").array)


class SumsOfUnits(nn.Module):
    """A layer that reads sums of units, which are one sum each time and yet three nodes."""

    def __init__(self):
        self.first, self.second = nn.Linear(2, 2, seed=1), nn.Linear(3, 2, seed=2)

    def __call__(self, x):
        a, b = self.first(x)
        return self.second([a + b, a + b, a + b])


@pytest.mark.parametrize("notation", NOTATIONS)
def test_nodes_of_one_formula_have_names_of_their_own(notation):
    run = nn.forward_pass(SumsOfUnits(), X, notation=notation)
    for unit in run.layers["second"]:
        names = [run.names.of[f"input {i} {unit.name}"] for i in range(3)]
        assert len(set(names)) == 3, names
        assert [name.rstrip("′") in (name, names[0]) for name in names] == [True] * 3, names


# --- as arrays ---------------------------------------------------------------------------------------------


def test_a_jacobian_is_an_array_with_names():
    model = nn.MLP(3, [2, 1], "sigmoid", seed=1)
    x = [1.0, 2.0, 3.0]
    J = nn.layer_jacobian(model, x, of="Z", to="Y", notation="downing")
    assert np.asarray(J).shape == J.shape == (1, 2)
    assert np.asarray(J, dtype="float32").dtype == np.float32
    assert np.allclose(J, J.entries)
    assert J[0, 1] == J["z_1", "y_2"] == J[-1, -1] == J.entries[0][1]
    assert J[0] == next(iter(J)) == J.entries[0]
    assert len(J) == 1
    assert J[:, 1].tolist() == [J.entries[0][1]]
    for index, error in (((0, 2), IndexError), ("y_1", ag.RangeError), ((0, 0, 0), ag.RangeError)):
        with pytest.raises(error, match="Jacobian \\[\\]: expected"):
            J[index]


def test_a_weight_jacobian_of_one_output_is_a_matrix():
    model = nn.MLP(3, [2, 1], "sigmoid", seed=1)
    x = [1.0, 2.0, 3.0]
    options = {"layer": "Y", "notation": "downing", "target": 0.25, "loss": nn.sse}
    for of in ("Z", "loss"):
        full = nn.weight_jacobian(model, x, of=of, **options)
        simple = nn.weight_jacobian(model, x, of=of, form="simplified", **options)
        assert full.matrix == simple.entries
        assert np.shape(full.matrix) == (3, 2)
        assert "(0." not in str(full).partition("\n")[2]
        assert nn.weight_jacobian(model, x, of=of, layout="numerator", **options).matrix == simple.entries
    assert simple.matrix == simple.entries
    signals = nn.error_signals(model, x, 0.25, loss=nn.sse, notation="downing")
    assert np.allclose(simple, signals.weight_gradient("V"))
    J_wz = nn.weight_jacobian(model, x, layer="Z", notation="downing")
    J_zl = nn.layer_jacobian(model, x, of="L", to="Z", notation="downing", layout="denominator", target=0.25, loss=nn.sse)
    assert np.allclose(np.dot(J_wz, J_zl)[..., 0], signals.weight_gradient("W"))
    with pytest.raises(ag.StructureError, match="expected the derivatives of one output"):
        _ = nn.weight_jacobian(model, x, layer="Y", notation="downing").matrix


def test_a_chain_as_a_formula_and_with_other_digits():
    model = nn.MLP(2, [2, 1], "relu", init=nn.init.constant(1.0))
    chain = nn.chain(model, [1.0, 2.0], 5.0, loss=nn.sse)
    one, ones, square = (rf"\begin{{bmatrix}} {x} \end{{bmatrix}}" for x in ("1", "1 & 1", r"1 & 1 \\ 1 & 1"))
    assert chain.latex == f"{one} {ones} {square} = {ones.replace('1', '2')}"
    assert [line.split()[-1] for line in format(chain, ".2f").splitlines()[2:]] == ["1.00", "1.41", "2.83"]
    turned = nn.chain(model, [1.0, 2.0], 5.0, loss=nn.sse, layout="denominator")
    assert turned.latex.startswith(square)


@pytest.mark.parametrize(
    ("notation", "said"),
    [("dolhansky", "; s_o = ŷ"), ("lecture", "; z_2,1 = a_3,1"), ("cs60050", "; z_1^(3) = a_1^(3)"), ("downing", "; sum(z_1) = z_1")],
)
@pytest.mark.usefixtures("unbroken")
def test_a_linear_output_has_both_names(notation, said):
    linear, curved = (nn.MLP(2, [2, 1], "sigmoid", output=output, seed=1) for output in ("linear", "sigmoid"))
    heading = lambda model: str(nn.error_signals(model, [0.5, -1.0], 0.3, loss=nn.sse, notation=notation)).splitlines()[0]
    assert said in heading(linear)
    assert said not in heading(curved)


@pytest.mark.parametrize(
    ("notation", "names"),
    [
        ("cs60050-first", ["b_1^(1)", "w_12^(1)", "z_1^(1)", "a_1^(0)", "a^(1)"]),
        ("cs60050", ["Θ_10^(1)", "Θ_12^(1)", "z_1^(2)", "a_1^(1)"]),
        ("lecture", ["b_1,1", "W_1,1,2", "a_1,1"]),
        ("lecture-first", ["b_1,1", "W_1,1,2", "a_0,1", "a_1"]),
        ("downing", ["v_01", "v_21", "x_1", "y_2"]),
        ("downing-first", ["w_30", "w_32", "sum_3d", "x_1d", "o_4d"]),
    ],
)
def test_every_label_of_a_pass_is_a_name_of_it(notation, names):
    """Biases, too; and a name that is none is answered with those of the text."""
    run = nn.forward_pass(nn.MLP(2, [2, 1], "tanh", seed=1), [0.5, -1.0], 1.0, loss=nn.sse, notation=notation)
    for name in names:
        assert run[name] is not None
    for units in run.layers.values():
        for unit in units:
            for node in (*unit.weights, unit.bias, unit.sum, *unit.inputs):
                assert run[node.label] is node
    with pytest.raises(ag.RangeError) as caught:
        run["no such name"]
    assert names[0] in str(caught.value)
    assert "neuron" not in str(caught.value)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("sizes", [[3, 2, 2], [1, 1]])
def test_activations_and_sums_are_no_error_signals(notation, sizes):
    """a′ is one vector, and the error there another; a name of the first does not give the second."""
    model = nn.MLP(2, sizes, "sigmoid", output="sigmoid", seed=1)
    signals = nn.error_signals(model, X, 0.25, loss=lambda p, t: nn.sse(p if isinstance(p, list) else [p], [t] * sizes[-1]), notation=notation)
    called = signals.names
    own = [*signals.layers, *(unit.name for units in signals.layers.values() for unit in units)]
    for name in own:
        there = called(f"signal {name}")
        for other in (called(name), called(f"sum({name})"), called(name).translate(ASCII)):
            with pytest.raises(ag.RangeError, match="is no error signal; the signal there is ") as caught:
                signals[other]
            assert repr(there) in str(caught.value)
            assert signals.run[other] is not None
        assert np.ravel(signals[there]).tolist() == np.ravel(signals[name]).tolist()


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("bias", [True, False])
def test_weights_of_a_layer_are_the_matrix_of_the_text(notation, bias):
    model = nn.MLP(2, [3, 2], "tanh", bias=bias, seed=1)
    run = nn.forward_pass(model, X, notation=notation)
    signals = nn.error_signals(model, X, [0.0, 1.0], loss=nn.sse, notation=notation)
    for layer, of in zip(model.layers, run.layers, strict=True):
        expected = np.array(layer.weight.data)
        if bias and notation == "cs60050":
            expected = np.array(layer.theta.data)
        name = run.names(f"weights of {of}")
        for given in (name, name.translate(ASCII)):
            found = np.array([[w.data for w in row] for row in run[given]])
            assert np.array_equal(found.T if run.names.order == "from_to" else found, expected)
        assert np.shape(signals.weight_gradient(name)) == found.shape


def test_updates_are_in_the_order_of_the_weights():
    model = nn.MLP(2, [2, 1], "sigmoid", seed=1)
    updates = {n: nn.error_signals(model, X, 0.25, loss=nn.sse, notation=n).updates for n in ("cs60050", "cs60050-first")}
    assert [u.split()[0] for u in updates["cs60050"][:3]] == ["Θ_10^(2)", "Θ_11^(2)", "Θ_12^(2)"]
    assert [u.split()[0] for u in updates["cs60050-first"][:3]] == ["w_11^(2)", "w_12^(2)", "b_1^(2)"]


def test_a_unit_and_its_layer_of_one_name_are_the_unit():
    run = nn.forward_pass(nn.MLP(1, [1, 1], "sigmoid", seed=1), [0.5], 0.25, loss=nn.sse, notation="dolhansky")
    for name in ("x_i", "s_j", "z_j", "s_o", "ŷ", "w_i→j", "w_j→o", "b_j", "E"):
        assert isinstance(run[name], ag.Value), name
    assert run["E"] is run["E"]
    signals = nn.error_signals(nn.MLP(1, [1, 1], "sigmoid", seed=1), [0.5], 0.25, loss=nn.sse, notation="dolhansky")
    assert (signals["δ_j"], signals["layer1"]) == (signals["layer1/neuron0"], [signals["layer1/neuron0"]])
    assert signals["δ_o"] == pytest.approx(ag.grad_of(run["E"], [run["s_o"]])[0])


def test_the_loss_of_downing_is_e_and_l():
    """His E is that of the sums, his L that of the Jacobians; what is printed is one of them."""
    model = nn.MLP(2, [2, 1], "sigmoid", seed=1)
    run = nn.forward_pass(model, X, 0.25, loss=nn.sse, notation="downing")
    assert run["E"] is run["L"]
    asked = {"to": "Y", "target": 0.25, "loss": nn.sse, "notation": "downing"}
    assert nn.layer_jacobian(model, X, of="E", **asked).entries == nn.layer_jacobian(model, X, of="L", **asked).entries


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
def test_the_heading_of_a_pass_has_a_bias_where_there_is_one(notation):
    for bias in (True, False):
        heading = str(nn.forward_pass(nn.MLP(2, [2, 1], bias=bias, seed=1), X, notation=notation)).splitlines()[0]
        assert (("+ b" in heading), ("b" in heading.partition("=")[2].partition(",")[0])) == (bias, bias)


@pytest.mark.usefixtures("unbroken")
def test_every_linear_output_is_named_as_its_sum():
    model = nn.MLP(2, [2, 2], "tanh", seed=1)
    heading = str(nn.error_signals(model, X, [0.0, 1.0], loss=nn.sse, notation="lecture")).splitlines()[0]
    assert "; z_2,1 = a_3,1; z_2,2 = a_3,2" in heading
    many = str(nn.error_signals(nn.MLP(2, [6]), X, [0.0] * 6, loss=nn.sse, notation="lecture")).splitlines()[0]
    assert "z_1,4 = a_2,4; ..." in many
    assert "z_1,5" not in many


def test_a_derivation_says_what_to_take_of_several_nodes():
    run = nn.forward_pass(nn.MLP(3, [2, 1], "sigmoid", seed=1), [0.5, -1.0, 2.0], notation="downing")
    with pytest.raises(ag.OperandError, match=r"expected a Value, got .*; take one of them, as with \[0\]"):
        nn.derivation(run["Y"], run["v_11"])
    assert nn.derivation(run["Y"][1], run["v_11"]).result == "0"


def test_a_number_that_is_no_name_is_refused_in_words():
    signals = nn.error_signals(nn.MLP(2, [1], seed=1), [0.5, -1.0], 1.0, loss=nn.sse, notation="lecture")
    for bad in (1, None, ("z", 1)):
        with pytest.raises(ag.RangeError, match="expected one of"):
            signals[bad]
        with pytest.raises(ag.RangeError, match="expected one of"):
            signals.run[bad]


def test_a_pass_is_a_table():
    run = nn.forward_pass(nn.MLP(2, [2, 1], "tanh", seed=1), [0.5, -1.0], 1.0, loss=nn.sse, notation="cs60050")
    _, heads, *rows = str(run).splitlines()
    assert heads.split() == ["name", "z", "a"]
    assert [row.split()[0] for row in rows] == ["a_0^(1)", "a_1^(1)", "a_2^(1)", "a_0^(2)", "a_1^(2)", "a_2^(2)", "a_1^(3)", "cost"]
    unit = run.layers["layer1"][0]
    assert [float(x.replace("−", "-")) for x in rows[4].split()[1:]] == pytest.approx(
        [unit.sum.data, unit.output.data], rel=1e-3
    )
    assert "<table" in run._repr_html_()
    assert repr(run) == str(run)


def test_layers_and_weights_are_named_where_a_name_is_none():
    signals = nn.error_signals(nn.MLP(2, [2, 1], seed=1), [0.5, -1.0], 1.0, loss=nn.sse, notation="lecture")
    with pytest.raises(ag.RangeError, match=r"expected one of W_1, W_2, or 1 to 2, got '∂f/∂W_1'"):
        signals.weight_gradient("∂f/∂W_1")
    plain = nn.error_signals(nn.MLP(2, [2, 1], seed=1), [0.5, -1.0], 1.0, loss=nn.sse)
    with pytest.raises(ag.RangeError, match="expected one of layer1, layer2, layer1/neuron0"):
        plain["layer3"]


@pytest.mark.parametrize("notation", NOTATIONS)
def test_what_is_listed_in_the_message_can_be_had(notation):
    """Layers, matrices, biases, inputs and single nodes, each by its name; the message says where one asked."""
    model = nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", seed=1)
    run = nn.forward_pass(model, X, 0.25, loss=nn.sse, notation=notation)
    with pytest.raises(ag.RangeError, match=r"forward_pass\(\.\.\.\)\[name\]: expected one of") as refused:
        run["nothing"]
    listed = str(refused.value).partition("expected one of ")[2].partition(", got")[0].split(", ")
    for name in listed:
        found = run[name]
        flat = found if isinstance(found, tuple) else (found,)
        assert flat
    names = run.names
    wholes = {names(end) for end in run.ends} | {names(f"weights of {layer}") for layer in run.layers}
    assert set(listed) >= {*wholes, names("loss")}
    assert run["x"] == run["X"] == run.inputs
    known = {"lecture": "b_1", "lecture-first": "b_1", "cs60050-first": "b^(1)", "ling3804": "b"}
    if notation in known:
        assert run[known[notation]] == tuple(unit.bias for unit in run.layers["layer1"])
    assert "layer1, layer1" not in str(refused.value)


TYPED = {  # other ways to type a^(l)_j, beside that of the tables
    "without brackets": lambda name: name.replace("^(", "^").replace(")", "") if "^(" in name else name,
    "above first": lambda name: re.sub(r"^(\w+)_(\w+)\^(\(\d+\))$", r"\1^\3_\2", name),
    "as LaTeX": lambda name: re.sub(r"^(\w+)_(\w+)\^(\(\d+\))$", r"\1^{\3}_{\2}", name),
    "both": lambda name: re.sub(r"^(\w+)_(\w+)\^\((\d+)\)$", r"\1^\3_\2", name),
}


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_what_stands_above_is_typed_with_brackets_or_without(notation, typed):
    model, write = model_of(), TYPED[typed]
    run = nn.forward_pass(model, X, 0.25, loss=loss, notation=notation)
    signals = nn.error_signals(model, X, 0.25, loss=loss, notation=notation)
    called = run.names
    units = [unit for layer in run.layers.values() for unit in layer]
    for unit in units:
        assert run[write(called(unit.name))] is unit.output
        assert run[write(called(f"sum({unit.name})"))] is unit.sum
        assert run[write(called(f"weight 1 {unit.name}"))] is unit.weights[1]
        assert signals[write(called(f"signal {unit.name}"))] == signals[unit.name]
    for layer in run.layers:
        assert run[write(called(layer))] == run.ends[layer].nodes
        assert len(run[write(called(f"weights of {layer}"))]) > 0
        assert nn.layer_jacobian(model, X, of=write(called(layer)), to="inputs", notation=notation).shape[1] == 2
    J = nn.layer_jacobian(model, X, of="layer3", to="layer2", notation=notation)
    assert J[write(J.rows[1]), write(J.columns[0])] == J[1, 0]
    chain = nn.chain(model, X, of="layer3", to="layer1", notation=notation)
    top, bottom = chain.result.rows[0], chain.result.columns[1]
    assert chain.entry(write(top), write(bottom)).value == pytest.approx(chain.result[0, 1])


def test_downings_s_and_r_are_sums():
    """S = Y W and Z = f(S), R = X V and Y = g(R); a softmax has the letter S where there is one."""
    model = nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", seed=1)
    x = [0.5, -1.0, 2.0]
    run = nn.forward_pass(model, x, notation="downing")
    assert run["S"] == run["sum(Z)"]
    assert run["R"] == run["sum(Y)"]
    assert run["r_2"] is run["sum(y_2)"]
    assert run["s_1"] is run["sum(z_1)"]
    given = {"notation": "downing"}
    for top, bottom in (("S", "R"), ("Z", "S"), ("Y", "R"), ("S", "Y"), ("R", "X")):
        long = {"S": "sum(Z)", "R": "sum(Y)"}
        J = nn.layer_jacobian(model, x, of=top, to=bottom, **given)
        assert J.entries == nn.layer_jacobian(model, x, of=long.get(top, top), to=long.get(bottom, bottom), **given).entries
    slopes = nn.layer_jacobian(model, x, of="Y", to="R", **given)
    y = [node.data for node in run["Y"]]
    assert slopes.entries == [pytest.approx([y[0] * (1 - y[0]), 0.0]), pytest.approx([0.0, y[1] * (1 - y[1])])]
    softmax = nn.forward_pass(nn.Sequential(nn.Layer(3, 2, "linear", seed=1), nn.Softmax()), x, notation="downing")
    assert softmax["S"] == softmax.outputs
    with pytest.raises(ag.RangeError, match="expected one of"):
        softmax["R"]


@pytest.mark.parametrize("scores", [False, True])
def test_cs60050_counts_layers_from_the_last_too(scores):
    """a^(L), δ^(L), Θ^(L−1), where L is the number of layers, the input among them; in its first half A^L, Z^L, W^L."""
    model = nn.MLP(2, [3, 2, 2], "sigmoid", output="linear" if scores else "sigmoid", seed=1)
    given = {"loss": nn.cross_entropy if scores else nn.sse}
    target = 1 if scores else [1.0, 0.0]
    second = nn.error_signals(model, X, target, notation="cs60050", **given)
    run = second.run
    assert second["δ^(L)"] == second["δ^(4)"]
    assert second["delta^L-1"] == second["δ^(3)"]
    assert second["δ_2^(L)"] == second["δ_2^(4)"]
    for name, same in (("a^(L)", "a^(4)"), ("a^(L−1)", "a^(3)"), ("z^(L)", "z^(4)"), ("Θ^(L−1)", "Θ^(3)"), ("Θ^(L-2)", "Θ^(2)"), ("a_1^L", "a_1^(4)")):
        assert run[name] == run[same]
    assert second.weight_gradient("Θ^(L−1)") == second.weight_gradient(3)
    first = nn.forward_pass(model, X, target, notation="cs60050-first", **given)
    for name, same in (("A^L", "a^(3)"), ("Z^L", "z^(3)"), ("W^L", "W^(3)"), ("A^(L−1)", "a^(2)"), ("A^1", "a^(1)"), ("Z^2", "z^(2)"), ("b^L", "b^(3)")):
        assert first[name] == first[same]
    assert run["h"] == run["ŷ"] == run["y_hat"] == run["a^(L)"]
    if scores:
        assert [a.data for a in run["a^(L)"]] == pytest.approx(ag.softmax([z.data for z in run["z^(L)"]]))
    with pytest.raises(ag.RangeError, match="expected one of"):
        run["a^(L-9)"]


ALONE = {  # by text: what an activation function takes and gives, as wholes and one by one
    "downing": ("sum(Z)", "sum(z_1)", "Z", "z_1"),
    "downing-first": ("sum", "sum_1d", "o", "o_1d"),
    "dolhansky": ("s_o", "s_o1", "ŷ", "ŷ_o1"),
    "lecture": ("z_1", "z_1,1", "a_2", "a_2,1"),
    "lecture-first": ("z_1", "z_1,1", "a_1", "a_1,1"),
    "cs60050": ("z^(2)", "z_1^(2)", "a^(2)", "a_1^(2)"),
    "cs60050-first": ("z^(1)", "z_1^(1)", "a^(1)", "a_1^(1)"),
    "ling3804": ("x", "x_1", "f", "f_1"),  # f_i(x_1, ..., x_I) of 6.2 and 6.6
}
OF_SOFTMAX = {"downing": ("Z", "z_1", "S", "s_1"), "dolhansky": ("s_o", "s_o1", "s", "s_1")}


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("function", [nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.Softmax()])
def test_a_function_alone_takes_sums_and_gives_activations(notation, function):
    """Downing: S = Softmax(Z) with J_Z^S; LING3804: f_i of x_1, ..., x_I."""
    softmax = isinstance(function, nn.Softmax)
    takes, x_1, gives, y_1 = OF_SOFTMAX.get(notation, ALONE[notation]) if softmax else ALONE[notation]
    state = [0.3, -1.8, -0.2, 0.4, 0.9]
    J = nn.layer_jacobian(function, state, of=gives, to=takes, notation=notation)
    assert (J.rows[0], J.columns[0], len(J.rows), len(J.columns)) == (y_1, x_1, 5, 5)
    assert J.entries == nn.layer_jacobian(function, state, of="outputs", to="inputs").entries
    below = "Sum" if takes == f"sum({gives})" else takes
    assert J.name == (f"J_{below}^{gives}" if notation == "downing" else f"∂{gives}/∂{takes}")
    if not isinstance(function, nn.ReLU):
        slope = {f"1 − {y_1}²", f"1 − ({y_1})²"} if isinstance(function, nn.Tanh) else {f"{y_1}(1 − {y_1})"}
        assert J.formulas[0].partition(" = ")[2] in slope
    run = nn.forward_pass(function, state, notation=notation)
    assert run[x_1].data == 0.3
    heading, heads, *rows = str(run).splitlines()
    assert (heading, heads.split()) == (f"Forward pass  from {takes} to {gives}", ["name", "value"])
    assert len(rows) == 10


MODEL = nn.MLP(2, [2, 2], "sigmoid", seed=1)


@pytest.mark.parametrize(
    ("notation", "typed"),
    [
        ("downing", {"V": "v", "W": "w", "Y": "y", "Z": "z", "X": "x", "R": "r", "S": "s", "y_1": "y1"}),
        ("lecture", {"W_1": "w1", "W_2": "w_2", "z_1": "z1", "a_2": "A_2", "b_1": "B1"}),
        ("lecture-first", {"W_2": "W2", "a_0": "a0"}),
        ("cs60050", {"Θ^(1)": "theta1", "Θ^(2)": "Theta2"}),
        ("cs60050-first", {"W^(1)": "w^(1)", "W^(2)": "w2", "b^(1)": "b1", "W^(L)": "w^L", "w_11^(1)": "W_11^(1)"}),
        ("ling3804", {"w": "W", "w′": "W'", "a′": "A'"}),
    ],
)
def test_capitals_and_marks_make_no_difference_where_one_thing_is_meant(notation, typed):
    run = nn.forward_pass(MODEL, X, 1.0, loss=lambda p, t: p[0] + p[1] - t, notation=notation)
    for name, other in typed.items():
        found, meant = run[other], run[name]
        assert found is meant or (type(found) is type(meant) and found.data == meant.data), other
    for name in set(typed) & {"V", "W", "W_1", "Θ^(1)", "W^(1)", "w"}:
        jacobians = [nn.weight_jacobian(MODEL, X, layer=layer, notation=notation) for layer in (name, typed[name])]
        assert jacobians[0].name == jacobians[1].name
        assert jacobians[0].entries == jacobians[1].entries


def test_a_name_that_may_be_two_things_is_neither():
    run = nn.forward_pass(nn.MLP(2, [1, 1], seed=1), [0.5, -1.0], notation="cs60050")
    with pytest.raises(ag.RangeError, match="expected one of"):
        run["Δ^(2)"]  # the sum of gradients is no error signal
    names = nn.forward_pass(nn.MLP(2, [2], seed=1), [0.5, -1.0], notation="lecture").names._replace(of={"one": "w_1", "two": "W1"})
    assert names.meant("W_1", ["one", "two"]) == "W_1"
    assert names.meant("W1", ["one", "two"]) == "two"


def test_weights_are_asked_for_by_the_sums_that_they_make_too():
    J = nn.weight_jacobian(MODEL, X, layer="z_1", notation="lecture")
    assert J.entries == nn.weight_jacobian(MODEL, X, layer="W_1", notation="lecture").entries
    with pytest.raises(ag.RangeError, match="the names of a text need its notation="):
        nn.weight_jacobian(MODEL, X, layer="V")


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(
    ("loss", "targets"),
    [(nn.sse, (0.25, [0.25, 1.0])), (nn.mse, (1, [0, 1])), (nn.binary_cross_entropy, (0.0, [1, 0.5]))],
    ids=["sse", "mse", "binary_cross_entropy"],
)
def test_a_loss_that_is_asked_for_by_its_letter_has_the_letters_of_its_targets(loss, targets, notation):
    """It has the value and the gradients of the loss with plain numbers, and derivations of it end in letters."""
    for units, target in zip((1, 2), targets, strict=True):
        model = nn.MLP(2, [2, units], "sigmoid", output="sigmoid", seed=1)
        run = nn.forward_pass(model, X, target, loss=loss, notation=notation)
        by_letter, letters = run[run.names.loss], [node.label for node in run._targets]
        assert (by_letter.data, by_letter.label) == (run.loss.data, run.loss.label)
        leaves = [*model.parameters(), *run.inputs]
        assert ag.grad_of(by_letter, leaves) == pytest.approx(ag.grad_of(run.loss, leaves), rel=1e-12)
        assert all(run[letter] in ag.topological_order(by_letter) for letter in letters)
        for layer in run.layers.values():
            for node in (layer[0].output, layer[0].weights[0]):
                lines = "".join(nn.derivation(by_letter, node, outputs=True).lines[:-1])
                assert all(re.search(rf"(?<!\w){re.escape(letter)}(?!\w)", lines) for letter in letters)
                assert nn.derivation(by_letter, node).value == pytest.approx(nn.derivation(run.loss, node).value)


def test_a_loss_that_takes_no_targets_with_letters_is_itself():
    """A target that was given as a node, a loss that refuses nodes, and one that makes something else of them."""
    model = nn.MLP(2, [1], output="sigmoid", seed=1)
    given = nn.forward_pass(model, X, ag.Value(1.0), loss=nn.sse, notation="downing")
    assert given["L"] is given.loss

    def picky(prediction, target):
        if isinstance(target, ag.Value):
            raise KeyError(target)
        return (prediction - target) ** 2

    other = nn.forward_pass(model, X, 1.0, loss=picky, notation="downing")
    assert other["L"] is other.loss
    wrong = nn.forward_pass(model, X, 1.0, loss=lambda p, t: (p - t) * (1 if t.__class__ is float else 2), notation="downing")
    assert wrong["L"] is wrong.loss


@pytest.mark.parametrize("target", [1, [0.0, 1.0, 0.0], [0.25, 0.5, 0.25]])
def test_a_loss_of_scores_by_its_letter_is_one_of_activations(target):
    """CS60050's δ^(L) = a^(L) − y, derived from −Σ y log a."""
    model = nn.MLP(2, [3], seed=1)
    run = nn.forward_pass(model, X, target, loss=nn.cross_entropy, notation="cs60050")
    assert run["cost"].data == pytest.approx(run.loss.data)
    found = nn.derivation(run["cost"], run["z_1^(2)"], outputs=True)
    assert found.result == "a_1^(2) − y_1"
    assert found.value == pytest.approx(ag.grad_of(run.loss, [run["z_1^(2)"]])[0])


def test_two_classes_by_a_score_likewise():
    loss, model = nn.binary_cross_entropy_with_logits, nn.MLP(2, [1], seed=1)
    run = nn.forward_pass(model, X, 1, loss=loss, notation="cs60050")
    found = nn.derivation(run["cost"], run["z_1^(2)"], outputs=True)
    assert (found.result, found.value) == ("a_1^(2) − y", pytest.approx(ag.grad_of(run.loss, [run["z_1^(2)"]])[0]))
    far = nn.forward_pass(model, [900.0, -900.0], 0.0, loss=loss, notation="cs60050")  # where the logarithm is clamped
    other = nn.forward_pass(model, [-900.0, 900.0], 0.0, loss=loss, notation="cs60050")
    assert far["cost"] is far.loss or other["cost"] is other.loss


def test_names_that_a_text_has_on_some_lines_only():
    """Dolhansky's w_1 to w_3 and x_i, CS60050's h_Θ(x) and f(x, θ), and a comma between indices."""
    path = nn.forward_pass(nn.MLP(1, [1, 1, 1], "sigmoid", bias=False, seed=1), [0.5], notation="dolhansky")
    assert [path[f"w_{k}"].label for k in (1, 2, 3)] == ["w_i→j", "w_j→k", "w_k→o"]
    branches = nn.forward_pass(nn.MLP(1, [1, 2, 1], "sigmoid", bias=False, seed=1), [0.5], notation="dolhansky")
    assert branches["x_i"] is branches["x_in"] is branches.inputs[0]
    with pytest.raises(ag.RangeError):
        branches["w_1"]
    model = model_of()
    second, first = (nn.forward_pass(model, X, notation=n) for n in ("cs60050", "cs60050-first"))
    assert list(second["h_Θ(x)"]) == list(second["a^(L)"]) == list(second.outputs)
    assert list(first["f(x, θ)"]) == list(first["a^(L)"]) == list(first.outputs)
    assert first["w_{1,2}^1"] is first["w_12^(1)"]
    lecture = nn.forward_pass(model, X, [0.25, 1.0], loss=nn.sse, notation="lecture")
    assert list(lecture["y^true"]) == list(lecture["y"]) == [lecture["y_1"], lecture["y_2"]]
    assert second["Θ_1,0^(1)"] is second["Θ_10^(1)"]


@pytest.mark.parametrize("outputs", [1, 2, 3])
@pytest.mark.parametrize("notation", [notation for notation, text in TEXTS.items() if not text.through])
def test_each_target_has_its_number_and_there_is_none_before_or_behind(notation, outputs):
    letter = TEXTS[notation].target
    model = nn.MLP(2, [2, outputs], "sigmoid", output="sigmoid", seed=1)
    run = nn.forward_pass(model, X, [0.25, 1.0, 0.5][:outputs], loss=nn.sse, notation=notation)
    assert [run[f"{letter}_{k}"].data for k in range(1, outputs + 1)] == [0.25, 1.0, 0.5][:outputs]
    for k in (0, outputs + 1):
        with pytest.raises(ag.RangeError):
            run[f"{letter}_{k}"]
