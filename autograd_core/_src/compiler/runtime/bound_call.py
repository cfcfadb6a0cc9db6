"""Bound calls, with preallocated memory: for loops that change some inputs, run, and read the results."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from .batches import views

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ir.layout import Layout
    from .executors import Runner
    from .specialization import Specialization
    from .traced_function import TracedFunction

HELD = 20_000  # edges times blocks of examples below which a call holds the GIL: releasing it would take longer
_KEEPING, _RELEASING = ctypes.PYFUNCTYPE(None), ctypes.CFUNCTYPE(None)


class Bound:
    """What `CompiledFunction.bind` returns: call it, without arguments, to go from inputs to results.

    Attributes:
        inputs: A tuple with one entry per argument: an array, or a tree of arrays, to be written in
            place. Those of batched arguments have the examples along axis 0.
        out: The results, arrays that each call overwrites.
        grads: The gradients, one entry per differentiated argument; () where the function does not
            have one number as its result.

    Example:
        >>> import autograd_core as ag
        >>> f = ag.compile(lambda w, x: w * x * x, 1.0, 1.0, in_axes=(None, 0), reduce="sum")
        >>> call = f.bind(10.0, [1.0, 2.0])
        >>> call()
        >>> call.out.tolist(), call.grads[0].tolist()
        ([10.0, 40.0], 5.0)
        >>> call.inputs[1][:] = [3.0, 4.0]
        >>> call()
        >>> call.out.tolist()
        [90.0, 160.0]
    """

    inputs: tuple[Any, ...]
    out: Any
    grads: tuple[Any, ...]

    if TYPE_CHECKING:

        def __call__(self) -> None:
            """Compute the results from the inputs."""


class CheckedBound(Bound):
    """A bound call that runs Python code: to test guards, or to run an interpreter."""

    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run

    def __call__(self) -> None:
        """Compute the results from the inputs."""
        self._run()


class HeldBound(Bound, _KEEPING):  # type: ignore[misc, valid-type]
    """Calls native code while holding the GIL, in 0.1 us; a Python method would take 0.3."""

    _flags_ = _KEEPING._flags_
    _restype_ = None
    _argtypes_ = ()  # pyright: ignore[reportAssignmentType]  a list or tuple, whatever typeshed says


class FreeBound(Bound, _RELEASING):  # type: ignore[misc, valid-type]
    """Calls native code with the GIL released."""

    _flags_ = _RELEASING._flags_
    _restype_ = None
    _argtypes_ = ()  # pyright: ignore[reportAssignmentType]  a list or tuple, whatever typeshed says


def native(runner: Any) -> Bound:
    """A call of a runner's code with the address of its memory compiled in; it keeps both alive."""
    bound: Any = direct(runner)
    bound.runner = runner
    return bound  # type: ignore[no-any-return]


def direct(runner: Any) -> Bound:
    """A call of a function that has its own memory's address, which the runner keeps alive."""
    # A wrapper in machine code with the address as a constant: ctypes then converts no argument, which takes longer
    # than a small program runs. The attributes below keep code and memory alive as long as the call.
    from llvmlite import ir

    from ..codegen.llvm.jit import ENTRY, I64, PTR, VOID, addresses_of, i64

    call = ir.FunctionType(VOID, [PTR])
    module = ir.Module()
    b = ir.IRBuilder(ir.Function(module, ir.FunctionType(VOID, []), f"{ENTRY}call").append_basic_block())
    b.call(b.inttoptr(i64(runner.address), call.as_pointer()), [b.inttoptr(ir.Constant(I64, runner.at), PTR)])
    b.ret_void()
    [address] = addresses_of(module, [f"{ENTRY}call"], keep=False)
    bound: Any = (HeldBound if runner.work < HELD else FreeBound)(address)
    bound.code = address
    return bound  # type: ignore[no-any-return]


def bound(function: TracedFunction, shared: Any, tables: list[Any]) -> Bound:
    """A call of a compiled function with memory of its own.

    Args:
        function: What is called.
        shared: Numbers of arguments that all examples share.
        tables: Those of the others, examples first.
    """
    count = len(tables[0]) if tables else 1
    specialization = function._specializations[0]
    is_number = specialization.spec.kind == "leaf" and specialization.pattern is None
    layout = function._layout(specialization, gradient=is_number)
    # Compiled at once, without waiting until calls have taken long enough: who binds a function means to call it often.
    is_compiled = specialization.interpreter.backend == "llvm" and count > 0
    runner = specialization.runner(layout, count, compiled=is_compiled)
    specialization.fill(runner, shared, tables)
    if function._reduce == "mean":
        runner.divisor[:] = count
    # With guards, results have to be looked at after each run, which takes Python.
    if runner.is_native and not specialization.guards:
        call = native(runner)
    else:
        call = CheckedBound(lambda: _run_checked(function, specialization, runner))
    _name_memory(function, call, layout, runner)
    return call


def _name_memory(function: TracedFunction, call: Bound, layout: Layout, runner: Runner) -> None:
    """Give the runner's memory the shapes of arguments, result and gradients."""
    rows = any(function._mapped)
    tables, groups, inputs, grads, start = iter(runner.tables), iter(runner.per_example), [], [], 0
    for spec, slots, mapped in zip(function._specs, function._slots, function._mapped, strict=True):
        table = next(tables) if mapped else runner.shared[None, slots.start : slots.stop]
        inputs.append(views(spec, table, rows=mapped))
    for i in function._argnums if layout.has_gradient else ():
        spec = function._specs[i]
        if function._is_summed(i):
            grads.append(views(spec, runner.summed[None, start : start + spec.size], rows=False))
            start += spec.size
        else:
            grads.append(views(spec, next(groups), rows=rows))
    out = runner.results[:, : function._specializations[0].width]
    call.inputs, call.grads = tuple(inputs), tuple(grads)
    call.out = views(function._specializations[0].spec, out, rows=rows)


def _run_checked(function: TracedFunction, specialization: Specialization, runner: Runner) -> None:
    """Run, and let other specializations run the examples at which a guard fails."""
    runner.run()
    n = specialization.width  # guards are further columns of the results, after the function's own
    if np.array_equal(
        runner.results[:, n:] != 0, np.broadcast_to(specialization.program.truths, runner.results[:, n:].shape)
    ):
        return
    # All examples again, not only those that failed: gradients may be summed over examples already. Guards rarely fail.
    values, per_example, summed = function._evaluated(
        runner.shared, runner.tables, gradient=bool(runner.per_example) or bool(runner.summed.size)
    )
    runner.results[:, :n] = values
    for mine, group in zip(runner.per_example, per_example, strict=True):
        mine[:] = group
    runner.summed[:] = summed / runner.divisor
