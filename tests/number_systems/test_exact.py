"""Fractions: what can stay exact does, value and partials."""

import math
from fractions import Fraction as F

import pytest

from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.number_systems.exact import EXACT

X, Y = F(-2, 3), F(5, 7)
EXACTLY = [
    ("pos", (X,), X, (1,)),
    ("neg", (X,), -X, (-1,)),
    ("add", (X, Y), X + Y, (1, 1)),
    ("sub", (X, Y), X - Y, (1, -1)),
    ("mul", (X, Y), X * Y, (Y, X)),
    ("div", (X, Y), X / Y, (1 / Y, -X / Y**2)),
    ("div", (F(1, 10**400), Y), F(1, 10**400) / Y, (1 / Y, -F(1, 10**400) / Y**2)),  # not a double, and still exact
    ("abs", (X,), -X, (-1,)),
    ("path_product", (X, Y), X * Y, (Y, X)),
    ("sign", (X,), -1, (0,)),
    ("floor", (X,), -1, (0,)),
    ("ceil", (Y,), 1, (0,)),
    ("relu", (Y,), Y, (1,)),
    ("relu", (X,), 0, (0,)),
    ("leaky_relu", (X, F(1, 10)), X / 10, (F(1, 10), X)),
    ("maximum", (X, Y), Y, (0, 1)),
    ("minimum", (X, Y), X, (1, 0)),
    ("clip", (X, F(0), F(1)), 0, (0, 1, 0)),
    ("where", (F(1), X, Y), X, (0, 1, 0)),
    ("lt", (X, Y), 1, (0, 0)),
    ("eq", (X, X), 1, (0, 0)),
    ("ne", (X, X), 0, (0, 0)),
    ("sum", (X, Y, X), 2 * X + Y, (1, 1, 1)),
    ("dot", (X, Y, Y, X), 2 * X * Y, (Y, X, X, Y)),
    ("mean", (X, Y), (X + Y) / 2, (F(1, 2), F(1, 2))),
    ("prod", (X, Y, F(2)), 2 * X * Y, (2 * Y, 2 * X, X * Y)),
    ("max", (X, Y), Y, (0, 1)),
    ("min", (X, Y), X, (1, 0)),
]


@pytest.mark.parametrize(("name", "xs", "value", "partials"), EXACTLY)
def test_exact(name, xs, value, partials):
    z, local = evaluate(PRIMITIVES[name], xs)
    assert (z, local) == (value, partials)
    assert all(isinstance(x, F) for x in (z, *local))


@pytest.mark.parametrize("exponent", [F(3), F(0), F(-2), 3, 0, -2])
def test_whole_powers(exponent):
    z, (slope, _) = evaluate(PRIMITIVES["pow"], (X, exponent))
    assert z == X**exponent
    assert slope == exponent * X ** (exponent - 1)
    assert isinstance(z, F)
    assert isinstance(slope, F)


def test_what_no_fraction_holds_is_a_float():
    z, (slope, _) = evaluate(PRIMITIVES["pow"], (F(1, 4), F(1, 2)))
    assert (z, slope) == (0.5, 1.0)
    z, partials = evaluate(PRIMITIVES["sin"], (F(1, 2),))
    assert (z, *partials) == (math.sin(0.5), math.cos(0.5))
    assert type(z) is float
    assert EXACT.floor(2.5) == 2.0
    assert EXACT.ceil(2.5) == 3.0


def test_division_by_zero_is_that_of_doubles():
    assert evaluate(PRIMITIVES["div"], (F(1), F(0)))[0] == math.inf
    assert evaluate(PRIMITIVES["pow"], (F(0), F(-1)))[0] == math.inf
