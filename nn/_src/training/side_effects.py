"""Detects state that functions and objects keep between calls: a program would not update it."""

from __future__ import annotations

import functools
import pickle
import random
import sys
from collections import deque
from itertools import zip_longest
from types import BuiltinMethodType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from autograd_core import Value
from autograd_core._src.any_object import brief

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_OBJECTS = 100_000  # objects that are visited: a function may refer to a data set
PLAIN_TYPES = (int, float, complex, str, bytes, type(None))
KNOWN = {
    *sys.stdlib_module_names,
    "autograd_core",
    "nn",
    "numpy",
}  # modules whose functions keep no state, or whose state is read in another way


class Watch:
    """A snapshot of everything reachable from something, to be compared later.

    It covers attributes, containers, and what functions capture: closures, defaults, globals by name, and the
    global random generators.

    Args:
        what: Each thing to look at, by the name that it has in messages.
    """

    def __init__(self, **what: Any) -> None:
        self._what = what
        self._alive: list[Any] = []  # keeps objects alive: ids of deleted objects are reused
        self._before = self._look()

    def _look(self) -> list[tuple[str, Any]]:
        return list(_facts(self._what, self._alive))

    def changed(self) -> str | None:
        """The first place that differs now, such as "model.modules[0]._rng"."""
        pairs = zip_longest(self._before, self._look())
        return next(((was or now)[0] for was, now in pairs if was != now), None)


def _facts(what: dict[str, Any], alive: list[Any]) -> Iterator[tuple[str, Any]]:
    """Place and state of everything, each object once."""
    yield "the generator of random", random.getstate()
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        yield "the generator of numpy.random", pickle.dumps(numpy.get_state())
    todo, seen = list(what.items())[::-1], set[int]()
    while todo and len(seen) < MOST_OBJECTS:
        place, x = todo.pop()
        if isinstance(x, PLAIN_TYPES):
            yield place, repr(x)
        elif id(x) not in seen:
            seen.add(id(x))
            alive.append(x)
            try:
                fact, parts = _seen(x)
            except Exception:  # noqa: BLE001  code of the user's answers; what shows nothing counts as changed
                fact, parts = object(), []
            yield place, fact
            todo.extend((place + name, part) for name, part in reversed(parts))


def _seen(x: Any) -> tuple[Any, list[tuple[str, Any]]]:
    """The object's own comparable state, and its named parts, which are visited next."""
    if isinstance(x, Value):
        return (repr(x.data), id(x)), []
    if isinstance(x, random.Random):
        return x.getstate(), []
    if str(type(x).__module__).startswith("numpy.random"):
        return pickle.dumps(x), []
    if hasattr(x, "tobytes"):
        return x.tobytes(), []
    if hasattr(x, "__next__"):
        return object(), []  # an iterator cannot be inspected without consuming it: it counts as changed
    if isinstance(x, dict):
        return _ids([*x, *x.values()]), [(f"[{brief(k, 40)}]", y) for k, y in x.items()]
    if isinstance(x, (list, tuple, set, frozenset, deque)):
        if all(type(y) in PLAIN_TYPES for y in x):
            return repr(x), []
        return _ids(x), [(f"[{i}]", y) for i, y in enumerate(x)]
    if isinstance(x, FunctionType):
        return None, _around(x)
    if isinstance(x, functools.partial):
        return None, [("", x.func), ("", x.args), ("", x.keywords)]
    if isinstance(x, CellType):
        return None, [("", x.cell_contents)] if x != CellType() else []
    if isinstance(x, (MethodType, BuiltinMethodType, staticmethod, classmethod)):
        return None, [("", getattr(x, "__self__", None)), ("", getattr(x, "__func__", None))]
    if isinstance(x, property):
        return None, [("", x.fget)]
    if isinstance(x, ModuleType):
        return None, []
    if isinstance(x, type):
        return None, [] if _is_known(x) else [*_attributes(x), ("", x.__bases__)]
    if type(x).__module__.startswith("autograd_core."):  # such as a compiled function, whose caches are no state
        return None, [("", getattr(x, "__wrapped__", None))]
    return None, [*_attributes(x), ("", type(x))]


def _ids(items: Any) -> tuple[int, ...]:
    return tuple(map(id, items))


def _is_known(x: Any) -> bool:
    return str(x.__module__).split(".")[0] in KNOWN


def _attributes(x: Any) -> list[tuple[str, Any]]:
    slots = [name for c in type(x).__mro__ for name in vars(c).get("__slots__", ()) if not isinstance(x, type)]
    found = {name: getattr(x, name) for name in slots if hasattr(x, name)} | dict(getattr(x, "__dict__", {}))
    return [(f".{name}", y) for name, y in found.items() if name != "training"]  # which `fit` itself sets


def _around(f: FunctionType) -> list[tuple[str, Any]]:
    """The globals, closure variables and defaults that a function uses."""
    if _is_known(f):
        return []
    cells = [(f" ({name})", cell) for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ())]
    codes: list[CodeType] = [f.__code__]
    names: dict[str, None] = {}
    while codes:
        code = codes.pop()
        names |= dict.fromkeys(code.co_names)
        codes += [c for c in code.co_consts if isinstance(c, CodeType)]
    around = [(f" ({name})", f.__globals__[name]) for name in names if name in f.__globals__]
    return [*cells, *around, ("", f.__defaults__), ("", f.__kwdefaults__), ("", f.__dict__)]
