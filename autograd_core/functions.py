"""The public functions, and the number system of Values, in which a gradient is itself a graph.

On plain numbers every function gives a number; with a Value among the arguments, a Value.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, Protocol, overload

from .errors import OperandError, StructureError
from .number_systems.base import CONSTANTS, UNARY, NumberSystem
from .number_systems.floats import FLOATS
from .ops import ROWS
from .value import FUSED, Value, record, record_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Unary(Protocol):
    """A function of one operand: of a number it gives a number, of a Value a Value."""

    @overload
    def __call__(self, x: float, /) -> float: ...
    @overload
    def __call__(self, x: Value, /) -> Value: ...


class Binary(Protocol):
    """A function of two operands: of numbers it gives a number, else a Value."""

    @overload
    def __call__(self, x: float, y: float, /) -> float: ...
    @overload
    def __call__(self, x: Value, y: float | Value, /) -> Value: ...
    @overload
    def __call__(self, x: float, y: Value, /) -> Value: ...


def _function(name: str, *example: float) -> Any:
    """The public function of a row, documented from the row and from one known point.

    Args:
        name: The row's name.
        *example: Operands and the result there, to ten digits, from a source other than the row.
    """
    row, function = ROWS[name], FUSED[name]
    *xs, z = example
    call = f"ag.{name}({', '.join(map(repr, xs))})"
    lines = [row.summary, ""]
    lines += ["Args:", *(f"    {x}: A real number or a Value, dimensionless." for x in "xy"[: row.arity])]
    lines += ["", "Returns:", "    A number for plain numbers, a Value where one is among the arguments."]
    lines += ["", "Raises:", "    OperandError: An argument is neither a real number nor a Value."]
    if row.kink:
        lines += ["", f"Kink: {row.kink}."]
    lines += ["", "Example:", "    >>> import autograd_core as ag"]
    lines += [f"    >>> {call if z == round(z, 6) else f'round({call}, 9)'}", f"    {round(z, 9)!r}"]
    function.__doc__ = "\n".join(lines)
    function.__module__ = __name__
    return function


exp: Unary = _function("exp", 1.0, 2.718281828459)
expm1: Unary = _function("expm1", 1e-20, 1e-20)
exp2: Unary = _function("exp2", 0.5, 1.414213562373)
log1p: Unary = _function("log1p", 0.5, 0.4054651081082)
log2: Unary = _function("log2", 8.0, 3.0)
log10: Unary = _function("log10", 2.0, 0.301029995664)
sqrt: Unary = _function("sqrt", 2.0, 1.414213562373)
cbrt: Unary = _function("cbrt", -2.0, -1.259921049895)
sin: Unary = _function("sin", 0.5, 0.4794255386042)
cos: Unary = _function("cos", 0.5, 0.8775825618904)
tan: Unary = _function("tan", 0.5, 0.5463024898438)
asin: Unary = _function("asin", 0.5, 0.5235987755983)
acos: Unary = _function("acos", 0.5, 1.047197551197)
atan: Unary = _function("atan", 0.5, 0.4636476090008)
atan2: Binary = _function("atan2", 1.0, 2.0, 0.4636476090008)
sinh: Unary = _function("sinh", 0.5, 0.5210953054937)
cosh: Unary = _function("cosh", 0.5, 1.127625965206)
tanh: Unary = _function("tanh", 0.5, 0.46211715726)
asinh: Unary = _function("asinh", 0.5, 0.4812118250596)
acosh: Unary = _function("acosh", 2.0, 1.316957896925)
atanh: Unary = _function("atanh", 0.5, 0.5493061443341)
sigmoid: Unary = _function("sigmoid", 0.5, 0.6224593312019)
softplus: Unary = _function("softplus", 0.5, 0.9740769841801)
relu: Unary = _function("relu", -3.0, 0.0)
silu: Unary = _function("silu", 0.5, 0.3112296656009)
gelu: Unary = _function("gelu", 0.5, 0.345731230637)
erf: Unary = _function("erf", 0.5, 0.520499877813)
erfc: Unary = _function("erfc", 0.5, 0.479500122187)
gaussian: Unary = _function("gaussian", 0.5, 0.7788007830714)
normal_pdf: Unary = _function("normal_pdf", 0.5, 0.3520653267643)
normal_cdf: Unary = _function("normal_cdf", 0.5, 0.691462461274)
abs: Unary = _function("abs", -3.0, 3.0)  # noqa: A001  ag.abs, left out of __all__
sign: Unary = _function("sign", -3.0, -1.0)
floor: Unary = _function("floor", -0.5, -1.0)
ceil: Unary = _function("ceil", 0.5, 1.0)
maximum: Binary = _function("maximum", 2.0, 3.0, 3.0)
minimum: Binary = _function("minimum", 2.0, 3.0, 2.0)
_log: Any = _function("log", 2.0, 0.6931471805599)


@overload
def log(x: float, base: float | None = None) -> float: ...
@overload
def log(x: Value, base: float | Value | None = None) -> Value: ...
@overload
def log(x: float, base: Value) -> Value: ...
def log(x: Any, base: Any = None) -> Any:
    """Natural logarithm, or that to a base, as `math.log`; log(0) = -inf, of negatives NaN.

    Args:
        x: A real number or a Value, dimensionless.
        base: A positive number or Value; None for e.

    Returns:
        A number for plain numbers, a Value where one is among the arguments.

    Example:
        >>> import autograd_core as ag
        >>> ag.log(0.0), ag.log(8, 2), ag.log(8, 1)
        (-inf, 3.0, inf)
    """
    return _log(x) if base is None else record(ROWS["div"], _log(x), _log(base))


@overload
def leaky_relu(x: float, negative_slope: float = 0.01) -> float: ...
@overload
def leaky_relu(x: Value, negative_slope: float | Value = 0.01) -> Value: ...
@overload
def leaky_relu(x: float, negative_slope: Value) -> Value: ...
def leaky_relu(x: Any, negative_slope: Any = 0.01) -> Any:
    """x where it is positive, else negative_slope * x (Maas, Hannun, Ng, 2013).

    Args:
        x: A real number or a Value.
        negative_slope: Likewise; the derivative at and below 0.

    Returns:
        A number for plain numbers, a Value where one is among the arguments.

    Example:
        >>> import autograd_core as ag
        >>> ag.leaky_relu(-2.0, 0.1)
        -0.2
    """
    return FUSED["leaky_relu"](x, negative_slope)


@overload
def elu(x: float, alpha: float = 1.0) -> float: ...
@overload
def elu(x: Value, alpha: float | Value = 1.0) -> Value: ...
@overload
def elu(x: float, alpha: Value) -> Value: ...
def elu(x: Any, alpha: Any = 1.0) -> Any:
    """x where it is positive, else alpha * (exp(x) - 1) (Clevert, Unterthiner, Hochreiter, 2015).

    Args:
        x: A real number or a Value.
        alpha: Likewise; also the derivative at 0.

    Returns:
        A number for plain numbers, a Value where one is among the arguments.

    Example:
        >>> import autograd_core as ag
        >>> ag.elu(-1e9), ag.elu(3.0)
        (-1.0, 3.0)
    """
    return FUSED["elu"](x, alpha)


def hypot(*coordinates: Any) -> Any:
    """Length of a vector, without overflow on the way; its derivatives at the origin are 0.

    Args:
        *coordinates: Real numbers or Values, as `math.hypot` takes them.

    Returns:
        A number for plain numbers, a Value where one is among the arguments.

    Example:
        >>> import autograd_core as ag
        >>> ag.hypot(1e300, 0.0), ag.hypot(3.0, 4.0)
        (1e+300, 5.0)
    """
    return FUSED["hypot"](*coordinates) if len(coordinates) == 2 else norm(coordinates)


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds (is not 0), else `b`. Both are computed, one gets the gradient.

    Since a derivative of 0 stops even an infinite one, a guard works:
    where(x > 0, sqrt(x), 0) has derivative 0 at x = 0.

    Args:
        condition: A bool, a number, or a Value such as `x > 0`; it is recorded as an operand.
        a: A real number or a Value.
        b: Likewise.

    Returns:
        A number for plain numbers, a Value where one is among the arguments.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(0.0)
        >>> y = ag.where(x > 0, ag.sqrt(x), 0)
        >>> y.backward(); x.grad
        0.0
    """
    return record(ROWS["where"], condition, a, b)


