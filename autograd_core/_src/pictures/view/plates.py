"""Plates: repeated structure is drawn once, with how many copies there are of it.

Time steps and cases that are equal but for their data, and use the same weights, are copies. One of them is shown in
a box, "10 × step"; the nodes of the others stand behind those that correspond to them. Copies are found among scopes
of like names (`step0`, `step1`, ...), among the terms of a sum (the cases of a batch), and in chains.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.evaluation import is_finite
from ...engine.provenance import box_of
from ...notation.node_names import dotted
from ..topology import connected
from .auto_groups import Hidden
from .copies import LEAST, Copies, copies_of
from .scope_tree import ROOT, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from .scope_tree import Graph, ScopeTree

UNITS = ("neuron", "unit", "layer")  # scopes with weights of their own
ADDED_UP = ("sum", "mean", "add")  # operations whose operands may be cases
MANY_TERMS = 8  # terms of a single operation each are worth a plate if there are so many
LONGEST_PERIOD = 32  # levels that one step of a chain may span


class Plate(NamedTuple):
    """Copies, of which one is shown."""

    scope: int  # its box
    shown: int  # which of the copies
    names: tuple[str, ...]  # of the copies
    copies: Copies

    @property
    def hidden(self) -> dict[int, int]:
        """The nodes that are not shown, and the one that stands for each."""
        nodes, leaves = self.copies.nodes, self.copies.leaves
        there, own = nodes[self.shown], leaves[self.shown]
        found: dict[int, int] = {}
        for k, copy in enumerate(nodes):
            if k != self.shown:
                found.update(zip(copy, there, strict=True))
                found |= {u: own[place] for place, u in leaves[k].items() if place in own}
        return found

    def entries(self, graph: Graph) -> dict[int, dict[int, None]]:
        """Nodes outside that enter only copies that are not shown, such as a first state; by node, which copies."""
        inside = {v for copy in self.copies.nodes for v in copy}
        seen = {u for v in self.copies.nodes[self.shown] for u in graph.operands[v]} | self.hidden.keys() | inside
        found: dict[int, dict[int, None]] = {}
        for k, copy in enumerate(self.copies.nodes):
            for v in copy if k != self.shown else ():
                for u in graph.operands[v]:
                    if u not in seen:
                        found.setdefault(u, {})[k] = None
        return found

    def exits(self, graph: Graph, k: int) -> list[int]:
        """The outputs of a copy: its nodes that are results or are used outside of it."""
        inside = {*self.copies.nodes[k]}
        return [v for v in self.copies.nodes[k] if v in graph.roots or not inside.issuperset(graph.users[v])]

    def units(self, graph: Graph) -> dict[int, str]:
        """The nodes of the shown copy that are the only output of a unit within it, and its name: layer1.neuron0."""
        own, inside = f"/{self.names[self.shown]}/", self.copies.nodes[self.shown]
        around = {v: f"/{box_of(graph.order[v])}/" for v in inside}
        used = {(u, around[v]) for v in inside for u in graph.operands[v]}
        outputs = [v for v in inside if (v, around[v]) not in used]
        units = {v: unit for v in outputs if (unit := around[v].rpartition(own)[2].strip("/"))}
        count = Counter(units.values())
        return {v: dotted(unit) for v, unit in units.items() if count[unit] == 1}

    def signals(self, graph: Graph) -> list[float]:
        """For each copy, the norm of the gradients of its outputs."""
        return [_norm(graph.grads[v] for v in self.exits(graph, k)) for k in range(len(self.names))]

    def inputs(self, graph: Graph) -> list[float]:
        """For each copy, the norm of the gradients of its own leaves."""
        return [_norm(graph.grads[u] for u in leaves) for leaves in self.own_leaves(graph)]

    def shares(self, graph: Graph) -> list[float]:
        """For each copy, its contribution to the gradient of the shared leaf; of several leaves the norm."""
        return [next(iter(sums.values())) if len(sums) == 1 else _norm(sums.values()) for sums in self.parts(graph)]

    def parts(self, graph: Graph) -> list[dict[int, float]]:
        """For each copy, its contribution to the gradient of each shared leaf.

        Contributions are local derivative × gradient at edges out of the leaf, so no sweep is needed.
        """
        wanted = {u for u in self.copies.shared if graph.is_leaf(u)}
        found = []
        for copy in self.copies.nodes:
            sums = dict.fromkeys(wanted, 0.0)
            for v in copy:
                node, g = graph.order[v], graph.grads[v]
                for p, slope in zip(node.parents, node.local_grads, strict=True) if g else ():
                    u = graph.index[p]
                    if u in sums and slope:
                        sums[u] += float(slope) * float(g)
            found.append(sums)
        return found

    def own_leaves(self, graph: Graph) -> list[list[int]]:
        """The leaves that each copy alone uses, such as its inputs, as far as every copy has one in that place."""
        kept = [{place: u for place, u in leaves.items() if u not in graph.constants} for leaves in self.copies.leaves]
        places = set(kept[self.shown]).intersection(*kept)
        return [[*dict.fromkeys(leaves[place] for place in sorted(places))] for leaves in kept]


def _norm(grads: Iterable[Any]) -> float:
    return math.hypot(*(float(g) for g in grads))


class Plates:
    """The plates that were found so far. Outer ones come first, so that inner ones see what is left in view."""

    def __init__(self, graph: Graph, tree: ScopeTree, named: AbstractSet[int]) -> None:
        self.graph, self.tree = graph, tree
        self.named = named  # scopes that the user asked for: their copies are all shown
        self.found: list[Plate] = []
        self.hidden: dict[int, Hidden] = {}
        self.inside: list[dict[int, None]] = []  # by scope: its nodes, those of inner scopes too
        self.gathered()

    def gathered(self) -> None:
        """Compute anew which nodes are in each scope, those of inner scopes included."""
        self.inside = [{} for _ in self.tree.scopes]
        for v, home in enumerate(self.tree.home):
            for s in self.tree.chain(home):
                self.inside[s][v] = None

    def add(self, parent: int, name: str, names: Sequence[str], copies: Copies, least: int = 0) -> bool:
        """Make a plate within a scope, if the copies are worth one and its box can be drawn.

        Each must have fewer leaves of its own, by `least` or more, than operands that all share: the neurons of a
        layer, which have weights of their own, are not copies.
        """
        graph, tree = self.graph, self.tree
        plate = Plate(len(tree.scopes), 0, tuple(names), copies)
        last = max(range(len(names)), key=lambda k: max(copies.nodes[k])) if copies.is_chain else 0
        used = {u for v in copies.nodes[last] for u in graph.operands[v]}
        own = sum(graph.is_leaf(u) for u in used - copies.shared)
        if own + least > len(copies.shared) or not (copies.shared or copies.is_chain):
            return False
        # Of steps the last is shown: gradients start there. Of cases, the one that contributes most.
        if not copies.is_chain and graph.largest is not None:
            shares = [abs(x) if is_finite(x) else 0.0 for x in plate.shares(graph)]
            last = shares.index(max(shares))
        plate = plate._replace(shown=last)
        hidden = plate.hidden
        there = {*copies.nodes[last], *copies.leaves[last].values()}
        if returns(self.graph, there | hidden.keys()):
            return False
        if not self._boxed(parent, there, hidden, f"{len(names)} × {name}"):
            return False
        # A leaf that the shown copy lacks, such as a first state, stays outside the box.
        for k, leaves in enumerate(copies.leaves):
            for place, u in leaves.items():
                if k != last and place not in copies.leaves[last]:
                    tree.home[u] = parent
        self.found.append(plate)
        # A node that stood for hidden ones may be hidden itself now; then its own stand-in takes over.
        for v, (stands, boxes) in self.hidden.items():
            self.hidden[v] = Hidden(hidden.get(stands, stands), boxes)
        for v, stands in hidden.items():
            self.hidden[v] = Hidden(stands, frozenset({plate.scope}))
        self.gathered()
        return True

    def _boxed(self, parent: int, there: AbstractSet[int], hidden: dict[int, int], name: str) -> bool:
        """Move the shown copy, with its inner scopes, into a new scope; False if these hold other operations, too."""
        tree, graph = self.tree, self.graph
        moved: set[int] = set()
        for v in there:
            chain = tree.chain(tree.home[v])
            around = chain[len(tree.chain(parent)) :]
            if tree.chain(parent) != chain[: len(tree.chain(parent))]:
                return False
            moved.update(around[:1])
        for s in moved:
            others = (v for v in self.inside[s] if v not in there and v not in hidden and v not in self.hidden)
            if any(not graph.is_leaf(v) for v in others):
                return False
        number = len(tree.scopes)
        tree.scopes.append(Scope(parent, name, tree.scopes[parent].plain, is_generated=True))
        for s in moved:
            tree.scopes[s].parent = number
        for v in there:
            if tree.home[v] == parent:
                tree.home[v] = number
        tree.finish()
        return True


def returns(graph: Graph, group: AbstractSet[int]) -> bool:
    """Whether a path leaves a group and enters it again: then the group cannot be one box."""
    users = graph.users
    seen = {w for v in group for w in users[v]} - group
    waiting = [*seen]
    while waiting:
        for w in users[waiting.pop()]:
            if w in group:
                return True
            if w not in seen:
                seen.add(w)
                waiting.append(w)
    return False


def plates_of(graph: Graph, tree: ScopeTree, named: AbstractSet[int]) -> Plates:
    """All plates of a graph; the tree gets their boxes.

    Args:
        graph: The graph.
        tree: Its scopes.
        named: Scopes that the user asked for by name; their copies are all shown.
    """
    plates = Plates(graph, tree, named)
    for parent, name, members in _families(tree):
        _of_scopes(plates, parent, name, members)
    _of_sums(plates)
    _of_chains(plates)
    return plates


# --- among scopes -----------------------------------------------------------------------------------


def _families(tree: ScopeTree) -> Iterator[tuple[int, str, list[int]]]:
    """Families of sibling scopes whose names differ in a number only, outer ones first, each in numerical order."""
    families: dict[tuple[int, str], list[tuple[list[int], int]]] = {}
    for s in range(1, len(tree.scopes)):
        scope = tree.scopes[s]
        stem = re.sub(r"\d+", "#", scope.name)
        if "#" in stem and not scope.composite and re.sub(r"\W|\d|_", "", scope.name.partition(" ")[0]) not in UNITS:
            families.setdefault((scope.parent, stem), []).append(([int(n) for n in re.findall(r"\d+", scope.name)], s))
    depth = tree.scopes
    for (parent, stem), members in sorted(families.items(), key=lambda f: depth[f[0][0]].depth):
        if len(members) >= LEAST:
            name = re.sub(r"[\W_]*#.*", "", stem) or stem.replace("#", "").strip() or "scope"
            yield parent, name, [s for _, s in sorted(members)]


def _of_scopes(plates: Plates, parent: int, name: str, members: list[int]) -> None:
    tree, hidden = plates.tree, plates.hidden
    if any(s in plates.named for s in members):
        return
    parts = [[v for v in plates.inside[s] if v not in hidden] for s in members]
    members = [s for s, part in zip(members, parts, strict=True) if part]
    parts = [sorted(part) for part in parts if part]
    starts = [len(tree.scopes[s].plain) for s in members]

    def spot(k: int, v: int) -> str:
        return tree.scopes[tree.home[v]].plain[starts[k] :]

    copies = copies_of(plates.graph, parts, spot)
    if copies is not None:
        plates.add(parent, name, [tree.scopes[members[k]].name for k in copies.places], copies)


# --- among the terms of a sum -----------------------------------------------------------------------


def _of_sums(plates: Plates) -> None:
    """Cases: the terms of a sum that share nothing but leaves."""
    graph, tree = plates.graph, plates.tree
    done: set[int] = set()
    for r in range(len(graph.order) - 1, -1, -1):
        if r in done or r in plates.hidden or graph.kinds[r] not in ADDED_UP:
            continue
        top = _added_up(graph, r)
        done |= top
        terms = {u for v in top for u in graph.operands[v]} - top
        home = tree.home[r]
        parent = tree.scopes[home].parent if tree.scopes[home].composite else home
        if home != parent:
            top |= plates.inside[home].keys()
            terms = {u for v in top for u in graph.operands[v]} - top
        if sum(not graph.is_leaf(u) for u in terms) < LEAST:
            continue
        parts = _apart(graph, top, terms, plates.hidden.keys())
        alone = [part for part in parts if len(part) == 1]
        name = "term" if len(alone) == len(parts) >= MANY_TERMS else "case"
        parts = alone if name == "term" else [part for part in parts if len(part) > 1]
        copies = copies_of(graph, parts, lambda _, v: tree.scopes[tree.home[v]].plain) if len(parts) >= LEAST else None
        if copies is not None and copies.shared and plates.named.isdisjoint(_around(plates, copies)):
            n = len(copies.nodes)
            if plates.add(parent, name, [f"{name} {k + 1}" for k in range(n)], copies, 1):
                return


def _around(plates: Plates, copies: Copies) -> set[int]:
    return {plates.tree.home[v] for copy in copies.nodes for v in copy}


def _added_up(graph: Graph, r: int) -> set[int]:
    """The operation with, where a sum was made by repeated `+`, the additions before it."""
    # An addition with a label or a second user is a value in its own right, which the reader wants to see.
    top = {r}
    waiting = [r] if graph.kinds[r] == "add" else []
    while waiting:
        for u in graph.operands[waiting.pop()]:
            if graph.kinds[u] == "add" and len(graph.users[u]) == 1 and not graph.labels[u] and u not in top:
                top.add(u)
                waiting.append(u)
    return top


def _apart(graph: Graph, top: AbstractSet[int], terms: Iterable[int], hidden: AbstractSet[int]) -> list[list[int]]:
    """The connected components of what the terms are computed from, without leaves: each is one case."""
    waiting = [v for v in sorted(terms) if not graph.is_leaf(v)]
    seen, edges = {*waiting}, []
    while waiting:
        v = waiting.pop()
        for u in graph.operands[v]:
            if graph.is_leaf(u) or u in top:
                continue
            edges.append((u, v))
            if u not in seen:
                seen.add(u)
                waiting.append(u)
    # Nodes that an outer plate hides still connect those around them, so they go only now.
    parts = ([v for v in part if v not in hidden] for part in connected(sorted(seen), edges))
    return sorted(filter(None, parts))


# --- along a chain ----------------------------------------------------------------------------------


def _of_chains(plates: Plates) -> None:
    """Steps: levels whose operations repeat, counted from the result, since a chain may begin differently."""
    graph, tree = plates.graph, plates.tree
    free = [v for v, s in enumerate(tree.home) if s == ROOT and v not in plates.hidden and not graph.is_leaf(v)]
    free = [v for v in free if v not in graph.constants]
    if len(free) < 4 * LEAST:
        return
    levels = _levels(graph, {*free})
    at: dict[int, list[int]] = {}
    for v in free:
        at.setdefault(levels[v], []).append(v)
    rows = [at[k] for k in sorted(at)]
    kinds = [tuple(sorted(graph.kinds[v] for v in row)) for row in rows]
    run = _longest_run(kinds)
    if run is None:
        return
    start, end, period = run
    # Where in its period a step begins is free. The best cut crosses the fewest values: a state, not what that is
    # computed from. Of equal cuts it is one behind a value that has a label.
    best: tuple[Any, ...] | None = None
    for phase in range(period):
        n = (end - start - phase) // period
        if n < max(LEAST, 4):
            continue
        parts = [
            sorted(v for row in rows[start + phase + k * period : start + phase + (k + 1) * period] for v in row)
            for k in range(n)
        ][::-1]
        carried = len({u for v in parts[-1] for u in graph.operands[v] if u in {*parts[-2]}})
        labelled = any(graph.labels[v] for v in rows[start + phase])
        if best is None or (carried, not labelled) < best[:2]:
            best = (carried, not labelled, parts)
    if best is None:
        return
    copies = copies_of(graph, best[2], lambda _, v: "")
    if copies is not None and copies.is_chain and (copies.shared or best[0] == 1):
        plates.add(ROOT, "step", [f"step {k + 1}" for k in copies.places], copies)


def _levels(graph: Graph, free: AbstractSet[int]) -> dict[int, int]:
    """The length of the longest path from each node to a result."""
    level: dict[int, int] = {}
    for v in sorted(free, reverse=True):
        level[v] = 1 + max((level.get(w, -1) for w in graph.users[v]), default=-1)
    return level


def _longest_run(kinds: Sequence[object]) -> tuple[int, int, int] | None:
    """Start, end and period of the longest run of levels that repeats at least `LEAST` times."""
    best: tuple[int, int, int] | None = None
    for period in range(1, min(LONGEST_PERIOD, len(kinds) // LEAST) + 1):
        start = 0
        for k in range(period, len(kinds) + 1):
            if k < len(kinds) and kinds[k] == kinds[k - period]:
                continue
            if k - start >= LEAST * period and (best is None or k - start > best[1] - best[0] + period):
                best = (start, k, period)
            start = k - period + 1
    return best
