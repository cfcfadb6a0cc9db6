"""Vectors and matrices of Values: their operators, and how they are shown."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, StructureError, Value, dot
from autograd_core._src.any_object import shown

from .matrices import by
from .tables import as_html, number
from .validation import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NESTED = (list, tuple)
# Functions that only compare take the numbers; all other functions of NumPy take the Values, and give a graph.
COMPARING = frozenset(("allclose", "isclose", "array_equal", "array_equiv"))


class MatrixAlgebra:
    """Operators of vectors and matrices of Values: `W @ a + b`, `a * (1 - a)`, `W.T @ d`; results are graphs.

    @ is the product of matrices. + - * / ** go entry by entry, with another of the same shape or with one number, and
    so do the signs + and -, and abs().

    Attributes:
        data: The numbers, nested likewise.
        grad: The gradients, nested likewise.
    """

    __slots__ = ()
    _title = "Values"

    if TYPE_CHECKING:

        def __iter__(self) -> Any: ...
        def __len__(self) -> int: ...

    @property
    def data(self) -> list[Any]:
        """The numbers."""
        return [x.data for x in self]

    @property
    def grad(self) -> list[Any]:
        """The gradients."""
        return [x.grad for x in self]

    @property
    def T(self) -> MatrixOfValues:  # NumPy's name
        """The transpose; as in NumPy, a vector is its own transpose."""
        rows = as_lists(self)
        is_matrix = bool(rows) and isinstance(rows[0], list)
        return as_matrix(list(map(list, zip(*rows, strict=True))) if is_matrix else rows)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"{self._title}({_in_rows(self, len(self._title) + 1)})"

    def _repr_html_(self) -> str | None:
        shape = shape_of(self)
        if not 1 <= len(shape) <= 2 or 0 in shape:
            return None
        rows = list(self) if len(shape) == 2 else [self]
        cells = [[str(i), *(number(_number_of(x)) for x in row)] for i, row in enumerate(rows)]
        heads = ["", *map(str, range(shape[-1]))]
        labels = [getattr(x, "label", "") for x in self] if len(shape) == 1 else []
        if self._title == "Values" and labels and all(labels):
            cells, heads = [["", *cells[0][1:]]], ["", *labels]
        return as_html(f"{self._title}  {by(tuple(shape))}", heads, cells)

    def __matmul__(self, other: Any) -> Any:
        """The product with a vector or a matrix of numbers or Values: `layer.theta @ [1.0, *x]`."""
        return _product(as_lists(self), _factor(other))

    def __rmatmul__(self, other: Any) -> Any:
        """The product of a row, or a matrix, with these."""
        return _product(_factor(other), as_lists(self))

    def __add__(self, other: Any) -> Any:
        return _entrywise(operator.add, self, other, "+")

    def __radd__(self, other: Any) -> Any:
        return _entrywise(operator.add, other, self, "+")

    def __sub__(self, other: Any) -> Any:
        return _entrywise(operator.sub, self, other, "-")

    def __rsub__(self, other: Any) -> Any:
        return _entrywise(operator.sub, other, self, "-")

    def __mul__(self, other: Any) -> Any:
        return _entrywise(operator.mul, self, other, "*")

    def __rmul__(self, other: Any) -> Any:
        return _entrywise(operator.mul, other, self, "*")

    def __truediv__(self, other: Any) -> Any:
        return _entrywise(operator.truediv, self, other, "/")

    def __rtruediv__(self, other: Any) -> Any:
        return _entrywise(operator.truediv, other, self, "/")

    def __pow__(self, exponent: Any) -> Any:
        return _entrywise(operator.pow, self, exponent, "**")

    def __neg__(self) -> Any:
        return _of_each(operator.neg, as_lists(self))

    def __pos__(self) -> Any:
        return _of_each(operator.pos, as_lists(self))

    def __abs__(self) -> Any:
        return _of_each(operator.abs, as_lists(self))


class InNumPy(MatrixAlgebra):
    """Vectors and matrices whose Values NumPy's functions take, so that `np.dot(W, x)` is a graph."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **options: Any) -> Any:
        """Apply a ufunc to the Values: the result is a graph, as it is for an array of Values."""
        return getattr(ufunc, method)(*map(_as_values, given), **options)

    def __array_function__(self, function: Any, types: Any, given: Any, options: Any) -> Any:
        """The same for functions that are no ufuncs, such as `np.dot`."""
        taken = _as_numbers if function.__name__ in COMPARING else _as_values
        return function(*map(taken, given), **{name: taken(x) for name, x in options.items()})