def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    """x held between two bounds; the gradient passes at the bounds themselves.

    Args:
        x: A real number or a Value.
        low: Likewise, or None for no bound.
        high: Likewise, or None for no bound.

    Returns:
        A number for plain numbers, a Value where one is among the arguments.

    Example:
        >>> import autograd_core as ag
        >>> ag.clip(7.0, 0.0, 5.0)
        5.0
    """
    return record(ROWS["clip"], x, float("-inf") if low is None else low, float("inf") if high is None else high)


for _method in (leaky_relu, elu, clip):  # as methods, too, with their defaults
    setattr(Value, _method.__name__, _method)

# --- over a sequence ----------------------------------------------------------------------------


def _items(xs: Iterable[Any], caller: str) -> list[Any]:
    try:
        return xs if xs.__class__ is list else list(xs)
    except TypeError:
        msg = f"{caller}: expected a sequence of numbers, got {type(xs).__name__}; for two numbers see maximum, hypot"
        raise OperandError(msg) from None


def _some(xs: Iterable[Any], caller: str) -> list[Any]:
    items = _items(xs, caller)
    if not items:
        msg = f"{caller}: expected at least one number, got an empty sequence"
        raise StructureError(msg)
    return items


def sum(xs: Iterable[Any], /, start: Any = 0) -> Any:  # noqa: A001  ag.sum, left out of __all__
    """Sum of a sequence as one node with n operands, rounded from left to right.

    Args:
        xs: Real numbers or Values. What the built-in `sum` takes besides, it still gets.
        start: What to begin with.

    Returns:
        A Value where one is among the numbers, else a number; `start` for an empty sequence.

    Example:
        >>> import autograd_core as ag
        >>> s = ag.sum([ag.Value(1.0), ag.Value(2.0), 3])
        >>> s.data, len(s.parents)
        (6.0, 3)
    """
    items = _items(xs, "sum")
    if start.__class__ is not int or start != 0:
        items = [start, *items]
    for x in items:
        if x.__class__ is not int and x.__class__ is not bool:
            break
    else:
        return builtins.sum(items)
    if not _all_numbers(items):
        return builtins.sum(items[1:], items[0]) if items[0] is start else builtins.sum(items)
    return record_many(ROWS["sum"], items)


