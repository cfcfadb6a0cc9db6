"""The guards around all tests: one that leaves something behind is told of at its own name."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import autograd_core

FAULTY = """
import importlib
import sys

import autograd_core as ag
from autograd_core._src.notation import numbers


def test_that_is_right():
    with ag.no_grad():
        assert ag.tanh(0.5) > 0


def test_that_has_nothing_to_answer_for():
    assert len(ag.topological_order(ag.Value(1.0) * 2.0)) == 3


def test_that_loads_a_module_twice():
    del sys.modules["autograd_core._src.notation.numbers"]
    importlib.import_module("autograd_core._src.notation.numbers")


def test_that_overwrites_a_module_in_its_package():
    sys.modules["autograd_core._src.notation"].names = None


def test_that_comes_after_them():
    assert ag.Value(2.0).data == 2.0


left = ag.no_grad()


def test_that_leaves_a_context_open():
    left.__enter__()
"""


def test_each_fault_is_that_of_its_test(tmp_path):
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path / "conftest.py")
    (tmp_path / "test_faulty.py").write_text(FAULTY, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    root = Path(autograd_core.__file__).parent.parent
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout
    found = dict(reversed(pair) for pair in re.findall(r"^(PASSED|FAILED|ERROR) \S*::(\w+)", told, re.MULTILINE))
    assert found == {
        "test_that_is_right": "PASSED",
        "test_that_has_nothing_to_answer_for": "PASSED",
        "test_that_loads_a_module_twice": "ERROR",
        "test_that_overwrites_a_module_in_its_package": "ERROR",
        "test_that_comes_after_them": "PASSED",
        "test_that_leaves_a_context_open": "ERROR",
    }, told
