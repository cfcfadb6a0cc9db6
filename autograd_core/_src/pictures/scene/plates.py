"""The cards of a plate: how many copies there are, the signal in each of them, and what one hands on to another."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ...engine.evaluation import is_finite
from ...engine.value import Constant, Value
from ...notation.losses import loss_of
from ...notation.numbers import rounded
from .. import text
from .cards import CAPTION_FONT, LEAST_FONT, NAME_FONT, Port, Strip, blank_card, lined_up, name_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..view.plates import Plate
    from ..view.scope_tree import Graph
    from .board import Board
    from .cards import Card

ASIDE = 14.0  # gap between the bars and a table beside them
WIDTH, TITLE_HEIGHT, STRIP = 300.0, 22.0, 50.0  # of a plate's card, a line of text, bars with their numbers
LEAST_BARS = 180.0  # least width of bars beside a table
MOST_BARS = 50  # for more copies, a bar shows the largest number of several
APART = 16.0  # least gap between the numbers below a strip
WIDE = 30.0  # a strip is logarithmic if the largest number is at least so many times the least
# Decades of a logarithmic strip, as many as doubles have digits: with fewer, steps before which a gradient has vanished
# seem to have equal ones; and those below its lowest bar.
MOST_DECADES, BELOW = 16.0, 0.25
HANDED_HEIGHT = 34.0  # two lines
LARGEST_MARK = " ▲"  # marks the largest number
HANDED = "↻"  # marks a value that comes from another copy
MOST_COLUMNS, MOST_ROWS = 6, 10  # of a table with a column for each copy: columns, rows of local derivatives
MOST_GIVEN = 5  # its rows of values
MOST_PARTS = 10  # its rows of contributions to gradients, the largest ones
MOST_LINES, MOST_ASIDE = 12, 6  # of a table with a row for each copy: rows, columns
WIDEST_COLUMN = 100.0
GRADIENT_OF, TARGET_OF = "gradient of", "target of"
ADDS, ADDS_TO = "adds to the gradient of", "adds to"
LINE_HEIGHT, TABLE_HEAD = 14.0, 8.0  # of a table: height of a line, room above
# Of its columns: the least width; and the one in which any number has four digits, so that parts add up as they stand.
LEAST_COLUMN, COLUMN = 48.0, 70.0
LONGEST_NAME = 160.0
NAMED_VALUES, LONGEST_EXIT = 2, 20  # values that are named, of those handed on and of what copies give; and their cells
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
    table = _table(board, plate)
    lines += [": ".join((row[0], ", ".join(filter(None, row[1:])))) for row in table]
    below = TABLE_HEAD + LINE_HEIGHT * len(table) if table else 0.0
    size = (max(WIDTH, table_width(table)), TITLE_HEIGHT + STRIP * len(strips) + below)
    card = blank_card(number, board.around(plate.scope), f"× {n}", size, "\n".join(lines), kind="plate")
    has_weights = any(graph.is_leaf(u) for u in plate.copies.shared) and bool(strips)
    shared = f"; bars on weights: one per {_kind(shown)}" if n <= MOST_BARS else f"; weights: sums over all {n}"
    sums = shared if has_weights else ""
    caption = f"shown: {shown}{_counted(plate)}{sums}"
    board.cards[number] = card._replace(caption=caption, strips=tuple(strips), table=table)
    _mark_parts(board, plate)
    before = [i for (plate_number, _), i in board.handed.items() if plate_number == k]
    _enter(board, plate, before[0] if before else number)


def _kind(name: str) -> str:
    """The kind of a copy, from its name: "step" of "step9"."""
    return re.sub(r"[\W_]*\d.*", "", name) or "copy"


def _counted(plate: Plate) -> str:
    """The ordinal of the copy that is shown, if names count from 0: " (10th)" for "step9"."""
    k = plate.shown
    if not k or not plate.names[0].endswith("0") or re.findall(r"\d+$", plate.names[k]) != [str(k)]:
        return ""
    return f" ({k + 1}{'th' if 10 < (k + 1) % 100 < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get((k + 1) % 10, 'th')})"


def _mark_parts(board: Board, plate: Plate) -> None:
    """Show on each shared leaf the contributions of the copies to its gradient: one sees which of them disagree."""
    graph = board.graph
    if graph.largest is None or len(plate.names) > MOST_BARS:
        return
    parts = plate.parts(graph)
    for u in parts[0]:
        card = board.cards.get(u)
        numbers = [sums[u] for sums in parts]
        if card is None or card.kind != "node" or card.is_row or not all(map(is_finite, numbers)) or not any(numbers):
            continue
        largest = max(map(abs, numbers))
        said = ", ".join(f"{name}: {text.number(x)}" for name, x in zip(plate.names, numbers, strict=True))
        board.cards[u] = card._replace(
            parts=tuple(x / largest for x in numbers),
            title=f"{card.title}\nparts of its gradient (bars, up where positive): {said}",
        )


def _table(board: Board, plate: Plate) -> tuple[tuple[str, ...], ...]:
    """What differs between copies: values, gradients, local derivatives in view, contributions to shared leaves.

    Few copies have a column each. More have a row each, with what they give and the parts of a few weights.
    """
    n = len(plate.names)
    if n > MOST_LINES:
        return ()
    parts = _parts(board, plate)
    if n > MOST_COLUMNS:  # of many weights a few columns would tell little
        is_told = 0 < len(parts) <= MOST_PARTS
        return _lines(_given(board, plate, of_functions=False), parts, plate.names) if is_told else ()
    given, slopes = _given(board, plate), _slopes(board, plate)
    if not given and not slopes and not parts:
        return ()
    # Where there is no room for all, slopes of functions come first: those of products are values, each told once.
    told = {row[1:] for row in given}
    if any(map(board.sources, plate.copies.nodes[plate.shown])):  # what is handed on: the same numbers, one copy later
        later = {row[1:-1] for row in given}
        slopes = [(is_slope, row) for is_slope, row in slopes if is_slope or row[2:] not in later]
    of_functions, others = [], []
    for k, (is_slope, row) in enumerate(slopes):
        if is_slope:
            of_functions.append(k)
        elif row[1:] not in told:
            told.add(row[1:])
            others.append(k)
    chosen = sorted([*of_functions, *others][:MOST_ROWS])
    heads = [text.fitted(name, CAPTION_FONT, COLUMN - 4) for name in plate.names]
    table = [("", *heads), *given, *(slopes[k][1] for k in chosen)]
    left_out = len(of_functions) + len(others) - len(chosen)
    if parts:
        merged = _merged(parts)
        table += [(ADDS, *[""] * n), *_largest(merged, MOST_PARTS)]
        left_out += max(0, len(merged) - MOST_PARTS)
    if left_out:
        table.append((f"and {left_out} more", *[""] * n))
    return tuple(table)


def _lines(
    given: list[tuple[str, ...]], parts: list[tuple[float, tuple[str, ...]]], names: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """A table with a row for each copy: its outputs, and at the right its contributions to gradients of weights."""
    columns = [(*_headed(head), *numbers) for head, *numbers in given]
    columns = [column for column in columns if _is_head(column[1])][: MOST_ASIDE - 1]
    adds = _largest([part for part in parts if _is_head(part[1][0])], MOST_ASIDE - len(columns))
    columns += [(ADDS_TO, *part) for part in adds]
    if not columns:
        return ()
    above, called, *of_copies = zip(*columns, strict=True)
    heads = [text.fitted(name, CAPTION_FONT, COLUMN - 4) for name in names]
    rows = [("", *above)] if any(above) else []
    return (*rows, ("", *called), *((name, *numbers) for name, numbers in zip(heads, of_copies, strict=True)))


def _headed(head: str) -> tuple[str, str]:
    """What a row tells of a value, and of which: they stand one above the other where rows are columns."""
    what = next((what for what in (GRADIENT_OF, TARGET_OF) if head.startswith(f"{what} ")), "")
    return what.removesuffix(" of"), head.removeprefix(f"{what} ") if what else head


def _largest(parts: Sequence[tuple[float, tuple[str, ...]]], most: int) -> list[tuple[str, ...]]:
    """The rows of the leaves with the largest gradients, in the order that they have."""
    chosen = {*sorted(range(len(parts)), key=lambda k: -parts[k][0])[:most]}
    return [row for k, (_, row) in enumerate(parts) if k in chosen]


def beside(card: Card) -> Card:
    """A plate's card with its table at the right of its bars."""
    if not card.strips or not card.table:
        return card
    height = max(TITLE_HEIGHT + STRIP * len(card.strips), TABLE_HEAD + LINE_HEIGHT * len(card.table))
    return card._replace(width=_bars_width(card) + ASIDE + table_width(card.table), height=height, is_beside=True)


