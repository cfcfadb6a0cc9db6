"""Loops over equal copies of a long program, rows of the batch in lanes: the same bits, and code that does not grow."""

import math
import random
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from comparing import bits, numbers
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
from autograd_core._src.compiler.passes.find_repeats import coarser, regions_of
from autograd_core._src.compiler.runtime import specialization

rolled = pytest.importorskip("autograd_core._src.compiler.codegen.llvm.rolled_kernel")
segments = pytest.importorskip("autograd_core._src.compiler.codegen.llvm.segments")


def heston(steps):
    """Of a stochastic volatility model: a carried state, shared parameters, two random numbers a step, a long sum."""

    def path(p, z1, z2):
        start, v, kappa, theta, xi, rho, r, strike = p
        dt = 1.0 / steps
        s, other = ag.log(start), ag.sqrt(1 - rho * rho)
        for a, b in zip(z1, z2, strict=True):
            positive = ag.maximum(v, 0.0)
            root = ag.sqrt(positive + 1e-12)
            s = s + (r - 0.5 * positive) * dt + root * dt**0.5 * a
            v = v + kappa * (theta - positive) * dt + xi * root * dt**0.5 * (rho * a + other * b)
        return ag.exp(-r) * ag.maximum(ag.exp(s) - strike, 0.0)

    return path, [[100.0, 0.04, 2.0, 0.04, 0.3, -0.7, 0.02, 100.0]], [steps, steps]


def recurrent(steps, units=3):
    """Of a recurrent net: weights that all steps share, read unit by unit."""

    def f(w, x, y):
        u, b = w[: units * units], w[units * units : units * (units + 2)]
        h = [0.0] * units
        for t in range(steps):
            h = [ag.tanh(ag.dot(u[i * units : (i + 1) * units], h) + b[i] * x[t] + b[units + i]) for i in range(units)]
        e = ag.sum(h) - y[0]
        return e * e

    rng = np.random.default_rng(0)
    return f, [rng.normal(size=units * (units + 2)).tolist()], [steps, 1]


def pendulum(steps):
    """A chain without shared operands but one; the next state reads the two before."""

    def f(k, s):
        x, before = s
        for _ in range(steps):
            x, before = 2 * x - before - k[0] * ag.sin(x), x
        return x * x + before

    return f, [[0.01]], [2]


def filtered(steps):
    """Copies with a constant of their own each, and a wide node over results of all."""
    weights = np.random.default_rng(1).normal(size=steps).tolist()

    def f(a, x):
        level, seen = a[0], []
        for w, z in zip(weights, x, strict=True):
            level = level + a[1] * (z * w - level)
            seen.append(ag.tanh(level))
        return ag.logsumexp(seen) + ag.prod(seen[:3]) + ag.max(seen)

    return f, [[0.2, 0.7]], [steps]


def apart(steps):
    """Copies that do not read each other, and a result for each."""

    def f(w, x):
        return [ag.exp(w[0] * z) * z / (1 + z * z) for z in x]

    return f, [[0.3]], [steps]


PROGRAMS = {f.__name__: f for f in (heston, recurrent, pendulum, filtered, apart)}


def made(name, steps, **options):
    f, shared, widths = PROGRAMS[name](steps)
    examples = [*shared, *([0.1 + 0.01 * k for k in range(n)] for n in widths)]
    return ag.compile(f, *examples, in_axes=(*[None] * len(shared), *[0] * len(widths)), **options), shared, widths


def both_ways(f, *calls, gradient=True):
    """The bits that the interpreter gives for each of some calls' arguments, and those of loops.

    These twice, for the second run finds what the first left. Once there is code, it is what a function uses: so the
    interpreter answers all calls first.
    """
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specialization.Specialization, "is_rolled", lambda self, layout: bool(layout.tables))
        for patience, times in ((math.inf, 1), (-1.0, 2)):
            patch.setattr(specialization, "PATIENCE", patience)
            for _ in range(times):
                answers = [f.value_and_grad(*args) if gradient else f(*args) for args in calls]
                found.append([bits(answer if gradient else list(answer)) for answer in answers])
                assert not gradient or all(bits(f(*args)) == bits(a[0]) for args, a in zip(calls, answers, strict=True))
    return found


