"""A derivative that a user passes, matched with results and arguments by key, length and shape.

Derivatives are written in many forms: a row for one result, outputs before inputs, a block for each argument, a matrix.
Users need not say which: the forms that fit the numbers of results and arguments are tried in turn, and the first whose
keys, lengths and shapes match is taken.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

from ....errors import StructureError
from ...any_object import shown
from ...engine.evaluation import is_fraction
from ...engine.value import Value
from ..verdicts import FunctionError
from .flat import Tree, array_library, is_sparse, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Inputs:
    """The arguments that are differentiated, and the order in which a derivative lists them.

    Attributes:
        args: All arguments; those that are not inputs contain no numbers here.
        parts: The inputs with their positions.
        order: The positions of the arguments in the order in which a derivative lists them.
        bare: Whether a derivative is that of a single argument, without a sequence around it.
        count: How many numbers the inputs have; a complex one counts once.
    """

    def __init__(self, args: tuple[Any, ...], order: Sequence[int] | None = None, *, bare: bool = False) -> None:
        self.args = args
        trees = [Tree(arg, "") for arg in args]
        self.parts = [(i, arg) for i, arg in enumerate(args) if trees[i].leaves]
        self.sizes = [len(trees[i].leaves) for i, _ in self.parts]
        self.order = list(range(len(args))) if order is None else list(order)
        self.bare = bare
        self.count = sum(self.sizes)
        self._trees = trees

    @property
    def in_order(self) -> bool:
        """Whether a derivative lists the arguments in the function's order."""
        return self.order == sorted(self.order)

    def of_all(self) -> Inputs:
        """All arguments in the function's order, as products take them."""
        return Inputs(self.args)

    def tangents(self, v: Sequence[float]) -> tuple[Any, ...]:
        """A direction, shaped as the arguments; None for an argument that is not an input."""
        numbers = iter(v)
        return tuple(tree.build([next(numbers) for _ in tree.leaves]) if tree.leaves else None for tree in self._trees)


def jacobian_of(whole: Any, results: Tree, inputs: Inputs, what: str) -> list[list[Any]]:
    """The derivative as a matrix with a row for each result.

    Args:
        whole: For one result, shaped as the argument; for several arguments, a sequence with an entry for each. For
            several results, outputs before inputs, or a block for each argument. None stands for 0.
        results: The results, with `results.whole` as the function gave them.
        inputs: The arguments.
        what: What the derivative is called in errors.

    Returns:
        As many rows as there are results, of as many numbers as there are inputs.

    Raises:
        StructureError: Other keys, lengths or shapes.
        FunctionError: An entry is no number.
    """
    m, n = len(results.leaves), inputs.count
    result = results.whole

    def by_rows() -> list[list[Any]]:
        return [_row(piece, inputs, what) for piece in _pieces(result, whole, what, "")]

    def by_blocks() -> list[list[Any]]:
        if len(inputs.parts) < 2:
            given = [whole[0]] if isinstance(whole, (list, tuple)) and len(whole) == 1 else [whole]
        else:
            given = _entries(whole, inputs, what)
        columns = [
            [_spread(arg, piece, what, f"args[{i}]") for piece in _pieces(result, block, what, "")]
            for (i, arg), block in zip(inputs.parts, given, strict=True)
        ]
        return [[x for part in row for x in part] for row in zip(*columns, strict=True)]

    def as_matrix() -> list[list[Any]]:
        if tuple(getattr(whole, "shape", ())) != (m, n):
            msg = f"{what}: expected a matrix of shape {(m, n)}"
            raise StructureError(msg)
        return [list(map(_number, row)) for row in whole.tolist()]

    # Several arguments have blocks first, as in JAX. Nested lists for two results of two arguments match both forms, so
    # the order decides.
    alone = (lambda: [_row(whole, inputs, what)],) if m == 1 else ()
    ways: list[Callable[[], list[list[Any]]]] = [*alone]
    if m > 1 or results.names != [""]:
        ways += [by_blocks, by_rows] if len(inputs.parts) > 1 else [by_rows, by_blocks]
        ways += [as_matrix]
    refusals: list[StructureError] = []
    for way in ways:
        try:
            return [[plain(x) for x in row] for row in way()]
        except StructureError as error:
            refusals.append(error)
    # The first form is the most likely one, so its refusal is the one to report.
    count = len(Tree([whole], "").leaves)
    if count != m * n:
        msg = f"{refusals[0]}; {m * n} number(s) in all, one for each of {m} result(s) and {n} input(s), got {count}"
        raise StructureError(msg)
    raise refusals[0]


