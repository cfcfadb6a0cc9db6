"""The cache of object code: shared by a user's processes, closed to everybody else, of no account when damaged."""

import errno
import hashlib
import os
import random
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("llvmlite")

import autograd_core as ag
from autograd_core._src.compiler.codegen.llvm import object_cache
from autograd_core._src.compiler.codegen.llvm.object_cache import HEADER_LENGTH, read_object, write_object

POSIX = os.name == "posix"
only_posix = pytest.mark.skipif(not POSIX, reason="owners, modes, links and pipes as POSIX has them")
only_root = pytest.mark.skipif(not POSIX or os.geteuid() != 0, reason="only root can give files away")
KEY, OTHER = "a1" * 32, "b2" * 32
SOMEBODY = 12345

PROGRAM = """
import autograd_core as ag
call = ag.compile(lambda x: ag.sin(x) * x, 1.0).bind(0.5)
call()
print(call.out.item().hex(), call.grads[0].item().hex())
"""


def run(folder, code=PROGRAM):
    environment = os.environ | {object_cache.CACHE_VARIABLE: str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, timeout=120
    )
    return done.stdout


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache with one object."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(object_cache.CACHE_VARIABLE, str(folder))
    monkeypatch.delenv(object_cache.SIZE_VARIABLE, raising=False)
    monkeypatch.setattr(object_cache, "_tally", {})
    write_object(KEY, b"some code")
    assert read_object(KEY) == b"some code"
    return folder


def place(folder, key=KEY):
    return folder / f"{key}.o"


# --- what it is for -------------------------------------------------------------------------------


def test_a_second_process_reads_what_the_first_one_kept(tmp_path):
    first = run(tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.o")}
    assert kept
    assert run(tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.o")} == kept
    assert set(tmp_path.iterdir()) == set(kept)


def test_processes_at_once(tmp_path):
    environment = os.environ | {object_cache.CACHE_VARIABLE: str(tmp_path)}
    running = [
        subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in running}) == 1
    assert not any(process.returncode for process in running)


def test_code_is_kept_and_read_whole(tmp_path, monkeypatch):
    monkeypatch.setenv(object_cache.CACHE_VARIABLE, str(tmp_path / "deep" / "folder"))
    write_object(KEY, b"some code")
    assert read_object(KEY) == b"some code"
    assert read_object(OTHER) is None
    assert read_object("") is None
    if POSIX:
        assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700
        assert stat.S_IMODE(place(tmp_path / "deep" / "folder").stat().st_mode) & 0o077 == 0


# --- damage ---------------------------------------------------------------------------------------


def test_damaged_code_is_compiled_anew(tmp_path):
    first = run(tmp_path)
    found = sorted(tmp_path.glob("*.o"))
    right = {path: path.read_bytes() for path in found}
    for k, path in enumerate(found):
        content = right[path]
        other = right[found[k - 1]]
        path.write_bytes([b"", content[:HEADER_LENGTH], content[:-1], b"\0" * len(content), b"\x7fELF" * 99, other][k % 6])
    assert run(tmp_path) == first
    assert {path: path.read_bytes() for path in found} == right


@pytest.mark.parametrize("damage", ["length", "bits", "another key", "no header", "garbage", "empty", "no code"])
def test_no_damage_is_taken_for_code(folder, damage):
    path, rng = place(folder), random.Random(damage)
    content = path.read_bytes()
    for _ in range(50):
        if damage == "length":
            changed = content[: rng.randrange(len(content))]
        elif damage == "bits":
            i = rng.randrange(len(content))
            changed = content[:i] + bytes([content[i] ^ 1 << rng.randrange(8)]) + content[i + 1 :]
        elif damage == "another key":
            write_object(OTHER, b"other code")
            changed = place(folder, OTHER).read_bytes()
        elif damage == "no header":
            changed = b"some code"
        elif damage == "garbage":
            changed = rng.randbytes(rng.randrange(1000))
        else:
            changed = b"" if damage == "empty" else content[:HEADER_LENGTH]
        path.write_bytes(changed)
        assert read_object(KEY) is None
    write_object(KEY, b"some code")
    assert read_object(KEY) == b"some code"


def test_what_is_larger_than_any_code_is_not_read(folder, monkeypatch):
    """A file may claim any size, at no cost where it is sparse; reading 8 GB took the memory."""
    monkeypatch.setattr(object_cache, "CACHE_BYTES", place(folder).stat().st_size)
    assert read_object(KEY) == b"some code"
    monkeypatch.setattr(object_cache, "CACHE_BYTES", place(folder).stat().st_size - 1)
    assert read_object(KEY) is None


# --- others ---------------------------------------------------------------------------------------


@only_root
def test_the_code_of_others_is_not_run(tmp_path):
    """Another user's files, with all the right digests, are replaced by code of our own."""
    first = run(tmp_path)
    found = list(tmp_path.glob("*.o"))
    for path in found:
        os.chown(path, SOMEBODY, SOMEBODY)
    assert run(tmp_path) == first
    assert {path.stat().st_uid for path in found} == {os.geteuid()}


@only_posix
@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602, 0o777])
def test_what_others_may_write_is_not_read(folder, mode):
    place(folder).chmod(mode)
    assert read_object(KEY) is None
    place(folder).chmod(0o644)
    assert read_object(KEY) == b"some code"
    folder.chmod(mode | 0o700)
    assert read_object(KEY) is None
    write_object(OTHER, b"other code")
    assert not place(folder, OTHER).exists()
    folder.chmod(0o755)
    assert read_object(KEY) == b"some code"


