"""Docstrings as the library writes them, as Markdown of the site."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ITEMS = ("Args", "Raises", "Attributes")  # sections that are lists of names with texts
TEXTS = ("Returns", "Yields", "Kink", "Source", "Sources")
SHORT = ("Kink", "Source", "Sources")  # one paragraph, which begins beside the heading
SECTION = re.compile(rf"({'|'.join((*ITEMS, *TEXTS, 'Example'))}):(?: +(.*))?$")
ITEM = re.compile(r"(\*{0,2}[A-Za-z_][\w.]*(?:, \*{0,2}[A-Za-z_][\w.]*)*)(?: \(([^)]*)\))?: (.*)$")
SPECIAL = re.compile(r"([\\*_\[\]<>$#|~{}^])")


class Docstring:
    """A docstring in its parts.

    Args:
        text: As `inspect.getdoc` gives it.

    Attributes:
        summary: Its first paragraph.
        body: The paragraphs that belong to no section.
        sections: The text of each section, by its heading.
    """

    def __init__(self, text: str) -> None:
        lines = text.splitlines()
        free: list[str] = []
        self.sections: dict[str, str] = {}
        here: list[str] | None = None
        heading = ""
        for line in lines:
            found = SECTION.match(line)
            if found:
                if here is not None:
                    self._keep(heading, here)
                heading, here = found[1], [found[2]] if found[2] else []
            elif here is not None and heading in SHORT and not line.strip():
                self._keep(heading, here)
                here = None
            elif here is not None and line and not line.startswith(" ") and heading not in SHORT:
                self._keep(heading, here)
                here = None
                free += ["", line]
            elif here is not None:
                here.append(line)
            else:
                free.append(line)
        if here is not None:
            self._keep(heading, here)
        paragraphs = "\n".join(free).strip().split("\n\n", 1)
        self.summary = paragraphs[0]
        self.body = paragraphs[1].strip("\n") if len(paragraphs) > 1 else ""

    def _keep(self, heading: str, lines: list[str]) -> None:
        self.sections[heading] = textwrap.dedent("\n".join(lines)).strip("\n")

    def items(self, heading: str) -> list[tuple[str, str]]:
        """The names of a section, each with its text."""
        found: list[tuple[str, str]] = []
        for line in self.sections.get(heading, "").splitlines():
            item = ITEM.match(line)
            if item:
                found.append((item[1], item[3]))
            elif found:
                found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}".strip())
        return found


def prose(text: str, link: Callable[[str], str | None] = lambda _: None) -> str:
    """Plain text as Markdown: paragraphs, lists, indented code; names in backticks are linked.

    Args:
        text: Several paragraphs.
        link: Gives the address of what stands between backticks, or None.
    """
    blocks = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if re.match(r" {2,}", paragraph):
            blocks.append(f"```text\n{textwrap.dedent(paragraph)}\n```")
        elif paragraph.startswith("|"):
            blocks.append(paragraph)
        elif re.match(r"- ", paragraph):
            entries = re.split(r"\n(?=- )", paragraph)
            blocks.append("\n".join(f"- {inline(' '.join(e[2:].split()), link)}" for e in entries))
        else:
            blocks.append(inline(" ".join(paragraph.split()), link))
    return "\n\n".join(blocks)


def inline(text: str, link: Callable[[str], str | None] = lambda _: None) -> str:
    """One paragraph as Markdown in which nothing but backticks has a meaning."""
    parts = re.split(r"`([^`]+)`", text)  # every other part is code
    return "".join(_code(part, link) if i % 2 else _plain(part) for i, part in enumerate(parts))


def _plain(text: str) -> str:
    text = SPECIAL.sub(r"\\\1", text)
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", re.sub(r"^([-+=])", r"\\\1", text))


def _code(text: str, link: Callable[[str], str | None]) -> str:
    address = link(text)
    return f"[`{text}`]({address})" if address else f"`{text}`"
