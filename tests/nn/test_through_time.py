"""Signals fade or blow up over time between powers of the singular values of V."""

import math
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
import nn

ROOM = 1 + 1e-9  # for rounding in products of some dozen matrices


def matrix(rnn):
    return np.array([[p.data for p in row] for row in rnn.weight_hh_l0])


def put(rnn, V):
    for row, numbers in zip(rnn.weight_hh_l0, V, strict=True):
        for p, number in zip(row, numbers, strict=True):
            p.data = float(number)


def sequence(steps, seed=0, width=1):
    return np.random.default_rng(seed).normal(size=(steps, width)).tolist()


@examples(25)
@given(seed=st.integers(0, 1000), scale=st.sampled_from([0.3, 1.0, 3.0]))
def test_a_linear_recurrence_stays_between_the_powers_of_the_singular_values(seed, scale):
    """sigma_min(V)^k <= |V^k| <= sigma_max(V)^k; the lecture prints them without the power."""
    rnn = nn.RNN(1, 3, nonlinearity="linear", init=nn.init.uniform(-scale, scale), seed=seed)
    V = matrix(rnn)
    signal = nn.signal_over_time(rnn, sequence(8, seed))
    sigma = np.linalg.svd(V, compute_uv=False)
    assert signal.singular_values == (pytest.approx(sigma[-1], abs=1e-12), pytest.approx(sigma[0]))
    for k, norm in enumerate(signal.norms):
        assert norm == pytest.approx(np.linalg.norm(np.linalg.matrix_power(V, k), 2))
        assert signal.upper[k] == pytest.approx(sigma[0] ** k)
        assert signal.lower[k] == pytest.approx(sigma[-1] ** k, abs=1e-12)
        assert signal.lower[k] <= norm * ROOM
        assert norm <= signal.upper[k] * ROOM


def test_the_printed_bounds_fail_without_the_power():
    """|V^k x| < sigma_max |x| for |V| < 1 is true but says nothing of k; for |V| > 1 the lower one does not follow."""
    V = np.diag([2.0, 0.25])  # |V| = 2 > 1
    x = np.array([0.0, 1.0])
    k = 3
    assert np.linalg.norm(np.linalg.matrix_power(V, k) @ x) < 0.25 * np.linalg.norm(x)  # not above sigma_min |x|
    rnn = nn.RNN(1, 2, nonlinearity="linear", bias=False, seed=1)
    put(rnn, V)
    signal = nn.signal_over_time(rnn, sequence(k))
    assert signal.norms[k] == 8.0 > signal.singular_values[1]  # above sigma_max: the power is needed
    put(rnn, np.diag([0.5, 0.25]))
    signal = nn.signal_over_time(rnn, sequence(k))
    assert signal.norms[k] == 0.125 < signal.singular_values[0]  # below sigma_min: likewise


@examples(25)
@given(
    kind=st.sampled_from(["tanh", "relu", "sigmoid", "softplus", "elu", "leaky_relu", "sin"]),
    seed=st.integers(0, 1000),
)
def test_no_activation_lets_more_through_than_its_greatest_slope(kind, seed):
    rnn = nn.RNN(1, 3, nonlinearity=kind, init=nn.init.uniform(-2.0, 2.0), seed=seed)
    signal = nn.signal_over_time(rnn, sequence(6, seed))
    assert all(low <= norm * ROOM for low, norm in zip(signal.lower, signal.norms, strict=True))
    assert all(norm <= high * ROOM for norm, high in zip(signal.norms, signal.upper, strict=True))
    slope = 0.25 if kind == "sigmoid" else 1.0
    assert signal.upper[2] == pytest.approx((slope * signal.singular_values[1]) ** 2)


