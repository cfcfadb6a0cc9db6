"""Data sets: shapes, labels, and the same numbers from the same seed."""

import math
import random
import statistics

import pytest

import autograd_core as ag
from nn import datasets


def test_xor():
    X, y = datasets.xor()
    assert [(a != b) for a, b in X] == [bool(label) for label in y]
    assert datasets.xor(labels=(-1, 1))[1] == [-1, 1, 1, -1]


def test_moons_lie_on_their_half_circles():
    X, y = datasets.moons(101, noise=0.0, seed=3)
    assert y.count(0) == 50
    assert y.count(1) == 51
    for (a, b), label in zip(X, y, strict=True):
        centre = (0.0, 0.0) if label == 0 else (1.0, 0.5)
        assert math.dist((a, b), centre) == pytest.approx(1.0)
        assert (b >= -1e-15) if label == 0 else (b <= 0.5 + 1e-15)
    assert y != sorted(y)


def test_noise_has_the_spread_asked_for():
    clean, noisy = (datasets.moons(2000, noise=s, seed=5)[0] for s in (0.0, 0.25))
    rests = [b - a for p, q in zip(clean, noisy, strict=True) for a, b in zip(p, q, strict=True)]
    assert statistics.pstdev(rests) == pytest.approx(0.25, rel=4 / math.sqrt(2 * 4000))
    assert statistics.fmean(rests) == pytest.approx(0.0, abs=4 * 0.25 / math.sqrt(4000))


def test_seeds():
    assert datasets.moons(10, seed=1) == datasets.moons(10, seed=1) == datasets.moons(10, seed=random.Random(1))
    assert datasets.moons(10) == datasets.moons(10, seed=0) != datasets.moons(10, seed=1)
    assert datasets.moons(10, seed=None) != datasets.moons(10, seed=None)


NUMBERS = [[1.0052191988282608, -0.10434089742005737], [-0.006700651572905798, 0.6194746678749998]]


def test_the_numbers_are_the_same_on_every_machine():
    X, y = datasets.moons(2, noise=0.1, seed=0, labels=("out", "in"))
    assert y == ["out", "in"]
    for row, expected in zip(X, NUMBERS, strict=True):
        assert row == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: datasets.moons(1), ag.RangeError),
        (lambda: datasets.moons(10.0), ag.OperandError),
        (lambda: datasets.moons(noise=-0.1), ag.RangeError),
        (lambda: datasets.moons(labels=(1,)), ag.StructureError),
        (lambda: datasets.xor(labels=3), ag.StructureError),
        (lambda: datasets.moons(seed=1.5), ag.OperandError),
    ],
)
def test_bad_arguments(call, error):
    with pytest.raises(error):
        call()
