"""Derivatives of functions from any library against differences of their values."""

import ctypes
import ctypes.util
import math
import random
import struct
import sys
import types

import numpy as np
import pytest

import autograd_core as ag
from autograd_core._src.testing.numeric.differences import extrapolated, remainder_order, slopes
from autograd_core.testing import FunctionError, GradientError, Verdict, assert_gradient, check_gradient


def foreign(f):
    """The function, refusing Values as another library's does."""

    def plain(*xs):
        if any(isinstance(y, ag.Value) for x in xs for y in (x if isinstance(x, list) else [x])):
            raise TypeError("only plain numbers")
        return f(*xs)

    return plain


def erf_slope(x):
    return 2 / math.sqrt(math.pi) * math.exp(-x * x)


RIGHT = {
    "sine": (math.sin, math.cos, 0.5),
    "at 0": (math.sin, math.cos, 0.0),
    "far out": (math.sin, math.cos, 1e4),
    "extremum": (math.cos, lambda x: -math.sin(x), 0.0),
    "fast": (lambda x: math.sin(1e6 * x), lambda x: 1e6 * math.cos(1e6 * x), 1.0),
    "steep": (lambda x: math.tanh(1e6 * (x - 0.5)), lambda x: 1e6 / math.cosh(1e6 * (x - 0.5)) ** 2, 0.5000003),
    "beside a pole": (lambda x: 1 / x, lambda x: -1 / x**2, 1e-8),
    "tiny operand": (math.log, lambda x: 1 / x, 1e-300),
    "huge operand": (math.sqrt, lambda x: 0.5 / math.sqrt(x), 1e300),
    "huge value": (lambda x: 1e300 * math.sin(x), lambda x: 1e300 * math.cos(x), 0.5),
    "tiny value": (lambda x: 1e-300 * math.sin(x), lambda x: 1e-300 * math.cos(x), 0.5),
    "subtraction within": (lambda x: math.exp(x) - 1 - x, math.expm1, 1e-5),
    "rounded to 8 digits": (lambda x: round(math.sin(x), 8), math.cos, 1.0),
    "multiple root": (lambda x: (x - 1) ** 7, lambda x: 7 * (x - 1) ** 6, 1.0),
    "flat": (lambda x: math.tanh(x) if x < 25 else 1.0, lambda x: 0.0, 30.0),
    "constant": (lambda x: 3.0, lambda x: 0.0, 2.0),
    "zero": (lambda x: 0.0, lambda x: 0.0, 2.0),
    "right of a kink": (lambda x: max(x - 1, 0.0) + 5, lambda x: 1.0, 1 + 1e-9),
    "left of a kink": (lambda x: max(x - 1, 0.0) + 5, lambda x: 0.0, 1 - 1e-9),
    "smooth at a turn": (lambda x: x * abs(x), lambda x: 2 * abs(x), 0.0),
    "between smooth and kink": (lambda x: math.pow(abs(x), 1.5), lambda x: 0.0, 0.0),
    "end of a domain": (lambda x: math.sqrt(x) ** 2, lambda x: 1.0, 0.0),
    "in single precision within": (lambda x: struct.unpack("f", struct.pack("f", math.exp(x)))[0], math.exp, 1.3),
    "rounded to 5 digits": (lambda x: round(math.exp(x), 5), math.exp, 1.0),
    "near the end of a domain": (math.log, lambda x: 1 / x, 1e-3),
    "end on the left": (lambda x: math.sqrt(1 - x) ** 4, lambda x: 2 * (x - 1), 1.0),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    f, slope, x = RIGHT[name]
    report = check_gradient(foreign(f), (x,), derivative=slope)
    assert report.verdict is Verdict.RIGHT, str(report)
    assert report.root is None


@pytest.mark.parametrize("name", [name for name, (_, slope, x) in RIGHT.items() if slope(x)])
@pytest.mark.parametrize("factor", [-1, 0.5, 1.01, 2])
def test_the_same_with_a_factor_is_wrong(name, factor):
    f, slope, x = RIGHT[name]
    report = check_gradient(foreign(f), (x,), derivative=lambda x: factor * slope(x))
    assert report.verdict is Verdict.WRONG, str(report)
    assert report.worst.found == factor * slope(x)
    assert report.worst.expected == pytest.approx(slope(x), rel=1e-3)


def test_the_second_witness_is_named():
    report = check_gradient(math.sin, (1.0,), derivative=lambda x: -math.cos(x))
    assert "falls like h^1.0 instead of h^2" in report.reason
    assert "was found at (1.0)" in report.reason
    assert report.worst.reference == "finite differences"


def test_a_second_witness_that_sees_nothing_is_left_out():
    """Off in the eighth digit: the remainder falls like h^1.99."""
    compiled = pytest.importorskip("numpy").exp
    report = check_gradient(foreign(compiled), (0.6,), derivative=lambda x: math.exp(x) * (1 + 2e-8))
    assert report.verdict is Verdict.WRONG
    assert "h^" not in report.reason


def test_the_point_is_named_where_it_is_short():
    report = check_gradient(foreign(lambda v: math.fsum(v)), ([1.0] * 5,), derivative=[1.0] * 4 + [2.0])
    assert report.verdict is Verdict.WRONG
    assert " at (" not in report.reason


def test_lost_digits():
    report = check_gradient(math.log1p, (1e-3,), derivative=lambda x: (math.log1p(x + 1e-6) - math.log1p(x)) / 1e-6)
    assert report.verdict is Verdict.WRONG


def test_complex_step():
    report = check_gradient(
        foreign(lambda x: x**3 / (1 + x)), (1.5,), derivative=lambda x: x * x * (3 + 2 * x) / (1 + x) ** 2
    )
    assert (report.verdict, report.worst.reference) == ("RIGHT", "complex step")
    wrong = check_gradient(
        foreign(lambda x: x**3 / (1 + x)), (1.5,), derivative=lambda x: x * x * (3 + 2 * x) / (1 + x) ** 2 * (1 + 1e-11)
    )
    assert wrong.verdict is Verdict.WRONG
    """abs is no analytic function: its complex step disagrees with the differences, and is not believed."""
    assert (
        check_gradient(foreign(lambda x: abs(x) * 1.0), (-1.5,), derivative=lambda x: -1.0).worst.reference
        == "finite differences"
    )


KINKS = {
    "abs": (abs, lambda x: 0.0, 0.0, (-1, 1), "between"),
    "outside": (abs, lambda x: 3.0, 0.0, (-1, 1), "outside"),
    "shifted": (lambda x: 7 + max(3 * (x - 2), 0), lambda x: 0.0, 2.0, (0, 3), "between"),
    "small": (lambda x: x + 1e-4 * abs(x), lambda x: 1.0, 0.0, (0.9999, 1.0001), "between"),
    "curved": (lambda x: math.exp(abs(x)), lambda x: 1.0, 0.0, (-1, 1), "between"),
    "root": (lambda x: math.sqrt(abs(x)), lambda x: 0.0, 0.0, (-math.inf, math.inf), "between"),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks(name):
    f, slope, x, interval, place = KINKS[name]
    report = check_gradient(foreign(f), (x,), derivative=slope)
    assert report.verdict is Verdict.KINK, str(report)
    assert report.interval == pytest.approx(interval, abs=1e-6)
    assert place in report.reason


@pytest.mark.parametrize("f", [math.floor, lambda x: x + (x > 2), lambda x: x - (x < 2), lambda x: float(x == 2)])
def test_jumps(f):
    report = check_gradient(foreign(f), (2.0,), derivative=lambda x: 1.0)
    assert report.verdict is Verdict.DISCONTINUOUS, str(report)


INFINITE = {
    "vertical tangent at the end": (math.sqrt, lambda x: math.inf, 0.0),
    "given": (math.sin, lambda x: math.nan, 0.5),
    "value": (lambda x: math.inf, lambda x: 0.0, 0.5),
    "alone": (lambda x: x if x == 1 else math.nan, lambda x: 0.0, 1.0),
}


@pytest.mark.parametrize("name", INFINITE)
def test_not_finite(name):
    f, slope, x = INFINITE[name]
    assert check_gradient(foreign(f), (x,), derivative=slope).verdict is Verdict.NOT_FINITE


def test_what_rounding_hides_is_not_judged():
    report = check_gradient(foreign(lambda x: 1e16 + math.sin(x)), (1.0,), derivative=math.cos)
    assert report.verdict is Verdict.ILL_CONDITIONED
    assert report.condition > 1e6


@pytest.mark.parametrize("x", [5.5, 6.0, 8.0, 30.0, -6.0])
def test_a_slope_far_below_those_near_by_is_right_to_the_resolution_that_is_stated(x):
    """erf stands still at 6, but for its rounding. What is near by says how small that slope is."""
    report = check_gradient(math.erf, (x,), derivative=erf_slope)
    assert report
    assert 0 < report.resolution < 1e-8
    assert "resolution" in str(report)
    assert not check_gradient(math.erf, (x,), derivative=1e-3)


@pytest.mark.parametrize("digits", [5, 8])
def test_two_witnesses_that_disagree_do_not_condemn(digits):
    """From right to wrong in small steps: in between, where the remainder still falls as it should, nothing is said."""
    noisy = foreign(lambda x: round(math.exp(x), digits))
    verdicts = [
        check_gradient(noisy, (1.0,), derivative=lambda x, k=k: math.exp(x) * (1 + 10 ** (-digits + k / 50))).verdict
        for k in range(0, 50 * digits, 5)
    ]
    assert verdicts[0] is Verdict.RIGHT
    assert verdicts[-1] is Verdict.WRONG
    ranks = [[Verdict.RIGHT, Verdict.ILL_CONDITIONED, Verdict.WRONG].index(v) for v in verdicts]
    assert ranks == sorted(ranks)


# --- trees, vectors, many inputs ------------------------------------------------------------------


def test_trees_and_several_arguments():
    f = foreign(lambda p, q: math.sin(p["w"][1]) * q[0] + p["w"][0])
    args = ({"w": [1.0, 2.0]}, (3.0,))
    assert check_gradient(f, args, derivative=lambda p, q: ({"w": [1.0, 3 * math.cos(2.0)]}, (math.sin(2.0),)))
    report = check_gradient(f, args, derivative=lambda p, q: ({"w": [1.0, 3 * math.cos(2.0)]}, (-math.sin(2.0),)))
    assert report.worst.where == "args[1][0]"


def test_jacobians():
    f = foreign(lambda v: [math.sin(v[0]) * v[1], float(v[0])])
    right = [[3 * math.cos(2.0), math.sin(2.0)], [1.0, 0.0]]
    assert check_gradient(f, ([2.0, 3.0],), derivative=right)
    report = check_gradient(f, ([2.0, 3.0],), derivative=[right[0], [1.0, 1.0]])
    assert (report.verdict, report.worst.where) == ("WRONG", "result[1] / args[0][1]")


def test_jacobians_to_several_arguments():
    f = foreign(lambda v, s: [math.sin(v[0]) * s, float(v[1])])
    blocks = ([[3 * math.cos(2.0), 0.0], [0.0, 1.0]], [math.sin(2.0), 0.0])
    assert check_gradient(f, ([2.0, 5.0], 3.0), derivative=blocks)
    assert not check_gradient(f, ([2.0, 5.0], 3.0), derivative=(blocks[0], [0.0, math.sin(2.0)]))


def test_many_results():
    def f(v):
        return [math.sin(k * v[0]) * v[1] for k in range(30)]

    def jacobian(v):
        return [[k * math.cos(k * v[0]) * v[1], math.sin(k * v[0])] for k in range(30)]

    assert check_gradient(foreign(f), ([0.3, 2.0],), derivative=jacobian)
    wrong = check_gradient(
        foreign(f),
        ([0.3, 2.0],),
        derivative=lambda v: [[x * (1 + (i == 7)) for x in r] for i, r in enumerate(jacobian(v))],
    )
    assert wrong.verdict is Verdict.WRONG
    assert wrong.worst.where.startswith("random combination of results / ")


@pytest.mark.parametrize("bad", [0, 77, 99])
def test_many_inputs(bad):
    point = [math.sin(k) for k in range(100)]

    def length(v):
        return math.hypot(1.0, *v)

    def slope(v):
        return [x / length(v) for x in v]

    assert check_gradient(foreign(length), (point,), derivative=slope)
    wrong = check_gradient(
        foreign(length), (point,), derivative=lambda v: [x + 0.25 * (j == bad) for j, x in enumerate(slope(v))]
    )
    assert (wrong.verdict, wrong.worst.where) == ("WRONG", f"args[0][{bad}]")


def test_a_kink_that_no_half_of_the_inputs_shows():
    f = foreign(lambda v: min(abs(v[0]), abs(v[60])))
    report = check_gradient(f, ([0.0] * 62,), derivative=lambda v: [0.0] * 62)
    assert report.verdict is Verdict.KINK
    assert report.worst.where.startswith("62 inputs along random direction")


# --- other libraries ------------------------------------------------------------------------------


def test_c_functions():
    libm = ctypes.CDLL(ctypes.util.find_library("m") or None)
    libm.sin.restype, libm.sin.argtypes = ctypes.c_double, [ctypes.c_double]
    assert check_gradient(libm.sin, (0.5,), derivative=math.cos)
    with pytest.raises(FunctionError, match="derivative=") as caught:
        check_gradient(libm.sin, (0.5,))
    assert caught.value.fault == "needs derivative"
    libm.sinf.restype, libm.sinf.argtypes = ctypes.c_float, [ctypes.c_float]
    np = pytest.importorskip("numpy")
    assert check_gradient(lambda x: np.float32(libm.sinf(x)), (0.5,), derivative=math.cos)


def test_numpy():
    np = pytest.importorskip("numpy")
    a = np.array([[1.0, 2.0], [3.0, 5.0]])
    right = lambda a: np.linalg.det(a) * np.linalg.inv(a).T
    assert check_gradient(np.linalg.det, (a,), derivative=right)
    report = check_gradient(np.linalg.det, (a,), derivative=lambda a: right(a).T)
    assert report.worst.where in ("args[0][0, 1]", "args[0][1, 0]")
    assert check_gradient(lambda x: np.float32(np.sin(x)), (0.5,), derivative=np.cos).verdict is Verdict.RIGHT


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_less_than_double_precision(dtype):
    np = pytest.importorskip("numpy")
    x = np.array([1.0, 0.25, 0.5], dtype)
    f = lambda x: (np.sin(x) * x).sum()
    slope = lambda x: np.sin(x) + x * np.cos(x)
    report = check_gradient(f, (x,), derivative=slope)
    assert report.verdict in ((Verdict.RIGHT,) if dtype == "float32" else (Verdict.RIGHT, Verdict.ILL_CONDITIONED)), (
        str(report)
    )
    wrong = check_gradient(f, (x,), derivative=lambda x: slope(x) * np.array([1, 1, -3], dtype))
    assert (wrong.verdict, wrong.worst.where) == ("WRONG", "args[0][2]")
    assert wrong.worst.error_ulps < 2.0**26  # of the function's own precision
    with pytest.raises(FunctionError, match="less than double"):
        check_gradient(f, (x,))


def test_torch():
    torch = pytest.importorskip("torch")

    def f(x, y):
        return (torch.sin(x) * y).sum()

    def slope(x, y):
        return torch.autograd.grad(f(x, y), (x, y))

    for dtype in (torch.float64, torch.float32):
        args = tuple(torch.tensor(v, dtype=dtype, requires_grad=True) for v in ([1.0, 2.0], [0.5, 3.0]))
        assert check_gradient(f, args, derivative=slope)
        assert check_gradient(f, args, derivative=lambda x, y: slope(y, x)).verdict is Verdict.WRONG
    n = torch.tensor([1, 2])
    assert (
        check_gradient(
            lambda x, n: (x * n).sum(), (torch.ones(2, dtype=torch.float64), n), derivative=lambda x, n: (n, x)
        )
        is not None
    )


def test_jax():
    jax = pytest.importorskip("jax")
    f = lambda x: jax.numpy.tanh(x).sum()
    x = jax.numpy.array([0.3, 2.0])
    assert check_gradient(f, (x,), derivative=jax.grad(f))
    assert check_gradient(f, (x,), derivative=lambda x: 2 * jax.grad(f)(x)).verdict is Verdict.WRONG


class Tensor:
    """What is asked of a tensor of torch, and of an array of jax: so little that both are tested without them."""

    def __init__(self, data, dtype, requires_grad=False):
        import numpy as np

        self.data, self.dtype = np.array(data, str(dtype).rpartition(".")[2]), dtype
        self.shape, self.device, self.requires_grad = self.data.shape, "here", requires_grad

    def reshape(self, *shape):
        return type(self)(self.data.reshape(*shape), self.dtype, self.requires_grad)

    def tolist(self):
        return self.data.tolist()

    def to(self, device):
        assert device == "here"
        return self

    def requires_grad_(self, wanted):
        self.requires_grad = wanted
        return self


class DType(str):
    is_floating_point = True
    __slots__ = ()


def test_tensors_are_built_anew_as_they_were(monkeypatch):
    np = pytest.importorskip("numpy")
    kind = type("Tensor", (Tensor,), {"__module__": "torch"})
    torch = types.ModuleType("torch")
    torch.tensor = lambda data, dtype: kind(data, dtype)
    monkeypatch.setitem(sys.modules, "torch", torch)
    x = kind([[1.0, 2.0]], DType("torch.float32"), requires_grad=True)
    seen = []

    def f(x):
        seen.append((x.dtype, x.requires_grad, x.shape))
        return np.float32(np.sin(x.data).sum())

    assert check_gradient(f, (x,), derivative=lambda x: kind(np.cos(x.data), x.dtype))
    assert set(seen) == {("torch.float32", True, (1, 2))}


def test_arrays_of_jax_are_built_anew(monkeypatch):
    np = pytest.importorskip("numpy")
    kind = type("ArrayImpl", (Tensor,), {"__module__": "jaxlib._jax"})
    jax = types.ModuleType("jax")
    jax.numpy = types.ModuleType("jax.numpy")
    jax.numpy.asarray = lambda data: kind(data, str(data.dtype))
    monkeypatch.setitem(sys.modules, "jax", jax)
    monkeypatch.setitem(sys.modules, "jax.numpy", jax.numpy)
    x = kind([1.0, 2.0], "float64")
    report = check_gradient(
        lambda x: kind(np.sin(x.data), x.data.dtype), (x,), derivative=lambda x: np.diag(np.cos(x.data))
    )
    assert report, str(report)
    assert report.worst.reference == "complex step"


# --- right ones that are hard -----------------------------------------------------------------------


def from_numpy():
    """Functions of NumPy with their derivatives, and points at which they were called wrong or crashed."""
    np = pytest.importorskip("numpy")
    f32 = np.float32
    softmax = lambda x: np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    logsumexp = lambda x: x.max() + np.log(np.exp(x - x.max()).sum())

    def sinc_slope(x):
        y = math.pi * float(x)
        series = math.pi * (-y / 3 + y**3 / 30 - y**5 / 840 + y**7 / 45360)
        return series if abs(x) < 1e-2 else (math.cos(y) - np.sinc(x)) / x

    cases = {
        "sinc": (np.sinc, sinc_slope, [0.0, 6.1e-5, 1e-4, 1e-10, 1e-300, 5e-324, 0.5, 3.0, 1e5]),
        "log cosh, single": (
            lambda x: np.log(np.cosh(x)),
            np.tanh,
            list(map(f32, [0, 1e-37, 1e-5, 6.1e-5, -3e-4, 0.02, 5])),
        ),
        "tanh, single": (np.tanh, lambda x: 1 / np.cosh(x) ** 2, list(map(f32, [0, 1e-5, 3.9, -9.1, 10]))),
        "exp, single": (np.exp, np.exp, list(map(f32, [0, 1e-38, -10, 10, 80]))),
        "logsumexp, single": (
            logsumexp,
            softmax,
            [
                np.array(v, f32)
                for v in (
                    [0, 0, 0],
                    [1e-6, -8.7, 0, -8.7],
                    [-308.5] * 5,
                    [797, -306, 0, 2.7, 797],
                    [-3.3, 0, -3.3, -5.3],
                )
            ],
        ),
        "mean of squares, single": (
            lambda x: (x * x).mean(),
            lambda x: 2 * x / x.size,
            [np.array(v, f32) for v in ([0, 0], [1e-20, 3], [1e15, -1])],
        ),
        "length": (
            lambda v: math.hypot(*v),
            lambda v: v / math.hypot(*v),
            [np.array(v) for v in ([3.0, 4.0], [1e-6, 3e38], [1e157, -4e16], [1e300, 1e-300])],
        ),
        "sum of squares": (
            lambda v: float(v @ v),
            lambda v: 2 * v,
            [np.array(v) for v in ([1e-6, -2e-313, -8.7e9], [6e9, -1e-240, 0.0])],
        ),
        "variance": (
            np.var,
            lambda v: 2 * (v - v.mean()) / v.size,
            [np.array(v) for v in ([0.0, 0, 0], [1e-6, 1e3, 5.0], [-1e-300, 1.0, 1.0])],
        ),
        "exponentials": (
            lambda v: np.exp(v).sum(),
            np.exp,
            [np.array(v) for v in ([0.0, -30, 10], [-745.0, 1.0, 700.0])],
        ),
    }
    return [(name, f, slope, x) for name, (f, slope, points) in cases.items() for x in points]


def test_right_ones_of_numpy():
    said = [(name, x, check_gradient(f, (x,), derivative=slope)) for name, f, slope, x in from_numpy()]
    assert len(said) >= 40
    assert [f"{name} at {x!r}: {report}" for name, x, report in said if not report] == []


EVERYWHERE = {
    "sine": (math.sin, math.cos, 1e13),
    "tanh": (math.tanh, lambda x: 1 / math.cosh(x) ** 2 if abs(x) < 300 else 0.0, 1e308),
    "arc tangent": (math.atan, lambda x: 1 / (1 + x * x), 1e308),
    "identity": (lambda x: x * 1.0, lambda x: 1.0, 1e308),
    "third": (lambda x: x / 3, lambda x: 1 / 3, 1e308),
    "square": (lambda x: x * x, lambda x: 2 * x, 1e150),
    "bell": (lambda x: math.exp(-x * x), lambda x: -2 * x * math.exp(-x * x), 1e150),
    "root of the square": (lambda x: math.sqrt(x * x + 1), lambda x: x / math.sqrt(x * x + 1), 1e150),
    "log cosh": (lambda x: math.log(math.cosh(x)), math.tanh, 600.0),
    "softplus": (
        lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
        lambda x: 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x)),
        1e308,
    ),
    "absolute value": (abs, lambda x: math.copysign(1.0, x) if x else 0.0, 1e308),
    "tiny factor": (lambda x: x * 1e-200, lambda x: 1e-200, 1e308),
}
SPECIAL = [
    0.0,
    5e-324,
    2.2e-308,
    2.3e-308,
    1e-300,
    1e-160,
    1e-30,
    1e-8,
    0.5,
    1.0,
    3.0,
    20.0,
    1e5,
    1e15,
    1e100,
    1e150,
    1e300,
    1.7976931348623157e308,
]


