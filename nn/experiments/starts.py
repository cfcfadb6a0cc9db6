"""One network trained from many starts at once: each start is a row of one compiled program."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

import autograd_core as ag
from autograd_core import OperandError
from autograd_core._src.any_object import brief
from nn._src.support.arrays import numpy
from nn._src.training.case_programs import BatchFunction, standing_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nn._src.metrics.accuracy import Loss
    from nn._src.modules.module import Module
    from nn._src.training.optimizer import Optimizer


class Trained(NamedTuple):
    """The results of training from all starts.

    Attributes:
        losses: Array of shape (starts, epochs): mean loss as the cases came by, as in `History.loss`.
        weights: Array of shape (starts, parameters), in the order of `Module.parameters()`.
    """

    losses: Any
    weights: Any


def train_starts(
    make: Callable[[int], Module],
    seeds: Sequence[int],
    X: Any,
    y: Any,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
) -> Trained:
    """What `fit(make(seed), X, y, ..., seed=seed)` does for every seed, up to rounding.

    Args:
        make: A model from a seed; all have the same shape, and branch on no number.
        seeds: One per start; it rules the order of the cases as well.
        X: Inputs, rows of numbers.
        y: Targets that are numbers, or rows of them.
        loss: As for `fit`.
        optimizer: `SGD`, `Adam` or `AdamW` without parameters, as it stands before the first step.
        epochs: How often to go through the cases.
        batch_size: Cases per step; None for all of them.

    Returns:
        `Trained`: losses and final weights.

    Raises:
        MissingExtraError: NumPy is not installed.
        OperandError: An optimizer of another kind.

    Example:
        >>> import nn
        >>> from nn.experiments.starts import train_starts
        >>> make = lambda seed: nn.MLP(2, [2, 1], "tanh", seed=seed)
        >>> trained = train_starts(make, range(5), *nn.datasets.xor(), loss=nn.mse, optimizer=nn.SGD(lr=0.1), epochs=3)
        >>> trained.losses.shape, trained.weights.shape
        ((5, 3), (5, 9))
    """
    np = numpy("training many starts at once")
    model = make(seeds[0])
    params = model.parameters()
    everything: Any = slice(None)
    P: Any = np.array([[p.data for p in make(seed).parameters()] for seed in seeds], float)
    X, y = np.array(X, float), np.array(y, float)
    n, count, size = len(y), len(P), batch_size or len(y)
    optimizer.bind(model)
    if not optimizer._works_on_arrays():
        msg = f"train_starts: optimizer: expected SGD, Adam or AdamW, got {brief(optimizer)}"
        raise OperandError(msg)
    optimizer._keep(lambda kept: np.tile(np.array(kept, float), (count, 1)))

    def loss_of(ps: list[Any], xs: list[Any], ts: list[Any]) -> Any:
        with standing_in(model, params, ps, mode=True):
            return loss([model(x) for x in xs], ts)

    def program(length: int) -> BatchFunction:
        return BatchFunction(ag.compile(loss_of, P[0].tolist(), X[:length], y[:length], in_axes=(0, 0, 0), argnums=0))

    programs = {length: program(length) for length in {size, n % size or size}}
    generators = [random.Random(seed) for seed in seeds]  # noqa: S311  shuffles are no secrets
    orders = [list(range(n)) for _ in seeds]
    losses = np.zeros((count, epochs))
    for epoch in range(epochs):
        if size < n:
            for generator, order in zip(generators, orders, strict=True):
                generator.shuffle(order)
        places = np.array(orders)
        for start in range(0, n, size):
            at = places[:, start : start + size]
            values, gradient = programs[at.shape[1]](P, X[at], y[at])
            losses[:, epoch] += values * (at.shape[1] / n)
            lr = optimizer.lr
            optimizer.steps += 1
            P = optimizer.update(everything, P, gradient, lr)
    return Trained(losses, P)
