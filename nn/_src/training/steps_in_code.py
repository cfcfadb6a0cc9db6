"""Many steps of an epoch in one call of machine code: batches gathered, gradients, and the optimizer's update.

`Programs` takes these steps one by one in Python as well, with the same bits: where the program of model and loss
is interpreted as yet, and where a step needs Python, such as for an optimizer of one's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import autograd_core as ag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .case_programs import Data
    from .optimizer import Optimizer
    from .task import Task
    from .ways import CaseByCase

MOST_NUMBERS = 2**18  # numbers recorded in one call; bounds the memory
MOST_WORK = 2**26  # operands of programs in one call, about 20 ms: then Python can react to Ctrl-C


class NeedsPythonError(Exception):
    """The steps cannot be run by machine code alone."""


class TakenSteps(NamedTuple):
    """The results of steps, one row for each.

    Attributes:
        losses: Of each case, shape (steps, cases).
        predictions: One row for each case of all steps; empty where nothing says what is right.
        weights: The parameters before each step, shape (steps, parameters); empty without a penalty.
    """

    losses: Any
    predictions: Any
    weights: Any


class Update:
    """The optimizer's update of all parameters, and the numbers that it keeps.

    Args:
        optimizer: One that works on arrays. What it keeps are this object's arrays from now on.
        factors: That of each parameter in the gradient of the penalty; None without.
        P: The parameters.

    Attributes:
        P: The parameters, changed in place.
        G: Their gradient, without that of the penalty, as the update reads it.
        gradient: The gradient of the last step, with that of the penalty.
        rates: What depends on the number of steps alone.
        results: After a call the parameters' new numbers, and what else has changed, side by side.
        changed: The arrays that these are to be copied to.

    Raises:
        NeedsPythonError: There are too many parameters.
    """

    def __init__(self, optimizer: Optimizer, factors: Any, P: Any) -> None:
        import numpy as np

        from autograd_core._src.compiler.runtime.repeated_calls import is_native

        names, changed, n = optimizer._kept, list[str](), len(P)

        def step(rates: list[Any], p: Any, g: Any, factor: Any, *kept: Any) -> list[Any]:
            lr, *corrections = rates
            one: Any = optimizer._in_code(corrections, ag.sqrt, **dict(zip(names, kept, strict=True)))
            g = g if factors is None else g + factor * p
            new = one.update(0, p, g, lr)
            changed[:] = [name for name, x in zip(names, kept, strict=True) if getattr(one, name)[0] is not x]
            return [new, *(getattr(one, name)[0] for name in changed), *([] if factors is None else [g])]

        rates = [optimizer.lr, *(0.5 for _ in optimizer._corrections())]
        columns = [P, np.zeros(n), np.zeros(n) if factors is None else factors]
        columns += [getattr(optimizer, name) for name in names]
        in_axes = (None, *(0 for _ in columns))
        # Not optimized: then the bits are those of the formula on arrays.
        f = ag.compile(step, rates, *(1.0 for _ in columns), in_axes=in_axes, optimize=False)
        self.bound: Any = f.bind(rates, *columns)
        if not is_native(self.bound):
            raise NeedsPythonError
        self.rates: Any
        self.P: Any
        self.G: Any
        self.rates, self.P, self.G, _, *kept = self.bound.inputs
        for name, array in zip(names, kept, strict=True):
            setattr(optimizer, name, array)
        self.results: Any = self.bound.runner.results  # type: ignore[attr-defined]
        self.changed: list[Any] = [self.P, *(array for name, array in zip(names, kept, strict=True) if name in changed)]
        self.gradient: Any = self.G if factors is None else self.results[:, -1]


class Batches:
    """Steps on batches of one length.

    Args:
        way: Model and loss.
        task: What is to be learned.
        data: What to learn from.
        update: What follows upon each gradient.
        count: How many cases a batch has.
        most: How many steps are taken in one call, at most.

    Raises:
        NeedsPythonError: A program is not machine code alone.
    """

    def __init__(self, way: CaseByCase, task: Task, data: Data, update: Update, count: int, most: int) -> None:
        import numpy as np

        from autograd_core._src.compiler.runtime.repeated_calls import RepeatedCalls, is_native

        self.update: Update = update
        n = len(update.P)
        lossy, model = way.bound(update.P, data, count, with_model=task.right is not None)
        if not (is_native(lossy) and (model is None or is_native(model))):
            raise NeedsPythonError
        self._shape = () if model is None else model.out.shape[2:]
        width = 0 if model is None else model.out.size // count
        numbers = count * (2 + width) + len(update.rates) + (n if task.l2 else 0)
        work = lossy.runner.work + n
        self.most: int = max(min(most, MOST_NUMBERS // numbers, MOST_WORK // work), 1)
        self._places = np.zeros((self.most, count), np.int64)
        self._rates = np.zeros((self.most, len(update.rates)))
        self._losses, self._predictions = np.zeros((self.most, count)), np.zeros((self.most, count, width))
        self._weights = np.zeros((self.most, n if task.l2 else 0))
        self._static = count == len(data.order)
        self._calls = calls = RepeatedCalls()
        if task.l2:
            calls.copy(self._weights[0], update.P, to_step=n)
        for bound in (lossy, *([] if model is None else [model])):
            calls.copy(bound.inputs[0], update.P)
            for table, whole in zip(bound.runner.tables, way.tables(data), strict=False):
                if not self._static:
                    calls.copy(table, whole, index=self._places[0], index_step=count)
            calls.call(bound)
        calls.copy(self._losses[0], lossy.out, to_step=count)
        if model is not None:
            calls.copy(self._predictions[0].reshape(-1), model.out.reshape(-1), to_step=count * width)
        calls.copy(update.G, lossy.grads[0])
        calls.copy(update.rates, self._rates[0], of_step=len(update.rates))
        calls.call(update.bound)
        for k, array in enumerate(update.changed):
            calls.copy(array, update.results[:, k])

    def take(self, places: Any, rates: Sequence[Sequence[float]]) -> TakenSteps:
        """As many steps as there are rates, on the cases at these places; what it returns holds until the next call."""
        k = len(rates)
        if not self._static:
            self._places[:k] = places.reshape(k, -1)
        self._rates[:k] = rates
        self._calls.run(k)
        return TakenSteps(self._losses[:k], self._predictions[:k].reshape(-1, *self._shape), self._weights[:k])


def rates_of(optimizer: Optimizer, count: int) -> tuple[list[list[float]], BaseException | None]:
    """The rates and corrections of the next steps; if a schedule raises, those before it, and its error.

    The optimizer counts these steps as taken.
    """
    rates = []
    same = optimizer.lr if optimizer._has_one_rate() else None
    try:
        for _ in range(count):
            lr = optimizer.lr if same is None else same
            optimizer.steps += 1
            rates.append([lr, *optimizer._corrections()])
    except BaseException as error:  # noqa: BLE001  Ctrl-C, too: it is raised again when the steps before it are taken
        return rates, error
    return rates, None
