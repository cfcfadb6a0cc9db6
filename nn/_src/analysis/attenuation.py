"""How an error signal shrinks or grows as it is propagated back through many layers."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import autograd_core as ag
from autograd_core import OperandError, RangeError, StructureError
from autograd_core._src.any_object import brief, shown
from autograd_core._src.wrong_calls import says_how

from ..modules.activations import ACTIVATIONS, Softmax, activation_function
from ..support.figures import curve, figure_of, whole_numbers
from ..support.matrices import product
from ..support.tables import Table, number
from ..support.validation import generator, plain, real, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure

    from ..modules.layers import Seed

    Layer = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attenuation(Table):
    """The measurements of `nn.attenuation`. It is a table, as text and in a notebook.

    Attributes:
        norms: For each activation the length of the error signal after 0, 1, ... layers back; it starts as 1.
        zeros: For each activation the share of the entries of the error signal that are exactly 0, likewise.
        gain: That of the weights.
        width: Units per layer.

    Example:
        >>> import nn
        >>> fading = nn.attenuation(depth=20, width=4, activations=["sigmoid"], runs=3, seed=0)
        >>> fading.norms["sigmoid"][0], fading.norms["sigmoid"][20] < 1e-9
        (1.0, True)
    """

    norms: dict[str, tuple[float, ...]]
    zeros: dict[str, tuple[float, ...]]
    gain: float
    width: int

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(next(iter(self.norms.values()))) - 1

    def per_layer(self, activation: str) -> float:
        """The factor by which one layer changes the length of the error signal, as a geometric mean.

        It is that of the layers whose weights the error passes, R <- R W J_f: the first factor, J_f alone, is left out.

        Args:
            activation: One of those that were measured.

        Returns:
            Below 1 where it fades, above 1 where it blows up. Of a single layer, which has no such step, what its J_f
            leaves.

        Example:
            >>> import nn
            >>> fading = nn.attenuation(depth=20, width=4, activations=["sigmoid"], runs=3, seed=0)
            >>> norms = fading.norms["sigmoid"]
            >>> fading.per_layer("sigmoid") == (norms[20] / norms[1]) ** (1 / 19)
            True
        """
        _, first, *others = self.norms[activation]
        if not others or not first:
            return first
        return float((others[-1] / first) ** (1 / len(others)))

    def _heading(self) -> str:
        return f"Length of the error signal  {self.width} units per layer, weights of gain {number(self.gain)}"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        shown = sorted({0, 1, self.depth, *(self.depth * k // 4 for k in (1, 2, 3))})
        heads = ["layers back", *map(str, shown), "per layer", "zeros"]
        rows = [
            [name, *(number(norms[k]) for k in shown), number(self.per_layer(name), 2), f"{zeros:.0%}"]
            for name, norms, zeros in ((n, self.norms[n], statistics.fmean(self.zeros[n][1:])) for n in self.norms)
        ]
        return heads, rows

    def plot(self) -> Figure:
        """The length of the error signal, in logarithms, by layers back from the loss; beside it the share of zeros.

        Of an activation without any zeros the title says so; where none has any there is one panel.

        Returns:
            A `matplotlib.figure.Figure`, which shows itself at the end of a notebook cell.

        Raises:
            MissingExtraError: matplotlib is not installed.

        Example:
            >>> import nn
            >>> figure = nn.attenuation(depth=4, width=4, runs=1, seed=0).plot()
            >>> [axes.get_ylabel() for axes in figure.axes]
            ['length of the error signal', 'share of zeros in it']
        """
        sparse = [name for name, shares in self.zeros.items() if any(shares)]
        figure, (left, *others) = figure_of("Attenuation.plot", 1 + bool(sparse), height=3.4)
        for k, name in enumerate(self.norms):
            # Zeros cannot be shown on a logarithmic axis.
            norms = [norm if norm > 0 else math.nan for norm in self.norms[name]]
            left.plot(range(self.depth + 1), norms, **curve(k), label=name)
            for right in others if name in sparse else ():
                right.plot(range(self.depth + 1), self.zeros[name], **curve(k), label=name)
        left.set_yscale("log")
        left.set_ylabel("length of the error signal")
        units = "1 unit" if self.width == 1 else f"{self.width} units"
        left.set_title(f"weights of gain {self.gain:g}, {units} per layer", fontsize="medium")
        for right in others:
            right.set_ylabel("share of zeros in it")
            right.set_ylim(-0.02, 1.02)
            if dense := [name for name in self.norms if name not in sparse]:
                right.set_title(f"no zeros: {', '.join(dense)}", fontsize="medium")
        for axes in (left, *others):
            axes.set_xlabel("layers back from the loss")
            whole_numbers(axes)
            axes.grid(visible=True, alpha=0.3)
            axes.legend()
        return figure


@says_how
def attenuation(
    depth: int = 20,
    width: int = 10,
    *,
    activations: Sequence[str] = ("sigmoid", "softmax", "tanh", "relu"),
    gain: float = 1.0,
    runs: int = 5,
    seed: Seed = None,
) -> Attenuation:
    """Send an error of length 1 back through a chain of Jacobians, and measure what is left after each layer.

    Each layer is a random weight matrix W and an activation with the Jacobian J_f at its weighted sums. The error
    goes back by R <- R J_f in the last layer, and by R <- R W J_f in those before. Weights are normal with
    standard deviation gain / sqrt(width), inputs and the error are random. Of the lengths in several runs the
    median is taken, of the shares of zeros the mean. All activations see the same random numbers.

    Args:
        depth: Number of layers, at least 1.
        width: Units in each, at least 1.
        activations: Names: "softmax", or one that `Neuron` knows.
        gain: How large the weights are. A large one makes an error blow up through "linear" and "relu". "tanh" and
            "sigmoid" are flat where their inputs are large: through 8 units an error fades whatever the gain, through
            200, and 30 layers, it grows from about 1.25 on ("tanh") and from about 11 on ("sigmoid").
        runs: Number of random networks, at least 1.
        seed: An int or a `random.Random`.

    Returns:
        An `Attenuation` with `.plot()`.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number that is too small, or an unknown activation.
        StructureError: There are no activations.

    Source: Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", 1991; section 6.5 of the LING3804 notes.

    Example:
        >>> import nn
        >>> grown = nn.attenuation(depth=10, width=4, activations=["linear"], gain=4.0, runs=3, seed=0)
        >>> grown.norms["linear"][10] > 100
        True
    """
    depth, width, runs = (
        whole(n, f"attenuation: {what}") for n, what in ((depth, "depth"), (width, "width"), (runs, "runs"))
    )
    gain = real(gain, "attenuation: gain", 0.0)
    names: Any = plain(activations)
    if isinstance(activations, str) or callable(activations):
        names = [activations]
    if not names:
        msg = "attenuation: activations: expected at least one name, got none"
        raise StructureError(msg)
    layers = {name: _layer(name) for name in names}
    rng = generator(seed)
    seeds = [rng.getrandbits(32) for _ in range(runs)]
    norms, zeros = {}, {}
    of_runs = [_signals([*layers.values()], depth, width, gain, seed) for seed in seeds]
    for name, signals in zip(layers, zip(*of_runs, strict=True), strict=True):
        norms[name] = tuple(statistics.median(math.hypot(*run[k]) for run in signals) for k in range(depth + 1))
        zeros[name] = tuple(statistics.fmean(run[k].count(0.0) / width for run in signals) for k in range(depth + 1))
    return Attenuation(norms, zeros, gain, width)


def _layer(name: str) -> Layer:
    """An activation as a function of a list.

    Raises:
        OperandError: It is no name.
        RangeError: There is none of that name.
    """
    if not isinstance(name, str):
        msg = f"attenuation: activations: expected names, such as 'relu', for the table's rows; got {shown(name)}"
        raise OperandError(msg)
    if name == "softmax":
        return Softmax()
    if name not in ACTIVATIONS:
        msg = f"attenuation: activations: expected one of {', '.join(ACTIVATIONS)}, softmax, got {brief(name)}"
        raise RangeError(msg)
    function = activation_function(name)
    return lambda xs: xs if function is None else [function(x) for x in xs]


def _signals(layers: Sequence[Layer], depth: int, width: int, gain: float, seed: int) -> list[list[list[float]]]:
    """For each activation the error at the outputs, and then at the weighted sums of each layer, from the last on."""
    rng = random.Random(seed)  # noqa: S311  no secrets
    normal, spread = rng.gauss, gain / math.sqrt(width)
    matrices = [[[normal(0.0, spread) for _ in range(width)] for _ in range(width)] for _ in range(depth)]
    x = [rng.gauss(0.0, 1.0) for _ in range(width)]
    error = [rng.gauss(0.0, 1.0) for _ in range(width)]
    length = math.hypot(*error)
    return [_through(layer, matrices, x, [e / length for e in error]) for layer in layers]


def _through(
    layer: Layer, matrices: list[list[list[float]]], x: list[float], error: list[float]
) -> list[list[float]]:
    passed = []  # each layer is a graph of its own, as no derivatives with respect to weights are needed
    for matrix in matrices:
        sums = [ag.Value(ag.dot(row, x)) for row in matrix]
        outputs = layer(sums)
        passed.append((sums, outputs))
        x = [y.data if isinstance(y, ag.Value) else y for y in outputs]
    signals, back = [error], error
    for matrix, (sums, outputs) in zip(reversed(matrices), reversed(passed), strict=True):
        result: Any = ag.dot(outputs, back)
        signals.append([float(g) for g in ag.grad_of(result, sums)])
        [back] = product([signals[-1]], matrix)
    return signals
