"""NumPy arrays: a rule on many points at once, with no compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import OperandError
from .base import SYSTEMS
from .floats import FLOATS
from .vectors import ELEMENTARY, NO_BRANCH, NO_FLOAT, Vectors

if TYPE_CHECKING:
    from collections.abc import Callable

# Those that NumPy has as ufuncs; the others are applied number by number.
UFUNCS = (
    "exp expm1 exp2 log log1p log2 log10 sqrt sin cos tan sinh cosh tanh abs floor ceil "
    "asin acos atan asinh acosh atanh atan2 pow copysign"
).split()
NUMPY_NAMES = {"pow": "power"} | {name: "arc" + name[1:] for name in UFUNCS if name[0] == "a" and name != "abs"}


class ArrayNumber(np.ndarray[Any, Any]):
    """An array of doubles that stands as one number of a rule; `ndarray` itself keeps its own meaning."""

    def __bool__(self) -> bool:
        raise OperandError(NO_BRANCH)

    def __float__(self) -> float:
        raise OperandError(NO_FLOAT)


class NumpyArrays(Vectors):
    """Arrays of doubles; warnings are the caller's business (`numpy.errstate`)."""

    def number(self, x: Any) -> Any:
        return x.astype(float) if isinstance(x, ArrayNumber) else float(x)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return np.where(condition, a, b).view(ArrayNumber)

    def either(self, condition: Any, a: Callable[[], Any], b: Callable[[], Any]) -> Any:
        """Both are computed, and of what is not chosen no warning is due."""
        with np.errstate(all="ignore"):
            return super().either(condition, a, b)

    def rarely(self, condition: Any, rare: Callable[[], Any], usual: Any) -> Any:
        """As `either`."""
        with np.errstate(all="ignore"):
            return super().rarely(condition, rare, usual)

    rough_cbrt = staticmethod(np.cbrt)

    def equal(self, a: Any, b: Any) -> Any:
        return np.equal(a, b)


def _number_by_number(name: str) -> Any:
    function = getattr(FLOATS, name)

    def apply(*xs: Any) -> Any:
        return np.asarray(np.frompyfunc(function, len(xs), 1)(*xs), float).view(ArrayNumber)

    return apply


for _name in ELEMENTARY:
    _function = getattr(np, NUMPY_NAMES.get(_name, _name)) if _name in UFUNCS else _number_by_number(_name)
    setattr(NumpyArrays, _name, staticmethod(_function))

NUMPY: Any = NumpyArrays()
SYSTEMS[ArrayNumber] = NUMPY
