"""What is given to be judged: products, some of the arguments, sparse matrices, batches, other libraries' own."""

import functools
import math
import re

import pytest

import autograd_core as ag
from autograd_core.errors import OperandError, RangeError, StructureError
from autograd_core.testing import FunctionError, Verdict, WrongGradient, assert_gradient, check_gradient

np = pytest.importorskip("numpy")
A = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
X = np.array([0.1, 0.2, 0.3])


def layer(x):
    return A @ np.sin(x)


def pulled(x, cotangent):
    return (A.T @ cotangent) * np.cos(x)


def pushed(primals, tangents):
    (x,), (t,) = primals, tangents
    return layer(x), A @ (np.cos(x) * t)


def as_in_jax(x):
    return layer(x), lambda cotangent: (pulled(x, cotangent),)


# --- products -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"vjp": pulled},
        {"vjp": as_in_jax},
        {"vjp": lambda x: lambda ct: pulled(x, ct)},
        {"jvp": pushed},
        {"jvp": lambda xs, ts: pushed(xs, ts)[1]},
        {"jvp": lambda x, t: A @ (math.cos(x[0]) * 0 + np.cos(x) * t)},
        {"vjp": pulled, "jvp": pushed, "derivative": lambda x: A * np.cos(x)},
        {"jvp": lambda x, t: A @ (np.cos(x) * t)},
    ],
)
def test_products_of_every_form_are_right(given):
    assert assert_gradient(layer, (X,), **given).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("given", "side"),
    [
        ({"vjp": lambda x, ct: (A.T @ ct) * np.sin(x)}, "vjp"),
        ({"jvp": lambda xs, ts: A @ (np.sin(xs[0]) * ts[0])}, "jvp"),
        ({"vjp": pulled, "jvp": lambda xs, ts: A @ (np.sin(xs[0]) * ts[0])}, "jvp"),
        ({"vjp": lambda x, ct: 1.001 * pulled(x, ct), "jvp": pushed}, "vjp"),
    ],
)
def test_the_wrong_product_is_named(given, side):
    report = check_gradient(layer, (X,), **given)
    assert report.verdict is Verdict.WRONG
    assert report.worst.side == side


def test_products_that_are_right_to_the_resolution_still_have_to_agree():
    def f(x):
        return math.sin(3e5 * x)

    def slope(x):
        return 3e5 * math.cos(3e5 * x)

    given = {"vjp": lambda x, ct: ct * slope(x), "jvp": lambda xs, ts: (1 + 1e-10) * slope(xs[0]) * ts[0]}
    assert all(check_gradient(f, (0.5,), **{name: product}) for name, product in given.items())
    report = check_gradient(f, (0.5,), **given)
    assert report.verdict is Verdict.WRONG
    assert "vjp and jvp do not agree" in report.reason
    assert "they differ most at result 0 and input 0" in report.reason
    assert check_gradient(f, (0.5,), **given, rtol=1e-9)


@pytest.mark.parametrize(
    "given",
    [
        {"vjp": lambda x, ct: math.cos(x)},
        {"vjp": lambda x, ct: math.cos(x) * ct * ct},
        {"vjp": lambda x, ct: math.cos(x) * abs(ct)},
        {"jvp": lambda x, t: math.cos(x) * t * t},
    ],
)
def test_a_product_is_linear(given):
    report = check_gradient(math.sin, (0.5,), **given)
    assert report.verdict is Verdict.WRONG
    assert "is not linear" in report.reason


def test_the_library_s_own_transforms_are_products():
    def f(x, y):
        return [x**2 * y, ag.sin(y)]

    given = {"vjp": functools.partial(ag.vjp, f), "jvp": functools.partial(ag.jvp, f)}
    assert check_gradient(f, (2.0, 3.0), **given)


def test_a_tangent_of_a_single_array_needs_no_tuple():
    assert check_gradient(np.sin, (X,), jvp=lambda x, t: np.cos(x) * t)
    assert check_gradient(np.sin, (X,), jvp=lambda x, t: -np.cos(x) * t).verdict is Verdict.WRONG


