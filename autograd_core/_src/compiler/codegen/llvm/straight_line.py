"""A program's instructions as straight-line LLVM code, forward and backward: each rule written out once.

Values and adjoints stay in registers, or where the stages of `strip_mining` keep them. Kernels write whole programs
like this; loops read the rules of their bodies by the same `read`.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ....number_systems.base import read_rule
from ....number_systems.llvm import HASTY, LLVM, LaneLiteral, Lanes
from .accumulation import Adjoints
from .jit import constant
from .wide_nodes import is_wide, read_at_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ....engine.ops import Primitive
    from ...ir.program import Program
    from .strip_mining import Stages


def read(primitive: Primitive, rule: Callable[..., Any], xs: Sequence[Any], b: Any, kind: Any, m: Any = LLVM) -> Any:
    """Write a rule as instructions; xs are `Lanes`, or floats for constants."""
    partials = rule is primitive.partials
    # LLVM's passes are slower than linear in a block's length, so wide nodes become loops (docs/adr/0017).
    # `sum`, `mean` and `dot` are as short unrolled as the code that would store their operands for a loop.
    if primitive.reduction is None and is_wide(primitive, len(xs) - partials):
        return read_rule(primitive, read_at_hand, primitive, xs, b, kind, hasty=m is HASTY, partials=partials)
    return read_rule(primitive, rule, m, *(x if isinstance(x, Lanes) else LaneLiteral(b, kind, x) for x in xs))


class StraightLineCode:
    """Writes a program's instructions, forward and backward."""

    def __init__(
        self, program: Program, b: Any, kind: Any, source: Callable[[int], Any], stages: Stages | None = None
    ) -> None:
        self.program, self.b, self.kind = program, b, kind
        # Between instructions the code may be cut; `hold` makes a value last beyond the cut (docs/adr/0013).
        self._turn: Callable[[], bool] = stages.turn if stages else lambda: False  # a single example has nothing to cut
        self._hold: Callable[[Any], Any] = stages.hold if stages else LLVM.number
        self.values: dict[int, Any] = {}
        self._source = source
        self._operands = [program.operands[i:j].tolist() for i, j in pairwise(program.offsets.tolist())]

    def value(self, slot: int) -> Any:
        """The value of a slot: `Lanes`, or a float for a constant."""
        p = self.program
        # Inputs are loaded when first used. Constants stay floats, so that rules can fold them while code is written.
        if slot not in self.values:
            is_constant = p.n_inputs <= slot < p.first
            self.values[slot] = float(p.constants[slot - p.n_inputs]) if is_constant else self._hold(self._source(slot))
        return self.values[slot]

    def lanes(self, slot: int) -> Any:
        """The same as an LLVM value."""
        z = self.value(slot)
        return z.value if isinstance(z, Lanes) else constant(self.kind, z)

    def forward(self, only: set[int] | None = None) -> None:
        """Write, in order, the instructions that have no value yet, or those of them in `only`."""
        p = self.program
        for i, operands in enumerate(self._operands):
            if p.first + i in self.values or (only is not None and i not in only):
                continue
            self._turn()
            primitive = p.primitives[p.codes[i]]
            xs = [self.value(x) for x in operands]
            self.values[p.first + i] = self._hold(LLVM.number(read(primitive, primitive.value, xs, self.b, self.kind)))

    def backward(
        self,
        seed: Any,
        sought: Iterable[int],
        send: Callable[[int, Any, Any], bool],
        receive: Callable[[int, Any], None],
        *,
        strict_zero: bool,
    ) -> None:
        """Write the reverse sweep.

        Args:
            seed: The first output's adjoint.
            sought: The slots whose adjoints are wanted.
            send: Takes a slot, a local derivative and an adjoint; returns true if it takes care of their product.
            receive: Takes a sought slot and its adjoint; not called for a slot without contributions.
            strict_zero: Whether 0 × infinity and 0 × NaN are 0.
        """
        p, root = self.program, int(self.program.outputs[0])
        sought = set(sought)
        # A slot needs an adjoint only if a sought one lies below it. `left` counts the contributions still to come.
        needed, left = set(sought), Counter[int]()
        for i, operands in enumerate(self._operands):
            if not needed.isdisjoint(operands):
                needed.add(p.first + i)
                left.update(operands)
        seeds = {root: self._hold(Lanes(self.b, seed))} if root in needed else {}
        adjoints = Adjoints(left, lambda slot: seeds.pop(slot, None), self._hold, strict_zero=strict_zero)
        for i in reversed(range(len(self._operands))):
            slot = p.first + i
            self._turn()
            g = adjoints.gather(slot)
            if g is None:
                continue
            if slot in sought:
                receive(slot, g)
            primitive, operands = p.primitives[p.codes[i]], self._operands[i]
            xs = [self.value(x) for x in (*operands, slot)]
            # HASTY gives NaN for rare branches: the NaN leads to the strict code, which has them.
            partials = read(primitive, primitive.partials, xs, self.b, self.kind, LLVM if strict_zero else HASTY)
            for operand, d in zip(operands, partials, strict=True):
                if operand in needed and not send(operand, d, g):
                    adjoints.send(operand, d, g)
        # What is left are inputs; the root is among them if it is an input. In a fixed order, so that one program
        # always gives the same code.
        for slot in sorted(sought & {*seeds, *adjoints.waiting()}, reverse=True):
            self._turn()
            g = adjoints.gather(slot)
            if g is not None:
                receive(slot, g)
