"""Gives the layers of a model distinct scopes, if they were built before the model was.

The nodes of a layer have the scope in which the layer was built. An `MLP` builds its layers in "layer1", "layer2", ...;
layers that are built one by one and combined later get such scopes when they are combined. Otherwise pictures and names
would confuse the first neurons of two layers, both "neuron0".
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from autograd_core._src.engine.contexts import current
from autograd_core._src.engine.provenance import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERED = re.compile(r"(?:(.*)/)?layer\d+")


class Modules(Protocol):
    """The part of `Module` that is used here: the modules within it."""

    def named_modules(self) -> Iterator[tuple[str, Any]]:
        """Dotted names and modules, this one first."""
        ...


def tell_apart(model: Modules) -> None:
    """Number the layers of a model, in order, if one has no scope of its own or two have the same scope."""
    here = current().scope
    layers = list(_layers(model))
    scopes = [_scope_of(layer) for layer in layers]
    if any(s in ("", here) for s in scopes) or len(set(scopes)) < len(scopes):
        for k, (layer, s) in enumerate(zip(layers, scopes, strict=True), 1):
            numbered = NUMBERED.fullmatch(s)
            if numbered or s in ("", here):
                above = numbered[1] if numbered else s
                _move(layer, s, f"{above}/layer{k}" if above else f"layer{k}")
    others: list[Any] = [m for _, m in model.named_modules() if isinstance(getattr(m, "_scope", None), str)]
    often, seen = Counter(m._scope for m in others), Counter[str]()
    for module in others:
        s = module._scope
        if often[s] > 1:
            seen[s] += 1
            _move(module, s, f"{s}{seen[s]}")


def name_by_attribute(owner: Any, name: str, part: Modules) -> None:
    """Use the attribute's name as scope for a part of a user's model, if it has none, or that of another part."""
    here = current().scope
    above = f"{here}/{name}" if here else name
    others = [x for key, x in vars(owner).items() if key != name and hasattr(x, "named_modules")]
    known = [layer for other in others for layer in _layers(other)]
    layers = [layer for layer in _layers(part) if not any(layer is other for other in known)]
    scopes = [_scope_of(layer) for layer in layers]
    twice = not {_scope_of(layer) for layer in known}.isdisjoint(scopes)
    for k, (layer, s) in enumerate(zip(layers, scopes, strict=True), 1):
        if s in ("", here) and s.rpartition("/")[2] != name:
            _move(layer, s, above if len(layers) == 1 else f"{above}/layer{k}")
        elif twice:
            _move(layer, s, f"{above}/{s.removeprefix(here).lstrip('/')}")


def _layers(model: Modules) -> Iterator[Any]:
    """Each `Layer`, `Linear`, and `Neuron` outside of one, once."""
    within: set[int] = set()
    for _, module in model.named_modules():
        neurons = getattr(module, "neurons", None)
        if neurons is not None:
            within.update(map(id, neurons))
        if neurons or hasattr(module, "_notes") or (hasattr(module, "_note") and id(module) not in within):
            yield module


def scopes_within(module: Modules) -> tuple[str, ...]:
    """The scopes of the nodes that a module and those within it record; none that lies within another."""
    found: dict[str, None] = {}
    for _, part in module.named_modules():
        notes = [part._note] if hasattr(part, "_note") else getattr(part, "_notes", [])
        own = getattr(part, "_scope", None)
        found |= dict.fromkeys([note.scope for note in notes] + ([own] if isinstance(own, str) else []))
    return tuple(s for s in found if s and not any(t and s.startswith(f"{t}/") for t in found))


def _scope_of(layer: Any) -> str:
    """The scope that a layer was built in."""
    if hasattr(layer, "_note"):
        return layer._note.scope  # type: ignore[no-any-return]
    first = layer._notes[0] if hasattr(layer, "_notes") else layer.neurons[0]._note
    return first.scope.rpartition("/")[0]  # type: ignore[no-any-return]


def _move(layer: Any, old: str, new: str) -> None:
    """Change the scope of a layer, of the modules in it, and of its parameters."""

    def moved(scope: str) -> str:
        return new + (f"/{scope}" if not old and scope else scope[len(old) :])

    own: set[str] = set()
    for _, module in layer.named_modules():
        if hasattr(module, "_note"):
            own.add(module._note.scope)
            module._note = Note(scope=moved(module._note.scope))
        if hasattr(module, "_notes"):
            own.update(note.scope for note in module._notes)
            module._notes = [Note(scope=moved(note.scope)) for note in module._notes]
        if hasattr(module, "_scope"):
            own.update((module._scope, f"{module._scope}/weights"))
            module._scope = moved(module._scope)
    for p in layer.parameters():
        if p.scope in own:  # shared parameters keep the scope in which they were made
            p._note = Note(p.label, moved(p.scope), p._note.site)
