"""What is measured: the same work, written for each library as its users write it.

A contender is a function `prepare(size)` that returns `sample(lap)`. A sample does the work once, calls `lap(name)`
where a phase ends, and returns a few numbers, which must agree between the contenders of a row: fast and wrong is
no contender. What comes before the first `lap("start")` is not timed.
"""

from __future__ import annotations

import math
import random
from itertools import pairwise

SIZES = (2, 16, 16, 1)
RATE, DECAY = 0.01, 1e-4


def moons(n):
    """n points on two half circles, every other one on the second, with noise; labels 1 and -1."""
    noise = random.Random(0)
    points, labels = [], []
    for i in range(n):
        angle = math.pi * i / max(n - 1, 1)
        x, y = math.cos(angle), math.sin(angle)
        if i % 2:
            x, y = 1 - x, 0.5 - y
        points.append([x + noise.gauss(0, 0.1), y + noise.gauss(0, 0.1)])
        labels.append(-1 if i % 2 else 1)
    return points, labels


def initial_weights():
    """The same for everyone: a list of (weights, bias) per layer; before each sample all begin here."""
    rng = random.Random(1)
    return [[([rng.uniform(-1, 1) for _ in range(n)], 0.0) for _ in range(m)] for n, m in pairwise(SIZES)]


def flat(layers):
    return [p for layer in layers for w, b in layer for p in (*w, b)]


def digest(loss, gradients):
    return [loss, sum(map(abs, gradients))]


# --- the moons step -----------------------------------------------------------------------------


def moons_ours(size):
    """Through `nn`, as this library's users write it: plain inputs, one node per sum of products."""
    import autograd_core as ag
    import nn

    points, labels = moons(size)
    model = nn.MLP(SIZES[0], list(SIZES[1:]))
    parameters = list(model.parameters())
    optimizer = nn.SGD(parameters, lr=RATE)

    def sample(lap):
        for p, start in zip(parameters, flat(initial_weights()), strict=True):
            p.data = start
        lap("start")
        model.zero_grad()
        lap("zero")
        losses = [ag.relu(1 - y * model(x)) for x, y in zip(points, labels, strict=True)]
        loss = ag.mean(losses) + DECAY * ag.dot(parameters, parameters)
        lap("build")
        loss.backward()
        lap("backward")
        optimizer.step()
        value = loss.data
        del losses, loss
        lap("rest")
        return digest(value, [p.grad for p in parameters])

    return sample


def moons_micrograd(size):
    """micrograd's `nn` and the step of its demo notebook."""
    from micrograd.engine import Value
    from micrograd.nn import MLP

    points, labels = moons(size)
    model = MLP(SIZES[0], list(SIZES[1:]))

    def sample(lap):
        for p, start in zip(model.parameters(), flat(initial_weights()), strict=True):
            p.data = start
        lap("start")
        model.zero_grad()
        lap("zero")
        scores = list(map(model, [list(map(Value, x)) for x in points]))
        losses = [(1 + -y * s).relu() for y, s in zip(labels, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses)) + DECAY * sum(p * p for p in model.parameters())
        lap("build")
        loss.backward()
        lap("backward")
        for p in model.parameters():
            p.data -= RATE * p.grad
        value = loss.data
        del scores, losses, loss
        lap("rest")
        return digest(value, [p.grad for p in model.parameters()])

    return sample


def _binary_loss(number, relu, layers, points, labels):
    """micrograd's network and loss, every sum of products written with + and *."""
    scores = []
    for point in points:
        x = list(map(number, point))
        for layer in layers:
            x = [sum((wi * xi for wi, xi in zip(w, x, strict=True)), b) for w, b in layer]
            if len(x) > 1:
                x = list(map(relu, x))
        scores.append(x[0])
    losses = [relu(1 + -y * s) for y, s in zip(labels, scores, strict=True)]
    return sum(losses) * (1.0 / len(losses)) + DECAY * sum(p * p for p in flat(layers))


def _binary(size, number, leaf, relu, data, grad):
    """A step in binary style with fresh leaves, which costs less than setting all gradients to zero."""
    points, labels = moons(size)

    def sample(lap):
        layers = [[([leaf(x) for x in w], leaf(b)) for w, b in layer] for layer in initial_weights()]
        lap("start")
        loss = _binary_loss(number, relu, layers, points, labels)
        lap("build")
        loss.backward()
        lap("backward")
        stepped = [
            [([leaf(data(p) - RATE * grad(p)) for p in w], leaf(data(b) - RATE * grad(b))) for w, b in layer]
            for layer in layers
        ]
        value = data(loss)
        del loss
        lap("rest")
        del stepped
        return digest(value, [grad(p) for p in flat(layers)])

    return sample


