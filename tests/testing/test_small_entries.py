"""A small entry beside large ones is judged by what is known of it, not by what the large ones are."""

import math

import pytest

import autograd_core as ag
from autograd_core.testing import check_gradient

ENTRIES = (1.1, -2.0, 0.3)
SEEN = 2.0**12  # roundings of the result, above which a fault of one entry is to be seen
SEEN_OF_A_DIGIT = 2.0**14  # and one that leaves the first digit

# The function of each number, its derivative, and what is left of that if somebody forgets the inner one.
TERMS = {
    "hard swish": (
        lambda np, x: x * np.clip(x + 3, 0, 6) / 6,
        lambda np, x: np.where(x <= -3, 0, np.where(x >= 3, 1, (2 * x + 3) / 6)),
        lambda np, x: np.clip(x + 3, 0, 6) / 6,
    ),
    "silu": (
        lambda np, x: x / (1 + np.exp(-x)),
        lambda np, x: (1 + x * (1 - 1 / (1 + np.exp(-x)))) / (1 + np.exp(-x)),
        lambda np, x: 1 / (1 + np.exp(-x)),
    ),
    "x tanh x": (
        lambda np, x: x * np.tanh(x),
        lambda np, x: np.tanh(x) + x * (1 - np.tanh(x) ** 2),
        lambda np, x: np.tanh(x),
    ),
    "square": (lambda np, x: x * x, lambda np, x: 2 * x, lambda np, x: x),
}


def faults(slope, outer):
    return {"outer factor alone": outer, "sign": -slope, "half": slope / 2, "1 %": 1.01 * slope}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TERMS)
def test_an_entry_beside_large_ones_of_another_library(name, dtype):
    np = pytest.importorskip("numpy")
    term, slope, outer = TERMS[name]
    kind = np.dtype(dtype).type

    def f(x):
        return np.sum(term(np, x))

    seen = 0
    with np.errstate(all="ignore"):
        for k, entry in enumerate(ENTRIES):
            for power in np.linspace(k / 2, 8 if dtype == "float64" else 4, 3):
                x = np.array([entry, 10**power, -7], kind)
                right = slope(np, x).astype(kind)
                report = check_gradient(f, (x,), derivative=lambda _, right=right: right)
                assert report.faultless, (x, str(report))
                for fault, number in faults(right[0], outer(np, x)[0]).items():
                    wrong = right.copy()
                    wrong[0] = number
                    off = abs(float(number) - float(right[0]))
                    if off < (SEEN_OF_A_DIGIT if fault == "1 %" else SEEN) * np.finfo(dtype).eps / 2 * abs(float(f(x))):
                        continue
                    seen += 1
                    report = check_gradient(f, (x,), derivative=lambda _, wrong=wrong: wrong)
                    assert not report.faultless, (fault, x, str(report))
                    assert report.worst.where == "args[0][0]", (fault, x, str(report))
                    assert math.isclose(report.worst.expected, right[0], rel_tol=0.05), (fault, x, str(report))
    assert seen >= 10


@pytest.mark.parametrize("large", [10.0, 3966.0, 1e6, 1e10])
def test_an_entry_beside_large_ones_of_a_recorded_function(large):
    """In 50 digits there is no rounding to hide it."""

    def f(x):
        return sum(v * ag.tanh(v) for v in x)

    def slope(x):
        return math.tanh(x) + x * (1 - math.tanh(x) ** 2)

    for entry in ENTRIES:
        x = [entry, large, -7.0]
        right = [slope(v) for v in x]
        assert check_gradient(f, (x,), derivative=lambda _, right=right: right)
        for fault, number in faults(right[0], math.tanh(entry)).items():
            wrong = [number, *right[1:]]
            report = check_gradient(f, (x,), derivative=lambda _, wrong=wrong: wrong)
            assert report.verdict.value == "WRONG", (fault, x, str(report))
            assert report.worst.where == "args[0][0]", (fault, x, str(report))


@pytest.mark.parametrize("large", [10.0, 3966.0, 1e6])
def test_a_primitive_of_a_small_entry_beside_large_ones(large):
    """A rule of one's own with a fault, at a small operand beside large ones."""
    for fault in faults(1.0, 1.0):

        @ag.primitive
        def x_tanh(x):
            return x * ag.tanh(x)

        @x_tanh.partials
        def _(x, z, fault=fault):
            t = ag.tanh(x)
            return (faults(t + x * (1 - t * t), t)[fault],)

        for entry in ENTRIES:
            report = check_gradient(lambda x: x_tanh(x[0]) + x[1] * ag.tanh(x[1]), ([entry, large],))
            assert report.verdict.value == "WRONG", (fault, entry, str(report))
            assert report.faulty_op == "x_tanh"