def test_a_product_comes_with_the_function_s_value():
    with pytest.raises(FunctionError, match="comes with the value 1.0") as told:
        check_gradient(math.sin, (0.5,), jvp=lambda xs, ts: (1.0, math.cos(xs[0]) * ts[0]))
    assert told.value.fault == "other value"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"vjp": lambda x: 3.0}, "to give .value, pull."),
        ({"vjp": lambda x, ct: 1 / 0}, "vjp of sin raised ZeroDivisionError"),
        ({"jvp": lambda xs, ts: 1 / 0}, "jvp of sin raised ZeroDivisionError"),
        ({"jvp": lambda xs, ts: "none"}, "expected a number"),
    ],
)
def test_a_product_that_is_none_says_so(given, said):
    with pytest.raises(FunctionError, match=said):
        check_gradient(math.sin, (0.5,), **given)


def test_a_product_has_to_be_a_function():
    with pytest.raises(RangeError, match="expected vjp as a function"):
        check_gradient(math.sin, (0.5,), vjp=1.0)


# --- which arguments are inputs -----------------------------------------------------------------


def test_argnums_choose_the_inputs_and_the_order_of_the_derivative():
    def f(x, y, name):
        return x * y**2 if name == "square" else math.nan

    assert check_gradient(f, (2.0, 3.0, "square"), argnums=1, derivative=lambda x, y, _: 2 * x * y)
    assert check_gradient(f, (2.0, 3.0, "square"), argnums=(1, 0), derivative=lambda x, y, _: (2 * x * y, y**2))
    assert check_gradient(f, (2.0, 3.0, "square"), argnums=[-2])
    report = check_gradient(f, (2.0, 3.0, "square"), argnums=(1, 0), derivative=lambda x, y, _: (y**2, 2 * x * y))
    assert report.verdict is Verdict.WRONG
    assert report.worst.where.startswith("args[")
    assert check_gradient(f, (math.nan, 3.0, "square"), argnums=1).verdict is Verdict.NOT_FINITE


def test_argnums_of_lists_and_arrays():
    def f(xs, ys):
        return sum(x * y for x, y in zip(xs, ys, strict=True))

    assert check_gradient(f, ([1.0], [2.0]), argnums=0, derivative=lambda xs, ys: ys)
    assert check_gradient(f, ([1.0, 4.0], [2.0, 5.0]), argnums=(0,), derivative=lambda xs, ys: (ys,))
    assert check_gradient(np.dot, (X, X + 1), argnums=1, derivative=lambda x, y: x)


@pytest.mark.parametrize(
    ("argnums", "kind"),
    [
        (2, RangeError),
        ((), RangeError),
        ((0, 0), RangeError),
        ("x", OperandError),
        (0.0, OperandError),
        (True, OperandError),
    ],
)
def test_argnums_that_no_argument_has(argnums, kind):
    with pytest.raises(kind, match="argnums"):
        check_gradient(ag.hypot, (1.0, 2.0), argnums=argnums)


def power(x, n):
    result = 1.0
    for _ in range(n):  # n is no float
        result = result * x
    return result


def test_integers_beside_floats_are_no_inputs():
    assert check_gradient(power, (2.0, 3)).worst.where == "args[0]"
    assert check_gradient(lambda x, n: float(power(x, n)), (2.0, 3), derivative=lambda x, n: n * x ** (n - 1))
    assert check_gradient(lambda x, n: float(power(x, n)), (2.0, 3), derivative=lambda x, n: (n * x ** (n - 1), None))
    assert check_gradient(lambda x, n: float(power(x, n)), (2.0, 3), derivative=lambda x, n: (n * x ** (n - 1), 0))
    assert check_gradient(lambda p: power(p["x"], p["n"]), ({"x": 2.0, "n": 3},))
    assert check_gradient(lambda x, i: x[i].sum(), (X, np.array([0, 2])), derivative=np.array([1.0, 0.0, 1.0]))
    assert not check_gradient(lambda x, i: x[i].sum(), (X, [0, 2]), derivative=np.array([1.0, 1.0, 1.0]))


@pytest.mark.parametrize(
    ("f", "args", "place"),
    [
        (lambda x, k: x * k, (0.5, 2), "args[1] = 2"),
        (lambda p: p["x"] * p["k"], ({"x": 0.5, "k": 2},), "args[0]['k'] = 2"),
        (lambda x, k: ag.sum([x * float(n) for n in k]), (0.5, np.array([2, 3])), "args[1] = array([2, 3])"),
    ],
)
def test_an_integer_that_might_be_a_float_is_named(f, args, place):
    with pytest.warns(UserWarning, match=re.escape(f"{place}, beside floats, was not differentiated")):
        report = check_gradient(f, args)
    assert report.held == (place,)
    assert f"not judged {place}" in str(report)


