"""The primitives of a graph as JavaScript: those of the table, and user primitives whose rules can be traced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....errors import AutogradError
from ...engine.ops import PRIMITIVES
from ...number_systems.languages.javascript import rules
from .state import is_users, operation_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...engine.value import Value
    from .state import Operation


def operations_in(order: Iterable[Value], also: Iterable[str] = ()) -> tuple[dict[Operation, tuple[int, str]], str]:
    """The index of each operation of a graph and the key of its rule; and all rules as one JavaScript expression.

    Primitives named in `also` are among the rules, too.
    A user primitive that runs Python functions on floats cannot be translated: its key is "", and the page keeps the
    recorded value.
    """
    found: dict[Operation, tuple[int, str]] = {}
    rows: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for node in order:
        if node._primitive is None:
            continue
        one = operation_of(node)
        if one not in found:
            key = _key(one, rows, counts)
            found[one] = (len(found), key)
    rows |= {name: PRIMITIVES[name] for name in sorted(also) if name not in rows}
    return found, rules(rows, counts)


def _key(one: Operation, rows: dict[str, Any], counts: dict[str, int]) -> str:
    primitive = one.primitive
    for key, known in rows.items():
        if known is primitive and counts.get(key, one.arity) == one.arity:
            return key
    key = primitive.name if primitive.name not in rows else f"{primitive.name} {len(rows)}"
    counted = primitive.arity is None and is_users(primitive) and not primitive.lists
    count: Mapping[str, int] = {key: one.arity} if counted else {}
    if is_users(primitive):
        try:
            rules({key: primitive}, count)
        except AutogradError:
            return ""
    rows[key] = primitive
    counts.update(count)
    return key
