"""The derivative that a user passes to be judged: numbers, or products with vectors from either side.

Each is a linear map from inputs to results. A judge asks for two things only: the row uᵀJ for a combination u of
results, and the number uᵀJv for a direction v of the inputs. So a Jacobian that is sparse, or given as products, is
never made dense.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ....errors import StructureError
from ...any_object import shown
from ...callables import signature_of
from ..directions import total
from ..verdicts import FunctionError
from .flat import Tree, data_of, unit_roundoff
from .jacobians import Inputs, number_row, result_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .complex_parts import Conversion

OTHER_FORM = (TypeError, AttributeError, ValueError, IndexError, RuntimeError)  # raised by a tuple instead of an array
KEPT = 0.75  # share of the digits to which a value that comes with a product must agree: both round by themselves


class Given(Protocol):
    """A derivative to be judged.

    Attributes:
        side: Who gave it.
    """

    side: str

    def row(self, seed: Sequence[float]) -> list[float]:
        """The derivative of a combination of results with respect to every input."""
        ...

    def along(self, seed: Sequence[float], v: Sequence[float]) -> float:
        """The derivative of a combination of results along a direction."""
        ...


class JacobianRows:
    """A Jacobian as a list of rows, one per result."""

    def __init__(self, rows: list[list[float]], side: str = "derivative") -> None:
        self.rows, self.side = rows, side

    def row(self, seed: Sequence[float]) -> list[float]:
        """The derivative of a combination of results with respect to every input."""
        used = [(u, row) for u, row in zip(seed, self.rows, strict=True) if u]
        if len(used) == 1 and used[0][0] == 1:
            return used[0][1]
        return [total(u * row[j] for u, row in used) for j in range(len(self.rows[0]))]

    def along(self, seed: Sequence[float], v: Sequence[float]) -> float:
        """The derivative of a combination of results along a direction."""
        return sum(
            u * sum(g * d for g, d in zip(row, v, strict=True) if d)
            for u, row in zip(seed, self.rows, strict=True)
            if u
        )


class Sparse:
    """A SciPy sparse matrix, a row per result."""

    def __init__(self, matrix: Any, side: str = "derivative") -> None:
        self.matrix, self.side = matrix.tocsr(), side

    def row(self, seed: Sequence[float]) -> list[float]:
        """The derivative of a combination of results with respect to every input."""
        return (self.matrix.T @ _vector(seed)).tolist()  # type: ignore[no-any-return]

    def along(self, seed: Sequence[float], v: Sequence[float]) -> float:
        """The derivative of a combination of results along a direction."""
        return float(_vector(seed) @ (self.matrix @ _vector(v)))


def _vector(numbers: Sequence[float]) -> Any:
    import numpy as np

    return np.array(numbers, float)


class Products:
    """A vector-Jacobian product: from a combination of results to a number per input.

    Args:
        pull: The product.
        side: Who gave it.
    """

    def __init__(self, pull: Callable[[list[float]], list[float]], side: str) -> None:
        self.pull, self.side = pull, side
        self.known: dict[tuple[float, ...], list[float]] = {}

    def row(self, seed: Sequence[float]) -> list[float]:
        """The derivative of a combination of results with respect to every input."""
        key = tuple(seed)
        if key not in self.known:
            self.known[key] = self.pull(list(seed))
        return self.known[key]

    def along(self, seed: Sequence[float], v: Sequence[float]) -> float:
        """The derivative of a combination of results along a direction."""
        return sum(g * d for g, d in zip(self.row(seed), v, strict=True) if d)


class Columns:
    """A Jacobian-vector product: from a direction of the inputs to a number per result.

    Args:
        push: The product.
        count: How many inputs there are.
        side: Who gave it.
    """

    def __init__(self, push: Callable[[list[float]], list[float]], count: int, side: str) -> None:
        self.push, self.count, self.side = push, count, side
        self.known: dict[tuple[float, ...], list[float]] = {}

    def column(self, v: Sequence[float]) -> list[float]:
        """The derivative of every result along a direction."""
        key = tuple(v)
        if key not in self.known:
            self.known[key] = self.push(list(v))
        return self.known[key]

    def row(self, seed: Sequence[float]) -> list[float]:
        """The derivative of a combination of results with respect to every input."""
        return [self.along(seed, [float(k == j) for k in range(self.count)]) for j in range(self.count)]

    def along(self, seed: Sequence[float], v: Sequence[float]) -> float:
        """The derivative of a combination of results along a direction."""
        return total(u * t for u, t in zip(seed, self.column(v), strict=True) if u)


# --- products as users write them ----------------------------------------------------------------


def products(
    vjp: Callable[..., Any], inputs: Inputs, built: Callable[[], Any], results: Tree, convert: Conversion
) -> Products:
    """A vector-Jacobian product, in either calling form, as a map from flat lists to flat lists.

    Args:
        vjp: Called as `vjp(*args)` it gives `(value, pull)`, as `jax.vjp` does; or called as `vjp(*args, cotangent)`
            the product.
        inputs: The arguments that are differentiated with respect to.
        built: What makes the arguments, anew for each call.
        results: The function's results.
        convert: To real numbers.
    """
    what = convert.what

    def product_of(seed: list[Any]) -> list[Any]:
        cotangent = results.build(list(seed))[0]
        args = built()
        if _takes(vjp, len(args)):
            pull = called(what, vjp, *args)
            if isinstance(pull, tuple) and len(pull) > 1 and callable(pull[1]):
                agreeing(what, pull[0], results)
                pull = pull[1]
            if not callable(pull):
                msg = (
                    f"{what}: expected vjp(*args) to give (value, pull) as jax.vjp does, or vjp(*args, cotangent) to "
                    f"give the product, got {shown(pull)} for {len(args)} argument(s)"
                )
                raise FunctionError(msg, fault="no number")
            product = called(what, pull, cotangent)
        else:
            product = called(what, vjp, *args, cotangent)
        return number_row(product, inputs, what)

    return Products(convert.pull(product_of), "vjp")


def columns(
    jvp: Callable[..., Any], inputs: Inputs, built: Callable[[], Any], results: Tree, convert: Conversion
) -> Columns:
    """A Jacobian-vector product, in either calling form, as a map from flat lists to flat lists.

    Args:
        jvp: `jvp(primals, tangents)` with a tuple for each gives `(value, tangent)`, as `jax.jvp` does, or the tangent
            alone; or `jvp(*args, *tangents)`.
        inputs: The arguments that are differentiated with respect to.
        built: What makes the arguments, anew for each call.
        results: The function's results.
        convert: To real numbers.
    """
    what = convert.what

    def read(output: Any) -> list[Any]:
        if isinstance(output, tuple) and len(output) == 2:  # a value and its tangent; or the tangents of two results
            try:
                value = result_numbers(results, output[0], what)
                tangent = result_numbers(results, output[1], what)
            except StructureError:
                return result_numbers(results, output, what)
            _agreeing(what, value, results)
            return tangent
        return result_numbers(results, output, what)

    def product_of(v: list[Any]) -> list[Any]:
        args, tangents = built(), inputs.tangents(v)
        if len(args) != 1 and not _takes(jvp, 2) and _takes(jvp, 2 * len(args)):
            return read(called(what, jvp, *args, *tangents))
        try:
            return read(called(what, jvp, args, tangents))
        except (FunctionError, StructureError) as error:
            if len(args) != 1 or (isinstance(error, FunctionError) and not isinstance(error.__cause__, OTHER_FORM)):
                raise
            try:  # jvp(x, dx) of a single argument
                return read(called(what, jvp, *built(), *tangents))
            except (FunctionError, StructureError):
                raise error from error.__cause__

    return Columns(convert.push(product_of), convert.inputs.count, "jvp")


def called(what: str, f: Callable[..., Any], *args: Any) -> Any:
    """Call a user's function.

    Raises:
        FunctionError: It raises.
    """
    try:
        return f(*args)
    except Exception as error:
        msg = f"the {what} raised {type(error).__name__}: {error}"
        raise FunctionError(msg, fault="raises") from error


def _takes(f: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many arguments; True if its signature is unknown."""
    try:
        signature_of(f).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def agreeing(what: str, value: Any, results: Tree) -> None:
    """Reject a product whose value differs from that of the function."""
    _agreeing(what, result_numbers(results, value, what), results)


def _agreeing(what: str, value: list[Any], results: Tree) -> None:
    expected = [data_of(z) for z in results.leaves]
    unit = max(results.unit, *(unit_roundoff(z) for z in results.leaves))
    for place, z, own in zip(results.names, value, expected, strict=True):
        if not (abs(z - own) <= unit**KEPT * max(map(abs, expected)) or z == own or (z != z and own != own)):  # noqa: PLR0124
            msg = f"{what}: it comes with the value {z!r}, and the function gives {own!r}{place and f' at {place}'}"
            raise FunctionError(msg, fault="other value")
