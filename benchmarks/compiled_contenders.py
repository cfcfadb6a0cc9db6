"""What `compiled.py` measures: one calculation, compiled by each library as its users would.

A contender is a function `prepare(size)` that returns `sample(lap)`, as in `contenders.py`. Every call writes its
inputs, and its results can be read after it. What is built and compiled before the first `lap("start")` is not timed.
"""

from __future__ import annotations

import ctypes
import math
import random
import subprocess
import tempfile
from functools import cache, partial
from itertools import islice, pairwise
from pathlib import Path
from timeit import Timer

import contenders
import numpy as np
from contenders import DECAY, RATE, SIZES, _binary_loss, _readme, flat, initial_weights, moons

SECONDS = 0.02  # that a sample lasts at least


def repeated(statement, answer, begin=lambda: None, phase="run", **names):
    """A sample that runs a statement so often that the clock can be trusted.

    Args:
        statement: Python: writes inputs, and calls.
        answer: Gives the numbers, after one call, that must agree between contenders.
        begin: Called before each sample.
        phase: What the time is called.
        **names: What the statement mentions.
    """
    timer = Timer(statement, globals=names)
    count, found = 0, []

    def sample(lap):
        nonlocal count, found
        begin()
        if not count:
            timer.timeit(1)  # which may load and compile
            found = answer()
            count, seconds = 1, timer.timeit(1)
            while seconds < SECONDS:
                count *= max(2, min(100, math.ceil(SECONDS / max(seconds, 1e-9))))
                seconds = timer.timeit(count)
            begin()
        lap("start")
        seconds = timer.timeit(count)
        lap(phase, count)
        if seconds < SECONDS / 2:
            count *= 2  # the next time: calls became faster, as by machine code
        return found

    return sample


def digest(*arrays):
    """A few numbers that change when any of these does, none of them a small difference of large ones."""
    found = []
    for array in arrays:
        x = np.asarray(array, float).ravel()
        k = np.arange(x.size)
        found += [float(np.abs(x) @ (2 + np.cos(k))), float((np.abs(x) + x) @ (2 + np.sin(k)))]
    return found


# --- how each library is called with memory of its own ------------------------------------------


@cache
def _folder():
    return tempfile.TemporaryDirectory()


def built(source, *flags):
    """A shared library from C."""
    path = Path(_folder().name) / f"{Path(source).stem}.so"
    command = ["gcc", "-O3", "-march=native", "-shared", "-fPIC", *flags, str(source), "-o", str(path), "-lmvec", "-lm"]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        msg = "no gcc on this machine"
        raise ImportError(msg) from error
    except subprocess.CalledProcessError as error:
        msg = f"gcc: {error.stderr}"
        raise ImportError(msg) from error
    return path


def in_c(source, function, arrays, *flags):
    """A function of a file in `c/` as a call without arguments but its block of addresses."""
    library = ctypes.PyDLL(str(built(Path(__file__).parent / "c" / source, *flags)))
    call = getattr(library, function)
    call.argtypes, call.restype = [ctypes.c_void_p], None
    block = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
    call.kept = library, block, arrays
    return call, ctypes.addressof(block)


def in_casadi(function, inputs, *, gcc):
    """CasADi's call on prepared memory, and its results."""
    import casadi

    if gcc:
        code = casadi.CodeGenerator("code.c")
        code.add(function)
        code.generate(f"{_folder().name}/")
        function = casadi.external(function.name(), str(built(Path(_folder().name) / "code.c")))
    buffer, call = function.buffer()
    outputs = [np.zeros(function.nnz_out(k)) for k in range(function.n_out())]
    for k, x in enumerate(inputs):
        buffer.set_arg(k, memoryview(x))
    for k, x in enumerate(outputs):
        buffer.set_res(k, memoryview(x))
    _KEPT.append((buffer, function, inputs, outputs))
    return call, outputs


_KEPT = []


def _casadi_symbols(n, name="x"):
    import casadi

    x = casadi.SX.sym(name, n)
    return x, [x[k] for k in range(n)]


