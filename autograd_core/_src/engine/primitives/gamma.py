"""The gamma function's logarithm, and the derivatives of that."""

from __future__ import annotations

from typing import Any

from .table import INF, NAN, entry


def trigamma(m: Any, x: Any) -> Any:
    """digamma'(x) = zeta(2, x), on the left of 0 by reflection."""

    def careful() -> Any:
        f = x - m.floor(x)
        r = m.where(m.abs(x) <= 0.5, x, m.where(f > 0.5, f - 1, f))
        root = m.pi / m.sin(m.pi * r)
        right = m.zeta(2, m.where(x < 0, 1 - x, x))
        return m.where(x < 0, root * root - right, right)

    return m.to_round(careful, lambda: m.zeta(2, x))


entry(
    "lgamma", lambda m, x: m.lgamma(x), lambda m, x, z: (m.digamma(x),),
    latex=r"\ln \left|\Gamma\left({0}\right)\right|", kinks=lambda m, x: (m.where(x > 0, 1, x - m.floor(x)),),
    kink="at its poles 0, -1, -2, ... the derivative is that of digamma: -inf at 0, inf at -0.0, NaN at the others",
    summary="Logarithm of the absolute value of the gamma function.",
)
entry(
    "digamma", lambda m, x: m.digamma(x), lambda m, x, z: (trigamma(m, x),),
    latex=r"\psi\left({0}\right)", kinks=lambda m, x: (m.where(x > 0, 1, x - m.floor(x)),),
    kink="at its poles 0, -1, -2, ... the derivative is inf, its limit from both sides",
    summary="Derivative of lgamma.",
)
entry(
    "zeta", lambda m, s, x: m.zeta(s, x), lambda m, s, x, z: (NAN, -s * m.zeta(s + 1, x)),
    arity=2, latex=r"\zeta\left({0}, {1}\right)", domain=((1.0, INF), (0.0, INF)), inner=True,
    summary="Hurwitz's zeta function, sum of (x + k)^-s; the rules ask for whole s, and no derivative with respect to it.",
)
