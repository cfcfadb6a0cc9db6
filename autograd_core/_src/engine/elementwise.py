"""Primitives on NumPy arrays: one application for each element, with broadcasting.

An element's result has the bits that the same numbers give outside of an array. Where a rule is made of
operations that IEEE 754 rounds exactly, NumPy computes all elements at once; else the rule's text runs in
a loop, since NumPy's own exp or sin may differ from those of `math` in the last bit.

NumPy is never imported: an operand can only be an array where somebody imported it already.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ...errors import OperandError, StructureError
from ..number_systems.base import SYSTEMS
from ..number_systems.floats import FAST
from ..number_systems.source import Source, write
from .evaluation import evaluate, number
from .ops import PRIMITIVES
from .pytrees import array, is_masked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .ops import Primitive

EXACTLY_ROUNDED = set("add sub mul div neg abs sqrt floor ceil where lt le gt ge eq".split())

LOOP = """\
def loop(columns):
    results = []
    emit = results.append
    for {names}, in zip(*columns):
        try:
            emit({value})
        except (ArithmeticError, ValueError):
            emit(carefully({names}))
    return results
"""


def has_array(operands: Sequence[Any]) -> bool:
    """Whether an operand is an array, except arrays that a number system uses as single numbers."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return False
    kind = numpy.ndarray
    for p in operands:  # noqa: SIM110  a generator takes three times as long
        if isinstance(p, kind) and type(p) not in SYSTEMS:
            return True
    return False


def elementwise(primitive: Primitive, operands: Sequence[Any], apply: Callable[..., Any]) -> Any:
    """A primitive at every element of its operands, broadcast against each other.

    Args:
        primitive: The primitive.
        operands: Arrays of numbers or Values, and numbers or Values.
        apply: The primitive as a function of single numbers and Values.

    Returns:
        A float64 array where all results are floats, else an array of objects; a single number or Value where
        every operand has no dimension.

    Raises:
        OperandError: An element is neither a real number nor a Value.
        StructureError: The shapes do not broadcast.
    """
    import numpy as np

    is_ours = PRIMITIVES.get(primitive.name) is primitive
    plain = is_ours and primitive.arity is not None and all(map(_is_plain, operands))
    arrays = [_as_array(p, primitive.name, float if plain else object) for p in operands]
    try:
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError:
        shapes = ", ".join(str(a.shape) for a in arrays)
        msg = f"{primitive.name}: expected arrays of one shape, or shapes that broadcast, got {shapes}"
        raise StructureError(msg) from None
    columns = [np.broadcast_to(a, shape).ravel() for a in arrays]
    if plain and _is_exactly_rounded(primitive):
        return _at_once(primitive, columns).reshape(shape) if shape else float(_at_once(primitive, columns)[0])
    lists = [column.tolist() for column in columns]
    results = _loop(primitive)(lists) if plain else [apply(*xs) for xs in zip(*lists)]
    return array(results, shape) if shape else results[0]


def _is_plain(p: Any) -> bool:
    """Whether an operand consists of floats, or of what is taken as floats: integers and booleans."""
    if type(p).__module__ == "numpy":
        return bool(p.dtype.kind in "biuf")
    return isinstance(p, (float, int))


def _as_array(p: Any, caller: str, kind: type) -> Any:
    """An operand as an array, a single one without dimensions."""
    import numpy as np

    if isinstance(p, np.ndarray):
        if p.dtype.kind not in "biufO" or is_masked(p):
            what = "a masked array; fill it first" if p.dtype.kind in "biufO" else f"an array of {p.dtype}"
            msg = f"{caller}: expected an array of real numbers or Values, got {what}"
            raise OperandError(msg)
        return p.astype(kind)
    single: Any = np.empty((), kind)
    single[()] = number(p, caller) if kind is float else p
    return single


def _names(primitive: Primitive) -> list[str]:
    return [f"x{i}" for i in range(primitive.arity or 0)]


_exactly_rounded: dict[str, bool] = {}
_loops: dict[str, Callable[[list[list[Any]]], list[float]]] = {}


def _is_exactly_rounded(primitive: Primitive) -> bool:
    """Whether a rule's value uses only operations whose results are the nearest doubles."""
    if primitive.name not in _exactly_rounded:
        source = Source()
        primitive.value(source, *map(source.name, _names(primitive)))
        operations = {key[0] for key in source.terms if len(key) > 1}
        _exactly_rounded[primitive.name] = operations <= EXACTLY_ROUNDED
    return _exactly_rounded[primitive.name]


def _at_once(primitive: Primitive, columns: list[Any]) -> Any:
    import numpy as np

    from ..number_systems.numpy_arrays import NUMPY, ArrayNumber

    with np.errstate(all="ignore"):
        z = primitive.value(NUMPY, *(column.view(ArrayNumber) for column in columns))
    return np.array(np.broadcast_to(z, columns[0].shape), float)  # a new array of the plain class


def _loop(primitive: Primitive) -> Callable[[list[list[Any]]], list[float]]:
    """The rule's value at every place of some lists of floats, as one compiled function."""
    if primitive.name not in _loops:
        source, names = Source(), _names(primitive)
        value = source.number(primitive.value(source, *map(source.name, names)))
        scope: dict[str, Any] = FAST | {"carefully": lambda *xs: evaluate(primitive, xs)[0], "__name__": __name__}
        exec(LOOP.format(names=", ".join(names), value=write([value])[0]), scope)  # noqa: S102  from our own rules
        _loops[primitive.name] = scope["loop"]
    return _loops[primitive.name]
