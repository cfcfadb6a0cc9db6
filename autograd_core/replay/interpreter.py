"""The compiled interpreter: one forward and one backward handler per primitive, made from its row.

A handler serves one primitive with one number of operands; it is compiled when the first program
needs it, and kept for all later programs. A program is then two tables of handler addresses. Its
slots hold `<W x double>`, whose lanes are rows of a batch, or a `double` for a single point.

Primitives of many operands are unrolled as their rows read them. For `sum`, `mean` and `dot`,
which may have thousands, code of that length would take long to compile: they get a loop.
A compiled function per program, instead of an interpreter, was tried: 100 us and more per node.
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from llvmlite import binding, ir

from ..number_systems.llvm import F64, I32, LLVM, Lanes, constant
from ..ops import ROWS
from .program import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..ops import Primitive
    from .program import Program

WIDTH = 8  # lanes of a batch
I64, PTR, VOID = ir.IntType(64), ir.PointerType(), ir.VoidType()
HANDLER = ir.FunctionType(VOID, [PTR, I64, PTR, PTR, I64])  # operands, their count, values, adjoints, own slot
ALIGN = 8


class Loop(NamedTuple):
    """A reduction over operands, `factors` lists of them: its term, its end, each factor's partial."""

    factors: int
    term: Callable[..., Any]
    end: Callable[[Any, Any], Any]
    partials: Callable[..., tuple[Any, ...]]


LOOPS = {
    ROWS["sum"]: Loop(1, lambda x: x, lambda total, n: total, lambda n, x: (1,)),
    ROWS["mean"]: Loop(1, lambda x: x, lambda total, n: total / n, lambda n, x: (1 / n,)),
    ROWS["dot"]: Loop(2, lambda w, x: w * x, lambda total, n: total, lambda n, w, x: (x, w)),
}


# --- LLVM, a little shorter ---------------------------------------------------------------------


def _i64(x: int) -> Any:
    return ir.Constant(I64, x)


@contextmanager
def _loop(b: Any, start: Any, stop: Any) -> Iterator[Any]:
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
    i.add_incoming(b.add(i, _i64(1)), b.block)
    b.branch(test)
    b.position_at_end(after)


def _load(b: Any, kind: Any, base: Any, index: Any) -> Any:
    return b.load(b.gep(base, [index], source_etype=kind), typ=kind, align=4 if kind is I32 else ALIGN)


def _store(b: Any, x: Any, base: Any, index: Any) -> None:
    b.store(x, b.gep(base, [index], source_etype=x.type), align=ALIGN)


def _slot(b: Any, slots: Any, index: Any) -> Any:
    return b.sext(_load(b, I32, slots, index), I64)


# --- handlers -----------------------------------------------------------------------------------


class _Handler:
    """A handler under construction: where operands, values and adjoints are."""

    def __init__(self, module: Any, name: str, kind: Any) -> None:
        function = ir.Function(module, HANDLER, name)
        self.operands, self.count, self.values, self.adjoints, self.own = function.args
        self.kind = kind
        self.b = ir.IRBuilder(function.append_basic_block())

    def operand(self, index: Any) -> Lanes:
        return Lanes(self.b, _load(self.b, self.kind, self.values, _slot(self.b, self.operands, index)))

    def finish(self, z: Any) -> None:
        """Store the result."""
        z = LLVM.number(z)
        _store(self.b, z.value if isinstance(z, Lanes) else constant(self.kind, z), self.values, self.own)
        self.b.ret_void()

    def result(self) -> Lanes:
        return Lanes(self.b, _load(self.b, self.kind, self.values, self.own))

    def adjoint(self) -> Lanes:
        return Lanes(self.b, _load(self.b, self.kind, self.adjoints, self.own))

    def send(self, d: Any, g: Lanes, index: Any) -> None:
        """An operand's adjoint += d * g, nothing where either is 0."""
        d = LLVM.number(d)
        if not isinstance(d, Lanes):
            if d == 0:
                return
            product = d * g
        else:
            product = ROWS["path_product"].value(LLVM, d, g)
        slot = _slot(self.b, self.operands, index)
        old = Lanes(self.b, _load(self.b, self.kind, self.adjoints, slot))
        _store(self.b, (old + product).value, self.adjoints, slot)


