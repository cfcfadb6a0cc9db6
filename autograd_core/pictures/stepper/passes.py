"""Both passes of a graph as data: every step, the names in it, and when a gradient is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.graph import node_of, topological_order
from ...notation.formulas import names_of
from ...steps import both
from .. import text

if TYPE_CHECKING:
    from ...engine.value import Value
    from ...notation.wholes import ReadGraph
    from ...steps import Step

LONGEST_NAME = 22  # cells of a name; a table of five columns still fits


class Passes(NamedTuple):
    """Everything the stepper shows, at all positions; the position itself is not part of it."""

    root: Value
    steps: list[Step]  # the forward pass, then the backward pass
    n_forward: int
    names: dict[Value, str]
    last_use: dict[Value, int]  # the step after which a node's gradient is complete; -1 for the root's
    order: list[Value]  # the nodes, operands first; without parts of what has one step as a whole

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
                for p, total, product in zip(step.operands, step.after, step.products, strict=True)
                if product is not None
            )
        return sums


def passes_of(root: Value, read: ReadGraph | None = None) -> Passes:
    """Both passes of the graph below a node, as it was read."""
    node_of(root, "Stepper")
    forward, backward = both(root, read)
    order = topological_order(root) if read is None else [*map(read.original, topological_order(read.roots[0]))]
    known = names_of(root)
    names = {node: text.shorten(text.clean(known[node]), LONGEST_NAME).strip() or "?" for node in order}
    last_use = {root: -1}
    for step in backward:
        last_use.update(dict.fromkeys(step.operands, step.index))
    return Passes(root, [*forward, *backward], len(forward), names, last_use, order)
