"""Large programs at a single point: regions of equal copies run as compiled loops, the rest is interpreted.

All values are in one array, all adjoints in another, and `Plan.at` has each slot's index in both. Within a
region the copies of one result are adjacent, so that the same result of eight copies is one load, also
where they read the copy before them. A result that nobody reads later stays in a register. A run is a
sequence of stages; each is a function and the block of its arguments. Invariant: adjoints of a region are
0 between runs. Code that reads one stores the 0 again, which is cheaper than clearing all of them before
each run (docs/adr/0010, 0011).
"""

from __future__ import annotations

import ctypes
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ....number_systems.source import is_exact
from ...passes.loop_fission import arranged
from ...runtime.memory import LANES, called_back, zeros
from .jit import ENTRY, F64, I32, I64, PTR, addresses_of, constant, i64, load, loop, store
from .kernel import CALLBACK
from .loop_body import Body, stride_of
from .loops import Compiled, compiled
from .vm import BACKWARD, FORWARD, block, machine
from .vm_tables import InstructionTables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ir.layout import Layout
    from ...ir.program import Program

PADDING = 2 * LANES  # numbers after the end of both arrays: the last block loads and stores whole vectors


class ExecutionPlan:
    """A program, cut into regions and the lines between them, which are interpreted.

    Args:
        program: The program, to be run at one point.
        fast: Whether functions may come from a vector library.
    """

    def __init__(self, program: Program, *, fast: bool) -> None:
        self.fast = fast
        # Callers know slots of the program as it was before it was reordered: `place` tells where they are now.
        self.program, self.place, self.regions, self.totals = arranged(program)
        self.at = self._addresses()
        self._bodies: list[Body] | None = None
        self._tables: dict[Any, InstructionTables] = {}
        self._functions: dict[Any, list[Compiled]] = {}

    def tables(self, kept: Any, *, gradient: bool) -> InstructionTables:
        """What is interpreted, made at first request.

        Args:
            kept: Slots whose values or adjoints are read after a run.
            gradient: Whether there is a backward sweep.
        """
        # Regions index what they share with lines, so there each slot has a place of its own.
        if self.regions:
            kept = kept[:0]
        key = kept.tobytes(), gradient
        if key not in self._tables:
            about: dict[str, Any] = {"kept": kept}
            if self.regions:
                about = {"at": self.at, "spare": self.size + PADDING, "lines": self.lines()}
            self._tables[key] = InstructionTables(self.program, 1, fast=self.fast, gradient=gradient, **about)
        return self._tables[key]

    @property
    def bodies(self) -> list[Body]:
        """What the code of each region needs to know, made at first request: an interpreted call does without."""
        if self._bodies is None:
            self._bodies = [Body(self, *about) for about in zip(self.regions, self.totals, strict=True)]
        return self._bodies

    def _addresses(self) -> Any:
        """Each slot's index in the arrays of values and adjoints; sets `size` to their length."""
        p = self.program
        at = np.empty(p.n_slots, np.int64)
        # Inputs, constants and interpreted instructions keep their order; only regions are transposed, from copy by
        # copy to result by result.
        at[: p.first] = np.arange(p.first)
        here, end = 0, p.first
        for region in self.regions:
            line = region.start - here
            at[p.first + here : p.first + region.start] = np.arange(end, end + line)
            end += line
            stride = stride_of(region.copies)  # with gaps, so that results do not compete for the same cache sets
            grid = end + np.arange(region.period) * stride + np.arange(region.copies)[:, None]
            at[p.first + region.start : p.first + region.stop] = grid.ravel()
            end += region.period * stride
            here = region.stop
        at[p.first + here :] = np.arange(end, end + len(p.codes) - here)
        self.size = end + len(p.codes) - here
        return at

    def functions(self, *, strict_zero: bool, gradient: bool) -> list[Compiled]:
        """The code of each region, compiled on first use."""
        # Code with strict zero is compiled when a gradient is NaN for the first time, which for most programs is never.
        key = strict_zero, gradient
        if key not in self._functions:
            self._functions[key] = [compiled(body, strict_zero=strict_zero, gradient=gradient) for body in self.bodies]
        return self._functions[key]

    @property
    def share(self) -> float:
        """The fraction of the program's edges that lies in regions."""
        edges = sum(len(region.kinds) * region.copies for region in self.regions)
        return edges / max(len(self.program.operands), 1)

    @property
    def is_interpreted_alike(self) -> bool:
        """Whether interpreting the program gives the same values bit for bit.

        Copies in sequence are computed one number at a time, by the interpreter's functions. Lanes have functions of
        their own, and a function of a constant may be evaluated when the code is written.
        """
        exact = [is_exact(primitive) for primitive in self.program.primitives]
        for region in self.regions:
            body = slice(region.start, region.start + region.period)
            for code, start, stop in zip(
                self.program.codes[body], self.program.offsets[body], self.program.offsets[1:][body], strict=True
            ):
                operands = self.program.operands[start:stop]
                reads_constant = ((operands >= self.program.n_inputs) & (operands < self.program.first)).any()
                if not exact[code] and (region.parallel or reads_constant):
                    return False
        return True

    @property
    def edges_written(self) -> int:
        """How many edges the code of the regions has, where copies count once."""
        return sum(len(region.kinds) for region in self.regions)

    def lines(self) -> list[tuple[int, int]]:
        """The interpreted instructions before, between and after the regions, as pairs (start, stop)."""
        ends = [0]
        # A region's totals are the instructions right after it; its loop computes them.
        for region, totals in zip(self.regions, self.totals, strict=True):
            ends += [region.start, region.stop + len(totals)]
        ends.append(len(self.program.codes))
        return list(zip(ends[::2], ends[1::2], strict=True))

    def uncleaned(self) -> Any:
        """The adjoints that must be cleared before a sweep, as pairs (index, count): those outside regions."""
        # Handlers of the interpreter add to adjoints and never clear them; see the invariant above.
        first = self.program.first
        found = [(0, first)]
        here = 0
        for region in self.regions:
            found.append((int(self.at[first + here]), region.start - here))
            here = region.stop
        if here < len(self.program.codes):
            found.append((int(self.at[first + here]), len(self.program.codes) - here))
        return np.array([(a, n) for a, n in found if n], np.int64)


