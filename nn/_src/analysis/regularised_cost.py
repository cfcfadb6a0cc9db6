"""The regularised cost J of a network and its gradient D, with the Δ and δ that the backward pass makes them from."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import RangeError, StructureError, Value, grad_of
from autograd_core import sum as total
from autograd_core._src.wrong_calls import says_how

from ..data.dataset import cases_of
from ..modules.losses import (
    binary_cross_entropy,
    has_probable_targets,
    made_of_scores,
    takes_mean_of_outputs,
    underlying,
)
from ..notation.naming import is_lone_unit, names, of_each_case
from ..notation.texts import TEXTS
from ..support.arrays import numpy
from ..support.formulas import Formula, Formulas
from ..support.matrices import by
from ..support.names import as_typed, one_named
from ..support.tables import Table, as_html, as_text, number, titled
from ..support.validation import callable_of, plain, real
from ..teaching.cost_formulas import CostParts, cost_formula
from .error_signals import signals_of
from .forward_pass import activations_of_scores, forward_pass, takes_sums, with_layers
from .layers_by_name import one_of
from .signal_formulas import batch_updates, letter_of_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..modules.module import Module
    from ..support.names import Names
    from .layers_by_name import ForwardPass

HEADS = ("layer", "Θ", "‖Δ‖", "‖λ/n · Θ‖", "‖D‖")
SHOWN = 12  # matrices with more rows or columns are not shown in full
per_case = partial(binary_cross_entropy, reduction="sum")


class _InLetters(NamedTuple):
    """A text's letters in the heading: the gradient of one case, a weight, its gradient, the number of cases."""

    product: str
    weight: str
    gradient: str
    n: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegularisedCost(Table):
    """J(Theta) with its gradient and the steps of backpropagation. It is a table, as text and in a notebook.

    Below the lengths of all matrices, each D is shown that has no more than 12 rows and columns.

    All arrays are float64. Matrices have a row per unit; column 0 belongs to the bias, if the layer has one. With the
    names "downing" and "dolhansky", whose weights lead from i to j, they have a column per unit, and biases in row 0.

    With a notation each of these goes by the text's name, too: `found["J"]`, the weights `found["Θ^(1)"]`, the
    derivatives `found["∂L/∂V"]` and `found["∂E/∂w_31"]`, CS60050's `found["D^(1)"]` and `found["Δ^(1)"]`, which are
    `.D[0]` and `.Delta[0]`, and of all cases, a row for each, `found["δ^(2)"]`, `found["z^(2)"]` and `found["a^(2)"]`.

    Attributes:
        J: The cost: mean over the cases of the loss, summed over the outputs, and the penalty. Where cases are added
            up, n times that.
        data: The part of it that is the loss.
        penalty: The other part, lambda / 2n times the sum of all squared weights, biases left out; where cases are
            added up lambda / 2 times that sum.
        D: For each layer the derivatives of J, shaped as the layer's `.theta`, or its transpose, as said above.
        Delta: For each layer the sum over the cases of delta (1, a)^T: n times the gradient of their mean.
        deltas: For each layer an array (cases, units): the error signals, d cost(x_i) / d z.
        sums: For each layer an array (cases, units): the weighted sums z of the forward pass.
        activations: For each layer an array (cases, units): what it made of them; the last one are the outputs, also
            where a softmax makes these of the last layer's sums.
        theta: For each layer its biases and weights, as they were.
        names: The layers' names, in the order of the pass; with a notation those that the text has for their weights.
        lam: Lambda.
        n: How many cases there were.
        labels: For each layer the names of its units, and of what came in to them.
        letter: What the cost is called: with a notation as the text has it.
        reduction: "mean" over the cases, or their "sum".

    Example:
        >>> import nn
        >>> model = nn.MLP(1, [1], output="sigmoid", init=nn.init.constant(0.0))
        >>> found = nn.cost(model, [[2.0], [4.0]], [1, 1], lam=1.0)
        >>> round(found.J, 6), found.D[0].tolist(), found.deltas[0].tolist()
        (0.693147, [[-0.5, -1.5]], [[-0.5], [-0.5]])
    """

    J: float
    data: float
    penalty: float
    D: list[Any]
    Delta: list[Any]
    deltas: list[Any]
    sums: list[Any]
    activations: list[Any]
    theta: list[Any]
    names: list[str]
    lam: float
    n: int
    labels: list[tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)
    letter: str = "J(Θ)"
    reduction: str = "mean"
    _first: tuple[ForwardPass, Names | None] | None = None  # the pass of the first case
    _asked: tuple[Any, Any] = (None, None)  # the loss and its target

    def __getitem__(self, name: str) -> Any:
        known: dict[str, Any] = {"J": self.J, self.letter: self.J}
        own: dict[str, Any] = {}
        run, called = self._first or (None, None)
        if run is not None and called is not None:
            each = zip(
                run.layers, self.names, self.theta, self.D, self.Delta, self.deltas, self.sums, self.activations,
                strict=True,
            )  # fmt: skip
            for layer, weights, theta, D, Delta, deltas, sums, activations in each:
                own |= {f"signal {layer}": deltas, layer: activations, f"sum({layer})": sums}
                known |= {weights: theta, called(f"signal {layer}"): deltas, called(layer): activations}
                known[called(f"sum({layer})")] = sums  # after the activations: scores are sums alone
                known[f"∂{self.letter}/∂{weights}"] = D
                if called.notation == "cs60050":
                    at = weights.lstrip("Θθ")
                    known |= {f"D{at}": D, f"Δ{at}": Delta}
        meant = one_named(name, list(known)) if isinstance(name, str) else None
        if meant is None and called is not None and isinstance(name, str):
            if (otherwise := called.meant(name, own)) in own:
                return own[otherwise]
            if (found := self._of_weights(as_typed(name))) is not None:
                return found
        return one_of(known, name if meant is None else meant, "cost(...)[name]")

    def _of_weights(self, typed: str) -> Any:
        """The matrix that is typed as ∂J/∂Θ^(1), D^(1) or Δ^(1), or its entry for one weight or bias; else None."""
        assert self._first is not None
        run, called = self._first
        fronts = {as_typed(f"∂{letter}/∂"): ("", self.D) for letter in (self.letter, "J")}
        if called is not None and called.notation == "cs60050":
            fronts |= {f"{letter}{mark}": (f"Theta{mark}", found) for mark in "_^"
                       for letter, found in (("D", self.D), ("Delta", self.Delta))}  # fmt: skip
        front = next((front for front in fronts if typed.startswith(front)), None)
        if called is None or front is None:
            return None
        start, matrices = fronts[front]
        weights = start + typed.removeprefix(front)
        named = replace(run, names=called)
        for layer, matrix in zip(run.layers, matrices, strict=True):
            if called.meant(weights, [f"weights of {other}" for other in run.layers]) == f"weights of {layer}":
                return matrix
        with suppress(RangeError):
            meant = named[weights]
            for units, matrix in zip(run.layers.values(), matrices, strict=True):
                for unit, row in zip(units, matrix.T if self._is_from_to else matrix, strict=True):
                    entering = [unit.bias, *unit.weights] if unit.bias is not None else unit.weights
                    for node, x in zip(entering, row.tolist(), strict=True):
                        if node is meant:
                            return x
        return None

    @property
    def updates(self) -> Formulas:
        """The step that gradient descent on J makes with each weight and bias, the last layer first.

        Dolhansky's names have the case as a superscript, (y_i). He divides by N; Downing adds up. They are a list of
        texts; printed, each has its number beside it.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "sigmoid", bias=False, seed=1)
            >>> batch = nn.cost(model, [[0.5], [1.0]], [0.2, 0.4], loss=nn.sse, notation="dolhansky")
            >>> batch.updates[0]
            'Δw_j→o = −η/N · Σ_(y_i) δ_o^(y_i) z_j^(y_i)'
            >>> nn.cost(model, [[0.5], [1.0]], [0.2, 0.4], loss=nn.sse, notation="downing-first").updates[0]
            'Δw_32 = −η Σ_(d∈D) δ_3d o_2d'
        """
        return self._updates(explicit=False)

    @property
    def explicit_updates(self) -> Formulas:
        """The same with each δ written out: `ErrorSignals.explicit_updates`, which raises likewise, of every case.

        Example:
            >>> import nn
            >>> unit = nn.MLP(2, [1], output="sigmoid", bias=False, seed=1)
            >>> batch = nn.cost(unit, [[0.5, 1.0], [1.0, 0.0]], [0.9, 0.1], loss=nn.sse, notation="downing-first")
            >>> batch.explicit_updates[0]
            'Δw_31 = −η Σ_(d∈D) (o_3d − t_3d) o_3d(1 − o_3d) x_1d'
        """
        return self._updates(explicit=True)

    def _updates(self, *, explicit: bool) -> Formulas:
        if self._first is None:
            return Formulas()
        run, called = self._first
        marked = of_each_case(called, len(run.outputs))
        products = signals_of(replace(run, names=marked), *self._asked)._products() if explicit else None
        return batch_updates(
            run, marked, self._numbers(), penalty=bool(self.lam), mean=self.reduction == "mean", products=products
        )

    @property
    def formulas(self) -> Formulas:
        """The recursion of the error signals, with a mark of the case where the text has one; the last layer first.

        They are a list of texts; printed, the numbers of all cases stand beside each, and `.latex` is the same in
        LaTeX. They are those of `.deltas`.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "sigmoid", bias=False, init=nn.init.constant(0.0))
            >>> print(nn.cost(model, [[0.5], [1.0]], [0.2, 0.4], loss=nn.sse, notation="dolhansky").formulas)
            δ_o^(y_i) = ŷ_i − y_i                                         = (−0.2, −0.4)
            δ_j^(y_i) = δ_o^(y_i) w_j→o σ(s_j^(y_i))(1 − σ(s_j^(y_i)))    = (0, 0)
        """
        if self._first is None:
            return Formulas()
        run, called = self._first
        named = replace(run, names=of_each_case(called, len(run.outputs)))
        found = signals_of(named, *self._asked).formulas
        columns = [c.tolist() for deltas in reversed(self.deltas) for c in deltas.T]
        return found.beside(columns, [_of_cases(column) for column in columns])

    @property
    def formula(self) -> Formulas:
        r"""The cost as a formula in the letters of the text, with its penalty where lambda is not 0, and its number.

        It is a line as those of `.formulas`, with `.latex` and `.numbers`. In CS60050's J(Theta) h_Theta(x_i) is what
        the network gives for case i, K outputs with targets y_ik; weights Theta_j0 are left out of the penalty.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1], output="sigmoid", init=nn.init.constant(0.5))
            >>> found = nn.cost(model, [[2.0], [4.0]], [1, 1], lam=1.0, notation="cs60050")
            >>> print(found.formula[0])
            J(Θ) = −1/n · Σ_i (y_i log(h_Θ(x_i)) + (1 − y_i) log(1 − h_Θ(x_i))) + λ/(2n) · Σ_l Σ_i Σ_j (Θ_ji^(l))²
            >>> print(nn.cost(model, [[2.0], [4.0]], [1, 1], loss=nn.sse, notation="dolhansky").formula)
            E = 1/N · Σ_(y_i) ½ (ŷ_i − y_i)²    = 0.02163
        """
        if self._first is None:
            return Formulas()
        run, called = self._first
        outputs = len(run.outputs)
        cost = CostParts(
            self.letter, *self._asked, outputs, self.data, self.penalty, self.lam, self.reduction == "mean"
        )  # fmt: skip
        return cost_formula(replace(run, names=of_each_case(called, outputs)), cost)

    @property
    def latex(self) -> str:
        r"""These steps, and their numbers, which are those of -eta D.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1], bias=False, init=nn.init.constant(1.0))
            >>> print(nn.cost(model, [[0.5], [1.0]], [0.0, 0.0], loss=nn.sse, notation="dolhansky").latex[16:-14])
            \Delta w_{i \to o} &= -\frac{\eta}{N} \, \sum_{y_i} \delta_{o}^{(y_i)} \, x_{i}^{(y_i)} = -0.625 \, \eta
        """
        return self.updates.latex

    def _numbers(self) -> list[float]:
        """The entries of -D, in the order of the updates."""
        assert self._first is not None
        run, called = self._first
        found = []
        for units, D in reversed(list(zip(run.layers.values(), self.D, strict=True))):
            for unit, row in zip(units, (D.T if self._is_from_to else D).tolist(), strict=True):
                bias_last = unit.bias is not None and not (called is not None and called.biases)
                found += [-d for d in (row[1:] + row[:1] if bias_last else row)]
        return found

    def _heading(self) -> str:
        cases = "case" if self.n == 1 else "cases"
        mean = self.reduction == "mean"
        if (other := self._other) is not None:
            both = f" = {number(self.data)} + {number(self.penalty)}, λ = {number(self.lam)}" if self.penalty else ""
            share = f"1/{other.n} · " if mean else ""
            over = f"{self.reduction} over {other.n} = {self.n} {cases}"
            drawn = f" + λ{'/' + other.n if mean else ''} · {other.weight}" if self.lam else ""
            return f"{self.letter} = {number(self.J)}{both}  {over}, {other.gradient} = {share}Σ {other.product}{drawn}"
        over = "" if mean else "sum over "
        parts = f"{number(self.data)} + {number(self.penalty)}; {over}{self.n} {cases}, λ = {number(self.lam)}"
        D = f"Δ/n + λ/n · {self._theta}" if mean else f"Δ + λ {self._theta}"
        return f"{self.letter} = {number(self.J)}  = {parts}, D = {D} without {self._bias}"

    @property
    def _theta(self) -> str:
        return self.letter[2:-1] if self.letter.startswith("J(") else "Θ"

    @property
    def _bias(self) -> str:
        return "θ_0" if self._theta == "θ" else "biases"

    def _table(self) -> tuple[tuple[str, ...], list[list[str]]]:
        norm = numpy("RegularisedCost").linalg.norm
        rows = []
        for name, theta, delta, d in zip(self.names, self.theta, self.Delta, self.D, strict=True):
            drawn = d - delta / self._divisor
            rows.append([name, by(theta.shape), *(number(float(norm(x))) for x in (delta, drawn, d))])
        other = self._other
        heads: tuple[str, ...] = tuple(head.replace("Θ", self._theta) for head in HEADS)
        if other is not None:
            norms = (f"Σ {other.product}", f"λ/{other.n} · {other.weight}", other.gradient)
            heads = ("weights", "shape", *(f"‖{norm}‖" for norm in norms))
        return heads if self.reduction == "mean" else tuple(re.sub("/[nN]", "", head) for head in heads), rows

    @property
    def _other(self) -> _InLetters | None:
        """What a text other than CS60050's second half, the one with D, Δ and a penalty, has in place of these."""
        called = self._first[1] if self._first is not None else None
        if called is None or not TEXTS[called.notation].product:
            return None
        weight = "W" if called.assigns and not called.differentials else "w"
        product = "dz xᵀ" if called.differentials else TEXTS[called.notation].product
        return _InLetters(product, weight, f"∂{self.letter}/∂{weight}", letter_of_cases(called))

    @property
    def _divisor(self) -> int:
        return self.n if self.reduction == "mean" else 1

    def _gradients(self) -> list[tuple[list[str], list[list[str]]]]:
        """Each D as a table, its columns what came in, or where the text has weights from i to j, the units."""
        found = []
        for name, (units, came), D in zip(self.names, self.labels, self.D, strict=True):
            rows, columns = (came, units) if self._is_from_to else (units, came)
            lines = [[own, *map(number, row)] for own, row in zip(rows, D.tolist(), strict=True)]
            title = f"D of {name}" if self._other is None else f"∂{self.letter}/∂{name}"
            found += [([title, *columns], lines)] * (max(D.shape) <= SHOWN)
        return found

    @property
    def _is_from_to(self) -> bool:
        """Whether rows of the text's matrices belong to what weights lead from."""
        called = self._first[1] if self._first is not None else None
        return called is not None and called.order == "from_to"

    def __str__(self) -> str:
        gradients = ("\n".join(as_text(*block)) for block in self._gradients())
        return "\n\n".join([titled(self._heading(), *self._table()), *gradients])

    def _repr_html_(self) -> str:
        tables = [as_html(self._heading(), *self._table())]
        return "".join([*tables, *(as_html("", heads, rows) for heads, rows in self._gradients())])


