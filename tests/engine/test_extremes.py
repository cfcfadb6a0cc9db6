"""Derivatives of orders 1 to 3 with operands of any magnitude: finite and accurate where the exact ones can be stored.

A rule is a product of factors that may over- or underflow although the product does neither, so each primitive is
tried where its operands are of all sizes, up to both ends of the range.
"""

import itertools
import math
import sys
from pathlib import Path

import mpmath
import pytest

import autograd_core as ag
from autograd_core._src.engine.ops import PRIMITIVES

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from references import definitions

SIZES = [2.0**k for k in (-1030, -1000, -700, -350, -100, -1, 3, 100, 350, 700, 1000)]
LEAST, MOST = 2.0**-980, 2.0**1000  # exact derivatives beyond leave no margin
FEW = 1e-12  # what rounding costs a third derivative, far more than a first
MP = mpmath.MPContext()

# Their thousands of digits take minutes; tests/number_systems/test_gamma.py has them.
SLOW = {"lgamma", "digamma"}
UNARY = [
    name
    for name, p in PRIMITIVES.items()
    if p.arity == 1 and not p.inner and name not in SLOW and hasattr(ag, name) and name in definitions(MP)
]
BINARY = {
    "mul": lambda x, y: x * y, "div": lambda x, y: x / y, "pow": lambda x, y: x**y, "hypot": ag.hypot, "atan2": ag.atan2,
}  # fmt: skip


def limited(name, xs, which):
    """Where a derivative may be infinite though it is not: a partial of a factor alone is beyond the range."""
    third = len(which) == 3
    return third and (name == "atan2" or (name == "hypot" and math.hypot(*xs) < 2.0**-480))  # 1 / |v|^2


def exact(name, xs, which):
    """The derivative of the definition, by differences of hundreds of digits; None where there is none."""
    # A third derivative is what is left of f(x) after losing the digits of x⁻²: by as many more is f computed.
    MP.dps = 80 + 4 * max(abs(math.frexp(x)[1]) * 3 // 10 for x in xs)
    f = definitions(MP)[name]
    orders = tuple(which.count(i) for i in range(len(xs)))
    at = [*map(MP.mpf, xs)]
    try:  # by steps relative to the operands
        found = MP.diff(lambda *t: f(*(x * (1 + u) for x, u in zip(at, t, strict=True))), (0,) * len(at), orders)
        found /= MP.fprod(at[i] for i in which)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    if not isinstance(found, MP.mpf):
        return None
    rounding = abs(f(*at)) * MP.mpf(10) ** (20 - MP.dps)
    if abs(found * MP.fprod(at[i] for i in which)) < rounding:
        return None  # it is 0
    return found if LEAST < abs(found) < MOST else None


def derivative(f, which):
    for i in which:
        f = ag.grad(f, argnums=i)
    return f


def off(name, f, xs, which):
    """A message, if the derivative by those operands at that point is wrong."""
    if limited(name, xs, which) or (wanted := exact(name, xs, which)) is None:
        return None
    found = derivative(f, which)(*xs)
    if math.isfinite(found) and abs(found - wanted) <= FEW * abs(wanted):
        return None
    return f"{name}{xs}, derivative by {which}: {found}, not {MP.nstr(wanted, 6)}"


@pytest.mark.parametrize("name", UNARY)
def test_derivatives_of_one_operand_of_any_size(name):
    points = [(sign * x,) for x in (2.0**-1030, 2.0**-350, 2.0**-100, 0.5, 9.7) for sign in (1, -1)]
    wrong = [off(name, getattr(ag, name), xs, (0,) * order) for xs in points for order in (1, 2, 3)]
    assert not [*filter(None, wrong)]


@pytest.mark.parametrize("name", BINARY)
def test_derivatives_of_two_operands_of_any_size(name):
    exponents = [*SIZES[:5:2], 0.5, -3.0] if name == "pow" else SIZES[::3]
    points = [(x, y) for x in SIZES[::5 if name == "pow" else 3] for y in exponents]
    wrong = [
        off(name, BINARY[name], xs, which)
        for xs in points
        for order in (1, 2, 3)
        for which in itertools.combinations_with_replacement((0, 1), order)
    ]
    assert not [*filter(None, wrong)]


@pytest.mark.parametrize(
    ("xs", "which", "wanted"),
    [
        ((1e-310, 1e-310), (0,), 1.0),  # y x^(y - 1), whose power is infinite
        ((1e-160, 1e-160), (0, 0), -1e160),
        ((1 + 2**-52, 2.0**61.49), (1,), None),  # x^y log(x), whose power is infinite
    ],
)
def test_powers_whose_factor_alone_leaves_the_range(xs, which, wanted):
    wanted = float(exact("pow", xs, which)) if wanted is None else wanted
    f = derivative(lambda x, y: x**y, which)
    assert f(*xs) == pytest.approx(wanted, rel=1e-12)
    g = ag.compile(lambda x, y: x**y, 2.0, 3.0)
    of_batch = ag.compile(lambda x, y: x**y, 2.0, 3.0, in_axes=0)
    if len(which) == 1:
        [i] = which
        assert g.value_and_grad(*xs)[1][i] == pytest.approx(wanted, rel=1e-12)
        rows = of_batch.value_and_grad([xs[0]] * 9, [xs[1]] * 9)[1][i]
        assert rows.tolist() == [g.value_and_grad(*xs)[1][i]] * 9
    else:
        assert float(g.hessian(*xs)[0][0]) == pytest.approx(wanted, rel=1e-12)
