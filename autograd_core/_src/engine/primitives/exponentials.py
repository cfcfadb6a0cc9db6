"""Exponentials and logarithms."""

from __future__ import annotations

from .table import INF, entry

entry("exp", lambda m, x: m.exp(x), lambda m, x, z: (z,), latex="e^{{{0}}}", summary="e to the power x.")
entry("expm1", lambda m, x: m.expm1(x), lambda m, x, z: (m.exp(x),), summary="exp(x) - 1, accurate near 0.")
entry("exp2", lambda m, x: m.exp2(x), lambda m, x, z: (z * m.ln2,), latex="2^{{{0}}}", summary="2 to the power x.")
entry(
    "log", lambda m, x: m.log(x), lambda m, x, z: (1 / m.from_above(x),),
    latex=r"\ln {0}", domain=((0.0, INF),), summary="Natural logarithm; log(0) = -inf.",
)
entry(
    "log1p", lambda m, x: m.log1p(x), lambda m, x, z: (1 / (1 + x),),
    domain=((-1.0, INF),), summary="log(1 + x), accurate near 0.",
)
entry(
    "log2", lambda m, x: m.log2(x), lambda m, x, z: (m.log2e / m.from_above(x),),
    textbook=lambda m, x, z: (1 / (x * m.ln2),),
    latex=r"\log_2 {0}", domain=((0.0, INF),), summary="Logarithm to base 2.",
)
entry(
    "log10", lambda m, x: m.log10(x), lambda m, x, z: (m.log10e / m.from_above(x),),
    textbook=lambda m, x, z: (1 / (x * m.log(10)),),
    latex=r"\log_{{10}} {0}", domain=((0.0, INF),), summary="Logarithm to base 10.",
)