def moons_binary_ours(size):
    from autograd_core import Value

    return _binary(size, Value, Value, Value.relu, lambda v: v.data, lambda v: v.grad)


def moons_oxigrad(size):
    from oxigrad import Activation, Value

    return _binary(size, Value, Value, Activation.ReLU, lambda v: v.data, lambda v: v.grad)


def moons_torch(size):
    import torch

    torch.set_num_threads(1)

    def number(x):
        return torch.tensor(x, dtype=torch.float64)

    def leaf(x):
        return torch.tensor(x, dtype=torch.float64, requires_grad=True)

    return _binary(size, number, leaf, torch.relu, torch.Tensor.item, lambda v: v.grad.item())


def moons_control(size):
    """The forward pass alone, on plain floats: what Python itself takes."""
    points, labels = moons(size)
    layers = initial_weights()

    def sample(lap):
        lap("start")
        value = _binary_loss(float, lambda x: x if x > 0 else 0.0, layers, points, labels)
        lap("build")
        return [value]

    return sample


# --- micrograd's README graph -------------------------------------------------------------------


def _readme(leaf, relu):
    a, b = leaf(-4.0), leaf(2.0)
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + relu(b + a))
    d = d + (3 * d + relu(b - a))
    e = c - d
    f = e**2
    g = f / 2.0
    return a, b, g + 10.0 / f


def _many_readmes(size, leaf, relu, data, grad):
    def sample(lap):
        lap("start")
        for _ in range(size):
            a, b, g = _readme(leaf, relu)
            g.backward()
        lap("rest")
        return [data(g), grad(a), grad(b)]

    return sample


def readme_ours(size):
    from autograd_core import Value

    return _many_readmes(size, Value, Value.relu, lambda v: v.data, lambda v: v.grad)


def readme_micrograd(size):
    from micrograd.engine import Value

    return _many_readmes(size, Value, Value.relu, lambda v: v.data, lambda v: v.grad)


def readme_oxigrad(size):
    from oxigrad import Activation, Value

    return _many_readmes(size, Value, Activation.ReLU, lambda v: v.data, lambda v: v.grad)


def readme_torch(size):
    import torch

    torch.set_num_threads(1)

    def leaf(x):
        return torch.tensor(x, dtype=torch.float64, requires_grad=True)

    return _many_readmes(size, leaf, torch.relu, torch.Tensor.item, lambda v: v.grad.item())


# --- graphs of ours alone -----------------------------------------------------------------------


def _standing(build):
    """Build, differentiate, free."""

    def prepare(size):
        build(10)[1].backward()  # an operation is compiled at its first use

        def sample(lap):
            lap("start")
            x, y = build(size)
            lap("build")
            y.backward()
            lap("backward")
            value, slope = y.data, x.grad
            del y
            lap("free")
            return [value, slope]

        return sample

    return prepare


def _scaled(n):
    from autograd_core import Value

    x = y = Value(1.0)
    for _ in range(n):
        y = y * 1.0000001
    return x, y


def _sines(n):
    from autograd_core import Value, sin

    x = y = Value(1.0)
    for _ in range(n):
        y = sin(y)
    return x, y


def _added(n):
    from autograd_core import Value

    x = y = Value(1.0)
    z = Value(1e-7)
    for _ in range(n):
        y = y + z
    return x, y


def _tree(n):
    """A balanced sum of tanh(k x)."""
    from autograd_core import Value, tanh

    x = Value(0.5)
    level = [tanh(x * (k / n)) for k in range(n // 3)]
    while len(level) > 1:
        level = [a + b for a, b in zip(level[::2], level[1::2], strict=False)] + level[len(level) & ~1 :]
    return x, level[0]


def _dots(n):
    """Fully connected layers of 30 dots with 30 inputs each, nothing between them; n products in all."""
    from autograd_core import Value, dot, mean

    x = Value(0.5)
    weights = [Value((1 + k / 30) / 45) for k in range(30)]
    row = [x * (k / 30) for k in range(30)]
    for _ in range(max(n // 900, 1)):
        row = [dot(weights[k:] + weights[:k], row) for k in range(30)]
    return x, mean(row)


chain_scaled, chain_sines, chain_added = _standing(_scaled), _standing(_sines), _standing(_added)
tree, dots = _standing(_tree), _standing(_dots)
