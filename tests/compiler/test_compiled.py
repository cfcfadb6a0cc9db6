"""`compile`: values and gradients of whole functions, for a point and for rows."""

import copy
import math
import pickle
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest
from comparing import same, ulps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import programs, value_of

import autograd_core as ag
from autograd_core import OperandError, PerformanceWarning, RangeError, StructureError, Value
from autograd_core._src import compiler
from autograd_core._src.compiler import constructors
from autograd_core._src.compiler.runtime import executors
from autograd_core._src.engine.graph import topological_order
from autograd_core._src.engine.sweep import reverse
from autograd_core.errors import MissingExtraError

INF = math.inf
rows_of_numbers = st.lists(st.lists(st.floats(-4, 4), min_size=4, max_size=4), min_size=1, max_size=20)


def eager(f, xs):
    """Value and gradient with adjoints added up in topological order, and whether backward() agrees with it.

    backward() passes edges by whose derivative is 0, which may change the order of three and more
    summands; without such an edge both must be the same.
    """
    leaves = [Value(x) for x in xs]
    out = f(leaves)
    if not isinstance(out, Value) or out.op == "":
        return float(getattr(out, "data", out)), [1.0 * (out is x) for x in leaves]
    order = topological_order(out)
    adjoints = reverse(order, dict.fromkeys(order, 0.0) | {out: 1.0})
    gradient = [adjoints.get(x, 0.0) for x in leaves]
    out.backward()
    no_zeros = all(d for node in order for p, d in zip(node.parents, node._edges[len(node.parents) :]) if p in order)
    for x, g in zip(leaves, gradient, strict=True):
        assert same(x.grad, g) or not no_zeros
    return out.data, gradient


# --- equal to eager -----------------------------------------------------------------------------


@given(programs(), rows_of_numbers)
def test_random_programs_equal_eager_to_the_last_bit(program, rows):
    f, n = value_of(program), len(program.point)
    rows = [list(program.point), *(row[:n] for row in rows)]
    compiled = compiler.compile(f, list(program.point), in_axes=0, optimize=False)
    values, (gradients,) = compiled.value_and_grad(rows)
    again = compiled(rows)
    for row, z, gradient, z_again in zip(rows, values.tolist(), gradients.tolist(), again.tolist(), strict=True):
        expected, expected_gradient = eager(f, row)
        assert same(z, expected)
        assert same(z_again, expected)
        assert all(map(same, gradient, expected_gradient))
    assert compiled.n_traces == 1


@given(programs())
def test_a_single_point_equals_eager_to_the_last_bit(program):
    f, point = value_of(program), list(program.point)
    z, (gradient,) = compiler.compile(f, point, optimize=False).value_and_grad(point)
    expected, expected_gradient = eager(f, point)
    assert same(z, expected)
    assert all(map(same, gradient, expected_gradient))


