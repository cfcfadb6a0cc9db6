"""The result of `diagnose`: findings, and the state of every layer, as text, HTML and picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from autograd_core._src.pictures.text import scrolled

from ..support.figures import COLOURS, figure_of
from ..support.tables import as_text, number, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem, and what to do about it.

    Attributes:
        kind: "saturated", "dead", "vanishing", "exploding", "inputs", "weights", "targets", "labels", "outputs",
            "size", "plateau", "learning rate", or "not finite".
        where: The unit, layer, column or target that is meant, such as "layer1/neuron0".
        number: The number that is odd.
        text: What is the matter, in a sentence with that number.
        advice: What to do.

    Example:
        >>> import nn
        >>> print(nn.Finding("inputs", "column 3", 9.0, "is 9 everywhere.", "Leave it out."))
        inputs, column 3: is 9 everywhere. Leave it out.
    """

    kind: str
    where: str
    number: float
    text: str
    advice: str

    def __str__(self) -> str:
        return wrapped(f"{self.kind}, {self.where}: {self.text} {self.advice}")


@dataclass(frozen=True, slots=True)
class LayerState:
    """The numbers of one layer over all cases.

    Attributes:
        name: Such as "layer1".
        activation: Its op, or "linear".
        units: Number of units.
        flat: The share of (unit, case) pairs whose slope is below 0.001; 0.0 without activation.
        signal: Root mean square of the units' outputs.
        error: Root mean square of the error signals, the loss's derivatives with respect to the weighted sums; without
            targets those of the sum of all outputs.
        weight: Root mean square of the weights, without biases.
        largest: The largest |weight|.

    Example:
        >>> import nn
        >>> model = nn.MLP(1, [2, 1], "tanh", init=nn.init.constant(0.5))
        >>> [layer.name for layer in nn.diagnose(model, [[1.0]]).layers]
        ['layer1', 'layer2']
    """

    name: str
    activation: str
    units: int
    flat: float
    signal: float
    error: float
    weight: float
    largest: float


EXPLAINED = (
    "flat: slopes of the activation below 0.001, of all units and cases;",
    "signal: root mean square of the outputs; error: the same of dE/ds at the sums;",
    "weights: the same of the weights, and the largest of them.",
)
COLUMNS = ("layer", "activation", "units", "flat", "signal", "error", "weights", "largest")


@dataclass(frozen=True, slots=True, repr=False)
class Diagnosis:
    """What `diagnose` found. It is a text with a table, and in a notebook likewise; `.plot()` draws it.

    Attributes:
        findings: What is odd, each with its place, its number and what to do.
        layers: The state of every layer, first to last.
        cases: On how many cases it rests.

    Example:
        >>> import nn
        >>> report = nn.diagnose(nn.MLP(2, [2, 1], "tanh", seed=1), *nn.datasets.xor(), loss=nn.mse)
        >>> report.ok, report.findings
        (True, ())
    """

    findings: tuple[Finding, ...]
    layers: tuple[LayerState, ...]
    cases: int

    @property
    def ok(self) -> bool:
        """Whether there are no findings.

        Example:
            >>> import nn
            >>> nn.diagnose(nn.Linear(1, 1, seed=0), [[1.0], [1.0]]).ok
            False
        """
        return not self.findings

    def of(self, kind: str) -> list[Finding]:
        """The findings of one kind.

        Args:
            kind: As in `Finding.kind`.

        Returns:
            A list, empty where there are none.

        Example:
            >>> import nn
            >>> report = nn.diagnose(nn.Linear(1, 1, seed=0), [[1.0], [1.0]])
            >>> [f.where for f in report.of("inputs")]
            ['column 0']
        """
        return [f for f in self.findings if f.kind == kind]

    def _rows(self) -> list[list[str]]:
        return [
            [s.name, s.activation, str(s.units), "" if s.activation == "linear" else f"{100 * s.flat:.0f} %",
             _short(s.signal), _short(s.error), _short(s.weight), _short(s.largest)]
            for s in self.layers
        ]  # fmt: skip

    def __str__(self) -> str:
        lines = [f"Nothing odd on {self.cases} cases."]
        if self.findings:
            lines = [f"{len(self.findings)} finding{'s' if len(self.findings) > 1 else ''} on {self.cases} cases."]
            for i, f in enumerate(self.findings, 1):
                lines += [wrapped(f"{i}. {f.kind}, {f.where}: {f.text}"), wrapped(f"   {f.advice}")]
        if self.layers:
            lines += as_text(COLUMNS, self._rows(), left=2)
            lines += EXPLAINED
        return "\n".join(line.rstrip() for line in lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{escape(f.kind)}</b>, {escape(f.where)}: {escape(f.text)}<br><i>{escape(f.advice)}</i></li>"
            for f in self.findings
        )
        head = "".join(f"<th>{name}</th>" for name in COLUMNS)
        rows = "".join(f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in row)}</tr>" for row in self._rows())
        said = f"<p>{'Findings' if items else 'Nothing odd'} on {self.cases} cases.</p>"
        return f"{said}<ol>{items}</ol>{scrolled(f'<table><tr>{head}</tr>{rows}</table>')}"

    def plot(self) -> Figure:
        """Signals, error signals and weights, layer by layer, with the share of flat slopes.

        Returns:
            A `matplotlib.figure.Figure`; it shows itself at the end of a notebook cell.

        Raises:
            MissingExtraError: matplotlib is not installed.

        Example:
            >>> import nn
            >>> figure = nn.diagnose(nn.MLP(2, [2, 1], "tanh", seed=1), [[0.0, 1.0]]).plot()
            >>> [axes.get_title() for axes in figure.axes]
            ['signal', 'error signal', 'flat slopes', 'weights']
        """
        names = [s.name for s in self.layers]
        every = (
            ("signal", [s.signal for s in self.layers], True),
            ("error signal", [s.error for s in self.layers], True),
            ("flat slopes", [100 * s.flat for s in self.layers], False),
            ("weights", [s.weight for s in self.layers], True),
        )
        bars = tuple(bar for bar in every if any(x > 0 for x in bar[1]) or not bar[2])  # no errors without targets
        height = 1.1 + 0.34 * max(2, len(self.layers))
        figure, panels = figure_of("Diagnosis.plot", len(bars), width=2.6, height=height)
        for axes, (title, numbers, is_log) in zip(panels, bars, strict=True):
            shown = [x if math.isfinite(x) else 0.0 for x in numbers]
            axes.barh(range(len(names)), shown, color=COLOURS[0] if is_log else COLOURS[1], height=0.6)
            axes.set_title(title, fontsize="medium")
            axes.set_ylim(len(names) - 0.4, -0.6)
            axes.set_yticks(range(len(names)), names if axes is panels[0] else [""] * len(names))
            axes.grid(visible=True, axis="x", alpha=0.3)
            if is_log and any(x > 0 for x in shown):
                low, high = min(x for x in shown if x > 0), max(shown)
                axes.set_xscale("log")
                axes.set_xlim(min(low / 3, high / 100), high * 3)
                axes.set_xlabel("root mean square")
            elif not is_log:
                axes.set_xlim(0, 100)
                axes.set_xlabel("% of units and cases")
        return figure


def _short(x: float) -> str:
    return number(x, 2)
