"""The algebra of layers by name: Jacobians between layers and to weights, and their products.

    layer_jacobian(model, x, of="layer2", to="layer1")            # the Jacobian from layer 1 to layer 2
    weight_jacobian(model, x, layer="layer2", form="simplified")  # the outer product of Y and Diag(J_Sum)
    chain(model, x, target, loss=nn.mse, to="layer1")             # R <- R J from the loss down, step by step

Everything is read off the graph of one forward pass (`nn.forward_pass`). Documents differ in whether w_ij leads from
i to j or to i from j; so here each axis of weights says "from" or "to".
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autograd_core import RangeError, StructureError, grad_of
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import is_among, says_how

from ..notation.naming import names
from ..support.matrices import by, transposed
from ..support.tables import Table, number_in, titled
from ..teaching.jacobian_formulas import entry_formulas
from .forward_pass import below, forward_pass, with_layers
from .labelled_jacobian import Axis, Jacobian, Nodes, Outputs, layout_of
from .layers_by_name import ForwardPass, JacobianEnd, Unit, one_of
from .path_sums import PathSum, paths_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_core import Value

    from ..modules.module import Module

    Loss = Callable[[Any, Any], Any]

HEADS = ("step", "J", "R", "‖R‖")


# --- Jacobians --------------------------------------------------------------------------------------


@says_how
def layer_jacobian(
    model: Module,
    x: Any,
    *,
    of: str | int,
    to: str | int,
    target: Any = None,
    loss: Loss | None = None,
    layout: Outputs = "numerator",
    notation: str | None = None,
) -> Jacobian:
    """The derivatives of one layer with respect to another, for one case.

    A layer is meant by its name or number (0 is "inputs"), and then its activations z; "sum(layer1)" are
    its weighted sums s; "outputs" the prediction, also "softmax" where the model ends in one; "loss" the
    loss. With a text's names 4, or "layer 4" with a blank, is the layer that the text counts as its fourth: the third
    after the inputs in CS60050's second half, whose a^(1) is the input. Between neighbours Y and Z it is
    J_Y^Z = J_Sum^Z W^T, with w_ij from unit i of Y to unit j of Z.

    Its entries are numbers; `.formulas` has them in the letters of a text, and `.formula_latex` the matrix. Line by
    line each is worked out by `nn.derivation(run["z_1"], run["y_1"])` on a pass with the text's names.

    Args:
        model: Any module of `Neuron`s, `Layer`s and `Linear`s; see `nn.forward_pass`.
        x: One case: what the model takes.
        of: The layer that is differentiated.
        to: The layer with respect to which, before it in the pass; "sum" are the sums of `of` itself.
        target: What the loss wants as its second argument, for `of="loss"`.
        loss: A function of `(prediction, target)`, for `of="loss"`.
        layout: "numerator", rows are `of`; "denominator", rows are `to`.
        notation: Whose names it has, such as "downing" or "cs60050"; see `nn.forward_pass`.

    Returns:
        A `Jacobian`.

    Raises:
        OperandError: More than the first arguments come without their names.
        RangeError: There is no such layer, layout or notation.
        StructureError: `to` does not come before `of`, or the model has no layers that can be read.

    Source: Downing, "Backpropagation: the good, the bad and the ugly", 2023.

    Example:
        >>> import nn
        >>> model = nn.MLP(2, [2, 1], "relu", init=nn.init.constant(1.0))
        >>> print(nn.layer_jacobian(model, [1.0, 2.0], of="loss", to="layer1", target=5.0, loss=nn.sse))
        ∂loss/∂layer1  (1 x 2, numerator layout: rows loss, columns layer1)
              layer1/neuron0  layer1/neuron1
        loss               1               1
        >>> model = nn.MLP(2, [2, 1], output="sigmoid", seed=1)
        >>> nn.layer_jacobian(model, [1.0, 2.0], of="Z", to="Y", notation="downing").formulas
        ['∂z_1/∂y_1 = z_1(1 − z_1) w_11', '∂z_1/∂y_2 = z_1(1 − z_1) w_21']
    """
    layout = layout_of(layout, "layer_jacobian")
    run = forward_pass(model, x, target, loss=loss)
    called = names(notation, run, "layer_jacobian")
    top = run.end(of, "layer_jacobian", called)
    own_sums = f"sum({top.name})"  # Downing's J_Sum^Z
    means_sums = is_among(to, ("sum", "Sum")) and own_sums in run.ends
    bottom = run.end(own_sums if means_sums else to, "layer_jacobian", called)
    order = list(run.ends)
    if order.index(bottom.name) >= order.index(top.name):
        msg = (
            f"layer_jacobian: expected `to` before `of` in the pass {', '.join(order)}; got of={of!r}, to={to!r}, "
            "whose derivatives are 0 or 1"
        )
        raise StructureError(msg)
    return between(run, top, bottom, layout).named(called)


def between(run: ForwardPass, top: JacobianEnd, bottom: JacobianEnd, layout: str) -> Jacobian:
    """The Jacobian from one end of a pass to another."""
    rows = [grad_of(node, bottom.nodes) for node in top.nodes]
    axes = (Axis(top.name, top.labels), Axis(bottom.name, bottom.labels))
    nodes = Nodes(run, top.nodes, bottom.nodes, entry_formulas)
    jacobian = Jacobian(top.name, bottom.name, "numerator", axes, rows, _nodes=nodes)
    return jacobian if layout == "numerator" else jacobian.T


@says_how
def weight_jacobian(
    model: Module,
    x: Any,
    *,
    layer: str | int,
    of: str | int | None = None,
    form: str = "full",
    layout: Outputs = "denominator",
    index: str | None = None,
    target: Any = None,
    loss: Loss | None = None,
    notation: str | None = None,
) -> Jacobian:
    """The derivatives of a layer with respect to the weights that feed it, or of a later layer or the loss to them.

    The full form J_W^Z has three axes: a matrix like the weights, whose entries are vectors over Z
    (denominator layout), or one such matrix for each unit of Z (numerator layout). A weight moves the unit
    that it leads to, and no other; the simplified form has only these derivatives, and the shape of the
    weights: outer product of Y and Diag(J_Sum^Z), with Y the layer's inputs.

    Args:
        model: Any module of `Neuron`s, `Layer`s and `Linear`s; see `nn.forward_pass`.
        x: One case: what the model takes.
        layer: The layer Z whose incoming weights are meant, by its name or that of the weights, such as "Θ^(1)"; or by
            the number of the weights, from 1 on in every text.
        of: What is differentiated, by default that layer's activations. The weights themselves, by a text's name such
            as "V", or "weights of layer1", give Downing's dV/dV: a matrix of matrices, each with a single 1.
        form: "full" or "simplified".
        layout: "denominator", the weights' axes first; "numerator", that of `of` first. The simplified form has no
            axis of `of`, and is the same in both.
        index: "from_to": w_ij leads from input i to unit j (Downing); "to_from": to unit i from input j
            (the other documents, and `neurons[i].w[j]` here). By default as the notation has it, else "from_to".
        target: What the loss wants as its second argument, for `of="loss"`.
        loss: A function of `(prediction, target)`, for `of="loss"`.
        notation: Whose names it has, such as "downing" or "cs60050"; see `nn.forward_pass`.

    Returns:
        A `Jacobian` with the axes "from ..." and "to ...". Biases are not among the weights, unless the notation has
        them there: in "cs60050" they are column 0 of Theta, from a unit a_0 that is always 1.

    Raises:
        OperandError: More than the first arguments come without their names.
        RangeError: There is no such layer, form, layout, index order or notation.
        StructureError: The layer's units have different inputs; `of` does not come after the layer's weights, or is
            another layer than the simplified form can have.

    Source: Downing, "Backpropagation: the good, the bad and the ugly", 2023.

    Example:
        >>> import nn
        >>> model = nn.MLP(2, [2], init=nn.init.constant(0.5))
        >>> print(nn.weight_jacobian(model, [3.0, 4.0], layer=1))
        ∂layer1/∂weights of layer1  (2 x 2 x 2, denominator layout: rows from inputs, columns to layer1,
          in each entry layer1)
            layer1/neuron0  layer1/neuron1
        x0          (3, 0)          (0, 3)
        x1          (4, 0)          (0, 4)
        >>> nn.weight_jacobian(model, [3.0, 4.0], layer=1, form="simplified").entries
        [[3.0, 3.0], [4.0, 4.0]]
    """
    caller = "weight_jacobian"
    layout = layout_of(layout, caller)
    _among(form, ("full", "simplified"), f"{caller}: expected form")
    run = with_layers(forward_pass(model, x, target, loss=loss), model, caller)
    called = names(notation, run, caller)
    order = index_of(index, caller) or (called.order if called else "from_to")
    name = run.end(layer, caller, called, of_weights=True).name
    one_of(run.layers, name, caller)
    biases = called is not None and called.biases
    meant = of
    if called is not None and isinstance(of, str) and of not in run.ends:
        meant = called.meant(of, [*list(run.ends)[::-1], *(f"weights of {layer}" for layer in run.layers)])
    if isinstance(meant, str) and meant.startswith("weights of "):
        if meant != f"weights of {name}":
            msg = f"{caller}: expected `of` to depend on the weights of {name}, got other weights, of={of!r}"
            raise StructureError(msg)
        if form != "full":
            msg = f"{caller}: expected form='full' for weights differentiated with respect to themselves, got {form!r}"
            raise StructureError(msg)
        return weights_to_themselves(run, name, layout, order, biases=biases).named(called)
    top = run.end(name if of is None else f"sum({name})" if of in ("sum", "Sum") else of, caller, called)
    ends = list(run.ends)
    if ends.index(top.name) < ends.index(f"sum({name})"):
        msg = f"{caller}: expected `of` to come after the weights of {name}, got of={of!r}, which they do not change"
        raise StructureError(msg)
    if form == "full":
        return to_weights(run, top, name, layout, order, biases=biases).named(called)
    own_layer = top.name in (name, f"sum({name})")
    if not own_layer and len(top.nodes) > 1:
        msg = (
            f"{caller}: expected of={name!r} in the simplified form, got {of!r}: a weight moves one unit of its own "
            "layer, but all of a later one; use form='full', or of='loss'"
        )
        raise StructureError(msg)
    from_, to = _weight_axes(run, name, caller, biases=biases)
    units = run.layers[name]
    nodes = top.nodes if own_layer else top.nodes * len(units)
    own = [grad_of(node, _row(unit, biases)) for node, unit in zip(nodes, units, strict=True)]
    made_of = Nodes(run, tuple(nodes), [list(_row(unit, biases)) for unit in units], entry_formulas)
    simple = Jacobian(top.name, f"weights of {name}", layout, (to, from_), own, simplified=True, _nodes=made_of)
    return (simple if order == "to_from" else simple.T).named(called)


def _among(given: Any, allowed: tuple[Any, ...], expected: str) -> None:
    if not is_among(given, allowed):
        msg = f"{expected} to be {' or '.join(repr(x) for x in allowed if x is not None)}, got {shown(given)}"
        raise RangeError(msg)


def index_of(index: Any, caller: str) -> Any:
    """The order of a weight's indices, if it is one or None.

    Raises:
        RangeError: It is none.
    """
    _among(index, ("from_to", "to_from", None), f"{caller}: expected index")
    return index


def _row(unit: Unit, biases: bool) -> tuple[Value, ...]:  # noqa: FBT001
    """The weights of a unit, with its bias before them if that is wanted and there is one."""
    return (unit.bias, *unit.weights) if biases and unit.bias is not None else unit.weights


def _weight_axes(run: ForwardPass, layer: str, caller: str, *, biases: bool = False) -> tuple[Axis, Axis]:
    """The axes of a layer's weights: its inputs, and its units; with biases, the 1 before the inputs."""
    units = run.layers[layer]
    inputs = units[0].inputs
    if any(list(map(id, unit.inputs)) != list(map(id, inputs)) for unit in units):
        msg = f"{caller}: expected the units of {layer} to have the same inputs, so that its weights are a matrix"
        raise StructureError(msg)
    known = {node: label for end in run.ends.values() for node, label in zip(end.nodes, end.labels, strict=True)}
    before = [end.name for end in run.ends.values() if list(map(id, end.nodes)) == list(map(id, inputs))]
    title = before[-1] if before else f"inputs of {layer}"
    labels = tuple(known.get(node, f"input{i}") for i, node in enumerate(inputs))
    if biases and units[0].bias is not None:
        labels = (f"1 into {layer}", *labels)
    return Axis(f"from {title}", labels), Axis(f"to {layer}", tuple(unit.name for unit in units))


