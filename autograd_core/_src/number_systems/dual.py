"""Dual numbers a + b e with e^2 = 0, over any number system: forward mode, and a second reading of the rules.

An elementary function of a dual number is its primitive's rule, read in the system below: value and tangent
come from the same line, so nothing is written twice. Duals over duals give second derivatives.
"""

from __future__ import annotations

from typing import Any

from ..engine.ops import PRIMITIVES
from .base import BINARY, CONSTANTS, UNARY, NumberSystem


class Dual:
    """A number and its derivative along one direction."""

    __slots__ = ("m", "tangent", "value")

    def __init__(self, m: DualNumbers, value: Any, tangent: Any) -> None:
        self.m = m
        self.value = value
        self.tangent = tangent

    def __repr__(self) -> str:
        return f"Dual({self.value}, {self.tangent})"


def _arithmetic(name: str, *, reflected: bool = False) -> Any:
    def method(self: Dual, *other: Any) -> Any:
        operands = (*other, self) if reflected else (self, *other)
        return self.m.apply(name, *operands)

    return method


def _comparison(method: str) -> Any:
    def compare(self: Dual, other: Any) -> Any:
        return getattr(self.value, method)(self.m.number(other).value)

    return compare


for _name, _method in (("add", "add"), ("sub", "sub"), ("mul", "mul"), ("div", "truediv")):
    setattr(Dual, f"__{_method}__", _arithmetic(_name))
    setattr(Dual, f"__r{_method}__", _arithmetic(_name, reflected=True))
for _name in ("neg", "pos"):
    setattr(Dual, f"__{_name}__", _arithmetic(_name))
for _method in ("__lt__", "__le__", "__gt__", "__ge__"):
    setattr(Dual, _method, _comparison(_method))


class DualNumbers(NumberSystem):
    """Dual numbers over a system `base`.

    Args:
        base: The number system of values and tangents.
    """

    def __init__(self, base: Any) -> None:
        self.base = base
        for name in CONSTANTS:
            setattr(self, name, Dual(self, getattr(base, name), base.number(0)))

    def number(self, x: Any) -> Dual:
        return x if isinstance(x, Dual) and x.m is self else Dual(self, self.base.number(x), self.base.number(0))

    def apply(self, name: str, *operands: Any) -> Dual:
        """A primitive on dual numbers: its value, and the sum of partial times tangent."""
        base, primitive = self.base, PRIMITIVES[name]
        duals = [self.number(x) for x in operands]
        xs = [x.value for x in duals]
        z = primitive.value(base, *xs)
        partials = primitive.partials(base, *xs, z)
        product = PRIMITIVES["path_product"].value
        tangent = base.sum([product(base, base.number(d), x.tangent) for d, x in zip(partials, duals, strict=True)])
        return Dual(self, z, tangent)

    primitive = apply

    def to_differentiate(self, xs: Any, graph: Any, numbers: Any) -> Any:  # noqa: ARG002
        return graph()

    def where(self, condition: Any, a: Any, b: Any) -> Dual:
        x, y, where = self.number(a), self.number(b), self.base.where
        return Dual(self, where(condition, x.value, y.value), where(condition, x.tangent, y.tangent))

    def equal(self, a: Any, b: Any) -> Any:
        return self.base.equal(self.number(a).value, self.number(b).value)

    def norm(self, xs: Any) -> Dual:
        return self.apply("norm", *xs)


def _elementary(name: str) -> Any:
    return lambda self, *xs: self.apply(name, *xs)


for _name in (*UNARY, *BINARY):
    setattr(DualNumbers, _name, _elementary(_name))
