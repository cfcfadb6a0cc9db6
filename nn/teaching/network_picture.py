"""A network as texts draw it: a circle for each unit, an arrow for each weight."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import RangeError
from autograd_core.atomic_write import write_file
from autograd_core.pictures.checked_path import path_for
from autograd_core.pictures.render.raster import png
from autograd_core.pictures.render.theme import DARK, LIGHT, SANS
from autograd_core.pictures.render.typeset_names import typeset, typeset_words
from autograd_core.pictures.text import clean, xml

from ..analysis.error_signals import error_signals
from ..analysis.forward_pass import forward_pass
from ..support.tables import number
from ..support.validation import shown

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    from autograd_core import Value

    from ..analysis.layers_by_name import ForwardPass
    from ..modules.module import Module

MOST_ARROWS = 400
MOST_SIDE_BY_SIDE = 8  # units that arrows lead to, up to which all their weights can be read
NAME, SMALL = 13.0, 10.5  # pixels of print
LETTER = 0.62  # the advance of a letter over its size, about
RADIUS, WIDEST, OF_ONE = 23.0, 44.0, 17.0
ROW, COLUMN, LINE = 78.0, 140.0, 17.0  # the least distances of circles and of two weights, in pixels
BAND = 15.0  # the height of a line below a unit
STEPS, GROWTH, TRIES = 36, 1.12, 16  # places of a label on its arrow; how a gap without room for labels is widened
FREE = 600.0  # between columns, up to which no arrow passes a signal; wider, signals interrupt arrows as labels do
WIDEST_GAP, APART = 1200.0, 2.0  # pixels: between columns, and between labels at least
MARGIN, ARROW, BELOW = 16.0, 7.0, 24.0  # the last: between arrows that pass below the columns that they leap
THEMES = ("auto", "light", "dark")
WEIGHTS = ("names", "numbers", "both", "none")
SUFFIXES = (".svg", ".png")
CSS = (
    ".bg{{fill:{bg}}}.edge{{fill:none;stroke:{edge};stroke-width:1.2}}.tip{{fill:{edge}}}"
    ".unit{{fill:{card};stroke:{root};stroke-width:1.4}}.in{{fill:{leaf};stroke:{leafline}}}"
    ".one{{fill:{chip};stroke:{line}}}"
    "text{{font-family:" + SANS + ";text-anchor:middle;fill:{ink};white-space:pre}}"
    ".name{{font-size:13px;font-weight:600}}.small{{font-size:10.5px}}.soft{{fill:{soft}}}"
    ".weight{{font-size:10.5px}}"
    ".pos{{fill:{pos}}}.neg{{fill:{neg}}}.title{{font-size:15px;font-weight:600}}"
)


class _Circle(NamedTuple):
    """A unit, an input, or the 1 that biases are the weights of; and what stands in it and below it."""

    name: str
    number: str
    kind: str
    signal: str = ""  # what its number below the unit is called
    delta: str = ""
    said: str = ""


class _Arrow(NamedTuple):
    """From one circle to another, each by its column and row; a softmax and a loss have no weights."""

    start: tuple[int, int]
    end: tuple[int, int]
    name: str = ""
    number: str = ""


@dataclass(slots=True)
class _Network:
    """What is drawn: circles in columns, the columns' names, arrows."""

    columns: list[list[_Circle]] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    arrows: list[_Arrow] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class NetworkPicture:
    """What `nn.draw_network` drew. Notebooks show it, `.svg` is its text, `.save` writes it to a file.

    Attributes:
        svg: The picture as SVG, the same text for the same network.
        width: In pixels.
        height: In pixels.
        theme: "auto", "light" or "dark".

    Example:
        >>> import nn
        >>> nn.draw_network(nn.MLP(2, [1], seed=0), [1.0, 2.0])
        <NetworkPicture, 229 x 295 pixels>
    """

    width: float
    height: float
    theme: str
    _body: str

    @property
    def svg(self) -> str:
        """The picture as SVG."""
        return self._in(self.theme)

    def _in(self, theme: str) -> str:
        name = f"n{sha256(self._body.encode()).hexdigest()[:10]}"
        style = CSS.format(**(DARK if theme == "dark" else LIGHT))
        rules = _within(name, style)
        if theme == "auto":
            rules += f"@media (prefers-color-scheme:dark){{{_within(name, CSS.format(**DARK))}}}"
            rules += f"@media print{{{_within(name, style)}}}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" role="img" width="{self.width:g}" '
            f'height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}"><style>{rules}</style>'
            f'<rect class="bg" width="100%" height="100%"/>{self._body}</svg>'
        )

    def __repr__(self) -> str:
        return f"<NetworkPicture, {self.width:g} x {self.height:g} pixels>"

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str], *, theme: str | None = None) -> Path:
        """Write the picture to a file. A failure leaves an older file whole.

        Args:
            path: Ends in .svg, or in .png (extra `png`; two pixels per unit).
            theme: "light", "dark", or for an .svg "auto"; by default that of the picture, and light where that is auto.

        Returns:
            The path of the file.

        Raises:
            OperandError: `path` is no path.
            RangeError: Another suffix or theme, or a folder that does not exist.
            MissingExtraError: A PNG without resvg-py.

        Example:
            >>> import nn, pathlib, tempfile
            >>> folder = pathlib.Path(tempfile.mkdtemp())
            >>> nn.draw_network(nn.MLP(2, [1]), [1.0, 2.0]).save(folder / "network.svg").name
            'network.svg'
        """
        found = path_for(path, SUFFIXES)
        if theme is None:
            theme = "light" if self.theme == "auto" else self.theme
        if theme not in THEMES or (theme == "auto" and found.suffix.lower() != ".svg"):
            msg = f"save: expected theme to be 'light' or 'dark', or 'auto' for an .svg, got {shown(theme)}"
            raise RangeError(msg)
        drawn = self._in(theme)
        write_file(found, drawn.encode() if found.suffix.lower() == ".svg" else png(drawn, round(2 * self.width)))
        return found


