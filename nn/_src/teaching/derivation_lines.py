"""The lines of a derivation, in order: the chain rule alone, the rules of functions, and simplifications at the end."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import OperandError, Value, topological_order
from autograd_core._src.any_object import shown
from autograd_core._src.sums import exact_sum

from .derivation_paths import LeafPaths, OpenProduct, by_nodes, by_paths, terms_of
from .lines import common_end, line_of, product_of, sum_of
from .polynomials import Polynomial, cancelled, with_one_hot
from .reasons import BY_NAME, OTHER_FACTORS, OTHER_TERMS, OWN, SUM, joined
from .shares import in_shares, named_shares
from .slopes import Factor, logistic_functions, negated_operand, of_logistic, over_squares, times_one_minus
from .writing import Written, added_up, factor_form, operand_form, power, summands, varying_terms, write, written_number

if TYPE_CHECKING:
    from collections.abc import Sequence

OVER = "over one line"


class DerivationLine(NamedTuple):
    """The right-hand side of a line, and the reason beside it."""

    text: str
    latex: str
    why: str = ""


def by_rules(
    leaf_paths: LeafPaths, leaf_form: Written, *, sums: bool, factored: bool
) -> tuple[list[DerivationLine], list[OpenProduct]]:
    """The lines until no derivative is left to take, and the terms of the last one."""
    stages = by_nodes(leaf_paths, sum_of) if factored else by_paths(leaf_paths)
    logistic = logistic_functions(topological_order(leaf_paths.root))
    lines: list[DerivationLine] = []
    spread, before = False, stages[0].terms
    for terms, taken, gathered in stages:
        why = joined(rule for rule in taken if not (spread and rule in (SUM, OTHER_TERMS)))
        if spread and not why:
            own = any(leaf_paths.leaf in t.rest.parents for t in before if t.rest is not None)
            why = OTHER_TERMS if OTHER_TERMS in taken else OWN if own else BY_NAME
        elif spread and why == OTHER_FACTORS and (zeros := _with_zeros(before, terms, leaf_paths.dependents)):
            lines.append(DerivationLine(*product_of(*zeros), joined((OTHER_TERMS, OTHER_FACTORS))))
            why = "0 left out"
        if gathered:
            why += ", distributive law" if why else "distributive law"
        # 1/(1 + exp(−s))² exp(−s) would read as if both were below the line.
        shown = [t._replace(factors=over_squares(t.factors, logistic, fractions=True)) for t in terms]
        lines.append(DerivationLine(*line_of(shown, leaf_form, last=terms is stages[-1].terms), why))
        spread = sums and any(t.rest is not None and summands(t.rest) for t in terms)
        if spread:
            lines.append(DerivationLine(*line_of(terms, leaf_form, last=False, spread=True), SUM))
        before = terms
    return lines, before


def by_way_of(nodes: Any) -> Collection[Value]:
    """The nodes that are to stand in the chain rule, from the argument `partials`.

    Raises:
        OperandError: Something else than Values was given, or none.
    """
    found = list(nodes) if isinstance(nodes, Iterable) else [nodes]
    if not found or not all(isinstance(x, Value) for x in found):
        msg = f'derivation: partials: expected True, False, or Values such as run["Y"], got {shown(nodes)}'
        raise OperandError(msg)
    return set(found)


def chain_rule(leaf_paths: LeafPaths, leaf_form: Written, by: Collection[Value] | None = None) -> list[DerivationLine]:
    """The chain rule over labelled nodes: ∂L/∂a · ∂a/∂z, summed over the paths; [] if no such node lies between.

    With `by`, only these nodes stand in it.
    """
    chains = {}
    for path in leaf_paths.all():
        nodes = [part.rest for part in path if part.rest is not None and part.rest.label]
        if by is not None:
            nodes = [node for node in nodes if node in by]
        chains[tuple(map(id, nodes))] = nodes
    if not any(chains.values()):
        return []
    each = []
    for nodes in chains.values():
        names = [operand_form(write(leaf_paths.root)), *(operand_form(write(node)) for node in nodes), leaf_form[:2]]
        text = " · ".join(f"∂{a}/∂{b}" for (a, _), (b, _) in pairwise(names))
        tex = r" \, ".join(rf"\frac{{\partial {a}}}{{\partial {b}}}" for (_, a), (_, b) in pairwise(names))
        each.append((text, tex))
    return [DerivationLine(*added_up(each), "chain rule")]


def _with_zeros(
    before: list[OpenProduct], terms: list[OpenProduct], dependents: Collection[Value]
) -> tuple[float, Sequence[Factor], Sequence[tuple[str, str]]] | None:
    """A line that writes the derivatives of constant terms as zeros: 0 + x + 0. None if the sum has no such terms."""
    if not len(before) == len(terms) == 1 or terms[0].rest is not None:
        return None
    [was], [now] = before, terms
    moving = varying_terms(was.rest, dependents) if was.rest is not None else []
    if sum(moving) != 1 or len(moving) == 1:
        return None
    ratio = now.coefficient / was.coefficient
    text, tex = product_of(ratio, now.factors[len(was.factors) :], ())
    each = [(text, tex) if moved else ("0", "0") for moved in moving]
    whole = Written(*added_up(each), tight=not was.factors and was.coefficient == 1.0)
    return was.coefficient, was.factors, [factor_form(whole)]


def closing_lines(
    root: Value,
    leaf: Value,
    last: list[OpenProduct],
    leaf_form: Written,
    *,
    prime: bool,
    outputs: bool,
    beside: Sequence[Value],
    factored: bool,
) -> tuple[list[DerivationLine], list[OpenProduct]]:
    """The lines that only simplify, after the last rule of differentiation, and the terms of the last one."""
    shares = [in_shares(t.factors) for t in last]
    if all(shares) and any(f.power > 1 for t in last for f in t.factors):
        found = [t._replace(factors=share) for t, share in zip(last, shares, strict=True) if share]
        line = DerivationLine(*line_of(found, leaf_form, last=True, behind=1), "distributive law")
        more, named = _with_names(root, last, leaf_form) if outputs else ([], [])
        return [line, *more], named or found
    lines = []
    logistic = logistic_functions(topological_order(root))
    by_hand = [t._replace(factors=of_logistic(t.factors, logistic)) for t in last]
    if by_hand != last:
        over = [t._replace(factors=over_squares(t.factors, logistic)) for t in last]
        lines.append(DerivationLine(*line_of(over, leaf_form, last=True), OVER))
        last = by_hand
        lines.append(DerivationLine(*line_of(last, leaf_form, last=True), "f′ = f(1 − f)"))
    if prime:
        return lines, last
    more, last = _without_denominators(root, leaf, last, leaf_form, beside, factored=factored)
    return lines + more, last


def _with_names(
    root: Value, last: list[OpenProduct], leaf_form: Written
) -> tuple[list[DerivationLine], list[OpenProduct]]:
    """A line with softmax outputs by their labels, if all have one: s(1 − s), and −s s′."""
    order = topological_order(root)
    why, known = named_shares([f for t in last for f in t.factors], order, {node.label for node in order})
    tops = [[f.text for f in t.factors if f.below is None] for t in last]
    if not known or not all(text in known for top in tops for text in top):
        return [], []
    found = [t._replace(factors=tuple(known[text] for text in top)) for t, top in zip(last, tops, strict=True)]
    if sorted(map(len, tops)) == [1, 2] and len({text for top in tops for text in top}) == 1:
        [first] = {t.factors[0] for t in found}
        found = [OpenProduct(max(t.coefficient for t in found), (times_one_minus(first),), None)]
    return [DerivationLine(*line_of(found, leaf_form, last=True), why)], found


def _without_denominators(
    root: Value, leaf: Value, last: list[OpenProduct], leaf_form: Written, beside: Sequence[Value], *, factored: bool
) -> tuple[list[DerivationLine], list[OpenProduct]]:
    """Two more lines if all denominators cancel once derivatives are written by outputs, and the last one's terms.

    Also if σ(−z) = 1 − σ(z) makes terms cancel, as in a cross-entropy of scores.
    """
    leaf_paths = LeafPaths(root, leaf, outputs=True, beside=beside)
    paths = leaf_paths.all()
    opposite = _opposite(leaf_paths.dependents)
    logistic = logistic_functions(topological_order(root))
    complete = terms_of(root, paths, max(map(len, paths)))
    terms = [t._replace(factors=of_logistic(t.factors, logistic)) for t in complete]
    products = [(t.coefficient, [f.within for f in t.factors if f.within is not None]) for t in terms]
    known = all(f.within is not None for t in terms for f in t.factors)
    found = cancelled(products, always=opposite is not None) if known else None
    if found is None:
        return [], last
    why = "common factor" if opposite is None else f"σ(−{opposite}) = 1 − σ({opposite})"
    if factored and opposite is None:  # common factors were taken out already
        why = _why_multiplied_out(terms, line_of(last, leaf_form, last=True)[0])
    line = DerivationLine(*line_of(terms, leaf_form, last=True, behind=len(terms[0].factors), over=True), why)
    rest, outside = found
    number = rest.as_number() if outside else None
    turned = next((k for k, (p, n) in enumerate(outside) if n % 2 and len(p.terms) > 1), None)
    if number is not None and number < 0 and turned is not None:  # −(1 − a) is a − 1
        polynomial, n = outside[turned]
        outside[turned], number = (-polynomial, n), -number
    value = exact_sum(t.coefficient * math.prod(f.value for f in t.factors) for t in terms)
    factors = []
    for polynomial, n in outside:
        part = polynomial.written()
        whole = n == 1 and len(outside) == 1 and number == 1.0
        factors.append(part[:2] if whole else power(part, written_number(float(n)))[:2] if n > 1 else factor_form(part))

    def written_with(inside: Polynomial, groups: Written | None = None) -> tuple[str, str]:
        part = groups or inside.written()
        pieces = factors if number is not None else [factor_form(part) if factors else part[:2], *factors]
        return product_of(1.0 if number is None else number, (), pieces)

    groups = rest.in_groups() if factored else None
    text, tex = written_with(rest, groups)
    new = line.text != line_of(last, leaf_form, last=True)[0]
    lines = [*[line] * new, DerivationLine(text, tex, "cancelled, common factor" if groups else "cancelled")]
    if shorter := with_one_hot(rest, _targets(root)):
        text, tex = written_with(shorter[0])
        lines.append(DerivationLine(text, tex, shorter[1]))
    return lines, [OpenProduct(1.0, (Factor(text, tex, value),), None)]


def _why_multiplied_out(terms: list[OpenProduct], before: str) -> str:
    """The rule by which a product with a bracketed sum was rewritten as these terms."""
    end = common_end(terms)
    inside = Counter(text for t in terms for text in {f.text for f in t.factors[: len(t.factors) - end]})
    why = [BY_NAME] if any(f.text not in before for t in terms for f in t.factors) else []
    if any(n > 1 for n in inside.values()):  # some terms share a factor that stood once before, at a bracket
        why.append("distributive law")
    slopes = [f.text for f in terms[0].factors[len(terms[0].factors) - end :] if len(f.within or ()) > 1]
    if any(before.count(slope) > 1 for slope in slopes):  # each term had it
        why.append("common factor")
    return ", ".join(why) or OVER


def _targets(root: Value) -> dict[int, tuple[str, float]]:
    """The leaves that are called y_1, y_2, ... or t_1, t_2, ...: their letters and numbers, by id."""
    leaves = [node for node in topological_order(root) if node.label.startswith(("y_", "t_")) and not node.parents]
    return {id(node): (node.label[0], float(node.data)) for node in leaves}


def _opposite(dependents: Collection[Value]) -> str | None:
    """How z is written if some path leads through softplus(−z); else None."""
    found = [u for node in dependents if node.op == "softplus" and (u := negated_operand(node.parents[0])) is not None]
    return operand_form(write(found[0]))[0] if found else None
