"""A line of a derivation: what all terms begin with, their sum, and what they end with, as text and as LaTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .slopes import Factor
from .writing import Written, added_up, body, held, in_figures, side_by_side, summands, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ways import OpenProduct


def line_of(
    terms: list[OpenProduct],
    bottom: Written,
    *,
    last: bool,
    behind: int = 0,
    over: bool = False,
    spread: bool = False,
) -> tuple[str, str]:
    """A line: what all terms begin with, their sum, and in the last line a factor that they end with.

    With `behind` nothing is in front, and so many factors may stand behind; with `over` 1/a is written y/a, with
    `spread` the derivative of a sum as the sum of the derivatives.
    """
    front = 0 if behind and len(terms) > 1 else _shared([t.factors for t in terms])
    over_one_line = _over_one_line(terms, front, bottom, spread=spread) if len(terms) > 1 and not behind else None
    if over_one_line is not None:
        return over_one_line
    back = 0
    if len(terms) > 1 and last:
        most = min(len(t.factors) for t in terms) - front
        back = min(_shared([t.factors[::-1] for t in terms]), most, behind or 1)
    first, *_ = terms
    coefficient = first.coefficient if len({t.coefficient for t in terms}) == 1 else 1.0
    if len(terms) == 1:
        return product_of(coefficient, first.factors, _tail(first, first.factors, bottom, spread=spread), over=over)
    inside = []
    for t in terms:
        factors = t.factors[front : len(t.factors) - back]
        c = t.coefficient / coefficient
        tail = _tail(t._replace(coefficient=c), factors, bottom, spread=spread)
        inside.append(product_of(c, factors, tail, over=over))
    outside, ends_with = first.factors[:front], first.factors[len(first.factors) - back :] if back else ()
    text, tex = added_up(inside)
    if outside or ends_with or coefficient != 1.0:
        text, tex = f"({text})", rf"\left({tex}\right)"
    return product_of(coefficient, outside, [(text, tex), *((f.text, f.latex) for f in ends_with)])


def _over_one_line(
    terms: list[OpenProduct], front: int, bottom: Written, *, spread: bool
) -> tuple[str, str] | None:
    """The derivative of a quotient as texts write it, (u′ v − u v′)/v²; None where the terms are no such."""
    quotients = [[f for f in t.factors[front:] if f.quotient] for t in terms]
    if not all(len(found) == 1 for found in quotients):
        return None
    below = quotients[0][0].below
    if below is None or any(f.below is not below for [f] in quotients) or {f.power for [f] in quotients} != {1, 2}:
        return None
    v = Factor(*held(write(below)), float(below.data))
    above = []
    for t, [quotient] in zip(terms, quotients, strict=True):
        factors = [f for f in t.factors[front:] if f is not quotient] + [v] * (quotient.power == 1)
        above.append(product_of(t.coefficient, factors, _tail(t, t.factors, bottom, spread=spread)))
    text, tex = added_up(above)
    under = next(f.under for [f] in quotients if f.power == 2)
    assert under is not None
    whole = f"({text})/{under[0]}", rf"\frac{{{tex}}}{{{under[1]}}}"
    return product_of(1.0, terms[0].factors[:front], [whole])


def _shared(rows: list[tuple[Factor, ...]]) -> int:
    """How many factors all begin with."""
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
    """A number, factors, and what stands behind them, side by side."""
    parts = [*_over(factors, every=over), *tail]
    if not parts:
        return in_figures(coefficient)[:2]
    text, tex = side_by_side([p[0] for p in parts]), r" \, ".join(p[1] for p in parts)
    if coefficient == 1.0:
        return text, tex
    if coefficient == -1.0:
        return f"−{text}", f"-{tex}"
    front = in_figures(coefficient)
    return side_by_side([front.text, text]), rf"{front.latex} \, {tex}"


def _over(factors: Sequence[Factor], *, every: bool) -> list[tuple[str, str]]:
    """Factors, in which y · 1/a is y/a: every one, or those of quotients, as −u/v²."""
    parts: list[tuple[str, str]] = []
    for f in factors:
        if f.under is not None and (every or f.quotient) and parts and "/" not in parts[-1][0]:
            (above, tex), (below, under) = parts.pop(), f.under
            parts.append((f"{above}/{below}", rf"\frac{{{tex}}}{{{under}}}"))
        else:
            parts.append((f.text, f.latex))
    return parts


def _tail(term: OpenProduct, factors: Sequence[Factor], bottom: Written, *, spread: bool) -> list[tuple[str, str]]:
    """The derivative that is still to be taken in a term, behind its factors."""
    if term.rest is None:
        return []
    parts = summands(term.rest) if spread else None
    if not parts:
        return [_derivative(body(term.rest), bottom)]
    each = []
    for sign, part in parts:
        text, tex = _derivative(part, bottom)
        each.append((text, tex) if sign > 0 else (f"−{text}", f"-{tex}"))
    whole = Written(*added_up(each), tight=not factors and term.coefficient == 1.0)
    return [held(whole)]


def _derivative(part: Written, bottom: Written) -> tuple[str, str]:
    return f"∂/∂{bottom.text} [{part.text}]", rf"\frac{{\partial}}{{\partial {bottom.latex}}} \left[{part.latex}\right]"
