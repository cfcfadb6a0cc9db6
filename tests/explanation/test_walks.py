"""`paths` and `top_paths` against walks written anew, on random programs, at any size and with any numbers."""

import itertools
import math
import random
from fractions import Fraction
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import programs, run

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.explanation import walks as module
from autograd_core._src.explanation.ranks import ONE, rank_of, times

MANY = 3000


def walks(root, leaf):
    """All paths as (nodes, operands), root first in the recursion: nothing of the library's search is used."""
    if root is leaf:
        return [((leaf,), ())]
    return [
        ((*nodes, root), (*operands, i))
        for i, parent in enumerate(root.parents)
        for nodes, operands in walks(parent, leaf)
    ]


def product_of(nodes, operands):
    product = 1.0 if nodes[-1].data.__class__ is float else Fraction(1)
    for node, operand in zip(nodes[1:], operands, strict=True):
        d = node.local_grads[operand]
        product = product * d if product and d else 0 * product if math.isfinite(product) else 0.0
    return product


def keys(found):
    return [(tuple(map(id, path.nodes)), path.operands) for path in found]


def graph_of(program):
    leaves = [Value(x) for x in program.point]
    return leaves, run(program, ag, leaves)[-1]


def doubling(depth, a=0.5, b=0.25):
    """A graph of 2^depth paths."""
    x = y = Value(1.0, label="x")
    for _ in range(depth):
        y = y * a + y * b
    return x, y


# --- what a path is -----------------------------------------------------------------------------------


def test_the_two_paths_of_a_square_differ_in_their_operands():
    x = Value(3.0, label="x")
    y = x * x
    first, second = ag.paths(y, x)
    assert (first.operands, second.operands) == ((0,), (1,))
    assert first.nodes[0] is second.nodes[0] is x
    assert first.nodes[-1] is y
    assert first.product == second.product == 3.0
    assert first.factors == (3.0,)
    assert first != second


def test_equal_paths_are_equal_and_make_no_nodes():
    x = Value(3.0)
    y = x * x + x
    once, twice = list(ag.paths(y, x)), list(ag.paths(y, x))
    assert once == twice
    assert len({*once, *twice}) == 3
    assert once[0] != "a path"


def test_the_trivial_path():
    for data, one in ((2.0, 1.0), (Fraction(2), Fraction(1))):
        x = Value(data, label="x")
        [path] = ag.paths(x, x)
        assert (path.nodes, path.operands, path.product) == ((x,), (), one)
        assert type(path.product) is type(one)
        assert ag.top_paths(x, x, 3) == [path]
        assert str(path) == "x: 1"


def test_a_path_is_frozen():
    x = Value(3.0)
    [path] = ag.paths(x * 2, x)
    with pytest.raises(AttributeError):
        path.product = 5.0


def test_str_shows_names_and_local_derivatives():
    x = Value(3.0, label="x")
    y = x * 3 - 0.5
    y.label = "y"
    assert [str(p) for p in ag.paths(y, x)] == ["x →(×3) v1 →(×1) y: 3"]
    assert repr(next(ag.paths(y, x))) == "<Path x →(×3) v1 →(×1) y: 3>"


def test_str_of_a_long_path_leaves_out_its_middle():
    x = y = Value(1.0, label="x")
    for _ in range(20):
        y = y * 2
    [path] = ag.paths(y, x)
    assert str(path) == "x →(×2) v1 →(×2) v2 →(×2) v3 → … 14 more … →(×2) v18 →(×2) v19 →(×2) v20: 1.049e6"


@pytest.mark.parametrize("label", ["<script>\n", "\u202eabc", "W" * 10_000, "\u200b", "🎉" * 50, "\x00"])
def test_labels_stay_in_one_short_line(label):
    x = Value(1.0, label=label)
    text = str(next(ag.paths(x * 2, x)))
    assert len(text) < 100
    assert text.replace(" ", "a").isprintable()
    assert not text.startswith(" ")


# --- paths --------------------------------------------------------------------------------------------


