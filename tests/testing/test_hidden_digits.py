"""Right derivatives pass where rounding of operands, of inner numbers or of other inputs hides their digits."""

import math

import pytest

import autograd_core as ag
from autograd_core.testing import GradientError, IllConditioned, Verdict, WrongGradient, assert_gradient, check_gradient

np = pytest.importorskip("numpy")

TINY = (2.5e-313, 1e-250, 1e-100, 1e-30)


def turned(t, d):
    w = ag.acos(d)
    return ag.sin((1 - t) * w) / ag.sin(w)


RIGHT_ANGLES = {
    "between two directions": turned,
    "cosine": lambda t, d: ag.cos(ag.acos(d) * (1 - t)) - ag.cos(ag.acos(d)),
    "tangent": lambda t, d: ag.tan(t * ag.acos(d)) * ag.cos(ag.acos(d)),
    "from arcs": lambda t, d: ag.sin(ag.atan2(1.0, d) + t) - ag.sin(ag.atan2(1.0, d)),
}


@pytest.mark.parametrize("name", RIGHT_ANGLES)
@pytest.mark.parametrize("d", TINY)
@pytest.mark.parametrize("t", TINY)
def test_paths_that_are_0_but_for_rounding_cancel_by_rounding_too(name, d, t):
    """cos(acos(d)) is d, which is next to nothing; of the double next to π/2 it is 6e-17."""
    for sign in (1.0, -1.0):
        assert_gradient(RIGHT_ANGLES[name], (t, sign * d))


def between(p, q, t):
    """The first entry of the point between two directions."""
    p, q = ([x / ag.sqrt(ag.dot(v, v)) for x in v] for v in (p, q))
    d = ag.dot(p, q)
    w = ag.acos(ag.minimum(ag.where(d < 0, -d, d), 0.9995))
    return (ag.sin((1 - t) * w) * p[0] + ag.sin(t * w) * q[0]) / ag.sin(w)


@pytest.mark.parametrize("least", [2.2250738585e-313, 1e-310, 1e-308, 1e-200])
@pytest.mark.parametrize("other", [-2.225073858507203e-309, 3e-309, 1e-300, -1e-12])
def test_directions_at_a_right_angle_but_for_rounding(least, other):
    p, q = [0.791, least, other, least], [least, -0.077, 0.322, -0.84]
    assert check_gradient(between, (p, q, least)).verdict is not Verdict.WRONG


@ag.primitive
def log_added(a, b):
    return ag.logaddexp(a, b)


@log_added.partials
def _(a, b, z):
    return ag.exp(a - z), ag.exp(b - z)


@ag.primitive
def share(a, b):
    return 1 / (1 + ag.exp(b - a))


@share.partials
def _(a, b, z):
    return z * (1 - z), -z * (1 - z)


def turning(offset):
    """A sine whose derivative loses the digits that numbers of size `offset` do not have."""

    @ag.primitive
    def turning(x):
        return ag.sin(x)

    @turning.partials
    def _(x, z):
        return (ag.cos(x + offset - offset),)

    return turning


@pytest.mark.parametrize("a", [0.0, 1.5, -51.25, 700.3, -5115.2018972184405, 1e6 / 3])
@pytest.mark.parametrize("gap", [0.0, 0.3, -2.197, 6.5])
def test_a_rule_need_not_know_more_than_its_operands_do(a, gap):
    for rule in (log_added, share):
        assert_gradient(lambda x, y, rule=rule: rule(x, y) * 0.5, (a, a + gap))


@pytest.mark.parametrize("x", [0.3, 1.1, 2.6])
def test_a_rule_that_knows_half_as_many_digits_as_its_operands_fails(x):
    for offset in (1e9, 1e12):
        with pytest.raises(IllConditioned) as failure:
            assert_gradient(turning(offset), (x,))
        assert failure.value.report.faulty_op == "turning"


@pytest.mark.parametrize("x", [0.3, 1.1, 2.6])
def test_a_rule_that_loses_fewer_is_right_to_what_the_report_says(x):
    report = assert_gradient(turning(1e6), (x,))
    assert abs(report.worst.found - math.cos(x)) <= 2 * report.resolution <= 1e-8


def logistic(z):
    return np.exp(z) / (1 + np.exp(z))


SMALL_REMAINDERS = {
    "softplus": (lambda x: np.log(1 + np.exp(x - 25)) + x * x, lambda x: logistic(x - 25) + 2 * x),
    "logarithm": (lambda x: -np.log(1 + 2 * np.exp(x - 28)) + x**4, lambda x: 4 * x**3 - 1 / (1 + np.exp(28 - x) / 2)),
    "of a sum": (lambda x: ((1 + 1e-9 * np.sin(x)) - 1) + x * x, lambda x: 1e-9 * np.cos(x) + 2 * x),
    "of a root": (lambda x: np.sqrt(1 + 1e-9 * x) - 1 + x * x, lambda x: 5e-10 / np.sqrt(1 + 1e-9 * x) + 2 * x),
}


