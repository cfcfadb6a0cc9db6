"""ln |gamma(x)|, its derivative digamma, and Hurwitz's zeta function, of which all further derivatives are made.

Written once, over a number system of doubles: `math.lgamma` loses its digits beside 1 and 2, and differs
from the C library's; no library that we may rely on has the others. Near 1, 2 and the zero of digamma
stand polynomials with the zero as a factor (Chebyshev interpolation, fitted to 60 digits), far out the
asymptotic series. To the left of 0 a reflection leads back, see NIST's Digital Library of Mathematical
Functions, 5.5, 5.11 and 25.11 (2010).
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

INF, NAN = float("inf"), float("nan")
SERIES_FROM = 10  # from here on the asymptotic series have all digits

# lgamma(1 + u) / u and lgamma(2 + u) / u for |u| <= 1/2; digamma(2 + u) / (2 + u - ZERO) for |u| <= 1.
LGAMMA_AT_1 = (
    -0.5772156649015329, 0.8224670334241132, -0.4006856343865406, 0.2705808084277935, -0.2073855510262953,
    0.16955717699509998, -0.14404989701106719, 0.1255096697597847, -0.1113342530365414, 0.10009944506030896,
    -0.09095442301348973, 0.08335423437020126, -0.07692423568567124, 0.07142491150665906, -0.06678275881746833,
    0.0626116167474043, -0.057737256640806416, 0.054501409023364235, -0.059850048562680856, 0.057003000096539545,
    -0.014509338086091672, 0.01333577663873192, -0.14497971020532596, 0.14011729595820724, 0.1528715168258553,
    -0.14857260899606312, -0.22471180158915516, 0.21762817640022097,
)  # fmt: skip
LGAMMA_AT_2 = (
    0.42278433509846713, 0.3224670334241132, -0.06735230105319563, 0.02058080842778338, -0.007385551028935545,
    0.002890510330865901, -0.0011927539009983087, 0.0005096695196526673, -0.00022315497746292723,
    9.945761692157133e-05, -4.4923727564247656e-05, 2.050601970174762e-05, -9.45628851510172e-06,
    4.3828545383846665e-06, -1.9743106888421067e-06, 9.242852225162277e-07, -5.811277768921246e-07,
    2.7475390051909663e-07,
)  # fmt: skip
DIGAMMA_AT_2 = (
    0.7853075386041052, -0.26073895468300134, 0.10899991701765432, -0.049551032917686935, 0.023447309595886052,
    -0.011338432552414434, 0.005552254218753452, -0.0027395729068705873, 0.001358141553176395,
    -0.0006753130512021924, 0.0003364375027261533, -0.00016781775052066207, 8.375296415605426e-05,
    -4.183287870102062e-05, 2.0986038744475146e-05, -1.0488231214428746e-05, 5.036637483076053e-06,
    -2.5177902138657835e-06, 1.6139770098511155e-06, -8.06929901632468e-07, -2.6603375448605673e-08,
    1.3308078507989082e-08, 3.507870021296414e-07, -1.7539270230074725e-07, -1.0656650754868837e-07,
    5.328329384194519e-08, 3.5522369338099865e-08, -1.7761164657311092e-08,
)  # fmt: skip
ZERO, ZERO_REST = 1.4616321449683622, 9.549995429965697e-17  # digamma vanishes at their sum

# B(2k) / (2k (2k - 1)), B(2k) / 2k and B(2k) / (2k)! for k = 1, 2, ..., with Bernoulli's numbers B.
STIRLING = (
    0.08333333333333333, -0.002777777777777778, 0.0007936507936507937, -0.0005952380952380953,
    0.0008417508417508417, -0.0019175269175269176, 0.00641025641025641, -0.029550653594771242, 0.17964437236883057,
)  # fmt: skip
STIRLING_SLOPE = (
    0.08333333333333333, -0.008333333333333333, 0.003968253968253968, -0.004166666666666667, 0.007575757575757576,
    -0.021092796092796094, 0.08333333333333333, -0.4432598039215686, 3.0539543302701198,
)  # fmt: skip
EULER_MACLAURIN = (
    0.08333333333333333, -0.001388888888888889, 3.306878306878307e-05, -8.267195767195768e-07, 2.08767569878681e-08,
    -5.284190138687493e-10, 1.3382536530684679e-11, -3.3896802963225827e-13, 8.586062056277845e-15,
    -2.174868698558062e-16,
)  # fmt: skip
HALF_LOG_2PI_LESS_HALF = 0.4189385332046727


def polynomial(coefficients: Sequence[float], u: Any) -> Any:
    """c0 + c1 u + c2 u^2 + ... by Horner's scheme."""
    return reduce(lambda total, c: total * u + c, reversed(coefficients))


