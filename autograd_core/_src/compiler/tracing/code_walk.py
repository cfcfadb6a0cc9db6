"""The walk through everything that a function's code may read; gives facts about it, and watches over it."""

from __future__ import annotations

import sys
from array import array
from collections import deque
from fractions import Fraction
from functools import partial
from inspect import getattr_static
from numbers import Number
from operator import attrgetter, itemgetter, methodcaller
from types import (
    BuiltinFunctionType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any

from ...callables import special_call
from ...engine.provenance import OWN_FILES
from ...engine.pytrees import is_array
from ...engine.value import Value
from . import watches
from .code_reads import UNBOUND, content, file_of, function_of, is_installed, reads_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Compared by value, and searched no further.
SCALARS = frozenset({float, int, bool, str, bytes, complex, type(None), Fraction})
MOST_THINGS = 100_000  # objects that a walk visits, at most
DEPTH = 40  # levels of nested containers and objects
ENTRIES = 1_000  # entries of a dict that facts name one by one
STATEFUL = ("nn", "collections")  # packages whose classes keep state in attributes
GETTERS = (attrgetter, itemgetter, methodcaller)
# Methods that code calls without their name.
SPECIAL = ("__call__", "__getitem__", "__getattr__", "__iter__", "__len__", "__contains__", "__missing__")
UNREAD = ("__repr__", "__str__", "__hash__", "__del__", "__reduce__", "__init_subclass__", "__class_getitem__")


class Same:
    """An object that equals only itself."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def walked(f: Any, names: frozenset[str] = frozenset(), inputs: frozenset[Value] = frozenset()) -> Walk:
    """Walk with the attribute names of all functions known; some names may be known already.

    Args:
        f: Where it begins.
        names: Names that are known.
        inputs: Values that are passed by: their data may change.
    """
    # Which attributes of an object count is asked by the names that code has, and code that is found late in a walk has
    # further names. So walk again, until a walk finds none.
    while True:
        walk = Walk(names, inputs)
        walk.callable(f, "f", "")
        if walk.attributes == names:
            return walk
        names = frozenset(walk.attributes)


class Walk:
    """One walk.

    Attributes:
        facts: By the way to it, the name of something as messages have it, and what stands there.
        watches: What tells that something was touched since; made when first asked for.
        named: The Values among it.
        attributes: All names of attributes that the code reads.
    """

    def __init__(self, attributes: Iterable[str], inputs: frozenset[Value] = frozenset()) -> None:
        self._inputs = inputs
        self.facts: dict[str, tuple[str, Any]] = {}
        self._to_watch: list[tuple[Callable[..., watches.Watch], tuple[Any, ...]]] = []
        self.named: dict[Value, None] = {}
        self._values: dict[Value, None] = {}  # those that stand alone
        self.attributes = set(attributes)
        # Attributes come in the order of their names: facts and warnings are alike in every process, whatever its hash
        # seed.
        self._known = sorted(attributes)
        self._seen: dict[int, Any] = {}  # kept alive, so that no other object gets the same id
        self._spaces: dict[int, tuple[Callable[[str], Any], dict[str, None]]] = {}
        self._functions: list[FunctionType] = []
        self._objects: list[Any] = []  # of the user's classes
        self._others: dict[type, bool] = {}
        self._members: dict[type, tuple[list[str], list[tuple[str, Any]]]] = {}  # of stateful classes
        self._home: str | None = None
        self._left, self._depth = MOST_THINGS, 0
        self._watches: list[watches.Watch] | None = None

    @property
    def watches(self) -> list[watches.Watch]:
        """One for each namespace, each container, all functions, all classes of objects, all Values by themselves."""
        if self._watches is None:  # no `cached_property`: that of Python 3.11 has a lock, which a fork leaves held
            made = [watches.of_names(get, tuple(names)) for get, names in self._spaces.values()]
            made += [make(*things) for make, things in self._to_watch]
            made.append(watches.of_functions(self._functions))
            if self._objects:
                made.append(watches.of_classes(self._objects))
            self._watches = [*made, watches.of_values(list(self._values))] if self._values else made
        return self._watches

    # --- functions ---

    def callable(self, f: Any, way: str, name: str) -> None:
        """Visit something that can be called: a function, a method, an object; wrappers are looked through."""
        if isinstance(f, partial):
            # `functools.partial` has its arguments in `args` and `keywords`, which nothing else would find.
            self.callable(f.func, f"{way}.func", name)
            self._to_watch.append((watches.of_entries, (f.keywords,)))
            for key, x in [*enumerate(f.args), *f.keywords.items()]:
                self.visit(x, f"{way}({key})", key if isinstance(key, str) else f"argument {key} of a partial")
            return
        if isinstance(f, type):  # with a `__new__` of its own, which gives no object of it
            self._class(f, f, way, name)
            return
        if isinstance(special := special_call(f), partial):
            self.callable(special, f"{way}.__call__", name)
            return
        # Statically: a class with `__getattr__` would answer, and run code of the user's.
        wrapped = getattr_static(f, "__wrapped__", None) if not isinstance(f, type) else None
        function, own = function_of(f)
        if function is not None and id(function) not in self._seen:
            self._seen[id(function)] = function
            self._function(function, way, name)
        if wrapped is not None and wrapped is not f:
            self.visit(wrapped, f"{way}.__wrapped__", name)
        if function is None or own is UNBOUND:
            return
        # A method reads its object. But what the library itself keeps in its objects is no constant of the user's,
        # unless they are models or other objects with a state.
        is_inner = function.__code__.co_filename.startswith(OWN_FILES) and self._is_others(type(own))
        if not is_inner or self._is_stateful(type(own)):
            self.visit(own, f"{way}.self", function.__code__.co_varnames[0] if function.__code__.co_varnames else "")

    def _function(self, function: FunctionType, way: str, name: str) -> None:
        """The code of a function, and what it reads."""
        code, module = function.__code__, str(function.__module__)
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        # `ag.grad(f)` is a function of the library, which has the user's in a closure variable.
        if code.co_filename.startswith(OWN_FILES):  # a transform of the user's function
            for key, cell in cells.items():
                x = content(cell)
                if callable(x):
                    self.visit(x, f"{way}.{key}", name)
            return
        package = module.partition(".")[0]
        # Somebody who develops a package has it installed as well, so the package of the first function counts as the
        # user's.
        self._home = self._home or package
        if self._is_foreign(package, code.co_filename):
            return
        # It may be defined again under its name. The outermost function has none: it is held itself.
        if name:
            self.facts[f"{way}()"] = name, code
        self._functions.append(function)
        reads = reads_of(code)
        self.attributes |= reads.attributes
        self.space(function.__globals__.get, reads.names, id(function.__globals__))
        for key in reads.names:
            self.visit(function.__globals__.get(key, UNBOUND), f"{module}:{key}", key)
        # What the code assigns itself, such as a counter, changes by its calls and is no constant.
        mine = {key: cell for key, cell in cells.items() if key not in reads.assigned}
        if mine:
            self._to_watch.append((watches.of_cells, (list(mine.values()),)))
        for key, cell in mine.items():
            self.visit(content(cell), f"{way}|{key}", key)
        for k, x in enumerate(function.__defaults__ or ()):
            self.visit(x, f"{way}={k}", code.co_varnames[code.co_argcount - len(function.__defaults__ or ()) + k])
        if function.__kwdefaults__:
            self._to_watch.append((watches.of_entries, (function.__kwdefaults__,)))
        for key, x in (function.__kwdefaults__ or {}).items():
            self.visit(x, f"{way}={key}", key)
        # An import within the function is the module that is loaded now.
        for key in reads.modules:
            self.visit(sys.modules.get(key, UNBOUND), f"import {key}", key)

    # --- things ---

    def space(self, get: Callable[[str], Any], names: Iterable[str], identity: int) -> None:
        """Watch these names of a namespace."""
        if names:
            self._spaces.setdefault(identity, (get, {}))[1].update(dict.fromkeys(names))

    def visit(self, x: Any, way: str, name: str) -> None:
        """Visit an object at a given place."""
        if x is UNBOUND:
            return
        if type(x) in SCALARS or (isinstance(x, Number) and not isinstance(x, Value)):
            self.facts[way] = name, x
            return
        if isinstance(x, Value):
            if x in self._inputs:
                return
            self.facts[way] = name, x.data
            self._values[x] = self.named[x] = None
            return
        # Before the question whether it was seen: one object may stand in several places, and each place may get
        # another one.
        self._identity(x, way, name)
        if id(x) in self._seen or self._left <= 0 or self._depth > DEPTH:
            return
        # The recursion is bounded by DEPTH, the whole by MOST_THINGS: a function that reaches a data set of millions is
        # traced all the same, and only what lies further on is not watched.
        self._left -= 1
        self._depth += 1
        try:
            self._descend(x, way, name)
        finally:
            self._depth -= 1

    def _identity(self, x: Any, way: str, name: str) -> None:
        """Watch by identity what is not searched: functions and classes of other packages, models."""
        if isinstance(x, FunctionType):
            opaque = self._is_foreign(str(x.__module__), x.__code__.co_filename)
        elif isinstance(x, BuiltinFunctionType):
            opaque = x.__self__ is None or isinstance(x.__self__, ModuleType)
        elif isinstance(x, type):
            opaque = self._is_others(x)
        else:
            opaque = callable(x) and not isinstance(x, (partial, MethodType)) and self._is_others(type(x))
        if opaque:
            self.facts[f"{way}!"] = name, Same(x)
        elif _is_plain_object(x):
            self.facts[f"{way}!"] = name, x

    def _descend(self, x: Any, way: str, name: str) -> None:
        if isinstance(x, (FunctionType, MethodType, partial)):
            self.callable(x, way, name)  # which marks the function itself
            return
        self._seen[id(x)] = x
        if isinstance(x, ModuleType):
            self._attributes(vars(x).get, vars(x), id(vars(x)), way, name)
        elif isinstance(x, (list, tuple, deque)):
            self._sequence(x, way, name)
        elif isinstance(x, (dict, MappingProxyType)):
            self._dict(x, way, name)
        elif isinstance(x, (set, frozenset)):
            # Parts of other sets have no place by which a later walk would find them.
            if set(map(type, x)) <= SCALARS:
                self._plain(x, x.copy(), way, name)
        elif isinstance(x, (bytearray, array)):
            self._plain(x, x[:], way, name)
        elif is_array(x):
            self._array(x, way, name)
        elif isinstance(x, type):
            self._class(x, x, way, name)
            self._class(type(x), x, way, name)
        else:
            self._object(x, way, name)

    def _plain(self, x: Any, copy: Any, way: str, name: str) -> None:
        self.facts[way] = name, copy
        # A tuple of numbers cannot change; whoever holds it is watched.
        if not isinstance(x, (tuple, frozenset)) or any(type(part) not in SCALARS for part in x):
            self._to_watch.append((watches.of_plain, (x, copy)))

    def _sequence(self, x: Any, way: str, name: str) -> None:
        # From the cheapest to the dearest kind: numbers are compared as a whole at C speed, a list of Values by their
        # data, and only a list of anything else has a fact and a watch for each part.
        copy = plain_copy(x)
        if copy is not UNBOUND:
            self._plain(x, copy, way, name)
            return
        parts = list(x)
        if set(map(type, parts)) == {Value} and self._inputs.isdisjoint(parts):
            self.facts[way] = name, [part.data for part in parts]
            self.named.update(dict.fromkeys(parts))
            self._to_watch.append((watches.of_values, (x,)))
            return
        self.facts[f"len {way}"] = name, len(parts)
        self._parts(x, parts, way, name)

    def _parts(self, x: Any, parts: list[Any], way: str, name: str) -> None:
        if not isinstance(x, tuple):
            self._to_watch.append((watches.of_items, (x, parts)))
        # A long list uses up the limit before its parts are searched, not meanwhile.
        self._left -= len(parts)
        for k, part in enumerate(parts):
            self.visit(part, f"{way}[{k}]", f"{name}[{k}]")

    def _dict(self, x: Mapping[Any, Any], way: str, name: str) -> None:
        """Visit the entries whose keys the code names; if it names none, all, because it may read any."""
        # Of settings in a dict code reads the few that it names.
        keys = [key for key in x if type(key) is str and key in self.attributes]
        if keys:
            self._to_watch.append((watches.of_names, (x.get, keys)))
            for key in keys:
                self.visit(x[key], f"{way}[{key!r}]", f"{name}[{key!r}]")
            return
        copy = plain_copy(x)
        if copy is not UNBOUND:
            self._to_watch.append((watches.of_plain, (x, copy)))
            self._entries(copy, way, name)
            return
        self._to_watch.append((watches.of_entries, (x,)))
        self.facts[f"keys of {way}"] = name, tuple(map(_key, x))
        self._left -= len(x)
        for key, part in list(x.items()):
            self.visit(part, f"{way}[{_key(key)!r}]", f"{name}[{key!r}]")

    def _entries(self, copy: dict[Any, Any], way: str, name: str) -> None:
        """Facts of a dict of numbers, entry by entry."""
        if len(copy) > ENTRIES:
            self.facts[way] = name, copy
            return
        self.facts[f"keys of {way}"] = name, tuple(copy)
        for key, part in copy.items():
            if type(part) is dict:
                self._entries(part, f"{way}[{key!r}]", f"{name}[{key!r}]")
            else:
                self.facts[f"{way}[{key!r}]"] = f"{name}[{key!r}]", part

    def _array(self, x: Any, way: str, name: str) -> None:
        # The bytes, not a comparison: NaN equals itself, and -0.0 is no 0.0.
        if not x.dtype.hasobject:
            self.facts[way] = name, (x.shape, x.dtype.str, x.tobytes())
            self._to_watch.append((watches.of_array, (x,)))
        elif x.dtype.kind == "O":
            self.facts[f"len {way}"] = name, x.shape
            self._parts(x, x.ravel().tolist(), way, name)

    # --- attributes ---

    def _attributes(self, get: Callable[[str], Any], space: Any, identity: int, way: str, name: str) -> None:
        """Watch the attributes in a namespace that the code has names of; with a way there, visit them."""
        names = [key for key in self._known if key in space]
        self.space(get, names, identity)
        # Without a way the names are only watched: of a class, `_class` visits what counts.
        for key in names if way else ():
            self.visit(space[key], f"{way}.{key}", f"{name}.{key}")

    def _is_foreign(self, module: str, file: str) -> bool:
        """Whether code is not the user's: this library's, or that of a package other than the function's own."""
        return file.startswith(OWN_FILES) or (is_installed(file) and module.partition(".")[0] != self._home)

    def _is_others(self, cls: type) -> bool:
        found = self._others.get(cls)
        if found is None:
            found = self._others[cls] = self._is_foreign(str(cls.__module__), file_of(cls))
        return found

    def _is_stateful(self, cls: type) -> bool:
        """Whether methods of others are read for the attributes that they read, though for nothing else."""
        return str(cls.__module__).partition(".")[0] in STATEFUL and self._is_others(cls)

    def _object(self, x: Any, way: str, name: str) -> None:
        """An object: attributes of its own, and those of its class."""
        # `attrgetter("a.b")` shows what it reads only by how it is pickled.
        if isinstance(x, GETTERS):
            self.attributes.update(part for key in x.__reduce__()[1] if type(key) is str for part in key.split("."))
        if not self._is_others(type(x)):  # a module that is loaded again may give it another class
            self._objects.append(x)
        space = getattr(x, "__dict__", None)
        if type(space) is dict:
            self._attributes(space.get, space, id(space), way, name)
        self._class(type(x), x, way, name)
        if callable(x):
            self.callable(x, way, name)

    def _class(self, cls: type, x: Any, way: str, name: str) -> None:
        """What a class of the user's defines: methods, properties, data, slots."""
        own = getattr(x, "__dict__", None) if x is not cls else None
        for base in cls.__mro__:
            if self._is_others(base):
                if self._is_stateful(base):
                    self._state(base, x, own, way, name)
                continue
            # All classes in the order in which Python looks attributes up: any of them may get a method that hides a
            # later one.
            self._attributes(vars(base).get, vars(base), id(base), "", "")
            for key, found in list(vars(base).items()):
                is_special = key.startswith("__") and key.endswith("__") and key not in UNREAD
                if not (key in self.attributes or (is_special and _code_of(found) is not None)):
                    continue
                if type(own) is dict:  # where an attribute of the object's own may come to stand before it
                    self.space(own.get, [key], id(own))
                    if key in own:
                        continue
                self._defined(found, x, f"{way}.{key}", f"{name}.{key}")

    def _state(self, cls: type, x: Any, own: Any, way: str, name: str) -> None:
        """Of a stateful class methods are read for the names of attributes alone; the rest as of any class."""
        if cls not in self._members:
            self._members[cls] = self._read_state(cls)
        keys, data = self._members[cls]
        if type(own) is dict:
            self.space(own.get, keys, id(own))
        for key, found in data:
            if type(own) is not dict or key not in own:
                self._defined(found, x, f"{way}.{key}", f"{name}.{key}")

    def _read_state(self, cls: type) -> tuple[list[str], list[tuple[str, Any]]]:
        """Names in a stateful class that code reads, and what of them is no method."""
        # A method that code calls reads attributes, among them further methods: so again, until none is new.
        methods = {key: found for key, found in vars(cls).items() if _code_of(found) is not None}
        left = set(methods)
        while now := {key for key in left if key in self.attributes or key in SPECIAL}:
            left -= now
            for key in now:
                self.attributes |= reads_of(_code_of(methods[key])).attributes
        data = [(key, x) for key, x in vars(cls).items() if key in self.attributes and key not in methods]
        return [*(methods.keys() - left), *(key for key, _ in data)], data

    def _defined(self, found: Any, x: Any, way: str, name: str) -> None:
        if isinstance(found, property):
            found = found.fget
        elif isinstance(found, (staticmethod, classmethod)):
            found = found.__func__
        # A slot is a descriptor of the class, and its content stands in the object. Other descriptors in C compute what
        # they give.
        if isinstance(found, (MemberDescriptorType, GetSetDescriptorType)):
            if isinstance(found, MemberDescriptorType) and not isinstance(x, type):
                self._to_watch.append((watches.of_slot, (x, found.__name__)))
                self.visit(getattr(x, found.__name__, UNBOUND), way, name)
        else:
            self.visit(found, way, name)


def _is_plain_object(x: Any) -> bool:
    """Whether it is what its value says, as dates and ranges are: of the standard library, with a hash of its own."""
    cls: Any = type(x)
    return (
        cls.__module__.partition(".")[0] in sys.stdlib_module_names
        and not isinstance(x, (tuple, frozenset, type, FunctionType, MethodType, partial, *GETTERS))
        and cls.__hash__ not in (None, object.__hash__)
    )


def _code_of(found: Any) -> Any:
    """The code of a method, property, static or class method; None for anything without code."""
    if isinstance(found, property):
        found = found.fget
    elif isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    return found.__code__ if isinstance(found, FunctionType) else None


def _key(key: Any) -> Any:
    """A key that can be compared: objects are what they are."""
    return key if type(key) in SCALARS or isinstance(key, tuple) else Same(key)


def plain_copy(x: Any) -> Any:
    """A deep copy of lists, tuples, dicts and sets of numbers and strings.

    Args:
        x: The container.

    Returns:
        NOTHING if it holds anything else, such as itself, or is nested so deeply that Python cannot compare copies.
    """
    try:
        return _plain_copy(x)
    except RecursionError:
        return UNBOUND


def _plain_copy(x: Any) -> Any:
    kind = type(x)
    # The types of all parts as one set, at C speed: most lists that are long hold numbers alone.
    if kind in (list, tuple):
        if set(map(type, x)) <= SCALARS:
            return x[:]
        parts = [part if type(part) in SCALARS else _plain_copy(part) for part in x]
        return UNBOUND if any(part is UNBOUND for part in parts) else kind(parts)
    if kind is dict:
        if not set(map(type, x)) <= SCALARS:
            return UNBOUND
        if set(map(type, x.values())) <= SCALARS:
            return x.copy()
        copy = {key: part if type(part) in SCALARS else _plain_copy(part) for key, part in x.items()}
        return UNBOUND if any(part is UNBOUND for part in copy.values()) else copy
    return x.copy() if kind in (set, frozenset) and set(map(type, x)) <= SCALARS else UNBOUND
