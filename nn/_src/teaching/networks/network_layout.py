"""The position of each circle and label in a picture of a network, in pixels.

Columns are as far apart as the labels on the arrows between them need. Arrows into a column of too many units have no
labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .network_units import ShownNetwork, ShownUnit, ShownWeight

MOST_SIDE_BY_SIDE = 8  # the most units of a column for which the labels of all incoming arrows can be read
NAME, SMALL = 13.0, 10.5  # font sizes in pixels
LETTER = 0.62  # average width of a letter divided by the font size
RADIUS, WIDEST, OF_ONE = 23.0, 44.0, 17.0
ROW, COLUMN, LINE = 78.0, 140.0, 17.0  # least distances in pixels: circles of a column, columns, labels of arrows
BAND = 15.0  # the height of a line below a unit
STEPS, GROWTH, TRIES = 36, 1.12, 16  # positions tried for a label on its arrow; factor and number of widenings of a gap
FREE = 600.0  # up to this gap, columns are widened until no arrow crosses an error signal; beyond, signals cover arrows
WIDEST_GAP, APART = 1200.0, 2.0  # pixels: the widest gap between columns, the least distance of labels
MARGIN, ARROW, BELOW = 16.0, 7.0, 24.0  # BELOW: distance between arrows that pass below the columns they skip

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom


class PlacedUnit(NamedTuple):
    """A circle with its centre and radius."""

    unit: ShownUnit
    middle: Point
    radius: float


class PlacedWeight(NamedTuple):
    """An arrow between the centres of two circles, drawn from rim to rim, with its control point and its label."""

    weight: ShownWeight
    start: Point
    bend: Point
    end: Point
    leaves: float  # the radius of the circle where it starts
    enters: float  # and of the one where it ends
    label: str  # none where there is no room
    label_at: Point


@dataclass(frozen=True, slots=True)
class PlacedNetwork:
    """All positions of a picture of a network, and its size."""

    width: float
    height: float
    weights: list[PlacedWeight]
    units: list[PlacedUnit]
    words: list[tuple[Point, str]]  # names of columns, and the note below them


# --- text sizes ------------------------------------------------------------------------------------


def _extent(name: str, size: float) -> float:
    """The width of a name; indices are set in the small size."""
    return sum(LETTER * (SMALL if small else size) for part, small in _parts(name) for _ in part)


def _parts(name: str) -> list[tuple[str, bool]]:
    head, *others = re.split(r"[_^]", name)
    return [(head, False), *((part, True) for part in others)]


def lines_below(circle: ShownUnit) -> list[str]:
    """The lines below a unit: its signal's name and number, in one line where the name is a letter."""
    if not circle.delta:
        return []
    return [circle.signal, circle.delta] if "/" in circle.signal else [f"{circle.signal} {circle.delta}"]


def box_below(spot: Point, radius: float, lines: list[str]) -> Box:
    """The bounding box of the lines below a circle."""
    half = max(_extent(line, SMALL) for line in lines) / 2
    top = spot[1] + radius + 2
    return (spot[0] - half, top, spot[0] + half, top + BAND * len(lines))


def written(arrow: ShownWeight, weights: str) -> str:
    """The label of an arrow: its name, its number, or both."""
    if not arrow.number or weights == "none":
        return ""
    return {"names": arrow.name, "numbers": arrow.number}.get(weights, f"{arrow.name} = {arrow.number}")


# --- places ----------------------------------------------------------------------------------------


