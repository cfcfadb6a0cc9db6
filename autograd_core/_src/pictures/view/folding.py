"""What a picture shows of a large graph: which scopes are folded into one card, and which nodes are left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from ....errors import OperandError, RangeError, StructureError, UsageWarning
from ...any_object import brief, shown
from ...engine.evaluation import whole
from ...engine.provenance import warn_user
from ...engine.value import Value
from ...notation.composites import as_written, has_composites
from .. import text
from .auto_groups import NONE_HIDDEN, Hidden, generate_scopes
from .copies import LEAST
from .plates import Plate, plates_of, returns
from .scope_tree import ROOT, Graph, Scope, scopes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ...notation.composites import ReadGraph
    from .scope_tree import ScopeTree

Fold = bool | str | Iterable[str] | None

NOT_FOLDED = 150  # nodes; in a smaller graph nothing is folded unless asked for
MODERATE = 40  # nodes; a smaller picture with plates is folded only where a screen has no room
SIMPLE = 20  # nodes; in a smaller graph all copies are shown unless plates are asked for
# Scopes are opened while there are at most so many cards: the user's outer scopes, and all others.
FEW_CARDS, FEWER_CARDS = 60, 24
MAP, CARDS_OF_A_MAP = 5_000, 16  # nodes from which a picture is a map, and the cards of a map
MANY_ALIKE = 4  # a scope of so many equal parts says no more when open than as one card
NAMED_SCOPES = 8  # scopes that a message lists, at most


class View(NamedTuple):
    """A graph, its scopes, and which of them are open."""

    graph: Graph
    tree: ScopeTree
    shown: frozenset[int]  # the nodes in view, without constants
    sizes: list[int]  # by scope: how many nodes in view are in it
    opened: frozenset[int]
    centre: int  # the node whose neighbourhood it is, or -1
    plates: tuple[Plate, ...] = ()
    hidden: Mapping[int, Hidden] = NONE_HIDDEN  # nodes of copies that are not shown

    @property
    def scopes(self) -> tuple[str, ...]:
        """The paths of all scopes that can be folded."""
        return tuple(self.tree.scopes[s].path for s in self.foldable())

    def foldable(self) -> list[int]:
        """All scopes with at least two nodes, in the tree's order: outer scopes before inner ones."""
        found = [s for s in range(1, len(self.sizes)) if self.sizes[s] > 1]
        return sorted(found, key=lambda s: self.tree.scopes[s].depth)

    def folds(self) -> list[int]:
        """For every scope the outermost folded scope that contains it (or is it); `ROOT` if there is none."""
        folds = [-1] * len(self.tree.scopes)
        folds[ROOT] = ROOT
        for start in range(len(folds)):
            chain = []
            s = start
            while folds[s] < 0:
                chain.append(s)
                s = self.tree.scopes[s].parent
            for s in reversed(chain):
                around = folds[self.tree.scopes[s].parent]
                closed = s if s not in self.opened and self.sizes[s] > 1 else ROOT
                folds[s] = around or closed
        return folds

    def with_open(self, scopes: Iterable[int]) -> View:
        """The view with these scopes, and those around them, open as well."""
        around = {t for s in scopes for t in self.tree.chain(s)}
        return self._replace(opened=self.opened | around)


