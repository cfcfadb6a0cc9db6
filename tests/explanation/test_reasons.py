"""Reasons: right on cases that were constructed, and never claimed where they do not hold."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import programs, run

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.explanation import reasons as module


def leaf(x=-2.0, label="x"):
    return Value(x, label=label)


def reasons_of(build, x=-2.0):
    v = leaf(x)
    return ag.explain(build(v), v).reasons


CUTS = {
    "dead relu": (lambda x: ag.relu(x) * 3, "x = −2 is not above 0"),
    "comparison": (lambda x: (x > 0) * 2, "a comparison is flat"),
    "condition": (lambda x: ag.where(x, 1.0, 2.0), "x only chooses"),
    "branch not taken": (lambda x: ag.where(Value(0.0), x, 5.0), "the condition is 0, so the second branch is taken"),
    "clipped": (lambda x: ag.clip(x, -1.0, 1.0), "x = −2 lies outside of [−1, 1]"),
    "bound not reached": (lambda x: ag.clip(Value(7.0, label="y"), x, 9.0), "y = 7 does not meet the bound x = −2"),
    "not the largest": (lambda x: ag.maximum(x, 3.0), "x = −2 is not the largest, which is 3"),
    "not the smallest": (lambda x: ag.min([1.0, -5.0, x]), "x = −2 is not the smallest, which is −5"),
    "times zero": (lambda x: x * Value(0.0, label="gate"), "x is multiplied by gate = 0"),
    "step": (lambda x: ag.floor(x) + 1, "a step function is flat"),
    "saturated to 0": (lambda x: ag.tanh(x * 500), "its slope at v1 = −1000 is 0"),
    "flat": (lambda x: (x + 2) ** 2, "its derivative with respect to v1 is 0 at v1 = 0, 2"),
}


@pytest.mark.parametrize("kind", CUTS)
def test_the_cut_is_named(kind):
    build, words = CUTS[kind]
    [reason] = reasons_of(build)
    assert (reason.about, reason.kind) == ("zero", kind)
    assert words in reason.text


@pytest.mark.parametrize(
    ("build", "kind", "words"),
    [
        (lambda x: ag.where(Value(1.0), 5.0, x), "branch not taken", "first branch"),
        (lambda x: ag.max([-2.0, x]), "not the largest", "x = −2 ties with an earlier operand"),
        (lambda x: ag.dot([x, 1.0], [Value(0.0, label="w"), 2.0]), "times zero", "x is multiplied by w = 0"),
        (lambda x: ag.dot([1.0, Value(0.0, label="w")], [2.0, x]), "times zero", "x is multiplied by w = 0"),
        (lambda x: ag.prod([x, 0.0, 3.0, 4.0]), "times zero", "x is multiplied by 0"),
        (lambda x: ag.prod([x, 1e-200, 1e-200, 4.0]), "flat", "at x = −2, 1e−200, 1e−200, …"),
        (lambda x: ag.abs(x + 2), "flat", "v1 = 0"),
        (lambda x: ag.minimum(3.0 - x, -9), "not the smallest", "v1 = 5 is not the smallest, which is −9"),
    ],
)
def test_further_cuts(build, kind, words):
    [reason] = reasons_of(build)
    assert reason.kind == kind
    assert words in reason.text


def test_no_path_says_both_causes():
    x = leaf()
    for y in (Value(1.0) * 3, x.detach() * 3, Value(x.data) + 1):
        [reason] = ag.explain(y, x).reasons
        assert reason.kind == "no path"
        assert "was not computed from x" in reason.text
        assert "detach()" in reason.text


def test_a_constant():
    y = leaf() * 3
    [reason] = ag.explain(y, y.parents[1]).reasons
    assert reason.kind == "constant"


def test_the_root():
    x = leaf()
    [reason] = ag.explain(x, x).reasons
    assert (reason.about, reason.kind) == ("root", "root")


def test_several_cuts_are_all_named_and_only_these():
    x, w = leaf(), Value(-3.0, label="w")
    y = ag.relu(x) * 3 + ag.clip(x, -1, 1) + ag.where(x > 0, x, 5.0) + ag.maximum(x, w * -1) + x * 0
    kinds = [reason.kind for reason in ag.explain(y, x).reasons]
    assert kinds == ["dead relu", "clipped", "comparison", "branch not taken", "not the largest", "times zero"]


def test_cuts_of_one_kind_are_counted():
    x = leaf()
    [reason] = ag.explain(ag.sum([ag.relu(x * i) for i in range(1, 21)]), x).reasons
    assert len(reason.nodes) == 20
    assert reason.text.endswith("and 17 more")


def test_cancelling_paths_are_named():
    x = leaf(3.0)
    [reason] = ag.explain(x * 2 - (x + x), x).reasons
    assert (reason.about, reason.kind) == ("zero", "cancelled")
    assert reason.nodes[0] is x
    assert "at x: 2 through v1, −1 through v2, −1 through v2, together 0" in reason.text
    inner = leaf(3.0)
    z = inner * 7
    [reason] = ag.explain(z * 2 - z * 2, inner).reasons
    assert reason.nodes[0] is z


def test_cancellation_behind_which_something_is_dead_is_not_blamed():
    x = leaf(-3.0)
    dead = ag.relu(x)
    [reason] = ag.explain(dead * 2 - dead * 2, x).reasons
    assert reason.kind == "dead relu"


def test_underflow_is_no_cancellation():
    [reason] = reasons_of(lambda x: x * 1e-200 * 1e-200)
    assert (reason.about, reason.kind) == ("zero", "underflow")


def test_underflow_after_a_cancellation_that_left_something():
    def build(x):
        z = x * 1e-200
        w = z * 1e-170
        return w * 2.0 - w * (2.0 - 2**-50)  # the sizes do not underflow, their difference does

    [reason] = reasons_of(lambda x: build(x * 1e47))
    assert (reason.about, reason.kind) == ("zero", "underflow")


def test_large_factors():
    [reason] = reasons_of(lambda x: ag.exp(x * -10) * 1e6)
    assert (reason.about, reason.kind) == ("large", "large factors")
    assert (
        "has 3 factors above 1: ×4.852e8 at v2 = exp(v1), ×1e6 at v3 = v2 * 1e6, ×−10 at v1 = x * (-10)"
        in reason.text
    )
    [reason] = reasons_of(lambda x: x * 1e4)
    assert "has a factor above 1: ×1e4" in reason.text


def test_many_paths():
    def doubled(x):
        for _ in range(40):
            x = x + x
        return x

    [reason] = reasons_of(doubled)
    assert (reason.about, reason.kind) == ("large", "many paths")
    assert "about 1.1e12 paths add up; the largest of them gives 1" in reason.text


def test_saturated_units():
    [reason] = reasons_of(lambda x: ag.sigmoid(x * 10) * 0.5)
    assert (reason.about, reason.kind) == ("small", "saturated")
    assert reason.nodes[0].op == "sigmoid"
    assert "has slope 2.061e−9 at −20" in reason.text


def test_long_products():
    def shrunk(x):
        for _ in range(30):
            x = x * 0.5
        return x

    [reason] = reasons_of(shrunk)
    assert (reason.about, reason.kind) == ("small", "small factors")
    assert "30 factors below 1" in reason.text


def test_a_minimum_of_gelu_is_not_saturated():
    [reason] = reasons_of(lambda x: ag.gelu(x - 0.7517915) * 1e-4, x=0.0)
    assert reason.kind == "small factors"
    [reason] = reasons_of(lambda x: ag.gelu(x), x=-5.0)
    assert reason.kind == "saturated"


def test_digits_lost():
    [reason] = reasons_of(lambda x: x * 1.0000001 - x)
    assert (reason.about, reason.kind) == ("digits", "cancelling terms")
    [reason] = reasons_of(lambda x: x * 0.0102 - x * 0.0101)  # small, and because of that
    assert reason.kind == "cancelling terms"
    assert [r.about for r in reasons_of(lambda x: (x * 1.0000001 - x) * 1e12)] == ["digits", "large"]


def test_not_finite():
    [reason] = reasons_of(lambda x: ag.sqrt(x + 2) * 3)
    assert (reason.about, reason.kind) == ("not finite", "derivative")
    assert "sqrt(v1): its derivative with respect to v1 is inf at v1 = 0" in reason.text
    [reason] = reasons_of(lambda x: x * 1e200 * 1e200)
    assert reason.kind == "overflow"
    [reason] = reasons_of(lambda x: x * Value(math.nan))
    assert "is nan" in reason.text


def test_the_origin_of_what_is_no_number_is_named():
    """Also where it is no operand of the leaf's users that lead to it."""
    x, q = leaf(2.0), Value(-1.0, label="q")
    [reason] = ag.explain(ag.log(q) * x, x).reasons
    assert [node.op for node in reason.nodes] == ["log"]
    assert reason.text.startswith("v1 = log(q) is nan at q = −1; so the derivative of v2 = v1 * x with respect to x is nan")
    assert ">no number<" in ag.explain(ag.log(q) * x, x).draw().svg
    lost = Value(math.nan, label="lost")
    [reason] = ag.explain(ag.exp(lost + 1) * x, x).reasons
    assert reason.nodes[0] is lost
    assert reason.text.startswith("lost is nan; so")


