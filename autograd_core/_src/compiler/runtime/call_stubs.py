"""Call stubs: a generated Python function per signature, which writes arguments where machine code reads them.

A call of a compiled function has to check the shapes and kinds of its arguments, take free memory, and build
results. Step by step that takes 30 us, where the code of a small function takes 0.05. So once there is machine
code, the steps that this signature needs are written out as one Python function;
`print(autograd_core._src.compiler.runtime.call_stubs.text(f))` shows it (docs/adr/0016).

A stub handles the ordinary cases, with checks that they fit: floats and ints, arrays, and lists and tuples that
NumPy reads as arrays. For everything else (Values, other shapes, rows that fail a guard, a captured constant
that has changed, more rows than one chunk) it returns MISS without having done anything, and the general path
takes over, which also has the error messages.

Memory comes from the shelf of free runners and goes back there; `list.pop` and `list.append` are atomic, so
threads never share a runner. Without rows, a stub calls a function with the memory's address compiled in, as
`bind` does. With rows the address is an argument, which takes 0.1 us more; otherwise each number of rows would
need an LLVM module of its own. Means are divided by the machine code, too.
"""

from __future__ import annotations

import ctypes
from operator import attrgetter
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.pytrees import is_masked
from .batches import as_passed, shape_of, tree_of, views
from .bound_call import HELD, direct
from .executors import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...engine.pytrees import Spec
    from .executors import Runner
    from .specialization import Specialization
    from .traced_function import TracedFunction

    Stub = Callable[[tuple[Any, ...]], Any]

MISS: Any = object()
KINDS = ("values", "value_and_grad", "reduced")
SHORTEST, LONGEST = 16, 4096  # numbers of a list that is packed; a longer one takes time anyway
FEW_WRITTEN = 16  # guards that are tested one by one; and results that are read one by one
MOST_SIZES = 4096  # numbers of rows whose shelves a stub remembers
_KEEPING = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)  # an address is passed on faster than an int of 64 bits
_RELEASING = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

# Arguments are checked before `shelf.pop()`: until then nothing is taken, so a MISS undoes nothing. An empty shelf is
# an IndexError, and a MISS as well: other threads have all runners of this kind. After that only the runner's memory is
# written, which the next call overwrites; so a number that cannot be written, or a guard that does not hold, is still a
# MISS, and `finally` gives the runner back.
STUB = """\
def stub(args):
    try:
        {arguments}= args
{reading}
        if not captured.untouched():
            return MISS
        runner = shelf.pop()
    except FAILURES:
        return MISS
    try:
        {hands}= runner.hands[{number}] or handed(runner)
{writing}
        call({at})
{guards}
        return {result}
    except FAILURES:
        return MISS
    finally:
        runner.called = True
        shelf.append(runner)
"""


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


