"""Small tables, as text and as HTML: one column of names, and columns of numbers set to the right."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def as_text(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned lines; the first column is set to the left."""
    table = [heads, *rows]
    widths = [max(len(row[j]) for row in table) for j in range(len(heads))]
    lines = []
    for first, *others in table:
        cells = [first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def as_html(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table: nothing that a notebook's sanitizer takes away, and all text escaped.

    The classes keep notebooks from reading a "$" in a name as the beginning of a formula.
    """

    def cell(tag: str, text: str, side: str) -> str:
        return f'<{tag} style="text-align:{side};padding:1px 8px">{html.escape(text)}</{tag}>'

    head = "".join(cell("th", text, "right" if j else "left") for j, text in enumerate(heads))
    body = "".join(
        f"<tr>{cell('th', first, 'left')}{''.join(cell('td', text, 'right') for text in others)}</tr>"
        for first, *others in rows
    )
    name, _, about = caption.partition("  ")
    return (
        '<table class="autograd-table mathjax_ignore tex2jax_ignore" style="margin:8px 0">'
        '<caption style="text-align:left;caption-side:top">'
        f"<strong>{html.escape(name)}</strong> {html.escape(about)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def number(x: float) -> str:
    """Four significant digits with a real minus sign."""
    return f"{x:.4g}".replace("-", "−")
