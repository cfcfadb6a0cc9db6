"""Compiles LLVM modules to machine code, which lives as long as somebody holds an address in it."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary, finalize

import llvmlite
import numpy as np
from llvmlite import binding, ir
from llvmlite.binding import create_pass_builder, create_pipeline_tuning_options  # ImportError where it is too old

from ....number_systems import llvm_functions as system
from ....number_systems.llvm import Spelled, constant
from ....number_systems.llvm_functions import F32, F64, I32, OFFERED, element_of, offered
from ....number_systems.processor import flags
from ...locks import compiling as lock
from .object_cache import read_object, write_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

I64, PTR, VOID = ir.IntType(64), ir.PointerType(), ir.VoidType()
ENTRY = "entry_"
CODE_LEVEL = 1  # of LLVM, when it chooses instructions; 2 sorts them once more, in quadratic time, which gained nothing


# --- short forms for llvmlite ---------------------------------------------------------------------


def i64(x: int) -> Any:
    """An integer literal."""
    return ir.Constant(I64, x)


def lanes(width: int, real: Any = F64) -> Any:
    """A vector type with `width` doubles or floats; the scalar type for a width of 1."""
    return real if width == 1 else ir.VectorType(real, width)


def real_of(dtype: Any) -> Any:
    """The LLVM type of a NumPy dtype."""
    return F32 if dtype.itemsize == 4 else F64


def alignment(kind: Any) -> int:
    """The alignment of a type in bytes; vectors are aligned like their elements."""
    return 4 if element_of(kind) in (I32, F32) else 8


@contextmanager
def loop(b: Any, start: Any, stop: Any, *, is_long: bool = False) -> Iterator[Any]:
    """A loop over the indices from `start` to `stop` (excluded).

    Args:
        b: The builder.
        start: The first index.
        stop: The first that is not in it.
        is_long: Whether its body is a long straight line. LLVM then learns nothing of the index: it would follow it
            through all addresses that depend on it, which takes longer than all else, to save an addition in a hundred
            instructions.
    """
    before = b.block
    test, body, after = (b.append_basic_block(name) for name in ("test", "body", "after"))
    b.branch(test)
    b.position_at_end(test)
    i = b.phi(I64)
    i.add_incoming(start, before)
    b.cbranch(b.icmp_signed("<", i, stop), body, after)
    b.position_at_end(body)
    yield i
    following = b.add(i, i64(1))
    if is_long:  # an instruction of no bytes, whose result could be anything
        following = b.asm(ir.FunctionType(I64, [I64]), "", "=r,0", [following], side_effect=False)
    i.add_incoming(following, b.block)
    b.branch(test)
    b.position_at_end(after)


def load(b: Any, kind: Any, base: Any, index: Any) -> Any:
    """The element at an index, in units of its type."""
    return b.load(b.gep(base, [index], source_etype=kind), typ=kind, align=alignment(kind))


def store(b: Any, x: Any, base: Any, index: Any) -> None:
    """Write the element at an index, in units of its type."""
    b.store(x, b.gep(base, [index], source_etype=x.type), align=alignment(x.type))


def spread(b: Any, x: Any, kind: Any) -> Any:
    """A vector with one number in every lane."""
    if not isinstance(kind, ir.VectorType):
        return x
    empty = Spelled(kind, "zeroinitializer")  # in an undefined lane the right number may stand by chance
    lane_0 = ir.Constant(ir.VectorType(I32, kind.count), [0] * kind.count)
    return b.shuffle_vector(b.insert_element(empty, x, ir.Constant(I32, 0)), empty, lane_0)


__all__ = ["ENTRY", "F64", "I32", "I64", "PTR", "VOID", "addresses_of", "alignment", "constant", "element_of", "i64",
           "lanes", "load", "lock", "loop", "real_of", "spread", "store"]  # fmt: skip


# --- compiling ----------------------------------------------------------------------------------


class Code:
    """The machine code of one module, unloaded when nobody holds an address in it any more.

    Python's collector runs the `__del__` methods of a cycle one after the other, and a later one may still call
    the code. So the code's lifetime is tied to a NumPy array, which the collector does not track: it goes with
    the last reference to it, after all of these. Until then llvmlite's object is kept alive separately, because
    that would free the code by itself, even while another thread compiles.
    """

    def __init__(self, tracker: Any) -> None:
        self.addresses, self._held = tracker, np.empty(0)
        finalize(self._held, _drop, tracker).atexit = False  # the end of the process frees everything anyway


def _drop(tracker: Any) -> None:
    if sys.is_finalizing():
        return
    _dropped.append(tracker)
    if lock.acquire(blocking=False):  # otherwise the thread that compiles now, or next, does it
        try:
            unload()
        finally:
            lock.release()


_dropped: deque[Any] = deque()


def unload() -> None:
    """Free code that nobody can call; under the lock, as all uses of LLVM: a fork meanwhile would break the child."""
    while _dropped:
        _dropped.popleft().close()


class About(NamedTuple):
    """The header of code that is cached under a caller's key: a line of JSON."""

    names: list[str]  # functions that the code defines
    calls: list[str]  # functions that it calls
    note: int

    def line(self) -> bytes:
        return json.dumps(self._asdict()).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> About | None:
        """Parse the header; None if the line is none."""
        try:
            found = cls(**json.loads(line))
        except (ValueError, TypeError, RecursionError):
            return None
        texts = (found.names, found.calls)
        is_one = all(type(x) is list and all(type(name) is str and name.isidentifier() for name in x) for x in texts)
        return found if is_one and type(found.note) is int and found.note >= 0 else None


