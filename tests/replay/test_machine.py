"""The cache of object code: shared by processes, of no account when damaged."""

import os
import subprocess
import sys

import pytest

from autograd_core import replay

pytest.importorskip("llvmlite")

from autograd_core.number_systems import llvm
from autograd_core.replay import machine

PROGRAM = """
import autograd_core as ag
call = ag.compile(lambda x: ag.sin(x) * x, 1.0).bind(0.5)
call()
print(call.out.item().hex(), call.grads[0].item().hex())
"""


def run(folder, code=PROGRAM):
    environment = os.environ | {"AUTOGRAD_CORE_CACHE": str(folder)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_a_second_process_reads_what_the_first_one_kept(tmp_path):
    first = run(tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.o")}
    assert kept
    assert run(tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.o")} == kept
    assert not list(tmp_path.glob("*.tmp"))


def test_damaged_code_is_compiled_anew(tmp_path):
    first = run(tmp_path)
    for k, path in enumerate(sorted(tmp_path.glob("*.o"))):
        content = path.read_bytes()
        path.write_bytes([b"", content[:40], content[:-1], b"\0" * len(content)][k % 4])
    assert run(tmp_path) == first
    assert all(machine_code(path) for path in tmp_path.glob("*.o"))


def machine_code(path):
    return len(path.read_bytes()) > machine.DIGEST


def test_two_processes_at_once(tmp_path):
    environment = os.environ | {"AUTOGRAD_CORE_CACHE": str(tmp_path)}
    running = [
        subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in running}) == 1
    assert not any(process.returncode for process in running)


def test_where_nothing_can_be_written_there_is_no_cache(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("no folder")
    monkeypatch.setenv(machine.CACHE_VARIABLE, str(file / "below"))
    machine.write_object("0" * 64, b"code")
    assert machine.read_object("0" * 64) is None
    monkeypatch.setenv(machine.CACHE_VARIABLE, "")
    assert machine.cache_folder() is None
    machine.write_object("0" * 64, b"code")
    assert machine.read_object("0" * 64) is None


def homeless():
    msg = "Could not determine home directory."
    raise RuntimeError(msg)


def test_the_folder_is_the_user_s_own(tmp_path, monkeypatch):
    monkeypatch.delenv(machine.CACHE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert machine.cache_folder() == tmp_path / "autograd-core"
    monkeypatch.delenv("XDG_CACHE_HOME")
    with monkeypatch.context() as patch:  # a container's user may have no home at all
        patch.setattr(machine.Path, "home", homeless)
        assert machine.cache_folder() is None
    monkeypatch.setenv("HOME", str(tmp_path))
    assert machine.cache_folder() == tmp_path / ".cache" / "autograd-core"
    monkeypatch.setattr(machine.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert machine.cache_folder() == tmp_path / "local" / "autograd-core"


def test_code_is_kept_and_read_whole(tmp_path, monkeypatch):
    monkeypatch.setenv(machine.CACHE_VARIABLE, str(tmp_path / "deep" / "folder"))
    machine.write_object("ab", b"some code")
    assert machine.read_object("ab") == b"some code"
    assert machine.read_object("cd") is None
    assert machine.read_object("") is None


@pytest.mark.parametrize("width", [4, 8])
def test_shorter_vectors_are_used_in_parts(width, monkeypatch):
    """As on a processor without 512-bit vectors, or without a vector library at all."""
    import autograd_core as ag

    found = llvm.vector_library()
    if found is None:
        pytest.skip("no vector library on this machine")
    letter = {4: "d", 8: "e"}[width]
    if width > found[2]:
        pytest.skip("this processor has no such vectors")
    monkeypatch.setattr(llvm, "vector_library", lambda: (found[0], letter, width))
    monkeypatch.setattr("autograd_core.replay.interpreter._handlers", {})
    llvm.vector_function.cache_clear()
    values = replay.compile(lambda x, w=width: ag.exp(x) * ag.hypot(x, w), 1.0, in_axes=0)([0.5, 1.0, -2.0])
    assert values == pytest.approx([ag.exp(x) * ag.hypot(x, width) for x in (0.5, 1.0, -2.0)], rel=1e-14)
    llvm.vector_function.cache_clear()


def test_without_a_vector_library(monkeypatch):
    import autograd_core as ag

    llvm.vector_library.cache_clear()
    llvm.vector_function.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(llvm.sys, "platform", "darwin")
        patch.setattr("autograd_core.replay.interpreter._handlers", {})
        assert llvm.vector_library() is None
        assert llvm.vector_function("exp", 1) == ""
        exp = replay.compile(lambda x: ag.exp(x) + 0.125, 1.0, in_axes=0)
        assert exp([0.5, 1.0]).tolist() == [ag.exp(0.5) + 0.125, ag.exp(1.0) + 0.125]  # libm's bits
    llvm.vector_library.cache_clear()
    llvm.vector_function.cache_clear()
    with monkeypatch.context() as patch:

        def missing(name):
            raise OSError(name)

        patch.setattr(llvm.platform, "machine", lambda: "x86_64")
        patch.setattr(llvm.sys, "platform", "linux")
        patch.setattr(llvm.ctypes, "CDLL", missing)
        assert llvm.vector_library() is None
    llvm.vector_library.cache_clear()
    llvm.vector_function.cache_clear()
