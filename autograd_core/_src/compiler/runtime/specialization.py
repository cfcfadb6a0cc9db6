"""One trace of a function, and what runs its program, of which `compiles` and `runner` choose.

- The interpreter needs no compiling: first calls, and whatever is too long for the others.
- Straight-line code of the whole program (`kernel`): short programs.
- Code with loops over equal copies (`rolled_kernel`): long programs that repeat themselves, over a batch.
- An execution plan, regions as loops and the rest interpreted: long programs at a single point.

Which of them runs is a matter of time alone: all give the same bits where they may take turns (docs/adr/0014).
"""

from __future__ import annotations

import math
from contextlib import nullcontext, suppress
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.pytrees import Spec
from ...number_systems.source import is_exact
from ..locks import compiling
from ..passes.batch_invariant import split
from ..tracing.record import Traced
from .executors import InterpreterRunner, KernelRunner, SharedPart, interpreter_of, processors
from .kept_executors import Shelf
from .memory import LANES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..codegen.llvm.kernel import Kernel
    from ..codegen.llvm.rolled_kernel import RolledKernel
    from ..ir.layout import Layout
    from ..ir.program import Program
    from ..passes.batch_invariant import Split
    from .executors import Runner

MOST_EDGES = 6_000  # edges that straight-line code may have: LLVM takes seconds for them, and more than linear time
MOST_AT_HAND = 400  # edges of programs so small that straight-line code is made of them in any case
MOSTLY = 0.5  # share of a program that lies in regions, from which on it runs as a plan
ROLLED_SHORT, ROLLED_LONG = 8, 2  # loops are used if they make code so many times shorter: short programs', long ones'
# A model of what it costs to compile, fitted to measurements; only the moment at which calls change over depends on it.
EDGE_SECONDS = 3e-10  # to interpret, per edge and example
COMPILE_SECONDS, COMPILE_EDGE_SECONDS = 0.009, 2e-4  # to compile a program: a fixed part, and per edge
SQUARE_SECONDS, SUM_SECONDS = 6e-8, 4e-4  # added to that: per square of the edges, and per sum over a batch
VALUE_SHARE = 0.5  # of that time, where no gradient is asked for
ROLLED_EDGE_SECONDS, FOLD_SECONDS = 2.6e-4, 8e-6  # code with loops: per edge that is written, and per edge at all
PATIENCE = 1.0  # compile once interpreting took so many times the compile time; infinity: never, nor load from disk
PLAN_SECONDS, PLAN_EDGE_SECONDS = 0.002, 1e-7  # to seek the regions of a plan
REGION_EDGE_SECONDS = 6e-4  # to compile one, per edge


@cache  # so that later calls do not wait while another thread compiles
def _imported() -> tuple[type[Kernel], type[RolledKernel], Callable[[Program], int]]:
    """What writes machine code, which the first calls do without."""
    with compiling:  # a child forked during an import would wait for ever
        from ..codegen.llvm.kernel import Kernel
        from ..codegen.llvm.rolled_kernel import RolledKernel
        from ..codegen.llvm.segments import edges_written

    return Kernel, RolledKernel, edges_written


