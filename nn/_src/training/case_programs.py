"""The model as a compiled function of its parameters and of one case, and data as arrays."""

from __future__ import annotations

import math
from contextlib import contextmanager
from copy import copy
from time import perf_counter
from typing import TYPE_CHECKING, Any

import autograd_core as ag
from autograd_core import Value

from ..support.arrays import doubles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Literal

    from autograd_core import CompiledFunction

    from ..data.dataset import Cases
    from ..modules.module import Module
    from .task import Task

    Adds = Literal["mean", "sum"]  # how the loss of a batch combines those of its cases


MOST_BRANCHES = 4  # branches on the numbers of one case: at most 16 traces, as many as a compiled function keeps


class NotCompiledError(Exception):
    """The model cannot be trained on compiled programs; the message says why."""


def is_available() -> bool:
    """Whether functions can be compiled: NumPy and llvmlite are there (the extra `fast`)."""
    try:
        return ag.compile(lambda x: x, 0.0).backend == "llvm"
    except ag.MissingExtraError:
        return False


# --- the model as a function of its parameters --------------------------------------------------


@contextmanager
def standing_in(model: Module, params: Sequence[Value], others: Sequence[Value], *, mode: bool) -> Iterator[None]:
    """A context in which the model uses other Values instead of its parameters; `mode` is True for training mode."""
    by_id = {id(p): q for p, q in zip(params, others, strict=True)}
    modules = [module for _, module in model.named_modules()]
    before, was = [dict(vars(module)) for module in modules], model.training
    model.train(mode=mode)
    try:
        for module in modules:
            vars(module).update({name: _replaced(x, by_id) for name, x in vars(module).items()})
        yield
    finally:
        for module, attributes in zip(modules, before, strict=True):
            vars(module).update(attributes)
        model.train(was)


def _replaced(x: Any, by_id: dict[int, Value]) -> Any:
    """A tree of attributes with Values replaced, in new containers: the model's own lists are not touched."""
    if isinstance(x, Value):
        return by_id.get(id(x), x)
    if isinstance(x, tuple):
        items = [_replaced(y, by_id) for y in x]
        make: Any = getattr(x, "_make", tuple)
        return make(items)
    if isinstance(x, (list, dict)):
        same: Any = copy(x)
        for key, y in x.items() if isinstance(x, dict) else enumerate(x):
            same[key] = _replaced(y, by_id)
        return same
    return x


def flat(prediction: Any) -> list[Any]:
    """The numbers of a prediction."""
    return [y for p in prediction for y in flat(p)] if isinstance(prediction, (list, tuple)) else [prediction]


# --- data as arrays -------------------------------------------------------------------------------


class Data:
    """Cases, with their inputs as an array, and their targets too where they are numbers.

    Attributes:
        inputs: float64, rows first.
        targets: The targets as they were given.
        numbers: The targets as float64; None if they are no numbers, or of several shapes.
        answers: The right answer of each case as an array; None if only a Python function can judge an answer.
        order: All indices of cases, ascending.
    """

    def __init__(self, cases: Cases, right: Any) -> None:
        inputs = doubles(cases.inputs)
        if inputs is None:
            msg = "the inputs are not all plain numbers in rows of one shape"
            raise NotCompiledError(msg)
        self.inputs: Any = inputs
        self.targets: list[Any] = cases.targets
        self.numbers: Any = doubles(cases.targets)
        can_tell = self.numbers is not None and hasattr(right, "_answers")
        self.answers: Any | None = right._answers(self.numbers).reshape(len(inputs), -1) if can_tell else None
        self.order: list[int] = list(range(len(inputs)))

    def targets_at(self, at: Any) -> list[Any]:
        """Some of the targets."""
        return self.targets[at] if isinstance(at, slice) else [self.targets[i] for i in at]


