"""Computes the answers to follow-up questions about an explanation, from the recorded graph alone."""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

from ...errors import OperandError, RangeError
from ..any_object import brief, shown
from ..engine.evaluation import evaluate, is_finite, is_fraction, number, plus, times, value_of
from ..engine.graph import sweep_order, topological_order
from ..engine.provenance import box_of
from ..engine.sweep import reverse
from ..engine.value import Constant, Value
from ..notation.node_names import dotted
from ..notation.rules import rules_at
from ..pictures import text
from .answers import CaseGradients, Comparison, WhatIf, Without, change
from .flow import adjoints_of, ratio
from .path import Path, local_grad
from .reasons import Words
from .training_cases import case_of, cases_by_structure
from .units import unit_of
from .uses import Explained, Use
from .walks import dependents

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ..notation.composites import Edge
    from .units import PartOfModel

MOST_CHANGED = 8  # comparisons and kinks that an answer names


def derivative(of: Explained) -> str:
    """As "∂L/∂w"."""
    return f"∂{of.name(of.root)}/∂{of.name(of.leaf)}"


# --- without one part --------------------------------------------------------------------------------


def without(of: Explained, way: Path | Use | tuple[Value, int] | Value | str | PartOfModel) -> Without:
    """The gradient without a path, an edge, a node or a unit."""
    if isinstance(way, Path):
        if way.nodes[0] is not of.leaf or way.nodes[-1] is not of.root:
            msg = f"without: expected a path from {of.name(of.leaf)} to {of.name(of.root)}, got {way}"
            raise RangeError(msg)
        words, through, rest, value = f"along {way}".rpartition(":")[0], way.product, _others(of, way), None
        return _left_out(of, words, through, rest, value)
    root, leaf = of.root, of.leaf
    if isinstance(way, Use) and of._read is not None:
        root, leaf = of._read.copy(root), of._read.copy(leaf)
    if not isinstance(way, (Use, Value)) and not _is_edge(way):
        return _without_unit(of, *unit_of(of, way))
    node, operand = (way._written, way.operand) if isinstance(way, Use) else _edge(way)
    order = sweep_order(root)
    if node not in set(order):
        msg = f"without: expected a node between {of.name(of.leaf)} and {of.name(of.root)}, got {text.clean(repr(way))}"
        raise RangeError(msg)
    if operand is not None and not 0 <= operand < len(node.parents):
        msg = f"without: expected an operand of {of.name(node)} from 0 to {len(node.parents) - 1}, got {operand}"
        raise RangeError(msg)
    # All paths through a node: tangent × adjoint. Through an edge: tangent × local derivative × adjoint. So any part
    # takes two sweeps, however many paths it has.
    tangents = tangents_of(root, leaf)
    adjoint = adjoints_of(root, order)[node]
    if operand is None:
        through, words = _product(tangents.get(node, 0 * adjoint), adjoint), f"through {of.name(node)}"
    else:
        parent = node.parents[operand]
        through = _product(_product(local_grad(node, operand), tangents.get(parent, 0 * adjoint)), adjoint)
        words = f"along {_name(of, parent)} → {of.name(node)}"
    recorded = node if of._read is None else of._read.original(node)
    edges: Sequence[Edge] = [] if operand is None else [(recorded, operand)]
    if isinstance(way, Use) and of._read is not None and recorded in of._read.edges:
        edges = of._read.edges[recorded][way.operand]
    value = _value_without(of, recorded, edges)
    return _left_out(of, words, through, _rest(root, leaf, {node}, operand), value)


def _left_out(of: Explained, words: str, through: Any, rest: Any, value: Any) -> Without:
    g = of.gradient
    share = ratio(abs(through), abs(g)) if g and is_finite(g) and is_finite(through) else math.nan
    return Without(derivative(of), words, g, through, rest, share, of.root.data, value, of.name(of.root))


