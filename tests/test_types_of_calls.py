"""What mypy (strict) and pyright reveal of an ordinary call of each public name: a type, not Any."""

import inspect

import pytest
from type_checkers import CHECKERS, SOURCES, said_by

import autograd_core as ag
import nn
from autograd_core import testing
from autograd_core._src.engine.elsewhere import Elsewhere
from autograd_core._src.engine.ops import PRIMITIVES

GIVEN = """
from typing import Any
import numpy as np
from numpy.typing import NDArray
import autograd_core as ag
import nn
from autograd_core import Value

x = Value(1.0)
xs = [x, x]
a = np.array([1.0, 2.0])
objects = np.array([x, x])
any_array: NDArray[Any] = a
A = np.zeros((2, 2))
model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
X = [[1.0, 2.0], [3.0, 4.0]]
lstm = nn.LSTM(1, 2)

def f(v: Value) -> Value:
    return v * v

def g(v: list[Value]) -> Value:
    return v[0] * v[1]

def h(v: list[Value]) -> list[Value]:
    return v

@ag.primitive
def cube(v: float) -> float:
    return v**3

compiled = ag.compile(f, 1.0)
"""

CALLS = {
    "ag": {
        "abs": ["-1.0", "x", "a"],
        "backward_steps": ["x"],
        "case": ["0"],
        "clip": ["1.0, 0.0, 1.0", "x, 0, 1", "a, 0, 1"],
        "compile": ["f, 1.0"],
        "conditioning": ["x"],
        "count_paths": ["x, x"],
        "graph_hash": ["x", "[x, x]"],
        "dot": ["a, a", "a, [1.0, 2.0]", "[1.0, 2.0], a", "a, xs", "objects, a", "any_array, a", "(1.0, 2.0), (x, x)"],
        "draw": ["x", "[x, x]"],
        "draw_dot": [],  # what graphviz, which has no types, gives
        "explain": ["x, x"],
        "forward_steps": ["x"],
        "grad": ["f"],
        "grad_of": ["x, [x]", "x, [x], create_graph=True"],
        "hessian": ["f"],
        "hvp": ["f, (1.0,), (1.0,)", "g, ([1.0, 2.0],), ([1.0, 2.0],)", "lambda u, v: u * v, (1.0, 2.0), (1.0, 0.0)"],
        "hypot": ["3.0, 4.0", "x, 1.0", "a, a"],
        "jacobian": ["h"],
        "jvp": ["f, (1.0,), (1.0,)", "lambda u: u * u, (1.0,), (1.0,)"],
        "leaky_relu": ["1.0", "x", "a"],
        "elu": ["1.0", "x", "a"],
        "live": ["x", "[x, x]", "lambda u: u * u, 1.0"],
        "log": ["1.0", "x", "a"],
        "name": [],  # it gives nothing
        "paths": ["x, x"],
        "primitive": ["f"],
        "scope": ["'a'"],
        "top_paths": ["x, x, 2"],
        "topological_order": ["x"],
        "trace": ["x"],
        "value_and_grad": ["f"],
        "vjp": ["f, 1.0", "lambda u: u * u, 1.0"],
        "where": ["x > 0, x, 0", "True, 1.0, 0.0", "a > 0, a, 0"],
    },
    "nn": {
        "activation_curve": ["'relu'"],
        "attenuation": [""],
        "binary_cross_entropy": ["0.5, 1", "x, 1", "a, a"],
        "chain": ["model, [1.0, 2.0]"],
        "clip_grad_norm": ["model, 1.0"],
        "clip_grad_norm_": ["model, 1.0"],
        "clip_grad_value": ["model, 1.0"],
        "clip_grad_value_": [],
        "confusion_matrix": ["[0, 1], [0, 1]"],
        "cost": ["model, X, [0, 1], 0.1"],
        "cross_entropy": ["[x, x], 1", "[1.0, 2.0], 1"],
        "deep_linear_gradient": ["[[[1.0]]], [1.0], [1.0]"],
        "diagnose": ["model, X"],
        "error_signals": ["model, [1.0, 2.0], [1.0], loss=nn.mse"],
        "evaluate": ["model, X, [1.0, 2.0], loss=nn.mse"],
        "fit": ["model, X, [1.0, 2.0], loss=nn.mse"],
        "forward_pass": ["model, [1.0, 2.0]"],
        "draw_network": ["model, [1.0, 2.0]", "model, [1.0, 2.0], [1.0], loss=nn.mse"],
        "backward_pass": ["model, [1.0, 2.0], [1.0], loss=nn.mse"],
        "derivation": ["x, x"],
        "hessian": ["model, X, [1.0, 2.0], loss=nn.mse"],
        "hvp": ["x, [x], [1.0]"],
        "layer_jacobian": ["model, [1.0, 2.0], of='outputs', to='inputs'"],
        "nll_loss": ["[[x, x]], [1]"],
        "one_hot": ["[0, 1]"],
        "predict": ["model, X"],
        "predict_classes": ["model, X"],
        "signal_over_time": ["lstm, [[1.0]]"],
        "softmax_derivation": ["", "[1.0, 2.0]", "xs, letters=('x', 'f')"],
        "train_test_split": ["X, [0, 1]"],
        "weight_jacobian": ["model, [1.0, 2.0], layer=0"],
    },
}

