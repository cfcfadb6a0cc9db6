"""One entry of a product of Jacobians as a sum over paths, with a factor for each step of a path."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING

from autograd_core import RangeError
from autograd_core._src.any_object import brief
from autograd_core._src.sums import exact_sum

from ..notation.latex import latex
from ..support.formulas import MOST_PATHS, juxtaposed
from ..support.names import one_named
from ..support.tables import Table, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .labelled_jacobian import Jacobian


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PathSum(Table):
    """One entry of a chain of Jacobians as a sum over paths. It is a table of them, as text and in a notebook.

    Attributes:
        paths: For each path the names of the units on it, from the top down.
        factors: For each path the derivative of each of its units with respect to the next.
        named: Whether the names are those of a text, which LaTeX sets as letters with indices.

    Example:
        >>> import nn
        >>> model = nn.MLP(1, [2, 1], "linear", bias=False, init=nn.init.constant(0.5))
        >>> entry = nn.chain(model, [1.0], of=2, to=0, notation="downing").entry("z_1", "x_1")
        >>> print(entry)
        ∂z_1/∂x_1 = ∂z_1/∂y_1 · ∂y_1/∂x_1 + ∂z_1/∂y_2 · ∂y_2/∂x_1 = 0.5
        path               factors  product
        z_1 ← y_1 ← x_1  0.5 · 0.5     0.25
        z_1 ← y_2 ← x_1  0.5 · 0.5     0.25
    """

    paths: tuple[tuple[str, ...], ...]
    factors: tuple[tuple[float, ...], ...]
    named: bool = True

    @property
    def products(self) -> list[float]:
        """The product of each path, by strict zero: 0 if any factor is 0, even beside an infinite one."""
        return [math.prod(factors) if all(factors) else 0.0 for factors in self.factors]

    @property
    def value(self) -> float:
        """Their sum, which is the entry."""
        return exact_sum(self.products)

    @property
    def formula(self) -> str:
        """The entry as texts write it, with a quotient for each step of each path.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "linear", bias=False, seed=1)
            >>> nn.chain(model, [1.0], notation="downing").entry("z_1", "x_1").formula
            '∂z_1/∂x_1 = ∂z_1/∂y_1 · ∂y_1/∂x_1'
        """
        return f"{_quotient(self.paths[0][0], self.paths[0][-1])} = " + " + ".join(
            self._product(path)[0] for path in self.paths
        )

    @property
    def latex(self) -> str:
        r"""The same as LaTeX.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "linear", bias=False, seed=1)
            >>> nn.chain(model, [1.0], notation="downing").entry("z_1", "x_1").latex.partition(" = ")[0]
            '\\frac{\\partial z_{1}}{\\partial x_{1}}'
        """
        return f"{self._fraction(self.paths[0][0], self.paths[0][-1])} = " + " + ".join(
            self._product(path)[1] for path in self.paths
        )

    def _fraction(self, a: str, b: str) -> str:
        above, below = (latex(x) if self.named else rf"\text{{{x}}}" for x in (a, b))
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"

    def _product(self, path: Sequence[str]) -> tuple[str, str]:
        """The derivatives along a path, as text and as LaTeX."""
        return juxtaposed([(_quotient(a, b), self._fraction(a, b)) for a, b in pairwise(path)])

    def _heading(self) -> str:
        return f"{self.formula} = {number(self.value)}"

    def _table(self) -> tuple[Sequence[str], list[list[str]]]:
        rows = []
        for path, factors, value in zip(self.paths, self.factors, self.products, strict=True):
            first, *others = map(number, factors)
            written = " · ".join([first, *(f"({x})" if x.startswith("−") else x for x in others)])
            rows.append([" ← ".join(path), written, number(value)])
        return ("path", "factors", "product"), rows

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"


def _quotient(a: str, b: str) -> str:
    return f"∂{a}/∂{b}"


def paths_of(factors: Sequence[Jacobian], of: str, to: str) -> PathSum:
    """All paths from one unit to another through the layers between them.

    Args:
        factors: Jacobians in numerator layout, from the top down; each one's columns are the next one's rows.
        of: A row of the first.
        to: A column of the last.

    Raises:
        RangeError: There is no such unit, or there are more than 64 paths.
    """
    of, to = (one_named(name, known) or name for name, known in ((of, factors[0].rows), (to, factors[-1].columns)))
    for what, name, known in (("of", of, factors[0].rows), ("to", to, factors[-1].columns)):
        if name not in known:
            msg = f"Chain.entry: expected `{what}` to be one of {', '.join(known)}, got {brief(name)}"
            raise RangeError(msg)
    count = math.prod(len(factor.columns) for factor in factors[:-1])
    if count > MOST_PATHS:
        msg = f"Chain.entry: expected at most {MOST_PATHS} paths, got {count}; .result[{of!r}, {to!r}] is their sum"
        raise RangeError(msg)
    paths = [(of, *between, to) for between in product(*(factor.columns for factor in factors[:-1]))]
    each = [tuple(J[a, b] for J, (a, b) in zip(factors, pairwise(path), strict=True)) for path in paths]
    return PathSum(tuple(paths), tuple(each), factors[0].notation is not None)
