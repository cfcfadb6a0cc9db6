"""The calls that `compiled.py` measures, as people type them: arguments are passed and results are fresh.

The modules of the calculations have the same on memory of the caller's own. NumPy by hand, jax
and torch are called in one way only, and so is C.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from contenders import RATE

from compiled_contenders.calls import casadi_symbols, digest, in_ddx, repeated
from compiled_contenders.chains import START, chain, chain_kinds
from compiled_contenders.moons_step import example_loss, moons_start
from compiled_contenders.readme_graph import readme
from compiled_contenders.rosenbrock_function import rosenbrock, rosenbrock_point
from compiled_contenders.rows import long_program, many_points
from compiled_contenders.unrolled import unrolled_loss


def called(f, *arguments, numbers=None):
    """A sample of `f(*arguments)`.

    Args:
        f: Gives arrays, or tuples of them.
        *arguments: For it.
        numbers: Of the result, the arrays that must agree between contenders; all of them if not given.
    """
    names = [f"_{k}" for k in range(len(arguments))]
    statement = f"out[0] = f({', '.join(names)})"
    out = [None]
    answer = lambda: digest(*(numbers or _arrays)(out[0]))
    return repeated(statement, answer, f=f, out=out, **dict(zip(names, arguments, strict=True)))


def _arrays(result):
    return [x for part in result for x in _arrays(part)] if isinstance(result, (tuple, list)) else [result]


def _of_ours(f, example, *, transform="value_and_grad"):
    import autograd_core as ag

    return getattr(ag.compile(f, example), transform)


def _of_casadi(f, x, symbols, *more):
    """Value and gradient, or what else is given, as a function that is called with an array."""
    import casadi

    y = f(symbols)
    outputs = more or (y, casadi.gradient(y, x))
    return casadi.Function("f", [x], list(outputs))


# --- one training step of micrograd's demo ------------------------------------------------------


def _training(step, first):
    """Gradient and update of parameters that a loop holds; each sample begins at the first ones."""
    state = [first, 0.0]

    def begin():
        state[:] = [first.copy(), 0.0]

    def call():
        loss, slopes = step(state[0])
        state[:] = [state[0] - RATE * np.asarray(slopes).ravel(), loss]

    return repeated("call()", lambda: digest(state[1], state[0]), begin, call=call)


def moons_plain(size):
    import autograd_core as ag

    points, labels, first = moons_start(size)
    f = ag.compile(example_loss, first, points[0], 1.0, in_axes=(None, 0, 0), reduce="mean", argnums=0).value_and_grad

    def step(w):
        losses, [slopes] = f(w, points, labels)
        return np.mean(losses), slopes

    return _training(step, first)


def unrolled_plain(size):
    import autograd_core as ag

    *_, first = moons_start(size)
    f = _of_ours(unrolled_loss(size, ag.relu), first)

    def step(w):
        loss, [slopes] = f(w)
        return loss, slopes

    return _training(step, first)


def unrolled_casadiplain(size):
    import casadi

    *_, first = moons_start(size)
    f = _of_casadi(unrolled_loss(size, lambda z: casadi.fmax(z, 0)), *casadi_symbols(first.size))
    return _training(f, first)


def unrolled_ddxplain(size):
    import ddx

    *_, first = moons_start(size)
    return _training(in_ddx(unrolled_loss(size, lambda z: ddx.max(z, 0.0)), first.size, jit=False).jacobian, first)


# --- Rosenbrock's function: gradient, Hessian times vector, Hessian --------------------------------


def rosenbrock_plain(n):
    point, _ = rosenbrock_point(n)
    return called(_of_ours(rosenbrock, point), point)


def rosenbrock_casadiplain(n):
    return called(_of_casadi(rosenbrock, *casadi_symbols(n)), rosenbrock_point(n)[0])


def _rosenbrock_ddx(n, *, jit):
    return called(in_ddx(rosenbrock, n, jit=jit).jacobian, rosenbrock_point(n)[0])


rosenbrock_ddxplain = partial(_rosenbrock_ddx, jit=False)
rosenbrock_ddxjitplain = partial(_rosenbrock_ddx, jit=True)


def product_plain(n):
    point, vector = rosenbrock_point(n)
    return called(_of_ours(rosenbrock, point, transform="hvp"), (point,), (vector,))


def product_casadiplain(n):
    import casadi

    x, symbols = casadi_symbols(n)
    v, _ = casadi_symbols(n, "v")
    product = casadi.jtimes(casadi.gradient(rosenbrock(symbols), x), x, v)
    return called(casadi.Function("f", [x, v], [product]), *rosenbrock_point(n))


def hessian_plain(n):
    point, _ = rosenbrock_point(n)
    return called(_of_ours(rosenbrock, point, transform="hessian"), point)


def _hessian_casadi(n, *, dense, numbers=None):
    import casadi

    x, symbols = casadi_symbols(n)
    h, _ = casadi.hessian(rosenbrock(symbols), x)
    f = _of_casadi(rosenbrock, x, symbols, casadi.densify(h) if dense else h)
    return called(f, rosenbrock_point(n)[0], numbers=numbers)


hessian_casadiplain = partial(_hessian_casadi, dense=True)


def _hessian_ddx(n, *, jit):
    return called(in_ddx(rosenbrock, n, jit=jit).hessian, rosenbrock_point(n)[0], numbers=lambda found: found[2:])


hessian_ddxplain = partial(_hessian_ddx, jit=False)
hessian_ddxjitplain = partial(_hessian_ddx, jit=True)


def sparse_plain(n):
    point, _ = rosenbrock_point(n)
    return called(_of_ours(rosenbrock, point, transform="hessian").sparse, point)


sparse_casadiplain = partial(_hessian_casadi, dense=False, numbers=lambda found: [found.nonzeros()])


# --- micrograd's README graph ----------------------------------------------------------------------

AT = np.array([-4.0, 2.0])


def tiny_plain(_):
    import autograd_core as ag

    return called(_of_ours(lambda x: readme(*x, ag.relu), AT), AT)


def tiny_casadiplain(_):
    import casadi

    return called(_of_casadi(lambda x: readme(*x, lambda z: casadi.fmax(z, 0)), *casadi_symbols(2)), AT)


def _tiny_ddx(_, *, jit):
    import ddx

    return called(in_ddx(lambda x: readme(*x, lambda z: ddx.max(z, 0.0)), 2, jit=jit).jacobian, AT)


tiny_ddxplain = partial(_tiny_ddx, jit=False)
tiny_ddxjitplain = partial(_tiny_ddx, jit=True)


# --- deep chains ---------------------------------------------------------------------------------


def _chain_ours(n, *, mixed):
    import autograd_core as ag

    kinds, at = chain_kinds(n, mixed=mixed), np.array(START)
    return called(_of_ours(lambda x: chain(kinds, ag.sin, *x), at), at)


def _chain_casadi(n, *, mixed):
    import casadi

    kinds = chain_kinds(n, mixed=mixed)
    return called(_of_casadi(lambda x: chain(kinds, casadi.sin, *x), *casadi_symbols(2)), np.array(START))


def _chain_ddx(n, *, mixed):
    import ddx

    kinds = chain_kinds(n, mixed=mixed)
    return called(in_ddx(lambda x: chain(kinds, ddx.sin, *x), 2, jit=False).jacobian, np.array(START))


chain_plain, mixed_plain = partial(_chain_ours, mixed=False), partial(_chain_ours, mixed=True)
chain_casadiplain, mixed_casadiplain = partial(_chain_casadi, mixed=False), partial(_chain_casadi, mixed=True)
chain_ddxplain, mixed_ddxplain = partial(_chain_ddx, mixed=False), partial(_chain_ddx, mixed=True)


# --- many rows -------------------------------------------------------------------------------------


def _many(n, *, sines):
    return called(long_program(sines=sines).value_and_grad, many_points(n))


sines_plain, quotients_plain = partial(_many, sines=True), partial(_many, sines=False)