LOSSES = ["0.5, 1", "x, 1", "xs, [1, 1]", "model([1.0, 2.0]), [1.0]", "a, a", "objects, a"]
SEQUENCES = ["[1.0, 2.0]", "(1, 2)", "xs", "a", "objects", "any_array", "ag.exp(objects)", "(v * v for v in xs)", "{1.0}"]

FURTHER = """
ag.sum(A)
ag.max(a, key=abs)
ag.max(1.0, 2.0)
ag.max({'a': 1.0}.values())
ag.grad(f)(1.0)
ag.grad(f)(1)
ag.grad(f)(x)
ag.grad(f)(np.float64(1))
ag.grad(lambda v: v * v)(1.0)
ag.grad(g)([1.0, 2.0])
ag.grad(g)(xs)
ag.grad(g)(a)
ag.grad(g)(objects)
ag.grad(g)(any_array)
ag.hessian(g)(any_array)
ag.jacobian(h)(any_array)
ag.value_and_grad(g)(any_array)
ag.grad(lambda p: p["w"] * 2)({"w": 1.0})
ag.grad(lambda p: p[0][1])([[1.0, 2.0]])
ag.grad(lambda p: p[0])((1.0, 2.0))
ag.grad(lambda u, v: u * v, argnums=1)(1.0, 2.0)
ag.grad(lambda u, v: u * v, 1)([1.0], 2.0)
ag.grad(lambda u, v: u * v, argnums=(0, 1))(1.0, 2.0)
ag.grad(lambda u, v: u * v, (0, 1))([1.0], 2.0)
ag.grad(lambda u, v: u * v, (1, 0))([1.0], 2.0)
ag.grad(ag.grad(f))(1.0)
ag.grad(f)(1.0) * 2
ag.value_and_grad(f)(1.0)
ag.value_and_grad(g)([1.0, 2.0])
ag.value_and_grad(g)(a)
ag.value_and_grad(lambda p: p["w"])({"w": 1.0})
ag.value_and_grad(lambda u, v: u * v, argnums=1)(1.0, 2.0)
ag.value_and_grad(lambda u, v: u * v, argnums=(0, 1))(1.0, 2.0)[1]
ag.value_and_grad(lambda u, v: u * v, argnums=(0, 1))([1.0], x)[1]
ag.value_and_grad(lambda u, v: u * v, argnums=[0, 1])(1.0, 2.0)[1]
ag.grad(lambda u, v: u * v, argnums=[0, 1])(1.0, 2.0)
ag.hessian(lambda u, v: u * v, argnums=[0, 1])
ag.compile(lambda u, v: u * v, 1.0, 2.0, argnums=[0, 1])
ag.grad(lambda u, v, w: u * v * w[0], (0, 2))(1.0, 2.0, [3.0])
ag.grad(lambda u, v, w: u * v * w[0], (2, 0))(1.0, 2.0, [3.0])
ag.grad(lambda u, v, w, t: u * v * w[0] * t, (0, 1, 2, 3))([1.0], 2.0, [3.0], 4.0)
ag.grad(lambda u, v, w, t: u * v * w[0] * t, 3)(1.0, 2.0, [3.0], 4.0)
ag.value_and_grad(lambda u, v, w: u * v * w[0], (0, 2))(1.0, 2.0, [3.0])[1]
ag.value_and_grad(lambda u, v, w, t: u * v * w[0] * t, (0, 1, 2, 3))(1.0, 2.0, [3.0], 4.0)[1]
ag.value_and_grad(lambda u, v, w, t: u * v * w[0] * t, 3)(1.0, 2.0, [3.0], 4.0)[1]
ag.grad(lambda u, v, w: u * v * w, 2)
ag.grad(lambda u, v, w: u * v * w, 2)(1.0, 2.0, 3.0)
ag.grad(lambda u, v, w: u * v * w, 2)([1.0], 2.0, [3.0])
ag.grad(lambda u, v, w: u * v * w, 2)([1.0], 2.0, a)
ag.grad(lambda u, v, w: u * v * w, 2)(1.0, x, x)
ag.grad(lambda u, v, w: u * v * w, 2)(1.0, 2.0, {"w": 1.0})
ag.grad(lambda *u: u[0] * u[3], 3)(1.0, 2.0, 3.0, 4.0)
ag.grad(lambda *u: u[0] * u[3], -1)(1.0, x, 3.0, 4.0)
ag.grad(lambda *u: u[0][0] * u[3][0], 3)([1.0], [2.0], [3.0], [4.0])
ag.grad(lambda u, v, w: u * v * w, (0, 1, 2))(1.0, 2.0, 3.0)
ag.grad(lambda u, v, w: u * v * w, (0, 1, 2))([1.0], 2.0, x)
ag.grad(lambda u, v, w: u * v * w, (0, 2))(1.0, 2.0, 3.0)[1]
ag.grad(lambda *u: u[0] * u[3], (0, 1, 2, 3))(1.0, 2.0, 3.0, 4.0)[0]
ag.grad(lambda *u: u[0] * u[3], range(4))(1.0, 2.0, 3.0, 4.0)[0]
ag.value_and_grad(lambda u, v: u * v, argnums=1)(1.0, 2.0)[1]
ag.value_and_grad(lambda u, v: u * v, argnums=1)(x, a)[1]
ag.value_and_grad(lambda u, v, w: u * v * w, 2)(1.0, 2.0, 3.0)[1]
ag.value_and_grad(lambda u, v, w: u * v * w, 2)([1.0], 2.0, [3.0])[1]
ag.value_and_grad(lambda *u: u[0] * u[3], 3)(1.0, 2.0, 3.0, 4.0)[1]
ag.value_and_grad(lambda u, v, w: u * v * w, (0, 1, 2))(1.0, [2.0], x)[1]
ag.value_and_grad(lambda u, v, w: u * v * w, (0, 2))(1.0, 2.0, 3.0)[1][0]
ag.jacobian(lambda u, v, w: u * v * w, 2)(1.0, 2.0, 3.0)
ag.jacobian(lambda u, v, w: [u * v * w], 2)(1.0, 2.0, 3.0)
ag.jacobian(lambda u, v, w: u * v * w, (0, 1, 2))(1.0, 2.0, 3.0)[0]
ag.jacobian(lambda u, v, w: [u * v * w], (0, 1, 2))(1.0, 2.0, 3.0)[0]
ag.hessian(lambda u, v, w: u * v * w, 2)(1.0, 2.0, 3.0)
ag.hessian(lambda u, v, w: u * v * w, 2)(1.0, x, 3.0)
ag.hessian(lambda u, v, w: u * v * w, (0, 1, 2))(1.0, 2.0, 3.0)[0][2]
ag.hessian(lambda u, v, w: u * v * w, [0, 2])(x, x, 1.0)[0][1]
ag.jacobian(f, (0, 1, 2))([1.0], 2.0, x)[0]
ag.jacobian(lambda u, v, w: u * v * w, (0, 1, 2))([1.0], 2.0, x)[2]
ag.jacobian(lambda u, v, w: {"a": u}, (0, 1, 2))([1.0], 2.0, a)[2]
ag.jacobian(lambda u, v, w: u * v * w, (0, 2))([1.0], 2.0, a)[1]
ag.jacobian(lambda u, v, w: u * v * w, (0, 2))([1.0], 2.0, [1.0])[1]
ag.jacobian(lambda u, v, w: u * v * w, 2)([1.0], x, a)
ag.hessian(lambda u, v: u * v, (0, 1))([1.0], x)[0][1]
ag.hessian(lambda u, v, w: u * v * w, (0, 1, 2))([1.0], 2.0, x)[0][2]
ag.hessian(lambda u, v, w: u * v * w, (0, 1, 2))(a, {"a": 2.0}, [x])[0][2]
ag.hessian(lambda u, v, w: u * v * w, (0, 2))([1.0], 2.0, a)[0][1]
ag.hessian(lambda u, v, w: u * v * w, 2)([1.0], 2.0, a)
ag.hvp(f, ([1.0], 2.0, x), ([1.0], 1.0, 1.0))[2]
ag.hvp(f, [[1.0], [2.0]], [[1.0], [2.0]])[0]
ag.jvp(f, ([1.0], 2.0, x), ([1.0], 1.0, 1.0))[1]
ag.jvp(h, ([1.0], 2.0), ([1.0], 1.0))[1]
ag.vjp(f, [1.0], 2.0, x)[0]
ag.vjp(f, [1.0], 2.0, x)[1](1.0)[2]
ag.vjp(h, [1.0], 2.0)[1]([1.0])[1]
ag.vjp(nn.MLP(2, [1]), [1.0, 2.0])[0]
ag.compile(nn.MLP(2, [1]), [1.0, 2.0])([1.0, 2.0])
ag.compile(nn.MLP(2, [1]), [1.0, 2.0])([1.0, 2.0])[0]
str(np.exp(x))
ag.value_and_grad(g)([1.0, 2.0])[0]
ag.value_and_grad(g)([1.0, 2.0])[1]
ag.hessian(f)(1.0)
ag.hessian(g)([1.0, 2.0])
ag.hessian(g)(xs)
ag.hessian(g)(a)
ag.hessian(lambda p: p["w"] ** 2)({"w": 1.0})
ag.jacobian(h)([1.0, 2.0])
ag.jacobian(h)(xs)
ag.jacobian(h)(a)
ag.jacobian(f)(1.0)
ag.jacobian(g)([1.0, 2.0])
ag.jacobian(g)(a)
ag.jacobian(lambda v: [v[0] * v[1], v[0]])([2.0, 3.0])
ag.jacobian(lambda v: [v[0] * v[1], v[0]], layout="denominator")([2.0, 3.0])
ag.jacobian(lambda t: [t, t * t])(2.0)
ag.jacobian(lambda v: A @ v)(a)
ag.jacobian(lambda v: v * v)(a)
ag.jacobian(lambda u, v: u * v, argnums=1)
ag.jacobian(lambda u, v: u * v, argnums=1)(1.0, 2.0)
ag.jacobian(lambda u, v: u * v, argnums=1)(1.0, x)
ag.jacobian(lambda u, v: u * v, argnums=1)(1.0, a)
ag.jacobian(lambda u, v: [u * v, u], 1)(1.0, [2.0])
ag.jacobian(lambda u, v: [u * v, u], 1)(1.0, 2.0)
ag.jacobian(lambda u, v: u * v, argnums=(0, 1))
ag.jacobian(lambda u, v: u * v, argnums=(0, 1))(1.0, 2.0)
ag.jacobian(lambda u, v: u * v, argnums=(0, 1))(1.0, 2.0)[0]
ag.jacobian(lambda u, v: u * v, argnums=(0, 1))([1.0], x)[1]
ag.jacobian(lambda u, v: u * v, argnums=(0, 1))(a, a)
ag.jacobian(lambda u, v: [u * v, u], (0, 1))(1.0, 2.0)[0]
ag.jacobian(lambda u, v: [u * v, u], (0, 1))([1.0], [2.0])[1]
ag.jacobian(lambda u, v: [u * v, u], [1, 0])(1.0, 2.0)
ag.hessian(lambda u, v: u * v, argnums=1)
ag.hessian(lambda u, v: u * v, argnums=1)(1.0, 2.0)
ag.hessian(lambda u, v: u * v, argnums=1)(1.0, [2.0])
ag.hessian(lambda u, v: u * v, argnums=(0, 1))(1.0, 2.0)[0][1]
ag.hessian(lambda u, v: u * v, argnums=(0, 1))(x, x)[0][1]
ag.hessian(lambda u, v: u * v, argnums=(0, 1))(a, a)
ag.hessian(lambda u, v: u * v, argnums=(0, 1))([1.0], x)
ag.jvp(f, (1.0,), (1.0,))[1]
ag.vjp(f, 1.0)[1](1.0)
ag.compile(lambda w, v: w * v, 1.0, 2.0)
ag.compile(lambda w, v: w * v, 1.0, 2.0)(1.0, 2.0)
ag.compile(lambda w, v: w * v, 1.0, 2.0)(x, 2.0)
ag.compile(lambda w, v: w * v, 1.0, 2.0)(1.0, x)
ag.compile(lambda w, v: w * v, 1.0, 2.0, in_axes=(None, 0))(1.0, [2.0, 3.0])
ag.compile(lambda w, v: w * v, 1.0, 2.0, in_axes=(None, 0), reduce="mean").value_and_grad(1.0, [2.0])[0]
ag.compile(lambda w, v: w * v, 1.0, 2.0, in_axes=(None, 0), reduce="mean").reduced(1.0, [2.0])[0]
ag.compile(lambda v: [v[0], v[1]], [1.0, 2.0])([1.0, 2.0])
ag.compile(lambda v: {"a": v[0]}, [1.0, 2.0])([1.0, 2.0])
ag.compile(lambda v: (v[0], v[1]), [1.0, 2.0])([1.0, 2.0])
ag.compile(f, 1.0)(1.0)
ag.compile(f, 1.0, in_axes=0)(a)
ag.compile(f, 1.0)(x)
ag.compile(h, [1.0, 2.0])([1.0, 2.0])
ag.compile(h, [1.0, 2.0], in_axes=0)(A)
ag.compile(x * x, inputs=[x])(1.0)
ag.compile([x * x], inputs=[x])(1.0)
ag.compile(x * x, inputs=[x], in_axes=0)(a)
ag.compile(compiled.program)(1.0)
compiled.value_and_grad(1.0)
compiled.value_and_grad(1.0)[0]
compiled.hvp((1.0,), (1.0,))
compiled.jacobian(1.0)
compiled.jacobian(x)
compiled.jacobian.sparse(1.0)
compiled.hessian(1.0)
ag.compile(f, 1.0, in_axes=0).hessian(a)
ag.compile(h, [1.0, 2.0]).jacobian([1.0, 2.0])
ag.hessian(lambda u, v: u * v, argnums=(0, 1))(1.0, 2.0)
compiled.bind(1.0)
compiled.bind(1.0)()
compiled.bind(1.0).inputs
compiled.bind(1.0).grads
compiled.program
cube(2.0)
cube(x)
cube(a)
cube(2.0, x)
ag.explain(x, x).text
ag.draw(x).svg
ag.Stepper(x).step
nn.MLP(2, [3, 1])([1.0, 2.0])
nn.Layer(2, 1)([1.0, 2.0])
nn.Neuron(2)([1.0, 2.0])
nn.Linear(2, 1)([1.0, 2.0])
nn.Linear(2, 1)(a)
nn.MLP(2, [3, 1])(a)
nn.Layer(2, 1)(objects)
nn.Neuron(2)(a)
nn.Conv1d(1, 1, 2)(A)
nn.Conv2d(1, 1, 2)(np.zeros((1, 2, 2)))
nn.RNN(1, 2)(A)
nn.LSTM(1, 2)(A)
nn.mse(nn.Layer(2, 3)(a), a)
model([1.0, 2.0])
model(a)
nn.mse(model([1.0, 2.0]), 1.0)
nn.Sequential(nn.MLP(2, [1]), nn.Sigmoid())([1.0, 2.0])
nn.Softmax()([1.0, 2.0])
nn.Softmax()(xs)
nn.Softmax()(a)
nn.LogSoftmax()(xs)
nn.Dropout(0.5)([1.0])
nn.Flatten()([[1.0]])
nn.Conv1d(1, 1, 2)([[1.0, 2.0]])
nn.Conv2d(1, 1, 2)([[[1.0, 2.0], [3.0, 4.0]]])
nn.RNN(1, 2)([[1.0]])
nn.LSTM(1, 2)([[1.0]])
nn.StandardScaler().fit(X)
nn.StandardScaler().fit(X).transform(X)
nn.StandardScaler().fit_transform(X)
nn.StandardScaler().fit(X).inverse_transform(X)
nn.MinMaxScaler().fit(X)
nn.OneHotEncoder().fit([["a"]])
nn.OneHotEncoder().load("encoder.json")
nn.SameSide()(1.0, 1.0)
nn.SameClass()([1.0, 0.0], 0)
nn.Adam().state_dict()
nn.datasets.moons(10)
nn.datasets.wine()
nn.init.uniform(-1.0, 1.0)
nn.schedules.linear(1.0, 0.1, steps=10)
nn.schedules.linear(1.0, 0.1, steps=10)(1)
nn.practice.solution("LING3804 6.2")
nn.practice.check("LING3804 6.2", [11, -11])
model.state_dict()
model.parameters()
"""

