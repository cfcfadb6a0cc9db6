"""Every number system has the elementary functions that rules may ask for."""

import importlib

import pytest

from autograd_core._src.number_systems.base import BINARY, CONSTANTS, UNARY
from autograd_core._src.number_systems.floats import FLOATS

pytest.importorskip("numpy")
pytest.importorskip("sympy")
pytest.importorskip("llvmlite")


SYSTEMS = {
    "floats": "FLOATS", "exact": "EXACT", "high_precision": "HighPrecision", "symbolic": "SYMBOLIC", "reals": "REALS", "source": "Source",
    "numpy_arrays": "NUMPY", "llvm": "LLVM", "terms": "TERMS", "complex_arrays": "COMPLEX_ARRAYS", "complex_step": "COMPLEX_STEP",
    "dual": "DualNumbers", "jax": "JAX", "value_system": "VALUES",
}  # fmt: skip


@pytest.mark.parametrize("file", SYSTEMS)
def test_a_system_has_all_that_rules_ask_for(file):
    if file == "jax":
        pytest.importorskip("jax")
    folder = "engine" if file == "value_system" else "number_systems"
    module = f"autograd_core._src.{folder}.{file}"
    try:
        m = getattr(importlib.import_module(module), SYSTEMS[file])
        m = m(*[FLOATS] * (file == "dual")) if isinstance(m, type) else m
        for name in (*UNARY, *BINARY, "where", "equal", "number", "sum", "dot", "prod", "max", "min", "norm"):
            assert callable(getattr(m, name))
        for name in CONSTANTS:
            getattr(m, name)
    except (AttributeError, KeyError) as error:
        path = f"{module.replace('.', '/')}.py"
        pytest.fail(f"{path}: {error}: an elementary function that autograd_core/_src/number_systems/base.py names; define it there", pytrace=False)


@pytest.mark.parametrize("lists", [1, 2, 3])
@pytest.mark.parametrize("states", [0, 1, 2, 3])
def test_a_state_of_any_size_goes_along_any_lists(states, lists):
    """As the docstrings of `fold` and `scan` say, whether or not a shorter way serves some sizes."""
    start, xs = tuple(range(1, states + 1)), [[10 * k + i for i in range(4)] for k in range(lists)]

    def step(*args):
        return tuple(2 * s + sum(args[states:]) for s in args[:states])

    state, found = start, []
    for x in zip(*xs, strict=True):
        found.append((state, x))
        state = step(*state, *x)
    assert FLOATS.fold(step, start, *xs) == state
    assert FLOATS.scan(lambda *args: (step(*args), (args[:states], args[states:])), start, *xs) == found
