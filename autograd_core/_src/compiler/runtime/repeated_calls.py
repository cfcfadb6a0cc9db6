"""Machine code that copies numbers and calls bound functions, over and over, without returning to Python.

A loop in Python that gathers a batch, calls a bound function and copies its results to where another one reads
them spends a microsecond on each array; here it is as many nanoseconds. What is to be done stands in a table of
integers, one line for each copy or call, and one function of machine code, the same for every table, follows it.
"""

from __future__ import annotations

import ctypes
import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .bound_call import CheckedBound

if TYPE_CHECKING:
    import random

    from ..compiled_function import CompiledFunction
    from .bound_call import Bound

_RELEASING = ctypes.CFUNCTYPE(None, ctypes.c_int64)
COPY_FIELDS = ("to", "of", "index", "rows", "words", "to_row", "of_row", "to_word", "of_word", "to_step", "of_step",
        "index_step")  # fmt: skip
COPY_LENGTH = 2 + len(COPY_FIELDS)  # code and argument of a call, or two zeros; and a copy


class RepeatedCalls:
    """Copies and calls, in the order in which they were added; `run(n)` does all of them n times.

    All arrays are of 8-byte numbers. They and the bound calls are kept alive.

    Example:
        >>> import autograd_core as ag, numpy as np
        >>> f = ag.compile(lambda x, y: x * y, 1.0, 1.0, in_axes=(None, 0))
        >>> call, numbers, found = f.bind(2.0, [0.0]), np.array([3.0, 5.0, 7.0]), np.zeros(3)
        >>> both = RepeatedCalls()
        >>> both.copy(call.inputs[1], numbers[:1], of_step=1)
        >>> both.call(call)
        >>> both.copy(found[:1], call.out, to_step=1)
        >>> both.run(3)
        >>> found.tolist()
        [6.0, 10.0, 14.0]
    """

    def __init__(self) -> None:
        self._lines: list[list[int]] = []
        self._alive: list[Any] = []
        self._initial: Any = None

    def copy(
        self, to: Any, of: Any, *, index: Any = None, to_step: int = 0, of_step: int = 0, index_step: int = 0
    ) -> None:
        """Copy an array to another of the same shape; each time a few numbers further on.

        Args:
            to: Array of one or two dimensions.
            of: Likewise; with an index the place of its first row is what matters.
            index: Which rows of `of` are copied, int64, one for each row of `to`; None for the first ones.
            to_step: By how many numbers `to` moves on after each copy.
            of_step: Likewise.
            index_step: Likewise.
        """
        if to.ndim == 1:
            new = np.s_[None, :] if index is None else np.s_[:, None]
            to, of = to[new], of[new]
        # Addresses, strides and steps as int64 fields of one line: the native loop reads them, and moves addresses on.
        rows, words = to.shape
        at = 0 if index is None else index.ctypes.data
        strides = [x.strides[axis] // 8 for axis in (0, 1) for x in (to, of)]
        steps = 8 * to_step, 8 * of_step, 8 * index_step
        self._lines.append([0, 0, to.ctypes.data, of.ctypes.data, at, rows, words, *strides, *steps])
        self._alive += [to, of, index]

    def call(self, bound: Bound) -> None:
        """Call a bound function, one that `is_native`."""
        runner = bound.runner  # type: ignore[attr-defined]
        self._lines.append([int(runner.address), runner.at] + [0] * len(COPY_FIELDS))
        self._alive.append(bound)

    def run(self, times: int) -> None:
        """Do all of it so many times, from where the arrays begin."""
        # The table is copied anew before each run, since the loop changes its addresses.
        if self._initial is None:
            self._initial = np.array([0, len(self._lines), *(x for line in self._lines for x in line)], np.int64)
            self._table = self._initial.copy()
            self._at = self._table.ctypes.data
        self._table[:] = self._initial
        self._table[0] = times
        _functions()[0](self._at)


def is_native(bound: Bound) -> bool:
    """Whether a bound call is machine code alone: no guard to be tested, and not too large a batch."""
    return not isinstance(bound, CheckedBound)


def pays(f: CompiledFunction, seconds: float = 0.0) -> bool:
    """Whether it is time to bind a function.

    Args:
        f: It.
        seconds: How long the calls to come would take without.

    Returns:
        Whether its machine code is on disk, calls have taken as long as it takes to be made, or those to come
        will; or an interpreter runs it in any case, and binding costs nothing.
    """
    specialization = f._specializations[0]
    layout = f._layout(specialization, gradient=specialization.spec.kind == "leaf")
    price = specialization._compile_seconds(layout)
    return math.isinf(price) or seconds > price or specialization.compiles(layout)


class Shuffle:
    """Shuffles an array as `random.shuffle` shuffles a list: the same order, by the same numbers of the generator.

    Args:
        rng: A `random.Random`.
        order: int64, shuffled in place by each call.
        is_shared: Whether others draw from the generator too, so that no number may be drawn ahead.

    Example:
        >>> import random, numpy as np
        >>> order, same = np.arange(5), list(range(5))
        >>> Shuffle(random.Random(1), order)()
        >>> random.Random(1).shuffle(same)
        >>> order.tolist() == same
        True
    """

    def __init__(self, rng: random.Random, order: Any, *, is_shared: bool = True) -> None:
        self._rng, self._order, self._is_shared = rng, order, is_shared
        self._words = np.empty(0, np.uint32)
        self._fields = np.zeros(5, np.int64)  # see `_write_shuffle`
        self._fields[0] = order.ctypes.data

    def __call__(self) -> None:
        """Shuffle."""
        # Random words are drawn in advance, as native code cannot call the generator. If others draw from it, too, it
        # is set back afterwards and moved on by exactly what was used, so that they see the same numbers as beside a
        # list.
        fields, drawn = self._fields, 0
        state = self._rng.getstate() if self._is_shared else None
        fields[4] = len(self._order) - 1
        shuffle, at = _functions()[1], fields.ctypes.data
        while True:
            shuffle(at)
            if fields[4] <= 0:
                break
            drawn += self._draw(2 * int(fields[4]) + 16)
        if state is not None and drawn:  # then only what was used has been drawn
            self._rng.setstate(state)
            used = drawn - int(fields[2] - fields[3])
            if used:
                self._rng.getrandbits(32 * used)
            fields[2] = fields[3] = 0

    def _draw(self, count: int) -> int:
        """So many outputs of the generator, 32 bits each, to be used from the first on."""
        self._words = np.frombuffer(self._rng.getrandbits(32 * count).to_bytes(4 * count, "little"), "<u4")
        self._fields[1:4] = self._words.ctypes.data, count, 0
        return count


# --- the two functions ----------------------------------------------------------------------------


@cache
def _functions() -> tuple[Any, Any]:
    """`repeat(table)` and `shuffle(fields)`."""
    from llvmlite import ir

    from ..codegen.llvm.jit import ENTRY, PTR, VOID, addresses_of

    module, kind = ir.Module(), ir.FunctionType(VOID, [PTR])
    names = [f"{ENTRY}repeat", f"{ENTRY}shuffle"]
    for name, write in zip(names, (_write_repeat, _write_shuffle), strict=True):
        function = ir.Function(module, kind, name)
        write(ir.IRBuilder(function.append_basic_block()), function.args[0])
    repeat, shuffle = addresses_of(module, names)
    found = _RELEASING(repeat), ctypes.PYFUNCTYPE(None, ctypes.c_int64)(shuffle)
    for function, address in zip(found, (repeat, shuffle), strict=True):
        function.code = address  # type: ignore[attr-defined]
    return found


def _write_repeat(b: Any, table: Any) -> None:
    """For each time and each line: call, or copy and move on."""
    from llvmlite import ir

    from ..codegen.llvm.jit import I64, PTR, VOID, i64, load, loop, store

    call = ir.FunctionType(VOID, [PTR]).as_pointer()
    with (
        loop(b, i64(0), load(b, I64, table, i64(0))),
        loop(b, i64(0), load(b, I64, table, i64(1))) as k,
    ):
        line = b.gep(table, [b.add(i64(2), b.mul(k, i64(COPY_LENGTH)))], source_etype=I64)
        code, argument, *fields = (load(b, I64, line, i64(j)) for j in range(COPY_LENGTH))
        about: dict[str, Any] = dict(zip(COPY_FIELDS, fields, strict=True))
        with b.if_else(b.icmp_signed("!=", code, i64(0))) as (is_call, is_copy):
            with is_call:
                b.call(b.inttoptr(code, call), [b.inttoptr(argument, PTR)])
            with is_copy:
                _write_copy(b, about)
                for name in ("to", "of", "index"):
                    store(b, b.add(about[name], about[f"{name}_step"]), line, i64(2 + COPY_FIELDS.index(name)))
    b.ret_void()


def _write_copy(b: Any, about: dict[str, Any]) -> None:
    """Copy rows, those at the index if there is one."""
    from ..codegen.llvm.jit import I64, PTR, i64, load, loop, store

    to, of = (b.inttoptr(about[name], PTR) for name in ("to", "of"))
    all_rows = b.icmp_signed("==", about["index"], i64(0))
    index = b.inttoptr(b.select(all_rows, about["of"], about["index"]), PTR)  # somewhere that can be read
    with loop(b, i64(0), about["rows"]) as r:
        row = b.select(all_rows, r, load(b, I64, index, b.select(all_rows, i64(0), r)))
        here, there = b.mul(row, about["of_row"]), b.mul(r, about["to_row"])
        with loop(b, i64(0), about["words"]) as w:
            x = load(b, I64, of, b.add(here, b.mul(w, about["of_word"])))
            store(b, x, to, b.add(there, b.mul(w, about["to_word"])))


def _write_shuffle(b: Any, fields: Any) -> None:
    """From the last place downwards: swap with one not above it, until the words are used up.

    Fields: the array, the words, how many of these there are and how many are used, and the place.
    """
    from llvmlite import ir

    from ..codegen.llvm.jit import I32, I64, PTR, i64, load, store

    # As `random.shuffle` does it: j from `_randbelow(i + 1)`, which takes as many bits as i + 1 has and rejects what is
    # too large. Anything cleverer would be another order for the same seed.
    order, words = (b.inttoptr(load(b, I64, fields, i64(k)), PTR) for k in (0, 1))
    count = load(b, I64, fields, i64(2))
    test, draw, swap, done = (b.append_basic_block(name) for name in ("test", "draw", "swap", "done"))
    before = b.block
    used, place = load(b, I64, fields, i64(3)), load(b, I64, fields, i64(4))
    b.branch(test)
    b.position_at_end(test)
    at, i = b.phi(I64), b.phi(I64)
    at.add_incoming(used, before)
    i.add_incoming(place, before)
    b.cbranch(b.and_(b.icmp_signed(">", i, i64(0)), b.icmp_signed("<", at, count)), draw, done)
    b.position_at_end(draw)
    after, below = b.add(at, i64(1)), b.add(i, i64(1))
    spare = b.sub(b.ctlz(below, ir.Constant(ir.IntType(1), 0)), i64(32))  # as many bits as `below` has are used
    j = b.lshr(b.zext(load(b, I32, words, at), I64), spare)
    at.add_incoming(after, draw)
    i.add_incoming(i, draw)
    b.cbranch(b.icmp_signed("<", j, below), swap, test)
    b.position_at_end(swap)
    one, other = load(b, I64, order, i), load(b, I64, order, j)
    store(b, other, order, i)
    store(b, one, order, j)
    at.add_incoming(after, swap)
    i.add_incoming(b.sub(i, i64(1)), swap)
    b.branch(test)
    b.position_at_end(done)
    store(b, at, fields, i64(3))
    store(b, i, fields, i64(4))
    b.ret_void()
