"""Walks over graphs: orders, counts, traces; of any depth, with the recursion limit as Python ships it."""

import gc
import math

import pytest
from hypothesis import given
from strategies import programs, value_of

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.engine.graph import order_of, sweep_order
from autograd_core._src.engine.sweep import reverse


def chain(n):
    """A chain of n operations of several kinds that never leaves [-2, 2]."""
    x = Value(0.5)
    y = x
    for i in range(n):
        y = ag.sin(y) if i % 3 == 0 else y * 0.9 if i % 3 == 1 else y + x
    return x, y


@given(programs())
def test_every_operand_stands_before_every_result_once(program):
    root = value_of(program)([Value(x) for x in program.point])
    if not isinstance(root, Value):
        return
    order = ag.topological_order(root)
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is root
    for node in order:
        for parent in node.parents:
            assert place[parent] < place[node]


@given(programs())
def test_count_paths_is_the_number_of_walks(program):
    leaves = [Value(x) for x in program.point]
    root = value_of(program)(leaves)
    order = ag.topological_order(root)
    if len(order) > 60:
        return

    def walks(node, leaf):
        return (node is leaf) + sum(walks(p, leaf) for p in node.parents)

    if sum(ag.count_paths(root, leaf) for leaf in leaves) < 5000:
        for leaf in leaves:
            assert ag.count_paths(root, leaf) == walks(root, leaf)


def test_the_counter_example_that_needs_an_order():
    a = Value(3.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad == 4.0
    assert [node.op for node in ag.topological_order(c)] == ["", "add", "add"]


def test_order_follows_the_operands_from_left_to_right_and_contains_constants():
    x, y = Value(1.0), Value(2.0)
    order = ag.topological_order((y - 3) * x)
    assert [node.data for node in order] == [2.0, 3.0, -1.0, 1.0, -1.0]
    assert order[0] is y
    assert order[3] is x


def test_several_roots_share_one_order():
    x = Value(2.0)
    a = x * x
    b = a + x
    assert [n.op for n in order_of([a, b, a])] == ["", "mul", "add"]
    assert [n.op for n in sweep_order(a, b, a)] == ["", "mul", "add"]


def test_count_paths():
    x = Value(2.0)
    assert ag.count_paths(x, x) == 1
    assert ag.count_paths(x * x, x) == 2
    assert ag.count_paths(x, Value(2.0)) == 0
    y = x
    for _ in range(1000):
        y = y + y
    assert ag.count_paths(y, x) == 2**1000


def test_edges_with_derivative_zero_count_as_paths():
    x = Value(-1.0)
    assert ag.count_paths(ag.relu(x), x) == 1
    assert ag.count_paths(ag.where(x > 0, x, 2.0), x) == 2
    assert ag.count_paths(x < 0, x) == 1


def test_trace_has_an_edge_per_operand():
    x, y = Value(3.0), Value(2.0)
    z = x * x + y * 2
    nodes, edges = ag.trace(z)
    assert isinstance(nodes, list)
    assert isinstance(edges, list)
    assert [n is m for n, m in zip(nodes, ag.topological_order(z), strict=True)] == [True] * len(nodes)
    assert len(edges) == 6
    assert sum(operand is x for operand, _ in edges) == 2
    assert all(any(p is operand for p in result.parents) for operand, result in edges)


@pytest.mark.parametrize("walk", [ag.topological_order, ag.trace, lambda v: ag.count_paths(v, Value(1.0)), lambda v: ag.count_paths(Value(1.0), v)])
@pytest.mark.parametrize("given_", [5, None, "x", [1.0]], ids=repr)
def test_walks_refuse_what_is_no_value(walk, given_):
    with pytest.raises(ag.OperandError, match="expected a Value"):
        walk(given_)


def test_the_sweep_order_is_the_topological_order_without_constants():
    x, y = Value(-1.0), Value(2.0)
    z = ag.relu(x * y) + y * 3 + ag.dot([x, 2.0, y], [y, x, 5.0])
    found = sweep_order(z)
    order = [node for node in ag.topological_order(z) if type(node) is Value]
    assert len(ag.topological_order(z)) == len(order) + 3
    assert all(a is b for a, b in zip(order, found, strict=True))


@pytest.mark.parametrize("x", [-1.0, 1.0])
def test_rounding_does_not_depend_on_which_derivatives_are_zero(x):
    """A compiled program has one order; with another one here, the last bit would differ."""
    s = Value(0.1)
    a, b, c = s * 0.3, s * 0.7, s * 1.1
    gate = ag.relu(Value(x) * c)  # dead at -1: c is then reached by another path first
    root = gate * 0.0 + (a + b) * 3.3 + c * 1.7
    root.backward()
    order = ag.topological_order(root)
    adjoints = dict.fromkeys(order, 0.0) | {root: 1.0}
    assert s.grad == reverse(order, adjoints)[s]


def test_n_ary_nodes_in_the_sweep_order():
    xs = [Value(float(i)) for i in range(5)]
    inner = ag.sum(xs)
    z = ag.dot([inner, xs[0], inner * 2], [inner, inner, xs[4]])
    order = sweep_order(z)
    place = {node: i for i, node in enumerate(order)}
    for node in order:
        for parent, d in zip(node.parents, node.local_grads, strict=True):
            if d and parent in place:
                assert place[parent] < place[node]
    z.backward()
    assert [x.grad for x in xs] == ag.grad_of(z, xs)
    f = lambda v: (s := sum(v)) * s + v[0] * s + 2 * s * v[4]
    steps = [(f([x + (1e-6 if i == j else 0) for i, x in enumerate(range(5))]) - f(range(5))) / 1e-6 for j in range(5)]
    assert [x.grad for x in xs] == pytest.approx(steps, rel=1e-4)


@pytest.mark.usefixtures("recursion_limit_as_shipped")
def test_deep_graphs_with_the_recursion_limit_as_shipped():
    x, y = chain(300_000)
    assert len(ag.topological_order(y)) >= 300_000
    assert ag.count_paths(y, x) > 0
    y.backward()
    assert math.isfinite(x.grad)
    assert repr(y).startswith("Value(")
    y.zero_grad()
    assert x.grad == 0.0
    del y  # a chain is freed without overflowing the stack
    gc.collect()


def test_a_gradient_graph_of_ten_thousand_operations():
    x, y = chain(10_000)
    [slope] = ag.grad_of(y, [x], create_graph=True)
    assert slope.data == ag.grad_of(y, [x])[0]
    [curvature] = ag.grad_of(slope, [x])
    assert math.isfinite(curvature)


def test_a_wide_and_deep_graph_that_branches_at_each_level():
    x = y = Value(1.0)
    for _ in range(50_000):
        y = y * 0.5 + y * 0.5
    y.backward()
    assert x.grad == 1.0
