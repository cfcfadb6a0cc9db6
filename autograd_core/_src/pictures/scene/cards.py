"""The contents of a picture: cards with ports, the edges between them, the scopes around them.

Nothing here knows positions: `layout` computes these, and `svg` writes the picture.
"""

from __future__ import annotations

import math
from numbers import Rational
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from ...engine.evaluation import is_finite
from ...engine.provenance import box_of
from ...engine.value import Constant
from ...notation.formulas import WrittenComposite
from ...notation.names import without_latex
from ...notation.rules import rules_of
from .. import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...engine.value import Value
    from ..view.scope_tree import Graph

CARD_WIDTH, CARD_HEIGHT = 126.0, 62.0
MOST_RULED, MOST_RULES = 300, 8  # with more nodes in the graph, or operands of a node, tooltips of ports lack the rule
WIDEST_FOLD = 300.0  # a folded scope is widened so far for its name or for the formula of a loss
FOLD_WIDTH, FOLD_HEIGHT, PILE = 216.0, 80.0, 6.0  # a folded scope, and the cards that show below it
FOLD_SIGN = 30.0  # width of its head without the name
CAPTION_LINE = 14.0  # height of each further line of its caption
ROW_HEIGHT = 22.0  # a leaf that is one of many operands: label, value and gradient in one line
ROW_WIDTH, ROW_CELLS, ROW_NAME = 240.0, 9, 8  # cells of each of its numbers, and of its name
ROW_VALUE = 136.0  # where its value ends
CARD_CELLS = 10  # of a number beside "value" on a card of several lines
CROWD_LR, CROWD_TB = 160, 16  # with more operands, ports have no text
LEAST_FONT = 10.5  # pixels; nothing is printed smaller
NAME_FONT, NUMBER_FONT, CAPTION_FONT = 13.0, 12.0, LEAST_FONT
CHIP_FONT, CHIP_HEIGHT = 11.5, 16.0
BAR_STEPS = 6  # segments of a gradient's bar; each stands for a factor of ten


class Chips(NamedTuple):
    """Sizes of chips."""

    font: float
    height: float
    least: float  # least width
    gap: float  # between two chips


FULL_CHIPS = Chips(CHIP_FONT, CHIP_HEIGHT, least=26.0, gap=2.0)
DENSE = 16  # more ports have smaller gaps between their chips


class Port(NamedTuple):
    """Where an operand enters a card."""

    operand: int  # which operand: 0 for the first
    source: int  # the card that it comes from
    chip: str  # the local derivative, or the constant's value
    is_constant: bool
    is_dead: bool  # whether the local derivative is 0
    title: str
    node: int = -1  # the operand; -1 where the port stands for several
    is_idle: bool = False  # whether no gradient flows back here although the local derivative is not 0
    flow: float = 0.0  # what flows back here: local derivative × adjoint, of several values the sum of |products|
    at: float = 0.0  # offset of its middle from the middle of the card's side
    width: float = 0.0  # of its chip
    height: float = 0.0


class Strip(NamedTuple):
    """One number of every copy of a plate, as bars."""

    caption: str
    bars: tuple[float, ...]  # from -1 to 1
    first: str  # the first and the last number
    last: str
    shown: float  # where the shown copy's bar is, from 0 to 1
    most: str = ""  # the number of the highest bar, if that is neither the first nor the last


