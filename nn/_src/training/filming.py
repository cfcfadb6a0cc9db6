"""A living page over training: the loss of some cases as a graph, and the parameters of each kept epoch as a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograd_core import Film, Value, scope, trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_core import LivePage

    from ..data.dataset import Cases
    from .task import Task


class Filming:
    """Collects the epochs of `fit` for a film.

    Args:
        film: Which epochs and cases to keep.
        task: The model and its loss.
        cases: The training cases, of which the first are shown.
    """

    def __init__(self, film: Film, task: Task, cases: Cases) -> None:
        self._film = film
        self._last: tuple[int, Sequence[float]] | None = None
        root = self._root(task, cases)
        used = set(trace(root)[0])
        parameters = task.model.parameters()
        self._places = [(k, p) for k, p in enumerate(parameters) if p in used]
        self.page: LivePage = film.begin(root, {p: p.data for _, p in self._places}, title="Training")

    def _root(self, task: Task, cases: Cases) -> Value:
        """The loss in `eval` mode, so without dropout."""
        shown = cases.some(list(range(min(self._film.cases, len(cases.targets)))))
        was = task.model.training
        task.model.eval()
        try:
            outputs = []
            for k, x in enumerate(shown.inputs, 1):
                if len(shown.targets) == 1:
                    outputs.append(task.model(x))
                else:
                    with scope(f"case {k}"):
                        outputs.append(task.model(x))
            root = task.value_of(outputs, shown.targets)
        finally:
            task.model.train(was)
        root.label = root.label or "loss"
        return root

    def take(self, epoch: int, weights: Sequence[float]) -> None:
        """The parameters after an epoch, counted from 1."""
        self._last = epoch, weights
        if epoch % self._film.every == 0:
            self._add()

    def finish(self) -> LivePage:
        """The page, with the last epoch."""
        self._add()
        return self.page

    def _add(self) -> None:
        if self._last is not None:
            epoch, weights = self._last
            self.page.add_point(f"epoch {epoch}", {p: weights[k] for k, p in self._places})
            self._last = None
