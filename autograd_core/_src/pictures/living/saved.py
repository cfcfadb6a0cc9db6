"""A picture or a stepper as a living page, or the reason why it cannot be one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ...engine.evaluation import is_fraction
from ..view.folding import folded_as, view_of
from . import html
from .guards import beyond, guards_of
from .rule_forms import RuleForms
from .rules import operations_in
from .state import composites_in, state_of

if TYPE_CHECKING:

    from collections.abc import Mapping

    from ...engine.value import Value
    from ..view.folding import View
    from ..view.scope_tree import Graph
    from .asked import Asked

MOST_NODES = 10_000  # a larger graph takes a page too long to sweep while a reader drags


def state_and_rules(
    view: View, *, title: str, theme: str, guards: Mapping[Value, bool] | None = None
) -> tuple[dict[str, Any], str]:
    """The state of a view's graph as recorded, and its primitives as JavaScript.

    Args:
        view: Of the graph.
        title: A heading.
        theme: "light", "dark" or "auto".
        guards: The nodes whose truth was asked while it was recorded, with the outcome.
    """
    forms = RuleForms(view.graph.order)
    composites = composites_in(view, forms)
    more = beyond(view.graph.order, guards or {})
    operations, rules = operations_in([*view.graph.order, *more], forms.called)
    state = state_of(view, operations, forms, composites, title=title, theme=theme)
    if guards:
        state["guards"] = guards_of(view.graph, more, guards, operations, state["shown"])
    return state, rules


def page_of(
    asked: Asked, drawn: Graph, svg: str, *, title: str, theme: str, alt: str, name: str, caption: str = "",
    step: int | None = None, shown: View | None = None,
) -> tuple[str, str]:  # fmt: skip
    """The page and "", or "" and the reason why there is none.

    Args:
        asked: What the picture shows.
        drawn: Its graph, with the numbers of the moment of drawing: the page begins with those.
        svg: What is shown where no script runs.
        title: A heading.
        theme: "light", "dark" or "auto".
        alt: The text alternative of `svg`.
        name: The document's title.
        caption: HTML below.
        step: The step at which the page opens; None for all numbers.
        shown: The picture's view, which may have folded more than was asked for.
    """
    reason = asked.still or _reason(drawn)
    if reason:
        return "", reason
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what there is to say about folding, `draw` has said
        view = view_of(asked.roots, fold=asked.fold, unfold=asked.unfold, read=None, plates=asked.plates)
    if shown is not None and asked.fold == "auto" and not asked.unfold:
        view = folded_as(shown, view)
    graph = view.graph
    if len(graph.order) > MOST_NODES:
        return "", f"its graph has {len(graph.order)} nodes, more than {MOST_NODES}"
    for i, node in enumerate(graph.order):
        if node._primitive is None and node in drawn.index:
            graph.data[i] = drawn.data[drawn.index[node]]
    state, rules = state_and_rules(view, title=title, theme=theme)
    unread = [op["name"] for op in state["ops"] if not op["rule"]]
    if unread:
        return "", f"it has no rule for {', '.join(dict.fromkeys(unread))}, which runs Python code"
    if asked.trails:
        state["trails"] = [[graph.index[v] for v in trail if v in graph.index] for trail in asked.trails]
    if step is not None:
        state["step"] = step
    return html.page(svg, title=name, scheme=theme, alt=alt, state=state, rules=rules, caption=caption), ""


def _reason(graph: Graph) -> str:
    if graph.stale:
        return "a leaf was changed after the graph was built"
    if any(map(is_fraction, graph.data)):
        return "its numbers are exact fractions"
    return ""
