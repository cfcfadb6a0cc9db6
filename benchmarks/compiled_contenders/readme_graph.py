"""micrograd's README graph, replayed."""

from __future__ import annotations

from functools import partial

import numpy as np
from contenders import _readme

from compiled_contenders.calls import (
    casadi_symbols,
    digest,
    in_c,
    in_casadi,
    in_ddx,
    jax_in_doubles,
    repeated,
    torch_on_one_thread,
)


def readme(a, b, relu):
    leaves = iter((a, b))
    return _readme(lambda _: next(leaves), relu)[-1]


def _tiny(call, x, answer):
    return repeated("x[0] = a; x[1] = b; call()", answer, call=call, x=x, a=-4.0, b=2.0)


def tiny_ours(_):
    import autograd_core as ag

    call = ag.compile(lambda x: readme(*x, ag.relu), [-4.0, 2.0]).bind([0.0, 0.0])
    return _tiny(call, call.inputs[0], lambda: digest(call.out, call.grads[0]))


def _tiny_casadi(_, *, gcc):
    import casadi

    symbols, (a, b) = casadi_symbols(2)
    f, x = readme(a, b, lambda z: casadi.fmax(z, 0)), np.zeros(2)
    call, outputs = in_casadi(casadi.Function("f", [symbols], [f, casadi.gradient(f, symbols)]), [x], gcc=gcc)
    return _tiny(call, x, lambda: digest(*outputs))


tiny_casadi = partial(_tiny_casadi, gcc=False)
tiny_casadigcc = partial(_tiny_casadi, gcc=True)


def _tiny_ddx(_, *, jit):
    import ddx

    call = in_ddx(lambda x: readme(*x, lambda z: ddx.max(z, 0.0)), 2, jit=jit).buffer(np.zeros(2))
    return _tiny(call, call.x, lambda: digest(call.value, call.jacobian))


tiny_ddx = partial(_tiny_ddx, jit=False)
tiny_ddxjit = partial(_tiny_ddx, jit=True)


def tiny_jax(_):
    jax = jax_in_doubles()
    f = jax.jit(jax.value_and_grad(lambda x: readme(*x, jax.nn.relu)))
    x = np.array([-4.0, 2.0])
    return _tiny(lambda: jax.block_until_ready(f(x)), x, lambda: digest(*f(x)))


def tiny_micrograd(_):
    """Built anew in each call: micrograd has no replay."""
    from micrograd.engine import Value

    x = np.array([-4.0, 2.0])

    def call():
        a, b = map(Value, x.tolist())
        root = readme(a, b, Value.relu)
        root.backward()
        return digest(root.data, [a.grad, b.grad])

    return _tiny(call, x, call)


def tiny_torch(_):
    """Scalars, built anew in each call."""
    torch = torch_on_one_thread()
    x = np.array([-4.0, 2.0])

    def call():
        a, b = (torch.tensor(z, requires_grad=True) for z in x.tolist())
        root = readme(a, b, torch.relu)
        root.backward()
        return root, a, b

    def answer():
        root, a, b = call()
        return digest(root.item(), [a.grad.item(), b.grad.item()])

    return _tiny(call, x, answer)


def tiny_c(_):
    x, value, g = np.zeros(2), np.zeros(1), np.zeros(2)
    call, at = in_c("tiny.c", "run", [x, value, g])
    names = {"call": call, "at": at, "x": x, "a": -4.0, "b": 2.0}
    return repeated("x[0] = a; x[1] = b; call(at)", lambda: digest(value, g), **names)
