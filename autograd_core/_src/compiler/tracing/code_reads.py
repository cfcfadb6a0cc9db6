"""What code reads: the names, attributes and modules that a function's instructions load."""

from __future__ import annotations

import dis
import sys
import sysconfig
from functools import lru_cache, partial
from inspect import getattr_static
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

from ...callables import special_call

if TYPE_CHECKING:
    from collections.abc import Iterator

UNBOUND = object()
ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "IMPORT_FROM")
INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


class Reads(NamedTuple):
    """What one function's code reads, including that of functions defined within it.

    Attributes:
        names: Globals; without what the code assigns itself, as a counter of its calls.
        assigned: Variables of functions around it that the code assigns.
        attributes: Names of attributes, and texts, which may be keys, or such names in `getattr(x, "rate")`.
        modules: Modules that are imported.
    """

    names: tuple[str, ...]
    assigned: frozenset[str]
    attributes: frozenset[str]
    modules: tuple[str, ...]


@lru_cache(maxsize=4096)
def reads_of(code: CodeType) -> Reads:
    """What a function's instructions load."""
    names: dict[str, None] = {}
    modules: dict[str, None] = {}
    attributes, assigned, stored = set[str](), set[str](), set[str]()
    # Instructions and not the source: there may be none, and names in `co_names` do not say whether they are globals or
    # attributes. Too much is harmless, since what is found is only watched; too little would miss a change.
    for part in _codes(code):
        attributes |= {x for x in part.co_consts if isinstance(x, str) and x.isidentifier()}
        for i in dis.get_instructions(part):
            if i.opname in ATTRIBUTE:
                attributes.add(str(i.argval[-1] if isinstance(i.argval, tuple) else i.argval))
            elif i.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                names[i.argval] = None
            elif i.opname == "STORE_GLOBAL":
                stored.add(i.argval)
            elif i.opname == "STORE_DEREF":
                assigned.add(i.argval)
            elif i.opname == "IMPORT_NAME":
                modules[i.argval] = None
    return Reads(tuple(x for x in names if x not in stored), frozenset(assigned), frozenset(attributes), tuple(modules))


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function, and of those that are defined within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def function_of(f: Any) -> tuple[FunctionType | None, Any]:
    """The function in Python that runs when `f` is called, and the object it is a method of."""
    # `getattr_static` throughout: looking for code must not run properties of the user's objects.
    if isinstance(f, FunctionType):
        return f, UNBOUND
    if isinstance(f, MethodType):
        return (f.__func__, f.__self__) if isinstance(f.__func__, FunctionType) else (None, UNBOUND)
    if isinstance(f, (type, partial)):
        return None, UNBOUND
    special = special_call(f)
    if isinstance(special, (staticmethod, classmethod)):
        function = special.__func__
        own = type(f) if isinstance(special, classmethod) else UNBOUND
        return (function, own) if isinstance(function, FunctionType) else (None, UNBOUND)
    call = getattr_static(type(f), "__call__", None)
    return (call, f) if isinstance(call, FunctionType) else (None, UNBOUND)


def content(cell: Any) -> Any:
    """The present content of a closure variable."""
    try:
        return cell.cell_contents
    except ValueError:  # nothing was assigned yet, as to a function that is defined further down
        return UNBOUND


def is_installed(file: str) -> bool:
    """Whether code belongs to Python or to an installed package."""
    return file.startswith(INSTALLED) or file.startswith("<frozen ")


def file_of(cls: type) -> str:
    """The file that defines a class; "<frozen " for what is built in."""
    module = sys.modules.get(cls.__module__)
    return getattr(module, "__file__", None) or ("" if cls.__module__ == "__main__" else _unknown(module))


def _unknown(module: Any) -> str:
    """The file of a class that is built in or belongs to a module made by hand."""
    return "<frozen " if getattr(module, "__spec__", None) is not None else ""