def _within(name: str, rules: str) -> str:
    return re.sub(r"([^{}]+)\{", rf"#{name} \1{{", rules)


def draw_network(
    model: Module,
    x: Any,
    target: Any = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    notation: str | None = None,
    weights: str | None = None,
    title: str = "",
    theme: str = "auto",
) -> NetworkPicture:
    """Draw a network as texts do: a circle for each unit and input, and an arrow with its name for each weight.

    A circle has the name and the activation of its unit. Biases are arrows from a circle that is 1. With a loss it is
    the last circle, and below each unit stands its error signal. To see how each number is computed, and how it
    is differentiated, `autograd_core.draw` draws the graph, in which every operation is a card.

    Args:
        model: Any module of `Neuron`s, `Layer`s and `Linear`s; see `nn.forward_pass`.
        x: One case: what the model takes.
        target: What the loss wants as its second argument.
        loss: A function of `(prediction, target)`; None for no error signals.
        notation: Whose names it has, such as "downing" or "cs60050"; see `nn.forward_pass`.
        weights: What stands on the arrows: "names", "numbers", "both" or "none". By default names where there is a
            notation, else numbers. Where arrows lead to more than 8 units side by side there is no room; pointing at an
            arrow shows both.
        title: A heading.
        theme: "light", "dark", or "auto" as the reader's system prefers.

    Returns:
        A `NetworkPicture`.

    Raises:
        RangeError: There are more than 400 weights, or there is no such notation, theme or choice of weights.
        StructureError: The model has no layers that can be read.

    Example:
        >>> import nn
        >>> model = nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", bias=False, seed=1)
        >>> picture = nn.draw_network(model, [1.0, 0.5, -1.0], notation="downing")
        >>> picture.svg.count('class="edge"'), picture.svg.count('class="unit"')
        (8, 3)
    """
    for what, given, allowed in (("theme", theme, THEMES), ("weights", weights, (None, *WEIGHTS))):
        if given not in allowed:
            known = ", ".join(repr(x) for x in allowed if x is not None)
            msg = f"draw_network: {what}: expected one of {known}, got {shown(given)}"
            raise RangeError(msg)
    if loss is None:
        run, signals = forward_pass(model, x, target, notation=notation), {}
    else:
        found = error_signals(model, x, target, loss=loss, notation=notation)
        run = found.run
        signals = {unit.name: unit.delta for units in found.layers.values() for unit in units}
    network = _network(run, signals)
    if len(network.arrows) > MOST_ARROWS:
        msg = (
            f"draw_network: expected at most {MOST_ARROWS} weights, got {len(network.arrows)}; "
            'autograd_core.draw(y, fold="layer*") draws large networks'
        )
        raise RangeError(msg)
    return _drawn(network, weights or ("numbers" if notation is None else "names"), clean(title), theme)