class KeptCode(NamedTuple):
    """Code that was cached under a caller's key, and the number cached with it."""

    code: Code
    note: int


class Address(int):
    """The address of a function, which keeps its code alive."""

    code: Code


class HostMachine:
    """The host's target machine, and the linker that loads machine code into this process."""

    def __init__(self) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        target = binding.Target.from_default_triple()
        self.cpu, self.features = binding.get_host_cpu_name(), flags()
        self.target = target.create_target_machine(cpu=self.cpu, features=self.features, opt=CODE_LEVEL)
        self.linker = binding.create_lljit_compiler(self.target)
        self.loaded: WeakValueDictionary[str, Code] = WeakValueDictionary()
        self.serial = count()  # a library's name is never used twice

    def key(self, text: str, *, straight: bool) -> str:
        """A digest of everything that machine code depends on: the module, its passes, the processor, the compiler."""
        passes = f"passes 2, {straight}, {CODE_LEVEL}"
        about = (text, passes, self.cpu, self.features, llvmlite.__version__, sys.platform)
        return sha256("\0".join(about).encode()).hexdigest()

    def kept(self, key: str, name: str) -> KeptCode | None:
        """What `add` cached under a caller's key, if it can be linked here and has that function."""
        unload()
        content = read_object(key)
        if content is None:
            return None
        line, _, machine_code = content.partition(b"\n")
        about = About.read(line)
        # Each number is one of a vector that the code keeps, so it has no more of them than bytes.
        if about is None or name not in about.names or about.note > len(machine_code):
            return None
        # Object code has names of functions and no addresses, which differ from process to process. One that this
        # machine lacks, such as another version's vector library, makes the file useless here.
        addresses = {x: offered(x) for x in about.calls}
        if not all(addresses.values()):
            return None
        code = self.loaded.get(key) or self._read(machine_code, addresses, about.names)
        if code is None:
            return None
        self.loaded[key] = code
        return KeptCode(code, about.note)

    def add(self, module: Any, names: Iterable[str], *, keep: bool, straight: bool, key: str, note: int) -> Code:
        """Compile a module, or take its machine code from the cache."""
        unload()
        names = list(names)
        module.triple = binding.get_default_triple()
        text = str(module)
        digest = self.key(text, straight=straight)
        code = self.loaded.get(digest)
        if code is None:
            found = read_object(digest) if keep else None
            parsed = binding.parse_assembly(text)
            parsed.verify()
            called = [x.name for x in parsed.functions if x.is_declaration and x.name in OFFERED]
            addresses = {x: OFFERED[x] for x in called}
            code = None if found is None else self._read(found, addresses, names)
            if code is None:
                self._improve(parsed, straight=straight)
                found = self.target.emit_object(parsed)
                if keep:
                    write_object(digest, found)
                if key:
                    write_object(key, About(names, called, note).line() + found)
                code = Code(self._linked(found, addresses, names))
            # Weakly: whoever asks for the same text while the code is in use shares it, and nothing stays for others.
            self.loaded[digest] = code
        return code

    def _read(self, machine_code: bytes, called: Mapping[str, int], names: Iterable[str]) -> Code | None:
        """Code from a file; None if the file holds something else although its digest is right."""
        try:
            return Code(self._linked(machine_code, called, names))
        except RuntimeError:  # LLVM could not parse it
            return None

    def _linked(self, machine_code: bytes, called: Mapping[str, int], names: Iterable[str]) -> Any:
        """Machine code loaded into this process, linked to the functions that it calls."""
        library = binding.JITLibraryBuilder().add_object_img(machine_code).add_current_process()
        for name, address in called.items():
            library.import_symbol(name, address)
        for name in names:
            library.export_symbol(name)
        return library.link(self.linker, f"library_{next(self.serial)}")

    def _improve(self, parsed: Any, *, straight: bool) -> None:
        """Run LLVM's passes. Loop passes are left out for straight-line code: they take a minute and find nothing."""
        builder = create_pass_builder(self.target, create_pipeline_tuning_options(speed_level=2))
        if straight:
            passes = binding.create_new_module_pass_manager()
            passes.add_sroa_pass()
            passes.add_instruction_combine_pass()
            passes.add_simplify_cfg_pass()
        else:
            passes = builder.getModulePassManager()
        passes.run(parsed, builder)


