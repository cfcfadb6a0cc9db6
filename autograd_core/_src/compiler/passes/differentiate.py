"""Jacobians, Hessians and their products as separate programs.

A derivative of a traced function is a graph again, and it is lowered like any other; so folding, regions, lanes
and batches apply to it as well. The graph shows which entries of a matrix can differ from 0, and inputs whose
columns have no such entry in a common row are differentiated along one direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...engine.pytrees import Spec
from ..runtime.batches import shape_of
from .sparsity import Pattern, dependencies, directions
from .sweeps import Sweeps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ir.tape import Tape, TapedGraph


def entries(tape: Tape, outputs: Sequence[int], inputs: Sequence[int]) -> tuple[list[int], Pattern]:
    """The entries of the Jacobian that can differ from 0, as slots, and their positions."""
    sets = dependencies(tape, outputs, inputs)
    found: dict[tuple[int, int], int] = {}
    ways = directions(sets, len(inputs))
    sweeps, zero, one = Sweeps(tape), tape.constant(0.0), tape.constant(1.0)
    # One sweep for a whole group: the entries of its outputs do not overlap, so the sum of their gradients still shows
    # each of them. Columns that a forward sweep gives are left out, as in them outputs of a group may overlap.
    for group in ways.reverse:
        mine = {k for i in group for k in sets[i]}
        slopes = sweeps.pull_back([outputs[i] for i in group], [one] * len(group), [inputs[k] for k in mine])
        for i in group:
            found |= {(i, k): slopes.get(inputs[k], zero) for k in sets[i] if k not in ways.columns}
    # All directions in one pass over the tape: a node's local derivatives are then recorded once and not per direction.
    tangents = sweeps.push_forward(outputs, [{inputs[k]: one for k in group} for group in ways.forward])
    direction = {k: number for number, group in enumerate(ways.forward) for k in group}
    for i, columns in enumerate(sets):
        if i not in ways.rows:
            found |= {(i, k): tangents[i].get(direction[k], zero) for k in columns if k in direction}
    # Sorted by row and column, whichever sweep found an entry: the pattern, which users see, and with it the order of
    # the results do not depend on how directions were chosen.
    places = sorted(found)
    pairs = np.array(places, np.int64).reshape(-1, 2)
    return [found[place] for place in places], Pattern(pairs[:, 0], pairs[:, 1], (len(outputs), len(inputs)))


def matrix_spec(out: Spec, into: Spec) -> Spec:
    """The shape of the derivatives of results by one argument: outputs before inputs."""
    rows, columns = shape_of(out), shape_of(into)
    if rows is None:
        return out._replace(children=tuple(matrix_spec(child, into) for child in out.children))
    if columns is None:
        return into._replace(children=tuple(matrix_spec(out, child) for child in into.children))
    return Spec("array", (), (*rows, *columns))


def _blocks(out: Spec, into: Spec, row: int, column: int) -> list[tuple[int, int, int, int]]:
    """The arrays of a `matrix_spec` in order: first row, first column, rows, columns."""
    found = []
    if shape_of(out) is None:
        for child in out.children:
            found += _blocks(child, into, row, column)
            row += child.size
        return found
    if shape_of(into) is None:
        for child in into.children:
            found += _blocks(out, child, row, column)
            column += child.size
        return found
    return [(row, column, out.size, into.size)]


class Parts(tuple[Any, ...]):
    """A tuple with one entry per argument, which batches never turn into one array."""

    __slots__ = ()
    _fields = ()

    def __new__(cls, *parts: Any) -> Self:
        """From the entries."""
        return super().__new__(cls, parts)


Chosen = tuple[Spec, range]  # an argument's shape, and which inputs it has


def jacobian(graph: TapedGraph, chosen: Sequence[Chosen]) -> TapedGraph:
    """The graph of the Jacobian: a tree of arrays per chosen argument."""
    return _matrix(graph, graph.roots, [[(graph.spec, into, 0) for into, _ in chosen]], chosen)


def hessian(graph: TapedGraph, chosen: Sequence[Chosen]) -> TapedGraph:
    """The graph of the Hessian: for each chosen argument a tree of arrays per chosen argument."""
    # The Hessian is the Jacobian of the gradient. Both sweeps go over one tape, so what value, gradient and entries
    # have in common is one step.
    rows = np.cumsum([0, *(into.size for into, _ in chosen)]).tolist()
    blocks = [[(out, into, row) for into, _ in chosen] for (out, _), row in zip(chosen, rows, strict=False)]
    return _matrix(graph, gradient(graph, chosen), blocks, chosen)


def _matrix(
    graph: TapedGraph,
    outputs: Sequence[int],
    blocks: Sequence[Sequence[tuple[Spec, Spec, int]]],
    chosen: Sequence[Chosen],
) -> TapedGraph:
    """The Jacobian of these outputs as blocks: for each its rows' and columns' shapes, and its first row."""
    found, pattern = entries(graph.tape, outputs, _inputs(graph, chosen))
    # A matrix of a matrix, as in `f.hessian.jacobian`: the roots are the entries that can differ from 0, and `places`
    # says where they stand among all.
    if outputs is graph.roots and graph.places is not None:  # of a matrix, without the entries that are always 0
        found, pattern = _among_all(found, pattern, graph)
    arrays, specs = [], []
    for blocks_of_row in blocks:
        column = 0
        for out, into, row in blocks_of_row:
            arrays += _blocks(out, into, row, column)
            column += into.size
        specs.append(Spec("tuple", tuple(matrix_spec(out, into) for out, into, _ in blocks_of_row), Parts))
    spec = specs[0] if outputs is graph.roots else Spec("tuple", tuple(specs), Parts)
    return graph._replace(roots=found, spec=spec, places=_places(arrays, pattern), pattern=pattern)


def _among_all(found: list[int], pattern: Pattern, graph: TapedGraph) -> tuple[list[int], Pattern]:
    """Entries whose rows are roots, with the rows that these are in the graph's whole result."""
    rows = graph.places[pattern.rows]
    order = np.lexsort((pattern.columns, rows))
    whole = Pattern(rows[order], pattern.columns[order], (graph.spec.size, pattern.shape[1]))
    return [found[k] for k in order.tolist()], whole


