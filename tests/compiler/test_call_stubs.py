"""Call stubs: what they answer is what the general way answers, to the last bit and kind; all else they leave to it."""

import math
import random
import sys
import threading
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from comparing import kept_bytes
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
from autograd_core._src.compiler.runtime import call_stubs, kept_executors, specialization, stub_text
from autograd_core._src.compiler.runtime.executors import CHUNK, KernelRunner


class Pair(NamedTuple):
    left: float
    right: float


ODD = [0.0, -0.0, 1.0, -2.5, 1e300, 5e-324, math.inf, -math.inf, math.nan]


def squares(tree):
    """A number that hangs on all leaves of a tree in its own way."""
    if isinstance(tree, dict):
        return ag.sum([squares(x) for x in tree.values()])
    if isinstance(tree, (list, tuple, np.ndarray)):
        return ag.sum([(k + 1) * squares(x) for k, x in enumerate(tree)])
    return tree * tree + ag.tanh(tree)


TREES = {
    "number": 1.5,
    "list": [1.0, 2.0, 3.0],
    "tuple": (1.0, 2.0),
    "nested list": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
    "array": np.array([1.0, 2.0, 3.0]),
    "matrix": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    "dict": {"w": [1.0, 2.0], "b": 3.0},
    "dict of arrays": {"w": np.ones((2, 2)), "b": np.ones(2)},
    "ragged": [[1.0, 2.0], 3.0],
    "named": Pair(1.0, 2.0),
}
OPTIONS = {
    "plain": {},
    "float32": {"dtype": "float32"},
    "as eager": {"optimize": False},
}
KINDS = sorted(call_stubs.KINDS)


def with_numbers(tree, draw):
    """The same tree of other numbers."""
    if isinstance(tree, dict):
        return {key: with_numbers(x, draw) for key, x in tree.items()}
    if isinstance(tree, np.ndarray):
        return np.array([draw() for _ in range(tree.size)]).reshape(tree.shape)
    if isinstance(tree, Pair):
        return Pair(*(with_numbers(x, draw) for x in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(with_numbers(x, draw) for x in tree)
    return draw()


def rows(tree, count, draw):
    """A batch of such trees."""
    if isinstance(tree, dict):
        return {key: rows(x, count, draw) for key, x in tree.items()}
    shape = np.shape(tree) if not isinstance(tree, list) or tree != TREES["ragged"] else None
    if shape is None:
        return [with_numbers(tree, draw) for _ in range(count)]
    return np.array([draw() for _ in range(count * math.prod(shape))]).reshape(count, *shape)


@pytest.fixture(autouse=True, scope="module")
def _by_machine_code_at_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specialization, "PATIENCE", -1.0)
        yield


def call(f, kind, args):
    return f(*args) if kind == "values" else getattr(f, kind)(*args)


def in_general(f, kind, args):
    """The same call without stubs."""
    kept, f._stubs = f._stubs, call_stubs.Stubs()
    f._stubs.prepare = lambda *_: None
    try:
        return call(f, kind, args)
    finally:
        f._stubs = kept


def by_stub(f, kind, args):
    """What the stubs say; MISS where none has an answer."""
    return getattr(f._stubs, kind)(tuple(args))


def described(tree):
    """A tree with kinds and bits, to be compared by ==; one NaN is as good as another."""
    if isinstance(tree, dict):
        return {key: described(x) for key, x in tree.items()}
    if isinstance(tree, np.ndarray):
        return "array", tree.shape, tree.dtype.str, [described(x) for x in tree.ravel().tolist()]
    if isinstance(tree, (list, tuple)):
        return type(tree).__name__, [described(x) for x in tree]
    return type(tree).__name__, "nan" if math.isnan(tree) else tree.hex()


@pytest.mark.parametrize("option", sorted(OPTIONS))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(TREES))
def test_a_stub_answers_as_the_general_way(name, kind, option):
    tree = TREES[name]

    @examples(12)
    @given(st.integers(0, 2**32), st.sampled_from([0, 1, 7, 8, 9]))
    def agree(seed, count):
        rng = random.Random(seed)
        draw = lambda: rng.choice(ODD) if rng.random() < 0.3 else rng.uniform(-10, 10)
        shared = with_numbers(tree, draw)
        for in_axes, args in (((None, None), (shared, draw())), ((None, 0), (shared, rows(1.0, count, draw)))):
            f = functions[in_axes]
            call(f, kind, args)
            answer = by_stub(f, kind, args)
            if count and answer is not call_stubs.MISS:
                seen.add(in_axes)
            assert answer is call_stubs.MISS or described(answer) == described(in_general(f, kind, args))
        batch = rows(tree, count, draw)
        f, args = functions[0, None], (batch, draw())
        call(f, kind, args)
        answer = by_stub(f, kind, args)
        if answer is not call_stubs.MISS:
            seen.add((0, None))
            assert described(answer) == described(in_general(f, kind, args))

    functions = {
        axes: ag.compile(lambda x, y: squares(x) * y, tree, 1.0, in_axes=axes, reduce="mean", **OPTIONS[option])
        for axes in ((None, None), (None, 0), (0, None))
    }
    seen = set()
    for count in (7, 9):
        agree = example(count, count)(agree)
    agree()
    expected = {(None, None), (None, 0), (0, None)} - ({(0, None)} if name in ("ragged", "named") else set())
    assert seen >= expected - ({(0, None)} if name == "dict" else set())


