"""Highlighted paths and nodes; everything else is dimmed."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ....errors import OperandError, StructureError
from ...any_object import brief, listed, shown
from ...engine.evaluation import is_finite, plus, times
from ...engine.value import Constant, Value
from ...notation.composites import as_written
from ...notation.formulas import WrittenComposite
from ...notation.losses import loss_of
from ...notation.rules import rules_along
from .. import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..view.folding import View
    from ..view.scope_tree import Graph
    from .cards import Port, Scene

FACTORS = 8  # a product of more factors is not written out
TOLD = 3  # nodes between the ends of a path that its legend names
ACCENTS = 6  # colours; the seventh path has the first one again
STRONG, STRONGEST = " strong", 4.0  # the class, beside its colour, of the path with the largest product; its width
MOST_RULES = 4  # of what is highlighted
SAME_PRODUCT = 1e-9  # products of the same factors differ by less
NIL = "nil"  # the muted colour of a path whose product is 0


class HighlightedPath(Protocol):
    """The attributes of a path that highlighting needs. `Path` itself is in `explanation`, which is above this room."""

    @property
    def nodes(self) -> tuple[Value, ...]: ...
    @property
    def operands(self) -> tuple[int, ...]: ...
    @property
    def product(self) -> Any: ...


class _PathRead(NamedTuple):
    """A path in terms of the picture's graph, whose nodes are copies where composites are single operations."""

    nodes: tuple[Value, ...]
    operands: tuple[int, ...]  # -1: into the card of a composite
    product: Any
    edges: tuple[tuple[Value, int] | None, ...]  # those whose slopes the picture shows; None where it shows none
    is_through: bool = False  # whether composites are on its way
    whole: str = ""  # the composite of whose paths this is the sum, where it was given as one of them


class Track(NamedTuple):
    """Nodes and edges that are highlighted together, by number."""

    nodes: tuple[int, ...]
    edges: tuple[tuple[int, int, int], ...]  # (source, user, operand of the user); operand -1 for any
    legend: str  # "" for nodes that are no path
    colour: str = "a0"  # its classes: "a0" to "a5", or "nil" for a path whose product is 0; "strong" for the largest
    rules: tuple[str, ...] = ()  # behind the slopes of the largest path, or of the one value that stands out


class Emphasis(NamedTuple):
    """The highlighted tracks of a scene, by number: for each card, and for each port (a card and an operand)."""

    cards: dict[int, int]
    ports: dict[tuple[int, int], list[int]]


class _Wholes:
    """The composites that the picture shows as one operation, as texts write it: with its slopes, and no parts."""

    def __init__(self, roots: Sequence[Value], view: View) -> None:
        graph, scopes = view.graph, view.tree.scopes
        self.graph = graph
        self.read = as_written(roots)
        self.end: dict[int, int] = {}  # by number of a node on the card of a composite, its result
        closed = {s for s, fold in enumerate(view.folds()) if fold == s and scopes[s].composite}
        inside: dict[int, list[int]] = {}
        for v, s in enumerate(view.tree.home if closed else ()):
            if s in closed:
                inside.setdefault(s, []).append(v)
        for nodes in inside.values():
            within = set(nodes)
            ends = [v for v in nodes if v in graph.roots or not within.issuperset(graph.users[v])]
            if len(ends) == 1:
                self.end.update(dict.fromkeys(nodes, ends[0]))

    def names(self, names: Mapping[Value, str]) -> Mapping[Value, str]:
        """The names of the picture's nodes, and of those of the operations as written."""
        if self.read is None:
            return names
        order, index = self.graph.order, self.graph.index
        return {**{copy: names[order[index[node]]] for copy, node in self.read.recorded.items()}, **names}

    def edge(self, source: Value, entered: Value, operand: int, user: Value) -> tuple[Value, int] | None:
        """The edge as texts write it, by which a path enters the operation that has a result; None if none is known.

        Args:
            source: Where the path comes from, outside.
            entered: The recorded node that it enters, with the operand; or the result, if that is not known.
            operand: Which one, or that of the operation as written.
            user: The result.
        """
        if self.read is None or user not in self.read.edges:
            return None
        written = self.read.copy(user)
        parents, recorded = written.parents, self.read.edges[user]
        into = [k for k, edges in enumerate(recorded) if any(v is entered and n == operand for v, n in edges)]
        places = [*into, operand, *range(len(parents))]
        found = (k for k in places if 0 <= k < len(parents) and self.read.original(parents[k]) is source)
        return next(((written, k) for k in found), None)


