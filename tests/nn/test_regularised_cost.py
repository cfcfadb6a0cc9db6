"""J(Theta) of several outputs, its gradient D, Delta and delta, against arrays of this file's own."""

import functools

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn._src.notation.texts import NOTATIONS

EXACT = {"rel": 1e-12, "abs": 1e-14}
bce = functools.partial(nn.binary_cross_entropy, reduction="batchmean")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def data(K, n=5, nin=3, seed=0):
    draw = np.random.default_rng(seed)
    X, Y = draw.normal(size=(n, nin)), (draw.random(size=(n, K)) > 0.5).astype(float)
    model = nn.MLP(nin, [4, K], "sigmoid", output="sigmoid", bias_init=nn.init.uniform(-1.0, 1.0), seed=seed)
    return X, Y, model


def J(Thetas, X, Y, lam):
    a = X
    for Theta in Thetas:
        a = sigmoid(np.column_stack([np.ones(len(a)), a]) @ Theta.T)
    cross_entropy = -(Y * np.log(a) + (1 - Y) * np.log(1 - a)).sum() / len(X)
    return cross_entropy + lam / (2 * len(X)) * sum((Theta[:, 1:] ** 2).sum() for Theta in Thetas)


def slopes(Thetas, X, Y, lam):
    """The gradient of J by complex steps."""
    found = []
    for l, Theta in enumerate(Thetas):
        D = np.zeros_like(Theta)
        for place in np.ndindex(*Theta.shape):
            moved = [T.astype(complex) for T in Thetas]
            moved[l][place] += 1e-200j
            D[place] = J(moved, X, Y, lam).imag / 1e-200
        found.append(D)
    return found


@pytest.mark.parametrize("lam", [0.0, 0.7])
@pytest.mark.parametrize("K", [1, 2, 3])
def test_cost_and_gradient_for_any_number_of_outputs(K, lam):
    X, Y, model = data(K)
    Thetas = [np.array(layer.theta.data) for layer in model.layers]
    found = nn.cost(model, X, Y[:, 0] if K == 1 else Y, lam)
    assert pytest.approx(J(Thetas, X, Y, lam), **EXACT) == found.J
    assert found.data + found.penalty == found.J
    assert isinstance(found.J, float)
    for D, expected, Theta in zip(found.D, slopes(Thetas, X, Y, lam), Thetas, strict=True):
        assert D.dtype == np.float64
        assert D.shape == Theta.shape
        assert pytest.approx(expected, **EXACT) == D
    for theta, Theta in zip(found.theta, Thetas, strict=True):
        assert theta.tolist() == Theta.tolist()


@pytest.mark.parametrize("K", [1, 2, 3])
def test_delta_of_the_last_layer_is_a_less_y_in_every_case_and_goes_back_without_the_row_of_biases(K):
    X, Y, model = data(K, seed=1)
    Theta1, Theta2 = (np.array(layer.theta.data) for layer in model.layers)
    a2 = sigmoid(np.column_stack([np.ones(len(X)), X]) @ Theta1.T)
    a3 = sigmoid(np.column_stack([np.ones(len(X)), a2]) @ Theta2.T)
    found = nn.cost(model, X, Y, 0.3)
    delta3 = a3 - Y
    delta2 = (delta3 @ Theta2[:, 1:]) * a2 * (1 - a2)
    assert [d.shape for d in found.deltas] == [(5, 4), (5, K)]
    assert found.deltas[1] == pytest.approx(delta3, **EXACT)
    assert found.deltas[0] == pytest.approx(delta2, **EXACT)
    assert found.Delta[1] == pytest.approx(delta3.T @ np.column_stack([np.ones(len(X)), a2]), **EXACT)
    assert found.Delta[0] == pytest.approx(delta2.T @ np.column_stack([np.ones(len(X)), X]), **EXACT)


