"""Every function once more, for `wild_programs.py`: value and derivatives in 60 digits and in NumPy's doubles.

Nothing here is imported from the library. The derivatives are the textbook's, the choices at kinks those
of `docs/kinks.md`. `RULES[name]` has

    text      how a program writes it, `{}` for the operands separated by commas, `{0}`, `{1}` for one of them
    arity     operands; None for two to five of them
    value     value(x, ...), in mpmath's numbers
    slopes    slopes(z, x, ...), a derivative per operand
    plain     the value in NumPy's doubles: right for infinities, NaN and zeros with a sign
    tilts     the derivatives in NumPy's doubles, there
    side      side(x, ...): the branch that a point lies on; two points on different ones are not compared
    terms     terms(z, x, ...): the summands whose size rounding is measured by; the value where there are none
    slope_sizes    the same for derivatives whose summands cancel
    value_ulps, slope_ulps    bounds, called with the operands; `docs/accuracy.md` lists the larger ones
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from wild_pieces import (
    EVERYTHING,
    FAR,
    INF,
    LN2,
    LN10,
    MP,
    ROOT_PI,
    Undefined,
    bell,
    below,
    beyond,
    by_math,
    density,
    di_gamma,
    di_gamma_terms,
    erfc,
    exp,
    first,
    gamma_terms,
    inside,
    length,
    lengths,
    log,
    log_gamma,
    log_of_sum,
    logistic,
    np_below,
    np_density,
    np_di_gamma,
    np_dot,
    np_first,
    np_gelu_tilt,
    np_length,
    np_log_gamma,
    np_log_of_sum,
    np_logistic,
    np_power_tilts,
    np_prod,
    np_shares,
    np_silu_tilt,
    np_sum,
    power,
    power_slopes,
    real,
    shares,
    tri_gamma,
    unknown,
    zero,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Rule:
    """One function."""

    text: str
    arity: int | None
    value: Callable[..., Any]
    slopes: Callable[..., Any]
    plain: Callable[..., Any]
    tilts: Callable[..., Any]
    side: Callable[..., Any] = lambda *v: ()
    terms: Callable[..., Any] = lambda z, *v: (z,)
    value_ulps: Callable[..., float] = lambda *v: 2.0
    slope_ulps: Callable[..., float] = lambda *v: 4.0
    slope_sizes: Callable[..., Any] | None = None  # what a derivative's rounding is measured by, if not by itself
    signed_zero: bool = False  # whether 0.0 and -0.0 are different points
    many_nodes: bool = False  # whether the library records it as several nodes


RULES: dict[str, Rule] = {}


def rule(name, text, arity, value, slopes, plain, tilts, **more):
    """Add one."""
    RULES[name] = Rule(text, arity, value, slopes, plain, tilts, **more)


# In NumPy's doubles, where infinities and NaN have their say.


# --- arithmetic, comparisons, choice ------------------------------------------------------------


def compared(x, y):
    return (x > y) - (x < y)


one = MP.mpf(1)
rule("neg", "-{0}", 1, lambda x: -x, lambda z, x: (-one,), lambda x: -x, lambda z, x: (-1.0,))
rule(
    "add", "{0} + {1}", 2, lambda x, y: x + y, lambda z, x, y: (one, one),
    lambda x, y: x + y, lambda z, x, y: (1.0, 1.0), value_ulps=lambda *v: 0.51,
)  # fmt: skip
rule(
    "sub", "{0} - {1}", 2, lambda x, y: x - y, lambda z, x, y: (one, -one),
    lambda x, y: x - y, lambda z, x, y: (1.0, -1.0), value_ulps=lambda *v: 0.51,
)  # fmt: skip
rule(
    "mul", "{0} * {1}", 2, lambda x, y: x * y, lambda z, x, y: (y, x),
    lambda x, y: x * y, lambda z, x, y: (y, x), value_ulps=lambda *v: 0.51,
)  # fmt: skip


def quotient(x, y):
    if y == 0:
        raise Undefined
    return x / y


rule(
    "div", "{0} / {1}", 2, quotient, lambda z, x, y: (1 / y, -x / y / y),
    lambda x, y: x / y, lambda z, x, y: (1 / y, None if y == 0 or np.isinf(y) else -x / y / y),
    signed_zero=True,
    value_ulps=lambda *v: 0.51,
)  # fmt: skip


def power_side(x, y):
    return compared(x, 0), compared(y, 0), bool(y == MP.floor(y)) if x < 0 and abs(y) < 1e300 else y == 1


def power_ulps(x, y):
    """What `docs/accuracy.md` excuses: a factor beside the ends of the range of doubles."""
    if x == 0 or y == 0:
        return 4.0
    with np.errstate(all="ignore"):
        ends = np.power(abs(np.float64(x)), np.float64(y) - 1), np.power(abs(np.float64(x)), np.float64(y))
    if max(ends) > 1e308 or min(ends) == 0:
        return INF
    return 4.0 + abs(y) + abs(math.log(abs(x))) if min(ends) < 2.3e-308 else 4.0


rule(
    "pow", "{0} ** {1}", 2, power, power_slopes, np.power, np_power_tilts, side=power_side, slope_ulps=power_ulps,
    signed_zero=True,
)  # fmt: skip
rule(
    "abs", "abs({0})", 1, abs, lambda z, x: (MP.sign(x),), abs, lambda z, x: (np.sign(x),),
    side=lambda x: compared(x, 0),
)  # fmt: skip
for _name, _symbol in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    _test = eval(f"lambda x, y: x {_symbol} y")
    rule(
        _name, f"({{0}} {_symbol} {{1}})", 2, lambda x, y, test=_test: one if test(x, y) else zero,
        lambda z, x, y: (zero, zero), lambda x, y, test=_test: float(test(x, y)), lambda z, x, y: (0.0, 0.0),
        side=compared,
    )  # fmt: skip
rule(
    "where", "ag.where({})", 3, lambda c, x, y: y if c == 0 else x,
    lambda z, c, x, y: (zero, zero, one) if c == 0 else (zero, one, zero),
    lambda c, x, y: y if c == 0 else x,
    lambda z, c, x, y: (0.0, 0.0, 1.0) if c == 0 else (0.0, 1.0, 0.0), side=lambda c, x, y: compared(c, 0),
)  # fmt: skip
rule(
    "maximum", "ag.maximum({})", 2, max, lambda z, x, y: (zero, one) if x < y else (one, zero), np.maximum,
    lambda z, x, y: (None, None) if np.isnan(z) else (0.0, 1.0) if x < y else (1.0, 0.0), side=compared,
)  # fmt: skip
rule(
    "minimum", "ag.minimum({})", 2, min, lambda z, x, y: (zero, one) if x > y else (one, zero), np.minimum,
    lambda z, x, y: (None, None) if np.isnan(z) else (0.0, 1.0) if x > y else (1.0, 0.0), side=compared,
)  # fmt: skip


def clip_slopes(z, x, low, high):
    """The gradient passes at both bounds; of two equal bounds it goes to low, below and at them."""
    if low > high or (low == high and x > high):
        return zero, zero, one
    if x < low or low == high:
        return zero, one, zero
    return (zero, zero, one) if x > high else (one, zero, zero)


rule(
    "clip", "ag.clip({})", 3, lambda x, low, high: min(max(x, low), high), clip_slopes,
    lambda x, low, high: math.nan if np.isnan(x + 0 * low + 0 * high) and not any(map(np.isinf, (low, high)))
    else np.minimum(np.maximum(x, low), high),
    lambda z, x, low, high: (None,) * 3 if any(map(np.isnan, (x, low, high))) else [float(d) for d in clip_slopes(z, x, low, high)],
    side=lambda x, low, high: (compared(x, low), compared(x, high), compared(low, high)),
)  # fmt: skip


def flat(x):
    """The slope of steps: 0, but NaN goes through."""
    return np.nan if np.isnan(x) else 0.0


rule(
    "sign", "ag.sign({0})", 1, MP.sign, lambda z, x: (zero,), np.sign, lambda z, x: (flat(x),),
    side=lambda x: compared(x, 0),
)  # fmt: skip
for _name, _whole, _plain in (("floor", MP.floor, np.floor), ("ceil", MP.ceil, np.ceil)):
    rule(
        _name, f"ag.{_name}({{0}})", 1, _whole, lambda z, x: (zero,), _plain, lambda z, x: (flat(x),),
        side=lambda x, whole=_whole: whole(x),
    )  # fmt: skip

# --- exponentials, logarithms, roots ------------------------------------------------------------

rule("exp", "ag.exp({0})", 1, exp, lambda z, x: (z,), np.exp, lambda z, x: (z,))
rule(
    "expm1", "ag.expm1({0})", 1, lambda x: -one if x < -FAR else EVERYTHING if x > FAR else MP.expm1(x),
    lambda z, x: (exp(x),), np.expm1, lambda z, x: (np.exp(x),),
)  # fmt: skip
rule(
    "exp2", "ag.exp2({0})", 1, lambda x: exp(x * LN2), lambda z, x: (z * LN2,), np.exp2, lambda z, x: (z * math.log(2),),
    slope_ulps=lambda x: INF if x >= 1024 else 4.0,
)  # fmt: skip
rule("log", "ag.log({0})", 1, log, lambda z, x: (1 / x,), np.log, lambda z, x: (INF if x == 0 else 1 / x,))
rule(
    "log1p", "ag.log1p({0})", 1, lambda x: real(MP.log1p(x)) if x > -1 else log(zero), lambda z, x: (1 / (1 + x),),
    np.log1p, lambda z, x: (1 / (1 + x),),
)  # fmt: skip
rule(
    "log2", "ag.log2({0})", 1, lambda x: log(x) / LN2, lambda z, x: (1 / (x * LN2),), np.log2,
    lambda z, x: (INF if x == 0 else 1 / x,),
)  # fmt: skip
rule(
    "log10", "ag.log10({0})", 1, lambda x: log(x) / LN10, lambda z, x: (1 / (x * LN10),), np.log10,
    lambda z, x: (INF if x == 0 else 1 / x,),
)  # fmt: skip


def root(x):
    inside(x, 0, INF)
    return MP.sqrt(x)


def slope_of_root(z, x):
    if x == 0:
        raise Undefined
    return (1 / (2 * z),)


rule("sqrt", "ag.sqrt({0})", 1, root, slope_of_root, np.sqrt, lambda z, x: (1 / (2 * abs(z)),))
rule(
    "cbrt", "ag.cbrt({0})", 1, lambda x: MP.sign(x) * MP.cbrt(abs(x)),
    lambda z, x: (1 / (3 * z * z),) if x != 0 else slope_of_root(z, x), np.cbrt, lambda z, x: (1 / (3 * z * z),),
)  # fmt: skip

rule("square", "ag.square({0})", 1, lambda x: x * x, lambda z, x: (2 * x,), np.square, lambda z, x: (2 * x,))

# --- angles and hyperbolas ----------------------------------------------------------------------

rule("sin", "ag.sin({0})", 1, MP.sin, lambda z, x: (MP.cos(x),), np.sin, lambda z, x: (np.cos(x),))
rule("cos", "ag.cos({0})", 1, MP.cos, lambda z, x: (-MP.sin(x),), np.cos, lambda z, x: (-np.sin(x),))
rule("tan", "ag.tan({0})", 1, MP.tan, lambda z, x: (1 + z * z,), np.tan, lambda z, x: (1 + z * z,))


def arc(name, value, sign):
    def slope(z, x):
        if abs(x) == 1:
            raise Undefined
        return (sign / MP.sqrt((1 - x) * (1 + x)),)

    def checked(x):
        inside(x, -1, 1)
        return value(x)

    plain = getattr(np, f"arc{name[1:]}")
    rule(name, f"ag.{name}({{0}})", 1, checked, slope, plain, lambda z, x: (sign / np.sqrt((1 - x) * (1 + x)),))


arc("asin", MP.asin, 1)
arc("acos", MP.acos, -1)
rule("atan", "ag.atan({0})", 1, MP.atan, lambda z, x: (1 / (1 + x * x),), np.arctan, lambda z, x: (1 / (1 + x * x),))


def angle_side(y, x):
    return compared(y, 0) if x <= 0 else 0


def angle_slopes(z, y, x):
    square = x * x + y * y
    return (zero, zero) if square == 0 else (x / square, -y / square)


def np_angle_tilts(z, y, x):
    if np.isnan(z):
        return math.nan, math.nan
    if np.isinf(y) or np.isinf(x):
        return 0.0, 0.0
    size = np.hypot(x, y)
    return (0.0, 0.0) if size == 0 else ((x / size) / size, (-y / size) / size)


def angle_ulps(y, x):
    size = abs(MP.mpf(x)) + abs(MP.mpf(y))
    small = min(abs(MP.mpf(u)) for u in (x, y))
    return 4.0 + (float(1 / size) if size and small / size < 2.3e-308 else 0)


rule(
    "atan2", "ag.atan2({})", 2, MP.atan2, angle_slopes, np.arctan2, np_angle_tilts, side=angle_side, signed_zero=True,
    slope_ulps=angle_ulps,
)  # fmt: skip


def sinh(x):
    return (exp(x) - exp(-x)) / 2 if abs(x) > 1 else MP.sinh(x)


def cosh(x):
    return (exp(x) + exp(-x)) / 2


rule("sinh", "ag.sinh({0})", 1, sinh, lambda z, x: (cosh(x),), np.sinh, lambda z, x: (np.cosh(x),))
rule("cosh", "ag.cosh({0})", 1, cosh, lambda z, x: (sinh(x),), np.cosh, lambda z, x: (np.sinh(x),))
rule(
    "tanh", "ag.tanh({0})", 1, lambda x: MP.sign(x) if abs(x) > FAR else MP.tanh(x), lambda z, x: (1 / cosh(x) ** 2,),
    np.tanh, lambda z, x: (1 - z * z,), value_ulps=lambda x: 2.3,
)  # fmt: skip
rule(
    "asinh", "ag.asinh({0})", 1, MP.asinh, lambda z, x: (1 / MP.sqrt(1 + x * x),), np.arcsinh,
    lambda z, x: (1 / np.hypot(1, x),),
)  # fmt: skip


def arcosh(x):
    inside(x, 1, INF)
    return real(MP.acosh(x))


def slope_of_arcosh(z, x):
    if x == 1:
        raise Undefined
    return (1 / (MP.sqrt(x - 1) * MP.sqrt(x + 1)),)


rule(
    "acosh", "ag.acosh({0})", 1, arcosh, slope_of_arcosh, np.arccosh,
    lambda z, x: (1 / (np.sqrt(x - 1) * np.sqrt(x + 1)),), value_ulps=lambda x: 2.3,
)  # fmt: skip


def artanh(x):
    if not -1 < x < 1:
        raise Undefined
    return real(MP.atanh(x))


rule(
    "atanh", "ag.atanh({0})", 1, artanh, lambda z, x: (1 / ((1 - x) * (1 + x)),), np.arctanh,
    lambda z, x: (1 / ((1 - x) * (1 + x)),),
)  # fmt: skip
rule(
    "degrees", "ag.degrees({0})", 1, lambda x: x * 180 / MP.pi, lambda z, x: (180 / MP.pi,), lambda x: x * (180 / math.pi),
    lambda z, x: (180 / math.pi,),
)  # fmt: skip
rule(
    "radians", "ag.radians({0})", 1, lambda x: x * MP.pi / 180, lambda z, x: (MP.pi / 180,), lambda x: x * (math.pi / 180),
    lambda z, x: (math.pi / 180,),
)  # fmt: skip

# --- activations and the normal distribution ----------------------------------------------------

rule(
    "sigmoid", "ag.sigmoid({0})", 1, logistic, lambda z, x: (logistic(x) * logistic(-x),), np_logistic,
    lambda z, x: (np_logistic(x) * np_logistic(-x),),
)  # fmt: skip
rule(
    "softplus", "ag.softplus({0})", 1, lambda x: x + MP.log1p(exp(-x)) if x > 0 else MP.log1p(exp(x)),
    lambda z, x: (logistic(x),), lambda x: np.logaddexp(0.0, x), lambda z, x: (np_logistic(x),),
)  # fmt: skip
rule(
    "relu", "ag.relu({0})", 1, lambda x: max(x, zero), lambda z, x: (one if x > 0 else zero,),
    lambda x: np.maximum(x, 0.0), lambda z, x: (None if np.isnan(x) else float(x > 0),), side=lambda x: compared(x, 0),
)  # fmt: skip
rule(
    "leaky_relu", "ag.leaky_relu({})", 2, lambda x, s: x if x > 0 else s * x,
    lambda z, x, s: (one, zero) if x > 0 else (s, x), lambda x, s: x if x > 0 else s * x,
    lambda z, x, s: (1.0, 0.0) if x > 0 else (s, x), side=lambda x, s: compared(x, 0),
)  # fmt: skip
rule(
    "elu", "ag.elu({})", 2, lambda x, a: x if x > 0 else a * RULES["expm1"].value(x),
    lambda z, x, a: (one, zero) if x > 0 else (a * exp(x), RULES["expm1"].value(x)),
    lambda x, a: x if x > 0 else a * np.expm1(x),
    lambda z, x, a: (1.0, 0.0) if x > 0 else (a * np.exp(x), np.expm1(x)), side=lambda x, a: compared(x, 0),
    slope_ulps=beyond(lambda x: x < -708, lambda x, a: abs(a)),
)  # fmt: skip


def far_left(limit, usual):
    return lambda x: usual + (abs(x) if x < limit else 0)


rule(
    "silu", "ag.silu({0})", 1, lambda x: x * logistic(x), lambda z, x: (logistic(x) * (1 + x * logistic(-x)),),
    lambda x: 0.0 if x == -INF else x * np_logistic(x), lambda z, x: (np_silu_tilt(x),),
    value_ulps=far_left(-708, 2.0), slope_ulps=far_left(-708, 4.0),
    slope_sizes=lambda z, x: (logistic(x) * (1 + abs(x) * logistic(-x)),),
)  # fmt: skip
rule(
    "gelu", "ag.gelu({0})", 1, lambda x: x * below(x), lambda z, x: (below(x) + x * density(x),),
    lambda x: 0.0 if x == -INF else x * np_below(x), lambda z, x: (np_gelu_tilt(x),),
    value_ulps=far_left(-37.5, 6.7), slope_ulps=far_left(-37.5, 6.7),
    slope_sizes=lambda z, x: (below(x) + abs(x) * density(x),),
)  # fmt: skip
rule("erf", "ag.erf({0})", 1, MP.erf, lambda z, x: (2 / ROOT_PI * bell(x),), by_math(math.erf), lambda z, x: (np.exp(-x * x),))
rule(
    "erfc", "ag.erfc({0})", 1, erfc, lambda z, x: (-2 / ROOT_PI * bell(x),), by_math(math.erfc),
    lambda z, x: (-np.exp(-x * x),), value_ulps=lambda x: 5.2,
)  # fmt: skip
rule(
    "gaussian", "ag.gaussian({0})", 1, bell, lambda z, x: (-2 * x * bell(x),), lambda x: np.exp(-x * x),
    lambda z, x: (-0.0 if np.isinf(x) else -2 * x * np.exp(-x * x),),
    slope_ulps=beyond(lambda x: abs(x) > 26.5, lambda x: 2 * abs(x)),
)  # fmt: skip
rule(
    "normal_pdf", "ag.normal_pdf({0})", 1, density, lambda z, x: (-x * density(x),), np_density,
    lambda z, x: (-0.0 if np.isinf(x) else -x * np_density(x),), value_ulps=lambda x: 3.5,
    slope_ulps=beyond(lambda x: abs(x) > 37),
)  # fmt: skip
rule(
    "normal_cdf", "ag.normal_cdf({0})", 1, below, lambda z, x: (density(x),), np_below, lambda z, x: (np_density(x),),
    value_ulps=lambda x: 5.7,
)  # fmt: skip

# --- two operands -------------------------------------------------------------------------------


def np_length_tilts(z, *v):
    if any(map(np.isinf, v)):
        return [None] * len(v)
    return [0.0 if z == 0 else x / z for x in v]


rule(
    "hypot", "ag.hypot({})", 2, length, lengths, np_length, np_length_tilts, side=lambda *v: [compared(x, 0) for x in v],
)  # fmt: skip
rule(
    "logaddexp", "ag.logaddexp({})", 2, log_of_sum, shares, np.logaddexp, np_shares,
    terms=lambda z, *v: (z, max(v, key=abs)), slope_ulps=lambda *v: 6.0,
)  # fmt: skip
rule(
    "copysign", "ag.copysign({})", 2, lambda x, y: abs(x) if y > 0 else -abs(x),
    lambda z, x, y: (MP.sign(x) * MP.sign(y), zero), np.copysign,
    lambda z, x, y: (np.sign(x) * np.copysign(1.0, y), 0.0), side=lambda x, y: (compared(x, 0), compared(y, 0)), signed_zero=True,
)  # fmt: skip
rule(
    "lgamma", "ag.lgamma({0})", 1, log_gamma, lambda z, x: (di_gamma(x),), np_log_gamma, unknown(1),
    terms=gamma_terms, side=lambda x: MP.floor(x) if x <= 0 else 0,
    slope_sizes=lambda z, x: (MP.fsum(map(abs, di_gamma_terms(di_gamma(x), x))) if x <= 0 else di_gamma(x),),
)  # fmt: skip
rule(
    "digamma", "ag.digamma({0})", 1, di_gamma, lambda z, x: (tri_gamma(x),), np_di_gamma, unknown(1),
    terms=di_gamma_terms, side=lambda x: MP.floor(x) if x <= 0 else 0,
)  # fmt: skip

# --- n operands ---------------------------------------------------------------------------------

rule(
    "sum", "ag.sum([{}])", None, lambda *v: MP.fsum(v), lambda z, *v: [one] * len(v), np_sum, lambda z, *v: [1.0] * len(v),
    terms=lambda z, *v: v, value_ulps=lambda *v: len(v) / 2,
)  # fmt: skip
rule(
    "dot", "ag.dot([{half}], [{rest}])", None,
    lambda *v: MP.fsum(a * b for a, b in zip(v[: len(v) // 2], v[len(v) // 2 :], strict=True)),
    lambda z, *v: [*v[len(v) // 2 :], *v[: len(v) // 2]], np_dot,
    lambda z, *v: [*v[len(v) // 2 :], *v[: len(v) // 2]],
    terms=lambda z, *v: [a * b for a, b in zip(v[: len(v) // 2], v[len(v) // 2 :], strict=True)],
    value_ulps=lambda *v: len(v) / 2,
)  # fmt: skip
rule(
    "mean", "ag.mean([{}])", None, lambda *v: MP.fsum(v) / len(v), lambda z, *v: [one / len(v)] * len(v),
    lambda *v: np_sum(*v) / len(v), lambda z, *v: [1 / len(v)] * len(v), terms=lambda z, *v: [x / len(v) for x in v],
    value_ulps=lambda *v: len(v),
)  # fmt: skip


def np_others(*v):
    if any(map(np.isinf, v)) and min((abs(x) for x in v if x), default=1) < 1e-100:
        return [None] * len(v)  # infinity times what is 0 or not, as one multiplies from the left or from the right
    return [np_prod(np.float64(1), *v[:i], *v[i + 1 :]) for i in range(len(v))]


def others(*v):
    return [MP.fprod(v[:i] + v[i + 1 :]) for i in range(len(v))]


rule(
    "prod", "ag.prod([{}])", None, lambda *v: MP.fprod(v), lambda z, *v: others(*v), np_prod,
    lambda z, *v: np_others(*v),
    value_ulps=lambda *v: len(v), slope_ulps=lambda *v: 2 + len(v),
)  # fmt: skip
for _name, _pick, _plain in (("max", max, np.max), ("min", min, np.min)):
    rule(
        _name, f"ag.{_name}([{{}}])", None, lambda *v, pick=_pick: pick(v), lambda z, *v: first(z, v),
        lambda *v, plain=_plain: plain(v), lambda z, *v: np_first(z, v),
        side=lambda *v, pick=_pick: [compared(x, pick(v)) for x in v],
    )  # fmt: skip
rule(
    "norm", "ag.norm([{}])", None, length, lengths, np_length, np_length_tilts, side=lambda *v: [compared(x, 0) for x in v],
)  # fmt: skip
rule(
    "logsumexp", "ag.logsumexp([{}])", None, log_of_sum, shares, np_log_of_sum, np_shares,
    terms=lambda z, *v: (z, max(v, key=abs)), slope_ulps=lambda *v: 4 + len(v) / 2,
)  # fmt: skip


def share_slopes(z, *v):
    s = shares(z, *v)
    return [s[0] * ((i == 0) - s[i]) for i in range(len(v))]


def spread(*v):
    return 1 + (float(max(v)) - float(v[0]))


def wide(*v):
    return 8 * (1 + (float(max(v)) - float(min(v))))


rule(
    "softmax", "ag.softmax([{}])[0]", None, lambda *v: shares(0, *v)[0], share_slopes,
    lambda *v: np_shares(0, *v)[0], lambda z, *v: [None] * len(v), many_nodes=True, value_ulps=lambda *v: 4 * spread(*v),
    slope_ulps=wide, slope_sizes=lambda z, *v: [z * (s if i else 1) for i, s in enumerate(shares(0, *v))],
)  # fmt: skip
def log_share(*v):
    top, k = max(v), v.index(max(v))
    return (v[0] - top) - MP.log1p(MP.fsum(exp(x - top) for i, x in enumerate(v) if i != k))


def np_log_share(*v):
    top = np.max(v)
    if not np.isfinite(top):
        return np.log(np_shares(0, *v)[0])
    return (v[0] - top) - np.log(np_sum(*(np.exp(x - top) for x in v)))


rule(
    "log_softmax", "ag.log_softmax([{}])[0]", None, log_share,
    lambda z, *v: [(i == 0) - s for i, s in enumerate(shares(z, *v))],
    np_log_share, lambda z, *v: [None] * len(v),
    many_nodes=True, value_ulps=lambda *v: 4 * spread(*v), terms=lambda z, *v: (max(abs(z), 1),),
    slope_ulps=wide, slope_sizes=lambda z, *v: [s if i else 1 for i, s in enumerate(shares(0, *v))],
)  # fmt: skip
