"""Powers and roots."""

from __future__ import annotations

from typing import Any

from .pieces import TINY, far_out
from .table import INF, NAN, REALS, entry

WHOLE = 2.0**24  # up to here a float holds every integer


def power_slope(m: Any, x: Any, y: Any) -> Any:
    """y x^(y - 1); the rounding error of y - 1 is put back where there is one."""
    return m.to_round(lambda: _careful_power_slope(m, x, y), lambda: m.where(m.equal(y, 0), 0, y * m.pow(x, y - 1)))


def _careful_power_slope(m: Any, x: Any, y: Any) -> Any:
    s, e = _one_less(y)
    plain = y * m.pow(m.where(m.equal(e, 0), x, m.from_above(x)), s)
    beyond = m.equal(m.where(x > 0, m.abs(plain), 0), INF)  # a y >= 1 brings nothing back into the range
    rescued = m.rarely(beyond, lambda: times_power(m, y, x, s), plain)
    corrected = m.to_differentiate(
        (x,), lambda: m.primitive("power_slope", x, y), lambda: _corrected_power_slope(m, x, y, rescued, e)
    )
    corrected = m.where(m.equal(e, 0), rescued, corrected)
    return m.where(m.equal(y, 0), 0, m.where(y >= 1, m.where(y <= WHOLE, plain, corrected), corrected))


def times_power(m: Any, factor: Any, x: Any, s: Any) -> Any:
    """factor x^s for an x > 0 whose power alone leaves the range: by its root, twice."""
    root = m.pow(x, s / 2)
    return factor * root * root


def _corrected_power_slope(m: Any, x: Any, y: Any, plain: Any, e: Any) -> Any:
    """The same from y x^s of a rounded s = y - 1, where e is what rounding took from it."""
    lost = e * m.log(m.abs(x))
    nearer = m.where(m.abs(lost) < 1, plain * (1 + lost), plain)
    # Whole numbers that are not exact less 1 are even, and so is their neighbour; y - 1 itself is odd. A rounded y - 1
    # may be whole though y is not: beside -1 for a tiny y, beside -3 and -5 for others.
    whole = m.equal(m.floor(y), y)
    beside = m.where(whole, -nearer, m.pow(m.where(whole, 1, x), -m.abs(y)))
    # Of an infinite y: 0 where |x|^y is, which falls faster than y grows.
    far = m.primitive("path_product", m.where(x < 0, -y, y), m.pow(m.abs(x), y))
    return m.where(m.equal(m.abs(y), INF), far, m.where(x < 0, beside, nearer))


def _one_less(y: Any) -> tuple[Any, Any]:
    """y - 1 and its rounding error; NaN if y is infinite."""
    s = y - 1
    return s, (y - (s - (s - y))) + (-1 - (s - y))


def is_tiny_base(m: Any, x: Any, y: Any) -> Any:
    """Whether x^(y - 2) may overflow though y times it does not."""
    return m.where(x > 0, m.where(x < TINY, m.where(m.abs(y) < 1, 1, 0), 0), 0) > 0


def _second_power_slope(m: Any, x: Any, y: Any, z: Any) -> Any:
    """y (y - 1) x^(y - 2), of which z is y x^(y - 1)."""

    def usual() -> Any:
        return m.primitive("path_product", y, m.primitive("power_slope", m.primitive("power_base", x, y), y - 1))

    return m.to_round(lambda: m.choose_form((x, y), is_tiny_base, lambda: z / x * (y - 1), usual), usual)


def _power_base(m: Any, x: Any, y: Any) -> Any:
    """x, but beside a rounded y - 1 what has a power of the right sign: |x| for an even y, NaN for one that is not whole."""

    def careful() -> Any:
        _, e = _one_less(y)
        of_fraction = m.where(x < 0, m.where(m.equal(x, -INF), x, NAN), m.from_above(x))
        turned = m.where(m.equal(m.floor(y), y), m.abs(x), of_fraction)  # whole, y is even: see power_slope
        return m.where(m.equal(e, 0), x, turned)

    return m.to_round(careful, lambda: x)


