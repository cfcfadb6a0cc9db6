"""The 50-digit reference agrees with closed formulas, and finds planted faults."""

import math
import sys

import mpmath
import pytest

import autograd_core as ag
from autograd_core._src.engine import ops
from autograd_core.testing import error_in_ulps, reference


def test_closed_formula():
    x = ag.Value(0.7)
    y = ag.exp(ag.sin(x)) / x
    ref = reference(y)
    with mpmath.workdps(50):
        t = mpmath.mpf(0.7)
        exact = mpmath.exp(mpmath.sin(t)) * (mpmath.cos(t) / t - 1 / t**2)
        assert abs(ref.gradients[x] - exact) < mpmath.mpf(10) ** -45
        assert abs(ref.value - mpmath.exp(mpmath.sin(t)) / t) < mpmath.mpf(10) ** -45
    y.backward()
    assert error_in_ulps(x.grad, ref.gradients[x]) < 4
    assert error_in_ulps(y.data, ref.values[y]) < 3


def test_a_wrong_partial_is_not_confirmed_by_itself():
    broken = ops.Primitive("sin", ops.PRIMITIVES["sin"].value, lambda m, x, z: (m.cos(x) * (1 + 1e-12),))
    x = ag.Value(0.7)
    y = ag.sin(x)
    y._primitive = broken
    [right] = (g for node, g in reference(ag.sin(x)).gradients.items() if node is x)
    [found] = (g for node, g in reference(y).gradients.items() if node is x)
    assert abs(found - right) < 1e-40
    assert error_in_ulps(math.cos(0.7) * (1 + 1e-12), right) > 1000


def test_more_digits_where_50_are_not_enough():
    x = ag.Value(1.0)
    assert reference(1e60 + x - 1e60).value == 1
    y = ag.Value(3.0)
    assert reference((1e200 + y) * (1e200 - y) - 1e200 * 1e200 + y, digits=30).gradients[y] == -5
    assert reference(1e300 * y + y - 1e300 * y).gradients[y] == 1
    assert reference(1e90 + x - 1e90).value == 1


def test_a_value_that_no_precision_settles_is_the_last_one(monkeypatch):
    from autograd_core.testing import reference as module

    monkeypatch.setattr(sys.modules["autograd_core._src.testing.proofs.reference"], "agrees", lambda a, b: False)
    x = ag.Value(0.7)
    assert module(ag.sin(x)).value.context.dps >= 1000


def test_strict_zero_and_fractions():
    from fractions import Fraction

    x = ag.Value(0.0)
    assert reference(0 * ag.sqrt(x)).gradients[x] == 0
    z = ag.Value(Fraction(1, 3))
    ref = reference(z * z)
    assert abs(ref.gradients[z] - mpmath.mpf(2) / 3) < 1e-15


def test_deep():
    x = y = ag.Value(1.0)
    for _ in range(3000):
        y = y + x
    assert reference(y).gradients[x] == 3001


@pytest.mark.parametrize(
    ("found", "exact", "ulps"),
    [(1.0, 1, 0.0), (math.inf, mpmath.inf, 0.0), (math.nan, mpmath.nan, 0.0), (math.inf, 1, math.inf), (1.0, mpmath.inf, math.inf),
     (math.nan, 1, math.inf), (5e-324, 0, 1.0), (0.1, mpmath.mpf("0.1"), 0.0)],
)
def test_error_in_ulps(found, exact, ulps):
    assert error_in_ulps(found, exact) == ulps


def test_missing_mpmath(monkeypatch):
    monkeypatch.setitem(sys.modules, "autograd_core._src.number_systems.high_precision", None)
    with pytest.raises(ag.MissingExtraError, match=r"autograd-core\[check\]"):
        reference(ag.Value(1.0) + 1)
