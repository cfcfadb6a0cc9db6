"""`CompiledFunction`: programs, and the interpreter that runs them over rows."""

from __future__ import annotations

from itertools import pairwise
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GuardError, OperandError, RangeError, StructureError
from ..evaluation import number
from ..transforms import _one_of as one_of
from ..transforms import _positions as positions
from ..tree import LEAF, Spec, flatten, same_shape
from ..value import Value
from .program import Program, program_of
from .rows import numbers_of, rows_of, same_length, tree_of, tree_with_rows
from .tracing import Traced, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

CHUNK = 2**20  # slots times rows that run at a time: bounds the memory


def interpreter_of(program: Program) -> Any:
    """LLVM's interpreter where llvmlite is installed, else NumPy's."""
    try:
        from .interpreter import Interpreter
    except ModuleNotFoundError:
        from .numpy_interpreter import NumpyInterpreter

        return NumpyInterpreter(program)
    return Interpreter(program)


class Branch:
    """One trace: its program, made ready to run."""

    __slots__ = ("guards", "interpreter", "program", "spec", "wanted")

    def __init__(self, traced: Traced) -> None:
        self.program, self.spec, self.guards = traced
        self.wanted = np.concatenate([self.program.outputs, self.program.guards])
        self.interpreter = interpreter_of(self.program)

    def run(self, inputs: Any, mapped: Any, rows: Any, sought: Any) -> tuple[Any, Any, Any]:
        """Values, gradients, and for each row and guard whether it went the traced way."""
        results, gradient = self.interpreter.run(inputs, mapped, rows, self.wanted, sought)
        n = len(self.program.outputs)
        return results[:, :n], gradient, (results[:, n:] != 0) == self.program.truths

    def named_guard(self, k: int) -> str:
        """A guard that does not hold, in words."""
        was, now = ("true", "false") if self.program.truths[k] else ("false", "true")
        return f"{self.guards[k]} was {was} while tracing and is {now}"


