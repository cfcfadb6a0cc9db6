"""Why a gradient is 0, small, large or not finite: what the graph shows, in sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..engine.evaluation import is_finite
from ..engine.provenance import COMPARISONS
from ..engine.value import Constant
from ..notation.formulas import adds_to_zero, operation
from ..pictures.text import number
from .flow import ratio
from .path import how_many, local_grad, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..engine.value import Value
    from .flow import Flow
    from .path import Path

LARGE, SMALL = 1e3, 1e-3  # a larger or smaller |gradient| gets a reason
FLAT = 1e-3  # |slope| below which an activation counts as saturated
LOST = 1e3  # a larger condition is reported as lost digits
CANCELS = 10.0  # a larger condition counts as the reason why a gradient is small
NAMED_PARTS = 3  # nodes, terms or factors that a sentence names; it counts the rest


@dataclass(frozen=True, slots=True, eq=False)
class Reason:
    """One reason for the value of a gradient.

    Attributes:
        about: "zero", "small", "large", "not finite", "digits" (lost by cancellation), or "root".
        kind: What it is, in a few words, such as "dead relu".
        nodes: The nodes concerned.
        text: A sentence that names them.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(-2.0, label="x")
        >>> [reason] = ag.explain(ag.relu(x) * 3, x).reasons
        >>> reason.about, reason.kind, reason.text
        ('zero', 'dead relu', 'v1 = relu(x): its operand x = −2 is not above 0')
    """

    about: str
    kind: str
    nodes: tuple[Value, ...]
    text: str


def reasons_of(flow: Flow, paths: Sequence[Path], n_paths: int, names: Mapping[Value, str]) -> tuple[Reason, ...]:
    """All reasons that apply, the most important first.

    Args:
        flow: The sweeps.
        paths: The largest paths, largest first.
        n_paths: How many there are.
        names: A name for every node.
    """
    # From the most definite cause to the least: only of a finite gradient that is not 0 can it be asked whether it is
    # small, and only where terms do not cancel are its factors the reason.
    words = Words(names)
    if flow.leaf is flow.root:
        text = f"{words.name(flow.leaf)} is the root itself: its derivative with respect to itself is 1"
        return (Reason("root", "root", (flow.root,), text),)
    if not is_finite(flow.gradient):
        return (_not_finite(flow, words),)
    if not flow.gradient:
        return _zero(flow, words)
    found = []
    size, condition = abs(flow.gradient), flow.condition
    if LOST <= condition < math.inf or (size <= SMALL and CANCELS <= condition < math.inf):
        found.append(_cancelled(flow, words))
    if size >= LARGE:
        found.append(_large(flow, paths, n_paths, words))
    elif size <= SMALL and condition < CANCELS:
        found.append(_small(paths[0], words))
    return tuple(found)


class Words:
    """Names of nodes in sentences."""

    def __init__(self, names: Mapping[Value, str]) -> None:
        self.names = names

    def name(self, node: Value) -> str:
        """A name that fits into a line."""
        return short(self.names[node])

    def valued(self, node: Value) -> str:
        """Name and number, as "x = −2"; a constant is its own name."""
        return number(node.data) if isinstance(node, Constant) else f"{self.name(node)} = {number(node.data)}"

    def made(self, node: Value) -> str:
        """How a node was made, as "v3 = relu(x)"; with a count if it has many operands."""
        primitive, parents = node._primitive, node.parents
        assert primitive is not None
        if adds_to_zero(primitive, parents):
            return f"{self.name(node)} = {self.name(parents[1])}"
        many = len(parents) > NAMED_PARTS
        names = list(map(self.name, parents)) if not many else []
        written = f"{primitive.name}({len(parents)} operands)" if many else operation(primitive, names)
        return f"{self.name(node)} = {written}"

    def listed(self, parts: Iterable[str], rest: int, separator: str = "; ") -> str:
        """The first few, and the number of the others."""
        return separator.join(parts) + (f"{separator}and {rest} more" if rest > 0 else "")


# --- zero -----------------------------------------------------------------------------------------


def _zero(flow: Flow, words: Words) -> tuple[Reason, ...]:
    root, leaf = words.name(flow.root), words.name(flow.leaf)
    if isinstance(flow.leaf, Constant):
        text = f"{leaf} is a plain number among the operands: nothing is differentiated with respect to it"
        return (Reason("zero", "constant", (flow.leaf,), text),)
    if not flow.between:
        text = (
            f"no path leads from {leaf} to {root}: either {root} was not computed from {leaf}, or the graph was cut "
            "on the way (detach(), .data, float() or no_grad() leave no trace)"
        )
        return (Reason("zero", "no path", (flow.leaf,), text),)
    # A path without a factor of 0 leads to the root: so its terms cancel, or products underflow.
    if flow.root not in flow.live:
        return _cut(flow, words)
    origins = tuple(node for node, r in flow.cancelling().items() if r == math.inf and node in flow.live)
    if origins:
        parts = [_sum_of_terms(flow, node, words) for node in origins[:NAMED_PARTS]]
        text = "terms that are not 0 cancel: " + words.listed(parts, len(origins) - NAMED_PARTS)
        return (Reason("zero", "cancelled", origins, text),)
    return (_underflow(flow, words),)


def _cut(flow: Flow, words: Words) -> tuple[Reason, ...]:
    """The edges at which all paths of non-zero derivatives end, grouped by cause."""
    # The frontier between live and dead nodes. What is above it is dead because of it, and no cause of its own.
    ends: dict[str, dict[Value, str]] = {}
    for node in flow.between:
        if node not in flow.live:
            end, made = _Ends(node, words), words.made(node)
            for operand, parent in enumerate(end.parents):
                if parent in flow.live:
                    kind, text = end.at(operand)
                    ends.setdefault(kind, {}).setdefault(node, f"{made}: {text}")
    reasons = []
    for kind, texts in ends.items():
        shown = list(texts.values())[:NAMED_PARTS]
        reasons.append(Reason("zero", kind, tuple(texts), words.listed(shown, len(texts) - NAMED_PARTS)))
    return tuple(reasons)


STEPS = frozenset(("sign", "floor", "ceil"))
CHOICES = {"maximum": "largest", "max": "largest", "minimum": "smallest", "min": "smallest"}
PRODUCTS = frozenset(("mul", "path_product", "prod", "dot"))


class _Ends:
    """Why edges of one node have derivative 0; what needs all operands is computed once for all its edges."""

    def __init__(self, node: Value, words: Words) -> None:
        self.op, self.primitive, self.data = node.op, node._primitive, node.data
        self.parents = node.parents
        self.words = words
        self.zeros = [i for i, p in enumerate(self.parents) if not p.data] if self.op in PRODUCTS else []

    def at(self, operand: int) -> tuple[str, str]:
        """Kind and text of the edge from one operand."""
        op, parents, words = self.op, self.parents, self.words
        parent = words.valued(parents[operand])
        if op == "relu":
            return "dead relu", f"its operand {parent} is not above 0"
        if op in COMPARISONS:
            return "comparison", "a comparison is flat, its derivative is 0 on either side"
        if op in STEPS:
            return "step", "a step function is flat, its derivative is 0"
        if op in CHOICES:
            best = CHOICES[op]
            if parents[operand].data == self.data:
                return f"not the {best}", f"{parent} ties with an earlier operand, which gets all"
            return f"not the {best}", f"{parent} is not the {best}, which is {number(self.data)}"
        if op == "where":
            if operand == 0:
                return "condition", f"{words.name(parents[0])} only chooses between the branches"
            taken = "first" if parents[0].data else "second"
            return "branch not taken", f"the condition is {number(parents[0].data)}, so the {taken} branch is taken"
        if op == "clip":
            return self._clipped(operand, parent)
        zero = self._zero_factor(operand)
        if zero is not None:
            return "times zero", f"{words.name(parents[operand])} is multiplied by {words.valued(zero)}"
        if self.primitive is not None and self.primitive.saturates is not None:
            return "saturated to 0", f"its slope at {parent} is 0"
        at = ", ".join(map(words.valued, parents[:NAMED_PARTS])) + (", …" if len(parents) > NAMED_PARTS else "")
        return "flat", f"its derivative with respect to {words.name(parents[operand])} is 0 at {at}"

    def _clipped(self, operand: int, parent: str) -> tuple[str, str]:
        parents = self.parents
        low, high = number(parents[1].data), number(parents[2].data)
        if operand == 0 and not parents[1].data < parents[2].data:
            return "clipped", f"there is nothing between the bounds {low} and {high}"
        if operand == 0:
            return "clipped", f"{parent} lies outside of [{low}, {high}]"
        return "bound not reached", f"{self.words.valued(parents[0])} does not meet the bound {parent}"

    def _zero_factor(self, operand: int) -> Value | None:
        """A factor of this operand that is 0: its partner in a dot, any other factor in a product."""
        if self.primitive is not None and self.primitive.pairs:
            partner = self.parents[operand - len(self.parents) // 2]
            return None if partner.data else partner
        # Two suffice, since one at most is the operand itself; to look at all for every edge would be quadratic.
        return next((self.parents[i] for i in self.zeros[:2] if i != operand), None)


def _sum_of_terms(flow: Flow, node: Value, words: Words) -> str:
    """As "at v2: 3 through v5, −3 through v6, together 0", the largest terms first."""
    terms = [(term, user) for user, _, _, term in flow.terms(node) if term]
    terms.sort(key=lambda pair: -abs(pair[0]))
    parts = [f"{number(term)} through {words.name(user)}" for term, user in terms[:NAMED_PARTS]]
    total = number(flow.adjoints[node])
    return f"at {words.name(node)}: {words.listed(parts, len(terms) - NAMED_PARTS, ', ')}, together {total}"


def _underflow(flow: Flow, words: Words) -> Reason:
    """The reason where nothing cancels and nothing is 0: a product fell below the smallest double."""
    # From the root down, the first one whose adjoint is 0: those below it are 0 because of it.
    node = next(node for node in reversed(flow.between) if node in flow.live and not flow.adjoints[node])
    text = f"at {words.name(node)}, local derivative × adjoint is below 5e−324, the smallest double, and becomes 0"
    return Reason("zero", "underflow", (node,), text)


# --- not finite -----------------------------------------------------------------------------------


def _not_finite(flow: Flow, words: Words) -> Reason:
    """The first node of the sweep, from the root down, at which the gradient is not finite."""
    node, broken = next(
        (node, broken)
        for node in reversed(flow.between)
        if node in flow.live and ((broken := _broken(flow, node)) or not is_finite(flow.adjoints[node]))
    )
    if is_finite(flow.adjoints[node]):
        parent, d = broken[0]
        at = ", ".join(map(words.valued, node.parents[:NAMED_PARTS]))
        origin = _origin(node)
        if origin is not node:
            made = words.made(origin) if origin._primitive is not None else words.name(origin)
            of = ", ".join(map(words.valued, origin.parents[:NAMED_PARTS]))
            text = f"{made} is {number(origin.data)}" + (f" at {of}" if of else "")
            text += f"; so the derivative of {words.made(node)} with respect to {words.name(parent)} is {number(d)}"
            return Reason("not finite", "value", (origin,), text)
        text = f"{words.made(node)}: its derivative with respect to {words.name(parent)} is {number(d)} at {at}"
        return Reason("not finite", "derivative", (node,), text)
    terms = _sum_of_terms(flow, node, words)
    return Reason("not finite", "overflow", (node,), f"beyond the largest double, 1.8e308, {terms}")


def _origin(node: Value) -> Value:
    """The first value that is not finite among those that lead to this node; the node itself if there is none."""
    # A derivative that is not finite may only repeat its operands: the cause is where the values left the range.
    while (before := next((p for p in node.parents if not is_finite(p.data)), None)) is not None:
        node = before
    return node


def _broken(flow: Flow, node: Value) -> list[tuple[Value, Any]]:
    """Operands on the way to the leaf whose derivative is infinite or NaN, and gets multiplied."""
    if not flow.adjoints[node]:
        return []
    local = ((p, local_grad(node, operand)) for operand, p in enumerate(node.parents))
    return [(p, d) for p, d in local if p in flow.live and not is_finite(d)]


# --- cancellation, large, small -------------------------------------------------------------------


def _cancelled(flow: Flow, words: Words) -> Reason:
    ratios = flow.cancelling()
    node = max(ratios, key=lambda p: ratios[p])
    text = (
        f"terms nearly cancel: the sizes of the path products add up to {number(flow.size)}, "
        f"their sum is {number(flow.gradient)}; most of that {_sum_of_terms(flow, node, words)}"
    )
    return Reason("digits", "cancelling terms", (node,), text)


def _large(flow: Flow, paths: Sequence[Path], n_paths: int, words: Words) -> Reason:
    best = paths[0]
    share = ratio(abs(best.product), abs(flow.gradient))
    if not share >= 0.5:
        text = f"{how_many(n_paths)} paths add up; the largest of them gives {number(best.product)}"
        return Reason("large", "many paths", (), text)
    factors = [(abs(d), node, d) for node, d in zip(best.nodes[1:], best.factors, strict=True) if abs(d) > 1]
    return Reason("large", "large factors", *_factors(sorted(factors, key=lambda f: -f[0]), "above", best, words))


def _small(best: Path, words: Words) -> Reason:
    edges = list(zip(best.nodes[1:], best.operands, best.factors, strict=True))
    flat = [(abs(d), node, d) for node, operand, d in edges if is_saturated(node, operand)]
    if flat:
        nodes = tuple(node for _, node, _ in flat)
        parts = [f"{words.made(node)} has slope {number(d)} at {number(node.parents[0].data)}" for _, node, d in flat]
        text = "saturated on the largest path: " + words.listed(parts[:NAMED_PARTS], len(flat) - NAMED_PARTS)
        return Reason("small", "saturated", nodes, text)
    factors = [(abs(d), node, d) for node, _, d in edges if abs(d) < 1]
    return Reason("small", "small factors", *_factors(sorted(factors, key=lambda f: f[0]), "below", best, words))


def _factors(
    factors: list[tuple[Any, Value, Any]], side: str, best: Path, words: Words
) -> tuple[tuple[Value, ...], str]:
    """The nodes with the largest factors, and these factors."""
    parts = [f"×{number(d)} at {words.made(node)}" for _, node, d in factors[:NAMED_PARTS]]
    count = "a factor" if len(factors) == 1 else f"{len(factors)} factors"
    listed = words.listed(parts, len(factors) - NAMED_PARTS, ", ")
    text = f"the largest path, {number(best.product)}, has {count} {side} 1: {listed}"
    return tuple(node for _, node, _ in factors[:NAMED_PARTS]), text


def is_saturated(node: Value, operand: int = 0) -> bool:
    """Whether an activation's operand is so large that its slope is below a thousandth."""
    return (
        operand == 0
        and node._primitive is not None
        and node._primitive.saturates is not None
        and node.parents[0].data < node._primitive.saturates
        and abs(local_grad(node, 0)) < FLAT
    )
