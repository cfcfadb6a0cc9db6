"""Memory of results is used again, and never while somebody can see it."""

import gc
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
import pytest

import autograd_core as ag
from autograd_core._src.compiler.runtime import executors, result_memory, specialization, traced_function
from autograd_core._src.compiler.runtime.result_memory import LARGE, ResultMemory

pytest.importorskip("llvmlite")

FLOAT = np.dtype(float)
ROWS = (executors.CHUNK, executors.CHUNK + 8, 2 * executors.CHUNK + 5)  # by a stub; whole blocks of rows; and a rest


def address(x):
    return x.__array_interface__["data"][0]


def compiled(**options):
    return ag.compile(lambda x, y: x * y + ag.sin(x), 1.0, 2.0, in_axes=(0, 0), **options)


def ready(f, *args):
    """The function, served by machine code for values, too, which `bind` makes for gradients alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specialization, "PATIENCE", -1.0)
        f.bind(*args)
        for _ in range(3):
            f(*args)
            f.value_and_grad(*args)
    return f


def drawn(rows, seed=0, dtype=float):
    return np.random.default_rng(seed).normal(size=(2, rows)).astype(dtype)


def arrays(tree):
    """All arrays of a result."""
    return [tree] if isinstance(tree, np.ndarray) else [x for part in tree for x in arrays(part)]


def means():
    return ag.compile(lambda x, y: x * y + ag.sin(x), 1.0, 2.0, in_axes=(0, 0), reduce="mean")


class Residuals:
    """Of a fit to data, which are those of the first call."""

    def __init__(self):
        self.f = ag.compile(lambda p, x: ag.exp(p[0] * x) + p[1], [0.1, 0.2], 1.0, in_axes=(None, 0), argnums=0)

    @cached_property
    def problem(self):
        return self.f.to_scipy([0.1, 0.2], self.x)

    def __call__(self, x):
        self.x = x
        return self.problem


def mixed():
    """Its Jacobian has entries that are always 0, which no code writes."""
    return ag.compile(lambda x, y: [x * y, ag.exp(y), 2.0 * x], 1.0, 2.0, in_axes=(0, 0))


def single():
    return compiled(dtype="float32")


def wide():
    return ag.compile(lambda x: ag.dot(x, x) + x[0], np.ones(LARGE // 8))


CALLS = {  # that return large arrays
    "call": (means, lambda f, x, y: f(x, y)),
    "value_and_grad": (means, lambda f, x, y: f.value_and_grad(x, y)[1]),
    "reduced": (means, lambda f, x, y: f.reduced(x, y)[1]),
    "jacobian": (means, lambda f, x, y: f.jacobian(x, y)),
    "with zeros": (mixed, lambda f, x, y: f.jacobian(x, y)),
    "several results": (mixed, lambda f, x, y: f(x, y)),
    "hessian": (means, lambda f, x, y: f.hessian(x, y)),
    "hvp": (means, lambda f, x, y: f.hvp((x, y), (y, x))),
    "float32": (single, lambda f, x, y: f.value_and_grad(np.tile(x, 2), np.tile(y, 2))[1]),
    "one point": (wide, lambda f, x, _: f.value_and_grad(x[: LARGE // 8])[1]),
    "residuals": (Residuals, lambda f, x, y: f(x).fun(y[:2])),
    "their Jacobian": (Residuals, lambda f, x, y: f(x).jac(y[:2])),
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("kind", CALLS)
def test_results_stay_as_they_are_while_somebody_holds_them(kind, rows):
    make, call = CALLS[kind]
    f, held, views = make(), [], []
    for seed in range(6):
        found = arrays(call(f, *drawn(rows, seed)))
        held.append((found, [x.copy() for x in found]))
        # Of some results only a view of a view is kept, or what reads them through the buffer protocol.
        found = arrays(call(f, *drawn(rows, seed)))
        pieces = [x[1::2][::3] for x in found]
        views.append(([*pieces, *(x.data for x in found)], [*(x.copy() for x in pieces), *(x.copy() for x in found)]))
        del found, pieces
        call(f, *drawn(rows, seed + 100))  # which nobody holds
    for mine, expected in itertools.chain(held, views):
        for x, y in zip(mine, expected, strict=True):
            assert np.array_equal(x, y)
    distinct = [x for mine, _ in held for x in mine]
    assert not any(np.shares_memory(x, y) for x, y in itertools.combinations(distinct, 2) if x.size and y.size)
    assert all(x.flags.writeable and x.flags.aligned for x in distinct)


@pytest.mark.parametrize("rows", ROWS)
def test_memory_that_nobody_holds_is_used_again(rows):
    f = ready(compiled(), *drawn(rows))
    values, (x_grad, _) = f.value_and_grad(*drawn(rows))
    mine = {address(values), address(x_grad)}
    held = values[5:][::2]
    del values, x_grad
    again = {address(x) for _ in range(3) for x in arrays(f.value_and_grad(*drawn(rows)))}
    assert mine & again == mine - {held.__array_interface__["data"][0] - 40}
    del held
    assert mine <= {address(x) for x in arrays([f.value_and_grad(*drawn(rows)) for _ in range(2)])}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("kind", ["call", "value_and_grad", "jacobian", "with zeros", "several results", "hessian", "hvp"])
def test_results_are_those_of_few_rows(kind, rows, monkeypatch):
    """Wherever they are computed, and whatever was in that memory before."""
    monkeypatch.setattr(specialization, "PATIENCE", 0.0)
    new = result_memory._new

    def used(room):
        memory = new(room)
        memory[:] = 255  # NaN
        return memory

    monkeypatch.setattr(result_memory, "_new", used)
    make, call = CALLS[kind]
    f = make()
    for seed in range(3):
        args = drawn(rows, seed)
        found = arrays(call(f, *args))
        few = [arrays(call(f, *part)) for part in np.split(args, range(1000, rows, 1000), axis=1)]
        for mine, *parts in zip(found, *few, strict=True):
            assert np.array_equal(mine, np.concatenate(parts))


@pytest.mark.parametrize("rows", [10, *ROWS])
@pytest.mark.parametrize("kind", CALLS)
def test_calls_leave_nothing_to_the_garbage_collector(kind, rows):
    """Results in a cycle of references would take memory until it comes."""
    if rows * 8 < LARGE and kind == "one point":
        pytest.skip("it has as many numbers as there are rows otherwise")
    make, call = CALLS[kind]
    f = make()
    for _ in range(3):
        call(f, *drawn(rows))
    gc.collect()
    gc.disable()
    try:
        call(f, *drawn(rows))
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_small_results_have_memory_of_their_own():
    f = ready(compiled(), *drawn(100))
    assert f(*drawn(100)).flags.owndata


@pytest.mark.parametrize("rows", ROWS)
def test_results_may_be_overwritten(rows):
    f = ready(compiled(), *drawn(rows))
    x, y = drawn(rows)
    values, (x_grad, y_grad) = f.value_and_grad(x, y)
    expected = values.copy()
    values += 1.0
    x_grad[:], y_grad[:] = np.nan, np.inf
    del values, x_grad, y_grad
    assert np.array_equal(f.value_and_grad(x, y)[0], expected)


def test_threads_keep_their_results_apart():
    rows = ROWS[1]
    f = ready(compiled(), *drawn(rows))

    def work(seed):
        x, y = drawn(rows, seed)
        values, (x_grad, y_grad) = f.value_and_grad(x, y)
        for _ in range(10):
            values, (x_grad, y_grad) = f.value_and_grad(x, y)
            time.sleep(0.001)
            assert np.array_equal(y_grad, x)
            assert np.allclose(x_grad, y + np.cos(x), rtol=1e-14, atol=1e-14)
            assert np.allclose(values, x * y + np.sin(x), rtol=1e-14, atol=1e-14)
        return values, values.copy()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(8)))
    assert all(np.array_equal(x, y) for x, y in found)


def waiting():
    """Bytes that wait, counted twice."""
    gc.collect()
    found = result_memory._waiting
    pieces = [x for free in {id(free): free for free in found._lists.values()}.values() for x in free]
    assert found.bytes == sum(map(len, pieces))
    assert len(pieces) == len(found._lists)
    return found.bytes


def test_memory_goes_with_its_function():
    before = waiting()
    f = ready(compiled(), *drawn(ROWS[0]))
    held = f(*drawn(ROWS[0]))
    expected = held.copy()
    f(*drawn(ROWS[0]))
    assert waiting() >= before + held.nbytes
    del f
    assert waiting() <= before  # what another test has left may have gone too
    assert np.array_equal(held, expected)
    before = waiting()
    del held
    assert waiting() == before


def test_what_waits_is_bounded_and_the_oldest_goes_first(monkeypatch):
    monkeypatch.setattr(result_memory, "WAITING_BYTES", 4 * LARGE)
    memory, other = ResultMemory(), ResultMemory()
    first, *many = [home.empty((LARGE,), np.dtype(np.uint8)) for home in (memory, other) for _ in range(5)]
    largest = memory.empty((5 * LARGE,), np.dtype(np.uint8))
    places = [address(x) for x in many]
    del first
    while many:
        del many[0]
        assert waiting() <= 4 * LARGE
    again = [other.empty((LARGE,), np.dtype(np.uint8)) for _ in range(4)]
    assert [address(x) for x in again] == places[:-5:-1]
    assert waiting() == 0
    del largest  # larger than all that may wait
    assert waiting() == 0


def test_sizes_between_two_that_are_kept_share_memory():
    memory = ResultMemory()
    x = memory.empty((LARGE + 1,), np.dtype(np.uint8))
    place = address(x)
    del x
    assert address(memory.empty((LARGE // 8 + 3, 1), FLOAT)) == place


def test_a_loan_may_end_where_the_lock_is_held():
    memory = ResultMemory()
    x, y = (memory.empty((LARGE,), FLOAT) for _ in range(2))
    with result_memory._waiting.lock:
        del x
    del y
    assert waiting() >= 2 * 8 * LARGE


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
@pytest.mark.parametrize("rows", [*ROWS[1:], 3 * executors.CHUNK])
@pytest.mark.parametrize("alone", [0, traced_function.ALONE])
def test_arrays_of_all_kinds_have_the_same_results(reduce, rows, alone, monkeypatch):
    """Whether machine code reads them where they are or copies, on one thread or more."""
    monkeypatch.setattr(traced_function, "ALONE", alone)
    example = (1.0, [0.5, 0.25], 3.0)
    f = ag.compile(lambda w, x, y: (w * x[0] - x[1] * y) ** 2, *example, in_axes=(None, 0, 0), reduce=reduce)
    w = 0.75
    x, y = np.random.default_rng(1).normal(size=(rows, 2)), np.random.default_rng(2).normal(size=rows)
    ready(f, w, x, y)
    kept = x.copy(), y.copy()
    values, grads = f.value_and_grad(w, x, y)
    assert np.array_equal(x, kept[0])
    assert np.array_equal(y, kept[1])
    error = w * x[:, 0] - x[:, 1] * y
    assert np.allclose(values, error**2, rtol=1e-13)
    assert np.allclose(grads[1], 2 * error[:, None] * np.stack([np.full(rows, w), -y], axis=1), rtol=1e-12)
    wide, twice = np.empty((rows, 3)), np.repeat(y, 2)
    wide[:, :2] = x
    x.setflags(write=False)
    odd = np.frombuffer(b"\0" + y.tobytes(), np.uint8)[1:].view(float)
    for args in ((x, y), (wide[:, :2], twice[::2]), (np.asfortranarray(x), y.astype(">f8")), (x, odd)):
        again, others = f.value_and_grad(w, *args)
        assert np.array_equal(again, values)
        assert all(np.array_equal(a, b) for a, b in zip(others, grads, strict=True))
    assert np.array_equal(f.bind(w, *kept).out, np.zeros(rows))  # a bound call's own memory is new


def test_a_row_that_is_not_finite_is_computed_alike_in_place():
    f = ag.compile(lambda x: ag.where(x > 0, x * ag.sqrt(x), 0.0), 1.0, in_axes=0)
    x = np.linspace(-1.0, 1.0, ROWS[1])
    ready(f, x)
    values, (grads,) = f.value_and_grad(x)
    assert np.isfinite(values).all()
    few = [f.value_and_grad(part) for part in np.split(x, 8)]  # in memory of their own
    assert np.array_equal(values, np.concatenate([v for v, _ in few]))
    assert np.array_equal(grads, np.concatenate([g for _, (g,) in few]))


def test_the_first_chunk_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(traced_function, "ALONE", 0)
    monkeypatch.setattr(executors, "processors", lambda: 4)

    def f(x):
        y = x + 1 if x < 10 else x
        return y * 2 if x > -20 else y

    g = ag.compile(f, 1.0, in_axes=0, guards="error")
    x = np.ones(8 * executors.CHUNK)
    x[3 * executors.CHUNK] = -30.0
    x[5 * executors.CHUNK :] = 25.0
    messages = set()
    for _ in range(20):
        with pytest.raises(ag.errors.GuardError) as caught:
            g(x)
        messages.add(str(caught.value).partition(" for these")[0])
    assert len(messages) == 1
    assert "gt was true" in messages.pop()  # in the fourth chunk; in later ones it is `lt`


def test_where_no_thread_can_be_had_the_caller_does_it_all(monkeypatch):
    class NoThread:
        def __init__(self, **_):
            pass

        def start(self):
            msg = "can't start new thread"
            raise RuntimeError(msg)

    f = ready(compiled(), *drawn(ROWS[2]))
    expected = f(*drawn(ROWS[2]))
    monkeypatch.setattr(traced_function, "ALONE", 0)
    monkeypatch.setattr(traced_function, "Thread", NoThread)
    assert np.array_equal(f(*drawn(ROWS[2])), expected)