@pytest.mark.parametrize("reduce", [None, "mean", "sum"])
@pytest.mark.parametrize("kind", ["values", "value_and_grad"])
def test_results_of_several_numbers_and_chosen_arguments(kind, reduce):
    def f(x, y, k):
        return ag.sum([x[0] * y, x[1] * k]) if kind == "value_and_grad" else {"a": x[0] * y, "b": [x[1], k]}

    g = ag.compile(f, [1.0, 2.0], 3.0, 4.0, in_axes=(0, None, 0), reduce=reduce, argnums=(1, 0))
    args = ([[1.0, 2.0], [3.0, 4.0]], 5.0, np.array([6, 7]))
    call(g, kind, args)
    assert described(by_stub(g, kind, args)) == described(in_general(g, kind, args))


@pytest.mark.parametrize("option", sorted(OPTIONS))
@pytest.mark.parametrize(
    ("kind", "reduce"), [(k, r) for k in KINDS for r in (None, "mean", "sum") if r or k != "reduced"]
)
def test_many_rows_are_read_and_written_where_they_are(kind, reduce, option, monkeypatch):
    monkeypatch.setattr(stub_text, "IN_PLACE", 1)
    f = ag.compile(
        lambda w, x, y: w[0] * squares(x) + ag.exp(w[1] * y) / x[2], [1.0, 2.0], TREES["array"], 2.0,
        in_axes=(None, 0, 0), reduce=reduce, argnums=(0, 2, 1), **OPTIONS[option],
    )
    draw = random.Random(1).choice
    placed, run_in_place = [], KernelRunner.run_in_place

    def noted(*args, **options):
        placed.append(run_in_place(*args, **options))
        return placed[-1]

    for count in (8, 64, 13):
        w, x, y = (np.array([draw(ODD) for _ in range(n)]) for n in (2, 6 * count, count))
        # Every other column, so that it is no array like the runner's own; then one in a piece.
        for xs in (x.reshape(count, 6)[:, ::2], np.ascontiguousarray(x.reshape(count, 6)[:, ::2])):
            expected = in_general(f, kind, (w, xs, y))
            call(f, kind, (w, xs, y))
            with monkeypatch.context() as patch:
                patch.setattr(KernelRunner, "run_in_place", noted)
                found = by_stub(f, kind, (w, xs, y))
            assert described(found) == described(expected)
            by_stub(f, kind, (w, xs + 1.0, y))
            assert described(found) == described(expected)  # nobody writes there again
    # Narrowed to floats, what was passed is an array of its own in any case.
    with_gaps = option == "float32"
    assert placed == ([] if kind == "reduced" else [with_gaps, True, with_gaps, True, False, False])


