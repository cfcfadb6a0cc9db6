"""Cuts a program into stages that any language can write: straight-line code, loops over equal copies, long sums.

A small program is straight-line code with local names. A large one keeps all values in one array and all adjoints in
another, both indexed by slot; each stage is then a function of its own, because compilers take more than linear time
for long functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...number_systems.base import read_rule
from ...number_systems.languages.statements import Store, named, strict_product
from ...number_systems.terms import TERMS, Literal, Term
from ..passes.find_repeats import LOCAL, SHARED, Region, regions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...engine.ops import Primitive
    from ..ir.program import Program

STRAIGHT_LENGTH = 400  # most instructions of one straight-line stage
SHORTEST_LOOP = 16  # a sum of more operands becomes a loop


class Stage(NamedTuple):
    """Some of a program's instructions.

    Attributes:
        region: Its instructions; straight-line code is a region with one copy.
        reduction: The primitive of a long sum, else None.
    """

    region: Region
    reduction: Primitive | None = None


class Column(NamedTuple):
    """The slot of an operand or result in each copy of a loop: a constant, an arithmetic progression, or a table."""

    slots: Any

    @property
    def step(self) -> int | None:
        """The distance from copy to copy; None if it varies."""
        # An arithmetic progression is written as an expression of the index; anything else takes a table of the size of
        # the loop, and keeps compilers from proving that accesses do not overlap.
        steps = np.diff(self.slots)
        return int(steps[0]) if len(steps) and (steps == steps[0]).all() else None


def needed_slots(program: Program, sought: Sequence[int]) -> Any:
    """Which slots depend on the sought ones: the reverse sweep needs adjoints of these only."""
    needed = np.zeros(program.n_slots, bool)
    needed[list(sought)] = True
    operands, offsets = program.operands, program.offsets.tolist()
    # Forward, in one pass: instructions are in topological order, so all operands are decided before their users.
    for i in range(len(program.codes)):
        needed[program.first + i] = needed[operands[offsets[i] : offsets[i + 1]]].any()
    return needed


def stages_of(program: Program) -> list[Stage]:
    """All stages, in order."""
    stages: list[Stage] = []
    here = 0
    # In program order, and swept backward in reverse: no stage reads a slot that a later one computes.
    for region in regions_of(program):
        stages += _lines(program, here, region.start)
        stages.append(Stage(region))
        here = region.stop
    return [*stages, *_lines(program, here, len(program.codes))]


def is_short(stages: Sequence[Stage]) -> bool:
    """Whether the program is a single stage of straight-line code."""
    return len(stages) <= 1 and all(s.region.copies == 1 and s.reduction is None for s in stages)


def _lines(program: Program, start: int, stop: int) -> Iterator[Stage]:
    """The instructions between two regions, as straight-line stages and long sums."""
    # A long sum gets a loop of its own: unrolled, its operands alone would be more text than the rest of the program.
    loops = np.array([primitive.reduction is not None for primitive in program.primitives], bool)
    long = start + np.flatnonzero(loops[program.codes[start:stop]] & (program.counts[start:stop] > SHORTEST_LOOP))
    ends = [*long.tolist(), stop]
    for end in ends:
        while start < end:
            after = min(start + STRAIGHT_LENGTH, end)
            yield _line(program, start, after)
            start = after
        if end < stop:
            yield Stage(_line(program, end, end + 1).region, program.primitives[program.codes[end]])
            start = end + 1


def _line(program: Program, start: int, stop: int) -> Stage:
    # Straight-line code as a region with one copy, so that what follows knows one kind of stage only. Operands from
    # before the stage are SHARED even if they vary: with one copy there is nothing that they could vary with.
    slots = program.operands[program.offsets[start] : program.offsets[stop]]
    return Stage(
        Region(start, stop - start, 1, parallel=False, kinds=np.where(slots >= program.first + start, LOCAL, SHARED))
    )


def constant_at(program: Program, slot: int) -> Literal | None:
    """The number in a slot, if it is a constant's."""
    is_constant = program.n_inputs <= slot < program.first
    return Literal(float(program.constants[slot - program.n_inputs])) if is_constant else None