@says_how
def cost(
    model: Module,
    X: Any,
    Y: Any,
    lam: float = 0.0,
    *,
    loss: Callable[[Any, Any], Any] = per_case,
    notation: str | None = None,
) -> RegularisedCost:
    """The regularised cost J(Theta) of a network, its gradient D, and the error signals delta of every case.

        J = -1/n sum_i sum_k (y_ik log h_ik + (1 - y_ik) log(1 - h_ik)) + lambda / 2n * sum of all squared weights
        D = Delta / n + lambda / n Theta, the second term not in the column of biases
        Delta^(l) = sum_i delta_i^(l+1) (1, a_i^(l))^T

    for n cases and K outputs h in (0, 1), the activations of sigmoid units; then delta = a - y in the last layer. Each
    case is run on a graph, and the deltas are read off it. Biases are not penalised. It is what
    `fit(..., l2=lam / (2 * n), l2_biases=False)` steps along, with the loss
    `functools.partial(nn.binary_cross_entropy, reduction="batchmean")`.

    Cases are added up, with no 1/n and no λ/n, where the loss is given with `reduction="sum"`, and with Downing's
    names, whose E and whose Δw are sums over the cases, unless the loss has another reduction.

    Args:
        model: Any module of `Neuron`s, `Layer`s and `Linear`s; see `nn.forward_pass`.
        X: n cases: what the model takes.
        Y: n targets, each a number in [0, 1] or a list of K of them; with K > 1 also the index of a class.
        lam: Lambda, at least 0.
        loss: The cost of one case, a function of `(prediction, target)`; by default the cross-entropy above. With a
            model that gives scores, `nn.cross_entropy`, whose delta is softmax less y; for numbers `nn.sse`, or
            `nn.mse`, which is a mean over the outputs of a case: `functools.partial(nn.mse, reduction="batchmean")` is
            their sum, "sum" that over outputs and cases. Where J(Theta) has a sum over K > 1 outputs, and
            `nn.binary_cross_entropy` a mean, one has to say which is meant by such a reduction.
        notation: Whose names the layers and units have, such as "cs60050"; see `nn.forward_pass`.

    Returns:
        A `RegularisedCost` with `.J`, `.D`, `.Delta` and `.deltas`, and the `.sums` and `.activations` of every case.

    Raises:
        StructureError: Lengths that do not fit, no data, or a model without layers that can be read.
        RangeError: `lam` is negative; an output or a target is outside of [0, 1]; the loss is the cross-entropy's mean
            over several outputs and does not say so; or there is no such notation.
        OperandError: An argument of a wrong type.
        MissingExtraError: NumPy is not installed.

    Source: CS60050, "Neural networks - backpropagation", 2023, whose print has lambda for lambda / n in D.

    Example:
        >>> import nn
        >>> model = nn.MLP(2, [3, 2], "sigmoid", output="sigmoid", seed=1)
        >>> found = nn.cost(model, [[0.5, -1.0], [1.0, 2.0]], [[1, 0], [0, 1]], lam=0.5)
        >>> [D.shape for D in found.D], [delta.shape for delta in found.deltas]
        ([(3, 3), (2, 4)], [(2, 3), (2, 2)])
    """
    np = numpy("cost")
    lam = real(lam, "cost: lam", 0.0)
    callable_of(loss, "cost: loss", "one prediction and its target such as nn.sse")
    cases = cases_of(X, Y, "cost")
    n = len(cases.targets)
    runs = [_run(model, x, y, loss) for x, y in zip(cases.inputs, cases.targets, strict=True)]
    deltas, gradients = _signals(np, runs)
    layers = runs[0].layers
    theta = {name: np.array([_row(unit) for unit in units], float) for name, units in layers.items()}
    function = made_of_scores(loss) if takes_sums(runs[0]) else ""
    called = names(notation, runs[0], "cost", scores=bool(function))
    first = runs[0]
    if called is not None:
        first = replace(first, names=called, of_scores=activations_of_scores(function, first, called))
    reduction = _over_cases(loss, called)
    share = 1 / n if reduction == "mean" else 1.0
    D, penalty = [], 0.0
    for name, matrix in theta.items():
        drawn = matrix.copy()
        if layers[name][0].bias is not None:
            drawn[:, 0] = 0.0
        penalty += lam * share / 2 * float((drawn**2).sum())
        D.append(gradients[name] * share + lam * share * drawn)
    losses: list[float] = [run.loss.data for run in runs if run.loss is not None]
    data = total(losses) * share
    sums, activations = (
        [np.array([[getattr(unit, end).data for unit in run.layers[name]] for run in runs], float) for name in theta]
        for end in ("sum", "output")
    )
    if len(runs[0].outputs) == activations[-1].shape[1] and _is_activation(runs[0]):
        activations[-1] = np.array([[y.data for y in run.outputs] for run in runs], float)
    Delta, weights = list(gradients.values()), list(theta.values())
    if called is not None and called.order == "from_to":
        D, Delta, weights = ([matrix.T for matrix in each] for each in (D, Delta, weights))
    letter = "J(Θ)" if called is None else TEXTS[called.notation].loss_of_all or called.loss
    if called is not None and is_lone_unit(first):
        letter = letter.replace("Θ", "θ")
    return RegularisedCost(
        data + penalty, data, penalty, D, Delta, deltas, sums, activations, weights,
        [_called(units, name, called) for name, units in layers.items()], lam, n, _labels(runs[0], called), letter,
        reduction, (first, called), (loss, _target(loss, cases.targets[0], len(runs[0].outputs))),
    )  # fmt: skip


