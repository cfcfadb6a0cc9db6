"""The state of a living page as JSON: the nodes of a graph, names, scopes, points and cases."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from ....errors import OperandError, RangeError, StructureError
from ...any_object import brief, listed, shown
from ...engine.contexts import case_in
from ...engine.graph import order_of, roots_of
from ...engine.ops import PRIMITIVES
from ...engine.provenance import box_of
from ...engine.value import Constant, Value
from ...notation.composites import composites_of
from ...notation.formulas import operation
from ...notation.losses import LossRule, WrittenLoss
from ...notation.node_names import dotted, named
from .. import text
from ..view.scope_tree import ROOT
from .numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...engine.ops import Primitive
    from ...notation.composites import CompositeInGraph
    from ..view.folding import View
    from ..view.plates import Plate
    from ..view.scope_tree import Graph
    from .rule_forms import RuleForms

CONSTANT, LEAF = -2, -1  # instead of the index of an operation
FEW_OPERANDS = 4  # an operation of more operands is not written out in sentences
SIGNS = {"*": "×", "-": "−", "<=": "≤", ">=": "≥", "!=": "≠", "==": "="}


class Operation(NamedTuple):
    """A primitive with a number of operands, as the page refers to it."""

    primitive: Primitive
    arity: int


class NodeNames(NamedTuple):
    """The names of nodes: unique ones with scopes (`full`), those of sentences (`shown`), those in a box (`bare`)."""

    full: list[str]
    shown: list[str]
    bare: list[str]


def names_in(order: Sequence[Value]) -> NodeNames:
    """The names of a graph's nodes, in its order."""
    labels = [node.label for node in order]
    said = named(order, labels)
    full, shown, bare = [], [], []
    taken: set[str] = set()
    for node, label in zip(order, labels, strict=True):
        own = said[node]
        if node.scope:
            own = own.removeprefix(f"{dotted(box_of(node))}.")
        name = f"{node.scope}/{own}" if node.scope and not isinstance(node, Constant) else own
        again = 1
        while name in taken and not isinstance(node, Constant):
            again += 1
            name = f"{node.scope}/{own}_{again}" if node.scope else f"{own}_{again}"
        taken.add(name)
        full.append(name)
        shown.append(text.clean(said[node]))
        bare.append(text.clean(own if label or isinstance(node, Constant) else said[node]).strip() or "?")
    return NodeNames(full, shown, bare)


def state_of(
    view: View, operations: Mapping[Operation, tuple[int, str]], forms: RuleForms, composites: list[dict[str, Any]],
    *, title: str, theme: str,
) -> dict[str, Any]:  # fmt: skip
    """The graph of a view, and which of its scopes are open.

    Args:
        view: Of the graph as recorded.
        operations: For each operation its number, and the key of its rule; "" where the page has none.
        forms: How its local derivatives come about.
        composites: What `composites_in` found.
        title: A heading.
        theme: "light", "dark" or "auto".
    """
    graph, tree = view.graph, view.tree
    order = graph.order
    names = names_in(order)
    scope_paths = {path: k for k, path in enumerate(dict.fromkeys(map(box_of, order)))}
    return {
        "version": 1,
        "title": text.clean(title),
        "theme": theme,
        "names": names.full,
        "shown": names.shown,
        "bare": names.bare,
        "op": [_kind(node, graph, operations) for node in order],
        "ops": described(operations),
        "operands": [[graph.index[p] for p in node.parents] for node in order],
        "data": [number(x) for x in graph.data],
        "slopes": {
            str(v): [number(d) for d in node.local_grads]
            for v, node in enumerate(order)
            if node._primitive is not None and not operations[operation_of(node)][1]
        },
        "labelled": [v for v, label in enumerate(graph.labels) if label],
        "home": tree.home,
        "scopes": [
            [s.parent, s.name, path, int(s.is_generated)]
            for s, path in zip(tree.scopes, _paths(view), strict=True)
        ],
        "plates": [_plate(graph, plate) for plate in view.plates],
        "opened": sorted(view.opened - {ROOT}),
        "scopePaths": [text.clean(path) for path in scope_paths],
        "scopeOf": [scope_paths[box_of(node)] for node in order],
        "tags": _tags(order),
        "roots": [graph.index[root] for root in dict.fromkeys(order[v] for v in sorted(graph.roots))],
        "composites": composites,
        "forms": forms.forms,
        "formOf": forms.of,
        "rows": sorted(graph.rows),
    }


