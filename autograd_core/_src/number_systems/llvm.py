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
import platform
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ...errors import OperandError
from ..engine.primitives.pieces import TINY
from .base import SYSTEMS
from .floats import FLOATS
from .processor import features, has_fma
from .vectors import ELEMENTARY, NO_BRANCH, NO_FLOAT, Vectors

if TYPE_CHECKING:
    from collections.abc import Callable

F64, F32, I32 = ir.DoubleType(), ir.FloatType(), ir.IntType(32)
INTRINSICS = {name: f"llvm.{name}" for name in ("sqrt", "floor", "ceil", "copysign")} | {"abs": "llvm.fabs"}
OFFERED: dict[str, int] = {}  # functions of other libraries that code may call: name, address
PREFIX = "autograd_core_"  # under its own name LLVM knows `pow` and rewrites it: pow(x, 2) is not x * x to the last bit


def width_of(kind: Any) -> int:
    """How many lanes a type has; 0 for a scalar."""
    return kind.count if isinstance(kind, ir.VectorType) else 0


def alike(element: Any, kind: Any) -> Any:
    """The type with these elements and as many lanes as `kind`."""
    width = width_of(kind)
    return ir.VectorType(element, width) if width else element


def element_of(kind: Any) -> Any:
    """The type of one lane."""
    return kind.element if isinstance(kind, ir.VectorType) else kind


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
            function = _declared(module, f"{INTRINSICS[name]}.{f'v{width}' if width else ''}f{bits}", [kind] * len(xs))
        elif isinstance(module, FastModule) and vector_function(name, len(xs), single=single) and _divides(kind):
            function = _in_vectors(module, name, kind, len(xs))
        elif isinstance(module, FastModule) and module.always and vector_function(name, len(xs), single=single):
            function = _in_one_lane(module, name, kind, len(xs))
        elif single:
            return narrowed(self.call(name, *map(widened, xs)))
        else:
            function = _in_each_lane(module, name, kind, len(xs))
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


def _declared(module: Any, name: str, kinds: list[Any]) -> Any:
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(kinds[0], kinds), name)


def _in_each_lane(module: Any, name: str, kind: Any, arity: int) -> Any:
    """libm's function; for a vector, a function that calls it lane by lane."""
    offer_libm()
    scalar = _declared(module, PREFIX + name, [F64] * arity)
    width = width_of(kind)
    if not width:
        return scalar
    lanewise = f"{name}_in_{width}_lanes"
    if lanewise in module.globals:
        return module.globals[lanewise]
    function = _declared(module, lanewise, [kind] * arity)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    result = ir.Constant(kind, None)
    for lane in (ir.Constant(I32, k) for k in range(width)):
        xs = [builder.extract_element(x, lane) for x in function.args]
        result = builder.insert_element(result, builder.call(scalar, xs), lane)
    builder.ret(result)
    return function


class FastModule(ir.Module):  # type: ignore[misc]
    """A module in which functions of several lanes may come from a vector library: within 4 ulp, not libm's bits.

    Args:
        always: Whether those of a single number do, too, since it stands for what is the same in all lanes.
    """

    def __init__(self, *, always: bool = False) -> None:
        super().__init__()
        self.always = always


# glibc's own names in the vector ABI of x86-64: e for 512 bits, d for 256.
VECTOR_SETS = (("avx512f", "e", 8), ("avx2", "d", 4))
LANES, FLOATS_SET = 8, "d"  # 8 floats are 256 bits, of which any processor with those sets is capable


@cache
def vector_library() -> tuple[Any, str, int] | None:
    """glibc's libmvec, the letter of the widest set of this processor, and its lanes; None without them."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    try:
        library = ctypes.CDLL("libmvec.so.1")
    except OSError:
        return None
    return next(((library, letter, width) for name, letter, width in VECTOR_SETS if features().get(name)), None)


def multiply_add(x: Any, y: Any, z: Any) -> Any:
    """x y + z; in a module that need not keep Python's bits with one rounding, where the processor has that."""
    here = next((a for a in (x, y, z) if isinstance(a, Lanes)), None)
    if here is None or not isinstance(here.builder.module, FastModule) or not has_fma():
        return x * y + z
    operands = [here.operand(a) for a in (x, y, z)]
    kind = operands[0].type
    width = width_of(kind)
    bits = 32 if element_of(kind) is F32 else 64
    function = _declared(here.builder.module, f"llvm.fma.{f'v{width}' if width else ''}f{bits}", [kind] * 3)
    return Lanes(here.builder, here.builder.call(function, operands))