def _bars_width(card: Card) -> float:
    """Of bars beside a table, as wide as what is written at them; the first line may go on above the table's names."""
    head = text.extent(card.label, NAME_FONT) + 8 + text.extent(card.caption, CAPTION_FONT) - _called_width(card.table)
    wide = [text.breadth(strip.caption, CAPTION_FONT) + 1 for strip in card.strips]
    wide += [_ends_width(strip.first, strip.most, strip.last) + APART for strip in card.strips]
    return min(WIDTH, max(LEAST_BARS, head, *wide))


def _ends_width(*said: str) -> float:
    return sum(text.extent(one, CAPTION_FONT) for one in said)


def table_width(table: Sequence[tuple[str, ...]]) -> float:
    """The width of a table, with the names before its columns."""
    return _called_width(table) + APART + column_width(table) * (len(table[-1]) - 1) if table else 0.0


def _called_width(table: Sequence[tuple[str, ...]]) -> float:
    return min(max(text.breadth(row[0], CAPTION_FONT) for row in table), LONGEST_NAME)


def column_width(table: Sequence[tuple[str, ...]]) -> float:
    """The width of a column, as large as its longest text needs."""
    return max([LEAST_COLUMN, *(text.extent(said, CAPTION_FONT) + 8 for row in table for said in row[1:])])