def in_ddx(f, n, *, jit):
    """ddx-ad's equation of a function of n numbers, interpreted or compiled."""
    import ddx

    equation = ddx.equation(lambda: f([ddx.var(f"x{k}") for k in range(n)]))
    backend = ddx.Backend.COMPILE if jit else ddx.Backend.INTERPRET
    equation.options = ddx.Options(backend=backend, cache_dir="")
    return equation


def _jax():
    import jax

    jax.config.update("jax_enable_x64", val=True)
    return jax


def _torch():
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    return torch


# --- one training step of micrograd's demo ------------------------------------------------------


def _layers(w):
    """Parameters in one list as (weights, bias) of each neuron."""
    numbers = iter(w)
    return [[(list(islice(numbers, n)), next(numbers)) for _ in range(m)] for n, m in pairwise(SIZES)]


def _matrices(w):
    """The same as a matrix and a vector per layer."""
    return [(np.array([v for v, _ in layer]).T.copy(), np.array([b for _, b in layer])) for layer in _layers(w)]


def _list(matrices):
    """And back."""
    return np.concatenate([np.vstack([np.asarray(w), np.asarray(b)]).T.ravel() for w, b in matrices])


def _start(size):
    points, labels = moons(size)
    return np.array(points), np.array(labels, float), np.array(flat(initial_weights()))


def example_loss(w, point, label):
    """The loss of one point; the mean over all points is the network's."""
    import autograd_core as ag

    x = point
    for layer in _layers(w):
        x = [ag.dot(weights, x) + bias for weights, bias in layer]
        if len(x) > 1:
            x = list(map(ag.relu, x))
    return ag.relu(1 - label * x[0]) + DECAY * ag.dot(w, w)


def _trained(call, loss, w, g, first):
    """Gradient and update, on memory written in place; each sample begins at the first parameters."""

    def begin():
        w[:] = first

    statement = "call(); total = share @ loss; multiply(g, rate, change); subtract(w, change, w)"
    names = {"multiply": np.multiply, "subtract": np.subtract, "rate": RATE, "change": np.empty_like(w)}
    names |= {"loss": loss, "share": np.full(loss.size, 1 / loss.size)}
    return repeated(statement, lambda: digest(loss.mean(), w), begin, call=call, w=w, g=g, **names)


def moons_ours(size):
    """One example traced, the batch as rows."""
    import autograd_core as ag

    points, labels, first = _start(size)
    example = first.tolist(), points[0].tolist(), 1.0
    loss = ag.compile(example_loss, *example, in_axes=(None, 0, 0), reduce="mean", argnums=0)
    call = loss.bind(first, points, labels)
    return _trained(call, call.out, call.inputs[0], call.grads[0], first)


def moons_jax(size):
    """On tensors, gradient and update under one jit."""
    jax = _jax()
    import jax.numpy as jnp

    points, labels, first = _start(size)
    x, y = jnp.asarray(points), jnp.asarray(labels)
    initial = jax.tree.map(jnp.asarray, _matrices(first))

    def loss_of(matrices):
        h = x
        for w, b in matrices[:-1]:
            h = jax.nn.relu(h @ w + b)
        w, b = matrices[-1]
        squares = sum((p * p).sum() for p in jax.tree.leaves(matrices))
        return jax.nn.relu(1 - y * (h @ w + b)[:, 0]).mean() + DECAY * squares

    @jax.jit
    def step(matrices):
        loss, slopes = jax.value_and_grad(loss_of)(matrices)
        return jax.tree.map(lambda p, g: p - RATE * g, matrices, slopes), loss

    state = [initial, None]

    def call():
        state[:] = step(state[0])
        state[1].block_until_ready()

    def begin():
        state[0] = initial

    return repeated("call()", lambda: digest(state[1], _list(state[0])), begin, call=call)