class Specialization:
    """One trace: its program and the runners made for it. It is valid for examples at which its guards hold."""

    def __init__(self, traced: Traced, *, fast: bool, dtype: str) -> None:
        self._fast, self._dtype = fast, dtype
        self.program, self.spec, self.guards, places, self.pattern, self.constant_leaves = traced
        self.width = self.spec.size
        # Guards are results like others, behind those of each example: one memory tells whether a run was valid.
        self.wanted = tuple(np.concatenate([self.program.outputs, self.program.guards]).tolist())
        outputs = range(len(self.program.outputs)) if places is None else places.tolist()
        self.places = (*outputs, *range(self.width, self.width + len(self.guards)))
        self.interpreter = interpreter_of(self.program, fast=fast, dtype=dtype)
        self.seconds = 0.0  # spent in interpreted calls so far
        self._latest = -1.0  # seconds of the last run if that was interpreted; below 0 if not
        self._besides = math.inf  # the fewest seconds that a call took besides its run
        self._waiting: tuple[Layout | None, float] = None, 0.0  # runs of a layout are interpreted for so many seconds
        self._kernels: dict[Any, Any] = {}
        self._makers: dict[Any, Thread] = {}  # of kernels that are made while calls go on being interpreted
        self._asked: dict[Layout, bool] = {}  # whether code was on disk
        self._parts: dict[Layout, Split | None] = {}
        self._plan: Any = None
        self._wide: bool | None = None
        self._exact: bool | None = None
        self._interpreters: dict[Layout, tuple[Any, Any]] = {}
        self._written: dict[Layout, int] = {}
        self._free: Shelf[Runner] = Shelf()

    def flat(self) -> Traced:
        """The same trace with its results as one vector."""
        spec = Spec("array", (), (len(self.program.outputs),))
        return Traced(self.program, spec, self.guards, None, self.pattern, self.constant_leaves)

    def kernel(self, layout: Layout) -> Any:
        """The compiled code of the whole program for this layout."""
        key = layout, LANES if layout.tables else 1
        # If a thread is making this kernel, wait for it rather than compile it twice.
        if key in self._makers:
            self._makers[key].join()
        if key not in self._kernels:
            self._kernels[key] = self._made_kernel(*key, compiles=True)
            self._waiting = None, 0.0
        return self._kernels[key]

    def _made_meanwhile(self, layout: Layout) -> bool:
        """Whether a kernel is ready; at first request, a thread begins to make it, and calls go on without.

        LLVM releases the GIL while it compiles, so calls go on undisturbed where there are two processors. A process
        that ends waits for the thread, since LLVM must not be unloaded while it works. A forked child has no such
        thread, and nothing was made; then, as after a failure, `kernel` does the work, and raises. So it does where
        there is one processor: a thread would take its time from the calls, which would be interpreted for longer.
        """
        key = layout, LANES if layout.tables else 1
        if key not in self._makers and PATIENCE > 0 and processors() > 1:

            # What goes wrong is not lost: the kernel is not there then, and `kernel` makes it again, where the error is
            # raised.
            def make() -> None:
                with suppress(Exception):
                    self._kernels[key] = self._made_kernel(*key, compiles=True)

            thread = Thread(target=make, name="autograd-core compiles")
            try:
                thread.start()
            except RuntimeError:  # no thread can be had, as where the process ends
                return True
            self._makers[key] = thread
        return key not in self._makers or not self._makers[key].is_alive()

    def _made_kernel(self, layout: Layout, rows: int, *, compiles: bool) -> Kernel:
        straight, rolled, _ = _imported()
        make = rolled if self.is_rolled(layout) else straight
        parts = self.parts(layout)
        return make(
            self.program, layout, rows, fast=self._fast, dtype=self._dtype, parts=parts, compiles=compiles
        )

    def is_rolled(self, layout: Layout) -> bool:
        """Whether code over a batch has loops for equal copies: where that is far shorter than straight lines."""
        n = len(self.program.operands)
        # At a single point a plan has the loops. Short programs stay straight lines, in which nothing is read by index.
        if not layout.tables or n <= MOST_AT_HAND or self.interpreter.backend != "llvm":
            return False
        written = self._edges_written(layout)
        return written <= MOST_EDGES and written * (ROLLED_SHORT if self.is_short else ROLLED_LONG) <= n

    def _edges_written(self, layout: Layout) -> int:
        """How many edges the code with loops has: copies count once; what all examples share is a straight line."""
        if layout not in self._written:
            edges_written = _imported()[2]
            parts = self.parts(layout)
            shared = 0 if parts is None else len(parts.first.operands)
            self._written[layout] = shared + edges_written(self.program if parts is None else parts.rest)
        return self._written[layout]

    def has_kept_kernel(self, layout: Layout) -> bool:
        """Whether code of the whole program was on disk at first request; if so, it has been loaded."""
        if layout not in self._asked:
            rows = LANES if layout.tables else 1
            self._asked[layout] = self._load(layout, rows)
        return self._asked[layout]

    def _load(self, layout: Layout, rows: int) -> bool:
        if not (self.is_short or self.is_rolled(layout)) or self.is_planned(layout):
            return False
        try:
            found = self._made_kernel(layout, rows, compiles=False)
        except LookupError:
            return False
        self._kernels[layout, rows] = found
        return True

    def parts(self, layout: Layout) -> Split | None:
        """The program split by what is shared; None if nothing is, or if gradients keep the order of `backward()`."""
        if layout not in self._parts:
            self._parts[layout] = split(self.program, layout) if self._fast else None
        return self._parts[layout]

    @property
    def is_short(self) -> bool:
        """Whether straight-line code of the whole program is of moderate length, and worth having."""
        return len(self.program.operands) <= MOST_EDGES and not self._is_wide

    @property
    def _is_wide(self) -> bool:
        """Whether most edges lead to nodes of so many operands that their rules are read as loops.

        Kept by hand: the `cached_property` of Python 3.11 holds a lock of its own, which a forked child may find held.
        """
        if self._wide is None:
            p, edges = self.program, len(self.program.operands)
            lists = np.array([primitive.lists for primitive in p.primitives], np.int32)[p.codes]
            wide = p.counts[(lists > 0) & (p.counts >= MOST_AT_HAND // 4)]
            self._wide = edges > MOST_AT_HAND and int(wide.sum()) > MOSTLY * edges
        return self._wide

    @property
    def plan(self) -> Any:
        """The program cut into regions, made at first request."""
        if self._plan is None:
            from ..codegen.llvm.execution_plan import ExecutionPlan

            self._plan = ExecutionPlan(self.program, fast=self._fast)
        return self._plan

    def has_regions(self, layout: Layout) -> bool:
        """Whether regions run it when it is compiled, which depends on the program and not on earlier calls.

        Regions add gradients up in an order of their own, so they are not used where gradients keep the order of
        `backward()`, nor over a batch, where an example must give the same bits as alone. They compute in doubles only.
        """
        if layout.tables or self._dtype != "float64" or self.interpreter.backend != "llvm":
            return False
        if not self.plan.regions or (layout.has_gradient and not self._fast):
            return False
        return self.plan.share > MOSTLY or not self.is_short

    def is_planned(self, layout: Layout) -> bool:
        """Whether it runs as a plan: with regions, or long and without any, as a plan prepares a call only once."""
        if self.is_short or layout.tables or self._dtype != "float64":
            return self.has_regions(layout)
        return self.has_regions(layout) or not self.plan.regions

    def runner(self, layout: Layout, count: int, *, compiled: bool) -> Runner:
        """Memory for a batch of that size, with the code that runs on it."""
        if compiled and self.is_planned(layout):
            from ..codegen.llvm.execution_plan import PlanRunner

            return PlanRunner(self.plan, layout)
        if compiled and (self.is_short or self.is_rolled(layout)):
            return KernelRunner(self.kernel(layout), count)
        # What all examples share runs once in an interpreter of its own, and not in each of the lanes.
        parts = self.parts(layout)
        if parts is None:
            return InterpreterRunner(self.interpreter, layout, count)
        if layout not in self._interpreters:
            both = (interpreter_of(p, fast=self._fast, dtype=self._dtype) for p in (parts.first, parts.rest))
            self._interpreters[layout] = tuple(both)
        first, rest = self._interpreters[layout]
        return InterpreterRunner(rest, layout, count, SharedPart(parts, layout.summed, first))

    def run(
        self, layout: Layout, shared: Any, tables: Sequence[Any], into: tuple[Any, Sequence[Any]] | None = None
    ) -> Runner:
        """Run, and return the runner: `give_back` it when its results and gradients are read.

        It is interpreted until that has taken as long as compiling would, and while a thread compiles: both give the
        same bits. Regions that call the vector library or add up a gradient give others, so a program that has such is
        compiled before its first run (`compiles`).

        Args:
            layout: The inputs and results.
            shared: What all examples share.
            tables: The other arguments, examples first.
            into: Of a trace without guards: arrays for the results, and for the gradients per example. Whether they
                stand in the runner as well is not said.
        """
        count = len(tables[0]) if tables else 1
        compiled = self.compiles(layout)
        # The batch size belongs to the key, since memory is made for it; `compiled` too, as the first compiled call
        # must not get an interpreter from the shelf.
        key = layout, count, compiled
        runner = self._free.take(key)
        if runner is None:
            runner = self.runner(layout, count, compiled=compiled)
            runner.serves = key
            self._free.made(runner)
        self._latest = -1.0
        if into is not None and isinstance(runner, KernelRunner):
            self.fill(runner, shared, ())
            if runner.run_in_place(tables, *into):
                return runner
        self.fill(runner, shared, tables)
        runner.run()
        if isinstance(runner, InterpreterRunner):
            self._latest = runner.seconds
            self.seconds += runner.seconds
        if into is not None:
            into[0][:] = runner.results[:, : self.width]
            for group, rows in zip(into[1], runner.per_example, strict=True):
                group[:] = rows
        return runner

    def count(self, seconds: float) -> bool:
        """Add to `seconds` what a call took besides its run, if that was interpreted: a compiled one takes less.

        Args:
            seconds: The call's duration in the thread that made it.

        Returns:
            Whether it was interpreted.
        """
        if self._latest < 0:
            return False
        besides, is_first = seconds - self._latest, math.isinf(self._besides)
        # The first call and some later ones load what they need, as a compiled one would: that does not count.
        self._besides = min(self._besides, besides)
        self.seconds += 0.0 if is_first else min(besides, 2 * self._besides)
        return True

    def compiles(self, layout: Layout) -> bool:
        """Whether machine code made for this program runs it."""
        # Asked at each interpreted call: the answer must not take as long as a small run.
        waiting, until = self._waiting
        if layout is waiting and self.seconds <= PATIENCE * until:
            return False
        if self.interpreter.backend != "llvm":
            return False
        # From the surest to the dearest question. A program whose bits do not depend on who runs it may wait for its
        # code; one with regions whose bits may differ is compiled before its first call, so that all calls agree
        # (docs/adr/0014).
        if self._is_exact(layout):
            return self.seconds > PATIENCE * self._plan_seconds()
        if self._fast and self.has_regions(layout):
            return True
        if math.isinf(PATIENCE):
            return False
        if (layout, LANES if layout.tables else 1) in self._kernels:  # made for a bound call
            return True
        if self.has_kept_kernel(layout):
            return True
        price = self._compile_seconds(layout)
        if self.seconds <= PATIENCE * price:
            self._waiting = layout, price
            return False
        return self.is_planned(layout) or self._made_meanwhile(layout)

    def _is_exact(self, layout: Layout) -> bool:
        """Whether the values of a long program have the same bits as a plan and interpreted.

        Then a first call need not wait for the plan: not even for its regions, where no function is called at all,
        and else not for their code.
        """
        if self.is_short or layout.has_gradient or layout.tables or self._dtype != "float64":
            return False
        exact = self._exact
        if exact is None:
            exact = self._exact = all(map(is_exact, self.program.primitives)) or self.plan.is_interpreted_alike
        return exact

    def _plan_seconds(self) -> float:
        """About how long a plan takes to be made: its regions, if they have not been sought, and their code."""
        if self._plan is None:
            return PLAN_SECONDS + PLAN_EDGE_SECONDS * len(self.program.operands)
        return COMPILE_SECONDS + REGION_EDGE_SECONDS * float(self._plan.edges_written)

    def _compile_seconds(self, layout: Layout) -> float:
        """About how long machine code takes to be made: so long it is interpreted first.

        Whoever calls n times waits at most about twice as long as with the better choice for that n.
        """
        # Estimates from the number of edges, as a measurement would need the code. Straight-line code of long programs
        # takes LLVM more than linear time: it is not made at all (infinity).
        n = len(self.program.operands)
        if self.is_planned(layout):
            return self._plan_seconds()
        if self.is_rolled(layout):
            seconds = ROLLED_EDGE_SECONDS * self._edges_written(layout) + FOLD_SECONDS * n
        elif self.is_short:
            seconds = COMPILE_EDGE_SECONDS * n + SQUARE_SECONDS * n * n + SUM_SECONDS * len(layout.summed)
        else:
            return math.inf
        return COMPILE_SECONDS + (seconds if layout.has_gradient else VALUE_SHARE * seconds)

    def compiled_shelf(self, layout: Layout, count: int) -> list[Runner]:
        """The free runners of machine code for this batch size; an empty list if there are none."""
        return self._free.of((layout, count, True)) if self.compiles(layout) else []

    def give_back(self, runner: Runner) -> None:
        """Keep a runner for the next run with as many examples."""
        self._free.put(runner)

    def as_traced(self, runner: Runner) -> Any:
        """For each example and guard, whether it has the traced outcome."""
        return (runner.results[:, self.width :] != 0) == self.program.truths

    def fill(self, runner: Runner, shared: Any, tables: Sequence[Any]) -> None:
        """Write the inputs; doubles beyond floats are infinite, and below them 0, whatever NumPy is to say of it."""
        with np.errstate(all="ignore") if self._dtype == "float32" else nullcontext():
            runner.shared[:] = shared
            for table, rows in zip(runner.tables, tables, strict=False):
                table[:] = rows

    def named_guard(self, k: int) -> str:
        """Describe a guard that does not hold."""
        was, now = ("true", "false") if self.program.truths[k] else ("false", "true")
        return f"{self.guards[k]} was {was} while tracing and is {now}"