def _tags(order: Sequence[Value]) -> dict[str, list[int]] | None:
    """The nodes that scopes put into each training case; None for none."""
    tags: dict[str, list[int]] = {}
    for v, node in enumerate(order):
        if node.scope and (name := case_in(node.scope)):
            tags.setdefault(text.clean(name), []).append(v)
    return tags or None


def _paths(view: View) -> list[str]:
    """The paths of scopes, without the boxes that plates add: these must not change what a path means."""
    tree, boxes = view.tree, {plate.scope for plate in view.plates}
    chains = ([t for t in tree.chain(s) if t == s or t not in boxes] for s in range(len(tree.scopes)))
    return ["/".join(tree.scopes[t].name for t in chain) for chain in chains]


def _plate(graph: Graph, plate: Plate) -> dict[str, Any]:
    """A plate: its box, and for each copy its nodes and own leaves; -1 for a leaf that only the shown copy has."""
    nodes, leaves = plate.copies.nodes, plate.copies.leaves
    there = list(dict.fromkeys(leaves[plate.shown]))
    items = [[*copy, *(own.get(place, -1) for place in there)] for copy, own in zip(nodes, leaves, strict=True)]
    units = plate.units(graph)
    return {
        "scope": plate.scope,
        "shown": plate.shown,
        "names": [text.clean(name) for name in plate.names],
        "items": items,
        "units": {place: text.clean(units[v]) for place, v in enumerate(nodes[plate.shown]) if v in units},
        "exits": [plate.exits(graph, k) for k in range(len(nodes))],
        "shared": [] if plate.copies.is_chain else sorted(u for u in plate.copies.shared if graph.is_leaf(u)),
    }


def described(operations: Mapping[Operation, tuple[int, str]]) -> list[dict[str, Any]]:
    """Each operation by its number: its rule, and how it is written."""
    ops: list[dict[str, Any]] = [{}] * len(operations)
    for one, (place, key) in operations.items():
        ops[place] = _operation(one, key)
    return ops


def _kind(node: Value, graph: Graph, operations: Mapping[Operation, tuple[int, str]]) -> int:
    if node._primitive is None:
        return CONSTANT if graph.index[node] in graph.constants else LEAF
    return operations[operation_of(node)][0]


def operation_of(node: Value) -> Operation:
    """The operation of a node, with its number of operands only if they are few: more are never written out."""
    primitive, count = node._primitive, len(node.parents)
    assert primitive is not None
    return Operation(primitive, count if count <= FEW_OPERANDS or is_users(primitive) else -1)


def is_users(primitive: Primitive) -> bool:
    """Whether a user defined it: it is not in the library's table."""
    return PRIMITIVES.get(primitive.name) is not primitive


def _operation(one: Operation, key: str) -> dict[str, Any]:
    primitive = one.primitive
    return {
        "rule": key,
        "name": text.clean(primitive.name),
        "sign": SIGNS.get(primitive.symbol, primitive.symbol) or text.clean(primitive.name),
        "pairs": primitive.pairs,
        "sums": primitive.reduction is not None and not primitive.reduction.is_mean,
        "saturates": None if primitive.saturates is None else number(primitive.saturates),
        "text": template(primitive, one.arity) if 0 <= one.arity <= FEW_OPERANDS else "",
    }


def template(primitive: Primitive, arity: int) -> str:
    """An operation as text in which single characters stand for the operands, for the page to put names in."""
    # The printer puts brackets around what is no plain symbol. Where it does so for our character but not for a name,
    # brackets depend on the operand, and the page decides.
    bare = operation(primitive, [f"Q{k}Q" for k in range(arity)])
    wrapped = operation(primitive, [chr(text.OPERAND + k) for k in range(arity)])
    for k in range(arity):
        sign = chr(text.OPERAND + k)
        if f"(({sign}))" in wrapped or (f"({sign})" in wrapped and f"(Q{k}Q)" not in bare):  # an atom, as a name is
            wrapped = wrapped.replace(f"({sign})", chr(text.BRACKETED_OPERAND + k))
    return wrapped


