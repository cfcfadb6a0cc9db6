"""What the rules of wild_rules.py are made of: functions of 60 digits, and of NumPy's doubles."""

from __future__ import annotations

import math

import mpmath
import numpy as np

MP = mpmath.MPContext()
MP.dps = 60
INF = math.inf
FAR = 10**6  # exp beyond is nothing, or everything, to any double and to any sum of doubles
zero = MP.mpf(0)
NOTHING, EVERYTHING = MP.mpf(10) ** -400_000, MP.mpf(10) ** 400_000
ROOT_PI, ROOT_TWO, LN2, LN10 = MP.sqrt(MP.pi), MP.sqrt(2), MP.log(2), MP.log(10)


class Undefined(ArithmeticError):
    """No number of 60 digits says what stands here: the ends of a domain, and what lies outside."""


def real(z):
    """A real number, or none."""
    if isinstance(z, MP.mpc) or not MP.isfinite(z):
        raise Undefined
    return z


def exp(x):
    return NOTHING if x < -FAR else EVERYTHING if x > FAR else MP.exp(x)


def log(x):
    if x <= 0:
        raise Undefined
    return MP.log(x)


def inside(x, low, high):
    if not low <= x <= high:
        raise Undefined


def logistic(x):
    return 1 / (1 + exp(-x)) if x > 0 else exp(x) / (1 + exp(x))


def bell(x):
    return exp(-x * x)


def erfc(x):
    return NOTHING if x > 2000 else MP.mpf(2) if x < -2000 else MP.erfc(x)


def below(x):
    """The normal distribution function."""
    return erfc(-x / ROOT_TWO) / 2


def density(x):
    return exp(-x * x / 2) / (ROOT_TWO * ROOT_PI)


def power(x, y):
    if x > 0:
        return exp(y * MP.log(x))
    if x == 0:
        if y < 0:
            raise Undefined
        return MP.mpf(1 if y == 0 else 0)
    if y != MP.floor(y):
        raise Undefined
    z = exp(y * MP.log(-x))
    return z if MP.fmod(y, 2) == 0 else -z


def power_slopes(z, x, y):
    if y == 0:
        to_x = MP.mpf(0)
    elif x == 0:
        if y < 1:
            raise Undefined
        to_x = MP.mpf(1 if y == 1 else 0)
    else:
        to_x = y * z / x
    return to_x, MP.mpf(0) if x == 0 else z * log(x)


def lengths(z, *v):
    return [MP.mpf(0) if z == 0 else x / z for x in v]


def length(*v):
    return MP.sqrt(MP.fsum(x * x for x in v))


def log_of_sum(*v):
    top, *rest = sorted(v, reverse=True)
    return top + MP.log1p(MP.fsum(exp(x - top) for x in rest))


def shares(z, *v):
    top = max(v)
    weights = [exp(x - top) for x in v]
    total = MP.fsum(weights)
    return [w / total for w in weights]


def first(z, v):
    """1 for the first that equals z."""
    k = next(i for i, x in enumerate(v) if x == z)
    return [MP.mpf(i == k) for i in range(len(v))]


def log_gamma(x):
    if x > 0:
        return MP.loggamma(x).real if x < 10**30 else x * (MP.log(x) - 1)
    sine = MP.sinpi(x)
    if sine == 0:
        raise Undefined
    return MP.log(MP.pi / abs(sine)) - log_gamma(1 - x)


def di_gamma(x):
    if x > 10**30:
        return MP.log(x)
    if x <= 0:
        sine = MP.sinpi(x)
        if sine == 0:
            raise Undefined
        return di_gamma(1 - x) - MP.pi * MP.cospi(x) / sine
    return real(MP.digamma(x))


def tri_gamma(x):
    if x > 10**30:
        return 1 / x
    if x <= 0:
        sine = MP.sinpi(x)
        if sine == 0:
            raise Undefined
        return (MP.pi / sine) ** 2 - tri_gamma(1 - x)
    return real(MP.psi(1, x))