class BatchFunction:
    """A compiled function of parameters and rows: called at first, and bound for each batch size once compiling pays.

    Both give the same bits, so measured time may decide when to switch.

    Args:
        function: A function whose first argument is the parameters; all others are batches of rows.
        has_gradient: Whether to compute the gradient with respect to the parameters.

    Attributes:
        expected: How many more calls are expected.
    """

    def __init__(self, function: CompiledFunction, *, has_gradient: bool = True) -> None:
        self.function: CompiledFunction[Any, Any] = function
        self.has_gradient: bool = has_gradient
        self.expected: int = 0
        self._calls: dict[int, Any] = {}
        self._seconds = math.inf  # the shortest call so far; the first calls prepare things and take longer

    @property
    def pays(self) -> bool:
        """Whether to bind it."""
        from autograd_core._src.compiler.runtime.repeated_calls import pays

        return pays(self.function, self._seconds * self.expected if self.expected else 0.0)

    def __call__(self, *arguments: Any) -> tuple[Any, Any]:
        """Results and the gradient with respect to the parameters; the next call overwrites both."""
        count = len(arguments[1])
        try:
            if count not in self._calls:
                if self.branches or not self.pays:
                    return self._called(*arguments)
                self._calls[count] = self.function.bind(*arguments)
            call = self._calls[count]
            for place, argument in zip(call.inputs, arguments):
                place[...] = argument
            call()
        except Exception as error:
            raise _no(error) from error
        return call.out, call.grads[0] if self.has_gradient else None

    def _called(self, *arguments: Any) -> tuple[Any, Any]:
        import numpy as np

        if not self.has_gradient:
            return self.function(*arguments), None
        began = perf_counter()
        out, (gradient,) = self.function.value_and_grad(*arguments)
        self._seconds = min(self._seconds, perf_counter() - began)
        return out, np.asarray(gradient)

    @property
    def branches(self) -> int:
        """How many branches on numbers the trace took."""
        return len(self.function.program.guards)

    def values(self, *arguments: Any) -> Any:
        """The results alone."""
        try:
            return self.function(*arguments)
        except Exception as error:
            raise _no(error) from error


def _no(error: Exception) -> NotCompiledError:
    """The error for user code that raises when it is traced, and for too many guards."""
    return NotCompiledError(f"tracing raised {type(error).__name__}: {error}")


# --- one case -------------------------------------------------------------------------------------


class Case:
    """The model as a function of its parameters and of one case, in either mode.

    Args:
        task: What is to be learned.
        row: The inputs of one case.
    """

    def __init__(self, task: Task, row: Any) -> None:
        import numpy as np

        self.model: Module = task.model
        self.row: Any = row
        self.params: list[Value] = task.model.parameters()
        self.start: Any = np.array([p.data for p in self.params], float)

    def compiled(
        self, of: Callable[..., Any], *more: Any, mode: bool, reduce: Adds | None = None, gradient: bool = True
    ) -> BatchFunction:
        """`of(prediction, *more)` as a compiled function of (parameters, row, *more)."""

        def run(ps: Sequence[Value], x: Any, *rest: Any) -> Any:
            with standing_in(self.model, self.params, ps, mode=mode):
                return of(self.model(x), *rest)

        run.__name__ = f"training of {type(self.model).__name__}"
        in_axes = (None, 0, *(0 for _ in more))
        try:
            f = ag.compile(run, self.start, self.row, *more, in_axes=in_axes, reduce=reduce, argnums=0)
        except Exception as error:
            raise _no(error) from error
        return BatchFunction(f, has_gradient=gradient)


def predictions(model: Module, rows: Any) -> list[Any] | None:
    """A model's predictions for rows as plain numbers, with the bits of graphs; None if it cannot be compiled.

    Args:
        model: A model in `eval` mode.
        rows: A list or array of at least one row.
    """
    from autograd_core._src.engine.contexts import current

    if current().anomaly or not is_available() or (X := doubles(rows)) is None:
        return None
    params = model.parameters()
    if any(type(p.data) is not float for p in params):
        return None

    def run(ps: Sequence[Value], x: Any) -> Any:
        with standing_in(model, params, ps, mode=False):
            return [model(x)]

    start = [p.data for p in params]
    try:
        f = ag.compile(run, start, X[0].tolist(), in_axes=(None, 0), argnums=0, optimize=False)
        if len(f.program.guards) > MOST_BRANCHES:
            return None
        found = f(start, X)
    except Exception:  # noqa: BLE001  the graphs then raise it with a better message
        return None
    if isinstance(found, list):
        return None
    plain: list[Any] = found[:, 0].tolist()
    return plain