def composites_in(view: View, forms: RuleForms) -> list[dict[str, Any]]:
    """The composites of a graph, each with the scope that folds it; -1 if there is none."""
    graph, found = view.graph, []
    for group in composites_of(graph.order, graph.users, graph.roots | graph.constants):
        scope = view.tree.home[group.nodes[-1]]
        composite = {
            "nodes": group.nodes,
            "outputs": group.outputs,
            "scope": scope if view.tree.scopes[scope].composite else -1,
            "name": group.said.name,
            "caption": group.captions[0],
        }
        said = group.said
        if isinstance(said, LossRule):
            found.append(composite | _of_loss(graph, group, forms))
        else:
            found.append(composite | {"text": said.text, "rules": forms.of_composite(said)})
    return found


def _of_loss(graph: Graph, group: CompositeInGraph, forms: RuleForms) -> dict[str, Any]:
    """How a loss is written, of which operands, and its rules."""
    assert group.loss is not None
    operands = group.loss.operands or []
    row = WrittenLoss(group.loss)
    text = template(row, len(operands)) if len(operands) <= FEW_OPERANDS else ""
    return {
        "text": text,
        "operands": [graph.index[p] for p in operands],
        "form": forms.of_loss(row, operands),
        "notes": [row.note(k) for k in range(len(operands))] if group.loss.rule.note is not None else [],
    }


# --- points and cases -----------------------------------------------------------------------------


def leaf_of(graph: Graph, names: Mapping[str, int], given: object, caller: str) -> int:
    """The number of a leaf that was given as a Value or by its name.

    Raises:
        OperandError: It is neither.
        RangeError: The graph has no such leaf.
    """
    if isinstance(given, Value):
        v = graph.index.get(given, -1)
    elif isinstance(given, str):
        v = names.get(given, -1)
    else:
        msg = f"{caller}: expected a leaf of the graph or its name, got {shown(given)}"
        raise OperandError(msg)
    if v < 0 or graph.order[v]._primitive is not None or v in graph.constants:
        some = ", ".join(name for name, u in names.items() if graph.is_leaf(u) and u not in graph.constants)
        msg = f"{caller}: expected a leaf of the graph ({text.shorten(some, 120)}), got {brief(given, 80)}"
        raise RangeError(msg)
    return v


def points_of(graph: Graph, given: object, compare: object = None) -> dict[str, Any] | None:
    """Several points: their labels, the leaves that differ, and for each point one number per such leaf.

    The first one is the point that was recorded.

    Args:
        graph: The graph.
        given: Mappings from leaves (or their names) to numbers, in a sequence or by label; None for none.
        compare: A graph of the same structure, whose leaves are one more point; None for none.
    """
    if given is None and compare is None:
        return None
    names = _names(graph)
    labels, rows = ["recorded"], [dict[int, "float | str"]()]
    for label, point in [] if given is None else _labelled(given):
        labels.append(text.clean(label))
        rows.append(_row(graph, names, point))
    if compare is not None:
        labels.append("compared")
        rows.append(_leaves_of_other(graph, compare))
    leaves = sorted({v for row in rows for v in row})
    data = [[row.get(v, number(graph.data[v])) for v in leaves] for row in rows]
    return {"labels": labels, "leaves": leaves, "data": data}


def point_added(graph: Graph, points: dict[str, Any] | None, label: str, point: object) -> dict[str, Any]:
    """The points with one more. A leaf that differs in the new point only has its recorded value in the others."""
    points = points or {"labels": ["recorded"], "leaves": [], "data": [[]]}
    row = _row(graph, _names(graph), point)
    more = sorted(row.keys() - set(points["leaves"]))
    leaves = [*points["leaves"], *more]
    data = [[*known, *(number(graph.data[v]) for v in more)] for known in points["data"]] if more else points["data"]
    last = [row[v] if v in row else number(graph.data[v]) for v in leaves]
    return {"labels": [*points["labels"], text.clean(label)], "leaves": leaves, "data": [*data, last]}


def _names(graph: Graph) -> dict[str, int]:
    return {name: v for v, name in enumerate(names_in(graph.order).full)}


def _row(graph: Graph, names: Mapping[str, int], point: Any) -> dict[int, float | str]:
    """The numbers of a point, by leaf."""
    if not hasattr(point, "items"):
        msg = (
            "live: expected each point to be a mapping from leaves to numbers, "
            f"got {shown(point)}"
        )
        raise OperandError(msg)
    return {leaf_of(graph, names, leaf, "live"): _given(leaf, x) for leaf, x in point.items()}


