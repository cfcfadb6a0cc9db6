"""Memory that interpreters and machine code share: aligned arrays, sums in lanes, functions that C calls."""

from __future__ import annotations

import ctypes
import mmap
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LANES = 8  # examples of a block of straight-line code
CACHE_LINE = 64  # bytes of a cache line
MAPPED = 2**14  # bytes from which on memory is asked of the system: a page that is half empty is little then
HUGE = 2**22  # from which on NumPy asks for large pages


class LaneSums:
    """Running sums over a batch: example k is added to lane k mod width, and at the end the lanes are added in order.

    Args:
        slots: int32: whose adjoints are summed.
        width: How many lanes.
        dtype: float64 or float32.
    """

    def __init__(self, slots: Any, width: int, dtype: Any) -> None:
        self.slots, self.width = slots, width
        self.lanes = np.zeros((len(slots), width), dtype)

    def add(self, gradient: Any) -> None:
        """Of shape (rows, slots): one row after the other."""
        with np.errstate(all="ignore"):
            for start in range(0, len(gradient), self.width):
                block = gradient[start : start + self.width].T
                self.lanes[:, : block.shape[1]] += block

    def total(self) -> Any:
        """Lane after lane; a sum of 0 is no -0."""
        with np.errstate(all="ignore"):
            total = self.lanes[:, 0]
            for lane in range(1, self.width):
                total = total + self.lanes[:, lane]
            return total + 0.0


def zeros(shape: Any, dtype: Any = np.float64) -> Any:
    """Zeros aligned to a cache line: a vector across two lines takes twice as long to load."""
    return zeros_together([shape], dtype)[0]


def zeros_together(shapes: Sequence[Any], dtype: Any = np.float64) -> list[Any]:
    """Arrays of zeros in one piece of memory, each aligned to a cache line.

    A line is left between two, or arrays of 4 kB would compete for the same places in the cache.
    """
    dtype = np.dtype(dtype)
    sizes = [int(np.prod(shape)) * dtype.itemsize for shape in shapes]
    memory = _blank(sum(size + 2 * CACHE_LINE for size in sizes))
    start, found = -memory.ctypes.data % CACHE_LINE, []
    for shape, size in zip(shapes, sizes, strict=True):
        found.append(memory[start : start + size].view(dtype).reshape(shape))
        start += -(-size // CACHE_LINE) * CACHE_LINE + CACHE_LINE
    return found


def address(array: Any) -> int:
    """Where an array's numbers are; `array.ctypes.data` takes three times as long."""
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def _blank(size: int) -> Any:
    """So many bytes; of medium size from the system itself, to which they go back.

    The C library keeps what is freed for later requests. Between runners of ever new sizes that left holes which
    fitted none: half as much again as all runners together.
    """
    if MAPPED <= size < HUGE:
        private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
        with suppress(OSError):  # too many pieces, where a limit on their number is low
            return np.frombuffer(mmap.mmap(-1, size, **private), np.uint8)
    return np.zeros(size, np.uint8)


def called_back(method: Callable[[int], None]) -> Any:
    """A C function that calls a method without keeping its object alive."""
    weak = WeakMethod(method)

    def call(block: int) -> None:
        found = weak()
        assert found is not None
        found(block)

    return ctypes.CFUNCTYPE(None, ctypes.c_int64)(call)
