"""The data of the stepper's page, and every step in words for readers without scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...engine.evaluation import is_finite
from ...engine.provenance import box_of
from ...engine.value import Constant
from ...notation.formulas import is_written_out, latex_operation, mathml, operation
from .. import text
from ..page import embed
from ..scene.cards import bar
from ..scene.tooltips import full
from .terminal import few

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...engine.ops import Primitive
    from ...engine.value import Value
    from ...steps import Step
    from .passes import Passes

LONGEST_OP = 24  # cells
MOST_STEPS = 1200  # steps in the tables for readers without scripts
MOST_ROWS = 12  # operands of a step in these tables


def fragment(passes: Passes, still: str, told: dict[str, Any], caption: str = "") -> str:
    """The stepper as a piece of HTML; `still` is the SVG shown without a script, `told` the script's data."""
    fallback = "".join(_fallback(passes))
    return embed.fragment(still, kind="stepper", alt=alt(passes), data=told, fallback=fallback, caption=caption)


def alt(passes: Passes) -> str:
    """The text alternative of the picture."""
    roots = ", ".join(f"{passes.names[root]} = {text.number(root.data)}" for root in passes.roots)
    return f"Computation graph of {roots}, which {len(passes.steps)} steps go through."


# --- data for the script -------------------------------------------------------------------------


class _Table:
    """A table of values, each written once and referred to by its index."""

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self._places: dict[Any, int] = {}
        self._numbers: dict[Any, int] = {}

    def place(self, key: Any, entry: Any) -> int:
        if key not in self._places:
            self._places[key] = len(self.entries)
            self.entries.append(entry)
        return self._places[key]

    def number(self, x: Any) -> int:
        """The index of a number, which the table has in short form and with all digits; -1 for None."""
        if x is None:
            return -1
        key = (x.__class__, x or str(x))  # 0.0 and -0.0 are equal, and so are 0.5 and Fraction(1, 2)
        if key not in self._numbers:
            short, whole = text.number(x), full(x)
            self._numbers[key] = self.place((short, whole), [short, "" if whole == short else whole])
        return self._numbers[key]


def data(passes: Passes, cards: dict[int, int], *, title: str, theme: str) -> dict[str, Any]:
    """All steps for the script; nodes as topological indices, numbers as indices of a table.

    Running sums are not written: the script adds the steps up.
    """
    order = passes.order
    index = {node: i for i, node in enumerate(order)}
    numbers, templates = _Table(), _Table()
    ops = [-1] * len(order)
    local: list[list[int]] = [[] for _ in order]
    operands: list[list[int]] = [[] for _ in order]
    for step in passes.forward:
        i, primitive, arity = index[step.node], step._primitive, len(step.operands)
        operands[i] = [index[p] for p in step.operands]
        key = (id(primitive), arity)
        ops[i] = templates.place(key, None)
        if templates.entries[ops[i]] is None:
            op = text.shorten(text.clean(primitive.name), LONGEST_OP)
            templates.entries[ops[i]] = [op, *template(primitive, arity)]
        local[i] = [numbers.number(d) for d in step.local_grads]
    backward = passes.backward
    largest = max((abs(x) for step in backward for x in (step.adjoint, *step.after) if is_finite(x)), default=1)
    return {
        "theme": theme,
        "title": text.clean(title),
        "names": [passes.names[node] for node in order],
        "scopes": [text.shorten(text.clean(box_of(node)), text.LONGEST_LABEL) for node in order],
        "values": [numbers.number(node.data) for node in order],
        "constants": [i for i, node in enumerate(order) if isinstance(node, Constant)],
        "cards": [cards.get(i, -1) for i in range(len(order))],
        "parents": operands,
        "local": local,
        "ops": ops,
        "forward": [index[step.node] for step in passes.forward],
        "backward": [_sent(step, index, numbers, largest) for step in backward],
        "zero": numbers.number(0.0),
        "top": passes.top,
        "roots": [[index[root], numbers.number(g), bar(g, largest)] for root, g in _seeds(passes)],
        "rules": _rules(backward, index),
        "templates": templates.entries,
        "numbers": numbers.entries,
    }


def _seeds(passes: Passes) -> list[tuple[Value, Any]]:
    """Each root, and the seed of its gradient."""
    return [(root, type(root.data)(1)) for root in passes.roots]


def _rules(backward: Sequence[Step], index: dict[Value, int]) -> dict[int, list[str]]:
    """For each node the rules of its local derivatives, "" where the number says all."""
    found: dict[int, list[str]] = {}
    for step in backward[:MOST_STEPS]:
        rules = ["" if rule is None or not rule.says_more else text.clean(rule.text) for rule in step.rules[:MOST_ROWS]]
        if any(rules):
            found[index[step.node]] = rules
    return found


def _sent(step: Step, index: dict[Value, int], numbers: _Table, largest: Any) -> list[Any]:
    """A backward step: node, adjoint, its bar, products, sums after the step, their bars."""
    return [
        index[step.node],
        numbers.number(step.adjoint),
        bar(step.adjoint, largest),
        [numbers.number(x) for x in step.products],
        [numbers.number(x) for x in step.after],
        [bar(x, largest) for x in step.after],
    ]


