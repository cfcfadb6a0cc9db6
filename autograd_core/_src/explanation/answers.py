"""Answers to follow-up questions: a gradient without one path, at another value, against another, by training case."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..engine.evaluation import is_finite
from ..notation.formulas import mathml
from ..notation.latex_names import latex_name, latex_number
from ..pictures import text
from .writing import Section, as_html, as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_RATIO = 1.5  # a change by a smaller factor is written without that factor: the two numbers show it better


class Answer(ABC):
    """An answer as text, HTML and LaTeX, all made from one headline and its tables."""

    # Subclasses hold results only: numbers and names, no nodes. So an answer can be kept, compared and pickled when its
    # graph is gone. What computes it is in `asking`.
    __slots__ = ()

    @property
    @abstractmethod
    def latex(self) -> str:
        """The numbers as a formula."""

    @abstractmethod
    def _headline(self) -> str:
        """The answer in a sentence."""

    def _sections(self) -> Sequence[Section]:
        return ()

    @property
    def text(self) -> str:
        """For a terminal of 100 columns."""
        return as_text(self._headline(), self._sections(), "")

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return as_html(self._headline(), self._sections(), "", formula=mathml(self.latex))


@dataclass(frozen=True, slots=True)
class Without(Answer):
    """What a gradient is without one path, one edge, or all paths through a node.

    Attributes:
        derivative: The derivative in question, as "∂L/∂w".
        way: What is left out, in words.
        gradient: The gradient.
        through: The part of the gradient that comes by what is left out.
        rest: The sum over all other paths, from a sweep of its own and not by subtraction, which could cancel.
        share: |through| over |gradient|; NaN where the gradient is 0 or not finite.
        value: The root's value in the graph.
        value_without: The root's value if the edge or the node carried 0 instead; None for a path, which carries no
            value of its own.
    """

    derivative: str
    way: str
    gradient: float
    through: float
    rest: float
    share: float
    value: float
    value_without: float | None
    root: str

    def _headline(self) -> str:
        # May exceed 100 %, where contributions of opposite signs cancel.
        share = f" ({self.share:.0%})".replace("%", " %") if is_finite(self.share) else ""
        n = text.number
        said = f"{n(self.through)} of {self.derivative} = {n(self.gradient)}{share} comes {self.way}"
        said += f"; without it {n(self.rest)}."
        # The gradient without the part and the value without it are two questions, which are easily confused: the
        # gradient is local, and setting a part to 0 is not. So both are answered.
        if self.value_without is not None:
            said += f" Were it 0, {self.root} would be {n(self.value_without)}, now {n(self.value)}."
        return said

    @property
    def latex(self) -> str:
        """The gradient as a sum of two: the part that is left out, and the rest."""
        # Each number is rounded by itself, so the printed sum may be off in its last digit. Deriving one from the other
        # two would print a digit that no sweep computed.
        through, rest = latex_number(self.through), latex_number(self.rest)
        rest = rf"\left({rest}\right)" if rest.startswith("-") else rest
        return f"{latex_number(self.gradient)} = {through} + {rest}"


@dataclass(frozen=True, slots=True)
class WhatIf(Answer):
    """The root's value if one leaf had another value: as its tangent predicts it, and as recomputed.

    Attributes:
        name: The leaf.
        before: Its value in the graph.
        after: Its value in this question.
        root: The root's name.
        value: The root's value in the graph.
        tangent: The linear prediction, value + gradient * (after - before).
        truth: What the recorded graph gives when it is evaluated anew.
        error: truth - tangent.
        changed: Comparisons with another outcome and kinks entered on another side, in words: why the tangent errs.
    """

    name: str
    before: float
    after: float
    root: str
    value: float
    gradient: float
    tangent: float
    truth: float
    error: float
    changed: tuple[str, ...] = ()

    def _headline(self) -> str:
        n = text.number
        return (
            f"{self.name} = {n(self.after)} instead of {n(self.before)}: the tangent says {self.root} = "
            f"{n(self.tangent)}, it becomes {n(self.truth)} (error {n(self.error)}; it was {n(self.value)})."
        )

    def _sections(self) -> Sequence[Section]:
        # No section if nothing changed sides: then the error is the function's curvature, which needs no list.
        if not self.changed:
            return ()
        return (Section("What comes out otherwise", (), [(line,) for line in self.changed]),)

    @property
    def latex(self) -> str:
        """The tangent's prediction, and the recomputed value."""
        # The tangent's prediction first and the truth beside it: the difference is the curvature that a gradient
        # ignores.
        root, name = latex_name(self.root), latex_name(self.name)
        # Numbers and not names on the left: the line is to be checked with a calculator.
        step = f"{latex_number(self.after)} - {latex_number(self.before)}".replace("- -", "+ ")
        slope = latex_number(self.gradient)
        slope = rf"\left({slope}\right)" if slope.startswith("-") else slope
        return (
            rf"{latex_number(self.value)} + {slope} \left({step}\right) = {latex_number(self.tangent)},"
            rf"\quad {root}\big|_{{{name} = {latex_number(self.after)}}} = {latex_number(self.truth)}"
        )


