"""Value and partials of every primitive against 50 digits: how many ulp, and where it is worst.

    python benchmarks/accuracy.py --points 10000      remakes the table in docs/accuracy.md
    python benchmarks/accuracy.py tanh pow            prints these rows

The error is |computed - exact| in ulp of the exact number: 2^(e - 52) for 2^e <= |exact| < 2^(e + 1),
2^-1074 in the subnormal range. Infinity counts as 2^1024, and as right where the exact number rounds to it.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from multiprocessing import Pool
from pathlib import Path

from references import UndecidedError, context, exact_slope, exact_value

from autograd_core.ops import ROWS
from autograd_core.value import evaluate

VALUE_BOUND, SLOPE_BOUND = 2.0, 4.0  # ulp
TARGET = Path(__file__).parents[1] / "docs" / "accuracy.md"

# What may miss these bounds: (row, "value" or the operand's number) -> (bound in ulp, why).
LIBM = "the C library's own error; glibc's largest known one (Zimmermann et al., 2023)"
EXCEPTIONS = {
    ("acosh", "value"): (2.3, LIBM),
    ("tanh", "value"): (2.3, LIBM),
    ("erfc", "value"): (5.2, LIBM),
    ("normal_cdf", "value"): (5.2, "erfc of the C library"),
    ("gelu", "value"): (40.0, "above x = -37.5 within 6; below it Phi(x) is subnormal, and x multiplies its rounding"),
    ("silu", "value"): (3.0, "only where exp(x) is subnormal: it is taken as the product of two"),
    ("prod", "value"): (5.0, "n - 1 roundings for n factors, here up to 6"),
    ("prod", "partials"): (4.0, "n - 2 roundings for n factors, here up to 6"),
}



def _sum_of_sizes(mp, table, *v):
    return mp.fsum(map(abs, v))


def _sum_of_product_sizes(mp, table, *v):
    return mp.fdot([abs(x) for x in v[: len(v) // 2]], [abs(x) for x in v[len(v) // 2 :]])


# Where terms cancel, errors are measured in ulp of the sum of |terms|: (row, which) -> that sum.
SUMS = {
    ("sum", "value"): _sum_of_sizes,
    ("dot", "value"): _sum_of_product_sizes,
    ("mean", "value"): lambda mp, table, *v: _sum_of_sizes(mp, table, *v) / len(v),
    ("logsumexp", "value"): lambda mp, table, *v: abs(max(v)) + mp.log(mp.fsum(mp.exp(x - max(v)) for x in v)),
    ("silu", 0): lambda mp, table, x: table["sigmoid"](x) * (1 + abs(x) * table["sigmoid"](-x)),
    ("gelu", 0): lambda mp, table, x: table["normal_cdf"](x) + abs(x) * table["normal_pdf"](x),
}

# Rounded from left to right by definition: what the running sum or product does on its way is part of the result.
RUNNING = {
    "sum": _sum_of_sizes,
    "dot": _sum_of_product_sizes,
    "mean": _sum_of_sizes,
}

LARGEST = sys.float_info.max
SMALLEST_NORMAL = sys.float_info.min
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
        x = neighbour(rng, end) if rng.random() < 0.5 else end + math.ldexp(rng.choice((-1, 1)), rng.randrange(-1074, 0))
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
    return [rng.uniform(-20, 20) + min(max(centre, -1e4), 1e4) * 0 for _ in range(n)]


def for_logsumexp(rng, n):
    """Near 0, where the logarithm cancels the largest term; or wherever."""
    xs = together(rng, n)
    if rng.random() < 0.4 and n > 1:
        p = [rng.random() ** 3 for _ in range(n)]
        shift = rng.choice((0.0, rng.uniform(-1, 1), rng.uniform(-700, 700)))
        xs = [math.log(q / math.fsum(p)) + shift for q in p]
    return xs


def points(row, n, seed=0):
    """n points of the row's domain; the same ones for the same seed."""
    rng = random.Random(f"{row.name} {seed}")
    made = 0
    while made < n:
        if row.name == "pow":
            xs = for_pow(rng)
        elif row.name == "div" and rng.random() < 0.5:
            xs = for_div(rng)
        elif row.name == "logsumexp":
            xs = for_logsumexp(rng, rng.randrange(1, 7))
        elif row.arity is None:
            k = rng.randrange(1, 7)
            xs = together(rng, 2 * k if row.name == "dot" else k)
        elif row.arity == 1 or any(math.isfinite(end) for interval in row.domain for end in interval):
            xs = [within(rng, interval) for interval in row.domain]
        else:
            xs = together(rng, row.arity)
        if all(map(math.isfinite, xs)) and stays_in_range(row, xs):
            made += 1
            yield tuple(x + 0.0 for x in xs)  # no -0.0, which the reference does not know


def stays_in_range(row, xs):
    """Whether a row that is rounded from left to right by definition meets no overflow, a product no underflow."""
    mp, table = context(50)
    if row.name in RUNNING:
        return RUNNING[row.name](mp, table, *map(mp.mpf, xs)) <= LARGEST
    if row.name == "prod":
        sizes = [math.frexp(x)[1] for x in xs if x]
        return sum(e for e in sizes if e > 0) < 1000 and sum(e for e in sizes if e < 0) > -1000
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


def errors(row, xs):
    """(which, error in ulp) of the value and of each partial that exists at a point."""
    z, partials = evaluate(row, xs)
    exact = exact_value(row.name, xs)
    if exact is not None:
        yield "value", error_in_ulp(z, exact, scale_of(row.name, "value", xs))
    if exact is None or at_kink(row, xs):
        return
    for i, found in enumerate(partials):
        slope = exact_slope(row.name, xs, i)
        if slope is not None:
            yield i, error_in_ulp(found, slope, scale_of(row.name, i, xs))


def at_kink(row, xs):
    """Whether the point is one of those without a derivative."""
    from autograd_core.number_systems.floats import FLOATS

    if row.kinks is None:
        return False
    zeros = row.kinks(FLOATS, *map(FLOATS.number, xs))
    return any(k == 0 for k in (zeros if isinstance(zeros, tuple) else (zeros,)))


def worst(row, n, seed=0):
    """which -> (largest error, the point), over n points; operands of n-ary rows are taken together."""
    found = {}
    for xs in points(row, n, seed):
        try:
            measured = list(errors(row, xs))
        except UndecidedError:
            msg = f"{row.name}{xs}: not settled"
            raise UndecidedError(msg) from None
        for which, error in measured:
            if row.arity is None and which != "value":
                which = "partials"
            if error >= found.get(which, (-1.0,))[0]:
                found[which] = error, xs
    return found


def _job(task):
    name, n = task
    start = time.perf_counter()
    return name, worst(ROWS[name], n), time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--points", type=int, default=10_000)
    options = parser.parse_args()
    with Pool(2) as pool:
        for name, found, seconds in pool.imap(_job, [(name, options.points) for name in options.rows or ROWS]):
            for which, (error, xs) in sorted(found.items(), key=lambda item: str(item[0])):
                bad = error > (VALUE_BOUND if which == "value" else SLOPE_BOUND)
                print(f"{name:12} {which!s:9} {error:10.3g} {xs} {'***' if bad else ''} {seconds:.1f}s", flush=True)


if __name__ == "__main__":
    main()
