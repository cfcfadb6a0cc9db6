"""`ForwardPass`: the nodes of one forward pass, by layer, unit and end. `forward_pass` finds them."""

from __future__ import annotations

import functools
import math
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import index
from typing import TYPE_CHECKING, Any

from autograd_core import RangeError, Value, log
from autograd_core import sum as total
from autograd_core._src.any_object import brief, shown
from autograd_core._src.wrong_calls import is_among

from ..modules.loss_terms import of_one_case
from ..modules.losses import binary_cross_entropy
from ..support.matrix_algebra import NamedValues, as_named
from ..support.tables import Table, number
from ..support.validation import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..support.formulas import Formulas
    from ..support.names import Names

BETWEEN = re.compile(r"\s*;\s*|\s+")  # the parts of [w b] or [x; 1]
CLOSE = 1e-9  # relative difference up to which two ways to compute a loss give the same


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A neuron within a pass: z = f(s) with s = w . x + b.

    Attributes:
        name: "layer1/neuron0".
        weights: The w; `weights[i]` belongs to input i.
        inputs: The x, as many.
        dot: The node w . x.
        sum: The node s, before the activation; it is `dot` where there is no bias.
        output: The node z; it is s where there is no activation.
        bias: The b, or None.
    """

    name: str
    weights: tuple[Value, ...]
    inputs: tuple[Value, ...]
    dot: Value
    sum: Value
    output: Value
    bias: Value | None = None

    @property
    def is_share(self) -> bool:
        """Whether its activation is an output of a softmax, which depends on the layer's other sums, too."""
        return self.output is not self.sum and self.output.op == "softmax" and self.output.parents[0] is self.sum

    def __repr__(self) -> str:
        return f"<Unit {self.name}: s = {self.sum.data:.4g}, z = {self.output.data:.4g}>"


