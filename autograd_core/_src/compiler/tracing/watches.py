"""Watches: functions that tell whether an object has changed, in a time that hardly depends on its size.

Each compares at C speed: by `is` for objects, by `==` where there are numbers alone, which passes by what is the
same object: 1,000 floats of a list take 0.6 us, and 0.15 by their addresses. What takes up to 3 us is compared as a
whole in each call; of larger things all in the first calls, and after that as much as takes that long, in turn, so
that a change is found within some calls. Most are one expression, and those of one function are written out as one
function: to call another takes as long as what it compares.
"""

from __future__ import annotations

import builtins
from array import array
from functools import lru_cache
from itertools import chain, count, cycle, repeat
from keyword import iskeyword
from operator import is_
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import addresses
from .code_reads import UNBOUND, content

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from ...engine.value import Value

    Watch: TypeAlias = "Callable[[], bool] | WatchText"

# How much a call compares (docs/adr/0016). It is bounded by time, not by size: whoever captures a large table should
# not pay for it at each call, and a change has to be told of within a few calls.
COMPARED_AT_ONCE = 5_000  # numbers that are compared as a whole in each call: some 3 us
ADDRESSED = 15_000  # or so many of one list, by their addresses
FEW_NUMBERS = 200  # of which `==` takes no longer than looking at addresses
NUMBERS_PER_LIST, NUMBERS_PER_ENTRY = 50, 10  # that take as long as a list within another, or an entry of a dict or set
OBJECTS = 500  # or so many objects
MOST_NAMES = 200  # or so many names, compared by one function
SUBSCRIPTS = 4  # names that are looked up in a dict one by one, at most: to call a function takes as long
FUNCTIONS = 20  # whose comparisons are written out, at most
PART = 500  # things of a large collection that one call compares
WATCHES, FEW_WATCHES = 12, 4  # that are asked in each call; and in one call where there are more
MOST_CALLS = 300  # calls after which every watch has been asked, at the latest
WHOLE = 8  # first calls, in which everything is compared


class WatchText(NamedTuple):
    """A watch that is one expression, to be written out with others.

    Attributes:
        text: The expression: {0}, {1}, ... stand for the values, {cells[0]}, ... for the closure variables.
        values: What it compares, and with what.
        cells: Closure variables that it reads.
        names: Names that it has, if it has any.
        space: Their namespace.
    """

    text: str
    values: tuple[Any, ...]
    cells: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()
    space: dict[str, Any] | None = None

    def elsewhere(self) -> WatchText:
        """The same for a function that has other globals."""
        # A function has one namespace as its globals. Names of another one are looked up as entries of a dict, or,
        # where they are many, by a function of their own.
        if len(self.names) > SUBSCRIPTS or not all(name in self.space for name in self.names):  # type: ignore[operator]
            return WatchText("{0}()", (_function([self]),))
        texts = [f"{{0}}[{name!r}] is {{{k}}}" for k, name in enumerate(self.names, 1)]
        return WatchText(" and ".join(texts), (self.space, *self.values))


def of_names(get: Callable[[str], Any], names: Sequence[str]) -> Watch:
    """Whether the same objects have these names, in a namespace that is asked by `get`.

    Python itself looks up globals in two nanoseconds, since it remembers where they stood; `dict.get` takes
    thirty. So the names of a dict are the globals of a function that compares them.
    """
    # `get` is the method of a dict. A class has a mappingproxy instead, and a name may be no identifier: those are
    # asked by `get`, as is a name that is missing, which as a global would raise an error in each call.
    space: Any = getattr(get, "__self__", None)
    plain = [x for x in names if type(space) is dict and _is_plain(x) and (x in space or x in vars(builtins))]
    rest = tuple(x for x in names if x not in set(plain))
    was = tuple(map(get, rest))
    watches: list[Watch] = []
    for k in range(0, len(plain), MOST_NAMES):
        some = plain[k : k + MOST_NAMES]
        objects = tuple(space[x] if x in space else vars(builtins)[x] for x in some)
        watches.append(WatchText(_all_are(some), objects, (), tuple(some), space))
    if rest:
        watches.append(lambda: all(map(is_, map(get, rest), was)))
    return watches[0] if len(watches) == 1 else of_all(watches)


