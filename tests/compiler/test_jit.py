"""Machine code for other processors than this one."""

import ast
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core._src import compiler

pytest.importorskip("llvmlite")

from autograd_core._src.compiler.codegen.llvm import jit
from autograd_core._src.number_systems import llvm_functions


@pytest.mark.parametrize("width", [4, 8])
def test_shorter_vectors_are_used_in_parts(width, monkeypatch):
    """As on a processor without 512-bit vectors, or without a vector library at all."""
    found = llvm_functions.vector_library()
    if found is None:
        pytest.skip("no vector library on this machine")
    letter = {4: "d", 8: "e"}[width]
    if width > found[2]:
        pytest.skip("this processor has no such vectors")
    monkeypatch.setattr(llvm_functions, "vector_library", lambda: (found[0], letter, width))
    monkeypatch.setattr("autograd_core._src.compiler.codegen.llvm.vm_code._handlers", {})
    llvm_functions.vector_function.cache_clear()
    values = compiler.compile(lambda x, w=width: ag.exp(x) * ag.hypot(x, w), 1.0, in_axes=0)([0.5, 1.0, -2.0])
    assert values == pytest.approx([ag.exp(x) * ag.hypot(x, width) for x in (0.5, 1.0, -2.0)], rel=1e-14)
    llvm_functions.vector_function.cache_clear()


def test_without_a_vector_library(monkeypatch):
    llvm_functions.vector_library.cache_clear()
    llvm_functions.vector_function.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(llvm_functions.sys, "platform", "darwin")
        patch.setattr("autograd_core._src.compiler.codegen.llvm.vm_code._handlers", {})
        assert llvm_functions.vector_library() is None
        assert llvm_functions.vector_function("exp", 1) == ""
        exp = compiler.compile(lambda x: ag.exp(x) + 0.125, 1.0, in_axes=0)
        assert exp([0.5, 1.0]).tolist() == [ag.exp(0.5) + 0.125, ag.exp(1.0) + 0.125]  # libm's bits
    llvm_functions.vector_library.cache_clear()
    llvm_functions.vector_function.cache_clear()
    with monkeypatch.context() as patch:

        def missing(name):
            raise OSError(name)

        patch.setattr(llvm_functions.platform, "machine", lambda: "x86_64")
        patch.setattr(llvm_functions.sys, "platform", "linux")
        patch.setattr(llvm_functions.ctypes, "CDLL", missing)
        assert llvm_functions.vector_library() is None
    llvm_functions.vector_library.cache_clear()
    llvm_functions.vector_function.cache_clear()


def test_an_edit_of_whatever_code_depends_on_changes_the_keys():
    root = Path(ag.__file__).parent
    folders = [root / "_src" / name for name in ("compiler", "engine", "number_systems")]
    files = {str(path.relative_to(root / "_src")) for folder in folders for path in folder.rglob("*.py")}
    assert {name for name, _, _ in ast.literal_eval(jit._library())} == files


@pytest.mark.parametrize("batch", [None, 64])
@pytest.mark.parametrize(
    "f",
    [
        pytest.param(lambda v: ag.sum(ag.tanh(x * y) * v[-1] for x, y in zip(v[::2], v[1::2], strict=True)), id="in a row"),
        pytest.param(lambda v: ag.sum(ag.tanh(v[7 * k % 40] * v[k * k % 40]) for k in range(40)), id="scattered"),
        ag.logsumexp,
    ],
)
def test_no_code_begins_with_undefined_numbers(f, batch, monkeypatch):
    """In lanes that nothing is written to the right number may stand by chance: there a fault would go unnoticed."""
    texts, parse = [], jit.binding.parse_assembly
    monkeypatch.setattr(jit.binding, "parse_assembly", lambda text: texts.append(text) or parse(text))
    monkeypatch.setattr("autograd_core._src.compiler.codegen.llvm.vm_code._handlers", {})
    point = [0.25 + 0.001 * k for k in range(40)]
    compiled = ag.compile(f, point, in_axes=None if batch is None else 0)
    compiled.value_and_grad(point if batch is None else [point] * batch)
    assert texts
    assert not any("undef" in text or "poison" in text for text in texts)