@cache
def machine() -> HostMachine:
    """The machine of this process, made at first use."""
    return HostMachine()


def addresses_of(
    module: Any, names: Iterable[str], *, keep: bool = True, straight: bool = False, key: str = "", note: int = 0
) -> list[Address]:
    """Compile a module, and return the addresses of its functions; all their names start with ENTRY.

    The code lives as long as one of the addresses. Code that contains addresses of this process must not be
    cached. With a key the code is cached under that instead of the digest of its text, with a number: so `kept`
    finds it before there is any text, and writing the text takes as long as compiling it.
    """
    with lock:
        names = list(names)
        code = machine().add(module, names, keep=keep and not key, straight=straight, key=key, note=note)
        return [_address(code, name) for name in names]


def kept(key: str, name: str) -> tuple[Address, int] | None:
    """The address of a function that was cached under a key, and the number cached with it; None if there is none."""
    if not key:
        return None
    with lock:
        found = machine().kept(key, name)
        return None if found is None else (_address(found.code, name), found.note)


def key_of(*about: Any) -> str:
    """A cache key for code that depends on these, our own source files, the processor, compiler and vector library."""
    with lock:  # LLVM is set up by who comes first, and llvmlite has a lock of its own that a fork would leave held
        vectors = system.vector_library()  # functions that the code may call
        return machine().key("\0".join(map(str, (_library(), vectors and vectors[1:], *about))), straight=True)


@cache
def _library() -> str:
    """Our own source files on which machine code depends, so that editing one makes new keys."""
    root = f"{Path(__file__).parents[3]}{os.sep}"
    found, folders = [], [root + name for name in ("compiler", "engine", "number_systems")]
    for folder in folders:  # which grows
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name.endswith(".py"):
                    about = entry.stat()
                    found.append((entry.path.removeprefix(root), about.st_size, about.st_mtime_ns))
    return str(sorted(found))


def _address(code: Code, name: str) -> Address:
    address = Address(code.addresses[name])
    address.code = code
    return address
