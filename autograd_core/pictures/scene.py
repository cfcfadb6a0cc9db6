"""What a picture shows of a graph: cards with ports, the edges between them, the scopes around them.

Nothing here knows where anything stands: `layout` says that, and `svg` writes it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ..graph import topological_order
from ..value import Constant
from . import text

if TYPE_CHECKING:
    from ..value import Value

CARD_WIDTH, CARD_HEIGHT = 126.0, 58.0
ROW_HEIGHT = 22.0  # a leaf that is one of many operands: label, value and gradient in one row
ROW_WIDTH = 232.0
MANY = 8  # more operands than this, and leaves are drawn as rows
CROWD_LR, CROWD_TB = 160, 16  # more operands than this, and ports bear no text
CHIP_FONT, CHIP_HEIGHT, CHIP_LEAST, CHIP_GAP = 9.0, 14.0, 22.0, 2.5
BAR_STEPS = 6  # segments of a gradient's bar; each is a factor of ten


class Port(NamedTuple):
    """Where an operand enters a card."""

    operand: int  # which operand: 0 for the first
    source: int  # the operand's index in topological order
    chip: str  # the local derivative, or the constant's value
    is_constant: bool
    is_dead: bool  # the local derivative is 0: no gradient passes
    at: float  # distance of its middle from the side's middle
    width: float  # of its chip, as it is seen on the page
    height: float
    title: str


class Card(NamedTuple):
    """One value: what is written on it and how large it is."""

    node: int  # its index in topological order
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
    chip: float  # the room before the card that the chips take
    width: float
    height: float
    title: str


class Scene(NamedTuple):
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
        ports, chip, extent = _ports(node, index, direction)
        width, height = (ROW_WIDTH, ROW_HEIGHT) if node in rows else (CARD_WIDTH, CARD_HEIGHT)
        if direction == "LR":
            height = max(height, extent)
        else:
            width = max(width, extent)
        cards[i] = Card(
            node=i,
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
    if not abs(g) > 0:  # NaN as well
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


def _ports(node: Value, index: dict[Value, int], direction: str) -> tuple[tuple[Port, ...], float, float]:
    """The ports, the room that their chips take along the flow, and the room across it."""
    parents = node.parents
    if not parents:
        return (), 0.0, 0.0
    slopes = node.local_grads
    across = direction == "LR"  # ports stand one below the other
    crowded = len(parents) > (CROWD_LR if across else CROWD_TB)
    chips = [
        "" if crowded else text.number(p.data) if isinstance(p, Constant) else "×" + text.number(d)
        for p, d in zip(parents, slopes)
    ]
    widths = [6.0 if crowded else max(CHIP_LEAST, text.extent(chip, CHIP_FONT) + 8) for chip in chips]
    height = 4.0 if crowded else CHIP_HEIGHT
    if across:  # edges end in one line, constants are as wide as they must
        widest = max(widths)
        widths = [w if isinstance(p, Constant) else widest for w, p in zip(widths, parents)]
    gap = 1.0 if crowded else CHIP_GAP
    paired = node.op == "dot" and len(parents) > 2
    ports, end = [], 0.0
    for k, operand in enumerate(_operand_order(node)):
        extent = height if across else widths[operand]
        end += (gap if k else 0.0) + (3 * gap if k and paired and k % 2 == 0 else 0.0)
        ports.append(
            _port(node, operand, slopes[operand], index, chips[operand], end + extent / 2, widths[operand], height)
        )
        end += extent
    centred = tuple(port._replace(at=port.at - end / 2) for port in ports)
    return centred, max(widths) if across else height, end + 8


def _port(
    node: Value, operand: int, slope: Any, index: dict[Value, int], chip: str, at: float, width: float, height: float
) -> Port:
    parent = node.parents[operand]
    is_constant = isinstance(parent, Constant)
    what = f"operand {operand + 1} of {_sign(node)}: {_name(parent)}, local derivative {text.in_full(slope)}"
    return Port(
        operand=operand,
        source=index[parent],
        chip=chip,
        is_constant=is_constant,
        is_dead=not is_constant and not _nonzero(slope),
        at=at,
        width=width,
        height=height,
        title=f"constant {text.in_full(parent.data)}" if is_constant else what,
    )


def _title(node: Value, *, has_grads: bool) -> str:
    lines = [f"{text.clean(node.label) or 'no label'}: {node.op or 'leaf'}", f"value {text.in_full(node.data)}"]
    lines.append(f"gradient {text.in_full(node.grad)}" if has_grads else "gradient not computed: call backward() first")
    if node.scope:
        lines.append(f"scope {text.clean(node.scope)}")
    return "\n".join(lines)


def _leaves_at_home(cards: dict[int, Card]) -> dict[int, Card]:
    """A leaf outside of any scope that only one card uses stands beside that card: a neuron's weights."""
    users: dict[int, set[int]] = {}
    for card in cards.values():
        for port in card.ports:
            users.setdefault(port.source, set()).add(card.node)
    placed = {}
    for i, card in cards.items():
        scope = card.scope
        if card.is_leaf and not scope and len(users.get(i, ())) == 1:
            scope = cards[next(iter(users[i]))].scope
        placed[i] = card if scope == card.scope else card._replace(scope=scope)
    return placed


def _description(root: Value, order: list[Value], *, has_grads: bool) -> str:
    edges = sum(len(node.parents) for node in order)
    state = "with gradients" if has_grads else "gradients not computed"
    return (
        f"Computation graph of {_name(root)} = {text.in_full(root.data)}: {len(order)} nodes, {edges} edges, {state}. "
        "Every card is a value; the chips where its operands enter are the local derivatives."
    )