@pytest.mark.filterwarnings("error")
def test_no_warning_of_integers_that_are_none_else():
    def annotated(x, n: int):
        return x * n

    assert "not judged args[1] = 2" in str(check_gradient(annotated, (0.5, 2)))
    assert check_gradient(power, (2.0, 3)).held == ("args[1] = 3",)
    assert check_gradient(lambda x, k: x * k, (0.5, 2), argnums=0).held == ()
    assert check_gradient(lambda x, k: x * k, (2, 3)).held == ()


def test_integers_in_the_place_of_floats_are_judged():
    assert check_gradient(lambda x: x * x, (3,)).worst.found == 6.0
    assert not check_gradient(lambda x: x[0] * x[1], ([1.5, 2],), derivative=[2.0, -1.5])
    assert not check_gradient(lambda x, y: x * y, (2.0, 3), derivative=lambda x, y: (y, -x))
    assert check_gradient(lambda x, y: x * y, (2, 3), derivative=lambda x, y: (y, x))


def test_none_is_no_gradient():
    assert check_gradient(lambda x, y: math.sin(x), (2.0, [3.0, 4.0]), derivative=lambda x, y: (math.cos(x), None))
    report = check_gradient(lambda x, y: math.sin(x) * y, (2.0, 3.0), derivative=lambda x, y: (math.cos(x) * y, None))
    assert report.verdict is Verdict.WRONG
    assert (report.worst.where, report.worst.found) == ("args[1]", 0.0)
    assert check_gradient(lambda x: 1.0, (2.0,), derivative=lambda x: (None,))
    assert check_gradient(lambda p: p["a"], ({"a": 1.0, "b": 2.0},), derivative={"a": 1.0, "b": None})
    assert check_gradient(lambda x, y: math.sin(x), (2.0, 3.0), vjp=lambda x, y, g: (g * math.cos(x), None))
    with pytest.raises(FunctionError, match="expected numbers, got None"):  # a return was forgotten
        check_gradient(math.sin, (2.0,), derivative=lambda x: None)


# --- sparse matrices and batches ----------------------------------------------------------------


def test_sparse_jacobians():
    sparse = pytest.importorskip("scipy.sparse")
    for kind in (sparse.csr_array, sparse.coo_matrix, sparse.csc_array, sparse.dia_matrix):
        assert check_gradient(layer, (X,), derivative=lambda x, kind=kind: kind(A * np.cos(x)))
        assert not check_gradient(layer, (X,), derivative=lambda x, kind=kind: kind(A * np.sin(x)))
    blocks = lambda x, y: (sparse.csr_array(A * np.cos(x)), sparse.eye_array(2))
    assert check_gradient(lambda x, y: layer(x) + y, (X, X[:2]), derivative=blocks)
    assert check_gradient(lambda x, y: layer(x) + y, (X, X[:2]), argnums=1, derivative=sparse.eye_array(2))
    with pytest.raises(StructureError, match=r"sparse matrix of shape \(2, 3\)"):
        check_gradient(layer, (X,), derivative=sparse.eye_array(3))


def test_a_sparse_jacobian_is_never_filled_in():
    sparse = pytest.importorskip("scipy.sparse")
    x = np.linspace(0.0, 1.0, 3000)
    assert check_gradient(np.sin, (x,), derivative=lambda x: sparse.diags_array(np.cos(x)))
    report = check_gradient(np.sin, (x,), derivative=lambda x: sparse.diags_array(np.cos(x) + 1e-3 * (x == x[1234])))
    assert report.verdict is Verdict.WRONG
    assert report.worst.where.endswith("args[0][1234]")


def neuron(inputs, weights):
    return np.tanh(inputs @ weights)


def neuron_slopes(inputs, weights):
    slope = (1 - neuron(inputs, weights) ** 2)[:, None]
    return slope * weights, slope * inputs


BATCH = np.array([[0.1, 0.5, -0.3], [1.0, 0.0, 0.2], [-0.5, 0.4, 0.3], [0.0, -1.0, 0.6]])


