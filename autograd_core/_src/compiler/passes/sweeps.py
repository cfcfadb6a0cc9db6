"""Reverse and forward sweeps over a tape, which record what they compute as further steps.

They are the two loops of `engine/sweep.py`. A primitive's local derivatives are steps, too: its rule is read once,
on Values, and what came of it is copied for every further node of the same form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.contexts import for_other_data, unwatched
from ...engine.evaluation import number
from ...engine.graph import sweep_order
from ...engine.value import Constant, Value
from ...engine.value_system import VALUES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..ir.tape import Step, Tape

POINT = 1.0  # the operands of a rule that is read for any: it does not look at them


class _Rule(NamedTuple):
    """The local derivatives of a node as steps.

    Attributes:
        steps: They read what stands before: the operands, the node itself, `leaves`, and each other, by number;
            negative ones are constants of the tape.
        slopes: The place of an operand, and the number of the derivative with respect to it.
        leaves: Slots of the tape that the rule reads besides.
    """

    steps: tuple[Step, ...]
    slopes: tuple[tuple[int, int], ...]
    leaves: tuple[int, ...]


class Sweeps:
    """Sweeps over one tape.

    Args:
        tape: Read, and continued.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self._rules: dict[Any, _Rule] = {}

    def slopes(self, slot: int, wanted: Sequence[bool]) -> list[tuple[int, int]]:
        """The operands of a node that are wanted, and the derivatives with respect to them, but for zeros."""
        step = self.tape.steps[slot]
        xs = step[1:]
        # A rule is the same for all nodes of a primitive with the same operands wanted. Constants among the operands
        # belong to the form with their values, as they fold: the derivative of x ** 2 is 2 x and not the general
        # power's.
        form = (step[0], *wanted) if min(xs) >= 0 else (step[0], *wanted, *[min(x, 0) for x in xs])
        rule = self._rules.get(form)
        if rule is None:
            rule = self._rules[form] = self._read(step, wanted)
        at = [*xs, slot, *rule.leaves]
        if rule.steps:
            # `put` looks for an equal step first, so a derivative that several nodes share, such as exp(x), is computed
            # once.
            put = self.tape.put
            for code, *operands in rule.steps:
                at.append(put((code, *[at[k] if k >= 0 else k for k in operands])))
        return [(xs[k], at[d] if d >= 0 else d) for k, d in rule.slopes]

    def _read(self, step: Step, wanted: Sequence[bool]) -> _Rule:
        """A primitive's rule at operands, of which the constants are given."""
        tape = self.tape
        code, *xs = step
        # Rules are read in a number system, and Values are one; what they record is copied to the tape. A system of
        # tape steps would be one more that must agree with all others to the bit.
        leaves = [Value(POINT) if x >= 0 else Constant(tape.numbers[-1 - x]) for x in xs]
        node = Value(POINT)
        partials = tape.primitives[code].partials
        # The steps will run on other data than POINT. So a choice that only the arithmetic needs stays in the program,
        # and is not made here.
        with for_other_data(), unwatched():
            try:
                local = partials(VALUES, *(x.data if isinstance(x, Constant) else x for x in leaves), node)
            except ArithmeticError:  # a rule divides by a constant 0; operations on nodes never raise
                local = partials(VALUES, *leaves, node)
        # A slope that is the number 0 sends nothing: strict zero (docs/explanation/strict-zero.md), and a shorter
        # program.
        slopes = [(k, d) for k, d in enumerate(local) if xs[k] >= 0 and wanted[k] and (isinstance(d, Value) or d)]
        return self._copied([*leaves, node], slopes)

    def _copied(self, known: Sequence[Value], slopes: Sequence[tuple[int, Any]]) -> _Rule:
        """Derivatives that are Values or numbers, as steps that read the known nodes by number."""
        tape = self.tape
        order = sweep_order(*(d for _, d in slopes if isinstance(d, Value)))
        place = {x: k for k, x in enumerate(known)}
        leaves = [x for x in order if x._primitive is None and x not in place and not isinstance(x, Constant)]
        place |= {x: k for k, x in enumerate(leaves, len(place))}

        def number_of(x: Any) -> int:
            if isinstance(x, Constant):
                return tape.constant(x.data)
            return place[x] if isinstance(x, Value) else tape.constant(number(x))

        steps = []
        for x in order:
            if x._primitive is not None:
                edges = x._edges
                steps.append((tape.code(x._primitive), *map(number_of, edges[: len(edges) // 2])))
                place[x] = len(place)
        return _Rule(
            tuple(steps), tuple((k, number_of(d)) for k, d in slopes), tuple(tape.leaf(x) for x in leaves)
        )

    def pull_back(self, outputs: Sequence[int], seeds: Sequence[int], inputs: Sequence[int]) -> dict[int, int]:
        """Sum over the outputs of seed * d output / d input, for every input that gets something."""
        tape = self.tape
        steps, product, total = tape.steps, tape.multiplying(), tape.total
        # Only nodes between the inputs and the outputs: an adjoint that reaches no input is not computed. The order is
        # that of `backward()`, so that terms are added up in the same order and have the same bits (docs/adr/0005).
        order = tape.order(outputs)
        wanted = set(inputs)
        for slot in order:
            if not wanted.isdisjoint(steps[slot][1:]):
                wanted.add(slot)
        terms: dict[int, list[int]] = {slot: [] for slot in order if slot in wanted}
        for out, seed in zip(outputs, seeds, strict=True):
            if out in terms:
                terms[out].append(seed)
        for slot in reversed(list(terms)):
            step = steps[slot]
            if step and terms[slot]:
                # All uses have sent, as they come before: the adjoint is one sum of its terms, a node of many operands
                # and not a chain of additions, which loops and reductions can be made of.
                g = total(terms[slot])
                for p, d in self.slopes(slot, [x in wanted for x in step[1:]]):
                    terms[p].append(product(d, g))
        return {x: total(terms[x]) for x in inputs if terms.get(x)}

    def push_forward(self, outputs: Sequence[int], tangents: Sequence[Mapping[int, int]]) -> list[Mapping[int, int]]:
        """d output / d inputs * tangents, for each output and along each direction that moves it.

        Args:
            outputs: Slots.
            tangents: For each direction those of the inputs that it moves.

        Returns:
            For each output its tangents by direction.
        """
        tape = self.tape
        steps, product, total = tape.steps, tape.multiplying(), tape.total
        moving: dict[int, dict[int, int]] = {}
        for k, direction in enumerate(tangents):
            for x, t in direction.items():
                moving.setdefault(x, {})[k] = t
        for slot in tape.below(outputs):
            xs = steps[slot][1:]
            wanted = [x in moving for x in xs]
            if True not in wanted:
                continue
            slopes = self.slopes(slot, wanted)
            # By far the most frequent case, along all directions at once: no sum, and no list for each direction.
            if len(slopes) == 1:
                [(p, d)] = slopes
                moving[slot] = {k: product(d, t) for k, t in moving[p].items()}
                continue
            terms: dict[int, list[int]] = {}
            for p, d in slopes:
                for k, t in moving[p].items():
                    if k in terms:
                        terms[k].append(product(d, t))
                    else:
                        terms[k] = [product(d, t)]
            if terms:
                moving[slot] = {k: ts[0] if len(ts) == 1 else total(ts) for k, ts in terms.items()}
        return [moving.get(out, {}) for out in outputs]