@pytest.mark.parametrize("compiled", [None, False])
@pytest.mark.parametrize("K", [1, 3])
def test_fit_steps_along_it(K, compiled):
    lam, rate = 0.9, 0.25
    X, Y, model = data(K)
    y = Y[:, 0] if K == 1 else Y
    expected, costs = [layer.theta.data for layer in model.layers], []
    for _ in range(3):
        Thetas = [np.array(T) for T in expected]
        costs.append(J(Thetas, X, Y, lam))
        expected = [T - rate * D for T, D in zip(Thetas, slopes(Thetas, X, Y, lam), strict=True)]
    history = nn.fit(
        model, X, y, loss=bce, l2=lam / (2 * len(X)), l2_biases=False, optimizer=nn.SGD(lr=rate), epochs=3,
        compiled=compiled, progress=False,
    )  # fmt: skip
    for layer, Theta in zip(model.layers, expected, strict=True):
        assert np.array(layer.theta.data) == pytest.approx(Theta, rel=1e-10)
    assert history.cost == pytest.approx(costs, rel=1e-10)
    assert history.cost == [a + b for a, b in zip(history.loss, history.penalty, strict=True)]
    assert len(history.accuracy) == 3  # the loss is known for one of classes, with its option too
    plain = nn.fit(model, X, y, loss=bce, optimizer=nn.SGD(lr=rate), epochs=2, compiled=compiled, progress=False)
    assert plain.penalty == []
    assert plain.cost == plain.loss


def test_the_mean_over_outputs_too_is_not_it():
    X, Y, model = data(3)
    mean = nn.binary_cross_entropy([model(x) for x in X.tolist()], Y.tolist()).data
    assert pytest.approx(3 * mean) == nn.cost(model, X, Y).J


def test_a_class_index_stands_for_one_hot_targets_and_another_loss_for_the_cross_entropy():
    X, _, model = data(3)
    classes = [0, 2, 1, 1, 0]
    assert nn.cost(model, X, classes, 0.5).J == nn.cost(model, X, nn.one_hot(classes), 0.5).J
    scores = nn.MLP(3, [4, 3], "tanh", seed=2)
    found = nn.cost(scores, X, classes, loss=nn.cross_entropy)
    probabilities = np.array([ag.softmax([v.data for v in scores(x)]) for x in X.tolist()])
    assert found.deltas[-1] == pytest.approx(probabilities - np.eye(3)[classes])
    assert pytest.approx(-np.log(probabilities[range(5), classes]).mean()) == found.J
    numbers = nn.cost(nn.Linear(weights=[[1.0, 2.0]], bias=False), [[1.0, 1.0]], [[1.0]], 2.0, loss=nn.sse)
    assert numbers.D[0].tolist() == [[2.0 + 2.0, 2.0 + 4.0]]  # without biases all columns are penalised
    assert numbers.J == 2.0 + 5.0


def test_it_shows_itself_and_refuses_what_makes_no_sense():
    X, Y, model = data(2)
    found = nn.cost(model, X, Y, 1.0)
    heading, head, *rows = str(found).split("\n\n")[0].splitlines()
    assert heading.startswith("J(Θ) = ")
    assert head.split() == ["layer", "Θ", "‖Δ‖", "‖λ/n", "·", "Θ‖", "‖D‖"]
    assert [row.split()[0] for row in rows] == ["layer1", "layer2"]
    assert "<table" in found._repr_html_()
    with pytest.raises(ag.RangeError, match="cost: lam: expected a number in"):
        nn.cost(model, X, Y, -1.0)
    with pytest.raises(ag.StructureError, match="cost: expected one target per row"):
        nn.cost(model, X, Y[:2])
    with pytest.raises(ag.RangeError, match=r"expected predictions in \[0, 1\]"):
        nn.cost(nn.MLP(3, [2], output="softplus", init=nn.init.constant(9.0)), X, Y)
    with pytest.raises(ag.OperandError, match="cost: loss: expected a function"):
        nn.cost(model, X, Y, loss="mse")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [[1], [2], [3, 1], [3, 2]])
