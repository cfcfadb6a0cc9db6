"""Gradients as graphs are what a person would draw: short, and right at the ends of the range all the same."""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.transforms import recorded

SIZES = {
    "x / y": (lambda x, y: x / y, (2.0, 3.0), (4, 8)),
    "tanh": (ag.tanh, (0.5,), (6,)),
    "sigmoid": (ag.sigmoid, (0.5,), (6,)),
    "silu": (ag.silu, (0.5,), (14,)),
    "x ** y": (lambda x, y: x**y, (2.0, 3.0), (14, 8)),
    "hypot": (ag.hypot, (2.0, 3.0), (10, 10)),
    "norm": (lambda *v: ag.norm(v), (2.0, 3.0, 2.5), (9, 9, 9)),
    "norm, of which one is most": (lambda *v: ag.norm(v), (2.0, 100.0, 2.5), (9, 9, 9)),
    "atan2": (ag.atan2, (2.0, 3.0), (10, 10)),
    "log": (ag.log, (2.0,), (3,)),
    "log(1 + x²)": (lambda x: ag.log(1 + x * x), (2.0,), (9,)),
}


def gradient_graphs(f, xs):
    values = [Value(x) for x in xs]
    return ag.grad_of(f(*values), values, create_graph=True)


def size(root):
    return len(list(ag.topological_order(root)))


@pytest.mark.parametrize("name", SIZES)
def test_a_gradient_graph_is_as_short_as_on_paper(name):
    f, xs, most = SIZES[name]
    assert all(size(g) <= n for g, n in zip(gradient_graphs(f, xs), most, strict=True))


def test_the_derivative_of_a_quotient_is_written_as_in_books():
    _, slope = gradient_graphs(lambda x, y: x / y, (2.0, 3.0))
    assert slope.op == "neg"
    assert [p.op for p in slope.parents[0].parents] == ["div", ""]


def test_what_the_forward_pass_has_is_not_recorded_again():
    """The third derivative of sin is made of what the first two have: the graph has one sine and one cosine."""
    x = Value(0.7)
    slope = y = ag.sin(x)
    for _ in range(3):
        [slope] = ag.grad_of(slope, [x], create_graph=True)
    ops = [node.op for node in ag.topological_order(slope)]
    assert ops.count("cos") == 1
    assert ops.count("sin") <= 1
    assert slope.data == -math.cos(0.7)
    assert y.parents == (x,)


def test_nodes_are_equal_by_rule_and_operands():
    """Numbers among the operands by their value, zeros by their sign, Fractions apart from floats."""
    x, y = Value(2.0), Value(2.0)
    made = [x * 3.0, x * 3.0, y * 3.0, x + 3.0, x * 0.0, x * -0.0, x * math.nan, x * math.nan, ag.sin(x), ag.sin(x)]
    kept = recorded._merged(made, [])
    places = {id(node): i for i, node in enumerate(made)}
    assert [places[id(node)] for node in kept] == [0, 0, 2, 3, 4, 5, 6, 6, 8, 8]
    exact, half = Value(Fraction(1, 2)), Fraction(1, 2)
    made = [exact * half, exact * half]
    assert recorded._merged(made, [])[1] is made[0]


def test_nodes_that_were_there_stay_as_they_are():
    x = Value(2.0)
    first, second = ag.sin(x), ag.sin(x)
    y = first * second
    ag.grad_of(y, [x], create_graph=True)
    assert y.parents == (first, second)
    assert y.parents[0] is not y.parents[1]


def test_one_product_is_recorded_once():
    [slope] = gradient_graphs(lambda x: ag.exp(x * x), (0.5,))
    assert slope.op == "add"
    assert slope.parents[0] is slope.parents[1]


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "log(1 + x²)", "x / y"])
def test_orders_grow_by_what_is_distinct(name):
    """Each order about doubles what is distinct; with each rule written out afresh it would be three to five times."""
    f, xs, _ = SIZES[name]
    slope = f(*(values := [Value(x) for x in xs]))
    sizes = []
    for _ in range(5):
        [slope] = ag.grad_of(slope, values[-1:], create_graph=True)
        sizes.append(size(slope))
    assert all(b <= 2.6 * a for a, b in itertools.pairwise(sizes[2:])), sizes


