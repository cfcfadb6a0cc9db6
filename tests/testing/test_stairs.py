"""Stairs that a function is, such as `round`, beside those that rounding within makes."""

import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.testing import GradientError, Verdict, assert_gradient, check_gradient

POINTS = [0.3, 5.3, -27.6, 1234.3, 1877.4, -54321.7, 1e7 + 0.3, 1e12 + 0.3]
STEPS = {
    "round": (round, lambda x: 0.0),
    "floor": (math.floor, lambda x: 0.0),
    "ceil": (math.ceil, lambda x: 0.0),
    "trunc": (math.trunc, lambda x: 0.0),
    "rint": (np.rint, lambda x: 0.0),
    "of quarters": (lambda x: round(4 * x) / 4, lambda x: 0.0),
    "of tenths": (lambda x: round(x / 0.1) * 0.1, lambda x: 0.0),
    "of thousands": (lambda x: 3.0 * (x // 1000) + 1, lambda x: 0.0),
    "two digits": (lambda x: round(x, 2), lambda x: 0.0),
    "squared": (lambda x: round(x) ** 2, lambda x: 0.0),
    "within a sine": (lambda x: math.sin(round(x)), lambda x: 0.0),
    "parity": (lambda x: x // 1 % 2, lambda x: 0.0),
    "and a slope": (lambda x: round(x) + 2 * x, lambda x: 2.0),
    "remainder": (lambda x: x % 3, lambda x: 1.0),
    "to the nearest": (lambda x: math.remainder(x, 3.0), lambda x: 1.0),
    "an angle": (lambda x: (x + math.pi) % (2 * math.pi) - math.pi, lambda x: 1.0),
    "truncated, times": (lambda x: math.trunc(x) * x, lambda x: float(math.trunc(x))),
    "rounded, times": (lambda x: round(x) * x, lambda x: float(round(x))),
    "price times quantity": (lambda x: round(x, 1) * x + 3, lambda x: round(x, 1)),
}
HUGE = [3e14, 1e15, 1e15 + 0.5, 4503599627370497.0, 1e16, 3e16, 1e18, 1e22, 1e100, 1e150]
UNRESOLVED = {
    "round": (round, lambda x: 0.0),
    "trunc": (lambda x: float(np.trunc(x)), lambda x: 0.0),
    "and a slope": (lambda x: round(x) + 2 * x, lambda x: 2.0),
    "rounded, times": (lambda x: round(x) * x, lambda x: float(round(x))),
    "squared": (lambda x: round(x) ** 2 + 0.0, lambda x: 0.0),
    "of tenths": (lambda x: round(x / 0.1) * 0.1, lambda x: 0.0),
    "thirds": (lambda x: x // 3.0, lambda x: 0.0),
    "remainder": (lambda x: math.fmod(x, 3.0), lambda x: 1.0),
    "an angle": (lambda x: (x + math.pi) % (2 * math.pi) - math.pi, lambda x: 1.0),
    "fraction": (lambda x: math.modf(x)[0], lambda x: 1.0),
}


def short(x):
    """To 8 bits, as bfloat16."""
    return float((np.float32(x).view(np.uint32) + np.uint32(0x8000) & np.uint32(0xFFFF0000)).view(np.float32))


def bisected(x):
    """The root of t - x to about eleven digits, on a grid."""
    low, high = -1e6, 1e6
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if middle < x else (low, middle)
    return (low + high) / 2


ROUNDED = {
    "half": (lambda x: float(np.float16(x)), lambda x: 1.0),
    "half, a line": (lambda x: float(np.float16(3) * np.float16(x) + np.float16(1)), lambda x: 3.0),
    "half and not": (lambda x: float(np.float16(x)) + x, lambda x: 2.0),
    "8 bits": (short, lambda x: 1.0),
    "single": (lambda x: float(np.float32(x)), lambda x: 1.0),
    "single, a square": (lambda x: float(np.float32(x) ** 2), lambda x: 2 * x),
    "single, cancelling": (lambda x: float(np.float32(x) + np.float32(1e4) - np.float32(1e4)), lambda x: 1.0),
    "double, cancelling": (lambda x: (x + 1e13) - 1e13, lambda x: 1.0),
    "six digits": (lambda x: round(x, 6), lambda x: 1.0),
    "a root": (bisected, lambda x: 1.0),
}


@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_step_of_the_function_is_no_rounding(name):
    """The derivative on the step is right, however far away from 0; that of the line through the steps is wrong."""
    f, derivative = STEPS[name]
    for x in POINTS[:-1] if name == "price times quantity" else POINTS:
        assert check_gradient(f, (x,), derivative=derivative).verdict is Verdict.RIGHT, x
        wrong = check_gradient(f, (x,), derivative=lambda x: derivative(x) + max(1.0, abs(derivative(x))))
        assert wrong.verdict is Verdict.WRONG, x
        assert wrong.worst.expected == pytest.approx(derivative(x), abs=1e-6, rel=1e-3)


@pytest.mark.parametrize("name", sorted(ROUNDED))
def test_rounding_within_is_no_step_of_the_function(name):
    """Half precision has all integers from 1024 to 2048, and no others."""
    f, derivative = ROUNDED[name]
    for x in POINTS[:6] if "half" not in name else POINTS[:5]:
        assert check_gradient(f, (x,), derivative=derivative).verdict in (Verdict.RIGHT, Verdict.ILL_CONDITIONED), x
        assert check_gradient(f, (x,), derivative=lambda x: 0.0).verdict is not Verdict.RIGHT, x


def test_in_single_precision():
    def whole(x):
        return np.rint(x)

    for x in (0.3, 1234.3, 4321.7):
        assert check_gradient(whole, (np.float32(x),), derivative=lambda x: np.float32(0)).verdict is Verdict.RIGHT
        assert check_gradient(whole, (np.float32(x),), derivative=lambda x: np.float32(1)).verdict is Verdict.WRONG


def test_an_edge_of_a_step_is_a_jump():
    for x in (0.5, 1234.5, 54321.5):
        assert check_gradient(round, (x,), derivative=lambda x: 0.0).verdict is Verdict.DISCONTINUOUS


@pytest.mark.parametrize("name", sorted({*STEPS} & {"round", "and a slope", "rounded, times", "two digits", "squared"}))
def test_an_edge_of_a_step_with_a_slope_is_a_jump(name):
    f, derivative = STEPS[name]
    for x in (1.5, -2.5, 1234.5, -54321.5) if name != "two digits" else (0.125, 3.375):
        assert check_gradient(f, (x,), derivative=derivative).verdict is Verdict.DISCONTINUOUS, x


@pytest.mark.parametrize("f", [np.sign, lambda x: np.heaviside(x, 0.5), lambda x: 3 + 2 * np.sign(x)])
def test_a_jump_to_both_sides_is_one(f):
    def plain(x):
        return float(f(float(x)))

    assert check_gradient(plain, (0.0,), derivative=0.0).verdict is Verdict.DISCONTINUOUS


@pytest.mark.parametrize("name", sorted(UNRESOLVED))
def test_a_step_that_numbers_are_too_far_apart_for_is_no_alarm(name):
    """Doubles from 2^53 on are whole, so round(x) and x are one function there; what both exclude is wrong."""
    f, derivative = UNRESOLVED[name]
    for x in [*HUGE, *(-x for x in HUGE)]:
        report = check_gradient(f, (x,), derivative=derivative)
        assert report.verdict is Verdict.RIGHT or (report.verdict is Verdict.KINK and report.fair), x
        wrong = check_gradient(f, (x,), derivative=lambda x: math.copysign(3 * abs(derivative(x)) + 7, -x))
        assert wrong.verdict is not Verdict.RIGHT
        assert not wrong.fair, x


TILTED = {  # by so little that rounding of results hides it, more or less
    "falling": (lambda x: float(np.trunc(x) * np.exp(-x / 1e15)), lambda x: -np.trunc(x) * np.exp(-x / 1e15) / 1e15),
    "rising": (lambda x: math.floor(x) * (1 + 1e-15 * x), lambda x: 1e-15 * math.floor(x)),
    "of thirds": (lambda x: x // 3.0 - 3e-16 * x * x, lambda x: -6e-16 * x),
}


@pytest.mark.parametrize("name", sorted(TILTED))
@pytest.mark.parametrize("power", range(1, 14))
def test_a_step_that_is_tilted_by_about_its_rounding(name, power):
    f, derivative = TILTED[name]
    for m in (1.2345678, 3.3, 5.71, 7.89012345):
        x = m * 10.0**power + 0.25
        report = check_gradient(f, (x,), derivative=derivative)
        assert report.verdict is Verdict.RIGHT or (report.verdict is Verdict.KINK and report.fair), x
        wrong = check_gradient(f, (x,), derivative=lambda x: derivative(x) - 1.5)
        assert not wrong.faultless, x


LEFT = {  # how a function leaves the flat piece from -e to e, and the derivative with respect to the way beyond
    "by another slope": (lambda b: b, lambda b: float(b > 0)),
    "by a square": (lambda b: b * b, lambda b: 2 * b),
    "by a cube": (lambda b: b**3, lambda b: 3 * b * b),
    "by a power": (lambda b: b**1.5, lambda b: 1.5 * b**0.5),
    "by a cosine": (lambda b: 1 - math.cos(b), math.sin),
}


@pytest.mark.parametrize("tilt", [0.0, 2.5])
@pytest.mark.parametrize("name", sorted(LEFT))
def test_a_flat_piece_that_is_narrower_than_most_steps(name, tilt):
    """Beside a large term, differences within the piece show rounding alone, and those beyond it agree on its sides."""
    rise, slope = LEFT[name]
    for whole in (0.0, 793.0):
        for e in (1e-3, 0.02):
            for x in (-1e-2 * e, 0.3 * e, -0.71 * e):
                for y in (x, x + 0.4):

                    def f(x, e=e, whole=whole):
                        return whole + tilt * x + rise(max(abs(x) - e, 0.0)) / 7

                    def derivative(x, e=e):
                        return tilt + math.copysign(slope(max(abs(x) - e, 0.0)), x) / 7

                    report = check_gradient(f, (y,), derivative=derivative)
                    assert report.verdict is Verdict.RIGHT, (whole, e, y, report)
                    wrong = check_gradient(f, (y,), derivative=lambda x: derivative(x) + 1.0)
                    assert wrong.verdict is Verdict.WRONG, (whole, e, y, wrong)


def _on_floats(f):
    """The function for a checker that sees values alone."""
    return lambda x: f(float(x))


@pytest.mark.parametrize("x", [-5.3, 1234.3, -72675495384.24878, 933427520199.8867])
def test_steps_beside_a_square_are_steps(x):
    def f(x):
        return round(x / 0.25) * 0.25 * x + x * x

    assert_gradient(f, (x,), derivative=lambda x: round(x / 0.25) * 0.25 + 2 * x)
    with pytest.raises(GradientError):
        assert_gradient(f, (x,), derivative=lambda x: 5 * x)


def test_a_smooth_function_of_huge_numbers_has_no_steps():
    for x in HUGE:
        for f, right, wrong in (
            (lambda x: 3 * x + 1, 3.0, 0.0),
            (lambda x: x * x / 4, x / 2, 0.0),
            (lambda x: abs(x) / 7, 1 / 7, 0.0),
        ):
            plain = _on_floats(f)
            assert check_gradient(plain, (x,), derivative=right).verdict is Verdict.RIGHT
            assert check_gradient(plain, (x,), derivative=wrong).verdict is Verdict.WRONG


@pytest.mark.parametrize("x", [3.3, 1234.3, 54321.6, 1e7 + 0.3])
def test_a_piece_of_a_polygon_has_its_own_slope(x):
    """Between knots, further ones are no noise."""

    def table(x):
        i = math.floor(x)
        return (1 - (x - i)) * math.sin(i) + (x - i) * math.sin(i + 1)

    def slope(x):
        return math.sin(math.floor(x) + 1) - math.sin(math.floor(x))

    assert_gradient(table, (x,), derivative=slope)
    with pytest.raises(GradientError):
        assert_gradient(table, (x,), derivative=lambda x: slope(x) + 0.5)


@pytest.mark.parametrize("x", [1e15, 1e40, 1e100, 1e300])
def test_steps_of_an_operation_do_not_grow_with_its_operand(x):
    assert check_gradient(ag.floor, (x,)).verdict is Verdict.DISCONTINUOUS
    assert check_gradient(lambda x: ag.floor(x) + x, (x,)).verdict is Verdict.DISCONTINUOUS


def test_several_inputs_and_results():
    def f(v):
        return [round(v[0]) * 2.0, v[1] ** 2 + math.floor(v[0]), round(v[1], 1)]

    def jacobian(v):
        return [[0.0, 0.0], [0.0, 2 * v[1]], [0.0, 0.0]]

    point = [12345.3, 4321.27]
    assert check_gradient(f, (point,), derivative=jacobian).verdict is Verdict.RIGHT
    for i, j in ((0, 0), (1, 0), (2, 1)):
        wrong = jacobian(point)
        wrong[i][j] += 1.0
        assert check_gradient(f, (point,), derivative=lambda v, wrong=wrong: wrong).verdict is Verdict.WRONG


@pytest.mark.parametrize("x", [1.7226794266740608, 0.3, 1.0, -0.5, 2.9, 11.0, -70.0])
@pytest.mark.parametrize("height", [1.0, 1e-3, 1e6])
def test_steps_that_go_up_and_down_again_are_seen_one_by_one(x, height):
    def f(x):
        if isinstance(x, ag.Value):
            raise TypeError
        return height * math.copysign(1.0, math.sin(x))

    assert check_gradient(f, (x,), derivative=lambda x: 0.0).verdict is Verdict.RIGHT
    assert check_gradient(f, (x,), derivative=lambda x: 1e-170).verdict is Verdict.RIGHT
    assert check_gradient(f, (x,), derivative=lambda x: 0.01 * height).verdict is Verdict.WRONG
