"""Training on compiled programs: the steps of `fit` without graphs, where model and loss allow it.

The model is traced at one case, and its program runs over all cases of a batch at once. If the loss of a batch
is the mean or the sum of its cases' losses, the loss is part of that program; otherwise it is computed on
graphs from the predictions, and its gradient is propagated back through the model's program. This is not
inferred from names but tried out: a program is used only if it gives, on all the data and on the first batch,
what the graphs gave. The choice depends on model, loss and data, and not on the number of epochs, so training
may be split into calls of `fit` anywhere (docs/adr/0015).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from copy import copy
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import autograd_core as ag
from autograd_core import Value

from .clipping import length_and_factor
from .side_effects import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autograd_core import CompiledFunction

    from ..data.dataset import Cases
    from ..modules.module import Module
    from .optimizers import Optimizer
    from .task import Measured, Task

CLOSE = 1e-9  # how far programs and graphs may differ, relative to the largest number
NOISE = 1e-12  # gradients below this are rounding errors
MOST_BRANCHES = 4  # of one case: 16 ways at most, as many as a compiled function follows
MOST_CLASSES = 32  # different targets that one program can choose from
BINDING = 1e-3  # seconds of calls for each operand, after which machine code is made
PROBED = 64  # cases on which is tried how a loss adds up


class NotCompiledError(Exception):
    """Why a model cannot be trained on programs."""


def is_available() -> bool:
    """Whether functions can be compiled: NumPy and llvmlite are there (the extra `fast`)."""
    try:
        return ag.compile(lambda x: x, 0.0).backend == "llvm"
    except ag.MissingExtraError:
        return False


# --- the model as a function of its parameters --------------------------------------------------


@contextmanager
def standing_in(model: Module, params: Sequence[Value], others: Sequence[Value], *, mode: bool) -> Iterator[None]:
    """A context in which the model uses other Values in place of its parameters, in `train` mode or not."""
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
    """A tree of attributes with other Values in it, as new containers."""
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


def _flat(prediction: Any) -> list[Any]:
    return [y for p in prediction for y in _flat(p)] if isinstance(prediction, (list, tuple)) else [prediction]


def _mapped(f: Callable[[Any], Any], prediction: Any) -> Any:
    return [_mapped(f, p) for p in prediction] if isinstance(prediction, list) else f(prediction)


# --- data as arrays -------------------------------------------------------------------------------


class Data:
    """Cases, with their inputs as an array, and their targets too where they are numbers.

    Attributes:
        inputs: float64, rows first.
        targets: The targets as they are.
        numbers: Likewise as float64; None where they are no numbers, or of several shapes.
        answers: What is right for each case, in an array; None where only Python can tell.
        order: All places, one after the other.
    """

    def __init__(self, cases: Cases, right: Any) -> None:
        inputs = _array(cases.inputs)
        if inputs is None:
            msg = "the inputs are not all plain numbers in rows of one shape"
            raise NotCompiledError(msg)
        self.inputs, self.targets, self.numbers = inputs, cases.targets, _array(cases.targets)
        can_tell = self.numbers is not None and hasattr(right, "_answers")
        self.answers = right._answers(self.numbers).reshape(len(inputs), -1) if can_tell else None
        self.order = list(range(len(inputs)))

    def targets_at(self, at: Any) -> list[Any]:
        """Some of the targets."""
        return self.targets[at] if isinstance(at, slice) else [self.targets[i] for i in at]


def _array(items: list[Any]) -> Any:
    """Nested lists of numbers as an array; None where they are none."""
    import numpy as np

    try:
        array = np.array(items, object)
        kinds = {type(x) for x in array.ravel().tolist()}
        return array.astype(float) if kinds <= {int, float, bool} else None
    except (ValueError, OverflowError):  # lists of several lengths, in part; an int beyond all floats
        return None


class BatchFunction:
    """A compiled function of parameters and rows: called until machine code pays, then bound for each length of batch.

    The bits are the same either way, so that a clock may decide.

    Args:
        function: It, with parameters as its first argument, and rows in all others.
        has_gradient: Whether the gradient to the parameters is wanted.
    """

    def __init__(self, function: CompiledFunction, *, has_gradient: bool = True) -> None:
        self.function, self.has_gradient = function, has_gradient
        self._calls: dict[int, Any] = {}
        self._seconds = 0.0
        self._enough = BINDING * len(function.program.operands)

    def __call__(self, *arguments: Any) -> tuple[Any, Any]:
        """Results and the gradient to the parameters; they hold until the next call."""
        count = len(arguments[1])
        try:
            if count not in self._calls and self._seconds < self._enough:
                return self._called(*arguments)
            if count not in self._calls:
                self._calls[count] = self.function.bind(*arguments)
            call = self._calls[count]
            for place, argument in zip(call.inputs, arguments):
                place[...] = argument
            call()
        except Exception as error:
            raise _no(error) from error
        return call.out, call.grads[0] if call.grads else None

    def _called(self, *arguments: Any) -> tuple[Any, Any]:
        import numpy as np

        began = perf_counter()
        if self.has_gradient:
            out, (gradient,) = self.function.value_and_grad(*arguments)
            gradient = np.asarray(gradient)
        else:
            out, gradient = self.function(*arguments), None
        self._seconds += perf_counter() - began
        return out, gradient

    @property
    def branches(self) -> int:
        """How many the trace took on numbers."""
        return len(self.function.program.guards)

    def values(self, *arguments: Any) -> Any:
        """The results alone."""
        try:
            return self.function(*arguments)
        except Exception as error:
            raise _no(error) from error


def _no(error: Exception) -> NotCompiledError:
    """The error for a user's code that raises when given Values, and for endless guards."""
    return NotCompiledError(f"tracing raised {type(error).__name__}: {error}")


