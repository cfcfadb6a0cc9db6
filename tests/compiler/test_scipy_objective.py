"""Compiled functions in `scipy.optimize`: costs, residuals, and their derivatives."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
from autograd_core import OperandError, StructureError
from autograd_core._src import compiler

optimize = pytest.importorskip("scipy.optimize")
START = [1.3, 0.7, 0.8, 1.9]  # of SciPy's own tutorial; others lead to another minimum


def rosenbrock(x):
    return ag.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])


# --- costs ----------------------------------------------------------------------------------------

numbers = st.floats(-3, 3)


@pytest.mark.usefixtures("backend")
@given(st.lists(numbers, min_size=4, max_size=4), st.lists(numbers, min_size=4, max_size=4))
@examples(20, suppress_health_check=["function_scoped_fixture"])
def test_derivatives_are_those_that_scipy_has_for_rosenbrock(x, p):
    problem = compiler.compile(rosenbrock, START).to_scipy(START)
    assert problem.fun(x) == pytest.approx(optimize.rosen(x))
    assert problem.jac(x) == pytest.approx(optimize.rosen_der(x), abs=1e-9)
    assert problem.hess(x) == pytest.approx(optimize.rosen_hess(x), abs=1e-9)
    assert problem.hessp(x, p) == pytest.approx(optimize.rosen_hess_prod(x, p), abs=1e-9)


METHODS = {
    "L-BFGS-B": (),
    "BFGS": (),
    "CG": (),
    "SLSQP": (),
    "TNC": (),
    "Newton-CG": ("hessp",),
    "trust-krylov": ("hessp",),
    "trust-ncg": ("hess",),
    "trust-exact": ("hess",),
    "trust-constr": ("hess",),
}


@pytest.mark.parametrize("example", [START, np.array(START), tuple(START)], ids=["list", "array", "tuple"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_minimum(method, example):
    problem = compiler.compile(rosenbrock, example).to_scipy(example)
    more = {name: getattr(problem, name) for name in METHODS[method]}
    result = optimize.minimize(problem.fun, problem.x0, jac=problem.jac, method=method, **more)
    assert result.x == pytest.approx(np.ones(4), abs=1e-3)
    assert type(problem.tree(result.x)) in (list, tuple, np.ndarray)


def test_value_and_gradient_come_together():
    problem = compiler.compile(rosenbrock, START).to_scipy(START)
    result = optimize.minimize(problem.fun_and_jac, problem.x0, jac=True)
    assert result.x == pytest.approx(np.ones(4), abs=1e-4)
    assert optimize.check_grad(problem.fun, problem.jac, problem.x0) < 1e-4
    assert type(problem.fun(problem.x0)) is float
    assert problem.jac(problem.x0).dtype == np.float64


def test_one_run_serves_value_and_gradient(monkeypatch):
    problem = compiler.compile(rosenbrock, START).to_scipy(START)
    runs, call = [], problem._call
    counted = type("Counted", (), {"__call__": lambda _: (runs.append(1), call())[0]})()
    counted.inputs, counted.out, counted.grads = call.inputs, call.out, call.grads
    monkeypatch.setattr(problem, "_call", counted)
    for x in (START, START, [1.0] * 4, START):
        problem.fun_and_jac(x)
    assert len(runs) == 3


def test_results_are_not_overwritten():
    problem = compiler.compile(rosenbrock, START).to_scipy(START)
    before = problem.jac(START), problem.hess(START), problem.hessp(START, START)
    kept = [x.copy() for x in before]
    for x in ([1.0] * 4, [2.0] * 4):
        problem.jac(x), problem.hess(x), problem.hessp(x, x)
    for a, b in zip(before, kept, strict=True):
        np.testing.assert_array_equal(a, b)
    x = np.array(START)
    problem.fun(x)
    x[:] = 1.0  # some optimizers change the vector in place
    assert problem.fun(x) == 0.0


# --- rows -----------------------------------------------------------------------------------------

T = np.linspace(0, 3, 37)
TRUE = {"a": 2.0, "b": 1.25, "c": 0.5}
Y = TRUE["a"] * np.exp(-TRUE["b"] * T) + TRUE["c"]
FIRST = {"a": 1.0, "b": 1.0, "c": 0.0}


def residual(p, t, y):
    return p["a"] * ag.exp(-p["b"] * t) + p["c"] - y


def compiled_residual(**options):
    def f(p, t, y):
        return residual(p, t, y) ** 2 if "reduce" in options else residual(p, t, y)

    return compiler.compile(f, FIRST, 0.0, 0.0, in_axes=(None, 0, 0), argnums=0, **options)


@pytest.mark.usefixtures("backend")
def test_a_curve_is_fitted_by_residuals():
    problem = compiled_residual().to_scipy(FIRST, T, Y)
    a, b, c = x = np.array([1.5, 0.75, 0.25])
    e = np.exp(-b * T)
    assert problem.fun(x) == pytest.approx(a * e + c - Y)
    assert problem.jac(x) == pytest.approx(np.stack([e, -a * T * e, np.ones_like(T)], axis=1))
    result = optimize.least_squares(problem.fun, problem.x0, jac=problem.jac)
    assert problem.tree(result.x) == pytest.approx(TRUE)
    assert repr(problem).startswith("<residuals of 3 number(s), <compiled f: ")


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_a_cost_adds_up_its_rows(reduce):
    problem = compiled_residual(reduce=reduce).to_scipy(FIRST, T, Y)
    over_rows = getattr(np, reduce)
    a, b, c = x = np.array([1.5, 0.75, 0.25])
    e = np.exp(-b * T)
    r, slopes = a * e + c - Y, np.stack([e, -a * T * e, np.ones_like(T)], axis=1)
    second = np.zeros((len(T), 3, 3))
    second[:, 0, 1] = second[:, 1, 0] = -T * e
    second[:, 1, 1] = a * T**2 * e
    hessian = over_rows(2 * slopes[:, :, None] * slopes[:, None, :] + 2 * r[:, None, None] * second, axis=0)
    assert problem.fun(x) == pytest.approx(over_rows(r**2))
    assert problem.jac(x) == pytest.approx(over_rows(2 * r[:, None] * slopes, axis=0))
    assert problem.hess(x) == pytest.approx(hessian)
    assert problem.hessp(x, [1.0, -2.0, 0.5]) == pytest.approx(hessian @ [1.0, -2.0, 0.5])
    result = optimize.minimize(
        problem.fun, problem.x0, jac=problem.jac, hess=problem.hess, method="trust-exact", options={"gtol": 1e-9}
    )
    assert problem.tree(result.x) == pytest.approx(TRUE, rel=1e-4)
    assert repr(problem).startswith("<cost of 3 number(s), <compiled f: ")


# --- several results, several arguments -----------------------------------------------------------


@pytest.mark.usefixtures("backend")
def test_roots_of_equations():
    f = compiler.compile(lambda k, a, b: [a * b[0] - k, {"difference": a - b[0]}], 1.0, 1.0, [1.0], argnums=(2, 1))
    problem = f.to_scipy(4.0, 3.0, [5.0])
    assert problem.x0.tolist() == [5.0, 3.0]  # in the order of argnums
    assert problem.fun([5.0, 3.0]).tolist() == [11.0, -2.0]
    assert problem.jac([5.0, 3.0]).tolist() == [[3.0, 5.0], [-1.0, 1.0]]
    solution = optimize.root(problem.fun, problem.x0, jac=problem.jac)
    assert problem.tree(solution.x) == (pytest.approx([2.0]), pytest.approx(2.0))
    for method, vector in (("hess", ()), ("hessp", ([1.0, 1.0],))):
        with pytest.raises(StructureError, match=f"{method}: expected a function with one number as its result"):
            getattr(problem, method)([1.0, 1.0], *vector)


def test_rows_of_several_results():
    f = compiler.compile(lambda p, t: [p[0] * t, p[1] + t], [1.0, 1.0], 0.0, in_axes=(None, 0), argnums=0)
    problem = f.to_scipy([2.0, 3.0], [10.0, 20.0])
    assert problem.fun([2.0, 3.0]).tolist() == [20.0, 13.0, 40.0, 23.0]
    assert problem.jac([2.0, 3.0]).tolist() == [[10.0, 0.0], [0.0, 1.0], [20.0, 0.0], [0.0, 1.0]]


def test_branches_and_graphs_that_stand():
    problem = compiler.compile(lambda x: x[0] ** 2 if x[0] > 1 else 2 * x[0] - 1, [2.0]).to_scipy([2.0])
    assert (problem.fun([3.0]), problem.fun([0.0])) == (9.0, -1.0)
    assert (problem.jac([3.0]).tolist(), problem.jac([0.0]).tolist()) == ([6.0], [2.0])
    assert (problem.hess([3.0]).tolist(), problem.hess([0.0]).tolist()) == ([[2.0]], [[0.0]])
    x, y = ag.Value(1.0), ag.Value(2.0)
    problem = compiler.compile(x * y + y**2, inputs=[x, y]).to_scipy(3.0, 4.0)
    assert (problem.fun([3.0, 4.0]), problem.jac([3.0, 4.0]).tolist()) == (28.0, [4.0, 11.0])


def test_floats_come_as_doubles():
    problem = compiler.compile(rosenbrock, START, dtype="float32").to_scipy(START)
    assert problem.jac(START).dtype == problem.hess(START).dtype == problem.hessp(START, START).dtype == np.float64
    assert problem.jac(START) == pytest.approx(optimize.rosen_der(START), rel=1e-5)


def test_what_cannot_be_optimized_is_said():
    f = compiler.compile(lambda p, t: p * t, 1.0, 1.0, in_axes=(None, 0), reduce="sum")
    with pytest.raises(StructureError, match=r"argument 1 is batched.*argnums=\.\.\."):
        f.to_scipy(1.0, [1.0, 2.0])
    problem = compiler.compile(rosenbrock, START).to_scipy(START)
    with pytest.raises(StructureError, match=r"to_scipy: the vector: expected an array of shape \(4,\)"):
        problem.fun([1.0, 2.0])
    with pytest.raises(OperandError, match="to_scipy: the vector: expected a real number"):
        problem.fun(["a", 1.0, 2.0, 3.0])
    with pytest.raises(StructureError, match="argument 0: expected a list of length 4"):
        compiler.compile(rosenbrock, START).to_scipy([1.0])
    assert math.isnan(problem.fun([math.nan, 1.0, 1.0, 1.0]))
    with pytest.raises(StructureError, match="with reduce"):
        compiled_residual().to_scipy(FIRST, T, Y).hess([1.0, 1.0, 1.0])
