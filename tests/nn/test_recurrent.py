"""Recurrent networks compute what PyTorch computes, step by step, and a cut graph has the gradient of the cut graph."""

import json
import math
import pathlib
import pickle
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.testing import reference

LAYERS = json.loads(pathlib.Path(__file__).with_name("torch_reference.json").read_text())["layers"]
CLOSE = 1e-12  # some tens of roundings in numbers of size 1
KINDS = [nn.RNN, nn.LSTM]
SEQUENCE = [[0.5], [-1.0], [0.25], [2.0], [-0.75]]


def as_values(tree):
    return [as_values(y) for y in tree] if isinstance(tree, list) else ag.Value(tree)


def flat(tree):
    return [x for part in tree for x in flat(part)] if isinstance(tree, (list, tuple)) else [tree]


def near(numbers):
    return pytest.approx(flat(numbers), rel=CLOSE, abs=CLOSE)


def fill(module, weights):
    """PyTorch's weights by PyTorch's names."""
    for name, numbers in weights.items():
        for p, number in zip(flat(getattr(module, name)), flat(numbers), strict=True):
            p.data = number


def gradient(model, loss):
    model.zero_grad()
    loss.backward()
    return [p.grad for p in model.parameters()]


def sum_of_squares(output):
    return ag.sum([v * v for v in flat(output)])


@pytest.mark.parametrize("case", [c for c in LAYERS if c["kind"] in ("RNN", "LSTM")], ids=lambda c: str(c["options"]))
def test_values_and_gradients_are_pytorchs(case):
    model = getattr(nn, case["kind"])(**case["options"])
    fill(model, case["weights"])
    x, *start = as_values(case["given"])
    output, last = model(x, start if len(start) == 2 else start[0])
    outs = [output, *last] if len(start) == 2 else [output, last]
    for got, right, factors in zip(outs, case["outs"], case["factors"], strict=True):
        assert np.shape(got) == np.shape(right) == np.shape(factors)
        assert [v.data for v in flat(got)] == near(right)
    ag.dot(flat(outs), flat(case["factors"])).backward()
    assert [v.grad for v in flat([x, *start])] == near(case["given_grads"])
    for name, numbers in case["weight_grads"].items():
        assert [p.grad for p in flat(getattr(model, name))] == near(numbers)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_against_fifty_digits(kind):
    model = kind(1, 2, seed=2)
    loss = sum_of_squares(model(SEQUENCE)[0])
    right = reference(loss).gradients
    assert gradient(model, loss) == near([float(right[p]) for p in model.parameters()])


