"""Functions on NumPy arrays: at each element what the numbers there give, to the bit, with broadcasting."""

import inspect
import math
from fractions import Fraction

import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.engine.elementwise import EXACTLY_ROUNDED, _is_exactly_rounded
from autograd_core._src.engine.ops import PRIMITIVES

np = pytest.importorskip("numpy")
inf, nan = math.inf, math.nan


def public(arity):
    return sorted(
        name for name, primitive in PRIMITIVES.items() if primitive.arity == arity and inspect.isfunction(getattr(ag, name, None)) and name in ag.__all__
    )


UNARY, BINARY = [*public(1), "abs"], public(2)
REDUCTIONS = ["sum", "prod", "mean", "max", "min", "norm", "logsumexp"]
SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -2.5, 1e-310, -5e-324, 1e300, -1e300, 710.0, -800.0, inf, -inf, nan]
THREE = {"where": ag.where, "clip": ag.clip, "hypot of three": ag.hypot}


def bits(xs):
    return [x.hex() for x in np.asarray(xs, float).ravel().tolist()]


def datas(array):
    assert array.dtype == object
    return np.array([x.data if isinstance(x, Value) else x for x in array.ravel()], float).reshape(array.shape)


def test_the_lists_are_complete():
    assert {"exp", "abs", "gelu", "floor"} <= set(UNARY)
    assert {"atan2", "hypot", "maximum", "minimum", "leaky_relu", "elu"} <= set(BINARY)


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNARY)
def test_of_one_operand(name):
    f = getattr(ag, name)
    got = f(np.array(SPECIAL))
    assert (type(got), got.dtype) == (np.ndarray, np.float64)
    assert bits(got) == bits([f(x) for x in SPECIAL])
    assert bits(f(np.array([1.0, 2.0, 3.0, 4.0]).reshape(2, 2)[:, ::-1])) == bits([f(x) for x in (2.0, 1.0, 4.0, 3.0)])


@pytest.mark.parametrize("name", BINARY)
def test_of_two_operands(name):
    f = getattr(ag, name)
    x, y = np.array(SPECIAL)[:, None], np.array(SPECIAL)
    expected = bits([f(a, b) for a in SPECIAL for b in SPECIAL])
    assert bits(f(x, y)) == expected
    for b in (2.5, 3, True, Fraction(1, 2), np.float32(0.5)):
        assert bits(f(y, b)) == bits([f(a, b) for a in SPECIAL])
        assert bits(f(b, y)) == bits([f(b, a) for a in SPECIAL])


@pytest.mark.parametrize("name", THREE)
def test_of_three_operands(name):
    f, some = THREE[name], [0.0, -0.0, 1.0, -2.0, 1e200, inf, nan]
    x = np.array(some)
    expected = bits([f(a, b, c) for a in some for b in some for c in some])
    got = f(x[:, None, None], x[:, None], x)
    assert got.shape == (7, 7, 7)
    assert bits(got) == expected


def test_defaults_and_optional_operands():
    x = np.array([-2.0, 0.5, 8.0])
    for f, g in (
        (ag.clip, ag.clip), (lambda x: ag.clip(x, 0), lambda x: ag.clip(x, 0)), (lambda x: ag.clip(x, high=1), lambda x: ag.clip(x, None, 1)),
        (ag.leaky_relu, ag.leaky_relu), (ag.elu, ag.elu), (ag.hypot, ag.hypot), (lambda x: ag.log(x, 2), lambda x: ag.log(x, 2)),
        (lambda x: ag.log(8, x), lambda x: ag.log(8, x)), (lambda x: ag.where(x > 0, x, 0), lambda x: ag.where(x > 0, x, 0)),
    ):
        assert bits(f(x)) == bits([g(v) for v in x.tolist()])


def test_some_rules_are_computed_at_once():
    at_once = {name for name in UNARY + BINARY if _is_exactly_rounded(PRIMITIVES[name])}
    assert {"abs", "sqrt", "relu", "sign", "floor", "ceil", "maximum", "minimum", "leaky_relu"} <= at_once
    assert at_once.isdisjoint({"exp", "sin", "hypot", "cbrt", "log", "elu"})
    assert "exp" not in EXACTLY_ROUNDED


