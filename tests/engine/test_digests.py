"""Digests of graphs: equal where graphs compute alike, different where anything is another way."""

import itertools
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from strategies import programs, value_of

import autograd_core as ag
from autograd_core import Value


def graphs():
    """Graphs none of which computes as another."""
    x, y = Value(1.5), Value(2.5)
    square = x * x
    yield from (x, x * y, square, x + y, x - y, y + x + x, square + square, x * x + x * x, x + 2.0, x + 3.0, 2.0 + x)
    yield from (ag.tanh(x), ag.sin(x), ag.dot([x, y], [y, x]), ag.dot([x, y], [x, y]), ag.sum([x, y, x]), x + Fraction(2))
    yield from ([x, y], [x, x], [square, x], [x, square], x + 0.0, x + -0.0, x + float("nan"))


def test_different_graphs_have_different_digests():
    found = [ag.graph_hash(graph) for graph in graphs()]
    for (i, a), (j, b) in itertools.combinations(enumerate(found), 2):
        assert a != b, (i, j)


@given(programs())
def test_labels_scopes_data_and_gradients_do_not_count(program):
    f, point = value_of(program), list(program.point)
    plain = f([Value(x) for x in point])
    if not isinstance(plain, Value):
        return
    with ag.scope("here"):
        other = f([Value(x, label=f"x{k}") for k, x in enumerate(point)])
    assert ag.graph_hash(plain) == ag.graph_hash(other)
    for node in ag.topological_order(other):
        node.label = "again"
    other.backward()
    assert ag.graph_hash(plain) == ag.graph_hash(other)


def test_it_is_the_same_in_every_process_and_after_a_copy():
    text = "import autograd_core as ag; x = ag.Value(1.0); print(ag.graph_hash(ag.tanh(x * 2) + x))"
    x = Value(7.0)
    here = ag.graph_hash(ag.tanh(x * 2) + x)
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", text], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
        )
        assert done.stdout.strip() == here


def test_deep_graphs():
    x = y = Value(1.0)
    for _ in range(50_000):
        y = y + x
    assert len(ag.graph_hash(y)) == 64


@pytest.mark.parametrize("what", [1.0, "x", [1.0], None])
def test_what_is_no_graph(what):
    with pytest.raises(ag.AutogradError, match="graph_hash: expected a (Value|list of Values)"):
        ag.graph_hash(what)
