"""The tree of scopes: uses of a scope that is left and entered again, and where leaves stand."""

from __future__ import annotations

import random

import pytest
from graphs import GRAPHS, perceptron, unrolled
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core._src.pictures import draw
from autograd_core._src.pictures.layout.layered import sorted_topologically
from autograd_core._src.pictures.view.scope_tree import DEEPEST, ROOT, Graph, _knots, scopes_of


def homes(root):
    """By node: the path of its scope."""
    graph = Graph([root])
    tree = scopes_of(graph)
    return {node: tree.scopes[s].path for node, s in zip(graph.order, tree.home, strict=True)}


def test_a_scope_without_a_way_back_stays_whole():
    for root in (GRAPHS["network"](), perceptron(examples=4)):
        found = homes(root)
        assert all(found[node] == node.scope for node in found if node.parents)
        assert not any(" · " in path for path in found.values())


def test_the_same_layer_applied_twice_has_two_uses():
    with ag.scope("layer"):
        w, b = ag.Value(2.0, label="w"), ag.Value(0.5, label="b")
    xs = [ag.Value(1.0)]
    for _ in range(3):
        with ag.scope("layer"):
            inner = xs[-1] * w
            xs.append((inner + b).tanh())
        xs.append(xs[-1] * 0.5)
    found = homes(xs[-1])
    assert found[xs[0]] == "layer · use 1 of 3"  # nothing else uses it
    assert [found[x] for x in xs[1::2]] == [f"layer · use {k} of 3" for k in (1, 2, 3)]
    assert found[inner] == "layer · use 3 of 3"
    assert [found[x] for x in xs[2::2]] == [""] * 3
    assert found[w] == found[b] == "layer · shared"


def test_uses_count_by_steps_whatever_else_enters():
    """Two gates that use each other's results, and products with inputs that depend on no earlier step."""
    u = [ag.Value(0.1) for _ in range(2)]
    state, made = [ag.Value(0.5), ag.Value(0.6)], []
    for t in range(4):
        x = ag.Value(float(t))
        new, products = [], []
        for i in range(2):
            with ag.scope(f"gate{i}"):
                products.append(x * u[i])
                new.append((products[i] + state[0] * state[1]).tanh())
        made.append((products, new))
        state = new
    found = homes(ag.sum(state))
    for t, (products, new) in enumerate(made, start=1):
        for i in range(2):
            assert found[products[i]] == found[new[i]] == f"gate{i} · use {t} of 4"


def test_what_only_a_later_node_outside_needs_stays_in_the_first_use():
    x = ag.Value(2.0)
    with ag.scope("a"):
        early = x * 3.0
        first = early.sin()
    between = first * 2.0 + early
    with ag.scope("a"):
        second = between.cos() + early
    found = homes(second)
    assert found[early] == found[first] == "a · use 1 of 2"
    assert found[second] == "a · use 2 of 2"


def test_a_leaf_that_leads_out_and_in_stands_apart():
    with ag.scope("a"):
        leaf = ag.Value(2.0)
    with ag.scope("b"):
        middle = leaf * 3.0
    with ag.scope("a"):
        end = middle * leaf
    found = homes(end)
    assert (found[leaf], found[middle], found[end]) == ("a · shared", "b", "a")


def test_scopes_within_uses_are_split_with_them():
    tangled = GRAPHS["tangled"]()
    assert {path for path in homes(tangled).values() if path} == {
        "a · use 1 of 2",
        "a · use 2 of 2/b",
        "a · use 2 of 2/ok",
    }
    deep = homes(unrolled(steps=2))
    assert {path for path in deep.values() if path} == {"rnn · shared", "rnn · use 1 of 2", "rnn · use 2 of 2"}


def test_leaves_outside_stand_with_their_only_scope():
    x, y, w = ag.Value(1.0), ag.Value(2.0), ag.Value(3.0)
    with ag.scope("s"):
        a, b = x * w, y * w
    with ag.scope("t"):
        c = a * b * y
    found = homes(c)
    assert (found[x], found[y], found[w]) == ("s", "", "s")


def test_very_deep_scopes_are_one_beyond_a_depth():
    x = ag.Value(1.0)
    y = x * x
    y.scope = "/".join("abc" * 100)
    graph = Graph([y])
    tree = scopes_of(graph)
    assert max(scope.depth for scope in tree.scopes) == DEEPEST
    assert tree.scopes[tree.home[1]].path == y.scope
    assert tree.home[0] == tree.home[1] != ROOT


def test_a_user_may_call_a_scope_like_a_use():
    x = ag.Value(1.0)
    for scope in ("a", "", "a", "a · use 1 of 2", "a · shared"):
        x = x * 2.0
        x.scope = scope
    assert set(homes(x).values()) == {"a · use 1 of 2", "", "a · use 2 of 2", "a · shared"}


@given(st.lists(st.lists(st.integers(0, 14), max_size=4), min_size=1, max_size=15))
def test_knots_are_strongly_connected_components(into):
    into = [[u % len(into) for u in sources if u % len(into) != v] for v, sources in enumerate(into)]
    reach = [{v} for v in range(len(into))]
    for _ in into:
        for v, sources in enumerate(into):
            for u in sources:
                reach[v] |= reach[u]
    knots = _knots(into)
    for v in range(len(into)):
        tied = [u for u in range(len(into)) if u in reach[v] and v in reach[u]]
        assert (knots[v] >= 0) == (len(tied) > 1)
        assert all((knots[u] == knots[v]) == (u in tied) for u in range(len(into)) if knots[u] >= 0 or u == v)


@pytest.mark.parametrize("seed", range(30))
def test_no_way_leads_out_of_a_scope_and_in_again(seed):
    rnd = random.Random(seed)
    pool = [ag.Value(rnd.random()) for _ in range(4)]
    for _ in range(60):
        with ag.scope(rnd.choice(["a", "b", "c", "a/d", "b/d/e"])):
            x = rnd.choice(pool[-6:]) * rnd.choice(pool)
        if rnd.random() < 0.2:
            x.scope = ""
        pool.append(x)
    graph = Graph([pool[-1]])
    tree = scopes_of(graph)
    for s in range(1, len(tree.scopes)):
        inside = {v for v in range(len(tree.home)) if s in tree.chain(tree.home[v])}
        into = [[] for _ in range(len(tree.home) + 1)]
        for v, operands in enumerate(graph.operands):
            for u in operands:
                if not {u, v} <= inside:
                    into[-1 if v in inside else v].append(len(into) - 1 if u in inside else u)
        assert len(sorted_topologically(into)) == len(into)


@pytest.mark.parametrize("target", [0, 1, 2])
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_neurons_stand_in_their_order_whichever_of_them_is_used_first(target, direction):
    """Of a cross-entropy's scores, that of the target is used apart; no edge need cross for it."""
    net = nn.MLP(2, [3], seed=1)
    loss = nn.cross_entropy(net([ag.Value(0.5, label="x0"), ag.Value(-1.0, label="x1")]), target)
    loss.backward()
    frame = draw(loss, direction=direction)._frame
    order = sorted(frame.plan.scopes, key=lambda scope: frame.plan.scopes[scope].across)
    assert [scope[-1].split("/")[-1] for scope in order if len(scope) == 2] == ["neuron0", "neuron1", "neuron2"]
    [card] = [card for card in frame.scene.cards.values() if card.folded == "cross_entropy"]
    ends = [port.source for port in card.ports if not port.is_constant]
    starts = sorted(ends, key=lambda v: frame.plan.cards[v].across)
    assert starts == ends
