"""Random programs, made step by step while they are run in NumPy's doubles; shares nothing with the library's own.

Program k of a seed is the same for ever, so a campaign can stop and go on at any k. There are three
tempers: *tame* programs stay within everyday numbers, *kinky* ones compute with few small integers, so that
ties, kinks and zeros come up, and *wild* ones take whatever a double can be.
"""

from __future__ import annotations

import math
import random
import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from wild_rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEMPERS = {"tame": 5, "wild": 3, "kinky": 2}
FREQUENT = ["add", "sub", "mul", "div", "sum", "dot", "where", "lt", "ge", "tanh", "exp", "log", "pow", "maximum"]
WILD = [
    0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 3.0, 1e-5, 1e5, 1e-8, 1e8, 1e16, -1e16, 1e100, -1e100, 1e-100, 1e154,
    1e155, -1e155, 1e-155, 1e300, -1e300, 1e-300, 1.7976931348623157e308, -1.7976931348623157e308,
    2.2250738585072014e-308, 5e-324,
    -5e-324, 1e-310, -1e-315, 2.0**53, 2.0**53 + 2, 2.0**-53, 1 + 2.0**-52, 1 - 2.0**-53, math.inf, -math.inf, math.nan,
    709.0, 710.0, -745.0, -746.0, 36.0, -38.0, 20.0, math.pi, math.pi / 2, math.e, 1e22,
]  # fmt: skip
ALMOST = 2.0**-40
TRIES = 6


class Step(NamedTuple):
    """One operation; an int among the operands is a place (inputs first, then steps), a float a literal."""

    name: str
    operands: tuple[int | float, ...]


class Program(NamedTuple):
    """Inputs, and steps of which the last one is the result."""

    inputs: tuple[float, ...]
    steps: tuple[Step, ...]
    temper: str = ""

    def lines(self) -> Iterator[str]:
        """The steps as Python."""
        n = len(self.inputs)
        for k, (name, operands) in enumerate(self.steps):
            xs = [place(p, n) if isinstance(p, int) else written(p) for p in operands]
            half = len(xs) // 2
            text = RULES[name].text
            text = text.replace("{half}", ", ".join(xs[:half])).replace("{rest}", ", ".join(xs[half:]))
            yield f"v{k} = {text.replace('{}', ', '.join(xs)).format(*xs)}"

    def function(self, name: str = "f") -> str:
        """Source of a function of a list of inputs that returns all nodes."""
        n = len(self.inputs)
        head = f"[{', '.join(place(i, n) for i in range(n))}] = xs"
        nodes = ", ".join(f"v{k}" for k in range(len(self.steps)))
        return "\n    ".join([f"def {name}(xs):", head, *self.lines(), f"return [{nodes}]\n"])

    def __str__(self) -> str:
        n = len(self.inputs)
        names = [place(i, n) for i in range(n)]
        return "\n".join(
            [
                "import autograd_core as ag",
                *(["from math import inf, nan"] if "inf" in repr(self) or "nan" in repr(self) else []),
                *(f"{x} = ag.Value({written(v)})" for x, v in zip(names, self.inputs, strict=True)),
                *self.lines(),
                f"v{len(self.steps) - 1}.backward()",
                f"print(v{len(self.steps) - 1}.data, {', '.join(f'{x}.grad' for x in names)})",
            ]
        )

    @property
    def size(self) -> tuple[int, int, int]:
        """What is smaller is easier to read."""
        return len(self.steps), sum(len(s.operands) for s in self.steps), len(repr(self))


def place(p: int, n: int) -> str:
    """The name of input or step p."""
    return f"x{p}" if p < n else f"v{p - n}"


def written(x: float) -> str:
    """A literal; a negative one in brackets, as -2.0 ** 2 is another number."""
    return f"({x!r})" if math.copysign(1, x) < 0 else repr(x)


def plain(name: str, xs: Sequence[float]) -> float:
    """One step in NumPy's doubles; NaN where these say nothing."""
    with np.errstate(all="ignore"):
        z = RULES[name].plain(*map(np.float64, xs))
    return math.nan if z is None else float(z)


def run(program: Program, inputs: Sequence[float] | None = None) -> list[float]:
    """All nodes in NumPy's doubles, inputs first."""
    values = [float(x) for x in (program.inputs if inputs is None else inputs)]
    for name, operands in program.steps:
        values.append(plain(name, [values[p] if isinstance(p, int) else p for p in operands]))
    return values


def number(r: random.Random, temper: str) -> float:
    """A number as the temper has it."""
    if temper == "kinky":
        return float(r.choice([-2, -1, -1, 0, 0, 1, 1, 2, 3, -0.0, 0.5]))
    if temper == "tame":
        return r.choice([r.gauss(0, 1), r.gauss(0, 3), r.uniform(0.1, 4), r.uniform(-1, 1), float(r.randint(-4, 4))])
    kind = r.random()
    if kind < 0.5:
        return r.choice(WILD)
    if kind < 0.65:
        return math.ldexp(r.choice([-1, 1]) * r.uniform(0.5, 1), r.randint(-1073, 1024))
    if kind < 0.75:
        return struct.unpack("<d", struct.pack("<Q", r.getrandbits(64)))[0]
    if kind < 0.85:
        return math.nextafter(r.choice(WILD), r.choice([-math.inf, math.inf]))
    return r.gauss(0, 10)


