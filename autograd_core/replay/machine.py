"""Machine code from LLVM modules: one engine for the process."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from threading import RLock
from typing import TYPE_CHECKING, Any

import llvmlite
from llvmlite import binding, ir
from llvmlite.binding import create_pass_builder, create_pipeline_tuning_options  # ImportError where it is too old

from ..number_systems.llvm import F32, F64, I32, constant, element_of
from .object_cache import read_object, write_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

I64, PTR, VOID = ir.IntType(64), ir.PointerType(), ir.VoidType()
ENTRY = "entry_"
lock = RLock()  # all of LLVM runs under it: one thread at a time compiles


# --- LLVM, a little shorter ---------------------------------------------------------------------


def i64(x: int) -> Any:
    """An integer literal."""
    return ir.Constant(I64, x)


def lanes(width: int, real: Any = F64) -> Any:
    """The type of so many doubles or floats: a scalar for one, else a vector."""
    return real if width == 1 else ir.VectorType(real, width)


def real_of(dtype: Any) -> Any:
    """LLVM's type for NumPy's."""
    return F32 if dtype.itemsize == 4 else F64


def alignment(kind: Any) -> int:
    """Bytes at whose multiples numbers of a type stand; vectors need no more than their lanes."""
    return 4 if element_of(kind) in (I32, F32) else 8


@contextmanager
def loop(b: Any, start: Any, stop: Any) -> Iterator[Any]:
    """Code for every index from `start` on, below `stop`."""
    before = b.block
    test, body, after = (b.append_basic_block(name) for name in ("test", "body", "after"))
    b.branch(test)
    b.position_at_end(test)
    i = b.phi(I64)
    i.add_incoming(start, before)
    b.cbranch(b.icmp_signed("<", i, stop), body, after)
    b.position_at_end(body)
    yield i
    i.add_incoming(b.add(i, i64(1)), b.block)
    b.branch(test)
    b.position_at_end(after)


def load(b: Any, kind: Any, base: Any, index: Any) -> Any:
    """The element at an index, in units of that kind."""
    return b.load(b.gep(base, [index], source_etype=kind), typ=kind, align=alignment(kind))


def store(b: Any, x: Any, base: Any, index: Any) -> None:
    """Write the element at an index, in units of its kind."""
    b.store(x, b.gep(base, [index], source_etype=x.type), align=alignment(x.type))


def spread(b: Any, x: Any, kind: Any) -> Any:
    """One number in every lane."""
    if not isinstance(kind, ir.VectorType):
        return x
    empty = ir.Constant(kind, ir.Undefined)
    lane_0 = ir.Constant(ir.VectorType(I32, kind.count), [0] * kind.count)
    return b.shuffle_vector(b.insert_element(empty, x, ir.Constant(I32, 0)), empty, lane_0)


__all__ = ["ENTRY", "F64", "I32", "I64", "PTR", "VOID", "addresses_of", "alignment", "constant", "element_of", "i64",
           "lanes", "load", "lock", "loop", "real_of", "spread", "store"]  # fmt: skip


# --- compiling ----------------------------------------------------------------------------------


class Machine:
    """The host's target machine, and the engine that keeps all machine code of this process."""

    def __init__(self) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        target = binding.Target.from_default_triple()
        self.cpu, self.features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
        self.target = target.create_target_machine(cpu=self.cpu, features=self.features, opt=2)
        self.engine = binding.create_mcjit_compiler(binding.parse_assembly(""), self.target)
        self.engine.set_object_cache(self._keep, self._kept)  # of every module but the empty one
        self.loaded: set[str] = set()
        self.adding = ""
        self.found: bytes | None = None  # the object code of the module that is being added, by name

    def key(self, text: str, *, straight: bool) -> str:
        """What machine code depends on: the code, its passes, the processor, and the compiler."""
        about = (text, f"passes 1, {straight}", self.cpu, self.features, llvmlite.__version__, sys.platform)
        return sha256("\0".join(about).encode()).hexdigest()

    def add(self, module: Any, *, keep: bool, straight: bool) -> str:
        """Compile a module, or take its machine code from the cache; its digest, which names its functions."""
        module.triple = binding.get_default_triple()
        text = str(module)
        digest = self.key(text, straight=straight)
        if digest not in self.loaded:
            parsed = binding.parse_assembly(text.replace(ENTRY, f"{ENTRY}{digest}_"))
            parsed.name = digest if keep else ""
            parsed.verify()
            self.adding, self.found = parsed.name, read_object(parsed.name)  # once: the engine gets what was decided by
            if self.found is None:
                self._improve(parsed, straight=straight)
            self.engine.add_module(parsed)
            self.engine.finalize_object()
            self.loaded.add(digest)
        return digest

    def _improve(self, parsed: Any, *, straight: bool) -> None:
        """LLVM's passes, of which those for loops take a minute on long straight-line code, and find nothing there."""
        builder = create_pass_builder(self.target, create_pipeline_tuning_options(speed_level=2))
        if straight:
            passes = binding.create_new_module_pass_manager()
            passes.add_sroa_pass()
            passes.add_instruction_combine_pass()
            passes.add_simplify_cfg_pass()
        else:
            passes = builder.getModulePassManager()
        passes.run(parsed, builder)

    def _keep(self, module: Any, code: bytes) -> None:
        if module.name and module.name == self.adding:
            write_object(module.name, code)

    def _kept(self, module: Any) -> bytes | None:
        """What the engine asks for before it compiles, and links in place of that."""
        return self.found if module.name == self.adding else None


@cache
def machine() -> Machine:
    """The one of this process, made when first needed."""
    return Machine()


def addresses_of(module: Any, names: Iterable[str], *, keep: bool = True, straight: bool = False) -> list[int]:
    """Compile a module; where its functions begin. All their names start with ENTRY.

    In the engine the module's digest stands behind that: names are unique there, and yet the same
    in every process, or no process would find another's code in the cache. What holds addresses
    of this process is not to be kept there.
    """
    with lock:
        digest = machine().add(module, keep=keep, straight=straight)
        address = machine().engine.get_function_address
        return [address(name.replace(ENTRY, f"{ENTRY}{digest}_")) for name in names]
