"""What code is made for: the processor's vector registers, or fewer where the environment says so.

`AUTOGRAD_CORE_VECTORS` is `avx512`, `avx2` or `sse2`: what a processor has beyond that is left alone, as on an
older machine, so that one machine can test what another one runs. Unset or empty: all that there is. It is read
once in a process, and belongs to the key under which machine code is kept.
"""

from __future__ import annotations

import os
from functools import cache

from llvmlite import binding

from ...errors import RangeError

VARIABLE = "AUTOGRAD_CORE_VECTORS"
# What each level needs, and how the names of features begin that it leaves alone.
LEVELS = {
    "avx512": ("avx512f", ()),
    "avx2": ("avx2", ("avx512", "avx10", "amx", "evex512")),
    "sse2": ("sse2", ("avx", "amx", "evex512", "fma", "f16c", "xop", "vaes", "vpclmulqdq")),
}


@cache
def features() -> dict[str, bool]:
    """Which features code may use, by LLVM's names.

    Raises:
        RangeError: The environment asks for something else than a level that this processor has.
    """
    here = {str(name): bool(there) for name, there in binding.get_host_cpu_features().items()}
    level = os.environ.get(VARIABLE, "")
    if not level:
        return here
    if level not in LEVELS or not here.get(LEVELS[level][0]):
        possible = [name for name, (needed, _) in LEVELS.items() if here.get(needed)]
        msg = f"{VARIABLE}: expected one of {possible} on this processor, or nothing, got {level!r}"
        raise RangeError(msg)
    without = LEVELS[level][1]
    return {name: there and not name.startswith(without) for name, there in here.items()}


def flags() -> str:
    """The same as LLVM's target machine takes it: `+fma,-avx512f`."""
    return ",".join(f"{'+' if there else '-'}{name}" for name, there in sorted(features().items()))


@cache
def has_fma() -> bool:
    """Whether x y + z takes one instruction, and one rounding."""
    return bool(features().get("fma") or features().get("neon"))


@cache
def native_lanes(size: int = 8) -> int:
    """Numbers of so many bytes in a vector register: straight-line code on wider vectors spills twice as much."""
    return (64 if features().get("avx512f") else 32 if features().get("avx2") else 16) // size
