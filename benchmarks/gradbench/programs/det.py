"""A determinant by expansion along the first row: n! products, no elimination."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

from . import gradients


def det(matrix: Any) -> Any:
    """The determinant of a list of rows."""
    return minor(matrix, 0, tuple(range(len(matrix))))


def minor(matrix: Any, row: int, columns: tuple[int, ...]) -> Any:
    """The determinant of what is left from this row on, in these columns."""
    if len(columns) == 1:
        return matrix[row][columns[0]]
    total = 0.0
    for k, column in enumerate(columns):
        term = matrix[row][column] * minor(matrix, row + 1, columns[:k] + columns[k + 1 :])
        total = total - term if k % 2 else total + term
    return total


def compiled(given: Any) -> tuple[Any, Any]:
    """Equal minors are recorded often, and computed once: the compiler finds equal nodes."""
    matrix = np.array(given["A"]).reshape(given["ell"], given["ell"])
    return ag.compile(det, matrix), matrix


def primal(given: Any) -> Any:
    """The determinant."""
    f, matrix = compiled(given)
    return lambda: f(matrix), float


def gradient(given: Any) -> Any:
    """Its gradient, row by row."""
    f, matrix = compiled(given)
    return gradients(f, matrix), lambda g: g[0].ravel().tolist()


FUNCTIONS = {"primal": primal, "gradient": gradient}
