"""The steps of a training run: on graphs, or from the second step on by programs."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from autograd_core import StructureError
from autograd_core._src.engine.contexts import current

from ..data.dataset import Cases
from ..metrics.accuracy import numbers
from . import compiled_steps as programs
from .case_programs import Data, NotCompiledError
from .choose_way import is_plain, the_way
from .second_order import NewtonCG
from .side_effects import Watch
from .ways import ALL, Trial

if TYPE_CHECKING:
    from autograd_core import Film

    from .filming import Filming
    from .optimizer import Optimizer
    from .order import Order
    from .task import Task

TRIED = 1024  # at most so many cases are computed on graphs before programs take over


def _those(cases: Cases, at: slice) -> Cases:
    return cases if at == ALL else Cases(cases.inputs[at], cases.targets[at])


class TrainingRun:
    """Steps on graphs; from the second step on compiled programs, if these agree with the first step.

    The constructor tries model and loss on the data: on all cases, or if programs are possible, on `TRIED` cases
    spread over them.

    Args:
        task: The model and its loss.
        cases: The training cases.
        unseen: The validation cases.
        compiled: False: graphs. None: programs if possible. True: programs, or an error.
    """

    optimizer: Optimizer | NewtonCG
    epochs: int
    filming: Filming | None = None

    def __init__(self, task: Task, cases: Cases, unseen: Cases | None, compiled: bool | None) -> None:  # noqa: FBT001
        self.task: Task = task
        self.cases: Cases = cases
        self.unseen: Cases | None = unseen
        self.compiled: bool | None = compiled
        self.programs: programs.Programs | None = None
        self.name: str = "graphs"
        self._watches = [Watch(model=task.model), Watch(loss=task.loss)] if compiled is not False else []
        self._drawn = task.penalised()
        self._ahead: deque[tuple[float, float, float]] = deque()
        self._done = 0  # epochs done, including the current one
        given = [(data, self._few(data)) for data in (cases, unseen) if data]
        self._tried = [(data, at, task.measure(_those(data, at))) for data, at in given]
        self.start: float = float(self._tried[0][2].loss)  # the loss before training

    def _few(self, cases: Cases) -> slice:
        """The cases on which to try the graphs, which take a thousand times as long as programs."""
        n = len(cases.targets)
        return ALL if self.compiled is False or n <= TRIED else slice(0, n, -(-n // TRIED))

    def film_with(self, film: Film) -> None:
        """Keep epochs for a page, from the parameters as they are now."""
        from .filming import Filming

        self.filming = Filming(film, self.task, self.cases)

    def improve(self, order: Order, *, ahead: bool) -> tuple[float, float, float]:
        """The next epoch: the mean loss, the share of right cases and the mean penalty on the way.

        Args:
            order: The indices of the cases in the order of the previous epoch.
            ahead: Whether later epochs may be run in the same native call.
        """
        if ahead and not self._ahead and self.programs is not None:
            self._ahead.extend(self.programs.epochs(self.cases, order, self.epochs - self._done))
            self._done += len(self._ahead)
        if self._ahead:
            return self._ahead.popleft()
        order.shuffle()
        seen = self._epoch(order)
        self.optimizer.epochs += 1
        self._done += 1
        return seen

    def _epoch(self, order: Order) -> tuple[float, float, float]:
        """One epoch of steps."""
        if self.programs is None:  # programs know their mode; telling every module would take longer than a step
            self.task.model.train()
        total, right, size, penalty, start, n = 0.0, 0, self.task.batch_size, 0.0, 0, len(order)
        while start < n:
            values, hits, penalties = self.steps(order, start)
            count = min(size, n - start)
            for value in values:
                total += value * count
            for value in penalties:
                penalty += value * count
            right, start = right + hits, start + count * len(values)
        return total / n, right / n, penalty / n

    def steps(self, order: Order, start: int) -> tuple[list[float], int, list[float]]:
        """One step, or several on programs; the losses before them, how many cases are right, and the penalties."""
        if self.programs is not None:
            try:
                return self.programs.steps(self.cases, order.places, start)
            except NotCompiledError as error:
                self._refuse(error)
        task, chosen = self.task, order.chosen(start, self.task.batch_size)
        batch = self.cases.some(chosen)
        penalties = [task.penalty(self.weights(), self._drawn)] if task.l2 else []
        if isinstance(self.optimizer, NewtonCG):
            value, hits = task.advance_by_curvature(batch, self.optimizer)
            return [value], hits, penalties
        outputs = [task.model(x) for x in batch.inputs]
        if self._watches and self._found(chosen, outputs, self.optimizer):
            # From the first step on, or training that goes on in a later call of `fit` would begin with other bits.
            return self.steps(order, start)
        loss = task.value_of(outputs, batch.targets)
        hits = task.hits(numbers(outputs), batch.targets)
        task.differentiate(loss, self.optimizer)
        task.advance(self.optimizer)
        return [loss.data], hits, penalties

    def _found(self, chosen: list[int], outputs: list[Any], optimizer: Optimizer) -> bool:
        """Look for a way to train on programs, to be used from now on; whether there is one."""
        (model, lossy), self._watches = self._watches, []
        tried, self._tried = self._tried, []
        place, pure, params = model.changed(), lossy.changed() is None, self.task.model.parameters()
        reason = (
            (place and f"{place} changes when the model is called")
            or (current().anomaly and "detect_anomaly() is to see every operation")
            or (any(type(p.data) is not float for p in params) and "some parameters are no floats")
        )
        try:
            if reason:
                raise NotCompiledError(reason)
            cases, places, seen = zip(*tried)
            data = [Data(c, self.task.right) for c in cases]
            loss, targets = None, self.cases.some(chosen).targets
            if pure and is_plain(targets):
                value = self.task.value_of(outputs, targets)
                self.task.differentiate(value, optimizer)
                loss = value.data
            gradient = [p.grad for p in params]
            trial = Trial(self.task, cases, data, places, seen, chosen, outputs, loss, gradient, bool(self.compiled))
            self.programs = programs.Programs(the_way(trial), trial, optimizer, self.epochs)
        except NotCompiledError as error:
            self._refuse(error)
            for given, at, _ in tried:
                if at != ALL:
                    self.task.measure(given)  # raises before training what would raise after the first epoch
            return False
        self.name = self.programs.name
        return True

    def _refuse(self, error: Exception) -> None:
        """Stay with graphs, or return to them."""
        self.finish()
        self.programs = None
        self.name = f"graphs: {error}"
        if self.compiled:
            msg = f"fit: compiled=True: {error}; compiled=None trains on graphs then"
            raise StructureError(msg) from error

    def measure(self, cases: Cases) -> tuple[float, float]:
        """Mean loss and share of right cases, without learning from them."""
        if self.programs is not None:
            try:
                return self.programs.measure(cases)
            except NotCompiledError as error:
                self._refuse(error)
        return self.task.measure(cases)[:2]

    def weights(self) -> list[Any]:
        """The numbers of all parameters as they are now."""
        return [p.data for p in self.task.model.parameters()] if self.programs is None else self.programs.weights()

    def restore(self, weights: list[Any]) -> None:
        """Go back to what `weights` gave."""
        self.finish()
        self.programs = None
        for p, data in zip(self.task.model.parameters(), weights, strict=True):
            p.data = data

    def finish(self) -> None:
        """Leave model and optimizer as steps on graphs leave them."""
        if self.programs is not None:
            self.programs.finish()