# --- two ways to the gradient ---------------------------------------------------------------------


class Case:
    """The model as a function of its parameters and of one case, in either mode.

    Args:
        task: What is to be learned.
        row: The inputs of one case.
    """

    def __init__(self, task: Task, row: Any) -> None:
        self.model, self.row = task.model, row
        self.params = task.model.parameters()
        self.start = [p.data for p in self.params]

    def compiled(
        self, of: Callable[..., Any], *more: Any, mode: bool, reduce: str | None = None, gradient: bool = True
    ) -> BatchFunction:
        """`of(prediction, *more)` as a compiled function of (parameters, row, *more)."""

        def run(ps: list[Value], x: Any, *rest: Any) -> Any:
            with standing_in(self.model, self.params, ps, mode=mode):
                return of(self.model(x), *rest)

        run.__name__ = f"training of {type(self.model).__name__}"
        in_axes = (None, 0, *(0 for _ in more))
        try:
            f = ag.compile(run, self.start, self.row, *more, in_axes=in_axes, reduce=reduce, argnums=0)
        except Exception as error:
            raise _no(error) from error
        return BatchFunction(f, has_gradient=gradient)


class Way(ABC):
    """A way from parameters and cases to loss and gradient; subclasses implement it.

    Args:
        case: The model.
    """

    name: str  # in `History.ran`

    def __init__(self, case: Case) -> None:
        self._case = case
        self._models: dict[bool, BatchFunction] = {}

    def model(self, mode: bool) -> BatchFunction:  # noqa: FBT001
        """The model's program, in `train` mode or not; made at first use."""
        if mode not in self._models:
            self._models[mode] = self._case.compiled(lambda p: [p], mode=mode, gradient=False)
        return self._models[mode]

    def predictions(self, P: Any, data: Data, at: Any, *, mode: bool) -> Any:
        """Predictions for some cases, as an array with one row per case."""
        predictions, _ = self.model(mode)(P, data.inputs[at])
        if isinstance(predictions, list):
            msg = "the model's predictions are neither numbers nor lists of one shape"
            raise NotCompiledError(msg)
        return predictions[:, 0]

    @property
    def branches(self) -> int:
        """How many branches a case takes on its numbers, so that cases may need several programs."""
        return max(self.model(mode).branches for mode in (True, False))

    @abstractmethod
    def gradient(self, P: Any, data: Data, at: Any) -> tuple[float, Any]:
        """The loss of the cases there, and its gradient."""

    @abstractmethod
    def loss(self, P: Any, data: Data, at: Any) -> float:
        """The loss in `eval` mode."""


