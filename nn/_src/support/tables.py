"""Small tables, as text and as HTML: a column of names, and columns of right-aligned numbers."""

from __future__ import annotations

import html
import textwrap
from typing import TYPE_CHECKING, Any

from autograd_core._src.notation.numbers import rounded
from autograd_core._src.pictures.text import scrolled

if TYPE_CHECKING:
    from collections.abc import Sequence

LINE = 100  # characters of a line of sentences, or of a formula
OPERATORS = {" + ": 1, " − ": 1, " - ": 1, " = ": 1, " · ": 2, " ⊙ ": 2}  # lines break before the lowest rank


class Table:
    """A record that shows itself as a table: a subclass defines `_heading()` and `_table()`, its heads and lines."""

    __slots__ = ()

    if TYPE_CHECKING:

        def _heading(self) -> str: ...

        def _table(self) -> tuple[Sequence[str], list[list[str]]]: ...

    def __str__(self) -> str:
        return titled(self._heading(), *self._table())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(self._heading(), *self._table())


class MatrixRows(list[list[Any]]):
    """A matrix as a list of rows, which shows itself in aligned columns, as the tables do.

    Example:
        >>> from nn._src.support.tables import MatrixRows
        >>> MatrixRows([[1 / 3, -1.0], [1e-9, 20.0]])
        0.3333  −1
          1e−9  20
    """

    __slots__ = ()

    def written(self) -> list[list[str]]:
        """The entries as texts; symbols stay what they are."""
        return [[number(x) if isinstance(x, (int, float)) else str(x) for x in row] for row in self]

    def __repr__(self) -> str:
        return "\n".join(as_text(written[0], written[1:], left=0)) if (written := self.written()) else "[]"

    def _repr_html_(self) -> str:
        return as_html("", (), [["", *row] for row in self.written()])


def titled(heading: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table below its heading, which is wrapped if it is wide."""
    return "\n".join([*(part for line in heading.split("\n") for part in broken(line)), *as_text(heads, rows)])


def broken(line: str) -> list[str]:
    r"""A formula or a heading as lines of at most `LINE` signs, the others indented.

    It is broken within as few brackets as can be: behind a semicolon, before a sum's sign, a product's, or at a blank.

    Example:
        >>> from nn._src.support.tables import broken
        >>> print("\n".join(broken("y = a (" + " + ".join(f"w_{i} x_{i}" for i in range(16)) + ")")))
        y = a (w_0 x_0 + w_1 x_1 + w_2 x_2 + w_3 x_3 + w_4 x_4 + w_5 x_5 + w_6 x_6 + w_7 x_7 + w_8 x_8
              + w_9 x_9 + w_10 x_10 + w_11 x_11 + w_12 x_12 + w_13 x_13 + w_14 x_14 + w_15 x_15)
    """
    start = len(line) - len(line.lstrip())
    if len(line) > LINE and start > LINE // 2:  # too little room to the right of the equals sign
        line, start = " " * (LINE // 2) + line[start:], LINE // 2
    equals = line.find("= ", start, LINE // 2)
    indent = " " * ((equals + 2 if equals >= 0 else start) + 2)
    lines: list[str] = []
    while len(line) > LINE and (at := _break(line, len(indent))):
        lines.append(line[:at].rstrip())
        line = indent + line[at:].lstrip()
    return [*lines, line]


def _break(line: str, indent: int) -> int:
    """Where to break a line: the best blank after its first third, else the last one before it, or the first after."""
    depth, before, spots = 0, 0, []
    least = indent + (LINE - indent) // 3
    for at, sign in enumerate(line):
        depth += (sign in "([") - (sign in ")]")
        if sign != " " or at < indent + 8 or line[at + 1 : at + 2] in (" ", "[", ""):  # [ belongs to the ∂/∂w before it
            continue
        if at < least:
            before = at
        elif at <= LINE:
            rank = 0 if line[at - 1] == ";" else OPERATORS.get(line[at : at + 3], 2 if line[at - 1] == "," else 3)
            spots.append((depth, rank, -at))
        else:
            return -min(spots)[-1] if spots else before or at
    return -min(spots)[-1] if spots else before


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
    """A plain table, without anything that a notebook's sanitizer removes, and with all text escaped.

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
        '<div class="autograd-table mathjax_ignore tex2jax_ignore">'
        f'<p style="margin:8px 0 2px"><strong>{html.escape(name)}</strong> {html.escape(about)}</p>'
        + scrolled(f'<table style="margin:0 0 8px"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')
        + "</div>"
    )


def wrapped(text: str) -> str:
    """Sentences wrapped to the width of a page."""
    return textwrap.fill(text, LINE, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def number_in(x: float, spec: str) -> str:
    """A number in a format such as ".1f", with a real minus sign; as `number` has it where that is empty."""
    return format(x, spec).replace("-", "−") if spec else number(x)


def number(x: float, digits: int = 4) -> str:
    """A number with so many significant digits and a real minus sign, for tables and sentences."""
    return rounded(x, digits)