OPTIONS = [
    {"reduce": "mean"},
    {},
    {"reduce": "sum", "argnums": 0},
    {"dtype": "float32", "reduce": "sum"},
    {"optimize": False},
]


@pytest.mark.parametrize(
    ("name", "options"),
    # There are many results of what stands apart, which have no one gradient and no sum over a batch.
    [(name, options) for name in sorted(PROGRAMS) for options in OPTIONS if name != "apart" or "reduce" not in options],
    ids=str,
)
def test_bits_are_the_interpreters(name, options):
    f, shared, widths = made(name, 12, **options)
    calls = []
    for count, odd in ((1, 0), (17, 0), (24, 0.02), (33, 0.3)):
        rng = np.random.default_rng(count)
        calls.append([*shared, *(numbers(rng, (count, n), odd=odd) for n in widths)])
    cold, *compiled = both_ways(f, *calls, gradient=name != "apart")
    assert compiled == [cold, cold]


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - {"apart"}))
def test_large_copies_are_computed_one_block_of_rows_at_a_time(name, monkeypatch):
    monkeypatch.setattr(segments, "MOST_PAIRED", 0)
    f, shared, widths = made(name, 12)
    rng = np.random.default_rng(1)
    cold, *compiled = both_ways(f, [*shared, *(numbers(rng, (33, n), odd=0) for n in widths)])
    assert compiled == [cold, cold]


@pytest.mark.parametrize("steps", [50, 63])
def test_a_dot_of_products_of_all_steps_is_straight_line_code_beside_their_loop(steps):
    f, shared, widths = made("heston", steps)
    p = f.program
    regions = segments.segments_of(p)
    dots = [x for x in regions if x.period == x.copies == 1 and p.primitives[p.codes[x.start]].name == "dot"]
    assert [len(x.kinds) > segments.MOST_PIECE for x in dots] == [True]
    assert not segments.is_wide_node(p, dots[0])
    rng = np.random.default_rng(steps)
    calls = [[*shared, *(numbers(rng, (count, n), odd=odd) for n in widths)] for count, odd in ((17, 0), (24, 0.02))]
    cold, *compiled = both_ways(f, *calls)
    assert compiled == [cold, cold]


STEPS = 220  # sums of more than 200 terms are loops
SUMS = {
    "states": lambda w, x, states: ag.sum(states),
    "two_per_step": lambda w, x, states: ag.sum([y for s, z in zip(states, x, strict=True) for y in (s * w[0], s * z)]),
    "twice_each": lambda w, x, states: ag.sum([y for s in states for y in (s, s)]),
    "before_and_behind": lambda w, x, states: ag.sum([w[0], x[0], 0.5, *states, x[1], w[0], w[1] * x[0]]),
    "read_elsewhere": lambda w, x, states: ag.sum(states) * states[7] + states[-1],
    "two_sums": lambda w, x, states: ag.sum([s * s for s in states]) / ag.sum([w[1], *(ag.exp(s) for s in states)]),
    "squares": lambda w, x, states: ag.sum([(s - z) ** 2 for s, z in zip(states, x, strict=True)]),
    "of_what_is_not_sought": lambda w, x, states: ag.sum([z * z for z in x]) * w[0] + ag.sum([w[1], *x]),
    "of_a_sum": lambda w, x, states: ag.sum([ag.sum(states), *(s * w[2] for s in states)]),
    "products": lambda w, x, states: ag.dot(states, x) + ag.mean(states),
}


@pytest.mark.parametrize("options", [{"reduce": "sum", "argnums": 0}, {}, {"optimize": False}], ids=str)
@pytest.mark.parametrize("name", sorted(SUMS))
def test_sums_over_steps(name, options):
    def f(w, x):
        state, states = w[0], []
        for z in x:
            state = ag.tanh(state * w[1] + z * w[2])
            states.append(state)
        return SUMS[name](w, x, states)

    call = ag.compile(f, [0.3, -0.7, 1.1], [0.1] * STEPS, in_axes=(None, 0), **options)
    inputs = [numbers(np.random.default_rng(1), (19, STEPS), odd=odd) for odd in (0, 0.002)]
    cold, *compiled = both_ways(call, *([[0.3, -0.7, 1.1], x] for x in inputs))
    assert compiled == [cold, cold]