@given(programs(max_steps=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numpy_gives_the_same_answers(monkeypatch, program):
    f, point = value_of(program), list(program.point)
    expected, (expected_gradient,) = compiler.compile(f, point).value_and_grad(point)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "autograd_core._src.compiler.codegen.llvm.vm", None)
        patch.setattr("autograd_core._src.compiler.runtime.numpy_vm.said", ["elsewhere"])
        z, (gradient,) = compiler.compile(f, point).value_and_grad(point)
    # Some six operations, each within 4 ulp of numbers up to 50, whose slopes reach some hundreds.
    assert z == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert gradient == pytest.approx(expected_gradient, rel=1e-9, abs=1e-9)


@given(programs(max_steps=5, smooth=True))
def test_gradients_of_compiled_gradients(program):
    """A gradient is a graph as any other; its program gives second derivatives."""
    gradient = ag.grad(value_of(program))
    point = list(program.point)
    compiled = compiler.compile(lambda x: ag.sum(gradient(x)), point)
    z, (second,) = compiled.value_and_grad(point)
    assert z == pytest.approx(sum(gradient(point)), rel=1e-12, abs=1e-12)
    assert second == pytest.approx([sum(row) for row in ag.hessian(value_of(program))(point)], rel=1e-9, abs=1e-9)


def test_shared_operands(backend):
    f = compiler.compile(lambda x: ag.dot([x, x, 3.0], [x, 2.0, x]) + x * x, 1.0)
    assert f.backend == backend
    assert f.value_and_grad(5.0) == (25 + 10 + 15 + 25, (10 + 2 + 3 + 10,))


def test_long_sums_and_chains():
    n = 100_000
    total = compiler.compile(ag.sum, [0.0] * n)
    values = [math.sin(i) for i in range(n)]
    z, (gradient,) = total.value_and_grad(values)
    assert z == ag.sum(values)
    assert gradient == [1.0] * n
    x = y = Value(0.5)
    for _ in range(n):
        y = y * 0.9999 + 0.0001
    y.backward()
    assert compiler.compile(y, inputs=[x]).value_and_grad(0.5) == (y.data, (x.grad,))


@pytest.mark.usefixtures("backend")
def test_a_rule_is_no_guard():
    f = compiler.compile(ag.grad(lambda x: ag.relu(x) * x), 2.0)
    assert (f(-1.0), f(0.0), f(3.0)) == (0.0, 0.0, 6.0)
    g = compiler.compile(lambda x: ag.where(x > 0, ag.sqrt(x), 0.0), 1.0)
    assert g.value_and_grad(0.0) == (0.0, (0.0,))
    assert g.value_and_grad(4.0) == (2.0, (0.25,))
    assert f.n_traces == g.n_traces == 1


@pytest.mark.usefixtures("backend")
def test_nan_and_infinity_stay_in_their_rows():
    f = compiler.compile(lambda x: ag.sqrt(x) * ag.log(x) + ag.exp(x), 1.0, in_axes=0)
    xs = [1.0, math.nan, -1.0, 0.0, math.inf, 4.0, 1e308, 2.0, 3.0, 5.0]
    values, (gradients,) = f.value_and_grad(xs)
    for x, z, g in zip(xs, values.tolist(), gradients.tolist(), strict=True):
        expected, [slope] = eager(lambda v: ag.sqrt(v[0]) * ag.log(v[0]) + ag.exp(v[0]), [x])
        assert ulps(z, expected) <= 4
        assert ulps(g, slope) <= 8
    assert np.isnan(values).tolist() == [x != x or x <= 0 for x in xs]


@pytest.mark.usefixtures("backend")
def test_a_users_primitive():
    @ag.primitive
    def softsign(x):
        return x / (1 + abs(x))

    @softsign.partials
    def _(x, z):
        return (1 / (1 + abs(x)) ** 2,)

    f = compiler.compile(softsign, 0.5, in_axes=0)
    values, (gradients,) = f.value_and_grad([-3.0, 1.0])
    assert values.tolist() == [-0.75, 0.5]
    assert gradients.tolist() == [0.0625, 0.25]

    @softsign.partials
    def _(x, z):
        return (7,)  # replaced: what was compiled before must not be found again

    assert compiler.compile(softsign, 0.5).value_and_grad(1.0) == (0.5, (7.0,))


@pytest.mark.usefixtures("backend")
def test_all_that_a_primitive_may_write():
    @ag.primitive
    def mixed(x, y):
        different = ag.where(x != y, 2**x, -(+y))
        return ag.where(ag.where(x == y, 0, 1) == 1, different, ag.where(x >= 0, 5, ag.hypot(3, 4))) + ag.exp(0.0)

    @mixed.partials
    def _(x, y, z):
        return ag.where(x > y, x, y), 2 - abs((x <= y) * -1.0) ** 3 - ag.exp(x < -INF)

    for x, y in ((1.0, 2.0), (2.0, 1.0), (3.0, 3.0), (-3.0, -3.0)):
        z = (2**x if x != y else 5.0) + 1
        assert compiler.compile(mixed, 1.0, 2.0).value_and_grad(x, y) == (z, (max(x, y), 1.0 - (x <= y)))


@pytest.mark.usefixtures("backend")
def test_a_primitive_that_cannot_be_compiled():
    @ag.primitive
    def through_math(x):
        return math.sin(x)

    @ag.primitive
    def branching(x):
        return x if x > 0 else -x

    @ag.primitive
    def stringent(x):
        return x.hex_digits() if not isinstance(x, float) else x

    for function in (through_math, branching, stringent):
        function.partials(lambda x, z: (1.0,))
        with pytest.raises(OperandError, match=rf"primitive '{function.__name__}' cannot be compiled: .*; write"):
            compiler.compile(function, 1.0, in_axes=0)([1.0, 2.0])


# --- shapes -------------------------------------------------------------------------------------


def model(p, x):
    return {"score": ag.dot(p["w"], x) + p["b"], "both": [x[0] * 2, x[1]]}


PARAMETERS = {"w": [1.0, 2.0], "b": 0.5}


@pytest.mark.usefixtures("backend")
def test_trees_in_and_out():
    f = compiler.compile(model, PARAMETERS, [1.0, 1.0])
    assert f(PARAMETERS, [3.0, 4.0]) == {"score": 11.5, "both": [6.0, 4.0]}
    rows = compiler.compile(model, PARAMETERS, [1.0, 1.0], in_axes=(None, 0))
    result = rows(PARAMETERS, np.array([[3.0, 4.0], [0.0, 1.0]]))
    assert result["score"].tolist() == [11.5, 2.5]
    assert result["both"].tolist() == [[6.0, 4.0], [0.0, 1.0]]
    array = compiler.compile(lambda m: m.sum(axis=0) * 2, np.ones((3, 2)))(np.arange(6.0).reshape(3, 2))
    assert array.dtype == np.float64
    assert array.tolist() == [12.0, 18.0]
    assert compiler.compile(lambda: 3, in_axes=())() == 3.0
    assert compiler.compile(lambda x: {"none": []}, 1.0)(2.0) == {"none": []}
    assert compiler.compile(lambda x: {"none": []}, 1.0, in_axes=0)([2.0, 3.0])["none"].shape == (2, 0)


def score(p, x):
    return ag.tanh(model(p, x)["score"])


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
@pytest.mark.usefixtures("backend")
def test_gradients_of_shared_arguments(reduce):
    X = np.random.default_rng(0).normal(size=(21, 2))
    f = compiler.compile(score, PARAMETERS, [1.0, 1.0], in_axes=(None, 0), reduce=reduce)
    values, (p, x) = f.value_and_grad(PARAMETERS, X)
    expected = [ag.value_and_grad(score, (0, 1))(PARAMETERS, row.tolist()) for row in X]
    assert values == pytest.approx([z for z, _ in expected], rel=1e-15)
    np.testing.assert_allclose(x, [g[1] for _, g in expected], rtol=1e-14)
    weights = np.array([g[0]["w"] for _, g in expected])
    if reduce is None:
        np.testing.assert_allclose(p["w"], weights, rtol=1e-14)
        assert p["b"].shape == (21,)
    else:
        np.testing.assert_allclose(p["w"], getattr(np, reduce)(weights, axis=0), rtol=1e-13)
        assert isinstance(p["w"], list)
        assert isinstance(p["b"], float)


@pytest.mark.usefixtures("backend")
def test_argnums():
    f = lambda x, y, z: x * y * y + z
    assert compiler.compile(f, 1.0, 1.0, 1.0).value_and_grad(2.0, 3.0, 4.0) == (22.0, (9.0, 12.0, 1.0))
    assert compiler.compile(f, 1.0, 1.0, 1.0, argnums=1).value_and_grad(2.0, 3.0, 4.0) == (22.0, (12.0,))
    assert compiler.compile(f, 1.0, 1.0, 1.0, argnums=(-1, 0)).value_and_grad(2.0, 3.0, 4.0) == (22.0, (1.0, 9.0))
    assert compiler.compile(f, 1.0, 1.0, 1.0, argnums=()).value_and_grad(2.0, 3.0, 4.0) == (22.0, ())
    several = compiler.compile(f, 1.0, 1.0, 1.0, argnums=(2, 0, 1), in_axes=(0, None, None), reduce="sum")
    _, (z, x, y) = several.value_and_grad([1.0, 2.0], 3.0, 4.0)
    assert (z, x.tolist(), y) == (2.0, [9.0, 9.0], 18.0)


def test_many_rows_and_many_parameters_are_summed_in_chunks():
    n, rows = 20_000, 150
    f = compiler.compile(ag.dot, [1.0] * n, [1.0] * n, in_axes=(None, 0), reduce="sum", argnums=0)
    X = np.random.default_rng(1).integers(-9, 9, (rows, n)).astype(float)
    values, (w,) = f.value_and_grad([1.0] * n, X)
    assert values.tolist() == X.sum(axis=1).tolist()
    assert w == X.sum(axis=0).tolist()


@pytest.mark.usefixtures("backend")
def test_outputs_that_are_inputs_or_constants():
    outside = Value(3.0)
    f = compiler.compile(lambda x: [x, 2, outside, outside * 2], 1.0, in_axes=0)
    assert f([5.0, 6.0]).tolist() == [[5.0, 2.0, 3.0, 6.0], [6.0, 2.0, 3.0, 6.0]]
    assert compiler.compile(lambda x: x, 1.0).value_and_grad(5.0) == (5.0, (1.0,))
    assert compiler.compile(lambda x: 7, 1.0).value_and_grad(5.0) == (7.0, (0.0,))
    assert compiler.compile(lambda x: x * 1, Value(1.0))(2.0) == 2.0


@pytest.mark.usefixtures("backend")
def test_signed_zeros_are_two_constants():
    f = compiler.compile(lambda x: [x / 0.0, x / -0.0, x / math.inf], 1.0)
    assert f(1.0) == [math.inf, -math.inf, 0.0]


# --- a recorded graph ---------------------------------------------------------------------------


@pytest.mark.usefixtures("backend")
def test_a_graph_that_stands():
    a, c = Value(2.0, label="a"), Value(10.0)
    b = a * 3
    out = b * b + a * c
    f = compiler.compile(out, inputs=[a])
    assert f.value_and_grad(2.0) == (56.0, (46.0,))
    assert f(1.0) == 19.0
    assert compiler.compile([out, b], inputs=[c, a], in_axes=(None, 0))(1.0, [1.0, 2.0]).tolist() == [[10, 3], [38, 6]]
    inner = compiler.compile(out, inputs=[b, a])  # b is an argument of its own, and cut from a
    assert inner.value_and_grad(7.0, 2.0) == (69.0, (14.0, 10.0))
    assert [x.grad for x in (a, b, c)] == [0.0, 0.0, 0.0]


def test_wrong_graphs():
    x = Value(1.0)
    with pytest.raises(OperandError, match="expected roots as Values, got 3"):
        compiler.compile(3, inputs=[x])
    with pytest.raises(OperandError, match="expected inputs as Values, got 3"):
        compiler.compile(x * x, inputs=[3])
    with pytest.raises(OperandError, match=r"expected inputs as a list of Values, got Value\(data=1"):
        compiler.compile(x * x, inputs=x)
    with pytest.raises(StructureError, match="a graph or a program needs no example arguments, got 2"):
        compiler.compile(x * x, 1.0, 2.0, inputs=[x])
    with pytest.raises(StructureError, match="stands twice among the inputs"):
        compiler.compile(x * x, inputs=[x, x])
    with pytest.raises(OperandError, match=r"expected a function, or Values together with inputs=\[...\], got Value"):
        compiler.compile(x * x)


def test_copies_are_the_function_itself():
    f = compiler.compile(lambda x: x * x, 1.0)
    assert copy.deepcopy([f])[0] is f
    assert copy.copy(f) is f


# --- errors -------------------------------------------------------------------------------------


def test_wrong_options():
    f = lambda x, y: x * y
    for options, error, message in (
        ({"in_axes": (0,)}, StructureError, "one entry for each of 2 argument"),
        ({"in_axes": 1}, RangeError, "expected in_axes of None .* or 0 .*, got 1"),
        ({"in_axes": (None, False)}, RangeError, "got False"),
        ({"reduce": "max"}, RangeError, "expected reduce to be 'sum' or 'mean', got 'max'"),
        ({"guards": "ignore"}, RangeError, "expected guards to be 'part' or 'error'"),
        ({"max_traces": 0}, RangeError, "expected max_traces as an int of at least 1, got 0"),
        ({"max_traces": 2.0}, RangeError, "expected max_traces as an int of at least 1, got 2.0"),
        ({"argnums": 2}, RangeError, "argnums=2"),
    ):
        with pytest.raises(error, match=message):
            compiler.compile(f, 1.0, 1.0, **options)


def test_wrong_examples_and_results():
    with pytest.raises(OperandError, match="example for <lambda>: expected a real number"):
        compiler.compile(lambda x: x, "one")
    with pytest.raises(OperandError, match="the function's result: expected a real number"):
        compiler.compile(lambda x: "one", 1.0)
    with pytest.raises(ag.GraphCutError):
        compiler.compile(math.tanh, 1.0)


@pytest.mark.usefixtures("backend")
def test_arguments_of_another_shape():
    f = compiler.compile(model, PARAMETERS, [1.0, 1.0], in_axes=(None, 0))
    g = compiler.compile(score, PARAMETERS, [1.0, 1.0], in_axes=(None, 0))
    good = [[1.0, 2.0]]
    for args, error, message in (
        ((PARAMETERS,), StructureError, "expected 2 argument"),
        (({"w": [1.0], "b": 1.0}, good), StructureError, r"argument 0\['w'\]: expected a list of length 2, got"),
        (({"w": [1.0, "2"], "b": 1.0}, good), OperandError, "argument 0: expected a real number"),
        ((PARAMETERS, [[1.0, 2.0], [1.0]]), StructureError, "argument 1, example 1: expected a list of length 2"),
        ((PARAMETERS, [1.0, 2.0, 3.0]), StructureError, "argument 1, example 0: expected a list of length 2, got a number"),
        ((PARAMETERS, np.ones((4, 3))), StructureError, r"arrays of shape \(2,\), got an array of shape \(4, 3\)"),
        ((PARAMETERS, np.array(3.0)), StructureError, r"got an array of shape \(\)"),
        ((PARAMETERS, 3.0), StructureError, r"got 3.0 \(float\)"),
        ((PARAMETERS, np.array([["a", "b"]])), OperandError, "argument 1, example 0: expected a real number"),
        ((PARAMETERS, np.ones((0, 3))), StructureError, r"arrays of shape \(2,\), got an array of shape \(0, 3\)"),
    ):
        with pytest.raises(error, match=message):
            f(*args)
        with pytest.raises(error, match=message):
            g.value_and_grad(*args)


@pytest.mark.usefixtures("backend")
def test_batches_of_trees():
    f = compiler.compile(lambda p: p["a"] * p["v"][1], {"a": 1.0, "v": [1.0, 2.0]}, in_axes=0)
    columns = {"v": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "a": np.array([1, 2, 3])}
    rows = [{"a": a, "v": v} for a, v in zip(columns["a"].tolist(), columns["v"], strict=True)]
    for batch in (columns, rows, {**columns, "v": np.array(columns["v"])}, {**columns, "v": [[1, 3, 5], [2, 4, 6]]}):
        values, (gradient,) = f.value_and_grad(batch)
        assert values.tolist() == [2.0, 8.0, 18.0]
        assert gradient["a"].tolist() == [2.0, 4.0, 6.0]
        assert gradient["v"].tolist() == [[0.0, 1.0], [0.0, 2.0], [0.0, 3.0]]
    with pytest.raises(StructureError, match="equally many examples everywhere, got 3, 2"):
        f({**columns, "v": [[1.0, 2.0]] * 2} | {"a": columns["a"]})
    with pytest.raises(StructureError, match=r"a list of trees, got \{'a': 1\} \(dict\)"):
        f({"a": 1})
    pair = compiler.compile(lambda t: t[0] + t[1], (1.0, 2.0), in_axes=0)
    assert pair((np.array([1.0, 2.0, 3.0]), [10, 20, 30])).tolist() == [11.0, 22.0, 33.0]
    assert pair(np.array([[Value(1.0).data, 2]], object)).tolist() == [3.0]
    with pytest.raises(StructureError, match="a list of numbers, got 'abc'"):
        compiler.compile(lambda x: x, 1.0, in_axes=0)("abc")


@pytest.mark.parametrize(
    ("sizes", "in_axes", "said"),
    [
        ((7, 7, 1), None, "arguments 0, 1 have 7 entries, .* say in_axes=\\(0, 0, None\\)"),
        ((3, 7, 1), (None, 0, None), "argument 1 has 7 entries, .* say in_axes=\\(None, 0, None\\)"),
        ((7, 3, 1), None, None),  # one long vector, such as weights
        ((7, 7, 1), (None, 0, None), None),  # and with a row as long
        ((6, 6, 1), None, None),
    ],
)
def test_a_table_as_an_example_is_warned_of(sizes, in_axes, said, monkeypatch):
    monkeypatch.setattr(constructors, "TABLE_SIZE", 7)
    examples = [np.ones(n) for n in sizes]
    with pytest.warns(PerformanceWarning, match=said) if said else nullcontext():
        compiler.compile(lambda a, b, c: a[0] * b[0] * c[0], *examples, in_axes=in_axes)


def test_an_error_within_a_function_at_a_table_says_what_an_example_is():
    def needs_a_row(x):
        raise StructureError(str(len(x)))

    for table, noted in ((np.ones((4, 2)), True), ([[1.0, 2.0]], True), (np.ones(4), False), ([1.0], False)):
        with pytest.raises(StructureError) as error:
            compiler.compile(needs_a_row, table, in_axes=0)
        assert any("pass X[0]" in note for note in error.value.__notes__) == noted
    with pytest.raises(ValueError, match="matmul") as numpys:
        compiler.compile(lambda w, x: w @ x, np.ones(2), np.ones((4, 2)), in_axes=(None, 0))
    assert ["pass X[0]" in note for note in numpys.value.__notes__] == [True]


def test_one_number_is_needed_for_a_gradient():
    f = compiler.compile(lambda x: [x, x], 1.0)
    with pytest.raises(StructureError, match="expected one number as the result, got 2 in a list"):
        f.value_and_grad(1.0)


# --- without the extra --------------------------------------------------------------------------


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nothing_is_imported_before_something_is_compiled():
    code = "import sys, autograd_core._src.compiler; print([m for m in ('numpy', 'llvmlite') if m in sys.modules])"
    assert python(code) == "[]"


BROKEN = """
import importlib.abc, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "llvmlite":
            raise OSError("libllvmlite.so cannot be loaded")
sys.meta_path.insert(0, Finder())
"""
NO_COMPILER = {
    "import sys; sys.modules['llvmlite'] = None": "import of llvmlite halted",
    "import llvmlite.binding; del llvmlite.binding.create_pass_builder": "cannot import name 'create_pass_builder'",
    BROKEN: "libllvmlite.so cannot be loaded",
}


@pytest.mark.parametrize("broken", NO_COMPILER)
def test_without_a_compiler_numpy_runs_it_and_that_is_said_once(broken):
    code = f"""
{broken}
import warnings
from autograd_core._src.compiler import compile
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    f = compile(lambda x: x * x, 1.0)
    assert not caught
    print(f.backend, f.value_and_grad(3.0), f(4.0))
    print(*[(w.category.__name__, w.filename, str(w.message)) for w in caught])
"""
    first, second = python(code).splitlines()
    assert first == "numpy (9.0, (6.0,)) 16.0"
    assert second.startswith("('PerformanceWarning', '<string>', ")
    assert NO_COMPILER[broken] in second
    assert second.count("PerformanceWarning") == 1


def test_numpy_is_said_to_be_slow_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "autograd_core._src.compiler.codegen.llvm.vm", None)
    monkeypatch.setattr("autograd_core._src.compiler.runtime.numpy_vm.said", [])
    f = compiler.compile(lambda x: x * x, 1.0)
    with pytest.warns(PerformanceWarning, match=r"run on NumPy, several times slower: .*; pip install") as caught:
        assert (f(3.0), f(4.0)) == (9.0, 16.0)
    assert [w.filename for w in caught] == [__file__]


