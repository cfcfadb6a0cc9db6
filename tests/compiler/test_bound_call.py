"""Compiled code of whole programs: the same bits as eager, whichever way it runs."""

import gc
import math
import threading

import numpy as np
import pytest
from comparing import same
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, programs, value_of
from test_compiled import eager, rows_of_numbers

import autograd_core as ag
from autograd_core._src import compiler
from autograd_core._src.compiler.runtime import executors, specialization
from autograd_core._src.compiler.runtime.bound_call import CheckedBound, FreeBound, HeldBound
from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.recording import record

pytest.importorskip("llvmlite")


@pytest.fixture
def at_once(monkeypatch):
    """Compile what can be compiled at its first run."""
    monkeypatch.setattr(specialization, "PATIENCE", -1.0)


@given(programs(), rows_of_numbers)
def test_bound_rows_have_the_bits_of_eager(program, rows):
    f, n = value_of(program), len(program.point)
    rows = [list(program.point), *(row[:n] for row in rows)]
    call = compiler.compile(f, list(program.point), in_axes=0, optimize=False).bind(rows)
    call()
    for row, z, gradient in zip(rows, call.out.tolist(), call.grads[0].tolist(), strict=True):
        expected, expected_gradient = eager(f, row)
        assert same(z, expected)
        assert all(map(same, gradient, expected_gradient))


@given(programs())
def test_a_bound_point_has_the_bits_of_eager(program):
    f, point = value_of(program), list(program.point)
    call = compiler.compile(f, point, optimize=False).bind(point)
    call()
    expected, expected_gradient = eager(f, point)
    assert same(call.out.item(), expected)
    assert all(map(same, call.grads[0].tolist(), expected_gradient))


@given(programs())
@examples(50)
def test_optimizing_changes_last_digits_at_most(program):
    f, point = value_of(program), list(program.point)
    z, (gradient,) = compiler.compile(f, point).value_and_grad(point)
    expected, expected_gradient = eager(f, point)
    assert z == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert gradient == pytest.approx(expected_gradient, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 16, 17, 100])
@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_sums_over_rows_agree_in_every_tier(count, reduce, monkeypatch):
    """The interpreter adds in the order of the lanes, so that nothing shows when code takes over."""

    def f(w, x):
        return ag.tanh(w[0] * x[0] + w[1] * x[1]) ** 2

    options = {"in_axes": (None, 0), "reduce": reduce, "optimize": False}
    rng = np.random.default_rng(count)
    rows, w = rng.normal(size=(count, 2)), [0.3, -0.7]
    compiled = compiler.compile(f, w, [1.0, 1.0], **options)
    assert compiled.bind(w, rows).out.shape == (count,)
    interpreted = compiled.value_and_grad(w, rows)
    monkeypatch.setattr(specialization, "PATIENCE", -1.0)
    by_code = compiled.value_and_grad(w, rows)
    call = compiled.bind(w, rows)
    call()
    assert interpreted[0].tolist() == by_code[0].tolist() == call.out.tolist()
    for a, b, c in zip(interpreted[1], by_code[1], call.grads, strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a, c)


def test_memory_is_written_and_read_in_place():
    f = compiler.compile(lambda p, x: [p["w"][0] * x + p["b"], x], {"w": [1.0, 2.0], "b": 0.0}, 1.0, in_axes=(None, 0))
    call = f.bind({"w": [2.0, 0.0], "b": 1.0}, [1.0, 2.0, 3.0])
    call()
    out = call.out
    assert out.tolist() == [[3.0, 1.0], [5.0, 2.0], [7.0, 3.0]]
    assert call.grads == ()
    call.inputs[0]["b"][...] = 10.0
    call.inputs[1][1] = 100.0
    call()
    assert out[:, 0].tolist() == [12.0, 210.0, 16.0]
    single = compiler.compile(lambda m: (m * m).sum(), np.ones((2, 2))).bind([[1.0, 2.0], [3.0, 4.0]])
    single()
    assert single.out == 30.0
    assert single.grads[0].tolist() == [[2.0, 4.0], [6.0, 8.0]]
    single.inputs[0][0, 1] = -1.0
    single()
    assert single.grads[0].tolist() == [[2.0, -2.0], [6.0, 8.0]]


def test_kinds_of_calls():
    small = compiler.compile(lambda x: x * x, 2.0)
    assert isinstance(small.bind(3.0), HeldBound)
    large = compiler.compile(lambda w, x: ag.dot(w, w) * x, [1.0] * 100, 1.0, in_axes=(None, 0))
    assert isinstance(large.bind([1.0] * 100, [1.0] * 8000), FreeBound)
    wide = compiler.compile(lambda w, x: ag.dot(w, w) * x, [1.0] * 300, 1.0, in_axes=(None, 0))  # mostly one node
    assert isinstance(wide.bind([1.0] * 300, [1.0] * 800), CheckedBound)
    guarded = compiler.compile(lambda x: x * x if x > 0 else -x, 2.0)
    assert isinstance(guarded.bind(3.0), CheckedBound)


