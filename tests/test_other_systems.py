"""What Windows and macOS lack, taken away here: names of `os`, modules, fork, free files, UTF-8 as the locale."""

import multiprocessing
import ntpath
import os
import posixpath
import select
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core._src import atomic_write, file_reading
from autograd_core._src.engine import provenance

ABSENT = (  # on Windows; macOS lacks some of them
    "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "fchmod", "fchown", "fork", "getegid", "geteuid", "getgid", "getuid",
    "listxattr", "getxattr", "setxattr", "mkfifo", "register_at_fork", "sched_getaffinity", "set_blocking",
)  # fmt: skip

# Everything that touches the system, in a process where the names above, and such modules, were never there.
PROGRAM = """
import os, select, sys
import ctypes, hashlib, linecache, multiprocessing, pathlib, random, shutil, subprocess, tempfile, threading, webbrowser
try:
    import llvmlite.binding, llvmlite.ir, numpy
except ImportError:
    numpy = None
for name in {absent!r}:
    if hasattr(os, name):
        delattr(os, name)
os.supports_dir_fd, os.supports_fd = set(), set()
del select.poll
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None

import autograd_core as ag
import nn
from autograd_core import __main__ as shell
x = ag.Value(0.5, label="x")
y = ag.tanh(x * 2) + x
y.backward()
for suffix in ("svg", "html", "dot"):
    assert ag.draw(y).save(f"y.{{suffix}}").stat().st_size > 100
    ag.draw(y).save(f"y.{{suffix}}")  # in place of the former
ag.Stepper(y).save("steps.html")
model = nn.MLP(2, [2, 1], seed=0)
model.save("model.json")
nn.MLP(2, [2, 1], seed=1).load("model.json")
assert shell.main(["draw", "a*b", "a=2", "b=3", "-o", "g.svg"]) == 0
if numpy is not None:
    f = ag.compile(lambda x: ag.sin(x) * x, 1.0, in_axes=0)
    many = numpy.linspace(0.0, 1.0, 200_000)
    assert abs(f(many) - numpy.sin(many) * many).max() < 1e-15
    f.program.save("program.npz")
    assert repr(ag.Program.load("program.npz")) == repr(f.program)
    from autograd_core._src.compiler.codegen.llvm import object_cache
    code = list(object_cache.places()[-1].glob("*.o"))
    assert code, "kept by path, where folders cannot be opened"
    key = code[0].stem
    assert object_cache.read_object(key)
print("all of it")
"""


def test_everything_works_without_what_only_unix_has(tmp_path):
    environment = os.environ | {"AUTOGRAD_CORE_CACHE": str(tmp_path / "cache"), "MPLBACKEND": "Agg"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(ag.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(absent=ABSENT)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all of it\n")
    assert not list(tmp_path.glob("*.tmp"))


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "this", "inside", "outside"),
    [
        (posixpath, "/lib/autograd_core/_src/engine/provenance.py", "/lib/autograd_core/_src/steps.py", "/lib/autograd_core_mine/a.py"),
        (posixpath, "/lib/autograd_core/_src/engine/provenance.py", "/lib/nn/modules/layers.py", "/lib/nn.py"),
        (ntpath, r"C:\lib\autograd_core\_src\engine\provenance.py", r"C:\lib\autograd_core\steps.py", r"C:\work\lesson.py"),
        (ntpath, r"C:\lib\autograd_core\_src\engine\provenance.py", r"C:\lib\nn\modules\layers.py", "<stdin>"),
    ],
)
def test_which_files_are_the_library_s_own(path, this, inside, outside):
    own = provenance.own_files(this, path)
    assert inside.startswith(own)
    assert "<autograd_core add>".startswith(own)
    assert not outside.startswith(own)


def test_the_line_of_a_warning_is_the_user_s():
    assert provenance.user_line().startswith(__file__), "this file's path, whichever separators it has"


