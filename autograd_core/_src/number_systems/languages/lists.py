"""Rules of any number of operands as loops in JavaScript, each read once, with one symbolic element for all.

What a rule does to its element is a term of `v[i]`; a sum, a maximum or any other reduction writes a loop over i,
whose results are names. So text is as long for a thousand operands as for two.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from .. import products
from ..base import NumberSystem
from ..terms import TERMS, Term, Terms
from ..vectors import Vectors
from .statements import StatementWriter, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ...engine.ops import Primitive
    from .statements import Language

INF = float("inf")
FORWARD, BACK = "let i = 0; i < n; i++", "let i = n - 1; i >= 0; i--"
ALL_BUT_LAST, ALL_BUT_FIRST = "let i = 0; i < n - 1; i++", "let i = n - 1; i > 0; i--"
INDEX: Any = Term("name", "i")
COUNT: Any = Term("name", "n")


class ListTerms(Terms):
    """The number system that reads one rule.

    Args:
        language: What is written.

    Attributes:
        lines: Statements so far.
        used: The operations in them.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self.lines: list[str] = []
        self.used: set[str] = set()
        self._numbers = count()

    def write(self, stores: Iterable[Store], indent: str = "") -> None:
        """Write statements."""
        writer = StatementWriter(self.language, stores, indent)
        self.lines += writer.lines
        self.used |= writer.functions

    def each(self, stores: Sequence[Store], after: Sequence[str] = (), head: str = FORWARD) -> None:
        """Write a loop over the elements."""
        self.lines.append(f"for ({head}) {{")
        self.write(stores, "  ")
        self.lines += [*(f"  {line}" for line in after), "}"]

    # --- what goes along a list ---

    def fold(self, step: Callable[..., Any], start: Sequence[Any], *lists: Iterable[Any], head: str = FORWARD) -> Any:
        return self._along(lambda *xs: (step(*xs), ()), start, lists, 0, head)[0]

    def scan(self, step: Callable[..., Any], start: Sequence[Any], *lists: Iterable[Any]) -> list[Any]:
        def both(*xs: Any) -> tuple[Any, tuple[Any, ...]]:
            after, this = step(*xs)
            return after, (this,)

        return self._along(both, start, lists, 1, FORWARD)[1]

    def _along(
        self, step: Callable[..., Any], start: Sequence[Any], lists: Sequence[Iterable[Any]], kept: int, head: str
    ) -> tuple[list[Any], list[Any]]:
        """A loop with a state: the names of its last state, and of the arrays of what each step gives beside it.

        Args:
            step: `step(*state, x, ...)` is the next state, and a tuple of what is kept.
            start: The first state.
            lists: What it goes along, each given by its symbolic element.
            kept: How many results of a step are kept.
            head: The loop's head.
        """
        state = [f"s{next(self._numbers)}" for _ in start]
        arrays = [f"a{next(self._numbers)}" for _ in range(kept)]
        self.write(Store(f"let {name} = ", TERMS.number(x)) for name, x in zip(state, start, strict=True))
        self.lines += [f"const {name} = [];" for name in arrays]
        now = [Term("name", name) for name in state]
        after, results = step(*now, *(x for [x] in lists))
        stores = [Store(f"{name}[i] = ", TERMS.number(x)) for name, x in zip(arrays, results, strict=True)]
        # All of the next state is computed before any of it replaces the last one.
        stores += [Store(f"const {name}_ = ", TERMS.number(x)) for name, x in zip(state, after, strict=True)]
        self.each(stores, [f"{name} = {name}_;" for name in state], head)
        return now, [Term("load", f"{name}[i]") for name in arrays]

    def count(self, xs: Sequence[Any]) -> Any:  # noqa: ARG002  the list has one element, for all
        return COUNT

    def sum(self, xs: Iterable[Any]) -> Any:
        """From -0.0 on, which changes no number."""
        [total] = self.fold(lambda total, x: (total + x,), (self.where(self.equal(COUNT, 0), 0.0, -0.0),), xs)
        return total

    def dot(self, w: Sequence[Any], x: Sequence[Any]) -> Any:
        return self.sum([a * b for a, b in zip(w, x, strict=True)])

    def max(self, xs: Sequence[Any]) -> Any:
        return self.fold(lambda x, y: (NumberSystem.max(TERMS, (x, y)),), (-INF,), xs)[0]

    def min(self, xs: Sequence[Any]) -> Any:
        return self.fold(lambda x, y: (NumberSystem.min(TERMS, (x, y)),), (INF,), xs)[0]

    def norm(self, xs: Sequence[Any]) -> Any:
        return Vectors.norm(self, xs)

    # --- products, as in `products`, in which parts of an array stand ---

    def prod(self, xs: Sequence[Any]) -> Any:
        p, bad = self._product(xs, FORWARD, 0)
        careful = self.fold(lambda p, powers, x: products.with_factor(TERMS, p, powers, x), (1, 0), xs)
        return self.where(bad > 0, products.joined(TERMS, *careful), p)

    def products_of_others(self, xs: Sequence[Any]) -> tuple[Any, ...]:
        bad = self._product(xs, ALL_BUT_LAST, 0)[1] + self._product(xs, ALL_BUT_FIRST, COUNT - 1)[1]

        def plain(p: Any, x: Any) -> Any:
            return (p * x,), (p,)

        def scaled(p: Any, powers: Any, x: Any) -> Any:
            return products.with_factor(TERMS, p, powers, x), (p, powers)

        ([left], [right]) = (self._along(plain, (1,), [xs], 1, head)[1] for head in (FORWARD, BACK))
        ([p, powers], [q, more]) = (self._along(scaled, (1, 0), [xs], 2, head)[1] for head in (FORWARD, BACK))
        careful = products.joined(TERMS, *products.nearer_to_1(TERMS, p * q, powers + more))
        return (self.where(bad > 0, careful, left * right),)

    def _product(self, xs: Sequence[Any], head: str, first: Any) -> Any:
        """A product, and whether a part of it left the range; of two numbers the whole may, as IEEE 754 has it."""

        def step(p: Any, bad: Any, x: Any) -> Any:
            found = self.where(self.equal(INDEX, first), bad, products.leaving(TERMS, p, x, p * x, bad))
            return p * x, self.where(COUNT < 3, bad, found)

        return self.fold(step, (1, 0), xs, head=head)