@only_root
def test_what_others_own_is_not_read(folder):
    os.chown(place(folder), SOMEBODY, 0)
    assert read_object(KEY) is None
    os.chown(place(folder), 0, SOMEBODY)  # a group that may not write it does no harm
    assert read_object(KEY) == b"some code"
    os.chown(folder, SOMEBODY, 0)
    assert read_object(KEY) is None
    write_object(OTHER, b"other code")
    assert not place(folder, OTHER).exists()


@only_posix
def test_no_link_is_followed(folder, tmp_path):
    real = tmp_path / "elsewhere.o"
    place(folder).rename(real)
    place(folder).symlink_to(real)
    assert read_object(KEY) is None
    before = real.read_bytes()
    write_object(KEY, b"new code")
    assert real.read_bytes() == before
    assert not place(folder).is_symlink()
    assert read_object(KEY) == b"new code"
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    assert read_object(KEY) is None


@only_posix
def test_pipes_devices_and_folders_in_the_place_of_code(folder):
    path = place(folder)
    path.unlink()
    os.mkfifo(path, 0o600)
    assert read_object(KEY) is None  # at once
    path.unlink()
    path.mkdir()
    assert read_object(KEY) is None
    write_object(KEY, b"some code")  # cannot be
    assert read_object(KEY) is None
    assert [p.name for p in folder.iterdir()] == [path.name]
    path.rmdir()
    path.symlink_to("/dev/zero")
    assert read_object(KEY) is None


