"""Losses as texts write them: one operation of all predictions, whatever nodes they are computed by.

A function that makes a loss says so at its result (`as_one`). A reader of the graph then has the loss with its formula
and its derivatives, as of ŷ in mean (ŷ − y)²: 2 (ŷ − y) / n.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.ops import Primitive
from ..engine.provenance import NO_NOTE, Note
from ..engine.value import Value
from ..number_systems.floats import FLOATS, Double
from ..number_systems.written import RuleTerm
from .names import atom
from .numbers import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MOST_TERMS, BEGINNING = 8, 3  # more than that, and only the first ones and the last one are written


class LossRule(NamedTuple):
    """What a loss is: a sum over predictions p with targets t, times a factor, divided by a number of them.

    Attributes:
        name: What texts call it.
        caption: Its formula in general, with " / n" where a mean divides.
        term: `term(m, p, t)`, in number system `m`.
        slope: `slope(m, p, t)`, the derivative of the factor times that with respect to p.
        target_slope: The same to t.
        text: A term in text, with {0} for p and {1} for t.
        latex: The same in LaTeX.
        factor: In front of the sum: a number, and how text and LaTeX have it.
        known: Text and LaTeX of a term whose target is one of these numbers, where that is shorter.
        kinks: `kinks(m, p, t)`, expressions whose zeros are the points with no derivative.
        kink: The convention there, in words.
        derivative: Its derivative in general, likewise.
        of_classes: Whether a term is of all scores of a case and the probabilities of its classes: `term(m, zs, ys)`;
            `slope(m, p, y)` is then of a score's share p in the softmax and of y, and templates have {0} for the
            expected score and {1} for the sum of exp of all.
        note: `note(t)`, what is said of the derivative with respect to a prediction with target t.
    """

    name: str
    caption: str
    term: Callable[[Any, Any, Any], Any]
    slope: Callable[[Any, Any, Any], Any]
    target_slope: Callable[[Any, Any, Any], Any]
    text: str
    latex: str
    factor: tuple[float, str, str] = (1.0, "", "")
    known: Mapping[float, tuple[str, str]] = {}
    kinks: Callable[[Any, Any, Any], tuple[Any, ...]] | None = None
    kink: str = ""
    derivative: str = ""
    of_classes: bool = False
    note: Callable[[Any], str] | None = None


class UsedLoss(NamedTuple):
    """A loss of some predictions and targets, of which any may be a Value; `divisor` is the n of a mean, or 1.

    Of classes the predictions are the scores of all cases, and `sizes` says how many each case has.
    """

    rule: LossRule
    predictions: Sequence[Any]
    targets: Sequence[Any]
    divisor: int
    sizes: Sequence[int] = ()

    @property
    def captions(self) -> tuple[str, str]:
        """Its formula and its derivative in general; without the n of a mean where it is none."""
        said = (self.rule.caption, self.rule.derivative)
        if self.divisor > 1:
            return said
        formula, derivative = (text.replace(" / n", "") for text in said)
        return formula, re.sub(r"= \(([^()]*)\)$", r"= \1", derivative)

    @property
    def operands(self) -> list[Value] | None:
        """What it is a function of: predictions, then targets; None where one is twice among them, or a number."""
        found = [*self.predictions, *(t for t in self.targets if isinstance(t, Value))]
        return found if len(set(map(id, found))) == len(found) and all(isinstance(x, Value) for x in found) else None


def as_one(
    result: Any, rule: LossRule, predictions: Sequence[Any], targets: Sequence[Any], divisor: int,
    sizes: Sequence[int] = (),
) -> Any:  # fmt: skip
    """The result of a loss, which from now on says what it is; a plain number as it is."""
    if isinstance(result, Value) and result._primitive is not None:
        note = getattr(result, "_note", NO_NOTE)
        result._note = Note(note.label, note.scope, note.site, UsedLoss(rule, predictions, targets, divisor, sizes))
    return result


def loss_of(node: Value) -> UsedLoss | None:
    """The loss whose result a node is."""
    loss: UsedLoss | None = getattr(node, "_note", NO_NOTE).loss
    return loss


NEAR = 1e-9  # relative difference up to which a loss is what its formula gives


class WrittenLoss(Primitive):
    """A loss as one operation on its predictions, and on those targets that are Values.

    Args:
        loss: Which one.
    """

    __slots__ = ("loss",)

    def __init__(self, loss: UsedLoss) -> None:
        self.loss = loss
        rule = loss.rule
        kinks = None if rule.kinks is None else self._kinks
        super().__init__(rule.name, self._value, self._partials, arity=None, kinks=kinks, kink=rule.kink)

    @property
    def is_quotient(self) -> bool:
        """Whether it is a mean."""
        return self.loss.divisor > 1

    def _terms(self, operands: Sequence[Any]) -> list[tuple[Any, Any]]:
        """Predictions with their targets."""
        loss = self.loss
        n = len(loss.predictions)
        others = iter(operands[n:])
        targets = [next(others) if isinstance(t, Value) else t for t in loss.targets]
        return list(zip(operands[:n], targets, strict=True))

    def gives(self, x: Any) -> bool:
        """Whether its formula gives a result: a logarithm may have been held, or data changed."""
        data = [float(p.data) for p in self.loss.operands or ()]
        try:
            found = float(self._value(FLOATS, *map(Double, data)))
            return math.isclose(found, float(x), rel_tol=NEAR)
        except (ArithmeticError, ValueError):
            return False

    def _cases(self, operands: Sequence[Any]) -> list[tuple[int, Sequence[Any], Sequence[Any]]]:
        """Of a loss of classes each case: the place of its first score, its scores, and its classes' probabilities."""
        found, first = [], 0
        for n in self.loss.sizes:
            found.append((first, operands[first : first + n], self.loss.targets[first : first + n]))
            first += n
        return found

    def _value(self, m: Any, *operands: Any) -> Any:
        rule, divisor = self.loss.rule, self.loss.divisor
        if rule.of_classes:
            terms = [rule.term(m, zs, ys) for _, zs, ys in self._cases(operands)]
        else:
            terms = [rule.term(m, p, t) for p, t in self._terms(operands)]
        return rule.factor[0] * m.sum(terms) / divisor

    def _partials(self, m: Any, *operands_and_result: Any) -> tuple[Any, ...]:
        rule, divisor = self.loss.rule, self.loss.divisor
        if rule.of_classes:
            return tuple(
                rule.slope(m, p, y) / divisor
                for first, zs, ys in self._cases(operands_and_result[:-1])
                for p, y in zip(_shares(zs, first), ys, strict=True)
            )
        terms = self._terms(operands_and_result[:-1])
        slopes = [rule.slope(m, p, t) for p, t in terms]
        slopes += [
            rule.target_slope(m, p, t)
            for (p, t), known in zip(terms, self.loss.targets, strict=True)
            if isinstance(known, Value)
        ]
        return tuple(d / divisor for d in slopes)

    def _kinks(self, m: Any, *operands: Any) -> tuple[Any, ...]:
        rule = self.loss.rule
        assert rule.kinks is not None
        return tuple(x for p, t in self._terms(operands) for x in rule.kinks(m, p, t))

    def note(self, k: int) -> str:
        """What is said of the derivative with respect to one operand."""
        loss = self.loss
        return "" if loss.rule.note is None else loss.rule.note(loss.targets[k])

    def text(self, operands: Sequence[str]) -> str:
        """In text, of operands in text."""
        factor, divisor = self.loss.rule.factor[1], self.loss.divisor
        terms = self._written([*map(atom, operands)], 0, "...")
        total = " + ".join(terms)
        if factor or divisor > 1:
            total = f"{factor}({total})" if len(terms) > 1 or " + " in total else factor + total
        return total + (f" / {divisor}" if divisor > 1 else "")

    def latex_text(self, operands: Sequence[str]) -> str:
        """In LaTeX, of operands in LaTeX."""
        factor, divisor = self.loss.rule.factor[2], self.loss.divisor
        terms = self._written(operands, 1, r"\cdots")
        total = " + ".join(terms)
        if divisor > 1:
            return rf"{factor}\frac{{{total}}}{{{divisor}}}"
        return rf"{factor}\left({total}\right)" if factor and (len(terms) > 1 or " + " in total) else factor + total

    def _written(self, operands: Sequence[str], style: int, dots: str) -> list[str]:
        """The terms in text (0) or in LaTeX (1)."""
        rule = self.loss.rule
        terms = []
        for _, zs, ys in self._cases(operands):
            terms.append((rule.text, rule.latex)[style].format(_expected(zs, ys, style), _total(zs, style, dots)))
        for p, t in () if rule.of_classes else self._terms(operands):
            templates, target = (rule.text, rule.latex), t
            if not isinstance(t, str):
                templates, target = rule.known.get(t, templates), atom(shown(t))
            terms.append(templates[style].format(p, target))
        return terms if len(terms) <= MOST_TERMS else [*terms[:BEGINNING], dots, terms[-1]]


