"""Arguments: lists, tuples and arrays stand for each other where shapes agree, and a batch may be empty."""

import math
import re
from array import array
from collections import deque
from typing import NamedTuple

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import OperandError, StructureError, Value
from autograd_core._src import compiler


class Pair(NamedTuple):
    """A tuple with names."""

    a: float
    b: float


def read_only(xs):
    array = np.array(xs, float)
    array.flags.writeable = False
    return array


WAYS = {
    "list": list,
    "tuple": tuple,
    "doubles": lambda xs: np.array(xs, float),
    "floats": lambda xs: np.array(xs, np.float32),
    "ints": lambda xs: np.array(xs, np.int64),
    "bytes": lambda xs: np.array(xs, np.uint8),
    "objects": lambda xs: np.array(xs, object),
    "read-only": read_only,
    "every second": lambda xs: np.repeat(np.array(xs, float), 2)[::2],
    "backwards": lambda xs: np.array(xs[::-1], float)[::-1],
    "numpy scalars": lambda xs: [np.float32(x) for x in xs],
    "arrays without axes": lambda xs: [np.array(x) for x in xs],
    "named tuple": lambda xs: Pair(*xs),
}


def norm_of(v):
    return v[0] * v[0] + 3 * v[1]


@pytest.mark.parametrize("given", WAYS)
@pytest.mark.parametrize("traced", [[1.0, 1.0], (1.0, 1.0), np.ones(2), Pair(1.0, 1.0)], ids=lambda x: type(x).__name__)
def test_any_sequence_of_two_numbers_is_as_good_as_any_other(traced, given):
    v = WAYS[given]([2, 5])
    f = compiler.compile(norm_of, traced)
    assert f(v) == 19.0
    value, (gradient,) = f.value_and_grad(v)
    assert value == 19.0
    assert type(gradient) is (np.ndarray if isinstance(v, np.ndarray) else type(traced))
    assert list(gradient) == [4.0, 3.0]
    assert np.array_equal(f.hvp((v,), (WAYS[given]([1, 0]),))[0], [2.0, 0.0])
    assert f.to_scipy(v).jac(v).tolist() == [4.0, 3.0]
    call = f.bind(v)
    call()
    assert float(call.out) == 19.0
    if given in ("list", "tuple", "objects", "named tuple"):
        values = [Value(2.0), Value(5.0)]
        out = f(WAYS[given](values))
        assert (out.data, out.parents, out.local_grads) == (19.0, tuple(values), (4.0, 3.0))
    if not isinstance(traced, Pair):
        assert f.jacobian(v)[0].tolist() == [4.0, 3.0]
        assert f.hessian(v)[0][0].tolist() == [[2.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("given", WAYS)
@pytest.mark.parametrize("traced", [[1.0, 1.0], (1.0, 1.0), np.ones(2), Pair(1.0, 1.0)], ids=lambda x: type(x).__name__)
def test_rows_come_in_any_way(traced, given):
    f = compiler.compile(norm_of, traced, in_axes=0)
    rows = [WAYS[given](row) for row in ([2, 5], [1, 0], [0, 7])]
    for batch in (rows, tuple(rows), np.array([np.array(row, float) for row in rows])):
        values, (gradient,) = f.value_and_grad(batch)
        assert values.tolist() == f(batch).tolist() == [19.0, 1.0, 21.0]
        assert np.array_equal(np.transpose(gradient) if isinstance(traced, Pair) else gradient, [[4, 3], [2, 3], [0, 3]])


def test_nested_lists_matrices_and_the_leaves_of_dicts():
    f = compiler.compile(lambda p: p["m"][0][1] * p["s"] + p["m"][1][0], {"m": [[1.0, 2.0], [3.0, 4.0]], "s": 1.0})
    m = np.array([[1.0, 2.0], [3.0, 4.0]])
    for given in (m, m.T.copy().T, m.astype(int), [(1, 2), (3, 4)], (m[0], m[1])):
        for s in (5.0, 5, np.float64(5), np.float32(5), np.int8(5), np.array(5.0), np.array(5, np.float32)):
            for tree in ({"m": given, "s": s}, {"s": s, "m": given}):  # in whatever order
                assert f(tree) == 13.0
                gradient = f.value_and_grad(tree)[1][0]
                assert np.array_equal(gradient["m"], [[0.0, 5.0], [1.0, 0.0]])
                assert gradient["s"] == 2.0
                assert float(f.bind(tree).inputs[0]["s"]) == 5.0
                assert f.to_scipy(tree).x0.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    with pytest.raises(StructureError, match=r"argument 0\['m'\]: expected a list of length 2, got a list of length 3"):
        f({"m": [[1.0, 2.0]] * 3, "s": 1.0})
    with pytest.raises(StructureError, match=r"argument 0\['m'\].*: expected .* got an array of shape \(3, 2\)"):
        f({"m": np.ones((3, 2)), "s": 1.0})
    with pytest.raises(StructureError, match="expected a dict with the keys 'm', 's', got a dict with the keys 'm'"):
        f({"m": m})
    with pytest.raises(StructureError, match="expected a dict with the keys 'm', 's', got a number"):
        f(3.0)
    with pytest.raises(OperandError, match="expected a real number"):
        f({"m": [["a", 2.0], [3.0, 4.0]], "s": 1.0})


def test_sequences_of_several_shapes_come_as_arrays_entry_by_entry():
    f = compiler.compile(lambda t: t[0][1] * t[1], ([1.0, 2.0], 3.0))
    assert f((np.array([1.0, 4.0]), 2.0)) == f([(1, 4), np.array(2)]) == 8.0
    with pytest.raises(StructureError, match="expected a tuple of length 2, got a list of length 3"):
        f([1.0, 2.0, 3.0])
    with pytest.raises(StructureError, match="expected a tuple of length 2, got an array of shape"):
        f(np.ones(3))


EMPTY = {
    "number": (1.0, [[], (), np.zeros(0), np.zeros(0, int), np.zeros(0, object)]),
    "list": ([1.0, 2.0], [[], (), np.zeros((0, 2)), np.zeros(0)]),
    "matrix": (np.ones((2, 2)), [[], np.zeros((0, 2, 2)), np.zeros((0, 2, 2), np.float32)]),
    "dict": ({"a": 1.0, "b": [1.0, 2.0]}, [[], {"a": [], "b": []}, {"b": np.zeros((0, 2)), "a": np.zeros(0)}]),
}


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("example", EMPTY)
@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_of_no_rows_results_are_empty_and_sums_are_zero(example, reduce):
    row, batches = EMPTY[example]
    f = compiler.compile(lambda w, x: w[0] * _sum(x) + w[1] ** 2, [1.0, 2.0], row, in_axes=(None, 0), reduce=reduce)
    shared = {None: np.zeros((0, 2)), "sum": [0.0, 0.0], "mean": [math.nan, math.nan]}[reduce]
    for batch in batches:
        args = [1.0, 2.0], batch
        assert f(*args).shape == (0,)
        values, (to_w, to_x) = f.value_and_grad(*args)
        assert values.shape == (0,)
        assert np.array_equal(to_w, shared, equal_nan=True)
        assert np.shape(to_w) == np.shape(shared)
        for a, b in zip(_leaves(to_x), _leaves(row), strict=True):
            assert a.shape == (0, *b.shape)
        hessian = f.hessian(*args)
        assert hessian[0][0].shape == (0, 2, 2)
        assert f.jacobian(*args)[0].shape == (0, 2)
        products = f.hvp(args, ([1.0, 0.0], batch))
        assert products[0].shape == (0, 2)
        call = f.bind(*args)
        call()
        assert call.out.shape == (0,)
        assert np.array_equal(call.grads[0], shared, equal_nan=True)
        if reduce:
            value, (to_w, _) = f.reduced(*args)
            assert same(value, 0.0 if reduce == "sum" else math.nan)
            assert np.array_equal(to_w, shared, equal_nan=True)


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def _leaves(tree):
    return [np.array(x) for x in (tree.values() if isinstance(tree, dict) else [tree])]


def _sum(x):
    if isinstance(x, dict):
        return x["a"] + _sum(x["b"])
    return ag.sum(_sum(part) for part in x) if isinstance(x, (list, np.ndarray)) else x


def test_of_no_rows_branches_and_matrices_are_empty_too():
    f = compiler.compile(lambda x: [x, 2 * x] if x > 0 else [0.0, -x], 1.0, in_axes=0)
    assert f([]).shape == (0, 2)
    assert f.jacobian([])[0].shape == (0, 2)
    assert f.jacobian.sparse([]).shape[0] == 0
    call = f.bind([])
    call()
    assert call.out.shape == (0, 2)
    assert f.n_traces == 1
    with pytest.raises(StructureError, match="equally many examples everywhere, got 0, 2"):
        compiler.compile(lambda x, y: x * y, 1.0, 1.0, in_axes=0)([], [1.0, 2.0])


def test_scipy_and_numpy_exports_take_no_rows():
    f = compiler.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0), argnums=0, reduce="sum")
    cost = f.to_scipy(2.0, [])
    x = cost.x0
    assert (cost.fun(x), cost.jac(x).tolist(), cost.hess(x).tolist(), cost.hessp(x, [1.0]).tolist()) == (
        *(0.0, [0.0]),
        *([[0.0]], [0.0]),
    )
    mean = compiler.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0), argnums=0, reduce="mean").to_scipy(2.0, [])
    assert math.isnan(mean.fun(x))
    assert np.isnan(mean.jac(x)).all()
    assert np.isnan(mean.hess(x)).all()
    residuals = compiler.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0), argnums=0).to_scipy(2.0, [])
    assert residuals.fun(x).shape == (0,)
    assert residuals.jac(x).shape == (0, 1)
    module = {}

    def g(x, y):
        return x * y if x > 0 else y

    exec(compiler.compile(g, 1.0, 1.0).to_numpy(), module)
    assert module["g"](np.zeros((0, 2))).shape == (0,)
    value, gradient = module["g_value_and_grad"](np.zeros((0, 2)))
    assert (value.shape, gradient.shape) == ((0,), (0, 2))