class StubWriter:
    """Writes the text of one stub.

    Attributes:
        taken: What the stub takes from a runner, by the names it has for it.
    """

    def __init__(self, f: TracedFunction, specialization: Specialization, kind: str) -> None:
        self.f, self.specialization, self.kind = f, specialization, kind
        self.has_rows = any(f._mapped)
        self.names: dict[str, Any] = {}
        # With rows the address of the runner's block is an argument, since one function serves all numbers of rows.
        self.taken: dict[str, Callable[[Runner], Any]] = {"call": _entry if self.has_rows else direct}
        if self.has_rows:
            divides = kind != "values" and f._reduce == "mean"
            self.taken["at"] = attrgetter("at_means" if divides else "at")
        self.reading: list[str] = []
        self.writing: list[str] = []
        self._counted = False

    def text(self) -> str:
        """The stub's text."""
        f, tables = self.f, 0
        names = [f"a{i}" for i in range(len(f._specs))]
        for name, spec, slots, mapped in zip(names, f._specs, f._slots, f._mapped, strict=True):
            # A mapped argument has a table of its own, whose columns begin at 0. All others share one row of slots.
            if mapped:
                self._read(name, spec, 0, tables)
                tables += 1
            else:
                self._read(name, spec, slots.start, None)
        if self.has_rows:
            self.reading.append("shelf = shelves[n]")
        result, guards = self._result(), self._guards()
        return STUB.format(
            arguments="".join(f"{name}, " for name in names) or "[] ",
            reading=_indented(self.reading),
            hands="".join(f"{name}, " for name in self.taken),
            number=KINDS.index(self.kind),
            writing=_indented(self.writing),
            guards=_indented(guards),
            result=result,
            at="at" if self.has_rows else "",
        )

    # --- arguments ---

    def _read(self, name: str, spec: Spec, start: int, table: int | None) -> None:
        """Check an argument, and write it where the runner reads it: to columns of a table, or to slots."""
        shape = shape_of(spec, bare=True)
        if shape is None:
            self._read_parts(name, spec, start, table)
        elif shape == () and table is None:
            # Classes, not isinstance: what a subclass is when it is read is not known here.
            one = f"{name}.__class__ is not float and {name}.__class__ is not int and {name}.__class__ is not float64"
            self.reading += [f"if {one}:", "    return MISS"]
            # Elements are read and written through memoryviews: that takes a tenth of NumPy's time, and gives plain
            # floats.
            self.taken["shared"] = lambda r: memoryview(r.shared)
            self.writing.append(f"shared[{start}] = {name}")
        else:
            self._read_array(name, shape, start, spec.size, table)

    def _read_parts(self, name: str, spec: Spec, start: int, table: int | None) -> None:
        """Read a dict or a list of several kinds; with rows only a dict, as lists might be lists of rows."""
        parts = [f"{name}_{k}" for k in range(len(spec.children))]
        if spec.kind == "dict":
            # So many entries and every key: so there is no further one. A key that is missing is a KeyError, which is a
            # MISS.
            self.reading += [f"if {name}.__class__ is not dict or len({name}) != {len(parts)}:", "    return MISS"]
            for k, (part, key) in enumerate(zip(parts, spec.about, strict=True)):
                self.names[f"key_{part}"] = key
                self.reading.append(f"{parts[k]} = {name}[key_{part}]")
        elif table is not None:
            self.reading.append("return MISS")
        else:
            self.reading += [f"if not isinstance({name}, (list, tuple)):", "    return MISS"]
            # Unpacking also counts: too many or too few are a ValueError.
            self.reading.append(f"{', '.join(parts)}, = {name}" if parts else f"[] = {name}")
        for part, child in zip(parts, spec.children, strict=True):
            self._read(part, child, start, table)
            start += child.size

    def _read_array(self, name: str, shape: tuple[int, ...], start: int, size: int, table: int | None) -> None:
        self.names["shape_" + name] = shape
        is_packed = table is None and shape == (size,) and SHORTEST <= size <= LONGEST and self.f.dtype == np.float64
        if is_packed:
            # Three times faster than NumPy reads it. Of Values, NumPy's numbers and the like the sum is no plain float.
            self.names[f"pack_{name}"] = Struct(f"{size}d").pack_into
            is_list = f"{name}.__class__ is list and len({name}) == {size} and {name}[0].__class__ is float"
            self.reading += [f"listed_{name} = {is_list} and sum({name}).__class__ is float", f"if not listed_{name}:"]
        within = "    " if is_packed else ""
        reading = [
            f"if {name}.__class__ is not ndarray or {name}.dtype is not dtype:",
            f"    {name} = other({name})",
        ]
        if table is None:
            reading += [f"if {name}.shape != shape_{name}:", "    return MISS"]
            self.reading += [within + line for line in reading]
            self.taken[f"to_{name}"] = lambda r: r.shared[start : start + size].reshape(shape)
            if is_packed:
                self.writing += [f"if listed_{name}:", f"    pack_{name}(to_{name}, 0, *{name})", "else:"]
            self.writing.append(f"{within}to_{name}[...] = {name}")
            return
        # The first table says how many rows there are; all others are held to that by their shapes.
        self.reading += reading
        if not self._counted:
            self._counted = True
            self.reading.append(f"n = len({name})")
        wanted = "".join(f", {k}" for k in shape)
        self.reading += [f"if {name}.shape != (n{wanted or ','}):", "    return MISS"]
        self.taken[f"to_{name}"] = lambda r: r.tables[table][:, start : start + size].reshape(-1, *shape)
        self.writing.append(f"to_{name}[...] = {name}")

    # --- results ---

    def _guards(self) -> list[str]:
        """Test whether all rows took the traced branch."""
        # In each row of results the outcomes of the guards stand behind the values (`TracedFunction._layout_of`).
        width, truths = self.specialization.width, self.specialization.program.truths
        if not len(truths):
            return []
        # A comparison by NumPy takes microseconds, a test that is written out some nanoseconds.
        if not self.has_rows and len(truths) <= FEW_WRITTEN:
            self._take_out()
            wrong = " or ".join(f"{'not ' if truth else ''}out[{width + k}]" for k, truth in enumerate(truths.tolist()))
            return [f"if {wrong}:", "    return MISS"]
        self.names["truths"] = truths
        self.taken["guards"] = lambda r: r.results[:, width:]
        return ["if not ((guards != 0) == truths).all():", "    return MISS"]

    def _take_out(self) -> None:
        self.taken["out"] = lambda r: memoryview(r.results[0])

    def _result(self) -> str:
        """What the call returns."""
        # Everything that is returned is copied: the runner goes back to the shelf, and the next call overwrites it.
        # Results of all traces have the shape of the first one's (`same_shape`), so its specification serves them all.
        f, width = self.f, self.specialization.width
        spec = f._specializations[0].spec
        if self.has_rows:
            values = self._of_rows("values", spec, lambda r: r.results[:, :width])
        elif spec.kind == "leaf":
            self._take_out()
            values = "out[0]"
        else:
            values = self._tree("values", spec, lambda r: r.results[0, :width])
        if self.kind == "values":
            return values
        grads = "".join(f"{g}, " for g in self._gradients())
        if self.kind == "value_and_grad":
            return f"{values}, ({grads})"
        self.taken["column"] = lambda r: r.results[:, :width]
        return f"total(column){' / n' if f._reduce == 'mean' and self.has_rows else ''}, ({grads})"

    def _gradients(self) -> list[str]:
        f, start, group, found = self.f, 0, 0, []
        for i in f._argnums:
            spec, name = f._specs[i], f"g{i}"
            if f._is_summed(i):
                found.append(self._summed(name, spec, start))
                start += spec.size
            else:
                found.append(self._per_row(name, spec, group))
                group += 1
        return found

    def _summed(self, name: str, spec: Spec, start: int) -> str:
        """The gradient with respect to a shared argument, summed over the rows."""
        # Sums of all summed arguments lie one after the other, in the order of `argnums`.
        part = slice(start, start + spec.size)
        return self._as_passed(name, spec, lambda r: r.summed[part])

    def _per_row(self, name: str, spec: Spec, group: int) -> str:
        if not self.has_rows:
            return self._as_passed(name, spec, lambda r: r.per_row[group][0])
        mean = " / n" if self.kind == "reduced" and self.f._reduce == "mean" else ""
        return self._of_rows(name, spec, lambda r: r.per_row[group], mean)

    def _as_passed(self, name: str, spec: Spec, numbers: Callable[[Runner], Any]) -> str:
        """A fresh gradient in the containers that were passed, as `batches.as_passed` has it."""
        tree, shape, given = self._tree(name, spec, numbers), shape_of(spec, bare=True), f"a{name[1:]}"
        if shape is None:
            # Only containers of several kinds are put together by recursion; the rest is one call of NumPy's.
            return f"as_passed({given}, {tree})"
        if spec.kind in {"leaf", "array"}:
            return tree
        self.reading.insert(0, f"passed_{given} = isinstance({given}, ndarray)")  # before it is read as an array
        self.taken[f"array_{name}"] = lambda r: numbers(r).reshape(shape)
        return f"{self._fresh(f'array_{name}')} if passed_{given} else {tree}"

    def _fresh(self, name: str) -> str:
        return f"{name}.copy()" if self.f.dtype == np.float64 else f"{name}.astype(float)"

    def _tree(self, name: str, spec: Spec, numbers: Callable[[Runner], Any]) -> str:
        """A fresh tree of floats, as `batches.tree_of` makes it."""
        shape = shape_of(spec)
        if spec.kind == "leaf":
            self.taken[name] = lambda r: memoryview(numbers(r))
            return f"{name}[0]"
        if spec.kind == "array":
            self.taken[name] = lambda r: numbers(r).reshape(shape)
            return self._fresh(name)
        if shape is not None and _is_nested_lists(spec):
            self.taken[name] = lambda r: numbers(r).reshape(shape)
            return f"{name}.tolist()"
        self.taken[name] = numbers
        self.names[f"spec_{name}"] = spec
        return f"tree_of(spec_{name}, {name})"

    def _of_rows(self, name: str, spec: Spec, columns: Callable[[Runner], Any], divided: str = "") -> str:
        """A fresh tree of arrays, rows first, as `batches.views` makes it."""
        shape = shape_of(spec)
        # A quotient is a fresh array as it is.
        fresh = f"({name}{divided})" if divided else f"{name}.copy()"
        if shape is not None:
            self.taken[name] = lambda r: columns(r).reshape(-1, *shape) if spec.size else columns(r)
            return fresh if spec.size else f"views(spec_{name}, {fresh}, rows=True)"
        self.taken[name] = columns
        self.names[f"spec_{name}"] = spec
        return f"views(spec_{name}, {fresh}, rows=True)"


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"        {line}" for line in lines) or "        pass"


def _is_nested_lists(spec: Spec) -> bool:
    return spec.kind == "leaf" or (spec.kind == "list" and all(map(_is_nested_lists, spec.children)))


def _entry(runner: Any) -> Any:
    """The machine code that a runner calls; it holds the GIL if that takes less time than releasing it."""
    return (_KEEPING if runner.work < HELD else _RELEASING)(runner.address)


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

    Each trace has its own, tried in that order. Functions with rows have one, that of the first trace: rows that
    part go the general way.
    """

    def __init__(self) -> None:
        self.values: Stub = _none
        self.value_and_grad: Stub = _none
        self.reduced: Stub = _none
        self.of_traces: dict[str, tuple[Stub, ...]] = dict.fromkeys(KINDS, ())
        self._shelves: dict[str, dict[int, list[Runner]]] = {kind: {} for kind in KINDS}

    def prepare(self, f: TracedFunction, kind: str, count: int) -> None:
        """After a call of that kind, make a stub for the next call with as many rows, if machine code serves it.

        Args:
            f: The function whose stubs these are.
            kind: One of KINDS.
            count: How many rows there were.
        """
        if not 0 < count <= CHUNK or not all(spec.size for spec in f._specs):
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
