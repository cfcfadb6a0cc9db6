"""Folded scopes as cards, with their results and inputs, and the junctions where their edges meet."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from numbers import Rational
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.evaluation import is_finite
from ...engine.sweep import reverse
from ...notation.losses import WrittenLoss, loss_of
from ...notation.rules import rules_at
from .. import text
from ..view.auto_groups import summary
from .cards import (
    CAPTION_FONT,
    CHIP_HEIGHT,
    NUMBER_FONT,
    PILE,
    WIDEST_FOLD,
    Card,
    Port,
    bar,
    blank_card,
    fold_size,
    name_of,
    nonzero,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...notation.rules import Rule
    from ..view.scope_tree import Graph
    from .board import Board

MOST_PORTS = 8  # with more entering values, a folded card has a port for each source and not for each value
TIED = 3  # at least so many sources and so many folded users get a junction
JUNCTION_STEP, JUNCTION_WIDTH = 9.0, 5.0
LISTED = 12  # values that a title names
MANY = 100  # a caption says how many operations there are if they are so many
MOST_LOSS_OPERANDS = 5  # a loss of more operands has no line with its derivatives
LONGEST_CHIP = 14  # cells of a name on the chip of a junction


class Entering(NamedTuple):
    """The edges into a folded card from another card, as the number of edges of each value."""

    source: int
    edges: dict[int, int]


def largest_shown(board: Board) -> Any:
    """The largest gradient in the picture, norms of folded scopes included; None before `backward()`."""
    graph = board.graph
    if graph.largest is None:
        return None
    norms = (_norm([graph.grads[v] for v in exits]) for exits in board.exits.values() if len(exits) > 1)
    return max((x for x in norms if isinstance(x, float) and is_finite(x) and x > graph.largest), default=graph.largest)


def folded_card(board: Board, s: int, group: list[int], around: tuple[str, ...], largest: Any) -> Card:
    """The card of a folded scope, still without ports; `largest` is the largest gradient in the picture."""
    graph, scope = board.graph, board.view.tree.scopes[s]
    exits = board.exits[group[-1]]
    leaves = [v for v in group if graph.is_leaf(v)]
    inner = _norm([graph.grads[v] for v in leaves]) if board.has_grads and 0 < len(leaves) < len(group) else None
    caption = scope.composite or scope.of_each
    caption = caption or _contents(graph, group, inner, scope.name if scope.is_generated else "")
    name, _, which = scope.name.partition(" · ") if scope.is_generated else (scope.name, "", "")
    caption = f"{which}: {caption}" if which else caption
    if scope.composite and len(exits) == 1 and not board.closed_in(s):
        caption += _in_numbers(graph, exits[0], group)
    width, height = fold_size(name, caption)
    card = blank_card(group[-1], around, name, (width, height + PILE), "", kind="fold")
    lines = [f"folded scope {scope.path}: {', '.join(caption.splitlines())}"]
    values = [graph.data[v] for v in exits]
    grads = [graph.grads[v] for v in exits]
    if len(exits) == 1:
        name = name_of(graph, exits[0])
        lines += [f"gives {name}", f"value {text.in_full(values[0])}"]
        card = card._replace(value=text.number(values[0]), captions=(_said(graph, exits[0]), "grad"))
        if board.has_grads:
            card = card._replace(grad=text.number(grads[0]), bar=bar(grads[0], largest))
            lines.append(f"gradient {text.in_full(grads[0])}")
    else:
        said = f"{len(exits)} values"
        room = int((width - 24 - text.extent(said, CAPTION_FONT)) / (text.EM * NUMBER_FONT))
        card = card._replace(value=_range(values, room), captions=(said, "|grad|"))
        lines.append(f"gives {len(exits)} values, {card.value}")
        if board.has_grads:
            norm = _norm(grads)
            card = card._replace(grad=text.number(norm), bar=bar(norm, largest))
            lines.append(f"norm of their gradients {text.number(norm)}")
    if len(leaves) == len(group) > 1 and board.has_grads:
        most = max(leaves, key=lambda v: abs(graph.grads[v]) if is_finite(graph.grads[v]) else 0.0)
        if nonzero(graph.grads[most]):
            g = graph.grads[most]
            caption += f"\nlargest: {text.shorten(graph.bare(most), LONGEST_CHIP)}, grad {text.number(g, digits=3)}"
            lines.append(f"largest gradient: {name_of(graph, most)}, {text.in_full(g)}")
            width, height = fold_size(card.label, caption)
            card = card._replace(width=width, height=height + PILE)
    if inner is not None:
        lines.append(f"norm of the gradients of the {len(leaves)} leaves in it {text.number(inner)}")
    if not board.has_grads:
        lines.append("gradient not computed: call backward() first")
    return card._replace(
        folded=scope.path,
        caption=caption,
        is_root=not graph.roots.isdisjoint(group),
        is_leaf=all(graph.is_leaf(v) for v in group),
        title="\n".join(lines),
    )


def _said(graph: Graph, v: int) -> str:
    """The word before the value of a scope with one output: the label of that output."""
    return text.shorten(text.clean(graph.labels[v]), 12) or "value"


def _contents(graph: Graph, group: list[int], inner: Any, title: str) -> str:
    """The contents of a group, without what its title says. `inner` is the norm of its leaves' gradients."""
    kinds = Counter(graph.kinds[v] for v in group)
    leaves = kinds.pop("", 0)
    n = sum(kinds.values())
    parts = []
    if n:
        counted = f"{n} operation{'s' * (n > 1)}"
        said = summary(kinds)
        parts.append(counted if said in title else f"{counted}: {said}" if n >= MANY else said)
    if leaves:
        said = f"{leaves} {'leaf' if leaves == 1 else 'leaves'}"
        parts.append(said if inner is None else f"{said}, |grad| {text.number(inner, digits=3)}")
    return "\n".join(parts)