def test_weighted_sums_are_no_probabilities(sizes, bias):
    """Also where they happen to be in [0, 1]: a forgotten `loss=` is told."""
    X, Y = [[0.5, 0.25, 1.0]], [[0.0] * sizes[-1]]
    model = nn.MLP(3, sizes, "sigmoid", bias=bias, init=nn.init.constant(0.1))
    outputs = model(X[0])
    assert all(0 < y.data < 1 for y in (outputs if sizes[-1] > 1 else [outputs]))
    with pytest.raises(ag.RangeError, match="the last layer is linear.*loss=nn.sse for numbers"):
        nn.cost(model, X, Y)
    assert nn.cost(model, X, Y, loss=nn.sse).J > 0


def test_the_forward_numbers_of_every_case_and_the_matrices_are_shown():
    X, Y, model = data(2)
    found = nn.cost(model, X, Y, 0.5, notation="cs60050")
    a = X
    for z, activation, layer in zip(found.sums, found.activations, model.layers, strict=True):
        expected = np.column_stack([np.ones(len(a)), a]) @ np.array(layer.theta.data).T
        assert z == pytest.approx(expected, **EXACT)
        assert activation == pytest.approx(sigmoid(expected), **EXACT)
        a = activation
    assert found.names == ["Θ^(1)", "Θ^(2)"]
    _, *blocks = str(found).split("\n\n")
    assert [block.split()[:3] for block in blocks] == [["D", "of", "Θ^(1)"], ["D", "of", "Θ^(2)"]]
    for block, D in zip(blocks, found.D, strict=True):
        rows = [line.replace("−", "-").split()[1:] for line in block.splitlines()[1:]]
        assert np.array(rows, float) == pytest.approx(D, rel=1e-3)
    assert "D of Θ^(2)" in found._repr_html_()
    assert len(str(nn.cost(nn.MLP(20, [1], "sigmoid", output="sigmoid"), [[0.1] * 20], [1.0])).split("\n\n")) == 1


def ways_of_one_case(model, x, y, loss):
    """The loss of one case and the signals of its outputs, by each function that looks at one case."""
    signals = nn.error_signals(model, x, y, loss=loss)
    yield signals.run.loss.data, signals["layer2"]
    steps = nn.backward_pass(model, x, y, loss=loss)
    yield steps.loss, steps.derivatives[1].entries[0]
    yield nn.forward_pass(model, x, y, loss=loss).loss.data, signals["layer2"]
    found = nn.cost(model, [x], [y], loss=loss)
    yield found.J, found.deltas[-1][0]
    chain = nn.chain(model, x, y, loss=loss, to="sum(layer2)")
    yield chain.run.loss.data, chain.result.entries[0]
    J = nn.layer_jacobian(model, x, of="loss", to="sum(layer2)", target=y, loss=loss)
    yield signals.run.loss.data, J.entries[0]


@pytest.mark.parametrize("K", [1, 2, 3])
@pytest.mark.parametrize("loss", ["sse", "mse", "l1_loss", "huber_loss", "hinge", "binary_cross_entropy"])
def test_several_outputs_of_one_case_are_not_taken_for_cases(loss, K):
    X, Y, model = data(K)
    function = getattr(nn, loss)
    target = (2 * Y[0] - 1 if loss == "hinge" else Y[0]).tolist()
    total = functools.partial(function, reduction="sum")
    kinds = [functools.partial(function, reduction="batchmean"), lambda p, t: function(p, t, reduction="batchmean")]
    expected = list(ways_of_one_case(model, X[0], target, total))
    for kind in kinds:
        for (value, signal), (right, expected_signal) in zip(
            ways_of_one_case(model, X[0], target, kind), expected, strict=True
        ):
            assert value == pytest.approx(right, **EXACT)
            assert signal == pytest.approx(expected_signal, **EXACT)
    assert function([[0.2, 0.4]], [[1.0, 1.0]], reduction="batchmean") == pytest.approx(
        function([0.2, 0.4], [1.0, 1.0], reduction="sum")
    )
    assert 2 * function([0.2, 0.4], [1.0, 1.0], reduction="batchmean") == pytest.approx(
        function([0.2, 0.4], [1.0, 1.0], reduction="sum")
    )  # two cases, when called by oneself


