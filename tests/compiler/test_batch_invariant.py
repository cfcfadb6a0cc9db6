"""What depends on shared arguments alone runs once for all rows, forward and backward."""

import math

import numpy as np
import pytest
from comparing import path_sizes
from hypothesis import given
from strategies import examples

import autograd_core as ag
from autograd_core._src import compiler
from autograd_core._src.compiler.passes.batch_invariant import split
from autograd_core._src.compiler.runtime import specialization
from autograd_core.testing import expressions

W, ROWS = [0.3, -0.7, 1.2, 0.4, -0.2], np.linspace(-1, 1, 23)[:, None] * [1.0, 0.5]


def penalised(w, x):
    """A row's loss with a penalty, and a scale, that all rows share."""
    scale = ag.exp(w[4]) + w[0] * w[0]
    return ag.tanh(w[0] * x[0] + w[1] * x[1] + w[2]) * scale + 0.1 * ag.dot(w, w) + w[3]


def by_hand(f, w, rows):
    """Values, and the sum of the rows' gradients, one backward() after the other."""
    values, total = [], np.zeros(len(w))
    for row in rows.tolist():
        leaves = [ag.Value(a) for a in w]
        out = f(leaves, row)
        out.backward()
        values.append(out.data)
        total += [a.grad for a in leaves]
    return values, total


@pytest.fixture(params=["llvm", "numpy", "code"])
def way(request, monkeypatch):
    """Each of the three ways to run rows."""
    if request.param != "numpy":
        pytest.importorskip("llvmlite")
    if request.param == "numpy":
        from autograd_core._src.compiler.runtime import executors
        from autograd_core._src.compiler.runtime.numpy_vm import NumpyInterpreter

        slow = lambda program, *, fast, dtype: NumpyInterpreter(program, "", dtype)
        monkeypatch.setattr(executors, "interpreter_of", slow)
        monkeypatch.setattr(specialization, "interpreter_of", slow)
    if request.param == "code":
        monkeypatch.setattr(specialization, "PATIENCE", -1.0)
    return request.param


@pytest.mark.parametrize("count", [1, 5, 8, 23])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.usefixtures("way")
def test_values_and_sums_are_those_of_the_rows(count, reduce):
    rows = ROWS[:count]
    f = compiler.compile(penalised, W, [1.0, 1.0], in_axes=(None, 0), reduce=reduce)
    values, (w_grad, x_grad) = f.value_and_grad(W, rows)
    expected, total = by_hand(penalised, W, rows)
    np.testing.assert_allclose(values, expected, rtol=1e-14)
    np.testing.assert_allclose(w_grad, total / (count if reduce == "mean" else 1), rtol=1e-12)
    assert x_grad.shape == rows.shape


def test_all_ways_give_the_same_bits(monkeypatch):
    pytest.importorskip("llvmlite")
    found = []
    for seconds in (math.inf, -1.0):
        monkeypatch.setattr(specialization, "PATIENCE", seconds)
        f = compiler.compile(penalised, W, [1.0, 1.0], in_axes=(None, 0), reduce="sum")
        values, (w_grad, x_grad) = f.value_and_grad(W, ROWS)
        found.append((values.tolist(), w_grad, x_grad.tolist()))
    call = f.bind(W, ROWS)
    call()
    found.append((call.out.tolist(), call.grads[0].tolist(), call.grads[1].tolist()))
    assert found[0] == found[1] == found[2]


def test_a_gradient_for_each_row_needs_the_whole_program():
    f = compiler.compile(penalised, W, [1.0, 1.0], in_axes=(None, 0))
    values, (w_grad, _) = f.value_and_grad(W, ROWS)
    expected, total = by_hand(penalised, W, ROWS)
    assert w_grad.shape == (23, 5)
    np.testing.assert_allclose(values, expected, rtol=1e-14)
    np.testing.assert_allclose(w_grad.sum(axis=0), total, rtol=1e-12)


def parts_of(f, *examples, **options):
    compiled = compiler.compile(f, *examples, **options)
    [one] = compiled._specializations
    return compiled.program, split(compiled.program, compiled._layout(one, gradient=True))


def test_the_parts():
    program, parts = parts_of(penalised, W, [1.0, 1.0], in_axes=(None, 0), reduce="sum")
    names = lambda p: [p.primitives[code].name for code in p.codes]
    assert sorted(names(parts.first)[:-1] + names(parts.rest)) == sorted(names(program))
    assert "tanh" in names(parts.rest)
    assert "exp" in names(parts.first)
    assert names(parts.first)[-1] == "dot"  # of seeds and results
    assert parts.first.n_inputs == parts.rest.n_inputs == program.n_inputs + len(parts.results)