class Named(tuple):
    """A tuple of a class of its own, which has no fields."""

    __slots__ = ()


RESULTS = {
    "array and number": lambda x, y: (np.array([x[0] * y, x[1]]), ag.sin(y)),
    "dict": lambda x, y: {"a": x[0] * y, ("b", 2): [x[1], [y, x[0]]], 3: Pair(y, [x[0]])},
    "list of several kinds": lambda x, y: [x[0], {"only": y * y}, (), [x[1]]],
    "class of its own": lambda x, y: Named((x[0], [y, x[1]])),
    "many parts": lambda x, y: (*(x[0] * k for k in range(20)), np.array([y])),
    "one array": lambda x, y: np.array([[x[0], y], [y, x[1]]]),
}


LINEAR = {"class of its own", "many parts", "one array"}  # whose Jacobians are constants


@pytest.mark.parametrize("option", sorted(OPTIONS))
@pytest.mark.parametrize("has_rows", [False, True])
@pytest.mark.parametrize("what", ["itself", "jacobian", "hessian"])
@pytest.mark.parametrize("name", sorted(RESULTS))
def test_results_in_containers_are_written_as_in_general(name, what, has_rows, option):
    function, options = RESULTS[name], OPTIONS[option]
    if what == "hessian":
        function = lambda x, y: squares(RESULTS[name](x, y))
    f = ag.compile(function, np.ones(2), 1.0, in_axes=(0, 0) if has_rows else None, **options)
    f = f if what == "itself" else getattr(f, what)
    args = (np.array([[0.5, -2.0], [3.0, 0.0], [1.0, 7.0]]), np.array([1.5, -0.0, 4.0]))
    args = args if has_rows else (args[0][0], 1.5)
    f(*args)
    first = by_stub(f, "values", args)
    assert first is not call_stubs.MISS
    assert described(first) == described(in_general(f, "values", args))
    before = described(first)
    other = described(by_stub(f, "values", tuple(-x for x in args)))
    assert (other == before) == (what == "jacobian" and name in LINEAR)
    assert described(first) == before  # nothing of it is the runner's memory


def test_lists_and_arrays_of_all_kinds_of_numbers_stand_for_each_other():
    f = ag.compile(lambda w, x: ag.dot(w, x), [1.0, 2.0], np.ones(2), in_axes=(None, 0))
    given_w = [[3, 4], (3.0, 4.0), np.array([3, 4]), np.array([3, 4], np.float32), np.array([3.0, 4.0], ">f8")]
    given_x = [[[1, 2]], ([1.0, 2.0],), np.array([[1, 2]]), np.asfortranarray([[1.0, 2.0]]), np.array([[True, 2]])]
    f.value_and_grad(given_w[0], given_x[0])
    for w in given_w:
        for x in given_x:
            assert described(by_stub(f, "value_and_grad", (w, x))) == described(in_general(f, "value_and_grad", (w, x)))


ALIKE = {
    "list": ([3.0, 4.0], [(3.0, 4.0), np.array([3.0, 4.0]), np.array([3, 4])]),
    "tuple": ((3.0, 4.0), [[3.0, 4.0], np.array([3.0, 4.0], np.float32)]),
    "named": (Pair(3.0, 4.0), [np.array([3.0, 4.0])]),
    "nested list": ([[1.0, 2.0], [3.0, 4.0]], [np.array([[1.0, 2.0], [3.0, 4.0]], order="F")]),
    "dict": ({"w": [1.0, 2.0], "b": 3.0}, [{"b": 3.0, "w": np.array([1.0, 2.0])}]),
    "ragged": ([[1.0, 2.0], 3.0], [[np.array([1.0, 2.0]), 3.0], (np.array([1, 2]), 3.0)]),
}


