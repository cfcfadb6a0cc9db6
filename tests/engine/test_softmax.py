"""Softmax and its kin at any offset, of infinities and NaN, in every way to run."""

import itertools
import math
import random
import struct
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples
from sympy import Rational

import autograd_core as ag
import nn
from autograd_core import Value
from autograd_core._src import compiler
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.recording import RECURS, STRAIGHT, record_many
from autograd_core._src.number_systems.high_precision import HighPrecision

INF, NAN = math.inf, math.nan
OFFSETS = (0.0, 1.0, -3e3, 1e6, -1e9, 1e12, 1e16, -1e300)
ULP = {"float64": 2.0**-52, "float32": 2.0**-23}
BOUND = 4  # ulp, times 1 + what an entry is below the largest


def exactly(xs):
    """Softmax and log-softmax to 50 digits."""
    with mpmath.workdps(400):
        top = mpmath.mpf(max(xs))
        below = [x - top for x in xs]
        powers = [mpmath.exp(x) for x in below]
        total = mpmath.fsum(powers)
        log_total = mpmath.log(total)
        return [float(p / total) for p in powers], [float(x - log_total) for x in below]


def points(dtype, n, seed=0):
    rng = random.Random(f"{dtype} {n} {seed}")
    for offset in OFFSETS:
        for spread in (0.0, 1.0, 8.0):
            xs = [offset + rng.gauss(0, spread) for _ in range(n)]
            if dtype == "float64":
                yield xs
            elif abs(offset) < 1e30:
                yield [float(np.float32(x)) for x in xs]


def assert_entries(found, exact, xs, dtype, least=1e-300):
    top = max(xs)
    for p, e, x in zip(found, exact, xs, strict=True):
        allowed = BOUND * ULP[dtype] * (1 + (top - x)) * e
        assert abs(float(p) - e) <= allowed + least, (xs, p, e)


@pytest.mark.parametrize("n", [2, 3, 10, 300])
def test_entries_to_the_bound_eagerly(n):
    for xs in points("float64", n):
        p, log_p = exactly(xs)
        assert_entries(ag.softmax(xs), p, xs, "float64")
        assert_entries([v.data for v in ag.softmax([Value(x) for x in xs])], p, xs, "float64")
        for found, exact in zip(ag.log_softmax(xs), log_p, strict=True):
            assert abs(found - exact) <= BOUND * ULP["float64"] * (1 + abs(exact))


@pytest.mark.parametrize("n", [3, 10])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("axes", [None, 0])
def test_entries_to_the_bound_compiled(dtype, n, axes):
    f = compiler.compile(ag.softmax, [0.0] * n, in_axes=axes, dtype=dtype)
    least = 1e-300 if dtype == "float64" else 2.0**-126
    for xs in points(dtype, n):
        found = np.ravel(f(xs)) if axes is None else np.asarray(f(np.array([xs] * 9))).reshape(-1, n)[-1]
        assert_entries(found, exactly(xs)[0], xs, dtype, least)


