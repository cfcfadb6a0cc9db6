"""Orders the cards within each layer so that few edges cross: three engines with one interface.

An engine takes the layers and the links between neighbouring layers, and returns the layers in a
better order. It assigns no coordinates (`layered` does), so the engines are interchangeable
(docs/adr/0006).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ....errors import MissingExtraError, StructureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Link(NamedTuple):
    """An edge between neighbouring layers."""

    above: int
    below: int
    # Where it leaves and enters, as a fraction of the node's side: -0.5 to 0.5. Without these, two edges into different
    # ports of one card would count as meeting in one point, and their crossings would not be seen.
    leaves: float
    enters: float


Layers = list[list[int]]

ORDERINGS, FEW_ORDERINGS = 12, 4  # barycentre sweeps over all layers, and over those of large graphs
MANY_LINKS = 4000  # links above which there are fewer sweeps, and no exchanges of neighbours
TRIED_TWICE = 1000  # with more links, no second starting order is tried
MOST_CACHED = 64  # cached results for layers of up to TRIED_TWICE links: a few megabytes
DOT_SECONDS = 20  # `dot` is stopped after so long


def crossings(layers: Layers, links: Sequence[Link]) -> int:
    """How many pairs of links cross."""
    # Links between two layers cross if their ends are in the opposite order of their starts: inversions, counted in
    # n log n by a sorted list. The factor 0.9 keeps a port within its card's own interval of length 1.
    place = _positions(layers)
    layer = {v: k for k, vertices in enumerate(layers) for v in vertices}
    between: list[list[tuple[float, float]]] = [[] for _ in layers]
    for u, v, leaves, enters in links:
        between[layer[u]].append((place[u] + leaves * 0.9, place[v] + enters * 0.9))
    total = 0
    for ends in between:
        ends.sort()
        seen: list[float] = []
        for _, end in ends:
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return total


def _positions(layers: Layers) -> dict[int, int]:
    return {v: i for vertices in layers for i, v in enumerate(vertices)}


def by_sweeps(layers: Layers, links: Sequence[Link]) -> Layers:
    """Barycentre sweeps, down and up in turn, each followed by exchanges of neighbours; returns the best order seen."""
    # Directions and line breaks are chosen by trying them, and copies are equal: for an unfolded recurrent network,
    # more than half of all calls repeat an earlier one.
    if len(links) > TRIED_TWICE:
        return _swept(layers, links)
    return [list(vertices) for vertices in _kept(tuple(map(tuple, layers)), tuple(links))]


@lru_cache(MOST_CACHED)
def _kept(layers: tuple[tuple[int, ...], ...], links: tuple[Link, ...]) -> Layers:
    return _swept([list(vertices) for vertices in layers], links)


def _swept(layers: Layers, links: Sequence[Link]) -> Layers:
    # The best, not the last: a sweep can make things worse on its way to something better.
    above: dict[int, list[tuple[int, float, float]]] = {}
    below: dict[int, list[tuple[int, float, float]]] = {}
    for u, v, leaves, enters in links:
        above.setdefault(v, []).append((u, leaves, enters))
        below.setdefault(u, []).append((v, enters, leaves))
    best, fewest = layers, crossings(layers, links)
    current = [list(vertices) for vertices in layers]
    for sweep in range(FEW_ORDERINGS if len(links) > MANY_LINKS else ORDERINGS):
        if fewest == 0:
            break
        down = sweep % 2 == 0
        place = _positions(current)
        for vertices in current if down else reversed(current):
            _by_barycentre(vertices, above if down else below, place)
        if len(links) <= MANY_LINKS:
            _exchange(current, above, below)
        found = crossings(current, links)
        if found < fewest:
            best, fewest = [list(vertices) for vertices in current], found
    return best


def _by_barycentre(
    vertices: list[int], neighbours: dict[int, list[tuple[int, float, float]]], place: dict[int, int]
) -> None:
    # A card without neighbours on that side keeps its position, and `sort` is stable: so the result is reproducible.
    def key(v: int) -> float:
        ends = neighbours.get(v)
        return sum(place[u] + 0.9 * there for u, there, _ in ends) / len(ends) if ends else place[v]

    vertices.sort(key=key)
    place.update((v, i) for i, v in enumerate(vertices))


def _exchange(
    layers: Layers,
    above: dict[int, list[tuple[int, float, float]]],
    below: dict[int, list[tuple[int, float, float]]],
) -> None:
    """Exchange adjacent cards wherever that saves crossings, until nothing is saved or after four rounds."""
    # Barycentres are averages and miss such pairs. Only links of the two cards matter, so a trial is cheap. The other
    # ends of links lie in other layers, which do not change while this one is processed. A layer is skipped if neither
    # it nor its neighbours have changed since its last turn.
    place = _positions(layers)

    def ends(v: int) -> list[list[float]]:
        return [sorted([place[u] + 0.9 * there for u, there, _ in side.get(v, ())]) for side in (above, below)]

    changed = set(range(len(layers)))
    for _ in range(4):
        before, changed = changed, set()
        for k, vertices in enumerate(layers):
            if len(vertices) < 2 or not (before | changed) & {k - 1, k, k + 1}:
                continue
            left, of_left = vertices[0], ends(vertices[0])
            for i, right in enumerate(vertices[1:]):
                of_right = ends(right)
                now = sum(map(_inversions, of_left, of_right))
                if now and sum(map(_inversions, of_right, of_left)) < now:
                    vertices[i], vertices[i + 1] = right, left
                    place[left], place[right] = i + 1, i
                    changed.add(k)
                else:
                    left, of_left = right, of_right
        if not changed:
            return


def _inversions(first: list[float], second: list[float]) -> int:
    """Pairs of links that cross if the card with the ends `first` is placed before the one with the ends `second`."""
    if not first or not second or first[-1] <= second[0]:
        return 0
    return sum([bisect_left(second, end) for end in first])


def by_sugiyama(layers: Layers, links: Sequence[Link]) -> Layers:
    """The order that the Rust library `fast-sugiyama` finds."""
    import fast_sugiyama

    # It computes layers of its own from links, all of which have length 1 here; of its answer only the horizontal
    # positions are used, as an order within our layers. Connected parts are put side by side, in a fixed order.
    edges = sorted({(link.above, link.below) for link in links})
    across: dict[int, float] = {}
    offset = 0.0
    for positions, span, _, _ in sorted(
        fast_sugiyama.from_edges(edges), key=lambda part: min(int(v) for v, _ in part[0])
    ):
        across.update((int(v), offset + x) for v, (x, _) in positions)
        offset += span + 1
    return _sorted_by(layers, across)


def _sorted_by(layers: Layers, across: dict[int, float]) -> Layers:
    return [sorted(vertices, key=lambda v: (across.get(v, 0.0), v)) for vertices in layers]


def by_dot(layers: Layers, links: Sequence[Link]) -> Layers:
    """The order that Graphviz' program `dot` finds."""
    import json
    import shutil
    import subprocess

    program = shutil.which("dot")
    if program is None:
        msg = (
            'draw: layout="dot" needs the program `dot` of Graphviz (https://graphviz.org) on PATH; "builtin" does not'
        )
        raise MissingExtraError(msg)
    # Only the order is taken from `dot`: with labels it takes seconds for a few hundred cards (docs/adr/0006).
    lines = ['digraph { nslimit=2; nslimit1=2; mclimit=0.5; node [shape=box fixedsize=true label=""];']
    lines += [f"{{rank=same; {' '.join(map(str, vertices))} }}" for vertices in layers]
    lines += [f"{link.above} -> {link.below};" for link in links]
    try:
        done = subprocess.run(  # noqa: S603
            [program, "-Tjson"],
            input="\n".join([*lines, "}"]),
            capture_output=True,
            text=True,
            check=True,
            timeout=DOT_SECONDS,
        )
        objects = json.loads(done.stdout)["objects"]
        across = {int(o["name"]): float(o["pos"].split(",")[0]) for o in objects if "pos" in o}
    except subprocess.TimeoutExpired:
        msg = f'draw: `dot` took more than {DOT_SECONDS} s for {sum(map(len, layers))} points; use layout="builtin"'
        raise StructureError(msg) from None
    except (subprocess.CalledProcessError, OSError, ValueError, KeyError) as error:
        detail = getattr(error, "stderr", "") or error
        msg = f'draw: `dot` at {program} failed ({str(detail).strip()[:200]}); use layout="builtin"'
        raise StructureError(msg) from error
    return _sorted_by(layers, across)


def builtin(layers: Layers, links: Sequence[Link]) -> Layers:
    """The better of two orders: our sweeps started from the given order, and from the Rust library's."""
    # Measured on 150 random graphs: the library alone leaves 6 295 crossings, sweeps from our order 5 635, the better
    # of both 5 442. On 1 000 cards it takes twice as long, hence the limit.
    own = by_sweeps(layers, links)
    if len(links) > TRIED_TWICE or crossings(own, links) == 0:
        return own
    try:
        other = by_sweeps(by_sugiyama(layers, links), links)
    except ImportError:  # no wheel for this machine, Pyodide among them
        return own
    return min(own, other, key=lambda found: crossings(found, links))


ENGINES: dict[str, Callable[[Layers, Sequence[Link]], Layers]] = {"builtin": builtin, "dot": by_dot}
