"""A derivative that a user gives, matched with results and arguments by key, length and shape."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

from ..errors import StructureError
from ..evaluation import is_fraction
from ..value import Value
from .arguments import Tree, array_library
from .verdicts import FunctionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def jacobian_of(whole: Any, results: Tree, args: tuple[Any, ...], what: str) -> list[list[float]]:
    """The derivative as a row of numbers per result.

    Args:
        whole: Shaped as the argument for one result (several arguments: a sequence, an entry for
            each); for more, outputs before inputs, and a block for each of several arguments.
        results: The results, with `results.whole` as the function gave them.
        args: The arguments.
        what: What it is, for an error.

    Returns:
        As many rows as there are results, of as many numbers as there are inputs.

    Raises:
        StructureError: Other keys, lengths or shapes.
        FunctionError: What is no real number.
    """
    inputs = [(i, arg) for i, arg in enumerate(args) if Tree(arg, "").leaves]
    m, n = len(results.leaves), sum(len(Tree(arg, "").leaves) for _, arg in inputs)
    result = results.whole

    def for_one(given: Any) -> list[Any]:
        return _row(given, inputs, len(args), what)

    def by_rows() -> list[list[Any]]:
        return [for_one(piece) for piece in _pieces(result, whole, what, "")]

    def by_blocks() -> list[list[Any]]:
        if len(inputs) < 2:
            given = [whole[0]] if isinstance(whole, (list, tuple)) and len(whole) == 1 else [whole]
        else:
            given = _entries(whole, inputs, len(args), what)
        columns = [
            [_spread(arg, piece, what, f"args[{i}]") for piece in _pieces(result, block, what, "")]
            for (i, arg), block in zip(inputs, given, strict=True)
        ]
        return [[x for part in row for x in part] for row in zip(*columns, strict=True)]

    def as_matrix() -> list[list[Any]]:
        if tuple(getattr(whole, "shape", ())) != (m, n):
            msg = f"{what}: expected a matrix of shape {(m, n)}"
            raise StructureError(msg)
        return [list(map(_number, row)) for row in whole.tolist()]

    alone = (lambda: [for_one(whole)],) if m == 1 else ()
    ways: list[Callable[[], list[list[Any]]]] = [*alone]
    if m > 1 or results.names != [""]:
        ways += [by_blocks, by_rows] if len(inputs) > 1 else [by_rows, by_blocks]
        ways += [as_matrix]
    refusals: list[StructureError] = []
    for way in ways:
        try:
            return [[float(x) for x in row] for row in way()]
        except StructureError as error:
            refusals.append(error)
    count = len(Tree([whole], "").leaves)
    if count != m * n:
        msg = f"{refusals[0]}; {m * n} number(s) in all, one for each of {m} result(s) and {n} input(s), got {count}"
        raise StructureError(msg)
    raise refusals[0]


def _row(given: Any, inputs: Sequence[tuple[int, Any]], count: int, what: str) -> list[Any]:
    """The derivative of one result, to all arguments."""
    if _flat(given) and not (len(inputs) == 1 and array_library(inputs[0][1])):
        numbers = list(map(_number, given))
        if len(numbers) == sum(len(Tree(arg, "").leaves) for _, arg in inputs):
            return numbers
    if len(inputs) == 1 and count == 1:
        (i, arg), *_ = inputs
        try:
            return _spread(arg, given, what, f"args[{i}]")
        except StructureError:
            if isinstance(given, (list, tuple)) and len(given) == 1:
                return _spread(arg, given[0], what, f"args[{i}]")
            raise
    if len(inputs) == 1 and not (isinstance(given, (list, tuple)) and len(given) == count):
        return _spread(inputs[0][1], given, what, f"args[{inputs[0][0]}]")
    parts = _entries(given, inputs, count, what)
    return [x for (i, arg), part in zip(inputs, parts, strict=True) for x in _spread(arg, part, what, f"args[{i}]")]


def _entries(given: Any, inputs: Sequence[tuple[int, Any]], count: int, what: str) -> list[Any]:
    """One entry for each argument that has numbers; entries for the others may stand between them."""
    if not isinstance(given, (list, tuple)) and not array_library(given):
        msg = f"{what}: expected a sequence with an entry for each of {len(inputs)} arguments, got {_shown(given)}"
        raise StructureError(msg)
    parts = list(given)
    if len(parts) == count:
        return [parts[i] for i, _ in inputs]
    if len(parts) != len(inputs):
        msg = f"{what}: expected {len(inputs)} entries, one for each argument, got {len(parts)}"
        raise StructureError(msg)
    return parts


def _flat(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and all(isinstance(x, (int, float, Value)) for x in given)


def _number(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _shown(x: Any) -> str:
    return f"{x!r:.60} ({type(x).__name__})"


def _keys(template: dict[Any, Any], given: Any, what: str, place: str) -> list[Any]:
    """The keys that hold numbers.

    Raises:
        StructureError: What is given is no dict, or has other keys.
    """
    keys = [key for key, value in template.items() if Tree(value, "").leaves]
    if not isinstance(given, dict):
        msg = f"{what}: expected a dict with the keys {keys!r} at {place or 'the result'}, got {_shown(given)}"
        raise StructureError(msg)
    missing, more = [k for k in keys if k not in given], [k for k in given if k not in template]
    if missing or more:
        said = [f"{word} {found!r}" for word, found in (("missing", missing), ("unknown", more)) if found]
        msg = f"{what}: expected the keys {keys!r} at {place or 'the result'}; {', '.join(said)}"
        raise StructureError(msg)
    return keys


def _listed(given: Any, length: int, what: str, place: str) -> list[Any]:
    """The items of a sequence.

    Raises:
        StructureError: It is none, or has another length.
    """
    if not isinstance(given, (list, tuple)) and not (array_library(given) and len(given.shape)):
        msg = f"{what}: expected a sequence of {length} at {place or 'the result'}, got {_shown(given)}"
        raise StructureError(msg)
    if len(given) != length:
        array: Any = given
        shape = f" of shape {tuple(array.shape)}" if array_library(array) else ""
        msg = f"{what}: expected a sequence of {length} at {place or 'the result'}, got {len(given)} items{shape}"
        raise StructureError(msg)
    return list(given)


def _spread(template: Any, given: Any, what: str, place: str) -> list[Any]:
    """The numbers of a tree, in the order of another one of the same keys, lengths and shapes."""
    if isinstance(template, dict):
        keys = _keys(template, given, what, place)
        return [x for key in keys for x in _spread(template[key], given[key], what, f"{place}[{key!r}]")]
    if isinstance(template, (list, tuple)):
        items = _listed(given, len(template), what, place)
        return [
            x
            for i, (part, item) in enumerate(zip(template, items, strict=True))
            if Tree(part, "").leaves
            for x in _spread(part, item, what, f"{place}[{i}]")
        ]
    if array_library(template) and tuple(template.shape):
        shape = tuple(template.shape)
        if array_library(given):
            if tuple(given.shape) != shape:
                msg = f"{what}: expected shape {shape} at {place}, as the argument has, got {tuple(given.shape)}"
                raise StructureError(msg)
            return list(map(_number, given.reshape(-1).tolist()))
        return _nested(given, shape, what, place)
    return [_single(given, what, place)]


def _nested(given: Any, shape: tuple[int, ...], what: str, place: str) -> list[Any]:
    """The numbers of nested lists of some shape."""
    if not shape:
        return [_single(given, what, place)]
    items = _listed(given, shape[0], what, place)
    return [x for i, item in enumerate(items) for x in _nested(item, shape[1:], what, f"{place}[{i}]")]


def _single(given: Any, what: str, place: str) -> Any:
    if array_library(given) and math.prod(given.shape) == 1:
        given = given.reshape(-1).tolist()[0]
    if isinstance(given, (dict, list, tuple)) or (array_library(given) and hasattr(given, "shape")):
        array: Any = given
        shape = f" of shape {tuple(array.shape)}" if array_library(array) else ""
        msg = f"{what}: expected a number at {place or 'the result'}, got {_shown(given)}{shape}"
        raise StructureError(msg)
    number = _number(given)
    if isinstance(number, bool) or not (isinstance(number, (int, float)) or is_fraction(number)):
        msg = f"{what}: expected a real number at {place or 'the result'}, got {_shown(given)}"
        raise FunctionError(msg, fault="no number")
    return number


def _pieces(result: Any, given: Any, what: str, place: str) -> list[Any]:
    """What was given for every number of a result."""
    if isinstance(result, dict):
        keys = _keys(result, given, what, place)
        return [x for key in keys for x in _pieces(result[key], given[key], what, f"{place}[{key!r}]")]
    if isinstance(result, (list, tuple)):
        items = _listed(given, len(result), what, place)
        return [
            x
            for i, (part, item) in enumerate(zip(result, items, strict=True))
            for x in _pieces(part, item, what, f"{place}[{i}]")
        ]
    if array_library(result) and tuple(result.shape):
        pieces = []
        for where in product(*map(range, result.shape)):
            piece = given
            for k, i in enumerate(where):
                piece = _listed(piece, result.shape[k], what, place)[i]
            pieces.append(piece)
        return pieces
    return [given]
