"""What C and JavaScript have in common: functions in braces, and loops over the equal copies within a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...number_systems.languages.statements import Store
from .program_stages import numbered
from .sources import SourceText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...number_systems.terms import Term
    from .program_stages import Column, Stage

INNER = "        "


class BracedSource(SourceText):
    """Writes loops.

    Attributes:
        index: What declares a loop's index.
        number: What declares a number that changes.
    """

    index = "let"
    number = "let"

    def place(self, array: str, column: Column) -> str:
        """In copy k."""
        return f"{array}[{self.tables.index(column)}]"

    def add(self, column: Column, term: Term) -> Store:
        """`+=`."""
        return Store(f"{self.place('adjoint', column)} += ", term)

    def looped(self, stage: Stage, stores: Sequence[Store], *, back: bool) -> list[str]:
        """Copy by copy."""
        # Backward the last copy comes first: where copies are a chain, each needs the adjoint that the next one sends.
        n = stage.region.copies
        if n == 1:
            return self.written(stores)
        head = f"k = {n - 1}; k >= 0; k--" if back else f"k = 0; k < {n}; k++"
        return self._loop(head, self.written(stores, INNER))

    def total(self, term: Term, n: int) -> tuple[list[str], str]:
        """A sum from left to right, starting from -0.0, to which any number adds unchanged."""
        return [f"    {self.number} total = -0.0;", *self.each(Store("total += ", term), n)], "total"

    def each(self, store: Store, n: int) -> list[str]:
        """One by one."""
        return self._loop(f"k = 0; k < {n}; k++", self.written([store], INNER))

    def copied(
        self, to: str, places: Sequence[int], source: str, slots: Sequence[int], indent: str = "    "
    ) -> list[str]:
        """A loop that copies entries of one array to another."""
        if not slots:
            return []
        left, right = self.place(to, numbered(places)), self.place(source, numbered(slots))
        loop = f"for ({self.index} k = 0; k < {len(slots)}; k++) " if len(slots) > 1 else ""
        return [f"{indent}{loop}{left} = {right};"]

    def _loop(self, head: str, lines: Sequence[str]) -> list[str]:
        return [f"    for ({self.index} {head}) {{", *lines, "    }"]
