"""Writes terms as statements of a language, in which equal terms are computed once."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from ..source import INFIX
from ..terms import COMPARISONS, FORMULAS, TERMS, Literal, Term
from .precedence import ATOM, STRENGTH, TIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

LONGEST = 70  # characters of an expression; a longer one is assigned to a name
# What the functions are called that a language lacks, or has with fewer digits.
HELPERS = {name: name for name in ("gaussian", "normal_pdf", "normal_cdf", "digamma", "zeta", "erf", "erfc")}
HELPERS |= {"cbrt": "cube_root", "hypot": "length", "path_product": "product", "lgamma": "log_gamma"}


class ExpressionText(NamedTuple):
    """An expression's text and its precedence."""

    text: str
    strength: int

    def within(self, strength: int) -> str:
        """The text as an operand of something of that precedence, in parentheses if need be."""
        return self.text if self.strength >= strength else f"({self.text})"


def named(term: Term, name: str) -> Term:
    """A term that gets this name, if it is computed at all."""
    return term if term.op in ("name", "number") else Term("named", term, name)


class Store(NamedTuple):
    """A statement with an effect: its text before and after the term's."""

    before: str
    term: Term
    after: str = ""


class Language(ABC):
    """How expressions and statements are written.

    Attributes:
        end: What a statement ends with.
        formulas: The operations that it lacks, each with the formula that a helper function computes.
    """

    end = ""
    formulas: Mapping[str, Callable[..., Any]] = FORMULAS

    @abstractmethod
    def literal(self, x: float) -> str:
        """A number, to the last bit."""

    @abstractmethod
    def call(self, op: str, args: Sequence[str]) -> str:
        """An elementary function."""

    @abstractmethod
    def choice(self, condition: ExpressionText, a: ExpressionText, b: ExpressionText) -> ExpressionText:
        """`a` if the condition holds, else `b`."""

    @abstractmethod
    def constant(self, name: str, text: str, *, truth: bool) -> str:
        """The statement that gives a name to a number or a truth."""

    def written(self, op: str, args: Sequence[ExpressionText]) -> ExpressionText:
        """An operation on expressions."""
        if op in INFIX:
            strength = STRENGTH[op]
            # Of sums, too: other brackets would add floats in another order.
            return ExpressionText(f"{args[0].within(strength)} {INFIX[op]} {args[1].within(strength + 1)}", strength)
        if op == "neg":
            return ExpressionText(f"-{args[0].within(ATOM)}", TIGHT)
        if op == "where":
            return self.choice(args[0], args[1], args[2])
        return ExpressionText(self.call(op, [x.text for x in args]), ATOM)

    def number(self, x: float) -> ExpressionText:
        """A literal as an expression."""
        text = self.literal(x)
        return ExpressionText(text, TIGHT if text.startswith("-") else ATOM)


