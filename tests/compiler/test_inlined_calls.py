"""Compiled functions called on Values: recorded as the function itself would be, to any order, in any transform."""

import numpy as np
import pytest
from hypothesis import given
from strategies import programs, value_of

import autograd_core as ag
from autograd_core import GuardError, StaleTraceWarning, Value
from autograd_core._src import compiler


def f(x, y):
    return ag.sin(x) * y + ag.exp(x * y) / (1 + y * y)


def bent(x):
    return x**3 if x > 1 else 5 * x


@pytest.mark.usefixtures("backend")
def test_in_every_transform_it_is_what_the_function_is():
    c = compiler.compile(f, 1.0, 1.0)
    at = 0.3, 0.7
    for transform in (
        ag.grad,
        ag.value_and_grad,
        ag.jacobian,
        ag.hessian,
        lambda f: ag.grad(ag.grad(f), 1),
        lambda f: ag.grad(ag.grad(ag.grad(f))),
        lambda f: lambda *xs: ag.jvp(f, xs, (1.0, 2.0)),
        lambda f: lambda *xs: ag.hvp(f, xs, (1.0, 2.0)),
        lambda f: lambda *xs: ag.vjp(f, *xs)[1](1.5),
        lambda f: compiler.compile(f, 1.0, 1.0),
        lambda f: compiler.compile(ag.grad(f), 1.0, 1.0),
        lambda f: compiler.compile(lambda x, y: f(x, y) + f(y, x), 1.0, 1.0),
        lambda f: lambda *xs: compiler.compile(f, 1.0, 1.0).value_and_grad(*xs),
    ):
        assert flat(transform(c)(*at)) == pytest.approx(flat(transform(f)(*at)), rel=1e-13)


def flat(x):
    return [y for part in x for y in flat(part)] if isinstance(x, (list, tuple)) else [float(x)]


@given(programs(max_steps=6, smooth=True))
def test_random_programs_to_second_order(program):
    g, point = value_of(program), list(program.point)
    c = compiler.compile(g, point)
    assert c([Value(x) for x in point]).data == pytest.approx(c(point), rel=1e-12, abs=1e-12)
    assert ag.grad(c)(point) == pytest.approx(ag.grad(g)(point), rel=1e-9, abs=1e-9)
    second, expected = ag.hessian(c)(point), ag.hessian(g)(point)
    for row, truth in zip(second, expected, strict=True):
        assert row == pytest.approx(truth, rel=1e-7, abs=1e-7)


def test_in_eager_code_it_is_a_part_of_the_graph():
    c = compiler.compile(f, 1.0, 1.0)
    x, y = Value(0.3), Value(0.7)
    out = c(x * y, 2.0) + x
    assert isinstance(out, Value)
    out.backward()
    other_x, other_y = Value(0.3), Value(0.7)
    (f(other_x * other_y, 2.0) + other_x).backward()
    assert [x.grad, y.grad] == pytest.approx([other_x.grad, other_y.grad], rel=1e-14)
    assert c(0.3, 0.7) == pytest.approx(f(0.3, 0.7), rel=1e-15)  # on numbers it gives numbers
    with ag.no_grad():
        assert c(x, y).parents == ()


def test_an_exact_trace_gives_the_graph_bit_for_bit():
    c = compiler.compile(f, 1.0, 1.0, optimize=False)
    assert ag.value_and_grad(c, (0, 1))(0.3, 0.7) == ag.value_and_grad(f, (0, 1))(0.3, 0.7)


