"""Second derivatives of a loss: the Hessian, Hessian-vector products, and Newton's method by such products."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, StructureError, Value, dot, grad_of
from autograd_core._src.any_object import brief, shown
from autograd_core._src.wrong_calls import says_how

from ..data.dataset import cases_of
from ..support.arrays import eigenvalues
from ..support.figures import COLOURS, figure_of
from ..support.resuming import Resumable, fields
from ..support.tables import Table, number
from ..support.validation import LOSS, callable_of, plain, real, whole
from .history import History
from .optimizer import named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.figure import Figure

    from ..metrics.accuracy import Loss
    from ..modules.module import Module
    from .optimizer import Parameters

# The gradient is recorded as a graph, once. Its slope along v is the number g . v, and the gradient
# of that number is H v: one more sweep, over a graph a few times as large as that of the loss. So a product
# costs a constant times a gradient, and the Hessian's n^2 entries are never computed (Pearlmutter, 1994).

STATE = ("radius", "max_radius", "max_cg", "products", "steps", "epochs")
MOST_LABELS = 40  # labels on an axis, one per parameter
MOST_ROWS = 12  # rows of the table


class _Curvature:
    """Gradient and Hessian of a recorded loss, at the point where it was recorded."""

    @says_how
    def __init__(self, loss: Any, params: Sequence[Value], caller: str) -> None:
        if not isinstance(loss, Value):
            msg = f"{caller}: expected the loss as a Value, got {shown(loss)}"
            raise OperandError(msg)
        self._params = params
        self._slopes = grad_of(loss, params, create_graph=True)
        self.gradient = [float(g.data) for g in self._slopes]

    def product(self, v: Sequence[float]) -> list[float]:
        return grad_of(dot(self._slopes, v), self._params)


@says_how
def hvp(loss: Value, parameters: Parameters, vector: Sequence[float]) -> list[float]:
    """Hessian-vector product of a recorded loss, in time proportional to its graph.

    H v = d (g . v) / d p, with the gradient g as a graph: reverse mode over reverse mode. For a function there
    is `autograd_core.hvp`.

    Args:
        loss: The loss as a node.
        parameters: A Module, or a list of n parameters.
        vector: n numbers, in the order of the parameters.

    Returns:
        n numbers.

    Raises:
        OperandError: Something is of a wrong type.
        StructureError: The vector has another length, or there are no parameters.
        StaleGraphError: A parameter was changed after the loss was computed.

    Source: Pearlmutter, "Fast exact multiplication by the Hessian", 1994.

    Example:
        >>> import autograd_core as ag, nn
        >>> x, y = ag.Value(3.0), ag.Value(5.0)
        >>> nn.hvp(x ** 2 * y, [x, y], [1.0, 0.0])
        [10.0, 6.0]
    """
    params = [p for _, p in named(parameters, "hvp")]
    numbers = plain(vector)
    if not isinstance(numbers, list) or len(numbers) != len(params):
        msg = f"hvp: vector: expected a list of {len(params)} numbers, one per parameter, got {shown(vector)}"
        raise StructureError(msg)
    return _Curvature(loss, params, "hvp").product([real(v, "hvp: vector", nan=True) for v in numbers])


@dataclass(frozen=True, slots=True, repr=False)
class Hessian(Table):
    """The second derivatives of a loss with respect to all pairs of parameters; `nn.hessian` makes it.

    It is a table, as text and in a notebook, up to 12 parameters; the columns are in the order of the rows.

    Attributes:
        matrix: n lists of n numbers, symmetric up to rounding.
        names: What the parameters are called, with the place where they are: "layer1/neuron0 w0".

    Example:
        >>> from nn import Hessian
        >>> Hessian([[2.0, 0.0], [0.0, -1.0]], ["a", "b"])
        Hessian  2 x 2
           a   b
        a  2   0
        b  0  −1
    """

    matrix: list[list[float]]
    names: list[str]

    def _heading(self) -> str:
        n = len(self.names)
        return f"Hessian  {n} x {n}{'' if n <= MOST_ROWS else '; .plot() shows it, .matrix has its numbers'}"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        if len(self.names) > MOST_ROWS:
            entries = [x for row in self.matrix for x in row]
            return ["entries", "smallest", "largest"], [[str(len(entries)), number(min(entries)), number(max(entries))]]
        pairs = zip(self.names, self.matrix, strict=True)
        heads = ["", *(name.rpartition(" ")[2] for name in self.names)]  # the names of the rows include the unit
        return heads, [[name, *map(number, row)] for name, row in pairs]

    def eigenvalues(self) -> list[float]:
        """The curvatures along the principal axes, smallest first; a minimum has none below 0.

        All of them are NaN where an entry is infinite or NaN.

        Returns:
            n numbers.

        Raises:
            MissingExtraError: NumPy is not installed.

        Example:
            >>> from nn import Hessian
            >>> Hessian([[2.0, 0.0], [0.0, -1.0]], ["a", "b"]).eigenvalues()
            [-1.0, 2.0]
        """
        return eigenvalues(self.matrix, "Hessian.eigenvalues")

    def plot(self) -> Figure:
        """A heat map: blue where the curvature is positive, orange where it is negative; lines separate the units.

        Returns:
            A `matplotlib.figure.Figure`, as `History.plot` gives one.

        Raises:
            MissingExtraError: matplotlib is not installed.

        Example:
            >>> from nn import Hessian
            >>> figure = Hessian([[2.0, 0.0], [0.0, -1.0]], ["a", "b"]).plot()
            >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
            ['a', 'b']
        """
        n = len(self.names)
        largest = max((abs(x) for row in self.matrix for x in row if math.isfinite(x)), default=0.0) or 1.0
        size = 1.8 + min(max(0.22 * n, 2.4), 7.0)
        figure, (axes,) = figure_of("Hessian.plot", 1, width=size + 1.2, height=size)
        from matplotlib.colors import LinearSegmentedColormap

        colours = LinearSegmentedColormap.from_list("curvature", [COLOURS[1], "white", COLOURS[0]])
        image = axes.imshow(self.matrix, cmap=colours, vmin=-largest, vmax=largest)
        figure.colorbar(image, ax=axes, label="∂²loss / ∂p ∂q", shrink=0.8)
        units = [name.rpartition(" ")[0] for name in self.names]
        edges = [i for i, (a, b) in enumerate(pairwise(units), 1) if a != b]
        for edge in edges:
            axes.axhline(edge - 0.5, color="0.6", linewidth=0.6)
            axes.axvline(edge - 0.5, color="0.6", linewidth=0.6)
        bounds = [0, *edges, n]
        groups = [((a + b - 1) / 2, units[a]) for a, b in pairwise(bounds)]
        ticks = list(enumerate(self.names)) if n <= MOST_LABELS else groups
        axes.set_xticks([at for at, _ in ticks], [name for _, name in ticks], rotation=90, fontsize=7)
        axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks], fontsize=7)
        axes.tick_params(length=0)
        return figure


@says_how
def hessian(model: Module, X: Sequence[Any], y: Sequence[Any], *, loss: Loss) -> Hessian:
    """The Hessian of a loss with respect to a model's parameters: n sweeps over one gradient graph, n^2 numbers.

    Args:
        model: A Module of n parameters; small, for n^2 numbers are to be seen.
        X: Its inputs, one row per case.
        y: The targets, as the loss takes them.
        loss: A function of `(predictions, targets)`, such as `nn.mse`.

    Returns:
        A `Hessian`: `.matrix`, `.names`, `.eigenvalues()`, `.plot()`.

    Raises:
        OperandError: The model has something else than parameters, or the loss gives no Value.
        StructureError: There are no parameters, or rows of a wrong length.

    Example:
        >>> import nn
        >>> line = nn.Linear(1, 1, seed=0)
        >>> h = nn.hessian(line, [[1.0], [3.0]], [[0.0], [0.0]], loss=nn.mse)
        >>> h.matrix, h.names  # twice the means of x^2, x and 1
        ([[10.0, 4.0], [4.0, 2.0]], ['neuron0 w0', 'neuron0 b'])
    """
    callable_of(loss, "hessian: loss", LOSS)
    pairs = named(model, "hessian")
    params = [p for _, p in pairs]
    cases = cases_of(X, y, "hessian")
    curvature = _Curvature(loss([model(x) for x in cases.inputs], cases.targets), params, "hessian")
    n = len(params)
    matrix = [curvature.product([float(i == j) for j in range(n)]) for i in range(n)]
    return Hessian(matrix, [f"{p.scope} {p.label}".strip() or name for name, p in pairs])


class NewtonCG(Resumable):
    """Newton's method with conjugate gradients in a trust region: curvature by Hessian-vector products alone.

    Each step minimises the model g . d + d . H d / 2 over |d| <= radius by Steihaug's conjugate
    gradients, which stop early where that is exact enough, at the region's edge, or along a direction
    of negative curvature, there. A step that makes the loss no smaller is not taken but tried again in
    a smaller region: so the loss never grows, and a saddle or a hill does no harm. The loss must be
    the same function at every call: all of the data, no `Dropout` in training mode.

    As with `torch.optim.LBFGS`, `step` takes a function that computes the loss. `fit` takes it as its
    optimizer; `minimize` is the loop for any other function.

    Sources: Nocedal, Wright, "Numerical optimization", 2006, algorithms 4.1 and 7.2; Steihaug, 1983;
    for networks Martens, "Deep learning via Hessian-free optimization", 2010.

    Args:
        params: A Module, a list of parameters, or of `(name, parameter)`.
        radius: Of the trust region at first, above 0, in units of the parameters.
        max_radius: It never grows beyond that.
        max_cg: Most products per step, at least 1; None for twice the number of parameters.

    Raises:
        StructureError: There are no parameters, or one comes twice.
        OperandError: Something is of a wrong type.
        RangeError: A number is out of its bounds.

    Attributes:
        params: The list of parameters.
        radius: Of the trust region now.
        products: How many Hessian-vector products were made.
        steps: How many steps were taken.
        epochs: How many epochs `fit` has done with it.

    Example:
        >>> import autograd_core as ag, nn
        >>> x, y = ag.Value(-1.2), ag.Value(1.0)
        >>> rosenbrock = lambda: (1 - x) ** 2 + 100 * (y - x**2) ** 2
        >>> history = nn.NewtonCG([x, y]).minimize(rosenbrock, steps=60)
        >>> round(x.data, 6), round(y.data, 6)
        (1.0, 1.0)
    """

    @says_how
    def __init__(
        self,
        params: Parameters,
        *,
        radius: float = 1.0,
        max_radius: float = 100.0,
        max_cg: int | None = None,
    ) -> None:
        self.params: list[Value] = [p for _, p in named(params, "NewtonCG")]
        self.radius: float = real(radius, "NewtonCG: radius", 0.0, open_low=True)
        self.max_radius: float = real(max_radius, "NewtonCG: max_radius", self.radius)
        self.max_cg: int | None = None if max_cg is None else whole(max_cg, "NewtonCG: max_cg")
        self.products: int = 0
        self.steps: int = 0
        self.epochs = 0

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on, but for the parameters.

        Returns:
            A dict of names and numbers; changing it changes nothing here.

        Example:
            >>> import nn
            >>> nn.NewtonCG(nn.Neuron(1), radius=0.5).state_dict()["radius"]
            0.5
        """
        return {"optimizer": "NewtonCG"} | {name: getattr(self, name) for name in STATE}

    @says_how
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state_dict` was called. Everything is checked before anything changes.

        Args:
            state: What `state_dict` gave.

        Raises:
            OperandError: Something in it is of a wrong type.
            StructureError: It is that of another class.
            RangeError: A number is out of its bounds.

        Example:
            >>> import nn
            >>> newton = nn.NewtonCG(nn.Neuron(1))
            >>> newton.load_state_dict(nn.NewtonCG(nn.Neuron(1), radius=0.5).state_dict())
            >>> newton.radius
            0.5
        """
        kind, *rest = fields(state, ("optimizer", *STATE), "NewtonCG")
        if kind != "NewtonCG":
            msg = f"NewtonCG: expected the state of NewtonCG, got that of {brief(kind)}"
            raise StructureError(msg)
        radius, max_radius, max_cg, *counts = rest
        found = NewtonCG(self.params, radius=radius, max_radius=max_radius, max_cg=max_cg)
        for name, count in zip(STATE[3:], counts, strict=True):
            setattr(found, name, whole(count, f"NewtonCG: {name}", 0))
        vars(self).update(vars(found))

    def zero_grad(self) -> None:
        """Set `.grad` of every parameter to 0.0, for a closure that calls `backward()` itself.

        Example:
            >>> import nn
            >>> n = nn.Neuron(1)
            >>> n.b.grad = 3.0
            >>> nn.NewtonCG(n).zero_grad(); n.b.grad
            0.0
        """
        for p in self.params:
            p.grad = 0.0

    @says_how
    def step(self, closure: Callable[[], Any]) -> float:
        """One step, if there is one that makes the loss smaller. If it raises, no parameter has changed.

        Args:
            closure: A function without arguments that computes the loss from the parameters.

        Returns:
            The loss before the step.

        Raises:
            OperandError: The closure is no function, or gives no Value.

        Example:
            >>> import autograd_core as ag, nn
            >>> x = ag.Value(3.0)
            >>> nn.NewtonCG([x], radius=10.0).step(lambda: (x - 1) ** 2), x.data
            (4.0, 1.0)
        """
        return self._advance(closure)[0]

    def minimize(self, closure: Callable[[], Any], *, steps: int = 100, tolerance: float = 1e-8) -> History:
        """Steps until the gradient is small, or no step makes the loss smaller.

        Args:
            closure: As for `step`.
            steps: Most steps, at least 1.
            tolerance: Of the largest derivative, at least 0.

        Returns:
            A `History` with the loss before each step, and the last one.

        Raises:
            OperandError: The closure gives no Value, or an argument is of a wrong type.
            RangeError: A number is out of its bounds.

        Example:
            >>> import nn
            >>> X, y = nn.datasets.xor()
            >>> model = nn.MLP(2, [3, 1], "tanh", seed=1)
            >>> loss = lambda: nn.mse([model(x) for x in X], y)
            >>> nn.NewtonCG(model).minimize(loss, steps=30).loss[-1] < 1e-6
            True
        """
        least = real(tolerance, "NewtonCG: tolerance", 0.0)
        history = History()
        after = math.nan
        for _ in range(whole(steps, "NewtonCG: steps")):
            before, after, largest = self._advance(closure, least)
            history.loss.append(before)
            if largest <= least or not after < before:
                return history
        history.loss.append(after)
        return history

    def _advance(self, closure: Any, tolerance: float = 0.0) -> tuple[float, float, float]:
        """The loss before and after a step, and the largest derivative before it."""
        if not callable(closure):
            msg = f"NewtonCG: expected a function that computes the loss, such as lambda: ..., got {shown(closure)}"
            raise OperandError(msg)
        loss: Any = closure()
        curvature = _Curvature(loss, self.params, "NewtonCG.step")
        before = float(loss.data)
        g = curvature.gradient
        largest = max(map(abs, g))
        if largest <= tolerance or not 0.0 < _dot(g, g) < math.inf:  # if squares under- or overflow, g has no direction
            return before, before, largest
        start = [p.data for p in self.params]
        after = before
        try:
            after = self._tried(closure, curvature, before, start)
        finally:
            if not after < before:
                self._move(start)
        return before, after, largest

    def _tried(self, closure: Callable[[], Any], curvature: _Curvature, before: float, start: list[float]) -> float:
        """The loss after the first acceptable trial step, which is taken; else the loss before."""
        smallest = 1e-12 * max(1.0, math.hypot(*start))
        while self.radius > smallest:
            d, gain, at_edge = self._direction(curvature)
            self._move([x + y for x, y in zip(start, d)])
            after = float(getattr(closure(), "data", math.nan))
            agreement = (before - after) / gain if gain > 0 else math.nan  # 1 where the quadratic model is exact
            if not agreement >= 0.25:
                self.radius = 0.25 * min(self.radius, math.hypot(*d))
            elif agreement > 0.75 and at_edge:
                self.radius = min(2.0 * self.radius, self.max_radius)
            if agreement > 1e-4:
                self.steps += 1
                return after
        self.radius = max(self.radius, 1e-3)  # no step was accepted, because of rounding; a later loss may need steps
        return before

    def _direction(self, curvature: _Curvature) -> tuple[list[float], float, bool]:
        """The step, the decrease that the quadratic model predicts, and whether the trust region limited it."""
        g, radius = curvature.gradient, self.radius
        size = math.sqrt(_dot(g, g))
        enough = min(0.5, math.sqrt(size)) * size  # converges faster than linearly
        d, r = [0.0] * len(g), list(g)
        Hd = list(d)
        p = [-x for x in r]
        square = _dot(r, r)
        at_edge = False
        for _ in range(self.max_cg or 2 * len(g)):
            Hp = curvature.product(p)
            self.products += 1
            bend = _dot(p, Hp)
            a = square / bend if bend > 0 else math.inf
            if not math.hypot(*_moved(d, a, p)) < radius:
                a, at_edge = _to_edge(d, p, radius), True
            d, Hd, r = _moved(d, a, p), _moved(Hd, a, Hp), _moved(r, a, Hp)
            was, square = square, _dot(r, r)
            if at_edge or math.sqrt(square) <= enough:
                break
            p = [-x + square / was * y for x, y in zip(r, p)]
        return d, -(_dot(g, d) + 0.5 * _dot(d, Hd)), at_edge

    def __repr__(self) -> str:
        return f"NewtonCG({len(self.params)} parameters, steps={self.steps})"

    def _move(self, numbers: list[float]) -> None:
        for p, x in zip(self.params, numbers, strict=True):
            p.data = x


def _dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b))


def _moved(d: list[float], a: float, p: list[float]) -> list[float]:
    return [x + a * y for x, y in zip(d, p)]


def _to_edge(d: list[float], p: list[float], radius: float) -> float:
    """The a > 0 with |d + a p| = radius, in the form that does not cancel: d . p >= 0 in conjugate gradients."""
    pp, dp, left = _dot(p, p), _dot(d, p), radius * radius - _dot(d, d)
    return left / (dp + math.sqrt(dp * dp + pp * left))