def _all_numbers(items: Iterable[Any]) -> bool:
    """Whether an item is nothing to add up as arrays or lists are; a str is for `record` to refuse."""
    return all(isinstance(x, (Value, str)) or not hasattr(x, "__iter__") for x in items)


def dot(w: Iterable[Any], x: Iterable[Any]) -> Any:
    """w1*x1 + ... + wn*xn as one node, rounded from left to right.

    Args:
        w: n real numbers or Values.
        x: n real numbers or Values.

    Returns:
        A Value where one is among the numbers, its parents w1 ... wn, x1 ... xn; else a number.

    Raises:
        StructureError: The lengths differ.

    Example:
        >>> import autograd_core as ag
        >>> ag.dot([1.0, 2.0], [3.0, 4.0])
        11.0
    """
    ws, xs = _items(w, "dot"), _items(x, "dot")
    if len(ws) != len(xs):
        msg = f"dot: expected two sequences of equal length, got {len(ws)} and {len(xs)}"
        raise StructureError(msg)
    return record_many(ROWS["dot"], ws + xs)


def prod(xs: Iterable[Any]) -> Any:
    """Product of a sequence as one node; its derivatives are right beside zeros, too.

    Args:
        xs: Real numbers or Values; 1.0 for none.

    Returns:
        A Value where one is among the numbers, else a number.

    Example:
        >>> import autograd_core as ag
        >>> ag.prod([2.0, 3.0, 4.0])
        24.0
    """
    return record_many(ROWS["prod"], _items(xs, "prod"))


def mean(xs: Iterable[Any]) -> Any:
    """Arithmetic mean as one node.

    Args:
        xs: At least one real number or Value.

    Returns:
        A Value where one is among the numbers, else a number.

    Raises:
        StructureError: The sequence is empty.

    Example:
        >>> import autograd_core as ag
        >>> ag.mean([1.0, 2.0, 6.0])
        3.0
    """
    return record_many(ROWS["mean"], _some(xs, "mean"))


def _extreme(name: str, args: tuple[Any, ...], key: Any, default: Any) -> Any:
    builtin = getattr(builtins, name)
    items = _items(args[0], name) if len(args) == 1 else list(args)
    if default is not _MISSING:
        if len(args) > 1:
            msg = f"{name}: expected a default only beside one sequence, got {len(args)} arguments and {default!r}"
            raise StructureError(msg)
        if not items:
            return default
    items = _some(items, name)
    if key is not None:
        return builtin(items, key=key)
    if builtins.all(type(x) in (int, bool, str) for x in items) or not _all_numbers(items):
        return builtin(items)
    return record_many(ROWS[name], items)


_MISSING = object()


def max(*args: Any, key: Any = None, default: Any = _MISSING) -> Any:  # noqa: A001
    """Largest of a sequence, or of several arguments, as one node; a tie goes to the first.

    Args:
        *args: One sequence of real numbers or Values, or two and more of them.
        key: As for the built-in: the item whose key is the largest.
        default: What an empty sequence gives.

    Returns:
        A Value where one is among the numbers, else a number; NaN if one is NaN.

    Raises:
        StructureError: The sequence is empty and there is no default.

    Example:
        >>> import autograd_core as ag
        >>> ag.max([1.0, 5.0, 2.0]), ag.max([], default=0.0)
        (5.0, 0.0)
    """
    return _extreme("max", args, key, default)


