"""Eager calls of compiled functions on Values: one node per output, whose derivatives come from machine code.

The operands of such a node are the Values among the call's numbers; its local derivatives come from the
compiled gradient. Its rule is the call itself, evaluated through the traced program in any number system, so
checks, explanations and gradient graphs work as with any other node.

Within a transform or a trace the program is recorded operation by operation instead (`inlined_calls`), so that
higher orders and further programs can differentiate through it. The same holds if the function has several
results, or if a derivative is wanted with respect to an argument outside `argnums`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...engine.contexts import current
from ...engine.ops import PRIMITIVES, Primitive
from ...engine.pytrees import as_numpy
from ...engine.recording import FUSED, record_known
from ...engine.value import Constant, Value
from ...engine.value_system import VALUES
from ...transforms.recorded import pull_back
from . import inlined_calls
from .batches import HoldsValuesError, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..ir.program import Program
    from .traced_function import TracedFunction


def result(f: TracedFunction, args: tuple[Any, ...], at_numbers: Callable[[tuple[Any, ...]], Any]) -> Any:
    """The result of a call on Values, or of a call of a function with `parameters=`.

    Args:
        f: The function.
        args: Its arguments, parameters among them.
        at_numbers: Gives value and gradient if all arguments are numbers.

    Returns:
        A node; for a batch without `reduce`, an array of nodes, one for each example; for several results, their tree.
    """
    # One node has numbers for its local derivatives. Where these must be nodes themselves (a transform) or program (a
    # trace), the call is recorded operation by operation.
    mode = current()
    if f._specializations[0].spec.kind != "leaf" or mode.transform or mode.guards is not None:
        return inlined_calls.result(f, f._on_parameters(args))
    if f._parameters:
        node = _of_parameters(f, args, at_numbers)
        if node is not None:
            return node
        args = f._on_parameters(args)
    shared, tables = f._read(args, np.empty(sum(spec.size for spec in f._specs), object), recorded)
    if not tables or f._reduce is not None:
        node = _node(f, shared, tables)
        return inlined_calls.result(f, args) if node is None else node
    found = np.empty(len(tables[0]), object)
    for i in range(len(found)):
        node = _node(f, shared, [table[i : i + 1] for table in tables])
        if node is None:
            return inlined_calls.result(f, args)
        found[i] = node
    return found


def _of_parameters(
    f: TracedFunction, args: tuple[Any, ...], at_numbers: Callable[[tuple[Any, ...]], Any]
) -> Value | None:
    """The single node of a call on numbers with parameters, without testing each number; None for any other call."""
    if f._reduce is None and any(f._mapped):
        return None
    # Optimistically as numbers: the usual step of training has Values in the parameters alone, and testing a table of
    # numbers for Values takes longer than the machine code.
    try:
        z, grads = at_numbers(args)
    except HoldsValuesError:
        return None
    return record_known(Call(f, _as_they_are(args)), f._parameters, z, grads[-1])


def _as_they_are(x: Any) -> Any:
    """Arguments copied, so that a recorded node does not change when the caller reuses a buffer."""
    x = as_numpy(x)
    if isinstance(x, np.ndarray):
        return x.copy()
    if isinstance(x, dict):
        return {key: _as_they_are(part) for key, part in x.items()}
    if not isinstance(x, (list, tuple)):
        return x
    return list(x) if set(map(type, x)) <= {float, int} else [_as_they_are(part) for part in x]


def _node(f: TracedFunction, shared: Any, tables: list[Any]) -> Value | None:
    """One node of all Values among these numbers; None if some are not differentiated, or are no floats."""
    # Inlined instead: Values outside `argnums`, whose derivative the compiled gradient lacks, and Fractions, which
    # would be rounded.
    taken, operands = _apart(f, shared, tables)
    primitive = Call(f, (), taken)
    chosen = {slot for i in f._argnums for slot in f._slots[i]}
    if not all(place.slot in chosen for place in taken.places) or any(x._data.__class__ is not float for x in operands):
        return None
    z, partials = primitive.evaluated([x._data for x in operands])
    return record_known(primitive, operands, z, partials)


class Place(NamedTuple):
    """The position of an operand: an input, and for a batched one its table and example."""

    slot: int
    table: int = -1
    row: int = 0
    column: int = 0


class Taken(NamedTuple):
    """The numbers of a call: shared ones, a table per batched argument, and the operands' positions."""

    shared: Any
    tables: list[Any]
    places: list[Place]


