"""docs/errata.md, row by row: the right formula holds on this library's graphs, and the printed one does not.

Weights are w[to][from], as in `Linear.weight`, unless a document says otherwise.
"""

import functools
import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn

PAGE = Path(__file__).parent.parent / "docs" / "errata.md"


def rng():
    """The same random numbers for every test, in whatever order they run."""
    return np.random.default_rng(11)


def same(a, b):
    """Whether two arrays are the same but for a few roundings; those of different shapes are not."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-10, atol=1e-12))


def values(a):
    """An array as nested lists of Values."""
    return [values(x) for x in a] if np.ndim(a) else ag.Value(float(a))


def numbers(tree):
    return [numbers(x) for x in tree] if isinstance(tree, list) else tree.data


def grads(tree):
    return [grads(x) for x in tree] if isinstance(tree, list) else tree.grad


def times(w, x):
    """W x over Values."""
    return [ag.dot(row, x) for row in w]


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, dtype=float)))


# --- the page itself ----------------------------------------------------------------------------------


def test_every_row_of_the_page_has_its_test_and_every_test_its_row():
    named = re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8"))
    here = [name for name in globals() if re.match(r"test_(downing|dolhansky|lecture|cs60050|ling3804)_", name)]
    assert sorted(set(named)) == sorted(here)


# --- 000, Downing ---------------------------------------------------------------------------------------


def test_downing_derivative_of_softmax():
    z = [0.3, -0.2, 0.9]
    total = sum(math.exp(x) for x in z)
    J = ag.jacobian(ag.softmax)(z)
    for i, x in enumerate(z):
        assert J[i][i] == pytest.approx(math.exp(x) / total - (math.exp(x) / total) ** 2)
        printed = math.exp(x) / total**2 - (math.exp(x) / total**2) ** 2
        assert not math.isclose(J[i][i], printed, rel_tol=0.1)


def test_downing_last_entry_of_the_softmax_jacobian():
    z = [0.3, -0.2, 0.9]
    s = ag.softmax(z)
    right = ag.jacobian(ag.softmax)(z)[2][2]
    printed = ag.jacobian(lambda z: z)(z)[2][2]  # dz_m/dz_m
    assert right == pytest.approx(s[2] - s[2] ** 2)
    assert printed == 1.0 != right


def test_downing_derivative_of_weights_to_themselves():
    V, x = rng().normal(size=(3, 2)), rng().normal(size=3)
    own = ag.jacobian(lambda v: v)(V)
    printed = np.zeros((3, 2, 3, 2))
    for i, j in [(0, 0), (0, 1), (1, 0), (2, 1)]:  # the ones that stand on the slide
        printed[i, j, i, j] = 1
    right = np.einsum("ik,jl->ijkl", np.eye(3), np.eye(2))
    assert same(own, right)
    assert not same(own, printed)
    model = nn.Sequential(nn.Layer(weights=V.T, bias=False), nn.Layer(2, 1, bias=False, seed=1))
    assert same(nn.weight_jacobian(model, list(x), layer="V", of="V", notation="downing").array, right)
    # X . dV/dV, which he goes on with, needs all of them
    assert same(ag.jacobian(lambda v: [ag.dot(list(x), list(v[:, k])) for k in range(2)])(V), np.einsum("i,ikjl->kjl", x, right))
    assert not same(np.einsum("i,ikjl->kjl", x, printed), np.einsum("i,ikjl->kjl", x, right))


def test_downing_general_algorithm_lacks_its_last_product():
    model = nn.MLP(3, [2, 2, 1], "sigmoid", seed=3)
    x = [0.5, -1.0, 2.0]
    run = nn.forward_pass(model, x, 1.0, loss=nn.mse)
    run.loss.backward()
    to_v = [[w.grad for w in unit.weights] for unit in run.layers["layer1"]]
    printed = nn.chain(model, x, 1.0, loss=nn.mse, to="layer1").result
    right = nn.chain(model, x, 1.0, loss=nn.mse, to="layer1", weights=True).result
    assert same(right.array[0], np.transpose(to_v))
    assert not same(printed.array, np.transpose(to_v))


def test_downing_axes_of_a_jacobian_add_up():
    model = nn.MLP(3, [2, 3], "sigmoid", seed=3)
    J = nn.weight_jacobian(model, [0.5, -1.0, 2.0], layer=2)  # of a vector to a matrix
    assert (J.array.ndim, J.shape) == (1 + 2, (2, 3, 3))
    assert nn.layer_jacobian(model, [0.5, -1.0, 2.0], of=2, to=1).shape == (3, 2)


def test_downing_general_algorithm_begins_at_the_softmax():
    model = nn.Sequential(nn.MLP(3, [2, 3], "sigmoid", output="sigmoid", seed=3), nn.Softmax())
    chain = nn.chain(model, [0.5, -1.0, 2.0], [0, 1, 0], loss=nn.mse, to="Y", notation="downing")
    assert [factor.name for factor in chain.factors] == ["J_S^L", "J_Z^S", "J_Y^Z"]
    J_SL, J_ZS, J_YZ = (np.array(factor.entries) for factor in chain.factors)
    J_ZL = np.array(nn.layer_jacobian(model, [0.5, -1.0, 2.0], of="loss", to="Z", target=[0, 1, 0], loss=nn.mse, notation="downing").entries)
    assert same(J_SL @ J_ZS, J_ZL)
    assert same(chain.result.entries, J_ZL @ J_YZ)
    assert not np.allclose(J_ZL @ J_ZS @ J_YZ, chain.result.entries, atol=1e-3)  # R = J_N^L, then R J_soft


def test_downing_entries_of_the_simplified_jacobian_need_not_be_positive():
    model = nn.MLP(2, [2], seed=0)
    simple = nn.weight_jacobian(model, [0.5, -1.0], layer=1, form="simplified").array
    assert (simple[0] > 0).all()
    assert (simple[1] < 0).all()


def test_downing_index_order_of_weights():
    model = nn.Sequential(nn.Layer(3, 2, "sigmoid", seed=1))
    x = [0.5, -1.0, 2.0]
    run = nn.forward_pass(model, x)
    stored = np.array([[w.data for w in unit.weights] for unit in run.layers["layer1"]])
    sums = [unit.sum.data for unit in run.layers["layer1"]]
    first_half = [sum(stored[i][k] * x[k] for k in range(3)) for i in range(2)]  # sum_i = sum_k w_ik x_k
    later = [sum(x[i] * stored.T[i][k] for i in range(3)) for k in range(2)]  # X W, w_ik from i to k
    assert same(first_half, sums)
    assert same(later, sums)
    assert not same(stored, stored.T)


def test_downing_first_derivative_of_weights_to_themselves():
    z, y = 0.6, [0.3, 0.8]
    own = ag.jacobian(lambda w: w)([0.5, -1.0])
    assert own == [[1.0, 0.0], [0.0, 1.0]]
    unit = nn.Layer(2, 1, "sigmoid", bias=False, seed=1)
    assert nn.weight_jacobian(unit, y, layer="W", of="W", notation="downing").flat == [1.0, 0.0, 0.0, 1.0]
    printed = [1, 0, 0, 0, 1]
    assert sum(own, []) != printed  # noqa: RUF017
    logit = math.log(z / (1 - z))
    w = [0.5, (logit - y[0] * 0.5) / y[1]]
    assert same(ag.grad(lambda w: ag.sigmoid(ag.dot(y, w)))(w), z * (1 - z) * np.array(y) @ own)


def test_downing_delta_has_two_signs():
    unit = nn.Layer(weights=[[0.5, -1.0]], bias=False, activation="linear")
    x, t, rate = [1.0, 2.0], 0.3, 0.1
    signals = nn.error_signals(unit, x, t, loss=nn.sse)
    o = signals.run.outputs[0].data
    [later] = signals["layer1"]
    first = t - o
    assert later == pytest.approx(-first)
    assert later != pytest.approx(first)
    optimizer = nn.SGD(unit, lr=rate)
    signals.run.loss.backward()
    optimizer.step()
    moved = np.array(unit.weight.data)[0] - [0.5, -1.0]
    assert same(moved, rate * first * np.array(x))
    assert same(moved, -rate * later * np.array(x))


def test_downing_number_of_a_node_does_not_say_its_layer():
    run = nn.forward_pass(nn.MLP(2, [2, 1], "sigmoid", bias=False, seed=1), [0.5, -1.0], notation="downing-first")
    units = [(unit, i) for layer in run.layers.values() for i, unit in enumerate(layer, 1)]
    within = [(i, j) for unit, i in units for j in range(1, len(unit.weights) + 1)]
    assert within.count((1, 1)) == 2  # w_11 from x_1, and w_11 from the first hidden unit
    named = [w.label for unit, _ in units for w in unit.weights]
    assert named == ["w_31", "w_32", "w_41", "w_42", "w_53", "w_54"]
    signals = nn.error_signals(nn.MLP(2, [2, 1], "sigmoid", seed=1), [0.5, -1.0], 0.9, loss=nn.sse, notation="downing-first")
    assert signals["δ_5d"] == pytest.approx(-(0.9 - signals.run["o_5d"].data))  # the second sign, at a linear output


def test_downing_small_initial_weights_are_not_for_xor():
    # Of 200 starts, batch sums of XOR with targets 0 and 1, in NumPy.
    assert share_of_xor_learnt(1.0, 0.5, 5000)[5000] > 0.7
    assert share_of_xor_learnt(0.1, 0.5, 2000)[2000] == 0.0
    late = share_of_xor_learnt(0.1, 5.0, 4000)
    assert 0.15 < late[2000] < 0.31
    assert 0.52 < late[4000] < 0.68
    from_zero = share_of_xor_learnt(0.1, 5.0, 4000, biases=False)
    assert 0.1 < from_zero[2000] < 0.26
    assert 0.4 < from_zero[4000] < 0.57
    assert share_of_xor_learnt(1.0, 5.0, 150)[150] == pytest.approx(2 / 3, abs=0.08)
    assert (late[150], late[1000] < 0.1) == (0.0, True)

    from nn.experiments.starts import train_starts

    pytest.importorskip("llvmlite", reason="on graphs it takes minutes")
    X, y = nn.datasets.xor()

    def left_over(bound, rate, epochs=2000):
        start = nn.init.uniform(-bound, bound)
        trained = train_starts(
            lambda seed: nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", init=start, bias_init=start, seed=seed),
            range(10), X, y, loss=nn.sse, optimizer=nn.SGD(lr=rate), epochs=epochs,
        )  # fmt: skip
        return trained.losses[:, -1]

    def learnt(losses):
        return sum(losses < 0.2)

    assert learnt(left_over(1.0, 0.5)) >= 7
    assert left_over(0.1, 0.5).min() > 0.49  # of 0.5, where all outputs are one half
    assert left_over(0.1, 5.0, 1000).min() > 0.49
    assert learnt(left_over(0.1, 5.0, 2000)) <= 3
    assert learnt(left_over(0.1, 5.0, 4000)) >= 6  # a larger rate leaves it, but much later
    assert learnt(left_over(1.0, 5.0, 200)) >= 7


def share_of_xor_learnt(bound, rate, epochs, starts=200, *, biases=True):
    """For each number of epochs the share of starts whose 2-2-1 sigmoid network has an error below 0.2."""
    draw = rng()
    X, t = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0.0, 1.0, 1.0, 0.0])
    V, c, w, d = (draw.uniform(-bound, bound, (starts, *shape)) for shape in ((2, 2), (2,), (2,), ()))
    if not biases:
        c, d = 0.0 * c, 0.0 * d
    shares = []
    for _ in range(epochs + 1):
        hidden = sigmoid(np.einsum("nij,kj->nki", V, X) + c[:, None])
        o = sigmoid(np.einsum("nki,ni->nk", hidden, w) + d[:, None])
        shares.append(float(np.mean(0.5 * ((o - t) ** 2).sum(axis=1) < 0.2)))
        delta = (o - t) * o * (1 - o)
        below = delta[:, :, None] * w[:, None] * hidden * (1 - hidden)
        w, d = w - rate * np.einsum("nk,nki->ni", delta, hidden), d - rate * delta.sum(axis=1)
        V, c = V - rate * np.einsum("nki,kj->nij", below, X), c - rate * below.sum(axis=1)
    return shares


def test_downing_order_of_the_arguments_of_dot():
    model, x = nn.MLP(3, [2], "sigmoid", output="sigmoid", seed=1), [0.5, -1.0, 2.0]
    signal = np.array([0.3, -0.7])

    def both_orders(model, of):
        full = nn.weight_jacobian(model, x, layer=1, of=of).array  # vectors over Z, or S, in a matrix like W
        right = np.einsum("k,ijk->ij", signal, full)
        assert same(np.dot(full, signal), right)  # "the proper call" is one, with a vector
        with pytest.raises(ValueError, match="aligned"):
            np.dot(full, signal[None, :])  # of a row, as J_Z^L is elsewhere
        return np.dot(signal, full), right

    other, right = both_orders(model, "layer1")
    assert same(other, right)  # J_W^Z is 0 but for a weight's own unit
    other, right = both_orders(nn.Sequential(model, nn.Softmax()), "softmax")
    assert not np.allclose(other, right, atol=1e-3)  # with a softmax a weight moves all of S


def test_downing_incremental_update_is_of_one_case():
    X, T, rate = [[1.0, 2.0], [0.5, -1.0], [-1.5, 0.3]], [0.3, 0.9, 0.5], 0.5
    start = [0.5, -1.0]
    unit = nn.Layer(weights=[start], bias=False, activation="sigmoid")
    optimizer = nn.SGD(unit, lr=rate)
    nn.sse(unit(X[0]), T[0]).backward()
    optimizer.step()
    moved = np.array(unit.weight.data)[0] - start

    def error(w, cases):
        return ag.sum([nn.sse(ag.sigmoid(ag.dot(w, X[d])), T[d]) for d in cases])

    assert same(moved, -rate * np.array(ag.grad(lambda w: error(w, [0]))(start)))
    assert not np.allclose(moved, -rate * np.array(ag.grad(lambda w: error(w, range(3)))(start)), atol=1e-2)


def test_downing_product_rule_sums_over_the_axis_of_the_product():
    draw = rng()
    C, D, X = draw.normal(size=(2, 2)), draw.normal(size=(2, 2)), draw.normal(size=(2, 2))

    def matrices(x):  # A and B hang on X both
        x = [list(row) for row in x]
        A = [[ag.sin(v) * c for v, c in zip(row, cs, strict=True)] for row, cs in zip(x, C, strict=True)]
        B = [[ag.tanh(v) + d for v, d in zip(row, ds, strict=True)] for row, ds in zip(x, D, strict=True)]
        return A, B

    def product(x):
        A, B = matrices(x)
        return [[ag.dot(row, list(column)) for column in zip(*B, strict=True)] for row in A]

    A, B = (np.array(m, dtype=float) for m in matrices(X))
    dA, dB = (np.array(ag.jacobian(lambda x, k=k: matrices(x)[k])(X)) for k in (0, 1))
    right = np.einsum("ik,kjrs->ijrs", A, dB) + np.einsum("ikrs,kj->ijrs", dA, B)
    J = ag.jacobian(product)(X)
    assert same(J, right)
    assert np.shape(np.dot(dA, B)) == np.shape(J)  # it looks like one
    assert not np.allclose(np.dot(A, dB) + np.dot(dA, B), J, atol=0.05)
    # X's axes first, as on the slides, it is right, but for the order of axes where B is a matrix
    first = [np.transpose(d, (2, 3, 0, 1)) for d in (dA, dB, J)]
    assert same(np.transpose(np.dot(A, first[1]), (1, 2, 0, 3)) + np.dot(first[0], B), first[2])
    assert not np.allclose(np.dot(A, first[1]) + np.dot(first[0], B), first[2], atol=0.05)
    # of a number X it is right
    dA, dB, J = (np.array(m)[..., 0] for m in (dA[..., 0], dB[..., 0], np.array(J)[..., 0]))
    assert same(np.dot(A, dB) + np.dot(dA, B), J)


def test_downing_chain_rule_sums_over_all_axes_of_the_inner_tensor():
    draw = rng()
    C, X = draw.normal(size=(2, 2)), draw.normal(size=(2, 2))

    def G(x):
        return [[ag.sin(v) * row[0] for v in row] for row in x]

    def F(g):
        return [[ag.tanh(ag.dot([g[0][j], g[1][j]], cs)) for j in (0, 1)] for cs in C.tolist()]

    dF, dG = np.array(ag.jacobian(F)(np.array(numbers(G(values(X)))))), np.array(ag.jacobian(G)(X))
    J = np.array(ag.jacobian(lambda x: F(G(x)))(X))
    assert same(np.tensordot(dF, dG, 2), J)
    assert (np.dot(dF, dG).ndim, J.ndim) == (6, 4)
    x = X[0]  # of vectors it is right
    inner, outer = (lambda v: [ag.sin(v[0] * v[1]), v[0] - v[1]]), (lambda g: [g[0] * g[1], ag.exp(g[1])])
    dF, dG = ag.jacobian(outer)(np.array(inner(x), dtype=float)), ag.jacobian(inner)(x)
    assert same(np.dot(dF, dG), ag.jacobian(lambda v: outer(inner(v)))(x))


def test_downing_batch_of_sums_needs_the_lower_rate():
    from nn import experiments

    told = experiments.run("descent")
    X, t = np.array(told.X)[:, 0], np.array(told.t)
    inputs = np.stack([X, np.ones_like(X)], axis=1)
    assert 2 / np.linalg.eigvalsh(inputs.T @ inputs)[-1] == pytest.approx(1 / 6, abs=0.002)  # where batch diverges

    def cost(rate, batch, seed):
        unit = nn.Layer(weights=[[0.0]], bias=[0.0], activation="linear")
        nn.fit(unit, [[x] for x in X.tolist()], [[y] for y in t.tolist()], loss=nn.sse, optimizer=nn.SGD(lr=rate), epochs=8,
               batch_size=batch, seed=seed, progress=False)  # fmt: skip
        return 0.5 * float(((inputs @ [unit.weight.data[0][0], unit.bias.data[0]] - t) ** 2).sum())

    def incremental(rate):
        return np.mean([cost(rate, 1, seed) for seed in range(12)])

    best = 0.5 * np.linalg.lstsq(inputs, t, rcond=None)[1][0]
    assert cost(0.1, 12, 1) < 1.01 * best
    assert cost(0.2, 12, 1) > 100 * best
    assert incremental(0.06) < 1.2 * best
    assert incremental(0.3) < 1.5 * best
    assert incremental(0.1) < incremental(0.06)  # the lower rate is no better there


def test_downing_delta_rule_needs_a_slope_above_0():
    x, target, rate = [1.0, 2.0], 1.0, 0.1
    for activation, helped in (("sigmoid", True), ("tanh", True), ("relu", False)):
        errors, w = [], [-1.0, -1.0]
        for _ in range(2):
            errors.append(target - nn.Layer(weights=[w], bias=False, activation=activation)(x).data)
            w = [v + rate * errors[-1] * a for v, a in zip(w, x, strict=True)]
        assert errors[0] > 0
        assert (errors[1] < errors[0]) == helped
        assert (errors[1] == errors[0]) != helped
    assert ag.grad(ag.relu)(-3.0) == 0.0


def test_downing_column_of_the_second_jacobian():
    model, x = nn.MLP(2, [3, 2], "sigmoid", output="sigmoid", seed=1), [0.5, -1.0]
    zy, yx = (nn.layer_jacobian(model, x, of=k, to=k - 1).array for k in (2, 1))
    zx = nn.layer_jacobian(model, x, of=2, to=0).array
    for i in range(2):
        for j in range(2):
            terms = [zy[i, k] * yx[k, j] for k in range(3)]
            assert zx[i, j] == pytest.approx(sum(terms))
            assert not math.isclose(zx[i, j], sum(terms[:2]), rel_tol=1e-3)  # y_1 and y_2 alone, as printed
    assert zx[0, 1] != pytest.approx(sum(zy[0, k] * yx[k, 0] for k in range(3)))  # one index i for z_i and x_i


# --- 001, Dolhansky ---------------------------------------------------------------------------------------


def test_dolhansky_error_signal_is_of_the_unit_itself():
    signals = nn.error_signals(nn.MLP(1, [1, 1, 1], "sigmoid", seed=4), [0.8], 0.3, loss=nn.sse)
    signals.run.loss.backward()
    s_i, s_j = (signals.run.layers[name][0].sum for name in ("layer1", "layer2"))
    assert signals["layer2"] == [s_j.grad]
    assert signals["layer2"] != [s_i.grad]  # delta_j = dE/ds_i, as printed


def test_dolhansky_general_form_of_the_weight_update():
    model = nn.MLP(1, [1, 1, 1], "sigmoid", seed=4)
    signals = nn.error_signals(model, [0.8], 0.3, loss=nn.sse)
    signals.run.loss.backward()
    w = model.layers[1].neurons[0].w[0]
    [[i], [j]] = [signals.layers[name] for name in ("layer1", "layer2")]
    assert w.grad == pytest.approx(j.delta * i.output)
    assert w.grad != pytest.approx(i.delta * i.output)  # delta_i z_i, as printed
    assert w.grad != pytest.approx(j.delta * j.output)


def test_dolhansky_derivative_is_of_the_error_to_the_weight():
    w = ag.Value(0.7)
    e = nn.sse(w * 2.0, 0.3)
    assert ag.grad_of(e, [w]) == [pytest.approx((1.4 - 0.3) * 2.0)]
    assert ag.grad_of(w, [e]) == [0.0]  # "the gradient of each weight with respect to the output"


def test_dolhansky_sum_of_a_unit_with_several_inputs():
    model = nn.MLP(1, [2, 1], "sigmoid", seed=4)
    run = nn.forward_pass(model, [0.8])
    z = [unit.output.data for unit in run.layers["layer1"]]
    [unit] = run.layers["layer2"]
    w = [v.data for v in unit.weights]
    assert unit.sum.data == pytest.approx(z[0] * w[0] + z[1] * w[1])
    assert unit.sum.data != pytest.approx(z[0] * w[0])  # s_k = z_j w_jk, as printed
    [slope] = ag.grad_of(unit.sum, [run.layers["layer1"][0].output])
    assert slope == w[0]  # what follows from it stays right


def test_dolhansky_step_2_has_the_signal_of_another_unit():
    signals = nn.error_signals(nn.MLP(1, [1, 1, 1], "sigmoid", seed=4), [0.8], 0.3, loss=nn.sse)
    [[i], [j], [o]] = [signals.layers[name] for name in ("layer1", "layer2", "layer3")]
    [w] = signals.run.layers["layer3"][0].weights
    recursion = j.slope * o.delta * w.data  # f_j' times the sum over outs(j)
    assert j.delta == pytest.approx(recursion)
    assert i.delta != pytest.approx(recursion)


def test_dolhansky_update_does_not_hang_on_derivatives_of_later_weights():
    x, y, w_ij, w_jo = 1.0, 1.0, ag.Value(0.0), ag.Value(2.0)
    s_j = w_ij * x
    error = nn.sse(w_jo * ag.tanh(s_j), y)
    error.backward()
    assert w_jo.grad == 0.0  # the derivative of the weight further in the network
    assert w_ij.grad == -2.0  # is no factor of this one: what is, is the later signal times the later weight
    assert w_ij.grad == (0.0 - y) * w_jo.data * 1.0 * x
    assert s_j.grad * x == w_ij.grad


def test_dolhansky_slope_of_a_linear_unit_is_1_for_the_identity_alone():
    s = ag.Value(0.7)
    y_hat, y = 3.0 * s, 0.3
    [signal] = ag.grad_of(nn.sse(y_hat, y), [s])
    assert signal == pytest.approx((y_hat.data - y) * 3.0)
    assert signal != pytest.approx(y_hat.data - y)
    [signal] = ag.grad_of(nn.sse(s, y), [s])
    assert signal == pytest.approx(s.data - y)


def test_dolhansky_expansion_of_the_signal_is_of_one_output():
    run = nn.forward_pass(nn.MLP(1, [1, 2], "sigmoid", seed=5), [0.8], [0.3, -0.9], loss=nn.sse)
    [hidden], errors = run.layers["layer1"], [o.data - t for o, t in zip(run.outputs, (0.3, -0.9), strict=True)]
    [signal] = ag.grad_of(run.loss, [hidden.sum])
    terms = [e * ag.grad_of(o, [hidden.sum])[0] for e, o in zip(errors, run.outputs, strict=True)]
    assert signal == pytest.approx(sum(terms))
    assert not any(math.isclose(signal, term, rel_tol=0.05) for term in terms)  # (y^ - y) dy^/ds_j


def test_dolhansky_it_is_the_output_that_changes_with_the_weights():
    w, x, target = [[0.3, -0.2], [0.1, 0.4]], [1.0, 2.0], ag.Value(0.3)
    unit = ag.Value(0.7)
    assert ag.grad_of(nn.sse(unit * 2.0, target), [target]) != [0.0]
    assert ag.grad_of(target, [unit]) == [0.0]  # a target does not hang on weights
    step = [[0.0, 0.0], [1.0, -1.0]]
    logistic = ag.jvp(lambda w: ag.softmax([ag.dot(row, x) for row in w]), (w,), (step,))
    moved = ag.softmax([ag.dot([a + d for a, d in zip(r, s, strict=True)], x) for r, s in zip(w, step, strict=True)])
    assert not np.allclose(np.array(logistic[0]) + logistic[1], moved, atol=1e-3)  # nor is it linear with one layer


def test_dolhansky_sums_may_hang_on_each_other():
    w_j1, w_j2, w_12, s_j = 0.7, -1.2, 0.5, ag.Value(0.4)
    z_j = ag.tanh(s_j)
    s_1 = w_j1 * z_j
    s_2 = w_j2 * z_j + w_12 * ag.tanh(s_1)  # depends on s_1
    nn.sse(1.5 * ag.tanh(s_1) - 0.8 * ag.tanh(s_2), 0.3).backward()
    rule = (1 - z_j.data**2) * (s_1.grad * w_j1 + s_2.grad * w_j2)
    assert s_j.grad == pytest.approx(rule)
    [through] = ag.grad_of(s_2, [z_j])
    assert through != w_j2
    assert s_j.grad != pytest.approx((1 - z_j.data**2) * (s_1.grad * w_j1 + s_2.grad * through))  # twice by s_1


def test_dolhansky_running_index_is_the_name_of_a_unit_too():
    signals = nn.error_signals(nn.MLP(1, [1, 2, 1], "sigmoid", seed=4), [0.8], 0.3, loss=nn.sse)
    [i], after = signals.layers["layer1"], signals.layers["layer2"]
    terms = [unit.delta * node.weights[0].data for unit, node in zip(after, signals.run.layers["layer2"], strict=True)]
    assert i.delta == pytest.approx(i.slope * sum(terms))
    assert not any(math.isclose(i.delta, i.slope * term, rel_tol=0.05) for term in terms)  # of the unit k alone


def test_dolhansky_update_is_a_step_against_the_derivative():
    unit = nn.Layer(weights=[[0.7]], bias=False, activation="linear")
    optimizer = nn.SGD(unit, lr=0.1)
    nn.sse(unit([2.0]), 0.3).backward()
    [[derivative]] = np.array(unit.weight.grad)
    optimizer.step()
    [[w]] = np.array(unit.weight.data)
    assert derivative == pytest.approx((1.4 - 0.3) * 2.0)
    assert w - 0.7 == pytest.approx(-0.1 * derivative)
    assert w - 0.7 != pytest.approx(derivative)


def test_dolhansky_three_steps_are_a_program():
    draw = rng()
    sizes, X, Y, rate = [2, 3, 2, 1], draw.normal(size=(4, 2)), draw.normal(size=4), 0.5
    model = nn.MLP(sizes[0], sizes[1:], "sigmoid", bias=False, seed=4)
    units = [list(range(a, a + n)) for a, n in zip(np.cumsum([0, *sizes[:-1]]).tolist(), sizes, strict=True)]
    w = {
        (i, j): weight
        for before, after, layer in zip(units, units[1:], model.layers, strict=False)
        for j, row in zip(after, layer.weight.data, strict=True)
        for i, weight in zip(before, row, strict=True)
    }
    [output] = units[-1]
    change = dict.fromkeys(w, 0.0)
    for x, y in zip(X, Y, strict=True):
        z = dict(enumerate(x.tolist()))
        for j in range(sizes[0], output + 1):  # 1: forward
            s = sum(z[i] * weight for (i, to), weight in w.items() if to == j)
            z[j] = s if j == output else 1 / (1 + math.exp(-s))
        delta = {output: z[output] - y}
        for j in range(output - 1, sizes[0] - 1, -1):  # 2: the signals of all units
            delta[j] = z[j] * (1 - z[j]) * sum(delta[k] * weight for (i, k), weight in w.items() if i == j)
        for i, j in w:  # 3: the updates
            change[i, j] -= rate / len(X) * delta[j] * z[i]
    before = [p.data for p in model.parameters()]
    loss = functools.partial(nn.sse, reduction="batchmean")
    nn.fit(model, X, Y, loss=loss, optimizer=nn.SGD(lr=rate), epochs=1, progress=False)
    moved = np.array([p.data for p in model.parameters()]) - before
    assert same(moved, [change[i, j] for j in range(sizes[0], output + 1) for i in range(output) if (i, j) in w])


# --- 002, the lecture "Backpropagation" --------------------------------------------------------------------


def linear_network(seed=5, sizes=(3, 3, 3, 3)):
    """Matrices W_1 ... W_d as Values, x and y; square, so that a product of the wrong factors has a shape as well."""
    rng = np.random.default_rng(seed)
    W = [rng.normal(size=(n, m)) for m, n in pairwise(sizes)]
    return W, rng.normal(size=sizes[0]), rng.normal(size=sizes[-1])


def loss_of(W, x, y):
    """(W_d ... W_1 x - y)^2 and the activations a_0 = x, a_1, ..., a_d."""
    a = [list(x)]
    for w in W:
        a.append(times(w, a[-1]))
    return 2 * nn.sse(a[-1], list(y)), a


def test_lecture_gradient_is_no_difference():
    W, x, y = linear_network()
    h = 1e-6
    step = np.zeros((3, 3))
    step[0, 1] = h
    up = loss_of([W[0], W[1] + step, W[2]], x, y)[0]
    difference = up - loss_of(W, x, y)[0]
    gradient = np.array(ag.grad(lambda w: loss_of([W[0], w, W[2]], x, y)[0])(W[1]))
    assert difference / h == pytest.approx(gradient[0, 1], rel=1e-4)
    assert difference != pytest.approx(gradient[0, 1], rel=0.1)


def test_lecture_equation_1_has_a_target_too_many():
    W, x, y = linear_network()
    step = 1e-6 * rng().normal(size=(3, 3))
    change = loss_of([W[0], W[1] + step, W[2]], x, y)[0] - loss_of(W, x, y)[0]
    e = W[2] @ W[1] @ W[0] @ x - y
    moved = W[2] @ step @ W[0] @ x
    assert change == pytest.approx(2 * moved @ e, rel=1e-4)
    assert change != pytest.approx(2 * (moved - y) @ e, rel=0.5)
    without = W[2] @ W[1] @ x - y  # w_d ... w_i x, as it is printed
    assert change != pytest.approx(2 * moved @ without, rel=0.05)


def test_lecture_trace_has_a_factor_too_many():
    W, x, _ = linear_network(sizes=(3, 3, 3, 1))
    step = rng().normal(size=(3, 3))
    moved = ag.jvp(lambda w: loss_of([W[0], w, W[2]], x, [0.0])[1][-1], (W[1],), (step,))[1]
    right = np.trace(W[0] @ np.outer(x, W[2][0]) @ step)  # W_{i-1} ... W_1 x W_d ... W_{i+1} delta
    printed = np.trace(W[1] @ W[0] @ np.outer(x, W[2][0]) @ step)
    assert moved == [pytest.approx(right)]
    assert moved != [pytest.approx(printed)]


def test_lecture_trace_is_of_a_number():
    W, x, y = linear_network(sizes=(3, 3, 3, 2))
    step, e = rng().normal(size=(3, 3)), W[2] @ W[1] @ W[0] @ x - y
    moved = ag.jvp(lambda w: loss_of([W[0], w, W[2]], x, y)[1][-1], (W[1],), (step,))[1]
    with pytest.raises(ValueError, match="two dimensions"):
        np.trace(np.array(moved))  # a vector has none
    change = ag.jvp(lambda w: loss_of([W[0], w, W[2]], x, y)[0], (W[1],), (step,))[1]
    assert change == pytest.approx(2 * np.trace(np.outer(e, moved)))


def test_lecture_square_of_a_vector_is_a_norm():
    W, x, y = linear_network(sizes=(3, 2))
    e = np.array(numbers(times(values(W[0]), values(x)))) - y
    loss, _ = loss_of(values(np.array(W)), x, y)
    assert loss.data == pytest.approx(np.linalg.norm(e) ** 2)
    with pytest.raises(ValueError, match="aligned"):
        e[:, None].dot(e[:, None])  # a column times itself
    assert np.shape(e**2) == (2,)  # entry by entry: no number to differentiate


def test_lecture_equation_3_takes_a_i_one_factor_too_far():
    W, x, y = linear_network()
    weights = values(np.array(W))
    loss, a = loss_of(weights, x, y)
    loss.backward()
    a = [np.array(x), *(np.array(numbers(z)) for z in a[1:])]
    e = 2 * (a[3] - y)
    for i, back in enumerate([W[2] @ W[1], W[2], np.eye(3)]):  # W_d ... W_{i+1}
        right = np.outer(back.T @ e, a[i])
        printed = np.outer(back.T @ e, a[i + 1])
        assert same(grads(weights)[i], right)
        assert not same(grads(weights)[i], printed)
    assert same(nn.deep_linear_gradient(W, x, y), grads(weights))


def test_lecture_equation_3_has_its_factors_in_an_order_for_one_output():
    W, x, y = linear_network(sizes=(2, 3, 4))
    e = 2 * (W[1] @ W[0] @ x - y)
    right = W[1].T @ e[:, None] @ x[None, :]
    assert same(nn.deep_linear_gradient(W, x, y)[0], right)
    with pytest.raises(ValueError, match="mismatch"):
        e[:, None] @ W[1].T @ x[None, :]


def test_lecture_update_of_the_linear_network_uses_the_input_of_the_layer():
    W, x, y = linear_network()
    weights = values(np.array(W))
    loss, a = loss_of(weights, x, y)
    loss.backward()
    g = [np.array([node.grad for node in z]) for z in a[1:]]  # of the output of layer i
    a = [np.array(x), *(np.array(numbers(z)) for z in a[1:])]
    for i in range(3):
        assert same(grads(weights)[i], np.outer(g[i], a[i]))
        assert not same(grads(weights)[i], np.outer(g[i], a[i + 1]))  # g_i a_i^T, with a_i the output of layer i


def test_lecture_shape_of_a_weight_matrix():
    layer = nn.Linear(3, 2, bias=False, seed=0)
    W = np.array(numbers(layer.weight))
    a = [0.5, -1.0, 2.0]
    assert same(W @ a, [z.data for z in layer(a)])
    assert W.shape == (2, 3)  # r_{i+1} x r_i
    with pytest.raises(ValueError, match="mismatch"):
        W.T @ a  # r_i x r_{i+1}


def test_lecture_elementwise_product_is_not_kroneckers():
    x, y = [1.0, 2.0], [3.0, 5.0]
    z = values(x)
    ag.dot(y, [ag.tanh(v) for v in z]).backward()
    assert same([v.grad for v in z], np.array(y) * (1 - np.tanh(x) ** 2))  # claim 2: elementwise
    assert np.kron(x, y).shape == (4,)
    assert not same([v.grad for v in z], np.kron(y, 1 - np.tanh(x) ** 2))


def test_lecture_proof_of_claim_2_expands_b_not_its_derivative():
    draw = rng()
    W, z = draw.normal(size=(2, 3)), draw.normal(size=3)
    step = 1e-6 * draw.normal(size=3)
    following = ag.jvp(lambda v: times(W, [ag.tanh(u) for u in v]), (list(z),), (list(step),))
    b, b1 = np.tanh(z), 1 - np.tanh(z) ** 2
    b2 = -2 * b * b1
    assert same(following[0], W @ b)
    assert not same(following[0], W @ b1)
    assert same(np.array(following[1]) * 1e6, W @ (b1 * step) * 1e6)
    assert not same(np.array(following[1]) * 1e6, W @ (b2 * step) * 1e6)
    moved = W @ np.tanh(z + step)
    assert same(moved, W @ (b + b1 * step))
    assert not np.allclose(moved, W @ (b1 + b1 * step), atol=0.05)  # the line after it


def test_lecture_summary_has_a_matrix_product_for_an_elementwise_one():
    signals = nn.error_signals(nn.MLP(2, [3, 2], "tanh", seed=1), [0.5, -1.0], [0.2, 0.1], loss=nn.mse)
    arriving = np.array([unit.arriving for unit in signals.layers["layer1"]])  # W_{i+1}^T df/dz_{i+1}
    slopes = np.array([unit.slope for unit in signals.layers["layer1"]])
    assert same(signals["layer1"], arriving * slopes)
    assert not same(signals["layer1"], arriving @ slopes)


def test_lecture_forward_pass_has_an_index_too_many():
    run = nn.forward_pass(nn.MLP(2, [2, 2, 2], "tanh", seed=1), [0.5, -1.0])
    z = [[unit.sum.data for unit in units] for units in run.layers.values()]  # z_0 = W_0 x, z_1, z_2
    a1 = [unit.output.data for unit in run.layers["layer1"]]
    assert same(a1, np.tanh(z[0]))  # a_{i+1} = b(z_i)
    assert not same(a1, np.tanh(z[1]))  # a_{i+1} = b(z_{i+1})


def carried(V, x, i):
    """V^i x by an unrolled linear network."""
    for _ in range(i):
        x = times(V, x)
    return np.array(x)


def test_lecture_upper_bound_lacks_the_power():
    V = [[0.5, 0.2], [0.0, 0.4]]
    x = [1.0, -2.0]
    largest = np.linalg.svd(V, compute_uv=False)[0]
    assert largest < 1
    for i in range(1, 30):
        assert np.linalg.norm(carried(V, x, i)) <= largest**i * np.linalg.norm(x) * (1 + 1e-12)
    # Printed without the power it does not fade: at i = 29 it is more than 10^8 times too large.
    assert largest * np.linalg.norm(x) > 1e8 * np.linalg.norm(carried(V, x, 29))
    for i in range(2, 30):  # true all the same
        assert np.linalg.norm(carried(V, x, i)) < largest * np.linalg.norm(x)
    assert np.linalg.norm(carried(V, [0.0, 0.0], 2)) == largest * 0.0  # but for x = 0
    assert np.linalg.norm(carried([[0.5, 0.0], [0.0, 0.25]], [1.0, 0.0], 1)) == 0.5  # nor strict for i = 1


def test_lecture_lower_bound_does_not_follow():
    V, x = [[2.0, 0.0], [0.0, 0.5]], [0.0, 1.0]
    largest, smallest = np.linalg.svd(V, compute_uv=False)
    assert largest > 1
    length = np.linalg.norm(carried(V, x, 3))
    assert not length > smallest * np.linalg.norm(x)
    assert length >= smallest**3 * np.linalg.norm(x)


def test_lecture_powers_may_explode_where_sigma_min_is_small():
    V = [[0.0, 4.0], [0.5, 0.0]]
    assert np.linalg.svd(V, compute_uv=False).tolist() == [4.0, 0.5]
    for x in ([1.0, 0.0], [0.0, 1.0], [3.0, -2.0]):
        for i in range(10):
            assert same(carried(V, x, 2 * i), 2.0**i * np.array(x))
        assert np.linalg.norm(carried(V, x, 40)) > 1e5 * np.linalg.norm(x)


def test_lecture_input_has_the_index_of_its_matrix():
    model = nn.MLP(3, [2, 4], "tanh", output="tanh", seed=1)
    x = np.array([0.5, -1.0, 2.0])
    W = dict(enumerate((np.array(layer.weight.data) for layer in model.layers), 1))  # W_1, ..., W_d
    a = {1: x}
    for i, w in W.items():
        a[i + 1] = np.tanh(w @ a[i])
    assert same([v.data for v in model(x)], a[3])
    with pytest.raises(KeyError):
        np.tanh(W[0] @ x)  # a_1 from a_0 = x: there is no W_0
    with pytest.raises(ValueError, match="mismatch"):
        W[1] @ np.tanh(W[1] @ x)  # a_0 = x meets W_1, and so does a_1


def test_lecture_z_is_two_things():
    draw = rng()
    W, x, y = draw.normal(size=(2, 3)), draw.normal(size=3), draw.normal(size=2)
    signals = nn.error_signals(nn.Linear(weights=W, bias=False), values(x), list(y), loss=lambda p, t: 2 * nn.sse(p, t))
    g = 2 * (W @ x - y)
    assert same(signals["layer1"], g)  # to z = W a
    to_input = ag.grad_of(signals.run.loss, signals.run.inputs)
    assert same(to_input, W.T @ g)  # to z, the input of layer d
    assert np.shape(to_input) != np.shape(signals["layer1"])
    given = {"loss": lambda p, t: 2 * nn.sse(p, t), "notation": "lecture-first"}
    named = nn.error_signals(nn.Linear(weights=W, bias=False), x.tolist(), list(y), **given)
    assert same(named["g_1"], g)
    assert named.run["z_1"] == named.run["a_1"]


def test_lecture_algorithm_sums_over_no_cases():
    draw = rng()
    W, X, Y = [draw.normal(size=(3, 3)) for _ in range(2)], draw.normal(size=(4, 3)), draw.normal(size=(4, 3))
    total = ag.grad(lambda W: ag.sum([loss_of(W, x, y)[0] for x, y in zip(X, Y, strict=True)]))(W)
    each = [nn.deep_linear_gradient(W, x, y) for x, y in zip(X, Y, strict=True)]
    for i in range(2):
        assert same(total[i], sum(np.array(g[i]) for g in each))
        assert not any(same(total[i], g[i]) for g in each)


def test_lecture_shared_weight_sums_over_all_uses():
    mu = ag.Value(0.7)
    uses = [mu * 1.0 for _ in range(4)]  # a, b, c, d
    ag.dot([ag.tanh(u) for u in uses], [1.0, 2.0, 3.0, 4.0]).backward()
    assert mu.grad == pytest.approx(sum(u.grad for u in uses))
    assert mu.grad != pytest.approx(uses[0].grad + uses[1].grad)


def test_lecture_proof_of_claim_1_is_of_one_row():
    draw = rng()
    W, a, g = draw.normal(size=(2, 3)), draw.normal(size=3), draw.normal(size=2)
    J = np.array(ag.jacobian(lambda w: times(w, list(a)))(W))
    assert same(J, np.einsum("ij,k->ijk", np.eye(2), a))
    assert J.shape != np.shape(a)  # a_i^T, as the proof has it
    assert same(ag.jacobian(lambda w: times(w, list(a)))(W[:1]), a[None, None])  # of one row it is
    with pytest.raises(ValueError, match="aligned"):
        np.dot(a, W)  # <a_i^T, W_i>: one number, where they have one shape
    assert same(ag.grad(lambda w: ag.dot(list(g), times(w, list(a))))(W), np.outer(g, a))  # the claim is right


def test_lecture_bias_within_the_activation_changes_no_derivative():
    model, x, y = nn.MLP(2, [2, 1], "tanh", bias_init=nn.init.uniform(), seed=1), [0.5, -1.0], [0.3]
    signals = nn.error_signals(model, x, y, loss=nn.sse, notation="lecture")
    (W1, W2), (b1, b2) = zip(*((np.array(l.weight.data), np.array(l.bias.data)) for l in model.layers), strict=True)
    z1 = values(W1 @ x)  # without it, and an activation t -> tanh(t + b)
    z2 = [ag.dot(row, [ag.tanh(z + b) for z, b in zip(z1, b1, strict=True)]) for row in W2]
    by_lecture = ag.grad_of(nn.sse([z + b for z, b in zip(z2, b2, strict=True)], y), [*z1, *z2])
    assert same(by_lecture, [*signals["layer1"], *signals["layer2"]])
    assert same([u.sum.data for u in signals.run.layers["layer1"]], W1 @ x + b1)
    assert not same([u.sum.data for u in signals.run.layers["layer1"]], numbers(z1))


def test_lecture_gradients_meet_the_transposed_matrix():
    V, x = np.array([[0.0, 4.0], [0.5, 1.0]]), np.array([1.0, -2.0])
    state = [ag.Value(v) for v in x]
    reached = state
    for _ in range(3):
        reached = times(V.tolist(), reached)
    g = [0.3, -0.7]
    back = ag.grad_of(ag.dot(reached, g), state)
    assert same(back, np.linalg.matrix_power(V.T, 3) @ g)
    assert not np.allclose(back, np.linalg.matrix_power(V, 3) @ g, atol=0.1)
    assert same(*(np.linalg.svd(np.linalg.matrix_power(M, 3), compute_uv=False) for M in (V, V.T)))


def test_lecture_the_previous_k_steps_do_not_cure_vanishing_signals():
    def norms(size, truncate):
        network = nn.RNN(1, 2, nonlinearity="linear", bias=False, truncate=truncate)
        network.weight_hh_l0 = [[size, 0.0], [0.0, size]]
        return nn.signal_over_time(network, [[1.0]] * 12).norms

    assert norms(0.5, None) == pytest.approx([0.5**k for k in range(13)])
    assert norms(0.5, 4)[4:] == [0.0] * 9  # what was small is nothing
    assert max(norms(2.0, None)) == pytest.approx(2.0**12)
    assert max(norms(2.0, 4)) <= 2.0**4  # what was large has k factors at most


# --- 003, CS60050 -------------------------------------------------------------------------------------------


def test_cs60050_cost_of_a_case_lacks_a_minus():
    y = 1.0
    z = ag.Value(0.4)
    a = ag.sigmoid(z)
    printed = y * ag.log(a) + (1 - y) * ag.log(1 - a)
    assert ag.grad_of(-printed, [z]) == [pytest.approx(a.data - y)]
    assert ag.grad_of(nn.binary_cross_entropy(a, y), [z]) == [pytest.approx(a.data - y)]
    assert ag.grad_of(printed, [z]) == [pytest.approx(y - a.data)]


def cost(theta, X, Y, penalty):
    """J of the slides for one layer of sigmoid units; theta[to][from], column 0 the bias."""
    outputs = [[ag.sigmoid(ag.dot(row, [1.0, *x])) for row in theta] for x in X]
    data = nn.binary_cross_entropy(outputs, Y, reduction="batchmean")
    return data + penalty / (2 * len(X)) * ag.sum([w * w for row in theta for w in row[1:]])


def regularised():
    draw = rng()
    X, Y = draw.normal(size=(4, 2)), (draw.random(size=(4, 3)) > 0.5).astype(float)
    theta, penalty = draw.normal(size=(3, 3)), 0.8
    gradient = np.array(ag.grad(lambda t: cost(t, X, Y, penalty))(theta.tolist()))
    inputs = np.column_stack([np.ones(4), X])
    delta = sigmoid(inputs @ theta.T) - Y  # a case per row
    return theta, penalty, gradient, inputs, delta


def test_cs60050_gradient_of_the_penalty_is_lambda_over_n():
    theta, penalty, gradient, inputs, delta = regularised()
    unpenalised = np.where(np.arange(3) == 0, 0.0, theta)
    assert same(gradient, delta.T @ inputs / 4 + penalty / 4 * unpenalised)
    assert not same(gradient, delta.T @ inputs / 4 + penalty * unpenalised)


def test_cs60050_accumulated_gradient_takes_the_activation_of_j():
    theta, penalty, gradient, inputs, delta = regularised()
    unpenalised = np.where(np.arange(3) == 0, 0.0, theta)
    right, printed = np.zeros((3, 3)), np.zeros((3, 3))
    for a, d in zip(inputs, delta, strict=True):
        for i in range(3):
            for j in range(3):
                right[i, j] += a[j] * d[i]
                printed[i, j] += a[i] * d[i]
    assert same(gradient, right / 4 + penalty / 4 * unpenalised)
    assert not same(gradient, printed / 4 + penalty / 4 * unpenalised)


def test_cs60050_bounds_of_the_sum_over_weights():
    sizes = [4, 3, 2]  # s_1, s_2, s_3; Theta^(l) leads from layer l to layer l + 1
    model = nn.MLP(sizes[0], sizes[1:], seed=0)
    weights = sum(len(neuron.w) for layer in model.layers for neuron in layer.neurons)
    assert weights == sum(sizes[k] * sizes[k + 1] for k in range(2))
    assert weights != sum(sizes[k - 1] * sizes[k] for k in range(1, 2))  # s_{l-1} s_l for l = 2; s_0 does not exist


def test_cs60050_cross_entropy_has_an_indicator_not_a_product():
    z, c = [0.5, -1.0, 2.0], 1
    y = ag.softmax(z)
    assert nn.cross_entropy(z, c) == pytest.approx(-sum((i == c) * math.log(p) for i, p in enumerate(y)))
    assert nn.cross_entropy(z, c) != pytest.approx(-math.prod(math.log(p) for p in y))


def test_cs60050_shape_and_bias_of_the_first_layer():
    layer = nn.Linear(3, 2, seed=0)
    for k, b in enumerate(layer.bias):
        b.data = 0.5 + k
    W, b = np.array(numbers(layer.weight)), np.array(numbers(layer.bias))
    x = [0.5, -1.0, 2.0]
    assert W.shape == (2, 3)  # m x d
    assert same([z.data for z in layer(x)], np.column_stack([W, b]) @ [*x, 1.0])
    shared = np.column_stack([W, [b[0]] * 2]) @ [*x, 1.0]  # the bias of another unit in the last row
    assert not same([z.data for z in layer(x)], shared)


def test_cs60050_row_of_the_bias_is_dropped_on_the_way_back():
    model = nn.MLP(2, [3, 2], "sigmoid", output="sigmoid", bias_init=nn.init.uniform(), seed=1)
    x, y = [0.5, -1.0], [1.0, 0.0]
    found = nn.cost(model, [x], [y])
    theta = np.array(model.layers[1].theta.data)
    a2 = sigmoid(np.array(model.layers[0].theta.data) @ [1.0, *x])
    back = theta.T @ found.deltas[1][0]
    assert back.shape == (4,)
    assert same(found.deltas[0][0], back[1:] * a2 * (1 - a2))
    with pytest.raises(ValueError, match="broadcast"):
        back * a2 * (1 - a2)  # as printed
    assert not same(found.deltas[0][0], (back * np.array([1.0, *a2]) * (1 - np.array([1.0, *a2])))[:-1])


def test_cs60050_cost_of_sigmoids_with_a_softmax_is_not_a_less_y():
    z, y = values([0.5, -1.0, 2.0]), [0.0, 1.0, 0.0]
    a = ag.softmax([v.data for v in z])
    printed = ag.grad_of(nn.binary_cross_entropy(ag.softmax(z), y, reduction="sum"), z)
    assert same(ag.grad_of(nn.cross_entropy(z, y), z), np.array(a) - y)
    assert not np.allclose(printed, np.array(a) - y, atol=0.1)
    with_sigmoids = ag.grad_of(nn.binary_cross_entropy([ag.sigmoid(v) for v in z], y, reduction="sum"), z)
    assert same(with_sigmoids, sigmoid([v.data for v in z]) - y)


def test_cs60050_one_dimension_at_a_time_is_coordinate_descent():
    def loss(theta):
        return (theta[0] + 2 * theta[1] - 1) ** 2

    start, rate = [0.5, -0.25], 0.1
    parameters = values(start)
    optimizer = nn.SGD(parameters, lr=rate)
    loss(parameters).backward()
    optimizer.step()
    at_once = np.array(start) - rate * np.array(ag.grad(loss)(start))
    one_by_one = list(start)
    for j in range(2):
        one_by_one[j] -= rate * ag.grad(loss)(one_by_one)[j]
    assert same(numbers(parameters), at_once)
    assert not np.allclose(one_by_one, at_once, atol=0.05)


def test_cs60050_bias_is_a_parameter_and_its_input_is_1():
    w, x, y = [0.5, 0.25, -0.5], [1.0, -2.0, 0.5], 1.0
    unit = nn.Neuron(weights=w, bias=1.0, activation="sigmoid")
    optimizer = nn.SGD(unit, lr=0.5)
    a = unit(x)
    nn.binary_cross_entropy(a, y).backward()
    assert unit.b.grad == pytest.approx(a.data - y)
    optimizer.step()
    assert unit.b.data != 1.0
    node = unit(x).parents[0]  # z = w . x + b: its derivative to b is 1, whatever b is
    assert node.local_grads[node.parents.index(unit.b)] == 1.0


def test_cs60050_row_with_the_bias_needs_a_1_below_x():
    layer, x = nn.Layer(3, 2, "linear", bias_init=nn.init.uniform(), seed=1), [0.5, -1.0, 2.0]
    rows = np.column_stack([layer.weight.data, layer.bias.data])
    assert same([z.data for z in layer(x)], rows @ [*x, 1.0])
    with pytest.raises(ValueError, match="mismatch"):
        rows @ x


def test_cs60050_cost_is_a_sum_at_first_and_a_mean_later():
    draw = rng()
    model, X, Y = nn.MLP(2, [2, 1], "tanh", output="sigmoid", seed=1), draw.normal(size=(4, 2)), [[1], [0], [0], [1]]
    later = nn.cost(model, X, Y)
    at_first = nn.binary_cross_entropy([model(x) for x in X], Y, reduction="sum")
    at_first.backward()
    for layer, D in zip(model.layers, later.D, strict=True):
        assert same(layer.theta.grad, 4 * D)
    assert at_first.data == pytest.approx(4 * later.J)


def test_cs60050_input_needs_its_1_as_the_other_layers_do():
    model, x = nn.MLP(2, [3, 1], "sigmoid", output="sigmoid", bias_init=nn.init.uniform(), seed=1), [0.5, -1.0]
    theta = [np.array(layer.theta.data) for layer in model.layers]
    a2 = sigmoid(theta[0] @ [1.0, *x])
    assert same(sigmoid(theta[1] @ [1.0, *a2]), [model(x).data])
    with pytest.raises(ValueError, match="mismatch"):
        theta[0] @ x  # z^(2) = Theta^(1) a^(1), with no a_0^(1) added


def test_cs60050_learning_rate_is_that_of_the_iteration():
    rates, start = [0.5, 0.25, 0.125], 1.0
    w = ag.Value(start)
    optimizer = nn.SGD([w], lr=lambda k: rates[k])
    for _ in rates:
        optimizer.zero_grad()
        nn.sse(w, 0.0).backward()
        optimizer.step()
    assert w.data == pytest.approx(start * math.prod(1 - rate for rate in rates))  # eps_k
    assert w.data != pytest.approx(start * (1 - rates[0]) ** 3)  # one eps


def test_cs60050_two_classes_need_one_output():
    z, y = 0.7, 1
    assert len(ag.softmax([z, 0.0])) == 2  # as many as classes
    assert ag.softmax([z, 0.0])[0] == pytest.approx(ag.sigmoid(z))  # and the one sigmoid says as much
    assert nn.binary_cross_entropy(ag.sigmoid(z), y) == pytest.approx(nn.cross_entropy([0.0, z], y))


def test_cs60050_gradient_descent_may_end_where_there_is_no_optimum():
    X, Y = [[0.5, -1.0], [1.0, 2.0], [-1.5, 0.3], [0.2, 0.8]], [1, 0, 0, 1]
    model = nn.MLP(2, [3, 1], "sigmoid", output="sigmoid", init=nn.init.constant(0.0))
    with pytest.warns(UserWarning, match="no step changed a weight of layer1, layer2: .* or all weights are 0"):
        nn.fit(model, X, Y, loss=nn.binary_cross_entropy, optimizer=nn.SGD(lr=0.5), epochs=50, progress=False)
    assert same([p.data for p in model.parameters()], [0.0] * 13)
    least = min(nn.hessian(model, X, Y, loss=nn.binary_cross_entropy).eigenvalues())
    assert least < -0.01  # a saddle: downhill in some direction
    near = nn.MLP(2, [3, 1], "sigmoid", output="sigmoid", init=nn.init.uniform(-0.5, 0.5), seed=1)
    nn.fit(near, X, Y, loss=nn.binary_cross_entropy, optimizer=nn.SGD(lr=1.0), epochs=2000, progress=False)
    assert nn.evaluate(near, X, Y, loss=nn.binary_cross_entropy).loss < 0.5 * math.log(2.0)


def test_cs60050_xor_has_no_optimum_at_0_though_its_hessian_shows_no_descent():
    X, y = nn.datasets.xor()
    model = nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", init=nn.init.constant(0.0))
    assert np.mean(np.array(X)[np.array(y) == 1], axis=0).tolist() == np.mean(X, axis=0).tolist()
    assert min(nn.hessian(model, X, y, loss=nn.binary_cross_entropy).eigenvalues()) > -1e-12

    def fallen(t, X=X):
        """How far J falls along a curve of weights as long as t."""
        hidden, output = model.layers
        hidden.weight, hidden.bias = [[t, t], [t, t]], [t, -t]
        output.weight, output.bias = [[t, -t]], [-t * math.tanh(t / 2)]
        return math.log(2.0) - nn.evaluate(model, X, y, loss=nn.binary_cross_entropy).loss

    assert fallen(0.0) == pytest.approx(0.0, abs=1e-15)
    for t in (0.05, 0.1, 0.2):
        assert fallen(t) == pytest.approx(t**4 / 32, rel=0.1)
        assert fallen(t, [[2 * v - 1 for v in x] for x in X]) == pytest.approx(t**4 / 8, rel=0.1)


def test_cs60050_two_hidden_layers_hide_the_descent_from_the_hessian():
    X, Y = [[0.5, -1.0], [1.0, 2.0], [-1.5, 0.3], [0.2, 0.8]], [1, 0, 0, 1]
    apart = np.mean(np.array(X)[[0, 3]], axis=0) - np.mean(np.array(X)[[1, 2]], axis=0)  # of the two classes' means
    zero = nn.init.constant(0.0)
    for sizes, shown in (([3, 1], True), ([1, 1], True), ([3, 3, 1], False), ([1, 1, 1], False)):
        model = nn.MLP(2, sizes, "sigmoid", output="sigmoid", init=zero)
        with pytest.warns(UserWarning, match="no step changed a weight"):
            nn.fit(model, X, Y, loss=nn.binary_cross_entropy, optimizer=nn.SGD(lr=0.5), epochs=5, progress=False)
        assert not any(p.data for p in model.parameters())
        least = min(nn.hessian(model, X, Y, loss=nn.binary_cross_entropy).eigenvalues())
        assert least < -0.01 if shown else least > -1e-12

    def fallen(t):
        """How far J falls along a curve of weights of length t each; biases take the mean outputs away."""
        first, second, last = model.layers
        first.weight, second.weight, last.weight = [(t * apart / np.hypot(*apart)).tolist()], [[t]], [[t]]
        second.bias, last.bias = [-t / 2], [-t / 2]
        return math.log(2.0) - nn.evaluate(model, X, Y, loss=nn.binary_cross_entropy).loss

    for t in (0.05, 0.1, 0.2):
        assert fallen(t) == pytest.approx(t**3 * np.hypot(*apart) / 64, rel=0.05)
    without = nn.MLP(2, [1], output="sigmoid", init=zero)  # and with no hidden layer it doesn't stay there
    nn.fit(without, X, Y, loss=nn.binary_cross_entropy, optimizer=nn.SGD(lr=0.5), epochs=1, progress=False)
    assert np.allclose([w.data for w in without.layers[0].neurons[0].w], 0.5 * apart / 4)


def test_cs60050_step_is_differentiable_almost_everywhere_and_nothing_below_it_learns():
    draw = rng()
    X, y = draw.normal(size=(8, 2)).tolist(), [[1.0], [0.0]] * 4

    def step(s):
        return ag.where(s > 0, 1.0, 0.0) + 0.0 * s

    W1, W2 = (values(draw.normal(size=shape)) for shape in ((3, 2), (1, 3)))

    def outputs(f):
        return [[ag.sigmoid(ag.dot(W2[0], [f(ag.dot(row, x)) for row in W1]))] for x in X]

    for f, learns in ((step, False), (ag.tanh, True)):
        below, above = ([w for row in W for w in row] for W in (W1, W2))
        slopes = ag.grad_of(nn.binary_cross_entropy(outputs(f), y), below + above)
        assert any(slopes[: len(below)]) == learns
        assert all(slopes[len(below) :])  # the output layer learns from what the units give


def test_cs60050_steps_back_need_the_biases_too():
    model = nn.MLP(2, [3, 1], "tanh", output="sigmoid", bias_init=nn.init.uniform(), seed=1)
    x, y = [0.5, -1.0], [1.0]
    signals = nn.error_signals(model, x, y, loss=nn.binary_cross_entropy)
    signals.run.loss.backward()
    for name, layer in zip(("layer2", "layer1"), model.layers[::-1], strict=True):
        assert same(layer.bias.grad, signals[name])  # dL/dz of the layer
        assert all(layer.bias.grad)


def test_cs60050_product_of_activation_and_signal_is_of_one_case():
    model = nn.MLP(2, [3, 1], "sigmoid", output="sigmoid", seed=1)
    X, Y = [[0.5, -1.0], [1.0, 2.0], [-1.5, 0.3]], [[1.0], [0.0], [1.0]]
    products = []
    for x, y in zip(X, Y, strict=True):
        signals = nn.error_signals(model, x, y, loss=nn.binary_cross_entropy, notation="cs60050")
        products.append(np.array(signals.weight_gradient("Θ^(1)")))
    D = nn.cost(model, X, Y).D[0]
    assert same(D, np.mean(products, axis=0))
    assert all(not np.allclose(D, product, atol=1e-3) for product in products)


def test_cs60050_one_moves_against_the_slope():
    theta = [1.0, -2.0]

    def loss(v):
        return ag.square(v[0] - 3.0) + 2.0 * ag.square(v[1] + 1.0) + v[0] * v[1]

    slopes = ag.grad(loss)(theta)
    for j in (0, 1):
        along, against = ([v + sign * 0.01 * slopes[j] * (i == j) for i, v in enumerate(theta)] for sign in (1, -1))
        assert loss(against) < loss(theta) < loss(along)


# --- 004, LING3804 ------------------------------------------------------------------------------------------

STATE = [0.3, -1.8, -0.2, 0.4, 0.9]


def test_ling3804_product_is_13_and_16():
    matrix = [[3.0, 4.0], [5.0, 6.0]]
    [through] = ag.vjp(lambda x: times(matrix, x), [0.0, 0.0])[1]([1.0, 2.0])
    assert through == [13.0, 16.0]
    assert through != [13.0, 20.0]


def test_ling3804_relu_matrix_has_all_its_cells():
    J = ag.jacobian(lambda x: [ag.relu(v) for v in x])(STATE)
    assert same(J, np.diag([1, 0, 0, 1, 1]))
    printed = [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert [len(row) for row in printed] == [5, 5, 5, 4, 4]
    assert [row[: len(kept)] for row, kept in zip(J, printed, strict=True)] != printed


def test_ling3804_threshold_of_practice_6_1_jumps():
    from autograd_core.testing import check_gradient

    def f(x):
        return ag.where(x > -1, x, 0.0)

    assert f(-1.0) == 0.0
    assert f(-1.0 + 1e-12) == pytest.approx(-1.0)
    assert check_gradient(f, (-1.0,)).verdict == "DISCONTINUOUS"
    assert all(check_gradient(f, (x,)) for x in STATE)  # where it is asked, it is smooth


def test_ling3804_relu_does_attenuate_with_weights():
    """Its Jacobian stretches nothing and shrinks nothing but to 0; a layer of it loses half of a random error."""
    J = np.array(ag.jacobian(lambda x: [ag.relu(v) for v in x])(STATE))
    assert set(np.linalg.svd(J, compute_uv=False)) == {0.0, 1.0}
    fading = nn.attenuation(20, 12, activations=["relu", "linear"], runs=5, seed=0)
    assert fading.per_layer("relu") < 0.85 * fading.per_layer("linear")
    narrow = [nn.attenuation(30, 12, activations=["relu"], gain=g, runs=31, seed=0).per_layer("relu") for g in (1, 2**0.5)]
    assert narrow[1] / narrow[0] == pytest.approx(2**0.5)  # a relu network without biases is homogeneous
    assert [f"{factor:.2f}" for factor in narrow] == ["0.63", "0.89"]
    assert "to 0.63 of it per layer at width 12, and to 0.89 at gain √2" in PAGE.read_text(encoding="utf-8")
    assert narrow[0] == pytest.approx(typical_factor_of_relu(12), abs=0.025)
    assert [round(typical_factor_of_relu(n) * g, 2) for n, g in ((12, 1), (12, 2**0.5), (400, 1), (400, 2**0.5))] == [
        0.62, 0.88, 0.7, 1.0,
    ]  # fmt: skip
    wide = nn.attenuation(10, 100, activations=["relu"], gain=2**0.5, runs=2, seed=0)
    assert 0.94 < wide.per_layer("relu") < 1.06


def typical_factor_of_relu(width):
    """exp E[log] of the length, if each unit is active with probability 1/2: of m active ones it is sqrt(chi^2_m / width)."""

    def mean_log_chi_squared(m):  # log 2 + digamma(m / 2), by its recurrence
        start = -np.euler_gamma - (2 * math.log(2.0) if m % 2 else 0.0)
        return math.log(2.0) + start + sum(2.0 / k for k in range(2 - m % 2, m, 2))

    weights = [math.comb(width, m) for m in range(1, width + 1)]
    logs = [mean_log_chi_squared(m) - math.log(width) for m in range(1, width + 1)]
    return math.exp(0.5 * sum(w * x for w, x in zip(weights, logs, strict=True)) / sum(weights))


def factor_by_numpy(name, width, gain, depth=30, runs=5):
    """What one layer W J_f does to an error's length: `nn.attenuation` in NumPy, whatever the width."""
    draw = rng()
    f = {"tanh": np.tanh, "sigmoid": lambda s: 0.5 + 0.5 * np.tanh(s / 2)}[name]
    factors = []
    for _ in range(runs):
        W = draw.normal(size=(depth, width, width)) * gain / math.sqrt(width)
        x, back, slopes = draw.normal(size=width), draw.normal(size=width), []
        for w in W:
            x = f(w @ x)
            slopes.append(1 - x**2 if name == "tanh" else x * (1 - x))
        lengths = []
        for w, slope in zip(W[::-1], slopes[::-1], strict=True):
            lengths.append(np.linalg.norm(back * slope))
            back = (back * slope) @ w
        factors.append((lengths[-1] / lengths[0]) ** (1 / (depth - 1)))
    return float(np.median(factors))


