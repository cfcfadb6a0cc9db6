"""What mypy (strict) and pyright make of a user's code: right names and types pass, misspelt and mistyped ones do not.

Each case is a file. A line that ends in `# error` must be refused by both checkers, and no other line may be.
"""

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import autograd_core

ROOT = Path(autograd_core.__file__).parent.parent

CASES = {
    "right_names": """
        import autograd_core as ag
        import nn
        from autograd_core import CompiledFunction, Explanation, Picture, Program, Step, Stepper, Value, draw

        def compiled(f: CompiledFunction) -> Program:
            return f.program

        def drawn(x: Value) -> Picture:
            return draw(ag.tanh(x))

        ag.sum, ag.max, ag.min, ag.abs, ag.compile, ag.explain, ag.backward_steps, ag.draw_dot
        nn.MLP, nn.fit, nn.datasets.moons, nn.init, nn.schedules, nn.practice
    """,
    "misspelt_names": """
        import autograd_core as ag
        import nn
        from autograd_core import NoSuchThing  # error
        from autograd_core import replay
        from autograd_core.replay import CompiledFunktion  # error
        from nn import Sequental  # error

        ag.tahn  # error
        ag.tahn(1.0)  # error
        ag.Valeu  # error
        ag.drawdot  # error
        ag._LATER_  # error
        replay.comple  # error
        nn.MPL  # error
        nn.datasets.mons  # error
        ag.Value(1.0).tahn()  # error
        ag.Value(1.0).labl  # error
    """,
    "functions": """
        from typing import assert_type
        import autograd_core as ag
        from autograd_core import Value

        x = Value(1.0)
        assert_type(ag.sin(0.5), float)
        assert_type(ag.sin(2), float)
        assert_type(ag.sin(x), Value)
        assert_type(ag.atan2(1.0, 2.0), float)
        assert_type(ag.atan2(x, 2.0), Value)
        assert_type(ag.atan2(1, x), Value)
        assert_type(ag.maximum(x, x), Value)
        assert_type(ag.log(8.0, 2), float)
        assert_type(ag.log(x), Value)
        assert_type(ag.log(8.0, x), Value)
        assert_type(ag.leaky_relu(x), Value)
        assert_type(ag.elu(-1.0), float)
        assert_type(2 * x + x / 3 - x**2, Value)
        assert_type(x > 0, Value)
        assert_type(x.tanh(), Value)
        assert_type(x.hypot(2), Value)
    """,
    "mistyped": """
        import autograd_core as ag
        ag.sin("a")  # error
        ag.Value([1.0])  # error
        ag.atan2(1.0)  # error
    """,
}


def with_mypy(folder):
    command = ["-m", "mypy", "--strict", "--follow-imports=silent", "--no-pretty", "--cache-dir", str(folder / ".cache"), "."]
    output = run(command, folder, MYPYPATH=str(ROOT))
    return re.findall(r"^(\w+)\.py:(\d+): error: (.*)", output, re.MULTILINE)


def with_pyright(folder):
    settings = {"extraPaths": [str(ROOT)], "typeCheckingMode": "standard", "reportUnusedExpression": False}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    output = run(["-m", "pyright", "--outputjson", "--pythonpath", sys.executable], folder)
    found = json.loads(output[output.index("{") :])["generalDiagnostics"]
    return [(Path(d["file"]).stem, d["range"]["start"]["line"] + 1, d["message"]) for d in found if d["severity"] == "error"]


def run(arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, *arguments], check=False, cwd=folder, capture_output=True, text=True, env=os.environ | environment
    ).stdout


CHECKERS = {"mypy": with_mypy, "pyright": with_pyright}


@pytest.fixture(scope="module", params=CHECKERS)
def errors(request, tmp_path_factory):
    """Messages of one checker by case and line, from one run over all cases."""
    pytest.importorskip(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    for name, code in CASES.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(code))
    found = {name: {} for name in CASES}
    for name, line, message in CHECKERS[request.param](folder):
        found[name].setdefault(int(line), []).append(message)
    assert found["mistyped"], f"{request.param} did not run"
    return found


@pytest.mark.parametrize("name", CASES)
def test_checkers_accept_and_refuse(errors, name):
    lines = textwrap.dedent(CASES[name]).splitlines()
    expected = {i for i, line in enumerate(lines, 1) if line.endswith("# error")}
    shown = "\n".join(f"{lines[i - 1].strip()}: {messages}" for i, messages in errors[name].items() if i not in expected)
    assert not shown
    assert not [lines[i - 1] for i in expected - errors[name].keys()]
