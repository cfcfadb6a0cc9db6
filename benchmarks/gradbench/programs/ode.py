"""y₀' = x₀, yᵢ' = xᵢ yᵢ₋₁ from y = 0 over two units of time, by Runge and Kutta's method; the last yᵢ's gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

from . import gradients


def slope(x: Any, y: Any) -> list[Any]:
    """y' at y."""
    return [x[0], *(x_i * before for x_i, before in zip(x[1:], y, strict=False))]


def solved(x: Any, steps: int) -> list[Any]:
    """y at time 2, by as many equal steps."""
    h = 2.0 / steps
    y = [0.0] * len(x)
    for _ in range(steps):
        k1 = slope(x, y)
        k2 = slope(x, [a + h * b / 2 for a, b in zip(y, k1, strict=True)])
        k3 = slope(x, [a + h * b / 2 for a, b in zip(y, k2, strict=True)])
        k4 = slope(x, [a + h * b for a, b in zip(y, k3, strict=True)])
        y = [a + h * (p + 2 * q + 2 * r + s) / 6 for a, p, q, r, s in zip(y, k1, k2, k3, k4, strict=True)]
    return y


def primal(given: Any) -> Any:
    """All yᵢ."""
    x, steps = np.array(given["x"]), given["s"]
    f = ag.compile(lambda x: solved(list(x), steps), x)
    return lambda: f(x), lambda y: [float(v) for v in y]


def gradient(given: Any) -> Any:
    """The gradient of the last."""
    x, steps = np.array(given["x"]), given["s"]
    f = ag.compile(lambda x: solved(list(x), steps)[-1], x)
    return gradients(f, x), lambda g: g[0].tolist()


FUNCTIONS = {"primal": primal, "gradient": gradient}
