"""A function that is compiled without examples is traced at its first call, whatever that is, and then as any other."""

import copy
import inspect
import pickle
import threading

import numpy as np
import pytest

import autograd_core as ag

pytest.importorskip("numpy")


def product(x, y):
    return x * y + ag.sin(x)


def called(bound):
    bound()
    return bound.out


FIRST_CALLS = {
    "a call": lambda f: f(1.5, 2.0),
    "by names": lambda f: f(y=2.0, x=1.5),
    "gradient": lambda f: f.value_and_grad(1.5, 2.0),
    "gradient by names": lambda f: f.value_and_grad(1.5, y=2.0),
    "bound": lambda f: called(f.bind(1.5, 2.0)),
    "Jacobian": lambda f: f.jacobian(1.5, 2.0),
    "Hessian": lambda f: f.hessian(1.5, 2.0),
    "Hessian by names": lambda f: f.hessian(y=2.0, x=1.5),
    "products": lambda f: f.hvp((1.5, 2.0), (1.0, 0.0)),
    "bound products": lambda f: called(f.bind_hvp((1.5, 2.0), (1.0, 0.0))),
    "SciPy": lambda f: f.to_scipy(1.5, 2.0).fun([1.5, 2.0]),
    "Values": lambda f: f(ag.Value(1.5), ag.Value(2.0)).data,
    "within grad": lambda f: ag.grad(ag.grad(f))(1.5, 2.0),
    "within compile": lambda f: ag.compile(lambda x: f(x, 2.0), 1.5)(1.5),
}


@pytest.mark.parametrize("name", FIRST_CALLS)
def test_any_call_may_be_the_first(name):
    call = FIRST_CALLS[name]
    traced, untraced = ag.compile(product, 1.0, 1.0), ag.compile(product)
    assert untraced.n_traces == 0
    first = call(untraced)
    assert repr(first) == repr(call(untraced)) == repr(call(traced))
    assert type(untraced) is type(traced)
    assert untraced.n_traces == 1
    assert set(vars(untraced)) == set(vars(traced)) | (set(vars(untraced)) & {"jacobian", "hessian", "_products"})
    for other, again in FIRST_CALLS.items():
        assert repr(again(untraced)) == repr(again(traced)), other


ROWS = {
    "array": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    "list of rows": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
    "list of arrays": [np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])],
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_it_is_traced_at_the_first_row(rows, reduce):
    def f(w, x):
        return (w[0] * x[0] - w[1] * x[1]) ** 2

    given = ROWS[rows]
    traced = ag.compile(f, [0.0, 0.0], [0.0, 0.0], in_axes=(None, 0), reduce=reduce)
    for axes in ((None, 0), [None, 0]):
        untraced = ag.compile(f, in_axes=axes, reduce=reduce)
        assert repr(untraced.value_and_grad([2.0, 3.0], given)) == repr(traced.value_and_grad([2.0, 3.0], given))
    both = ag.compile(f, in_axes=0, reduce=reduce)
    assert both(given, given).tolist() == [9.0, 49.0, 121.0]


def test_rows_of_dicts():
    f = ag.compile(lambda p: p["a"] * p["b"], in_axes=0)
    assert f({"a": [1.0, 2.0], "b": np.array([3.0, 4.0])}).tolist() == [3.0, 8.0]


@pytest.mark.parametrize("given", [[], np.empty((0, 2)), 2.0, np.array(2.0), ag.Value(2.0), {"a": []}])
def test_where_there_is_no_row_it_waits_for_one(given):
    f = ag.compile(lambda x: x * x, in_axes=0)
    with pytest.raises(ag.StructureError, match=r"expected a batched argument in its first call, got"):
        f(given)
    assert f.n_traces == 0
    assert f([3.0, 4.0]).tolist() == [9.0, 16.0]
    assert f([]).tolist() == []


def test_arguments_that_are_missing_are_told_of_and_the_next_call_is_the_first():
    f = ag.compile(product)
    for call in (lambda: f(1.0), lambda: f(1.0, 2.0, 3.0), lambda: f(1.0, z=2.0), lambda: f.value_and_grad()):
        with pytest.raises(ag.StructureError, match=r"compiled product: .*; its arguments are \(x, y\)"):
            call()
    with pytest.raises(ag.StructureError, match="expected 1 entries in in_axes|in_axes"):
        ag.compile(product, in_axes=(None,))(1.0, 2.0)
    with pytest.raises(ag.OperandError):
        f("1", 2.0)
    assert f(1.0, 2.0) == ag.compile(product, 0.0, 0.0)(1.0, 2.0)


def test_an_error_of_the_function_is_its_own_and_leaves_it_to_be_traced():
    is_ready = []

    def f(x):
        if not is_ready:
            raise LookupError
        return x * x

    compiled = ag.compile(f)
    with pytest.raises(LookupError):
        compiled(3.0)
    is_ready.append(True)
    assert compiled(3.0) == 9.0


def test_later_calls_have_the_shapes_of_the_first():
    f = ag.compile(lambda xs: ag.sum(xs))
    assert f([1.0, 2.0]) == 3.0
    with pytest.raises(ag.StructureError, match="expected a list of length 2, got a list of length 3"):
        f([1.0, 2.0, 3.0])


def test_any_number_of_arguments():
    f = ag.compile(lambda *xs: ag.sum(xs))
    assert f(1.0, 2.0, 3.0) == 6.0


def test_parameters_are_read_at_each_call():
    w = ag.Value(2.0)
    f = ag.compile(lambda x: w * x, parameters=[w])
    assert f(3.0).data == 6.0
    w.data = 5.0
    y = f(3.0)
    y.backward()
    assert (y.data, w.grad) == (15.0, 3.0)


def test_what_is_not_known_yet_is_said_to_be_known_from_the_first_call_on():
    f = ag.compile(product)
    for ask in (lambda: f.program, lambda: f.dtype, lambda: f.to_c(), lambda: f.backend, lambda: pickle.dumps(f)):
        with pytest.raises(ag.StructureError, match="known from the first call on; call it first"):
            ask()
    with pytest.raises(AttributeError, match="f.value_and_grad"):
        f.grad  # noqa: B018  as on any compiled function
    assert not hasattr(f, "nothing")
    assert repr(f) == "<compiled product: traced at its first call>"
    assert str(inspect.signature(f)) == "(x, y)"
    assert inspect.getmembers(f)
    assert copy.copy(f) is copy.deepcopy(f) is f
    value = f(1.5, 2.0)
    assert pickle.loads(pickle.dumps(f))(1.5, 2.0) == value
    assert "product" in f.to_c()


def test_a_derivative_that_was_asked_for_before():
    f = ag.compile(product)
    jacobian, hessian = f.jacobian, f.hessian
    assert f(1.5, 2.0)
    assert repr(jacobian(1.5, 2.0)) == repr(f.jacobian(1.5, 2.0))
    assert repr(hessian(1.5, 2.0)) == repr(f.hessian(1.5, 2.0))
    assert type(jacobian) is type(f.jacobian)


def test_of_many_threads_one_traces():
    n_runs = []

    def f(x):
        n_runs.append(x)
        return x * x

    compiled, found = ag.compile(f), []
    barrier = threading.Barrier(8)

    def run(k):
        barrier.wait()
        found.append((k, compiled(float(k))))

    threads = [threading.Thread(target=run, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(k, float(k * k)) for k in range(8)]
    assert len(n_runs) == 1
    assert compiled.n_traces == 1
