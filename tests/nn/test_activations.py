"""Activations as modules."""

import json
import math
import pathlib

import numpy as np
import pytest

import autograd_core as ag
import nn

MODULES = {
    nn.ReLU(): lambda x: max(x, 0.0),
    nn.Tanh(): math.tanh,
    nn.Sigmoid(): lambda x: 1 / (1 + math.exp(-x)),
    nn.Softplus(): lambda x: math.log(1 + math.exp(x)),
    nn.GELU(): lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    nn.SiLU(): lambda x: x / (1 + math.exp(-x)),
    nn.ELU(): lambda x: x if x > 0 else math.exp(x) - 1,
    nn.ELU(2.0): lambda x: x if x > 0 else 2 * (math.exp(x) - 1),
    nn.LeakyReLU(): lambda x: x if x > 0 else 0.01 * x,
    nn.LeakyReLU(0.25): lambda x: x if x > 0 else 0.25 * x,
}


@pytest.mark.parametrize("module", MODULES, ids=repr)
@pytest.mark.parametrize("x", [-1.5, 0.25, 2.0])
def test_numbers_values_and_nested_lists(module, x):
    expected = pytest.approx(MODULES[module](x), rel=1e-14)  # a few roundings
    assert module(x) == expected
    v = ag.Value(x)
    assert module(v).data == expected
    assert module([[x], (x, v)])[1][1].data == expected
    assert module(np.array([x, x])) == [expected, expected]
    assert module.parameters() == []


def test_softmax_and_its_logarithm():
    xs = [ag.Value(1.0), 2.0, -1.0]
    total = sum(math.exp(x) for x in (1.0, 2.0, -1.0))
    assert [p.data for p in nn.Softmax()(xs)] == pytest.approx([math.exp(x) / total for x in (1.0, 2.0, -1.0)])
    assert nn.LogSoftmax()(np.array([1.0, 2.0])) == pytest.approx([-math.log(1 + math.e), -math.log(1 + 1 / math.e)])
    assert repr(nn.Sequential(nn.Softmax(), nn.LogSoftmax())) == "Sequential(Softmax(), LogSoftmax())"


def test_softmax_is_a_layer_without_weights_forward_and_backward():
    reference = json.loads(pathlib.Path(__file__).with_name("torch_reference.json").read_text())["layers"]
    (case,) = [c for c in reference if c["kind"] == "Softmax"]
    layer = nn.Softmax()
    xs = [ag.Value(x) for x in case["given"][0]]
    ps = layer(xs)
    ag.dot(ps, case["factors"][0]).backward()
    assert [p.data for p in ps] == pytest.approx(case["outs"][0], rel=1e-12)
    assert [x.grad for x in xs] == pytest.approx(case["given_grads"][0], rel=1e-12)
    assert layer.parameters() == []
    J = ag.jacobian(layer)(case["given"][0])
    p = np.array(case["outs"][0])
    assert np.allclose(J, np.diag(p) - np.outer(p, p), rtol=0, atol=1e-15)


def test_softmax_of_large_numbers_and_of_none():
    assert nn.Softmax()([1e4, -1e4]) == [1.0, 0.0]
    with pytest.raises(ag.StructureError, match="at least one number"):
        nn.Softmax()([])
    with pytest.raises(ag.OperandError, match="expected a sequence of numbers"):
        nn.Softmax()(1.0)
    with pytest.raises(ag.OperandError, match="expected a real number"):
        nn.Softmax()([[1.0, 2.0], [3.0, 4.0]])


def test_repr_shows_options():
    assert repr(nn.ELU(2.0)) == "ELU(2)"
    assert repr(nn.ReLU()) == "ReLU()"


def test_options_are_numbers():
    with pytest.raises(ag.OperandError, match="ELU: alpha: expected a real number, got 'a'"):
        nn.ELU("a")
    with pytest.raises(ag.OperandError, match="LeakyReLU: negative_slope: expected a real number, got None"):
        nn.LeakyReLU(None)
