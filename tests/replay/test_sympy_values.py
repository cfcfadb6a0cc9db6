"""Exported SymPy expressions at special values: what the compiled function gives, never complex."""

import math

import pytest

import autograd_core as ag
from autograd_core import replay
from autograd_core.ops import ROWS
from autograd_core.value import record

sympy = pytest.importorskip("sympy")
GRID = (-8.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 8.0)
UNARY = [name for name, row in ROWS.items() if row.arity == 1]
BY_POWER = ("add", "sub", "mul", "pow", "atan2", "hypot", "maximum", "minimum", "lt", "eq")


def same(symbolic, number):
    """Equal within rounding; SymPy's infinity without a sign stands for either, and NaN for itself."""
    found = sympy.sympify(symbolic)
    assert found.is_real is not False or found in (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo), found
    if found is sympy.zoo:
        return not math.isfinite(number)
    found = float(found)
    return (math.isnan(found) and math.isnan(number)) or found == pytest.approx(number, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", UNARY)
def test_unary_values(name):
    f = replay.compile(lambda x: record(ROWS[name], x), 0.5)
    [x], value, _ = f.to_sympy()
    for at in GRID:
        assert same(value.subs(x, sympy.Rational(at)), f(at)), at


@pytest.mark.parametrize("name", BY_POWER)
def test_binary_values(name):
    f = replay.compile(lambda x, y: record(ROWS[name], x, y), 0.5, 0.25)
    (x, y), value, _ = f.to_sympy()
    for a in GRID:
        for b in GRID:
            assert same(value.subs({x: sympy.Rational(a), y: sympy.Rational(b)}), f(a, b)), (a, b)


@pytest.mark.parametrize("name", ["sqrt", "log", "log2", "log10", "log1p", "asin", "acos", "acosh", "atanh"])
def test_outside_of_the_domain_a_value_is_a_real_nan(name):
    f = replay.compile(getattr(ag, name), 1.5 if name == "acosh" else 0.5)
    [x], value, [slope] = f.to_sympy()
    at = sympy.Rational(0.5 if name == "acosh" else -2)
    assert complex(value.subs(x, at)).imag == 0
    assert math.isnan(complex(value.subs(x, at)).real)
    assert slope.subs(x, at).is_real is not False
    assert math.isnan(sympy.lambdify([x], value, "mpmath")(float(at)))
    assert math.isnan(float((value.subs(x, at) + 1) * 2))


@pytest.mark.parametrize("power", [0.0, 1 / 3, 0.5, 2.0, 3.0, -1.0, -2.0, -0.5])
def test_constant_powers(power):
    f = replay.compile(lambda x: x**power, 0.5)
    [x], value, _ = f.to_sympy()
    for at in GRID:
        assert same(value.subs(x, sympy.Rational(at)), f(at)), at


@pytest.mark.parametrize("c", [6.62607015e-34, math.pi, 0.1, 1e300, 5e-324, 2.0**-960, 1 / 3, 123456789.123])
def test_constants_are_the_doubles(c):
    f = replay.compile(lambda x: x * c, 1.0)
    [x], value, [slope] = f.to_sympy()
    assert float(slope) == c
    assert float(value.subs(x, 1)) == c
    assert sympy.lambdify([x], value)(1.0) == c


def test_a_root_of_what_is_never_negative_has_no_choice():
    value = replay.compile(lambda x: ag.sqrt(x * x + 1), 1.0).to_sympy().value
    assert not value.has(sympy.Piecewise)
