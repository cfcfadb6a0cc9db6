"""Watches: functions that tell whether something was touched, in a time that hardly grows with its size.

Each compares at C's speed: by `is` where objects stand, by `==` where there are numbers alone. What is
large is compared as a whole for the first calls, and then a part at a time, in turns, so that a change
is found within as many calls as there are parts.
"""

from __future__ import annotations

from itertools import count
from operator import is_
from typing import TYPE_CHECKING, Any

from .reading import content

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..value import Value

NUMBERS = 5_000  # that are compared as a whole in each call: some 10 us
OBJECTS = 500  # or so many objects
PART = 500  # of what is larger, in a call
WATCHES = 32  # that are asked in a call
WHOLE = 8  # calls in which all of it is


def of_names(get: Callable[[str], Any], names: Sequence[str]) -> Callable[[], bool]:
    """Whether the same objects have these names, in a namespace that is asked by `get`."""
    names = tuple(names)
    was = tuple(map(get, names))
    return lambda: all(map(is_, map(get, names), was))


def of_cells(cells: Sequence[Any]) -> Callable[[], bool]:
    """Whether variables of functions around hold the same objects."""
    cells = tuple(cells)
    was = tuple(map(content, cells))
    return lambda: all(map(is_, map(content, cells), was))


def of_functions(functions: Sequence[Any]) -> Callable[[], bool]:
    """Whether functions have the same code and defaults."""
    was = [(f, f.__code__, f.__defaults__, f.__kwdefaults__) for f in functions]
    return lambda: all(f.__code__ is a and f.__defaults__ is b and f.__kwdefaults__ is c for f, a, b, c in was)


def of_slot(thing: Any, name: str) -> Callable[[], bool]:
    """Whether an attribute without a dict is the same object."""
    was = getattr(thing, name, None)
    return lambda: getattr(thing, name, None) is was


def of_items(things: Any, was: Sequence[Any]) -> Callable[[], bool]:
    """Whether a sequence or an array holds the same objects."""
    n = len(was)
    if hasattr(things, "flat"):
        return lambda: things.size == n and all(map(is_, things.flat, was))
    if type(things) is not list:
        return lambda: len(things) == n and all(map(is_, things, was))
    return _in_turns(
        n,
        OBJECTS,
        lambda: len(things) == n and all(map(is_, things, was)),
        lambda a, b: len(things) == n and all(map(is_, things[a:b], was[a:b])),
    )


def of_entries(things: Mapping[Any, Any]) -> Callable[[], bool]:
    """Whether a dict holds the same objects."""
    keys, was, n = tuple(things), tuple(things.values()), len(things)
    return _in_turns(
        n,
        OBJECTS,
        lambda: len(things) == n and all(map(is_, map(things.get, keys), was)),
        lambda a, b: len(things) == n and all(map(is_, map(things.get, keys[a:b]), was[a:b])),
    )


def of_plain(things: Any, copy: Any) -> Callable[[], bool]:
    """Whether containers with nothing but numbers, texts and such containers equal a copy."""
    size = _numbers_in(copy)
    if size <= NUMBERS or type(things) not in (list, dict):
        return lambda: bool(things == copy)
    if type(things) is dict and not any(type(part) in (list, dict, set) for part in copy.values()):
        return of_entries(things)
    if type(things) is dict:
        return lambda: bool(things == copy)
    return _in_turns(
        len(copy),
        0,
        lambda: bool(things == copy),
        lambda a, b: len(things) == len(copy) and bool(things[a:b] == copy[a:b]),
        max(PART * len(copy) // size, 1),
    )


def _numbers_in(copy: Any) -> int:
    """How many numbers stand in containers within each other."""
    parts = copy.values() if isinstance(copy, dict) else copy
    kinds = set(map(type, parts))
    if not kinds & {list, tuple, dict, set, frozenset}:
        return len(copy)
    return sum(_numbers_in(part) if isinstance(part, (list, tuple, dict, set, frozenset)) else 1 for part in parts)


def of_array(array: Any) -> Callable[[], bool]:
    """Whether an array of numbers has the same bytes."""
    shape, was = array.shape, array.copy()
    numbers = array.reshape(-1) if array.flags.c_contiguous else array.flat
    return _in_turns(
        array.size,
        NUMBERS,
        lambda: array.shape == shape and array.tobytes() == was.tobytes(),
        lambda a, b: array.shape == shape and numbers[a:b].tobytes() == was.flat[a:b].tobytes(),
    )


def of_values(values: Sequence[Value]) -> Callable[[], bool]:
    """Whether Values have the same data; in a list, those that stand there then."""
    was = [x._data for x in values]

    def untouched(a: int, b: int | None) -> bool:
        try:
            return len(values) == len(was) and [x._data for x in values[a:b]] == was[a:b]
        except AttributeError:  # another thing stands there
            return False

    return _in_turns(len(was), OBJECTS, lambda: untouched(0, None), untouched)


def of_all(watches: Sequence[Callable[[], bool]]) -> Callable[[], bool]:
    """Whether all watches see nothing; where there are many, so many in each call."""

    def untouched(mine: Sequence[Callable[[], bool]] = watches) -> bool:
        for watch in mine:  # noqa: SIM110  a generator takes longer than most watches
            if not watch():
                return False
        return True

    return _in_turns(len(watches), WATCHES, untouched, lambda a, b: untouched(watches[a:b]), WATCHES)


def _in_turns(
    size: int, most: int, whole: Callable[[], bool], part: Callable[[int, int], bool], step: int = PART
) -> Callable[[], bool]:
    """The whole at each call, where that is no more than so many things; else in turns."""
    if size <= most:
        return whole
    calls = count()

    def untouched() -> bool:
        call = next(calls)
        if call < WHOLE:
            return whole()
        start = (call * step) % (-(-size // step) * step)
        return part(start, start + step)

    return untouched
