"""The sources of the site in one folder: the pages of `docs`, the notebooks, some pages of the root, the reference.

Pages link to each other by files of the repository, as GitHub shows them. Here those links become links of the site,
and links to what is no page of it become links to the repository.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from commands import options_page
from pages import Reference, relative
from uses import slug

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FALLBACK = "https://github.com/autograd-core/autograd-core"
# what is passed over: headings, links with their words, tags; then a public name between backticks
NAMED = re.compile(
    r"^#.*$|!?\[(?:[^\[\]]|\[[^\]]*\])*\]\([^)]*\)|<[^>]*>|`(?P<name>(?:ag|nn)\.\w+)(?:\([^`]*\))?`", re.MULTILINE
)
LINK = re.compile(r"(\]\(|(?:src|href)=\")([^)\s\"#]*)(#[^)\s\"]*)?(\)|\")")

# Pages that stand elsewhere in the repository, and their page on the site without suffix.
ELSEWHERE = {
    "ARCHITECTURE.md": "architecture",
    "CONTRIBUTING.md": "contributing",
    "notebooks/README.md": "tutorials/map",
    "benchmarks/RESULTS.md": "benchmarks/results",
    "benchmarks/FAULTS.md": "benchmarks/faults",
    "benchmarks/PICTURES.md": "benchmarks/pictures",
    "benchmarks/HISTORY.md": "benchmarks/history",
    "README.md": "index",
}

# What stands below which page, in order; "*" is what has not been named.
CONTENTS = {
    "index": [
        "tutorials/index", "how-to/index", "reference/index", "explanation/index", "errors/index", "playground",
        "about",
    ],
    "tutorials/index": [
        "tutorials/01_first_graph", "tutorials/02_stepping", "tutorials/03_paths", "tutorials/04_pictures",
        "tutorials/05_checking_gradients", "tutorials/06_learning", "tutorials/07_error_signals",
        "tutorials/08_linear_to_general_networks", "tutorials/09_logistic_regression_to_networks",
        "tutorials/10_jacobian_chains", "tutorials/11_calibration", "tutorials/12_living_page",
        "tutorials/micrograd_demo",
        "tutorials/micrograd_trace_graph", "tutorials/map", "tutorials/*",
    ],
    "how-to/index": ["common-mistakes", "how-to/*", "live", "checking", "compiled"],
    "reference/index": [
        "reference/autograd_core/index", "reference/autograd_core.testing/index", "reference/nn/index",
        "reference/nn.datasets/index", "reference/nn.init/index", "reference/nn.schedules/index",
        "reference/nn.practice/index", "reference/primitives", "reference/command-line", "kinks", "accuracy",
        "glossary",
    ],
    "explanation/index": ["explanation/*", "architecture", "adr/index", "pictures", "errata"],
    "errors/index": ["errors/*"],
    "adr/index": ["adr/*"],
    "about": [
        "changelog", "contributing", "benchmarks/results", "benchmarks/pictures", "benchmarks/history",
        "benchmarks/faults",
    ],
}  # fmt: skip


def repository() -> str:
    """The address of the repository, as pyproject.toml has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    urls = {key.lower(): value for key, value in project.get("urls", {}).items()}
    address = next((urls[key] for key in ("source", "repository", "homepage") if key in urls), FALLBACK)
    return address.rstrip("/")


def origins() -> dict[Path, str]:
    """For each file that becomes a page, the page without suffix."""
    found = {}
    for file in sorted(DOCS.rglob("*.md")):
        if "_ext" not in file.parts:
            found[file] = file.relative_to(DOCS).with_suffix("").as_posix()
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        found[file] = f"tutorials/{file.stem}"
    for name, page in ELSEWHERE.items():
        if (ROOT / name).exists() and name != "README.md":
            found[ROOT / name] = page
    return found


