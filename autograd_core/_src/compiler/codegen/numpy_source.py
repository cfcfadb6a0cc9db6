"""Exports a program as the source text of a NumPy module: a function over batches that needs NumPy alone."""

from __future__ import annotations

import keyword
import math
import re
from typing import TYPE_CHECKING

from ...number_systems.languages.precedence import ATOM
from ...number_systems.languages.statements import HELPERS, ExpressionText, Language, Store
from ...number_systems.numpy_arrays import NUMPY_NAMES
from .program_stages import numbered
from .sources import SourceText, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...number_systems.terms import Term
    from .description import Description
    from .program_stages import Column, Stage

BY_NUMBER = ("erf", "erfc")  # functions that NumPy lacks: `math` has them, for one number
# Names that the module has for itself: an exported function of one of these names gets an underscore.
TAKEN = frozenset([*keyword.kwlist, *BY_NUMBER, "power", "np", "math", "constants", "evaluate"])
INNER = "        "
CALLS_POWER = re.compile(r"(?<![.\w])power\(")
# NumPy computes a scalar exponent 0.5 as a square root, which differs from the power at -0.0 and at -inf.
POWER = """\
def power(x, y):
    if np.ndim(y) == 0 and y == 0.5:
        x = np.where(x == -np.inf, np.inf, x + 0.0)
    return np.power(x, y)"""


class NumPy(Language):
    """Expressions of arrays with one number for each example."""

    def literal(self, x: float) -> str:
        """As Python writes it."""
        if math.isfinite(x):
            return repr(float(x))
        return "np.nan" if math.isnan(x) else "np.inf" if x > 0 else "-np.inf"

    def call(self, op: str, args: Sequence[str]) -> str:
        """A ufunc, or a helper."""
        own = {"pow": "power"} | {name: name for name in BY_NUMBER} | HELPERS
        name = own.get(op) or f"np.{NUMPY_NAMES.get(op, op).removeprefix('rough_')}"
        return f"{name}({', '.join(args)})"

    def choice(self, condition: ExpressionText, a: ExpressionText, b: ExpressionText) -> ExpressionText:
        """`np.where`, which evaluates both sides."""
        return ExpressionText(f"np.where({condition.text}, {a.text}, {b.text})", ATOM)

    def constant(self, name: str, text: str, *, truth: bool) -> str:  # noqa: ARG002
        """A local name."""
        return f"{name} = {text}"


def numpy_source(what: Description) -> str:
    """The whole module."""
    return NumPySource(what, NumPy(), TAKEN).text()