def test_without_numpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "autograd_core._src.compiler.constructors", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'autograd-core\[fast\]'"):
        compiler.compile(lambda x: x, 1.0)


def test_what_the_room_exports():
    assert repr(compiler.compile(abs, 1.0)) == "<compiled abs: 1 instructions, 1 trace(s), llvm>"
    assert isinstance(compiler.compile(abs, 1.0), ag.CompiledFunction)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = compiler.nothing


def test_code_for_many_rows_is_begun_with_their_first_chunk(monkeypatch):
    """An edge of 32 rows takes 32 times as long as here an edge takes to compile; one of two rows does not."""
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(executors, "CHUNK", 16)
    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", "")  # or the second one is found there
    monkeypatch.setattr("autograd_core._src.compiler.runtime.specialization.COMPILE_EDGE_SECONDS", 1e3)  # no real time counts beside that
    monkeypatch.setattr("autograd_core._src.compiler.runtime.traced_function.EDGE_SECONDS", 1e3 / 8)
    monkeypatch.setattr("autograd_core._src.compiler.runtime.specialization.processors", lambda: 2)
    for rows, compiled in ((32, True), (2, False)):
        f = compiler.compile(lambda x: ag.sin(x) * x, 1.0, in_axes=0)
        f(np.linspace(0.0, 1.0, rows))
        assert bool(f._specializations[0]._makers) is compiled  # a thread: the call does not wait for it


