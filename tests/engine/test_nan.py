"""NaN goes through every derivative of every order that depends on the operand: looped over all primitives.

Each operand in turn is NaN, while the others are 0, 1, infinite, NaN, subnormal or plain; all derivatives up
to the third, mixed ones too, are taken eagerly and compiled, in double and in single precision.

What depends on an operand is found out, not listed: a derivative that is not the same at all of `NUMBERS`.
Beside an infinite operand, where many derivatives are 0 for all numbers, it is asked at plain numbers instead.
"""

import itertools
import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src import compiler
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.recording import record_many

INF, NAN = math.inf, math.nan
NUMBERS = (0.375, -0.625, 1.5, 3.0, -2.0, 0.0)
PLAIN = {1: (0.625,), 2: (0.625, 0.375), 3: (0.625, 0.375, 0.875), None: (0.5, 1.5, 0.25)}
SPECIAL = {"acosh": (1.625,), "zeta": (3.0, 1.375), "clip": (0.375, 0.25, 0.875), "dot": (0.5, 1.5, 0.25, 0.75)}
SUBNORMAL = {"float64": 5e-324, "float32": 2.0**-149}

CHOICE = "relu, leaky_relu, max, min, where and clip send the gradient on as they would a number's"
EXEMPT = {
    **dict.fromkeys("relu leaky_relu where maximum minimum clip max min".split(), CHOICE),
    **dict.fromkeys("largest others softmax log_softmax".split(), "one NaN is in all operands that softmax gives them: below"),
    "leading": "an entry of vectors that norm has scaled: NaN in it is NaN in them, and norm is asked",
    **dict.fromkeys("lt le gt ge eq ne".split(), "NaN is unequal to all numbers: the value is 0 or 1, the derivative 0"),
}
REMEDY = (
    "A derivative, here with respect to the operands of the places that are given, has a number where it should have NaN: "
    'add m.primitive("step_slope", x) to a partial that chooses by `m.where`; it is 0, and NaN of NaN, as its derivative is'
)
OPERANDS = {
    ("copysign", 1): "copysign reads the sign of its second operand alone, that of NaN too",
    ("path_product", 0): "0 wins over NaN in it, by definition",
    ("path_product", 1): "0 wins over NaN in it, by definition",
}


def plain(primitive):
    return SPECIAL.get(primitive.name, PLAIN[primitive.arity])


def derivatives(primitive):
    """A function of a list: every derivative up to the order, by the order of its operands."""

    def everything(v):
        found, last = [], [record_many(primitive, list(v))]
        for _ in range(order_of(primitive)):
            last = [slope for node in last for slope in ag.grad_of(node, v, create_graph=True)]
            found += last
        return found

    return everything


def order_of(primitive):
    return 2 if primitive.name == "norm" else 3  # a third derivative of it has thousands of nodes


def names_of(primitive):
    places = range(len(plain(primitive)))
    return [path for k in range(1, order_of(primitive) + 1) for path in itertools.product(places, repeat=k)]


def beside(primitive, j, small):
    """What the operands but the j-th are."""
    n = len(plain(primitive))
    rest = [x for i, x in enumerate(plain(primitive)) if i != j]
    others = (0.0, 1.0, INF, -INF, NAN, small, -0.75)
    if n > 3:
        return [rest, *([x] * (n - 1) for x in others)]
    return [list(xs) for xs in itertools.product(others, repeat=n - 1)]


def filled(rest, j, x):
    return [*rest[:j], x, *rest[j:]]


def eagerly(primitive, point):
    return [slope.data for slope in derivatives(primitive)([Value(x) for x in point])]


def finite(primitive, j, rest):
    """The others, with plain numbers for those that are infinite."""
    usual = [x for i, x in enumerate(plain(primitive)) if i != j]
    return [p if math.isinf(x) else x for x, p in zip(rest, usual, strict=True)]


