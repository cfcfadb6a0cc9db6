"""Logarithms of sums of exponentials, cross entropy, and softmax.

Softmax is computed in parts, so that n entries take n steps: the largest x, of the others the sum of
exp(x - floor(largest)), from these the scale, and the entries. The scale is 1 / the sum of all, and the entries
exp(x - floor(largest)) times that; but where the largest has most, p - p p would cancel: there the scale is its share,
a function of the others, and the entries are exp(x - largest) times that. Which of the two it is, the scale's size
tells, or the sign of its logarithm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .table import INF, REALS, Composite, entry

if TYPE_CHECKING:
    from collections.abc import Callable

LEADING = 0.625  # a share that is larger is that of the largest, however rounded: any other is below 0.375
LOG_LEADING = -0.625  # between the logarithms of the two


def difference(m: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """x - y and its rounding error (Knuth's TwoSum, 1969); an infinity less itself is 0, with error NaN."""
    d = m.where(m.equal(x, y), 0, x - y)
    b = x - d
    return d, (x - (d + b)) + (b - y)


def exp_of_difference(m: Any, x: Any, y: Any) -> Any:
    """exp(x - y) with the rounding error of the difference put back."""

    def careful() -> Any:
        d, e = difference(m, x, y)
        return m.exp(d) * m.where(m.abs(e) < 1, 1 + e, 1)

    return m.to_round(careful, lambda: m.exp(x - y))


def sum_twice(m: Any, xs: Any) -> Any:
    """A sum rounded about once: the rounding errors are added up, too (Ogita, Rump, Oishi, 2005)."""

    def step(total: Any, errors: Any, x: Any) -> Any:
        s = total + x
        b = s - total
        return s, errors + ((total - (s - b)) + (x - b))

    total, errors = m.fold(step, (m.number(0), m.number(0)), xs)
    return m.where(m.abs(errors) < INF, total + errors, total)


def logsumexp(m: Any, *v: Any) -> Any:
    """M + log1p(the terms below the largest, M, + how often M recurs), so that log(1 + tiny) keeps its digits."""

    def careful() -> Any:
        top = m.max(v)
        below = m.sum([m.where(x < top, exp_of_difference(m, x, top), 0) for x in v])
        ties = m.whole_sum([m.where(x < top, 0, 1) for x in v])
        return m.where(m.abs(top) < INF, top + m.log1p((ties - 1) + below), top)

    return m.to_round(careful, lambda: log_of_sum(m, v))


def log_of_sum(m: Any, v: Any) -> Any:
    """log(exp(x1) + ... + exp(xn)), as in textbooks."""
    return m.log(m.sum([m.exp(x) for x in v]))


def cross_entropy(m: Any, *vc: Any) -> Any:
    """log(exp(c) + exp(x1) + ... + exp(xn)) - c, of which c, the score of the right class, is the last operand.

    Where c leads by far this is near exp(x - c), of which log Σ exp(x) less c would lose all digits. A softplus of the
    logarithm of the others' sum less c would lose some: its exponential has 30 times the error of a rounded -30.
    """
    *v, c = vc
    if not v:  # 0, and NaN of a NaN
        return _less(m, c, c)

    def careful() -> Any:
        top = _larger(m, m.max(v), c)
        below = sum_twice(m, [m.where(x < top, exp_of_difference(m, x, top), 0) for x in v])
        below = below + m.where(c < top, exp_of_difference(m, c, top), 0)
        ties = m.whole_sum([m.where(x < top, 0, 1) for x in v]) + m.where(c < top, 0, 1)
        return _less(m, top, c) + m.log1p((ties - 1) + below)

    return m.to_round(careful, lambda: log_of_sum(m, vc) - c)


def cross_entropy_partials(m: Any, *vcz: Any) -> tuple[Any, ...]:
    """The softmax of the other scores, and of c that less 1, as minus the sum of the others, which cancels nothing."""
    *v, c, _ = vcz
    if not v:  # 0 for every c
        return (0,)

    def recorded() -> tuple[Any, ...]:
        if len(v) == 1:
            p, _ = shares_of_two(m, v[0], c)
            return p, -p
        *rest, own = shares(m, [*v, c])
        # Less 1 where that keeps the digits: the derivatives of the others' sum would cancel where c has little.
        return (*rest, _by_data(m, (own,), lambda m, p: p > LEADING, lambda: -m.sum(rest), lambda: own - 1))

    def computed() -> tuple[Any, ...]:
        top = _larger(m, m.max(v), c)
        terms = m.in_memory([exp_of_difference(m, x, top) for x in v])
        others = sum_twice(m, terms)
        inverse = 1 / (others + exp_of_difference(m, c, top))
        return (*(t * inverse for t in terms), -(others * inverse))

    def plain() -> tuple[Any, ...]:
        total = m.sum([m.exp(x) for x in (*v, c)])
        return (*(m.exp(x) / total for x in v), m.exp(c) / total - 1)

    return m.to_differentiate(vcz[:-1], recorded, lambda: m.to_round(computed, plain))  # type: ignore[no-any-return]


def logsumexp_partials(m: Any, *vz: Any) -> tuple[Any, ...]:
    """The terms exp(x - z) over their sum, which is 1 up to the rounding of z."""
    *v, z = vz

    def computed() -> tuple[Any, ...]:
        terms = m.in_memory([exp_of_difference(m, x, z) for x in v])
        total = m.sum(terms)
        return tuple(t / total for t in terms)

    def plain() -> tuple[Any, ...]:
        return tuple(m.exp(x - z) for x in v)

    def recorded() -> tuple[Any, ...]:
        return shares_of_two(m, *v) if len(v) == 2 else shares(m, v)

    return m.to_differentiate(v, recorded, lambda: m.to_round(computed, plain))  # type: ignore[no-any-return]


def are_near(m: Any, x: Any, y: Any) -> Any:
    """Whether two numbers are so near that their difference is exact, or as exact as they are."""
    return m.abs(x - y) < 1


def shares_of_two(m: Any, x: Any, y: Any) -> tuple[Any, ...]:
    """The softmax of two. Near a tie the derivative of p - p p would be p (1 - p) times a 1 - 2 p that cancels."""
    found: list[Any] = []

    def share(i: int) -> Any:
        found.extend(() if found else shares(m, (x, y)))
        return found[i]

    def of(i: int, d: Callable[[], Any]) -> Any:
        return _by_data(m, (x, y), are_near, lambda: m.primitive("sigmoid", d()), lambda: share(i))

    return of(0, lambda: x - y), of(1, lambda: y - x)


def shares(m: Any, v: Any) -> tuple[Any, ...]:
    """The softmax of v by the primitives that compute it in parts."""
    top = m.primitive("largest", *v)
    scale = m.primitive("scale", top, m.primitive("others", *v, top))
    return tuple(m.primitive("softmax", x, top, scale) for x in v)


def _larger(m: Any, top: Any, c: Any) -> Any:
    """Of the two; NaN where `top` is."""
    return m.where(c > top, c, top)


def _less(m: Any, x: Any, base: Any) -> Any:
    return m.where(m.equal(x, base), 0, x - base)


def exp_less(m: Any, x: Any, top: Any) -> Any:
    """exp(x - floor(top)), from 1 to e for the largest x."""
    return m.to_round(lambda: exp_of_difference(m, x, m.floor(top)), lambda: m.exp(x))


def others(m: Any, *vt: Any) -> Any:
    """The sum of exp(x - floor(top)) over all but the first that is the largest."""
    return m.to_round(lambda: sum_twice(m, _kept(m, vt[:-1], vt[-1])), lambda: m.sum([m.exp(x) for x in vt[:-1]]))


def _kept(m: Any, v: Any, top: Any) -> list[Any]:
    return [exp_less(m, x, top) * (1 - hit) for x, hit in zip(v, m.first_equal(v, top), strict=True)]


def others_partials(m: Any, *vtz: Any) -> tuple[Any, ...]:
    """The terms themselves, that of the largest 0."""
    *v, top, _ = vtz

    def recorded() -> list[Any]:
        hits = m.first_equal(v, top)
        return [m.where(m.equal(hit, 1), 0, m.primitive("exp_less", x, top)) for x, hit in zip(v, hits, strict=True)]

    def plain() -> list[Any]:
        return [m.primitive("exp_less", x, top) for x in v]

    kept = m.to_round(lambda: m.to_differentiate((), recorded, lambda: _kept(m, v, top)), plain)
    return (*kept, 0)


def _by_data(m: Any, xs: Any, condition: Any, a: Callable[[], Any], b: Callable[[], Any]) -> Any:
    """One of two, as `choose_form` has it, where neither is rare; in a formula of real numbers the second."""
    return m.to_round(
        lambda: m.to_differentiate(
            (), lambda: m.choose_form(xs, condition, a, b), lambda: m.where(condition(m, *xs), a(), b())
        ),
        b,
    )


def has_most(m: Any, top: Any, rest: Any) -> Any:
    """Whether the exponential of the largest is most of the sum."""
    largest = exp_less(m, top, top)
    return largest / (largest + rest) > LEADING


def scale(m: Any, top: Any, rest: Any) -> Any:
    """1 / the sum of all, or the share of the largest where that is above LEADING."""

    def careful() -> Any:
        largest = exp_less(m, top, top)
        share = largest / (largest + rest)
        return m.where(share > LEADING, share, 1 / (largest + rest))  # which is no larger than the share

    return m.to_round(careful, lambda: 1 / rest)


def scale_partials(m: Any, top: Any, rest: Any, z: Any) -> tuple[Any, ...]:
    """To the largest and to the sum of the others."""
    largest, total = _largest_and_total(m, top, rest)
    slope = _by_data(m, (top, rest), has_most, lambda: rest / total, lambda: -(largest / total))
    return z * slope, -z / total


def _largest_and_total(m: Any, top: Any, rest: Any) -> tuple[Any, Any]:
    largest = m.to_round(lambda: m.primitive("exp_less", top, top), lambda: 0)
    return largest, largest + rest


def log_scale(m: Any, top: Any, rest: Any) -> Any:
    """The logarithm of the sum, or that of the largest share, which is below 0."""

    def careful() -> Any:
        largest = exp_less(m, top, top)
        # 0 - x, not -x: the logarithm of 1 is 0.0, not -0.0
        return m.where(has_most(m, top, rest), 0 - m.log1p(rest / largest), m.log(largest + rest))

    return m.to_round(careful, lambda: m.log(rest))


def log_scale_partials(m: Any, top: Any, rest: Any, _: Any) -> tuple[Any, ...]:
    """Likewise, over the sum of all."""
    largest, total = _largest_and_total(m, top, rest)
    sign = _by_data(m, (top, rest), has_most, lambda: -1, lambda: 1)
    return _by_data(m, (top, rest), has_most, lambda: rest, lambda: largest) / total, sign / total


def share(m: Any, x: Any, top: Any, scale: Any) -> Any:
    """One entry of a softmax."""

    def careful() -> Any:
        p = exp_of_difference(m, x, m.where(scale > LEADING, top, m.floor(top))) * scale
        return m.where(is_largest(m, p, scale), scale, p)

    return m.to_round(careful, lambda: m.exp(x) * scale)


def is_largest(m: Any, p: Any, scale: Any) -> Any:
    """Whether a share is that of a largest which has most."""
    return p > m.where(scale > LEADING, LEADING, INF)


def share_partials(m: Any, x: Any, top: Any, scale: Any, z: Any) -> tuple[Any, ...]:  # noqa: ARG001
    """z or -z for what it is made of, and 0 for an entry that is the scale."""

    def by_top() -> Any:
        return _by_data(m, (scale,), lambda m, scale: scale > LEADING, lambda: -z, lambda: 0)

    def chosen(own: int, other: Callable[[], Any]) -> Any:
        return _by_data(m, (z, scale), is_largest, lambda: own, other)

    return chosen(0, lambda: z), chosen(0, by_top), chosen(1, lambda: z / scale)


def log_share(m: Any, x: Any, top: Any, scale: Any) -> Any:
    """One entry of a log-softmax."""

    def careful() -> Any:
        p = m.where(scale > 0, _less(m, x, m.floor(top)) - scale, _less(m, x, top) + scale)
        return m.where(is_log_largest(m, p, scale), scale, p)

    return m.to_round(careful, lambda: x - scale)


def is_log_largest(m: Any, p: Any, scale: Any) -> Any:
    """The same of logarithms, of which the scale is below 0 where the largest has most."""
    return p > m.where(scale <= 0, LOG_LEADING, INF)


def log_share_partials(m: Any, x: Any, top: Any, scale: Any, z: Any) -> tuple[Any, ...]:  # noqa: ARG001
    """1, -1 or 0, as the entry is made."""

    def by_sign(led: int, usual: int) -> Callable[[], Any]:
        return lambda: _by_data(m, (scale,), lambda m, scale: scale <= 0, lambda: led, lambda: usual)

    def chosen(own: int, other: Callable[[], Any]) -> Any:
        return _by_data(m, (z, scale), is_log_largest, lambda: own, other)

    return chosen(0, lambda: 1), chosen(0, by_sign(-1, 0)), chosen(1, by_sign(1, -1))


entry(
    "logaddexp", logsumexp, logsumexp_partials, arity=2,
    summary="log(exp(x) + exp(y)) without overflow.",
)
entry(
    "logsumexp", logsumexp, logsumexp_partials, arity=None, lists=1,
    summary="log(exp(x1) + ... + exp(xn)) without overflow.", source="Blanchard, Higham, Higham, 2021",
)
entry(
    "largest", lambda m, *v: m.to_round(lambda: m.max(v), lambda: m.number(0)),
    lambda m, *vz: tuple(m.to_round(lambda: m.first_equal(vz[:-1], vz[-1]), lambda: (0,) * (len(vz) - 1))),
    arity=None, lists=1, inner=True, summary="Largest of a sequence; what is made of it has no kink at a tie.",
)
entry(
    "others", others, others_partials,
    arity=None, lists=1, singles=1, parts=1, inner=True,
    summary="Sum of exp(x_i - floor(top)) over all but the first that is the largest, top, which is the last operand.",
)
entry(
    "exp_less", exp_less, lambda m, x, top, z: (z, 0),
    arity=2, latex="e^{{{0} - {1}}}", inner=True, summary="exp(x - floor(top)); inf - inf is 0.",
)
entry(
    "cross_entropy", cross_entropy, cross_entropy_partials,
    arity=None, lists=1, singles=1,
    composite=Composite("cross_entropy", "log Σ exp(x) − x", "log({1}) - {0}", r"\log\left({1}\right) - {0}",
        (lambda p: p - 1, lambda p, q: q), ("p − y, of the right class: y = 1", "p − y, of another class: y = 0"),
        "∂/∂x = p − y, p = softmax(x)",
    ),
    inner=True, summary="log(exp(x1) + ... + exp(xn) + exp(c)) - c, of which c is the last operand.",
)
entry(
    "scale", scale, scale_partials,
    arity=2, parts=2, domain=(REALS, (0.0, INF)),
    inner=True, summary="1 / (E + others) for E = exp(top - floor(top)), but E / (E + others) where that is above 5/8.",
)
entry(
    "log_scale", log_scale, log_scale_partials,
    arity=2, parts=2, domain=(REALS, (0.0, INF)),
    inner=True, summary="log(E + others), but -log1p(others / E) where E is above 5/8 of the sum.",
)
entry(
    "softmax", share, share_partials,
    arity=3, parts=2,
    composite=Composite("softmax", "exp(x) / Σ exp(x)", "exp({0}) / ({1})", r"\frac{{e^{{{0}}}}}{{{1}}}",
        (lambda p: p * (1 - p), lambda p, q: -p * q), derivative="∂sᵢ/∂xⱼ = sᵢ (δᵢⱼ − sⱼ)",
    ),
    inner=True, summary="exp(x - floor(top)) * scale, or exp(x - top) * scale; operands x, top and the scale.",
)
entry(
    "log_softmax", log_share, log_share_partials,
    arity=3, parts=2,
    composite=Composite("log_softmax", "x − log Σ exp(x)", "{0} - log({1})", r"{0} - \log\left({1}\right)",
        (lambda p: 1 - p, lambda p, q: -q), derivative="∂/∂xⱼ = δᵢⱼ − pⱼ, p = softmax(x)",
    ),
    inner=True, summary="x - floor(top) - log_scale, or x - top + log_scale.",
)
