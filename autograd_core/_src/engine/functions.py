"""The public functions of one number or a few.

On plain numbers every function gives a number; with a Value among the arguments, a Value; with a NumPy
array of numbers or Values among them, an array of the results, as NumPy broadcasts (`engine/elementwise.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from ...errors import UnknownPrimitiveError
from ..wrong_calls import refuse_options
from .elsewhere import ON_CLIP
from .ops import PRIMITIVES
from .recording import FUSED, record
from .reductions import norm
from .value import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Never

    from numpy.typing import NDArray

    from .signatures import Array, Binary, Clip, Hypot, Operand, Unary, Where


def _typed_as_hypot(function: Callable[..., Any]) -> Hypot:
    return function


def _typed_as_where(function: Callable[..., Any]) -> Where:
    return function


def _typed_as_clip(function: Callable[..., Any]) -> Clip:
    return function


def _function(name: str, *example: float) -> Any:
    """The public function of a primitive, with a docstring made from its entry and one known point.

    Args:
        name: The primitive's name.
        *example: Operands and the result there, to ten digits, from a source other than the entry.
    """
    if name not in FUSED:
        msg = f'autograd_core/_src/engine/primitives: expected an entry `entry("{name}", ...)` of one or two operands'
        raise UnknownPrimitiveError(msg)
    primitive, function = PRIMITIVES[name], FUSED[name]
    *xs, z = example
    call = f"ag.{name}({', '.join(map(repr, xs))})"
    lines = [primitive.summary, ""]
    lines += ["Args:"]
    operands = "xy"[: primitive.arity]
    lines += [f"    {x}: A real number or a Value, dimensionless, or an array of them." for x in operands]
    lines += ["", "Returns:"]
    lines += ["    A number for plain numbers, a Value where one is among the arguments; an array for arrays."]
    lines += ["", "Raises:"]
    lines += ["    OperandError: An argument is neither a real number nor a Value, nor an array of them."]
    if primitive.kink:
        lines += ["", f"Kink: {primitive.kink}."]
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
degrees: Unary = _function("degrees", 0.5, 28.64788975654)
radians: Unary = _function("radians", 45.0, 0.7853981633974)
square: Unary = _function("square", -3.0, 9.0)
copysign: Binary = _function("copysign", 3.0, -0.5, -3.0)
lgamma: Unary = _function("lgamma", 0.5, 0.5723649429247)
digamma: Unary = _function("digamma", 0.5, -1.963510026021)
logaddexp: Binary = _function("logaddexp", 1000.0, 1000.0, 1000.69314718056)
maximum: Binary = _function("maximum", 2.0, 3.0, 3.0)
minimum: Binary = _function("minimum", 2.0, 3.0, 2.0)
_log: Any = _function("log", 2.0, 0.6931471805599)


@overload
def log(x: float, base: float | None = None) -> float: ...
@overload
def log(x: Value, base: float | Value | None = None) -> Value: ...
@overload
def log(x: float, base: Value) -> Value: ...
@overload
def log(x: Array, base: Operand | Array | None = None) -> NDArray[Any]: ...
@overload
def log(x: Operand, base: Array) -> NDArray[Any]: ...
def log(x: Any, base: Any = None) -> Any:
    """Natural logarithm, or that to a base, as `math.log`; log(0) = -inf, of negatives NaN.

    Args:
        x: A real number or a Value, dimensionless.
        base: A positive number or Value; None for e.

    Returns:
        A number for plain numbers, a Value where one is among the arguments; an array for arrays.

    Example:
        >>> import autograd_core as ag
        >>> ag.log(0.0), ag.log(8, 2), ag.log(8, 1)
        (-inf, 3.0, inf)
    """
    return _log(x) if base is None else record(PRIMITIVES["div"], _log(x), _log(base))


@overload
def leaky_relu(x: float, negative_slope: float = 0.01) -> float: ...
@overload
def leaky_relu(x: Value, negative_slope: float | Value = 0.01) -> Value: ...
@overload
def leaky_relu(x: float, negative_slope: Value) -> Value: ...
@overload
def leaky_relu(x: Array, negative_slope: Operand | Array = 0.01) -> NDArray[Any]: ...
@overload
def leaky_relu(x: Operand, negative_slope: Array) -> NDArray[Any]: ...
def leaky_relu(x: Any, negative_slope: Any = 0.01) -> Any:
    """x where it is positive, else negative_slope * x (Maas, Hannun, Ng, 2013).

    Args:
        x: A real number or a Value.
        negative_slope: Likewise; the derivative at and below 0.

    Returns:
        A number for plain numbers, a Value where one is among the arguments; an array for arrays.

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
@overload
def elu(x: Array, alpha: Operand | Array = 1.0) -> NDArray[Any]: ...
@overload
def elu(x: Operand, alpha: Array) -> NDArray[Any]: ...
def elu(x: Any, alpha: Any = 1.0) -> Any:
    """x where it is positive, else alpha * (exp(x) - 1) (Clevert, Unterthiner, Hochreiter, 2015).

    Args:
        x: A real number or a Value.
        alpha: Likewise; also the derivative at 0.

    Returns:
        A number for plain numbers, a Value where one is among the arguments; an array for arrays.

    Example:
        >>> import autograd_core as ag
        >>> ag.elu(-1e9), ag.elu(3.0)
        (-1.0, 3.0)
    """
    return FUSED["elu"](x, alpha)


