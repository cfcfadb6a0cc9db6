"""A compiled function as LaTeX equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...notation.formulas import expression
from ...notation.latex_names import latex_name
from ...notation.numbers import shown
from .description import leaf_names

if TYPE_CHECKING:
    from ...engine.value import Value
    from ..tracing.record import RecordedGraph
    from .description import Description

MOST_ARGUMENTS = 6


def latex(what: Description, graph: RecordedGraph, *, most: int) -> str:
    """The equations of a graph: the function's first, then those of its named parts."""
    leaves = [name for name, spec, _ in what.arguments for name in leaf_names(name, spec, "[{}]")]
    names: dict[Value, str] = dict(zip(graph.inputs, leaves, strict=True))
    function = what.name if what.name.isidentifier() else "f"
    if what.has_gradient:
        lines = _of_one(function, what, graph, names, most)
    else:
        lines = _of_several(leaf_names(function, what.result, "[{}]"), what, graph, names, most)
    if len(lines) <= 1:
        return "".join(lines)
    rows = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in lines)
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def _of_one(function: str, what: Description, graph: RecordedGraph, names: dict[Value, str], most: int) -> list[str]:
    """f(x, y) = ..."""
    lines = expression(*graph.roots, most=most, names=names)
    if graph.roots[0].label:
        return lines
    arguments = [latex_name(name) for name, _, _ in what.arguments]
    if len(arguments) > MOST_ARGUMENTS:
        arguments = [*arguments[: MOST_ARGUMENTS - 2], r"\ldots", arguments[-1]]
    return [rf"{latex_name(function)}\left({', '.join(arguments)}\right) = {lines[0]}", *lines[1:]]


def _of_several(
    results: list[str], what: Description, graph: RecordedGraph, names: dict[Value, str], most: int
) -> list[str]:
    """An equation for each result; results that are inputs, numbers or repetitions come last."""
    again, new = [], []
    for root, place in zip(graph.roots, what.places, strict=True):
        if root in names or not root.op:
            again.append(f"{latex_name(results[place])} = {latex_name(names.get(root) or shown(root.data))}")
        else:
            names[root] = results[place]
            new.append(root)
    lines = expression(*new, most=most, names=names) if new else []
    left = max(most - len(lines), 0)
    return [*lines, *again[:left]]