def _apart(f: TracedFunction, shared: Any, tables: list[Any]) -> tuple[Taken, list[Value]]:
    """Separate a call's numbers: floats, and Values with their positions."""
    places, operands = [], []
    for slot, x in enumerate(shared.tolist()):
        if isinstance(x, Value) and not isinstance(x, Constant):
            places.append(Place(slot))
            operands.append(x)
    mapped = (slots for slots, is_mapped in zip(f._slots, f._mapped, strict=True) if is_mapped)
    for k, (table, slots) in enumerate(zip(tables, mapped, strict=True)):
        for i, row in enumerate(table.tolist()):
            for column, x in enumerate(row):
                if isinstance(x, Value) and not isinstance(x, Constant):
                    places.append(Place(slots.start + column, k, i, column))
                    operands.append(x)
    return Taken(_floats(shared), [_floats(table) for table in tables], places), operands


def _floats(numbers: Any) -> Any:
    # None stands at the inputs of batched arguments, whose numbers are in the tables. `x or 0.0` would also make 0.0 of
    # -0.0, which is another point: of atan2, of a quotient.
    flat = [0.0 if x is None else float(x.data if isinstance(x, Value) else x) for x in numbers.ravel().tolist()]
    return np.array(flat, float).reshape(numbers.shape)