def template(primitive: Primitive, arity: int) -> tuple[str, list[int]]:
    """An operation as MathML in which single characters stand for the operands, and which operand each one is.

    An operand whose character is from the second range needs brackets unless it is one plain symbol.
    """
    chosen = few([str(k) for k in range(arity)], "", pairs=primitive.pairs)
    slots = [int(k) for k in chosen if k]
    signs = iter(range(len(slots)))
    written = latex_operation(primitive, ["-" + chr(text.OPERAND + next(signs)) if k else r"\cdots" for k in chosen])
    written = written.replace(r"\cdots \cdot \cdots", r"\cdots")
    has_own = not is_written_out(primitive) and (not primitive.latex or r"\left(" in primitive.latex)  # as in f(x)
    if not has_own:
        moved = text.BRACKETED_OPERAND - text.OPERAND
        written = re.sub(r"\\left\(-([\ue000-\ue0ff])\\right\)", lambda found: chr(ord(found[1]) + moved), written)
    return mathml(re.sub("-([\ue000-\ue0ff])", r"\1", written)), slots


# --- without a script ------------------------------------------------------------------------------


def _top(passes: Passes) -> str:
    """The name of what is differentiated, as it stands behind a ∂."""
    return passes.top if len(passes.roots) == 1 else f"({passes.top})"


def _fallback(passes: Passes) -> Iterator[str]:
    """Every step as a line of a table, so that a reader can follow each gradient from the root to the leaves."""
    if not passes.steps:
        yield "<p>A leaf: there are no steps.</p>"
        return
    forward, backward = passes.forward, passes.backward
    names, top = passes.names, text.xml(_top(passes))
    some = MOST_STEPS // 2
    yield f"<details open><summary>Forward: {len(forward)} values, operands first</summary>"
    yield _table("step", "value", "operation", "numbers", "result")
    for step in forward[:some]:
        primitive = step._primitive
        written = operation(primitive, few([names[p] for p in step.operands], pairs=primitive.pairs))
        numbers = operation(primitive, few([text.number(p.data) for p in step.operands], pairs=primitive.pairs))
        yield _row(step.index + 1, names[step.node], _dotted(written), _dotted(numbers), text.number(step.node.data))
    yield f"</tbody></table>{_cut(forward, some)}</details>"
    yield f"<details open><summary>Backward: {len(backward)} chain rules, from {top} to the leaves</summary>"
    yield (
        f"<p>Each gradient below is ∂{top}/∂(operand). It begins at 0, and ∂{top}/∂{top} = 1.</p>"
        + _table("step", "from", "to", "gradient × local derivative = product", "gradient before → after")
    )
    for step in backward[:some]:
        yield from _products(step, passes)
    yield f"</tbody></table>{_cut(backward, some)}</details>"
    yield from _ends(passes)


def _table(*heads: str) -> str:
    return f"<table><thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead><tbody>"


def _dotted(written: str) -> str:
    return written.replace("... * ...", "...").replace("...", "…").replace(" * ", " · ")


def _row(*cells: object) -> str:
    return "<tr>" + "".join(f"<td>{text.xml(str(x))}</td>" for x in cells) + "</tr>"


def _cut(steps: Sequence[Step], some: int) -> str:
    return f"<p>… and {len(steps) - some} more steps.</p>" if len(steps) > some else ""


def _products(step: Step, passes: Passes) -> Iterator[str]:
    sent = [k for k, product in enumerate(step.products) if product is not None]
    name, parents = passes.names[step.node], step.operands
    for k in sent[:MOST_ROWS]:
        operand = parents[k]
        g, d, product = (text.number(x) for x in (step.adjoint, step.local_grads[k], step.products[k]))
        done = " (complete)" if passes.last_use[operand] == step.index and k == _last(parents, operand) else ""
        yield _row(
            step.index + 1,
            name,
            passes.names[operand],
            f"{g} × {f'({d})' if d.startswith('−') else d} = {product}",
            f"{text.number(step.before[k])} → {text.number(step.after[k])}{done}",
        )
    if len(sent) > MOST_ROWS:
        yield _row(step.index + 1, name, f"… and {len(sent) - MOST_ROWS} more operands", "", "")


def _last(parents: Sequence[Value], operand: Value) -> int:
    """The last position of an operand that is used more than once."""
    return max(k for k, p in enumerate(parents) if p is operand)


def _ends(passes: Passes) -> Iterator[str]:
    leaves = [
        (passes.names[node], total) for node, total in passes.sums(len(passes.steps) - 1).items() if not node.parents
    ]
    yield "<p>Gradients of the leaves: "
    yield ", ".join(
        f"∂{text.xml(_top(passes))}/∂{text.xml(name)} = {text.number(g)}" for name, g in leaves
    )
    yield "</p>"