def test_batches_have_their_derivatives_example_by_example():
    assert check_gradient(neuron, (BATCH, X), in_axes=(0, None), derivative=neuron_slopes)
    assert check_gradient(np.sin, (X,), in_axes=0, derivative=np.cos)
    assert check_gradient(lambda x: np.sum(x, 0), (BATCH.T.copy(),), in_axes=1, derivative=lambda x: np.ones((4, 3)))
    assert check_gradient(lambda x: np.sum(x, -2), (BATCH.T.copy(),), in_axes=-1, derivative=lambda x: np.ones((4, 3)))
    assert check_gradient(
        neuron, (BATCH, X), in_axes=(0, None), argnums=1, derivative=lambda x, w: neuron_slopes(x, w)[1]
    )
    rows = lambda x: np.stack([np.sin(x), np.cos(x)], 1)
    assert check_gradient(rows, (X,), in_axes=0, derivative=lambda x: np.stack([np.cos(x), -np.sin(x)], 1))
    listed = lambda xs: [ag.sin(x) for x in xs]
    assert check_gradient(listed, ([0.5, 1.0],), in_axes=0, derivative=lambda xs: [math.cos(x) for x in xs])


def test_faults_in_batches():
    def wrong(x, w):
        slopes = neuron_slopes(x, w)
        slopes[0][2, 1] *= 1.001
        return slopes

    report = check_gradient(neuron, (BATCH, X), in_axes=(0, None), derivative=wrong)
    assert report.verdict is Verdict.WRONG
    assert report.worst.where == "result[2] / args[0][2, 1]"
    beside = check_gradient(lambda x: np.sin(x) + x.mean(), (X,), in_axes=0, derivative=lambda x: np.cos(x) + 1 / 3)
    assert beside.verdict is Verdict.WRONG  # an example moves another one's result


@pytest.mark.parametrize(
    ("in_axes", "kind"),
    [
        ((0,), RangeError),
        (None, StructureError),
        ((None, None), RangeError),
        ("0", OperandError),
        ((2, None), StructureError),
    ],
)
def test_axes_that_the_arguments_do_not_have(in_axes, kind):
    with pytest.raises(kind):
        check_gradient(neuron, (BATCH, X), in_axes=in_axes, derivative=neuron_slopes)


def test_batches_of_other_lengths_are_refused():
    with pytest.raises(StructureError, match="4 examples along axis 0"):
        check_gradient(neuron, (BATCH, X), in_axes=(0, None), derivative=(BATCH[:3], BATCH))


# --- other libraries' own -----------------------------------------------------------------------


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_the_library_s_own_derivative(library):
    package = pytest.importorskip(library)
    lib = package if library == "torch" else pytest.importorskip("jax.numpy")

    def f(x, p, n):
        return lib.sum(lib.sin(x) * p["w"][n]) + p["b"]

    args = (X, {"w": [1.0, 2.0], "b": 0.5}, 1)
    report = check_gradient(f, args, derivative=library)
    assert report.verdict is Verdict.RIGHT
    assert report.worst.side == library
    assert check_gradient(f, args, argnums=0, derivative=library)
    assert check_gradient(lambda x: {"a": lib.sin(x), "b": x * 2}, (X,), derivative=library)
    assert check_gradient(lambda x, y: lib.sin(x), (0.5, 1.0), derivative=library)  # y has no gradient
    kink = check_gradient(lambda x: lib.abs(x), (0.0,), derivative=library)
    assert kink.verdict is Verdict.KINK


def test_wrong_rules_of_torch():
    torch = pytest.importorskip("torch")

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] ** 2 * g

    with pytest.raises(WrongGradient, match="torch"):
        assert_gradient(lambda x: Cube.apply(x).sum(), (X,), derivative="torch")
    single = torch.tensor([0.5, 1.5], dtype=torch.float32)
    with pytest.raises(WrongGradient, match="torch"):
        assert_gradient(lambda x: Cube.apply(x).sum(), (single,), derivative="torch")
    assert assert_gradient(lambda x: torch.exp(x).sum(), (single,), derivative="torch")
    assert check_gradient(lambda x: x.detach() * x, (2.0,), derivative="torch").verdict is Verdict.WRONG


def test_wrong_rules_of_jax():
    jax = pytest.importorskip("jax")

    @jax.custom_jvp
    def cube(x):
        return x**3

    @cube.defjvp
    def _(primals, tangents):
        return cube(*primals), 2 * primals[0] ** 2 * tangents[0]

    with pytest.raises(WrongGradient, match="jax"):
        assert_gradient(lambda x: cube(x).sum(), (X,), derivative="jax")


def test_a_library_that_is_not_known():
    with pytest.raises(RangeError, match="'torch' or 'jax'"):
        check_gradient(math.sin, (0.5,), derivative="tensorflow")
