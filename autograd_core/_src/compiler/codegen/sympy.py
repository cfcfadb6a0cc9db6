"""A program as SymPy expressions."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy

from ...engine.pytrees import unflatten
from ...number_systems.base import read_rule
from ...number_systems.reals import REALS, as_result, product
from .description import leaf_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .description import Description


class Symbols(NamedTuple):
    """A function as SymPy expressions of real symbols.

    Attributes:
        symbols: Per argument, in its shape.
        value: The result, in its shape.
        grads: Per differentiated argument, in its shape; None if the result is not one number.
    """

    symbols: tuple[Any, ...]
    value: Any
    grads: tuple[Any, ...] | None


def symbols(what: Description) -> Symbols:
    """The first trace, symbolically."""
    p = what.program
    names = [name for name, spec, _ in what.arguments for name in leaf_names(name, spec, "_{}")]
    inputs = [sympy.Symbol(name, real=True) for name in _different(names)]
    values: list[Any] = [*map(REALS.number, [*inputs, *p.constants.tolist()])]
    operands = [p.operands[i:j].tolist() for i, j in pairwise(p.offsets.tolist())]
    primitives = [p.primitives[code] for code in p.codes]
    for primitive, slots in zip(primitives, operands, strict=True):
        values.append(REALS.number(read_rule(primitive, primitive.value, REALS, *(values[slot] for slot in slots))))
    out = [sympy.Integer(0)] * what.result.size
    for place, slot in zip(what.places, p.outputs.tolist(), strict=True):
        out[place] = as_result(values[slot])
    trees = [unflatten(spec, inputs[slots.start : slots.stop]) for _, spec, slots in what.arguments]
    grads = None
    if what.has_gradient:
        # Added up at once, since SymPy sorts all terms at every addition.
        sent: list[list[Any]] = [[] for _ in range(p.n_slots)]
        sent[int(p.outputs[0])].append(REALS.number(1))
        for k in reversed(range(len(primitives))):
            g = REALS.sum(sent[p.first + k])
            if g.expr != 0 or g.inside != sympy.true:  # 0 with a condition may be something else where that fails
                xs = [values[slot] for slot in operands[k]]
                partials = read_rule(primitives[k], primitives[k].partials, REALS, *xs, values[p.first + k])
                for slot, d in zip(operands[k], partials, strict=True):
                    sent[slot].append(product(d, g))
        chosen = [what.arguments[i] for i in what.argnums]
        results = [as_result(REALS.sum(sent[slot])) for slot in range(p.n_inputs)]
        grads = tuple(unflatten(spec, results[slots.start : slots.stop]) for _, spec, slots in chosen)
    return Symbols(tuple(trees), unflatten(what.result, out), grads)


def _different(names: Sequence[str]) -> list[str]:
    """The names, made distinct by a number after those that recur."""
    seen: Counter[str] = Counter()
    taken, found = set(names), []
    for name in names:
        seen[name] += 1
        new = name
        while seen[name] > 1 and new in taken:
            new = f"{name}_{seen[name]}"
            seen[name] += 1
        taken.add(new)
        found.append(new)
    return found