def _places(arrays: Sequence[tuple[int, int, int, int]], pattern: Pattern) -> Any:
    """Where the entries stand when all arrays stand one after the other.

    The matrix itself may be far larger than its entries are many, so none of its size is made.
    """
    # Arrays tile the matrix as a grid, since each argument has the same columns in every block row. So an entry's array
    # is found by two binary searches, and `base` and `width` have an element for each array, not for each entry.
    of = np.array(arrays, np.int64).reshape(-1, 4).T
    row, column, n_rows, n_columns = of[:, of[2] * of[3] > 0]  # arrays without an entry begin where others do
    rows, row_at = np.unique(row, return_inverse=True)
    columns, column_at = np.unique(column, return_inverse=True)
    base, width = np.zeros((2, len(rows), len(columns)), np.int64)
    sizes = n_rows * n_columns
    base[row_at, column_at] = np.cumsum(sizes) - sizes
    width[row_at, column_at] = n_columns
    i = np.searchsorted(rows, pattern.rows, "right") - 1
    k = np.searchsorted(columns, pattern.columns, "right") - 1
    return base[i, k] + (pattern.rows - rows[i]) * width[i, k] + pattern.columns - columns[k]


def gradient(graph: TapedGraph, chosen: Sequence[Chosen]) -> list[int]:
    """The gradient of the one result, as slots."""
    inputs, tape = _inputs(graph, chosen), graph.tape
    slopes = Sweeps(tape).pull_back(graph.roots, [tape.constant(1.0)], inputs)
    return [slopes.get(x, tape.constant(0.0)) for x in inputs]


def product(graph: TapedGraph, chosen: Sequence[Chosen]) -> TapedGraph:
    """The Hessian times a vector; the vector's entries are further inputs."""
    inputs, tape = _inputs(graph, chosen), graph.tape
    # Forward over reverse: one forward sweep of the gradient along the vector, so the work does not grow with the
    # number of inputs beyond that of a gradient.
    vector = [tape.input() for _ in inputs]
    tangents = Sweeps(tape).push_forward(gradient(graph, chosen), [dict(zip(inputs, vector, strict=True))])
    products = [t.get(0, tape.constant(0.0)) for t in tangents]
    spec = Spec("tuple", tuple(into for into, _ in chosen), Parts)
    return graph._replace(roots=products, inputs=[*graph.inputs, *vector], spec=spec)


def _inputs(graph: TapedGraph, chosen: Sequence[Chosen]) -> list[int]:
    return [graph.inputs[k] for _, slots in chosen for k in slots]
