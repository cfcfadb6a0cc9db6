"""One function of the collection in the terms of each checker, and what the checker says of it at one point.

A checker is asked for what its users write: this library's gets the function as its library has it, torch's gets a
`torch.autograd.Function`, jax's a `jax.custom_vjp`, autograd's a `primitive`, and scipy's the value and the gradient.
Functions of another library stand inside of these as they are, with the derivative that is to be checked.
"""

from __future__ import annotations

import warnings
from functools import cached_property
from types import SimpleNamespace

import numpy as np

import autograd_core as ag
from autograd_core.testing import FunctionError, GradientError, assert_gradient

SCIPY_THRESHOLD = 1e-6  # check_grad returns a distance; this is what tests compare it with


def entries(derivative):
    """A derivative as a tuple with an entry per argument."""
    return derivative if isinstance(derivative, tuple) else (derivative,)


def unpacked(found):
    return found[0] if len(found) == 1 else found


class Subject:
    """A function with one of its derivatives, the right one or one with a bug.

    Args:
        item: The function.
        bug: The name of the bug; "" for the right derivative.
    """

    def __init__(self, item, bug=""):
        self.item, self.bug = item, bug
        self.rule = item.bugs[bug] if bug else item.derivative
        self.f, self.derivative = getattr(self, f"_in_{item.host}")()

    def arguments(self, drawn):
        """What Hypothesis drew, as the function's own library has it."""
        item = self.item
        if item.host == "torch":
            import torch

            return tuple(torch.tensor(x, dtype=getattr(torch, item.dtype)) for x in drawn)
        if item.host == "jax":
            import jax.numpy as jnp

            return tuple(jnp.asarray(x, dtype=item.dtype) for x in drawn)
        return drawn

    def _in_numpy(self):
        return self.item.f, lambda *xs: unpacked(entries(self.rule(*xs)))

    def _in_own(self):
        item, rule = self.item, self.rule

        def op(*xs):
            return item.f(*xs)

        op.__name__ = item.inside
        op.__qualname__ = f"{item.inside} {self.bug}".strip()
        op = ag.primitive(op)
        op.partials(lambda *xs_and_z: entries(rule(*xs_and_z[:-1])))
        item.op = op
        return lambda *xs: item.program(op, *xs), None

    def _in_torch(self):
        import torch

        op = torch_function(self.item.f, self.rule)

        def gradient(*xs):
            xs = [x.detach().requires_grad_() for x in xs]
            return unpacked(torch.autograd.grad(op(*xs), xs))

        return op, gradient

    def _in_jax(self):
        import jax

        op = jax.custom_vjp(self.item.f)
        op.defvjp(
            lambda *xs: (self.item.f(*xs), xs),
            lambda xs, g: tuple(g * d for d in entries(self.rule(*xs))),
        )
        count = len(self.item.draws)
        return jax.jit(op), jax.jit(jax.grad(op, argnums=0 if count == 1 else tuple(range(count))))

    @cached_property
    def plain(self):
        """Value and gradients by NumPy, for the checkers of other libraries: `value(*xs)` and `pull(g, *xs)`."""
        item = self.item
        kind = np.dtype(item.dtype)

        def value(*xs):
            return np.asarray(self.f(*self.arguments(numbers(xs))), dtype=kind)

        def numbers(xs):
            return tuple(np.asarray(x, dtype=kind) if np.ndim(x) else kind.type(x) for x in xs)

        def derivative(*xs):
            if item.host == "own":
                found = ag.grad(self.f, argnums=tuple(range(len(xs))))(*(np.asarray(x, float)[()] for x in xs))
            else:
                found = entries(self.derivative(*self.arguments(numbers(xs))))
            return [np.asarray(d, dtype=float) for d in found]

        def pull(g, *xs):
            g = np.asarray(g, dtype=float)
            rows = derivative(*xs)
            return [np.tensordot(g, d, g.ndim).astype(kind) if g.ndim else (g * d).astype(kind) for d in rows]

        return SimpleNamespace(value=value, pull=pull)


def torch_function(value, rule, pull=None):
    """`torch.autograd.Function.apply` with a derivative by hand."""
    import torch

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *xs):
            ctx.save_for_backward(*xs)
            return value(*xs)

        @staticmethod
        def backward(ctx, g):
            return pull(g, *ctx.saved_tensors) if pull else tuple(g * d for d in entries(rule(*ctx.saved_tensors)))

    return Function.apply


