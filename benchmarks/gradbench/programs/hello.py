"""x² and its derivative."""

from __future__ import annotations

import autograd_core as ag


def square(x: float) -> float:
    """x²."""
    return x * x


FUNCTIONS = {
    "square": lambda x: (lambda: square(x), float),
    "double": lambda x: (lambda: ag.grad(square)(x), float),
}
