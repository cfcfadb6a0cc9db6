"""Type signatures of Jacobians and Hessians: those of gradients, and what holds for all, are in `signatures`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, overload

from .signatures import A, Argument, B, Block, C, K, Mixed, R_co, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ..engine.signatures import Array, Operand
    from ..engine.value import Value


class SecondDerivatives(Protocol):
    """Second derivatives by the first argument, nested as it is, twice."""

    @overload
    def __call__(self, x: float, /, *more: Any, **options: Any) -> float: ...
    @overload
    def __call__(self, x: Value, /, *more: Any, **options: Any) -> Value: ...
    @overload
    def __call__(self, x: list[float], /, *more: Any, **options: Any) -> list[list[float]]: ...
    @overload
    def __call__(self, x: list[Value], /, *more: Any, **options: Any) -> list[list[Value]]: ...
    @overload
    def __call__(self, x: Array, /, *more: Any, **options: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: Mapping[K, A], /, *more: Any, **options: Any) -> dict[K, dict[K, A]]: ...
    @overload
    def __call__(self, x: Sequence[Any], /, *more: Any, **options: Any) -> Sequence[Any]: ...


class SecondDerivativesByTheSecond(Protocol):
    """Second derivatives by the second argument."""

    @overload
    def __call__(self, first: Any, x: float, /, *more: Any, **options: Any) -> float: ...
    @overload
    def __call__(self, first: Any, x: Value, /, *more: Any, **options: Any) -> Value: ...
    @overload
    def __call__(self, first: Any, x: list[float], /, *more: Any, **options: Any) -> list[list[float]]: ...
    @overload
    def __call__(self, first: Any, x: list[Value], /, *more: Any, **options: Any) -> list[list[Value]]: ...
    @overload
    def __call__(self, first: Any, x: Array, /, *more: Any, **options: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self, first: Any, x: Mapping[K, A], /, *more: Any, **options: Any) -> dict[K, dict[K, A]]: ...
    @overload
    def __call__(self, first: Any, x: Sequence[Any], /, *more: Any, **options: Any) -> Sequence[Any]: ...


class TwoByTwo(Protocol):
    """Second derivatives by the first two arguments: a tuple of two tuples of two blocks."""

    @overload
    def __call__(
        self, x: float, y: float, /, *more: Any, **options: Any
    ) -> tuple[tuple[float, float], tuple[float, float]]: ...
    @overload
    def __call__(
        self, x: Value, y: Value, /, *more: Any, **options: Any
    ) -> tuple[tuple[Value, Value], tuple[Value, Value]]: ...
    @overload
    def __call__(
        self, x: Array, y: Array, /, *more: Any, **options: Any
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def __call__(
        self, x: list[float], y: list[float], /, *more: Any, **options: Any
    ) -> tuple[tuple[list[list[float]], list[list[float]]], tuple[list[list[float]], list[list[float]]]]: ...
    @overload
    def __call__(
        self, x: list[float], y: float, /, *more: Any, **options: Any
    ) -> tuple[tuple[list[list[float]], list[float]], tuple[list[float], float]]: ...
    @overload
    def __call__(
        self, x: float, y: list[float], /, *more: Any, **options: Any
    ) -> tuple[tuple[float, list[float]], tuple[list[float], list[list[float]]]]: ...
    @overload
    def __call__(
        self, x: Operand, y: Operand, /, *more: Any, **options: Any
    ) -> tuple[tuple[Operand, Operand], tuple[Operand, Operand]]: ...
    @overload
    def __call__(
        self, x: Argument, y: Argument, /, *more: Any, **options: Any
    ) -> tuple[tuple[Block, Block], tuple[Block, Block]]: ...


class ThreeByThree(Protocol):
    """Second derivatives by the first three arguments: a tuple of three tuples of three blocks."""

    @overload
    def __call__(
        self, x: float, y: float, z: float, /, *more: Any, **options: Any
    ) -> tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]: ...
    @overload
    def __call__(
        self, x: Value, y: Value, z: Value, /, *more: Any, **options: Any
    ) -> tuple[tuple[Value, Value, Value], tuple[Value, Value, Value], tuple[Value, Value, Value]]: ...
    @overload
    def __call__(
        self, x: Operand, y: Operand, z: Operand, /, *more: Any, **options: Any
    ) -> tuple[
        tuple[Operand, Operand, Operand], tuple[Operand, Operand, Operand], tuple[Operand, Operand, Operand]
    ]: ...
    @overload
    def __call__(
        self, x: list[float], y: float, z: float, /, *more: Any, **options: Any
    ) -> tuple[
        tuple[list[list[float]], list[float], list[float]],
        tuple[list[float], float, float],
        tuple[list[float], float, float],
    ]: ...
    @overload
    def __call__(
        self, x: Argument, y: Argument, z: Argument, /, *more: Any, **options: Any
    ) -> tuple[tuple[Block, Block, Block], tuple[Block, Block, Block], tuple[Block, Block, Block]]: ...


class FurtherSecondDerivatives(Protocol):
    """Second derivatives by any argument: their type is known where all arguments have one."""

    @overload
    def __call__(self, x: float, /, *more: float, **options: Any) -> float: ...
    @overload
    def __call__(self, x: Value, /, *more: Operand, **options: Any) -> Value: ...
    @overload
    def __call__(self, x: Operand, /, *more: Operand, **options: Any) -> Operand: ...
    @overload
    def __call__(self, x: list[float], /, *more: list[float], **options: Any) -> list[list[float]]: ...
    @overload
    def __call__(self, x: Array, /, *more: Array, **options: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: Argument, /, *more: Argument, **options: Any) -> Block: ...


class ManyByMany(Protocol):
    """Second derivatives by several arguments: a tuple of tuples of blocks."""

    @overload
    def __call__(self, x: float, /, *more: float, **options: Any) -> tuple[tuple[float, ...], ...]: ...
    @overload
    def __call__(self, x: Value, /, *more: Operand, **options: Any) -> tuple[tuple[Value, ...], ...]: ...
    @overload
    def __call__(self, x: Operand, /, *more: Operand, **options: Any) -> tuple[tuple[Operand, ...], ...]: ...
    @overload
    def __call__(
        self, x: list[float], /, *more: list[float], **options: Any
    ) -> tuple[tuple[list[list[float]], ...], ...]: ...
    @overload
    def __call__(self, x: Array, /, *more: Array, **options: Any) -> tuple[tuple[NDArray[Any], ...], ...]: ...
    @overload
    def __call__(self, x: Argument, /, *more: Argument, **options: Any) -> tuple[tuple[Block, ...], ...]: ...


class JacobianOf(Protocol[R_co]):
    """Derivatives of all outputs by the first argument; R is what the function gives, or any."""

    @overload
    def __call__(self: JacobianOf[Sequence[Operand]], x: list[float], /, *more: Any, **o: Any) -> list[list[float]]: ...
    @overload
    def __call__(self: JacobianOf[Sequence[Operand]], x: list[Value], /, *more: Any, **o: Any) -> list[list[Value]]: ...
    @overload
    def __call__(self: JacobianOf[Operand | NDArray[Any]], x: Array, /, *more: Any, **options: Any) -> NDArray[Any]: ...
    @overload
    def __call__(self: JacobianOf[Sequence[Operand]], x: Array, /, *more: Any, **o: Any) -> list[NDArray[Any]]: ...
    @overload
    def __call__(self: JacobianOf[Operand], x: float, /, *more: Any, **options: Any) -> float: ...
    @overload
    def __call__(self: JacobianOf[Operand], x: list[float], /, *more: Any, **options: Any) -> list[float]: ...
    @overload
    def __call__(self: JacobianOf[Operand], x: Tree, /, *more: Any, **options: Any) -> Tree: ...
    @overload
    def __call__(self: JacobianOf[Sequence[Operand]], x: float, /, *more: Any, **options: Any) -> list[float]: ...
    @overload
    def __call__(self: JacobianOf[Sequence[Operand]], x: Tree, /, *more: Any, **options: Any) -> list[Tree]: ...
    @overload
    def __call__(self, x: float | Value | Sequence[Any] | Mapping[Any, Any], /, *more: Any, **options: Any) -> Any: ...


class SecondJacobianOf(Protocol[R_co]):
    """Derivatives of all outputs by the second argument."""

    @overload
    def __call__(
        self: SecondJacobianOf[Sequence[Operand]], first: Any, x: list[float], /, *more: Any, **o: Any
    ) -> list[list[float]]: ...
    @overload
    def __call__(
        self: SecondJacobianOf[Sequence[Operand]], first: Any, x: list[Value], /, *more: Any, **o: Any
    ) -> list[list[Value]]: ...
    @overload
    def __call__(
        self: SecondJacobianOf[Operand | NDArray[Any]], first: Any, x: Array, /, *more: Any, **options: Any
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self: SecondJacobianOf[Sequence[Operand]], first: Any, x: Array, /, *more: Any, **o: Any
    ) -> list[NDArray[Any]]: ...
    @overload
    def __call__(
        self: SecondJacobianOf[Operand], first: Any, x: float, /, *more: Any, **options: Any
    ) -> float: ...
    @overload
    def __call__(
        self: SecondJacobianOf[Operand], first: Any, x: list[float], /, *more: Any, **options: Any
    ) -> list[float]: ...
    @overload
    def __call__(self: SecondJacobianOf[Operand], first: Any, x: Tree, /, *more: Any, **options: Any) -> Tree: ...
    @overload
    def __call__(
        self: SecondJacobianOf[Sequence[Operand]], first: Any, x: float, /, *more: Any, **options: Any
    ) -> list[float]: ...
    @overload
    def __call__(
        self: SecondJacobianOf[Sequence[Operand]], first: Any, x: Tree, /, *more: Any, **options: Any
    ) -> list[Tree]: ...
    @overload
    def __call__(
        self, first: Any, x: float | Value | Sequence[Any] | Mapping[Any, Any], /, *more: Any, **options: Any
    ) -> Any: ...


class TwoJacobiansOf(Protocol[R_co]):
    """Derivatives of all outputs by each of the first two arguments."""

    @overload
    def __call__(
        self: TwoJacobiansOf[Operand], x: float, y: float, /, *more: Any, **options: Any
    ) -> tuple[float, float]: ...
    @overload
    def __call__(
        self: TwoJacobiansOf[Operand | NDArray[Any]], x: Array, y: Array, /, *more: Any, **options: Any
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def __call__(self: TwoJacobiansOf[Operand], x: A, y: B, /, *more: Any, **options: Any) -> tuple[A, B]: ...
    @overload
    def __call__(
        self: TwoJacobiansOf[Sequence[Operand]], x: float, y: float, /, *more: Any, **options: Any
    ) -> tuple[list[float], list[float]]: ...
    @overload
    def __call__(
        self: TwoJacobiansOf[Sequence[Operand]], x: A, y: B, /, *more: Any, **options: Any
    ) -> tuple[list[A], list[B]]: ...
    @overload
    def __call__(self, x: Argument, y: Argument, /, *more: Any, **options: Any) -> tuple[Block, Block]: ...


class ThreeJacobiansOf(Protocol[R_co]):
    """Derivatives of all outputs by each of the first three arguments."""

    @overload
    def __call__(
        self: ThreeJacobiansOf[Operand], x: float, y: float, z: float, /, *more: Any, **options: Any
    ) -> tuple[float, float, float]: ...
    @overload
    def __call__(
        self: ThreeJacobiansOf[Operand | NDArray[Any]], x: Array, y: Array, z: Array, /, *more: Any, **options: Any
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...
    @overload
    def __call__(
        self: ThreeJacobiansOf[Operand], x: A, y: B, z: C, /, *more: Any, **options: Any
    ) -> tuple[A, B, C]: ...
    @overload
    def __call__(
        self: ThreeJacobiansOf[Sequence[Operand]], x: float, y: float, z: float, /, *more: Any, **options: Any
    ) -> tuple[list[float], list[float], list[float]]: ...
    @overload
    def __call__(
        self: ThreeJacobiansOf[Sequence[Operand]], x: A, y: B, z: C, /, *more: Any, **options: Any
    ) -> tuple[list[A], list[B], list[C]]: ...
    @overload
    def __call__(
        self, x: Argument, y: Argument, z: Argument, /, *more: Any, **options: Any
    ) -> tuple[Block, Block, Block]: ...


class FurtherJacobianOf(Protocol[R_co]):
    """Derivatives of all outputs by any argument: their type is known where all arguments have one."""

    @overload
    def __call__(self: FurtherJacobianOf[Operand], x: float, /, *more: float, **options: Any) -> float: ...
    @overload
    def __call__(
        self: FurtherJacobianOf[Operand], x: list[float], /, *more: list[float], **options: Any
    ) -> list[float]: ...
    @overload
    def __call__(
        self: FurtherJacobianOf[Operand | NDArray[Any]], x: Array, /, *more: Array, **options: Any
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self: FurtherJacobianOf[Sequence[Operand]], x: float, /, *more: float, **options: Any
    ) -> list[float]: ...
    @overload
    def __call__(
        self: FurtherJacobianOf[Sequence[Operand]], x: list[float], /, *more: list[float], **options: Any
    ) -> list[list[float]]: ...
    @overload
    def __call__(self: FurtherJacobianOf[Operand], x: Mixed, /, *more: Mixed, **options: Any) -> Mixed: ...
    @overload
    def __call__(
        self: FurtherJacobianOf[Sequence[Operand]], x: Mixed, /, *more: Mixed, **options: Any
    ) -> list[float] | list[list[float]]: ...
    @overload
    def __call__(self, x: Argument, /, *more: Argument, **options: Any) -> Block: ...


class ManyJacobiansOf(Protocol[R_co]):
    """Derivatives of all outputs by several arguments: their type is known where all arguments have one."""

    @overload
    def __call__(self: ManyJacobiansOf[Operand], x: float, /, *more: float, **options: Any) -> tuple[float, ...]: ...
    @overload
    def __call__(
        self: ManyJacobiansOf[Operand], x: list[float], /, *more: list[float], **options: Any
    ) -> tuple[list[float], ...]: ...
    @overload
    def __call__(
        self: ManyJacobiansOf[Operand | NDArray[Any]], x: Array, /, *more: Array, **options: Any
    ) -> tuple[NDArray[Any], ...]: ...
    @overload
    def __call__(
        self: ManyJacobiansOf[Sequence[Operand]], x: float, /, *more: float, **options: Any
    ) -> tuple[list[float], ...]: ...
    @overload
    def __call__(
        self: ManyJacobiansOf[Sequence[Operand]], x: list[float], /, *more: list[float], **options: Any
    ) -> tuple[list[list[float]], ...]: ...
    @overload
    def __call__(self: ManyJacobiansOf[Operand], x: Mixed, /, *more: Mixed, **options: Any) -> tuple[Mixed, ...]: ...
    @overload
    def __call__(
        self: ManyJacobiansOf[Sequence[Operand]], x: Mixed, /, *more: Mixed, **options: Any
    ) -> tuple[list[float] | list[list[float]], ...]: ...
    @overload
    def __call__(self, x: Argument, /, *more: Argument, **options: Any) -> tuple[Block, ...]: ...