def moons_torch(size):
    """On tensors."""
    torch = _torch()
    points, labels, first = _start(size)
    x, y = torch.tensor(points), torch.tensor(labels)
    parameters = [torch.tensor(p, requires_grad=True) for pair in _matrices(first) for p in pair]
    state = []

    def call():
        h = x
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            h = torch.relu(h @ w + b)
        w, b = parameters[-2:]
        loss = torch.relu(1 - y * (h @ w + b)[:, 0]).mean() + DECAY * sum((p * p).sum() for p in parameters)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= RATE * p.grad
                p.grad = None
        state[:] = [loss.detach()]

    def begin():
        with torch.no_grad():
            for p, start in zip(parameters, (q for pair in _matrices(first) for q in pair), strict=True):
                p.copy_(torch.tensor(start))

    def answer():
        arrays = [p.detach().numpy() for p in parameters]
        return digest(state[0], _list(list(zip(arrays[::2], arrays[1::2], strict=True))))

    return repeated("call()", answer, begin, call=call)


def moons_numpy(size):
    """By hand."""
    points, labels, first = _start(size)
    matrices, state = _matrices(first), [0.0]

    def call():
        (w1, b1), (w2, b2), (w3, b3) = matrices
        h1 = np.maximum(points @ w1 + b1, 0)
        h2 = np.maximum(h1 @ w2 + b2, 0)
        losses = np.maximum(1 - labels * (h2 @ w3 + b3)[:, 0], 0)
        state[0] = losses.sum() / size + DECAY * sum((p * p).sum() for pair in matrices for p in pair)
        d3 = np.where(losses > 0, -labels / size, 0)[:, None]
        d2 = (d3 @ w3.T) * (h2 > 0)
        d1 = (d2 @ w2.T) * (h1 > 0)
        for (w, b), d, h in zip(matrices, (d1, d2, d3), (points, h1, h2), strict=True):
            w -= RATE * (h.T @ d + 2 * DECAY * w)
            b -= RATE * (d.sum(axis=0) + 2 * DECAY * b)

    def begin():
        for pair, starts in zip(matrices, _matrices(first), strict=True):
            for p, start in zip(pair, starts, strict=True):
                p[:] = start

    return repeated("call()", lambda: digest(state[0], _list(matrices)), begin, call=call)


def moons_c(size):
    """By hand."""
    points, labels, first = _start(size)
    w, loss = first.copy(), np.zeros(1)
    call, at = in_c("moons.c", "run", [w, np.zeros_like(w), loss], f"-DN={size}")
    call.kept[0].load(ctypes.c_void_p(points.ctypes.data), ctypes.c_void_p(labels.ctypes.data))

    def begin():
        w[:] = first

    return repeated("call(at)", lambda: digest(loss, w), begin, call=call, at=at)


def moons_micrograd(size):
    """Built anew in each step; its loss is compared here, its gradient where `run.py` measures it."""
    sample = contenders.moons_micrograd(size)
    return lambda lap: digest(sample(lap)[0])


# --- the same as one graph of binary operations, all points unrolled ---------------------------------


def _unrolled(size, relu):
    points, labels = moons(size)
    return lambda w: _binary_loss(float, relu, _layers(w), points, labels)


def unrolled_ours(size):
    import autograd_core as ag

    *_, first = _start(size)
    call = ag.compile(_unrolled(size, ag.relu), first.tolist()).bind(first)
    return _trained(call, call.out.reshape(1), call.inputs[0], call.grads[0], first)


def unrolled_casadi(size):
    import casadi

    *_, first = _start(size)
    x, symbols = _casadi_symbols(first.size)
    loss = _unrolled(size, lambda z: casadi.fmax(z, 0))(symbols)
    w = first.copy()
    call, (value, slopes) = in_casadi(casadi.Function("f", [x], [loss, casadi.gradient(loss, x)]), [w], gcc=False)
    return _trained(call, value, w, slopes, first)


