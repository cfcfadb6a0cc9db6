"""Objects of any kind, as users may pass them: how a message shows one, its entries, and whether it has an end.

A class whose own `repr` fails, a list that contains itself, lists thousands of levels deep: Python answers each of them
with an error of its own, from wherever our code happens to stand. Messages show objects by `brief`; code that goes
through nested containers is recursive, and calls `refuse_endless` when Python's stack has run out.
"""

from __future__ import annotations

import reprlib
from typing import Any

from ..errors import StructureError

DEEPEST = 100  # levels; nobody nests numbers deeper, and Python's stack has room for nearly a thousand


def brief(x: Any, most: int = 60) -> str:
    """An object's `repr` in one line of a readable length; a message is written whatever the object does.

    Args:
        x: The object.
        most: The most signs.

    Example:
        >>> from autograd_core._src.any_object import brief
        >>> brief([1.0] * 100, 20)
        '[1.0, 1.0, 1.0, 1...'
    """
    try:
        text = repr(x)
    except Exception:  # noqa: BLE001  a class whose own `repr` fails, or lists nested too deeply for Python's
        text = reprlib.repr(x)
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 3] + "..."


def shown(x: Any, most: int = 60) -> str:
    """An object and its type in a message.

    Args:
        x: The object.
        most: The most signs of the object.

    Example:
        >>> from autograd_core._src.any_object import shown
        >>> shown("x")
        "'x' (str)"
    """
    kind = type(x)
    foreign = kind.__name__ == "Value" and not hasattr(kind, "local_grads")  # micrograd's, for instance
    return f"{brief(x, most)} ({f'{kind.__module__}.' * foreign}{kind.__name__})"


def listed(x: Any) -> list[Any] | None:
    """The entries of whatever can be gone through; None for text, and for what cannot, such as an array without axes.

    Args:
        x: The object.

    Example:
        >>> from autograd_core._src.any_object import listed
        >>> listed(range(3)), listed("abc"), listed(1.0)
        ([0, 1, 2], None, None)
    """
    if isinstance(x, (str, bytes)):
        return None
    try:
        entries = iter(x)
    except TypeError:
        return None
    return list(entries)


def refuse_endless(what: str, *given: Any) -> None:
    """Say of the first container without an end that it has none; to be called when a `RecursionError` came.

    Where none is to blame, the stack was full already, and the caller raises again.

    Args:
        what: What the message begins with.
        *given: What was walked through.

    Raises:
        StructureError: One of them contains itself, or is nested more than 100 levels deep.

    Example:
        >>> from autograd_core._src.any_object import refuse_endless
        >>> x = [1.0]; x.append(x)
        >>> refuse_endless("f", x)
        Traceback (most recent call last):
        autograd_core.errors.StructureError: f: expected numbers, or containers of them, got a list that contains itself
    """
    for x in given:
        if fault := _fault(x):
            msg = f"{what}: expected numbers, or containers of them, got {fault}"
            raise StructureError(msg)


def _fault(x: Any) -> str:
    """What is wrong with nested lists, tuples and dicts, in words; "" if nothing is."""
    within: dict[int, Any] = {}  # those around the place where the walk stands, by identity
    done: set[int] = set()
    levels = [iter([x])]
    deepest = 0
    while levels:
        for part in levels[-1]:
            if not isinstance(part, (list, tuple, dict)) or id(part) in done:
                continue
            if id(part) in within:
                return f"a {type(part).__name__} that contains itself"
            within[id(part)] = part
            levels.append(iter(part.values() if isinstance(part, dict) else part))
            deepest = max(deepest, len(within))
            break
        else:
            levels.pop()
            if within:
                done.add(within.popitem()[0])
    return f"containers nested {deepest} levels deep" if deepest > DEEPEST else ""
