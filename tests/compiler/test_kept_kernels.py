"""Code of whole programs is found on disk by the program alone, and then serves the first call already."""

import ctypes
import json
import math
import os
import subprocess
import sys
from weakref import WeakValueDictionary

import numpy as np
import pytest

import autograd_core as ag
from autograd_core._src.compiler.codegen.llvm import jit, object_cache
from autograd_core._src.compiler.runtime import specialization
from autograd_core._src.number_systems import llvm_functions

pytest.importorskip("llvmlite")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv(object_cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(jit.machine(), "loaded", WeakValueDictionary())  # what other tests still hold is not written


def loss(w, x):
    return ag.tanh(ag.dot(w, x)) ** 2 + ag.exp(x[0]) * ag.cbrt(x[1])


def compiled(f=loss, **options):
    return ag.compile(f, [0.1, 0.2], [1.0, 2.0], in_axes=(None, 0), reduce="sum", **options)


def made(f, **options):
    """What `bind` gives, whose code is on disk from then on."""
    call = compiled(f, **options).bind([0.5, -0.5], [[1.0, 2.0], [3.0, 4.0]])
    call()
    return call


def serves_at_once(g):
    one = g._specializations[0]
    return one.compiles(g._layout(one, gradient=True))


@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}, {"optimize": False}], ids=str)
def test_the_first_call_is_served_by_code_from_the_disk(options):
    assert not serves_at_once(compiled(**options))
    bound = made(loss, **options)
    g = compiled(**options)
    assert serves_at_once(g)
    values, (w_grad, x_grad) = g.value_and_grad([0.5, -0.5], [[1.0, 2.0], [3.0, 4.0]])
    assert values.tolist() == bound.out.tolist()
    assert w_grad == bound.grads[0].tolist()
    assert x_grad.tolist() == bound.grads[1].tolist()
    assert g._specializations[0].seconds == 0.0


def test_code_that_calls_the_vector_library_is_linked_again():
    made(loss)
    jit.machine().loaded.clear()
    g = compiled()
    assert serves_at_once(g)
    eager = [loss([0.5, -0.5], x) for x in ([1.0, 2.0], [3.0, 4.0])]
    np.testing.assert_allclose(g([0.5, -0.5], [[1.0, 2.0], [3.0, 4.0]]), eager, rtol=1e-14)


@pytest.mark.parametrize(
    "other",
    [
        lambda w, x: loss(w, x) + 1.0,
        lambda w, x: ag.tanh(ag.dot(w, x)) ** 2 + ag.exp(x[0]) * ag.cbrt(x[0]),
        lambda w, x: ag.sin(ag.dot(w, x)) ** 2 + ag.exp(x[0]) * ag.cbrt(x[1]),
    ],
)
def test_another_program_has_another_key(other):
    made(loss)
    assert not serves_at_once(compiled(other))


@pytest.mark.parametrize("options", [{"dtype": "float32"}, {"optimize": False}, {"argnums": 0}], ids=str)
def test_other_options_have_other_keys(options):
    made(loss)
    assert not serves_at_once(compiled(**options))


def test_who_edits_the_library_has_new_keys(monkeypatch):
    made(loss)
    monkeypatch.setattr(jit, "_library", lambda: "edited")
    assert not serves_at_once(compiled())


def test_rules_of_a_user_may_change_and_have_no_key():
    @ag.primitive
    def cube(x):
        return x**3

    @cube.partials
    def _(x, z):
        return (3 * x**2,)

    made(lambda w, x: cube(w[0]) * x[0])
    assert not serves_at_once(compiled(lambda w, x: cube(w[0]) * x[0]))


def test_a_function_that_is_not_there_any_more_makes_the_code_be_made_anew(monkeypatch):
    made(loss)
    jit.machine().loaded.clear()
    monkeypatch.setattr(jit, "offered", lambda name: 0)
    assert not serves_at_once(compiled())
    made(loss)


def test_damaged_code_is_made_anew(tmp_path):
    made(loss)
    jit.machine().loaded.clear()
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert not serves_at_once(compiled())


def test_without_patience_for_code_nothing_is_loaded(monkeypatch):
    made(loss)
    monkeypatch.setattr(specialization, "PATIENCE", math.inf)
    assert not serves_at_once(compiled())


def test_the_careful_run_after_a_nan_is_kept_as_well():
    f = lambda x, y: ag.where(x > 0, ag.log(x), 1.0) * y
    args = ([0.0, 1.0], [2.0, math.inf])
    bound = ag.compile(f, 1.0, 1.0, in_axes=0).bind(*args)
    bound()
    jit.machine().loaded.clear()
    g = ag.compile(f, 1.0, 1.0, in_axes=0)
    _, grads = g.value_and_grad(*args)
    assert [x.tolist() for x in grads] == [x.tolist() for x in bound.grads]


