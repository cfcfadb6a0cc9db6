"""What is loaded from a pipe or a device: what comes from it, with an end to the time and to the bytes."""

import os
import random
import threading

import pytest

import autograd_core as ag
import nn
from autograd_core import StructureError
from autograd_core._src import file_reading
from autograd_core._src.file_reading import open_to_read

pytest.importorskip("numpy")
pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")

ROWS = [[1.0, 2.0], [3.0, 5.0]]


def adam(lr, grad):
    weights = nn.MLP(2, [1], seed=0).parameters()
    for p in weights:
        p.grad = grad
    optimizer = nn.Adam(weights, lr=lr)
    optimizer.step()
    return optimizer


LOADED = {  # one that is saved, and one that loads
    "module": (lambda: nn.MLP(2, [2, 1], seed=0), lambda: nn.MLP(2, [2, 1], seed=1)),
    "optimizer": (lambda: adam(0.1, 1.0), lambda: adam(0.2, 3.0)),
    "schedule": (lambda: nn.schedules.step(0.1, every=2), lambda: nn.schedules.step(0.1, every=2)),
    "scaler": (lambda: nn.StandardScaler().fit(ROWS), nn.StandardScaler),
    "range": (lambda: nn.MinMaxScaler().fit(ROWS), nn.MinMaxScaler),
    "encoder": (lambda: nn.OneHotEncoder().fit([["a"], ["b"]]), nn.OneHotEncoder),
    "program": (lambda: ag.compile(lambda x: x * x, 1.0).program, lambda: ag.Program),
}


@pytest.fixture
def pipe(tmp_path, monkeypatch):
    monkeypatch.setattr(file_reading, "PATIENCE", 0.2)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("name", sorted(LOADED))
def test_a_pipe_without_a_writer_is_said(name, pipe):
    _, empty = LOADED[name]
    with pytest.raises(StructureError, match=r"pipe is a pipe or a device, from which nothing came for 0\.2 s; pass a file"):
        empty().load(pipe)


@pytest.mark.parametrize("name", sorted(LOADED))
def test_what_a_writer_sends_is_loaded(name, pipe, tmp_path):
    full, empty = LOADED[name]
    thing, other = full(), empty()
    writer = threading.Thread(target=thing.save, args=(pipe,))
    writer.start()
    loaded = other.load(pipe)
    writer.join()
    (loaded if name == "program" else other).save(tmp_path / "loaded")
    thing.save(tmp_path / "saved")
    assert (tmp_path / "loaded").read_bytes() == (tmp_path / "saved").read_bytes()


def test_a_writer_that_falls_silent_is_said(pipe):
    descriptor = os.open(pipe, os.O_RDWR)
    try:
        os.write(descriptor, b"{")
        with pytest.raises(StructureError, match="nothing came"):
            open_to_read(pipe)
    finally:
        os.close(descriptor)


def test_more_than_a_file_may_hold_is_not_kept(pipe, monkeypatch):
    monkeypatch.setattr(file_reading, "MOST_BYTES", 100)
    writer = threading.Thread(target=lambda: pipe.write_bytes(bytes(200)))
    writer.start()
    with pytest.raises(StructureError, match="more than 100 bytes came"):
        open_to_read(pipe)
    writer.join()


def test_files_and_devices_are_opened_as_ever(tmp_path):
    (tmp_path / "a").write_bytes(b"xyz")
    with open_to_read(tmp_path / "a") as file, open_to_read("/dev/null") as nothing:
        assert os.get_blocking(file.fileno())
        assert (file.read(), file.seek(1), file.read(), nothing.read()) == (b"xyz", 1, b"yz", b"")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        open_to_read(tmp_path)


def test_what_is_wrong_with_a_program_is_said_in_few_words(tmp_path):
    """zipfile and NumPy put whole headers into their errors."""
    path, rng = tmp_path / "program.npz", random.Random(1)
    ag.compile(lambda x: x * ag.tanh(x), 1.0).program.save(path)
    good = path.read_bytes()
    for _ in range(600):
        bad = bytearray(good)
        bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        path.write_bytes(bad)
        said = None
        try:
            loaded = ag.Program.load(path)
        except StructureError as error:
            said = str(error)
        if said is None:  # a bit that says nothing, such as those of the time in an archive
            loaded.save(tmp_path / "again.npz")
        assert (tmp_path / "again.npz").read_bytes() == good if said is None else len(said) < 400 + len(str(path))


@pytest.mark.parametrize("name", sorted(LOADED))
def test_a_device_that_never_ends_is_not_read_until_memory_does(name, monkeypatch):
    monkeypatch.setattr(file_reading, "MOST_BYTES", 2**18)
    _, empty = LOADED[name]
    with pytest.raises(StructureError, match=r"/dev/zero is a pipe or a device, from which more than 262144 bytes came"):
        empty().load("/dev/zero")
    with pytest.raises(StructureError, match="/dev/null is no "):
        empty().load("/dev/null")
