"""What recurrent networks remember: the adding problem, for a plain network, one with its gradient clipped, an LSTM."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nn._src.analysis.through_time import SignalOverTime, signal_over_time
from nn._src.modules.layers import Linear
from nn._src.modules.losses import mse
from nn._src.modules.module import Module
from nn._src.modules.recurrent import LSTM, RNN
from nn._src.support.figures import COLOURS, figure_of, whole_numbers
from nn._src.support.validation import generator, whole
from nn._src.training.loop import fit
from nn._src.training.optimizers import Adam

if TYPE_CHECKING:
    from nn._src.training.history import History

BASELINE = 1 / 6  # the loss of always answering 1: the variance of the sum of two numbers from [0, 1]
CLIP = 1.0
RATE, BATCH = 0.02, 20
FORGET_BIAS = 1.0  # Gers, Schmidhuber, Cummins, 2000; Jozefowicz, Zaremba, Sutskever, 2015


def adding_problem(
    n: int, steps: int, *, seed: int | random.Random | None = 0
) -> tuple[list[list[list[float]]], list[float]]:
    """Sequences of random numbers, two of which are marked: the answer is the sum of those two.

    Each step is (number, mark). Numbers are from [0, 1]; one mark stands in the first half of the
    sequence, one in the second, and both must be remembered to the end.

    Args:
        n: Number of sequences, at least 1.
        steps: Their length, at least 2.
        seed: An int or a `random.Random`.

    Returns:
        `(X, y)`: n lists of `steps` pairs, and n sums.

    Raises:
        RangeError: `n` or `steps` is too small.
        OperandError: An argument of a wrong type.

    Source: Hochreiter, Schmidhuber, "Long short-term memory", 1997, experiment 4.

    Example:
        >>> from nn.experiments.adding import adding_problem
        >>> X, y = adding_problem(3, 10, seed=1)
        >>> [sum(number * mark for number, mark in x) == s for x, s in zip(X, y)]
        [True, True, True]
    """
    n, steps = whole(n, "adding_problem: n"), whole(steps, "adding_problem: steps", 2)
    rng = generator(seed)
    X, y = [], []
    for _ in range(n):
        numbers = [rng.random() for _ in range(steps)]
        first, second = rng.randrange(steps // 2), rng.randrange(steps // 2, steps)
        X.append([[x, float(t in (first, second))] for t, x in enumerate(numbers)])
        y.append(numbers[first] + numbers[second])
    return X, y


class LastState(Module):
    """One number for a sequence: a line through the last output of a recurrent network.

    Args:
        recurrent: An `RNN` or `LSTM`.
        seed: An int or a `random.Random`.

    Example:
        >>> from nn import RNN
        >>> from nn.experiments.adding import LastState
        >>> len(LastState(RNN(2, 3), seed=0).parameters())
        25
    """

    def __init__(self, recurrent: RNN | LSTM, *, seed: int | random.Random | None = None) -> None:
        self.recurrent = recurrent
        self.line: Linear = Linear(recurrent.hidden_size, 1, seed=seed)

    def forward(self, x: Any) -> Any:  # noqa: D102
        output, _ = self.recurrent(x)
        return self.line(output[-1])[0]


@dataclass(frozen=True, slots=True, repr=False)
class Memory:
    """What `memory` found; `str()` is a table.

    Attributes:
        steps: The length of the sequences.
        histories: What `fit` saw, by the name of the network; `val_loss` is on unseen sequences.
        models: The trained networks, likewise.
        sample: The first unseen sequence.
    """

    steps: int
    histories: dict[str, History]
    models: dict[str, LastState]
    sample: list[list[float]]

    def signals(self) -> dict[str, SignalOverTime]:
        """How far back the last state of each trained network reaches, on one unseen sequence.

        Returns:
            A `SignalOverTime` by the name of the network.

        Raises:
            MissingExtraError: NumPy is not installed.
        """
        return {name: signal_over_time(model.recurrent, self.sample) for name, model in self.models.items()}

    def pictures(self) -> dict[str, Any]:
        """The plot, by the name of its file."""
        return {"memory.png": self.plot()}

    def plot(self) -> Any:
        """The losses on unseen sequences over the epochs, and how far back each trained network reaches.

        Returns:
            A `matplotlib.figure.Figure`, as `History.plot` gives one.

        Raises:
            MissingExtraError: matplotlib or NumPy is not installed.
        """
        figure, (left, right) = figure_of("Memory.plot", 2, width=5.0, height=3.4)
        for (name, history), colour in zip(self.histories.items(), COLOURS):
            left.plot(range(1, len(history.val_loss) + 1), history.val_loss, label=name, color=colour)
        left.axhline(BASELINE, color="0.5", linestyle=":", label="always answering 1")
        left.set(xlabel="epoch", ylabel="loss on unseen sequences", yscale="log")
        for (name, signal), colour in zip(self.signals().items(), COLOURS):
            right.plot(signal.norms, label=name, color=colour, marker="o", markersize=3)
        right.set(xlabel="steps back, k", ylabel="‖∂state_T / ∂state_(T−k)‖", yscale="log")
        for axes in (left, right):
            axes.grid(visible=True, alpha=0.3)
            whole_numbers(axes)
        left.legend(fontsize=8)
        return figure

    def __str__(self) -> str:
        width = max(map(len, self.histories))
        lines = [f"Adding problem over {self.steps} steps; always answering 1 costs {BASELINE:.3f}"]
        lines.append(f"{'':{width}}  loss on unseen sequences: last  smallest  ran on")
        for name, history in self.histories.items():
            last, least = history.val_loss[-1], min(history.val_loss)
            lines.append(f"{name:{width}}  {last:30.4f}  {least:8.4f}  {history.ran}")
        return "\n".join(lines)

    __repr__ = __str__


def memory(
    *, steps: int = 20, cases: int = 400, hidden: int = 4, epochs: int = 60, seed: int = 0, progress: bool = True
) -> Memory:
    """Train three networks on the adding problem: an RNN, an RNN with its gradient clipped, and an LSTM.

    The gradient of a plain network fades or blows up over the steps. Clipping its length to 1 helps
    against the second and not against the first; the cell of an LSTM helps against the first. All
    three have the same data, number of units and optimizer, Adam at a rate of 0.02 on batches of 20;
    the LSTM is clipped as well.

    Args:
        steps: Length of the sequences, at least 2.
        cases: Sequences to learn from, at least 1; half as many are unseen.
        hidden: Units of each network, at least 1.
        epochs: How often to go through the data, at least 1.
        seed: An int that rules data, weights and order.
        progress: Whether to show a bar.

    Returns:
        A `Memory`: `.histories`, `.models`, `.signals()`, `.plot()`, and `str()` for a table.

    Raises:
        RangeError: A number is too small.
        OperandError: An argument of a wrong type.

    Source: Hochreiter, Schmidhuber, 1997; Pascanu, Mikolov, Bengio, 2013.

    Example:
        >>> from nn.experiments.adding import memory
        >>> found = memory(steps=2, cases=4, hidden=1, epochs=1, progress=False)
        >>> list(found.histories)
        ['RNN', 'RNN, clipped', 'LSTM']
    """
    rng = random.Random(seed)  # noqa: S311  data are no secrets
    X, y = adding_problem(cases, steps, seed=rng)
    unseen = adding_problem(max(1, cases // 2), steps, seed=rng)
    lstm = LSTM(2, hidden, seed=seed)
    for p in (lstm.bias_ih_l0 or [])[hidden : 2 * hidden]:
        p.data = FORGET_BIAS
    plans: list[tuple[str, RNN | LSTM, float | None]] = [
        ("RNN", RNN(2, hidden, seed=seed), None),
        ("RNN, clipped", RNN(2, hidden, seed=seed), CLIP),
        ("LSTM", lstm, CLIP),
    ]
    histories, models = {}, {}
    for name, recurrent, clip in plans:
        models[name] = LastState(recurrent, seed=seed)
        histories[name] = fit(
            models[name], X, y, loss=mse, optimizer=Adam(lr=RATE), epochs=epochs, batch_size=BATCH,
            validation=unseen, max_grad_norm=clip, seed=seed, progress=progress,
        )  # fmt: skip
    return Memory(steps, histories, models, unseen[0][0])