class Call(Primitive):
    """The rule of one call: the compiled function of the Values among its numbers.

    Args:
        f: The compiled function.
        args: Its arguments, copied; `taken` separates their numbers when first asked, which most calls never need.
        taken: The numbers of the call, if they are separated already.
    """

    __slots__ = ("_taken", "args", "f")

    def __init__(self, f: TracedFunction, args: tuple[Any, ...], taken: Taken | None = None) -> None:
        name = f._name.removeprefix("compiled ")
        name = name if name.isidentifier() else "f"
        super().__init__(name, self._value, self._partials, arity=None, module=__name__)
        self.f, self.args, self._taken = f, args, taken

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the arguments, which may be objects of other libraries: all their numbers are in `taken`.
        return Call, (self.f, (), self.taken)

    @property
    def taken(self) -> Taken:
        """The numbers of the call, with the positions of its operands."""
        if self._taken is None:
            f = self.f
            objects = np.empty(sum(spec.size for spec in f._specs), object)
            self._taken, _ = _apart(f, *f._read(f._on_parameters(self.args), objects, recorded))
        return self._taken

    def evaluated(self, xs: Sequence[float]) -> tuple[float, tuple[float, ...]]:
        """Value and derivatives from machine code, if the operands are these floats."""
        # Copies: a replay at other operands must not change the node's own numbers.
        f, taken = self.f, self.taken
        shared, tables = taken.shared.copy(), [table.copy() for table in taken.tables]
        for x, place in zip(xs, taken.places, strict=True):
            if place.table < 0:
                shared[place.slot] = x
            else:
                tables[place.table][place.row, place.column] = x
        values, per_example, summed = f._evaluated(shared, tables, gradient=True)
        parts: dict[int, Any] = {}  # for each input its gradients: one, or one for each example
        groups, start = iter(per_example), 0
        for i in f._argnums:
            slots = f._slots[i]
            if f._is_summed(i):
                parts |= {slot: summed[start + k] for k, slot in enumerate(slots)}
                start += len(slots)
            else:
                group = next(groups)
                parts |= {slot: group[:, k] for k, slot in enumerate(slots)}
        found = [parts[p.slot] for p in taken.places]
        n = len(values) if f._reduce == "mean" else 1
        with np.errstate(all="ignore"):  # inf - inf, and 0 / 0 where there are no examples
            total = values.sum(dtype=float) / n
            slopes = [(d if d.ndim == 0 else d[p.row]) / n for d, p in zip(found, taken.places, strict=True)]
        return float(total), tuple(map(float, slopes))

    # --- in any number system ---

    def _rows(self, xs: Sequence[Any], number: Any) -> list[list[Any]]:
        """The inputs of each example, with the operands among them."""
        f, taken = self.f, self.taken
        rows = [[number(x) for x in f._point(taken.shared, taken.tables, i)] for i in range(self._count)]
        for x, place in zip(xs, taken.places, strict=True):
            for row in rows if place.table < 0 else [rows[place.row]]:
                row[place.slot] = x
        return rows

    @property
    def _count(self) -> int:
        return len(self.taken.tables[0]) if self.taken.tables else 1

    def _over_rows(self, m: Any, results: Sequence[Any]) -> Any:
        if self.f._reduce is None or len(results) == 1:
            return results[0]
        return PRIMITIVES["mean" if self.f._reduce == "mean" else "sum"].value(m, *results)

    def _value(self, m: Any, *xs: Any) -> Any:
        if set(map(type, xs)) <= {float}:
            return self.evaluated(xs)[0]
        return self._over_rows(m, [_result(*_run(self.f, m, row)) for row in self._rows(xs, m.number)])

    def _partials(self, m: Any, *xs_and_z: Any) -> tuple[Any, ...]:
        xs = xs_and_z[:-1]
        if set(map(type, xs)) <= {float}:
            return self.evaluated(xs)[1]
        # For a gradient graph, the program is recorded on copies of the operands (`pos`) and differentiated there. The
        # compiled gradient gives numbers only, which could not be differentiated again.
        if m is VALUES:
            leaves = [FUSED["pos"](x) if isinstance(x, Value) else Value(x) for x in xs]
            outputs = [inlined_calls.outputs(self.f, row)[0] for row in self._rows(leaves, float)]
            return tuple(pull_back([inlined_calls.over_rows(self.f, outputs)], [1.0], leaves, graph=True))
        return self._swept(m, xs)

    def _swept(self, m: Any, xs: Sequence[Any]) -> tuple[Any, ...]:
        """Derivatives in any other number system: the sweep of `backward()` over the program, example by example."""
        # Strict zero here, too: a number system knows infinity times 0 only as NaN.
        product, n = PRIMITIVES["path_product"].value, self._count if self.f._reduce == "mean" else 1
        found = [m.number(0.0)] * len(xs)
        for i, row in enumerate(self._rows(xs, m.number)):
            program, slots = _run(self.f, m, row)
            adjoints = [m.number(0.0)] * len(slots)
            adjoints[program.outputs.tolist()[0]] = m.number(1.0) / n
            ends = program.offsets.tolist()
            for k in reversed(range(len(program.codes))):
                z = program.first + k
                operands = program.operands[ends[k] : ends[k + 1]].tolist()
                rule = program.primitives[program.codes[k]]
                partials = rule.partials(m, *(slots[slot] for slot in operands), slots[z])
                for slot, d in zip(operands, partials, strict=True):
                    adjoints[slot] = adjoints[slot] + product(m, m.number(d), adjoints[z])
            for j, place in enumerate(self.taken.places):
                if place.table < 0 or place.row == i:
                    found[j] = found[j] + adjoints[place.slot]
        return tuple(found)


def _run(f: TracedFunction, m: Any, inputs: Sequence[Any]) -> tuple[Program, list[Any]]:
    """The program of the trace that is valid at these inputs, and the value of each slot."""
    program = inlined_calls.specialization_at(f, [float(x) for x in inputs]).program
    known = [*inputs, *map(m.number, program.constants.tolist())]
    return program, program.slots(known, lambda rule, *xs: rule.value(m, *xs))


def _result(program: Program, slots: Sequence[Any]) -> Any:
    return slots[program.outputs.tolist()[0]]
