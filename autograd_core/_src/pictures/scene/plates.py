"""The cards of a plate: how many copies there are, the signal in each of them, and what one hands on to another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...engine.evaluation import is_finite
from .. import text
from .cards import CAPTION_FONT, LEAST_FONT, Port, Strip, blank_card, lined_up, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..view.plates import Plate
    from .board import Board

WIDTH, HEAD, STRIP = 300.0, 22.0, 50.0  # of a plate's card, a line of text, bars with their numbers
MOST_BARS = 50  # of more copies, each bar is the largest of several
APART = 16.0  # of three numbers below one strip, at least
DECADES, WIDE = 6, 30.0  # of a logarithmic strip, which begins where the largest is so many times the least
HANDED_HEIGHT = 20.0
MOST = " ▲"  # behind the largest number
NAMED = 2  # values of those handed on that are named
LISTED, MOST_ENTERING = 12, 16  # copies that a title names; edges to others that have text


def plate_card(board: Board, k: int) -> None:
    """Add the card that tells about all copies, within the plate's box."""
    plate, graph = board.view.plates[k], board.graph
    if not any(v in board.view.shown and board.card_of[v] in board.cards for v in plate.copies.nodes[plate.shown]):
        return
    if k in board.closed:
        return
    strips = _strips(board, plate)
    n, shown = len(plate.names), plate.names[plate.shown]
    lines = [f"{n} copies, of which {shown} is shown"]
    lines += [f"{strip.caption}: {' … '.join(filter(None, (strip.first, strip.most, strip.last)))}" for strip in strips]
    if graph.largest is None:
        lines.append("gradients not computed: call backward() first")
    number = board.number()
    size = (WIDTH, HEAD + STRIP * len(strips))
    card = blank_card(number, board.around(plate.scope), f"× {n}", size, "\n".join(lines), kind="plate")
    has_weights = any(graph.is_leaf(u) for u in plate.copies.shared) and bool(strips)
    sums = f"; what all share has sums over {n}" if has_weights else ""
    board.cards[number] = card._replace(caption=f"shown: {shown}{sums}", strips=tuple(strips))
    before = [i for (plate_number, _), i in board.handed.items() if plate_number == k]
    _enter(board, plate, before[0] if before else number)


def _enter(board: Board, plate: Plate, i: int) -> None:
    """Lead what else enters the copies that are not shown, such as a first state, to a card of the plate."""
    sources: dict[int, dict[int, None]] = {}
    for u, copies in plate.entries(board.graph).items():
        if u in board.card_of and board.card_of[u] in board.cards:
            sources.setdefault(board.card_of[u], {}).update(copies)
    ports: list[Port] = []
    for source, copies in sources.items():
        names = [plate.names[c] for c in copies]
        chip = names[0] if len(names) == 1 else f"{len(names)} copies"
        title = f"enters {', '.join(names[:LISTED])}{', …' * (len(names) > LISTED)}"
        ports.append(Port(len(ports), source, chip, is_constant=False, is_dead=False, title=title))
    placed, room, extent = lined_up(ports, board.direction, crowded=len(ports) > MOST_ENTERING)
    card = board.cards[i]._replace(ports=placed, chip=room)
    if board.direction == "LR":
        board.cards[i] = card._replace(height=max(card.height, extent))
    else:
        board.cards[i] = card._replace(width=max(card.width, extent))


def _strips(board: Board, plate: Plate) -> list[Strip]:
    graph = board.graph
    if graph.largest is None:
        return []
    exits = plate.exits(graph, plate.shown)
    of = "its value" if len(exits) == 1 else f"its {len(exits)} values"
    strips = [_strip(f"|gradient| of {of}", plate, plate.signals(graph))]
    weights = sorted(u for u in plate.copies.shared if graph.is_leaf(u))
    if weights:
        what = name_of(graph, weights[0]) if len(weights) == 1 else f"{len(weights)} weights"
        strips.append(_strip(f"|part of the gradient of {what}|", plate, plate.shares(graph)))
    n = len(plate.own_leaves(graph)[0])
    if n:
        strips.append(_strip(f"|gradient| of its {'input' if n == 1 else f'{n} inputs'}", plate, plate.inputs(graph)))
    return strips