def operands(r: random.Random, temper: str, count: int, n: int) -> tuple[int | float, ...]:
    """Places and literals; late places are likelier, early ones come up again, and one at least is a place."""

    def one() -> int | float:
        kind = r.random()
        if kind < 0.15:
            return number(r, temper)
        return max(n - 1 - int(r.expovariate(0.4)), 0) if kind < 0.65 else r.randrange(n)

    chosen = [one() for _ in range(count)]
    if not any(isinstance(p, int) for p in chosen):
        chosen[r.randrange(count)] = r.randrange(n)
    return tuple(chosen)


def welcome(z: float, temper: str, r: random.Random) -> bool:
    """Whether a step's value is one to go on with."""
    if temper == "tame":
        return 1e-6 < abs(z) < 1e6 or (z == 0 and r.random() < 0.2)
    return not math.isnan(z) or r.random() < (0.25 if temper == "wild" else 0.02)


def generate(seed: int, k: int, names: Sequence[str], size: int = 14) -> Program:
    """Program k of a seed, over the functions of these names."""
    r = random.Random(f"{seed}/{k}")
    temper = r.choices(list(TEMPERS), TEMPERS.values())[0]
    inputs = tuple(number(r, temper) for _ in range(r.randint(1, 5)))
    favourites = [name for name in FREQUENT if name in names]
    steps: list[Step] = []
    values = list(inputs)
    for _ in range(r.randint(1, size)):
        for _ in range(TRIES):
            name = r.choice(favourites) if r.random() < 0.4 else r.choice(names)
            count = RULES[name].arity or r.choice([1, 2, 3, 3, 4, 5, 8])
            step = Step(name, operands(r, temper, count * 2 if name == "dot" else count, len(values)))
            z = plain(name, [values[p] if isinstance(p, int) else p for p in step.operands])
            if welcome(z, temper, r):
                break
        steps.append(step)
        values.append(z)
    return Program(inputs, tuple(steps), temper)


def other_inputs(program: Program, seed: int, k: int, count: int) -> list[tuple[float, ...]]:
    """More points for a program, in its temper."""
    r = random.Random(f"{seed}/{k}/points")
    return [tuple(number(r, program.temper) for _ in program.inputs) for _ in range(count)]


# --- shrinking ----------------------------------------------------------------------------------


def smaller(program: Program) -> Iterator[Program]:
    """Programs one change simpler."""
    n = len(program.inputs)
    for k in range(len(program.steps) - 1):
        yield pruned(program._replace(steps=program.steps[: k + 1]))
    values = run(program)
    for k, (_, at) in enumerate(program.steps):
        for p in dict.fromkeys(at):
            if isinstance(p, int):
                yield pruned(redirected(program, k, p))
        yield pruned(redirected(program, k, values[n + k]))
    for i, x in enumerate(program.inputs):
        for y in (0.0, 1.0, 2.0, float(round(x)) if abs(x) < 1e15 else x, float(f"{x:.2g}")):
            if repr(y) != repr(x) and len(repr(y)) <= len(repr(x)):
                yield program._replace(inputs=(*program.inputs[:i], y, *program.inputs[i + 1 :]))
    for k, (name, at) in enumerate(program.steps):
        for i, p in enumerate(at):
            if RULES[name].arity is None and name != "dot" and len(at) > 1:
                yield replaced(program, k, (*at[:i], *at[i + 1 :]))
            if isinstance(p, int) and any(isinstance(q, int) for q in (*at[:i], *at[i + 1 :])):
                yield replaced(program, k, (*at[:i], values[p], *at[i + 1 :]))
            elif not isinstance(p, int):
                for y in (0.0, 1.0, float(f"{p:.2g}")):
                    if repr(y) != repr(p) and len(repr(y)) <= len(repr(p)):
                        yield replaced(program, k, (*at[:i], y, *at[i + 1 :]))


def replaced(program: Program, k: int, at: tuple[int | float, ...]) -> Program:
    """Step k with other operands."""
    if not any(isinstance(p, int) for p in at):
        return program
    steps = (*program.steps[:k], Step(program.steps[k].name, at), *program.steps[k + 1 :])
    return pruned(program._replace(steps=steps))


def redirected(program: Program, k: int, to: float) -> Program:
    """The program with an operand in the place of step k."""
    here = len(program.inputs) + k
    steps = [
        step._replace(operands=tuple(to if p == here and isinstance(p, int) else p for p in step.operands))
        for step in program.steps
    ]
    if k == len(steps) - 1 or not all(any(isinstance(p, int) for p in step.operands) for step in steps):
        return program
    return program._replace(steps=tuple(steps))


def pruned(program: Program) -> Program:
    """Without steps and inputs that the result does not need."""
    n = len(program.inputs)
    needed, stack = set(), [n + len(program.steps) - 1]
    while stack:
        p = stack.pop()
        if p not in needed:
            needed.add(p)
            if p >= n:
                stack.extend(q for q in program.steps[p - n].operands if isinstance(q, int))
    kept = sorted(needed)
    now = {p: i for i, p in enumerate(kept)}
    steps = tuple(
        Step(s.name, tuple(now[q] if isinstance(q, int) else q for q in s.operands))
        for p, s in enumerate(program.steps, n)
        if p in needed
    )
    return Program(tuple(program.inputs[p] for p in kept if p < n), steps, program.temper)


def shrunk(program, fails, most: int = 400):
    """A smaller program that fails still."""
    tries = 0
    changed = True
    while changed and tries < most:
        changed = False
        for candidate in smaller(program):
            if candidate.size >= program.size:
                continue
            tries += 1
            if fails(candidate):
                program, changed = candidate, True
                break
            if tries >= most:
                break
    return program
