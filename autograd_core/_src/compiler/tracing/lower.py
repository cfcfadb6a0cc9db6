"""From a recorded graph to a program, simplified in the same walk.

Subexpressions of constants are folded, and equal subexpressions are merged. A chain `((a + b) + c) + d`
becomes one `sum`, which adds in the same order, and a chain of products becomes `dot`; so values keep
their bits. Gradients add up the same terms, possibly in another order. x² becomes x · x, which is rounded
once, where `pow` may be off by a little more than half an ulp; x¹ becomes x.
"""

from __future__ import annotations

import itertools
from math import copysign, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.evaluation import evaluate
from ...engine.graph import MANY, order_of, sweep_order
from ...engine.ops import PRIMITIVES
from ..ir.program import Program
from ..ir.tape import ADD, PRODUCT, SUM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ...engine.ops import Primitive
    from ...engine.value import Value
    from ..ir.tape import Tape, TapedGraph

MUL, DIV, POW, DOT = (PRIMITIVES[name] for name in ("mul", "div", "pow", "dot"))
LONGEST_DOT = 128  # products; beyond that a region runs the multiplications in lanes, and `dot` would hide them
SHORTEST_CHAIN = 3  # terms from which a chain of additions becomes one node
NEUTRAL = frozenset({0.0, 1.0, 2.0, 3.0, -1.0})  # constants that may simplify an operation
SKIPPED = None  # an instruction that was merged into another one


def program_of(
    roots: Sequence[Value],
    inputs: Sequence[Value],
    guards: Mapping[Value, bool] | None = None,
    *,
    optimize: bool = True,
    constant_leaves: list[Value] | None = None,
) -> Program:
    """The program of a recorded graph.

    Args:
        roots: The results.
        inputs: Distinct nodes whose values are given at each run; what lies below them is cut off. All other
            leaves become constants.
        guards: Nodes that must be true (not 0) or false at each run.
        optimize: Whether to fold constants, merge equal subexpressions, and gather chains of additions.
        constant_leaves: A list to which the leaves that became constants are appended.

    Returns:
        A Program; its instructions are in the order of `topological_order`.
    """
    guards = guards or {}
    lowering = _Lowering(inputs, optimize=optimize, is_derived=False)
    # An input may be an operation's result; its rule must not be lowered then.
    cut = {x for x in inputs if x._primitive is not None}
    order = order_down_to(inputs, [*roots, *guards])
    lowering.add([node for node in order if node not in cut] if cut else order)
    return lowering.finish(roots, guards, constant_leaves)


def program_of_tape(
    graph: TapedGraph,
    *,
    optimize: bool = True,
    constant_leaves: list[Value] | None = None,
    longest_dot: int = LONGEST_DOT,
    longer: list[int] | None = None,
) -> Program:
    """The program of a derivative; its instructions are in the order of `Tape.order`.

    Args:
        graph: Results, inputs and guards.
        optimize: Whether to fold constants, merge equal subexpressions, and gather chains of additions.
        constant_leaves: A list to which the leaves that became constants are appended.
        longest_dot: Sums of more products than that stay sums.
        longer: A list to which the number of terms of each of these is appended.

    Returns:
        A Program.
    """
    lowering = _Lowering(graph.inputs, optimize=optimize, is_derived=True, longest_dot=longest_dot)
    lowering.add_taped(graph.tape, [*graph.roots, *graph.guards])
    program = lowering.finish(graph.roots, graph.guards, constant_leaves)
    if longer is not None:
        longer += lowering.longer
    return program


def order_down_to(inputs: Sequence[Value], roots: Sequence[Value]) -> list[Value]:
    """The nodes below the roots in topological order, down to the inputs."""
    # Inputs that are leaves cut nothing off, and then the faster walk of `backward()` gives the same order.
    if all(x._p is None for x in inputs):
        return sweep_order(*roots)
    cut = set(inputs)

    def parents_of(node: Value) -> list[Value]:
        return [] if node in cut else [p for p in _operands_of(node) if p.__class__ is not float]

    return order_of(roots, parents_of)


