"""SymPy: a proof that each partial is the derivative of its value, and formulas."""

from __future__ import annotations

import math
from typing import Any

import sympy

from .base import SYSTEMS, NumberSystem


class Symbolic(NumberSystem):
    """SymPy expressions of real symbols."""

    ln2, log2e, log10e = sympy.log(2), 1 / sympy.log(2), 1 / sympy.log(10)
    two_over_sqrt_pi, pi = 2 / sympy.sqrt(sympy.pi), sympy.pi

    def number(self, x: Any) -> Any:
        return sympy.nsimplify(x) if isinstance(x, float) else sympy.sympify(x)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return sympy.Piecewise((self.number(a), condition), (self.number(b), True))

    def equal(self, a: Any, b: Any) -> Any:
        return sympy.Eq(self.number(a), self.number(b))

    def abs(self, x: Any) -> Any:
        return sympy.Abs(x)

    def expm1(self, x: Any) -> Any:
        return sympy.exp(x) - 1

    def exp2(self, x: Any) -> Any:
        return 2 ** self.number(x)

    def log1p(self, x: Any) -> Any:
        return sympy.log(1 + x)

    def log2(self, x: Any) -> Any:
        return sympy.log(x) / sympy.log(2)

    def log10(self, x: Any) -> Any:
        return sympy.log(x) / sympy.log(10)

    def pow(self, x: Any, y: Any) -> Any:
        return self.number(x) ** self.number(y)

    def cbrt(self, x: Any) -> Any:
        return sympy.real_root(x, 3)

    def hypot(self, x: Any, y: Any) -> Any:
        return self.norm((x, y))

    def gaussian(self, x: Any) -> Any:
        return sympy.exp(-(self.number(x) ** 2))

    def normal_pdf(self, x: Any) -> Any:
        return sympy.exp(-(self.number(x) ** 2) / 2) / sympy.sqrt(2 * sympy.pi)

    def normal_cdf(self, x: Any) -> Any:
        return sympy.erfc(-self.number(x) / sympy.sqrt(2)) / 2

    def lgamma(self, x: Any) -> Any:
        return sympy.log(sympy.Abs(sympy.gamma(x)))

    def zeta(self, s: Any, x: Any) -> Any:
        """Of a whole number s the polygamma function, which SymPy knows better."""
        s = self.number(s)
        return (-1) ** s * sympy.polygamma(s - 1, x) / sympy.factorial(s - 1) if s.is_Integer else sympy.zeta(s, x)

    def copysign(self, x: Any, y: Any) -> Any:
        """SymPy has no -0.0."""
        return self.where(self.number(y) < 0, -self.abs(x), self.abs(x))

    def ceil(self, x: Any) -> Any:
        return sympy.ceiling(x)


_SAME = "exp log sqrt sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc digamma floor"
for _name in _SAME.split():
    setattr(Symbolic, _name, staticmethod(getattr(sympy, _name)))

SYMBOLIC: Any = Symbolic()
SYSTEMS[sympy.Basic] = SYMBOLIC


