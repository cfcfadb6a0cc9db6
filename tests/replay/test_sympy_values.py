"""Exported SymPy expressions at special values: what the compiled function gives, never complex."""

import itertools
import math

import pytest

import autograd_core as ag
from autograd_core import replay
from autograd_core.ops import ROWS
from autograd_core.value import record, record_many

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


# --- gradients at kinks, ends and boundaries --------------------------------------------------------

OPERANDS = {None: 3, 1: 1, 2: 2, 3: 3}
INSIDE = {"acosh": (1.5,)}
SKIPPED = {
    "zeta": "SymPy knows it beside its domain as well", "dot": "its operands are four: below",
    **dict.fromkeys(
        ("logaddexp", "logsumexp", "logsumexp_less", "softmax", "log_softmax"),
        "SymPy orders the choices of its exact differences for minutes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in ROWS if name not in SKIPPED])
def test_gradients_at_kinks_and_boundaries(name):
    row = ROWS[name]
    n = OPERANDS[row.arity]
    f = replay.compile(lambda *v: record_many(row, list(v)), *INSIDE.get(name, (0.5, 0.25, 0.75)[:n]))
    symbols, _, slopes = f.to_sympy()
    for point in itertools.product((-1.0, 0.0, 1.0) if n < 3 else (0.0, 1.0), repeat=n):
        if name == "div" and point[1] == 0:
            continue  # SymPy puts in one number after the other, and 0 / y is 0
        _, expected = f.value_and_grad(*point)
        at = dict(zip(symbols, map(sympy.Rational, point), strict=True))
        for slope, number in zip(slopes, expected, strict=True):
            assert same(sympy.sympify(slope).subs(at), float(number)), (point, slope, number)


PROGRAMS = {
    "where": lambda x, y: ag.where(x > 0, ag.sqrt(x), y * y),
    "a guarded root": lambda x, y: ag.where(x > 0, ag.sqrt(x) * y, 0.0),
    "clip of a product": lambda x, y: ag.clip(x * y, 0.0, 1.0),
    "max of two": lambda x, y: ag.max([x, x * y]) * 2,
    "a power of a power": lambda x, y: (x * x) ** (y * y),
    "a power times its exponent": lambda x, y: y * x**y,
    "a root times 0": lambda x, y: (x - x * y) * ag.sqrt(x) + ag.log(x * x) * y,
    "norm and dot": lambda x, y: ag.norm([x, y]) + ag.dot([x, y], [y, x]),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_of_programs_at_kinks_and_boundaries(name):
    f = replay.compile(PROGRAMS[name], 0.5, 0.25)
    symbols, value, slopes = f.to_sympy()
    for point in itertools.product((-1.0, 0.0, 1.0), repeat=2):
        number, expected = f.value_and_grad(*point)
        at = dict(zip(symbols, map(sympy.Rational, point), strict=True))
        for symbolic, found in zip((value, *slopes), (number, *expected), strict=True):
            assert same(sympy.sympify(symbolic).subs(at), float(found)), (point, symbolic, found)


def test_decimals_are_written_as_decimals_and_fractions_as_fractions():
    found = {c: ag.compile(lambda x, c=c: x * c, 3.0).to_sympy().value for c in (0.1, 0.375, 1e300, 2.0**80)}
    assert [str(z).count("/") for z in found.values()] == [0, 1, 0, 0]
    assert found[0.1].atoms(sympy.Float)
    assert found[1e300].atoms(sympy.Float)
    assert not found[0.375].atoms(sympy.Float)
    assert not found[2.0**80].atoms(sympy.Float)
