"""The compiled interpreter: it runs any program without compiling it.

A program is tables (`vm_tables`): rows of products and calls of handlers (`vm_code`) forward, edges backward. Its slots
hold `<W x double>`, whose lanes are examples of a batch, or a `double` for a single point. Two blocks of examples
run together, so that one computes while the other waits.

Compiling a function per program instead takes 100 us and more per node, so it pays only for programs that run often
(`kernel`; docs/adr/0010).
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from llvmlite import ir

from ....number_systems.llvm import Lanes, multiply_add
from ....number_systems.llvm_functions import FastModule, width_of
from ...runtime.kept_executors import Shelf
from ...runtime.memory import LANES as WIDTH
from ...runtime.memory import LaneSums, address, zeros
from .accumulation import with_product
from .jit import ENTRY, F64, I32, I64, PTR, VOID, addresses_of, constant, i64, lanes, load, lock, loop, real_of, store
from .vm_code import HANDLER
from .vm_tables import AHEAD, CALL_SIZE, InstructionTables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...ir.program import Program

BLOCKS_TOGETHER = 2  # blocks of examples that run together; four take as long, and no longer fit the cache where two do


# --- the machine ----------------------------------------------------------------------------------

RUN = ir.FunctionType(VOID, [PTR])  # the functions below take the address of a block of 64-bit numbers
FORWARD = "n calls products operands values".split()
BACKWARD = "n calls edges operands values adjoints".split()
DRIVER = (
    "n_groups forward backward n_mapped mapped rows n_wanted wanted results n_sought sought gradient "
    "n_sums sum_edges sums values adjoints root seeds"
).split()


def _fields(b: Any, block: Any, names: Sequence[str]) -> dict[str, Any]:
    """The numbers and addresses of a block."""
    found = {}
    for k, name in enumerate(names):
        x = load(b, I64, block, i64(k))
        found[name] = x if name in ("n", "root") or name.startswith("n_") else b.inttoptr(x, PTR)
    return found


class _VmWriter:
    """Writes the machine's functions.

    Args:
        module: Where to.
        kind: The type of lanes.
        together: Blocks of examples that run together: a slot has the lanes of one after those of the other.
    """

    def __init__(self, module: Any, kind: Any, together: int) -> None:
        self.module, self.kind, self.together = module, kind, together
        self.prefetch = ir.Function(module, ir.FunctionType(VOID, [PTR, I32, I32, I32]), "llvm.prefetch.p0")

    def function(self, name: str, names: Sequence[str]) -> tuple[Any, dict[str, Any]]:
        f = ir.Function(self.module, RUN, f"{ENTRY}{name}")
        b = ir.IRBuilder(f.append_basic_block())
        return b, _fields(b, f.args[0], names)

    def row(self, b: Any, table: Any, k: Any, columns: int = 3) -> list[Any]:
        """A row of a table."""
        first = b.mul(k, i64(columns))
        return [b.sext(load(b, I32, table, b.add(first, i64(j))), I64) for j in range(columns)]

    def get(self, b: Any, base: Any, slot: Any, block: int) -> Lanes:
        """The lanes of a block of examples."""
        return Lanes(b, load(b, self.kind, base, self.at(b, slot, block)))

    def put(self, b: Any, x: Any, base: Any, slot: Any, block: int) -> None:
        """Write them."""
        store(b, x, base, self.at(b, slot, block))

    def at(self, b: Any, slot: Any, block: int) -> Any:
        """Where they are."""
        return b.add(b.mul(slot, i64(self.together)), i64(block))

    def fetch(self, b: Any, base: Any, slot: Any) -> None:
        """Ask for what is read later."""
        how = [ir.Constant(I32, x) for x in (0, 3, 1)]  # to be read, more than once; data
        for block in range(self.together):
            b.call(self.prefetch, [b.gep(base, [self.at(b, slot, block)], source_etype=self.kind), *how])

    def calls(self, b: Any, a: dict[str, Any], before: Callable[[Any], None]) -> None:
        """Runs of rows, each with its number, and the call of a handler behind each run."""
        row = b.alloca(I64)
        b.store(i64(0), row)
        with loop(b, i64(0), a["n"]) as turn:
            here = b.mul(turn, i64(CALL_SIZE))
            fields = (load(b, I64, a["calls"], b.add(here, i64(k))) for k in range(CALL_SIZE))
            count, handler, start, operands, slot = fields
            first = b.load(row, typ=I64)
            with loop(b, i64(0), count) as k:
                before(b.add(first, k))
            b.store(b.add(first, count), row)
            with b.if_then(b.icmp_signed("!=", handler, i64(0))):
                listed = b.gep(a["operands"], [start], source_etype=I32)
                for block in range(self.together):
                    # Handlers know nothing of other blocks: `_VmMemory` tells them places, not slots.
                    known = [a[x] for x in ("values", "adjoints") if x in a]
                    bases = [b.gep(x, [i64(block)], source_etype=self.kind) for x in known]
                    given = [listed, operands, bases[0], bases[-1], self.at(b, slot, 0)]
                    b.call(b.inttoptr(handler, HANDLER.as_pointer()), given)

    def forward(self) -> None:
        """The values, and the slopes if the handlers are those that store them."""
        b, a = self.function("forward", FORWARD)

        def product(row: Any) -> None:
            *xs, own = self.row(b, a["products"], row, 4)
            if width_of(self.kind):
                for x in self.row(b, a["products"], b.add(row, i64(AHEAD)), 4):
                    self.fetch(b, a["values"], x)
            for block in range(self.together):
                x, y, w = (self.get(b, a["values"], x, block) for x in xs)
                self.put(b, multiply_add(x, y, w).value, a["values"], own, block)

        self.calls(b, a, product)
        b.ret_void()

    def backward(self) -> None:
        """Adjoint += slope × adjoint, for every edge."""
        b, a = self.function("backward", BACKWARD)

        def edge(row: Any) -> None:
            to, slope, source = self.row(b, a["edges"], row)
            to, is_first = self._apart(b, to)
            ahead = self.row(b, a["edges"], b.add(row, i64(AHEAD)))
            self.fetch(b, a["adjoints"], self._apart(b, ahead[0])[0])
            self.fetch(b, a["values"], ahead[1])
            for block in range(self.together):
                old = self.get(b, a["adjoints"], to, block).value
                old = Lanes(b, b.select(is_first, constant(self.kind, 0.0), old))
                self.send(b, a, old, slope, source, a["adjoints"], to, block)

        self.calls(b, a, edge)
        b.ret_void()

    @staticmethod
    def _apart(b: Any, to: Any) -> tuple[Any, Any]:
        """A slot, and whether what is sent there is the first: then what is there is of another run."""
        is_first = b.icmp_signed("<", to, i64(0))
        return b.select(is_first, b.not_(to), to), is_first

    def send(
        self, b: Any, a: dict[str, Any], old: Any, slope: Any, source: Any, sums: Any, to: Any, block: int
    ) -> None:
        """Write a sum plus slope × adjoint."""
        d, g = self.get(b, a["values"], slope, block), self.get(b, a["adjoints"], source, block)
        new = with_product(old, d, g, strict_zero=True).value
        store(b, new, sums, self.at(b, to, block) if sums is a["adjoints"] else to)

    def run(self) -> None:
        """A whole program, over all groups of blocks: load, forward, read, backward, sum up, read."""
        b, a = self.function("run", DRIVER)
        forward, backward = (self.module.globals[f"{ENTRY}{x}"] for x in ("forward", "backward"))

        def copy(slots: str, source: str, target: str, group: Any) -> None:
            """Into or out of the slots of a list, from or to a table that has them in order."""
            n = a[f"n_{slots}"]
            with loop(b, i64(0), n) as k:
                slot, outer = b.sext(load(b, I32, a[slots], k), I64), b.add(b.mul(group, n), k)
                here, there = (outer, slot) if target == "values" else (slot, outer)
                for block in range(self.together):
                    self.put(b, self.get(b, a[source], here, block).value, a[target], there, block)

        # The memory of one group serves all, so it does not grow with the batch.
        with loop(b, i64(0), a["n_groups"]) as group:
            copy("mapped", "rows", "values", group)
            b.call(forward, [a["forward"]])
            copy("wanted", "values", "results", group)
            with b.if_then(b.icmp_signed("!=", b.ptrtoint(a["backward"], I64), i64(0))):
                # In the last blocks the seeds of spare lanes are 0, so these lanes add 0 to sums.
                is_last = b.icmp_signed("==", group, b.sub(a["n_groups"], i64(1)))
                for block in range(self.together):
                    seed = b.select(is_last, self.get(b, a["seeds"], i64(0), block).value, constant(self.kind, 1.0))
                    self.put(b, seed, a["adjoints"], a["root"], block)
                b.call(backward, [a["backward"]])
                # Sums over the batch: block by block all of its products, as compiled code adds them (docs/adr/0014).
                for block in range(self.together):
                    with loop(b, i64(0), a["n_sums"]) as k:
                        to, slope, source = self.row(b, a["sum_edges"], k)
                        old = Lanes(b, load(b, self.kind, a["sums"], to))
                        self.send(b, a, old, slope, source, a["sums"], to, block)
                copy("sought", "adjoints", "gradient", group)
        b.ret_void()


class VmFunctions(NamedTuple):
    """The functions of one type of lanes: their addresses."""

    forward: int
    backward: int
    run: int


_machines: dict[Any, VmFunctions] = {}


def machine(width: int, *, fast: bool, real: Any = F64, together: int = 1) -> VmFunctions:
    """The functions that run programs over lanes of this width; each takes the address of its block of arguments.

    Args:
        width: Lanes.
        fast: Whether products are fused with the additions that follow them, where the processor can.
        real: The type of a lane.
        together: Blocks of examples that run together.
    """
    key = lanes(width, real), fast, together
    with lock:
        if key not in _machines:
            writer = _VmWriter((FastModule if fast else ir.Module)(), key[0], together)
            for write in (writer.forward, writer.backward, writer.run):
                write()
            _machines[key] = VmFunctions(*addresses_of(writer.module, [ENTRY + name for name in VmFunctions._fields]))
        return _machines[key]


class Interpreter:
    """Runs one program on LLVM's machine code.

    Args:
        program: What to run.
        fast: Whether functions of lanes may come from a vector library.
        dtype: What it computes with: float64 or float32.
    """

    backend = "llvm"

    def __init__(self, program: Program, *, fast: bool = False, dtype: str = "float64") -> None:
        self.program, self.fast, self.dtype = program, fast, np.dtype(dtype)
        self.real = real_of(self.dtype)
        self.numbers_per_example = program.n_inputs + len(program.outputs)  # values of blocks serve all in turn
        self._tables: dict[Any, InstructionTables] = {}
        self._free: Shelf[_VmMemory] = Shelf()  # memory of earlier runs: new memory would be cleared by the system

    def load(self, width: int, wanted: Any, sought: Any, summed: Any) -> None:
        """Load what runs need, so that how long these take tells how long others will; see `run`."""
        self._table(width, wanted, sought, summed)
        for together in {1, BLOCKS_TOGETHER if width > 1 else 1}:
            machine(width, fast=self.fast, real=self.real, together=together)

    def _table(self, width: int, wanted: Any, sought: Any, summed: Any) -> InstructionTables:
        """The tables for runs with these results."""
        # At a single point a sum is the adjoint itself, and wide nodes send to it. Over a batch it is apart.
        sums, alone = np.split(summed, [len(summed) if width > 1 else 0])
        kept = np.concatenate([wanted, [] if sought is None else sought, alone]).astype(np.int32)
        key = width, sought is None, sums.tobytes(), kept.tobytes()
        found = self._tables.get(key)
        if found is None:
            found = InstructionTables(
                self.program, width, fast=self.fast, real=self.real, gradient=sought is not None, kept=kept, sums=sums
            )
        return self._tables.setdefault(key, found)  # the first one's, where two threads make them

    def run(
        self, inputs: Any, mapped: Any, rows: Any, wanted: Any, sought: Any = None, sums: LaneSums | None = None
    ) -> tuple[Any, Any]:
        """Values, and the gradient of the first output, for every example.

        Args:
            inputs: Of `dtype`, one number per input; those of mapped ones are not used.
            mapped: int32, the inputs that differ from example to example.
            rows: Of `dtype` and shape (rows, len(mapped)), at least one example.
            wanted: int32, the slots to return.
            sought: int32, the slots whose adjoints to return; None for no backward pass.
            sums: What to add up over the examples; it goes on from where it is. It says how many lanes there are, too.

        Returns:
            Two arrays of shapes (rows, len(wanted)) and (rows, len(sought)).
        """
        p, count, dtype = self.program, len(rows), self.dtype
        if sums is None:
            sums = LaneSums(np.empty(0, np.int32), WIDTH if len(mapped) else 1, dtype)
        width, tables = sums.width, self._table(sums.width, wanted, sought, sums.slots)
        together = BLOCKS_TOGETHER if count > width > 1 else 1
        group = width * together  # examples
        groups = -(-count // group)
        # Spare lanes of the last group compute the last example again: no garbage can become NaN there.
        padded = np.concatenate([rows, np.repeat(rows[-1:], groups * group - count, axis=0)])
        # Group, input, lane: the lanes of an input are adjacent, so whole vectors are copied; the transposition is done
        # here, once, by NumPy.
        lanes = np.ascontiguousarray(padded.reshape(groups, group, -1).transpose(0, 2, 1))
        seeks = np.empty(0, np.int32) if sought is None else sought
        if width == 1:
            seeks = np.concatenate([seeks, sums.slots])
        serves = tables, together
        work = self._free.take(serves)  # nobody else has it then: threads run chunks of a batch on one interpreter
        if work is None:
            work = _VmMemory(self, serves, tables, width, together)
            self._free.made(work)
        values, adjoints = work.values, work.adjoints
        values[: p.n_inputs] = inputs[:, None]
        if not tables.replaces:
            adjoints[:] = 0.0
        wanted, seeks = tables.values_at[wanted].astype(np.int32), tables.adjoints_at[seeks].astype(np.int32)
        results, gradient = (np.empty((groups, n, group), dtype) for n in (len(wanted), len(seeks)))
        seeds = (np.arange(group) < count - (groups - 1) * group).astype(dtype)  # 0 in spare lanes
        arguments = block(
            DRIVER, n_groups=groups, forward=work.forward, backward=0 if sought is None else work.backward,
            n_mapped=len(mapped), mapped=mapped, rows=lanes, n_wanted=len(wanted),
            wanted=wanted, results=results, n_sought=len(seeks), sought=seeks, gradient=gradient,
            n_sums=len(tables.sum_edges), sum_edges=tables.sum_edges, sums=sums.lanes, values=values, adjoints=adjoints,
            root=0 if sought is None else int(tables.adjoints_at[p.outputs[0]]), seeds=seeds,
        )  # fmt: skip
        code = machine(width, fast=self.fast, real=self.real, together=together)
        ctypes.CFUNCTYPE(None, ctypes.c_int64)(code.run)(arguments.ctypes.data)
        self._free.put(work)
        gradient = _by_rows(gradient)[:count]
        if sought is not None and width == 1:
            sums.lanes[:] += gradient[:1, len(sought) :].T
        return _by_rows(results)[:count], gradient[:, : 0 if sought is None else len(sought)]


class _VmMemory:
    """Memory for values and adjoints, with the machine's arguments; for one run at a time.

    Args:
        interpreter: Whose it is.
        serves: Which runs: those of the tables, and blocks together.
        tables: What it runs through.
        width: Lanes.
        together: Blocks of examples that run together.
    """

    used, called = 0, False

    def __init__(
        self, interpreter: Interpreter, serves: Any, tables: InstructionTables, width: int, together: int
    ) -> None:
        p, dtype = interpreter.program, interpreter.dtype
        self.serves = serves
        # The last elements are read in whole vectors. What nothing is sent to stays 0.
        self.values = zeros((tables.size + WIDTH, together * width), dtype)
        self.adjoints = self.values if tables.is_shared else zeros((p.n_slots + WIDTH, together * width), dtype)
        with np.errstate(over="ignore"):  # doubles beyond floats are infinite
            self.values[p.n_inputs : p.first] = p.constants[:, None]
            self.values[tables.literal :][: len(tables.literals)] = tables.literals[:, None]
        # As handlers index them where some blocks are together: each slot is the first of so many places.
        self._operands = tables.operands * np.int32(together)
        [line] = tables.lines
        self.forward = block(
            FORWARD, n=line.calls, calls=tables.calls, products=tables.products, operands=self._operands,
            values=self.values,
        )  # fmt: skip
        self.backward = block(
            BACKWARD, n=line.sends, calls=tables.sends, edges=tables.edges, operands=self._operands,
            values=self.values, adjoints=self.adjoints,
        )  # fmt: skip
        self._kept = tables
        self.bytes = sum(x.nbytes for x in (self.values, self.adjoints, self._operands))


def block(names: Sequence[str], **fields: Any) -> Any:
    """A block of arguments: numbers as they are, and the addresses of arrays."""
    return np.array([x if isinstance(x, int) else address(x) for x in (fields[name] for name in names)], np.int64)


def _by_rows(lanes: Any) -> Any:
    blocks, n, width = lanes.shape
    return lanes.transpose(0, 2, 1).reshape(blocks * width, n)
