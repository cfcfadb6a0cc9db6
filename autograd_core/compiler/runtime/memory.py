"""Memory that interpreters and machine code share: aligned arrays, sums in lanes, functions that C calls."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

LANES = 8  # rows of a block of straight-line code
LINE = 64  # bytes of a cache line


class LaneSums:
    """Running sums over rows: row k is added to lane k mod width, and in the end the lanes are added up in order.

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
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.zeros(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def called_back(method: Callable[[int], None]) -> Any:
    """A C function that calls a method without keeping its object alive."""
    weak = WeakMethod(method)

    def call(block: int) -> None:
        found = weak()
        assert found is not None
        found(block)

    return ctypes.CFUNCTYPE(None, ctypes.c_int64)(call)
