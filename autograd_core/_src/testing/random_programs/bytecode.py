"""Random programs, written as bytes for a stack machine.

Hypothesis shrinks bytes by deleting them, lowering them and sorting them. So every byte is one
instruction that makes sense wherever it stands: without it, the next one takes what it would have
taken. A lower byte is a simpler instruction. A single draw also keeps Hypothesis from repeating an
example in five variations, as it does with parts that look alike, so that all examples are new.

    head    PALETTE bytes: the operations that this program is made of
            BYTES bytes for every input and every constant: its number
    code    one byte an instruction: apply an operation of the palette, or push something

An operation takes its operands from the top of the stack. Where there are too few, or its byte asks for
fewer, the rest is the first input, a constant, a result that is shared, or another input.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ...engine.ops import REALS
from ...engine.provenance import COMPARISONS
from .programs import LARGEST, MARGIN, Expression, ProgramStep, look, moderate, value_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...engine.ops import Primitive

# What people write most comes more often, and first: earlier is simpler.
EVERYDAY = (
    "neg add mul sub div exp log tanh sin cos sqrt square relu sigmoid abs pow sum max maximum where logsumexp clip"
).split()
# In a palette of all of these one function rarely stands in a certain other one, or a product in a product.
ELEMENTARY = "exp log tanh sin cos sqrt square mul add exp log".split()
ARITHMETIC = "add mul div sum pow prod dot mul div div".split()
KIN = 5  # how far apart in the table are operations of one kind
HALF = 128  # of the bytes
OFTEN = 164  # of them stand for a palette of everyday operations

Operand = int | float  # a place, or a constant
Interval = tuple[float, float]

SLOTS = (0, 0, 1, 2, 3, 4, 5)  # of the palette; the first ones are used more often
PALETTE = 1 + max(SLOTS)
DETAILS = 32  # ways to apply an operation
PUSHES = 4  # bytes for each way to push something
CONSTANTS = 2
BYTES = 3  # of a number
MOST_OPERANDS = 4  # operands at most, of an operation that takes any number of them

SIMPLE = (0.5, 2.0, -0.5, 1.0, 0.0, -1.0, 3.0)  # at 0 or 1 many operations have a kink, a pole or an end
DECADES = (-12, 2)  # of moderate numbers
ALL_DECADES = (-324, 308)
EXTREMES = (0.0, -0.0, 1.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 2.0**-1030, 2.0**-1022, 1e300, -1.7e308)


def head(inputs: int) -> int:
    """How many bytes stand before the code."""
    return PALETTE + BYTES * (inputs + CONSTANTS)


class Dialect(NamedTuple):
    """What the bytes of a strategy stand for.

    Attributes:
        everyday: Operations that come often, simple ones first.
        themes: Parts of them of which a program may be made.
        primitives: All operations.
        tests: The comparisons among them.
        size: Operations at most.
        inputs: Inputs at most.
        near_kinks: Kinks, poles and ties are wanted.
        finite: Results are moderate numbers.
    """

    everyday: tuple[Primitive, ...]
    themes: tuple[tuple[Primitive, ...], ...]
    primitives: tuple[Primitive, ...]
    tests: tuple[Primitive, ...]
    size: int
    inputs: int
    near_kinks: bool
    finite: bool

    @classmethod
    def of(cls, primitives: Sequence[Primitive], size: int, inputs: int, *, near_kinks: bool, finite: bool) -> Dialect:
        """A dialect over primitives in the order of the table, in which neighbours are of one kind."""
        order = {name: i for i, name in enumerate(EVERYDAY)}
        everyday = sorted(primitives, key=lambda primitive: order.get(primitive.name, len(order)))
        if len(primitives) > len(EVERYDAY):  # else they are chosen ones, and all the same
            everyday = [primitive for primitive in everyday if primitive.name in order]
        tests = tuple(primitive for primitive in primitives if primitive.name in COMPARISONS)
        chosen = tuple(everyday or primitives)
        named = {primitive.name: primitive for primitive in primitives}
        parts = (tuple(named[name] for name in names if name in named) for names in (ELEMENTARY, ARITHMETIC))
        elementary, arithmetic = (part or chosen for part in parts)
        themes = (*[chosen] * 3, *[elementary] * 8, *[arithmetic] * 4)
        return cls(chosen, themes, tuple(primitives), tests, size, inputs, near_kinks, finite)

    def palette(self, program: bytes) -> list[Primitive]:
        """A few operations: everyday ones, or an arbitrary one with others of its kind."""
        first, *others = program[:PALETTE]
        often = first < OFTEN
        centre = scaled(first - OFTEN, 256 - OFTEN, len(self.primitives))
        everyday = self.themes[scaled(first, OFTEN, len(self.themes))] if often else self.everyday
        kin = everyday if often else self.primitives[max(0, centre - KIN) : centre + KIN + 1]

        def one(byte: int) -> Primitive:
            offered = everyday if byte < HALF else kin
            return offered[scaled(byte % HALF, HALF, len(offered))]

        return [one(scaled(first, OFTEN, HALF)) if often else self.primitives[centre], *map(one, others)]


def scaled(x: int, of: int, to: int) -> int:
    """A number below `of` as one below `to`."""
    return x * to // of


class Machine:
    """Runs the bytes, and writes down the steps; one that would not be calm at the point is left out."""

    def __init__(self, dialect: Dialect, program: bytes) -> None:
        self.dialect = dialect
        self.palette = dialect.palette(program)
        numbers = program[PALETTE : head(dialect.inputs)]
        self.numbers = [numbers[i : i + BYTES] for i in range(0, len(numbers), BYTES)]
        self.data: list[float] = []  # of inputs and results
        self.varies: list[bool] = []
        self.users: list[int] = []
        self.inputs: dict[int, int] = {}
        self.made: dict[int, ProgramStep] = {}  # the result's place -> its step
        self.stack: list[Operand] = []
        for byte in program[head(dialect.inputs) :]:
            self.run(byte)

    def run(self, byte: int) -> None:
        """One instruction."""
        if byte != 1 and byte < DETAILS * len(SLOTS):
            primitive = self.palette[SLOTS[byte // DETAILS]]
            if len(self.made) < self.dialect.size:
                self.apply(primitive, *divmod(byte % DETAILS, 4))
            return
        if byte == 1:
            self.stack.append(self.input(0))
            return
        kind = (byte - DETAILS * len(SLOTS)) // PUSHES
        if kind == 1:
            self.stack.append(self.constant(byte % CONSTANTS))
        elif kind < 3 or not self.made:
            self.stack.append(self.input(byte % self.dialect.inputs))
        elif kind == 3:
            self.stack.append(next(reversed(self.made)))
        else:
            self.stack.append(self.shared(kind, ()))

    def apply(self, primitive: Primitive, manner: int, fill: int) -> None:
        """An operation on what is at the top of the stack, and on what fills it up."""
        count = primitive.arity or 1 + manner % MOST_OPERANDS
        count += primitive.pairs and count % 2
        beside = primitive.arity is not None and manner >= 6  # takes one operand less from the stack
        taken = self.stack[max(0, len(self.stack) - count + beside) :]
        operands: list[Operand] = list(taken)
        domain = primitive.domain * (count // len(primitive.domain))
        while len(operands) < count:
            operands.append(self.filling(fill, manner, operands, domain[len(operands)]))
        if manner % 2 and primitive.arity:
            operands.reverse()
        if not any(isinstance(p, int) for p in operands):
            operands[0] = self.input(0, domain[0])
        if primitive.name == "where" and manner >= 2 and self.dialect.tests and len(self.made) + 1 < self.dialect.size:
            test = self.dialect.tests[manner % len(self.dialect.tests)]
            place = self.step(test, (operands[0], operands[2]))
            operands[0] = operands[0] if place is None else place
        place = self.step(primitive, operands)
        if place is None:
            fitting = [self.fitting(p, interval) for p, interval in zip(operands, domain, strict=True)]
            place = self.step(primitive, fitting)
        if place is not None:
            del self.stack[len(self.stack) - len(taken) :]
            self.stack.append(place)

    def filling(self, fill: int, manner: int, operands: Sequence[Operand], domain: Interval) -> Operand:
        """An operand for which nothing is taken from the stack."""
        if fill == 1:
            return self.constant(len(operands) % CONSTANTS)
        if (fill == 2 or (fill == 3 and manner >= 4)) and (operands or self.made):
            return self.shared(manner, operands)
        return self.input((manner + len(operands)) % self.dialect.inputs if fill == 3 else 0, domain)

    def shared(self, manner: int, operands: Sequence[Operand]) -> Operand:
        """What is used already, or will be."""
        if operands and (manner < 2 or not self.made):
            return operands[-1]
        if (
            operands and manner % 4 > 1 and operands[-1] in self.made
        ):  # beside a result what it was made of, as in x / sum
            below: Operand = self.made[int(operands[-1])].operands[0]
            return below
        if manner < 7:
            return max(self.made, key=lambda p: (self.users[p], p))
        return list(self.made)[-2:][0]

    def step(self, primitive: Primitive, operands: Sequence[Operand | None]) -> int | None:
        """The place of a new result; None if it is not calm there."""
        places = [p for p in operands if p is not None]
        if len(places) < len(operands):
            return None
        xs = [self.data[p] if isinstance(p, int) else p for p in places]
        varies = [isinstance(p, int) and self.varies[p] for p in places]
        z = value_at(primitive, xs)
        if self.dialect.finite and not moderate(z):
            return None
        seen = look(primitive, xs, varies)
        if self.dialect.finite and not (seen.calm or self.dialect.near_kinks):
            return None
        place = self.place(z, varies=any(varies) and not seen.flat)
        self.made[place] = ProgramStep(primitive, tuple(places))
        for p in set(places):
            if isinstance(p, int):
                self.users[p] += 1
        return place

    def place(self, x: float, *, varies: bool) -> int:
        """A new place, for an input or a result."""
        self.data.append(x)
        self.varies.append(varies)
        self.users.append(0)
        return len(self.data) - 1

    def fitting(self, operand: Operand, domain: Interval) -> Operand | None:
        """The operand, or one that lies in the domain."""
        low, high = domain
        if low < (self.data[operand] if isinstance(operand, int) else operand) < high:
            return operand
        near = [p for p in reversed(range(len(self.data))) if low < self.data[p] < high]
        if near:
            return near[0]
        free = [i for i in range(self.dialect.inputs) if i not in self.inputs]
        return self.input(free[0], domain) if free else None

    # --- numbers --------------------------------------------------------------------------------

    def input(self, i: int, domain: Interval = REALS) -> int:
        """The place of an input, which is made when it is first asked for."""
        if i not in self.inputs:
            self.inputs[i] = self.place(self.number(i, domain), varies=True)
        return self.inputs[i]

    def constant(self, i: int) -> float:
        """One of the constants."""
        return self.number(self.dialect.inputs + i, REALS)

    def number(self, i: int, domain: Interval) -> float:
        """A number, of its three bytes."""
        kind, a, b = self.numbers[i]
        digits = 256 * a + b
        sign = -1 if kind % 2 else 1
        x: float
        if kind < 64:
            fit = [x for x in SIMPLE if domain[0] < x < domain[1]] or [0.5]
            x = fit[(scaled(a, 256, len(fit)) + (i >= self.dialect.inputs)) % len(fit)]  # a constant is no tie
        elif kind < 112:
            x = sign * (1 + digits) / 10_000
        elif kind < 144 and not self.dialect.finite:
            x = EXTREMES[a * len(EXTREMES) // 256]
        elif kind < 144 and self.dialect.near_kinks:
            x = self.special(a, b, domain)
        else:
            first, last = DECADES if self.dialect.finite else ALL_DECADES
            lowest = 144 if self.dialect.near_kinks or not self.dialect.finite else 112
            spread = scaled((kind - lowest) // 2 * 256 + a, (256 - lowest) // 2 * 256, last - first + 1)
            x = sign * float(f"{1000 + 35 * b}e{first + spread - 3}")
        if not self.dialect.finite:
            return x
        return within(x, domain, 0.0 if self.dialect.near_kinks else 2 * MARGIN)

    def special(self, a: int, b: int, domain: Interval) -> float:
        """A kink, an end, a number that is there already, or the next one beside it."""
        near = [x for x in (0.0, 1.0, -1.0, *domain, *self.data[-3:]) if abs(x) <= LARGEST]
        x = near[a * len(near) // 256]
        return x if b < 128 else math.nextafter(x, math.copysign(math.inf, b - 192)) if b % 2 else x + (b - 192) * 1e-6


def within(x: float, domain: Interval, margin: float) -> float:
    """The number if it lies in the domain, off its ends; else one that does."""
    low, high = domain
    first = low + margin * max(1.0, abs(low)) if low > -math.inf else low
    last = high - margin * max(1.0, abs(high)) if high < math.inf else high
    if first <= x <= last:
        return x
    if low > -math.inf and high < math.inf:
        share = abs(x) / (abs(x) + 0.5)
        return low * (1 - share) + high * share
    return low + max(abs(x), first - low) if low > -math.inf else high - max(abs(x), high - last)


def expression(machine: Machine, kept: int, merged: bool = False, rounded: bool = False) -> Expression | None:  # noqa: FBT001, FBT002
    """The result that needs the most steps, with all that it depends on, inputs first.

    Of these steps the last ones are kept. What they take of earlier ones becomes an input with the same
    number: so a failure that needs a certain number sheds the steps that led to it. None if there would
    be too many inputs, or a step between two kinks would be at one of them now.

    Args:
        machine: What ran.
        kept: How many steps are kept.
        merged: Whether all inputs become one, so that a failure sheds those that it does not need.
        rounded: Whether inputs get a single digit.
    """
    made = machine.made
    below: dict[int, set[int]] = {}
    for place, step in made.items():
        below[place] = {place}.union(*(below.get(p, {p}) for p in step.operands if isinstance(p, int)))
    needed = sorted(max(below.values(), key=lambda places: sum(place in made for place in places)))
    steps = [place for place in needed if place in made]
    leaves = [place for place in needed if place not in made]
    if kept < len(steps):
        steps = steps[-kept:]
        leaves = sorted({p for place in steps for p in made[place].operands if isinstance(p, int)}.difference(steps))
        smooth = machine.dialect.finite and not machine.dialect.near_kinks
        if smooth and not all(machine.varies[p] for p in leaves):
            return None
    elif len(steps) > 1:
        merged = rounded = False  # lower bytes do that, and never at the price of more steps
    numbers = [machine.data[place] for place in leaves]
    if rounded:
        numbers = list(map(of_one_digit, numbers))
    if merged:
        numbers = [max(numbers, key=abs)] * len(numbers)
    if merged or rounded:
        simpler = replayed(machine, steps, dict(zip(leaves, numbers, strict=True)), merged=merged)
        if simpler is not None:
            return simpler
    return None if len(leaves) > machine.dialect.inputs else _of(machine, leaves, steps)


def _of(machine: Machine, leaves: Sequence[int], steps: Sequence[int]) -> Expression:
    moved = {place: i for i, place in enumerate([*leaves, *steps])}
    return Expression(
        tuple(
            ProgramStep(primitive, tuple(moved[p] if isinstance(p, int) else p for p in operands))
            for primitive, operands in map(machine.made.__getitem__, steps)
        ),
        tuple(machine.data[place] for place in leaves),
    )


def replayed(machine: Machine, steps: Sequence[int], numbers: dict[int, float], *, merged: bool) -> Expression | None:
    """The same steps on other inputs; None if one of them would not be calm there.

    Args:
        machine: What ran.
        steps: The places of the steps.
        numbers: The inputs, by their places.
        merged: Whether all of them are one.
    """
    again = Machine(machine.dialect, bytes(head(machine.dialect.inputs)))
    moved: dict[int, int] = {}
    for place, x in numbers.items():
        moved[place] = 0 if merged and moved else again.place(x, varies=True)
    count = len(again.data)
    for place in steps:
        primitive, operands = machine.made[place]
        new = again.step(primitive, [moved[p] if isinstance(p, int) else p for p in operands])
        if new is None:
            return None
        moved[place] = new
    return _of(again, range(count), list(again.made)) if count <= machine.dialect.inputs else None


def of_one_digit(x: float) -> float:
    """A number rounded away from 0, to its first digit."""
    if not math.isfinite(x) or x == 0:
        return x
    digits = float(f"{x:.0e}")
    next_one = float(f"{x + math.copysign(10.0 ** math.floor(math.log10(abs(x))), x):.0e}") if abs(x) > 1e-300 else x
    return digits if abs(digits) >= abs(x) else next_one
