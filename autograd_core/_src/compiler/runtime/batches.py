"""Arguments as arrays of numbers, one row per example, and results as trees again."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from ....errors import OperandError, StructureError
from ...any_object import brief, shown
from ...engine.evaluation import number
from ...engine.pytrees import Spec, as_numpy, build, flatten, is_array, is_masked, same_shape, unflatten
from ...engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable


def shape_of(spec: Spec, *, bare: bool = False) -> tuple[int, ...] | None:
    """The shape of nested lists of numbers as an array would have it; None where there is none.

    Args:
        spec: The shape of a tree.
        bare: Whether named tuples count as lists: what is given may be an array, what is returned keeps its names.
    """
    if spec.kind == "leaf":
        return ()
    if spec.kind == "array":
        return spec.about  # type: ignore[no-any-return]
    if spec.kind == "dict" or (not bare and hasattr(spec.about, "_fields")):
        return None
    inner = {shape_of(child, bare=bare) for child in spec.children} or {()}
    return None if len(inner) > 1 or None in inner else (len(spec.children), *inner.pop())  # type: ignore[misc]


class HoldsValuesError(OperandError, own_page=False):
    """There is a Value among a call's numbers, so it is a call on Values."""


def plain(x: Any, place: str) -> float:
    """Read one number of an argument.

    Raises:
        HoldsValuesError: It is a Value.
        OperandError: It is no real number.
    """
    if isinstance(x, Value):
        msg = f"{place}: expected plain numbers, got {brief(x)}; only calls of the function itself record a graph"
        raise HoldsValuesError(msg)
    return float(number(x, place))


def recorded(x: Any, place: str) -> Any:
    """Read one number of an argument, or a Value."""
    return x if isinstance(x, Value) else float(number(x, place))


def _fit(given: Any, spec: Spec, place: str) -> list[Any]:
    """The leaves of an argument, which must have that shape; lists, tuples and arrays are interchangeable."""
    # Regular shapes are compared as a whole, so an array does for nested lists. Trees go entry by entry, and messages
    # then name the place.
    shape = shape_of(spec, bare=True)
    if shape is not None:
        leaves, got = flatten(given)
        if shape != shape_of(got, bare=True):
            same_shape(spec, got, place, leaves)
        return leaves
    if spec.kind == "dict":
        if not isinstance(given, dict) or set(given) != set(spec.about):
            _differ(spec, given, place)
        parts = {key: given[key] for key in spec.about}
    else:
        if not _is_sequence(given) or len(given) != len(spec.children):
            _differ(spec, given, place)
        parts = dict(enumerate(given))
    pairs = zip(parts.items(), spec.children, strict=True)
    return [x for (key, part), child in pairs for x in _fit(part, child, f"{place}[{key!r}]")]


def _differ(spec: Spec, given: Any, place: str) -> None:
    leaves, got = flatten(given)
    same_shape(spec, got, place, leaves)


def _is_sequence(x: Any) -> bool:
    return isinstance(x, (list, tuple)) or (is_array(x) and x.ndim > 0)


def _fits(given: Any, spec: Spec) -> bool:
    try:
        _fit(given, spec, "")
    except StructureError:
        return False
    return True


def _as_array(given: Any, fits: Callable[[tuple[int, ...]], bool]) -> Any:
    """The argument as an array of doubles, where NumPy can tell at once that it is one of a shape that fits."""
    # What is no plain array of numbers is left to the slow path, whose messages name the entry: strings, which NumPy
    # would convert, Values, ragged lists.
    if not isinstance(given, (list, tuple, np.ndarray)):
        return None
    try:
        numbers = np.asarray(given)
    except ValueError:  # ragged
        return None
    return np.asarray(numbers, float) if numbers.dtype.kind in "fiub" and fits(numbers.shape) else None


def numbers_of(given: Any, spec: Spec, place: str, read: Callable[[Any, str], Any] = plain) -> Any:
    """The numbers of an argument of that shape; arrays, nested lists and tuples are interchangeable.

    Args:
        given: The argument.
        spec: Its shape.
        place: What to call it in messages.
        read: What reads one number.

    Raises:
        StructureError: It has another shape.
        OperandError: Something in it is no real number.
    """
    if given.__class__ is float and spec.kind == "leaf":
        return (given,)
    given = as_numpy(given)
    _refuse_masked(given, place)
    shape = shape_of(spec, bare=True)
    numbers = None if shape is None else _as_array(given, lambda got: got == shape)
    return [read(x, place) for x in _fit(given, spec, place)] if numbers is None else numbers.ravel()


