"""Verdicts on functions of our operations: right programs are right, planted faults are found and named."""

import math
import sys
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings

import autograd_core as ag
from autograd_core._src.engine import ops, recording, value
from autograd_core._src.transforms import recorded
from autograd_core.testing import FunctionError, Verdict, check_gradient

sys.path.insert(0, str(Path(__file__).parents[1]))

from strategies import programs, value_of

# --- right programs -------------------------------------------------------------------------------


@given(programs())
def test_random_programs_are_right(program):
    report = check_gradient(lambda *xs: value_of(program)(list(xs)), program.point)
    # One program in ten thousand has a derivative in which eight digits and more cancel.
    assert report or (report.verdict is Verdict.ILL_CONDITIONED and report.condition > 1e10), str(report)


@settings(max_examples=15)
@given(programs(max_steps=5, smooth=True))
def test_random_programs_are_right_to_second_order(program):
    report = check_gradient(lambda *xs: value_of(program)(list(xs)), program.point, order=2)
    assert report, str(report)


class Point(NamedTuple):
    x: float
    y: float


def deep(x):
    for _ in range(600):  # deeper than Python's frames
        x = ag.sin(x) * 1.01
    return x


def logistic_map(x):
    for _ in range(30):
        x = 3.9 * x * (1 - x)
    return x


def softmax_loss(x):
    return -ag.log_softmax(x)[1]


