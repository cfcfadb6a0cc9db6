"""Data sets: shapes, labels, and the same numbers from the same seed."""

import math
import random
import statistics
import sys

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


def test_wine_is_the_real_data():
    pytest.importorskip("sklearn")
    X, y = datasets.wine()
    # the rows that Downing's table shows (alcohol, malic acid, ash, alcalinity, magnesium, phenols)
    assert X[0][:6] == [14.23, 1.71, 2.43, 15.6, 127.0, 2.8]
    assert X[1][:6] == [13.2, 1.78, 2.14, 11.2, 100.0, 2.65]
    assert {len(row) for row in X} == {13}
    assert [y.count(k) for k in range(3)] == [59, 71, 48]
    assert all(type(x) is float for row in X for x in row)
    assert all(type(label) is int for label in y)


def test_digits_are_the_real_data():
    pytest.importorskip("sklearn")
    X, y = datasets.digits()
    assert (len(X), {len(row) for row in X}, set(y)) == (1797, {64}, set(range(10)))
    assert {min(map(min, X)), max(map(max, X))} == {0.0, 16.0}


@pytest.mark.parametrize("name", ["wine", "digits"])
def test_real_data_without_scikit_learn(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ag.MissingExtraError, match=rf"nn.datasets.{name} needs scikit-learn: pip install 'autograd-core\[data\]'"):
        getattr(datasets, name)()