@_typed_as_hypot
def hypot(*coordinates: Any) -> Any:
    """Length of a vector, without overflow on the way; its derivatives at the origin are 0.

    Args:
        *coordinates: Real numbers or Values, as `math.hypot` takes them.

    Returns:
        A number for plain numbers, a Value where one is among the arguments; an array for arrays.

    Example:
        >>> import autograd_core as ag
        >>> ag.hypot(1e300, 0.0), ag.hypot(3.0, 4.0)
        (1e+300, 5.0)
    """
    return FUSED["hypot"](*coordinates) if len(coordinates) == 2 else norm(coordinates)


@_typed_as_where
def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds (is not 0), else `b`. Both are computed, one gets the gradient.

    Since a derivative of 0 stops even an infinite one, it keeps infinities out:
    where(x > 0, sqrt(x), 0) has derivative 0 at x = 0.

    Args:
        condition: A bool, a number, or a Value such as `x > 0`; it is recorded as an operand. Between conditions
            stand `&`, `|`, `^` and `~`. Comparing an array with a Value gives an array of conditions; where one
            array is compared with another NumPy makes bools of them, `np.less(a, b, dtype=object)` does not.
        a: A real number or a Value.
        b: Likewise.

    Returns:
        A number for plain numbers, a Value where one is among the arguments; an array for arrays.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(0.0)
        >>> y = ag.where(x > 0, ag.sqrt(x), 0)
        >>> y.backward(); x.grad
        0.0
    """
    return record(PRIMITIVES["where"], condition, a, b)


@_typed_as_clip
def clip(x: Any, low: Any = None, high: Any = None, **options: Never) -> Any:
    """x held between two bounds; the gradient passes at the bounds themselves.

    Args:
        x: A real number or a Value.
        low: Likewise, or None for no bound.
        high: Likewise, or None for no bound.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A number for plain numbers, a Value where one is among the arguments; an array for arrays.

    Example:
        >>> import autograd_core as ag
        >>> ag.clip(7.0, 0.0, 5.0)
        5.0
    """
    if options and options != {"out": None}:  # which np.clip(x, low, high) passes
        refuse_options("clip", options, ON_CLIP)
    return record(PRIMITIVES["clip"], x, float("-inf") if low is None else low, float("inf") if high is None else high)


for _name, _method in (("leaky_relu", leaky_relu), ("elu", elu), ("clip", clip)):  # as methods, with their defaults
    setattr(Value, _name, _method)