@only_posix
def test_a_pipe_in_the_place_of_the_folder(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "cache")
    monkeypatch.setenv(object_cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    assert read_object(KEY) is None
    write_object(KEY, b"some code")
    assert read_object(KEY) is None


# --- where it is ----------------------------------------------------------------------------------


def homeless():
    msg = "Could not determine home directory."
    raise RuntimeError(msg)


def test_the_folder_is_the_user_s_own(tmp_path, monkeypatch):
    monkeypatch.delenv(object_cache.CACHE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert object_cache.places()[-1] == tmp_path / "autograd-core"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for relative in ("", "cache", "./cache"):  # which the specification calls invalid
        monkeypatch.setenv("XDG_CACHE_HOME", relative)
        assert object_cache.places()[-1] == tmp_path / "home" / ".cache" / "autograd-core"
    monkeypatch.delenv("XDG_CACHE_HOME")
    with monkeypatch.context() as patch:  # a container's user may have no home at all
        patch.setattr(object_cache.Path, "home", homeless)
        assert object_cache.places() == []
    monkeypatch.setenv("HOME", "here")
    assert object_cache.places() == []
    monkeypatch.setattr(object_cache.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert object_cache.places()[-1] == tmp_path / "local" / "autograd-core"


def test_the_variable_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for text, expected in (("", None), ("here", None), ("~/there", tmp_path / "there"), (str(tmp_path), tmp_path)):
        monkeypatch.setenv(object_cache.CACHE_VARIABLE, text)
        assert object_cache.places()[-1:] == ([expected] if expected else [])
        write_object(KEY, b"some code")
        assert read_object(KEY) == (b"some code" if expected else None)
    assert not Path("here").exists()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that leads to the cache."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    for name in (object_cache.CACHE_VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(object_cache, "_tally", {})
    return home


@only_posix
def test_all_folders_from_home_on_are_the_user_s_alone(home):
    write_object(KEY, b"some code")
    assert read_object(KEY) == b"some code"
    for folder in (home, home / ".cache"):
        before = stat.S_IMODE(folder.stat().st_mode)
        folder.chmod(0o777)
        assert read_object(KEY) is None
        folder.chmod(before)
        assert read_object(KEY) == b"some code"
        if os.geteuid() == 0:
            os.chown(folder, SOMEBODY, SOMEBODY)
            assert read_object(KEY) is None
            os.chown(folder, 0, SOMEBODY)
            folder.chmod(0o775)  # a group of others
            assert read_object(KEY) is None
            os.chown(folder, 0, 0)  # the user's own, of the same number
            assert read_object(KEY) == b"some code"


@only_root
def test_nothing_is_made_in_the_home_of_somebody_else(home, monkeypatch):
    """As `sudo` may leave HOME, or XDG_CACHE_HOME: the user could not write there later."""
    os.chown(home, SOMEBODY, SOMEBODY)
    write_object(KEY, b"some code")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "xdg"))
    write_object(KEY, b"some code")
    assert list(home.iterdir()) == []
    assert read_object(KEY) is None


@only_posix
def test_a_user_may_keep_the_cache_on_another_disk(home, tmp_path):
    (tmp_path / "disk").mkdir()
    (home / ".cache").symlink_to(tmp_path / "disk")
    write_object(KEY, b"some code")
    assert read_object(KEY) == b"some code"
    if os.geteuid() == 0:
        os.chown(home / ".cache", SOMEBODY, SOMEBODY, follow_symlinks=False)  # a link that somebody planted
        assert read_object(KEY) is None


@only_posix
def test_a_process_with_the_rights_of_another_user_has_none(folder, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    assert read_object(KEY) is None


def test_without_descriptors_of_folders(folder, monkeypatch):
    """As on Windows."""
    monkeypatch.setattr(object_cache, "WITH_FOLDERS", False)
    assert read_object(KEY) == b"some code"
    write_object(OTHER, b"other code")
    assert read_object(OTHER) == b"other code"
    monkeypatch.setenv(object_cache.SIZE_VARIABLE, "1")
    write_object(OTHER, b"other code")
    assert list(folder.iterdir()) == []


# --- how much -------------------------------------------------------------------------------------


def test_the_least_recently_used_goes(folder, monkeypatch):
    keys = [f"{k:064x}" for k in range(5)]
    old = time.time() - 100_000
    for k, key in enumerate(keys):
        write_object(key, bytes([k]) * 1000)
        os.utime(place(folder, key), (old + k, old + k))
    os.utime(place(folder), (old - 1, old - 1))
    monkeypatch.setenv(object_cache.SIZE_VARIABLE, str(5 * (HEADER_LENGTH + 1000)))
    assert read_object(keys[0])  # used again
    bystanders = [folder / name for name in ("notes.o", "b.tmp", f".{KEY}.o", f"{KEY}.o.txt")]
    for path in bystanders:
        path.write_bytes(b"x" * 10_000)
        os.utime(path, (0, 0))
    write_object(OTHER, b"z" * 1000)
    assert [key for key in (KEY, *keys, OTHER) if place(folder, key).exists()] == [keys[0], *keys[3:], OTHER]
    assert all(path.exists() for path in bystanders)
    total = sum(path.stat().st_size for path in folder.glob("?" * 64 + ".o"))
    assert total <= 5 * (HEADER_LENGTH + 1000)


def test_the_size_is_kept_over_many_writes(folder, monkeypatch):
    limit = 20_000
    monkeypatch.setenv(object_cache.SIZE_VARIABLE, str(limit))
    for k in range(100):
        write_object(f"{k:064x}", b"x" * 900)
        assert sum(path.stat().st_size for path in folder.iterdir()) <= limit
        assert read_object(f"{k:064x}")


def test_few_processes_count_a_large_cache_and_its_size_is_kept(folder, monkeypatch):
    """Each write is that of a process of its own."""
    counts, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda *args: counts.append(1) or scandir(*args))
    limit, size = 800_000, 2_000
    monkeypatch.setenv(object_cache.SIZE_VARIABLE, str(limit))
    total, n = 0, 800
    for k in range(n):
        object_cache._tally.clear()
        write_object(hashlib.sha256(b"%d" % k).hexdigest(), b"x" * (size - HEADER_LENGTH))
        total = total + size if total < limit else sum(entry.stat().st_size for entry in scandir(folder))
        assert total <= 1.1 * limit
    assert 0.5 < len(counts) / (n * size * object_cache.COUNTS / limit) < 2


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("1000", 1000), (" 20 ", 20), ("64K", 64 * 2**10), ("256M", 256 * 2**20), ("1G", 2**30), ("1g", 2**30), ("2T", 2**41),
        ("1.5G", 3 * 2**29), ("500 MB", 500 * 2**20), ("500MiB", 500 * 2**20), ("7B", 7), ("0" * 5000 + "7", 7), ("", object_cache.CACHE_BYTES),
        ("9" * 18, 10**18 - 1), ("9" * 19, sys.maxsize), ("9" * 5000, sys.maxsize), ("9" * 5000 + ".5T", sys.maxsize),
    ],
)  # fmt: skip
def test_sizes(text, size, monkeypatch):
    monkeypatch.setenv(object_cache.SIZE_VARIABLE, text)
    assert object_cache._limit() == size