class Card(NamedTuple):
    """A card's text and size, for one value or of another kind."""

    node: int  # the node's index in topological order; for a folded scope that of its last node
    scope: tuple[str, ...]  # the paths of the scopes around, outermost first
    label: str
    name: str  # the name in sentences: the label, numbered where labels recur, or v1, v2, ...
    op: str
    value: str
    grad: str  # "" before backward
    bar: int  # filled segments, negative for a negative gradient
    is_leaf: bool
    is_row: bool
    is_root: bool
    ports: tuple[Port, ...]
    chip: float  # room for chips before the card, along the flow
    width: float
    height: float
    title: str
    kind: str = "node"  # or "fold", "junction" where many edges meet, "stub" for what is not in view
    is_centre: bool = False  # of a neighbourhood
    folded: str = ""  # the path of the folded scope
    caption: str = ""  # what a folded scope holds, in lines
    captions: tuple[str, str] = ("value", "grad")  # the words before the value and the gradient
    is_idle: bool = False  # whether no gradient arrives: every path from a root has a factor 0
    # Of a plate's card: strips of bars, a table with the local derivatives of all copies, and whether it stands beside.
    strips: tuple[Strip, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    is_beside: bool = False
    is_low: bool = False  # a leaf in its lower form: value and gradient in one line below the name
    parts: tuple[float, ...] = ()  # a leaf that copies share: the contribution of each to its gradient, from -1 to 1


class Scene(NamedTuple):
    """All cards; constants are ports, not cards."""

    cards: dict[int, Card]
    direction: str
    has_grads: bool
    description: str
    card_of: dict[int, int]  # by node: the card that shows it; a constant shows on the card of its user
    style: str = "full"


SIGNS = {"*": "×", "-": "−", "/": "÷", "<=": "≤", ">=": "≥", "!=": "≠", "==": "="}


def node_card(
    graph: Graph, i: int, scope: tuple[str, ...], ports: Sequence[Port], direction: str, largest: Any, *, is_row: bool
) -> Card:
    """The card of one value; `largest` is the picture's largest gradient, None before `backward()`."""
    node = graph.order[i]
    has_grads = largest is not None
    width, height = (ROW_WIDTH, ROW_HEIGHT) if is_row else (CARD_WIDTH, CARD_HEIGHT)
    cells = ROW_CELLS if is_row else CARD_CELLS
    crowd = CROWD_LR if direction == "LR" else CROWD_TB
    paired = is_of_pairs(node) and len(ports) == len(node.parents) > 2
    placed, chip, extent = lined_up(ports, direction, crowded=len(ports) > crowd, paired=paired)
    if direction == "LR":
        height = max(height, extent)
    else:
        width = max(width, extent)
    return Card(
        node=i,
        scope=scope,
        label=text.clean(without_latex(graph.labels[i])),
        name=graph.bare(i),
        op=_sign(node),
        value=_within(graph.data[i], cells),
        grad=_within(graph.grads[i], cells) if has_grads else "",
        bar=bar(graph.grads[i], largest) if has_grads else 0,
        is_leaf=not node.parents,
        is_row=is_row,
        is_root=i in graph.roots,
        ports=placed,
        chip=chip,
        width=width,
        height=height,
        title=_title(graph, i, has_grads=has_grads),
    )


def _within(x: Any, cells: int) -> str:
    """A number with as many digits as a card has room for; it is never cut, as that would change it."""
    tries = (text.number(x, digits=digits) for digits in (4, 3))
    return next((said for said in tries if text.cells(said) <= cells), None) or text.number(x, digits=2)


def blank_card(
    number: int, scope: tuple[str, ...], label: str, size: tuple[float, float], title: str, *, kind: str
) -> Card:
    """A card that shows no single value."""
    width, height = size
    return Card(
        node=number,
        scope=scope,
        label=label,
        name=label,
        op="",
        value="",
        grad="",
        bar=0,
        is_leaf=False,
        is_row=False,
        is_root=False,
        ports=(),
        chip=0.0,
        width=width,
        height=height,
        title=title,
        kind=kind,
    )


def nonzero(g: Any) -> bool:
    """Whether a gradient passes; NaN does."""
    return bool(g != 0)


def _sign(node: Value) -> str:
    return SIGNS.get(node._op, text.clean(node._op))


def name_of(graph: Graph, i: int) -> str:
    """A value's name in text, in one line."""
    return text.shorten(graph.names[i], text.LONGEST_LABEL)


def bar(g: Any, largest: Any) -> int:
    """Filled segments: all for the largest gradient of the picture, one fewer per factor of ten."""
    if not abs(g) > 0:  # NaN as well
        return 0
    sign = 1 if g > 0 else -1
    if not is_finite(g):
        return sign * BAR_STEPS
    decades = _log10(largest) - _log10(abs(g))
    # The norm of several gradients may exceed the largest one, hence `min`.
    return sign * min(BAR_STEPS, max(1, BAR_STEPS - int(decades + 1e-9)))


def _log10(x: Any) -> float:
    if isinstance(x, float):
        return math.log10(x)
    if not isinstance(x, Rational):
        return float(x.log10())  # a Decimal: the norm of Fractions
    return math.log10(x.numerator) - math.log10(x.denominator)  # a Fraction may be beyond floats


def fold_size(label: str, caption: str) -> tuple[float, float]:
    """The size of a folded scope's card in which its name and the lines of its caption fit, up to a limit."""
    lines = caption.split("\n")
    needed = [text.extent(label, NAME_FONT) + FOLD_SIGN, *(text.extent(line, CAPTION_FONT) + 16 for line in lines)]
    return max(FOLD_WIDTH, min(max(needed), WIDEST_FOLD)), FOLD_HEIGHT + CAPTION_LINE * (len(lines) - 1)


def is_of_pairs(node: Value) -> bool:
    """Whether the operation is a sum of products, whose operands belong together in pairs."""
    return node._primitive is not None and node._primitive.pairs


def _operand_order(node: Value) -> list[int]:
    """Operands in the order of their ports: w₁, x₁, w₂, … for a sum of products, whose operands are (w…, x…)."""
    places = list(range(len(node.parents)))
    if is_of_pairs(node):
        half = len(places) // 2
        return [k for pair in zip(places, places[half:], strict=False) for k in pair]
    primitive = node._primitive
    return primitive.in_order(places) if isinstance(primitive, WrittenComposite) else places


DRAWN: WeakKeyDictionary[Graph, dict[int, list[Port]]] = WeakKeyDictionary()  # shared by all views of a page


def ports_of(graph: Graph, i: int, card_of: Mapping[int, int]) -> list[Port]:
    """A port for every operand; `card_of` says which card shows it."""
    drawn = DRAWN.setdefault(graph, {})
    if i not in drawn:
        drawn[i] = _ports(graph, graph.order[i])
    return [port._replace(source=card_of[port.node]) for port in drawn[i]]


def _ports(graph: Graph, node: Value) -> list[Port]:
    parents, slopes = node.parents, node.local_grads  # read once: these properties build tuples of all operands
    sign = _sign(node)
    rules = _rules_said(graph, node)
    ports = []
    for operand in _operand_order(node):
        parent, slope = parents[operand], slopes[operand]
        u = graph.index[parent]
        is_constant = isinstance(parent, Constant)
        what = f"operand {operand + 1} of {sign}: {name_of(graph, u)}, local derivative {text.in_full(slope)}"
        ports.append(
            Port(
                operand=operand,
                source=-1,
                chip=text.number(parent.data) if is_constant else "×" + text.number(slope),
                is_constant=is_constant,
                is_dead=not is_constant and not nonzero(slope),
                title=f"constant {text.in_full(parent.data)}" if is_constant else what + rules[operand],
                node=u,
            )
        )
    return ports


def _rules_said(graph: Graph, node: Value) -> list[str]:
    """The rule of each local derivative, as a line of a tooltip; "" where the number says all."""
    count = len(node.parents)
    if len(graph.order) > MOST_RULED or count > MOST_RULES:
        return [""] * count
    names = {node: graph.names[graph.index[node]], **{p: graph.names[graph.index[p]] for p in node.parents}}
    return [f"\n{text.clean(rule.text)}" if rule and rule.says_more else "" for rule in rules_of(node, names)]


def lined_up(
    ports: Sequence[Port], direction: str, *, crowded: bool, paired: bool = False, chips: Chips = FULL_CHIPS
) -> tuple[tuple[Port, ...], float, float]:
    """The ports with their positions, the room for chips along the flow, and the size across it."""
    if not ports:
        return (), 0.0, 0.0
    across = direction == "LR"  # whether ports stand one below the other
    if across and len(ports) > DENSE:
        chips = chips._replace(height=14.0, gap=0.5)
    shown = ["" if crowded else port.chip for port in ports]
    widths = [6.0 if crowded else max(chips.least, text.extent(chip, chips.font) + 8) for chip in shown]
    height = 4.0 if crowded else chips.height
    if across:  # edges end in one line; chips of constants only need their own width
        widest = max(widths)
        widths = [w if port.is_constant else widest for w, port in zip(widths, ports)]
    gap = 1.0 if crowded else chips.gap
    placed, end = [], 0.0
    for k, port in enumerate(ports):
        extent = height if across else widths[k]
        end += (gap if k else 0.0) + (3 * gap if k and paired and k % 2 == 0 else 0.0)
        placed.append(port._replace(chip=shown[k], at=end + extent / 2, width=widths[k], height=height))
        end += extent
    centred = tuple(port._replace(at=port.at - end / 2) for port in placed)
    return centred, max(widths) if across else height, end + 8


def _title(graph: Graph, i: int, *, has_grads: bool) -> str:
    node = graph.order[i]
    lines = [f"{graph.names[i]}: {node.op or 'leaf'}"]
    lines.append(f"value {text.in_full(graph.data[i])}")
    lines.append(
        f"gradient {text.in_full(graph.grads[i])}" if has_grads else "gradient not computed: call backward() first"
    )
    if node.scope:
        lines.append(f"scope {text.clean(box_of(node))}")
    return "\n".join(lines)