BUILT_INS = {"sum", "max", "min", "abs", "compile"}
REDUCTIONS = {"sum", "mean", "prod", "norm", "max", "min", "logsumexp", "softmax", "log_softmax"}
BINARY = {name for name, primitive in PRIMITIVES.items() if primitive.arity == 2}
NAMES = {"ag": (ag, {*ag.__all__} | BUILT_INS), "nn": (nn, {*nn.__all__})}


def operands_of(package, name):
    """Arguments of ordinary calls."""
    if name in CALLS[package]:
        return CALLS[package][name]
    if name in REDUCTIONS:
        return SEQUENCES
    if package == "nn":
        return LOSSES
    if name in BINARY:
        return ["1.0, 2", "x, 2.0", "2.0, x", "a, x", "x, a", "a, a"]
    return ["0.5", "1", "x", "a", "objects", "np.float32(0.5)", "np.float64(0.5)", "np.int64(1)"] if inspect.signature(getattr(ag, name)).parameters else [""]


def public_functions(package):
    module, names = NAMES[package]
    return sorted(
        name
        for name in names
        if callable(getattr(module, name)) and not (isinstance(getattr(module, name), type))
    )


EXPRESSIONS = [
    f"{package}.{name}({operands})"
    for package in NAMES
    for name in public_functions(package)
    for operands in operands_of(package, name)
]
EXPRESSIONS += [
    f"nn.{name}()({operand})"
    for name in ("ELU", "GELU", "LeakyReLU", "ReLU", "SiLU", "Sigmoid", "Softplus", "Tanh")
    for operand in ("1.0", "x", "[1.0]", "xs", "[xs]", "a")
]
EXPRESSIONS += FURTHER.strip().splitlines()


