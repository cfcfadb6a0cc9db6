"""The backward pass of a layered network, step by step and layer by layer, each step with its name and its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_core import StructureError
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import says_how

from ..support.matrices import by
from ..support.tables import Table, number
from .forward_pass import forward_pass, with_layers
from .layer_jacobians import between, to_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..modules.module import Module
    from .labelled_jacobian import Jacobian
    from .layers_by_name import ForwardPass


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BackwardPass(Table):
    """What `nn.backward_pass` computed, step by step. It is a table, as text and in a notebook.

    Attributes:
        loss: The loss, the first step.
        derivatives: The steps after it, a `Jacobian` each: for every layer from the last to the first the derivative
            of the loss to its activations, to its weighted sums, and to its weights.
        run: The `ForwardPass` that they were read from.

    Example:
        >>> import nn
        >>> model = nn.MLP(2, [2, 1], "sigmoid", init=nn.init.constant(0.0), output="sigmoid")
        >>> steps = nn.backward_pass(model, [1.0, 2.0], 1.0, loss=nn.binary_cross_entropy)
        >>> [derivative.name for derivative in steps.derivatives][:3]
        ['∂loss/∂layer2', '∂loss/∂sum(layer2)', '∂loss/∂weights of layer2']
        >>> steps.derivatives[1].entries  # a - y
        [[-0.5]]
    """

    loss: float
    derivatives: tuple[Jacobian, ...]
    run: ForwardPass

    def _heading(self) -> str:
        return f"Backward pass  {len(self.derivatives) + 1} steps"

    def _table(self) -> tuple[tuple[str, ...], list[list[str]]]:
        rows = [["1. compute the loss", "", number(self.loss)]]
        for k, d in enumerate(self.derivatives, 2):
            values = [number(x) for x in d.flat]
            written = f"({', '.join(values)})" if len(values) <= 8 else f"({', '.join(values[:3])}, …, {values[-1]})"
            rows.append([f"{k}. {d.name}", by(d.shape), written])
        return ("step", "shape", "numbers"), rows


@says_how
def backward_pass(
    model: Module, x: Any, target: Any, *, loss: Callable[[Any, Any], Any], notation: str | None = None
) -> BackwardPass:
    """The steps of backpropagation for one case, in the order in which a text on layered networks lists them.

    1. compute the loss; then its derivatives with respect to 2. the activations of the last layer; 3. its weighted
    sums; 4. its weights; 5. the activations of the layer before; 6. its weighted sums; 7. its weights; and so on. A
    softmax after the last layer is its activation, if it has no other. With a text's names, a loss that takes scores
    computes the activations itself, and there is no step to them. The derivatives with respect to a layer's biases are
    those with respect to its weighted sums.

    Args:
        model: Any module of `Neuron`s, `Layer`s and `Linear`s; see `nn.forward_pass`.
        x: One case: what the model takes.
        target: What the loss wants as its second argument.
        loss: A function of `(prediction, target)`, such as `nn.binary_cross_entropy`.
        notation: Whose names the derivatives have, such as "cs60050"; see `nn.forward_pass`.

    Returns:
        A `BackwardPass` with `.loss` and `.derivatives`. Those to weights have the shape of the weights, and an axis
        for the loss before it; in "cs60050" biases are column 0 of the weights.

    Raises:
        RangeError: There is no such notation.
        StructureError: There is no loss, or the model has no layers that can be read.

    Source: CS60050, "Neural networks - backpropagation", 2023, which lists these seven for two layers.

    Example:
        >>> import nn
        >>> model = nn.MLP(1, [1, 1], "sigmoid", init=nn.init.constant(0.0), output="sigmoid")
        >>> print(nn.backward_pass(model, [2.0], 1.0, loss=nn.binary_cross_entropy, notation="cs60050"))
        Backward pass  7 steps
        step                     shape        numbers
        1. compute the loss                    0.6931
        2. ∂cost/∂a^(3)          1 x 1           (−2)
        3. ∂cost/∂z^(3)          1 x 1         (−0.5)
        4. ∂cost/∂Θ^(2)      1 x 1 x 2  (−0.5, −0.25)
        5. ∂cost/∂a^(2)          1 x 1            (0)
        6. ∂cost/∂z^(2)          1 x 1            (0)
        7. ∂cost/∂Θ^(1)      1 x 1 x 2         (0, 0)
    """
    run = forward_pass(model, x, target, loss=loss, notation=notation)
    if run.loss is None:
        msg = f"backward_pass: expected a loss such as nn.sse, got {shown(loss)}"
        raise StructureError(msg)
    called = with_layers(run, model, "backward_pass").names
    order = called.order if called else "to_from"
    biases = called is not None and called.biases
    top = run.ends["loss"]
    last = run.ends[list(run.ends)[-2]]  # of the outputs: the last layer, or a softmax and the like after it
    found = []
    if last.name not in run.layers:
        found.append(between(run, top, last, "numerator"))
    for layer in reversed(run.layers):
        activated = [id(unit.output) for unit in run.layers[layer]] != [id(unit.sum) for unit in run.layers[layer]]
        if activated or len(found) != int(not run.of_scores):  # else the softmax above, or in the loss, is it
            found.append(between(run, top, run.ends[layer], "numerator"))
        found.append(between(run, top, run.ends[f"sum({layer})"], "numerator"))
        found.append(to_weights(run, top, layer, "numerator", order, biases=biases))
    return BackwardPass(run.loss.data, tuple(d.named(called) for d in found), run)
