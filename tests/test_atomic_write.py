"""Every file that the library writes is whole at every moment, whoever else writes, reads, or fills the disk."""

import contextlib
import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import autograd_core as ag
import nn
from autograd_core._src import atomic_write
from autograd_core._src.atomic_write import write_file
from autograd_core._src.pictures.picture import WRITERS
from nn._src.support.figures import save_figure

POSIX = os.name == "posix"
only_posix = pytest.mark.skipif(not POSIX, reason="modes, links and pipes as POSIX has them")


def graph():
    x = ag.Value(0.5, label="x")
    return ag.tanh(x) * x


def scaler(make):
    return make().fit([[0.0, 3.0], [4.0, 1.0]])


def compiled():
    pytest.importorskip("numpy")
    return ag.compile(lambda x: ag.sin(x) * x, 0.5)


def curve():
    pytest.importorskip("matplotlib")
    return nn.History(loss=[1.0, 0.5]).plot()


# What has a method that writes, by the name of its file: a function of the path.
def history():
    X, y = nn.datasets.xor()
    return nn.fit(nn.MLP(2, [2, 1], seed=1), X, y, loss=nn.mse, epochs=2, progress=False)


SAVERS = {
    "text.txt": lambda path: write_file(path, "some text\n" * 1000),
    "stepper.html": lambda path: ag.Stepper(graph()).save(path),
    "model.json": lambda path: nn.MLP(2, [3, 1], seed=1).save(path),
    "minmax.json": lambda path: scaler(nn.MinMaxScaler).save(path),
    "standard.json": lambda path: scaler(nn.StandardScaler).save(path),
    "onehot.json": lambda path: scaler(nn.OneHotEncoder).save(path),
    "optimizer.json": lambda path: nn.Adam(nn.MLP(2, [3, 1], seed=1)).save(path),
    "newton.json": lambda path: nn.NewtonCG(nn.MLP(2, [3, 1], seed=1)).save(path),
    "schedule.json": lambda path: nn.schedules.cosine(0.1, steps=10).save(path),
    "program.npz": lambda path: compiled().program.save(path),
    "program.c": lambda path: compiled().to_c(path),
    "program.mjs": lambda path: compiled().to_js(path),
    "program.py": lambda path: compiled().to_numpy(path),
    "living.html": lambda path: ag.live(graph()).save(path),
    "network.svg": lambda path: nn.draw_network(nn.MLP(2, [1], seed=1), [1.0, 2.0]).save(path),
    "training.gif": lambda path: history().save(path),
    "curve.png": lambda path: save_figure(curve(), path),
    "curve.svg": lambda path: save_figure(curve(), path),
} | {f"picture{suffix}": lambda path: ag.draw(graph()).save(path) for suffix in WRITERS}

LOADERS = {
    "model.json": lambda path: nn.MLP(2, [3, 1], seed=2).load(path),
    "minmax.json": lambda path: nn.MinMaxScaler().load(path),
    "standard.json": lambda path: nn.StandardScaler().load(path),
    "onehot.json": lambda path: nn.OneHotEncoder().load(path),
    "optimizer.json": lambda path: nn.Adam(nn.MLP(2, [3, 1], seed=1)).load(path),
    "schedule.json": lambda path: nn.schedules.cosine(0.1, steps=10).load(path),
    "program.npz": ag.Program.load,
}


@pytest.fixture(params=SAVERS)
def saver(request, tmp_path):
    """A function that writes a path, and the path; tried once, so that what is missing here is skipped."""
    save, path = SAVERS[request.param], tmp_path / request.param
    try:
        save(path)
    except ag.MissingExtraError as missing:
        pytest.skip(str(missing))
    return save, path


def test_every_public_saver_is_tried_here():
    """A class with a `save`, or a method that takes a path, has a line in the table above."""
    known = {"Stepper", "Picture", "Program", "Module", "MinMaxScaler", "StandardScaler", "OneHotEncoder"}
    known |= {"Resumable", "LivePage", "History", "NetworkPicture"}  # optimizers and schedules
    found = {getattr(room, name) for room in (ag, nn) for name in room.__all__}
    savers = {x for x in found if isinstance(x, type) and hasattr(x, "save")}
    assert {x for x in savers if not known & {kind.__name__ for kind in x.__mro__}} == set()


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("kind", ["number", "truth", "bytes", "open file", "list"])
def test_what_is_no_path_is_refused_before_anything_is_opened(saver, tmp_path, kind):
    """`open` takes a number for a descriptor, writes there and closes it: `save(True)` ended the program's output."""
    save, path = saver
    old = path.read_bytes()
    with path.open("rb+") as file:
        given = {"number": file.fileno(), "truth": True, "bytes": os.fsencode(path), "open file": file, "list": [path]}
        with pytest.raises(ag.OperandError, match="a path"):
            save(given[kind])
        os.fstat(file.fileno())  # it is open still
    os.fstat(1)
    assert path.read_bytes() == old


