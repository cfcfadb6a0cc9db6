"""The units of any model, read off the graphs of its predictions: weighted sum, activation, and their numbers.

A unit is found where parameters are used: from there the search goes up through sums to the weighted sum z, and
then to an activation of z, if there is one. So layers that users write are found as well as those of `nn`. Uses
of the same parameters, by several cases, patches or time steps, are uses of one unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autograd_core import Value, topological_order

from ..modules.activations import ACTIVATIONS
from ..training.optimizer import is_bias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..modules.module import Module

LAYER = re.compile(r"layer\d+")
NEURON = re.compile(r"(^|\.)neurons\.\d+$")  # the name of a neuron within its layer
COUNTED = ("layers.", "modules.")  # prefixes of modules in a list, whose layers are numbered: layer1, layer2
SUMS = frozenset(("add", "sub", "sum"))
UNIT_ACTIVATIONS = frozenset((*ACTIVATIONS, "erf", "clip")) - {"linear"}


@dataclass(slots=True)
class UnitUses:
    """One unit, with all of its uses.

    Attributes:
        name: Such as "layer1/neuron0".
        layer: Such as "layer1".
        activation: Its op, or "linear".
        weights: Its parameters other than the bias.
        bias: Its bias, if any.
        sums: The nodes z, one per use.
        outputs: The nodes after the activation; those of `sums` where there is none.
    """

    name: str
    layer: str
    activation: str
    weights: list[Value]
    bias: Value | None
    sums: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)

    @property
    def slopes(self) -> list[float]:
        """|d output / d z| of each use; none for a unit without activation."""
        return [] if self.activation == "linear" else [abs(float(y.local_grads[0])) for y in self.outputs]


def flat_values(prediction: Any) -> list[Any]:
    """All numbers in nested lists, in order."""
    return [y for p in prediction for y in flat_values(p)] if isinstance(prediction, (list, tuple)) else [prediction]


def units_of(model: Module, predictions: list[Any]) -> list[UnitUses]:
    """All units that the predictions use, from the first layer to the last."""
    names = places_of(model)
    units: dict[int, UnitUses] = {}
    for prediction in predictions:
        for uses, z, y in _found(flat_values(prediction), names):
            key = min(uses, key=lambda i: names[i].place)
            unit = units.get(key)
            if unit is None:
                about = names[key]
                ps = [names[i].parameter for i in uses]
                bias = next((names[i].parameter for i in uses if names[i].is_bias), None)
                activation = y.op if y is not z else "linear"
                unit = UnitUses(about.unit, about.layer, activation, [p for p in ps if p is not bias], bias)
                units[key] = unit
            unit.sums.append(z)
            unit.outputs.append(y)
    found = list(units.values())
    _count_layers(found)
    return found


def _count_layers(units: list[UnitUses]) -> None:
    """Name the layers layer1, layer2, ... as `forward_pass` does, if some have no names of their own."""
    layers = list(dict.fromkeys(unit.layer for unit in units))
    nameless = [name.startswith(COUNTED) for name in layers]
    if any(nameless) and all(no or LAYER.fullmatch(name) for no, name in zip(nameless, layers, strict=True)):
        numbers = {name: k for k, name in enumerate(layers, 1)}
        for unit in units:
            part = unit.name.rpartition("/")[2] if "/" in unit.name else ""
            unit.layer = f"layer{numbers[unit.layer]}"
            unit.name = f"{unit.layer}/{part}" if part else unit.layer


def _found(outputs: list[Any], names: dict[int, UnitPlace]) -> Iterator[tuple[list[int], Value, Value]]:
    """Each use of a unit below some outputs: ids of its parameters, z, and the output."""
    order: dict[int, Value] = {}
    users: dict[int, list[Value]] = {}
    for output in outputs:
        if isinstance(output, Value):
            for node in topological_order(output):
                if id(node) not in order:
                    order[id(node)] = node
                    for parent in {id(p): p for p in node.parents}:
                        users.setdefault(parent, []).append(node)
    uses: dict[int, tuple[Value, dict[int, None]]] = {}
    for node in order.values():
        mine = [id(p) for p in node.parents if id(p) in names]
        if mine:
            z = node
            while len(above := users.get(id(z), [])) == 1 and above[0].op in SUMS:
                z = above[0]
            uses.setdefault(id(z), (z, {}))[1].update(dict.fromkeys(mine))
    for z, used in uses.values():
        above = users.get(id(z), [])
        active = len(above) == 1 and above[0].op in UNIT_ACTIVATIONS and above[0].parents[0] is z
        yield list(used), z, above[0] if active else z


@dataclass(frozen=True, slots=True)
class UnitPlace:
    """The name of a parameter, and its unit and layer."""

    parameter: Value
    place: int
    unit: str
    layer: str
    is_bias: bool


def places_of(model: Module) -> dict[int, UnitPlace]:
    """For each parameter, by its id, which unit and layer it belongs to."""
    modules = sorted((name for name, _ in model.named_modules() if name), key=len, reverse=True)
    params = list(model.named_parameters())
    owners = [next((m for m in modules if name.startswith(m + ".")), "") for name, _ in params]
    places = [_place(p, owner) for (_, p), owner in zip(params, owners, strict=True)]
    claimed: dict[str, set[str]] = {}  # scope of a layer -> the layers that were built in it
    for scope, _, around in places:
        claimed.setdefault(scope, set()).add(around)
    found = {}
    for k, ((name, p), (scope, part, around)) in enumerate(zip(params, places, strict=True)):
        layer = scope if scope and len(claimed[scope]) == 1 else around
        unit = "/".join(x for x in (layer, part) if x) or type(model).__name__
        found[id(p)] = UnitPlace(p, k, unit, layer or type(model).__name__, is_bias(name))
    return found


def _place(p: Value, owner: str) -> tuple[str, str, str]:
    """The scope of a parameter's layer, the name of its unit in it, and the layer's dotted name."""
    scope = p.scope.removesuffix("/weights")
    parent, _, last = scope.rpartition("/")
    if last.startswith("neuron"):
        return parent, last, NEURON.sub("", owner)
    return scope, p.label.rpartition("[")[0], NEURON.sub("", owner)  # "w_ih[2][0]" is in row 2
