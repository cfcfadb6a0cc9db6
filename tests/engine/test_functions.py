"""The public functions: on numbers numbers, on Values one node; every form that the built-ins take."""

import inspect
import math
import operator
from fractions import Fraction

import pytest
from strategies import inside

import autograd_core as ag
import nn
from autograd_core import Value
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.value_system import VALUES
from autograd_core._src.number_systems.base import BINARY, CONSTANTS, UNARY
from autograd_core.errors import AutogradError

inf, nan = math.inf, math.nan

GENERATED = sorted(name for name in PRIMITIVES if getattr(getattr(ag, name, None), "__name__", "") == name and inspect.isfunction(getattr(ag, name)))


# --- numbers in, numbers out ----------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in GENERATED if PRIMITIVES[n].arity == 1 and n != "log"])
def test_unary_functions(name):
    f = getattr(ag, name)
    (x,) = inside(PRIMITIVES[name], (0.5,))
    for given in (x, Fraction(x)):
        assert not isinstance(f(given), Value)
        assert float(f(given)) == f(x)  # of a Fraction it may be one, exactly
    node = f(Value(x))
    assert node.data == f(x)
    assert (node.op, len(node.parents)) == (name, 1)
    assert isinstance(f(1), float)
    for bad in (None, "a", 1j, [x]):
        with pytest.raises(ag.OperandError, match=f"{name}: expected a real number or a Value"):
            f(bad)


@pytest.mark.parametrize("name", ["atan2", "hypot", "maximum", "minimum", "leaky_relu", "elu"])
def test_binary_functions(name):
    f = getattr(ag, name)
    for x, y in ((0.5, 2.0), (-0.5, 2.0)):
        plain = f(x, y)
        assert plain.__class__ is float
        a, b = Value(x), Value(y)
        for node, both in ((f(a, b), True), (f(a, y), False), (f(x, b), False)):
            assert (node.data, node.op, len(node.parents)) == (plain, name, 2)
            assert not both or (node.parents[0] is a and node.parents[1] is b)
        for bad in (None, "a", 1j):
            with pytest.raises(ag.OperandError, match=f"{name}: expected a real number or a Value"):
                f(a, bad)
            with pytest.raises(ag.OperandError, match=f"{name}: expected a real number or a Value"):
                f(bad, 1.0)


def test_ieee_on_plain_numbers():
    assert [ag.log(0), ag.log(8, 1), ag.exp(1000), ag.log1p(-1), ag.atanh(-1)] == [-inf, inf, inf, -inf, -inf]
    assert [ag.cosh(1000), ag.sinh(-1000), ag.floor(inf), ag.expm1(1000)] == [inf, -inf, inf, inf]
    for undefined in (ag.log(-1), ag.sqrt(-1), ag.acosh(0), ag.asin(2), ag.sin(inf), ag.relu(nan), ag.log(1, 1)):
        assert math.isnan(undefined)
    assert math.copysign(1.0, ag.ceil(-0.5)) == -1.0


def test_log_to_a_base():
    assert ag.log(8, 2) == pytest.approx(3.0)
    x, b = Value(8.0), Value(2.0)
    assert ag.grad(ag.log, (0, 1))(8.0, 2.0) == pytest.approx((1 / (8 * math.log(2)), -math.log(8) / 2 / math.log(2) ** 2))
    assert ag.log(x, b).data == ag.log(8.0, b).data == ag.log(x, 2).data == ag.log(8, 2)


def test_defaults_of_activations():
    assert (ag.leaky_relu(-2.0), ag.leaky_relu(-2.0, negative_slope=0.5)) == (-0.02, -1.0)
    assert (ag.elu(-1.0), ag.elu(-1.0, alpha=2.0)) == (math.expm1(-1), 2 * math.expm1(-1))
    slope = Value(0.1)
    assert ag.grad_of(ag.leaky_relu(-2.0, slope), [slope]) == [-2.0]


