"""Straight-line code as loops over blocks of rows: stages, products over rows, what is kept between them."""

import math

import numpy as np
import pytest
from comparing import path_sizes
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
from autograd_core._src import compiler

pytest.importorskip("llvmlite")

from autograd_core._src.compiler.codegen.llvm.kernel import Kernel
from autograd_core._src.compiler.codegen.llvm.outer_products import OPEN, ProductSum, tiles
from autograd_core._src.compiler.codegen.llvm.strip_mining import MEMORY, STAGE_LENGTH, STRIP_BLOCKS, strip_of
from autograd_core._src.compiler.runtime.memory import LANES, zeros

COUNTS = [2, LANES, LANES + 1, LANES * STRIP_BLOCKS - 1, LANES * STRIP_BLOCKS, LANES * STRIP_BLOCKS + 1, 3 * LANES * STRIP_BLOCKS + 5]


def by_hand(f, shared, rows):
    """Values, gradients summed over rows, gradients per row, and the size of what is added up in each."""
    values, sums, sizes, per_example, row_sizes = [], np.zeros(len(shared)), np.zeros(len(shared)), [], []
    for row in rows:
        w, x = [ag.Value(a) for a in shared], [ag.Value(a) for a in row]
        out = f(w, x)
        out.backward()
        found = path_sizes(out)
        values.append(out.data)
        sums += [a.grad for a in w]
        sizes += [found.get(a, 0.0) for a in w]
        per_example.append([a.grad for a in x])
        row_sizes.append([found.get(a, 0.0) for a in x])
    return np.array(values), sums, np.array(per_example), sizes, np.array(row_sizes)


def check(f, shared, rows):
    """Nearly, and to the bit where the order of `backward()` is asked for."""
    options = {"in_axes": (None, 0), "reduce": "sum"}
    values, sums, per_example, sizes, row_sizes = by_hand(f, shared, rows)
    exact = compiler.compile(f, list(shared), list(rows[0]), optimize=False, **options).bind(shared, rows)
    exact()
    np.testing.assert_array_equal(exact.out, values)
    np.testing.assert_array_equal(exact.grads[1], per_example)
    call = compiler.compile(f, list(shared), list(rows[0]), **options).bind(shared, rows)
    call()
    np.testing.assert_allclose(call.out, values, rtol=1e-9, atol=1e-12)
    for found, expected, size in (
        (exact.grads[0], sums, sizes),
        (call.grads[0], sums, sizes),
        (call.grads[1], per_example, row_sizes),
    ):
        near(found, expected, size)
    return call


def network(w, x):
    hidden = [ag.tanh(ag.dot(w[3 * k : 3 * k + 2], x) + w[3 * k + 2]) for k in range(7)]
    again = [ag.relu(ag.dot(w[21 + 7 * k : 28 + 7 * k], hidden)) for k in range(5)]
    return ag.dot(again, w[56:61]) + ag.exp(w[0]) * w[1] * x[0]


@pytest.mark.parametrize("count", COUNTS)
def test_a_network(count):
    rng = np.random.default_rng(count)
    check(network, rng.normal(size=61), rng.normal(size=(count, 2)))


def chain(w, x):
    a, b = x
    for k in range(120):  # far more than one stage holds
        a, b = ag.sin(a * w[k % 3]) + b, a - b * w[(k + 1) % 3] / (1 + b * b)
    return a * b


@pytest.mark.parametrize("count", COUNTS)
def test_a_chain_of_many_stages(count):
    rng = np.random.default_rng(count)
    check(chain, rng.uniform(0.1, 0.9, 3), rng.uniform(0.1, 0.9, (count, 2)))


def wide(w, x):
    """Every sum has an adjoint of its own, some are sent to more than once, one weight is used by itself."""
    return ag.sum([ag.exp(w[k] * x[k % 2]) * w[(k + 1) % 30] for k in range(30)]) + w[3] * w[3]


@pytest.mark.parametrize("count", COUNTS)
def test_sums_of_many_kinds(count):
    rng = np.random.default_rng(count)
    check(wide, rng.normal(size=30), rng.normal(size=(count, 2)))


