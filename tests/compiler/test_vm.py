"""Every primitive, as handlers read it, against the eager node: values and gradients, kinks and edges included."""

import itertools
import math
import random
from collections import defaultdict

import numpy as np
import pytest
from comparing import same, ulps

from autograd_core import Value
from autograd_core._src.compiler.codegen.llvm.jit import addresses_of
from autograd_core._src.compiler.codegen.llvm.vm import Interpreter
from autograd_core._src.compiler.codegen.llvm.vm_code import _Handler, unrolled
from autograd_core._src.compiler.runtime.memory import LaneSums
from autograd_core._src.compiler.runtime.numpy_vm import NumpyInterpreter
from autograd_core._src.compiler.tracing.lower import program_of
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.recording import record

INF, NAN = math.inf, math.nan
EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, INF, -INF, NAN, 5e-324, 1e-310, 1e308, -1e308, 27.9, -38.9, 800.0, -800.0)
# Results may be differences there, of terms around 1: NumPy's exp and log are within 4 ulp of those.
DIFFERENT_VALUES = {"logsumexp": 1.0, "logaddexp": 1.0}
DIFFERENT_PARTIALS = {"gelu": 1.0, "silu": 1.0, "softplus": 1.0, "logsumexp": 1.0, "logaddexp": 1.0}
CASES = [
    (primitive, n)
    for primitive in PRIMITIVES.values()
    for n in ([primitive.arity] if primitive.arity else (2, 4, 6) if primitive.name == "dot" else (1, 2, 3, 5))
]


def points(primitive, n):
    rng = random.Random(f"{primitive.name} {n}")

    def number():
        return rng.choice([rng.choice(EDGES), rng.uniform(-3, 3), rng.choice([-1, 1]) * 10 ** rng.uniform(-320, 308)])

    edges = list(itertools.product(EDGES, repeat=n)) if n < 3 else []
    ties = [(x,) * n for x in EDGES]
    return [*edges, *ties, *([number() for _ in range(n)] for _ in range(200))]


def eager(primitive, xs):
    leaves = [Value(x) for x in xs]
    z = record(primitive, *leaves)
    z.backward()
    return z.data, [x.grad for x in leaves]


def replayed(interpreter, primitive, rows, width=8):
    leaves = [Value(1.0) for _ in rows[0]]
    program = program_of([record(primitive, *leaves)], leaves)
    slots = np.arange(len(leaves), dtype=np.int32)
    none = LaneSums(slots[:0], width, float)
    values, gradients = interpreter(program).run(
        np.zeros(len(leaves)), slots, np.array(rows), program.outputs, slots, none
    )
    return zip(rows, values[:, 0].tolist(), gradients.tolist(), strict=True)


@pytest.mark.parametrize(("primitive", "n"), CASES, ids=lambda case: getattr(case, "name", case))
def test_lanes_equal_eager_to_the_last_bit(primitive, n):
    for xs, z, gradient in replayed(Interpreter, primitive, points(primitive, n)):
        expected, partials = eager(primitive, xs)
        assert same(z, expected), xs
        assert all(map(same, gradient, partials)), (xs, gradient, partials)


@pytest.mark.parametrize(("primitive", "n"), CASES, ids=lambda case: getattr(case, "name", case))
def test_a_single_point_equals_a_row_of_a_batch(primitive, n):
    some = points(primitive, n)[-40:]
    for xs, z, gradient in replayed(Interpreter, primitive, some):
        [(_, alone, gradient_alone)] = replayed(Interpreter, primitive, [xs], 1)
        assert same(z, alone), xs
        assert all(map(same, gradient, gradient_alone)), xs


@pytest.mark.parametrize(("primitive", "n"), CASES, ids=lambda case: getattr(case, "name", case))
def test_numpy_is_within_4_ulp(primitive, n):
    least_value, least = DIFFERENT_VALUES.get(primitive.name, 0.0), DIFFERENT_PARTIALS.get(primitive.name, 0.0)
    for xs, z, gradient in replayed(NumpyInterpreter, primitive, points(primitive, n)):
        expected, partials = eager(primitive, xs)
        assert ulps(z, expected, least_value) <= 4, xs
        assert all(ulps(a, b, least) <= 4 for a, b in zip(gradient, partials, strict=True)), (xs, gradient, partials)


@pytest.mark.parametrize(
    "primitive", [primitive for primitive in PRIMITIVES.values() if primitive.lists], ids=lambda primitive: primitive.name
)
def test_loops_are_what_the_rules_say(primitive):
    """A rule that was read with one element for all is held against the same rule, unrolled: values and gradients."""
    from llvmlite import ir

    from autograd_core._src.number_systems.llvm_functions import F64

    for n in (2, 6, 10, 38, 39, 40):  # of the last three, lanes take the operands
        n += (n - primitive.singles) % primitive.lists
        module, names = ir.Module(), ("entry_test", "entry_test_slopes")
        _, slopes = unrolled(module, primitive, n, names, F64)
        _, keeping = addresses_of(module, names)
        rng = random.Random(n)
        xs = [rng.gauss(0, 1) for _ in range(n)]
        values = np.array([*xs, 0.0, *([0.0] * n)])
        call(keeping, values, n)
        stored = iter(values[n + 1 :])
        expected = [next(stored) if x is None else x if isinstance(x, float) else values[x] for x in slopes]
        for width in (1, 8):
            [(_, z, gradient)] = replayed(Interpreter, primitive, [xs], width)
            assert z == values[n]
            assert gradient == expected


def call(address, values, n):
    """A handler, of a node that stands behind its operands, and its slopes behind that."""
    import ctypes

    operands = np.array([*range(n), *range(n + 1, len(values))], np.int32)
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)
    kind(address)(operands.ctypes.data, n, values.ctypes.data, 0, n)


def test_a_wrong_rule_would_be_seen():
    """A planted fault in one instruction shows as a difference of the last bit."""
    from llvmlite import ir

    from autograd_core._src.number_systems.llvm_functions import F64

    module = ir.Module()
    h = _Handler(module, "entry_planted", F64)
    x, y = h.operand(ir.Constant(ir.IntType(64), 0)), h.operand(ir.Constant(ir.IntType(64), 1))
    h.finish(x * (1 / y))  # not x / y
    [address] = addresses_of(module, ["entry_planted"])
    values = np.array([5.0, 49.0, 0.0])
    call(address, values, 2)
    assert values[2] != eager(PRIMITIVES["div"], (5.0, 49.0))[0]
    assert ulps(values[2], 5 / 49) <= 1


class TakenMeanwhile(list):
    """Memory that another thread takes between a look at it and the call."""

    def __len__(self):
        return 1

    def pop(self):
        raise IndexError


def test_memory_that_another_thread_takes_first_is_made_anew():
    leaves = [Value(1.0), Value(2.0)]
    program = program_of([record(PRIMITIVES["mul"], *leaves)], leaves)
    interpreter, slots, none = Interpreter(program), np.arange(2, dtype=np.int32), np.empty(0, np.int32)
    rows = np.array([[2.0, 3.0], [4.0, 5.0]])
    for taken in (dict, lambda: defaultdict(TakenMeanwhile)):
        interpreter._free._runners = taken()
        values, gradients = interpreter.run(np.zeros(2), slots, rows, program.outputs, slots, LaneSums(none, 8, float))
        assert values.tolist() == [[6.0], [20.0]]
        assert gradients.tolist() == rows[:, ::-1].tolist()
