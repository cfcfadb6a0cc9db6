"""Labels from the names of variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.value import Value
from ..errors import OperandError

if TYPE_CHECKING:
    from collections.abc import Mapping


def name(variables: Mapping[str, Any]) -> None:
    """Label every Value that has no label yet with the name of its variable.

    Args:
        variables: Names and what they stand for, usually `locals()`. Values in lists, tuples and
            dicts get names such as `w[0]`; names with a leading underscore are passed by.

    Raises:
        OperandError: `variables` is no mapping.

    Example:
        >>> import autograd_core as ag
        >>> a, w = ag.Value(1.0), [ag.Value(2.0), ag.Value(3.0)]
        >>> ag.name({"a": a, "w": w})
        >>> a.label, w[1].label
        ('a', 'w[1]')
    """
    if not hasattr(variables, "items"):
        msg = f"name: expected a mapping such as locals(), got {variables!r} ({type(variables).__name__})"
        raise OperandError(msg)
    named = [(key, x) for key, x in variables.items() if isinstance(key, str) and not key.startswith("_")]
    for key, x in named:  # a variable's own name before its place in some list
        if isinstance(x, Value):
            x.label = x.label or key
    waiting = [(key, x) for key, x in named[::-1] if key not in ("In", "Out")]
    seen: set[int] = set()
    while waiting:
        label, x = waiting.pop()
        if isinstance(x, Value):
            x.label = x.label or label
        elif isinstance(x, (list, tuple, dict)) and id(x) not in seen:
            seen.add(id(x))
            entries = x.items() if isinstance(x, dict) else enumerate(x)
            waiting += reversed([(f"{label}[{key!r}]", entry) for key, entry in entries])
