"""Reports: what they say, show and draw."""

import dataclasses
import math
import re

import pytest

import autograd_core as ag
from autograd_core.testing import FunctionError, Report, Verdict, Worst, check_gradient


def test_only_right_is_true():
    for verdict in Verdict:
        assert bool(Report(verdict, "", Worst("x", 0.0, 0.0, 0.0))) is (verdict is Verdict.RIGHT)
    assert [str(v) for v in Verdict] == ["RIGHT", "WRONG", "KINK", "DISCONTINUOUS", "ILL_CONDITIONED", "NOT_FINITE"]
    assert Verdict.WRONG == "WRONG"


def test_what_is_right_to_the_last_bit_has_no_worst_entry():
    for f, point, said in (
        (lambda x, y: x * y, (0.5, 2.0), "all 2 derivatives are right, exactly."),
        (lambda x, y: ag.sin(x) * y, (0.5, 3.0), "all 2 derivatives are right, the worst within 0."),
        (lambda x: x * x, (0.5,), "1.0 is the derivative with respect to args[0], exactly."),
    ):
        assert said in check_gradient(f, point).reason


def test_reports_are_frozen():
    report = check_gradient(ag.sin, (1.0,))
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.verdict = Verdict.WRONG


def labelled(x):
    y = ag.sin(x)
    y.label = "<b>y</b>"
    return ag.relu(y - ag.sin(1.0))


def test_in_a_terminal():
    assert str(check_gradient(ag.sin, (1.0,))).startswith("RIGHT: 0.54")
    lines = str(check_gradient(lambda x: ag.sin(x) ** 2 * 1e20 + ag.cos(x) ** 2 * 1e20 + x, (0.7,))).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["entry", "expected", "found", "error", "condition"]
    lines = str(check_gradient(ag.sign, (0.0,))).splitlines()
    assert "operation" in lines[-1]
    lines = str(check_gradient(abs, (0.0,))).splitlines()
    assert lines[-1].split() == ["one-sided", "-1.0", "and", "1.0"]
    worst = str(check_gradient(ag.sin, (1.0,), derivative=lambda x: 1.0).worst)
    assert worst.startswith("d/d args[0]: expected 0.54")
    assert "(derivative)" in worst


def sharp(x):
    y = ag.sign(x)
    y.label = "<b>y</b>"
    return y * 2


def test_in_a_notebook():
    shown = check_gradient(sharp, (0.0,))._repr_html_()
    assert "<strong" in shown
    assert "DISCONTINUOUS" in shown
    assert "<svg" in shown
    assert "<b>y</b>" not in shown
    right = check_gradient(ag.sin, (1.0,))._repr_html_()
    assert "<svg" not in right
    assert "#1a7f37" in right
    wrong = check_gradient(ag.sin, (1.0,), derivative=lambda x: 1.0)._repr_html_()
    assert "#c62828" in wrong


def test_drawings():
    report = check_gradient(sharp, (0.0,))
    assert "discontinuous" in report.draw().svg
    assert "<title>" in report.draw(title="mine", overlay=None).svg
    assert check_gradient(ag.sin, (1.0,)).draw().svg.count("RIGHT") >= 1


def test_a_drawing_of_the_result_that_is_at_fault():
    report = check_gradient(lambda x: [ag.exp(x), ag.sign(x)], (0.0,))
    assert report.root.op == "sign"
    assert "discontinuous" in report.draw().svg


def test_no_graph_no_drawing():
    report = check_gradient(
        lambda x: float(x) if not isinstance(x, ag.Value) else {}[0], (1.0,), derivative=lambda x: 1.0
    )
    assert report
    with pytest.raises(ag.OperandError, match="no graph"):
        report.draw()
    assert "<svg" not in report._repr_html_()


def test_errors_are_ours():
    assert issubclass(FunctionError, ag.AutogradError)
    assert issubclass(FunctionError, ValueError)


def test_a_report_in_an_assertion_is_short():
    report = Report(Verdict.WRONG, "sin is off.", Worst("x", 0.0, 1.0, 5.0))
    assert repr(report) == "<Report WRONG: sin is off.>"


def test_a_report_leads_to_the_line():
    @ag.primitive
    def cubed(x):
        return x**3

    @cubed.partials
    def rule(x, z):
        return (2 * x**2,)

    report = check_gradient(lambda x: ag.sin(cubed(x)), (0.5,))
    assert report.source == f"{__file__}:{rule.__code__.co_firstlineno}"
    assert report.source in str(report)
    for name, given in (
        ("derivative", lambda x: x),
        ("vjp", lambda x, g: g * x),
        ("jvp", lambda xs, ts: xs[0] * ts[0]),
    ):
        report = check_gradient(math.sin, (0.5,), **{name: given})
        assert report.source == f"{__file__}:{given.__code__.co_firstlineno}"
    assert check_gradient(math.sin, (0.5,), derivative=1.5).source == ""


def test_a_report_names_the_line_of_the_function_beside_that_of_its_derivative():
    def area(x, y):
        return x * y

    report = check_gradient(area, (0.5, 2.0), derivative=lambda x, y: (y, 2 * x))
    assert report.worst.where == "args[1]"
    assert report.function == f"area, {__file__}:{area.__code__.co_firstlineno}"
    assert report.function in str(report)
    assert check_gradient(area, (0.5, 2.0)).function == ""


