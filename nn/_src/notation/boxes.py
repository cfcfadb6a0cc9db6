"""The names of the boxes around layers and units in pictures: as a text calls and counts them.

Scopes, "layer1/neuron0", stay what they are, and pictures can be asked for them by these, too: `fold="layer1"`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autograd_core._src.engine.graph import order_of
from autograd_core._src.engine.provenance import NO_NOTE, Note

from .naming import nodes_before
from .texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..analysis.layers_by_name import ForwardPass
    from ..support.names import Names

REPEATED = re.compile(r"(step|cut|patch)(\d+(?:,\d+)*)")  # scopes in which one set of weights is used repeatedly


def put_boxes(run: ForwardPass, given: Names, modules: Collection[str] = ()) -> None:
    """Put the nodes of a forward pass, and the model's parameters, into boxes named as in the text.

    Where two would have one name, as layers within one scope, scopes keep theirs.

    Args:
        run: The pass.
        given: The names.
        modules: The scopes of those that are recurrent or convolutions. The texts count from 1, so the first time step
            is "step 1", the first patch "patch 1", and "cut 3" a graph that is cut before step 3.
    """
    found = _by_scope(run, given)
    of = dict(found)
    if len(of) < len(set(found)) or len(set(of.values())) < len(of):
        return
    parameters = [p for units in run.layers.values() for unit in units for p in (*unit.weights, unit.bias)]
    tops = run.outputs if run.loss is None else (run.loss,)
    for node in (*order_of(tops), *parameters):
        if node is None:
            continue
        scope, inner = node.scope, ""
        while scope and scope not in of:
            scope, _, last = scope.rpartition("/")
            inner = f"/{last}{inner}"
        note = getattr(node, "_note", NO_NOTE)
        if scope:
            node._note = Note(note.label, note.scope, note.site, note.loss, of[scope] + inner)
        elif (box := _counted(node.scope, modules)) != node.scope:
            node._note = Note(note.label, note.scope, note.site, note.loss, box)


def _counted(scope: str, modules: Collection[str]) -> str:
    """The scope with the steps and patches of those modules counted from 1."""
    parts = scope.split("/")
    for k, part in enumerate(parts):
        found = REPEATED.fullmatch(part)
        if found and any(f"/{'/'.join(parts[:k])}".endswith(f"/{module}") for module in modules):
            parts[k] = f"{found[1]} {','.join(str(int(n) + 1) for n in found[2].split(','))}"
    return "/".join(parts)


def _by_scope(run: ForwardPass, given: Names) -> list[tuple[str, str]]:
    """Scopes of layers and units with their boxes, and those of the parameters there, which may be elsewhere."""
    text, d, of = TEXTS[given.notation], len(run.layers), list[tuple[str, str]]()
    before = nodes_before(run) if text.through else [0] * (d + 1)
    for k, (layer, units) in enumerate(run.layers.items(), 1):
        for j, unit in enumerate(units, 1):
            letter = given(f"sum({unit.name})").partition("_")[2] if given.notation == "dolhansky" else ""
            called, own = f"{text.units} {letter or before[k] + j}", unit.sum.scope.rpartition("/")[2]
            for scope in (node.scope for node in (unit.sum, *unit.weights[:1])):
                around, _, last = scope.rpartition("/")
                if not scope or last != own:
                    continue
                if unit.name == layer:  # a neuron outside of any layer is a layer by itself
                    of.append((scope, _within(around, text.box(k, d))))
                    continue
                box = _within(around.rpartition("/")[0], text.box(k, d)) if around else ""
                of += [(around, box)] * bool(around) + [(scope, _within(box, called))]
    return of


def _within(around: str, name: str) -> str:
    return f"{around}/{name}" if around else name
