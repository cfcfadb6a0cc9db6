"""Nodes of many operands as loops: the same numbers as unrolled, from code of one length."""

import math
import random

import numpy as np
import pytest
from comparing import same
from llvmlite import ir

import autograd_core as ag
from autograd_core._src.compiler.codegen.llvm.kernel import Kernel
from autograd_core._src.compiler.codegen.llvm.segments import edges_written
from autograd_core._src.compiler.codegen.llvm.vm_code import OF_MANY, SIDE_BY_SIDE, looped
from autograd_core._src.compiler.codegen.llvm.wide_nodes import WIDE_FROM
from autograd_core._src.compiler.tracing.lower import program_of
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.number_systems import llvm_functions
from autograd_core._src.number_systems.llvm_functions import F32, F64

INF, NAN = math.inf, math.nan
FUNCTIONS = {
    "sum": ag.sum,
    "mean": ag.mean,
    "dot": lambda v: ag.dot(v, v[::-1]),
    "prod": ag.prod,
    "max": ag.max,
    "min": ag.min,
    "norm": ag.norm,
    "logsumexp": ag.logsumexp,
    "softmax": lambda v: ag.dot(ag.softmax(v), v),
    "log_softmax": lambda v: ag.dot(ag.log_softmax(v), v),
}
MANY = [WIDE_FROM + 1, 450]  # in straight-line code, and as a line of a plan
LISTS = sorted(name for name, primitive in PRIMITIVES.items() if primitive.lists)


def points(n):
    """Ordinary numbers, and those at which a rule takes care."""
    rng = random.Random(n)
    normal = [rng.gauss(0, 1) for _ in range(n)]
    yield normal
    yield [x * 1e-200 for x in normal]
    yield [x * 1e200 for x in normal]
    yield [x * 1e-310 for x in normal]
    yield [math.exp(100 * x) for x in normal]
    yield [1e-300, 1e-20, *[2.0] * (n - 2)]
    yield [0.0] * 5 + [-0.0] + [0.0] * (n - 6)
    for sign in (1.0, -1.0):  # the first zero is the largest, or the smallest, though a lane before its own has another
        rest = [-sign * abs(x) - sign for x in normal]
        yield [*rest[:9], -0.0, *rest[10:16], 0.0, *rest[17:]]
        yield [*rest[:12], 0.0, *rest[13:24], -0.0, *rest[25:]]
    for odd in (INF, -INF, NAN, 0.0, normal[3]):
        yield [*normal[:7], odd, *normal[8:-1], odd]
        yield [*normal[:-1], odd]
    yield [INF] * n
    yield [-INF] * n


def eager(f, xs):
    values = [ag.Value(x) for x in xs]
    z = f(values)
    z.backward()
    return [z.data, *(x.grad for x in values)]


@pytest.mark.parametrize("n", MANY)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_bits_of_the_graph(name, n):
    """Called, bound, and as examples of a batch, with the order and the functions of `backward()`."""
    f, found = FUNCTIONS[name], list(points(n))
    alone = ag.compile(f, found[0], optimize=False)
    batch = ag.compile(f, found[0], optimize=False, in_axes=0)
    values, (gradients,) = batch.value_and_grad(np.array(found))
    bound = batch.bind(np.array(found))
    bound()
    single = alone.bind(found[0])
    for k, xs in enumerate(found):
        expected = eager(f, xs)
        value, (gradient,) = alone.value_and_grad(xs)
        single.inputs[0][:] = xs
        single()
        for numbers in (
            [value, *gradient],
            [values[k], *gradients[k]],
            [bound.out[k], *bound.grads[0][k]],
            [float(single.out), *single.grads[0]],
        ):
            assert all(map(same, numbers, expected)), (name, k)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n", MANY)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_answer(name, n, dtype):
    """Interpreted and bound, with functions of the vector library and fused products."""
    f, found = FUNCTIONS[name], np.array(list(points(n)))
    with np.errstate(over="ignore"):
        found = found.astype(dtype)
    alone = ag.compile(f, found[0], dtype=dtype)
    batch = ag.compile(f, found[0], dtype=dtype, in_axes=0)
    values, (gradients,) = batch.value_and_grad(found)
    bound = batch.bind(found)
    bound()
    assert all(map(same, bound.out.tolist(), values.tolist()))
    assert all(map(same, bound.grads[0].ravel().tolist(), gradients.ravel().tolist()))
    single = alone.bind(found[0])
    for xs in found:
        value, (gradient,) = alone.value_and_grad(xs)
        single.inputs[0][:] = xs
        single()
        assert same(float(single.out), value)
        assert all(map(same, single.grads[0].tolist(), np.asarray(gradient).tolist()))


