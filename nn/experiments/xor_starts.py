"""XOR with a 2-2-1 sigmoid network from many starts: how many learn it, and why the others do not.

"Not linearly separable, so it takes awhile! Each run is different due to random weight init." (Downing, 2023)

The lecture's means are batch and incremental descent at a constant rate, from weights and biases in [-1, 1]; targets
are 0.1 and 0.9, as its tips have them. They leave about one start in five on a plateau: at two of the cases both hidden
units are saturated, or they draw the same line, or one is constant, and the gradient is all but 0. Incremental descent
alone is no cure. What helps nearly every start is ours and not in the lecture: momentum, a rate that falls, and weight
decay, with cases one by one.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import autograd_core as ag
from nn import datasets, init, schedules
from nn._src.metrics.evaluation import predict
from nn._src.modules.activations import Sigmoid
from nn._src.modules.layers import MLP, Sequential
from nn._src.modules.loss_terms import sum_of_squares
from nn._src.modules.losses import sse
from nn._src.support.figures import COLOURS, figure_of, whole_numbers
from nn._src.support.tables import LINE
from nn._src.support.validation import whole
from nn._src.training.optimizers import SGD

from .starts import train_starts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nn._src.training.optimizer import Optimizer

TARGETS = (0.1, 0.9)
LEARNT = 0.3  # XOR is learnt if every output is this near to its target
SAME = 0.99  # two hidden units with a larger |correlation| separate the cases by the same line
STILL = 0.1  # a hidden unit with a smaller range is constant
NEAR = 0.15  # numbers that differ by less are equal
FLAT = 0.05  # the slope of a sigmoid that counts as flat here; its largest is 0.25


def network(seed: int | random.Random | None = 0) -> Sequential:
    """A 2-2-1 network of sigmoid units, all of its nine weights and biases at random in [-1, 1].

    Args:
        seed: An int or a `random.Random`.

    Returns:
        A model whose one output lies in (0, 1).

    Example:
        >>> from nn.experiments.xor_starts import network
        >>> all(-1 <= p.data <= 1 for p in network(seed=3).parameters())
        True
    """
    rng = seed if isinstance(seed, random.Random) else random.Random(seed)  # noqa: S311
    model = Sequential(MLP(2, [2, 1], "sigmoid", init=init.uniform(-1.0, 1.0), seed=rng), Sigmoid())
    for p in model.parameters():
        if p.label == "b":
            p.data = rng.uniform(-1.0, 1.0)
    return model


@dataclass(frozen=True, slots=True)
class Settings:
    """How the network is trained; the loss is `sse`, half the sum of squared errors.

    Attributes:
        name: Of the settings.
        epochs: How often all four cases come by.
        batch_size: 4 for batch descent, 1 for incremental descent in random order.
        rate: Learning rate at the first step.
        last_rate: And at the last; between them it falls by the same factor at every step.
        momentum: Of `SGD`.
        weight_decay: Likewise, at every step.
    """

    name: str
    epochs: int
    batch_size: int
    rate: float
    last_rate: float
    momentum: float
    weight_decay: float

    def optimizer(self) -> Optimizer:
        """A fresh one."""
        steps = self.epochs * 4 // self.batch_size
        rate = schedules.exponential(self.rate, (self.last_rate / self.rate) ** (1.0 / steps))
        return SGD(lr=rate, momentum=self.momentum, weight_decay=self.weight_decay)


def plain(name: str, batch_size: int, rate: float) -> Settings:
    """The lecture's means: 5000 epochs at one rate, and nothing else."""
    return Settings(name, 5000, batch_size, rate, rate, momentum=0.0, weight_decay=0.0)


LECTURE = (plain("batch", 4, 1.0), plain("incremental", 1, 0.5), plain("incremental", 1, 1.2))
OURS = Settings("incremental, ours", 500, 1, rate=1.2, last_rate=0.12, momentum=0.95, weight_decay=7e-4)
OF_CURVES = (*COLOURS, "#000000", "#8c8c8c")
CURVES = len(OF_CURVES)  # runs that are drawn one by one, as the lecture does