def test_where():
    assert [ag.where(c, 1, 2) for c in (True, False, 0.0, -0.0, 3, nan)] == [1.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    x = Value(3.0)
    assert ag.where(x, 1, 2).parents[0] is x
    assert ag.where(True, x, 5).local_grads == (0.0, 1.0, 0.0)
    for bad in ((None, 1, 2), (True, "a", 2), (True, 1, 1j), ([True], 1, 2)):
        with pytest.raises(ag.OperandError, match="where: expected a real number or a Value"):
            ag.where(*bad)


def test_clip():
    assert [ag.clip(x, 0, 2) for x in (-1, 1, 3)] == [0.0, 1.0, 2.0]
    assert (ag.clip(5), ag.clip(5, 8), ag.clip(5, None, 3), ag.clip(5, high=3), ag.clip(-5, low=-3)) == (5.0, 8.0, 3.0, 3.0, -3.0)
    assert ag.clip(1, 3, 0) == 0.0  # as in NumPy, the upper bound wins
    low, high = Value(0.0), Value(1.0)
    assert ag.grad_of(ag.clip(-3, low, high), [low, high]) == [1.0, 0.0]
    assert ag.grad_of(ag.clip(3, low, high), [low, high]) == [0.0, 1.0]
    for x in (-1.0, 0.0, 1.0):  # between two equal bounds it is constant
        assert ag.grad(lambda x: ag.clip(x, 0, 0))(x) == 0.0
        assert ag.grad(lambda c, x=x: ag.clip(x, c, c))(0.0) == 1.0
    with pytest.raises(ag.OperandError, match="clip: expected"):
        ag.clip("a", 0, 1)


def test_hypot_and_norm_of_any_number():
    assert (ag.hypot(3, 4), ag.hypot(), ag.hypot(-2), ag.hypot(1, 2, 2), ag.norm([]), ag.norm([2, 3, 6])) == (5, 0, 2, 3, 0, 7)
    x = Value(2.0)
    assert ag.hypot(x, 3, 6).op == "norm"
    assert ag.hypot(x, 3).op == "hypot"
    assert ag.norm([Value(1e300), Value(1e300)]).data == pytest.approx(math.sqrt(2) * 1e300)


# --- sum ------------------------------------------------------------------------------------------


def test_sum_is_one_node():
    xs = [Value(float(i)) for i in range(4)]
    for given in (xs, tuple(xs), iter(xs), (x for x in xs), dict.fromkeys(xs), dict.fromkeys(xs, 1).keys()):
        node = ag.sum(given)
        assert (node.data, node.op, node.local_grads) == (6.0, "sum", (1.0,) * 4)
        assert all(p is x for p, x in zip(node.parents, xs, strict=True))
    mixed = ag.sum([xs[2], 3, 0.5, True])
    assert (mixed.data, len(mixed.parents)) == (6.5, 4)
    mixed.backward()
    assert [p.grad for p in mixed.parents] == [1.0, 0.0, 0.0, 0.0]


def test_sum_with_a_start():
    x, start = Value(2.0), Value(5.0)
    node = ag.sum([x, 1], start=start)
    assert node.data == 8.0
    assert node.parents[0] is start
    assert ag.sum([x], 10).data == 12.0
    assert ag.sum([x], start=0.5).data == 2.5
    assert ag.sum([], start).data == 5.0
    assert ag.sum([x], start=0).data == 2.0


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (([1, 2, 3],), {}),
        (([],), {}),
        (([], 5), {}),
        (([1.5, 2],), {"start": 1}),
        (([True, 2],), {}),
        (([[1], [2]], []), {}),
        (([(1,), (2, 3)], ()), {}),
        ((range(5),), {}),
        (([10**400, 1],), {}),
        (([Fraction(1, 3), Fraction(1, 6)],), {}),
        (([Fraction(1, 3), 1],), {}),
        (({1: 2, 3: 4},), {}),
    ],
)
def test_sum_takes_what_the_built_in_takes(args, kwargs):
    ours, built_in = ag.sum(*args, **kwargs), sum(*args, **kwargs)
    assert ours == built_in
    assert type(ours) is type(built_in)


def test_sum_of_arrays():
    np = pytest.importorskip("numpy")
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert ag.sum(a).tolist() == [4.0, 6.0]
    assert ag.sum([a, a]).tolist() == (2 * a).tolist()
    assert ag.sum(a[0]) == 3.0
    x = Value(1.0)
    assert [v.data for v in ag.sum([np.array([x, x]), np.array([1.0, 2.0])])] == [2.0, 3.0]


# --- max and min ----------------------------------------------------------------------------------

EXTREMES = {"max": (ag.max, max), "min": (ag.min, min)}


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((3, 5, 4), {}),
        (([3, 5, 4],), {}),
        (([3.0, 5.0],), {}),
        ((range(3, 6),), {}),
        (("abc",), {}),
        ((["a", "b"],), {}),
        (([1, -3, 2],), {"key": abs}),
        ((1, -3, 2), {"key": abs}),
        (([],), {"default": None}),
        (([],), {"default": 7}),
        (([1],), {"default": 7}),
        (([],), {"default": 7, "key": abs}),
        (([[1, 2], [3]],), {}),
        (([(1, 2), (3,)],), {}),
        (({"a": 1, "b": 2},), {}),
        (([10**400, 1],), {}),
        (([Fraction(1, 3), Fraction(1, 2)],), {}),
        (([3, 5],), {"key": None}),
    ],
)
def test_max_and_min_take_what_the_built_ins_take(name, args, kwargs):
    ours, built_in = EXTREMES[name]
    assert ours(*args, **kwargs) == built_in(*args, **kwargs)