@pytest.mark.parametrize("name", EVERYWHERE)
@pytest.mark.parametrize("sign", [1, -1])
def test_right_ones_from_subnormal_to_huge(name, sign):
    f, slope, largest = EVERYWHERE[name]
    for x in SPECIAL:
        if x <= largest:
            report = check_gradient(foreign(f), (sign * x,), derivative=slope)
            assert report.faultless, f"{sign * x!r}: {report}"


@pytest.mark.parametrize("x", [5e-324, 1e-308, 1e308, -1.7e308])
@pytest.mark.parametrize("f", [math.sin, math.atan, lambda x: x / 2, lambda x: 1.0])
def test_what_is_at_the_ends_of_doubles_is_no_crash(x, f):
    for given in (0.0, 1.0, 1e308, 5e-324, math.inf, math.nan):
        assert check_gradient(foreign(f), (x,), derivative=lambda x, given=given: given).verdict in set(Verdict)


def test_underflow_within_is_no_fault():
    f, slope = lambda x: (x * 1e-200) * (x * 1e-200) * 1e300, lambda x: 2e-100 * x
    for x in (0.5, -3.0, 1e150):
        assert check_gradient(f, (x,), derivative=slope)
    """The root of x^2 is 0 near 0, as x^2 is in doubles: what it does further out is a kink."""
    report = check_gradient(foreign(lambda x: math.sqrt(x * x)), (1e-170,), derivative=lambda x: 1.0)
    assert (report.verdict, report.fair) == ("KINK", True)
    assert not check_gradient(foreign(lambda x: math.sqrt(x * x)), (1e-170,), derivative=lambda x: 1.5).faultless


