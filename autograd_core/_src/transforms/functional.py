"""`grad`, `jacobian`, `hvp` and other transforms: from a function to a function that computes its derivatives.

A transform calls the function once on fresh Values, which records a graph, and sweeps it
(`transforms/recorded.py`).
"""

from __future__ import annotations

from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any, Literal, overload

from ..engine.evaluation import is_fraction
from ..engine.pytrees import Spec, array, build, flatten_as, unflatten
from ..engine.value import Value
from ..wrong_calls import says_how
from .recorded import pull_back, push_forward
from .recorded_call import (
    RecordedCall,
    directions_of,
    one_of,
    one_result,
    positions,
    require_callable,
    values_or_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias, TypeVar, TypeVarTuple

    from ..engine.signatures import FloatOrList, ValueOrList
    from . import signatures, signatures_of_jacobians

    R = TypeVar("R")
    A = TypeVar("A")
    P = TypeVarTuple("P")
    Numbers: TypeAlias = float | list[float] | list[list[float]]

Sweep = Literal["auto", "forward", "reverse"]
Outputs = Literal["numerator", "denominator"]  # where a Jacobian has them: in rows, or in columns


def _unwrap(trees: Sequence[Any], argnums: Any) -> Any:
    return tuple(trees) if isinstance(argnums, (tuple, list)) else trees[0]


@overload
def value_and_grad(f: Callable[..., Any], argnums: Literal[0] = 0) -> signatures.ValueAndGradient: ...  # type: ignore[overload-overlap]
@overload
def value_and_grad(f: Callable[..., Any], argnums: Literal[1]) -> signatures.ValueAndSecondGradient: ...  # type: ignore[overload-overlap]
@overload
def value_and_grad(f: Callable[..., Any], argnums: Literal[2]) -> signatures.ValueAndThirdGradient: ...  # type: ignore[overload-overlap]
@overload
def value_and_grad(  # type: ignore[overload-overlap]
    f: Callable[..., Any], argnums: tuple[Literal[0], Literal[1]]
) -> signatures.ValueAndTwoGradients: ...
@overload
def value_and_grad(  # type: ignore[overload-overlap]
    f: Callable[..., Any], argnums: tuple[Literal[0], Literal[1], Literal[2]]
) -> signatures.ValueAndThreeGradients: ...
@overload
def value_and_grad(f: Callable[..., Any], argnums: Sequence[int]) -> signatures.ValueAndManyGradients: ...
@overload
def value_and_grad(f: Callable[..., Any], argnums: int) -> signatures.ValueAndFurtherGradient: ...
@says_how
def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The function `(*args) -> (value, gradient)`.

    Args:
        f: A function of numbers, or lists, tuples, dicts and NumPy arrays of them, with one number
            as its result.
        argnums: Position of the argument to differentiate with respect to, or a tuple of positions.

    Returns:
        A function. Its gradient has the shape of the argument (for several, a tuple of them). The
        results are Values where an argument was one, or where `f` used Values from outside; else
        they are floats.

    Raises:
        OperandError: `f` is no function, an argument or the result no number.
        RangeError: There is no argument at that position.
        StructureError: The result is not one number.

    Example:
        >>> import autograd_core as ag
        >>> ag.value_and_grad(lambda x: x * x)(3.0)
        (9.0, 6.0)
    """
    require_callable(f, "value_and_grad")
    function = _differentiated(f, argnums, "value_and_grad", lambda value, gradient: (value, gradient))
    return DerivedFunction(value_and_grad, f, {"argnums": argnums}, function)


@overload
def grad(f: Callable[..., Any], argnums: Literal[0] = 0) -> signatures.Gradient: ...  # type: ignore[overload-overlap]
@overload
def grad(f: Callable[..., Any], argnums: Literal[1]) -> signatures.SecondGradient: ...  # type: ignore[overload-overlap]
@overload
def grad(f: Callable[..., Any], argnums: Literal[2]) -> signatures.ThirdGradient: ...  # type: ignore[overload-overlap]
@overload
def grad(f: Callable[..., Any], argnums: tuple[Literal[0], Literal[1]]) -> signatures.TwoGradients: ...  # type: ignore[overload-overlap]
@overload
def grad(  # type: ignore[overload-overlap]
    f: Callable[..., Any], argnums: tuple[Literal[0], Literal[1], Literal[2]]
) -> signatures.ThreeGradients: ...
@overload
def grad(f: Callable[..., Any], argnums: Sequence[int]) -> signatures.ManyGradients: ...
@overload
def grad(f: Callable[..., Any], argnums: int) -> signatures.FurtherGradient: ...
@says_how
def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The function `(*args) -> gradient`.

    Args:
        f: A function of numbers, or lists, tuples, dicts and NumPy arrays of them, with one number
            as its result.
        argnums: Position of the argument to differentiate with respect to, or a tuple of positions.

    Returns:
        A function; what it returns has the shape of the argument (for several, a tuple of them).

    Raises:
        OperandError: `f` is no function, an argument or the result no number.
        RangeError: There is no argument at that position.
        StructureError: The result is not one number.

    Example:
        >>> import autograd_core as ag
        >>> ag.grad(lambda x: x * ag.grad(lambda y: x * y)(1.0))(3.0)
        6.0
        >>> ag.grad(lambda p: p["w"] * 2 + p["b"])({"w": 1.0, "b": 5.0})
        {'w': 2.0, 'b': 1.0}
    """
    require_callable(f, "grad")
    function = _differentiated(f, argnums, "grad", lambda _, gradient: gradient)
    return DerivedFunction(grad, f, {"argnums": argnums}, function)


def _differentiated(f: Any, argnums: Any, name: str, result: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = RecordedCall(f, args, positions(argnums, args, name), kwargs, name)
        out = one_result(call, name)
        leaves = pull_back([out], [1.0], call.inputs, graph=call.graph, fresh=True)
        return result(call.number_of(out), _unwrap(call.arguments(leaves), argnums))

    return differentiated


class DerivedFunction:
    """What a transform gives: a function that pickles as the transform of its function, so that processes can have it.

    Args:
        transform: Such as `grad`.
        f: The function.
        options: What the transform was called with besides, by name.
        function: What computes the result.
    """

    def __init__(
        self, transform: Callable[..., Any], f: Any, options: dict[str, Any], function: Callable[..., Any]
    ) -> None:
        self._transform, self.__wrapped__, self._options, self._function = transform, f, options, function
        self.__name__ = self.__qualname__ = f"{transform.__name__}({getattr(f, '__name__', type(f).__name__)})"
        self.__doc__ = getattr(f, "__doc__", None)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """The result."""
        return self._function(*args, **kwargs)

    def __get__(self, instance: Any, _: Any = None) -> Any:
        """In a class it is a method, as functions are."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(self._transform, **self._options), (self.__wrapped__,)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"


@overload
def jvp(
    f: Callable[..., ValueOrList[Any]], primals: Sequence[Numbers], tangents: Sequence[Numbers]
) -> tuple[FloatOrList, FloatOrList]: ...
@overload
def jvp(
    f: Callable[..., float | Value], primals: Sequence[Numbers], tangents: Sequence[Numbers]
) -> tuple[float, float]: ...
@overload
def jvp(
    f: Callable[..., list[Value] | list[float]], primals: Sequence[Numbers], tangents: Sequence[Numbers]
) -> tuple[list[float], list[float]]: ...
@overload
def jvp(f: Callable[..., R], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[R, R]: ...
@says_how
def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Forward mode: the value, and its derivative along a direction.

    Args:
        f: A function of numbers or trees of them.
        primals: Its arguments, in a tuple.
        tangents: The direction: as many entries of the same shapes.

    Returns:
        `(value, tangent)`, both in the shape of the result.

    Raises:
        OperandError: The function takes another number of arguments.
        StructureError: Primals and tangents differ in shape.

    Example:
        >>> import autograd_core as ag
        >>> ag.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
        (6.0, 23.0)
    """
    directions, graph = directions_of(primals, tangents, "jvp")
    call = RecordedCall(f, primals, range(len(primals)), {}, "jvp")
    call.graph = call.graph or graph
    moved = push_forward(call.outputs, call.inputs, directions, graph=call.graph, fresh=True)
    return call.value, unflatten(call.spec, moved)


@overload
def vjp(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]
    f: Callable[..., ValueOrList[Any]], *primals: *P
) -> tuple[FloatOrList, Callable[[Any], tuple[*P]]]: ...
@overload
def vjp(  # type: ignore[overload-overlap]
    f: Callable[..., float | Value], *primals: float
) -> tuple[float, Callable[[float], tuple[float, ...]]]: ...
@overload
def vjp(
    f: Callable[..., float | Value], *primals: *P
) -> tuple[float | Value, Callable[[float | Value], tuple[*P]]]: ...
@overload
def vjp(
    f: Callable[..., list[Value] | list[float]], *primals: float
) -> tuple[list[float], Callable[[Sequence[float]], tuple[float, ...]]]: ...
@overload
def vjp(
    f: Callable[..., list[Value] | list[float]], *primals: list[float]
) -> tuple[list[float], Callable[[Sequence[float]], tuple[list[float], ...]]]: ...
@overload
def vjp(f: Callable[..., R], *primals: *P) -> tuple[R, Callable[[Any], tuple[*P]]]: ...
@says_how  # type: ignore[misc]  # mypy takes `*primals: Any` for another number of them than a tuple has
def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Reverse mode: the value, and a function that pulls a cotangent back to the arguments.

    Args:
        f: A function of numbers or trees of them.
        *primals: Its arguments.

    Returns:
        `(value, pull)`. `pull(cotangent)` takes a tree in the shape of the value and gives a
        tuple, one entry per primal; it can be called any number of times.

    Raises:
        OperandError: The function takes another number of arguments.
        StructureError: From `pull`, if the cotangent differs in shape from the value.

    Example:
        >>> import autograd_core as ag
        >>> value, pull = ag.vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
        >>> pull([1.0, 10.0])
        (13.0, 12.0)
    """
    call = RecordedCall(f, primals, range(len(primals)), {}, "vjp")

    def pull(cotangent: Any) -> tuple[Any, ...]:
        leaves = flatten_as(call.spec, cotangent, "vjp: cotangent")
        seeds = values_or_numbers(leaves, "vjp: cotangent", beside=[x.data for x in call.inputs])
        graph = call.graph or any(isinstance(x, Value) for x in seeds)
        return tuple(call.arguments(pull_back(call.outputs, seeds, call.inputs, graph=graph, fresh=True)))

    return call.value, pull


@overload
def jacobian(
    f: Callable[..., R], argnums: Literal[0] = 0, *, mode: Sweep = "auto", layout: Outputs = "numerator"
) -> signatures_of_jacobians.JacobianOf[R]: ...
@overload
def jacobian(  # type: ignore[overload-overlap]
    f: Callable[..., R], argnums: Literal[1], *, mode: Sweep = "auto", layout: Outputs = "numerator"
) -> signatures_of_jacobians.SecondJacobianOf[R]: ...
@overload
def jacobian(  # type: ignore[overload-overlap]
    f: Callable[..., R], argnums: tuple[Literal[0], Literal[1]], *, mode: Sweep = "auto", layout: Outputs = "numerator"
) -> signatures_of_jacobians.TwoJacobiansOf[R]: ...
@overload
def jacobian(  # type: ignore[overload-overlap]
    f: Callable[..., R],
    argnums: tuple[Literal[0], Literal[1], Literal[2]],
    *,
    mode: Sweep = "auto",
    layout: Outputs = "numerator",
) -> signatures_of_jacobians.ThreeJacobiansOf[R]: ...
@overload
def jacobian(
    f: Callable[..., R], argnums: Sequence[int], *, mode: Sweep = "auto", layout: Outputs = "numerator"
) -> signatures_of_jacobians.ManyJacobiansOf[R]: ...
@overload
def jacobian(
    f: Callable[..., R], argnums: int, *, mode: Sweep = "auto", layout: Outputs = "numerator"
) -> signatures_of_jacobians.FurtherJacobianOf[R]: ...
@says_how
def jacobian(
    f: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    mode: Sweep = "auto",
    layout: Outputs = "numerator",
) -> Callable[..., Any]:
    """The function `(*args) -> Jacobian`: every output differentiated with respect to every input.

    Args:
        f: A function of numbers or trees of them.
        argnums: Position of the argument to differentiate with respect to, or a tuple of positions.
        mode: "reverse", one sweep per output; "forward", one per input; "auto", whichever is fewer.
        layout: "numerator", rows are outputs; "denominator", rows are inputs.

    Returns:
        A function. Its result nests outputs before inputs (or inputs before outputs): lists give
        nested lists; two arrays of shapes S and T one array of shape S + T.

    Raises:
        RangeError: An unknown mode or layout.

    Example:
        >>> import autograd_core as ag
        >>> ag.jacobian(lambda v: [v[0] * v[1], v[0]])([2.0, 3.0])
        [[3.0, 2.0], [1.0, 0.0]]
        >>> ag.jacobian(lambda v: [v[0] * v[1], v[0]], layout="denominator")([2.0, 3.0])
        [[3.0, 1.0], [2.0, 0.0]]
    """
    require_callable(f, "jacobian")
    one_of("jacobian", "mode", mode, Sweep)
    one_of("jacobian", "layout", layout, Outputs)

    function = _jacobian(f, argnums, "jacobian", mode, layout)
    return DerivedFunction(jacobian, f, {"argnums": argnums, "mode": mode, "layout": layout}, function)


def _jacobian(
    f: Any, argnums: Any, name: str, mode: Sweep = "auto", layout: Outputs = "numerator"
) -> Callable[..., Any]:
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = RecordedCall(f, args, positions(argnums, args, name), kwargs, name)
        rows = _jacobian_rows(call, mode)
        several = isinstance(argnums, (tuple, list))
        inputs = Spec("tuple", tuple(call.specs), tuple) if several else call.specs[0]
        if layout == "numerator":
            return _nested(call.spec, inputs, lambda i, j: rows[i][j])
        return _nested(inputs, call.spec, lambda j, i: rows[i][j])

    return differentiated


def _jacobian_rows(call: RecordedCall, mode: Sweep) -> list[list[Any]]:
    """d output i / d input j, by whichever mode takes fewer sweeps."""
    n, m = len(call.inputs), len(call.outputs)
    if mode == "forward" or (mode == "auto" and n < m):
        columns = []
        for j in range(n):
            unit = [type(x.data)(k == j) if is_fraction(x.data) else float(k == j) for k, x in enumerate(call.inputs)]
            columns.append(push_forward(call.outputs, call.inputs, unit, graph=call.graph, fresh=True))
        return [[column[i] for column in columns] for i in range(m)]
    return [pull_back([out], [1.0], call.inputs, graph=call.graph, fresh=True) for out in call.outputs]


def _nested(outer: Spec, inner: Spec, entry: Callable[[int, int], Any]) -> Any:
    """A tree of trees of entries; two arrays, or an array and a number, become one array."""

    def cell(i: int, a: Spec, j: int, b: Spec) -> Any:
        entries = [entry(i + k, j + m) for k in range(a.size) for m in range(b.size)]
        shape = (*(a.about if a.kind == "array" else ()), *(b.about if b.kind == "array" else ()))
        return array(entries, shape) if "array" in (a.kind, b.kind) else entries[0]

    return build(outer, lambda i, a: build(inner, lambda j, b: cell(i, a, j, b)))


@overload
def hessian(f: Callable[..., Any], argnums: Literal[0] = 0) -> signatures_of_jacobians.SecondDerivatives: ...  # type: ignore[overload-overlap]
@overload
def hessian(f: Callable[..., Any], argnums: Literal[1]) -> signatures_of_jacobians.SecondDerivativesByTheSecond: ...  # type: ignore[overload-overlap]
@overload
def hessian(f: Callable[..., Any], argnums: tuple[Literal[0], Literal[1]]) -> signatures_of_jacobians.TwoByTwo: ...  # type: ignore[overload-overlap]
@overload
def hessian(  # type: ignore[overload-overlap]
    f: Callable[..., Any], argnums: tuple[Literal[0], Literal[1], Literal[2]]
) -> signatures_of_jacobians.ThreeByThree: ...
@overload
def hessian(f: Callable[..., Any], argnums: Sequence[int]) -> signatures_of_jacobians.ManyByMany: ...
@overload
def hessian(f: Callable[..., Any], argnums: int) -> signatures_of_jacobians.FurtherSecondDerivatives: ...
@says_how
def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The function `(*args) -> Hessian`: the Jacobian of the gradient.

    Args:
        f: A function of numbers or trees of them, with one number as its result.
        argnums: Position of the argument to differentiate with respect to, or a tuple of positions.

    Returns:
        A function; its result is nested as the argument, twice.

    Raises:
        StructureError: The result is not one number.

    Example:
        >>> import autograd_core as ag
        >>> ag.hessian(lambda v: v[0] ** 2 * v[1])([3.0, 5.0])
        [[10.0, 6.0], [6.0, 0.0]]
    """
    require_callable(f, "hessian")
    gradient = _differentiated(f, argnums, "hessian", lambda _, gradient: gradient)
    return DerivedFunction(hessian, f, {"argnums": argnums}, _jacobian(gradient, argnums, "hessian"))


@overload
def hvp(f: Callable[..., Any], primals: tuple[float], vectors: Sequence[Any]) -> tuple[float]: ...
@overload
def hvp(f: Callable[..., Any], primals: tuple[list[float]], vectors: Sequence[Any]) -> tuple[list[float]]: ...
@overload
def hvp(f: Callable[..., Any], primals: tuple[float, float], vectors: Sequence[Any]) -> tuple[float, float]: ...
@overload
def hvp(
    f: Callable[..., Any], primals: tuple[float, float, float], vectors: Sequence[Any]
) -> tuple[float, float, float]: ...
@overload
def hvp(f: Callable[..., Any], primals: tuple[*P], vectors: Sequence[Any]) -> tuple[*P]: ...
@overload
def hvp(f: Callable[..., Any], primals: Sequence[A], vectors: Sequence[Any]) -> tuple[A, ...]: ...
@says_how
def hvp(f: Callable[..., Any], primals: Sequence[Any], vectors: Sequence[Any]) -> tuple[Any, ...]:
    """Hessian-vector product, forward over reverse: its cost grows as that of the gradient.

    Args:
        f: A function of numbers or trees of them, with one number as its result.
        primals: Its arguments, in a tuple.
        vectors: The vector: as many entries of the same shapes.

    Returns:
        A tuple, one product per primal, in its shape (Pearlmutter, 1994).

    Raises:
        OperandError: The function takes another number of arguments.
        StructureError: Primals and vectors differ in shape, or the result is not one number.

    Example:
        >>> import autograd_core as ag
        >>> ag.hvp(lambda x, y: x ** 2 * y, (3.0, 5.0), (1.0, 0.0))
        (10.0, 6.0)
    """
    directions_of(primals, vectors, "hvp")
    gradient = _differentiated(f, tuple(range(len(primals))), "hvp", lambda _, gradient: gradient)
    moved: tuple[Any, Any] = jvp(gradient, primals, vectors)
    return tuple(moved[1])
