"""A fork while other threads compile: the child compiles and calls, and so does the parent."""

import os
import re
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core._src import compiler

pytest.importorskip("llvmlite")

from autograd_core._src.compiler import locks
from autograd_core._src.compiler.codegen.llvm import jit

FORKS, SECONDS = 24, 60
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")


def fresh(k):
    """A function nobody has compiled, compiled and called."""
    f = compiler.compile(lambda x: ag.sin(x) * k + x if x > 0 else x, 1.0)
    call = f.bind(2.0)
    call()
    return abs(float(call.out) - (ag.sin(2.0) * k + 2.0)) < 1e-9


def child(functions):
    """What the child does: new functions, old ones, their other branches, derivatives and gradients."""
    shared, hessian_of = functions
    right = fresh(os.getpid() + 0.5) and shared(-3.0) == -3.0 and shared(1.0) == ag.sin(1.0)
    return right and hessian_of.hessian(2.0)[0][0] == 12.0


def forked(functions):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on, of forks beside threads
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if child(functions) else 2
        finally:
            os._exit(code)
    return pid


def ended(pid):
    """The child's exit code; it is killed where it hangs."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hung"


def test_children_of_forks_while_threads_compile_and_trace(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", "")  # so that compiling takes its time
    stop, failures = threading.Event(), []

    def slowly(x):
        if x > 0:
            return ag.sin(x)
        time.sleep(0.05)  # under the function's lock
        return x

    def steadily(work):
        k = 0.0
        while not stop.is_set():
            k += 1.0
            if not work(k + threading.get_ident() % 1000):
                failures.append(k)

    def tracing(k):
        for functions in others:
            functions[0](-1.0)
        return compiler.compile(lambda x: x**3 * k, 1.0).hessian(2.0)[0][0] == 12.0 * k

    others = [(compiler.compile(slowly, 1.0), compiler.compile(lambda x: x**3, 1.0)) for _ in range(FORKS)]
    threads = [threading.Thread(target=steadily, args=(work,), daemon=True) for work in (fresh, fresh, tracing)]
    for thread in threads:
        thread.start()
    try:
        codes = []
        for functions in others:
            codes.append(ended(forked(functions)))
            if codes[-1] != 0:
                break
    finally:
        stop.set()
        for thread in threads:
            thread.join(SECONDS)
    assert codes == [0] * FORKS
    assert failures == []
    assert fresh(0.25)


def test_a_trace_may_fork():
    def f(x):
        if x < 0:
            statuses.append(ended(forked((compiler.compile(ag.sin, 1.0), cube))))
        return x**3

    cube, statuses = compiler.compile(lambda x: x**3, 1.0), []

    def child_of_trace(functions):
        return fresh(3.5) and functions[1](2.0) == 8.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "child", child_of_trace)
        g = compiler.compile(f, 1.0)
        assert g(-2.0) == -8.0
    assert statuses == [0]


def test_nothing_that_compiles_waits_for_a_lock_that_a_fork_leaves_held():
    """The `cached_property` of Python 3.11 computes under a lock of its class, which no child gets anew."""
    root = Path(compiler.__file__).parent
    imports = re.compile(r"^\s*(from functools import .*\bcached_property\b|@.*\bcached_property\b)", re.MULTILINE)
    assert [path.name for path in root.rglob("*.py") if imports.search(path.read_text(encoding="utf-8"))] == []


def test_llvm_is_called_under_the_lock_alone(monkeypatch):
    """llvmlite has a lock of its own, and a fork while another thread holds it would leave the child waiting."""
    held = []
    of_this_process = jit.machine

    def machine():
        held.append(locks.compiling._is_owned())
        return of_this_process()

    monkeypatch.setattr(jit, "machine", machine)
    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", "")
    assert fresh(7.25)
    f = compiler.compile(lambda x: ag.exp(x) * x, 1.0, in_axes=0)
    f.value_and_grad([1.0] * 20_000)
    f.bind([1.0] * 3)()
    assert len(held) > 2
    assert all(held)


IMPORTS = """
import math, sys, threading, traceback
import numpy as np
import autograd_core as ag
from autograd_core._src.compiler import locks
from autograd_core._src.compiler.runtime import specialization

found = {}

class Finder:
    def find_spec(self, name, path=None, target=None):
        if not locks.compiling._is_owned():
            ours = [f for f in traceback.extract_stack() if "autograd_core" in f.filename]
            found[name] = ours[-1].name if ours else "?"

def calls():
    w, X = [0.1] * 5, np.full((200, 5), 0.2)
    for specialization.PATIENCE in (math.inf, -1.0):
        f = ag.compile(lambda w, x: ag.sum([ag.tanh(ag.dot(w, x) * float(i)) for i in range(30)]), w, w, in_axes=(None, 0), reduce="sum")
        for call in (f, f.value_and_grad, f.reduced, f.jacobian, f.hessian, f.hessian.sparse, lambda *args: f.hvp(args, args)):
            call(w, X)
        f.bind(w, X)()
        f.value_and_grad(w, np.full((40_000, 5), 0.2))
        f([ag.Value(0.1) for _ in w], X).backward()
        g = ag.compile(lambda x: ag.sin(x) * x if x > 0 else x * 2, 1.0, in_axes=0)
        g.value_and_grad(np.linspace(-1, 1, 100))
        h = ag.compile(lambda v: ag.sum([ag.exp(v[i]) * v[(i + 1) % 40] for i in range(40)]), [0.1] * 40, dtype="float32")
        h.value_and_grad([0.1] * 40)
        h.bind([0.1] * 40)()

sys.meta_path.insert(0, Finder())
thread = threading.Thread(target=calls)
thread.start()
thread.join()
print(found)
"""


def test_calls_import_nothing_but_under_the_lock():
    """A child of a fork during an import would wait for that module's lock, which no thread of its own releases."""
    environment = os.environ | {"AUTOGRAD_CORE_CACHE": ""}
    done = subprocess.run([sys.executable, "-c", IMPORTS], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "{}\n"