def _without_unit(of: Explained, called: str, cuts: frozenset[Value]) -> Without:
    """The gradient without all paths through a unit; a path that passes several of its nodes counts once."""
    zero, one = 0 * of.gradient if is_fraction(of.gradient) else 0.0, type(of.root.data)(1)
    # Two sums in one forward sweep: over paths that have passed a cut by now, and over those that have not. Adding up
    # adjoint × tangent at each cut instead would count a path once for every cut on it.
    passed, others = {of.leaf: zero}, {of.leaf: one}
    for node in dependents(of.root, of.leaf):
        for found in (passed, others):
            if node is not of.leaf:
                sent = [
                    _product(local_grad(node, k), found[p])
                    for k, p in enumerate(node.parents)
                    if not isinstance(p, Constant) and p in found
                ]
                found[node] = reduce(plus, sent, zero)
        if node in cuts:
            passed[node], others[node] = plus(passed[node], others[node]), zero
    value = replayed(of.root, dict.fromkeys(cuts, zero))[of.root]
    rest = _rest(of.root, of.leaf, cuts, None)
    return _left_out(of, f"through {called}", passed.get(of.root, zero), rest, value)


def _is_edge(way: Any) -> bool:
    return isinstance(way, tuple) and len(way) == 2 and isinstance(way[0], Value) and type(way[1]) is int


def _edge(way: Any) -> tuple[Value, int | None]:
    return way if isinstance(way, tuple) else (way, None)


def _name(of: Explained, node: Value) -> str:
    return text.number(node.data) if isinstance(node, Constant) else of.name(node)


def _product(d: Any, g: Any) -> Any:
    return times(d, g) if d and g else 0 * g


def tangents_of(root: Value, leaf: Value) -> dict[Value, Any]:
    """d node / d leaf of every node between the two: forward mode on the recorded local derivatives."""
    one = type(root.data)(1) if is_fraction(root.data) else 1.0
    found = {leaf: one}
    for node in dependents(root, leaf)[1:]:
        edges = node._edges
        half = len(edges) // 2
        sent = [_product(d, found[p]) for p, d in zip(edges, edges[half:]) if p.__class__ is not float and p in found]
        found[node] = reduce(plus, sent, 0 * one)
    return found


def _rest(root: Value, leaf: Value, cuts: Collection[Value], operand: int | None) -> Any:
    """The gradient by a sweep that sends nothing along one operand of a node, or nothing on from some nodes."""
    # A sweep and not gradient - through: where the part that is left out is most of it, a difference would cancel.
    order = sweep_order(root)
    kind = type(root.data) if is_fraction(root.data) else float
    adjoints = dict.fromkeys(order, kind(0)) | {root: kind(1)}

    def edges(node: Value) -> tuple[Any, ...]:
        found = list(node._edges)
        half = len(found) // 2
        if node in cuts:
            for k in range(half) if operand is None else (operand,):
                found[half + k] = 0 * found[half + k] if is_finite(found[half + k]) else 0.0
        return tuple(found)

    if leaf in cuts and operand is None:
        return kind(0)
    return reverse(order, adjoints, edges).get(leaf, kind(0))


def _others(of: Explained, path: Path) -> Any:
    """The sum over all other paths: each enters some node of this one by another operand and follows it from there."""
    nodes, operands = path._read or path.nodes, path.operands
    root, leaf = nodes[-1], nodes[0]
    tangents = tangents_of(root, leaf)
    total: Any = 0 * of.gradient if is_finite(of.gradient) else 0.0
    onward: Any = 1  # the product of the factors from the current node of the path up to the root
    for node, operand in zip(reversed(nodes[1:]), reversed(operands), strict=True):
        for k, p in enumerate(node.parents):
            if k != operand and p in tangents and not isinstance(p, Constant):
                total = plus(total, _product(_product(local_grad(node, k), tangents[p]), onward))
        onward = _product(local_grad(node, operand), onward)
    return total


def _value_without(of: Explained, node: Value, edges: Sequence[Edge]) -> Any:
    """The root's value if a node were 0, or if the given edges carried 0: those of one operand of a composite."""
    zero = 0 * node.data if is_fraction(node.data) else 0.0
    if edges:
        zero = replayed(node, {}, dict.fromkeys(edges, zero))[node]
    return replayed(of.root, {node: zero})[of.root]