# A number of mpmath, which has no types; what an array is drawn like; a matrix or a number, of floats or of SymPy.
ANY = {"testing.Reference.value", "testing.ArraySpec.shape", "testing.ArraySpec.dtype", "nn.JacobianChain.r", "nn.JacobianChain.result"}


def attributes():
    """The public attributes of public classes, by a dotted name: a declaration of an instance, and the expression."""
    found = {}
    for package, module in (("ag", ag), ("testing", testing), ("nn", nn)):
        for name in sorted(getattr(module, "__all__", vars(module))):
            if isinstance(kind := getattr(module, name), type) and not name.startswith("_"):
                given = [(x, y, base) for base in kind.__mro__ for x, y in vars(base).items()]
                refused = {x for x, y, base in given if base.__name__.startswith("NotOn") or isinstance(y, Elsewhere)}
                annotated = {x for base in kind.__mro__ for x in inspect.get_annotations(base)}
                for member in sorted({*dir(kind), *annotated} - refused):
                    if not member.startswith("_") and f"{package}.{name}.{member}" not in ANY:
                        found[f"{package}.{name}.{member}"] = f"{package}.{name}"
    return found


def calls():
    """A module that asks for the type of each call, and which stands on which line."""
    before = GIVEN.strip().splitlines()
    text = "\n".join([*before, *(f"reveal_type({x})" for x in EXPRESSIONS)]) + "\n"
    return text, dict(enumerate(EXPRESSIONS, len(before) + 1))


