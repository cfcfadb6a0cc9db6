"""Error signals: Dolhansky's three cases, his recursion on any graph, the number of paths; claims 1 and 2 of the lecture."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
import nn
from nn._src.notation.texts import NOTATIONS
from nn._src.support.tables import broken

CLOSE = {"rel": 1e-12, "abs": 1e-15}  # a few roundings


def sigmoid(s):
    return 1 / (1 + math.exp(-s))


def slope(s):
    return sigmoid(s) * (1 - sigmoid(s))


# --- B1: the three cases -------------------------------------------------------------------------------
# Each: E of the weights as this library computes it, and the document's last lines as functions of the same
# numbers, with m the functions of `math` or of SymPy.


def error_of(y_hat, y):
    return nn.sse(y_hat, y)


def case1(w_ij, w_jk, w_ko, x, y, sig=ag.sigmoid):
    """One path."""
    return error_of(w_ko * sig(w_jk * sig(w_ij * x)), y)


def case1_by_hand(m, w_ij, w_jk, w_ko, x, y):
    def sig(s):
        return 1 / (1 + m.exp(-s))

    s_j = w_ij * x
    z_j = sig(s_j)
    s_k = w_jk * z_j
    z_k = sig(s_k)
    y_hat = w_ko * z_k
    return [
        (y_hat - y) * w_ko * (sig(s_k) * (1 - sig(s_k))) * w_jk * (sig(s_j) * (1 - sig(s_j))) * x,
        (y_hat - y) * w_ko * (sig(s_k) * (1 - sig(s_k)) * z_j),
        (y_hat - y) * z_k,
    ]


def case2(w_ik, w_jk, w_ko, x_i, x_j, y, sig=ag.sigmoid):
    """A unit with two inputs; z_i and z_j come from units whose weights are 1."""
    z_i, z_j = sig(x_i), sig(x_j)
    return error_of(w_ko * sig(ag.dot([w_ik, w_jk], [z_i, z_j])), y)


def case2_by_hand(m, w_ik, w_jk, w_ko, x_i, x_j, y):
    def sig(s):
        return 1 / (1 + m.exp(-s))

    z_i, z_j = sig(x_i), sig(x_j)
    s_k = z_i * w_ik + z_j * w_jk
    y_hat = w_ko * sig(s_k)
    back = (y_hat - y) * (sig(s_k) * (1 - sig(s_k)) * w_ko)
    return [back * z_i, back * z_j, (y_hat - y) * sig(s_k)]


def case3(w_in, w_ij, w_ik, w_jo, w_ko, x, y, sig=ag.sigmoid):
    """A unit with two outputs."""
    z_i = sig(w_in * x)
    return error_of(ag.dot([w_jo, w_ko], [sig(w_ij * z_i), sig(w_ik * z_i)]), y)


def case3_by_hand(m, w_in, w_ij, w_ik, w_jo, w_ko, x, y):
    def sig(s):
        return 1 / (1 + m.exp(-s))

    def d(s):
        return sig(s) * (1 - sig(s))

    s_i = w_in * x
    z_i = sig(s_i)
    s_j, s_k = z_i * w_ij, z_i * w_ik
    delta_o = w_jo * sig(s_j) + w_ko * sig(s_k) - y
    delta_j, delta_k = delta_o * w_jo * d(s_j), delta_o * w_ko * d(s_k)
    return [
        delta_o * (w_jo * d(s_j) * w_ij * d(s_i) + w_ko * d(s_k) * w_ik * d(s_i)) * x,
        delta_j * z_i,
        delta_k * z_i,
        delta_o * sig(s_j),
        delta_o * sig(s_k),
    ]


CASES = [
    pytest.param(case1, case1_by_hand, [0.7, -1.2, 1.5, 0.8, 0.3], 3, id="one path"),
    pytest.param(case2, case2_by_hand, [0.7, -1.2, 1.5, 0.8, -0.4, 0.3], 3, id="many inputs"),
    pytest.param(case3, case3_by_hand, [0.7, -1.2, 0.4, 1.5, -0.6, 0.8, 0.3], 5, id="many outputs"),
]


@pytest.mark.parametrize(("case", "by_hand", "numbers", "n"), CASES)
def test_the_three_cases_numerically(case, by_hand, numbers, n):
    gradient = ag.grad(case, argnums=tuple(range(n)))(*numbers)
    assert gradient == pytest.approx(by_hand(math, *numbers), **CLOSE)
    leaves = [ag.Value(x) for x in numbers]
    case(*leaves).backward()
    assert [leaf.grad for leaf in leaves[:n]] == pytest.approx(by_hand(math, *numbers), **CLOSE)


@pytest.mark.parametrize(("case", "by_hand", "numbers", "n"), CASES)
def test_the_three_cases_symbolically(case, by_hand, numbers, n):
    """The gradients that the library's rules give, as SymPy expressions, are the document's last lines."""
    sympy = pytest.importorskip("sympy")
    pytest.importorskip("llvmlite")

    def sig(s):
        return 1 / (1 + ag.exp(-s))  # as the document has it; `ag.sigmoid` has a case for either sign

    symbols, _, grads = ag.compile(lambda *args: case(*args, sig), *numbers).to_sympy()
    for ours, printed in zip(grads[:n], by_hand(sympy, *symbols), strict=True):
        assert sympy.cancel(ours - printed) == 0


def test_a_unit_of_many_outputs_sums_over_two_paths():
    numbers = [ag.Value(x) for x in [0.7, -1.2, 0.4, 1.5, -0.6, 0.8, 0.3]]
    e = case3(*numbers)
    y_hat = ag.topological_order(e)
    y_hat = next(node for node in y_hat if node.op == "dot" and len(node.parents) == 4)
    assert ag.count_paths(y_hat, numbers[0]) == 2
    by_paths = [path.product for path in ag.paths(y_hat, numbers[0])]
    [total] = ag.grad_of(y_hat, [numbers[0]])
    assert math.fsum(by_paths) == pytest.approx(total, **CLOSE)


# --- B2: error signals ---------------------------------------------------------------------------------


def test_error_signals_of_the_one_path_network():
    """delta_o = y_hat - y, delta_k = delta_o w_ko sigma'(s_k), delta_j = delta_k w_jk sigma'(s_j)."""
    model = nn.MLP(1, [1, 1, 1], "sigmoid", seed=4)
    (w_ij,), (w_jk,), (w_ko,) = ([w.data for w in layer.neurons[0].w] for layer in model.layers)
    x, y = 0.8, 0.3
    s_j = w_ij * x
    s_k = w_jk * sigmoid(s_j)
    y_hat = w_ko * sigmoid(s_k)
    signals = nn.error_signals(model, [x], y, loss=nn.sse)
    delta_o = y_hat - y
    delta_k = delta_o * w_ko * slope(s_k)
    delta_j = delta_k * w_jk * slope(s_j)
    expected = {"layer1": [delta_j], "layer2": [delta_k], "layer3": [delta_o]}
    assert {name: signals[name] for name in signals.layers} == {k: pytest.approx(v, **CLOSE) for k, v in expected.items()}
    assert signals["layer2/neuron0"] == signals["layer2"][0]
    # and the weight updates they give: delta times what came in
    assert signals.weight_gradient("layer3") == [[pytest.approx(delta_o * sigmoid(s_k), **CLOSE)]]
    assert signals.weight_gradient("layer1") == [[pytest.approx(delta_j * x, **CLOSE)]]


class ManyOutputs(nn.Module):
    """The network of his section on multiple outputs, unit by unit."""

    def __init__(self):
        self.i, self.j, self.k = (nn.Neuron(1, "sigmoid", seed=s) for s in (1, 2, 3))
        self.o = nn.Neuron(2, None, seed=4)

    def forward(self, x):
        z = self.i(x)
        return self.o([self.j([z]), self.k([z])])


def test_error_signals_of_the_network_with_many_outputs():
    model = ManyOutputs()
    x, y = 0.8, 0.3
    w_in, w_ij, w_ik = model.i.w[0].data, model.j.w[0].data, model.k.w[0].data
    w_jo, w_ko = (w.data for w in model.o.w)
    s_i = w_in * x
    s_j, s_k = w_ij * sigmoid(s_i), w_ik * sigmoid(s_i)
    delta_o = w_jo * sigmoid(s_j) + w_ko * sigmoid(s_k) - y
    delta_k, delta_j = delta_o * w_ko * slope(s_k), delta_o * w_jo * slope(s_j)
    delta_i = slope(s_i) * (delta_k * w_ik + delta_j * w_ij)
    signals = nn.error_signals(model, [x], y, loss=nn.sse)
    for name, expected in {"o": delta_o, "k": delta_k, "j": delta_j, "i": delta_i}.items():
        assert signals[name] == [pytest.approx(expected, **CLOSE)]
        [unit] = signals.layers[name]
        assert unit.recursive == pytest.approx(expected, **CLOSE)
    assert signals.layers["i"][0].arriving == pytest.approx(delta_k * w_ik + delta_j * w_ij, **CLOSE)
    assert signals.layers["i"][0].slope == pytest.approx(slope(s_i), **CLOSE)


def test_error_signals_can_be_read_off_any_graph_by_backward():
    """s of every unit is a node; after backward() its .grad is delta, whatever the names."""
    model = ManyOutputs()
    signals = nn.error_signals(model, [0.8], 0.3, loss=nn.sse)
    assert all(p.grad == 0.0 for p in model.parameters())
    signals.run.loss.backward()
    for name, units in signals.run.layers.items():
        assert [unit.sum.grad for unit in units] == signals[name]


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    activation=st.sampled_from(["sigmoid", "tanh", "relu", "gelu", "linear"]),
    loss=st.sampled_from([nn.sse, nn.mse, nn.huber_loss]),
    seed=st.integers(0, 10**6),
)
@examples(40)
def test_the_recursion_is_backward_on_random_networks(sizes, activation, loss, seed):
    """delta_j = f'(s_j) sum_k w_kj delta_k, each factor from the model's own weights."""
    model = nn.MLP(2, sizes, activation, seed=seed)
    signals = nn.error_signals(model, [0.5, -0.75], [0.25] * sizes[-1], loss=loss)
    for units in signals.layers.values():
        for unit in units:
            assert unit.recursive == pytest.approx(unit.delta, rel=1e-10, abs=1e-14)
    for here, after in zip(model.layers, model.layers[1:], strict=False):
        name, following = (f"layer{model.layers.index(layer) + 1}" for layer in (here, after))
        for j, unit in enumerate(signals.layers[name]):
            arriving = math.fsum(n.w[j].data * delta for n, delta in zip(after.neurons, signals[following], strict=True))
            assert unit.delta == pytest.approx(unit.slope * arriving, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize(
    ("after", "target", "is_activation"),
    [
        (nn.Softmax(), [1.0, 0.0, 0.0], True),
        (lambda y: ag.softmax(y), [1.0, 0.0, 0.0], True),
        (lambda y: ag.softmax([*y, y[0] * 2]), [1.0, 0.0, 0.0, 0.0], False),
        (lambda y: [2 * p for p in ag.softmax(y)], [1.0, 0.0, 0.0], True),
    ],
    ids=["module", "function", "of one more", "and then something else"],
)
def test_a_softmax_right_after_the_last_layer_is_its_activation(after, target, is_activation):
    """The column of activations has its outputs then, and otherwise the sums."""
    signals = nn.error_signals(nn.Sequential(nn.Linear(2, 3, seed=0), after), [1.0, 2.0], target, loss=nn.sse)
    rows = [line.split() for line in str(signals).splitlines()[-3:]]
    sums = [unit.sum for unit in signals.layers["layer1"]]
    expected = [p.data for p in ag.softmax(list(map(ag.Value, sums)))] if is_activation else sums
    assert [float(row[2].replace("−", "-")) for row in rows] == pytest.approx(expected, rel=1e-3)


def test_error_signals_through_softmax_and_in_units_beside():
    model = nn.Sequential(nn.Linear(2, 3, seed=0), nn.Tanh(), nn.Linear(3, 2, bias=False, seed=1), nn.Softmax())
    signals = nn.error_signals(model, [1.0, -1.0], [0.0, 1.0], loss=nn.mse)
    for units in signals.layers.values():
        for unit in units:
            assert unit.recursive == pytest.approx(unit.delta, **CLOSE)
    p = [y.data for y in signals.run.outputs]
    assert sum(signals["layer2"]) == pytest.approx(0.0, abs=1e-15)  # a softmax moves along the simplex
    expected = [p[k] * ((p[k] - t) - math.fsum(q * (q - u) for q, u in zip(p, [0.0, 1.0], strict=True))) for k, t in enumerate([0.0, 1.0])]
    assert signals["layer2"] == pytest.approx(expected, **CLOSE)
    around = nn.error_signals(Skipping(), [1.0], 0.0, loss=nn.sse)
    assert [u.recursive for us in around.layers.values() for u in us] == pytest.approx([u.delta for us in around.layers.values() for u in us], **CLOSE)


class Skipping(nn.Module):
    """What comes out of the first unit also goes around the second, and into a product."""

    def __init__(self):
        self.a, self.b = nn.Neuron(1, "tanh", seed=0), nn.Neuron(1, "sigmoid", seed=1)

    def forward(self, x):
        z = self.a(x)
        return self.b([z]) * z + z


def test_the_loss_may_be_the_output_itself():
    signals = nn.error_signals(nn.MLP(1, [1], init=nn.init.constant(2.0)), [3.0], None, loss=lambda p, t: p)
    [unit] = signals.layers["layer1"]
    assert (unit.arriving, unit.slope, unit.delta, unit.recursive) == (1.0, 1.0, 1.0, 1.0)


def test_error_signals_as_a_table_with_norms():
    model = nn.MLP(1, [1, 1], "sigmoid", init=nn.init.constant(1.0))
    signals = nn.error_signals(model, [0.0], 1.0, loss=nn.sse)
    assert str(signals).splitlines()[-1].split() == ["layer2/neuron0", "0.5", "0.5", "1", "−0.5", "−0.5"]
    assert repr(signals) == str(signals)
    assert "<td" in signals._repr_html_()
    assert signals.norms == {"layer1": 0.125, "layer2": 0.5}


def test_what_has_no_error_signal():
    model = nn.MLP(1, [1, 1], "sigmoid", seed=0)
    with pytest.raises(ag.StructureError, match="expected a loss such as nn.sse, got None"):
        nn.error_signals(model, [0.0], 1.0, loss=None)
    signals = nn.error_signals(model, [0.0], 1.0, loss=nn.sse)
    with pytest.raises(ag.RangeError, match="expected one of layer1, layer2, layer1/neuron0, layer2/neuron0, got 'neuron0'"):
        signals["neuron0"]
    with pytest.raises(ag.RangeError, match="expected one of layer1, layer2, got 3"):
        signals.weight_gradient(3)


# --- B3: how many paths ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "depth"), [(2, 1), (3, 4), (10, 12), (16, 30)])
def test_the_number_of_paths_is_exponential_and_counted_exactly(width, depth):
    """A fully connected network has width^depth paths from one input to its output."""
    model = nn.MLP(2, [width] * depth + [1], "tanh", seed=0)
    x = [ag.Value(0.5), ag.Value(-0.5)]
    assert ag.count_paths(model(x), x[0]) == width**depth


def test_backward_is_linear_work_while_paths_explode():
    """One product per edge: twice the layers is twice the edges, and the square of the paths."""

    def edges_and_paths(depth):
        x = [ag.Value(0.5) for _ in range(8)]
        y = nn.MLP(8, [8] * depth + [1], "tanh", seed=0)(x)
        products = sum(len(step.products) for step in ag.backward_steps(y))
        assert products == sum(len(node.parents) for node in ag.topological_order(y)), "one product per edge"
        return products, ag.count_paths(y, x[0])

    edges, paths = zip(*(edges_and_paths(depth) for depth in (4, 8, 16)), strict=True)
    assert paths == (8**4, 8**8, 8**16)
    assert edges[2] - edges[1] == 2 * (edges[1] - edges[0])  # linear in the depth, exactly


def test_backward_through_more_paths_than_could_be_walked():
    """16^30 paths; backward() walks none of them."""
    model = nn.MLP(2, [16] * 30 + [1], "tanh", seed=0)
    x = ag.Value(0.5)
    loss = nn.mse(model([x, -0.5]), 1.0)
    loss.backward()
    assert ag.count_paths(loss, x) == 16**30
    assert math.isfinite(x.grad)
    assert x.grad != 0


# --- L2: claims 1 and 2 ----------------------------------------------------------------------------------


def test_claim_1_and_claim_2_layer_by_layer():
    """df/dW_i = df/dz_i a_i^T and df/dz_i = (W_{i+1}^T df/dz_{i+1}) elementwise times b'(z_i); W[to][from]."""
    rng = np.random.default_rng(5)
    model = nn.MLP(3, [4, 2, 2], "tanh", seed=2)
    x, t = rng.normal(size=3), rng.normal(size=2)
    signals = nn.error_signals(model, x, t, loss=nn.mse)
    signals.run.loss.backward()
    W = [np.array([[w.data for w in neuron.w] for neuron in layer.neurons]) for layer in model.layers]
    a = [x]
    z = []
    for k, w in enumerate(W):
        z.append(w @ a[-1])
        a.append(np.tanh(z[-1]) if k < 2 else z[-1])
    g = 2 / 2 * (a[-1] - t)  # mse over two outputs
    for k in (2, 1, 0):
        if k < 2:
            g = (W[k + 1].T @ g) * (1 - np.tanh(z[k]) ** 2)
        name = f"layer{k + 1}"
        assert np.array(signals[name]) == pytest.approx(g, **CLOSE)
        claimed = np.outer(g, a[k])
        assert np.array(signals.weight_gradient(name)) == pytest.approx(claimed, **CLOSE)
        assert np.array([[w.grad for w in neuron.w] for neuron in model.layers[k].neurons]) == pytest.approx(claimed, **CLOSE)
        assert [neuron.b.grad for neuron in model.layers[k].neurons] == pytest.approx(g, **CLOSE)


