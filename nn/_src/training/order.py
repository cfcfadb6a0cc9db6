"""The order in which an epoch takes the cases."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Order:
    """All places of the data, shuffled as `random.shuffle` does it: a list for graphs, an array for programs.

    Args:
        count: How many cases there are.
        rng: What shuffles; None to leave them as they are.
        is_shared: Whether others may draw from it, too.
    """

    def __init__(self, count: int, rng: random.Random | None, *, is_shared: bool) -> None:
        self._rng, self._is_shared = rng, is_shared
        self._list = list(range(count))
        self._array: Any = None
        self._in_code: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._list)

    def shuffle(self) -> None:
        """Another order, made of the one before."""
        if self._rng is None:
            return
        if self._in_code is not None:
            self._in_code()
        else:
            self._rng.shuffle(self._list)
            if self._array is not None:
                self._array[:] = self._list

    def chosen(self, start: int, count: int) -> list[int]:
        """Some of the places."""
        if self._in_code is not None:
            self._list[:] = self._array.tolist()
        return self._list[start : start + count]

    @property
    def places(self) -> Any:
        """All of them as an array, which machine code shuffles from now on."""
        if self._array is None:
            import numpy as np

            from autograd_core._src.compiler.runtime.repeated_calls import Shuffle

            self._array = np.array(self._list, np.int64)
            if type(self._rng) is random.Random:  # others have numbers of their own
                self._in_code = Shuffle(self._rng, self._array, is_shared=self._is_shared)
        return self._array
