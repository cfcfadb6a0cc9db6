"""The rule behind a local derivative with names and numbers: ∂tanh(v)/∂v = 1 − tanh²(v) = 1 − 0.7894² = 0.3769.

A rule is read from the primitive's own entry, at the node's data: of a choice it has the side that was taken.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...errors import AutogradError
from ..engine.evaluation import is_fraction, rounded
from ..engine.ops import PRIMITIVES
from ..engine.value import Constant
from ..number_systems.floats import FLOATS, Double
from ..number_systems.written import WRITTEN, RuleTerm
from .formulas import (
    WrittenComposite,
    operation,
)
from .losses import WrittenLoss
from .numbers import as_read, number, shown
from .rule_styles import ASCII, LATEX, TEXT, Plain, Setter, SetText

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..engine.ops import Primitive
    from ..engine.value import Value

MOST_OPERANDS = 50  # of a primitive that is no sum; the rules of more say too much
LONGEST = 60  # characters of a rule with names; of a longer one there is the number alone
LONGEST_HEAD = 28  # characters of the operation that is differentiated; else its node's name stands there
PRINTED_NEAR, DOUBLES_NEAR = 2e-3, 1e-4  # how far off a rule's printed numbers, and doubles, may be, relative
DIGITS = (4, 6, 8, 10)  # the fewest that show how the derivative comes about
LONGEST_NAME = 40  # characters of a name
LOOKED_AT = 200  # uses of one primitive and operand whose rules are written: long paths repeat few rules
MOST_SIDES = 2  # of one derivative's choices, else the last one alone is said


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """How one local derivative comes about.

    Attributes:
        operand: Which operand it is to, from 0.
        value: The local derivative.
        symbols: The rule with names, "1 − tanh²(v5)"; "" where there is none to write, as of a user's own code.
        numbers: The same with numbers, "1 − 0.7894²".
        side: The side of a choice that was taken, "v5 > 0"; "" where nothing was chosen.
        note: What else is said of it: the convention at a kink, or what a loss's p − y is.
        text: All of it in one line.
        formula: The same in ASCII.
        latex: The same in LaTeX.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core._src.notation.rules import rules_of
        >>> x = ag.Value(0.5, label="x")
        >>> [rule] = rules_of(ag.tanh(x), {})
        >>> rule.text
        '∂tanh(x)/∂x = 1 − tanh²(x) = 1 − 0.4621² = 0.7864'
        >>> [rule] = rules_of(ag.relu(x), {})
        >>> rule.text
        '∂relu(x)/∂x = 1, as x > 0'
    """

    operand: int
    value: Any
    symbols: str
    numbers: str
    side: str
    note: str
    text: str
    formula: str
    latex: str

    def __str__(self) -> str:
        return self.text

    @property
    def says_more(self) -> bool:
        """Whether there is more to it than a number, as of a sum."""
        return bool(self.symbols and self.symbols != number(self.value)) or bool(self.side or self.note)


def rules_of(node: Value, names: Mapping[Value, str]) -> tuple[Rule | None, ...]:
    """The rules of a node's local derivatives.

    Args:
        node: The node.
        names: What it and its operands are called; those without a name here have their label, or "v".

    Returns:
        One `Rule` per operand, None for a constant; none for a leaf.
    """
    primitive, parents = node._primitive, node.parents
    if primitive is None:
        return ()
    called = [shown(p.data) if isinstance(p, Constant) else names.get(p) or p.label or "v" for p in parents]
    return rules_at(
        primitive,
        called,
        names.get(node) or node.label or "v",
        (*(p.data for p in parents), node.data),
        [None if isinstance(p, Constant) else d for p, d in zip(parents, node._edges[len(parents) :], strict=True)],
    )


def rules_along(edges: Iterable[tuple[Value, int]], names: Mapping[Value, str], most: int) -> list[str]:
    """The first rules along edges that say more than a number, each once.

    Args:
        edges: Nodes, each with the position of one operand.
        names: As for `rules_of`.
        most: How many rules at most.
    """
    found: dict[str, None] = {}
    alike: Counter[tuple[Any, int]] = Counter()
    for node, operand in edges:
        if len(found) == most:
            break
        alike[node._primitive, operand] += 1
        if alike[node._primitive, operand] <= LOOKED_AT and len(node.parents) <= MOST_OPERANDS:
            rule = rules_of(node, names)[operand]
            if rule is not None and rule.says_more:
                found[rule.text] = None
    return list(found)


def rules_at(
    primitive: Primitive, called: Sequence[str], name: str, data: Sequence[Any], slopes: Sequence[Any]
) -> tuple[Rule | None, ...]:
    """The same of a primitive at a point.

    Args:
        primitive: The primitive.
        called: What its operands are called.
        name: What its result is called.
        data: The operands' data, and that of the result.
        slopes: The local derivatives, None for a constant.
    """
    *numbers, result = data
    operands = [
        RuleTerm("number", (), _double(x)) if d is None else RuleTerm("operand", (k,), _double(x))
        for k, (x, d) in enumerate(zip(numbers, slopes, strict=True))
    ]
    found = formulas_of(primitive, operands, result)
    writer = _Writer(primitive, operands, [*map(_short, called)], _short(name), numbers, result)
    return tuple(
        None if d is None else writer.rule(k, d, found[k] if found else None) for k, d in enumerate(slopes)
    )


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."


def formulas_of(primitive: Primitive, xs: Sequence[RuleTerm], result: Any) -> Sequence[RuleTerm] | None:
    """A primitive's partials as formulas at one point; None where its rule cannot be read, or says too much."""
    if len(xs) > MOST_OPERANDS and primitive.reduction is None:
        return None
    z = RuleTerm("result", (), _double(result))
    if isinstance(primitive, WrittenComposite):
        return _of_composite(primitive, xs)
    rule = primitive.textbook or primitive.partials
    try:
        return list(map(WRITTEN.number, rule(WRITTEN, *xs, z)))
    except (AutogradError, AttributeError, TypeError, ValueError, ArithmeticError):  # a user's code, of floats alone
        return None


