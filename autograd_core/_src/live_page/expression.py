"""A living page on which the reader can edit an expression, and the tables that its parser needs.

The page parses the grammar of `notation.expressions`. Each function is recorded here once for every number of
arguments, as a small template graph, so that the page builds the same graphs as Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import AutogradError
from ..engine.graph import order_of
from ..engine.ops import PRIMITIVES
from ..engine.recording import record
from ..engine.value import Constant, Value
from ..notation.expressions import CONSTANTS, FUNCTIONS, OPERATORS, called_with, parse
from ..pictures.living.numbers import number
from ..pictures.living.rule_forms import RuleForms
from ..pictures.living.rules import operations_in
from ..pictures.living.state import described, operation_of
from .page import LivePage, live

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..pictures.living.state import Operation
    from ..pictures.render.theme import Theme

MOST_ARGUMENTS = 8  # templates of variadic functions have up to so many arguments; a single n-ary node takes any number


def live_expression(text: str, values: Mapping[str, float], *, theme: Theme = "auto") -> LivePage:
    """The living page of an expression, with a line in which the expression can be edited.

    Args:
        text: The expression, as for `parse`.
        values: A number for every name in it.
        theme: "light", "dark" or "auto".

    Returns:
        A `LivePage`.

    Raises:
        ExpressionError: It cannot be read.

    Example:
        >>> from autograd_core._src.live_page.expression import live_expression
        >>> page = live_expression("tanh(a*b) + c", {"a": 2, "b": -3, "c": 10})
        >>> page.state["expression"]["text"]
        'tanh(a*b) + c'
    """
    root, _ = parse(text, values)
    page = live(root, theme=theme)
    graphs = {(name, n): root for name in FUNCTIONS for n, root in _calls(name)}
    operators = {op: _operator(op) for op in sorted(set(OPERATORS.values()))}
    nodes = order_of([root, *graphs.values(), *operators.values()])
    forms = RuleForms(nodes)
    operations, rules = operations_in(nodes, forms.called)
    functions: dict[str, dict[str, Any]] = {}
    for (name, n), made in graphs.items():
        functions.setdefault(name, {})[str(n)] = _template(made, n, operations)
    form_of = [-1] * len(operations)
    for node, form in zip(nodes, forms.of, strict=True):
        if node._primitive is not None and not any(isinstance(p, Constant) for p in node.parents):
            form_of[operations[operation_of(node)][0]] = form
    page.state["expression"] = {
        "text": text.strip(),
        "ops": described(operations),
        "forms": forms.forms,
        "formOf": form_of,
        "functions": functions,
        "operators": {op: operations[operation_of(node)][0] for op, node in operators.items()},
        "constants": {name: number(x) for name, x in CONSTANTS.items()},
    }
    page._rules = rules
    return page


def _calls(name: str) -> list[tuple[int, Value]]:
    """The template graphs of a function, with their numbers of arguments."""
    found = []
    for n in range(1, MOST_ARGUMENTS + 1):
        try:
            made = called_with(name, [Value(0.25 + 0.125 * k, label=str(k)) for k in range(n)])
        except AutogradError:  # the function does not take this number of arguments
            continue
        if isinstance(made, Value) and made._primitive is not None:
            found.append((n, made))
    return found


def _operator(op: str) -> Value:
    made = record(PRIMITIVES[op], *(Value(0.5, label=str(k)) for k in range(1 if op in ("neg", "pos") else 2)))
    assert isinstance(made, Value)
    return made


def _template(root: Value, n: int, operations: Mapping[Operation, tuple[int, str]]) -> list[Any]:
    """A template: the nodes of one call, each an operation on arguments, constants or earlier nodes."""
    places: dict[Value, Any] = {}
    nodes: list[Any] = []
    for node in order_of([root]):
        if isinstance(node, Constant):
            places[node] = ["c", number(node.data)]
        elif node._primitive is None:
            places[node] = ["a", int(node.label)]
        else:
            places[node] = ["n", len(nodes)]
            nodes.append([operations[operation_of(node)][0], [places[p] for p in node.parents]])
    assert len([place for place in places.values() if place[0] == "a"]) <= n
    return nodes