def _leaves_of_other(graph: Graph, other: object) -> dict[int, float | str]:
    """The numbers of another graph's leaves, by the leaf of this graph in the same place."""
    order = order_of(roots_of(other, "live"))
    same = len(order) == len(graph.order) and all(
        a.op == b.op and len(a.parents) == len(b.parents) for a, b in zip(order, graph.order, strict=True)
    )
    if not same:
        msg = (
            f"live: expected compare= to be a graph of the same structure ({len(graph.order)} nodes), "
            f"got one of {len(order)} nodes; build both by one function"
        )
        raise StructureError(msg)
    return {v: number(order[v].data) for v in range(len(order)) if graph.is_leaf(v) and v not in graph.constants}


def _labelled(given: Any) -> list[tuple[str, Any]]:
    if hasattr(given, "items") and not any(isinstance(key, Value) for key in given):
        pairs = list(given.items())
        if pairs and all(hasattr(point, "items") for _, point in pairs):
            return [(str(label), point) for label, point in pairs]
    points = None if hasattr(given, "items") else listed(given)
    if points is None:
        msg = (
            "live: expected points to be a list of mappings from leaves to numbers, or a mapping from labels to such, "
            f"got {shown(given)}"
        )
        raise OperandError(msg)
    return [(f"point {k + 1}", point) for k, point in enumerate(points)]


def _given(leaf: object, x: Any) -> float | str:
    try:
        return number(x.data if isinstance(x, Value) else x)
    except (TypeError, ValueError, OverflowError):
        msg = f"live: expected a number for {brief(leaf)}, got {shown(x)}"
        raise OperandError(msg) from None


def cases_of(graph: Graph, given: Iterable[Value] | Mapping[str, Value] | None) -> list[list[Any]] | None:
    """Training cases as [name, node]: those given, or what the scopes of cases give; None for none.

    Each name stands once: further cases of a name are numbered, as are labels that recur.
    """
    if given is None:
        found = _cases_by_scope(graph)
        return _told_apart(found) if len(found) > 1 else None
    if not isinstance(given, Mapping):
        roots = listed(given)
        if roots is None:
            msg = f"live: expected cases as nodes of the graph, in a list or by name, got {shown(given)}"
            raise OperandError(msg)
        given = {f"case {k}": root for k, root in enumerate(roots, 1)}
    found = []
    for label, root in given.items():
        if not isinstance(root, Value) or root not in graph.index:
            msg = (
                "live: expected each case to be a node of the graph, such as its loss, "
                f"got {shown(root)}"
            )
            raise OperandError(msg)
        found.append((text.clean(str(label)), graph.index[root]))
    return _told_apart(found) or None


def _told_apart(cases: Sequence[tuple[str, int]]) -> list[list[Any]]:
    taken = {name for name, _ in cases}
    found: dict[str, int] = {}
    for name, node in cases:
        again = (f"{name} ({k})" for k in count(2))
        own = name if name not in found else next(other for other in again if other not in taken and other not in found)
        found[own] = node
    return [[name, node] for name, node in found.items()]


def _cases_by_scope(graph: Graph) -> list[tuple[str, int]]:
    """The cases that scopes name, with their node. Cases of one name in scopes that share no edge are several."""
    members: dict[str, list[int]] = {}
    path: dict[int, str] = {}
    for v, node in enumerate(graph.order):
        if node.scope and (name := case_in(node.scope)):
            members.setdefault(name, []).append(v)
            path[v] = f"{f'/{node.scope}/'.partition(f'/{name}/')[0]}/{name}".strip("/")
    cases = []
    for name, nodes in members.items():
        inside = set(nodes)
        exits = [v for v in nodes if v in graph.roots or not inside.issuperset(graph.users[v])]
        if len(exits) == 1:
            cases.append((text.clean(name), exits[0]))
            continue
        is_apart = all(path[u] == path[v] for v in nodes for u in inside.intersection(graph.users[v]))
        if is_apart and len({path[v] for v in exits}) == len(exits):
            cases += [(text.clean(path[v]), v) for v in exits]
    return cases
