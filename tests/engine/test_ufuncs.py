"""NumPy's own functions on Values: single ones, beside arrays, and within arrays."""

import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.ufuncs import OF_NUMBERS, primitive_of, way

np = pytest.importorskip("numpy")

UFUNCS = {u.__name__: u for u in vars(np).values() if isinstance(u, np.ufunc)} | {"clip": np._core.umath.clip}
OURS = sorted(name for name in UFUNCS if primitive_of(name))
WITHOUT = sorted(name for name in UFUNCS if not primitive_of(name))
COMPARISONS = {"less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge", "equal": "eq", "not_equal": "ne"}
MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
POINTS = [[1.25, 3.0], [1.5, 2.0], [2.5, 4.0]]
CHOOSE = {"maximum", "minimum", "clip"}  # NumPy compares Values in arrays, and gives one of them


def expected(name, *xs):
    z = PRIMITIVES[primitive_of(name)]
    return ag.compile(lambda *vs: ag._src.engine.functions.record(z, *vs), *xs, optimize=False)(*xs)


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


def points(name):
    if name in ("arcsin", "arccos", "arctanh"):
        return [[0.25, 0.75]]
    return POINTS[: PRIMITIVES[primitive_of(name)].arity]


def test_the_list_is_complete():
    assert {"logaddexp", "copysign", "float_power", "arctan2", "hypot", "power", "less", "sign", "deg2rad", "divide", "clip"} <= set(OURS)
    assert {name for name in dir(np) if name in ag.__all__ and isinstance(getattr(np, name), np.ufunc)} - {"acos"} <= {
        *OURS, "asin", "acosh", "asinh", "atan", "atan2", "atanh",
    }


@pytest.mark.parametrize("name", OURS)
def test_a_single_value_is_a_node_of_the_primitive(name):
    xs = [row[0] for row in points(name)]
    for i in range(len(xs)):
        operands = [Value(x) if k == i else x for k, x in enumerate(xs)]
        node = UFUNCS[name](*operands)
        assert isinstance(node, Value)
        assert (node.op, node.data) == (primitive_of(name), expected(name, *xs))
        assert node.parents[i] is operands[i]


@pytest.mark.parametrize("name", OURS)
def test_a_value_beside_arrays_and_lists_is_taken_element_by_element(name):
    rows = points(name)
    for i in range(len(rows)):
        for kind in (np.array, list):
            v = Value(rows[i][0])
            nodes = UFUNCS[name](*(v if k == i else kind(row) for k, row in enumerate(rows)))
            want = [expected(name, *(rows[i][0] if k == i else row[j] for k, row in enumerate(rows))) for j in range(2)]
            if len(rows) == 1:
                assert nodes.parents[0] is v
                continue
            assert nodes.dtype == object
            assert [node.data for node in nodes] == want
            assert all(node.op == primitive_of(name) and node.parents[i] is v for node in nodes)


@pytest.mark.parametrize("name", OURS)
def test_arrays_of_values_work_or_the_error_names_the_way(name):
    rows = points(name)
    arrays = [np.array([Value(x) for x in row]) for row in rows]
    want = [expected(name, *xs) for xs in zip(*rows, strict=True)]
    try:
        got = UFUNCS[name](*arrays)
    except TypeError as error:
        hint = way(error)
    else:
        datas = [x.data if isinstance(x, Value) else float(x) for x in got]
        assert datas == want
        if name in COMPARISONS:
            kept = UFUNCS[name](*arrays, dtype=object)
            assert [node.op for node in kept] == [COMPARISONS[name]] * 2
        elif name not in CHOOSE | {"sign"}:
            assert all(isinstance(x, Value) for x in got)
        return
    ours = primitive_of(name)
    assert f"ag.{ours}" in hint or PRIMITIVES[ours].symbol in hint
    if hasattr(ag, ours):
        assert [node.data for node in getattr(ag, ours)(*arrays)] == want
    # within a transform or a trace the error says so itself
    f = UFUNCS[name]
    flat = np.array(rows)
    for use in (lambda: ag.grad(lambda a: ag.sum(f(*a)))(flat), lambda: ag.compile(lambda a: ag.sum(f(*a)), flat)):
        with pytest.raises(TypeError) as caught:
            use()
        assert caught.value.__notes__ == [hint]