@pytest.mark.parametrize("name", LISTS)
def test_the_same_operand_many_times(name):
    """What is sent to it adds up one by one, in the order of operands."""

    def f(x, y):
        return FUNCTIONS.get(name, FUNCTIONS["log_softmax"])([x, y] * 30 + [x] * 20)

    compiled = ag.compile(f, 0.5, 1.5, optimize=False)
    x, y = ag.Value(0.7), ag.Value(-1.3)
    f(x, y).backward()
    _, gradient = compiled.value_and_grad(0.7, -1.3)
    assert gradient == (x.grad, y.grad)
    bound = compiled.bind(0.7, -1.3)
    bound()
    assert tuple(map(float, bound.grads)) == (x.grad, y.grad)


def test_every_rule_of_any_number_of_operands_says_which_lists_they_form():
    """Without that its code would be as long as its operands are many."""
    assert set(LISTS) == {name for name, primitive in PRIMITIVES.items() if primitive.arity is None}


@pytest.mark.parametrize("width", [1, 8])
@pytest.mark.parametrize("real", [F64, F32], ids=str)
@pytest.mark.parametrize("name", LISTS)
def test_code_has_one_length(name, real, width):
    """It is read without any number of operands, and is short."""
    kind, form = (real, SIDE_BY_SIDE) if width == 1 else (ir.VectorType(real, width), OF_MANY)
    module = ir.Module()
    looped(module, PRIMITIVES[name], ("entry_a", "entry_b"), kind, form)
    assert len(str(module).splitlines()) < 3_000


@pytest.mark.parametrize("name", LISTS)
def test_the_first_code_of_a_process_has_the_addresses_of_all_that_it_calls(name, monkeypatch):
    """Of memory on the heap, too, though no function of `math` was asked for before."""
    kind = ir.VectorType(F64, 8)
    monkeypatch.setattr(llvm_functions, "OFFERED", {})
    once = llvm_functions.offer_libm, llvm_functions.vector_function
    try:
        for known in once:
            known.cache_clear()
        module = ir.Module()
        looped(module, PRIMITIVES[name], ("entry_a", "entry_b"), kind, OF_MANY)
        called = {f.name for f in module.functions if f.is_declaration and f.name.startswith(llvm_functions.PREFIX)}
        assert called <= llvm_functions.OFFERED.keys()
    finally:
        for known in once:  # what they found stands in a table that is gone
            known.cache_clear()


@pytest.mark.parametrize("name", sorted(set(LISTS) - set("sum dot mean cross_entropy largest others leading".split())))
def test_straight_line_code_grows_in_proportion(name):
    """As many more operands, as many more lines: 1.3 times as many if their number were quadratic."""
    lines = []
    for n in (40, 55, 70):
        compiled = ag.compile(FUNCTIONS[name], [0.5] * n, in_axes=0)
        one = compiled._specialization_at([0.5] * n)
        lines.append(_length(one, compiled._layout(one, gradient=True)))
    assert lines[2] - lines[1] <= 1.05 * (lines[1] - lines[0])


def test_nodes_of_straight_line_code_take_turns_in_one_memory():
    """Three of one length, and a shorter one behind them, need as much as one."""
    n, allocated = WIDE_FROM + 2, []
    for lists in ([0], [0, 1, 2], [0, 1, 2, None]):

        def f(v, lists=lists):
            return ag.sum([ag.max(v[1:] if k is None else v[k:] + v[:k]) for k in lists])

        compiled = ag.compile(f, [0.5] * n, in_axes=0)
        one = compiled._specialization_at([0.5] * n)
        allocated.append(_code(one, compiled._layout(one, gradient=True)).count("alloca"))
    assert len({*allocated}) == 1
    assert allocated[0] > 0


def _length(one, layout):
    return len(_code(one, layout).splitlines())


def _code(one, layout):
    from autograd_core._src.compiler.codegen.llvm.kernel import CALLBACK, ENTRY, KernelWriter
    from autograd_core._src.number_systems.llvm_functions import FastModule

    module = FastModule(always=True)
    kernel = Kernel(one.program, layout, 8, fast=True)
    KernelWriter(kernel, ir.Function(module, CALLBACK, f"{ENTRY}run"), strict_zero=False).write()
    return str(module)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_code_is_of_one_length_however_many_operands_there_are(name):
    """Of equal copies, each of which gives an operand, and of what is computed of them all."""
    lengths = []
    for n in (450, 900):
        leaves = [ag.Value(0.05 + 0.1 * k) for k in range(n)]
        program = program_of([FUNCTIONS[name]([ag.tanh(x) * x for x in leaves])], leaves)
        lengths.append(edges_written(program))
    assert lengths[0] == lengths[1] < 200
