"""CONTRIBUTING.md: its recipe for an operation, taken literally in a copy of the checkout."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

for module in ("mpmath", "numpy", "sympy", "llvmlite"):
    pytest.importorskip(module)

ROOT = Path(__file__).parents[1]
NEEDED = ("autograd_core", "nn", "benchmarks", "tests", "docs", "pyproject.toml")
RECIPE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Adding an operation\n")[2]
STEP = re.compile(r"^\d+\. `([^`]+)`, (above|below) (?:``(.+?)``|`([^`]+)`):.*\n\n((?:    .*\n|\n)+)", re.MULTILINE)
COMMAND = re.compile(r"^        python (.*)$", re.MULTILINE)


class Step(NamedTuple):
    """Lines that are added to a file above or below the one that begins so."""

    file: str
    place: str
    line: str
    text: str

    def added(self, text):
        lines = text.splitlines(keepends=True)
        [i] = [i for i, line in enumerate(lines) if line.strip().startswith(self.line)]
        indent = lines[i][: len(lines[i]) - len(lines[i].lstrip())]
        lines.insert(i + (self.place == "below"), textwrap.indent(self.text, indent))
        return "".join(lines)


STEPS = [Step(file, place, a or b, textwrap.dedent(text).strip() + "\n") for file, place, a, b, text in STEP.findall(RECIPE)]


class Copy:
    """A copy of the checkout, in which some steps of the recipe are done."""

    def __init__(self, root):
        self.root = root
        for name in NEEDED:
            whole = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            whole(ROOT / name, root / name, **({"ignore": shutil.ignore_patterns("__pycache__", "images")} if whole is shutil.copytree else {}))

    def do(self, steps):
        for file in {step.file for step in STEPS}:
            text = (ROOT / file).read_text(encoding="utf-8")
            for step in steps:
                text = step.added(text) if step.file == file else text
            (self.root / file).write_text(text, encoding="utf-8")

    def run(self, command):
        environment = os.environ | {"PYTHONPATH": str(self.root), "HYPOTHESIS_PROFILE": "ci"}
        arguments = [sys.executable, *shlex.split(command)]
        return subprocess.run(arguments, cwd=self.root, env=environment, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("checkout"))


def test_the_recipe_is_read_as_it_stands():
    assert len(STEPS) == len(re.findall(r"^\d+\. `", RECIPE, re.MULTILINE)) == 9
    assert len(COMMAND.findall(RECIPE)) == 3
    for step in STEPS:
        assert "softsign" in step.text
        assert step.text.strip() not in (ROOT / step.file).read_text(encoding="utf-8")


def test_an_operation_is_added_by_the_recipe_alone(copy):
    copy.do(STEPS)
    measure, entries, tests = COMMAND.findall(RECIPE)
    for command in (f"{measure} --points 500", f"-m {entries.partition('-m ')[2]} -q", f"-m {tests.partition('-m ')[2]} -q"):
        run = copy.run(command)
        assert run.returncode == 0, f"{command}\n{run.stdout}\n{run.stderr}"
    assert int(re.search(r"(\d+) passed", run.stdout)[1]) >= 20
    run = copy.run("-c 'import autograd_core as ag; print(ag.softsign(-3.0), ag.grad(ag.softsign)(1.0), ag.Value(1.0).softsign().data)'")
    assert run.stdout == "-0.75 0.25 0.5\n", run.stderr


def squeezed(text):
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{Path(step.file).name} {step.line}")
def test_a_step_that_is_left_out_is_named(copy, step):
    # Without its function a name cannot be imported, which Python says by itself.
    without = [step, *(other for other in STEPS if step.file.endswith("functions.py") and other.file.endswith("__init__.py"))]
    copy.do([other for other in STEPS if other not in without])
    run = copy.run("-m pytest -q -p no:cacheprovider tests/engine/test_entries.py -k softsign")
    told = run.stdout + run.stderr
    assert run.returncode != 0
    is_entry = "/primitives/" in step.file  # then no more is known than the folder
    assert (str(Path(step.file).parent) if is_entry else step.file) in told
    text = squeezed(step.text)
    assert text[: text.index("softsign") + len("softsign") + 2] in squeezed(told), told
    assert told.count("Traceback") <= is_entry


def test_systems_that_lack_a_new_elementary_function_are_named(copy):
    copy.do([])
    base, family = copy.root / "autograd_core/_src/number_systems/base.py", copy.root / STEPS[0].file
    before = [path.read_text(encoding="utf-8") for path in (base, family)]
    entry = 'entry("expit", lambda m, x: m.expit(x), lambda m, x, z: (z * (1 - z),), summary="1 / (1 + exp(-x)).")\n'
    base.write_text(before[0].replace(" digamma abs ", " digamma expit abs "), encoding="utf-8")
    family.write_text(STEPS[0]._replace(text=entry).added(before[1]), encoding="utf-8")
    told = copy.run("-m pytest -q -p no:cacheprovider tests/number_systems/test_systems.py").stdout
    for path, text in zip((base, family), before, strict=True):
        path.write_text(text, encoding="utf-8")
    named = re.findall(r"^autograd_core/_src/number_systems/(\w+)\.py: .*expit", told, re.MULTILINE)
    assert {*named} >= {"floats", "high_precision", "symbolic", "source", "complex_arrays", "complex_step", "numpy_arrays"}, told