def test_norms_are_those_of_the_product_of_one_step_jacobians():
    rnn = nn.RNN(2, 3, seed=4)
    x = sequence(5, width=2)
    h0 = [0.3, -0.2, 0.9]
    signal = nn.signal_over_time(rnn, x, h0)
    J, product, h = [], np.eye(3), h0
    for step in x:
        J.append(ag.jacobian(lambda h, step=step: list(rnn([step], h)[1]))(h))
        J[-1] = [[v.data for v in row] for row in J[-1]]
        h = [v.data for v in rnn([step], h)[1]]
    norms = [1.0]
    for one in reversed(J):
        product = product @ np.array(one)
        norms.append(np.linalg.norm(product, 2))
    assert signal.norms == pytest.approx(norms)


def step_in_numpy(network, x, state):
    """One step on arrays, which may be complex; PyTorch's order of gates i, f, g, o."""
    n = network.hidden_size
    W, V = (np.array([[p.data for p in row] for row in M]) for M in (network.weight_ih_l0, network.weight_hh_l0))
    bias = 0.0
    for b in (network.bias_ih_l0, network.bias_hh_l0):
        bias = bias + (np.array([p.data for p in b]) if b else 0.0)
    z = W @ np.array(x) + V @ state[:n] + bias
    if isinstance(network, nn.RNN):
        return np.tanh(z)
    sigmoid = lambda y: 1.0 / (1.0 + np.exp(-y))
    i, f, g, o = sigmoid(z[:n]), sigmoid(z[n : 2 * n]), np.tanh(z[2 * n : 3 * n]), sigmoid(z[3 * n :])
    c = f * state[n:] + i * g
    return np.concatenate([o * np.tanh(c), c])


def norms_in_numpy(network, x, start):
    """Norms of d state_T / d state_(T-k), each by complex steps through the last k steps of the network."""
    states = [np.array(start)]
    for numbers in x:
        states.append(step_in_numpy(network, numbers, states[-1]))
    norms = []
    for k in range(len(x) + 1):
        columns = []
        for j in range(len(start)):
            state = states[len(x) - k].astype(complex)
            state[j] += 1e-200j
            for numbers in x[len(x) - k :]:
                state = step_in_numpy(network, numbers, state)
            columns.append(state.imag / 1e-200)
        norms.append(np.linalg.norm(np.array(columns).T, 2))
    return norms


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
def test_norms_are_those_of_the_whole_state_to_the_whole_state_before(kind, size, width, bias):
    """h_t of an LSTM hangs on c_t, and yet d (h, c)_T / d (h, c)_T is the identity."""
    network = kind(width, size, bias=bias, init=nn.init.uniform(-1.0, 1.0), seed=size)
    rng = np.random.default_rng(size)
    if bias:
        for p in network.bias_ih_l0:
            p.data = float(rng.normal())
    x = rng.normal(size=(6, width)).tolist()
    parts = [rng.normal(size=size).tolist() for _ in range(1 if kind is nn.RNN else 2)]
    signal = nn.signal_over_time(network, x, parts[0] if kind is nn.RNN else tuple(parts))
    assert signal.norms == pytest.approx(norms_in_numpy(network, x, [v for part in parts for v in part]), rel=1e-12)
    assert signal.norms[0] == 1.0


def test_norms_of_a_small_lstm_are_these():
    signal = nn.signal_over_time(nn.LSTM(1, 2, seed=1), [[0.3]] * 4)
    assert [round(norm, 3) for norm in signal.norms] == [1.0, 0.860, 0.313, 0.167, 0.089]
    cut = nn.signal_over_time(nn.LSTM(1, 2, truncate=3, seed=1), [[0.3]] * 4)
    assert cut.norms == [1.0, 0.0, 0.0, 0.0, 0.0]  # the state that enters the last step is cut
    assert nn.signal_over_time(nn.LSTM(1, 2, truncate=2, seed=1), [[0.3]] * 4).norms[:2] == signal.norms[:2]


