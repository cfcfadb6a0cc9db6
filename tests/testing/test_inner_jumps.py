"""Sums within a function that are rounded in steps wider than all differences: what small steps leave out is told by jumps."""

import math

import pytest

from autograd_core._src.testing.numeric.inner_jumps import left_out
from autograd_core.testing import check_gradient

np = pytest.importorskip("numpy")

POINTS = 3


def shares(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def entropy(x):
    """Of shares; a score that leads makes their sum 1 and a little, whose rounding small steps don't see."""
    z = x - np.max(x)
    logs = z - np.log(np.sum(np.exp(z)))
    return -np.sum(np.exp(logs) * logs)


def entropy_slopes(x):
    p, x = shares(x.astype(float)), x.astype(float)
    logs = x - np.max(x) - np.log(np.sum(np.exp(x - np.max(x))))
    # For a leading share, log p is what the others leave: a sum of small numbers.
    lead = np.argmax(x)
    logs[lead] = np.log1p(-np.sum(np.delete(p, lead)))
    return -p * (logs + -np.sum(p * logs))


def step(costs, temperature):
    """A step of Sinkhorn's iteration for two by two costs: rows are normalized, then columns summed."""
    z = -costs.reshape(2, 2) / temperature
    z = z - np.logaddexp.reduce(z, 1, keepdims=True)
    return -temperature * np.logaddexp.reduce(z, 0).sum()


def step_slopes(costs, temperature):
    z = -costs.astype(float).reshape(2, 2) / float(temperature)
    rows = np.logaddexp.reduce(z, 1, keepdims=True)
    columns = np.logaddexp.reduce(z - rows, 0)
    moved = np.exp(z - rows - columns)
    moved = moved - np.exp(z - rows) * moved.sum(1, keepdims=True)
    return moved.ravel(), -columns.sum() + np.sum(moved * z)


def leading(kind):
    """Scores of which one leads by about half of the digits."""
    lead = 12 if kind is np.float32 else 30
    for seed in range(POINTS):
        x = np.random.default_rng(seed).uniform(-3, 3, size=4)
        x[seed % 4] = lead + seed / 8 - 1
        yield x.astype(kind)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_entropy_beside_a_score_that_leads(kind):
    for x in leading(kind):
        right = entropy_slopes(x)
        report = check_gradient(entropy, (x,), derivative=lambda _, right=right: right)
        assert report.faultless, (x, str(report))
        for times in (-1.0, 0.0, 2.0):
            wrong = times * right
            report = check_gradient(entropy, (x,), derivative=lambda _, wrong=wrong: wrong)
            assert report.verdict.value == "WRONG", (x, times, str(report))


SATURATED = [
    ([86.365326, 16.422052, 16.422052, 100.0], 3.3375247),
    ([79.679085, 45.2595, 0.822467, 20.812445], 0.99999),
    ([79.679085, 20.812445, 0.822467, 20.812445], 0.99999),
    ([74.54769, 0.35206532, 1.7889817, 27.094313], 1.7889817),
    ([53.393898, 0.405, 26.97991, 100.0], 2.6021886),
    ([98.217995, 54.976654, 24.417711, 98.217995], 1.2688099),
    ([30.145103, 1.5, 0.0, 26.161795], 1.5),
]


@pytest.mark.parametrize(("costs", "temperature"), SATURATED)
def test_a_step_of_sinkhorn_in_single_precision(costs, temperature):
    args = np.array(costs, np.float32), np.float32(temperature)
    report = check_gradient(step, args, derivative=step_slopes)
    assert report.faultless, str(report)
    for wrong in (1e-3, -1e-3):
        off = check_gradient(step, args, derivative=lambda *a, wrong=wrong: (step_slopes(*a)[0] + wrong, step_slopes(*a)[1]))
        assert off.verdict.value == "WRONG", str(off)


@pytest.mark.parametrize("power", [20, 24, 40, 52])
def test_jumps_tell_the_slope_that_is_left_out(power):
    """Of a smooth function that has a line rounded to numbers of `power` bits within."""
    width = 2.0**-power
    for seed in range(8):
        a, b, start = np.random.default_rng(seed).uniform(0.2, 1, size=3)

        def f(t, a=a, b=b, start=start):
            return math.expm1(b * t) * width + round(start + a * t) * width

        steps = [4.0**-k for k in range(-3, 8)]
        least, most = left_out(f, steps, a * width, width * 2.0**-20, 2.0**-40, 4 * width)
        assert least == 0.0, (a, b, start)
        assert a * width <= most <= 6 * a * width, (a, b, start, most / a / width)
        # It is not searched for what it is too low for, nor are jumps that are the function's own.
        calls = []
        assert left_out(lambda t: calls.append(t) or f(t), steps, 1.0, 0.0, 2.0**-40, width * 2.0**-9) == (0.0, 0.0)
        assert not calls
        assert left_out(f, steps, a * width, width * 2.0**-20, 2.0**-40, width / 2) == (0.0, 0.0)


def test_a_smooth_function_leaves_out_nothing():
    for f in (math.sin, math.exp, math.atan, lambda t: t**5 - t**2, lambda t: 1 / (1 + t * t)):
        assert left_out(f, [4.0**-k for k in range(-1, 12)], 1e-3, 1e-15, 1e-16, 1.0) == (0.0, 0.0)