@pytest.mark.parametrize(
    ("model", "loss", "message"),
    [
        (nn.MLP(2, [1]), "mse", r"forward_pass: loss: expected a function of a prediction and its target .*got 'mse' \(str\)"),
        (lambda x: x, nn.mse, "forward_pass: expected a Module, got <function"),
    ],
)
def test_what_is_no_model_or_no_loss_is_named(model, loss, message):
    with pytest.raises(ag.OperandError, match=message):
        nn.error_signals(model, [1.0, 2.0], 0.0, loss=loss)
    with pytest.raises(ag.OperandError, match=message):
        nn.chain(model, [1.0, 2.0], 0.0, loss=loss)


SIGNS = {
    None: ("δ", "δ = ∂E/∂s, at the weighted sum s"),
    "downing": ("δ", "δ = ∂L/∂sum, at the weighted sum sum"),
    "downing-first": ("δ", "δ = ∂E_d/∂sum, at the weighted sum sum"),
    "dolhansky": ("δ", "δ = ∂E/∂s, at the weighted sum s"),
    "lecture": ("∂f/∂z", "∂f/∂z, at the weighted sum z"),
    "lecture-first": ("g", "g = ∂ℓ/∂z, at the weighted sum z"),
    "cs60050": ("δ", "δ = ∂cost/∂z, at the weighted sum z"),
    "cs60050-first": ("∂L/∂z", "∂L/∂z, at the weighted sum z"),
    "ling3804": ("e", "e = ∂error/∂x, at the weighted sum x"),
}


