"""Strict zero in compiled code: 0 wins over infinity and NaN wherever a product is made or added."""

import math

import numpy as np
import pytest
from comparing import same

import autograd_core as ag
from autograd_core._src import compiler

pytest.importorskip("llvmlite")

INF = math.inf
# Each has products of 0 and infinity: the first that is sent to something, a later one, both ways round; and
# those of literals, of inputs that are results, and of numbers that are sent on.
PROGRAMS = {
    "an infinite first derivative": lambda x, y: ag.log(ag.sqrt(x)) * y * y,
    "an infinite later derivative": lambda x, y: ag.log(x) * y + x * y,
    "an infinite earlier derivative": lambda x, y: x * y + ag.log(x) * y,
    "a derivative of 0 by an infinite adjoint": lambda x, y: ag.sqrt(x * y) + ag.sqrt(y * 3),
    "a square below a root": lambda x, y: ag.sqrt(x * x) * y + ag.sqrt(ag.sin(x) * x),
    "NaN that meets 0": lambda x, y: ag.log(x - 1.0) * y + (x - y) * ag.sqrt(x),
    "a literal infinity": lambda x, y: (x * INF) * y + y * x,
    "a literal infinity alone": lambda x, y: (x * INF) * y,
    "a guarded side": lambda x, y: ag.where(x > 0, ag.sqrt(x) / x, y) * y,
    "a sum of both": lambda x, y: ag.dot([ag.log(x), x], [y, ag.sqrt(y)]),
    "a result that is read again": lambda x, y: (ag.sqrt(x) * y) * ag.log(ag.sqrt(x)) * y,
    "nothing but infinity": lambda x, y: ag.sqrt(x) + ag.log(y) * 0.5,
}
POINTS = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (-0.0, 2.0), (INF, 0.0), (0.0, INF), (0.5, 2.0)]


def eager(f, point):
    leaves = [ag.Value(a) for a in point]
    f(*leaves).backward()
    return [a.grad for a in leaves]


def check(found, expected):
    """To the last bit but the sign of zero, which sums lose."""
    assert all(same(a + 0.0, b + 0.0) for a, b in zip(np.ravel(found).tolist(), expected, strict=True)), (
        found, expected)  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_zero_wins_at_a_point(name):
    f = PROGRAMS[name]
    for point in POINTS:
        call = compiler.compile(f, 0.5, 0.25, optimize=False).bind(*point)
        call()
        check(call.grads, eager(f, point))


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("optimize", [True, False])
def test_zero_wins_in_rows(name, optimize):
    """By rows, and summed over rows; each beside rows where nothing is infinite."""
    f = PROGRAMS[name]
    for point in POINTS:
        rows = np.array([(0.5, 2.0), point, *[(0.5, 2.0)] * 8])
        expected = [eager(f, row) for row in rows.tolist()]
        call = compiler.compile(f, 0.5, 0.25, in_axes=0, optimize=optimize).bind(*rows.T)
        call()
        for k, grads in enumerate(call.grads):
            finite = [e[k] for e in expected]
            assert [math.isnan(g) for g in grads] == [math.isnan(g) for g in finite]
            np.testing.assert_allclose(grads, finite, rtol=1e-12)
        summed = compiler.compile(lambda w, y: f(w, y), 0.5, 0.25, in_axes=(None, 0), reduce="sum", optimize=optimize)
        call = summed.bind(point[0], rows[:, 1])
        call()
        total = sum(eager(f, (point[0], y))[0] for y in rows[:, 1].tolist())
        np.testing.assert_allclose(call.grads[0], total, rtol=1e-12)


@pytest.mark.parametrize("name", PROGRAMS)
def test_zero_wins_in_regions(name):
    """Ten copies, which share one number and have one each."""
    f = PROGRAMS[name]
    for point in POINTS:
        ys = [point[1], *[0.25] * 9]
        g = lambda x, y: ag.sum([ag.tanh(f(x, a)) + f(a, x) * 0.0 + ag.sin(a) * x for a in y])
        leaves = [ag.Value(point[0]), [ag.Value(y) for y in ys]]
        g(*leaves).backward()
        call = compiler.compile(g, 0.5, [0.25] * 10).bind(point[0], ys)
        call()
        found, expected = [call.grads[0].item(), *call.grads[1].tolist()], [a.grad for a in (leaves[0], *leaves[1])]
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("rows", [(), (8,)], ids=["one point", "rows"])
@pytest.mark.parametrize("copies", [1, 3, 40])
def test_numbers_that_receive_the_same_adjoint_are_accumulated_four_at_a_time(copies, rows, monkeypatch):
    """So each adjoint is loaded once for four sums: in straight code, and in loops over copies."""
    from autograd_core._src.compiler.codegen.llvm import accumulation

    together, alone = [], accumulation.gathered_together

    def watched(sums, products, **options):
        products = list(products)
        together.append(len(products))
        return alone(sums, products, **options)

    monkeypatch.setattr(accumulation, "gathered_together", watched)
    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", "")  # or an earlier run's code is found there, and none is written
    weights = [0.3, -0.7, 1.1, 0.2, 0.5]

    def f(x):
        return ag.sum([ag.tanh(ag.dot(weights, xs)) for xs in zip(*(x[k::5] for k in range(5)), strict=True)])

    x = np.linspace(-1, 1, 5 * copies)
    call = compiler.compile(f, x.tolist(), in_axes=0 if rows else None).bind(np.broadcast_to(x, (*rows, len(x))).copy())
    call()
    assert sorted(n for n in set(together) if n > 3) == [accumulation.TERMS_TOGETHER] == [4]
    np.testing.assert_allclose(call.grads[0], np.broadcast_to(eager(lambda *x: f(x), x.tolist()), (*rows, len(x))), rtol=1e-12)
