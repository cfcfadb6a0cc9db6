"""A line of a derivation as text and as LaTeX, with the factors that all terms share taken out of the sum."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from autograd_core._src.sums import exact_sum

from ..support.formulas import juxtaposed, unbracketed
from ..support.tables import number
from .derivation_paths import OpenProduct
from .slopes import Factor
from .writing import Written, added_up, body, factor_form, summands, write, written_number

if TYPE_CHECKING:
    from collections.abc import Sequence


def line_of(
    terms: list[OpenProduct],
    leaf_form: Written,
    *,
    last: bool,
    behind: int = 0,
    over: bool = False,
    spread: bool = False,
) -> tuple[str, str]:
    """A line with the leading factors that all terms share in front of the sum.

    Args:
        terms: The terms of the line.
        leaf_form: The leaf, as it is written in ∂/∂x.
        last: Whether it is the last line, where one shared trailing factor is taken out, too.
        behind: Take out up to so many trailing factors, and no leading ones.
        over: Write y · 1/a as y/a.
        spread: Write the derivative of a sum as the sum of the derivatives.
    """
    return unbracketed(*_bracketed(terms, leaf_form, last=last, behind=behind, over=over, spread=spread))


def _bracketed(
    terms: list[OpenProduct], leaf_form: Written, *, last: bool, behind: int, over: bool, spread: bool
) -> tuple[str, str]:
    front = 0 if behind and len(terms) > 1 else _shared([t.factors for t in terms])
    over_one_line = _over_one_line(terms, front, leaf_form, spread=spread) if len(terms) > 1 and not behind else None
    if over_one_line is not None:
        return over_one_line
    back = 0
    if len(terms) > 1 and last:
        most = min(len(t.factors) for t in terms) - front
        back = min(_shared([t.factors[::-1] for t in terms]), most, behind or 1)
    first, *_ = terms
    coefficient = first.coefficient if len({t.coefficient for t in terms}) == 1 else 1.0
    if len(terms) == 1:
        return product_of(coefficient, first.factors, _tail(first, first.factors, leaf_form, spread=spread), over=over)
    inside = []
    for t in terms:
        factors = t.factors[front : len(t.factors) - back]
        c = t.coefficient / coefficient
        tail = _tail(t._replace(coefficient=c), factors, leaf_form, spread=spread)
        inside.append(product_of(c, factors, tail, over=over))
    outside, ends_with = first.factors[:front], first.factors[len(first.factors) - back :] if back else ()
    text, tex = added_up(inside)
    if outside or ends_with or coefficient != 1.0:
        text, tex = f"({text})", rf"\left({tex}\right)"
    return product_of(coefficient, outside, [(text, tex), *((f.text, f.latex) for f in ends_with)])


def common_end(terms: Sequence[OpenProduct]) -> int:
    """How many trailing factors all terms share."""
    return _shared([t.factors[::-1] for t in terms])


def sum_of(terms: list[OpenProduct]) -> OpenProduct:
    """Merge terms with the same open derivative into one: shared leading factors, a bracketed sum, trailing ones."""
    if len(terms) == 1:
        return terms[0]
    front, back = _ends([t.factors for t in terms])
    first = terms[0]
    coefficient = first.coefficient if len({t.coefficient for t in terms}) == 1 else 1.0
    inside = [(t.coefficient / coefficient, t.factors[front : len(t.factors) - back]) for t in terms]
    text, tex = added_up([product_of(c, factors, ()) for c, factors in inside])
    value = exact_sum(c * math.prod(f.value for f in factors) for c, factors in inside)
    figures = f"({' '.join(_signed(c, factors, k) for k, (c, factors) in enumerate(inside))})"
    whole = Factor(f"({text})", rf"\left({tex}\right)", value, figures=figures)
    behind = first.factors[len(first.factors) - back :] if back else ()
    return OpenProduct(coefficient, (*first.factors[:front], whole, *behind), first.rest)


def _ends(rows: list[tuple[Factor, ...]]) -> tuple[int, int]:
    """How many leading and how many trailing factors all share."""
    front = _shared(rows)
    return front, min(_shared([row[::-1] for row in rows]), min(map(len, rows)) - front)


def in_numbers(terms: Sequence[tuple[float, Sequence[Factor]]]) -> str:
    """A sum of products in numbers, with shared factors taken out as in the line above; "0" for no terms."""
    if not terms:
        return "0"
    if len(terms) == 1:
        return _signed(*terms[0], 0)
    front, back = _ends([tuple(factors) for _, factors in terms])
    factors = terms[0][1]
    inside = " ".join(_signed(c, f[front : len(f) - back], k) for k, (c, f) in enumerate(terms))
    if not front and not back:
        return inside
    behind = factors[len(factors) - back :] if back else ()
    return " · ".join([*map(_figures, factors[:front]), f"({inside})", *map(_figures, behind)])


def _signed(c: float, factors: Sequence[Factor], place: int) -> str:
    """A term in numbers, with its sign; `place` is its position in the sum."""
    parts = [number(abs(c))] * (abs(c) != 1.0 or not factors) + list(map(_figures, factors))
    alone = len(parts) == 1 and place == 0 and c > 0
    term = " · ".join(p.removeprefix("(").removesuffix(")") if alone and p.startswith("(−") else p for p in parts)
    sign = "−" if c < 0 else "+" if place else ""
    return f"{sign} {term}" if place else f"{sign}{term}"


def _figures(f: Factor) -> str:
    return f.figures or (f"({number(f.value)})" if f.value < 0 else number(f.value))


def _over_one_line(
    terms: list[OpenProduct], front: int, leaf_form: Written, *, spread: bool
) -> tuple[str, str] | None:
    """The derivative of a quotient as one fraction, (u′ v − u v′)/v²; None if the terms are not of this form."""
    quotients = [[f for f in t.factors[front:] if f.quotient] for t in terms]
    if not all(len(found) == 1 for found in quotients):
        return None
    below = quotients[0][0].below
    if below is None or any(f.below is not below for [f] in quotients) or {f.power for [f] in quotients} != {1, 2}:
        return None
    v = Factor(*factor_form(write(below)), float(below.data))
    above = []
    for t, [quotient] in zip(terms, quotients, strict=True):
        factors = [f for f in t.factors[front:] if f is not quotient] + [v] * (quotient.power == 1)
        above.append(product_of(t.coefficient, factors, _tail(t, t.factors, leaf_form, spread=spread)))
    text, tex = added_up(above)
    under = next(f.under for [f] in quotients if f.power == 2)
    assert under is not None
    whole = f"({text})/{under[0]}", rf"\frac{{{tex}}}{{{under[1]}}}"
    return product_of(1.0, terms[0].factors[:front], [whole])


def _shared(rows: list[tuple[Factor, ...]]) -> int:
    """How many leading factors all share."""
    if len(rows) == 1:
        return len(rows[0])
    count = 0
    for column in zip(*rows):
        if len({(f.text, f.value) for f in column}) > 1:
            break
        count += 1
    return count


def product_of(
    coefficient: float, factors: Sequence[Factor], tail: Sequence[tuple[str, str]], *, over: bool = False
) -> tuple[str, str]:
    """A coefficient, factors, and what follows them, as one product."""
    parts = [*_over(factors, every=over), *tail]
    if not parts:
        return written_number(coefficient)[:2]
    text, tex = juxtaposed(parts)
    if coefficient == 1.0:
        return text, tex
    if coefficient == -1.0:
        return f"−{text}", f"-{tex}"
    return juxtaposed([written_number(coefficient)[:2], (text, tex)])


def _over(factors: Sequence[Factor], *, every: bool) -> list[tuple[str, str]]:
    """The factors with y · 1/a written as y/a: every one, or only those that come from quotients."""
    parts: list[tuple[str, str]] = []
    for f in factors:
        if f.under is not None and (every or f.quotient) and parts and "/" not in parts[-1][0]:
            (above, tex), (below, under) = parts.pop(), f.under
            parts.append((f"{above}/{below}", rf"\frac{{{tex}}}{{{under}}}"))
        else:
            parts.append((f.text, f.latex))
    return parts


def _tail(term: OpenProduct, factors: Sequence[Factor], leaf_form: Written, *, spread: bool) -> list[tuple[str, str]]:
    """The open derivative of a term, as it follows the factors; [] if none is left."""
    if term.rest is None:
        return []
    parts = summands(term.rest) if spread else None
    if not parts:
        return [_derivative(body(term.rest), leaf_form)]
    each = []
    for sign, part in parts:
        text, tex = _derivative(part, leaf_form)
        each.append((text, tex) if sign > 0 else (f"−{text}", f"-{tex}"))
    whole = Written(*added_up(each), tight=not factors and term.coefficient == 1.0)
    return [factor_form(whole)]


def _derivative(part: Written, leaf_form: Written) -> tuple[str, str]:
    text = f"∂/∂{leaf_form.text} [{part.text}]"
    return text, rf"\frac{{\partial}}{{\partial {leaf_form.latex}}} \left[{part.latex}\right]"
