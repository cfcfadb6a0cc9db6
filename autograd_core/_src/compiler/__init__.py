"""A function is traced once, and its program runs over many examples at once, as machine code.

The stages are folders, in this order: `tracing` records a call and lowers it to a program, `ir` defines
programs, `passes` differentiate them and find repetition, `codegen` emits code for a target, `runtime` runs it
over batches. `compiled_function` has the object that `compile` returns (`call_types`: of which type its calls are),
made by `constructors`; `export_methods` and `scipy_objective` convert it. NumPy and llvmlite are imported when
something is compiled, not before.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ...errors import MissingExtraError, OperandError, StructureError
from ..any_object import shown
from ..callables import signature_of
from ..engine.elsewhere import ON_COMPILE
from ..wrong_calls import refuse_options, says_how
from .locks import compiling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Never, TypedDict, Unpack

    from ..engine.value import Value
    from .call_types import Batched, Point, PointOfParameters, ReducedOfParameters
    from .compiled_function import CompiledFunction as CompiledFunction
    from .ir.program import Program
    from .runtime.traced_function import Guards, Reduction

    R = TypeVar("R")
    Graph = TypeVar("Graph", Value, list[Value], Sequence[Value])

    class Options(TypedDict, total=False):
        """What does not change the type of the result; the other options are those that tell the overloads apart."""

        argnums: int | Sequence[int] | None
        guards: Guards
        max_traces: int
        optimize: bool
        dtype: Any


@overload
def compile(  # noqa: A001
    f: Callable[..., R],
    *example_args: Any,
    inputs: None = None,
    in_axes: None = None,
    reduce: Reduction | None = None,
    parameters: Iterable[Any],
    **options: Unpack[Options],
) -> CompiledFunction[R, PointOfParameters]: ...
@overload
def compile(  # noqa: A001
    f: Callable[..., R],
    *example_args: Any,
    inputs: None = None,
    in_axes: int | Sequence[int | None],
    reduce: Reduction,
    parameters: Iterable[Any],
    **options: Unpack[Options],
) -> CompiledFunction[R, ReducedOfParameters]: ...
@overload
def compile(  # noqa: A001
    f: Callable[..., R],
    *example_args: Any,
    inputs: None = None,
    in_axes: None = None,
    reduce: Reduction | None = None,
    parameters: None = None,
    **options: Unpack[Options],
) -> CompiledFunction[R, Point]: ...
@overload
def compile(  # noqa: A001
    f: Graph,
    *example_args: Any,
    inputs: Sequence[Any],
    in_axes: None = None,
    reduce: Reduction | None = None,
    **options: Unpack[Options],
) -> CompiledFunction[Graph, Point]: ...
@overload
def compile(  # noqa: A001
    f: Program,
    *example_args: Any,
    inputs: None = None,
    in_axes: None = None,
    reduce: Reduction | None = None,
    **options: Unpack[Options],
) -> CompiledFunction[Any, Point]: ...
@overload
def compile(  # noqa: A001
    f: Callable[..., R],
    *example_args: Any,
    inputs: None = None,
    in_axes: int | Sequence[int | None],
    reduce: Reduction | None = None,
    parameters: Iterable[Any] | None = None,
    **options: Unpack[Options],
) -> CompiledFunction[R, Batched]: ...
@overload
def compile(  # noqa: A001
    f: Graph,
    *example_args: Any,
    inputs: Sequence[Any],
    in_axes: int | Sequence[int | None],
    reduce: Reduction | None = None,
    parameters: Iterable[Any] | None = None,
    **options: Unpack[Options],
) -> CompiledFunction[Graph, Batched]: ...
@overload
def compile(  # noqa: A001
    f: Program,
    *example_args: Any,
    inputs: None = None,
    in_axes: int | Sequence[int | None],
    reduce: Reduction | None = None,
    **options: Unpack[Options],
) -> CompiledFunction[Any, Batched]: ...
@says_how
def compile(  # noqa: A001  ag.compile, left out of __all__
    f: Callable[..., Any] | Any,
    *example_args: Any,
    inputs: Sequence[Any] | None = None,
    in_axes: Any = None,
    reduce: Reduction | None = None,
    argnums: int | Sequence[int] | None = None,
    parameters: Iterable[Any] | None = None,
    guards: Guards = "part",
    max_traces: int = 16,
    optimize: bool = True,
    dtype: Any = "float64",
    **more: Never,
) -> CompiledFunction[Any, Any]:
    """Trace a function once; returns a function that runs on plain numbers, at one point or over a batch.

    Args:
        f: A function of numbers, or lists, tuples, dicts and NumPy arrays of them; or, with
            `inputs`, a Value or a list of Values: a recorded graph; or a `Program` that was
            loaded, whose inputs become the arguments.
        *example_args: Arguments for `f`, as for a single example. Only their shapes matter, and the
            branches that `f` takes at them. Without any, `f` is traced at its first call, which decides the shapes:
            at its arguments, and of a batched one at the first example (a list counts as a list of examples
            then). Until then there is no program.
        inputs: The Values that become the arguments, in order. What lies below them is cut off;
            all other leaves are constants.
        in_axes: For all arguments or a tuple with one entry each: None, shared by all examples, or 0,
            with an entry for each example along axis 0, as in `jax.vmap`.
        reduce: What becomes of gradients with respect to shared arguments: None, one per example; "sum" or "mean"
            over the examples. The results of `reduced`, and of calls on Values, are reduced likewise;
            Jacobians, Hessians and `hvp` come per example. The Hessian of the reduced cost is that of
            `to_scipy`.
        argnums: Positions of the arguments to differentiate with respect to; None for all.
        parameters: Values that `f` closes over, such as `model.parameters()`, to be inputs and no
            constants: their present `.data` is read at each call, which then gives a Value with them
            as operands, so that `.backward()` fills their `.grad`. They count as one more argument, the
            last, to which is differentiated besides `argnums` (by themselves, where that is None).
        guards: `if x > 0:` on a Value is a guard: a trace holds for examples that take the same branches.
            "part": for other examples the function is traced once more; "error": they are refused.
        max_traces: The most traces that are made.
        optimize: Whether equal subexpressions become one, constants are folded, and chains of
            additions become one node. Values keep their bits, but for functions that a vector
            library computes for many examples at once; gradients add up in another order, and round a
            product and its addition at once. Without, both have the bits of the graph. Either way
            they are the same at every call.
        dtype: "float64", or "float32": arrays of half the size, and some seven digits.
        **more: Not taken; those of other libraries raise an error that says what to write here.

    Returns:
        A CompiledFunction: call it, or its `value_and_grad`.

    Raises:
        MissingExtraError: NumPy is not installed.
        OperandError: `f` is no function, or an argument or the result is no number.
        StructureError: There are example arguments, and not one for each argument of `f`; `in_axes` has another
            length than the arguments; or there are example arguments beside `inputs` or a program,
            which need none.
        RangeError: An option that does not exist.

    Example:
        >>> import autograd_core as ag
        >>> f = ag.compile(lambda w, x: w[0] * x + w[1], [2.0, 1.0], 0.0, in_axes=(None, 0), reduce="mean")
        >>> values, (w_grad, x_grad) = f.value_and_grad([2.0, 1.0], [1.0, 3.0])
        >>> values.tolist(), w_grad, x_grad.tolist()
        ([3.0, 7.0], [2.0, 1.0], [2.0, 2.0])

        >>> @ag.compile
        ... def area(width, height):
        ...     return width * height
        >>> area.value_and_grad(2.0, 3.0)
        (6.0, (3.0, 2.0))
    """
    if more:
        refuse_options("compile", more, dict.fromkeys(_parameters_of(f), NO_KEYWORDS) | ON_COMPILE, compile)
    with compiling:  # a child forked during the import would wait for ever for this thread's import lock
        try:
            from .constructors import compiled_function, compiled_graph, compiled_program
            from .first_call import at_first_call
            from .ir.program import Program

            with suppress(ImportError, OSError):  # without llvmlite, the first run says so
                from ..number_systems.processor import features
                from .codegen.llvm import execution_plan, kernel, vm  # noqa: F401

                features()  # asks LLVM once for the processor's features
        except ModuleNotFoundError as error:
            msg = "compile needs NumPy: pip install 'autograd-core[fast]'"
            raise MissingExtraError(msg) from error
    options = {
        "in_axes": in_axes,
        "reduce": reduce,
        "argnums": argnums,
        "guards": guards,
        "max_traces": max_traces,
        "optimize": optimize,
        "dtype": dtype,
    }
    if example_args and (inputs is not None or isinstance(f, Program)):
        msg = f"compile: a graph or a program needs no example arguments, got {len(example_args)}"
        raise StructureError(msg)
    if parameters is not None and (inputs is not None or isinstance(f, Program)):
        msg = "compile: parameters belong to a function; a graph has inputs=[...], a program its own"
        raise StructureError(msg)
    if inputs is not None:
        return compiled_graph(f, inputs, **options)
    if isinstance(f, Program):
        return compiled_program(f, **options)
    if not callable(f):
        msg = f"compile: expected a function, or Values together with inputs=[...], got {shown(f)}"
        raise OperandError(msg)

    def made(examples: tuple[Any, ...]) -> CompiledFunction:
        _check_examples(f, examples)
        return compiled_function(f, examples, parameters=parameters, **options)

    return made(example_args) if example_args or not _needs_arguments(f) else at_first_call(f, made, in_axes)


NO_KEYWORDS = "examples are passed by position, ag.compile(f, 1.0, 2.0), and so are the arguments of what is compiled"


def _parameters_of(f: Any) -> list[str]:
    try:
        return list(signature_of(f).parameters)
    except (TypeError, ValueError):  # of C
        return []


def _needs_arguments(f: Any) -> bool:
    try:
        parameters = signature_of(f).parameters.values()
    except (TypeError, ValueError):  # of C
        return False
    return any(p.kind is not p.VAR_KEYWORD and (p.default is p.empty) for p in parameters)


def _check_examples(f: Callable[..., Any], examples: tuple[Any, ...]) -> None:
    """Raise if a function cannot be called with as many arguments as there are examples."""
    try:
        parameters = signature_of(f)
    except (TypeError, ValueError):  # of C
        return
    try:
        parameters.bind(*examples)
    except TypeError as error:
        name = getattr(f, "__name__", type(f).__name__)
        msg = (
            f"compile: expected an example for each argument of {name}{parameters}, got {len(examples)} ({error}); "
            f"such as ag.compile({name}, 1.0, [2.0, 3.0]): their shapes matter, and their numbers where the function "
            "branches"
        )
        raise StructureError(msg) from None
