"""Error signals: dE/ds of every unit, read off a graph, beside the recursion that makes them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_core import RangeError, StructureError, Value, draw, grad_of, topological_order
from autograd_core._src.any_object import shown
from autograd_core._src.notation.numbers import rounded
from autograd_core._src.pictures import Mark, Overlay
from autograd_core._src.wrong_calls import is_among, says_how

from ..modules.losses import takes_mean_of_outputs
from ..notation.naming import branches
from ..notation.texts import TEXTS
from ..support.formulas import Formula, Formulas
from ..support.matrix_algebra import as_lists
from ..support.names import as_typed
from ..support.tables import MatrixRows, Table, number
from ..teaching.matrix_formulas import backward_matrices
from .forward_pass import forward_pass
from .layers_by_name import ForwardPass, Unit, one_of
from .signal_formulas import (
    Top,
    UnitSignal,
    explicit_products,
    explicit_updates,
    gradient_formulas,
    signal_formulas,
    update_formulas,
    value_of,
)
from .top_formulas import top_formulas

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_core import Picture

    from ..modules.module import Module
    from ..support.names import Names

PRIMED = re.compile(r"[^()'′]*['′][^()'′]*\((.+)\)")  # f′_j(s_j), g'(z^(3))
SHOWN = 4  # outputs whose sums are named
SHOWN_ON_NETWORK = ("signals", "slopes", "jacobians")
MARKED = 0.25  # strength of the tint of sums in a picture
HEADS = ("unit", "s", "z", "f′(s)", "∂E/∂z", "δ")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ErrorSignals(Table):
    r"""The error signal delta = dE/ds of every unit. It is a table, as text and in a notebook.

    `signals["layer1/neuron0"]` is one number, `signals["layer1"]` the list of a layer.

    Attributes:
        layers: For each layer by its name a tuple of records with
            `.name .sum .output .slope .arriving .delta .recursive`.
        run: The `ForwardPass` that they were read from; `run.loss` is a graph to draw.
        names: The names of a text, or None; with them `signals["δ_1^(3)"]` is the same as `signals["layer2/neuron0"]`,
            and `signals["δ^(3)"]` as `signals["layer2"]`. What one unit and its layer are both called is the unit's.
            Derivatives with respect to anything that `run` has by name are found by name: `signals["∂L/∂w_11^(1)"]`, a
            matrix for `signals["∂L/∂W^(1)"]` or Downing's `signals["J_V^L"]`, and `signals["dw"]` and `signals["db"]`
            of logistic regression. `signals["g′(z^(3))"]` are the slopes at the sums of a layer. Names may be LaTeX,
            as copied from a text: `signals[r"\delta^{(3)}"]`.

    Example:
        >>> import nn
        >>> model = nn.MLP(1, [1, 1], "sigmoid", init=nn.init.constant(1.0))
        >>> signals = nn.error_signals(model, [0.0], 0.0, loss=nn.sse)
        >>> signals["layer2"], signals["layer1/neuron0"]
        ([0.5], 0.125)
        >>> print(signals)
        E = 0.125  δ = ∂E/∂s = f′(s) · ∂E/∂z
        unit              s    z  f′(s)  ∂E/∂z      δ
        layer1/neuron0    0  0.5   0.25    0.5  0.125
        layer2/neuron0  0.5  0.5      1    0.5    0.5
    """

    layers: dict[str, tuple[UnitSignal, ...]]
    run: ForwardPass
    names: Names | None = None
    _mean_of: int = 1
    _asked: tuple[Any, Any] | None = None  # the loss and its target
    _recursion: bool = True  # whether the textbook's recursion sums over all uses of a unit
    _layered: bool = True  # whether these are in the next layer

    def __getitem__(self, name: str) -> Any:
        if name in self.layers:
            return [unit.delta for unit in self.layers[name]]
        known: dict[str, Any] = {unit.name: unit.delta for unit in self._units()}
        if self.names is not None and name not in known:
            # A unit's before its layer's: a text may have one name for both where there is one unit.
            known |= {f"signal {own}": delta for own, delta in known.items()}
            for layer in self.layers:  # a lone neuron and its layer have one name here, too
                known.setdefault(f"signal {layer}", self[layer])
            signals = [own for own in known if own.startswith("signal ")]
            meant = self.names.meant(name, signals)
            if meant not in signals:
                for found in (self._derivative(name), self._slopes(name)):
                    if found is not None:
                        return found
                self._refuse_updates(name)
                self._refuse_activations(name)
                known = {self.names(own): known[own] for own in signals}
            else:
                name = meant
        if name not in known:
            known = dict.fromkeys(self.layers) | known  # a layer's name is one, too
        return one_of(known, name, "error_signals")

    def _derivative(self, name: Any) -> Any:
        """What the text calls ∂L/∂W, or dw, shaped as `.run["W"]`; None for what is no such name."""
        assert self.names is not None
        assert self.run.loss is not None
        losses = ("loss", self.names.loss, self.names.of.get("error", ""), TEXTS[self.names.notation].loss_of_all)
        fronts = [as_typed(f"∂{loss}/∂") for loss in losses if loss] + ["d"] * self.names.differentials
        typed = as_typed(name) if isinstance(name, str) else ""
        below = next((typed.removeprefix(front) for front in fronts if typed.startswith(front)), None)
        if below is None and self.names.notation == "downing":  # J_V^L
            marked = next((loss for loss in losses if loss and typed.endswith(f"^{loss}")), None)
            below = typed[2:].removesuffix(f"^{marked}") if marked and typed.startswith("J_") else None
        if below is None:
            return None
        try:
            nodes = as_lists(self.run[below])
        except RangeError:
            return None
        rows = nodes if isinstance(nodes, list) else [nodes]
        flat = [x for row in rows for x in (row if isinstance(row, list) else [row])]
        if not set(topological_order(self.run.loss)).issuperset(flat):  # a target, or an activation beside the graph
            return None
        slopes = iter(grad_of(self.run.loss, flat))
        found: list[Any] = [[next(slopes) for _ in row] if isinstance(row, list) else next(slopes) for row in rows]
        if not isinstance(nodes, list):
            return found[0]
        return MatrixRows(found) if isinstance(rows[0], list) else found

    def _slopes(self, name: Any) -> Any:
        """g′(z^(3)): the slope at a sum, or those at the sums of a layer; None for what is no such name."""
        assert self.names is not None
        primed = PRIMED.fullmatch(name) if isinstance(name, str) else None
        if primed is None:
            return None
        no_slope = self._activation_after()  # a softmax, or the loss, has their activations
        slopes: dict[str, Any] = {f"sum({u.name})": u.slope for u in self._units() if u.name not in no_slope}
        for layer, units in self.layers.items():
            if not no_slope.keys() & {unit.name for unit in units}:
                slopes.setdefault(f"sum({layer})", [unit.slope for unit in units])
        return slopes.get(self.names.meant(primed[1], slopes))

    def _refuse_updates(self, name: Any) -> None:
        """An update is no number by itself: it has the learning rate as a factor.

        Raises:
            RangeError: The name is Δ with that of a weight.
        """
        assert self.names is not None
        typed = as_typed(name) if isinstance(name, str) else ""
        if typed.startswith("Delta"):
            weight = name.strip()[1:] if name.strip().startswith("Δ") else typed.removeprefix("Delta")
            rate, loss = self.names.rate, self.names.loss
            msg = (
                f"error_signals: {name!r} has the learning rate {rate} as a factor: .updates has it as a formula and "
                f"a multiple of {rate}, and as a number it is -{rate} * signals['∂{loss}/∂{weight}']"
            )
            raise RangeError(msg)

    def _refuse_activations(self, name: Any) -> None:
        """Other things with names are none of the signals, though each has one.

        Raises:
            RangeError: The name is that of a layer's or unit's activations or sums.
        """
        assert self.names is not None
        own = [*self.layers, *(unit.name for unit in self._units())]
        meant = self.names.meant(name, [*own, *(f"sum({other})" for other in own)])
        of = meant.removeprefix("sum(").removesuffix(")") if isinstance(meant, str) else meant
        if of in own:
            msg = (
                f"error_signals: {name!r} is no error signal; the signal there is {self.names(f'signal {of}')!r}, "
                f"and .run[{name!r}] has what the pass computed"
            )
            raise RangeError(msg)

    @property
    def formulas(self) -> Formulas:
        """The recursion of each unit's signal with the names of its network, the last layer first.

        They are a list of texts; printed, each has its number beside it, and `.latex` is the same in LaTeX.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "sigmoid", init=nn.init.constant(1.0))
            >>> nn.error_signals(model, [0.0], 0.0, loss=nn.sse, notation="dolhansky").formulas
            ['δ_o = ŷ − y', 'δ_j = δ_o w_j→o σ(s_j)(1 − σ(s_j))']
        """
        known = self._by_name()
        found = signal_formulas(self.run, known, self.names, self._tops())
        numbers = [known[name].delta for name in found]
        return Formulas(found.values(), numbers, list(map(value_of, numbers)))

    @property
    def updates(self) -> Formulas:
        """The step that gradient descent makes with each weight and bias, the last layer first.

        They are a list of texts; printed, each has its number beside it, and `.latex` is the same in LaTeX.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "sigmoid", bias=False, init=nn.init.constant(1.0))
            >>> nn.error_signals(model, [0.0], 0.0, loss=nn.sse, notation="dolhansky").updates
            ['Δw_j→o = −η δ_o z_j', 'Δw_i→j = −η δ_j x_i']
        """
        return update_formulas(self.run, self._by_name(), self.names)

    @property
    def gradients(self) -> Formulas:
        """The gradient of each weight and bias, the last layer first: the error signal times the weight's input.

        They are a list of texts; printed, each has its number beside it, and `.latex` is the same in LaTeX.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1], "sigmoid", init=nn.init.constant(1.0))
            >>> print(nn.error_signals(model, [2.0], 0.0, loss=nn.sse, notation="cs60050-first").gradients)
            ∂L/∂w_11^(1) = ∂L/∂z_1^(1) · a_1^(0)    = 4
            ∂L/∂b_1^(1) = ∂L/∂z_1^(1) × 1           = 2
        """
        return gradient_formulas(self.run, self._by_name(), self.names)

    @property
    def explicit_updates(self) -> Formulas:
        """The same with the factors of its signal in place of each δ.

        Raises:
            RangeError: From a unit there are more than 64 paths to the outputs.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "sigmoid", bias=False, init=nn.init.constant(1.0))
            >>> nn.error_signals(model, [0.0], 0.0, loss=nn.sse, notation="dolhansky").explicit_updates
            ['Δw_j→o = −η (ŷ − y) z_j', 'Δw_i→j = −η (ŷ − y) w_j→o σ(s_j)(1 − σ(s_j)) x_i']
        """
        return explicit_updates(self.run, self._by_name(), self.names, self._tops())

    @property
    def matrix_formulas(self) -> Formulas:
        """The error signal of each layer and the gradient of its weights as matrix products, the last layer first.

        The shapes stand beside each line; `.numbers` has the entries.

        Raises:
            StructureError: Units of one layer have different inputs, so that their weights are no matrix.

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [2, 1], "sigmoid", bias=False, output="sigmoid", seed=1)
            >>> signals = nn.error_signals(model, [1.0, 2.0], 1.0, loss=nn.binary_cross_entropy, notation="cs60050")
            >>> print(signals.matrix_formulas)
            δ^(3) = a^(3) − y                       (1 x 1)
            ∂cost/∂Θ^(2) = δ^(3) (a^(2))ᵀ           (1 x 2) = (1 x 1) (1 x 2)
            δ^(2) = ((Θ^(2))ᵀ δ^(3)) ⊙ g′(z^(2))    (2 x 1) = ((2 x 1) (1 x 1)) ⊙ (2 x 1)
            ∂cost/∂Θ^(1) = δ^(2) (a^(1))ᵀ           (2 x 2) = (2 x 1) (1 x 2)
        """
        return backward_matrices(self.run, self._tops(), recursion=self._layered)

    @property
    def latex(self) -> str:
        r"""The recursion of each unit's signal, and its number, the last layer first.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "tanh", init=nn.init.constant(0.0))
            >>> nn.error_signals(model, [0.0], -1.0, loss=nn.sse, notation="dolhansky").latex.partition(r" \\ ")[0]
            '\\begin{aligned} \\delta_{o} &= \\hat{y} - y = 1'
        """
        return self.formulas.latex

    def _products(self) -> dict[str, list[Formula]]:
        """The factors of each error signal, by the name of its unit."""
        return explicit_products(self.run, self._by_name(), self.names, self._tops())

    def _tops(self) -> dict[str, Top]:
        return {} if self._asked is None else top_formulas(self.run, self.names, *self._asked)

    def _activation_after(self) -> dict[str, float]:
        """What a softmax right after the last layer's sums, or the loss, made of each: that is its activation."""
        last = list(self.run.layers.values())[-1]
        if self.run.of_scores:
            return {unit.name: node.data for unit, node in zip(last, self.run.of_scores, strict=True)}
        after = self.run.ends[self.run.last]
        alone = self.run.last == "softmax" and len(after.nodes) == len(last) and all(u.output is u.sum for u in last)
        return {unit.name: node.data for unit, node in zip(last, after.nodes, strict=True)} if alone else {}

    @property
    def norms(self) -> dict[str, float]:
        """The Euclidean length of each layer's error signal: how it fades or grows towards the first layer.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "sigmoid", init=nn.init.constant(1.0))
            >>> nn.error_signals(model, [0.0], 0.0, loss=nn.sse).norms
            {'layer1': 0.125, 'layer2': 0.5}
        """
        return {name: math.hypot(*self[name]) for name in self.layers}

    def draw(self, show: str = "signals", **options: Any) -> Picture:
        """The backward pass on the network: its graph with every gradient, and what makes the signals.

        With a text's names they are called as it calls them: ∂f/∂z at z, or e at x.

        Args:
            show: "signals": δ at each unit's weighted sum. "slopes": f′(s) at each unit's output, the stronger tinted
                the smaller it is beside the largest: there the signal fades. "jacobians": each unit as one card, where
                its inputs enter with the entries of its layer's Jacobian, f′(s_k) w_kj, through which signals go back.
                Where layers are so wide that edges are a bundle, pointing at |J|, the length of a unit's row of the
                Jacobian, shows its entries.
            options: As `autograd_core.draw` takes them, such as `fold`, `style` and `save`'s sizes.

        Returns:
            A `Picture`; the bars of its cards say how large each gradient is beside the largest.

        Raises:
            RangeError: There is nothing of that name to show.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "sigmoid", init=nn.init.constant(1.0))
            >>> signals = nn.error_signals(model, [0.0], 0.0, loss=nn.sse)
            >>> "δ 0.125" in signals.draw().svg, "f′ 0.25" in signals.draw("slopes").svg
            (True, True)
        """
        if not is_among(show, SHOWN_ON_NETWORK):
            msg = f"draw: expected show to be {', '.join(map(repr, SHOWN_ON_NETWORK))}, got {shown(show)}"
            raise RangeError(msg)
        loss = self.run.loss
        assert loss is not None
        nodes = [node for node in topological_order(loss) if node.op or node.label]
        gradients = dict(zip(nodes, grad_of(loss, nodes), strict=True))
        made: dict[str, Any] = {"overlay": self._overlay(show), "gradients": gradients, "plates": False}
        if show == "jacobians":
            scopes = {unit.output.scope for units in self.run.layers.values() for unit in units} - {""}
            made |= {"fold": sorted(scopes)} if scopes else {}
        return draw(loss, **made | options)

    def _overlay(self, show: str) -> Overlay:
        """Marks for a picture of the network."""
        error, s, letter, slope = "E", "s", "δ", self._slope()
        if self.names is not None:
            error, s, letter = self.names.loss, *(self.names.heads[k].removesuffix("_i") for k in (1, 5))
        units = {unit.name: unit for units in self.run.layers.values() for unit in units}
        if show == "jacobians":
            said = f"output j enters unit k times {slope} {self._weight()}; |J|: row k of a layer's Jacobian"
            return Overlay(f"Jacobians: {said}, entries at the pointer", self._rows())
        marks = {}
        if show == "slopes":
            largest = max((abs(signal.slope) for signal in self._units()), default=0.0)
            for signal in self._units():
                if units[signal.name].is_share:
                    continue  # its slopes are a matrix
                small = 1.0 - abs(signal.slope) / largest if largest else 0.0
                said = rounded(signal.slope, 3)
                explained = f"{slope}({s}) of {signal.name} = {said}"
                marks[units[signal.name].output] = Mark(f"{slope} {said}", small, explained)
            of = f"slopes {slope}({s}) of the units"
            return Overlay(f"{of}, by which signals are multiplied: they fade where it is small", marks)
        for signal in self._units():
            called = signal.name if self.names is None else self.names(f"signal {signal.name}")
            delta = rounded(signal.delta, 3)
            # A quotient of differentials leaves no place for its number on the badge; it is the card's gradient.
            said = f"{letter} {delta}" if len(letter) == 1 else letter
            marks[units[signal.name].sum] = Mark(said, MARKED, f"{called} = {delta}")
        meaning = f"∂{error}/∂{s}"
        signs = letter if letter == meaning else f"{letter} = {meaning}"
        return Overlay(f"error signals {signs}, at the weighted sum {s} of each unit", marks)

    def _weight(self) -> str:
        """The weight to unit k from j with the letter of the text, if it has one for all layers."""
        if self.names is None:
            return "w_kj"
        called = [self.names(f"weight 0 {name}") for name, unit in self._with_inputs()]
        letters = {name.partition("_")[0].rstrip("′″‴") for name in called}
        letter = letters.pop() if len(letters) == 1 else "w"
        to_from = "kj" if self.names.order == "to_from" else "j→k" if "→" in called[0] else "jk"
        return f"{letter}_{to_from}"

    def _with_inputs(self) -> list[tuple[str, Unit]]:
        return [(unit.name, unit) for units in self.run.layers.values() for unit in units if unit.weights]

    def _rows(self) -> dict[Value, Mark]:
        """At each unit how long its row of its layer's Jacobian is: edges that come in a bundle have no chips."""
        known, marks = self._by_name(), {}
        for name, unit in self._with_inputs():
            entries: dict[Value, float] = {}
            if unit.is_share:
                inputs = list(dict.fromkeys(unit.inputs))
                entries = dict(zip(inputs, grad_of(unit.output, inputs), strict=True))
            else:
                for w, x in zip(unit.weights, unit.inputs, strict=True):
                    entries[x] = entries.get(x, 0.0) + _times(known[name].slope, w.data)
            written = ", ".join(number(entry) for entry in entries.values())
            called = name if self.names is None else self.names(name)
            length = math.hypot(*entries.values())
            said = f"{length:.0e}" if 0 < length < 0.01 else number(length, 2)  # a badge is short
            row = f"row of {called} in its layer's Jacobian: {written}"
            marks[unit.output] = Mark(f"|J| {said}".replace("-", "−"), 0.0, row)
        return marks

    def weight_gradient(self, layer: str | int) -> MatrixRows:
        """dE/dW = delta x^T of a layer, from its error signals and its inputs x alone.

        Args:
            layer: Its name, that of its weights in the text, or its number from 1.

        Returns:
            A list of rows, which prints as a matrix: a row for each unit, and in it a number for each input. Entry
            [k][i] belongs to the weight to unit k from input i. With `notation="cs60050"`, whose Theta has biases in
            column 0, that of the bias, which is delta, comes before them. With "downing" and "dolhansky", whose weights
            lead from i to k, a row for each input, as `run["V"]` has it.

        Raises:
            RangeError: There is no such layer.
            StructureError: Units of the layer have different numbers of inputs, and weights lead from i to k.

        Source: claim 1 of the lecture "Backpropagation"; the delta rule for many layers (Rumelhart, Hinton,
        Williams, 1986).

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [1], init=nn.init.constant(1.0))
            >>> nn.error_signals(model, [1.0, 2.0], 0.0, loss=nn.sse).weight_gradient("layer1")
            3  6
            >>> nn.error_signals(model, [1.0, 2.0], 0.0, loss=nn.sse, notation="downing").weight_gradient("W")
            3
            6
        """
        if isinstance(layer, int) and 1 <= layer <= len(self.layers):
            layer = list(self.layers)[layer - 1]
        elif isinstance(layer, str) and self.names is not None:
            known = [*self.layers, *(f"weights of {name}" for name in self.layers)]
            layer = self.names.meant(layer, known).removeprefix("weights of ")
            if layer not in self.layers:
                named = [self.names(f"weights of {name}") for name in self.layers]
                msg = f"weight_gradient: expected one of {', '.join(named)}, or 1 to {len(named)}, got {shown(layer)}"
                raise RangeError(msg)
        units = one_of(self.run.layers, layer, "weight_gradient")
        biases = self.names is not None and self.names.biases
        rows = [
            [delta] * (biases and unit.bias is not None) + [_times(delta, x.data) for x in unit.inputs]
            for unit, delta in zip(units, self[str(layer)], strict=True)
        ]
        if self.names is None or self.names.order == "to_from":
            return MatrixRows(rows)
        if len(set(map(len, rows))) > 1:
            msg = f"weight_gradient: expected units with as many inputs each, got {', '.join(map(str, map(len, rows)))}"
            raise StructureError(msg)
        return MatrixRows(map(list, zip(*rows, strict=True)))

    def _units(self) -> list[UnitSignal]:
        return [unit for layer in self.layers.values() for unit in layer]

    def _by_name(self) -> dict[str, UnitSignal]:
        return {unit.name: unit for unit in self._units()}

    def _slope(self) -> str:
        """How the text writes the slope of an activation, whichever layer it is in."""
        if self.names is None:
            return "f′"
        return self.names(f"slope {self._units()[0].name}").partition("′")[0] + "′"

    def _rule(self, called: Names) -> tuple[str, str]:
        """The recursion of the text, or what holds where it does not, and the head of its column."""
        text = TEXTS[called.notation]
        return (called.rule, called.heads[4]) if self._recursion else (text.rule_by_outputs, text.head_by_outputs)

    def _heading(self) -> str:
        assert self.run.loss is not None
        above = self.run.last
        then = "" if above in self.layers else f"; {above} comes after the last layer, between it and the loss"
        then += self._remarks()
        if self.names is None:
            return f"E = {number(self.run.loss.data)}  δ = ∂E/∂s = f′(s) · ∂E/∂z{then}"
        rule, arriving = self._rule(self.names)
        if self.run.of_scores:
            sums, function = self.names(f"sum({above})"), "σ" if self.run.of_scores[0].op == "sigmoid" else "softmax"
            within = f"; the loss takes scores: within it {self.names(f'activation {above}')} = {function}({sums})"
            return f"{self.names.loss} = {number(self.run.loss.data)}  {rule}{within}{then}"
        given = f"∂{self.names.loss}/∂{self.names(self.run.ends[above].name)}"
        if above not in self.layers or not self._recursion or arriving == given:
            last = ""
        elif arriving.startswith("∂"):
            last = f"; at the output {arriving} is {given}, which the loss gives"
        else:
            last = f"; at the output {arriving} stands for {given}"
        units = self.run.layers.get(above, ())
        linear = [unit.name for unit in units if unit.output is unit.sum]  # the sum is the output
        same = "".join(f"; {self.names(f'sum({name})')} = {self.names(name)}" for name in linear[:SHOWN])
        same += "; ..." if len(linear) > SHOWN else ""
        return f"{self.names.loss} = {number(self.run.loss.data)}  {rule}{last}{same}{then}"

    def _remarks(self) -> str:
        """A note on what is special about this model and this loss, for readers of the table."""
        said = ""
        if self._mean_of > 1:
            said += f'; the loss is a mean over {self._mean_of} outputs: with reduction="sum" signals are as many times'
            said += " as large"
        if any(unit.is_share for units in self.run.layers.values() for unit in units):
            said += f"; through a softmax within, {self._slope()} is its Jacobian"
            said += ", and a signal has a term for each of its outputs"
        if branches(self.run):
            said += "; where a unit goes to several layers, their terms add up"
        if self.run.others:
            where = ", ".join(self.run.others)
            said += f"; no units are in {where}: backward() alone has the gradients of its parameters"
        return said

    def _table(self) -> tuple[Sequence[str], list[list[str]]]:
        called = self.names
        shares = self._activation_after()
        of_softmax = {unit.name for units in self.run.layers.values() for unit in units if unit.is_share}
        rows = []
        for unit in self._units():
            name = called(f"signal {unit.name}") if called else unit.name
            numbers = [*map(number, (unit.sum, unit.output, unit.slope, unit.arriving, unit.delta))]
            if unit.name in of_softmax:  # no single slope makes it
                numbers[2] = ""
            if unit.name in shares:  # its activation depends on the sums of the others, too
                numbers[1:4] = number(shares[unit.name]), "", ""
            rows.append([name, *numbers])
        if called is None:
            return HEADS, rows
        return (*called.heads[:4], self._rule(called)[1], *called.heads[5:]), rows