@pytest.mark.parametrize("name", ["exp", "relu", "sigmoid"])
@pytest.mark.parametrize("kind", ["bool", "int8", "uint64", "int64", "float16", "float32", "longdouble", ">f8"])
def test_every_kind_of_number_becomes_float64(name, kind):
    f, x = getattr(ag, name), np.array([0, 1, 1], kind)
    assert f(x).dtype == np.float64
    assert bits(f(x)) == bits([f(v) for v in (0.0, 1.0, 1.0)])
    assert x.dtype == np.dtype(kind)


def test_shapes():
    assert ag.exp(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    assert ag.exp(np.array([])).dtype == np.float64
    assert ag.relu(np.zeros((0, 2))).shape == (0, 2)
    for single in (np.array(1.0), np.float64(1.0), np.float32(1.0), np.int64(1), np.bool_(True)):
        for name in ("exp", "sqrt"):
            assert type(getattr(ag, name)(single)) is float
    assert type(ag.hypot(np.array(3), np.array(4.0))) is float
    assert ag.maximum(np.zeros((3, 1)), np.zeros((1, 4))).shape == (3, 4)
    with pytest.raises(ag.StructureError, match=r"hypot: expected arrays .* that broadcast, got \(2,\), \(3,\)"):
        ag.hypot(np.zeros(2), np.zeros(3))
    matrix = ag.relu(np.array([[1.0, -1.0]], order="F"))
    assert matrix.flags.owndata or matrix.base is not None
    x = np.array([1.0, 2.0])
    ag.relu(x)[0] = 5.0
    assert x.tolist() == [1.0, 2.0]  # the result is a new array


def test_arrays_of_fractions_stay_exact():
    x = np.array([Fraction(1, 3), Fraction(-1, 2)])
    assert ag.relu(x).tolist() == [Fraction(1, 3), 0]
    assert ag.abs(x).tolist() == [Fraction(1, 3), Fraction(1, 2)]
    assert ag.maximum(x, 1).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (lambda: np.array(["a"]), "an array of <U1"),
        (lambda: np.array([1j]), "an array of complex128"),
        (lambda: np.array(["2020-01-01"], "M8[ns]"), r"an array of datetime64\[ns\]"),
        (lambda: np.ma.array([1.0, 2.0], mask=[True, False]), "a masked array; fill it first"),
        (lambda: np.array([None]), r"None \(NoneType\)"),
        (lambda: np.array([Value(1.0), "a"], object), r"'a' \(str\)"),
    ],
)
def test_other_arrays_are_refused(bad, what):
    for f in (ag.exp, ag.relu, lambda x: ag.hypot(x, Value(1.0)), lambda x: ag.where(True, x, 0)):
        with pytest.raises(ag.OperandError, match=f"expected .*, got {what}"):
            f(bad())


@pytest.mark.parametrize("bad", [[1.0, 2.0], (1.0,), [Value(1.0)]], ids=str)
def test_lists_are_refused_with_the_way_to_go(bad):
    for f in (ag.exp, lambda x: ag.hypot(1.0, x), lambda x: ag.where(True, x, Value(0.0)), ag.Value(1.0).maximum):
        with pytest.raises(ag.OperandError, match=r"apply it to each entry, or to np.array\(...\)"):
            f(bad)
    with pytest.raises(ag.OperandError, match="make one Value per entry"):
        Value(bad)


# --- Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNARY)
def test_each_element_is_a_node(name):
    f = getattr(ag, name)
    xs = [Value(x) for x in (0.5, 0.25, 1.5, -0.5)]
    got = f(np.array(xs).reshape(2, 2))
    assert got.shape == (2, 2)
    assert bits(datas(got)) == bits([f(x.data) for x in xs])
    for node, x in zip(got.ravel(), xs, strict=True):
        assert node.op == name
        assert node.parents == (x,)
        assert node.parents[0] is x