def to_weights(
    run: ForwardPass, top: JacobianEnd, layer: str, layout: str, index: str, *, biases: bool = False
) -> Jacobian:
    """The full form: for each node of the top a matrix like the weights, or like biases and weights."""
    from_, to = _weight_axes(run, layer, "weight_jacobian", biases=biases)
    weights = [w for unit in run.layers[layer] for w in _row(unit, biases)]
    n = len(from_.labels)
    blocks = []
    for node in top.nodes:
        flat = grad_of(node, weights)
        block = [flat[i : i + n] for i in range(0, len(flat), n)]  # a row per unit
        blocks.append(block if index == "to_from" else transposed(block))
    axes = (to, from_) if index == "to_from" else (from_, to)
    leaves: Any = [list(_row(unit, biases)) for unit in run.layers[layer]]
    nodes = Nodes(run, top.nodes, leaves if index == "to_from" else transposed(leaves), entry_formulas)
    full = Jacobian(
        top.name, f"weights of {layer}", "numerator", (Axis(top.name, top.labels), *axes), blocks, _nodes=nodes
    )
    return full if layout == "numerator" else full.T


def weights_to_themselves(run: ForwardPass, layer: str, layout: str, index: str, *, biases: bool = False) -> Jacobian:
    """Four axes: for each weight a matrix like the weights, with a 1 where that weight stands itself."""
    from_, to = _weight_axes(run, layer, "weight_jacobian", biases=biases)
    rows: Any = [list(_row(unit, biases)) for unit in run.layers[layer]]
    rows, axes = (rows, (to, from_)) if index == "to_from" else (transposed(rows), (from_, to))
    flat, n = [w for row in rows for w in row], len(rows[0])
    blocks = [grad_of(w, flat) for w in flat]
    matrices = [[block[i : i + n] for i in range(0, len(flat), n)] for block in blocks]
    entries = [matrices[i : i + n] for i in range(0, len(flat), n)]
    name, nodes = f"weights of {layer}", Nodes(run, tuple(flat), rows, entry_formulas)
    full = Jacobian(name, name, "numerator", (*axes, *axes), entries, _nodes=nodes)
    return full if layout == "numerator" else full.T


