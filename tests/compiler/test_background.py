"""Machine code is made by a thread while calls go on being interpreted: same bits, no wait, nothing lost."""

import os
import subprocess
import sys
import textwrap
import threading
from contextlib import suppress

import numpy as np
import pytest

import autograd_core as ag
from autograd_core._src import compiler
from autograd_core._src.compiler.runtime import specialization
from autograd_core._src.compiler.runtime.executors import InterpreterRunner, KernelRunner

pytest.importorskip("llvmlite")
X = np.linspace(0.1, 2.0, 40)


def program(x):
    return ag.sin(x) * ag.exp(x) / (1 + x)


@pytest.fixture
def gate(monkeypatch):
    """Kernels are wanted at the second call, and made once this is set."""
    opened = threading.Event()
    made = specialization.Specialization._made_kernel

    def waits(self, *args, compiles):
        if compiles:
            assert opened.wait(60)
        return made(self, *args, compiles=compiles)

    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", "")
    monkeypatch.setattr(specialization.Specialization, "_made_kernel", waits)
    monkeypatch.setattr(specialization, "PATIENCE", 1e-12)
    monkeypatch.setattr(specialization, "processors", lambda: 2)
    yield opened
    opened.set()


def runners(f):
    return {type(runner) for runner in f._specializations[0]._free.runners()}


def wait_for_threads(f):
    for thread in f._specializations[0]._makers.values():
        thread.join()


def test_calls_go_on_while_code_is_made_and_have_the_same_bits(gate):
    f = compiler.compile(program, 1.0, in_axes=0)
    answers = [f.value_and_grad(X) for _ in range(5)]
    assert runners(f) == {InterpreterRunner}
    gate.set()
    wait_for_threads(f)
    answers += [f.value_and_grad(X) for _ in range(3)]
    assert KernelRunner in runners(f)
    for value, (slope,) in answers[1:]:
        assert value.tobytes() == answers[0][0].tobytes()
        assert slope.tobytes() == answers[0][1][0].tobytes()


def test_on_one_processor_a_call_makes_the_code(gate, monkeypatch):
    """A thread would take its time from the calls."""
    monkeypatch.setattr(specialization, "processors", lambda: 1)
    gate.set()
    f = compiler.compile(program, 1.0, in_axes=0)
    first, second = (f.value_and_grad(X) for _ in range(2))
    assert runners(f) == {InterpreterRunner, KernelRunner}
    assert not f._specializations[0]._makers
    assert second[0].tobytes() == first[0].tobytes()
    assert second[1][0].tobytes() == first[1][0].tobytes()


def test_what_calls_take_besides_counts_once_they_have_loaded_all():
    """The first call loads what machine code would need as well; the others count, at most as twice the least."""
    one = compiler.compile(program, 1.0, in_axes=0)._specializations[0]
    one._latest = 1.0
    for seconds, total in ((9.0, 0.0), (3.0, 2.0), (5.0, 6.0), (21.0, 10.0)):
        assert one.count(seconds)
        assert one.seconds == total
    one._latest = -1.0  # machine code ran
    assert not one.count(9.0)
    assert one.seconds == 10.0


def test_binding_waits_for_the_code_that_is_being_made(gate, monkeypatch):
    f = compiler.compile(program, 1.0)
    for _ in range(3):
        f.value_and_grad(0.7)
    count = []
    made = specialization.Specialization._made_kernel
    monkeypatch.setattr(specialization.Specialization, "_made_kernel", lambda *a, **k: count.append(1) or made(*a, **k))
    threading.Timer(0.05, gate.set).start()
    call = f.bind(0.7)
    assert count == []
    call()
    assert call.out == f.value_and_grad(0.7)[0]


def test_a_failure_is_raised_where_it_was_called_for(monkeypatch):
    made = specialization.Specialization._made_kernel

    def fails(self, *args, compiles):
        if compiles:
            raise MemoryError
        return made(self, *args, compiles=compiles)

    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", "")
    monkeypatch.setattr(specialization.Specialization, "_made_kernel", fails)
    monkeypatch.setattr(specialization, "PATIENCE", 1e-12)
    f = compiler.compile(program, 1.0)
    f.value_and_grad(0.7)
    with suppress(MemoryError):  # the thread may be over before the call looks at it
        f.value_and_grad(0.7)
    wait_for_threads(f)
    with pytest.raises(MemoryError):
        f.value_and_grad(0.7)


def test_where_no_thread_starts_the_call_compiles(monkeypatch):
    def refuses(_):
        raise RuntimeError

    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", "")
    monkeypatch.setattr(threading.Thread, "start", refuses)
    monkeypatch.setattr(specialization, "PATIENCE", 1e-12)
    f = compiler.compile(program, 1.0)
    answers = [f.value_and_grad(0.7) for _ in range(3)]
    assert answers[0] == answers[2]
    assert f._specializations[0]._kernels


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_child_forked_meanwhile_makes_its_own(gate):
    f = compiler.compile(program, 1.0)
    expected = f.value_and_grad(0.7)
    f.value_and_grad(0.7)
    pid = os.fork()
    if not pid:
        gate.set()
        os._exit(0 if f.value_and_grad(0.7) == expected and f._specializations[0]._kernels else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_process_may_end_meanwhile():
    """The thread compiles from when the main thread is over, so that no fast processor is done before."""
    text = """
        import threading
        import autograd_core as ag
        from autograd_core._src.compiler.runtime import specialization
        specialization.PATIENCE = 1e-12
        made = specialization.Specialization._made_kernel
        def late(self, *args, compiles):
            if compiles:
                threading.main_thread().join()
            kernel = made(self, *args, compiles=compiles)
            print("made" if compiles else "looked for")
            return kernel
        specialization.Specialization._made_kernel = late
        def f(x):
            for k in range(60):
                x = ag.sin(x) + 0.1 * k
            return x
        f = ag.compile(f, 0.5, in_axes=0)
        f.value_and_grad([0.5, 0.7])
        f.value_and_grad([0.5, 0.7])
        print("over", len(f._specializations[0]._makers))
    """
    environment = os.environ | {"AUTOGRAD_CORE_CACHE": ""}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "over 1\nmade\n")
