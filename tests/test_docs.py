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
