"""Jacobians, Hessians and their products as separate programs.

A derivative of a traced function is a graph again, and it is traced like any other function; so folding,
regions, lanes and batches apply to it as well. The graph shows which entries of a matrix can differ from 0, and
inputs whose columns have no such entry in a common row are differentiated along one direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from ...engine.contexts import for_other_data
from ...engine.graph import order_of
from ...engine.pytrees import Spec
from ...engine.value import Constant, Value
from ...transforms import recorded
from ..runtime.batches import shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..tracing.record import RecordedGraph


class Pattern(NamedTuple):
    """The entries of a matrix that can differ from 0.

    Attributes:
        rows: int64, ascending.
        columns: int64, ascending within a row.
        shape: Rows and columns of the whole matrix.
    """

    rows: Any
    columns: Any
    shape: tuple[int, int]


def dependencies(outputs: Sequence[Value], inputs: Sequence[Value]) -> list[int]:
    """For each output the inputs that it depends on, as the bits of an int."""
    found: dict[Value, int] = {x: 1 << k for k, x in enumerate(inputs)}

    def parents_of(node: Value) -> tuple[Value, ...]:
        return () if node in found else tuple(p for p in node.parents if not isinstance(p, Constant))

    for node in order_of(outputs, parents_of):
        if node not in found:
            bits = 0
            for p in node.parents:
                bits |= found.get(p, 0)
            found[node] = bits
    return [found[out] for out in outputs]


class Directions(NamedTuple):
    """The directions along which a matrix is differentiated.

    Attributes:
        forward: Groups of inputs; those of one group share no output but those in `rows`.
        reverse: Groups of outputs; those of one group share no input but those in `columns`.
        rows: Outputs that are taken back by themselves, as bits: going forward gives all others.
        columns: Inputs that are gone forward from by themselves, as bits: going back gives all others.
    """

    forward: list[list[int]]
    reverse: list[list[int]]
    rows: int = 0
    columns: int = 0


def colours(sets: Sequence[int], items: Sequence[int], most: int) -> list[list[int]] | None:
    """Groups of items such that no set contains two items of one group; greedy, in order; None if it takes too many.

    Args:
        sets: For each item the sets that it is in, as bits.
        items: Which of them are to be grouped.
        most: How many groups may be made.

    Source:
        A. Curtis, M. Powell and J. Reid, On the estimation of sparse Jacobian matrices, 1974.
    """
    groups: list[list[int]] = []
    taken: list[int] = []
    for k in items:
        for group, rows in enumerate(taken):
            if not rows & sets[k]:
                groups[group].append(k)
                taken[group] |= sets[k]
                break
        else:
            if len(groups) == most:
                return None
            groups.append([k])
            taken.append(sets[k])
    return groups


def _bits(x: int) -> list[int]:
    found = []
    while x:
        low = x & -x
        found.append(low.bit_length() - 1)
        x ^= low
    return found


def directions(sets: Sequence[int], n: int) -> Directions:
    """A small set of directions that gives every entry.

    Three ways are compared: all forward, all backward, or both, where a few outputs that depend on nearly all
    inputs are swept backward and all others forward (or the reverse). At least as many directions are needed as
    there are entries in one row or column; a way that cannot beat the best one found is not tried.

    Args:
        sets: For each output the inputs that it depends on, as bits.
        n: How many inputs there are.

    Source:
        T. Coleman and A. Verma, The efficient computation of sparse Jacobian matrices using automatic
        differentiation, 1998.
    """
    columns = _transposed(sets, n)
    tries: list[tuple[int, bool, bool, list[int]]] = []  # directions at least, whether some stand apart, which way
    for is_back, lines in ((False, sets), (True, columns)):
        dense = sorted(range(len(lines)), key=[-x.bit_count() for x in lines].__getitem__)
        least = [k + lines[line].bit_count() for k, line in enumerate(dense)] + [len(dense)]
        best = least.index(min(least))
        tries += [(least[k], k > 0, is_back, sorted(dense[:k])) for k in {0, best}]
    found, fewest = Directions([], []), len(sets) + n + 1
    for at_least, _, is_back, lines_apart in sorted(tries):
        if at_least >= fewest:
            break
        lines, others = (columns, sets) if is_back else (sets, columns)
        mask = sum(1 << k for k in lines_apart)
        rest = [x & ~mask for x in others]
        apart_groups = colours(lines, lines_apart, fewest - 1)
        if apart_groups is None:
            continue
        groups = colours(rest, [k for k, x in enumerate(rest) if x], fewest - 1 - len(apart_groups))
        if groups is not None:
            fewest = len(apart_groups) + len(groups)
            found = (
                Directions(apart_groups, groups, columns=mask) if is_back else Directions(groups, apart_groups, mask)
            )
    return found


def _pull_back(*args: Any) -> list[Any]:
    """Reverse sweeps, recorded as graphs."""
    with for_other_data():
        return recorded.pull_back(*args, graph=True)


def _push_forward(*args: Any) -> list[Any]:
    """Forward sweeps, recorded as graphs."""
    with for_other_data():
        return recorded.push_forward(*args, graph=True)


def entries(outputs: Sequence[Value], inputs: Sequence[Value]) -> tuple[list[Value], Pattern]:
    """The entries of the Jacobian that can differ from 0, as graphs, and their positions."""
    sets = dependencies(outputs, inputs)
    found: dict[tuple[int, int], Value] = {}
    ways = directions(sets, len(inputs))
    for group in ways.reverse:
        roots = [outputs[i] for i in group]
        slopes = _pull_back(roots, [1.0] * len(roots), inputs)
        for i in group:
            found |= {(i, k): slopes[k] for k in _bits(sets[i] & ~ways.columns)}
    for group in ways.forward:
        chosen = [inputs[k] for k in group]
        tangents = _push_forward(outputs, chosen, [1.0] * len(chosen))
        mine = sum(1 << k for k in group)
        for i, bits in enumerate(sets):
            if not ways.rows >> i & 1:
                found |= {(i, k): tangents[i] for k in _bits(bits & mine)}
    places = sorted(found)
    pairs = np.array(places, np.int64).reshape(-1, 2)
    return [found[place] for place in places], Pattern(pairs[:, 0], pairs[:, 1], (len(outputs), len(inputs)))


def _transposed(sets: Sequence[int], n: int) -> list[int]:
    turned = [0] * n
    for row, bits in enumerate(sets):
        for k in _bits(bits):
            turned[k] |= 1 << row
    return turned


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


def jacobian(graph: RecordedGraph, chosen: Sequence[Chosen]) -> RecordedGraph:
    """The graph of the Jacobian: a tree of arrays per chosen argument."""
    return _matrix(graph, graph.roots, [[(graph.spec, into, 0) for into, _ in chosen]], chosen)


def hessian(graph: RecordedGraph, chosen: Sequence[Chosen]) -> RecordedGraph:
    """The graph of the Hessian: for each chosen argument a tree of arrays per chosen argument."""
    rows = np.cumsum([0, *(into.size for into, _ in chosen)]).tolist()
    blocks = [[(out, into, row) for into, _ in chosen] for (out, _), row in zip(chosen, rows, strict=False)]
    return _matrix(graph, gradient(graph, chosen), blocks, chosen)


def _matrix(
    graph: RecordedGraph,
    outputs: Sequence[Value],
    blocks: Sequence[Sequence[tuple[Spec, Spec, int]]],
    chosen: Sequence[Chosen],
) -> RecordedGraph:
    """The Jacobian of these outputs as blocks: for each its rows' and columns' shapes, and its first row."""
    found, pattern = entries(outputs, [graph.inputs[k] for _, slots in chosen for k in slots])
    place = np.empty(pattern.shape, np.int64)
    base, specs = 0, []
    for blocks_of_row in blocks:
        column = 0
        for out, into, row in blocks_of_row:
            for r, c, n_rows, n_columns in _blocks(out, into, row, column):
                block = np.arange(base, base + n_rows * n_columns).reshape(n_rows, n_columns)
                place[r : r + n_rows, c : c + n_columns] = block
                base += block.size
            column += into.size
        specs.append(Spec("tuple", tuple(matrix_spec(out, into) for out, into, _ in blocks_of_row), Parts))
    spec = specs[0] if outputs is graph.roots else Spec("tuple", tuple(specs), Parts)
    places = place[pattern.rows, pattern.columns]
    return graph._replace(roots=found, spec=spec, places=places, pattern=pattern, is_derived=True)


def gradient(graph: RecordedGraph, chosen: Sequence[Chosen]) -> list[Value]:
    """The gradient of the one result, as graphs."""
    return _pull_back(graph.roots, [1.0], [graph.inputs[k] for _, slots in chosen for k in slots])


def product(graph: RecordedGraph, chosen: Sequence[Chosen]) -> RecordedGraph:
    """The Hessian times a vector; the vector's entries are further inputs."""
    inputs = [graph.inputs[k] for _, slots in chosen for k in slots]
    vector = [Value(1.0) for _ in inputs]
    products = _push_forward(gradient(graph, chosen), inputs, vector)
    spec = Spec("tuple", tuple(into for into, _ in chosen), Parts)
    return graph._replace(roots=products, inputs=[*graph.inputs, *vector], spec=spec, is_derived=True)
