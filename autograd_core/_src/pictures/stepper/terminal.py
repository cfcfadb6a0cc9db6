"""A step as plain text, for terminals (also remote ones) and screen readers.

Lines have at most 100 columns. Only labels may be beyond ASCII.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ...engine.provenance import box_of
from ...engine.value import Constant
from ...notation.formulas import operation
from ...notation.names import atom
from ...notation.numbers import shown
from .. import text
from .jumps import next_case, next_layer, next_use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ...engine.value import Value
    from ...steps import Step
    from .passes import Passes

WIDTH = 100
INDENT = "  "
MOST_ROWS = 16  # operands in the table
MOST_TERMS = 8  # operands in a formula
MOST_RULES = 4  # rules below the table
MOST_LINES = 6  # lines of values or gradients so far
PROMPT = "Enter or n: next, p: previous, l: next layer, c: next case, u: next use, a number, q: quit > "


JUMPED = {"l": "layer", "c": "case or time step", "u": "use of an operand"}
JUMPS: dict[str, Callable[[Passes, int], int]] = {
    "l": next_layer,
    "layer": next_layer,
    "c": next_case,
    "case": next_case,
    "u": lambda passes, index: next_use(passes, index, None),
    "use": lambda passes, index: next_use(passes, index, None),
}


def page(passes: Passes, index: int) -> str:
    """A step in words, with formula, table and everything known so far."""
    return "\n".join(_page(passes, index))


def _page(passes: Passes, index: int) -> Iterator[str]:
    if not passes.steps:
        names = passes.names
        for root in passes.roots:
            yield f"no steps: {names[root]} = {shown(root.data)} is a leaf"
        yield from _fitted("gradient:", [f"{names[root]} = {shown(g)}" for root, g in passes.sums(index).items()])
        return
    step = passes.steps[index]
    names, node = passes.names, step.node
    count = passes.n_forward if step.phase == "forward" else len(passes.steps) - passes.n_forward
    number = step.index + 1 if step.phase == "forward" else step.index + 1 - passes.n_forward
    yield f"step {step.index + 1} of {len(passes.steps)} | {step.phase} {number} of {count}"
    op = text.clean(step._primitive.name)
    yield from _fitted("", [f"node {names[node]}", f"op {op}", *_scope(node)], between="   ")
    yield ""
    yield from _formula(step, names)
    yield ""
    if step.phase == "forward":
        yield from _table(("operand", "value", "local derivative"), _forward_rows(step, names))
        yield ""
        known = [s.node for s in passes.steps[: step.index + 1]]
        yield from _fitted("values so far:", [f"{names[v]} = {shown(v.data)}" for v in known], most=MOST_LINES)
        return
    yield f"{INDENT}gradient: d {atom(passes.top)}/d {atom(names[node])} = {shown(step.adjoint)}"
    yield ""
    head = ("operand", "local derivative", "* gradient", "= product", "running sum")
    yield from _table(head, _backward_rows(step, names))
    yield ""
    yield from _rules(step)
    yield from _fitted("gradients so far (~ still grows):", _sums(passes, index), most=MOST_LINES)


def _scope(node: Value) -> list[str]:
    return [f"scope {text.shorten(text.clean(box_of(node)), text.LONGEST_LABEL)}"] if node.scope else []


def _formula(step: Step, names: dict[Value, str]) -> Iterator[str]:
    """The operation with names, with numbers, and its result; on several lines if one is too short."""
    node = step.node
    primitive = step._primitive
    written = operation(primitive, few([names[p] for p in step.operands], pairs=primitive.pairs))
    numbers = operation(primitive, few([shown(p.data) for p in step.operands], pairs=primitive.pairs))
    parts = [part.replace("... * ...", "...") for part in dict.fromkeys((written, numbers, shown(node.data)))]
    start = f"{INDENT}{names[node]} = "
    in_one = start + " = ".join(parts)
    if text.cells(in_one) <= WIDTH:
        yield in_one
        return
    for part in parts:
        yield from _wrapped(part, start)
        start = f"{' ' * (text.cells(start) - 2)}= "


def few(operands: list[str], dots: str = "...", *, pairs: bool) -> list[str]:
    """The operands; if there are many, the first ones and the last; of pairs, the same selection from both halves."""
    if pairs:
        half = len(operands) // 2
        if half > MOST_TERMS:
            return [x for part in (operands[:half], operands[half:]) for x in _few(part, dots)]
        return operands
    return _few(operands, dots) if len(operands) > MOST_TERMS else operands


def _few(operands: list[str], dots: str) -> list[str]:
    return [*operands[: MOST_TERMS - 2], dots, operands[-1]]


def _forward_rows(step: Step, names: dict[Value, str]) -> Iterator[Sequence[str]]:
    for p, d in zip(step.operands, step.local_grads, strict=True):
        if isinstance(p, Constant):
            yield "(constant)", shown(p.data), "none: a constant"
        else:
            yield names[p], shown(p.data), shown(d)


def _backward_rows(step: Step, names: dict[Value, str]) -> Iterator[Sequence[str]]:
    for k, p in enumerate(step.operands):
        if isinstance(p, Constant):
            yield shown(p.data), "none: a constant", "", "", ""
        else:
            sums = f"{shown(step.before[k])} -> {shown(step.after[k])}"
            yield names[p], shown(step.local_grads[k]), shown(step.adjoint), shown(step.products[k]), sums


def _rules(step: Step) -> Iterator[str]:
    """The rules of the local derivatives, where they say more than the number."""
    rules = [rule for rule in step.rules if rule is not None and rule.says_more]
    for rule in rules[:MOST_RULES]:
        yield from _wrapped(text.clean(rule.formula), INDENT)
    if len(rules) > MOST_RULES:
        yield f"{INDENT}... and {len(rules) - MOST_RULES} more rules"
    if rules:
        yield ""


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table with the first column left-aligned and numbers right-aligned; of many lines only the first."""
    rows = list(body)
    shown_rows = rows if len(rows) <= MOST_ROWS else rows[: MOST_ROWS - 1]
    widths = [max(text.cells(row[k]) for row in [head, *shown_rows]) for k in range(len(head))]
    for row in [head, *shown_rows]:
        cells = (text.padded(x, w, right=k > 0) for k, (x, w) in enumerate(zip(row, widths, strict=True)))
        yield (INDENT + "   ".join(cells)).rstrip()
    if len(rows) > len(shown_rows):
        yield f"{INDENT}... and {len(rows) - len(shown_rows)} more operands"


