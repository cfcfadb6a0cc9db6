"""The examples of the site, numbered: which blocks are Python that a reader may run, and what each of them says.

Each such block has the class `example-N`, N counting within its page; `_static/examples.json` has their texts.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from offered import FILE
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

LANGUAGES = {"pycon", "python", "ipython3", "python3"}
PROMPT = re.compile(r"^\s*>>> ", re.MULTILINE)


def collect(app: Sphinx, tree: nodes.document) -> None:
    """Number the examples of a page."""
    found = []
    for block in tree.findall(nodes.literal_block):
        text = block.astext().rstrip("\n")
        above = list(_above(block))
        folded = any(node.get("design_component") == "dropdown" for node in above if isinstance(node, nodes.Element))
        printed = "Traceback (most recent" in text and not PROMPT.search(text)
        if block.get("language") not in LANGUAGES or folded or printed:
            continue
        block["classes"].append(f"example-{len(found)}")
        found.append({"text": text, "alone": any(isinstance(node, addnodes.desc) for node in above)})
    if found:
        _of(app.env)[app.env.current_document.docname] = found


def _above(node: nodes.Node) -> Any:
    while (node := node.parent) is not None:
        yield node


def _of(env: BuildEnvironment) -> dict[str, list[dict[str, Any]]]:
    if not hasattr(env, "examples"):
        env.examples = {}
    return env.examples  # type: ignore[no-any-return]


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:  # noqa: ARG001
    """Take over what another process has read."""
    _of(env).update({page: found for page, found in _of(other).items() if page in docnames})


def write(app: Sphinx, error: Exception | None) -> None:
    """Write all of them, page by page."""
    if error is None:
        (Path(app.outdir) / FILE).write_text(json.dumps(dict(sorted(_of(app.env).items()))), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register all of this."""
    app.connect("doctree-read", collect)
    app.connect("env-merge-info", merge)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
