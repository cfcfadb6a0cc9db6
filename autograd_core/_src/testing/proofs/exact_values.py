"""Which values of a large graph were rounded: at a minimum most are exact, and then a derivative of 0 is exactly 0.

Differences, products, quotients and squares tell what rounding cost them in a few more operations on floats (Dekker,
1971; Knuth, TAOCP 4.2.2). Other operations are evaluated with many digits, if their nodes have few different operands.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...engine.ops import PRIMITIVES
from ..directions import total
from .local_slopes import RoughError, number_system, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...engine.ops import Primitive
    from .flat_graph import FlatGraph, OperationGroup

DIGITS = 700  # the sum of any two doubles has fewer
FEW_POINTS, MOST_OPERANDS = 64, 2**14  # different operands of one rule, and all of them together, that are evaluated
SPLIT = 2.0**27 + 1
LEAST = 2.0**-960  # a product from here on loses no digit to underflow


def rounded_values(flat: FlatGraph) -> list[bool]:
    """For each value whether its operation may have rounded it, given its operands; of leaves and constants, False."""
    found = [False] * len(flat.values)
    try:
        import numpy as np
    except ImportError:
        for i in flat.nodes:
            found[i] = True
        return found
    values, below, starts = np.array(flat.values), np.array(flat.below), np.array(flat.starts)
    with np.errstate(all="ignore"):
        for group in flat.groups:
            places = np.array(group.places)
            first = starts[places]
            columns = [values[below[first + k]] for k in range(len(group.moves))]
            exact = _exactly(group, values[places], columns)
            for i in places[~exact].tolist():
                found[i] = True
    return found


def _exactly(group: OperationGroup, zs: Any, columns: Sequence[Any]) -> Any:
    """Which results are exact."""
    import numpy as np

    primitive = group.primitive
    test = TESTS.get(primitive.name) if PRIMITIVES.get(primitive.name) is primitive else None
    exact = np.zeros(len(zs), bool) if test is None else np.asarray(test(zs, *columns))
    open_ = np.flatnonzero(~exact)
    if (test is not None and primitive.name in SURE) or not 0 < len(np.unique(zs[open_])) <= FEW_POINTS:
        return exact
    points, which = np.unique(np.stack([x[open_] for x in (zs, *columns)], axis=1), axis=0, return_inverse=True)
    if len(points) <= FEW_POINTS and points.size <= MOST_OPERANDS:
        exact[open_] = np.array([_is_exact(primitive, *point) for point in points.tolist()])[which.ravel()]
    return exact


def _is_exact(primitive: Primitive, z: float, *xs: float) -> bool:
    m = number_system(DIGITS)
    try:
        return bool(value_of(m, primitive, [m.number(x) for x in xs]) == m.number(z))
    except (RoughError, ArithmeticError, ValueError):
        return False


def _sum(z: Any, x: Any, y: Any) -> Any:
    back = z - x
    return (x - (z - back)) + (y - back) == 0


def _product(z: Any, x: Any, y: Any) -> Any:
    return ((x == 0) | (y == 0) | (abs(z) >= LEAST)) & (_lost(z, x, y) == 0)


def _lost(z: Any, x: Any, y: Any) -> Any:
    """What a product z of x and y has lost, if nothing underflows."""
    (a, b), (c, d) = _halves(x), _halves(y)
    return ((a * c - z) + a * d + b * c) + b * d


def _halves(x: Any) -> tuple[Any, Any]:
    high = SPLIT * x
    high -= high - x
    return high, x - high


def _quotient(z: Any, x: Any, y: Any) -> Any:
    return (y != 0) & (z * y == x) & _product(x, z, y)


def _power(z: Any, x: Any, y: Any) -> Any:
    return ((y == 1) & (z == x)) | ((y == 2) & _product(z, x, x))


def _whole_sums(zs: Any, *columns: Any) -> Any:
    return [total([*xs, -z]) == 0 for z, *xs in zip(zs.tolist(), *(x.tolist() for x in columns), strict=True)]


def _dots(zs: Any, *columns: Any) -> Any:
    import numpy as np

    half = len(columns) // 2
    xs, ys = (np.stack(part, axis=1) for part in (columns[:half], columns[half:]))
    products = xs * ys
    exact = ((xs == 0) | (ys == 0) | (abs(products) >= LEAST)).all(axis=1)
    terms = np.concatenate([products, _lost(products, xs, ys), -zs[:, None]], axis=1)
    return exact & np.array([math.isfinite(sum(row)) and total(row) == 0 for row in terms.tolist()])


TESTS: dict[str, Callable[..., Any]] = {
    "add": _sum,
    "sub": lambda z, x, y: _sum(z, x, -y),
    "mul": _product,
    "div": _quotient,
    "square": lambda z, x: _product(z, x, x),
    "pow": _power,
    "sqrt": lambda z, x: _product(x, z, z),
    "neg": lambda z, x: z == -x,
    "abs": lambda z, x: z == abs(x),
    "sum": _whole_sums,
    "dot": _dots,
}
SURE = TESTS.keys() - {"pow"}  # where a test that fails leaves no doubt, or none that digits are worth