def test_sums_are_added_up_by_the_loop():
    program = made("heston", 252)[0].program
    nothing = np.zeros(program.n_slots, bool)
    [[total]] = segments.totals_of(program, segments.segments_of(program), nothing, nothing).values()
    assert len(total.results) == 2
    assert len(total.before) + len(total.behind) < 20


@examples(30)
@given(seed=st.integers(0, 10**6), count=st.sampled_from([1, 7, 16, 25]), odd=st.sampled_from([0, 0.05]))
@example(seed=118, count=1, odd=0)  # the first copy gathers a slot that all of them share
def test_random_steps_repeated(seed, count, odd):
    """A step of random operations on the state, shared numbers, a number of its own and results of earlier steps."""
    choose = random.Random(seed)
    steps, plan = choose.randint(8, 20), [choose.random() for _ in range(40)]
    shared = [0.3, -0.7, 1.1, *(choose.uniform(-1, 1) for _ in range(choose.choice([0, 0, 17])))]

    def f(w, x):
        states = [w[0], x[0]]
        for t in range(steps):
            draw = iter(plan)
            known = [states[-1], states[-2], *w, x[t]]
            for _ in range(1 + int(next(draw) * 5)):
                a, b = (known[int(next(draw) * len(known))] for _ in range(2))
                operate = [ag.maximum, ag.hypot, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: ag.sin(a) + b]
                known.append(operate[int(next(draw) * len(operate))](a, b))
            states.append(ag.tanh(known[-1] + ag.dot(w[3:], [known[-1]] * len(w[3:]))) if len(w) > 3 else ag.tanh(known[-1]))
        return ag.sum(states[2:]) * states[-1] + ag.dot(states[:steps], x)

    call = ag.compile(f, shared, [0.1] * steps, in_axes=(None, 0), reduce="sum")
    x = numbers(np.random.default_rng(seed), (count, steps), odd=odd)
    cold, *compiled = both_ways(call, [shared, x])
    assert compiled == [cold, cold]


@pytest.mark.parametrize("met", [[], [(0, 1)], [(0, 2)], [(1, 2)], [(0, 1), (1, 2)], [(2, 3)], [(0, 3), (1, 2)]], ids=str)
def test_operands_of_a_copy_that_are_one_number_in_some_copy(met):
    """Each operand's products are added up and stored, where no other operand of the copy has the same slot."""
    steps = 12
    places = [list(range(k * steps, (k + 1) * steps)) for k in range(4)]
    for a, b in met:
        places[b][5] = places[a][5]

    def f(w, x):
        s = w[0]
        for a, b, c, d in zip(*places, strict=True):
            s = ag.tanh(s * w[1] + x[a] * x[b] + ag.sin(x[c]) * x[d])
        return s

    call = ag.compile(f, [0.3, 0.7], [0.1] * 4 * steps, in_axes=(None, 0))
    cold, *compiled = both_ways(call, [[0.3, 0.7], numbers(np.random.default_rng(1), (17, 4 * steps), odd=0)])
    assert compiled == [cold, cold]


@pytest.mark.parametrize("name", ["heston", "recurrent", "pendulum", "filtered"])
def test_code_does_not_grow_with_the_steps(name):
    written = {steps: segments.edges_written(made(name, steps)[0].program) for steps in (60, 240, 960)}
    assert written[240] == written[960] <= written[60] + 32


def test_units_of_a_layer_become_one_step():
    """Found unit by unit, weights come from a table; as a whole step, each weight is one slot that all copies share."""
    program = made("recurrent", 60)[0].program
    units = max(regions_of(program), key=lambda region: region.copies)
    step = coarser(program, units)
    assert step.period == 3 * units.period
    assert (step.kinds == 1).sum() >= 15  # of 9 weights, two factors and two biases for each of three units