def test_ling3804_weight_update_is_an_outer_product():
    layer, activation = nn.Linear(3, 2, bias=False, seed=1), [0.5, -1.0, 2.0]
    before = np.array(layer.weight.data)
    error = [0.3, -0.7]
    optimizer = nn.SGD(layer, lr=1.0)
    ag.dot(layer(activation), error).backward()
    optimizer.step()
    assert same(before - layer.weight.data, np.outer(error, activation))
    with pytest.raises(ValueError, match="aligned"):
        np.dot(error, activation)


def test_ling3804_activations_do_not_go_forward_through_jacobians():
    x = [0.3, -0.5, 0.9]
    for f, homogeneous in ((ag.tanh, False), (ag.sigmoid, False), (ag.relu, True), (lambda z: z, True)):
        J = np.array(ag.jacobian(lambda z, f=f: [f(v) for v in z])(x))
        assert same(J @ x, [f(v) for v in x]) == homogeneous
    softmax = np.array(ag.jacobian(ag.softmax)(x))
    assert not np.allclose(softmax @ x, ag.softmax(x), atol=0.05)
    change = 1e-7 * np.array([1.0, -2.0, 0.5])  # what they do carry forward is a small change
    assert same(1e7 * (softmax @ change), 1e7 * np.array(ag.jvp(ag.softmax, (x,), (list(change),))[1]))


