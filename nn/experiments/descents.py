"""The delta rule on one linear unit, three ways: batch, incremental in random order, and minibatches.

The unit learns t = 2 x + 1 from noisy cases. Its sum of squared errors is a bowl over weight and bias, so the way
that each kind of descent takes can be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nn._src.modules.layers import Neuron
from nn._src.modules.losses import sse
from nn._src.support.figures import COLOURS, figure_of
from nn._src.support.validation import generator
from nn._src.training.loop import fit
from nn._src.training.optimizers import SGD
from nn.init import constant

if TYPE_CHECKING:
    from nn._src.training.history import History

CASES, EPOCHS = 12, 8


class RecordedSGD(SGD):
    """`SGD` that keeps the parameters after every step."""

    def prepare(self) -> None:  # noqa: D102
        super().prepare()
        self.points: list[tuple[float, ...]] = [self._now()]

    def step(self) -> None:  # noqa: D102
        super().step()
        self.points.append(self._now())

    def _now(self) -> tuple[float, ...]:
        return tuple(p.data for p in self.params)


@dataclass(frozen=True, slots=True)
class Descent:
    """One kind of descent.

    Attributes:
        name: "batch", "incremental" or "minibatch".
        batch_size: Cases per step.
        rate: The learning rate.
        points: `(w, b)` before the first step and after every step.
        history: The losses, one per epoch.
        cost: Half the sum of squared errors of all cases at the end.
    """

    name: str
    batch_size: int
    rate: float
    points: tuple[tuple[float, ...], ...]
    history: History
    cost: float


@dataclass(frozen=True, slots=True, repr=False)
class DescentOutcome:
    """Three ways down.

    Attributes:
        X: The inputs.
        t: The targets.
        ways: Batch, incremental, minibatch.
        best: The least-squares solution `(w, b)`.
    """

    X: list[list[float]]
    t: list[float]
    ways: tuple[Descent, ...]
    best: tuple[float, float]

    def __str__(self) -> str:
        best = f"the best is w = {self.best[0]:.3f}, b = {self.best[1]:.3f}"
        lines = [f"The delta rule on a linear unit, {len(self.t)} cases, {EPOCHS} epochs; {best}"]
        lines.append(f"  {'':12} cases per step  steps  rate       w       b  cost")
        for way in self.ways:
            w, b = way.points[-1]
            steps = f"{way.batch_size:14} {len(way.points) - 1:6} {way.rate:5.2f}"
            lines.append(f"  {way.name:12} {steps} {w:7.3f} {b:7.3f} {way.cost:5.3f}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def pictures(self) -> dict[str, Any]:
        """The three ways over the bowl of the error, and the cost after every epoch.

        Returns:
            {"descent.png": a matplotlib figure}.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        figure, panels = figure_of("DescentOutcome.pictures", 3, width=3.4, height=3.2)
        ws, bs = [-0.5 + 3.5 * i / 60 for i in range(61)], [-0.5 + 2.5 * i / 60 for i in range(61)]
        bowl = [[cost_of(self.X, self.t, w, b) for w in ws] for b in bs]
        low = cost_of(self.X, self.t, *self.best)
        for axes, way, colour in zip(panels, self.ways, COLOURS, strict=False):
            axes.contour(
                ws, bs, bowl, levels=[low + 0.02 * 2.2**k for k in range(11)], colors="#bbbbbb", linewidths=0.7
            )
            axes.plot(*zip(*way.points, strict=True), "-o", color=colour, markersize=3, linewidth=1)
            axes.plot(*self.best, "+", color="black", markersize=10)
            axes.set_title(f"{way.name}: {len(way.points) - 1} steps", fontsize="medium")
            axes.set_xlabel("w")
        panels[0].set_ylabel("b")
        return {"descent.png": figure}


def cost_of(X: list[list[float]], t: list[float], w: float, b: float) -> float:
    """Half the sum of squared errors of the unit w x + b.

    Args:
        X: Rows of one input.
        t: Targets.
        w: The weight.
        b: The bias.

    Returns:
        A float.

    Example:
        >>> from nn.experiments.descents import cost_of
        >>> cost_of([[1.0], [2.0]], [1.0, 2.0], 1.0, 1.0)
        1.0
    """
    return float(sse([w * x + b for (x,) in X], t))


def descent(*, seed: int = 0) -> DescentOutcome:
    """Train one linear unit by batch, incremental and minibatch descent.

    Args:
        seed: Of the noise and of the orders of cases.

    Returns:
        A `DescentOutcome`: a text, the three ways with every step, and pictures.

    Example:
        >>> from nn.experiments import descent
        >>> [len(way.points) - 1 for way in descent().ways]
        [8, 96, 24]
    """
    rng = generator(seed)
    X = [[-1.0 + 2.0 * i / (CASES - 1)] for i in range(CASES)]
    t = [2.0 * x + 1.0 + rng.gauss(0.0, 0.6) for (x,) in X]
    ways = []
    for name, size, rate in (("batch", CASES, 0.1), ("incremental", 1, 0.06), ("minibatch", 4, 0.08)):
        unit, optimizer = Neuron(1, "linear", init=constant(0.0)), RecordedSGD(lr=rate)
        history = fit(
            unit, X, t, loss=sse, optimizer=optimizer, epochs=EPOCHS, batch_size=size, seed=seed, compiled=False,
            progress=False,
        )  # fmt: skip
        points = tuple(optimizer.points)
        ways.append(Descent(name, size, rate, points, history, cost_of(X, t, *points[-1])))
    mean_x, mean_t = sum(x for (x,) in X) / CASES, sum(t) / CASES
    w = sum((x - mean_x) * (v - mean_t) for (x,), v in zip(X, t, strict=True)) / sum((x - mean_x) ** 2 for (x,) in X)
    return DescentOutcome(X, t, tuple(ways), (w, mean_t - w * mean_x))
