"""Call stubs: a generated Python function per signature, which writes arguments where machine code reads them.

A call of a compiled function has to check the shapes and kinds of its arguments, take free memory, and build
results. Step by step that takes 30 us, where the code of a small function takes 0.05. So once there is machine
code, the steps that this signature needs are written out as one Python function;
`print(autograd_core._src.compiler.runtime.call_stubs.text(f))` shows it (docs/adr/0016).

A stub handles the ordinary cases, with checks that they fit: floats and ints, arrays, and lists and tuples that
NumPy reads as arrays. For everything else (Values, other shapes, examples that fail a guard, a captured constant
that has changed, more examples than one chunk) it returns MISS without having done anything, and the general path
takes over, which also has the error messages.

Memory comes from the shelf of free runners and goes back there; `list.pop` and `list.append` are atomic, so
threads never share a runner. At a single point, a stub calls a function with the memory's address compiled in, as
`bind` does. Over a batch the address is an argument, which takes 0.1 us more; otherwise each batch size would
need an LLVM module of its own. Means are divided by the machine code, too.
"""

from __future__ import annotations

from struct import error as StructError  # noqa: N812
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.pytrees import is_masked
from .batches import as_passed, tree_of, views
from .executors import CHUNK, clock
from .stub_text import KINDS, StubWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .executors import Runner
    from .specialization import Specialization
    from .traced_function import TracedFunction

    Stub = Callable[[tuple[Any, ...]], Any]

MISS: Any = object()
MOST_SIZES = 4096  # batch sizes whose shelves a stub remembers


class _Unfit(Exception):  # noqa: N818  no error that anybody sees
    """An argument that only the general path can handle."""


# OverflowError of too large an int; and what `numpy.seterr` raises, which the general path ignores.
FAILURES = (
    ValueError, TypeError, KeyError, IndexError, ArithmeticError, AttributeError, RuntimeWarning, StructError, _Unfit,
)  # fmt: skip


def as_array(x: Any) -> Any:
    """What NumPy makes of a list or a tuple of numbers, or of an array of another kind."""
    # NumPy would drop the mask, and read a Value or an object of the user's by whatever methods that has.
    if not isinstance(x, (list, tuple, np.ndarray)) or is_masked(x):
        raise _Unfit
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise _Unfit
    return array


def narrowed(x: Any) -> Any:
    """Convert to float32 by way of doubles, as everywhere: rounding once gives other bits than rounding twice."""
    with np.errstate(all="ignore"):  # beyond them infinite, and below them 0
        return np.asarray(as_array(x), float).astype(np.float32)


def total(column: Any) -> float:
    """The sum of all results, in the order in which NumPy adds those of an array of their own."""
    with np.errstate(all="ignore"):  # inf - inf
        return float(column.copy().sum(dtype=float))


def _none(_: tuple[Any, ...]) -> Any:
    """The stub of a call for which there is none."""
    return MISS


def _one_after_the_other(stubs: Sequence[Stub]) -> Stub:
    """The answer of the first that has one."""

    def stub(args: tuple[Any, ...]) -> Any:
        for mine in stubs:
            found = mine(args)
            if found is not MISS:
                return found
        return MISS

    return stub


class Stubs:
    """The stubs of one function, for each kind of call: what they answer, or MISS.

    Each trace has its own, tried in that order. Over a batch there is one, that of the first trace: a batch of
    which some examples take other branches goes the general way.
    """

    def __init__(self) -> None:
        self.values: Stub = _none
        self.value_and_grad: Stub = _none
        self.reduced: Stub = _none
        self.of_traces: dict[str, tuple[Stub, ...]] = dict.fromkeys(KINDS, ())
        self._shelves: dict[str, dict[int, list[Runner]]] = {kind: {} for kind in KINDS}

    def prepare(self, f: TracedFunction, kind: str, count: int, began: float) -> None:
        """After a call of that kind, make a stub for the next call with as many examples, if machine code serves it.

        Args:
            f: The function whose stubs these are.
            kind: One of KINDS.
            count: The batch size.
            began: When the call began, by this thread's `clock`.
        """
        if not 0 < count <= CHUNK or f._specializations[0].count(clock() - began):
            return
        if not all(spec.size for spec in f._specs):
            return
        # A new tuple each time, never one that grows: other threads may be trying its stubs. Two threads that prepare
        # at once make the same stubs, and one of the tuples is dropped.
        made = self.of_traces[kind]
        shelf: list[Runner] = []
        for k, specialization in enumerate(f._specializations[:1] if any(f._mapped) else list(f._specializations)):
            layout = f._layout(specialization, gradient=kind != "values")
            shelf = specialization.compiled_shelf(layout, count)
            # Stubs are a prefix of the traces. A point may suit several traces, and the first of them has to answer, as
            # on the general path; so a trace without machine code also hides those after it.
            if not shelf or not shelf[-1].is_native:
                break
            if k == len(made):
                made = (*made, self._made(f, specialization, kind, shelf))
        shelves = self._shelves[kind]
        if any(f._mapped) and made and shelf:
            # Only the way to the shelves is forgotten: `shelves[n]` is then a KeyError, a MISS, and the call prepares
            # it again.
            if len(shelves) >= MOST_SIZES:
                shelves.clear()
            shelves[count] = shelf
        if made != self.of_traces[kind]:
            self.of_traces[kind] = made
            setattr(self, kind, made[0] if len(made) == 1 else _one_after_the_other(made))

    def _made(self, f: TracedFunction, specialization: Specialization, kind: str, shelf: list[Runner]) -> Stub:
        # The parts of a runner, views above all, take longer to make than a small program to run; so each runner keeps
        # its own parts, in `hands`, from its first call by a stub on.
        writer = StubWriter(f, specialization, kind)
        text, taken, number = writer.text(), tuple(writer.taken.values()), KINDS.index(kind)

        def handed(runner: Any) -> tuple[Any, ...]:
            hands = runner.hands[number] = tuple(take(runner) for take in taken)
            return hands

        space: dict[str, Any] = {
            "MISS": MISS,
            "FAILURES": FAILURES,
            "ndarray": np.ndarray,
            "float64": np.float64,
            "dtype": f.dtype,
            "other": as_array if f.dtype == np.float64 else narrowed,
            "captured": f._captured,
            "shelf": shelf,
            "shelves": self._shelves[kind],
            "handed": handed,
            "total": total,
            "tree_of": tree_of,
            "views": views,
            "as_passed": as_passed,
            "__name__": __name__,
            **writer.names,
        }
        # One text instead of functions that call each other: each such call takes 0.05 us (docs/adr/0016).
        exec(compile(text, f"<stub of {f.__name__}>", "exec"), space)  # noqa: S102
        return space["stub"]  # type: ignore[no-any-return]


def text(f: TracedFunction, kind: str = "value_and_grad") -> str:
    """The text of a function's stub, to be read.

    Args:
        f: A compiled function.
        kind: "values", as a call has it, "value_and_grad" or "reduced".

    Returns:
        Python.

    Example:
        >>> import autograd_core as ag
        >>> f = ag.compile(lambda x: x * x, 1.0)
        >>> print(text(f, "values").splitlines()[2].strip())
        a0, = args
    """
    return StubWriter(f, f._specializations[0], kind).text()