def _is_head(said: str) -> bool:
    return text.extent(said, CAPTION_FONT) <= WIDEST_COLUMN - 8


def _parts(board: Board, plate: Plate) -> list[tuple[float, tuple[str, ...]]]:
    """For each shared leaf in view, the size of its gradient, and a row with the contribution of each copy."""
    graph = board.graph
    if graph.largest is None:
        return []
    parts = plate.parts(graph)
    wanted = [u for u in sorted(parts[0]) if u in board.cards and board.cards[u].kind == "node"]
    bare = Counter(graph.bare(u) for u in wanted)
    rows = []
    for u in wanted:
        numbers = [sums[u] for sums in parts]
        if all(map(is_finite, numbers)) and any(x != numbers[0] for x in numbers[1:]):
            called = graph.bare(u) if bare[graph.bare(u)] == 1 else name_of(graph, u)
            rows.append((abs(float(graph.grads[u])), (called, *_line(numbers))))
    rows.sort(key=lambda row: text.by_number(row[1][0]))
    return rows


def _merged(rows: Sequence[tuple[float, tuple[str, ...]]]) -> list[tuple[float, tuple[str, ...]]]:
    """The rows, with leaves of equal contributions in one row."""
    found: list[tuple[float, tuple[str, ...]]] = []
    at: dict[tuple[str, ...], int] = {}  # two biases of one sum have equal parts
    for size, (called, *said) in rows:
        k = at.setdefault(tuple(said), len(found))
        both = f"{found[k][1][0]}, {called}" if k < len(found) else called
        if k < len(found) and text.extent(both, CAPTION_FONT) <= LONGEST_NAME:
            found[k] = (size, (both, *said))
        else:
            found.append((size, (called, *said)))
    return found