def containers(tree):
    """Which parts of a tree are arrays."""
    if isinstance(tree, dict):
        return {key: containers(x) for key, x in tree.items()}
    return isinstance(tree, np.ndarray) or (isinstance(tree, (list, tuple)) and [containers(x) for x in tree])


@pytest.mark.parametrize("has_rows", [False, True])
@pytest.mark.parametrize("name", sorted(ALIKE))
def test_a_gradient_is_an_array_where_an_array_was_passed(name, has_rows):
    traced, others = ALIKE[name]
    axes, rest = ((None, 0), (np.array([2.0, 5.0]),)) if has_rows else (None, (2.0,))
    f = ag.compile(lambda x, y: squares(x) * y, traced, 1.0, in_axes=axes, reduce="sum")
    for passed in [traced, *others, traced]:
        args = (passed, *rest)
        for kind in ("value_and_grad", "reduced") if has_rows else ("value_and_grad",):
            for _ in range(2):
                gradient = call(f, kind, args)[1][0]
                assert containers(gradient) == containers(passed)
            assert by_stub(f, kind, args) is not call_stubs.MISS
            assert described(call(f, kind, args)) == described(in_general(f, kind, args))
        expected = ag.grad(squares)(passed)
        assert containers(expected) == containers(passed)
        if not has_rows:
            assert containers(f.hvp(args, args)[0]) == containers(passed)


def test_kinds_of_calls_take_turns_on_the_same_memory():
    f = ag.compile(lambda w, x: w * x, 2.0, 1.0, in_axes=(None, 0), reduce="mean")
    rng = np.random.default_rng(0)
    for n in (3, 9, 3, 100):
        for _ in range(3):
            x = rng.normal(size=n)
            for kind in ("value_and_grad", "reduced", "values", "value_and_grad", "reduced"):
                call(f, kind, (2.0, x))
                junk = [np.full(k, 7.0) for k in range(1, 200)]  # where what was freed too early would be overwritten
                assert described(by_stub(f, kind, (2.0, x))) == described(in_general(f, kind, (2.0, x)))
                del junk


def test_results_are_fresh():
    f = ag.compile(lambda w, x: ag.dot(w, x), np.ones(2), np.ones(2), in_axes=(None, 0), reduce="sum")
    points = np.ones((3, 2))
    f.value_and_grad(np.ones(2), points)
    values, (w_grad, x_grad) = f.value_and_grad(np.ones(2), points)
    was = described((values, w_grad, x_grad))
    f.value_and_grad(np.full(2, 5.0), points * 7)
    assert described((values, w_grad, x_grad)) == was


@pytest.mark.parametrize(
    "args",
    [
        (),
        (1.0,),
        (1.0, 2.0, 3.0),
        ("1.0", [1.0, 2.0]),
        (1.0, "ab"),
        (1.0, ["1.0", "2.0"]),
        (1.0, [1.0]),
        (1.0, [[1.0, 2.0]]),
        (1.0, np.ones(3)),
        (1.0, [1.0, [2.0]]),
        (1.0, None),
        (1j, [1.0, 2.0]),
        (10**400, [1.0, 2.0]),
        (1.0, [10**400, 2.0]),
        ([1.0], [1.0, 2.0]),
        (1.0, {0: 1.0, 1: 2.0}),
    ],
    ids=repr,
)
def test_what_does_not_fit_has_the_general_message(args):
    f = ag.compile(lambda x, ys: x * ys[0] + ys[1], 1.0, [1.0, 2.0])
    f(1.0, [1.0, 2.0])
    assert by_stub(f, "values", (1.0, [1.0, 2.0])) == 3.0
    assert by_stub(f, "values", args) is call_stubs.MISS
    with pytest.raises(Exception) as expected:  # noqa: PT011  the very same one
        in_general(f, "values", args)
    with pytest.raises(expected.type) as found:
        f(*args)
    assert str(found.value) == str(expected.value)
    assert f(1.0, [1.0, 2.0]) == 3.0