def test_a_bound_call_looks_at_its_guards():
    f = compiler.compile(lambda w, x: w * x * x if x > 0 else -w * x, 1.0, 2.0, in_axes=(None, 0), reduce="mean")
    call = f.bind(2.0, [1.0, 2.0])
    call()
    assert (call.out.tolist(), call.grads[0].item(), f.n_traces) == ([2.0, 8.0], 2.5, 1)
    call.inputs[1][0] = -3.0
    call()
    assert (call.out.tolist(), call.grads[0].item(), f.n_traces) == ([6.0, 8.0], 3.5, 2)
    assert call.grads[1].tolist() == [-2.0, 8.0]


def test_its_memory_lives_as_long_as_the_call():
    calls = [compiler.compile(lambda x, k=k: x * k, 1.0).bind(float(k)) for k in range(20)]
    gc.collect()
    for k, call in enumerate(calls):
        call()
        assert call.out == k * k


def test_zero_wins_over_infinity_in_code():
    """The code leaves the rule out, and runs again with it where a gradient came out as NaN."""
    f = compiler.compile(lambda w, x: ag.where(x > 0, ag.sqrt(x), 0.0) * w, 1.0, 1.0, in_axes=(None, 0), reduce="sum")
    call = f.bind(2.0, [0.0, 4.0, -1.0, math.nan, 0.0])
    for _ in range(2):
        call()
        assert call.grads[1][:3].tolist() == [0.0, 0.5, 0.0]
        assert call.grads[0] == 2.0
    point = compiler.compile(lambda x: ag.where(x > 0, ag.sqrt(x), 0.0), 1.0).bind(0.0)
    point()
    assert same(point.grads[0].item(), 0.0)
    nan = compiler.compile(lambda x: x * x, 1.0).bind(math.nan)
    nan()
    assert math.isnan(nan.grads[0])


def test_chunks_of_rows_add_up_the_same_on_any_number_of_threads(monkeypatch):
    f = compiler.compile(lambda w, x: ag.sin(w * x), 1.0, 1.0, in_axes=(None, 0), reduce="sum")
    rows = np.linspace(0, 2, 3 * executors.CHUNK + 5)
    values, grads = f.value_and_grad(0.7, rows)
    monkeypatch.setattr(executors, "processors", lambda: 1)
    alone = f.value_and_grad(0.7, rows)
    assert np.array_equal(values, alone[0])
    assert grads[0] == alone[1][0]
    assert np.array_equal(grads[1], alone[1][1])
    assert grads[0] == pytest.approx(math.fsum(rows * np.cos(0.7 * rows)), rel=1e-12)


def test_processors_without_affinity(monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    assert executors.processors() >= 1


def test_many_threads_share_a_compiled_function(at_once):
    f = compiler.compile(lambda w, x: ag.tanh(w * x), 1.0, 1.0, in_axes=(None, 0), reduce="sum")
    rows = [np.full(50, float(k)) for k in range(12)]
    expected = [f.value_and_grad(0.5, r)[1][0] for r in rows]
    found = [None] * len(rows)

    def work(k):
        found[k] = f.value_and_grad(0.5, rows[k])[1][0]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(rows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_an_identity_and_a_constant(at_once):
    assert compiler.compile(lambda x: x, 1.0).value_and_grad(5.0) == (5.0, (1.0,))
    assert compiler.compile(lambda x: 7, 1.0).value_and_grad(5.0) == (7.0, (0.0,))
    f = compiler.compile(lambda w: w, 1.0, reduce="sum")
    call = f.bind(3.0)
    call()
    assert (call.out, call.grads[0]) == (3.0, 1.0)


def test_without_llvmlite(backend):
    f = compiler.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0), reduce="mean")
    call = f.bind(2.0, [1.0, 3.0])
    call()
    assert (call.out.tolist(), call.grads[0].item(), call.grads[1].tolist()) == ([2.0, 6.0], 2.0, [2.0, 2.0])
    assert isinstance(call, CheckedBound) == (backend == "numpy")


def test_a_primitive_that_cannot_be_compiled():
    @ag.primitive
    def odd(x):
        return x if x > 0 else -x

    @odd.partials
    def _(x, z):
        return (1.0,)

    with pytest.raises(ag.OperandError, match="odd"):
        compiler.compile(odd, 1.0).bind(1.0)


