"""Chains of Jacobians that are given as bare matrices: R <- R J, with every product shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autograd_core import OperandError, StructureError, Value

from ..support.tables import Table, number
from ..support.validation import plain, shown
from .labelled_jacobian import Jacobian, bmatrix, by, layout_of, product, tex

SHOWN = 60  # entries of a product, and terms of an entry, that are written out
HEADS = ("", "products", "terms", "sum")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JacobianChain(Table):
    """What `nn.jacobian_chain` computed. It is a table of every product, as text and in a notebook.

    Attributes:
        products: R after each factor, a list of numbers where r was one, else a list of rows.
        r: What it began with, likewise.
        factors: The matrices, as lists of rows.
        layout: "numerator", R <- R J; or "denominator", R <- J R.

    Example:
        >>> import nn
        >>> print(nn.jacobian_chain([1, 2], [[3, 4], [5, 6]]))
        (1, 2) · ((3, 4), (5, 6)) = (13, 16)  by R ← R · J, numerator layout
                        products   terms  sum
        R1[0]  (1 × 3) + (2 × 5)  3 + 10   13
        R1[1]  (1 × 4) + (2 × 6)  4 + 12   16
    """

    products: tuple[Any, ...]
    r: Any
    factors: tuple[list[list[float]], ...]
    layout: str

    @property
    def result(self) -> Any:
        """R after the last factor.

        Example:
            >>> import nn
            >>> nn.jacobian_chain([1, 2], [[3, -3], [4, -4]], [[1, 0], [0, 1]]).result
            [11.0, -11.0]
        """
        return self.products[-1]

    @property
    def latex(self) -> str:
        r"""The chain as a formula: the row, the matrices, and the result.

        Example:
            >>> import nn
            >>> print(nn.jacobian_chain([1, 2], [[3], [4]]).latex)
            \begin{bmatrix} 1 & 2 \end{bmatrix} \begin{bmatrix} 3 \\ 4 \end{bmatrix} = \begin{bmatrix} 11 \end{bmatrix}
        """
        first, last = (self._matrix(x) for x in (self.r, self.result))
        chain = [first, *self.factors] if self.layout == "numerator" else [*reversed(self.factors), first]
        sides = (bmatrix([[tex(x) for x in row] for row in matrix]) for matrix in (*chain, last))
        *left, right = sides
        return f"{' '.join(left)} = {right}"

    def _matrix(self, r: Any) -> list[list[float]]:
        """A list of numbers as a row, or as a column in denominator layout."""
        if isinstance(r[0], list):
            return r  # type: ignore[no-any-return]
        return [r] if self.layout == "numerator" else [[x] for x in r]

    def _heading(self) -> str:
        letters = "R · J" if self.layout == "numerator" else "J · R"
        written = [_written(self.r), *map(_written, self.factors)]
        chain = " · ".join(written if self.layout == "numerator" else written[::-1])
        return f"{chain} = {_written(self.result)}  by R ← {letters}, {self.layout} layout"

    def _table(self) -> tuple[tuple[str, ...], list[list[str]]]:
        rows: list[list[str]] = []
        before = self.r
        for k, (factor, after) in enumerate(zip(self.factors, self.products, strict=True), 1):
            sides = (self._matrix(before), factor) if self.layout == "numerator" else (factor, self._matrix(before))
            flat = not isinstance(after[0], list)
            found = self._matrix(after)
            if len(found) * len(found[0]) > SHOWN or len(sides[1]) > SHOWN:
                rows.append([f"R{k}", f"{by(_size(sides[0]))} · {by(_size(sides[1]))}", "", by(_size(found))])
                before = after
                continue
            for i, row in enumerate(found):
                for j, x in enumerate(row):
                    pairs = [(a, other[j]) for a, other in zip(sides[0][i], sides[1], strict=True)]
                    place = f"[{max(i, j)}]" if flat else f"[{i}][{j}]"
                    written = " + ".join(f"({number(a)} × {number(b)})" for a, b in pairs)
                    rows.append([f"R{k}{place}", written, _sum(pairs), number(x)])
            before = after
        return HEADS, rows


def _size(rows: list[list[float]]) -> tuple[int, int]:
    return len(rows), len(rows[0])


def _sum(pairs: list[tuple[float, float]]) -> str:
    """The terms with their signs, such as "3 − 8"."""
    terms = [a * b if a and b else 0.0 for a, b in pairs]
    return number(terms[0]) + "".join(
        f" − {number(-t)}" if t < 0 else f" + {number(t)}" for t in terms[1:]
    )


def _written(x: Any) -> str:
    if isinstance(x, list):
        return f"({', '.join(map(_written, x))})" if len(x) <= SHOWN else f"(… {len(x)} …)"
    return number(x)


def jacobian_chain(r: Any, *jacobians: Any, layout: str = "numerator") -> JacobianChain:
    """An error, as a row, through one Jacobian after the other: R <- R J, with every product shown.

    In denominator layout the error is a column, and factors are put in front: R <- J R. `nn.chain` reads the
    factors off a model; here they are given.

    Args:
        r: n numbers, or a matrix: rows of n numbers (in denominator layout n rows).
        *jacobians: At least one matrix, a list of rows, an array, or an `nn.Jacobian`; in numerator layout the first
            has n rows, and each other as many as the one before has columns.
        layout: "numerator", rows of a matrix belong to what is differentiated; or "denominator", its columns do.

    Returns:
        A `JacobianChain` with `.products` and `.result`.

    Raises:
        StructureError: There is no Jacobian, something is no matrix, or two do not fit.
        OperandError: Something is no number.
        RangeError: There is no such layout.

    Source: LING3804, lecture notes 6, section 6.3; Downing, "Backpropagation: the good, the bad and the ugly", 2023.

    Example:
        >>> import nn
        >>> chain = nn.jacobian_chain([1, 2], [[3, -3], [4, -4]], [[1, 0], [0, 1]])
        >>> chain.products
        ([11.0, -11.0], [11.0, -11.0])
        >>> nn.jacobian_chain([1, 2], [[3, 4], [-3, -4]], layout="denominator").result
        [11.0, -11.0]
    """
    layout = layout_of(layout, "jacobian_chain")
    start = _rows(r, "r", flat=True)
    if not jacobians:
        msg = "jacobian_chain: expected an error and at least one Jacobian, got no Jacobian"
        raise StructureError(msg)
    factors = tuple(_rows(J, f"Jacobian {k}", layout=layout) for k, J in enumerate(jacobians, 1))
    flat = not isinstance(start[0], list)
    R = ([start] if layout == "numerator" else [[x] for x in start]) if flat else start
    products = []
    for k, J in enumerate(factors, 1):
        left, right = (R, J) if layout == "numerator" else (J, R)
        if len(left[0]) != len(right):
            what = "rows" if layout == "numerator" else "columns"
            needed, got = (len(R[0]), len(J)) if layout == "numerator" else (len(R), len(J[0]))
            other = "denominator" if layout == "numerator" else "numerator"
            fits = needed == (len(J[0]) if layout == "numerator" else len(J))
            hint = f"; in {other} layout, layout={other!r}, it fits" if fits else ""
            msg = f"jacobian_chain: Jacobian {k}: expected {needed} {what}, got {got}{hint}"
            raise StructureError(msg)
        R = product(left, right)
        products.append((R[0] if layout == "numerator" else [x for [x] in R]) if flat else R)
    return JacobianChain(tuple(products), start, factors, layout)


def _rows(x: Any, what: str, *, flat: bool = False, layout: str = "") -> Any:
    """A matrix as lists of floats, or with `flat` a vector as one list.

    Raises:
        StructureError: It is neither.
        OperandError: Something in it is no number.
    """
    if isinstance(x, Jacobian):
        if layout and x.layout != layout:
            msg = f"jacobian_chain: {what}: expected {layout} layout, got {x.layout} layout; use .T"
            raise StructureError(msg)
        x = x.entries
    items = plain(x)
    rows = [plain(row) for row in items] if isinstance(items, list) else []
    if flat and rows and not any(isinstance(row, list) for row in rows):
        return [_number(y, what) for y in rows]
    sizes = {len(row) if isinstance(row, list) else 0 for row in rows}
    if len(sizes) != 1 or 0 in sizes:
        kind = "a list of numbers or a matrix" if flat else "a matrix, a list of rows of one length"
        msg = f"jacobian_chain: {what}: expected {kind}, got {shown(x)}"
        raise StructureError(msg)
    return [[_number(y, what) for y in row] for row in rows]


def _number(x: Any, what: str) -> float:
    try:
        return float((x if isinstance(x, Value) else Value(x)).data)
    except OperandError:
        msg = f"jacobian_chain: {what}: expected numbers, got {shown(x)}"
        raise OperandError(msg) from None
