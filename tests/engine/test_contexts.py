"""`no_grad`, `scope`, `detect_anomaly`: what they do, and that they hold for their own thread and task."""

import asyncio
import dis
import itertools
import math
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.engine import contexts, recording
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.provenance import NO_NOTE

inf, nan = math.inf, math.nan

# --- no_grad --------------------------------------------------------------------------------------


def test_no_grad_records_nothing():
    x, y = Value(3.0), Value(2.0)
    with ag.no_grad():
        results = [x * y, x + 1, 2 - x, ag.sin(x), ag.sum([x, y]), ag.dot([x], [2.0]), ag.where(x > 0, x, y), x < y, -x]
    assert [z.data for z in results] == [6.0, 4.0, -1.0, math.sin(3.0), 5.0, 6.0, 3.0, 0.0, -3.0]
    for z in results:
        assert (z.parents, z.op, z.local_grads) == ((), "", ())
    assert (x * y).op == "mul"


def test_no_grad_as_a_decorator_and_nested():
    @ag.no_grad()
    def double(x):
        with ag.no_grad():
            pass
        return x * 2

    assert double(Value(3.0)).parents == ()
    assert double(Value(3.0)).parents == ()
    assert len((Value(3.0) * 2).parents) == 2


def test_no_grad_ends_when_an_error_passes():
    with pytest.raises(ZeroDivisionError), ag.no_grad():
        1 / 0  # noqa: B018
    assert len((Value(3.0) * 2).parents) == 2


def test_a_transform_records_within_no_grad():
    with ag.no_grad():
        assert ag.grad(lambda x: x * x)(3.0) == 6.0
        assert (Value(1.0) * 2).parents == ()


def test_no_grad_within_a_transform_makes_constants():
    def f(x):
        with ag.no_grad():
            y = x * x
        return y * x

    assert ag.grad(f)(3.0) == 9.0
    assert ag.jvp(f, (3.0,), (1.0,)) == (27.0, 9.0)
    c = Value(4.0)

    def g(x):
        with ag.no_grad():
            y = c * c
        return y * x

    assert ag.grad(g)(3.0) == 16.0


# --- scope ----------------------------------------------------------------------------------------


def test_scopes_are_joined_and_stay_with_the_node():
    with ag.scope("layer1"):
        leaf = Value(1.0)
        with ag.scope("neuron0"):
            node = leaf * 2
            many = ag.sum([leaf, leaf])
            compared = leaf > 0
        after = leaf + 1
    outside = leaf + 1
    assert [v.scope for v in (leaf, node, many, compared, after, outside)] == [
        "layer1", "layer1/neuron0", "layer1/neuron0", "layer1/neuron0", "layer1", "",
    ]
    node.label = "n"
    assert (node.label, node.scope) == ("n", "layer1/neuron0")


@pytest.mark.parametrize("bad", [5, None, b"x", ["a"]], ids=repr)
def test_a_scope_has_a_name(bad):
    with pytest.raises(ag.OperandError, match="scope: expected a name"), ag.scope(bad):
        pass
    with pytest.raises(ag.RangeError, match="not empty"), ag.scope(""):
        pass


# --- detect_anomaly: values -----------------------------------------------------------------------

BAD_VALUES = {
    "log": lambda x: ag.log(x),
    "div": lambda x: 1 / x,
    "mul": lambda x: (x + 1e200) * 1e200,
    "pow": lambda x: (x - 8) ** 0.5,
    "sum": lambda x: ag.sum([x, inf]),
    "dot": lambda x: ag.dot([x], [nan]),
    "exp": lambda x: (x + 1000).exp(),
    "logsumexp": lambda x: ag.logsumexp([x, inf]),
}