def test_a_derivative_that_cannot_be_compiled():
    @ag.primitive
    def fair(x):
        return x * x

    @fair.partials
    def _(x, z):
        return (math.sin(x),)

    with pytest.raises(ag.OperandError, match="fair"):
        compiler.compile(fair, 1.0).bind(1.0)


@pytest.mark.parametrize("n", [1, 3, 9])
def test_vector_libraries_stay_within_four_units(n):
    names = "exp log sin cos tan asin acos atan sinh cosh tanh asinh atanh expm1 log1p exp2 log2 log10 erf".split()
    xs = np.linspace(0.05, 0.95, n)
    for name in names:
        function = getattr(ag, name)
        got = compiler.compile(function, 0.5, in_axes=0)(xs)
        for x, z in zip(xs.tolist(), got.tolist(), strict=True):
            assert abs(z - function(x)) <= 5 * math.ulp(function(x)), name


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_vector_libraries_at_any_number(x):
    for name in ("exp", "sin", "tanh", "log"):
        function = getattr(ag, name)
        got, expected = compiler.compile(function, 0.5, in_axes=0)([x, 0.5])[0], function(x)
        assert same(got, expected) or abs(got - expected) <= 4 * math.ulp(expected)


def test_what_nobody_asks_for_is_not_differentiated():
    call = compiler.compile(lambda x, y: ag.sin(x) + ag.exp(x) * 0, 1.0, 1.0, argnums=1).bind(0.5, 2.0)
    call()
    assert call.grads[0] == 0.0
    call = compiler.compile(lambda x, y: ag.sin(x) * y, 1.0, 1.0, argnums=1).bind(0.5, 2.0)
    call()
    assert call.grads[0] == math.sin(0.5)
    call = compiler.compile(lambda x, y: x, 1.0, 1.0, argnums=1).bind(0.5, 2.0)
    call()
    assert call.grads[0] == 0.0


@pytest.mark.parametrize("power", [-1, 0.5, 1, 2, 3, -2, 4])
def test_powers(power):
    f = compiler.compile(lambda x: x**power, 2.0)
    call = f.bind(1.7)
    call()
    assert call.out == pytest.approx(1.7**power, rel=1e-15)
    assert call.grads[0] == pytest.approx(power * 1.7 ** (power - 1), rel=1e-15)
    assert f.hessian(1.7)[0][0] == pytest.approx(power * (power - 1) * 1.7 ** (power - 2), rel=1e-14)


def test_ragged_lists_are_refused():
    f = compiler.compile(lambda x: ag.sum(x), [1.0, 2.0])
    with pytest.raises(ag.StructureError):
        f([[1.0], 2.0])
    assert f((1, True)) == 2.0
    assert f(np.array([1, 2])) == 3.0


def test_a_derivative_that_is_0_or_1_costs_nothing():
    jacobian = compiler.compile(lambda x, y: [ag.where(x > 0, y, 3.0) * 1.0, x + 2 * y], 1.0, 1.0).jacobian
    assert [[float(a) for a in part] for part in jacobian(0.5, 4.0)] == [[0.0, 1.0], [1.0, 2.0]]
    assert [[float(a) for a in part] for part in jacobian(-0.5, 4.0)] == [[0.0, 1.0], [0.0, 2.0]]


@pytest.mark.parametrize("constant", [0.0, math.inf])
def test_constants_of_which_python_makes_errors(constant):
    """x / 0.0, x ** -inf and the like: rules meet literals that Python's own division refuses."""
    for name, primitive in PRIMITIVES.items():
        count = primitive.arity or 2
        for place in range(count) if count > 1 else ():

            def f(xs, primitive=primitive, place=place):
                return record(primitive, *xs[:place], constant, *xs[place:])

            points = [[x] * (count - 1) for x in (0.0, -0.0, 0.5, -2.0, math.inf, math.nan)]
            call = compiler.compile(f, points[2], in_axes=0, optimize=False).bind(points)
            call()
            for point, z, gradient in zip(points, call.out.tolist(), call.grads[0].tolist(), strict=True):
                expected, partials = evaluate(primitive, [*point[:place], constant, *point[place:]])
                assert same(z, expected), (name, point)
                wanted = [*partials[:place], *partials[place + 1 :]]
                assert all(a == b or same(a, b) for a, b in zip(gradient, wanted, strict=True)), (name, point)


def test_a_region_divides_by_zero():
    xs = [ag.Value(0.5 + k) for k in range(64)]
    root = ag.sum([ag.sin(x / 0.0) * ag.cos(x) for x in xs])
    call = compiler.compile(root, inputs=xs).bind(*(x.data for x in xs))
    call()
    assert math.isnan(call.out)