@pytest.mark.parametrize("k", [-1060, -1070, -1073])
def test_a_guard_of_the_arithmetic_looks_at_the_data(k):
    """x / y is subnormal, and rounded, where -x / y² is neither: the longer text of it keeps the digits."""
    x, y = 5 * 2.0**k, 3 * 2.0**-30
    slope = gradient_graphs(lambda x, y: x / y, (x, y))[1]
    exact = -Fraction(x) / Fraction(y) ** 2
    assert abs(Fraction(slope.data) - exact) <= 4 * Fraction(math.ulp(float(exact)))
    [curvature] = ag.grad_of(slope, [next(iter(ag.topological_order(slope)))], create_graph=True)
    assert math.isfinite(curvature.data)


def test_in_a_program_for_other_data_the_choice_stays():
    x = 3.0
    f = ag.compile(ag.grad(lambda x, y: x / y, argnums=1), 2.0, x)
    tiny = 2.0**-1060
    y = 2.0**-20
    assert float(f(tiny, y)) == -math.ldexp(1.0, -1020)
    small = 3 * 2.0**-1070
    jacobian = np.ravel(ag.compile(lambda v: [v[0] / v[1]], [2.0, 3.0]).jacobian([small, 2.0**-20])[0])
    assert jacobian[1] == -math.ldexp(3.0, -1030)


@pytest.mark.parametrize("x", [0.0, -0.0])
def test_a_domain_is_reached_from_within(x):
    [slope] = gradient_graphs(ag.log, (x,))
    assert slope.data == math.inf


LENGTHS = (
    (100.0, 1.0, 2.0), (1.0, -300.0, 2.0), (1e8, 1.0, -2.0, 3.0), (3.0, 4.0, 5.0), (-7.0,), (1.0, 1e-9, -3e-9),
    (1e-160, 1e-162, 2e-162), (1e160, 1e155, -1e155), (0.0, 0.0, 3.0), (0.7, 0.7, 0.01), (2.0, *[0.01] * 40),
)  # fmt: skip


def mixed_slopes_of_a_length(v, i, j, k):
    """The second derivative of |v| to i and j, and the third to k as well, from their formulas in 60 digits."""
    with mpmath.workdps(60):
        x = [mpmath.mpf(a) for a in v]
        z = mpmath.sqrt(mpmath.fsum(a * a for a in x))
        u = [a / z for a in x]
        rest = mpmath.fsum(u[m] ** 2 for m in range(len(v)) if m != i)
        second = rest / z if i == j else -u[i] * u[j] / z
        # of (δij - ui uj) / z, where (uj)' to k is (δjk - uj uk) / z
        third = (3 * u[i] * u[j] * u[k] - (i == j) * u[k] - (j == k) * u[i] - (i == k) * u[j]) / z**2
        return second, third


@pytest.mark.parametrize("v", LENGTHS, ids=lambda v: f"{v[:3]}")
def test_a_length_keeps_its_digits_in_second_and_third_derivatives(v):
    """Where one entry is most of it, x, the others must not be lost beside x² in 1 / z - x² / z³."""
    n, some = len(v), range(min(len(v), 4))
    compiled = ag.compile(lambda xs: ag.norm(xs), list(v))
    eager = ag.hessian(lambda xs: ag.norm(xs))(list(v))
    [[whole]] = compiled.hessian(list(v))
    [[[batch]]] = [ag.compile(lambda xs: ag.norm(xs), list(v), in_axes=0).hessian([list(v)] * 3)]
    for i, j in itertools.product(some, repeat=2):
        exact = float(mixed_slopes_of_a_length(v, i, j, 0)[0])
        unit = math.ulp(exact) * (4 + n / 2)
        assert abs(eager[i][j] - exact) <= unit, (i, j)
        assert abs(whole[i][j] - exact) <= unit, (i, j)
        assert all(abs(row[i][j] - exact) <= unit for row in batch), (i, j)
    if n > 4 or not 1e-100 < max(map(abs, v)) < 1e100:
        return
    third = ag.jacobian(lambda xs: [x for row in ag.hessian(ag.norm)(xs) for x in row])(list(v))
    for i, j, k in itertools.product(some, repeat=3):
        exact = float(mixed_slopes_of_a_length(v, i, j, k)[1])
        assert abs(third[n * i + j][k] - exact) <= 40 * math.ulp(exact), (i, j, k)  # 3 u² - 1 may cancel
