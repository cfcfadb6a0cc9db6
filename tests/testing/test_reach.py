"""What `expressions()` reaches within a thousand draws, and what its failures shrink to."""

import math
from collections import Counter
from functools import cache
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings

from autograd_core._src.engine.provenance import COMPARISONS
from autograd_core._src.testing.random_programs.programs import value_at
from autograd_core.testing import expressions

PLENTY = settings(
    max_examples=1000,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


OFTEN = 5  # of a thousand; docs/checking.md has the figures


@cache
def drawn(options=(), start=0):
    """A thousand programs."""
    programs = []

    @seed(start)
    @PLENTY
    @given(expressions(**dict(options)))
    def gather(f):
        programs.append(f)

    gather()
    return programs


# --- questions to a program ---------------------------------------------------------------------


class Graph:
    """A program, with what its steps do."""

    def __init__(self, f):
        self.inputs = f.inputs
        self.first = len(f.inputs)
        self.steps = dict(enumerate(f.steps, self.first))
        self.ops = [step.primitive.name for step in f.steps]
        self.data = list(f.inputs)
        for place, step in self.steps.items():
            assert place == len(self.data)
            self.data.append(value_at(step.primitive, [self.data[p] if isinstance(p, int) else p for p in step.operands]))
        self.users = Counter(p for step in f.steps for p in set(step.operands) if isinstance(p, int))

    def op(self, place):
        return self.steps[place].primitive.name if place in self.steps else None

    def has(self, *chain):
        """Whether operations stand one in another, the outermost first."""
        return any(self._below(place, chain) for place in self.steps)

    def _below(self, place, chain):
        if self.op(place) != chain[0]:
            return False
        operands = [p for p in self.steps[place].operands if isinstance(p, int)]
        return len(chain) == 1 or any(self._below(p, chain[1:]) for p in operands)

    def with_operands(self, name):
        return [(place, step.operands) for place, step in self.steps.items() if step.primitive.name == name]

    def reach(self, place):
        """A place, and all that it depends on."""
        seen, todo = set(), [place]
        while todo:
            p = todo.pop()
            if isinstance(p, int) and p not in seen:
                seen.add(p)
                todo += self.steps[p].operands if p in self.steps else ()
        return seen

    def depth(self):
        levels = {}
        for place, step in self.steps.items():
            levels[place] = 1 + max(levels.get(p, 0) if isinstance(p, int) else 0 for p in step.operands)
        return max(levels.values())


def same(g, name):
    return any(isinstance(a, int) and a == b for _, (a, b) in g.with_operands(name))


def two_paths(g):
    """A result with two users that meet again."""
    for place in g.steps:
        ups = [p for p, step in g.steps.items() if place in step.operands]
        for top, step in g.steps.items():
            if sum(any(u in g.reach(p) for p in step.operands) for u in ups if u != top) >= 2 and top not in ups:
                return True
    return False


def in_two_levels(g):
    """A shared result below another shared one."""
    shared = [p for p in g.steps if g.users[p] >= 2]
    return any(p != q and p in g.reach(q) for p in shared for q in shared)


PATTERNS = {
    "tanh of exp": lambda g: g.has("tanh", "exp"),
    "exp of log": lambda g: g.has("exp", "log"),
    "log of exp": lambda g: g.has("log", "exp"),
    "sqrt of square": lambda g: g.has("sqrt", "square"),
    "sin of cos": lambda g: g.has("sin", "cos"),
    "three products": lambda g: g.ops.count("mul") >= 3,
    "a product of products": lambda g: g.has("mul", "mul", "mul"),
    "a square by sharing": lambda g: same(g, "mul"),
    "x - x": lambda g: same(g, "sub"),
    "x / x": lambda g: same(g, "div"),
    "a result with three users": lambda g: any(g.users[p] >= 3 for p in g.steps),
    "an input with four users": lambda g: any(g.users[p] >= 4 for p in range(g.first)),
    "fan-out in two levels": in_two_levels,
    "a diamond": two_paths,
    "a choice by a comparison": lambda g: any(g.has("where", name) for name in COMPARISONS),
    "a choice by a comparison of what is chosen": lambda g: any(
        g.op(c) in COMPARISONS and {a, b} & set(g.steps[c].operands) for _, (c, a, b) in g.with_operands("where")
    ),
    "a power with a common base and exponent": lambda g: any(
        isinstance(a, int) and isinstance(b, int) and g.reach(a) & g.reach(b) for _, (a, b) in g.with_operands("pow")
    ),
    "a quotient by a function of its numerator": lambda g: any(
        isinstance(a, int) and isinstance(b, int) and a != b and a in g.reach(b) for _, (a, b) in g.with_operands("div")
    ),
    "a sum of four": lambda g: any(len(set(operands)) >= 4 for _, operands in g.with_operands("sum")),
    "a product of a sequence with a shared operand": lambda g: any(
        len(set(operands)) < len(operands) for _, operands in g.with_operands("prod")
    ),
    "a dot product of computed vectors": lambda g: any(
        len(operands) >= 4 and any(p in g.steps for p in operands) for _, operands in g.with_operands("dot")
    ),
    "logsumexp of three": lambda g: any(len(set(operands)) >= 3 for _, operands in g.with_operands("logsumexp")),
    "a share of a total": lambda g: any(
        g.op(b) in {"sum", "add"} and a in g.steps[b].operands
        for _, (a, b) in g.with_operands("div")
        if isinstance(a, int) and isinstance(b, int)
    ),
    "a chain of eight": lambda g: g.depth() >= 8,
    "one operation thrice in a row": lambda g: any(g.has(name, name, name) for name in set(g.ops)),
    "an exponential of a product": lambda g: g.has("exp", "mul"),
    "a logarithm of a sum": lambda g: g.has("log", "add") or g.has("log", "sum"),
    "a constant operand": lambda g: any(isinstance(p, float) for step in g.steps.values() for p in step.operands),
    "an exponent that is constant": lambda g: any(isinstance(b, float) for _, (a, b) in g.with_operands("pow")),
    "three inputs that all matter": lambda g: g.first == 3,
    "tiny times large": lambda g: any(
        min(sizes) < 1e-6 and max(sizes) > 10
        for _, operands in g.with_operands("mul")
        if (sizes := [abs(g.data[p]) if isinstance(p, int) else abs(p) for p in operands])
    ),
    "twelve operations": lambda g: len(g.ops) == 12,
}
TIED = {
    "a maximum of equal numbers": lambda g: any(
        len({g.data[p] if isinstance(p, int) else p for p in operands}) == 1
        for _, operands in g.with_operands("maximum")
    ),
    "the largest twice": lambda g: any(
        [g.data[p] if isinstance(p, int) else p for p in operands].count(g.data[place]) > 1
        for place, operands in g.with_operands("max")
    ),
    "clip at a bound": lambda g: any(
        (g.data[x] if isinstance(x, int) else x) in [g.data[p] if isinstance(p, int) else p for p in bounds]
        for _, (x, *bounds) in g.with_operands("clip")
    ),
    "relu at its corner": lambda g: any(g.data[p] == 0 for _, (p,) in g.with_operands("relu")),
    "beside a corner": lambda g: any(0 < abs(g.data[p]) < 1e-4 for _, (p,) in g.with_operands("relu")),
    "a comparison of equal numbers": lambda g: any(
        len({g.data[p] if isinstance(p, int) else p for p in operands}) == 1
        for name in COMPARISONS
        for _, operands in g.with_operands(name)
    ),
}
WILD = {
    "a subnormal input": lambda g: any(0 < abs(x) < 2.0**-1022 for x in g.inputs),
    "huge times tiny": lambda g: any(
        min(sizes) < 1e-100 and max(sizes) > 1e100
        for _, operands in g.with_operands("mul")
        if (sizes := [abs(g.data[p]) if isinstance(p, int) else abs(p) for p in operands])
    ),
    "an infinite input": lambda g: any(map(math.isinf, g.inputs)),
    "NaN": lambda g: any(map(math.isnan, g.inputs)),
    "-0.0": lambda g: any(x == 0 and math.copysign(1, x) < 0 for x in g.inputs),
    "an overflow": lambda g: any(
        math.isinf(g.data[p]) and all(math.isfinite(g.data[q]) for q in step.operands if isinstance(q, int))
        for p, step in g.steps.items()
    ),
    "an underflow": lambda g: any(0 < abs(x) < 2.0**-1022 for x in g.data[g.first :]),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_found(name):
    assert sum(PATTERNS[name](Graph(f)) for f in drawn()) >= OFTEN


@pytest.mark.parametrize("name", TIED)
def test_a_tie_is_found_where_it_may_be(name):
    assert any(TIED[name](Graph(f)) for f in drawn((("near_kinks", True),)))


@pytest.mark.parametrize("name", WILD)
def test_any_number_is_found_where_it_may_be(name):
    assert any(WILD[name](Graph(f)) for f in drawn((("finite", False),)))


# --- what failures shrink to --------------------------------------------------------------------


def shared(g, count):
    return any(g.users[p] >= count for p in g.steps)


# options, the property that fails, how many steps the smallest graph has, and how many inputs
FAILURES = {
    "contains sin": ({}, lambda g: g.has("sin"), 1, 1),
    "contains relu": ({}, lambda g: g.has("relu"), 1, 1),
    "contains a power": ({}, lambda g: g.has("pow"), 1, 1),
    "contains a choice": ({}, lambda g: g.has("where"), 1, 1),
    "contains logsumexp": ({}, lambda g: g.has("logsumexp"), 1, 1),
    "contains acosh": ({}, lambda g: g.has("acosh"), 1, 1),
    "tanh of exp": ({}, lambda g: g.has("tanh", "exp"), 2, 1),
    "exp of log": ({}, lambda g: g.has("exp", "log"), 2, 1),
    "exp somewhere above tanh": (
        {},
        lambda g: any(g.op(q) == "tanh" for p, _ in g.with_operands("exp") for q in g.reach(p)),
        2,
        1,
    ),
    "three products": ({}, lambda g: g.ops.count("mul") >= 3, 3, 1),
    "a choice by a comparison": ({}, PATTERNS["a choice by a comparison"], 2, 1),
    "x - x": ({}, PATTERNS["x - x"], 1, 1),
    "two users": ({}, lambda g: shared(g, 2), 3, 1),
    "three users": ({}, lambda g: shared(g, 3), 4, 1),
    "a diamond": ({}, two_paths, 4, 2),
    "above 50": ({}, lambda g: g.data[-1] > 50, 1, 1),
    "a sum above 10": ({}, lambda g: any(g.op(p) == "add" and g.data[p] > 10 for p in g.steps), 1, 1),
    "a node above 100": ({}, lambda g: any(x > 100 for x in g.data), 1, 1),
    "below -50": ({}, lambda g: g.data[-1] < -50, 1, 2),
    "fan-out in two levels": ({}, in_two_levels, 4, 1),
    "nine operations": ({}, lambda g: len(g.ops) >= 9, 9, 1),
    "eight in a chain": ({}, lambda g: g.depth() >= 8, 8, 1),
    "two inputs": ({}, lambda g: g.first >= 2, 1, 2),
    "a constant": ({}, PATTERNS["a constant operand"], 1, 1),
    "above 100": ({}, lambda g: g.data[-1] > 100, 1, 1),
    "below -10": ({}, lambda g: g.data[-1] < -10, 1, 1),
    "five different operations": ({}, lambda g: len(set(g.ops)) >= 5, 5, 1),
    "a sum of four": ({}, lambda g: any(len(p) >= 4 for _, p in g.with_operands("sum")), 1, 1),
    "a maximum of equal numbers": ({"near_kinks": True}, TIED["a maximum of equal numbers"], 1, 1),
    "relu at its corner": ({"near_kinks": True}, TIED["relu at its corner"], 1, 1),
    "clip at a bound": ({"near_kinks": True}, TIED["clip at a bound"], 1, 1),
    "an overflow": ({"finite": False}, WILD["an overflow"], 1, 1),
    "above 1e10": ({"finite": False}, lambda g: math.inf > g.data[-1] > 1e10, 1, 1),
    "huge times tiny": ({"finite": False}, WILD["huge times tiny"], 1, 2),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_shrinks_to_the_smallest_graph(name):
    options, fails, steps, inputs = FAILURES[name]
    shrinking = settings(PLENTY, phases=[Phase.generate, Phase.shrink])
    f = find(expressions(**options), lambda f: fails(Graph(f)), settings=shrinking, random=Random(1))
    assert len(f.steps) <= steps
    assert len(f.inputs) <= inputs


def test_all_but_few_draws_are_distinct_and_most_share():
    programs = drawn()
    # Hypothesis repeats some draws to vary them, how many hangs on what modules are loaded: 938 to 987 were seen.
    assert len({(f.steps, f.inputs) for f in programs}) > 900
    assert sum(shared(Graph(f), 2) for f in programs) > 450
    nodes = [(g.users[p] >= 3) for g in map(Graph, programs) for p in range(len(g.data))]
    assert sum(nodes) > 0.03 * len(nodes)


def test_inputs_have_all_magnitudes():
    """Every decade from 1e-12 to 1000 has its share."""
    decades = Counter(math.floor(math.log10(abs(x))) for f in drawn() for x in f.inputs if x)
    assert all(decades[k] >= 5 for k in range(-12, 3))
    wild = Counter(
        math.frexp(x)[1] // 200 for f in drawn((("finite", False),)) for x in f.inputs if x and abs(x) < math.inf
    )
    assert all(wild[k] >= 5 for k in range(-5, 5))
