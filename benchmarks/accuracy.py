"""Value and partials of every primitive against 50 digits: how many ulp, and where it is worst.

    python benchmarks/accuracy.py --points 10000      remakes the table in docs/accuracy.md
    python benchmarks/accuracy.py tanh pow            prints these operations
    python benchmarks/accuracy.py tanh pow --write    and renews their lines in docs/accuracy.md

The error is |computed - exact| in ulp of the exact number: 2^(e - 52) for 2^e <= |exact| < 2^(e + 1),
2^-1074 in the subnormal range. Infinity counts as 2^1024, and as right where the exact number rounds to it.
"""

from __future__ import annotations

import argparse
import math
import platform
import random
import sys
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import mpmath
from references import context, definitions, exact_slope, exact_value

from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.number_systems.floats import FLOATS

if TYPE_CHECKING:
    from collections.abc import Callable

VALUE_BOUND, SLOPE_BOUND = 2.0, 4.0  # ulp
LARGEST, SMALLEST_NORMAL = sys.float_info.max, sys.float_info.min
TARGET = Path(__file__).parents[1] / "docs" / "accuracy.md"


class Listed(NamedTuple):
    """A place where a primitive may miss the bounds above."""

    primitive: str
    which: str | int  # "value", the operand of a partial, or "partials" of a primitive of n operands
    place: str
    holds: Callable[..., bool]  # whether a point is there
    bound: Callable[..., float]  # in ulp, of the point
    formula: str
    why: str


def everywhere(*_):
    return True


def _libm(primitive, ulp):
    return Listed(primitive, "value", "everywhere", everywhere, lambda *_: ulp, str(ulp), LIBM)