# --- the stages that every plan has -------------------------------------------------------------


def _stages_module() -> Any:
    """The module of the functions below: clearing, reading results, the sequence of stages."""
    # These are in machine code, too, so that a whole run is one call that does not need the GIL.
    module = ir.Module()

    def function(name: str, fields: str) -> tuple[Any, dict[str, Any], Any]:
        f = ir.Function(module, CALLBACK, ENTRY + name)
        b = ir.IRBuilder(f.append_basic_block())
        a = {}
        for k, field in enumerate(fields.split()):
            x = load(b, I64, f.args[0], i64(k))
            a[field] = x if field in ("n", "root", "n_wanted", "n_sought", "again") else b.inttoptr(x, PTR)
        return b, a, f.args[0]

    # Clears the adjoints that no region clears, and seeds the root's with 1.
    b, a, _ = function("clear", "n root adjoints ranges")
    with loop(b, i64(0), a["n"]) as k:
        at = b.mul(k, i64(2))
        start, count = (load(b, I64, a["ranges"], x) for x in (at, b.add(at, i64(1))))
        with loop(b, i64(0), count) as m:
            store(b, constant(F64, 0.0), a["adjoints"], b.add(start, m))
    store(b, constant(F64, 1.0), a["adjoints"], a["root"])
    b.ret_void()

    # Copies results and gradients out. Adding 0.0 turns -0.0 into 0.0, as regions without strict zero do not
    # keep the sign of zeros; a NaN among the gradients calls `again`, unless that is 0.
    b, a, argument = function("read", "n_wanted wanted places results n_sought sought gradient values adjoints again")
    with loop(b, i64(0), a["n_wanted"]) as k:
        x = load(b, F64, a["values"], b.sext(load(b, I32, a["wanted"], k), I64))
        store(b, x, a["results"], b.sext(load(b, I32, a["places"], k), I64))
    nan = b.alloca(F64)
    b.store(constant(F64, 0.0), nan)
    with loop(b, i64(0), a["n_sought"]) as k:
        g = b.fadd(load(b, F64, a["adjoints"], b.sext(load(b, I32, a["sought"], k), I64)), constant(F64, 0.0))
        store(b, g, a["gradient"], k)
        b.store(b.select(b.fcmp_unordered("uno", g, g), g, b.load(nan, typ=F64)), nan)
    x = b.load(nan, typ=F64)
    is_nan = b.fcmp_unordered("uno", x, x)
    with b.if_then(b.and_(is_nan, b.icmp_signed("!=", a["again"], i64(0))), likely=False):
        b.call(b.inttoptr(a["again"], CALLBACK.as_pointer()), [argument])
    b.ret_void()

    # The argument is a count and then pairs of addresses: a stage's function and its block. All stages have one
    # signature, so a plan is data, and this loop is compiled once for all plans.
    b, a, argument = function("sequence", "n")
    with loop(b, i64(0), a["n"]) as k:
        at = b.add(b.mul(k, i64(2)), i64(1))
        stage = b.inttoptr(load(b, I64, argument, at), CALLBACK.as_pointer())
        b.call(stage, [b.inttoptr(load(b, I64, argument, b.add(at, i64(1))), PTR)])
    b.ret_void()
    return module


