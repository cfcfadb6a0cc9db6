"""Repetition within a program: what is found, and that it changes nothing but the speed."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
import nn
from autograd_core._src import compiler
from autograd_core._src.compiler.codegen.llvm.execution_plan import ExecutionPlan
from autograd_core._src.compiler.passes import find_repeats
from autograd_core._src.compiler.passes.find_repeats import LEAST_COPIES, regions_of
from autograd_core._src.compiler.tracing.lower import program_of

pytest.importorskip("llvmlite")


def rosenbrock(x):
    return ag.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])


def chained_rosenbrock(x):
    total = 0
    for a, b in pairwise(x):
        total = total + 100 * (b - a**2) ** 2 + (1 - a) ** 2
    return total


def iterated(x):
    y = x[0]
    for k in range(60):
        y = ag.sin(y * x[1]) + x[k % len(x)]
    return y


def fibonacci(x):
    """Each step reads two before it."""
    a, b = x[0], x[1]
    for _ in range(50):
        a, b = b, ag.tanh(a + 0.9 * b)
    return b


def scattered(x):
    """Operands from anywhere, some of them twice in one block of lanes."""
    rnd = random.Random(3)
    return ag.sum([ag.exp(-rnd.choice(x) * rnd.random()) * rnd.choice(x) + rnd.random() for _ in range(143)])


def backwards(x):
    """Operands that step back."""
    return ag.sum([ag.cos(a) * b + ag.exp(-a) for a, b in zip(x[::-1], x)])


def two_stages(x):
    first = [ag.tanh(a * 0.5) for a in x]
    second = [a * b + ag.sin(a) for a, b in pairwise(first)]
    return ag.prod([1 + 0.01 * s for s in second]) + ag.max(first)


def roots_of_all(x):
    return ag.sum([ag.sqrt(a) for a in x]) * ag.norm(x)


FUNCTIONS = {
    f.__name__: f
    for f in (rosenbrock, chained_rosenbrock, iterated, fibonacci, scattered, backwards, two_stages, roots_of_all)
}


def eager(f, x):
    leaves = [ag.Value(a) for a in x]
    out = f(leaves)
    out.backward()
    return out.data, [a.grad for a in leaves]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n", [33, 40, 51])
def test_regions_give_what_eager_gives(name, n):
    f, rnd = FUNCTIONS[name], random.Random(n)
    x = [rnd.uniform(0.1, 1.0) for _ in range(n)]
    compiled = compiler.compile(f, x)
    plan = compiled._specializations[0].plan
    assert plan.regions
    assert plan.share > 0.3
    call = compiled.bind(x)
    for _ in range(2):  # a second run begins with the first one's memory
        call()
        z, gradient = eager(f, call.inputs[0].tolist())
        assert call.out == pytest.approx(z, rel=1e-12)
        assert call.grads[0] == pytest.approx(gradient, rel=1e-9, abs=1e-12)
        call.inputs[0][:] = np.linspace(0.2, 0.9, n)


def test_lanes_and_steps():
    x = [0.1 * k for k in range(30)]
    [terms] = compiler.compile(rosenbrock, x)._specializations[0].plan.regions
    assert (terms.period, terms.copies, terms.parallel) == (7, 29, True)
    [chained] = compiler.compile(chained_rosenbrock, x)._specializations[0].plan.regions
    assert (chained.copies, chained.parallel) == (29, True)
    [steps] = compiler.compile(fibonacci, x)._specializations[0].plan.regions
    assert not steps.parallel


def test_an_unrolled_training_step_is_found_in_binary_code_too():
    """Neurons written with + and * become dots, and the examples become lanes."""
    model = nn.MLP(2, [4, 4, 1], seed=1)
    parameters = [p.data for p in model.parameters()]
    X, y = nn.datasets.moons(20, seed=1, labels=(-1, 1))

    def loss(weights):
        total = 0
        for row, target in zip(X, y):
            taken, h = iter(weights), row
            for nin, nout in ((2, 4), (4, 4), (4, 1)):
                h = _layer(taken, h, nin, nout)
            total = total + ag.relu(1 - target * h[0])
        return total * (1 / len(y)) + 1e-4 * sum(w * w for w in weights)

    compiled = compiler.compile(loss, parameters)
    regions = compiled._specializations[0].plan.regions
    assert [(r.copies, r.parallel) for r in regions] == [(20, True)]
    assert compiled._specializations[0].plan.share > 0.9
    call = compiled.bind(parameters)
    call()
    z, gradient = eager(loss, parameters)
    assert call.out == pytest.approx(z, rel=1e-12)
    assert call.grads[0] == pytest.approx(gradient, rel=1e-9, abs=1e-12)


def _layer(weights, h, nin, nout):
    out = []
    for _ in range(nout):
        w, b = [next(weights) for _ in range(nin)], next(weights)
        z = b
        for a, c in zip(w, h):
            z = z + a * c
        out.append(ag.relu(z) if nout > 1 else z)
    return out


@st.composite
def repeated_programs(draw):
    """A random body, repeated over shared numbers, inputs of its own, and perhaps the copy before."""
    n_steps = draw(st.integers(1, 6))
    chained = draw(st.booleans())
    ops = [draw(st.sampled_from(["add", "mul", "sin", "tanh", "div", "sub"])) for _ in range(n_steps)]
    places = [(draw(st.integers(0, 3 + k)), draw(st.integers(0, 3 + k))) for k in range(n_steps)]
    copies, stride = draw(st.integers(LEAST_COPIES, 30)), draw(st.sampled_from([0, 1, 2, -1, 7]))
    return chained, ops, places, copies, stride


@given(repeated_programs())
@examples(60)
def test_random_repetition(case):
    chained, ops, places, copies, stride = case

    def f(x):
        before, terms = x[0], []
        for k in range(copies):
            known = [x[(k * stride) % len(x)], x[(k + 1) % len(x)], x[1], before if chained else x[2]]
            for op, (i, j) in zip(ops, places):
                a, b = known[i], known[j]
                if op in ("sin", "tanh"):
                    known.append(getattr(ag, op)(a))
                else:
                    known.append({"add": a + b, "sub": a - b, "mul": a * b * 0.5, "div": a / (b * b + 1)}[op])
            before = ag.tanh(known[-1])
            terms.append(before)
        return ag.sum(terms)

    x = [0.3 + 0.1 * k for k in range(9)]
    compiled = compiler.compile(f, x)
    call = compiled.bind(x)
    call()
    z, gradient = eager(f, x)
    assert call.out == pytest.approx(z, rel=1e-10, abs=1e-10)
    assert call.grads[0] == pytest.approx(gradient, rel=1e-8, abs=1e-8)


def test_zero_wins_over_infinity_in_regions():
    def f(x):
        return ag.sum([ag.where(a > 0, ag.sqrt(a), 0.0) for a in x])

    x = [0.0 if k % 3 == 0 else float(k) for k in range(20)]
    call = compiler.compile(f, x).bind(x)
    for _ in range(2):
        call()
        assert call.grads[0].tolist() == [0.0 if a == 0 else 0.5 / math.sqrt(a) for a in x]
    call.inputs[0][4] = math.nan
    call()
    assert np.flatnonzero(np.isnan(call.grads[0])).tolist() in ([], [4])


def test_constants_that_differ_are_gathered():
    def f(x):
        return ag.sum([ag.sin(x[0] * (0.1 * k + 0.05)) for k in range(20)])

    call = compiler.compile(f, [1.0]).bind([0.7])
    call()
    assert call.out == pytest.approx(sum(math.sin(0.7 * (0.1 * k + 0.05)) for k in range(20)))


def test_short_or_wild_programs_have_no_regions():
    x = ag.Value(0.5)
    assert regions_of(program_of([ag.sin(x) * x], [x])) == []
    y = x
    rnd = random.Random(1)
    for _ in range(60):
        y = rnd.choice([ag.sin, ag.cos, ag.tanh, ag.exp])(y) * rnd.choice([x, y])
    for region in regions_of(program_of([y], [x])):
        assert region.copies >= LEAST_COPIES


def test_a_body_that_is_too_long_is_interpreted(monkeypatch):
    monkeypatch.setattr("autograd_core._src.compiler.passes.find_repeats.LONGEST_BODY", 3)
    x = [0.1 * k for k in range(30)]
    assert regions_of(compiler.compile(rosenbrock, x).program) == []


def test_plans_of_every_size_lay_out_each_slot_once():
    for n in (2, 9, 25, 41):
        program = compiler.compile(rosenbrock, [0.5] * n).program
        plan = ExecutionPlan(program, fast=True)
        assert len(set(plan.at.tolist())) == len(set(plan.place.tolist())) == program.n_slots
        assert plan.at.max() < plan.size


def test_a_long_program_without_repetition_runs_too(monkeypatch):
    """Beyond what is compiled as a whole, and with nothing to roll up: the interpreter, bound."""
    monkeypatch.setattr("autograd_core._src.compiler.runtime.specialization.MOST_EDGES", 10)

    def f(x):
        y, rnd = x, random.Random(2)
        for _ in range(40):
            y = rnd.choice([ag.sin, ag.cos, ag.tanh])(y * rnd.uniform(0.5, 2)) + rnd.choice([x, y])
        return y

    compiled = compiler.compile(f, 0.3)
    call = compiled.bind(0.3)
    call()
    z, [g] = eager(lambda x: f(x[0]), [0.3])
    assert call.out == pytest.approx(z, rel=1e-12)
    assert call.grads[0] == pytest.approx(g, rel=1e-9)
    rows = compiler.compile(f, 0.3, in_axes=0).bind([0.3, 0.4])
    rows()
    assert rows.out[0] == pytest.approx(z, rel=1e-12)


def test_few_wide_instructions_have_no_region():
    x = [0.01 * k for k in range(100)]
    assert regions_of(compiler.compile(lambda v: ag.prod(v) + ag.max(v), x).program) == []


def test_a_region_with_what_is_no_arithmetic():
    @ag.primitive
    def crooked(x):
        return x * 2

    @crooked.partials
    def _(x, z):
        return (math.cos(x),)

    f = compiler.compile(lambda v: ag.sum([crooked(a) * a + a for a in v]), [0.1] * 40)
    with pytest.raises(ag.OperandError, match="crooked"):
        f.bind([0.1] * 40)


def test_a_rule_whose_value_is_a_number_whatever_its_operand():
    @ag.primitive
    def two(x):
        return 2.0

    @two.partials
    def _(x, z):
        return (0.0,)

    x = [0.01 * k for k in range(300)]
    f = lambda v: ag.sum([two(a) * a + ag.sin(a) for a in v]) + ag.sum([two(ag.sin(a)) for a in v])
    assert regions_of(compiler.compile(f, x).program)
    call = compiler.compile(f, x).bind(x)
    call()
    z, gradient = eager(f, x)
    assert call.out == z
    assert list(call.grads[0]) == pytest.approx(gradient, rel=1e-12)


def test_a_plan_serves_plain_calls_too(monkeypatch):
    monkeypatch.setattr("autograd_core._src.compiler.runtime.specialization.PATIENCE", -1.0)
    x = [0.1 * k for k in range(30)]
    z, (gradient,) = compiler.compile(rosenbrock, x).value_and_grad(x)
    expected, expected_gradient = eager(rosenbrock, x)
    assert z == pytest.approx(expected, rel=1e-12)
    assert gradient == pytest.approx(expected_gradient, rel=1e-9)


def test_copies_are_counted_from_where_they_begin():
    """The repetition begins in the middle of a body, and ends in the middle of one."""
    x = [ag.Value(0.1 * k + 0.2) for k in range(16)]
    roots = [ag.tanh(x[14] * x[15])]  # the end of a body: operations alike, operands elsewhere
    for a in x[:12]:
        roots.append(ag.tanh((ag.sin(a) + x[13]) * a))
    roots += [ag.sin(x[12]) + x[13]]
    program = program_of(roots, x)
    [region] = regions_of(program)
    assert (region.start, region.period, region.copies, region.parallel) == (2, 4, 12, True)
    assert region.stop == 50 == len(program.codes) - 2


def runge_kutta(p, steps=40):
    """A damped pendulum by Runge and Kutta's method, each step of which reads the one before."""
    y = [p[0], p[1]]
    slope = lambda y: [y[1], -p[2] * ag.sin(y[0]) - 0.1 * y[1]]
    for _ in range(steps):
        k1 = slope(y)
        k2 = slope([a + 0.05 * b for a, b in zip(y, k1, strict=True)])
        k3 = slope([a + 0.05 * b for a, b in zip(y, k2, strict=True)])
        k4 = slope([a + 0.1 * b for a, b in zip(y, k3, strict=True)])
        y = [a + (b + 2 * c + 2 * d + e) / 60 for a, b, c, d, e in zip(y, k1, k2, k3, k4, strict=True)]
    return y[0] ** 2 + y[1] ** 2