def _unrolled(module: Any, row: Primitive, n: int, names: tuple[str, str], kind: Any) -> None:
    """Both handlers of a row for n operands, as the row reads them."""
    forward, backward = (_Handler(module, name, kind) for name in names)
    forward.finish(row.value(LLVM, *(forward.operand(_i64(k)) for k in range(n))))
    xs = [backward.operand(_i64(k)) for k in range(n)]
    partials = row.partials(LLVM, *xs, backward.result())
    g = backward.adjoint()
    for k, d in enumerate(partials):
        backward.send(d, g, _i64(k))
    backward.b.ret_void()


def _looped(module: Any, loop: Loop, names: tuple[str, str], kind: Any) -> None:
    """Both handlers of a reduction over any number of operands."""
    h = _Handler(module, names[0], kind)
    n, operands = _length(h, loop)
    total = h.b.alloca(kind)
    h.b.store(loop.term(*operands(_i64(0))).value, total)
    with _loop(h.b, _i64(1), n) as i:
        h.b.store((Lanes(h.b, h.b.load(total, typ=kind)) + loop.term(*operands(i))).value, total)
    h.finish(loop.end(Lanes(h.b, h.b.load(total, typ=kind)), _spread(h.b, n, kind)))

    h = _Handler(module, names[1], kind)
    n, operands = _length(h, loop)
    g, length = h.adjoint(), _spread(h.b, n, kind)
    for factor in range(loop.factors):
        with _loop(h.b, _i64(0), n) as i:
            d = loop.partials(length, *operands(i))[factor]
            h.send(d, g, h.b.add(i, h.b.mul(n, _i64(factor))))
    h.b.ret_void()


def _length(h: _Handler, loop: Loop) -> tuple[Any, Callable[[Any], list[Lanes]]]:
    """How many terms there are, and what loads the operands of term i."""
    n = h.b.sdiv(h.count, _i64(loop.factors))
    return n, lambda i: [h.operand(h.b.add(i, h.b.mul(n, _i64(f)))) for f in range(loop.factors)]


def _spread(b: Any, n: Any, kind: Any) -> Lanes:
    """An integer as a double in every lane."""
    x = b.sitofp(n, F64)
    if kind is not F64:
        empty = ir.Constant(kind, ir.Undefined)
        lane_0 = ir.Constant(ir.VectorType(I32, kind.count), [0] * kind.count)
        x = b.shuffle_vector(b.insert_element(empty, x, ir.Constant(I32, 0)), empty, lane_0)
    return Lanes(b, x)


# --- the driver ---------------------------------------------------------------------------------

# The driver's arguments: one block of 64-bit numbers, for ctypes takes long over many arguments.
BLOCK = (
    "blocks n first offsets operands forward backward values adjoints n_slots "
    "n_mapped mapped rows n_wanted wanted results gradients root n_sought sought gradient"
).split()


