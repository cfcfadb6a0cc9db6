"""Every row of the documents that this library follows has a test and a place in a notebook: the map names them."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAP = ROOT / "notebooks" / "README.md"
ROWS = [f"{letter}{k}" for letter, n in (("D", 9), ("B", 4), ("L", 7), ("C", 4), ("N", 4)) for k in range(1, n + 1)]


def table(text):
    """Row -> (its tests, its places in notebooks), from the lines of a Markdown table."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and re.fullmatch(r"[A-Z]\d", cells[0]):
            assert cells[0] not in found, f"{cells[0]} stands twice"
            found[cells[0]] = (re.findall(r"`([^`]+::[^`]+)`", cells[2]), re.findall(r"\]\(([^)#]+)#([^)]+)\)", cells[3]))
    return found


def functions(path):
    """The names of the tests in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def headings(path):
    """What a notebook's sections can be linked to by."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown").splitlines()
    return {re.sub(r"\s+", "-", line.lstrip("#").strip()) for line in lines if line.startswith("#")}


def faults(text):
    """What is missing in a map, in words."""
    rows, found = table(text), []
    for row in ROWS:
        tests, places = rows.get(row, ((), ()))
        found += [f"{row} has no test"] * (not tests) + [f"{row} is in no notebook"] * (not places)
        for test in tests:
            file, name = test.split("::")
            if not (ROOT / file).exists() or name not in functions(ROOT / file):
                found.append(f"{row}: there is no {test}")
        for notebook, heading in places:
            path = MAP.parent / notebook
            if not path.exists() or heading not in headings(path):
                found.append(f"{row}: {notebook} has no section {heading}")
    return found


def test_every_row_has_its_test_and_its_section():
    assert faults(MAP.read_text(encoding="utf-8")) == []


def test_every_notebook_is_on_the_map():
    text = MAP.read_text(encoding="utf-8")
    assert [path.name for path in sorted(MAP.parent.glob("*.ipynb")) if f"]({path.name}" not in text] == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (r"\| D7 .*\n", "", "D7 has no test"),
        (r"(\| N2 [^`]*)`[^`]+`", r"\1`tests/test_map.py::test_nowhere`", "N2: there is no tests/test_map.py::test_nowhere"),
        (r"(\| L4 .*?\.ipynb#)[^)]+\)", r"\1Nowhere)", "has no section Nowhere"),
    ],
)
def test_a_gap_is_noticed(old, new, fault):
    broken, n = re.subn(old, new, MAP.read_text(encoding="utf-8"), count=1)
    assert n == 1
    assert any(fault in line for line in faults(broken))