ROWS = {"x": np.ones((6, 2)), "y": np.ones(6), "z": np.ones((6, 2, 3))}
NOT_FITTING = [(name, table) for name, right in ROWS.items() for table in (
    right[:1], right[:5], right[0], np.concatenate([right, right[:1]]), right[..., None], right[None],
)]  # fmt: skip


@pytest.mark.parametrize(("name", "table"), NOT_FITTING, ids=lambda x: x if isinstance(x, str) else str(x.shape))
@pytest.mark.parametrize("kind", KINDS)
def test_tables_that_do_not_fit_have_the_general_message(kind, name, table):
    """None is spread over the others' rows, as NumPy would have it."""
    f = ag.compile(
        lambda w, x, y, z: w * x[0] + x[1] - y * ag.sum([a for row in z for a in row]),
        0.5, [1.0, 2.0], 3.0, np.ones((2, 3)), in_axes=(None, 0, 0, 0), reduce="sum" if kind == "reduced" else None,
    )  # fmt: skip
    good = (0.5, *ROWS.values())
    for _ in range(2):
        call(f, kind, good)
    assert by_stub(f, kind, good) is not call_stubs.MISS
    args = (0.5, *(ROWS | {name: table}).values())
    assert by_stub(f, kind, args) is call_stubs.MISS
    with pytest.raises(ag.StructureError, match="argument|equally many examples"):
        call(f, kind, args)


def test_no_fraction_bool_or_value_is_taken_for_a_float():
    f = ag.compile(lambda x: x * x, 1.0)
    f(2.0)
    x = ag.Value(3.0)
    y = f(x)
    y.backward()
    assert (y.data, x.grad) == (9.0, 6.0)
    assert by_stub(f, "values", (x,)) is call_stubs.MISS
    assert ag.grad(lambda x: f(x) * x)(2.0) == 12.0


def outcome(call):
    """What a call returns, and the type and words of what it raises."""
    try:
        return call(), None
    except Exception as error:
        return None, (type(error), str(error))