def _of_composite(primitive: WrittenComposite, xs: Sequence[RuleTerm]) -> list[RuleTerm] | None:
    """The slopes of one output with respect to its own operand and to the others, by their shares of the sum."""
    assert primitive.composite is not None
    if primitive.composite.slopes is None:
        return None
    top = max(x.data for x in xs)
    terms = [FLOATS.exp(Double(x.data - top)) for x in xs]
    total = FLOATS.sum(terms)
    shares = [RuleTerm("softmax", (x,), term / total) for x, term in zip(xs, terms, strict=True)]
    own, other = primitive.composite.slopes
    return [WRITTEN.number(own(shares[0]) if k == 0 else other(shares[0], share)) for k, share in enumerate(shares)]


def _double(x: Any) -> Any:
    return Double(rounded(x) if is_fraction(x) else x)


class _Writer:
    """The rules of one node in three styles."""

    def __init__(
        self, primitive: Primitive, operands: Sequence[RuleTerm], called: Sequence[str], name: str, data: Sequence[Any],
        result: Any,
    ) -> None:  # fmt: skip
        self.primitive, self.operands, self.called, self.node_name = primitive, operands, called, name
        self.data, self.result = data, result
        self.is_short = len(called) <= 4 and len(operation(primitive, called)) <= LONGEST_HEAD
        self._setters_of_numbers: dict[tuple[Plain, int], Setter] = {}

    @cached_property
    def at_kink(self) -> bool:
        """Whether the operands are where the rule has no derivative, and its convention holds."""
        primitive = self.primitive
        if primitive.kinks is None or not primitive.kink or isinstance(primitive, WrittenComposite):
            return False
        if len(self.data) > MOST_OPERANDS:
            return False
        found = primitive.kinks(FLOATS, *map(_double, self.data))
        return any(x == 0 for x in found)

    @cached_property
    def setters(self) -> dict[Plain, tuple[Setter, SetText]]:
        """By style: what writes with names, and the operation that is differentiated."""
        found = {}
        for style in (TEXT, ASCII, LATEX):
            names = [style.name(x) for x in self.called]
            setter = Setter(style, names, style.name(self.node_name))
            if self.is_short:
                setter.result, setter.result_op = self._operation(style, names, setter), self.primitive.name
            found[style] = (setter, setter.result)
        return found

    def _with_numbers(self, style: Plain, found: RuleTerm, digits: int) -> str:
        """A formula with numbers of so many digits."""
        if (style, digits) not in self._setters_of_numbers:  # made once: each of n operands has a rule
            numbers = [style.number(x, digits) for x in self.data]
            setter = Setter(style, numbers, style.number(self.result, digits), digits=digits)
            self._setters_of_numbers[style, digits] = setter
        return self._setters_of_numbers[style, digits].write(found).text

    def _operation(self, style: Plain, names: Sequence[SetText], setter: Setter) -> SetText:
        """The operation itself, as a rule writes it."""
        if isinstance(self.primitive, WrittenComposite):
            return style.function(self.primitive.name, names[:1])
        places: Sequence[Any] = self.operands
        if self.primitive.reduction is not None and not self.primitive.reduction.is_mean:
            half = len(places) // 2 if self.primitive.pairs else len(places)
            terms = [a * b for a, b in zip(places[:half], places[half:])] if self.primitive.pairs else places
            total = terms[0]
            for term in terms[1:]:
                total = RuleTerm("add", (total, term), 0)
            return setter.write(total)
        return setter.write(RuleTerm(self.primitive.name, tuple(places), 0))

    def rule(self, k: int, d: Any, found: RuleTerm | None) -> Rule:
        """One operand's."""
        note = self.primitive.kink if self.at_kink else ""
        if found is not None and (_is_longer(found, 2 * LONGEST) or not _is_near(found.data, d, DOUBLES_NEAR)):
            found = None  # it is not written; or what is left out of textbooks matters here
        digits = 0 if found is None else next((n for n in DIGITS if _is_near(_as_read(found, n), d, PRINTED_NEAR)), 0)
        if isinstance(self.primitive, WrittenComposite) and self.primitive.composite is not None:
            note = self.primitive.composite.notes[k > 0]
        elif isinstance(self.primitive, WrittenLoss):
            note = note or self.primitive.note(k)
        sides = shown_sides(found)
        lines = []
        symbols = numbers = side = ""
        for style, (with_names, head) in self.setters.items():
            parts = [style.partial(head, with_names.operands[k])]
            if found is not None:
                written = with_names.write(found).text
                if style is not TEXT or len(written) <= LONGEST:
                    parts += [written, self._with_numbers(style, found, digits) if digits else written]
                else:
                    found = None
            said = list(dict.fromkeys(with_names.write(x).text for x in sides))
            if style is TEXT and len(parts) > 1:
                symbols, numbers = parts[1:]
            side = side or " and ".join(said)
            lines.append(style.line(list(dict.fromkeys((*parts, style.number(d).text))), said, note))
        return Rule(k, d, symbols, numbers, side, note, *lines)


