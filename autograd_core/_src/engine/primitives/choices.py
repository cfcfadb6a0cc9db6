"""Comparisons, choices, and functions that jump: each has kinks, or derivative 0."""

from __future__ import annotations

from typing import Any

from .pieces import sign_of
from .table import entry


def clipped(m: Any, x: Any, low: Any, high: Any) -> Any:
    """x held from below, then from above; a bound that is NaN is the result, as in NumPy."""

    def careful() -> Any:
        from_below = m.where(x < low, low, m.where(m.equal(low, low), x, low))
        return m.where(from_below > high, high, m.where(m.equal(high, high), from_below, high))

    return m.to_round(careful, lambda: m.min([m.max([x, low]), high]))


for _name, _symbol, _latex, _test in (
    ("lt", "<", "<", lambda m, x, y: x < y),
    ("le", "<=", r"\le", lambda m, x, y: x <= y),
    ("gt", ">", ">", lambda m, x, y: x > y),
    ("ge", ">=", r"\ge", lambda m, x, y: x >= y),
    ("eq", "==", "=", lambda m, x, y: m.equal(x, y)),
):
    entry(
        _name, lambda m, x, y, test=_test: m.where(test(m, x, y), 1, 0), lambda m, x, y, z: (0, 0),
        arity=2, symbol=_symbol, latex=f"{{0}} {_latex} {{1}}",
        kinks=lambda m, x, y: (x - y,), kink="derivative 0, at the jump too",
        ulps=0, summary=f"1.0 where x {_symbol} y, else 0.0.",
    )
entry(
    "ne", lambda m, x, y: m.where(m.equal(x, y), 0, 1), lambda m, x, y, z: (0, 0),
    arity=2, symbol="!=", latex=r"{0} \ne {1}",
    kinks=lambda m, x, y: (x - y,), kink="derivative 0, at the jump too",
    ulps=0, summary="1.0 where x != y, else 0.0.",
)
entry(
    "where",
    lambda m, c, a, b: m.where(m.equal(c, 0), b, a),
    lambda m, c, a, b, z: (0, m.where(m.equal(c, 0), 0, 1), m.where(m.equal(c, 0), 1, 0)),
    arity=3, kinks=lambda m, c, a, b: (c,), kink="the gradient goes to the side that was chosen",
    ulps=0, summary="a where the condition is not 0, else b.",
)
entry(
    "maximum",
    lambda m, x, y: m.to_round(lambda: m.where(x >= y, x, m.where(x < y, y, x + y)), lambda: m.max([x, y])),
    lambda m, x, y, z: (m.where(x < y, 0, 1), m.where(x >= y, 0, 1)),
    arity=2, latex=r"\max\left({0}, {1}\right)", kinks=lambda m, x, y: (x - y,),
    kink="a tie gives all to the first operand", ulps=0, summary="The larger of two; NaN passes.",
)
entry(
    "minimum",
    lambda m, x, y: m.to_round(lambda: m.where(x <= y, x, m.where(x > y, y, x + y)), lambda: m.min([x, y])),
    lambda m, x, y, z: (m.where(x > y, 0, 1), m.where(x <= y, 0, 1)),
    arity=2, latex=r"\min\left({0}, {1}\right)", kinks=lambda m, x, y: (x - y,),
    kink="a tie gives all to the first operand", ulps=0, summary="The smaller of two; NaN passes.",
)
entry(
    "clip",
    clipped,
    lambda m, x, low, high, z: (
        m.where(x < low, 0, m.where(x > high, 0, m.where(low >= high, 0, 1))),
        m.where(x < low, m.where(low > high, 0, 1), m.where(low >= high, m.where(x > low, 0, m.where(low > high, 0, 1)), 0)),
        m.where(m.where(x < low, low, x) > high, 1, 0),
    ),
    arity=3,
    kinks=lambda m, x, low, high: (x - low, x - high, m.where(x < low, low - high, 1)),
    kink="the gradient passes at both bounds; of two equal bounds it goes to low, below and at them",
    ulps=0, summary="x held between low and high; NaN passes, of a bound as well.",
)
entry(
    "sign", sign_of, lambda m, x, z: (m.primitive("step_slope", x),),
    latex=r"\operatorname{{sgn}} {0}", kinks=lambda m, x: (x,), kink="sign' = 0, at 0 too",
    ulps=0, summary="-1, 0 or 1.",
)
entry(
    "copysign", lambda m, x, y: m.copysign(x, m.where(m.equal(y, y), y, 1)),  # the sign of a NaN depends on the machine
    lambda m, x, y, z: (m.primitive("sign", x) * m.copysign(1, m.where(m.equal(y, y), y, 1)), 0),
    arity=2, ulps=0, kinks=lambda m, x, y: (x, y),
    kink="derivative 0 with respect to x at x = 0, as of |x|, and to y everywhere, at the jump too; NaN counts as positive",
    summary="|x| with the sign of y, that of -0.0 too.",
)
entry(
    "floor", lambda m, x: m.floor(x), lambda m, x, z: (m.primitive("step_slope", x),),
    latex=r"\lfloor {0} \rfloor", kinks=lambda m, x: (x - m.floor(x),), kink="derivative 0, at the jumps too",
    ulps=0, summary="The largest integer not above x.",
)
entry(
    "ceil", lambda m, x: m.ceil(x), lambda m, x, z: (m.primitive("step_slope", x),),
    latex=r"\lceil {0} \rceil", kinks=lambda m, x: (x - m.ceil(x),), kink="derivative 0, at the jumps too",
    ulps=0, summary="The smallest integer not below x.",
)
entry(
    "step_slope", lambda m, x: m.to_round(lambda: m.where(m.equal(x, x), 0, x), lambda: 0 * x), lambda m, x, z: (m.primitive("step_slope", x),),
    latex=r"0 \cdot {0}", inner=True, summary="Derivative of a step and of itself: 0, but NaN of NaN.",
)
