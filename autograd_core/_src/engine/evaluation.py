"""Primitives at plain numbers: what counts as a number, and the value and partials of a rule there."""

from __future__ import annotations

import math
from contextlib import suppress
from numbers import Rational, Real
from operator import index
from typing import TYPE_CHECKING, Any

from ...errors import OperandError, RangeError
from ..any_object import shown
from ..number_systems.floats import FLOATS, PLAIN_FLOATS, Double

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ops import Primitive


OPERAND = "a real number or a Value"  # what a function takes, and also an array of them


def number(x: Any, caller: str = "Value", expected: str = "a real number") -> Any:
    """`x` as data: a float, or a Fraction unchanged.

    Raises:
        OperandError: `x` is no real number.
        RangeError: An int beyond the range of a float.
    """
    if x.__class__ is float:
        return x
    if type(x).__module__ == "numpy" and not hasattr(x, "__len__") and x.dtype.kind in "biu":
        x = int(x)  # a NumPy scalar, no array
    if is_fraction(x):
        return x
    if not isinstance(x, Real):
        hint = ""
        if hasattr(type(x), "local_grads"):  # looked up on the class: on a node it would compute them
            hint = "; use .detach() for a new leaf, or the Value itself"
        elif hasattr(x, "shape") and not isinstance(x, type):
            way = "make it a NumPy array" if expected == OPERAND else "make one Value per entry"
            way = "pass .to_numpy()" if hasattr(type(x), "to_numpy") else f"{way}, or use .item()"
            hint = f" of shape {tuple(x.shape)}; {way}"
        elif isinstance(x, (list, tuple, range)):
            way = "apply it to each entry, or to np.array(...)" if expected == OPERAND else "make one Value per entry"
            hint = f"; {way}"
        elif isinstance(x, str) and _is_written_number(x):
            hint = "; float(...) reads a text"
        msg = f"{caller}: expected {expected}, got {shown(x)}{hint}"
        raise OperandError(msg)
    try:
        return float(x)
    except OverflowError:
        msg = (
            f"{caller}: an int of {x.bit_length()} bits is beyond the range of a float; "  # type: ignore[attr-defined]
            "pass fractions.Fraction(...) to keep it exact"
        )
        raise RangeError(msg) from None


def _is_written_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def is_fraction(x: Any) -> bool:
    """Whether `x` is exact and no int: a Fraction, or another library's."""
    return x.__class__ is not float and isinstance(x, Rational) and not (isinstance(x, int) or hasattr(x, "dtype"))


def decimal(x: Any) -> Any:
    """A Fraction as a Decimal, for printing: it may be beyond float."""
    from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal  # with fractions, 10 ms

    context = Context(prec=28, Emax=MAX_EMAX, Emin=MIN_EMIN)
    return context.divide(Decimal(int(x.numerator)), Decimal(int(x.denominator)))


def written(x: Any, longest: int = 1_000) -> str:
    """A number as text; a Fraction that takes more characters is rounded. Python itself refuses above 4 300 digits."""
    if is_fraction(x):
        bits = int(x.numerator).bit_length() + int(x.denominator).bit_length()
        exactly = str(x) if bits <= 4 * longest else ""
        return exactly if 0 < len(exactly) <= longest else f"{decimal(x):.16g}"
    return str(x)


def times(x: Any, y: Any) -> Any:
    """The product; of a float and a Fraction beyond floats it is infinite, as in the forward pass."""
    try:
        return x * y
    except OverflowError:
        return rounded(x) * rounded(y)


def plus(x: Any, y: Any) -> Any:
    """The sum, likewise."""
    try:
        return x + y
    except OverflowError:
        return rounded(x) + rounded(y)


def whole(x: Any, caller: str, name: str, least: int = 1) -> int:
    """An argument that is to be an int, of any library, and at least `least`.

    Raises:
        OperandError: It is no int; a bool is none.
        RangeError: It is too small.
    """
    n = None
    with suppress(TypeError):  # an array has `__index__`, too
        n = None if isinstance(x, bool) else index(x)
    if n is None:
        msg = f"{caller}: expected {name} to be an int, got {shown(x)}"
        raise OperandError(msg)
    if n < least:
        msg = f"{caller}: expected {name} to be at least {least}, got {n}"
        raise RangeError(msg)
    return n


def is_finite(x: Any) -> bool:
    """Whether a number is neither infinite nor NaN; a Fraction never is."""
    return x.__class__ is not float or math.isfinite(x)


def evaluate(primitive: Primitive, xs: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
    """Value and partials of a primitive at plain numbers; nothing raises where IEEE 754 defines a result."""
    if any(x.__class__ is not float for x in xs):
        if any(map(is_fraction, xs)):
            return _evaluate_exactly(primitive, xs)
        xs = [number(x, primitive.name) for x in xs]
    try:
        z = primitive.value(PLAIN_FLOATS, *xs)
        partials = primitive.partials(PLAIN_FLOATS, *xs, z)
    except (ArithmeticError, ValueError):
        ys = [Double(x) for x in xs]
    else:
        return float(z), tuple(map(float, partials))
    # Behind the handler: what a user's rule raises again would be shown twice.
    z = primitive.value(FLOATS, *ys)
    return float(z), tuple(map(float, primitive.partials(FLOATS, *ys, z)))


def value_of(primitive: Primitive, xs: Sequence[Any]) -> Any:
    """The value alone, as `evaluate` gives it."""
    if {*map(type, xs)} - {float}:
        return evaluate(primitive, xs)[0]
    try:
        z = float(primitive.value(PLAIN_FLOATS, *xs))
    except (ArithmeticError, ValueError):
        z = None  # behind the handler, as above
    return evaluate(primitive, xs)[0] if z is None else z


def _evaluate_exactly(primitive: Primitive, xs: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
    from ..number_systems.exact import EXACT  # brings fractions, which need 10 ms to import

    ys = [x if x.__class__ is float else EXACT.number(x) for x in xs]
    try:
        z = primitive.value(EXACT, *ys)
        return EXACT.kept(z), tuple(map(EXACT.kept, primitive.partials(EXACT, *ys, z)))
    except ArithmeticError:  # 1/0, or a Fraction beyond float where a float is needed
        return evaluate(primitive, [rounded(x) for x in ys])


def rounded(x: Any) -> float:
    """The nearest float; infinite beyond all floats."""
    try:
        return float(x)
    except OverflowError:
        return math.copysign(math.inf, x > 0 or -1)
