"""Made-up scopes: what they are called, and how they are cut."""

from __future__ import annotations

from collections import Counter

import pytest
from graphs import many, perceptron, rosenbrock, unrolled
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core._src.pictures.view.auto_groups import (
    BANDS,
    MOST_IN_SCOPE,
    MOST_SCOPES,
    _runs,
    generate_scopes,
    summary,
)
from autograd_core._src.pictures.view.scope_tree import ROOT, Graph, scopes_of


def generated_in(root):
    """The names of generated scopes that stand directly in the root."""
    graph = Graph([root])
    tree = scopes_of(graph)
    generate_scopes(graph, tree)
    return [scope.name for scope in tree.scopes if scope.parent == ROOT and scope.is_generated], graph, tree


def direct(graph, tree):
    """How many nodes and scopes stand directly in every scope."""
    found = Counter(s for v, s in enumerate(tree.home) if v not in graph.constants)
    found.update(scope.parent for scope in tree.scopes[1:])
    return found


def test_a_chain_is_cut_at_its_period():
    y, w, b = (ag.Value(float(i)) for i in range(3))
    for _ in range(250):
        y = y * w + b
    names, graph, tree = generated_in(y)
    assert names == [f"21 × (mul, add) · {k} of 11" for k in range(1, 12)] + ["19 × (mul, add)"]
    assert tree.scopes[tree.home[graph.index[w]]].path == ""  # all of them use it
    first = next(scope for scope in tree.scopes if scope.name == names[0])
    assert first.path == names[0]
    inner = [scope.name for scope in tree.scopes if scope.parent == tree.scopes.index(first)]
    assert inner == [f"2 × (mul, add) · {k} of 10" for k in range(1, 11)] + ["mul, add"]


def test_a_period_longer_than_a_band_is_cut():
    y = ag.Value(0.5)
    for _ in range(6):
        for f in (ag.sin, ag.cos, ag.tanh, ag.exp, ag.sqrt, ag.log1p, ag.atan):
            y = f(y)
    names, _, _ = generated_in(y)
    assert names[:2] == ["sin, cos, tanh, … · 1 of 2", "sqrt, log1p, atan, … · 1 of 2"]
    assert len(names) == 11


def test_a_sum_of_like_terms_is_a_few_groups():
    names, _, _ = generated_in(rosenbrock(60))
    assert names == ["59 × (pow, sub)", "59 × (sub, pow)", "59 × (pow, mul, add)", "59 × add", "59 leaves"]


def test_scopes_of_the_user_stay_and_the_rest_is_grouped_beside_them():
    names, _, tree = generated_in(perceptron(examples=30))
    assert names == ["30 × (sub, pow)", "29 × add", "60 leaves"]
    assert [scope.path for scope in tree.scopes if scope.parent == ROOT][:3] == ["layer1", "layer2", "layer3"]


def test_very_many_scopes_are_grouped_as_well():
    x, ys = ag.Value(0.5), []
    for t in range(MOST_SCOPES + 1):
        with ag.scope(f"example{t}"):
            ys.append((x * float(t)).tanh())
    names, _, tree = generated_in(ag.sum(ys))
    assert names == ["61 × example"]
    assert sum(scope.name.startswith("6 × example") for scope in tree.scopes) == 10
    example = next(scope for scope in tree.scopes if scope.plain == "example7")
    assert example.path == "61 × example/6 × example · 2 of 10/example7"


def test_many_uses_of_a_scope_are_grouped_like_a_chain():
    names, graph, tree = generated_in(unrolled(steps=30, width=2))
    assert names == ["mul, rnn, sum", "sum, mean"]
    assert tree.scopes[1].path == "rnn · shared"
    use = next(scope for scope in tree.scopes if scope.name == "rnn · use 5 of 30")
    assert (use.path, use.plain) == ("mul, rnn, sum/3 × (2 mul, rnn, sum) · 2 of 9/rnn · use 5 of 30", "rnn")
    assert max(direct(graph, tree).values()) <= MOST_IN_SCOPE


def test_leaves_are_grouped_by_who_uses_them():
    left, right = ([ag.Value(float(i)) for i in range(20)] for _ in range(2))
    names, _, _ = generated_in(ag.sum(left) * ag.prod(right) + ag.norm(left))
    assert names == ["20 leaves · 1 of 2", "20 leaves · 2 of 2"]


def test_leaves_of_the_users_scopes_are_grouped_beside_them():
    xs = [ag.Value(float(i)) for i in range(30)]
    ys = []
    for k in range(3):
        with ag.scope(f"s{k}"):
            ys.append(ag.sum(xs) * float(k))
    with ag.scope("t"):
        y = ag.sum(ys)
    names, _, _ = generated_in(y)
    assert names == ["30 leaves"]


def test_leaves_with_all_kinds_of_users_are_one_group():
    xs = [ag.Value(float(i)) for i in range(60)]
    ys = []
    for k in range(30):
        with ag.scope(f"s{k}"):
            ys.append(ag.sum(xs[k : k + 31]))
    with ag.scope("t"):
        y = ag.prod(ys)
    names, graph, tree = generated_in(y)
    assert names == ["58 leaves"]
    assert max(direct(graph, tree).values()) <= MOST_IN_SCOPE + 31


@pytest.mark.parametrize("make", [lambda: many(900), lambda: many(2000, total=False), lambda: rosenbrock(300)])
def test_no_scope_holds_much(make):
    _, graph, tree = generated_in(make())
    assert max(direct(graph, tree).values()) <= MOST_IN_SCOPE + 2 * BANDS
    assert len({scope.path for scope in tree.scopes}) == len(tree.scopes)
    for scope in tree.scopes[1:]:
        assert scope.path.endswith(scope.name)


@pytest.mark.parametrize(
    ("kinds", "name"),
    [
        ({"dot": 100, "add": 100, "tanh": 100, "": 7}, "100 × (dot, add, tanh)"),
        ({"mul": 33, "tanh": 2}, "mul, tanh"),
        ({"mul": 320, "tanh": 20}, "20 × (16 mul, tanh)"),
        ({"add": 9}, "9 × add"),
        ({"": 17}, "17 leaves"),
        ({"": 1}, "1 leaf"),
        ({"mul": 3, "tanh": 1}, "3 mul, tanh"),
        ({"a": 1, "b": 1, "c": 1, "d": 1}, "a, b, c, …"),
        ({"a": 21, "b": 40}, "b, a"),
    ],
)
def test_groups_are_called_by_what_is_in_them(kinds, name):
    assert summary(Counter(kinds)) == name


def test_runs_are_maximal_and_periodic():
    assert _runs("xyababababqq") == [(0, 2, 0), (2, 10, 2), (10, 12, 1)]
    assert _runs("abc") == [(0, 3, 0)]
    assert _runs("aaaaabcabcab") == [(0, 5, 1), (5, 12, 3)]


@given(st.text("abc", max_size=40))
def test_runs_cover_everything_once(kinds):
    runs = _runs(kinds)
    assert [k for start, end, _ in runs for k in range(start, end)] == list(range(len(kinds)))
    for start, end, period in runs:
        if period:
            assert end >= start + 2 * period
            assert kinds[start : end - period] == kinds[start + period : end]
