"""Watches: functions that tell whether something has changed, in a time that hardly grows with its size.

Each compares at C speed: by `is` for objects, by `==` where there are numbers alone. Large things are compared
as a whole in the first calls and part by part after that, in turn, so a change is found within as many calls as
there are parts.
"""

from __future__ import annotations

import builtins
from itertools import count
from keyword import iskeyword
from operator import is_
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from .code_reads import NOTHING, content

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...engine.value import Value

NUMBERS = 5_000  # numbers that are compared as a whole in each call: some 10 us
OBJECTS = 500  # or so many objects
NAMES = 200  # or so many names, compared by one function
PART = 500  # things of a larger collection that one call compares
WATCHES, FEW_WATCHES = 12, 4  # that are asked in each call; and in one call where there are more
MOST_CALLS = 300  # calls after which every watch has been asked, at the latest
WHOLE = 8  # first calls, in which everything is compared


def of_names(get: Callable[[str], Any], names: Sequence[str]) -> Callable[[], bool]:
    """Whether the same objects have these names, in a namespace that is asked by `get`.

    Python itself looks up globals in two nanoseconds, since it remembers where they stood; `dict.get` takes
    thirty. So the names of a dict are the globals of a function that compares them.
    """
    space = getattr(get, "__self__", None)
    plain = [x for x in names if type(space) is dict and _is_plain(x) and (x in space or x in vars(builtins))]
    rest = tuple(x for x in names if x not in set(plain))
    was = tuple(map(get, rest))
    watches = [_compared(plain[k : k + NAMES], globals_of=space) for k in range(0, len(plain), NAMES)]
    if rest:
        watches.append(lambda: all(map(is_, map(get, rest), was)))
    return watches[0] if len(watches) == 1 else of_all(watches)


def of_cells(cells: Sequence[Any]) -> Callable[[], bool]:
    """Whether closure variables hold the same objects."""
    cells = tuple(cells)
    was = tuple(map(content, cells))
    if len(cells) > NAMES or any(x is NOTHING for x in was):
        return lambda: all(map(is_, map(content, cells), was))
    return _compared([f"c{k}" for k in range(len(cells))], cells=cells)


def _is_plain(name: str) -> bool:
    return name.isidentifier() and not iskeyword(name) and not name.startswith("was_")


def _compared(names: Sequence[str], *, globals_of: Any = None, cells: tuple[Any, ...] = ()) -> Callable[[], bool]:
    """A function that compares its globals, or its cells, with what they are now."""
    same = " and ".join(f"{name} is was_{k}" for k, name in enumerate(names))
    given = ", ".join(f"was_{k}" for k in range(len(names)))
    around = " = ".join([*names, "None"]) if cells else "pass"
    text = f"""def around():
    {around}
    def untouched({given}):
        try:
            return {same}
        except NameError:
            return False
"""
    code: Any = compile(text, "<watch>", "exec")
    for _ in range(2):  # what is defined in the module, and what in that
        code = next(x for x in code.co_consts if isinstance(x, CodeType))
    if cells:
        by_name = dict(zip(names, cells, strict=True))
        return FunctionType(
            code, {}, "untouched", tuple(map(content, cells)), tuple(by_name[x] for x in code.co_freevars)
        )
    was = tuple(globals_of[x] if x in globals_of else getattr(builtins, x) for x in names)
    return FunctionType(code, globals_of, "untouched", was)


def of_functions(functions: Sequence[Any]) -> Callable[[], bool]:
    """Whether functions have the same code and defaults."""
    was = [(f, f.__code__, f.__defaults__, f.__kwdefaults__) for f in functions]
    if len(was) == 1:
        [(f, code, defaults, of_keywords)] = was
        return lambda: f.__code__ is code and f.__defaults__ is defaults and f.__kwdefaults__ is of_keywords
    return lambda: all(f.__code__ is a and f.__defaults__ is b and f.__kwdefaults__ is c for f, a, b, c in was)


def of_classes(things: Sequence[Any]) -> Callable[[], bool]:
    """Whether objects are of the same classes."""
    was = [*map(type, things)]
    return _in_turns(
        len(was),
        OBJECTS,
        lambda: all(map(is_, map(type, things), was)),
        lambda a, b: all(map(is_, map(type, things[a:b]), was[a:b])),
    )


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
    """How many numbers nested containers hold."""
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
    """Whether Values have the same data; for a list, those that it holds then."""
    was = [x._data for x in values]

    def untouched(a: int, b: int | None) -> bool:
        try:
            return len(values) == len(was) and [x._data for x in values[a:b]] == was[a:b]
        except AttributeError:  # it has been replaced by something else
            return False

    return _in_turns(len(was), OBJECTS, lambda: untouched(0, None), untouched)


def of_all(watches: Sequence[Callable[[], bool]]) -> Callable[[], bool]:
    """Combine watches: whether none reports a change; if there are many, some are asked in each call, in turn."""
    if len(watches) == 1:
        return watches[0]
    if len(watches) == 2:  # written out: a loop over few takes as long as they do
        first, second = watches
        return lambda: first() and second()
    if len(watches) == 3:
        first, second, third = watches
        return lambda: first() and second() and third()

    def untouched(mine: Sequence[Callable[[], bool]] = watches) -> bool:
        for watch in mine:  # noqa: SIM110  a generator takes longer than most watches
            if not watch():
                return False
        return True

    few = max(FEW_WATCHES, len(watches) // MOST_CALLS)
    return _in_turns(len(watches), WATCHES, untouched, lambda a, b: untouched(watches[a:b]), few)


def _in_turns(
    size: int, most: int, whole: Callable[[], bool], part: Callable[[int, int], bool], step: int = PART
) -> Callable[[], bool]:
    """Compares everything in each call if it is small, else a part per call, in turn.

    A reported change stays reported: whoever asks again must not be told about the next part instead.
    """
    if size <= most:
        return whole
    calls, is_touched = count(), False

    def untouched() -> bool:
        nonlocal is_touched
        if not is_touched:
            call = next(calls)
            start = (call * step) % (-(-size // step) * step)
            is_touched = not (whole() if call < WHOLE else part(start, start + step))
        return not is_touched

    return untouched