class StageBody:
    """The body of a stage as terms: what one copy computes, forward and backward.

    Rules are evaluated here on terms, so a language only needs to write terms, and a user's rule is exported like a
    built-in one.

    Args:
        program: The program.
        stage: The stage.
        place: Gives the text of an array entry: of "value" or "adjoint", in a column. None for straight-line code
            without arrays.
        add: Gives the statement that adds a term to an adjoint in a column.
        inputs: Without arrays, gives the text of an input.
    """

    def __init__(
        self,
        program: Program,
        stage: Stage,
        place: Callable[[str, Column], str] | None,
        add: Callable[[Column, Term], Store] | None = None,
        inputs: Callable[[int], str] = str,
    ) -> None:
        self.program, self.region = program, stage.region
        self._place, self._add, self._inputs = place, add, inputs
        p, r = program, stage.region
        a, b = int(p.offsets[r.start]), int(p.offsets[r.start + r.period])
        # Row k has the operands of copy k, column e the slots of operand e in all copies: all copies have equal counts.
        self._slots = p.operands[a : a + (b - a) * r.copies].reshape(r.copies, b - a)
        self._ends = (p.offsets[r.start : r.start + r.period + 1] - a).tolist()
        self._rows = [p.primitives[code] for code in p.codes[r.start : r.start + r.period]]
        self.locals: dict[int, Any] = {}  # the term of each result, by its position in the body
        self.adjoints: dict[int, Any] = {}  # the adjoint so far as a term, by slot in the first copy

    def own(self, j: int) -> Column:
        """The slots of result j in all copies."""
        r = self.region
        return Column(self.program.first + r.start + j + r.period * np.arange(r.copies))

    def _local(self, e: int) -> int:
        """The position in the body of the result that a local operand refers to."""
        return int(self._slots[0, e]) - self.program.first - self.region.start

    def _column(self, e: int) -> Column:
        return Column(self._slots[:1, e] if self.region.kinds[e] == SHARED else self._slots[:, e])

    def _operand(self, e: int) -> Any:
        kind = self.region.kinds[e]
        if kind == LOCAL:
            return self.locals[self._local(e)]
        slot = int(self._slots[0, e])
        # A constant that differs from copy to copy is GATHERED and has to be read from its array.
        if kind == SHARED:
            number = constant_at(self.program, slot)
            if number is not None:
                return number
        if self._place is None:
            return Term("name", self._inputs(slot))
        return Term("load", self._place("value", self._column(e)))

    def _operands(self, j: int) -> list[Any]:
        return [self._operand(e) for e in range(self._ends[j], self._ends[j + 1])]

    def forward(self) -> list[Store]:
        """Compute all results; with arrays, store them there.

        Without arrays a result gets a name, since a term that is used twice would be written, and computed, twice.
        """
        stores = []
        for j, primitive in enumerate(self._rows):
            z = TERMS.number(read_rule(primitive, primitive.value, TERMS, *self._operands(j)))
            if self._place is None:
                self.locals[j] = named(z, f"v{self.program.first + self.region.start + j}")
            else:
                # Every result is stored, although later instructions of the copy use the term itself: the backward
                # stage is another function and reads it from there.
                self.locals[j] = z
                stores.append(Store(f"{self._place('value', self.own(j))} = ", z))
        return stores

    def backward(self, needed: Any, exported: Any) -> list[Store]:
        """Propagate adjoints through the body, last result first.

        Adjoints of results that only this copy uses stay terms; others are in arrays.

        Args:
            needed: For each slot, whether its adjoint is sought or leads to one that is.
            exported: For each slot, whether instructions outside this copy contribute to its adjoint.
        """
        stores: list[Store] = []
        r, first = self.region, self.program.first + self.region.start
        # Only what comes from outside is loaded at first. An adjoint that this copy alone contributes to never goes to
        # memory: it is complete when its instruction's turn comes, since all of its users are later in the body.
        if self._place is not None:
            self.locals = {j: Term("load", self._place("value", self.own(j))) for j in range(r.period)}
            for j in range(r.period):
                column = self.own(j)
                if exported[column.slots].any():
                    self.adjoints[first + j] = Term("load", self._place("adjoint", column))
        for j in reversed(range(r.period)):
            g = self.adjoints.get(first + j)
            # By all copies: the loop has one body, so a copy whose adjoint nobody needs computes it with the others.
            if g is None or not needed[self.own(j).slots].any():
                continue
            if self._place is None:  # as in `forward`: every operand of this instruction multiplies by it
                g = named(g, f"g{first + j}")
            primitive = self._rows[j]
            partials = read_rule(primitive, primitive.partials, TERMS, *self._operands(j), self.locals[j])
            for e, d in zip(range(self._ends[j], self._ends[j + 1]), partials, strict=True):
                stores += self._sent(e, d, g, needed)
        return stores

    def _sent(self, e: int, d: Any, g: Term, needed: Any) -> list[Store]:
        """Add local derivative × adjoint to the adjoint of operand e, as a term or as a statement on its array."""
        column = self._column(e)
        product = strict_product(d, g) if needed[column.slots].any() else None
        if product is None:
            return []
        if self._place is None or self.region.kinds[e] == LOCAL:
            slot = int(self._slots[0, e])
            # Not 0.0 + product, which would turn a -0.0 into 0.0.
            old = self.adjoints.get(slot)
            self.adjoints[slot] = product if old is None else old + product
            return []
        assert self._add is not None
        return [self._add(column, product)]