def _given(board: Board, plate: Plate, *, of_functions: bool = True) -> list[tuple[str, ...]]:
    """Rows with values and gradients of the copies' outputs, and of functions in view, where copies differ."""
    graph, nodes, called = board.graph, plate.copies.nodes, Called(board, plate)
    exits: dict[str, int] = {}  # by name: its position in a copy
    for v in plate.exits(graph, plate.shown):
        card = board.cards.get(board.card_of.get(v, -1))
        if card is not None:
            is_alone = card.folded and len(board.exits[card.node]) == 1
            exits[card.label if is_alone else called(v)] = nodes[plate.shown].index(v)
    functions = {
        called(v): place
        for place, v in enumerate(nodes[plate.shown])
        if of_functions and v in board.cards and board.cards[v].kind == "node" and len(graph.order[v].parents) == 1
    }
    given = sorted(exits, key=text.by_number)[:MOST_GIVEN]
    inner = [name for name in functions if name not in exits][: MOST_GIVEN - len(given)]
    rows = []
    told = [("{}", graph.data), (f"{GRADIENT_OF} {{}}", graph.grads)]
    for said, numbers in told[: 1 + (graph.largest is not None)]:
        for name in [*inner, *given]:
            place = exits[name] if name in exits else functions[name]
            of_each = [numbers[copy[place]] for copy in nodes]
            if any(x != of_each[0] for x in of_each[1:]):
                rows.append((said.format(name), *_line(of_each)))
        if numbers is graph.data:
            rows += _wanted(plate, _targets(graph), {f"{TARGET_OF} {name}": exits[name] for name in given})
    return rows


TARGETS: WeakKeyDictionary[Graph, dict[int, Any]] = WeakKeyDictionary()  # once for all the views of a graph


def _targets(graph: Graph) -> dict[int, Any]:
    """The targets of predictions, by the predicted node, read from the losses."""
    if graph not in TARGETS:
        found = TARGETS[graph] = {}
        for loss in filter(None, map(loss_of, graph.order)):
            for p, t in zip(loss.predictions, loss.targets, strict=False):
                if isinstance(p, Value) and p in graph.index:
                    found[graph.index[p]] = t.data if isinstance(t, Value) else t
    return TARGETS[graph]


class Called:
    """What values are called where all copies are told of: the number in "v14" is that of one copy, and says nothing.

    A label; else the unit of which it is the output, "layer1.neuron0"; else its operation, if that is in view once.
    """

    def __init__(self, board: Board, plate: Plate) -> None:
        graph, inside = board.graph, plate.copies.nodes[plate.shown]
        self.graph, self.units = graph, plate.units(graph)
        self.stands = {u: v for copy in plate.copies.nodes for u, v in zip(copy, inside, strict=True)}
        self.ops = Counter(graph.order[v].op for v in inside if v in board.cards and not graph.labels[v])

    def __call__(self, v: int) -> str:
        graph, op = self.graph, self.graph.order[v].op
        if graph.labels[v] or graph.is_leaf(v):
            return graph.bare(v)
        v = self.stands.get(v, v)
        if v in self.units:
            return self.units[v]
        is_word = graph.order[v]._op == op  # not a sign
        return op if is_word and self.ops[op] == 1 else graph.bare(v)


