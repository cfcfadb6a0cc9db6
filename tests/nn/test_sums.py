"""Reports of numbers that overflow, or are infinite, say so; none of them raises what `math.fsum` raises."""

import itertools
import math
from pathlib import Path

import pytest

import autograd_core as ag
import nn
from autograd_core._src.number_systems.complex_step import COMPLEX_STEP, Stepped
from autograd_core._src.sums import exact_sum

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


def test_a_complex_step_of_sums_is_infinite_where_they_overflow():
    found = COMPLEX_STEP.sum([Stepped(1e308, 1e308), Stepped(1e308, 1e308), 1.0])
    assert (found.at, found.by) == (math.inf, math.inf)
    assert math.isnan(COMPLEX_STEP.sum([math.inf, -math.inf]))


def test_sums_are_rounded_by_one_function():
    """`math.fsum` raises where a sum overflows, so nobody else calls it but scalers, whose `fit` says so."""
    root = Path(ag.__file__).parent.parent
    callers = {
        path.relative_to(root).as_posix()
        for name in ("autograd_core", "nn")
        for path in (root / name).rglob("*.py")
        if "math.fsum(" in path.read_text(encoding="utf-8")
    }
    assert callers == {"autograd_core/_src/sums.py", "nn/_src/data/scaling.py"}


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e-160, 1e-100, 1.0, 1e100, 1e150])
def test_a_standard_scaler_scales_columns_of_any_size(scale):
    scaled = nn.StandardScaler().fit_transform([[-scale], [scale]])
    assert scaled == [[-1.0], [1.0]]
