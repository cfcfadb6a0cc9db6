"""From a view to a scene: cards for nodes and folded scopes, junctions where many edges meet, stubs at the border."""

from __future__ import annotations

from collections import ChainMap, Counter
from typing import TYPE_CHECKING

from .. import text
from .board import Board
from .cards import LEAST_FONT, Card, Port, Scene, blank_card, lined_up, name_of, node_card, ports_of
from .collapsed import MOST_PORTS, Entering, edges_said, folded_card, folded_ports, junctions, largest_shown
from .overlay import CHANGED
from .plates import handed_on, plate_card, plates_said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..view.folding import View

STUB_HEIGHT = 20.0
MOST_MISSING = 3  # more operands that are not in view share one port
LISTED = 12  # folded scopes, and roots, that the description names


def scene_of(view: View, direction: str) -> Scene:
    """The scene of a view; direction is "LR" or "TB"."""
    board = Board(view, direction)
    graph, tree = view.graph, view.tree
    largest = largest_shown(board)
    entering: dict[int, list[Entering]] = {}
    for i in sorted(view.shown):
        if board.card_of[i] != i:
            continue
        if i in board.groups:
            s, group = board.groups[i]
            entering[i] = _entering(board, i, group)
            board.cards[i] = folded_card(board, s, group, board.around(tree.scopes[s].parent), largest)
        else:
            scope = board.around(tree.home[i])
            ports = _node_ports(board, i, scope)
            board.cards[i] = node_card(graph, i, scope, ports, direction, largest, is_row=i in graph.rows)
            if i == view.centre:
                board.cards[i] = board.cards[i]._replace(is_centre=True)
    for k in range(len(view.plates)):
        plate_card(board, k)
    # Ports of folded cards come last: junctions need to know all that enters them.
    joined = junctions(board, entering)
    for i, sources in entering.items():
        s, group = board.groups[i]
        ports = folded_ports(board, s, group, sources, joined.get(i, {}))
        board.cards[i] = _with_ports(board.cards[i], ports, direction, crowded=len(ports) > MOST_PORTS)
    _stubs_behind(board)
    card_of = {v: i for v, i in board.card_of.items() if i in board.cards}
    return Scene(board.cards, direction, board.has_grads, _description(board), card_of)


def _with_ports(card: Card, ports: Sequence[Port], direction: str, *, crowded: bool) -> Card:
    placed, chip, extent = lined_up(ports, direction, crowded=crowded)
    if direction == "LR":
        return card._replace(ports=placed, chip=chip, height=max(card.height, extent))
    return card._replace(ports=placed, chip=chip, width=max(card.width, extent))


def _entering(board: Board, i: int, group: list[int]) -> list[Entering]:
    found: dict[int, dict[int, int]] = {}
    missing: dict[int, int] = {}
    for v in group:
        before = board.sources(v)
        for u in board.graph.operands[v]:
            source = handed_on(board, *before[u]) if u in before else board.card_of.get(u)
            if source != i:
                edges = missing if source is None else found.setdefault(source, {})
                edges[u] = edges.get(u, 0) + 1
    s, _ = board.groups[i]
    for k in board.closed_in(s):
        for u in board.view.plates[k].entries(board.graph):
            source = board.card_of.get(u)
            if source not in (None, i):
                found.setdefault(source, {})[u] = 1
    sources = sorted(found)
    names = [board.called(source) for source in sources]
    entering = [Entering(sources[k], found[sources[k]]) for k in text.numbered(names)]
    if missing:
        stub = _stub(board, missing, board.around(board.view.tree.scopes[s].parent))
        entering.append(Entering(stub, missing))
    return entering