def _power_base_partials(m: Any, x: Any, _: Any, z: Any) -> tuple[Any, Any]:
    """Those of |x| or of x; a negative base has no derivative with respect to its exponent."""
    same = m.equal(x, z)
    slope = m.to_round(lambda: m.where(same, 1, m.where(z > x, -1, z)), lambda: 1)  # NaN of NaN
    return slope, m.to_round(lambda: m.where(same, 0, NAN), lambda: 0)


def exponent_slope(m: Any, x: Any, y: Any, z: Any) -> Any:
    """x^y log(x); 0 where x = 0 and y >= 0, and the limit 0 where x is infinite and x^y is 0."""
    at_zero = m.where(y < 0, -INF, m.primitive("step_slope", y))

    def usual() -> Any:
        log = m.log(x)
        return m.to_round(
            lambda: m.rarely(m.equal(z, INF), lambda: times_power(m, log, x, y), z * log), lambda: z * log
        )

    inside = far_out(m, lambda: m.equal(x, INF), lambda: m.primitive("path_product", z, INF), usual)
    return m.where(m.equal(x, 0), at_zero, inside)


def power_twist(m: Any, x: Any, y: Any) -> Any:
    """x^(y - 1) (1 + y log(x)), the mixed second derivative of x^y; at x = 0 its limit from the right."""
    log = m.log(m.from_above(x))
    return m.primitive("path_product", m.pow(m.from_above(x), y - 1), 1 + m.primitive("path_product", y, log))


entry(
    "pow",
    lambda m, x, y: m.pow(x, y),
    lambda m, x, y, z: (
        m.to_differentiate((x, y), lambda: m.primitive("power_slope", x, y), lambda: power_slope(m, x, y)),
        m.to_differentiate((x, y), lambda: m.primitive("power_log", x, y), lambda: exponent_slope(m, x, y, z)),
    ),
    arity=2, symbol="**", latex="{0}^{{{1}}}", domain=((0.0, INF), REALS),
    kink="0 ** y has derivative 0 with respect to y for y >= 0, and x ** 0 with respect to x",
    summary="Power; NaN for a negative base and a fractional exponent, never complex.",
)
entry(
    "power_slope", power_slope, lambda m, x, y, z: (_second_power_slope(m, x, y, z), power_twist(m, x, y)),
    arity=2, latex="{1} {0}^{{{1} - 1}}", domain=((0.0, INF), REALS),
    inner=True, summary="y x^(y - 1), the derivative of a power with respect to its base.",
)
entry(
    "power_base", _power_base, _power_base_partials,
    arity=2, latex="{0}", domain=((0.0, INF), REALS), inner=True,
    summary="x; |x| if y is even but y - 1 is not exact: so a power of it, less 1 again, has the sign of x^y.",
)
entry(
    "power_log", lambda m, x, y: exponent_slope(m, x, y, m.pow(x, y)),
    lambda m, x, y, z: (power_twist(m, x, y), exponent_slope(m, x, y, z)),
    arity=2, latex=r"{0}^{{{1}}} \ln {0}", domain=((0.0, INF), REALS),
    inner=True, summary="x^y log(x), the derivative of a power with respect to its exponent.",
)
entry(
    "sqrt", lambda m, x: m.sqrt(x), lambda m, x, z: (1 / (2 * m.from_above(z)),),
    latex=r"\sqrt{{{0}}}", domain=((0.0, INF),), ulps=0.5, summary="Square root; sqrt(-1) is NaN.",
)
entry(
    "cbrt", lambda m, x: m.cbrt(x), lambda m, x, z: (1 / (3 * (z * z)),),
    latex=r"\sqrt[3]{{{0}}}", summary="Cube root, of negative numbers too.",
)
