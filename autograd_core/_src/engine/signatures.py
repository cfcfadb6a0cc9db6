"""What the public functions take and give, for type checkers: of numbers numbers, of Values Values, of arrays arrays.

Nothing here is imported when a program runs. Of a list without annotations, whose items are of any type, pyright
takes the first form that fits: so Values come before numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, ValuesView
    from collections.abc import Set as AbstractSet
    from typing import Self

    from numpy.typing import NDArray

    from .value import Value

Operand: TypeAlias = "float | Value"
T = TypeVar("T")
D = TypeVar("D")
if TYPE_CHECKING:  # any iterable but an array, whose items NumPy calls Any: it would fit Iterable[Value], too
    Items: TypeAlias = Sequence[T] | Iterator[T] | AbstractSet[T] | Mapping[T, object] | ValuesView[T]

if TYPE_CHECKING:
    # How many outputs a network has is a number, of which checkers know nothing: they cannot tell whether it gives one
    # Value or a list. Of a union they refuse what only one of the two has, which is all that is ever done with it:
    # `model(x) - y`, `model(x).backward()`, `for y in model(x)`. What is both can be used as either, and assigned to a
    # name declared as either; a name that neither has is refused. What this costs: iterating over the only output of a
    # network is found when the program runs, and mypy wants `y: Value = model(x)` before `y = ag.tanh(y)`. Rejected:
    # Any, which refuses nothing; networks with the type of their result as a parameter, which users would have to write
    # out wherever a size is no literal number.

    class ValueOrList(Value, list[T]):  # type: ignore[misc]  # pyright: ignore[reportIncompatibleMethodOverride]
        """One Value, or a list: what a network gives. There is no such object when a program runs."""

        # Not the list's, which takes lists.
        def __iadd__(self, other: float | Value) -> Self: ...  # type: ignore[override]
        def __isub__(self, other: float | Value) -> Self: ...
        def __imul__(self, other: float | Value) -> Self: ...  # type: ignore[override]
        def __itruediv__(self, other: float | Value) -> Self: ...

    class ValueOrLists(ValueOrList["ValueOrLists"]):
        """One Value, or a list, nested or not: what a sequence of modules gives."""

    class FloatOrList(float, list[float]):  # type: ignore[misc]  # pyright: ignore[reportIncompatibleMethodOverride]
        """One float, or a list: what a compiled network gives."""

        def __iadd__(self, other: float) -> Self: ...  # type: ignore[override]
        def __isub__(self, other: float) -> Self: ...
        def __imul__(self, other: float) -> Self: ...  # type: ignore[override]
        def __itruediv__(self, other: float) -> Self: ...


class Array(Protocol):
    """A NumPy array of numbers or Values, told from a list by its dtype."""

    @property
    def dtype(self) -> Any: ...
    @property
    def shape(self) -> Any: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: Any, /) -> Any: ...


class Scalar(Protocol):
    """One of NumPy's numbers, told from an array by a method; np.float64 is a float anyway."""

    @property
    def dtype(self) -> Any: ...
    def is_integer(self) -> bool: ...


class SupportsBool(Protocol):
    """A condition: a bool, a number, NumPy's own bool."""

    def __bool__(self) -> bool: ...


class Unary(Protocol):
    """A function of one operand."""

    @overload
    def __call__(self, x: float, /) -> float: ...
    @overload
    def __call__(self, x: Value, /) -> Value: ...
    @overload
    def __call__(self, x: Array, /) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: Scalar, /) -> float: ...


class Binary(Protocol):
    """A function of two operands."""

    @overload
    def __call__(self, x: float, y: float, /) -> float: ...
    @overload
    def __call__(self, x: Value, y: Operand, /) -> Value: ...
    @overload
    def __call__(self, x: float, y: Value, /) -> Value: ...
    @overload
    def __call__(self, x: Array, y: Operand | Array, /) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: Operand, y: Array, /) -> NDArray[Any]: ...


class Reduction(Protocol):
    """A function of a sequence. What an array gives depends on its elements."""

    @overload
    def __call__(self, xs: Array, /) -> Operand: ...
    @overload
    def __call__(self, xs: Items[Value], /) -> Value: ...
    @overload
    def __call__(self, xs: Items[float], /) -> float: ...
    @overload
    def __call__(self, xs: Items[Operand], /) -> Operand: ...
    @overload
    def __call__(self, xs: Items[Array], /) -> NDArray[Any]: ...
    @overload
    def __call__(self, xs: Iterable[Operand], /) -> Operand: ...


class Sum(Protocol):
    """The built-in `sum`, and more."""

    @overload
    def __call__(self, xs: Array, /, start: Any = 0) -> Operand | NDArray[Any]: ...
    @overload
    def __call__(self, xs: Items[Value], /, start: Operand = 0) -> Value: ...
    @overload
    def __call__(self, xs: Items[int], /, start: int = 0) -> int: ...
    @overload
    def __call__(self, xs: Items[float], /, start: float = 0) -> float: ...
    @overload
    def __call__(self, xs: Items[Operand], /, start: Value) -> Value: ...
    @overload
    def __call__(self, xs: Items[Operand], /, start: float = 0) -> Operand: ...
    @overload
    def __call__(self, xs: Items[Array], /, start: Any = 0) -> NDArray[Any]: ...
    @overload
    def __call__(self, xs: Items[T], /, start: T) -> T: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, xs: Iterable[Operand], /, start: Any = 0) -> Operand | NDArray[Any]: ...