def view_of(
    roots: Sequence[Value],
    *,
    fold: Fold = "auto",
    unfold: str | Iterable[str] = (),
    around: Value | None = None,
    hops: int = 2,
    gradients: Mapping[Value, Any] | None = None,
    read: ReadGraph | str | None = "auto",
    plates: bool | None = False,
) -> View:
    """The view that the arguments of `draw` ask for. `read` is the graph as texts write it; None: as recorded."""
    all_folded, fold = fold is True, "auto" if fold is True else fold
    folds, unfolds = _patterns("fold", fold), _patterns("unfold", unfold)
    folds_composites = isinstance(read, str)
    if isinstance(read, str):  # a composite with one output stays recorded: it is a scope, which can be opened
        read = read_graph(roots, fold, unfold, around=around, least=2)
    graph = Graph(roots, gradients, read)
    centre = _centre(graph, around, hops)
    shown = _neighbourhood(graph, centre, hops)
    tree = scopes_of(graph)
    found: tuple[Plate, ...] = ()
    hidden: Mapping[int, Hidden] = NONE_HIDDEN
    if plates is None:
        plates = fold == "auto" and centre < 0 and len(shown) > SIMPLE
    if plates:
        made = plates_of(graph, tree, _members(tree, [*folds, *unfolds]))
        found, hidden = tuple(made.found), made.hidden
        shown = shown.difference(hidden)
    automatic = fold == "auto" and (len(shown) > NOT_FOLDED or all_folded)
    if automatic:
        generate_scopes(graph, tree, hidden)
    view = View(graph, tree, shown, _sizes(tree, shown), frozenset(), centre, found, hidden)
    every = range(len(tree.scopes))
    if all_folded:
        view = view._replace(opened=frozenset(plate.scope for plate in found))
    elif automatic or (fold == "auto" and found and len(shown) > MODERATE):
        view = _opened(view)
        view = view._replace(opened=view.opened - (_single(view) if folds_composites else set()))
    elif fold == "auto":
        view = view._replace(opened=frozenset(every) - (_single(view) if folds_composites else set()))
    elif not folds:
        view = view._replace(opened=frozenset(every))
    else:
        closed = _matching("fold", folds, view) | _single(view)
        view = view._replace(opened=frozenset(every) - closed)
        view = view._replace(opened=frozenset(s for s, f in enumerate(view.folds()) if f == ROOT))
    wanted = _matching("unfold", unfolds, view)
    of_composites = any(tree.scopes[s].composite for s in wanted)  # asking for one changes how the graph is read
    asked = () if of_composites else unfolds
    _say_if_in_vain(view, view.with_open(wanted), folds, asked, all_folded=all_folded)
    return view.with_open(wanted)


def folded_as(shown: View, view: View) -> View:
    """A view of the same graph, read differently, with those scopes folded as well that are folded in the first one."""
    opened = {shown.tree.scopes[s].path for s in shown.opened}
    closed = {scope.path for scope in shown.tree.scopes} - opened
    return view._replace(opened=frozenset(s for s in view.opened if view.tree.scopes[s].path not in closed))


def _say_if_in_vain(
    before: View, view: View, folds: Sequence[str], unfolds: Sequence[str], *, all_folded: bool
) -> None:
    """Warn if an argument about folding changes nothing, except for wildcards, which are written for many graphs."""
    there = _scopes_said(view)
    n = len(view.shown)
    folds, unfolds = ([x for x in asked if not set("*?[").intersection(x)] for asked in (folds, unfolds))
    if all_folded and not any(before.folds()) and not view.plates:
        msg = f"draw: fold=True folds nothing, as all {n} nodes stand in no scope; {there}"
    elif folds and not any(before.folds()):
        msg = f"draw: fold={brief(folds[0], 80)} folds nothing, as a scope of one node stays as it is; {there}"
    elif unfolds and before.opened == view.opened and not view.plates:
        msg = (
            f"draw: unfold={brief(unfolds[0], 80)} changes nothing, as it is open: graphs of up to {NOT_FOLDED} nodes "
            f"are not folded, and this one has {n}. fold=True folds the others; {there}"
        )
    else:
        return
    warn_user(msg, UsageWarning)


def read_graph(
    roots: Sequence[Value], fold: Fold, unfold: str | Iterable[str], *, around: object = None, least: int = 1
) -> ReadGraph | None:
    """The graph with composites as single operations, except for those named; None if that changes nothing."""
    patterns = [*_patterns("fold", fold), *_patterns("unfold", unfold)]
    if fold is None or fold is False or not has_composites(roots):
        return None
    keep = [around] if isinstance(around, Value) else []
    if patterns:
        graph = Graph(roots)
        tree = scopes_of(graph)
        named = {
            s for s, scope in enumerate(tree.scopes) if scope.composite and any(_matches(x, tree, s) for x in patterns)
        }
        keep += [node for node, s in zip(graph.order, tree.home, strict=True) if s in named]
    return as_written(roots, keep, least)