@pytest.mark.parametrize("notation", SIGNS)
def test_signals_are_drawn_on_the_network(notation):
    model = nn.MLP(2, [2, 1], "sigmoid", seed=1)
    signals = nn.error_signals(model, [1.0, 0.5], 1.0, loss=nn.sse, notation=notation)
    svg = signals.draw(title="XOR").svg
    for unit in (unit for layer in signals.layers.values() for unit in layer):
        letter, delta = SIGNS[notation][0], f"{unit.delta:.3g}".replace("-", "−")
        assert f">{letter} {delta}</text>" in svg if len(letter) == 1 else f">{letter}</text>" in svg
        assert f" = {delta}</title>" in svg
    assert f"error signals {SIGNS[notation][1]} of each unit" in svg
    assert "not computed" not in svg  # every gradient is there
    assert ">XOR</text>" in svg


@pytest.mark.parametrize(
    ("notation", "written"),
    [(None, "f′"), ("downing", "f′"), ("lecture", "b′"), ("cs60050", "g′"), ("downing-first", "f_T′")],
)
def test_slopes_and_jacobians_are_drawn_on_the_network(notation, written):
    model = nn.MLP(2, [3, 1], "tanh", output="sigmoid", seed=3)
    signals = nn.error_signals(model, [1.0, -1.0], 1.0, loss=nn.sse, notation=notation)
    slopes = signals.draw("slopes")
    assert f"slopes {written}(" in slopes.svg
    marks = slopes._frame.look.overlay.marks
    for layer in signals.run.layers.values():
        for unit in layer:
            assert marks[unit.output].text.startswith(f"{written} ")
    levels = {signal.slope: marks[unit.output].level for signal, unit in zip(
        signals._units(), [unit for layer in signals.run.layers.values() for unit in layer]
    )}  # fmt: skip
    assert [levels[d] for d in sorted(levels)] == sorted(levels.values(), reverse=True)
    picture = signals.draw("jacobians")
    graph = picture._view.graph
    weights = model.layers[1].weight.data
    [card] = [card for card in picture._frame.scene.cards.values() if card.kind == "fold" and len(card.ports) == 3]
    slope = signals.layers["layer2"][0].slope
    for port, w in zip(card.ports, weights[0], strict=True):
        assert float(port.chip[1:].replace("−", "-")) == pytest.approx(slope * w, rel=1e-3)
        assert port.node in {graph.index[unit.output] for unit in signals.run.layers["layer1"]}
    with pytest.raises(ag.RangeError, match="'signals', 'slopes', 'jacobians'"):
        signals.draw("slope")