def test_the_phase_is_the_rotation_with_fewest_operands_from_the_copy_before():
    for p in (ag.compile(f, np.linspace(0.5, 2, 12)).program for f in (rosenbrock, iterated, fibonacci, runge_kutta)):
        for period in (*range(1, 12), 38, 39):
            for start in range(0, len(p.codes) - 2 * period, 7):
                crossing = [0] * period
                for i in range(start + period, start + 2 * period):
                    for slot in p.operands[p.offsets[i] : p.offsets[i + 1]].tolist():
                        reach = p.first + i - slot
                        for t in range(period):
                            place = (i - start - period - t) % period
                            crossing[t] += place < reach < period
                phase = int(np.argmin(crossing))
                assert find_repeats._phase(p, start, period) == (phase, crossing[phase] > 0)


def test_few_candidates_are_looked_at_however_many_periods_are_proposed(monkeypatch):
    looked_at = []
    region = find_repeats._region
    monkeypatch.setattr(find_repeats, "_region", lambda p, *about: looked_at.append(about) or region(p, *about))
    for steps in (40, 80):
        hessian = ag.compile(lambda p, steps=steps: runge_kutta(p, steps), [1.0, 0.0, 9.81]).hessian
        looked_at.clear()
        found = regions_of(hessian.program)
        assert sum(r.copies * r.period for r in found) > 0.9 * len(hessian.program.codes)
        assert len(looked_at) < 8 * len(found)


