"""The update formulas of the lecture texts, written out by hand, against what gradients, `SGD` and `fit` do.

Weights are indexed as each document has it: Downing's and CS60050's w[i][j] leads from unit j to unit i, Dolhansky's
w_{i -> j} from i to j.
"""

import functools
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn

NUMBERS = st.floats(-2.0, 2.0)
CASES = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=n, max_size=n),
        st.lists(st.floats(0.0, 1.0), min_size=n, max_size=n),
    )
)
EXACT = {"rel": 1e-12, "abs": 1e-14}
RNG = np.random.default_rng(1)
X = RNG.uniform(-1, 1, (6, 3)).tolist()
T = RNG.uniform(0.1, 0.9, 6).tolist()


@pytest.fixture(params=[False, True], ids=["graphs", "programs"])
def compiled(request):
    if request.param:
        pytest.importorskip("llvmlite")
    return request.param


def sigmoid(s):
    return 1.0 / (1.0 + math.exp(-s))


def unit(activation, w, b=0.0):
    neuron = nn.Neuron(len(w), activation)
    for p, value in zip(neuron.w, w, strict=True):
        p.data = value
    neuron.b.data = b
    return neuron


def orders(n, epochs, seed):
    """The order of cases in each epoch: each epoch shuffles the one before."""
    rng, order = random.Random(seed), list(range(n))
    for _ in range(epochs):
        rng.shuffle(order)
        yield list(order)


# --- Downing: the delta rule ----------------------------------------------------------------------


@given(cases=CASES, w=st.lists(NUMBERS, min_size=3, max_size=3))
def test_delta_rule_of_an_identity_unit(cases, w):
    """dE/dw_j = - sum over d of (t - o) x_j, for E = 1/2 sum (t - o)^2."""
    rows, targets = cases
    neuron = unit("linear", w)
    nn.sse([neuron(x) for x in rows], targets).backward()
    outputs = [sum(a * b for a, b in zip(w, x, strict=True)) for x in rows]
    for j in range(3):
        formula = -math.fsum((t - o) * x[j] for x, t, o in zip(rows, targets, outputs, strict=True))
        assert neuron.w[j].grad == pytest.approx(formula, rel=1e-9, abs=1e-12)


@given(cases=CASES, w=st.lists(NUMBERS, min_size=3, max_size=3))
def test_delta_rule_of_a_sigmoid_unit(cases, w):
    """dE/dw_j = - sum over d of (t - o) o (1 - o) x_j."""
    rows, targets = cases
    neuron = unit("sigmoid", w)
    nn.sse([neuron(x) for x in rows], targets).backward()
    outputs = [sigmoid(sum(a * b for a, b in zip(w, x, strict=True))) for x in rows]
    for j in range(3):
        formula = -math.fsum((t - o) * o * (1 - o) * x[j] for x, t, o in zip(rows, targets, outputs, strict=True))
        assert neuron.w[j].grad == pytest.approx(formula, rel=1e-9, abs=1e-12)


