"""The cost of a gradient and of a Hessian-vector product relative to that of the value, as the graph grows."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import autograd_core as ag
from autograd_core import StructureError, grad_of
from autograd_core._src.any_object import shown
from nn._src.modules.layers import MLP
from nn._src.modules.losses import mse
from nn._src.support.figures import COLOURS, figure_of
from nn._src.support.tables import as_text
from nn._src.support.validation import plain, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_core import Value

INPUTS = 8
HEAD = (
    "width", "nodes", "edges", "products", "products, Hv", "value ms", "gradient ms", "first Hv ms", "next Hv ms",
    "gradient ÷ value", "first Hv ÷ gradient", "next Hv ÷ gradient",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """One size.

    Attributes:
        width: Neurons in each of the two hidden layers.
        nodes: Of the loss's graph, constants aside.
        edges: Operands that are differentiated with respect to.
        products: Multiply-adds of a reverse sweep over the loss: one per edge.
        hvp_products: Those of the sweep over the gradient graph that gives a Hessian-vector product.
        value: Seconds of processor time to build the graph.
        gradient: The same and `backward()`.
        first_hvp: To build the graph, its gradient graph, and to sweep that.
        next_hvp: To sweep the gradient graph that stands, for another vector.
    """

    width: int
    nodes: int
    edges: int
    products: int
    hvp_products: int
    value: float
    gradient: float
    first_hvp: float
    next_hvp: float

    @property
    def quotients(self) -> dict[str, float]:
        """The ratios that stay constant as the graph grows, by name."""
        return {
            "gradient ÷ value": self.gradient / self.value,
            "first Hv ÷ gradient": self.first_hvp / self.gradient,
            "next Hv ÷ gradient": self.next_hvp / self.gradient,
        }

    @property
    def cells(self) -> list[str]:
        """The row of a table, in the order of `HEAD`."""
        counts = [f"{x:,}" for x in (self.width, self.nodes, self.edges, self.products, self.hvp_products)]
        seconds = (self.value, self.gradient, self.first_hvp, self.next_hvp)
        return [*counts, *(f"{t * 1e3:.3g}" for t in seconds), *(f"{q:.2f}" for q in self.quotients.values())]


@dataclass(frozen=True, slots=True, repr=False)
class LinearTime:
    """What `linear_time` measured; `str()` is a table.

    Attributes:
        costs: One `Cost` per size, smallest first.
    """

    costs: list[Cost]

    def __str__(self) -> str:
        return "\n".join(as_text(HEAD, [cost.cells for cost in self.costs], left=0))

    __repr__ = __str__

    def pictures(self) -> dict[str, Any]:
        """The plot, by the name of its file."""
        return {"linear_time.png": self.plot()}

    def plot(self) -> Any:
        """Times over the number of edges, which grow in proportion, and their ratios, which stay constant.

        Returns:
            A `matplotlib.figure.Figure`, as `History.plot` gives one.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        figure, (left, right) = figure_of("LinearTime.plot", 2, width=4.8, height=3.3)
        edges = [cost.edges for cost in self.costs]
        titles = {
            "value": "value", "gradient": "gradient", "first_hvp": "first Hv", "next_hvp": "next Hv",
        }  # fmt: skip
        for (name, label), colour in zip(titles.items(), COLOURS):
            times = [1e3 * getattr(c, name) for c in self.costs]
            left.plot(edges, times, "o-", markersize=4, label=label, color=colour)
        first = self.costs[0]
        left.plot(edges, [1e3 * first.value * e / first.edges for e in edges], ":", color="0.5", label="linear")
        left.set(xscale="log", yscale="log", xlabel="edges of the graph", ylabel="milliseconds")
        for name, colour in zip(first.quotients, COLOURS[1:]):
            numbers = [c.quotients[name] for c in self.costs]
            right.plot(edges, numbers, "o-", markersize=4, label=name, color=colour)
        right.set(xscale="log", xlabel="edges of the graph", ylabel="quotient of times")
        right.set_ylim(bottom=0)
        for axes in (left, right):
            axes.set_xticks(edges, [f"{count:,}" for count in edges])
            axes.set_xticks([], minor=True)
            axes.grid(visible=True, alpha=0.3)
            axes.legend(fontsize=8)
        return figure