@dataclass(frozen=True, slots=True)
class Start:
    """The result of one start.

    Attributes:
        seed: Of its initial weights and of its order of cases.
        learnt: Whether every output came within 0.3 of its target.
        outputs: For the inputs 00, 01, 10, 11.
        weights: The nine final ones, in the order of `Module.parameters()`.
        kind: "learnt"; or where it stands: "plateau", "saddle", "local minimum", "still falling".
        reason: What holds it up, in words; "" if it has learnt.
        slope: Length of the gradient at the end, weight decay included.
        curvature: The smallest curvature there, likewise; None if it has learnt.
    """

    seed: int
    learnt: bool
    outputs: tuple[float, ...]
    weights: tuple[float, ...]
    kind: str
    reason: str
    slope: float
    curvature: float | None


@dataclass(frozen=True, slots=True, repr=False)
class XorRuns:
    """The starts under some settings.

    Attributes:
        settings: How they were trained.
        starts: What became of each.
        losses: Array of shape (starts, epochs).
    """

    settings: Settings
    starts: tuple[Start, ...]
    losses: Any

    @property
    def share(self) -> float:
        """The share of starts that learnt it."""
        return sum(start.learnt for start in self.starts) / len(self.starts)

    @property
    def stuck(self) -> list[Start]:
        """Those that did not, each with its reason."""
        return [start for start in self.starts if not start.learnt]

    def __str__(self) -> str:
        s, learnt = self.settings, sum(start.learnt for start in self.starts)
        share = f"{learnt} of {len(self.starts)} starts learnt it ({100 * self.share:.1f} %)"
        rates = f"lr {s.rate:g}"
        if s.last_rate != s.rate or s.momentum or s.weight_decay:
            rates += f" to {s.last_rate:g}, momentum {s.momentum:g}, weight decay {s.weight_decay:g}"
        lines = [f"XOR, 2-2-1 sigmoid units, {s.name}: {share}."]
        lines.append(f"  {s.epochs} epochs, batch_size={s.batch_size}, {rates}")
        for (kind, reason), count in Counter((x.kind, x.reason) for x in self.stuck).most_common():
            seeds = [x.seed for x in self.stuck if (x.kind, x.reason) == (kind, reason)]
            shown = ", ".join(map(str, seeds[:3])) + (", ..." if len(seeds) > 3 else "")
            said, of = f"  {count:3} {kind}: {reason}", f"(seeds {shown})"
            lines += [f"{said} {of}"] if len(said) + 1 + len(of) <= LINE else [said, f"      {of}"]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


def train(settings: Settings, *, starts: int = 200, seed: int = 0) -> XorRuns:
    """Train from many starts, and classify the result of each.

    Args:
        settings: How.
        starts: How many.
        seed: The first start's; the others follow.

    Returns:
        `XorRuns`.

    Raises:
        MissingExtraError: NumPy is not installed.

    Example:
        >>> from nn.experiments.xor_starts import OURS, train
        >>> train(OURS, starts=3).share
        1.0
    """
    X, y = datasets.xor(labels=TARGETS)
    seeds = range(seed * starts, (seed + 1) * starts)
    trained = train_starts(
        network, seeds, X, y, loss=sse, optimizer=settings.optimizer(), epochs=settings.epochs,
        batch_size=settings.batch_size,
    )  # fmt: skip
    decay = settings.weight_decay * 4 / settings.batch_size  # of an epoch
    ends = [judge(s, weights.tolist(), X, y, decay) for s, weights in zip(seeds, trained.weights, strict=True)]
    return XorRuns(settings, tuple(ends), trained.losses)