# --- what each checker says: "" or its complaint ---------------------------------------------------------------------


def ours(subject, drawn):
    """The report, and the error that failed the test if it did."""
    options = {} if subject.derivative is None else {"derivative": subject.derivative}
    try:
        return assert_gradient(subject.f, subject.arguments(drawn), **options), None
    except GradientError as error:
        return error.report, error
    except FunctionError as error:
        return None, error


def torch_gradcheck(subject, drawn):
    import torch
    from torch.autograd.gradcheck import GradcheckError, gradcheck

    kind = getattr(torch, subject.item.dtype)
    if subject.item.host == "torch":
        op = subject.f
    else:
        plain = subject.plain
        op = torch_function(
            lambda *xs: torch.tensor(plain.value(*(x.numpy() for x in xs)), dtype=kind),
            None,
            lambda g, *xs: tuple(torch.tensor(d, dtype=kind) for d in plain.pull(g.numpy(), *(x.numpy() for x in xs))),
        )
    try:
        gradcheck(op, [torch.tensor(x, dtype=kind).requires_grad_() for x in drawn])
    except GradcheckError as error:
        return str(error)
    return ""


def jax_check_grads(subject, drawn):
    import jax
    import jax.numpy as jnp
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)  # noqa: FBT003
    xs = tuple(jnp.asarray(x, dtype=subject.item.dtype) for x in drawn)
    op = subject.f if subject.item.host == "jax" else jax_function(subject, drawn)
    try:
        check_grads(op, xs, order=1, modes=("rev",))
    except AssertionError as error:
        return str(error)
    return ""


def jax_function(subject, drawn):
    if not hasattr(subject, "in_jax"):
        import jax

        plain, kind = subject.plain, subject.item.dtype
        result = jax.ShapeDtypeStruct(np.shape(plain.value(*drawn)), kind)
        shapes = [jax.ShapeDtypeStruct(np.shape(x), kind) for x in drawn]

        def value(*xs):
            return jax.pure_callback(lambda *xs: plain.value(*map(np.asarray, xs)), result, *xs)

        def pull(xs, g):
            return tuple(jax.pure_callback(lambda g, *xs: plain.pull(g, *map(np.asarray, xs)), shapes, g, *xs))

        op = jax.custom_vjp(value)
        op.defvjp(lambda *xs: (value(*xs), xs), pull)
        subject.in_jax = jax.jit(op)
    return subject.in_jax


def autograd_check_grads(subject, drawn):
    from autograd.extend import defvjp_argnum, primitive
    from autograd.test_util import check_grads

    plain = subject.plain
    op = primitive(lambda *xs: plain.value(*xs)[()])
    defvjp_argnum(op, lambda i, ans, xs, kwargs: lambda g: plain.pull(g, *xs)[i])
    np.random.seed(0)  # noqa: NPY002  where it draws its directions from
    try:
        check_grads(op, 0 if len(drawn) == 1 else tuple(range(len(drawn))), modes=["rev"], order=1)(*drawn)
    except AssertionError as error:
        return str(error)
    return ""


def scipy_check_grad(subject, drawn):
    from scipy.optimize import check_grad

    plain, shapes = subject.plain, [np.shape(x) for x in drawn]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    mix = np.linspace(1.0, 2.0, np.size(plain.value(*drawn))).reshape(np.shape(plain.value(*drawn)))

    def parts(x):
        cut = zip(np.split(x, ends[:-1]), shapes, strict=True)
        return [part.reshape(shape)[()] for part, shape in cut]

    off = check_grad(
        lambda x: float(np.sum(mix * plain.value(*parts(x)))),
        lambda x: np.concatenate([np.ravel(d).astype(float) for d in plain.pull(mix, *parts(x))]),
        np.concatenate([np.ravel(x).astype(float) for x in drawn]),
    )
    return "" if off < SCIPY_THRESHOLD else f"off by {off:.2g}"


PEERS = {
    "torch": torch_gradcheck,
    "jax": jax_check_grads,
    "autograd": autograd_check_grads,
    "scipy": scipy_check_grad,
}


def complaint(peer, subject, drawn):
    """What a peer complains of; a crash is a complaint, too."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return PEERS[peer](subject, drawn)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
