"""The terms of each library: the same formula as a program of it, and its checker's answer to that.

A case of `checkers_collection.py` is written over `m`, which supplies elementary functions and

    m.custom(name, value, gradient)   a function with a derivative written by hand, as the library has it:
                                      @primitive here, torch.autograd.Function, jax.custom_vjp, autograd's @primitive
    m.stop(x)                         a number that no derivative passes (detach, stop_gradient)
    m.stack(numbers)                  an array of them
    m.single(x)                       rounded to single precision
    m.c(name)                         a function of the C library

`Exact` is mpmath with 200 digits. It says which derivatives of the collection are right, so that no checker has to.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import warnings
from dataclasses import dataclass
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
from planting import planted

import autograd_core as ag
from autograd_core._src.engine import ops
from autograd_core.testing import check_gradient

FUNCTIONS = "exp expm1 log log1p log10 sin cos tan tanh cosh atan sqrt sign floor where maximum minimum".split()
OTHER_NAMES = {"atan": "arctan"}


@cache
def libm(name):
    found = getattr(ctypes.CDLL(ctypes.util.find_library("m")), name)
    found.restype, found.argtypes = ctypes.c_double, [ctypes.c_double]
    return found


def entries(gradient):
    """A gradient as a tuple with an entry per argument."""
    return lambda *xs: g if isinstance(g := gradient(*xs), tuple) else (g,)


class Terms:
    """Elementary functions by name."""

    def __init__(self, library, lifted=lambda f: f):
        for name in FUNCTIONS:
            setattr(self, name, lifted(getattr(library, name, None) or getattr(library, OTHER_NAMES.get(name, name))))


class NumPy(Terms):
    """Values only: the derivative is a function of its own."""

    stack = staticmethod(np.array)

    def __init__(self):
        super().__init__(np)

    def custom(self, name, value, _gradient):
        def compiled(*xs):  # as most code: it takes floats (or complex numbers) and arrays of them, and nothing else
            if any(np.asarray(x).dtype == object for x in xs):
                msg = f"{name}: expected floats or arrays of them, got {xs!r:.80}"
                raise TypeError(msg)
            return value(*xs)

        return compiled

    def stop(self, x):
        return x

    def sum(self, x):
        return np.sum(x)

    def single(self, x):
        return np.float64(np.float32(x))

    def c(self, name):
        return lambda x: libm(name)(float(x))


class Own(Terms):
    """This library. Faults are user primitives, or planted in an entry of the table while the terms are open."""

    def __init__(self):
        super().__init__(ag)
        self.planted = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.planted.close()

    def stop(self, x):
        return x.detach() if isinstance(x, ag.Value) else x

    def sum(self, xs):
        return ag.sum(xs)

    def custom(self, name, value, gradient):
        rule = lambda *xs_and_z: tuple(entries(gradient)(*xs_and_z[:-1]))
        if name in ops.PRIMITIVES:
            return self.plant(ops.PRIMITIVES[name], rule)

        def op(*xs):
            return value(*xs)

        op.__name__ = op.__qualname__ = name
        made = ag.primitive(op)
        made.partials(rule)
        return made

    def plant(self, primitive, rule):
        """Give a built-in primitive other partials."""
        return self.planted.enter_context(planted(primitive, lambda m, *xs_and_z: rule(*xs_and_z)))


class Torch(Terms):
    def __init__(self):
        import torch

        self.torch = torch
        super().__init__(torch, lambda f: lambda *xs: f(*map(self.tensor, xs)))

    def tensor(self, x):
        if isinstance(x, self.torch.Tensor):
            return x
        return self.torch.tensor(x, dtype=getattr(self.torch, np.asarray(x).dtype.name))

    def stack(self, xs):
        return self.torch.stack([self.tensor(x) for x in xs])

    def sum(self, x):
        return self.torch.sum(x)

    def stop(self, x):
        return x.detach()

    def single(self, x):
        return x.float().double()

    def c(self, name):
        return lambda x: self.tensor(libm(name)(float(x)))

    def custom(self, _name, value, gradient):
        terms = self

        class Function(self.torch.autograd.Function):
            @staticmethod
            def forward(ctx, *xs):
                ctx.save_for_backward(*xs)
                return terms.tensor(value(*xs))

            @staticmethod
            def backward(ctx, g):
                return tuple(g * d for d in entries(gradient)(*ctx.saved_tensors))

        return Function.apply


class Jax(Terms):
    def __init__(self):
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)  # noqa: FBT003
        self.jax, self.jnp = jax, jnp
        self.stack = lambda xs: jnp.stack([jnp.asarray(x) for x in xs])
        self.sum, self.stop = jnp.sum, jax.lax.stop_gradient
        super().__init__(jnp)

    def tensor(self, x):
        return self.jnp.asarray(x)

    def single(self, x):
        return self.jnp.float64(self.jnp.float32(x))

    def c(self, name):
        shape = self.jax.ShapeDtypeStruct((), self.jnp.float64)
        return lambda x: self.jax.pure_callback(lambda x: np.float64(libm(name)(float(x))), shape, x)

    def custom(self, _name, value, gradient):
        op = self.jax.custom_vjp(lambda *xs: value(*xs))  # noqa: PLW0108  it asks for a signature

        def backward(xs, g):
            return tuple(g * d + self.jnp.zeros_like(x) for x, d in zip(xs, entries(gradient)(*xs), strict=True))

        op.defvjp(lambda *xs: (value(*xs), xs), backward)
        return op


class Autograd(Terms):
    def __init__(self):
        import autograd
        import autograd.numpy as anp

        self.autograd = autograd
        self.stack, self.sum = anp.array, anp.sum
        super().__init__(anp)

    def tensor(self, x):
        return np.asarray(x) if np.ndim(x) else x

    def stop(self, x):
        return self.autograd.tracer.getval(x)

    def single(self, x):
        return np.float64(np.float32(x))

    def c(self, name):
        return lambda x: libm(name)(float(x))

    def custom(self, _name, value, gradient):
        op = self.autograd.extend.primitive(value)
        self.autograd.extend.defvjp_argnum(op, lambda i, ans, xs, kwargs: lambda g: g * entries(gradient)(*xs)[i])
        return op


class Exact(Terms):
    """mpmath, as far as NumPy arrays of its numbers go."""

    stack = staticmethod(np.array)

    def __init__(self, digits=200):
        import mpmath

        self.mp = mp = mpmath.mp.clone()
        mp.dps = digits
        super().__init__(mp_functions(mp))

    def custom(self, _name, value, _gradient):
        return value

    def stop(self, x):
        return x

    def sum(self, x):
        return np.sum(x)

    def single(self, x):
        return self.numbers(np.float32(x))

    def c(self, name):
        mp = self.mp
        return {"j0": partial(mp.besselj, 0), "j1": partial(mp.besselj, 1), "erf": mp.erf, "lgamma": mp.loggamma}[name]

    def numbers(self, x):
        """A number or an array in mpmath's numbers."""
        return np.vectorize(lambda x: self.mp.mpf(float(x)), otypes=[object])(x)[()]

    def slope(self, f, at, v):
        """The derivative of f at some arguments along a direction, by a central difference with a step of 60 digits."""
        h = self.mp.mpf(10) ** -60
        up, down = ([self.numbers(x) + t * self.numbers(d) for x, d in zip(at, v, strict=True)] for t in (h, -h))
        return (f(*up) - f(*down)) / (2 * h)