# --- chains -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Chain(Table):
    """A product of Jacobians, factor by factor. It is a table, as text and in a notebook.

    Attributes:
        factors: The Jacobians, from the loss (or the outputs) down.
        products: R after each of them; the last one is the Jacobian of the whole.
        by_backward: The same Jacobian from sweeps over the graph, without any product of matrices.
        run: The `ForwardPass` that they were read from.

    Example:
        >>> import nn
        >>> model = nn.MLP(2, [2, 1], "relu", init=nn.init.constant(1.0))
        >>> chain = nn.chain(model, [1.0, 2.0], 5.0, loss=nn.sse)
        >>> [factor.name for factor in chain.factors]
        ['∂loss/∂layer2', '∂layer2/∂layer1', '∂layer1/∂inputs']
        >>> chain.result.entries == chain.by_backward.entries == [[2.0, 2.0]]
        True
    """

    factors: tuple[Jacobian, ...]
    products: tuple[Jacobian, ...]
    by_backward: Jacobian
    run: ForwardPass
    _same: tuple[str, ...] = ()
    _from_loss: bool = True

    @property
    def result(self) -> Jacobian:
        """R after the last factor.

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [1], init=nn.init.constant(0.5))
            >>> nn.chain(model, [1.0, 2.0]).result.entries
            [[0.5, 0.5]]
        """
        return self.products[-1]

    @property
    def singular_values(self) -> list[list[float]]:
        """The singular values of R after each factor, if R is a matrix then, the largest first.

        Raises:
            MissingExtraError: NumPy is not installed.

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [1], init=nn.init.constant(0.5))
            >>> nn.chain(model, [1.0, 2.0]).singular_values
            [[0.7071067811865476]]
        """
        return [r.singular_values for r in self.products if len(r.axes) == 2]

    @property
    def latex(self) -> str:
        r"""The product of all factors and what it comes to, with the numbers of each matrix.

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [1], init=nn.init.constant(0.5))
            >>> nn.chain(model, [1.0, 2.0], 1.0, loss=nn.sse).latex.partition(" = ")[2]
            '\\begin{bmatrix} 0.25 & 0.25 \\end{bmatrix}'
        """
        matrices = [j.latex.partition(" = ")[2] for j in (*self.factors, self.result)]
        *left, right = matrices
        return f"{' '.join(left if self.result.layout == 'numerator' else left[::-1])} = {right}"

    def entry(self, of: str, to: str) -> PathSum:
        """One entry of the result as the sum over paths that it is, with a named factor for each step of a path.

        Args:
            of: A unit at the top, by its name.
            to: One at the bottom.

        Returns:
            A `PathSum` with `.formula`, `.latex`, `.paths`, `.factors`, `.products` and `.value`.

        Raises:
            RangeError: There is no such unit, or there are more than 64 paths.
            StructureError: The chain ends in weights; `nn.derivation` writes their entries.

        Source: "Distant gradients are sums of path products" (Downing, 2023).

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [3, 3], "sigmoid", output="sigmoid", bias=False, seed=1)
            >>> nn.chain(model, [1.0, 2.0], of="Z", to="X", notation="downing").entry("z_3", "x_2").formula
            '∂z_3/∂x_2 = ∂z_3/∂y_1 · ∂y_1/∂x_2 + ∂z_3/∂y_2 · ∂y_2/∂x_2 + ∂z_3/∂y_3 · ∂y_3/∂x_2'
        """
        if any(len(factor.axes) > 2 for factor in self.factors):
            msg = "Chain.entry: expected a chain of layers, got one that ends in weights; nn.derivation has those"
            raise StructureError(msg)
        return paths_of([j if j.layout == "numerator" else j.T for j in self.factors], of, to)

    def __format__(self, spec: str) -> str:
        return titled(self._heading(), HEADS, self._rows(spec))

    def _heading(self) -> str:
        layout = self.result.layout
        same = f"; no step where f is the identity: {', '.join(self._same)}" if self._same else ""
        return f"{self.result.name}  by R ← {'R · J' if layout == 'numerator' else 'J · R'}, {layout} layout{same}"

    def _table(self) -> tuple[Sequence[str], list[list[str]]]:
        return HEADS, self._rows("")

    def _rows(self, spec: str) -> list[list[str]]:
        """A row for each product; without a loss R begins as the identity of the layer at the top."""
        top, n = self.factors[0], len(self.products[0].axes[0 if self.result.layout == "numerator" else -1].labels)
        rows = [] if self._from_loss else [["R = Identity", "", by((n, n)), number_in(n**0.5, spec)]]
        for j, r in zip(self.factors, self.products, strict=True):
            product = f"R · {j.name}" if self.result.layout == "numerator" else f"{j.name} · R"
            step = f"R = {r.name}" if j is top and self._from_loss else f"{r.name} ← {product}"
            rows.append([step, by(j.shape), by(r.shape), number_in(r.norm, spec)])
        return rows