@pytest.mark.parametrize("name", SMALL_REMAINDERS)
@pytest.mark.parametrize("x", [0.0, 5e-324, 1e-300, -3.4e-98, 1e-40, 1e-20, 1e-12, 1e-8, 1e-3, 1.0])
def test_what_an_inner_rounding_hides_from_small_steps_larger_ones_show(name, x):
    f, slope = SMALL_REMAINDERS[name]
    assert_gradient(f, (x,), derivative=slope)
    with pytest.raises(WrongGradient):
        assert_gradient(f, (x,), derivative=lambda x: slope(x) + 1e-7 * (1 + abs(slope(x))))


RANKS = np.array([0.1, -0.4, 0.3, 0.9, 2.0])


def ranked(x):
    return RANKS @ np.sort(x)


def ranked_slope(x, shift=0):
    found = np.empty(5)
    found[np.argsort(x, kind="stable")] = np.roll(RANKS, shift)
    return found


@pytest.mark.parametrize("tie", [0.0, 1e-12, 3e-7, 4.0116423044895325e-05, 1e-3, 0.2])
@pytest.mark.parametrize("large", [1e3, 776323.0711958653, 1e10, -1e6])
def test_a_tie_is_seen_beside_inputs_that_move_a_result_far_more(tie, large):
    point = np.array([0.4342944819032518, large, tie, tie, tie])
    assert assert_gradient(ranked, (point,), derivative=ranked_slope).fair
    assert not check_gradient(ranked, (point,), derivative=lambda x: ranked_slope(x, 1)).fair
    assert math.isfinite(check_gradient(ranked, (point,), derivative=ranked_slope).resolution)


SMALL = [sign * m * 10.0**e for e in range(-12, -3) for m in (4.4, 6.5) for sign in (1, -1)]


@pytest.mark.parametrize("c", [3.0, 4.0, 4.5, 5.0, 5.5])
@pytest.mark.parametrize("x", [0.0, 5e-324, -3.4e-98, 1e-40, 1e-20, *SMALL, 0.3])
def test_what_is_left_of_a_soft_minimum_of_costs(c, x):
    """Steps so small that the sum of exponentials does not change see the square alone."""

    def f(x):
        return x * x - math.log(math.exp(-c * c) + math.exp(-((c - x) ** 2)) + 1)

    def slope(x):
        far = math.exp(-((c - x) ** 2))
        return 2 * x - 2 * (c - x) * far / (math.exp(-c * c) + far + 1)

    assert_gradient(f, (x,), derivative=slope)
    with pytest.raises(WrongGradient):
        assert_gradient(f, (x,), derivative=lambda x: slope(x) + 0.01)


@pytest.mark.parametrize("mean", [1e-30, 2.0**-52, 1e-12, -1e-9])
@pytest.mark.parametrize("deviation", [0.01, 0.3, 7.0])
def test_a_difference_of_0_whose_true_value_is_tiny(mean, deviation):
    """Of two equal normal densities the Kullback-Leibler divergence is 0 but for the means."""

    def divergence(m, s, t):
        return ag.log(t / s) + (s * s + m * m) / (2 * t * t) - 0.5

    def slopes(m, s, t):
        return m / t**2, s / t**2 - 1 / s, 1 / t - (s * s + m * m) / t**3

    assert_gradient(divergence, (mean, deviation, deviation), derivative=slopes)


BENT_AT_0 = {  # the slopes on the left and on the right
    "logarithm of a scaled cosine": (lambda x: np.log((1 + np.exp(-2 * abs(x))) / 2) + x, 2.0, 0.0),
    "logarithm of a sum": (lambda x: np.log(1 + abs(x)) + 3 * x, 2.0, 4.0),
    "root": (lambda x: np.sqrt(1 + abs(x)) - 1 - x, -1.5, -0.5),
    "absolute value": (lambda x: abs(x), -1.0, 1.0),
}


@pytest.mark.parametrize("name", BENT_AT_0)
@pytest.mark.parametrize("x", [5e-324, 1e-300, 1e-40, 1e-20, 3e-17, -1e-300, -1e-20, 0.0])
def test_a_kink_that_inner_rounding_hides_from_small_steps(name, x):
    """Both pieces add a number of the operand's size to 1, so next to 0 values have neither slope."""
    f, left, right = BENT_AT_0[name]
    assert_gradient(f, (x,), derivative=right if x >= 0 else left)
    for wrong in (max(left, right) + 0.1, min(left, right) - 0.1):
        with pytest.raises(GradientError):
            assert_gradient(f, (x,), derivative=wrong)


