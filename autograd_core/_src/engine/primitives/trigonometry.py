"""Trigonometry, in radians; `atan2` is with the lengths."""

from __future__ import annotations

from .pieces import HUGE_ROOT
from .table import INF, entry

entry("sin", lambda m, x: m.sin(x), lambda m, x, z: (m.cos(x),), latex=r"\sin {0}", summary="Sine of x in radians.")
entry("cos", lambda m, x: m.cos(x), lambda m, x, z: (-m.sin(x),), latex=r"\cos {0}", summary="Cosine of x in radians.")
entry("tan", lambda m, x: m.tan(x), lambda m, x, z: (1 + z * z,), latex=r"\tan {0}", summary="Tangent of x in radians.")
entry(
    "one_minus_square", lambda m, x: (1 - x) * (1 + x), lambda m, x, z: (-2 * x,),
    latex="1 - {0}^2",
    inner=True, summary="1 - x^2, accurate beside -1 and 1; its derivative is accurate beside 0, too.",
)
entry(
    "asin", lambda m, x: m.asin(x), lambda m, x, z: (1 / m.sqrt(m.primitive("one_minus_square", x)),),
    textbook=lambda m, x, z: (1 / m.sqrt(1 - x * x),),
    latex=r"\arcsin {0}", domain=((-1.0, 1.0),), summary="Arc sine, in radians.",
)
entry(
    "acos", lambda m, x: m.acos(x), lambda m, x, z: (-1 / m.sqrt(m.primitive("one_minus_square", x)),),
    textbook=lambda m, x, z: (-1 / m.sqrt(1 - x * x),),
    latex=r"\arccos {0}", domain=((-1.0, 1.0),), summary="Arc cosine, in radians.",
)
entry(
    "atan", lambda m, x: m.atan(x),
    lambda m, x, z: (
        m.to_round(
            lambda: m.where(m.abs(x) < HUGE_ROOT, 1 / (1 + x * x), (1 / x) / (x + 1 / x)), lambda: 1 / (1 + x * x)
        ),
    ),
    latex=r"\arctan {0}", saturates=INF, summary="Arc tangent, in radians.",
)
entry(
    "degrees", lambda m, x: x * (180 / m.pi), lambda m, x, z: (180 / m.pi,),
    summary="An angle in radians as degrees.",
)
entry(
    "radians", lambda m, x: x * (m.pi / 180), lambda m, x, z: (m.pi / 180,),
    summary="An angle in degrees as radians.",
)
