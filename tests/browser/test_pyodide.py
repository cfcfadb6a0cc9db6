"""The built wheel in Pyodide, under Node: the same numbers and the same picture as here, without a network."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What `pip install` brings in a browser: the base dependencies but fast-sugiyama, which has no wheel for it.
PURE = ("graphviz", "latex2mathml")

PROGRAM = """
import json, sys
import autograd_core as ag

a, b = ag.Value(-4.0, label="a"), ag.Value(2.0, label="b")
c = a + b
d = a * b + b**3
c = c + c + 1
c = c + 1 + c + (-a)
d = d + d * 2 + (b + a).relu()
d = d + 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g = g + 10.0 / f
g.label = "g"
g.backward()
picture = ag.draw(g)
stepper = ag.Stepper(g)
json.dumps({
    "platform": sys.platform,
    "value": g.data,
    "gradient": [a.grad, b.grad],
    "second order": ag.hessian(lambda v: ag.tanh(v[0] * v[1]))([0.5, -3.0]),
    "svg": picture.svg,
    "html": picture._repr_html_(),
    "expression": ag.draw(g, expression=True)._repr_html_(),
    "stepper": stepper._repr_html_(),
    "last step": str(stepper.goto(len(stepper) - 1)),
    "explanation": str(ag.explain(g, a)),
    "shell": ag.draw(ag.Value(2.0, label="x").tanh(), style="compact").svg,
})
"""


def archive(folder, distribution):
    """The installed files of a pure package, as a wheel has them."""
    path = folder / f"{distribution}.zip"
    found = importlib.metadata.distribution(distribution)
    with zipfile.ZipFile(path, "w") as kept:
        for file in found.files:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                kept.write(found.locate_file(file), str(file))
    return path


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What the program says in Pyodide, and what it says here."""
    if shutil.which("node") is None or not (ROOT / "node_modules" / "pyodide").is_dir():
        pytest.skip("needs Node and its package pyodide: npm install --no-save pyodide, in the checkout")
    pytest.importorskip("hatchling", reason="needs hatchling, which builds the wheel: pip install -e '.[browser]'")
    folder = tmp_path_factory.mktemp("pyodide")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    program = folder / "program.py"
    program.write_text(PROGRAM)
    # Here the layout is the simple one as well: without the package it is what there is.
    here = PROGRAM.replace("\n", "\nimport sys; sys.modules['fast_sugiyama'] = None\n", 1).replace(
        "\njson.dumps(", "\nanswer = json.dumps("
    )
    files = [wheel, *(archive(folder, name) for name in PURE)]
    node = ["node", str(Path(__file__).with_name("pyodide.mjs")), str(program), *map(str, files)]
    said = [
        subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=300)
        for command in (node, [sys.executable, "-c", here + "print(answer)"])
    ]
    for run in said:
        assert run.returncode == 0, run.stderr[-3000:]
    return [json.loads(run.stdout) for run in said]


def test_it_ran_in_webassembly(answers):
    assert [answer.pop("platform") for answer in answers] == ["emscripten", sys.platform]


def test_the_readme_expression_and_its_gradient(answers):
    there, here = answers
    assert there["value"] == here["value"] == pytest.approx(24.70408163265306, rel=1e-15)
    assert there["gradient"] == here["gradient"] == pytest.approx([138.83381924198252, 645.5772594752187], rel=1e-15)
    assert there["second order"] == [pytest.approx(row, rel=1e-14) for row in here["second order"]]


@pytest.mark.parametrize("what", ["svg", "html", "expression", "stepper", "last step", "explanation", "shell"])
def test_pictures_and_texts_are_the_same_to_the_letter(answers, what):
    there, here = answers
    assert there[what] == here[what]
    assert there[what].count("g") > 1


def test_no_dependency_lacks_a_wheel_for_it():
    """Every base dependency that a browser asks for is one of those that this test brings, which are pure."""
    packaging = pytest.importorskip("packaging.requirements")
    there = {"sys_platform": "emscripten", "platform_system": "Emscripten", "platform_machine": "wasm32", "extra": ""}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = map(packaging.Requirement, project["dependencies"])
    assert {r.name for r in asked if r.marker is None or r.marker.evaluate(there)} == set(PURE)
    for name in PURE:
        assert not [f for f in importlib.metadata.files(name) if f.suffix in {".so", ".pyd", ".dylib"}]