def test_a_gradient_a_jacobian_and_a_hessian_of_values():
    c = compiler.compile(lambda v: v[0] ** 3 * v[1], [1.0, 1.0])
    v = [Value(2.0), Value(5.0)]
    value, (gradient,) = c.value_and_grad(v)
    assert [value.data, *(g.data for g in gradient)] == [40.0, 60.0, 8.0]
    gradient[0].backward()
    assert [x.grad for x in v] == [60.0, 12.0]
    assert ag.grad(lambda v: c.value_and_grad(v)[1][0][0])([2.0, 5.0]) == [60.0, 12.0]
    assert np.array(ag.jacobian(lambda v: c.jacobian(v)[0])([2.0, 5.0])).tolist() == [[60.0, 12.0], [12.0, 0.0]]
    assert ag.grad(lambda v: c.hessian(v)[0][0][0, 0])([2.0, 5.0]) == [30.0, 12.0]
    assert ag.grad(lambda v: c.hvp((v,), ([1.0, 0.0],))[0][0])([2.0, 5.0]) == [30.0, 12.0]
    entries = c.hessian(v)[0][0]
    assert all(isinstance(x, Value) for x in entries.ravel())  # that which is always 0 as well
    assert entries[1, 1].data == 0.0
    assert compiler.compile(lambda v: c.hessian.sparse(v)[0], [1.0, 1.0])([2.0, 5.0]) == 60.0


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_rows_give_a_node_each_or_one_for_all(reduce):
    c = compiler.compile(lambda w, x: ag.sin(w * x), 1.0, 1.0, in_axes=(None, 0), reduce=reduce)
    xs, w = [0.1, 0.2, 0.4], Value(2.0)
    out = c(w, xs)
    singles = np.sin(2.0 * np.array(xs))
    if reduce is None:
        assert [x.data for x in out] == pytest.approx(singles.tolist())
        assert isinstance(out, np.ndarray)
        total = ag.sum(out)
    else:
        assert out.data == pytest.approx(singles.sum() if reduce == "sum" else singles.mean())
        total = out
    total.backward()
    slopes = np.cos(2.0 * np.array(xs)) * xs
    assert w.grad == pytest.approx(slopes.mean() if reduce == "mean" else slopes.sum())
    values, (to_w, to_x) = c.value_and_grad(w, xs)
    assert [x.data for x in values] == pytest.approx(singles.tolist())  # one per example, as with numbers
    assert [x.data for x in to_x] == pytest.approx((2 * np.cos(2.0 * np.array(xs))).tolist())
    if reduce is None:
        assert [x.data for x in to_w] == pytest.approx(slopes.tolist())
    else:
        assert to_w.data == pytest.approx(w.grad)


def test_values_among_rows():
    c = compiler.compile(lambda w, p: w * p["x"] + p["y"][1], 1.0, {"x": 1.0, "y": [1.0, 2.0]}, in_axes=(None, 0))
    x = [Value(1.0), 2.0, Value(3.0)]
    for x_rows in (x, tuple(x), np.array(x, object)):
        out = c(3.0, {"x": x_rows, "y": np.ones((3, 2))})
        assert [v.data for v in out] == [4.0, 7.0, 10.0]
    rows = [{"x": a, "y": [0.0, Value(1.0)]} for a in x]
    assert [v.data for v in c(Value(3.0), rows)] == [4.0, 7.0, 10.0]
    assert ag.grad(lambda xs: ag.sum(c(3.0, {"x": xs, "y": np.ones((3, 2))})))([1.0, 2.0, 3.0]) == [3.0] * 3
    several = compiler.compile(lambda x: {"a": x, "b": (2 * x, [x, 1.0])}, 1.0, in_axes=0, reduce="sum")
    out = several([Value(1.0), Value(2.0)])
    assert (out["a"].data, out["b"][0].data, [v.data for v in out["b"][1]]) == (3.0, 6.0, [3.0, 2.0])


def test_of_no_rows():
    w = Value(2.0)
    for reduce, total in (("sum", "0.0"), ("mean", "nan")):
        c = compiler.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0), reduce=reduce)
        assert str(c(w, []).data) == total
        value, (to_w, to_x) = c.reduced(w, [])
        assert (str(value.data), str(to_w.data), to_x.shape) == (total, total, (0,))
    assert compiler.compile(lambda w, x: w * x, 1.0, 1.0, in_axes=(None, 0))(w, []).shape == (0,)