def _single(view: View) -> set[int]:
    """Composites with one output, such as a loss: one card has room for what they are and for their derivatives."""
    graph, tree = view.graph, view.tree
    gives: Counter[int] = Counter()
    for v in view.shown:
        s = tree.home[v]
        if tree.scopes[s].composite and (v in graph.roots or any(tree.home[w] != s for w in graph.users[v])):
            gives[s] += 1
    return {s for s, n in gives.items() if n == 1}


def _patterns(name: str, given: object) -> tuple[str, ...]:
    if name == "fold" and (given is None or given is False or given == "auto"):
        return ()
    if isinstance(given, str):
        return (given,)
    patterns: tuple[Any, ...] = (given,)
    if isinstance(given, Iterable) and not isinstance(given, Value):
        patterns = tuple(given)
    for pattern in patterns:
        if not isinstance(pattern, str):
            also = ', "auto", None' if name == "fold" else ""
            msg = (
                f"draw: expected {name} to be a scope such as 'layer1' or 'layer*/neuron*', or several{also}, "
                f"got {shown(given)}"
            )
            raise OperandError(msg)
    return patterns


def _members(tree: ScopeTree, patterns: Sequence[str]) -> set[int]:
    """The scopes that match a pattern, and the scopes around them."""
    asked = [s for s in range(1, len(tree.scopes)) if any(_matches(pattern, tree, s) for pattern in patterns)]
    return {t for s in asked for t in tree.chain(s)}


def _matching(name: str, patterns: Sequence[str], view: View) -> set[int]:
    """The scopes that match a pattern; `*` matches within one part of a path."""
    found = set()
    for pattern in patterns:
        matched = {s for s in range(1, len(view.tree.scopes)) if _matches(pattern, view.tree, s)}
        if not matched:
            msg = f"draw: {name}={brief(pattern, 80)} is no scope of this graph; {_scopes_said(view)}"
            raise RangeError(msg)
        found |= matched
    return found


def _scopes_said(view: View) -> str:
    """Which scopes there are, in words."""
    some = [text.shorten(path, 60) for path in view.scopes[:NAMED_SCOPES]]
    if not some:
        return "the graph has none (see ag.scope)"
    more = len(view.scopes) - len(some)
    return f"there are {', '.join(map(repr, some))}" + (f" and {more} more" if more else "")


def _matches(pattern: str, tree: ScopeTree, s: int) -> bool:
    scope = tree.scopes[s]
    paths = [scope.path] if scope.is_generated else [scope.path, scope.plain]
    for path in paths:
        wanted, parts = pattern.split("/"), path.split("/")
        if path == pattern or (
            len(wanted) == len(parts) and all(fnmatchcase(part, want) for want, part in zip(wanted, parts))
        ):
            return True
    return False


def _centre(graph: Graph, around: object, hops: object) -> int:
    whole(hops, "draw", "hops")
    if around is None:
        return -1
    if not isinstance(around, Value):
        msg = f"draw: expected around to be a Value of the graph, got {shown(around)}"
        raise OperandError(msg)
    centre = graph.index.get(around, -1)
    if centre < 0 or centre in graph.constants:
        msg = (
            f"draw: around={brief(around, 80)} is no node of this graph: root does not depend on it. "
            "Pass a Value that went into root"
        )
        raise StructureError(msg)
    return centre


def _neighbourhood(graph: Graph, centre: int, hops: int) -> frozenset[int]:
    """The nodes within a number of edges up or down of one node; all if there is no such node."""
    if centre < 0:
        return frozenset(range(len(graph.order))) - graph.constants
    seen = {centre}
    for neighbours in (graph.operands, graph.users):
        edge = {centre}
        for _ in range(hops):
            edge = {u for v in edge for u in neighbours[v]}
            seen |= edge
            if not edge:
                break
    return frozenset(seen)


