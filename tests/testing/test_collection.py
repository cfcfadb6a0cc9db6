"""The checker can fail: every planted fault is caught and named, and no right program is called wrong."""

import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from autograd_core._src.engine import ops, recording
from autograd_core._src.number_systems.floats import FLOATS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import checkers  # noqa: E402
from checkers_collection import FAULTS, PROGRAMS  # noqa: E402
from checkers_terms import Answer, Exact, Own, by_hand, ours, scipy_check_grad  # noqa: E402
from planting import planted  # noqa: E402


def names(cases):
    return [f"{case.category}: {case.name}" for case in cases]


def asked(case):
    """What this library's checker says."""
    if case.host in ("torch", "jax"):
        pytest.importorskip(case.host)
    return ours(case)


@pytest.mark.parametrize("case", FAULTS, ids=names(FAULTS))
def test_a_fault_is_caught_and_named(case):
    answer = asked(case)
    assert answer.alarm, answer
    if case.host == "own":
        assert answer.named == (case.named or case.op)


@pytest.mark.parametrize("case", PROGRAMS, ids=names(PROGRAMS))
def test_a_right_program_is_no_fault(case):
    answer = asked(case)
    assert not answer.alarm, answer


def test_what_is_collected():
    assert len(FAULTS) >= 40
    assert len(PROGRAMS) >= 40
    assert len(set(names(FAULTS + PROGRAMS))) == len(FAULTS + PROGRAMS)
    assert len({case.category for case in FAULTS}) == 10
    own = sum(case.host == "own" for case in FAULTS)
    assert 0.4 < own / len(FAULTS) < 0.6
    assert sum(case.host == "own" and case.op in ops.PRIMITIVES for case in FAULTS) >= 8


def apart(m, case):
    """How far the derivative by hand is from the exact one along a direction, relative to the terms of that sum."""
    v = [np.where(np.arange(np.size(x)) % 3 == i % 3, 1.0, 0.7).reshape(np.shape(x)) for i, x in enumerate(case.at)]
    exact = m.slope(case.function(m), case.at, v)
    hand = by_hand(case) if case.host == "own" else lambda *xs: entries(case.derivative(m)(*map(m.numbers, xs)))
    terms = [np.sum(m.numbers(g) * m.numbers(d)) for g, d in zip(hand(*case.at), v, strict=True)]
    size = (
        sum(abs(term) for term in terms) + abs(exact) + m.mp.mpf(10) ** -30
    )  # the step's own share, next to an exact 0
    return float(abs(sum(terms) - exact) / size)


def entries(gradient):
    return gradient if isinstance(gradient, tuple) else (gradient,)


FIRST_ORDER = [
    c for c in FAULTS if c.order == 1 and c.derived and c.found != "not finite" and "at the kink" not in c.name
]
BY_HAND = [c for c in PROGRAMS if c.derived and not c.kink]


@pytest.mark.parametrize("case", FIRST_ORDER, ids=names(FIRST_ORDER))
def test_a_fault_is_one(case):
    assert apart(Exact(), case) > 2e-13


@pytest.mark.parametrize("case", BY_HAND, ids=names(BY_HAND))
def test_a_derivative_by_hand_is_right(case):
    assert apart(Exact(), case) < 1e-13


SECOND_ORDER = [c for c in FAULTS if c.order == 2]


@pytest.mark.parametrize("case", SECOND_ORDER, ids=names(SECOND_ORDER))
def test_a_second_order_fault_is_one_in_second_order_only(case):
    (x,), m = case.at, Exact()
    h = m.mp.mpf(10) ** -40
    f = case.function(m)
    up, here, down = f(x + h), f(m.mp.mpf(x)), f(x - h)
    with Own() as own:
        g = case.function(own)
        assert ag.grad(g)(x) == pytest.approx(float((up - down) / (2 * h)), rel=1e-14)
        assert ag.grad(ag.grad(g))(x) != pytest.approx(float((up - 2 * here + down) / h**2), rel=0.1)


def test_a_planted_rule_is_put_back():
    case = next(c for c in FAULTS if c.op == "mul")
    with Own() as m:
        case.function(m)
        assert ag.grad(lambda x: x * 2.0)(1.0) != 2.0
    assert ag.grad(lambda x: x * 2.0)(1.0) == 2.0


@pytest.mark.parametrize("name", ["exp", "abs", "mul", "logsumexp"])
def test_a_rule_is_planted_wherever_nodes_are_made_and_leaves_nothing(name):
    """Functions that make nodes are compiled at their first call, those under a context by themselves."""
    primitive = ops.PRIMITIVES[name]
    count = primitive.arity or 2
    xs = [ag.Value(0.5 + i) for i in range(count)]
    ways = [lambda: recording.record(primitive, *xs)] * (recording.RECURS + 1)
    ways += {"abs": [lambda: abs(xs[0]), lambda: recording.BUILDERS[primitive](xs[0])],
             "mul": [lambda: xs[0] * xs[1]], "logsumexp": [lambda: recording.record_many(primitive, xs)] * 10,
             "exp": [lambda: xs[0].exp(), lambda: recording.FUSED["exp"](xs[0])]}[name]  # fmt: skip

    def found():
        with ag.scope("here"):
            scoped = {way().local_grads for way in ways}
        return scoped | {way().local_grads for way in ways}

    right = tuple(float(d) for d in primitive.partials(FLOATS, *(x.data for x in xs), ways[0]().data))
    assert found() == {right}
    for wrong in (7.0, 11.0, 7.0):
        with planted(primitive, lambda m, *xs_and_z, wrong=wrong: (wrong,) * count):
            assert found() == {(wrong,) * count}
    assert found() == {right}


def test_scipy_is_asked_in_its_own_terms():
    pytest.importorskip("scipy")
    found = {case: scipy_check_grad(case) for case in FAULTS}
    assert all(answer.alarm for case, answer in found.items() if case.category in ("wrong sign", "missing factor"))
    assert {case.order for case, answer in found.items() if answer.alarm is None} == {2}


def answered(alarm=lambda case: case.fault):
    return {
        case: Answer(alarm(case), "WRONG" if alarm(case) else "RIGHT", case.named or case.op)
        for case in FAULTS + PROGRAMS
    }


def test_the_tables_count_what_was_answered():
    found = dict.fromkeys(checkers.CHECKERS, "No module named 'peer'")
    found["this library"] = answered()
    page = checkers.tables(found)
    assert f"| **faults caught** | {len(FAULTS)} of {len(FAULTS)} |" in page
    assert f"| **false alarms** | 0 of {len(PROGRAMS)} |" in page
    assert "`check_gradient` fails at none." in page
    assert "torch is missing: No module named 'peer'" in page
    found["this library"] = answered(lambda case: case in PROGRAMS[:1])
    page = checkers.tables(found)
    assert f"| **faults caught** | 0 of {len(FAULTS)} |" in page
    assert f"- missed: {FAULTS[0].name} (RIGHT)" in page
    assert f"- false alarm: {PROGRAMS[0].name} (WRONG)" in page


def test_every_answer_is_listed():
    lines = list(checkers.listed({"this library": answered(), "torch": "missing"}))
    assert len(lines) == 3 * len(FAULTS + PROGRAMS)
    assert "this library alarm" in lines[1]
    assert "this library passes" in lines[-2]
    assert lines[2].split() == ["WRONG", FAULTS[0].op]
