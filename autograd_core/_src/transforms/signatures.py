"""Type signatures of the transforms: floats give floats, Values give Values, in the shape of the argument.

Nothing here is imported when a program runs. The types describe functions of their arguments alone: one that
uses Values from outside returns Values for floats, too. A function of unknown type, as most lambdas are, is
assumed to return one number, or for `jacobian` at a list, a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ..engine.signatures import Array, Operand
    from ..engine.value import Value

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
K = TypeVar("K")
R_co = TypeVar("R_co", covariant=True)
Mixed: TypeAlias = "float | list[float]"
Tree = TypeVar("Tree", bound="Value | Sequence[Any] | Mapping[Any, Any]")


class Gradient(Protocol):
    """Gradient to the first argument."""

    @overload
    def __call__(self, x: float, /, *more: Any, **options: Any) -> float: ...
    @overload
    def __call__(self, x: list[float], /, *more: Any, **options: Any) -> list[float]: ...
    @overload
    def __call__(self, x: Array, /, *more: Any, **options: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: A, /, *more: Any, **options: Any) -> A: ...


class SecondGradient(Protocol):
    """Gradient to the second argument."""

    @overload
    def __call__(self, first: Any, x: float, /, *more: Any, **options: Any) -> float: ...
    @overload
    def __call__(self, first: Any, x: list[float], /, *more: Any, **options: Any) -> list[float]: ...
    @overload
    def __call__(self, first: Any, x: Array, /, *more: Any, **options: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self, first: Any, x: A, /, *more: Any, **options: Any) -> A: ...


class TwoGradients(Protocol):
    """Gradients to the first two arguments."""

    @overload
    def __call__(self, x: float, y: float, /, *more: Any, **options: Any) -> tuple[float, float]: ...
    @overload
    def __call__(self, x: list[float], y: float, /, *more: Any, **options: Any) -> tuple[list[float], float]: ...
    @overload
    def __call__(self, x: float, y: list[float], /, *more: Any, **options: Any) -> tuple[float, list[float]]: ...
    @overload
    def __call__(self, x: A, y: B, /, *more: Any, **options: Any) -> tuple[A, B]: ...


class ThirdGradient(Protocol):
    """Gradient to the third argument."""

    @overload
    def __call__(self, first: Any, second: Any, x: float, /, *more: Any, **options: Any) -> float: ...
    @overload
    def __call__(self, first: Any, second: Any, x: list[float], /, *more: Any, **options: Any) -> list[float]: ...
    @overload
    def __call__(self, first: Any, second: Any, x: Array, /, *more: Any, **options: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self, first: Any, second: Any, x: A, /, *more: Any, **options: Any) -> A: ...


class FurtherGradient(Protocol):
    """Gradient to any argument: its type is known where all of them have one."""

    @overload
    def __call__(self, x: float, /, *more: float, **options: Any) -> float: ...
    @overload
    def __call__(self, x: Value, /, *more: Operand, **options: Any) -> Value: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, x: Operand, /, *more: Operand, **options: Any
    ) -> Operand: ...
    @overload
    def __call__(self, x: list[float], /, *more: list[float], **options: Any) -> list[float]: ...
    @overload
    def __call__(self, x: Mixed, /, *more: Mixed, **options: Any) -> Mixed: ...
    @overload
    def __call__(self, x: Array, /, *more: Array, **options: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: Any, /, *more: Any, **options: Any) -> Any: ...


class ThreeGradients(Protocol):
    """Gradients to the first three arguments."""

    @overload
    def __call__(self, x: float, y: float, z: float, /, *more: Any, **options: Any) -> tuple[float, float, float]: ...
    @overload
    def __call__(
        self, x: list[float], y: float, z: float, /, *more: Any, **options: Any
    ) -> tuple[list[float], float, float]: ...
    @overload
    def __call__(self, x: A, y: B, z: C, /, *more: Any, **options: Any) -> tuple[A, B, C]: ...


class ManyGradients(Protocol):
    """Gradients to several arguments: their type is known where all arguments have one."""

    @overload
    def __call__(self, x: float, /, *more: float, **options: Any) -> tuple[float, ...]: ...
    @overload
    def __call__(self, x: Value, /, *more: Operand, **options: Any) -> tuple[Value, ...]: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, x: Operand, /, *more: Operand, **options: Any
    ) -> tuple[Operand, ...]: ...
    @overload
    def __call__(self, x: list[float], /, *more: list[float], **options: Any) -> tuple[list[float], ...]: ...
    @overload
    def __call__(self, x: Mixed, /, *more: Mixed, **options: Any) -> tuple[Mixed, ...]: ...
    @overload
    def __call__(self, x: Array, /, *more: Array, **options: Any) -> tuple[NDArray[Any], ...]: ...
    @overload
    def __call__(self, x: Any, /, *more: Any, **options: Any) -> tuple[Any, ...]: ...


class ValueAndGradient(Protocol):
    """Value, and gradient with respect to the first argument."""

    @overload
    def __call__(self, x: float, /, *more: Any, **options: Any) -> tuple[float, float]: ...
    @overload
    def __call__(self, x: Value, /, *more: Any, **options: Any) -> tuple[Value, Value]: ...
    @overload
    def __call__(self, x: list[float], /, *more: Any, **options: Any) -> tuple[float, list[float]]: ...
    @overload
    def __call__(self, x: list[Value], /, *more: Any, **options: Any) -> tuple[Value, list[Value]]: ...
    @overload
    def __call__(self, x: Array, /, *more: Any, **options: Any) -> tuple[Operand, NDArray[Any]]: ...
    @overload
    def __call__(self, x: A, /, *more: Any, **options: Any) -> tuple[Operand, A]: ...


class ValueAndTwoGradients(Protocol):
    """Value, and gradients with respect to the first two arguments."""

    @overload
    def __call__(self, x: float, y: float, /, *more: Any, **options: Any) -> tuple[Operand, tuple[float, float]]: ...
    @overload
    def __call__(self, x: A, y: B, /, *more: Any, **options: Any) -> tuple[Operand, tuple[A, B]]: ...


class ValueAndThreeGradients(Protocol):
    """Value, and gradients with respect to the first three arguments."""

    @overload
    def __call__(
        self, x: float, y: float, z: float, /, *more: Any, **options: Any
    ) -> tuple[Operand, tuple[float, float, float]]: ...
    @overload
    def __call__(self, x: A, y: B, z: C, /, *more: Any, **options: Any) -> tuple[Operand, tuple[A, B, C]]: ...


class ValueAndManyGradients(Protocol):
    """Value, and gradients with respect to several arguments: their type is known where all arguments have one."""

    @overload
    def __call__(self, x: float, /, *more: float, **options: Any) -> tuple[float, tuple[float, ...]]: ...
    @overload
    def __call__(self, x: Value, /, *more: Operand, **options: Any) -> tuple[Value, tuple[Value, ...]]: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, x: Operand, /, *more: Operand, **options: Any
    ) -> tuple[Operand, tuple[Operand, ...]]: ...
    @overload
    def __call__(
        self, x: list[float], /, *more: list[float], **options: Any
    ) -> tuple[float, tuple[list[float], ...]]: ...
    @overload
    def __call__(self, x: Mixed, /, *more: Mixed, **options: Any) -> tuple[float, tuple[Mixed, ...]]: ...
    @overload
    def __call__(self, x: Array, /, *more: Array, **options: Any) -> tuple[Operand, tuple[NDArray[Any], ...]]: ...
    @overload
    def __call__(self, x: Any, /, *more: Any, **options: Any) -> tuple[Operand, tuple[Any, ...]]: ...


class ValueAndSecondGradient(Protocol):
    """Value, and the gradient with respect to the second argument."""

    @overload
    def __call__(self, first: float, x: float, /, *more: float, **options: Any) -> tuple[float, float]: ...
    @overload
    def __call__(self, first: Any, x: float, /, *more: Any, **options: Any) -> tuple[Operand, float]: ...
    @overload
    def __call__(self, first: Any, x: list[float], /, *more: Any, **options: Any) -> tuple[Operand, list[float]]: ...
    @overload
    def __call__(self, first: Any, x: Array, /, *more: Any, **options: Any) -> tuple[Operand, NDArray[Any]]: ...
    @overload
    def __call__(self, first: Any, x: A, /, *more: Any, **options: Any) -> tuple[Operand, A]: ...


class ValueAndThirdGradient(Protocol):
    """Value, and the gradient with respect to the third argument."""

    @overload
    def __call__(
        self, first: float, second: float, x: float, /, *more: float, **options: Any
    ) -> tuple[float, float]: ...
    @overload
    def __call__(self, first: Any, second: Any, x: float, /, *more: Any, **options: Any) -> tuple[Operand, float]: ...
    @overload
    def __call__(
        self, first: Any, second: Any, x: list[float], /, *more: Any, **options: Any
    ) -> tuple[Operand, list[float]]: ...
    @overload
    def __call__(
        self, first: Any, second: Any, x: Array, /, *more: Any, **options: Any
    ) -> tuple[Operand, NDArray[Any]]: ...
    @overload
    def __call__(self, first: Any, second: Any, x: A, /, *more: Any, **options: Any) -> tuple[Operand, A]: ...


class ValueAndFurtherGradient(Protocol):
    """Value, and the gradient with respect to any argument: its type is known where all of them have one."""

    @overload
    def __call__(self, x: float, /, *more: float, **options: Any) -> tuple[float, float]: ...
    @overload
    def __call__(self, x: Value, /, *more: Operand, **options: Any) -> tuple[Value, Value]: ...
    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload]
        self, x: Operand, /, *more: Operand, **options: Any
    ) -> tuple[Operand, Operand]: ...
    @overload
    def __call__(self, x: list[float], /, *more: list[float], **options: Any) -> tuple[float, list[float]]: ...
    @overload
    def __call__(self, x: Mixed, /, *more: Mixed, **options: Any) -> tuple[float, Mixed]: ...
    @overload
    def __call__(self, x: Array, /, *more: Array, **options: Any) -> tuple[Operand, NDArray[Any]]: ...
    @overload
    def __call__(self, x: Any, /, *more: Any, **options: Any) -> tuple[Operand, Any]: ...


# Arguments, and what the second derivatives by two of them may be, where more is not known.
Argument: TypeAlias = "float | Value | Sequence[Any] | Mapping[Any, Any] | Array"
Block: TypeAlias = "float | Value | list[Any] | tuple[Any, ...] | dict[Any, Any] | NDArray[Any]"
