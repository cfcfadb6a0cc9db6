"""Units that no step of a training run has changed: their gradient was 0 from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd_core import UsageWarning
from autograd_core._src.engine.provenance import warn_user

from ..analysis.units import places_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_core import Value

    from ..modules.module import Module

NAMED = 3


def unmoved_units(model: Module, before: Sequence[Any], trained: Sequence[Value]) -> dict[str, list[str]]:
    """For each layer, the units whose weights and bias have not changed.

    Args:
        model: The model after training.
        before: The numbers of its parameters before.
        trained: The parameters that were to be trained; units with others are left out.
    """
    params = model.parameters()
    # A gradient that is not 0 may be too small to change a number, as at an optimum.
    still = {id(p) for p, data in zip(params, before, strict=True) if p.data == data and p.grad == 0}
    if not still:
        return {}
    trainable, units = {id(p) for p in trained}, dict[tuple[str, str], bool]()
    for key, place in places_of(model).items():
        of = place.layer, place.unit
        units[of] = units.get(of, True) and key in still and key in trainable
    found: dict[str, list[str]] = {}
    for (layer, unit), rests in units.items():
        if rests:
            found.setdefault(layer, []).append(unit)
    return found


def warn_of_dead_layers(model: Module, unmoved: dict[str, list[str]]) -> None:
    """Warn if that is so for all units of a layer: no signal passes it, so the layers before it learnt nothing."""
    sizes: dict[str, set[str]] = {}
    for place in places_of(model).values():
        sizes.setdefault(place.layer, set()).add(place.unit)
    dead = [layer for layer, units in unmoved.items() if len(units) == len(sizes[layer])]
    if not dead:
        return
    names = ", ".join(dead[:NAMED]) + ", ..." * (len(dead) > NAMED)
    msg = (
        f"fit: no step changed a weight of {names}: the gradient was 0 from the start, as where relu passes nothing "
        "or all weights are 0; nn.diagnose(model, X, y, loss) names dead units. Try another seed, other initial "
        "weights, or another activation (leaky_relu; for a linear unit say 'linear')"
    )
    warn_user(msg, UsageWarning)
