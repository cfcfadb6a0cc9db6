"""What every primitive is, in textbook form, and its derivative, to as many digits as it takes.

Independent of `autograd_core/_src/engine/primitives` on purpose: the definitions below are mpmath's own functions
put together as a textbook does, and a derivative is a central difference of the definition,
never a rule. Precision is raised until two levels agree, so that nothing cancels unseen.
"""

from __future__ import annotations

import functools

import mpmath

# Decimal digits. Ever larger ones see through tanh(300), through 1e308 + 1 - 1e308, ...
VALUE_LEVELS = (50, 150, 400, 1000, 2500, 6000)
SLOPE_LEVELS = VALUE_LEVELS[1:]
SURE = 2500  # a zero counts from here on: 10^-2500 of any operand is far below all doubles
AGREE = "1e-25"
KEPT = 1 << 15  # exact numbers, which several tests ask for at the same points
FAR = 2**20  # erfc(FAR) is below 10^-10^11, and mpmath's erfc overflows its own exponent further out


LEAD = 0.71  # of a length, as the rules have it
LEADING = 0.625  # as the rules have it: a larger share of a softmax is written as one


def definitions(mp):
    """The value of every primitive, in the mpmath context `mp`."""

    def erfc(x):
        return mp.zero if x > FAR else mp.erfc(x)

    def normal_cdf(x):
        return erfc(-x / mp.sqrt(2)) / 2

    def holds(test):
        return lambda x, y: mp.one if test(x, y) else mp.zero

    def sign(x):
        return mp.sign(x)

    def clip(x, low, high):
        return min(max(x, low), high)

    def cbrt(x):
        return mp.sign(x) * mp.cbrt(abs(x))

    def norm(*v):
        return mp.sqrt(mp.fsum(x * x for x in v))

    def logsumexp(*v):  # log1p, or a tiny largest hides the others; below 10^-8000 a term is nothing, and slow
        top, *rest = sorted(v, reverse=True)
        return top + mp.log1p(mp.fsum(mp.exp(x - top) for x in rest if x - top > -20_000))

    def fraction(top):
        return mp.exp(top - mp.floor(top))

    def scale(top, rest):
        share = fraction(top) / (fraction(top) + rest)
        return share if share > LEADING else 1 / (fraction(top) + rest)

    def softmax(x, top, s):  # where the largest has most, that one is the scale alone
        p = mp.exp(x - (top if s > LEADING else mp.floor(top))) * s
        return s if min(s, p) > LEADING else p

    def log_softmax(x, top, s):
        return x - mp.floor(top) - s if s > 0 else s if x - top + s > mp.log(LEADING) else x - top + s

    return {
        "pos": lambda x: x,
        "neg": lambda x: -x,
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "pow": mp.power,
        "abs": abs,
        "path_product": lambda x, y: x * y,
        "lt": holds(lambda x, y: x < y),
        "le": holds(lambda x, y: x <= y),
        "gt": holds(lambda x, y: x > y),
        "ge": holds(lambda x, y: x >= y),
        "eq": holds(lambda x, y: x == y),
        "ne": holds(lambda x, y: x != y),
        "where": lambda c, x, y: x if c != 0 else y,
        "maximum": max,
        "minimum": min,
        "clip": clip,
        "sign": sign,
        "floor": mp.floor,
        "ceil": mp.ceil,
        "exp": mp.exp,
        "expm1": mp.expm1,
        "exp2": lambda x: mp.power(2, x),
        "log": mp.log,
        "log1p": mp.log1p,
        "log2": lambda x: mp.log(x) / mp.log(2),
        "log10": lambda x: mp.log(x) / mp.log(10),
        "sqrt": mp.sqrt,
        "cbrt": cbrt,
        "sin": mp.sin,
        "cos": mp.cos,
        "tan": mp.tan,
        "asin": mp.asin,
        "acos": mp.acos,
        "atan": mp.atan,
        "atan2": mp.atan2,
        "sinh": mp.sinh,
        "cosh": mp.cosh,
        "tanh": mp.tanh,
        "asinh": mp.asinh,
        "acosh": mp.acosh,
        "atanh": mp.atanh,
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
        "softplus": lambda x: mp.log1p(mp.exp(x)),
        "relu": lambda x: max(x, mp.zero),
        "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
        "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
        "silu": lambda x: x / (1 + mp.exp(-x)),
        "gelu": lambda x: x * normal_cdf(x),
        "gaussian": lambda x: mp.exp(-x * x),
        "erf": mp.erf,
        "erfc": erfc,
        "normal_pdf": lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi),
        "normal_cdf": normal_cdf,
        "degrees": mp.degrees,
        "radians": mp.radians,
        "square": lambda x: x * x,
        "copysign": lambda x, y: -abs(x) if y < 0 else abs(x),
        "lgamma": lambda x: mp.inf if x <= 0 and mp.isint(x) else mp.loggamma(x).real,
        "digamma": lambda x: mp.nan if x <= 0 and mp.isint(x) else mp.digamma(x),
        "zeta": mp.zeta,
        "logaddexp": logsumexp,
        "cross_entropy": lambda *vc: mp.log1p(mp.fsum(mp.exp(x - vc[-1]) for x in vc[:-1])),
        "largest": lambda *v: max(v),
        "others": lambda *vt: mp.fsum(mp.exp(x - mp.floor(vt[-1])) for x in sorted(vt[:-1])[:-1]),
        "exp_less": lambda x, top: mp.exp(x - mp.floor(top)),
        "scale": scale,
        "log_scale": lambda top, rest: (  # as log1p, or what is tiny would be lost beside 1
            -mp.log1p(rest / fraction(top)) if scale(top, rest) > LEADING else mp.log(fraction(top) + rest)
        ),
        "softmax": softmax,
        "log_softmax": log_softmax,
        "logistic_pdf": lambda x: 1 / (2 + mp.exp(x) + mp.exp(-x)),
        "one_minus_square": lambda x: 1 - x * x,
        "power_slope": lambda x, y: y * mp.power(x, y - 1),
        "power_base": lambda x, y: x,
        "power_log": lambda x, y: mp.power(x, y) * mp.log(x),
        "step_slope": lambda x: mp.zero,
        "end": lambda x: mp.zero,
        "stop_gradient": lambda x: x,
        "cosine": lambda x, y: x / norm(x, y),
        "angle_slope": lambda x, y: x / (x * x + y * y),
        "leading": lambda *v: next((x / norm(*v) for x in v if abs(x) > LEAD * norm(*v)), mp.zero),
        "hypot": norm,
        "norm": norm,
        "sum": lambda *v: mp.fsum(v),
        "dot": lambda *v: mp.fdot(v[: len(v) // 2], v[len(v) // 2 :]),
        "mean": lambda *v: mp.fsum(v) / len(v),
        "prod": lambda *v: mp.fprod(v),
        "max": lambda *v: max(v),
        "min": lambda *v: min(v),
        "logsumexp": logsumexp,
    }


def up_to_constant(mp):
    """Definitions less a constant that would hide the digits of a difference: erf is 1 - erfc(x), or erfc(-x) - 1."""

    def erf(x):
        if abs(x) < 1:
            return mp.erf(x)
        return mp.zero if abs(x) > FAR else -mp.sign(x) * mp.erfc(abs(x))

    return {
        "erf": erf,
        "erfc": lambda x: -erf(x),
        "normal_cdf": lambda x: erf(x / mp.sqrt(2)) / 2,
    }


@functools.cache
def context(digits):
    """An mpmath context of so many digits, and the definitions in it."""
    mp = mpmath.MPContext()
    mp.dps = digits
    return mp, definitions(mp)


class UndecidedError(ArithmeticError):
    """Even the highest precision did not settle a number."""


def settled(evaluate, levels, place):
    """The number that `evaluate(mp, definitions)` gives with its noise, at rising precision until two levels agree.

    None outside of the domain, and where it grows without end (the slope of a cube root at 0). `place` says what it is.
    """
    last, last_noise, diverges = None, 0, True
    for digits in levels:
        mp, table = context(digits)
        try:
            now, noise = evaluate(mp, table)
        except ZeroDivisionError:
            return None
        if isinstance(now, mp.mpc) or not mp.isfinite(now):
            return None
        if last is not None:
            if abs(now - last) <= mp.mpf(AGREE) * abs(now) and (now != 0 or digits >= SURE):
                return now
            nothing = mp.ldexp(1, -1100)
            if digits >= 1000 and abs(now) + noise < nothing and abs(last) <= max(nothing, last_noise):
                return mp.zero
            diverges = diverges and abs(now) > 1e6 * abs(last)
        last, last_noise = now, noise
    if diverges:
        return None
    msg = (
        f"{place}: {levels[-1]} digits do not settle it, as the definition in benchmarks/references.py cancels; write "
        "it so that it does not, as log1p(x) for log(1 + x), or give its limit far out, as erfc does"
    )
    raise UndecidedError(msg)


@functools.lru_cache(KEPT)
def exact_value(name, xs):
    """The value of a primitive at doubles `xs`, to 25 digits at least; None where it is not finite."""

    def value(mp, table):
        return mp.convert(table[name](*map(mp.mpf, xs))), mp.inf  # how much it cancels is not known

    return settled(value, VALUE_LEVELS, f"{name} at {xs}")


@functools.lru_cache(KEPT)
def exact_slope(name, xs, i):
    """The derivative to operand i: a central difference of the definition, whose step shrinks with the precision.

    None where the definition leaves its domain on one side, so that there is no derivative.
    """

    def difference(mp, table):
        f = up_to_constant(mp).get(name, table[name])
        h = mp.mpf(min(1.0, *(abs(u) for u in (1.0, *xs) if u))) * mp.mpf(10) ** -(mp.dps // 3)
        ahead, behind = list(map(mp.mpf, xs)), list(map(mp.mpf, xs))
        ahead[i] += h
        behind[i] -= h
        high, low = mp.convert(f(*ahead)), mp.convert(f(*behind))
        noise = abs(high) * mp.mpf(10) ** (5 - mp.dps) / h
        return (high - low) / (2 * h), noise

    return settled(difference, SLOPE_LEVELS, f"the derivative of {name} to operand {i} at {xs}")


@functools.lru_cache(KEPT)
def exact_derivative(name, xs, orders):
    """The derivative of so many orders to each operand, where the definition is smooth: a difference of differences."""

    def difference(mp, table):
        f, n = table[name], sum(orders)
        places, scale = [[(mp.mpf(1), [])]], mp.one
        for x, order in zip(xs, orders, strict=True):
            h = mp.mpf(min(1.0, abs(x) or 1.0)) * mp.mpf(10) ** -(mp.dps // (n + 2))
            scale *= h**order
            ks = range(order + 1)
            steps = [((-1) ** k * mp.binomial(order, k), mp.mpf(x) + (mp.mpf(order) / 2 - k) * h) for k in ks]
            places.append([(w * v, [*point, u]) for w, point in places[-1] for v, u in steps])
        terms = [w * mp.convert(f(*point)) for w, point in places[-1]]
        return mp.fsum(terms) / scale, max(map(abs, terms)) * mp.mpf(10) ** (5 - mp.dps) / scale

    return settled(difference, SLOPE_LEVELS, f"the derivative of {name} of orders {orders} at {xs}")
