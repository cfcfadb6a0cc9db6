"""What a traced function read from outside of itself: numbers that its program has taken for constants.

Seen are the Values of the graph that are no arguments; and by name what the code of the function, and
of functions it calls by name, loads from globals, closures and attributes: numbers, and lists and arrays
of them. What is reached in other ways (`getattr`, an item of a dict) or lies in other packages is not.
"""

from __future__ import annotations

import dis
import sysconfig
from functools import partial
from inspect import getattr_static
from numbers import Real
from types import CodeType, FunctionType, GetSetDescriptorType, MemberDescriptorType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import StaleTraceWarning
from ..notes import OWN_FILES, warn_user
from ..tree import flatten, is_array
from ..value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MOST_NUMBERS = 10_000  # in one list or array: more would take longer to compare than to run
MOST_FUNCTIONS = 1_000
INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD")
NOTHING = object()


class Place(NamedTuple):
    """Where code reads numbers: its name, what reads it again, and what was there, as a whole and in numbers."""

    name: str
    read: Callable[[], Any]
    thing: Any
    was: Any


class Outside:
    """Numbers from outside, as they were while tracing.

    Args:
        f: The function, or whatever else was called; None for a graph that stands.
    """

    def __init__(self, f: Any = None) -> None:
        self._places = [] if f is None else list(_places(f))
        self._named = {x for place in self._places for x in flatten(place.thing)[0] if isinstance(x, Value)}
        self._leaves: dict[Value, Any] = {}
        self._said: set[Any] = set()

    def add(self, leaves: Sequence[Value]) -> None:
        """Values that a trace took for constants."""
        self._leaves.update((x, x.data) for x in leaves if x not in self._named)

    def check(self, function: str) -> None:
        """Warn, once for each, of what is another number now."""
        for place in self._places:
            now = _numbers(place.read())
            if now is not place.was and now != place.was and place.name not in self._said:
                _warn(function, place.name, place.was, now)
                self._said.add(place.name)
        if [x.data for x in self._leaves] != list(self._leaves.values()) and Value not in self._said:
            x, was = next((x, was) for x, was in self._leaves.items() if x.data is not was and x.data != was)
            _warn(function, x.label or "a Value from outside", was, x.data)
            self._said.add(Value)  # where a network was trained, all have changed


def _warn(function: str, name: str, was: Any, now: Any) -> None:
    change = f"{name} was {was} while tracing and is {now} now; the program keeps {was}"
    if not (isinstance(was, Real) and isinstance(now, Real)):
        change = f"{name} has changed since tracing; the program keeps what it was"
    warn_user(f"{function}: {change}. Pass it as an argument, or compile again", StaleTraceWarning)


def _numbers(x: Any) -> Any:
    """What can be compared with a later look: a number, or those in a list or an array; else NOTHING."""
    if isinstance(x, Value):
        return x.data
    if isinstance(x, Real):
        return x
    if is_array(x):
        return (x.shape, x.tobytes()) if x.dtype.kind in "fiub" and x.size <= MOST_NUMBERS else NOTHING
    if isinstance(x, (list, tuple)) and len(x) <= MOST_NUMBERS:
        parts = list(map(_numbers, x))
        return NOTHING if NOTHING in parts else parts
    return NOTHING


# --- what code reads ------------------------------------------------------------------------------


def _places(f: Any) -> Iterator[Place]:
    """Each place from which the code of a function, and of those it calls, reads numbers."""
    todo, seen, names, home = [f], set[CodeType](), set[str](), None
    while todo and len(seen) < MOST_FUNCTIONS:
        called = todo.pop()
        function, own = _function_of(called)
        if function is None or function.__code__ in seen:
            continue
        seen.add(function.__code__)
        file, package = function.__code__.co_filename, str(function.__module__).partition(".")[0]
        if file.startswith(OWN_FILES):  # a transform of the user's function
            todo += [_content(cell) for cell in function.__closure__ or ()]
            continue
        home = home or package
        if package != home and file.startswith(INSTALLED):
            continue
        for name, read in _loads(function, own):
            thing = read()
            was = _numbers(thing)
            if was is NOTHING:
                todo.append(thing)
            elif name not in names:
                names.add(name)
                yield Place(name, read, thing, was)


def _function_of(f: Any) -> tuple[FunctionType | None, Any]:
    """The function in Python that runs when `f` is called, and the object it is a method of."""
    while isinstance(f, partial):
        f = f.func
    if isinstance(f, FunctionType):
        return f, NOTHING
    if isinstance(f, MethodType):
        return (f.__func__, f.__self__) if isinstance(f.__func__, FunctionType) else (None, NOTHING)
    call = getattr_static(type(f), "__call__", None)
    return (call, f) if isinstance(call, FunctionType) else (None, NOTHING)


def _loads(function: FunctionType, own: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Names with their attributes, `scale` and `self.model.rate`, that code loads, and what reads each.

    What the code assigns itself is left out: a counter of its calls, say.
    """
    code = function.__code__
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    first = code.co_varnames[0] if own is not NOTHING and code.co_varnames else None
    instructions = [i for part in _codes(code) for i in dis.get_instructions(part) if i.opname != "PUSH_NULL"]
    assigned = {i.argval for i in instructions if i.opname in ("STORE_GLOBAL", "STORE_DEREF")}

    def source(opname: str, name: str) -> Callable[[], Any] | None:
        if name in assigned:
            return None
        if opname == "LOAD_GLOBAL":
            return lambda: function.__globals__.get(name, NOTHING)
        if name == first and opname.startswith(("LOAD_FAST", "LOAD_DEREF")):
            return lambda: own
        return (lambda: _content(cells[name])) if opname == "LOAD_DEREF" and name in cells else None

    name, read = "", None
    for i in instructions:
        if i.opname in ATTRIBUTE and read is not None:
            if is_array(read()):  # whose methods read the numbers
                yield name, read
            name, read = f"{name}.{i.argval}", _attribute(read, i.argval)
            continue
        if read is not None:
            yield name, read
        name = str(i.argval[-1] if isinstance(i.argval, tuple) else i.argval)  # of two loads at once, the second
        read = source(i.opname, name)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function, and of those that are defined within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was assigned yet
        return NOTHING


def _attribute(read: Callable[[], Any], name: str) -> Callable[[], Any]:
    """What reads an attribute; properties and the like, which are code, are left alone."""

    def attribute() -> Any:
        x = read()
        found = NOTHING if x is NOTHING else getattr_static(x, name, NOTHING)
        if isinstance(found, FunctionType) and found is getattr_static(type(x), name, None):
            return MethodType(found, x)
        return getattr(x, name, NOTHING) if isinstance(found, (MemberDescriptorType, GetSetDescriptorType)) else found

    return attribute
