"""Where values, slopes and adjoints are in memory: what is dead gives its place to what is born after it.

Of a long program in which nothing repeats, memory is what a run waits for. But few numbers are alive at a time: a value
dies with its last use, in the backward sweep if it is a local derivative there; an adjoint is born with the first that
is sent to it, and dies when its instruction has sent it on. So all share one array, as variables share registers, and
what was freed last is taken first: it is still in the cache (docs/adr/0030).
"""

from __future__ import annotations

from typing import Any

import numpy as np


def shared_places(births: Any, deaths: Any) -> tuple[Any, int]:
    """A place for each of some numbers, of which no two are alive at once in one place.

    What dies at a step keeps its place until after it, as a handler may read operands when it has written its result.

    Args:
        births: For each number, the step that writes it first.
        deaths: The last step that reads it, no earlier.

    Returns:
        The places, and how many there are.
    """
    n = len(births)
    # Taking and giving back nest like parentheses: what is given back when k places are free is what is taken next
    # when again k are free. So each level alternates, and sorting by levels replaces a loop with a stack.
    order = _sorted(np.append(2 * births, 2 * deaths + 1))
    takes = order < n
    level = np.cumsum(np.where(takes, -1, 1)) + takes
    by_level = _sorted(level - level.min(initial=0))
    level, takes, number = level[by_level], takes[by_level], order[by_level]
    heir = np.flatnonzero(takes[1:] & (level[1:] == level[:-1])) + 1
    first = np.arange(n)
    first[number[heir]] = number[heir - 1] - n
    # From the one before to the first of each place, in steps that double.
    while not np.array_equal(further := first[first], first):
        first = further
    is_first = first == np.arange(n)
    return (np.cumsum(is_first) - 1)[first], int(np.count_nonzero(is_first))


def _sorted(keys: Any) -> Any:
    """The order of keys, none negative, that leaves equals in theirs."""
    # By halves of 16 bits, which NumPy sorts without comparing.
    order = np.argsort((keys & 0xFFFF).astype(np.uint16), kind="stable")
    return order[np.argsort((keys >> 16)[order].astype(np.uint16), kind="stable")]