def mp_functions(mp):
    """mpmath's functions over arrays of its numbers."""
    functions = {name: (getattr(mp, name, None), 1) for name in FUNCTIONS} | {
        "where": (lambda c, a, b: a if c else b, 3),
        "maximum": (max, 2),
        "minimum": (min, 2),
    }
    return SimpleNamespace(**{name: np.frompyfunc(f, count, 1) for name, (f, count) in functions.items()})


# --- checkers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What a checker says: whether it raises an alarm, in which words, and which operation it names."""

    alarm: bool | None
    says: str = ""
    named: str = ""


IMPOSSIBLE = Answer(alarm=None)  # the case cannot be written in its terms
PASSES = Answer(alarm=False)


def first_line(error):
    return str(error).strip().partition("\n")[0]


def arguments(m, case):
    return [m.tensor(x) for x in case.at]


def ours(case):
    """`check_gradient`: on the program itself where it is made of this library's operations, else on the host's."""
    report = ours_report(case)
    return Answer(is_alarm(case, report), report.verdict.value, report.faulty_op)


def is_alarm(case, report):
    """Whether a verdict says that a derivative is wrong, or what comes down to that where it is not."""
    verdict = report.verdict.value
    if verdict == "KINK":  # wrong beyond the one-sided derivatives; a false one where there is no kink
        inside = report.interval[0] <= report.worst.found <= report.interval[1]
        return not inside or not (case.fault or case.kink)
    if not case.fault:
        return verdict in ("WRONG", "DISCONTINUOUS", "NOT_FINITE")
    if verdict == "NOT_FINITE":
        return case.found == "not finite"
    if verdict == "ILL_CONDITIONED":  # says so of digits that an operation loses, if it names the operation
        return case.category == "lost digits" and bool(report.faulty_op)
    return verdict == "WRONG"