def test_ling3804_large_weights_amplify_through_tanh_and_sigmoid_in_wide_layers_alone():
    every = ["linear", "relu", "tanh", "sigmoid", "softmax"]
    row = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if "0.987 at g = 1.2" in line)
    assert '.per_layer("tanh")` is 0.987 at g = 1.2 and 1.011 at 1.3, of "sigmoid" 0.986 at 10 and 1.087 at 12' in row
    for name, gain, printed in (("tanh", 1.2, "0.987"), ("tanh", 1.3, "1.011"), ("sigmoid", 10, "0.986"), ("sigmoid", 12, "1.087")):
        factor = nn.attenuation(30, 200, activations=[name], gain=gain, runs=1, seed=0).per_layer(name)
        assert f"{factor:.{len(printed) - 2}f}" == printed, (name, gain)
    narrow = nn.attenuation(8, 8, activations=every, gain=6.0, runs=3, seed=0)
    assert [narrow.per_layer(name) > 1 for name in every] == [True, True, False, False, False]
    for name, fading, growing in (("tanh", (1.0, 1.1), (1.3, 1.5, 3.0)), ("sigmoid", (5.0, 10.0), (12.0, 20.0, 50.0))):
        assert all(factor_by_numpy(name, 200, gain) < 1 for gain in fading)
        assert all(factor_by_numpy(name, 200, gain) > 1 for gain in growing)
        assert all(factor_by_numpy(name, 8, gain, runs=101) < 1 for gain in fading + growing)
    assert factor_by_numpy("sigmoid", 200, 20.0) == pytest.approx(1.3, abs=0.06)
    assert factor_by_numpy("sigmoid", 200, 50.0) == pytest.approx(2.0, abs=0.12)
    for gain in (1.0, 2.0, 4.0, 20.0, 200.0):
        factor = nn.attenuation(8, 8, activations=["tanh", "sigmoid", "softmax"], gain=gain, runs=5, seed=0)
        assert all(factor.per_layer(name) < 1 for name in factor.norms)
    wide = nn.attenuation(8, 100, activations=["tanh", "sigmoid", "softmax"], gain=50.0, runs=2, seed=2)
    grown = {name: (norms[-1] / norms[1]) ** (1 / 7) for name, norms in wide.norms.items()}
    assert {name: factor > 1.1 for name, factor in grown.items()} == {"tanh": True, "sigmoid": True, "softmax": False}
    assert nn.attenuation(8, 100, activations=["tanh"], gain=4.0, runs=1, seed=2).per_layer("tanh") > 1.1