def test_a_call_with_memory_takes_numbers_alone():
    f = compiler.compile(lambda x: x * x, 1.0)
    for call in (f.bind, f.to_scipy):
        with pytest.raises(OperandError, match="expected plain numbers, got .*; only calls of the function itself"):
            call(Value(2.0))


def test_an_interpreter_keeps_no_more_numbers_at_a_time_than_it_may(backend, monkeypatch):
    """Many rows go part by part, and the bits are those of all at once."""
    from autograd_core._src.compiler.runtime import executors, numpy_vm

    if backend == "llvm":
        from autograd_core._src.compiler.codegen.llvm.vm import Interpreter
    else:
        Interpreter = numpy_vm.NumpyInterpreter
    run, kept = Interpreter.run, []

    def seen(self, inputs, mapped, rows, *others):
        kept.append(len(rows) * self.numbers_per_example)
        return run(self, inputs, mapped, rows, *others)

    monkeypatch.setattr(Interpreter, "run", seen)
    xs = np.linspace(-2.0, 2.0, 12_000)
    found = []
    for most in (2**20, 2**13):
        monkeypatch.setattr(executors, "MOST_NUMBERS", most)
        f = ag.compile(lambda x: ag.sum([ag.sin(x * k) for k in range(1, 20)]), 0.5, in_axes=0)
        kept.clear()
        values, (slopes,) = f.value_and_grad(xs)
        found.append((values.tobytes(), slopes.tobytes()))
        assert sum(kept) >= len(xs)
        assert max(kept) <= most
    assert found[0] == found[1]


@pytest.mark.parametrize("given", [None, range(2), "ab", deque([1.0, 2.0]), array("d", [1.0, 2.0]), iter([1.0, 2.0]), {1.0, 2.0}])
def test_what_is_no_sequence_is_named_as_what_it_is(given):
    kind = re.escape(f"({type(given).__name__})")
    for example, options in (([1.0, 2.0], {}), ((1.0, 2.0), {}), (np.ones(2), {}), ([1.0, [2.0]], {}), ([1.0, 2.0], {"in_axes": 0})):
        f = ag.compile(lambda w: w[0], example, **options)
        for call in (f, f.value_and_grad, f.bind, f.jacobian):
            with pytest.raises(StructureError, match=rf"expected .*, got .*{kind}"):
                call(given)
