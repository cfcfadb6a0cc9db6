"""Graphs of very many inputs: a random direction first, and only then the entry that is at fault.

One derivative along a random direction costs two values of the graph in high precision, whatever the number of
inputs, and every wrong entry moves it by half its error at least. So a right derivative of ten thousand inputs is seen
to be right by two values. Where it is not, the nodes are held against differences of their own values in doubles, and
a derivative that was given against the sweep's; an entry below the node that stands out is judged as in a small graph.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..evaluation import evaluate
from ..gradients import pull_back, push_forward
from ..value import Constant, Value
from .allowance import MARGIN, RULE, USER_RULE
from .arguments import DOUBLE
from .own import GIVEN, GIVEN_SHARE, Judge
from .recording import SMALLEST, Recording, built_in, directions, recorded_slopes, seeds_of, total, ulp_of
from .reference import number_system, read
from .verdicts import Report, Verdict, Worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .foreign import Tolerances
    from .given import Given

LARGE = 1000  # inputs from which on a direction is looked at before the entries
DIGITS, STEP = 100, 40  # of the two values, and the power of 1/10 that they are apart by
EXACT = {"add", "sub", "neg", "pos", "sum", "mul", "dot"}  # rules that round nothing
NUDGE = 2.0**-17  # of an operand, for differences in doubles
OFF = 1e-6  # share by which such a difference shows a wrong rule
SUSPECTS = 4  # entries that are judged


def screened(rec: Recording, given: Given | None, modes: Sequence[str], tolerances: Tolerances) -> Report | None:
    """The verdict on a large graph; None where a direction and single entries do not tell it.

    Args:
        rec: The recording.
        given: A derivative to be judged instead of the library's own.
        modes: The library's sweeps that are judged.
        tolerances: What the user allows.
    """
    right = _along(rec, given, modes, tolerances)
    if right is not None:
        return right
    for j in _suspicious(rec, given):
        alone = Recording(rec.call, [rec.inputs[j]], [rec.names[j]], rec.outputs, rec.places, rec.results)
        one = None if given is None else Entry(given, j)
        report = Judge(alone, given=one, modes=modes, atol=tolerances.atol, rtol=tolerances.rtol).report()
        if report.verdict is Verdict.WRONG:
            return report
    return None


class Entry:
    """One column of a derivative.

    Args:
        given: The derivative.
        j: The input.
    """

    def __init__(self, given: Given, j: int) -> None:
        self.given, self.j, self.side = given, j, given.side

    def row(self, seed: Sequence[float]) -> list[float]:
        """The derivative of a combination of results to the input."""
        return [self.given.row(seed)[self.j]]

    def along(self, seed: Sequence[float], v: Sequence[float]) -> float:
        """The same, times a number."""
        return self.row(seed)[0] * v[0]


def _along(rec: Recording, given: Given | None, modes: Sequence[str], tolerances: Tolerances) -> Report | None:
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
            row = node._row
            if row is None:
                values[node] = at[node] if node in at else m.number(node.data)
                continue
            values[node], rough = read(m, row, [values[p] for p in node.parents])
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
        row = node._row
        if row is None or not size:
            continue
        count = len(node.parents)
        rule = 0.0 if row.name in EXACT else RULE + count / 2
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


def _suspicious(rec: Recording, given: Given | None) -> list[int]:
    """Inputs of which the derivative may be wrong."""
    places = {x: j for j, x in enumerate(rec.inputs)}
    if given is not None:
        found: list[tuple[float, int]] = []
        for seed in seeds_of(len(rec.outputs)):
            rows = zip(given.row(seed), _row(rec, seed), strict=True)
            found += [(abs(a - b), j) for j, (a, b) in enumerate(rows)]
        found.sort(key=lambda f: f[0] if f[0] == f[0] else math.inf, reverse=True)
        return list(dict.fromkeys(j for _, j in found[:SUSPECTS]))
    adjoints = _sizes(rec)
    nodes = sorted(
        ((_off(node) * adjoints[node], i) for i, node in enumerate(rec.order) if node._row is not None), reverse=True
    )
    chosen = (_below(rec.order[i], places) for off, i in nodes[:SUSPECTS] if off > 0)
    return list(dict.fromkeys(j for j in chosen if j is not None))


def _sizes(rec: Recording) -> dict[Value, float]:
    """How strongly each node moves the results, by the recorded local derivatives."""
    sizes: dict[Value, float] = dict.fromkeys(rec.order, 0.0)
    for out in rec.outputs:
        if isinstance(out, Value):
            sizes[out] += 1.0
    for node in reversed(rec.order):
        if sizes[node]:
            for parent, d in zip(node.parents, recorded_slopes(node), strict=True):
                sizes[parent] += abs(float(d)) * sizes[node]
    return sizes


def _off(node: Value) -> float:
    """How far the local derivatives are from a difference of the value in doubles; 0.0 for what that does not show."""
    row = node._row
    assert row is not None
    xs = [float(p.data) for p in node.parents]
    steps = [
        0.0 if isinstance(p, Constant) else d * NUDGE * (abs(x) or 1.0)
        for p, x, d in zip(node.parents, xs, directions(len(xs), "nudge"), strict=True)
    ]
    try:
        up, down = (evaluate(row, [x + sign * t for x, t in zip(xs, steps, strict=True)])[0] for sign in (1, -1))
    except (ArithmeticError, ValueError):
        return 0.0
    terms = [float(d) * t for d, t in zip(recorded_slopes(node), steps, strict=True)]
    off = abs((up - down) / 2 - total(terms))
    size = max(total(map(abs, terms)), abs(up - down))
    return off / NUDGE if off > OFF * size + 16 * DOUBLE * (abs(up) + abs(down)) else 0.0


def _below(node: Value, places: dict[Value, int]) -> int | None:
    """An input that moves a node: down the edges that are steepest."""
    seen: set[Value] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node in places:
            return places[node]
        if node not in seen:
            seen.add(node)
            edges = sorted(zip(map(abs, recorded_slopes(node)), range(len(node.parents)), strict=True))
            waiting += [node.parents[i] for d, i in edges if not isinstance(node.parents[i], Constant)]
    return None
