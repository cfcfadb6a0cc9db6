import sys

import pytest


@pytest.fixture(params=["llvm", "numpy"])
def backend(request, monkeypatch):
    """Both interpreters; the second as on a machine without llvmlite."""
    if request.param == "numpy":
        monkeypatch.setattr("autograd_core._src.compiler.runtime.numpy_vm.said", ["elsewhere"])
        monkeypatch.setitem(sys.modules, "autograd_core._src.compiler.codegen.llvm.vm", None)
    return request.param
