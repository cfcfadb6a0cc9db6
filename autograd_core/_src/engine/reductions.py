"""Functions over a sequence: sums of products, extremes and softmax, one node for n operands.

A sequence may be a NumPy vector, and its items may be arrays, which are taken element by element. A matrix in
place of the sequence is refused where NumPy's function of the same name would take all of its numbers.
"""

from __future__ import annotations

import builtins
from numbers import Real
from typing import TYPE_CHECKING, Any

from ...errors import OperandError, StructureError
from ..wrong_calls import refuse_options
from .elementwise import has_array
from .ops import PRIMITIVES
from .pytrees import array, is_array
from .recording import FUSED, record_many
from .value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Never, NoReturn

    from .signatures import Dot, Extreme, Normalized, Reduction, Sum


def _typed_as_sum(function: Callable[..., Any]) -> Sum:
    return function


def _typed_as_dot(function: Callable[..., Any]) -> Dot:
    return function


def _typed_as_reduction(function: Callable[..., Any]) -> Reduction:
    return function


def _typed_as_extreme(function: Callable[..., Any]) -> Extreme:
    return function


def _typed_as_normalized(function: Callable[..., Any]) -> Normalized:
    return function


AXES = (
    "it takes one sequence. Of a matrix A, [ag.{name}(row) for row in A] is that of each row, "
    "[ag.{name}(column) for column in A.T] that of each column"
)
ELSEWHERE = {
    "keepdims": "the result has no axes",
    "dtype": "results are Values or floats",
    "out": "the result is a new one",
    "ord": "it is the Euclidean one, of order 2",
    "initial": "put it into the sequence",
    "where": "choose the numbers first, as in xs[mask]",
}


def _refuse(caller: str, options: dict[str, Any]) -> NoReturn:
    axes = AXES.format(name=caller) if caller != "dot" else "it takes two sequences; A @ x is the product with a matrix"
    refuse_options(caller, options, ELSEWHERE | {"axis": axes, "dim": axes})


def _items(xs: Iterable[Any], caller: str) -> list[Any]:
    if type(xs) is list:
        return xs
    if is_array(xs):
        return _entries(xs, caller)
    try:
        return list(xs)
    except TypeError:
        way = "put numbers into a list, [x, y], or see maximum, hypot"
        msg = f"{caller}: expected a sequence of numbers, got {type(xs).__name__}; {way}"
        raise OperandError(msg) from None


def _entries(xs: Any, caller: str) -> list[Any]:
    """The numbers of a vector. NumPy's function of the same name means all numbers of a matrix, so that is refused."""
    if xs.ndim == 1:
        return xs.tolist()  # type: ignore[no-any-return]
    if xs.ndim and caller == "sum":  # as the built-in has it
        return list(xs)
    if not xs.ndim:
        ways = "its number is a.item(), and a.ravel() is a sequence of this one"
    elif caller == "dot":
        ways = "A @ x is the product with a matrix, [ag.dot(row, x) for row in A] the same with a node per row"
    else:
        ways = f"a.ravel() for all of its numbers, [ag.{caller}(row) for row in a] by rows, list(a) by columns"
    msg = f"{caller}: expected a sequence of numbers, got an array of shape {xs.shape}; {ways}"
    raise StructureError(msg) if xs.ndim else OperandError(msg)


def _some(xs: Iterable[Any], caller: str) -> list[Any]:
    items = _items(xs, caller)
    if not items:
        msg = f"{caller}: expected at least one number, got an empty sequence"
        raise StructureError(msg)
    return items


def _like(xs: Any, results: list[Any]) -> Any:
    return array(results, xs.shape) if is_array(xs) else results


@_typed_as_sum
def sum(xs: Iterable[Any], /, start: Any = 0, **options: Never) -> Any:  # noqa: A001  ag.sum, left out of __all__
    """Sum of a sequence as one node with n operands, rounded from left to right.

    Args:
        xs: Real numbers or Values. What the built-in `sum` takes besides, it still gets.
        start: What to begin with.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A Value where one is among the numbers, else a number; `start` for an empty sequence.

    Example:
        >>> import autograd_core as ag
        >>> s = ag.sum([ag.Value(1.0), ag.Value(2.0), 3])
        >>> s.data, len(s.parents)
        (6.0, 3)
    """
    if options:
        _refuse("sum", options)
    items = _items(xs, "sum")
    if start.__class__ is not int or start != 0:
        items = [start, *items]
    for x in items:
        if x.__class__ is not int and x.__class__ is not bool:
            break
    else:
        return builtins.sum(items)
    if not _all_numbers(items):
        return builtins.sum(items[1:], items[0]) if items[0] is start else builtins.sum(items)
    return record_many(PRIMITIVES["sum"], items)


