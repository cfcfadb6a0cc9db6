"""erf and erfc, for languages that lack them.

Near 0 stands a polynomial in x^2 beside the leading x, so that small numbers keep their digits. Elsewhere
erfc(a) = exp(-a^2) / (1 + 2 a) * G((a - 3.75) / (a + 3.75)), in which G is nearly constant (Shepherd, Laframboise,
1981); both polynomials are Chebyshev interpolation, fitted to 60 digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..gamma import polynomial

if TYPE_CHECKING:
    from collections.abc import Callable

NEAR, ERFC_IS_ZERO = 0.84375, 28.0  # erf(NEAR) is 0.77; erfc(ERFC_IS_ZERO) is 0

# erf(x) / x - 1 in powers of x^2 for |x| <= NEAR, and G.
ERF_NEAR = (
    0.1283791670955126, -0.37612638903183754, 0.11283791670955126, -0.026866170645131186, 0.005223977625441005,
    -0.0008548327023324377, 0.00012055332973022896, -1.4925649945562089e-05, 1.646210079937154e-06,
    -1.6365529991708677e-07, 1.480205277332452e-08, -1.2232545760203497e-09, 8.989274261472705e-11,
    -4.744540293570631e-12,
)  # fmt: skip
ERFC_FAR = (
    1.2375126308378275, -0.14024059858554702, 0.0035854154854636916, 0.08227673849015141, -0.10880393014170861,
    0.09230432116017925, -0.05869339859048047, 0.028362277421956253, -0.009746579549215546, 0.001755625826827042,
    0.0002937136151080273, -0.0002901539368902271, 5.1649252580121585e-05, 2.2383714136584614e-05,
    -1.1444296530468805e-05, -9.722883684382999e-07, 1.7510876596586988e-06, -5.914731002040249e-08,
    -2.5645577621980826e-07, 2.480770963560674e-08, 3.534439568880725e-08, -3.9982079742592335e-09,
    -2.9638933220247563e-09,
)  # fmt: skip
MIDDLE = 3.75


def erf(m: Any, x: Any) -> Any:
    """2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""

    def far() -> Any:
        rest = _erfc_far(m, m.abs(x))
        return m.where(x < 0, rest - 1, 1 - rest)

    return _by_size(m, x, lambda: x + x * polynomial(ERF_NEAR, x * x), far)


def erfc(m: Any, x: Any) -> Any:
    """1 - erf(x)."""

    def near() -> Any:
        rest = x * polynomial(ERF_NEAR, x * x)
        return m.where(x < 0.25, 1 - (x + rest), 0.5 - (rest + (x - 0.5)))

    def far() -> Any:
        rest = _erfc_far(m, m.abs(x))
        return m.where(x < 0, 2 - rest, rest)

    return _by_size(m, x, near, far)


def _by_size(m: Any, x: Any, near: Callable[[], Any], far: Callable[[], Any]) -> Any:
    return m.either(m.abs(x) < NEAR, near, far)


def _erfc_far(m: Any, size: Any) -> Any:
    a = m.where(size > ERFC_IS_ZERO, ERFC_IS_ZERO, size)  # infinity, too
    return m.gaussian(a) * polynomial(ERFC_FAR, (a - MIDDLE) / (a + MIDDLE)) / (1 + 2 * a)