@pytest.mark.parametrize("name", EXTREMES)
def test_max_and_min_of_values_are_one_node(name):
    f, built_in = EXTREMES[name]
    data = [2.0, 7.0, -1.0]
    xs = [Value(x) for x in data]
    for node in (f(xs), f(*xs), f(iter(xs)), f([*xs, 3.0]), f(xs, default=3), f(xs, key=None)):
        assert (node.op, node.data) == (name, built_in(data))
        assert sum(node.local_grads) == 1.0
    assert f(xs, key=operator.attrgetter("data")) is built_in(xs, key=operator.attrgetter("data"))
    assert f(*xs, key=lambda v: -v.data).data == -built_in(-x for x in data)


@pytest.mark.parametrize("name", EXTREMES)
def test_max_and_min_refuse(name):
    f = EXTREMES[name][0]
    for bad in ((), ([],), (iter(()),)):
        with pytest.raises(ag.StructureError, match=f"{name}: expected at least one number, got an empty sequence"):
            f(*bad)
    for bad in (5, None, Value(1.0)):
        with pytest.raises(ag.OperandError, match=f"{name}: expected a sequence of numbers, got .*maximum"):
            f(bad)
    with pytest.raises(ag.StructureError, match=f"{name}: expected a default only beside one sequence"):
        f(1, 2, default=3)
    for bad in ([1.0, 1j], [Value(1.0), None], [1.0, "a"], [Value(1.0), "a"]):
        with pytest.raises(ag.OperandError, match=f"{name}: expected a real number or a Value"):
            f(bad)


def test_nan_wins_in_max_and_min():
    for f in (ag.max, ag.min):
        for xs in ([nan, 1.0], [1.0, nan], [1, nan], [0.0, nan, 5.0]):
            assert math.isnan(f(xs))


def test_abs_as_the_built_in():
    assert (ag.abs(-3), ag.abs(-3.5), ag.abs(Fraction(-1, 2)), ag.abs(True)) == (3, 3.5, Fraction(1, 2), 1)
    assert isinstance(ag.abs(Value(-1.0)), Value)


# --- the other reductions ---------------------------------------------------------------------------


def test_dot_is_one_node_with_the_parents_in_order():
    w, x = [Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]
    node = ag.dot(w, x)
    assert (node.data, node.op, node.local_grads) == (11.0, "dot", (3.0, 4.0, 1.0, 2.0))
    assert all(p is q for p, q in zip(node.parents, [*w, *x], strict=True))
    assert ag.dot(iter(w), (3, 4)).data == 11.0
    assert (ag.dot([1, 2], [3, 4]), ag.dot([], [])) == (11.0, 0.0)
    squares = ag.dot(w, w)
    squares.backward()
    assert [v.grad for v in w] == [2.0, 4.0]


def test_prod_is_right_beside_zeros():
    assert (ag.prod([]), ag.prod([2, 3, 4]), ag.prod([Value(2.0), 3]).data) == (1.0, 24.0, 6.0)
    assert ag.grad(ag.prod)([2.0, 0.0, 4.0]) == [0.0, 8.0, 0.0]
    assert ag.grad(ag.prod)([0.0, 0.0, 4.0]) == [0.0, 0.0, 0.0]


def test_mean():
    assert ag.mean([1, 2, 6]) == 3.0
    assert ag.mean([Value(1.0), 2, 6]).local_grads[0] == 1 / 3
    assert ag.grad(ag.mean)([5.0, 6.0]) == [0.5, 0.5]


def test_logsumexp_and_softmax():
    assert ag.logsumexp([1000.0, 1000.0]) == pytest.approx(1000 + math.log(2))
    assert ag.logsumexp([-1000.0, 0.0]) == 0.0
    assert (ag.logsumexp([-inf, -inf]), ag.logsumexp([inf, 0.0]), ag.logsumexp([5.0])) == (-inf, inf, 5.0)
    xs = [1.0, 2.0, 3.0]
    expected = [math.exp(x) / sum(map(math.exp, xs)) for x in xs]
    assert ag.softmax(xs) == pytest.approx(expected)
    assert ag.log_softmax(xs) == pytest.approx([math.log(p) for p in expected])
    assert ag.grad(ag.logsumexp)(xs) == pytest.approx(expected)
    jacobian = ag.jacobian(ag.softmax)(xs)
    for i, j in ((0, 0), (0, 2), (2, 1)):
        assert jacobian[i][j] == pytest.approx(expected[i] * ((i == j) - expected[j]))
    assert ag.softmax([1000.0, 0.0]) == [1.0, 0.0]
    assert all(isinstance(v, Value) for v in ag.softmax([Value(1.0), 2.0]))


