"""Convolutions compute what PyTorch and NumPy compute, with the patches to be seen in every gradient."""

import json
import pathlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.testing import reference

LAYERS = json.loads(pathlib.Path(__file__).with_name("torch_reference.json").read_text())["layers"]
CLOSE = 1e-12  # a few roundings in sums of at most 30 terms of size 1


def as_values(tree):
    return [as_values(y) for y in tree] if isinstance(tree, list) else ag.Value(tree)


def flat(tree):
    return [x for part in tree for x in flat(part)] if isinstance(tree, (list, tuple)) else [tree]


def data(tree):
    return [v.data for v in flat(tree)]


def grads(tree):
    return [v.grad for v in flat(tree)]


def near(numbers):
    return pytest.approx(flat(numbers), rel=CLOSE, abs=CLOSE)


def fill(module, weights):
    """PyTorch's weights by PyTorch's names."""
    for name, numbers in weights.items():
        for p, number in zip(flat(getattr(module, name)), flat(numbers), strict=True):
            p.data = number


@pytest.mark.parametrize("case", [c for c in LAYERS if c["kind"].startswith("Conv")], ids=lambda c: str(c["options"]))
def test_values_and_gradients_are_pytorchs(case):
    conv = getattr(nn, case["kind"])(**case["options"])
    fill(conv, case["weights"])
    x, factors = as_values(case["given"][0]), case["factors"][0]
    y = conv(x)
    assert data(y) == near(case["outs"])
    assert np.shape(y) == np.shape(case["outs"][0])
    ag.dot(flat(y), flat(factors)).backward()
    assert grads(x) == near(case["given_grads"])
    for name, numbers in case["weight_grads"].items():
        assert grads(getattr(conv, name)) == near(numbers)


@given(
    n=st.integers(1, 8),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 2),
    seed=st.integers(0, 10**6),
)
def test_a_signal_is_what_numpy_makes_of_it(n, kernel, stride, padding, dilation, seed):
    conv = nn.Conv1d(2, 1, kernel, stride, padding, dilation, bias=False, seed=seed)
    x = np.random.default_rng(seed).normal(size=(2, n))
    wide = np.zeros((2, dilation * (kernel - 1) + 1))
    wide[:, ::dilation] = [[p.data for p in w] for w in conv.weight[0]]
    padded = np.pad(x, [(0, 0), (padding, padding)])
    if padded.shape[1] < wide.shape[1]:
        with pytest.raises(ag.StructureError, match="expected at least one patch to fit"):
            conv(x)
        return
    full = sum(np.correlate(a, b, "valid") for a, b in zip(padded, wide, strict=True))
    assert data(conv(x)) == near(full[::stride].tolist())


def test_gradients_against_fifty_digits():
    conv = nn.Conv2d(2, 2, (2, 1), padding=(1, 0), seed=4)
    y = ag.sum([ag.tanh(v) for v in flat(conv([[[0.5, -1.0], [2.0, 0.25]], [[1.5, 0.0], [-0.5, 1.0]]]))])
    y.backward()
    right = reference(y).gradients
    assert [p.grad for p in conv.parameters()] == near([float(right[p]) for p in conv.parameters()])


def test_a_weights_uses_are_the_patches():
    conv = nn.Conv1d(1, 1, 2, seed=1)
    x = [1.0, 2.0, 4.0, 8.0]
    loss = ag.sum([v * v for v in conv([x])[0]])
    y = [v.data for v in conv([x])[0]]
    why = ag.explain(loss, conv.weight[0][0][1])
    assert {use.where: use.contribution for use in why.uses} == {
        f"conv/patch{i}": pytest.approx(2 * y[i] * x[i + 1]) for i in range(3)
    }
    assert len(ag.explain(loss, conv.bias[0]).uses) == 3


def test_scopes_and_labels():
    conv = nn.Conv2d(1, 2, 2, seed=1)
    y = conv(np.ones((1, 2, 3)))
    assert [[v.scope for v in row] for row in y[1]] == [["conv/patch0,0", "conv/patch0,1"]]
    assert y[0][0][0].parents[0].op == "dot"
    assert y[0][0][0].parents[0].scope == "conv/patch0,0"
    assert (conv.weight[1][0][0][1].label, conv.bias[1].label) == ("w[1][0][0][1]", "b[1]")
    assert {p.scope for p in conv.parameters()} == {"conv/weights"}
    with ag.scope("net"):
        inside = nn.Conv1d(1, 1, 1)
        assert inside([[1.0]])[0][0].scope == "net/net/conv/patch0"  # as with every layer
    assert inside([[1.0]])[0][0].scope == "net/conv/patch0"
    picture = ag.draw(ag.sum(flat(y)), fold="conv/*").svg
    assert all(f'data-folded="conv/{name}"' in picture for name in ("weights", "patch0,0", "patch0,1"))


def test_one_unit_is_shared_so_parameters_are_few():
    conv = nn.Conv1d(2, 3, 4)
    assert len(conv.parameters()) == 2 * 3 * 4 + 3
    assert next(iter(conv.state_dict())) == "weight.0.0.0"
    assert len(nn.Conv2d(2, 3, (4, 5), bias=False).parameters()) == 2 * 3 * 4 * 5


def test_initial_weights():
    told = []
    nn.Conv2d(2, 3, (4, 5), init=lambda _, nin, nout: float(told.append((nin, nout)) or 0.0))
    assert told == [(40, 60)] * 120
    assert nn.Conv1d(1, 2, 3, seed=5).state_dict() == nn.Conv1d(1, 2, 3, seed=5).state_dict()
    assert nn.Conv1d(1, 2, 3, seed=5).state_dict() != nn.Conv1d(1, 2, 3, seed=6).state_dict()


