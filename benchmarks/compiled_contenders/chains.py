"""Deep chains of unary operations."""

from __future__ import annotations

import random
from functools import partial

import numpy as np

from compiled_contenders.calls import casadi_symbols, digest, in_c, in_casadi, in_ddx, repeated


def chain_kinds(n, *, mixed):
    """Which operations of a chain are sines: every other one, or half of them in random order."""
    kinds = [True, False] * (n // 2)
    if mixed:
        random.Random(0).shuffle(kinds)
    return kinds


def chain(kinds, sin, x, y):
    for is_sine in kinds:
        y = sin(y) if is_sine else y * x
    return y


START = (1.0, 0.5)  # the slope of the last by the first stays a normal number then, however long the chain


def _chain(call, x, answer):
    return repeated("x[:] = start; call()", answer, call=call, x=x, start=START)


def _chain_ours(n, *, mixed):
    import autograd_core as ag

    kinds = chain_kinds(n, mixed=mixed)
    call = ag.compile(lambda x: chain(kinds, ag.sin, *x), list(START)).bind(START)
    return _chain(call, call.inputs[0], lambda: digest(call.out, call.grads[0]))


def _chain_casadi(n, *, mixed):
    import casadi

    symbols, (a, b) = casadi_symbols(2)
    f, x = chain(chain_kinds(n, mixed=mixed), casadi.sin, a, b), np.zeros(2)
    call, outputs = in_casadi(casadi.Function("f", [symbols], [f, casadi.gradient(f, symbols)]), [x], gcc=False)
    return _chain(call, x, lambda: digest(*outputs))


def _chain_ddx(n, *, mixed, jit=False):
    import ddx

    kinds = chain_kinds(n, mixed=mixed)
    call = in_ddx(lambda x: chain(kinds, ddx.sin, *x), 2, jit=jit).buffer(np.array(START))
    return _chain(call, call.x, lambda: digest(call.value, call.jacobian))


chain_ours = partial(_chain_ours, mixed=False)
chain_casadi = partial(_chain_casadi, mixed=False)
chain_ddx = partial(_chain_ddx, mixed=False)
chain_ddxjit = partial(_chain_ddx, mixed=False, jit=True)


def chain_c(n):
    x, value, g = np.zeros(2), np.zeros(1), np.zeros(2)
    call, at = in_c("chain.c", "run", [x, value, g], f"-DN={n}")
    names = {"call": call, "at": at, "x": x, "start": START}
    return repeated("x[:] = start; call(at)", lambda: digest(value, g), **names)


mixed_ours = partial(_chain_ours, mixed=True)
mixed_casadi = partial(_chain_casadi, mixed=True)
mixed_ddx = partial(_chain_ddx, mixed=True)
