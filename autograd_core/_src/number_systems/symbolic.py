"""SymPy: a proof that each partial is the derivative of its value."""

from __future__ import annotations

from typing import Any

import sympy

from . import products
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

    def prod(self, xs: Any) -> Any:
        """No part leaves the range."""
        return products.plainly(self, xs)

    def products_of_others(self, xs: Any) -> tuple[Any, ...]:
        return products.plainly_of_others(self, xs)

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