def judge(seed: int, weights: list[float], X: Any, y: Any, decay: float = 0.0) -> Start:
    """Whether some weights compute XOR; if not, what kind of point they are at, and why.

    Args:
        seed: Only noted.
        weights: The nine, in the order of `Module.parameters()`.
        X: The four cases.
        y: Their targets.
        decay: Weight decay per epoch: its penalty decay / 2 * (sum of squares) counts as part of the surface.

    Returns:
        A `Start`.

    Example:
        >>> import nn
        >>> from nn.experiments.xor_starts import judge
        >>> X, y = nn.datasets.xor(labels=(0.1, 0.9))
        >>> judge(0, [0.0] * 9, X, y).reason
        'both hidden units are constant; all outputs are about 0.50'
    """
    model = network(0)
    for p, w in zip(model.parameters(), weights, strict=True):
        p.data = w
    hidden = [[float(unit.data) for unit in model[0].layers[0](x)] for x in X]
    outputs = tuple(float(output) for output in predict(model, X))
    learnt = all(abs(o - t) < LEARNT for o, t in zip(outputs, y, strict=True))
    slope, curvature = _surface(weights, X, y, decay, needs_curvature=not learnt)
    kind = "learnt" if learnt else _kind(slope, curvature or 0.0)
    reason = "" if learnt else f"{_mechanism(hidden)}; {_pattern(outputs)}"
    return Start(seed, learnt, outputs, tuple(weights), kind, reason, slope, curvature)


def _surface(
    weights: list[float], X: Any, y: Any, decay: float, *, needs_curvature: bool
) -> tuple[float, float | None]:
    """Slope, and smallest curvature, of what is minimised."""
    import numpy as np

    from nn._src.training.case_programs import standing_in

    model = network(0)
    params = model.parameters()

    def cost(ps: list[Any]) -> Any:
        with standing_in(model, params, ps, mode=True):
            return sse([model(x) for x in X], y) + 0.5 * decay * sum_of_squares(ps)

    slope = math.hypot(*ag.grad(cost)(weights))
    if not needs_curvature:
        return slope, None
    return slope, float(np.linalg.eigvalsh(np.array(ag.hessian(cost)(weights), float))[0])


def _kind(slope: float, curvature: float) -> str:
    if slope > 0.02:
        return "still falling"
    if curvature < -1e-3:
        return "saddle"
    return "local minimum" if curvature > 1e-4 and slope < 1e-3 else "plateau"


def _mechanism(hidden: list[list[float]]) -> str:
    """The behaviour of the hidden units over the four cases."""
    columns = list(zip(*hidden, strict=True))
    still = [i for i, c in enumerate(columns) if max(c) - min(c) < STILL]
    if len(still) == 2:
        return "both hidden units are constant"
    if still:
        level = sum(columns[still[0]]) / 4
        return f"one hidden unit is constant{', saturated' if min(level, 1 - level) < 0.05 else ''}"
    a, b = ([x - sum(c) / 4 for x in c] for c in columns)
    if abs(ag.dot(a, b)) > SAME * math.sqrt(ag.dot(a, a) * ag.dot(b, b)):
        return "both hidden units draw the same line"
    alike = _alike(hidden)
    if len(alike) == 1:
        return "the hidden units tell all cases apart, the output does not"
    flat = all(h * (1.0 - h) < FLAT for i in alike for h in hidden[i])
    return f"both hidden units are {'saturated' if flat else 'alike'} at {_names(alike)}"


def _alike(rows: Sequence[Sequence[float]]) -> list[int]:
    """The largest group of cases with nearly the same numbers."""
    groups = ([j for j in range(4) if math.dist(rows[i], rows[j]) < NEAR] for i in range(4))
    return max(groups, key=len)


def _names(cases: list[int]) -> str:
    return " and ".join(("00", "01", "10", "11")[i] for i in cases)


def _pattern(outputs: tuple[float, ...]) -> str:
    """The cases whose outputs cannot be distinguished."""
    alike = _alike([(o,) for o in outputs])
    level = sum(outputs[i] for i in alike) / len(alike)
    if len(alike) == 4:
        return f"all outputs are about {level:.2f}"
    return f"{_names(alike)} {'all ' if len(alike) > 2 else ''}give about {level:.1f}"