class CaseByCase(Way):
    """Model and loss in one program, if the loss of a batch is the mean or the sum over its cases.

    Args:
        case: The model.
        adds: "mean" or "sum".
        of: The loss of one case, from its prediction and its target's code.
        codes: For all data the targets as numbers that a program takes.
    """

    name = "compiled"

    def __init__(self, case: Case, adds: str, of: Callable[..., Any], codes: dict[Data, Any]) -> None:
        super().__init__(case)
        self._adds, self._codes = adds, codes
        example = next(iter(codes.values()))[0].tolist()
        self._losses = {mode: case.compiled(of, example, mode=mode, reduce=adds) for mode in (True, False)}

    @property
    def branches(self) -> int:
        """How many are taken on the numbers of a case, so that rows may need several programs."""
        return max(rows.branches for rows in self._losses.values())

    def _added(self, losses: Any) -> float:
        total = float(losses.cumsum()[-1])  # from left to right, as graphs add
        return total / len(losses) if self._adds == "mean" else total

    def gradient(self, P: Any, data: Data, at: Any) -> tuple[float, Any]:
        """Loss and gradient of the cases there, in one call."""
        losses, gradient = self._losses[True](P, data.inputs[at], self._codes[data][at])
        return self._added(losses), gradient

    def loss(self, P: Any, data: Data, at: Any) -> float:
        """The loss in `eval` mode."""
        return self._added(self._losses[False].values(P, data.inputs[at], self._codes[data][at]))

    def check(self, P: Any, trial: Trial) -> None:
        """Compare with what graphs gave.

        Raises:
            NotCompiledError: They gave something else.
        """
        near = _nudged(P)
        for data, seen in zip(trial.data, trial.measured, strict=True):
            loss = mean_loss(self, trial.task, P, data)
            _same(loss, seen.loss, "losses", mean_loss(self, trial.task, near, data))
        loss, gradient = self.gradient(P, trial.data[0], trial.chosen)
        factors = penalties(trial.task)
        ours = _penalised(factors, P, gradient)
        other, gradient = self.gradient(near, trial.data[0], trial.chosen)
        _same(loss, trial.loss, "losses", other)
        _same(ours, trial.gradient, "gradients", _penalised(factors, near, gradient))