@pytest.mark.parametrize("cases", [[[1.0, -2.0]], [[1.0, -2.0], [0.5, 1.5]], np.array([[1.0, -2.0], [0.5, 1.5], [0.0, 1.0]])])
def test_a_list_of_cases_is_told_from_one(cases):
    model, targets = nn.MLP(2, [2], "sigmoid", seed=0), [[0.9, 0.1]] * len(cases)
    calls = [
        lambda: nn.error_signals(model, cases, targets, loss=nn.sse),
        lambda: nn.forward_pass(model, cases),
        lambda: nn.layer_jacobian(model, cases, of="layer1", to="inputs"),
        lambda: nn.weight_jacobian(model, cases, layer="layer1"),
        lambda: nn.chain(model, cases, targets, loss=nn.sse),
    ]
    for call in calls:
        with pytest.raises(ag.StructureError, match=rf"expected one case.* got a list of {len(cases)} case.*nn\.cost"):
            call()
    assert nn.cost(model, cases, targets, loss=nn.sse).J > 0  # which takes them
    assert nn.error_signals(model, cases[0], targets[0], loss=nn.sse)["layer1"]
    with pytest.raises(ag.StructureError) as error:  # a vector of another length is no list of cases
        nn.forward_pass(model, [1.0, 2.0, 3.0])
    assert "nn.cost" not in str(error.value)


