"""Two ways to compute loss and gradient by programs, and how they are compared with graphs.

If the loss of a batch is the mean or the sum of its cases' losses, the loss is part of the model's program;
otherwise it is computed on graphs from the predictions, and its gradient is propagated back through the
model's program.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

import autograd_core as ag
from autograd_core import Value

from .case_programs import NotCompiledError, flat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..data.dataset import Cases
    from .case_programs import Adds, BatchFunction, Case, Data
    from .task import Measured, Task

CLOSE = 1e-9  # how far programs and graphs may differ, relative to the largest number
NOISE = 1e-12  # gradients below this are rounding errors
ALL = slice(None)


class Trial(NamedTuple):
    """Loss and gradient computed on graphs before the first step, with which programs are compared."""

    task: Task
    cases: Sequence[Cases]  # to learn from, and unseen
    data: list[Data]  # the same as arrays
    places: Sequence[slice]  # of those that the graphs were tried on
    measured: Sequence[Measured]  # what these gave in `eval` mode
    chosen: list[int]  # the first batch
    outputs: list[Any]  # the model's for that batch
    loss: float | None  # of that batch; None where calling the loss once more could be seen
    gradient: list[float]
    follows: bool  # every branch, however many there are; or an error says that they are too many


class Way(ABC):
    """A way from parameters and cases to loss and gradient; subclasses implement it.

    Args:
        case: The model.
    """

    name: str  # in `History.ran`

    def __init__(self, case: Case) -> None:
        self._case = case
        self._models: dict[bool, BatchFunction] = {}

    def model(self, *, mode: bool) -> BatchFunction:
        """The model's program, in `train` mode or not; made at first use."""
        if mode not in self._models:
            self._models[mode] = self._case.compiled(lambda p: [p], mode=mode, gradient=False)
        return self._models[mode]

    def predictions(self, P: Any, data: Data, at: Any, *, mode: bool) -> Any:
        """Predictions for some cases, as an array with one row per case."""
        predictions, _ = self.model(mode=mode)(P, data.inputs[at])
        if isinstance(predictions, list):
            msg = "the model's predictions are neither numbers nor lists of one shape"
            raise NotCompiledError(msg)
        return predictions[:, 0]

    @property
    def branches(self) -> int:
        """The number of branches on the data of a case; with any, cases may need several programs."""
        return max(self.model(mode=mode).branches for mode in (True, False))

    @abstractmethod
    def gradient(self, P: Any, data: Data, at: Any) -> tuple[float, Any]:
        """The loss of the cases there, and its gradient."""

    @abstractmethod
    def mean_loss(self, P: Any, data: Data, size: int) -> float:
        """The loss of all cases in `eval` mode, in batches of that size."""

    def expect(self, steps: int) -> None:
        """Announce that so many more steps will follow."""
        self.model(mode=True).expected = steps


class CaseByCase(Way):
    """Model and loss in one program, if the loss of a batch is the mean or the sum over its cases.

    Args:
        case: The model.
        adds: "mean" or "sum".
        of: The loss of one case, from its prediction and its target's code.
        codes: For all data the targets as numbers that a program takes.
    """

    name = "compiled"

    def __init__(self, case: Case, adds: Adds, of: Callable[..., Any], codes: dict[Data, Any]) -> None:
        super().__init__(case)
        self._adds, self._codes = adds, codes
        example = next(iter(codes.values()))[0].tolist()
        self._losses = {mode: case.compiled(of, example, mode=mode, reduce=adds) for mode in (True, False)}

    @property
    def branches(self) -> int:
        """The number of branches on the data of a case; with any, rows may need several programs."""
        return max(rows.branches for rows in self._losses.values())

    def added(self, losses: Any) -> list[float]:
        """The losses of batches, from those of their cases, one row for each batch."""
        totals = losses.cumsum(axis=1)[:, -1]  # from left to right, as graphs add
        found: list[float] = (totals / losses.shape[1] if self._adds == "mean" else totals).tolist()
        return found

    def gradient(self, P: Any, data: Data, at: Any) -> tuple[float, Any]:
        """Loss and gradient of the cases there, in one call."""
        losses, gradient = self._losses[True](P, data.inputs[at], self._codes[data][at])
        return self.added(losses[None, :])[0], gradient

    def mean_loss(self, P: Any, data: Data, size: int, at: slice = ALL) -> float:
        """The loss of the cases in `eval` mode; they are run all at once, and added up batch by batch."""
        losses = self._losses[False].values(P, data.inputs[at], self._codes[data][at])
        n, total = len(losses), 0.0
        whole = n - n % size
        for batches in (losses[:whole].reshape(-1, size), losses[None, whole:]):
            for loss in self.added(batches) if batches.size else ():
                total += loss * batches.shape[1]
        return total / n

    @property
    def pays(self) -> bool:
        """Whether steps are to be bound now."""
        return self._losses[True].pays

    def expect(self, steps: int) -> None:
        """Announce that so many more steps will follow."""
        self._losses[True].expected = steps

    def bound(self, P: Any, data: Data, count: int, *, with_model: bool) -> tuple[Any, Any]:
        """The gradient bound to so many cases, and the model where it is wanted."""
        tables = [table[:count] for table in (data.inputs, self._codes[data])]
        lossy = self._losses[True].function.bind(P, *tables)
        model = self.model(mode=True).function.bind(P, tables[0]) if with_model else None
        return lossy, model

    def tables(self, data: Data) -> list[Any]:
        """Inputs and codes of all cases, one row for each."""
        return [table.reshape(len(table), -1) for table in (data.inputs, self._codes[data])]

    def check(self, P: Any, trial: Trial) -> None:
        """Compare with the results of graphs.

        Raises:
            NotCompiledError: They gave something else.
        """
        near = _nudged(P)
        for data, at, seen in zip(trial.data, trial.places, trial.measured, strict=True):
            size = trial.task.batch_size
            loss = self.mean_loss(P, data, size, at)
            _same(loss, seen.loss, "losses", self.mean_loss(near, data, size, at))
            if at != ALL:
                self.mean_loss(P, data, size)  # raises if any other case cannot be run
        loss, gradient = self.gradient(P, trial.data[0], trial.chosen)
        factors = penalties(trial.task)
        ours = penalised(factors, P, gradient)
        other, gradient = self.gradient(near, trial.data[0], trial.chosen)
        _same(loss, trial.loss, "losses", other)
        _same(ours, trial.gradient, "gradients", penalised(factors, near, gradient))


