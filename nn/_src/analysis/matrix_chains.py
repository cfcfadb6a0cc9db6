"""Chains of Jacobians that are given as bare matrices: R <- R J, with every product shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, StructureError, Value
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import says_how

from ..notation.latex import latex
from ..notation.texts import PRIMES
from ..support.matrices import bmatrix, by, product, tex
from ..support.tables import Table, number, number_in, titled
from ..support.validation import plain
from .labelled_jacobian import Jacobian, Outputs, layout_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 60  # products with more entries, and entries with more terms, are not written out
WIDEST = 160  # characters of a heading; matrices that would make it longer are not written out
WIDE = 60  # characters of a cell with symbols; in a wider cell, factors longer than LONG are written by name
LONG = 12
MOST_TERMS = 8  # of a longer sum the table shows the first three terms and the last
HEADS = ("", "products", "terms", "sum")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JacobianChain(Table):
    """The result of `nn.jacobian_chain`. It is a table of every product, as text and in a notebook.

    Attributes:
        products: R after each factor, a list of numbers where r was one, else a list of rows.
        r: What it began with, likewise.
        factors: The matrices, as lists of rows.
        layout: "numerator", R <- R J; or "denominator", R <- J R.
        labels: For r and each factor what its entries are called, the labels of Values, else their numbers.
        symbols: For r and each factor its name in LaTeX, where it is an `nn.Jacobian`, else "".

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
    labels: tuple[Any, ...] = ()
    symbols: tuple[str, ...] = ()

    @property
    def norms(self) -> list[float]:
        """The Frobenius norm of R after each factor; of a row its length.

        Raises:
            OperandError: There are symbols among the entries.

        Example:
            >>> import nn
            >>> nn.jacobian_chain([1, 2], [[3], [0]]).norms
            [3.0]
        """
        if any(has_symbols(self._matrix(r)) for r in self.products):
            msg = "JacobianChain.norms: expected numbers, got symbols; substitute them first, or take .products"
            raise OperandError(msg)
        return [math.hypot(*(x for row in self._matrix(r) for x in row)) for r in self.products]

    @property
    def formulas(self) -> list[str]:
        """Each entry of each product by the labels of the Values that the chain was given, with a prime per factor.

        Example:
            >>> import autograd_core as ag, nn
            >>> e = [ag.Value(0.5, label="e_1"), ag.Value(-1.0, label="e_2")]
            >>> w = [[ag.Value(2.0, label="w_1,1")], [ag.Value(3.0, label="w_2,1")]]
            >>> nn.jacobian_chain(e, w).formulas
            ['e′_1 = e_1 w_1,1 + e_2 w_2,1']
        """
        return [f"{name} = {terms}" for names in self._named() for name, terms in names]

    def _named(self) -> list[list[tuple[str, str]]]:
        """For each product the name of each entry, and its terms in the names of the given entries."""
        before, *factors = self.labels
        letter = next((x.partition("_")[0] for x in _flat(before) if not x[:1].isdigit() and "_" in x), "R")
        found: list[list[tuple[str, str]]] = []
        for k, (factor, after) in enumerate(zip(factors, self.products, strict=True), 1):
            found.append([])
            sides = (self._matrix(before), factor) if self.layout == "numerator" else (factor, self._matrix(before))
            mark = PRIMES[k] if k < len(PRIMES) else f"^({k})"
            flat = not isinstance(after[0], list)
            names: list[list[str]] = []
            for i, row in enumerate(sides[0]):
                names.append([])
                for j in range(len(sides[1][0])):
                    place = str(1 + max(i, j)) if flat else f"{i + 1},{j + 1}"
                    names[-1].append(f"{letter}{mark}_{place}")
                    terms = [_product(a, other[j]) for a, other in zip(row, sides[1], strict=True)]
                    found[-1].append((names[-1][-1], " + ".join(terms)))
            before = names if not flat else names[0] if self.layout == "numerator" else [x for [x] in names]
        return found

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

        Where entries have labels, or a factor is an `nn.Jacobian`, the chain stands by these names first.

        Example:
            >>> import autograd_core as ag, nn
            >>> e, w = ag.Value(2.0, label="e_1"), ag.Value(3.0, label="w_1,1")
            >>> print(nn.jacobian_chain([e], [[w]]).latex.partition(" = ")[0])
            \begin{bmatrix} e_{1} \end{bmatrix} \begin{bmatrix} w_{1,1} \end{bmatrix}
            >>> print(nn.jacobian_chain([1, 2], [[3], [4]]).latex)
            \begin{bmatrix} 1 & 2 \end{bmatrix} \begin{bmatrix} 3 \\ 4 \end{bmatrix} = \begin{bmatrix} 11 \end{bmatrix}
        """
        matrices = [self._matrix(self.r), *self.factors]
        numbers = [bmatrix([[_in_tex(x) for x in row] for row in matrix]) for matrix in matrices]
        named = [
            symbol or bmatrix([list(map(_named_in_tex, *row)) for row in zip(self._matrix(label), matrix, strict=True)])
            for symbol, label, matrix in zip(self.symbols, self.labels, matrices, strict=True)
        ]
        result = bmatrix([[_in_tex(x) for x in row] for row in self._matrix(self.result)])
        return " = ".join([*dict.fromkeys([self._side(named), self._side(numbers)]), result])

    def _side(self, matrices: list[str]) -> str:
        """The product, in the order of the layout."""
        return " ".join(matrices if self.layout == "numerator" else matrices[::-1])

    def __format__(self, spec: str) -> str:
        return titled(self._heading(spec), *self._table(spec))

    def _matrix(self, r: Any) -> list[list[Any]]:
        """A list of numbers as a row, or as a column in denominator layout."""
        if isinstance(r[0], list):
            return r  # type: ignore[no-any-return]
        return [r] if self.layout == "numerator" else [[x] for x in r]

    def _heading(self, spec: str = "") -> str:
        letters = "R · J" if self.layout == "numerator" else "J · R"
        written = [_written(x, spec) for x in (self.r, *self.factors)]
        result = _written(self.result, spec)
        if sum(map(len, written)) + len(result) > WIDEST:
            written = [f"({by(_size(self._matrix(x)))})" for x in (self.r, *self.factors)]
            result = f"({by(_size(self._matrix(self.result)))})"
        chain = " · ".join(written if self.layout == "numerator" else written[::-1])
        return f"{chain} = {result}  by R ← {letters}, {self.layout} layout"

    def _table(self, spec: str = "") -> tuple[tuple[str, ...], list[list[str]]]:
        rows: list[list[str]] = []
        before = self.r
        named = self._named() if any(not x[:1].isdigit() and "_" in x for x in _flat(self.labels[0])) else None
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
                    name = f"R{k}{place}" if named is None else named[k - 1][i * len(row) + j][0]
                    if any(map(is_symbol, (x, *sides[0][i]))) or has_symbols(sides[1]):
                        entries = self._entry_names(k, i, j, flat=flat, named=named)
                        rows.append([name, *_symbolic(pairs, x, entries, spec)])
                        continue
                    written = _in_brackets([(_factor(a, spec), _factor(b, spec)) for a, b in pairs])
                    rows.append([name, written, _sum(pairs, spec), _said(x, spec)])
            before = after
        if has_symbols(self.factors[0]) or has_symbols(self._matrix(self.r)):
            column = HEADS.index("terms")
            if not any(row[column] for row in rows):
                return HEADS[:column] + HEADS[column + 1 :], [row[:column] + row[column + 1 :] for row in rows]
        return HEADS, rows

    def _entry_names(self, k: int, i: int, j: int, *, flat: bool, named: Any) -> list[tuple[str, str]]:
        """The names of the factors of entry i, j of the k-th product; R0 is the initial R."""
        terms = len(self.factors[k - 1]) if self.layout == "numerator" else len(self.factors[k - 1][0])
        found = []
        for m in range(terms):
            at = (i, m) if self.layout == "numerator" else (m, j)
            before = f"R{k - 1}[{m}]" if flat else f"R{k - 1}[{at[0]}][{at[1]}]"
            if named is not None and k > 1:
                columns = len(self._matrix(self.products[k - 2])[0])
                before = named[k - 2][at[0] * columns + at[1]][0]
            if self.layout == "numerator":
                found.append((before, f"J{k}[{m}][{j}]"))
            else:
                found.append((f"J{k}[{i}][{m}]", before))
        return found


def _symbolic(pairs: list[tuple[Any, Any]], x: Any, names: list[tuple[str, str]], spec: str) -> list[str]:
    """The cells of an entry with symbols; where a cell is too wide, long factors stand by their names.

    Terms that are what the sum is are left out.
    """
    written = [(_factor(a, spec), _factor(b, spec)) for a, b in pairs]
    short = [
        [name if len(text) > LONG and not (is_symbol(y) and y.is_Atom) else text for text, name, y in zip(*each)]
        for each in zip(written, names, pairs, strict=True)
    ]
    products, terms, total = _in_brackets(written), _sum(pairs, spec), _said(x, spec)
    if len(products) > WIDE:
        products = _in_brackets(short)
    if len(total) > WIDE:
        total = " + ".join(_cut([_product(a, b) for a, b in short]))
    return [products, "" if terms == total or len(terms) > WIDE else terms, total]


def _in_brackets(pairs: Sequence[Sequence[str]]) -> str:
    return " + ".join(_cut([f"({a} × {b})" for a, b in pairs]))


def _size(rows: list[list[float]]) -> tuple[int, int]:
    return len(rows), len(rows[0])


def _product(a: str, b: str) -> str:
    return f"{a} · {b}" if b[0].isdigit() else f"{a} {b}"


def _flat(x: Any) -> list[str]:
    return [z for y in x for z in _flat(y)] if isinstance(x, list) else [x]


def _sum(pairs: list[tuple[float, float]], spec: str) -> str:
    """The terms with their signs, such as "3 − 8"."""
    if any(is_symbol(x) for pair in pairs for x in pair):
        return " + ".join(_cut([str(_exact(a) * _exact(b)) for a, b in pairs])).replace("+ -", "- ")
    terms = [number_in(a * b if a and b else 0.0, spec) for a, b in pairs]
    return " + ".join(_cut(terms)).replace("+ −", "− ")


def _cut(terms: list[str]) -> list[str]:
    """Terms of a sum; of many the first three and the last, and how many are between."""
    return terms if len(terms) <= MOST_TERMS else [*terms[:3], f"… {len(terms) - 4} more …", terms[-1]]


def _written(x: Any, spec: str) -> str:
    if isinstance(x, list):
        return f"({', '.join(_written(y, spec) for y in x)})" if len(x) <= SHOWN else f"(… {len(x)} …)"
    return _said(x, spec)


@says_how
def jacobian_chain(r: Any, *jacobians: Any, layout: Outputs = "numerator") -> JacobianChain:
    """An error, as a row, through one Jacobian after the other: R <- R J, with every product shown.

    In denominator layout the error is a column, and factors are put in front: R <- J R. `nn.chain` reads the
    factors off a model; here they are given. Entries that are symbols stay symbols; those of labelled Values are
    numbers, and `.formulas` has their labels.

    Args:
        r: n numbers or SymPy expressions, or a matrix: rows of n (in denominator layout n rows).
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
        >>> import sympy
        >>> e1, e2, w = sympy.symbols("e1 e2 w")
        >>> nn.jacobian_chain([e1, e2], [[w], [2]]).result
        [e1*w + 2*e2]
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
        R = symbolic_product(left, right) if has_symbols(left) or has_symbols(right) else product(left, right)
        products.append((R[0] if layout == "numerator" else [x for [x] in R]) if flat else R)
    symbols = tuple(J.latex.partition(" = ")[0] if isinstance(J, Jacobian) else "" for J in (r, *jacobians))
    return JacobianChain(tuple(products), start, factors, layout, tuple(map(_labels, (r, *jacobians))), symbols)


