"""Functions with derivatives written by hand, as the maintainers of numerical libraries have them, and bugs in these.

Each module fills `ITEMS`. A function comes with the strategies that draw its arguments (all of its documented domain:
zeros, ties, tiny and huge numbers), its right derivative, and derivatives with a planted bug:

    @function("Huber loss", vec(5), real(1e-3, 1e3))
    def huber(r, delta): ...

    @huber.right
    def _(r, delta): ...        # a gradient per argument, or the Jacobians, results first

    @huber.bug("wrong branch beyond the kink")
    def _(r, delta): ...

`own` makes the function a primitive of this library inside a program, of which the derivative is a partial.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

if TYPE_CHECKING:
    from collections.abc import Callable

HUGE = 1e6
FURTHER = ("distributions", "motion", "learning", "curves", "engineering", "signals", "own_programs", "sciences", "numerics")


@dataclass(eq=False)
class Item:
    """One function.

    Attributes:
        name: What it computes.
        host: "own", "numpy", "torch" or "jax": whose numbers it takes.
        f: The function; of an own primitive, its value.
        draws: A strategy per argument.
        dtype: Of its arrays and numbers.
        program: `program(op, *args)` around an own primitive.
        domain: Whether arguments belong to the documented domain, where the strategies alone cannot say so.
        derivative: The right one.
        bugs: Wrong ones by what is the matter with them.
        inside: A word on the operation, of an own primitive its name.
    """

    name: str
    host: str
    f: Callable[..., Any]
    draws: tuple[Any, ...]
    dtype: str = "float64"
    program: Callable[..., Any] | None = None
    domain: Callable[..., bool] | None = None
    derivative: Callable[..., Any] | None = None
    bugs: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @property
    def inside(self) -> str:
        return self.f.__name__

    def right(self, derivative: Callable[..., Any]) -> Callable[..., Any]:
        self.derivative = derivative
        return derivative

    def bug(self, name: str) -> Callable[..., Any]:
        def keep(derivative: Callable[..., Any]) -> Callable[..., Any]:
            self.bugs[name] = derivative
            return derivative

        return keep

    def __call__(self, *args: Any) -> Any:
        return self.f(*args)


ITEMS: list[Item] = []


def function(name: str, *draws: Any, host: str = "numpy", dtype: str = "float64", domain: Any = None, **more: Any) -> Any:
    """Decorate a function to put it into the collection."""

    def keep(f: Callable[..., Any]) -> Item:
        item = Item(name, host, f, draws, dtype, domain=domain, **more)
        ITEMS.append(item)
        return item

    return keep


def real(low: float = -HUGE, high: float = HUGE, width: int = 64) -> Any:
    """Any number of an interval."""
    return st.floats(low, high, width=width)


def vec(shape: Any, low: float = -HUGE, high: float = HUGE, width: int = 64) -> Any:
    """Any array of them; Hypothesis likes ties."""
    return hnp.arrays(np.dtype(f"float{width}"), shape, elements=real(low, high, width))


def real32(low: float = -1000.0, high: float = 1000.0) -> Any:
    """Any number in single precision."""
    return real(low, high, 32).map(np.float32)


def vec32(shape: Any, low: float = -1000.0, high: float = 1000.0) -> Any:
    """Any array of them."""
    return vec(shape, low, high, 32)


def anything(width: int = 64) -> Any:
    """Any finite number there is."""
    return st.floats(allow_nan=False, allow_infinity=False, width=width)


def collection() -> list[Item]:
    """All functions whose library is installed, and what is missing in the others' place."""
    import importlib
    import importlib.util

    for module in (*"own losses statistics linear physics geometry single".split(), *FURTHER):
        importlib.import_module(f"{__name__}.{module}")
    for library in ("torch", "jax"):
        if importlib.util.find_spec(library) is not None:
            importlib.import_module(f"{__name__}.in_{library}")
    return ITEMS