def _over_cases(loss: Any, called: Names | None) -> str:
    """Sum or mean over the cases: that of the loss if it was given a reduction, else that of the textbook."""
    chosen = None
    while isinstance(loss, partial) and loss is not per_case:
        chosen = chosen or loss.keywords.get("reduction")
        loss = loss.func
    if chosen is None:
        return "sum" if called is not None and TEXTS[called.notation].adds_cases else "mean"
    return "sum" if chosen == "sum" else "mean"


def _called(units: Any, layer: str, called: Any) -> str:
    """A text's name for a layer's matrix: (b, W^(1)), if its W has no column for biases, and this one has."""
    if called is None:
        return layer
    weights: str = called(f"weights of {layer}")
    return weights if called.biases or units[0].bias is None else f"(b, {weights})"


def _is_activation(run: ForwardPass) -> bool:
    """Whether a softmax is what the last layer's sums go through."""
    units = list(run.layers.values())[-1]
    return run.last == "softmax" and all(unit.output is unit.sum for unit in units)


def _signals(np: Any, runs: list[ForwardPass]) -> tuple[list[Any], dict[str, Any]]:
    """The deltas of every layer, a row per case; and Delta of every layer by its name."""
    deltas: dict[str, list[list[float]]] = {}
    gradients: dict[str, Any] = {}
    for run in runs:
        assert run.loss is not None
        flat = iter(grad_of(run.loss, [unit.sum for units in run.layers.values() for unit in units]))
        for name, units in run.layers.items():
            signal = [next(flat) for _ in units]
            deltas.setdefault(name, []).append(signal)
            came = np.array([_came_in(unit) for unit in units], float)
            gradients[name] = gradients.get(name, 0.0) + _outer(np, signal, came)
    return [np.array(rows, float) for rows in deltas.values()], gradients


