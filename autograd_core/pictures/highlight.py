"""Paths and nodes that stand out in a picture, while all else is dimmed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..errors import OperandError, StructureError
from ..value import Value
from . import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .scene import Scene
    from .scoping import Graph

FACTORS = 8  # of a product that is written out
TOLD = 3  # nodes between the ends of a path that its legend names
ACCENTS = 6  # colours, which repeat


class Way(Protocol):
    """What a path has; `Path` stands in a room above this one."""

    @property
    def nodes(self) -> tuple[Value, ...]: ...  # noqa: D102
    @property
    def operands(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def product(self) -> Any: ...  # noqa: D102


class Track(NamedTuple):
    """What is to stand out together, by numbers of nodes."""

    nodes: tuple[int, ...]
    edges: tuple[tuple[int, int, int], ...]  # source, user, which operand of it; (source, user, -1) for any
    legend: str  # "" for nodes that are no path


class Emphasis(NamedTuple):
    """The same in a scene: numbers of tracks by card, and by card and operand of a port."""

    cards: dict[int, int]
    ports: dict[tuple[int, int], list[int]]


def tracks_of(highlight: object, graph: Graph) -> tuple[Track, ...]:
    """Read the argument of `draw`: a path or several, or values.

    Raises:
        OperandError: It is neither.
        StructureError: A path or a value that is not in the graph.
    """
    if highlight is None:
        return ()
    given = [highlight] if isinstance(highlight, Value) or _is_path(highlight) else highlight
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes)):
        raise _refused(highlight)
    paths: list[Way] = []
    alone: list[int] = []
    for item in given:
        if isinstance(item, Value):
            alone.append(_known(item, graph))
        elif _is_path(item):
            paths.append(item)
        else:
            raise _refused(item)
    common = set(paths[0].nodes).intersection(*(path.nodes for path in paths)) if len(paths) > 1 else set()
    names = dict(zip(graph.order, graph.names, strict=True)) if paths else {}
    tracks = [_path(path, graph, names, common, number) for number, path in enumerate(paths, start=1)]
    if alone:
        tracks.append(_values(alone, graph))
    return tuple(tracks)


def _is_path(x: Any) -> bool:
    return hasattr(x, "nodes") and hasattr(x, "operands") and hasattr(x, "product")


def _refused(given: object) -> OperandError:
    msg = f"draw: expected highlight to be a Path, Values, or several, got {given!r:.60} ({type(given).__name__})"
    return OperandError(msg)


def _known(node: Value, graph: Graph) -> int:
    i = graph.index.get(node)
    if i is None:
        msg = (
            f"draw: {node!r:.80} is to be highlighted, but it is no node of this graph: root does not depend on it. "
            "Take paths and values from the root that is drawn"
        )
        raise StructureError(msg)
    return i


def _path(path: Way, graph: Graph, names: Mapping[Value, str], common: set[Value], number: int) -> Track:
    nodes = tuple(_known(node, graph) for node in path.nodes)
    edges = []
    factors = []
    for source, user, operand in zip(path.nodes, path.nodes[1:], path.operands):
        if not 0 <= operand < len(user.parents) or user.parents[operand] is not source:
            msg = f"draw: no such path in this graph: operand {operand} of {user!r:.60} is not {source!r:.60}"
            raise StructureError(msg)
        edges.append((graph.index[source], graph.index[user], operand))
        factors.append(text.number(user.local_grads[operand]))
    return Track(nodes, tuple(edges), f"path {number}: {_route(path, names, common)}: {_product(path, factors)}")


def _route(path: Way, names: Mapping[Value, str], common: set[Value]) -> str:
    """The ends of a path and, between them, the first nodes that not all paths have."""
    last = len(path.nodes) - 1
    told = [k for k in range(1, last) if path.nodes[k] not in common or which(path.nodes[k], path.operands[k - 1])]
    words: list[str] = []
    before = -1
    for k in dict.fromkeys((0, *told[:TOLD], last)):
        words += ["…"] * (k > before + 1)
        operand = which(path.nodes[k], path.operands[k - 1]) if k else ""
        words.append(
            text.shorten(text.clean(names[path.nodes[k]]), text.LONGEST_LABEL) + (f" ({operand})" if operand else "")
        )
        before = k
    return " → ".join(words)


def which(user: Value, operand: int) -> str:
    """Which operand an edge enters by, as "operand 1", if the same value is there more than once; else ""."""
    parents = user.parents
    return f"operand {operand + 1}" if sum(p is parents[operand] for p in parents) > 1 else ""


def _product(path: Way, factors: Sequence[str]) -> str:
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
    """Which cards and ports of a scene the tracks touch; a folded card stands for what is in it."""
    cards: dict[int, int] = {}
    ports: dict[tuple[int, int], list[int]] = {}
    for number, track in enumerate(tracks):
        for node in track.nodes:
            if scene.card_of.get(node) in scene.cards:
                cards.setdefault(scene.card_of[node], number)
        for source, user, operand in track.edges:
            for place in _places(scene, source, user, operand):
                marked = ports.setdefault(place, [])
                if number not in marked:
                    marked.append(number)
                cards.setdefault(place[0], number)
    return Emphasis(cards, ports)


def _places(scene: Scene, source: int, user: int, operand: int) -> list[tuple[int, int]]:
    """The ports through which an edge enters: one, or two where it passes a junction; none within a folded card."""
    a, b = scene.card_of.get(source), scene.card_of.get(user)
    if a is None or b is None or a == b:
        return []
    into = scene.cards[b].ports
    if b == user and operand >= 0:
        exact = [(b, port.operand) for port in into if port.operand == operand and port.source == a]
        if exact:
            return exact
    direct = [port for port in into if port.source == a]
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
