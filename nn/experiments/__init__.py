"""Experiments from the textbooks, each repeatable by its seed, in one command.

    python -m nn.experiments xor -o pictures

`EXPERIMENTS` is the table of them, one row each. A row's `run(seed)` gives an outcome: `str(outcome)` is what is
printed, `outcome.pictures()` what is saved. In Python: `from nn import experiments`, and
`experiments.run("xor").share`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from autograd_core import RangeError
from autograd_core._src.any_object import brief

from .adding import memory as memory
from .attenuations import attenuation as attenuation
from .costs import linear_time as linear_time
from .descents import descent as descent
from .logistic_graph import logistic as logistic
from .overtrained import overtraining as overtraining
from .shared_weights import convolution as convolution
from .wines import wine as wine
from .xor_starts import xor as xor


class Outcome(Protocol):
    """The result of an experiment: a text, and pictures."""

    def __str__(self) -> str: ...

    def pictures(self) -> dict[str, Any]:
        """Figures (with `savefig`) or Pictures and pages (with `save`) by the names of their files."""
        ...


class Run(Protocol):
    """An experiment as a function."""

    def __call__(self, *, seed: int = 0) -> Outcome:
        """The experiment under that seed."""
        ...


class Experiment(NamedTuple):
    """One row of the table.

    Attributes:
        name: What the command line calls it.
        summary: What it shows, in a line.
        run: The experiment, a function of `seed=` that gives an `Outcome`.
    """

    name: str
    summary: str
    run: Run


EXPERIMENTS = (
    Experiment("attenuation", "how an error fades over 30 layers: sigmoid, softmax, tanh, ReLU", attenuation),
    Experiment("convolution", "a convolution's shared weights: what each patch adds to their gradient", convolution),
    Experiment("descent", "the delta rule on a linear unit: batch, incremental and minibatch descent", descent),
    Experiment("linear_time", "what a gradient and a Hessian-vector product cost, as the graph grows", linear_time),
    Experiment(
        "logistic", "the graph of logistic regression, stepped: dz = a - y, dw = (a - y) x, db = a - y", logistic
    ),
    Experiment("memory", "two numbers to be remembered: a recurrent network, one with clipping, an LSTM", memory),
    Experiment("overtraining", "a network trained too long, beside the same one stopped early", overtraining),
    Experiment("wine", "three growers' wines told apart by 13 properties, over 20 random splits", wine),
    Experiment("xor", "exclusive or with two hidden sigmoid units, from 200 starts; what became of each", xor),
)


def experiment(name: str) -> Experiment:
    """The row of that name.

    Args:
        name: Such as "xor".

    Returns:
        An `Experiment`.

    Raises:
        RangeError: There is none.

    Example:
        >>> from nn import experiments
        >>> experiments.experiment("logistic").summary[:33]
        'the graph of logistic regression,'
    """
    for row in EXPERIMENTS:
        if row.name == name:
            return row
    msg = f"expected one of {', '.join(row.name for row in EXPERIMENTS)}, got {brief(name)}"
    raise RangeError(msg)


def run(name: str, *, seed: int = 0) -> Any:
    """Run an experiment.

    Args:
        name: As in the table.
        seed: Another one gives another run; the same one the same.

    Returns:
        Its outcome: `str()` of it is a table, `.pictures()` gives figures by name, and its attributes the numbers.

    Raises:
        RangeError: There is no experiment of that name.
        MissingExtraError: It needs an extra that is not installed.

    Example:
        >>> from nn import experiments
        >>> graph = experiments.run("logistic")
        >>> abs(graph.dz - (graph.a - graph.y)) < 1e-15
        True
    """
    return experiment(name).run(seed=seed)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "EXPERIMENTS",
    "Experiment",
    "Outcome",
    "Run",
    "attenuation",
    "convolution",
    "descent",
    "experiment",
    "linear_time",
    "logistic",
    "memory",
    "overtraining",
    "run",
    "wine",
    "xor",
]

if not TYPE_CHECKING:  # or type checkers would know every name

    def __getattr__(name: str) -> object:
        from autograd_core._src.engine.elsewhere import unknown_name

        raise unknown_name(__name__, name, {}, __all__)