def test_lists_of_numbers_of_any_kind_are_read_as_in_general():
    """Lists of floats are packed; what else stands in one gives the same answer, or the same error."""
    n = 20
    f = ag.compile(lambda w: ag.dot(w, w), [0.5] * n)
    f.value_and_grad([0.5] * n)
    floats = [0.1 * k - 0.7 for k in range(n)]
    odd = (
        3, True, 2**60 + 1, 10**400, -0.0, math.inf, math.nan, 1e308, np.float64(0.3), np.float32(0.3), np.int64(7),
        np.True_, np.array(0.3), np.array([0.3]), Fraction(1, 3), Decimal("0.3"), "0.3", None, [0.3], 1j,
        np.datetime64(1, "s"), ag.Value(0.3),
    )  # fmt: skip
    packed = 0
    for place in (0, 1, n // 2, n - 1):
        for x in odd:
            w = [*floats]
            w[place] = x
            expected, failed = outcome(lambda w=w: in_general(f, "value_and_grad", (w,)))
            answer = by_stub(f, "value_and_grad", (w,))
            packed += answer is not call_stubs.MISS
            assert answer is call_stubs.MISS or not (failed or isinstance(expected[0], ag.Value))
            found, again = outcome(lambda w=w: f.value_and_grad(w))
            assert again == failed
            assert failed or isinstance(expected[0], ag.Value) or described(found) == described(expected)
    assert packed > 30
    for w in ([*floats, 1.0], floats[:-1], tuple(floats), np.array(floats)):
        if len(w) == n:
            assert described(by_stub(f, "value_and_grad", (w,))) == described(in_general(f, "value_and_grad", (w,)))
        else:
            assert by_stub(f, "value_and_grad", (w,)) is call_stubs.MISS


def test_each_trace_of_a_number_has_a_stub():
    def f(x):
        if x > 0:
            return x * x
        return -x if x > -1 else ag.exp(x)

    g = ag.compile(f, 1.0)
    for x in (2.0, -0.5, -2.0):
        g(x)
    for x in (3.0, -0.25, -3.0):
        g(x)
    assert len(g._stubs.of_traces["values"]) == 3
    for x in (3.0, -0.25, -3.0):
        assert described(by_stub(g, "values", (x,))) == described(in_general(g, "values", (x,)))
    assert by_stub(g, "values", (math.nan,)) == in_general(g, "values", (math.nan,)) or math.isnan(g(math.nan))


def test_rows_that_part_go_the_general_way():
    f = ag.compile(lambda x: x * x if x > 0 else -x, 1.0, in_axes=0)
    assert f([1.0, 2.0]).tolist() == [1.0, 4.0]
    assert by_stub(f, "values", ([3.0, 4.0],)).tolist() == [9.0, 16.0]
    assert by_stub(f, "values", ([3.0, -4.0],)) is call_stubs.MISS
    assert f([3.0, -4.0]).tolist() == [9.0, 4.0]


RATE = 2.0


def test_what_has_changed_outside_is_said_by_stubs_too(monkeypatch):
    f = ag.compile(lambda x: RATE * x, 1.0)
    assert (f(1.0), f(1.0)) == (2.0, 2.0)
    assert by_stub(f, "values", (1.0,)) == 2.0
    monkeypatch.setattr(sys.modules[__name__], "RATE", 3.0)
    with pytest.warns(ag.StaleTraceWarning, match="RATE"):
        assert f(1.0) == 2.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert f(1.0) == 2.0  # once is enough
    assert by_stub(f, "values", (1.0,)) == 2.0


def test_a_changed_value_outside_is_said_by_stubs_too():
    w = ag.Value(2.0)
    f = ag.compile(lambda x: w * x, 1.0)
    f(1.0)
    w.data = 5.0
    with pytest.warns(ag.StaleTraceWarning):
        f(1.0)


def test_threads_never_share_memory():
    f = ag.compile(lambda w, x: ag.dot(w, x), np.ones(50), np.ones(50), in_axes=(None, 0), reduce="sum")
    points = np.ones((20, 50))
    f.value_and_grad(np.ones(50), points)
    wrong = []

    def work(k):
        for _ in range(200):
            values, (w, _) = f.value_and_grad(np.full(50, float(k)), points)
            if values.tolist() != [50.0 * k] * 20 or w.tolist() != [20.0] * 50:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


def test_memory_of_many_batch_sizes_stays_bounded(monkeypatch):
    monkeypatch.setattr(kept_executors, "KEPT_BYTES", 2**20)
    monkeypatch.setattr(call_stubs, "MOST_SIZES", 50)
    f = ag.compile(lambda x: ag.sum(x), np.ones(30), in_axes=0)
    for n in range(1, 200):
        assert f(np.ones((n, 30))).tolist() == [30.0] * n
        assert f(np.ones((n, 30))).tolist() == [30.0] * n
    assert kept_bytes() <= 2 * 2**20
    assert len(f._stubs._shelves["values"]) <= 50


def test_a_runner_that_stubs_use_is_not_dropped_as_old(monkeypatch):
    monkeypatch.setattr(kept_executors, "KEPT_BYTES", 2**22)
    f = ag.compile(lambda x: ag.sum(x), np.ones(30), in_axes=0)
    hot = np.ones((100, 30))
    f(hot)
    [runner] = f._stubs._shelves["values"][100]
    for n in range(101, 400):
        f(np.ones((n, 30)))
        f(hot)
    assert f._stubs._shelves["values"][100] == [runner]


def test_more_rows_than_a_chunk_go_the_general_way():
    f = ag.compile(lambda x: x * x, 1.0, in_axes=0)
    f(np.ones(CHUNK + 1))
    assert f._stubs.of_traces["values"] == ()


def test_an_exception_of_a_number_leaves_the_memory_for_the_next_call():
    f = ag.compile(lambda x: x * 2, 1.0, dtype="float32")
    f(1.0)
    assert f(1e300) == math.inf  # no float32
    [shelf] = [x for x in [f._specializations[0].compiled_shelf(f._layout(f._specializations[0], gradient=False), 1)] if x]
    assert len(shelf) == 1
    assert f(2.0) == 4.0


def test_the_text_of_a_stub_can_be_read():
    f = ag.compile(lambda w, x: ag.dot(w, x), [1.0, 2.0], [1.0, 2.0], in_axes=(None, 0))
    written = call_stubs.text(f)
    assert "to_a0[...] = a0" in written
    compile(written, "stub", "exec")


LONG_INTS = [2**54 + 2**30 + 1, -(2**54) - 2**30 - 1, 2**62 + 2**38 + 1, 2**63 + 2**39 + 1]
SHAPES = {"list": list, "tuple": tuple, "array": np.array, "long doubles": lambda x: np.array(x, np.longdouble)}


@pytest.mark.parametrize("kind", sorted(SHAPES))
@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_of_more_digits_are_rounded_alike_cold_and_warm(kind, rows, dtype, monkeypatch):
    """Rounding them to floats at once gives other bits than by way of doubles."""
    monkeypatch.setattr(specialization, "PATIENCE", math.inf)
    cold, warm = (
        ag.compile(lambda x: x * 1.0 if rows else x[0] * 1.0, 1.0 if rows else [1.0, 1.0], dtype=dtype, in_axes=axes)
        for axes in [0 if rows else None] * 2
    )
    args = [SHAPES[kind]([x, 1]) for x in LONG_INTS]
    expected = [np.asarray(cold(x)).tolist() for x in args]
    monkeypatch.setattr(specialization, "PATIENCE", -1.0)
    for _ in range(3):
        assert [np.asarray(warm(x)).tolist() for x in args] == expected


@pytest.mark.parametrize("said", ["raise", "warn"])
@pytest.mark.parametrize("patience", [math.inf, -1.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_what_numpy_is_to_say_of_its_own_arithmetic_is_no_matter_of_ours(said, patience, dtype, reduce, monkeypatch):
    monkeypatch.setattr(specialization, "PATIENCE", patience)
    axes = None if reduce is None else 0
    f = ag.compile(lambda x: ag.exp(x) * x, 1.0, dtype=dtype, in_axes=axes, reduce=reduce)
    kinds = ["__call__", "value_and_grad", *(["reduced"] if reduce else [])]
    for x in (1e-300, 5e-324, 0.0, -740.0, 1e300, math.inf, math.nan):
        for kind in kinds:
            answers = []
            for state in ("ignore", said, said):
                with np.errstate(all=state):
                    answers.append(repr(getattr(f, kind)(x if axes is None else [x, x, x])))
            assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("patience", [math.inf, -1.0])
@pytest.mark.parametrize("axes", [None, 0])
def test_masked_arrays_are_refused_cold_and_warm(patience, axes, monkeypatch):
    monkeypatch.setattr(specialization, "PATIENCE", patience)
    f = ag.compile(lambda x: x * 1.0 if axes == 0 else x[0] * x[1], [1.0, 1.0] if axes is None else 1.0, in_axes=axes)
    for _ in range(3):
        f([1.0, 2.0])
        for call in (f, f.value_and_grad, f.bind):
            with pytest.raises(ag.OperandError, match="masked array; fill it first"):
                call(np.ma.array([1.0, 2.0], mask=[False, True]))
