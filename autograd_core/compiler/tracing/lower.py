"""From a graph that stands to a program: one walk, and on the way whatever makes it smaller.

A subexpression of constants becomes its number, and equal subexpressions become one. Chains
`((a + b) + c) + d` become `sum`, which adds in that order, and a chain of products becomes `dot`, so
values keep their bits; gradients add up the same terms, in an order that may differ. x² becomes
x · x, which rounds once where `pow` may be off by a little more than half a unit, and x¹ is x.
"""

from __future__ import annotations

from math import copysign, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.evaluation import evaluate
from ...engine.graph import MANY, order_of, sweep_order
from ...engine.ops import ROWS
from ..ir.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...engine.ops import Primitive
    from ...engine.value import Value

ADD, MUL, DIV, POW, SUM, DOT, PRODUCT = (
    ROWS[name] for name in ("add", "mul", "div", "pow", "sum", "dot", "path_product")
)
LONGEST_DOT = 128  # products; of more, the multiplications are better kept for the lanes of a region
LONG = 3  # terms from which a chain of additions becomes one node
NEUTRAL = frozenset({0.0, 1.0, 2.0, 3.0, -1.0})
SKIPPED = None  # an instruction that another one has taken in


def program_of(
    roots: Sequence[Value],
    inputs: Sequence[Value],
    guards: Mapping[Value, bool] | None = None,
    *,
    optimize: bool = True,
    is_derived: bool = False,
    outside: list[Value] | None = None,
) -> Program:
    """The program of a graph that stands.

    Args:
        roots: The results.
        inputs: Different nodes whose numbers come at each run; what lies below them is cut off. All other
            leaves become constants.
        guards: Nodes that must be true (not 0) or false at each run.
        optimize: Whether to fold constants, merge equal subexpressions, and gather chains of additions.
        is_derived: Whether this is a gradient or the like of another graph.
        outside: Takes the leaves that became constants.

    Returns:
        A Program; its order of instructions is that of `topological_order`.
    """
    guards = guards or {}
    lowering = _Lowering(inputs, optimize=optimize, is_derived=is_derived)
    cut = {x for x in inputs if x._row is not None}
    order = _order([*roots, *guards], inputs)
    lowering.add([node for node in order if node not in cut] if cut else order)
    outputs, guarded = [lowering.slots[x] for x in roots], [lowering.slots[x] for x in guards]
    if outside is not None:
        outside += lowering.leaves
    if optimize:
        lowering.gather_chains({*outputs, *guarded})
    return lowering.program(outputs, guarded, list(guards.values()))


def _order(roots: Sequence[Value], inputs: Sequence[Value]) -> list[Value]:
    """Topological order down to the inputs."""
    if all(x._p is None for x in inputs):
        return sweep_order(*roots)
    cut = set(inputs)

    def parents_of(node: Value) -> list[Value]:
        return [] if node in cut else [p for p in _operands_of(node) if p.__class__ is not float]

    return order_of(roots, parents_of)


