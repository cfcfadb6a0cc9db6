"""The lines of a derivation: by the chain rule from name to name, by the rules of functions, and as texts end."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import OperandError, Value, topological_order
from autograd_core._src.sums import exact_sum

from ..support.validation import shown
from .lines import common_end, line_of, product_of, sum_of
from .polynomials import Polynomial, cancelled, with_one_hot
from .reasons import BY_NAME, OTHER_FACTORS, OTHER_TERMS, OWN, SUM, joined
from .shares import in_shares, named_shares
from .slopes import Factor, and_one_less, logistic_functions, mirrored, of_logistic, over_squares
from .ways import OpenProduct, Ways, by_nodes, by_paths, terms_of
from .writing import Written, added_up, apart, held, in_figures, moves, power, summands, write

if TYPE_CHECKING:
    from collections.abc import Sequence

OVER = "over one line"


class DerivationLine(NamedTuple):
    """What stands behind an equals sign, and why."""

    text: str
    latex: str
    why: str = ""


def by_rules(
    ways: Ways, bottom: Written, *, sums: bool, factored: bool
) -> tuple[list[DerivationLine], list[OpenProduct]]:
    """The lines until no derivative is left to take, and the terms of the last one."""
    stages = by_nodes(ways, sum_of) if factored else by_paths(ways)
    logistic = logistic_functions(topological_order(ways.root))
    lines: list[DerivationLine] = []
    spread, before = False, stages[0].terms
    for terms, taken, gathered in stages:
        why = joined(rule for rule in taken if not (spread and rule in (SUM, OTHER_TERMS)))
        if spread and not why:
            own = any(ways.leaf in t.rest.parents for t in before if t.rest is not None)
            why = OTHER_TERMS if OTHER_TERMS in taken else OWN if own else BY_NAME
        elif spread and why == OTHER_FACTORS and (zeros := _with_zeros(before, terms, ways.leads)):
            lines.append(DerivationLine(*product_of(*zeros), joined((OTHER_TERMS, OTHER_FACTORS))))
            why = "0 left out"
        if gathered:
            why += ", distributive law" if why else "distributive law"
        # 1/(1 + exp(−s))² exp(−s) would read as if both were below the line.
        shown = [t._replace(factors=over_squares(t.factors, logistic, fractions=True)) for t in terms]
        lines.append(DerivationLine(*line_of(shown, bottom, last=terms is stages[-1].terms), why))
        spread = sums and any(t.rest is not None and summands(t.rest) for t in terms)
        if spread:
            lines.append(DerivationLine(*line_of(terms, bottom, last=False, spread=True), SUM))
        before = terms
    return lines, before


def by_way_of(nodes: Any) -> Collection[Value]:
    """The nodes by way of which the chain rule is to go.

    Raises:
        OperandError: They are none.
    """
    found = list(nodes) if isinstance(nodes, Iterable) else [nodes]
    if not found or not all(isinstance(x, Value) for x in found):
        msg = f'derivation: partials: expected True, False, or Values such as run["Y"], got {shown(nodes)}'
        raise OperandError(msg)
    return set(found)


def chain_rule(ways: Ways, bottom: Written, by: Collection[Value] | None = None) -> list[DerivationLine]:
    """The chain rule by the nodes that have names: ∂L/∂a · ∂a/∂z, summed over the ways; none from one to the next.

    With `by` it goes by way of these nodes alone.
    """
    chains = {}
    for path in ways.all():
        nodes = [part.rest for part in path if part.rest is not None and part.rest.label]
        if by is not None:
            nodes = [node for node in nodes if node in by]
        chains[tuple(map(id, nodes))] = nodes
    if not any(chains.values()):
        return []
    each = []
    for nodes in chains.values():
        names = [apart(write(ways.root)), *(apart(write(node)) for node in nodes), bottom[:2]]
        text = " · ".join(f"∂{a}/∂{b}" for (a, _), (b, _) in pairwise(names))
        tex = r" \, ".join(rf"\frac{{\partial {a}}}{{\partial {b}}}" for (_, a), (_, b) in pairwise(names))
        each.append((text, tex))
    return [DerivationLine(*added_up(each), "chain rule")]


def _with_zeros(
    before: list[OpenProduct], terms: list[OpenProduct], leads: Collection[Value]
) -> tuple[float, Sequence[Factor], Sequence[tuple[str, str]]] | None:
    """A line on which the derivatives of constant terms are 0: 0 + x + 0. None where the sum has no such terms."""
    if not len(before) == len(terms) == 1 or terms[0].rest is not None:
        return None
    [was], [now] = before, terms
    moving = moves(was.rest, leads) if was.rest is not None else []
    if sum(moving) != 1 or len(moving) == 1:
        return None
    ratio = now.coefficient / was.coefficient
    text, tex = product_of(ratio, now.factors[len(was.factors) :], ())
    each = [(text, tex) if moved else ("0", "0") for moved in moving]
    whole = Written(*added_up(each), tight=not was.factors and was.coefficient == 1.0)
    return was.coefficient, was.factors, [held(whole)]


def as_texts_end(
    root: Value,
    leaf: Value,
    last: list[OpenProduct],
    bottom: Written,
    *,
    prime: bool,
    outputs: bool,
    beside: Sequence[Value],
    factored: bool,
) -> tuple[list[DerivationLine], list[OpenProduct]]:
    """Lines that need no rule of differentiation more, and the terms of the last one."""
    shares = [in_shares(t.factors) for t in last]
    if all(shares) and any(f.power > 1 for t in last for f in t.factors):
        found = [t._replace(factors=share) for t, share in zip(last, shares, strict=True) if share]
        line = DerivationLine(*line_of(found, bottom, last=True, behind=1), "distributive law")
        more, named = _with_names(root, last, bottom) if outputs else ([], [])
        return [line, *more], named or found
    lines = []
    logistic = logistic_functions(topological_order(root))
    by_hand = [t._replace(factors=of_logistic(t.factors, logistic)) for t in last]
    if by_hand != last:
        over = [t._replace(factors=over_squares(t.factors, logistic)) for t in last]
        lines.append(DerivationLine(*line_of(over, bottom, last=True), OVER))
        last = by_hand
        lines.append(DerivationLine(*line_of(last, bottom, last=True), "f′ = f(1 − f)"))
    if prime:
        return lines, last
    more, last = _without_denominators(root, leaf, last, bottom, beside, factored=factored)
    return lines + more, last


def _with_names(
    root: Value, last: list[OpenProduct], bottom: Written
) -> tuple[list[DerivationLine], list[OpenProduct]]:
    """A line with the names of shares, where all have one: s(1 − s), and −s s′."""
    order = topological_order(root)
    why, known = named_shares([f for t in last for f in t.factors], order, {node.label for node in order})
    tops = [[f.text for f in t.factors if f.below is None] for t in last]
    if not known or not all(text in known for top in tops for text in top):
        return [], []
    found = [t._replace(factors=tuple(known[text] for text in top)) for t, top in zip(last, tops, strict=True)]
    if sorted(map(len, tops)) == [1, 2] and len({text for top in tops for text in top}) == 1:
        [first] = {t.factors[0] for t in found}
        found = [OpenProduct(max(t.coefficient for t in found), (and_one_less(first),), None)]
    return [DerivationLine(*line_of(found, bottom, last=True), why)], found


def _without_denominators(
    root: Value, leaf: Value, last: list[OpenProduct], bottom: Written, beside: Sequence[Value], *, factored: bool
) -> tuple[list[DerivationLine], list[OpenProduct]]:
    """Two lines more where slopes by what functions gave cancel all denominators, and the terms of the last one.

    Also where σ(−z) is 1 − σ(z), as in a cross-entropy of scores.
    """
    found_ways = Ways(root, leaf, outputs=True, beside=beside)
    ways = found_ways.all()
    opposite = _opposite(found_ways.leads)
    logistic = logistic_functions(topological_order(root))
    terms = [t._replace(factors=of_logistic(t.factors, logistic)) for t in terms_of(root, ways, max(map(len, ways)))]
    products = [(t.coefficient, [f.within for f in t.factors if f.within is not None]) for t in terms]
    known = all(f.within is not None for t in terms for f in t.factors)
    found = cancelled(products, always=opposite is not None) if known else None
    if found is None:
        return [], last
    why = "common factor" if opposite is None else f"σ(−{opposite}) = 1 − σ({opposite})"
    if factored and opposite is None:  # common factors are outside already
        why = _why_multiplied_out(terms, line_of(last, bottom, last=True)[0])
    line = DerivationLine(*line_of(terms, bottom, last=True, behind=len(terms[0].factors), over=True), why)
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
        factors.append(part[:2] if whole else power(part, in_figures(float(n)))[:2] if n > 1 else held(part))

    def written_with(inside: Polynomial, groups: Written | None = None) -> tuple[str, str]:
        part = groups or inside.written()
        pieces = factors if number is not None else [held(part) if factors else part[:2], *factors]
        return product_of(1.0 if number is None else number, (), pieces)

    groups = rest.in_groups() if factored else None
    text, tex = written_with(rest, groups)
    new = line.text != line_of(last, bottom, last=True)[0]
    lines = [*[line] * new, DerivationLine(text, tex, "cancelled, common factor" if groups else "cancelled")]
    if shorter := with_one_hot(rest, _targets(root)):
        text, tex = written_with(shorter[0])
        lines.append(DerivationLine(text, tex, shorter[1]))
    return lines, [OpenProduct(1.0, (Factor(text, tex, value),), None)]


def _why_multiplied_out(terms: list[OpenProduct], before: str) -> str:
    """Why the terms of a product with a sum in brackets follow from how it was written before."""
    end = common_end(terms)
    inside = Counter(text for t in terms for text in {f.text for f in t.factors[: len(t.factors) - end]})
    why = [BY_NAME] if any(f.text not in before for t in terms for f in t.factors) else []
    if any(n > 1 for n in inside.values()):  # some terms share a factor that was once there, at a bracket
        why.append("distributive law")
    slopes = [f.text for f in terms[0].factors[len(terms[0].factors) - end :] if len(f.within or ()) > 1]
    if any(before.count(slope) > 1 for slope in slopes):  # each term had it
        why.append("common factor")
    return ", ".join(why) or OVER


def _targets(root: Value) -> dict[int, tuple[str, float]]:
    """The leaves that are called y_1, y_2, ... or t_1, t_2, ...: their letters and numbers, by id."""
    leaves = [node for node in topological_order(root) if node.label.startswith(("y_", "t_")) and not node.parents]
    return {id(node): (node.label[0], float(node.data)) for node in leaves}


def _opposite(leads: Collection[Value]) -> str | None:
    """How z is written where softplus(−z) is on the way; None where there is none."""
    found = [u for node in leads if node.op == "softplus" and (u := mirrored(node.parents[0])) is not None]
    return apart(write(found[0]))[0] if found else None