@pytest.mark.parametrize("primitive", [primitive for primitive in PRIMITIVES.values() if primitive.name not in EXEMPT], ids=lambda primitive: primitive.name)
def test_a_derivative_that_depends_on_an_operand_is_nan_where_that_is_nan(primitive):
    compiled = {d: compiler.compile(derivatives(primitive), list(plain(primitive)), in_axes=0, dtype=d) for d in SUBNORMAL}

    def of(dtype, points):
        return np.asarray(compiled[dtype](points), float)

    for j in range(len(plain(primitive))):
        if (primitive.name, j) in OPERANDS:
            continue
        rests = beside(primitive, j, SUBNORMAL["float64"])
        tries = of("float64", [filled(finite(primitive, j, rest), j, x) for rest in rests for x in NUMBERS])
        tries = tries.reshape(len(rests), len(NUMBERS), -1)
        first = tries[:, :1]
        depends = ~np.all((tries == first) | np.isnan(tries) & np.isnan(first), axis=1)
        is_finite = np.array([finite(primitive, j, rest) == rest for rest in rests])[:, None]
        points = [filled(rest, j, NAN) for rest in rests]
        single = beside(primitive, j, SUBNORMAL["float32"])  # where a logarithm, say, is another number than of a double
        usual = of("float32", [filled(finite(primitive, j, rest), j, NUMBERS[0]) for rest in single])
        ways = {
            "eager": (np.array([eagerly(primitive, point) for point in points]), tries[:, 0]),
            "float64": (of("float64", points), tries[:, 0]),
            "float32": (of("float32", [filled(rest, j, NAN) for rest in single]), usual),
        }
        for way, (found, given) in ways.items():
            another = ~np.isclose(found, given, rtol=1e-6) & is_finite  # neither NaN nor what all numbers give
            wrong = ~np.isnan(found) & (depends | another)
            not_nan = [(way, points[k], names_of(primitive)[i], found[k, i]) for k, i in np.argwhere(wrong)]
            assert not_nan == [], REMEDY


@pytest.mark.parametrize("name", "abs sign floor ceil step_slope end copysign".split())
@pytest.mark.parametrize("dtype", [None, "float64", "float32"])
def test_steps_pass_nan_to_every_order(name, dtype):
    """Their derivatives are 0 or a sign at all numbers, which the test above takes for no dependence."""
    f = derivatives(PRIMITIVES[name])
    point = [NAN, 2.0][: PRIMITIVES[name].arity]
    slopes = eagerly(PRIMITIVES[name], point) if dtype is None else compiler.compile(f, [1.0] * len(point), dtype=dtype)(point)
    along = [slope for path, slope in zip(names_of(PRIMITIVES[name]), slopes, strict=True) if set(path) == {0}]
    assert len(along) == 3
    assert all(map(math.isnan, along))


def test_what_nan_does_not_change_is_what_the_reasons_say():
    assert ag.grad(ag.relu)(NAN) == 1
    assert ag.grad(ag.leaky_relu)(NAN) == 0.01
    assert ag.grad(ag.clip)(NAN, 0.0, 1.0) == 1
    assert ag.grad(lambda x: x > 2)(NAN) == 0
    assert ag.grad(lambda x: x * 3)(NAN) == 3
    assert ag.grad(ag.copysign, 1)(2.0, NAN) == 0
    assert ag.grad(lambda x: x**0)(NAN) == 0
    assert ag.grad(lambda y: 1**y)(NAN) == 0


CONSTANT = {
    "x": (lambda x: x, 1, 1.0),
    "2 x": (lambda x: 2 * x, 1, 2.0),
    "x * x": (lambda x: x * x, 2, 2.0),
    "square": (ag.square, 2, 2.0),
    "x ** 2": (lambda x: x**2, 2, 2.0),
    "dot": (lambda x: ag.dot([x, 3.0], [x, x]), 2, 2.0),
    "x * x * x": (lambda x: x * x * x, 3, 6.0),
    "x ** 3": (lambda x: x**3, 3, 6.0),
    "prod": (lambda x: ag.prod([x, x, x]), 3, 6.0),
}


@pytest.mark.parametrize("name", CONSTANT)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_derivative_that_is_the_same_for_all_numbers_is_so_for_nan(name, dtype):
    """Those before it are NaN."""
    f, order, expected = CONSTANT[name]
    for k in range(1, order + 1):
        f = ag.grad(f)
        compiled = compiler.compile(f, 1.0, dtype=dtype)
        for x in (-2.5, INF, NAN) if k == order else (NAN,):
            found = [f(x), float(compiled(x))]
            assert found == [expected] * 2 if k == order else all(map(math.isnan, found)), (k, x)