def test_an_infinite_derivative_behind_a_guard_is_not_blamed():
    x = leaf(0.0)
    guarded, broken = ag.where(x > 0, ag.sqrt(x), 0.0), ag.log(x * 1.0)
    for y in (guarded + broken, broken + guarded):
        [reason] = ag.explain(y, x).reasons
        assert [node.op for node in reason.nodes] == ["log"]


def test_an_ordinary_gradient_needs_no_reason():
    assert reasons_of(lambda x: ag.tanh(x * 0.5) + x) == ()
    assert reasons_of(lambda x: x * 9e-4 + x * 2e-4) == ()


# --- never false --------------------------------------------------------------------------------------

ODD = st.sampled_from([0.0, -1.0, 2.0, 1e-8, -1e8, math.inf, math.nan, 1e200, 1e-200])
STEPS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "relu": lambda a, b: ag.relu(a),
    "where": lambda a, b: ag.where(a > b, a, b),
    "maximum": ag.maximum,
    "clip": lambda a, b: ag.clip(a, -1.0, b),
    "tanh": lambda a, b: ag.tanh(a),
    "sqrt": lambda a, b: ag.sqrt(a),
    "square": lambda a, b: a**2,
    "floor": lambda a, b: ag.floor(a),
    "dot": lambda a, b: ag.dot([a, b], [b, b]),
    "prod": lambda a, b: ag.prod([a, b, a]),
    "norm": lambda a, b: ag.norm([a, b]),
}


