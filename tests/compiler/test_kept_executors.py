"""What compiled functions keep between calls: runners up to so many bytes, and machine code while somebody needs it."""

import gc
import itertools
import math
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from comparing import kept_bytes

import autograd_core as ag
from autograd_core._src import compiler
from autograd_core._src.compiler import locks
from autograd_core._src.compiler.runtime import kept_executors, specialization
from autograd_core._src.compiler.runtime.memory import CACHE_LINE, zeros_together

pytest.importorskip("llvmlite")
from autograd_core._src.compiler.codegen.llvm.jit import Code, machine, unload  # these need llvmlite


def curve(w, x):
    return ag.tanh(w * x) - x


def compiled(**options):
    return compiler.compile(curve, 1.0, 1.0, in_axes=(None, 0), reduce="sum", **options)


def test_any_number_of_batch_sizes_keeps_so_many_bytes():
    f = compiled()
    for n in range(1, 3001):
        f.value_and_grad(0.5, np.ones(n))
    assert kept_bytes() <= kept_executors.KEPT_BYTES


@pytest.mark.usefixtures("backend")
def test_the_least_recently_used_go_first(monkeypatch):
    monkeypatch.setattr(kept_executors, "KEPT_BYTES", 2**19)
    f, again = compiled(), np.ones(7)
    most = 0
    for n in range(1, 400, 3):
        expected = f.value_and_grad(0.5, np.linspace(0, 1, n))
        f.value_and_grad(0.5, again)
        most = max(most, kept_bytes())
        assert np.array_equal(f.value_and_grad(0.5, np.linspace(0, 1, n))[0], expected[0])
    assert 2**18 < most <= 2**19
    kept = {runner.serves[1] for runner in f._specializations[0]._free.runners()}
    assert {7, 397, 394} <= kept
    assert not {1, 4, 10} & kept


def test_some_runners_are_kept_whatever_their_size(monkeypatch):
    monkeypatch.setattr(kept_executors, "KEPT_BYTES", 1)
    f = compiled()
    for n in range(1, 30):
        f.value_and_grad(0.5, np.ones(n))
    sizes = {runner.serves[1] for runner in f._specializations[0]._free.runners()}
    assert 29 in sizes
    assert len(sizes) <= kept_executors.LEAST_KEPT + 1


def test_memory_of_interpreters_counts_and_is_used_again(monkeypatch):
    """An interpreter keeps a number for each operation, in 16 lanes: far more than the runner does."""
    monkeypatch.setattr(specialization, "PATIENCE", math.inf)  # nothing is compiled
    limit = 2**23
    monkeypatch.setattr(kept_executors, "KEPT_BYTES", limit)

    def long(k):
        def f(x):
            for j in range(1000):
                x = x * 0.5 + j * k
            return x

        return compiler.compile(f, 1.0, in_axes=0)

    gc.collect()
    before, rows = kept_bytes(), np.linspace(-1, 1, 40)
    functions = [long(1.5)]
    first = functions[0].value_and_grad(rows)
    assert kept_bytes() > before + 2 * 16 * 8 * 1000
    [memory] = functions[0]._specializations[0].interpreter._free.runners()
    functions[0].value_and_grad(rows)
    assert functions[0]._specializations[0].interpreter._free.runners() == [memory]
    for k in range(40):
        functions.append(long(k))
        functions[-1].value_and_grad(rows)
        assert kept_bytes() <= limit + 2**17  # that of the runner was in use when room was made
    assert functions[0]._specializations[0].interpreter._free.runners() == []
    again = functions[0].value_and_grad(rows)
    assert all(np.array_equal(x, y) for x, y in zip(first, again, strict=True))


def test_memory_goes_with_the_function():
    gc.collect()
    before = kept_bytes()
    f = compiled()
    f.value_and_grad(0.5, np.ones(10_000))
    assert kept_bytes() > before + 8 * 10_000
    one = weakref.ref(f._specializations[0])
    del f
    gc.collect()
    assert one() is None
    assert kept_bytes() <= before


def test_machine_code_goes_with_the_function():
    def called(k):
        f = compiler.compile(lambda x: ag.sin(x * k) * x + k, 1.0)
        call = f.bind(2.0)
        call()
        return float(call.out)

    called(-1.0)  # and what all functions have in common stays
    gc.collect()
    before = len(machine().loaded)
    for k in range(20):
        assert called(k) == pytest.approx(float(np.sin(2 * k) * 2 + k))
    gc.collect()
    assert len(machine().loaded) <= before


