"""Schedules at their ends, in their middle, and on bad numbers."""

import math

import pytest

import autograd_core as ag
from nn import schedules


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (schedules.constant(0.5), {0: 0.5, 10**9: 0.5}),
        (schedules.linear(1.0, 0.0, steps=4), {0: 1.0, 1: 0.75, 4: 0.0, 5: 0.0}),
        (schedules.linear(0.0, 1.0, steps=4), {0: 0.0, 3: 0.75, 99: 1.0}),
        (schedules.step(1.0, every=3, factor=0.5), {0: 1.0, 2: 1.0, 3: 0.5, 6: 0.25}),
        (schedules.step(1.0, every=1), {0: 1.0, 1: 0.1}),
        (schedules.exponential(2.0, 0.5), {0: 2.0, 2: 0.5}),
        (schedules.cosine(1.0, steps=6), {0: 1.0, 2: 0.75, 3: 0.5, 4: 0.25, 6: 0.0, 7: 0.0}),
        (schedules.cosine(1.0, steps=2, end=0.5), {0: 1.0, 1: 0.75, 9: 0.5}),
        (schedules.warmup(1.0, steps=4), {0: 0.25, 3: 1.0, 4: 1.0, 9: 1.0}),
        (schedules.warmup(schedules.exponential(1.0, 0.5), steps=2), {0: 0.5, 1: 1.0, 2: 1.0, 3: 0.5}),
    ],
)
def test_rates(schedule, rates):
    assert {k: schedule(k) for k in rates} == pytest.approx(rates, abs=1e-15)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: schedules.constant(-1.0), ag.RangeError),
        (lambda: schedules.constant("1"), ag.OperandError),
        (lambda: schedules.linear(1.0, math.nan, 3), ag.RangeError),
        (lambda: schedules.linear(-1.0, 1.0, 3), ag.RangeError),
        (lambda: schedules.linear(1.0, 0.0, 0), ag.RangeError),
        (lambda: schedules.step(1.0, 2.5), ag.OperandError),
        (lambda: schedules.step(1.0, 2, -0.5), ag.RangeError),
        (lambda: schedules.exponential(1.0, -0.5), ag.RangeError),
        (lambda: schedules.cosine(1.0, 10, -1.0), ag.RangeError),
        (lambda: schedules.warmup(1.0, 0), ag.RangeError),
        (lambda: schedules.warmup(None, 3), ag.OperandError),
    ],
)
def test_bad_numbers(make, error):
    with pytest.raises(error):
        make()