def _network(run: ForwardPass, signals: dict[str, float]) -> _Network:
    """The circles and arrows of a pass."""
    called, made = run.names or _last_part, _Network()
    error, s, letter = ("E", "s", "δ")
    if run.names is not None:
        error, s, letter = run.names.loss, *(run.names.heads[k].removesuffix("_i") for k in (1, 5))
    if signals:
        meant = f"∂{error}/∂{s}"
        made.note = f"below each unit {meant if letter == meant else f'{letter} = {meant}'}"
        if any("′" in _letter(called(f"signal {name}"), letter) for name in signals):
            made.note += ", one prime more at each layer down"
    place: dict[Value, tuple[int, int]] = {}
    last: list[tuple[int, int]] = []
    activations = run.of_scores or ()
    for name, end in run.ends.items():
        # A softmax is a column of its own, after its sums, be it the last or within.
        of_softmax = _is_softmax(run, name.removeprefix("sum(").removesuffix(")"))
        if name.startswith("sum(") and not of_softmax:
            continue
        layer = name.removeprefix("sum(").removesuffix(")") if of_softmax else name
        units = () if of_softmax and layer == name else run.layers.get(layer, ())
        if units:
            _what_enters(run, layer, place, made)
        at, column = len(made.columns), list[_Circle]()
        for k, (label, node) in enumerate(zip(end.labels, end.nodes, strict=True)):
            kind = "in" if name == "inputs" else "loss" if name == "loss" else "unit"
            delta = signals.get(units[k].name) if units else None
            own = called(f"signal {units[k].name}") if units and run.names else "δ"
            said = "" if delta is None else f"{own} = {number(delta)}"
            shown_name = error if kind == "loss" else called(label)
            if activations and name == run.last:
                said += f"; the loss makes {called(f'activation {label}')} = {number(activations[k].data)} of it"
            below = ("", "") if delta is None else (_letter(own, letter), number(delta))
            column.append(_Circle(shown_name, number(node.data), kind, *below, said.removeprefix("; ")))
            if not units:
                made.arrows += [_Arrow(start, (at, k)) for start in last]
            place.setdefault(node, (at, k))
        made.columns.append(column)
        made.titles.append("" if name == "loss" else called(name))
        for k, unit in enumerate(units):
            for i, (w, x) in enumerate(zip(unit.weights, unit.inputs, strict=True)):
                weight = called(f"weight {i} {unit.name}") if run.names else w.label
                made.arrows.append(_Arrow(place[x], (at, k), weight, number(w.data)))
            if unit.bias is not None:
                bias = called(f"bias {unit.name}") if run.names else unit.bias.label
                made.arrows.append(_Arrow((at - 1, 0), (at, k), bias, number(unit.bias.data)))
        last = [(at, k) for k in range(len(column))]
    return made


def _is_softmax(run: ForwardPass, layer: str) -> bool:
    return any(unit.is_share for unit in run.layers.get(layer, ()))


def _letter(own: str, letter: str) -> str:
    """What a signal is called without the index of its unit: δ, or e″, whose primes say in which layer it is."""
    found = re.match(r"\w[′″‴]*(\^\(\d+\))?", own)
    return found[0] if found and len(letter) == 1 and own.startswith(letter) else letter


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]


def _what_enters(run: ForwardPass, layer: str, place: dict[Value, tuple[int, int]], made: _Network) -> None:
    """Circles in the column before a layer for what its weights meet there besides units: a 1, or other nodes."""
    called, before = run.names, len(made.columns) - 1
    units = run.layers[layer]
    for unit in units:
        for i, x in enumerate(unit.inputs):
            if x not in place:
                own = f"input {i} {unit.name}"
                name = called(own) if called is not None and own in called.of else x.label or f"in{i}"
                place[x] = (before, len(made.columns[before]))
                made.columns[before].append(_Circle(name, number(x.data), "in"))
    if any(unit.bias is not None for unit in units):
        one = called(f"1 into {layer}") if called is not None else "1"
        made.columns[before].insert(0, _Circle(one, "1" if one != "1" else "", "one"))
        for node, (column, row) in place.items():
            if column == before:
                place[node] = (column, row + 1)
        made.arrows[:] = [a._replace(end=(before, a.end[1] + 1)) if a.end[0] == before else a for a in made.arrows]


