"""LLVM instructions: a rule, read once, becomes straight-line code on vectors of doubles.

A `Lanes` is a value of type `double` or `<W x double>` at a place in a function under
construction. Literals stay Python floats until they meet one. Nothing here is "fast math": each
instruction is the IEEE operation, so that results equal those of `floats.py` bit for bit.

`float` and `<W x float>` serve as well, at half the memory: arithmetic is in single precision, and
so are functions that the vector library has; all others are computed in doubles and rounded once.
"""

from __future__ import annotations

import ctypes
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ...errors import OperandError
from ..engine.primitives.pieces import TINY
from .base import SYSTEMS
from .floats import FLOATS
from .llvm_functions import (
    F32,
    F64,
    INTRINSICS,
    FastModule,
    declared,
    element_of,
    fits_vectors,
    in_each_lane,
    in_one_lane,
    in_vectors,
    vector_function,
    width_of,
)
from .processor import has_fma
from .vectors import ELEMENTARY, NO_BRANCH, NO_FLOAT, Vectors

if TYPE_CHECKING:
    from collections.abc import Callable


def alike(element: Any, kind: Any) -> Any:
    """The type with these elements and as many lanes as `kind`."""
    width = width_of(kind)
    return ir.VectorType(element, width) if width else element


class Spelled(ir.Constant):  # type: ignore[misc]
    """A constant in LLVM's words, where llvmlite would write out each lane: that is most of a module's text.

    Args:
        kind: Its type.
        text: LLVM's words.
    """

    def __init__(self, kind: Any, text: str) -> None:
        super().__init__(kind, None)
        self._text = text

    def _get_reference(self) -> str:
        return self._text


def constant(kind: Any, x: float) -> Any:
    """A literal in every lane."""
    width = width_of(kind)
    x = ctypes.c_float(x).value if element_of(kind) is F32 else float(x)  # infinity where it is beyond floats
    number = ir.Constant(element_of(kind), x)
    return Spelled(kind, f"splat ({number})") if width else number


class Lanes:
    """An LLVM value and the builder that made it: a double in every lane."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder = builder
        self.value = value

    def __bool__(self) -> bool:
        raise OperandError(NO_BRANCH)

    def __float__(self) -> float:
        raise OperandError(NO_FLOAT)

    def __pos__(self) -> Any:
        return LLVM.number(self)

    def __neg__(self) -> Any:
        return Lanes(self.builder, self.builder.fneg(LLVM.number(self).value))

    def __abs__(self) -> Any:
        return LLVM.abs(self)

    def __pow__(self, other: Any) -> Any:
        return LLVM.pow(self, other)

    def __rpow__(self, other: Any) -> Any:
        return LLVM.pow(other, self)

    __hash__ = object.__hash__

    def operand(self, x: Any) -> Any:
        """`x` as an LLVM value of this one's type."""
        x = LLVM.number(x)
        return x.value if isinstance(x, Lanes) else constant(self.value.type, x)


class Delayed(Lanes):
    """A value in memory, loaded anew at each place where it is used, so that it needs no register until then."""

    __slots__ = ("load",)

    def __init__(self, builder: Any, load: Any) -> None:
        self.builder = builder
        self.load = load

    @property
    def value(self) -> Any:
        """An LLVM value, good at this place."""
        return self.load()


class Truth(Lanes):
    """The answer of a comparison in every lane; in arithmetic it is 1.0 or 0.0, as in Python."""

    __slots__ = ("kind",)

    def __init__(self, builder: Any, value: Any, kind: Any) -> None:
        super().__init__(builder, value)
        self.kind = kind  # of what was compared