@pytest.mark.parametrize("name", BINARY)
def test_values_beside_arrays_of_numbers(name):
    f = getattr(ag, name)
    x, v, numbers = Value(0.5), np.array([Value(1.5), Value(-2.0)]), np.array([1.0, 2.0])
    for got, expected in (
        (f(x, numbers), [f(0.5, 1.0), f(0.5, 2.0)]),
        (f(numbers, x), [f(1.0, 0.5), f(2.0, 0.5)]),
        (f(v, numbers), [f(1.5, 1.0), f(-2.0, 2.0)]),
        (f(v[:, None], v).ravel(), [f(a, b) for a in (1.5, -2.0) for b in (1.5, -2.0)]),
        (f(np.array(x), numbers), [f(0.5, 1.0), f(0.5, 2.0)]),
    ):
        assert bits(datas(got)) == bits(expected)
        assert all(isinstance(node, Value) and node.op == name for node in got)
    assert isinstance(f(np.array(x), 1.0), Value)  # without dimensions: a single Value


def test_conditions_of_values_are_recorded():
    x = np.array([Value(1.0), Value(-1.0)])
    y = ag.where(np.array([v > 0 for v in x]), ag.sqrt(x), 0.0)
    assert [node.parents[0].op for node in y] == ["gt", "gt"]
    ag.sum(y).backward()
    assert [v.grad for v in x] == [0.5, 0.0]


def test_methods_and_no_grad():
    x = Value(2.0)
    assert [v.data for v in x.maximum(np.array([1.0, 3.0]))] == [2.0, 3.0]
    assert [v.data for v in x.clip(np.array([0.0, 3.0]), 5)] == [2.0, 3.0]
    with ag.no_grad():
        assert [v.parents for v in ag.exp(np.array([x, x]))] == [(), ()]


def test_a_users_primitive():
    @ag.primitive
    def cube(x):
        return x**3 if x > -5 else -1.0

    @cube.partials
    def _(x, z):
        return (100.0,)

    assert cube(np.array([1.0, 2.0, -6.0])).tolist() == [1.0, 8.0, -1.0]
    x = np.array([Value(1.0), Value(2.0)])
    y = cube(x)
    assert [node.op for node in y] == ["cube", "cube"]
    ag.sum(y).backward()
    assert [v.grad for v in x] == [100.0, 100.0]


# --- transforms, traces, checks -------------------------------------------------------------------


def model(x):
    return ag.sum(ag.tanh(x) * ag.maximum(x, 0.5) + ag.where(x > 1, ag.hypot(x, 2.0), ag.clip(x, -1, 1)) + ag.log(ag.abs(x), 2))


def by_hand(xs):
    return ag.sum([ag.tanh(x) * ag.maximum(x, 0.5) + ag.where(x > 1, ag.hypot(x, 2.0), ag.clip(x, -1, 1)) + ag.log(ag.abs(x), 2) for x in xs])


POINT = [0.3, 1.7, -0.6]


def test_within_transforms():
    x = np.array(POINT)
    assert model(x) == by_hand(POINT)
    assert ag.grad(model)(x).tolist() == ag.grad(by_hand)(POINT)
    assert ag.hessian(model)(x).tolist() == ag.hessian(by_hand)(POINT)
    assert ag.jacobian(ag.sigmoid)(x).shape == (3, 3)
    assert ag.jvp(ag.exp, (x,), (np.ones(3),))[1].tolist() == [ag.exp(v) for v in POINT]


def test_within_compiled_functions():
    x = np.array(POINT)
    f = ag.compile(model, x)
    g = ag.compile(by_hand, POINT)
    assert f(x) == g(POINT)
    assert f.value_and_grad(x)[1][0].tolist() == g.value_and_grad(POINT)[1][0]


def test_within_checks():
    from autograd_core.testing import assert_gradient

    assert_gradient(model, (np.array(POINT),))