def of_cells(cells: Sequence[Any]) -> Watch:
    """Whether closure variables hold the same objects."""
    cells = tuple(cells)
    was = tuple(map(content, cells))
    # An empty closure variable would be a NameError in the text, which counts as a change; that it stays empty is none.
    if len(cells) > MOST_NAMES or any(x is UNBOUND for x in was):
        return lambda: all(map(is_, map(content, cells), was))
    return WatchText(_all_are([f"{{cells[{k}]}}" for k in range(len(cells))]), was, cells)


def _is_plain(name: str) -> bool:
    # `was_0` is what the text calls the first value that it compares with.
    return name.isidentifier() and not iskeyword(name) and not name.startswith("was_")


def _all_are(names: Sequence[str]) -> str:
    """The expression that names stand for the values."""
    return " and ".join(f"{name} is {{{k}}}" for k, name in enumerate(names))


def of_functions(functions: Sequence[Any]) -> Watch:
    """Whether functions have the same code and defaults.

    Where there were none, defaults that come do not matter: calls as they stand in the code gave all arguments.
    """
    texts, values = [], list[Any]()
    for f in functions:
        k = len(values)
        values.append(f)
        # IPython's autoreload puts new code into the functions that others hold.
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            if getattr(f, name) is not None:
                texts.append(f"{{{k}}}.{name} is {{{len(values)}}}")
                values.append(getattr(f, name))
    if len(functions) <= FUNCTIONS:
        return WatchText(" and ".join(texts) or "True", tuple(values))
    was = [(f, f.__code__, f.__defaults__, f.__kwdefaults__) for f in functions]
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
    # NumPy's `==` would ask the objects, and give an array.
    if hasattr(things, "flat"):
        return lambda: things.size == n and all(map(is_, things.flat, was))
    # A deque has no slices, so it is compared as a whole, whatever its size.
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