def min(*args: Any, key: Any = None, default: Any = _MISSING) -> Any:  # noqa: A001
    """Smallest of a sequence, or of several arguments, as one node; a tie goes to the first.

    Args:
        *args: One sequence of real numbers or Values, or two and more of them.
        key: As for the built-in: the item whose key is the smallest.
        default: What an empty sequence gives.

    Returns:
        A Value where one is among the numbers, else a number; NaN if one is NaN.

    Raises:
        StructureError: The sequence is empty and there is no default.

    Example:
        >>> import autograd_core as ag
        >>> ag.min(4.0, 3.0)
        3.0
    """
    return _extreme("min", args, key, default)


def logsumexp(xs: Iterable[Any]) -> Any:
    """log(exp(x1) + ... + exp(xn)) as one node, without overflow (Blanchard, Higham, Higham, 2021).

    Args:
        xs: At least one real number or Value.

    Returns:
        A Value where one is among the numbers, else a number. Its derivatives are the softmax.

    Raises:
        StructureError: The sequence is empty.

    Example:
        >>> import autograd_core as ag
        >>> ag.logsumexp([1000.0, 1000.0])
        1000.6931471805599
    """
    return record_many(ROWS["logsumexp"], _some(xs, "logsumexp"))


def log_softmax(xs: Iterable[Any]) -> list[Any]:
    """x_i - logsumexp(x) for every i.

    Args:
        xs: At least one real number or Value.

    Returns:
        A list of the same length.

    Raises:
        StructureError: The sequence is empty.

    Example:
        >>> import autograd_core as ag
        >>> [round(y, 3) for y in ag.log_softmax([0.0, 0.0])]
        [-0.693, -0.693]
    """
    items = _some(xs, "log_softmax")
    total = logsumexp(items)
    return [x - total for x in items]


def softmax(xs: Iterable[Any]) -> list[Any]:
    """exp(x_i - logsumexp(x)) for every i: positive numbers whose sum is 1.

    Args:
        xs: At least one real number or Value.

    Returns:
        A list of the same length.

    Raises:
        StructureError: The sequence is empty.

    Example:
        >>> import autograd_core as ag
        >>> ag.softmax([1000.0, 0.0])
        [1.0, 0.0]
    """
    return [exp(x) for x in log_softmax(_some(xs, "softmax"))]


def norm(xs: Iterable[Any]) -> Any:
    """Euclidean length of a sequence as one node, without overflow; at 0 its derivatives are 0.

    Args:
        xs: Real numbers or Values; 0.0 for none.

    Returns:
        A Value where one is among the numbers, else a number.

    Example:
        >>> import autograd_core as ag
        >>> ag.norm([2.0, 3.0, 6.0])
        7.0
    """
    return record_many(ROWS["norm"], _items(xs, "norm"))


# --- the number system of Values ----------------------------------------------------------------


class Values(NumberSystem):
    """Graph nodes. A rule's own comparison is a node as well, so a gradient graph holds on both sides."""

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """A node, unless the condition depends on constants alone: x ** 2 needs no question about its 2."""
        return record(ROWS["where"], condition, a, b) if isinstance(condition, Value) else (a if condition else b)

    def equal(self, a: Any, b: Any) -> Any:
        return a == b

    def pow(self, x: Any, y: Any) -> Any:
        return record(ROWS["pow"], x, y)  # x**y of two plain numbers would be Python's, and may be complex

    def sum(self, xs: Iterable[Any]) -> Any:
        return record_many(ROWS["sum"], list(xs))

    def dot(self, w: Sequence[Any], x: Sequence[Any]) -> Any:
        return record_many(ROWS["dot"], [*w, *x])

    def prod(self, xs: Sequence[Any]) -> Any:
        return record_many(ROWS["prod"], list(xs))

    def max(self, xs: Sequence[Any]) -> Any:
        return record_many(ROWS["max"], list(xs))

    def min(self, xs: Sequence[Any]) -> Any:
        return record_many(ROWS["min"], list(xs))

    def norm(self, xs: Sequence[Any]) -> Any:
        return record_many(ROWS["norm"], list(xs))


for _name in (*UNARY, "atan2", "hypot"):
    setattr(Values, _name, staticmethod(FUSED[_name]))
for _name in CONSTANTS:
    setattr(Values, _name, float(getattr(FLOATS, _name)))

VALUES: Any = Values()
