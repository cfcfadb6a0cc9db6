"""A lower form of a scene, for one that is higher than a screen: leaves in two lines, tables beside their bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import text
from .cards import CAPTION_FONT, NAME_FONT, NUMBER_FONT
from .plates import beside

if TYPE_CHECKING:
    from ..view.scope_tree import Graph
    from .cards import Card, Scene

WIDTH, HEIGHT = 142.0, 43.0  # of a leaf: its name, and below it value and gradient, which has a word above it
PARTS = 7.0  # additional height of the bars that show the contribution of each copy
SIDE = 8.0  # margin within a card
CELLS_OF_BOTH = int((WIDTH - 2 * SIDE) / (text.EM * NUMBER_FONT)) - 1  # characters of both numbers together
WORD = "grad"
NAMED = int((WIDTH - 2 * SIDE - text.extent(WORD, CAPTION_FONT)) / (text.EM * NAME_FONT)) - 1  # characters of the name


def lowered(scene: Scene, graph: Graph) -> Scene:
    """The scene with lower leaves and plates."""
    return scene._replace(cards={i: _card(card, graph) for i, card in scene.cards.items()})


def _card(card: Card, graph: Graph) -> Card:
    if card.kind == "plate":
        return beside(card)
    if not card.is_leaf or card.is_row or card.is_root or card.folded or text.cells(card.name) > NAMED:
        return card
    for digits in (4, 3, 2):  # a number is never cut, as that would change it
        value = text.number(graph.data[card.node], digits=digits)
        grad = text.number(graph.grads[card.node], digits=digits) if card.grad else "not computed"
        if text.cells(value) + text.cells(grad) <= CELLS_OF_BOTH:
            height = HEIGHT + PARTS * bool(card.parts)
            return card._replace(width=WIDTH, height=height, value=value, grad=grad * bool(card.grad), is_low=True)
    return card
