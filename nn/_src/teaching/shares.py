"""Softmax outputs exp(x)/Σ that a graph computes by hand, without the softmax primitive, and their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slopes import Factor, like_name
from .writing import addends, factor_form, is_number, write, written

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from autograd_core import Value


def in_shares(factors: Sequence[Factor]) -> tuple[Factor, ...] | None:
    """exp(x) exp(y)/Σ² as (exp(x)/Σ) (exp(y)/Σ): n terms of a sum over its n-th power; None for other products."""
    below = next((f.below for f in factors if f.below is not None), None)
    above = [f for f in factors if f.below is None]
    if below is None or below.op not in ("add", "sum") or any(f.power and f.below is not below for f in factors):
        return None
    terms = {factor_form(write(p))[0] for sign, p in addends(below) if sign > 0}
    if len(above) != sum(f.power for f in factors) or not all(f.text in terms for f in above):
        return None
    under = write(below)
    return tuple(
        Factor(
            f"{f.text}/{factor_form(under)[0]}", rf"\frac{{{f.latex}}}{{{under.latex}}}", f.value / float(below.data)
        )
        for f in above
    )


def named_shares(
    factors: Sequence[Factor], order: Sequence[Value], labels: Collection[str]
) -> tuple[str, dict[str, Factor]]:
    """The labels of the quotients exp(x)/Σ that a graph computes by hand, by their numerators.

    Args:
        factors: The factors of the derivative, of which one divides by the sum.
        order: The nodes of the graph.
        labels: All labels of the graph.

    Returns:
        An equation such as "s_1 = exp(z_1)/Σ", and the labels as factors; "" and {} if no quotient has a label.
    """
    below = next((f.below for f in factors if f.below is not None), None)
    found: dict[str, Factor] = {}
    why, pairs = "", []
    for node in order:
        above = _above(node, below) if below is not None and node.label else None
        if above is not None and below is not None:
            text = factor_form(write(above))[0]
            found[text] = Factor(*factor_form(write(node)), float(node.data))
            why = why or f"{node.label} = {text}/{factor_form(write(below))[0]}"
            pairs.append((node.label, above))
    for _, p in addends(below) if found and below is not None else ():
        text = factor_form(write(p))[0]
        alike = (like_name(label, _variable(above), _variable(p)) for label, above in pairs)
        name = next((name for name in alike if name and name not in labels), "")
        if name and text not in found and below is not None:
            found[text] = Factor(*factor_form(written(name)), float(p.data) / float(below.data))
    return why, found


def _above(node: Value, below: Value) -> Value | None:
    """The numerator x of a node x/below or x · (1/below); None for any other node."""
    if node.op == "div" and node.parents[1] is below and not is_number(node.parents[0]):
        return node.parents[0]
    if node.op == "mul":
        for x, y in (node.parents, node.parents[::-1]):
            inverse = (y.op == "div" and is_number(y.parents[0]) and y.parents[0].data == 1.0 and y.parents[1]) or (
                y.op == "pow" and is_number(y.parents[1]) and y.parents[1].data == -1.0 and y.parents[0]
            )
            if inverse is below:
                return x
    return None


def _variable(node: Value) -> str:
    """The label of x if the node is exp(x), else of the node."""
    return node.parents[0].label if node.op == "exp" else node.label
