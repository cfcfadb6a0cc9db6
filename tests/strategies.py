"""Random programs over the differentiable operations, and references that share no rule with the library.

A program is a list of instructions; each names an operation and the places of its operands among
the inputs and earlier results, so results are shared at random. One program runs in any library:
`run(program, functions, inputs)` takes the functions by name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import mpmath
from hypothesis import settings
from hypothesis import strategies as st

import autograd_core as ag


def inside(primitive, xs):
    """Operands within a primitive's domain: those given, moved away from an end of it where they are beyond."""
    if primitive.arity is None:
        return xs
    ends = zip(xs, primitive.domain, strict=True)
    return tuple(x if low < x < high else low + x if math.isfinite(low) else high - x for x, (low, high) in ends)


def examples(count, **options):
    """Settings of a test whose examples take long: as many as said where others have 200, in proportion elsewhere.

    So the profiles of `conftest.py` hold for these tests, too: a quarter by default, all in `.ci/run`.
    """
    return settings(max_examples=max(3, count * settings.default.max_examples // 200), **options)


# An operation reads earlier results only, by place. Those with a domain are put inside of it, so
# that every program is finite and smooth at its point.
SMOOTH = {
    "add": lambda m, x, y: x + y,
    "sub": lambda m, x, y: x - y,
    "mul": lambda m, x, y: x * y,
    "div": lambda m, x, y: x / (y * y + 1),
    "rdiv": lambda m, x: 1 / (2 + x * x),
    "rsub": lambda m, x: 3 - x,
    "neg": lambda m, x: -x,
    "pow": lambda m, x, y: (1 + x * x) ** m.tanh(y),
    "rpow": lambda m, x: 2 ** m.tanh(x),
    "cube": lambda m, x: x**3,
    "exp": lambda m, x: m.exp(m.sin(x)),
    "expm1": lambda m, x: m.expm1(m.cos(x)),
    "log": lambda m, x: m.log(2 + m.sin(x)),
    "log1p": lambda m, x: m.log1p(x * x),
    "sqrt": lambda m, x: m.sqrt(1 + x * x),
    "sin": lambda m, x: m.sin(x),
    "cos": lambda m, x: m.cos(x),
    "tanh": lambda m, x: m.tanh(x),
    "sinh": lambda m, x: m.sinh(m.sin(x)),
    "cosh": lambda m, x: m.cosh(m.sin(x)),
    "atan": lambda m, x: m.atan(x),
    "asinh": lambda m, x: m.asinh(x),
    "atan2": lambda m, x, y: m.atan2(x, 1 + y * y),
    "hypot": lambda m, x, y: m.hypot(x, 1 + y * y),
    "erf": lambda m, x: m.erf(x),
    "sigmoid": lambda m, x: m.sigmoid(x),
    "softplus": lambda m, x: m.softplus(x),
    "silu": lambda m, x: m.silu(x),
    "gelu": lambda m, x: m.gelu(x),
    "sum": lambda m, x, y: m.sum([x, y, x, 1.5]),
    "dot": lambda m, x, y: m.dot([x, y, 2.0], [y, x, x]),
    "mean": lambda m, x, y: m.mean([x, y, y]),
    "prod": lambda m, x, y: m.prod([x, y, m.sin(x)]),
    "norm": lambda m, x, y: m.norm([x, y, 1.0]),
    "logsumexp": lambda m, x, y: m.logsumexp([x, y, x - y]),
}
# These have kinks; `margin` is how far the operands must be from one.
KINKED = {
    "abs": (lambda m, x: m.abs(x), lambda x: abs(x)),
    "relu": (lambda m, x: m.relu(x), lambda x: abs(x)),
    "leaky_relu": (lambda m, x: m.leaky_relu(x, 0.1), lambda x: abs(x)),
    "elu": (lambda m, x: m.elu(x, 0.5), lambda x: abs(x)),
    "maximum": (lambda m, x, y: m.maximum(x, y), lambda x, y: abs(x - y)),
    "minimum": (lambda m, x, y: m.minimum(x, y), lambda x, y: abs(x - y)),
    "where": (lambda m, x, y: m.where(x > y, m.sin(x), y * y), lambda x, y: abs(x - y)),
    "clip": (lambda m, x: m.clip(x, -1.0, 1.0), lambda x: min(abs(x - 1), abs(x + 1))),
    "max": (lambda m, x, y: m.max([x, y]), lambda x, y: abs(x - y)),
    "min": (lambda m, x, y: m.min([x, y]), lambda x, y: abs(x - y)),
}
OPERATIONS = SMOOTH | {name: rule for name, (rule, _) in KINKED.items()}
MARGIN = 1e-3
LARGEST = 50.0


@dataclass(frozen=True)
class Program:
    """Instructions `(operation, places of operands)` and a point at which all results are moderate."""

    steps: tuple[tuple[str, tuple[int, ...]], ...]
    point: tuple[float, ...]

    @property
    def smooth(self) -> bool:
        return all(name in SMOOTH for name, _ in self.steps)


def run(program: Program, functions, inputs):
    """The results of all instructions, in one library; the last one is the program's value."""
    results = list(inputs)
    for name, places in program.steps:
        results.append(OPERATIONS[name](functions, *(results[i] for i in places)))
    return results


def value_of(program: Program, functions=ag):
    """The program as a function of a list."""
    return lambda inputs: run(program, functions, inputs)[-1]


numbers = st.floats(-3, 3, allow_subnormal=False).map(lambda x: round(x, 3))


@st.composite
def programs(draw, *, max_steps=12, smooth=False, operations=None):
    """Programs built up step by step: what would be large or at a kink is not added."""
    point = draw(st.lists(numbers, min_size=1, max_size=4))
    names = sorted(operations or (SMOOTH if smooth else OPERATIONS))
    results, steps = list(point), []
    for _ in range(draw(st.integers(1, max_steps))):
        name = draw(st.sampled_from(names))
        rule = OPERATIONS[name]
        # The latest results are drawn more often, or most would never be used.
        place = st.integers(0, len(results) - 1).map(lambda i, n=len(results): n - 1 - i)
        places = tuple(draw(place) for _ in range(rule.__code__.co_argcount - 1))
        xs = [results[i] for i in places]
        if name in KINKED and KINKED[name][1](*xs) < MARGIN:
            continue
        z = rule(ag, *xs)
        if abs(z) <= LARGEST:
            steps.append((name, places))
            results.append(z)
    if not steps:
        steps = [("sin", (0,))]
    return Program(tuple(steps), tuple(point))


class HighPrecision:
    """The operations in mpmath, written anew: none of the library's rules is used."""

    def __init__(self, digits: int = 60) -> None:
        self.mp = mp = mpmath.MPContext()
        mp.dps = digits
        for name in "exp expm1 log log1p sqrt sin cos tanh sinh cosh atan asinh atan2 hypot erf".split():
            setattr(self, name, getattr(mp, name))

    abs, max, min = staticmethod(abs), staticmethod(max), staticmethod(min)
    maximum, minimum = staticmethod(max), staticmethod(min)

    def sigmoid(self, x):
        return 1 / (1 + self.mp.exp(-x))

    def softplus(self, x):
        return self.mp.log(1 + self.mp.exp(x))

    def silu(self, x):
        return x * self.sigmoid(x)

    def gelu(self, x):
        return x * self.mp.ncdf(x)

    def relu(self, x):
        return x if x > 0 else self.mp.mpf(0)

    def leaky_relu(self, x, slope):
        return x if x > 0 else slope * x

    def elu(self, x, alpha):
        return x if x > 0 else alpha * (self.mp.exp(x) - 1)

    def where(self, condition, a, b):
        return a if condition else b

    def clip(self, x, low, high):
        return min(max(x, low), high)

    def sum(self, xs):
        return self.mp.fsum(xs)

    def dot(self, w, x):
        return self.mp.fsum(a * b for a, b in zip(w, x, strict=True))

    def mean(self, xs):
        return self.mp.fsum(xs) / len(xs)

    def prod(self, xs):
        return self.mp.fprod(xs)

    def norm(self, xs):
        return self.mp.sqrt(self.mp.fsum(x * x for x in xs))

    def logsumexp(self, xs):
        return self.mp.log(self.mp.fsum(self.mp.exp(x) for x in xs))


def exact_gradient(f, point, *, reference=None):
    """Central differences of `f(reference, xs)` with 60 digits and a step of 1e-20: right to some 35 digits."""
    m = reference or HighPrecision()
    xs = [m.mp.mpf(x) for x in point]
    h = m.mp.mpf(10) ** -20

    def slope(j):
        up, down = ([x + (s if i == j else 0) for i, x in enumerate(xs)] for s in (h, -h))
        return (f(m, up) - f(m, down)) / (2 * h)

    return [float(slope(j)) for j in range(len(xs))]


def exact_hessian(f, point):
    """Second central differences with 60 digits: right to some 20 digits."""
    m = HighPrecision()
    xs = [m.mp.mpf(x) for x in point]
    h = m.mp.mpf(10) ** -15
    n = len(xs)

    def at(*moves):
        ys = list(xs)
        for j, s in moves:
            ys[j] = ys[j] + s * h
        return f(m, ys)

    def entry(j, k):
        return float((at((j, 1), (k, 1)) - at((j, 1), (k, -1)) - at((j, -1), (k, 1)) + at((j, -1), (k, -1))) / (4 * h * h))

    return [[entry(j, k) for k in range(n)] for j in range(n)]


# Each of at most some fifty roundings moves a result by 1e-16 of the largest number it is made of;
# a wrong rule moves it by far more than 1e-8 of that.
TOLERANCE = 1e-8


def scale_of(root) -> float:
    """The largest |d root / d node * node| of a graph: what rounding errors are relative to."""
    nodes = ag.topological_order(root)
    slopes = ag.grad_of(root, nodes)
    return max(1.0, max(abs(g) * max(1.0, abs(v.data)) for g, v in zip(slopes, nodes, strict=True)))


def close(a, b, scale=1.0) -> bool:
    """Whether two numbers, or two lists of them, are the same but for rounding."""
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(close(x, y, scale) for x, y in zip(a, b, strict=True))
    return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE * scale)