@pytest.mark.parametrize("kind", KINDS)
def test_without_an_initial_state_it_is_zero(kind):
    model = kind(1, 2, seed=2)
    zeros = [0.0, 0.0] if kind is nn.RNN else (np.zeros(2), [0.0, 0.0])
    assert [v.data for v in flat(model(SEQUENCE))] == [v.data for v in flat(model(np.array(SEQUENCE), zeros))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_can_be_taken_in_parts(kind):
    model = kind(1, 2, seed=2)
    whole, last = model(SEQUENCE)
    first, state = model(SEQUENCE[:2])
    second, end = model(SEQUENCE[2:], state)
    assert [v.data for v in flat(first + second)] == [v.data for v in flat(whole)]
    assert [v.data for v in flat(end)] == [v.data for v in flat(last)]


def test_all_states():
    lstm = nn.LSTM(1, 2, seed=2)
    states = lstm.states(SEQUENCE)
    output, (h, c) = lstm(SEQUENCE)
    assert [v.data for state in states for v in state[0]] == [v.data for v in flat(output)]
    assert [v.data for v in flat(states[-1])] == [v.data for v in h + c]
    for (_, before), (out, cell) in pairwise(states):
        assert {p.label for p in cell[0].parents} == {"f[0]", "i[0]", "c[0]", "g[0]"}
        assert any(p is before[0] for p in cell[0].parents)
        assert out[1].parents[0].label == "o[1]"
    assert [len(state) for state in nn.RNN(1, 1).states(SEQUENCE)] == [1] * 5


def test_scopes_are_the_steps():
    rnn = nn.RNN(1, 1, seed=0)
    output, _ = rnn(SEQUENCE)
    assert [(v.scope, v.label, v.op) for v in flat(output)] == [(f"rnn/step{t}", "h[0]", "tanh") for t in range(5)]
    assert {p.scope for p in rnn.parameters()} == {"rnn/weights"}
    assert [p.label for p in rnn.parameters()] == ["w_ih[0][0]", "w_hh[0][0]", "b_ih[0]", "b_hh[0]"]
    with ag.scope("net"):
        inside, _ = rnn(SEQUENCE)
    assert [(v.scope, v.label) for v in flat(inside)] == [(f"net/rnn/step{t}", "h[0]") for t in range(5)]
    assert len([n for n in ag.topological_order(output[-1][0]) if n.scope == "rnn/step3" and n.op]) == 3
    cell = nn.LSTM(1, 1, seed=0)(SEQUENCE)[0][-1][0]
    assert len([n for n in ag.topological_order(cell) if n.scope.startswith("lstm/step3") and n.op]) == 15
    assert {n.scope for n in ag.topological_order(cell)} >= {f"lstm/step3/{gate}" for gate in "ifgo"}
    picture = ag.draw(cell, fold="lstm/*").svg
    assert all(f'data-folded="lstm/{name}"' in picture for name in ("weights", *(f"step{t}" for t in range(5))))


@pytest.mark.parametrize("kind", KINDS)
def test_a_weights_uses_are_the_steps_and_add_up(kind):
    model = kind(1, 1, seed=3)
    loss = model(SEQUENCE)[0][-1][0]
    why = ag.explain(loss, model.weight_ih_l0[0][0])
    loss.backward()
    gate = "/i" * (kind is nn.LSTM)
    assert {use.where for use in why.uses} == {f"{kind.__name__.lower()}/step{t}{gate}" for t in range(5)}
    assert [math.fsum(use.contribution for use in why.uses)] == near([model.weight_ih_l0[0][0].grad])


def test_the_gradient_through_time_is_a_power_of_v():
    """d h_n / d h_0 = V^n for a linear network: it fades or blows up with V's singular values."""
    rnn = nn.RNN(1, 2, nonlinearity="linear", bias=False, seed=1)
    V = np.array([[p.data for p in r] for r in rnn.weight_hh_l0])
    h0 = as_values([1.0, -1.0])
    _, last = rnn([[0.0]] * 6, h0)
    J = ag.jacobian(lambda h: rnn([[0.0]] * 6, h)[1])([1.0, -1.0])
    assert [v.data for v in flat(J)] == near(np.linalg.matrix_power(V, 6).tolist())
    last[0].backward()
    largest = np.linalg.svd(V, compute_uv=False)[0]
    assert np.linalg.norm([h.grad for h in h0]) <= largest**6


# --- cutting ---------------------------------------------------------------------------------------


def leaves(state):
    return [v.detach() for v in state] if isinstance(state, list) else tuple(map(leaves, state))


@pytest.mark.parametrize("kind", KINDS)
@given(n=st.integers(1, 7), k=st.integers(1, 8), seed=st.integers(0, 1000))
def test_truncation_has_the_gradient_of_the_graph_cut_by_hand(kind, n, k, seed):
    model = kind(1, 2, seed=seed)
    x = [[math.sin(t + seed)] for t in range(n)]
    whole = sum_of_squares(model(x)[0])
    full = gradient(model, whole)
    state, output = None, []
    for t in range(0, n, k):
        part, state = model(x[t : t + k], state if state is None else leaves(state))
        output += part
    by_hand = gradient(model, sum_of_squares(output))
    model.truncate = k
    loss = sum_of_squares(model(x)[0])
    assert loss.data == whole.data
    assert gradient(model, loss) == by_hand
    if k >= n:
        assert by_hand == full
    elif n > 1:
        assert by_hand != full


@pytest.mark.parametrize("kind", KINDS)
def test_truncation_cuts_the_graph_itself(kind):
    model = kind(1, 1, truncate=2, seed=1)
    output, _ = model(SEQUENCE)
    name = kind.__name__.lower()
    seen = [{re.sub("/[ifgo]$", "", n.scope) for n in ag.topological_order(h)} for [h] in output]
    assert seen[3] == {
        f"{name}/weights",
        f"{name}/cut2",
        f"{name}/step2",
        f"{name}/step3",
        "",
    }  # the numbers that came in have no scope
    assert seen[4] == {f"{name}/weights", f"{name}/cut4", f"{name}/step4", ""}
    state = [n for n in ag.topological_order(output[4][0]) if not n.op and n.scope == f"{name}/cut4"]
    assert {n.label for n in state} == ({"h[0]"} if kind is nn.RNN else {"h[0]", "c[0]"})


@pytest.mark.parametrize("kind", KINDS)
def test_the_given_state_is_not_cut(kind):
    model = kind(1, 1, truncate=2, seed=1)
    start = as_values([0.5])
    model(SEQUENCE[:2], start if kind is nn.RNN else (start, [0.0]))[0][1][0].backward()
    assert start[0].grad != 0


def test_truncation_where_a_scope_stands_open():
    rnn = nn.RNN(1, 1, truncate=1, seed=1)
    with ag.scope("net"):
        output, _ = rnn(SEQUENCE)
    state = [n for n in ag.topological_order(output[1][0]) if n.label == "h[0]" and not n.op]
    assert [n.scope for n in state] == ["net/rnn/cut1"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_pictures_show_where_the_graph_is_cut(kind, k):
    name = kind.__name__.lower()
    model = kind(1, 2, truncate=k, seed=1)
    root = ag.sum([y for h in model(SEQUENCE)[0] for y in h])
    picture = ag.draw(root, fold=f"{name}/*")
    cuts = {path for path in picture.scopes if "/cut" in path}
    assert cuts == {f"{name}/cut{t}" for t in range(k, len(SEQUENCE), k)}
    assert all(f">cut{t}<" in picture.svg for t in range(k, len(SEQUENCE), k))
    model.truncate = None
    whole = ag.sum([y for h in model(SEQUENCE)[0] for y in h])
    assert "cut" not in ag.draw(whole, fold=f"{name}/*").svg


@pytest.mark.parametrize("k", [0, -1, 1.5, "2", True])
def test_truncation_after_what_is_no_number_of_steps(k):
    with pytest.raises(ag.RangeError if k in (0, -1) else ag.OperandError, match="RNN: truncate: expected"):
        nn.RNN(1, 1, truncate=k)
    rnn = nn.RNN(1, 1, truncate=3)
    with pytest.raises(ag.AutogradError):
        rnn.truncate = k
    assert rnn.truncate == 3
    rnn.truncate = None
    assert rnn.truncate is None


class LastOf(nn.Module):
    """A number for a sequence: a line through the last state."""

    def __init__(self, recurrent):
        self.recurrent, self.line = recurrent, nn.Linear(recurrent.hidden_size, 1, seed=1)

    def forward(self, x):
        return self.line(self.recurrent(x)[0][-1])[0]


def test_a_cut_network_is_refused_by_a_compiler_and_trained_on_graphs():
    pytest.importorskip("llvmlite")
    model = LastOf(nn.RNN(1, 2, truncate=2, seed=1))
    with pytest.raises(ag.GraphCutError, match=r"RNN\(1, 2, truncate=2\) cannot be traced"):
        ag.compile(model, SEQUENCE)
    assert ag.grad(model.forward)(SEQUENCE)[-1][0] != 0  # a gradient is no program
    before = model.state_dict()
    with pytest.raises(ag.StructureError, match=r"tracing raised GraphCutError: RNN\(1, 2, truncate=2\)"):
        nn.fit(model, [SEQUENCE], [1.0], loss=nn.mse, compiled=True, progress=False)
    assert model.state_dict() == before
    history = nn.fit(model, [SEQUENCE], [1.0], loss=nn.mse, epochs=1, progress=False)
    assert history.ran.startswith("graphs: tracing raised GraphCutError")
    model.recurrent.truncate = None
    f = ag.compile(model, SEQUENCE)
    other = [[-v] for [v] in SEQUENCE]
    assert [float(f(other))] == near([model(other).data])


# --- learning --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_they_learn_to_remember_the_first_number(kind):
    X = [[[a], [0.0], [b], [0.0]] for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    y = [x[0][0] for x in X]
    model = LastOf(kind(1, 2, seed=1))
    history = nn.fit(model, X, y, loss=nn.mse, optimizer=nn.Adam(lr=0.05), epochs=120, seed=1, max_grad_norm=1.0)
    assert history.loss[-1] < 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_programs_train_as_graphs_do(kind):
    pytest.importorskip("llvmlite")
    X = [[[a], [b], [a - b]] for a in (-1.0, 0.5) for b in (0.25, 2.0)]
    y = [a[0] * b[0] for a, b, _ in X]
    losses = [
        nn.fit(LastOf(kind(1, 2, seed=1)), X, y, loss=nn.mse, epochs=20, seed=1, compiled=c, progress=False).loss
        for c in (True, False)
    ]
    assert losses[0] == near(losses[1])


def test_sequences_of_several_lengths_are_learned_one_by_one():
    X = [[[1.0]], [[1.0], [1.0]], [[1.0], [1.0], [1.0]]]
    model = LastOf(nn.RNN(1, 1, seed=1))
    history = nn.fit(model, X, [1.0, 2.0, 3.0], loss=nn.mse, optimizer=nn.Adam(lr=0.05), epochs=40, seed=1)
    assert history.loss[-1] < history.loss[0] / 2


def test_a_long_sequence_needs_no_deep_stack():
    rnn = nn.RNN(1, 1, nonlinearity="linear", bias=False, init=nn.init.constant(1.0))
    output, _ = rnn([[1.0]] * 20_000)
    output[-1][0].backward()
    assert (output[-1][0].data, rnn.weight_ih_l0[0][0].grad) == (20_000.0, 20_000.0)


# --- weights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "gates"), [(nn.RNN, 1), (nn.LSTM, 4)])
def test_initial_weights(kind, gates):
    model = kind(3, 4, seed=5)
    shapes = {name: np.shape(getattr(model, name)) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")}
    assert shapes == {"weight_ih_l0": (4 * gates, 3), "weight_hh_l0": (4 * gates, 4), "bias_ih_l0": (4 * gates,)}
    weights = [p.data for p in flat([model.weight_ih_l0, model.weight_hh_l0])]
    assert 0.4 < max(map(abs, weights)) <= 0.5  # 1 / sqrt(4)
    assert {p.data for p in flat([model.bias_ih_l0, model.bias_hh_l0])} == {0.0}
    assert kind(3, 4, seed=5).state_dict() == model.state_dict()
    assert kind(3, 4, seed=6).state_dict() != model.state_dict()
    told = set()
    kind(3, 4, init=lambda _, nin, nout: float(told.add((nin, nout)) or 0.0))
    assert told == {(3, 4), (4, 4)}
    assert len(kind(3, 4, bias=False).parameters()) == 4 * gates * 7
    with pytest.raises(ag.OperandError, match="init: expected an initialiser"):
        kind(3, 4, init=0)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_weights_come_back_and_those_of_another_shape_do_not(kind, tmp_path):
    a, b, other = kind(1, 2, seed=1), kind(1, 2, seed=2), kind(2, 2, seed=3)
    a.save(tmp_path / "model.json")
    assert b.load(tmp_path / "model.json").state_dict() == a.state_dict()
    before = other.state_dict()
    with pytest.raises(ag.StructureError, match="expected parameters of .*, got those of"):
        other.load(tmp_path / "model.json")
    with pytest.raises(ag.StructureError, match=r"missing: weight_ih_l0\.0\.1"):
        other.load(tmp_path / "model.json", same_model=False)
    assert other.state_dict() == before
    again = pickle.loads(pickle.dumps(a))
    assert [v.data for v in flat(again(SEQUENCE)[0])] == [v.data for v in flat(a(SEQUENCE)[0])]


# --- activations of one's own -----------------------------------------------------------------------


def test_a_function_as_the_activation():
    twice = nn.RNN(1, 1, nonlinearity=lambda z: 2 * ag.tanh(z), seed=1)
    once = nn.RNN(1, 1, seed=1)
    assert twice([[1.0]])[1][0].data == 2 * once([[1.0]])[1][0].data
    assert twice([[1.0]])[1][0].label == ""


def test_a_threshold_gives_numbers():
    rnn = nn.RNN(1, 1, nonlinearity=lambda z: 1.0 if z.data > 0 else 0.0, truncate=1, init=nn.init.constant(1.0))
    assert rnn([[1.0], [-0.5], [-2.0]]) == ([[1.0], [1.0], [0.0]], [0.0])


# --- bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([], r"expected a list of at least one step, each a list of numbers; got \[\]"),
        (1.0, "expected a list of at least one step"),
        ([1.0, 2.0], "step 0: expected a list of 2 numbers, got 1.0"),
        ([[1.0, 2.0], [1.0]], r"step 1: expected a list of 2 numbers, got 1: \[1\.0\]"),
        ([[1.0, 2.0, 3.0]], "step 0: expected a list of 2 numbers, got 3"),
        ([[[1.0, 2.0], [1.0, 2.0]]], "step 0: expected a list of 2 numbers, got 2"),
        (np.zeros((2, 3)), "step 0: expected a list of 2 numbers, got 3"),
    ],
)
def test_sequences_of_another_shape_are_refused(kind, x, message):
    with pytest.raises(ag.StructureError, match=message):
        kind(2, 1)(x)
    with pytest.raises(ag.StructureError, match=message):
        kind(2, 1).states(x)


def test_what_is_no_number_is_refused():
    with pytest.raises(ag.OperandError):
        nn.RNN(1, 1)([["a"]])


def test_initial_states_of_another_shape_are_refused():
    with pytest.raises(ag.StructureError, match="h0: expected a list of 2 numbers, got 3"):
        nn.RNN(1, 2)(SEQUENCE, [0.0, 0.0, 0.0])
    lstm = nn.LSTM(1, 2)
    for hx in (1.0, [0.0], [[0.0, 0.0]]):
        with pytest.raises(ag.StructureError, match=r"LSTM\(1, 2\): hx: expected a pair \(h0, c0\)"):
            lstm(SEQUENCE, hx)
    with pytest.raises(ag.StructureError, match="h0: expected a list of 2 numbers, got 0.0"):
        lstm(SEQUENCE, [0.0, 0.0])
    with pytest.raises(ag.StructureError, match="c0: expected a list of 2 numbers, got 1"):
        lstm(SEQUENCE, ([0.0, 0.0], [0.0]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_series_of_numbers_is_a_sequence_of_one_input(kind):
    series, network = [0.3, -0.2, 0.5], kind(1, 2, seed=1)
    for form in (series, [ag.Value(v) for v in series], np.array(series)):
        assert [h.data for h in flat(network(form)[0])] == [h.data for h in flat(network([[v] for v in series])[0])]
        assert nn.signal_over_time(network, form) == nn.signal_over_time(network, [[v] for v in series])
    model = LastOf(kind(1, 2, seed=1))
    nested = LastOf(kind(1, 2, seed=1))
    nn.fit(model, [series, series[::-1]], [0.0, 1.0], loss=nn.mse, epochs=3)
    nn.fit(nested, [[[v] for v in s] for s in (series, series[::-1])], [0.0, 1.0], loss=nn.mse, epochs=3)
    assert model.state_dict() == nested.state_dict()
    with pytest.raises(ag.StructureError, match="step 0: expected a list of 2 numbers, got 0.3"):
        kind(2, 2)(series)
    for odd in (None, "0.3", {}):
        with pytest.raises(ag.StructureError, match="step 1: expected a list of 1 numbers, got"):
            network([0.3, odd])


def test_a_batch_with_one_bad_sequence_changes_nothing():
    model = LastOf(nn.LSTM(1, 2, seed=1))
    before = model.state_dict()
    with pytest.raises(ag.StructureError, match="step 1: expected a list of 1 numbers"):
        nn.fit(model, [SEQUENCE, [[1.0], [1.0, 2.0]]], [0.0, 1.0], loss=nn.mse, epochs=1)
    assert model.state_dict() == before


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_that_make_no_sense_are_refused(kind):
    for arguments, what in (((0, 1), "input_size"), ((1, 0), "hidden_size")):
        with pytest.raises(ag.RangeError, match=f"{kind.__name__}: {what}: expected at least 1"):
            kind(*arguments)
    with pytest.raises(ag.OperandError, match="input_size: expected an int"):
        kind(1.5, 1)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ag.RangeError, match="activation: expected one of"):
        nn.RNN(1, 1, nonlinearity="gauss")


def test_how_they_show_themselves():
    assert repr(nn.RNN(1, 2)) == "RNN(1, 2)"
    assert repr(nn.RNN(1, 2, nonlinearity="relu", bias=False)) == "RNN(1, 2, nonlinearity='relu', bias=False)"
    assert repr(nn.LSTM(3, 2, bias=False, truncate=4)) == "LSTM(3, 2, bias=False, truncate=4)"


def test_the_lectures_letters_for_the_matrices_say_what_they_are_called():
    """V of h_t = f(W x_t + V h_(t-1)), and PyTorch's names without the layer; none is an attribute."""
    for kind in (nn.RNN, nn.LSTM):
        network = kind(1, 2, seed=0)
        for name, there in (("V", "weight_hh_l0"), ("weight_hh", "weight_hh_l0"), ("W", "weight_ih_l0"), ("weight_ih", "weight_ih_l0")):
            assert not hasattr(network, name)
            with pytest.raises(AttributeError, match=f"has no attribute '{name}': {there} is the matrix"):
                getattr(network, name)
            with pytest.raises(AttributeError, match="setting it would change nothing"):
                setattr(network, name, [[1.0]])