def test_with_a_small_v_the_gradient_vanishes_and_with_a_large_one_it_explodes():
    rotation = np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]])
    rnn = nn.RNN(1, 2, nonlinearity="linear", seed=1)
    for size in (0.5, 1.0, 1.5):
        put(rnn, size * rotation)  # both singular values are `size`, so the bounds are the norm
        signal = nn.signal_over_time(rnn, sequence(20))
        assert signal.norms == pytest.approx([size**k for k in range(21)])
        assert signal.lower == pytest.approx(signal.upper)
    rnn.nonlinearity, rnn._function = "tanh", ag.tanh
    put(rnn, 0.5 * rotation)
    signal = nn.signal_over_time(rnn, sequence(20))
    assert signal.norms[-1] < 0.5**20
    assert all(b < a for a, b in pairwise(signal.norms))


def test_an_lstm_that_keeps_its_cell_keeps_the_signal():
    lstm, rnn = nn.LSTM(1, 3, seed=1), nn.RNN(1, 3, seed=1)
    for p in lstm.bias_ih_l0[3:6]:
        p.data = 10.0  # f near 1
    kept, faded = (nn.signal_over_time(network, sequence(30)) for network in (lstm, rnn))
    assert kept.norms[-1] > 0.9
    assert faded.norms[-1] < 1e-3
    assert kept.upper is kept.lower is kept.singular_values is None
    given = nn.signal_over_time(lstm, sequence(3), ([ag.Value(1.0), 0.0, 0.0], [5.0, 0.0, 0.0]))
    assert len(given.norms) == 4


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
def test_beyond_a_cut_there_is_no_signal(kind):
    network = kind(1, 2, truncate=3, seed=1)
    norms = nn.signal_over_time(network, sequence(6)).norms
    assert all(norms[:3])
    assert not any(norms[3:])
    assert nn.signal_over_time(network, sequence(6)).plot().axes[0].lines[0].get_ydata()[:3].tolist() == norms[:3]


def test_an_activation_of_ones_own_is_measured_without_bounds():
    rnn = nn.RNN(1, 2, nonlinearity=lambda z: 3 * ag.tanh(z), seed=1)
    signal = nn.signal_over_time(rnn, sequence(4))
    assert signal.upper is signal.lower is None
    assert signal.singular_values is not None
    assert nn.signal_over_time(nn.RNN(1, 2, nonlinearity="gelu", seed=1), sequence(4)).upper is None
    steps = nn.RNN(1, 1, nonlinearity=lambda z: 1.0 if z.data > 0 else 0.0, seed=1)
    assert nn.signal_over_time(steps, sequence(2)).norms == [1.0, 0.0, 0.0]  # numbers depend on nothing


def test_the_plot_has_the_norms_their_bounds_and_what_to_compare_with():
    rnn = nn.RNN(1, 2, nonlinearity="linear", seed=1)
    signal = nn.signal_over_time(rnn, sequence(4))
    low, high = signal.singular_values
    axes = signal.plot("linear", beside={"LSTM": nn.signal_over_time(nn.LSTM(1, 2, seed=1), sequence(4))}).axes[0]
    assert [line.get_label() for line in axes.lines] == ["linear", f"≤ {high:.3g}^k", f"≥ {low:.3g}^k", "LSTM"]
    assert axes.lines[0].get_ydata().tolist() == signal.norms
    tanh = nn.signal_over_time(nn.RNN(1, 2, seed=1), sequence(4))
    assert len(tanh.plot().axes[0].lines) == 2  # a lower bound of 0 is none
    assert len(tanh.plot(beside={"again": tanh}).axes[0].lines) == 3  # the same bound is drawn once