# --- places and SVG --------------------------------------------------------------------------------


def _extent(name: str, size: float) -> float:
    """The width of a name, whose indices are smaller."""
    return sum(LETTER * (SMALL if small else size) for part, small in _parts(name) for _ in part)


def _parts(name: str) -> list[tuple[str, bool]]:
    head, *others = re.split(r"[_^]", name)
    return [(head, False), *((part, True) for part in others)]


_Point = tuple[float, float]
_Box = tuple[float, float, float, float]  # left, top, right, bottom


def _below(circle: _Circle) -> list[str]:
    """The lines below a unit: its signal's name and number, in one line where the name is a letter."""
    if not circle.delta:
        return []
    return [circle.signal, circle.delta] if "/" in circle.signal else [f"{circle.signal} {circle.delta}"]


def _box_below(spot: _Point, radius: float, lines: list[str]) -> _Box:
    half = max(_extent(line, SMALL) for line in lines) / 2
    top = spot[1] + radius + 2
    return (spot[0] - half, top, spot[0] + half, top + BAND * len(lines))


def _drawn(network: _Network, weights: str, title: str, theme: str) -> NetworkPicture:
    columns = network.columns
    radius = [
        min(WIDEST, max(RADIUS, *(max(_extent(c.name, NAME), _extent(c.number, SMALL)) / 2 + 6 for c in column)))
        for column in columns
    ]
    written = [_written(arrow, weights) for arrow in network.arrows]
    ends: list[set[tuple[int, int]]] = [set() for _ in columns]  # the units that the arrows of each gap lead to
    for arrow, said in zip(network.arrows, written, strict=True):
        if said:
            ends[arrow.end[0]].add(arrow.end)
    roomy = [0 < len(units) <= MOST_SIDE_BY_SIDE for units in ends]
    rows = [LINE * (len(units) + 1) for units, is_roomy in zip(ends, roomy, strict=True) if is_roomy]
    below = [_below(c) for column in columns for c in column]
    row = max(ROW, 2 * max(radius) + 20 + BAND * max(map(len, below)), *rows)
    tallest = max(map(len, columns))
    top = MARGIN + (26 if title else 0) + max(radius)
    bottom = top + (tallest - 1) * row + max(radius) + (18 if network.note else 0)

    def height(column: int, k: int) -> float:
        return top + ((tallest - len(columns[column])) / 2 + k) * row

    def radius_of(column: int, k: int) -> float:
        return OF_ONE if columns[column][k].name == "1" else radius[column]

    xs, spots = [MARGIN + radius[0]], dict[int, _Point]()
    for c in range(1, len(columns)):
        mine = [k for k, arrow in enumerate(network.arrows) if (arrow.start[0], arrow.end[0]) == (c - 1, c)]
        gap = _Gap(
            [(height(*network.arrows[k].start), height(*network.arrows[k].end)) for k in mine],
            [(radius_of(*network.arrows[k].start), radius_of(*network.arrows[k].end)) for k in mine],
            [written[k] if roomy[c] else "" for k in mine],
            [((0.0, height(c - 1, k)), radius_of(c - 1, k), _below(x)) for k, x in enumerate(columns[c - 1])],
            [((1.0, height(c, k)), radius_of(c, k), _below(x)) for k, x in enumerate(columns[c])],
        )
        apart, places = gap.laid(max(COLUMN, radius[c - 1] + radius[c] + 60))
        spots |= {k: (xs[-1] + x, y) for k, (x, y) in zip(mine, places, strict=True)}
        xs.append(xs[-1] + apart)
    width = max(xs[-1] + radius[-1], _extent(title, 15) + MARGIN, _extent(network.note, SMALL) + MARGIN) + MARGIN

    def at(column: int, k: int) -> _Point:
        return xs[column], height(column, k)

    lines, names = [], []
    for k, (arrow, said) in enumerate(zip(network.arrows, written, strict=True)):
        start, end = at(*arrow.start), at(*arrow.end)
        if k in spots:
            bend, spot = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), spots[k]
        else:
            bottom += BELOW
            bend = (start[0] + end[0]) / 2, 2 * (bottom - 12) - (start[1] + end[1]) / 2
            spot = bend[0], bottom - 12
        path = _path(start, bend, end, radius_of(*arrow.start), radius_of(*arrow.end))
        both = _written(arrow, "both")
        lines.append(f"<g>{f'<title>{xml(both)}</title>' if both else ''}{path}</g>")
        if said and roomy[arrow.end[0]]:
            names.append(_label(spot, said))
    circles = [
        _circle(at(c, k), radius_of(c, k), circle)
        for c, column in enumerate(columns) for k, circle in enumerate(column)
    ]
    foot = bottom + 22 + BAND * (max(map(len, below)) - 1) * bool(network.note)
    layers = [_text((x, foot), name, "small soft") for x, name in zip(xs, network.titles, strict=True) if name]
    if network.note:
        foot += 20
        layers.append(_text((width / 2, foot), network.note, "small soft"))
    head = [f'<text class="title" x="{width / 2:g}" y="{MARGIN + 8:g}">{xml(title)}</text>'] if title else []
    body = "".join([*head, *lines, *names, *circles, *layers])
    return NetworkPicture(round(width), round(foot + 12), theme, body)