class Extreme(Protocol):
    """The built-in `max` or `min`, and more."""

    @overload
    def __call__(self, xs: Array, /, key: Any = None, default: Operand = ...) -> Operand: ...
    @overload
    def __call__(self, xs: Items[Value], /) -> Value: ...
    @overload
    def __call__(self, xs: Items[int], /) -> int: ...
    @overload
    def __call__(self, xs: Items[float], /) -> float: ...
    @overload
    def __call__(self, xs: Items[Operand], /) -> Operand: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, xs: Items[T], /, *, key: Callable[[T], Any] | None = None
    ) -> T: ...
    @overload
    def __call__(self, xs: Items[T], /, *, key: Callable[[T], Any] | None = None, default: D) -> T | D: ...
    @overload
    def __call__(self, x: int, y: int, /, *more: int) -> int: ...
    @overload
    def __call__(self, x: float, y: float, /, *more: float) -> float: ...
    @overload
    def __call__(self, x: Value, y: Operand, /, *more: Operand) -> Value: ...
    @overload
    def __call__(self, x: float, y: Value, /, *more: Operand) -> Value: ...
    @overload
    def __call__(self, x: T, y: T, /, *more: T, key: Callable[[T], Any] | None = None) -> T: ...
    @overload
    def __call__(self, xs: Iterable[Operand], /) -> Operand: ...


class Dot(Protocol):
    """A sum of products."""

    @overload
    def __call__(self, w: Array, x: Array | Iterable[Operand]) -> Operand: ...
    @overload
    def __call__(self, w: Array | Iterable[Operand], x: Array) -> Operand: ...
    @overload
    def __call__(self, w: Items[Value], x: Items[Operand]) -> Value: ...
    @overload
    def __call__(self, w: Items[float], x: Items[Value]) -> Value: ...
    @overload
    def __call__(self, w: Items[float], x: Items[float]) -> float: ...
    @overload
    def __call__(self, w: Items[Operand], x: Items[Operand]) -> Operand: ...
    @overload
    def __call__(self, w: Items[Array], x: Items[Operand]) -> NDArray[Any]: ...
    @overload
    def __call__(self, w: Iterable[Operand], x: Iterable[Operand]) -> Operand: ...


class Normalized(Protocol):
    """A function of a sequence that gives one number for each of its items."""

    @overload
    def __call__(self, xs: Array, /) -> NDArray[Any]: ...
    @overload
    def __call__(self, xs: Items[Value], /) -> list[Value]: ...
    @overload
    def __call__(self, xs: Items[float], /) -> list[float]: ...
    @overload
    def __call__(self, xs: Items[Operand], /) -> list[float] | list[Value]: ...
    @overload
    def __call__(self, xs: Items[Array], /) -> list[NDArray[Any]]: ...


class Hypot(Protocol):
    """Length of a vector of any number of coordinates."""

    @overload
    def __call__(self, *coordinates: float) -> float: ...
    @overload
    def __call__(self, x: Value, /, *more: Operand) -> Value: ...
    @overload
    def __call__(self, x: float, y: Value, /, *more: Operand) -> Value: ...
    @overload
    def __call__(self, x: float, y: float, z: Value, /, *more: Operand) -> Value: ...
    @overload
    def __call__(self, x: Array, /, *more: Operand | Array) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: Operand, y: Array, /, *more: Operand | Array) -> NDArray[Any]: ...


class Where(Protocol):
    """A choice."""

    @overload
    def __call__(self, condition: Value, a: Operand, b: Operand) -> Value: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, condition: SupportsBool, a: float, b: float) -> float: ...
    @overload
    def __call__(self, condition: SupportsBool, a: Value, b: Operand) -> Value: ...
    @overload
    def __call__(self, condition: SupportsBool, a: float, b: Value) -> Value: ...
    @overload
    def __call__(self, condition: Array, a: Operand | Array, b: Operand | Array) -> NDArray[Any]: ...
    @overload
    def __call__(self, condition: SupportsBool, a: Array, b: Operand | Array) -> NDArray[Any]: ...
    @overload
    def __call__(self, condition: SupportsBool, a: Operand, b: Array) -> NDArray[Any]: ...


class Clip(Protocol):
    """A number held between two others."""

    @overload
    def __call__(self, x: float, low: float | None = None, high: float | None = None) -> float: ...
    @overload
    def __call__(self, x: Value, low: Operand | None = None, high: Operand | None = None) -> Value: ...
    @overload
    def __call__(self, x: float, low: Value, high: Operand | None = None) -> Value: ...
    @overload
    def __call__(self, x: float, low: float | None, high: Value) -> Value: ...
    @overload
    def __call__(self, x: float, *, high: Value) -> Value: ...
    @overload
    def __call__(
        self, x: Array, low: Operand | Array | None = None, high: Operand | Array | None = None
    ) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: Operand, low: Array, high: Operand | Array | None = None) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: Operand, low: Operand | None, high: Array) -> NDArray[Any]: ...
