"""`Program`: what it says, and what it refuses."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import StructureError, Value
from autograd_core._src.compiler.ir.program import Program
from autograd_core._src.compiler.tracing.lower import program_of
from autograd_core._src.engine.ops import PRIMITIVES


def parts(**changes):
    """v0 is an input, v1 = 2.0, v2 = mul(v0, v1), v3 = sin(v2)."""
    fields = {
        "primitives": (PRIMITIVES["mul"], PRIMITIVES["sin"]),
        "codes": np.array([0, 1], np.int32),
        "offsets": np.array([0, 2, 3], np.int32),
        "operands": np.array([0, 1, 2], np.int32),
        "n_inputs": 1,
        "constants": np.array([2.0]),
        "outputs": np.array([3], np.int32),
        "guards": np.array([2], np.int32),
        "truths": np.array([True]),
    }
    return fields | {name: np.array(x) if isinstance(x, list) else x for name, x in changes.items()}


def test_a_right_one_is_accepted_and_cannot_be_changed():
    program = Program(**parts())
    assert (program.first, program.n_slots, program.counts.tolist()) == (2, 4, [2, 1])
    with pytest.raises(ValueError, match="read-only"):
        program.codes[0] = 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"offsets": [0, 2]}, "expected 3 offsets from 0 to 3"),
        ({"offsets": [0, 2, 4]}, "expected 3 offsets from 0 to 3"),
        ({"offsets": [0, 3, 3]}, "instruction 1 has no operand"),
        ({"codes": [0, 2]}, "expected codes from 0 to 1"),
        ({"codes": [-1, 1]}, "expected codes from 0 to 1"),
        ({"codes": [1, 0]}, r"sin takes 1 operand\(s\), got 2"),
        ({"operands": [0, 2, 2]}, "v2 reads v2, which is not known by then"),
        ({"operands": [0, 1, -1]}, "v3 reads v-1"),
        ({"outputs": [4]}, "expected outputs and guards below 4"),
        ({"guards": [-1]}, "expected outputs and guards below 4"),
        ({"truths": [True, False]}, "as many truths as guards"),
    ],
)
def test_a_wrong_one_is_refused(changes, message):
    with pytest.raises(StructureError, match=f"program: {message}"):
        Program(**parts(**changes))


def test_what_it_says():
    x, y = Value(1.0), Value(2.0)
    condition = x > y
    program = program_of([ag.dot([x, y], [y, 0.5]) - 0.5, x], [x, y], {condition: False})
    assert str(program).split("\n") == [
        "input  v0",
        "input  v1",
        "v2 = 0.5",
        "v3 = dot(v0, v1, v1, v2)",
        "v4 = sub(v3, v2)",
        "v5 = gt(v0, v1)",
        "guard  v5 is false",
        "output v4",
        "output v0",
    ]


def test_shared_nodes_are_computed_once():
    x = Value(1.0)
    y = x
    for _ in range(100):
        y = y + y
    assert len(program_of([y, y], [x]).codes) == 100
