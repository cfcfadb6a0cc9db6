"""Slopes of many points at once against those of single ones."""

import math

import pytest

from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.number_systems import complex_step

np = pytest.importorskip("numpy")
from autograd_core._src.number_systems.complex_arrays import Steps, slopes  # noqa: E402

POINTS = (0.3, 0.8, 1.7, -0.4, -2.3, 0.05)
REFUSED = {"erf", "erfc", "normal_cdf", "gelu", "lgamma", "digamma", "atan2", "zeta"}


@pytest.mark.parametrize("name", sorted({name for name, primitive in PRIMITIVES.items() if not primitive.inner} - REFUSED))
def test_every_rule_has_the_slopes_that_it_has_at_single_points(name):
    primitive = PRIMITIVES[name]
    count = primitive.arity or 3
    inside = [x for x in POINTS if all(low < x * (1 + k / 8) < high for low, high in primitive.domain for k in range(count))]
    points = []
    for x in inside:
        xs = [x * (1 + k / 8) for k in range(count)]
        try:
            single = [complex_step.slope(primitive.value, xs, [float(k == i) for k in range(count)]) for i in range(count)]
        except (ArithmeticError, ValueError):
            continue
        if all(math.isfinite(number) for pair in single for number in pair):
            points.append((xs, single))
    assert points
    for i in range(count):
        columns = [np.array([xs[k] for xs, _ in points]) for k in range(count)]
        with np.errstate(all="ignore"):
            at, by = slopes(primitive.value, columns, i)
        assert at == pytest.approx([single[i][0] for _, single in points], rel=1e-13, abs=1e-15)
        assert by == pytest.approx([single[i][1] for _, single in points], rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("name", sorted(REFUSED - {"zeta"}))
def test_what_complex_numbers_do_not_tell_is_refused(name):
    primitive = PRIMITIVES[name]
    with pytest.raises(NotImplementedError):
        slopes(primitive.value, [np.array([0.7, 0.8])] * primitive.arity, 0)


@pytest.mark.parametrize(
    "tied", [lambda x: abs(x), lambda x: x < 0, lambda x: x >= 0, lambda x: x == 0, lambda x: x**0.5]
)
def test_what_may_be_a_kink_at_one_point_is_refused(tied):
    with pytest.raises(complex_step.NoStepError):
        tied(Steps(np.array([1.0, 0.0]), np.array([1.0, 1.0])))


TIES = (0.0, 1.0, -1.0, 0.5)


@pytest.mark.parametrize("name", sorted({name for name, primitive in PRIMITIVES.items() if not primitive.inner} - REFUSED))
def test_where_a_rule_compares_what_moves_the_answer_is_that_of_single_points(name):
    """Operands at 0 and operands that are one: a careful form that asks which is larger has a plain one beside it."""
    primitive = PRIMITIVES[name]
    count = primitive.arity or 3
    for x in TIES:
        xs = [x] * count
        for i in range(count):
            try:
                at, by = complex_step.slope(primitive.value, xs, [float(k == i) for k in range(count)])
            except (ArithmeticError, ValueError):
                continue
            if not (math.isfinite(at) and math.isfinite(by)):
                continue
            try:
                with np.errstate(all="ignore"):
                    many = slopes(primitive.value, [np.array([x, x])] * count, i)
            except complex_step.NoStepError:  # refused, as nothing is told of either side of a choice
                continue
            assert many[0] == pytest.approx([at, at], rel=1e-13, abs=1e-15), (x, i)
            assert many[1] == pytest.approx([by, by], rel=1e-12, abs=1e-14), (x, i)


def test_arrays_beside_it_are_numbers_at_its_points():
    array, x = np.array([2.0, 3.0]), Steps(np.array([1.0, 5.0]), np.array([1.0, 2.0]))
    for found, at, by in [
        (array * x, [2, 15], [2, 6]),
        (array - x, [1, -2], [-1, -2]),
        (array / x, [2, 0.6], [-2, -0.24]),
        (x - array, [-1, 2], [1, 2]),
    ]:
        assert found.at == pytest.approx(at)
        assert found.by == pytest.approx(by)