class NumPySource(SourceText):
    """Writes a module. The first axis of its arrays is the slot, so that the numbers of one slot are contiguous."""

    def text(self) -> str:
        """The module's parts in order; which helpers are needed is known once the functions are written."""
        functions = self._short() if self.is_short else self._long()
        functions = [*self.helpers(), *functions]
        if any(CALLS_POWER.search(function) for function in functions):  # the helpers call it, too
            functions.insert(0, POWER)
        by_number = [name for name in BY_NUMBER if name in self.used]
        header = [*self.what.header("gradient"), "These are last axes; those before them count examples."]
        if self.what.guards:
            header.append("Examples that branch otherwise come out as NaN.")
        parts = [
            "\n".join(f"# {line}".rstrip() for line in header),
            "import math\n\nimport numpy as np" if by_number else "import numpy as np",
            *(f"{name} = np.vectorize(math.{name}, otypes=[float])" for name in by_number),
            *(_array(name, map(str, table.tolist())) for name, table in self.tables.named.items()),
        ]
        if len(self.program.constants) and not self.is_short:
            parts.append(_array("constants", map(self.language.literal, self.program.constants.tolist())))
        return "\n\n".join(parts) + "".join(f"\n\n\n{function}" for function in functions) + "\n"

    # --- how NumPy writes the parts ---

    def helper(self, name: str, arguments: str, lines: Sequence[str]) -> str:
        """`def`."""
        return _function(f"{name}({', '.join(arguments)})", lines)

    def stage(self, name: str, lines: Sequence[str]) -> str:
        """`def`."""
        return _function(f"{name}(value{', adjoint' * name.startswith('backward')})", lines)

    def place(self, array: str, column: Column) -> str:
        """An entry in copy k; or a slice over all copies if these run at once."""
        # Copies of a parallel region become one array operation. A shared slot stays one row and is broadcast.
        shared = len(column.slots) == 1 or column.step == 0
        if self.current.reduction is not None or (self.current.region.parallel and not shared):
            return f"{array}[{self._whole(column)}]"
        return f"{array}[{self.tables.index(column)}]"

    def _whole(self, column: Column) -> str:
        """A column as an index: a slice if slots are an arithmetic progression, else a table."""
        step = 1 if len(column.slots) == 1 else column.step
        if not len(column.slots):
            return ":0"
        if not step:  # no progression, or one slot for all copies: indexed by a table, which copies
            return self.tables.table(column)
        first, stop = int(column.slots[0]), int(column.slots[-1]) + (1 if step > 0 else -1)
        return f"{first}:{stop if stop >= 0 else ''}{f':{step}' if step != 1 else ''}"

    def add(self, column: Column, term: Term) -> Store:
        """`+=`; of copies that run at once, a shared slot gets the sum, and slots from a table get `np.add.at`.

        `x[table] += y` would add only one of the terms for a slot that occurs twice in the table.
        """
        place = self.place("adjoint", column)
        if self.current.reduction is None and not self.current.region.parallel:
            return Store(f"{place} += ", term)
        if self.current.reduction is None and (len(column.slots) == 1 or column.step == 0):
            return Store(f"{place} += np.sum(", term, ", axis=0)")
        if not column.step:
            return Store(f"np.add.at(adjoint, {self.tables.table(column)}, ", term, ")")
        return Store(f"{place} += ", term)

    def looped(self, stage: Stage, stores: Sequence[Store], *, back: bool) -> list[str]:
        """All copies at once, or one after the other if a copy uses results of another."""
        n = stage.region.copies
        if n == 1 or stage.region.parallel:
            return self.written(stores)
        order = f"range({n - 1}, -1, -1)" if back else f"range({n})"
        return [f"    for k in {order}:", *self.written(stores, INNER)]

    def total(self, term: Term, n: int) -> tuple[list[str], str]:  # noqa: ARG002
        """A sum from left to right: NumPy's own sum adds in another order."""
        return self.written([Store("total = np.cumsum(", term, ", axis=0)[-1]")]), "total"

    def each(self, store: Store, n: int) -> list[str]:  # noqa: ARG002
        """All operands at once."""
        return self.written([store])

    # --- the exported functions ---

    def _entry(self, *, gradient: bool, lines: Sequence[str]) -> str:
        """A function of x that returns what `lines` put in out, and in gradient."""
        # `np.where` computes the side that is not taken as well, so warnings would speak of numbers that nobody reads.
        name = f"{self.name}_value_and_grad" if gradient else self.name
        out = "out[0]" if self.what.has_gradient else "np.moveaxis(out, 0, -1)"
        returned = f"{out}, np.moveaxis(gradient, 0, -1)" if gradient else out
        return '@np.errstate(all="ignore")\n' + _function(
            f"{name}(x)",
            [
                "    x = np.moveaxis(np.asarray(x, float), -1, 0)",
                f"    if len(x) != {self.program.n_inputs}:",
                f'        raise ValueError("{name}: expected {self.program.n_inputs} number(s) in the last axis of x")',
                *lines,
                f"    return {returned}",
            ],
        )

    def _filled(self, array: str, size: int) -> str:
        zeros = array == "out" and len(self.what.places) < size  # entries that no output fills are 0
        return f"    {array} = np.{'zeros' if zeros else 'empty'}(({size}, *x.shape[1:]))"

    def _guards(self, *arrays: str) -> list[Store]:
        # NaN and not an exception: one example that branches otherwise must not lose the results of all others.
        return [
            Store(f"{array}[:, {'' if truth else '~('}", term, f"{'' if truth else ')'}] = np.nan")
            for _, term, truth in self.broken()
            for array in arrays
        ]

    def _short(self) -> list[str]:
        self.straight()
        size, sought = self.what.result.size, len(self.what.sought)
        stores = [Store(f"out[{k}] = ", z) for k, z in enumerate(self.outputs())]
        value = [self._filled("out", size), *self.written([*stores, *self._guards("out")])]
        functions = [self._entry(gradient=False, lines=value)]
        if self.what.has_gradient:
            stores += [Store(f"gradient[{k}] = ", g) for k, g in enumerate(self.slopes())]
            lines = self.written([*stores, *self._guards("out", "gradient")])
            lines = [self._filled("out", size), self._filled("gradient", sought), *lines]
            functions.append(self._entry(gradient=True, lines=lines))
        return functions

    def _long(self) -> list[str]:
        p, what = self.program, self.what
        functions, forward, backward = self.staged()
        # With axes of length 1 constants are broadcast over the examples, however many axes these have.
        constants = "constants.reshape(-1, *(1,) * (x.ndim - 1))"
        evaluate = [
            f"    value = np.empty(({p.n_slots}, *x.shape[1:]))",
            f"    value[:{p.n_inputs}] = x",
            *([f"    value[{p.n_inputs}:{p.first}] = {constants}"] if len(p.constants) else []),
            *(f"    {name}(value)" for name in forward),
            "    return value",
        ]
        out, outputs = self._whole(numbered(what.places)), self._whole(numbered(p.outputs.tolist()))
        copied = [self._filled("out", what.result.size), f"    out[{out}] = value[{outputs}]"]
        functions.append(_function("evaluate(x)", evaluate))
        value = ["    value = evaluate(x)", *copied]
        functions.append(self._entry(gradient=False, lines=[*value, *self.written(self._guards("out"))]))
        if what.has_gradient:
            value += [
                "    adjoint = np.zeros_like(value)",
                f"    adjoint[{int(p.outputs[0])}] = 1.0",
                *(f"    {name}(value, adjoint)" for name in backward),
                f"    gradient = adjoint[{self._whole(numbered(what.sought))}]",
            ]
            lines = [*value, *self.written(self._guards("out", "gradient"))]
            functions.append(self._entry(gradient=True, lines=lines))
        return functions


def _function(head: str, lines: Sequence[str]) -> str:
    return "\n".join([f"def {head}:", *lines])


def _array(name: str, numbers: Iterable[str]) -> str:
    return f"{name} = np.array([\n{rows(numbers)}])"
