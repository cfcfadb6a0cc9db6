"""`CompiledFunction`: the object that `compile` returns, with its calls, derivatives and exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np

from ...errors import OperandError, StructureError
from ..any_object import listed, shown
from ..engine.elsewhere import NotOnCompiled
from ..engine.pytrees import Spec
from ..wrong_calls import says_how
from . import pickled
from .codegen.description import Description
from .export_methods import Exported
from .ir.tape import TapedGraph
from .locks import once
from .passes import differentiate
from .passes.fewer_copies import lowered_derivative
from .runtime import inlined_calls, value_calls
from .runtime.batches import HoldsValuesError, as_passed
from .runtime.bound_call import Bound, bound
from .runtime.call_stubs import MISS, Stubs
from .runtime.executors import clock
from .runtime.traced_function import TracedFunction
from .tracing.record import taped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray
    from typing_extensions import TypeVar as TypeVarWithDefault

    from ..engine.signatures import FloatOrList, ValueOrList
    from ..engine.value import Value
    from .call_types import Alike, Batched, Point, PointOfParameters, ReducedOfParameters, Unknown
    from .ir.program import Program
    from .passes.sparsity import Pattern
    from .scipy_objective import Objective
    from .tracing.record import RecordedGraph, Traced

    R_co = TypeVarWithDefault("R_co", covariant=True, default=Any)  # what a call returns
    P_co = TypeVarWithDefault("P_co", covariant=True, default=Any)  # where a call runs: Point, Batched
    Node: TypeAlias = PointOfParameters | ReducedOfParameters
    K = TypeVar("K")
    Operand: TypeAlias = float | Value
    Items: TypeAlias = list[Any] | NDArray[Any]
else:
    R_co, P_co = TypeVar("R_co"), TypeVar("P_co")


class CompiledFunction(Exported, TracedFunction, NotOnCompiled, Generic[R_co, P_co]):
    """A function that was traced once, and runs on numbers without building graphs.

    `compile` makes it. A call gives the same bits at every call, whatever runs it: interpreted at first or
    compiled, called or bound, on any number of threads. With `optimize=False` values and gradients are
    those of the function itself bit for bit; else they differ from them in last digits at most. Numbers and
    Values from outside of the function are constants, at what they were when traced; pass what is to vary
    as an argument (a `StaleTraceWarning` says where one has changed). So is `.data` of an argument, or of what
    depends on one (a `StaleTraceWarning` says so when it is traced). `.detach()`, and what is computed under
    `no_grad()`, follows the arguments and has no gradient.

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
        graph_at: Callable[[Sequence[float]], RecordedGraph | TapedGraph],
        specs: Sequence[Spec],
        numbers: Sequence[float],
        **options: Any,
    ) -> None:
        super().__init__(graph_at, specs, numbers, **options)
        # Stubs are made by the general methods below and tried first by the public ones; MISS means that no stub serves
        # these arguments, and everything else decides alone (docs/adr/0016).
        self._stubs = Stubs()

    # --- what it is ---

    @property
    def backend(self) -> str:
        """What runs the programs: "llvm", or "numpy" where llvmlite is not installed."""
        return self._specializations[0].interpreter.backend  # type: ignore[no-any-return]

    @property
    def program(self) -> Program:
        """The program of the first trace."""
        return self._specializations[0].program

    @property
    def n_traces(self) -> int:
        """How often the function was traced so far."""
        return len(self._specializations)

    def __repr__(self) -> str:
        n = len(self.program.codes)
        return f"<{self._name}: {n} instructions, {self.n_traces} trace(s), {self.backend}>"

    def __copy__(self) -> CompiledFunction:
        return self  # as with functions

    def __deepcopy__(self, _: Any) -> CompiledFunction:
        return self

    def __reduce__(self) -> Any:
        """Pickle programs, options and signature; the other process compiles them or finds the code on disk."""
        return pickled.reduced(self)

    # --- what it does ---

    # A result of unknown type fits whatever comes first, which is to be a number; then what is both Value and list.
    @overload
    def __call__(self: CompiledFunction[float, object], x: Value, /, *more: Any, **named: Any) -> Value: ...
    @overload
    def __call__(self: CompiledFunction[float, object], x: float, y: Value, /, *more: Any, **named: Any) -> Value: ...
    @overload
    def __call__(self: CompiledFunction[Any, Unknown], /, *args: Any, **named: Any) -> Any: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self: CompiledFunction[float, Node], /, *args: Any, **named: Any
    ) -> Value: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self: CompiledFunction[float, Point], /, *args: Any, **named: Any
    ) -> float: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self: CompiledFunction[ValueOrList[Any], object], x: Value, /, *more: Any, **named: Any
    ) -> R_co: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self: CompiledFunction[ValueOrList[Any], Node], /, *args: Any, **named: Any
    ) -> R_co: ...
    @overload
    def __call__(self: CompiledFunction[ValueOrList[Any], Point], /, *args: Any, **named: Any) -> FloatOrList: ...
    @overload
    def __call__(self: CompiledFunction[Operand, object], x: Value, /, *more: Any, **named: Any) -> Value: ...
    @overload
    def __call__(self: CompiledFunction[Operand, object], x: float, y: Value, /, *more: Any, **named: Any) -> Value: ...
    @overload
    def __call__(self, x: Value, /, *more: Any, **named: Any) -> R_co: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self: CompiledFunction[Operand, Node], /, *args: Any, **named: Any
    ) -> Value: ...
    @overload
    def __call__(self: CompiledFunction[Any, Node], /, *args: Any, **named: Any) -> R_co: ...
    @overload
    def __call__(self: CompiledFunction[Operand, Point], /, *args: Any, **named: Any) -> float: ...
    @overload
    def __call__(self: CompiledFunction[Operand, Batched], /, *args: Any, **named: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self: CompiledFunction[Items, Batched], /, *args: Any, **named: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self: CompiledFunction[list[Any], Point], /, *args: Any, **named: Any) -> list[float]: ...
    @overload
    def __call__(
        self: CompiledFunction[dict[K, Any], Batched], /, *args: Any, **named: Any
    ) -> dict[K, NDArray[Any]]: ...
    @overload
    def __call__(self: CompiledFunction[dict[K, Any], Point], /, *args: Any, **named: Any) -> dict[K, float]: ...
    @overload
    def __call__(
        self: CompiledFunction[tuple[Any, ...], Batched], /, *args: Any, **named: Any
    ) -> tuple[NDArray[Any], ...]: ...
    @overload
    def __call__(self: CompiledFunction[tuple[Any, ...], Point], /, *args: Any, **named: Any) -> tuple[float, ...]: ...
    @overload
    def __call__(self, /, *args: Any, **named: Any) -> R_co: ...
    def __call__(self, /, *args: Any, **named: Any) -> Any:
        """The function's result.

        Where a Value is among the arguments, the result is a Value as well: one node for each example, or with
        `reduce` one for all, with the Values as its operands and the compiled derivatives; `backward()`
        goes on below it. Within `grad` and its kin, in `compile`, and where there are several
        results, the traced program is recorded step by step, to be differentiated to any order.
        With `parameters` a call on numbers gives such a node, too.

        Args:
            *args: As for the function; where `in_axes` is 0, with examples first: an array, a list of
                examples, or a dict or list of such. Lists, tuples and arrays stand for each other where
                shapes agree.
            **named: Arguments by the names that the function has for them.

        Returns:
            A result as of the function; with examples first in arrays where an argument is batched. Of an
            empty batch they are empty.

        Raises:
            StructureError: An argument has another shape than the example, is missing, or has a name that the
                function does not have.
            OperandError: Something in it is no real number.
            GuardError: The examples take more branches than `max_traces`.

        Example:
            >>> import autograd_core as ag
            >>> square = ag.compile(lambda x: x * x, 1.0)
            >>> ag.grad(lambda x: square(x) + x)(3.0)
            7.0
            >>> square(x=4.0)
            16.0
        """
        if named:
            args = self._in_order(args, named)
        if self._parameters:
            args = self._given(args)
            # A derivative of such a function (`_origin`) gives plain numbers: nobody calls `backward()` on a Hessian.
            if self._origin is None:
                return value_calls.result(self, args, self._at_numbers)
        found = self._stubs.values(args)
        if found is not MISS:
            return found
        began = clock()
        try:
            shared, tables = self._numbers(args)
        except HoldsValuesError:
            return value_calls.result(self, args, self._at_numbers)
        values, _, _ = self._evaluated(shared, tables, gradient=False)
        result = self._result(values)
        self._stubs.prepare(self, "values", len(values), began)
        return result

    @overload
    def value_and_grad(self, x: Value, /, *more: Any, **named: Any) -> tuple[Value, tuple[Any, ...]]: ...
    @overload
    def value_and_grad(
        self: CompiledFunction[Any, Batched], /, *args: Any, **named: Any
    ) -> tuple[NDArray[Any], tuple[Any, ...]]: ...
    @overload
    def value_and_grad(
        self: CompiledFunction[Any, Point], /, *args: Any, **named: Any
    ) -> tuple[float, tuple[Any, ...]]: ...
    def value_and_grad(self, /, *args: Any, **named: Any) -> tuple[Any, tuple[Any, ...]]:
        """The function's result and its gradient.

        Values stay one per example, whatever `reduce` says: it concerns gradients of shared arguments
        alone. `reduced` gives one value, and the gradient of that.

        Args:
            *args: As for a call.
            **named: Likewise.

        Returns:
            `(values, grads)`: grads is a tuple with one entry per differentiated argument, in its shape with
            examples first, and an array where an array is passed. An argument that all examples share gets a
            gradient per example with `reduce=None`, and one for all examples with "sum" or "mean". Nested lists
            of examples come as one array. Called on Values, all of it is Values.

        Raises:
            StructureError: As for a call; or the function's result is not one number.
            OperandError: Something in the arguments is no real number.
            GuardError: The examples take more branches than `max_traces`.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0), reduce="sum")
            >>> values, (w_grad, x_grad) = f.value_and_grad(2.0, [3.0, 4.0])
            >>> values.tolist(), w_grad, x_grad.tolist()
            ([6.0, 8.0], 7.0, [2.0, 2.0])
        """
        if named:
            args = self._in_order(args, named)
        if self._parameters:
            args = self._given(args)
        found = self._stubs.value_and_grad(args)
        return self._value_and_grad(args) if found is MISS else found

    def _value_and_grad(self, args: tuple[Any, ...], *, inline: bool = True) -> tuple[Any, tuple[Any, ...]]:
        began = clock()
        self._one_result("value_and_grad")
        values, per_example, summed = self._with_gradient(args, inline=inline)
        results = self._result(values), self._grads(args, per_example, summed)
        self._stubs.prepare(self, "value_and_grad", len(values), began)
        return results

    @overload
    def reduced(  # pyright: ignore[reportOverlappingOverload]
        self, x: Value, /, *more: Any, **named: Any
    ) -> tuple[Value, tuple[Any, ...]]: ...
    @overload
    def reduced(self: CompiledFunction[Any, object], /, *args: Any, **named: Any) -> tuple[float, tuple[Any, ...]]: ...
    def reduced(self, /, *args: Any, **named: Any) -> tuple[Any, tuple[Any, ...]]:
        """The sum or the mean of the results over all examples, as `reduce` says, and the gradient of that one number.

        For optimizers of a cost: value and gradient belong together, as those of `value_and_grad` do
        example by example. C = Σᵢ f(w, xᵢ), or 1/n of it; its gradient with respect to wⱼ is Σᵢ ∂f/∂wⱼ, to an
        example's xᵢ it is ∂f/∂xᵢ, or 1/n of them.

        Args:
            *args: As for a call.
            **named: Likewise.

        Returns:
            `(value, grads)`: a number, and a tuple with one entry per differentiated argument, in
            its shape; that of a batched argument has examples first. Of an empty batch the sum is 0,
            with gradients 0, and the mean is NaN.

        Raises:
            StructureError: As for `value_and_grad`; or the function was compiled without `reduce`.
            OperandError: Something in the arguments is no real number.
            GuardError: The examples take more branches than `max_traces`.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0), reduce="mean")
            >>> value, (w_grad, x_grad) = f.reduced(2.0, [3.0, 4.0])
            >>> value, w_grad, x_grad.tolist()
            (7.0, 3.5, [1.0, 1.0])
        """
        if named:
            args = self._in_order(args, named)
        if self._parameters:
            args = self._given(args)
        found = self._stubs.reduced(args)
        return self._reduced(args) if found is MISS else found

    def _reduced(self, args: tuple[Any, ...], *, inline: bool = True) -> tuple[Any, tuple[Any, ...]]:
        began = clock()
        self._one_result("reduced")
        if self._reduce is None:
            msg = f'{self._name}.reduced: expected a function compiled with reduce="sum" or reduce="mean", got None'
            raise StructureError(msg)
        values, per_example, summed = self._with_gradient(args, inline=inline)
        if values.dtype == object:
            return inlined_calls.reduced(self, args, values, per_example, summed)
        # Gradients of shared arguments were averaged in `_with_gradient`; those per example are divided only here.
        with np.errstate(all="ignore"):  # inf - inf, and 0 / 0 where there are no examples
            total = values.sum(dtype=float)
            if self._reduce == "mean":
                total, per_example = total / len(values), [np.divide(g, len(values), out=g) for g in per_example]
        results = float(total), self._grads(args, per_example, summed)
        self._stubs.prepare(self, "reduced", len(values), began)
        return results

    def _at_numbers(self, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """The one number that a call on Values returns, and its gradient.

        Raises:
            HoldsValuesError: There are Values among the arguments.
        """
        stubs = self._stubs
        stub, general = (
            (stubs.value_and_grad, self._value_and_grad) if self._reduce is None else (stubs.reduced, self._reduced)
        )
        found = stub(args)
        return general(args, inline=False) if found is MISS else found

    def _with_gradient(self, args: tuple[Any, ...], *, inline: bool) -> tuple[Any, list[Any], Any]:
        """Values and gradients per example, and gradients over all examples as `reduce` says.

        Raises:
            HoldsValuesError: There are Values among the arguments, and the program is not to be recorded on them.
        """
        try:
            shared, tables = self._numbers(args)
        except HoldsValuesError:
            if not inline:
                raise
            return inlined_calls.with_gradient(self, self._on_parameters(args))
        values, per_example, summed = self._evaluated(shared, tables, gradient=True)
        if self._reduce == "mean":
            with np.errstate(all="ignore"):  # 0 / 0 where there are no examples
                summed = summed / len(values)
        return values, per_example, summed

    def bind(self, /, *args: Any, **named: Any) -> Bound:
        """A call with memory of its own, for loops: write inputs in place, call, read results in place.

        Args:
            *args: As for a call; they set the inputs at first, and the batch size.
            **named: Likewise.

        Returns:
            A `Bound`.

        Raises:
            StructureError: As for a call.
            OperandError: Something in the arguments is no real number.
        """
        if named:
            args = self._in_order(args, named)
        shared, tables = self._numbers(self._given(args) if self._parameters else args)
        return bound(self, shared, tables)

    # --- derivatives of higher order, and of several results ---

    def _derived(
        self,
        name: str,
        derive: Callable[[TapedGraph], TapedGraph],
        what: str,
        extra: Sequence[int] = (),
        traces: Sequence[Traced] = (),
    ) -> CompiledFunction:
        """A derived function of the same arguments and of more of their shapes; kept as the attribute of that name."""
        # Derived from the tape and not from the program: what `optimize` folded would be differentiated, and last
        # digits would change (docs/adr/0018). A derivative is a compiled function like any other, with its own traces.
        n = len(self._numbers_traced)
        in_axes = [0 if mapped else None for mapped in self._mapped]
        return CompiledFunction(
            lambda xs: derive(self._tape_at(xs[:n])),
            (*self._specs, *(self._specs[i] for i in extra)),
            [*self._numbers_traced, *(1.0 for i in extra for _ in self._slots[i])],
            **self._options,
            in_axes=(*in_axes, *(in_axes[i] for i in extra)),
            name=f"{what} of {self._name.removeprefix('compiled ')}",
            source=self._source,
            argument_names=(*self._argument_names, *(f"{self._argument_names[i]}_direction" for i in extra)),
            origin=(self, name),
            parameters=self._parameters,
            traces=traces,
            traced_at=lambda xs: lowered_derivative(self._tape_at(xs[:n]), derive, optimize=self._optimize),
        )

    def _tape_at(self, xs: Sequence[float]) -> TapedGraph:
        graph = self._graph_at(xs)
        return graph if isinstance(graph, TapedGraph) else taped(graph)

    def _chosen(self) -> list[tuple[Spec, range]]:
        return [(self._specs[i], self._slots[i]) for i in self._argnums]

    @once
    def jacobian(self) -> CompiledFunction[tuple[Any, ...], Alike]:
        """The Jacobian, a compiled function of the same arguments; so it takes batches, and has `bind`.

        It returns a tuple with one array per differentiated argument, of the result's shape followed
        by the argument's (examples first, whatever `reduce` says); a tree of arrays where one of both is
        no array. Its `pattern` says which entries can differ from 0. Inputs with no result in common are
        differentiated in one direction.

        Raises:
            StaleGraphError: When first asked for: the recorded graph has changed meanwhile.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda x: [x[0] * x[1], x[1] ** 2], [1.0, 1.0])
            >>> f.jacobian([3.0, 5.0])[0].tolist()
            [[5.0, 3.0], [0.0, 10.0]]
        """
        return self._derived("jacobian", lambda g: differentiate.jacobian(g, self._chosen()), "the Jacobian")

    @once
    def hessian(self) -> CompiledFunction[tuple[tuple[Any, ...], ...], Alike]:
        """The Hessian, a compiled function of the same arguments; so it takes batches, and has `bind`.

        It returns a tuple of tuples of arrays: entry [i][j] has the shape of argument i followed by
        that of argument j (examples first). It is per example, whatever `reduce` says; the Hessian of the one
        number that `reduced` gives is `f.to_scipy(*args).hess(x)`.

        Raises:
            StructureError: The function's result is not one number.
            StaleGraphError: When first asked for: the recorded graph has changed meanwhile.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda x: x[0] ** 2 * x[1], [1.0, 1.0])
            >>> f.hessian([3.0, 5.0])[0][0].tolist()
            [[10.0, 6.0], [6.0, 0.0]]
        """
        self._one_result("hessian")
        return self._derived("hessian", lambda g: differentiate.hessian(g, self._chosen()), "the Hessian")

    @once
    def sparse(self) -> CompiledFunction[NDArray[Any], Alike]:
        """Of a Jacobian or a Hessian: the entries that can differ from 0, a compiled function of the same arguments.

        It returns one vector, in the order of `pattern`, so that with SciPy
        `coo_array((values, (pattern.rows, pattern.columns)), pattern.shape)` is the matrix. The
        rows and columns of all blocks count on. It takes batches, and has `bind`.

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
        return self._derived("sparse", flat, "the entries", traces=[one.flat() for one in self._specializations])

    @once
    def _products(self) -> CompiledFunction:
        product = lambda g: differentiate.product(g, self._chosen())
        return self._derived("_products", product, "Hessian-vector products", self._argnums)

    @says_how
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
        products = self._products(*_entries(args, "hvp", "args"), *_entries(vectors, "hvp", "vectors"))
        return products if any(self._mapped) else tuple(map(as_passed, vectors, products))

    def bind_hvp(self, args: Sequence[Any], vectors: Sequence[Any]) -> Bound:
        """Bind Hessian-vector products, whose results are `.out`."""
        self._one_result("bind_hvp")
        return self._products.bind(*_entries(args, "bind_hvp", "args"), *_entries(vectors, "bind_hvp", "vectors"))

    @property
    def pattern(self) -> Pattern | None:
        """Of a Jacobian or a Hessian: which entries can differ from 0 (rows, columns, shape); else None."""
        return self._specializations[0].pattern  # type: ignore[no-any-return]

    def _one_result(self, name: str) -> None:
        spec = self._specializations[0].spec
        if spec.kind != "leaf":
            kind = "an array" if spec.kind == "array" else f"a {spec.kind}"
            msg = (
                f"{self._name}.{name}: expected one number as the result, got {spec.size} in {kind}: "
                ".jacobian takes any; if each is of another example, compile the function of one and say in_axes=0"
            )
            raise StructureError(msg)

    # --- exports ---

    def _description(self) -> Description:
        """The first trace, at one example."""
        specialization = self._specializations[0]
        return Description(
            name=self._name.removeprefix("compiled "),
            program=specialization.program,
            arguments=tuple(zip(self._argument_names, self._specs, self._slots, strict=True)),
            argnums=self._argnums,
            result=specialization.spec,
            places=specialization.places[: len(specialization.program.outputs)],
            guards=specialization.guards,
            has_gradient=specialization.spec.kind == "leaf" and specialization.pattern is None,
        )

    def to_scipy(self, /, *args: Any, **named: Any) -> Objective:
        """The function as `scipy.optimize` takes it: of one vector, with gradient, Jacobian or Hessian beside.

        Args:
            *args: As for a call. The differentiated ones become the vector, and its start; the others
                stay as they are.
            **named: Likewise.

        Returns:
            An `Objective` with `fun`, `jac`, `hess`, `hessp`, `fun_and_jac` and `x0`.

        Raises:
            StructureError: A differentiated argument is batched, or arguments have other shapes than traced.

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

        if named:
            args = self._in_order(args, named)
        args = self._given(args) if self._parameters else args
        batched = [i for i in self._argnums if self._mapped[i]]
        if batched:
            msg = (
                f"{self._name}.to_scipy: argument {batched[0]} is batched, and all examples are to share what an "
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


def _entries(given: Any, caller: str, name: str) -> list[Any]:
    """One entry per argument."""
    entries = listed(given)
    if entries is None:
        msg = f"{caller}: expected {name} as a tuple, one entry per argument, got {shown(given)}"
        raise OperandError(msg)
    return entries


def _flattened(graph: RecordedGraph | TapedGraph) -> RecordedGraph | TapedGraph:
    """The results as one array, if there are several numbers."""
    return graph if graph.spec.kind == "leaf" else graph._replace(spec=Spec("array", (), (graph.spec.size,)))
