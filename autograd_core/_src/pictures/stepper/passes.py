"""Both passes of a graph as data: every step, the names in it, and when a gradient is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.graph import order_of
from ...notation.node_names import named
from ...steps import both
from .. import text
from ..view.folding import view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...engine.value import Value
    from ...notation.composites import ReadGraph
    from ...steps import Step

NAME_CELLS = 22  # cells of a name; a table of five columns still fits
MOST_ROOTS = 3  # the sum of more roots is not written out by their names


class Passes(NamedTuple):
    """Everything that the stepper shows, at all positions; the current position is not part of it."""

    roots: tuple[Value, ...]  # what is differentiated is their sum
    steps: list[Step]  # the forward pass, then the backward pass
    n_forward: int
    names: dict[Value, str]
    last_use: dict[Value, int]  # the step after which a node's gradient is complete; -1 for a root's that nothing uses
    order: list[Value]  # the nodes, operands first, without inner nodes of composites that have one step

    @property
    def copies(self) -> dict[Value, str]:
        """For each node of repeated structure, such as the cases of a batch, the name of its copy."""
        view = view_of(self.roots, fold=None, plates=True, read=None)
        return {
            view.graph.order[v]: f"{plate.scope} {name}"
            for plate in view.plates
            for name, copy in zip(plate.names, plate.copies.nodes, strict=True)
            for v in copy
        }

    @property
    def forward(self) -> list[Step]:
        """The steps that compute values."""
        return self.steps[: self.n_forward]

    @property
    def backward(self) -> list[Step]:
        """The steps that propagate gradients."""
        return self.steps[self.n_forward :]

    @property
    def top(self) -> str:
        """The name of what is differentiated: that of the root; of several roots, their sum."""
        names = [self.names[root] for root in self.roots]
        return " + ".join(names if len(names) <= MOST_ROOTS else [names[0], "...", names[-1]])

    def sums(self, k: int) -> dict[Value, Any]:
        """The running sums of gradients after step k, in the order of their first product."""
        if self.steps and k < self.n_forward:
            return {}
        sums: dict[Value, Any] = {root: type(root.data)(1) for root in self.roots}
        for step in self.steps[self.n_forward : k + 1]:
            sums.setdefault(step.node, step.adjoint)
            sums.update(
                (p, total)
                for p, total, product in zip(step.operands, step.after, step.products, strict=True)
                if product is not None
            )
        return sums


def passes_of(roots: Sequence[Value], read: ReadGraph | None = None) -> Passes:
    """Both passes of the graph below some roots. `read` is the graph with composites as single operations."""
    forward, backward = both(roots, read)
    recorded = order_of(roots)
    order = recorded if read is None else [*map(read.original, order_of(read.roots))]
    known = named(recorded, [node.label for node in recorded])
    names = {node: text.shorten(text.clean(known[node]), NAME_CELLS).strip() or "?" for node in order}
    last_use = dict.fromkeys(roots, -1)
    for step in backward:
        last_use.update(dict.fromkeys(step.operands, step.index))
    return Passes(tuple(dict.fromkeys(roots)), [*forward, *backward], len(forward), names, last_use, order)