def _labels(run: ForwardPass, called: Any) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """For each layer the names of its units, and of what came in: 1 for a bias, and units or inputs."""
    known = {node: label for end in run.ends.values() for node, label in zip(end.nodes, end.labels, strict=True)}
    found = []
    for layer, units in run.layers.items():
        came = [known.get(node, f"input{i}") for i, node in enumerate(units[0].inputs)]
        own, one = [unit.name for unit in units], "1"
        if called is not None:
            came, own = [called(label) for label in came], [called(label) for label in own]
            one = called(f"1 into {layer}")
        found.append((tuple(own), tuple(came if units[0].bias is None else [one, *came])))
    return found


def _run(model: Module, x: Any, y: Any, loss: Callable[[Any, Any], Any]) -> ForwardPass:
    """The pass of one case, whose target may be the index of a class."""

    def value_of(prediction: Any, target: Any) -> Any:
        outputs = plain(prediction)
        several = isinstance(outputs, list) and len(outputs) > 1
        if several and has_probable_targets(loss) and takes_mean_of_outputs(loss):
            name = getattr(underlying(loss), "__name__", "it")
            msg = (
                f"cost: loss: J(Θ) sums the cross-entropy over the {len(outputs)} outputs of a case, and nn.{name} is "
                "their mean: say which is meant, with "
                f'functools.partial(nn.{name}, reduction="batchmean") for the sum, or "mean"; without loss= it is that'
            )
            raise RangeError(msg)
        if loss is per_case:
            _probable(outputs)
        return loss(prediction, _target(loss, target, len(outputs) if several else 1))

    run = with_layers(forward_pass(model, x, y, loss=value_of), model, "cost")
    for name, units in run.layers.items():
        if len({(len(unit.weights), unit.bias is None) for unit in units}) > 1:
            msg = f"cost: expected the units of {name} to have as many inputs each, so that their weights are a matrix"
            raise StructureError(msg)
    return run


