"""Doubles that never raise, 50 digits, SymPy; and a user's primitive in each of them."""

import itertools
import math
import operator
from fractions import Fraction

import numpy as np
import pytest
import sympy

import autograd_core as ag
from autograd_core._src.engine.ops import USER_PRIMITIVES
from autograd_core._src.number_systems.base import NumberSystem
from autograd_core._src.number_systems.floats import FLOATS, PLAIN_FLOATS, Double, cbrt, divide
from autograd_core._src.number_systems.high_precision import HighPrecision
from autograd_core._src.number_systems.symbolic import SYMBOLIC

FIFTY = HighPrecision()


def test_reductions_of_the_base():
    m = NumberSystem()
    assert m.sum([]) == 0
    assert m.sum([1.0, 2.0]) == 3
    assert m.prod([]) == 1
    assert m.prod([2.0, 3.0]) == 6
    assert m.dot([1.0, 2.0], [3.0, 4.0]) == 11
    assert (m.max([1.0, 3.0, 2.0]), m.min([2.0, 1.0, 3.0])) == (3, 1)
    assert math.isnan(m.max([1.0, math.nan]))
    assert math.isnan(m.min([math.nan, 1.0]))
    assert m.where(1 < 2, 1, 2) == 1
    assert not m.equal(math.nan, math.nan)


# --- doubles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv"])
def test_arithmetic_of_doubles(name):
    edges = (0.0, -0.0, 1.5, -2.0, 1e308, math.inf, -math.inf, math.nan)
    plain = {"truediv": divide}.get(name, getattr(operator, name))
    for x, y in itertools.product(edges, edges):
        expected = plain(x, y)
        for found in (getattr(operator, name)(Double(x), y), getattr(operator, name)(x, Double(y))):
            assert type(found) is Double
            assert repr(float(found)) == repr(expected)
    assert -Double(2.0) == -2
    assert type(-Double(2.0)) is Double
    assert +Double(2.0) == 2


def test_division():
    assert divide(1.0, 0.0) == math.inf
    assert divide(-1.0, 0.0) == -math.inf
    assert divide(1.0, -0.0) == -math.inf
    assert math.isnan(divide(0.0, 0.0))
    assert math.isnan(divide(math.nan, 0.0))


def test_cube_roots():
    for x in (27.0, -27.0, 2.0**-1074, 2.0**1023, 1e-320, 0.0, math.inf):
        assert abs(cbrt(x) - math.cbrt(x)) <= 4 * math.ulp(cbrt(x)) if math.isfinite(x) else cbrt(x) == x
    assert math.copysign(1, cbrt(-0.0)) == -1
    assert math.isnan(cbrt(math.nan))
    assert [cbrt(float(k**3)) for k in range(-200, 200)] == [float(k) for k in range(-200, 200)]


def test_far_out():
    assert FLOATS.gaussian(1e200) == 0
    assert FLOATS.normal_pdf(-1e200) == 0
    assert FLOATS.normal_cdf(-1e200) == 0
    assert FLOATS.normal_cdf(1e200) == 1
    assert FLOATS.norm([3.0, 4.0]) == PLAIN_FLOATS.norm([3.0, 4.0]) == 5
    assert type(PLAIN_FLOATS.number(3)) is float
    assert type(FLOATS.number(3)) is Double


# --- fifty digits ---------------------------------------------------------------------------------


def test_fifty_digits_are_one_system_for_each_precision():
    assert HighPrecision(50) is FIFTY
    assert HighPrecision(80) is not FIFTY
    assert HighPrecision(80).context.dps == 80
    assert FIFTY.context.dps == 50


def test_fifty_digits_outside_of_the_domain():
    m, inf = FIFTY, FIFTY.context.inf
    assert m.log(0) == m.log2(0) == m.log10(0) == m.log1p(-1) == -inf
    outside = (m.log(-1), m.log1p(-2), m.sqrt(m.number(-1)), m.asin(2), m.acosh(0.5), m.pow(m.number(-8), m.number(0.5)))
    for x in outside:
        assert m.context.isnan(x)
    assert m.pow(m.number(0), m.number(-1)) == inf
    assert m.cbrt(m.number(-8)) == -2
    assert m.erfc(m.number(1e300)) == 0
    assert m.normal_cdf(m.number(-1e300)) == 0


