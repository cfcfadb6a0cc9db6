"""One training step of micrograd's demo, on a batch."""

from __future__ import annotations

import ctypes
from itertools import islice, pairwise

import contenders
import numpy as np
from contenders import DECAY, RATE, SIZES, flat, initial_weights, moons

from compiled_contenders.calls import digest, in_c, jax_in_doubles, repeated, torch_on_one_thread


def layers_of(w):
    """Parameters in one list as (weights, bias) of each neuron."""
    numbers = iter(w)
    return [[(list(islice(numbers, n)), next(numbers)) for _ in range(m)] for n, m in pairwise(SIZES)]


def _matrices(w):
    """The same as a matrix and a vector per layer."""
    return [(np.array([v for v, _ in layer]).T.copy(), np.array([b for _, b in layer])) for layer in layers_of(w)]


def _list(matrices):
    """And back."""
    return np.concatenate([np.vstack([np.asarray(w), np.asarray(b)]).T.ravel() for w, b in matrices])


def moons_start(size):
    points, labels = moons(size)
    return np.array(points), np.array(labels, float), np.array(flat(initial_weights()))


def example_loss(w, point, label):
    """The loss of one point; the mean over all points is the network's."""
    import autograd_core as ag

    x = point
    for layer in layers_of(w):
        x = [ag.dot(weights, x) + bias for weights, bias in layer]
        if len(x) > 1:
            x = list(map(ag.relu, x))
    return ag.relu(1 - label * x[0]) + DECAY * ag.dot(w, w)


def trained(call, loss, w, g, first):
    """Gradient and update, on memory written in place; each sample begins at the first parameters."""

    def begin():
        w[:] = first

    statement = "call(); total = share @ loss; multiply(g, rate, change); subtract(w, change, w)"
    names = {"multiply": np.multiply, "subtract": np.subtract, "rate": RATE, "change": np.empty_like(w)}
    names |= {"loss": loss, "share": np.full(loss.size, 1 / loss.size)}
    return repeated(statement, lambda: digest(loss.mean(), w), begin, call=call, w=w, g=g, **names)


def moons_ours(size):
    """One example traced, the batch as rows."""
    import autograd_core as ag

    points, labels, first = moons_start(size)
    example = first.tolist(), points[0].tolist(), 1.0
    loss = ag.compile(example_loss, *example, in_axes=(None, 0, 0), reduce="mean", argnums=0)
    call = loss.bind(first, points, labels)
    return trained(call, call.out, call.inputs[0], call.grads[0], first)


def moons_jax(size):
    """On tensors, gradient and update under one jit."""
    jax = jax_in_doubles()
    import jax.numpy as jnp

    points, labels, first = moons_start(size)
    x, y = jnp.asarray(points), jnp.asarray(labels)
    initial = jax.tree.map(jnp.asarray, _matrices(first))

    def loss_of(matrices):
        h = x
        for w, b in matrices[:-1]:
            h = jax.nn.relu(h @ w + b)
        w, b = matrices[-1]
        squares = sum((p * p).sum() for p in jax.tree.leaves(matrices))
        return jax.nn.relu(1 - y * (h @ w + b)[:, 0]).mean() + DECAY * squares

    @jax.jit
    def step(matrices):
        loss, slopes = jax.value_and_grad(loss_of)(matrices)
        return jax.tree.map(lambda p, g: p - RATE * g, matrices, slopes), loss

    state = [initial, None]

    def call():
        state[:] = step(state[0])
        state[1].block_until_ready()

    def begin():
        state[0] = initial

    return repeated("call()", lambda: digest(state[1], _list(state[0])), begin, call=call)


def moons_torch(size):
    """On tensors."""
    torch = torch_on_one_thread()
    points, labels, first = moons_start(size)
    x, y = torch.tensor(points), torch.tensor(labels)
    parameters = [torch.tensor(p, requires_grad=True) for pair in _matrices(first) for p in pair]
    state = []

    def call():
        h = x
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            h = torch.relu(h @ w + b)
        w, b = parameters[-2:]
        loss = torch.relu(1 - y * (h @ w + b)[:, 0]).mean() + DECAY * sum((p * p).sum() for p in parameters)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= RATE * p.grad
                p.grad = None
        state[:] = [loss.detach()]

    def begin():
        with torch.no_grad():
            for p, start in zip(parameters, (q for pair in _matrices(first) for q in pair), strict=True):
                p.copy_(torch.tensor(start))

    def answer():
        arrays = [p.detach().numpy() for p in parameters]
        return digest(state[0], _list(list(zip(arrays[::2], arrays[1::2], strict=True))))

    return repeated("call()", answer, begin, call=call)


def moons_numpy(size):
    """By hand."""
    points, labels, first = moons_start(size)
    matrices, state = _matrices(first), [0.0]

    def call():
        (w1, b1), (w2, b2), (w3, b3) = matrices
        h1 = np.maximum(points @ w1 + b1, 0)
        h2 = np.maximum(h1 @ w2 + b2, 0)
        losses = np.maximum(1 - labels * (h2 @ w3 + b3)[:, 0], 0)
        state[0] = losses.sum() / size + DECAY * sum((p * p).sum() for pair in matrices for p in pair)
        d3 = np.where(losses > 0, -labels / size, 0)[:, None]
        d2 = (d3 @ w3.T) * (h2 > 0)
        d1 = (d2 @ w2.T) * (h1 > 0)
        for (w, b), d, h in zip(matrices, (d1, d2, d3), (points, h1, h2), strict=True):
            w -= RATE * (h.T @ d + 2 * DECAY * w)
            b -= RATE * (d.sum(axis=0) + 2 * DECAY * b)

    def begin():
        for pair, starts in zip(matrices, _matrices(first), strict=True):
            for p, start in zip(pair, starts, strict=True):
                p[:] = start

    return repeated("call()", lambda: digest(state[0], _list(matrices)), begin, call=call)


def moons_c(size):
    """By hand."""
    points, labels, first = moons_start(size)
    w, loss = first.copy(), np.zeros(1)
    call, at = in_c("moons.c", "run", [w, np.zeros_like(w), loss], f"-DN={size}")
    call.kept[0].load(ctypes.c_void_p(points.ctypes.data), ctypes.c_void_p(labels.ctypes.data))

    def begin():
        w[:] = first

    return repeated("call(at)", lambda: digest(loss, w), begin, call=call, at=at)


def moons_micrograd(size):
    """Built anew in each step; its loss is compared here, its gradient where `run.py` measures it."""
    sample = contenders.moons_micrograd(size)
    return lambda lap: digest(sample(lap)[0])