LIBM = "error of the C library; glibc's largest known one (Gladman, Innocente, Mather, Zimmermann, 2024)"
SUBNORMAL_FACTOR = "a factor is subnormal there, and its rounding is multiplied"
SECOND_ORDER = "second derivatives of a power: the rounding of y - 1, and sums near 0, cost what they cost"
ROUNDED = "n operands take as many roundings, from left to right by definition"
EXCEPTIONS = (
    _libm("acosh", 2.3),
    _libm("tanh", 2.3),
    _libm("erfc", 5.2),
    _libm("normal_cdf", 5.7),
    Listed("gelu", "value", "x >= -37.5", lambda x: x >= -37.5, lambda x: 6.7, "6.7", "erfc of the C library"),
    Listed("gelu", 0, "x >= -37.5", lambda x: x >= -37.5, lambda x: 6.7, "6.7", "erfc of the C library"),
    Listed("gelu", "value", "x < -37.5", lambda x: x < -37.5, lambda x: 2 - x, "2 + |x|", SUBNORMAL_FACTOR),
    Listed("gelu", 0, "x < -37.5", lambda x: x < -37.5, lambda x: 4 - x, "4 + |x|", SUBNORMAL_FACTOR),
    Listed("silu", "value", "x < -708", lambda x: x < -708, lambda x: 2 - x, "2 + |x|", SUBNORMAL_FACTOR),
    Listed("silu", 0, "x < -708", lambda x: x < -708, lambda x: 4 - x, "4 + |x|", SUBNORMAL_FACTOR),
    Listed("elu", 0, "x < -708", lambda x, a: x < -708, lambda x, a: 4 + abs(a), "4 + |alpha|", SUBNORMAL_FACTOR),
    Listed(
        "gaussian", 0, "|x| > 26.5", lambda x: abs(x) > 26.5, lambda x: 4 + 2 * abs(x), "4 + 2 |x|", SUBNORMAL_FACTOR,
    ),
    Listed("normal_pdf", 0, "|x| > 37", lambda x: abs(x) > 37, lambda x: 4 + abs(x), "4 + |x|", SUBNORMAL_FACTOR),
    Listed(
        "normal_pdf", "value", "everywhere", everywhere, lambda x: 3.5, "3.5",
        "two exponentials, a constant and two products are rounded",
    ),
    Listed(
        "logistic_pdf", "value", "everywhere", everywhere, lambda x: SLOPE_BOUND, "4", "it is the slope of sigmoid",
    ),
    Listed(
        "exp2", 0, "x >= 1024", lambda x: x >= 1024, lambda x: math.inf, "none",
        "infinite with 2^x, at half a unit less than needed",
    ),
    *(
        Listed(
            name, which, "x^(y - 1) subnormal", lambda x, y: abs(FLOATS.pow(x, y - 1)) < SMALLEST_NORMAL,
            lambda x, y: 4 + abs(y), "4 + |y|", SUBNORMAL_FACTOR,
        )
        for name, which in (("pow", 0), ("power_slope", "value"))
    ),
    *(
        Listed(
            name, which, "x^y subnormal", lambda x, y: x > 0 and abs(FLOATS.pow(x, y)) < SMALLEST_NORMAL,
            lambda x, y: 4 + abs(math.log(x)), "4 + |log x|", SUBNORMAL_FACTOR,
        )
        for name, which in (("pow", 1), ("power_log", "value"))
    ),
    Listed("power_slope", "value", "everywhere", everywhere, lambda x, y: SLOPE_BOUND, "4", "it is the slope of pow"),
    *(
        Listed(name, which, "everywhere", everywhere, lambda x, y: math.inf, "none", SECOND_ORDER)
        for name, which in (("power_slope", 0), ("power_slope", 1), ("power_log", 0), ("power_log", 1))
    ),
    *(
        Listed(
            "atan2", which, f"{name} / |v| subnormal", holds, lambda y, x: 4 + 1 / math.hypot(y, x), "4 + 1 / |v|",
            "for v = (y, x) the rounding of that quotient is divided by |v|",
        )
        for which, name, holds in (
            (0, "x", lambda y, x: abs(x) / math.hypot(y, x) < SMALLEST_NORMAL),
            (1, "y", lambda y, x: abs(y) / math.hypot(y, x) < SMALLEST_NORMAL),
        )
    ),
    *(
        Listed("cosine", which, "everywhere", everywhere, lambda x, y: 6, "6", "sine, cosine and length are rounded")
        for which in (0, 1)
    ),
    Listed(
        "angle_slope", "value", "x / |v| subnormal", lambda x, y: abs(x) / math.hypot(x, y) < SMALLEST_NORMAL,
        lambda x, y: 4 + 1 / math.hypot(x, y), "4 + 1 / |v|",
        "for v = (x, y) the rounding of that quotient is divided by |v|",
    ),
    Listed(
        "cosine", 1, "x / |v| or y / |v| subnormal",
        lambda x, y: min(abs(x), abs(y)) / math.hypot(x, y) < SMALLEST_NORMAL,
        lambda x, y: 4 + 1 / math.hypot(x, y), "4 + 1 / |v|",
        "for v = (x, y) the rounding of that quotient is divided by |v|",
    ),
    Listed(
        "leading", "partials", "everywhere", everywhere, lambda *v: 5 + len(v) / 2, "5 + n / 2",
        "cosines and length are rounded, and the squares are summed",
    ),
    Listed("angle_slope", "value", "everywhere", everywhere, lambda x, y: 4, "4", "it is the slope of atan2"),
    *(
        Listed(
            "angle_slope", which, "everywhere", everywhere, lambda x, y: math.inf, "none",
            "second derivatives of an angle: x^2 - y^2 and x y of rounded quotients",
        )
        for which in (0, 1)
    ),
    *(
        Listed(
            "zeta", which, "everywhere", everywhere, lambda s, x, least=least: least + s / 2, f"{least} + s / 2",
            "in (x + k)^-s the rounding of x + k is multiplied by s",
        )
        for which, least in (("value", 2), (1, 4))
    ),
    Listed("sum", "value", "everywhere", everywhere, lambda *v: max(2, len(v) / 2), "n / 2", ROUNDED),
    Listed("dot", "value", "everywhere", everywhere, lambda *v: max(2, len(v) / 2), "n", ROUNDED),
    Listed("mean", "value", "everywhere", everywhere, lambda *v: max(2, len(v)), "n", ROUNDED),
    Listed("prod", "value", "everywhere", everywhere, lambda *v: max(2, len(v)), "n", ROUNDED),
    Listed("prod", "partials", "everywhere", everywhere, lambda *v: max(4, len(v)), "n", ROUNDED),
    Listed(
        "softmax", "value", "everywhere", everywhere, lambda *_: 3, "3",
        "an exponential of a rounded difference, times a rounded scale",
    ),
    Listed("others", "value", "everywhere", everywhere, lambda *v: 2 + len(v) / 2, "2 + n / 2", ROUNDED),
    Listed("logsumexp", "partials", "everywhere", everywhere, lambda *v: 4 + len(v) / 2, "4 + n / 2", ROUNDED),
)