def ours_report(case):
    if case.host == "own":
        with Own() as m:
            return check_gradient(case.function(m), case.at, order=case.order)
    if case.host in ("numpy", "c"):
        m = NumPy()
        by_hand = entries(case.derivative(m))
        return check_gradient(case.function(m), case.at, derivative=lambda *xs: _unpacked(by_hand(*xs)))
    m = {"torch": Torch, "jax": Jax}[case.host]()
    f = case.function(m)
    gradient = torch_gradient if case.host == "torch" else jax_gradient
    slope = gradient(m, f, len(case.at))
    if case.order > 1:  # of one number: the second derivative is judged by the first one's values
        f, slope = slope, gradient(m, slope, 1)
    return check_gradient(f, tuple(arguments(m, case)), derivative=slope)


def _unpacked(found):
    return found[0] if len(found) == 1 else found


def torch_gradient(m, f, _):
    def gradient(*xs):
        xs = [x if x.requires_grad else x.detach().requires_grad_() for x in xs]
        return _unpacked(m.torch.autograd.grad(f(*xs), xs, create_graph=True))

    return gradient


def jax_gradient(m, f, count):
    return m.jax.grad(f, argnums=0 if count == 1 else tuple(range(count)))


def torch_gradcheck(case):
    from torch.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck

    m = Torch()
    f = case.function(m)
    xs = [x.requires_grad_() for x in arguments(m, case)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of single precision
            gradcheck(f, xs)
            if case.order == 2:
                gradgradcheck(f, xs)
    except GradcheckError as error:
        return Answer(alarm=True, says=first_line(error))
    return PASSES


def jax_check_grads(case):
    from jax.test_util import check_grads

    m = Jax()
    f = case.function(m)
    modes = ("fwd", "rev") if case.derived is None else ("rev",)  # a custom_vjp has no forward mode
    try:
        check_grads(f, tuple(arguments(m, case)), order=case.order, modes=modes)
    except AssertionError as error:
        return Answer(alarm=True, says=first_line(error))
    return PASSES


def autograd_check_grads(case):
    from autograd.test_util import check_grads

    m = Autograd()
    np.random.seed(0)  # noqa: NPY002  where it draws its directions from
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            which = 0 if len(case.at) == 1 else tuple(range(len(case.at)))
            check_grads(case.function(m), which, modes=["rev"], order=case.order)(*arguments(m, case))
    except AssertionError as error:
        return Answer(alarm=True, says=first_line(error))
    return PASSES


def scipy_check_grad(case):
    from scipy.optimize import check_grad

    if case.order > 1:
        return IMPOSSIBLE
    f = case.function(NumPy())
    shapes = [np.shape(x) for x in case.at]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])

    def parts(x):
        cut = zip(np.split(x, ends[:-1]), shapes, case.at, strict=True)
        return [part.reshape(shape).astype(np.asarray(at).dtype)[()] for part, shape, at in cut]

    gradient = by_hand(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        off = check_grad(
            lambda x: float(f(*parts(x))),
            lambda x: np.concatenate([np.ravel(np.asarray(g, float)) for g in gradient(*parts(x))]),
            np.concatenate([np.ravel(x).astype(float) for x in case.at]),
        )
    return Answer(not off < SCIPY_THRESHOLD, f"{off:.2g}")


SCIPY_THRESHOLD = 1e-6  # check_grad returns a distance; this is what tests compare it with


def by_hand(case):
    """The gradient as NumPy users have it: written out, or from the rules of the program (which hold the fault)."""
    if case.host != "own" and case.derived is not None:
        return entries(case.derivative(NumPy()))

    def gradient(*xs):
        with Own() as m:
            return ag.grad(case.function(m), argnums=tuple(range(len(xs))))(*(np.asarray(x, float)[()] for x in xs))

    return gradient


CHECKERS = {
    "this library": ours,
    "torch": torch_gradcheck,
    "jax": jax_check_grads,
    "autograd": autograd_check_grads,
    "scipy": scipy_check_grad,
}
