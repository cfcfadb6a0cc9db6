"""Steps say what the sweep does."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core import backward_steps, forward_steps


def tanh_neuron():
    x1, x2, w1, w2, b = (
        ag.Value(v, label=n) for v, n in ((2.0, "x1"), (0.0, "x2"), (-3.0, "w1"), (1.0, "w2"), (6.88, "b"))
    )
    n = x1 * w1 + x2 * w2 + b
    n.label = "n"
    o = n.tanh()
    o.label = "o"
    return o, (x1, x2, w1, w2, b)


def test_forward_formula_with_names_and_numbers():
    o, _ = tanh_neuron()
    steps = forward_steps(o)
    assert [s.node.op for s in steps] == ["mul", "mul", "add", "add", "tanh"]
    assert steps[0].formula == "v1 = x1 * w1 = 2 * (-3) = -6"
    assert steps[-1].formula == "o = tanh(n) = tanh(0.88) = 0.7064"
    assert [s.index for s in steps] == list(range(5))
    assert {s.phase for s in steps} == {"forward"}
    assert steps[-1].adjoint is None


def test_backward_steps_end_where_backward_ends():
    o, leaves = tanh_neuron()
    steps = backward_steps(o)
    assert all(v.grad == 0.0 for v in leaves)  # steps touch no .grad
    ends = {}
    for s in steps:
        for p, after in zip(s.node.parents, s.after, strict=True):
            ends[p] = after
    o.backward()
    for v in leaves:
        assert ends[v] == v.grad
    assert steps[0].node is o
    assert steps[0].adjoint == 1.0


def test_two_uses_of_one_operand_add_up():
    x = ag.Value(3.0, label="x")
    [step] = backward_steps(x * x)
    assert step.before == (0.0, 3.0)
    assert step.after == (3.0, 6.0)
    assert step.products == (3.0, 3.0)


def test_constants_get_no_derivative():
    x = ag.Value(-7.0, label="x")
    [step] = backward_steps(x**2)
    assert step.local_grads == (-14.0, None)
    assert step.products == (-14.0, None)
    assert "log" not in step.formula
    [forward] = forward_steps(x**2)
    assert forward.formula == "v1 = x ** 2 = (-7) ** 2 = 49"


def test_names_that_are_no_single_words_stand_in_brackets():
    x = ag.Value(2.0, label="x + 1")
    y = x.exp()
    y.label = "dy/dx"
    assert backward_steps(y)[0].formula.splitlines()[1].startswith(
        "gradient of x + 1 += d (dy/dx)/d (x + 1) * gradient of dy/dx = "
    )


@pytest.mark.parametrize(
    ("slope", "text", "latex"),
    [
        (1 - 5e-11, "(1 - 5e-11)", r"\left(1 - 5 \cdot 10^{-11}\right)"), (1 + 5e-11, "(1 + 5e-11)", r"\left(1 + 5 \cdot 10^{-11}\right)"),
        (-1 - 5e-11, "(-1 - 5e-11)", r"\left(-1 - 5 \cdot 10^{-11}\right)"), (-3.0, "-3", "-3"), (1e-9, "1e-9", r"1 \cdot 10^{-9}"),
    ],
)  # fmt: skip
def test_a_number_that_is_written_as_a_sum_stands_in_brackets(slope, text, latex):
    y = ag.Value(2.0, label="x") * slope
    [step] = backward_steps(y)
    assert f" = {text} * 1 = {text.strip('()')}" in str(step)
    assert f" = {latex} \\cdot 1 = " in step.latex


def test_what_strict_zero_stops_is_shown_as_zero():
    x = ag.Value(0.0, label="x")
    steps = backward_steps(0 * ag.sqrt(x))
    assert steps[-1].local_grads == (math.inf,)
    assert steps[-1].products == (0.0,)


def test_fractions_stay_exact():
    x = ag.Value(Fraction(1, 3), label="x")
    [step] = backward_steps(x * x)
    assert step.after == (Fraction(1, 3), Fraction(2, 3))


def test_seed():
    x = ag.Value(3.0)
    assert backward_steps(x * x, seed=10.0)[0].products == (30.0, 30.0)


@pytest.mark.parametrize("steps", [forward_steps, backward_steps])
def test_stale(steps):
    x = ag.Value(3.0)
    y = x * x
    x.data = 4.0
    with pytest.raises(ag.StaleGraphError, match=r"recorded 9\.0, but its operands now give 16\.0"):
        steps(y)


def test_second_order_graph_can_be_stepped():
    x = ag.Value(0.5, label="x")
    [slope] = ag.grad_of(ag.sin(x) ** 2, [x], create_graph=True)
    ends = {}
    for s in backward_steps(slope):
        for p, after in zip(s.node.parents, s.after, strict=True):
            ends[p] = after
    assert ends[x] == pytest.approx(2 * math.cos(1.0), rel=1e-14)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6))
def test_products_sum_to_the_gradient(xs):
    leaves = [ag.Value(x) for x in xs]
    y = ag.dot(leaves, leaves[::-1]) * ag.tanh(ag.sum(leaves))
    y.backward()
    totals = dict.fromkeys(leaves, 0.0)
    for s in backward_steps(y):
        for p, product in zip(s.node.parents, s.products, strict=True):
            if p in totals:
                totals[p] += product
    for v in leaves:
        assert totals[v] == v.grad


def test_latex_of_a_deep_chain_does_not_recurse():
    x = y = ag.Value(1.0)
    for _ in range(5000):
        y = y + x
    assert len(backward_steps(y)) == 5000
    assert forward_steps(y)[-1].formula.endswith("= 5001")


@pytest.mark.parametrize("seed", ["x", None, ag.Value(3.0)])
def test_a_seed_is_a_number(seed):
    with pytest.raises(ag.OperandError, match="backward_steps: seed: expected a real number"):
        ag.backward_steps(ag.Value(2.0) * 3, seed=seed)
