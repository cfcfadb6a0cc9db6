"""At a minimum of a function of very many inputs, floats tell that every derivative is 0."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.testing import recorded_functions
from autograd_core._src.testing.directions import seeds_of
from autograd_core._src.testing.proofs import exact_values, local_slopes, many_inputs, path_sums, recording, reference
from autograd_core._src.testing.proofs.exact_values import rounded_values
from autograd_core._src.testing.proofs.flat_graph import FlatGraph
from autograd_core._src.testing.proofs.level_sweeps import Levels, levels_of
from autograd_core._src.testing.proofs.path_sums import PathSums
from autograd_core.testing import Verdict, check_gradient

pytest.importorskip("numpy")

COUNT, PLACE = 1000, 777


def numbers(n, step):
    return [1.5 + math.sin(step * k) for k in range(n)]


def stationary(n):
    """Functions by name, each with a point where all of its derivatives are 0, or would be but for rounding."""
    a, w = numbers(n, 3.0), numbers(n, 5.0)
    products, means = [p * q for p, q in zip(a, w, strict=True)], [math.exp(x) for x in a]
    return {
        "Rosenbrock": (lambda xs: sum(100 * (y - x * x) ** 2 + (1 - x) ** 2 for x, y in pairwise(xs)), [1.0] * n),
        "squares": (lambda xs: sum(x * x for x in xs), [0.0] * n),
        "distance": (lambda xs: ag.sum([(x - y) ** 2 for x, y in zip(xs, a, strict=True)]), a),
        "weighted": (lambda xs: sum(q * (x - y) * (x - y) for x, y, q in zip(xs, a, w, strict=True)), a),
        "product": (lambda xs: sum(x * y for x, y in pairwise(xs)), [0.0] * n),
        "of a dot product": (lambda xs: ag.exp(ag.dot(xs, xs)), [0.0] * n),
        "hyperbolic": (lambda xs: sum(ag.cosh(x) - ag.cos(x) for x in xs), [0.0] * n),
        "roots": (lambda xs: sum((ag.sqrt(x) - 3.0) ** 2 / x for x in xs), [9.0] * n),
        "likelihood, normal": (lambda xs: sum(ag.log(s) + 0.5 * (y / s) ** 2 for s, y in zip(xs, a, strict=True)), a),
        "likelihood, Poisson": (lambda xs: sum(ag.exp(x) - m * x for x, m in zip(xs, means, strict=True)), a),
        "likelihood, logistic": (lambda xs: sum(ag.softplus(-x) + ag.softplus(x) for x in xs), [0.0] * n),
        "quadratic": (lambda xs: sum(0.5 * q * x * x - q * y * x for x, y, q in zip(xs, a, w, strict=True)), a),
        "least squares": (lambda xs: sum((q * x - b) ** 2 for x, q, b in zip(xs, w, products, strict=True)), a),
        "least squares of neighbours": (
            lambda xs: sum(
                (q * x + y - (q * b + c)) ** 2 for x, y, q, b, c in zip(xs, xs[1:], w, a, a[1:], strict=False)
            ),
            a,
        ),
    }


NAMES = sorted(stationary(2))
LOST = {"least squares", "least squares of neighbours"}  # q x was rounded as b was: the true residual is that rounding, of which 0 has no digit
SHOWING = {"likelihood, Poisson", "quadratic"}  # terms that cancel but for rounding
CANCELLING = {"likelihood, normal", "likelihood, logistic"}  # terms that cancel exactly


@pytest.mark.parametrize("name", NAMES)
def test_floats_tell_that_derivatives_are_0_in_steps_linear_in_them(monkeypatch, name):
    seen = []

    def counted(module, called, size):
        before = getattr(module, called)
        monkeypatch.setattr(module, called, lambda *args: seen.append(size(*args)) or before(*args))

    counted(many_inputs, "quickly", lambda node, moves: len(moves))
    counted(exact_values, "value_of", lambda m, row, xs: len(xs))
    counted(reference, "read", lambda m, row, xs: len(xs))
    monkeypatch.setattr(many_inputs, "along_a_direction", None)
    counts = []
    for n in (COUNT, 2 * COUNT):
        seen.clear()
        f, point = stationary(n)[name]
        report = check_gradient(f, (point,))
        assert report.verdict is (Verdict.ILL_CONDITIONED if name in LOST else Verdict.RIGHT)
        assert report.verified
        assert report.resolution < 1e-10
        counts.append(sum(seen))
    assert counts[1] <= 2.1 * counts[0]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_exact_is_the_same_node_by_node(monkeypatch, name):
    f, point = stationary(COUNT)[name]
    report = check_gradient(f, (point,))
    monkeypatch.setattr(path_sums, "levels_of", lambda flat: None)
    assert check_gradient(f, (point,)).verdict is report.verdict


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [1e-3, 1e-9])
def test_a_wrong_factor_is_seen_where_it_moves_a_derivative(monkeypatch, name, share):
    @ag.primitive
    def same(x):
        return x

    @same.partials
    def _(x, z):
        return (1.0 + share,)

    if name not in CANCELLING:
        monkeypatch.setattr(many_inputs, "along_a_direction", None)
    f, point = stationary(COUNT)[name]
    report = check_gradient(lambda xs: f([same(x) if k == PLACE else x for k, x in enumerate(xs)]), (point,))
    if name in SHOWING:
        assert (report.verdict, report.faulty_op) == (Verdict.WRONG, "same")
    else:  # 0 times any factor is 0
        assert report.verdict is (Verdict.ILL_CONDITIONED if name in LOST else Verdict.RIGHT)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("error", [1e-3, 1e-9])
def test_a_derivative_that_is_not_0_is_seen(name, error):
    @ag.primitive
    def nothing(x):
        return 0.0 * x

    @nothing.partials
    def _(x, z):
        return (error,)

    f, point = stationary(COUNT)[name]
    report = check_gradient(lambda xs: f(xs) + nothing(xs[PLACE]), (point,))
    assert (report.verdict, report.faulty_op) == (Verdict.WRONG, "nothing")
    slopes = [error * (k == PLACE) for k in range(COUNT)]
    report = check_gradient(f, (point,), derivative=slopes)
    assert report.verdict is Verdict.WRONG
    assert report.worst.where == f"args[0][{PLACE}]"


NOISE = {  # what another program for the derivative may leave where inputs are not 0
    "none": lambda k: 0.0,
    "at one input": lambda k: 1e-16 * (k == PLACE),
    "at all inputs": lambda k: 1e-16 * math.sin(k),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("noise", sorted(NOISE))
def test_a_derivative_of_0_that_is_given_is_right(monkeypatch, name, noise):
    """In floats alone, even where all digits of the graph's own derivative are rounding."""
    monkeypatch.setattr(many_inputs, "along_a_direction", None)
    monkeypatch.setattr(many_inputs, "Judge", None)
    monkeypatch.setattr(recorded_functions, "Judge", lambda *args, **kwargs: None)
    f, point = stationary(COUNT)[name]
    report = check_gradient(f, (point,), derivative=[NOISE[noise](k) * (x != 0) for k, x in enumerate(point)])
    assert report.verdict is Verdict.RIGHT
    assert report.resolution < 1e-8