def _divides(kind: Any) -> bool:
    """Whether a type is one or several vectors of the vector library."""
    part = LANES if element_of(kind) is F32 else vector_library()[2]  # type: ignore[index]
    return width_of(kind) > 0 and width_of(kind) % part == 0


@cache
def vector_function(name: str, arity: int, *, single: bool = False) -> str:
    """The vector library's function of that name, made known to LLVM; "" if there is none."""
    found = vector_library()
    if found is None:
        return ""
    library, letter, width = found
    if single:
        letter, width, name = FLOATS_SET, LANES, f"{name}f"
    symbol = f"_ZGV{letter}N{width}{'v' * arity}_{name}"
    if not hasattr(library, symbol):
        return ""
    OFFERED[symbol] = ctypes.cast(getattr(library, symbol), ctypes.c_void_p).value or 0
    return symbol


def _in_vectors(module: Any, name: str, kind: Any, arity: int) -> Any:
    """The vector library's function; where its vectors are shorter, a function that calls it on each part."""
    single = element_of(kind) is F32
    symbol = vector_function(name, arity, single=single)
    width = LANES if single else vector_library()[2]  # type: ignore[index]
    part = ir.VectorType(element_of(kind), width)
    vector = _declared(module, symbol, [part] * arity)
    if width == width_of(kind):
        return vector
    whole = f"{name}_in_parts"
    if whole in module.globals:
        return module.globals[whole]
    function = _declared(module, whole, [kind] * arity)
    function.linkage = "internal"
    b = ir.IRBuilder(function.append_basic_block())
    results: list[Any] = []
    for start in range(0, kind.count, width):
        lanes = ir.Constant(ir.VectorType(I32, width), list(range(start, start + width)))
        xs = [b.shuffle_vector(x, ir.Constant(kind, None), lanes) for x in function.args]
        results.append(b.call(vector, xs))
    while len(results) > 1:
        count = results[0].type.count * 2
        lanes = ir.Constant(ir.VectorType(I32, count), list(range(count)))
        results = [b.shuffle_vector(x, y, lanes) for x, y in zip(results[::2], results[1::2], strict=True)]
    b.ret(results[0])
    return function


def _in_one_lane(module: Any, name: str, kind: Any, arity: int) -> Any:
    """The vector library's function of one number."""
    whole = f"{name}_of_one"
    if whole in module.globals:
        return module.globals[whole]
    width = LANES if kind is F32 else vector_library()[2]  # type: ignore[index]
    vector = _in_vectors(module, name, ir.VectorType(kind, width), arity)
    function = _declared(module, whole, [kind] * arity)
    function.linkage = "internal"
    b = ir.IRBuilder(function.append_basic_block())
    lane_0, first = ir.Constant(I32, 0), ir.Constant(ir.VectorType(I32, width), [0] * width)
    empty = ir.Constant(ir.VectorType(kind, width), None)  # zeros: undefined lanes may hold the right number by chance
    xs = [b.shuffle_vector(b.insert_element(empty, x, lane_0), empty, first) for x in function.args]
    b.ret(b.extract_element(b.call(vector, xs), lane_0))
    return function


@cache
def offer_libm() -> None:
    """Make libm's functions known to LLVM, from the very library that Python's `math` calls."""
    libm = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else getattr(math, "__file__", None))
    for name in (*ELEMENTARY, "cbrt"):
        if name not in INTRINSICS:
            OFFERED[PREFIX + name] = ctypes.cast(getattr(libm, name), ctypes.c_void_p).value or 0
    for name in ("malloc", "free"):
        libc = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
        OFFERED[PREFIX + name] = ctypes.cast(getattr(libc, name), ctypes.c_void_p).value or 0


def of_c(module: Any, name: str, result: Any, operand: Any) -> Any:
    """A function of C's library."""
    offer_libm()
    symbol = PREFIX + name
    return module.globals.get(symbol) or ir.Function(module, ir.FunctionType(result, [operand]), symbol)


def offered(symbol: str) -> int:
    """The address of a function of another library, which code that was compiled before calls; 0 if it is not there."""
    offer_libm()
    found = vector_library()
    if symbol not in OFFERED and found is not None and hasattr(found[0], symbol):
        OFFERED[symbol] = ctypes.cast(getattr(found[0], symbol), ctypes.c_void_p).value or 0
    return OFFERED.get(symbol, 0)


class HastyLlvm(Llvm):
    """For a sweep that is run once more, with care, where a gradient comes out as NaN: what is rare is NaN here."""

    def rarely(self, condition: Any, rare: Callable[[], Any], usual: Any) -> Any:  # noqa: ARG002
        return self.where(condition, math.nan, usual)


LLVM: Any = Llvm()
HASTY: Any = HastyLlvm()
SYSTEMS[Lanes] = LLVM
