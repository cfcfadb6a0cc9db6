"""What a first look confirms by few values, and what it leaves to all steps."""

from __future__ import annotations

import math

import pytest

from autograd_core._src.testing.numeric.first_look import confirmed
from autograd_core.testing import check_gradient

DOUBLE = 2.0**-53
SMOOTH = {
    "sin": (math.sin, math.cos),
    "cubic": (lambda x: x**3 - 2 * x, lambda x: 3 * x * x - 2),
    "sum with a constant": (lambda x: 3 + math.exp(x / 5), lambda x: math.exp(x / 5) / 5),
    "square": (lambda x: x * x, lambda x: 2 * x),
    "line": (lambda x: 3.0 * x, lambda x: 3.0),
    "constant": (lambda x: 7.0, lambda x: 0.0),
}
POINTS = [0.3, -1.7, 25.0, 0.0, 1.0]


def look(f, x, claim):
    """A first look at the derivative of f at x."""
    return confirmed(lambda t: [f(x + t)], abs(x), (DOUBLE, abs(x) * DOUBLE), [claim])


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("x", POINTS)
def test_a_right_derivative_of_a_smooth_function_is_confirmed(name, x):
    f, derivative = SMOOTH[name]
    found = look(f, x, derivative(x))
    assert found is not None
    assert abs(found[0].value - derivative(x)) <= 1e-9 * max(1.0, abs(derivative(x)))


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("x", POINTS)
@pytest.mark.parametrize("times", [1 + 1e-6, -1.0, 2.0])
def test_a_wrong_one_is_not(name, x, times):
    f, derivative = SMOOTH[name]
    if derivative(x):
        assert look(f, x, times * derivative(x)) is None
    assert look(f, x, derivative(x) + max(1e-6, 1e-6 * abs(derivative(x)))) is None


@pytest.mark.parametrize("x", [4e220, -1.7e308, 5e-324, -1e-160])
@pytest.mark.parametrize("f", [lambda x: x, lambda x: 3.0, lambda x: min(x, 1e300), math.cos, math.sqrt])
def test_no_size_of_an_operand_is_too_large_or_small(f, x):
    def of(t):
        try:
            return [f(x + t)]
        except ValueError:
            return [math.nan]

    for claim in (0.0, 1.0, math.inf):
        found = confirmed(of, abs(x), (DOUBLE, abs(x) * DOUBLE), [claim])
        assert found is None or found[0].value == claim


LEFT_OUT = {
    "kink": (abs, 0.0, 0.0),
    "kink next to the point": (lambda x: abs(x - 1), 1 + 1e-9, 1.0),
    "jump": (lambda x: x + (x > 1), 1.0, 1.0),
    "small jump within": (lambda x: x + 1e-9 * (x > 1 + 1e-12), 1.0, 1.0),
    "bend within": (lambda x: x + 1e-12 * math.sin(1e9 * x), 0.0, 1.0),
    "stair": (lambda x: float(round(x)), 1e12 + 0.3, 1.0),
    "stair of quarters": (lambda x: round(4 * x) / 4, 1e12 + 0.3, 1.0),
    "root": (lambda x: math.sqrt(abs(x)), 0.0, 0.0),
    "square of a tiny operand": (lambda x: x * x, 1e-100, 3e-100),
    "small beside what is further out": (math.exp, -44.0, 0.0),
    "end of a domain": (lambda x: math.log(x) if x > 0 else math.nan, 1e-5, 1e5),
    "noise of single precision": (lambda x: 1.0 + x + 1e-8 * math.sin(1e17 * x), 0.5, 1.0),
    "not finite": (math.sin, 0.5, math.nan),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_less_clear_is_left_to_all_steps(name):
    f, x, claim = LEFT_OUT[name]
    assert look(f, x, claim) is None


def test_a_right_derivative_takes_few_calls():
    calls = []

    def f(x, y):
        calls.append(x)
        return math.sin(x) * math.exp(y / 10)

    def derivative(x, y):
        return math.cos(x) * math.exp(y / 10), f(x, y) / 10

    assert check_gradient(f, (0.7, -3.0), derivative=derivative)
    assert len(calls) < 70  # all steps take 52 for each input
    assert not check_gradient(f, (0.7, -3.0), derivative=lambda x, y: (derivative(x, y)[0], f(x, y) / 11))


def test_single_precision_has_no_small_steps():
    np = pytest.importorskip("numpy")
    x = np.array([0.5, 40.0], dtype=np.float32)
    assert check_gradient(lambda x: np.sum(np.sin(x)), (x,), derivative=np.cos)
    assert not check_gradient(lambda x: np.sum(np.sin(x)), (x,), derivative=lambda x: np.cos(x) * np.float32(1.01))
