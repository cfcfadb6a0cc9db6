"""Arguments as arrays of numbers, rows first, and results as trees again."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import OperandError, StructureError
from ..evaluation import number
from ..tree import Spec, build, flatten, is_array, same_shape, unflatten
from ..value import Value


def shape_of(spec: Spec) -> tuple[int, ...] | None:
    """The shape of nested lists of numbers as an array would have it; None where there is none."""
    if spec.kind == "leaf":
        return ()
    if spec.kind == "array":
        return spec.about  # type: ignore[no-any-return]
    if spec.kind == "dict" or hasattr(spec.about, "_fields"):
        return None
    inner = {shape_of(child) for child in spec.children} or {()}
    return None if len(inner) > 1 or None in inner else (len(spec.children), *inner.pop())  # type: ignore[misc]


def _float(x: Any, place: str) -> float:
    if isinstance(x, Value):
        msg = f"{place}: expected plain numbers, got {x!r}; pass its .data, since no graph is recorded here"
        raise OperandError(msg)
    return float(number(x, place))


def _fit(given: Any, spec: Spec, place: str) -> list[Any]:
    """The leaves of an argument, which must have that shape."""
    leaves, got = flatten(given)
    shape = shape_of(spec)
    if shape is None or shape != shape_of(got):
        same_shape(spec, got, place)
    return leaves


def _fits(given: Any, spec: Spec) -> bool:
    try:
        _fit(given, spec, "")
    except StructureError:
        return False
    return True


def _as_array(given: Any, shape: tuple[int, ...] | None) -> Any:
    """The argument as an array of floats, where NumPy can tell at once that it is one of that shape."""
    if shape is None or not isinstance(given, (list, tuple, np.ndarray)):
        return None
    try:
        numbers = np.asarray(given)
    except ValueError:  # ragged
        return None
    return numbers.astype(float) if numbers.dtype.kind in "fi" and numbers.shape == shape else None


def numbers_of(given: Any, spec: Spec, place: str) -> Any:
    """The numbers of an argument of that shape; an array and nested lists of one shape are alike.

    Raises:
        StructureError: It has another shape.
        OperandError: Something in it is no real number.
    """
    numbers = _as_array(given, shape_of(spec))
    return [_float(x, place) for x in _fit(given, spec, place)] if numbers is None else numbers.ravel()


def rows_of(given: Any, spec: Spec, place: str) -> Any:
    """The numbers of a batch: float64 of shape (rows, size).

    Args:
        given: An array with one dimension more in front than a row; or a list of rows; or, as in
            JAX, a dict or a list with a batch in place of each entry of a row. A list is one of
            rows where its first entry fits a row.
        spec: The shape of one row.
        place: What to call it in messages.

    Raises:
        StructureError: It has another shape.
        OperandError: Something in it is no real number.
    """
    shape = shape_of(spec)
    if is_array(given) and shape is not None and given.ndim and given.shape[1:] == shape:
        numbers = given if given.dtype.kind in "fiub" else [_float(x, place) for x in given.ravel().tolist()]
        return np.asarray(numbers, float).reshape(len(given), spec.size)  # read, and never kept
    if isinstance(given, dict) and spec.kind == "dict" and set(given) == set(spec.about):
        parts = {key: given[key] for key in spec.about}
    elif isinstance(given, (list, tuple)) and given and len(given) == len(spec.children) and not _fits(given[0], spec):
        parts = dict(enumerate(given))
    elif isinstance(given, (list, tuple)):
        rows = [numbers_of(row, spec, f"{place}, row {i}") for i, row in enumerate(given)]
        return np.array(rows, float).reshape(len(rows), spec.size)
    else:
        row = "numbers" if shape == () else "trees" if shape is None else f"rows of shape {shape}"
        got = f"an array of shape {given.shape}" if is_array(given) else f"{given!r} ({type(given).__name__})"
        msg = f"{place}: expected one entry per row, as in_axes says: an array or a list of {row}, got {got}"
        raise StructureError(msg)
    batches = [rows_of(part, child, f"{place}[{key!r}]") for (key, part), child in zip(parts.items(), spec.children)]
    return np.concatenate(same_length(batches, place), axis=1)


def same_length(batches: list[Any], place: str) -> list[Any]:
    """The batches, which must have equally many rows, at least one.

    Raises:
        StructureError: They have not.
    """
    counts = [len(batch) for batch in batches]
    if len(set(counts)) > 1:
        msg = f"{place}: expected equally many rows everywhere, got {', '.join(map(str, counts))}"
        raise StructureError(msg)
    if 0 in counts:
        msg = f"{place}: expected at least one row, got an empty batch"
        raise StructureError(msg)
    return batches


def tree_of(spec: Spec, numbers: Any) -> Any:
    """A tree of floats in that shape, from a flat array."""
    return unflatten(spec, numbers.tolist())


def tree_with_rows(spec: Spec, rows: Any) -> Any:
    """A tree in that shape with rows first in every array; nested lists of one shape become one array."""
    count = len(rows)

    def widened(spec: Spec) -> Spec:
        shape = shape_of(spec)
        if shape is not None:
            return Spec("array", (), (count, *shape))
        return spec._replace(children=tuple(map(widened, spec.children)))

    def block(start: int, block: Spec) -> Any:
        return rows[:, start // count : (start + block.size) // count].reshape(block.about)

    return build(widened(spec), block)
