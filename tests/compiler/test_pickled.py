"""Compiled functions in pickles: the other side gives the same bits, in other processes and on any number of them."""

import multiprocessing
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import carried
import numpy as np
import pytest

import autograd_core as ag
from autograd_core._src import compiler
from autograd_core._src.engine.pytrees import LEAF, Spec
from autograd_core.errors import GuardError, StructureError

W = np.array([0.5, -1.5, 0.25])


def again(f):
    return pickle.loads(pickle.dumps(f))


def tree(f, x):
    return {"a": f(x[0]) * x[1], "b": [x[1] / 3, ag.sin(x[0]) + 0.1]}


@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}, {"optimize": False}, {"argnums": 1}], ids=str)
@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
@pytest.mark.usefixtures("backend")
def test_a_function_gives_the_same_bits_again(options, reduce):
    f = ag.compile(carried.loss, [0.1, 0.2, 0.3], np.ones(3), in_axes=(None, 0), reduce=reduce, **options)
    g = again(f)
    xs = carried.rows(0)[:50]
    assert g(W, xs).tolist() == f(W, xs).tolist()
    assert repr(g.value_and_grad(W, xs)) == repr(f.value_and_grad(W, xs))
    assert str(g.program) == str(f.program)
    assert repr(g) == repr(f)
    call, mine = f.bind(W, xs), g.bind(W, xs)
    call()
    mine()
    assert [x.tolist() for x in call.grads] == [x.tolist() for x in mine.grads]
    assert repr(again(g)(W, xs)) == repr(f(W, xs))


def test_results_of_all_shapes():
    for f, args in (
        (lambda x: tree(ag.exp, x), ([1.0, 2.0],)),
        (lambda d: (d["w"] * 2, d["b"][0]), ({"w": 1.0, "b": [2.0]},)),
        (lambda x: x * 0 + 1, (2.0,)),
        (lambda x: 3.0, (2.0,)),
    ):
        g = ag.compile(f, *args)
        assert repr(again(g)(*args)) == repr(g(*args))


def test_derivatives_are_carried_too():
    f = ag.compile(lambda x: x[0] ** 3 * x[1] + ag.sin(x[1]), [1.0, 2.0])
    x = [0.5, 1.5]
    for mine, theirs in (
        (again(f).hessian, f.hessian),
        (again(f.hessian), f.hessian),
        (again(f.jacobian), f.jacobian),
        (again(f.hessian.sparse), f.hessian.sparse),
    ):
        np.testing.assert_allclose(np.ravel(mine(x)).astype(float), np.ravel(theirs(x)).astype(float), rtol=1e-15)
    assert again(f).hvp((x,), ([1.0, 0.0],))[0] == pytest.approx(f.hvp((x,), ([1.0, 0.0],))[0], rel=1e-15)
    assert again(f.hessian).pattern.columns.tolist() == f.hessian.pattern.columns.tolist()


def test_graphs_and_programs(tmp_path):
    x, y = ag.Value(2.0, label="x"), ag.Value(3.0, label="y")
    f = ag.compile(x * y + ag.exp(x), inputs=[x, y])
    assert again(f).value_and_grad(1.0, 2.0) == f.value_and_grad(1.0, 2.0)
    np.testing.assert_allclose(again(f).hessian(1.0, 2.0), f.hessian(1.0, 2.0))
    f.program.save(tmp_path / "f.npz")
    g = compiler.compile(ag.Program.load(tmp_path / "f.npz"))
    assert again(g).value_and_grad(1.0, 2.0) == g.value_and_grad(1.0, 2.0)


def test_it_works_on_values_and_within_transforms():
    f = again(ag.compile(lambda x: x * x * x, 1.0))
    assert ag.grad(ag.grad(f))(2.0) == 12.0


def test_parameters_are_carried_with_what_they_belong_to():
    w = ag.Value(2.0)
    f = ag.compile(lambda x: w * x, 1.0, in_axes=0, reduce="sum", parameters=[w])
    g, v = pickle.loads(pickle.dumps((f, w)))
    v.data = 5.0
    out = g([1.0, 2.0])
    out.backward()
    assert (out.data, v.grad, f([1.0, 2.0]).data) == (15.0, 3.0, 6.0)