def test_fifty_digits_divide_by_zero_as_doubles_do():
    m = FIFTY
    zero, two = m.number(0), m.number(2)
    assert two / zero == 2 / zero == m.context.inf
    assert -two / zero == -2 / zero == -m.context.inf
    assert m.context.isnan(zero / zero)
    assert m.context.isnan(m.context.nan / zero)
    assert two / 4 == 1 / two == 0.5


def test_sums_of_fifty_digits_cancel_exactly():
    xs = [FIFTY.number(x) for x in (1e300, 1.0, -1e300)]
    assert FIFTY.sum(xs) == 1
    assert FIFTY.dot(xs, [FIFTY.number(1)] * 3) == 1
    assert FIFTY.number(Fraction(1, 3)) * 3 == 1


# --- SymPy ----------------------------------------------------------------------------------------


def test_symbols():
    x = sympy.Symbol("x", real=True)
    assert SYMBOLIC.number(0.5) == sympy.Rational(1, 2)
    assert SYMBOLIC.number(math.inf) == sympy.oo
    assert SYMBOLIC.where(x > 0, x, 0) == sympy.Piecewise((x, x > 0), (0, True))
    assert SYMBOLIC.equal(x, -math.inf) == sympy.false
    assert SYMBOLIC.hypot(x, 0) == sympy.Abs(x)


# --- a user's primitive ---------------------------------------------------------------------------


@pytest.fixture
def bump():
    @ag.primitive
    def bump(x, y):
        """x^2 exp(-y), and a little more."""
        return x**2 * ag.exp(-y) + ag.where(x > 1, ag.maximum(x, y), ag.sigmoid(y)) + ag.hypot(x, y)

    @bump.partials
    def _(x, y, z):
        over = ag.where(x > 1, ag.where(x >= y, 1, 0), 0)
        s = ag.sigmoid(y)
        below = ag.where(x > 1, 1 - over, s * (1 - s))
        return 2 * x * ag.exp(-y) + over + x / ag.hypot(x, y), -(x**2) * ag.exp(-y) + below + y / ag.hypot(x, y)

    primitive = bump._primitive
    yield primitive
    del USER_PRIMITIVES[primitive.module, primitive.qualname]


def test_a_users_primitive_to_fifty_digits(bump):
    m = FIFTY
    mp = m.context
    for x, y in ((0.3, 0.8), (1.5, 0.25), (1.5, 2.5)):
        xs = [m.number(x), m.number(y)]
        z = bump.value(m, *xs)
        sigmoid = 1 / (1 + mp.exp(-xs[1]))
        expected = xs[0] ** 2 * mp.exp(-xs[1]) + (max(xs) if x > 1 else sigmoid) + mp.sqrt(xs[0] ** 2 + xs[1] ** 2)
        assert abs(z - expected) < mp.mpf(10) ** -48
        h = mp.mpf(10) ** -15
        for i, d in enumerate(bump.partials(m, *xs, z)):
            ahead, behind = list(xs), list(xs)
            ahead[i] += h
            behind[i] -= h
            slope = (bump.value(m, *ahead) - bump.value(m, *behind)) / (2 * h)
            assert abs(d - slope) < mp.mpf(10) ** -25


def test_a_users_primitive_in_sympy():
    @ag.primitive
    def swing(x):
        return ag.sin(x) * ag.exp(2 * x) + ag.sqrt(x * x + 1)

    @swing.partials
    def _(x, z):
        return (ag.cos(x) * ag.exp(2 * x) + 2 * ag.sin(x) * ag.exp(2 * x) + x / ag.sqrt(x * x + 1),)

    x = sympy.Symbol("x", real=True)
    value = swing._primitive.value(SYMBOLIC, x)
    assert sympy.simplify(sympy.diff(value, x) - swing._primitive.partials(SYMBOLIC, x, value)[0]) == 0
    del USER_PRIMITIVES[swing._primitive.module, swing._primitive.qualname]


@pytest.mark.parametrize("bits", [32, 64])
def test_what_two_literals_make_is_a_literal_of_their_kind(bits):
    pytest.importorskip("llvmlite")
    from autograd_core._src.number_systems.llvm import LaneLiteral
    from autograd_core._src.number_systems.llvm_functions import F32, F64

    kind, builder = F32 if bits == 32 else F64, object()
    total = LaneLiteral(builder, kind, 0.1) + LaneLiteral(builder, kind, 0.2)
    assert (total.builder, total.kind) == (builder, kind)
    assert total.x == (np.float32(0.1) + np.float32(0.2) if bits == 32 else 0.1 + 0.2)
    assert (LaneLiteral(builder, kind, 1.0) < LaneLiteral(builder, kind, 2.0)) is True
