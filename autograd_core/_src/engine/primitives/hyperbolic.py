"""Hyperbolic functions."""

from __future__ import annotations

from typing import Any

from .table import INF, entry


def _tanh_slope(m: Any, x: Any) -> Any:
    def plain() -> Any:
        c = m.cosh(x)
        return 1 / (c * c)

    return m.to_round(lambda: 4 * m.primitive("logistic_pdf", 2 * x), plain)


entry("sinh", lambda m, x: m.sinh(x), lambda m, x, z: (m.cosh(x),), latex=r"\sinh {0}", summary="Hyperbolic sine.")
entry("cosh", lambda m, x: m.cosh(x), lambda m, x, z: (m.sinh(x),), latex=r"\cosh {0}", summary="Hyperbolic cosine.")
entry(
    "tanh", lambda m, x: m.tanh(x), lambda m, x, z: (_tanh_slope(m, x),),
    textbook=lambda m, x, z: (1 - z * z,),
    latex=r"\tanh {0}", saturates=INF, summary="Hyperbolic tangent; 1 - z^2 would be 0 from |x| = 19 on.",
)
entry(
    "asinh", lambda m, x: m.asinh(x), lambda m, x, z: (1 / m.hypot(1, x),),
    textbook=lambda m, x, z: (1 / m.sqrt(1 + x * x),),
    latex=r"\operatorname{{arsinh}} {0}", summary="Inverse hyperbolic sine.",
)
entry(
    "acosh", lambda m, x: m.acosh(x), lambda m, x, z: (1 / (m.sqrt(x - 1) * m.sqrt(x + 1)),),
    textbook=lambda m, x, z: (1 / m.sqrt(x * x - 1),),
    latex=r"\operatorname{{arcosh}} {0}", domain=((1.0, INF),), summary="Inverse hyperbolic cosine.",
)
entry(
    "atanh", lambda m, x: m.atanh(x), lambda m, x, z: (1 / m.primitive("one_minus_square", x),),
    textbook=lambda m, x, z: (1 / (1 - x * x),),
    latex=r"\operatorname{{artanh}} {0}", domain=((-1.0, 1.0),), summary="Inverse hyperbolic tangent.",
)