@cache
def _stages() -> dict[str, int]:
    names = ("clear", "read", "sequence")
    return dict(zip(names, addresses_of(_stages_module(), [ENTRY + name for name in names]), strict=True))


class PlanRunner:
    """Runs a plan; a `Runner` for a single example."""

    serves: Any = None
    is_native = True
    used, called = 0, False

    def __init__(self, plan: ExecutionPlan, layout: Layout) -> None:
        p = plan.program  # reordered; the layout's slots are those of the program before that, see `plan.place`
        self.plan, self.work = plan, len(p.operands)
        # With one example, gradients per example and sums over examples are the same numbers: one vector serves both.
        sought = [*(slot for group in layout.per_example for slot in group), *layout.summed]
        wanted, sent = (plan.place[list(slots)] for slots in (layout.wanted, sought))
        self._tables = tables = plan.tables(np.concatenate([wanted, sent]), gradient=layout.has_gradient)
        self.values = zeros(tables.size + PADDING)
        self.adjoints = self.values if tables.is_shared else zeros(plan.size + PADDING)
        # Once: no stage writes to constants.
        self.values[p.n_inputs : p.first] = p.constants
        self.values[tables.literal :][: len(tables.literals)] = tables.literals
        # Inputs are written straight into the array of values, through views; there is nothing to copy in a run.
        self.shared = self.values[: p.n_inputs]
        self.tables: list[Any] = []  # part of the interface of runners: a plan has no batch
        self.results, gradient = zeros((1, layout.width)), zeros(len(sought))
        ends = np.cumsum([0, *map(len, layout.per_example)]).tolist()
        self.per_example = [gradient[None, a:b] for a, b in pairwise(ends)]
        self.summed = gradient[ends[-1] :]
        self.divisor = np.ones(1)  # part of the interface of runners: there is one example, so nothing to divide by
        self._kept: list[Any] = [gradient]  # arrays whose addresses are in argument blocks
        self._again = called_back(self._run_again)  # a C function, as it is machine code that finds the NaN
        self._strict: Any = None
        self._stage, self._machine = _stages(), machine(1, fast=plan.fast)
        self._ends = [at.astype(np.int32) for at in (tables.values_at[wanted], tables.adjoints_at[sent])]
        self._uncleaned = plan.uncleaned()[: 0 if tables.replaces else None]
        self._places = np.array(layout.places, np.int32)
        self._gradient, self._backward = gradient, layout.has_gradient
        self._lines: list[Any] = self._line_blocks()
        forward = self._stages_forward()
        backward = self._stages_backward(strict_zero=False) if layout.has_gradient else []
        # Without regions a second sweep would give the same; and values may have gone by then.
        self.block = self._sequence([*forward, *backward, self._reading(again=bool(plan.regions))])
        self.bytes = sum(x.nbytes for x in (self.values, self.adjoints, *self._kept))
        self.hands = [None] * 3
        self._call = ctypes.CFUNCTYPE(None, ctypes.c_int64)(self._stage["sequence"])
        self.address, self.at = self._stage["sequence"], self.block.ctypes.data

    def run(self) -> None:
        """Run all stages in one call of machine code, without the GIL."""
        self._call(self.at)

    def _run_again(self, _: int) -> None:
        """Repeat the backward stages with strict zero; called when a gradient came out as NaN."""
        # Forward stages never leave a rare branch out, so their values stand. `again=False`: NaN is now the answer.
        if self._strict is None:
            self._strict = self._sequence([*self._stages_backward(strict_zero=True), self._reading(again=False)])
        self._call(self._strict.ctypes.data)

    def _line_blocks(self) -> list[Any]:
        """The argument blocks of each interpreted line, forward and backward; None for an empty line."""
        tables = self._tables
        blocks: list[Any] = []
        common = {"operands": tables.operands, "values": self.values}
        for (start, stop), line in zip(self.plan.lines(), tables.lines, strict=True):
            if start == stop:
                blocks.append(None)
                continue
            forward = block(
                FORWARD, n=line.calls, calls=tables.calls[line.call :], products=tables.products[line.product :],
                **common,
            )  # fmt: skip
            backward = block(
                BACKWARD, n=line.sends, calls=tables.sends[line.send :], edges=tables.edges[line.edge :],
                adjoints=self.adjoints, **common,
            )  # fmt: skip
            self._kept += [forward, backward]
            blocks.append((forward, backward))
        return blocks

    def _region_blocks(self, n_kept: Sequence[int]) -> list[Any]:
        """The argument block of each region's code, given how many vectors it keeps for later stages."""
        bodies = zip(self.plan.bodies, n_kept, strict=True)
        return [body.block(self.values, self.adjoints, n, self._kept) for body, n in bodies]

    def _stages_forward(self) -> list[tuple[int, Any]]:
        stages: list[tuple[int, Any]] = []
        # Compiled with the backward code where there is one: which results are stored depends on what it reads.
        codes = self.plan.functions(strict_zero=False, gradient=self._backward)
        blocks = self._region_blocks([0] * len(codes))  # forward code is one stage, so it keeps nothing
        # Line k comes before region k; one more line follows the last region.
        for k, line in enumerate(self._lines):
            if line is not None:
                stages.append((self._machine.forward, line[0]))
            if k < len(codes):
                stages.append((codes[k].forward, blocks[k]))
        return stages

    def _stages_backward(self, *, strict_zero: bool) -> list[tuple[int, Any]]:
        plan = self.plan
        root = int(self._tables.adjoints_at[plan.program.outputs[0]])
        fields = [len(self._uncleaned), root, self.adjoints.ctypes.data, self._uncleaned.ctypes.data]
        clear = np.array(fields, np.int64)
        self._kept.append(clear)
        stages: list[tuple[int, Any]] = [(self._stage["clear"], clear)]
        # The same stages in reverse. Handlers of lines have strict zero in any case, so only the regions'
        # code differs when a NaN asks for it.
        codes = plan.functions(strict_zero=strict_zero, gradient=True)
        blocks = self._region_blocks([code.n_kept for code in codes])
        for k in reversed(range(len(self._lines))):
            if k < len(codes):
                stages.append((codes[k].backward, blocks[k]))
            if self._lines[k] is not None:
                stages.append((self._machine.backward, self._lines[k][1]))
        return stages

    def _reading(self, *, again: bool) -> tuple[int, Any]:
        wanted, sought = self._ends
        n_sought = len(sought) if self._backward else 0
        back = ctypes.cast(self._again, ctypes.c_void_p).value if again and self._backward else 0
        fields = [
            len(wanted),
            *(x.ctypes.data for x in (wanted, self._places, self.results)),
            n_sought,
            sought.ctypes.data,
        ]
        fields += [self._gradient.ctypes.data, self.values.ctypes.data, self.adjoints.ctypes.data, back]
        block = np.array(fields, np.int64)
        self._kept.append(block)
        return self._stage["read"], block

    @staticmethod
    def _sequence(stages: Sequence[tuple[int, Any]]) -> Any:
        # The blocks' arrays are kept alive in `_kept`; here only their addresses are left.
        pairs = [x for function, block in stages for x in (function, block.ctypes.data)]
        return np.array([len(stages), *pairs], np.int64)