def _sizes(tree: ScopeTree, shown: frozenset[int]) -> list[int]:
    sizes = [0] * len(tree.scopes)
    for v in shown:
        sizes[tree.home[v]] += 1
    for s in sorted(range(1, len(sizes)), key=lambda s: -tree.scopes[s].depth):
        sizes[tree.scopes[s].parent] += sizes[s]
    return sizes


def _opened(view: View) -> View:
    """Open scopes from the outside in, similar ones together, the largest first, while there are few cards."""
    # Similar ones together: of ten equal layers, one open and nine folded would look like a difference in the model.
    tree = view.tree
    cards = [0] * len(tree.scopes)  # by scope: the cards directly in it
    for v in view.shown:
        cards[tree.home[v]] += 1
    depths: dict[int, dict[str, list[int]]] = {}  # by depth: families of similar scopes
    structured: set[int] = set()  # the user's scopes that hold others
    for s in view.foldable():
        scope = tree.scopes[s]
        cards[scope.parent] += 1
        if not scope.is_generated and not tree.scopes[scope.parent].is_generated:
            structured.add(scope.parent)
        family = f"in {scope.parent}" if scope.is_generated else re.sub(r"\d+", "", scope.path)
        depths.setdefault(scope.depth, {}).setdefault(family, []).append(s)
    for s in sorted(range(1, len(cards)), key=lambda s: -tree.scopes[s].depth):
        if view.sizes[s] == 1:  # cannot be folded, so its card shows as soon as the scope around it is open
            cards[tree.scopes[s].parent] += cards[s]
    sliced = _sliced(view)
    few = FEW_CARDS if len(view.graph.order) < MAP else CARDS_OF_A_MAP
    total = cards[ROOT]
    opened: set[int] = {plate.scope for plate in view.plates}
    for depth in sorted(depths):
        for like in sorted(depths[depth].values(), key=lambda like: -sum(view.sizes[s] for s in like)):
            if opened.issuperset(like):
                total += sum(cards[s] - 1 for s in like)
                continue
            visible = [s for s in like if tree.scopes[s].parent in opened or tree.scopes[s].parent == ROOT]
            if not sliced.isdisjoint(visible):
                continue
            more = sum(cards[s] - 1 for s in visible)
            if total + more <= (few if structured.issuperset(like) else min(few, FEWER_CARDS)):
                opened.update(visible)
                total += more
    return view._replace(opened=frozenset(opened))


def _sliced(view: View) -> set[int]:
    """The user's scopes that hold mostly equal generated parts, "6 × neuron": opening them shows nothing new."""
    tree = view.tree
    of_users = {tree.scopes[s].parent for s in view.foldable() if not tree.scopes[s].is_generated}
    alike: dict[tuple[int, str], list[int]] = {}
    for s in view.foldable():
        scope = tree.scopes[s]
        if s in of_users and scope.is_generated and scope.parent != ROOT and not tree.scopes[scope.parent].is_generated:
            kind = re.sub(r"\d+", "", scope.name.partition(" · ")[0])
            alike.setdefault((scope.parent, kind), []).append(view.sizes[s])
    return {s for (s, _), sizes in alike.items() if len(sizes) >= MANY_ALIKE and 2 * sum(sizes) > view.sizes[s]}


def folded_further(view: View) -> Iterator[View]:
    """Views with ever less detail: the innermost open scopes folded, then those around them. Plates stay open."""
    kept = {plate.scope for plate in view.plates}
    scopes = view.tree.scopes
    inner = {scopes[s].depth for s in view.opened if view.sizes[s] > 1} - {0}
    for depth in sorted(inner, reverse=True):
        yield view._replace(opened=frozenset(s for s in view.opened if s in kept or scopes[s].depth < depth))


