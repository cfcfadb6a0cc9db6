"""Gradients of random programs against PyTorch, JAX and micrograd, where these are installed."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from strategies import KINKED, SMOOTH, close, examples, programs, run, scale_of, value_of

import autograd_core as ag
from autograd_core import Value


def check(program, theirs):
    leaves = [Value(x) for x in program.point]
    root = value_of(program)(leaves)
    ours = ag.grad(value_of(program))(list(program.point))
    assert close(ours, theirs, scale_of(root)), (ours, theirs)


@pytest.fixture(scope="module")
def torch_functions():
    torch = pytest.importorskip("torch")

    def stacked(f):
        return lambda xs: f(torch.stack([torch.as_tensor(x, dtype=torch.float64) for x in xs]))

    names = "exp expm1 log log1p sqrt sin cos tanh sinh cosh atan asinh atan2 hypot erf sigmoid relu abs maximum minimum where"
    functional = torch.nn.functional
    m = SimpleNamespace(**{name: getattr(torch, name) for name in names.split()}, torch=torch)
    m.softplus, m.silu, m.gelu = functional.softplus, functional.silu, functional.gelu
    m.leaky_relu, m.elu, m.clip = functional.leaky_relu, functional.elu, torch.clamp
    m.sum, m.mean, m.prod, m.norm = stacked(torch.sum), stacked(torch.mean), stacked(torch.prod), stacked(torch.linalg.vector_norm)
    m.max, m.min, m.logsumexp = stacked(torch.max), stacked(torch.min), stacked(lambda v: torch.logsumexp(v, 0))
    m.dot = lambda w, x: sum(a * b for a, b in zip(w, x, strict=True))
    return m


@given(program=programs())
def test_gradients_are_those_of_torch(torch_functions, program):
    torch = torch_functions.torch
    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in program.point]
    root = run(program, torch_functions, inputs)[-1]
    slopes = torch.autograd.grad(root, inputs, allow_unused=True)
    check(program, [0.0 if g is None else g.item() for g in slopes])


# Torch gives x ** y no mixed second derivative where y is exactly 0, so powers stand aside.
@given(program=programs(max_steps=6, operations=set(SMOOTH) - {"pow"}))
@examples(20)
def test_hessians_are_those_of_torch(torch_functions, program):
    torch = torch_functions.torch
    f = lambda v: run(program, torch_functions, list(v))[-1] + 0.0 * v.sum()
    point = torch.tensor(program.point, dtype=torch.float64)
    theirs = torch.autograd.functional.hessian(f, point).tolist()
    ours = ag.hessian(value_of(program))(list(program.point))
    size = max(1e3, *(abs(h) for row in ours for h in row))
    assert close(ours, theirs, size)


@pytest.fixture(scope="module")
def jax_functions():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    jnp, nn = jax.numpy, jax.nn

    def stacked(f):
        return lambda xs: f(jnp.stack([jnp.asarray(x, float) for x in xs]))

    names = "exp expm1 log log1p sqrt sin cos tanh sinh cosh hypot abs maximum minimum where"
    m = SimpleNamespace(**{name: getattr(jnp, name) for name in names.split()}, jax=jax)
    m.atan, m.asinh, m.atan2, m.erf = jnp.arctan, jnp.arcsinh, jnp.arctan2, jax.scipy.special.erf
    m.sigmoid, m.softplus, m.relu, m.silu = nn.sigmoid, nn.softplus, nn.relu, nn.silu
    m.gelu, m.leaky_relu, m.elu, m.clip = lambda x: nn.gelu(x, approximate=False), nn.leaky_relu, nn.elu, jnp.clip
    m.sum, m.mean, m.prod, m.norm = stacked(jnp.sum), stacked(jnp.mean), stacked(jnp.prod), stacked(jnp.linalg.norm)
    m.max, m.min, m.logsumexp = stacked(jnp.max), stacked(jnp.min), stacked(nn.logsumexp)
    m.dot = lambda w, x: sum(a * b for a, b in zip(w, x, strict=True))
    return m


@given(program=programs(max_steps=8))
@examples(10)
def test_gradients_are_those_of_jax(jax_functions, program):
    f = lambda *xs: run(program, jax_functions, xs)[-1] * 1.0
    theirs = jax_functions.jax.grad(f, argnums=tuple(range(len(program.point))))(*program.point)
    check(program, [float(g) for g in theirs])


def test_micrograds_sanity_check():
    """The program of micrograd's own tests, in both libraries."""
    engine = pytest.importorskip("micrograd.engine")

    def gradients(value_class):
        a, b = value_class(-4.0), value_class(2.0)
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + (b + a).relu()
        d += 3 * d + (b - a).relu()
        e = c - d
        f = e**2
        g = f / 2.0
        g += 10.0 / f
        g.backward()
        return g.data, a.grad, b.grad

    assert gradients(Value) == pytest.approx(gradients(engine.Value), rel=1e-15)


def test_every_kinked_operation_is_known_to_the_peers(torch_functions):
    for rule, _ in KINKED.values():
        xs = [torch_functions.torch.tensor(x, dtype=torch_functions.torch.float64) for x in (0.7, 0.2)]
        n = rule.__code__.co_argcount - 1
        assert close(rule(torch_functions, *xs[:n]).item(), rule(ag, *(0.7, 0.2)[:n]))