@pytest.mark.parametrize("name", BAD_VALUES)
def test_the_first_value_that_is_not_finite_raises_with_name_operands_and_line(name):
    x = Value(0.0, label="x")
    with pytest.raises(ag.AnomalyError) as caught, ag.detect_anomaly():
        BAD_VALUES[name](x)
    message = str(caught.value)
    assert message.startswith(name)
    assert f"{__file__}, line {BAD_VALUES[name].__code__.co_firstlineno}" in message
    if name in ("log", "div", "sum", "dot", "logsumexp"):
        assert "x = 0.0" in message


def test_finite_graphs_pass_and_nothing_is_watched_outside():
    x = Value(2.0)
    with ag.detect_anomaly():
        y = ag.log(x) * x
        y.backward()
    assert x.grad == 1 + math.log(2)
    assert ag.log(Value(0.0)).data == -inf


def test_plain_numbers_and_fractions_under_detect_anomaly():
    from fractions import Fraction

    with ag.detect_anomaly():
        assert (Value(Fraction(10**400)) * 2).data == 2 * 10**400
        assert (Value(Fraction(1, 3)) * 3).data == 1


# --- detect_anomaly: gradients --------------------------------------------------------------------


def test_the_first_gradient_that_is_not_finite_names_its_origin_and_changes_nothing():
    x, y = Value(0.0, label="x"), Value(5.0)
    with ag.detect_anomaly():
        root = ag.sqrt(x); line = root._note.site  # noqa: E702
        z = root * 2 + y
        y.grad = 7.0
        with pytest.raises(ag.AnomalyError) as caught:
            z.backward()
    message = str(caught.value)
    assert "the gradient of x = 0.0 became inf" in message
    assert "sqrt" in message
    assert line in message
    assert line.startswith(f"{__file__}, line ")
    assert (x.grad, y.grad, z.grad, root.grad) == (0.0, 7.0, 0.0, 0.0)


def test_a_graph_made_before_says_so():
    x = Value(0.0, label="x")
    y = ag.sqrt(x)
    with pytest.raises(ag.AnomalyError, match=r"sqrt \(made outside of detect_anomaly\(\)\)"), ag.detect_anomaly():
        y.backward()


def test_of_several_users_the_guilty_one_is_named():
    x = Value(0.0, label="x")
    for z in (ag.sqrt(x) + ag.sin(x), ag.sin(x) + ag.sqrt(x), ag.sin(x) + ag.sqrt(x) + ag.cos(x) * x):
        with pytest.raises(ag.AnomalyError, match="sqrt .* sent it"), ag.detect_anomaly():
            z.backward()


def test_finite_gradients_whose_sum_overflows():
    x = Value(0.5, label="x")
    y = x * 1e308 + x * 1e308
    with pytest.raises(ag.AnomalyError, match="the gradient of x = 0.5 became inf"), ag.detect_anomaly():
        y.backward()
    assert x.grad == 0.0


@pytest.mark.parametrize("seed", [inf, nan, -inf])
def test_a_seed_that_is_not_finite(seed):
    for root in (Value(1.0), Value(1.0) * Value(2.0)):
        with pytest.raises(ag.AnomalyError, match="seed"), ag.detect_anomaly():
            root.backward(seed)
        assert root.grad == 0.0


def test_transforms_are_watched_as_well():
    x = Value(0.0, label="x")
    for attempt in (
        lambda: ag.grad(ag.sqrt)(0.0),
        lambda: ag.grad_of(ag.sqrt(x), [x]),
        lambda: ag.vjp(ag.sqrt, 0.0)[1](1.0),
        lambda: ag.jacobian(lambda v: [ag.sqrt(v[0])])([0.0]),
    ):
        with pytest.raises(ag.AnomalyError), ag.detect_anomaly():
            attempt()


