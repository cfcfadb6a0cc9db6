"""Tooltips: each node's formula, and for each of its uses the product of the chain rule."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from ...engine.evaluation import is_finite, plus, times
from ...engine.value import Constant
from ...notation.formulas import operation
from .. import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...engine.value import Value
    from ..view.scope_tree import Graph

NAME_SIGNS, LABEL = 24, 300  # characters of a name within a formula, and of a label at the head of a tooltip
TERMS = 8  # a formula of more operands is not written out
ROUNDING = 1e-9  # relative difference up to which a gradient counts as the sum of its products


def data_of(graph: Graph) -> dict[str, Any]:
    """The data of tooltips: one entry for each node, in topological order; null for a constant.

    A node is [name, label, formula, value, gradient, rest, operands]: texts, and for each operand
    [index, local derivative, product], or its number where it is a constant. Without gradients the
    gradient and the products are null. The rest is what the gradient has beyond the products of this
    picture: a use elsewhere, another `backward()`, or the seed of the root; "" where there is none.
    """
    order, index, data, grads = graph.order, graph.index, graph.data, graph.grads
    has_grads = graph.has_grads
    briefly = {node: text.shorten(name, NAME_SIGNS) for node, name in zip(order, graph.names, strict=True)}
    sums: list[list[Any]] = [[] for _ in order]
    nodes: list[list[Any] | None] = []
    for i, node in enumerate(order):
        if i in graph.constants:
            nodes.append(None)
            continue
        operands: list[Any] = []
        parents = node.parents
        slopes = node._edges[len(parents) :]  # as recorded: none is asked for at a constant
        for p, d in zip(parents, slopes, strict=True):
            j = index[p]
            if isinstance(p, Constant):
                operands.append(full(data[j]))
                continue
            product = times(d, grads[i]) if d and grads[i] else 0  # strict zero, as in the sweep
            sums[j].append(product)
            operands.append([j, full(d), full(product) if has_grads else None])
        label = text.shorten(text.clean(graph.labels[i]), LABEL)
        nodes.append([briefly[node], label, _formula(node, briefly, data, index), full(data[i]), None, "", operands])
    if has_grads:
        for said, g, products in zip(nodes, grads, sums, strict=True):
            if said is not None:
                said[4:6] = full(g), _rest(g, products)
    first, *others = graph.roots
    return {"nodes": nodes, "top": briefly[order[first]] if grads[first] == 1 and not others else "L"}


def full(x: Any) -> str:
    """A number with all digits and a typographic minus sign; 3.0 becomes 3."""
    return text.in_full(x).removesuffix(".0").replace("-", "−")


def _formula(node: Value, names: dict[Value, str], data: Sequence[Any], index: dict[Value, int]) -> str:
    """A formula such as "c = a * b = 2 * (−3)"."""
    primitive, parents = node._primitive, node.parents
    if primitive is None:
        return ""
    if len(parents) > TERMS:
        return f"{names[node]} = {primitive.name} of {len(parents)} operands"
    numbers = operation(primitive, [text.number(data[index[p]]) for p in parents])
    return " = ".join((names[node], operation(primitive, [names[p] for p in parents]), numbers))


def _rest(g: Any, products: Sequence[Any]) -> str:
    if not all(map(is_finite, (g, *products))):
        return ""
    rest = reduce(plus, (-x for x in products), g)
    size = reduce(plus, map(abs, products), abs(g))
    if not is_finite(size):  # finite products of floats and of Fractions beyond them
        return ""
    small = ROUNDING * size if isinstance(rest, float) else 0
    return full(rest) if abs(rest) > small else ""