class LossOnGraphs(Way):
    """The model as a program, and the loss on a graph, for losses of any kind.

    Args:
        case: The model.
        value_of: The loss of predictions and targets, as a Value.
    """

    name = "compiled model, loss on graphs"

    def __init__(self, case: Case, value_of: Callable[[Any, Any], Value]) -> None:
        super().__init__(case)
        self._value_of = value_of
        self._back: BatchFunction | None = None

    def _value(self, predictions: Any, targets: list[Any]) -> tuple[Value, list[Value]]:
        """The loss on a graph over leaves."""
        import numpy as np

        leaves = np.empty(predictions.size, object)
        leaves[:] = [Value(x) for x in predictions.ravel().tolist()]
        return self._value_of(leaves.reshape(predictions.shape).tolist(), targets), leaves.tolist()

    def _taken_back(self, P: Any, X: Any, adjoints: Any) -> Any:
        """The gradient with respect to the parameters, from that with respect to the predictions."""
        if self._back is None:
            ones = adjoints[0].tolist()
            self._back = self._case.compiled(lambda p, a: ag.dot(flat(p), a), ones, mode=True, reduce="sum")
        return self._back(P, X, adjoints)[1]

    def gradient(self, P: Any, data: Data, at: Any) -> tuple[float, Any]:
        """Loss and gradient of the cases there: forward, the loss, and back."""
        import numpy as np

        value, leaves = self._value(self.predictions(P, data, at, mode=True), data.targets_at(at))
        value.backward()
        X = data.inputs[at]
        return value.data, self._taken_back(P, X, np.array([p.grad for p in leaves], float).reshape(len(X), -1))

    def mean_loss(self, P: Any, data: Data, size: int) -> float:
        """The loss of all cases in `eval` mode, in batches of that size."""
        total, n = 0.0, len(data.targets)
        for start in range(0, n, size):
            at = slice(start, start + size)
            value, _ = self._value(self.predictions(P, data, at, mode=False), data.targets_at(at))
            total += float(value.data) * min(size, n - start)
        return total / n

    def check(self, P: Any, trial: Trial) -> None:
        """Compare the model with the results of graphs; the loss is not called, as it may keep state.

        Raises:
            NotCompiledError: They gave something else.
        """
        import numpy as np

        near, batch = _nudged(P), trial.data[0]
        for data, at, seen in zip(trial.data, trial.places, trial.measured, strict=True):
            ours = self.predictions(P, data, at, mode=False).flatten()
            _same(ours, flat(seen.predictions), "predictions", self.predictions(near, data, at, mode=False))
            if at != ALL:
                self.predictions(P, data, ALL, mode=False)  # raises if any other case cannot be run
        nodes = flat([trial.outputs])
        outputs = [float(getattr(y, "data", y)) for y in nodes]
        ours = self.predictions(P, batch, trial.chosen, mode=True).flatten()
        _same(ours, outputs, "predictions", self.predictions(near, batch, trial.chosen, mode=True))
        adjoints = [1.0 + 0.618 * i % 1.0 for i in range(len(nodes))]  # arbitrary, but without cancellation
        trial.task.model.zero_grad()
        ag.dot(nodes, adjoints).backward()
        theirs = [p.grad for p in trial.task.model.parameters()]
        rows = np.array(adjoints).reshape(len(trial.chosen), -1)
        X = batch.inputs[trial.chosen]
        ours = self._taken_back(P, X, rows).copy()
        _same(ours, theirs, "gradients", self._taken_back(near, X, rows))


def penalties(task: Task) -> Any:
    """The factor of each parameter in the gradient of `l2` times the sum of squares; None without a penalty."""
    import numpy as np

    return 2.0 * task.l2 * np.array(task.penalised(), float) if task.l2 else None


def penalised(factors: Any, P: Any, gradient: Any) -> Any:
    """The gradient with that of the penalty."""
    return gradient.copy() if factors is None else gradient + factors * P


def _nudged(P: Any) -> Any:
    """The parameters perturbed by as much as the results of programs and graphs may differ."""
    import numpy as np

    return P * (1.0 + CLOSE * np.where(np.arange(len(P)) % 2, -1.0, 1.0))


def _same(ours: Any, theirs: Any, what: str, near: Any) -> None:
    """Raise unless numbers agree, up to rounding.

    They may be as far apart as they are from those at parameters nearby: where a fit is as good as it
    can be, losses and gradients are what is left when larger numbers cancel.
    """
    import numpy as np

    ours, theirs = np.ravel(ours), np.ravel(np.asarray(theirs, float))
    size = np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)
    with np.errstate(all="ignore"):
        moved = np.abs(np.ravel(near) - ours)
    slack = CLOSE * size + NOISE + moved[np.isfinite(moved)].max(initial=0.0)
    if ours.shape != theirs.shape or not np.allclose(ours, theirs, CLOSE, slack, equal_nan=True):
        msg = f"a program gave other {what} than the graphs"
        raise NotCompiledError(msg)
