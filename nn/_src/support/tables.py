"""Small tables, as text and as HTML: a column of names, and columns of right-aligned numbers."""

from __future__ import annotations

import html
import textwrap
from typing import TYPE_CHECKING

from autograd_core._src.notation.numbers import rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

LINE = 100  # signs of a line of sentences


class Table:
    """A record that shows itself as a table: a subclass defines `_heading()` and `_table()`, its heads and lines."""

    __slots__ = ()

    if TYPE_CHECKING:

        def _heading(self) -> str: ...

        def _table(self) -> tuple[Sequence[str], list[list[str]]]: ...

    def __str__(self) -> str:
        return "\n".join([self._heading(), *as_text(*self._table())])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(self._heading(), *self._table())


def as_text(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Aligned lines; the first columns are set to the left, the others to the right."""
    table = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        pairs = enumerate(zip(row, widths, strict=True))
        lines.append("  ".join(x.ljust(w) if j < left else x.rjust(w) for j, (x, w) in pairs).rstrip())
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
        '<div class="autograd-table mathjax_ignore tex2jax_ignore" style="overflow-x:auto">'
        f'<p style="margin:8px 0 2px"><strong>{html.escape(name)}</strong> {html.escape(about)}</p>'
        f'<table style="margin:0 0 8px"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def wrapped(text: str) -> str:
    """Sentences in lines that a page has room for."""
    return textwrap.fill(text, LINE, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def number_in(x: float, spec: str) -> str:
    """A number in a format such as ".1f", with a real minus sign; as `number` has it where that is empty."""
    return format(x, spec).replace("-", "−") if spec else number(x)


def number(x: float, digits: int = 4) -> str:
    """So many significant digits with a real minus sign, in tables as in sentences."""
    return rounded(x, digits)
