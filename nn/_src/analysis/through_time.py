"""How a signal shrinks or grows when propagated back through time: measured, and bounded by singular values of V."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, Value, grad_of
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import says_how

from ..modules.recurrent import LSTM, RNN
from ..support.arrays import numpy, singular_values
from ..support.figures import curve, figure_of, whole_numbers
from ..support.matrices import product
from ..support.tables import Table, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

MEASURED = "‖∂state_T / ∂state_(T−k)‖"
MOST_STEPS = 16  # rows of the table; with more steps only the first and the last are shown

# The least and the greatest slope of each activation; None if it has no useful bound.
SLOPES: dict[Any, tuple[float, float] | None] = {
    "linear": (1.0, 1.0),
    "tanh": (0.0, 1.0),
    "relu": (0.0, 1.0),
    "sigmoid": (0.0, 0.25),
    "softplus": (0.0, 1.0),
    "elu": (0.0, 1.0),
    "leaky_relu": (0.01, 1.0),
    "sin": (0.0, 1.0),
}


@dataclass(frozen=True, slots=True, repr=False)
class SignalOverTime(Table):
    """How strongly the last state depends on earlier ones. It is a table, as text and in a notebook.

    Attributes:
        norms: The spectral norm of d state_T / d state_(T-k) for k = 0, 1, ..., T: how many times
            longer a small change becomes on its way over k steps, at most. The last one is that to
            the initial state, the first one 1. The state of an LSTM is the pair (h, c).
        singular_values: The smallest and the greatest singular value of V, for an RNN; else None.
        upper: (greatest slope of the activation * greatest singular value)^k, never below the norm but by rounding;
            None for an LSTM or an activation without such a bound.
        lower: (least slope * smallest singular value)^k, never above the norm but by rounding; 0 beyond the cut of
            `truncate`. For a linear network that is the smallest singular value alone; for tanh, whose slope comes
            as near to 0 as you like, it is 0.

    Example:
        >>> from nn import RNN, init, signal_over_time
        >>> signal = signal_over_time(RNN(1, 1, nonlinearity="linear", init=init.constant(0.5)), [[0.0]] * 3)
        >>> signal.norms, signal.upper
        ([1.0, 0.5, 0.25, 0.125], [1.0, 0.5, 0.25, 0.125])
        >>> print(signal)
        Signal over time  norm ‖∂state_T / ∂state_(T−k)‖, T = 3; singular value of V 0.5
        k   norm  lower  upper
        0      1      1      1
        1    0.5    0.5    0.5
        2   0.25   0.25   0.25
        3  0.125  0.125  0.125
    """

    norms: list[float]
    singular_values: tuple[float, float] | None = None
    upper: list[float] | None = None
    lower: list[float] | None = None

    def _heading(self) -> str:
        heading = f"Signal over time  norm {MEASURED}, T = {len(self.norms) - 1}"
        if self.singular_values is None:
            return heading
        low, high = map(number, self.singular_values)
        return f"{heading}; singular {f'value of V {low}' if low == high else f'values of V {low} to {high}'}"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        columns = {"norm": self.norms, "lower": self.lower, "upper": self.upper}
        shown = {head: column for head, column in columns.items() if column is not None}
        rows = [[str(k), *(number(column[k]) for column in shown.values())] for k in range(len(self.norms))]
        if len(rows) > MOST_STEPS:
            rows[MOST_STEPS // 2 : -MOST_STEPS // 2 + 1] = [["…"] * (1 + len(shown))]
        return ["k", *shown], rows

    def plot(self, name: str = "measured", *, beside: Mapping[str, SignalOverTime] | None = None) -> Figure:
        """The norms over the number of steps back, on a logarithmic scale, with their bounds.

        Args:
            name: What the curve is called in the legend.
            beside: More of them, by name, to compare with.

        Returns:
            A `matplotlib.figure.Figure`, as `History.plot` gives one.

        Raises:
            MissingExtraError: matplotlib is not installed.

        Example:
            >>> from nn import SignalOverTime
            >>> figure = SignalOverTime([1.0, 0.5, 0.25]).plot()
            >>> figure.axes[0].get_yscale()
            'log'
        """
        figure, (axes,) = figure_of("SignalOverTime.plot", 1, width=7.0, height=3.6)
        for i, (title, signal) in enumerate([(name, self), *(beside or {}).items()]):
            signal._draw(axes, title, curve(i))
        axes.set_yscale("log")
        axes.set_xlabel("steps back, k")
        whole_numbers(axes)
        axes.set_ylabel(MEASURED)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
        return figure

    def _draw(self, axes: Any, name: str, line: dict[str, str]) -> None:
        norms = [norm if norm > 0 else math.nan for norm in self.norms]  # 0 cannot be shown on a logarithmic scale
        axes.plot(norms, label=name, marker="o", markersize=3, **line)
        drawn = {line.get_label() for line in axes.lines}
        for bound, sign, style in ((self.upper, "≤", "--"), (self.lower, "≥", ":")):
            if bound and any(bound[1:]):
                label = f"{sign} {number(bound[1], 3)}^k"
                if label not in drawn:  # networks with equal bounds share a line
                    on_scale = [b if b > 0 else math.nan for b in bound]
                    axes.plot(on_scale, label=label, color="0.75", linestyle=style, linewidth=4.0, zorder=1)


@says_how
def signal_over_time(network: RNN | LSTM, x: Sequence[Any], hx: Any = None) -> SignalOverTime:
    """Measure how strongly the last state depends on the state k steps before it, for every k.

    With h_t = f(W x_t + V h_(t-1) + b), d h_T / d h_(T-k) is a product of k matrices diag(f') V. So

        (min f' * sigma_min(V))^k  <=  |d h_T / d h_(T-k)|  <=  (max f' * sigma_max(V))^k

    in the spectral norm. Where the greatest singular value times the greatest slope is below 1 the
    gradient must vanish; only where it is above 1 can it explode. The state of an LSTM is (h, c),
    and no power of one matrix bounds it: that is what it was made for. Each step has its Jacobian
    d state_t / d state_(t-1), one sweep per unit over the graph of that step alone, in which all parts of the
    state before are independent of each other (within a graph of all steps h_t depends on c_t). What is
    measured are their products, from the last step back; with `truncate` they are 0 beyond the cut.

    Args:
        network: An RNN or LSTM.
        x: A sequence, as the network takes it: T steps.
        hx: The initial state, as the network takes it; None for zeros.

    Returns:
        A `SignalOverTime`, with `.norms`, `.upper`, `.lower` and `.plot()`.

    Raises:
        OperandError: The network is neither.
        StructureError: The sequence or the state has another shape.
        MissingExtraError: NumPy, which finds singular values, is not installed.

    Source: Bengio, Simard, Frasconi, "Learning long-term dependencies with gradient descent is
    difficult", 1994; Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural
    networks", 2013.

    Example:
        >>> from nn import RNN, signal_over_time
        >>> signal = signal_over_time(RNN(1, 3, seed=1), [[0.1]] * 20)
        >>> all(norm <= bound for norm, bound in zip(signal.norms, signal.upper))
        True
    """
    if not isinstance(network, (RNN, LSTM)):
        msg = f"signal_over_time: expected an RNN or LSTM, got {shown(network)}"
        raise OperandError(msg)
    numpy("signal_over_time")
    products = _products(network, x, hx)
    norms = [singular_values(product, "signal_over_time")[0] for product in products]
    if isinstance(network, LSTM):
        return SignalOverTime(norms)
    sigma = singular_values([[p.data for p in row] for row in network.weight_hh_l0], "signal_over_time")
    low, high = sigma[-1], sigma[0]
    kind = network.nonlinearity
    slopes = SLOPES.get(kind) if isinstance(kind, str) else None
    if slopes is None:
        return SignalOverTime(norms, (low, high))
    lower, upper = ([(slope * s) ** k for k in range(len(norms))] for slope, s in zip(slopes, (low, high)))
    steps, cut = len(norms) - 1, network.truncate
    last = (steps - 1) // cut * cut if cut else 0  # the last step at which the truncated graph starts anew
    if last > 0:
        lower[steps - last :] = [0.0] * (last + 1)
    return SignalOverTime(norms, (low, high), upper, lower)


def _products(network: RNN | LSTM, x: Sequence[Any], hx: Any) -> list[list[list[float]]]:
    """d state_T / d state_(T-k) for k = 0, 1, ..., T, the parts of a state one after the other."""
    start = network._start(hx)  # its shape is checked there
    state = tuple([v.data if isinstance(v, Value) else v for v in part] for part in start)
    steps, cut = network._steps(x), network.truncate
    jacobians = []
    for t, numbers in enumerate(steps):
        jacobian, state = _step_jacobian(network, numbers, state)
        if cut is not None and t and t % cut == 0:
            jacobian = [[0.0] * len(row) for row in jacobian]
        jacobians.append(jacobian)
    width = len(state) * network.hidden_size
    products = [[[float(i == j) for j in range(width)] for i in range(width)]]
    for jacobian in reversed(jacobians):
        products.append(product(products[-1], jacobian))
    return products


def _step_jacobian(network: RNN | LSTM, numbers: list[Any], state: Any) -> tuple[list[list[float]], Any]:
    """The Jacobian of the state after one step with respect to the one before, and the state after it as numbers."""
    before: Any = tuple([Value(v) for v in part] for part in state)
    [after] = network.states([numbers], before if len(before) > 1 else before[0])
    leaves = [v for part in before for v in part]
    rows = [
        [float(d) for d in grad_of(v, leaves)] if isinstance(v, Value) else [0.0] * len(leaves)
        for part in after
        for v in part
    ]
    return rows, tuple([v.data if isinstance(v, Value) else v for v in part] for part in after)