def replayed(root: Value, given: Mapping[Value, Any], along: Mapping[Edge, Any] | None = None) -> dict[Value, Any]:
    """The data of all nodes when the graph is evaluated anew with the values of some nodes or edges replaced.

    Only what depends on a replaced value is computed; the rest keeps its recorded bits.
    """
    data: dict[Value, Any] = {}
    along = along or {}
    changed, changed_edges = set(given), {node for node, _ in along}
    for node in topological_order(root):
        if node in given:
            data[node] = given[node]
        elif node._primitive is None or (node not in changed_edges and changed.isdisjoint(node.parents)):
            data[node] = node.data
        else:
            xs = [along[node, k] if (node, k) in along else data[p] for k, p in enumerate(node.parents)]
            data[node] = value_of(node._primitive, xs)
            changed.add(node)
    return data


# --- at another value ------------------------------------------------------------------------------


def what_if(of: Explained, name: str | Value, value: Any) -> WhatIf:
    """The recorded graph evaluated with one leaf at another value."""
    # The recorded graph, not the function: Python's branches are those of the recording, and `where` and kinks move.
    order = topological_order(of.root)
    leaf = _leaf(of, name, order)
    after = number(value, "what_if: value")
    data = replayed(of.root, {leaf: after})
    gradient = adjoints_of(of.root, order)[leaf]
    tangent = plus(of.root.data, _product(gradient, plus(after, -leaf.data)))
    truth = data[of.root]
    error = plus(truth, -tangent)
    changed = tuple(_changes(of, order, data))
    return WhatIf(
        of.name(leaf), leaf.data, after, of.name(of.root), of.root.data, gradient, tangent, truth, error, changed
    )


def _leaf(of: Explained, name: str | Value, order: list[Value]) -> Value:
    """The leaf that a question names: a node, or its name with or without its scopes."""
    leaves = [node for node in order if node._primitive is None and not isinstance(node, Constant)]
    if isinstance(name, Value):
        found = [node for node in leaves if node is name]
    else:
        wanted = name.replace("/", ".") if isinstance(name, str) else brief(name)
        found = [node for node in leaves if of.names[node] == wanted] or [
            node
            for node in leaves
            if wanted in {node.label, *(f"{dotted(at)}.{node.label}" for at in (node.scope, box_of(node)) if at)}
        ]
    if len(found) != 1:
        names = ", ".join(of.name(node) for node in leaves[:8]) + (", ..." if len(leaves) > 8 else "")
        many = f"one of {len(found)} leaves of that name by its full name" if found else "the name of a leaf"
        came = brief(of.names.get(name, "another node") if isinstance(name, Value) else name)
        msg = f"what_if: expected {many}, got {came}; the leaves are {names}"
        raise RangeError(msg)
    return found[0]


def _changes(of: Explained, order: list[Value], data: Mapping[Value, Any]) -> list[str]:
    """Comparisons with another outcome, and kinks that are entered on another side."""
    found, words, more = [], Words(of.names), 0
    for node in order:
        primitive = node._primitive
        if primitive is None or primitive.kinks is None or all(data[p] == p.data for p in node.parents):
            continue
        before, after = _side(node, of.names, {}), _side(node, of.names, data)
        if before == after:
            continue
        more += 1
        if more <= MOST_CHANGED:
            found.append(f"{words.made(node)}: {after}, and was {before}")
    return [*found, f"and {more - MOST_CHANGED} more"] if more > MOST_CHANGED else found


def _side(node: Value, names: Mapping[Value, str], data: Mapping[Value, Any]) -> str:
    """On which side of its kinks a primitive is, in the words of its rules; of a comparison or step, its result."""
    primitive, parents = node._primitive, node.parents
    assert primitive is not None
    xs = [data.get(p, p.data) for p in parents]
    result, slopes = evaluate(primitive, xs)
    if primitive.symbol:  # a comparison
        return "true" if result else "false"
    called = [names.get(p, "v") for p in parents]
    rules = rules_at(primitive, called, "v", (*xs, result), slopes)
    sides = dict.fromkeys(rule.side for rule in rules if rule is not None and rule.side)
    return " and ".join(sides) or (text.number(result) if not any(slopes) else "")


# --- against another ---------------------------------------------------------------------------------


