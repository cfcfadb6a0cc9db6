"""Products whose parts leave the range of doubles, or of floats, though they themselves do not."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.number_systems import products
from autograd_core._src.number_systems.floats import FLOATS


def exactly(xs):
    """The product and, for each operand, the product of the others, from Fractions."""
    fractions = [Fraction(x) for x in xs]
    return math.prod(fractions), [math.prod(fractions[:i] + fractions[i + 1 :]) for i in range(len(xs))]


def drawn(seed, largest, count):
    """Operands of exponents far and wide, whose product ends near 1: each but the last is drawn."""
    rng = random.Random(seed)
    xs = [rng.choice((-1, 1)) * rng.uniform(1, 2) * 2.0 ** rng.randint(-largest, largest) for _ in range(count)]
    while abs(e := sum(math.frexp(x)[1] for x in xs)) > largest:
        k = rng.randrange(count)
        xs[k] = math.ldexp(math.frexp(xs[k])[0], -rng.randint(0, largest) if e > 0 else rng.randint(0, largest))
    rng.shuffle(xs)
    return xs


def near(found, exact, kind=np.float64, ulps=None):
    """Equal to so many ulp; where the exact number is out of range, infinite or nearly 0."""
    limits = np.finfo(kind)
    if abs(exact) > Fraction(float(limits.max)):
        return math.isinf(found) and (found > 0) == (exact > 0)
    if abs(exact) < Fraction(float(limits.tiny)):
        return abs(Fraction(found) - exact) <= 8 * Fraction(float(limits.smallest_subnormal))
    return abs(Fraction(found) - exact) <= abs(exact) * Fraction(float(limits.eps)) * ulps


CASES = [
    [1e-200, 1e-200, 1e300, 1e300],
    [1e200, 1e200, 1e-300],
    [1e200, 1e200, -1e-300, 1e-100],
    [1e300, 1e-200, 1e-200, 1e300],
    [5e-324, 1e300, 1e300, 1e-300],
    [1e-300, 1e-300, 1e-300, 1e300, 1e300, 1e300],
    *(drawn(seed, 1000, 3 + seed % 9) for seed in range(30)),
]


@pytest.mark.parametrize("xs", CASES)
def test_values_and_derivatives_eagerly_and_in_gradient_graphs(xs):
    exact, slopes = exactly(xs)
    leaves = [Value(x) for x in xs]
    y = ag.prod(leaves)
    assert near(y.data, exact, ulps=len(xs))
    assert all(near(d, s, ulps=len(xs)) for d, s in zip(y.local_grads, slopes, strict=True))
    assert near(ag.prod(xs), exact, ulps=len(xs))
    graph = ag.grad_of(y, leaves, create_graph=True)
    assert all(near(d.data, s, ulps=len(xs)) for d, s in zip(graph, slopes, strict=True))
    _, row = exactly(xs[1:])
    second = ag.grad_of(graph[0], leaves[1:])
    assert all(near(d, s, ulps=len(xs)) for d, s in zip(second, row, strict=True))
    tangent = ag.jvp(ag.prod, (xs,), ([0.0, 1.0, *[0.0] * (len(xs) - 2)],))[1]
    assert near(tangent, slopes[1], ulps=len(xs))


@pytest.mark.parametrize("xs", CASES[::3])
def test_compiled(xs):
    pytest.importorskip("llvmlite")
    exact, slopes = exactly(xs)
    f = ag.compile(lambda v: ag.prod(v), np.array([1.5] * len(xs)), in_axes=0)
    rows = np.array([xs, xs[::-1], [1.5] * len(xs)] * 300)
    for _ in range(3):
        value, (gradient,) = f.value_and_grad(rows)
        assert near(float(value[0]), exact, ulps=len(xs))
        assert all(near(float(d), s, ulps=len(xs)) for d, s in zip(gradient[0], slopes, strict=True))
        assert all(near(float(d), s, ulps=len(xs)) for d, s in zip(gradient[1], slopes[::-1], strict=True))
    value, (gradient,) = ag.compile(lambda v: ag.prod(v), [1.5] * len(xs)).value_and_grad(xs)
    assert near(float(value), exact, ulps=len(xs))
    assert all(near(float(d), s, ulps=len(xs)) for d, s in zip(gradient, slopes, strict=True))


@pytest.mark.parametrize("seed", range(8))
def test_compiled_in_single_precision(seed):
    pytest.importorskip("llvmlite")
    xs = [float(np.float32(x)) for x in drawn(seed, 100, 3 + seed)]
    exact, slopes = exactly(xs)
    f = ag.compile(lambda v: ag.prod(v), np.full(len(xs), 1.5, np.float32), in_axes=0, dtype="float32")
    value, (gradient,) = f.value_and_grad(np.array([xs] * 64, np.float32))
    assert near(float(value[0]), exact, np.float32, len(xs))
    assert all(near(float(d), s, np.float32, len(xs)) for d, s in zip(gradient[0], slopes, strict=True))


@pytest.mark.parametrize(
    ("xs", "rare"),
    [
        ([1.5, 2.0, 3.0, 4.0], False), ([0.0, 2.0, 3.0, 4.0], False), ([1.5, 0.0, -0.0, 4.0], False),
        ([1e-200, 1e-200, 1e300, 0.0], True), ([0.0, 1e-200, 1e300, 1e300], True), ([1e200, 1e200, 1e-300, 1.0], True),
    ],
)  # fmt: skip
def test_only_parts_that_leave_the_range_are_computed_with_care(xs, rare):
    """A zero, which no digit is lost to, is no such part."""
    asked = []

    class Asked(type(FLOATS)):
        def rarely(self, condition, rare, usual):
            asked.append(bool(condition))
            return super().rarely(condition, rare, usual)

    products.whole(Asked(), xs)
    products.of_others(Asked(), xs)
    assert any(asked) == rare


def test_zeros_infinities_and_nan_are_as_products_have_them():
    for xs in ([0.0, 1e300, 1e300], [0.0, 0.0, 2.0], [math.inf, 2.0, -3.0], [math.inf, 0.0, 1.0], [math.nan, 1e300, 1e300]):
        y = ag.prod([Value(x) for x in xs])
        expected = math.nan if any(map(math.isnan, xs)) or (math.inf in xs and 0.0 in xs) else math.prod(sorted(xs, key=abs))
        assert y.data == expected or (math.isnan(y.data) and math.isnan(expected))
    assert ag.prod([Value(0.0), Value(1e300), Value(1e-300)]).local_grads == (1.0, 0.0, 0.0)
    assert ag.prod([]) == 1.0
    assert ag.grad(ag.grad(lambda x: ag.prod([x])))(3.0) == 0.0
    assert ag.prod([Value(1e200), Value(1e200), Value(0.0)]).data == 0


def test_fractions_stay_exact_beyond_the_range_of_doubles():
    xs = [Fraction(1, 10**400), Fraction(10**400), Fraction(3, 7), Fraction(10**700)]
    y = ag.prod([Value(x) for x in xs])
    assert (y.data, list(y.local_grads)) == exactly(xs)


@pytest.mark.parametrize("xs", [CASES[0], CASES[1], CASES[5]])
def test_exported(xs):
    sympy = pytest.importorskip("sympy")
    exact, slopes = exactly(xs)
    f = ag.compile(lambda v: ag.prod(v), [1.5] * len(xs))
    [symbols], value, [grads] = f.to_sympy()
    assert value == sympy.Mul(*symbols)
    namespace = {}
    exec(f.to_numpy(), namespace)
    function = next(namespace[name] for name in namespace if name.endswith("_value_and_grad"))
    with np.errstate(over="ignore"):
        found, gradient = function(np.array(xs))
    assert near(float(found), exact, ulps=len(xs))
    assert all(near(float(d), s, ulps=len(xs)) for d, s in zip(gradient, slopes, strict=True))
    assert len(grads) == len(xs)