def np_log_gamma(x):
    return INF if x <= 0 and x == np.floor(x) else by_math(math.lgamma)(x)


def gamma_terms(z, x):
    """To the left of 0 two terms cancel, of lgamma as of digamma."""
    if x > 0:
        return (z,)
    return MP.log(MP.pi / abs(MP.sinpi(x))), log_gamma(1 - x), log_gamma(1 + x) if x > -1 else zero


def di_gamma_terms(z, x):
    return (z,) if x > 0 else (di_gamma(1 - x), MP.pi * MP.cospi(x) / MP.sinpi(x), 1 / x if x > -1 else zero)


def np_di_gamma(x):
    """NumPy has none; poles and minus infinity are left open."""
    if not np.isfinite(x):
        return None if x == -INF else x
    try:
        return float(di_gamma(MP.mpf(x)))
    except Undefined:
        return None


def by_math(f):
    """A function of `math` with NaN and infinities as IEEE 754 has them."""

    def g(x):
        try:
            return f(float(x))
        except OverflowError:
            return INF
        except ValueError:
            return math.nan

    return g


def np_logistic(x):
    return 1 / (1 + np.exp(-x)) if x > 0 else np.exp(x) / (1 + np.exp(x))


def np_density(x):
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def np_below(x):
    return np.float64(math.erfc(-x / math.sqrt(2)) / 2)


def np_length(*v):
    if any(np.isinf(x) for x in v):
        return INF
    return np.float64(math.hypot(*v))


def np_sum(*v):
    total = v[0]
    for x in v[1:]:
        total = total + x
    return total


def np_dot(*v):
    n = len(v) // 2
    return np_sum(*(a * b for a, b in zip(v[:n], v[n:], strict=True)))


def np_prod(*v):
    total = v[0]
    for x in v[1:]:
        total = total * x
    return total


def np_log_of_sum(*v):
    top = np.max(v)
    return top if not np.isfinite(top) else top + np.log(np_sum(*(np.exp(x - top) for x in v)))


def np_shares(z, *v):
    top = np.max(v)
    if np.isnan(top):
        return [math.nan] * len(v)
    if np.isinf(top):  # what is equal shares alike
        return [float(x == top) / sum(x == top for x in v) for x in v]
    weights = [np.exp(x - top) for x in v]
    return [w / np_sum(*weights) for w in weights]


def unknown(n):
    """Derivatives of which nothing is promised."""
    return lambda *v: [None] * n


def np_power_tilts(z, x, y):
    if np.isnan(x) or np.isnan(y):
        return None, None
    if np.isinf(x) or np.isinf(y) or abs(y) > 2**53:  # where y - 1 is y
        return None, None
    inexact = 1 + np.float64(y - 1) != y  # a rounded y - 1 may be -1, an odd power, where the true one is none
    to_x = 0.0 if y == 0 else None if x == 0 and inexact else y * np.power(x, y - 1)
    to_y = 0.0 if x == 0 and y >= 0 else z * np.log(x) if x != 0 else None
    return to_x, to_y


def np_first(z, v):
    if np.isnan(z):
        return [None] * len(v)
    k = next(i for i, x in enumerate(v) if x == z)
    return [float(i == k) for i in range(len(v))]


def np_silu_tilt(x):
    return (1.0 if x > 0 else 0.0) if np.isinf(x) else np_logistic(x) * (1 + x * np_logistic(-x))


def np_gelu_tilt(x):
    return (1.0 if x > 0 else 0.0) if np.isinf(x) else np_below(x) + x * np_density(x)


def beyond(limit, factor=lambda x, *_: abs(x), usual=4.0):
    """The usual bound, and far out more, as a factor is subnormal there."""
    return lambda x, *v: usual + (factor(x, *v) if limit(x) else 0)
