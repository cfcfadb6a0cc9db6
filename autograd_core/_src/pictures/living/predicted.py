"""The prediction and the target of each training case, read from its loss, which has both as operands."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ...engine.value import Value
from ...notation.losses import loss_of
from .numbers import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...notation.losses import UsedLoss
    from ..view.scope_tree import Graph

MOST_PREDICTIONS = 4  # predictions of one case that a page shows


def predicted_of(graph: Graph, cases: Sequence[Sequence[Any]] | None) -> list[dict[str, Any] | None] | None:
    """For each case its predictions and targets; None for a case without a loss, or with several.

    Args:
        graph: The graph.
        cases: Pairs of name and node, as `cases_of` gives them; None for none.

    Returns:
        For each case `of`, the nodes, and `targets`, each a number or a list with its node. With `classes` they are
        scores and class probabilities. None if no case has predictions.
    """
    losses = [loss for node in graph.order if (loss := loss_of(node)) is not None]
    found = [_of_case(graph, losses, case[1]) for case in cases or ()] if losses else []
    return found if any(found) else None


def untagged(graph: Graph, case_of: Mapping[int, str]) -> list[list[Any]] | None:
    """Cases without scopes, as [name, node, term]: the prediction, if that is one number, and the loss of the case.

    Args:
        graph: The graph.
        case_of: The case that a node belongs to.
    """
    members: dict[str, list[int]] = {}
    for v, name in case_of.items():
        members.setdefault(name, []).append(v)
    losses = [loss for node in graph.order if (loss := loss_of(node)) is not None]
    found = []
    for name, nodes in members.items():
        inside = set(nodes)
        ends = [v for v in nodes if not inside.issuperset(graph.users[v])]
        if len(ends) != 1:
            return None
        told = _of_case(graph, losses, ends[0])
        alone = told is not None and len(told["of"]) == 1 and told["of"][0] in inside
        found.append([name, told["of"][0] if told is not None and alone else ends[0], ends[0]])
    return found if len(found) > 1 else None


def name_copies(plates: Sequence[dict[str, Any]], case_of: Mapping[int, str]) -> None:
    """Rename the copies of plates that are training cases after those cases.

    Args:
        plates: The plates in the page's state, changed in place.
        case_of: The case that a node belongs to.
    """
    for plate in plates:
        found = [{case_of.get(v, "") for v in copy if v >= 0} - {""} for copy in plate["items"]]
        names = [next(iter(one)) for one in found if len(one) == 1]
        if len({*names}) == len(found):
            plate["names"] = names


def below(graph: Graph, root: int) -> set[int]:
    """A node and all that it is computed from."""
    seen, waiting = {root}, [root]
    while waiting:
        for parent in graph.order[waiting.pop()].parents:
            u = graph.index[parent]
            if u not in seen:
                seen.add(u)
                waiting.append(u)
    return seen


def _of_case(graph: Graph, losses: Sequence[UsedLoss], root: int) -> dict[str, Any] | None:
    inside, found = below(graph, root), []
    for loss in losses:
        places = [
            k for k, p in enumerate(loss.predictions) if isinstance(p, Value) and graph.index.get(p, -1) in inside
        ]
        if places:
            found.append((loss, places))
    if len(found) != 1:
        return None
    [(loss, places)] = found
    ends = list(accumulate(loss.sizes))
    rows = [list(range(end - size, end)) for end, size in zip(ends, loss.sizes, strict=True)]
    if places not in rows if rows else len(places) > MOST_PREDICTIONS:
        return None
    targets: list[Any] = []
    for t in (loss.targets[k] for k in places):
        is_node = isinstance(t, Value) and t in graph.index
        targets.append([graph.index[t]] if is_node else number(t.data if isinstance(t, Value) else t))
    return {
        "of": [graph.index[loss.predictions[k]] for k in places],
        "targets": targets,
        "classes": int(bool(rows)),
    }
