"""Why one line of a derivation follows from the one before: the rules of differentiation that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .writing import SHARES, inner, is_number, surprise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from autograd_core import Value

CHAIN = "chain rule"
SUM = "sum rule"
OWN, BY_NAME = "its own slope is 1", "what the names stand for"
OTHER_TERMS, OTHER_FACTORS = "constant terms", "constant factor"  # the latter said where nothing else is done
SUMS = frozenset({"add", "sum", "sub", "mean"})
SHARE = {"softmax": "quotient rule"}  # as it is written: exp(x)/Σ; its logarithm and that of the sum begin with log


def rules(node: Value, below: Value, leads: Collection[Value], leaf: Value) -> list[str]:
    """The rules that a step from a node to one below it takes.

    Args:
        node: What is differentiated.
        below: The operand that the derivative goes on to.
        leads: The nodes that the leaf is below, and the leaf.
        leaf: What is differentiated to.

    Returns:
        Such as ["chain rule", "power rule"]; none where the node is written as its operand.
    """
    if inner(node) is not None or node.op == "where":
        return []
    ways = sum(p in leads for p in node.parents)
    if node.op in SUMS:
        return [SUM if ways > 1 else OTHER_TERMS]
    if node.op == "neg":
        return [OTHER_FACTORS]
    if node.op in ("mul", "dot"):
        half = len(node.parents) // 2
        pairs = [(w in leads) + (x in leads) for w, x in zip(node.parents[:half], node.parents[half:], strict=True)]
        several = SUM if sum(map(bool, pairs)) > 1 else OTHER_TERMS
        return [*([several] if half > 1 else []), "product rule" if max(pairs) > 1 else OTHER_FACTORS]
    if node.op == "div" and ways == 1 and below is node.parents[0]:
        return [OTHER_FACTORS]
    chain = [] if below is leaf else [CHAIN]
    if node.op == "div":
        return [*chain, "power rule" if is_number(node.parents[0]) else "quotient rule"]
    if node.op == "square" or (node.op == "pow" and is_number(node.parents[1])):
        return [*chain, "power rule"]
    terms = surprise(node)
    if terms is not None:
        return [*chain, SUM if below in (leaf, terms[1]) else OTHER_TERMS, "derivative of log"]
    if node.op in SHARES or node.op == "logsumexp":
        return [*chain, SHARE.get(node.op, "derivative of log")]
    name = {"sigmoid": "σ", "log1p": "log"}.get(node.op, node.op)
    return [*chain, f"derivative of {name}"]


def joined(found: Iterable[str]) -> str:
    """Each rule once, the chain rule first, and last that terms are gone; of factors where it is all that is done."""
    each = dict.fromkeys(found)
    if not each.keys() <= {OTHER_TERMS, OTHER_FACTORS}:
        each.pop(OTHER_FACTORS, None)
    if SUM in each:
        each.pop(OTHER_TERMS, None)
    return ", ".join(sorted(each, key=lambda rule: (rule != CHAIN, rule == OTHER_TERMS)))