@pytest.mark.parametrize(
    ("f", "in_axes"),
    [(lambda w, x: w * x, (None, 0)), (lambda w, x: ag.exp(w) * x, (None, None)), (lambda w, x: ag.exp(w) * x, (0, 0))],
)
def test_nothing_to_part(f, in_axes):
    assert parts_of(f, 1.0, 1.0, in_axes=in_axes, reduce="sum")[1] is None


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_compiled_code_is_that_of_the_parts(reduce):
    """Asked for again and again, as the executor, the kernel, and the length of its code do."""
    f = compiler.compile(penalised, W, [1.0, 1.0], in_axes=(None, 0), reduce=reduce)
    [one] = f._specializations
    layout = f._layout(one, gradient=True)
    assert one.parts(layout) is one.parts(layout) is not None
    assert one.parts(layout).first.codes.tolist() == split(f.program, layout).first.codes.tolist()


def test_the_split_takes_work_linear_in_the_shared_inputs():
    """20 000 of them once took 3 seconds: each slot was looked for among all whose gradient is summed."""
    compared = []

    class Slot(int):
        __hash__ = int.__hash__

        def __eq__(self, other):
            compared.append(other)
            return int(self) == other

    n = 300
    f = compiler.compile(lambda w, x: ag.exp(ag.dot(w, w)) * ag.dot(w, x), [1.0] * n, [1.0] * n, in_axes=(None, 0), reduce="sum")
    [one] = f._specializations
    layout = f._layout(one, gradient=True)
    assert len(layout.summed) == n
    counted = layout._replace(
        **{name: tuple(map(Slot, getattr(layout, name))) for name in ("wanted", "summed", "places")},
        **{name: tuple(tuple(map(Slot, slots)) for slots in getattr(layout, name)) for name in ("tables", "per_example")},
    )
    assert split(f.program, counted).layout == split(f.program, layout).layout
    del compared[:]
    split(f.program, counted)
    assert 0 < len(compared) < 20 * n


def test_the_order_of_backward_is_kept_where_it_is_asked_for():
    exact = compiler.compile(penalised, W, [1.0, 1.0], in_axes=(None, 0), reduce="sum", optimize=False)
    [one] = exact._specializations
    assert one.parts(exact._layout(one, gradient=True)) is None


@pytest.mark.usefixtures("way")
def test_a_result_that_no_row_changes():
    f = compiler.compile(lambda w, x: ag.exp(w), 1.0, 1.0, in_axes=(None, 0), reduce="sum")
    values, (w_grad, x_grad) = f.value_and_grad(0.5, [1.0, 2.0, 3.0])
    np.testing.assert_allclose(values, [np.exp(0.5)] * 3, rtol=1e-15)
    assert w_grad == pytest.approx(3 * np.exp(0.5))
    assert x_grad.tolist() == [0.0] * 3


@pytest.mark.usefixtures("way")
def test_zero_wins_over_infinity_in_the_shared_part_too():
    f = compiler.compile(
        lambda w, x: ag.where(w > 0, ag.sqrt(w), 0.0) * x + x * x, 1.0, 1.0, in_axes=(None, 0), reduce="sum"
    )
    assert f.value_and_grad(0.0, [1.0, 2.0, 3.0])[1][0] == 0.0
    assert f.value_and_grad(4.0, [1.0, 2.0, 3.0])[1][0] == 1.5


@pytest.mark.usefixtures("way")
def test_a_shared_result_may_lead_nowhere():
    """One shared argument is not differentiated: nothing is swept back to it."""
    f = compiler.compile(
        lambda w, c, x: w * x * ag.exp(c) + ag.sin(w), 1.0, 1.0, 1.0, in_axes=(None, None, 0), reduce="sum", argnums=(0,)
    )
    _, (w_grad,) = f.value_and_grad(0.5, 0.25, [1.0, 2.0])
    assert w_grad == pytest.approx(3 * np.exp(0.25) + 2 * np.cos(0.5))


@given(expressions(inputs=4))
@examples(40)
def test_random_programs_with_shared_inputs(program):
    f, point = program, list(program.inputs)
    in_axes = tuple(None if k % 2 else 0 for k in range(len(point)))
    given_rows = [[a, a, a] if axis == 0 else a for a, axis in zip(point, in_axes)]
    compiled = compiler.compile(f, *point, in_axes=in_axes, reduce="sum")
    values, grads = compiled.value_and_grad(*given_rows)
    leaves = [ag.Value(a) for a in point]
    out = f(*leaves)
    if not isinstance(out, ag.Value):
        return
    out.backward()
    sizes = path_sizes(out)
    rounded = [4 * size * math.ulp(node.data) for node, size in sizes.items() if math.isfinite(node.data)]
    room = math.fsum(x for x in rounded if math.isfinite(x))  # log(cos(1e-4)) has half of its digits, whoever computes it
    np.testing.assert_allclose(values, [out.data] * 3, rtol=1e-12, atol=room)
    for leaf, g, axis in zip(leaves, grads, in_axes):
        expected = [leaf.grad] * 3 if axis == 0 else 3 * leaf.grad
        np.testing.assert_allclose(g, expected, rtol=1e-6, atol=1e-300 + 1e-13 * sizes.get(leaf, 0.0))
