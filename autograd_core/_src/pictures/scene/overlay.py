"""Marks on the cards of a picture: findings about single nodes, on a scale from harmless to severe."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ....errors import OperandError, RangeError, StructureError
from ...any_object import brief, shown
from ...engine.value import Value
from .. import text

if TYPE_CHECKING:
    from ..view.scope_tree import Graph


BADGE_ROOM = 84.0  # pixels for a mark beside the text of a one-line card


class Mark(NamedTuple):
    """A finding about one node.

    Attributes:
        text: A few characters that stand on the card, such as "dead".
        level: Its severity from 0 to 1, which tints the card.
        title: What shows when one points at the mark.
    """

    text: str
    level: float
    title: str = ""


CHANGED = Mark("! changed", 0.5, "operands changed since: value and derivatives are of the recorded ones")
CHANGED_SAID = "! changed: its operands have new data since; what is shown is as recorded; compute it anew"


class Overlay(NamedTuple):
    """Marks for some nodes of a graph, and a title.

    Attributes:
        title: A line below the picture's heading.
        marks: By node.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core._src.pictures import Mark, Overlay, draw
        >>> x = ag.Value(-2.0, label="x")
        >>> dead = x.relu()
        >>> marks = {dead: Mark("dead", 1.0, "its derivative is 0 here")}
        >>> draw(dead * 3, overlay=Overlay("Units without a gradient", marks)).svg.count(">dead<")
        1
    """

    title: str
    marks: Mapping[Value, Mark]


def checked(overlay: object) -> Overlay | None:
    """The overlay, with its texts made fit for a picture; raises if it is none.

    Raises:
        OperandError: It is no Overlay, or its parts are of other types.
        RangeError: A level beyond 0 and 1.
    """
    if overlay is None:
        return None
    if not (isinstance(overlay, Overlay) and isinstance(overlay.title, str) and isinstance(overlay.marks, Mapping)):
        msg = f"draw: expected overlay to be an Overlay(title, marks), got {shown(overlay)}"
        raise OperandError(msg)
    marks = {}
    for node, mark in overlay.marks.items():
        if not isinstance(node, Value) or not _is_mark(mark):
            msg = f"draw: expected an overlay's marks to be {{Value: Mark(...)}}, got {brief(node)}: {brief(mark)}"
            raise OperandError(msg)
        if not 0 <= mark.level <= 1:
            of = brief(mark.text)
            msg = f"draw: expected the level of a mark to be from 0 to 1, got {brief(mark.level)} for {of}"
            raise RangeError(msg)
        marks[node] = Mark(text.clean(mark.text), mark.level, text.clean(mark.title))
    return Overlay(text.clean(overlay.title), marks)


def _is_mark(mark: object) -> bool:
    return (
        isinstance(mark, Mark)
        and isinstance(mark.text, str)
        and isinstance(mark.title, str)
        and isinstance(mark.level, (int, float))
    )


def on_cards(
    overlay: Overlay, graph: Graph, card_of: Mapping[int, int], copy_of: Mapping[int, str] = MappingProxyType({})
) -> dict[int, Mark]:
    """The worst mark on each card that has one, by the card's number.

    `copy_of` names the copies that are not shown, by their nodes: a mark on one of these says where it belongs.

    Raises:
        StructureError: A marked node is not in the graph.
    """
    worst: dict[int, tuple[float, bool, Mark]] = {}  # level, whether it is of the copy that is shown
    for node, mark in overlay.marks.items():
        i = graph.index.get(node)
        if i is None:
            msg = (
                f"draw: the overlay marks {brief(node, 80)}, which is no node of this graph: root does not depend on it"
                ". Make the overlay for the root that is drawn"
            )
            raise StructureError(msg)
        if i in card_of and i not in graph.constants:
            card, copy = card_of[i], copy_of.get(i)
            if card not in worst or (mark.level, copy is None) > worst[card][:2]:
                said = mark if copy is None else mark._replace(text=f"{copy}: {mark.text}")
                worst[card] = mark.level, copy is None, said
    return {card: mark for card, (_, _, mark) in worst.items()}
