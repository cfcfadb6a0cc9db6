"""Both passes of a graph as data: every step, the names in it, and when a gradient is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.graph import node_of
from ...notation.formulas import names_of
from ...steps import both
from .. import text

if TYPE_CHECKING:
    from ...engine.value import Value
    from ...steps import Step

LONGEST_NAME = 22  # cells of a name; a table of five columns still fits


class Passes(NamedTuple):
    """Everything the stepper shows, at all positions; the position itself is not part of it."""

    root: Value
    steps: list[Step]  # the forward pass, then the backward pass
    n_forward: int
    names: dict[Value, str]
    last_use: dict[Value, int]  # the step after which a node's gradient is complete; -1 for the root's

    @property
    def forward(self) -> list[Step]:
        """The steps that compute values."""
        return self.steps[: self.n_forward]

    @property
    def backward(self) -> list[Step]:
        """The steps that send gradients."""
        return self.steps[self.n_forward :]

    def sums(self, k: int) -> dict[Value, Any]:
        """The running sums of gradients after step k, in the order of their first product."""
        if not self.steps:
            return {self.root: type(self.root.data)(1)}
        sums: dict[Value, Any] = {}
        for step in self.steps[self.n_forward : k + 1]:
            sums.setdefault(step.node, step.adjoint)
            sums.update(
                (p, total)
                for p, total, product in zip(step.node.parents, step.after, step.products, strict=True)
                if product is not None
            )
        return sums


def passes_of(root: Value) -> Passes:
    """Both passes of the graph below a node."""
    node_of(root, "Stepper")
    forward, backward = both(root)
    names = {
        node: text.shorten(text.clean(name), LONGEST_NAME).strip() or "?" for node, name in names_of(root).items()
    }
    last_use = {root: -1}
    for step in backward:
        last_use.update(dict.fromkeys(step.node.parents, step.index))
    return Passes(root, [*forward, *backward], len(forward), names, last_use)