def alike_folded(view: View, kept: Iterable[int] = ()) -> list[View]:
    """Views in each of which one open scope and its siblings of equal size are folded, the fewest hidden nodes first.

    Only scopes without open ones in them are folded, so detail goes before structure. Plates stay open, and so does a
    scope that holds a node in `kept`.
    """
    tree, folds = view.tree, view.folds()
    is_open = [s for s in view.foldable() if s in view.opened and folds[s] == ROOT]
    held = {s for v in kept for s in tree.chain(tree.home[v])} | {plate.scope for plate in view.plates}
    held.update(tree.scopes[s].parent for s in is_open)
    alike: dict[tuple[int, int], set[int]] = {}
    for s in is_open:
        if s not in held:
            alike.setdefault((tree.scopes[s].parent, view.sizes[s]), set()).add(s)
    found = [view._replace(opened=view.opened - like) for like in alike.values()]
    return sorted(found, key=count_cards, reverse=True)


def grouped(view: View, most: int, bands: int) -> View:
    """The view with generated scopes in every scope of more than `most` contents, folded as in large graphs."""
    tree = view.tree.copy()
    generate_scopes(view.graph, tree, view.hidden, most, bands)
    view = view._replace(tree=tree, sizes=_sizes(tree, view.shown))
    return _opened(view)


def losses_together(view: View) -> View | None:
    """The view with sibling losses of one kind, such as those of all cases, as one card; None if there are none.

    `plates` does not find them: losses with different targets differ in their operations.
    """
    graph, tree, folds = view.graph, view.tree.copy(), view.folds()
    inside: dict[int, list[int]] = {}
    for v in sorted(view.shown):
        if tree.scopes[tree.home[v]].composite:
            inside.setdefault(tree.home[v], []).append(v)
    alike: dict[tuple[int, str], list[int]] = {}
    for s in inside:
        if folds[s] == s:
            alike.setdefault((tree.scopes[s].parent, re.sub(r"\d+$", "", tree.scopes[s].name)), []).append(s)
    families = {kind: members for kind, members in alike.items() if len(members) >= LEAST}
    for (parent, name), members in families.items():
        if returns(graph, {v for s in members for v in inside[s]}):
            continue
        number = len(tree.scopes)
        tree.scopes.append(Scope(parent, f"{len(members)} × {name}", tree.scopes[parent].plain, is_generated=True))
        tree.scopes[number].of_each = tree.scopes[members[0]].composite
        for s in members:
            tree.scopes[s] = tree.scopes[s].within(number)
    if len(tree.scopes) == len(view.tree.scopes):
        return None
    tree.finish()
    return view._replace(tree=tree, sizes=_sizes(tree, view.shown))


def groups_of(view: View) -> dict[int, list[int]]:
    """The nodes of every folded scope."""
    folds = view.folds()
    groups: dict[int, list[int]] = {}
    for v in sorted(view.shown):
        s = folds[view.tree.home[v]]
        if s != ROOT:
            groups.setdefault(s, []).append(v)
    return groups


def count_cards(view: View) -> int:
    """How many cards the nodes in view become, folded scopes as one each."""
    folds = view.folds()
    homes = Counter(folds[view.tree.home[v]] for v in view.shown)
    return homes.pop(ROOT, 0) + len(homes)


def operations_shown(view: View) -> int:
    """How many cards show what operations give; leaves, and folded scopes of leaves alone, do not count."""
    folds = view.folds()
    homes = Counter(folds[view.tree.home[v]] for v in view.shown if not view.graph.is_leaf(v))
    return homes.pop(ROOT, 0) + len(homes)


def states(view: View) -> Iterator[tuple[str, View]]:
    """The views that differ from this one in a single scope: first those that open it, then those that fold it."""
    scopes = view.foldable()
    paths = [scope.path for scope in view.tree.scopes]
    yield from ((paths[s], view.with_open([s])) for s in scopes if s not in view.opened)
    yield from ((paths[s], view._replace(opened=view.opened - {s})) for s in scopes if s in view.opened)
