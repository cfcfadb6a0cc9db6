"""Points at which several inputs tie, as those of a median: which derivatives are fair choices there.

Where three or more numbers tie, moving one of them alone shows little: the median of five zeros stands still whichever
moves. The function has kinks in other directions. A fair choice then is a derivative of the pieces that meet at the
point, as in Clarke's generalized gradient (F. H. Clarke, 1983): its entries lie between those that the function has
where the tie is broken.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from .recording import directions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .differences import Slope

    Look = Callable[[list[float], list[float]], list[Slope] | None]

ASKED = 3  # directions in which a function is seen to have no derivative
DOUBT = 16.0  # times the error estimates
RANKS = 12  # ways at most to break a tie
APART = 1 / 3  # power of the roundoff: how far neighbours are, in terms of the number


def is_tied(point: Sequence[float], columns: Sequence[Slope], s: int, look: Look) -> bool:
    """Whether slopes along several inputs at once are not made up of those along each: there is no derivative.

    Args:
        point: Where.
        columns: The slopes of a result along each input.
        s: The number of that result.
        look: The slopes of all results at a point along a direction.
    """
    if any(slope.kind == "kink" for slope in columns):
        return True
    if any(slope.kind != "smooth" for slope in columns):
        return False
    for k in range(ASKED):
        v = directions(len(point), f"tie {k}")
        found = look(list(point), v)
        if found is None or found[s].kind not in ("smooth", "kink"):
            continue
        if found[s].kind == "kink":
            return True
        sum_, unsure = sum(d * c.value for d, c in zip(v, columns, strict=True)), found[s].error
        unsure += sum(abs(d) * c.error for d, c in zip(v, columns, strict=True))
        if abs(found[s].value - sum_) > DOUBT * unsure:
            return True
    return False


def between(
    point: Sequence[float], coarse: float, j: int, s: int, off: float, look: Look
) -> tuple[float, float] | None:
    """The smallest and the largest slope to one input where the tie is broken near by.

    Args:
        point: Where.
        coarse: Unit roundoff of its numbers.
        j: The input.
        s: The result.
        off: Slopes that are less sure than this do not count.
        look: The slopes of all results at a point along a direction.
    """
    n = len(point)
    rng = random.Random(f"{n} {j} ties")  # noqa: S311
    others = [i for i in range(n) if i != j]
    rng.shuffle(others)
    largest = max(map(abs, point), default=0.0) or 1.0
    unit = [float(i == j) for i in range(n)]
    found = []
    for below in sorted({round(k * len(others) / RANKS) for k in range(RANKS + 1)}):
        moved = list(point)
        for place, i in enumerate(others):
            away = (0.5 + rng.random()) * coarse**APART * (abs(point[i]) or largest)
            moved[i] += -away if place < below else away
        slopes = look(moved, unit)
        if slopes is not None and slopes[s].kind == "smooth" and DOUBT * slopes[s].error < off:
            found.append(slopes[s].value)
    found = [x for x in found if math.isfinite(x)]
    return (min(found), max(found)) if found else None