@pytest.mark.parametrize("f", [ag.mean, ag.logsumexp, ag.softmax, ag.log_softmax], ids=lambda f: f.__name__)
def test_reductions_of_nothing(f):
    with pytest.raises(ag.StructureError, match=f"{f.__name__}: expected at least one number, got an empty sequence"):
        f([])


@pytest.mark.parametrize("f", [ag.sum, ag.prod, ag.mean, ag.norm, ag.logsumexp, ag.softmax, ag.log_softmax], ids=lambda f: f.__name__)
def test_reductions_refuse(f):
    for bad in (5, None, Value(1.0)):
        with pytest.raises(ag.OperandError, match=f"{f.__name__}: expected a sequence of numbers"):
            f(bad)
    for bad in ([1.0, 1j], [Value(1.0), None], [Value(1.0), "a"], [1.0, "a"], [object()]):
        with pytest.raises(ag.OperandError, match="expected a real number or a Value"):
            f(bad)


def test_dot_refuses():
    with pytest.raises(ag.StructureError, match="dot: expected two sequences of equal length, got 1 and 2"):
        ag.dot([1], [2, 3])
    for bad in ((1, [2]), ([1], None), (Value(1.0), Value(2.0))):
        with pytest.raises(ag.OperandError, match="dot: expected a sequence of numbers"):
            ag.dot(*bad)
    for bad in (([1], ["a"]), ([None], [Value(1.0)]), ([[1]], [[2]])):
        with pytest.raises(ag.OperandError, match="dot: expected a real number or a Value"):
            ag.dot(*bad)


def test_reductions_take_arrays():
    np = pytest.importorskip("numpy")
    a = np.array([3.0, 4.0])
    assert (ag.sum(a), ag.prod(a), ag.mean(a), ag.norm(a), ag.max(a), ag.dot(a, a)) == (7, 12, 3.5, 5, 4, 25)
    values = np.array([Value(3.0), Value(4.0)])
    assert [f(values).data for f in (ag.sum, ag.prod, ag.mean, ag.norm, ag.max)] == [7, 12, 3.5, 5, 4]
    assert ag.dot(values, a).data == 25


# --- the number system of Values ---------------------------------------------------------------------


def test_the_number_system_is_complete():
    x, y = Value(0.5), Value(0.75)
    for name in UNARY:
        assert isinstance(getattr(VALUES, name)(x), Value), name
    for name in BINARY:
        assert isinstance(getattr(VALUES, name)(x, y), Value), name
    for name in CONSTANTS:
        assert isinstance(getattr(VALUES, name), float)
    for name in ("sum", "prod", "max", "min", "norm"):
        node = getattr(VALUES, name)([x, y])
        assert node.op == name
    assert VALUES.dot([x], [y]).op == "dot"
    assert VALUES.where(x > y, x, y).op == "where"
    assert VALUES.equal(x, y).op == "eq"
    assert VALUES.number(3) == 3
    assert math.isnan(VALUES.pow(-1.0, 0.5))


def test_functions_read_the_numbers_of_other_systems():
    mpmath = pytest.importorskip("mpmath")
    from autograd_core._src.number_systems.high_precision import HighPrecision

    third = HighPrecision().number(1) / 3
    for got, expected in (
        (ag.sin(third), mpmath.sin),
        (ag.hypot(third, 1.0), lambda x: mpmath.sqrt(x * x + 1)),
        (ag.logsumexp([third, 0.0]), lambda x: mpmath.log(mpmath.exp(x) + 1)),
    ):
        with mpmath.workdps(50):
            assert abs(mpmath.mpf(str(got)) - expected(mpmath.mpf(1) / 3)) < mpmath.mpf(10) ** -45


class Unprintable:
    """Its own `repr` fails."""

    def __repr__(self):
        raise RuntimeError("no repr")


def nested(depth):
    found = 1.0
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize("made", [Unprintable, lambda: nested(100_000)], ids=["unprintable", "deep"])
def test_what_cannot_be_printed_is_refused_in_words(made):
    thing = made()
    for call in (
        lambda: ag.Value(thing), lambda: ag.exp(thing), lambda: ag.topological_order(thing), lambda: ag.draw(thing),
        lambda: ag.dot([thing], [1.0]), lambda: ag.softmax([thing, 1.0]), lambda: nn.MLP(thing, [1]),
        lambda: nn.MLP(1, [1])([thing]), lambda: nn.Linear(1, 1)([thing]), lambda: nn.StandardScaler().fit(thing),
    ):  # fmt: skip
        with pytest.raises(AutogradError):
            call()
