"""Rules of one or two operands as functions of floats, with which large graphs are evaluated.

The texts are those that build nodes (`engine/node_builders.py`), without the node.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ...engine.node_builders import OPERAND_NAMES
from ...engine.ops import PRIMITIVES
from ...number_systems.floats import FAST
from ...number_systems.source import Source, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.ops import Primitive


def compiled(primitive: Primitive, moves: tuple[bool, ...]) -> Callable[..., tuple[float, ...]] | None:
    """A function of a rule's operands: its value, and the local derivatives with respect to those that move.

    It raises where arithmetic on floats does.

    Args:
        primitive: The rule.
        moves: Which operands move; the derivatives with respect to the others are 0.

    Returns:
        The function; None for a rule of a user, or of many operands.
    """
    is_ours = PRIMITIVES.get(primitive.name) is primitive
    if not is_ours or primitive.arity not in (1, 2) or len(moves) != primitive.arity:
        return None
    return _compiled(primitive.value, primitive.partials, moves)


@cache
def _compiled(
    value: Callable[..., Any], partials: Callable[..., Any], moves: tuple[bool, ...]
) -> Callable[..., tuple[float, ...]]:
    source = Source()
    xs = [source.name(name) for name in OPERAND_NAMES[: len(moves)]]
    result = source.number(value(source, *xs))
    given = partials(source, *xs, source.name("z")) if any(moves) else [0.0] * len(moves)
    z, *slopes = write([result, *(source.number(d) for d, move in zip(given, moves, strict=True) if move)])
    found = iter(slopes)
    terms = [next(found) if move else "0.0" for move in moves]
    names = ", ".join(OPERAND_NAMES[: len(moves)])
    scope: dict[str, Any] = dict(FAST)
    text = f"def rule({names}):\n    z = {z}\n    return (z, {', '.join(terms)})\n"
    exec(text, scope)  # noqa: S102  the text is made from our own rules
    function: Callable[..., tuple[float, ...]] = scope["rule"]
    return function
