"""An activation function and its slope over a range of inputs, with the points where it has no slope."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import autograd_core as ag
from autograd_core import OperandError, RangeError
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import says_how

from ..modules.activations import TITLES, activation_function
from ..support.figures import COLOURS, figure_of
from ..support.tables import Table, number
from ..support.validation import real, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

PARTS, LEVELS = 8, 16  # an interval is cut into parts, again and again: a change that remains at the end is a kink
LARGE_SHARE = 1.5 / PARTS  # a part with a smaller share of the change changes as a smooth curve does
LEFT_OF_A_CHANGE, MIDDLE = 0.25, 8  # share of the change at the middle level that must remain at the last level
NO_CHANGE = 1e-9
JUMP = 0.05  # distance from the line through two neighbours; inputs are so close that a smooth f is straight there


class _Place(NamedTuple):
    """An input, the function's value there, and its slope."""

    x: float
    y: float
    slope: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ActivationCurve(Table):
    """A function of one number and its slope, made by `nn.activation_curve`. It is a table.

    Attributes:
        name: The function's name.
        x: Inputs, in order; every kink is one of them.
        values: f(x) at each.
        slopes: f'(x) at each; at a kink the one that the library takes (docs/kinks.md).
        kinks: The inputs where f has no derivative: its slope, or f itself, jumps there.
        jumps: Those of them where f itself jumps.

    Example:
        >>> import nn
        >>> curve = nn.activation_curve("relu", -1, 1, points=5)
        >>> curve.x, curve.slopes, curve.kinks
        ((-1.0, -0.5, 0.0, 0.5, 1.0), (0.0, 0.0, 0.0, 1.0, 1.0), (0.0,))
    """

    name: str
    x: tuple[float, ...]
    values: tuple[float, ...]
    slopes: tuple[float, ...]
    kinks: tuple[float, ...]

    @property
    def jumps(self) -> tuple[float, ...]:
        """The kinks at which f itself jumps, as a step function does.

        Example:
            >>> import autograd_core as ag, nn
            >>> nn.activation_curve(ag.sign).jumps, nn.activation_curve("relu").jumps
            ((0.0,), ())
        """
        found = []
        for kink in self.kinks:
            k = self.x.index(kink)
            sides = [(self.x[i : k + 1], self.values[i : k + 1]) for i in (k - 2,) if i >= 0]
            sides += [(self.x[k : k + 3][::-1], self.values[k : k + 3][::-1])] if k + 2 < len(self.x) else []
            for xs, ys in sides:  # the value there, against the line through the two places beside it
                beside = ys[1] + (ys[1] - ys[0]) / (xs[1] - xs[0]) * (xs[2] - xs[1])
                if abs(ys[2] - beside) > JUMP * (1.0 + abs(ys[2])):
                    found.append(kink)
        return tuple(dict.fromkeys(found))

    def _heading(self) -> str:
        parts = [
            f"  {word} at {', '.join(map(number, there))}"
            for word, there in (("kink", [k for k in self.kinks if k not in self.jumps]), ("jump", self.jumps))
            if there
        ]
        return f"{self.name} and its slope{''.join(parts)}"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        n = len(self.x) - 1
        at_kinks = {self.x.index(kink): "jump" if kink in self.jumps else "kink" for kink in self.kinks}
        rows = [
            [*(number(column[k]) for column in (self.x, self.values, self.slopes)), at_kinks.get(k, "")]
            for k in sorted({*(n * k // 8 for k in range(9)), *at_kinks})
        ]
        return ["x", "f(x)", "f′(x)", ""], rows

    def plot(self) -> Figure:
        """The function on the left, its slope on the right; the curves are broken at kinks (dashed) and jumps (dotted).

        Returns:
            A `matplotlib.figure.Figure`, as `History.plot` gives one.

        Raises:
            MissingExtraError: matplotlib is not installed.

        Example:
            >>> import nn
            >>> [axes.get_ylabel() for axes in nn.activation_curve("relu").plot().axes]
            ['f(x)', 'f′(x)']
        """
        figure, panels = figure_of("ActivationCurve.plot", 2, width=3.8)
        jumps = self.jumps
        for axes, ys, label, colour, at_kink in (
            (panels[0], self.values, "f(x)", COLOURS[0], "value there"),
            (panels[1], self.slopes, "f′(x)", COLOURS[1], "slope taken there"),
        ):
            legend = set()  # each word once
            for kink in self.kinks:
                word, at = "jump" if kink in jumps else "kink", ys[self.x.index(kink)]
                dash = (0, (1, 1)) if kink in jumps else "--"
                axes.axvline(kink, color="#888888", linewidth=1, linestyle=dash, label="" if word in legend else word)
                axes.plot([kink], [at], "o", color=colour, markersize=5, label="" if at_kink in legend else at_kink)
                legend |= {word, at_kink}
            for xs, part in self._pieces(ys):
                axes.plot(xs, part, color=colour)
            axes.set_xlabel("x")
            axes.set_ylabel(label)
            axes.grid(visible=True, alpha=0.3)
            if self.kinks:
                axes.legend(fontsize="small")
        panels[0].set_title(self.name, fontsize="medium")
        panels[1].set_title(f"slope of {self.name}", fontsize="medium")
        return figure

    def _pieces(self, ys: tuple[float, ...]) -> list[tuple[list[float], list[float]]]:
        """The curve cut at kinks; each piece is continued up to the kinks."""
        cuts = [self.x.index(kink) for kink in self.kinks]
        found = []
        for first, last in zip([-1, *cuts], [*cuts, len(self.x)], strict=True):
            xs, part = list(self.x[first + 1 : last]), list(ys[first + 1 : last])
            if part and first >= 0:
                xs, part = [self.x[first], *xs], [_towards(self.x[first], xs, part), *part]
            if part and last < len(self.x):
                xs, part = [*xs, self.x[last]], [*part, _towards(self.x[last], xs[::-1], part[::-1])]
            found.append((xs, part))
        return found


def _towards(x: float, xs: list[float], ys: list[float]) -> float:
    """The value at x of the line through the two neighbouring places."""
    if len(xs) == 1 or xs[0] == x:
        return ys[0]
    return ys[0] + (ys[1] - ys[0]) / (xs[1] - xs[0]) * (x - xs[0])


@says_how
def activation_curve(
    activation: str | Callable[[Any], Any], low: float = -3.0, high: float = 3.0, *, points: int = 241
) -> ActivationCurve:
    """An activation function f and its slope f' over a range of inputs.

    Slopes are the derivatives of the graph, not differences. A kink is found where the slope, or f itself, still
    changes by as much after the way between two neighbouring inputs was cut in eight again and again; so up to five
    kinks are found between the same two inputs.

    Args:
        activation: A name that `Neuron` knows, a module such as `nn.ReLU()`, or a function of one number.
        low: The smallest input.
        high: The largest.
        points: How many inputs, evenly spaced; at least 3. Kinks between them are added.

    Returns:
        An `ActivationCurve` with `.x`, `.values`, `.slopes`, `.kinks`, `.jumps` and `.plot()`.

    Raises:
        RangeError: An unknown name, softmax (which is no function of one number), or an empty range.
        OperandError: An argument of a wrong type, or a function that gives no number.

    Example:
        >>> import nn
        >>> curve = nn.activation_curve("sigmoid", -2, 2, points=5)
        >>> max(curve.slopes), curve.kinks  # steepest at 0, with slope 1/4
        (0.25, ())
    """
    low, high = real(low, "activation_curve: low"), real(high, "activation_curve: high")
    points = whole(points, "activation_curve: points", 3)
    if not low < high:
        msg = f"activation_curve: expected low < high, got {low:g} and {high:g}"
        raise RangeError(msg)
    look = _looking(activation)
    places = [look(low + (high - low) * k / (points - 1)) for k in range(points)]
    kinks = _kinks(look, places)
    known = {place.x for place in places}
    for kink in kinks:
        if kink not in known:
            bisect.insort(places, look(kink))
    x, values, slopes = (tuple(column) for column in zip(*places, strict=True))
    return ActivationCurve(_name(activation), x, values, slopes, tuple(kinks))


def _name(activation: Any) -> str:
    if isinstance(activation, str):
        return activation
    called = getattr(activation, "__name__", type(activation).__name__)
    return "f" if called == "<lambda>" else {title: name for name, title in TITLES.items()}.get(called, called)


def _looking(activation: Any) -> Callable[[float], _Place]:
    """A function from an input to value and slope there."""
    function = activation_function(activation)

    def look(x: float) -> _Place:
        leaf = ag.Value(x)
        y = leaf if function is None else function(leaf)
        if not isinstance(y, ag.Value):
            try:
                return _Place(x, float(y), 0.0)  # a step, which records nothing
            except (TypeError, ValueError):
                msg = f"activation_curve: expected a function of one number that gives a number, got {shown(y)}"
                raise OperandError(msg) from None
        [slope] = ag.grad_of(y, [leaf])
        return _Place(x, float(y.data), float(slope))

    return look


# --- kinks -----------------------------------------------------------------------------------------


def _kinks(look: Callable[[float], _Place], places: list[_Place]) -> list[float]:
    """Where slope or value jumps. A kink on a grid point is found in both intervals beside it, and counted once."""
    width = places[-1].x - places[0].x
    found: list[float] = []
    for a, b in pairwise(places):
        for kink in _between(look, a, b):
            if not any(abs(kink - other) <= 1e-9 * width for other in found):
                found.append(kink)
    return found


def _change(a: _Place, b: _Place) -> float:
    """How much the slope changes from one place to another, or the value beyond what the slopes explain."""
    steepest = max(abs(a.slope), abs(b.slope))
    jump = abs(b.y - a.y) - 2.0 * steepest * (b.x - a.x)
    return max(abs(b.slope - a.slope), jump, 0.0)


def _between(look: Callable[[float], _Place], a: _Place, b: _Place) -> list[float]:
    """The kinks between two places: bisection into every part that has more of the change than a smooth curve's."""
    found = []
    waiting = [(0, a, b, 0.0)]
    while waiting:
        level, a, b, before = waiting.pop()
        change = _change(a, b)
        if not change > NO_CHANGE * max(1.0, abs(a.slope), abs(b.slope), abs(a.y)) or not math.isfinite(change):
            continue
        before = change if level == MIDDLE else before
        xs = [a.x + (b.x - a.x) * k / PARTS for k in range(1, PARTS)]
        if level == LEVELS or not all(x < y for x, y in pairwise([a.x, *xs, b.x])):
            if change >= LEFT_OF_A_CHANGE * before:
                found.append(_simplest(a.x, b.x))
            continue
        parts = pairwise([a, *map(look, xs), b])
        waiting += [(level + 1, c, d, before) for c, d in parts if _change(c, d) >= LARGE_SHARE * change]
    return sorted(found)


def _simplest(a: float, b: float) -> float:
    """The number with the fewest digits between a and b."""
    for digits in range(17):
        x = round(0.5 * (a + b), digits)
        if a <= x <= b:
            return x + 0.0  # no −0
    return b