@pytest.mark.parametrize("f", [network, wide])
def test_in_single_precision(f):
    rng = np.random.default_rng(1)
    shared, rows = rng.normal(size=61), rng.normal(size=(300, 2))
    call = compiler.compile(f, list(shared), list(rows[0]), in_axes=(None, 0), reduce="sum", dtype="float32").bind(
        shared, rows
    )
    call()
    values, sums, _, sizes, _ = by_hand(f, shared, rows)
    np.testing.assert_allclose(call.out, values, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(call.grads[0], sums, rtol=1e-4, atol=1e-5 * sizes.max())


def guarded(w, x):
    """Long, so that much is kept, and with an infinite derivative that a derivative of 0 stops."""
    a, b = x
    root = ag.where(a > 0, ag.sqrt(a), 0)
    for k in range(60):
        b = ag.sin(b + w[k % 3] * root)
    return b * root + ag.dot(w, [a, b, root])


@pytest.mark.parametrize("count", [LANES - 1, LANES * STRIP_BLOCKS + 3])
def test_the_second_run_keeps_what_it_needs(count, monkeypatch):
    """It is other code, with more to keep; the memory of the first run would be too small."""
    runs = []
    once = Kernel._run_again
    monkeypatch.setattr(Kernel, "_run_again", lambda self, block: (runs.append(1), once(self, block)))
    rng = np.random.default_rng(2)
    w, rows = rng.uniform(0.1, 0.9, 3), rng.uniform(0.1, 0.9, (count, 2))
    check(guarded, w, rows)
    assert not runs
    rows[count // 2, 0] = 0.0
    call = check(guarded, w, rows)
    assert len(runs) == 2  # with optimize=False and without
    rows[1] = math.nan
    call.inputs[1][:] = rows
    call()
    others = np.arange(count) != 1
    _, _, per_example, _, row_sizes = by_hand(guarded, w, rows[others])
    assert (abs(call.grads[1][others] - per_example) <= 1e-9 * row_sizes).all()
    assert np.isnan(call.out[1])


def test_gathering_slots_that_got_the_same():
    """Nine inputs, all sent to by the same adjoints, in groups of four."""

    def f(w, x):
        return ag.prod([ag.tanh(ag.dot(w[9 * k : 9 * k + 9], x)) + 2 for k in range(6)])

    rng = np.random.default_rng(3)
    check(f, rng.normal(size=54), rng.normal(size=(21, 9)))


@pytest.mark.parametrize("quotient", [lambda w, x: w[0] * (x[0] / x[1]), lambda w, x: (x[0] / w[0]) / x[1]])
def test_quotients_among_the_subnormals(quotient):
    """What is rare is computed in the second run; zeros are not rare."""
    rows = np.array([[3e-300, 1e12], [1.0, 3.0], [0.0, 2.0], [5e-310, 0.5], [-7e-320, 3.0]] * 3)
    call = compiler.compile(quotient, [1.5], [1.0, 3.0], in_axes=(None, 0)).bind([1.5], rows)
    call()
    _, _, per_example, *_ = by_hand(quotient, [1.5], rows)
    np.testing.assert_array_equal(call.grads[1], per_example)


def test_a_quotient_of_zero_runs_once(monkeypatch):
    runs = []  # counted: what C calls cannot raise
    monkeypatch.setattr(Kernel, "_run_again", lambda *_: runs.append(1))
    call = compiler.compile(lambda x: x[0] / x[1], [1.0, 2.0], in_axes=0).bind([[0.0, 2.0], [-0.0, 3.0], [1.0, 5.0]])
    call()
    assert not runs
    call.inputs[0][0] = 1e-310, 2.0
    call()
    assert runs


OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b * 0.5,
    "div": lambda a, b: a / (b * b + 1),
    "sin": lambda a, _: ag.sin(a),
    "relu": lambda a, _: ag.relu(a),
    "max": ag.maximum,
    "dot": lambda a, b: ag.dot([a, b, 0.25], [b, a, a]),
}
steps = st.lists(
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 9), st.integers(0, 9)), max_size=7
)  # no more: squares of squares


