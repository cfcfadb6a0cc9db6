"""The compact style, for slides: small cards with name, value and gradient in print that is large for their size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import text
from .cards import LEAST_FONT, PILE, Chips, is_of_pairs, lined_up

if TYPE_CHECKING:
    from ..view.scope_tree import Graph
    from .cards import Card, Port, Scene

WIDTH, HEIGHT = 118.0, 38.0  # a line has room for any two floats of one digit
ROW_WIDTH, ROW_HEIGHT = 178.0, 21.0
FOLD_WIDTH, FOLD_HEIGHT = 160.0, 44.0
CHIPS = Chips(font=12.0, height=15.0, least=22.0, gap=1.0)
CHIP_DIGITS = 3
SIDE, FONT = 6.0, 13.0  # margin within a card, size of its numbers
PARTS = 10.0  # height of the bars below them, which show the contribution of each copy


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
        width, height = (ROW_WIDTH, ROW_HEIGHT) if card.is_row else (WIDTH, HEIGHT + PARTS * bool(card.parts))
        value, grad = numbers(graph.data[card.node], graph.grads[card.node] if card.grad else None)
    given = _with_fewer_digits(card, graph)
    paired = card.kind == "node" and is_of_pairs(graph.order[card.node]) and len(card.ports) > 2
    crowded = all(not port.chip for port in given)
    ports, chip, extent = lined_up(given, direction, crowded=crowded, paired=paired, chips=CHIPS)
    if direction == "LR":
        height = max(height, extent)
    else:
        width = max(width, extent)
    return card._replace(width=width, height=height, value=value, grad=grad, ports=ports, chip=chip)


def _with_fewer_digits(card: Card, graph: Graph) -> tuple[Port, ...]:
    """The ports of a card with local derivatives and constants of three digits."""
    if card.kind != "node" or not any(port.chip for port in card.ports):
        return card.ports
    node = graph.order[card.node]
    slopes, parents = node.local_grads, node.parents
    return tuple(
        port._replace(
            chip=_number(parents[port.operand].data, CHIP_DIGITS)
            if port.is_constant
            else "×" + _number(slopes[port.operand], CHIP_DIGITS)
        )
        if port.chip and port.node >= 0
        else port
        for port in card.ports
    )


def numbers(value: Any, gradient: Any) -> tuple[str, str]:
    """A value and its gradient as a small card shows them; "" if the gradient is None."""
    tries = [(_number(value, k), "" if gradient is None else _number(gradient, k)) for k in (3, 2, 1)]
    return _fitting(tries, WIDTH)


def _number(x: Any, digits: int) -> str:
    return text.number(x, room=6, digits=digits)


def _fitting(tries: list[tuple[str, str]], width: float) -> tuple[str, str]:
    """The longest form of two numbers that fits into a line; a number is never cut, as that would change it."""
    value, grad = tries[-1]
    if not any(is_in_line(*pair, width) for pair in tries):
        tries = [(value, "…" if grad else ""), ("…", grad), ("…", "…" if grad else "")]
        if is_in_line(value, grad, width, LEAST_FONT):
            return value, grad
    return next(pair for pair in tries if is_in_line(*pair, width))


def is_in_line(value: str, grad: str, width: float, font: float = FONT) -> bool:
    """Whether two numbers fit beside each other on a card of that width."""
    return text.cells(value) + text.cells(grad) < int((width - 2 * SIDE) / (text.EM * font))