@pytest.mark.parametrize("name", [name for name in OURS if name not in COMPARISONS and name not in CHOOSE])
def test_numbers_beside_values_in_arrays_work_or_the_error_names_the_way(name):
    """In either order, and within one array; what NumPy then refuses, this library's function of that name does."""
    rows, f, ours = points(name), UFUNCS[name], primitive_of(name)
    want = [expected(name, *xs) for xs in zip(*rows, strict=True)]
    flat = np.array([row[0] for row in rows])

    def arrays(kinds, first=None):
        """Each operand as an array of Values ("v"), of numbers ("n"), or one of both ("m")."""
        found = []
        for kind, row in zip(kinds, rows, strict=True):
            values = [Value(x) if kind == "v" or (kind == "m" and k) else x for k, x in enumerate(row)]
            found.append(np.array(values, float if kind == "n" else object))
        if first is not None:
            found[0] = found[0].astype(object)
            found[0][-1] = first
        return found

    for kinds in (("m",), ("v",)) if len(rows) == 1 else (("v", "n"), ("n", "v"), ("m", "n"), ("n", "m"), ("m", "m")):
        if hasattr(ag, ours):
            assert [getattr(x, "data", x) for x in getattr(ag, ours)(*arrays(kinds))] == want
        try:
            got = f(*arrays(kinds))
        except (TypeError, AttributeError) as error:
            hint = way(error)
            symbol = PRIMITIVES[ours].symbol
            assert f"ag.{ours}" in hint or (symbol and symbol in hint)
            for use in (ag.grad(lambda v: ag.sum(f(*arrays(kinds, v[0])))), lambda x: ag.compile(lambda v: ag.sum(f(*arrays(kinds, v[0]))), x)):
                with pytest.raises(type(error)) as caught:
                    use(flat)
                assert way(caught.value) in caught.value.__notes__
        else:
            assert [getattr(x, "data", x) for x in got] == pytest.approx(want, rel=1e-15)


@pytest.mark.parametrize("name", WITHOUT)
def test_what_the_library_has_not_gives_a_node_or_an_error_in_words(name):
    u, v = UFUNCS[name], Value(1.0)
    try:
        result = u(*[v] * u.nin)
    except (TypeError, ValueError, AttributeError, ag.GraphCutWarning) as error:
        text = str(error)
        assert "could not be safely coerced" not in text
        assert "no callable" not in text
    else:
        assert isinstance(result, (Value, bool))


BINARY = sorted(name for name, u in UFUNCS.items() if u.nin == 2 and u.signature is None)
OPERATORS_OF_TWO = "add sub mul truediv floordiv mod pow lshift rshift and_ or_ xor lt le gt ge eq ne".split()


@pytest.mark.parametrize("name", [*BINARY, *OPERATORS_OF_TWO])
def test_long_doubles_are_numbers_like_others(name):
    """NumPy leaves them as they are where it makes Python's numbers of others, and would ask and ask again."""
    import operator

    f = UFUNCS[name] if name in UFUNCS and name not in OPERATORS_OF_TWO else getattr(operator, name)

    def tried(*operands):
        try:
            got = f(*operands)
        except (TypeError, AttributeError, ag.GraphCutWarning) as error:
            return type(error)
        return np.array([float(getattr(x, "data", x)) for x in np.ravel(np.asarray(got, object))])

    for kind in (np.longdouble, lambda x: np.array(x, np.longdouble), lambda x: np.array([x], np.longdouble)):
        as_float = float if kind is np.longdouble else lambda x, kind=kind: kind(x).astype(float)
        for swap in (False, True):
            long, plain = ([v, k(1.5)][:: -1 if swap else 1] for k in (kind, as_float) for v in [Value(0.5)])
            a, b = tried(*long), tried(*plain)
            assert np.array_equal(a, b) if isinstance(b, np.ndarray) else a is b, (name, swap)


