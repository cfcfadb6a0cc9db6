"""Chains and sums of products become one instruction, with the same rounding."""

import itertools
import math
from itertools import pairwise

import pytest

import autograd_core as ag
from autograd_core._src.compiler.tracing.lower import LONGEST_DOT, program_of
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.recording import record

pytest.importorskip("numpy")


def names(f, n):
    x = [ag.Value(0.1 * k + 0.3) for k in range(n)]
    program = program_of([f(x)], x)
    return [program.primitives[code].name for code in program.codes]


@pytest.mark.parametrize("part", range(6))
@pytest.mark.parametrize("terms", [lambda x: x, lambda x: [a * b for a, b in zip(x, x[::-1], strict=True)]], ids=["terms", "products"])
def test_a_part_of_a_chain_that_is_a_result_stays_one(terms, part):
    """Be it the first of the program, and whether results or the chain come first."""
    x = [1.5, -2.0, 0.25, 3.0, 5.0, -0.75]

    def f(x):
        parts = list(itertools.accumulate(terms(x)))
        return [parts[part], parts[-1]]

    for g in (f, lambda x: f(x)[::-1]):
        assert list(ag.compile(g, x)(x)) == g(x)


def test_a_chain_and_a_sum_of_products_are_the_same_dot():
    chain = lambda x: x[0] * x[1] + x[2] * x[3] + x[4] * x[5]
    whole = lambda x: ag.sum([x[0] * x[1], x[2] * x[3], x[4] * x[5]])
    assert names(chain, 6) == names(whole, 6) == ["dot"]


def test_a_sum_of_few_products_stays_a_sum():
    assert names(lambda x: ag.sum([x[0] * x[1], x[2], x[3]]), 4) == ["mul", "sum"]
    assert names(lambda x: ag.sum([x[0] * x[1], x[2] * x[3]]), 4) == ["mul", "mul", "sum"]  # of two
    many = names(lambda x: ag.sum([a * b for a, b in pairwise(x)]), LONGEST_DOT + 2)
    assert many == ["mul"] * (LONGEST_DOT + 1) + ["sum"]
    assert names(lambda x: ag.sum([a * b for a, b in pairwise(x)]), LONGEST_DOT + 1) == ["dot"]
    halves = names(lambda x: ag.sum([x[0] * x[1], x[2] * x[3], x[4], x[5]]), 6)
    assert halves == ["mul", "mul", "sum"]


def test_a_product_that_others_read_is_kept():
    def f(x):
        shared = x[0] * x[1]
        return ag.sum([shared, x[2] * x[3], x[4] * x[5]]) * shared

    assert sorted(names(f, 6)) == ["dot", "mul", "mul"]


def test_a_sum_as_a_dot_rounds_as_it_did():
    f = lambda x: ag.sum([x[0] * x[1], x[2] * x[3], x[4], x[0] * x[5]])
    for scale in (1.0, 1e16, 1e-300, math.inf):
        xs = [0.1 * scale, 0.7, -0.3 * scale, 0.9, 1e-3, 3.3]
        expected = f([ag.Value(x) for x in xs]).data
        found = ag.compile(f, [1.0] * 6)(xs)
        assert found == expected or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("c", [2.0, -0.5, 1e300, 5e-324, 0.0, -0.0, 1.0, math.inf, -math.inf, math.nan])
def test_a_strict_product_by_a_plain_number_is_an_ordinary_one(c, at):
    """By 0 it is 0, and by 1 the other; only infinity and NaN need the rule, since 0 wins over them."""

    def f(x):
        return record(PRIMITIVES["path_product"], *((c, x[0] * x[1]) if at else (x[0] * x[1], c)))

    if c in (0.0, 1.0):
        assert names(f, 2) == ["mul"]
    else:
        assert names(f, 2) == ["mul", "mul" if math.isfinite(c) else "path_product"]
    g = ag.compile(f, [1.0, 1.0])
    for xs in ([3.0, 0.5], [math.inf, 1.0], [0.0, 1.0]):
        y = xs[0] * xs[1]
        assert g(xs) == (0.0 if 0.0 in (c, y) else c * y) or math.isnan(c)


OPERATIONS = (
    lambda x, c: x + c, lambda x, c: c + x, lambda x, c: x - c, lambda x, c: c - x, lambda x, c: x * c, lambda x, c: c * x,
    lambda x, c: x / c, lambda x, c: c / x, lambda x, c: x**c, lambda x, c: c**x,
)  # fmt: skip


@pytest.mark.parametrize("c", [0.0, -0.0, 1.0, -1.0, 2.0, 3.0, 0.5])
def test_what_a_plain_number_makes_simpler_is_the_same_number(c):
    """Values, with the signs of zeros, and derivatives, at infinity and NaN too."""

    def f(x):
        return [operation(x, c) for operation in OPERATIONS]

    g = ag.compile(f, 1.0)
    for x in (0.0, -0.0, 1.5, -2.0, 1.0, math.inf, -math.inf, math.nan):
        at = ag.Value(x)
        values, slopes = g(x), g.jacobian(x)[0]
        for k, y in enumerate(f(at)):
            assert values[k] == pytest.approx(y.data, rel=1e-15, nan_ok=True), (k, x)
            assert values[k] != 0 or math.copysign(1.0, values[k]) == math.copysign(1.0, y.data), (k, x)
            assert slopes[k] == pytest.approx(*ag.grad_of(y, [at]), rel=1e-15, nan_ok=True), (k, x)