def reads():
    """The same for public attributes."""
    lines, places = ["import autograd_core as ag", "import autograd_core.testing as testing", "import nn"], {}
    for k, (name, kind) in enumerate(attributes().items()):
        lines += [f"def f{k}(o: {kind}) -> None:", f"    reveal_type(o.{name.rpartition('.')[2]})"]
        places[len(lines)] = name
    return "\n".join(lines) + "\n", places


MODULES = {"calls": calls(), "reads": reads()}
SOURCES.update({name: text for name, (text, _) in MODULES.items()})


@pytest.fixture(scope="module", params=CHECKERS)
def types(request):
    """What a checker reveals: by module and expression."""
    pytest.importorskip(request.param)
    revealed = {(said.file, said.line): said.text for said in said_by(request.param)}
    return {
        name: {x: revealed.get((name, line), "nothing") for line, x in places.items()}
        for name, (_, places) in MODULES.items()
    }


def test_no_ordinary_call_reveals_any(types):
    types = types["calls"]
    bad = ("nothing", '"Any"', '"Unknown"')
    wrong = {x: found for x, found in types.items() if found in bad or not found.startswith('"')}
    assert not wrong, "\n".join(f"{x}: {found}" for x, found in wrong.items())


def test_no_public_attribute_is_any(types):
    types = types["reads"]
    assert {name: found for name, found in types.items() if found in ("nothing", '"Any"', '"Unknown"') or not found.startswith('"')} == {}
    assert types["ag.Value.data"] == types["ag.Path.product"] == types["ag.Explanation.gradient"]


def test_all_public_functions_are_called():
    assert not [name for package, calls in CALLS.items() for name in calls if name not in public_functions(package)]
    assert {"sum", "compile", "tanh", "grad", "softmax"} <= {*public_functions("ag")}
    assert {"mse", "fit", "predict"} <= {*public_functions("nn")}