def test_tangents_are_watched_as_well():
    for attempt in (
        lambda: ag.jvp(ag.sqrt, (0.0,), (1.0,)),
        lambda: ag.jvp(ag.sqrt, (Value(0.0, label="x"),), (1.0,)),
        lambda: ag.jacobian(lambda v: [ag.sqrt(v[0]), v[0]], mode="forward")([0.0]),
    ):
        with pytest.raises(ag.AnomalyError, match="the tangent of sqrt = 0.0 became inf, from"), ag.detect_anomaly():
            attempt()
    with pytest.raises(ag.AnomalyError, match="became inf, from the tangent that was given"), ag.detect_anomaly():
        ag.jvp(ag.sin, (0.0,), (inf,))
    with ag.detect_anomaly():
        assert ag.jvp(ag.sqrt, (4.0,), (1.0,)) == (2.0, 0.25)


def test_a_guard_that_works_is_no_anomaly():
    x = Value(0.0)
    with ag.detect_anomaly():
        y = ag.where(x > 0, ag.sqrt(x), 0)
        y.backward()
    assert x.grad == 0.0


GUARDS = {
    "where, log at 0": (lambda x: ag.where(x > 0, ag.log(x), 0.0), 0.0),
    "where, sqrt below 0": (lambda x: ag.where(x > 0, ag.sqrt(x), 0.0), -1.0),
    "where, the second side": (lambda x: ag.where(x <= 0, x, 1 / x), 0.0),
    "where, further on": (lambda x: ag.where(x > 0, 2 * ag.log(x) + 1, 0.0) * x, 0.0),
    "where within where": (lambda x: ag.where(x > 0, ag.log(x), ag.where(x < 0, ag.log(-x), 3 * x)), 0.0),
    "a mask": (lambda x: ag.softmax([x, -inf])[0], 0.0),
    "a masked entry": (lambda x: ag.softmax([x, -inf])[1], 0.0),
    "an infinity that ends finite": (lambda x: ag.exp(-1 / x) + ag.atan(1 / x), 0.0),
    "max of infinities": (lambda x: ag.maximum(ag.log(x), x), 0.0),
    "a condition": (lambda x: ag.where(ag.log(x) > -5, 1.0, x), 0.0),
    "a gradient that is stopped": (lambda x: ag.sqrt(ag.relu(x)), -1.0),
    "a gradient that is stopped further on": (lambda x: 3 * ag.sqrt(ag.relu(2 * x) * 5), -1.0),
    "an infinity that is clipped": (lambda x: ag.clip(1 / x, 0.0, 1.0), 0.0),
    "a flat function": (lambda x: ag.exp(-1 / (x * x)), 0.0),
    "python's if": (lambda x: [ag.log(x), x][x.data <= 0] * 1.0, 0.0),
}


def ways_to_differentiate(f, at):
    """The same derivative: by a graph that is called backward, by transforms, by both modes."""
    x = Value(at)
    yield lambda: f(x).backward()
    yield lambda: ag.grad(f)(at)
    yield lambda: ag.value_and_grad(f)(at)
    yield lambda: ag.vjp(f, at)[1](1.0)
    yield lambda: ag.grad_of(f(x), [x])
    yield lambda: ag.grad_of(f(x), [x], create_graph=True)
    yield lambda: ag.jacobian(lambda x: [f(x)])(at)
    yield lambda: ag.jacobian(lambda x: [f(x)], mode="forward")(at)
    yield lambda: ag.jvp(f, (at,), (1.0,))
    yield lambda: ag.jvp(f, (x,), (1.0,))


@pytest.mark.parametrize("name", GUARDS)
def test_a_guarded_side_that_reaches_no_result_is_no_anomaly(name):
    f, at = GUARDS[name]
    for way in ways_to_differentiate(f, at):
        with ag.detect_anomaly():
            way()
    if name != "python's if":  # where nothing is differentiated, all that nothing was computed from is a result
        with ag.detect_anomaly():
            assert math.isfinite(f(Value(at)).data)