class LossOnGraphs(Way):
    """The model as a program, and the loss on graphs, whatever it does.

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
            self._back = self._case.compiled(lambda p, a: ag.dot(_flat(p), a), ones, mode=True, reduce="sum")
        return self._back(P, X, adjoints)[1]

    def gradient(self, P: Any, data: Data, at: Any) -> tuple[float, Any]:
        """Loss and gradient of the cases there: forward, the loss, and back."""
        import numpy as np

        value, leaves = self._value(self.predictions(P, data, at, mode=True), data.targets_at(at))
        value.backward()
        X = data.inputs[at]
        return value.data, self._taken_back(P, X, np.array([p.grad for p in leaves], float).reshape(len(X), -1))

    def loss(self, P: Any, data: Data, at: Any) -> float:
        """The loss in `eval` mode."""
        value, _ = self._value(self.predictions(P, data, at, mode=False), data.targets_at(at))
        return float(value.data)

    def check(self, P: Any, trial: Trial) -> None:
        """Compare the model with what graphs gave; the loss is not called, as it may keep state.

        Raises:
            NotCompiledError: They gave something else.
        """
        import numpy as np

        near, batch = _nudged(P), trial.data[0]
        for data, seen in zip(trial.data, trial.measured, strict=True):
            ours = self.predictions(P, data, slice(None), mode=False).flatten()
            _same(ours, _flat(seen.predictions), "predictions", self.predictions(near, data, slice(None), mode=False))
        nodes = _flat([trial.outputs])
        outputs = [float(getattr(y, "data", y)) for y in nodes]
        ours = self.predictions(P, batch, trial.chosen, mode=True).flatten()
        _same(ours, outputs, "predictions", self.predictions(near, batch, trial.chosen, mode=True))
        adjoints = [1.0 + 0.618 * i % 1.0 for i in range(len(nodes))]  # any will do that do not cancel
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


def _penalised(factors: Any, P: Any, gradient: Any) -> Any:
    """The gradient with that of the penalty."""
    return gradient.copy() if factors is None else gradient + factors * P


def _nudged(P: Any) -> Any:
    """Parameters that differ from these as much as programs and graphs may."""
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


# --- which way ------------------------------------------------------------------------------------


class Trial(NamedTuple):
    """The results of the graphs, before the first step."""

    task: Task
    cases: Sequence[Cases]  # to learn from, and unseen
    data: list[Data]  # the same as arrays
    measured: Sequence[Measured]  # and what they gave in `eval` mode
    chosen: list[int]  # the first batch
    outputs: list[Any]  # the model's for that batch
    loss: float | None  # of that batch; None where calling the loss once more could be seen
    gradient: list[float]
    follows: bool  # every branch, however many there are; or an error says that they are too many


def is_plain(targets: list[Any]) -> bool:
    """Whether computing a loss from these leaves no trace: on Values it could leave gradients."""
    return all(isinstance(y, PLAIN) for t in targets for y in _flat(t))


def the_way(trial: Trial) -> Way:
    """The fastest way that reproduces the graphs' results.

    Raises:
        NotCompiledError: There is none.
    """
    import numpy as np

    case = Case(trial.task, trial.data[0].inputs[0].tolist())
    P = np.array(case.start, float)
    later: list[CaseByCase] = []
    adds = None if trial.loss is None else how_it_adds(trial)
    for of, codes in codings(trial) if adds else ():
        with suppress(NotCompiledError):
            way = CaseByCase(case, str(adds), of, codes)
            if not way.branches:
                way.check(P, trial)
                return way
            later.append(way)
    for way in later:
        if trial.follows or way.branches <= MOST_BRANCHES:
            with suppress(NotCompiledError):
                way.check(P, trial)
                return way
    slower = LossOnGraphs(case, trial.task.value_of)
    if not trial.follows and slower.branches > MOST_BRANCHES:
        msg = f"a case takes {slower.branches} branches on numbers, and programs follow {MOST_BRANCHES}"
        raise NotCompiledError(msg)
    slower.check(P, trial)
    return slower


def codings(trial: Trial) -> Iterator[tuple[Callable[..., Any], dict[Data, Any]]]:
    """The ways to pass targets to a program: the loss of one case, and the targets as numbers."""
    import numpy as np

    loss = trial.task.loss
    shapes = {None if data.numbers is None else data.numbers.shape[1:] for data in trial.data}
    if len(shapes) == 1 and None not in shapes:
        yield lambda p, t: loss([p], [t]), {data: data.numbers for data in trial.data}
    names = [[repr(t) for t in data.targets] for data in trial.data]
    kinds = {name: t for data, ns in zip(trial.data, names, strict=True) for name, t in zip(ns, data.targets)}
    if len(kinds) > MOST_CLASSES or not all(isinstance(y, PLAIN) for t in kinds.values() for y in _flat(t)):
        return  # of other things two may look alike and differ
    places = {name: float(k) for k, name in enumerate(kinds)}

    def chosen(p: Any, code: Any) -> Any:
        """The loss with each kind of target, and of these the one that is meant."""
        *others, result = (loss([p], [t]) for t in kinds.values())
        for k, other in enumerate(others):
            result = ag.where(code == k, other, result)
        return result

    yield chosen, {data: np.array([places[n] for n in ns]) for data, ns in zip(trial.data, names, strict=True)}


def how_it_adds(trial: Trial) -> str | None:
    """Whether the loss of a batch is the "mean" or the "sum" of its cases' losses; found by trying."""
    predictions, targets = trial.measured[0].predictions[:PROBED], trial.data[0].targets[:PROBED]
    n = len(targets)
    if min(n, trial.task.batch_size) == 1:
        return "mean"  # of one

    def loss_of(ps: list[Any], ts: list[Any]) -> float:
        return float(trial.task.value_of(_mapped(Value, ps), ts).data)

    def moved(p: Any, i: int, scale: float, offset: float) -> Any:
        apart = 0.1 * (0.618 * (i + 1) % 1.0)  # different for every case
        return _mapped(lambda x: (scale * x if math.isfinite(x) else 0.5) * (1.0 - apart) + offset * apart, p)

    answers = {"sum", "mean"}
    for scale, offset in ((1.0, 0.0), (0.5, 0.0), (1.0, 1.0), (-1.0, -1.0)):  # twice among probabilities
        try:
            ps = [moved(p, i, scale, offset) for i, p in enumerate(predictions)]
            whole, parts = loss_of(ps, targets), [loss_of([p], [t]) for p, t in zip(ps, targets)]
        except Exception:  # noqa: BLE001, S112  outside of the loss's domain, or not made for one case
            continue
        total, size = math.fsum(parts), max(abs(whole), math.fsum(map(abs, parts)) / n)
        if math.isfinite(total) and math.isfinite(whole):
            sums = {"sum": total, "mean": total / n}
            answers = {name for name in answers if abs(sums[name] - whole) <= CLOSE * size}
    return answers.pop() if len(answers) == 1 else None


