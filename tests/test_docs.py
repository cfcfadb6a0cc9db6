"""The code in README.md and docs/ runs, and the documents link to what exists."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest
from printed_errors import WithoutLinks

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "benchmarks").glob("*.md"))]


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_python_blocks(path, tmp_path, monkeypatch):
    """All blocks of one document run in order, in one namespace; `>>>` blocks are compared as doctests."""
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for number, block in enumerate(blocks(path, "python")):
        if block.lstrip().startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block, namespace, f"{path.name}[{number}]", str(path), 0)
            runner = doctest.DocTestRunner(WithoutLinks(), optionflags=doctest.ELLIPSIS)
            runner.run(test, clear_globs=False)
            assert runner.failures == 0, f"{path.name}, block {number}:\n{block}"
            namespace = test.globs
        else:
            exec(compile(block, f"{path.name}[{number}]", "exec"), namespace)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links(path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"", path.read_text()):
        link = target[0] or target[1]
        if not link.startswith(("http:", "https:", "mailto:")):
            assert (path.parent / link).exists(), f"{path.name} links to {link}"


def rows(text, first):
    """The cells of the table row that begins so."""
    [line] = [line for line in text.splitlines() if re.match(rf"\| *{re.escape(first)} *\|", line)]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.mark.parametrize(
    ("first", "section", "columns"),
    [
        ("one step of micrograd's demo (100 points, 337 parameters), eager", "moons", ("micrograd", "oxigrad", "torch", "autograd_core")),
        ("micrograd's README expression, build and backward", "readme", ("micrograd", "oxigrad", "torch", "autograd_core")),
    ],
)
def test_times_of_the_readme_are_those_of_the_results(first, section, columns):
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text()
    part = re.search(rf"^## {section}\n(.*?)(?=^## )", results, re.MULTILINE | re.DOTALL)[1]
    shown = [cell.split()[0] for cell in rows((ROOT / "README.md").read_text(), first)]
    for number, library in zip(shown, columns, strict=True):
        digits = len(number.partition(".")[2])
        assert round(float(rows(part, library)[0]), digits) == float(number), f"{first}: {library}"


@pytest.mark.parametrize(
    ("first", "there"),
    [
        ("a function of two numbers", "`f.value_and_grad(x, y)` of a tiny function"),
        ("the same, closing over a list of 1 000 numbers", "the same, closing over a list of 1 000 floats"),
        ("micrograd's demo, 100 points and 337 parameters, called with arrays", "micrograd's demo (100 examples, 337 parameters), called with arrays"),
    ],
)
def test_times_of_calls_in_the_readme_are_those_of_the_page_on_compiled_functions(first, there):
    shown = rows((ROOT / "README.md").read_text(), first)
    measured = rows((ROOT / "docs" / "compiled.md").read_text(), there)
    assert shown == [cell.removesuffix(" (bound)") for cell in measured[:2]]


def test_a_loop_with_parameters_is_as_much_faster_as_the_readme_says():
    """A hundred times. How long anything takes is said by pages that say how it was measured."""
    page, readme = (ROOT / "docs" / "compiled.md").read_text(), (ROOT / "README.md").read_text()
    [ratio] = re.findall(r"^\| a step of a hand-written loop with `parameters=`.*\| 1 / (\d+) \|$", page, re.MULTILINE)
    assert 100 <= int(ratio) < 200
    assert "keeps its `backward()` and runs a hundred times faster" in readme
    assert re.findall(r"\b(?:minutes?|seconds|[\d.]+ (?:s|min)\b)", readme) == ["minutes"]
    of_tests = [re.findall(r"\w+ minutes", page) for page in (readme, (ROOT / "CONTRIBUTING.md").read_text())]
    assert of_tests == [["nine minutes"], ["nine minutes"]]


def test_the_comparison_of_checkers_in_the_readme_is_that_of_its_page():
    page, readme = (ROOT / "docs" / "checking.md").read_text(), (ROOT / "README.md").read_text()
    alarms = [re.findall(r"\d+", cell) for cell in rows(page, "**right functions with an alarm**")]
    missed = [re.findall(r"\d+", cell) for cell in rows(page, "**bugs that pass**")]
    (ours, n), (slips, m) = alarms[0], missed[0]
    assert slips == "0"
    said = re.search(r"`assert_gradient` raises (\d+ alarms? in [\d,]+ examples)", page)[1]
    assert int(ours) <= int(said.split()[0])  # functions with an alarm under one seed, and alarms under all
    assert f"`assert_gradient` raised {said}" in readme
    torch, jax, _, scipy = zip([alarm for alarm, _ in alarms[1:]], [bugs for bugs, _ in missed[1:]])
    assert f"on {n} functions" in readme
    assert f"on {m} bugs" in readme
    assert "torch's `gradcheck` raised false alarms at {} functions and missed {} bugs".format(*torch) in readme
    assert "jax's `check_grads` {} and {}, SciPy's `check_grad` {} and {}".format(*jax, *scipy) in readme


def test_shell_commands_of_the_readme(tmp_path):
    """Every `python -m autograd_core ...` line but the whole tour, which has a test of its own."""
    commands = [
        line.split("python -m autograd_core", 1)[1].strip()
        for block in blocks(ROOT / "README.md", "sh")
        for line in block.splitlines()
        if "python -m autograd_core draw" in line
    ]
    assert commands
    for command in commands:
        done = subprocess.run(
            f"{sys.executable} -m autograd_core {command}", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("*.svg"))


OF_SOMETHING = re.compile(r"(?<!each local )\b(?:derivatives?|differentiate[sd]?) to(?=[ ,;:.])(?! (?:be|judge|any order|real numbers)\b)")


def test_derivatives_are_taken_with_respect_to_something():
    """Not "to" something, in what users read, in docstrings and in comments; the changelog keeps what it said."""
    assert OF_SOMETHING.search("the derivative to x")
    sources = [p for package in ("autograd_core", "nn") for kind in ("*.py", "*.js") for p in (ROOT / package).rglob(kind)]
    for path in [*sources, *DOCUMENTS, ROOT / "ARCHITECTURE.md"]:
        if path.name not in ("changelog.md", "RESULTS.md"):
            found = OF_SOMETHING.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(ROOT)}: {found[0]!r}; write with respect to"