@dataclass(frozen=True, slots=True, repr=False)
class XorOutcome:
    """XOR by the lecture's means, and by ours; see `xor`.

    Attributes:
        lecture: Batch descent, and incremental descent at the rates 0.5 and 1.2: nothing else.
        ours: Incremental descent with momentum, a rate that falls and weight decay.
    """

    lecture: tuple[XorRuns, ...]
    ours: XorRuns

    @property
    def plain(self) -> XorRuns:
        """Batch descent, the first of the lecture's."""
        return self.lecture[0]

    @property
    def share(self) -> float:
        """The share of starts that learnt it, by our means."""
        return self.ours.share

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.lecture, self.ours)))

    def __repr__(self) -> str:
        return str(self)

    def pictures(self) -> dict[str, Any]:
        """Eight runs by batch descent, one curve each; and the curves of all starts, by what became of them.

        Returns:
            {"xor_runs.png": a matplotlib figure, "xor.png": another}.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        few, (axes,) = figure_of("XorOutcome.pictures", 1, width=6.0, height=3.4)
        runs = self.plain
        for k, losses in enumerate(runs.losses[:CURVES]):
            axes.plot(range(1, len(losses) + 1), losses, linewidth=1.2, color=OF_CURVES[k])
        axes.set(xlabel="epoch", ylabel="½ Σ (t − o)² of an epoch", ylim=(0.0, 0.75))
        whole_numbers(axes)
        axes.set_title(f"{min(CURVES, len(runs.losses))} runs, {runs.settings.name}, lr {runs.settings.rate:g}")
        axes.grid(visible=True, alpha=0.3)
        figure, panels = figure_of("XorOutcome.pictures", 4, width=4.2, height=3.4)
        for axes, runs in zip(panels, (*self.lecture, self.ours), strict=True):
            _curves(axes, runs)
        return {"xor_runs.png": few, "xor.png": figure}


SHADES = {
    "learnt": COLOURS[0], "plateau": COLOURS[1], "saddle": COLOURS[3], "local minimum": COLOURS[4],
    "still falling": COLOURS[2],
}  # fmt: skip


def _curves(axes: Any, runs: XorRuns) -> None:
    epochs = range(1, runs.settings.epochs + 1)
    counts = Counter(start.kind for start in runs.starts)
    for kind, colour in SHADES.items():
        mine = [i for i, start in enumerate(runs.starts) if start.kind == kind]
        for k, i in enumerate(mine):
            label = f"{kind}: {counts[kind]}" if k == 0 else None
            width = 0.5 if kind == "learnt" else 1.1
            axes.plot(
                epochs,
                runs.losses[i] * 4 / runs.settings.batch_size,
                color=colour,
                linewidth=width,
                alpha=0.6,
                label=label,
            )
    axes.set_xscale("log")
    axes.set_ylim(0.0, 0.75)
    axes.set_xlabel("epoch")
    axes.set_ylabel("½ Σ (t − o)² of an epoch")
    title = f"{runs.settings.name}, lr {runs.settings.rate:g}: {100 * runs.share:.1f} % learn XOR"
    axes.set_title(title, fontsize="medium")
    axes.grid(visible=True, alpha=0.3)
    legend = axes.legend(loc="upper right", fontsize="small")
    for line in legend.get_lines():
        line.set_linewidth(2.0)
        line.set_alpha(1.0)


def xor(*, seed: int = 0, starts: int = 200) -> XorOutcome:
    """XOR from many starts by the lecture's means, and by ours.

    Args:
        seed: 0 for the first `starts` starts, 1 for the next, and so on.
        starts: How many.

    Returns:
        An `XorOutcome`: a text, `.share`, `.lecture` and `.ours` with every start, and pictures.

    Raises:
        MissingExtraError: NumPy is not installed.
        RangeError: There are no starts.

    Example:
        >>> from nn.experiments import xor
        >>> xor(starts=2).share
        1.0
    """
    starts = whole(starts, "xor: starts")
    lecture = tuple(train(settings, starts=starts, seed=seed) for settings in LECTURE)
    return XorOutcome(lecture, train(OURS, starts=starts, seed=seed))
