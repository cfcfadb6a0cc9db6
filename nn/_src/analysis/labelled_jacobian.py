"""`Jacobian`: a table of derivatives with named axes and a named layout, and the product that is the chain rule."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from autograd_core import RangeError, StructureError
from autograd_core._src.any_object import brief, shown
from autograd_core._src.wrong_calls import is_among

from ..notation.latex import latex
from ..support.arrays import numpy, singular_values
from ..support.formulas import Formula, Formulas
from ..support.matrices import bmatrix, by, filled, product, tex, transposed, vector
from ..support.matrix_algebra import MatrixAlgebra
from ..support.names import one_named
from ..support.tables import as_html, number, number_in, titled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ..support.names import Names

Outputs = Literal["numerator", "denominator"]  # the layout: outputs along the rows, or along the columns
LAYOUTS = get_args(Outputs)


class Axis(NamedTuple):
    """One axis: the name of a layer, and the names of its units."""

    title: str
    labels: tuple[str, ...]


class Nodes(NamedTuple):
    """The nodes between which a Jacobian is taken, for writing its entries as formulas.

    Attributes:
        run: The pass that they are in.
        roots: What is differentiated, along one axis, or weights in one list; of a simplified one for each unit.
        leaves: With respect to what: a list, or of weights a list of lists.
        write: Gives for some entries their names and formulas; None of a sum over cases, whose nodes are in several
            passes, and of a multiple. Those of its leaves that are weights have their names.
    """

    run: Any
    roots: tuple[Any, ...]
    leaves: Sequence[Any]
    write: Callable[[Any, Sequence[tuple[Any, Any]]], list[tuple[Formula, Formula]]] | None

    def after(self, inner: Nodes | None) -> Nodes | None:
        """Those of the product with a Jacobian that begins where this one ends; None if they are in no one pass.

        Two Jacobians that were made one by one are of two passes. Where these were of one model at one input, the
        first has all of the nodes.
        """
        if inner is None or self.write is None or inner.write is None:
            return None
        leaves = inner.leaves
        if self.run is not inner.run and not (leaves and isinstance(leaves[0], list)):  # weights are in both
            ends = inner.run.ends.items()
            name = next((name for name, end in ends if [*map(id, end.nodes)] == [*map(id, leaves)]), None)
            if name not in self.run.ends:
                return None
            leaves = self.run.ends[name].nodes
        same = self.run is inner.run or _computed(self.run) == _computed(inner.run)
        return self._replace(leaves=leaves) if same else None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Jacobian:
    """The derivatives of one layer with respect to another, or to weights, with names on its axes.

    `left @ right` is the chain rule. It sums over the last axis of `left` and the first of `right`, which must have the
    same labels: in numerator layout J(Y to L) @ J(X to Y) = J(X to L), in denominator layout the other way round. That
    with respect to weights may be in denominator layout, shaped as the weights, and the other in numerator layout, as
    Downing's J_Y^Z • J_V^Y has it: then the vectors within meet the rows. A row `error` times a simplified weight
    Jacobian, `error * simple`, scales its columns. Two that were made one by one, of one model at one input, have a
    product with `.formulas`. With a list or an array @ gives an array. Those of several cases can be added, also by
    `sum`, and multiplied by a number: `-eta * sum(Js)` is the step of a minibatch.

    It is text (`format(J, ".1f")` for another format of its numbers), and shows itself in a notebook. NumPy takes it
    for its `.array`. `J[0, 1]` and `J["z_1", "y_2"]` are entries, by number or by label, and `J[0]` is a row. With a
    text's names a weight stands for its two indices: `J["z_1", "v_11"]`, or in denominator layout `J["v_11", "z_1"]`,
    and `J["v_11"]` are the derivatives with respect to it; not after a pickle, which leaves the graph out.
    Source of the notation: Downing, "Backpropagation: the good, the bad and the ugly", 2023.

    Attributes:
        of: What is differentiated, the numerator: "layer2", "loss".
        to: With respect to what, the denominator: "layer1", "inputs", "weights of layer1".
        layout: "numerator": the first axis is that of `of`; "denominator": the first axes are those of `to`.
        axes: For each axis its `.title` and its `.labels`, in the order of the indices.
        entries: Nested lists of floats, as deep as there are axes.
        simplified: True of a weight Jacobian without its axis `of`: each unit differentiated by its own weights alone.
        notation: Whose names it bears, or None; Downing writes J_Y^Z, the others ∂a/∂b.

    Example:
        >>> import nn
        >>> model = nn.MLP(2, [1], init=nn.init.constant(0.5))
        >>> J = nn.layer_jacobian(model, [1.0, 2.0], of="outputs", to="inputs")
        >>> J.entries, J.rows, J.columns, J.layout
        ([[0.5, 0.5]], ('layer1/neuron0',), ('x0', 'x1'), 'numerator')
        >>> print(J)
        ∂layer1/∂inputs  (1 x 2, numerator layout: rows layer1, columns inputs)
                         x0   x1
        layer1/neuron0  0.5  0.5
    """

    of: str
    to: str
    layout: str
    axes: tuple[Axis, ...]
    entries: list[Any]
    simplified: bool = False
    notation: str | None = None
    _nodes: Nodes | None = None

    def __reduce__(self) -> tuple[Any, ...]:  # without the graph
        fields = (self.of, self.to, self.layout, self.axes, self.entries, self.simplified, self.notation)
        return Jacobian, fields

    @property
    def name(self) -> str:
        """The derivative as it is written, such as "∂loss/∂layer1"."""
        if self.notation == "downing":
            return f"{'Ĵ' if self.simplified else 'J'}_{self._below()}^{self.of}"
        hat = ", simplified" if self.simplified else ""
        return f"∂{self.of}/∂{self.to}{hat}"

    def _below(self) -> str:
        """The variable, as Downing writes it as the subscript of J: a layer's own sums are Sum."""
        return "Sum" if self.to == f"sum({self.of})" else self.to

    def named(self, names: Names | None) -> Jacobian:
        """The same Jacobian with the names of a textbook.

        Args:
            names: As `nn._src.notation.naming.names` gives them; None changes nothing.

        Returns:
            A `Jacobian`.

        Example:
            >>> import nn
            >>> nn.layer_jacobian(nn.MLP(2, [1]), [1.0, 2.0], of=1, to=0).named(None).of
            'layer1'
        """
        if names is None:
            return self
        axes = tuple(Axis(names(axis.title), tuple(names(label) for label in axis.labels)) for axis in self.axes)
        nodes = self._nodes
        if nodes is not None:
            nodes = nodes._replace(run=replace(nodes.run, names=names))
        return replace(self, of=names(self.of), to=names(self.to), axes=axes, notation=names.notation, _nodes=nodes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return tuple(len(axis.labels) for axis in self.axes)

    @property
    def rows(self) -> tuple[str, ...]:
        """The labels of the first axis."""
        return self.axes[0].labels

    @property
    def columns(self) -> tuple[str, ...]:
        """The labels of the second axis."""
        return self.axes[1].labels

    @property
    def flat(self) -> list[float]:
        """The entries in one list, the last axis running fastest."""
        flat = self.entries
        for _ in self.axes[1:]:
            flat = [x for row in flat for x in row]
        return flat

    @property
    def norm(self) -> float:
        """Frobenius norm: the root of the sum of all squares; of one row its Euclidean length."""
        return math.hypot(*self.flat)

    @property
    def array(self) -> NDArray[Any]:
        """The entries as a NumPy array of float64.

        Raises:
            MissingExtraError: NumPy is not installed.

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [1], init=nn.init.constant(0.5))
            >>> nn.layer_jacobian(model, [1.0, 2.0], of="outputs", to="inputs").array.shape
            (1, 2)
        """
        return numpy("Jacobian.array").array(self.entries, dtype=float)  # type: ignore[no-any-return]

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.array if dtype is None else self.array.astype(dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        found = self.entries
        indices = self._without_weights(index if isinstance(index, tuple) else (index,))
        if len(indices) > len(self.axes):
            msg = f"Jacobian []: expected at most {len(self.axes)} indices, for {self._heading()}, got {len(indices)}"
            raise RangeError(msg)
        places = [_place(i, k, self.axes) for k, i in enumerate(indices)]
        if not all(isinstance(place, int) for place in places):
            return self.array[tuple(places)]
        for place in places:
            found = found[place]
        return found

    def _without_weights(self, indices: tuple[Any, ...]) -> tuple[Any, ...]:
        """The indices with the two numbers of a weight in place of its name."""
        places: list[Any] = []
        for index in indices:
            by_label = [index in axis.labels for axis in self.axes[len(places) : len(places) + 1]]
            found = None if not isinstance(index, str) or any(by_label) else self._weight(index)
            places += [index] if found is None else found
        return tuple(places)

    def _weight(self, name: str) -> tuple[int, int] | None:
        """Where the weight of that name stands in the matrix of all weights; None if none of them is called so."""
        nodes = self._nodes
        if nodes is None or nodes.run.names is None or not all(isinstance(row, list) for row in nodes.leaves):
            return None
        try:
            meant = nodes.run[name]
        except RangeError:
            return None
        return next(((i, j) for i, row in enumerate(nodes.leaves) for j, w in enumerate(row) if w is meant), None)

    @property
    def matrix(self) -> list[list[float]]:
        """The entries as a matrix: a full weight Jacobian of one output without the axis of that output.

        Raises:
            StructureError: There are several outputs.

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [1], init=nn.init.constant(0.5))
            >>> nn.weight_jacobian(model, [3.0, 4.0], layer=1).matrix
            [[3.0], [4.0]]
        """
        entries: Any = self.entries
        if len(self.axes) == 2:
            return entries  # type: ignore[no-any-return]
        first = self.layout == "numerator"
        if len(self.axes) == 4 or self.shape[0 if first else 2] != 1:
            msg = f"Jacobian.matrix: expected the derivatives of one output, got {self._heading()}"
            raise StructureError(msg)
        return entries[0] if first else [[x for [x] in row] for row in entries]

    @property
    def singular_values(self) -> list[float]:
        """The singular values of a matrix, the largest first; the largest is how much it can stretch an error.

        All of them are NaN where an entry is infinite or NaN.

        Raises:
            MissingExtraError: NumPy is not installed.
            StructureError: It is no matrix.

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [1], init=nn.init.constant(0.5))
            >>> nn.layer_jacobian(model, [1.0, 2.0], of="outputs", to="inputs").singular_values
            [0.7071067811865476]
        """
        if len(self.axes) != 2:
            msg = f"Jacobian.singular_values: expected a matrix, got {self.name} of shape {by(self.shape)}"
            raise StructureError(msg)
        return singular_values(self.entries, "Jacobian.singular_values")

    @property
    def T(self) -> Jacobian:  # NumPy's name
        """The same derivatives in the other layout; a simplified one with its two weight indices exchanged.

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [1], init=nn.init.constant(0.5))
            >>> J = nn.layer_jacobian(model, [1.0, 2.0], of="outputs", to="inputs").T
            >>> J.entries, J.layout
            ([[0.5], [0.5]], 'denominator')
        """
        if self.simplified:
            nodes = self._nodes
            if nodes is not None:
                nodes = nodes._replace(leaves=transposed(list(nodes.leaves)))
            return replace(self, axes=self.axes[::-1], entries=transposed(self.entries), _nodes=nodes)
        other = LAYOUTS[1 - LAYOUTS.index(self.layout)]
        entries, axes = self.entries, self.axes
        if len(axes) == 2:
            return replace(self, layout=other, axes=axes[::-1], entries=transposed(entries))
        if len(axes) == 4:  # of weights to weights: the first two axes and the last two
            (a, b, c, d), [ai, bi, ci, di] = map(range, self.shape), axes
            exchanged = [[[[entries[i][j][k][m] for j in b] for i in a] for m in d] for k in c]
            return replace(self, layout=other, axes=(ci, di, ai, bi), entries=exchanged)
        if self.layout == "numerator":  # (z, w, w) -> (w, w, z)
            vectors = [[[block[i][j] for block in entries] for j in range(self.shape[2])] for i in range(self.shape[1])]
            return replace(self, layout=other, axes=(*axes[1:], axes[0]), entries=vectors)
        blocks = [[[vector[k] for vector in row] for row in entries] for k in range(self.shape[2])]
        return replace(self, layout=other, axes=(axes[2], *axes[:2]), entries=blocks)

    def tolist(self) -> list[Any]:
        """The entries, as NumPy's arrays give them.

        Returns:
            Nested lists of floats.

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [1], init=nn.init.constant(0.5))
            >>> nn.layer_jacobian(model, [1.0, 2.0], of="outputs", to="inputs").tolist()
            [[0.5, 0.5]]
        """
        return self.entries

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, Jacobian):
            return self._times(other)
        if self.layout != other.layout and not (self.simplified or other.simplified):
            met = self._by_letters(other)
            if met is not None:
                return met
        if self.layout != other.layout or self.simplified or other.simplified:
            what = f"{self.layout} and {other.layout} layout; {self._fitting(other)}"
            what = "a simplified one, which is multiplied by *" if self.simplified or other.simplified else what
            msg = f"Jacobian @: expected two Jacobians of one layout, got {what}"
            raise StructureError(msg)
        if self.axes[-1] != other.axes[0]:
            hint = ""
            if other.axes[-1] == self.axes[0]:
                hint = f"; in {self.layout} layout the product is ({other.name}) @ ({self.name})"
            msg = (
                f"Jacobian @: ({self.name}) @ ({other.name}): expected the last axis of the left one to be the first "
                f"of the right one, got {_axis(self.axes[-1])} and {_axis(other.axes[0])}{hint}"
            )
            raise StructureError(msg)
        outer, inner = (self, other) if self.layout == "numerator" else (other, self)
        axes = (*self.axes[:-1], *other.axes[1:])
        entries = product(self.entries, other.entries)
        nodes = None if outer._nodes is None else outer._nodes.after(inner._nodes)
        return Jacobian(outer.of, inner.to, self.layout, axes, entries, notation=self.notation, _nodes=nodes)

    def _by_letters(self, other: Jacobian) -> Jacobian | None:
        """Downing's J_Y^Z • J_V^Y: that to weights is like the weights, and its vectors meet the other's rows.

        What meets what is then said by the names, in whichever order the two are written. None where neither is to
        weights, so that they are matrices which one multiplies as they stand, or where their names do not meet.
        """
        weighty = [J for J in (self, other) if len(J.axes) > 2]
        outer, inner = (self, other) if self.to == other.of else (other, self)
        if not weighty or outer.to != inner.of or weighty[0] is not inner:
            return None
        matrix = outer.T
        result: Jacobian = inner @ matrix if inner.layout == "denominator" else matrix @ inner
        return result

    def _times(self, other: Any) -> Any:
        """The product with a vector or a matrix of numbers, or of Values by their numbers, as an array.

        Raises:
            StructureError: They do not fit.
        """
        factor = _numbers(other)
        if factor is None:
            return NotImplemented
        if factor.shape[-2 if factor.ndim > 1 else 0] != self.shape[-1]:
            msg = f"Jacobian @: expected as many rows as {_axis(self.axes[-1])}, got the shape {by(factor.shape)}"
            raise StructureError(msg)
        return self.array @ factor

    def __rmatmul__(self, other: Any) -> Any:
        """The product of a row, or a matrix, of numbers with this one."""
        factor = _numbers(other)
        if factor is None:
            return NotImplemented
        if factor.shape[-1] != self.shape[0]:
            msg = f"Jacobian @: expected as many columns as {_axis(self.axes[0])}, got the shape {by(factor.shape)}"
            raise StructureError(msg)
        return numpy("Jacobian @").tensordot(factor, self.array, 1)

    def _fitting(self, other: Jacobian) -> str:
        """Which factor to transpose so that both have one layout, and which one belongs on the left, in words."""
        if self.simplified or other.simplified:
            return ""
        a, b = f"({self.name})", f"({other.name})"
        orders = (
            (self, other.T, f"{a} @ {b}.T"), (self.T, other, f"{a}.T @ {b}"),
            (other, self.T, f"{b} @ {a}.T"), (other.T, self, f"{b}.T @ {a}"),
        )  # fmt: skip
        fitting = [said for left, right, said in orders if left.axes[-1] == right.axes[0]]
        return f"take {fitting[0]}" if fitting else "use .T of one, though their axes do not fit either"

    def __add__(self, other: Any) -> Jacobian:
        """The sum over cases, entry by entry; 0, with which `sum` begins, adds nothing.

        Raises:
            StructureError: They are no derivatives of one thing with respect to another in one layout.
        """
        if isinstance(other, (int, float)) and other == 0:
            return self
        if not isinstance(other, Jacobian):
            return NotImplemented
        one, two = ((J.of, J.to, J.layout, J.axes, J.simplified) for J in (self, other))
        if one != two:
            msg = (
                "Jacobian +: expected the same derivatives of several cases, in one layout, got "
                f"{self._heading()} and {other._heading()}"
            )
            raise StructureError(msg)
        return self._with([x + y for x, y in zip(self.flat, other.flat, strict=True)])

    __radd__ = __add__

    def __sub__(self, other: Any) -> Jacobian:
        return self + -1.0 * other if isinstance(other, Jacobian) else NotImplemented

    def __neg__(self) -> Jacobian:
        return -1.0 * self

    def __rmul__(self, factor: Any) -> Jacobian:
        if not isinstance(factor, (int, float)):
            return NotImplemented
        return self._with([factor * x for x in self.flat])

    def __truediv__(self, number: Any) -> Jacobian:
        if not isinstance(number, (int, float)):
            return NotImplemented
        return self._with([x / number for x in self.flat])

    def _with(self, numbers: Sequence[float]) -> Jacobian:
        """The same with other entries, which no longer are derivatives at one point."""
        nodes = None if self._nodes is None else self._nodes._replace(write=None)
        return replace(self, entries=filled(self.entries, iter(numbers)), _nodes=nodes)

    def __mul__(self, other: Any) -> Jacobian:
        if isinstance(other, (int, float)):
            return other * self
        if not isinstance(other, Jacobian):
            return NotImplemented
        error = self if self.layout == "numerator" else self.T
        [row, *more] = error.entries
        units = [k for k, axis in enumerate(other.axes) if axis.labels == error.columns]
        if not other.simplified or more or len(error.axes) != 2 or not units:
            msg = (
                f"Jacobian *: expected one row of derivatives with respect to {other.of} and a simplified weight "
                f"Jacobian of it, got ({self.name}) * ({other.name})"
            )
            raise StructureError(msg)
        scaled = [
            [x * row[j if units[-1] else i] for j, x in enumerate(entries)] for i, entries in enumerate(other.entries)
        ]
        nodes = None if error._nodes is None else error._nodes.after(other._nodes)
        if nodes is not None:
            nodes = nodes._replace(roots=nodes.roots * len(row))
        return replace(other, of=self.of, entries=scaled, notation=self.notation, _nodes=nodes)

    def __str__(self) -> str:
        return format(self, "")

    def __repr__(self) -> str:
        return str(self)

    def __format__(self, spec: str) -> str:
        rows, columns = self._labels()
        cells = self._cells(lambda x: number_in(x, spec))
        return titled(self._heading(), ["", *columns], [[r, *row] for r, row in zip(rows, cells)])

    def _heading(self) -> str:
        """The name, the shape, and what the axes are."""
        titles = [axis.title for axis in self.axes]
        if self.simplified:
            axes = f"rows {titles[0]}, columns {titles[1]}"
        elif len(titles) == 2:
            axes = f"{self.layout} layout: rows {titles[0]}, columns {titles[1]}"
        elif self.layout == "denominator":
            axes = f"denominator layout: rows {titles[0]}, columns {titles[1]}, in each entry {', '.join(titles[2:])}"
        else:
            axes = f"numerator layout: blocks {', '.join(titles[:-2])}, rows {titles[-2]}, columns {titles[-1]}"
        return f"{self.name}  ({by(self.shape)}, {axes})"

    def _labels(self) -> tuple[list[str], list[str]]:
        """Names of the rows and of the columns of what is shown."""
        if len(self.axes) == 2 or self.layout == "denominator":
            return list(self.axes[0].labels), list(self.axes[1].labels)
        *blocks, rows, columns = (axis.labels for axis in self.axes)
        return [", ".join(names) for names in itertools.product(*blocks, rows)], list(columns)

    def _cells(self, written: Callable[[float], str]) -> list[list[str]]:
        """The table that is shown; an entry that is a vector in parentheses."""
        if len(self.axes) == 2:
            return [[written(x) for x in row] for row in self.entries]
        if self.layout == "denominator":
            return [[vector(v, written) for v in row] for row in self.entries]
        blocks = self.entries if len(self.axes) == 3 else [block for blocks in self.entries for block in blocks]
        return [[written(x) for x in row] for block in blocks for row in block]

    def _repr_html_(self) -> str:
        rows, columns = self._labels()
        return as_html(
            self._heading(), ["", *columns], [[r, *row] for r, row in zip(rows, self._cells(number))]
        )

    @property
    def latex(self) -> str:
        r"""The matrix as a formula: J with its subscript and superscript, and the entries to 4 digits.

        Example:
            >>> import nn
            >>> model = nn.MLP(2, [1], init=nn.init.constant(0.5))
            >>> print(nn.layer_jacobian(model, [1.0, 2.0], of="outputs", to="inputs").latex)
            J_{\text{inputs}}^{\text{layer1}} = \begin{bmatrix} 0.5 & 0.5 \end{bmatrix}
        """
        return self._in_latex(self.entries, tex)

    @property
    def formulas(self) -> Formulas:
        r"""The entries in letters, each on a line with its number beside: dz_1/dy_1 = z_1(1 - z_1) w_11.

        They are written by the names that a text has, `notation=`, or by the library's, and by what functions gave
        where these are sigmoids or tanh. `.formula_latex` has them as a matrix.

        Raises:
            StructureError: It has no nodes, as a product of Jacobians at two inputs, a sum over cases, or one from a
                pickle.
            RangeError: There are more than 64 paths between two nodes.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [2, 1], "sigmoid", output="sigmoid", bias=False, init=nn.init.constant(0.0))
            >>> print(nn.layer_jacobian(model, [1.0], of="Z", to="Y", notation="downing").formulas)
            ∂z_1/∂y_1 = z_1(1 − z_1) w_11    = 0
            ∂z_1/∂y_2 = z_1(1 − z_1) w_21    = 0
            >>> for line in nn.weight_jacobian(model, [1.0], layer="Y", notation="downing").formulas:
            ...     print(line)
            ∂y_1/∂v_11 = y_1(1 − y_1) x_1
            ∂y_2/∂v_11 = 0
            ∂y_1/∂v_12 = 0
            ∂y_2/∂v_12 = y_2(1 − y_2) x_1
        """
        found = [
            Formula(f"{left.text} = {right.text}", f"{left.latex} &= {right.latex}") for left, right in self._written()
        ]
        return Formulas(found, self.flat, [Formula(f"= {number(x)}", f" = {tex(x)}") for x in self.flat])

    @property
    def formula_latex(self) -> str:
        r"""The matrix in LaTeX as texts print it, with the formulas of its entries; raises as `.formulas` does.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1, 1], "sigmoid", output="sigmoid", bias=False, seed=1)
            >>> print(nn.layer_jacobian(model, [1.0], of="Z", to="Y", notation="downing").formula_latex)
            J_{Y}^{Z} = \begin{bmatrix} z_{1}\left(1 - z_{1}\right) \, w_{11} \end{bmatrix}
        """
        each = iter(right.latex for _, right in self._written())
        return self._in_latex(filled(self.entries, each), str)

    def _written(self) -> list[tuple[Formula, Formula]]:
        """The name and the formula of each entry, the last axis running fastest."""
        run, roots, leaves, write = self._nodes or (None, (), (), None)
        if write is None:
            msg = (
                f"Jacobian.formulas: expected one that nn.layer_jacobian, nn.weight_jacobian or nn.chain has made, or "
                f"a product of such at one input, got {self.name} without its graph; its numbers are in .entries"
            )
            raise StructureError(msg)
        rows, columns = self.shape[:2]
        if self.simplified:
            first = self.axes[0].title.startswith("to ")  # whether units are rows
            pairs = [(roots[i if first else j], leaves[i][j]) for i in range(rows) for j in range(columns)]
        else:
            flat = [x for row in leaves for x in row] if len(self.axes) > 2 else list(leaves)
            if self.layout == "numerator":
                pairs = [(root, leaf) for root in roots for leaf in flat]
            else:
                pairs = [(root, leaf) for leaf in flat for root in roots]
        return write(run, pairs)

    def _in_latex(self, entries: Any, tex: Callable[[Any], str]) -> str:
        """The matrix in LaTeX, each entry written by a function."""
        if len(self.axes) == 3 and self.layout == "denominator":
            cells = [[r"\begin{pmatrix} " + r" \\ ".join(map(tex, v)) + r" \end{pmatrix}" for v in r] for r in entries]
            body = bmatrix(cells)
        elif len(self.axes) == 4:
            body = bmatrix([[bmatrix([[tex(x) for x in r] for r in block]) for block in row] for row in entries])
        elif len(self.axes) == 3:
            body = r"\left[ " + r",\; ".join(bmatrix([[tex(x) for x in r] for r in b]) for b in entries) + r" \right]"
        else:
            body = bmatrix([[tex(x) for x in row] for row in entries])
        hat = r"\hat{J}" if self.simplified else "J"
        if self.notation is None:
            return rf"{hat}_{{\text{{{self.to}}}}}^{{\text{{{self.of}}}}} = {body}"
        if self.notation == "downing":
            return rf"{hat}_{{{latex(self._below())}}}^{{{latex(self.of)}}} = {body}"
        return rf"\frac{{\partial {latex(self.of)}}}{{\partial {latex(self.to)}}} = {body}"


def _computed(run: Any) -> tuple[Any, ...]:
    """By what a pass is the same as another: the weights themselves, and the numbers at every end but the loss."""
    units = [unit for units in run.layers.values() for unit in units]
    numbers = {name: [x.data for x in end.nodes] for name, end in run.ends.items() if name != "loss"}
    return [id(w) for unit in units for w in (*unit.weights, unit.bias)], numbers


def _place(index: Any, k: int, axes: Sequence[Axis]) -> Any:
    """An index of the k-th axis as NumPy takes it, from one that may be a label."""
    axis, n = axes[k], len(axes[k].labels)
    if not isinstance(index, str):
        if isinstance(index, int) and not -n <= index < n:
            msg = f"Jacobian []: expected an index of {_axis(axis)}, got {brief(index)}"
            raise IndexError(msg)
        return index + n * (index < 0) if isinstance(index, int) else index
    label = one_named(index, axis.labels)
    if label is None:
        others = [other for other in axes if one_named(index, other.labels) is not None]
        hint = f"; it belongs to {others[0].title}, in the order {', '.join(a.title for a in axes)}" if others else ""
        msg = f"Jacobian []: expected one of the labels of {_axis(axis)}, got {brief(index)}{hint}"
        raise RangeError(msg)
    return axis.labels.index(label)


def _numbers(factor: Any) -> Any:
    """A vector or a matrix of numbers, or of Values by their numbers, as an array; None for anything else."""
    if not isinstance(factor, (list, tuple)) and not hasattr(factor, "__array__"):
        return None
    array = numpy("Jacobian @").asarray(factor.data if isinstance(factor, MatrixAlgebra) else factor)
    return array if array.dtype.kind in "fiu" and array.ndim else None


def _axis(axis: Axis) -> str:
    return f"{axis.title} ({', '.join(axis.labels)})"


def layout_of(layout: Any, caller: str) -> Outputs:
    """The layout, if it is one.

    Raises:
        RangeError: It is none.
    """
    if not is_among(layout, LAYOUTS):
        msg = f"{caller}: expected layout to be 'numerator' or 'denominator', got {shown(layout)}"
        raise RangeError(msg)
    return "denominator" if layout == "denominator" else "numerator"
