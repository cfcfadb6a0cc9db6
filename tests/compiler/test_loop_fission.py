"""Programs in another order: stages of a region, sums behind it, and what rows share in a part of its own."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
from autograd_core._src import compiler
from autograd_core._src.compiler.passes.find_repeats import LEAST_COPIES
from autograd_core._src.compiler.passes.loop_fission import MOST_STAGES, arranged, reordered

pytest.importorskip("llvmlite")

N = 30


def chain_of_neighbours(depth):
    """Row upon row, each entry from two of the row below: copies read others, `depth` times over."""

    def f(x):
        terms = []
        before = [x[0]] * (depth + 1)
        for a in x:
            here = [ag.sin(a)]
            for k in range(depth):
                here.append(here[k] * 0.5 + before[k])
            terms.append(here[-1])
            before = here
        return ag.sum(terms)

    return f


def rosenbrock(x):
    return ag.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])


def compiled(f, n=N, **options):
    return compiler.compile(f, [0.1 + 0.02 * k for k in range(n)], **options)


def eager(f, x):
    leaves = [ag.Value(a) for a in x]
    out = f(leaves)
    out.backward()
    return out.data, [a.grad for a in leaves]


def check(f, n=N):
    compiled_f, rng = compiled(f, n), np.random.default_rng(n)
    call = compiled_f.bind(np.zeros(n))
    for _ in range(2):
        call.inputs[0][:] = rng.uniform(0.1, 1.0, n)
        call()
        z, gradient = eager(f, call.inputs[0].tolist())
        assert call.out == pytest.approx(z, rel=1e-12)
        np.testing.assert_allclose(call.grads[0], gradient, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("n", [24, 25, 31])
def test_what_reads_neighbours_runs_in_stages(depth, n):
    f = chain_of_neighbours(depth)
    regions = arranged(compiled(f, n).program).regions
    assert all(region.parallel for region in regions)
    assert len(regions) >= 2
    check(f, n)


def test_what_depends_on_its_own_predecessor_runs_step_by_step():
    def f(x):
        y, terms = x[0], []
        for a in x:
            y = ag.tanh(y * 0.5 + a) * a
            terms.append(y * y)
        return ag.sum(terms)

    assert not all(region.parallel for region in arranged(compiled(f).program).regions)
    check(f)


def test_too_many_stages_run_step_by_step():
    f = chain_of_neighbours(MOST_STAGES + 1)
    assert not all(region.parallel for region in arranged(compiled(f, 40).program).regions)
    check(f, 40)


def test_hessian_vector_products_of_neighbours_run_as_lanes():
    x, v = np.linspace(-1.0, 1.0, N), np.linspace(2.0, 3.0, N)
    call = compiled(rosenbrock).bind_hvp((x,), (v,))
    assert len(call.runner.plan.regions) >= 2
    assert all(region.parallel for region in call.runner.plan.regions)
    call()
    np.testing.assert_allclose(call.out[0], ag.hvp(rosenbrock, (x.tolist(),), (v.tolist(),))[0], rtol=1e-12)


@pytest.mark.parametrize("ahead", [0, 1, 3])
@pytest.mark.parametrize("per_copy", [1, 2])
def test_a_sum_over_all_copies_is_taken_on_the_way(ahead, per_copy):
    def f(x):
        terms = [float(k) for k in range(ahead)]
        for a, b in pairwise(x):
            terms += [ag.exp(-a) * b + a, ag.sin(a) * a][:per_copy]
        return ag.sum(terms)

    found = arranged(compiled(f).program)
    [[total]] = [totals for totals in found.totals if totals]
    assert len(total.before) == ahead
    assert len(total.results) == per_copy
    assert found.program.primitives[found.program.codes[total.instruction]].name == "sum"
    check(f)


def test_a_sum_after_something_that_varies():
    """What it adds first is an input, with a gradient of its own."""

    def f(x):
        return ag.sum([x[3], *(ag.exp(-a) * b + a for a, b in pairwise(x))])

    assert [total.before for totals in arranged(compiled(f).program).totals for total in totals] == [(3,)]
    check(f)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ag.sum([ag.exp(a) * a for a in x] + [x[0]]),  # something behind them
        lambda x: ag.sum([ag.exp(a) * a for a in x][::-1]),  # the other way round
        lambda x: ag.sum([ag.exp(a) * a for a in x][1:]),  # not all of them
        lambda x: ag.sum([t for a, b in pairwise(ag.sin(a) for a in x) for t in (a * b, a)]),  # of two stages by turns
        lambda x: ag.sum([ag.exp(a) * a for a in x]) * ag.sum([ag.exp(a) * a for a in x[::2] + x[1::2]]),
    ],
)
def test_other_sums_are_left_where_they_are(f):
    check(f)


def test_sums_keep_the_order_of_additions():
    """Left to right, as eager adds: the last digit tells."""
    x = [10.0 ** (k % 7) / 3 for k in range(61)]

    def f(v):
        return ag.sum([a * a * 0.1 + a for a in v])

    call = compiler.compile(f, x).bind(x)
    assert any(arranged(compiler.compile(f, x).program).totals)
    call()
    assert float(call.out) == f(x)


def test_a_total_that_is_wanted_twice():
    def f(x):
        total = ag.sum([ag.sin(a) * a for a in x])
        return total * total + ag.log(total)

    check(f)


def test_reordered_programs_say_where_everything_is():
    program = compiler.compile(lambda x, y: (ag.sin(x) + 1) * ag.cos(y), 0.5, 0.25).program
    names = [program.primitives[code].name for code in program.codes]
    assert names == ["sin", "add", "cos", "mul"]
    moved, place = reordered(program, np.array([2, 0, 1, 3]))
    assert [moved.primitives[code].name for code in moved.codes] == ["cos", "sin", "add", "mul"]
    assert place[program.first :].tolist() == [program.first + k for k in (1, 2, 0, 3)]
    assert moved.outputs.tolist() == [program.first + 3]
    with pytest.raises(ag.StructureError, match="not known by then"):
        reordered(program, np.array([1, 0, 2, 3]))


@st.composite
def neighbourly(draw):
    """A random body over an input of its own, the next one, and results of the copies before."""
    steps = [
        (draw(st.sampled_from(["add", "mul", "sin", "div"])), draw(st.integers(0, 3 + k)), draw(st.integers(0, 3 + k)))
        for k in range(draw(st.integers(1, 6)))
    ]
    return steps, draw(st.integers(LEAST_COPIES, 21)), draw(st.integers(0, len(steps) - 1))


@given(neighbourly())
@examples(60)
def test_random_neighbours(case):
    steps, copies, kept = case

    def f(x):
        before, terms = x[0], []
        for k in range(copies):
            known = [x[k], x[k + 1], before, x[0]]
            for op, i, j in steps:
                a, b = known[i], known[j]
                known.append({"add": a + b, "mul": a * b * 0.5, "sin": ag.sin(a), "div": a / (b * b + 1)}[op])
            before = known[4 + kept] if 4 + kept < len(known) else known[-1]
            terms += [known[-1], known[4]]
        return ag.sum(terms)

    x = [0.3 + 0.05 * k for k in range(copies + 1)]
    call = compiler.compile(f, x).bind(x)
    z, gradient = eager(f, x)
    for _ in range(2):  # adjoints of regions are 0 again after a run
        call()
        assert call.out == pytest.approx(z, rel=1e-10, abs=1e-10)
        np.testing.assert_allclose(call.grads[0], gradient, rtol=1e-8, atol=1e-8)


REDUCED = {"sum": ag.sum, "max": ag.max, "max and sum": lambda v: ag.max(v) * ag.sum(v)}


@pytest.mark.parametrize("names", list(product(REDUCED, repeat=2)), ids=", ".join)
def test_sums_stand_right_behind_what_they_add_up_and_nothing_else_does(names):
    """Of several regions each, some or none may be added up; a largest number may come first, and stays."""

    def f(x):
        parts = [[ag.sin(a) + a for a in x], [ag.exp(a) / a + 1 for a in x]]
        return ag.prod([REDUCED[name](part) for name, part in zip(names, parts, strict=True)])

    found = arranged(compiled(f).program)
    assert len(found.regions) >= 2
    for region, totals in zip(found.regions, found.totals, strict=True):
        assert [total.instruction for total in totals] == [region.stop + k for k in range(len(totals))]
    assert sum(map(len, found.totals)) == sum("sum" in name for name in names)
    check(f)