def test_a_gradient_that_is_not_stopped_is_named_by_what_sent_it_first():
    x = Value(0.0, label="x")
    with pytest.raises(ag.AnomalyError, match=r"the gradient of mul = 0.0 became inf: sqrt .* of mul = 0.0 sent it"), ag.detect_anomaly():
        (1 + ag.sqrt(2 * x)).backward()
    y = ag.relu(Value(-1.0))
    with pytest.raises(ag.AnomalyError, match="the gradient of relu = 0.0 became inf"), ag.detect_anomaly():
        ag.grad_of(ag.sqrt(y), [y])
    z = Value(0.0)
    with ag.detect_anomaly():  # nobody asks for the gradient to z
        assert ag.grad_of(ag.sqrt(z) + 3 * x, [x]) == [3.0]


UNGUARDED = {
    "log": (lambda x: ag.log(x), 0.0, "log gave -inf from x = 0.0"),
    "sqrt": (lambda x: 1 + 2 * ag.sqrt(x), -1.0, "sqrt gave nan from x = -1.0"),
    "the chosen side": (lambda x: ag.where(x >= 0, ag.log(x), ag.sqrt(x - 1)), 0.0, "log gave -inf from x = 0.0"),
    "0 times": (lambda x: x * ag.log(x), 0.0, "log gave -inf from x = 0.0"),
    "infinite data": (lambda x: ag.sin(x), inf, "sin gave nan from "),
    "an infinite constant": (lambda x: ag.where(x < 1, inf, ag.log(x)), 0.0, "where gave inf from lt = 1.0, "),
    "the one of two that is chosen": (lambda x: ag.minimum(1 / x, ag.log(x)) + 1, 0.0, "log gave -inf from x = 0.0"),
    "beside a guard": (lambda x: ag.where(x > 0, ag.sqrt(x - 1), 1.0) - 1 / x, 0.0, "div gave inf from 1.0 = 1.0, x = 0.0"),
}


@pytest.mark.parametrize("name", UNGUARDED)
def test_a_value_that_reaches_the_result_is_reported_by_its_first_operation(name):
    f, at, said = UNGUARDED[name]

    def named(x):
        x.label = x.label or "x"
        return f(x)

    for way in (*ways_to_differentiate(named, at), lambda: named(Value(at))):
        with pytest.raises(ag.AnomalyError) as caught, ag.detect_anomaly():
            way()
        assert str(caught.value).startswith(said.replace("1.0 = 1.0", "a leaf = 1.0")), caught.value
        assert f"{__file__}, line " in str(caught.value)


def test_a_value_is_let_pass_when_it_goes_into_another_one():
    x = Value(0.0, label="x")
    with ag.detect_anomaly():
        y = ag.log(x)
        assert y.data == -inf  # nothing is known yet
        z = ag.where(x > 0, y, 1.0)
    assert z.data == 1.0
    with pytest.raises(ag.AnomalyError, match="log gave -inf"), ag.detect_anomaly():
        assert ag.log(x) < 3  # which uses nothing up


def test_results_after_the_last_derivative_are_looked_at_too():
    x = Value(0.0, label="x")
    def trained():
        with ag.detect_anomaly():
            ag.sin(x).backward()
            return ag.log(x)

    with pytest.raises(ag.AnomalyError, match="log gave -inf"):
        trained()
    with pytest.raises(ag.AnomalyError, match="log gave -inf"), ag.detect_anomaly(), ag.no_grad():
        _ = ag.log(x)


def test_an_error_in_the_block_passes_as_it_is():
    with pytest.raises(ZeroDivisionError), ag.detect_anomaly():
        ag.log(Value(0.0)).backward(1 / 0)
    with ag.detect_anomaly():
        y = ag.log(Value(0.0))
        with pytest.raises(ag.AnomalyError):
            y.backward()  # said once, not again at the end


def test_a_root_made_before_and_one_within_another_block():
    y = 2 * ag.log(Value(0.0, label="x"))
    outside = r"log gave -inf from x = 0.0, made outside of detect_anomaly\(\)"
    with pytest.raises(ag.AnomalyError, match=outside), ag.detect_anomaly():
        y.backward()
    with ag.detect_anomaly(), pytest.raises(ag.AnomalyError, match="log"), ag.detect_anomaly():
        ag.log(Value(0.0))


