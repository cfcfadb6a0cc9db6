"""`dtype="float32"`: single precision, with errors within the bound that doubles keep to."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
from autograd_core import RangeError, Value
from autograd_core._src import compiler
from autograd_core._src.compiler.runtime import specialization
from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.graph import topological_order
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.recording import record
from autograd_core._src.number_systems import llvm_functions
from autograd_core.testing import expressions

INF = math.inf
SMOOTH = [name for name, primitive in PRIMITIVES.items() if primitive.kinks is None]
ROUNDING = 4  # units of the last place per node, as in the contract
NEARLY_LINEAR = 1e-3  # of the result: where the bound is larger, errors of errors count


@pytest.fixture(params=["interpreted", "at once", "numpy"])
def way(request, monkeypatch):
    """Each way to run a program."""
    if request.param == "numpy":
        monkeypatch.setitem(__import__("sys").modules, "autograd_core._src.compiler.codegen.llvm.vm", None)
        monkeypatch.setattr("autograd_core._src.compiler.runtime.numpy_vm.said", ["elsewhere"])
    else:
        pytest.importorskip("llvmlite")
        monkeypatch.setattr(specialization, "PATIENCE", {"interpreted": math.inf, "at once": -1.0}[request.param])


def ulp(x):
    """The last place of a float."""
    return float(np.spacing(np.float32(min(abs(x), 3e38))))


def lifted(program):
    """An expression as a function of its inputs and of its literals, and where to call it."""
    numbers = [*program.inputs]
    steps = []
    for row, places in program.steps:
        at = []
        for p in places:
            at.append(("number", len(numbers)) if not isinstance(p, int) else ("own", p))
            if not isinstance(p, int):
                numbers.append(p)
        steps.append((row, at))
    count = len(program.inputs)

    def f(xs):
        results = list(xs[:count])
        for row, at in steps:
            results.append(record(row, *(xs[k] if kind == "number" else results[k] for kind, k in at)))
        return results[-1]

    return f, [float(np.float32(x)) for x in numbers]


@pytest.mark.usefixtures("way")
@given(expressions(SMOOTH, size=6), st.booleans())
@examples(40, suppress_health_check=["function_scoped_fixture", "too_slow", "filter_too_much"])
def test_errors_of_random_programs_are_within_the_bound(program, optimize):
    f, point = lifted(program)
    leaves = [Value(x) for x in point]
    root = f(leaves)
    order = topological_order(root)
    root.backward()
    bound = ROUNDING * sum(abs(node.grad) * ulp(node.data) for node in order)
    tame = all(1e-25 < abs(node.data) < 1e25 and abs(node.grad) < 1e12 for node in order if node.data)
    if not tame or not bound < NEARLY_LINEAR * abs(root.data):
        return
    compiled = compiler.compile(f, point, in_axes=0, dtype="float32", optimize=optimize)
    values, (gradients,) = compiled.value_and_grad([point] * 3)
    assert values.dtype == gradients.dtype == np.float32
    assert np.abs(values - root.data).max() <= bound
    single = compiler.compile(f, point, dtype="float32", optimize=optimize)
    assert abs(single(point) - root.data) <= bound


# --- every row ------------------------------------------------------------------------------------

POINTS = {None: (0.5, 1.5, 0.25, 0.75), 1: (0.625,), 2: (0.625, 0.375), 3: (0.625, 0.375, 0.875)}


@pytest.mark.usefixtures("way")
def test_every_primitive_in_single_precision():
    for name, primitive in PRIMITIVES.items():
        xs = [x + (primitive.domain[0][0] == 1) for x in POINTS[primitive.arity]]
        leaves = [Value(x) for x in xs]
        root = record(primitive, *leaves)
        root.backward()
        # `record` gives a derivative of 0 where a step function is constant; the compiled one must agree.
        compiled = compiler.compile(root, inputs=leaves, in_axes=0, dtype="float32")
        values, gradients = compiled.value_and_grad(*([x] * 9 for x in xs))
        assert values == pytest.approx(root.data, rel=1e-6, abs=1e-7), name
        for x, gradient in zip(leaves, gradients, strict=True):
            assert gradient.dtype == np.float32
            assert gradient == pytest.approx(x.grad, rel=1e-5, abs=1e-6, nan_ok=True), name


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("in_axes", [(None, 0), (0, None)], ids=["shared", "of each example"])
def test_every_primitive_in_one_program_in_single_precision(in_axes):
    """Some formulas are computed in doubles, with the functions that others call in floats: one module has both."""
    w, x = 0.25, 2.0

    def operands(primitive, w):
        return [w + 0.25 * k + (primitive.domain[0][0] == 1) for k in range(primitive.arity or 4)]

    # The order of zeta has no derivative here.
    rows = [p for p in PRIMITIVES.values() if not any(map(math.isnan, evaluate(p, operands(p, w))[1]))]
    assert {p.name for p in PRIMITIVES.values()} - {p.name for p in rows} == {"zeta"}

    def f(w, x):
        return ag.sum([record(p, *operands(p, w)) for p in rows]) * x

    root = f(a := Value(w), b := Value(x))
    root.backward()
    compiled = compiler.compile(f, w, x, in_axes=in_axes, dtype="float32")
    args = [v if axis is None else [v] * 9 for v, axis in ((w, in_axes[0]), (x, in_axes[1]))]
    values, gradients = compiled.value_and_grad(*args)
    assert values == pytest.approx(root.data, rel=1e-5)
    for node, gradient in zip((a, b), gradients, strict=True):
        assert np.asarray(gradient) == pytest.approx(node.grad, rel=1e-4)
    assert compiled(*args) == pytest.approx(root.data, rel=1e-5)


@pytest.mark.usefixtures("way")
def test_arrays_of_floats_in_and_out():
    f = compiler.compile(lambda w, x: w[0] * x + w[1], [2.0, 1.0], 0.0, in_axes=(None, 0), reduce="mean", dtype="float32")
    assert f.dtype == np.float32
    xs = np.array([1.0, 3.0], np.float32)
    values, (w_grad, x_grad) = f.value_and_grad([2.0, 1.0], xs)
    assert values.dtype == x_grad.dtype == np.float32
    assert (values.tolist(), w_grad, x_grad.tolist()) == ([3.0, 7.0], [2.0, 1.0], [2.0, 2.0])
    call = f.bind([2.0, 1.0], xs)
    call()
    assert {a.dtype for a in (*call.inputs, call.out, *call.grads)} == {np.dtype(np.float32)}
    assert call.out.tolist() == [3.0, 7.0]
    hessian = f.hessian([2.0, 1.0], xs)
    assert hessian[0][1].dtype == np.float32
    assert hessian[0][1].tolist() == [[1.0, 0.0], [1.0, 0.0]]
    assert f.hvp(([2.0, 1.0], xs), ([1.0, 0.0], [0.0, 0.0]))[1].tolist() == [1.0, 1.0]
    assert f.jacobian([2.0, 1.0], xs)[1].dtype == np.float32


@pytest.mark.usefixtures("way")
def test_it_rounds_to_floats():
    f = compiler.compile(lambda x: x + 1e-8, 1.0, dtype="float32")
    assert f(1.0) == 1.0
    assert f(1e300) == INF
    assert compiler.compile(lambda x: x * 1e300, 1.0, dtype="float32", in_axes=0)([1.0, -2.0]).tolist() == [INF, -INF]


@pytest.mark.usefixtures("way")
def test_zero_wins_over_infinity():
    f = compiler.compile(lambda x: 0.0 * ag.sqrt(x), 1.0, in_axes=0, dtype="float32")
    assert f.value_and_grad([0.0] * 3)[1][0].tolist() == [0.0] * 3


@pytest.mark.usefixtures("way")
def test_a_guard_that_comes_out_otherwise_in_floats():
    """x * x underflows in floats, and what floats make of it decides, whatever was traced before."""
    f = compiler.compile(lambda x: ag.sqrt(x) if x * x > 0 else -x, 1.0, in_axes=0, dtype="float32")
    tiny = 2.0**-100
    assert f([4.0, 0.0, tiny]).tolist() == [2.0, 0.0, -tiny]
    assert f.n_traces == 2
    f = compiler.compile(lambda x: ag.sqrt(x) if x * x > 0 else -x, 1.0, in_axes=0, dtype="float32")
    assert f([tiny]).tolist() == [-tiny]


@pytest.mark.usefixtures("way")
def test_a_long_program_at_one_point():
    f = compiler.compile(lambda x: ag.sum([(x - k) * (x - k) for k in range(3000)]), 1.0, dtype="float32")
    expected = sum((0.5 - k) ** 2 for k in range(3000))
    for _ in range(2):
        z, (gradient,) = f.value_and_grad(0.5)
        assert z == pytest.approx(expected, rel=1e-4)
        assert gradient == pytest.approx(2 * sum(0.5 - k for k in range(3000)), rel=1e-4)
    call = f.bind(0.5)
    call()
    assert call.out == pytest.approx(expected, rel=1e-4)


def test_without_a_vector_library(monkeypatch):
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(llvm_functions, "vector_library", lambda: None)
    monkeypatch.setattr("autograd_core._src.compiler.codegen.llvm.vm_code._handlers", {})
    llvm_functions.vector_function.cache_clear()
    f = compiler.compile(lambda x: ag.exp(x) + 0.25, 1.0, in_axes=0, dtype="float32")
    assert f([0.5, 1.0]).tolist() == [float(np.float32(np.float32(math.exp(x)) + 0.25)) for x in (0.5, 1.0)]
    llvm_functions.vector_function.cache_clear()


@pytest.mark.parametrize("dtype", ["float16", "int32", "single precision", 32, complex])
def test_other_types_are_refused(dtype):
    with pytest.raises(RangeError, match='expected dtype="float64" or dtype="float32", got'):
        compiler.compile(lambda x: x, 1.0, dtype=dtype)
    assert compiler.compile(lambda x: x, 1.0, dtype=np.float64).dtype == np.float64


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("primitive", [primitive for primitive in PRIMITIVES.values() if primitive.arity in (1, 2)], ids=lambda primitive: primitive.name)
def test_operands_that_turn_out_to_be_numbers_while_code_is_made(primitive, dtype):
    """A slope of elu at 1 is 1, whatever the slope to the left: no lane, but a number of the code itself."""
    pytest.importorskip("llvmlite")
    f = lambda x: record(primitive, *(ag.elu(c, x) for c in (1.0, 0.5)[: primitive.arity])) * x
    call = ag.compile(f, 0.5, dtype=dtype).bind(0.75)
    call()
    z = ag.Value(0.75)
    root = f(z)
    root.backward()
    digits = 1e-12 if dtype == "float64" else 1e-5
    assert call.out == pytest.approx(root.data, rel=digits, nan_ok=True)
    assert call.grads[0] == pytest.approx(z.grad, rel=digits, nan_ok=True)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_sign_of_nan_is_that_of_no_machine(dtype):
    f = lambda x: ag.copysign(2.0, x**x) + ag.copysign(3.0, ag.sqrt(x)) + ag.copysign(x, (x - x) / (x - x))
    call = ag.compile(f, 0.5, dtype=dtype).bind(-1.5)
    call()
    assert (call.out, f(ag.Value(-1.5)).data) == (6.5, 6.5)
    assert ag.compile(f, 0.5, dtype=dtype)(-1.5) == 6.5