def linear_time(
    *, widths: Sequence[int] = (4, 8, 16, 32, 64), cases: int = 4, repeats: int = 3, seed: int = 0
) -> LinearTime:
    """Measure value, gradient and Hessian-vector product of a network's loss, while the network grows.

    A reverse sweep multiplies and adds once per edge, so a gradient, however many numbers it has,
    costs a constant times the value; and the gradient graph is a constant times as large, so a
    Hessian-vector product costs a constant times the gradient. The counts say so exactly; times say
    what the constants are here, and hold for this machine and its load only.

    Args:
        widths: Neurons in each of the two hidden layers, one graph each.
        cases: Rows that the loss is the mean of, at least 1.
        repeats: Samples, the fastest of which counts, at least 1.
        seed: An int that rules the weights, on which no count depends.

    Returns:
        A `LinearTime`: `.costs`, `.plot()`, and `str()` for a table.

    Raises:
        StructureError: There are no widths.
        RangeError: A number is too small.
        OperandError: An argument is of a wrong type.

    Source: Baur, Strassen, "The complexity of partial derivatives", 1983; Pearlmutter, 1994;
    Griewank, Walther, "Evaluating derivatives", 2008.

    Example:
        >>> from nn.experiments.costs import linear_time
        >>> found = linear_time(widths=[2, 4], cases=1, repeats=1)
        >>> [cost.products == cost.edges for cost in found.costs]
        [True, True]
    """
    sizes = plain(widths)
    if not isinstance(sizes, list) or not sizes:
        msg = f"linear_time: widths: expected a list of at least one int, got {shown(widths)}"
        raise StructureError(msg)
    sizes = sorted(whole(n, "linear_time: widths") for n in sizes)
    cases, repeats = whole(cases, "linear_time: cases"), whole(repeats, "linear_time: repeats")
    return LinearTime([_cost(n, cases, repeats, seed) for n in sizes])


def _cost(width: int, cases: int, repeats: int, seed: int) -> Cost:
    model = MLP(INPUTS, [width, width, 1], "tanh", seed=seed)
    X = [[((7 * i + 3 * j) % 11 + 1) / 11 for j in range(INPUTS)] for i in range(cases)]
    y = [(i % 3 + 1) / 3 for i in range(cases)]
    params = model.parameters()
    v = [1.0 - 2.0 * (i % 2) for i in range(len(params))]

    def value() -> Any:
        return mse([model(x) for x in X], y)

    def gradient() -> None:
        value().backward()

    def slope_along(loss: Any) -> Any:
        return ag.dot(grad_of(loss, params, create_graph=True), v)

    def first_hvp() -> None:
        grad_of(slope_along(value()), params)

    def next_hvp() -> None:
        grad_of(ag.dot(slopes, v), params)

    loss = value()
    slopes = grad_of(loss, params, create_graph=True)
    nodes, edges = counted(loss)
    _, hvp_edges = counted(ag.dot(slopes, v))
    seconds = [_fastest(f, repeats) for f in (value, gradient, first_hvp, next_hvp)]
    return Cost(width, nodes, edges, _products(loss), hvp_edges, *seconds)


def counted(root: Value) -> tuple[int, int]:
    """The numbers of nodes below a root, and of edges but for those to constants."""
    order = [node for node in ag.topological_order(root) if type(node) is ag.Value]
    return len(order), sum(type(p) is ag.Value for node in order for p in node.parents)


def _products(root: Value) -> int:
    """Local derivative times adjoint, as the backward steps show them one by one."""
    return sum(p is not None for step in ag.backward_steps(root, parts=True) for p in step.products)


def _fastest(f: Callable[[], Any], repeats: int) -> float:
    """Seconds of processor time; garbage is collected before, and not in between: graphs have no cycles."""
    samples = []
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeats):
            start = time.process_time()
            f()
            samples.append(time.process_time() - start)
    finally:
        if enabled:
            gc.enable()
    return max(min(samples), 1e-9)