def test_ling3804_it_is_an_input_of_softmax_that_lowers_the_others():
    J = np.array(ag.jacobian(ag.softmax)(STATE))
    assert (np.diag(J) > 0).all()
    assert (J[~np.eye(5, dtype=bool)] < 0).all()
    # An output cannot be raised by itself: they add up to 1, whatever the input.
    assert same(J.sum(axis=0), np.zeros(5))


def test_ling3804_small_entries_are_of_a_jacobian_not_weights():
    J = np.array(ag.jacobian(ag.softmax)(STATE))
    assert np.linalg.svd(J, compute_uv=False)[0] <= 0.5
    assert np.abs(J).max() < 0.25
    error = np.array([1.0, -1.0, 1.0, -1.0, 0.5])
    small, large = (np.linalg.norm(error @ (gain * np.eye(5)) @ J) / np.linalg.norm(error) for gain in (1.0, 10.0))
    assert small < 0.5  # the Jacobian alone
    assert large > 1  # and weights before it that undo it


def test_ling3804_relu_zeroes_about_half():
    jacobian = np.array(ag.jacobian(lambda x: [ag.relu(v) for v in x])(STATE))
    assert np.count_nonzero(jacobian == 0) == 22  # that of 6.2, and 20 of them for any function of one entry
    zeros = nn.attenuation(6, 40, activations=["relu"], runs=5, seed=0).zeros["relu"]
    assert all(0.35 < share < 0.65 for share in zeros[1:])