MEANS = ["mse", "l1_loss", "huber_loss", "hinge", "binary_cross_entropy", "binary_cross_entropy_with_logits"]


@pytest.mark.parametrize("name", MEANS)
def test_a_mean_over_outputs_is_that_of_each_case_and_of_probabilities_has_to_say_so(name):
    """Downing's L(c) is a mean over the outputs, and J(Θ) a sum: with the cross-entropy nobody gets a third unawares."""
    X, Y, model = data(3)
    Y = 2 * Y - 1 if name == "hinge" else Y
    loss = getattr(nn, name)
    mean, total = (nn.cost(model, X, Y, loss=functools.partial(loss, reduction=r)).J for r in ("mean", "batchmean"))
    assert 3 * mean == pytest.approx(total)
    if name.startswith("binary"):
        with pytest.raises(ag.RangeError, match=rf"cost: loss: .* 3 outputs .* nn\.{name} is their mean: .* functools\.partial"):
            nn.cost(model, X, Y, loss=loss)
    else:
        found = nn.cost(model, X, Y, loss=loss)
        assert found.J == pytest.approx(mean) == pytest.approx(loss([model(x) for x in X], Y).data)  # what fit descends
        assert "1/(nK)" in str(found.formula) or name not in ("mse",)
    X, Y, model = data(1)
    assert nn.cost(model, X, 2 * Y - 1 if name == "hinge" else Y, loss=loss).J > 0  # one output: no difference


LOSSES = {
    "mse": (nn.mse, lambda p, t: (p - t) ** 2, None),
    "l1": (nn.l1_loss, lambda p, t: np.abs(p - t), None),
    "huber": (nn.huber_loss, lambda p, t: np.where(np.abs(p - t) <= 1, (p - t) ** 2 / 2, np.abs(p - t) - 0.5), None),
    "hinge": (nn.hinge, lambda p, t: np.maximum(0, 1 - p * t), "sign"),
    "bce": (nn.binary_cross_entropy, lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p)), "unit"),
    "bce logits": (nn.binary_cross_entropy_with_logits, lambda z, t: np.logaddexp(0, z) - t * z, "class"),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(4, 3), (4,), (4, 2, 3), (1, 3)])
def test_reductions(name, shape):
    loss, terms, kind = LOSSES[name]
    draw = np.random.default_rng(7)
    p, t = 2 * draw.normal(size=shape), draw.normal(size=shape)
    if kind == "sign":
        t = np.sign(t)
    elif kind:
        t = (t > 0).astype(float)
        p = sigmoid(p) if kind == "unit" else p
    each = terms(p, t)
    assert loss(p, t) == loss(p, t, reduction="mean") == pytest.approx(each.mean(), **EXACT)
    assert loss(p, t, reduction="sum") == pytest.approx(each.sum(), **EXACT)
    assert loss(p, t, reduction="batchmean") == pytest.approx(each.sum() / shape[0], **EXACT)
    with pytest.raises(ag.RangeError, match="reduction: expected 'mean', 'sum', 'batchmean', got 'none'"):
        loss(p, t, reduction="none")


def test_reductions_of_losses_by_case_and_of_half_the_sum_of_squares():
    scores, classes = np.random.default_rng(8).normal(size=(4, 3)), [0, 2, 1, 1]
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    each = -logs[range(4), classes]
    for loss, given in ((nn.cross_entropy, scores), (nn.nll_loss, logs)):
        assert loss(given, classes, reduction="sum") == pytest.approx(each.sum(), **EXACT)
        assert loss(given, classes, reduction="batchmean") == loss(given, classes) == pytest.approx(each.mean(), **EXACT)
        with pytest.raises(ag.RangeError, match="reduction: expected"):
            loss(given, classes, reduction="average")
    squares = 0.5 * scores**2
    assert nn.sse(scores, 0 * scores) == pytest.approx(squares.sum(), **EXACT)
    assert nn.sse(scores, 0 * scores, reduction="batchmean") == pytest.approx(squares.sum() / 4, **EXACT)
    assert nn.sse(scores, 0 * scores, reduction="mean") == pytest.approx(squares.mean(), **EXACT)
    assert nn.mse(3.0, 1.0, reduction="batchmean") == 4.0  # one case