def _operands_of(node: Value) -> tuple[Any, ...]:
    """A node's operands; plain numbers stay floats, where `parents` would make constant leaves of them."""
    return node._edges[: len(node._edges) // 2]


class _Lowering:
    """Instructions so far. A slot is an input's index, n_inputs + i for instruction i, or -1 - k for constant k."""

    # Constants get negative slots because their number is unknown until the end; in the program they come between
    # inputs and instructions. So `max(operands) < 0` means that all operands are constant.

    def __init__(
        self, inputs: Sequence[Any], *, optimize: bool, is_derived: bool, longest_dot: int = LONGEST_DOT
    ) -> None:
        self.n_inputs = len(inputs)
        self.optimize, self.is_derived, self.longest_dot = optimize, is_derived, longest_dot
        self.longer: list[int] = []  # terms of the sums of products that are longer than that
        self.slots: dict[Any, int] = {x: slot for slot, x in enumerate(inputs)}
        self.leaves: list[Value] = []  # leaves that became constants
        self.numbers: list[float] = []  # the constants
        self.constants: dict[Any, int] = {}  # slots of the constants, by number
        self.neutral: set[int] = set()  # slots of the constants in NEUTRAL
        self.known: dict[Any, int] = {}  # slots of instructions, by primitive and operands: value numbering
        self.primitives: list[Primitive | None] = []
        self.operands: list[Any] = []

    def constant(self, x: float) -> int:
        """The slot of a number."""
        # As dictionary keys 0.0 and -0.0 are equal, and NaN differs from itself. Hexadecimal text tells zeros apart and
        # makes all NaNs one.
        key = x if x and x == x else x.hex()  # noqa: PLR0124
        slot = self.constants.get(key)
        if slot is None:
            self.numbers.append(x)
            slot = self.constants[key] = -len(self.numbers)
            if x in NEUTRAL:
                self.neutral.add(slot)
        return slot

    def add(self, nodes: Iterable[Value]) -> None:
        """Add nodes, in topological order."""
        # This loop sees every node of every trace, so it uses local names and the node's edge slots (docs/adr/0001).
        slots, constant, constants, put = self.slots, self.constant, self.constants, self.putting()
        for node in nodes:
            primitive = node._primitive
            if primitive is None:  # a leaf: an input, which has its slot, or a constant
                if node not in slots:
                    slots[node] = constant(float(node.data))
                    self.leaves.append(node)
                continue
            p, q = node._p, node._q
            if q is MANY:
                half = p[: len(p) // 2]
                slots[node] = put(primitive, tuple([constant(x) if x.__class__ is float else slots[x] for x in half]))
                continue
            a = (constants.get(p) or constant(p)) if p.__class__ is float else slots[p]
            if q is None:
                slots[node] = put(primitive, (a,))
            else:
                b = (constants.get(q) or constant(q)) if q.__class__ is float else slots[q]
                slots[node] = put(primitive, (a, b))

    def add_taped(self, tape: Tape, roots: Sequence[int]) -> None:
        """Add the steps of a tape that lie below some of its slots, and these slots themselves."""
        put, constant = self.putting(), self.constant
        primitives, steps, numbers = tape.primitives, tape.steps, tape.numbers
        # A list, at whose end the tape's constants stand: slot -1 - k is constant k.
        slots: list[Any] = [None] * (len(steps) + len(numbers))
        for x, slot in self.slots.items():
            slots[x] = slot

        def found(x: int) -> int:
            if slots[x] is None:  # a constant that was not read before
                slots[x] = constant(float(numbers[-1 - x]))
            return slots[x]  # type: ignore[no-any-return]

        for slot in tape.order(roots):
            step = steps[slot]
            if len(step) == 3:
                code, x, y = step
                a, b = slots[x], slots[y]
                slots[slot] = put(primitives[code], (found(x) if a is None else a, found(y) if b is None else b))
            elif step:
                slots[slot] = put(primitives[step[0]], tuple(map(found, step[1:])))
            elif slots[slot] is None:
                leaf = tape.leaves[slot]
                slots[slot] = constant(float(leaf.data))
                self.leaves.append(leaf)
        self.slots = {x: found(x) for x in roots}

    def putting(self) -> Callable[[Primitive, tuple[int, ...]], int]:
        """A function that adds an operation on slots and gives its slot; it is called for every node."""
        known, primitives, operands, n = self.known, self.primitives, self.operands, self.n_inputs
        neutral, simplified, instruction = self.neutral, self._simplified, self._instruction

        def put(primitive: Primitive, xs: tuple[int, ...]) -> int:
            if len(xs) == 2 and (xs[0] in neutral or xs[1] in neutral):
                return simplified(primitive, xs)
            # Operands are not sorted: of a + b and b + a each keeps its own instruction and its order.
            key = (primitive, xs)
            slot = known.get(key)
            if slot is None:
                if min(xs) < 0 and (primitive is PRODUCT or max(xs) < 0):
                    return instruction(primitive, xs)
                slot = known[key] = n + len(primitives)
                primitives.append(primitive)
                operands.append(xs)
            return slot

        return put if self.optimize else self._plainly

    def _plainly(self, primitive: Primitive, xs: tuple[int, ...]) -> int:
        """The slot of a further instruction, whatever is there already."""
        self.primitives.append(primitive)
        self.operands.append(xs)
        return self.n_inputs + len(self.primitives) - 1

    def _simplified(self, primitive: Primitive, operands: tuple[int, int]) -> int:
        """The slot of an operation with an operand in NEUTRAL."""
        if min(operands) < 0 <= max(operands):
            x, other = self.numbers[-1 - min(operands)], max(operands)
            # `path_product` is local derivative × adjoint with strict zero: 0 whatever the other is.
            if primitive is PRODUCT and x in (0.0, 1.0):
                return other if x else self.constant(0.0)
            if primitive is POW and operands[1] < 0 and x in (0.0, 1.0):
                return other if x else self.constant(1.0)
            # Derivatives are full of 1 * x, and only there it is simplified. In other programs a target that is 1 in
            # some examples would make their instructions differ from the others', and no region would be found
            # (docs/adr/0010). x + -0.0 is x; x + 0.0 is not, for x = -0.0.
            is_minus_0 = x == 0.0 and copysign(1.0, x) < 0
            if self.is_derived and ((primitive is MUL and x == 1.0) or (primitive is ADD and is_minus_0)):
                return other
            if primitive is POW and operands[1] < 0:
                primitive, operands = self._power(*operands)
        return self._instruction(primitive, operands)

    def _power(self, x: int, y: int) -> tuple[Primitive, tuple[int, int]]:
        """x², x³ and 1/x as products and a quotient, which are faster than `pow` and as accurate."""
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

    def _instruction(self, primitive: Primitive, operands: tuple[int, ...]) -> int:
        """The slot of an operation on these operands: that of an equal one, a number, or a new one.

        Of the operands of a `path_product` one is a number; others are put in without a look at their operands.
        """
        if primitive is PRODUCT and self._is_plain(self.numbers[-1 - min(operands)]):
            # By a finite number other than 0 strict zero changes nothing. A plain `mul` merges with others and
            # can become part of a `dot`.
            primitive = MUL
        key = (primitive, operands)
        slot = self.known.get(key)
        if slot is None:
            if max(operands) < 0:  # folded: the rule is evaluated on floats
                slot = self.constant(evaluate(primitive, [self.numbers[-1 - k] for k in operands])[0])
            else:
                slot = self.n_inputs + len(self.primitives)
                self.primitives.append(primitive)
                self.operands.append(operands)
            self.known[key] = slot
        return slot

    def gather_chains(self, wanted: set[int]) -> None:
        """Merge additions whose left operand is an addition with no other reader into `sum` or `dot`."""
        # Only to the left: `sum` adds from left to right, so a + (b + c) would change its bits.
        n, primitives, operands = self.n_inputs, self.primitives, self.operands
        read = np.fromiter(itertools.chain.from_iterable(operands), np.int64)
        uses = np.bincount(read[read >= n] - n, minlength=len(primitives)).tolist()
        for slot in wanted:
            if slot >= n:
                uses[slot - n] += 2  # never a single use, however many instructions read it
        # Each chain is handed on from one addition to the next, so that a chain of n terms takes n steps, not n².
        terms: dict[int, list[int]] = {}
        for i, primitive in enumerate(primitives):
            if primitive is not ADD:
                continue
            left, right = operands[i]
            k = left - n
            if k >= 0 and uses[k] == 1 and primitives[k] is ADD:
                chain = terms.pop(k, None) or list(operands[k])
                primitives[k] = SKIPPED
                chain.append(right)
                terms[i] = chain
        for i, chain in terms.items():
            self._sum_or_dot(i, chain, uses)
        for i, primitive in enumerate(primitives):
            if primitive is SUM:
                self._sum_or_dot(i, operands[i], uses)

    def _sum_or_dot(self, i: int, chain: Sequence[int], uses: Sequence[int]) -> None:
        n, primitives, operands = self.n_inputs, self.primitives, self.operands
        if len(chain) < SHORTEST_CHAIN:
            return
        # A product that something else reads has to be computed anyway, and is a term like any other.
        products = [x for x in chain if x >= n and primitives[x - n] is MUL and uses[x - n] == 1]
        mostly_products = 2 * len(products) > len(chain)
        if not mostly_products or len(chain) > self.longest_dot:
            primitives[i], operands[i] = SUM, tuple(chain)
            if mostly_products:
                self.longer.append(len(chain))
            return
        one = self.constant(1.0)
        taken = set(products)
        pairs = [operands[x - n] if x in taken else (one, x) for x in chain]  # 1 * x is x, to the bit
        for x in products:
            primitives[x - n] = SKIPPED
        primitives[i], operands[i] = DOT, (*(w for w, _ in pairs), *(x for _, x in pairs))

    def finish(self, roots: Iterable[Any], guards: Mapping[Any, bool], constant_leaves: list[Value] | None) -> Program:
        """The program of these results."""
        # `gather_chains` is told of outputs and guards: a partial sum that is a result itself must stay an instruction.
        outputs, guarded = [self.slots[x] for x in roots], [self.slots[x] for x in guards]
        if constant_leaves is not None:
            constant_leaves += self.leaves
        if self.optimize:
            self.gather_chains({*outputs, *guarded})
        return self.program(outputs, guarded, list(guards.values()))

    def program(self, outputs: Sequence[int], guards: Sequence[int], truths: Sequence[bool]) -> Program:
        """The program's arrays, with constants between inputs and instructions."""
        kept = [i for i, primitive in enumerate(self.primitives) if primitive is not SKIPPED]
        n, constants = self.n_inputs, len(self.numbers)
        place = np.empty(n + len(self.primitives), np.int32)
        place[:n] = np.arange(n)
        place[n + np.array(kept, int)] = n + constants + np.arange(len(kept), dtype=np.int32)

        # The one place where slots get their final numbers: constant k is n + k, and skipped instructions leave no gap.
        def final(slots: Any) -> Any:
            slots = np.fromiter(slots, np.int64)
            found = np.where(slots < 0, n - 1 - slots, place[np.maximum(slots, 0)] if len(place) else 0)
            return found.astype(np.int32)

        operands = [self.operands[i] for i in kept]
        primitives: list[Any] = [self.primitives[i] for i in kept]
        codes = {primitive: code for code, primitive in enumerate(dict.fromkeys(primitives))}
        numbered = np.fromiter(map(codes.__getitem__, primitives), np.int32, len(kept))
        offsets = np.zeros(len(kept) + 1, np.int32)
        np.cumsum(np.fromiter(map(len, operands), np.int32, len(kept)), out=offsets[1:])
        return Program(
            primitives=tuple(codes),
            codes=numbered,
            offsets=offsets,
            operands=final(itertools.chain.from_iterable(operands)),
            n_inputs=n,
            constants=np.array(self.numbers, float),
            outputs=final(outputs),
            guards=final(guards),
            truths=np.array(truths, bool),
        )