@given(programs(max_steps=9))
def test_paths_are_all_walks_in_the_order_of_the_operands(program):
    leaves, root = graph_of(program)
    for leaf in leaves:
        if ag.count_paths(root, leaf) <= MANY:
            found = list(ag.paths(root, leaf))
            assert keys(found) == [(tuple(map(id, n)), o) for n, o in walks(root, leaf)]
            assert len(found) == ag.count_paths(root, leaf)


FRACTIONS = st.fractions(-3, 3, max_denominator=7)


@st.composite
def exact_graphs(draw):
    """Random graphs of Fractions, in which every operation is exact."""
    leaves = [Value(draw(FRACTIONS)) for _ in range(draw(st.integers(1, 3)))]
    nodes = list(leaves)
    for _ in range(draw(st.integers(1, 9))):
        a, b = (nodes[-1 - draw(st.integers(0, len(nodes) - 1))] for _ in "ab")
        make = draw(
            st.sampled_from(
                [
                    lambda a, b: a + b,
                    lambda a, b: a * b,
                    lambda a, b: a - b,
                    lambda a, b: a * Fraction(1, 3),
                    lambda a, b: ag.dot([a, b, a], [b, b, Fraction(2)]),
                    lambda a, b: ag.relu(a) + b,
                    lambda a, b: ag.where(a > b, a, b),
                ]
            )
        )
        nodes.append(make(a, b))
    return leaves, nodes[-1]


def missing(found, gradient):
    return sum(p.product for p in found) != gradient


@given(exact_graphs())
def test_a_gradient_is_the_sum_of_all_path_products(graph):
    leaves, root = graph
    for leaf in leaves:
        if ag.count_paths(root, leaf) <= MANY:
            found = list(ag.paths(root, leaf))
            [gradient] = ag.grad_of(root, [leaf])
            assert not missing(found, gradient)
            assert all(type(p.product) is Fraction for p in found)
            for i, path in enumerate(found[:20]):  # planted: one path fewer is noticed
                if path.product:
                    assert missing(found[:i] + found[i + 1 :], gradient)


def test_no_path_is_an_empty_iterator():
    assert list(ag.paths(Value(1.0) * 2, Value(1.0))) == []
    x = Value(1.0)
    assert list(ag.paths(x.detach() * 2, x)) == []
    assert ag.top_paths(Value(1.0) * 2, Value(1.0), 3) == []


def test_the_first_paths_of_very_many_come_at_once():
    x, y = doubling(1000)
    assert ag.count_paths(y, x) == 2**1000
    found = list(itertools.islice(ag.paths(y, x), 3))
    assert [p.product for p in found] == [0.5**1000, 0.5**1001, 0.5**1001]
    assert len(found[0].operands) == 2000


def test_nodes_from_which_the_leaf_is_not_reached_are_passed_by():
    x, wall = Value(2.0, label="x"), doubling(60)[1]
    assert len(list(ag.paths(wall * x + wall, x))) == 1
    assert len(ag.top_paths(wall * x + wall, x, 5)) == 1


@pytest.mark.usefixtures("recursion_limit_as_shipped")
def test_a_chain_of_a_hundred_thousand():
    x = y = Value(1.0, label="x")
    for _ in range(100_000):
        y = y + 1e-9
    [path] = ag.paths(y, x)
    assert len(path.operands) == 100_000
    [best] = ag.top_paths(y, x, 2)
    assert best == path
    assert best.product == 1.0


def test_a_path_may_end_at_an_inner_node_and_passes_it_only_once():
    x = Value(2.0)
    inner = x * x
    assert len(list(ag.paths(inner * inner + x, inner))) == 2
    assert len(ag.top_paths(inner * inner + x, inner, 9)) == 2


def test_constants_have_paths_without_derivative_as_in_the_sweeps():
    x = Value(2.0)
    y = x * 3
    constant = y.parents[1]
    [path] = ag.paths(y, constant)
    assert path.product == 0.0
    assert ag.top_paths(y, constant, 2) == [path]
    assert len(list(ag.paths(y + Value(7.0), x))) == 1