def test_entries_to_the_bound_without_a_compiler_and_exported(monkeypatch, tmp_path):
    f = compiler.compile(lambda v: ag.softmax(v)[0] + 2 * ag.softmax(v)[2], [0.0] * 3)
    path = tmp_path / "f.py"
    f.to_numpy(path)
    space = {}
    exec(path.read_text(encoding="utf-8"), space)
    exported = next(v for k, v in space.items() if k.endswith("_value_and_grad"))
    monkeypatch.setitem(__import__("sys").modules, "autograd_core._src.compiler.codegen.llvm.vm", None)
    monkeypatch.setattr("autograd_core._src.compiler.runtime.numpy_vm.said", ["elsewhere"])
    plain = compiler.compile(lambda v: ag.softmax(v)[0] + 2 * ag.softmax(v)[2], [0.0] * 3)
    for xs in points("float64", 3):
        p, _ = exactly(xs)
        exact = float(p[0] + 2 * p[2])
        slopes = [float(p[0] * ((i == 0) - p[i]) + 2 * p[2] * ((i == 2) - p[i])) for i in range(3)]
        for value, gradient in (plain.value_and_grad(xs), exported(xs)):
            assert float(value) == pytest.approx(exact, rel=1e-14)
            assert np.ravel(gradient) == pytest.approx(slopes, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("dtype", [None, "float64", "float32"])
def test_derivatives_at_any_offset(dtype):
    """An entry p_i (1 - p_i) is a difference of terms of the size of p_i."""
    jacobian = ag.jacobian(ag.softmax) if dtype is None else compiler.compile(ag.softmax, [0.0] * 3, dtype=dtype).jacobian
    dtype = dtype or "float64"
    for xs in points(dtype, 3):
        p, _ = exactly(xs)
        found = np.asarray(jacobian(xs), float).reshape(3, 3)
        for i in range(3):
            for j in range(3):
                allowed = BOUND * ULP[dtype] * (1 + (max(xs) - xs[i]) + (max(xs) - xs[j])) * p[i]
                least = 2.0**-126 if dtype == "float32" else 1e-300
                assert abs(found[i][j] - p[i] * ((i == j) - p[j])) <= allowed + least, (xs, i, j)


def others(p):
    """1 - p_i to the last digit, as the sum of the other entries."""
    return [math.fsum(q for j, q in enumerate(p) if j != i) for i in range(len(p))]


def compiled_jacobian(f, n, **options):
    jacobian = compiler.compile(f, [0.0] * n, **options).jacobian
    if "in_axes" not in options:
        return jacobian
    return lambda xs: np.asarray(jacobian(np.array([xs] * 9)))[0, -1]


JACOBIANS = {
    "reverse": lambda f, n: ag.jacobian(f, mode="reverse"),
    "forward": lambda f, n: ag.jacobian(f, mode="forward"),
    "compiled": compiled_jacobian,
    "float32": lambda f, n: compiled_jacobian(f, n, dtype="float32"),
    "batch": lambda f, n: compiled_jacobian(f, n, in_axes=0),
}


@pytest.mark.parametrize("n", [1, 2, 3, 10])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("way", sorted(JACOBIANS))
def test_slopes_to_the_bound_of_their_own_size(way, name, n):
    """1 - p_i keeps its digits where p_i is next to 1."""
    dtype = "float32" if way == "float32" else "float64"
    jacobian = JACOBIANS[way](getattr(ag, name), n)
    least = 2.0**-126 if dtype == "float32" else 1e-300
    for xs in points(dtype, n):
        p, _ = exactly(xs)
        rest, top = others(p), max(xs)
        for (i, j), d in np.ndenumerate(np.reshape(np.asarray(jacobian(xs), float), (n, n))):
            exact = (rest[i] if i == j else -p[j]) * (p[i] if name == "softmax" else 1)
            allowed = BOUND * ULP[dtype] * (1 + (top - xs[i]) + (top - xs[j])) * abs(exact)
            assert abs(d - exact) <= allowed + least, (xs, i, j)


CURVED = {
    "logsumexp": lambda v: ag.logsumexp(v),
    "softmax": lambda v: ag.softmax(v)[0],
    "log_softmax": lambda v: ag.log_softmax(v)[0],
    "cross_entropy": lambda v: nn.cross_entropy(v, 0),
}


def curvatures(name, p, rest):
    """The second derivatives by x_0 twice, by x_1 twice, and by both."""
    if name == "softmax":
        return [
            p[0] * rest[0] * (rest[0] - p[0]), -p[0] * p[1] * (rest[1] - p[1]), -p[0] * p[1] * (rest[0] - p[0]),
        ]  # fmt: skip
    sign = -1 if name == "log_softmax" else 1
    return [sign * p[0] * rest[0], sign * p[1] * rest[1], -sign * p[0] * p[1]]


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("name", sorted(CURVED))
@pytest.mark.parametrize("way", ["eager", "compiled", "float32"])
def test_second_derivatives_to_their_own_size(way, name, n):
    """Where an entry is next to 1, they are far below it. Those of softmax are 0 where a share is a half."""
    dtype = "float32" if way == "float32" else "float64"
    f = CURVED[name]
    hessian = ag.hessian(f) if way == "eager" else compiler.compile(f, [0.0] * n, dtype=dtype).hessian
    least = 2.0**-120 if dtype == "float32" else 1e-300
    for xs in points(dtype, n):
        p, _ = exactly(xs)
        rest, spread = others(p), 1 + (max(xs) - min(xs))
        found = np.reshape(np.asarray(hessian(xs), float), (n, n))
        for (i, j), exact in zip(((0, 0), (1, 1), (0, 1)), curvatures(name, p, rest), strict=True):
            size = abs(exact)
            if name == "softmax":  # the factor rest - p is a difference
                size = p[0] * (rest[0] if i == j == 0 else p[1])
            assert abs(found[i][j] - exact) <= 2 * BOUND * ULP[dtype] * spread * size + least, (xs, i, j)


AT_LEAST = [[40.0, 0.0, 1.0], [-3.0, 700.0, 699.0], [0.25, 0.5, -0.125], [1e6, 1e6 + 50, 1e6], [2.0, 2.0, -30.0]]


def exported_gradients(f, path):
    """The gradient as each kind of exported file has it."""
    f.to_numpy(path / "f.py")
    space = {}
    exec((path / "f.py").read_text(encoding="utf-8"), space)
    numpy = next(v for k, v in space.items() if k.endswith("_value_and_grad"))
    yield "NumPy", lambda xs: numpy(np.array(xs))[1]
    symbols, _, slopes = f.to_sympy()
    yield "SymPy", lambda xs: [
        float(s.subs(dict(zip(symbols[0], map(Rational, xs), strict=True))).evalf(60)) for s in slopes[0]
    ]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_slopes_of_what_is_next_to_1_in_exports(name, tmp_path):
    for k in range(3):
        f = compiler.compile(lambda v, k=k: getattr(ag, name)(v)[k], [0.0] * 3)
        for way, gradient in exported_gradients(f, tmp_path):
            for xs in AT_LEAST:
                p, _ = exactly(xs)
                rest = others(p)
                exact = [(rest[k] if j == k else -p[j]) * (p[k] if name == "softmax" else 1) for j in range(3)]
                spread = 1 + (max(xs) - min(xs))
                for d, e in zip(np.ravel(gradient(xs)), exact, strict=True):
                    assert abs(d - e) <= 2 * BOUND * ULP["float64"] * spread * abs(e) + 1e-300, (way, k, xs)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_numbers_among_the_entries_change_no_derivative(name):
    """To the third order, in whichever place the largest stands, and where two are."""
    for xs in ([1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [3.0, 3.0, -2.0], [700.0, 1.0, 2.0], [-0.5, 4.0, 4.0], [1.0, 9.0, 2.0]):

        def whole(x, *rest, f=getattr(ag, name)):
            found = f([x, *rest])
            return found[0] if isinstance(found, list) else found

        slope = whole
        for order in range(1, 4):
            slope = ag.grad(slope)
            among_numbers, among_values = slope(*xs), slope(xs[0], *map(Value, xs[1:])).data
            assert among_numbers == pytest.approx(among_values, rel=1e-13, abs=1e-16), (order, xs)
            compiled = ag.compile(slope, *xs)(*xs)
            assert float(compiled) == pytest.approx(among_values, rel=1e-13, abs=1e-16), (order, xs)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize("way", ["eager", "float64", "float32"])
def test_nan_among_the_entries_is_in_every_derivative_to_the_third(name, way):
    def third(v):
        found = getattr(ag, name)(v)
        return ag.grad_of(ag.grad_of(ag.grad_of(found[1] if isinstance(found, list) else found, v, create_graph=True)[0], v, create_graph=True)[2], v, create_graph=True)

    for xs in ([NAN, 1.0, INF], [0.0, NAN, 5.0], [1.0, 2.0, NAN]):
        found = third([Value(x) for x in xs]) if way == "eager" else compiler.compile(third, [0.0, 1.0, 2.0], dtype=way)(xs)
        assert all(math.isnan(float(x.data if isinstance(x, Value) else x)) for x in found)


@pytest.mark.parametrize("n", [3000, 20_000])
def test_entries_to_the_bound_of_very_many(n):
    draw = random.Random(n).gauss
    xs = [draw(-8, 3) for _ in range(n)]
    p, _ = exactly(xs)
    assert_entries(ag.softmax(xs), p, xs, "float64")


@pytest.mark.parametrize("dtype", [None, "float64", "float32"])
def test_cross_entropy_at_any_offset(dtype):
    def loss(v):
        return nn.cross_entropy(v, 1)

    for xs in points(dtype or "float64", 3):
        _, log_p = exactly(xs)
        p, _ = exactly(xs)
        if dtype is None:
            value, gradient = ag.value_and_grad(loss)(xs)
        else:
            value, (gradient,) = compiler.compile(loss, [0.0] * 3, dtype=dtype).value_and_grad(xs)
        bound = BOUND * ULP[dtype or "float64"]
        assert abs(float(value) + log_p[1]) <= bound * abs(log_p[1])
        right = -(p[0] + p[2])
        for found, exact, x in zip(gradient, (p[0], right, p[2]), xs, strict=True):
            room = bound * (1 + (max(xs) - x)) * abs(exact)
            assert abs(float(found) - exact) <= room + (2.0**-126 if dtype == "float32" else 1e-300)


SPECIAL = {
    (INF, 0.0, 1.0): [1, 0, 0], (INF, INF, 0.0): [0.5, 0.5, 0], (-INF, -INF): [0.5, 0.5], (INF, INF): [0.5, 0.5],
    (-INF, 2.0): [0, 1], (INF, -INF): [1, 0], (-INF,) * 4: [0.25] * 4,
}  # fmt: skip


@pytest.mark.parametrize("xs", SPECIAL)
def test_infinities_are_as_in_the_gradient_of_logsumexp(xs):
    expected, xs = SPECIAL[xs], list(xs)
    compiled = [compiler.compile(ag.softmax, [0.0] * len(xs), dtype=dtype) for dtype in ("float64", "float32")]
    assert list(ag.softmax(xs)) == list(ag.grad(ag.logsumexp)(xs)) == expected
    for f in compiled:
        assert list(map(float, f(xs))) == pytest.approx(expected)
    jacobian = [[a * ((i == j) - b) for j, b in enumerate(expected)] for i, a in enumerate(expected)]
    assert ag.jacobian(ag.softmax)(xs) == jacobian
    log_p = [math.log(p) if p else -INF for p in expected]
    assert list(ag.log_softmax(xs)) == pytest.approx(log_p)
    for k, p in enumerate(expected):
        assert nn.cross_entropy(xs, k) == pytest.approx(-math.log(p) if p else INF)
        assert ag.grad(lambda v, k=k: nn.cross_entropy(v, k))(xs) == pytest.approx([q - (i == k) for i, q in enumerate(expected)])


PARTS = {
    "others": [(0.3, -1.2, 0.7, 0.7), (2.4, 2.4, 1.1, 2.4), (0.1, 0.2, 0.9)],
    "exp_less": [(0.3, 1.7), (-4.2, 0.6), (2.5, 0.5)],
    "scale": [(1.7, 0.2), (1.7, 5.0), (-0.4, 1e-30), (-0.4, 1.5)],
    "log_scale": [(1.7, 0.2), (1.7, 5.0), (-0.4, 1e-30), (-0.4, 1.5)],
    "softmax": [(0.3, 0.4, 0.2), (0.3, 0.4, 0.9), (-3.0, 0.4, 0.7), (-3.0, 1.5, 0.1)],
    "log_softmax": [(0.3, 0.4, 1.2), (0.3, 0.4, -0.25), (-3.0, 0.4, -0.1), (-3.0, 1.5, 0.7)],
    "leading": [(3.0, 0.1, -0.4), (0.1, -5.0), (0.5, 0.4, 0.6), (-2.0,)],  # of a length, which is chosen likewise
}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_each_partial_of_a_part_is_the_derivative_of_its_value(name):
    """On both sides of its choices, by differences in 80 digits; of `others` the first that is the largest is left out."""
    m, primitive, h = HighPrecision(80), PRIMITIVES[name], Fraction(1, 10**25)
    for point in PARTS[name]:
        at = [m.number(x) for x in point]
        found = primitive.partials(m, *at, primitive.value(m, *at))
        for k, d in enumerate(found):
            if name == "others" and point[k] == point[-1]:
                continue  # a jump; see the next test
            above, below = ([*at[:k], at[k] + m.number(e), *at[k + 1 :]] for e in (h, -h))
            slope = (primitive.value(m, *above) - primitive.value(m, *below)) / m.number(2 * h)
            assert abs(slope - d) < 1e-40 * (1 + abs(slope)), (name, point, k)


def test_the_sum_of_the_others_leaves_out_the_first_of_the_largest_alone():
    sums = [record_many(PRIMITIVES["others"], [*map(Value, xs), Value(2.5)]) for xs in ((2.5, 2.5, 0.5), (0.5, 2.5, 2.5))]
    e = math.exp(0.5)
    assert [node.data for node in sums] == pytest.approx([e + math.exp(-1.5)] * 2)
    assert [node.local_grads for node in sums] == [pytest.approx((0, e, math.exp(-1.5), 0)), pytest.approx((math.exp(-1.5), 0, e, 0))]


def test_nan_passes():
    assert all(map(math.isnan, ag.softmax([NAN, 1.0, INF])))
    assert all(map(math.isnan, ag.log_softmax([0.0, NAN])))
    assert all(math.isnan(g) for row in ag.jacobian(ag.softmax)([NAN, 1.0]) for g in row)
    assert math.isnan(nn.cross_entropy([0.0, NAN, 1.0], 0))


def test_nodes_grow_with_the_entries():
    def count(n):
        nodes = set()
        for p in ag.softmax([Value(float(k)) for k in range(n)]):
            nodes.update(ag.topological_order(p))
        return len(nodes)

    assert [count(n) for n in (3, 30, 300)] == [2 * n + 3 for n in (3, 30, 300)]


def test_ties_are_no_kinks():
    pytest.importorskip("mpmath")
    from autograd_core.testing import check_gradient

    assert check_gradient(lambda v: ag.softmax(v)[1], [1.0, 1.0, 1.0])


# --- compiled for a number of entries ---------------------------------------------------------------

entries = st.one_of(st.floats(), st.floats(-30, 30), st.sampled_from([0.0, -0.0, 1.0, INF, -INF, NAN, 1e308, 5e-324, 745.0]))


def mixture(name, xs, moving):
    """The weighted sum of what a function makes of the entries, of which some are Values and the others numbers."""
    places = [i for i, moves in enumerate(moving) if moves]

    def f(v):
        items = list(xs)
        for i, x in zip(places, v, strict=True):
            items[i] = x
        found = getattr(ag, name)(items)
        return ag.dot([0.5 + i for i in range(len(xs))], found) if isinstance(found, list) else found

    return f, [xs[i] for i in places]


def everything(name, xs, moving):
    """Value, gradient and Hessian, as bits; those of NaN alike."""
    f, at = mixture(name, xs, moving)
    value, gradient = ag.value_and_grad(f)(at)
    numbers = [value, *gradient, *(h for row in ag.hessian(f)(at) for h in row)]
    return [math.nan if x != x else x for x in map(float, numbers)]


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@examples(100)
@given(xs=st.lists(entries, min_size=1, max_size=6), moving=st.lists(st.booleans(), min_size=6, max_size=6))
def test_every_mixture_of_values_and_numbers_gives_the_same_bits_however_often(name, xs, moving):
    moving = [*moving[: len(xs) - 1], True]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograd_core._src.engine.recording.STRAIGHT", {})
        plain = everything(name, xs, moving)
    for _ in range(RECURS + 1):
        f, at = mixture(name, xs, moving)
        f([Value(x) for x in at])
    assert callable(STRAIGHT[name][len(xs)] if name == "logsumexp" else STRAIGHT["others"][len(xs) + 1])
    assert struct.pack(f"{len(plain)}d", *everything(name, xs, moving)) == struct.pack(f"{len(plain)}d", *plain)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_every_mixture_is_recorded_alike_for_compiled_calls(name, n):
    """A trace made where the rows are compiled gives the bits of one made where they are not."""
    rng = random.Random(n)
    xs = [rng.uniform(-3, 3) for _ in range(n)]
    mixtures = [m for m in itertools.product((False, True), repeat=n) if any(m)]
    for moving in mixtures if n < 4 else rng.sample(mixtures, 4):
        f, at = mixture(name, xs, moving)
        for _ in range(RECURS + 2):
            f([Value(x) for x in at])
        quick = compiler.compile(f, at)
        found = quick.value_and_grad(at), np.asarray(quick.hessian(at))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("autograd_core._src.engine.recording.STRAIGHT", {})
            plain = compiler.compile(f, at)
            expected = plain.value_and_grad(at), np.asarray(plain.hessian(at))
        assert float(found[0][0]) == float(expected[0][0])
        np.testing.assert_array_equal(np.ravel(found[0][1]), np.ravel(expected[0][1]))
        np.testing.assert_array_equal(found[1], expected[1])
        assert np.ravel(found[0][1]) == pytest.approx(ag.grad(f)(at), rel=1e-13, abs=1e-15)


def test_numbers_among_the_entries_are_taken_in_any_order():
    for _ in range(RECURS + 2):
        assert ag.softmax([0.0, Value(0.0)])[0].data == ag.softmax([Value(0.0), 0])[0].data == ag.softmax([0.0, 0.0])[0] == 0.5
        assert ag.softmax([Fraction(1, 3), Value(0.5)])[0].data == ag.softmax([1 / 3, 0.5])[0]


@pytest.mark.parametrize("offset", [0.0, 1e3, -1e6, 1e10])
@pytest.mark.parametrize("size", [1.0, 30.0, 300.0])
def test_cross_entropy_however_far_the_right_class_leads_or_trails(offset, size):
    """The value is off by 4 ulp at most, entry i of the gradient by 4 ulp (1 + max x - xi)."""
    rng, called = random.Random(f"{offset} {size}"), {}
    for _ in range(40):
        n = rng.choice((2, 3, 5))
        xs = [offset + rng.uniform(-size, size) for _ in range(n)]
        k, top = rng.randrange(n), max(xs)
        f = called.setdefault((n, k), ag.compile(lambda v, k=k: nn.cross_entropy(v, k), xs))
        with mpmath.workdps(60):
            terms = [mpmath.exp(mpmath.mpf(x) - mpmath.mpf(top)) for x in xs]
            exact = [float(t / mpmath.fsum(terms)) for t in terms]
            others = mpmath.fsum(t for i, t in enumerate(terms) if i != k)
            surprise = float(mpmath.log1p(others / terms[k]))
            exact[k] = -float(others / mpmath.fsum(terms))
        quick, [of_quick] = f.value_and_grad(xs)
        for value, slopes in (ag.value_and_grad(lambda v, k=k: nn.cross_entropy(v, k))(xs), (quick, of_quick)):
            assert abs(value - surprise) <= BOUND * math.ulp(surprise), (xs, k)
            for i, (slope, x) in enumerate(zip(slopes, xs, strict=True)):
                assert abs(slope - exact[i]) <= BOUND * math.ulp(exact[i]) * (1 + (top - x)), (xs, k, i)