def tracks_of(highlight: object, roots: Sequence[Value], view: View) -> tuple[Track, ...]:
    """Read the argument of `draw`: one or several paths, or values.

    Paths that differ only within a composite which the picture shows as one card, such as a softmax, are one track with
    the derivative that stands on the card.

    Raises:
        OperandError: It is neither.
        StructureError: A path or a value that is not in the graph.
    """
    if highlight is None:
        return ()
    graph = view.graph
    given: Any = [highlight] if isinstance(highlight, Value) or _is_path(highlight) else listed(highlight)
    if given is None:
        raise _refused(highlight)
    wholes = _Wholes(roots, view)
    paths: list[_PathRead] = []
    alone: list[int] = []
    together: set[Any] = set()  # the paths through composites so far, with nodes as ids
    for item in given:
        if isinstance(item, Value):
            alone.append(_known(item, graph))
        elif not _is_path(item):
            raise _refused(item)
        else:
            path = _read(item, wholes)
            way = tuple((id(node), edge and (id(edge[0]), edge[1])) for node, edge in zip(path.nodes, path.edges))
            if not path.is_through or way not in together:
                paths.append(path)
            together.add(way)
    common = set(paths[0].nodes).intersection(*(path.nodes for path in paths)) if len(paths) > 1 else set()
    names = dict(zip(graph.order, graph.names, strict=True))
    uses = Uses()
    tracks = [
        _path(path, graph, names, (common, apart), uses, number)
        for number, (path, apart) in enumerate(zip(paths, partings(paths), strict=True), start=1)
    ]
    if alone:
        tracks.append(_values(alone, graph))
    colours = (f"a{k % ACCENTS}" for k in itertools.count())  # a path whose product is 0 takes none
    tracks = [track if track.colour == NIL else track._replace(colour=next(colours)) for track in tracks]
    if len(given) == len(alone) == 1:  # of several, these would be many, and not what was asked
        edges = ((graph.order[v], k) for v in alone for k in range(len(graph.order[v].parents)))
        tracks[-1] = tracks[-1]._replace(rules=_rules(edges, names))
    if paths:
        k, is_largest = _largest(paths)
        rules = _rules(filter(None, paths[k].edges), wholes.names(names))
        tracks[k] = tracks[k]._replace(rules=rules, colour=tracks[k].colour + STRONG * is_largest)
    return tuple(tracks)


def _largest(paths: Sequence[_PathRead]) -> tuple[int, bool]:
    """The path whose product is the largest, the first of equal ones; and whether any other is smaller."""
    sizes = [abs(path.product) if path.product == path.product else math.inf for path in paths]
    k = max(range(len(sizes)), key=sizes.__getitem__)
    return k, len(sizes) > sizes.count(sizes[k])


def _rules(edges: Iterable[tuple[Value, int]], names: Mapping[Value, str]) -> tuple[str, ...]:
    """The rules behind the slopes of some edges; that of a composite, whose operand is -1, stands on its card."""
    found = rules_along((edge for edge in edges if edge[1] >= 0), names, MOST_RULES)
    return tuple(text.clean(rule) for rule in found)


def _is_path(x: Any) -> bool:
    return hasattr(x, "nodes") and hasattr(x, "operands") and hasattr(x, "product")


def _refused(given: object) -> OperandError:
    msg = f"draw: expected highlight to be a Path, Values, or several, got {shown(given)}"
    return OperandError(msg)


def _known(node: Value, graph: Graph) -> int:
    i = graph.index.get(node)
    if i is None:
        msg = (
            f"draw: {brief(node, 80)} is to be highlighted, but it is no node of this graph: root does not depend on "
            "it. Take paths and values from the root that is drawn"
        )
        raise StructureError(msg)
    return i


def _path(
    path: _PathRead,
    graph: Graph,
    names: Mapping[Value, str],
    known: tuple[set[Value], set[int]],
    uses: Uses,
    number: int,
) -> Track:
    nodes = tuple(_known(node, graph) for node in path.nodes)
    edges = tuple(zip(nodes, nodes[1:], path.operands, strict=False))
    shown = [edge for edge in path.edges if edge is not None]
    factors = [text.number(_slope(*edge)) for edge in shown] if len(shown) == len(edges) else []
    said = _product(path, factors) + (f", all paths through {path.whole} together" if path.whole else "")
    legend = f"path {number}: {_route(path, names, *known, uses)}: {said}"
    return Track(nodes, edges, legend, NIL if path.product == 0 else "a0")