def placed(network: ShownNetwork, weights: str, title: str) -> PlacedNetwork:
    """Place all circles, arrows and labels."""
    columns = network.columns
    radius = [
        min(WIDEST, max(RADIUS, *(max(_extent(c.name, NAME), _extent(c.number, SMALL)) / 2 + 6 for c in column)))
        for column in columns
    ]
    labels = [written(arrow, weights) for arrow in network.arrows]
    ends: list[set[tuple[int, int]]] = [set() for _ in columns]  # the units that the arrows of each gap lead to
    for arrow, said in zip(network.arrows, labels, strict=True):
        if said:
            ends[arrow.end[0]].add(arrow.end)
    roomy = [0 < len(units) <= MOST_SIDE_BY_SIDE for units in ends]
    rows = [LINE * (len(units) + 1) for units, is_roomy in zip(ends, roomy, strict=True) if is_roomy]
    lines = [lines_below(c) for column in columns for c in column]
    row = max(ROW, 2 * max(radius) + 20 + BAND * max(map(len, lines)), *rows)
    tallest = max(map(len, columns))
    top = MARGIN + (26 if title else 0) + max(radius)
    bottom = top + (tallest - 1) * row + max(radius) + (18 if network.note else 0)

    def height(column: int, k: int) -> float:
        return top + ((tallest - len(columns[column])) / 2 + k) * row

    def radius_of(column: int, k: int) -> float:
        return OF_ONE if columns[column][k].name == "1" else radius[column]

    xs, spots = [MARGIN + radius[0]], dict[int, Point]()
    for c in range(1, len(columns)):
        mine = [k for k, arrow in enumerate(network.arrows) if (arrow.start[0], arrow.end[0]) == (c - 1, c)]
        gap = _Gap(
            [(height(*network.arrows[k].start), height(*network.arrows[k].end)) for k in mine],
            [(radius_of(*network.arrows[k].start), radius_of(*network.arrows[k].end)) for k in mine],
            [labels[k] if roomy[c] else "" for k in mine],
            [((0.0, height(c - 1, k)), radius_of(c - 1, k), lines_below(x)) for k, x in enumerate(columns[c - 1])],
            [((1.0, height(c, k)), radius_of(c, k), lines_below(x)) for k, x in enumerate(columns[c])],
        )
        apart, places = gap.laid(max(COLUMN, radius[c - 1] + radius[c] + 60))
        spots |= {k: (xs[-1] + x, y) for k, (x, y) in zip(mine, places, strict=True)}
        xs.append(xs[-1] + apart)
    width = max(xs[-1] + radius[-1], _extent(title, 15) + MARGIN, _extent(network.note, SMALL) + MARGIN) + MARGIN

    def at(column: int, k: int) -> Point:
        return xs[column], height(column, k)

    arrows = []
    for k, (arrow, said) in enumerate(zip(network.arrows, labels, strict=True)):
        start, end = at(*arrow.start), at(*arrow.end)
        if k in spots:
            bend, spot = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), spots[k]
        else:
            bottom += BELOW
            bend = (start[0] + end[0]) / 2, 2 * (bottom - 12) - (start[1] + end[1]) / 2
            spot = bend[0], bottom - 12
        radii = radius_of(*arrow.start), radius_of(*arrow.end)
        arrows.append(PlacedWeight(arrow, start, bend, end, *radii, said if roomy[arrow.end[0]] else "", spot))
    units = [
        PlacedUnit(unit, at(c, k), radius_of(c, k)) for c, column in enumerate(columns) for k, unit in enumerate(column)
    ]
    foot = bottom + 22 + BAND * (max(map(len, lines)) - 1) * bool(network.note)
    words = [((x, foot), name) for x, name in zip(xs, network.titles, strict=True) if name]
    if network.note:
        foot += 20
        words.append(((width / 2, foot), network.note))
    return PlacedNetwork(width, foot + 12, arrows, units, words)


@dataclass(frozen=True, slots=True)
class _Gap:
    """The arrows between two columns, which decide how far apart the columns must be for the labels not to overlap.

    Each arrow has the heights of its ends, the radii there, and its label; each side has circles and the lines below.
    """

    arrows: list[tuple[float, float]]
    radii: list[tuple[float, float]]
    labels: list[str]
    left: list[tuple[Point, float, list[str]]]
    right: list[tuple[Point, float, list[str]]]

    def laid(self, apart: float) -> tuple[float, list[Point]]:
        """The distance of the columns, and the position of each label relative to the centre of the left column."""
        found = None
        for _ in range(TRIES):
            found = self._places(apart, strict=True)
            if found is not None or apart > WIDEST_GAP:
                break
            apart *= GROWTH
        return apart, found or self._places(apart, strict=False) or []

    def _places(self, apart: float, *, strict: bool) -> list[Point] | None:
        """A position for each label that overlaps nothing else; None if `strict` and there is none."""
        taken = list[Box]()
        lines = [(y, (end - y) / apart) for y, end in self.arrows]
        for x, side in ((0.0, self.left), (apart, self.right)):
            for (_, y), radius, below in side:
                taken.append((x - radius, y - radius, x + radius, y + radius))
                if below:
                    box = box_below((x, y), radius, below)
                    if strict and apart < FREE and any(_meets(line, box, apart) for line in lines):
                        return None
                    taken.append(box)
        spots: list[Point] = []
        for k, ((y, slope), said) in enumerate(zip(lines, self.labels, strict=True)):
            best: tuple[tuple[int, int, float], Point, Box] | None = None
            leaves, enters = self.radii[k]
            first, last = leaves, apart - enters - ARROW
            for step in range(STEPS * bool(said)):
                x = first + (last - first) * (step + 0.5) / STEPS
                spot = (x, y + slope * x)
                box = label_box(spot, said)
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


def _overlap(a: Box, b: Box) -> bool:
    """Whether two boxes overlap or are closer than `APART`."""
    return a[0] < b[2] + APART and b[0] < a[2] + APART and a[1] < b[3] + APART and b[1] < a[3] + APART


def _meets(line: tuple[float, float], box: Box, apart: float) -> bool:
    """Whether an arrow, by its height at the left column and its slope, goes through a box between the columns."""
    y, slope = line
    left, right = max(box[0], 0.0), min(box[2], apart)
    a, b = y + slope * left, y + slope * right
    return left < right and max(a, b) > box[1] and min(a, b) < box[3]


def label_box(spot: Point, said: str) -> Box:
    """The bounding box of a label on an arrow, with room for an exponent above and an index below."""
    half = _extent(said, SMALL) / 2 + 2
    return (spot[0] - half, spot[1] - (10 if "^" in said else 7), spot[0] + half, spot[1] + (9 if "_" in said else 7))