def _outputs_averaged(loss: Any, run: ForwardPass) -> int:
    """Over how many outputs the loss of one case is a mean; 1 if it is none."""
    return len(run.outputs) if takes_mean_of_outputs(loss) else 1


@says_how
def error_signals(
    model: Module, x: Any, target: Any, *, loss: Callable[[Any, Any], Any], notation: str | None = None
) -> ErrorSignals:
    """The error signals delta_j = dE/ds_j of all units for one case, with s_j = sum of w * x + b.

    They are found twice: by one sweep over the graph, as `backward()` does, and by the recursion
    delta_j = f'(s_j) * sum over k of w_kj * delta_k, in which k runs over the units that z_j goes to, and
    w_kj is the weight to k from j; in an output unit the sum is the loss's derivative.

    Args:
        model: Any module of `Neuron`s, `Layer`s and `Linear`s; see `nn.forward_pass`.
        x: One case: what the model takes.
        target: What the loss wants as its second argument.
        loss: A function of `(prediction, target)`, such as `nn.sse`.
        notation: A text, such as "downing", "dolhansky" or "cs60050": the table, the formulas and the graph
            `.run.loss` have the names of that text; see `nn.forward_pass`. A loss that takes scores,
            `nn.cross_entropy` or `nn.binary_cross_entropy_with_logits`, makes the activations a itself: the last
            layer then has sums z alone, the table has a beside them, and δ is a − y.

    Returns:
        `ErrorSignals`. `.grad` of the parameters is left alone.

    Raises:
        OperandError: The model is no Module, or the loss no function.
        RangeError: There is no such notation.
        StructureError: There is no loss; the model has no such layers, uses a unit twice, or a unit does not reach the
            loss.

    Source: Rumelhart, Hinton, Williams, "Learning representations by back-propagating errors", 1986.

    Example:
        >>> import nn
        >>> model = nn.MLP(2, [2, 1], "sigmoid", init=nn.init.constant(1.0))
        >>> nn.error_signals(model, [1.0, -1.0], 0.5, loss=nn.sse)["layer1"]
        [0.125, 0.125]
    """
    run = forward_pass(model, x, target, loss=loss, notation=notation)
    if run.loss is None or not run.layers:
        what = "a loss such as nn.sse" if run.loss is None else "a model of Neurons, Layers or Linears"
        msg = f"error_signals: expected {what}, got {shown(model if run.loss is not None else loss)}"
        raise StructureError(msg)
    return signals_of(run, loss, target)