def test_ling3804_direction_of_a_weight_hangs_on_the_sign_of_its_input():
    unit, x, target = nn.Layer(weights=[[0.5, 0.5]], bias=False, activation="linear"), [1.0, -2.0], 1.0
    before = unit(x).data
    error = before - target
    assert error < 0  # the prediction is too low
    optimizer = nn.SGD(unit, lr=0.1)
    nn.sse(unit(x), target).backward()
    optimizer.step()
    [moved] = np.array(unit.weight.data) - 0.5
    assert same(moved, -0.1 * error * np.array(x))
    assert moved[0] > 0 > moved[1]
    raised = nn.Layer(weights=[[0.6, 0.6]], bias=False, activation="linear")  # both used weights increased
    assert raised(x).data < before


def test_ling3804_layers_without_curves_estimate_linear_functions_alone():
    model = nn.MLP(2, [5, 5, 1], "linear", bias=False, seed=1)
    W1, W2, W3 = (np.array(layer.weight.data) for layer in model.layers)
    X, y = nn.datasets.xor()
    assert same([model(x).data for x in X], np.array(X) @ (W3 @ W2 @ W1)[0])
    deep = nn.MLP(2, [5, 5, 1], "linear", seed=1)
    nn.fit(deep, X, y, loss=nn.mse, optimizer=nn.Adam(lr=0.05), epochs=200, progress=False)
    assert nn.evaluate(deep, X, y, loss=nn.mse).loss == pytest.approx(0.25, abs=1e-3)  # as always answering 1/2
