"""Lengths of vectors, their directions, and the angle of a point."""

from __future__ import annotations

from typing import Any

from .pieces import HUGE, SCALE, TINY, sign_of
from .table import INF, entry

LEAD = 0.71  # of a length, a little more than the root of 1/2


def is_tiny(m: Any, z: Any) -> Any:  # noqa: ARG001
    """Whether the square of a length z would be subnormal."""
    return z < TINY


def is_huge(m: Any, z: Any) -> Any:  # noqa: ARG001
    """Whether the square of a length z would be infinite."""
    return z >= HUGE


def is_beside(m: Any, z: Any) -> Any:
    """Whether the square of a length z leaves the range, at either end."""
    return m.where(is_tiny(m, z), 1, m.where(is_huge(m, z), 1, 0)) > 0


def scaled_vector(m: Any, v: Any, z: Any) -> Any:
    """(s, w, |w|, whether v is infinite): w = s v for a z = |v| that is subnormal or beyond the largest double.

    An infinite v has the direction of its infinite entries, as atan2(inf, inf) has that of (1, 1). In a
    gradient graph each entry of w is one node for quotient and length, so that what is infinite in
    their derivatives cancels before it is scaled back.
    """
    s = m.where(z < TINY, SCALE, m.where(z < HUGE, 1, 1 / m.number(SCALE)))
    scaled = [s * x for x in v]
    length = m.norm(scaled) + m.primitive("step_slope", m.max(v))  # beside NaN an infinite length would be no NaN
    far = m.equal(length, INF)
    ends = [m.either(far, lambda x=x: m.primitive("end", x), lambda: 0) for x in v]
    w = [m.where(far, e, t) for e, t in zip(ends, scaled, strict=True)]
    return s, w, m.either(far, lambda: m.norm(ends), lambda: length), far


def leads(m: Any, x: Any, length: Any) -> Any:
    """Whether x is so much of a length that 1 - (x / length)^2 would cancel; so is at most one of two entries."""
    return m.abs(x) > LEAD * length


def directions(m: Any, v: Any, z: Any) -> tuple[Any, ...]:
    """x / |v| for every x in v; 0 at the origin."""
    found: list[Any] = []

    def scaled(i: int) -> Any:
        if not found:
            found.extend(scaled_vector(m, v, z))
        _, w, length, _ = found
        return w[i] / length

    def usual(i: int) -> Any:
        return m.choose_form((z,), is_beside, lambda: scaled(i), lambda: v[i] / z)  # one gate for the loops of both ends

    def computed() -> list[Any]:
        return [usual(i) for i in range(len(v))]

    slopes = m.to_differentiate((), lambda: recorded_directions(m, v, z), computed)
    return tuple(m.where(m.equal(z, 0), 0, slope) for slope in slopes)


def recorded_directions(m: Any, v: Any, z: Any) -> list[Any]:
    """The same, to be differentiated again. For an entry x that leads, 1 / z - x^2 / z^3 cancels: it is a primitive."""
    _, w, length, _ = scaled_vector(m, v, z) if m.may_fail((z,), is_beside) else (1, v, z, 0)
    found: list[Any] = []

    def leading() -> Any:
        if not found:
            found.append(m.primitive("leading", *w))
        return found[0]

    return [m.choose_form((x, length), leads, leading, lambda x=x: x / length) for x in w]


def slope_of_angle(m: Any, x: Any, y: Any, z: Any) -> Any:
    """x / (x^2 + y^2), where z is the length; 0 at the origin and infinitely far from it, unless a coordinate is NaN."""

    def scaled() -> Any:
        s, w, length, far = scaled_vector(m, (x, y), z)
        return w[0] / length / length * m.where(far, 0, s)

    slope = m.choose_form((z,), is_tiny, scaled, lambda: m.choose_form((z,), is_huge, scaled, lambda: x / z / z))
    return m.where(m.equal(z, 0), 0, slope)


def bend(m: Any, u: Any, w: Any, x: Any, y: Any) -> Any:
    """u w / |v| for cosines u, w of v = (x, y), whatever its length; 0 at the origin."""
    z, small, large = m.hypot(x, y), m.number(SCALE), 1 / m.number(SCALE)

    def scaled(s: Any) -> Any:
        return u / m.hypot(s * x, s * y) * w * s

    def usual() -> Any:
        return m.choose_form((z,), is_huge, lambda: scaled(large), lambda: u / z * w)

    return m.where(m.equal(z, 0), 0, m.choose_form((z,), is_tiny, lambda: scaled(small), usual))


def _cosines(m: Any, v: Any, z: Any) -> tuple[Any, ...]:
    """The cosines of a vector; of two numbers by a primitive whose derivatives keep their digits."""
    if len(v) != 2:
        return directions(m, v, z)
    x, y = v
    return m.to_differentiate(  # type: ignore[no-any-return]
        (), lambda: (m.primitive("cosine", x, y), m.primitive("cosine", y, x)), lambda: directions(m, v, z)
    )