@st.composite
def odd_graphs(draw):
    leaves = [Value(draw(ODD)) for _ in range(draw(st.integers(1, 3)))]
    nodes = list(leaves)
    for _ in range(draw(st.integers(1, 8))):
        a, b = (nodes[-1 - draw(st.integers(0, len(nodes) - 1))] for _ in "ab")
        nodes.append(STEPS[draw(st.sampled_from(sorted(STEPS)))](a, b))
    return leaves, nodes[-1]


def reaches(root, x, without):
    """Whether a path leads from x to root that avoids some nodes, whatever its derivatives."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if node in seen or node in without:
            continue
        seen.add(node)
        if node is x:
            return True
        waiting += node.parents
    return False


def check(root, x):
    why = ag.explain(root, x)
    g, reasons = why.gradient, why.reasons
    abouts = {reason.about for reason in reasons}
    assert ("root" in abouts) == (x is root)
    if x is root:
        return
    assert ("not finite" in abouts) == (not math.isfinite(g))
    assert ("zero" in abouts) == (g == 0)
    if g == 0 or not math.isfinite(g):
        assert len(abouts) == 1
    else:
        assert ("large" in abouts) == (abs(g) >= 1e3)
        if "small" in abouts:
            assert abs(g) <= 1e-3
        if abs(g) <= 1e-3:
            assert abouts & {"small", "digits"} or why.condition == math.inf
        if "digits" in abouts:
            assert why.condition >= 10
        if why.condition >= 1e3 and why.condition < math.inf:
            assert "digits" in abouts
    kinds = {reason.kind for reason in reasons}
    assert ("no path" in kinds) == (not reaches(root, x, ()))
    if "zero" in abouts and not kinds & {"no path", "cancelled", "underflow", "constant"}:
        cut = [node for reason in reasons for node in reason.nodes]
        assert not reaches(root, x, cut)
        assert all(0.0 in node.local_grads for node in cut)
        assert all(path.product == 0 for path in ag.top_paths(root, x, 3))
        for reason in reasons:
            for node in reason.nodes:
                if reason.kind == "dead relu":
                    assert node.op == "relu"
                    assert not node.parents[0].data > 0
                if reason.kind == "times zero":
                    assert any(p.data == 0 for p in node.parents)
    if kinds & {"cancelled", "underflow"}:
        assert ag.top_paths(root, x, 1)[0].factors
        assert 0.0 not in ag.top_paths(root, x, 1)[0].factors
    if "cancelled" in kinds:
        assert why.condition == math.inf or math.isnan(why.condition)
    if "saturated" in kinds:
        assert all(abs(n.local_grads[0]) < 1e-3 for r in reasons if r.kind == "saturated" for n in r.nodes)
    assert all(len(reason.text) > 10 and "None" not in reason.text for reason in reasons)


@given(odd_graphs())
def test_reasons_are_never_false_with_odd_numbers(graph):
    leaves, root = graph
    for x in leaves:
        check(root, x)


@given(programs())
def test_reasons_are_never_false(program):
    leaves = [Value(x) for x in program.point]
    results = run(program, ag, leaves)
    for x in leaves + results[len(leaves) :][:2]:
        check(results[-1], x)


def test_a_false_reason_would_be_noticed(monkeypatch):
    x = leaf(2.0)
    y = ag.relu(x) + x
    check(y, x)
    monkeypatch.setattr(module, "SMALL", 1e9)
    with pytest.raises(AssertionError):
        check(y, x)


def test_exact_cancellation_of_fractions():
    x = Value(Fraction(1, 3), label="x")
    [reason] = ag.explain(x * 3 - x * 2 - x, x).reasons
    assert reason.kind == "cancelled"


def test_equal_bounds_are_named():
    x = ag.Value(0.0, label="x")
    assert "nothing between the bounds 0 and 0" in str(ag.explain(ag.clip(x, 0, 0) + 1, x))
    assert "lies outside of [1, 2]" in str(ag.explain(ag.clip(x, 1, 2) + 1, x))