@pytest.mark.parametrize(
    ("notation", "letter"), [("cs60050", "Θ"), ("lecture", "W"), ("ling3804", "w"), ("downing", "w"), ("dolhansky", "w"), (None, "w")]
)
def test_units_of_bundled_edges_have_the_entries_of_their_rows(notation, letter):
    model = nn.MLP(3, [4, 4, 3], "sigmoid", output="sigmoid", seed=1)
    case, target = [1.0, 0.5, -1.0], [0.0, 1.0, 0.0]
    signals = nn.error_signals(model, case, target, loss=nn.binary_cross_entropy, notation=notation)
    picture = signals.draw("jacobians")
    overlay = picture._frame.look.overlay
    index = {"downing": "jk", "dolhansky": "j→k"}.get(notation, "kj")
    assert f"{letter}_{index}" in overlay.title
    assert f">{index}</tspan>" in picture.svg  # an index, without its underscore
    for k, units in enumerate(signals.run.layers.values(), 1):
        rows = nn.layer_jacobian(model, case, of=k, to=k - 1).matrix
        for unit, row in zip(units, rows, strict=True):
            said = overlay.marks[unit.output].title.rpartition(": ")[2].replace("−", "-")
            assert [float(entry) for entry in said.split(", ")] == pytest.approx(list(row), rel=1e-3)


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
def test_a_single_unit_has_its_table_in_every_notation(notation):
    """The smallest network there is, with and without a bias."""
    for bias in (True, False):
        signals = nn.error_signals(nn.MLP(1, [1], "sigmoid", bias=bias, seed=1), [0.5], 1.0, loss=nn.sse, notation=notation)
        assert len(str(signals).splitlines()) == len(broken(signals._heading())) + 2
        assert len(signals.formulas) == 1
        for show in ("signals", "slopes", "jacobians"):
            assert "<svg" in signals.draw(show=show).svg


@pytest.mark.parametrize("count", [1, 3, 4, 5, 7])
@pytest.mark.usefixtures("unbroken")
def test_four_outputs_that_are_their_sums_are_named_and_more_are_hinted_at(count):
    model = nn.MLP(2, [count], "linear", seed=1)
    head = str(nn.error_signals(model, [0.1, 0.2], [0.5] * count, loss=nn.sse, notation="downing")).splitlines()[0]
    said = head.partition("which the loss gives")[2]
    assert said == "".join(f"; sum(z_{k}) = z_{k}" for k in range(1, min(count, 4) + 1)) + "; ..." * (count > 4)
