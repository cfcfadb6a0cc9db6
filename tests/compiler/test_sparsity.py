"""Which inputs an output depends on, and groups of them that are differentiated together."""

from collections import Counter
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core._src.engine.pytrees import flatten

pytest.importorskip("numpy")
from autograd_core._src.compiler.passes.sparsity import Directions, colours, dependencies, directions
from autograd_core._src.compiler.tracing.record import RecordedGraph, taped


def dependencies_of(outputs, inputs):
    graph = taped(RecordedGraph(outputs, inputs, {}, flatten(outputs)[1]))
    return [set(found) for found in dependencies(graph.tape, graph.roots, graph.inputs)]


def test_colours_of_columns_and_of_rows():
    rows = [[0], [0, 1], [1, 2], [2]]
    assert colours(rows, range(4), 4) == [[0, 2], [1, 3]]
    assert colours(rows, range(4), 1) is None
    assert directions([[0, 1], [1, 2], [2, 3]], 4) == Directions([[0, 2], [1, 3]], [])
    assert directions([[0, 1, 2]], 3) == Directions([], [[0]])
    assert directions([[0], [0], [0]], 1) == Directions([[0]], [])
    arrow = [[0, 1, 2, 3], [0, 1], [0, 2], [0, 3]]
    assert directions(arrow, 4) == Directions([[0], [1, 2, 3]], [[0]], rows=frozenset({0}))
    assert directions([[], []], 2) == Directions([], [])


def test_an_output_depends_on_what_lies_below_it():
    x = [ag.Value(float(k)) for k in range(3)]
    assert dependencies_of([x[0] * x[2], ag.Value(1.0), x[1], x[1] * 2], x) == [{0, 2}, set(), {1}, {1}]
    inner = x[0] * x[1]
    assert dependencies_of([inner * x[1]], [inner, x[1]]) == [{0, 1}]  # what is below an input does not count


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)), max_size=30), st.data())
def test_dependencies_are_those_of_every_path(picks, data):
    inputs = [ag.Value(1.0) for _ in range(5)]
    nodes, expected = list(inputs), [{k} for k in range(5)]
    for pick in picks:
        at = [k % len(nodes) for k in pick]
        nodes.append(ag.sum([nodes[k] for k in at]))
        expected.append(set().union(*(expected[k] for k in at)))
    chosen = data.draw(st.lists(st.integers(0, len(nodes) - 1), min_size=1, max_size=6))
    assert dependencies_of([nodes[k] for k in chosen], inputs) == [expected[k] for k in chosen]


def test_a_chain_of_additions_keeps_one_set(monkeypatch):
    from autograd_core._src.compiler.passes import sparsity

    made = []
    monkeypatch.setattr(sparsity, "_Shared", type("Counted", (sparsity._Shared,), {
        "__init__": lambda self, inputs: (made.append(len(inputs)), super(type(self), self).__init__(inputs))[1],
    }))  # fmt: skip
    x = [ag.Value(1.0) for _ in range(400)]
    *_, total = accumulate(x, lambda a, b: a + b * b)
    assert dependencies_of([total], x) == [set(range(400))]
    assert sum(made) == 400  # one of each input, and no copy


@given(st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=8))
def test_directions_give_every_entry_once(sets):
    """No sum of two entries is read: in a group, each line that it gives meets only one."""
    ways, n = directions(sets, 8), 8
    got = Counter()
    for group in ways.forward:
        for i in set(range(len(sets))) - ways.rows:
            mine = [k for k in group if k in sets[i]]
            assert len(mine) <= 1
            got.update((i, k) for k in mine)
    for group in ways.reverse:
        for k in set(range(n)) - ways.columns:
            mine = [i for i in group if k in sets[i]]
            assert len(mine) <= 1
            got.update((i, k) for i in mine)
    assert got == Counter((i, k) for i, columns in enumerate(sets) for k in columns)
    assert len(ways.forward) + len(ways.reverse) <= min(len(sets), n)
