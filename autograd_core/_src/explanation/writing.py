"""Explanations as text, LaTeX and HTML: the same tables in different formats, and a formula."""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.evaluation import is_fraction, plus
from ..engine.provenance import box_of
from ..notation.latex_names import latex_name
from ..notation.rules import rules_along
from ..pictures import text
from ..pictures.scene.highlight import Uses
from .path import how_many, short
from .reasons import Words
from .training_cases import case_by_node, case_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..engine.value import Value
    from .path import Path
    from .uses import Explained, Use

COLUMNS = 100
CELL = 28  # width of a column, except the last one
SHOWN_USES = 7
SHOWN_RULES = 6
LATEX_TERMS, LATEX_FACTORS = 4, 4  # more terms end in dots; longer paths are left to their uses
ALL_DIGITS = 16.0  # decimal digits of a double
LEAST_WRITTEN = 0.05  # digits: a smaller loss would be written as 0.0
FEW_DIGITS = 3.0  # digits; a loss of that many is common in healthy gradients
QUESTIONS = {
    "zero": "Why it is 0",
    "not finite": "Why it is no finite number",
    "large": "Why it is large",
    "small": "Why it is small",
    "digits": "Why digits are lost",
    "root": "Why it is 1",
}


class Section(NamedTuple):
    """A table. The first `numbers` columns are aligned right; the last column is as wide as necessary."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: int = 0
    note: str = ""


def equation(of: Explained) -> str:
    """The derivative and its value."""
    return f"∂{of.name(of.root)}/∂{of.name(of.leaf)} = {text.number(of.gradient)}"


def headline(of: Explained) -> str:
    """The gradient, and the number of its paths and uses."""
    if not of.uses:
        return equation(of)
    paths = "from 1 path" if of.n_paths == 1 else f"the sum over {how_many(of.n_paths)} paths"
    uses = f"{len(of.uses)} use{'s' if len(of.uses) > 1 else ''}"
    return f"{equation(of)}, {paths} by way of {uses} of {of.name(of.leaf)}"


def sections_of(of: Explained) -> list[Section]:
    """The tables of an explanation, reasons first."""
    sections = []
    for about in dict.fromkeys(reason.about for reason in of.reasons):
        rows = [(reason.kind, reason.text) for reason in of.reasons if reason.about == about]
        sections.append(Section(QUESTIONS[about], (), rows))
    cases = case_by_node(of.root) if of.uses else {}
    if of.uses:
        sections.append(_uses(of, cases))
    if any(path.operands for path in of.paths):
        sections.append(_paths(of, cases))
    rules = _rules(of)
    if rules:
        sections.append(Section("Rules", (), [(rule,) for rule in rules]))
    return sections


def _rules(of: Explained) -> list[str]:
    """How the local derivatives of the listed uses and along the listed paths come about."""
    edges = [(use._written, use.operand) for use in sorted(of.uses, key=size)[:SHOWN_USES]]
    for path in of.paths:
        edges += zip((path._read or path.nodes)[1:], path.operands, strict=True)
    return [text.clean(rule) for rule in rules_along(edges, of.names, SHOWN_RULES)]


def _paths(of: Explained, cases: Mapping[Value, str]) -> Section:
    """The largest paths as a tree, and the sum of all others, so that the list adds up to the gradient."""
    title = "Paths" if of.n_paths == len(of.paths) else f"The {len(of.paths)} largest paths"
    rest = of.n_paths - len(of.paths)
    note = ""
    if rest:
        others = reduce(plus, (-path.product for path in of.paths), of.gradient)
        note = f"{how_many(rest)} other{'s' if rest > 1 else ''}: {text.number(others)}"
    return Section(title, ("product", "case", "path"), _tree(of, cases), numbers=1, note=note)


def _tree(of: Explained, cases: Mapping[Value, str]) -> list[tuple[str, ...]]:
    """A line for each path. Paths with a common beginning stand below a line of its own, whose number is their sum."""
    uses = Uses()
    start = short(of.names[of.leaf])
    rows: list[tuple[str, ...]] = []
    waiting: list[tuple[list[Path], int, int]] = [([*of.paths], 0, 0)]  # paths, edges written already, depth
    while waiting:
        paths, told, depth = waiting.pop()
        shared = _shared(paths, told)
        if len(paths) > 1 and shared == told:  # the common beginning ends here
            groups: dict[tuple[int, int], list[Path]] = {}
            for path in paths:
                groups.setdefault((id(path.nodes[told + 1]), path.operands[told]), []).append(path)
            waiting += [(group, told, depth) for group in reversed(groups.values())]
            continue
        path = paths[0]
        end = len(path.operands) if len(paths) == 1 else shared
        words = path.steps(of.names, uses, first=told, end=end)
        line = "│ " * depth + " ".join(words if told else [start, *words])
        case = next(filter(None, (cases.get(node, "") for node in path.nodes[told + 1 : end + 1])), "")
        total = reduce(plus, (p.product for p in paths[1:]), path.product)
        rows.append((text.number(total), case, line if len(paths) == 1 else f"{line} …"))
        if len(paths) > 1:
            waiting.append((paths, shared, depth + 1))
    return rows


def _shared(paths: Sequence[Path], told: int) -> int:
    """How many edges from the leaf on all these paths have in common."""
    first = paths[0]
    count = min(len(path.operands) for path in paths)
    while told < count and all(
        path.nodes[told + 1] is first.nodes[told + 1] and path.operands[told] == first.operands[told] for path in paths
    ):
        told += 1
    return told


def _uses(of: Explained, cases: Mapping[Value, str]) -> Section:
    words, uses = Words(of.names), Uses()
    ordered = sorted(of.uses, key=size)
    shown, rest = ordered[:SHOWN_USES], ordered[SHOWN_USES:]
    rows = [
        (
            text.number(use.contribution),
            "–" if math.isnan(use.share) else f"{use.share:.0%}".replace("%", " %"),
            f"{text.number(use.local_grad)} × {text.number(use.adjoint)}",
            words.made(use._written) + (f", as {again}" if (again := uses.which(use._written, use.operand)) else ""),
            where(use.node, cases.get(use.node, "")),
        )
        for use in shown
    ]
    heads = ("contribution", "share", "local derivative × adjoint", "use", "where")
    together = text.number(reduce(plus, (use.contribution for use in rest), 0))
    note = f"{len(rest)} other{'s' if len(rest) > 1 else ''}: {together}" if rest else ""
    return Section("Uses" if not rest else "The largest uses", heads, rows, numbers=2, note=note)


def where(node: Value, case: str = "") -> str:
    """A node's scope in a table, and its training case where the scope does not name that."""
    scope = box_of(node) if not case or case_of(node) else f"{case}, {box_of(node)}".rstrip(", ")
    return text.shorten(text.clean(scope), 2 * CELL)


