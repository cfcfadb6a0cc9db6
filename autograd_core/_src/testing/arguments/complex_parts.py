"""Complex numbers as pairs of real ones, so that judges only see derivatives of real numbers to real numbers.

With z = a + ib, one complex number given as a derivative can mean three things.

- Of a real L it is the gradient ∂L/∂a + i ∂L/∂b in torch's convention: the direction in which L rises most. JAX and
  HIPS autograd have its conjugate, ∂L/∂a - i ∂L/∂b.
- Of a complex f of real inputs it is ∂f/∂x.
- Of a complex f of complex inputs it is f'(z), if f is holomorphic. If it is not, no single number is its derivative;
  products say it: `vjp` of a cotangent u + iv is the gradient of u Re f + v Im f, `jvp` of a tangent is complex, too.

Source: W. Wirtinger, 1927; K. Kreutz-Delgado, The Complex Gradient Operator and the CR-Calculus, 2009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...any_object import brief
from ..verdicts import FunctionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONVENTIONS = ("torch", "jax")


class ComplexParts:
    """A list of numbers, of which some are complex, as a list of real ones: the real part before the imaginary one.

    Args:
        numbers: A list of the same length with complex numbers in the same positions, such as the point.

    Attributes:
        complex: Which of them are complex.
        any: Whether one is.
        count: How many real numbers there are.
    """

    def __init__(self, numbers: Sequence[Any]) -> None:
        self.complex = [isinstance(x, complex) for x in numbers]
        self.any = any(self.complex)
        self.count = len(self.complex) + sum(self.complex)

    def split(self, numbers: Sequence[Any]) -> list[Any]:
        """Each complex number replaced by its two parts."""
        if not self.any:
            return list(numbers)
        pairs = zip(numbers, self.complex, strict=True)
        return [part for x, is_complex in pairs for part in ((x.real, x.imag) if is_complex else (x,))]

    def join(self, numbers: Sequence[Any]) -> list[Any]:
        """The inverse of `split`.

        Raises:
            TypeError: A part is complex itself, as in the complex step, which has no meaning here.
        """
        if not self.any:
            return list(numbers)
        if any(isinstance(x, complex) for x in numbers):
            msg = "expected the parts of complex numbers to be real"
            raise TypeError(msg)
        parts = iter(numbers)
        return [complex(next(parts), next(parts)) if is_complex else next(parts) for is_complex in self.complex]

    def names(self, names: Sequence[str]) -> list[str]:
        """The names of the parts, from those of the numbers: `args[0].real`, `args[0].imag`."""
        if not self.any:
            return list(names)
        pairs = zip(names, self.complex, strict=True)
        return [part for x, is_complex in pairs for part in ((f"{x}.real", f"{x}.imag") if is_complex else (x,))]

    @property
    def starts(self) -> list[int]:
        """The index of each number's first part in the list of parts."""
        starts, place = [], 0
        for is_complex in self.complex:
            starts.append(place)
            place += 1 + is_complex
        return starts


class Conversion:
    """Converts derivatives with respect to complex numbers, as users write them, to derivatives of real parts.

    Args:
        outputs: The results.
        inputs: The arguments.
        names: The names of the arguments' numbers, for errors.
        conjugate: Whether gradients are conjugated, as in JAX.
        what: What the derivative is called in errors.
    """

    def __init__(
        self, outputs: ComplexParts, inputs: ComplexParts, names: Sequence[str], what: str, *, conjugate: bool
    ) -> None:
        self.outputs, self.inputs, self.names, self.what = outputs, inputs, names, what
        self.conjugate = conjugate
        self.any = outputs.any or inputs.any

    def _real(self, d: Any, place: str) -> float:
        if isinstance(d, complex):
            if d.imag:
                msg = f"{self.what}: expected a real number at {place or 'the result'}, which is real, got {brief(d)}"
                raise FunctionError(msg, fault="no number")
            return d.real
        return float(d)

    def block(self, d: Any, i: int, j: int) -> tuple[tuple[float, ...], ...]:
        """The derivatives of the parts of result i with respect to the parts of input j: a 1 or 2 by 1 or 2 matrix."""
        if not self.inputs.complex[j]:
            return ((d.real,), (d.imag,)) if self.outputs.complex[i] else ((self._real(d, self.names[j]),),)
        if not self.outputs.complex[i]:
            return ((d.real, -d.imag if self.conjugate else d.imag),)
        # The Cauchy-Riemann equations: multiplication by d as a real matrix. Other maps have no such d.
        return ((d.real, -d.imag), (d.imag, d.real))

    def rows(self, matrix: list[list[Any]]) -> list[list[float]]:
        """A matrix with a row for each part of a result and a column for each part of an input."""
        found = []
        for i, row in enumerate(matrix):
            blocks = [self.block(d, i, j) for j, d in enumerate(row)]
            found += [[x for block in blocks for x in block[part]] for part in range(1 + self.outputs.complex[i])]
        return found

    def entries(self, rows: list[list[tuple[int, Any]]]) -> list[list[tuple[int, float]]]:
        """`rows` for rows that are lists of (column, entry)."""
        starts = self.inputs.starts
        found = []
        for i, row in enumerate(rows):
            blocks = [(starts[j], self.block(d, i, j)) for j, d in row]
            found += [
                [(start + k, x) for start, block in blocks for k, x in enumerate(block[part])]
                for part in range(1 + self.outputs.complex[i])
            ]
        return found

    def sparse(self, matrix: Any) -> Any:
        """`rows` for a SciPy sparse matrix, which stays sparse."""
        if not self.any:
            return matrix
        from scipy import sparse

        matrix = matrix.tocoo()
        above, left = self.outputs.starts, self.inputs.starts
        found = [
            (above[i] + a, left[j] + b, x)
            for i, j, d in zip(matrix.row.tolist(), matrix.col.tolist(), matrix.data.tolist(), strict=True)
            for a, row in enumerate(self.block(d, i, j))
            for b, x in enumerate(row)
        ]
        rows, columns, data = zip(*found, strict=True) if found else ((), (), ())
        return sparse.coo_array((data, (rows, columns)), shape=(self.outputs.count, self.inputs.count))

    def pull(self, product: Callable[[list[Any]], list[Any]]) -> Callable[[list[float]], list[float]]:
        """A vector-Jacobian product as one on real parts."""
        if not self.any:
            return lambda seed: [self._real(g, name) for g, name in zip(product(seed), self.names, strict=True)]

        def of_parts(seed: list[float]) -> list[float]:
            gradient = product([self._turned(u) for u in self.outputs.join(seed)])
            kinds = zip(gradient, self.inputs.complex, self.names, strict=True)
            return self.inputs.split(
                [self._turned(g) if is_complex else self._real(g, name) for g, is_complex, name in kinds]
            )

        return of_parts

    def push(self, product: Callable[[list[Any]], list[Any]]) -> Callable[[list[float]], list[float]]:
        """A Jacobian-vector product as one on real parts."""

        def of_parts(v: list[float]) -> list[float]:
            kinds = zip(product(self.inputs.join(v)), self.outputs.complex, strict=True)
            return self.outputs.split([t if is_complex else self._real(t, "") for t, is_complex in kinds])

        return of_parts

    def _turned(self, x: Any) -> Any:
        return x.conjugate() if self.conjugate else x
