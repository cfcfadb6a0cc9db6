"""The contents of a picture of a network: columns of units, inputs, the constant 1 and the loss; weights between."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ...support.tables import number

if TYPE_CHECKING:
    from autograd_core import Value

    from ...analysis.layers_by_name import ForwardPass


class ShownUnit(NamedTuple):
    """A unit, an input, or the constant 1 of the biases; with the texts in and below its circle."""

    name: str
    number: str
    kind: str
    signal: str = ""  # the name of its error signal, whose number is `delta`
    delta: str = ""
    said: str = ""


class ShownWeight(NamedTuple):
    """An arrow between two circles, each given by column and row. Arrows to a softmax and a loss have no weight."""

    start: tuple[int, int]
    end: tuple[int, int]
    name: str = ""
    number: str = ""


@dataclass(slots=True)
class ShownNetwork:
    """What is drawn: circles in columns, the columns' names, arrows."""

    columns: list[list[ShownUnit]] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    arrows: list[ShownWeight] = field(default_factory=list)
    note: str = ""


def network_of(run: ForwardPass, signals: dict[str, float]) -> ShownNetwork:
    """The circles and arrows of a pass."""
    called, made = run.names or _last_part, ShownNetwork()
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
        # A softmax is a column of its own after its sums, whether it is the last layer or not.
        of_softmax = _is_softmax(run, name.removeprefix("sum(").removesuffix(")"))
        if name.startswith("sum(") and not of_softmax:
            continue
        layer = name.removeprefix("sum(").removesuffix(")") if of_softmax else name
        units = () if of_softmax and layer == name else run.layers.get(layer, ())
        if units:
            _what_enters(run, layer, place, made)
        at, column = len(made.columns), list[ShownUnit]()
        for k, (label, node) in enumerate(zip(end.labels, end.nodes, strict=True)):
            kind = "in" if name == "inputs" else "loss" if name == "loss" else "unit"
            delta = signals.get(units[k].name) if units else None
            own = called(f"signal {units[k].name}") if units and run.names else "δ"
            said = "" if delta is None else f"{own} = {number(delta)}"
            shown_name = error if kind == "loss" else called(label)
            if activations and name == run.last:
                said += f"; the loss makes {called(f'activation {label}')} = {number(activations[k].data)} of it"
            below = ("", "") if delta is None else (_letter(own, letter), number(delta))
            column.append(ShownUnit(shown_name, number(node.data), kind, *below, said.removeprefix("; ")))
            if not units:
                made.arrows += [ShownWeight(start, (at, k)) for start in last]
            place.setdefault(node, (at, k))
        made.columns.append(column)
        made.titles.append("" if name == "loss" else called(name))
        for k, unit in enumerate(units):
            for i, (w, x) in enumerate(zip(unit.weights, unit.inputs, strict=True)):
                weight = called(f"weight {i} {unit.name}") if run.names else w.label
                made.arrows.append(ShownWeight(place[x], (at, k), weight, number(w.data)))
            if unit.bias is not None:
                bias = called(f"bias {unit.name}") if run.names else unit.bias.label
                made.arrows.append(ShownWeight((at - 1, 0), (at, k), bias, number(unit.bias.data)))
        last = [(at, k) for k in range(len(column))]
    return made


def _is_softmax(run: ForwardPass, layer: str) -> bool:
    return any(unit.is_share for unit in run.layers.get(layer, ()))


def _letter(own: str, letter: str) -> str:
    """The name of an error signal without the index of its unit: δ, or e″, where the primes count layers."""
    found = re.match(r"\w[′″‴]*(\^\(\d+\))?", own)
    return found[0] if found and len(letter) == 1 and own.startswith(letter) else letter


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]


def _what_enters(run: ForwardPass, layer: str, place: dict[Value, tuple[int, int]], made: ShownNetwork) -> None:
    """Add circles to the column before a layer for inputs of its weights that are no units: the 1, or other nodes."""
    called, before = run.names, len(made.columns) - 1
    units = run.layers[layer]
    for unit in units:
        for i, x in enumerate(unit.inputs):
            if x not in place:
                own = f"input {i} {unit.name}"
                name = called(own) if called is not None and own in called.of else x.label or f"in{i}"
                place[x] = (before, len(made.columns[before]))
                made.columns[before].append(ShownUnit(name, number(x.data), "in"))
    if any(unit.bias is not None for unit in units):
        one = called(f"1 into {layer}") if called is not None else "1"
        made.columns[before].insert(0, ShownUnit(one, "1" if one != "1" else "", "one"))
        for node, (column, row) in place.items():
            if column == before:
                place[node] = (column, row + 1)
        made.arrows[:] = [a._replace(end=(before, a.end[1] + 1)) if a.end[0] == before else a for a in made.arrows]
