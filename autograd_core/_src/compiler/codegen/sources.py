"""The base class of exports to source text: the parts that all languages have, with their contents as statements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from ...number_systems.languages.statements import HELPERS, StatementWriter, Store, helpers, strict_product
from ...number_systems.terms import TERMS, Literal, Term
from .program_stages import (
    StageBody,
    Tables,
    constant_at,
    exported_slots,
    factors_of,
    is_short,
    needed_slots,
    stages_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...number_systems.languages.statements import Language
    from .description import Description
    from .program_stages import Column, Stage

PER_LINE = 8  # numbers in a line of a table


class SourceText(ABC):
    """Writes a program as source text. A subclass says how its language writes functions, loops and array entries.

    Args:
        what: The function that is exported.
        language: How expressions are written.
        taken: Names that the exported function must not have.

    Attributes:
        current: The stage that is being written.
    """

    current: Stage

    def __init__(self, what: Description, language: Language, taken: Iterable[str]) -> None:
        self.what, self.program, self.language = what, what.program, language
        self.name = what.identifier(frozenset([*taken, *HELPERS.values()]))
        self.used: set[str] = set()  # filled while functions are written, so helpers come last and are placed first
        self.tables = Tables()
        self.needed = needed_slots(self.program, what.sought)
        self.stages = stages_of(self.program)
        self.is_short = is_short(self.stages)

    def written(self, stores: Sequence[Store], indent: str = "    ") -> list[str]:
        """Lines of statements; notes which helper functions they call."""
        writer = StatementWriter(self.language, stores, indent)
        self.used |= writer.functions
        return writer.lines

    def helpers(self) -> list[str]:
        """The helper functions that the text so far needs, each after those that it uses itself."""
        found = []
        for op, (arity, formula) in helpers(self.language, self.used).items():
            lines = self.written([Store("return ", formula)])
            found.append(self.helper(HELPERS[op], "xy"[:arity], lines))
        return found

    # --- what languages differ in ---

    @abstractmethod
    def helper(self, name: str, arguments: str, lines: Sequence[str]) -> str:
        """A function of numbers that returns one."""

    @abstractmethod
    def stage(self, name: str, lines: Sequence[str]) -> str:
        """A function of the array "value"; of "adjoint", too, if `name` begins with "backward"."""

    @abstractmethod
    def place(self, array: str, column: Column) -> str:
        """The text of an array entry in copy k, or of the entries in all copies if the language runs these at once."""

    @abstractmethod
    def add(self, column: Column, term: Term) -> Store:
        """The statement that adds a term to an adjoint in an array."""

    @abstractmethod
    def looped(self, stage: Stage, stores: Sequence[Store], *, back: bool) -> list[str]:
        """The statements of a body, run for all of its copies; `back`: for the last copy first."""

    @abstractmethod
    def total(self, term: Term, n: int) -> tuple[list[str], str]:
        """Statements that add n terms from left to right, as every tier does, and the text of the sum."""

    @abstractmethod
    def each(self, store: Store, n: int) -> list[str]:
        """A statement, run for all n operands of a sum."""

    # --- straight-line code ---

    def straight(self) -> None:
        """Evaluate all rules on terms, after which `result` knows every value."""
        # One stage at most here, with no arrays: terms refer to each other, and become nested expressions.
        self._bodies = [StageBody(self.program, stage, None, inputs=lambda slot: f"x[{slot}]") for stage in self.stages]
        for body in self._bodies:
            body.forward()

    def result(self, slot: int) -> Any:
        """The value of a slot, as a term."""
        number = constant_at(self.program, slot)
        if number is not None:
            return number
        if not self.is_short:
            return Term("load", f"value[{slot}]")
        if slot < self.program.n_inputs:
            return Term("name", f"x[{slot}]")
        return self._bodies[0].locals[slot - self.program.first]

    def slopes(self) -> list[Any]:
        """The gradient of straight-line code, entry by entry."""
        # The literal seed 1 disappears when it is multiplied, so the text has no "1.0 * ...".
        adjoints: dict[int, Any] = {int(self.program.outputs[0]): Literal(1.0)}
        for body in self._bodies:
            body.adjoints = adjoints
            body.backward(self.needed, None)
        return [adjoints.get(slot, Literal(0.0)) for slot in self.what.sought]

    def outputs(self) -> list[Any]:
        """The result, entry by entry."""
        places = dict(zip(self.what.places, self.program.outputs.tolist(), strict=True))
        return [self.result(places[k]) if k in places else Literal(0.0) for k in range(self.what.result.size)]

    def broken(self) -> list[tuple[int, Term, bool]]:
        """For each guard that can fail: its number, a condition, and whether the guard fails if that is true.

        Numbers count from 1, as the header of the export lists the guards.
        """
        # Guards of constants cannot fail, and are left out; the others keep their numbers.
        p = self.program
        guards = enumerate(zip(p.guards.tolist(), p.truths.tolist(), strict=True), 1)
        return [
            (k, TERMS.equal(self.result(slot), 0), truth) for k, (slot, truth) in guards if constant_at(p, slot) is None
        ]

    # --- stages over arrays ---

    def staged(self) -> tuple[list[str], list[str], list[str]]:
        """Functions of all stages, and the names of those to call forward and backward, in order."""
        # A stage whose adjoints nobody needs has no backward function, so the two lists may differ in length.
        exported = exported_slots(self.program, self.stages)
        functions, forward, backward = [], [], []
        for k, stage in enumerate(self.stages):
            functions.append(self.stage(f"forward_{k}", self._forward(stage)))
            forward.append(f"forward_{k}")
            lines = self._backward(stage, exported) if self.what.has_gradient else []
            if lines:
                functions.append(self.stage(f"backward_{k}", lines))
                backward.append(f"backward_{k}")
        return functions, forward, backward[::-1]

    def _forward(self, stage: Stage) -> list[str]:
        self.current = stage
        if stage.reduction is None or stage.reduction.reduction is None:
            return self.looped(stage, StageBody(self.program, stage, self.place, self.add).forward(), back=False)
        reduction, columns = stage.reduction.reduction, factors_of(self.program, stage)
        n = len(columns[0].slots)
        # From left to right like the graph's own sum: an export must not add in another order (docs/adr/0014).
        lines, total = self.total(TERMS.number(reduction.term(*self._loads(columns))), n)
        end = f" / {self.language.literal(n)}" if reduction.is_mean else ""
        return [*lines, f"    value[{self.program.first + stage.region.start}] = {total}{end}{self.language.end}"]

    def _backward(self, stage: Stage, exported: Any) -> list[str]:
        self.current = stage
        if stage.reduction is None or stage.reduction.reduction is None:
            stores = StageBody(self.program, stage, self.place, self.add).backward(self.needed, exported)
            return self.looped(stage, stores, back=True) if stores else []
        reduction, columns = stage.reduction.reduction, factors_of(self.program, stage)
        n = len(columns[0].slots)
        g = Term("load", f"adjoint[{self.program.first + stage.region.start}]")
        lines = []
        for column, d in zip(columns, reduction.partials(Literal(n), *self._loads(columns)), strict=True):
            if self.needed[column.slots].any():
                lines += self.each(self.add(column, strict_product(d, g)), n)
        return lines

    def _loads(self, columns: Sequence[Column]) -> list[Term]:
        return [Term("load", self.place("value", column)) for column in columns]


def rows(numbers: Iterable[str]) -> str:
    """Numbers in lines."""
    texts = list(numbers)
    lines = (", ".join(texts[k : k + PER_LINE]) for k in range(0, len(texts), PER_LINE))
    return "".join(f"    {line},\n" for line in lines)