@dataclass(frozen=True, slots=True)
class _Gap:
    """The arrows between two columns, and how far apart the columns are for their labels to be beside each other.

    Each arrow by the heights of its ends, the radii there, and its label; on each side circles with what is below them.
    """

    arrows: list[tuple[float, float]]
    radii: list[tuple[float, float]]
    labels: list[str]
    left: list[tuple[_Point, float, list[str]]]
    right: list[tuple[_Point, float, list[str]]]

    def laid(self, apart: float) -> tuple[float, list[_Point]]:
        """The distance of the columns, and the place of each label from the left column's middle."""
        found = None
        for _ in range(TRIES):
            found = self._places(apart, strict=True)
            if found is not None or apart > WIDEST_GAP:
                break
            apart *= GROWTH
        return apart, found or self._places(apart, strict=False) or []

    def _places(self, apart: float, *, strict: bool) -> list[_Point] | None:
        """A place for each label where no other is, nor a circle or a signal; None where strict and there is none."""
        taken = list[_Box]()
        lines = [(y, (end - y) / apart) for y, end in self.arrows]
        for x, side in ((0.0, self.left), (apart, self.right)):
            for (_, y), radius, below in side:
                taken.append((x - radius, y - radius, x + radius, y + radius))
                if below:
                    box = _box_below((x, y), radius, below)
                    if strict and apart < FREE and any(_meets(line, box, apart) for line in lines):
                        return None
                    taken.append(box)
        spots: list[_Point] = []
        for k, ((y, slope), said) in enumerate(zip(lines, self.labels, strict=True)):
            best: tuple[tuple[int, int, float], _Point, _Box] | None = None
            leaves, enters = self.radii[k]
            first, last = leaves, apart - enters - ARROW
            for step in range(STEPS * bool(said)):
                x = first + (last - first) * (step + 0.5) / STEPS
                spot = (x, y + slope * x)
                box = _label_box(spot, said)
                hidden = sum(_overlap(box, other) for other in taken)
                if hidden and strict:
                    continue
                crossed = sum(_meets(line, box, apart) for i, line in enumerate(lines) if i != k)
                rank = (hidden, crossed, abs(x / apart - 0.35))
                if best is None or rank < best[0]:
                    best = (rank, spot, box)
            if best is None and said and strict:
                return None
            spots.append(best[1] if best else (apart / 2, y + slope * apart / 2))
            if best:
                taken.append(best[2])
        return spots


def _overlap(a: _Box, b: _Box) -> bool:
    """Whether two boxes touch, or all but touch."""
    return a[0] < b[2] + APART and b[0] < a[2] + APART and a[1] < b[3] + APART and b[1] < a[3] + APART


