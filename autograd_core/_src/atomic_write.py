"""Atomic file writes: the new content goes to a temporary file next to the old one, which it then replaces."""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress
from typing import Any

from ..errors import OperandError
from .any_object import brief, shown

FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # never a file, or a link, that stands there already
FLAGS = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW"))  # those that the system has
BESIDE = ".autograd-core-{}.tmp"  # what a crash may leave; of fixed length, for a target's name may be of the longest
ABANDONED = 10.0  # seconds without a byte, after which such a file that no process has locked is nobody's
MOST_LINKS = 40  # one after the other, as Linux has it
# On Windows a file that somebody has open cannot be replaced; a virus scanner or an indexer soon lets go of it.
WAITS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if os.name == "nt" else ()  # seconds
UNSYNCED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)  # of file systems without fsync


def name_of_file(path: Any, caller: str = "") -> str:
    """A path as text.

    A number is none: `open` takes it for a descriptor, writes there, and closes it, so that `save(True)` would be the
    end of the program's output.

    Args:
        path: What a user passed.
        caller: What the message begins with.

    Raises:
        OperandError: It is neither a str nor a `pathlib.Path`, or has a character that no name of a file has.

    Example:
        >>> import pathlib
        >>> from autograd_core._src.atomic_write import name_of_file
        >>> name_of_file(pathlib.Path("model.json"))
        'model.json'
    """
    name = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(name, str):
        opened = hasattr(path, "close")
        what = f"a path (str or pathlib.Path){', not an open file' * opened}"
        msg = f"{caller}{': ' * bool(caller)}expected {what}, got {shown(path)}"
        raise OperandError(msg)
    try:
        is_name = b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        is_name = False
    if not is_name:
        msg = f"{caller}{': ' * bool(caller)}expected a path, got {brief(name)}, of which no file can have the name"
        raise OperandError(msg)
    return name


