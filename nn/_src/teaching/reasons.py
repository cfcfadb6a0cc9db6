"""Why a line of a derivation follows from the one before: the rules of differentiation that were applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .writing import SOFTMAX_OPS, cross_entropy_operands, is_number, without_guards

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from autograd_core import Value

CHAIN = "chain rule"
SUM = "sum rule"
OWN, BY_NAME = "its own slope is 1", "what the names stand for"
OTHER_TERMS, OTHER_FACTORS = "constant terms", "constant factor"  # the latter only if it is the line's only rule
SUMS = frozenset({"add", "sum", "sub", "mean"})
SHARE = {"softmax": "quotient rule"}  # exp(x)/Σ is a quotient; log_softmax and logsumexp are written as logarithms


def rules(node: Value, below: Value, dependents: Collection[Value], leaf: Value) -> list[str]:
    """The rules that one step from a node to one of its operands applies.

    Args:
        node: The node that is differentiated.
        below: The operand whose derivative remains.
        dependents: The leaf and all nodes that depend on it.
        leaf: The node with respect to which is differentiated.

    Returns:
        Such as ["chain rule", "power rule"]; [] if the node is written as its operand.
    """
    if without_guards(node) is not None or node.op == "where":
        return []
    count = sum(p in dependents for p in node.parents)
    if node.op in SUMS:
        return [SUM if count > 1 else OTHER_TERMS]
    if node.op == "neg":
        return [OTHER_FACTORS]
    if node.op in ("mul", "dot"):
        half = len(node.parents) // 2
        varies = [p in dependents for p in node.parents]
        pairs = [w + x for w, x in zip(varies[:half], varies[half:], strict=True)]
        several = SUM if sum(map(bool, pairs)) > 1 else OTHER_TERMS
        return [*([several] if half > 1 else []), "product rule" if max(pairs) > 1 else OTHER_FACTORS]
    if node.op == "div" and count == 1 and below is node.parents[0]:
        return [OTHER_FACTORS]
    chain = [] if below is leaf else [CHAIN]
    if node.op == "div":
        return [*chain, "power rule" if is_number(node.parents[0]) else "quotient rule"]
    if node.op == "square" or (node.op == "pow" and is_number(node.parents[1])):
        return [*chain, "power rule"]
    terms = cross_entropy_operands(node)
    if terms is not None:
        return [*chain, SUM if below in (leaf, terms[1]) else OTHER_TERMS, "derivative of log"]
    if node.op in SOFTMAX_OPS or node.op == "logsumexp":
        return [*chain, SHARE.get(node.op, "derivative of log")]
    name = {"sigmoid": "σ", "log1p": "log"}.get(node.op, node.op)
    return [*chain, f"derivative of {name}"]


def joined(found: Iterable[str]) -> str:
    """The rules as one text: each once, the chain rule first and dropped constant terms last."""
    each = dict.fromkeys(found)
    if not each.keys() <= {OTHER_TERMS, OTHER_FACTORS}:
        each.pop(OTHER_FACTORS, None)
    if SUM in each:
        each.pop(OTHER_TERMS, None)
    return ", ".join(sorted(each, key=lambda rule: (rule != CHAIN, rule == OTHER_TERMS)))