def _meets(line: tuple[float, float], box: _Box, apart: float) -> bool:
    """Whether an arrow, by its height at the left column and its slope, goes through a box between the columns."""
    y, slope = line
    left, right = max(box[0], 0.0), min(box[2], apart)
    a, b = y + slope * left, y + slope * right
    return left < right and max(a, b) > box[1] and min(a, b) < box[3]


def _label_box(spot: _Point, said: str) -> _Box:
    """What a label takes on an arrow: more above with an exponent, more below with an index."""
    half = _extent(said, SMALL) / 2 + 2
    return (spot[0] - half, spot[1] - (10 if "^" in said else 7), spot[0] + half, spot[1] + (9 if "_" in said else 7))


def _written(arrow: _Arrow, weights: str) -> str:
    if not arrow.number or weights == "none":
        return ""
    return {"names": arrow.name, "numbers": arrow.number}.get(weights, f"{arrow.name} = {arrow.number}")


def _path(
    start: _Point, bend: _Point, end: _Point, leaves: float, enters: float
) -> str:
    """An arrow from rim to rim of two circles."""
    a = _towards(start, bend, leaves)
    tip, base = _towards(end, bend, enters + 1), _towards(end, bend, enters + 1 + ARROW)
    across = (tip[1] - base[1]) * 0.45, (base[0] - tip[0]) * 0.45
    corners = (tip, (base[0] + across[0], base[1] + across[1]), (base[0] - across[0], base[1] - across[1]))
    line = f'<path class="edge" d="M{_pair(a)} Q{_pair(bend)} {_pair(base)}"/>'
    return line + f'<path class="tip" d="M{" L".join(map(_pair, corners))}Z"/>'


def _towards(start: tuple[float, float], end: tuple[float, float], length: float) -> tuple[float, float]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    share = length / max((dx * dx + dy * dy) ** 0.5, 1e-9)
    return start[0] + share * dx, start[1] + share * dy


def _pair(point: tuple[float, float]) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _label(spot: _Point, said: str) -> str:
    name, equals, value = said.partition(" = ")
    sign = "" if equals or not re.fullmatch(r"−?[\d.e−]+", name) else " neg" if name.startswith("−") else " pos"
    text, end = typeset(name)
    rest = f'<tspan dy="{-end:g}">{equals}{xml(value)}</tspan>' if equals else ""
    back = _back(_label_box(spot, said))
    return f'{back}<text class="weight{sign}" x="{spot[0]:.1f}" y="{spot[1] + 3.5:.1f}">{text}{rest}</text>'


def _back(box: _Box) -> str:
    left, top, right, bottom = box
    size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
    return f'<rect class="bg" x="{left:.1f}" y="{top:.1f}" {size}/>'


def _text(spot: _Point, name: str, kind: str) -> str:
    written = typeset_words(name) if "/" in name else typeset(name)[0]
    return f'<text class="{kind}" x="{spot[0]:.1f}" y="{spot[1]:.1f}">{written}</text>'


def _circle(spot: _Point, radius: float, circle: _Circle) -> str:
    x, y = spot
    kind = {"in": "unit in", "one": "unit one"}.get(circle.kind, "unit")
    title = f"{circle.name} = {circle.number}" if circle.number else circle.name
    said = f"{title}; {circle.said}" if circle.said else title
    parts = [f"<g><title>{xml(said)}</title>", f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>']
    parts.append(_text((x, y + (-1 if circle.number else 4)), circle.name, "name"))
    if circle.number:
        parts.append(_text((x, y + 13), circle.number, "small soft"))
    lines = _below(circle)
    if lines:
        parts.append(_back(_box_below(spot, radius, lines)))
        sign = "neg" if circle.delta.startswith("−") else "pos"
        kinds = ["small soft", f"small {sign}"][-len(lines) :]
        for k, (line, kind) in enumerate(zip(lines, kinds, strict=True)):
            letter, _, rest = line.partition(" ")
            text, dropped = typeset(letter)
            back = f'<tspan dy="{-dropped:g}">\u00a0</tspan>' if dropped else " "
            text += f"{back}{xml(rest)}" if rest else ""
            parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y + radius + 13 + BAND * k:.1f}">{text}</text>')
    return "".join(parts) + "</g>"