@dataclass(frozen=True, slots=True)
class Comparison(Answer):
    """Two explanations of one leaf: how its gradient differs between them, and which use accounts for most of that.

    Attributes:
        derivative: The derivative in question, as "∂L/∂w".
        before: The gradient in the first.
        after: The gradient in the second.
        changes: For each use (its formula, contribution before, contribution after), the largest change first; the
            differences add up to that of the gradients. Empty where the two graphs differ in structure.
        sentence: Which use, and which factor on its path, changed most.
    """

    derivative: str
    before: Any
    after: Any
    changes: tuple[tuple[str, Any, Any], ...]
    sentence: str

    def _headline(self) -> str:
        return f"{self.derivative}: {change(self.before, self.after)}. {self.sentence}"

    def _sections(self) -> Sequence[Section]:
        if not self.changes:
            return ()
        # What is not listed is added up in the note, so that the column of differences still sums to the change.
        shown, rest = self.changes[:SHOWN_TERMS], self.changes[SHOWN_TERMS:]
        rows = [(text.number(b), text.number(a), text.number(a - b), use) for use, b, a in shown]
        note = ""
        if rest:
            note = f"{len(rest)} other{'s' if len(rest) > 1 else ''}: {text.number(sum(a - b for _, b, a in rest))}"
        return (Section("Uses", ("before", "after", "difference", "use"), rows, numbers=3, note=note),)

    @property
    def latex(self) -> str:
        """The gradient in the first explanation, an arrow, and the gradient in the second."""
        return rf"{latex_number(self.before)} \to {latex_number(self.after)}"


SHOWN_TERMS = 7  # rows of a table, and terms of a formula, before the rest is summed up or left out


@dataclass(frozen=True, slots=True)
class CaseGradients(Answer):
    """A gradient by training case.

    Attributes:
        derivative: The derivative in question, as "∂L/∂w".
        gradient: The gradient.
        gradients: What each case adds to it, by its name, in the order of the cases.
        outside: The part from paths through no case, such as a penalty; with `gradients` it adds up to the gradient.
    """

    derivative: str
    gradient: float
    gradients: dict[str, float]
    outside: float

    def _headline(self) -> str:
        return f"{self.derivative} = {text.number(self.gradient)}, the sum over {len(self.gradients)} training cases"

    def _sections(self) -> Sequence[Section]:
        # All cases in their order, none left out: a reader looks for one by its name.
        rows = [(text.number(g), name) for name, g in self.gradients.items()]
        if self.outside:
            rows.append((text.number(self.outside), "outside of all cases"))
        return (Section("Cases", ("gradient", "case"), rows, numbers=1),)

    @property
    def latex(self) -> str:
        """The gradient as the sum over the cases."""
        terms = [*self.gradients.values(), *([self.outside] if self.outside else [])]
        written = [latex_number(g) for g in terms]
        if len(written) > SHOWN_TERMS:  # the last term stays, as in a_1 + a_2 + ⋯ + a_n
            written = [*written[: SHOWN_TERMS - 1], r"\cdots", written[-1]]
        return f"{latex_number(self.gradient)} = {' + '.join(written)}".replace("+ -", "- ")


def change(before: Any, after: Any) -> str:
    """A change as "0.59 → 0.07 (÷ 8.4)".

    Example:
        >>> from autograd_core._src.explanation.answers import change
        >>> change(0.59, 0.07), change(1.0, 1.1), change(1.0, -3.0)
        ('0.59 → 0.07 (÷ 8.4)', '1 → 1.1', '1 → −3 (× −3)')
    """
    said = f"{text.number(before)} → {text.number(after)}"
    if before and after and is_finite(before) and is_finite(after):  # no factor leads from or to 0
        factor = float(after / before)
        if abs(factor) >= LEAST_RATIO:
            said += f" (× {text.number(factor, digits=2)})"
        elif abs(factor) * LEAST_RATIO <= 1:
            said += f" (÷ {text.number(1 / factor, digits=2)})"  # "÷ 8.4" is read at once, "× 0.12" is not
        elif factor < 0:
            said += " (its sign turns)"
    return said
