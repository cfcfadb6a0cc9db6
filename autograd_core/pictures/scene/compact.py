"""The compact style, for slides: small cards with name, value and gradient in print that is large for their size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import text
from .cards import PILE, Chips, is_of_pairs, lined_up

if TYPE_CHECKING:
    from ..view.scope_tree import Graph
    from .cards import Card, Scene

WIDTH, HEIGHT = 104.0, 36.0  # a line has room for any two floats of one digit
ROW_WIDTH, ROW_HEIGHT = 176.0, 18.0
FOLD_WIDTH, FOLD_HEIGHT = 150.0, 40.0
CHIPS = Chips(font=9.0, height=12.0, least=18.0, gap=2.0)
SIDE, FONT = 6.0, 10.0  # margin within a card, size of its numbers


def compacted(scene: Scene, graph: Graph) -> Scene:
    """The scene with small cards."""
    return scene._replace(
        cards={i: _card(card, graph, scene.direction) for i, card in scene.cards.items()}, style="compact"
    )


def _card(card: Card, graph: Graph, direction: str) -> Card:
    if card.kind not in ("node", "fold"):
        return card
    if card.kind == "fold":
        width, height = FOLD_WIDTH, FOLD_HEIGHT + PILE
        value, grad = _fitting([(card.value, card.grad)], width)
    else:
        width, height = (ROW_WIDTH, ROW_HEIGHT) if card.is_row else (WIDTH, HEIGHT)
        value, grad = numbers(graph.data[card.node], graph.grads[card.node] if card.grad else None)
    paired = card.kind == "node" and is_of_pairs(graph.order[card.node]) and len(card.ports) > 2
    crowded = all(not port.chip for port in card.ports)
    ports, chip, extent = lined_up(card.ports, direction, crowded=crowded, paired=paired, chips=CHIPS)
    if direction == "LR":
        height = max(height, extent)
    else:
        width = max(width, extent)
    return card._replace(width=width, height=height, value=value, grad=grad, ports=ports, chip=chip)


def numbers(value: Any, gradient: Any) -> tuple[str, str]:
    """A value and its gradient as a small card shows them; "" for a gradient that is not there (None)."""
    tries = [(_number(value, k), "" if gradient is None else _number(gradient, k)) for k in (3, 2, 1)]
    return _fitting(tries, WIDTH)


def _number(x: Any, digits: int) -> str:
    return text.number(x, room=6, digits=digits)


def _fitting(tries: list[tuple[str, str]], width: float) -> tuple[str, str]:
    """The longest form of two numbers that fits into a line; a number is never cut, as that would change it."""
    room = int((width - 2 * SIDE) / (text.EM * FONT)) - 1
    value, grad = tries[-1]
    tries = [*tries, (value, "…" if grad else ""), ("…", grad), ("…", "…" if grad else "")]
    return next(pair for pair in tries if sum(map(text.cells, pair)) <= room)
