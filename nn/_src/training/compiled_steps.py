"""Training on compiled programs: the steps of `fit` without graphs, where model and loss allow it.

`case_programs` compiles the model at one case, as a program that runs over a whole batch; `ways` lead from there to the
gradient of a loss, and `choose_way` finds one that agrees with the graphs. Native code runs many steps in one call
(`steps_in_code`), or this module runs them one by one, with the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .clipping import length_and_factor
from .steps_in_code import Batches, NeedsPythonError, Update, rates_of
from .ways import CaseByCase, penalised, penalties

if TYPE_CHECKING:
    from ..data.dataset import Cases
    from .case_programs import Data
    from .optimizer import Optimizer
    from .order import Order
    from .steps_in_code import TakenSteps
    from .ways import Trial, Way


class Programs:
    """Steps and measurements on arrays instead of graphs; `finish` writes the numbers to the model.

    Args:
        way: The way to the gradient.
        trial: The trial by which it was chosen.
        optimizer: The optimizer, with the parameters that are trained.
        epochs: How many epochs are to come.
    """

    def __init__(self, way: Way, trial: Trial, optimizer: Optimizer, epochs: int) -> None:
        import numpy as np

        self.name: str = way.name
        self._way, self._task, self._optimizer = way, trial.task, optimizer
        self._data = {id(cases): data for cases, data in zip(trial.cases, trial.data, strict=True)}
        self._params = trial.task.model.parameters()
        self._P = np.array([p.data for p in self._params], float)
        self._G = np.array([p.grad for p in self._params], float)
        places = {id(p): i for i, p in enumerate(self._params)}
        mine = [places[id(p)] for p in optimizer.params]
        self._mine: Any = slice(None) if mine == list(range(len(self._params))) else mine
        self._penalties = penalties(trial.task)
        self._drawn = trial.task.penalised()
        self._at_once = optimizer._works_on_arrays()
        if self._at_once:
            optimizer._keep(np.array)
        self._update: Update | None = None
        self._batches: dict[int, Batches] = {}
        in_python = not self._at_once or self._mine != slice(None) or trial.task.max_grad_norm is not None
        self._expected = epochs * -(-len(trial.data[0].order) // trial.task.batch_size)
        way.expect(self._expected)
        self._coded = way if isinstance(way, CaseByCase) and not way.branches and not in_python else None

    def steps(self, cases: Cases, order: Any, start: int) -> tuple[list[float], int, list[float]]:
        """Some steps of an epoch, at least one.

        Args:
            cases: The training cases.
            order: The indices of all cases in the order of this epoch.
            start: The position in that order at which the first step begins.

        Returns:
            The losses of the batches, how many cases were right, and the penalty before each step.

        Raises:
            NotCompiledError: The first batch cannot be run. Nothing has changed then.
        """
        import numpy as np

        data, size, n = self._data[id(cases)], self._task.batch_size, len(order)
        count = min(size, n - start)
        with np.errstate(all="ignore"):  # numbers beyond all floats are shown as what they are
            batches = self._in_code(data, count, self._expected if count == min(size, n) else 1)
            if batches is None or self._coded is None:
                return self._step(data, slice(None) if count == n else order[start : start + count])
            rates, error = rates_of(self._optimizer, min(batches.most, (n - start) // count))
            at = order[start : start + count * len(rates)]
            taken = self._taken(batches, at, rates, error)
            everything = slice(None) if count == n else at
            hits = 0 if self._task.right is None else self._right(taken.predictions, data, everything)
            penalties = [self._penalty(P) for P in taken.weights.tolist()] if self._task.l2 else []
            return self._coded.added(taken.losses), hits, penalties

    def epochs(self, cases: Cases, order: Order, left: int) -> list[tuple[float, float, float]]:
        """Some of the remaining epochs, shuffled and run in one native call; none if that is not possible.

        Args:
            cases: The training cases.
            order: Their order in the epoch before.
            left: How many epochs at most.

        Returns:
            For each epoch the mean loss, the share of right cases, and the mean penalty.
        """
        import numpy as np

        data, n = self._data[id(cases)], len(order)
        size = min(self._task.batch_size, n)
        batches, each = self._batches.get(size), n // size
        count = 0 if batches is None or n % size else min(left, batches.most // each)
        if batches is None or self._coded is None or count < 2:
            return []
        places = np.empty((count, n), np.int64)
        for row in places:
            order.shuffle()
            row[:] = order.places
        rates, error = rates_of(self._optimizer, count * each)
        at = places.ravel()[: len(rates) * size]
        self._optimizer.epochs += len(rates) // each
        with np.errstate(all="ignore"):
            taken = self._taken(batches, at, rates, error)
            hits = np.zeros(count)
            if self._task.right is not None:
                hits = self._which_are_right(taken.predictions, data, at).reshape(count, n).sum(axis=1)
            penalties = np.zeros(count * each)
            if self._task.l2:
                penalties[:] = [self._penalty(P) for P in taken.weights.tolist()]
            steps = [np.array(self._coded.added(taken.losses)), penalties]
            loss, penalty = ((x * size).reshape(count, -1).cumsum(axis=1)[:, -1] / n for x in steps)
        return list(zip(loss.tolist(), (hits / n).tolist(), penalty.tolist(), strict=True))

    def _taken(self, batches: Batches, at: Any, rates: list[list[float]], error: BaseException | None) -> TakenSteps:
        """Steps on the cases with these indices; `error`, if any, is raised once they are done."""
        if error is not None and not rates:
            raise error
        taken = batches.take(at, rates)
        self._G = batches.update.gradient
        if error is not None:
            raise error
        return taken

    def _in_code(self, data: Data, count: int, most: int) -> Batches | None:
        """Native code for steps on batches of that size; None if there is none."""
        if count in self._batches:
            return self._batches[count]
        if self._coded is None or not self._coded.pays:
            return None
        try:
            if self._update is None:
                self._update = Update(self._optimizer, self._penalties, self._P)
                self._P = self._update.P
            self._batches[count] = Batches(self._coded, self._task, data, self._update, count, most)
        except NeedsPythonError:
            self._coded = None
            return None
        return self._batches[count]

    def _step(self, data: Data, at: Any) -> tuple[list[float], int, list[float]]:
        """One step."""
        penalties = [self._penalty(self._P.tolist())] if self._task.l2 else []
        value, G = self._way.gradient(self._P, data, at)
        hits = 0
        if self._task.right is not None:
            hits = self._right(self._way.predictions(self._P, data, at, mode=True), data, at)
        self._G = penalised(self._penalties, self._P, G)
        self._clip()
        self._advance()
        return [value], hits, penalties

    def _penalty(self, weights: list[float]) -> float:
        return self._task.penalty(weights, self._drawn)

    def _clip(self) -> None:
        if self._task.max_grad_norm is not None:
            _, factor = length_and_factor(self._G[self._mine].tolist(), self._task.max_grad_norm)
            if factor is not None:
                self._G[self._mine] *= factor

    def _advance(self) -> None:
        """One step of the optimizer, on arrays, or on the parameters if it works on those only."""
        optimizer: Any = self._optimizer
        if self._at_once:
            everything: Any = slice(None)
            lr, was, old = optimizer.lr, optimizer._state(), self._P.copy()
            try:
                optimizer.steps += 1
                self._P[self._mine] = optimizer.update(everything, self._P[self._mine], self._G[self._mine], lr)
            except BaseException:  # after Ctrl-C the step is either done or not begun
                vars(optimizer).update(was)
                self._P[:] = old
                raise
        else:
            self._write()
            optimizer.step()
            self._P[:] = [p.data for p in self._params]

    def measure(self, cases: Cases) -> tuple[float, float]:
        """Mean loss and share of right cases, in `eval` mode.

        Raises:
            NotCompiledError: They cannot be run.
        """
        data, hits, everything = self._data[id(cases)], 0, slice(None)
        loss = self._way.mean_loss(self._P, data, self._task.batch_size)
        if self._task.right is not None:
            hits = self._right(self._way.predictions(self._P, data, everything, mode=False), data, everything)
        return loss, hits / len(data.targets)

    def _right(self, predictions: Any, data: Data, at: Any) -> int:
        """How many predictions for these cases, one row for each, are right."""
        import numpy as np

        return int(np.count_nonzero(self._which_are_right(predictions, data, at)))

    def _which_are_right(self, predictions: Any, data: Data, at: Any) -> Any:
        """Whether each of these predictions is right, as an array."""
        import numpy as np

        right: Any = self._task.right
        # `max` in Python treats NaN differently from `argmax`. A NaN among predictions makes their sum NaN.
        if data.answers is None or np.isnan(predictions.sum()):
            return np.array(self._task.are_right(predictions.tolist(), data.targets_at(at)))
        same = right._sides(predictions).reshape(len(predictions), -1) == data.answers[at]
        return same if same.shape[1] == 1 else same.all(axis=1)

    def _write(self) -> None:
        for p, data, grad in zip(self._params, self._P.tolist(), self._G.tolist(), strict=True):
            p.data, p.grad = data, grad

    def weights(self) -> list[float]:
        """The numbers of all parameters as they are now."""
        weights: list[float] = self._P.tolist()
        return weights

    def finish(self) -> None:
        """Write numbers and gradients to the model's parameters, and turn the optimizer's arrays into lists again."""
        self._write()
        if self._at_once:
            self._optimizer._keep(lambda array: array.tolist())
