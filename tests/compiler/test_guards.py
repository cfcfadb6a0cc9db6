"""`if` on a Value while tracing: rows that go another way are traced anew."""

import threading

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src import compiler
from autograd_core._src.engine import contexts
from autograd_core.errors import AutogradError, GuardError


def absolute(x):
    return x if x > 0 else -x


@pytest.mark.usefixtures("backend")
def test_rows_are_parted():
    f = compiler.compile(absolute, 1.0, in_axes=0)
    xs = [1.0, -2.0, 3.0, float("nan"), 0.0, -6.0, 7.0, 8.0, -9.0, 10.0]
    values, (gradients,) = f.value_and_grad(xs)
    assert values[~np.isnan(values)].tolist() == [1, 2, 3, 0, 6, 7, 8, 9, 10]
    assert np.isnan(values[3])
    assert gradients.tolist() == [1, -1, 1, -1, -1, -1, 1, 1, -1, 1]
    assert f.n_traces == 2
    assert f(xs)[1] == 2
    assert f.n_traces == 2


@pytest.mark.usefixtures("backend")
def test_a_single_point_that_disagrees():
    f = compiler.compile(absolute, 1.0)
    assert [f(x) for x in (2.0, -2.0, 3.0)] == [2.0, 2.0, 3.0]
    assert f.n_traces == 2


@pytest.mark.usefixtures("backend")
def test_shared_gradients_of_parted_rows():
    f = compiler.compile(lambda w, x: w * x if x > 0 else w * w, 1.0, 1.0, in_axes=(None, 0), reduce="sum", argnums=0)
    values, (w,) = f.value_and_grad(3.0, [1.0, -1.0, 5.0])
    assert values.tolist() == [3.0, 9.0, 15.0]
    assert w == 1 + 6 + 5


def stairs(x):
    steps = 0
    while x > steps:
        steps += 1
    return x * steps


@pytest.mark.usefixtures("backend")
def test_max_traces():
    f = compiler.compile(stairs, 1.0, in_axes=0, max_traces=4)
    assert f([0.0, 1.0, 2.0, 3.0]).tolist() == [0.0, 1.0, 4.0, 9.0]
    assert f.n_traces == 4
    with pytest.raises(GuardError, match=r"compiled stairs: gt was .* max_traces=4 are used up; use where\(condition"):
        f([5.0])
    assert f([2.0]).tolist() == [4.0]


def test_sixteen_traces_where_nothing_is_said():
    f = compiler.compile(stairs, 1.0, in_axes=0)
    assert f([float(k) for k in range(16)]).tolist() == [float(k * k) for k in range(16)]
    assert f.n_traces == 16
    with pytest.raises(GuardError, match="max_traces=16 are used up"):
        f([16.0])


def test_guards_can_be_refused():
    f = compiler.compile(absolute, -1.0, guards="error")
    assert f(-3.0) == 3.0
    with pytest.raises(GuardError, match=r"gt was false while tracing and is true for these .* guards='error'") as e:
        f(1.0)
    assert isinstance(e.value, ValueError)
    assert isinstance(e.value, AutogradError)


def test_every_way_to_ask_is_a_guard():
    for f in (
        lambda x: x * 2 if x else x - 1,
        lambda x: x - 1 if not x else x * 2,
        lambda x: x * 2 if x and True else x - 1,
        lambda x: x * 2 if bool(x) else x - 1,
        lambda x: x * 2 if x != 0 else x - 1,
        lambda x: max([x * 2, x - 1], key=lambda y: y if x else -y) if x else x - 1,
    ):
        compiled = compiler.compile(f, 1.0)
        assert (compiled(3.0), compiled(0.0), compiled.n_traces) == (6.0, -1.0, 2)
    nested = compiler.compile(ag.grad(absolute), 1.0)
    assert (nested(3.0), nested(-3.0), nested.n_traces) == (1.0, -1.0, 2)


def test_a_guard_that_depends_on_no_argument():
    flag = Value(1.0)
    f = compiler.compile(lambda x: x if flag else -x, 1.0)
    assert (f(2.0), f.n_traces) == (2.0, 1)


def test_bool_outside_of_a_trace_is_no_guard():
    with contexts.tracing() as guards:
        assert not (Value(1.0) > 2)
        asked = list(guards.values())
    assert Value(1.0) > 0
    with contexts.no_grad():
        assert Value(1.0) > 0
    assert asked == list(guards.values()) == [False]


def test_the_result_must_have_one_shape():
    f = compiler.compile(lambda x: [x, x] if x > 0 else x, 1.0)
    with pytest.raises(ag.StructureError, match="result on another branch: expected a list of length 2"):
        f(-1.0)
    assert (f(1.0), f.n_traces) == ([1.0, 1.0], 1)


def test_another_thread_may_have_traced_the_branch_meanwhile():
    """Whoever waited for the lock finds the trace that it wanted to make, and makes no second one."""
    f = compiler.compile(absolute, 1.0)
    assert f(-1.0) == 1.0
    f._trace_again(1, np.array([-1.0]), "gt was true while tracing and is false")
    assert f.n_traces == 2
    results = {}

    def call(k):
        results[k] = f(float(k))

    threads = [threading.Thread(target=call, args=(k,)) for k in range(-8, 8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {k: float(abs(k)) for k in range(-8, 8)}
    assert f.n_traces == 2


def of_each(v):
    return ag.sum([x * x if x > 0 else -2.0 * x for x in v])


def added_up(v):
    total = 0.0
    for x in v:
        total = total + (ag.sin(x) if x > 0 else 3.0 * x)
    return total


def carried(v):
    state, total = v[0], 0.0
    for x in v:
        state = ag.tanh(state + x)
        total = total + (state * x if x > 0 else x - state)
    return total


def of_the_state(v):
    state = 0.5
    for x in v:
        state = 0.5 * state + x
        if state > 0.25:
            state = state - 0.125 * x
    return state


def of_neighbours(v):
    return ag.sum([a * b if a < b else a + b for a, b in zip(v, [*v[1:], v[0]], strict=True)])


@pytest.mark.parametrize("f", [of_each, added_up, carried, of_the_state, of_neighbours])
@pytest.mark.parametrize(
    ("count", "options"), [(5, {}), (100, {}), (100, {"optimize": False}), (100, {"dtype": "float32"}), (5, {"in_axes": 0})]
)
def test_guards_of_copies_are_seen(f, count, options):
    """Copies become loops, which keep what only the guards read, too; one that breaks is met in every call."""
    rng = np.random.default_rng(count)
    before = rng.uniform(0.1, 0.2, count)
    points = [before, before.copy(), -before]
    points[1][count // 2] = -0.15
    call = compiler.compile(f, before, **options)
    bound = compiler.compile(f, before, **options).bind(before[None] if options.get("in_axes") == 0 else before)
    loose = {"rtol": 1e-4, "atol": 1e-5} if "dtype" in options else {"rtol": 1e-9}
    for point in points:
        value, gradient = ag.value_and_grad(f)(point)
        given = point[None] if options.get("in_axes") == 0 else point
        found, (slopes,) = call.value_and_grad(given)
        np.testing.assert_allclose(np.ravel(found), [value], **loose)
        np.testing.assert_allclose(np.ravel(slopes), gradient, **loose)
        np.testing.assert_allclose(np.ravel(call(given)), [value], **loose)
        bound.inputs[0][...] = point
        bound()
        np.testing.assert_allclose(np.ravel(bound.out), [value], **loose)
        np.testing.assert_allclose(np.ravel(bound.grads[0]), gradient, **loose)
    assert 2 <= call.n_traces <= 4
