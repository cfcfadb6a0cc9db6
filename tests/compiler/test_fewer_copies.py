"""Derivatives of programs that repeat themselves are those of the whole, though few copies are differentiated."""

import dataclasses

import numpy as np
import pytest

import autograd_core as ag
from autograd_core._src.compiler.passes import fewer_copies, more_copies
from autograd_core._src.compiler.passes.sweeps import Sweeps
from autograd_core._src.compiler.tracing.lower import LONGEST_DOT

WHICH = ("hessian", "jacobian", "_products")
ARRAYS = ("codes", "offsets", "operands", "constants", "outputs", "guards", "truths")


def euler(slope, y, steps):
    for _ in range(steps):
        y = [a + 0.01 * b for a, b in zip(y, slope(y), strict=True)]
    return y


def runge_kutta(slope, y, steps):
    for _ in range(steps):
        k1 = slope(y)
        k2 = slope([a + 0.05 * b for a, b in zip(y, k1, strict=True)])
        k3 = slope([a + 0.05 * b for a, b in zip(y, k2, strict=True)])
        k4 = slope([a + 0.1 * b for a, b in zip(y, k3, strict=True)])
        y = [a + (b + 2 * c + 2 * d + e) / 60 for a, b, c, d, e in zip(y, k1, k2, k3, k4, strict=True)]
    return y


def pendulum(p, n):
    y = runge_kutta(lambda y: [y[1], -p[2] * ag.sin(y[0]) - p[3] * y[1]], [p[0], p[1]], n)
    return y[0] ** 2 + y[1] ** 2


def foxes_and_rabbits(p, n):
    return ag.sum(runge_kutta(lambda y: [p[0] * y[0] - y[0] * y[1], y[0] * y[1] - p[1] * y[1]], [p[2], p[3]], n))


def lorenz(p, n):
    slope = lambda y: [p[0] * (y[1] - y[0]), y[0] * (p[1] - y[2]) - y[1], y[0] * y[1] - p[2] * y[2]]
    return ag.sum(euler(slope, [p[3], 1.0, 1.0], n))


def line_of_units(p, n):
    """A derivative takes some copies to reach all of them."""
    y = [p[0]] * 5
    for _ in range(n):
        y = [y[0] * p[1] + ag.sin(y[0]), *[a + 0.1 * ag.tanh(b) for a, b in zip(y[1:], y, strict=False)]]
    return y[-1]


def sum_of_squares(p, n):
    y, total = [p[0], p[1]], 0.0
    for _ in range(n):
        y = [y[0] + 0.1 * y[1], y[1] - 0.1 * ag.sin(y[0]) * p[2]]
        total = total + y[0] ** 2
    return total


def fibonacci(p, n):
    a, b = p[0], p[1]
    for _ in range(n):
        a, b = b, ag.tanh(a * p[2] + 0.9 * b)
    return b


def swing(p, n):
    return euler(lambda y: [y[1], -p[2] * ag.sin(y[0])], [p[0], p[1]], n)[0]


def powers(p, n):
    y = p[0]
    for _ in range(n):
        y = y**1.01 + p[1] ** 3 / (1 + y * y)
    return y


def kinks(p, n):
    s, v = p[0], p[1]
    for _ in range(n):
        positive = ag.maximum(v, 0.0)
        s = s + s * ag.sqrt(positive + 1e-9) * 0.01 * p[2]
        v = v + p[3] * (0.04 - positive) * 0.01
    return s


def many_parameters(p, n):
    h = [0.1, 0.2, 0.3]
    for _ in range(n):
        h = [ag.tanh(ag.dot(p[:3], h) + p[3]) for _ in h[:1]] + h[:2]
    return ag.sum(h)


def other_numbers_in_each_step(p, n):
    y, total = [p[0], p[1]], 0.0
    for k in range(n):
        y = [y[0] + 0.1 * y[1], y[1] - 0.1 * ag.sin(y[0]) * p[2]]
        total = total + (y[0] - 0.01 * k) ** 2
    return total


def all_steps_are_read(p, n):
    y, found = p[0], []
    for _ in range(n):
        y = ag.sin(y) * p[1] + p[2]
        found.append(y * y)
    return ag.logsumexp(found)


