"""A curve through many values tells a slope that rounding hides from differences, and nothing where it does not."""

import math

import numpy as np
import pytest

from autograd_core._src.testing.numeric.fitted import fitted_slope
from autograd_core.testing import assert_gradient, check_gradient


def scattered(t):
    """A number like rounding."""
    return 1e-5 * (math.sin(1e7 * t) + math.cos(3e8 * t))


@pytest.mark.parametrize("stretch", [1.0, 4.0, 30.0])
def test_scatter_averages_out(stretch):
    value, error = fitted_slope(lambda t: 0.01 * math.sin(stretch * t) / stretch + scattered(t), 1.0)
    assert abs(value - 0.01) <= error <= 0.2 * 0.01


@pytest.mark.parametrize(
    "f",
    [
        lambda t: math.floor(8 * t) / 8,  # a stair of its own
        abs,
        lambda t: math.nan,
        lambda t: 1.0,
        lambda t: math.exp(-t),  # no scatter: differences know more
    ],
    ids=["stair", "kink", "no values", "still", "smooth"],
)
def test_what_does_not_scatter_around_a_curve_tells_nothing(f):
    assert fitted_slope(f, 1.0) is None


def test_mere_scatter_has_no_slope():
    fitted = fitted_slope(scattered, 1.0)
    assert fitted is None or abs(fitted[0]) <= 2 * fitted[1]


def coarse(v):
    """In single precision: rounding of numbers of size 20 hides a small wave."""
    x, y = v
    z = np.float32(20) + np.float32(0.0006) * np.sin(np.float32(20) * x)
    for _ in range(3):
        z = np.exp(np.log(z))
    return z + np.float32(0.3) * y


def coarse_slope(v):
    return np.array([0.012 * np.cos(20 * v[0]), 0.3], dtype=np.float32)


@pytest.mark.parametrize("x", [0.3, 1.7, 0.05])
@pytest.mark.parametrize("factor", [0.5, 1.5, -1.0])
def test_a_right_number_is_confirmed_and_a_wrong_one_is_not(x, factor):
    point = (np.array([x, 0.7], dtype=np.float32),)
    assert assert_gradient(coarse, point, derivative=coarse_slope).verdict.value == "RIGHT"
    wrong = np.array([factor, 1], dtype=np.float32)
    assert not check_gradient(coarse, point, derivative=lambda v: coarse_slope(v) * wrong).faultless
