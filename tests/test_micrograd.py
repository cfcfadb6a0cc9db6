"""micrograd's own README and tests, with nothing but the imports changed (micrograd is MIT, A. Karpathy, 2020)."""

import math

import pytest

from autograd_core import Value
from nn import MLP, Layer, Module, Neuron


def readme():
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return a, b, g


def test_readme_prints_what_micrograds_readme_says():
    a, b, g = readme()
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def sanity(Value_, relu):
    x = Value_(-4.0)
    z = 2 * x + 2 + x
    q = relu(z) + z * x
    h = relu(z * z)
    y = h + q + q * x
    return x, y


def test_sanity_check():
    x, y = sanity(Value, lambda v: v.relu())
    y.backward()
    # y = z^2 + (z x)(1 + x) with z = 3x + 2 < 0 inside the first relu, by hand
    assert y.data == -20.0
    assert x.grad == 46.0


def test_sanity_check_against_torch():
    torch = pytest.importorskip("torch", reason="torch is a peer, not a dependency")
    x, y = sanity(Value, lambda v: v.relu())
    y.backward()
    xt = torch.tensor([-4.0], dtype=torch.float64, requires_grad=True)
    zt = 2 * xt + 2 + xt
    qt = zt.relu() + zt * xt
    ht = (zt * zt).relu()
    yt = ht + qt + qt * xt
    yt.backward()
    assert y.data == yt.item()
    assert x.grad == xt.grad.item()


def test_more_ops_against_torch():
    torch = pytest.importorskip("torch", reason="torch is a peer, not a dependency")
    a, b, g = readme()
    g.backward()
    at = torch.tensor([-4.0], dtype=torch.float64, requires_grad=True)
    bt = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    c = at + bt
    d = at * bt + bt**3
    c = c + c + 1
    c = c + 1 + c + (-at)
    d = d + d * 2 + (bt + at).relu()
    d = d + 3 * d + (bt - at).relu()
    e = c - d
    f = e**2
    gt = f / 2.0
    gt = gt + 10.0 / f
    gt.backward()
    tol = 1e-6
    assert abs(g.data - gt.item()) < tol
    assert abs(a.grad - at.grad.item()) < tol
    assert abs(b.grad - bt.grad.item()) < tol


def test_its_names():
    x = Value(3.0)
    y = (x * x + 1).relu()
    assert y._op == "relu"
    assert {v._op for v in (x, *y._prev)} == {"", "+"}
    assert len(y._prev[0]._prev[0]._prev) == 2
    neuron = Neuron(2, nonlin=False)
    assert len(neuron.w) == 2
    assert neuron.b.data == 0
    assert neuron.nonlin is False
    layer = Layer(2, 3)
    assert len(layer.neurons) == 3
    mlp = MLP(3, [4, 4, 1])
    assert len(mlp.layers) == 3
    assert len(mlp.parameters()) == 41
    assert isinstance(mlp, Module)
    out = mlp([2.0, 3.0, -1.0])
    assert isinstance(out, Value)
    out.backward()
    mlp.zero_grad()
    assert all(p.grad == 0 for p in mlp.parameters())


def test_the_lectures_training_loop():
    """The loop of the lecture "The spelled-out intro to neural networks and backpropagation"."""
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    import random

    random.seed(1337)
    n = MLP(3, [4, 4, 1])
    losses = []
    for _ in range(40):
        ypred = [n(x) for x in xs]
        loss = sum((yout - ygt) ** 2 for ygt, yout in zip(ys, ypred, strict=True))
        for p in n.parameters():
            p.grad = 0.0
        loss.backward()
        for p in n.parameters():
            p.data += -0.01 * p.grad
        losses.append(loss.data)
    assert losses[-1] < losses[0]
    assert math.isfinite(losses[-1])
