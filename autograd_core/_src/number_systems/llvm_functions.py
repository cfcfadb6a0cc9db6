"""Functions that LLVM code calls: instructions of its own, libm's in each lane, or a vector library's.

`llvm.py` asks for one by name and type; here it is declared in the module under construction, and where the vectors of
a library are shorter than those of the code, a function that calls it on each part is written.
"""

from __future__ import annotations

import ctypes
import math
import platform
import sys
from functools import cache
from typing import Any

from llvmlite import ir

from .processor import features
from .vectors import ELEMENTARY

F64, F32, I32 = ir.DoubleType(), ir.FloatType(), ir.IntType(32)
INTRINSICS = {name: f"llvm.{name}" for name in ("sqrt", "floor", "ceil", "copysign")} | {"abs": "llvm.fabs"}
OFFERED: dict[str, int] = {}  # functions of other libraries that code may call: name, address
PREFIX = "autograd_core_"  # under its own name LLVM knows `pow` and rewrites it: pow(x, 2) is not x * x to the last bit


def width_of(kind: Any) -> int:
    """How many lanes a type has; 0 for a scalar."""
    return kind.count if isinstance(kind, ir.VectorType) else 0


def element_of(kind: Any) -> Any:
    """The type of one lane."""
    return kind.element if isinstance(kind, ir.VectorType) else kind


def declared(module: Any, name: str, kinds: list[Any]) -> Any:
    """A function of these operands, whose result is of the first one's type, as the module has it or will call it."""
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(kinds[0], kinds), name)


def _named(kind: Any) -> str:
    """A type in a function's name. Code of floats has functions of doubles, too, for formulas made for them."""
    return f"{'f32' if element_of(kind) is F32 else 'f64'}{f'x{width_of(kind)}' if width_of(kind) else ''}"


def in_each_lane(module: Any, name: str, kind: Any, arity: int) -> Any:
    """libm's function; for a vector, a function that calls it lane by lane."""
    offer_libm()
    scalar = declared(module, PREFIX + name, [F64] * arity)
    width = width_of(kind)
    if not width:
        return scalar
    lanewise = f"{name}_in_lanes_{_named(kind)}"
    if lanewise in module.globals:
        return module.globals[lanewise]
    function = declared(module, lanewise, [kind] * arity)
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
FLOATS_TOGETHER, FLOATS_SET = 8, "d"  # 8 floats are 256 bits, of which any processor with those sets is capable


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


def fits_vectors(kind: Any) -> bool:
    """Whether a type is one or several vectors of the vector library."""
    part = FLOATS_TOGETHER if element_of(kind) is F32 else vector_library()[2]  # type: ignore[index]
    return width_of(kind) > 0 and width_of(kind) % part == 0


@cache
def vector_function(name: str, arity: int, *, single: bool = False) -> str:
    """The vector library's function of that name, made known to LLVM; "" if there is none."""
    found = vector_library()
    if found is None:
        return ""
    library, letter, width = found
    if single:
        letter, width, name = FLOATS_SET, FLOATS_TOGETHER, f"{name}f"
    symbol = f"_ZGV{letter}N{width}{'v' * arity}_{name}"
    if not hasattr(library, symbol):
        return ""
    OFFERED[symbol] = ctypes.cast(getattr(library, symbol), ctypes.c_void_p).value or 0
    return symbol


def in_vectors(module: Any, name: str, kind: Any, arity: int) -> Any:
    """The vector library's function; where its vectors are shorter, a function that calls it on each part."""
    single = element_of(kind) is F32
    symbol = vector_function(name, arity, single=single)
    width = FLOATS_TOGETHER if single else vector_library()[2]  # type: ignore[index]
    part = ir.VectorType(element_of(kind), width)
    vector = declared(module, symbol, [part] * arity)
    if width == width_of(kind):
        return vector
    whole = f"{name}_in_parts_{_named(kind)}"
    if whole in module.globals:
        return module.globals[whole]
    function = declared(module, whole, [kind] * arity)
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


def in_one_lane(module: Any, name: str, kind: Any, arity: int) -> Any:
    """The vector library's function of one number."""
    whole = f"{name}_of_one_{_named(kind)}"
    if whole in module.globals:
        return module.globals[whole]
    width = FLOATS_TOGETHER if kind is F32 else vector_library()[2]  # type: ignore[index]
    vector = in_vectors(module, name, ir.VectorType(kind, width), arity)
    function = declared(module, whole, [kind] * arity)
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