entry(
    "hypot", lambda m, x, y: m.hypot(x, y),
    lambda m, x, y, z: _cosines(m, (x, y), z),
    arity=2, latex=r"\sqrt{{{0}^2 + {1}^2}}", kinks=lambda m, x, y: (m.hypot(x, y),),
    kink="hypot(0, 0) has derivatives 0", summary="Length of the vector (x, y), without overflow.",
)
entry(
    "norm", lambda m, *v: m.norm(v), lambda m, *vz: _cosines(m, vz[:-1], vz[-1]),
    arity=None, lists=1, kinks=lambda m, *v: (m.norm(v),), kink="norm(0) has derivatives 0",
    summary="Euclidean length of a sequence.",
)


def _angle_slopes(m: Any, y: Any, x: Any) -> tuple[Any, ...]:
    def computed() -> tuple[Any, ...]:
        z = m.hypot(y, x)
        return slope_of_angle(m, x, y, z), slope_of_angle(m, -y, x, z)

    def recorded() -> tuple[Any, ...]:
        return m.primitive("angle_slope", x, y), -m.primitive("angle_slope", y, x)

    return m.to_differentiate((), recorded, computed)  # type: ignore[no-any-return]


entry(
    "atan2", lambda m, y, x: m.atan2(y, x),
    lambda m, y, x, z: _angle_slopes(m, y, x),
    textbook=lambda m, y, x, z: (x / (x * x + y * y), -y / (x * x + y * y)),
    arity=2, kinks=lambda m, y, x: (m.where(x > 0, 1, y),),
    kink="atan2(0, 0) has derivatives 0; on the negative x axis the angle jumps, its derivatives do not",
    summary="Angle of the point (x, y), in radians; operands in the order y, x.",
)


def _cosine_partials(m: Any, x: Any, y: Any, z: Any) -> tuple[Any, ...]:
    """sin^2 / |v| and -cos sin / |v|, with cos = x / |v|: y^2 / |v|^3 itself would over- or underflow."""
    sine = m.primitive("cosine", y, x)
    return bend(m, sine, sine, x, y), bend(m, -z, sine, x, y)


def _leading(m: Any, *v: Any) -> Any:
    length = m.norm(v)
    return m.sum([m.where(leads(m, x, length), x / length, 0) for x in v])


def _leading_partials(m: Any, *vz: Any) -> tuple[Any, ...]:
    """With u = x / |v| for each entry x: to the leading entry the sum of all other u^2 / |v|, to another -z u / |v|."""
    *v, z = vz
    length = m.norm(v)

    def chosen(x: Any, a: Any, b: Any) -> Any:
        return m.to_differentiate(
            (), lambda: m.choose_form((x, length), leads, a, b), lambda: m.where(leads(m, x, length), a(), b())
        )

    pairs = [(x, x / length) for x in v]
    squares = m.sum([chosen(x, lambda: 0, lambda u=u: u * u) for x, u in pairs])
    slopes = [chosen(x, lambda: squares, lambda u=u: -(z * u)) / length for x, u in pairs]
    return tuple(m.where(m.equal(length, 0), 0, slope) for slope in slopes)


def is_beside_axis(m: Any, cosine: Any, sine: Any) -> Any:
    """Whether one of the two is less than half the other."""
    return m.abs(cosine * sine) < 0.4


def _angle_slope_partials(m: Any, x: Any, y: Any, _: Any) -> tuple[Any, ...]:
    """(sin^2 - cos^2) / |v|^2 and -2 cos sin / |v|^2; divided by |v| twice, since |v|^2 may overflow."""
    length, cosine, sine = m.hypot(x, y), m.primitive("cosine", x, y), m.primitive("cosine", y, x)
    # Beside a diagonal the difference of squares would cancel; beside an axis the derivative of the product would.
    difference = m.choose_form(
        (cosine, sine), is_beside_axis,
        lambda: sine * sine - cosine * cosine, lambda: (sine - cosine) * (sine + cosine),
    )  # fmt: skip
    slopes = difference / length / length, -2 * (cosine * sine / length / length)
    return tuple(m.where(m.equal(length, 0), 0, d) for d in slopes)


entry(
    "cosine", lambda m, x, y: directions(m, (x, y), m.hypot(x, y))[0],
    _cosine_partials,
    arity=2, kinks=lambda m, x, y: (m.hypot(x, y),), kink="0 at the origin, and so are its derivatives",
    inner=True, summary="x / hypot(x, y), of infinite operands the limit.",
)
entry(
    "leading", _leading, _leading_partials,
    arity=None, lists=1, inner=True, kinks=lambda m, *v: (m.norm(v),), kink="0 at the origin, and so are its derivatives",
    summary="x / |v| of the entry x of v that is most of its length; 0 if none is.",
)
entry(
    "angle_slope", lambda m, x, y: slope_of_angle(m, x, y, m.hypot(x, y)),
    _angle_slope_partials,
    arity=2, kinks=lambda m, x, y: (m.hypot(x, y),), kink="0 at the origin, and so are its derivatives",
    inner=True, summary="x / (x^2 + y^2), the derivative of atan2(x, y) to x; of infinite operands the limit 0.",
)
entry(
    "end", lambda m, x: m.where(m.equal(m.abs(x), INF), sign_of(m, x), m.primitive("step_slope", x)),
    lambda m, x, z: (m.primitive("step_slope", x),),
    inner=True, summary="1 at infinity, -1 at minus infinity, else 0; NaN passes.",
)