def _shares(zs: Sequence[Any], first: int) -> list[Any]:
    """The softmax of one case's scores; as formulas each tells which scores its sum is over."""
    data = [float(z.data) if isinstance(z, RuleTerm) else float(z) for z in zs]
    top = max(data)
    terms = [FLOATS.exp(Double(x - top)) for x in data]
    total = FLOATS.sum(terms)
    return [
        RuleTerm("softmax", (z, first, len(zs)), term / total) if isinstance(z, RuleTerm) else term / total
        for z, term in zip(zs, terms, strict=True)
    ]


def _expected(zs: Sequence[str], ys: Sequence[Any], style: int) -> str:
    """The score of the right class, or the mean score by the classes' probabilities."""
    some = [(z, y) for z, y in zip(zs, ys, strict=True) if y]
    times = (" * ", r" \cdot ")[style]
    terms = [z if y == 1 else f"{shown(y)}{times}{z}" for z, y in some]
    total = " + ".join(terms)
    return total if len(terms) == 1 else (f"({total})", rf"\left({total}\right)")[style]


def _total(zs: Sequence[str], style: int, dots: str) -> str:
    """The sum of exp of all scores."""
    terms = [(f"exp({z})", f"e^{{{z}}}")[style] for z in zs]
    return " + ".join(terms if len(terms) <= MOST_TERMS else [*terms[:BEGINNING], dots, terms[-1]])