@pytest.mark.parametrize("name", sorted({*NAMES} & {"Rosenbrock", "least squares", "least squares of neighbours"}))
@pytest.mark.parametrize("error", [1e-6, 1e-9, 1e-11])
def test_a_given_derivative_that_is_off_by_more_is_not(name, error):
    f, point = stationary(COUNT)[name]
    report = check_gradient(f, (point,), derivative=[error * (k == PLACE) for k in range(COUNT)])
    assert (report.verdict, report.worst.where) == (Verdict.WRONG, f"args[0][{PLACE}]")


def test_short_sums_of_one_length_are_evaluated_together(monkeypatch):
    evaluated = []
    before = Levels._chains
    monkeypatch.setattr(Levels, "_chains", lambda *args: evaluated.append(args[1]) or before(*args))
    counts = []
    for n in (COUNT, 2 * COUNT):
        evaluated.clear()
        f, point = stationary(n)["least squares of neighbours"]
        check_gradient(f, (point,))
        counts.append(len(evaluated))
    assert counts[0] == counts[1] > 0


def test_local_derivatives_of_a_wide_node_at_0_take_its_largest_operand_once(monkeypatch):
    looked = []
    before = local_slopes._largest
    monkeypatch.setattr(local_slopes, "_largest", lambda xs: looked.append(xs) or before(xs))
    m, primitive, n = local_slopes.number_system(50), PRIMITIVES["dot"], 200
    xs = [m.number(0)] * n
    slopes = local_slopes.slopes_of(m, primitive, xs, m.number(0), [True] * n)
    assert not any(slopes.exact)
    assert len(looked) < 10


