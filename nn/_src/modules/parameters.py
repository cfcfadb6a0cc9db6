"""Parameters as vectors and matrices: reading numbers and gradients, and setting them, on any layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, RangeError, StructureError, Value
from autograd_core._src.any_object import refuse_endless, shown
from autograd_core._src.wrong_calls import is_among

from ..support.matrices import by
from ..support.matrix_algebra import InNumPy, as_lists, shape_of
from ..support.validation import plain, whole

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
        self._put_rows(assigned(self._rows(), _rows_of_one(given, self._rows()), f"{type(self).__name__}.weight"))

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
        new = assigned(self._theta(), _rows_of_one(given, self._theta()), f"{type(self).__name__}.theta")
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


class Parameters(InNumPy, list[Any]):
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
        >>> layer.weight @ [1.0, 1.0] + [10.0, 20.0]
        Values([16, 27])
        >>> layer.weight = (layer.weight - 0.5 * layer.weight).data
        >>> layer.weight[1]
        Parameters([1.5, 2])
    """

    _title = "Parameters"

    def __setitem__(self, index: Any, value: Any) -> None:
        put(self[index], value, "a parameter")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """The numbers as an array; the Values themselves with `dtype=object`."""
        import numpy as np

        of_values = dtype is not None and np.dtype(dtype).kind == "O"
        return np.array(as_lists(self) if of_values else self.data, dtype=dtype)

    def __reduce__(self) -> Any:
        return type(self), (list(self),)  # else copies and pickles are made by append


def _fixed(self: Parameters, *_: Any, **__: Any) -> Never:
    msg = f"expected as many parameters as before, {len(self)}; build a layer of another size, or set entries"
    raise StructureError(msg)


for _name in "append extend insert pop remove clear sort reverse __delitem__ __iadd__ __imul__".split():
    setattr(Parameters, _name, _fixed)


class Held(Parameters):
    """The parameters that a layer uses; a Value that is assigned replaces the one before."""

    _repr_html_ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return list.__repr__(self)

    def __add__(self, other: Any) -> Any:
        return list.__add__(self, other)  # micrograd's `self.w + [self.b]` is a list

    def __radd__(self, other: Any) -> Any:
        return NotImplemented  # so that a list before it has it appended

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
            msg = (
                f"{what}: expected numbers or parameters, got the result of {x.op}; a parameter is a Value of its own; "
                "to set its number, as in a step of gradient descent, assign the result's .data"
            )
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
    left = [(parameters, given)]
    while left:
        p, x = left.pop()
        if isinstance(p, Value):
            visit(p, x)
            continue
        items = plain(x)
        if not isinstance(items, list) or len(items) != len(p):
            shape = by(tuple(shape_of(parameters)))
            msg = f"{what}: expected {shape} numbers, got {shown(given)}"
            raise StructureError(msg)
        left.extend(reversed(list(zip(p, items, strict=True))))


def _rows_of_one(given: Any, rows: list[Any]) -> Any:
    """The row of a single unit, as of logistic regression, as a matrix; anything else as it is."""
    items = plain(given)
    flat = isinstance(items, list) and not any(isinstance(plain(x), list) for x in items)
    return [items] if flat and len(rows) == 1 else given


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
    if not is_among(index, ("to_from", "from_to")):
        msg = f"{caller}: index: expected 'to_from' or 'from_to', got {shown(index)}"
        raise RangeError(msg)
    per = "unit" if index == "to_from" else "input"
    if weights is None:
        if nin is None or nout is None:
            msg = f"{caller}: expected the numbers of inputs and units, or weights=W with a row per unit"
            raise StructureError(msg)
        return None, whole(nin, f"{caller}: nin"), whole(nout, f"{caller}: nout")
    weights = _rows_of_one(weights, [None] * (nout if isinstance(nout, int) else 0))
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
    if nout == 1 and isinstance(items, (int, float, Value)):  # of one unit
        items = [items]
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
    """Whether it is a leaf, or nested lists of leaves.

    Raises:
        StructureError: A list that contains itself.
    """
    try:
        return _holds(x)
    except RecursionError:
        refuse_endless("parameters", x)
        raise


def _holds(x: Any) -> bool:
    if isinstance(x, list):
        return bool(x) and all(map(_holds, x))
    return isinstance(x, Value) and not x.parents