def signals_of(run: ForwardPass, loss: Any, target: Any) -> ErrorSignals:
    """The error signals of a pass that has a loss.

    Args:
        run: The pass.
        loss: Its loss.
        target: The target that the loss was given.
    """
    assert run.loss is not None
    order = topological_order(run.loss)
    adjoints = dict(zip(order, grad_of(run.loss, order), strict=True))
    uses: dict[Value, list[tuple[Value, int]]] = {node: [] for node in order}
    for node in order:
        for operand, parent in enumerate(node.parents):
            uses[parent].append((node, operand))
    units = {unit.sum: unit for layer in run.layers.values() for unit in layer}
    mates = {unit.name: layer if unit.is_share else (unit,) for layer in run.layers.values() for unit in layer}
    deltas: dict[Value, float] = {}  # by the recursion, at the node w . x of each unit
    found: dict[str, UnitSignal] = {}
    for node in reversed(order):
        unit = units.get(node)
        if unit is not None:
            signal = _signal(unit, mates[unit.name], run.loss, uses, adjoints, deltas)
            deltas[unit.dot] = signal.recursive
            found[unit.name] = signal
    layers = {name: tuple(found[unit.name] for unit in layer) for name, layer in run.layers.items()}
    holds = run.names is None or _recursion_holds(run, uses, by_layers=TEXTS[run.names.notation].by_layers)
    layered = _recursion_holds(run, uses, by_layers=True)
    return ErrorSignals(layers, run, run.names, _outputs_averaged(loss, run), (loss, target), holds, layered)


