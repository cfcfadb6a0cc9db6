"""The gamma function and its kin, and the other primitives that `math` has: values and derivatives of every order."""

import math

import mpmath
import numpy as np
import pytest

import autograd_core as ag
from autograd_core._src import compiler
from autograd_core._src.number_systems import gamma
from autograd_core._src.number_systems.floats import FLOATS, PLAIN_FLOATS

POINTS = (0.001, 0.3, 0.5, 1.0, 1.4616321449683622, 1.5, 2.0, 2.4999, 2.5, 3.75, 9.99, 10.0, 25.5, 1e6)
NEGATIVE = (-0.001, -0.25, -0.5, -1.4, -2.75, -3.5, -20.1)


def derivative(f, order):
    for _ in range(order):
        f = ag.grad(f)
    return f


@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("x", POINTS + NEGATIVE)
def test_derivatives_of_lgamma_to_fifty_digits(x, order):
    with mpmath.workdps(50):
        exact = mpmath.psi(order - 1, x) if order else mpmath.log(abs(mpmath.gamma(x)))
    assert derivative(ag.lgamma, order)(x) == pytest.approx(float(exact), rel=1e-12, abs=1e-15)
    if order:
        assert derivative(ag.digamma, order - 1)(x) == pytest.approx(float(exact), rel=1e-12, abs=1e-15)


def test_from_0_to_16_they_are_within_4_ulp():
    """Through all pieces, and where the asymptotic series begin: there each of their terms still counts."""
    for x in (0.01 + k * 0.0101 for k in range(1600)):
        for f, exact in ((ag.lgamma, mpmath.loggamma), (ag.digamma, mpmath.digamma)):
            with mpmath.workdps(40):
                z = float(exact(mpmath.mpf(x)))
            assert abs(f(x) - z) <= 4 * math.ulp(z), (f, x)


def test_tables_of_bernoullis_numbers():
    with mpmath.workdps(40):
        numbers = [mpmath.bernoulli(2 * k) for k in range(1, 11)]
        stirling = [float(b / (2 * k * (2 * k - 1))) for k, b in enumerate(numbers, 1)]
        slope = [float(b / (2 * k)) for k, b in enumerate(numbers, 1)]
        euler_maclaurin = [float(b / mpmath.factorial(2 * k)) for k, b in enumerate(numbers, 1)]
    assert tuple(stirling[: len(gamma.STIRLING)]) == gamma.STIRLING
    assert tuple(slope[: len(gamma.STIRLING_SLOPE)]) == gamma.STIRLING_SLOPE
    assert tuple(euler_maclaurin) == gamma.EULER_MACLAURIN


def test_beside_their_zeros_they_keep_their_digits():
    for x in (1 + 1e-9, 2 - 1e-9, 1 + 2**-52):
        exact = float(mpmath.loggamma(mpmath.mpf(x)))
        assert abs(ag.lgamma(x) - exact) <= 2 * math.ulp(exact)
    for x in (1.4616321449683622, 1.4616321449683625, 1.46):
        with mpmath.workdps(50):
            exact = float(mpmath.digamma(mpmath.mpf(x)))
        assert abs(ag.digamma(x) - exact) <= 2 * math.ulp(exact)


@pytest.mark.parametrize("name", ["lgamma", "digamma"])
@pytest.mark.parametrize("x", [*POINTS, *NEGATIVE, -0.0, -1e300, math.inf, math.nan])
def test_what_may_raise_and_what_never_does_give_the_same_bits(name, x):
    never = float(getattr(FLOATS, name)(FLOATS.number(x)))
    try:
        fast = getattr(PLAIN_FLOATS, name)(x)
    except (ArithmeticError, ValueError):
        return
    assert fast == never or (math.isnan(fast) and math.isnan(never))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("f", "domain"),
    [
        (ag.lgamma, (0.25, 12.0)),
        (ag.digamma, (0.25, 12.0)),
        (ag.digamma, (-3.75, -3.25)),
        (ag.degrees, (-3.0, 3.0)),
        (ag.radians, (-3.0, 3.0)),
        (ag.square, (-3.0, 3.0)),
        (lambda x: ag.copysign(x, -x * x), (0.5, 3.0)),
        (lambda x: ag.logaddexp(x, 2 * x - 1), (-3.0, 3.0)),
    ],
)
def test_compiled_they_are_the_same(f, domain, dtype):
    xs = np.linspace(*domain, 17)
    compiled = compiler.compile(f, 1.0, in_axes=0, dtype=dtype)
    values, (slopes,) = compiled.value_and_grad(xs)
    tolerance = 1e-13 if dtype == "float64" else 3e-6
    assert values == pytest.approx([f(float(x)) for x in xs], rel=tolerance, abs=tolerance)
    assert slopes == pytest.approx([ag.grad(f)(float(x)) for x in xs], rel=tolerance, abs=tolerance)


def test_the_ufuncs_of_numpy_find_them():
    xs = np.array([ag.Value(0.5), ag.Value(-2.0)], object)
    for ufunc in (np.degrees, np.rad2deg, np.radians, np.deg2rad, np.square):
        found = ufunc(xs)
        assert [z.data for z in found] == pytest.approx(ufunc([0.5, -2.0]).tolist())
        assert isinstance(found[0], ag.Value)


def test_as_methods():
    x = ag.Value(2.5)
    assert x.copysign(-1).data == -2.5
    assert x.logaddexp(2.5).data == 2.5 + math.log(2)
    assert x.square().data == 6.25
    assert x.degrees().data == math.degrees(2.5)
    assert x.radians().data == math.radians(2.5)
    assert (x.lgamma().data, x.digamma().data) == (ag.lgamma(2.5), ag.digamma(2.5))
    assert not hasattr(x, "zeta")


def test_to_sympy():
    sympy = pytest.importorskip("sympy")
    symbols = compiler.compile(lambda x: ag.lgamma(x) + ag.degrees(x), 2.0).to_sympy()
    [x] = symbols.symbols
    assert sympy.simplify(sympy.diff(symbols.value, x).subs(x, 3) - symbols.grads[0].subs(x, 3)) == 0