@pytest.mark.parametrize("name", sorted(OF_NUMBERS))
def test_questions_about_numbers(name):
    with pytest.raises(ag.OperandError, match=rf"np.{name} takes no Values: .*\.data"):
        UFUNCS[name](Value(1.0))


def test_other_errors_stay_as_they_are():
    with pytest.raises(TypeError) as caught:
        ag.grad(lambda x: x + None)(1.0)
    assert caught.value.__notes__ == [f"See {caught.value.page}"]
    assert way(TypeError("anything")) == ""
    with pytest.raises(ag.OperandError, match=r"maximum: .*'a' \(str\)"):
        np.maximum(Value(1.0), "a")


def test_options_and_methods_of_ufuncs_are_numpys():
    v, a = Value(2.0), np.array([1.0, 2.0])
    out = np.empty(2, object)
    assert np.multiply(v, a, out=out) is out
    assert [x.data for x in out] == [2.0, 4.0]
    assert [x.data for x in np.multiply.outer(v, a)] == [2.0, 4.0]
    assert np.add.reduce([v, v]).data == 4.0
    assert np.clip(v, 0.0, 1.0).parents[0] is v
    assert np.reciprocal(v).data == 0.5
    assert not np.any(np.array(["a", "b"]) == v)
    assert np.all(np.array(["a", "b"]) != v)


# --- conditions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("theirs", "ours"), COMPARISONS.items())
def test_comparing_an_array_with_a_value_gives_conditions(theirs, ours):
    import operator

    compare = getattr(operator, ours)
    v, numbers = Value(1.0), [0.0, 1.0, 2.0]
    a, o = np.array(numbers), np.array([Value(x) for x in numbers])
    for left, right in ((a, v), (v, a), (o, v), (v, o)):
        for got in (compare(left, right), UFUNCS[theirs](left, right)):
            pairs = [(x, 1.0) if right is v else (1.0, x) for x in numbers]
            assert [bool(node) for node in got] == [compare(*pair) for pair in pairs]
            assert {node.op for node in got} <= {ours, MIRRORED[ours]}
            y = ag.where(got, v * 3.0, v * 5.0)
            assert [node.parents[0] for node in y] == list(got)
            ag.sum(y).backward()
            assert v.grad == sum(3.0 if compare(*pair) else 5.0 for pair in pairs)
            v.grad = 0.0


@pytest.mark.parametrize("optimize", [True, False])
def test_a_compiled_program_asks_such_a_condition_at_each_call(optimize):
    a = np.array([0.0, 1.0, 2.0])

    def f(x):
        return ag.sum(ag.where(a < x, x * a, -x))

    def g(x):
        return ag.sum([x * v if v < x else -x for v in a.tolist()])

    program = ag.compile(f, 0.5, optimize=optimize)
    points = [-1.0, 0.5, 1.0, 1.5, 7.0]
    for x in points:
        assert program(x) == g(x)
        assert program.value_and_grad(x)[1] == (ag.grad(g)(x),)
    assert program.n_traces == 1
    x = Value(0.5)
    root = ag.where(a < x, x * a, -x)
    frozen_not = ag.compile([ag.sum(root)], inputs=[x], optimize=optimize)
    for at in points:
        assert frozen_not(at) == [g(at)] or frozen_not(at) == g(at)


def test_arrays_of_values_that_numpy_compares_are_guards():
    a = np.array([0.0, 1.0, 2.0])

    def f(x):
        return ag.sum(ag.where(a < x + np.zeros(3), x * a, -x))

    program = ag.compile(f, 0.5)
    for x in (-1.0, 0.5, 1.5, 7.0):
        assert program(x) == f(x)
    assert program.n_traces > 1
    kept = ag.compile(lambda x: ag.sum(ag.where(np.less(a, x + np.zeros(3), dtype=object), x * a, -x)), 0.5)
    assert [kept(x) for x in (-1.0, 0.5, 1.5, 7.0)] == [f(x) for x in (-1.0, 0.5, 1.5, 7.0)]
    assert kept.n_traces == 1


