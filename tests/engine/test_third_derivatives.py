"""Third derivatives of functions of two numbers keep their digits, where a form of them would cancel, too."""

import itertools
import math
import sys
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.value_system import VALUES

pytest.importorskip("mpmath")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from references import definitions, exact_derivative, mpmath

# Beside an axis, a tie, the origin, and where nothing is special.
NUMBERS = (1e-17, 7.465699094276955e-10, 1.0062573967800014e-09, -1e-5, 0.3, 2.0)
SMOOTH = sorted(
    p.name
    for p in PRIMITIVES.values()
    if p.name in definitions(mpmath.mp) and not p.parts and (p.arity == 2 or p.lists == 1)
    if not p.exact_partials and (p.kinks is None or p.name in {"hypot", "norm", "atan2", "cosine", "angle_slope"})
    if p.name not in {"path_product", "zeta", "largest", "others", "leading", "exp_less", "power_base"}
)


def spread(name, xs, orders, exact):
    """By how much the derivative changes where an operand is the next double."""
    found = mpmath.mpf(0)
    for i, x in enumerate(xs):
        beside = (*xs[:i], math.nextafter(x, math.inf), *xs[i + 1 :])
        found += abs(exact_derivative(name, beside, orders) - exact)
    return found


def test_which_functions_are_tried():
    assert {"logaddexp", "logsumexp", "cross_entropy", "atan2", "hypot", "norm", "pow", "div", "prod"} <= set(SMOOTH)


@pytest.mark.parametrize("name", SMOOTH)
def test_third_derivatives_of_two_operands(name):
    domain, judged = PRIMITIVES[name].domain, 0
    for xs in itertools.product(NUMBERS, NUMBERS):
        if not all(low <= x <= high for x, (low, high) in zip(xs, domain * (2 // len(domain)), strict=True)):
            continue
        for order in itertools.product((0, 1), repeat=3):
            operands = [ag.Value(x) for x in xs]
            y = VALUES.primitive(name, *operands)
            for i in order:
                [y] = ag.grad_of(y, [operands[i]], create_graph=True)
            orders = (order.count(0), order.count(1))
            exact = exact_derivative(name, xs, orders)
            off = abs(y.data - exact)
            if off > 1e-14 * abs(exact):
                assert off <= 1e-12 * abs(exact) + 8 * spread(name, xs, orders, exact), (xs, order, y.data, float(exact))
            judged += 1
    assert judged >= 8 * 5 * 6
