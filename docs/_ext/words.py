"""Search in questions: "how do I freeze a layer?" is a search for "freeze" and "layer", and opens at a section.

Sphinx' index knows in which page a word stands. `_static/sections.js` says in which sections of it, for
`_static/scorer.js`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.search.en import SearchEnglish

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

    Section = tuple[str, str, str]  # the anchor, the heading, the stems of its words

ASKING = frozenset(
    """a about am an any are at be by can could did do does doing for from get give go had has have how i if in into
    is it its like make may me my need of on one or our please should so some such than that the their them then there
    they this to us use used using want was way we what when where which who why will with would you your""".split()
)

SAYING = frozenset(
    "above after again before below down few more most no off only out over own same too under up".split()
)


class Questions(SearchEnglish):
    """English, in which the words of asking are passed over, and those that say where or how much are not.

    Sphinx passes over "down": "loss does not go down" would be a search for "loss".
    """

    lang = "en"
    stopwords = (SearchEnglish.stopwords | ASKING) - SAYING


def collect(app: Sphinx, tree: nodes.document) -> None:
    """The sections of a page, and the terms of a glossary; the first is what stands above the others."""
    english, found = Questions({}), []
    for part in tree.findall(lambda node: isinstance(node, nodes.section) or _term(node) is not None):
        term = _term(part)
        if term is not None:
            part["ids"].append(f"term-{nodes.make_id(term)}")
            if part["ids"][-1] in {anchor for anchor, _, _ in found}:
                part["ids"][-1] += f"-{len(found)}"
        heading = term or part.next_node(nodes.title).astext()
        anchor = part["ids"][-1 if term else 0] if found else ""
        words = english.split(" ".join(_texts(part)).lower())
        stems = {english.stem(word) for word in words if word not in english.stopwords}
        if re.fullmatch(r"[a-z][\w-]*|", anchor):  # what a selector can name
            found.append((anchor, heading, " ".join(sorted(stems))))
    if len(found) > 1:
        _of(app.env)[app.env.current_document.docname] = found


def _term(node: nodes.Node) -> str | None:
    """What a row of a table explains, where its first cell is bold."""
    if not isinstance(node, nodes.row):
        return None
    parts = [part for line in node[0].children for part in line.children if part.astext()]
    return node[0].astext() if parts and isinstance(parts[0], nodes.strong) else None


def _texts(part: nodes.Element) -> list[str]:
    """What stands in a section or a row, but not in sections and explained terms within it."""
    found = []
    for child in part.children:
        if isinstance(child, nodes.Text) and not isinstance(part, (nodes.raw, nodes.comment)):
            found.append(child.astext())
        elif isinstance(child, nodes.Element) and not isinstance(child, nodes.section) and _term(child) is None:
            found += _texts(child)
    return found


def _of(env: BuildEnvironment) -> dict[str, list[Section]]:
    if not hasattr(env, "sections_searched"):
        env.sections_searched = {}
    return env.sections_searched  # type: ignore[no-any-return]


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:  # noqa: ARG001
    """Take over what another process has read."""
    _of(env).update({page: found for page, found in _of(other).items() if page in docnames})


def load(app: Sphinx, page: str, *_: object) -> None:
    """The page of the search loads the sections."""
    if page == "search":
        app.add_js_file("sections.js", priority=100)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the sections of all pages."""
    if error is None:
        found = json.dumps(dict(sorted(_of(app.env).items())), ensure_ascii=False, separators=(",", ":"))
        (Path(app.outdir) / "_static" / "sections.js").write_text(f"window.SECTIONS = {found};\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Take the place of Sphinx' English, and keep the sections."""
    from sphinx.search import languages

    languages["en"] = Questions
    app.connect("doctree-read", collect)
    app.connect("env-merge-info", merge)
    app.connect("html-page-context", load)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
