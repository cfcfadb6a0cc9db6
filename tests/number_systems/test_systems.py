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
