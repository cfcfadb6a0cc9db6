"""Jacobians, Hessians and their products of compiled functions, against eager transforms."""

import math
import sys
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from strategies import examples, programs, value_of

import autograd_core as ag
from autograd_core._src import compiler
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.recording import record

pytest.importorskip("numpy")


@given(programs(max_steps=6, smooth=True))
@examples(40)
def test_hessians_of_random_programs(program):
    f, point = value_of(program), list(program.point)
    if not isinstance(f([ag.Value(x) for x in point]), ag.Value):
        return
    compiled = compiler.compile(f, point)
    expected = np.array(ag.hessian(f)(point), float)
    found = compiled.hessian(point)[0][0]
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-6)
    vector = [0.5 - 0.3 * k for k in range(len(point))]
    assert compiled.hvp((point,), (vector,))[0] == pytest.approx(expected @ vector, rel=1e-6, abs=1e-5)


@given(programs(max_steps=6, smooth=True), programs(max_steps=6, smooth=True))
@examples(40)
def test_jacobians_of_random_programs(first, second):
    f, g = value_of(first), value_of(second)

    def both(xs):
        return [f(xs), g(xs[::-1]), xs[0] * 2]

    point = [0.3, -0.7, 1.1, 0.5]
    with np.errstate(all="ignore"):
        values = both(point)
    if not all(map(math.isfinite, values)):
        return
    expected = np.array(ag.jacobian(both)(point), float)
    if np.isfinite(expected).all() and np.abs(expected).max() < 1e9:
        assert compiler.compile(both, point).jacobian(point)[0] == pytest.approx(expected, rel=1e-7, abs=1e-6)


def test_trees_of_arguments_and_results(backend):
    def f(p, x):
        return {"u": [p["w"][0] * x, p["w"][1] + p["b"]], "v": ag.sin(x) * p["b"]}

    point = {"w": [1.0, 2.0], "b": 3.0}
    by_p, by_x = compiler.compile(f, point, 0.5).jacobian(point, 0.5)
    assert by_p["u"]["w"].tolist() == [[0.5, 0.0], [0.0, 1.0]]
    assert by_p["u"]["b"].tolist() == [0.0, 1.0]
    assert by_p["v"]["w"].tolist() == [0.0, 0.0]
    assert by_p["v"]["b"] == pytest.approx(math.sin(0.5))
    assert by_x["u"].tolist() == [1.0, 0.0]
    assert by_x["v"] == pytest.approx(3 * math.cos(0.5))


def test_rows_and_chosen_arguments(backend):
    def f(w, x):
        return ag.tanh(w[0] * x + w[1]) * w[0]

    rows, w = [0.1, -0.4, 2.0], [0.3, -0.2]
    compiled = compiler.compile(f, w, 1.0, in_axes=(None, 0), argnums=0)
    for k, x in enumerate(rows):
        expected = np.array(ag.hessian(f)(w, x), float)
        assert compiled.hessian(w, rows)[0][0][k] == pytest.approx(expected, rel=1e-9)
        assert compiled.hvp((w, rows), ([1.0, 2.0],))[0][k] == pytest.approx(expected @ [1.0, 2.0], rel=1e-9)
        assert compiled.jacobian(w, rows)[0][k] == pytest.approx(ag.grad(f)(w, x), rel=1e-9)


def test_blocks_of_a_hessian():
    f = compiler.compile(lambda x, y: x[0] * x[1] * y + y**3, [1.0, 2.0], 3.0)
    (xx, xy), (yx, yy) = f.hessian([1.0, 2.0], 3.0)
    assert xx.tolist() == [[0.0, 3.0], [3.0, 0.0]]
    assert xy.tolist() == yx.tolist() == [2.0, 1.0]
    assert yy == 18.0
    assert f.hvp(([1.0, 2.0], 3.0), ([1.0, 0.0], 1.0)) == ([2.0, 4.0], 20.0)


def rosenbrock(x):
    return ag.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])