def _driver(module: Any, name: str, kind: Any) -> None:
    """The function that runs a program over all blocks of rows: load, forward, read, backward, read."""
    function = ir.Function(module, ir.FunctionType(VOID, [PTR]), name)
    b = ir.IRBuilder(function.append_basic_block())
    a: dict[str, Any] = {}
    for k, field in enumerate(BLOCK):
        x = _load(b, I64, function.args[0], _i64(k))
        pointer = field not in ("blocks", "n", "first", "gradients", "root") and not field.startswith("n_")
        a[field] = b.inttoptr(x, PTR) if pointer else x

    def handle(table: str, i: Any) -> None:
        start, stop = (_slot(b, a["offsets"], j) for j in (i, b.add(i, _i64(1))))
        operands = b.gep(a["operands"], [start], source_etype=I32)
        handler = b.inttoptr(_load(b, I64, a[table], i), HANDLER.as_pointer())
        b.call(handler, [operands, b.sub(stop, start), a["values"], a["adjoints"], b.add(a["first"], i)])

    def gather(slots: str, source: str, target: str, block: Any) -> None:
        n = a[f"n_{slots}"]
        with _loop(b, _i64(0), n) as k:
            x = _load(b, kind, a[source], _slot(b, a[slots], k))
            _store(b, x, a[target], b.add(b.mul(block, n), k))

    with _loop(b, _i64(0), a["blocks"]) as block:
        with _loop(b, _i64(0), a["n_mapped"]) as k:
            x = _load(b, kind, a["rows"], b.add(b.mul(block, a["n_mapped"]), k))
            _store(b, x, a["values"], _slot(b, a["mapped"], k))
        with _loop(b, _i64(0), a["n"]) as i:
            handle("forward", i)
        gather("wanted", "values", "results", block)
        with b.if_then(b.icmp_signed("!=", a["gradients"], _i64(0))):
            with _loop(b, _i64(0), a["n_slots"]) as k:
                _store(b, constant(kind, 0.0), a["adjoints"], k)
            _store(b, constant(kind, 1.0), a["adjoints"], a["root"])
            with _loop(b, _i64(0), a["n"]) as i:
                handle("backward", b.sub(b.sub(a["n"], _i64(1)), i))
            gather("sought", "adjoints", "gradient", block)
    b.ret_void()


# --- compiling ----------------------------------------------------------------------------------

_lock = RLock()  # all that follows runs under it: one thread at a time compiles


@cache
def _machine() -> tuple[Any, Any]:
    """The host's target machine, and the engine that keeps all machine code of this process."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple()
    host, features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    machine = target.create_target_machine(cpu=host, features=features, opt=2)
    return machine, binding.create_mcjit_compiler(binding.parse_assembly(""), machine)


def _compiled(module: Any) -> Any:
    """The engine, with the module's functions in it."""
    machine, engine = _machine()
    module.triple = binding.get_default_triple()
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    passes = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(speed_level=2))
    passes.getModulePassManager().run(parsed, passes)
    engine.add_module(parsed)
    engine.finalize_object()
    return engine


Key = tuple["Primitive", int]
_handlers: dict[Any, tuple[int, int]] = {}
_drivers: dict[int, Callable[[int], None]] = {}


def _kind(width: int) -> Any:
    return F64 if width == 1 else ir.VectorType(F64, width)


def handlers(keys: Sequence[Key], width: int) -> list[tuple[int, int]]:
    """Addresses of the forward and the backward handler of each primitive and operand count.

    Raises:
        OperandError: A user's primitive does what is no arithmetic, such as `math.sin(x)`.
    """
    # A user may replace a primitive's rules, so they belong to the key.
    full = [(row, row.value, row.partials, 0 if row in LOOPS else n, width) for row, n in keys]
    with _lock:
        missing = [key for key in dict.fromkeys(full) if key not in _handlers]
        if missing:
            module = ir.Module()
            start = len(_handlers)
            names = [(f"forward_{k}", f"backward_{k}") for k in range(start, start + len(missing))]
            for (row, _, _, n, _), pair in zip(missing, names, strict=True):
                if row in LOOPS:
                    _looped(module, LOOPS[row], pair, _kind(width))
                else:
                    _checked(module, row, n, pair, _kind(width))
            engine = _compiled(module)
            for key, (forward, backward) in zip(missing, names, strict=True):
                _handlers[key] = engine.get_function_address(forward), engine.get_function_address(backward)
        return [_handlers[key] for key in full]


def _checked(module: Any, row: Primitive, n: int, names: tuple[str, str], kind: Any) -> None:
    try:
        _unrolled(module, row, n, names, kind)
    except (TypeError, AttributeError) as error:
        raise unreadable(row, error) from error


