"""What Hypothesis' explain phase sees of a check: the user's lines, not the checker's."""

import math
import sys
import types
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core._src.testing.explaining import unwatched, watched
from autograd_core.testing import check_gradient

INNER = {"graph_checker.py", "numeric_checker.py", "reference.py", "differences.py", "recording.py", "jacobians.py", "higher_order.py"}


def bell(x):
    return ag.exp(-x * x)


def plain_bell(x):
    return math.exp(-(float(x) ** 2))


def slope(x):
    return -2 * x * math.exp(-x * x)


def seen_by_tracer(call):
    scrutineer = pytest.importorskip("hypothesis.internal.scrutineer")
    with scrutineer.Tracer(should_trace=True) as tracer:
        if not tracer._should_trace:
            pytest.skip("another tracer runs")
        call()
        going_on = sys.gettrace() is not None or hasattr(sys, "monitoring")
    assert going_on
    return {place for branch in tracer.branches for place in branch if place}


@pytest.mark.parametrize(
    "call",
    [
        lambda: check_gradient(bell, (0.5,), order=2),
        lambda: check_gradient(bell, (0.5,), derivative=slope),
        lambda: check_gradient(plain_bell, (0.5,), derivative=slope),
        lambda: check_gradient(plain_bell, (0.5,), vjp=lambda x, g: g * slope(x)),
    ],
)
def test_the_tracer_sees_the_user_s_lines_alone(call):
    places = seen_by_tracer(call)
    names = {Path(file).name for file, _ in places}
    assert not names & INNER
    f = bell if "order" in call.__code__.co_names or (bell.__name__ in call.__code__.co_names) else plain_bell
    assert (__file__, f.__code__.co_firstlineno + 1) in places


def test_an_error_on_the_way_leaves_the_tracer_running():
    def fails(x):
        raise ValueError(x)

    def call():
        with pytest.raises(ValueError, match="raised"):
            check_gradient(fails, (0.5,))
        slope(0.5)

    assert (__file__, slope.__code__.co_firstlineno + 1) in seen_by_tracer(call)


def test_other_tracers_are_left_alone():
    lines = []

    def tracer(frame, event, arg):
        lines.append(Path(frame.f_code.co_filename).name)

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        check_gradient(plain_bell, (0.5,), derivative=slope)
    finally:
        sys.settrace(before)
    assert "numeric_checker.py" in lines


def test_python_s_monitoring_is_suspended_and_goes_on(monkeypatch):
    pytest.importorskip("hypothesis.internal.scrutineer")
    events = {3: 16}
    monitoring = types.SimpleNamespace(
        get_tool=lambda tool: "scrutineer", get_events=events.__getitem__, set_events=events.__setitem__
    )
    monkeypatch.setattr(sys, "monitoring", monitoring, raising=False)
    with unwatched():
        assert events == {3: 0}
        with watched():
            assert events == {3: 16}
            with unwatched():
                assert events == {3: 0}
            assert events == {3: 16}
        assert events == {3: 0}
    assert events == {3: 16}