def _sums(passes: Passes, index: int) -> list[str]:
    return [
        f"{passes.names[node]} = {'~' if passes.last_use[node] > index else ''}{shown(total)}"
        for node, total in passes.sums(index).items()
    ]


def _fitted(head: str, parts: list[str], *, between: str = "  ", most: int = 0) -> Iterator[str]:
    """Parts side by side in lines; with `most`, only the last lines, and how many parts are left out."""
    lines, line = [], head
    counts = [0]
    for part in parts:
        longer = f"{line}{between if line else ''}{part}"
        if text.cells(longer) > WIDTH and line:
            lines.append(line)
            counts.append(0)
            longer = INDENT + part
        line = longer
        counts[-1] += 1
    lines.append(line)
    if most and len(lines) > most:
        yield f"{head} ... {sum(counts[:-most])} earlier ones, then"
        lines = lines[-most:]
    yield from lines


def _wrapped(content: str, start: str) -> Iterator[str]:
    """Content after `start`; its further lines are indented to where it begins."""
    line, rest = start, " " * text.cells(start)
    for word in content.split(" "):
        longer = line + word if line in (start, rest) else f"{line} {word}"
        if text.cells(longer) > WIDTH and line not in (start, rest):
            yield line
            longer = rest + word
        line = longer
    yield line


def run(passes: Passes, index: int, go: Callable[[int], int]) -> None:
    """Show a step, read a line, `go` to another step; until `q` or the end of input."""
    say = sys.stdout.write
    say(f"{page(passes, index)}\n")
    while passes.steps:
        say(f"\n{PROMPT}")
        sys.stdout.flush()
        line = sys.stdin.readline()
        word = line.strip().lower()
        if not line or word in ("q", "quit"):
            say("\n" * (not line))
            return
        say("\n")
        moves: dict[str, int] = {}
        moves |= dict.fromkeys(("", "n", "next"), index + 1)
        moves |= dict.fromkeys(("p", "previous"), index - 1)
        if word in JUMPS:
            moves[word] = JUMPS[word](passes, index)
            if moves[word] == index:
                say(f"(no other {JUMPED[word[0]]} follows)\n")
        target = int(word) - 1 if word.isdecimal() and len(word) < 10 else moves.get(word)
        if target is None:
            got = text.shorten(text.clean(word), text.LONGEST_LABEL)
            say(f"expected Enter, n, p, l, c, u, q or a number from 1 to {len(passes.steps)}, got {got!r}\n")
            continue
        index = go(target)
        if target != index:
            say(f"(there is no step {'before' if target < 0 else 'after'} this one)\n")
        say(f"{page(passes, index)}\n")