@pytest.mark.parametrize("name", LOADERS)
def test_nothing_but_a_path_is_read(tmp_path, name):
    SAVERS[name](tmp_path / name)
    with (tmp_path / name).open("rb") as file:
        for given in (file.fileno(), True, os.fsencode(tmp_path / name), file, [tmp_path / name]):
            with pytest.raises(ag.OperandError, match="a path"):
                LOADERS[name](given)
        assert file.read() == (tmp_path / name).read_bytes()


# --- what goes wrong on the way -------------------------------------------------------------------


def no_space(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupted(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("call", "failure", "error"),
    [
        ("fsync", no_space, OSError),
        ("replace", lambda *_, **__: no_space(), OSError),
        ("fsync", interrupted, KeyboardInterrupt),
        ("replace", interrupted, KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_the_old_file_whole_and_nothing_else(saver, monkeypatch, call, failure, error):
    save, path = saver
    for old in (b"old", None):
        if old is None:
            path.unlink()
        else:
            path.write_bytes(old)
        with monkeypatch.context() as patch:
            patch.setattr(os, call, failure)
            with pytest.raises(error) as caught:
                save(path)
        assert (path.read_bytes() if path.exists() else None) == old
        assert names(path.parent) == ([path.name] if old else [])
        if error is OSError:
            assert caught.value.errno == errno.ENOSPC
            assert path.name in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be opened there")
def test_file_and_folder_are_brought_to_the_disk(saver, monkeypatch):
    """The folder last: before that, a power failure may bring back the old file, but never half of one."""
    save, path = saver
    synced, fsync = [], os.fsync

    def noted(descriptor):
        synced.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    save(path)
    assert synced == ["file", "folder"]


FULL = """
import resource, signal, sys
sys.path[:0] = sys.argv[1:3]
import test_atomic_write as tests
save = tests.SAVERS[sys.argv[3]]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # the kernel stops every file there
try:
    save(sys.argv[4])
except OSError as error:
    print("refused", error.errno)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a limit that Linux keeps")
@pytest.mark.parametrize("name", ["text.txt", "stepper.html", "model.json", "program.npz", "program.c", "picture.svg"])
def test_the_kernel_stops_in_the_middle(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(Path(__file__).parent), str(Path(ag.__file__).parents[1]), name, str(path)],
        capture_output=True, text=True, check=True, env=os.environ | {"AUTOGRAD_CORE_CACHE": ""},
    )  # fmt: skip
    assert done.stdout == f"refused {errno.EFBIG}\n"
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == [name]


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 64 kB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root can mount")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_real_disk_that_is_full(small_disk):
    path = small_disk / "file"
    write_file(path, b"x" * 40_000)
    with pytest.raises(OSError, match="No space left on device: '[^']*file'$"):
        write_file(path, b"y" * 40_000)
    assert path.read_bytes() == b"x" * 40_000
    assert names(small_disk) == ["file"]


def test_a_renderer_that_raises_touches_nothing(tmp_path, monkeypatch):
    path = tmp_path / "g.svg"
    path.write_bytes(b"old")
    monkeypatch.setitem(WRITERS, ".svg", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ag.draw(graph()).save(path)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["g.svg"]


KILLED = """
import os, sys
sys.path[:0] = sys.argv[1:3]
import test_atomic_write as tests
save = tests.SAVERS[sys.argv[3]]
os.fsync = lambda descriptor: os.kill(os.getpid(), 9)
save(sys.argv[4])
"""


@only_posix
@pytest.mark.parametrize("name", ["text.txt", "stepper.html", "model.json", "optimizer.json", "program.npz", "program.c", "picture.tex"])
def test_what_a_killed_process_left_is_removed_by_the_next_that_saves(tmp_path, monkeypatch, name):
    path = tmp_path / name
    path.write_bytes(b"old")
    here = [str(Path(__file__).parent), str(Path(ag.__file__).parents[1]), name, str(path)]
    done = subprocess.run([sys.executable, "-c", KILLED, *here], capture_output=True, check=False)
    assert done.returncode == -9
    assert path.read_bytes() == b"old"
    [left] = [p for p in tmp_path.iterdir() if p != path]  # too young: somebody may just have made it
    another = tmp_path / atomic_write.BESIDE.format("of-an-earlier-one")
    another.write_bytes(left.read_bytes())
    monkeypatch.setattr(atomic_write, "_tidied", set())
    os.utime(left, (0, 0))
    os.utime(another, (0, 0))
    bystanders = [tmp_path / ".autograd-core.tmp.txt", tmp_path / "autograd-core-1.tmp"]
    for bystander in bystanders:
        bystander.write_bytes(b"of a bystander")
        os.utime(bystander, (0, 0))
    SAVERS[name](path)
    assert sorted(tmp_path.iterdir()) == sorted([path, *bystanders])


@only_posix
def test_a_file_that_somebody_still_writes_is_not_removed(tmp_path, monkeypatch):
    """However long its disk takes: the second writer finds it locked."""
    slow, quick, fsync = tmp_path / "slow", tmp_path / "quick", os.fsync
    seen = []

    def takes_long(descriptor):
        if not seen:
            [beside] = (p for p in tmp_path.iterdir() if p.suffix == ".tmp")
            os.utime(beside, (0, 0))
            seen.append(beside)
            monkeypatch.setattr(atomic_write, "_tidied", set())
            write_file(quick, b"quick")
            assert beside.exists()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", takes_long)
    write_file(slow, b"slow")
    assert (slow.read_bytes(), quick.read_bytes()) == (b"slow", b"quick")
    assert names(tmp_path) == ["quick", "slow"]


# --- bystanders -----------------------------------------------------------------------------------


def test_other_files_in_the_folder_stay(saver):
    save, path = saver
    content = path.read_bytes()
    others = [path.with_name(name.format(path.name, os.getpid())) for name in ("{}.part", "{}.tmp", ".{}.{}.tmp", "{}~")]
    for other in others:
        other.write_bytes(b"of a bystander")
    save(path)
    assert len(path.read_bytes()) > len(content) // 2
    assert all(other.read_bytes() == b"of a bystander" for other in others)
    assert len(names(path.parent)) == 1 + len(others)


def test_a_name_that_is_taken_is_not_written(tmp_path, monkeypatch):
    """Were the random name known, a link planted there would not be followed, nor a file written over."""
    path, victim = tmp_path / "x", tmp_path / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr(os, "urandom", lambda n: b"\0" * n)
    planted = tmp_path / f".autograd-core-{'00' * 16}.tmp"
    if POSIX:
        planted.symlink_to(victim)
    else:
        planted.write_bytes(b"")
    with pytest.raises(FileExistsError):
        write_file(path, b"new")
    assert victim.read_bytes() == b"precious"
    assert planted.is_symlink() == POSIX
    assert not path.exists()


def test_a_name_of_the_greatest_length(tmp_path):
    path = tmp_path / ("x" * 255)
    write_file(path, b"new")
    assert path.read_bytes() == b"new"


# --- what stays -----------------------------------------------------------------------------------


@only_posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_the_mode_stays(saver, mode):
    save, path = saver
    path.chmod(mode)
    save(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@only_posix
def test_a_new_file_gets_what_open_gives(tmp_path):
    for mask in (0o022, 0o077, 0o002):
        before = os.umask(mask)
        try:
            write_file(tmp_path / f"{mask}", b"")
            (tmp_path / f"plain{mask}").write_bytes(b"")
        finally:
            os.umask(before)
        assert (tmp_path / f"{mask}").stat().st_mode == (tmp_path / f"plain{mask}").stat().st_mode


@only_posix
@pytest.mark.skipif(POSIX and os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_stays(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    os.chown(path, 12345, 23456)
    write_file(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid, path.read_bytes()) == (12345, 23456, b"new")


@only_posix
def test_rights_of_a_group_that_cannot_be_kept_go(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(0o664)
    told = path.stat()
    other = os.stat_result([*told[:5], told.st_gid + 1, *told[6:10]])
    monkeypatch.setattr(os, "fchown", refused)
    monkeypatch.setattr(os, "stat", lambda *_, **__: other)
    write_file(path, b"new")
    monkeypatch.undo()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@only_posix
@pytest.mark.parametrize("target", ["file", "nothing yet"])
def test_a_link_stays_and_the_file_behind_it_is_written(saver, target):
    save, path = saver
    real = path.with_name("real" + path.suffix)
    path.rename(real)
    content = real.read_bytes()
    if target == "file":
        real.write_bytes(b"old")
    else:
        real.unlink()
    middle = path.with_name("middle")
    middle.symlink_to(real.name)
    path.symlink_to(middle)
    save(path)
    assert path.is_symlink()
    assert middle.is_symlink()
    assert not real.is_symlink()
    assert len(real.read_bytes()) > len(content) // 2
    assert names(path.parent) == sorted([path.name, "middle", real.name])


@only_posix
def test_links_in_a_circle_are_an_error(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.symlink_to(b)
    b.symlink_to(a)
    with pytest.raises(OSError, match="symbolic links"):
        write_file(a, b"new")
    assert a.is_symlink()


@only_posix
@pytest.mark.skipif(POSIX and os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("there", [True, False])
def test_a_link_that_somebody_planted_for_everybody_is_not_followed(tmp_path, there):
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    if there:
        victim.write_bytes(b"precious")
    folder.mkdir()
    link = folder / "x"
    link.symlink_to(victim)
    os.chown(link, 12345, 12345, follow_symlinks=False)
    folder.chmod(0o1777)
    with pytest.raises(PermissionError):
        write_file(link, b"new")
    assert (victim.read_bytes() if victim.exists() else None) == (b"precious" if there else None)
    assert names(folder) == ["x"]
    os.chown(link, 0, 0, follow_symlinks=False)  # one's own
    write_file(link, b"new")
    assert victim.read_bytes() == b"new"


@only_posix
@pytest.mark.skipif(POSIX and os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("owner", [0, 12345])
@pytest.mark.parametrize("mode", [0o755, 0o777, 0o1755, 0o1777])
def test_links_are_followed_in_all_other_folders(tmp_path, mode, owner):
    """As Linux follows them: everybody may write, and nobody may take away what is another's, where both bits are set."""
    real, folder = tmp_path / "real", tmp_path / "folder"
    folder.mkdir()
    (folder / "x").symlink_to(real)
    os.chown(folder / "x", owner, owner, follow_symlinks=False)
    folder.chmod(mode)
    if mode == 0o1777 and owner:
        with pytest.raises(PermissionError):
            write_file(folder / "x", b"new")
    else:
        write_file(folder / "x", b"new")
        assert real.read_bytes() == b"new"
    assert (folder / "x").is_symlink()
    assert real.exists() is not (mode == 0o1777 and owner > 0)


@only_posix
def test_a_path_from_where_the_process_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_file("x", b"new")
    (tmp_path / "link").symlink_to("x")
    write_file("link", b"newer")
    assert (tmp_path / "x").read_bytes() == b"newer"
    assert names(tmp_path) == ["link", "x"]


@only_posix
def test_another_hard_link_keeps_the_old_content(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"old")
    os.link(a, b)
    write_file(a, b"new")
    assert (a.read_bytes(), b.read_bytes()) == (b"new", b"old")


@only_posix
def test_what_open_refuses_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(0o444)
    if os.geteuid() != 0:  # root may write it
        with pytest.raises(PermissionError):
            write_file(path, b"new")
        assert path.read_bytes() == b"old"
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path, b"new")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_file(tmp_path / "nowhere" / "x", b"new")
    assert names(tmp_path) == ["x"]


@only_posix
def test_a_pipe_and_the_own_output_are_written_straight(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_file(pipe, b"through")
    reader.join()
    assert got == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    code = "from autograd_core._src.atomic_write import write_file as w; w('/dev/stdout', 'one'); w('/dev/null', 'two')"
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert piped.stdout == b"one"
    with (tmp_path / "out").open("wb") as out:
        inode = os.fstat(out.fileno()).st_ino
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert ((tmp_path / "out").read_bytes(), (tmp_path / "out").stat().st_ino) == (b"one", inode)


# --- many at once ---------------------------------------------------------------------------------

WRITER = """
import sys, nn
model = nn.MLP(2, [8, 1], seed=int(sys.argv[2]))
for _ in range(150):
    model.save(sys.argv[1])
"""


def test_two_writers_do_not_break_a_reader(tmp_path):
    path = tmp_path / "model.json"
    models = [nn.MLP(2, [8, 1], seed=seed) for seed in (1, 2)]
    models[0].save(path)
    whole = [model.state_dict() for model in models]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(seed)]) for seed in (1, 2)]
    model, loads = nn.MLP(2, [8, 1]), 0
    try:
        while any(writer.poll() is None for writer in writers):
            with contextlib.suppress(PermissionError) if not POSIX else contextlib.nullcontext():
                assert model.load(path).state_dict() in whole
                loads += 1
    finally:
        codes = [writer.wait() for writer in writers]
    assert codes == [0, 0]
    assert loads > 10
    assert names(tmp_path) == ["model.json"]


@pytest.mark.parametrize("name", ["a\0b.json", "\ud800.json", "folder\0/m.json"])
def test_a_name_that_no_file_can_have_is_refused_in_words(name):
    if "\0" not in name and sys.getfilesystemencodeerrors() == "surrogatepass":
        pytest.skip("there are such names here")
    model = nn.MLP(1, [1], seed=0)
    for use in (model.save, model.load, nn.SGD(model).save, ag.draw(ag.Value(1.0) * 2).save, lambda path: write_file(path, "")):
        with pytest.raises(ag.OperandError, match="expected a path, got .*, of which no file can have the name"):
            use(name)