def test_constants_are_no_anomaly():
    e = Value(-7.0)
    with ag.detect_anomaly():
        (e**2).backward()
        (2 / (e**3)).backward()
        assert ag.grad(ag.grad(lambda x: x**3))(-7.0) == -42.0


# --- threads and tasks ----------------------------------------------------------------------------


def what_holds():
    """The contexts that hold here, as seen from a node; the place of its making tells whether anomalies are detected."""
    node = Value(1.0) * 2
    return bool(node.parents), node.scope, bool(getattr(node, "_note", NO_NOTE).site)


CONTEXTS = {
    "no_grad": (ag.no_grad, (False, "", False)),
    "scope a": (lambda: ag.scope("a"), (True, "a", False)),
    "scope b": (lambda: ag.scope("b"), (True, "b", False)),
    "anomaly": (ag.detect_anomaly, (True, "", True)),
    "none": (ExitStack, (True, "", False)),
}


def test_each_context_holds_for_its_own_thread():
    barrier = threading.Barrier(len(CONTEXTS), timeout=20)
    seen = {}

    def work(name):
        with CONTEXTS[name][0]():
            barrier.wait()
            seen[name] = what_holds()
            barrier.wait()

    threads = [threading.Thread(target=work, args=(name,)) for name in CONTEXTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {name: expected for name, (_, expected) in CONTEXTS.items()}


def test_each_context_holds_for_its_own_task():
    async def work(name):
        with CONTEXTS[name][0]():
            for _ in range(3):
                await asyncio.sleep(0)
                assert what_holds() == CONTEXTS[name][1]
        return what_holds()

    async def everything():
        return await asyncio.gather(*map(work, CONTEXTS))

    assert asyncio.run(everything()) == [(True, "", False)] * len(CONTEXTS)


def test_a_transform_marks_its_own_thread_alone():
    inside, done = threading.Event(), threading.Event()

    def f(x):
        inside.set()
        done.wait(20)
        return x * x

    thread = threading.Thread(target=lambda: ag.grad(f)(1.0))
    thread.start()
    inside.wait(20)
    with pytest.warns(ag.GraphCutWarning):
        assert float(Value(2.0)) == 2.0  # not an error: no transform runs in this thread
    done.set()
    thread.join()


def test_two_threads_can_sweep_one_graph():
    x = Value(0.5)
    y = x
    for _ in range(2000):
        y = ag.sin(y) + x
    expected = ag.grad_of(y, [x])
    results = []
    threads = [threading.Thread(target=lambda: results.append(ag.grad_of(y, [x]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


def test_the_mode_outside_of_all_contexts():
    assert contexts.current() is contexts.DEFAULT
    assert not contexts.current().transform
    with ag.scope("a"):
        assert contexts.current().scope == "a"
        assert not contexts.current().transform


def test_an_anomaly_of_a_derivative_that_is_a_graph_is_told():
    x = ag.Value(0.0, label="x")
    with ag.detect_anomaly(), pytest.raises(ag.AnomalyError, match="the gradient of x = 0.0 became inf"):
        ag.grad_of(ag.sqrt(x), [x], create_graph=True)


# --- Ctrl-C -----------------------------------------------------------------------------------------

CHECKED = ("RESUME", "CALL", "JUMP_BACKWARD", "SEND")  # after which Python looks for signals


class Interruption:
    """Ctrl-C at the k-th place in the code of blocks where Python looks for it."""

    def __init__(self, k):
        self.left, self.last = k, {}

    def __call__(self, frame, event, _):
        if Path(frame.f_code.co_filename).name not in ("contexts.py", "contextlib.py"):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            was = self.last.get(frame)
            self.last[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            if was is not None and was.startswith(CHECKED):
                self.left -= 1
                if self.left == 0:
                    sys.settrace(None)
                    raise KeyboardInterrupt
        return self


def in_blocks():
    with ag.scope("a"), ag.scope("b"):
        assert (Value(1.0) * 2).scope == "a/b"
        with ag.no_grad():
            Value(1.0) * 2
    return ag.grad(lambda x: x * x)(2.0)


def test_ctrl_c_leaves_no_block_open():
    before, places = sys.gettrace(), 0
    while True:
        interruption = Interruption(places + 1)
        sys.settrace(interruption)
        try:
            in_blocks()
        except KeyboardInterrupt:
            places += 1
        finally:
            sys.settrace(before)
        if interruption.left > 0:
            break
        interruption.last.clear()
        assert contexts.current() == contexts.DEFAULT, places
        assert (Value(1.0) * 2).scope == "", places
    assert places > 50
    assert in_blocks() == 4.0


def test_a_block_that_is_left_late_takes_no_other_away():
    """As one that Ctrl-C kept from being left, and whose traceback was kept."""
    late = contexts._entered(contexts.Mode(scope="late")).gen
    next(late)
    contexts._mode.set(contexts.DEFAULT)  # as the block around it does
    with ag.scope("now"):
        late.close()
        assert (Value(1.0) * 2).scope == "now"
    assert contexts.current() == contexts.DEFAULT
    assert not contexts.special


FIXED = [primitive for primitive in PRIMITIVES.values() if primitive.arity in (1, 2)]
POINTS = (0.7, -1.3, 0.0, -0.0, 2.0, math.inf, math.nan, 5e-324, 1e308)


@pytest.mark.parametrize("primitive", FIXED, ids=lambda primitive: primitive.name)
def test_nodes_are_the_same_under_a_context_and_without(primitive):
    """Built by the fast path or by `record`, of Values and of numbers on either side."""

    def made(kinds, point):
        return recording.record(primitive, *(kind(x) for kind, x in zip(kinds, point, strict=True)))

    def numbers(node):
        return [repr(x) for x in (node.data, *(p.data for p in node.parents), *node.local_grads)]

    for kinds in [k for k in itertools.product((Value, float), repeat=primitive.arity) if Value in k]:
        for point in itertools.product(POINTS, repeat=primitive.arity):
            plain = made(kinds, point)
            with ag.scope("here"):
                named = made(kinds, point)
            with ag.no_grad():
                bare = made(kinds, point)
            assert numbers(named) == numbers(plain)
            assert (named.op, named.scope) == (plain.op, "here")
            assert (repr(bare.data), bare.parents, bare.op) == (repr(plain.data), (), "")


def test_a_context_does_not_lead_away_from_the_fast_path(monkeypatch):
    """No rule is read again for a node of a usual size; `record` evaluates those that the fast path leaves."""
    calls = []
    evaluate = recording.evaluate
    monkeypatch.setattr(recording, "evaluate", lambda primitive, xs: calls.append(primitive.name) or evaluate(primitive, xs))
    xs = [Value(0.1 * k) for k in range(1, 9)]
    for context in (ag.scope("here"), ag.no_grad()):
        with context:
            for _ in range(20):
                ag.tanh(2 * ag.dot(xs, xs) - ag.sum(xs) / 3 + 1 / xs[0]) ** 2
    assert calls == []
    with ag.no_grad():
        assert ag.exp(Value(1000.0)).data == math.inf
    assert calls == ["exp"]


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "dot", "norm", "logsumexp"])
@pytest.mark.parametrize("n", [2, 5, 200])
def test_local_derivatives_of_many_operands_are_floats_from_the_first_call_on(name, n):
    xs = [Value(0.5 + k) for k in range(n)]
    args = (xs, xs) if name == "dot" else (xs,)
    nodes = [getattr(ag, name)(*args) for _ in range(12)]
    assert {type(d) for node in nodes for d in node.local_grads} == {float}
    assert len({repr(node.local_grads) for node in nodes}) == 1
