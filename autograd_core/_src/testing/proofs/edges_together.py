"""Many nodes of one rule held against its value at once: those whose local derivatives are right beyond doubt.

What is not confirmed here is looked at node by node (`edges.py`): no fault is found in this file, and nothing is lost
where there is no NumPy or a rule cannot be read on arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.contexts import tracing
from ...engine.ops import PRIMITIVES
from ...engine.value import Value
from ...engine.value_system import VALUES
from ...number_systems.complex_step import NoStepError
from ..arguments.flat import DOUBLE
from ..directions import SMALLEST
from .allowance import RULE, USER_RULE
from .edges import FEW_MOVED, TWICE
from .reference import graph_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .flat_graph import FlatGraph, OperationGroup

FEWEST = 32  # nodes that arrays pay for


def confirmed(flat: FlatGraph) -> tuple[list[float], set[int]]:
    """By how much each local derivative may be wrong unseen, and the nodes that are right to that; of others, 0."""
    unseen, right = [0.0] * len(flat.steep), set[int]()
    try:
        import numpy as np
    except ImportError:
        return unseen, right
    lists = Lists(np.array(flat.values), np.array(flat.below), np.array(flat.steep, float), np.array(unseen))
    starts = np.array(flat.starts)
    with np.errstate(all="ignore"):
        for group in flat.groups:
            if len(group.places) >= FEWEST and len(group.moves) <= FEW_MOVED:
                places = np.array(group.places)
                right |= _of(lists, group, places, starts[places])
    return lists.unseen.tolist(), right


class Lists(NamedTuple):
    """What is known of all nodes and edges, as arrays."""

    values: Any
    below: Any
    steep: Any
    unseen: Any


def _of(lists: Lists, group: OperationGroup, places: Any, first: Any) -> set[int]:
    """Those of a group; where one node has a tie, of the half without it."""
    try:
        return _looked_at(lists, group, places, first)
    except NoStepError:
        half = len(places) // 2
        if half < FEWEST:
            return set()
        return _of(lists, group, places[:half], first[:half]) | _of(lists, group, places[half:], first[half:])
    except Exception:  # noqa: BLE001  a user's rule may raise anything for arrays
        return set()


def _looked_at(lists: Lists, group: OperationGroup, places: Any, first: Any) -> set[int]:
    import numpy as np

    from ...number_systems.complex_arrays import slopes
    from ...number_systems.numpy_arrays import NUMPY, ArrayNumber

    primitive, moves = group.primitive, group.moves
    count, own = len(moves), primitive.name in PRIMITIVES
    zs = lists.values[places]
    columns = [lists.values[lists.below[first + k]] for k in range(count)]
    found = [lists.steep[first + k] for k in range(count)]
    sure = np.ones(len(places), bool)
    if primitive.kinks is not None:
        zeros = primitive.kinks(NUMPY, *(column.view(ArrayNumber) for column in columns))
        for k in zeros if isinstance(zeros, tuple) else (zeros,):
            sure &= np.asarray(k != 0)
    # The same as in `allowance.own_rounding` and `recording.value_error_allowed`, and for the complex step once more.
    share = 2 * DOUBLE * (RULE + count / 2 if own else USER_RULE)
    least = SMALLEST * (8 + np.max([np.minimum(np.abs(x), 1e4) for x in columns], axis=0))
    unseen = [TWICE * (share * np.abs(d) + least) for d in found]
    allowed = 2 * DOUBLE * ((8 if own else 64) + count) * np.abs(zs) + 64 * SMALLEST
    xs = [float(x[0]) if not move and _one(x) else x for x, move in zip(columns, moves, strict=True)]
    for k, move in enumerate(moves):
        if move:
            at, by = slopes(primitive.value, xs, k)
            sure &= (np.abs(at - zs) <= allowed) & (np.abs(by - found[k]) <= unseen[k])
    if not own:
        sure &= _rounded_little(group, columns, zs, allowed)
    for k, errors in enumerate(unseen):
        lists.unseen[first + k] = np.where(sure, errors, 0.0)
    return set(places[sure].tolist())


def _one(xs: Any) -> bool:
    """Whether all numbers are one, of one sign."""
    bits = xs.view("int64")
    return bool((bits == bits[0]).all())


def _rounded_little(group: OperationGroup, columns: Sequence[Any], zs: Any, allowed: Any) -> Any:
    """Where a user's rule is accurate by a running error analysis of its formula, recorded at the first point.

    Where its value is what is left of a sum that cancels, it is not, and the node is judged by itself.
    """
    import numpy as np

    from ...number_systems.numpy_arrays import NUMPY, ArrayNumber

    operands = [Value(float(x[0])) for x in columns]
    with tracing() as asked:
        formula = group.primitive.value(VALUES, *operands)
    if asked or not isinstance(formula, Value):
        return False
    at: dict[Value, Any] = dict(zip(operands, (x.view(ArrayNumber) for x in columns), strict=True))
    bounds: dict[Value, Any] = dict.fromkeys(operands, 0.0)
    for step in graph_of([formula]):
        primitive = step._primitive
        if step in at:
            continue
        if primitive is None:
            at[step], bounds[step] = step.data, 0.0
            continue
        if PRIMITIVES.get(primitive.name) is not primitive:
            return False
        xs = [at[p] for p in step.parents]
        at[step] = z = primitive.value(NUMPY, *xs)
        steep = primitive.partials(NUMPY, *xs, z)
        pairs = zip(steep, step.parents, strict=True)
        terms = [np.abs(d) * bounds[p] for d, p in pairs if np.ndim(bounds[p])]
        bounds[step] = sum(terms, 4 * DOUBLE * np.abs(z))
    bound = np.asarray(bounds[formula])
    return (bound <= allowed) & (np.abs(np.asarray(at[formula]) - zs) <= bound + allowed)