def _target(loss: Any, target: Any, outputs: int) -> Any:
    """A class as the outputs' targets, where the loss is the one of sigmoids."""
    if loss is per_case and outputs > 1 and _is_class(target, outputs):
        return [float(k == target) for k in range(outputs)]
    return target


def _of_cases(numbers: list[float]) -> Formula:
    """The numbers of all cases side by side; of many the first and the last."""
    shown = [number(x) for x in numbers]
    if len(shown) > SHOWN:
        shown = [*shown[:3], "…", shown[-1]]
    text = ", ".join(shown)
    tex = text.replace("−", "-").replace("…", r"\dots")
    return Formula(f"= ({text})", f" = ({tex})")


def _probable(outputs: Any) -> None:
    """Refuse weighted sums as probabilities, even where they happen to be in [0, 1].

    Raises:
        RangeError: An output is a weighted sum.
    """
    nodes = outputs if isinstance(outputs, list) else [outputs]
    summed = ("dot", "add")
    if any(isinstance(y, Value) and y.op in summed and "dot" in (y.op, *(p.op for p in y.parents)) for y in nodes):
        msg = (
            "cost: loss: the last layer is linear, but the cross-entropy is of probabilities: give it sigmoid units, "
            "or take loss=nn.sse for numbers, or nn.cross_entropy for scores of classes"
        )
        raise RangeError(msg)


def _is_class(target: Any, outputs: int) -> bool:
    return isinstance(target, int) and not isinstance(target, bool) and 0 <= target < outputs


def _came_in(unit: Any) -> list[float]:
    """(1, a), or a alone where there is no bias."""
    inputs = [x.data for x in unit.inputs]
    return inputs if unit.bias is None else [1.0, *inputs]


def _row(unit: Any) -> list[float]:
    weights: list[Value] = list(unit.weights)
    return [w.data for w in (weights if unit.bias is None else [unit.bias, *weights])]


def _outer(np: Any, signal: list[float], came: Any) -> Any:
    """delta_i times what came in to unit i, by strict zero."""
    column = np.array(signal, float)[:, None]
    with np.errstate(all="ignore"):
        return np.where((column == 0.0) | (came == 0.0), 0.0, column * came)
