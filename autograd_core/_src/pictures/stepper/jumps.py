"""Jumps of the stepper: to the next layer, the next case or time step, the next use of a value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...engine.value import Constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.value import Value
    from .passes import Passes


def next_layer(passes: Passes, index: int) -> int:
    """The next step in another outermost scope; `index` where there is none."""
    return _next(passes, index, lambda node: node.scope.partition("/")[0])


def next_case(passes: Passes, index: int) -> int:
    """The next step in another copy of repeated structure; `index` if there is none."""
    copies = passes.copies
    return _next(passes, index, lambda node: copies.get(node) or _numbered(node.scope), also=bool)


def next_use(passes: Passes, index: int, value: Value | None) -> int:
    """The next step of the same pass that has this operand; `index` if there is none.

    Without a value: an operand of the current step, preferably a leaf.
    """
    if not passes.steps:
        return index
    here = passes.steps[index]
    wanted = [p for p in here.operands if not isinstance(p, Constant)] if value is None else [value]
    later = [step for step in passes.steps[index + 1 :] if step.phase == here.phase]
    for some in ([p for p in wanted if not p.parents], wanted):
        for step in later:
            if any(p is q for p in step.operands for q in some):
                return step.index
    return index


def _next(
    passes: Passes, index: int, part: Callable[[Value], object], also: Callable[[object], bool] = lambda _: True
) -> int:
    if not passes.steps:
        return index
    here = part(passes.steps[index].node)
    return next((s.index for s in passes.steps[index + 1 :] if part(s.node) != here and also(part(s.node))), index)


def _numbered(scope: str) -> str:
    """The scope up to its last numbered part, such as "rnn/step3"; "" if it has none, or if that is a unit or layer."""
    parts = scope.split("/")
    for k in range(len(parts), 0, -1):
        if re.search(r"\d", parts[k - 1]) and not parts[k - 1].startswith(("neuron", "unit", "layer")):
            return "/".join(parts[:k])
    return ""