def write_file(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file so that whoever reads it finds the old content or the new one, never a part of it.

    The content goes to a new file of a random name in the same folder, and to the disk; then that
    file takes the old one's place in one step. Whatever goes wrong before (a full disk, Ctrl-C), the
    old file stays what it was, and the new one is removed. What a process that was killed meanwhile left is
    removed by the next one that writes into this folder.

    A symbolic link stays, and the file behind it is written; not where somebody else put the link into
    a folder for everybody, such as /tmp. The old file's mode stays, and its
    owner, group and access list as far as the system lets one keep them; a new file gets the mode
    that `open` gives it. Another hard link to the old file keeps the old content. A pipe, a device,
    and a file that is this process's own output are written as they are.

    Args:
        path: Where to write; the folder is there, and new files can be made in it.
        content: The bytes, or a text, which is written in UTF-8.

    Raises:
        OSError: It cannot be written, because it is read-only for instance.
        OperandError: `path` is no path.

    Example:
        >>> import pathlib, tempfile
        >>> from autograd_core._src.atomic_write import write_file
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
        >>> write_file(path, "x² = 9"); write_file(path, "x² = 16")
        >>> path.read_text(encoding="utf-8"), len(list(path.parent.iterdir()))
        ('x² = 16', 1)
    """
    path = name_of_file(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        old = None
        with suppress(FileNotFoundError):
            old = os.stat(path)
        if old is not None and (not stat.S_ISREG(old.st_mode) or _is_output(old)):
            with open(path, "wb") as file:
                file.write(data)
            return
        target = _behind(path)
        if old is not None:
            os.close(os.open(target, os.O_WRONLY | FLAGS))  # what `open` would refuse is refused
        _tidy(os.path.dirname(target) or os.curdir)
        put(target, data, old=old, sync=True)
    except OSError as error:  # it may name the file beside, or none
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, path) from error


def put(
    name: str,
    content: bytes,
    *,
    old: os.stat_result | None = None,
    mode: int = 0o666,
    folder: int | None = None,
    sync: bool = False,
) -> None:
    """Write a file beside a name, and then give it that name in one step.

    Args:
        name: No link. Whatever file has that name is replaced.
        content: The bytes.
        old: The file to be replaced, whose mode and owner are kept.
        mode: That of a new file, less what the process masks.
        folder: A descriptor of the folder where the name stands.
        sync: Whether to wait until the disk has it, which outlives a power cut.

    Raises:
        OSError: It cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> from autograd_core._src.atomic_write import put
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
        >>> put(str(path), b"text"); path.read_bytes()
        b'text'
    """
    beside = os.path.join(os.path.dirname(name), BESIDE.format(os.urandom(16).hex()))
    lock = -1
    try:
        descriptor = os.open(beside, FRESH | FLAGS, mode if old is None else 0o600, dir_fd=folder)
        with open(descriptor, "wb") as file:
            if _locked(descriptor):
                lock = os.dup(descriptor)  # holds the lock until the file has its name
            file.write(content)
            file.flush()
            if old is not None:
                _inherit(descriptor, name, old)
            if sync:
                _sync(descriptor)
        _replace(beside, name, folder)
    except FileExistsError:  # whose that is, is not known
        raise
    except BaseException:
        with suppress(OSError):  # it was not made, or its folder is gone
            os.unlink(beside, dir_fd=folder)
        raise
    finally:
        if lock >= 0:
            os.close(lock)
    if sync:
        _sync_folder(os.path.dirname(name) or os.curdir)


def _locked(descriptor: int) -> bool:
    """Lock a file unless somebody else has; the lock goes with the process, however that ends."""
    try:
        import fcntl  # not on Windows

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):  # or a file system without locks
        return False
    return True


_tidied: set[str] = set()  # folders; only a process that was killed leaves something, so once will do


def _tidy(folder: str) -> None:
    """Remove what processes that were killed in the middle of a write left in a folder."""
    folder = os.path.abspath(folder)
    if folder in _tidied or not hasattr(os, "geteuid"):
        return
    _tidied.add(folder)
    before, after = BESIDE.split("{}")
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.name.startswith(before) and entry.name.endswith(after)):
                continue
            with suppress(OSError):  # it is gone by now, or not ours
                info = entry.stat(follow_symlinks=False)
                is_mine = stat.S_ISREG(info.st_mode) and info.st_uid == os.geteuid()
                if not is_mine or time.time() - info.st_mtime < ABANDONED:
                    continue
                descriptor = os.open(entry.path, os.O_RDONLY | FLAGS)
                try:
                    if _locked(descriptor):
                        os.unlink(entry.path)
                finally:
                    os.close(descriptor)


def _replace(beside: str, name: str, folder: int | None) -> None:
    """Give a file another's name, as soon as the other is free."""
    for wait in WAITS:
        try:
            os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except PermissionError:
            time.sleep(wait)
        else:
            return
    os.replace(beside, name, src_dir_fd=folder, dst_dir_fd=folder)


def _behind(path: str | os.PathLike[str]) -> str:
    """The name of the file behind symbolic links.

    In a folder where everybody may make files, such as /tmp, a link of somebody else's is none to
    follow; it may lead to a file of the user's own. Some kernels refuse that themselves, but not for
    names that are read here.
    """
    name = os.fspath(path)
    for _ in range(MOST_LINKS):
        folder = os.path.dirname(name) or os.curdir
        try:
            link, around = os.lstat(name), os.stat(folder)
        except FileNotFoundError:
            return name
        if not stat.S_ISLNK(link.st_mode):
            return name
        everybody = stat.S_ISVTX | stat.S_IWOTH
        if around.st_mode & everybody == everybody and link.st_uid not in (os.geteuid(), around.st_uid):
            raise OSError(errno.EACCES, "a link that somebody else put into a folder for everybody", name)
        name = os.path.join(folder, os.readlink(name))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))


def _is_output(info: os.stat_result) -> bool:
    """Whether a file is what this process has as its output or error output, as `/dev/stdout > file` may be."""
    for descriptor in (1, 2):
        with suppress(OSError):  # closed
            if info.st_ino and os.path.samestat(info, os.fstat(descriptor)):
                return True
    return False


def _inherit(descriptor: int, name: str, old: os.stat_result) -> None:
    """Give a file mode, owner and access list of the one that it replaces."""
    if not hasattr(os, "fchown"):  # Windows, where a new file has the rights that its folder hands down
        return
    mode, new = stat.S_IMODE(old.st_mode) & 0o777, os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except OSError:
            try:
                os.fchown(descriptor, -1, old.st_gid)
            except OSError:  # another group: it may do what everybody may
                mode = mode & ~0o070 | (mode & 0o007) << 3
    if hasattr(os, "listxattr"):
        with suppress(OSError):  # a file system without them
            for key in os.listxattr(name):
                if key.startswith(("system.posix_acl", "user.")):
                    os.setxattr(descriptor, key, os.getxattr(name, key))
    os.fchmod(descriptor, mode)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSYNCED:
            raise


def _sync_folder(folder: str) -> None:
    """Let the disk have the new name too. The file is whole by now, so where that is not to be had nothing is lost."""
    with suppress(OSError):  # Windows opens no folders; others may not be read
        descriptor = os.open(folder, os.O_RDONLY | FLAGS)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
