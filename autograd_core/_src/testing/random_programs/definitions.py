"""The definition of a user's primitive as text that runs elsewhere, for one that no module holds by name."""

from __future__ import annotations

import inspect
import math
import textwrap
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from ...engine.user_primitives import UserPrimitive

if TYPE_CHECKING:
    from ...engine.ops import Primitive

LIBRARIES = ("autograd_core", "nn", "numpy")  # whose functions are imported


def definition_of(primitive: Primitive) -> tuple[set[str], str] | None:
    """The source of a primitive's value and of its rule, with the numbers and modules that these use.

    Args:
        primitive: The primitive.

    Returns:
        Lines of imports, and definitions; None where the source is not to be had, or more than numbers, modules,
        functions and other primitives is used.
    """
    function, rule = getattr(primitive.value, "__wrapped__", None), getattr(primitive.partials, "__wrapped__", None)
    imports: set[str] = set()
    parts: dict[str, str] = {}
    if function is None or not _define(primitive.name, function, rule, imports, parts):
        return None
    return imports, "\n\n\n".join(parts.values())


def _define(name: str, function: Any, rule: Any, imports: set[str], parts: dict[str, str]) -> bool:
    """Enter a primitive behind what it uses; False if that cannot be written."""
    value, partials = _source(function, name), None if rule is None else _source(rule, "_")
    if value is None or (rule is not None and partials is None):
        return False
    if not all(_used(f, imports, parts, name) for f in (function, rule) if f is not None):
        return False
    parts[name] = f"@ag.primitive\n{value}" + (f"\n\n\n@{name}.partials\n{partials}" if rule is not None else "")
    return True


def _source(function: Any, name: str) -> str | None:
    """A function's own lines, without decorators; None for a lambda and where there is no source."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return None
    lines = text.rstrip().split("\n")
    first = next((k for k, line in enumerate(lines) if line.startswith("def ")), None)
    if first is None:
        return None
    body = "\n".join(lines[first:])
    return body.replace(f"def {function.__name__}(", f"def {name}(", 1)


def _used(function: Any, imports: set[str], parts: dict[str, str], within: str) -> bool:
    """Enter what a function uses from outside; False if that cannot be written."""
    names = inspect.getclosurevars(function)
    for name, x in {**names.globals, **names.nonlocals}.items():
        if name in parts or name in (within, "ag"):
            continue
        if isinstance(x, ModuleType):
            imports.add(f"import {x.__name__}" + (f" as {name}" if name != x.__name__ else ""))
        elif isinstance(x, UserPrimitive):
            if not _define(name, x.function, getattr(x._primitive.partials, "__wrapped__", None), imports, parts):
                return False
        elif isinstance(x, (bool, int, str)) or (isinstance(x, float) and math.isfinite(x)):
            parts[name] = f"{name} = {x!r}"
        elif isinstance(x, FunctionType) and x.__module__.partition(".")[0] in LIBRARIES:
            imports.add(f"from {x.__module__} import {x.__name__} as {name}")
        elif isinstance(x, FunctionType) and (text := _source(x, name)) is not None:
            if not _used(x, imports, parts, name):
                return False
            parts[name] = text
        else:
            return False
    return True