def sparse_jacobian(whole: Any, results: Tree, inputs: Inputs, what: str) -> Any:
    """A SciPy sparse Jacobian of all results and inputs, from one matrix or from a block for each argument.

    Raises:
        StructureError: Another shape.
    """
    m, n = len(results.leaves), inputs.count
    blocks = [whole] if is_sparse(whole) else _entries(whole, inputs, what)
    sizes = [n] if is_sparse(whole) else inputs.sizes
    for i, (block, size) in enumerate(zip(blocks, sizes, strict=True)):
        shape = tuple(getattr(block, "shape", ()))
        if shape != (m, size) and not (m == 1 and shape == (size,)):
            msg = f"{what}: expected a sparse matrix of shape {(m, size)}, a row per result, got {shape} at entry {i}"
            raise StructureError(msg)
    if len(blocks) == 1:
        return blocks[0].reshape(m, n)
    from scipy import sparse

    return sparse.hstack([block.reshape(m, -1) for block in blocks])


def number_row(given: Any, inputs: Inputs, what: str) -> list[Any]:
    """The derivative of one result, or of a combination of results, with respect to all inputs.

    Raises:
        StructureError: Other keys, lengths or shapes than the arguments'.
    """
    return [plain(x) for x in _row(given, inputs, what)]


def result_numbers(results: Tree, given: Any, what: str) -> list[Any]:
    """The numbers of a tree that must be shaped as the results.

    Raises:
        StructureError: It is not.
    """
    return [plain(x) for x in _spread(results.whole, given, what, "the result")]


def _row(given: Any, inputs: Inputs, what: str) -> list[Any]:
    """The derivative of one result with respect to all arguments."""
    parts, count = inputs.parts, len(inputs.order)
    if given is None:
        return [0.0] * inputs.count
    # A flat list of all numbers is accepted, unless it might be a list of entries for an array.
    if _flat(given) and inputs.in_order and not (len(parts) == 1 and array_library(parts[0][1])):
        numbers = list(map(_number, given))
        if len(numbers) == inputs.count:
            return numbers
    if len(parts) == 1 and (count == 1 or inputs.bare):
        (i, arg), *_ = parts
        try:
            return _spread(arg, given, what, f"args[{i}]")
        except StructureError:
            if isinstance(given, (list, tuple)) and len(given) == 1 and not inputs.bare:
                return _spread(arg, given[0], what, f"args[{i}]")
            raise
    if len(parts) == 1 and not (isinstance(given, (list, tuple)) and len(given) == count):
        return _spread(parts[0][1], given, what, f"args[{parts[0][0]}]")
    entries = _entries(given, inputs, what)
    return [x for (i, arg), part in zip(parts, entries, strict=True) for x in _spread(arg, part, what, f"args[{i}]")]


def _entries(given: Any, inputs: Inputs, what: str) -> list[Any]:
    """The entries for the arguments that are inputs. Entries for other arguments may stand between them."""
    positions = [i for i, _ in inputs.parts]
    if inputs.bare:
        return [given]
    if not isinstance(given, (list, tuple)) and not array_library(given):
        msg = f"{what}: expected a sequence with an entry for each of {len(positions)} arguments, got {_shown(given)}"
        raise StructureError(msg)
    entries = list(given)
    if len(entries) == len(inputs.order):
        found = dict(zip(inputs.order, entries, strict=True))
        return [found[i] for i in positions]
    if len(entries) != len(positions):
        msg = f"{what}: expected {len(positions)} entries, one for each argument, got {len(entries)}"
        raise StructureError(msg)
    return entries


def _flat(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and all(isinstance(x, (int, float, complex, Value)) for x in given)


def _number(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _shown(x: Any) -> str:
    return f"{shown(x)}"


def _keys(template: dict[Any, Any], given: Any, what: str, place: str) -> list[Any]:
    """The keys of a template whose values contain numbers.

    Raises:
        StructureError: `given` is no dict, or has other keys.
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
    """The items of a sequence of given length.

    Raises:
        StructureError: It is no sequence, or has another length.
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
    """The numbers of a tree in the order of the template, whose keys, lengths and shapes it must have; None is 0."""
    # Keys are matched by name: a dict lists them in the order in which they were inserted, which means nothing.
    if given is None:
        return [0.0] * len(Tree(template, "").leaves)
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
    """The numbers of nested lists that must have the given shape."""
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
    if isinstance(number, bool) or not (isinstance(number, (int, float, complex)) or is_fraction(number)):
        msg = f"{what}: expected a number at {place or 'the result'}, got {_shown(given)}"
        raise FunctionError(msg, fault="no number")
    return number


def _pieces(result: Any, given: Any, what: str, place: str) -> list[Any]:
    """The derivative given for each number of a result, outputs before inputs."""
    if given is None:
        return [None] * len(Tree(result, "").leaves)
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
