"""Jacobians, Hessians and their products of compiled functions, against eager transforms."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import programs, value_of

import autograd_core as ag
from autograd_core import replay
from autograd_core.replay.derived import colours, dependencies

pytest.importorskip("numpy")


@given(programs(max_steps=6, smooth=True))
@settings(max_examples=40)
def test_hessians_of_random_programs(program):
    f, point = value_of(program), list(program.point)
    if not isinstance(f([ag.Value(x) for x in point]), ag.Value):
        return
    compiled = replay.compile(f, point)
    expected = np.array(ag.hessian(f)(point), float)
    found = compiled.hessian(point)[0][0]
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-6)
    vector = [0.5 - 0.3 * k for k in range(len(point))]
    assert compiled.hvp((point,), (vector,))[0] == pytest.approx(expected @ vector, rel=1e-6, abs=1e-5)


@given(programs(max_steps=6, smooth=True), programs(max_steps=6, smooth=True))
@settings(max_examples=40)
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
        assert replay.compile(both, point).jacobian(point)[0] == pytest.approx(expected, rel=1e-7, abs=1e-6)


def test_trees_of_arguments_and_results(backend):
    def f(p, x):
        return {"u": [p["w"][0] * x, p["w"][1] + p["b"]], "v": ag.sin(x) * p["b"]}

    point = {"w": [1.0, 2.0], "b": 3.0}
    by_p, by_x = replay.compile(f, point, 0.5).jacobian(point, 0.5)
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
    compiled = replay.compile(f, w, 1.0, in_axes=(None, 0), argnums=0)
    for k, x in enumerate(rows):
        expected = np.array(ag.hessian(f)(w, x), float)
        assert compiled.hessian(w, rows)[0][0][k] == pytest.approx(expected, rel=1e-9)
        assert compiled.hvp((w, rows), ([1.0, 2.0],))[0][k] == pytest.approx(expected @ [1.0, 2.0], rel=1e-9)
        assert compiled.jacobian(w, rows)[0][k] == pytest.approx(ag.grad(f)(w, x), rel=1e-9)


def test_blocks_of_a_hessian():
    f = replay.compile(lambda x, y: x[0] * x[1] * y + y**3, [1.0, 2.0], 3.0)
    (xx, xy), (yx, yy) = f.hessian([1.0, 2.0], 3.0)
    assert xx.tolist() == [[0.0, 3.0], [3.0, 0.0]]
    assert xy.tolist() == yx.tolist() == [2.0, 1.0]
    assert yy == 18.0
    assert f.hvp(([1.0, 2.0], 3.0), ([1.0, 0.0], 1.0)) == ([2.0, 4.0], 20.0)


def rosenbrock(x):
    return ag.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])


def test_a_band_needs_three_directions_and_few_entries():
    x = [0.1 * k - 1 for k in range(30)]
    compiled = replay.compile(rosenbrock, x)
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


def test_colours_of_columns_and_of_rows():
    assert colours([0b0011, 0b0110, 0b1100], 4) == [[0, 2], [1, 3]]
    x = [ag.Value(0.5) for _ in range(3)]
    assert dependencies([x[0] * x[2], ag.Value(1.0), x[1]], x) == [0b101, 0, 0b010]
    many = replay.compile(lambda x: [ag.sum(x), x[0] * 2], [1.0] * 9)  # few outputs: one sweep per output
    assert many.jacobian([1.0] * 9)[0].tolist() == [[1.0] * 9, [2.0] + [0.0] * 8]


def test_guards_hold_for_derivatives_too():
    f = replay.compile(lambda x: x**3 if x > 0 else -(x**2), 1.0, in_axes=0)
    assert f.hessian([2.0, -3.0, 1.0])[0][0].tolist() == [12.0, -2.0, 6.0]
    assert f.hessian.n_traces == 2


def test_a_graph_that_stands():
    a, b = ag.Value(2.0), ag.Value(3.0)
    f = replay.compile(a * a * b, inputs=[a, b])
    assert f.hessian(2.0, 3.0)[0][1] == 4.0
    a.data = 5.0
    with pytest.raises(ag.StaleGraphError):
        _ = replay.compile(a * b, inputs=[a, b]).hessian and replay.compile(f"{a.data}" and _stale(a), inputs=[a]).hessian


def _stale(a):
    a.data = 7.0
    y = a * a
    a.data = 9.0
    return y


@pytest.mark.parametrize("name", ["hessian", "hvp", "bind_hvp"])
def test_several_results_have_no_hessian(name):
    f = replay.compile(lambda x: [x, x], 1.0)
    with pytest.raises(ag.StructureError, match=f"{name}: expected one number as the result"):
        getattr(f, name) if name == "hessian" else getattr(f, name)((1.0,), (1.0,))


def test_sparse_entries_are_those_of_the_matrix(backend):
    def f(x, s):
        return [a * b * s for a, b in pairwise(x)]

    x, s = [0.5, -1.5, 2.0, 3.0], 0.7
    jacobian = replay.compile(f, x, s).jacobian
    values, pattern = jacobian.sparse(x, s), jacobian.sparse.pattern
    dense = np.zeros(pattern.shape)
    dense[pattern.rows, pattern.columns] = values
    by_x, by_s = jacobian(x, s)
    assert dense.tolist() == np.column_stack([by_x, by_s]).tolist()
    assert len(values) == 9  # two of four, and the scale, in each of three rows

    hessian = replay.compile(lambda v: sum(f(v, 2.0)) + v[0] ** 3, x).hessian
    rows = np.array([x, [1.0, 2.0, 3.0, 4.0]])
    for row in rows:
        dense = np.zeros((4, 4))
        dense[hessian.pattern.rows, hessian.pattern.columns] = hessian.sparse(row)
        assert dense.tolist() == hessian(row)[0][0].tolist()


def test_sparse_rows():
    hessian = replay.compile(lambda v: v[0] ** 3 * v[1], [1.0, 1.0], in_axes=0).hessian
    assert hessian.sparse([[1.0, 2.0], [3.0, 4.0]]).tolist() == [[12.0, 3.0, 3.0], [72.0, 27.0, 27.0]]


def test_only_a_matrix_has_sparse_entries():
    with pytest.raises(ag.StructureError, match=r"ask for f\.jacobian\.sparse"):
        replay.compile(lambda x: x * x, 1.0).sparse  # noqa: B018
