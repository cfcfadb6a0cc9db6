"""A scene under construction: the cards so far, and which card shows which node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..view.folding import groups_of

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
        for u, users in graph.holders.items():
            shown = [v for v in users if v in view.shown]
            if shown:
                self.card_of[u] = self.card_of[shown[0]]
        self.exits = {last: self._exits(group) for last, (_, group) in self.groups.items()}
        self.cards: dict[int, Card] = {}
        self.virtual = len(graph.order)  # next number for a card without a node

    def _exits(self, group: list[int]) -> list[int]:
        """The nodes of a group that are roots or used outside of it."""
        inside, users, roots = set(group), self.graph.users, self.graph.roots
        return [v for v in group if v in roots or not users[v] or not inside.issuperset(users[v])]

    def number(self) -> int:
        """A new number for a card that shows no node."""
        self.virtual += 1
        return self.virtual - 1

    def around(self, s: int) -> tuple[str, ...]:
        """The paths of a scope and of those around it."""
        return tuple(self.view.tree.scopes[t].path for t in self.view.tree.chain(s))
