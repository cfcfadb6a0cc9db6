"""Parameters as vectors and matrices: reading numbers and gradients, and setting them, on any layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, RangeError, StructureError, Value, dot

from ..support.tables import as_html, number
from ..support.validation import plain, shown, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Never


class Affine:
    """Weights and biases as matrices, for a layer of units: what `Layer` and `Linear` share."""

    @property
    def weight(self) -> Parameters:
        """The weights: a row per unit, and in it the weight from each input; entry [i][j] leads to i from j.

        It is a matrix of Values with `.data` and `.grad`. It can be set, to numbers, which become the `.data` of the
        same parameters, or to Values, which take their place.

        Raises:
            StructureError: It is set to a matrix of another shape.
            OperandError: It is set to what is neither numbers nor parameters.

        Example:
            >>> from nn import Layer
            >>> layer = Layer(2, 1, "linear")
            >>> layer.weight = [[3.0, 4.0]]
            >>> layer([1.0, 10.0]).data
            43.0
        """
        return view(self._rows())  # type: ignore[no-any-return]

    @weight.setter
    def weight(self, given: Any) -> None:
        self._put_rows(assigned(self._rows(), given, f"{type(self).__name__}.weight"))

    @property
    def bias(self) -> Parameters | None:
        """The biases, one per unit; None where there are none. Set it as `weight`; None or False takes them away.

        Raises:
            StructureError: It is set to another number of them; or only some of the units have one.
            OperandError: It is set to what is neither numbers nor parameters.

        Example:
            >>> from nn import Layer
            >>> layer = Layer(1, 2, "linear")
            >>> layer.bias = [0.5, -0.5]
            >>> layer.bias.data
            [0.5, -0.5]
        """
        biases = self._biases()
        return None if biases is None else view(biases)

    @bias.setter
    def bias(self, given: Any) -> None:
        if given is None or given is False:
            self._put_biases(None)
            return
        biases = self._biases()
        self._put_biases(
            assigned(self._new_biases() if biases is None else biases, given, f"{type(self).__name__}.bias")
        )

    @property
    def theta(self) -> Parameters:
        """Biases and weights in one matrix, the column of biases first: z = theta (1, x), as CS60050 has it.

        Without biases it is `weight`. It can be set likewise.

        Raises:
            StructureError: It is set to a matrix of another shape.
            OperandError: It is set to what is neither numbers nor parameters.

        Example:
            >>> from nn import Layer
            >>> layer = Layer(weights=[[3.0, 4.0]], bias=[0.5])
            >>> layer.theta.data
            [[0.5, 3.0, 4.0]]
            >>> layer.theta = [[0.0, 1.0, 2.0]]
            >>> layer.bias.data, layer.weight.data
            ([0.0], [[1.0, 2.0]])
        """
        return view(self._theta())  # type: ignore[no-any-return]

    @theta.setter
    def theta(self, given: Any) -> None:
        new = assigned(self._theta(), given, f"{type(self).__name__}.theta")
        if self._biases() is None:
            self._put_rows(new)
        else:
            self._put_rows([row[1:] for row in new])
            self._put_biases([row[0] for row in new])

    def _theta(self) -> list[list[Value]]:
        biases = self._biases()
        return self._rows() if biases is None else [[b, *row] for b, row in zip(biases, self._rows(), strict=True)]

    if TYPE_CHECKING:  # what a layer says of itself

        def _rows(self) -> list[list[Value]]: ...
        def _biases(self) -> list[Value] | None: ...
        def _new_biases(self) -> list[Value]: ...  # of 0, where there were none
        def _put_rows(self, rows: list[list[Value]]) -> None: ...
        def _put_biases(self, biases: list[Value] | None) -> None: ...


class Parameters(list[Any]):
    """The parameters of a layer as a vector, or as a matrix with a row per unit.

    It is a list of Values, or of such lists, and shows itself as their numbers, in a notebook as a table. Setting an
    entry or a row to numbers sets the parameters' `.data`; their number stays. `np.asarray` of it has the numbers,
    while NumPy's functions take the Values: `np.dot(W, x)` is a graph.

    Attributes:
        data: Their numbers, nested likewise.
        grad: Their gradients, nested likewise.

    Example:
        >>> from nn import Layer
        >>> layer = Layer(weights=[[1.0, 2.0], [3.0, 4.0]], activation="linear")
        >>> layer.weight[0][1] = 5.0
        >>> layer.weight
        Parameters([[1, 5],
                    [3, 4]])
        >>> layer.weight.data, [y.data for y in layer([1.0, 1.0])]
        ([[1.0, 5.0], [3.0, 4.0]], [6.0, 7.0])
        >>> [z.data for z in layer.weight @ [1.0, 1.0]]
        [6.0, 7.0]
        >>> [z.data for z in layer.weight @ [1.0, 1.0] + [10.0, 20.0]]
        [16.0, 27.0]
    """

    @property
    def data(self) -> list[Any]:
        """The numbers."""
        return [x.data for x in self]

    @property
    def grad(self) -> list[Any]:
        """The gradients."""
        return [x.grad for x in self]

    def __repr__(self) -> str:
        return f"Parameters({_in_rows(self, len('Parameters('))})"

    def _repr_html_(self) -> str | None:
        shape = _shape(self)
        if not 1 <= len(shape) <= 2 or 0 in shape:
            return None
        rows = self if len(shape) == 2 else [self]
        cells = [[str(i), *(number(_number_of(x)) for x in row)] for i, row in enumerate(rows)]
        return as_html(f"Parameters  {' x '.join(map(str, shape))}", ["", *map(str, range(shape[-1]))], cells)

    def __setitem__(self, index: Any, value: Any) -> None:
        put(self[index], value, "a parameter")

    def __matmul__(self, other: Any) -> Any:
        """The product with a vector or a matrix of numbers or Values, as Values: `layer.theta @ [1.0, *x]`.

        A list of results adds up entry by entry: `layer.weight @ a + layer.bias`.
        """
        items = _factor(other)
        if self and isinstance(self[0], list):
            return Product(Parameters.__matmul__(row, items) for row in self)
        if items and isinstance(items[0], list):
            return Product(_inner(self, column) for column in zip(*items, strict=True))
        return _inner(self, items)

    def __rmatmul__(self, other: Any) -> Any:
        """The product of a row, or a matrix, with these."""
        items = _factor(other)
        if items and isinstance(items[0], list):
            return Product(Parameters.__rmatmul__(self, row) for row in items)
        if self and isinstance(self[0], list):
            return Product(_inner(items, column) for column in zip(*self, strict=True))
        return _inner(items, self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """The numbers as an array; the Values themselves with `dtype=object`."""
        import numpy as np

        of_values = dtype is not None and np.dtype(dtype).kind == "O"
        return np.array(_as_lists(self) if of_values else self.data, dtype=dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **options: Any) -> Any:
        """A function of NumPy's is one of the Values: its result is a graph, as it is for an array of Values."""
        return getattr(ufunc, method)(*map(_as_values, given), **options)

    def __array_function__(self, function: Any, types: Any, given: Any, options: Any) -> Any:
        """Likewise where it is no ufunc, such as `np.dot`."""
        return function(*map(_as_values, given), **{name: _as_values(x) for name, x in options.items()})

    def __reduce__(self) -> Any:
        return type(self), (list(self),)  # else copies and pickles are made by append