def _node_ports(board: Board, i: int, scope: tuple[str, ...]) -> list[Port]:
    """A port for every operand; many operands from one stub or folded card share a port."""
    graph = board.graph
    missing = Counter(u for u in graph.operands[i] if u not in board.card_of)
    card_of = ChainMap(board.card_of)  # a copy for each node would make this quadratic
    if missing:
        card_of = card_of.new_child(dict.fromkeys(missing, _stub(board, missing, scope)))
    before = {u: handed_on(board, *source) for u, source in board.sources(i).items()}
    if before:
        card_of = card_of.new_child(before)
    ports = ports_of(graph, i, card_of)
    together: dict[int, list[Port]] = {}
    copied = {port.source for port in ports if port.node in board.view.hidden and port.node not in before}
    for port in ports:
        is_stub = port.source in board.groups or port.node in missing or port.node in before
        if is_stub or port.node in board.view.hidden or port.source in copied:
            together.setdefault(port.source, []).append(port)
    kept = []
    for port in ports:
        bundle = together.get(port.source, [port])
        if len(bundle) <= (1 if port.source in copied else MOST_MISSING):
            kept.append(port)
        elif port is bundle[0]:
            kept.append(_bundled(board, bundle))
    return kept


def _bundled(board: Board, ports: list[Port]) -> Port:
    source = ports[0].source
    chips = {port.chip for port in ports}
    chip = f"{len(ports)} {chips.pop()}" if len(chips) == 1 else edges_said(len(ports))
    if ports[0].node in board.view.hidden or ports[-1].node in board.view.hidden:
        title = f"{len(ports)} operands, from all copies"
    elif source in board.groups:
        title = f"{len(ports)} operands, from {board.view.tree.scopes[board.groups[source][0]].path}"
    else:
        title = board.cards[source].title
    return ports[0]._replace(chip=chip, is_dead=all(port.is_dead for port in ports), node=-1, title=title)


def _stub(board: Board, nodes: dict[int, int], scope: tuple[str, ...], ports: tuple[Port, ...] = ()) -> int:
    """A small card that stands for nodes that are not in view."""
    number = board.number()
    names = [name_of(board.graph, u) for u in sorted(nodes)]
    label = f"+{sum(nodes.values())} more"
    some = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
    width = text.extent(label, LEAST_FONT) + 14
    size = (width, STUB_HEIGHT)
    title = f"{sum(nodes.values())} edges {'to' if ports else 'from'} nodes that are not in view: {some}"
    board.cards[number] = blank_card(number, scope, label, size, title, kind="stub")._replace(ports=ports)
    return number


def _stubs_behind(board: Board) -> None:
    """Stubs for users that are not in view, so that a gradient is seen to have other parts."""
    out: dict[int, Counter[int]] = {}
    if len(board.view.shown) + len(board.graph.constants) + len(board.view.hidden) < len(board.graph.order):
        for v in sorted(board.view.shown):
            missing = Counter(w for w in board.graph.users[v] if w not in board.card_of)
            if missing:
                out.setdefault(board.card_of[v], Counter()).update(missing)
    for i, nodes in out.items():
        port = Port(0, i, "", is_constant=False, is_dead=False, title="to nodes that are not in view")
        _stub(board, nodes, board.cards[i].scope, (port,))


def _description(board: Board) -> str:
    graph, view = board.graph, board.view
    state = "with gradients" if board.has_grads else "gradients not computed"
    results = [f"{name_of(graph, v)} = {text.in_full(graph.data[v])}" for v in sorted(graph.roots)]
    head = (
        f"Computation graph of {', '.join(results[:LISTED])}{', …' * (len(results) > LISTED)}: "
        f"{len(graph.order)} nodes, {graph.edges} edges, {state}. "
    )
    body = "Every card is a value; the chips where its operands enter are the local derivatives."
    if board.groups:
        paths = [board.cards[i].folded for i in board.groups]
        some = ", ".join(text.shorten(path, text.LONGEST_LABEL) for path in paths[:LISTED])
        n = len([card for card in board.cards.values() if card.kind in ("node", "fold")])
        are = "is a folded scope" if len(paths) == 1 else "are folded scopes"
        body = (
            f"Drawn as {n} cards, of which {len(paths)} {are} ({some}{', …' * (len(paths) > LISTED)}). "
            "Every other card is a value. The chips where operands enter are the local derivatives; "
            "at a folded scope with one result, the derivatives of that result through all of the scope."
        )
    if graph.stale:
        n = len(graph.stale)
        body += f" Marked as changed, {n} node{'s' * (n > 1)}: {CHANGED.title}."
    if view.plates:
        body += plates_said(board)
    left_out = len(graph.order) - len(graph.constants) - len(view.shown) - len(view.hidden)
    return head + body + (f" {left_out} nodes are not in view." if left_out else "")
