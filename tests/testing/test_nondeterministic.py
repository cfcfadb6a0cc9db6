"""Functions whose results vary by rounding from call to call, as on several threads or on a GPU."""

import functools
import math
import random

import pytest

import autograd_core as ag
from autograd_core.testing import FunctionError, Verdict, assert_gradient, check_gradient

np = pytest.importorskip("numpy")
A = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
X = np.array([0.1, 0.2, -0.3])


def varying(f, size=1e-12):
    """The function, with noise of its own at each call."""
    rng = random.Random(0)

    @functools.wraps(f)
    def noisy(*args):
        result = np.asarray(f(*args))
        noise = np.reshape([size * (rng.random() - 0.5) for _ in range(result.size)], result.shape)
        return (result + noise)[()]

    return noisy


FUNCTIONS = {
    "a sine": (math.sin, (0.7,), math.cos),
    "a square at 0": (lambda x: x * x, (0.0,), lambda x: 2 * x),
    "a layer": (lambda x: A @ np.tanh(x), (X,), lambda x: A * (1 - np.tanh(x) ** 2)),
    "results that stand still": (lambda x: np.maximum(x, 0), (np.array([-1.0, 2.0]),), lambda x: np.diag(1.0 * (x > 0))),
    "a constant": (lambda x: 0.0, (2.0,), lambda x: 0.0),
    "large results": (lambda x: 50 * x**2, (3.0,), lambda x: 100 * x),
    "small results": (lambda x: 1e-6 * x**2, (3.0,), lambda x: 2e-6 * x),
    "many inputs": (lambda x: float(np.sum(np.sin(x))), (np.linspace(0, 1, 60),), np.cos),
    "complex numbers": (lambda z: abs(z) ** 2, (0.3 + 0.4j,), lambda z: 2 * z),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_noise_below_the_tolerance_passes(name):
    f, args, slope = FUNCTIONS[name]
    assert assert_gradient(varying(f), args, derivative=slope, nondet_tol=1e-10).verdict is Verdict.RIGHT
    with pytest.raises(FunctionError, match=r"not deterministic.*threads or a GPU, pass nondet_tol=1e-1[12]") as told:
        check_gradient(varying(f), args, derivative=slope)
    assert told.value.fault == "random"
    with pytest.raises(FunctionError, match="not deterministic"):
        check_gradient(varying(f), args, derivative=slope, nondet_tol=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_faults_are_found_in_noise(name):
    f, args, slope = FUNCTIONS[name]
    wrong = lambda *args: 1.01 * slope(*args) + 1e-2
    assert check_gradient(varying(f), args, derivative=wrong, nondet_tol=1e-10).verdict is Verdict.WRONG


def test_the_tolerance_that_is_named_passes():
    for size in (1e-14, 1e-9, 1e-5):
        f = varying(math.sin, size)
        with pytest.raises(FunctionError) as told:
            check_gradient(f, (0.5,), derivative=math.cos)
        named = float(str(told.value).rpartition("nondet_tol=")[2])
        assert size < named <= 100 * size
        assert check_gradient(f, (0.5,), derivative=math.cos, nondet_tol=named)


def test_noise_of_rare_calls_is_no_state():
    calls = []

    def rarely(x):
        calls.append(x)
        return math.sin(x) + (1e-12 if len(calls) % 5 == 4 else 0.0)

    with pytest.raises(FunctionError, match="not deterministic"):
        check_gradient(rarely, (0.5,), derivative=math.cos)


def test_products_and_libraries_of_functions_that_vary():
    noisy = varying(lambda x: A @ np.tanh(x))
    pull = varying(lambda x, u: (A.T @ u) * (1 - np.tanh(x) ** 2))
    push = varying(lambda x, t: A @ ((1 - np.tanh(x) ** 2) * t))
    assert check_gradient(noisy, (X,), vjp=pull, jvp=push, nondet_tol=1e-10)
    rng = random.Random(1)
    own = lambda x: ag.sin(x) * x + 1e-12 * rng.random()
    assert check_gradient(own, (0.5,), nondet_tol=1e-10)
    with pytest.raises(FunctionError, match="not deterministic"):
        check_gradient(own, (0.5,))


def test_a_function_that_is_random_altogether():
    rng = random.Random(0)
    with pytest.raises(FunctionError, match="not deterministic.*a fixed seed"):
        check_gradient(lambda x: x * rng.random(), (0.5,), derivative=1.0)
    with pytest.raises(FunctionError, match="not deterministic"):
        check_gradient(lambda x: [x] * rng.randrange(1, 9), (0.5,), derivative=1.0)