def list_rule(primitive: Primitive, language: Language, *, partials: bool) -> tuple[list[str], set[str]]:
    """The body of a function of `v`, or of `v` and `z`, and the operations in it.

    Args:
        primitive: A primitive of lists.
        language: What is written.
        partials: Whether its derivatives are wanted, in an array, or its value.
    """
    m = ListTerms(language)
    size = f"(v.length - {primitive.singles})" if primitive.singles else "v.length"
    m.lines.append(f"const n = {size}{f' / {primitive.lists}' if primitive.lists > 1 else ''};")
    places = ["i", *(f"i + {f'{k} * ' if k > 1 else ''}n" for k in range(1, primitive.lists))]
    xs = [Term("load", f"v[{place}]") for place in places]
    xs += [Term("load", f"v[{primitive.lists} * n + {k}]") for k in range(primitive.singles)]
    if not partials:
        m.write([Store("return ", TERMS.number(primitive.value(m, *xs)))])
        return m.lines, m.used
    found = [TERMS.number(d) for d in primitive.partials(m, *xs, Term("name", "z"))]
    m.lines.append("const out = [];")
    for d in found[: primitive.lists]:
        m.each([Store("out.push(", d, ")")])
    m.write(Store("out.push(", d, ")") for d in found[primitive.lists :])
    m.lines.append("return out;")
    return m.lines, m.used
