"""Reading files, where a pipe is waited for, but not for ever."""

from __future__ import annotations

import io
import os
import stat
from typing import IO, TYPE_CHECKING

from ..errors import StructureError
from .atomic_write import name_of_file

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 10.0  # seconds to wait for data from a pipe
MOST_BYTES = 2**30
PIECE = 2**16
NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # without it opening a pipe waits for its writer


def open_to_read(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a file for reading, as `open(path, "rb")`; what a pipe or a device sends is read first.

    Args:
        path: The file.

    Returns:
        The file, or what a pipe (FIFO) or a device sends.

    Raises:
        OSError: It cannot be opened.
        OperandError: It is no path.
        StructureError: It is a pipe or a device, such as /dev/zero, from which nothing comes for 10 s, or more than
            1 GiB.

    Example:
        >>> import pathlib, tempfile
        >>> from autograd_core._src.file_reading import open_to_read
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
        >>> _ = path.write_bytes(b"x")
        >>> with open_to_read(path) as file:
        ...     file.read()
        b'x'
    """
    path = name_of_file(path)
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | NONBLOCK))  # noqa: SIM115  it is handed on
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode) or not NONBLOCK:
        if NONBLOCK:
            os.set_blocking(file.fileno(), True)
        return file
    with file:
        return io.BytesIO(_sent(file.fileno(), path))


def _sent(descriptor: int, path: str | os.PathLike[str]) -> bytes:
    """What comes from a pipe until its writers have closed it."""
    import select  # a base import would cost every program

    pieces: list[bytes] = []
    size = 0
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
        ready: Callable[[], object] = lambda: poll.poll(PATIENCE * 1000)
    else:  # Windows, whose named pipes are read as they come
        ready = lambda: True
    while ready():
        piece = os.read(descriptor, PIECE)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            msg = f"{path} is a pipe or a device, from which more than {MOST_BYTES} bytes came; pass a file"
            raise StructureError(msg)
    msg = f"{path} is a pipe or a device, from which nothing came for {PATIENCE:g} s; pass a file"
    raise StructureError(msg)
