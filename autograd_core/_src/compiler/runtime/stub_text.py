"""The text of a call stub: reads and checks the arguments of one signature, calls the machine code, builds the results.

`StubWriter` goes through the specifications of the arguments and of the result once, and writes a line for each thing
that a call has to do; what these lines need of a runner, and of Python, it collects by name (docs/adr/0016).
"""

from __future__ import annotations

import ctypes
from operator import attrgetter
from struct import Struct
from typing import TYPE_CHECKING, Any

import numpy as np

from .batches import shape_of
from .bound_call import HELD, direct

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...engine.pytrees import Spec
    from .executors import Runner
    from .specialization import Specialization
    from .traced_function import TracedFunction

KINDS = ("values", "value_and_grad", "reduced")
SHORTEST = 16  # numbers of a list from which on it is packed
FLOAT = np.dtype(float)  # of results at a single point, whatever the function computes in
IN_PLACE = 2**15  # numbers an array has, on average, from which on its address is passed sooner than it is copied
FEW_WRITTEN = 16  # guards that are tested one by one, and parts of a result that are read one by one
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
{in_place}
{copying}
        call({at})
{guards}
{fetching}
        return {result}
    except FAILURES:
        return MISS
    finally:
        runner.called = True
        shelf.append(runner)
"""


class StubWriter:
    """Writes the text of one stub.

    Attributes:
        taken: What the stub takes from a runner, by the names it has for it.
    """

    def __init__(self, f: TracedFunction, specialization: Specialization, kind: str) -> None:
        self.f, self.specialization, self.kind = f, specialization, kind
        self.has_rows = any(f._mapped)
        self.names: dict[str, Any] = {}
        # Over a batch the address of the runner's block is an argument, since one function serves all batch sizes.
        self.taken: dict[str, Callable[[Runner], Any]] = {"call": _entry if self.has_rows else direct}
        if self.has_rows:
            divides = kind != "values" and f._reduce == "mean"
            self.taken["at"] = attrgetter("at_means" if divides else "at")
        self.reading: list[str] = []
        self.writing: list[str] = []
        self.copying: list[str] = []  # of what is batched
        self._tables: list[tuple[str, int]] = []  # names and columns
        self._sums: dict[int, str] = {}  # by argument, what gives its gradient if that is summed over the examples
        self.fetching: list[str] = []
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
        in_place = [] if guards else self._in_place()
        return STUB.format(
            arguments="".join(f"{name}, " for name in names) or "[] ",
            reading=_indented(self.reading),
            hands="".join(f"{name}, " for name in self.taken),
            number=KINDS.index(self.kind),
            writing=_indented(self.writing),
            in_place=_indented(in_place),
            copying=_indented(self.copying),
            guards=_indented(guards),
            fetching=_indented(self.fetching),
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
        """Read a dict or a list of several kinds; over a batch only a dict, as lists might be lists of examples."""
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
        is_packed = table is None and shape == (size,) and size >= SHORTEST and self.f.dtype == np.float64
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
        # The first table has the batch size; all others must have it, too.
        self.reading += reading
        if not self._counted:
            self._counted = True
            self.reading.append(f"n = len({name})")
        wanted = "".join(f", {k}" for k in shape)
        self.reading += [f"if {name}.shape != (n{wanted or ','}):", "    return MISS"]
        self.taken[f"to_{name}"] = lambda r: r.tables[table][:, start : start + size].reshape(-1, *shape)
        self.copying.append(f"to_{name}[...] = {name}")
        self._tables.append((name, size))

    # --- results ---

    def _in_place(self) -> list[str]:
        """Run a whole number of blocks on the arguments and on fresh results, where they lie: nothing is copied."""
        f, layout = self.f, self.f._layout(self.specialization, gradient=self.kind != "values")
        # A table of several arguments, as a dict has, has to be put together, and means are yet to be divided.
        if not self.has_rows or len(self._tables) != len(layout.tables) or self.kind == "reduced":
            return []
        with_gradient = self.kind != "values"
        groups = [i for i in f._argnums if with_gradient and not f._is_summed(i)]
        spec = f._specializations[0].spec
        made = [("values", spec), *((f"g{i}", f._specs[i]) for i in groups)]
        columns = sum(size for _, size in self._tables) + sum(spec.size for _, spec in made)
        if not columns:
            return []
        self.names["empty"] = f._memory.empty  # no reference to the function, which would make a cycle
        found = {name: self._shaped(name, f"new_{name}", spec) for name, spec in made}
        given = [self._sums[i] if f._is_summed(i) else found[f"g{i}"] for i in f._argnums if with_gradient]
        grads = "".join(f"{g}, " for g in given)
        tables = "".join(f"{name}.reshape(n, {size}), " for name, size in self._tables)
        means = with_gradient and f._reduce == "mean"
        return [
            f"if n >= {-(-IN_PLACE * (len(self._tables) + len(made)) // columns)}:",
            *(f"    new_{name} = empty((n, {spec.size}), dtype)" for name, spec in made),
            f"    per_example = ({''.join(f'new_g{i}, ' for i in groups)})",
            f"    if runner.run_in_place(({tables}), new_values, per_example, means={means}):",
            f"        return {found['values']}{f', ({grads})' if with_gradient else ''}",
        ]

    def _shaped(self, name: str, array: str, spec: Spec) -> str:
        """Rows of numbers as a tree of arrays."""
        shape = shape_of(spec)
        if shape is not None and spec.size:
            return f"{array}.reshape{(-1, *shape)}"
        self.names[f"spec_{name}"] = spec
        return f"views(spec_{name}, {array}, rows=True)"

    def _guards(self) -> list[str]:
        """Test whether all examples took the traced branch."""
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
                self._sums[i] = found[-1]
                start += spec.size
            else:
                found.append(self._per_row(name, spec, group))
                group += 1
        return found

    def _summed(self, name: str, spec: Spec, start: int) -> str:
        """The gradient with respect to a shared argument, summed over the examples."""
        # Sums of all summed arguments lie one after the other, in the order of `argnums`.
        part = slice(start, start + spec.size)
        return self._as_passed(name, spec, lambda r: r.summed[part])

    def _per_row(self, name: str, spec: Spec, group: int) -> str:
        if not self.has_rows:
            return self._as_passed(name, spec, lambda r: r.per_example[group][0])
        is_mean = self.kind == "reduced" and self.f._reduce == "mean"
        return self._of_rows(name, spec, lambda r: r.per_example[group], divided=is_mean)

    def _as_passed(self, name: str, spec: Spec, numbers: Callable[[Runner], Any]) -> str:
        """A fresh gradient in the containers that were passed, as `batches.as_passed` has it."""
        tree, shape, given = self._tree(name, spec, numbers), shape_of(spec, bare=True), f"a{name[1:]}"
        if shape is None:
            # Only containers of several kinds are put together by recursion; the rest is one call of NumPy's.
            return f"as_passed({given}, {tree})"
        if spec.kind in {"leaf", "array"}:
            return tree
        self.reading.insert(0, f"passed_{given} = isinstance({given}, ndarray)")  # before it is read as an array
        array = self._copy(f"array_{name}", lambda r: numbers(r).reshape(shape), FLOAT)
        return f"{array} if passed_{given} else {tree}"

    def _copy(self, name: str, view: Callable[[Runner], Any], dtype: Any) -> str:
        """A fresh array of what a view of the runner's memory holds."""
        copies = self.f._memory.copies
        self.taken[name] = lambda r: copies(view(r), dtype)
        return f"{name}()"

    def _tree(self, name: str, spec: Spec, numbers: Callable[[Runner], Any]) -> str:
        """A fresh tree of floats, as `batches.tree_of` makes it."""
        shape = shape_of(spec)
        if spec.kind == "leaf":
            self.taken[name] = lambda r: memoryview(numbers(r))
            return f"{name}[0]"
        if spec.kind == "array":
            return self._copy(name, lambda r: numbers(r).reshape(shape), FLOAT)
        if shape is not None and _is_nested_lists(spec):
            self.taken[name] = lambda r: numbers(r).reshape(shape)
            return f"{name}.tolist()"
        if len(spec.children) <= FEW_WRITTEN:
            part = lambda name, child, here: self._tree(name, child, lambda r: numbers(r)[here])
            return self._container(name, spec, part)
        self.taken[name] = numbers
        self.names[f"spec_{name}"] = spec
        return f"tree_of(spec_{name}, {name})"

    def _container(self, name: str, spec: Spec, part: Callable[[str, Spec, slice], str]) -> str:
        """A tuple, dict or list, written out; `part` gives the text of one of its entries by name, shape and place.

        Jacobians and Hessians are such tuples: to go through a shape at each call would take longer than small ones.
        """
        parts, start = [], 0
        for k, child in enumerate(spec.children):
            parts.append(part(f"{name}_{k}", child, slice(start, start + child.size)))
            start += child.size
        if spec.kind == "dict":
            self.names |= {f"key_{name}_{k}": key for k, key in enumerate(spec.about)}
            return f"{{{', '.join(f'key_{name}_{k}: {part}' for k, part in enumerate(parts))}}}"
        listed = "".join(f"{part}, " for part in parts)
        if spec.kind == "list":
            return f"[{listed}]"
        if spec.about is tuple:
            return f"({listed})"
        self.names[f"class_{name}"] = spec.about
        return f"class_{name}({listed})" if hasattr(spec.about, "_fields") else f"class_{name}(({listed}))"

    def _of_rows(self, name: str, spec: Spec, columns: Callable[[Runner], Any], *, divided: bool = False) -> str:
        """A fresh tree of arrays, examples first, as `batches.views` makes it."""
        shape, memory = shape_of(spec), self.f._memory  # no reference to the function, which would make a cycle
        rows = None if shape is None or not spec.size else (-1, *shape)
        view: Callable[[Runner], Any] = lambda r: columns(r) if rows is None else columns(r).reshape(rows)
        if divided:
            self.taken[name] = lambda r: memory.quotients(view(r))
            fresh = f"{name}(n)"
        else:
            fresh = self._copy(name, view, self.f.dtype)
        if rows is not None:
            return fresh
        self.fetching.append(f"all_{name} = {fresh}")
        return self._views(name, spec, f"all_{name}")

    def _views(self, name: str, spec: Spec, columns: str) -> str:
        """A tree of views into the columns of an array."""
        shape = shape_of(spec)
        if shape is not None:
            return f"{columns}.reshape({('n', *shape)})".replace("'n'", "n")
        if len(spec.children) > FEW_WRITTEN:
            self.names[f"spec_{name}"] = spec
            return f"views(spec_{name}, {columns}, rows=True)"
        part = lambda name, child, here: self._views(name, child, f"{columns}[:, {here.start}:{here.stop}]")
        return self._container(name, spec, part)


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"        {line}" for line in lines) or "        pass"


def _is_nested_lists(spec: Spec) -> bool:
    return spec.kind == "leaf" or (spec.kind == "list" and all(map(_is_nested_lists, spec.children)))


def _entry(runner: Any) -> Any:
    """The machine code that a runner calls; it holds the GIL if that takes less time than releasing it."""
    return (_KEEPING if runner.work < HELD else _RELEASING)(runner.address)
