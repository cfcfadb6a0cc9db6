"""Dual numbers read every rule: one derivative from the partials, a second one from duals over duals."""

import mpmath
import pytest
from strategies import inside

import autograd_core as ag
from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.number_systems.dual import Dual, DualNumbers
from autograd_core._src.number_systems.floats import FLOATS, Double
from autograd_core._src.number_systems.high_precision import HighPrecision

D = DualNumbers(FLOATS)
SAMPLES = {1: (0.4,), 2: (0.7, 1.3), 3: (0.3, 1.9, 2.2), None: (0.7, -1.3, 2.2, 0.4)}
TANGENTS = (1.0, -2.0, 0.5, 3.0)
INSIDE = {"zeta": (3.0, 1.3)}
FIXED = {("zeta", 0)}  # operands to which a primitive has no derivative


def sample(primitive):
    return inside(primitive, INSIDE.get(primitive.name, SAMPLES[primitive.arity]))


@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=PRIMITIVES)
def test_the_tangent_is_what_the_partials_give(primitive):
    if primitive.name == "stop_gradient":  # by its text it is its operand
        assert float(D.apply("stop_gradient", Dual(D, Double(2.0), Double(1.0))).tangent) == 0.0
        return
    xs = sample(primitive)
    z, partials = evaluate(primitive, xs)
    tangents = [0.0 if (primitive.name, i) in FIXED else t for i, t in enumerate(TANGENTS)]
    expected = sum(d * t for d, t in zip(partials, tangents) if t)
    duals = [Dual(D, Double(x), Double(t)) for x, t in zip(xs, tangents)]
    for found in (D.apply(primitive.name, *duals), primitive.value(D, *duals)):  # the rule itself, and its text on dual numbers
        found = D.number(found)
        assert float(found.value) == pytest.approx(z, rel=4e-16)
        assert float(found.tangent) == pytest.approx(expected, rel=2e-14, abs=1e-15)


@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=PRIMITIVES)
def test_second_derivatives_to_fifty_digits(primitive):
    """Duals over duals over 50 digits, against mpmath's differences of the value at 150."""
    m, reference = HighPrecision(50), HighPrecision(150)
    inner = DualNumbers(m)
    outer = DualNumbers(inner)
    xs = sample(primitive)
    for i in range(len(xs)):
        if (primitive.name, i) in FIXED:
            continue
        duals = []
        for j, x in enumerate(xs):
            one = m.number(1 if i == j else 0)
            below = Dual(inner, m.number(x), one)
            duals.append(Dual(outer, below, inner.number(one)))
        found = outer.number(primitive.value(outer, *duals)).tangent.tangent
        mp = reference.context

        def along(x, i=i, mp=mp):
            operands = [reference.number(u) for u in xs]
            operands[i] = x
            return mp.convert(primitive.value(reference, *operands))

        x, h = mp.mpf(xs[i]), mp.mpf(10) ** -40
        expected = (along(x + h) - 2 * along(x) + along(x - h)) / h**2
        assert abs(mp.mpf(found) - expected) < mp.mpf(10) ** -45 * (1 + abs(expected)) * 10**5


def test_arithmetic_with_plain_numbers_on_either_side():
    x = Dual(D, Double(2.0), Double(1.0))
    for found, tangent in ((x + 1, 1), (1 + x, 1), (x - 1, 1), (1 - x, -1), (3 * x, 3), (x * 3, 3), (x / 2, 0.5)):
        assert found.tangent == tangent
    assert (1 / x).tangent == -0.25
    assert (-x).tangent == -1
    assert (+x).tangent == 1
    assert x > 1
    assert x >= 2
    assert x < 3
    assert x <= 2
    assert not D.equal(x, 1)
    assert D.where(x > 1, x, 0).tangent == 1
    assert repr(x) == "Dual(2.0, 1.0)"
    assert D.number(x) is x
    assert D.number(3.0).tangent == 0


def test_a_zero_tangent_stops_an_infinite_partial():
    x = Dual(D, Double(0.0), Double(0.0))
    assert D.sqrt(x).tangent == 0
    assert D.norm([x, x]).tangent == 0


def test_against_the_transforms():
    f = lambda m, x: m.sin(x) * m.exp(x * x) / (1 + m.abs(x))
    found = f(D, Dual(D, Double(0.7), Double(1.0))).tangent
    _, tangent = ag.jvp(lambda x: f(ag, x), (0.7,), (1.0,))
    slope = mpmath.diff(lambda x: mpmath.sin(x) * mpmath.exp(x * x) / (1 + x), 0.7)
    assert found == pytest.approx(tangent, rel=1e-15)
    assert found == pytest.approx(float(slope), rel=1e-14)
