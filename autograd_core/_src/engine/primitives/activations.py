"""Activations of units: sigmoid, relu and their kin; `tanh` is with the hyperbolic functions."""

from __future__ import annotations

from typing import Any

from .pieces import far_out
from .table import INF, entry


def logistic(m: Any, x: Any) -> Any:
    """1 / (1 + exp(-x)) without overflow, and without cancellation on the left."""

    def careful() -> Any:
        e = m.exp(m.where(x < 0, x, -x))  # not -|x|, whose derivative at 0 is that of a kink
        return m.where(x < 0, e / (1 + e), 1 / (1 + e))

    return m.to_round(careful, lambda: 1 / (1 + m.exp(-x)))


def logistic_slope(m: Any, x: Any) -> Any:
    """exp(-|x|) / (1 + exp(-|x|))^2; z (1 - z) loses every digit where z rounds to 1."""
    e = m.exp(m.to_round(lambda: m.where(x < 0, x, -x), lambda: -x))
    return e / ((1 + e) * (1 + e))


def not_above(m: Any, x: Any, bound: int) -> Any:
    """min(x, bound), for the side of a choice where x is not above it: so nothing overflows on the other."""
    return m.to_round(lambda: m.where(x > bound, bound, x), lambda: x)


entry(
    "sigmoid", logistic, lambda m, x, z: (m.primitive("logistic_pdf", x),),
    textbook=lambda m, x, z: (z * (1 - z),),
    latex=r"\sigma\left({0}\right)", saturates=INF, summary="Logistic function 1 / (1 + exp(-x)).",
)
entry(
    "logistic_pdf", logistic_slope, lambda m, x, z: (-z * m.tanh(x / 2),),
    latex=r"\sigma'\left({0}\right)",
    inner=True, summary="Density of the logistic distribution, sigmoid(x) sigmoid(-x).",
)
entry(
    "softplus",
    lambda m, x: m.to_round(lambda: m.where(x > 0, x, 0) + m.log1p(m.exp(-m.abs(x))), lambda: m.log(1 + m.exp(x))),
    lambda m, x, z: (m.primitive("sigmoid", x),),
    saturates=INF, latex=r"\log\left(1 + e^{{{0}}}\right)", summary="log(1 + exp(x)), a smooth relu.",
)
entry(
    "relu", lambda m, x: m.where(x <= 0, 0, x), lambda m, x, z: (m.where(x <= 0, 0, 1),),
    kinks=lambda m, x: (x,), kink="relu'(0) = 0", ulps=0, summary="max(x, 0); NaN passes.",
)
entry(
    "leaky_relu",
    lambda m, x, slope: m.where(x > 0, x, slope * x),
    lambda m, x, slope, z: (m.where(x > 0, 1, slope), m.where(x > 0, 0, x)),
    arity=2, kinks=lambda m, x, slope: (x,), kink="leaky_relu'(0) = slope",
    summary="x where positive, else slope * x.", source="Maas, Hannun, Ng, 2013",
)
entry(
    "elu",
    lambda m, x, alpha: m.where(x > 0, x, alpha * m.expm1(not_above(m, x, 0))),
    lambda m, x, alpha, z: (
        m.where(x > 0, 1, alpha * m.exp(not_above(m, x, 0))),
        m.where(x > 0, 0, m.expm1(not_above(m, x, 0))),
    ),
    arity=2, kinks=lambda m, x, alpha: (x,), kink="elu'(0) = alpha",
    saturates=INF, summary="x where positive, else alpha * (exp(x) - 1).", source="Clevert, Unterthiner, Hochreiter, 2015",
)


def _silu_slope(m: Any, x: Any) -> Any:
    """sigmoid(x) (1 + x sigmoid(-x)), and its limits."""
    slope = m.to_differentiate(
        (x,),
        lambda: m.primitive("sigmoid", x) + x * m.primitive("logistic_pdf", x),
        lambda: logistic(m, x) * (1 + x * logistic(m, -x)),
    )
    return far_out(m, lambda: m.equal(m.abs(x), INF), lambda: m.where(x < 0, 0, 1), lambda: slope)


# silu and gelu have a minimum beside 0, where the slope is 0 without being saturated.
entry(
    "silu",
    lambda m, x: far_out(m, lambda: m.equal(x, -INF), lambda: 0, lambda: x * logistic(m, x)),
    lambda m, x, z: (_silu_slope(m, x),),
    textbook=lambda m, x, z: (m.primitive("sigmoid", x) * (1 + x * (1 - m.primitive("sigmoid", x))),),
    saturates=-3.0, summary="x * sigmoid(x), also called swish.", source="Elfwing, Uchibe, Doya, 2017",
)
entry(
    "gelu",
    lambda m, x: far_out(m, lambda: m.equal(x, -INF), lambda: 0, lambda: x * m.normal_cdf(x)),
    lambda m, x, z: (
        m.normal_cdf(x) + far_out(m, lambda: m.equal(m.abs(x), INF), lambda: 0, lambda: x * m.normal_pdf(x)),
    ),
    saturates=-3.0, summary="x * Phi(x), with the exact normal distribution function.", source="Hendrycks, Gimpel, 2016",
)
