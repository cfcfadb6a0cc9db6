"""Polynomials in the nodes of a graph, to cancel terms of a derivative, such as a(1 − a) of a sigmoid in a log-loss."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_core._src.sums import exact_sum

from ..support.formulas import juxtaposed
from .writing import Written, added_up, factor_form, is_number, power, without_guards, write, written_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from autograd_core import Value

MOST_TERMS = 12  # a node whose polynomial would have more stays one symbol
Symbol = tuple[int, Written]  # the id of a node, as two nodes may be written alike, and how it is written
Monomial = tuple[Symbol, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Polynomial:
    """A sum of products of nodes.

    Attributes:
        terms: The coefficient of each monomial; the empty monomial is the constant term.
    """

    terms: Mapping[Monomial, float]

    def __add__(self, other: Polynomial | float) -> Polynomial:
        found = dict(self.terms)
        for monomial, c in _polynomial(other).terms.items():
            found[monomial] = found.get(monomial, 0.0) + c
        return Polynomial({monomial: c for monomial, c in found.items() if c})

    __radd__ = __add__

    def __neg__(self) -> Polynomial:
        return Polynomial({monomial: -c for monomial, c in self.terms.items()})

    def __sub__(self, other: Polynomial | float) -> Polynomial:
        return self + -_polynomial(other)

    def __rsub__(self, other: float) -> Polynomial:
        return _polynomial(other) - self

    def __mul__(self, other: Polynomial | float) -> Polynomial:
        total = Polynomial({})
        for a, c in self.terms.items():
            for b, d in _polynomial(other).terms.items():
                total += Polynomial({tuple(sorted(a + b)): c * d})
        return total

    def as_number(self) -> float | None:
        """Its value if it is constant, else None."""
        return self.terms.get((), 0.0) if not any(self.terms) else None

    def key(self) -> tuple[float, frozenset[tuple[Monomial, float]]]:
        """A sign, and a key that is equal for p and −p."""
        first = min(self.terms, default=())
        sign = -1.0 if self.terms.get(first, 1.0) < 0 else 1.0
        return sign, frozenset((monomial, c * sign) for monomial, c in self.terms.items())

    def written(self) -> Written:
        """As text and as LaTeX, positive terms first; ½ a − ½ y is written ½ (a − y)."""
        if not self.terms:
            return written_number(0.0)
        sizes = {abs(c) for c in self.terms.values()}
        if len(self.terms) > 1 and len(sizes) == 1 and sizes != {1.0}:
            [size] = sizes
            unit = Polynomial({monomial: c / size for monomial, c in self.terms.items()}).written()
            return Written(*_beside(written_number(size), unit))
        parts = [_monomial(m, c) for m, c in sorted(self.terms.items(), key=lambda item: item[1] < 0)]
        return Written(*added_up(parts), tight=len(parts) == 1 and not parts[0][0].startswith("−"))

    def in_groups(self) -> Written | None:
        """With shared factors of several terms taken out, as w (a − y) + v (b − t); None if not all terms share one."""
        size = {abs(c) for c in self.terms.values()}
        number = size.pop() if len(size) == 1 else 1.0
        left = dict(self.terms)
        groups: list[tuple[Symbol, dict[Monomial, float]]] = []
        counts = Counter(symbol for monomial in self.terms for symbol in set(monomial))
        for symbol in sorted(counts, key=lambda symbol: (-counts[symbol], symbol[1].text)):
            mine = {monomial: c for monomial, c in left.items() if symbol in monomial}
            if len(mine) > 1:
                groups.append((symbol, mine))
                left = {monomial: c for monomial, c in left.items() if monomial not in mine}
        if left or len(groups) < 2:
            return None
        parts = []
        for symbol, mine in groups:
            inside = {}
            for monomial, c in mine.items():
                rest = list(monomial)
                rest.remove(symbol)
                inside[tuple(rest)] = c / number
            parts.append(_beside(symbol[1], Polynomial(inside).written()))
        whole = Written(*added_up(parts), tight=False)
        return whole if number == 1.0 else Written(*_beside(written_number(number), whole), tight=True)


def with_one_hot(p: Polynomial, targets: Mapping[int, tuple[str, float]]) -> tuple[Polynomial, str] | None:
    """Simplify a y_1 + a y_2 + a y_3 to a where the targets y_1, y_2, y_3 add up to 1; None where nothing applies.

    Args:
        p: The sum.
        targets: Letters and numbers of the leaves labelled y_1, y_2, ..., by their ids.

    Returns:
        The simplified sum, and the equation that was used, such as "y_1 + y_2 = 1".
    """
    groups: dict[tuple[str, Monomial, float], list[Symbol]] = {}
    for monomial, c in p.terms.items():
        for symbol in set(monomial):
            if symbol[0] in targets:
                others = list(monomial)
                others.remove(symbol)
                groups.setdefault((targets[symbol[0]][0], tuple(others), c), []).append(symbol)
    for (letter, rest, c), symbols in groups.items():
        mine = [number for name, number in targets.values() if name == letter]
        if len(symbols) == len(mine) > 1 and exact_sum(mine) == 1.0 and min(mine) >= 0.0:
            spent = Polynomial({tuple(sorted((*rest, symbol))): c for symbol in symbols})
            names = sorted(part.text for _, part in symbols)
            return p - spent + Polynomial({rest: c}), f"{' + '.join(names)} = 1"
    return None


def _polynomial(x: Polynomial | float) -> Polynomial:
    return x if isinstance(x, Polynomial) else Polynomial({(): float(x)} if x else {})


def _beside(*parts: Written) -> tuple[str, str]:
    return juxtaposed([factor_form(part) for part in parts])


def _monomial(symbols: Monomial, c: float) -> tuple[str, str]:
    parts = [
        factor_form(part) if n == 1 else power(part, written_number(float(n)))[:2]
        for (_, part), n in Counter(symbols).items()
    ]
    if abs(c) != 1.0 or not parts:
        parts = [written_number(abs(c))[:2], *parts]
    text, latex = juxtaposed(parts)
    return (f"−{text}", f"-{latex}") if c < 0 else (text, latex)


def of_node(node: Value) -> Polynomial:
    """A node as a polynomial in labelled nodes, and in unlabelled ones that are neither sums nor products."""
    if is_number(node):
        return _polynomial(float(node.data))
    if not node.label:
        within = without_guards(node)
        found = of_node(within) if within is not None else _expanded(node)
        if found is not None and len(found.terms) <= MOST_TERMS:
            return found
    return Polynomial({((id(node), write(node)),): 1.0})


def _expanded(node: Value) -> Polynomial | None:
    ps: Sequence[Value] = node.parents
    if node.op in ("add", "sum"):
        return _total(of_node(p) for p in ps)
    if node.op == "sub":
        return of_node(ps[0]) - of_node(ps[1])
    if node.op == "neg":
        return -of_node(ps[0])
    if node.op == "mul":
        return of_node(ps[0]) * of_node(ps[1])
    if node.op == "square":
        p = of_node(ps[0])
        return p * p
    return None


def _total(parts: Iterable[Polynomial]) -> Polynomial:
    total = Polynomial({})
    for part in parts:
        total += part
    return total


def cancelled(
    products: Sequence[tuple[float, Sequence[tuple[tuple[Polynomial, int], ...]]]], *, always: bool = False
) -> Any:
    """Cancel the denominators in a sum of products of powers of polynomials, if all of them cancel.

    Args:
        products: For each product its coefficient, and its factors as lists of `(polynomial, power)`.
        always: Whether to work out the sum even if there are no denominators.

    Returns:
        The remaining sum as a `Polynomial`, and the shared factors before it as `(polynomial, power)`; None if nothing
        cancels or a denominator is left.
    """
    if not always and not any(n < 0 for _, factors in products for factor in factors for _, n in factor):
        return None
    written: dict[Any, Polynomial] = {}
    counted: list[tuple[float, dict[Any, int]]] = []
    for coefficient, factors in products:
        c, powers = coefficient, dict[Any, int]()
        for p, n in (pair for factor in factors for pair in factor):
            sign, key = p.key()
            written.setdefault(key, p if sign > 0 else -p)
            powers[key] = powers.get(key, 0) + n
            c *= sign**n
        counted.append((c, powers))
    if any(n < 0 for _, powers in counted for n in powers.values()):
        return None
    shared = {key: min(powers.get(key, 0) for _, powers in counted) for key in counted[0][1]}
    rest = Polynomial({})
    for c, powers in counted:
        product = _polynomial(c)
        for key, n in powers.items():
            for _ in range(n - shared.get(key, 0)):
                product *= written[key]
        rest += product
    outside = [(written[key], n) for key, n in shared.items() if n and written[key].as_number() != 1.0]
    return rest, outside