def _all_numbers(items: Iterable[Any]) -> bool:
    """Whether no item is an array or a list; `record` rejects strings."""
    return all(isinstance(x, (Value, str)) or not hasattr(x, "__iter__") for x in items)


@_typed_as_dot
def dot(w: Iterable[Any], x: Iterable[Any], **options: Never) -> Any:
    """w1*x1 + ... + wn*xn as one node, rounded from left to right.

    Args:
        w: n real numbers or Values.
        x: n real numbers or Values.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A Value where one is among the numbers, its parents w1 ... wn, x1 ... xn; else a number.

    Raises:
        StructureError: The lengths differ.

    Example:
        >>> import autograd_core as ag
        >>> ag.dot([1.0, 2.0], [3.0, 4.0])
        11.0
    """
    if options:
        _refuse("dot", options)
    ws, xs = _items(w, "dot"), _items(x, "dot")
    if len(ws) != len(xs):
        msg = f"dot: expected two sequences of equal length, got {len(ws)} and {len(xs)}"
        raise StructureError(msg)
    return record_many(PRIMITIVES["dot"], ws + xs)


@_typed_as_reduction
def prod(xs: Iterable[Any], **options: Never) -> Any:
    """Product of a sequence as one node; its derivatives are right beside zeros, too.

    Only the whole over- or underflows, not the product of some operands. Second derivatives have that of up to
    16 operands; of more they are made of products of products, each of which may leave the range.

    Args:
        xs: Real numbers or Values; 1.0 for none.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A Value where one is among the numbers, else a number.

    Example:
        >>> import autograd_core as ag
        >>> ag.prod([2.0, 3.0, 4.0])
        24.0
    """
    if options:
        _refuse("prod", options)
    return record_many(PRIMITIVES["prod"], _items(xs, "prod"))


@_typed_as_reduction
def mean(xs: Iterable[Any], **options: Never) -> Any:
    """Arithmetic mean as one node.

    Args:
        xs: At least one real number or Value.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A Value where one is among the numbers, else a number.

    Raises:
        StructureError: The sequence is empty.

    Example:
        >>> import autograd_core as ag
        >>> ag.mean([1.0, 2.0, 6.0])
        3.0
    """
    if options:
        _refuse("mean", options)
    return record_many(PRIMITIVES["mean"], _some(xs, "mean"))


def _extreme(name: str, args: tuple[Any, ...], key: Any, default: Any) -> Any:
    builtin = getattr(builtins, name)
    items = _items(args[0], name) if len(args) == 1 else list(args)
    if default is not _MISSING:
        if len(args) > 1:
            msg = f"{name}: expected a default only beside one sequence, got {len(args)} arguments and {default!r}"
            raise StructureError(msg)
        if not items:
            return default
    items = _some(items, name)
    if key is not None:
        return builtin(items, key=key)
    if not builtins.any(isinstance(x, (Value, Real)) and not isinstance(x, int) for x in items):
        return record_many(PRIMITIVES[name], items) if has_array(items) else builtin(items)
    if not _all_numbers(items) and not has_array(items):
        return builtin(items)
    return record_many(PRIMITIVES[name], items)


_MISSING = object()


@_typed_as_extreme
def max(*args: Any, key: Any = None, default: Any = _MISSING, **options: Never) -> Any:  # noqa: A001
    """Largest of a sequence, or of several arguments, as one node; a tie goes to the first.

    Args:
        *args: One sequence of real numbers or Values, or two and more of them.
        key: As for the built-in: the item whose key is the largest.
        default: What an empty sequence gives.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A Value where one is among the numbers, else a number; NaN if one is NaN.

    Raises:
        StructureError: The sequence is empty and there is no default.

    Example:
        >>> import autograd_core as ag
        >>> ag.max([1.0, 5.0, 2.0]), ag.max([], default=0.0)
        (5.0, 0.0)
    """
    if options:
        _refuse("max", options)
    return _extreme("max", args, key, default)


