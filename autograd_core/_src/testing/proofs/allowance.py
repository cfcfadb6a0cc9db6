"""The error that rounding allows in a derivative although every rule and every sweep is right.

The bound of a running error analysis (Wilkinson, 1963) adds the rounding of every step over all paths. It grows
with the number of paths, and in a deep program it soon allows anything. There random errors are used instead:
sweeps in which every step has the largest error that it may have, with a random sign (as in stochastic
arithmetic; Vignes, 1974). Their spread at an entry, times a margin, is what rounding can do to it
(docs/adr/0008).
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

from ..arguments.flat import DOUBLE
from ..directions import SMALLEST
from .recording import built_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...engine.value import Value
    from .reference import Replay

RULE, USER_RULE = 8.0, 32.0  # ulp that a local derivative may be off; built-in ones are within 4, docs/accuracy.md
DEEP = 2.0**-45  # a bound above this share of a derivative is replaced by that of random errors
SWEEPS, MARGIN = 8, 8.0  # sweeps with random errors, and how many times their root mean square is allowed
NOTHING = SMALLEST * 2**14  # what underflows allow a local derivative of 0 at most
BIASED = 2**12  # nodes from which on systematic errors outgrow random ones


def rule_allowance(replay: Replay, node: Value, sizes: Sequence[float]) -> list[float]:
    """The error of each local derivative that its rule's own rounding allows.

    Args:
        replay: The node's graph in high precision.
        node: The node.
        sizes: The absolute values of its local derivatives.
    """
    rough = replay.slopes[node].rough or (0.0,) * len(node.parents)
    return own_rounding(node, [float(replay.values[p]) for p in node.parents], sizes, rough)


def rules_allowance(replay: Replay) -> dict[Value, list[float]]:
    """The same for every node, by the local derivatives of the replay."""
    found = replay.slopes.items()
    return {node: rule_allowance(replay, node, [abs(float(d)) for d in slopes.exact]) for node, slopes in found}


def own_rounding(node: Value, xs: Sequence[float], sizes: Sequence[float], rough: Sequence[float] = ()) -> list[float]:
    """The same for known operands and slopes.

    Args:
        node: The node.
        xs: Its operands.
        sizes: The absolute values of its local derivatives.
        rough: How far off these may be themselves.
    """
    count = len(xs)
    share = 2 * DOUBLE * (RULE + count / 2 if built_in(node) else USER_RULE)
    far = max(min(abs(x), 1e4) for x in xs)
    least = SMALLEST * (8 + (far if far == far else 0.0))  # noqa: PLR0124
    return [share * size + least + 4 * r for size, r in zip(sizes, rough or (0.0,) * count, strict=True)]


def allowed(
    replay: Replay, seeds: dict[Value, Any], rules: dict[Value, list[float]]
) -> tuple[dict[Value, Any], dict[Value, Any]]:
    """The sum of the absolute values of all paths to every node, and a bound of the rounding of a sweep.

    Args:
        replay: A graph in high precision.
        seeds: The adjoints that the sweep starts from.
        rules: What each rule allows, by node.
    """
    zero = replay.m.context.zero
    sizes: dict[Value, Any] = dict.fromkeys(replay.order, zero)
    slack: dict[Value, Any] = dict.fromkeys(replay.order, zero)
    for node, seed in seeds.items():
        sizes[node] += abs(seed)
    for node in reversed(replay.order):
        size, bound = sizes[node], slack[node]
        slopes = replay.slopes.get(node)
        if slopes is None or not (size or bound):
            continue
        for parent, d, own in zip(node.parents, slopes.exact, rules[node], strict=True):
            if d or slopes.rough or own > NOTHING:  # a 0 that was evaluated in doubles is uncertain
                d = abs(d)
                flow = d * size
                sizes[parent] += flow
                slack[parent] += d * bound + own * size + 4 * DOUBLE * flow + SMALLEST
    return sizes, slack


def jittered(replay: Replay, adjoints: dict[Value, Any], rules: dict[Value, list[float]]) -> dict[Value, float]:
    """The spread of sweeps with random errors, at every node; infinite where doubles cannot hold it.

    Args:
        replay: A graph in high precision.
        adjoints: Its exact adjoints.
        rules: What each rule allows, by node.
    """
    rng = random.Random(len(replay.order))  # noqa: S311
    off: dict[Value, list[float]] = {node: [0.0] * SWEEPS for node in replay.order}
    for node in reversed(replay.order):
        slopes = replay.slopes.get(node)
        if slopes is None:
            continue
        g, above = abs(float(adjoints[node])), off[node]
        if not g and not any(above):
            continue
        for parent, exact, own in zip(node.parents, slopes.exact, rules[node], strict=True):
            if exact or slopes.rough or own > NOTHING:
                d = float(exact)
                new = own * g + 4 * DOUBLE * abs(d) * g + SMALLEST
                signs, below = rng.getrandbits(SWEEPS), off[parent]
                for k in range(SWEEPS):
                    below[k] += d * above[k] + (new if signs >> k & 1 else -new)
    times = MARGIN * (1 + math.sqrt(len(replay.order) / BIASED)) / math.sqrt(SWEEPS)
    return {
        node: times * math.hypot(*errors) if all(map(math.isfinite, errors)) else math.inf
        for node, errors in off.items()
    }
