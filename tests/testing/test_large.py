"""Functions of very many inputs: a direction is looked at first, and a wrong entry is still found."""

import math

import pytest

import autograd_core as ag
from autograd_core.testing import Verdict, check_gradient

COUNT = 1000
POINT = [math.sin(3.0 * k) + 0.1 for k in range(COUNT)]
PLACE = 777


def program(xs):
    return ag.sum([ag.sin(x) * x for x in xs])


def slopes(xs):
    return [math.cos(x) * x + math.sin(x) for x in xs]


def with_error(error):
    def wrong(xs):
        found = slopes(xs)
        found[PLACE] += error
        return found

    return wrong


def test_a_right_program_is_right_and_says_what_would_have_been_seen():
    report = check_gradient(program, (POINT,))
    assert report.verdict is Verdict.RIGHT
    assert 0 < report.resolution < 1e-10
    assert report.verified


@pytest.mark.parametrize("error", [1e-3, 1e-8])
def test_one_wrong_entry_of_a_given_derivative_is_named(error):
    report = check_gradient(program, (POINT,), derivative=with_error(error))
    assert report.verdict is Verdict.WRONG
    assert report.worst.where == f"args[0][{PLACE}]"


def test_a_smaller_error_is_below_the_resolution_that_is_stated():
    error = 1e-13
    report = check_gradient(program, (POINT,), derivative=with_error(error))
    assert not report or report.resolution > error


@pytest.mark.parametrize("error", [1e-3, 1e-5])
def test_one_wrong_entry_of_a_foreign_function_is_named(error):
    np = pytest.importorskip("numpy")

    def f(x):
        if x.dtype == object:
            raise TypeError("only plain numbers")
        return float(np.sum(np.sin(x) * x))

    def slope(x, error=0.0):
        found = np.cos(x) * x + np.sin(x)
        found[PLACE] += error
        return found

    point = np.array(POINT)
    assert check_gradient(f, (point,), derivative=slope)
    report = check_gradient(f, (point,), derivative=lambda x: slope(x, error))
    assert report.verdict is Verdict.WRONG
    assert report.worst.where == f"args[0][{PLACE}]"


def test_the_faulty_rule_is_named_though_it_shows_at_one_input():
    @ag.primitive
    def cubed(x):
        return x**3

    @cubed.partials
    def _(x, z):
        return (3 * x**2 + 1e-3 * (x == POINT[PLACE]),)

    report = check_gradient(lambda xs: ag.sum([cubed(x) * x for x in xs]), (POINT,))
    assert report.verdict is Verdict.WRONG
    assert (report.faulty_op, report.worst.where) == ("cubed", f"args[0][{PLACE}]")


def test_a_rule_that_is_wrong_everywhere(planted):
    sin = planted("sin", lambda m, x, z: (-m.cos(x),))
    report = check_gradient(lambda xs: ag.sum([sin(x) * x for x in xs]), (POINT,))
    assert (report.verdict, report.faulty_op) == (Verdict.WRONG, "sin")


def test_a_kink_among_many_inputs_is_one():
    point = [*POINT[:PLACE], 0.0, *POINT[PLACE + 1 :]]
    report = check_gradient(lambda xs: ag.sum([ag.abs(x) for x in xs]), (point,))
    assert report.verdict is Verdict.KINK
    assert report.interval == (-1.0, 1.0)


def test_a_graph_that_is_not_the_whole_function():
    report = check_gradient(lambda xs: ag.sum([ag.sin(x) * x.data for x in xs]), (POINT,))
    assert report.verdict is Verdict.WRONG


def test_several_results_of_many_inputs():
    report = check_gradient(lambda xs: [program(xs), ag.dot(xs, xs)], (POINT,))
    assert report.verdict is Verdict.RIGHT
    wrong = [slopes(POINT), [2 * x + (k == PLACE) for k, x in enumerate(POINT)]]
    report = check_gradient(lambda xs: [program(xs), ag.dot(xs, xs)], (POINT,), derivative=wrong)
    assert report.worst.where == f"result[1] / args[0][{PLACE}]"
