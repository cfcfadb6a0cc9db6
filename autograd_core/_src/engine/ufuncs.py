"""NumPy's own functions (ufuncs) on Values.

NumPy asks a single Value among the operands (`Value.__array_ufunc__`), and gets what the primitive of that
name gives, element by element: comparisons are arrays of conditions, which `where` records. It does not ask
the elements of an array of Values: there `np.exp` calls their methods, comparisons become plain bools, and some
functions, such as `np.logaddexp`, know numbers only. A number among those elements, or in an array beside
them, has no such methods: `np.hypot(numbers, values)` fails, and no code of ours runs.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import OperandError
from .ops import PRIMITIVES
from .recording import ALIASES, OPERATORS, single
from .value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NUMPY_NAMES = {  # where NumPy's name is not the primitive's, nor one of its methods' (`ALIASES`)
    "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "power": "pow", "float_power": "pow",
    "negative": "neg", "positive": "pos", "absolute": "abs",
    "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge", "equal": "eq", "not_equal": "ne",
}  # fmt: skip
OF_NUMBERS = {"isnan", "isinf", "isfinite", "signbit"}
NO_LOOP = (
    r"ufunc '(\w+)' (?:not supported for the input types|did not contain a loop)|no callable (\w+) method"
    r"|'(?:float|int|bool|Fraction)' object has no attribute '(\w+)'"
)


def primitive_of(name: str) -> str:
    """The name of the primitive behind a ufunc; "" if there is none."""
    name = NUMPY_NAMES.get(name, ALIASES.get(name, name))
    return name if name in PRIMITIVES and PRIMITIVES[name].arity is not None and not PRIMITIVES[name].inner else ""


def call(ufunc: Any, method: str, inputs: Sequence[Any], options: dict[str, Any]) -> Any:
    """A ufunc with a Value among its operands.

    Raises:
        OperandError: NumPy has no such function for objects, and the library none of that name.
    """
    import numpy as np

    name = primitive_of(ufunc.__name__)
    if name and method == "__call__" and not options and len(inputs) == PRIMITIVES[name].arity:
        listed = (list, tuple, range)
        operands = [np.asarray(p) if isinstance(p, listed) else p for p in inputs]
        if name not in ("eq", "ne") or all(getattr(p, "dtype", np.dtype(object)).kind in "biufO" for p in operands):
            return single(PRIMITIVES[name])(*operands)  # a Value equals no text, which is no error
    try:
        return getattr(ufunc, method)(*map(_boxed, inputs), **options)
    except (TypeError, AttributeError) as error:
        hint = way(error)
        if not hint:
            raise
        raise OperandError(hint) from error


def _boxed(p: Any) -> Any:
    """A Value as an array without dimensions, on which NumPy calls no override; long doubles as floats.

    Those are the numbers that NumPy does not turn into Python's, so that their operators would come back here.
    """
    import numpy as np

    if not isinstance(p, Value):
        if getattr(p, "dtype", None) in (np.longdouble, np.clongdouble):
            return np.asarray(p).astype(float if p.dtype == np.longdouble else complex)
        return p
    box: Any = np.empty((), object)
    box[()] = p
    return box


@contextmanager
def explained() -> Iterator[None]:
    """A context in which NumPy's errors about arrays of Values get a note with the right way."""
    try:
        yield
    except (TypeError, AttributeError) as error:
        if hint := way(error):
            error.add_note(hint)
        raise


def way(error: Exception) -> str:
    """What to use instead, where NumPy has no function for Values; "" if an error is about something else."""
    import re  # 4 ms

    found = re.search(NO_LOOP, str(error))
    if found is None:
        return ""
    theirs = found[1] or found[2] or found[3]
    ours = primitive_of(theirs)
    if found[3]:  # of any code's; no NumPy need be there
        return f"numbers have no method {theirs}: ag.{ours} takes them, Values, and arrays of both" if ours else ""
    if ours in OPERATORS:
        return f"np.{theirs} takes no arrays of Values: use {PRIMITIVES[ours].symbol}"
    if ours:
        return f"np.{theirs} takes no arrays of Values: use ag.{ours}, which does"
    if theirs in OF_NUMBERS:
        return f"np.{theirs} takes no Values: give it their .data, as in np.{theirs}([v.data for v in values])"
    return f"np.{theirs} takes no Values: write it with functions of this library, or give it their .data"


def _array_ufunc(self: Value, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:  # noqa: ARG001
    return call(ufunc, method, inputs, options)


Value.__array_ufunc__ = _array_ufunc  # type: ignore[method-assign]
