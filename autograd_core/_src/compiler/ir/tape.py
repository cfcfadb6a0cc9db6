"""A graph as a growing list of steps, on which derivatives are recorded.

A graph of Values takes microseconds a node, because each computes its data and local derivatives at the traced point. A
derivative that becomes a program needs neither, so it is recorded on a tape: a step is a tuple of ints, and equal steps
are one (hash consing). Decision: docs/adr/0018.
"""

from __future__ import annotations

from math import copysign
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.ops import PRIMITIVES
from ...engine.recording import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ...engine.ops import Primitive
    from ...engine.pytrees import Spec
    from ...engine.value import Value

Step = tuple[int, ...]
ADD, SUM, PRODUCT = (PRIMITIVES[name] for name in ("add", "sum", "path_product"))


class Tape:
    """Steps, each after those that it reads: a graph in topological order, in single assignment.

    Attributes:
        primitives: The primitives, indexed by the codes in steps.
        steps: For each slot (code of its primitive, slot of each operand ...); () for inputs and leaves.
            Slot -1 - k is constant k, so a sign tells constants apart.
        numbers: The constants: floats or Fractions.
        leaves: Values from outside, such as a closure's, by slot.
    """

    def __init__(self) -> None:
        self.primitives: list[Primitive] = []
        # Invariant: a step reads lower slots only. So the list is in topological order whatever is appended, and a
        # sweep may go through it from either end.
        self.steps: list[Step] = []
        self.numbers: list[Any] = []
        self.leaves: dict[int, Value] = {}
        self._codes: dict[Primitive, int] = {}
        self._known: dict[Step, int] = {}
        self._constants: dict[Any, int] = {}
        self._ones: set[int] = set()  # slots of constants equal to 1, whose products are not recorded
        self._slots_of_leaves: dict[Value, int] = {}
        # Codes of what sweeps record themselves, besides rules: fixed here, so that the loops over edges look up none.
        self.add_code, self.sum_code, self.product_code = map(self.code, (ADD, SUM, PRODUCT))

    def code(self, primitive: Primitive) -> int:
        """The code of a primitive, which is added if it is new."""
        found = self._codes.setdefault(primitive, len(self.primitives))
        if found == len(self.primitives):
            self.primitives.append(primitive)
        return found

    def input(self) -> int:
        """A new slot without a step."""
        self.steps.append(())
        return len(self.steps) - 1

    def leaf(self, value: Value) -> int:
        """The slot of a leaf."""
        slot = self._slots_of_leaves.get(value)
        if slot is None:
            slot = self._slots_of_leaves[value] = self.input()
            self.leaves[slot] = value
        return slot

    def constant(self, x: Any) -> int:
        """The slot of a plain number."""
        # By class and sign as well: 1 == 1.0 == Fraction(1) and 0.0 == -0.0, but programs must keep them apart.
        key = (x.__class__, x, copysign(1.0, x)) if x == x else x.__class__  # noqa: PLR0124  all NaNs are one
        slot = self._constants.get(key)
        if slot is None:
            self.numbers.append(x)
            slot = self._constants[key] = -len(self.numbers)
            if x == 1:
                self._ones.add(slot)
        return slot

    def keep(self, step: Step) -> int:
        """A new slot for a step, even if an equal one exists: the step stands for a node that was recorded."""
        slot = len(self.steps)
        # Steps of derivatives that equal it are found by `put`; of several equal nodes the first stands for them.
        self._known.setdefault(step, slot)
        self.steps.append(step)
        return slot

    def put(self, step: Step) -> int:
        """The slot of a step: an existing one if an equal step exists, else a new one."""
        # Hash consing: sweeps of several directions ask for the same local derivatives again and again, and higher
        # orders would grow by every copy of a copy.
        slot = self._known.get(step)
        if slot is None:
            slot = self._known[step] = len(self.steps)
            self.steps.append(step)
        return slot

    def apply(self, code: int, *xs: int) -> int:
        """The slot of a primitive applied to operands; of constants alone it is evaluated to a constant."""
        # By `record`, the engine's own evaluation, so that a folded number has the bits that the graph would compute.
        if max(xs) < 0:
            return self.constant(record(self.primitives[code], *(self.numbers[-1 - x] for x in xs)))
        return self.put((code, *xs))

    def multiplying(self) -> Callable[[int, int], int]:
        """A function that gives the slot of local derivative × adjoint; called for every edge, hence a closure."""
        # `put` and `apply` written out: this runs for every edge, and calls would take most of its time.
        known, steps, ones, code, apply = self._known, self.steps, self._ones, self.product_code, self.apply

        def product(d: int, g: int) -> int:
            # Leaving out factors of 1 changes no bit, not even of ±0 and NaN. Factors of 0 stay: strict zero is part of
            # the product's rule.
            if d in ones:
                return g
            if g in ones:
                return d
            step = (code, d, g)
            slot = known.get(step)
            if slot is None:
                if d < 0 and g < 0:  # two constants
                    return apply(code, d, g)
                slot = known[step] = len(steps)
                steps.append(step)
            return slot

        return product

    def total(self, terms: Sequence[int]) -> int:
        """The sum of one or more terms."""
        if len(terms) == 1:
            return terms[0]
        # One n-ary step and not a chain of additions: the same order of addition, with one node to differentiate.
        return self.apply(self.add_code if len(terms) == 2 else self.sum_code, *terms)

    def order(self, roots: Iterable[int]) -> list[int]:
        """Everything below the roots, except constants, in the order of `backward()`'s topological sort.

        This order and not that of slots, since it decides in which order adjoints are added up (docs/adr/0005).
        """
        steps = self.steps
        seen = bytearray(len(steps))
        found: list[int] = []
        emit = found.append
        # Depth first with a stack of its own: recursion would fail at a thousand steps in a chain.
        path: list[tuple[int, Any]] = []
        for root in roots:
            if root < 0 or seen[root]:
                continue
            seen[root] = 1
            slot, waiting = root, iter(steps[root][1:])
            while True:
                for p in waiting:
                    if p >= 0 and not seen[p]:
                        seen[p] = 1  # when it is reached, not when it is emitted: no slot is on the stack twice
                        if steps[p]:
                            path.append((slot, waiting))
                            slot, waiting = p, iter(steps[p][1:])
                            break
                        emit(p)
                else:
                    emit(slot)
                    if not path:
                        break
                    slot, waiting = path.pop()
        return found

    def below(self, roots: Iterable[int]) -> list[int]:
        """Everything below the roots, except constants, by slot: for passes that do not add anything up."""
        steps = self.steps
        # Operands have lower slots than what reads them, so one pass downwards marks everything, without a stack.
        is_below = bytearray(len(steps))
        top = -1
        for root in roots:
            if root >= 0:
                is_below[root] = 1
                top = max(top, root)
        for slot in range(top, -1, -1):
            if is_below[slot]:
                for p in steps[slot][1:]:
                    if p >= 0:
                        is_below[p] = 1
        return [slot for slot in range(top + 1) if is_below[slot]]


class TapedGraph(NamedTuple):
    """A recorded graph, or a derivative of one, on a tape.

    Attributes:
        tape: The steps.
        roots: The slots of the results.
        inputs: The slots of the arguments' leaves.
        guards: The slots of the comparisons that Python branched on, with their outcomes.
        words: The guards in words, for messages.
        spec: The tree of the result.
        places: The position of each root among the leaves of the result; None: one after the other.
        pattern: For a sparse matrix, which entries the roots are.
    """

    tape: Tape
    roots: list[int]
    inputs: list[int]
    guards: Mapping[int, bool]
    words: tuple[str, ...]
    spec: Spec
    places: Any = None
    pattern: Any = None