def test_a_band_needs_three_directions_and_few_entries():
    x = [0.1 * k - 1 for k in range(30)]
    compiled = compiler.compile(rosenbrock, x)
    hessian = compiled.hessian
    assert len(hessian.pattern.rows) == 3 * 30 - 2
    assert hessian.pattern.shape == (30, 30)
    call = hessian.bind(x)
    call()
    expected = np.array(ag.hessian(rosenbrock)(x), float)
    assert call.out[0][0] == pytest.approx(expected, rel=1e-9)
    vector = [math.sin(k) for k in range(30)]
    product = compiled.bind_hvp((x,), (vector,))
    product()
    assert product.out[0] == pytest.approx(expected @ vector, rel=1e-9)
    assert compiled.pattern is None


def test_few_outputs_take_one_sweep_each():
    many = compiler.compile(lambda x: [ag.sum(x), x[0] * 2], [1.0] * 9)
    assert many.jacobian([1.0] * 9)[0].tolist() == [[1.0] * 9, [2.0] + [0.0] * 8]


def test_guards_hold_for_derivatives_too():
    f = compiler.compile(lambda x: x**3 if x > 0 else -(x**2), 1.0, in_axes=0)
    assert f.hessian([2.0, -3.0, 1.0])[0][0].tolist() == [12.0, -2.0, 6.0]
    assert f.hessian.n_traces == 2


def test_a_graph_that_stands():
    a, b = ag.Value(2.0), ag.Value(3.0)
    f = compiler.compile(a * a * b, inputs=[a, b])
    assert f.hessian(2.0, 3.0)[0][1] == 4.0
    a.data = 5.0
    with pytest.raises(ag.StaleGraphError):
        _ = (
            compiler.compile(a * b, inputs=[a, b]).hessian
            and compiler.compile(f"{a.data}" and _stale(a), inputs=[a]).hessian
        )


def _stale(a):
    a.data = 7.0
    y = a * a
    a.data = 9.0
    return y


@pytest.mark.parametrize("name", ["hessian", "hvp", "bind_hvp"])
def test_several_results_have_no_hessian(name):
    f = compiler.compile(lambda x: [x, x], 1.0)
    with pytest.raises(ag.StructureError, match=f"{name}: expected one number as the result"):
        getattr(f, name) if name == "hessian" else getattr(f, name)((1.0,), (1.0,))


def test_sparse_entries_are_those_of_the_matrix(backend):
    def f(x, s):
        return [a * b * s for a, b in pairwise(x)]

    x, s = [0.5, -1.5, 2.0, 3.0], 0.7
    jacobian = compiler.compile(f, x, s).jacobian
    values, pattern = jacobian.sparse(x, s), jacobian.sparse.pattern
    dense = np.zeros(pattern.shape)
    dense[pattern.rows, pattern.columns] = values
    by_x, by_s = jacobian(x, s)
    assert dense.tolist() == np.column_stack([by_x, by_s]).tolist()
    assert len(values) == 9  # two of four, and the scale, in each of three rows

    hessian = compiler.compile(lambda v: sum(f(v, 2.0)) + v[0] ** 3, x).hessian
    rows = np.array([x, [1.0, 2.0, 3.0, 4.0]])
    for row in rows:
        dense = np.zeros((4, 4))
        dense[hessian.pattern.rows, hessian.pattern.columns] = hessian.sparse(row)
        assert dense.tolist() == hessian(row)[0][0].tolist()


def test_sparse_rows():
    hessian = compiler.compile(lambda v: v[0] ** 3 * v[1], [1.0, 1.0], in_axes=0).hessian
    assert hessian.sparse([[1.0, 2.0], [3.0, 4.0]]).tolist() == [[12.0, 3.0, 3.0], [72.0, 27.0, 27.0]]


def test_only_a_matrix_has_sparse_entries():
    with pytest.raises(ag.StructureError, match=r"ask for f\.jacobian\.sparse"):
        compiler.compile(lambda x: x * x, 1.0).sparse  # noqa: B018