def compare(of: Explained, other: Explained) -> Comparison:
    """Compare two explanations of the same leaf."""
    name = of.name(of.leaf)
    if not isinstance(other, Explained):
        msg = f"compare: expected another explanation of {name}, got {shown(other)}"
        raise OperandError(msg)
    if of.leaf is not other.leaf and of.names[of.leaf] != other.names[other.leaf]:
        msg = f"compare: expected another explanation of {name}, got one of {other.name(other.leaf)}"
        raise RangeError(msg)
    # Uses are matched by position: two recordings of one program have no nodes in common.
    alike = [(u.node.op, u.operand) for u in of.uses] == [(u.node.op, u.operand) for u in other.uses]
    if not alike or not of.uses:
        sentence = "The two graphs are not alike, so there is no use to compare." if of.uses or other.uses else ""
        return Comparison(derivative(of), of.gradient, other.gradient, (), sentence)
    words = Words(of.names)
    pairs = sorted(zip(of.uses, other.uses, strict=True), key=lambda pair: -_apart(*pair))
    changes = tuple((words.made(a._written), a.contribution, b.contribution) for a, b in pairs)
    return Comparison(derivative(of), of.gradient, other.gradient, changes, _why(of, other, *pairs[0]))


def _apart(a: Use, b: Use) -> float:
    d = abs(plus(b.contribution, -a.contribution))
    return float(d) if d == d else math.inf  # noqa: PLR0124  NaN


def _why(of: Explained, other: Explained, a: Use, b: Use) -> str:
    """The use whose contribution changed most, and the factor on its largest path that changed most, in a sentence."""
    apart, total = plus(b.contribution, -a.contribution), plus(other.gradient, -of.gradient)
    if not apart:
        return "Nothing changed."
    words = Words(of.names)
    share = f" ({text.number(apart)} of {text.number(total)})" if len(of.uses) > 1 else ""
    said = f"Most of the change came by way of {words.made(a._written)}{share}"
    first, second = _largest_path(of, a), _largest_path(other, b)
    factors = list(zip((first._read or first.nodes)[1:], first.factors, second.factors, strict=False))
    if first.operands != second.operands or not factors:
        return said + "."
    node, d, e = max(factors, key=lambda f: _log_ratio(f[1], f[2]))
    return f"{said}; along its largest path the local derivative at {words.made(node)} changed most, {change(d, e)}."


def _largest_path(of: Explained, use: Use) -> Path:
    best = next((p for p in of.paths if p.operands and p.operands[0] == use.operand and p.nodes[1] is use.node), None)
    return best if best is not None else of.by_way_of(use)


def _log_ratio(d: Any, e: Any) -> float:
    """|log of the ratio of two factors|: infinite where one of them is 0."""
    if d == e or d != d or e != e:  # noqa: PLR0124
        return 0.0
    if not d or not e:
        return math.inf
    return abs(math.log(abs(float(e) / float(d)) or 5e-324)) + (float(d) * float(e) < 0)


# --- by case ----------------------------------------------------------------------------------------


def cases(of: Explained) -> CaseGradients:
    """The gradient by training case. Each path counts for the first case that it enters, so the parts add up."""
    root, leaf = of.root, of.leaf
    one = type(root.data)(1) if is_fraction(root.data) else 1.0
    between = dependents(root, leaf)
    known = {node: case for node in between if (case := case_of(node))} or cases_by_structure(root)
    # Forward mode with one tangent for each case: a path carries the name of the first case that it enters. One sweep
    # for all cases, where a reverse sweep for each would take as many as there are cases.
    sums: dict[Value, dict[str, Any]] = {leaf: {known.get(leaf, ""): one}}
    for node in between[1:]:
        own = known.get(node, "")
        here: dict[str, Any] = {}
        edges = node._edges
        half = len(edges) // 2
        for p, d in zip(edges, edges[half:]):
            if p.__class__ is not float and p in sums:
                for case, tangent in sums[p].items():
                    name = case or own
                    here[name] = plus(here.get(name, 0 * one), _product(d, tangent))
        sums[node] = here
    found = sums.get(root, {})
    names = [name for name in dict.fromkeys(known.values()) if name in found]
    if all(name[4:].lstrip().isdecimal() for name in names):
        names.sort(key=lambda name: int(name[4:]))
    if not names:
        msg = (
            f"cases: no path from {of.name(leaf)} to {of.name(root)} leads through a training case; give each a scope "
            "with ag.case(k)"
        )
        raise RangeError(msg)
    return CaseGradients(derivative(of), of.gradient, {name: found[name] for name in names}, found.get("", 0 * one))
