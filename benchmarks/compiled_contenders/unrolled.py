"""One training step of micrograd's demo as one graph of binary operations, all points unrolled."""

from __future__ import annotations

from functools import partial

import numpy as np
from contenders import _binary_loss, moons

from compiled_contenders.calls import casadi_symbols, in_casadi, in_ddx
from compiled_contenders.moons_step import layers_of, moons_start, trained


def unrolled_loss(size, relu):
    points, labels = moons(size)
    return lambda w: _binary_loss(float, relu, layers_of(w), points, labels)


def unrolled_ours(size):
    import autograd_core as ag

    *_, first = moons_start(size)
    call = ag.compile(unrolled_loss(size, ag.relu), first.tolist()).bind(first)
    return trained(call, call.out.reshape(1), call.inputs[0], call.grads[0], first)


def unrolled_casadi(size):
    import casadi

    *_, first = moons_start(size)
    x, symbols = casadi_symbols(first.size)
    loss = unrolled_loss(size, lambda z: casadi.fmax(z, 0))(symbols)
    w = first.copy()
    call, (value, slopes) = in_casadi(casadi.Function("f", [x], [loss, casadi.gradient(loss, x)]), [w], gcc=False)
    return trained(call, value, w, slopes, first)


def _unrolled_ddx(size, *, jit):
    import ddx

    *_, first = moons_start(size)
    call = in_ddx(unrolled_loss(size, lambda z: ddx.max(z, 0.0)), first.size, jit=jit).buffer(first.copy())
    call()
    w, g, value = call.x, call.jacobian, np.zeros(1)
    sample = trained(call, value, w, g, first)

    def checked(lap):
        w[:] = first
        call()
        value[0] = call.value
        return sample(lap)

    return checked


unrolled_ddx = partial(_unrolled_ddx, jit=False)
unrolled_ddxjit = partial(_unrolled_ddx, jit=True)