def term(program, w, x):
    """A random program of four weights and some inputs."""
    known = [*w, *x]
    for name, i, j in program:
        known.append(OPERATIONS[name](known[i % len(known)], known[-1 - j % len(known)]))
    return known[-1]


def near(found, expected, size):
    assert (abs(np.array(found) - expected) <= 1e-9 * np.array(size) + 1e-300).all()


@given(steps, st.integers(1, 20), st.sampled_from([2, LANES + 1, LANES * STRIP_BLOCKS + 1]), st.integers(0, 3))
@examples(12)
def test_random_programs_over_rows(program, times, count, seed):
    """Repeated, so that there are many stages."""

    def f(w, x):
        for _ in range(times):
            x = [ag.tanh(term(program, w, x)), x[0] - w[0] * x[1]]
        return x[0] * w[1] + x[1]

    rng = np.random.default_rng(seed)
    check(f, rng.uniform(-1, 1, 4), rng.uniform(-1, 1, (count, 2)))


@given(steps, st.sampled_from([5, 16, 40, 129]), st.integers(0, 3))
@example([("sin", 4, 0), ("mul", 1, 0), ("sub", 6, 9)], 64, 0)  # the adjoint of all copies is sent on as it is
@examples(20)
def test_random_copies_that_share_weights(program, copies, seed):
    rng = np.random.default_rng(seed)
    points, weights = rng.uniform(-1, 1, (copies, 2)), rng.uniform(-1, 1, 4)

    def f(w):
        return ag.sum([term(program, w, x) for x in points.tolist()])

    w = [ag.Value(a) for a in weights]
    out = f(w)
    if not isinstance(out, ag.Value):
        return
    out.backward()
    sizes = path_sizes(out)
    call = compiler.compile(f, weights.tolist()).bind(weights)
    for _ in range(2):  # adjoints of regions are 0 again after a run
        call()
        near(call.out, out.data, sum(abs(p.data) for p in out.parents) + abs(out.data))
        near(call.grads[0], [a.grad for a in w], [sizes.get(a, 0.0) for a in w])


factors = st.one_of(st.integers(0, 5).map(lambda k: ("kept", k)), st.sampled_from([1.0, 2.0]))
sums = st.lists(st.lists(st.tuples(factors, factors), min_size=1, max_size=4), max_size=40).map(
    lambda products: [ProductSum(k, *zip(*some, strict=True)) for k, some in enumerate(products)]
)


@given(sums, st.sampled_from([1, 3, OPEN // 2, OPEN]))
def test_tiles(sums, most):
    found = list(tiles(sums, most))
    assert sorted((s for tile in found for s in tile), key=repr) == sorted(sums, key=repr)
    for tile in found:
        assert 0 < len(tile) <= most
        assert len({len(s.ds) for s in tile}) == 1


def test_a_dense_layer_is_in_full_tiles():
    """17 local derivatives by 16 adjoints, twice over: three tiles of two adjoints, eight times."""
    sums = [ProductSum(17 * j + i, (("x", i), ("y", i)), (("g", j), ("h", j))) for j in range(16) for i in range(17)]
    assert [len(tile) for tile in tiles(sums)] == [10, 12, 12] * 8


def test_memory_is_bounded():
    assert strip_of(0, 64) == strip_of(10, 64) == STRIP_BLOCKS
    assert strip_of(MEMORY, 64) == 1
    assert strip_of(1000, 64) * 1000 * 64 <= MEMORY
    assert STAGE_LENGTH > 0


@pytest.mark.parametrize("shape", [0, 1, 7, (3, 5), (0, 4)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_begin_with_a_cache_line(shape, dtype):
    x = zeros(shape, np.dtype(dtype))
    assert x.ctypes.data % 64 == 0 or x.size == 0
    assert x.shape == np.zeros(shape).shape
    assert x.dtype == dtype
    assert not x.any()