@_typed_as_extreme
def min(*args: Any, key: Any = None, default: Any = _MISSING, **options: Never) -> Any:  # noqa: A001
    """Smallest of a sequence, or of several arguments, as one node; a tie goes to the first.

    Args:
        *args: One sequence of real numbers or Values, or two and more of them.
        key: As for the built-in: the item whose key is the smallest.
        default: What an empty sequence gives.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A Value where one is among the numbers, else a number; NaN if one is NaN.

    Raises:
        StructureError: The sequence is empty and there is no default.

    Example:
        >>> import autograd_core as ag
        >>> ag.min(4.0, 3.0)
        3.0
    """
    if options:
        _refuse("min", options)
    return _extreme("min", args, key, default)


@_typed_as_reduction
def logsumexp(xs: Iterable[Any], **options: Never) -> Any:
    """log(exp(x1) + ... + exp(xn)) as one node, without overflow (Blanchard, Higham, Higham, 2021).

    Args:
        xs: At least one real number or Value.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A Value where one is among the numbers, else a number. Its derivatives are the softmax.

    Raises:
        StructureError: The sequence is empty.

    Example:
        >>> import autograd_core as ag
        >>> ag.logsumexp([1000.0, 1000.0])
        1000.6931471805599
    """
    if options:
        _refuse("logsumexp", options)
    return record_many(PRIMITIVES["logsumexp"], _some(xs, "logsumexp"))


@_typed_as_normalized
def log_softmax(xs: Iterable[Any], **options: Never) -> Any:
    """x_i - logsumexp(x) for every i.

    Args:
        xs: At least one real number or Value.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A list of the same length; an array for an array.

    Raises:
        StructureError: The sequence is empty.

    Example:
        >>> import autograd_core as ag
        >>> [round(y, 3) for y in ag.log_softmax([0.0, 0.0])]
        [-0.693, -0.693]
    """
    if options:
        _refuse("log_softmax", options)
    return _like(xs, _of_each("log_softmax", _some(xs, "log_softmax")))


@_typed_as_normalized
def softmax(xs: Iterable[Any], **options: Never) -> Any:
    """exp(x_i - logsumexp(x)) for every i: positive numbers whose sum is 1, at any common offset.

    Args:
        xs: At least one real number or Value.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A list of the same length; an array for an array.

    Raises:
        StructureError: The sequence is empty.

    Example:
        >>> import autograd_core as ag
        >>> ag.softmax([1000.0, 0.0])
        [1.0, 0.0]
    """
    if options:
        _refuse("softmax", options)
    return _like(xs, _of_each("softmax", _some(xs, "softmax")))


def _of_each(name: str, items: list[Any]) -> list[Any]:
    """Apply a primitive to each number, the largest of them, and a scale."""
    top = record_many(PRIMITIVES["largest"], items)
    rest = record_many(PRIMITIVES["others"], [*items, top])
    scale = FUSED["scale" if name == "softmax" else "log_scale"](top, rest)
    return [record_many(PRIMITIVES[name], [x, top, scale]) for x in items]


def cross_entropy(others: Iterable[Any], c: Any) -> Any:
    """log(exp(c) + exp(x1) + ... + exp(xn)) - c as one node, to the last digits however far c leads or trails.

    Args:
        others: The scores of all classes but the right one, real numbers or Values.
        c: The score of the right class, a real number or a Value. Of infinities that are equal the difference is 0.

    Returns:
        A Value where one is among the numbers, else a number.

    Example:
        >>> import math
        >>> from autograd_core._src.engine.reductions import cross_entropy
        >>> cross_entropy([1e16], 1e16) == math.log(2), cross_entropy([0.0], 700.0) == math.exp(-700)
        (True, True)
    """
    return record_many(PRIMITIVES["cross_entropy"], [*others, c])


@_typed_as_reduction
def norm(xs: Iterable[Any], **options: Never) -> Any:
    """Euclidean length of a sequence as one node, without overflow; at 0 its derivatives are 0.

    Args:
        xs: Real numbers or Values; 0.0 for none.
        **options: Not taken; those of NumPy and PyTorch raise an error that says what to write here.

    Returns:
        A Value where one is among the numbers, else a number.

    Example:
        >>> import autograd_core as ag
        >>> ag.norm([2.0, 3.0, 6.0])
        7.0
    """
    if options:
        _refuse("norm", options)
    return record_many(PRIMITIVES["norm"], _items(xs, "norm"))
