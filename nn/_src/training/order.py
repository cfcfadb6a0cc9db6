"""The order in which an epoch takes the cases."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Order:
    """The indices of all cases, shuffled as by `random.shuffle`: a list for graphs, an array for programs.

    Args:
        count: How many cases there are.
        rng: The generator that shuffles; None to keep the order.
        is_shared: Whether other code may draw from the generator, too.
    """

    def __init__(self, count: int, rng: random.Random | None, *, is_shared: bool) -> None:
        self._rng, self._is_shared = rng, is_shared
        self._list = list(range(count))
        self._array: Any = None
        self._in_code: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._list)

    def shuffle(self) -> None:
        """Shuffle the current order."""
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
        """All indices as an array, which native code shuffles from now on."""
        if self._array is None:
            import numpy as np

            from autograd_core._src.compiler.runtime.repeated_calls import Shuffle

            self._array = np.array(self._list, np.int64)
            if type(self._rng) is random.Random:  # a subclass may generate other numbers
                self._in_code = Shuffle(self._rng, self._array, is_shared=self._is_shared)
        return self._array
