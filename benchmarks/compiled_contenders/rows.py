"""Functions over many rows."""

from __future__ import annotations

from functools import partial

import numpy as np

from compiled_contenders.calls import digest, in_c, jax_in_doubles, repeated, torch_on_one_thread
from compiled_contenders.rosenbrock_function import called_at


def _rounds(sin, a, b):
    """How many rounds there are, and one of them: 10 operations with a sine, 12 with a quotient instead."""

    def step(s, t):
        u = s * a + t
        v = sin(u) if sin else u / (1 + u * u)
        return s + 0.1 * (u * v - t * b), t - 0.1 * v

    return (30 if sin else 25), step


def long_function(sin, s, t, a, b):
    """300 operations."""
    rounds, step = _rounds(sin, a, b)
    for _ in range(rounds):
        s, t = step(s, t)
    return s * t


def many_points(n):
    return np.random.default_rng(0).uniform(0, 1, (n, 4))


def long_program(*, sines):
    """The function of 300 operations, compiled for rows."""
    import autograd_core as ag

    return ag.compile(lambda x: long_function(ag.sin if sines else None, *x), [0.5] * 4, in_axes=0)


def _many_ours(n, *, sines):
    rows = many_points(n)
    call = long_program(sines=sines).bind(rows)
    return called_at(call, call.inputs[0], rows, lambda: digest(call.out, call.grads[0]))


def _scan_in_jax(n):
    """One row written and `vmap`ped, its rounds a scan: unrolled, XLA had not compiled it after minutes."""
    jax = jax_in_doubles()

    def f(x):
        s, t, a, b = x
        rounds, step = _rounds(None, a, b)
        (s, t), _ = jax.lax.scan(lambda state, _: (step(*state), None), (s, t), None, length=rounds)
        return s * t

    f, rows, out = jax.jit(jax.vmap(jax.value_and_grad(f))), many_points(n), [None]
    statement = "out[0] = wait(f(rows))"
    return repeated(statement, lambda: digest(*out[0]), wait=jax.block_until_ready, f=f, rows=rows, out=out)


def _columns_in_jax(n):
    """Written on columns, unrolled."""
    jax = jax_in_doubles()
    import jax.numpy as jnp

    @jax.jit
    def f(columns):
        values, pull = jax.vjp(lambda *xs: long_function(jnp.sin, *xs), *columns)
        return values, pull(jnp.ones_like(values))

    columns, out = list(many_points(n).T.copy()), [None]

    def answer():
        values, slopes = out[0]
        return digest(values, np.array(slopes).T)

    return repeated("out[0] = wait(f(columns))", answer, wait=jax.block_until_ready, f=f, columns=columns, out=out)


def _blocks(n, step=4096):
    return [slice(k, min(k + step, n)) for k in range(0, n, step)]


def _many_torch(n, *, sines):
    """On columns, in blocks that fit the cache."""
    torch = torch_on_one_thread()
    columns = torch.tensor(many_points(n).T.copy())
    values, slopes = torch.zeros(n), torch.zeros(4, n)

    def call():
        for here in _blocks(n):
            leaves = [x[here].detach().requires_grad_() for x in columns]
            out = long_function(torch.sin if sines else None, *leaves)
            out.backward(torch.ones_like(out))
            values[here] = out.detach()
            for row, leaf in zip(slopes, leaves, strict=True):
                row[here] = leaf.grad

    return repeated("call()", lambda: digest(values, slopes.T.contiguous()), call=call)


def _many_numpy(n, *, sines):
    """By hand, on columns, in blocks that fit the cache."""
    columns, values, slopes = many_points(n).T.copy(), np.zeros(n), np.zeros((4, n))

    def call():
        for here in _blocks(n):
            s, t, a, b = columns[:, here]
            tape = []
            for _ in range(30 if sines else 25):
                u = s * a + t
                if sines:
                    v, slope = np.sin(u), np.cos(u)
                else:
                    reciprocal = 1 / (1 + u * u)
                    v = u * reciprocal
                    slope = (1 - 2 * u * v) * reciprocal
                tape.append((s, t, u, v, slope))
                s, t = s + 0.1 * (u * v - t * b), t - 0.1 * v
            values[here] = s * t
            ds, dt, da, db = t, s, np.zeros_like(s), np.zeros_like(s)
            for s, t, u, v, slope in reversed(tape):
                dw = 0.1 * ds
                du = dw * v + (dw * u - 0.1 * dt) * slope
                db -= dw * t
                dt = dt + du - dw * b
                da += du * s
                ds = ds + du * a
            slopes[:, here] = ds, dt, da, db

    return repeated("call()", lambda: digest(values, slopes.T), call=call)


def _many_c(n, *, sines):
    padded = -(-n // 8) * 8
    rows = np.zeros((padded, 4))
    rows[:n] = many_points(n)
    values, slopes = np.zeros(padded), np.zeros((padded, 4))
    call, at = in_c("rows.c", "run", [rows, values, slopes], f"-DN={n}", f"-DSINES={int(sines)}")
    return repeated("call(at)", lambda: digest(values[:n], slopes[:n]), call=call, at=at)


sines_ours = partial(_many_ours, sines=True)


def sines_jax(n):
    return _columns_in_jax(n)


sines_torch = partial(_many_torch, sines=True)
sines_numpy = partial(_many_numpy, sines=True)
sines_c = partial(_many_c, sines=True)
quotients_ours = partial(_many_ours, sines=False)


def quotients_jax(n):
    return _scan_in_jax(n)


quotients_torch = partial(_many_torch, sines=False)
quotients_numpy = partial(_many_numpy, sines=False)
quotients_c = partial(_many_c, sines=False)