@given(s=st.floats(-30.0, 30.0))
def test_slopes_of_identity_and_sigmoid_as_derived(s):
    """f = identity has slope 1; the sigmoid e^-s / (1 + e^-s)^2, which is o (1 - o)."""
    assert ag.grad(lambda x: x)(s) == 1.0
    o, slope = sigmoid(s), ag.grad(ag.sigmoid)(s)
    assert slope == pytest.approx(math.exp(-s) / (1 + math.exp(-s)) ** 2, rel=1e-9)
    assert slope == pytest.approx(o * (1 - o), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("activation", ["linear", "sigmoid"])
@pytest.mark.parametrize("x", [0.5, -0.5])
@pytest.mark.parametrize("t", [0.0, 1.0])
def test_widrow_hoff_intuition(activation, x, t):
    """If delta = t - o > 0, w grows where x is positive and shrinks where x is negative; the reverse for delta < 0."""
    neuron = unit(activation, [0.2], 0.4)
    delta = t - neuron([x]).data
    nn.fit(neuron, [[x]], [t], loss=nn.sse, optimizer=nn.SGD([neuron.w[0]], lr=0.1), epochs=1, progress=False)
    assert math.copysign(1, neuron.w[0].data - 0.2) == math.copysign(1, delta * x)
    assert abs(t - neuron([x]).data) < abs(delta)


def one_update(outputs_of, w, rows, targets, eta):
    """Delta w_j = eta * sum (t - o) f'(sum) x_j, b being the weight of an input that is 1."""
    outputs = [outputs_of(sum(a * c for a, c in zip(w, [*x, 1.0], strict=True))) for x in rows]
    slope = (lambda o: o * (1 - o)) if outputs_of is sigmoid else (lambda o: 1.0)
    return [
        wj + eta * math.fsum((t - o) * slope(o) * [*x, 1.0][j] for x, t, o in zip(rows, targets, outputs, strict=True))
        for j, wj in enumerate(w)
    ]


KINDS = [("batch", None), ("incremental", 1), ("minibatch", 4)]


@pytest.mark.parametrize(("kind", "size"), KINDS)
@pytest.mark.parametrize(("activation", "f"), [("linear", lambda s: s), ("sigmoid", sigmoid)])
def test_batch_incremental_and_minibatch_updates(kind, size, activation, f, compiled):
    """Delta w = eta sum (t - o) o (1 - o) x over all cases, over one, over a few; cases in a new order every epoch."""
    eta, epochs, seed = 0.2, 5, 11
    w = [0.3, -0.2, 0.5, 0.1]
    neuron = unit(activation, w[:3], w[3])
    nn.fit(
        neuron, X, T, loss=nn.sse, optimizer=nn.SGD(lr=eta), epochs=epochs, batch_size=size, seed=seed, compiled=compiled,
        progress=False,
    )  # fmt: skip
    step = size or len(X)
    for order in orders(len(X), epochs, seed):
        for start in range(0, len(X), step):
            chosen = order[start : start + step]
            w = one_update(f, w, [X[i] for i in chosen], [T[i] for i in chosen], eta)
    assert [p.data for p in neuron.parameters()] == pytest.approx(w, **EXACT)


def test_incremental_updates_see_each_case_once_an_epoch_in_another_order():
    all_orders = list(orders(6, 50, 3))
    assert all(sorted(order) == list(range(6)) for order in all_orders)
    assert len({tuple(order) for order in all_orders}) > 40


def test_the_batch_update_is_the_sum_of_single_updates_from_the_same_weights():
    """"The weight changes are computed after each case, but w is not updated until the epoch's end"."""
    w, eta = [0.3, -0.2, 0.5, 0.1], 0.2
    changes = [np.subtract(one_update(sigmoid, w, [x], [t], eta), w) for x, t in zip(X, T, strict=True)]
    neuron = unit("sigmoid", w[:3], w[3])
    nn.fit(neuron, X, T, loss=nn.sse, optimizer=nn.SGD(lr=eta), epochs=1, progress=False)
    assert [p.data for p in neuron.parameters()] == pytest.approx(np.add(w, sum(changes)), **EXACT)


# --- Dolhansky: a minibatch through a network ------------------------------------------------------


def test_minibatch_update_by_error_signals(compiled):
    """Delta w_{i -> j} = - eta / N * sum delta_j z_i, with delta_j = f'(s_j) sum delta_k w_{j -> k}."""
    model = nn.MLP(3, [4, 1], "sigmoid", seed=2)
    W = np.array([[p.data for p in n.w] for n in model.layers[0].neurons]).T  # W[i, j] leads from input i to unit j
    b = np.array([n.b.data for n in model.layers[0].neurons])
    v = np.array([p.data for p in model.layers[1].neurons[0].w])  # v[j] leads from unit j to the output
    c = model.layers[1].neurons[0].b.data
    eta, seed, size = 0.3, 5, 4
    loss = lambda p, t: nn.sse(p, t) / len(t)
    nn.fit(
        model, X, T, loss=loss, optimizer=nn.SGD(lr=eta), epochs=3, batch_size=size, seed=seed, compiled=compiled,
        progress=False,
    )  # fmt: skip
    x, y = np.array(X), np.array(T)
    for order in orders(len(X), 3, seed):
        for start in range(0, len(X), size):
            at = order[start : start + size]
            N, z0 = len(at), x[at]
            z = 1 / (1 + np.exp(-(z0 @ W + b)))  # step 1: forward, record s and z
            y_hat = z @ v + c  # a linear output
            delta_o = y_hat - y[at]  # step 2: error signals
            delta = z * (1 - z) * np.outer(delta_o, v)
            v, c = v - eta / N * delta_o @ z, c - eta / N * delta_o.sum()  # step 3: weights
            W, b = W - eta / N * z0.T @ delta, b - eta / N * delta.sum(axis=0)
    found = [[p.data for p in n.w] for n in model.layers[0].neurons]
    assert pytest.approx(W, **EXACT) == np.array(found).T
    assert [n.b.data for n in model.layers[0].neurons] == pytest.approx(b, **EXACT)
    assert [p.data for p in model.layers[1].neurons[0].w] == pytest.approx(v, **EXACT)
    assert model.layers[1].neurons[0].b.data == pytest.approx(c, **EXACT)


# --- CS60050: outputs and losses -------------------------------------------------------------------


@given(zs=st.lists(st.floats(-20, 20), min_size=2, max_size=6), data=st.data())
def test_softmax_with_cross_entropy_has_delta_a_minus_y(zs, data):
    """- sum over i of 1[i = c] log y_i, for K classes; dL/dz = a - y."""
    c = data.draw(st.integers(0, len(zs) - 1))
    leaves = [ag.Value(z) for z in zs]
    loss = nn.cross_entropy([leaves], [c])
    loss.backward()
    a = nn.Softmax()(zs)
    assert loss.data == pytest.approx(-math.log(a[c]), rel=1e-9, abs=1e-9)
    for i, z in enumerate(leaves):
        assert z.grad == pytest.approx(a[i] - (i == c), rel=1e-9, abs=1e-12)


@given(z=st.floats(-20, 20), y=st.sampled_from([0, 1]))
def test_sigmoid_with_binary_cross_entropy_has_delta_a_minus_y(z, y):
    for loss, last in ((nn.binary_cross_entropy, nn.Sigmoid()), (nn.binary_cross_entropy_with_logits, lambda z: z)):
        leaf = ag.Value(z)
        loss([last(leaf)], [y]).backward()
        assert leaf.grad == pytest.approx(sigmoid(z) - y, rel=1e-7, abs=1e-10)


@pytest.mark.parametrize(
    ("out", "last", "loss", "targets"),
    [
        (3, None, nn.cross_entropy, [0, 1, 2, 0, 1, 2]),
        (3, nn.LogSoftmax, nn.nll_loss, [0, 1, 2, 0, 1, 2]),
        (1, nn.Sigmoid, nn.binary_cross_entropy, [0, 1, 1, 0, 1, 0]),
        (1, None, nn.binary_cross_entropy_with_logits, [0, 1, 1, 0, 1, 0]),
        (1, None, nn.mse, T),
    ],
    ids=["softmax", "log-softmax", "sigmoid", "logits", "linear"],
)
def test_outputs_for_classes_for_two_classes_and_for_regression(out, last, loss, targets, compiled):
    """Softmax for many classes, sigmoid for two, linear for regression: each learns its cases by heart."""
    model = nn.MLP(3, [8, out], "tanh", seed=1)
    model = nn.Sequential(model, last()) if last else model
    history = nn.fit(
        model, X, targets, loss=loss, optimizer=nn.Adam(lr=0.05), epochs=150, seed=1, compiled=compiled, progress=False
    )
    assert history.loss[-1] < 0.05 * history.loss[0]
    assert not history.accuracy or history.accuracy[-1] == 1.0


# --- CS60050: the regularised cost, bias excluded --------------------------------------------------

Y2 = [[1, 0], [0, 1], [0, 1], [1, 0], [0, 1], [1, 1]]  # two sigmoid outputs per case


cost = functools.partial(nn.binary_cross_entropy, reduction="batchmean")  # a sum over outputs, a mean over cases


def regularised_network():
    model = nn.Sequential(nn.MLP(3, [4, 2], "sigmoid", seed=3), nn.Sigmoid())
    for p in model.parameters():
        p.data += 0.1  # or all biases were 0
    return model


def thetas(model):
    """Theta^(l) with the bias in column 0, as the document has it."""
    return [np.array([[n.b.data, *(p.data for p in n.w)] for n in layer.neurons]) for layer in model[0].layers]


def parameters_of(Thetas):
    """In the order of `Module.parameters()`: weights, then the bias of each neuron."""
    return [x for Theta in Thetas for row in Theta for x in (*row[1:], row[0])]


def gradient_by_algorithm(Thetas, x, y, lam, *, printed=False):
    """Delta accumulated over cases, then D: 1/n Delta + lambda/n Theta for j != 0, else 1/n Delta."""
    n, Deltas = len(x), [np.zeros_like(Theta) for Theta in Thetas]
    for xi, yi in zip(x, y, strict=True):
        a = [np.array([1.0, *xi])]
        for l, Theta in enumerate(Thetas):
            z = Theta @ a[-1]
            g = 1 / (1 + np.exp(-z))
            a.append(np.array([1.0, *g]) if l < len(Thetas) - 1 else g)
        delta = a[-1] - np.array(yi)
        for l in reversed(range(len(Thetas))):
            Deltas[l] += np.outer(delta, a[l])
            if l:
                delta = ((Thetas[l].T @ delta) * a[l] * (1 - a[l]))[1:]
    penalty = [np.hstack([np.zeros((len(Theta), 1)), Theta[:, 1:]]) for Theta in Thetas]
    return [Delta / n + lam * (P if printed else P / n) for Delta, P in zip(Deltas, penalty, strict=True)]


def J(Thetas, x, y, lam):
    h = np.array(x)
    for Theta in Thetas:
        h = 1 / (1 + np.exp(-(h @ Theta[:, 1:].T + Theta[:, 0])))
    y, n = np.array(y), len(x)
    data = -(y * np.log(h) + (1 - y) * np.log(1 - h)).sum() / n
    return data + lam / (2 * n) * sum((Theta[:, 1:] ** 2).sum() for Theta in Thetas)


def test_regularised_cost_and_its_gradient_leave_biases_out():
    """J(Theta) and D; the D that is printed, with lambda Theta for lambda/n Theta, is no gradient of J."""
    lam, model = 0.7, regularised_network()
    Thetas = thetas(model)
    weights = [p for name, p in model.named_parameters() if not name.endswith(".b")]
    value = cost([model(x) for x in X], Y2) + lam / (2 * len(X)) * ag.dot(weights, weights)
    value.backward()
    assert value.data == pytest.approx(J(Thetas, X, Y2, lam), **EXACT)
    found = [p.grad for p in model.parameters()]
    assert found == pytest.approx(parameters_of(gradient_by_algorithm(Thetas, X, Y2, lam)), **EXACT)
    printed = parameters_of(gradient_by_algorithm(Thetas, X, Y2, lam, printed=True))
    assert max(abs(a - b) for a, b in zip(found, printed, strict=True)) > 0.1
    step = 1e-6
    for l, i, j in ((0, 0, 0), (0, 2, 3), (1, 1, 2)):  # and by differences of J itself
        up, down = ([t.copy() for t in Thetas] for _ in range(2))
        up[l][i, j] += step
        down[l][i, j] -= step
        slope = (J(up, X, Y2, lam) - J(down, X, Y2, lam)) / (2 * step)
        assert gradient_by_algorithm(Thetas, X, Y2, lam)[l][i, j] == pytest.approx(slope, rel=1e-6)


def test_fit_descends_the_regularised_cost(compiled):
    """Theta <- Theta - alpha D, epoch by epoch: `l2 = lambda / 2n` and `l2_biases=False`."""
    lam, alpha, epochs, model = 0.7, 0.5, 20, regularised_network()
    Thetas = thetas(model)
    history = nn.fit(
        model, X, Y2, loss=cost, l2=lam / (2 * len(X)), l2_biases=False, optimizer=nn.SGD(lr=alpha), epochs=epochs,
        compiled=compiled, progress=False,
    )  # fmt: skip
    for epoch in range(epochs):
        assert history.loss[epoch] == pytest.approx(J(Thetas, X, Y2, 0.0), rel=1e-11)
        Ds = gradient_by_algorithm(Thetas, X, Y2, lam)
        Thetas = [Theta - alpha * D for Theta, D in zip(Thetas, Ds, strict=True)]
    assert [p.data for p in model.parameters()] == pytest.approx(parameters_of(Thetas), rel=1e-10, abs=1e-12)


def test_l2_penalises_biases_unless_told_otherwise(compiled):
    for with_biases in (True, False):
        model = nn.Neuron(1, "linear", init=nn.init.constant(1.0))
        model.b.data = 2.0
        nn.fit(
            model, [[0.0]], [2.0], loss=nn.sse, l2=0.25, l2_biases=with_biases, optimizer=nn.SGD(lr=0.1), epochs=2,
            compiled=compiled, progress=False,
        )  # fmt: skip
        assert model.w[0].data == pytest.approx(0.95 * 0.95, **EXACT)
        assert (model.b.data < 2.0) is with_biases


@pytest.mark.parametrize("make", [lambda: nn.RNN(1, 1, seed=1), lambda: nn.LSTM(1, 1, seed=1), lambda: nn.Conv1d(1, 1, 1, seed=1), lambda: nn.Linear(1, 1, seed=1)])
def test_biases_of_every_layer_are_known_as_such(make):
    model = make()
    for p in model.parameters():
        p.data, p.grad = 1.0, 0.0
    nn.SGD(model, lr=0.1, weight_decay=1.0, decay_biases=False).step()
    for name, p in model.named_parameters():
        assert p.data == (1.0 if "bias" in name else 0.9), name


def test_the_printed_cost_without_its_minus_has_the_error_the_other_way_round():
    """cost = y log h + (1 - y) log(1 - h), as printed beside delta, gives y - a; delta = a - y needs the minus."""
    for y in (0.0, 1.0):
        printed = ag.grad(lambda z: y * ag.log(ag.sigmoid(z)) + (1 - y) * ag.log(1 - ag.sigmoid(z)))
        mended = ag.grad(lambda z: -(y * ag.log(ag.sigmoid(z)) + (1 - y) * ag.log(1 - ag.sigmoid(z))))
        assert printed(0.3) == pytest.approx(y - sigmoid(0.3))
        assert mended(0.3) == pytest.approx(sigmoid(0.3) - y)


# --- CS60050: Algorithms 1, 2 and 8.1 --------------------------------------------------------------


def descend(theta, order_of_batches, rate):
    """while stopping criteria not met: g <- 1/m grad sum L(f(x; theta), y); theta <- theta - rate * g."""
    model = nn.MLP(3, [2, 1], "tanh", seed=4)

    def f(params, x):
        for p, q in zip(model.layers, ((params[0:8]), params[8:]), strict=True):
            width = len(p.neurons[0].w)
            x = [ag.dot(q[k * (width + 1) : k * (width + 1) + width], x) + q[k * (width + 1) + width] for k in range(len(p.neurons))]
            x = [ag.tanh(z) for z in x] if p is model.layers[0] else x[0]
        return x

    for k, at in enumerate(order_of_batches):
        g = ag.grad(lambda th: ag.sum([(f(th, X[i]) - T[i]) ** 2 for i in at]) / len(at))(theta)
        theta = [p - rate(k) * gk for p, gk in zip(theta, g, strict=True)]
    return theta


@pytest.mark.parametrize(("name", "size"), [("1: batch", 6), ("2: stochastic", 1), ("8.1: minibatch", 4)])
def test_gradient_descent_as_the_algorithms_have_it(name, size, compiled):
    """Batch, stochastic and minibatch descent with a rate epsilon_k that changes from step to step."""
    model, seed, epochs = nn.MLP(3, [2, 1], "tanh", seed=4), 9, 3
    start = [p.data for p in model.parameters()]
    rate = nn.schedules.exponential(0.2, 0.9)
    nn.fit(
        model, X, T, loss=nn.mse, optimizer=nn.SGD(lr=rate), epochs=epochs, batch_size=size, seed=seed, compiled=compiled,
        progress=False,
    )  # fmt: skip
    batches = [order[k : k + size] for order in orders(6, epochs, seed) for k in range(0, 6, size)]
    assert [p.data for p in model.parameters()] == pytest.approx(descend(start, batches, rate), rel=1e-11, abs=1e-13)


# --- every error comes before anything changes ------------------------------------------------------


class Bare(nn.Module):
    def forward(self, x):
        return ag.Value(x[0]) * 1.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: nn.fit(m, [[1.0]], [2], loss=nn.binary_cross_entropy_with_logits), ag.RangeError, r"targets in \[0, 1\], got 2"),
        (lambda m: nn.fit(m, [[1.0]], [0], loss=nn.hinge), ag.RangeError, "targets -1 or 1, got 0"),
        (lambda m: nn.fit(nn.Sequential(m, lambda z: [z, -z]), [[1.0]], [2], loss=nn.cross_entropy), ag.RangeError, "one of 2 classes, 0 to 1, got 2"),
        (lambda m: nn.fit(nn.Sequential(m, lambda z: [z, -z]), [[1.0]], ["a"], loss=nn.cross_entropy), ag.OperandError, "the index of a class, an int, got 'a'"),
        (lambda m: nn.fit(nn.Sequential(m, lambda z: [z, -z]), [[1.0]], [1.0], loss=nn.cross_entropy), ag.OperandError, "an int, got 1.0"),
        (lambda m: nn.fit(m, [[1.0], [1.0, 2.0]], [1, 1], loss=nn.mse), ag.StructureError, "expected 1 inputs, got 2"),
        (lambda m: nn.fit(m, [[1.0], [2.0]], [1], loss=nn.mse), ag.StructureError, "got 2 rows and 1 targets"),
        (lambda m: nn.mse([1.0, 2.0], [1.0]), ag.StructureError, "2 predictions and 1 targets"),
        (lambda m: nn.fit(Bare(), [[1.0]], [1.0], loss=nn.mse), ag.StructureError, "Adam: expected at least one parameter, got none"),
        (lambda m: nn.SGD(Bare(), lr=0.1), ag.StructureError, "SGD: expected at least one parameter, got none"),
        (lambda m: nn.SGD().step(), ag.StructureError, "SGD: expected parameters, has none"),
        (lambda m: m.load_state_dict(nn.Neuron(2, seed=1).state_dict()), ag.StructureError, "unexpected: w.1"),
        (lambda m: m.load_state_dict({"w.0": [1.0, 2.0], "b": 0.0}), ag.OperandError, "w.0: expected a real number"),
    ],
)  # fmt: skip
def test_a_clear_error_before_anything_changes(call, error, message):
    model = nn.Neuron(1, "linear", seed=1)
    before = model.state_dict()
    with pytest.raises(error, match=message):
        call(model)
    assert model.state_dict() == before