def _recursion_holds(run: ForwardPass, uses: dict[Value, list[tuple[Value, int]]], *, by_layers: bool) -> bool:
    """Whether hidden units go to units alone, as what comes in there; by layers: to those of the next layer."""
    places = {unit.dot: (k, len(unit.weights)) for k, units in enumerate(run.layers.values()) for unit in units}
    for k, units in enumerate(list(run.layers.values())[:-1]):
        for user, operand in (use for unit in units for use in uses[unit.output]):
            above, weights = places.get(user, (-1, 0))
            if above < 0 or operand < weights or (by_layers and above != k + 1):
                return False
    return not (by_layers and branches(run))


def _signal(
    unit: Unit,
    mates: tuple[Unit, ...],
    root: Value,
    uses: dict[Value, list[tuple[Value, int]]],
    adjoints: dict[Value, float],
    deltas: dict[Value, float],
) -> UnitSignal:
    recursive, arriving, slope = 0.0, 0.0, 0.0
    for mate in mates:  # the unit itself, or all whose shares its sum moves
        there = 1.0 if mate.output is root else 0.0
        for user, operand in uses[mate.output]:
            there += _times(user.local_grads[operand], deltas.get(user, adjoints[user]))
        [d] = grad_of(mate.output, [unit.sum])
        recursive += _times(d, there)
        if mate is unit:
            arriving, slope = there, d
    return UnitSignal(
        unit.name, unit.sum.data, unit.output.data, slope, arriving, adjoints[unit.sum], recursive
    )


def _times(x: float, y: float) -> float:
    """The product by strict zero: 0 times anything is 0."""
    return x * y if x and y else 0.0
