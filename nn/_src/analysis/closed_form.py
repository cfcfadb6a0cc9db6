"""A gradient in closed form, to compare `backward()` with."""

from __future__ import annotations

from typing import Any

from autograd_core import OperandError, StructureError, Value
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import says_how

from ..modules.module import Module
from ..support.matrices import product, transposed
from ..support.tables import MatrixRows, as_html
from ..support.validation import plain, real
from .matrix_chains import has_symbols, is_symbol, symbolic_product


class Gradients(list[MatrixRows]):
    """The gradients with respect to W_1, ..., W_d as a list, which shows itself as matrices with their names."""

    __slots__ = ()

    def _named(self) -> list[tuple[str, MatrixRows]]:
        return [(f"∂ℓ/∂W_{i}  ({len(rows)} x {len(rows[0])})", rows) for i, rows in enumerate(self, 1)]

    def __repr__(self) -> str:
        return "\n\n".join(f"{name}\n{rows!r}" for name, rows in self._named())

    def _repr_html_(self) -> str:
        return "".join(as_html(name, (), [["", *row] for row in rows.written()]) for name, rows in self._named())


@says_how
def deep_linear_gradient(weights: Any, x: Any, y: Any) -> Gradients:
    """Gradient of ||W_d ... W_1 x - y||^2 with respect to every W_i, in closed form: no graph, no sweep.

    dl/dW_i = 2 (W_d ... W_{i+1})^T (W_d ... W_1 x - y) (W_{i-1} ... W_1 x)^T

    The loss is the whole sum of squares, twice `nn.sse`, which has 1/2 before it. Symbols of SymPy stay symbols.

    Args:
        weights: The matrices W_1, ..., W_d; row r of W_i are the weights to unit r, as many as W_{i-1} has rows.
        x: The input, as many numbers as W_1 has columns; a matrix of one column will do, too.
        y: The target, as many numbers as W_d has rows, likewise.

    Returns:
        A list with a matrix of the same shape for each, itself a list of rows; printed, they are matrices.

    Raises:
        StructureError: The shapes do not fit each other, or there are no matrices.
        OperandError: Something in them is no number.

    Source: the lecture "Backpropagation", Eq. 3, where the last factor is printed as (W_i ... W_1 x)^T; see
    docs/errata.md.

    Example:
        >>> import nn
        >>> nn.deep_linear_gradient([[[1.0, 2.0], [0.0, 1.0]], [[1.0, -1.0]]], [1.0, 1.0], [0.0])
        ∂ℓ/∂W_1  (2 x 2)
         4   4
        −4  −4
        <BLANKLINE>
        ∂ℓ/∂W_2  (1 x 2)
        12  4
        >>> import sympy
        >>> w, v, x, y = sympy.symbols("w v x y")
        >>> nn.deep_linear_gradient([[[w]], [[v]]], [x], [y])
        ∂ℓ/∂W_1  (1 x 1)
        v*x*(2*v*w*x - 2*y)
        <BLANKLINE>
        ∂ℓ/∂W_2  (1 x 1)
        w*x*(2*v*w*x - 2*y)
    """
    matrices = [_matrix(w, f"W{i}") for i, w in enumerate(_listed(weights, "weights"), 1)]
    activations = [_column(x, "x")]
    for i, w in enumerate(matrices, 1):
        if len(w[0]) != len(activations[-1]):
            msg = f"deep_linear_gradient: expected W{i} with {len(activations[-1])} columns, got {len(w[0])}"
            raise StructureError(msg)
        activations.append(_product(w, activations[-1]))
    target = _column(y, "y")
    if len(target) != len(activations[-1]):
        msg = f"deep_linear_gradient: expected y with {len(activations[-1])} numbers, got {len(target)}"
        raise StructureError(msg)
    error = [[2 * (a - t)] for [a], [t] in zip(activations[-1], target, strict=True)]
    gradients = Gradients()
    for w, a in zip(reversed(matrices), reversed(activations[:-1]), strict=True):
        gradients.insert(0, MatrixRows(_product(error, transposed(a))))
        error = _product(transposed(w), error)
    return gradients


def _product(a: list[list[Any]], b: list[list[Any]]) -> Any:
    return symbolic_product(a, b) if has_symbols(a) or has_symbols(b) else product(a, b)


def _listed(x: Any, what: str) -> list[Any]:
    items = plain(x)
    if not isinstance(items, list) or not items:
        hint = "; those of a network are [layer.weight for layer in model.layers]" if isinstance(x, Module) else ""
        msg = f"deep_linear_gradient: expected {what} as a list that is not empty, got {shown(x)}{hint}"
        raise (StructureError if isinstance(items, list) else OperandError)(msg)
    return items


def _matrix(x: Any, what: str) -> list[list[Any]]:
    rows = [_row(row, what) for row in _listed(x, what)]
    if len({len(row) for row in rows}) > 1:
        msg = f"deep_linear_gradient: expected {what} with rows of one length, got {shown(x)}"
        raise StructureError(msg)
    return rows


def _column(x: Any, what: str) -> list[list[Any]]:
    """A column of numbers, from a list of them or from a matrix of one column."""
    items = [plain(row) for row in _listed(x, what)]
    if all(isinstance(row, list) and len(row) == 1 for row in items):
        items = [row[0] for row in items]
    return [[number] for number in _row(items, what)]


def _row(x: Any, what: str) -> list[Any]:
    numbers = [y.data if isinstance(y, Value) else y for y in _listed(x, what)]
    return [y if is_symbol(y) else real(y, f"deep_linear_gradient: {what}", nan=True) for y in numbers]