@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.usefixtures("backend")
def test_sums_of_infinities_are_no_matter_for_a_warning(monkeypatch, reduce):
    """pytest makes errors of NumPy's warnings; each way to add up rows sees inf - inf, and 1e308 + 1e308."""
    monkeypatch.setattr(executors, "CHUNK", 16)
    f = compiler.compile(lambda w, x: -w * x if x > 0 else w * -x, 1.0, 1.0, in_axes=(None, 0), reduce=reduce)
    for xs in ([INF, -INF], [*[1.0] * 16, INF, *[1.0] * 15, -INF], [INF, *[1.0] * 16, -INF, -1.0]):
        assert math.isnan(f.value_and_grad(1.0, xs)[1][0])
    assert f.value_and_grad(1.0, [-1e308] * 40)[1][0] == INF
    call = f.bind(1.0, [INF, -INF])
    call()
    assert math.isnan(call.grads[0])


def test_help_on_classes_of_compiled_functions():
    import inspect
    import pydoc

    for cls in {type(x) for f in [ag.compile(lambda x: x * x, 1.0)] for x in (f, f.hessian, f.jacobian, f.program)}:
        assert pydoc.render_doc(cls)
        for name in dir(cls):
            inspect.getattr_static(cls, name)
            getattr(cls, name, None)