NO_SLOPE = {("zeta", 0), ("stop_gradient", 0)}  # operands to which a primitive has no derivative, or none of its value


def listed(name, which, xs):
    """Number of the entry above that a point falls under; None where the general bound holds."""
    for number, entry in enumerate(EXCEPTIONS):
        if entry.primitive == name and entry.which == which and entry.holds(*xs):
            return number
    return None


def bound_of(which, entry, xs):
    """How many ulp a value or partial may err at a point, given its entry."""
    if entry is not None:
        return EXCEPTIONS[entry].bound(*xs)
    return VALUE_BOUND if which == "value" else SLOPE_BOUND


def _sum_of_sizes(mp, _table, *v):
    return mp.fsum(map(abs, v))


def _sum_of_product_sizes(mp, _table, *v):
    return mp.fdot([abs(x) for x in v[: len(v) // 2]], [abs(x) for x in v[len(v) // 2 :]])


def _lgamma_terms(mp, _table, x):
    """To the left of 0, where lgamma(x) = log(pi / |x sin(pi x)|) - lgamma(-x)."""
    return abs(mp.loggamma(-x)) + abs(mp.loggamma(x).real + mp.loggamma(-x)) if x < 0 else 0


def _digamma_terms(mp, _table, x):
    """To the left of 0, where digamma(x) = digamma(-x) - 1 / x - pi cot(pi x)."""
    return abs(mp.digamma(-x)) + abs(1 / x) + abs(mp.digamma(x) - mp.digamma(-x) + 1 / x) if x < 0 else 0


# Where terms cancel, errors are measured in ulp of the sum of |terms|: (primitive, which) -> that sum.
SUMS = {
    ("sum", "value"): _sum_of_sizes,
    ("dot", "value"): _sum_of_product_sizes,
    ("mean", "value"): lambda mp, table, *v: _sum_of_sizes(mp, table, *v) / len(v),
    ("logsumexp", "value"): lambda mp, table, *v: abs(max(v)) + mp.log(mp.fsum(mp.exp(x - max(v)) for x in v)),
    ("logaddexp", "value"): lambda mp, table, *v: abs(max(v)) + mp.log(mp.fsum(mp.exp(x - max(v)) for x in v)),
    ("lgamma", "value"): _lgamma_terms,
    ("lgamma", 0): _digamma_terms,
    ("digamma", "value"): _digamma_terms,
    ("silu", 0): lambda mp, table, x: table["sigmoid"](x) * (1 + abs(x) * table["sigmoid"](-x)),
    ("gelu", 0): lambda mp, table, x: table["normal_cdf"](x) + abs(x) * table["normal_pdf"](x),
}

# Rounded from left to right by definition: what the running sum does on its way is part of the result.
RUNNING = {
    "sum": _sum_of_sizes,
    "dot": _sum_of_product_sizes,
    "mean": _sum_of_sizes,
}

SPECIAL = (
    0.0, 5e-324, 1e-310, SMALLEST_NORMAL, 1e-300, 2.0**-54, 1e-8, 0.5, math.log(2), 1.0, 1.5, math.pi / 2, 2.0,
    math.e, 3.0, math.pi, 10.0, 16.0, 19.06154746539849, 26.543, 28.0, 36.7368, 38.0, 39.0, 100.0, 372.0, 708.3964,
    709.782712893384, 710.4758600739439, 745.1332191019411, 746.0, 1000.0, 1023.0, 1024.0, 1074.0, 2.0**52, 2.0**53,
    2.0**500, 2.0**512, 1e300, LARGEST / 2, LARGEST,
    0.7517915, 1.2784645,  # where gelu' and silu' vanish
)


def neighbour(rng, x):
    """x, or a double a few or a few thousand steps away."""
    steps = rng.choice((0, 0, 1, 1, 2, 3, rng.randrange(1 << 12)))
    return math.nextafter(x, rng.choice((-math.inf, math.inf)), steps=steps) if sys.version_info >= (3, 12) else \
        x + rng.choice((-1, 1)) * steps * math.ulp(x)


def any_double(rng):
    """A number as an adversary picks one: all exponents alike, edges, multiples of pi / 2, everyday numbers."""
    kind = rng.randrange(8)
    sign = rng.choice((-1.0, 1.0))
    if kind == 0:
        return neighbour(rng, sign * rng.choice(SPECIAL))
    if kind == 1:
        return sign * math.ldexp(rng.uniform(1, 2), rng.randrange(-1074, 1024))
    if kind == 2:
        return sign * math.ldexp(rng.uniform(1, 2), rng.randrange(-60, 12))
    if kind == 3:
        return neighbour(rng, sign * rng.randrange(1, 1 << rng.randrange(1, 20)) * (math.pi / 2))
    if kind == 4:
        return neighbour(rng, float(rng.randrange(-40, 41)))
    return rng.uniform(-1, 1) * (1.0, 10.0, 800.0)[kind - 5]


def within(rng, interval):
    """A double of a closed interval, its ends and their neighbourhood included."""
    low, high = interval
    if rng.random() < 0.15:
        end = rng.choice([e for e in interval if math.isfinite(e)] or [0.0])
        step = math.ldexp(rng.choice((-1, 1)), rng.randrange(-1074, 0))
        x = neighbour(rng, end) if rng.random() < 0.5 else end + step
    else:
        x = any_double(rng)
    if math.isfinite(low) and math.isfinite(high) and rng.random() < 0.5:
        return rng.uniform(low, high)
    if low == 0 and x < 0:
        x = -x
    if low == 1 and 0 < abs(x) < 1:
        x = 1 / x
    return min(max(x, low), high) if low <= abs(x) <= high or low <= x <= high else within(rng, interval)


def for_pow(rng):
    """Base and exponent such that the power mostly is in range; bases near 1, whole exponents, negative bases."""
    kind = rng.randrange(5)
    x = abs(any_double(rng)) or 1.0
    if kind == 0:
        x = 1 + rng.choice((-1, 1)) * math.ldexp(rng.random(), rng.randrange(-52, 0))
    target = rng.uniform(-1080, 1030)
    y = target / math.log2(x) if x != 1 else any_double(rng)
    if kind == 1:
        y = rng.choice((0.0, 1.0, -1.0, 2.0, 3.0, -2.0, 0.5, 1.5, -0.5, 10.0, 1 / 3, 5e-324, 1e-300, 1e-17))
    if kind == 2:
        y = any_double(rng)
    if kind == 3 and abs(y) < 2**53:
        x, y = rng.choice((-1, 1)) * x, float(round(y))
    return x, y


def for_div(rng):
    """Quotients near the ends of the range, where a step on the way could leave it."""
    y = any_double(rng) or 1.0
    z = math.ldexp(rng.uniform(1, 2), rng.choice((rng.randrange(-1074, -1015), rng.randrange(1000, 1024), 0)))
    x = y * z
    return (x if math.isfinite(x) else any_double(rng)), y


def together(rng, n):
    """n numbers that have to do with each other: ties, neighbours, one size, sums near zero."""
    kind = rng.randrange(5)
    if kind == 0:
        return [any_double(rng) for _ in range(n)]
    centre = any_double(rng)
    if kind == 1:
        return [neighbour(rng, centre * rng.choice((1, 1, 1, -1))) for _ in range(n)]
    if kind == 2:
        return [rng.uniform(-1, 1) * math.ldexp(1.0, rng.randrange(-4, 5)) * min(abs(centre), 1e300) for _ in range(n)]
    if kind == 3:
        xs = [rng.uniform(-1, 1) * min(abs(centre), 1e300) for _ in range(n - 1)]
        xs.append(neighbour(rng, -math.fsum(xs)))
        rng.shuffle(xs)
        return xs
    return [rng.uniform(-20, 20) for _ in range(n)]


def for_logsumexp(rng, n):
    """Near 0, where the logarithm cancels the largest term; or wherever."""
    xs = together(rng, n)
    if rng.random() < 0.4 and n > 1:
        p = [rng.random() ** 3 for _ in range(n)]
        shift = rng.choice((0.0, rng.uniform(-1, 1), rng.uniform(-700, 700)))
        xs = [math.log(q / math.fsum(p)) + shift for q in p]
    return xs


PARTS = frozenset("cross_entropy others exp_less scale log_scale softmax log_softmax".split())

LAST = frozenset("exp_less softmax log_softmax".split())  # parts whose second operand is the largest x


def for_softmax(rng, name):
    """Operands of a part of softmax as it is used: those after the x fit them."""
    xs = for_logsumexp(rng, rng.randrange(1, 7))
    if name == "cross_entropy":  # the right class among the others, or far ahead, or far behind
        return [*xs, rng.choice(xs) + rng.choice((0.0, rng.uniform(-40, 40), rng.uniform(-700, 700)))]
    top = evaluate(PRIMITIVES["largest"], xs)[0]
    rest = evaluate(PRIMITIVES["others"], [*xs, top])[0]
    found = {"others": [*xs, top], "exp_less": [rng.choice(xs), top]}.get(name, [top, rest])
    if name.endswith("softmax"):
        scale = evaluate(PRIMITIVES["scale" if name == "softmax" else "log_scale"], found)[0]
        found = [rng.choice(xs), top, scale]
    return found


def points(primitive, n, seed=0):
    """n points of the primitive's domain; the same ones for the same seed."""
    rng = random.Random(f"{primitive.name} {seed}")
    made = 0
    while made < n:
        if primitive.name in ("pow", "power_slope", "power_base", "power_log"):
            xs = for_pow(rng)
        elif primitive.name == "div" and rng.random() < 0.5:
            xs = for_div(rng)
        elif primitive.name == "zeta":
            xs = [float(rng.randrange(2, 12)), within(rng, primitive.domain[1])]
        elif primitive.name in ("logsumexp", "logaddexp"):
            xs = for_logsumexp(rng, primitive.arity or rng.randrange(1, 7))
        elif primitive.name in PARTS:
            xs = for_softmax(rng, primitive.name)
        elif primitive.name == "leading":  # of a vector that was scaled
            size = rng.randrange(-90, 90)
            xs = [math.ldexp(rng.uniform(-1, 1), rng.randrange(size, size + 30)) for _ in range(rng.randrange(1, 7))]
        elif primitive.arity is None:
            k = rng.randrange(1, 7)
            xs = together(rng, 2 * k if primitive.name == "dot" else k)
        elif primitive.arity == 1 or any(math.isfinite(end) for interval in primitive.domain for end in interval):
            xs = [within(rng, interval) for interval in primitive.domain]
        else:
            xs = together(rng, primitive.arity)
        if all(map(math.isfinite, xs)) and stays_in_range(primitive, xs):
            made += 1
            yield tuple(x + 0.0 for x in xs)  # no -0.0, which the reference does not know


def stays_in_range(primitive, xs):
    """Whether a primitive that is rounded from left to right by definition meets no overflow."""
    mp, table = context(50)
    if primitive.name in RUNNING:
        return RUNNING[primitive.name](mp, table, *map(mp.mpf, xs)) <= LARGEST
    return True


def ulp_of(x):
    """Distance of the doubles around an exact number."""
    mp, _ = context(50)
    x = abs(mp.mpf(x))
    exponent = -1022 if x == 0 else max(-1022, mp.frexp(x)[1] - 1)
    return mp.ldexp(1, min(exponent, 1023) - 52)


def error_in_ulp(found, exact, scale=0):
    """|found - exact| in ulp of the exact number, or of `scale` if that is larger."""
    mp, _ = context(50)
    if math.isnan(found):
        return math.inf
    limit = mp.ldexp(1, 1024)
    if abs(exact) >= limit - mp.ldexp(1, 970) and found == math.copysign(math.inf, exact):
        return 0.0
    x = mp.mpf(found) if math.isfinite(found) else math.copysign(1, found) * limit
    return float(abs(x - exact) / ulp_of(max(abs(exact), abs(scale))))


def scale_of(name, which, xs):
    """The sum of |terms| by which an error is judged; 0 for the exact number itself."""
    mp, table = context(50)
    rule = SUMS.get((name, which))
    return rule(mp, table, *map(mp.mpf, xs)) if rule else 0


def errors(primitive, xs):
    """(which, error in ulp) of the value and of each partial that exists at a point."""
    z, partials = evaluate(primitive, xs)
    exact = exact_value(primitive.name, xs)
    if exact is not None:
        yield "value", error_in_ulp(z, exact, scale_of(primitive.name, "value", xs))
    if exact is None or at_kink(primitive, xs):
        return
    for i, found in enumerate(partials):
        slope = None if (primitive.name, i) in NO_SLOPE else exact_slope(primitive.name, xs, i)
        if slope is not None:
            yield i, error_in_ulp(found, slope, scale_of(primitive.name, i, xs))


def at_kink(primitive, xs):
    """Whether the point is one of those without a derivative.

    A part of softmax jumps where its largest x is whole, and where its operands no longer fit together.
    """
    if primitive.name in ("largest", "others"):
        return True
    if primitive.name in PARTS - {"cross_entropy"} and xs[1 if primitive.name in LAST else 0].is_integer():
        return True
    if primitive.kinks is None:
        return False
    zeros = primitive.kinks(FLOATS, *map(FLOATS.number, xs))
    return any(k == 0 for k in (zeros if isinstance(zeros, tuple) else (zeros,)))


class Worst(NamedTuple):
    """The largest error of a primitive at one place."""

    primitive: str
    which: str | int
    entry: int | None  # index into EXCEPTIONS
    error: float
    bound: float
    point: tuple[float, ...]

    @property
    def share(self):
        """How much of the bound is used up; where there is none, the error."""
        return self.error if math.isinf(self.bound) else self.error / self.bound


def worst(primitive, n, seed=0):
    """The largest errors over n points: of the value and each partial, apart from listed places and in each of them."""
    found = {}
    for xs in points(primitive, n, seed):
        for which, error in errors(primitive, xs):
            which = "partials" if primitive.arity is None and which != "value" else which
            entry = listed(primitive.name, which, xs)
            now = Worst(primitive.name, which, entry, error, bound_of(which, entry, xs), xs)
            if (which, entry) not in found or now.share > found[which, entry].share:
                found[which, entry] = now
    return sorted(found.values(), key=lambda w: (str(w.which), w.entry or -1))


def _job(task):
    name, n = task
    return worst(PRIMITIVES[name], n)


def what(which):
    """The value, all partials, or that to one operand, in the words of the table."""
    return which if isinstance(which, str) else f"∂/∂{'xyz'[which]}"


def shown(w):
    """One line of the table."""
    error = "∞" if math.isinf(w.error) else f"{w.error:.2f}" if w.error < 1e4 else "> 10^4"
    error = "0" if w.error < 0.005 else error
    point = "" if error == "0" else ", ".join(f"`{x!r}`" for x in w.point)
    return what(w.which), error, point


def page(found, n):
    """docs/accuracy.md."""
    lines = HEADER.format(n=n, libc=" ".join(platform.libc_ver()), python=platform.python_version()).splitlines()
    lines += ["", "## Everywhere else", "", "| primitive | | ulp | at |", "|---|---|---|---|"]
    lines += [f"| {w.primitive} | {' | '.join(shown(w))} |" for w in found if w.entry is None]
    lines += ["", "## Exceptions", ""]
    lines += ["| primitive | | where | bound | ulp | at | why |", "|---|---|---|---|---|---|---|"]
    for w in sorted((w for w in found if w.entry is not None), key=lambda w: w.entry):
        entry, (which, error, point) = EXCEPTIONS[w.entry], shown(w)
        place, formula = (text.replace("|", "\\|") for text in (entry.place, entry.formula))
        lines.append(f"| {w.primitive} | {which} | {place} | {formula} | {error} | {point} | {entry.why} |")
    return "\n".join(lines) + "\n"


def rank(line):
    """Of a line in a table its primitive, the table, and the place there; None for other lines."""
    name, *cells = line.removeprefix("| ").split(" | ")
    if name not in PRIMITIVES:
        return None
    if len(cells) == 3:
        return name, 0, list(PRIMITIVES).index(name)
    listed_here = [(e.primitive, what(e.which), e.place.replace("|", "\\|")) for e in EXCEPTIONS]
    return name, 1, listed_here.index((name, *cells[:2]))


def renewed(text, found):
    """The page with new lines for some primitives; those of the others stay."""
    names = {w.primitive for w in found}
    lines = [line for line in text.splitlines() if not rank(line) or rank(line)[0] not in names]
    for line in filter(rank, page(found, 0).splitlines()):
        _, table, place = rank(line)
        before = [i for i, other in enumerate(map(rank, lines)) if other and other[1] == table and other[2] <= place]
        start = [i for i, other in enumerate(lines) if other.startswith("|---")][table]
        lines.insert(max(before, default=start) + 1, line)
    return "\n".join(lines) + "\n"


HEADER = """\
# Accuracy

The errors of the value and the partial derivatives of every primitive, against the exact numbers, at {n} points of
its domain each: ends of the domain, subnormals, huge values, points close to zeros and kinks, everyday numbers.
`python benchmarks/accuracy.py --points {n}` regenerates this page; here {libc}, Python {python}. The tests
do the same at fewer points.

One ulp is the spacing of doubles around the exact number, 2^-1074 in the subnormal range. An infinite result counts
as right where the exact number rounds to infinity. Bounds: 2 ulp for values, 4 for partials, apart from the
exceptions below. Primitives whose terms cancel (sum, dot, mean, logsumexp, logaddexp; silu'
and gelu' near their zeros; lgamma and digamma left of 0) are measured in ulp of the sum of |terms|. Sums
whose intermediate results leave the range of doubles are left out, because rounding from left to right is
their definition; products are not, because only the whole product over- or underflows. Primitives of n
operands are tested with 1 to 6 of them. Second derivatives of `prod` go through the graph of its gradient.
For up to 16 operands that graph has one product per operand; for more it has products of products, and one
of those may leave the range though the derivative does not.

Derivatives of orders 2 and 3 are those of rules, too; `tests/engine/test_extremes.py` tries them where operands are
of any size, and `tests/engine/test_third_derivatives.py` beside ties and axes. Three limits remain. Third derivatives
of `atan2` and `hypot` close to an axis may be infinite though they are not, if |v| is below 2^-340 and they are above
10^270. Third derivatives of `x ** y`, two of them with respect to y, lose a term where x ** y is beyond the range and
they are not. Second derivatives of a `softmax` of two beside a tie, and third ones of its logarithm, are differences
of rounded shares: right to a unit in the last place of 1/8, however small they are. Fourth derivatives are not tested.

The exact number is computed with mpmath from a textbook definition of each primitive (`benchmarks/references.py`)
that shares nothing with the table of rules. A derivative is the central difference of that definition
with a step of 10^-50 down to 10^-2000 of the operand. Precision is raised from 50 to up to 6000 digits
until two levels agree to 25 digits. Points without a derivative are left out: kinks, and the ends of a
domain, for which see [kinks](kinks.md)."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operations", nargs="*", help="which to print; if none, all, and docs/accuracy.md is written")
    parser.add_argument("--write", action="store_true", help="renew the lines of these operations in docs/accuracy.md")
    parser.add_argument("--points", type=int, default=10_000)
    options = parser.parse_args()
    for name in options.operations:
        if name not in PRIMITIVES:
            parser.error(f"there is no operation {name}")
        if name not in definitions(mpmath):
            parser.error(f"{name} has no definition yet; it goes into benchmarks/references.py")
    found = []
    with Pool() as pool:
        for several in pool.imap(_job, [(name, options.points) for name in options.operations or PRIMITIVES]):
            for w in several:
                found.append(w)
                place = "" if w.entry is None else EXCEPTIONS[w.entry].place
                mark = "" if w.error <= w.bound else "   MISSED"
                print(f"{w.primitive:12} {'  '.join(shown(w))}  {place}{mark}", flush=True)
    if not options.operations:
        TARGET.write_text(page(found, options.points), encoding="utf-8")
    elif options.write and any(w.error > w.bound for w in found):
        print(f"{TARGET.name} is left alone: mend the rule, or say in EXCEPTIONS where and why it is further off")
    elif options.write:
        TARGET.write_text(renewed(TARGET.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 1 if any(w.error > w.bound for w in found) else 0


if __name__ == "__main__":
    sys.exit(main())
