"""The entries of a Jacobian as formulas: ∂z_1/∂y_1 = z_1(1 − z_1) w_11."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..analysis.layers_by_name import in_letters
from ..analysis.top_formulas import targets_by_name
from ..modules.losses import has_probable_targets
from ..support.formulas import Formula
from .derivations import derivation
from .forward_formulas import labelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_core import Value

    from ..analysis.layers_by_name import ForwardPass


def entry_formulas(run: ForwardPass, entries: Sequence[tuple[Value, Value]]) -> list[tuple[Formula, Formula]]:
    """For each entry its name, ∂z/∂y, and its formula in the names of the forward pass.

    Args:
        run: The forward pass, with a text's names or without.
        entries: Pairs of the node that is differentiated and the node with respect to which.

    Raises:
        RangeError: There are more than 64 paths from one to the other.
    """
    found = []
    with labelled(run):
        loss, shares = _loss_in_letters(run), [y for y in run.outputs if y.op == "softmax"]
        for root, leaf in entries:
            top = loss if root is run.loss and loss is not None else root
            line = derivation(top, leaf, outputs=True, factored=True, beside=shares)
            left, tex = line.lines[0].partition(" = ")[0], line.latex_lines[0].partition(" &= ")[0]
            right = Formula(line.result, line.latex_lines[-1].partition("&= ")[2])
            found.append((Formula(left, tex), right))
    return found


def _loss_in_letters(run: ForwardPass) -> Value | None:
    """The loss, recorded again with labelled targets where the text has letters for them; None for a user's own."""
    if run.loss is None or run._asked is None:
        return None
    loss, target = run._asked
    if run.names is not None:
        target = targets_by_name(target, run.names, certain=has_probable_targets(loss))
    error = in_letters(loss, run.outputs, target)
    if error is not None:
        error.label = "E" if run.names is None else run.names.loss
    return error
