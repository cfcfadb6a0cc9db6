"""The complex step of many numbers at once: a rule's slopes at all the points where a graph uses it.

As `complex_step.py`, with NumPy's complex functions for those of `cmath`. A choice takes both of its sides and
selects; a tie between numbers that move apart is refused for all of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import BINARY, SYSTEMS, UNARY, NumberSystem
from .complex_step import STEP, THIRD, NoStepError
from .floats import LN2, LOG2E, LOG10E, TWO_OVER_SQRT_PI
from .numpy_arrays import NUMPY, NUMPY_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


class Steps:
    """Numbers, and how fast each moves.

    Args:
        at: The numbers.
        by: Their slopes.
    """

    __slots__ = ("at", "by")
    __array_ufunc__ = None  # an array beside it is asked last
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, at: Any, by: Any) -> None:
        self.at = at
        self.by = by

    def __add__(self, other: Any) -> Steps:
        at, by = _parts(other)
        return Steps(self.at + at, self.by + by)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Steps:
        at, by = _parts(other)
        return Steps(self.at - at, self.by - by)

    def __rsub__(self, other: Any) -> Steps:
        return Steps(other - self.at, -self.by)

    def __mul__(self, other: Any) -> Steps:
        at, by = _parts(other)
        return Steps(self.at * at, self.at * by + self.by * at)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Steps:
        at, by = _parts(other)
        z = self.at / at
        return Steps(z, (self.by - z * by) / at)

    def __rtruediv__(self, other: Any) -> Steps:
        z = other / self.at
        return Steps(z, -z * self.by / self.at)

    def __neg__(self) -> Steps:
        return Steps(-self.at, -self.by)

    def __pos__(self) -> Steps:
        return self

    def __abs__(self) -> Steps:
        return chosen(self < 0, -self, self)

    def __pow__(self, other: Any) -> Steps:
        return power(self, other)

    def __rpow__(self, other: Any) -> Steps:
        return power(other, self)

    def __lt__(self, other: Any) -> Any:
        return self.at < self._apart_from(other)

    def __le__(self, other: Any) -> Any:
        return self.at <= self._apart_from(other)

    def __gt__(self, other: Any) -> Any:
        return self.at > self._apart_from(other)

    def __ge__(self, other: Any) -> Any:
        return self.at >= self._apart_from(other)

    def __eq__(self, other: object) -> Any:
        return self.at == self._apart_from(other)

    def _apart_from(self, other: Any) -> Any:
        """What to compare with.

        Raises:
            NoStepError: A tie with a number that moves otherwise.
        """
        there, by = _parts(other)
        if np.any((self.at == there) & (self.by != by)):
            raise NoStepError
        return there


def _parts(x: Any) -> tuple[Any, Any]:
    return (x.at, x.by) if x.__class__ is Steps else (x, 0.0)


def chosen(condition: Any, a: Any, b: Any) -> Steps:
    """One of two numbers at each place."""
    pairs = zip(_parts(a), _parts(b), strict=True)
    return Steps(*(np.where(condition, x, y) for x, y in pairs))


def _stepped(x: Any) -> Any:
    """As complex numbers; what stands still is a real one."""
    return x.at + 1j * (STEP * x.by) if x.__class__ is Steps else x


def power(x: Any, y: Any) -> Steps:
    """x^y; 0 has no power here, as `log` has none of it."""
    base, exponent = _parts(x)[0], _parts(y)[0]
    if np.any(base == 0):
        raise NoStepError
    return Steps(np.power(base, exponent), np.power(_stepped(x), _stepped(y)).imag / STEP)


class ComplexArrays(NumberSystem):
    """`Steps`, and floats beside them that stand still."""

    ln2, log2e, log10e, two_over_sqrt_pi, pi = LN2, LOG2E, LOG10E, TWO_OVER_SQRT_PI, math.pi

    def number(self, x: Any) -> Any:
        return x if x.__class__ is Steps else float(x)

    def to_round(self, careful: Callable[[], Any], plain: Callable[[], Any]) -> Any:
        """As of a single number."""
        try:
            return careful()
        except NoStepError:
            return plain()

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return chosen(condition, a, b)

    def abs(self, x: Any) -> Any:
        return abs(x)

    def pow(self, x: Any, y: Any) -> Any:
        return power(x, y)

    def hypot(self, x: Any, y: Any) -> Any:
        return self.sqrt(x * x + y * y)  # type: ignore[attr-defined]

    def copysign(self, x: Any, y: Any) -> Any:
        return chosen(y < 0, -abs(x), abs(x))

    def floor(self, x: Any) -> Any:
        return _level(np.floor, x)

    def ceil(self, x: Any) -> Any:
        return _level(np.ceil, x)

    def log2(self, x: Any) -> Any:
        return self.log(x) * LOG2E  # type: ignore[attr-defined]

    def log10(self, x: Any) -> Any:
        return self.log(x) * LOG10E  # type: ignore[attr-defined]

    def exp2(self, x: Any) -> Any:
        return power(2.0, x)


def _level(function: Callable[[Any], Any], x: Any) -> Any:
    at, by = _parts(x)
    found = function(at)
    if np.any((found == at) & (by != 0)):
        raise NoStepError
    return Steps(found, 0.0 * at)


def _cube_root(z: Any) -> Any:
    return np.where(z.real > 0, 1, -1) * np.where(z.real > 0, z, -z) ** THIRD


# Slopes of what NumPy has no complex function for under its own name.
NAMED: dict[str, Callable[[Any], Any]] = {
    "log1p": lambda z: np.log(1 + z),
    "expm1": np.exp,
    "cbrt": _cube_root,
    "gaussian": lambda z: np.exp(-z * z),
    "normal_pdf": lambda z: np.exp(-z * z / 2) / math.sqrt(2 * math.pi),
}
COMPLEX = "exp log sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh".split()


def _function(name: str, function: Callable[[Any], Any]) -> Any:
    real = getattr(NUMPY, name)

    def stepped(_: Any, x: Any) -> Any:
        at = real(_parts(x)[0])
        return Steps(at, function(_stepped(x)).imag / STEP) if x.__class__ is Steps else at

    return stepped


def _refused(*_: Any) -> Any:
    raise NotImplementedError


for _name in (*UNARY, *BINARY):
    if _name in COMPLEX:
        setattr(ComplexArrays, _name, _function(_name, getattr(np, NUMPY_NAMES.get(_name, _name))))
    elif _name in NAMED:
        setattr(ComplexArrays, _name, _function(_name, NAMED[_name]))
    elif _name not in vars(ComplexArrays):
        setattr(ComplexArrays, _name, _refused)

COMPLEX_ARRAYS: Any = ComplexArrays()
SYSTEMS[Steps] = COMPLEX_ARRAYS


def slopes(value: Callable[..., Any], xs: Sequence[Any], by: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values of a rule at many points, and its slopes with respect to one operand.

    Args:
        value: `Primitive.value`.
        xs: The operands: an array each, or a float that is the same at all points.
        by: Which of them moves.

    Raises:
        NoStepError: The complex step does not tell it at one of the points.
        NotImplementedError: Nor at any; a user's rule may raise anything else.
    """
    operands = [
        Steps(np.asarray(x), np.full(np.shape(x), float(i == by))) if i == by or np.ndim(x) else x
        for i, x in enumerate(xs)
    ]
    z = value(COMPLEX_ARRAYS, *operands)
    count = max(map(np.size, xs))
    return tuple(np.broadcast_to(part, (count,)) for part in _parts(z))  # type: ignore[return-value]
