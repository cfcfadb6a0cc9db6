"""Judges all derivatives of a large graph at once: by their sum along a random direction.

The derivative along it takes two evaluations of the graph in high precision, and every wrong entry changes it by at
least half its error.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...engine.value import Value
from ...transforms.recorded import pull_back, push_forward
from ..arguments.flat import DOUBLE
from ..directions import SMALLEST, directions, seeds_of, total, ulp_of
from ..verdicts import Report, Verdict, Worst
from .allowance import MARGIN, RULE, USER_RULE
from .expectations import GIVEN, GIVEN_SHARE
from .local_slopes import number_system, read
from .recording import Recording, built_in, recorded_slopes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..arguments.given import Given
    from ..numeric.judged_function import Tolerances

DIGITS, STEP = 100, 40  # of the two values, and the power of 1/10 that they are apart by


def along_a_direction(
    rec: Recording, given: Given | None, modes: Sequence[str], tolerances: Tolerances
) -> Report | None:
    """`RIGHT` if the derivative is that, along a random direction; else None."""
    n, seeds = len(rec.inputs), seeds_of(len(rec.outputs))
    if not all(math.isfinite(float(getattr(z, "data", z))) for z in rec.outputs):
        return None
    v = directions(n, "large")
    exact = _directional(rec, seeds, v)
    if exact is None:
        return None
    worst, resolution = None, 0.0
    for s, seed in enumerate(seeds):
        slack, size = _slack(rec, seed, v)
        if given is not None:
            slack = slack * GIVEN + GIVEN_SHARE * size
        slack += tolerances.atol + tolerances.rtol * abs(exact[s])
        resolution = max(resolution, 2 * slack)  # an entry is weighted by half at least
        found = {}
        if given is not None:
            found[given.side] = given.along(seed, v)
        if given is None and "reverse" in modes:
            found["reverse mode"] = total(float(g) * d for g, d in zip(_row(rec, seed), v, strict=True))
        if given is None and "forward" in modes:
            moved = push_forward(rec.outputs, rec.inputs, v, graph=False)
            found["forward mode"] = total(u * float(t) for u, t in zip(seed, moved, strict=True) if u)
        for side, number in found.items():
            if not abs(number - exact[s]) <= slack:
                return None
            ulp = ulp_of(exact[s]) or SMALLEST
            where = f"{n} inputs along a random direction"
            entry = Worst(where, exact[s], number, abs(number - exact[s]) / ulp, slack / ulp, f"{DIGITS} digits", side)
            worst = max(worst or entry, entry, key=lambda w: w.error_ulps)
    assert worst is not None
    reason = f"all {n * len(rec.outputs)} derivatives are right, as their sum along a random direction shows."
    return Report(Verdict.RIGHT, reason, worst, root=rec.root, resolution=resolution, verified=given is None)


def _row(rec: Recording, seed: Sequence[float]) -> list[float]:
    return [float(g) for g in pull_back(rec.outputs, list(seed), rec.inputs, graph=False)]


def _directional(rec: Recording, seeds: list[list[float]], v: list[float]) -> list[float] | None:
    """The derivative of every combination of results along a direction, by two values in high precision.

    The steps to the two sides differ, so that at a kink it is none of the numbers that are chosen there. None where
    a primitive can be read in doubles only.
    """
    m = number_system(DIGITS)
    sides = []
    for k in (1, -2):
        h = m.number(10) ** -STEP * k
        at = {x: m.number(x.data) + h * d for x, d in zip(rec.inputs, v, strict=True)}
        values: dict[Value, Any] = {}
        for node in rec.order:
            primitive = node._primitive
            if primitive is None:
                values[node] = at[node] if node in at else m.number(node.data)
                continue
            values[node], rough = read(m, primitive, [values[p] for p in node.parents])
            if rough:
                return None
        sides.append([values[z] if isinstance(z, Value) else m.number(z) for z in rec.outputs])
    step = 3 * m.number(10) ** -STEP
    rises = [(up - down) / step for up, down in zip(*sides, strict=True)]
    return [
        float(sum((m.number(u) * z for u, z in zip(seed, rises, strict=True) if u), m.context.zero)) for seed in seeds
    ]


def _slack(rec: Recording, seed: Sequence[float], v: Sequence[float]) -> tuple[float, float]:
    """How far off rounding may put a derivative along a direction, and the root mean square of its terms.

    The bound of each entry is that of a running error analysis (`allowance.allowed`), in doubles. Those of many entries
    add up by chance.
    """
    sizes: dict[Value, float] = dict.fromkeys(rec.order, 0.0)
    slack: dict[Value, float] = dict.fromkeys(rec.order, 0.0)
    for out, u in zip(rec.outputs, seed, strict=True):
        if isinstance(out, Value):
            sizes[out] += abs(u)
    for node in reversed(rec.order):
        size, bound = sizes[node], slack[node]
        primitive = node._primitive
        if primitive is None or not size:
            continue
        count = len(node.parents)
        rule = 0.0 if primitive.exact_partials else RULE + count / 2
        share = 2 * DOUBLE * (rule if built_in(node) else USER_RULE)
        for parent, d in zip(node.parents, recorded_slopes(node), strict=True):
            if d:
                d = abs(float(d))
                flow = d * size
                steps = (d != 1) + (sizes[parent] != 0)  # a product by 1 and a first term round nothing
                sizes[parent] += flow
                slack[parent] += d * bound + (share + 2 * DOUBLE * steps) * flow + SMALLEST
    bounds = [slack[x] * d for x, d in zip(rec.inputs, v, strict=True)]
    return MARGIN * math.hypot(*bounds), math.hypot(*(sizes[x] * d for x, d in zip(rec.inputs, v, strict=True)))