def _is_near(x: float, d: Any, bound: float) -> bool:
    """Whether a number is a derivative; the bound is relative to it, that of doubles absolute where it is small."""
    x, d = rounded(x), rounded(d)
    if x == d or (x != x and d != d):  # noqa: PLR0124  NaN
        return True
    size, apart = abs(d), abs(x - d)
    return bool(apart <= bound * (size if bound == PRINTED_NEAR else max(1.0, size)))


def _is_longer(formula: RuleTerm, most: int) -> bool:
    """Whether a formula has more terms as it is written, where what steps of a loop share stands again and again."""
    waiting = [formula]
    for _ in range(most):
        if not waiting:
            return False
        waiting += [x for x in waiting.pop().args if isinstance(x, RuleTerm)]
    return bool(waiting)


def _as_read(formula: RuleTerm, digits: int) -> float:
    """What a formula is for a reader of its numbers."""
    if formula.op in ("operand", "result", "softmax"):
        return Double(as_read(formula.data, digits))
    if formula.op in ("number", "constant"):
        return Double(formula.data)
    xs = [_as_read(x, digits) for x in formula.args]
    return Double(PRIMITIVES[formula.op].value(FLOATS, *xs))


def shown_sides(found: RuleTerm | None) -> Sequence[RuleTerm]:
    """The choices that are worth a word: that something is not 0 is, where the derivative is nothing but the choice."""
    if found is None:
        return ()
    sides = [side for side in found.sides if side.op != "ne" or found.op == "number"]
    sides = [side for side in sides if side.op == "eq"] or sides
    strict = [side for side in sides if side.op in STRICT]
    sides = [side for side in sides if not any(STRICT[x.op] == side.op and x.args == side.args for x in strict)]
    return sides[:1] if len(sides) > MOST_SIDES else sides


STRICT = {"lt": "le", "gt": "ge"}  # each says more than the other