def _operands_of(node: Value) -> tuple[Any, ...]:
    """Operands with plain numbers as floats, so that no constant leaf is made for them."""
    return node._edges[: len(node._edges) // 2]


class _Lowering:
    """Instructions so far. A slot is an input's index, n_inputs + i for instruction i, or -1 - k for constant k."""

    def __init__(self, inputs: Sequence[Value], *, optimize: bool, is_derived: bool) -> None:
        self.n_inputs = len(inputs)
        self.optimize, self.is_derived = optimize, is_derived
        self.slots: dict[Any, int] = {x: slot for slot, x in enumerate(inputs)}
        self.leaves: list[Value] = []  # that became constants
        self.numbers: list[float] = []
        self.constants: dict[Any, int] = {}
        self.neutral: set[int] = set()  # constants by which an operation may become another
        self.known: dict[Any, int] = {}  # equal subexpressions
        self.rows: list[Primitive | None] = []
        self.operands: list[Any] = []

    def constant(self, x: float) -> int:
        """The slot of a number; 0.0 and -0.0 are two, and NaN is one."""
        key = x if x and x == x else x.hex()  # noqa: PLR0124
        slot = self.constants.get(key)
        if slot is None:
            self.numbers.append(x)
            slot = self.constants[key] = -len(self.numbers)
            if x in NEUTRAL:
                self.neutral.add(slot)
        return slot

    def add(self, nodes: Iterable[Value]) -> None:
        """Nodes in topological order. One loop with its names at hand: it sees every node of every trace."""
        slots, constant, numbers = self.slots, self.constant, self.constants
        known, rows, operands, n = self.known, self.rows, self.operands, self.n_inputs
        neutral, optimize = self.neutral, self.optimize
        for node in nodes:
            row = node._row
            if row is None:
                if node not in slots:
                    slots[node] = constant(float(node.data))
                    self.leaves.append(node)
                continue
            p, q = node._p, node._q
            xs: tuple[int, ...]
            if q is MANY:
                half = p[: len(p) // 2]
                xs = tuple([constant(x) if x.__class__ is float else slots[x] for x in half])
            else:
                a = (numbers.get(p) or constant(p)) if p.__class__ is float else slots[p]
                if q is None:
                    xs = (a,)
                else:
                    b = (numbers.get(q) or constant(q)) if q.__class__ is float else slots[q]
                    xs = (a, b)
                    if optimize and (a in neutral or b in neutral):
                        slots[node] = self._simplified(row, xs)
                        continue
            if optimize:
                key = (row, xs)
                slot = known.get(key)
                if slot is None and (row is PRODUCT or max(xs) < 0):
                    slot = self._instruction(row, xs)
                if slot is not None:
                    slots[node] = slot
                    continue
                known[key] = n + len(rows)
            slots[node] = n + len(rows)
            rows.append(row)
            operands.append(xs)

    def _simplified(self, row: Primitive, operands: tuple[int, int]) -> int:
        """The slot of an operation one of whose operands is a telling number.

        What derivatives alone are full of, 1 * x, is simplified in them alone, and so is x + -0.0, but not
        x + 0.0, which is another number than -0.0: a target that is 1 in some cases must not make their
        instructions differ from those of the others, or no region would be found.
        """
        if min(operands) < 0 <= max(operands):
            x, other = self.numbers[-1 - min(operands)], max(operands)
            if row is PRODUCT and x in (0.0, 1.0):
                return other if x else self.constant(0.0)
            if row is POW and operands[1] < 0 and x in (0.0, 1.0):
                return other if x else self.constant(1.0)
            if self.is_derived and ((row is MUL and x == 1.0) or (row is ADD and x == 0.0 and copysign(1.0, x) < 0)):
                return other
            if row is POW and operands[1] < 0:
                row, operands = self._power(*operands)
        return self._instruction(row, operands)

    def _power(self, x: int, y: int) -> tuple[Primitive, tuple[int, int]]:
        """x², x³ and 1/x by multiplying and dividing, which is faster than a power and as exact."""
        exponent = self.numbers[-1 - y]
        if exponent == 2.0:
            return MUL, (x, x)
        if exponent == 3.0:
            return MUL, (self._instruction(MUL, (x, x)), x)
        if exponent == -1.0:
            return DIV, (self.constant(1.0), x)
        return POW, (x, y)

    @staticmethod
    def _is_plain(x: float) -> bool:
        return x != 0.0 and isfinite(x)

    def _instruction(self, row: Primitive, operands: tuple[int, ...]) -> int:
        """The slot of an operation on these operands: that of an equal one, a number, or a new one."""
        if row is PRODUCT and min(operands) < 0 and self._is_plain(self.numbers[-1 - min(operands)]):
            row = MUL  # 0 wins over no infinity here
        key = (row, operands)
        slot = self.known.get(key)
        if slot is None:
            if max(operands) < 0:
                slot = self.constant(evaluate(row, [self.numbers[-1 - k] for k in operands])[0])
            else:
                slot = self.n_inputs + len(self.rows)
                self.rows.append(row)
                self.operands.append(operands)
            self.known[key] = slot
        return slot

    def gather_chains(self, wanted: set[int]) -> None:
        """Additions whose left operand is an addition that nobody else reads, as `sum` or `dot`."""
        n, rows, operands = self.n_inputs, self.rows, self.operands
        uses = [0] * len(rows)
        for xs in operands:
            for x in xs:
                if x >= n:
                    uses[x - n] += 1
        for slot in wanted:
            if slot >= n:
                uses[slot - n] += 2  # somebody else reads it, in any case
        terms: dict[int, list[int]] = {}
        for i, row in enumerate(rows):
            if row is not ADD:
                continue
            left, right = operands[i]
            k = left - n
            if k >= 0 and uses[k] == 1 and rows[k] is ADD:
                chain = terms.pop(k, None) or list(operands[k])
                rows[k] = SKIPPED
                chain.append(right)
                terms[i] = chain
        for i, chain in terms.items():
            self._sum_or_dot(i, chain, uses)
        for i, row in enumerate(rows):
            if row is SUM:
                self._sum_or_dot(i, operands[i], uses)

    def _sum_or_dot(self, i: int, chain: Sequence[int], uses: Sequence[int]) -> None:
        n, rows, operands = self.n_inputs, self.rows, self.operands
        if len(chain) < LONG:
            return
        products = [x for x in chain if x >= n and rows[x - n] is MUL and uses[x - n] == 1]
        if 2 * len(products) <= len(chain) or len(chain) > LONGEST_DOT:
            rows[i], operands[i] = SUM, tuple(chain)
            return
        one = self.constant(1.0)
        taken = set(products)
        pairs = [operands[x - n] if x in taken else (one, x) for x in chain]  # 1 * x is x, to the bit
        for x in products:
            rows[x - n] = SKIPPED
        rows[i], operands[i] = DOT, (*(w for w, _ in pairs), *(x for _, x in pairs))

    def program(self, outputs: Sequence[int], guards: Sequence[int], truths: Sequence[bool]) -> Program:
        """The arrays, with constants between inputs and instructions."""
        kept = [i for i, row in enumerate(self.rows) if row is not SKIPPED]
        n, constants = self.n_inputs, len(self.numbers)
        place = np.empty(n + len(self.rows), np.int32)
        place[:n] = np.arange(n)
        place[n + np.array(kept, int)] = n + constants + np.arange(len(kept), dtype=np.int32)

        def final(slots: Any) -> Any:
            slots = np.fromiter(slots, np.int64)
            found = np.where(slots < 0, n - 1 - slots, place[np.maximum(slots, 0)] if len(place) else 0)
            return found.astype(np.int32)

        operands = [self.operands[i] for i in kept]
        codes: dict[Any, int] = {}
        numbered = np.fromiter((codes.setdefault(self.rows[i], len(codes)) for i in kept), np.int32)
        offsets = np.zeros(len(kept) + 1, np.int32)
        np.cumsum(np.fromiter(map(len, operands), np.int32, len(kept)), out=offsets[1:])
        return Program(
            primitives=tuple(codes),
            codes=numbered,
            offsets=offsets,
            operands=final(x for xs in operands for x in xs),
            n_inputs=n,
            constants=np.array(self.numbers, float),
            outputs=final(outputs),
            guards=final(guards),
            truths=np.array(truths, bool),
        )