@dataclass(frozen=True, slots=True, eq=False)
class JacobianEnd:
    """A point of the pass at which a Jacobian can begin or end: nodes side by side, with their names."""

    name: str
    labels: tuple[str, ...]
    nodes: tuple[Value, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ForwardPass(Table):
    r"""The layers of one forward pass of a model; every number in it is a node of one graph.

    It is a table of weighted sums and activations, as text and in a notebook.

    Attributes:
        inputs: The inputs as nodes, x0, x1, ...
        layers: For each layer by its name a tuple of units, each with `.name .weights .bias .inputs .dot
            .sum .output`; in the order of the pass.
        outputs: The nodes of the prediction.
        loss: The node of the loss, or None.
        ends: What `nn.layer_jacobian` can go from and to, in the order of the pass: "inputs",
            "sum(layer1)", "layer1", ..., "outputs" or "softmax", "loss".
        others: The modules that have parameters, but no units to read, such as a convolution.
        names: The names of a text, or None. `run["layer1"]` are the nodes of a layer, and with a text's names
            `run["z_1^(2)"]` is the node that the text calls so, `run["z^(2)"]` those of a layer, and `run["Θ^(1)"]`
            the rows of its weights. Several nodes are tuples that show their numbers, and that can be multiplied and
            added, as in `run["W^(1)"] @ run["a^(0)"] + run["b^(1)"]`, `run["W^(2)"].T @ delta` or `a * (1 - a)`;
            functions of NumPy's take their numbers.
            What one unit and its layer are both called, as Dolhansky's z_j, is the node.
            `run["a_0^(2)"]`, which biases are the weights of, is a new node that is 1, in no graph.
            `run["E"]`, the loss by its letter, has the target as a node with its own, `run["y"]`, `run["y_1"]` of
            several or Downing's `run["t_5d"]`, so that `nn.derivation(run["E"], run["w_54"])` ends in letters. It is
            computed of the same outputs as `.loss`, which has a target that was given as a number as that number.
            Of a loss that takes scores it is a function of the activations. They are one node where the target was
            given as a node, or where the loss takes no such nodes.
            Names may be LaTeX, as copied from a text: `run[r"w_{i \to j}"]`.
            `run["x"]` are the inputs; `run["b^(1)"]` the biases of a layer, where the text has a letter for them.
            CS60050's `run["[W^(1) b^(1)]"] @ run["[x 1]"]` is z^(1), and `run["[w_1^(1) b_1^(1)]"]` one row of it.
        of_scores: With a text's names, and a loss that takes scores, `nn.cross_entropy` or
            `nn.binary_cross_entropy_with_logits`: the activations that the loss makes of them, which the text names.
            These nodes are beside the graph of the loss.
        alone: Whether the model is a single unit, a `Neuron` or a layer of one: logistic regression in CS60050's names.

    Example:
        >>> import nn
        >>> run = nn.forward_pass(nn.MLP(2, [3, 1], "tanh", seed=0), [1.0, -1.0])
        >>> list(run.ends)
        ['inputs', 'sum(layer1)', 'layer1', 'sum(layer2)', 'layer2']
        >>> run.layers["layer1"][0].name
        'layer1/neuron0'
    """

    inputs: tuple[Value, ...]
    layers: dict[str, tuple[Unit, ...]]
    outputs: tuple[Value, ...]
    loss: Value | None
    ends: dict[str, JacobianEnd]
    others: tuple[str, ...] = ()
    names: Names | None = None
    of_scores: tuple[Value, ...] = ()
    alone: bool = False
    _asked: tuple[Any, Any] | None = None  # the loss and its target
    _targets: tuple[Value, ...] = ()  # by a text's letters
    _loss_of_targets: Value | None = None  # the loss, computed of these, if it can be
    # The functions that write its formulas. They are passed in, because their modules import this one.
    _writers: tuple[Callable[[ForwardPass, tuple[Any, Any] | None], Formulas], ...] = ()

    @property
    def formulas(self) -> Formulas:
        """A line for each weighted sum, each activation and the loss, in the order of the pass.

        They are a list of texts; printed, each has its number beside it, and `.latex` is the same in LaTeX. A text's
        letter for the activation stands before what it is: a_1^(2) = g(z_1^(2)) = σ(z_1^(2)).

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "sigmoid", bias=False, init=nn.init.constant(1.0))
            >>> print(nn.forward_pass(model, [0.0], 1.0, loss=nn.sse, notation="dolhansky").formulas)
            s_j = w_i→j x_i    = 0
            z_j = σ(s_j)       = 0.5
            s_o = w_j→o z_j    = 0.5
            ŷ = s_o            = 0.5
            E = ½ (ŷ − y)²     = 0.125
        """
        return self._writers[0](self, self._asked)

    @property
    def explicit_formulas(self) -> Formulas:
        """The output of each unit, and the loss, in terms of inputs, weights and biases only.

        Raises:
            RangeError: There are more than 64 paths from an input to the end.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "sigmoid", bias=False, init=nn.init.constant(1.0))
            >>> nn.forward_pass(model, [0.0], 1.0, loss=nn.sse, notation="dolhansky").explicit_formulas
            ['z_j = σ(w_i→j x_i)', 'ŷ = w_j→o σ(w_i→j x_i)', 'E = ½ (w_j→o σ(w_i→j x_i) − y)²']
        """
        return self._writers[1](self, self._asked)

    @property
    def matrix_formulas(self) -> Formulas:
        """The sums and the activations of each layer as products of matrices, with the shapes beside each line.

        Downing's layers are rows, R = X V; those of other texts columns, z = W a. `.numbers` has the entries.

        Raises:
            StructureError: Units of one layer have different inputs, so that their weights are no matrix.

        Example:
            >>> import nn
            >>> model = nn.MLP(3, [2, 1], "sigmoid", bias=False, output="sigmoid", seed=1)
            >>> print(nn.forward_pass(model, [1.0, 2.0, 3.0], notation="downing").matrix_formulas)
            R = X V     (1 x 2) = (1 x 3) (3 x 2)
            Y = g(R)    (1 x 2)
            S = Y W     (1 x 1) = (1 x 2) (2 x 1)
            Z = f(S)    (1 x 1)
        """
        return self._writers[2](self, self._asked)

    def __getitem__(self, name: str) -> Any:
        return as_named(self._named(name))

    def _named(self, name: Any) -> Any:
        nodes = self._nodes()
        if isinstance(name, str) and name in self.ends:
            return self.ends[name].nodes
        if self.names is not None and name not in nodes:
            if isinstance(name, str) and name.startswith("[") and name.endswith("]"):
                return self._side_by_side(name)
            if self.loss is not None and self.names.means_loss(name):
                return self.loss if self._loss_of_targets is None else self._loss_of_targets
            if name in ("x", "X"):
                return self.inputs
            # A node before its layer: a text may have one name for both where there is one unit.
            of_scores = [f"activation {self.last}"] if self.of_scores else []
            targets = [node for own, node in nodes.items() if own.startswith("target ")]
            rows = {f"weights into {unit.name}": unit for units in self.layers.values() for unit in units}
            others = [*of_scores, *self.ends, *self._wholes(self.names), *rows, *(["targets"] if targets else [])]
            name = self.names.meant(name, [*nodes, *others])
            if name == "targets":
                return targets[0] if len(targets) == 1 else targets
            if name in self.ends and name not in nodes:
                return self.ends[name].nodes
            if name in of_scores:
                return self.of_scores
            if name in rows:
                return tuple(rows[name].weights)
            if isinstance(name, str) and name.startswith("weights of "):
                return self._matrix(name.removeprefix("weights of "), self.names)
            if isinstance(name, str) and name.startswith("biases of "):
                biases = [unit.bias for unit in self.layers[name.removeprefix("biases of ")]]
                return tuple(b for b in biases if b is not None)
        known: dict[str, Any] = dict(nodes)
        if self.names is not None and name not in nodes:
            known = {node.label if own.startswith("target ") else self.names(own): node for own, node in nodes.items()}
            wholes = [*self.ends, *self._wholes(self.names)]
            known = dict.fromkeys(self.names(own) for own in wholes) | known
        else:
            known = dict.fromkeys(self.ends) | known
        return one_of(known, name, "forward_pass(...)[name]")

    def _side_by_side(self, name: str) -> Any:
        """What CS60050 writes [w b], a bias after the weights of its unit or layer, and [x; 1], by the names within."""
        names = BETWEEN.split(name[1:-1])
        parts: list[Any] = [Value(1.0, label="1") if part == "1" else self._named(part) for part in names]
        if any(_is_matrix(part) for part in parts):
            columns = [column for part in parts for column in (zip(*part, strict=True) if _is_matrix(part) else [part])]
            columns = [[column] if isinstance(column, Value) else column for column in columns]
            if len({len(column) for column in columns}) == 1:
                return list(zip(*columns, strict=True))
            msg = f"forward_pass(...)[name]: expected parts with as many rows each, got {name!r}"
            raise RangeError(msg)
        return [node for part in parts for node in (part if isinstance(part, (tuple, list)) else [part])]

    def means_weights(self, which: Any) -> bool:
        """Whether a name is that of the weights of a layer, by the names of a text.

        Args:
            which: The name, or anything else, which is none.

        Returns:
            True or False; False without a text's names.

        Example:
            >>> import nn
            >>> run = nn.forward_pass(nn.MLP(2, [2, 1], seed=0), [1.0, -1.0], notation="downing")
            >>> run.means_weights("V"), run.means_weights("Y")
            (True, False)
        """
        if self.names is None or not isinstance(which, str):
            return False
        layers = [f"weights of {layer}" for layer in self.layers]
        return str(self.names.meant(which, [*self.ends, *layers])) in layers

    def _wholes(self, called: Names) -> list[str]:
        """Weights and biases of whole layers; those biases that the text has a name for."""
        biased = [layer for layer, units in self.layers.items() if any(unit.bias is not None for unit in units)]
        biases = [f"biases of {layer}" for layer in biased]
        return [*(f"weights of {layer}" for layer in self.layers), *(own for own in biases if own in called.of)]

    def _matrix(self, layer: str, called: Names) -> NamedValues:
        """A layer's weights in the text's order: row i leads to unit i or from it; biases are column 0 in some."""
        rows = [
            (unit.bias, *unit.weights) if called.biases and unit.bias is not None else tuple(unit.weights)
            for unit in self.layers[layer]
        ]
        return as_named(list(zip(*rows, strict=True)) if called.order == "from_to" else rows)  # type: ignore[no-any-return]

    def _nodes(self) -> dict[str, Value]:
        """Every node by its name, with those of weights and biases."""
        found = {label: x for end in self.ends.values() for label, x in zip(end.labels, end.nodes, strict=True)}
        for units in self.layers.values():
            for unit in units:
                found |= {f"weight {i} {unit.name}": w for i, w in enumerate(unit.weights)}
                if unit.bias is not None:
                    found[f"bias {unit.name}"] = unit.bias
        if self.of_scores:
            found |= {f"activation {u.name}": a for u, a in zip(self.layers[self.last], self.of_scores, strict=True)}
        found |= {f"1 into {layer}": Value(1.0, label=name) for layer, name in self._ones().items()}
        return found | {f"target {k}": node for k, node in enumerate(self._targets, 1)}

    def _ones(self) -> dict[str, str]:
        """For each layer whose biases the text has as weights of a constant 1, the name of that constant."""
        if self.names is None or not self.names.biases:
            return {}
        return {
            layer: self.names(f"1 into {layer}")
            for layer, units in self.layers.items() if any(unit.bias is not None for unit in units)
        }  # fmt: skip

    @property
    def last(self) -> str:
        """The name of the last end before the loss.

        Example:
            >>> import nn
            >>> nn.forward_pass(nn.MLP(2, [1]), [1.0, -1.0]).last
            'layer1'
        """
        return [name for name in self.ends if name != "loss"][-1]

    def end(
        self, which: str | int, caller: str = "end", called: Names | None = None, *, of_weights: bool = False
    ) -> JacobianEnd:
        """One of the `ends`.

        Args:
            which: Its name; or a number, 0 for the inputs, k for the activations of the k-th layer, or with a text's
                names what the text calls layer k; "outputs" always is the prediction.
            caller: Whom an error names.
            called: A text's names, which are good, too, as is "layer 4" where the text counts layers otherwise.
            of_weights: Whether the name of a layer's weights stands for the layer.

        Returns:
            A record with `.name .labels .nodes`.

        Raises:
            RangeError: There is none of that name or number.

        Example:
            >>> import nn
            >>> nn.forward_pass(nn.MLP(2, [3, 1], seed=0), [1.0, -1.0]).end(1).labels
            ('layer1/neuron0', 'layer1/neuron1', 'layer1/neuron2')
        """
        called = called or self.names
        counted = self._counted(None if of_weights else called)  # every text has its first weights as number 1
        name: str | None = None
        if isinstance(which, str):
            name = self.last if which == "outputs" else which
        else:
            with suppress(TypeError):  # not an index; arrays of several numbers have `__index__`, too
                name = None if isinstance(which, bool) else counted.get(index(which))
        if called is not None and isinstance(name, str) and name not in self.ends:
            of_loss = self.loss is not None and called.means_loss(name)
            name = "loss" if of_loss else called.meant(name, list(self.ends)[::-1])
            weights = called.meant(name, [f"weights of {layer}" for layer in self.layers])
            if weights.startswith("weights of "):
                if not of_weights:
                    msg = (
                        f"{caller}: {which!r} are the weights of a layer, expected the name of a layer; "
                        "nn.weight_jacobian, and nn.chain with weights=True, differentiate with respect to weights"
                    )
                    raise RangeError(msg)
                name = weights.removeprefix("weights of ")
        if of_weights and name is not None and name.startswith("sum("):  # they make these sums
            name = name.removeprefix("sum(").removesuffix(")")
        if name is None or name not in self.ends:
            hint = "; 'loss' needs target= and loss=" if name == "loss" else ""
            if called is None and isinstance(which, str) and not hint:
                hint = '; the names of a text need its notation=, such as "downing"'
            known = self.ends if called is None else [f"{end} ({called(end)})" for end in self.ends]
            numbers = f"{min(counted)} to {max(counted)}"
            numbers = f", or {numbers}" if self.layers else ""  # an activation function alone has no layers to count
            msg = f"{caller}: expected one of {', '.join(known)}{numbers}, got {brief(which)}{hint}"
            raise RangeError(msg)
        return self.ends[name]

    def _counted(self, called: Names | None) -> dict[int, str]:
        """The inputs and layers by number: from 0, the inputs, or as a text counts that numbers layers otherwise."""
        names = ["inputs", *self.layers]
        boxes = {k: f"layer {k}" for k in range(len(names) + 1)}
        found = {} if called is None else {k: called.also[box] for k, box in boxes.items() if box in called.also}
        return found or dict(enumerate(names))

    def _heading(self) -> str:
        called = self.names
        biases = any(unit.bias is not None for units in self.layers.values() for unit in units)
        if not self.layers:
            named = called or str
            return f"Forward pass  from {named('inputs')} to {named(self.last)}"
        if called is None:
            return f"Forward pass  s = w · x{' + b' if biases else ''}, z = f(s)"
        s, z = called.heads[1:3]
        return f"Forward pass  {s} = weights · what comes in{' + bias' if biases else ''}, {z} = activation of {s}"

    def _table(self) -> tuple[tuple[str, ...], list[list[str]]]:
        called, ones = self.names or str, self._ones()
        goes_to = dict(zip(("inputs", *self.layers), self.layers, strict=False))  # the layer that an end goes to
        rows = []
        for name, end in self.ends.items():
            if name.startswith("sum("):
                continue
            sums: Sequence[str] = [""] * len(end.nodes)
            if name in self.layers:
                sums = [number(unit.sum.data) for unit in self.layers[name]]
            if goes_to.get(name) in ones:
                rows.append([ones[goes_to[name]], "", number(1.0)])
            labels, nodes = end.labels, end.nodes
            if self.of_scores and name == self.last:
                labels, nodes = tuple(f"activation {label}" for label in labels), self.of_scores
            rows += [[called(label), s, number(y.data)] for label, s, y in zip(labels, sums, nodes, strict=True)]
        if not self.layers:  # a function alone, which has no sums
            return ("name", "value"), [[name, value] for name, _, value in rows]
        return ("name", *(self.names.heads[1:3] if self.names is not None else ("s", "z"))), rows


def _is_matrix(part: Any) -> bool:
    return isinstance(part, tuple) and bool(part) and isinstance(part[0], tuple)


def in_letters(loss: Callable[[Any, Any], Any], outputs: Sequence[Value], target: Any) -> Value | None:
    """The loss of one case, recorded again over labelled outputs and targets; None if it records no graph."""
    try:
        error = of_one_case(loss, outputs[0] if len(outputs) == 1 else list(outputs), target)
    except Exception:  # noqa: BLE001  one of the user's may raise anything at a target that is a Value
        return None
    return error if isinstance(error, Value) else None


def with_targets(run: ForwardPass) -> ForwardPass:
    """The pass with its targets as nodes, new ones with a text's letters or those given, and the loss of these."""
    if run.names is None or run._asked is None or run.loss is None:
        return run
    loss, target = run._asked
    of_classes = run.of_scores or run.last.startswith("softmax")
    flat = target_of_each(target, len(run.outputs) if of_classes else 1)
    if not all(isinstance(y, (int, float, Value)) for y in flat):
        return run
    letters = [run.names.target_of(k, len(flat)) for k in range(1, len(flat) + 1)]
    nodes = tuple(y if isinstance(y, Value) else Value(y, label=s) for y, s in zip(flat, letters, strict=True))
    error = None
    if not all(isinstance(y, Value) for y in flat):
        given = nodes[0] if len(nodes) == 1 and not isinstance(plain(target), list) else list(nodes)
        error = of_activations(run, given) if run.of_scores else in_letters(loss, run.outputs, given)
    if error is not None and math.isclose(error.data, run.loss.data, rel_tol=CLOSE):  # else it is another function
        error.label = run.loss.label
    else:
        error = None
    return replace(run, _targets=nodes, _loss_of_targets=error)


def of_activations(run: ForwardPass, target: Any) -> Value | None:
    """A loss that takes scores, as a function of the activations that it computes of them."""
    assert run._asked is not None
    loss, _ = run._asked
    if run.of_scores[0].op == "softmax":
        if isinstance(target, list):
            return -total([y * log(a) for y, a in zip(target, run.of_scores, strict=True)])  # type: ignore[no-any-return]
        return -log(run.of_scores[target])  # type: ignore[no-any-return]  # it is a class
    options = loss.keywords if isinstance(loss, functools.partial) else {}
    return in_letters(functools.partial(binary_cross_entropy, **options), run.of_scores, target)


def target_of_each(target: Any, outputs: int) -> list[Any]:
    """The targets as a list; the index of a class as a one-hot list."""
    flat = plain(target)
    if isinstance(flat, int) and outputs > 1:
        return [float(k == flat) for k in range(outputs)]
    return flat if isinstance(flat, list) else [flat]


def one_of(known: dict[str, Any], name: Any, caller: str) -> Any:
    """The item with that name.

    Raises:
        RangeError: Nothing has.
    """
    if not is_among(name, known):
        msg = f"{caller}: expected one of {', '.join(known)}, got {shown(name)}"
        raise RangeError(msg)
    return known[name]