def test_saved_weights_come_back_and_those_of_another_shape_do_not(tmp_path):
    a, b, other = nn.Conv1d(1, 2, 3, seed=1), nn.Conv1d(1, 2, 3, seed=2), nn.Conv1d(1, 2, 2, seed=3)
    a.save(tmp_path / "conv.json")
    assert b.load(tmp_path / "conv.json").state_dict() == a.state_dict()
    before = other.state_dict()
    with pytest.raises(ag.StructureError, match="expected parameters of .*, got those of"):
        other.load(tmp_path / "conv.json")
    with pytest.raises(ag.StructureError, match=r"unexpected: weight\.0\.0\.2"):
        other.load(tmp_path / "conv.json", same_model=False)
    assert other.state_dict() == before


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, 2.0, 3.0], r"expected a list of 1 channels, each a list of numbers; got 1\.0 .* pass \[x\]"),
        (3.0, "expected a list of 1 channels"),
        ([[[1.0, 2.0]]], r"got \[1\.0, 2\.0\] \(list\) in it"),
        ([[1.0, 2.0], [1.0, 2.0]], "expected 1 channels, got 2"),
        ([], "expected 1 channels, got 0"),
        ([[1.0]], "expected at least one patch to fit, got channels of 1 numbers"),
        ([[]], "got channels of 0 numbers"),
    ],
)
def test_signals_of_another_shape_are_refused(x, message):
    with pytest.raises(ag.StructureError, match=message):
        nn.Conv1d(1, 1, 2)(x)


def test_channels_and_rows_of_unequal_length_are_refused():
    with pytest.raises(ag.StructureError, match="of equal length, got 1 and 2 numbers"):
        nn.Conv1d(2, 1, 1)([[1.0, 2.0], [1.0]])
    with pytest.raises(ag.StructureError, match="of equal length, got 1 and 2 numbers"):
        nn.Conv2d(1, 1, 1)([[[1.0, 2.0], [1.0]]])
    with pytest.raises(ag.StructureError, match="of equal length, got 1 x 2 and 2 x 2 numbers"):
        nn.Conv2d(2, 1, 1)([[[1.0, 2.0], [1.0, 2.0]], [[1.0, 2.0]]])
    with pytest.raises(ag.StructureError, match="each a list of rows of numbers"):
        nn.Conv2d(2, 1, 1)([[1.0], [2.0]])
    with pytest.raises(ag.OperandError):
        nn.Conv1d(1, 1, 1)([["a"]])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 1, 1), ag.RangeError, "Conv2d: in_channels: expected at least 1"),
        ((1, 0, 1), ag.RangeError, "Conv2d: out_channels: expected at least 1"),
        ((1, 1, (2, 0)), ag.RangeError, "Conv2d: kernel_size: expected at least 1"),
        ((1, 1, (1, 2, 3)), ag.StructureError, r"kernel_size: expected an int, or one per axis \(height, width\)"),
        ((1, 1, 1, 0), ag.RangeError, "Conv2d: stride: expected at least 1"),
        ((1, 1, 1, 1, -1), ag.RangeError, "Conv2d: padding: expected at least 0"),
        ((1, 1, 1, 1, 1, 0.5), ag.OperandError, "Conv2d: dilation: expected an int"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        nn.Conv2d(*arguments)


def test_how_they_show_themselves():
    assert repr(nn.Conv1d(1, 2, 3)) == "Conv1d(1, 2, kernel_size=3)"
    conv = nn.Conv2d(1, 2, (2, 3), stride=2, padding=(1, 0), dilation=(1, 2), bias=False)
    assert repr(conv) == ("Conv2d(1, 2, kernel_size=2 x 3, stride=2 x 2, padding=1 x 0, dilation=1 x 2, bias=False)")
    assert repr(nn.Flatten()) == "Flatten()"


def test_flatten():
    assert nn.Flatten()(np.arange(6.0).reshape(1, 2, 3)) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert nn.Flatten()(1.0) == [1.0]


@pytest.mark.parametrize("kind", ["as it likes", "within a scope"])
def test_a_convolution_learns_where_an_edge_is(kind):
    """A kernel of two finds a step up; the place does not matter."""
    X = [[[float(i >= k) for i in range(5)]] for k in range(6)]
    y = [float(1 <= k <= 4) for k in range(6)]
    model = nn.Sequential(nn.Conv1d(1, 1, 2, seed=3), nn.Tanh(), nn.Flatten(), nn.Linear(4, 1, seed=3))
    optimizer = nn.Adam(lr=0.1)
    if kind == "within a scope":
        with ag.scope("training"):
            history = nn.fit(model, X, y, loss=nn.mse, optimizer=optimizer, epochs=100, seed=1)
    else:
        history = nn.fit(model, X, y, loss=nn.mse, optimizer=optimizer, epochs=100, seed=1)
    assert history.loss[-1] < 0.01


def test_programs_train_as_graphs_do():
    pytest.importorskip("llvmlite")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 1, 4, 4))
    y = X.mean(axis=(1, 2, 3))[:, None]
    losses = []
    for compiled in (True, False):
        model = nn.Sequential(nn.Conv2d(1, 2, 3, seed=1), nn.Tanh(), nn.Flatten(), nn.Linear(8, 1, seed=1))
        history = nn.fit(model, X, y, loss=nn.mse, epochs=20, seed=1, compiled=compiled, progress=False)
        losses.append(history.loss)
    assert losses[0] == near(losses[1])