def _strip(caption: str, plate: Plate, numbers: Sequence[float]) -> Strip:
    """Bars as high as the numbers are large, or as their logarithms where they differ widely."""
    largest = max((abs(x) for x in numbers if is_finite(x)), default=0.0)
    least = min((abs(x) for x in numbers if is_finite(x) and x), default=largest)
    by_decades = largest > WIDE * least
    bars = [_bar(x, largest, by_decades=by_decades) for x in numbers]
    if len(bars) > MOST_BARS:
        step = -(-len(bars) // MOST_BARS)
        bars = [max(bars[k : k + step], key=abs) for k in range(0, len(bars), step)]
    top = max(range(len(numbers)), key=lambda k: abs(numbers[k]) if is_finite(numbers[k]) else 0.0)
    first, most, last = _ends_said(plate, numbers, top)
    return Strip(
        caption + (" (log)" if by_decades else ""), tuple(bars), first, last, (plate.shown + 0.5) / len(numbers), most,
    )  # fmt: skip


def _ends_said(plate: Plate, numbers: Sequence[float], top: int) -> tuple[str, str, str]:
    """The first number, the largest one between the ends, and the last one, with as many digits as fit."""
    ends = (abs(numbers[0]), abs(numbers[-1]))
    is_alone = sum(abs(x) == abs(numbers[top]) for x in numbers) == 1
    first = most = last = ""
    for digits in (4, 3, 2):
        first, most, last = (f"{plate.names[k]}: {text.number(numbers[k], digits=digits)}" for k in (0, top, -1))
        if top in (0, len(numbers) - 1) or abs(numbers[top]) in ends or not numbers[top]:
            most = ""
            if is_alone and digits == 4:
                first, last = (said + MOST * (k == top) for said, k in ((first, 0), (last, len(numbers) - 1)))
        else:
            most += MOST
        if WIDTH - sum(text.extent(said, CAPTION_FONT) for said in (first, most, last)) >= APART:
            return first, most, last
    return first, "", last


def _bar(x: float, largest: float, *, by_decades: bool) -> float:
    if not x or x != x or not largest:  # noqa: PLR0124  NaN
        return 0.0
    size = min(abs(x) / largest, 1.0)
    if by_decades:
        size = max(1 + math.log10(size) / DECADES, 1 / DECADES / 2) if size else 0.0
    return math.copysign(size, x)


def handed_on(board: Board, k: int, copy: int) -> int:
    """The small card for what another copy hands on to the one that is shown."""
    if (k, copy) not in board.handed:
        plate, graph = board.view.plates[k], board.graph
        values = sorted(
            {u for v in board.there[k] for u in graph.operands[v] if board.other[k].get(u) == copy}
        )
        names = [name_of(graph, u) for u in values]
        of = plate.names[copy]
        said = f"↻ {', '.join(names) if len(names) <= NAMED else f'{len(names)} values'} of {of}"
        number = board.number()
        size = (text.extent(said, LEAST_FONT) + 14, HANDED_HEIGHT)
        title = f"handed on by {of}, which is not shown: {', '.join(names)}"
        board.cards[number] = blank_card(number, board.around(plate.scope), said, size, title, kind="stub")
        board.handed[k, copy] = number
    return board.handed[k, copy]


def plates_said(board: Board) -> str:
    """All plates in words."""
    return "".join(
        f" {len(plate.names)} copies are drawn once ({plate.names[0]} … {plate.names[-1]}); "
        f"shown is {plate.names[plate.shown]}."
        for plate in board.view.plates
    )
