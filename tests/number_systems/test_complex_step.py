"""Slopes by the complex step against the partials of the rules, in 50 digits."""

import math

import pytest

from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.number_systems.complex_step import COMPLEX_STEP, NoStepError, Stepped, slope
from autograd_core._src.number_systems.high_precision import HighPrecision

POINTS = (0.3, 0.8, 1.7, -0.4, -2.3)
M = HighPrecision(50)
REFUSED = {"erf", "erfc", "normal_cdf", "gelu", "lgamma", "digamma", "atan2", "zeta"}


def inside(primitive, x):
    return all(low < x < high for low, high in primitive.domain)


@pytest.mark.parametrize("name", sorted({name for name, primitive in PRIMITIVES.items() if not primitive.inner} - REFUSED))
def test_the_slope_of_every_rule(name):
    primitive = PRIMITIVES[name]
    count = primitive.arity or 4
    for start in POINTS:
        xs = [start * (1 + k / 8) for k in range(count)]
        if not all(map(inside, [primitive] * count, xs)) or not math.isfinite(float(primitive.value(M, *map(M.number, xs)))):
            continue
        ys = [M.number(x) for x in xs]
        partials = primitive.partials(M, *ys, primitive.value(M, *ys))
        for i, exact in enumerate(partials):
            at, found = slope(primitive.value, xs, [float(k == i) for k in range(count)])
            assert at == pytest.approx(float(primitive.value(M, *ys)), rel=1e-14)
            assert found == pytest.approx(float(exact), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", sorted(REFUSED - {"zeta"}))
def test_what_complex_numbers_do_not_tell_is_refused(name):
    primitive = PRIMITIVES[name]
    with pytest.raises(NoStepError):
        slope(primitive.value, [0.7] * primitive.arity, [1.0] * primitive.arity)


@pytest.mark.parametrize("tied", [lambda x: abs(x), lambda x: x < 0, lambda x: x >= 0, lambda x: x == 0, lambda x: x**0.5])
def test_what_may_be_a_kink_is_refused(tied):
    with pytest.raises(NoStepError):
        tied(Stepped(0.0, 1.0))


def test_a_number_does_not_tie_with_itself():
    x = Stepped(1.0, 1.0)
    assert x <= x
    assert COMPLEX_STEP.max([x, 0.5]) is x