def test_a_sine_of_a_number_whose_neighbours_are_periods_apart_is_not_judged():
    for x in (-2.6e16, 6e17, 1e300):
        assert check_gradient(math.sin, (x,), derivative=math.cos).verdict is Verdict.ILL_CONDITIONED


def test_a_floor_from_the_rounding_of_the_function():
    """A root by halving is right to 1e-60; that its slope to the other argument is not 0, but 1e-60, is rounding."""

    def root(a, b):
        low, high = -1.0, 1.0
        for _ in range(200):
            middle = (low + high) / 2
            if a * middle - b > 0:
                high = middle
            else:
                low = middle
        return (low + high) / 2 + 1e-60 * (a - 1)

    slope = lambda a, b: (-b / a**2, 1 / a)
    assert check_gradient(foreign(root), (1.0, 0.0), derivative=slope)
    assert check_gradient(foreign(root), (1.0, 0.0), derivative=slope, strict=True).verdict is Verdict.WRONG
    assert check_gradient(foreign(root), (1.0, 0.0), derivative=lambda a, b: (1e-9, 1 / a)).verdict is Verdict.WRONG


def test_results_that_differ_a_little_from_call_to_call():
    rng = random.Random(0)
    noisy = foreign(lambda x: math.exp(x) + 1e-9 * rng.random())
    with pytest.raises(FunctionError, match="nondet_tol"):
        check_gradient(noisy, (1.0,), derivative=math.exp)
    assert check_gradient(noisy, (1.0,), derivative=math.exp, nondet_tol=1e-8)
    assert check_gradient(noisy, (1.0,), derivative=lambda x: -math.exp(x), nondet_tol=1e-8).verdict is Verdict.WRONG