@pytest.mark.parametrize("name", NAMES)
def test_the_terms_of_a_derivative_are_the_same_level_by_level(name):
    f, point = stationary(300)[name]
    inputs = [ag.Value(x) for x in point]
    rec = recording.Recording(lambda xs: xs, inputs, [""] * len(inputs), [f(inputs)], [""])
    paths = PathSums(rec, seeds_of(1))
    paths.unseen = [0.0] * len(rec.flat.steep)
    levels = levels_of(rec.flat)
    if levels is not None:
        by_level, by_node = paths.level_by_level(0, levels), paths.node_by_node(0)
        assert by_level.terms == pytest.approx(by_node.terms, rel=1e-12, abs=1e-300)
        assert by_level.clear() == by_node.clear()


BINARY = {
    "add": (lambda x, y: x + y, lambda x, y, z: x + y == z),
    "sub": (lambda x, y: x - y, lambda x, y, z: x - y == z),
    "mul": (lambda x, y: x * y, lambda x, y, z: x * y == z),
    "div": (lambda x, y: x / y, lambda x, y, z: y * z == x),
    "square": (lambda x, y: ag.square(x), lambda x, y, z: x * x == z),
    "pow": (lambda x, y: x**2.0, lambda x, y, z: x * x == z),
    "cube": (lambda x, y: x**3.0, lambda x, y, z: x * x * x == z),
    "sqrt": (lambda x, y: ag.sqrt(x), lambda x, y, z: z * z == x),
    "sum": (lambda x, y: ag.sum([x, y, x]), lambda x, y, z: 2 * x + y == z),
    "dot": (lambda x, y: ag.dot([x, y], [y, y]), lambda x, y, z: x * y + y * y == z),
    "abs": (lambda x, y: ag.abs(x), lambda x, y, z: abs(x) == z),
    "maximum": (lambda x, y: ag.maximum(x, y), lambda x, y, z: max(x, y) == z),
    "exp": (lambda x, y: ag.exp(x), lambda x, y, z: (x, z) == (0, 1)),
}
SHORT = st.integers(-64, 64).map(float)


@pytest.mark.parametrize("name", BINARY)
@given(x=st.floats(-1e300, 1e300) | SHORT, y=st.floats(-1e300, 1e300) | SHORT)
@example(x=9.0, y=3.0)
@example(x=0.0, y=2.0)
@example(x=5e-324, y=0.5)
@example(x=1e-170, y=1e-170)
@example(x=1e300, y=-1e300)
def test_a_value_that_counts_as_exact_is(name, x, y):
    f, holds = BINARY[name]
    inputs = [ag.Value(x), ag.Value(y)]
    try:
        z = f(*inputs)
    except (ag.DomainError, ZeroDivisionError, ValueError, OverflowError):
        return
    flat = FlatGraph(inputs, [z])
    if not math.isfinite(z.data) or not flat.nodes:
        return
    exact = not rounded_values(flat)[flat.place[z]]
    assert exact <= holds(Fraction(x), Fraction(y), Fraction(z.data))
    if all(v == int(v) and abs(v) <= 64 for v in (x, y)) and name not in ("div", "sqrt", "exp"):
        assert exact
