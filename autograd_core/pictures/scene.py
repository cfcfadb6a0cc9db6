"""What a picture shows of a graph: cards with ports, the edges between them, the scopes around them.

Nothing here knows where anything stands: `layout` says that, and `svg` writes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..graph import topological_order
from ..value import Constant
from . import text

if TYPE_CHECKING:
    from ..value import Value

CARD_WIDTH, CARD_HEIGHT = 126.0, 58.0
ROW_HEIGHT = 22.0  # a leaf that is one of many operands: label, value and gradient in one row
ROW_WIDTH = 214.0
MANY = 8  # more operands than this, and leaves are drawn as rows
CROWD = 160  # more operands than this, and ports bear no text
CHIP_FONT, CHIP_HEIGHT = 9.0, 14.0
BAR_STEPS = 6  # segments of a gradient's bar; each is a factor of ten


@dataclass(frozen=True, slots=True)
class Port:
    """Where an operand enters a card."""

    operand: int  # which operand: 0 for the first
    source: int  # the operand's index in topological order
    chip: str  # the local derivative, or the constant's value
    is_constant: bool
    is_dead: bool  # the local derivative is 0: no gradient passes
    at: float  # distance of its middle from the side's middle
    title: str


@dataclass(frozen=True, slots=True)
class Card:
    """One value: what is written on it and how large it is."""

    index: int
    scope: tuple[str, ...]
    label: str
    op: str
    value: str
    grad: str  # "" before backward
    bar: int  # filled segments, negative for a negative gradient
    is_leaf: bool
    is_row: bool
    is_root: bool
    ports: tuple[Port, ...]
    chip: float  # extent of the ports' chips along the flow
    pitch: float  # extent of one chip across the flow; 0 if there is no room for text
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Scene:
    """All cards in topological order of their nodes, constants left out: those are ports."""

    cards: dict[int, Card]
    direction: str
    has_grads: bool
    description: str


SIGNS = {"*": "×", "-": "−", "/": "÷", "<=": "≤", ">=": "≥", "!=": "≠", "==": "="}


def scene_of(root: Value, direction: str) -> Scene:
    """Read the graph below `root`; direction is "LR" or "TB"."""
    order = topological_order(root)
    index = {node: i for i, node in enumerate(order)}
    has_grads = any(_nonzero(node.grad) for node in order)
    largest = max((abs(node.grad) for node in order if _finite(node.grad)), default=0.0)
    rows = _leaves_drawn_as_rows(order)
    cards: dict[int, Card] = {}
    for i, node in enumerate(order):
        if isinstance(node, Constant) and node is not root:
            continue
        grad = text.number(node.grad) if has_grads else ""
        bar = _bar(node.grad, largest) if has_grads else 0
        is_leaf = not node.parents
        ports, chip, pitch, extent = _ports(node, index, direction)
        width, height = (ROW_WIDTH, ROW_HEIGHT) if node in rows else (CARD_WIDTH, CARD_HEIGHT)
        if direction == "LR":
            height = max(height, extent)
        else:
            width = max(width, extent)
        cards[i] = Card(
            index=i,
            scope=tuple(part for part in text.clean(node.scope).split("/") if part),
            label=text.clean(node.label),
            op=_sign(node),
            value=text.number(node.data),
            grad=grad,
            bar=bar,
            is_leaf=is_leaf,
            is_row=node in rows,
            is_root=node is root,
            ports=ports,
            chip=chip,
            pitch=pitch,
            width=width,
            height=height,
            title=_title(node, has_grads=has_grads),
        )
    return Scene(_leaves_at_home(cards), direction, has_grads, _description(root, order, has_grads=has_grads))


def _nonzero(g: Any) -> bool:
    return bool(g != 0)


def _finite(x: Any) -> bool:
    return not isinstance(x, float) or math.isfinite(x)


def _sign(node: Value) -> str:
    return SIGNS.get(node._op, text.clean(node._op))


def _name(node: Value) -> str:
    return text.shorten(text.clean(node.label), text.LONGEST_LABEL) or _sign(node) or "leaf"


def _leaves_drawn_as_rows(order: list[Value]) -> set[Value]:
    rows: set[Value] = set()
    for node in order:
        if len(node.parents) > MANY:
            rows.update(p for p in node.parents if not p.parents)
    return rows


def _bar(g: Any, largest: Any) -> int:
    """Filled segments: all for the largest gradient of the picture, one fewer per factor of ten."""
    if g == 0 or g != g:
        return 0
    sign = 1 if g > 0 else -1
    if not _finite(g):
        return sign * BAR_STEPS
    decades = _log10(largest) - _log10(abs(g))
    return sign * max(1, BAR_STEPS - int(decades + 1e-9))


def _log10(x: Any) -> float:
    if isinstance(x, float):
        return math.log10(x)
    return math.log10(x.numerator) - math.log10(x.denominator)  # a Fraction may be beyond floats


def _operand_order(node: Value) -> list[int]:
    """Ports from first to last; `dot` has its pairs side by side, though its operands are (w…, x…)."""
    n = len(node.parents)
    if node.op == "dot":
        return [i + half for i in range(n // 2) for half in (0, n // 2)]
    return list(range(n))


def _ports(node: Value, index: dict[Value, int], direction: str) -> tuple[tuple[Port, ...], float, float, float]:
    """The ports, their chips' extent along and across the flow, and the room that they all take."""
    parents, slopes = node.parents, node.local_grads
    if not parents:
        return (), 0.0, 0.0, 0.0
    chips = [
        text.number(p.data) if isinstance(p, Constant) else "×" + text.number(d) for p, d in zip(parents, slopes)
    ]
    crowded = len(parents) > (CROWD if direction == "LR" else MANY * 2)
    longest = max(text.width(chip, CHIP_FONT) for chip in chips) + 8
    if crowded:
        along, pitch = 6.0, 5.0
    elif direction == "LR":
        along, pitch = max(22.0, longest), CHIP_HEIGHT + 2
    else:
        along, pitch = CHIP_HEIGHT, max(22.0, longest) + 3
    pair_gap = pitch / 2 if node.op == "dot" and len(parents) > 2 else 0.0
    order = _operand_order(node)
    places = [k * pitch + (k // 2) * pair_gap for k in range(len(order))]
    middle = places[-1] / 2
    ports = []
    for place, operand in zip(places, order):
        parent, slope = parents[operand], slopes[operand]
        is_constant = isinstance(parent, Constant)
        what = f"operand {operand + 1} of {_sign(node)}: {_name(parent)}"
        ports.append(
            Port(
                operand=operand,
                source=index[parent],
                chip="" if crowded else chips[operand],
                is_constant=is_constant,
                is_dead=not is_constant and not _nonzero(slope),
                at=place - middle,
                title=f"constant {parent.data}" if is_constant else f"{what}, local derivative {slope}",
            )
        )
    return tuple(ports), along, 0.0 if crowded else pitch, places[-1] + pitch + 8


def _title(node: Value, *, has_grads: bool) -> str:
    lines = [f"{text.clean(node.label) or 'no label'}: {node.op or 'leaf'}", f"value {node.data}"]
    lines.append(f"gradient {node.grad}" if has_grads else "gradient not computed: call backward() first")
    if node.scope:
        lines.append(f"scope {text.clean(node.scope)}")
    return "\n".join(lines)


def _leaves_at_home(cards: dict[int, Card]) -> dict[int, Card]:
    """A leaf outside of any scope that only one card uses stands beside that card: a neuron's weights."""
    users: dict[int, set[int]] = {}
    for card in cards.values():
        for port in card.ports:
            users.setdefault(port.source, set()).add(card.index)
    placed = {}
    for i, card in cards.items():
        scope = card.scope
        if card.is_leaf and not scope and len(users.get(i, ())) == 1:
            scope = cards[next(iter(users[i]))].scope
        placed[i] = card if scope == card.scope else replace(card, scope=scope)
    return placed


def _description(root: Value, order: list[Value], *, has_grads: bool) -> str:
    edges = sum(len(node.parents) for node in order)
    state = "with gradients" if has_grads else "gradients not computed"
    return (
        f"Computation graph of {_name(root)} = {root.data}: {len(order)} nodes, {edges} edges, {state}. "
        "Every card is a value; the chips where its operands enter are the local derivatives."
    )
