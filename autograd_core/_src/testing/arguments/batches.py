"""The derivative of a function of batches, passed for each example separately."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ....errors import OperandError, RangeError, StructureError
from ...any_object import brief
from ..directions import total
from .flat import FixedArgument, Tree, array_library
from .jacobians import Inputs, jacobian_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .complex_parts import Conversion


class Blocks:
    """A Jacobian whose blocks off the diagonal are 0: a result depends on its own example only.

    Args:
        rows: The numbers of every row, each with its place.
        count: How many inputs there are.
        side: Who gave it.
    """

    def __init__(self, rows: list[list[tuple[int, float]]], count: int, side: str = "derivative") -> None:
        self.rows, self.count, self.side = rows, count, side

    def row(self, seed: Sequence[float]) -> list[float]:
        """The derivative of a combination of results with respect to every input."""
        terms: list[list[float]] = [[] for _ in range(self.count)]
        for u, row in zip(seed, self.rows, strict=True):
            if u:
                for j, d in row:
                    terms[j].append(u * d)
        return [total(x) for x in terms]

    def along(self, seed: Sequence[float], v: Sequence[float]) -> float:
        """The derivative of a combination of results along a direction."""
        return total(u * total(d * v[j] for j, d in row if v[j]) for u, row in zip(seed, self.rows, strict=True) if u)


def axes_of(args: tuple[Any, ...], in_axes: Any) -> list[int | None]:
    """One axis per argument, None for what all examples share.

    Raises:
        OperandError: `in_axes` is neither an int nor a sequence of ints and None.
        RangeError: Not one per argument, or no argument with a batch.
    """
    axes = list(in_axes) if isinstance(in_axes, Sequence) else [in_axes] * len(args)
    if any(a is not None and (not isinstance(a, int) or isinstance(a, bool)) for a in axes):
        msg = f"in_axes: expected an int, or a sequence of ints and None as jax.vmap has it, got {brief(in_axes)}"
        raise OperandError(msg)
    if len(axes) != len(args) or all(a is None for a in axes):
        msg = (
            f"in_axes: expected an axis or None for each of {len(args)} argument(s), not None for all, "
            f"got {brief(in_axes)}"
        )
        raise RangeError(msg)
    return axes


def batched(whole: Any, results: Tree, inputs: Inputs, in_axes: Any, convert: Conversion) -> Blocks:
    """The derivatives of all examples, at their places in the batch's Jacobian.

    Args:
        whole: The derivatives along axis 0, as `jax.vmap(jax.grad(f), in_axes)` gives them.
        results: The results, along axis 0.
        inputs: The arguments.
        in_axes: Where an argument has its batch; None for one that all examples share.
        convert: To real numbers.

    Raises:
        StructureError: Lengths or shapes that do not fit.
    """
    what = convert.what
    axes = axes_of(inputs.args, in_axes)
    size = _length(results.whole, 0, what, "the result")
    sizes = {
        f"args[{i}]": _length(x, a, what, f"args[{i}]")
        for i, (x, a) in enumerate(zip(inputs.args, axes, strict=True))
        if a is not None and not isinstance(x, FixedArgument)
    }
    if set(sizes.values()) - {size}:
        msg = f"{what}: expected batches of one length, got {size} results and {sizes}"
        raise StructureError(msg)
    count = iter(range(inputs.count))
    places = tuple(_numbered(x, count) for x in inputs.args)
    places_of_results = _numbered(results.whole, iter(range(len(results.leaves))))
    rows: list[list[tuple[int, Any]]] = [[] for _ in results.leaves]
    for b in range(size):
        own = tuple(x if a is None else _taken(x, a, b) for x, a in zip(inputs.args, axes, strict=True))
        columns = Tree(tuple(x if a is None else _taken(x, a, b) for x, a in zip(places, axes, strict=True)), "").leaves
        result = Tree([_taken(results.whole, 0, b)], "")
        result.whole, result.names = result.whole[0], [name[3:] for name in result.names]
        of_example = jacobian_of(
            _piece(whole, b, size, what), result, Inputs(own, inputs.order, bare=inputs.bare), what
        )
        for i, row in zip(Tree(_taken(places_of_results, 0, b), "").leaves, of_example, strict=True):
            rows[int(i)] = list(zip(map(int, columns), row, strict=True))
    return Blocks(convert.entries(rows), convert.inputs.count)


def _numbers(x: Any) -> bool:
    """Whether something is a list of numbers or of such lists: an array without a library."""
    return (
        isinstance(x, (list, tuple))
        and bool(x)
        and all(_numbers(child) or not (isinstance(child, (list, tuple, dict)) or array_library(child)) for child in x)
    )


def _length(x: Any, axis: int, what: str, place: str) -> int:
    """How many examples there are."""
    if isinstance(x, dict):
        lengths = {_length(child, axis, what, place) for child in x.values() if Tree(child, "").leaves}
        return lengths.pop() if len(lengths) == 1 else -1
    if _numbers(x) and axis in (0, -1):
        return len(x)
    if isinstance(x, (list, tuple)) and x:
        return _length(x[0], axis, what, place)
    shape = tuple(getattr(x, "shape", ()))
    if not -len(shape) <= axis < len(shape):
        msg = f"{what}: expected an axis {axis} at {place}, along which the batch lies, got the shape {shape}"
        raise StructureError(msg)
    return int(shape[axis])


def _taken(x: Any, axis: int, b: int) -> Any:
    """One example of a batch."""
    if isinstance(x, FixedArgument):
        return x
    if isinstance(x, dict):
        return {key: _taken(child, axis, b) for key, child in x.items()}
    if _numbers(x):
        return x[b]
    if isinstance(x, (list, tuple)):
        items = [_taken(child, axis, b) for child in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if not array_library(x):
        return x
    return x[(slice(None),) * (axis % len(x.shape)) + (b,)]


def _piece(whole: Any, b: int, size: int, what: str) -> Any:
    """The derivative passed for one example."""
    if isinstance(whole, dict):
        return {key: _piece(child, b, size, what) for key, child in whole.items()}
    if isinstance(whole, (list, tuple)) and not _numbers(whole):
        return type(whole)([_piece(child, b, size, what) for child in whole])
    if whole is None:
        return None
    length = len(whole) if _numbers(whole) else (tuple(getattr(whole, "shape", ())) or (0,))[0]
    if length != size:
        msg = f"{what}: expected the derivatives of {size} examples along axis 0, got {length}"
        raise StructureError(msg)
    return whole[b]


def _numbered(x: Any, numbers: Iterator[int]) -> Any:
    """A tree with the places of its numbers instead of them."""
    if isinstance(x, dict):
        return {key: _numbered(child, numbers) for key, child in x.items()}
    if isinstance(x, (list, tuple)):
        items = [_numbered(child, numbers) for child in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    leaves = len(Tree(x, "").leaves)  # none of what is held
    array: Any = x
    if array_library(x) and leaves:
        import numpy as np

        return np.array([next(numbers) for _ in range(leaves)], float).reshape(tuple(array.shape))
    return next(numbers) if leaves else x
