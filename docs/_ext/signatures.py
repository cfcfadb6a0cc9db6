"""Signatures of several lines as lines; Sphinx makes them lists of definitions without terms, no valid HTML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)


def as_lines(html: str) -> str:
    """A page's HTML with such lists as blocks.

    Args:
        html: The body of a page.
    """

    def change(found: re.Match[str]) -> str:
        text = re.sub(r"<dl[^>]*>", '<span class="sig-lines">', found[0]).replace("</dl>", "</span>")
        return re.sub(r"<dd[^>]*>", '<span class="sig-line">', text).replace("</dd>", "</span>")

    return SIGNATURE.sub(change, html)


def _page(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:  # noqa: ARG001
    if "body" in context:
        context["body"] = as_lines(context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Change each page before it is written."""
    app.connect("html-page-context", _page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