def test_the_gradient_of_a_sum_is_that_of_the_mean_times_the_number_of_terms():
    p = [[ag.Value(0.2), ag.Value(0.7)], [ag.Value(0.4), ag.Value(0.1)]]
    leaves = [v for row in p for v in row]
    mean, total, batch = (
        np.array(ag.grad_of(nn.binary_cross_entropy(p, [[0, 1], [1, 1]], reduction=r), leaves))
        for r in ("mean", "sum", "batchmean")
    )
    assert total == pytest.approx(4 * mean)
    assert batch == pytest.approx(2 * mean)


def test_a_heading_counts_cases_and_has_no_letters_of_another_text():
    model = nn.MLP(2, [1], "sigmoid", output="sigmoid", seed=1)
    one, two = [[0.5, -1.0]], [[0.5, -1.0], [1.0, 2.0]]
    assert " 1 case, λ = 0, " in str(nn.cost(model, one, [1.0]))
    assert " 2 cases, λ = 0, " in str(nn.cost(model, two, [1.0, 0.0]))
    his = str(nn.cost(model, one, [1.0], notation="dolhansky"))
    assert "mean over N = 1 case, ∂E/∂w = 1/N · Σ δ z\n" in his
    assert not {"Θ", "Δ", "D"} & set(his)


HEADINGS = {  # by text: its letter for the weights, the derivative of one case to them, and of the batch
    "downing": "∂L/∂w = Σ δ o + λ · w",
    "downing-first": "∂E/∂w = Σ δ o + λ · w",
    "dolhansky": "∂E/∂w = 1/N · Σ δ z + λ/N · w",
    "lecture": "∂f/∂W = 1/N · Σ ∂f/∂z · aᵀ + λ/N · W",
    "lecture-first": "∂ℓ/∂W = 1/N · Σ g aᵀ + λ/N · W",  # δ is a small change there
    "cs60050-first": "∂J(θ)/∂W = 1/n · Σ ∂L/∂z · aᵀ + λ/n · W",
    "cs60050": "D = Δ/n + λ/n · Θ without biases",
    "ling3804": "∂error/∂w = 1/N · Σ eᵀ aᵀ + λ/N · w",
}