def exported_slots(program: Program, stages: Sequence[Stage]) -> Any:
    """Which slots get adjoints from other stages or copies, or as seeds of outputs: these must be in an array."""
    found = np.zeros(program.n_slots, bool)
    found[program.outputs] = True
    for stage in stages:
        r = stage.region
        a, b = int(program.offsets[r.start]), int(program.offsets[r.stop])
        slots = program.operands[a:b].reshape(r.copies, -1)
        # Whatever is not LOCAL may belong to another copy or another stage, even if it happens to lie in the same one.
        found[slots[:, r.kinds != LOCAL]] = True
    return found


def factors_of(program: Program, stage: Stage) -> list[Column]:
    """The operands of a long sum as one column for each of its lists: w and x of a dot."""
    assert stage.reduction is not None
    i = stage.region.start
    slots = program.operands[program.offsets[i] : program.offsets[i + 1]]
    return [Column(part) for part in slots.reshape(stage.reduction.lists, -1)]


def numbered(slots: Sequence[int]) -> Column:
    """Slots as a column."""
    return Column(np.array(slots, np.int64))


class Tables:
    """The tables of an export: columns that are no arithmetic progression, equal ones shared."""

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}
        self._names: dict[bytes, str] = {}

    def table(self, column: Column) -> str:
        """The name of a table with these slots."""
        # Forward and backward stages gather from the same columns: each table is written once.
        key = column.slots.astype(np.int64).tobytes()
        name = self._names.setdefault(key, f"table_{len(self._names)}")
        self.named[name] = column.slots
        return name

    def index(self, column: Column, k: str = "k") -> str:
        """The slot of copy k as an expression."""
        first = int(column.slots[0])
        step = 0 if len(column.slots) == 1 else column.step  # one entry: all copies share it
        if step is None:
            return f"{self.table(column)}[{k}]"
        if step == 0:
            return str(first)
        sign, size = ("-" if step < 0 else "+"), abs(step)
        steps = k if size == 1 else f"{size} * {k}"
        return steps if first == 0 and step > 0 else f"{first} {sign} {steps}"
