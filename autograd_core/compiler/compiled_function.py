"""`CompiledFunction`: programs, and the interpreter that runs them over rows."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Generic, TypeVar, final, overload

import numpy as np

from ..engine.contexts import answering
from ..engine.pytrees import Spec, same_shape
from ..errors import GuardError, RangeError, StructureError
from ..transforms.functional import _one_of as one_of
from ..transforms.functional import _positions as positions
from . import pickled
from .codegen.description import Description
from .export_methods import Exported
from .locks import Locked, once
from .passes import differentiate
from .runtime import executors, inlined_calls, value_calls
from .runtime.batches import HoldsValuesError, numbers_of, plain, rows_of, same_length, tree_of, views
from .runtime.bound_call import Bound, CheckedBound, native
from .runtime.call_stubs import MISS, Stubs
from .runtime.executors import Layout
from .runtime.specialization import EDGE_SECONDS, Branch
from .tracing.captured_constants import Outside
from .tracing.record import Graph, Traced, lowered, uncollected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray
    from typing_extensions import TypeVar as TypeVarWithDefault

    from ..engine.value import Value
    from .ir.program import Program
    from .runtime.executors import Runner
    from .scipy_objective import Objective

    R_co = TypeVarWithDefault("R_co", covariant=True, default=Any)  # what the function gives
    P_co = TypeVarWithDefault("P_co", covariant=True, default=Any)  # where a call runs: Point, Rows
    K = TypeVar("K")
    Operand: TypeAlias = float | Value
    Items: TypeAlias = list[Any] | NDArray[Any]
else:
    R_co, P_co = TypeVar("R_co"), TypeVar("P_co")


@final
class Point:
    """For type checkers: a call is one point, and gives floats."""


@final
class Rows:
    """For type checkers: a call runs over rows, and gives arrays."""


@final
class Unknown:
    """For type checkers: what only a `CompiledFunction` of which nothing is known can be."""


class CompiledFunction(Exported, Locked, Generic[R_co, P_co]):
    """A function that was traced once, and runs on numbers without building graphs.

    `compile` makes it. A call gives the same bits at every call, whatever runs it: interpreted at first or
    compiled, called or bound, on any number of threads. With `optimize=False` values and gradients are
    those of the function itself bit for bit; else they differ from them in last digits at most. Numbers and
    Values from outside of the function are constants, at what they were when traced; pass what is to vary
    as an argument (a `StaleTraceWarning` says where one has changed). So are `.data` and `.detach()` of an
    argument, and what is computed from arguments under `no_grad()`.

    Example:
        >>> import autograd_core as ag
        >>> f = ag.compile(lambda w, x: w * x * x, 1.0, 1.0, in_axes=(None, 0))
        >>> f(10.0, [1.0, 2.0, 3.0]).tolist()
        [10.0, 40.0, 90.0]
        >>> f.n_traces
        1
    """

    def __init__(
        self,
        graph_at: Callable[[Sequence[float]], Graph],
        specs: Sequence[Spec],
        numbers: Sequence[float],
        *,
        in_axes: Any = None,
        reduce: str | None = None,
        argnums: Any = None,
        guards: str = "part",
        max_traces: int = 16,
        optimize: bool = True,
        dtype: Any = "float64",
        name: str = "function",
        argument_names: Sequence[str] = (),
        source: Any = None,
        traces: Sequence[Traced] = (),
        origin: tuple[CompiledFunction, str] | None = None,
        parameters: Sequence[Value] = (),
    ) -> None:
        self.__name__ = name
        if callable(source):
            self.__wrapped__ = source  # as decorators of functools have it: signatures are looked up there
        self._name = name = f"compiled {name}"
        self.dtype = dtype = _real(dtype, name)
        self._options: dict[str, Any] = {
            "guards": guards,
            "max_traces": max_traces,
            "optimize": optimize,
            "dtype": dtype,
        }
        if reduce is not None:
            one_of(name, "reduce", reduce, ("sum", "mean"))
        one_of(name, "guards", guards, ("part", "error"))
        self._specs = tuple(specs)
        self._argument_names = tuple(argument_names) or tuple(f"x{k}" for k in range(len(specs)))
        self._reduce, self._guards = reduce, guards
        self._max_traces = _at_least_one(max_traces, name)
        self._mapped = _mapped(in_axes, len(specs), name)
        chosen = range(len(specs)) if argnums is None else positions(argnums, specs, name)
        ends = np.cumsum([0, *(spec.size for spec in specs)]).tolist()
        self._slots = [range(a, b) for a, b in pairwise(ends)]
        self._argnums = tuple(chosen)
        self._graph_at, self._numbers_traced, self._optimize = graph_at, list(numbers), optimize
        Locked.__init__(self)
        self._source, self._outside = source, Outside(source, parameters)
        self._parameters = list(parameters)  # whose numbers are those of an argument: the last, but for directions
        self._place: int = len(specs) - 1 if origin is None else origin[0]._place
        self._origin = origin  # a derivative is that attribute of that function
        self._branches: list[Branch] = [self._branch(traced) for traced in traces] or [self._branch_at(numbers)]
        self._stubs = Stubs()

    def _branch_at(self, numbers: Sequence[float]) -> Branch:
        with uncollected(), self._outside.traced():
            traced = lowered(self._graph_at(numbers), optimize=self._optimize)
        branch = self._branch(traced)
        self._outside.add(branch.outside)
        return branch

    def _branch(self, traced: Traced) -> Branch:
        return Branch(traced, fast=self._optimize, dtype=self.dtype.name)

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

    def __copy__(self) -> CompiledFunction:
        return self  # as with functions

    def __deepcopy__(self, _: Any) -> CompiledFunction:
        return self

    def __reduce__(self) -> Any:
        """Programs, options and signature; machine code belongs to its process, and is made, or found, on arrival."""
        return pickled.reduced(self)

    # --- what it does ---

    @overload
    def __call__(self: CompiledFunction[Operand, object], x: Value, /, *more: Any) -> Value: ...
    @overload
    def __call__(self: CompiledFunction[Operand, object], x: float, y: Value, /, *more: Any) -> Value: ...
    @overload
    def __call__(self, x: Value, /, *more: Any) -> R_co: ...
    @overload
    def __call__(self: CompiledFunction[Any, Unknown], *args: Any) -> Any: ...
    @overload
    def __call__(self: CompiledFunction[Operand, Rows], *args: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self: CompiledFunction[Operand, Point], *args: Any) -> float: ...
    @overload
    def __call__(self: CompiledFunction[Items, Rows], *args: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self: CompiledFunction[list[Any], Point], *args: Any) -> list[float]: ...
    @overload
    def __call__(self: CompiledFunction[dict[K, Any], Rows], *args: Any) -> dict[K, NDArray[Any]]: ...
    @overload
    def __call__(self: CompiledFunction[dict[K, Any], Point], *args: Any) -> dict[K, float]: ...
    @overload
    def __call__(self: CompiledFunction[tuple[Any, ...], Rows], *args: Any) -> tuple[NDArray[Any], ...]: ...
    @overload
    def __call__(self: CompiledFunction[tuple[Any, ...], Point], *args: Any) -> tuple[float, ...]: ...
    @overload
    def __call__(self, *args: Any) -> R_co: ...
    def __call__(self, *args: Any) -> Any:
        """The function's result.

        Where a Value stands among the arguments, so is the result: one node for each row, or with
        `reduce` one for all, with the Values as its operands and the compiled derivatives; `backward()`
        goes on below it. Within `grad` and its kin, in `compile`, and where there are several
        results, the traced program is recorded step by step, to be differentiated to any order.
        With `parameters` a call on numbers gives such a node, too.

        Args:
            *args: As for the function; where `in_axes` is 0, with rows first: an array, a list of
                rows, or a dict or list of such. Lists, tuples and arrays stand for each other where
                shapes agree.

        Returns:
            A result as of the function; with rows first in arrays where an argument has rows. Of no
            rows at all they are empty.

        Raises:
            StructureError: An argument has another shape than the example.
            OperandError: Something in it is no real number.
            GuardError: The rows take more branches than `max_traces`.

        Example:
            >>> import autograd_core as ag
            >>> square = ag.compile(lambda x: x * x, 1.0)
            >>> ag.grad(lambda x: square(x) + x)(3.0)
            7.0
        """
        if self._parameters:
            args = self._given(args)
            if self._origin is None:
                return value_calls.result(self, args)
        for stub in self._stubs.values:
            found = stub(args)
            if found is not MISS:
                return found
        try:
            shared, tables = self._numbers(args)
        except HoldsValuesError:
            return value_calls.result(self, args)
        values, _, _ = self._evaluated(shared, tables, gradient=False)
        self._stubs.prepare(self, "values", len(values))
        return self._result(values)

    @overload
    def value_and_grad(self, x: Value, /, *more: Any) -> tuple[Value, tuple[Any, ...]]: ...
    @overload
    def value_and_grad(self: CompiledFunction[Any, Rows], *args: Any) -> tuple[NDArray[Any], tuple[Any, ...]]: ...
    @overload
    def value_and_grad(self: CompiledFunction[Any, Point], *args: Any) -> tuple[float, tuple[Any, ...]]: ...
    def value_and_grad(self, *args: Any) -> tuple[Any, tuple[Any, ...]]:
        """The function's result and its gradient.

        Values stay one per example, whatever `reduce` says: that rules gradients of shared
        arguments alone. `reduced` gives one value, and the gradient of that.

        Args:
            *args: As for a call.

        Returns:
            `(values, grads)`: grads is a tuple with one entry per differentiated argument, in its
            shape with rows first. An argument that all rows share gets a gradient per row with
            `reduce=None`, and one for all rows with "sum" or "mean". Nested lists with rows come
            as one array. Called on Values, all of it is Values.

        Raises:
            StructureError: As for a call; or the function's result is not one number.
            OperandError: Something in the arguments is no real number.
            GuardError: The rows take more branches than `max_traces`.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0), reduce="sum")
            >>> values, (w_grad, x_grad) = f.value_and_grad(2.0, [3.0, 4.0])
            >>> values.tolist(), w_grad, x_grad.tolist()
            ([6.0, 8.0], 7.0, [2.0, 2.0])
        """
        return self._value_and_grad(self._given(args) if self._parameters else args)

    def _value_and_grad(self, args: tuple[Any, ...], *, inline: bool = True) -> tuple[Any, tuple[Any, ...]]:
        for stub in self._stubs.value_and_grad:
            found = stub(args)
            if found is not MISS:
                return found  # type: ignore[no-any-return]
        self._one_result("value_and_grad")
        values, per_row, summed = self._with_gradient(args, inline=inline)
        self._stubs.prepare(self, "value_and_grad", len(values))
        return self._result(values), self._grads(per_row, summed)

    @overload
    def reduced(  # pyright: ignore[reportOverlappingOverload]
        self, x: Value, /, *more: Any
    ) -> tuple[Value, tuple[Any, ...]]: ...
    @overload
    def reduced(self: CompiledFunction[Any, object], *args: Any) -> tuple[float, tuple[Any, ...]]: ...
    def reduced(self, *args: Any) -> tuple[Any, tuple[Any, ...]]:
        """The sum or the mean of the results over all rows, as `reduce` says, and the gradient of that one number.

        For optimizers of a cost: value and gradient belong together, as those of `value_and_grad` do
        example by example. C = Σᵢ f(w, xᵢ), or 1/n of it; its gradient to wⱼ is Σᵢ ∂f/∂wⱼ, to an
        example's xᵢ it is ∂f/∂xᵢ, or 1/n of them.

        Args:
            *args: As for a call.

        Returns:
            `(value, grads)`: a number, and a tuple with one entry per differentiated argument, in
            its shape; that of an argument with rows has rows first. Of no rows at all the sum is 0,
            with gradients 0, and the mean is NaN.

        Raises:
            StructureError: As for `value_and_grad`; or the function was compiled without `reduce`.
            OperandError: Something in the arguments is no real number.
            GuardError: The rows take more branches than `max_traces`.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0), reduce="mean")
            >>> value, (w_grad, x_grad) = f.reduced(2.0, [3.0, 4.0])
            >>> value, w_grad, x_grad.tolist()
            (7.0, 3.5, [1.0, 1.0])
        """
        return self._reduced(self._given(args) if self._parameters else args)

    def _reduced(self, args: tuple[Any, ...], *, inline: bool = True) -> tuple[Any, tuple[Any, ...]]:
        for stub in self._stubs.reduced:
            found = stub(args)
            if found is not MISS:
                return found  # type: ignore[no-any-return]
        self._one_result("reduced")
        if self._reduce is None:
            msg = f'{self._name}.reduced: expected a function compiled with reduce="sum" or reduce="mean", got None'
            raise StructureError(msg)
        values, per_row, summed = self._with_gradient(args, inline=inline)
        if values.dtype == object:
            return inlined_calls.reduced(self, values, per_row, summed)
        self._stubs.prepare(self, "reduced", len(values))
        with np.errstate(all="ignore"):  # inf - inf, and 0 / 0 where there are no rows
            total = values.sum(dtype=float)
            if self._reduce == "mean":
                total, per_row = total / len(values), [group / len(values) for group in per_row]
        return float(total), self._grads(per_row, summed)

    def _with_gradient(self, args: tuple[Any, ...], *, inline: bool) -> tuple[Any, list[Any], Any]:
        """Values and gradients per row, and gradients over all rows as `reduce` has them.

        Raises:
            HoldsValuesError: There are Values among the arguments, and the program is not to be recorded on them.
        """
        try:
            shared, tables = self._numbers(args)
        except HoldsValuesError:
            if not inline:
                raise
            return inlined_calls.with_gradient(self, self._on_parameters(args))
        values, per_row, summed = self._evaluated(shared, tables, gradient=True)
        if self._reduce == "mean":
            with np.errstate(all="ignore"):  # 0 / 0 where there are no rows
                summed = summed / len(values)
        return values, per_row, summed

    def bind(self, *args: Any) -> Bound:
        """A call with memory of its own, for loops: write inputs in place, call, read results in place.

        Args:
            *args: As for a call; they set the inputs at first, and how many rows there are.

        Returns:
            A `Bound`.

        Raises:
            StructureError: As for a call.
            OperandError: Something in the arguments is no real number.
        """
        shared, tables = self._numbers(self._given(args) if self._parameters else args)
        count = len(tables[0]) if tables else 1
        branch = self._branches[0]
        layout = self._layout(branch, gradient=branch.spec.kind == "leaf" and branch.pattern is None)
        runner = branch.runner(layout, count, compiled=branch.interpreter.backend == "llvm" and count > 0)
        branch.fill(runner, shared, tables)
        if self._reduce == "mean":
            runner.divisor[:] = count
        if runner.is_native and not branch.guards:
            bound = native(runner)
        else:
            bound = CheckedBound(lambda: self._run_checked(branch, runner))
        self._name_memory(bound, layout, runner)
        return bound

    def _name_memory(self, bound: Bound, layout: Layout, runner: Runner) -> None:
        """Give the runner's memory the shapes of arguments, result and gradients."""
        rows = any(self._mapped)
        tables, groups, inputs, grads, start = iter(runner.tables), iter(runner.per_row), [], [], 0
        for spec, slots, mapped in zip(self._specs, self._slots, self._mapped, strict=True):
            table = next(tables) if mapped else runner.shared[None, slots.start : slots.stop]
            inputs.append(views(spec, table, rows=mapped))
        for i in self._argnums if layout.has_gradient else ():
            spec = self._specs[i]
            if self._is_summed(i):
                grads.append(views(spec, runner.summed[None, start : start + spec.size], rows=False))
                start += spec.size
            else:
                grads.append(views(spec, next(groups), rows=rows))
        out = runner.results[:, : self._branches[0].width]
        bound.inputs, bound.grads = tuple(inputs), tuple(grads)
        bound.out = views(self._branches[0].spec, out, rows=rows)

    def _run_checked(self, branch: Branch, runner: Runner) -> None:
        """Run, and where rows go another way than traced, let their own traces serve them."""
        runner.run()
        n = branch.width
        if np.array_equal(
            runner.results[:, n:] != 0, np.broadcast_to(branch.program.truths, runner.results[:, n:].shape)
        ):
            return
        values, per_row, summed = self._evaluated(
            runner.shared, runner.tables, gradient=bool(runner.per_row) or bool(runner.summed.size)
        )
        runner.results[:, :n] = values
        for mine, group in zip(runner.per_row, per_row, strict=True):
            mine[:] = group
        runner.summed[:] = summed / runner.divisor

    # --- derivatives of higher order, and of several results ---

    def _derived(
        self, name: str, derive: Callable[[Graph], Graph], what: str, extra: Sequence[int] = ()
    ) -> CompiledFunction:
        """A function of the same arguments, and of more that are like some of them; the attribute of that name."""
        n = len(self._numbers_traced)
        in_axes = [0 if mapped else None for mapped in self._mapped]
        return CompiledFunction(
            lambda xs: derive(self._graph_at(xs[:n])),
            (*self._specs, *(self._specs[i] for i in extra)),
            [*self._numbers_traced, *(1.0 for i in extra for _ in self._slots[i])],
            **self._options,
            in_axes=(*in_axes, *(in_axes[i] for i in extra)),
            name=f"{what} of {self._name.removeprefix('compiled ')}",
            source=self._source,
            argument_names=(*self._argument_names, *(f"{self._argument_names[i]}_direction" for i in extra)),
            origin=(self, name),
            parameters=self._parameters,
        )

    def _chosen(self) -> list[tuple[Spec, range]]:
        return [(self._specs[i], self._slots[i]) for i in self._argnums]

    @once
    def jacobian(self) -> CompiledFunction:
        """The Jacobian, a compiled function of the same arguments; so it has rows, and `bind`.

        It returns a tuple with one array per differentiated argument, of the result's shape followed
        by the argument's (rows first); a tree of arrays where one of both is no array. Its `pattern`
        says which entries can differ from 0. Inputs with no result in common are differentiated in
        one direction.

        Raises:
            StaleGraphError: When first asked for: a graph that stands has changed meanwhile.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda x: [x[0] * x[1], x[1] ** 2], [1.0, 1.0])
            >>> f.jacobian([3.0, 5.0])[0].tolist()
            [[5.0, 3.0], [0.0, 10.0]]
        """
        return self._derived("jacobian", lambda g: differentiate.jacobian(g, self._chosen()), "the Jacobian")

    @once
    def hessian(self) -> CompiledFunction:
        """The Hessian, a compiled function of the same arguments; so it has rows, and `bind`.

        It returns a tuple of tuples of arrays: entry [i][j] has the shape of argument i followed by
        that of argument j (rows first).

        Raises:
            StructureError: The function's result is not one number.
            StaleGraphError: When first asked for: a graph that stands has changed meanwhile.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda x: x[0] ** 2 * x[1], [1.0, 1.0])
            >>> f.hessian([3.0, 5.0])[0][0].tolist()
            [[10.0, 6.0], [6.0, 0.0]]
        """
        self._one_result("hessian")
        return self._derived("hessian", lambda g: differentiate.hessian(g, self._chosen()), "the Hessian")

    @once
    def sparse(self) -> CompiledFunction:
        """Of a Jacobian or a Hessian: the entries that can differ from 0, a compiled function of the same arguments.

        It returns one vector, in the order of `pattern`, so that with SciPy
        `coo_array((values, (pattern.rows, pattern.columns)), pattern.shape)` is the matrix. The
        rows and columns of all blocks count on. It has rows, and `bind`.

        Raises:
            StructureError: The function is no Jacobian or Hessian.

        Example:
            >>> import autograd_core as ag
            >>> hessian = ag.compile(lambda x: x[0] ** 3 + x[1] ** 2, [1.0, 1.0]).hessian
            >>> hessian.sparse([2.0, 5.0]).tolist(), hessian.pattern.columns.tolist()
            ([12.0, 2.0], [0, 1])
        """
        if self.pattern is None:
            msg = f"{self._name}.sparse: expected a Jacobian or Hessian; ask for f.jacobian.sparse or f.hessian.sparse"
            raise StructureError(msg)
        flat = lambda g: g._replace(spec=Spec("array", (), (len(g.roots),)), places=None)
        return self._derived("sparse", flat, "the entries")

    @once
    def _products(self) -> CompiledFunction:
        product = lambda g: differentiate.product(g, self._chosen())
        return self._derived("_products", product, "Hessian-vector products", self._argnums)

    def hvp(self, args: Sequence[Any], vectors: Sequence[Any]) -> tuple[Any, ...]:
        """The Hessian times a vector, in time linear in the function's.

        Args:
            args: The arguments, as for a call.
            vectors: One entry per differentiated argument, like that argument.

        Returns:
            A tuple, one product per differentiated argument, like that argument.

        Raises:
            StructureError: As for a call; or the function's result is not one number.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda x: x[0] ** 2 * x[1], [1.0, 1.0])
            >>> f.hvp(([3.0, 5.0],), ([1.0, 0.0],))
            ([10.0, 6.0],)
        """
        self._one_result("hvp")
        return self._products(*args, *vectors)  # type: ignore[no-any-return]

    def bind_hvp(self, args: Sequence[Any], vectors: Sequence[Any]) -> Bound:
        """As `bind`, for products of the Hessian with a vector, which are `.out`."""
        self._one_result("bind_hvp")
        return self._products.bind(*args, *vectors)

    @property
    def pattern(self) -> Any:
        """Of a Jacobian or a Hessian: which entries can differ from 0 (rows, columns, shape); else None."""
        return self._branches[0].pattern

    def _one_result(self, name: str) -> None:
        spec = self._branches[0].spec
        if spec.kind != "leaf":
            msg = f"{self._name}.{name}: expected one number as the result, got {spec.size} in a {spec.kind}"
            raise StructureError(msg)

    # --- exports ---

    def _description(self) -> Description:
        """The first trace, at one row."""
        branch = self._branches[0]
        return Description(
            name=self._name.removeprefix("compiled "),
            program=branch.program,
            arguments=tuple(zip(self._argument_names, self._specs, self._slots, strict=True)),
            argnums=self._argnums,
            result=branch.spec,
            places=branch.places[: len(branch.program.outputs)],
            guards=branch.guards,
            has_gradient=branch.spec.kind == "leaf" and branch.pattern is None,
        )

    def to_scipy(self, *args: Any) -> Objective:
        """The function as `scipy.optimize` takes it: of one vector, with gradient, Jacobian or Hessian beside.

        Args:
            *args: As for a call. The differentiated ones become the vector, and its start; the others
                stay as they are.

        Returns:
            An `Objective` with `fun`, `jac`, `hess`, `hessp`, `fun_and_jac` and `x0`.

        Raises:
            StructureError: A differentiated argument has rows, or arguments have other shapes than traced.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda p, t, y: p[0] * t + p[1] - y, [0.0, 0.0], 0.0, 0.0,
            ...                    in_axes=(None, 0, 0), argnums=0)
            >>> problem = f.to_scipy([1.0, 0.0], [0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
            >>> problem.fun(problem.x0).tolist(), problem.jac(problem.x0).tolist()
            ([-1.0, -2.0, -3.0], [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
            >>> from scipy.optimize import least_squares  # doctest: +SKIP
            >>> least_squares(problem.fun, problem.x0, jac=problem.jac).x  # doctest: +SKIP
            array([2., 1.])
        """
        from .scipy_objective import Objective

        args = self._given(args) if self._parameters else args
        with_rows = [i for i in self._argnums if self._mapped[i]]
        if with_rows:
            msg = (
                f"{self._name}.to_scipy: argument {with_rows[0]} has rows, and all rows are to share what an "
                "optimizer varies; say what that is by compile(..., argnums=...)"
            )
            raise StructureError(msg)
        shared, tables = self._numbers(args)
        rows = iter(tables)
        flat_args = [
            next(rows) if mapped else shared[slots.start : slots.stop]
            for slots, mapped in zip(self._slots, self._mapped, strict=True)
        ]
        flat = CompiledFunction(
            lambda xs: _flattened(self._graph_at(xs)),
            [Spec("array", (), (spec.size,)) for spec in self._specs],
            self._numbers_traced,
            **self._options,
            in_axes=tuple(0 if mapped else None for mapped in self._mapped),
            reduce=self._reduce,
            argnums=self._argnums,
            name=self._name.removeprefix("compiled "),
            source=self._source,
        )
        return Objective(flat, self._specs, flat_args)

    # --- arguments and results ---

    def _given(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, and the numbers that parameters have now.

        Raises:
            StructureError: There are more or fewer arguments.
        """
        n = len(self._specs) - 1
        if len(args) != n:
            msg = f"{self._name}: expected {n} argument(s) as when compiled, got {len(args)}"
            raise StructureError(msg)
        return (*args[: self._place], [x._data for x in self._parameters], *args[self._place :])

    def _on_parameters(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments that `_given` has made, with the parameters themselves in place of their numbers."""
        k = self._place
        return (*args[:k], self._parameters, *args[k + 1 :]) if self._parameters else args

    def _numbers(self, args: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The inputs' numbers, and a table of rows for each mapped argument."""
        self._outside.check(self._name)
        specs = self._specs
        if len(args) != len(specs):
            msg = f"{self._name}: expected {len(specs)} argument(s) as when compiled, got {len(args)}"
            raise StructureError(msg)
        return self._read(args, np.empty(sum(spec.size for spec in specs)), plain)

    def _read(self, args: Sequence[Any], shared: Any, read: Callable[[Any, str], Any]) -> tuple[Any, list[Any]]:
        """Write what all rows share, and give a table of rows for each mapped argument."""
        tables = []
        for i, (arg, spec, mapped) in enumerate(zip(args, self._specs, self._mapped, strict=True)):
            place = f"{self._name}: argument {i}"
            if mapped:
                tables.append(rows_of(arg, spec, place, read))
            else:
                slots = self._slots[i]
                shared[slots.start : slots.stop] = numbers_of(arg, spec, place, read)
        return shared, same_length(tables, self._name) if tables else []

    def _tree(self, spec: Spec, rows: Any) -> Any:
        return views(spec, rows, rows=True) if any(self._mapped) else tree_of(spec, rows[0])

    def _result(self, values: Any) -> Any:
        return self._tree(self._branches[0].spec, values)

    def _is_summed(self, i: int) -> bool:
        return self._reduce is not None and not self._mapped[i]

    def _grads(self, per_row: list[Any], summed: Any) -> tuple[Any, ...]:
        """One tree per differentiated argument."""
        grads, groups, start = [], iter(per_row), 0
        for i in self._argnums:
            spec = self._specs[i]
            if self._is_summed(i):
                grads.append(tree_of(spec, summed[start : start + spec.size]))
                start += spec.size
            else:
                grads.append(self._tree(spec, next(groups)))
        return tuple(grads)

    # --- running ---

    def _layout(self, branch: Branch, *, gradient: bool) -> Layout:
        """What goes in and comes out."""
        tables = tuple(tuple(s) for s, mapped in zip(self._slots, self._mapped, strict=True) if mapped)
        places, width = branch.places, branch.width + len(branch.guards)
        if not gradient:
            return Layout(tables, branch.wanted, places=places, width=width)
        per_row = tuple(tuple(self._slots[i]) for i in self._argnums if not self._is_summed(i))
        summed = tuple(slot for i in self._argnums if self._is_summed(i) for slot in self._slots[i])
        return Layout(tables, branch.wanted, per_row, summed, places, width)

    def _evaluated(self, shared: Any, tables: list[Any], *, gradient: bool) -> tuple[Any, list[Any], Any]:
        """Values, gradients per row, and summed gradients."""
        count = len(tables[0]) if tables else 1
        layout = self._layout(self._branches[0], gradient=gradient)
        values = np.empty((count, self._branches[0].width), self.dtype)
        per_row = [np.empty((count, len(slots)), self.dtype) for slots in layout.per_row]
        if not count:
            return values, per_row, np.zeros(len(layout.summed), self.dtype)
        starts = range(0, count, executors.CHUNK)

        def chunk(start: int) -> Any:
            here = slice(start, start + executors.CHUNK)
            mine, ends = [t[here] for t in tables], [g[here] for g in per_row]
            return self._chunk(shared, mine, values[here], ends, gradient=gradient)

        if len(starts) == 1:
            return values, per_row, chunk(0)
        branch = self._branches[0]
        branch.seconds += EDGE_SECONDS * len(branch.program.operands) * count  # so much work is known to come
        total = chunk(0)  # traces what there is to trace, and compiles
        with ThreadPoolExecutor(max_workers=_processors()) as pool, np.errstate(all="ignore"):
            for part in pool.map(chunk, starts[1:]):  # inf - inf, and sums beyond all doubles
                total = total + part
        return values, per_row, total

    def _chunk(self, shared: Any, tables: list[Any], values: Any, per_row: list[Any], *, gradient: bool) -> Any:
        """Write values and gradients of some rows, and return their sums: each trace serves those that take its way."""
        sums: list[tuple[int, Any]] = []  # of each trace, and the first of its rows
        pending: Any = slice(None)
        k, broken = 0, ""
        while True:
            mine = [t[pending] for t in tables]
            point = lambda: self._point(shared, mine, 0)  # noqa: B023
            is_new = k == len(self._branches) and self._trace_again(k, point, broken)
            branch = self._branches[k]
            layout = self._layout(branch, gradient=gradient)
            runner = branch.run(layout, shared, mine)
            as_traced = branch.as_traced(runner)
            agree = as_traced.all(axis=1)
            agree[0] |= is_new  # where the function answers otherwise each time, its last word counts
            all_agree, summed = bool(agree.all()), runner.summed.copy()
            here, mask = (pending, slice(None)) if all_agree else (_some(pending, agree), agree)
            values[here] = runner.results[mask, : branch.width]
            for group, rows in zip(per_row, runner.per_row, strict=True):
                group[here] = rows[mask]
            branch.give_back(runner)
            if not all_agree and agree.any() and layout.summed:  # the sums must be of these rows alone
                runner = branch.run(layout, shared, [t[agree] for t in mine])
                summed = runner.summed.copy()
                branch.give_back(runner)
            if agree.any():
                sums.append((0 if isinstance(here, slice) else int(here[0]), summed))
            if all_agree:
                return _in_order(sums)
            pending, k = _some(pending, ~agree), k + 1
            broken = branch.named_guard(int(as_traced[~agree][0].argmin()))

    def _point(self, shared: Any, tables: list[Any], row: int) -> list[float]:
        """The inputs of one row."""
        point, rest = shared.copy(), iter(tables)
        for slots, mapped in zip(self._slots, self._mapped, strict=True):
            if mapped:
                point[slots.start : slots.stop] = next(rest)[row]
        return point.tolist()  # type: ignore[no-any-return]

    def _trace_again(self, k: int, point: Callable[[], list[float]], broken: str, *, exactly: bool = False) -> bool:
        """Trace the function once more at a row that disagreed with all k traces; false if another thread has.

        Args:
            k: How many traces there are.
            point: Gives the row's inputs.
            broken: A guard that does not hold there.
            exactly: Whether guards are to be answered as the function's own arithmetic has them.
        """
        if self._guards == "error" or k >= self._max_traces:
            why = "guards='error' forbids another trace" if self._guards == "error" else f"max_traces={k} are used up"
            msg = f"{self._name}: {broken} for these arguments, and {why}; use where(condition, a, b) for `if`"
            raise GuardError(msg)
        with self.lock:
            if k < len(self._branches):
                return False
            branch = self._branch_at(point()) if exactly else self._branch_for(point())
            same_shape(self._branches[0].spec, branch.spec, f"{self._name}: the result on another branch")
            self._branches.append(branch)
            return True

    def _branch_for(self, point: list[float]) -> Branch:
        """A trace whose guards hold at a point as programs compute them.

        Their last digits may differ from the function's own. Then its answer would hold for this call, and for
        later ones a trace that was made elsewhere; so the trace is led the way that programs say.
        """
        answers: tuple[bool, ...] = ()
        for branch in self._branches:
            answers = max(answers, self._answers(branch, point), key=len)
        while True:
            with answering(answers):
                branch = self._branch_at(point)
            further = self._answers(branch, point)
            if len(further) <= len(answers):
                return branch
            answers = further

    def _answers(self, branch: Branch, point: list[float]) -> tuple[bool, ...]:
        """What a program's guards are at a point, up to the first that is not as traced; () if all are."""
        row = np.array(point)
        tables = [row[None, s.start : s.stop] for s, mapped in zip(self._slots, self._mapped, strict=True) if mapped]
        runner = branch.run(self._layout(branch, gradient=False), row, tables)
        found = runner.results[0, branch.width :] != 0
        branch.give_back(runner)
        wrong = np.flatnonzero(found != branch.program.truths)
        return tuple(found[: wrong[0] + 1].tolist()) if len(wrong) else ()


def _in_order(sums: list[tuple[int, Any]]) -> Any:
    """Sums of several traces, by their first rows: which trace was made first is another matter."""
    total: Any = 0.0
    with np.errstate(all="ignore"):  # inf - inf, and sums beyond all doubles
        for _, mine in sorted(sums, key=lambda x: x[0]):
            total = total + mine
    return total


def _some(rows: Any, mask: Any) -> Any:
    """The places of some of the rows: all, or those at places."""
    return np.flatnonzero(mask) if isinstance(rows, slice) else rows[mask]


def _processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


def _flattened(graph: Graph) -> Graph:
    """The results in one array, if they are more than one number."""
    return graph if graph.spec.kind == "leaf" else graph._replace(spec=Spec("array", (), (graph.spec.size,)))


def _real(dtype: Any, name: str) -> Any:
    """float64 or float32 as NumPy has it."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in (np.float64, np.float32):
        msg = f'{name}: expected dtype="float64" or dtype="float32", got {dtype!r}'
        raise RangeError(msg)
    return found


def _at_least_one(max_traces: Any, name: str) -> int:
    if type(max_traces) is not int or max_traces < 1:
        msg = f"{name}: expected max_traces as an int of at least 1, got {max_traces!r}"
        raise RangeError(msg)
    return max_traces