def _unrolled_ddx(size, *, jit):
    import ddx

    *_, first = _start(size)
    call = in_ddx(_unrolled(size, lambda z: ddx.max(z, 0.0)), first.size, jit=jit).buffer(first.copy())
    call()
    w, g, value = call.x, call.jacobian, np.zeros(1)
    sample = _trained(call, value, w, g, first)

    def checked(lap):
        w[:] = first
        call()
        value[0] = call.value
        return sample(lap)

    return checked


unrolled_ddx = partial(_unrolled_ddx, jit=False)
unrolled_ddxjit = partial(_unrolled_ddx, jit=True)


# --- Rosenbrock's function: gradient, Hessian times vector, Hessian --------------------------------


def rosenbrock(x):
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


def _rosenbrock_of_array(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def _point(n):
    return np.cos(np.arange(n)), np.sin(np.arange(n))


def _at(call, x, point, answer):
    return repeated("x[:] = point; call()", answer, call=call, x=x, point=point)


def rosenbrock_ours(n):
    import autograd_core as ag

    point, _ = _point(n)
    call = ag.compile(rosenbrock, point.tolist()).bind(point)
    return _at(call, call.inputs[0], point, lambda: digest(call.out, call.grads[0]))


def _rosenbrock_casadi(n, *, gcc):
    import casadi

    point, _ = _point(n)
    x, symbols = _casadi_symbols(n)
    f, here = rosenbrock(symbols), point.copy()
    call, outputs = in_casadi(casadi.Function("f", [x], [f, casadi.gradient(f, x)]), [here], gcc=gcc)
    return _at(call, here, point, lambda: digest(*outputs))


rosenbrock_casadi = partial(_rosenbrock_casadi, gcc=False)
rosenbrock_casadigcc = partial(_rosenbrock_casadi, gcc=True)


def _rosenbrock_ddx(n, *, jit):
    point, _ = _point(n)
    call = in_ddx(rosenbrock, n, jit=jit).buffer(point.copy())
    return _at(call, call.x, point, lambda: digest(call.value, call.jacobian))


rosenbrock_ddx = partial(_rosenbrock_ddx, jit=False)
rosenbrock_ddxjit = partial(_rosenbrock_ddx, jit=True)


def rosenbrock_jax(n):
    jax = _jax()
    point, _ = _point(n)
    f = jax.jit(jax.value_and_grad(_rosenbrock_of_array))
    return repeated("jax.block_until_ready(f(point))", lambda: digest(*f(point)), jax=jax, f=f, point=point)


def rosenbrock_torch(n):
    torch = _torch()
    point, _ = _point(n)
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
    point, _ = _point(n)
    x, g = point.copy(), np.zeros(n)

    def call():
        a = x[:-1]
        r, s = x[1:] - a * a, 1 - a
        g[0] = 0
        np.multiply(r, 200, out=g[1:])
        g[:-1] -= 400 * a * r + 2 * s
        return 100 * (r @ r) + s @ s

    return _at(call, x, point, lambda: digest(call(), g))


def rosenbrock_c(n):
    point, _ = _point(n)
    x, value, g = point.copy(), np.zeros(1), np.zeros(n)
    call, at = in_c("rosenbrock.c", "gradient", [x, value, g], f"-DN={n}")
    names = {"call": call, "at": at, "x": x, "point": point}
    return repeated("x[:] = point; call(at)", lambda: digest(value, g), **names)


def _along(call, x, v, n, answer):
    point, vector = _point(n)
    names = {"call": call, "x": x, "v": v, "point": point, "vector": vector}
    return repeated("x[:] = point; v[:] = vector; call()", answer, **names)


def product_ours(n):
    import autograd_core as ag

    point, vector = _point(n)
    call = ag.compile(rosenbrock, point.tolist()).bind_hvp((point,), (vector,))
    return _along(call, *call.inputs, n, lambda: digest(call.out[0]))


def _product_casadi(n, *, gcc):
    import casadi

    x, symbols = _casadi_symbols(n)
    v, _ = _casadi_symbols(n, "v")
    product = casadi.jtimes(casadi.gradient(rosenbrock(symbols), x), x, v)
    here = [a.copy() for a in _point(n)]
    call, outputs = in_casadi(casadi.Function("f", [x, v], [product]), here, gcc=gcc)
    return _along(call, *here, n, lambda: digest(*outputs))


product_casadi = partial(_product_casadi, gcc=False)
product_casadigcc = partial(_product_casadi, gcc=True)


def _product_ddx(n, *, jit):
    f = in_ddx(rosenbrock, n, jit=jit)
    x, v = (a.copy() for a in _point(n))
    call = lambda: f.hvp(v, x)
    return _along(call, x, v, n, lambda: digest(call()[2]))


product_ddx = partial(_product_ddx, jit=False)
product_ddxjit = partial(_product_ddx, jit=True)


def product_jax(n):
    jax = _jax()
    f = jax.jit(lambda x, v: jax.jvp(jax.grad(_rosenbrock_of_array), (x,), (v,))[1])
    x, v = _point(n)
    return repeated("f(x, v).block_until_ready()", lambda: digest(f(x, v)), f=f, x=x, v=v)


def product_torch(n):
    torch = _torch()
    x, v = map(torch.tensor, _point(n))
    call = lambda: torch.func.jvp(torch.func.grad(_rosenbrock_of_array), (x,), (v,))[1]
    return repeated("call()", lambda: digest(call()), call=call)


def product_numpy(n):
    x, v = (a.copy() for a in _point(n))
    product = np.zeros(n)

    def call():
        a, slope = x[:-1], -400 * x[:-1]
        product[0], product[1:] = 0, 200 * v[1:]
        product[:-1] += (1200 * a * a - 400 * x[1:] + 2) * v[:-1] + slope * v[1:]
        product[1:] += slope * v[:-1]

    return _along(call, x, v, n, lambda: digest(product))


def product_c(n):
    x, v, product = (*(a.copy() for a in _point(n)), np.zeros(n))
    call, at = in_c("rosenbrock.c", "product", [x, v, product], f"-DN={n}")
    point, vector = _point(n)
    names = {"call": call, "at": at, "x": x, "v": v, "point": point, "vector": vector}
    return repeated("x[:] = point; v[:] = vector; call(at)", lambda: digest(product), **names)


def hessian_ours(n):
    import autograd_core as ag

    point, _ = _point(n)
    call = ag.compile(rosenbrock, point.tolist()).hessian.bind(point)
    return _at(call, call.inputs[0], point, lambda: digest(call.out[0][0]))


def _hessian_casadi(n, *, gcc, dense):
    import casadi

    point, _ = _point(n)
    x, symbols = _casadi_symbols(n)
    h, _ = casadi.hessian(rosenbrock(symbols), x)
    here = point.copy()
    call, outputs = in_casadi(casadi.Function("f", [x], [casadi.densify(h) if dense else h]), [here], gcc=gcc)
    return _at(call, here, point, lambda: digest(*outputs))


hessian_casadi = partial(_hessian_casadi, gcc=False, dense=True)
hessian_casadigcc = partial(_hessian_casadi, gcc=True, dense=True)


def _hessian_ddx(n, *, jit):
    import ddx

    point, _ = _point(n)
    call = in_ddx(rosenbrock, n, jit=jit).buffer(point.copy(), want=ddx.Want.HESSIAN)
    return _at(call, call.x, point, lambda: digest(call.hessian))


hessian_ddx = partial(_hessian_ddx, jit=False)
hessian_ddxjit = partial(_hessian_ddx, jit=True)


def hessian_jax(n):
    jax = _jax()
    point, _ = _point(n)
    f = jax.jit(jax.hessian(_rosenbrock_of_array))
    return repeated("f(point).block_until_ready()", lambda: digest(f(point)), f=f, point=point)


def hessian_torch(n):
    torch = _torch()
    x = torch.tensor(_point(n)[0])
    call = lambda: torch.func.hessian(_rosenbrock_of_array)(x)
    return repeated("call()", lambda: digest(call()), call=call)


def _hessian_c(n, function, matrix):
    point, _ = _point(n)
    x = point.copy()
    call, at = in_c("rosenbrock.c", function, [x, matrix], f"-DN={n}")
    names = {"call": call, "at": at, "x": x, "point": point}
    return repeated("x[:] = point; call(at)", lambda: digest(matrix), **names)


def hessian_c(n):
    return _hessian_c(n, "hessian", np.zeros((n, n)))


def sparse_ours(n):
    import autograd_core as ag

    point, _ = _point(n)
    call = ag.compile(rosenbrock, point.tolist()).hessian.sparse.bind(point)
    names = {"call": call, "x": call.inputs[0], "point": point}
    return repeated("x[:] = point; call()", lambda: digest(call.out), **names)


sparse_casadi = partial(_hessian_casadi, gcc=False, dense=False)
sparse_casadigcc = partial(_hessian_casadi, gcc=True, dense=False)


def sparse_c(n):
    return _hessian_c(n, "sparse", np.zeros(3 * n - 2))


# --- micrograd's README graph, replayed -----------------------------------------------------------


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

    symbols, (a, b) = _casadi_symbols(2)
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
    jax = _jax()
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
    torch = _torch()
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


# --- deep chains ---------------------------------------------------------------------------------


def _kinds(n, *, mixed):
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

    kinds = _kinds(n, mixed=mixed)
    call = ag.compile(lambda x: chain(kinds, ag.sin, *x), list(START)).bind(START)
    return _chain(call, call.inputs[0], lambda: digest(call.out, call.grads[0]))


def _chain_casadi(n, *, mixed):
    import casadi

    symbols, (a, b) = _casadi_symbols(2)
    f, x = chain(_kinds(n, mixed=mixed), casadi.sin, a, b), np.zeros(2)
    call, outputs = in_casadi(casadi.Function("f", [symbols], [f, casadi.gradient(f, symbols)]), [x], gcc=False)
    return _chain(call, x, lambda: digest(*outputs))


def _chain_ddx(n, *, mixed, jit=False):
    import ddx

    kinds = _kinds(n, mixed=mixed)
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


# --- from nothing to the first gradient --------------------------------------------------------------


def _built(build):
    """Build and differentiate a chain in random order, once."""

    def prepare(n):
        build(_kinds(1000, mixed=True), lambda _: None)  # imports, and what is made at the first use
        kinds = _kinds(n, mixed=True)

        def sample(lap):
            lap("start")
            built, value, slopes, *more = build(kinds, lap)
            lap("gradient")
            del built  # which stood until its memory was measured
            return [*digest(value, slopes), *more]

        return sample

    return prepare


def _build_ours(kinds, lap):
    import autograd_core as ag

    f = ag.compile(lambda x, y: chain(kinds, ag.sin, x, y), *START)
    lap("build")
    value, slopes = f.value_and_grad(*START)
    p = f.program
    arrays = (p.codes, p.offsets, p.operands, p.constants, p.outputs, p.guards, p.truths)
    return f, value, slopes, sum(a.nbytes for a in arrays) / len(kinds)


def _build_ddx(kinds, lap):
    import ddx

    f = in_ddx(lambda x: chain(kinds, ddx.sin, *x), 2, jit=False)
    lap("build")
    return f, *f.jacobian(START)


def _build_casadi(kinds, lap):
    import casadi

    x, (a, b) = _casadi_symbols(2)
    y = chain(kinds, casadi.sin, a, b)
    f = casadi.Function("f", [x], [y, casadi.gradient(y, x)])
    lap("build")
    return f, *f(START)


build_ours, build_ddx, build_casadi = _built(_build_ours), _built(_build_ddx), _built(_build_casadi)


# --- many rows -------------------------------------------------------------------------------------


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


def _rows(n):
    return np.random.default_rng(0).uniform(0, 1, (n, 4))


def _long(*, sines):
    """The function of 300 operations, compiled for rows."""
    import autograd_core as ag

    return ag.compile(lambda x: long_function(ag.sin if sines else None, *x), [0.5] * 4, in_axes=0)


def _many_ours(n, *, sines):
    rows = _rows(n)
    call = _long(sines=sines).bind(rows)
    return _at(call, call.inputs[0], rows, lambda: digest(call.out, call.grads[0]))


def _scan_in_jax(n):
    """One row written and `vmap`ped, its rounds a scan: unrolled, XLA had not compiled it after minutes."""
    jax = _jax()

    def f(x):
        s, t, a, b = x
        rounds, step = _rounds(None, a, b)
        (s, t), _ = jax.lax.scan(lambda state, _: (step(*state), None), (s, t), None, length=rounds)
        return s * t

    f, rows, out = jax.jit(jax.vmap(jax.value_and_grad(f))), _rows(n), [None]
    statement = "out[0] = wait(f(rows))"
    return repeated(statement, lambda: digest(*out[0]), wait=jax.block_until_ready, f=f, rows=rows, out=out)


def _columns_in_jax(n):
    """Written on columns, unrolled."""
    jax = _jax()
    import jax.numpy as jnp

    @jax.jit
    def f(columns):
        values, pull = jax.vjp(lambda *xs: long_function(jnp.sin, *xs), *columns)
        return values, pull(jnp.ones_like(values))

    columns, out = list(_rows(n).T.copy()), [None]

    def answer():
        values, slopes = out[0]
        return digest(values, np.array(slopes).T)

    return repeated("out[0] = wait(f(columns))", answer, wait=jax.block_until_ready, f=f, columns=columns, out=out)


def _blocks(n, step=4096):
    return [slice(k, min(k + step, n)) for k in range(0, n, step)]


def _many_torch(n, *, sines):
    """On columns, in blocks that fit the cache."""
    torch = _torch()
    columns = torch.tensor(_rows(n).T.copy())
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
    columns, values, slopes = _rows(n).T.copy(), np.zeros(n), np.zeros((4, n))

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
    rows[:n] = _rows(n)
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


# --- what a gradient costs -----------------------------------------------------------------------------


def _cost(f, *arguments, **options):
    """Value alone, and value and gradient, by turns."""
    import autograd_core as ag

    example = [
        a[0] if rows == 0 else a for a, rows in zip(arguments, options.get("in_axes", (None,) * 3), strict=False)
    ]
    example = [np.asarray(a).tolist() for a in example]
    value = ag.compile(lambda *xs: [f(*xs)], *example, **options).bind(*arguments)  # a list has no gradient
    both = ag.compile(f, *example, **options).bind(*arguments)
    answer = lambda: digest(both.out, *both.grads)
    samples = [repeated("call()", answer, phase=phase, call=call) for phase, call in (("value", value), ("both", both))]

    def sample(lap):
        both()
        return [x for s in samples for x in s(lap)]

    return sample


def cost_moons(size):
    points, labels, first = _start(size)
    return _cost(example_loss, first, points, labels, in_axes=(None, 0, 0), reduce="mean", argnums=0)


def cost_unrolled(size):
    import autograd_core as ag

    return _cost(_unrolled(size, ag.relu), _start(size)[-1])


def cost_rosenbrock(n):
    return _cost(rosenbrock, _point(n)[0])


def cost_tiny(_):
    import autograd_core as ag

    return _cost(lambda x: readme(*x, ag.relu), np.array([-4.0, 2.0]))


def cost_chain(n):
    import autograd_core as ag

    kinds = _kinds(n, mixed=False)
    return _cost(lambda x: chain(kinds, ag.sin, *x), np.array(START))


def cost_mixed(n):
    import autograd_core as ag

    kinds = _kinds(n, mixed=True)
    return _cost(lambda x: chain(kinds, ag.sin, *x), np.array(START))


def cost_sines(n):
    import autograd_core as ag

    return _cost(lambda x: long_function(ag.sin, *x), _rows(n), in_axes=(0,))


def cost_quotients(n):
    return _cost(lambda x: long_function(None, *x), _rows(n), in_axes=(0,))