@pytest.mark.parametrize(
    ("f", "examples"),
    [(lambda x, y: x * y, (1.0,)), (lambda x: x * x, (1.0, 2.0)), (ag.atan2, (1.0,))],
)
def test_examples_that_are_missing_are_asked_for(f, examples):
    with pytest.raises(StructureError, match=f"expected an example for each argument of .*, got {len(examples)} "):
        ag.compile(f, *examples)


def test_examples_by_keyword_are_refused_in_words():
    with pytest.raises(OperandError, match="unexpected keyword argument 'x': examples are passed by position"):
        ag.compile(lambda x: x * x, x=1.0)


# --- arguments by name ---


def _by_name(width, height=1.0):
    return width * width * height


NAMED = ag.compile(_by_name, 1.0, 1.0)


@pytest.mark.parametrize("interpreted", [True, False])
def test_every_call_takes_arguments_by_name(interpreted):
    f = NAMED if not interpreted else ag.compile(_by_name, 1.0, 1.0)
    calls = [f, f.value_and_grad, f.jacobian, f.hessian, ag.compile(_by_name, 1.0, 1.0, reduce="sum").reduced]
    for call in calls:
        for _ in range(1 if interpreted else 300):
            wanted = call(3.0, 5.0)
        assert str(call(height=5.0, width=3.0)) == str(call(3.0, height=5.0)) == str(wanted)
    for bound in (f.bind(height=5.0, width=3.0), f.bind(3.0, height=5.0)):
        bound()
        assert float(bound.out) == 45.0
    assert f.to_scipy(height=5.0, width=3.0).x0.tolist() == [3.0, 5.0]