class Staging:
    """Writes the sources of the site.

    Args:
        folder: Where to; it is made new.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages = origins()
        self.repository = repository()
        teaching = ("tutorials/", "how-to/")
        code = {f: p for f, p in self.pages.items() if p.startswith(teaching) and not p.endswith("index")}
        self.reference = Reference(self.source, code)

    def write(self, *, only: Iterable[str] | None = None) -> list[str]:
        """Write all sources, or those of the reference whose pages are named; gives the names of all pages."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        texts = {page: (file.suffix, self.text_of(file, page)) for file, page in self.pages.items()}
        texts |= {page: (".md", text) for page, text in self.reference.pages().items()}
        suffix, text = texts["reference/command-line"]
        texts["reference/command-line"] = (suffix, f"{text}\n{options_page()}")
        if only is not None:
            texts = {page: text for page, text in texts.items() if page in set(only)}
        self._contents(texts)
        for page, (suffix, text) in texts.items():
            target = self.folder / f"{page}{suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        for images in ("docs/images", "benchmarks/images"):
            if (ROOT / images).is_dir():
                target = self.folder / Path(images).relative_to("docs" if images.startswith("docs") else ".")
                shutil.copytree(ROOT / images, target, ignore=shutil.ignore_patterns("*.py"), dirs_exist_ok=True)
        return sorted(texts)

    def source(self, file: Path, line: int = 0) -> str:
        """The address of a file in the repository."""
        inside = os.path.relpath(file, ROOT).replace(os.sep, "/")
        kind = "tree" if (ROOT / inside).is_dir() else "blob"
        return f"{self.repository}/{kind}/main/{inside}{f'#L{line}' if line else ''}"

    # --- links ------------------------------------------------------------------------------------

    def text_of(self, file: Path, page: str) -> str:
        """A file's text with the links of the site."""
        text = file.read_text(encoding="utf-8")
        if file.suffix != ".ipynb":
            return self._linked(text, file, page)
        notebook = json.loads(text)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = self._linked("".join(cell["source"]), file, page)
            for output in cell.get("outputs", []):
                _prepare(output)
        return json.dumps(notebook)

    def _linked(self, text: str, file: Path, page: str) -> str:
        parts = re.split(r"(^```.*?^```|`[^`\n]+`)", text, flags=re.MULTILINE | re.DOTALL)

        def change(found: re.Match[str]) -> str:
            before, target, anchor, after = found[1], found[2], found[3] or "", found[4]
            if not target or re.match(r"[a-z]+:", target):
                return found[0]
            return f"{before}{self.address(file, page, target, anchor)}{after}"

        # between backticks nothing is a link, but a link's text may hold some: whole links go first
        return "".join(
            part if part.startswith("```") else self._named(LINK.sub(change, part), page) for part in _kept(parts)
        )

    def _named(self, text: str, page: str) -> str:
        """Text in which `ag.grad` and `nn.fit` are links to the reference, but in headings and within links."""

        def change(found: re.Match[str]) -> str:
            name = self.reference.find(found["name"], "autograd_core") if found["name"] else None
            return f"[{found[0]}]({relative(page, name.page)})" if name else found[0]

        return NAMED.sub(change, text)

    def address(self, file: Path, page: str, target: str, anchor: str) -> str:
        """What a link of some file becomes on the site."""
        meant = Path(os.path.normpath(file.parent / target))
        if meant.is_dir() and (meant / "index.md") in self.pages:
            meant = meant / "index.md"
        if meant == ROOT / "README.md":
            return f"{_relative(page, 'index')}.md{anchor}"
        if meant == DOCS / "adr":
            return f"{_relative(page, 'adr/index')}.md"
        if meant in self.pages:
            other = self.pages[meant]
            if anchor and meant.suffix == ".ipynb":
                anchor = "#" + slug(anchor[1:].replace("-", " ").replace("%20", " "))
            return f"{_relative(page, other)}{meant.suffix}{anchor}"
        if meant.is_relative_to(DOCS / "images"):
            return _relative(page, meant.relative_to(DOCS).as_posix())
        if meant.is_relative_to(ROOT / "benchmarks" / "images"):
            return _relative(page, meant.relative_to(ROOT).as_posix())
        return self.source(meant) + anchor

    # --- contents ---------------------------------------------------------------------------------

    def _contents(self, texts: dict[str, tuple[str, str]]) -> None:
        """Put each page below another one; index pages that nobody wrote are made."""
        named = {p for pages in CONTENTS.values() for p in pages}
        if "adr/index" not in texts:
            records = [(p, t) for p, (_, t) in sorted(texts.items()) if p.startswith("adr/")]
            listed = "\n".join(f"- [{_title(text)}]({Path(page).name}.md)" for page, text in records)
            texts["adr/index"] = (".md", DECISIONS.format(listed=listed))
        if "about" not in texts:
            texts["about"] = (".md", ABOUT.format(citation=self.source(ROOT / "CITATION.cff")))
        for page, below in CONTENTS.items():
            if page not in texts:
                continue
            entries: list[str] = []
            for entry in below:
                if entry.endswith("*"):
                    rest = sorted(p for p in texts if p.startswith(entry[:-1]) and p not in named)
                    entries += [p for p in rest if not p.endswith("/index")]
                elif entry in texts:
                    entries.append(entry)
            suffix, text = texts[page]
            listed = "\n".join(f"/{e}" for e in entries)
            texts[page] = (suffix, f"{text}\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n")


DECISIONS = """# Decisions

What was decided, why, and which alternatives were rejected.

{listed}
"""

ABOUT = """# About

- [Changelog](changelog.md)
- [Contributing](contributing.md): the tests' commands, and the recipe for a new operation
- [Measurements](benchmarks/results.md): speed and memory beside other libraries, in one run on one machine
- [Speed of pictures and steps](benchmarks/pictures.md)
- [Speed over time](benchmarks/history.md): ten figures, commit by commit
- [Faults that generated programs and planted errors found](benchmarks/faults.md)

## How to cite

[CITATION.cff]({citation}) has the entry, which GitHub shows as BibTeX under "Cite this repository". The licence is MIT.
"""


def _kept(parts: list[str]) -> list[str]:
    """Code blocks apart; all else in one text again, so that links keep the code within their words."""
    found: list[str] = []
    for part in parts:
        if part.startswith("```") or not found or found[-1].startswith("```"):
            found.append(part)
        else:
            found[-1] += part
    return found


def _relative(page: str, other: str) -> str:
    return os.path.relpath(other, Path(page).parent.as_posix() or ".").replace(os.sep, "/")


def _title(text: str) -> str:
    return next((line[2:] for line in text.splitlines() if line.startswith("# ")), "")


def _prepare(output: dict[str, object]) -> None:
    """Of several forms of one output keep the one that a page shows best."""
    data = output.get("data")
    if isinstance(data, dict) and "text/html" in data:
        for other in ("image/svg+xml", "image/png", "text/latex"):
            data.pop(other, None)
