"""Error functions and the normal distribution."""

from __future__ import annotations

from .pieces import far_out
from .table import INF, entry

entry(
    "gaussian", lambda m, x: m.gaussian(x), lambda m, x, z: (
        far_out(m, lambda: m.equal(m.abs(x), INF), lambda: 0, lambda: -2 * (x * z)),
    ),
    latex="e^{{-{0}^2}}", summary="exp(-x^2), accurate far out.",
)
entry(
    "erf", lambda m, x: m.erf(x), lambda m, x, z: (m.two_over_sqrt_pi * m.gaussian(x),),
    textbook=lambda m, x, z: (m.two_over_sqrt_pi * m.exp(-(x * x)),),
    latex=r"\operatorname{{erf}} {0}", saturates=INF, summary="Error function.",
)
entry(
    "erfc", lambda m, x: m.erfc(x), lambda m, x, z: (-m.two_over_sqrt_pi * m.gaussian(x),),
    textbook=lambda m, x, z: (-m.two_over_sqrt_pi * m.exp(-(x * x)),),
    latex=r"\operatorname{{erfc}} {0}", saturates=INF, summary="1 - erf(x), accurate far out.",
)
entry(
    "normal_pdf", lambda m, x: m.normal_pdf(x), lambda m, x, z: (
        far_out(m, lambda: m.equal(m.abs(x), INF), lambda: 0, lambda: -x * z),
    ),
    latex=r"\varphi\left({0}\right)", summary="Density of the standard normal distribution.",
)
entry(
    "normal_cdf", lambda m, x: m.normal_cdf(x), lambda m, x, z: (m.normal_pdf(x),),
    latex=r"\Phi\left({0}\right)", saturates=INF, summary="Distribution function of the standard normal distribution.",
)
