"""Digests of graphs, to tell whether two of them compute the same."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from ..wrong_calls import says_how
from .graph import order_of, roots_of
from .value import Constant, Value

if TYPE_CHECKING:
    from collections.abc import Iterable


@says_how
def graph_hash(root: Value | Iterable[Value]) -> str:
    """A digest of what a graph computes: equal for graphs of equal structure, whatever their labels.

    It counts which operations there are, what their operands are and in which order, which results have
    several uses, and the numbers of constants. Labels, scopes, gradients and the data of leaves do not count, so
    that a test can say that a change of code has left a graph as it was.

    Args:
        root: A node, or several.

    Returns:
        64 hexadecimal digits (SHA-256), the same in every process.

    Raises:
        OperandError: Something is no Value.

    Example:
        >>> import autograd_core as ag
        >>> x, y = ag.Value(2.0, label="x"), ag.Value(5.0)
        >>> ag.graph_hash(x * x) == ag.graph_hash(y * y)
        True
        >>> ag.graph_hash(x * x) == ag.graph_hash(x * y)
        False
    """
    roots = roots_of(root, "graph_hash")
    order = order_of(roots)
    places = {node: k for k, node in enumerate(order)}
    digest = sha256()
    for node in order:
        primitive = node._primitive
        if primitive is not None:
            what = f"{primitive.module}:{primitive.qualname}({','.join(str(places[p]) for p in node.parents)})"
        else:
            what = f"= {node.data!r}" if isinstance(node, Constant) else "leaf"
        digest.update(f"{what}\n".encode())
    digest.update(",".join(str(places[x]) for x in roots).encode())
    return digest.hexdigest()
