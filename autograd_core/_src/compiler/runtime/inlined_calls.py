"""Inlined calls of compiled functions: the program of each example becomes nodes, as if the function itself had run.

So the call can be differentiated to any order, traced, compiled, drawn and explained. Constants are those of
the trace, as in all other calls.
"""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.ops import PRIMITIVES
from ...engine.recording import FUSED, record_many
from ...engine.value import Value
from ...transforms.recorded import pull_back
from .batches import recorded, tree_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .specialization import Specialization
    from .traced_function import TracedFunction


def result(f: TracedFunction, args: Sequence[Any]) -> Any:
    """What a call on Values returns: one node per output, with `reduce` over all examples."""
    table = _table([outputs(f, row) for row in _rows(f, args)], f._specializations[0].width)
    if f._reduce is None:
        return f._result(table)
    return tree_of(f._specializations[0].spec, _over_rows(f, table))


def with_gradient(f: TracedFunction, args: Sequence[Any]) -> tuple[Any, list[Any], Any]:
    """Results and gradients for each example, and gradients over all examples, as nodes."""
    # Differentiated on copies of the inputs (`pos`): the caller's Values may have other users, to which a sweep of this
    # call alone must not lead.
    values, gradients = [], []
    for row in _rows(f, args):
        inputs = [FUSED["pos"](x) if isinstance(x, Value) else Value(x) for x in row]
        sought = [inputs[slot] for i in f._argnums for slot in f._slots[i]]
        values.append(outputs(f, inputs))
        gradients.append(pull_back(values[-1], [1.0], sought, graph=True))
    table, start = _table(gradients, sum(len(f._slots[i]) for i in f._argnums)), 0
    per_example, summed = [], []
    for i in f._argnums:
        mine = table[:, start : start + len(f._slots[i])]
        start += len(f._slots[i])
        if f._is_summed(i):
            summed += _over_rows(f, mine).tolist()
        else:
            per_example.append(mine)
    return _table(values, 1), per_example, _table([summed], len(summed))[0]


def reduced(
    f: TracedFunction, args: Sequence[Any], values: Any, per_example: list[Any], summed: Any
) -> tuple[Any, tuple[Any, ...]]:
    """The result of `CompiledFunction.reduced`, as nodes."""
    if f._reduce == "mean":
        per_example = [group / len(group) if len(group) else group for group in per_example]
    return _over_rows(f, values)[0], f._grads(args, per_example, summed)


def _rows(f: TracedFunction, args: Sequence[Any]) -> list[list[Any]]:
    """The inputs of each example, Values and floats."""
    shared, tables = f._read(args, np.empty(sum(spec.size for spec in f._specs), object), recorded)
    return [f._point(shared, tables, row) for row in range(len(tables[0]) if tables else 1)]


def outputs(f: TracedFunction, inputs: Sequence[Any]) -> list[Any]:
    """The results at one example, as nodes."""
    specialization = specialization_at(f, inputs)
    nodes = specialization.program.nodes(inputs)
    for slot in specialization.program.guards.tolist():
        bool(nodes[slot])  # becomes a guard of the trace under way, if there is one
    found = [Value(0.0)] * specialization.width  # of a matrix, entries that are always 0
    for place, slot in zip(specialization.places, specialization.program.outputs.tolist(), strict=False):
        found[place] = nodes[slot] if isinstance(nodes[slot], Value) else Value(nodes[slot])
    return found


def specialization_at(f: TracedFunction, inputs: Sequence[Any]) -> Specialization:
    """The trace that is valid at an example; made if there is none yet."""
    # Trace by trace, as a batch is split: which trace serves a point must not depend on how it is called.
    numbers, k = [float(x.data if isinstance(x, Value) else x) for x in inputs], 0
    while True:
        specialization = f._specializations[k]
        if not specialization.guards:
            return specialization
        slots = specialization.program.nodes(numbers)
        answers = [bool(slots[slot]) for slot in specialization.program.guards.tolist()]
        as_traced = specialization.program.truths == answers  # element by element
        if as_traced.all():
            return specialization
        k += 1
        broken = specialization.named_guard(int(as_traced.argmin()))
        if k == len(f._specializations) and f._trace_again(k, lambda: numbers, broken, exactly=True):
            return f._specializations[k]  # traced at this very example


def _over_rows(f: TracedFunction, table: Any) -> Any:
    """The sum or mean of each column; without examples, 0 or NaN."""
    reduce = PRIMITIVES["mean" if f._reduce == "mean" else "sum"]
    if not len(table):
        columns = [Value(nan if f._reduce == "mean" else 0.0) for _ in range(table.shape[1])]
    else:
        columns = [x[0] if len(x) == 1 else record_many(reduce, x) for x in table.T.tolist()]
    return _table([columns], table.shape[1])[0]


def over_rows(f: TracedFunction, results: Sequence[Any]) -> Any:
    """One result of each example, reduced as `reduce` says; without it there is one example alone."""
    return results[0] if f._reduce is None else _over_rows(f, _table([[x] for x in results], 1))[0]


def _table(rows: Sequence[Sequence[Any]], width: int) -> Any:
    """An array of objects, of shape (rows, width)."""
    table = np.empty((len(rows), width), object)  # np.array(rows) would look into Values for sequences
    for row, entries in zip(table, rows, strict=True):
        row[:] = entries
    return table
