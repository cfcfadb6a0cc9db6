"""Complex numbers as pairs of real ones: what is judged is the derivative of real parts to real parts.

With z = a + ib there are three conventions for one complex number that stands for a derivative.

- Of a real L it is the gradient ∂L/∂a + i ∂L/∂b, as torch has it: the direction in which L rises most. JAX and HIPS
  autograd have its conjugate, ∂L/∂a - i ∂L/∂b.
- Of a complex f of real inputs it is ∂f/∂x.
- Of a complex f of complex inputs it is f'(z), if f is holomorphic. If it is not, no single number is its derivative;
  products say it: `vjp` of a cotangent u + iv is the gradient of u Re f + v Im f, `jvp` of a tangent is complex, too.

Source: W. Wirtinger, 1927; K. Kreutz-Delgado, The Complex Gradient Operator and the CR-Calculus, 2009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..verdicts import FunctionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONVENTIONS = ("torch", "jax")


class ComplexParts:
    """A list of numbers, of which some are complex, as a list of real ones: the real part before the imaginary one.

    Args:
        numbers: As many, of which the complex ones are told by their type.

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
        """Real numbers instead of complex ones."""
        if not self.any:
            return list(numbers)
        pairs = zip(numbers, self.complex, strict=True)
        return [part for x, is_complex in pairs for part in ((x.real, x.imag) if is_complex else (x,))]

    def join(self, numbers: Sequence[Any]) -> list[Any]:
        """Complex numbers of real ones.

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
        """The places of the real numbers."""
        if not self.any:
            return list(names)
        pairs = zip(names, self.complex, strict=True)
        return [part for x, is_complex in pairs for part in ((f"{x}.real", f"{x}.imag") if is_complex else (x,))]

    @property
    def starts(self) -> list[int]:
        """Where the parts of each number begin in the list of real ones."""
        starts, place = [], 0
        for is_complex in self.complex:
            starts.append(place)
            place += 1 + is_complex
        return starts


class Conversion:
    """From derivatives as users write them, of complex numbers, to those of real parts.

    Args:
        outputs: The results.
        inputs: The arguments.
        names: The places of the arguments' numbers.
        conjugate: Whether gradients are conjugates, as in JAX.
        what: What is given, for an error.
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
                msg = f"{self.what}: expected a real number at {place or 'the result'}, which is real, got {d!r}"
                raise FunctionError(msg, fault="no number")
            return d.real
        return float(d)

    def block(self, d: Any, i: int, j: int) -> tuple[tuple[float, ...], ...]:
        """The derivatives of the parts of result i to those of input j."""
        if not self.inputs.complex[j]:
            return ((d.real,), (d.imag,)) if self.outputs.complex[i] else ((self._real(d, self.names[j]),),)
        if not self.outputs.complex[i]:
            return ((d.real, -d.imag if self.conjugate else d.imag),)
        return ((d.real, -d.imag), (d.imag, d.real))

    def rows(self, matrix: list[list[Any]]) -> list[list[float]]:
        """A row for each part of a result, of a number for each part of an input."""
        found = []
        for i, row in enumerate(matrix):
            blocks = [self.block(d, i, j) for j, d in enumerate(row)]
            found += [[x for block in blocks for x in block[part]] for part in range(1 + self.outputs.complex[i])]
        return found

    def entries(self, rows: list[list[tuple[int, Any]]]) -> list[list[tuple[int, float]]]:
        """The same of rows that list their entries with the places of these."""
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
        """The same of a SciPy sparse matrix."""
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
        """A product of cotangents, as one of real numbers."""
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
        """A product of tangents, as one of real numbers."""

        def of_parts(v: list[float]) -> list[float]:
            kinds = zip(product(self.inputs.join(v)), self.outputs.complex, strict=True)
            return self.outputs.split([t if is_complex else self._real(t, "") for t, is_complex in kinds])

        return of_parts

    def _turned(self, x: Any) -> Any:
        return x.conjugate() if self.conjugate else x
