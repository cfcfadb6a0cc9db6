"""A function's specializations, and which examples of a batch each of them runs."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from itertools import pairwise
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ....errors import GuardError, RangeError, StructureError
from ...any_object import brief
from ...engine.contexts import answering, uncollected
from ...engine.pytrees import Spec, is_array, same_shape
from ...transforms.recorded_call import one_of, positions
from ..ir.layout import Layout
from ..locks import Locked
from ..tracing.captured_constants import CapturedConstants
from ..tracing.record import lowered
from . import executors
from .batches import as_passed, numbers_of, plain, rows_of, same_length, shape_of, tree_of, views
from .result_memory import ResultMemory
from .specialization import EDGE_SECONDS, Specialization

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...engine.value import Value
    from ..ir.tape import TapedGraph
    from ..tracing.record import RecordedGraph, Traced

ALONE = 2**20  # edges times examples below which one thread takes less time than to start another
Reduction = Literal["sum", "mean"]  # over examples
Guards = Literal["part", "error"]  # where data takes another branch: one more trace, or an error


class TracedFunction(Locked):
    """Base of `CompiledFunction`, without the ways to call it: specializations, and arguments as arrays.

    Stubs, calls on Values and pickles need no more than this, so none of them imports `CompiledFunction`.
    """

    def __init__(
        self,
        graph_at: Callable[[Sequence[float]], RecordedGraph | TapedGraph],
        specs: Sequence[Spec],
        numbers: Sequence[float],
        *,
        in_axes: Any = None,
        reduce: Reduction | None = None,
        argnums: Any = None,
        guards: Guards,
        max_traces: int,
        optimize: bool,
        dtype: Any,
        name: str = "function",
        argument_names: Sequence[str] = (),
        source: Any = None,
        traces: Sequence[Traced] = (),
        origin: tuple[TracedFunction, str] | None = None,
        parameters: Sequence[Value] = (),
        traced_at: Callable[[Sequence[float]], Traced] | None = None,
    ) -> None:
        self.__name__ = name
        if callable(source):
            self.__wrapped__ = source  # as decorators of functools have it: signatures are looked up there
        self._name = name = f"compiled {name}"
        dtype = _real(dtype, name)
        self.dtype: np.dtype[Any] = dtype
        self._options: dict[str, Any] = {
            "guards": guards,
            "max_traces": max_traces,
            "optimize": optimize,
            "dtype": dtype,
        }
        if reduce is not None:
            one_of(name, "reduce", reduce, Reduction)
        one_of(name, "guards", guards, Guards)
        self._specs = tuple(specs)
        self._argument_names = tuple(argument_names) or tuple(f"x{k}" for k in range(len(specs)))
        self._reduce: Reduction | None = reduce
        self._guards: Guards = guards
        self._max_traces = _at_least_one(max_traces, name)
        self._mapped = _mapped(in_axes, len(specs), name)
        chosen = range(len(specs)) if argnums is None else positions(argnums, specs, name)
        # The numbers of all arguments, one after the other, are the inputs of every program: argument i has the slots
        # ends[i] to ends[i + 1]. One point of the function is one list of so many numbers.
        ends = np.cumsum([0, *(spec.size for spec in specs)]).tolist()
        self._slots = [range(a, b) for a, b in pairwise(ends)]
        self._argnums = tuple(chosen)
        self._graph_at, self._numbers_traced, self._optimize = graph_at, list(numbers), optimize
        # A derivative is not traced by a call: it is made from the tape of the function that it is a derivative of.
        self._traced_at = traced_at or (lambda xs: lowered(graph_at(xs), optimize=optimize))
        Locked.__init__(self)
        # Parameters are read at each call, as an argument is; so they are no captured constants.
        self._source, self._captured = source, CapturedConstants(source, parameters)
        self._parameters = list(parameters)  # whose numbers are those of an argument: the last, but for directions
        self._place: int = len(specs) - 1 if origin is None else origin[0]._place
        self._origin = origin  # a derivative is that attribute of that function
        self._layouts: dict[tuple[Specialization, bool], Layout] = {}
        self._memory = ResultMemory()
        self._specializations: list[Specialization] = [self._specialization(traced) for traced in traces]
        # A saved program brings its traces; the function behind it need not be there any more.
        if not traces:
            self._specializations.append(self._specialization_at(numbers))

    def _specialization_at(self, numbers: Sequence[float]) -> Specialization:
        # What the function itself changes while it is traced, such as a counter, is not reported as a change later.
        with uncollected(), self._captured.traced():
            traced = self._traced_at(numbers)
        specialization = self._specialization(traced)
        self._captured.add(specialization.constant_leaves)
        return specialization

    def _specialization(self, traced: Traced) -> Specialization:
        return Specialization(traced, fast=self._optimize, dtype=self.dtype.name)

    # --- arguments and results ---

    def _in_order(self, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments by position, where some are given by name.

        Raises:
            StructureError: A name is unknown, or that of two arguments; or an argument is missing, or given twice.
        """
        # The parameters take the place of an argument that the user does not pass.
        names = list(self._argument_names)
        if self._parameters:
            del names[self._place]
        found = dict(zip(names, args, strict=False))
        for name, given in named.items():
            if names.count(name) != 1:
                msg = f"{self._name}: {name}= is none of the arguments that it was compiled for ({', '.join(names)})"
                if name in names:
                    msg = f"{self._name}: {name}= is the name of several arguments; give them by position"
                raise StructureError(msg)
            if name in found:
                msg = f"{self._name}: argument {name} is given twice, by position and by name"
                raise StructureError(msg)
            found[name] = given
        missing = [name for name in names if name not in found]
        if missing:
            msg = f"{self._name}: argument {missing[0]} is missing; expected {', '.join(names)}"
            raise StructureError(msg)
        return (*(found[name] for name in names), *args[len(names) :])

    def _given(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, followed by the present numbers of the parameters.

        Raises:
            StructureError: There are more or fewer arguments.
        """
        n = len(self._specs) - 1
        if len(args) != n:
            msg = f"{self._name}: expected {n} argument(s) as when compiled, got {len(args)}"
            raise StructureError(msg)
        return (*args[: self._place], [x._data for x in self._parameters], *args[self._place :])

    def _on_parameters(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments from `_given`, with the parameters themselves instead of their numbers."""
        k = self._place
        return (*args[:k], self._parameters, *args[k + 1 :]) if self._parameters else args

    def _numbers(self, args: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The shared inputs' numbers, and a table for each mapped argument, a row per example."""
        self._captured.check(self._name)
        specs = self._specs
        if len(args) != len(specs):
            msg = f"{self._name}: expected {len(specs)} argument(s) as when compiled, got {len(args)}"
            raise StructureError(msg)
        return self._read(args, np.empty(self._slots[-1].stop if specs else 0), plain)

    def _read(self, args: Sequence[Any], shared: Any, read: Callable[[Any, str], Any]) -> tuple[Any, list[Any]]:
        """Write what all examples share, and give a table for each mapped argument."""
        tables = []
        for i, (arg, spec, mapped) in enumerate(zip(args, self._specs, self._mapped, strict=True)):
            place = f"{self._name}: argument {i}"
            if mapped:
                tables.append(rows_of(arg, spec, place, read))
            else:
                slots = self._slots[i]
                try:
                    shared[slots.start : slots.stop] = numbers_of(arg, spec, place, read)
                except StructureError as error:
                    # The usual mistake: one axis too many, because a batch was meant.
                    if is_array(arg) and arg.ndim and arg.shape[1:] == shape_of(spec, bare=True):
                        msg = f"{error}; for a batch, one entry per example, compile with in_axes=0 for this argument"
                        raise StructureError(msg) from None
                    raise
        return shared, same_length(tables, self._name) if tables else []

    def _tree(self, spec: Spec, rows: Any) -> Any:
        return views(spec, rows, rows=True) if any(self._mapped) else tree_of(spec, rows[0])

    def _result(self, values: Any) -> Any:
        return self._tree(self._specializations[0].spec, values)

    def _is_summed(self, i: int) -> bool:
        return self._reduce is not None and not self._mapped[i]

    def _grads(self, args: Sequence[Any], per_example: list[Any], summed: Any) -> tuple[Any, ...]:
        """One tree per differentiated argument: of arrays over a batch, else of the containers that were passed."""
        # Two orders side by side: sums of shared arguments lie in one vector, gradients per example in one array for
        # each argument.
        grads, groups, start = [], iter(per_example), 0
        has_rows = any(self._mapped)
        for i in self._argnums:
            spec = self._specs[i]
            if self._is_summed(i):
                grads.append(as_passed(args[i], tree_of(spec, summed[start : start + spec.size])))
                start += spec.size
            else:
                tree = self._tree(spec, next(groups))
                grads.append(tree if has_rows else as_passed(args[i], tree))
        return tuple(grads)

    # --- running ---

    def _layout(self, specialization: Specialization, *, gradient: bool) -> Layout:
        """The inputs and results of a kind of call."""
        # Made once for each kind of call: its tuples have an entry for each input and each result.
        kind = specialization, gradient
        if kind not in self._layouts:
            self._layouts[kind] = self._layout_of(specialization, gradient=gradient)
        return self._layouts[kind]

    def _layout_of(self, specialization: Specialization, *, gradient: bool) -> Layout:
        # The guards are computed as further results of each example, behind the values.
        tables = tuple(tuple(s) for s, mapped in zip(self._slots, self._mapped, strict=True) if mapped)
        places, width = specialization.places, specialization.width + len(specialization.guards)
        if not gradient:
            return Layout(tables, specialization.wanted, places=places, width=width)
        per_example = tuple(tuple(self._slots[i]) for i in self._argnums if not self._is_summed(i))
        summed = tuple(slot for i in self._argnums if self._is_summed(i) for slot in self._slots[i])
        return Layout(tables, specialization.wanted, per_example, summed, places, width)

    def _evaluated(self, shared: Any, tables: list[Any], *, gradient: bool) -> tuple[Any, list[Any], Any]:
        """Values, gradients per example, and summed gradients."""
        count = len(tables[0]) if tables else 1
        layout = self._layout(self._specializations[0], gradient=gradient)
        values = self._memory.empty((count, self._specializations[0].width), self.dtype)
        per_example = [self._memory.empty((count, len(slots)), self.dtype) for slots in layout.per_example]
        if not count:
            return values, per_example, np.zeros(len(layout.summed), self.dtype)
        # Chunks have one size whatever the number of threads, and their sums are added in their order: so bits depend
        # neither on the threads nor on which of them is first (docs/adr/0014).
        starts = range(0, count, executors.CHUNK)

        def chunk(start: int) -> Any:
            here = slice(start, start + executors.CHUNK)
            mine, ends = [t[here] for t in tables], [g[here] for g in per_example]
            return self._chunk(shared, mine, values[here], ends, gradient=gradient)

        if len(starts) == 1:
            return values, per_example, chunk(0)
        specialization = self._specializations[0]
        # So much work is known to come.
        specialization.seconds += EDGE_SECONDS * len(specialization.program.operands) * count
        # By itself, before the others: else all threads would meet a new branch at once, and wait for the one that
        # traces it.
        total = chunk(0)  # traces what there is to trace, and begins to compile
        with np.errstate(all="ignore"):  # inf - inf, and sums beyond all doubles
            for part in self._each(chunk, starts[1:], count):
                total = total + part
        return values, per_example, total

    def _each(self, chunk: Callable[[int], Any], starts: Sequence[int], count: int) -> list[Any]:
        """What is returned for each chunk; computed by several threads where that takes less time."""
        edges = len(self._specializations[0].program.operands)
        helpers = min(executors.processors(), len(starts)) - 1 if edges * (count - starts[0]) >= ALONE else 0
        found: list[Any] = [None] * len(starts)
        left, errors = deque(range(len(starts))), dict[int, BaseException]()

        def work() -> None:
            while True:
                try:
                    k = left.popleft()
                except IndexError:
                    return
                try:
                    found[k] = chunk(starts[k])
                except BaseException as error:  # noqa: BLE001  raised below
                    errors[k] = error
                    left.clear()

        threads = [Thread(target=work, name="autograd-core computes") for _ in range(helpers)]
        begun = []
        try:
            with suppress(RuntimeError):  # no thread can be had, as where the process ends: then this one does it all
                for thread in threads:
                    thread.start()
                    begun.append(thread)
            work()
        finally:
            for thread in begun:
                thread.join()
        # Chunks are begun in their order, so those before the first that failed are done: the error is always the same.
        if errors:
            raise errors[min(errors)]
        return found

    def _chunk(self, shared: Any, tables: list[Any], values: Any, per_example: list[Any], *, gradient: bool) -> Any:
        """Write values and gradients of some examples, and return sums; each trace runs those at which it holds."""
        # Each trace runs all examples that are left, and its guards, which the same run computes, tell which of them
        # are its own. The rest goes to the next trace; where there is none, the function is traced at the first example
        # that is left.
        sums: list[tuple[int, Any]] = []  # of each trace, and the first of its examples
        pending: Any = slice(None)
        k, broken = 0, ""
        while True:
            mine = [t[pending] for t in tables]
            point = lambda: self._point(shared, mine, 0)  # noqa: B023
            is_new = k == len(self._specializations) and self._trace_again(k, point, broken)
            specialization = self._specializations[k]
            layout = self._layout(specialization, gradient=gradient)
            # A runner is this call's until it is given back: what is needed of it is copied before that.
            # Without guards, all that are left are its own.
            is_all = not k and not specialization.guards
            runner = specialization.run(layout, shared, mine, (values, per_example) if is_all else None)
            if is_all:
                summed = runner.summed.copy()
                specialization.give_back(runner)
                return summed
            as_traced = specialization.as_traced(runner)
            agree = as_traced.all(axis=1)
            agree[0] |= is_new  # if the function takes another branch each time, the last trace counts
            all_agree, summed = bool(agree.all()), runner.summed.copy()
            here, mask = (pending, slice(None)) if all_agree else (_some(pending, agree), agree)
            values[here] = runner.results[mask, : specialization.width]
            for group, rows in zip(per_example, runner.per_example, strict=True):
                group[here] = rows[mask]
            specialization.give_back(runner)
            if not all_agree and agree.any() and layout.summed:  # the sums must be of these examples alone
                runner = specialization.run(layout, shared, [t[agree] for t in mine])
                summed = runner.summed.copy()
                specialization.give_back(runner)
            if agree.any():
                sums.append((0 if isinstance(here, slice) else int(here[0]), summed))
            if all_agree:
                return _in_order(sums)
            pending, k = _some(pending, ~agree), k + 1
            broken = specialization.named_guard(int(as_traced[~agree][0].argmin()))

    def _point(self, shared: Any, tables: list[Any], row: int) -> list[float]:
        """The inputs of one example."""
        point, rest = shared.copy(), iter(tables)
        for slots, mapped in zip(self._slots, self._mapped, strict=True):
            if mapped:
                point[slots.start : slots.stop] = next(rest)[row]
        return point.tolist()  # type: ignore[no-any-return]

    def _trace_again(self, k: int, point: Callable[[], list[float]], broken: str, *, exactly: bool = False) -> bool:
        """Trace the function where none of the k specializations is valid; False if another thread has.

        Args:
            k: How many specializations there are.
            point: Gives the example's inputs.
            broken: A guard that does not hold there.
            exactly: Whether guards are to be answered as the function's own arithmetic has them.
        """
        if self._guards == "error" or k >= self._max_traces:
            why = "guards='error' forbids another trace" if self._guards == "error" else f"max_traces={k} are used up"
            msg = f"{self._name}: {broken} for these arguments, and {why}; use where(condition, a, b) for `if`"
            raise GuardError(msg)
        with self.lock:
            # Another thread has traced meanwhile: its trace is tried before one more is made.
            if k < len(self._specializations):
                return False
            specialization = self._specialization_at(point()) if exactly else self._specialization_for(point())
            # Callers write all examples into one array, so branches must agree in the shape of their results.
            first = self._specializations[0].spec
            same_shape(first, specialization.spec, f"{self._name}: the result on another branch")
            self._specializations.append(specialization)
            return True

    def _specialization_for(self, point: list[float]) -> Specialization:
        """A trace whose guards hold at a point as programs compute them.

        Their last digits may differ from the function's own, and with them the branch. Then this call would follow
        the function, and later ones another trace; so tracing is made to take the branches that programs take.
        """
        # The traces that are there have computed their guards at this point: the one that agrees longest knows most
        # answers.
        answers: tuple[bool, ...] = ()
        for specialization in self._specializations:
            answers = max(answers, self._answers(specialization, point), key=len)
        while True:
            with answering(answers):
                specialization = self._specialization_at(point)
            further = self._answers(specialization, point)
            # Each turn answers at least one guard more, and a call evaluates finitely many: so this ends.
            if len(further) <= len(answers):
                return specialization
            answers = further

    def _answers(self, specialization: Specialization, point: list[float]) -> tuple[bool, ...]:
        """A program's guards at a point, up to the first that differs from the trace; () if none does."""
        row = np.array(point)
        tables = [row[None, s.start : s.stop] for s, mapped in zip(self._slots, self._mapped, strict=True) if mapped]
        runner = specialization.run(self._layout(specialization, gradient=False), row, tables)
        found = runner.results[0, specialization.width :] != 0
        specialization.give_back(runner)
        # Behind the first guard that differs the function would have gone another way, with other guards: those say
        # nothing.
        wrong = np.flatnonzero(found != specialization.program.truths)
        return tuple(found[: wrong[0] + 1].tolist()) if len(wrong) else ()


def _in_order(sums: list[tuple[int, Any]]) -> Any:
    """Sums of several specializations, ordered by their first examples: which was traced first must not change bits."""
    total: Any = 0.0
    with np.errstate(all="ignore"):  # inf - inf, and sums beyond all doubles
        for _, mine in sorted(sums, key=lambda x: x[0]):
            total = total + mine
    return total


def _some(rows: Any, mask: Any) -> Any:
    """Select examples: of all, or of those at the given places."""
    return np.flatnonzero(mask) if isinstance(rows, slice) else rows[mask]


def _mapped(in_axes: Any, n: int, name: str) -> tuple[bool, ...]:
    """Which arguments have one entry per example."""
    axes = tuple(in_axes) if isinstance(in_axes, (tuple, list)) else (in_axes,) * n
    if len(axes) != n:
        msg = f"{name}: expected in_axes with one entry for each of {n} argument(s), got {brief(in_axes)}"
        raise StructureError(msg)
    for axis in axes:
        if axis is not None and (type(axis) is not int or axis != 0):
            msg = f"{name}: expected in_axes of None (one for all examples) or 0 (one for each), got {brief(axis)}"
            raise RangeError(msg)
    return tuple(axis == 0 for axis in axes)


def _real(dtype: Any, name: str) -> Any:
    """float64 or float32 as NumPy has it."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in (np.float64, np.float32):
        msg = f'{name}: expected dtype="float64" or dtype="float32", got {brief(dtype)}'
        raise RangeError(msg)
    return found


def _at_least_one(max_traces: Any, name: str) -> int:
    if type(max_traces) is not int or max_traces < 1:
        msg = f"{name}: expected max_traces as an int of at least 1, got {brief(max_traces)}"
        raise RangeError(msg)
    return max_traces