def test_no_file_of_the_library_is_found_by_a_slash():
    """Such as `__file__.rpartition("engine/provenance.py")`, which finds nothing where separators are backslashes."""
    root = Path(ag.__file__).parent.parent
    for path in sorted([*(root / "autograd_core").rglob("*.py"), *(root / "nn").rglob("*.py")]):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if ("__file__" in line or "co_filename" in line) and "/" in line.replace("Path(__file__)", ""):
                assert ' / "' in line, f"{path}:{number}: {line.strip()}"


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("busy", [0, 1, 3])
def test_a_file_that_a_scanner_has_open_is_replaced_once_it_is_free(tmp_path, monkeypatch, busy):
    path = tmp_path / "picture.svg"
    path.write_text("old", encoding="utf-8")
    replace, tries = os.replace, []

    def held(*names, **folders):
        tries.append(names)
        if len(tries) <= busy:
            raise PermissionError(13, "Access is denied")
        replace(*names, **folders)

    monkeypatch.setattr(os, "replace", held)
    monkeypatch.setattr(atomic_write, "WAITS", (0.0, 0.0, 0.0))
    atomic_write.write_file(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert len(tries) == busy + 1


def test_a_file_that_stays_open_is_named_and_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "picture.svg"
    path.write_text("old", encoding="utf-8")

    def held(*_, **__):
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(os, "replace", held)
    monkeypatch.setattr(atomic_write, "WAITS", (0.0, 0.0))
    with pytest.raises(PermissionError, match=r"picture\.svg"):
        ag.draw(ag.Value(1.0)).save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["picture.svg"]
    assert path.read_text(encoding="utf-8") == "old"


def test_only_windows_waits():
    assert bool(atomic_write.WAITS) == (os.name == "nt")
    assert sum(atomic_write.WAITS) < 1


def test_the_new_file_is_closed_before_it_takes_the_old_one_s_place(tmp_path, monkeypatch):
    """Windows refuses to rename an open file."""
    opened, replace, open_file = [], os.replace, os.open

    def remembering(*args, **options):
        opened.append(open_file(*args, **options))
        return opened[-1]

    def checked(*names, **folders):
        for descriptor in opened:
            with pytest.raises(OSError, match="descriptor"):
                os.fstat(descriptor)
        replace(*names, **folders)

    monkeypatch.setattr(os, "open", remembering)
    monkeypatch.setattr(os, "replace", checked)
    atomic_write.write_file(tmp_path / "a.txt", "text")
    assert opened


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
def test_a_pipe_is_read_where_nothing_can_be_polled(monkeypatch):
    monkeypatch.delattr(select, "poll")
    reads, writes = os.pipe()
    os.write(writes, b"numbers")
    os.close(writes)
    try:
        assert file_reading._sent(reads, "pipe") == b"numbers"
    finally:
        os.close(reads)


@pytest.mark.parametrize("parent", ["local", None])
def test_on_windows_the_cache_stands_in_the_local_application_data(tmp_path, monkeypatch, parent):
    pytest.importorskip("llvmlite")
    from autograd_core._src.compiler.codegen.llvm import object_cache

    monkeypatch.setattr(object_cache.sys, "platform", "win32")
    monkeypatch.delenv("AUTOGRAD_CORE_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not here"))
    if parent is None:
        monkeypatch.delenv("LOCALAPPDATA", raising=False)
        assert object_cache.places()[-1] == tmp_path / ".cache" / "autograd-core"
    else:
        monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / parent))
        assert object_cache.places() == [tmp_path / parent, tmp_path / parent / "autograd-core"]


# --- processes ------------------------------------------------------------------------------------


def square_of(f, x):
    return f(x)


@pytest.mark.parametrize("method", ["spawn", *(["forkserver"] if "forkserver" in multiprocessing.get_all_start_methods() else [])])
def test_graphs_and_compiled_functions_reach_a_process_that_was_not_forked(method):
    pytest.importorskip("numpy")
    x = ag.Value(3.0, label="x")
    f = ag.compile(ag.tanh, 1.0)
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(square_of, (f, 0.5)) == f(0.5)
        y = pool.apply(ag.sin, (x,))
    assert y.parents[0].label == "x"
    assert y.data == ag.sin(x).data


def test_a_console_without_the_letters_gets_their_numbers(tmp_path):
    words = ["explain", "relu(a)*b", "--of", "a", "a=-2", "b=3", "-o", "why.svg"]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    done = subprocess.run([sys.executable, "-m", "autograd_core", *words], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert r"\u2202" in done.stdout.decode("cp1252"), "∂"
    assert "∂" in (tmp_path / "why.svg").read_text(encoding="utf-8"), "files are UTF-8, whatever the console is"


def test_processors_are_counted_where_affinity_is_unknown(monkeypatch):
    pytest.importorskip("numpy")
    from autograd_core._src.compiler.runtime import executors

    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert executors.processors() == 1