class Product(list[Any]):
    """What a product with `Parameters` gives: a list of Values, or of such lists, that + adds to entry by entry."""

    def __add__(self, other: Any) -> Any:
        return _sum(self, other)

    def __radd__(self, other: Any) -> Any:
        return _sum(other, self)

    __iadd__ = __add__  # that of a list appends

    def __reduce__(self) -> Any:
        return type(self), (list(self),)


def _sum(left: Any, right: Any) -> Any:
    """The sum of two vectors or matrices.

    Raises:
        OperandError: One of them is no list.
        StructureError: They have different lengths.
    """
    one, other = plain(left), plain(right)
    if not isinstance(one, list) and not isinstance(other, list):
        return left + right
    for x in (one, other):
        if not isinstance(x, list):
            msg = f"parameters @ +: expected a vector or a matrix as the other term, got {shown(x)}"
            raise OperandError(msg)
    if len(one) != len(other):
        msg = f"parameters @ +: expected as many entries on both sides, got {len(one)} and {len(other)}"
        raise StructureError(msg)
    return Product(map(_sum, one, other))


def _in_rows(x: Any, indent: int) -> str:
    """Numbers as NumPy writes an array: rows below each other."""
    if not isinstance(x, list):
        return format(_number_of(x), ".4g")
    if x and isinstance(x[0], list):
        return f"[{(',' + chr(10) + (indent + 1) * ' ').join(_in_rows(row, indent + 1) for row in x)}]"
    return f"[{', '.join(_in_rows(y, indent) for y in x)}]"