def size(use: Use) -> tuple[bool, Any]:
    """Sorts NaN first, then the largest."""
    c = use.contribution
    return (True, -abs(c)) if c == c else (False, 0)  # noqa: PLR0124


def digits(of: Explained) -> str:
    """How many digits the gradient has lost, and why; "" if none."""
    if of.condition == math.inf:
        return "Condition ∞: paths of opposite signs cancel completely."
    cancelled = math.log10(of.condition) if of.condition > 1 + 1e-9 else 0.0
    head = f"Condition {text.number(of.condition)}: paths of opposite signs cancel" if cancelled else ""
    if is_fraction(of.gradient) or math.isnan(of.condition):
        return head and f"{head}."
    if of.digits_lost >= ALL_DIGITS:
        lost = "rounding may have cost all of its 16 digits"
    elif math.isnan(of.digits_lost):
        lost = f"which loses at least {cancelled:.1f} of 16 digits" if cancelled >= LEAST_WRITTEN else ""
    elif of.digits_lost > max(FEW_DIGITS, cancelled + LEAST_WRITTEN):
        lost = f"rounding may have cost {of.digits_lost:.1f} of its 16 digits"
    else:
        lost = f"which loses up to {cancelled:.1f} of 16 digits" if cancelled >= LEAST_WRITTEN else ""
    if lost.startswith("rounding"):
        lost += ", counting what its factors had lost before"
    if not head:
        return f"{lost[0].upper()}{lost[1:]}." if lost else ""
    return f"{head}, {lost}." if lost else f"{head}."


# --- text -----------------------------------------------------------------------------------------


def as_text(head: str, sections: Sequence[Section], foot: str) -> str:
    """For a terminal of 100 columns."""
    blocks = ["\n".join(_wrapped(head, COLUMNS))]
    for section in sections:
        note = [f"  {section.note}"] if section.note else []
        blocks.append("\n".join([section.title, *_columns(section), *note]))
    return "\n\n".join([*blocks, "\n".join(_wrapped(foot, COLUMNS))] if foot else blocks)


def _table(section: Section) -> list[tuple[str, ...]]:
    """Heads and lines of a table, without empty columns."""
    filled = [i for i, column in enumerate(zip(*section.rows, strict=True)) if any(column)]
    rows = [section.heads, *section.rows] if section.heads else section.rows
    return [tuple(row[i] for i in filled) for row in rows]