def test_tolerances():
    f = foreign(math.sin)
    assert check_gradient(f, (1.0,), derivative=lambda x: 1.001 * math.cos(x)).verdict is Verdict.WRONG
    assert check_gradient(f, (1.0,), derivative=lambda x: 1.001 * math.cos(x), rtol=2e-3)
    assert check_gradient(f, (1.0,), derivative=lambda x: 1e-3 + math.cos(x), atol=2e-3)


def test_the_smallest_fault_among_many_inputs_is_said():
    point = [math.sin(k) for k in range(2000)]
    f = foreign(lambda v: math.fsum(x * x for x in v))
    report = check_gradient(f, (point,), derivative=lambda v: [2 * x for x in v])
    assert report
    assert 0 < report.resolution < 1e-6
    seen = check_gradient(
        f, (point,), derivative=lambda v: [2 * x + 20 * report.resolution * (j == 7) for j, x in enumerate(v)]
    )
    assert seen.verdict is Verdict.WRONG
    assert seen.worst.where == "args[0][7]"


# --- functions that cannot be judged --------------------------------------------------------------


def counting():
    calls = []

    def f(x):
        calls.append(x)
        return x * (1 + sum(c != 1.0 for c in calls))

    return f


def emptied(p):
    p.clear()
    return 1.0