def from_nearest_integer(m: Any, x: Any) -> Any:
    """x less the nearest integer, exactly, so that sin(pi x) keeps its digits beside its zeros."""
    f = x - m.floor(x)
    return m.where(m.abs(x) <= 0.5, x, m.where(f > 0.5, f - 1, f))


def lgamma(m: Any, x: Any) -> Any:
    """ln |gamma(x)|; inf at 0, -1, -2, ... and at both ends."""
    return m.either(
        x > -0.5, lambda: _lgamma_on_the_right(m, m.where(x > -0.5, x, 1)), lambda: _lgamma_reflected(m, x)
    )


def _lgamma_reflected(m: Any, x: Any) -> Any:
    r = from_nearest_integer(m, x)
    is_pole = m.equal(r, 0)
    t = m.where(x > -0.5, 1, -x)
    size = m.abs(x * m.sin(m.pi * r))
    z = m.log(m.pi / m.where(is_pole, 1, size)) - _lgamma_on_the_right(m, t)
    return m.where(m.equal(x, -INF), INF, m.where(is_pole, INF, z))


def _lgamma_on_the_right(m: Any, x: Any) -> Any:
    """For x > -1/2, and NaN."""

    def beside_1() -> Any:
        u = m.where(x < 0.5, x, x - 1)
        z = u * polynomial(LGAMMA_AT_1, u) + 0  # lgamma(1) is 0, not -0.0
        pole = m.log(m.abs(m.where(m.equal(x, 0), 1, m.where(x < 0.5, x, 1))))
        return m.where(m.equal(x, 0), INF, z - pole)

    def from_2() -> Any:
        base, product = x, m.number(1)
        for k in range(3, SERIES_FROM + 1):
            farther = x >= k - 0.5
            base = m.where(farther, x - (k - 2), base)
            product = product * m.where(farther, x - (k - 2), 1)
        return (base - 2) * polynomial(LGAMMA_AT_2, base - 2) + m.log(product)

    def far_out() -> Any:
        t = m.where(x >= SERIES_FROM, x, SERIES_FROM)
        series = polynomial(STIRLING, 1 / t / t) / t
        return m.where(x < INF, (t - 0.5) * (m.log(t) - 1) + (HALF_LOG_2PI_LESS_HALF + series), x)

    return m.either(x < 1.5, beside_1, lambda: m.either(x < SERIES_FROM, from_2, far_out))


def digamma(m: Any, x: Any) -> Any:
    """d/dx ln |gamma(x)|; -inf at 0, inf at -0.0, NaN at -1, -2, ..."""
    t = m.where(x < 0, 1 - x, x)
    is_near = t < SERIES_FROM
    right = m.either(is_near, lambda: _digamma_near(m, m.where(is_near, t, 1)), lambda: _digamma_far_out(m, t))

    def reflected() -> Any:
        r = from_nearest_integer(m, m.where(x < 0, x, 0.25))
        is_pole = m.equal(r, 0)
        size = m.abs(m.where(is_pole, 0.25, r))
        t = m.tan(m.pi * m.where(size > 0.25, 0.5 - size, size))  # beside its zero, too, it has all digits
        cotangent = m.where(size > 0.25, t, 1 / m.where(size > 0.25, 1, t))
        return m.where(is_pole, NAN, right - m.pi * m.where(r < 0, -cotangent, cotangent))

    return m.either(x < 0, reflected, lambda: right)


def _digamma_near(m: Any, x: Any) -> Any:
    base = m.where(x < 1, x + 1, x)
    steps = m.where(x < 1, -1 / x, 0)
    for k in range(3, SERIES_FROM):
        farther = x >= k
        base = m.where(farther, x - (k - 2), base)
        steps = steps + m.where(farther, 1 / m.where(farther, x - (k - 2), 1), 0)
    return ((base - ZERO) - ZERO_REST) * polynomial(DIGAMMA_AT_2, base - 2) + steps


def _digamma_far_out(m: Any, x: Any) -> Any:
    t = m.where(x >= SERIES_FROM, x, SERIES_FROM)
    z = m.log(t) - (0.5 + polynomial(STIRLING_SLOPE, 1 / t / t) / t) / t
    return m.where(x < INF, z, x)


def zeta(m: Any, s: Any, x: Any) -> Any:
    """Sum of (x + k)^-s for k = 0, 1, 2, ...: ten terms, and the rest by Euler and Maclaurin; s > 1, x >= 0."""
    a = x + SERIES_FROM
    rising, series, power = s, m.number(0), 1 / a
    for k, c in enumerate(EULER_MACLAURIN):
        series = series + c * (rising * power)
        rising = rising * ((s + (2 * k + 1)) * (s + (2 * k + 2)))
        power = power / a / a
    total = m.pow(a, 1 - s) * (1 / (s - 1) + (0.5 + series) / a)
    for k in reversed(range(SERIES_FROM)):
        total = total + m.pow(x + k, -s)
    return m.where(s > 1, m.where(x < 0, NAN, total), NAN)