def described(regions):
    return [(r.start, r.period, r.copies, r.parallel, r.kinds.tolist()) for r in regions]


@pytest.mark.parametrize("f", [*FUNCTIONS.values(), runge_kutta], ids=lambda f: f.__name__)
def test_candidates_that_are_passed_over_would_not_have_been_chosen(monkeypatch, f):
    bounds = []
    region, bound = find_repeats._region, find_repeats._saved_at_most

    def recorded(p, a, b, *about):
        found = region(p, a, b, *about)
        if found is not None:
            bounds.append((find_repeats._saving(found), bound(p, a, b, found.period)))
        return found

    compiled = ag.compile(f, np.linspace(0.5, 2, 30))
    for program in (compiled.program, compiled.hessian.program):
        found = described(regions_of(program))
        with monkeypatch.context() as patch:
            patch.setattr(find_repeats, "_saved_at_most", lambda *_: math.inf)
            patch.setattr(find_repeats, "_region", recorded)
            assert described(regions_of(program)) == found
    assert bounds
    assert all(saved <= most for saved, most in bounds)


def is_by_definition(p, region):
    """Whether the kinds of a region's operands are what they should be, looked at copy by copy."""
    kinds, parallel = [], True
    for i in range(region.start, region.start + region.period):
        for e in range(p.offsets[i + 1] - p.offsets[i]):
            copies = range(region.copies)
            slots = [int(p.operands[p.offsets[i + k * region.period] + e]) - p.first for k in copies]
            is_own = region.start <= slots[0] < i
            if is_own and all(slot == slots[0] + k * region.period for k, slot in enumerate(slots)):
                kinds.append(find_repeats.LOCAL)
            elif len(set(slots)) == 1 and slots[0] < region.start:
                kinds.append(find_repeats.SHARED)
            else:
                kinds.append(find_repeats.GATHERED)
                parallel = parallel and max(slots) < region.start
    return region.kinds.tolist() == kinds and region.parallel == parallel


@pytest.mark.parametrize("f", [*FUNCTIONS.values(), runge_kutta], ids=lambda f: f.__name__)
def test_kinds_of_operands_are_those_of_their_definition(f):
    program = ag.compile(f, np.linspace(0.5, 2, 30)).program
    for start in range(5):
        for period in range(1, 45):
            copies = min((len(program.codes) - start) // period, 20)
            lengths = program.counts[start : start + copies * period].reshape(copies, period) if copies else ()
            if copies < LEAST_COPIES or (lengths != lengths[0]).any():
                continue
            found = find_repeats.classified(program, start, copies, period)
            assert (found.start, found.period, found.copies) == (start, period, copies)
            assert is_by_definition(program, found)
            peeled = find_repeats._peeled(program, start, copies, period)
            assert peeled.copies in (copies, copies - 1)
            assert is_by_definition(program, peeled)
