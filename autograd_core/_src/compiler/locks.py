"""Locks for compiling and tracing that survive `os.fork`.

A fork copies locks in their present state, but not the threads that would release them. So a thread that forks
waits until nobody compiles. Locks of single functions may be held for as long as a user's code runs; the child
gets new ones instead.
"""

from __future__ import annotations

import os
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
compiling = RLock()  # one thread at a time compiles, or imports what compiles
_owners: WeakSet[Locked] = WeakSet()


class Locked:
    """An object with its own lock, `lock`; a forked child gets a new one."""

    def __init__(self) -> None:
        self.lock: RLock = RLock()
        _owners.add(self)


class once(Generic[T]):  # noqa: N801  used as the decorator `property` is
    """An attribute that is computed at first access, by one thread, under its object's lock."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute, self._name, self.__doc__ = compute, compute.__name__, compute.__doc__

    @overload
    def __get__(self, owner: None, _: Any = None) -> once[T]: ...
    @overload
    def __get__(self, owner: Locked, _: Any = None) -> T: ...
    def __get__(self, owner: Locked | None, _: Any = None) -> T | once[T]:
        if owner is None:  # on the class, as `help` asks
            return self
        # Stored in the instance's dict under the attribute's name, which `pickle` and `vars` see. Not
        # `functools.cached_property`: its lock in Python 3.11 is one for all instances, and may be held in a forked
        # child.
        with owner.lock:
            if self._name not in vars(owner):
                vars(owner)[self._name] = self._compute(owner)
            return vars(owner)[self._name]  # type: ignore[no-any-return]


def _in_child() -> None:
    # The forking thread acquired `compiling` before the fork, so it is this child's only thread that holds it. Locks of
    # objects may have been held by threads that do not exist here: they are replaced, never waited for.
    compiling.release()
    for owner in list(_owners):
        owner.lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=compiling.acquire, after_in_parent=compiling.release, after_in_child=_in_child)