def is_symbol(x: Any) -> bool:
    """Whether it is a SymPy expression; does not import SymPy."""
    return type(x).__module__.partition(".")[0] == "sympy"


def has_symbols(rows: list[list[Any]]) -> bool:
    """Whether such an expression is among the entries of a matrix."""
    return any(is_symbol(x) for row in rows for x in row)


def _exact(x: Any) -> Any:
    """A float without fraction as an int, so that SymPy keeps exact fractions."""
    return int(x) if isinstance(x, float) and x.is_integer() else x


def symbolic_product(left: list[list[Any]], right: list[list[Any]]) -> list[list[Any]]:
    """A product of matrices that contain expressions."""
    return [
        [sum(_exact(a) * _exact(b) for a, b in zip(row, column, strict=True)) for column in zip(*right, strict=True)]
        for row in left
    ]


def _said(x: Any, spec: str) -> str:
    """An entry as text."""
    return str(x) if is_symbol(x) else number_in(x, spec)


def _factor(x: Any, spec: str) -> str:
    """An entry as a factor: a sum of symbols in brackets."""
    return f"({x})" if is_symbol(x) and x.is_Add else _said(x, spec)


def _in_tex(x: Any) -> str:
    """An entry as LaTeX."""
    if not is_symbol(x):
        return tex(x)
    import sympy

    return str(sympy.latex(x))


def _named_in_tex(label: str, x: Any) -> str:
    """An entry by the label that a Value had; a number or an expression as it is."""
    return _in_tex(x) if is_symbol(x) or label == _labels(x) else latex(label)


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


def _labels(x: Any) -> Any:
    """The names of entries: their labels, or their numbers, negative ones in brackets."""
    x = plain(x.entries if isinstance(x, Jacobian) else x)
    if isinstance(x, list):
        return [_labels(y) for y in x]
    if is_symbol(x):
        return str(x) if x.is_Atom else f"({x})"
    if isinstance(x, Value) and x.label:
        return x.label.replace("''", "″").replace("'", "′")
    text = number(float(x.data if isinstance(x, Value) else x))
    return f"({text})" if text.startswith("−") else text


def _number(x: Any, what: str) -> Any:
    if is_symbol(x):
        return float(x) if x.is_Float or x.is_Integer else x
    try:
        return float((x if isinstance(x, Value) else Value(x)).data)
    except OperandError:
        hint = "; letters are SymPy's, as of sympy.symbols('e1 e2 e3')" if isinstance(x, str) else ""
        msg = f"jacobian_chain: {what}: expected numbers, got {shown(x)}{hint}"
        raise OperandError(msg) from None
