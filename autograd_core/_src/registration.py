"""Registers a Hypothesis strategy for `Value`, whichever of the two is imported first; made when a test asks for it."""

from __future__ import annotations

import sys
from typing import Any

from .engine.value import Value


def register() -> None:
    """Tell Hypothesis, if it is there, how `from_type(Value)` is drawn."""
    if sys.modules.get("hypothesis") is not None:
        from hypothesis import strategies

        strategies.register_type_strategy(Value, _values)


def _values(_: type[Value]) -> Any:
    """Leaves, and results of random programs."""
    from .testing.strategies import expressions, reals

    return reals().map(Value) | expressions().map(lambda f: f.root())