ABOUT = {"names": ["entry_run"], "calls": [], "note": 0}
NO_CODE = [
    b"",
    b"\n",
    b"nothing",
    b"{nope",
    b"null",
    b"7",
    b"[1]",
    b"{}",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"names": ["entry_run"], "calls": [], "note": ' + b"9" * 5000 + b"}",
    *(
        json.dumps({**ABOUT, **wrong}).encode()
        for wrong in (
            {"names": None},
            {"names": []},
            {"names": "entry_run"},
            {"names": [1, "entry_run"]},
            {"names": ["a\0b", "entry_run"]},
            {"names": ["entry_run", "entry_other"]},
            {"calls": None},
            {"calls": [[1]]},
            {"calls": ["a\0b"]},
            {"calls": ["nobody_offers_this"]},
            {"note": None},
            {"note": "0"},
            {"note": 0.5},
            {"note": math.nan},
            {"note": True},
            {"note": -1},
            {"note": 2**40},
            {"more": 1},
        )
    ),
]


@pytest.mark.parametrize("line", NO_CODE, ids=range(len(NO_CODE)))
def test_a_line_that_says_something_else_is_as_good_as_no_code(line, tmp_path):
    """Its digest is right, as whoever may write the file can compute that."""
    made(loss)
    jit.machine().loaded.clear()
    for path in (tmp_path / "cache").iterdir():
        content = path.read_bytes()[object_cache.HEADER_LENGTH :]
        if content.startswith(b"{"):
            object_cache.write_object(path.stem, line + content[content.index(b"\n") :])
    assert not serves_at_once(compiled())
    made(loss)
    jit.machine().loaded.clear()
    assert serves_at_once(compiled())  # and was replaced by code


BROKEN = {"nothing": lambda x: b"-", "zeros": lambda x: bytes(500), "half": lambda x: x[: len(x) // 2]}


@pytest.mark.parametrize("what", sorted(BROKEN))
@pytest.mark.parametrize("key", ["", "a key"])
def test_what_cannot_be_linked_is_made_anew(what, key, tmp_path):
    """Under the digest of a text, or under a key of its own."""
    text = """
define double @entry_twice(double %x) {
  %y = fadd double %x, %x
  ret double %y
}
"""

    class Module:
        triple = ""
        __str__ = lambda self: text

    key = key and jit.key_of(key)
    add = lambda: jit.addresses_of(Module(), ["entry_twice"], key=key)
    add()
    [path] = (tmp_path / "cache").iterdir()
    right = path.read_bytes()
    line, code = right[object_cache.HEADER_LENGTH :].split(b"\n", 1) if key else (b"", right[object_cache.HEADER_LENGTH :])
    object_cache.write_object(path.stem, (line + b"\n" if key else b"") + BROKEN[what](code))
    jit.machine().loaded.clear()
    assert jit.kept(key, "entry_twice") is None
    [address] = add()
    assert ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)(1.5) == 3.0
    assert path.read_bytes() == right


def test_code_with_the_vector_library_is_other_code(monkeypatch):
    """Who has none, as in another container of the same home, gets libm's bits, and keeps code of its own."""
    keys = []
    for library in (None, (None, "b", 2), (None, "d", 4)):
        monkeypatch.setattr(llvm_functions, "vector_library", lambda library=library: library)
        keys.append(jit.key_of("some program"))
    assert len(set(keys)) == 3
    assert jit.key_of("some program") == keys[-1]


def test_code_that_was_kept_without_a_vector_library_is_not_taken_with_it(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", str(tmp_path))
    monkeypatch.setattr(specialization, "PATIENCE", 0.0)
    xs = np.linspace(-3.0, 3.0, 1000)
    f = lambda x: ag.exp(x) * ag.sin(x)
    with_it = ag.compile(f, 1.0, in_axes=0).value_and_grad(xs)
    with monkeypatch.context() as patch:
        patch.setattr(llvm_functions, "vector_library", lambda: None)
        llvm_functions.vector_function.cache_clear()
        patch.setattr("autograd_core._src.compiler.codegen.llvm.vm_code._handlers", {})
        for _ in range(3):
            ag.compile(f, 1.0, in_axes=0).value_and_grad(xs)
    llvm_functions.vector_function.cache_clear()
    for _ in range(3):
        again = ag.compile(f, 1.0, in_axes=0).value_and_grad(xs)
        assert [np.asarray(x).tobytes() for x in again] == [np.asarray(x).tobytes() for x in with_it]


def test_calls_of_ordinary_arguments_import_nothing_that_they_do_not_need(tmp_path):
    """A new process that finds its code on disk spends its time on imports."""
    text = """
import sys, numpy, autograd_core as ag
before = set(sys.modules)
f = ag.compile(lambda w, x: ag.dot(w, w) * x, [1.0, 2.0], 1.0, in_axes=(None, 0), reduce="sum")
for w in ([1.0, 2.0], numpy.ones(2)):
    for _ in range(3):
        f.value_and_grad(w, [1.0, 2.0])
print(*sorted({"numpy.ma", "logging", "concurrent.futures", "asyncio"} & (set(sys.modules) - before)))
"""
    environment = os.environ | {object_cache.CACHE_VARIABLE: str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", text], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == []
