"""Points that look like the arguments: trees of domains, examples, shapes that vary."""

from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.testing import ArraySpec, assert_gradient, points

np = pytest.importorskip("numpy")
hnp = pytest.importorskip("hypothesis.extra.numpy")
FEW = settings(max_examples=25, database=None, deadline=None, suppress_health_check=list(HealthCheck))


class Line(NamedTuple):
    slope: float
    offset: float


def drawn(strategy):
    """Examples of a strategy."""
    seen = []

    @settings(FEW, phases=[Phase.generate])
    @given(strategy)
    def gather(args):
        seen.append(args)

    gather()
    assert len(seen) >= 5
    return seen


def within(x, low, high):
    return bool(np.all(np.asarray(x) >= low) and np.all(np.asarray(x) <= high))


# --- domains as the argument's tree ---------------------------------------------------------------


def total(x):
    """The sum of all numbers of a tree."""
    if isinstance(x, dict):
        return sum(map(total, x.values()))
    return sum(map(total, x)) if isinstance(x, (list, tuple, np.ndarray)) else x


TREES = [
    {"w": (0.0, 1.0), "b": (-2.0, -1.0)},
    {"layers": [{"w": (0.0, 1.0), "b": (-2.0, -1.0)}, {"w": (5, 6), "b": (0, 1)}]},
    Line(slope=(2.0, 3.0), offset=(-1.0, 0.0)),
    {"line": Line((2.0, 3.0), (-1.0, 0.0)), "ends": ((0, 1), (5, 6))},
]


def holds(x, domain):
    if isinstance(domain, dict):
        return list(x) == list(domain) and all(holds(x[k], d) for k, d in domain.items())
    if isinstance(domain[0], (int, float)):
        return type(x) is float and domain[0] <= x <= domain[1]
    return type(x) is type(domain) and len(x) == len(domain) and all(map(holds, x, domain))


@pytest.mark.parametrize("domain", TREES, ids=lambda d: str(d)[:30])
def test_a_domain_is_the_tree_of_the_argument(domain):
    assert all(holds(args[0], domain) for args in drawn(points(lambda p: total(p), domain=domain)))
    several = points(lambda p, x: total(p) * x, domain=(domain, (7.0, 8.0)))
    assert all(holds(args, (domain, (7.0, 8.0))) for args in drawn(several))
    assert all(holds(args[0], domain) for args in drawn(points(total, domain=[domain])))


def test_the_arguments_by_their_names():
    seen = drawn(points(lambda x, y, z: x * y * z, domain={"y": (0, 1), "z": (5, 6)}))
    assert all(within(y, 0, 1) and within(z, 5, 6) for _, y, z in seen)
    assert any(abs(x) > 1 for x, _, _ in seen)
    assert all(
        within(x, 2, 3) for x, _, _ in drawn(points(lambda x, y, z: x * y * z, domain={"y": (0, 1), ...: (2, 3)}))
    )


def test_an_interval_holds_for_all_below_and_others_by_default():
    like = ({"w": np.ones((2, 3)), "deep": {"a": 1.0, "b": [1.0, 1.0]}, "b": 0.5},)
    for (p,) in drawn(points(lambda p: p["b"], like=like, domain={"w": (0, 1), "deep": (2, 3), ...: (-4, -3)})):
        assert p["w"].shape == (2, 3)
        assert within(p["w"], 0, 1)
        assert within([p["deep"]["a"], *p["deep"]["b"]], 2, 3)
        assert within(p["b"], -4, -3)
    each = {"w": [[(0, 1), (2, 3), (4, 5)], [(6, 7), (8, 9), None]]}
    for (p,) in drawn(points(lambda p: p["b"], like=like, domain=each)):
        assert within(p["w"].flat[:5], [0, 2, 4, 6, 8], [1, 3, 5, 7, 9])


def test_operations_and_strategies_stand_for_intervals():
    seen = drawn(points(lambda p: ag.log(p["a"]) * p["b"], domain={"a": "log", "b": st.sampled_from([1.0, 2.0])}))
    assert all(p["a"] > 0 and p["b"] in (1.0, 2.0) for (p,) in seen)


@pytest.mark.parametrize(
    ("like", "domain", "error", "said"),
    [
        (({"a": 1.0},), {"b": (0, 1)}, ag.StructureError, "unknown .'b'."),
        (({"a": [1.0, 2.0]},), {"a": [(0, 1)]}, ag.StructureError, r"2 entries at args.0...a.., as the argument has"),
        ((np.ones(3), 1.0), ([(0, 1)], None), ag.StructureError, r"shape .3,., at args.0."),
        ((1.0, 2.0), {"z": (0, 1)}, ag.StructureError, "names of arguments"),
        (({"a": 1.0},), {"a": "lgo"}, ag.OperandError, "did you mean log"),
        (({"a": 1.0},), {"a": (1, 0)}, ag.RangeError, "low < high"),
        ((1.0, 2), (None, (0.1, 0.9)), ag.RangeError, "an integer"),
    ],
)
def test_domains_of_another_tree_are_refused(like, domain, error, said):
    f = (lambda p: 0.0) if len(like) == 1 else (lambda x, y: 0.0)
    with pytest.raises(error, match=said):
        points(f, like=like, domain=domain)


# --- like an example ------------------------------------------------------------------------------


def leaves(x):
    if isinstance(x, dict):
        return [(k, *leaf) for k, child in x.items() for leaf in leaves(child)]
    if isinstance(x, (list, tuple)):
        return [(type(x).__name__, *leaf) for child in x for leaf in leaves(child)]
    return [(type(x).__module__, type(x).__name__, str(getattr(x, "dtype", "")), tuple(getattr(x, "shape", ())))]


EXAMPLE = (
    {"w": np.ones((2, 2)), "single": np.zeros(3, "float32"), "half": np.float16(1), "n": 3, "name": "relu"},
    [1.0, 2, Line(0.5, 1j)],
    np.array([1j, 2.0], "complex64"),
    (np.arange(3), np.array([True]), Fraction(1, 3), np.zeros((2, 0)), None),
)


def test_points_have_the_tree_shapes_and_dtypes_of_the_example():
    seen = drawn(points(lambda *args: args[1][0], like=EXAMPLE))
    expected = leaves(([EXAMPLE[0], [1.0, 2.0, *EXAMPLE[1][2:]], *EXAMPLE[2:]],))  # among floats an int is one
    for args in seen:
        assert leaves((list(args),)) == expected
        assert args[0]["n"] == 3
        assert args[0]["name"] == "relu"
        assert np.array_equal(args[3][0], np.arange(3))
        assert np.isfinite(args[0]["single"]).all()
    assert len({args[0]["w"].tobytes() for args in seen}) > 3
    assert len({args[2].tobytes() for args in seen}) > 3
    assert len({args[3][2] for args in seen}) > 3


def test_integers_stay_integers():
    def power(x, n):
        return x ** int(n)

    assert all(args[1] == 3 and type(args[1]) is int for args in drawn(points(power, like=(2.0, 3))))
    seen = drawn(points(power, like=(2.0, 3), domain=((1, 2), (0, 5))))
    assert {type(n) for _, n in seen} == {int}
    assert len({n for _, n in seen}) > 1
    assert all(0 <= n <= 5 for _, n in seen)
    taken = lambda x, i: x[i].sum()
    seen = drawn(points(taken, like=(np.ones(4), np.array([0, 1], "int32")), domain={"i": (0, 3)}))
    assert {(i.dtype.name, i.shape) for _, i in seen} == {("int32", (2,))}
    assert all(within(i, 0, 3) for _, i in seen)
    alone = drawn(points(lambda n, small: 1.0 * n, like=(5, np.zeros(2, "uint8"))))
    assert all(type(n) is int and within(small, 0, 100) and small.dtype == "uint8" for n, small in alone)


def test_numbers_of_few_bits_lie_in_their_domain():
    for x, y in drawn(
        points(lambda x, y: x.sum(), like=(np.zeros(2, "float32"), np.float16(1)), domain=[(0, 0.1), (1e-7, 1e300)])
    ):
        assert within(x, 0, 0.1)
        assert 0 < y < np.inf


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_arrays_of_other_libraries_stay_theirs(library):
    package = pytest.importorskip(library)
    lib = package if library == "torch" else pytest.importorskip("jax.numpy")
    make = package.tensor if library == "torch" else lib.asarray
    x, n = make(np.ones((2, 2), "float32")), make(np.arange(2, dtype="int32"))
    for a, b in drawn(points(lambda x, n: lib.sum(x), like=(x, n), domain=[(0, 1), None])):
        assert type(a) is type(x)
        assert (a.dtype, tuple(a.shape)) == (x.dtype, (2, 2))
        assert within(a.tolist(), 0, 1)
        assert (b.dtype, b.tolist()) == (n.dtype, [0, 1])


def test_strategies_stand_in_an_example():
    seen = drawn(points(lambda x, m: x * m.sum(), like=(1.0, hnp.arrays(float, 2, elements=st.floats(1, 2)))))
    assert all(m.shape == (2,) and within(m, 1, 2) for _, m in seen)
    assert all(2 < x <= 3 for (x,) in drawn(points(lambda x: ag.log(x - 2), like=st.tuples(st.floats(1, 3)))))


# --- shapes that vary -----------------------------------------------------------------------------


def product(a, x):
    return a @ x


def test_names_are_lengths_that_arguments_share():
    seen = drawn(points(product, like=(ArraySpec(("n", "m")), ArraySpec("m")), domain=[(0, 1), (2, 3)]))
    assert all(a.shape[1:] == x.shape for a, x in seen)
    assert all(within(a, 0, 1) and within(x, 2, 3) for a, x in seen)
    assert len({a.shape for a, _ in seen}) > 3
    sized = points(product, like=(ArraySpec(("n", "m", 3)), ArraySpec((3,))), sizes={"n": (5, 7), "m": 2})
    assert all(a.shape[1:] == (2, 3) and 5 <= len(a) <= 7 for a, _ in drawn(sized))
    tree = {"w": ArraySpec(("n", "m"), "float32"), "b": ArraySpec("n", "complex64"), "i": ArraySpec("n", "int8")}
    for (p,) in drawn(points(lambda p: p["w"].sum(), like=(tree,), domain={"i": (0, 2)})):
        assert {k: v.dtype.name for k, v in p.items()} == {"w": "float32", "b": "complex64", "i": "int8"}
        assert len(p["w"]) == len(p["b"]) == len(p["i"])


def test_a_strategy_for_shapes():
    shapes = hnp.array_shapes(max_dims=3, max_side=3)
    assert len({x.shape for (x,) in drawn(points(np.sum, like=(ArraySpec(shapes),)))}) > 3
    both = st.shared(shapes, key="both")
    seen = drawn(points(lambda x, y: (x * y).sum(), like=(ArraySpec(both), ArraySpec(both, "float32"))))
    assert all(x.shape == y.shape for x, y in seen)


def test_shapes_shrink_to_the_smallest():
    shrinking = settings(FEW, phases=[Phase.generate, Phase.shrink])
    pairs = points(product, like=(ArraySpec(("n", "m")), ArraySpec("m")))
    args = find(pairs, lambda args: True, settings=shrinking)
    assert [x.tolist() for x in args] == [[[0.0]], [0.0]]
    wide = find(pairs, lambda args: args[0].shape[1] > 2, settings=shrinking)
    assert [x.tolist() for x in wide] == [[[0.0] * 3], [0.0] * 3]


@FEW
@given(points(product, like=(ArraySpec(("n", "m")), ArraySpec("m")), domain=[(-2, 2), (-3, 3)]))
def test_gradients_of_a_product_of_any_shape(args):
    def both(a, x):
        n, m = a.shape
        to_a = np.zeros((n, n, m))
        to_a[np.arange(n), np.arange(n)] = x
        return to_a, a

    assert_gradient(product, args, derivative=both)


@pytest.mark.parametrize("shape", [(-1,), 1.5, (True,), None])
def test_shapes_that_are_none(shape):
    with pytest.raises(ag.OperandError, match="a length or a name"):
        points(product, like=(ArraySpec(shape),))
