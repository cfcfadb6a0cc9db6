"""Where public names are used: the sections of notebooks and how-to pages whose code names them."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = ("autograd_core", "nn")
MOST = 6  # places that a page lists


class Place(NamedTuple):
    """A section whose code uses a name: the file, its title, and the section's heading."""

    file: Path
    title: str
    heading: str


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and the site have it."""
    plain = re.sub(r"[`*$\\]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def cells(file: Path) -> Iterator[tuple[str, str]]:
    """(kind, text) of each cell of a notebook, or of each part of a page."""
    if file.suffix == ".ipynb":
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            yield cell["cell_type"], "".join(cell["source"])
        return
    for part in re.split(r"(^```python\n.*?^```$)", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL):
        code = re.fullmatch(r"```python\n(.*?)```", part, re.DOTALL)
        yield ("code", _without_prompts(code[1])) if code else ("markdown", part)


def _without_prompts(code: str) -> str:
    if not code.lstrip().startswith(">>>"):
        return code
    return "\n".join(line[4:] for line in code.splitlines() if line.startswith((">>> ", "... ")))


def names_in(code: str, known: dict[str, str]) -> set[str]:
    """The full names, such as "autograd_core.grad", that some code uses.

    Args:
        code: Python; magic lines are passed over, and code that is no Python names nothing.
        known: What earlier code imported: the local name, and what it stands for. It is added to.
    """
    try:
        tree = ast.parse("\n".join("" if line.startswith(("%", "!")) else line for line in code.splitlines()))
    except SyntaxError:
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in PACKAGES:
                    whole = alias.name if alias.asname else alias.name.split(".")[0]
                    known[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, (ast.Name, ast.Attribute)):
            dotted = _dotted(node)
            head, _, rest = dotted.partition(".")
            if head in known and (rest or known[head] not in PACKAGES):
                found.add(f"{known[head]}.{rest}" if rest else known[head])
    return found


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def places(files: list[Path]) -> dict[str, list[Place]]:
    """For each full name the places that use it, in the order of the files."""
    found: dict[str, list[Place]] = {}
    for file in files:
        title = heading = ""
        known: dict[str, str] = {}
        for kind, text in cells(file):
            if kind == "markdown":
                for line in text.splitlines():
                    if re.match(r"#+ ", line):
                        heading = line.lstrip("#").strip()
                        title = title or heading
                continue
            for name in names_in(text, known):
                place = Place(file, title, "" if heading == title else heading)
                if place not in found.setdefault(name, []):
                    found[name].append(place)
    return found