BAD = {
    "random": (lambda x: x * random.random(), "random"),
    "state": (counting(), "depends on state"),
    "no number": (lambda x: "x", "no number"),
    "raises": (lambda x: math.log(-1), "raises"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_functions_are_told_apart(name):
    f, fault = BAD[name]
    with pytest.raises(FunctionError) as caught:
        check_gradient(foreign(f), (1.0,), derivative=lambda x: 1.0)
    assert caught.value.fault == fault


def test_a_function_that_changes_its_input():
    with pytest.raises(FunctionError) as caught:
        check_gradient(foreign(emptied), ([1.0],), derivative=[1.0])
    assert caught.value.fault == "changes its input"
    np = pytest.importorskip("numpy")

    def scaled(a):
        a *= 2
        return float(a.sum())

    with pytest.raises(FunctionError, match=r"args\[0\]\[0\]"):
        check_gradient(scaled, (np.ones(2, "float32"),), derivative=lambda a: np.ones(2))


def test_second_orders_are_asked_of_the_gradient():
    with pytest.raises(FunctionError, match="its gradient function"):
        check_gradient(math.sin, (1.0,), derivative=math.cos, order=2)
    assert check_gradient(math.cos, (1.0,), derivative=lambda x: -math.sin(x))


# --- the numerics ---------------------------------------------------------------------------------


def test_extrapolation():
    steps = [4.0**-k for k in range(6)]
    value, error = extrapolated(steps, [2 + 3 * t**2 + t**4 for t in steps], [0.0] * 6, (2, 4))
    assert value == pytest.approx(2, abs=1e-14)
    assert abs(value - 2) <= error + 1e-15


@pytest.mark.parametrize("x", [0.1, 1.0, 30.0])
def test_the_error_estimate_holds(x):
    [slope] = slopes(lambda t: [math.exp(math.sin(x + t))], x, 2.0**-53)
    exact = math.exp(math.sin(x)) * math.cos(x)
    assert abs(slope.value - exact) <= 16 * slope.error
    assert slope.error < 1e-8


def test_remainder_order():
    [slope] = slopes(lambda t: [math.exp(t)], 0.0, 2.0**-53)
    assert remainder_order(1.0, slope, 1.0) == pytest.approx(2, abs=0.1)
    assert remainder_order(1.0, slope, 1.1) == pytest.approx(1, abs=0.1)
    [line] = slopes(lambda t: [3 * t], 0.0, 2.0**-53)
    assert remainder_order(0.0, line, 3.0) == math.inf
    assert sys.float_info.max > line.scale == 3.0


# --- what maintainers' functions do at inputs that Hypothesis draws ---------------------------------


def weighted_ranks(x):
    return sum(w * y for w, y in zip([0.1, -0.4, 0.3, 0.9, 2.0], sorted(x), strict=True))


def rank_weights(x):
    order = sorted(range(5), key=x.__getitem__)
    return [[0.1, -0.4, 0.3, 0.9, 2.0][order.index(j)] for j in range(5)]


TIES = {
    "median of equal numbers": (lambda x: sorted(x)[2], lambda x: [0.0, 0.0, 1.0, 0.0, 0.0], [0.0] * 5),
    "the second of huge ones beside tiny": (
        lambda x: sorted(x)[1],
        lambda x: [0.0, 0.0, 0.0, 1.0, 0.0],
        [8.6e-215, 76.0, -7e16, -7e16, -7e16],
    ),
    "the second of zeros beside tiny": (
        lambda x: sorted(x)[1],
        lambda x: [0.0, 1.0, 0.0, 0.0, 0.0],
        [-7.3e-81, 0.0, 0.0, 0.0, 0.0],
    ),
    "the second of zeros beside huge": (
        lambda x: sorted(x)[1],
        lambda x: [0.0, 0.0, 0.0, 1.0, 0.0],
        [0.0133, 0.0, 5.6e227, 0.0, 0.0],
    ),
    "the second of the largest there are": (
        lambda x: sorted(x)[1],
        lambda x: [0.0, 1.0, 0.0, 0.0, 0.0],
        [sys.float_info.max] * 4 + [0.0],
    ),
    "median of three equal ones": (lambda x: sorted(x)[2], lambda x: [0.0, 1.0, 0.0, 0.0, 0.0], [-7e5, 3.0, 3.0, 3.0, 8.0]),
    "weighted ranks": (weighted_ranks, rank_weights, [0.0] * 5),
    "weighted ranks of tiny numbers": (weighted_ranks, rank_weights, [-1.7e-28, 0.0, 0.0, 0.0, 0.0]),
    "weighted ranks of tiny numbers beside 1": (weighted_ranks, rank_weights, [-1e-17, 1e-300, -1e-250, 0.0, 1.0]),
    "weighted ranks of huge numbers": (weighted_ranks, rank_weights, [1e300, 1e300, -2.0, 1e300, 0.0]),
}


@pytest.mark.parametrize("name", TIES)
def test_a_piece_that_meets_the_tie_is_a_fair_choice(name):
    f, slope, x = TIES[name]
    report = check_gradient(f, (x,), derivative=slope)
    assert report.verdict is Verdict.KINK, str(report)
    assert report.fair
    wrong = check_gradient(f, (x,), derivative=lambda x: [3 * d - 0.7 for d in slope(x)])
    assert not wrong.faultless


def transported(x, y):
    return sum(abs(a - b) for a, b in zip(sorted(x), sorted(y), strict=True))


def transported_slopes(x, y):
    i, j = (sorted(range(4), key=z.__getitem__) for z in (x, y))
    dx, dy = [0.0] * 4, [0.0] * 4
    for a, b in zip(i, j, strict=True):
        dx[a] = float((x[a] > y[b]) - (x[a] < y[b]))
        dy[b] = -dx[a]
    return dx, dy


@pytest.mark.parametrize(
    "at",
    [
        ([-4e5, 2.5e-304, 1e-61, 1.4e-98], [3e5, -9e5, 7e5, -2e-311]),
        ([2e-231, -2.5e5, -2.5e5, -2.5e5], [2e-231] * 4),
        ([1.0, 1.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_two_arguments_may_tie(at):
    report = check_gradient(transported, at, derivative=transported_slopes)
    assert report.verdict is Verdict.KINK, str(report)
    assert report.fair
    for times in (-1.0, 1.5, 0.5):
        off = check_gradient(
            transported, at, derivative=lambda x, y, t=times: [[t * d - 1.1 for d in z] for z in transported_slopes(x, y)]
        )
        assert not off.faultless


def harmonic_mean(y):
    """Of the two rises, as in a monotone spline; 0 where they have different signs."""
    a, b = y[1] - y[0], y[2] - y[1]
    return 20.0 + (2 * a * b / (a + b) if a * b > 0 else 0.0)


def harmonic_slopes(y):
    a, b = y[1] - y[0], y[2] - y[1]
    first, second = (2 * (b / (a + b)) ** 2, 2 * (a / (a + b)) ** 2) if a * b > 0 else (0.0, 0.0)
    return [-first, first - second, second]


@pytest.mark.parametrize("y", [[-1.9e-41, 8.7e-180, 1.4e-98], [3e-200, 0.0, -1e-30], [0.0, 1e-17, 1e-5]])
def test_at_a_tie_distances_may_differ_much(y):
    """A harmonic mean has the slope 2 to the smaller number and 0 to the other one, if that is far larger."""
    report = check_gradient(harmonic_mean, (y,), derivative=harmonic_slopes)
    assert report.faultless, str(report)
    for times in (-1.0, 1.5, 2.0):
        wrong = check_gradient(harmonic_mean, (y,), derivative=lambda y, t=times: [t * d for d in harmonic_slopes(y)])
        assert not wrong.faultless, times


def from_segment(p, a, b):
    """The distance of a point from the segment between a and b."""
    (x, y), (u, v) = (p[0] - a[0], p[1] - a[1]), (b[0] - a[0], b[1] - a[1])
    square = u * u + v * v
    t = min(max((x * u + y * v) / square, 0.0), 1.0) if square else 0.0
    if 0 < t < 1:
        return abs(u * y - v * x) / math.hypot(u, v)
    return math.hypot(x, y) if t == 0 else math.hypot(p[0] - b[0], p[1] - b[1])


@pytest.mark.parametrize("height", [2.0481651520571457e-08, -1e-7, 3e-6])
def test_a_slope_beside_a_tie_may_be_too_small_to_be_seen_where_others_are_far_larger(height):
    """A segment without a length: the slope to the height of its end is 1e-9, and of both signs a little way off."""
    p, zero = [-34.0, height], [0.0, 0.0]
    r = math.hypot(*p)
    slopes = [[p[0] / r, p[1] / r], [-p[0] / r, -p[1] / r], [0.0, 0.0]]
    report = check_gradient(from_segment, (p, zero, zero), derivative=slopes)
    assert report.faultless, str(report)
    wrong = check_gradient(from_segment, (p, zero, zero), derivative=[[1.5 * d for d in part] for part in slopes])
    assert not wrong.faultless


def test_beside_a_kink_of_tiny_numbers_no_side_is_infinite():
    trimmed = lambda x: sum(sorted(x)[1:-1]) / 4
    x = [1.0, 1e-20, -1e-20, 2e-20, 1e-20, 0.0]
    report = check_gradient(trimmed, (x,), derivative=[0.0, 0.25, 0.0, 0.25, 0.25, 0.25])
    assert report.verdict is Verdict.KINK
    assert report.fair
    assert max(map(abs, report.interval)) < 0.26
    assert not check_gradient(trimmed, (x,), derivative=[0.0, 0.25, 0.0, 0.25, 0.25, 100.0]).faultless


@pytest.mark.parametrize(
    "x",
    [
        [0.0, 0.0, 0.0, 1.3e-222, 0.0, -4e-212],
        [0.0, 0.0, 0.0, 1.3e-222, 0.0, 0.0],
        [0.0, 0.0, 0.0, 1.3e-100, 1e-80, 1.0],
    ],
)
def test_what_inputs_too_tiny_to_see_do_is_no_jump(x):
    """Where 0 moves by the smallest step there is, it passes them: by as much as they are, the result changes at once."""
    trimmed = lambda x: sum(sorted(x)[1:-1]) / 4
    inside = sorted(range(6), key=x.__getitem__)[1:-1]
    slopes = [0.25 * (j in inside) for j in range(6)]
    report = check_gradient(trimmed, (x,), derivative=slopes)
    assert report.verdict is Verdict.KINK, str(report)
    assert report.fair
    assert not check_gradient(trimmed, (x,), derivative=[d + 0.5 for d in slopes]).faultless
    steps = lambda x: sum(y > 0 for y in x) / 4 + sum(x)
    assert check_gradient(steps, (x,), derivative=[1.0] * 6).verdict is Verdict.DISCONTINUOUS


def on_a_grid(v):
    """Between values at 0, 1 and 2, whose differences are long numbers."""
    values, i = [20.3, 12.3, -19.7], min(max(int(v), 0), 1)
    return (1 - (v - i)) * values[i] + (v - i) * values[i + 1]


@pytest.mark.parametrize("at", [1.0, math.nextafter(1.0, 0.0), math.nextafter(1.0, 2.0)])
@pytest.mark.parametrize("share", [0.1, 1 / 3, 0.7])
def test_a_kink_is_one_where_rounding_hides_it_at_the_last_step(at, share):
    f = lambda v: share * on_a_grid(v)
    for slope in (-8.0, -32.0, -20.0):
        assert check_gradient(f, (at,), derivative=share * slope).faultless
    for slope in (-7.9, -32.1, 0.0):
        assert not check_gradient(f, (at,), derivative=share * slope).faultless


@pytest.mark.parametrize("x", [68719476737.0, 1e7, 3e11])
def test_a_wave_far_out_is_seen_below_its_length(x):
    wrapped = foreign(lambda x: math.sin(math.fmod(x, 2 * math.pi)))
    assert check_gradient(wrapped, (x,), derivative=math.cos(math.fmod(x, 2 * math.pi)))
    assert not check_gradient(wrapped, (x,), derivative=-math.cos(math.fmod(x, 2 * math.pi))).faultless


@pytest.mark.parametrize("x", [2.6e-42, -2.5e-175, 1e-12, 1e-300, 0.3])
@pytest.mark.parametrize("power", [1 / 3, 0.5, 0.1])
def test_beside_a_vertical_tangent(x, power):
    root = lambda x: math.copysign(abs(x) ** power, x)
    slope = power * abs(x) ** (power - 1)
    assert check_gradient(foreign(root), (x,), derivative=slope)
    for wrong in (-slope, slope * (1 + 1e-6), slope / 2, 1.0):
        assert not check_gradient(foreign(root), (x,), derivative=wrong).faultless


@pytest.mark.parametrize("x", [6.4e-16, 2.2e-16, 1e-16, 5e-324])
def test_a_kink_at_0_an_ulp_of_the_value_away(x):
    clamped = lambda x: 1.0 - 1.5 * max(x, 0.0)
    assert check_gradient(foreign(clamped), (x,), derivative=-1.5).faultless
    assert not check_gradient(foreign(clamped), (x,), derivative=1.5).faultless


def test_beside_the_end_of_a_logarithm_a_side_is_infinite():
    entropy = lambda p: p * math.log(p) if p > 0 else 0.0
    assert check_gradient(foreign(entropy), (5e-324,), derivative=lambda p: math.log(p) + 1).faultless
    assert not check_gradient(foreign(entropy), (5e-324,), derivative=lambda p: -math.log(p) - 1).faultless


@pytest.mark.parametrize("x", [1e-5, -1.165e-7, 3e-8, 1e-9, -1e-300])
def test_a_plateau_beside_a_tiny_operand_is_rounding(x):
    """hypot(1, x) - 1 stands still in steps of 2.2e-16: at 1e-7 it does so over a tenth of x."""
    rounded = lambda x: math.hypot(1.0, x) - 1.0
    assert check_gradient(foreign(rounded), (x,), derivative=x / math.hypot(1.0, x))
    assert not check_gradient(foreign(rounded), (x,), derivative=x / math.hypot(1.0, x) + 1e-6).faultless


def single_gelu(x):
    return np.sum(np.float32(0.5) * x * (1 + np.tanh(np.float32(0.7978845608) * (x + np.float32(0.044715) * x**3))))


def single_gelu_slope(x):
    y = x.astype(float)
    t = np.tanh(0.7978845608 * (y + 0.044715 * y**3))
    return 0.5 * (1 + t) + 0.5 * y * (1 - t * t) * 0.7978845608 * (1 + 0.134145 * y * y)


@pytest.mark.parametrize("x", [-4.247559, -4.5, -3.9, -2.0, 0.0, 4.2])
def test_pieces_of_straight_lines_in_single_precision_are_rounding(x):
    x = np.array([x, x, -31.3], np.float32)
    assert check_gradient(single_gelu, (x,), derivative=single_gelu_slope)
    assert not check_gradient(single_gelu, (x,), derivative=lambda x: single_gelu_slope(x) + 0.05).faultless


@pytest.mark.parametrize("x", [-61.390434, -36.40044, 37.610207, 80.1])
def test_a_wave_in_single_precision_is_seen_below_its_length(x):
    sinc = lambda x: np.float32(np.sinc(np.float64(x)))
    slope = lambda x: (math.cos(math.pi * x) - np.sinc(np.float64(x))) / np.float64(x)
    assert check_gradient(sinc, (np.float32(x),), derivative=slope)
    assert check_gradient(sinc, (np.float32(x),), derivative=lambda x: -slope(x)).verdict is Verdict.WRONG


@pytest.mark.parametrize(("x", "kind"), [(-91.0, np.float32), (-88.0, np.float32), (-711.0, float), (-745.0, float)])
def test_a_derivative_may_underflow(x, kind):
    """Of exp(x), at results of which many libraries make 0."""
    assert check_gradient(np.exp, (kind(x),), derivative=lambda x: kind(0.0))
    assert check_gradient(np.exp, (kind(x),), derivative=np.exp)
    assert not check_gradient(np.exp, (kind(x),), derivative=lambda x: -kind(1e-3)).faultless
    assert not check_gradient(np.exp, (kind(x / 2),), derivative=lambda x: kind(0.0)).faultless


def test_a_term_that_the_complex_step_loses():
    """abs of a complex number is a length: what is inside has no derivative there, and is no witness against it."""
    f = lambda x, y: 0.25 * x + np.log1p(np.exp(-np.abs(0.1 * y))) * 1e-2 + 0 * y
    g = lambda x, y: (0.25, -np.sign(y) * 1e-3 / (1 + np.exp(np.abs(0.1 * y))))
    for at in ((837.8, 250.0), (837.8, -30.0), (1e6, 200.0)):
        assert check_gradient(f, at, derivative=g)
        assert not check_gradient(f, at, derivative=lambda x, y: (0.2500001, g(x, y)[1])).faultless


@pytest.mark.parametrize("at", [1.0, 0.3, 2.0, 1e5])
@pytest.mark.parametrize("claimed", [0.0, 1e-20, 1e-5, 1.0, -1e10])
def test_noise_confirms_nothing(at, claimed):
    report = check_gradient(foreign(lambda x: math.sin(1e17 * x)), (at,), derivative=claimed)
    assert not report.faultless, str(report)


def test_a_derivative_of_no_effect_is_confirmed_to_the_resolution_that_is_said():
    turned = lambda t, a: math.cos(t * a)
    report = check_gradient(foreign(turned), (0.267, 1.3e-11), derivative=lambda t, a: (-a * math.sin(t * a), -t * math.sin(t * a)))  # fmt: skip
    assert report
    assert report.resolution < 1e-12


def test_no_tie_excuses_a_smooth_entry():
    report = check_gradient(lambda x: max(x[0], x[1]) + x[2] ** 2, ([1.0, 1.0, 2.0],), derivative=[1.0, 0.0, 5.0])
    assert report.verdict is Verdict.WRONG
    assert report.worst.where == "args[0][2]"


def bisected(a, b):
    """The root of x**3 + a x = b."""
    low, high = -1.0 - abs(b), 1.0 + abs(b)
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return middle
        low, high = (middle, high) if middle**3 + a * middle < b else (low, middle)


@pytest.mark.parametrize("at", [(1.0, 0.0), (0.1, 0.0), (20.25, 4e-66), (45.6, -7.0)])
def test_a_root_by_bisection_has_its_implicit_derivative(at):
    """The recorded graph halves an interval: its derivative is that of the ends, not of the root."""

    def implicit(a, b):
        x = bisected(a, b)
        return -x / (3 * x * x + a), 1 / (3 * x * x + a)

    assert check_gradient(bisected, at, derivative=implicit)
    wrong = check_gradient(bisected, at, derivative=lambda a, b: (implicit(a, b)[0], -implicit(a, b)[1]))
    assert wrong.verdict is Verdict.WRONG


@pytest.mark.parametrize("x", [[153.3, -1e-300, 232.3], [700.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
def test_what_rounds_to_nothing_beside_the_result_is_no_fault(x):
    """p (1 - p) is 0 where p is 1, and 1e-35 in more digits."""

    def softmax(x):
        top = max(map(float, x))
        exps = [ag.exp(y - top) for y in x]
        return [e / ag.sum(exps) for e in exps]

    def jacobian(x):
        p = [float(q) for q in softmax(x)]
        return [[a * ((i == j) - b) for j, b in enumerate(p)] for i, a in enumerate(p)]

    assert check_gradient(lambda x: softmax([y * 1.0 for y in x]), (x,), derivative=jacobian).faultless
    off = check_gradient(softmax, (x,), derivative=lambda x: [[-d + 1e-3 for d in row] for row in jacobian(x)])
    assert off.verdict is Verdict.WRONG


def test_what_a_formula_cannot_tell_beside_a_large_term_is_not_confirmed():
    report = check_gradient(lambda x: 1e16 + ag.sin(x), (1.0,), derivative=lambda x: -math.cos(x))
    assert not report.faultless


def test_an_underflow_within_is_judged_by_values():
    """The squares are 0: the norm stands still near 0, and has its kink there as far as doubles tell."""
    report = check_gradient(
        lambda x, y: ag.sqrt((x - y) * (x - y)), (0.0, 1e-270), derivative=(0.0, 0.0)
    )
    assert report.faultless, str(report)


def test_functions_of_compiled_libraries_take_no_values():
    special = pytest.importorskip("scipy.special")
    assert check_gradient(special.ndtr, (0.5,), derivative=lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi))


def test_a_partial_with_constants_of_doubles_is_quick_and_right():
    @ag.primitive
    def normal(x):
        return 0.5 * ag.erfc(-x / math.sqrt(2.0))

    @normal.partials
    def _(x, z):
        return (ag.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi),)

    assert check_gradient(lambda x: normal(x) * x, (1.3,))
    assert check_gradient(normal, (34.9,)).faultless


def plain_loss(x):
    """Cross-entropy of the largest logit: it is 0 where the others are far below."""
    top = max(x)
    return top + math.log(math.fsum(math.exp(y - top) for y in x)) - x[1]


def test_what_stands_still_has_tiny_derivatives():
    x = [-259.2, 412.3, -199.2]

    def shares(x):
        exps = [math.exp(y - max(x)) for y in x]
        return [e / math.fsum(exps) - (j == 1) for j, e in enumerate(exps)]

    assert check_gradient(foreign(plain_loss), (x,), derivative=shares)
    assert check_gradient(foreign(lambda u, h: math.tanh(3.0 + u * h)), (5.0, 1e-148), derivative=lambda u, h: (
        h / math.cosh(3.0 + u * h) ** 2, u / math.cosh(3.0 + u * h) ** 2))  # fmt: skip
    assert not check_gradient(foreign(plain_loss), (x,), derivative=[0.0, 0.0, 1e-9])
    assert not check_gradient(foreign(math.exp), (-40.0,), derivative=-math.exp(-40.0))


def test_a_primitive_of_doubles_that_stands_still():
    @ag.primitive
    def normal(x):
        return 0.5 * math.erfc(-x / math.sqrt(2.0))

    @normal.partials
    def _(x, z):
        return (ag.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi),)

    assert check_gradient(lambda x, y: normal(x - y) * y, (-0.83, -37.02)).faultless
    assert not check_gradient(lambda x: normal(x) * 3.0, (0.5,), derivative=lambda x: 0.0).faultless


@pytest.mark.parametrize("middle", [2.1e-119, 1e-10, 0.001, 5.0])
def test_an_input_on_which_the_value_stands_still_to_the_last_digit(middle):
    """A median has noise beside large neighbours, but none along an input that is not in the middle."""
    x = np.array([278388.04354553553, -179623.9512570221, -979245.885046859, 9289.310917186318, middle])
    right, middle_of = np.eye(5)[4], lambda x: float(np.sort(x)[2])
    assert check_gradient(middle_of, (x,), derivative=lambda _: right).verdict is Verdict.RIGHT
    with pytest.raises(GradientError):
        assert_gradient(middle_of, (x,), derivative=lambda _: np.eye(5)[3])
    with pytest.raises(GradientError):
        assert_gradient(middle_of, (x,), derivative=lambda _: right + 1e-3 * np.eye(5)[2])


# --- what lies nearer than rounding tells ------------------------------------------------------------------------


def beside_kinks():
    """Functions, their derivatives, and points beside a knot or a vertical tangent that values cannot tell from it."""
    np = pytest.importorskip("numpy")
    f32 = np.float32
    heights = [0.0, 1.0, -1.0, 0.5, 2.0]
    table = lambda x: f32(np.interp(x, np.arange(5.0), np.array(heights)))
    slope = lambda x: f32(np.diff(heights)[min(int(x), 3)])
    for x in (1e-5, 0.99999, 1.0000012, 2 - 1e-6, 3 + 3e-6):
        yield table, (f32(x),), slope
    hinge = lambda x: f32(np.maximum(x, f32(0)) + f32(1))
    for x in (1e-7, -1e-7, 3e-6):
        yield hinge, (f32(x),), lambda x: f32(x > 0)
    entropy = lambda p: -np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0))
    for dtype in (np.float64, f32):
        yield entropy, (np.array([1e-45, 0.3], dtype),), lambda p: -np.log(p) - 1
    for x in (5e-324, 1e-322, 1e-315):
        yield lambda p: -p * math.log(p), (x,), lambda p: -math.log(p) - 1
        yield math.sqrt, (x,), lambda p: 0.5 / math.sqrt(p)


@pytest.mark.parametrize("case", range(16))
def test_a_number_between_the_slopes_beside_a_kink_is_fair(case):
    f, args, derivative = [*beside_kinks()][case]
    report = check_gradient(f, args, derivative=derivative)
    assert report.faultless, str(report)
    assert not check_gradient(f, args, derivative=-3 * derivative(*args) - 40).faultless


def test_right_is_right_to_a_digit():
    """Of a tiny operand a step of its own size tells little; what it tells is still confirmed."""
    np = pytest.importorskip("numpy")
    entropy = lambda p: -np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0))
    for x in (1e-45, 1e-100, 1e-300):
        args = (np.array([x, 0.3]),)
        report = check_gradient(entropy, args, derivative=lambda p: -np.log(p) - 1)
        assert report.faultless, str(report)
        assert report.resolution < -math.log(x)
        assert not check_gradient(entropy, args, derivative=lambda p: np.array([1, -1]) * (np.log(p) + 1)).faultless


def test_rounding_that_one_input_shows_is_there_for_the_others():
    """The sine of an angle beside pi: as far as two of three tiny movements go, it is that of pi as a double."""

    def course(p, q, d):
        return math.sin(math.atan2(*bearing(p, q, d)))

    def bearing(p, q, d):
        return math.sin(d) * math.cos(q), math.cos(p) * math.sin(q) - math.sin(p) * math.cos(q) * math.cos(d)

    def slopes(p, q, d):
        y, x = bearing(p, q, d)
        outer = math.cos(math.atan2(y, x)) / (x * x + y * y)
        dxp = -math.sin(p) * math.sin(q) - math.cos(p) * math.cos(q) * math.cos(d)
        dyq = -math.sin(d) * math.sin(q)
        dxq = math.cos(p) * math.cos(q) + math.sin(p) * math.sin(q) * math.cos(d)
        dyd, dxd = math.cos(d) * math.cos(q), math.sin(p) * math.cos(q) * math.sin(d)
        return -outer * y * dxp, outer * (x * dyq - y * dxq), outer * (x * dyd - y * dxd)

    assert check_gradient(foreign(course), (-0.5, -1.3999999999999997, 1e-20), derivative=slopes)
    for tiny in (-1.5710079702624165e-22, 1e-30, 3e-18):
        report = check_gradient(foreign(course), (0.20138424085637463, tiny, tiny), derivative=slopes)
        assert report, str(report)
        wrong = [d + 1e-6 for d in slopes(0.2, tiny, tiny)]
        assert not check_gradient(foreign(course), (0.2, tiny, tiny), derivative=wrong).faultless


@pytest.mark.parametrize(
    ("f", "slope", "points"),
    [
        (lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
         lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
         (-10.0, -10.4450208, -10.7, -11.0)),
        (lambda x: 0.5 * (1 + math.erf(x)), lambda x: math.exp(-x * x) / math.sqrt(math.pi), (-7.0, -6.5, -8.0)),
        (lambda x: 1 - math.tanh(x), lambda x: -1 / math.cosh(x) ** 2, (22.0, 23.4, 24.0, 40.0)),
        (lambda x: math.log(1 + math.exp(x)), lambda x: 1 / (1 + math.exp(-x)), (-43.0, -44.97, -46.3, -47.0)),
        (lambda x: math.exp(x) - 1, math.exp, (-40.0, -50.0)),
    ],
)  # fmt: skip
def test_what_is_lost_beside_1_is_rounding(f, slope, points):
    """Where 1 + erf(x) is 0 the function stands still, and its derivative is small, but not nothing."""
    for x in points:
        report = check_gradient(f, (x,), derivative=slope)
        assert report.faultless, str(report)
        assert not check_gradient(f, (x,), derivative=lambda x: slope(x) + 0.01).faultless


def test_a_curve_that_leaves_its_tangent_takes_few_calls():
    """What lies within rounding of a tangent ends where the curve has left it by that; no more halvings tell more."""
    calls = []

    def f(x):
        calls.append(x)
        return math.log(math.exp(x) + 2.0)

    assert check_gradient(f, (0.3,), derivative=lambda x: 1 / (1 + 2 * math.exp(-x)))
    assert len(calls) < 100


BESIDE_TINY = {
    "angle": (lambda x, y: math.atan2(y, x), lambda x, y: (-y / math.hypot(x, y) ** 2, x / math.hypot(x, y) ** 2)),
    "sine of the angle": (
        lambda x, y: y / math.hypot(x, y),
        lambda x, y: (-x * y / math.hypot(x, y) ** 3, (x / math.hypot(x, y)) ** 2 / math.hypot(x, y)),
    ),
    "length": (lambda x, y: math.hypot(x, y), lambda x, y: (x / math.hypot(x, y), y / math.hypot(x, y))),
    "quotient": (lambda x, y: (x - y) / (x + y), lambda x, y: (2 * y / (x + y) ** 2, -2 * x / (x + y) ** 2)),
}


@pytest.mark.parametrize("name", BESIDE_TINY)
@pytest.mark.parametrize("x", [1e-10, 1e-16, 1e-18, 1e-50, 1e-100])
def test_what_is_smooth_beside_a_tiny_input_is_no_jump_at_zero(name, x):
    f, slope = BESIDE_TINY[name]
    assert check_gradient(foreign(f), (x, 0.0), derivative=slope).faultless
    twice = check_gradient(foreign(f), (x, 0.0), derivative=lambda x, y: [2 * d for d in slope(x, y)])
    assert twice.verdict is Verdict.WRONG


@pytest.mark.parametrize("f", [lambda x, y: math.copysign(1.0, y) + x, lambda x, y: float(y > 0) + x])
@pytest.mark.parametrize("x", [1e-10, 1e-18, 1e-100])
def test_a_jump_beside_a_tiny_input_is_one(f, x):
    report = check_gradient(foreign(f), (x, 0.0), derivative=lambda x, y: (1.0, 0.0))
    assert report.verdict is Verdict.DISCONTINUOUS


@pytest.mark.parametrize("x", [1e-10, 1e-18, 1e-100])
def test_a_kink_beside_a_tiny_input_is_one(x):
    f = foreign(lambda x, y: abs(y) + x)
    assert check_gradient(f, (x, 0.0), derivative=lambda x, y: (1.0, 0.5)).verdict is Verdict.KINK
    rounded = foreign(lambda x, y: max(y + 1.0, 1.0) - 1.0 + x)
    assert check_gradient(rounded, (x, 0.0), derivative=lambda x, y: (1.0, 1.0)).verdict is Verdict.KINK


@pytest.mark.parametrize("count", [3, 12, 48])
@pytest.mark.parametrize("name", ["sine", "rest", "tangent", "largest"])
@pytest.mark.parametrize("times", [1.0, 2.0])
def test_functions_that_differences_cannot_read_are_called_a_bounded_number_of_times(count, name, times):
    f, slope = {
        "sine": (lambda x: 1000 * math.sin(1e13 * x), lambda x: 1e16 * math.cos(1e13 * x)),
        "rest": (lambda x: 1e3 * (1e3 * x % 1.0), lambda x: 1e6),
        "tangent": (lambda x: math.tan(1e15 * x), lambda x: 1e15 / math.cos(1e15 * x) ** 2),
        "largest": (lambda x: max(x, 0.5), lambda x: float(x >= 0.5)),
    }[name]
    calls = []

    def total(xs):
        calls.append(1)
        return sum(f(x) for x in map(float, xs))

    point = [0.5 if k % 2 else math.sin(k) for k in range(count)]
    check_gradient(total, (np.array(point),), derivative=lambda xs: np.array([times * slope(float(x)) for x in xs]))
    assert len(calls) <= 700 * (count + 2)


@pytest.mark.parametrize("c", [(0.0, 80.6, 100.0, 0.0), (0.0, 80.6, 80.6, 0.0), (0.0, 60.0, 70.0, 0.0)])
@pytest.mark.parametrize("wrong", [0.0, 0.1, 1.0])
def test_a_jump_below_the_rounding_of_what_the_function_is_elsewhere_is_none(c, wrong):
    def step(c, e):
        z = -np.reshape(np.array([float(x) for x in c]), (2, 2)) / 0.5
        z = z - np.logaddexp.reduce(z, 1, keepdims=True)
        return float(np.logaddexp.reduce(z, 0).sum()) + float(e) ** 2

    def slope(c, e):
        z = -np.reshape(c, (2, 2)) / 0.5
        rows = np.exp(z - np.logaddexp.reduce(z, 1, keepdims=True))
        columns = rows / rows.sum(0)
        return (-2 * (columns - rows * columns.sum(1, keepdims=True))).ravel() + np.array([0, wrong, 0, 0]), 2 * e

    report = check_gradient(step, (np.array(c), 0.0), derivative=slope)
    assert report.faultless == (not wrong)