class CompiledFunction:
    """A function that was traced once, and runs on numbers without building graphs.

    `compile` makes it. Results equal those of the function itself bit for bit; so do gradients,
    added up in topological order. Values from outside of the function are constants, at what they
    were when traced; pass what is to vary as an argument. So are `.data` and `.detach()` of an
    argument, and what is computed from arguments under `no_grad()`.

    Example:
        >>> from autograd_core import replay
        >>> f = replay.compile(lambda w, x: w * x * x, 1.0, 1.0, in_axes=(None, 0))
        >>> f(10.0, [1.0, 2.0, 3.0]).tolist()
        [10.0, 40.0, 90.0]
        >>> f.n_traces
        1
    """

    def __init__(
        self,
        trace_at: Callable[[Sequence[float]], Traced],
        specs: Sequence[Spec],
        numbers: Sequence[float],
        *,
        in_axes: Any = None,
        reduce: str | None = None,
        argnums: Any = None,
        guards: str = "part",
        max_traces: int = 16,
        name: str = "function",
    ) -> None:
        self._name = name = f"compiled {name}"
        if reduce is not None:
            one_of(name, "reduce", reduce, ("sum", "mean"))
        one_of(name, "guards", guards, ("part", "error"))
        self._specs = tuple(specs)
        self._reduce, self._guards = reduce, guards
        self._max_traces = _at_least_one(max_traces, name)
        self._mapped = _mapped(in_axes, len(specs), name)
        chosen = range(len(specs)) if argnums is None else positions(argnums, specs, name)
        ends = np.cumsum([0, *(spec.size for spec in specs)])
        slots = [np.arange(a, b, dtype=np.int32) for a, b in pairwise(ends)]
        self._argnums = tuple(chosen)
        self._mapped_slots = _joined(s for s, mapped in zip(slots, self._mapped, strict=True) if mapped)
        self._shared_slots = _joined(s for s, mapped in zip(slots, self._mapped, strict=True) if not mapped)
        self._sought = _joined(slots[i] for i in self._argnums)
        self._trace_at = trace_at
        self._lock = RLock()
        self._branches = [Branch(trace_at(numbers))]

    # --- what it is ---

    @property
    def backend(self) -> str:
        """What runs the programs: "llvm", or "numpy" where llvmlite is not installed."""
        return self._branches[0].interpreter.backend  # type: ignore[no-any-return]

    @property
    def program(self) -> Program:
        """The program of the first trace."""
        return self._branches[0].program

    @property
    def n_traces(self) -> int:
        """How often the function was traced so far."""
        return len(self._branches)

    def __repr__(self) -> str:
        n = len(self.program.codes)
        return f"<{self._name}: {n} instructions, {self.n_traces} trace(s), {self.backend}>"

    # --- what it does ---

    def __call__(self, *args: Any) -> Any:
        """The function's result.

        Args:
            *args: As for the function; where `in_axes` is 0, with rows first: an array, a list of
                rows, or a dict or list of such.

        Returns:
            A result as of the function; with rows first in arrays where an argument has rows.

        Raises:
            StructureError: An argument has another shape than the example, or there are no rows.
            OperandError: Something in it is no real number.
            GuardError: The rows take more branches than `max_traces`.
        """
        inputs, rows = self._numbers(args)
        return self._result(np.concatenate([values for values, _ in self._chunks(inputs, rows, None)]))

    def value_and_grad(self, *args: Any) -> tuple[Any, tuple[Any, ...]]:
        """The function's result and its gradient.

        Args:
            *args: As for a call.

        Returns:
            `(values, grads)`: grads is a tuple with one entry per differentiated argument, in its
            shape with rows first. An argument that all rows share gets a gradient per row with
            `reduce=None`, and one for all rows with "sum" or "mean". Nested lists with rows come
            as one array.

        Raises:
            StructureError: As for a call; or the function's result is not one number.
            OperandError: Something in the arguments is no real number.
            GuardError: The rows take more branches than `max_traces`.

        Example:
            >>> from autograd_core import replay
            >>> f = replay.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0), reduce="sum")
            >>> values, (w_grad, x_grad) = f.value_and_grad(2.0, [3.0, 4.0])
            >>> values.tolist(), w_grad, x_grad.tolist()
            ([6.0, 8.0], 7.0, [2.0, 2.0])
        """
        spec = self._branches[0].spec
        if spec.kind != "leaf":
            msg = f"{self._name}.value_and_grad: expected one number as the result, got {spec.size} in a {spec.kind}"
            raise StructureError(msg)
        inputs, rows = self._numbers(args)
        summed = np.repeat([self._is_summed(i) for i in self._argnums], [self._specs[i].size for i in self._argnums])
        summed = summed.astype(bool)  # of no argument at all it would be an array of floats
        values, per_row, total = [], [], np.zeros(np.count_nonzero(summed))
        for chunk, gradient in self._chunks(inputs, rows, self._sought):
            values.append(chunk)
            per_row.append(gradient[:, ~summed])
            total += gradient[:, summed].sum(axis=0)
        if self._reduce == "mean":
            total /= len(rows)
        return self._result(np.concatenate(values)), self._grads(np.concatenate(per_row), total)

    # --- arguments and results ---

    def _numbers(self, args: Sequence[Any]) -> tuple[Any, Any]:
        """The inputs' numbers, and the rows of those that are mapped."""
        specs = self._specs
        if len(args) != len(specs):
            msg = f"{self._name}: expected {len(specs)} argument(s) as when compiled, got {len(args)}"
            raise StructureError(msg)
        shared: list[float] = []
        batches = []
        for i, (arg, spec, mapped) in enumerate(zip(args, specs, self._mapped, strict=True)):
            place = f"{self._name}: argument {i}"
            if mapped:
                batches.append(rows_of(arg, spec, place))
            else:
                shared += numbers_of(arg, spec, place)
        inputs = np.empty(sum(spec.size for spec in specs))
        inputs[self._shared_slots] = shared
        return inputs, np.concatenate(same_length(batches, self._name), axis=1) if batches else np.empty((1, 0))

    def _tree(self, spec: Spec, rows: Any) -> Any:
        return tree_with_rows(spec, rows) if any(self._mapped) else tree_of(spec, rows[0])

    def _result(self, values: Any) -> Any:
        return self._tree(self._branches[0].spec, values)

    def _is_summed(self, i: int) -> bool:
        return self._reduce is not None and not self._mapped[i]

    def _grads(self, per_row: Any, total: Any) -> tuple[Any, ...]:
        """One tree per differentiated argument, from the columns of both kinds."""
        grads, at = [], {False: 0, True: 0}
        for i in self._argnums:
            spec, summed = self._specs[i], self._is_summed(i)
            start, at[summed] = at[summed], at[summed] + spec.size
            columns = slice(start, at[summed])
            grads.append(tree_of(spec, total[columns]) if summed else self._tree(spec, per_row[:, columns]))
        return tuple(grads)

    # --- running ---

    def _chunks(self, inputs: Any, rows: Any, sought: Any) -> Iterator[tuple[Any, Any]]:
        """Values and gradients of some rows after the other, so that gradients to be summed stay few."""
        step = max(CHUNK // (self.program.n_slots + 1), 64)
        for start in range(0, len(rows), step):
            yield self._run(inputs, rows[start : start + step], sought)

    def _run(self, inputs: Any, rows: Any, sought: Any) -> tuple[Any, Any]:
        """Values and gradients of rows: each trace serves those that take its branches."""
        values = np.empty((len(rows), len(self.program.outputs)))
        gradient = np.empty((len(rows), 0 if sought is None else len(sought)))
        pending, k, broken = np.arange(len(rows)), 0, ""
        while pending.size:
            if k == len(self._branches):
                inputs[self._mapped_slots] = rows[pending[0]]
                self._trace_again(k, inputs, broken)
            branch = self._branches[k]
            some_values, some_gradient, as_traced = branch.run(inputs, self._mapped_slots, rows[pending], sought)
            agree = as_traced.all(axis=1)
            values[pending[agree]] = some_values[agree]
            gradient[pending[agree]] = some_gradient[agree]
            pending, k = pending[~agree], k + 1
            if pending.size:
                broken = branch.named_guard(int(as_traced[~agree][0].argmin()))
        return values, gradient

    def _trace_again(self, k: int, inputs: Any, broken: str) -> None:
        """Trace the function once more, where row after row disagreed with all k traces."""
        if self._guards == "error" or k >= self._max_traces:
            why = "guards='error' forbids another trace" if self._guards == "error" else f"max_traces={k} are used up"
            msg = f"{self._name}: {broken} for these arguments, and {why}; use where(condition, a, b) for `if`"
            raise GuardError(msg)
        with self._lock:
            if k == len(self._branches):  # another thread may have been here
                traced = self._trace_at(inputs.tolist())
                same_shape(self._branches[0].spec, traced.spec, f"{self._name}: the result on another branch")
                self._branches.append(Branch(traced))


def _joined(slots: Iterable[Any]) -> Any:
    return np.concatenate([np.empty(0, np.int32), *slots])


def _mapped(in_axes: Any, n: int, name: str) -> tuple[bool, ...]:
    """Which arguments have one entry per row."""
    axes = tuple(in_axes) if isinstance(in_axes, (tuple, list)) else (in_axes,) * n
    if len(axes) != n:
        msg = f"{name}: expected in_axes with one entry for each of {n} argument(s), got {in_axes!r}"
        raise StructureError(msg)
    for axis in axes:
        if axis is not None and (type(axis) is not int or axis != 0):
            msg = f"{name}: expected in_axes of None (shared by all rows) or 0 (one entry per row), got {axis!r}"
            raise RangeError(msg)
    return tuple(axis == 0 for axis in axes)


def _at_least_one(max_traces: Any, name: str) -> int:
    if type(max_traces) is not int or max_traces < 1:
        msg = f"{name}: expected max_traces as an int of at least 1, got {max_traces!r}"
        raise RangeError(msg)
    return max_traces


# --- the two ways to make one -------------------------------------------------------------------


def compiled_function(f: Callable[..., Any], examples: Sequence[Any], **options: Any) -> CompiledFunction:
    """Trace a function at example arguments."""
    name = getattr(f, "__name__", type(f).__name__)
    leaves, spec = flatten(tuple(examples))
    numbers = [float(x.data if isinstance(x, Value) else number(x, f"compile: example for {name}")) for x in leaves]
    specs = spec.children
    return CompiledFunction(lambda xs: trace(f, specs, xs, name), specs, numbers, name=name, **options)


def compiled_graph(roots: Any, inputs: Sequence[Any], **options: Any) -> CompiledFunction:
    """Take a graph that stands as the function of some of its nodes."""
    results, spec = flatten(roots)
    for what, nodes in (("roots", results), ("inputs", inputs)):
        for node in nodes:
            if not isinstance(node, Value):
                msg = f"compile: expected {what} as Values, got {node!r} ({type(node).__name__})"
                raise OperandError(msg)
    if len(set(inputs)) < len(inputs):
        msg = "compile: a Value stands twice among the inputs; name each once"
        raise StructureError(msg)
    traced = Traced(program_of(results, inputs), spec, ())
    return CompiledFunction(lambda _: traced, (LEAF,) * len(inputs), [], name="graph", **options)