# --- sequences ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_of_vectors(name):
    f, data = getattr(ag, name), [0.5, 2.0, -1.0]
    for kind in ("float64", "float32", "int64"):
        x = np.array(data, kind)
        assert f(x) == f([float(v) for v in x])
    node = f(np.array([Value(x) for x in data]))
    assert (node.op, node.data, len(node.parents)) == (name, f(data), 3)


@pytest.mark.parametrize("name", [*REDUCTIONS, "softmax", "log_softmax"])
def test_reductions_of_a_list_of_arrays_go_element_by_element(name):
    f, rows = getattr(ag, name), np.array([[0.5, 2.0, -1.0], [1.5, -2.0, 3.0]])
    got = np.array(f(list(rows)))
    expected = np.array([f(list(column)) for column in rows.T]).T
    assert bits(got) == bits(expected)
    if name in ("max", "min"):
        assert bits(f(*rows)) == bits(expected)
        assert f(rows[0], 1.0).tolist() == [f(x, 1.0) for x in rows[0]]


def test_dot_of_arrays():
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert ag.dot(a, b) == 11.0
    assert ag.dot([a, b], [2.0, 10.0]).tolist() == [32.0, 44.0]
    assert ag.dot([a, b], [2.0, Value(10.0)])[1].data == 44.0
    with pytest.raises(ag.StructureError, match=r"dot: expected a sequence of numbers, got an array of shape \(2, 2\); A @ x"):
        ag.dot(np.eye(2), a)


@pytest.mark.parametrize("name", [n for n in [*REDUCTIONS, "softmax", "log_softmax"] if n != "sum"])
def test_matrices_are_refused_where_numpy_means_something_else(name):
    f = getattr(ag, name)
    with pytest.raises(ag.StructureError, match=rf"{name}: .*shape \(2, 3\); a.ravel\(\) for all .*\[ag.{name}\(row\) for row in a\]"):
        f(np.zeros((2, 3)))
    with pytest.raises(ag.OperandError, match=r"got an array of shape \(\)"):
        f(np.array(1.0))


def test_softmax_of_an_array_is_an_array():
    x = np.array([1.0, 2.0])
    for f in (ag.softmax, ag.log_softmax):
        assert f(x).tolist() == f([1.0, 2.0])
        assert f(np.array([Value(1.0), 2.0], object)).shape == (2,)
        assert isinstance(f([1.0, 2.0]), list)


@pytest.mark.parametrize("name", [*REDUCTIONS, "softmax", "log_softmax", "dot"])
def test_options_of_numpys_functions_are_answered(name):
    f, matrix = getattr(ag, name), np.array([[1.0, 2.0], [3.0, 4.0]])
    args = (matrix,) if name != "dot" else (matrix, matrix[0])
    for option in ("axis", "dim"):
        with pytest.raises(ag.OperandError, match=f"{name}: .* '{option}': it takes (one|two) sequence") as caught:
            f(*args, **{option: 0})
        if name != "dot":  # what the message says does what NumPy means
            for way in (f"[ag.{name}(row) for row in A]", f"[ag.{name}(column) for column in A.T]"):
                assert way in str(caught.value)
                assert len(eval(way, {"ag": ag, "A": matrix})) == 2
    for option in ("keepdims", "dtype", "out", "initial", "where", "ord"):
        with pytest.raises(ag.OperandError, match=f"{name}: .* '{option}': .{{10}}"):
            f(*args, **{option: None})
    with pytest.raises(ag.OperandError, match=f"(?m){name}: got an unexpected keyword argument 'anything'$"):
        f(*args, anything=1)


@pytest.mark.parametrize("name", [*REDUCTIONS, "softmax", "log_softmax", "dot"])
@pytest.mark.parametrize("entry", [2.0, Value(2.0)], ids=["number", "Value"])
def test_an_array_without_axes_is_no_sequence(name, entry):
    a = np.array(entry)
    f = getattr(ag, name)
    with pytest.raises(ag.OperandError, match=r"shape \(\); its number is a.item\(\), and a.ravel\(\) is a sequence of this one"):
        f(*(a, a) if name == "dot" else (a,))
    assert a.item() is entry or a.item() == entry
    f(*(a.ravel(), a.ravel()) if name == "dot" else (a.ravel(),))
    with pytest.raises(ag.OperandError, match=r"put numbers into a list, \[x, y\]"):
        f(*(entry, entry) if name == "dot" else (entry,))