def _columns(section: Section) -> list[str]:
    table = [tuple(text.shorten(cell, CELL) for cell in row[:-1]) + row[-1:] for row in _table(section)]
    widths = [max(text.cells(row[i]) for row in table) for i in range(len(table[0]) - 1)]
    indent = 2 + sum(w + 2 for w in widths)
    lines = []
    for row in table:
        cells = [text.padded(cell, w, right=i < section.numbers) for i, (w, cell) in enumerate(zip(widths, row))]
        first, *others = _wrapped(row[-1], COLUMNS - indent)
        lines.append(("  " + "  ".join([*cells, first])).rstrip())
        lines += [" " * indent + line for line in others]
    return lines


def _wrapped(line: str, room: int) -> list[str]:
    """Lines of at most `room` cells, broken between words, and within one that is longer."""
    lines = [""]
    for word in line.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if text.cells(longer) <= room:
            lines[-1] = longer
            continue
        lines.append("")
        for character in word:
            if text.cells(lines[-1] + character) > room:
                lines.append("")
            lines[-1] += character
    return lines if lines[0] or len(lines) == 1 else lines[1:]


# --- LaTeX ----------------------------------------------------------------------------------------


def latex_of(of: Explained) -> str:
    """The gradient as a sum over its paths, or over the uses if there are too many."""
    name = {node: latex_name(short(name)) for node, name in of.names.items()} if of.uses else {}
    few = len(of.paths) == of.n_paths <= LATEX_TERMS and all(len(p.operands) <= LATEX_FACTORS for p in of.paths)
    symbols, numbers, dots = [], [], ""
    if of.uses and few:
        for path in of.paths:
            edges = list(zip(path.nodes[1:], path.nodes, path.factors, strict=False))[::-1]
            symbols.append(r" \, ".join(_partial(name[z], name[x]) for z, x, _ in edges))
            numbers.append([d for *_, d in edges])
    elif of.uses:
        for use in sorted(of.uses, key=size)[:LATEX_TERMS]:
            symbols.append(rf"{_partial(name[use.node], name[of.leaf])} \, \overline{{{name[use.node]}}}")
            numbers.append([use.local_grad, use.adjoint])
        dots = r" + \cdots" if len(of.uses) > LATEX_TERMS else ""
    left = _partial(latex_name(of.name(of.root)), latex_name(of.name(of.leaf)))
    lines = [_number(of.gradient)]
    if symbols:
        products = " + ".join(r" \cdot ".join(map(_factor, factors)) for factors in numbers)
        lines = [" + ".join(symbols) + dots, products + dots, *lines]
    return rf"\begin{{aligned}} {left} &= " + r" \\ &= ".join(lines) + r" \end{aligned}"


def _partial(z: str, x: str) -> str:
    return rf"\frac{{\partial {z}}}{{\partial {x}}}"


def _number(x: Any) -> str:
    written = text.number(x).replace("−", "-")
    above, fraction, below = written.partition("/")
    return rf"\frac{{{above}}}{{{below}}}" if fraction else latex_name(written)


def _factor(x: Any) -> str:
    written = _number(x)
    return rf"\left({written}\right)" if "-" in written or r"\cdot" in written else written


# --- HTML -----------------------------------------------------------------------------------------


def as_html(head: str, sections: Sequence[Section], foot: str, formula: str = "") -> str:
    """Plain tables that survive a notebook's sanitizer, with all text escaped.

    Sanitizers remove MathML but leave its letters, so the formula is in a section that is folded at first.
    """
    parts = [f"<p><strong>{text.xml(head)}</strong></p>"]
    for section in sections:
        rows = _table(section)
        title = text.xml(section.title)
        table = f'<table style="margin:8px 0"><caption style="text-align:left"><strong>{title}</strong></caption>'
        if section.heads:
            table += f"<thead>{_row('th', rows.pop(0), section.numbers)}</thead>"
        body = "".join(_row("td", row, section.numbers) for row in rows)
        parts.append(text.scrolled(f"{table}<tbody>{body}</tbody></table>"))
        parts.append(f"<p>{text.xml(section.note)}</p>" if section.note else "")
    parts.append(f"<p>{text.xml(foot)}</p>" if foot else "")
    folded = f"<details><summary>As a formula</summary>{text.scrolled(formula)}</details>" if formula else ""
    parts.append(folded)
    # The classes keep notebooks from reading a "$" in a name as the beginning of a formula.
    style = 'class="autograd-explanation mathjax_ignore tex2jax_ignore" style="overflow-wrap:break-word"'
    return f"<div {style}>{''.join(parts)}</div>"


def _row(tag: str, cells: Sequence[str], numbers: int) -> str:
    """A line of a table, with its alignment in a style attribute: notebooks align every cell right."""
    sides = ["right" if i < numbers else "left" for i in range(len(cells))]
    written = (
        f'<{tag} style="text-align:{side};padding:1px 8px">{text.xml(cell)}</{tag}>'
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{''.join(written)}</tr>"
