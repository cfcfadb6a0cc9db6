"""A graph replayed to 50 digits: what every gradient should have been."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import MissingExtraError
from ..graph import topological_order
from ..sweep import reverse

if TYPE_CHECKING:
    from ..value import Value


class Reference(NamedTuple):
    """Value and gradient of one graph in high precision.

    Attributes:
        value: The root's value, an mpmath number.
        values: Every node's value.
        gradients: Every node's gradient, d root / d node.
    """

    value: Any
    values: dict[Value, Any]
    gradients: dict[Value, Any]


def reference(root: Value, digits: int = 50) -> Reference:
    """Replay the graph below `root` in mpmath, forward and backward.

    The same rows and the same sweep as `backward()`, in numbers with `digits` digits; that each
    row's partials are the derivatives of its value is proved symbolically in the tests.

    Args:
        root: The node at the top; the leaves' doubles are taken as exact.
        digits: Working precision in decimal digits.

    Returns:
        A `Reference`.

    Raises:
        MissingExtraError: mpmath is not installed.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import error_in_ulps, reference
        >>> x = ag.Value(0.7)
        >>> y = ag.exp(ag.sin(x))
        >>> y.backward()
        >>> error_in_ulps(x.grad, reference(y).gradients[x]) < 2
        True
    """
    try:
        from ..number_systems.high_precision import HighPrecision
    except ImportError as error:
        msg = "the 50-digit reference needs mpmath: pip install 'autograd-core[check]'"
        raise MissingExtraError(msg) from error
    m = HighPrecision(digits)
    order = topological_order(root)
    values: dict[Value, Any] = {}
    for node in order:
        row = node._row
        values[node] = m.number(node.data) if row is None else row.value(m, *(values[p] for p in node.parents))

    def edges(node: Value) -> tuple[Any, ...]:
        row, parents = node._row, node.parents
        if row is None:
            return ()
        local = row.partials(m, *(values[p] for p in parents), values[node])
        return (*parents, *local)

    adjoints: dict[Value, Any] = dict.fromkeys(order, m.number(0))
    adjoints[root] = m.number(1)
    return Reference(values[root], values, reverse(order, adjoints, edges))


def error_in_ulps(found: float, exact: Any) -> float:
    """Distance of a double from an exact number, in units in the last place of the exact one.

    Args:
        found: A float.
        exact: A float, an int, or an mpmath number.

    Returns:
        0.5 at most for a correctly rounded result; 0.0 where both are NaN or the same infinity,
        inf where only one is.

    Example:
        >>> from autograd_core.testing import error_in_ulps
        >>> error_in_ulps(1.0000000000000002, 1)
        1.0
    """
    rounded = float(exact)
    if math.isnan(rounded) or math.isinf(rounded) or not math.isfinite(found):
        return 0.0 if found == rounded or (math.isnan(found) and math.isnan(rounded)) else math.inf
    return abs(float((exact - found) / math.ulp(rounded)))