def test_bounds_of_clip_by_numpys_names():
    for name, ours in (("min", "low="), ("a_min", "low="), ("max", "high="), ("a_max", "high="), ("out", "new")):
        for use in (lambda **options: ag.clip(np.array([1.0]), **options), Value(1.0).clip):
            with pytest.raises(ag.OperandError, match=f"clip: .* '{name}': .*{ours}"):
                use(**{name: 0.5})


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**", "<", ">="])
@pytest.mark.parametrize("bad", [[1.0, 2.0], (1.0, 2.0), range(1, 3)], ids=str)
def test_operators_beside_lists_say_what_to_do(symbol, bad):
    scope = {"v": Value(2.0), "bad": bad, "np": np}
    for left, right in (("v", "bad"), ("bad", "v")):
        with pytest.raises(ag.OperandError, match=r"got .*; apply it to each entry, or to np.array\(...\)"):
            eval(f"{left} {symbol} {right}", scope)
        array = eval(f"{left} {symbol} {right}".replace("bad", "np.array(bad)"), scope)
        assert [node.data for node in array] == [float(eval(f"{left} {symbol} {right}", {"v": 2.0, "bad": x})) for x in bad]


# --- NumPy's own functions on arrays of Values ----------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        *((name, name) for name in UNARY if hasattr(np, name) and name not in ("abs", "sign")),
        *(("arc" + name[1:], name) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")),
        ("arctan2", "atan2"), ("hypot", "hypot"), ("maximum", "maximum"), ("minimum", "minimum"), ("absolute", "abs"), ("fabs", "abs"),
    ],
)
def test_numpys_functions_of_the_same_name(theirs, ours):
    f, g = getattr(np, theirs), getattr(ag, ours)
    count = PRIMITIVES[ours].arity
    data = np.array([[1.25, 3.0], [2.0, 1.5]] if ours == "acosh" else [[0.25, 0.75], [0.5, 0.125]])[:count]
    values = [np.array([Value(v) for v in row]) for row in data]
    got, expected = f(*values), g(*(row.copy() for row in data))
    assert bits(datas(got)) == bits(expected)
    ag.sum(got).backward()
    assert [v.grad for v in values[0]] == [ag.grad(g)(*point) for point in zip(*data.tolist(), strict=True)]


def test_numpys_choices_select_without_a_node():
    x = np.array([Value(2.0), Value(-1.0)])
    chosen = np.where(np.array([v > 0 for v in x]), x, 0.0)
    assert chosen[0] is x[0]
    assert chosen[1] == 0.0
    assert np.clip(x, -0.5, 1.0).tolist() == [1.0, -0.5]  # the bounds themselves
    assert np.maximum(x, 0.0)[0] is x[0]
    assert [v.data for v in np.power(x, 2)] == [4.0, 1.0]
    assert [v.data for v in np.square(x)] == [4.0, 1.0]
    assert np.dot(x, np.array([1.0, 2.0])).data == 0.0
    assert (np.eye(2) @ x)[1].data == -1.0


def test_nothing_warns_where_ieee_has_an_answer():
    """NumPy's own functions do, of Values as of numbers; a RuntimeWarning would be an error here."""
    bad = [0.0, -1.0, nan, 1e308]
    for f in (ag.log, ag.sqrt, ag.exp, ag.asin, ag.relu, lambda x: ag.log(x, 1), lambda x: ag.leaky_relu(x, 1e300)):
        assert f(np.array(bad)).dtype == np.float64
        assert f(np.array([Value(x) for x in bad])).dtype == object
    x = np.array([Value(0.5), Value(2.0)])
    for f in (lambda x: np.where(x > 1, np.log(x), 0.0), lambda x: np.power(x, 0.5), lambda x: np.arctan2(x, [1.0, 2.0]), np.tanh, np.mean):
        f(x)
