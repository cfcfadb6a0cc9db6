"""Gradient clipping, by norm or by value, between `backward()` and `step()`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from autograd_core._src.wrong_calls import says_how

from ..support.validation import real
from .optimizer import named

if TYPE_CHECKING:
    from .optimizer import Parameters


@says_how
def clip_grad_norm(parameters: Parameters, max_norm: float) -> float:
    """Scale the gradient of all parameters together down to a given norm (Pascanu, Mikolov, Bengio, 2013).

    A shorter gradient stays as it is. PyTorch divides by norm + 1e-6; here the new norm is `max_norm`
    itself. A gradient that is not finite stays as it is.

    Args:
        parameters: A Module, or a list of parameters.
        max_norm: The largest Euclidean norm, at least 0.

    Returns:
        The norm before clipping.

    Raises:
        OperandError: Something is of a wrong type.
        RangeError: `max_norm` is negative or NaN.
        StructureError: There are no parameters.

    Example:
        >>> import autograd_core as ag, nn
        >>> a, b = ag.Value(0.0), ag.Value(0.0)
        >>> a.grad, b.grad = 3.0, 4.0
        >>> nn.clip_grad_norm([a, b], 1.0), a.grad, b.grad
        (5.0, 0.6000000000000001, 0.8)
    """
    # Code written for PyTorch sets `.grad` to None for "no gradient".
    params = [p for _, p in named(parameters, "clip_grad_norm") if p.grad is not None]
    limit = real(max_norm, "clip_grad_norm: max_norm", 0.0)
    norm, factor = length_and_factor([p.grad for p in params], limit)
    if factor is not None:
        for p in params:
            p.grad = p.grad * factor
    return norm


def length_and_factor(gradient: list[float], limit: float) -> tuple[float, float | None]:
    """The norm of a gradient, and the factor that reduces it to the limit; None if it is within the limit."""
    norm = math.hypot(*gradient)
    return norm, None if norm <= limit else limit / norm


@says_how
def clip_grad_value(parameters: Parameters, clip_value: float) -> None:
    """Clip the gradient of every parameter to [-clip_value, clip_value]; NaN stays NaN.

    Args:
        parameters: A Module, or a list of parameters.
        clip_value: The largest absolute value, at least 0.

    Raises:
        OperandError: Something is of a wrong type.
        RangeError: `clip_value` is negative or NaN.
        StructureError: There are no parameters.

    Example:
        >>> import autograd_core as ag, nn
        >>> a = ag.Value(0.0)
        >>> a.grad = -7.0
        >>> nn.clip_grad_value([a], 2.0); a.grad
        -2.0
    """
    params = [p for _, p in named(parameters, "clip_grad_value") if p.grad is not None]
    limit = real(clip_value, "clip_grad_value: clip_value", 0.0)
    for p in params:
        p.grad = limit if p.grad > limit else max(p.grad, -limit)  # max keeps a NaN that comes first


clip_grad_norm_ = clip_grad_norm  # PyTorch's names
clip_grad_value_ = clip_grad_value