@says_how
def chain(
    model: Module,
    x: Any,
    target: Any = None,
    *,
    loss: Loss | None = None,
    of: str | int | None = None,
    to: str | int = "inputs",
    weights: bool = False,
    sums: bool = False,
    layout: Outputs = "numerator",
    index: str | None = None,
    notation: str | None = None,
) -> Chain:
    """The products R <- R J from the loss down to a layer, factor by factor (Downing's general algorithm).

    R starts as the Jacobian of the loss with respect to the prediction; a softmax gives its factor, and then each layer
    one. Without loss it starts as the identity of the layer at the top. In denominator layout factors are put in front:
    R <- J R.

    Args:
        model: Any module of `Neuron`s, `Layer`s and `Linear`s, one after the other; see `nn.forward_pass`.
        x: One case: what the model takes.
        target: What the loss wants as its second argument.
        loss: A function of `(prediction, target)`; None for the Jacobian of the outputs.
        of: The layer where it begins, for Downing's J_m^n of layers within; by default the loss, or without one the
            outputs.
        to: The layer where it ends.
        weights: Whether the Jacobian of that layer with respect to its incoming weights is the last factor; it is
            where `to` is a text's name for weights, such as "V".
        sums: Whether weighted sums are steps of their own, so that activations and weights are factors each; with
            `weights` the last factor is that of the sums to the weights. Where f is the identity its factor would be
            one, and is left out; the heading says so.
        layout: "numerator" or "denominator".
        index: Of weights, as for `nn.weight_jacobian`: "from_to" or "to_from", by default as the notation has it.
        notation: Whose names it has, such as "downing" or "cs60050"; see `nn.forward_pass`.

    Returns:
        A `Chain`.

    Raises:
        OperandError: More than the first arguments come without their names.
        RangeError: There is no such layer, layout or notation.
        StructureError: There is nothing between the two ends, or some path leads around a layer.

    Source: Downing, "Backpropagation: the good, the bad and the ugly", 2023.

    Example:
        >>> import nn
        >>> model = nn.MLP(2, [2, 1], "relu", init=nn.init.constant(1.0))
        >>> print(nn.chain(model, [1.0, 2.0], 5.0, loss=nn.sse, to="layer1", weights=True))
        ∂loss/∂weights of layer1  by R ← R · J, numerator layout
        step                                                               J          R    ‖R‖
        R = ∂loss/∂layer2                                              1 x 1      1 x 1      1
        ∂loss/∂layer1 ← R · ∂layer2/∂layer1                            1 x 2      1 x 2  1.414
        ∂loss/∂weights of layer1 ← R · ∂layer1/∂weights of layer1  2 x 2 x 2  1 x 2 x 2  3.162
    """
    layout = layout_of(layout, "chain")
    run = forward_pass(model, x, target, loss=loss, notation=notation)
    called = run.names
    order = index_of(index, "chain") or (called.order if called else "from_to")
    biases = called is not None and called.biases
    weights = weights or run.means_weights(to)
    bottom = run.end(to, "chain", of_weights=weights)
    if weights:
        with_layers(run, model, "chain")
    if weights and bottom.name not in run.layers:
        msg = (
            f"chain: expected to= with weights=True to be the layer whose weights are meant, one of "
            f"{', '.join(run.layers)}, got {to!r}"
        )
        raise RangeError(msg)
    ends_down = list(run.ends)[::-1]
    if of is not None:
        ends_down = ends_down[ends_down.index(run.end(of, "chain").name) :]
        if bottom.name not in ends_down:
            msg = f"chain: expected `to` before `of` in the pass {', '.join(run.ends)}; got of={of!r}, to={to!r}"
            raise StructureError(msg)
    steps = [
        run.ends[name]
        for name in ends_down[: ends_down.index(bottom.name) + 1]
        if sums or not name.startswith("sum(") or name in (bottom.name, ends_down[0])
    ]
    ends, same = steps[:1], []
    for end in steps[1:]:
        if [id(node) for node in end.nodes] != [id(node) for node in ends[-1].nodes]:
            ends.append(end)
        else:  # f is the identity
            same.append((ends[-1].name, end.name))
    summed = run.ends[f"sum({bottom.name})"] if weights and sums else bottom
    if [id(node) for node in summed.nodes] != [id(node) for node in ends[-1].nodes]:
        ends.append(summed)
    factors = [between(run, above, below, layout) for above, below in pairwise(ends)]
    if weights:
        factors.append(to_weights(run, ends[-1], bottom.name, layout, order, biases=biases))
    if not factors:
        msg = f"chain: expected an end before {steps[0].name} in the pass {', '.join(run.ends)}; got to={to!r}"
        raise StructureError(msg)
    if not _cut(ends):
        msg = (
            f"chain: expected layers that every path passes once each, but some path from {ends[-1].name} to "
            f"{ends[0].name} leads around one; use layer_jacobian, which takes all paths"
        )
        raise StructureError(msg)
    products = factors[:1]
    for factor in factors[1:]:
        products.append(products[-1] @ factor if layout == "numerator" else factor @ products[-1])
    top = ends[0]
    direct = between(run, top, ends[-1], layout)
    if weights:
        direct = to_weights(run, top, bottom.name, layout, order, biases=biases)
    factors, products = ([j.named(called) for j in js] for js in (factors, products))
    named = ((called(z), called(s)) if called else (z, s) for z, s in same)
    # One name means that there is no f to say this of: a softmax or the loss makes the activations.
    said = tuple(f"{z} = {s}" for z, s in named if z != s)
    return Chain(tuple(factors), tuple(products), direct.named(called), run, said, top.name == "loss")


def _cut(ends: list[JacobianEnd]) -> bool:
    """Whether every path from the last end to the first passes all ends between: then counts of paths agree."""
    order = below(ends[0].nodes)
    seeds = dict.fromkeys(ends[0].nodes, 1)
    straight = _paths_down(order, seeds)
    for end in ends[1:]:
        counts = _paths_down(order, seeds)
        seeds = {node: counts.get(node, 0) for node in end.nodes}
    return all(count == straight.get(node, 0) for node, count in seeds.items())


def _paths_down(order: list[Value], seeds: dict[Value, int]) -> dict[Value, int]:
    """The number of paths from seeded nodes to each node below, those of a seed as many times as it says."""
    counts = dict.fromkeys(order, 0) | seeds
    for node in reversed(order):
        if counts[node]:
            for parent in node.parents:
                counts[parent] += counts[node]
    return counts
