"""The loss of an LSTM without mixing between units, over a text of c characters in b bits, and its gradient."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import autograd_core as ag

from . import gradients


def layer(weights: Any, biases: Any, hidden: Any, cell: Any, inputs: Any) -> tuple[list[Any], list[Any]]:
    """One step of one layer: each unit has gates of its own."""
    b = len(inputs)
    cells, outputs = [], []
    for i in range(b):
        forget = ag.sigmoid(inputs[i] * weights[i] + biases[i])
        enter = ag.sigmoid(hidden[i] * weights[b + i] + biases[b + i])
        leave = ag.sigmoid(inputs[i] * weights[2 * b + i] + biases[2 * b + i])
        change = ag.tanh(hidden[i] * weights[3 * b + i] + biases[3 * b + i])
        cells.append(cell[i] * forget + enter * change)
        outputs.append(leave * ag.tanh(cells[-1]))
    return outputs, cells


def loss(main: Any, extra: Any, state: Any, sequence: Any) -> Any:
    """Minus the mean of the next character's bits times log softmax, with 2 added to the sum of exponentials."""
    states = [(list(state[2 * k]), list(state[2 * k + 1])) for k in range(len(main) // 2)]
    total = 0.0
    for now, after in itertools.pairwise(sequence):
        x = [bit * w for bit, w in zip(now, extra[0], strict=True)]
        for k, (hidden, cell) in enumerate(states):
            states[k] = layer(main[2 * k], main[2 * k + 1], hidden, cell, x)
            x = states[k][0]
        predicted = [h * w + bias for h, w, bias in zip(x, extra[1], extra[2], strict=True)]
        scale = ag.log(ag.sum([ag.exp(y) for y in predicted]) + 2)
        total = total + ag.dot(list(after), [y - scale for y in predicted])
    return -total / ((len(sequence) - 1) * len(sequence[0]))


def compiled(given: Any) -> tuple[Any, Any, Any]:
    """The text and the first state are constants."""
    main, extra = np.array(given["main_params"]), np.array(given["extra_params"])
    state, sequence = given["state"], given["sequence"]
    return ag.compile(lambda main, extra: loss(main, extra, state, sequence), main, extra), main, extra


def objective(given: Any) -> Any:
    """The loss."""
    f, *args = compiled(given)
    return lambda: f(*args), float


def jacobian(given: Any) -> Any:
    """Its gradient, parameters of layers first."""
    f, *args = compiled(given)
    return gradients(f, *args), lambda g: [*g[0].ravel().tolist(), *g[1].ravel().tolist()]


FUNCTIONS = {"objective": objective, "jacobian": jacobian}