@pytest.mark.parametrize("text", ["much", "-1", "1e9", "1G5", "G", "0x10", "1,5G", "1_000", "\u0661", "\u00b2", "inf", "nan", "1.", "9" * 5000 + "Q", "1 P"])
def test_what_is_no_size_is_told(folder, text, monkeypatch):
    monkeypatch.setenv(object_cache.SIZE_VARIABLE, text)
    with pytest.warns(ag.UsageWarning, match="AUTOGRAD_CORE_CACHE_SIZE: expected a number of bytes.*256M, got '.*'; the cache takes up to 256M") as told:
        write_object(OTHER, b"x" * 20_000)
    assert len(str(told[0].message)) < 280
    assert read_object(OTHER)


def test_leftovers_go_after_an_hour(folder, monkeypatch):
    left, fresh, foreign = (folder / name for name in (
        f".autograd-core-{'0' * 32}.tmp", f".autograd-core-{'1' * 32}.tmp", ".other.tmp"))  # fmt: skip
    for path in (left, fresh, foreign):
        path.write_bytes(b"half")
    for path in (left, foreign):
        os.utime(path, (time.time() - 4000,) * 2)
    monkeypatch.setattr(object_cache, "_tally", {})  # a new process
    monkeypatch.setenv(object_cache.SIZE_VARIABLE, "1K")  # which counts at once
    write_object(OTHER, b"code")
    assert [path.exists() for path in (left, fresh, foreign)] == [False, True, True]


@pytest.mark.parametrize("call", ["replace", "open", "mkdir"])
def test_a_disk_that_takes_nothing_means_that_there_is_no_cache(tmp_path, monkeypatch, call):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv(object_cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        write_object(KEY, b"code")
    assert read_object(KEY) is None
    assert not list(tmp_path.glob("*/*")) + list(tmp_path.glob("*/.*"))


def test_where_nothing_can_be_written_there_is_no_cache(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("no folder")
    monkeypatch.setenv(object_cache.CACHE_VARIABLE, str(file / "below"))
    write_object(KEY, b"code")
    assert read_object(KEY) is None
    assert file.read_text() == "no folder"