def two_loops(p, n):
    y = euler(lambda y: [y[1], -ag.sin(y[0])], [p[0], p[1]], n)
    return euler(lambda y: [y[0] * y[1], y[1] - p[2] * y[0]], y, n // 2)[0]


def branching(p, n):
    y = p[0]
    for _ in range(n):
        y = ag.sin(y) * p[1] if y > 0 else y + p[2]
    return y


ROLLED = (pendulum, foxes_and_rabbits, lorenz, line_of_units, sum_of_squares, fibonacci, swing, powers)
OTHERS = (kinks, many_parameters, other_numbers_in_each_step, all_steps_are_read, two_loops, branching)
POINT = [1.1, 0.7, 0.6, 0.4]


def programs(f, which, monkeypatch, **options):
    """The program by way of few copies, that of the whole, and whether there was a way."""
    found = []
    by_few = fewer_copies._by_fewer_copies
    with monkeypatch.context() as patch:
        patch.setattr(fewer_copies, "_by_fewer_copies", lambda *args, **options: found.append(by_few(*args, **options)) or found[-1])
        mine = getattr(ag.compile(f, POINT, **options), which).program
    with monkeypatch.context() as patch:
        patch.setattr(fewer_copies, "_by_fewer_copies", lambda *_, **__: None)
        whole = getattr(ag.compile(f, POINT, **options), which).program
    return mine, whole, any(x is not None for x in found)


def is_same(a, b):
    return (
        a.primitives == b.primitives
        and a.n_inputs == b.n_inputs
        and all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name == "constants") for name in ARRAYS)
    )


@pytest.mark.parametrize("f", [*ROLLED, *OTHERS])
@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("options", [{}, {"optimize": False}], ids=["fast", "exact"])
def test_the_program_is_that_of_the_whole_instruction_by_instruction(f, which, options, monkeypatch):
    ways = []
    for n, least in ((90, fewer_copies.WORTH_FEWER), (135, fewer_copies.WORTH_FEWER // 2)):  # some take two steps for a copy
        monkeypatch.setattr(fewer_copies, "WORTH_FEWER", least)
        mine, whole, used = programs(lambda p, n=n: f(p, n), which, monkeypatch, **options)
        assert is_same(mine, whole), n
        ways.append(used)
    if f in ROLLED and which == "hessian":
        assert ways[1]


def test_sums_become_dots_where_those_of_the_whole_do(monkeypatch):
    """A sum of products, here one for each step but the last, is a dot up to a length, which only the whole has."""
    for n in (100, 128, 129, 130, 131, 140):
        mine, whole, used = programs(lambda p, n=n: swing(p, n), "jacobian", monkeypatch)
        assert is_same(mine, whole), n
        assert used == (n - 1 > LONGEST_DOT), n


def test_a_jacobian_of_several_results_and_one_over_a_batch():
    f = lambda p, x: [pendulum(p, 90) * x, lorenz(p, 2) + x]
    made = ag.compile(f, POINT, 1.0, in_axes=(None, 0))
    found = made.jacobian(POINT, [1.0, 2.0])
    for k, x in enumerate((1.0, 2.0)):
        expected = ag.jacobian(lambda p, x=x: f(p, x))(POINT)
        np.testing.assert_allclose(found[0][k], expected, rtol=1e-10)


def test_the_work_does_not_grow_with_the_steps(monkeypatch):
    counts = []
    slopes = Sweeps.slopes
    monkeypatch.setattr(Sweeps, "slopes", lambda *args: counts.append(1) or slopes(*args))
    found = []
    for n in (90, 180, 360):
        counts.clear()
        ag.compile(lambda p, n=n: pendulum(p, n), POINT).hessian  # noqa: B018
        found.append(len(counts))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(("f", "which"), [(swing, "jacobian"), (sum_of_squares, "hessian")])
@pytest.mark.parametrize("side", [0, 1], ids=["few", "one more"])
def test_programs_that_differ_by_more_than_a_copy_are_not_continued(f, which, side, monkeypatch):
    """Whatever one operand of one of the two is changed to, there is no program, or the right one."""
    given = []
    monkeypatch.setattr(fewer_copies, "with_more_copies", lambda *args: given.append(args) or more_copies.with_more_copies(*args))
    whole = getattr(ag.compile(lambda p: f(p, 140), POINT), which).program
    [(*pair, n)] = given
    assert is_same(more_copies.with_more_copies(*pair, n), whole)
    right = pair[side]
    rng = np.random.default_rng(1)
    refused = 0
    for k in rng.integers(0, len(right.operands), 60).tolist():
        operands = right.operands.copy()
        reader = right.first + int(np.searchsorted(right.offsets, k, "right")) - 1
        operands[k] = rng.integers(0, reader)
        if operands[k] == right.operands[k]:
            continue
        pair[side] = dataclasses.replace(right, operands=operands)
        found = more_copies.with_more_copies(*pair, n)
        refused += found is None
        assert found is None or is_same(found, whole)
    assert refused > 50