def test_it_is_a_table_of_the_norms_and_their_bounds():
    signal = nn.signal_over_time(nn.RNN(1, 2, seed=1), sequence(4))
    heading, heads, *rows = repr(signal).splitlines()
    assert heading.startswith("Signal over time  norm ‖∂state_T / ∂state_(T−k)‖, T = 4; singular values of V ")
    assert heads.split() == ["k", "norm", "lower", "upper"]
    for k, row in enumerate(rows):
        assert int(row.split()[0]) == k
        found = [float(x.replace("−", "-")) for x in row.split()[1:]]
        assert found == pytest.approx([signal.norms[k], signal.lower[k], signal.upper[k]], rel=1e-3)
    assert signal._repr_html_().count("<tr>") == 6
    lstm = nn.signal_over_time(nn.LSTM(1, 2, seed=1), sequence(4))
    assert str(lstm).splitlines()[:2] == ["Signal over time  norm ‖∂state_T / ∂state_(T−k)‖, T = 4", "k     norm"]
    for steps in (14, 15, 16, 40):  # of many steps the first and the last
        shown = str(nn.signal_over_time(nn.RNN(1, 2, seed=1), sequence(steps))).splitlines()[2:]
        assert len(shown) == min(steps + 1, 16)
        assert shown[-1].split()[0] == str(steps)


def test_no_two_curves_look_alike():
    """As many as there are activations, and as one may compare: beyond six the colours come again with other lines."""
    names = [name for name in nn._src.modules.activations.ACTIVATIONS if name]
    assert len(names) > 6
    signal = nn.SignalOverTime([1.0, 0.5])
    for figure in (
        nn.attenuation(2, 2, activations=names, runs=1, seed=0).plot(),
        signal.plot("0", beside={str(k): signal for k in range(1, 20)}),
    ):
        for axes in figure.axes:
            looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
            assert len(looks) == len(axes.lines)
        assert len(figure.axes[0].lines) > 6


def test_what_cannot_be_measured_is_refused(monkeypatch):
    with pytest.raises(ag.OperandError, match="signal_over_time: expected an RNN or LSTM, got MLP"):
        nn.signal_over_time(nn.MLP(1, [1], seed=0), [[1.0]])
    with pytest.raises(ag.StructureError, match="h0: expected a list of 2 numbers, got 1"):
        nn.signal_over_time(nn.RNN(1, 2), [[1.0]], [0.0])
    with pytest.raises(ag.StructureError, match="expected a list of at least one step"):
        nn.signal_over_time(nn.RNN(1, 2), [])
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ag.MissingExtraError, match=r"signal_over_time needs NumPy: pip install 'autograd-core\[fast\]'"):
        nn.signal_over_time(nn.RNN(1, 2), [[1.0]])


def test_a_signal_that_is_not_a_number_is_nan():
    signal = nn.signal_over_time(nn.RNN(1, 2, seed=1), [[math.nan], [1.0]])
    assert signal.norms[0] == 1.0
    assert all(map(math.isnan, signal.norms[1:]))


@pytest.mark.parametrize("kind", ["linear", "leaky_relu", "tanh"])
@pytest.mark.parametrize("steps", [1, 2, 5, 6, 7])
@pytest.mark.parametrize("cut", [None, 1, 2, 3, 6])
def test_bounds_hold_where_the_way_back_is_cut(kind, steps, cut):
    network = nn.RNN(1, 2, nonlinearity=kind, bias=False, truncate=cut, seed=1)
    network.weight_hh_l0 = [[0.9, 0.0], [0.0, 0.8]]
    signal = nn.signal_over_time(network, [[1.0]] * steps)
    for low, norm, high in zip(signal.lower, signal.norms, signal.upper, strict=True):
        assert low <= norm * (1 + 1e-12)
        assert norm <= high * (1 + 1e-12)
    if kind == "linear":  # and the bound is as good as it can be
        assert signal.lower == pytest.approx([0.8**k if norm else 0.0 for k, norm in enumerate(signal.norms)])
    drawn = [line for line in signal.plot().axes[0].lines if line.get_label().startswith("≥")]
    assert bool(drawn) == any(signal.lower[1:])
    for line in drawn:
        assert all(y > 0 or np.isnan(y) for y in line.get_ydata())