@pytest.mark.parametrize("x", [-0.5, 0.5, 1.5])
def test_conditions_are_combined(x):
    v, f = Value(x), Value(0.25)
    low, high = v > 0, v < 1
    for got, want in (
        (low & high, 0 < x < 1), (low | high, True), (low ^ high, (x > 0) != (x < 1)), (~low, not x > 0), (~(low & high), not 0 < x < 1),
        (low & True, x > 0), (False | low, x > 0), (np.True_ & low, x > 0), (low ^ np.True_, not x > 0), (low & high & (v > f), 0.25 < x < 1),
    ):
        assert isinstance(got, Value)
        assert (bool(got), got.data) == (want, float(want))
        assert ag.where(got, v, 0.0).parents[0] is got
    arrays = (np.array([0.0, 1.0]) < v) & (np.array([1.0, 2.0]) > v) & np.array([True, True])
    assert [bool(c) for c in arrays] == [0 < x < 1, 1 < x < 2]
    assert [bool(c) for c in ~arrays] == [not 0 < x < 1, not 1 < x < 2]
    assert [bool(c) for c in low & np.array([True, False])] == [x > 0, False]
    with ag.no_grad():
        assert bool((v > 0) & (v < 1)) == (0 < x < 1)


def test_conditions_reach_compiled_programs():
    f = ag.compile(lambda x: ag.where((x > 0) & ~(x > 1) | (x < -1), x * x, 3.0), 0.5)
    assert [f(x) for x in (-2.0, -0.5, 0.5, 2.0)] == [4.0, 3.0, 0.25, 3.0]
    assert f.n_traces == 1


def test_numbers_are_no_conditions():
    v = Value(1.0)
    for use in (lambda: v & v, lambda: v & 1, lambda: (v > 0) | 1, lambda: 1 ^ (v > 0), lambda: ~v, lambda: (v > 0) & "a", lambda: (v > 0) & v):
        with pytest.raises(ag.OperandError, match=r"[&|^~]: expected (a )?comparison"):
            use()
    with pytest.raises(ag.OperandError, match=r"; a power is x \*\* 2"):  # what ^ means on paper
        _ = v ^ 2


BY_NUMPY = (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)


@pytest.mark.parametrize("compare", BY_NUMPY)
def test_two_arrays_of_values_are_compared_by_data_and_as_nodes_where_objects_are_asked_for(compare):
    numbers = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 1.0])
    a, b = (np.array([ag.Value(x) for x in xs], object) for xs in numbers)
    expected = compare(*numbers)
    truths = compare(a, b)  # NumPy's own loop over objects, which asks each comparison for its truth
    assert truths.dtype == bool
    assert truths.tolist() == expected.tolist()
    nodes = compare(a, b, dtype=object)
    assert [node.data for node in nodes] == expected.tolist()
    assert all(node.parents == (x, y) for node, x, y in zip(nodes, a, b, strict=True))
    chosen = ag.where(nodes, a * a, b)
    ag.sum(chosen).backward()
    assert [x.grad for x in a] == [2 * x if t else 0.0 for x, t in zip(numbers[0], expected, strict=True)]


@pytest.mark.parametrize("compare", BY_NUMPY)
def test_truths_of_two_arrays_are_guards_while_a_function_is_traced(compare):
    def chosen(a, b):
        return ag.sum(np.where(compare(a, b), a * a, b))

    f = ag.compile(chosen, np.array([1.0, 2.0]), np.array([2.0, 2.0]))
    for a in ([1.0, 2.0], [3.0, 1.0], [2.0, 2.0]):
        b = np.array([2.0, 2.0])
        assert f(np.array(a), b) == chosen(np.array(a), b)