PATTERNS = {
    "n outputs of one input": (lambda x, n: [ag.sin(x[0] * k) for k in range(n)], lambda n: 1),
    "one output of n inputs": (lambda x, n: [ag.prod([ag.sin(a) for a in x])], lambda n: n),
    "a diagonal": (lambda x, n: [a * a for a in x], lambda n: n),
    "a band": (lambda x, n: [ag.sin(a * b) for a, b in pairwise(x)], lambda n: n),
    "an arrow": (lambda x, n: [ag.dot(x, x), *(x[0] * a for a in x[1:])], lambda n: n),
    "a dense row and a diagonal": (lambda x, n: [ag.dot(x, x), *(a * a for a in x)], lambda n: n),
    "a dense column and a band": (lambda x, n: [x[-1] * a * b for a, b in pairwise(x)], lambda n: n),
    "two dense rows and columns": (
        lambda x, n: [ag.dot(x, x), ag.prod(x), *(x[0] * a + x[1] for a in x[2:])], lambda n: n,
    ),
}  # fmt: skip
HESSIANS = {
    "one point": lambda x: ag.exp(x[0]) * x[0],
    "a sum": lambda x: ag.sum([ag.sin(a) for a in x]),
    "a band": lambda x: ag.sum([ag.sin(a * b) for a, b in pairwise(x)]),
    "an arrow": lambda x: ag.sum([x[0] * x[0] * a * a for a in x[1:]]),
}


def lines_run(work):
    """How many lines of the library Python runs."""
    count = 0
    own = str(Path(ag.__file__).parent)

    def trace(frame, event, _):
        nonlocal count
        if not frame.f_code.co_filename.startswith(own):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("name", PATTERNS)
def test_a_sparse_jacobian_takes_linear_work(name):
    f, inputs = PATTERNS[name]

    def lines(n):
        compiled = ag.compile(lambda x: f(x, n), [0.5 + k / 100 for k in range(inputs(n))])
        return lines_run(lambda: compiled.jacobian)

    lines(8)  # what is made once
    assert lines(200) < 2.4 * lines(100)


@pytest.mark.parametrize("made", ["hessian", "_products"])
@pytest.mark.parametrize("name", HESSIANS)
def test_a_sparse_hessian_and_a_product_take_linear_work(name, made):
    def lines(n):
        compiled = ag.compile(HESSIANS[name], [0.5 + k / 100 for k in range(n)])
        return lines_run(lambda: getattr(compiled, made))

    lines(8)
    assert lines(200) < 2.4 * lines(100)


def test_nothing_has_the_size_of_a_matrix_whose_entries_are_few():
    def peak(n):
        x = [0.5 + k / n for k in range(n)]
        compiled = ag.compile(HESSIANS["a band"], x)
        tracemalloc.start()
        pattern = compiled.hessian.sparse.pattern
        _, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert pattern.shape == (n, n)
        assert len(pattern.rows) == 3 * n - 2
        return found

    peak(8)
    assert peak(2000) < 2.5 * peak(1000)


@pytest.mark.parametrize("name", PATTERNS)
def test_jacobians_of_every_pattern_are_right(name):
    f, inputs = PATTERNS[name]
    x = [0.5 + k / 100 for k in range(inputs(12))]
    [found] = ag.compile(lambda x: f(x, 12), x).jacobian(x)
    leaves = [ag.Value(a) for a in x]
    expected = [ag.grad_of(out, leaves) for out in f(leaves, 12)]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("name", HESSIANS)
def test_third_derivatives_of_every_pattern(name):
    f, x = HESSIANS[name], [0.5, 0.7, -0.3, 1.1]
    expected = np.array(ag.jacobian(ag.hessian(f))(x), float)
    third = ag.compile(f, x).hessian.jacobian
    [[[found]]] = third(x)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    pattern = third.pattern
    assert pattern.shape == (16, 4)
    dense = np.zeros(pattern.shape)
    dense[pattern.rows, pattern.columns] = third.sparse(x)
    np.testing.assert_array_equal(dense.reshape(4, 4, 4), found)
    assert [*zip(pattern.rows, pattern.columns)] == sorted(zip(pattern.rows, pattern.columns))