def _wanted(plate: Plate, targets: Mapping[int, Any], given: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Rows with the targets of the copies' outputs, where copies differ."""
    rows = []
    for head, place in given.items():
        of_each = [targets.get(copy[place]) for copy in plate.copies.nodes]
        if None not in of_each and any(t != of_each[0] for t in of_each[1:]):
            rows.append((head, *_line(of_each)))
    return rows


def _slopes(board: Board, plate: Plate) -> list[tuple[bool, tuple[str, ...]]]:
    """Rows with the local derivatives that differ, of operations in view; and whether each is of a unary function."""
    graph, nodes, called = board.graph, plate.copies.nodes, Called(board, plate)
    rows: list[tuple[bool, tuple[str, ...]]] = []
    for place, v in enumerate(nodes[plate.shown]):
        if board.card_of.get(v) != v or v not in board.cards or board.cards[v].kind != "node":
            continue
        here = [graph.order[copy[place]] for copy in nodes]
        before = board.sources(v)
        kept = [j for j, p in enumerate(here[plate.shown].parents) if not isinstance(p, Constant)]
        for j in kept:
            of_each = [
                None if j >= len(node.parents) or isinstance(node.parents[j], Constant) else node.local_grads[j]
                for node in here
            ]
            known = [x for x in of_each if x is not None]
            if any(x != known[0] for x in known[1:]):
                u = graph.index[here[plate.shown].parents[j]]
                by = f"∂{called(v)}/∂{HANDED * (u in before)}{called(u)}"
                is_slope = len(kept) == 1
                rows.append((is_slope, (f"slope of {called(v)}" if is_slope else by, *_line(of_each))))
    return rows


def _line(numbers: Sequence[Any]) -> list[str]:
    """The cells of a row, with as many digits as the column has room for; "–" if a copy has a constant there."""
    said = []
    for x in numbers:
        tries = ["–"] if x is None else [*(text.number(x, digits=digits) for digits in (4, 3, 2, 1)), rounded(x, 2)]
        said.append(next(filter(is_in_column, tries), "…"))  # a number is never cut, as that would change it
    return said


def is_in_column(said: str) -> bool:
    """Whether a number has room in a column of the table."""
    return text.extent(said, CAPTION_FONT) <= COLUMN - 4


def _enter(board: Board, plate: Plate, i: int) -> None:
    """Lead values that enter only copies that are not shown, such as a first state, to the card of the plate."""
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
    called = Called(board, plate)
    some = ", ".join(sorted((text.shorten(called(v), LONGEST_EXIT) for v in exits), key=text.by_number))
    of = some if len(exits) <= NAMED_VALUES else f"its {len(exits)} values"
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
    decades = min(MOST_DECADES, BELOW + math.log10(largest / least)) if by_decades else 0.0
    bars = [_bar(x, largest, decades) for x in numbers]
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
                first, last = (said + LARGEST_MARK * (k == top) for said, k in ((first, 0), (last, len(numbers) - 1)))
        else:
            most += LARGEST_MARK
        if WIDTH - _ends_width(first, most, last) >= APART:
            return first, most, last
    return first, "", last


def _bar(x: float, largest: float, decades: float) -> float:
    """A number as the height of its bar, from -1 to 1; where decades are given, by its logarithm."""
    if not x or x != x or not largest:  # noqa: PLR0124  NaN
        return 0.0
    size = min(abs(x) / largest, 1.0)
    if decades:
        size = max(1 + math.log10(size) / decades, 1 / MOST_DECADES / 2) if size else 0.0
    return math.copysign(size, x)


def handed_on(board: Board, k: int, copy: int) -> int:
    """The small card for values that the shown copy gets from another copy."""
    if (k, copy) not in board.handed:
        plate, graph = board.view.plates[k], board.graph
        values = sorted(
            {u for v in board.there[k] for u in graph.operands[v] if board.other[k].get(u) == copy}
        )
        called = Called(board, plate)
        names = [text.shorten(called(u), text.LONGEST_LABEL) for u in values]
        of = plate.names[copy]
        said = f"{HANDED} {', '.join(names) if len(names) <= NAMED_VALUES else f'{len(names)} values'} of {of}"
        number = board.number()
        size = (max(text.extent(line, LEAST_FONT) for line in stub_lines(said)) + 14, HANDED_HEIGHT)
        title = f"handed on by {of}, which is not shown: {', '.join(names)}"
        board.cards[number] = blank_card(number, board.around(plate.scope), said, size, title, kind="stub")
        board.handed[k, copy] = number
    return board.handed[k, copy]


def stub_lines(said: str) -> list[str]:
    """The lines on such a card: the values, and the copy that they come from."""
    what, of, copy = said.rpartition(" of ") if said.startswith(HANDED) else ("", "", said)
    return [what, f"of {copy}"] if of else [said]


def plates_said(board: Board) -> str:
    """All plates in words."""
    return "".join(
        f" {len(plate.names)} copies are drawn once ({plate.names[0]} … {plate.names[-1]}); "
        f"shown is {plate.names[plate.shown]}."
        for plate in board.view.plates
    )