def test_all_traces_are_carried_and_a_function_with_a_name_is_traced_on():
    f = ag.compile(carried.branching, 1.0)
    assert (f(3.0), f(-2.0)) == (9.0, 2.0)
    g = again(f)
    assert g.n_traces == 2
    assert (g(3.0), g(-2.0), g(-20.0)) == (9.0, 2.0, f(-20.0))
    assert g.n_traces == 3


def test_a_function_without_a_name_says_what_to_do_where_another_branch_is_taken():
    f = ag.compile(lambda x: x * x if x > 0 else -x, 1.0)
    g = again(f)
    assert g(3.0) == 9.0
    with pytest.raises(GuardError, match=r"pickled <lambda>: these arguments take a branch .* call it on such argum"):
        g(-3.0)
    f(-3.0)
    assert again(f)(-3.0) == 3.0


def test_a_program_that_does_not_fit_is_refused():
    make, (traces, modules, about, source) = ag.compile(lambda x: x * x, 1.0).__reduce__()
    content, spec, words = traces[0]
    with pytest.raises(StructureError, match="damaged"):
        make([(content[:-5], spec, words)], modules, about, source)
    with pytest.raises(StructureError, match=r"expected a program of 2 input\(s\)"):
        make(traces, modules, about | {"specs": about["specs"] * 2}, source)
    specs = Spec("list", (Spec("list", (LEAF, LEAF)),))
    with pytest.raises(StructureError, match=r"2 result\(s\)"):
        make([(content, specs.children[0], words)], modules, about, source)


def of_many(executor, f, n):
    waiting = [executor.submit(carried.of_chunk, f, W, k) for k in range(n)]
    return carried.combined([x.result() for x in as_completed(waiting)])


@pytest.fixture
def _importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(carried.__file__).parent) + ":" + ":".join(p for p in sys.path if p))


@pytest.mark.usefixtures("_importable")
def test_sums_are_the_same_bits_for_any_number_of_processes_and_with_one_killed(tmp_path):
    f, n = carried.compiled_loss(), 8
    expected = carried.combined([carried.of_chunk(f, W, k) for k in range(n)])
    context = multiprocessing.get_context("spawn")
    for workers in (1, 2):
        with ProcessPoolExecutor(workers, mp_context=context) as executor:
            assert of_many(executor, f, n) == expected
    parts, marker = {}, str(tmp_path / "killed")
    for _ in range(5):
        with ProcessPoolExecutor(2, mp_context=context) as executor:
            left = [k for k in range(n) if k not in parts]
            waiting = [executor.submit(carried.of_chunk_or_die, f, W, k, marker) for k in left]
            for x in as_completed(waiting):
                if not isinstance(x.exception(), BrokenProcessPool):
                    parts[x.result()[0]] = x.result()
        if len(parts) == n:
            break
    assert Path(marker).exists()
    assert carried.combined(list(parts.values())) == expected


@pytest.mark.usefixtures("_importable")
def test_primitives_of_a_user_are_found_where_they_are_defined():
    f = ag.compile(carried.cubes, 1.0)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        assert executor.submit(f, 1.5).result() == f(1.5)


@pytest.mark.usefixtures("_importable")
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_joblib_gives_the_same_bits(workers):
    joblib = pytest.importorskip("joblib")
    f, n = carried.compiled_loss(), 6
    expected = carried.combined([carried.of_chunk(f, W, k) for k in range(n)])
    tasks = (joblib.delayed(carried.of_chunk)(f, W, k) for k in range(n))
    assert carried.combined(joblib.Parallel(n_jobs=workers)(tasks)) == expected


@pytest.mark.usefixtures("_importable")
def test_dask_gives_the_same_bits():
    distributed = pytest.importorskip("distributed")
    f, n = carried.compiled_loss(), 6
    expected = carried.combined([carried.of_chunk(f, W, k) for k in range(n)])
    for workers in (1, 2):
        with (
            distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            waiting = [client.submit(carried.of_chunk, f, W, k) for k in range(n)]
            assert carried.combined([x.result() for x in distributed.as_completed(waiting)]) == expected
