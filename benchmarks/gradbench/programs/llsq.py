"""Least squares: ½ Σᵢ (sᵢ - Σⱼ xⱼ tᵢʲ)², with tᵢ evenly spaced from -1 to 1 and sᵢ their signs."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

from . import gradients


def half_square(x: Any, t: Any, s: Any) -> Any:
    """½ (s - Σⱼ xⱼ tʲ)², of one point."""
    residual, power = s, 1.0
    for x_j in x:
        residual = residual - x_j * power
        power = power * t
    return residual * residual / 2


def compiled(given: Any) -> tuple[Any, tuple[Any, ...]]:
    """The sum over all points, and its arguments."""
    x, t = np.array(given["x"]), np.linspace(-1, 1, given["n"])
    args = x, t, np.sign(t)
    example = x, t[0], args[2][0]
    return ag.compile(half_square, *example, in_axes=(None, 0, 0), reduce="sum", argnums=0), args


def primal(given: Any) -> Any:
    """The value."""
    f, args = compiled(given)
    return lambda: f(*args), lambda y: float(np.sum(y))


def gradient(given: Any) -> Any:
    """The gradient by x."""
    f, args = compiled(given)
    return gradients(f, *args), lambda g: g[0].tolist()


FUNCTIONS = {"primal": primal, "gradient": gradient}