# --- the steps ------------------------------------------------------------------------------------


class Programs:
    """Steps and measurements on arrays, in place of graphs; `finish` puts the numbers into the model.

    Args:
        way: How to come to a gradient.
        trial: What the way was found by.
        optimizer: It has the parameters that are to change.
    """

    def __init__(self, way: Way, trial: Trial, optimizer: Optimizer) -> None:
        import numpy as np

        self.name = way.name
        self._way, self._task, self._optimizer = way, trial.task, optimizer
        self._data = {id(cases): data for cases, data in zip(trial.cases, trial.data, strict=True)}
        self._params = trial.task.model.parameters()
        self._P = np.array([p.data for p in self._params], float)
        self._G = np.array([p.grad for p in self._params], float)
        places = {id(p): i for i, p in enumerate(self._params)}
        mine = [places[id(p)] for p in optimizer.params]
        self._mine: Any = slice(None) if mine == list(range(len(self._params))) else mine
        self._penalties = penalties(trial.task)
        self._at_once = optimizer._works_on_arrays()
        if self._at_once:
            optimizer._keep(np.array)

    def step(self, cases: Cases, chosen: list[int]) -> tuple[float, int]:
        """One step of the optimizer; the loss of the batch, and how many of its cases are right.

        Raises:
            NotCompiledError: The batch cannot be run. Nothing has changed then.
        """
        import numpy as np

        data = self._data[id(cases)]
        at = slice(None) if chosen == data.order else chosen
        with np.errstate(all="ignore"):  # numbers beyond all floats are shown as what they are
            value, G = self._way.gradient(self._P, data, at)
            hits = self._hits(data, at, mode=True)
            self._G = _penalised(self._penalties, self._P, G)
            self._clip()
            self._advance()
        return value, hits

    def _clip(self) -> None:
        if self._task.max_grad_norm is not None:
            _, factor = length_and_factor(self._G[self._mine].tolist(), self._task.max_grad_norm)
            if factor is not None:
                self._G[self._mine] *= factor

    def _advance(self) -> None:
        """One step of the optimizer, on arrays, or on the parameters where it is made for those."""
        optimizer: Any = self._optimizer
        if self._at_once:
            everything: Any = slice(None)
            lr = optimizer.lr
            optimizer.steps += 1
            self._P[self._mine] = optimizer.update(everything, self._P[self._mine], self._G[self._mine], lr)
        else:
            self._write()
            optimizer.step()
            self._P[:] = [p.data for p in self._params]

    def measure(self, cases: Cases) -> tuple[float, float]:
        """Mean loss and share of right cases, in `eval` mode.

        Raises:
            NotCompiledError: They cannot be run.
        """
        data = self._data[id(cases)]
        loss = mean_loss(self._way, self._task, self._P, data)
        return loss, self._hits(data, slice(None), mode=False) / len(data.targets)

    def _hits(self, data: Data, at: Any, *, mode: bool) -> int:
        """How many of these cases are right."""
        import numpy as np

        right: Any = self._task.right
        if right is None:
            return 0
        predictions = self._way.predictions(self._P, data, at, mode=mode)
        if data.answers is None or np.isnan(predictions).any():  # Python's way to find the largest with NaN is its own
            return self._task.hits(predictions.tolist(), data.targets_at(at))
        said = right._sides(predictions).reshape(len(predictions), -1)
        return int((said == data.answers[at]).all(axis=1).sum())

    def _write(self) -> None:
        for p, data, grad in zip(self._params, self._P.tolist(), self._G.tolist(), strict=True):
            p.data, p.grad = data, grad

    def weights(self) -> list[float]:
        """The numbers of all parameters as they are now."""
        weights: list[float] = self._P.tolist()
        return weights

    def finish(self) -> None:
        """Put numbers and gradients into the model's parameters, and lists into the optimizer."""
        self._write()
        if self._at_once:
            self._optimizer._keep(lambda array: array.tolist())


def mean_loss(way: Way, task: Task, P: Any, data: Data) -> float:
    """The loss of all cases in `eval` mode, in batches as training has them."""
    total, n, size = 0.0, len(data.order), task.batch_size
    for start in range(0, n, size):
        total += way.loss(P, data, slice(start, start + size)) * min(size, n - start)
    return total / n
