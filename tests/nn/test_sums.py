"""Reports of numbers that overflow, or are infinite, say so; none of them raises what `math.fsum` raises."""

import itertools
import math

import pytest

import autograd_core as ag
import nn
from nn._src.support.sums import exact_sum

EXTREMES = [1.7e308, -1.7e308, math.inf, -math.inf, math.nan, 5e-324, 0.5]
each = pytest.mark.parametrize("x", EXTREMES)


@each
def test_a_sum_is_rounded_once_or_is_that_of_doubles(x):
    for numbers in itertools.product([x], EXTREMES, EXTREMES):
        found = exact_sum(iter(numbers))
        if math.isfinite(found):
            assert found == math.fsum(numbers)
        else:
            assert found == pytest.approx(sum(numbers), nan_ok=True)


@each
def test_a_derivation_has_the_value_of_the_graph(x):
    for y in EXTREMES:
        a, b = ag.Value(1.0, label="a"), ag.Value(0.25, label="b")
        u, v = a * x, a * y
        u.label, v.label = "u", "v"
        for root, sums in itertools.product((u + v, (u + v) * b, u * b + v), (False, True)):
            found = nn.derivation(root, a, sums=sums)
            assert found.value == pytest.approx(ag.grad_of(root, [a])[0], rel=1e-15, nan_ok=True)
            assert str(found)


@each
@pytest.mark.parametrize("activation", ["linear", "relu", "tanh"])
def test_units_of_any_size_can_be_diagnosed(activation, x):
    for y in EXTREMES:
        model = nn.MLP(2, [2, 1], activation, seed=1)
        for unit, bias in zip(model.layers[0].neurons, (x, y), strict=True):
            unit.b.data = bias
        assert str(nn.diagnose(model, [[0.5, 1.0], [1.0, 0.5]], [0.0, 1.0], loss=nn.mse))


@each
def test_error_signals_of_any_size_are_written(x):
    for y in EXTREMES:
        model = nn.MLP(2, [2, 1], "linear", seed=1)
        for p, number in zip(model.layers[1].neurons[0].w, (x, y), strict=True):
            p.data = number
        found = nn.error_signals(model, [0.5, 1.0], 1.0, loss=nn.sse)
        for lines in (found, found.formulas, found.matrix_formulas, found.run.formulas):
            assert str(lines)
