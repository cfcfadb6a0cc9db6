"""Sums, products and quotients of two numbers, the absolute value, the square, and what stops a gradient."""

from __future__ import annotations

from typing import Any

from .pieces import SCALE
from .table import entry


def quotient_slope(m: Any, x: Any, y: Any, z: Any) -> Any:
    """x / y^2, scaled where x / y falls into the subnormals and would lose digits."""
    # A guard of the arithmetic, not a kink: both forms are one number, so graphs hold one of them and no node of the
    # choice (`NumberSystem.choose_form`).
    scale = m.number(SCALE)
    return m.choose_form((z,), is_nearly_subnormal, lambda: ((x * scale) / y) / y / scale, lambda: z / y)


def is_nearly_subnormal(m: Any, z: Any) -> Any:
    """Whether z is not 0, and so small that a part of it would lose digits."""
    return m.abs(z) < m.where(m.equal(z, 0), 0, m.tiny(z))


entry("pos", lambda m, x: +x, lambda m, x, z: (1,), symbol="+", latex="{0}", ulps=0, exact_partials=True, summary="The operand itself.")
entry("neg", lambda m, x: -x, lambda m, x, z: (-1,), symbol="-", latex="-{0}", ulps=0, exact_partials=True, summary="The negative.")
entry(
    "add", lambda m, x, y: x + y, lambda m, x, y, z: (1, 1),
    arity=2, symbol="+", latex="{0} + {1}", ulps=0.5, exact_partials=True, summary="Sum of two numbers.",
)
entry(
    "sub", lambda m, x, y: x - y, lambda m, x, y, z: (1, -1),
    arity=2, symbol="-", latex="{0} - {1}", ulps=0.5, exact_partials=True, summary="Difference of two numbers.",
)
entry(
    "mul", lambda m, x, y: x * y, lambda m, x, y, z: (y, x),
    arity=2, symbol="*", latex=r"{0} \cdot {1}", ulps=0.5, exact_partials=True, summary="Product of two numbers.",
)
entry(
    "div", lambda m, x, y: x / y, lambda m, x, y, z: (1 / y, -quotient_slope(m, x, y, z)),
    textbook=lambda m, x, y, z: (1 / y, -x / (y * y)),
    arity=2, symbol="/", latex=r"\frac{{{0}}}{{{1}}}", ulps=0.5, summary="Quotient of two numbers.",
)
entry(
    "abs", lambda m, x: m.abs(x), lambda m, x, z: (m.primitive("sign", x),),
    latex=r"\left|{0}\right|", kinks=lambda m, x: (x,), kink="|x|' = 0 at x = 0",
    ulps=0, summary="Absolute value.",
)
entry(
    "square", lambda m, x: x * x, lambda m, x, z: (2 * x,),
    latex="{0}^2", summary="x * x.",
)
entry(
    "stop_gradient", lambda m, x: x, lambda m, x, z: (0,),
    latex="{0}", inner=True, ulps=0, summary="x with derivative 0: what `detach()` and `no_grad()` are in a program.",
)
entry(
    "path_product",
    lambda m, x, y: m.where(m.equal(x, 0), 0, m.where(m.equal(y, 0), 0, x * y)),
    lambda m, x, y, z: (y, x),
    arity=2, symbol="*", latex=r"{0} \cdot {1}",
    inner=True, summary="Local derivative times adjoint: a product in which 0 wins over infinity and NaN.",
)