class MatrixOfValues(InNumPy, list[Any]):
    """The result of a product or a sum: a list of Values, or of such lists."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        found = list.__getitem__(self, index)
        return MatrixOfValues(found) if isinstance(index, slice) else found

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        import numpy as np

        of_numbers = dtype is not None and np.dtype(dtype).kind != "O"
        return np.array(self.data if of_numbers else as_lists(self), dtype=dtype or object)

    def __iadd__(self, other: Any) -> Any:
        return self + other  # that of a list appends

    def __reduce__(self) -> Any:
        return type(self), (list(self),)


class NamedValues(MatrixAlgebra, tuple[Any, ...]):
    """Nodes of a pass side by side, or the rows of its weights: a tuple, whose numbers NumPy takes."""

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return NamedValues(found) if isinstance(index, slice) else found

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        import numpy as np

        of_values = dtype is not None and np.dtype(dtype).kind == "O"
        return np.array(as_lists(self) if of_values else self.data, dtype=dtype)

    def __reduce__(self) -> Any:
        return type(self), (tuple(self),)


def as_matrix(nested: Any) -> Any:
    """Nested lists of Values as `MatrixOfValues`, a single Value as it is."""
    return MatrixOfValues(map(as_matrix, nested)) if isinstance(nested, NESTED) else nested


def as_named(nested: Any) -> Any:
    """Nested sequences of nodes as `NamedValues`, a single node as it is."""
    return NamedValues(map(as_named, nested)) if isinstance(nested, NESTED) else nested


def _product(left: list[Any], right: list[Any]) -> Any:
    if left and isinstance(left[0], list):
        return MatrixOfValues(_product(row, right) for row in left)
    if right and isinstance(right[0], list):
        return MatrixOfValues(_inner(left, column) for column in zip(*right, strict=True))
    return _inner(left, right)


def _inner(row: Any, column: Any) -> Any:
    if len(row) != len(column):
        msg = f"Values @: expected as many numbers on both sides, got {len(row)} and {len(column)}"
        raise StructureError(msg)
    return dot(row, column)


def _factor(given: Any) -> list[Any]:
    """The other side of a product, as nested lists.

    Raises:
        OperandError: It is neither a vector nor a matrix.
    """
    items = [plain(x) for x in plain(given)] if isinstance(plain(given), list) else []
    nested = [len(x) for x in items if isinstance(x, list)]
    if not items or (nested and (len(nested) != len(items) or len(set(nested)) > 1)):
        msg = f"Values @: expected a vector or a matrix, got {shown(given)}"
        raise OperandError(msg)
    return items


def _entrywise(f: Callable[[Any, Any], Any], left: Any, right: Any, sign: str) -> Any:
    """f of two vectors or matrices entry by entry, or of one and a number.

    Raises:
        OperandError: One of them is neither.
        StructureError: They have different shapes.
    """
    sides = [as_lists(plain(x)) for x in (left, right)]
    for x in sides:
        if not isinstance(x, (list, Value)) and not isinstance(x, (int, float)):
            msg = f"Values {sign}: expected a vector, a matrix or a number as the other term, got {shown(x)}"
            raise OperandError(msg)
    for k, other in ((0, 1), (1, 0)):
        if [1, *shape_of(sides[k])] == shape_of(sides[other]):  # a vector beside a matrix of one row
            sides[k] = [sides[k]]
    shapes = [shape_of(x) for x in sides]
    if all(shapes) and shapes[0] != shapes[1]:
        one, two = (by(tuple(shape)) for shape in shapes)
        vectors = len(shapes[0]) == len(shapes[1]) == 1
        hint = "; a column times a row, δ aᵀ, is np.outer(δ, a)" if sign == "*" and vectors else ""
        msg = f"Values {sign}: expected as many entries on both sides, got {one} and {two}{hint}"
        raise StructureError(msg)
    return _of_entries(f, *sides)


def _of_entries(f: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if isinstance(left, list) and isinstance(right, list):
        return MatrixOfValues(_of_entries(f, x, y) for x, y in zip(left, right, strict=True))
    if isinstance(left, list):
        return MatrixOfValues(_of_entries(f, x, right) for x in left)
    if isinstance(right, list):
        return MatrixOfValues(_of_entries(f, left, x) for x in right)
    return f(left, right)


def _of_each(f: Callable[[Any], Any], x: Any) -> Any:
    return MatrixOfValues(_of_each(f, y) for y in x) if isinstance(x, list) else f(x)


def _in_rows(x: Any, indent: int) -> str:
    """Numbers as NumPy writes an array: rows below each other."""
    if not isinstance(x, NESTED):
        return format(_number_of(x), ".4g")
    if x and isinstance(x[0], NESTED):
        return f"[{(',' + chr(10) + (indent + 1) * ' ').join(_in_rows(row, indent + 1) for row in x)}]"
    return f"[{', '.join(_in_rows(y, indent) for y in x)}]"


def _number_of(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def as_lists(x: Any) -> Any:
    """Nested lists or tuples of any kind as plain lists."""
    return list(map(as_lists, x)) if isinstance(x, NESTED) else x


def _as_values(x: Any) -> Any:
    """Vectors and matrices of Values as arrays of these, also within lists; anything else as it is."""
    if isinstance(x, MatrixAlgebra):
        import numpy as np

        return np.array(as_lists(x), dtype=object)
    return type(x)(map(_as_values, x)) if type(x) in NESTED else x


def _as_numbers(x: Any) -> Any:
    """Vectors and matrices of Values, and single ones, as their numbers; anything else as it is."""
    if isinstance(x, Value):
        return x.data
    return list(map(_as_numbers, x)) if isinstance(x, NESTED) else x


def shape_of(x: Any) -> list[int]:
    """How many entries each axis of nested lists has."""
    return [len(x), *(shape_of(x[0]) if x else [])] if isinstance(x, NESTED) else []