@pytest.mark.parametrize("notation", HEADINGS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.usefixtures("unbroken")
def test_matrices_are_those_of_the_text_with_its_letters(notation, bias):
    """Downing: "one numeric, 3 x 2 matrix per case", rows from X, columns to Y; in others rows are what weights lead to."""
    model = nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", bias=bias, seed=1)
    X, Y = [[0.5, -1.0, 2.0], [1.0, 0.2, -0.3]], [0.9, 0.1]
    batch = nn.cost(model, X, Y, 0.3, loss=nn.sse, notation=notation)
    assert str(batch).splitlines()[0].endswith(HEADINGS[notation])
    run = nn.forward_pass(model, X[0], notation=notation)
    from_to = run.names.order == "from_to"
    for k, (layer, name) in enumerate(zip(run.layers, batch.names, strict=True)):
        weights = np.array([[w.data for w in row] for row in run[run.names(f"weights of {layer}")]])
        own = int(bias and notation != "cs60050")  # biases are a row or column in front, where the text has none there
        without = {name: (m[own:] if from_to else m[:, own:]) for name, m in vars_of(batch, k).items()}
        assert np.allclose(without["theta"], weights)
        one = [nn.error_signals(model, x, y, loss=nn.sse, notation=notation) for x, y in zip(X, Y, strict=True)]
        assert np.allclose(without["Delta"], sum(np.array(signals.weight_gradient(layer)) for signals in one))
        drawn = weights.copy()
        if notation == "cs60050" and bias:
            drawn[:, 0] = 0.0
        n = 1 if notation.startswith("downing") else len(X)
        assert np.allclose(without["D"], without["Delta"] / n + 0.3 / n * drawn)
        rows = [line.split()[0] for line in str(batch).split("\n\n")[1 + k].splitlines()[1:]]
        assert len(rows) == batch.D[k].shape[0]
        assert f"{batch.D[k].shape[0]} x {batch.D[k].shape[1]}" in str(batch).splitlines()[2 + k]
        assert rows[-1] == run.names(run.ends["inputs" if k == 0 else "layer1"].labels[-1] if from_to else f"{layer}/neuron{len(rows) - 1}")
        assert name in str(batch)
    steps = [float(-x) for D in reversed(batch.D) for x in np.ravel(np.roll(D.T if from_to else D, -own, axis=1))]
    assert batch.updates.numbers == pytest.approx(steps)


def vars_of(batch, k):
    return {name: getattr(batch, name)[k] for name in ("theta", "Delta", "D")}


@pytest.mark.parametrize("bias", [True, False])
def test_a_matrix_with_a_column_of_biases_is_not_called_by_the_name_of_one_without(bias):
    model = nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", bias=bias, seed=1)
    first = nn.cost(model, [[0.5, -1.0]], [1.0], notation="cs60050-first")
    signals = nn.error_signals(model, [0.5, -1.0], 1.0, loss=nn.binary_cross_entropy, notation="cs60050-first")
    for name, D, weights in zip(first.names, first.D, ("W^(1)", "W^(2)"), strict=True):
        assert name == (f"(b, {weights})" if bias else weights)
        assert np.allclose(D[:, int(bias) :], signals.weight_gradient(weights))
    assert nn.cost(model, [[0.5, -1.0]], [1.0], notation="cs60050").names == ["Θ^(1)", "Θ^(2)"]


# --- as a formula ------------------------------------------------------------------------------------

PENALTY = " + λ/(2n) · Σ_l Σ_i Σ_j (Θ_ji^(l))²"
MEANS = {  # by loss: the first half of J(Θ) with K outputs, and with one
    "binary_cross_entropy": (
        "−1/n · Σ_i Σ_k (y_ik log (h_Θ(x_i))_k + (1 − y_ik) log(1 − (h_Θ(x_i))_k))",
        "−1/n · Σ_i (y_i log(h_Θ(x_i)) + (1 − y_i) log(1 − h_Θ(x_i)))",
    ),
    "sse": ("1/(2n) · Σ_i Σ_k ((h_Θ(x_i))_k − y_ik)²", "1/(2n) · Σ_i (h_Θ(x_i) − y_i)²"),
    "mse": ("1/(nK) · Σ_i Σ_k ((h_Θ(x_i))_k − y_ik)²", "1/n · Σ_i (h_Θ(x_i) − y_i)²"),
}


@pytest.mark.parametrize("notation", [None, "cs60050"])
@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("lam", [0.0, 0.8])
@pytest.mark.parametrize("name", MEANS)
@pytest.mark.usefixtures("unbroken")
def test_j_of_theta_is_printed_as_the_slides_have_it(name, lam, K, notation):
    """J(Θ) = −1/n ΣΣ (y_ik log h_k + (1 − y_ik) log(1 − h_k)) + λ/2n ΣΣΣ Θ²; each formula beside its number."""
    X, Y, model = data(K)
    options = {} if name == "binary_cross_entropy" else {"loss": functools.partial(getattr(nn, name))}
    if name == "mse":
        options = {"loss": functools.partial(nn.mse, reduction="mean")}
    found = nn.cost(model, X, Y if K > 1 else Y[:, 0], lam, notation=notation, **options)
    assert found.formula == [f"J(Θ) = {MEANS[name][K == 1]}{PENALTY * bool(lam)}"]
    assert found.formula.numbers == [found.J]
    beside = str(found.formula).removeprefix(found.formula[0]).strip()
    parts = [float(x) for x in beside.strip("= ").replace(" = ", " + ").split(" + ")]
    assert parts == pytest.approx([found.data, found.penalty, found.J] if lam else [found.J], rel=1e-3)
    # By numbers, as the formula says it: K outputs h, n cases.
    h = found.activations[-1]
    Y = np.reshape(Y, h.shape)
    terms = -(Y * np.log(h) + (1 - Y) * np.log(1 - h)) if name == "binary_cross_entropy" else (h - Y) ** 2
    below = len(X) * (2 if name == "sse" else K if name == "mse" else 1)
    squares = sum((theta[:, 1:] ** 2).sum() for theta in found.theta)
    assert pytest.approx(terms.sum() / below + lam / (2 * len(X)) * squares, **EXACT) == found.J


def test_j_of_theta_as_latex():
    X, Y, model = data(3)
    tex = nn.cost(model, X, Y, 0.8, notation="cs60050").formula.latex
    assert r"J(\Theta) &= -\frac{1}{n} \, \sum_{i=1}^{n} \sum_{k=1}^{K} \left(y_{ik} \log \left(h_{\Theta}(x_{i})\right)_{k}" in tex
    assert r"+ \frac{\lambda}{2n} \, \sum_{l=1}^{L-1} \sum_{i=1}^{s_{l}} \sum_{j=1}^{s_{l+1}} \left(\Theta_{ji}^{(l)}\right)^{2}" in tex


@pytest.mark.parametrize("notation", [None, "cs60050", "cs60050-first"])
def test_the_letter_is_small_where_the_text_has_a_vector_of_parameters(notation):
    """As CS60050 has for logistic regression, and for all networks in its first half."""
    models = (nn.Neuron(2, "sigmoid"), nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", seed=1))
    found = [nn.cost(model, [[0.5, -1.0]], [1.0], lam=0.5, notation=notation) for model in models]
    for cost, small in zip(found, (notation is not None, notation == "cs60050-first"), strict=True):
        letter = "J(θ)" if small else "J(Θ)"
        assert str(cost).startswith(f"{letter} = ")
        assert cost.formula[0].startswith(f"{letter} = ")
        assert cost[letter] == cost.J


def test_the_cost_of_other_texts_is_a_sum_of_what_they_have_for_a_case():
    X, Y, model = data(1)
    of = {
        notation: nn.cost(model, X, Y[:, 0], loss=nn.sse, notation=notation).formula
        for notation in ("dolhansky", "downing", "downing-first", "lecture", "cs60050-first", "ling3804")
    }
    assert {notation: formula[0] for notation, formula in of.items()} == {
        "dolhansky": "E = 1/N · Σ_(y_i) ½ (ŷ_i − y_i)²",
        "downing": "L = Σ_(c_k∈M) ½ (z_1 − t)²",
        "downing-first": "E = Σ_(d∈D) ½ (o_8d − t_8d)²",
        "lecture": "f = 1/N · Σ_cases ½ (a_3,1 − y)²",
        "cs60050-first": "J(θ) = 1/n · Σ_i ½ (a_1^(2) − y)²",
        "ling3804": "error = 1/N · Σ_cases ½ (a″_1 − y)²",
    }
    total = 0.5 * sum((p - y[0]) ** 2 for p, y in zip(nn.predict(model, X), Y, strict=True))
    for notation, formula in of.items():
        assert formula.numbers == pytest.approx([total if notation.startswith("downing") else total / len(X)])
    classes = nn.MLP(3, [4, 3], "sigmoid", seed=0)
    by_class = nn.cost(classes, X, [0, 2, 1, 0, 2], 0.8, loss=nn.cross_entropy, notation="dolhansky").formula[0]
    assert by_class.startswith("E = −1/N · Σ_(y_i) (y_i,1 log(ŷ_o1^(y_i)) + y_i,2 log(")
    assert by_class.endswith(" + λ/(2N) · Σ_w w²")
    own = nn.cost(model, X, Y[:, 0], loss=lambda p, t: (p - t) ** 4).formula
    assert own == ["J(Θ) = 1/n · Σ_i cost(x_i)"]


def test_matrices_go_by_the_names_of_the_text():
    """D^(1) is the first of `.D`, and rows of δ^(4) and a^(4) are the cases."""
    model = nn.MLP(2, [3, 3, 2], "sigmoid", output="sigmoid", seed=1)
    cases, targets = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    found = nn.cost(model, cases, targets, lam=0.1, notation="cs60050")
    assert found["J"] == found["J(Θ)"] == found["J(Theta)"] == found.J
    for k in range(3):
        for names, own in (
            (("D^({0})", "D^{0}"), found.D[k]), (("Δ^({0})", "Delta^({0})"), found.Delta[k]),
            (("Θ^({0})", "Theta^{0}"), found.theta[k]),
        ):  # fmt: skip
            assert all(found[name.format(k + 1)] is own for name in names)
        for names, own in (
            (("δ^({0})", "delta^{0}"), found.deltas[k]), (("z^({0})",), found.sums[k]), (("a^({0})",), found.activations[k]),
        ):  # fmt: skip
            assert all(found[name.format(k + 2)] is own for name in names)
    assert (found["D_12^(1)"], found["Delta_10^2"]) == (found.D[0][0, 2], found.Delta[1][0, 0])
    assert found["D^(L-1)"] is found.D[2]
    assert found["δ^(L)"] is found.deltas[2]
    assert found["a^(L)"] is found["h_Θ(x)"] is found.activations[2]
    one = nn.cost(nn.Layer(2, 1, "sigmoid", seed=1), cases, [1.0, 0.0, 1.0], notation="cs60050")
    assert (one["D"] is one.D[0], one["Δ"] is one.Delta[0], one["θ"] is one.theta[0]) == (True, True, True)
    scores = nn.cost(nn.MLP(2, [2], seed=1), cases, [1, 0, 1], loss=nn.cross_entropy, notation="cs60050")
    assert scores["z^(2)"] is scores.sums[0]
    for wrong in ("D^(4)", "a^(9)", 3, None):
        with pytest.raises(ag.RangeError, match=r"cost\(...\)\[name\]: expected one of J, "):
            found[wrong]
    with pytest.raises(ag.RangeError, match="a\\^\\(2\\)"):
        scores["a^(2)"]  # softmax is within the loss
    assert nn.cost(model, cases, targets)["J"] > 0


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("notation", NOTATIONS)
def test_derivatives_of_the_cost_go_by_the_texts_names(notation, bias):
    """Those with respect to a weight, and a bias, and to all weights of a layer: what backward() gives over all cases."""
    model = nn.MLP(2, [3, 2], "sigmoid", output="sigmoid", bias=bias, bias_init=nn.init.uniform(), seed=1)
    cases, targets = [[0.5, 1.0], [1.0, -0.25], [1.0, 1.0]], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.5]]
    found = nn.cost(model, cases, targets, loss=nn.sse, notation=notation)
    nn.forward_pass(model, cases[0], targets[0], loss=nn.sse, notation=notation)  # parameters have the text's labels
    total = sum(nn.sse(model(x), t) for x, t in zip(cases, targets, strict=True))
    slopes = ag.grad_of(total if found.reduction == "sum" else total / 3, model.parameters())
    for parameter, slope in zip(model.parameters(), slopes, strict=True):
        for letter in (found.letter, "J"):
            assert found[f"∂{letter}/∂{parameter.label}"] == pytest.approx(slope)
            assert found[f"d{letter}/d{parameter.label}"] == found[f"∂{letter}/∂{parameter.label}"]
    for weights, D in zip(found.names, found.D, strict=True):
        assert found[f"∂{found.letter}/∂{weights}"] is D
    for wrong in (f"∂{found.letter}/∂q", f"∂{found.letter}/∂x", f"∂q/∂{model.parameters()[0].label}"):
        with pytest.raises(ag.RangeError, match="expected one of J, "):
            found[wrong]