def _range(values: Sequence[Any], room: int) -> str:
    """The least and the largest value, with as many digits as fit."""
    numbers = [x for x in values if x == x]  # noqa: PLR0124  NaN is unequal to itself
    if not numbers:
        return "nan"
    shown = ""
    for digits in range(4, 0, -1):
        low, high = (text.number(x, 6, digits) for x in (min(numbers), max(numbers)))
        shown = (low if low == high else f"{low} … {high}") + ", nan" * (len(numbers) < len(values))
        if text.cells(shown) <= room:
            break
    return text.shorten(shown, room)


def _norm(grads: Sequence[Any]) -> Any:
    """The Euclidean norm; of Fractions a Decimal, since they may exceed floats and have no exact root."""
    if all(isinstance(g, float) for g in grads):
        return math.hypot(*grads)
    from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

    context = Context(prec=20, Emax=MAX_EMAX, Emin=MIN_EMIN)
    total = Decimal(0)
    for g in grads:
        x = (
            context.divide(Decimal(int(g.numerator)), Decimal(int(g.denominator)))
            if isinstance(g, Rational)
            else Decimal(g)
        )
        total = context.add(total, context.multiply(x, x))
    return context.sqrt(total)


def through(graph: Graph, group: Sequence[int], end: int) -> dict[int, Any]:
    """The derivative of `end` with respect to every node of the group and every value that enters it.

    This is a reverse sweep of the group alone. It starts from whole numbers, so that Fractions stay Fractions.
    """
    order = [graph.order[v] for v in group]
    adjoints: dict[Any, Any] = defaultdict(int)
    adjoints[graph.order[end]] = 1
    reverse(order, adjoints)
    return {graph.index[node]: g for node, g in adjoints.items()}


def folded_ports(board: Board, s: int, group: list[int], sources: list[Entering], joined: dict[int, int]) -> list[Port]:
    """A port for each entering value if the scope has one output, else for each card that values come from."""
    # With one output a chip shows the total derivative. With several, no single number belongs to an entering value.
    graph = board.graph
    path = board.view.tree.scopes[s].path
    exits = board.exits[group[-1]]
    tied: dict[int, Counter[int]] = {}  # by junction: how many edges there are of each value
    ports: list[Port] = []

    def add(source: int, chip: str, title: str, *, is_dead: bool = False, node: int = -1) -> None:
        ports.append(Port(len(ports), source, chip, is_constant=False, is_dead=is_dead, title=title, node=node))

    alone = len(exits) == 1 and sum(len(e.edges) for e in sources) <= MOST_PORTS
    # A plate within has copies that are not in the group, so a sweep of the group would miss their part.
    slopes = through(graph, group, exits[0]) if len(exits) == 1 and not board.closed_in(s) else {}
    rules = _rules_of_loss(graph, exits[0], slopes) if board.view.tree.scopes[s].composite and slopes else {}
    places = _places_in_loss(graph, exits[0]) if rules and alone else {}
    if places:
        sources = sorted(sources, key=lambda e: min((places.get(u, len(places)) for u in e.edges), default=0))
    for source, edges in sources:
        if source in joined:
            tied.setdefault(joined[source], Counter()).update(edges)
        elif slopes and (alone or len(edges) == 1):
            for u in sorted(edges, key=lambda u: (places.get(u, 0), u)):
                slope = slopes.get(u, 0)
                what = f"derivative of {name_of(graph, exits[0])} by {name_of(graph, u)}, through all of {path}: "
                title = what + text.in_full(slope) + (f"\n{text.clean(rules[u].text)}" if u in rules else "")
                add(source, "×" + text.number(slope), title, is_dead=not nonzero(slope), node=u)
        else:
            add(source, edges_said(edges), f"{edges_said(edges)} into {path}, of {_some(graph, edges)}")
    for junction, edges in tied.items():
        around = board.cards[junction].scope
        chip = _between_ends(graph, edges) if not around else text.shorten(around[-1].rpartition("/")[2], LONGEST_CHIP)
        title = f"{edges_said(edges)} into {path}, of {_some(graph, edges)}{f' in {around[-1]}' if around else ''}"
        add(junction, f"{chip}, {edges_said(edges)}", title)
    return ports


