"""`@primitive`: a user's function as one node, with its own derivative."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, overload

from ...errors import OperandError, StructureError
from ..any_object import brief, shown
from ..wrong_calls import says_how
from .elementwise import elementwise, has_array
from .ops import PRIMITIVES, USER_PRIMITIVES, Primitive
from .recording import record, record_by_rule
from .value import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .signatures import Array


class UserPrimitive:
    """A function that makes one node; `.partials` is a decorator that gives its derivatives.

    Args:
        function: Takes n numbers, returns a number. Written with operators and this library's
            functions it is read in every number system, so it can be checked to 50 digits.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        _python_function(function, "primitive")
        code = function.__code__
        many = bool(code.co_flags & 0x04)
        name = function.__name__
        if name in PRIMITIVES:
            msg = f"primitive {name!r}: a built-in primitive has this name; choose another"
            raise StructureError(msg)
        if code.co_argcount == 0 and not many:
            msg = f"primitive {name!r}: expected a function of at least one number, got one without arguments"
            raise StructureError(msg)
        self.function = function
        self.__name__ = name
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        self._arity = None if many else code.co_argcount

        def value(_: Any, *xs: Any) -> Any:
            return _number(function(*xs), name)

        value.__wrapped__ = function  # type: ignore[attr-defined]  # whose source a report pastes
        self._primitive = Primitive(
            name,
            value,
            self._no_partials,
            arity=self._arity,
            module=function.__module__,
            qualname=function.__qualname__,
            summary=(function.__doc__ or "").strip().split("\n")[0],
        )
        USER_PRIMITIVES[self._primitive.module, self._primitive.qualname] = self._primitive

    @overload
    def __call__(self, *operands: float) -> float: ...
    @overload
    def __call__(self, x: Value, /, *more: float | Value) -> Value: ...
    @overload
    def __call__(self, x: float, y: Value, /, *more: float | Value) -> Value: ...
    @overload
    def __call__(self, x: float, y: float, z: Value, /, *more: float | Value) -> Value: ...
    @overload
    def __call__(self, x: Array, /, *more: float | Value | Array) -> NDArray[Any]: ...
    @overload
    def __call__(self, x: float | Value, y: Array, /, *more: float | Value | Array) -> NDArray[Any]: ...
    def __call__(self, *operands: Any) -> Any:
        """A node for Values, a number for numbers; on arrays one for each element."""
        if self._arity is not None and len(operands) != self._arity:
            msg = f"{self.__name__}: expected {self._arity} operand(s), got {len(operands)}"
            raise StructureError(msg)
        node = record_by_rule(self._primitive, operands)
        if node is not None:
            return node
        if has_array(operands):
            return elementwise(self._primitive, operands, self)
        if not any(isinstance(x, Value) for x in operands):
            return self.function(*operands)
        return record(self._primitive, *operands)

    def partials(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule `(x, ..., z) -> (dz/dx, ...)`; z is the result. Usable as a decorator.

        Args:
            rule: Takes the operands and the result, returns a tuple with one partial per operand.

        Returns:
            The rule itself.

        Raises:
            OperandError: `rule` is no function written in Python.

        Example:
            >>> import autograd_core as ag
            >>> @ag.primitive
            ... def cube(x):
            ...     return x**3
            >>> @cube.partials
            ... def _(x, z):
            ...     return (3 * x**2,)
            >>> ag.grad(ag.grad(cube))(2.0)
            12.0
        """
        name = self.__name__
        _python_function(rule, f"{name}.partials")

        def checked(_: Any, *xs_and_z: Any) -> tuple[Any, ...]:
            n = len(xs_and_z) - 1
            given = rule(*xs_and_z)
            if not isinstance(given, (tuple, list)) or len(given) != n:
                msg = f"partials of {name!r}: expected a tuple of {n}, one per operand, got {brief(given)}"
                raise StructureError(msg)
            return tuple(_number(d, f"partials of {name}") for d in given)

        checked.__wrapped__ = rule  # type: ignore[attr-defined]  # where a report finds the line
        self._primitive.partials = checked
        return rule

    def _no_partials(self, *_: Any) -> Any:
        msg = (
            f"primitive {self.__name__!r} has no partials yet; give them with\n"
            f"    @{self.__name__}.partials\n    def _(x, z): return (...,)"
        )
        raise StructureError(msg)

    def __repr__(self) -> str:
        return f"<primitive {self.__name__}>"


def _python_function(given: Any, caller: str) -> None:
    if not isinstance(given, FunctionType):
        kind = type(given).__name__
        msg = f"{caller}: expected a function written in Python, got {brief(given)} ({kind}); wrap it in a def"
        raise OperandError(msg)


def _number(x: Any, name: str) -> Any:
    if x is None or isinstance(x, (str, bytes, list, tuple, dict, complex)):
        msg = f"{name}: expected the function to return a real number, got {shown(x)}"
        raise OperandError(msg)
    return x


@says_how
def primitive(function: Callable[..., Any]) -> UserPrimitive:
    """Make a function one node of the graph, with a derivative of your own.

    The function that `partials` decorates gets the operands and then the result z, and gives a tuple with one
    derivative per operand; what comes in from above is multiplied by the library. Where both are written with operators
    and this library's functions (`ag.where` in place of `if`), the node can be compiled, and checked in 50 digits;
    with `math` it runs on floats alone. `testing.check_gradient(f, point)` judges it.

    Defining a function of the same name again in the same place replaces the first one; the
    names of built-in primitives are protected.

    Args:
        function: Takes n numbers, returns a number.

    Returns:
        A callable; give its derivatives with its `.partials` decorator.

    Raises:
        OperandError: `function` is no function written in Python.
        StructureError: A built-in primitive has the name, or the function takes no argument.

    Example:
        >>> import autograd_core as ag
        >>> @ag.primitive
        ... def double(x):
        ...     return 2 * x
        >>> @double.partials
        ... def _(x, z):
        ...     return (2,)
        >>> y = double(ag.Value(4.0))
        >>> y.data, y.op, y.local_grads
        (8.0, 'double', (2.0,))
    """
    return UserPrimitive(function)
