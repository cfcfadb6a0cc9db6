"""How each library is called with memory of its own, and how a call is timed."""

from __future__ import annotations

import ctypes
import math
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from timeit import Timer

import numpy as np

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
    library = ctypes.PyDLL(str(built(Path(__file__).parents[1] / "c" / source, *flags)))
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


def casadi_symbols(n, name="x"):
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


def jax_in_doubles():
    import jax

    jax.config.update("jax_enable_x64", val=True)
    return jax


def torch_on_one_thread():
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    return torch
