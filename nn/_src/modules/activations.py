"""Activations by name, for neurons, and as modules, for `Sequential`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import autograd_core as ag
from autograd_core import OperandError, RangeError
from autograd_core._src.any_object import brief, shown
from autograd_core._src.wrong_calls import says_how

from ..support.validation import plain, real
from .module import Module

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from autograd_core import Value
    from autograd_core._src.engine.signatures import Array, ValueOrList

    T = TypeVar("T")

# Each gives one node. None is no activation at all.
ACTIVATIONS: dict[str, Callable[[Any], Any] | None] = {
    "linear": None,
    "relu": ag.relu,
    "tanh": ag.tanh,
    "sigmoid": ag.sigmoid,
    "softplus": ag.softplus,
    "gelu": ag.gelu,
    "silu": ag.silu,
    "elu": ag.elu,
    "leaky_relu": ag.leaky_relu,
    "sin": ag.sin,
}
SOFTMAX_HINT = (
    ", which takes all outputs at once: train scores with nn.cross_entropy, or put nn.Softmax() after the layers in "
    "nn.Sequential"
)
SYNONYMS = {  # what texts and other libraries call them
    "identity": "linear", "logistic": "sigmoid", "rectified linear": "relu", "rectifier": "relu", "swish": "silu",
    "leakyrelu": "leaky_relu",
}  # fmt: skip
TITLES = {
    "linear": "Linear", "relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "softplus": "Softplus",
    "gelu": "GELU", "silu": "SiLU", "elu": "ELU", "leaky_relu": "LeakyReLU", "sin": "Sin",
}  # fmt: skip


def activation_function(activation: str | Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """The function that an `activation=` argument names; None for no activation.

    Raises:
        RangeError: A name that is not known.
        OperandError: It is neither a name nor a function.
    """
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            hint = SOFTMAX_HINT if activation in ("softmax", "log_softmax") else ""
            if activation.lower() in SYNONYMS:
                hint = f"; {activation!r} is {SYNONYMS[activation.lower()]!r} here"
            msg = f"activation: expected one of {', '.join(ACTIVATIONS)}, or a function, got {brief(activation)}{hint}"
            raise RangeError(msg)
        return ACTIVATIONS[activation]
    if activation is not None and not callable(activation):
        msg = f"activation: expected a name, a function or None, got {shown(activation)}"
        raise OperandError(msg)
    return activation


class _Elementwise(Module):
    """One function, applied to a number or to every number in nested lists."""

    function: Callable[..., Any]
    options: tuple[float, ...] = ()

    @overload
    def __call__(self, x: float) -> float: ...
    @overload
    def __call__(self, x: ValueOrList[T]) -> ValueOrList[T]: ...
    @overload
    def __call__(self, x: Value) -> Value: ...
    @overload
    def __call__(self, x: Array) -> list[Any]: ...
    @overload
    def __call__(self, x: Sequence[T]) -> list[T]: ...
    def __call__(self, x: Any) -> Any:
        """The function of a number, or of each in nested lists."""
        x = plain(x)
        return [self(y) for y in x] if isinstance(x, list) else type(self).function(x, *self.options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{x:g}' for x in self.options)})"


class ReLU(_Elementwise, closed=True):
    """max(x, 0) for a number, or for each in nested lists.

    Example:
        >>> from nn import ReLU
        >>> ReLU()([-1.0, 2.0])
        [0.0, 2.0]
    """

    function: Callable[..., Any] = staticmethod(ag.relu)


class Tanh(_Elementwise, closed=True):
    """Hyperbolic tangent of a number, or of each in nested lists.

    Example:
        >>> from nn import Tanh
        >>> Tanh()(0.0)
        0.0
    """

    function: Callable[..., Any] = staticmethod(ag.tanh)


class Sigmoid(_Elementwise, closed=True):
    """1 / (1 + exp(-x)) for a number, or for each in nested lists.

    Example:
        >>> from nn import Sigmoid
        >>> Sigmoid()([0.0])
        [0.5]
    """

    function: Callable[..., Any] = staticmethod(ag.sigmoid)


class Softplus(_Elementwise, closed=True):
    """log(1 + exp(x)) for a number, or for each in nested lists.

    Example:
        >>> from nn import Softplus
        >>> Softplus()(1000.0)
        1000.0
    """

    function: Callable[..., Any] = staticmethod(ag.softplus)


class GELU(_Elementwise, closed=True):
    """x * Phi(x), exact, for a number or for each in nested lists (Hendrycks, Gimpel, 2016).

    Example:
        >>> from nn import GELU
        >>> GELU()(0.0)
        0.0
    """

    function: Callable[..., Any] = staticmethod(ag.gelu)


class SiLU(_Elementwise, closed=True):
    """x * sigmoid(x) for a number, or for each in nested lists (Elfwing, Uchibe, Doya, 2017).

    Example:
        >>> from nn import SiLU
        >>> SiLU()(0.0)
        0.0
    """

    function: Callable[..., Any] = staticmethod(ag.silu)


class ELU(_Elementwise, closed=True):
    """x where positive, else alpha * (exp(x) - 1) (Clevert, Unterthiner, Hochreiter, 2015).

    Args:
        alpha: The size of the negative limit.

    Raises:
        OperandError: `alpha` is no real number.

    Example:
        >>> from nn import ELU
        >>> ELU(2.0)([-1e9, 3.0])
        [-2.0, 3.0]
    """

    function: Callable[..., Any] = staticmethod(ag.elu)

    @says_how
    def __init__(self, alpha: float = 1.0) -> None:
        self.options: tuple[float, ...] = (real(alpha, "ELU: alpha"),)


class LeakyReLU(_Elementwise, closed=True):
    """x where positive, else negative_slope * x (Maas, Hannun, Ng, 2013).

    Args:
        negative_slope: The slope at and below 0.

    Raises:
        OperandError: `negative_slope` is no real number.

    Example:
        >>> from nn import LeakyReLU
        >>> LeakyReLU(0.5)([-2.0, 3.0])
        [-1.0, 3.0]
    """

    function: Callable[..., Any] = staticmethod(ag.leaky_relu)

    @says_how
    def __init__(self, negative_slope: float = 0.01) -> None:
        self.options: tuple[float, ...] = (real(negative_slope, "LeakyReLU: negative_slope"),)


class Softmax(Module, closed=True):
    """p_i = exp(x_i) / sum of exp(x_j) over a list of numbers: positive, with sum 1.

    A layer without weights. Its Jacobian has d p_i / d x_j = p_i * ((1 if i == j else 0) - p_j).

    Calling it raises `StructureError` for an empty list, and `OperandError` for what is no list of numbers.

    Source: Bridle, "Probabilistic interpretation of feedforward classification network outputs, with
    relationships to statistical pattern recognition", 1990.

    Example:
        >>> from nn import Softmax
        >>> Softmax()([0.0, 0.0])
        [0.5, 0.5]
    """

    @overload
    def __call__(self, x: Array) -> list[Any]: ...
    @overload
    def __call__(self, x: Sequence[Value]) -> list[Value]: ...
    @overload
    def __call__(self, x: Sequence[float]) -> list[float]: ...
    @overload
    def __call__(self, x: Sequence[float | Value]) -> list[float] | list[Value]: ...
    def __call__(self, x: Any) -> list[Any]:
        """The probabilities, as many as there are numbers in x."""
        probabilities: list[Any] = ag.softmax(plain(x))
        return probabilities

    def __repr__(self) -> str:
        return "Softmax()"


class LogSoftmax(Module, closed=True):
    """x_i - log(sum of exp(x_j)) over a list of numbers, as `nll_loss` wants it.

    Example:
        >>> from nn import LogSoftmax
        >>> LogSoftmax()([1000.0, 0.0])
        [0.0, -1000.0]
    """

    @overload
    def __call__(self, x: Array) -> list[Any]: ...
    @overload
    def __call__(self, x: Sequence[Value]) -> list[Value]: ...
    @overload
    def __call__(self, x: Sequence[float]) -> list[float]: ...
    @overload
    def __call__(self, x: Sequence[float | Value]) -> list[float] | list[Value]: ...
    def __call__(self, x: Any) -> list[Any]:
        """The logarithms of the probabilities, as many as there are numbers in x."""
        logarithms: list[Any] = ag.log_softmax(plain(x))
        return logarithms

    def __repr__(self) -> str:
        return "LogSoftmax()"
