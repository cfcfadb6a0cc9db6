"""Matrices as nested lists: products and shapes, and how they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd_core._src.notation.latex_names import latex_name
from autograd_core._src.notation.numbers import rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def transposed(rows: list[list[float]]) -> list[list[float]]:
    """Rows as columns."""
    return [list(column) for column in zip(*rows, strict=True)]


def product(a: Any, b: Any) -> Any:
    """Sum over the last index of `a` and the first of `b`, by strict zero: 0 times anything is 0."""
    return [product(row, b) for row in a] if isinstance(a[0], list) else _combined(a, b)


def _combined(factors: list[float], items: list[Any]) -> Any:
    if isinstance(items[0], list):
        return [_combined(factors, list(column)) for column in zip(*items, strict=True)]
    return sum(x * y for x, y in zip(factors, items, strict=True) if x and y) + 0.0


def by(shape: tuple[int, ...]) -> str:
    """A shape in words, such as "2 x 3"."""
    return " x ".join(map(str, shape))


def tex(x: float) -> str:
    """Four significant digits in LaTeX."""
    return latex_name(rounded(x).replace("−", "-"))


def bmatrix(rows: list[list[str]]) -> str:
    """A matrix in brackets in LaTeX."""
    return r"\begin{bmatrix} " + r" \\ ".join(" & ".join(row) for row in rows) + r" \end{bmatrix}"


def vector(numbers: Any, written: Callable[[float], str]) -> str:
    """Several numbers, or rows of them, in parentheses, one without."""
    if not isinstance(numbers, list):
        return written(numbers)
    inner = [vector(x, written) for x in numbers]
    return f"({', '.join(inner)})" if len(inner) > 1 else inner[0]


def filled(entries: Any, each: Iterator[Any]) -> Any:
    """Nested lists of the same shape with other entries."""
    return [filled(row, each) if isinstance(row, list) else next(each) for row in entries]
