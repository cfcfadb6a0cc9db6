"""A cache of object code on disk, from which later processes of the same user load it.

This is the one place where the library runs what it finds in a file. It accepts only what nobody but the user
(and root) can have put there: see `_folder` and `read_object`. Anything else is ignored. Nothing here raises:
without a cache everything works, only more slowly at first.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from .....errors import UsageWarning
from ....atomic_write import BESIDE, FLAGS, put
from ....engine.provenance import warn_user

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE_VARIABLE = "AUTOGRAD_CORE_CACHE"  # a folder; empty: no cache
SIZE_VARIABLE = "AUTOGRAD_CORE_CACHE_SIZE"  # the most bytes that the cache may take
CACHE_BYTES = 256 * 2**20  # the default for that; also the largest file, since files are read whole
MAGIC = b"autograd-core object 1\n"
DIGEST = 32  # bytes of a SHA-256: of the key, and of key and code together
HEADER_LENGTH = len(MAGIC) + 2 * DIGEST
OTHERS_WRITE = 0o022
DIGITS_OF_SIZE = 18  # of a size, at most: Python refuses to parse thousands of them
PREFIXES = ("", "K", "M", "G", "T")
SIZE_TEXT = re.compile(r"([0-9]+)(\.[0-9]{1,18})? ?([KMGT]?)(?:I?B)?")
NEW = 3600.0  # seconds: files used since are not marked again; older files that a writer left unfinished are removed
FILE_NAME = re.compile(rf"[0-9a-f]{{{2 * DIGEST}}}\.o")
LEFT = re.compile(re.escape(BESIDE).replace(r"\{\}", "[0-9a-f]{32}"))
READ = os.O_RDONLY | FLAGS | getattr(os, "O_NONBLOCK", 0)  # without it, opening a pipe would wait for a writer
WITH_FOLDERS = {os.open, os.mkdir, os.stat, os.unlink, os.rename} <= os.supports_dir_fd and os.scandir in os.supports_fd


def places() -> list[Path]:
    """The folders that must be the user's own: those that lead to the cache, and last the cache itself.

    Returns:
        The folder alone where AUTOGRAD_CORE_CACHE names it; else it stands below XDG_CACHE_HOME, or
        LOCALAPPDATA on Windows, or ~/.cache. Empty where the variable is set to nothing, the user
        has no home, or a path depends on where the process stands.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    try:
        if chosen is not None:
            found = [Path(chosen).expanduser()] if chosen else []
        else:
            base = Path(os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", ""))
            parents = [base] if base.is_absolute() else [Path.home(), Path.home() / ".cache"]
            found = [*parents, parents[-1] / "autograd-core"]
    except RuntimeError:  # the user has no home, as in some containers
        return []
    return found if found and found[0].is_absolute() else []


def read_object(key: str) -> bytes | None:
    """The object code kept under a key.

    Args:
        key: A SHA-256 in hex.

    Returns:
        None where there is none; where it is no regular file of this user's that nobody else may
        write; where it is damaged, of a size that no code has, or code of another key.
    """
    if not key:
        return None
    with suppress(OSError), _folder(make=False) as folder:
        descriptor = os.open(folder.name(f"{key}.o"), READ, dir_fd=folder.descriptor)
        with open(descriptor, "rb") as file:
            info = os.fstat(descriptor)
            if not (stat.S_ISREG(info.st_mode) and _is_private(info) and info.st_size <= CACHE_BYTES):
                return None
            content = file.read()
            code = content[HEADER_LENGTH:]
            if not code or content[:HEADER_LENGTH] != _header(key, code):
                return None
            if time.time() - info.st_mtime > NEW:
                folder.touch(f"{key}.o", descriptor)
            return code
    return None


def write_object(key: str, code: bytes) -> None:
    """Cache object code under a key, if possible; removes the least recently used files beyond the limit.

    Args:
        key: A SHA-256 in hex.
        code: The code.
    """
    with suppress(OSError), _folder(make=True) as folder:
        put(folder.name(f"{key}.o"), _header(key, code) + code, mode=0o600, folder=folder.descriptor)
        _tidy(folder, key, HEADER_LENGTH + len(code))


def _header(key: str, code: bytes) -> bytes:
    about = bytes.fromhex(key)
    return MAGIC + about + sha256(MAGIC + about + code).digest()


# --- whose it is ----------------------------------------------------------------------------------


class _Folder:
    """An open folder: its files are reached through its descriptor, whatever happens to its name.

    Where the system cannot open folders (Windows), they are reached by path; a user's folders are private
    there.
    """

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path, self.descriptor = path, descriptor

    def name(self, file: str) -> str:
        return file if self.descriptor is not None else str(self.path / file)

    def touch(self, file: str, descriptor: int) -> None:
        """Mark a file as used now."""
        with suppress(OSError):  # the disk may be read-only
            os.utime(descriptor if os.utime in os.supports_fd else self.name(file))


@contextmanager
def _folder(*, make: bool) -> Iterator[_Folder]:
    """Open the cache's folder.

    All checks are made on the opened descriptor, since a name may refer to another file a moment later.

    Raises:
        OSError: It is not there, or not this user's alone.
    """
    found = places()
    if not found:
        msg = "no folder for a cache"
        raise OSError(msg)
    if not WITH_FOLDERS:
        if make:
            found[-1].mkdir(mode=0o700, parents=True, exist_ok=True)
        yield _Folder(found[-1], None)
        return
    if make:
        _make(found)
    descriptor = None
    try:
        for place in found:
            last = place is found[-1]
            flags = os.O_RDONLY | os.O_DIRECTORY | (FLAGS if last else FLAGS & ~os.O_NOFOLLOW)
            within = place if descriptor is None else place.name
            link = os.stat(within, dir_fd=descriptor, follow_symlinks=False)
            before, descriptor = descriptor, os.open(within, flags, dir_fd=descriptor)
            if before is not None:
                os.close(before)
            info = os.fstat(descriptor)
            ours = _is_private(info) if last else _is_ours(info) and not _others_write(info)
            if not (ours and link.st_uid in (0, os.geteuid())):
                msg = f"{place} is not this user's alone"
                raise PermissionError(msg)
        yield _Folder(found[-1], descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _make(found: list[Path]) -> None:
    """Make the missing folders, but none inside another user's folder, as root with another's HOME would."""
    missing = []
    place = found[-1]
    while not os.path.lexists(place):
        missing.append(place)
        place = place.parent
    if not missing:
        return
    if place.stat().st_uid not in (0, os.geteuid()):
        msg = f"{place} is not this user's"
        raise PermissionError(msg)
    for folder in reversed(missing):
        with suppress(FileExistsError):  # another process was first
            folder.mkdir(mode=0o700)


def _is_ours(info: os.stat_result) -> bool:
    return info.st_uid == os.geteuid() == os.getuid()


def _others_write(info: os.stat_result) -> bool:
    """Whether others may change a folder that leads to the cache; a group of one does not count as others.

    Some systems make new folders like that: user and group have one number, and the group may write.
    """
    bits = info.st_mode & OTHERS_WRITE
    return bool(bits & 0o002 or (bits and info.st_gid != info.st_uid))


def _is_private(info: os.stat_result) -> bool:
    """Whether nobody else may write to it."""
    if not hasattr(os, "geteuid"):
        return True
    return _is_ours(info) and not info.st_mode & OTHERS_WRITE


# --- how much -------------------------------------------------------------------------------------


def _limit() -> int:
    """The largest size of the cache in bytes, from the environment; see `size_of`."""
    text = os.environ.get(SIZE_VARIABLE, "").strip()
    if not text:
        return CACHE_BYTES
    size = size_of(text)
    if size is None:
        given = text if len(text) <= 40 else text[:37] + "..."
        warn_user(
            f"{SIZE_VARIABLE}: expected a number of bytes, such as 268435456 or 256M, got {given!r}; "
            f"the cache takes up to {CACHE_BYTES // 2**20}M",
            UsageWarning,
        )
        return CACHE_BYTES
    return size


def size_of(text: str) -> int | None:
    """Parse a number of bytes: digits, and K, M, G or T for powers of 1024, with or without B or iB after it.

    Args:
        text: Such as "1000000", "500 MB" or "1.5G".

    Returns:
        None where it is none. What is beyond any disk is that.
    """
    found = SIZE_TEXT.fullmatch(text.strip().upper())
    if found is None:
        return None
    whole, part, unit = found.groups("")
    whole = whole.lstrip("0")
    if len(whole) > DIGITS_OF_SIZE:
        return sys.maxsize
    number = float(f"0{whole}{part}") if part else int(f"0{whole}")
    return int(number * 1024 ** PREFIXES.index(unit))


_tally: dict[Path, int] = {}  # estimated bytes in each folder; counted again only when that may exceed the limit
COUNTS = 64  # counts, about, while as much is written as the cache may take


def _tidy(folder: _Folder, key: str, written: int) -> None:
    """Remove unfinished files of long ago, and the least recently used files beyond the limit.

    To count a full cache takes a third of a second, more than most processes take to compile. So a process that has
    not counted does so by chance, which the key decides, in proportion to what it writes: between all of them a count
    comes after each 64th part of the limit, on average.
    """
    limit = _limit()
    if folder.path in _tally:
        _tally[folder.path] += written
        if _tally[folder.path] <= limit:
            return
    elif int(key[:8], 16) * limit >= 2**32 * COUNTS * written:
        return
    files, now = [], time.time()
    with os.scandir(folder.path if folder.descriptor is None else folder.descriptor) as entries:
        for entry in entries:
            with suppress(OSError):  # another process may be doing the same
                info = entry.stat(follow_symlinks=False)
                if FILE_NAME.fullmatch(entry.name):
                    files.append((info.st_mtime, info.st_size, entry.name))
                elif LEFT.fullmatch(entry.name) and now - info.st_mtime > NEW:
                    os.unlink(folder.name(entry.name), dir_fd=folder.descriptor)
    total = sum(size for _, size, _ in files)
    goal = limit if total <= limit else 0.9 * limit  # with a margin, or each further file would cause a count
    for _, size, name in sorted(files):
        if total <= goal:
            break
        with suppress(OSError):
            os.unlink(folder.name(name), dir_fd=folder.descriptor)
        total -= size
    _tally[folder.path] = total