def _slope(user: Value, operand: int) -> Any:
    edges = user._edges  # and not `parents`, which would read all operands for each path
    is_constant = isinstance(edges[operand], Constant)  # whose derivative is computed on demand
    return user.local_grads[operand] if is_constant else edges[len(edges) // 2 + operand]


def _read(path: HighlightedPath, wholes: _Wholes) -> _PathRead:
    """A path as the picture shows it: without the inner nodes of composites that are single operations there."""
    graph, end = wholes.graph, wholes.end
    numbers = [_known(node, graph) for node in path.nodes]
    # A composite within which the path begins or ends is gone through node by node.
    inner = {end[v] for v in (numbers[0], numbers[-1]) if end.get(v, v) != v}
    parts = {v for v in numbers if end.get(v, v) != v and end[v] not in inner}
    kept = [k for k, node in enumerate(path.nodes) if node not in graph.hidden and numbers[k] not in parts]
    nodes = tuple(graph.order[numbers[k]] for k in kept)
    operands: list[int] = []
    edges: list[tuple[Value, int] | None] = []
    through: list[Value] = []
    for j, k in itertools.pairwise(kept):
        source, user = graph.order[numbers[j]], graph.order[numbers[k]]
        is_card = end.get(numbers[k]) == numbers[k] and numbers[k] not in inner
        edge = None
        if is_card or isinstance(user._primitive, WrittenComposite):
            edge = wholes.edge(path.nodes[j], path.nodes[j + 1], path.operands[j], path.nodes[k])
            through += [] if edge is None else [edge[0]]
        operand = -1 if is_card else _operand(source, user, path.operands[k - 1] if j == k - 1 else -1)
        operands.append(operand if is_card or edge is None else edge[1])
        edges.append((user, operand) if edge is None and operand >= 0 else edge)
    read = _PathRead(nodes, tuple(operands), path.product, tuple(edges), is_through=bool(through))
    slopes = [_slope(*edge) for edge in edges if edge is not None]
    if not through or len(slopes) < len(edges):
        return read
    product = reduce(times, slopes) if all(slopes) else 0.0
    is_beyond_floats = not is_finite(product) or (not product and all(slopes))
    if is_beyond_floats or abs(plus(product, -path.product)) <= times(SAME_PRODUCT, abs(path.product)):
        return read
    return read._replace(product=product, whole=through[0].op)


def _operand(source: Value, user: Value, operand: int) -> int:
    """The position of an operand, checked; -1 for an inner node of a composite that is one operation here.

    Raises:
        StructureError: It is not that operand.
    """
    edges, primitive = user._edges, user._primitive
    half = len(edges) // 2
    if 0 <= operand < half and edges[operand] is source:
        return operand
    if (primitive is not None and primitive.composite) or loss_of(user) is not None:
        return next((k for k in range(half) if edges[k] is source), -1)
    msg = f"draw: no such path in this graph: operand {operand} of {brief(user)} is not {brief(source)}"
    raise StructureError(msg)


def partings(paths: Sequence[Any]) -> list[set[int]]:
    """For each path the positions, from 1, of the nodes at which it parts from another of the paths."""
    # A trie of common prefixes, not a comparison of all pairs of paths: there may be thousands.
    steps: dict[tuple[int, Any], int] = {}  # (prefix, edge) to the prefix that is one edge longer
    edges_at: dict[int, set[Any]] = {}  # by prefix: the edges that continue it
    walks = []
    for path in paths:
        at, walk = 0, [0]
        for edge in zip(map(id, path.nodes[1:]), path.operands, strict=False):
            edges_at.setdefault(at, set()).add(edge)
            at = steps.setdefault((at, edge), len(steps) + 1)
            walk.append(at)
        walks.append(walk)
    return [{k + 1 for k, at in enumerate(walk) if len(edges_at.get(at, ())) > 1} for walk in walks]


def _route(path: _PathRead, names: Mapping[Value, str], common: set[Value], apart: set[int], uses: Uses) -> str:
    """The ends of a path; between them the nodes where it parts from others, and the first nodes that not all have."""
    last = len(path.nodes) - 1
    told = [k for k in range(1, last) if path.nodes[k] not in common or uses.which(path.nodes[k], path.operands[k - 1])]
    told = sorted(dict.fromkeys([*sorted(apart - {last}), *told][: max(TOLD, len(apart))]))
    words: list[str] = []
    before = -1
    for k in dict.fromkeys((0, *told, last)):
        words += ["…"] * (k > before + 1)
        operand = uses.which(path.nodes[k], path.operands[k - 1]) if k else ""
        words.append(
            text.shorten(text.clean(names[path.nodes[k]]), text.LONGEST_LABEL) + (f" ({operand})" if operand else "")
        )
        before = k
    return " → ".join(words)


class Uses:
    """Tells equal operands of a node apart; counted once per node, since many paths may enter one large sum."""

    def __init__(self) -> None:
        self._counts: dict[Value, Counter[int]] = {}

    def which(self, user: Value, operand: int) -> str:
        """By which operand an edge enters, as "operand 1", if the user has that value more than once; else ""."""
        if operand < 0:
            return ""
        edges = user._edges
        counts = self._counts.get(user)
        if counts is None:
            counts = self._counts[user] = Counter(map(id, edges[: len(edges) // 2]))
        return f"operand {operand + 1}" if counts[id(edges[operand])] > 1 else ""


def _product(path: _PathRead, factors: Sequence[str]) -> str:
    product = text.number(path.product)
    if len(factors) < 2:  # nothing is multiplied
        return product
    if len(factors) <= FACTORS:
        return f"{' · '.join(factors)} = {product}"
    telling = [factor for factor in factors if factor != "1"]
    if 0 < len(telling) <= FACTORS:
        return f"{' · '.join(telling)} = {product} (factors of 1 left out)"
    return f"{len(factors)} factors = {product}"


def _values(nodes: Sequence[int], graph: Graph) -> Track:
    chosen = set(nodes)
    edges = [(u, v, -1) for v in sorted(chosen) for u in dict.fromkeys(graph.operands[v]) if u in chosen]
    return Track(tuple(nodes), tuple(edges), "")


def emphasis(tracks: Sequence[Track], scene: Scene) -> Emphasis:
    """The cards and ports of a scene on each track; a folded card counts for its contents."""
    cards: dict[int, int] = {}
    ports: dict[tuple[int, int], list[int]] = {}
    entries = _Entries(scene)
    # The first track on a card colours it, so paths with product 0 come last.
    for number, track in sorted(enumerate(tracks), key=lambda entry: entry[1].colour == NIL):
        for node in track.nodes:
            if scene.card_of.get(node) in scene.cards:
                cards.setdefault(scene.card_of[node], number)
        for source, user, operand in track.edges:
            for place in _places(entries, source, user, operand):
                marked = ports.setdefault(place, [])
                if marked[-1:] != [number]:
                    marked.append(number)
                cards.setdefault(place[0], number)
    return Emphasis(cards, ports)


class _Entries:
    """The ports of the cards that tracks enter, by where they come from and by operand; sorted once per card."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._found: dict[int, tuple[dict[int, list[Port]], dict[tuple[int, int], list[Port]]]] = {}

    def of(self, card: int) -> tuple[dict[int, list[Port]], dict[tuple[int, int], list[Port]]]:
        """By source, and by source and operand."""
        if card not in self._found:
            by_source: dict[int, list[Port]] = {}
            by_operand: dict[tuple[int, int], list[Port]] = {}
            for port in self.scene.cards[card].ports:
                by_source.setdefault(port.source, []).append(port)
                by_operand.setdefault((port.source, port.operand), []).append(port)
            self._found[card] = by_source, by_operand
        return self._found[card]


def _places(entries: _Entries, source: int, user: int, operand: int) -> list[tuple[int, int]]:
    """The ports through which an edge enters: one, or two if it passes a junction; none inside a folded card."""
    scene = entries.scene
    a, b = scene.card_of.get(source), scene.card_of.get(user)
    if a is None or b is None or a == b:
        return []
    into = scene.cards[b].ports
    by_source, by_operand = entries.of(b)
    if b == user and operand >= 0 and (a, operand) in by_operand:
        return [(b, port.operand) for port in by_operand[a, operand]]
    direct = by_source.get(a, [])
    chosen = [port for port in direct if port.node == source] or direct
    if chosen:
        return [(b, port.operand) for port in chosen]
    return [
        place
        for port in into
        for inner in scene.cards[port.source].ports
        if scene.cards[port.source].kind == "junction" and inner.source == a
        for place in ((b, port.operand), (port.source, inner.operand))
    ]