def test_third_derivatives_by_several_arguments():
    x, s = np.array([0.5, 0.7, -0.3]), 1.3
    third = ag.compile(lambda x, s: s * ag.sum([a**3 for a in x]) + s**4, x, s).hessian.jacobian
    (xx, xs), (sx, ss) = third(x, s)
    eye = np.eye(3)
    expected = [
        (xx, 6 * s * eye[:, :, None] * eye[:, None, :], 6 * np.diag(x)),
        (xs, 6 * np.diag(x), np.zeros(3)),
        (sx, 6 * np.diag(x), np.zeros(3)),
        (ss, np.zeros(3), 24 * s),
    ]
    for found, by_x, by_s in expected:
        np.testing.assert_allclose(found[0], by_x, rtol=1e-13)
        np.testing.assert_allclose(found[1], by_s, rtol=1e-13)


def test_nothing_below_an_input_is_looked_at():
    a = ag.Value(2.0)
    b = a * 2
    f = ag.compile(a * b * b, inputs=[a, b])
    assert f.value_and_grad(3.0, 5.0) == (75.0, (25.0, 30.0))
    assert f.jacobian(3.0, 5.0) == (25.0, 30.0)
    assert f.hessian(3.0, 5.0) == ((0.0, 10.0), (10.0, 6.0))
    assert f.hvp((3.0, 5.0), (1.0, 0.0)) == (0.0, 10.0)


def test_no_grad_is_for_other_graphs():
    f = ag.compile(lambda x: ag.sin(x[0]) * x[1] ** 2, [1.0, 2.0])
    with ag.no_grad(), ag.scope("here"):
        found = f.hessian([1.0, 2.0])[0][0]
    np.testing.assert_allclose(found, ag.hessian(lambda x: ag.sin(x[0]) * x[1] ** 2)([1.0, 2.0]), rtol=1e-14)


@pytest.mark.parametrize("name", ["sin", "exp", "pow", "div", "logsumexp", "norm", "prod", "max"])
def test_derivatives_of_constants_are_folded(name):
    """A rule with a constant among its operands is not taken for the rule without, nor for that of another one."""
    primitive = PRIMITIVES[name]
    for operands in ([2.0, None], [None, 2.0], [None, 3.0], [3.0, None], [None, 1.0], [None, None]):
        if primitive.arity == 1:
            f = lambda x: record(primitive, x) * record(primitive, 2.0)
        else:
            f = lambda x, operands=operands: record(primitive, *(x if c is None else c for c in operands)) * x
        both = lambda x: f(x) + 2 * f(x * 1.5)
        expected = ag.grad(ag.grad(both))(0.7)
        assert ag.compile(both, 0.7).hessian(0.7)[0][0] == pytest.approx(expected, rel=1e-12)


def test_derivatives_have_the_shape_of_results_before_that_of_arguments():
    f = compiler.compile(lambda x: (x[0] * 2, [x[1] * x[2], x[0]]), [1.0, 2.0, 3.0])
    (first, second), = f.jacobian([1.0, 2.0, 3.0])
    assert np.array_equal(first, [2.0, 0.0, 0.0])
    assert np.array_equal(second, [[0.0, 3.0, 2.0], [1.0, 0.0, 0.0]])


def neutral(program):
    """Instructions that change nothing: products by 1 and sums with -0.0."""
    found = []
    for i, code in enumerate(program.codes.tolist()):
        slots = program.operands[program.offsets[i] : program.offsets[i + 1]].tolist()
        numbers = [float(program.constants[k - program.n_inputs]) for k in slots if program.n_inputs <= k < program.first]
        name = program.primitives[code].name
        found += [i] * ((name == "mul" and 1.0 in numbers) or (name == "add" and "-0.0" in map(str, numbers)))
    return found


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ag.sin(1.0 * x[0]) * x[1],
        lambda x: ag.sin(x[0] + -0.0) * x[1],
        lambda x: ag.exp((x[0] * 1.0 + -0.0) * x[1]) / x[1],
        lambda x: ag.sum(x) * x[0] - x[1],
    ],
    ids=["by 1", "with -0.0", "both", "neither"],
)
def test_derivatives_compute_nothing_that_changes_nothing(f):
    compiled = ag.compile(f, [0.5, 1.5])
    assert not neutral(compiled.jacobian.program)
    assert not neutral(compiled.hessian.program)
