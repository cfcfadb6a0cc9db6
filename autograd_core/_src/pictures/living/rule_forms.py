"""The rules behind local derivatives, as formulas that a page fills in with its own names and numbers.

A rule may branch on data, as at a kink. So each rule is evaluated at several points on symbols; this gives one formula
per branch with its conditions, and the page writes the formula whose conditions hold.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from ...engine.evaluation import is_fraction, rounded
from ...engine.value import Constant
from ...notation.formulas import WrittenComposite
from ...notation.rules import MOST_OPERANDS, formulas_of, shown_sides
from ...number_systems.floats import FLOATS, Double
from ...number_systems.written import WRITTEN, RuleTerm
from .numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...engine.ops import Composite, Primitive
    from ...engine.value import Value
    from ...notation.losses import WrittenLoss

POINTS = (-1.7, -0.6, 0.0, 0.6, 1.7)  # values of operands at which a rule is read, in addition to the recorded ones
FAR_POINTS = (-100.0, *POINTS, 100.0)  # of predictions at which a loss is read
SAMPLED = 3  # a rule of more operands is read at the recorded values only: points would multiply

Tree = Any  # a number, or a list of an operation's name and its operands


class RuleForms:
    """The formulas of the rules of a graph, each distinct one once.

    Attributes:
        forms: For each rule its formulas for each operand, and the expressions that are 0 at its kinks.
        of: For each node the index of its form; -1 where the number says all.
        called: The primitives in these formulas, which the page must be able to evaluate.
    """

    def __init__(self, order: Iterable[Value]) -> None:
        self.forms: list[dict[str, Any]] = []
        self.of: list[int] = []
        self.called: set[str] = set()
        self._known: dict[Any, int] = {}
        for node in order:
            self.of.append(self._form_of(node))

    def _form_of(self, node: Value) -> int:
        primitive, parents = node._primitive, node.parents
        if primitive is None or not parents or len(parents) > MOST_OPERANDS:
            return -1
        fixed = tuple(_double(p.data) if isinstance(p, Constant) else None for p in parents)
        key = (id(primitive), tuple(map(repr, fixed)))
        if key not in self._known:
            form = self._read(primitive, fixed, [_double(p.data) for p in parents])
            self._known[key] = len(self.forms) if form else -1
            if form:
                self.forms.append(form)
        return self._known[key]

    def _read(
        self,
        primitive: Primitive,
        fixed: Sequence[float | None],
        recorded: Sequence[float],
        points: Iterable[Sequence[float]] | None = None,
    ) -> dict[str, Any] | None:
        variants: list[list[list[Tree]]] = [[] for _ in fixed]
        for point in _points(fixed, recorded) if points is None else points:
            operands = [
                RuleTerm("operand", (k,), Double(x)) if c is None else RuleTerm("number", (), Double(x))
                for k, (x, c) in enumerate(zip(point, fixed, strict=True))
            ]
            try:
                found = formulas_of(primitive, operands, primitive.value(FLOATS, *map(Double, point)))
            except Exception:  # noqa: BLE001  a user's rule, at a point that was not the user's
                found = None
            for known, formula in zip(variants, found or (), strict=False):
                sides = [[self.tree(x) for x in some] for some in (formula.sides, shown_sides(formula))]
                one = [self.tree(formula), *sides]
                if one not in known:
                    known.append(one)
        if not any(variants):
            return None
        return {"variants": variants, "kinks": self._kinks(primitive, fixed, recorded), "note": primitive.kink}

    def _kinks(self, primitive: Primitive, fixed: Sequence[float | None], recorded: Sequence[float]) -> list[Tree]:
        if primitive.kinks is None or not primitive.kink or isinstance(primitive, WrittenComposite):
            return []
        operands = [
            RuleTerm("operand", (k,), Double(x)) if c is None else RuleTerm("number", (), Double(x))
            for k, (x, c) in enumerate(zip(recorded, fixed, strict=True))
        ]
        try:
            return [self.tree(WRITTEN.number(x)) for x in primitive.kinks(WRITTEN, *operands)]
        except Exception:  # noqa: BLE001  a user's rule
            return []

    def of_composite(self, said: Composite) -> dict[str, Any] | None:
        """The derivative formulas of an output of a composite: 0 for its own operand, 1 for another one."""
        if said.slopes is None:
            return None
        p, q = (RuleTerm("softmax", (RuleTerm("operand", (k,), Double(1.0)),), Double(0.25)) for k in (0, 1))
        own, other = said.slopes
        trees = [self.tree(WRITTEN.number(x)) for x in (own(p), other(p, q))]
        return {"trees": trees, "notes": list(said.notes)}

    def of_loss(self, row: WrittenLoss, operands: Sequence[Value]) -> dict[str, Any] | None:
        """The formulas of a loss, one for each operand; None if it has too many."""
        if len(operands) > MOST_OPERANDS:
            return None
        recorded = [_double(p.data) for p in operands]
        n = len(row.loss.predictions)
        points = [recorded, *([x] * n + recorded[n:] for x in FAR_POINTS)]  # each slope is of one prediction
        return self._read(row, [None] * len(operands), recorded, points)

    def tree(self, term: RuleTerm) -> Tree:
        """A formula as JSON."""
        if term.op == "number":
            return number(term.data)
        if term.op == "operand":
            return ["o", term.args[0]]
        if term.op == "result":
            return ["r"]
        if term.op == "constant":
            return ["c", term.args[0], float(term.data)]
        if term.op not in ARITHMETIC:
            self.called.add(term.op)
        # A loss says of a share which scores its sum is over.
        return [term.op, *(x if isinstance(x, int) else self.tree(x) for x in term.args)]


ARITHMETIC = frozenset(("add", "sub", "mul", "div", "neg", "square", "lt", "le", "gt", "ge", "eq", "ne", "softmax"))


def _points(fixed: Sequence[float | None], recorded: Sequence[float]) -> Iterable[Sequence[float]]:
    yield recorded
    if len(fixed) <= SAMPLED:
        yield from itertools.product(*(POINTS if c is None else (c,) for c in fixed))


def _double(x: Any) -> float:
    return float(rounded(x) if is_fraction(x) else x)