RIGHT = {
    "square": (lambda x: x * x, (3.0,)),
    "near a kink": (lambda x: ag.relu(x - 1), (1 + 2**-52,)),
    "a kink on the other side": (lambda x: ag.relu(x), (-5e-324,)),
    "near a pole": (lambda x: 1 / (x - 1), (1 + 2**-52,)),
    "tan near its pole": (ag.tan, (math.pi / 2,)),
    "log near 0": (ag.log, (1e-300,)),
    "far out": (ag.tanh, (300.0,)),
    "sine of a huge number": (ag.sin, (1e22,)),
    "huge scale": (lambda x: x * 1e300, (1e-200,)),
    "tiny scale": (lambda x: x * 1e-300, (1e200,)),
    "subnormal gradient": (lambda x: ag.exp(x), (-740.0,)),
    "subnormal product": (lambda x: x * 3e-320 * 0.1, (2.0,)),
    "flat": (ag.sigmoid, (700.0,)),
    "a dead unit": (lambda x: ag.relu(-x) * 3, (2.0,)),
    "constant": (lambda x: 3.0, (2.0,)),
    "of a constant node": (lambda x: x * 0 + 3.0, (2.0,)),
    "cancelling values": (lambda x: 1e60 + x - 1e60, (1.0,)),
    "cancelling paths": (lambda x: ag.sin(x) ** 2 + ag.cos(x) ** 2, (0.7,)),
    "x - x": (lambda x: x - x, (0.3,)),
    "polynomial at a multiple root": (lambda x: (x - 1) ** 7, (1.0,)),
    "expanded polynomial": (lambda x: x**3 - 3 * x**2 + 3 * x - 1, (1.01,)),
    "deep chain": (deep, (0.5,)),
    "tie whose sides agree": (lambda x: ag.maximum(x, x), (1.0,)),
    "tie under if": (lambda x: x if x > 0 else 1 * x, (0.0,)),
    "comparison that is tied and unused": (lambda x: ag.where(x > 0, x, x), (0.0,)),
    "kink under a zero": (lambda x: 0 * ag.relu(x) + x, (0.0,)),
    "smooth square of a kink": (lambda x: ag.relu(x) ** 2, (0.0,)),
    "a kink that is flat on both sides": (lambda x: ag.gaussian(ag.relu(x)), (0.0,)),
    "a mean of constants that cancel": (
        lambda x: ag.log2(ag.mean([-0.9997187748266031, x, -1.000683081985466, 2.0])),
        (0.0009155309190296301,),
    ),
    "a power just above 1 at 0": (lambda x: x**1.0005, (0.0,)),
    "a power just above 1 of a kink": (lambda x: abs(x) ** 1.0005, (0.0,)),
    "a tiny power": (lambda x: x**6.569404614629102e-282, (2.0,)),
    "a value that is mostly rounding": (lambda x: ag.log(ag.exp2(ag.gaussian(x))), (3.0,)),
    "a branch near by": (lambda x: x if x < 1 + 1e-7 else 2 * x - (1 + 1e-7), (1.0,)),
    "a derivative of 0 that cancels": (lambda x: ag.sin(ag.acos(x)), (0.0,)),
    "chaos": (logistic_map, (0.3,)),
    "guarded": (lambda x: ag.where(x > 0, ag.sqrt(ag.maximum(x, 0)), x), (4.0,)),
    "strict zero": (lambda x: 0 * ag.sqrt(x), (0.0,)),
    "whole power of a negative": (lambda x: x**3, (-7.0,)),
    "logsumexp far apart": (lambda x: ag.logsumexp([x, 1000.0, -1000.0 * x]), (999.0,)),
    "softmax": (softmax_loss, ([1.0, -2.0, 800.0],)),
    "product with a zero": (lambda v: ag.prod(v), ([0.0, 3.0, 2.0],)),
    "many operands": (lambda v: ag.dot(v, v) + ag.norm(v), ([0.1 * k for k in range(1, 80)],)),
    "sensitive to rounding": (lambda x: ag.sin(1e6 * x) * x, (1.1,)),
    "several that are": (lambda x: [ag.sin(1e6 * x), ag.cos(1e6 * x)], (1.1,)),
    "a tie at the end of a domain": (lambda x: ag.relu(x) * ag.sqrt(x), (0.0,)),
    "sensitive beside a kink": (lambda x: ag.relu(ag.sin(1e6 * x) + 2) * x, (1.1,)),
    "a branch that is not finite": (lambda x: ag.where(x > 5, ag.log(x - 1) * x, x), (1.0,)),
    "far beyond doubles on the way": (lambda x: 1 / ag.exp(ag.exp(x * 1e3)), (1.0,)),
    "named tuple": (lambda p: p.x * p.y, (Point(2.0, 3.0),)),
    "fraction": (lambda x: x**3 / 7, (Fraction(2, 3),)),
    "nested containers": (lambda p, q: p["w"][0] * q + p["b"][1], ({"w": [2.0], "b": (1.0, 5.0)}, 3.0)),
    "several results": (lambda v: {"a": v[0] * v[1], "b": [ag.exp(v[0])]}, ([1.0, 2.0],)),
    "many results": (lambda v: [x * v[0] for x in v], ([0.5 + k for k in range(20)],)),
    "result is the input": (lambda x: x, (2.0,)),
    "the same result twice": (lambda x: [x * x] * 2, (2.0,)),
    "a constant among results": (lambda x: [3.0, x], (2.0,)),
    "other arguments": (lambda x, how, n: x if how == "id" and n is None else x * x, (2.0, "id", None)),
    "abs power": (lambda x: ag.abs(x) ** 1.5, (0.0,)),
    "a Value as argument": (lambda x: x * x, (ag.Value(3.0),)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(name):
    f, args = RIGHT[name]
    report = check_gradient(f, args)
    assert report.verdict is Verdict.RIGHT, str(report)
    assert report.faulty_op == ""
    assert report.worst.error_ulps <= report.worst.allowed_ulps


def test_numpy_functions_of_values():
    np = pytest.importorskip("numpy")
    assert check_gradient(lambda a: np.sin(a).sum() * a[0, 1], (np.array([[1.0, 2.0], [3.0, 4.0]]),))
    assert check_gradient(lambda x: x * 2, (np.float64(2.0),))
    assert check_gradient(lambda a, n: a[0] ** int(n[0]), (np.array([2.0]), np.array(["3"])))
    with pytest.warns(UserWarning, match="was not differentiated, as it is an integer"):
        assert check_gradient(lambda a, b: a[0] * b, (np.array([2]), np.array(3.0)))


def test_the_graph_outside_keeps_its_gradients():
    w = ag.Value(2.0)
    (w * 3).backward()
    v = w * w
    report = check_gradient(lambda x: x * w + v, (5.0,))
    assert report
    assert (w.grad, v.grad, report.root.grad) == (3.0, 0.0, 1.0)


def test_one_mode_alone():
    assert check_gradient(ag.sin, (0.5,), modes=("forward",)).worst.side == "forward mode"
    assert check_gradient(ag.sin, (0.5,), modes=("reverse",)).worst.side in ("reverse mode", "backward()")


@pytest.mark.parametrize(("n", "x"), [(1, 1e9), (2, 1e3), (1, -1e9), (3, 9.0)])
def test_every_operation_of_a_tower_has_a_verdict(n, x):
    """Without end it would be a hang; with a fault, a false alarm."""
    for primitive in ops.PRIMITIVES.values():
        for sign in (1, -1):
            f = lambda x, primitive=primitive, sign=sign: recording.record(primitive, *[sign * tower(n, x)] * (primitive.arity or 2))
            report = check_gradient(f, (x,))
            assert report.verdict is not Verdict.WRONG, f"{primitive.name}, {sign}: {report}"


# --- orders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [2, 3, 4])
def test_orders(order):
    assert check_gradient(lambda x, y: ag.sin(x * y) + ag.exp(x), (0.5, 1.5), order=order)


NEAR_ZERO = {
    "sine": (ag.sin, 1e-150, lambda x: -x),
    "sine further": (ag.sin, 1e-200, lambda x: -x),
    "cube": (lambda x: x**3, 1e-150, lambda x: 6 * x),
    "fourth power": (lambda x: x**4, 1e-70, lambda x: 12 * x * x),
    "logarithm": (ag.log, 1e-140, lambda x: -1 / x / x),
    "reciprocal": (lambda x: 1 / x, 1e-80, lambda x: 2 / x / x / x),
    "product": (lambda x: ag.sin(x) * x, 5e-324, lambda x: 2.0),
}


@pytest.mark.parametrize("name", NEAR_ZERO)
def test_second_order_of_tiny_numbers(name):
    f, x, second = NEAR_ZERO[name]
    report = check_gradient(f, (x,), order=2)
    assert report, str(report)
    assert report.worst.expected == pytest.approx(second(x), rel=1e-14)


def test_a_second_derivative_that_is_lost_is_not_right():
    """exp(x) - 1 is the difference of two equal numbers."""
    report = check_gradient(lambda x: ag.exp(x) - x * x / 2, (1e-80,), order=2)
    assert (report.verdict, report.worst.expected) == ("ILL_CONDITIONED", pytest.approx(1e-80, rel=1e-9, abs=0))


def test_second_order_beside_what_only_the_first_has():
    report = check_gradient(lambda x: ag.relu(x) ** 2, (0.0,), order=2)
    assert report.verdict is Verdict.KINK
    assert report.interval == (0.0, 2.0)
    assert report.reason.startswith("at order 2: ")


def test_a_rule_that_branches_where_its_derivative_is_smooth():
    """The slope of softplus is computed by cases, x < 0 or not; both sides have the same second derivative."""
    report = check_gradient(ag.softplus, (0.0,), order=2)
    assert report
    assert report.worst.expected == 0.25


@pytest.mark.parametrize("function", [ag.softplus, ag.silu, ag.sigmoid, ag.tanh, ag.relu, ag.abs], ids=lambda f: f.__name__)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_an_argument_without_use_does_not_hinder_a_look_at_both_sides(function, order):
    report = check_gradient(lambda x, y: function(y), (0.25, 0.0), order=order)
    assert report.verdict is check_gradient(function, (0.0,), order=order).verdict


def test_an_order_is_not_looked_at_where_the_one_before_fails():
    report = check_gradient(ag.relu, (0.0,), order=2)
    assert report.verdict is Verdict.KINK
    assert not report.reason.startswith("at order")


def tower(n, x):
    for _ in range(n):
        x = ag.exp(x)
    return x


AT_ONCE = {
    "saturated": (lambda x: ag.tanh(ag.exp(x)), 1e9, "RIGHT"),
    "saturated by its own power": (lambda x: ag.sigmoid(x**x), 1e9, "RIGHT"),
    "beyond doubles": (lambda x: ag.silu(ag.cosh(x)), 5e16, "NOT_FINITE"),
    "below doubles": (lambda x: ag.exp(-ag.exp(-x)), -1e5, "RIGHT"),
    "further below": (lambda x: ag.exp(-ag.exp(ag.exp(-x))), -1e5, "RIGHT"),
    "a tower upside down": (lambda x: 1 / tower(4, x), 10.0, "RIGHT"),
    "a high tower upside down": (lambda x: 1 / tower(40, x), 10.0, "RIGHT"),
    "up and down again beyond doubles": (lambda x: 1 / ag.log(ag.log(tower(3, x))), 8.0, "NOT_FINITE"),
    "further up and down": (lambda x: 1 / ag.log(ag.log(ag.log(tower(5, x)))), 8.0, "NOT_FINITE"),
    "sine of a tower": (lambda x: ag.sin(tower(3, x)) * 0 + x, 8.0, "NOT_FINITE"),
    "powers of powers": (lambda x: 1 / ((x**x) ** x) ** x, 1e9, "RIGHT"),
    "a bell far out": (lambda x: ag.gaussian(ag.exp(x)) + ag.normal_cdf(ag.exp(x)), 1e9, "RIGHT"),
    "gelu and erf far out": (lambda x: ag.erf(ag.exp(x)) + ag.gelu(-ag.exp(x)), 1e9, "RIGHT"),
    "softmax of towers": (lambda x: ag.softmax([tower(3, x), x])[1], 9.0, "RIGHT"),
    "one's own power": (lambda x: ag.tanh(cube(lambda x, z: (3 * x**2,))(tower(2, x))), 1e3, "RIGHT"),
}


@pytest.mark.parametrize("name", AT_ONCE)
def test_towers_of_exponentials_have_a_verdict_at_once(name):
    f, x, verdict = AT_ONCE[name]
    report = check_gradient(f, (x,))
    assert report.verdict == verdict, str(report)


def test_second_order_of_many_inputs_and_results():
    assert check_gradient(lambda v: ag.sum([x**3 for x in v]) * v[0], ([0.1 * k for k in range(1, 20)],), order=2)
    assert check_gradient(lambda v: [v[0] * v[1], v[0] ** 2, 3.0], ([2.0, 3.0],), order=2)
    assert check_gradient(lambda x: 2 * x, (1.0,), order=2).worst.expected == 0
    assert check_gradient(lambda x: 3.0, (1.0,), order=2).reason.startswith("at order 2: 0.0 is the derivative")


# --- planted faults -------------------------------------------------------------------------------

SIN, EXP, TANH, MUL = (ops.PRIMITIVES[name].partials for name in ("sin", "exp", "tanh", "mul"))
FAULTS = {
    "wrong sign": ("cos", lambda m, x, z: (m.sin(x),), lambda f: lambda x: f(x) * x, (0.5,)),
    "missing factor": ("exp2", lambda m, x, z: (z,), lambda f: lambda x: ag.sin(f(x)), (0.5,)),
    "swapped partials": ("mul", lambda m, x, y, z: (x, y), lambda f: lambda x, y: ag.sin(x) * y + x, (0.5, 3.0)),
    "wrong at one side of a kink": (
        "relu",
        lambda m, x, z: (m.where(x <= 0, 0.5, 1),),
        lambda f: lambda x: f(x) * 3,
        (-1.0,),
    ),
    "right on the other": ("abs", lambda m, x, z: (m.where(x < 0, 1, 1),), lambda f: lambda x: f(x) + x, (-2.0,)),
    "wrong far out": (
        "tanh",
        lambda m, x, z: (m.where(m.abs(x) < 5, TANH(m, x, z)[0], 0),),
        lambda f: lambda x: 1e3 * f(x),
        (6.0,),
    ),
    "a tiny factor": ("exp", lambda m, x, z: (z * (1 + 1e-12),), lambda f: lambda x: f(ag.sin(x)) / x, (0.5,)),
    "one operand of many": (
        "norm",
        lambda m, *vz: tuple(x / vz[-1] * (1 + (i == 2)) for i, x in enumerate(vz[:-1])),
        lambda f: lambda v: f(*v) * v[0],
        ([1.0, 2.0, 3.0, 4.0],),
    ),
    "NaN": (
        "log1p",
        lambda m, x, z: (m.where(x < 1, 1 / (1 + x), m.number(math.nan)),),
        lambda f: lambda x: f(x),
        (2.0,),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_named(planted, name):
    op, partials, program, args = FAULTS[name]
    right = check_gradient(program(_function(op)), args)
    assert right, str(right)
    f = planted(op, partials)
    report = check_gradient(program(f), args)
    assert report.verdict is (Verdict.NOT_FINITE if name == "NaN" else Verdict.WRONG)
    assert report.faulty_op == op
    assert report.faulty_node.op == op
    assert op in report.reason
    assert report.worst.expected != report.worst.found
    picture = report.draw().svg
    assert ("faulty" if report.verdict is Verdict.WRONG else "not finite") in picture


def _function(op):
    return lambda *xs: recording.record(ops.PRIMITIVES[op], *xs)


def test_of_two_faults_the_larger_one_is_named(planted):
    sine = planted("sin", lambda m, x, z: (m.cos(x) * (1 + 1e-6),))
    exponential = planted("exp", lambda m, x, z: (z * 1.5,))
    for program in (lambda x: sine(exponential(x * 2)), lambda x: exponential(2 * sine(x))):
        report = check_gradient(program, (0.5,))
        assert (report.verdict, report.faulty_op) == ("WRONG", "exp")


def test_a_finite_partial_where_the_derivative_is_infinite(planted):
    f = planted("cbrt", lambda m, x, z: (m.where(m.equal(x, 0), 0, 1 / (3 * z * z)),))
    report = check_gradient(f, (0.0,))
    assert report.verdict is Verdict.NOT_FINITE
    assert report.worst.expected == math.inf
    assert report.worst.found == 0


def test_a_fault_elsewhere_is_no_matter(planted):
    f = planted("relu", lambda m, x, z: (m.where(x <= 0, 0.5, 1),))
    assert check_gradient(lambda x: f(x) * 3, (1.0,))  # the other side
    assert check_gradient(lambda x: 0 * f(x) + x, (-1.0,))  # no gradient gets there


def test_lost_digits_are_told_apart_from_wrong_ones(planted):
    f = planted("tanh", lambda m, x, z: (1 - z * z,))
    assert check_gradient(f, (0.5,))
    report = check_gradient(f, (15.0,))
    assert report.verdict is Verdict.ILL_CONDITIONED
    assert report.faulty_op == "tanh"
    assert report.condition > 1e6
    assert "loses digits" in report.reason


TEXTBOOK = {
    "by its value": lambda x, z: 1 - z * z,
    "of numbers alone": lambda x, z: 1 - math.tanh(x) ** 2,
}


@pytest.mark.parametrize("rule", TEXTBOOK)
@pytest.mark.parametrize("factor", [1.0, 1 + 1e-9])
def test_a_rule_may_lose_up_to_half_of_its_digits(rule, factor):
    """1 - tanh(5)**2 is off by 1500 ulp, and by 10**12 at 15: the one is right, the other ill-conditioned."""

    @ag.primitive
    def own(x):
        return ag.tanh(x)

    @own.partials
    def _(x, z):
        return (TEXTBOOK[rule](x, z) * factor,)

    found = {x: check_gradient(lambda x: 3 * own(x), (x,)) for x in (0.5, 5.0, 7.0, 15.0, 18.0)}
    wanted = ["RIGHT" if factor == 1 else "WRONG"] * 3 + ["ILL_CONDITIONED"] * 2
    assert [report.verdict.value for report in found.values()] == wanted, found
    assert {report.faulty_op for report in found.values() if not report} == {"own"}
    # tanh(15) is 1 but for a rounding: no more shows of what its derivative lost.
    assert [report.faultless for report in found.values()] == [factor == 1] * 3 + [True] * 2
    strict = check_gradient(lambda x: 3 * own(x), (15.0,), strict=True)
    assert (strict.verdict, strict.faulty_op, strict.faultless) == ("ILL_CONDITIONED", "own", False)
    # Where the entry does not need them, lost digits of a rule are no matter.
    assert factor != 1 or check_gradient(lambda x: own(x) + x, (15.0,))


def test_a_rule_of_numbers_may_be_off_by_the_rounding_of_its_exponent():
    @ag.primitive
    def bell(x):
        return ag.exp(-x * x / 2)

    @bell.partials
    def _(x, z):
        return (-x * math.exp(-x * x / 2),)

    for x in (0.0, 0.3, 7.3, 22.3, 31.7, 37.0, -31.7):
        report = check_gradient(bell, (x,))
        assert report, report


def grown_slopes(t, r):
    z = 1 / (1 + 9 * math.exp(-r * t))
    return r * z * (1 - z), t * z * (1 - z)


@pytest.mark.parametrize("at", [(9.120123007638863, 2.4148537944714663), (7.6, 1.77), (17.0, 1.11), (19.67, 0.648)])
@pytest.mark.parametrize("factor", [1.0, 1 + 1e-6])
def test_a_rule_of_numbers_may_lose_digits_beside_a_factor_that_moves(at, factor):
    """r z (1 - z): its first factor moves with every ulp, where the last one stands still."""

    @ag.primitive
    def grown(t, r):
        return 1 / (1 + 9 * ag.exp(-r * t))

    @grown.partials
    def _(t, r, z):
        return tuple(factor * d for d in grown_slopes(t, r))

    report = check_gradient(lambda t, r: grown(t, r) * t, at)
    assert report.verdict.value == ("RIGHT" if factor == 1 else "WRONG"), report
    assert factor == 1 or report.faulty_op == "grown"


SATURATED = [15.0, 20.0, 33.0, 35.5, 36.0, 36.5, 36.7, 37.0, 38.0, 40.0, 60.0, 100.0, 700.0, 1e9]


@pytest.mark.parametrize("program", ["own(x)", "own(x) * x", "3 * ag.log(own(x))", "own(x * own(x)) - 0.25"])
def test_a_textbook_sigmoid_of_numbers_passes_wherever_it_saturates(program):
    """z (1 - z) keeps two bits at 36, and none from 37 on; no more of the value is left to change."""

    @ag.primitive
    def own(x):
        return 1 / (1 + ag.exp(-x))

    @own.partials
    def _(x, z):
        z = 1 / (1 + math.exp(-x))
        return (z * (1 - z),)

    def f(x):
        return eval(program, {"ag": ag, "own": own, "x": x})

    reports = [check_gradient(f, (x,)) for x in SATURATED]
    assert all(report.faultless for report in reports), [str(r) for r in reports if not r.faultless]
    lost = [report for report in reports if not report]
    assert {report.faulty_op for report in lost} <= {"own"}
    assert program != "own(x)" or all("its own rounding" in report.reason for report in lost if lost)


@pytest.mark.parametrize(
    "rule",
    [
        lambda z, x: -z * (1 - z),
        lambda z, x: z * (1 - z) * (1 + 1e-6),
        lambda z, x: z * z * (1 - z),
        lambda z, x: 1 - z,
        lambda z, x: 1e-9 if x > 20 else z * (1 - z),  # a step that is no rounding
        lambda z, x: 0.0 if x > 18 else z * (1 - z),
    ],
)
def test_a_wrong_rule_is_not_taken_for_one_that_loses_digits(rule):
    @ag.primitive
    def own(x):
        return 1 / (1 + ag.exp(-x))

    @own.partials
    def _(x, z):
        return (rule(1 / (1 + math.exp(-x)), float(x)),)

    found = [check_gradient(own, (x,)) for x in (0.5, 5.0, 21.0)]
    assert "WRONG" in [report.verdict.value for report in found], found
    assert {report.faulty_op for report in found if report.verdict == "WRONG"} == {"own"}


def test_lost_digits_count_where_the_value_has_kept_them():
    """log(1 + exp(x)) at -36 has all of its digits, so its slope 1 - 1 / (1 + exp(x)) should have some."""

    @ag.primitive
    def own(x):
        return ag.softplus(x)

    @own.partials
    def _(x, z):
        return (1 - 1 / (1 + math.exp(x)),)

    report = check_gradient(own, (-36.0,))
    assert (report.verdict, report.faulty_op, report.faultless) == ("ILL_CONDITIONED", "own", False)


def test_of_lost_digits_the_rule_is_named_that_lost_them():
    """One rule loses a thousand roundings; where a sum that cancels loses more, that is none of its fault."""

    @ag.primitive
    def own(x):
        return ag.tanh(x)

    @own.partials
    def _(x, z):
        return (1 - z * z,)

    report = check_gradient(lambda x: own(5 * x) + ag.exp((1e12 + x) - 1e12), (1.1,))
    assert (report.verdict, report.faulty_op) == ("ILL_CONDITIONED", "")
    report = check_gradient(lambda x: own(5 * x) - own(5 * x * (1 + 1e-14)), (1.0,))
    assert (report.verdict, report.faulty_op) == ("ILL_CONDITIONED", "own")


@pytest.mark.parametrize("at", [(0.99999, 0.99999), (0.3, 0.999), (2.0, 0.5)])
def test_digits_that_rounding_of_operands_costs_are_no_fault_of_a_rule(at):
    """1 - r x loses digits next to r x = 1 in any formula; 1 - x, of a population that settles, has hardly any."""

    def settled(step):
        def program(x, r):
            for _ in range(12):
                x = step(x, r)
            return x

        return program

    @ag.primitive
    def grown(x, r):
        return x * ag.exp(r * (1 - x))

    @grown.partials
    def _(x, r, z):
        return (1 - r * x) * ag.exp(r * (1 - x)), x * (1 - x) * ag.exp(r * (1 - x))

    report = check_gradient(settled(grown), at)
    assert report.faultless, str(report)
    assert report.faulty_op == ""

    @ag.primitive
    def wrongly_grown(x, r):
        return x * ag.exp(r * (1 - x))

    @wrongly_grown.partials
    def _(x, r, z):
        return (1 - r * x) * ag.exp(r * (1 - x)), 1.5 * x * (1 - x) * ag.exp(r * (1 - x))

    report = check_gradient(settled(wrongly_grown), at)
    assert (report.verdict, report.faulty_op) == (Verdict.WRONG, "wrongly_grown")


@pytest.mark.parametrize("y", [-407.77353528668834, 0.1, 1e5 / 3])
def test_a_local_derivative_of_0_that_rounding_left_is_no_fault_of_the_sweep(y):
    """A cubic through four equal points is level; its slope is computed as what rounding leaves of their differences."""

    @ag.primitive
    def path(t, a, b, c, d):
        return 0.5 * (2 * b + t * (c - a) + t * t * (2 * a - 5 * b + 4 * c - d) + t**3 * (3 * b - a - 3 * c + d))

    @path.partials
    def _(t, a, b, c, d, z):
        u = 1 - t
        slope = 0.5 * (c - a) + t * (2 * a - 5 * b + 4 * c - d) + 1.5 * t * t * (3 * b - a - 3 * c + d)
        return slope, -0.5 * t * u * u, 0.5 * u * (2 + 2 * t - 3 * t * t), 0.5 * t * (1 + 4 * t - 3 * t * t), -0.5 * t * t * u

    report = check_gradient(lambda t: ag.hypot(path(t, y, y, y, y) - 1.0, t), (0.45600615038194314,))
    assert report.faultless, str(report)


def cube(partials, value=lambda x: x**3):
    @ag.primitive
    def cubed(x):
        return value(x)

    cubed.partials(partials)
    return cubed


def test_a_users_primitive():
    assert check_gradient(cube(lambda x, z: (3 * x**2,)), (1.2,), order=3)
    report = check_gradient(lambda x: ag.sin(cube(lambda x, z: (2 * x**2,))(x)), (1.2,))
    assert (report.verdict, report.faulty_op) == ("WRONG", "cubed")
    assert "2.88" in report.reason


def test_a_users_primitive_that_is_wrong_in_second_order_only():
    def detached(x, z):
        return (3 * x.data**2 if isinstance(x, ag.Value) else 3 * x**2,)

    f = cube(detached)
    assert check_gradient(lambda x: ag.exp(f(x)), (1.2,))
    report = check_gradient(lambda x: ag.exp(f(x)), (1.2,), order=2)
    assert (report.verdict, report.faulty_op) == ("WRONG", "cubed")
    assert report.faulty_node.op == "cubed"


def test_a_users_primitive_with_a_kink_that_nobody_declared():
    f = cube(lambda x, z: (ag.sign(x),), value=abs)
    report = check_gradient(f, (0.0,))
    assert (report.verdict, report.interval) == ("KINK", (-1.0, 1.0))
    assert check_gradient(f, (-1.0,))


@pytest.mark.parametrize("value", [lambda x: math.sin(x), lambda x: __import__("numpy").sin(x)], ids=["math", "numpy"])
def test_a_users_primitive_in_doubles(value):
    """Its value has 16 digits whatever it is given, so differences of doubles are the reference."""
    f = cube(lambda x, z: (ag.cos(x),), value=value)
    assert check_gradient(lambda x, y: f(x) * y, (1.2, 3.0))
    assert check_gradient(f, (1.2,), order=2)
    report = check_gradient(cube(lambda x, z: (-ag.cos(x),), value=value), (1.2,))
    assert (report.verdict, report.faulty_op) == ("WRONG", "cubed")
    wrong = cube(lambda x, z: (math.cos(float(x.data if isinstance(x, ag.Value) else x)),), value=value)
    assert check_gradient(wrong, (1.2,))
    assert not check_gradient(wrong, (1.2,), order=2)


def test_a_users_primitive_in_doubles_at_its_kink():
    f = cube(lambda x, z: (0.0,), value=lambda x: math.fabs(x))
    report = check_gradient(f, (0.0,))
    assert report.verdict is Verdict.KINK
    assert report.interval == (-1.0, 1.0)


@pytest.mark.parametrize("slope", [lambda x: ag.cos(x - 1), lambda x: math.cos(x - 1)], ids=["readable", "not"])
def test_a_users_primitive_in_doubles_on_one_side(slope):
    f = cube(lambda x, z: (1.0 if x >= 1 else slope(x),), value=lambda x: x if x >= 1 else math.sin(x - 1) + 1)
    assert check_gradient(f, (1.0,)).verdict is Verdict.RIGHT
    g = cube(lambda x, z: (math.cosh(x - 1),), value=lambda x: x if x >= 1 else math.sin(x - 1) + 1)
    assert check_gradient(g, (1.0,)).verdict is Verdict.RIGHT
    h = cube(lambda x, z: (2.0 * slope(x),), value=lambda x: x if x >= 1 else math.sin(x - 1) + 1)
    assert check_gradient(h, (1.0,)).verdict is Verdict.WRONG

    def fussy(x, z):
        if not isinstance(x, float):
            raise TypeError
        return (slope(x),)

    for f in (lambda x: ag.sin(x - 1), lambda x: x if x >= 1 else math.sin(x - 1) + 1):
        assert check_gradient(cube(fussy, value=f), (1.0,)).verdict is Verdict.RIGHT


def test_a_users_primitive_of_several_operands_in_doubles():
    @ag.primitive
    def power(x, n):
        return math.pow(x, n)

    @power.partials
    def _(x, n, z):
        return (n * z / x, z * ag.log(x))

    assert check_gradient(lambda x: power(x, 3.0), (2.0,))
    assert check_gradient(lambda x, n: power(x, n), (2.0, 3.0))


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError])
def test_a_users_primitive_that_raises_in_high_precision(error):
    def fussy(x):
        if not isinstance(x, (float, ag.Value)):
            raise error
        return x * 2

    assert check_gradient(cube(lambda x, z: (2.0,), value=fussy), (1.0,)).verdict is Verdict.RIGHT
    assert check_gradient(cube(lambda x, z: (3.0,), value=fussy), (1.0,)).verdict is Verdict.WRONG


def test_a_point_that_stands_alone():
    """To the exponent of a negative base there is no derivative: next to a whole one the power is no real number."""
    report = check_gradient(lambda x, n: x**n, (-2.0, 3.0))
    assert report.verdict is Verdict.NOT_FINITE
    assert report.worst.where == "args[1]"
    planted = cube(lambda x, z: (7.0,), value=lambda x: 0 * ag.sqrt(-abs(x - 1)))
    assert check_gradient(planted, (1.0,)).verdict is Verdict.NOT_FINITE


def test_a_users_rule_that_cannot_be_read_as_a_graph():
    f = cube(lambda x, z: (1.5,), value=lambda x: 2 * x)
    assert check_gradient(f, (1.0,)).verdict is Verdict.WRONG
    f = cube(lambda x, z: (float(getattr(x, "data", x)) * math.exp(2),), value=lambda x: x * x)
    report = check_gradient(f, (1.0,))
    assert (report.verdict, report.faulty_op) == ("WRONG", "cubed")


@pytest.mark.parametrize(
    "partials", [lambda x, z: (ag.cos(x) * math.inf,), lambda x, z: (1 / (x - x),)], ids=["inf", "pole"]
)
def test_an_infinite_partial_where_the_derivative_is_finite(partials):
    report = check_gradient(cube(partials, value=lambda x: ag.sin(x)), (1.2,))
    assert (report.verdict, report.faulty_op) == ("NOT_FINITE", "cubed")
    assert abs(report.worst.expected - math.cos(1.2)) < 1e-15


# --- deep programs --------------------------------------------------------------------------------


def verlet(n, force=lambda x: -x, dt=0.05):
    """A swing in n steps, of which the paths are many more than their sum tells."""

    def f(x0):
        a, b = x0, x0
        for _ in range(n):
            a, b = b, 2 * b - a + dt * dt * force(b)
        return b

    return f


def momentum(n):
    def f(rate):
        x, v = 1.0, 0.0
        for _ in range(n):
            v = 0.9 * v - rate * 2 * x
            x = x + v
        return x

    return f


def deep_logistic_map(n):
    def f(x):
        for _ in range(n):
            x = 3.9 * x * (1 - x)
        return x

    return f


@pytest.mark.parametrize("n", [10, 50, 250])
@pytest.mark.parametrize("slope", [1.0, -1.0 - 1e-9])
def test_a_fault_is_found_in_any_depth(n, slope):
    assert check_gradient(verlet(n, cube(lambda x, z: (-1.0,), value=lambda x: -x)), (1.0,))
    report = check_gradient(verlet(n, cube(lambda x, z: (slope,), value=lambda x: -x)), (1.0,))
    assert (report.verdict, report.faulty_op) == ("WRONG", "cubed"), str(report)


def test_faults_that_cancel_each_other_are_found():
    once = cube(lambda x, z: (-2.0,), value=lambda x: 2 * x)
    report = check_gradient(lambda x: once(once(x)), (1.0,))
    assert (report.verdict, report.faulty_op) == ("WRONG", "cubed")
    assert report.worst.found == report.worst.expected == 4.0


@pytest.mark.parametrize("given", [42.0, 0.0, -1.0])
@pytest.mark.parametrize("f", [verlet(20), verlet(50), verlet(150), momentum(300)], ids=["20", "50", "150", "momentum"])
def test_a_derivative_that_is_given_is_held_against_a_deep_graph(f, given):
    x = 1.0 if given == 42.0 else 0.3
    assert check_gradient(f, (x,), derivative=lambda x: given).verdict is Verdict.WRONG
    right = check_gradient(f, (x,), derivative=ag.grad(f))
    assert right, str(right)
    assert right.worst.allowed_ulps < 2.0**40


@pytest.mark.parametrize("n", [60, 200, 300])
def test_chaos_without_a_digit_is_ill_conditioned(n):
    f = deep_logistic_map(n)
    report = check_gradient(f, (0.5123,))
    assert report.verdict is Verdict.ILL_CONDITIONED
    assert check_gradient(f, (0.5123,), derivative=42.0).verdict in ("WRONG", "ILL_CONDITIONED")
    assert check_gradient(f, (0.5123,), derivative=report.worst.found).verdict in ("WRONG", "ILL_CONDITIONED")
    assert check_gradient(f, (0.5123,), derivative=report.worst.expected)


@pytest.mark.parametrize("x", [1e-20, 1e-45, 1e-80, 1e-150, 1e-300])
def test_a_derivative_that_cancels_to_nothing_found_is_not_right(x):
    f = lambda x: (1 + x) ** 2 - 1 - 2 * x
    report = check_gradient(f, (x,))
    assert report.verdict is Verdict.ILL_CONDITIONED
    assert (report.worst.expected, report.worst.found) == (pytest.approx(2 * x), 0.0)
    assert check_gradient(lambda x: x * x, (x,)) or x < 1e-160


# --- faults of a sweep ----------------------------------------------------------------------------


def overwriting(order, adjoints, *_, **__):
    """A reverse sweep that assigns where it should add."""
    for node in reversed(order):
        edges = node._edges
        for p, d in zip(edges, edges[len(edges) // 2 :], strict=False):
            if d:
                adjoints[p] = d * adjoints[node]
    return adjoints


def dropping(order, adjoints, *_, **__):
    """A reverse sweep that takes the first operand's path only."""
    for node in reversed(order):
        edges = node._edges
        if edges and edges[len(edges) // 2]:
            adjoints[edges[0]] += edges[len(edges) // 2] * adjoints[node]
    return adjoints


@pytest.mark.parametrize("sweep", [overwriting, dropping])
@pytest.mark.parametrize("module", [recorded, value])
def test_a_wrong_sweep_is_told_apart_from_a_wrong_node(monkeypatch, sweep, module):
    monkeypatch.setattr(module, "reverse", sweep)
    report = check_gradient(lambda x: ag.sin(x) * x + x, (0.5,))
    assert (report.verdict, report.faulty_op, report.faulty_node) == ("WRONG", "", None)
    assert "sum over paths" in report.reason
    assert report.worst.side == ("backward()" if module is value else "reverse mode")
    assert "faulty" not in report.draw().svg


def half_forward(order, tangents, *_, **__):
    for node in order:
        if node not in tangents:
            edges = node._edges
            tangents[node] = edges[len(edges) // 2] * tangents[edges[0]] if edges else 0.0
    return tangents


@pytest.mark.parametrize("n", [2, 100])
def test_a_wrong_forward_sweep(monkeypatch, n):
    monkeypatch.setattr(recorded, "forward", half_forward)
    report = check_gradient(lambda v: ag.sum([x * x for x in v]), ([0.5 + 0.01 * k for k in range(n)],))
    assert report.verdict is Verdict.WRONG
    assert report.worst.side == "forward mode"
    assert check_gradient(lambda v: ag.sum([x * x for x in v]), ([0.5] * n,), modes=("reverse",))


def test_many_inputs_forward_is_checked_along_directions():
    alone = check_gradient(lambda v: ag.norm(v) * v[3], ([0.5 + 0.01 * k for k in range(100)],), modes=("forward",))
    assert alone.reason == "forward mode is right to 100 inputs along 4 random directions."
    assert check_gradient(lambda v: ag.norm(v) * v[3], ([0.5 + 0.01 * k for k in range(100)],))


def test_a_path_that_was_not_recorded():
    report = check_gradient(lambda x: x * ag.Value(x.data), (2.0,))
    assert (report.verdict, report.faulty_op) == ("WRONG", "")
    assert "was not recorded" in report.reason
    assert report.worst.expected == pytest.approx(4.0)
    assert report.worst.found == 2.0


def test_a_stale_value(monkeypatch):
    """A node whose value belongs to other operands: its own derivative is right for what it recorded."""

    def stale(x):
        y = x * x
        y.data = y.data + 0.5
        return ag.exp(y)

    report = check_gradient(stale, (1.0,))
    assert (report.verdict, report.faulty_op) == ("WRONG", "mul")
    assert "the value of mul" in report.reason


# --- kinks, jumps, conditioning, infinities -------------------------------------------------------

KINKS = {
    "relu": (ag.relu, 0.0, (0.0, 1.0), "between"),
    "abs": (abs, 0.0, (-1.0, 1.0), "between"),
    "inside": (lambda x: ag.exp(ag.relu(x - 1) * 2), 1.0, (0.0, 2.0), "between"),
    "max": (lambda x: ag.max([x, 2 * x]), 0.0, (1.0, 2.0), "between"),
    "norm": (lambda x: ag.norm([x, x]), 0.0, (-math.sqrt(2), math.sqrt(2)), "between"),
    "cusp": (lambda x: ag.sqrt(ag.abs(x)), 0.0, (-math.inf, math.inf), None),
    "norm of one": (lambda x: ag.sqrt(x * x), 0.0, (-1.0, 1.0), "between"),
    "product": (lambda x: ag.where(x > 0, 1, 0) * x, 0.0, (0.0, 1.0), "between"),
    "if": (lambda x: x if x > 0 else 2 * x, 0.0, (1.0, 2.0), "between"),
    "if on data": (lambda x: x if x.data > 0 else 2 * x, 0.0, (1.0, 2.0), "between"),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks(name):
    f, x, interval, place = KINKS[name]
    report = check_gradient(f, (x,))
    if place is None:
        assert report.verdict in ("KINK", "NOT_FINITE")
        return
    assert report.verdict is Verdict.KINK, str(report)
    assert report.interval == pytest.approx(interval)
    assert place in report.reason


def test_only_the_input_that_reaches_a_kink_is_blamed():
    report = check_gradient(lambda x, y: y * y + ag.relu(x), (0.0, 3.0))
    assert (report.verdict, report.worst.where) == ("KINK", "args[0]")
    assert check_gradient(lambda x, y: y * y + ag.relu(x), (0.0, 3.0), derivative=(0.5, 6.0)).worst.found == 0.5


def test_a_gradient_outside_of_the_interval(planted):
    f = planted("relu", lambda m, x, z: (m.where(x < 0, 0, m.where(x > 0, 1, 7)),))
    report = check_gradient(lambda x: f(x) * 2, (0.0,))
    assert report.verdict is Verdict.KINK
    assert report.interval == (0.0, 2.0)
    assert "outside" in report.reason
    assert report.faulty_op == "relu"


def test_the_conventions_at_a_tie_may_not_add_up():
    """relu(x) - relu(-x) is x, but the convention relu'(0) = 0 makes 0 of it."""
    report = check_gradient(lambda x: ag.relu(x) - ag.relu(-x), (0.0,))
    assert (report.verdict, report.faulty_op, report.interval) == ("KINK", "relu", (1.0, 1.0))
    assert (report.worst.expected, report.worst.found) == (1.0, 0.0)
    assert "outside" in report.reason


def test_a_convention_at_a_kink_whose_sides_agree(planted):
    """clip(x, 0, 0) is constant; a rule that lets the gradient pass at its bounds would give 1."""
    clip = planted("clip", lambda m, x, low, high, z: (m.where(x < low, 0, m.where(x > high, 0, 1)), 0, 0))
    report = check_gradient(lambda x: 3 * clip(x, 0.0, 0.0), (0.0,))
    assert (report.verdict, report.faulty_op, report.interval) == ("KINK", "clip", (0.0, 0.0))
    assert (report.worst.expected, report.worst.found) == (0.0, 3.0)
    assert "outside" in report.reason


def test_a_constant_between_equal_bounds_is_right():
    """clip(x, 0, 0) is constant, and clip(x, c, c) is c."""
    report = check_gradient(lambda x, c: 3 * ag.clip(x, 0.0, 0.0) + ag.clip(x, c, c), (0.0, 0.0))
    assert report.verdict == "RIGHT", report
    assert ag.grad(lambda c: ag.clip(0.0, c, c))(0.0) == 1.0


def test_a_one_sided_derivative_is_said_as_its_limit():
    """The difference quotients of sin(x) - x are -1.7e-121 and the like, and tend to 0."""
    report = check_gradient(lambda x: ag.sin(x) + abs(x), (0.0,))
    assert (report.verdict, report.interval, report.worst.found) == ("KINK", (0.0, 2.0), 1.0)


def test_a_kink_within_rounding():
    """In doubles 0.1 + 0.2 ties with the sum that was rounded; the sum itself is 2.8e-17 less."""
    report = check_gradient(lambda x: ag.relu(0.1 + 0.2 - (x + 0.1)), (0.2,))
    assert report.verdict is Verdict.KINK, str(report)
    assert report.interval == (-1.0, 0.0)
    assert "but for rounding" in report.reason


@pytest.mark.parametrize("at_zero", [ag.relu, lambda y: ag.clip(y, 0.0, 5.0)], ids=["relu", "clip"])
def test_rounding_can_take_the_other_side_of_a_kink(at_zero):
    """1e16 + 1.2 is rounded to 1e16 + 2, and what was 0.1 left of the kink is 0.7 right of it."""
    report = check_gradient(lambda x: at_zero((x + 1e16) - 1e16 - 1.3), (1.2,))
    assert (report.verdict, report.interval) == ("KINK", (0.0, 1.0)), str(report)


JUMPS = {
    "sign": (lambda x: ag.sign(x), 0.0),
    "floor": (lambda x: ag.floor(x) * x, 2.0),
    "where": (lambda x: ag.where(x > 0, x + 1, x), 0.0),
    "if": (lambda x: x + 1 if x > 0 else x, 0.0),
    "atan2": (lambda y: ag.atan2(y, -1.0), 0.0),
    "the end of a domain under a comparison": (lambda x: ag.acosh(x) >= 0, 1.0),
    "the end of a domain alone": (lambda x: ag.cosh(ag.acosh(x)) > 0.5, 1.0),
}


@pytest.mark.parametrize("name", JUMPS)
def test_jumps(name):
    f, x = JUMPS[name]
    report = check_gradient(f, (x,))
    assert report.verdict is Verdict.DISCONTINUOUS, str(report)
    assert "jumps" in report.reason
    assert not report


ILL = {
    "terms of 1e20": (lambda x: ag.sin(x) ** 2 * 1e20 + ag.cos(x) ** 2 * 1e20 + x, 0.7),
    "squares of 1e20": (lambda x: 1e20 * x * x - 1e20 * x * x * (1 + 2.0**-52) + x, 1.3),
    "difference of squares": (lambda x: (x + 1e9) ** 4 - (x - 1e9) ** 4 - 8e27 * x, 1.0),
}


@pytest.mark.parametrize("name", ILL)
def test_ill_conditioned_is_never_wrong(name):
    f, x = ILL[name]
    report = check_gradient(f, (x,))
    assert report.verdict is Verdict.ILL_CONDITIONED, str(report)
    assert report.condition > 1e8
    assert report.faulty_op == ""


INFINITE = {
    "log": (ag.log, 0.0, "log"),
    "overflow": (lambda x: ag.exp(x) * 2, 1000.0, "exp"),
    "sqrt": (ag.sqrt, 0.0, "sqrt"),
    "in between": (lambda x: 1 / (x * x), 1e-170, "div"),
    "NaN": (lambda x: ag.sqrt(x), -1.0, "sqrt"),
    "overflow of a derivative alone": (lambda x: ag.sqrt(x * 1e-320) * 1e160, 0.0, "sqrt"),
    "constant": (lambda x: math.inf, 0.0, ""),
    "overflow on the way": (lambda x: 1 / ag.log(ag.exp(x)), 1000.0, "exp"),
    "vertical tangent": (ag.cbrt, 0.0, "cbrt"),
    "overflow of 1/x": (ag.log, 5e-324, "log"),
    "vertical tangent at a tie": (lambda x: ag.cbrt(ag.maximum(x, x)), 0.0, "cbrt"),
    "a power just below 1": (lambda x: x**0.9995, 0.0, "pow"),
    "infinity meets 0 at the end of a domain": (lambda x: ag.cos(ag.acosh(x)), 1.0, "acosh"),
    "infinity meets 0 within a clip": (lambda x: ag.cos(ag.clip(ag.log1p(ag.acosh(x)), 0.0, 2.0)), 1.0, "acosh"),
    "infinity meets 0 without a kink": (lambda x: ag.sqrt(x) ** 2, 0.0, "sqrt"),
    "a domain of one point": (lambda x: ag.erfc(ag.acosh(ag.cos(abs(ag.acosh(x))))), 1.0, ""),
    "a step outside of the domain": (lambda x: ag.sigmoid(ag.log(ag.sign(x) - 0.5)), 0.0, "log"),
}


@pytest.mark.parametrize("name", INFINITE)
def test_not_finite(name):
    f, x, op = INFINITE[name]
    report = check_gradient(f, (x,))
    assert report.verdict is Verdict.NOT_FINITE, str(report)
    assert report.faulty_op == op


# --- a derivative that is given -------------------------------------------------------------------


def test_a_derivative_of_our_own_function_is_judged():
    assert check_gradient(lambda x, y: x * ag.sin(y), (2.0, 3.0), derivative=lambda x, y: (ag.sin(y), x * ag.cos(y)))
    assert check_gradient(lambda v: [v[0] * v[1], v[1]], [2.0, 3.0], derivative=[[3.0, 2.0], [0.0, 1.0]])
    report = check_gradient(lambda v: [v[0] * v[1], v[1]], [2.0, 3.0], derivative=[[3.0, 2.0], [1.0, 1.0]])
    assert (report.verdict, report.worst.where) == ("WRONG", "result[1] / args[0][0]")
    assert report.faulty_op == ""
    assert report.reason == "the derivative with respect to result[1] / args[0][0] is 0.0, and 1.0 was found."


def test_places_are_named():
    report = check_gradient(
        lambda p: {"y": p["w"][2] * p["b"]}, ({"w": [1.0, 2.0, 3.0], "b": 4.0},), derivative=[0.0, 0.0, 5.0, 3.0]
    )
    assert report.worst.where == "result['y'] / args[0]['w'][2]"
    assert (report.worst.expected, report.worst.found, report.worst.side) == (4.0, 5.0, "derivative")


W = {"w": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "b": 7.0}


def bilinear(p):
    return ag.sum([x * x for row in p["w"] for x in row]) * p["b"]


def slope_of_bilinear(p):
    total = sum(x * x for row in p["w"] for x in row)
    return {"b": total, "w": [[2 * x * p["b"] for x in row] for row in p["w"]]}  # in another order than the argument


@pytest.mark.parametrize(
    "f", [bilinear, lambda p: float(bilinear(p)) if isinstance(p["b"], float) else {}[0]], ids=["own", "other"]
)
def test_a_derivative_in_a_dict_is_matched_by_key(f):
    assert check_gradient(f, (W,), derivative=slope_of_bilinear)
    swapped = lambda p: {"w": [[1.0] * 3, slope_of_bilinear(p)["w"][0]], "b": slope_of_bilinear(p)["b"]}
    report = check_gradient(f, (W,), derivative=swapped)
    assert (report.verdict, report.worst.where.startswith("args[0]['w']")) == ("WRONG", True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda p: {"w": p["w"]}, r"missing \['b'\]"),
        (lambda p: slope_of_bilinear(p) | {"c": 1.0}, r"unknown \['c'\]"),
        (lambda p: {"w": [[1.0] * 2] * 3, "b": 1.0}, r"a sequence of 2 at args\[0\]\['w'\], got 3"),
        (lambda p: {"w": [1.0] * 6, "b": 1.0}, r"a sequence of 2 at args\[0\]\['w'\], got 6"),
        (lambda p: {"w": p["w"], "b": [1.0, 2.0]}, r"a number at args\[0\]\['b'\]"),
        (lambda p: 3.0, "a dict with the keys"),
    ],
)
def test_a_derivative_of_another_structure_is_refused(given, said):
    with pytest.raises(ag.StructureError, match=said):
        check_gradient(bilinear, (W,), derivative=given)


def test_a_derivative_of_another_shape_is_refused():
    np = pytest.importorskip("numpy")
    a = np.arange(6.0).reshape(2, 3) + 1
    f = lambda a: (a * a).sum()
    assert check_gradient(f, (a,), derivative=lambda a: 2 * a)
    assert check_gradient(f, (a,), derivative=lambda a: (2 * a).tolist())
    with pytest.raises(ag.StructureError, match=r"expected shape \(2, 3\) at args\[0\].*got \(3, 2\)"):
        check_gradient(f, (a,), derivative=lambda a: 2 * a.T)
    for wrong in (lambda a: (2 * a).reshape(6), lambda a: (2 * a).reshape(6).tolist()):
        with pytest.raises(ag.StructureError):
            check_gradient(f, (a,), derivative=wrong)


def test_a_jacobian_is_matched_by_the_keys_of_results_and_arguments():
    f = lambda p, s: {"y": p["a"] * s, "z": [p["b"] * p["a"], s * s]}
    args = ({"a": 2.0, "b": 3.0}, 5.0)
    to_p = {"z": [{"b": 2.0, "a": 3.0}, {"a": 0.0, "b": 0.0}], "y": {"b": 0.0, "a": 5.0}}
    to_s = {"z": [0.0, 10.0], "y": 2.0}
    assert check_gradient(f, args, derivative=(to_p, to_s))
    report = check_gradient(f, args, derivative=(to_p, to_s | {"y": 3.0}))
    assert (report.verdict, report.worst.where) == ("WRONG", "result['y'] / args[1]")


def test_arguments_without_numbers_may_be_left_out_of_a_derivative():
    f = lambda x, how, y: x * y if how == "times" else x
    assert check_gradient(f, (2.0, "times", 3.0), derivative=(3.0, 2.0))
    assert check_gradient(f, (2.0, "times", 3.0), derivative=lambda x, how, y: (y, None, x))


# --- tolerances and resolution --------------------------------------------------------------------


def test_tolerances_of_the_user():
    rough = cube(lambda x, z: (3.001 * x**2,))
    for f, options in (
        (lambda x: ag.sin(rough(x)), {}),
        (lambda x: ag.sin(x**3), {"derivative": lambda x: 3.001 * x**2 * math.cos(x**3)}),
    ):
        assert check_gradient(f, (0.5,), **options).verdict is Verdict.WRONG
        assert check_gradient(f, (0.5,), rtol=1e-3, **options)
        assert check_gradient(f, (0.5,), atol=1e-3, **options)
        assert check_gradient(f, (0.5,), rtol=1e-4, atol=1e-5, **options).verdict is Verdict.WRONG
    assert check_gradient(lambda x: ag.sin(x) ** 3, (0.5,), order=2, rtol=1e-6)
    for name in ("atol", "rtol", "nondet_tol"):
        for bad in (-1.0, math.nan, "x"):
            with pytest.raises(ag.RangeError, match=name):
                check_gradient(ag.sin, (0.5,), **{name: bad})


def test_the_smallest_fault_that_would_have_been_seen_is_said():
    report = check_gradient(lambda v: ag.sum([x * x for x in v]), ([0.5, 2.0],))
    assert 0 < report.resolution < 1e-13
    assert f"{report.resolution:.2g}: a larger error" in str(report)
    for off in (0.1, 30):
        given = check_gradient(
            lambda x: x * x,
            (0.5,),
            derivative=1.0 + off * check_gradient(lambda x: x * x, (0.5,), derivative=1.0).resolution,
        )
        assert bool(given) == (off < 1)


def test_many_inputs_take_time_in_proportion(monkeypatch):
    """Counted, not timed: how often an operand's size is asked for."""
    from autograd_core._src.testing.proofs import allowance

    calls = []
    monkeypatch.setattr(allowance, "built_in", lambda node: calls.append(len(node.parents)) or True)
    counts = []
    for n in (50, 100):
        calls.clear()
        assert check_gradient(lambda v: ag.sum([x * x for x in v]), ([0.1 * k for k in range(n)],))
        counts.append(sum(calls))
    assert counts[1] <= 2.2 * counts[0]


def test_a_wrong_entry_is_not_lost_behind_a_kink():
    once = cube(lambda x, z: (5.0,), value=lambda x: 2 * x)
    report = check_gradient(lambda x, y: ag.relu(x) + once(y), (0.0, 1.0))
    assert (report.verdict, report.faulty_op) == ("WRONG", "cubed")
    report = check_gradient(lambda x, y: ag.relu(x) + y, (0.0, 1.0), derivative=(0.5, 2.0))
    assert (report.verdict, report.worst.where) == ("WRONG", "args[1]")


def test_many_kinks():
    report = check_gradient(lambda v: ag.sum([ag.relu(x) for x in v]), ([0.0] * 300,))
    assert (report.verdict, report.fair) == ("KINK", True)


def test_what_the_graph_is_not_the_whole_of_is_judged_by_its_values():
    """A root by halving: the comparisons are recorded, and what they lead to is a number."""

    def root(a, b):
        low, high = -1.0, 1.0
        for _ in range(200):
            middle = (low + high) / 2
            if a * middle - b > 0:
                high = middle
            else:
                low = middle
        return high

    for at in ((1.0, 0.0), (2.0, 0.5), (3.0, -1.0)):
        slope = lambda a, b: (-b / a**2, 1 / a)
        report = check_gradient(root, at, derivative=slope)
        assert report, str(report)
        assert check_gradient(root, at, derivative=lambda a, b: (-b / a**2, -1 / a)).verdict is Verdict.WRONG


# --- functions that cannot be judged --------------------------------------------------------------


def random_function():
    import random

    return lambda x: x * random.random()


def counting():
    calls = []

    def f(x):
        calls.append(x.data)
        return x * (1 + sum(c != 1.0 for c in calls))

    return f


def in_place(p):
    p[0] = p[0] * 2
    return p[1]


def shortened(p):
    p.pop()
    return p[0]


def raising(x):
    return x / 0 if x.data > 10 else {}[1]


BAD = {
    "no number": (lambda x: None, (1.0,), "no number"),
    "a string": (lambda x: "1", (1.0,), "no number"),
    "an empty list": (lambda x: [], (1.0,), "no number"),
    "in place": (in_place, ([1.0, 2.0],), "changes its input"),
    "shortened": (shortened, ([1.0, 2.0],), "changes its input"),
    "random": (random_function(), (1.0,), "random"),
    "state": (counting(), (1.0,), "depends on state"),
    "no input": (lambda s: 1.0, ("abc",), "no differentiable input"),
    "no argument": (lambda: 1.0, (), "no differentiable input"),
    "raises": (raising, (1.0,), "raises"),
    "cut": (lambda x: math.sin(x), (1.0,), "needs derivative"),
    "our own error": (lambda x: ag.log("x"), (1.0,), "raises"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_functions_are_told_apart(name):
    f, args, fault = BAD[name]
    with pytest.raises(FunctionError) as caught:
        check_gradient(f, args)
    assert caught.value.fault == fault


@pytest.mark.parametrize(
    ("args", "is_said"), [([1.0], True), (([1.0],), True), ((1.0, [1.0]), False), (({"x": 1.0},), False)]
)
def test_a_list_that_was_meant_to_hold_the_arguments_is_said_to_be_one(args, is_said):
    def refuses(*xs):
        raise TypeError("no")

    with pytest.raises(FunctionError) as error:
        check_gradient(refuses, args)
    assert ("called with one argument, a list" in str(error.value)) is is_said


def test_what_was_raised_is_chained_with_the_point():
    with pytest.raises(FunctionError, match=r"args\[0\] = 1\.0") as caught:
        check_gradient(raising, (1.0,))
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(FunctionError, match="needs|derivative="):
        check_gradient(lambda x: math.sin(x), (1.0,))


def test_a_function_whose_domain_ends_near_by():
    assert check_gradient(lambda x: x * 1.0 if x.data == 1.0 else {}[0], (1.0,)).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("f", "options", "error"),
    [
        (3, {}, ag.OperandError),
        (ag.sin, {"order": 0}, ag.RangeError),
        (ag.sin, {"order": True}, ag.RangeError),
        (ag.sin, {"modes": ("sideways",)}, ag.RangeError),
        (ag.sin, {"modes": ()}, ag.RangeError),
        (ag.sin, {"derivative": [1.0, 2.0]}, ag.StructureError),
        (ag.sin, {"derivative": "x"}, ag.RangeError),
        (ag.sin, {"derivative": lambda x: {}[0]}, FunctionError),
    ],
)
def test_options_are_checked(f, options, error):
    with pytest.raises(error):
        check_gradient(f, (1.0,), **options)


@pytest.mark.parametrize("at", [(1.0, 0.0), (0.1, -0.0), (1.0, 1.0), (0.1, 1e-300), (3.0, -7.0)])
def test_a_primitive_that_iterates_down_to_the_last_bit_ends(at):
    """A root at 0 has no last bit among numbers whose exponents have no end."""

    def bisected(a, b):
        low, high = -1.0 - abs(b), 1.0 + abs(b)
        while True:
            middle = (low + high) / 2
            if not low < middle < high:
                return middle
            low, high = (middle, high) if middle**3 + a * middle < b else (low, middle)

    for sign in (-1.0, 1.0):
        root = ag.primitive(bisected)

        @root.partials
        def _(a, b, z, sign=sign):
            return sign * bisected(a, b) / (3.0 * z * z + a), 1.0 / (3.0 * z * z + a)

        report = check_gradient(lambda a, b, root=root: root(a, b) ** 2 + a * b, at)
        assert report.faultless if sign < 0 or abs(at[1]) < 1e-9 else report.verdict is Verdict.WRONG, str(report)


def test_a_primitive_that_never_ends_with_many_digits_is_read_in_doubles():
    """In doubles halving ends at 0."""

    @ag.primitive
    def doubled(x):
        y = x * 1.0
        while y != 0:
            y = y / 2
        return x * 2.0

    @doubled.partials
    def _(x, z):
        return (2.0,)

    assert check_gradient(lambda x: doubled(x) * x, (1.5,)).faultless

    @doubled.partials
    def _(x, z):
        return (2.5,)

    report = check_gradient(lambda x: doubled(x) * x, (1.5,))
    assert (report.verdict, report.faulty_op) == (Verdict.WRONG, "doubled")


def heron(a, b, angle):
    c = math.sqrt(a * a + b * b - 2 * a * b * math.cos(angle))
    s = (a + b + c) / 2
    return s * (s - a) * (s - b) * (s - c)


def heron_slopes(a, b, angle):
    s = math.sin(angle)
    return a * b * b * s * s / 2, a * a * b * s * s / 2, a * a * b * b * s * math.cos(angle) / 2


def divergence(a, b):
    p, logs = softmaxed(a), [x - lse(a) - y + lse(b) for x, y in zip(a, b, strict=True)]
    return sum(q * r for q, r in zip(p, logs, strict=True))


def divergence_slopes(a, b):
    p, logs = softmaxed(a), [x - lse(a) - y + lse(b) for x, y in zip(a, b, strict=True)]
    mean = sum(q * r for q, r in zip(p, logs, strict=True))
    return [q * (r - mean) for q, r in zip(p, logs, strict=True)], [x - y for x, y in zip(softmaxed(b), p, strict=True)]


def lse(x):
    return max(x) + math.log(sum(math.exp(v - max(x)) for v in x))


def softmaxed(x):
    return [math.exp(v - lse(x)) for v in x]


def unit_vector(x):
    return [v / ag.sqrt(ag.dot(x, x)) for v in x]


def unit_vector_slopes(x):
    n = math.sqrt(sum(v * v for v in x))
    return [[((i == j) - v * w / n**2) / n for j, w in enumerate(x)] for i, v in enumerate(x)]


def cell(h, u):
    return [ag.tanh(ag.dot(row, h) + b) for row, b in zip(u, (0.1, -0.2), strict=True)]


def cell_slopes(h, u):
    s = [1 - z * z for z in cell(h, u)]
    to_u = [[[s[i] * x if i == k else 0.0 for x in h] for k in range(2)] for i in range(2)]
    return [[s[i] * w for w in u[i]] for i in range(2)], to_u


@pytest.mark.parametrize(
    ("f", "slopes", "point"),
    [
        (heron, heron_slopes, (1.0, 69.95133915750712, 0.1)),  # a stair of an inner rounding, which small steps stay on
        (heron, heron_slopes, (1.0, 80.0, 0.1)),
        (divergence, divergence_slopes, ([46.65378073579576, 1.7e-175, 31.6], [46.65378073579576, 1.7e-175, 31.6])),
        (divergence, divergence_slopes, ([40.0, 0.0, 30.0], [40.0, 0.0, 30.0])),  # a term below the others' rounding
        (unit_vector, unit_vector_slopes, ([-0.07692423568567124, -659797.6130661292, -2.3e-241],)),  # 1 - u² cancels
        (unit_vector, unit_vector_slopes, ([1e-3, 1e6, 1e-200],)),
        (cell, cell_slopes, ([-15.028735617301223, 17.77546108992331], [[1.8945, 0.1], [-4.0365, -2.54987]])),
        (cell, cell_slopes, ([-15.0, 17.5], [[1.9, 0.1], [-4.0, -2.55]])),  # 1 - tanh² saturates
    ],
)
def test_right_formulas_pass_where_their_rounding_or_the_functions_hides_digits(f, slopes, point):
    report = check_gradient(f, point, derivative=slopes)
    assert report.faultless, str(report)
    assert report.verdict is Verdict.RIGHT
