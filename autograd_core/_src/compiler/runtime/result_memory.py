"""Memory of results: large arrays that nobody holds any more are used again by later calls.

Each call returns fresh arrays. The C library asks the system for each large one, and gives it back when it is freed:
so every page is mapped anew at every call, which takes longer than to compute what is written there. Here such memory
waits for a later call of its function instead.

The base of such an array is a `Loan`, which all its views keep alive, and a memoryview or another library as well. When
the last of them is gone, Python deletes the loan, and that returns the memory. So nothing is ever overwritten that
somebody can still see (docs/adr/0027).
"""

from __future__ import annotations

from functools import partial
from itertools import count
from math import prod
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

import numpy as np

from ..locks import Locked
from .memory import CACHE_LINE, address

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = 2**17  # bytes from which on the C library asks the system, until it learns otherwise
WAITING_BYTES = 2**27  # bytes that wait, in the whole process: 128 MiB
SIZES = 8  # sizes between two powers of 2: at most an eighth of the memory is left over
PAGE = 4096
STAGGER = 5 * CACHE_LINE  # from the beginning of one array in its page to that of the next
_made = count()


class ResultMemory:
    """The memory of one function's results, which is freed with the function."""

    def __init__(self) -> None:
        self._waiting = _waiting
        self._free: dict[int, list[Any]] = {}  # by size; the most recently returned last

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """An array whose numbers are to be written."""
        size = prod(shape) * dtype.itemsize
        if size < LARGE:
            return np.empty(shape, dtype)
        step = 2 ** (size.bit_length() - 1) // SIZES
        room = -(-size // step) * step
        with self._waiting.lock:
            free = self._free.get(room)
            memory = self._waiting.taken(free.pop()) if free else None
        return np.asarray(Loan(_new(room) if memory is None else memory, shape, dtype, ref(self)))

    def copy(self, numbers: Any, dtype: np.dtype[Any]) -> Any:
        """A fresh copy of an array."""
        fresh = self.empty(numbers.shape, dtype)
        fresh[...] = numbers
        return fresh

    def copies(self, view: Any, dtype: np.dtype[Any]) -> Callable[[], Any]:
        """A function that returns a fresh copy of what an array holds by then."""
        # Whether it is large is known beforehand, so copies of small ones take no longer for it.
        if view.size * dtype.itemsize < LARGE:
            return view.copy if view.dtype == dtype else partial(view.astype, dtype)
        return partial(self.copy, view, dtype)

    def quotients(self, view: Any) -> Callable[[int], Any]:
        """A function that returns what an array holds by then, divided by a number, as a fresh array."""
        if view.nbytes < LARGE:
            return view.__truediv__  # type: ignore[no-any-return]
        return lambda n: np.divide(view, n, out=self.empty(view.shape, view.dtype))

    def put(self, memory: Any) -> None:
        """Keep memory for a later call."""
        with self._waiting.lock:
            free = self._free.setdefault(len(memory), [])
            free.append(memory)
            self._waiting.add(memory, free)

    def __del__(self) -> None:
        """Count what does not wait any more."""
        with self._waiting.lock:
            for free in self._free.values():
                for memory in free:
                    self._waiting.taken(memory)


def _new(room: int) -> Any:
    """So many bytes, from the beginning of a cache line on."""
    # Large arrays of the C library's all begin at the same place of a page, and so compete for the same lines of the
    # cache while one row after the other is written: that takes a tenth longer.
    whole = np.empty(room + PAGE + CACHE_LINE, np.uint8)
    start = -address(whole) % CACHE_LINE + next(_made) * STAGGER % PAGE
    return whole[start : start + room]


class Loan:
    """The base of an array: holds its memory, and returns it when the array and all its views are gone."""

    __slots__ = ("__array_interface__", "_home", "_memory")

    def __init__(
        self, memory: Any, shape: tuple[int, ...], dtype: np.dtype[Any], home: ReferenceType[ResultMemory]
    ) -> None:
        self._memory, self._home = memory, home
        self.__array_interface__ = {
            "version": 3, "shape": shape, "typestr": dtype.str, "data": (address(memory), False)
        }  # fmt: skip

    def __del__(self) -> None:
        """Return the memory, unless the function is gone."""
        home = self._home()
        if home is not None:
            home.put(self._memory)


class _Waiting(Locked):
    """What waits in the whole process, the least recently returned first.

    A loan may end anywhere, even in a thread that holds this lock, where the garbage collector interrupts it; so the
    lock is one that a thread can take twice, and nothing is waited for while it is held.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self._lists: dict[int, list[Any]] = {}  # in which a piece of memory waits, by its id

    def add(self, memory: Any, free: list[Any]) -> None:
        """Count the last of a list, and drop what was returned least recently where there is too much."""
        self._lists[id(memory)] = free
        self.bytes += len(memory)
        while self.bytes > WAITING_BYTES:
            self.taken(next(iter(self._lists.values())).pop(0))

    def taken(self, memory: Any) -> Any:
        """Count what has been taken from its list."""
        del self._lists[id(memory)]
        self.bytes -= len(memory)
        return memory


_waiting = _Waiting()