def test_rows_values_and_parameters_by_name():
    rows = ag.compile(_by_name, 1.0, 1.0, in_axes=(0, None))
    assert rows(height=2.0, width=[1.0, 2.0]).tolist() == [2.0, 8.0]
    w = ag.Value(3.0, label="w")
    node = NAMED(width=w, height=2.0)
    node.backward()
    assert (node.data, w.grad) == (18.0, 12.0)
    loss = ag.compile(lambda x, y: (w * x - y) ** 2, 1.0, 1.0, parameters=[w])
    assert loss(y=1.0, x=2.0).data == 25.0
    assert loss.value_and_grad(2.0, y=1.0)[0] == 25.0
    a, b = ag.Value(1.0, label="a"), ag.Value(2.0, label="b")
    assert ag.compile(a - b, inputs=[a, b])(b=1.0, a=5.0) == 4.0
    assert ag.compile(lambda self, args: self - args, 1.0, 1.0)(args=1.0, self=3.0) == 2.0
    assert pickle.loads(pickle.dumps(NAMED))(height=1.0, width=2.0) == 4.0


@pytest.mark.parametrize("method", ["__call__", "value_and_grad", "reduced", "bind", "to_scipy", "jacobian", "hessian"])
def test_names_that_do_not_fit(method):
    call = getattr(ag.compile(_by_name, 1.0, 1.0, reduce="sum"), method)
    with pytest.raises(ag.StructureError, match=r"depth= is none of the arguments that it was compiled for \(width, height\)"):
        call(1.0, 2.0, depth=3.0)
    with pytest.raises(ag.StructureError, match=r"argument width is given twice, by position and by name"):
        call(1.0, width=2.0)
    with pytest.raises(ag.StructureError, match=r"argument width is missing; expected width, height"):
        call(height=2.0)
    with pytest.raises(ag.StructureError, match=r"expected 2 argument\(s\) as when compiled, got 3"):
        call(1.0, 2.0, 3.0)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("call", ["__call__", "value_and_grad", "bind"])