def of_plain(things: Any, copy: Any) -> Watch:
    """Whether containers with nothing but numbers, texts and such containers equal a copy."""
    if isinstance(things, array):  # which makes an object of each number to compare it
        return _of_bytes(things)
    size, cost = _size_and_cost(copy)
    # A list of nothing but numbers costs what it holds.
    if type(things) is list and FEW_NUMBERS < size == cost <= ADDRESSED:
        addressed = addresses.text_and_values(things, copy)
        if addressed is not None:
            return WatchText(*addressed)
    if cost <= COMPARED_AT_ONCE:
        return WatchText("{0} == {1}", (things, copy))
    if size <= COMPARED_AT_ONCE or type(things) not in (list, dict):
        return _every(-(-cost // COMPARED_AT_ONCE), things, copy)
    # A dict has no slices either. Its entries are compared by identity: of large ones only so many in each call.
    if type(things) is dict and not any(type(part) in (list, dict, set) for part in copy.values()):
        return of_entries(things)
    if type(things) is dict:
        return _every(-(-cost // COMPARED_AT_ONCE), things, copy)
    return _in_turns(
        len(copy),
        0,
        lambda: bool(things == copy),
        lambda a, b: len(things) == len(copy) and bool(things[a:b] == copy[a:b]),
        max(2 * PART * len(copy) // cost, 1),
    )


def _of_bytes(things: array[Any]) -> Watch:
    """Whether an array of the standard library has the same bytes."""
    was = things[:]
    if len(was) <= COMPARED_AT_ONCE:
        return WatchText("{0}.tobytes() == {1}", (things, was.tobytes()))
    return _in_turns(
        len(was),
        0,
        lambda: things.tobytes() == was.tobytes(),
        lambda a, b: len(things) == len(was) and things[a:b].tobytes() == was[a:b].tobytes(),
    )


def _every(n: int, things: Any, copy: Any) -> Callable[[], bool]:
    """Compares all in the first calls, and after that in every n-th: slices would take longer than they save.

    A reported change stays reported.
    """
    # An iterator in C takes less time than a counter and a comparison in Python.
    is_off = chain(repeat(0, WHOLE), cycle([1] * (n - 1) + [0]))

    def untouched() -> bool:
        nonlocal is_off
        if next(is_off) or things == copy:
            return True
        is_off = repeat(0)  # type: ignore[assignment]
        return False

    return untouched


def _size_and_cost(copy: Any) -> tuple[int, int]:
    """How many numbers nested containers hold, and as how many of one list they count when they are compared."""
    is_hashed = isinstance(copy, (dict, set, frozenset))
    size, cost = len(copy), len(copy) * (NUMBERS_PER_ENTRY if is_hashed else 1)
    parts = copy.values() if isinstance(copy, dict) else copy
    if isinstance(copy, (list, tuple, dict)) and set(map(type, parts)) & {list, tuple, dict, set, frozenset}:
        for part in parts:
            if isinstance(part, (list, tuple, dict, set, frozenset)):
                inner, takes = _size_and_cost(part)
                size, cost = size + inner - 1, cost + takes + NUMBERS_PER_LIST
    return size, cost


def of_array(array: Any) -> Callable[[], bool]:
    """Whether an array of numbers has the same bytes."""
    # A view of the numbers where there is one; `flat` of another layout copies what a slice of it names.
    shape, was = array.shape, array.copy()
    numbers = array.reshape(-1) if array.flags.c_contiguous else array.flat
    return _in_turns(
        array.size,
        COMPARED_AT_ONCE,
        lambda: array.shape == shape and array.tobytes() == was.tobytes(),
        lambda a, b: array.shape == shape and numbers[a:b].tobytes() == was.flat[a:b].tobytes(),
    )


def of_values(values: Sequence[Value]) -> Callable[[], bool]:
    """Whether Values have the same data; for a list, those that it holds then."""
    # Lists are compared by identity first, so a NaN that stays is no change.
    was = [x._data for x in values]

    def untouched(a: int, b: int | None) -> bool:
        try:
            return len(values) == len(was) and [x._data for x in values[a:b]] == was[a:b]
        except AttributeError:  # it has been replaced by something else
            return False

    return _in_turns(len(was), OBJECTS, lambda: untouched(0, None), untouched)


def of_all(watches: Sequence[Watch]) -> Callable[[], bool]:
    """Combine watches: whether none reports a change; if there are many, some are asked in each call, in turn."""
    if len(watches) <= WATCHES:
        return _function(watches)
    calls = [_function([watch]) if isinstance(watch, WatchText) else watch for watch in watches]

    def untouched(mine: Sequence[Callable[[], bool]] = calls) -> bool:
        for watch in mine:  # noqa: SIM110  a generator takes longer than most watches
            if not watch():
                return False
        return True

    # In turn: each is asked at least once in MOST_CALLS calls.
    few = max(FEW_WATCHES, len(calls) // MOST_CALLS)
    return _in_turns(len(calls), WATCHES, untouched, lambda a, b: untouched(calls[a:b]), few)


def _function(watches: Sequence[Watch]) -> Callable[[], bool]:
    """One function that asks them all; its globals are the first namespace that one of them has names of."""
    spaces = [watch.space for watch in watches if isinstance(watch, WatchText) and watch.space is not None]
    texts, values, cells = [], list[Any](), dict[str, Any]()
    for watch in watches:
        part = watch if isinstance(watch, WatchText) else WatchText("{0}()", (watch,))
        if part.space is not None and part.space is not spaces[0]:
            part = part.elsewhere()
        mine = {f"was_in_{len(cells) + k}": cell for k, cell in enumerate(part.cells)}
        names = [f"was_{len(values) + k}" for k in range(len(part.values))]
        texts.append(part.text.format(*names, cells=list(mine)))
        values += part.values
        cells |= mine
    # What is compared with is in the function's defaults, which are local variables when it runs: the fastest that
    # there are. Closure variables are the user's own cells, so a change of theirs is seen without asking for them.
    code = _code(" and ".join(texts) or "True", len(values), tuple(cells))
    closure = tuple(cells[name] for name in code.co_freevars)
    return FunctionType(code, spaces[0] if spaces else {}, "untouched", tuple(values), closure)


# Texts have numbers for the values, so all functions that capture alike share one compilation.
@lru_cache(maxsize=1024)
def _code(text: str, n_values: int, cells: tuple[str, ...]) -> CodeType:
    """The code of a function of no arguments: an expression over its defaults, its globals and closure variables."""
    source = f"""def around():
    {" = ".join([*cells, "None"])}
    def untouched({", ".join(f"was_{k}" for k in range(n_values))}):
        try:
            return {text}
        except (NameError, KeyError):
            return False
"""
    code: Any = compile(source, "<watch>", "exec")
    for _ in range(2):  # what is defined in the module, and what in that
        code = next(x for x in code.co_consts if isinstance(x, CodeType))
    return code  # type: ignore[no-any-return]


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
            # `next` of a `count` is atomic, so threads that call at once take different parts.
            start = (call * step) % (-(-size // step) * step)
            is_touched = not (whole() if call < WHOLE else part(start, start + step))
        return not is_touched

    return untouched