@pytest.mark.parametrize("wrong", [5, None, "x", [1.0], PurePath("x")], ids=repr)
@pytest.mark.parametrize("walk", [ag.paths, lambda r, x: ag.top_paths(r, x, 1)])
def test_what_is_no_value_is_refused_at_the_call(walk, wrong):
    with pytest.raises(ag.OperandError, match="expected a Value"):
        walk(wrong, Value(1.0))
    with pytest.raises(ag.OperandError, match="expected a Value"):
        walk(Value(1.0), wrong)


# --- the largest --------------------------------------------------------------------------------------


def ranked_by_force(root, leaf):
    """All paths by |product|, NaN first; equal ones as `top_paths` says: the root's operand, and so on down."""

    def key(walk):
        nodes, operands = walk
        result = []
        for end in range(len(nodes), 0, -1):
            size = product_of(nodes[:end], operands[: end - 1])
            result.append((0, 0) if size != size else (1, -abs(size)))
            if end > 1:
                result.append(operands[end - 2])
        return result

    return [(tuple(map(id, n)), o) for n, o in sorted(walks(root, leaf), key=key)]


@given(programs(max_steps=9), st.integers(1, 40))
def test_top_paths_are_the_first_of_all_sorted(program, k):
    leaves, root = graph_of(program)
    for leaf in leaves:
        if ag.count_paths(root, leaf) <= 500:
            assert keys(ag.top_paths(root, leaf, k)) == ranked_by_force(root, leaf)[:k]


@given(exact_graphs(), st.integers(1, 40))
def test_top_paths_of_fractions(graph, k):
    leaves, root = graph
    for leaf in leaves:
        if ag.count_paths(root, leaf) <= 500:
            found = ag.top_paths(root, leaf, k)
            assert keys(found) == ranked_by_force(root, leaf)[:k]
            assert found == sorted(found, key=lambda p: -abs(p.product))


ODD = st.sampled_from([0.0, -0.0, 1.0, -2.0, math.inf, -math.inf, math.nan, 1e-300, -1e300, 5e-324])


@given(st.lists(st.tuples(ODD, ODD), min_size=1, max_size=5))
def test_top_paths_with_numbers_that_go_wrong(slopes):
    x = y = Value(1.0)
    factors = []
    for a, b in slopes:
        a, b = Value(a), Value(b)
        y = y * a + y * b
        factors.append((a.data, b.data))
    found = ag.top_paths(y, x, 100)
    assert len(found) == 2 ** len(slopes)

    def exactly(path):
        parts = [f[o] for f, o in zip(factors, path.operands[1::2], strict=True)]
        if 0.0 in parts:
            return (3, 0)
        if any(math.isnan(f) for f in parts):
            return (0, 0)
        if any(math.isinf(f) for f in parts):
            return (1, 0)
        return (2, -abs(math.prod(map(Fraction, parts), start=Fraction(1))))

    order = [exactly(p) for p in found]
    assert [kind for kind, _ in order] == sorted(kind for kind, _ in order)
    for (kind, size), (next_kind, next_size) in itertools.pairwise(order):
        assert kind < next_kind or size <= next_size * (1 - Fraction(1, 10**12))
    for path, (kind, size) in zip(found, order, strict=True):
        assert [math.isnan, math.isinf, lambda p: p == float_of(path, size), lambda p: p == 0.0][kind](path.product)


def float_of(path, size):
    """-size with the path's sign, infinite beyond the range of doubles; up to the rounding of a few products."""
    sign = math.prod(-1 if f < 0 else 1 for f in path.factors)
    try:
        exact = sign * float(-size)
    except OverflowError:
        exact = sign * math.inf
    return pytest.approx(exact, rel=1e-14, abs=1e-322)


def test_products_beyond_doubles_keep_their_order():
    x = Value(1.0)
    y, z = x, x
    for _ in range(3):
        y, z = y * 1e-200, z * 1e-201
    assert [p.operands[-1] for p in ag.top_paths(z + y, x, 2)] == [1, 0]
    for _ in range(7):
        y, z = y * 1e200, z * 1e200
    best, second = ag.top_paths(z + y, x, 2)
    assert (best.operands[-1], second.operands[-1]) == (1, 0)
    assert best.product == math.inf
    assert next(ag.paths(y * 1e-300 * 1e-300, x)).product == pytest.approx(1e200)


