"""Where shares saturate, formulas and functions subtract large numbers: what is left of these is no fault."""

import pytest

from autograd_core.testing import check_gradient

np = pytest.importorskip("numpy")


def step(costs, temperature):
    """A step of Sinkhorn's iteration for two by two costs: rows are normalized, then columns summed."""
    z = -costs.reshape(2, 2) / temperature
    z = z - np.logaddexp.reduce(z, 1, keepdims=True)
    return -temperature * np.logaddexp.reduce(z, 0).sum()


def slopes(costs, temperature):
    z = -costs.reshape(2, 2) / temperature
    rows = np.logaddexp.reduce(z, 1, keepdims=True)
    columns = np.logaddexp.reduce(z - rows, 0)
    shares = np.exp(z - rows - columns)
    moved = shares - np.exp(z - rows) * shares.sum(1, keepdims=True)
    return moved.ravel(), -columns.sum() + np.sum(moved * z)


SATURATED = [
    ([1e-20, 92.40178119, 72.12570239, 1.65605356], 0.5),
    ([7.67962954, 1.02124545e-22, 27.7745557, 59.4268398], 1.5),
    ([46.2859099, 46.2859099, 46.2859099, 46.2859099], 0.5),
    ([97.8984774, 6.35671171e-16, 4.79478601, 78.9562398], 1.5),
    ([1.9, 36.75690319, 63.86635983, 10.00494258], 0.5),
    ([99.20171173, 8.0587654, 0.5, 27.68882435], 0.5),
    ([23.6606959, 46.8615767, 99.6299725, 6.10351562e-05], 1.0),
    ([3.06805952e-240, 79.4109264, 56.9306972, 26.6297135], 1.1),
    ([47.4786355, 6.10351562e-05, 6.10351562e-05, 98.0814144], 1.9),
]


@pytest.mark.parametrize(("costs", "temperature"), SATURATED)
def test_the_right_derivative_of_shares_that_saturate(costs, temperature):
    args = np.array(costs), temperature
    report = check_gradient(step, args, derivative=slopes)
    assert report.faultless, str(report)
    # What is off by more than rounding of numbers as large as slopes are further out is seen.
    for wrong in (1e-3, -1e-3):
        off = check_gradient(step, args, derivative=lambda c, t, wrong=wrong: (slopes(c, t)[0] + wrong, slopes(c, t)[1]))
        assert off.verdict.value == "WRONG", str(off)


def test_a_derivative_that_is_0_everywhere_does_not_saturate():
    args = np.array(SATURATED[0][0]), 0.5
    assert check_gradient(step, args, derivative=slopes)
    assert not check_gradient(step, args, derivative=(np.zeros(4), 0.0)).faultless
    assert not check_gradient(step, args, derivative=lambda c, t: (np.zeros(4), 0.0)).faultless
    for x in (-20.0, -30.0, -100.0):  # further out an exponential has no bound that its rounding could be a share of
        assert not check_gradient(np.exp, (x,), derivative=lambda x: np.where(x > 0, np.exp(x), 0.0)).faultless


@pytest.mark.parametrize("bug", [lambda m: -m, lambda m: m / 2, np.zeros_like, np.abs])
def test_where_shares_do_not_saturate_bugs_are_seen(bug):
    for costs in ([1.0, 2.0, 3.0, 1.5], [0.0, 5.0, 2.0, 1.0], [10.0, 11.0, 13.0, 9.0]):
        args = np.array(costs), 1.0
        assert check_gradient(step, args, derivative=slopes)
        wrong = check_gradient(step, args, derivative=lambda c, t: (bug(slopes(c, t)[0]), slopes(c, t)[1]))
        assert wrong.verdict.value == "WRONG", str(wrong)