def test_branches_go_by_data_and_are_guards_of_an_outer_trace():
    c = compiler.compile(bent, 2.0)
    assert ag.grad(c)(2.0) == 12.0
    assert c.n_traces == 1
    assert ag.grad(c)(0.5) == 5.0
    assert c.n_traces == 2
    assert ag.hessian(c)(3.0) == 18.0
    assert c.n_traces == 2
    outer = compiler.compile(lambda x: c(x) + 1, 2.0, in_axes=0)
    assert outer([2.0, 0.5]).tolist() == [9.0, 3.5]
    assert outer.n_traces == 2
    strict = compiler.compile(bent, 2.0, guards="error")
    with pytest.raises(GuardError, match="gt was true while tracing and is false"):
        strict(Value(0.5))
    with ag.detect_anomaly():  # what is not taken is not looked at
        assert compiler.compile(lambda x: 1 / (x - 1) if x > 1 else x, 2.0)(Value(1.0)).data == 1.0


def test_graphs_and_programs_are_inlined():
    x, y = Value(2.0), Value(3.0)
    graph = compiler.compile([x * y, x + 1], inputs=[x, y])
    assert ag.grad(lambda t: graph(t, t)[0] + graph(t, 1.0)[1])(5.0) == 11.0
    again = compiler.compile(compiler.compile(f, 1.0, 1.0).program)
    assert ag.grad(again)(0.3, 0.7) == pytest.approx(ag.grad(f)(0.3, 0.7))


def test_value_and_gradient_of_what_is_reduced():
    c = compiler.compile(lambda w, x: w**2 * x, 1.0, 1.0, in_axes=(None, 0), reduce="mean")
    value, (to_w, to_x) = c.reduced(3.0, [1.0, 2.0])
    assert (value, to_w, to_x.tolist()) == (13.5, 9.0, [4.5, 4.5])
    assert ag.value_and_grad(lambda w, x: ag.mean(w**2 * a for a in x), (0, 1))(3.0, [1.0, 2.0]) == (
        value,
        (to_w, to_x.tolist()),
    )
    of_values = c.reduced(Value(3.0), [1.0, 2.0])
    assert (of_values[0].data, of_values[1][0].data, [g.data for g in of_values[1][1]]) == (13.5, 9.0, [4.5, 4.5])
    total = compiler.compile(lambda w, x: w**2 * x, 1.0, 1.0, in_axes=(None, 0), reduce="sum")
    assert total.reduced(3.0, [1.0, 2.0])[0] == 27.0
    assert total.reduced(3.0, [1.0, 2.0])[1][0] == 18.0
    with pytest.raises(ag.StructureError, match='reduced: expected a function compiled with reduce="sum"'):
        compiler.compile(f, 1.0, 1.0).reduced(1.0, 2.0)
    with pytest.raises(ag.StructureError, match="reduced: expected one number as the result"):
        compiler.compile(lambda x: [x], 1.0, reduce="sum").reduced(1.0)


scale = 2.0


def scaled(x):
    return x * scale


def test_what_it_reads_from_outside_is_a_constant_of_its_trace(monkeypatch):
    c = compiler.compile(scaled, 1.0)
    outer = compiler.compile(lambda x: c(x) + 1, 1.0)
    monkeypatch.setattr(f"{__name__}.scale", 5.0)
    with pytest.warns(StaleTraceWarning, match="compiled scaled: scale was 2.0"):
        assert ag.grad(c)(1.0) == 2.0
    with pytest.warns(StaleTraceWarning, match="scale was 2.0"):
        assert outer(1.0) == 3.0


def test_it_has_the_name_and_the_signature_of_its_function():
    c = compiler.compile(f, 1.0, 1.0)
    assert c.__name__ == "f"
    assert c.__wrapped__ is f
    assert "outer" in repr(compiler.compile(lambda outer: c(outer, outer), 1.0).to_latex())
    assert compiler.compile(c, 1.0, 1.0)._argument_names == ("x", "y")