def test_a_batch_for_what_was_compiled_for_one_row(call, shape):
    f = ag.compile(lambda w, x: w * ag.sum(np.asarray(x).ravel().tolist()), 1.0, np.ones(shape))
    with pytest.raises(ag.StructureError, match="argument 1: expected .*; for a batch, one entry per example, compile with in_axes=0"):
        getattr(f, call)(1.0, np.ones((7, *shape)))
    with pytest.raises(ag.StructureError) as caught:
        getattr(f, call)(1.0, np.ones((7, 5, 1)))
    assert "in_axes" not in str(caught.value)


def test_a_name_that_two_inputs_have():
    a, b = ag.Value(1.0, label="a"), ag.Value(2.0, label="a")
    with pytest.raises(ag.StructureError, match="a= is the name of several arguments; give them by position"):
        ag.compile(a - b, inputs=[a, b])(a=1.0)


def test_a_hessian_is_per_row_and_that_of_the_cost_is_its_sum_or_mean():
    for reduce, over in (("sum", np.sum), ("mean", np.mean)):
        f = ag.compile(lambda w, x: ag.exp(w[0] * x) * w[1] ** 2, [1.0, 1.0], 1.0, in_axes=(None, 0), argnums=0, reduce=reduce)
        args = [0.3, 0.7], [1.0, 2.0, -1.0]
        per_example = f.hessian(*args)[0][0]
        assert per_example.shape == (3, 2, 2)
        assert f.hvp(args, ([1.0, 0.0],))[0].shape == (3, 2)
        np.testing.assert_allclose(f.to_scipy(*args).hess(args[0]), over(per_example, axis=0), rtol=1e-14)