@pytest.mark.parametrize(
    ("f", "point", "given", "said"),
    [
        (lambda x: x**2, 3.0, math.nan, r"one of the two is not finite"),
        (lambda x: x**2, 3.0, math.inf, r"one of the two is not finite"),
        (ag.sqrt, 0.0, 1.0, r"one of the two is not finite"),
        (lambda x: x * 0.0, 3.0, 1.0, r"1, rounding allows 0"),  # no term cancels
        (lambda x: x - x + x * x - x * x, 0.5, 1e-3, r"0\.001, rounding allows \d\.\de-1\d"),
        (lambda x: x * 1e-300, 0.5, 1e10, r"1e\+10, rounding allows [\d.]+e-31\d"),  # a quotient beyond all floats
        (lambda x: x * 1e308, 0.5, -1e308, r"2 times the expected number, rounding allows [\de.-]+ times the .*"),
        (lambda x: x * 3, 0.5, 3 + 3 * 2.0**-30, r"9\.3e-10 times the expected number, rounding allows [\de.-]+ times .*"),
        (lambda x: x * 3, 0.5, 3 + 3 * 2.0**-38, r"[\de+.]+ ulp, rounding allows [\de+.]+ ulp"),
    ],
)  # fmt: skip
def test_an_error_is_said_in_a_unit_that_it_has(f, point, given, said):
    report = check_gradient(f, (point,), derivative=given)
    assert not report
    assert re.fullmatch(said, report.worst.distance)
    assert report.worst.distance in str(report)
    assert str(report.worst).endswith(f"; error: {report.worst.distance}")


def test_errors_of_many_ulp_are_said_as_shares():
    report = check_gradient(np_free_area, (0.5, 2.0), derivative=lambda x, y: (y, 1.5 * x))
    assert report.verdict is Verdict.WRONG
    assert "0.5 times the expected number, rounding allows" in str(report)
    assert "e+15 ulp" not in str(report)


def np_free_area(x, y):
    return x * y


@pytest.mark.parametrize("tiny", [3.6e-231, -1.7e-125, 5e-324, -1.1e-308, 1e-30])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_tie_with_a_tiny_input_is_no_jump(tiny, place):
    def ranked(x):
        return ag.maximum(x[0], x[1]) + 2.0 * ag.maximum(x[1], x[2]) - ag.maximum(x[0], x[2])

    point = [0.0, 0.0, 0.0]
    point[place] = tiny
    assert check_gradient(ranked, (point,)).verdict in (Verdict.KINK, Verdict.RIGHT)


@pytest.mark.parametrize("x", [999999.9999999999, 0.1, 1e-3, 123456.7])
@pytest.mark.parametrize("count", [3, 5, 7])
def test_a_derivative_that_is_0_but_for_rounding_is_right_where_the_graph_has_exactly_0(x, count):
    def variance(xs):
        mean = ag.sum(xs) / count
        return ag.sum([(x - mean) ** 2 for x in xs]) / count

    def slope(xs):
        mean = sum(x / count for x in xs)  # rounds otherwise
        return [2 * (x - mean) / count for x in xs]

    report = check_gradient(variance, ([x] * count,), derivative=slope)
    assert report, str(report)
    off = [s + 1e-11 * x for s in slope([x] * count)]
    assert check_gradient(variance, ([x] * count,), derivative=off).verdict is Verdict.WRONG


def test_what_is_left_of_terms_that_cancel_is_as_good_as_0():
    """Two sides of a path are all but parallel, and pull its corner apart with 1 and 1 - 1e-54."""

    def length(x, y, z):
        return ag.hypot(x[0] - y[0], x[1] - y[1]) + ag.hypot(y[0] - z[0], y[1] - z[1])

    def slopes(x, y, z):
        def unit(a, b):
            d = [a[0] - b[0], a[1] - b[1]]
            n = math.sqrt(d[0] * d[0] + d[1] * d[1])
            return [d[0] / n, d[1] / n]

        u, v = unit(x, y), unit(y, z)
        return u, [v[0] - u[0], v[1] - u[1]], [-v[0], -v[1]]

    args = ([-968884.889086155, -968884.889086155], [1.7e-47, 0.0], [1.7e-47 + 968884.889086155, 968884.0])
    report = check_gradient(length, args, derivative=slopes)
    assert report, str(report)
    u, v, w = slopes(*args)
    assert check_gradient(length, args, derivative=(u, [v[0] + 1e-6, v[1]], w)).verdict is Verdict.WRONG
    near = ([-968884.889086155, -968884.889086155], [1e-47, 0.0], [968884.889086155, 968884.889086155])
    report = check_gradient(length, near, derivative=slopes)
    assert report, str(report)
    u, v, w = slopes(*near)
    assert check_gradient(length, near, derivative=(u, [v[0] + 1e-6, v[1]], w)).verdict is Verdict.WRONG


@pytest.mark.parametrize("off", [1e-15, 1e-12, 1e-9, 1e-3, 1.0, 1e300])
@pytest.mark.parametrize("noise", [0.0, 1e-9])
def test_an_error_and_what_rounding_allows_have_one_unit(off, noise):
    report = check_gradient(lambda x: (1 / noise + x) - 1 / noise if noise else x * 2.0, (0.5,), derivative=1.0 + off)
    error, allowed = report.worst.distance.split(", rounding allows ")
    assert error.split(" ", 1)[1:] == allowed.split(" ", 1)[1:]
