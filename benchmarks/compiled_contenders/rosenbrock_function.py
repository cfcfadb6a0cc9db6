"""Rosenbrock's function: gradient, Hessian times vector, Hessian."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np

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


def rosenbrock(x):
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


def _rosenbrock_of_array(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def rosenbrock_point(n):
    return np.cos(np.arange(n)), np.sin(np.arange(n))


def called_at(call, x, point, answer):
    return repeated("x[:] = point; call()", answer, call=call, x=x, point=point)


def rosenbrock_ours(n):
    import autograd_core as ag

    point, _ = rosenbrock_point(n)
    call = ag.compile(rosenbrock, point.tolist()).bind(point)
    return called_at(call, call.inputs[0], point, lambda: digest(call.out, call.grads[0]))


def _rosenbrock_casadi(n, *, gcc):
    import casadi

    point, _ = rosenbrock_point(n)
    x, symbols = casadi_symbols(n)
    f, here = rosenbrock(symbols), point.copy()
    call, outputs = in_casadi(casadi.Function("f", [x], [f, casadi.gradient(f, x)]), [here], gcc=gcc)
    return called_at(call, here, point, lambda: digest(*outputs))


rosenbrock_casadi = partial(_rosenbrock_casadi, gcc=False)
rosenbrock_casadigcc = partial(_rosenbrock_casadi, gcc=True)


def _rosenbrock_ddx(n, *, jit):
    point, _ = rosenbrock_point(n)
    call = in_ddx(rosenbrock, n, jit=jit).buffer(point.copy())
    return called_at(call, call.x, point, lambda: digest(call.value, call.jacobian))


rosenbrock_ddx = partial(_rosenbrock_ddx, jit=False)
rosenbrock_ddxjit = partial(_rosenbrock_ddx, jit=True)


def rosenbrock_jax(n):
    jax = jax_in_doubles()
    point, _ = rosenbrock_point(n)
    f = jax.jit(jax.value_and_grad(_rosenbrock_of_array))
    return repeated("jax.block_until_ready(f(point))", lambda: digest(*f(point)), jax=jax, f=f, point=point)


def rosenbrock_torch(n):
    torch = torch_on_one_thread()
    point, _ = rosenbrock_point(n)
    x, start = torch.tensor(point, requires_grad=True), torch.tensor(point)

    def call():
        with torch.no_grad():
            x.copy_(start)
        x.grad = None
        value = _rosenbrock_of_array(x)
        value.backward()
        return value

    return repeated("call()", lambda: digest(call().detach(), x.grad), call=call)


def rosenbrock_numpy(n):
    point, _ = rosenbrock_point(n)
    x, g = point.copy(), np.zeros(n)

    def call():
        a = x[:-1]
        r, s = x[1:] - a * a, 1 - a
        g[0] = 0
        np.multiply(r, 200, out=g[1:])
        g[:-1] -= 400 * a * r + 2 * s
        return 100 * (r @ r) + s @ s

    return called_at(call, x, point, lambda: digest(call(), g))


def rosenbrock_c(n):
    point, _ = rosenbrock_point(n)
    x, value, g = point.copy(), np.zeros(1), np.zeros(n)
    call, at = in_c("rosenbrock.c", "gradient", [x, value, g], f"-DN={n}")
    names = {"call": call, "at": at, "x": x, "point": point}
    return repeated("x[:] = point; call(at)", lambda: digest(value, g), **names)


def _along(call, x, v, n, answer):
    point, vector = rosenbrock_point(n)
    names = {"call": call, "x": x, "v": v, "point": point, "vector": vector}
    return repeated("x[:] = point; v[:] = vector; call()", answer, **names)


def product_ours(n):
    import autograd_core as ag

    point, vector = rosenbrock_point(n)
    call = ag.compile(rosenbrock, point.tolist()).bind_hvp((point,), (vector,))
    return _along(call, *call.inputs, n, lambda: digest(call.out[0]))


def _product_casadi(n, *, gcc):
    import casadi

    x, symbols = casadi_symbols(n)
    v, _ = casadi_symbols(n, "v")
    product = casadi.jtimes(casadi.gradient(rosenbrock(symbols), x), x, v)
    here = [a.copy() for a in rosenbrock_point(n)]
    call, outputs = in_casadi(casadi.Function("f", [x, v], [product]), here, gcc=gcc)
    return _along(call, *here, n, lambda: digest(*outputs))


product_casadi = partial(_product_casadi, gcc=False)
product_casadigcc = partial(_product_casadi, gcc=True)


def _product_ddx(n, *, jit):
    f = in_ddx(rosenbrock, n, jit=jit)
    x, v = (a.copy() for a in rosenbrock_point(n))
    call = lambda: f.hvp(v, x)
    return _along(call, x, v, n, lambda: digest(call()[2]))


product_ddx = partial(_product_ddx, jit=False)
product_ddxjit = partial(_product_ddx, jit=True)


def product_jax(n):
    jax = jax_in_doubles()
    f = jax.jit(lambda x, v: jax.jvp(jax.grad(_rosenbrock_of_array), (x,), (v,))[1])
    x, v = rosenbrock_point(n)
    return repeated("f(x, v).block_until_ready()", lambda: digest(f(x, v)), f=f, x=x, v=v)


def product_torch(n):
    torch = torch_on_one_thread()
    x, v = map(torch.tensor, rosenbrock_point(n))
    call = lambda: torch.func.jvp(torch.func.grad(_rosenbrock_of_array), (x,), (v,))[1]
    return repeated("call()", lambda: digest(call()), call=call)


def product_numpy(n):
    x, v = (a.copy() for a in rosenbrock_point(n))
    product = np.zeros(n)

    def call():
        a, slope = x[:-1], -400 * x[:-1]
        product[0], product[1:] = 0, 200 * v[1:]
        product[:-1] += (1200 * a * a - 400 * x[1:] + 2) * v[:-1] + slope * v[1:]
        product[1:] += slope * v[:-1]

    return _along(call, x, v, n, lambda: digest(product))


def product_c(n):
    x, v, product = (*(a.copy() for a in rosenbrock_point(n)), np.zeros(n))
    call, at = in_c("rosenbrock.c", "product", [x, v, product], f"-DN={n}")
    point, vector = rosenbrock_point(n)
    names = {"call": call, "at": at, "x": x, "v": v, "point": point, "vector": vector}
    return repeated("x[:] = point; v[:] = vector; call(at)", lambda: digest(product), **names)


def hessian_ours(n):
    import autograd_core as ag

    point, _ = rosenbrock_point(n)
    call = ag.compile(rosenbrock, point.tolist()).hessian.bind(point)
    return called_at(call, call.inputs[0], point, lambda: digest(call.out[0][0]))


def _hessian_casadi(n, *, gcc, dense):
    import casadi

    point, _ = rosenbrock_point(n)
    x, symbols = casadi_symbols(n)
    h, _ = casadi.hessian(rosenbrock(symbols), x)
    here = point.copy()
    call, outputs = in_casadi(casadi.Function("f", [x], [casadi.densify(h) if dense else h]), [here], gcc=gcc)
    return called_at(call, here, point, lambda: digest(*outputs))


hessian_casadi = partial(_hessian_casadi, gcc=False, dense=True)
hessian_casadigcc = partial(_hessian_casadi, gcc=True, dense=True)


def _hessian_ddx(n, *, jit):
    import ddx

    point, _ = rosenbrock_point(n)
    call = in_ddx(rosenbrock, n, jit=jit).buffer(point.copy(), want=ddx.Want.HESSIAN)
    return called_at(call, call.x, point, lambda: digest(call.hessian))


hessian_ddx = partial(_hessian_ddx, jit=False)
hessian_ddxjit = partial(_hessian_ddx, jit=True)


def hessian_jax(n):
    jax = jax_in_doubles()
    point, _ = rosenbrock_point(n)
    f = jax.jit(jax.hessian(_rosenbrock_of_array))
    return repeated("f(point).block_until_ready()", lambda: digest(f(point)), f=f, point=point)


def hessian_torch(n):
    torch = torch_on_one_thread()
    x = torch.tensor(rosenbrock_point(n)[0])
    call = lambda: torch.func.hessian(_rosenbrock_of_array)(x)
    return repeated("call()", lambda: digest(call()), call=call)


def _hessian_c(n, function, matrix):
    point, _ = rosenbrock_point(n)
    x = point.copy()
    call, at = in_c("rosenbrock.c", function, [x, matrix], f"-DN={n}")
    names = {"call": call, "at": at, "x": x, "point": point}
    return repeated("x[:] = point; call(at)", lambda: digest(matrix), **names)


def hessian_c(n):
    return _hessian_c(n, "hessian", np.zeros((n, n)))


def sparse_ours(n):
    import autograd_core as ag

    point, _ = rosenbrock_point(n)
    call = ag.compile(rosenbrock, point.tolist()).hessian.sparse.bind(point)
    names = {"call": call, "x": call.inputs[0], "point": point}
    return repeated("x[:] = point; call()", lambda: digest(call.out), **names)


sparse_casadi = partial(_hessian_casadi, gcc=False, dense=False)
sparse_casadigcc = partial(_hessian_casadi, gcc=True, dense=False)


def sparse_c(n):
    return _hessian_c(n, "sparse", np.zeros(3 * n - 2))