def in_floats(value, slope):
    """A primitive that can be evaluated in doubles only."""

    @ag.primitive
    def rule(x):
        return value(float(x))

    @rule.partials
    def _(x, z):
        return (slope(float(x)),)

    return rule


SINE = in_floats(math.sin, math.cos)
SIZE = in_floats(abs, lambda x: math.copysign(1.0, x))
SCALED = in_floats(lambda x: math.log((1 + math.exp(-2 * abs(x))) / 2) + x, math.tanh)
KINKS_BESIDE_FLOATS = {
    "relu and a sine": lambda x, y: ag.relu(x) + 3 * SINE(x) * ag.cos(y),
    "relu of a sine": lambda x, y: ag.relu(SINE(x)) + x * y,
    "maximum": lambda x, y: ag.maximum(SINE(x), 0.5 * x + y) + SINE(y),
    "absolute value": lambda x, y: 2 * SIZE(x) + SINE(x + y),
    "scaled": lambda x, y: SCALED(x) - x * ag.cos(y),
}


@pytest.mark.parametrize("name", KINKS_BESIDE_FLOATS)
@pytest.mark.parametrize("x", [0.0, 2.5e-175, 1e-20, 0.7])
@pytest.mark.parametrize("y", [0.0, 2.6e-42, 2.2])
def test_at_a_kink_rules_for_floats_alone_have_slopes(name, x, y):
    assert_gradient(KINKS_BESIDE_FLOATS[name], (x, y))


@pytest.mark.parametrize("x", [0.0, 2.5e-175, 1e-20, 0.7])
def test_beside_a_kink_a_wrong_rule_for_floats_alone_fails(x):
    wrong = in_floats(math.sin, lambda x: -math.cos(x))
    for f in (lambda x: ag.relu(x) + 3 * wrong(x), lambda x: ag.maximum(x, 2 * x) + 5 * wrong(x)):
        with pytest.raises(GradientError):
            assert_gradient(f, (x,))


def of_user(value, *slopes):
    """A user's operation of a value that cancels, with derivatives that do not."""
    made = ag.primitive(value)
    made.partials(lambda *xs: tuple(slope(*xs[:-1]) for slope in slopes))
    return made


VALUES_THAT_CANCEL = {  # and points at which few of their digits are left
    "a path": (
        of_user(
            lambda a, t: 0.5 * (2 * a - 5 * a * t + 4 * a * t * t - a * t**3),
            lambda a, t: 0.5 * (1 - t) ** 2 * (2 - t),
            lambda a, t: -0.5 * a * (1 - t) * (5 - 3 * t),
        ),
        [(-899.0739962772207, 0.995889953728508), (1e3, 1 - 1e-6), (3.0, 1.0000001)],
    ),
    "a logarithm of exponentials": (
        of_user(
            lambda x, y: ag.log(ag.exp(x) + ag.exp(y)),
            lambda x, y: ag.sigmoid(x - y),
            lambda x, y: ag.sigmoid(y - x),
        ),
        [(-3e-59, -100.0), (-1e-30, -40.0), (2.0, 1.0)],
    ),
    "1 less a cosine": (
        of_user(lambda x, y: y * (1 - ag.cos(x)), lambda x, y: y * ag.sin(x), lambda x, y: 2 * ag.sin(x / 2) ** 2),
        [(1e-7, 3.0), (1e-5, -2.0), (1e-9, 1e5)],
    ),
}


@pytest.mark.parametrize("name", VALUES_THAT_CANCEL)
def test_a_users_value_that_cancels_is_no_fault(name):
    """The same formula without `primitive` would lose these digits, too."""
    op, points = VALUES_THAT_CANCEL[name]
    for x, y in points:
        for f in (lambda x, y: op(x, y) ** 2, lambda x, y: ag.hypot(op(x, y) - 1.0, x), lambda x, y: op(x, y) - x):
            assert_gradient(f, (x, y))


@pytest.mark.parametrize("name", VALUES_THAT_CANCEL)
def test_a_value_that_was_changed_by_more_is_a_fault(name):
    op, points = VALUES_THAT_CANCEL[name]

    def changed(x, y):
        z = op(x, y)
        z.data += 1e-3 * (1 + abs(x.data) + abs(y.data))
        return z * z

    for at in points:
        with pytest.raises(WrongGradient, match="value"):
            assert_gradient(changed, at)