def _number_of(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _as_lists(x: Any) -> Any:
    return list(map(_as_lists, x)) if isinstance(x, list) else x


def _as_values(x: Any) -> Any:
    """Parameters as an array of Values, and within lists; anything else as it is."""
    if isinstance(x, Parameters):
        return x.__array__(object)
    return type(x)(map(_as_values, x)) if type(x) in (list, tuple) else x


def _factor(given: Any) -> list[Any]:
    """The other side of a product, as nested lists.

    Raises:
        OperandError: It is neither a vector nor a matrix.
    """
    items = [plain(x) for x in plain(given)] if isinstance(plain(given), list) else []
    nested = [len(x) for x in items if isinstance(x, list)]
    if not items or (nested and (len(nested) != len(items) or len(set(nested)) > 1)):
        msg = f"parameters @: expected a vector or a matrix, got {shown(given)}"
        raise OperandError(msg)
    return items


def _inner(row: Any, column: Any) -> Any:
    if len(row) != len(column):
        msg = f"parameters @: expected as many numbers on both sides, got {len(row)} and {len(column)}"
        raise StructureError(msg)
    return dot(row, column)


def _fixed(self: Parameters, *_: Any, **__: Any) -> Never:
    msg = f"expected as many parameters as before, {len(self)}; build a layer of another size, or set entries"
    raise StructureError(msg)


for _name in "append extend insert pop remove clear sort reverse __delitem__ __iadd__ __imul__".split():
    setattr(Parameters, _name, _fixed)


class Held(Parameters):
    """The parameters that a layer uses; a Value that is assigned replaces the one before."""

    __repr__ = list.__repr__
    _repr_html_ = None  # type: ignore[assignment]

    def __setitem__(self, index: Any, value: Any) -> None:
        now = self[index]
        if isinstance(now, Value) and now.parents and not isinstance(value, Value):
            list.__setitem__(self, index, Value(_number(value, "a parameter")))  # no result is written into
        elif not isinstance(value, Value) or not isinstance(now, Value):
            list.__setitem__(self, index, held(assigned(now, value, "a parameter")))
        elif any(parent is now for parent in value.parents):
            msg = (
                f"a parameter: expected a number or a parameter, got {value.op} of this parameter; to change its "
                "number by += and the like, change its .data"
            )
            raise OperandError(msg)
        else:
            list.__setitem__(self, index, value)


def held(parameters: Any) -> Any:
    """Nested lists of Values as `Held`, anything else as it is."""
    return Held(map(held, parameters)) if isinstance(parameters, list) else parameters


def view(parameters: Any) -> Any:
    """Nested lists of Values as `Parameters`, a single Value as it is."""
    return Parameters(map(view, parameters)) if isinstance(parameters, list) else parameters


def put(parameters: Any, numbers: Any, what: str) -> None:
    """Set the `.data` of nested lists of parameters to nested numbers; all are checked before one is changed.

    Raises:
        StructureError: The shapes differ.
        OperandError: Something is no real number.
    """
    pairs: list[tuple[Value, Any]] = []
    _pair(parameters, numbers, what, lambda p, x: pairs.append((p, _number(x, what))))
    for p, x in pairs:
        p.data = x


def assigned(parameters: Any, given: Any, what: str) -> Any:
    """The parameters after `given` was assigned to them, nested likewise.

    A number becomes the parameter's `.data`; a Value without operands replaces the parameter, and is shared
    with whoever else has it.

    Raises:
        StructureError: The shapes differ.
        OperandError: Something is neither a real number nor a leaf.
    """
    pairs: list[tuple[Value, Any]] = []

    def check(p: Value, x: Any) -> None:
        if not isinstance(x, Value):
            pairs.append((p, _number(x, what)))
        elif x.parents:
            msg = f"{what}: expected numbers or parameters, got the result of {x.op}; a parameter is a Value of its own"
            raise OperandError(msg)

    _pair(parameters, given, what, check)
    for p, x in pairs:
        p.data = x
    return _merged(parameters, given)


def _number(x: Any, what: str) -> Any:
    if isinstance(x, Value):
        msg = f"{what}: expected a number, got a Value; assign to the whole .weight or .bias to share parameters"
        raise OperandError(msg)
    try:
        return Value(x).data
    except OperandError:
        msg = f"{what}: expected a real number, got {shown(x)}"
        raise OperandError(msg) from None


def _pair(parameters: Any, given: Any, what: str, visit: Callable[[Value, Any], None]) -> None:
    """Visit each parameter with what was given in its place.

    Raises:
        StructureError: The shapes differ.
    """

    def walk(p: Any, x: Any) -> None:
        if isinstance(p, Value):
            visit(p, x)
            return
        items = plain(x)
        if not isinstance(items, list) or len(items) != len(p):
            shape = " x ".join(map(str, _shape(parameters)))
            msg = f"{what}: expected {shape} numbers, got {shown(given)}"
            raise StructureError(msg)
        for q, y in zip(p, items):
            walk(q, y)

    walk(parameters, given)


def _shape(parameters: Any) -> list[int]:
    return [len(parameters), *_shape(parameters[0])] if isinstance(parameters, list) and parameters else []


def _merged(parameters: Any, given: Any) -> Any:
    if isinstance(parameters, Value):
        return given if isinstance(given, Value) else parameters
    return [_merged(p, x) for p, x in zip(parameters, plain(given))]


def rows_of(
    weights: Any, nin: int | None, nout: int | None, caller: str, index: str = "to_from"
) -> tuple[list[list[Any]] | None, int, int]:
    """A matrix that was given, as rows, and how many inputs and units there are.

    Args:
        weights: Nested numbers or leaf Values, a row per unit; None where sizes alone are given.
        nin: Number of inputs, or None with weights.
        nout: Number of units, likewise.
        caller: Whom an error names.
        index: "to_from", or "from_to" for a matrix with a row per input.

    Raises:
        StructureError: It is no matrix, or the sizes are missing or do not agree with it.
        OperandError: A size is no int.
        RangeError: A size is below 1, or there is no such order.
    """
    if index not in ("to_from", "from_to"):
        msg = f"{caller}: index: expected 'to_from' or 'from_to', got {shown(index)}"
        raise RangeError(msg)
    per = "unit" if index == "to_from" else "input"
    if weights is None:
        if nin is None or nout is None:
            msg = f"{caller}: expected the numbers of inputs and units, or weights=W with a row per unit"
            raise StructureError(msg)
        return None, whole(nin, f"{caller}: nin"), whole(nout, f"{caller}: nout")
    rows = [plain(row) for row in plain(weights)] if isinstance(plain(weights), list) else []
    if not rows or not all(isinstance(row, list) and row and len(row) == len(rows[0]) for row in rows):
        msg = f"{caller}: weights: expected a matrix, a row per {per}, got {shown(weights)}"
        raise StructureError(msg)
    if index == "from_to":
        rows = list(map(list, zip(*rows, strict=True)))
    for what, given, found in (("nin", nin, len(rows[0])), ("nout", nout, len(rows))):
        if given is not None and whole(given, f"{caller}: {what}") != found:
            msg = f"{caller}: expected {what}={found}, as weights has it, got {given}"
            raise StructureError(msg)
    return rows, len(rows[0]), len(rows)


def biases_of(bias: Any, nout: int, caller: str) -> list[Any] | None:
    """One entry per unit of what `bias=` gives: None for a start of its own, a number or Value; None for no biases.

    Raises:
        StructureError: There are not as many as units.
        OperandError: It is neither a bool nor a list.
    """
    if bias is False or bias is None:
        return None
    if bias is True:
        return [None] * nout
    items = plain(bias)
    if not isinstance(items, list):
        msg = f"{caller}: bias: expected True, False or a number per unit, got {shown(bias)}"
        raise OperandError(msg)
    if len(items) != nout:
        msg = f"{caller}: bias: expected {nout} numbers, one per unit, got {len(items)}: {shown(bias)}"
        raise StructureError(msg)
    return items


def parameter(given: Any, start: Callable[[], float], label: str, what: str) -> Value:
    """A parameter: a leaf that was given, or a new one from a number that was given, or else from `start`.

    Raises:
        OperandError: It is neither a real number nor a leaf.
    """
    if isinstance(given, Value):
        if given.parents:
            msg = f"{what}: expected numbers or parameters, got the result of {given.op}"
            raise OperandError(msg)
        return given
    return Value(start() if given is None else _number(given, what), label=label)


def holds_parameters(x: Any) -> bool:
    """Whether it is a leaf, or nested lists of leaves."""
    if isinstance(x, list):
        return bool(x) and all(map(holds_parameters, x))
    return isinstance(x, Value) and not x.parents