def _places_in_loss(graph: Graph, end: int) -> dict[int, int]:
    """The position of each operand of a loss, which orders the ports as its formula is written."""
    loss = loss_of(graph.order[end])
    return {graph.index[x]: k for k, x in enumerate((loss and loss.operands) or ())}


def _in_numbers(graph: Graph, end: int, group: list[int]) -> str:
    """A line with the derivatives of a loss in numbers, such as p − y of each class, where it has few operands."""
    loss = loss_of(graph.order[end])
    if loss is None or loss.operands is None or len(loss.operands) > MOST_LOSS_OPERANDS:
        return ""
    rules = _rules_of_loss(graph, end, through(graph, group, end)).values()
    line = "= " + ", ".join(rule.numbers for rule in rules)
    fits = text.extent(line, CAPTION_FONT) + 16 <= WIDEST_FOLD
    return f"\n{line}" if fits and rules and all(rule.numbers for rule in rules) else ""


def _rules_of_loss(graph: Graph, end: int, slopes: Mapping[int, Any]) -> dict[int, Rule]:
    """The rules of a loss's derivatives with respect to its operands, where they say more than the number."""
    node = graph.order[end]
    loss = loss_of(node)
    operands = loss.operands if loss is not None else None
    if loss is None or operands is None or len(operands) > MOST_PORTS:
        return {}
    places = [graph.index[x] for x in operands]
    called = [graph.names[u] for u in places]
    data = (*(graph.data[u] for u in places), graph.data[end])
    rules = rules_at(WrittenLoss(loss), called, graph.names[end], data, [slopes.get(u, 0.0) for u in places])
    return {u: rule for u, rule in zip(places, rules, strict=True) if rule and rule.says_more}


def _some(graph: Graph, edges: Iterable[int]) -> str:
    """The names of some values, only the first ones if there are many."""
    names = [name_of(graph, u) for u in sorted(edges)]
    return ", ".join(names[:LISTED]) + ", …" * (len(names) > LISTED)


def _between_ends(graph: Graph, edges: Iterable[int]) -> str:
    """The names of the first and the last value, as a range."""
    first, *_, last = sorted(edges)
    room = LONGEST_CHIP // 2
    return f"{text.shorten(name_of(graph, first), room)} … {text.shorten(name_of(graph, last), room)}"


def edges_said(edges: int | Mapping[int, int]) -> str:
    """The number of edges in words."""
    n = edges if isinstance(edges, int) else sum(edges.values())
    return f"{n} edge{'s' * (n > 1)}"


# --- junctions ---


def junctions(board: Board, entering: dict[int, list[Entering]]) -> dict[int, dict[int, int]]:
    """For each folded card, by source, the junction that collects the edges; sources with the same users share one.

    Between fully connected layers, n + m edges are drawn instead of n · m.
    """
    users: dict[int, list[int]] = {}
    for i, sources in entering.items():
        for source, _ in sources:
            users.setdefault(source, []).append(i)
    classes: dict[tuple[int, ...], list[int]] = {}
    for source, around in users.items():
        classes.setdefault(tuple(around), []).append(source)
    joined: dict[int, dict[int, int]] = {}
    for ends, starts in classes.items():
        if len(ends) < TIED or len(starts) < TIED:
            continue
        scope = _between(board, starts, ends)
        if scope is None:
            continue
        starts.sort()
        number = board.number()
        title = f"each of the {len(starts)} values enters each of the {len(ends)} folded parts"
        ports = tuple(
            Port(
                k,
                source,
                "",
                is_constant=False,
                is_dead=False,
                title=title,
                at=(k - (len(starts) - 1) / 2) * JUNCTION_STEP,
                height=CHIP_HEIGHT,
            )
            for k, source in enumerate(starts)
        )
        size = (JUNCTION_WIDTH, len(starts) * JUNCTION_STEP)
        if board.direction == "TB":
            size = (size[1], size[0])
        card = blank_card(number, scope, "", size, title, kind="junction")
        board.cards[number] = card._replace(ports=ports)
        for i in ends:
            joined.setdefault(i, {}).update(dict.fromkeys(starts, number))
    return joined


def _between(board: Board, starts: Sequence[int], ends: Sequence[int]) -> tuple[str, ...] | None:
    """The scope of a junction: the innermost one around all sources; None where a user is too close for one."""
    scopes = [board.cards[i].scope for i in starts]
    depth = 0
    while all(len(scope) > depth and scope[depth] == scopes[0][depth] for scope in scopes):
        depth += 1
    beside = {scope[depth] for scope in scopes if len(scope) > depth}
    for i in ends:
        scope = board.cards[i].scope
        if scope[:depth] == scopes[0][:depth] and len(scope) > depth and scope[depth] in beside:
            return None
    return scopes[0][:depth]