@pytest.mark.parametrize("units", [16, 24])
def test_units_of_the_first_and_last_step_are_loops_too(units):
    """They have other operands than those of the steps between, and so are no copies of these."""
    f, shared, widths = recurrent(20, units)
    examples = [*shared, *([0.1 + 0.01 * k for k in range(n)] for n in widths)]
    made = ag.compile(f, *examples, in_axes=(None, 0, 0), reduce="mean", argnums=0)
    program = made.program
    step = max(segments.segments_of(program), key=lambda region: region.copies * region.period)
    assert segments.edges_written(program) < 1.6 * len(step.kinds)
    rows = np.random.default_rng(units).normal(size=(9, 21))
    first, *more = both_ways(made, [shared[0], rows[:, :20], rows[:, 20:]])
    assert more == [first, first]


@pytest.mark.parametrize(
    ("name", "steps", "is_rolled"),
    [("heston", 10, False), ("heston", 100, True), ("heston", 252, True), ("filtered", 1000, True)],
)
def test_when_loops_are_used(name, steps, is_rolled):
    f, shared, widths = made(name, steps, reduce="mean")
    bound = f.bind(*shared, *(np.ones((8, n)) for n in widths))
    assert isinstance(bound.runner.kernel, rolled.RolledKernel) == is_rolled


@pytest.mark.parametrize("factor", ["ROLLED_SHORT", "ROLLED_LONG"])
def test_limits_of_that_choice_are_what_they_say(factor, monkeypatch):
    """Loops are taken at each limit, and not beyond it; where rows share nothing, all that is written is in the loops."""
    f, shared, widths = made("heston", 100)
    one = f._specialization_at([*shared[0], *[0.1] * sum(widths)])
    layout, n = f._layout(one, gradient=True), len(one.program.operands)
    written = segments.edges_written(one.program)
    monkeypatch.setattr(specialization.Specialization, "is_short", factor == "ROLLED_SHORT")
    for limit, taken, refused in (
        ("MOST_AT_HAND", n - 1, n),
        ("MOST_EDGES", written, written - 1),
        (factor, Fraction(n, written), Fraction(n + 1, written)),
    ):
        for number, is_rolled in ((taken, True), (refused, False)):
            with monkeypatch.context() as patch:
                patch.setattr(specialization, limit, number)
                assert one.is_rolled(layout) == is_rolled, (limit, number)


def test_what_does_not_repeat_stays_interpreted():
    choose = random.Random(3)

    def f(x):
        known = [x, x * x]
        for _ in range(4000):
            known.append(choose.choice([ag.sin, ag.tanh, lambda a: a * known[-2], lambda a: a - 0.5])(known[-1]))
        return known[-1]

    bound = ag.compile(f, 0.3, in_axes=0).bind(np.ones(8))
    assert not hasattr(bound, "runner") or not hasattr(bound.runner, "kernel")


def test_what_all_rows_share_is_a_straight_line_and_counts():
    def f(w, x):
        penalty = ag.sum([ag.tanh(a * b) for a, b in pairwise(w)])
        state = x[0]
        for z in x:
            state = ag.tanh(state * w[0] + z)
        return state + penalty

    for shared, is_rolled in ((100, True), (4000, False)):
        call = ag.compile(f, [0.5] * shared, [0.1] * 1000, in_axes=(None, 0), reduce="mean")
        bound = call.bind([0.5] * shared, np.ones((8, 1000)))
        assert isinstance(getattr(getattr(bound, "runner", None), "kernel", None), rolled.RolledKernel) == is_rolled


def test_code_is_found_on_disk(monkeypatch):
    f, shared, widths = made("heston", 252, reduce="mean")
    args = [*shared, *(np.ones((8, n)) for n in widths)]
    f.bind(*args)
    monkeypatch.setattr(rolled.RolledWriter, "write", lambda self: pytest.fail("written anew"))
    again = made("heston", 252, reduce="mean")[0]
    assert bits(again.value_and_grad(*args)) == bits(f.value_and_grad(*args))
