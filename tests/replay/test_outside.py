"""A program takes numbers from outside of its function for constants; when they change, that is said."""

import math
import statistics
import sys
import types
import warnings
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import StaleTraceWarning, replay
from autograd_core.replay import outside

pytest.importorskip("llvmlite")
scale = 2.0
settings = types.SimpleNamespace(rate=2.0, deep=types.SimpleNamespace(rates=[2.0, 3.0]))
table = np.array([2.0, 3.0])
weight = ag.Value(2.0)
UNSET = math.nan
calls = 0


class Model:
    gain = 2.0

    def __init__(self):
        self.w = 2.0

    @property
    def twice(self):
        return 2 * self.w

    def part(self, x):
        return next(self.w * v for v in [x])

    def __call__(self, x):
        return self.part(x) * self.gain


def of_global(x):
    return x * scale


def of_helper(x):
    return of_global(x) + 1


def counted(x):
    global calls
    calls += 1
    return x


def closure():
    k = 2.0

    def f(x):
        return x * k

    def change():
        nonlocal k
        k = 5.0

    return f, change


def change(thing, name, to):
    return lambda monkeypatch: monkeypatch.setattr(thing, name, to)


def change_item(things, to):
    return lambda _: things.__setitem__(0, to)


here = sys.modules[__name__]
captured, change_captured = closure()
made = Model()
outer = ag.Value(2.0, label="w")
hidden = {"w": ag.Value(2.0)}
CASES = [
    (of_global, "scale was 2.0 while tracing and is 5.0 now", change(here, "scale", 5.0)),
    (of_helper, "scale was 2.0", change(here, "scale", 5.0)),
    (partial(of_global), "scale was 2.0", change(here, "scale", 5.0)),
    (ag.grad(lambda x: x * scale), "scale was 2.0", change(here, "scale", 5.0)),
    (captured, "k was 2.0 while tracing and is 5.0", lambda _: change_captured()),
    (lambda x: x * settings.rate + settings.rate, "settings.rate was 2.0", change(settings, "rate", 5.0)),
    (lambda x: x * settings.deep.rates[0], "settings.deep.rates has changed", change_item(settings.deep.rates, 5.0)),
    (lambda x: x * settings.rate, "settings.rate has changed", change(settings, "rate", "high")),
    (lambda x: ag.dot([x, x], table), "table has changed", change_item(table, 5.0)),
    (lambda x: ag.dot([x, x], table.tolist()), "table has changed", change_item(table, 6.0)),
    (made, "self.w was 2.0", change(made, "w", 5.0)),
    (made.part, "self.w was 2.0", change(made, "w", 5.0)),
    (lambda x: made(x), "self.gain was 2.0", change(Model, "gain", 5.0)),
    (lambda x: weight * x, "weight was 2.0", change(weight, "data", 5.0)),
    (lambda x: weight * x, "weight was 2.0", change(here, "weight", ag.Value(5.0))),
    (lambda x: weight.data * x, "weight.data was 2.0", change(weight, "data", 5.0)),
    (lambda x: hidden["w"] * x, "a Value from outside was 2.0", change(hidden["w"], "data", 5.0)),
]  # fmt: skip


@pytest.mark.parametrize(("f", "message", "changes"), CASES, ids=[message for _, message, _ in CASES])
def test_a_changed_number_is_named_once_where_the_function_is_called(monkeypatch, f, message, changes):
    compiled = replay.compile(f, 1.0)
    before = compiled(1.0)
    with monkeypatch.context() as patch:
        changes(patch)
        with pytest.warns(StaleTraceWarning, match=message) as caught:
            assert compiled(1.0) == before
        assert [w.filename for w in caught] == [__file__]
        assert compiled(1.0) == before  # said once


def test_a_graph_that_stands_and_what_is_derived_from_it(monkeypatch):
    x = ag.Value(1.0)
    compiled = replay.compile(x * x * outer, inputs=[x])
    hessian = compiled.hessian
    monkeypatch.setattr(outer, "data", 5.0)
    with pytest.warns(StaleTraceWarning, match=r"compiled graph: w was 2\.0"):
        assert compiled.bind(3.0).inputs[0] == 3.0
    with pytest.warns(StaleTraceWarning, match=r"compiled the Hessian of graph: w was 2\.0"):
        assert hessian(3.0)[0][0] == 4.0


def test_as_an_error_it_comes_every_time(monkeypatch):
    compiled = replay.compile(of_global, 1.0)
    monkeypatch.setattr(here, "scale", 5.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", StaleTraceWarning)
        for _ in range(2):
            with pytest.raises(StaleTraceWarning, match="scale"):
                compiled(1.0)


def unassigned():
    def f(x):
        return later * x if x.data > 1 else x

    compiled = replay.compile(f, 1.0)
    later = 2.0
    return compiled


def test_what_is_no_change():
    assert replay.compile(counted, 1.0)(2.0) == 2.0  # a counter of the function's own
    compiled = replay.compile(lambda x: x + UNSET, 1.0)  # NaN is unequal to itself
    assert math.isnan(compiled(1.0))
    values = [ag.Value(math.nan)]
    assert math.isnan(replay.compile(lambda x: x * values[0], 1.0)(1.0))
    assert replay.compile(lambda x: x * len("text"), 1.0)(1.0) == 4.0
    assert replay.compile(lambda x: x * made.twice, 1.0)(1.0) == 4.0  # a property is code: it is not asked
    assert replay.compile(lambda x: x * statistics.fmean([1.0, 3.0]), 1.0)(1.0) == 2.0


def test_what_has_no_value_yet_is_no_number():
    assert unassigned()(3.0) == 3.0


def test_large_data_and_many_functions_are_left_alone(monkeypatch):
    data = list(range(outside.MOST_NUMBERS + 1))
    compiled = replay.compile(lambda x: x * data[1], 1.0)
    data[1] = 7
    assert compiled(2.0) == 2.0
    monkeypatch.setattr(outside, "MOST_FUNCTIONS", 1)
    compiled = replay.compile(of_helper, 1.0)
    monkeypatch.setattr(here, "scale", 5.0)
    assert compiled(1.0) == 3.0