def rows_of(given: Any, spec: Spec, place: str, read: Callable[[Any, str], Any] = plain) -> Any:
    """The numbers of a batch: of shape (rows, size), float64; where `read` gives Values, of objects.

    Args:
        given: An array, or a table, with one dimension more in front than an example; or a list of examples; or, as in
            JAX, a dict or a list with a batch in place of each entry of an example. A list counts as a list of
            examples where its first entry has the shape of one. What is empty has no examples.
        spec: The shape of one example.
        place: What to call it in messages.
        read: What reads one number.

    Raises:
        StructureError: It has another shape.
        OperandError: Something in it is no real number.
    """
    given = as_numpy(given)
    _refuse_masked(given, place)
    shape = shape_of(spec, bare=True)
    is_rows = isinstance(given, (list, tuple)) or (is_array(given) and given.ndim > 0 and shape is None)
    kind = float if read is plain else object
    if is_array(given) and given.ndim and shape is not None and shape in (given.shape[1:], *_of_nothing(given, shape)):
        numbers = given if given.dtype.kind in "fiub" else _read_rows(given, place, read)
        return np.asarray(numbers, kind).reshape(len(given), spec.size)  # read, and never kept
    # Two layouts of a batch: a list of examples, or one tree whose leaves have a further axis. A list of as many
    # entries as an example has could be either; it is a tree if its first entry is no example.
    if isinstance(given, dict) and spec.kind == "dict" and set(given) == set(spec.about):
        parts = {key: given[key] for key in spec.about}
    elif is_rows and len(given) and len(given) == len(spec.children) and not _fits(given[0], spec):
        parts = dict(enumerate(given))
    elif is_rows:
        numbers = None if shape is None else _as_array(given, lambda got: got[1:] == shape)
        if numbers is not None:
            return numbers.reshape(len(given), spec.size)
        rows = [x for i, row in enumerate(given) for x in numbers_of(row, spec, f"{place}, example {i}", read)]
        return np.asarray(_objects(rows), kind).reshape(len(given), spec.size)
    else:
        row = "numbers" if shape == () else "trees" if shape is None else f"arrays of shape {shape}"
        got = f"an array of shape {given.shape}" if is_array(given) else shown(given)
        msg = f"{place}: expected one entry per example, as in_axes says: an array or a list of {row}, got {got}"
        if isinstance(given, Real):
            msg += "; for a number that all examples share, compile with in_axes=None for this argument"
        raise StructureError(msg)
    pairs = zip(parts.items(), spec.children, strict=True)
    return np.concatenate(
        same_length([rows_of(part, child, f"{place}[{key!r}]", read) for (key, part), child in pairs], place), axis=1
    )


def _read_rows(given: Any, place: str, read: Callable[[Any, str], Any]) -> Any:
    """The numbers of an array of objects, one after the other."""
    rows = (np.atleast_1d(row).ravel().tolist() for row in given)
    return _objects([read(x, f"{place}, example {i}") for i, row in enumerate(rows) for x in row])


def _refuse_masked(given: Any, place: str) -> None:
    """Reject masked arrays: the number behind a mask has no meaning.

    Raises:
        OperandError: It is a masked array.
    """
    if is_masked(given):
        msg = f"{place}: expected an array of real numbers, got a masked array; fill it first"
        raise OperandError(msg)


def _of_nothing(given: Any, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shape of an example, restored where NumPy lost it because a list has no examples."""
    return [shape] if given.shape == (0,) else []


def _objects(xs: list[Any]) -> Any:
    """A one-dimensional array of arbitrary objects."""
    array = np.empty(len(xs), object)  # np.array(xs) would look into Values for sequences
    array[:] = xs
    return array


def same_length(batches: list[Any], place: str) -> list[Any]:
    """Check that batches have equally many examples.

    Raises:
        StructureError: They have not.
    """
    counts = [len(batch) for batch in batches]
    if len(set(counts)) > 1:
        msg = f"{place}: expected equally many examples everywhere, got {', '.join(map(str, counts))}"
        raise StructureError(msg)
    return batches


def tree_of(spec: Spec, numbers: Any) -> Any:
    """A tree of floats, or of Values, and of fresh arrays of them in that shape, from a flat array."""
    if numbers.dtype == object:
        return unflatten(spec, numbers.tolist())
    floats: list[float] = []

    def block(start: int, block: Spec) -> Any:
        if block.kind == "array":
            return numbers[start : start + block.size].reshape(block.about).astype(float)
        # All at once, and only where there is a leaf: NumPy takes longer to give one number than a list of ten.
        floats.extend(() if floats else numbers.tolist())
        return floats[start]

    return build(spec, block)


def as_passed(given: Any, tree: Any) -> Any:
    """A derivative in the containers of the argument that was passed: an array of an array, whatever was traced."""
    if not isinstance(tree, (dict, list, tuple)):
        return tree
    given = as_numpy(given)
    if is_array(given):  # of numbers; one of objects may hold lists and dicts
        same = not isinstance(tree, dict) and shape_of(flatten(tree)[1], bare=True) == given.shape
        return np.array(tree) if same else tree
    if isinstance(tree, dict):
        return {key: as_passed(given[key], x) for key, x in tree.items()}
    if isinstance(tree, (list, tuple)) and any(isinstance(x, (dict, list, tuple)) for x in tree):
        parts = map(as_passed, given, tree)
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return tree


def views(spec: Spec, columns: Any, *, rows: bool) -> Any:
    """A tree of views into a table of shape (rows, size): arrays with examples first, or of one example.

    Nested lists of one shape become one array.
    """

    # Views and not copies: what a user writes to a bound call's inputs must be what machine code reads.
    def view(start: int, block: Spec) -> Any:
        part = columns[:, start : start + block.size]
        return part.reshape((len(columns), *block.about) if rows else block.about)

    return build(_blocks(spec), view)


def _blocks(spec: Spec) -> Spec:
    """The same shape with arrays in place of nested lists."""
    shape = shape_of(spec)
    return spec._replace(children=tuple(map(_blocks, spec.children))) if shape is None else Spec("array", (), shape)