class LaneLiteral(Lanes):
    """A number of the program itself: what rules make of it has the bits that lanes would have.

    Arithmetic is done here, with the lanes' rounding; elementary functions are called when the code runs, since
    those of a vector library are not Python's. To all others it is a float.
    """

    __slots__ = ("kind", "x")

    def __init__(self, builder: Any, kind: Any, x: Any) -> None:
        self.builder, self.kind = builder, kind
        with np.errstate(over="ignore"):  # a double beyond floats is infinite
            self.x = (np.float32 if element_of(kind) is F32 else np.float64)(x)

    @property
    def value(self) -> Any:
        """An LLVM value."""
        return constant(self.kind, float(self.x))

    def __pos__(self) -> Any:
        return self

    def __neg__(self) -> Any:
        return LaneLiteral(self.builder, self.kind, -self.x)

    def with_another(self, operate: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
        """An operation of two literals, of which it is one; a truth is Python's."""
        x, y = (float(z.x if isinstance(z, LaneLiteral) else z) for z in (a, b))
        with np.errstate(all="ignore"):
            z = operate(LaneLiteral(self.builder, self.kind, x).x, LaneLiteral(self.builder, self.kind, y).x)
        return bool(z) if isinstance(z, np.bool) else LaneLiteral(self.builder, self.kind, z)


def _literal(*xs: Any) -> Any:
    """A literal among numbers none of which is known only when the code runs; None if there is none."""
    if any(isinstance(x, Lanes) and not isinstance(x, LaneLiteral) for x in xs):
        return None
    return next((x for x in xs if isinstance(x, LaneLiteral)), None)


def _operator(name: str, *, reflected: bool = False) -> Any:
    of_literals, instruction = getattr(operator, name), "f" + name.removeprefix("true")

    def method(self: Lanes, other: Any) -> Lanes:
        a, b = (other, self) if reflected else (self, other)
        literal = _literal(a, b)
        if literal is not None:
            return literal.with_another(of_literals, a, b)  # type: ignore[no-any-return]
        a, b = LLVM.number(a), LLVM.number(b)
        here = a if isinstance(a, Lanes) else b
        return Lanes(here.builder, getattr(here.builder, instruction)(here.operand(a), here.operand(b)))

    return method


def _comparison(name: str, sign: str) -> Any:
    of_literals = getattr(operator, name)

    def method(self: Lanes, other: Any) -> Any:
        literal = _literal(self, other)
        if literal is not None:
            return literal.with_another(of_literals, self, other)
        a, b = LLVM.number(self), LLVM.number(other)
        here = a if isinstance(a, Lanes) else b
        compare = here.builder.fcmp_unordered if sign == "!=" else here.builder.fcmp_ordered  # NaN is unequal to itself
        x, y = here.operand(a), here.operand(b)
        return Truth(here.builder, compare(sign, x, y), x.type)

    return method


for _name in ("add", "sub", "mul", "truediv"):
    setattr(Lanes, f"__{_name}__", _operator(_name))
    setattr(Lanes, f"__r{_name}__", _operator(_name, reflected=True))
for _name, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    setattr(Lanes, f"__{_name}__", _comparison(_name, _sign))


class Llvm(Vectors):
    """Instructions; it has no state, since every `Lanes` knows where it is being built."""

    def number(self, x: Any) -> Any:
        if isinstance(x, Truth):
            return Lanes(x.builder, x.builder.uitofp(x.value, x.kind))
        return float(x.x) if isinstance(x, LaneLiteral) else x if isinstance(x, Lanes) else float(x)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        if not isinstance(condition, Truth):
            return a if condition else b  # a comparison of literals
        here = self.number(condition)
        return Lanes(here.builder, here.builder.select(condition.value, here.operand(a), here.operand(b)))

    def call(self, name: str, *xs: Any) -> Any:
        """An elementary function: an instruction where there is one, else libm's in each lane."""
        here = _literal(*xs)
        if here is None:
            here = next((LLVM.number(x) for x in xs if isinstance(x, Lanes) and not isinstance(x, LaneLiteral)), None)
        if here is None:
            return float(getattr(FLOATS, name)(*xs))  # of the rule's own numbers
        operands = [here.operand(x) for x in xs]
        kind, module = here.value.type, here.builder.module
        single = element_of(kind) is F32
        if name in INTRINSICS:
            width = width_of(kind)
            bits = 32 if single else 64
            function = declared(module, f"{INTRINSICS[name]}.{f'v{width}' if width else ''}f{bits}", [kind] * len(xs))
        elif isinstance(module, FastModule) and vector_function(name, len(xs), single=single) and fits_vectors(kind):
            function = in_vectors(module, name, kind, len(xs))
        elif isinstance(module, FastModule) and module.always and vector_function(name, len(xs), single=single):
            function = in_one_lane(module, name, kind, len(xs))
        elif single:
            return narrowed(self.call(name, *map(widened, xs)))
        else:
            function = in_each_lane(module, name, kind, len(xs))
        return Lanes(here.builder, here.builder.call(function, operands))

    def rough_cbrt(self, x: Any) -> Any:
        """libm's."""
        return self.call("cbrt", x)

    def tiny(self, x: Any) -> float:
        """That of doubles, or of floats."""
        return TINY if _is_single(x) else super().tiny(x)

    def norm(self, xs: Any) -> Any:
        """Euclidean length."""
        if any(map(_is_single, xs)):
            return narrowed(super().norm([*map(widened, xs)]))
        return super().norm(xs)


def _is_single(x: Any) -> bool:
    """Whether a number is of floats."""
    if not isinstance(x, Lanes):
        return False
    return element_of(x.kind if isinstance(x, LaneLiteral | Truth) else x.value.type) is F32


def widened(x: Any) -> Any:
    """Floats as doubles."""
    if not isinstance(x, Lanes):
        return x
    if isinstance(x, LaneLiteral):
        return LaneLiteral(x.builder, alike(F64, x.kind), x.x)
    x = LLVM.number(x)
    return Lanes(x.builder, x.builder.fpext(x.value, alike(F64, x.value.type)))


def narrowed(x: Any) -> Any:
    """Doubles rounded to floats."""
    if isinstance(x, LaneLiteral):
        return LaneLiteral(x.builder, alike(F32, x.kind), x.x)
    if not isinstance(x, Lanes):  # of numbers that the code itself has
        return ctypes.c_float(x).value
    return Lanes(x.builder, x.builder.fptrunc(x.value, alike(F32, x.value.type)))


def _by_parts(name: str) -> Any:
    """A function whose formula is made for doubles: of floats, it is computed in doubles."""
    of_doubles = getattr(Vectors, name)

    def function(self: Llvm, *xs: Any) -> Any:
        if any(map(_is_single, xs)):
            return narrowed(of_doubles(self, *map(widened, xs)))
        return of_doubles(self, *xs)

    return function


for _name in ("cbrt", "gaussian", "normal_pdf", "normal_cdf", "lgamma", "digamma", "zeta"):
    setattr(Llvm, _name, _by_parts(_name))


def _elementary(name: str) -> Any:
    return lambda self, *xs: self.call(name, *xs)


for _name in ELEMENTARY:
    setattr(Llvm, _name, _elementary(_name))


def multiply_add(x: Any, y: Any, z: Any) -> Any:
    """x y + z; in a module that need not keep Python's bits with one rounding, where the processor has that."""
    here = next((a for a in (x, y, z) if isinstance(a, Lanes)), None)
    if here is None or not isinstance(here.builder.module, FastModule) or not has_fma():
        return x * y + z
    operands = [here.operand(a) for a in (x, y, z)]
    kind = operands[0].type
    width = width_of(kind)
    bits = 32 if element_of(kind) is F32 else 64
    function = declared(here.builder.module, f"llvm.fma.{f'v{width}' if width else ''}f{bits}", [kind] * 3)
    return Lanes(here.builder, here.builder.call(function, operands))


class HastyLlvm(Llvm):
    """For a sweep that is run once more, with care, where a gradient comes out as NaN: what is rare is NaN here."""

    def rarely(self, condition: Any, rare: Callable[[], Any], usual: Any) -> Any:  # noqa: ARG002
        return self.where(condition, math.nan, usual)


LLVM: Any = Llvm()
HASTY: Any = HastyLlvm()
SYSTEMS[Lanes] = LLVM