def driver(width: int) -> Callable[[int], None]:
    """The function that runs programs over lanes of this width; takes the address of its argument block."""
    with _lock:
        if width not in _drivers:
            module = ir.Module()
            _driver(module, f"run_{width}", _kind(width))
            address = _compiled(module).get_function_address(f"run_{width}")
            _drivers[width] = ctypes.CFUNCTYPE(None, ctypes.c_int64)(address)
        return _drivers[width]


class Interpreter:
    """Runs one program on LLVM's machine code.

    Args:
        program: What to run.
    """

    backend = "llvm"

    def __init__(self, program: Program) -> None:
        self.program = program
        self._tables: dict[int, Any] = {}

    def _table(self, width: int) -> Any:
        """Addresses of each instruction's handlers: int64 of shape (2, n)."""
        if width not in self._tables:
            p = self.program
            calls = list(zip(p.codes.tolist(), p.counts.tolist(), strict=True))
            kinds = list(dict.fromkeys(calls))
            found = handlers([(p.primitives[code], n) for code, n in kinds], width)
            addresses = dict(zip(kinds, found, strict=True))
            table = np.array([addresses[call] for call in calls], np.int64).reshape(-1, 2)
            self._tables[width] = np.ascontiguousarray(table.T)
        return self._tables[width]

    def run(self, inputs: Any, mapped: Any, rows: Any, wanted: Any, sought: Any = None) -> tuple[Any, Any]:
        """Values, and the gradient of the first output, for every row.

        Args:
            inputs: float64, one number per input; those of mapped ones are not used.
            mapped: int32, the inputs that differ from row to row.
            rows: float64 of shape (rows, len(mapped)), at least one row.
            wanted: int32, the slots to return.
            sought: int32, the slots whose adjoints to return; None for no backward pass.

        Returns:
            Two arrays of shapes (rows, len(wanted)) and (rows, len(sought)).
        """
        p, count = self.program, len(rows)
        width = 1 if count == 1 else WIDTH
        blocks = -(-count // width)
        padded = np.concatenate([rows, np.repeat(rows[-1:], blocks * width - count, axis=0)])
        lanes = np.ascontiguousarray(padded.reshape(blocks, width, -1).transpose(0, 2, 1))
        values = np.empty((p.n_slots, width))
        values[: p.n_inputs] = inputs[:, None]
        values[p.n_inputs : p.first] = p.constants[:, None]
        seeks = np.empty(0, np.int32) if sought is None else sought
        adjoints = np.empty((0 if sought is None else p.n_slots, width))
        results, gradient = np.empty((blocks, len(wanted), width)), np.empty((blocks, len(seeks), width))
        table = self._table(width)
        counts = {"n": len(p.codes), "n_slots": p.n_slots, "n_mapped": len(mapped), "n_wanted": len(wanted)}
        fields = counts | {
            "blocks": blocks,
            "first": p.first,
            "offsets": p.offsets,
            "operands": p.operands,
            "forward": table[0],
            "backward": table[1],
            "values": values,
            "adjoints": adjoints,
            "mapped": mapped,
            "rows": lanes,
            "wanted": wanted,
            "results": results,
            "gradients": int(sought is not None),
            "root": 0 if sought is None else int(p.outputs[0]),
            "n_sought": len(seeks),
            "sought": seeks,
            "gradient": gradient,
        }
        block = np.array([_address(fields[name]) for name in BLOCK], np.int64)
        driver(width)(block.ctypes.data)
        return _by_rows(results)[:count], _by_rows(gradient)[:count]


def _address(x: Any) -> int:
    """What stands in the argument block: a number itself, an array's address."""
    return x if isinstance(x, int) else x.ctypes.data


def _by_rows(lanes: Any) -> Any:
    blocks, n, width = lanes.shape
    return lanes.transpose(0, 2, 1).reshape(blocks * width, n)