class StatementWriter:
    """Writes the statements of one function.

    Args:
        language: How to write.
        stores: What the function does, in order.
        indent: What each statement begins with.
    """

    def __init__(self, language: Language, stores: Iterable[Store], indent: str = "    ") -> None:
        self.language, self.indent = language, indent
        self.lines: list[str] = []
        self._stores = list(stores)
        self._canonical: dict[int, int] = {}  # id of a term -> which of the different terms it is
        self._terms: list[tuple[str, tuple[Any, ...]]] = []  # different terms, operands first
        self._names: dict[int, str] = {}
        self._places: dict[Any, int] = {}
        self._uses: list[int] = []
        self._numbers = count()
        self._written: dict[int, ExpressionText] = {}
        for store in self._stores:
            self._uses[self._enter(store.term)] += 1
        for store in self._stores:
            text = self._text(self._canonical[id(store.term)]).text
            self.lines.append(f"{indent}{store.before}{text}{store.after}{language.end}")

    @property
    def functions(self) -> set[str]:
        """The operations that are written."""
        return {op for op, _ in self._terms}

    def _enter(self, root: Term) -> int:
        """Number a term among the distinct ones, and count its uses."""
        waiting = [root]
        while waiting:
            term = waiting[-1]
            if id(term) in self._canonical:
                waiting.pop()
                continue
            is_leaf = term.op in ("name", "load", "number")
            args = [] if is_leaf else [x for x in term.args if isinstance(x, Term)]
            missing = [x for x in args if id(x) not in self._canonical]
            if missing:
                waiting += reversed(missing)
                continue
            waiting.pop()
            places = tuple(self._canonical[id(x)] for x in args)
            if term.op == "named":
                self._names.setdefault(places[0], term.args[1])
                self._canonical[id(term)] = places[0]
                continue
            key: Any = places
            if is_leaf:
                key = repr(term.args[0])  # -0.0 is not 0.0, and NaN is NaN
            place = self._places.get((term.op, key))
            if place is None:
                place = self._places[term.op, key] = len(self._terms)
                self._terms.append((term.op, term.args if is_leaf else places))
                self._uses.append(0)
                for x in places:
                    self._uses[x] += 1
            self._canonical[id(term)] = place
        return self._canonical[id(root)]

    def _text(self, root: int) -> ExpressionText:
        """The text of a term, after the statements that it needs."""
        waiting = [root]
        while waiting:
            place = waiting[-1]
            op, args = self._terms[place]
            if place in self._written:
                waiting.pop()
                continue
            if op in ("name", "load"):
                written = ExpressionText(args[0], ATOM)
            elif op == "number":
                written = self.language.number(args[0])
            else:
                missing = [x for x in args if x not in self._written]
                if missing:
                    waiting += reversed(missing)
                    continue
                written = self.language.written(op, [self._written[x] for x in args])
            waiting.pop()
            self._written[place] = self._kept(place, op, written)
        return self._written[root]

    def _kept(self, place: int, op: str, written: ExpressionText) -> ExpressionText:
        """The expression itself, or the name that it is assigned to if it has several uses or is long."""
        if op in ("name", "number"):
            return written
        again = self._uses[place] > 1
        if place not in self._names and not again and len(written.text) <= LONGEST:
            return written
        name = self._names.get(place) or f"t{next(self._numbers)}"
        statement = self.language.constant(name, written.text, truth=op in COMPARISONS)
        self.lines.append(self.indent + statement)
        return ExpressionText(name, ATOM)


def helpers(language: Language, used: set[str]) -> dict[str, tuple[int, Term]]:
    """Of the operations used, those that are made of others: the number of operands, and the formula of x and y.

    Each comes after those that it uses.
    """
    formulas = language.formulas
    found: dict[str, tuple[int, Term]] = {}
    waiting = sorted(used & formulas.keys(), reverse=True)
    while waiting:
        op = waiting[-1]
        arity = 2 if op in ("hypot", "path_product", "zeta") else 1
        formula = formulas[op](*(Term("name", x) for x in "xy"[:arity]))
        needs = [name for name in sorted(_operations(formula) & formulas.keys()) if name not in found]
        if needs and op not in found:
            waiting += needs
            continue
        waiting.pop()
        found.setdefault(op, (arity, formula))
    return found


def _operations(root: Term) -> set[str]:
    found, waiting, seen = set(), [root], set()
    while waiting:
        term = waiting.pop()
        if id(term) not in seen:
            seen.add(id(term))
            found.add(term.op)
            waiting += [x for x in term.args if isinstance(x, Term)]
    return found


def strict_product(d: Any, g: Any) -> Any:
    """Local derivative times adjoint, in which 0 wins; None where it is 0 for certain."""
    d = TERMS.number(d)
    for x, other in ((d, g), (g, d)):
        if isinstance(x, Literal) and math.isfinite(x.number):
            return {0.0: None, 1.0: other, -1.0: -other}.get(float(x.number), d * g)
    return Term("path_product", d, g)
