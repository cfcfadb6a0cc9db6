"""A scene under construction: the cards so far, and which card shows which node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..view.folding import groups_of
from ..view.scope_tree import ROOT

if TYPE_CHECKING:
    from ..view.folding import View
    from ..view.scope_tree import Graph
    from .cards import Card


class Board:
    """A scene under construction."""

    def __init__(self, view: View, direction: str) -> None:
        graph = view.graph
        self.view = view
        self.graph: Graph = graph
        self.direction = direction
        self.has_grads = graph.largest is not None
        self.groups = {group[-1]: (s, group) for s, group in groups_of(view).items()}
        self.card_of: dict[int, int] = {v: v for v in view.shown}
        for last, (_, group) in self.groups.items():
            self.card_of.update(dict.fromkeys(group, last))
        for v, (there, _) in view.hidden.items():
            if there in self.card_of:
                self.card_of[v] = self.card_of[there]
        for u, users in graph.holders.items():
            shown = [v for v in users if v in view.shown]
            if shown:
                self.card_of[u] = self.card_of[shown[0]]
        self.exits = {last: self._exits(group) for last, (_, group) in self.groups.items()}
        self.cards: dict[int, Card] = {}
        # By plate: the nodes of the copy that is shown; and for the nodes of the other copies, which copy.
        self.there = [{*plate.copies.nodes[plate.shown]} for plate in view.plates]
        self.other = [
            {v: k for k, copy in enumerate(plate.copies.nodes) if k != plate.shown for v in copy}
            for plate in view.plates
        ]
        folds = view.folds()
        self.closed = {k: folds[plate.scope] for k, plate in enumerate(view.plates) if folds[plate.scope] != ROOT}
        self.handed: dict[tuple[int, int], int] = {}  # by plate and copy: the card for values that come from that copy
        self.virtual = len(graph.order)  # next number for a card without a node

    def _exits(self, group: list[int]) -> list[int]:
        """The nodes of a group that are roots or used outside of it."""
        inside, users, roots = set(group), self.graph.users, self.graph.roots
        hidden = self.view.hidden
        inside.update(v for v, other in hidden.items() if other.stands in inside)
        return [v for v in group if v in roots or not users[v] or not inside.issuperset(users[v])]

    def sources(self, v: int) -> dict[int, tuple[int, int]]:
        """Operands of a shown node that lie in a copy that is not shown; by operand, the plate and the copy."""
        found: dict[int, tuple[int, int]] = {}
        for k, (there, other) in enumerate(zip(self.there, self.other, strict=True)):
            if v in there and k not in self.closed:
                found |= {u: (k, other[u]) for u in self.graph.operands[v] if u in other}
        return found

    def closed_in(self, s: int) -> list[int]:
        """The plates within a folded scope."""
        return [k for k, around in self.closed.items() if around == s]

    def called(self, i: int) -> str:
        """What a card is sorted by: the path of a folded scope, the label of a node, or ""."""
        if i in self.groups:
            return self.view.tree.scopes[self.groups[i][0]].path
        return self.graph.labels[i] if i < len(self.graph.labels) else ""

    def number(self) -> int:
        """A new number for a card that shows no node."""
        self.virtual += 1
        return self.virtual - 1

    def around(self, s: int) -> tuple[str, ...]:
        """The paths of a scope and of those around it."""
        return tuple(self.view.tree.scopes[t].path for t in self.view.tree.chain(s))