class Real(Symbolic):
    """SymPy expressions that are what the rules are as doubles: constants to the last bit, nothing complex.

    `Symbolic` is for proofs within the domains. Here a choice says what holds outside of them, unless
    SymPy knows that an operand is never there.
    """

    def number(self, x: Any) -> Any:
        if not isinstance(x, float):
            return sympy.sympify(x)
        if not math.isfinite(x):
            return sympy.nan if math.isnan(x) else sympy.oo if x > 0 else -sympy.oo
        numerator, denominator = x.as_integer_ratio()
        if (denominator <= SMALL and abs(numerator) < LARGE) or abs(math.frexp(x)[0]) == 0.5:
            return sympy.Rational(numerator, denominator)
        return sympy.Float(x, DIGITS)

    def rarely(self, condition: Any, rare: Any, usual: Any) -> Any:  # noqa: ARG002
        """Numbers here neither overflow nor lose digits."""
        return usual

    def sqrt(self, x: Any) -> Any:
        return _choice((sympy.sqrt(x), _holds(sympy.Ge, x, 0)), NOWHERE_ELSE)

    def log(self, x: Any, base: Any = sympy.E) -> Any:
        x = self.number(x)
        at_zero = -sympy.oo, _holds(sympy.Eq, x, 0)
        inside = _unless_zero(lambda x: sympy.log(x) / sympy.log(base), x)
        return _choice((inside, _holds(sympy.Gt, x, 0)), at_zero, NOWHERE_ELSE)

    def log1p(self, x: Any) -> Any:
        return self.log(1 + x)

    def log2(self, x: Any) -> Any:
        return self.log(x, 2)

    def log10(self, x: Any) -> Any:
        return self.log(x, 10)

    def asin(self, x: Any) -> Any:
        return _choice((sympy.asin(x), _between(x)), NOWHERE_ELSE)

    def acos(self, x: Any) -> Any:
        return _choice((sympy.acos(x), _between(x)), NOWHERE_ELSE)

    def acosh(self, x: Any) -> Any:
        return _choice((sympy.acosh(x), _holds(sympy.Ge, x, 1)), NOWHERE_ELSE)

    def atanh(self, x: Any) -> Any:
        ends = (sympy.oo, _holds(sympy.Eq, x, 1)), (-sympy.oo, _holds(sympy.Eq, x, -1))
        return _choice(*ends, (sympy.atanh(x), _between(x)), NOWHERE_ELSE)

    def pow(self, x: Any, y: Any) -> Any:
        x, y = self.number(x), self.number(y)
        power = _unless_zero(lambda x: x**y, x) if y.is_negative else x**y
        if (y.is_integer and y.is_nonnegative) or x.is_positive:
            return power
        zero: Any = _holds(sympy.Eq, x, 0)
        zeroth: Any = sympy.Eq(y, 0)
        # `**` of SymPy reads 0**0 as 1, as the rules do, but 0**-1 as an infinity without a direction.
        at_zero = (1, sympy.And(zero, zeroth)), (0, sympy.And(zero, y > 0)), (sympy.oo, sympy.And(zero, y < 0))
        whole: Any = sympy.true if y.is_integer else sympy.Eq(sympy.floor(y), y)
        return _choice(*at_zero, (power, sympy.Or(_holds(sympy.Gt, x, 0), whole)), NOWHERE_ELSE)

    def atan2(self, y: Any, x: Any) -> Any:
        y, x = self.number(y), self.number(x)
        origin = sympy.And(_holds(sympy.Eq, y, 0), _holds(sympy.Eq, x, 0))  # where SymPy's is NaN
        return _choice((sympy.Integer(0), origin), (sympy.atan2(y, x), True))


SMALL, LARGE = 2**10, 2**53  # denominators and numerators of what is written as a fraction
DIGITS = 17  # hold a double, and are written out where SymPy's 15 would be cut
NOWHERE_ELSE = (sympy.nan, True)


def _holds(relation: Any, x: Any, bound: int) -> Any:
    """A comparison, not solved where a choice stands in it: that takes SymPy minutes."""
    x = sympy.sympify(x)
    return relation(x, bound, evaluate=False) if x.has(sympy.Piecewise) else relation(x, bound)


def _between(x: Any) -> Any:
    return sympy.And(_holds(sympy.Ge, x, -1), _holds(sympy.Le, x, 1))


def _unless_zero(function: Any, x: Any) -> Any:
    """The function's value; at a plain 0, where SymPy has an infinity of all directions, NaN, which is not chosen."""
    return sympy.nan if x.is_zero else function(x)


def _choice(*cases: tuple[Any, Any]) -> Any:
    """The value of the first case that holds; cases that never hold are left out."""
    kept = []
    for value, condition in cases:
        if condition is False or condition == sympy.false:
            continue
        kept.append((value, condition))
        if condition is True or condition == sympy.true:
            break
    return kept[0][0] if len(kept) == 1 else sympy.Piecewise(*kept, evaluate=False)


class NaN(sympy.AtomicExpr):  # type: ignore[misc]
    """NaN as a result: a real one, for `complex()` of SymPy's own NaN is NaN in both parts.

    It prints as SymPy's does, since printers go by the name of the class, and calculations with it
    end in SymPy's. Within expressions that is what stands: SymPy solves choices that hold this one
    for minutes.
    """

    is_extended_real = True
    is_commutative = True

    def as_real_imag(self, deep: bool = True, **_: Any) -> Any:  # noqa: FBT001, FBT002, ARG002  SymPy's signature
        return self, sympy.Integer(0)

    def _eval_evalf(self, prec: int) -> Any:  # noqa: ARG002  SymPy's signature
        return sympy.nan

    def __float__(self) -> float:
        return math.nan

    def __complex__(self) -> complex:
        return complex(math.nan, 0.0)


def as_result(x: Any) -> Any:
    """An expression that is given to a user: where it is a choice, NaN among its values is a real one."""
    if not isinstance(x, sympy.Piecewise):
        return x
    pairs: Any = x.args
    cases = [(NaN() if value is sympy.nan else value, condition) for value, condition in pairs]
    return sympy.Piecewise(*cases, evaluate=False)


REAL: Any = Real()