def test_a_bound_call_keeps_what_it_needs():
    f = compiled()
    call = f.bind(0.5, [1.0, 2.0, 3.0])
    long = compiler.compile(lambda v: ag.sum(ag.sin(x) for x in v), [1.0] * 300)
    other = long.bind([1.0] * 300)
    del f, long
    gc.collect()
    for _ in range(3):
        call()
        other()
    assert call.out == pytest.approx(np.tanh([0.5, 1.0, 1.5]) - [1.0, 2.0, 3.0])
    assert float(other.out) == pytest.approx(300 * np.sin(1.0))
    call.inputs[0][...] = np.nan  # asks for the other code, of the same kernel
    call()
    assert np.isnan(call.grads[0])


def test_code_of_two_equal_functions_is_one_and_lives_as_long_as_either():
    def make():
        call = compiler.compile(lambda x: x * 0.123456, 1.0).bind(2.0)
        call()
        return call

    one, two = make(), make()
    del one
    gc.collect()
    two()
    assert float(two.out) == 2 * 0.123456


def test_threads_share_runners_and_drop_them(monkeypatch):
    monkeypatch.setattr(kept_executors, "KEPT_BYTES", 2**18)
    f, wrong = compiled(), []

    def work(seed):
        for n in np.random.default_rng(seed).integers(1, 200, 100).tolist():
            if not np.allclose(f(0.5, np.ones(n)), np.tanh(0.5) - 1):
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert kept_bytes() <= 2**18 + 4 * kept_executors.LEAST_KEPT * 2**14


@pytest.mark.parametrize("last", [False, True])
def test_code_outlives_what_its_cycle_still_calls(last):
    """Of a cycle that nobody holds, `__del__` of one object may call code that others of it hold."""
    seen = []

    class Holder:
        def __del__(self):
            self.call()
            seen.extend([float(self.call.out), float(self.f(2.0))])

    def make():
        holder = None if last else Holder()
        f = compiler.compile(lambda x: ag.sin(x) * x + 0.3125, 1.0)
        call = f.bind(2.0)
        call()
        holder = holder or Holder()
        holder.call, holder.f, holder.cycle = call, f, holder

    make()
    gc.collect()
    assert seen == [pytest.approx(float(np.sin(2) * 2 + 0.3125))] * 2


def test_code_is_freed_once_and_under_the_lock_of_compiling():
    """The collector of cycles finalizes llvmlite's object itself where nothing outside of the cycle holds it."""
    closed = []

    class Tracker:
        def close(self):
            closed.append("close")

        def __del__(self):
            closed.append("del")

    code = Code(Tracker())
    code.cycle = code
    entered, leave = threading.Event(), threading.Event()

    def compiles():
        with locks.compiling:
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=compiles)
    thread.start()
    entered.wait(30)
    del code
    gc.collect()
    while_compiling = list(closed)
    leave.set()
    thread.join()
    with locks.compiling:
        unload()
    assert while_compiling == []
    assert closed == ["close", "del"]


GROWN = """
import re, sys
from pathlib import Path
import numpy as np
import autograd_core as ag

def resident():
    return 1024 * int(re.search(r"Anonymous: *([0-9]+) kB", Path("/proc/self/smaps_rollup").read_text())[1])

f = ag.compile(lambda w, x: ag.tanh(w * x) - x, 1.0, 1.0, in_axes=(None, 0), reduce="sum")
f.bind(0.5, np.ones(3))()
f.value_and_grad(0.5, np.ones(5))
before = resident()
for n in range(1, 4001):
    f(0.5, np.ones(n))
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="Linux says there what is resident")
def test_the_process_grows_by_little_more_than_what_is_kept():
    """Of ever larger batches: what is freed goes back to the system, as it fits none of those to come."""
    done = subprocess.run([sys.executable, "-c", GROWN], capture_output=True, text=True, check=True)
    assert 2**26 < int(done.stdout) < 1.25 * kept_executors.KEPT_BYTES


def test_pieces_of_memory_do_not_overlap_and_are_aligned():
    shapes = [0, 1, 5, (3, 7), (0, 4), (513, 8), (2**9, 2**9), 8]
    for dtype in (np.float64, np.float32):
        arrays = zeros_together(shapes, dtype)
        ends = []
        for k, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
            assert array.shape == np.zeros(shape).shape
            assert array.dtype == dtype
            assert not array.any()
            array[...] = k + 1
            if array.size:
                assert array.ctypes.data % CACHE_LINE == 0
                ends.append((array.ctypes.data, array.ctypes.data + array.nbytes))
        assert all((array == k + 1).all() for k, array in enumerate(arrays))
        assert all(end + CACHE_LINE <= start for (_, end), (start, _) in itertools.pairwise(ends))
        last = arrays[6]
        del arrays, array
        assert (last == 7).all()  # holds the whole