def test_paths_of_product_zero_come_last_and_are_found():
    x = Value(-1.0, label="x")
    y = ag.relu(x) * 7 + x * 2 + x * -3
    assert [p.product for p in ag.top_paths(y, x, 9)] == [-3.0, 2.0, 0.0]


def test_zero_wins_over_infinity_along_a_path():
    x = Value(0.0)
    y = ag.where(x > 0, ag.sqrt(x), 1.0)
    assert math.isinf(ag.sqrt(x).local_grads[0])
    assert {p.product for p in ag.paths(y, x)} == {0.0}
    assert {p.product for p in ag.top_paths(y, x, 9)} == {0.0}


def test_nan_counts_as_largest_then_infinity():
    x = Value(1.0)
    y = x * 2 + x * Value(math.inf) + x * Value(math.nan) + x * 3
    products = [p.product for p in ag.top_paths(y, x, 9)]
    assert math.isnan(products[0])
    assert products[1:] == [math.inf, 3.0, 2.0]


def test_fractions_beside_floats():
    x = Value(Fraction(1, 3))
    third = x * Fraction(10**400) * Fraction(1, 10**400)
    y = ag.exp(third) + x * 5
    found = ag.top_paths(y, x, 2)
    assert [p.product for p in found] == pytest.approx([5.0, math.exp(1 / 3)])
    half = ag.where(Value(Fraction(1)) > 0, x * Fraction(1, 2), ag.exp(x))
    assert [p.product for p in ag.top_paths(half, x, 3)] == [Fraction(1, 2), 0.0]
    mixed = ag.maximum(x * Fraction(1, 2) + x * Fraction(1, 3), ag.floor(ag.exp(x - 9)) * x)
    assert ag.top_paths(mixed, x, 9)[0].product == Fraction(1, 2)


def test_equal_products_follow_the_operands():
    x, y = doubling(3, 0.5, 0.5)
    assert [p.operands for p in ag.top_paths(y, x, 8)] == [p.operands for p in ag.paths(y, x)]


def test_many_operands():
    rng = random.Random(5)
    x = Value(0.1)
    weights = [Value(rng.uniform(-1, 1)) for _ in range(1000)]
    y = ag.dot([x] * 1000, weights)
    found = ag.top_paths(ag.tanh(y), x, 1000)
    order = sorted(range(1000), key=lambda i: -abs(weights[i].data))
    assert [p.operands[0] for p in found] == order


def test_k_may_be_more_than_there_are_and_any_int():
    x = Value(3.0)
    assert len(ag.top_paths(x * x, x, 10**30)) == 2
    numpy = pytest.importorskip("numpy")
    assert len(ag.top_paths(x * x, x, numpy.int64(1))) == 1


@pytest.mark.parametrize("k", [0, -3])
def test_k_must_be_positive(k):
    with pytest.raises(ag.RangeError, match="at least 1"):
        ag.top_paths(Value(1.0), Value(1.0), k)


@pytest.mark.parametrize("k", [2.0, "3", None, True, [1]], ids=repr)
def test_k_must_be_an_int(k):
    with pytest.raises(ag.OperandError, match="k to be an int"):
        ag.top_paths(Value(1.0), Value(1.0), k)


def test_a_search_that_forgets_a_candidate_would_be_noticed(monkeypatch):
    x, y = doubling(3)
    right = keys(ag.top_paths(y, x, 8))
    assert right == ranked_by_force(y, x)
    monkeypatch.setattr(module, "heappush", lambda heap, entry: None)
    assert keys(ag.top_paths(y, x, 8)) != right


@given(ODD, ODD)
def test_ranks_order_products(a, b):
    """A larger |factor| never makes a smaller product: the search stands on this."""
    for d in (0.5, 3.0, math.inf, math.nan, 0.0, 5e-324):
        if rank_of(a) <= rank_of(b):
            assert times(rank_of(a), rank_of(d)) <= times(rank_of(b), rank_of(d))
    assert times(ONE, rank_of(a)) == rank_of(a)
