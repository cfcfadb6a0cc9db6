"""Keeps runners and interpreters' memory between runs, within a limit of bytes for the whole process.

Least recently used first out.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakSet

from ..locks import Locked

KEPT_BYTES = 2**27  # 128 MiB in the whole process
LEAST_KEPT = 8  # that are kept whatever their size, as that many threads may run at a time
OVERHEAD = 4096  # bytes of one besides its arrays, about
_ticks = count()


class Keepable(Protocol):
    """What is kept: a runner, or an interpreter's memory for one run.

    Attributes:
        serves: For which runs it is kept.
        used: When it was used last, in runs of the process.
        called: Whether call stubs have used it since `sweep` last looked at all.
        bytes: Of its arrays.
    """

    serves: Any
    used: int
    called: bool
    bytes: int


T = TypeVar("T", bound=Keepable)


class Shelf(Generic[T]):
    """The free runners of one trace, by layout and batch size; or an interpreter's memory. Freed with its owner.

    Counting bytes at every call would take as long as a small call. So a shelf counts what it makes, and checks
    the limit whenever an eighth of it has been made.
    """

    def __init__(self) -> None:
        self._runners: dict[Any, list[T]] = {}
        with _all.lock:  # else a sweep in another thread would find that their set changes
            _all.shelves.add(self)

    def of(self, key: Any) -> list[T]:
        """The free runners of a kind: always the same list, so that frequent callers can keep it."""
        return self._runners.setdefault(key, [])

    def take(self, key: Any) -> T | None:
        """Take a free runner."""
        try:
            return self._runners[key].pop()
        except (KeyError, IndexError):
            return None

    def put(self, runner: T) -> None:
        """Keep a runner for the next run of its kind."""
        runner.used = next(_ticks)
        self.of(runner.serves).append(runner)

    def made(self, runner: T) -> None:
        """Count a new runner."""
        size = bytes_of(runner)
        _all.made += size
        if _all.made > KEPT_BYTES // 8:
            with _all.lock:
                _all.made = size
                sweep(max(size, KEPT_BYTES // 8))

    def runners(self) -> list[T]:
        """All that are free now."""
        return [runner for free in list(self._runners.values()) for runner in list(free)]

    def drop(self, runner: T) -> None:
        """Drop a runner, unless somebody has taken it meanwhile."""
        with suppress(ValueError):
            self.of(runner.serves).remove(runner)


class _All(Locked):
    def __init__(self) -> None:
        super().__init__()
        self.shelves: WeakSet[Shelf[Any]] = WeakSet()
        self.made = 0  # bytes since the last look


_all = _All()


def bytes_of(runner: Keepable) -> int:
    """About how much memory a runner takes, or what an interpreter keeps."""
    return OVERHEAD + runner.bytes


def sweep(room: int) -> None:
    """Drop the least recently used runners, so that there is room for so many bytes."""
    found = [(runner, shelf) for shelf in list(_all.shelves) for runner in shelf.runners()]
    for runner, _ in found:
        if runner.called:  # by a stub, which sets this flag instead of counting
            runner.used, runner.called = next(_ticks), False
    found.sort(key=lambda pair: -pair[0].used)
    left = KEPT_BYTES - room
    for k, (runner, shelf) in enumerate(found):
        left -= bytes_of(runner)
        if left < 0 and k >= LEAST_KEPT:
            shelf.drop(runner)
