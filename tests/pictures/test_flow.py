"""What flows back: arrowheads, edges and cards that no gradient reaches, widths, and paths whose product is 0."""

from __future__ import annotations

import re

import pytest
from graphs import GRAPHS, many, perceptron
from test_draw import SVG, parsed, words

import autograd_core as ag
from autograd_core._src.engine.value import Constant
from autograd_core._src.pictures import draw
from autograd_core._src.pictures.scene.flow import THINNEST, WIDEST, reached_by_gradients
from autograd_core._src.pictures.view.scope_tree import Graph


def paths_of(svg, kind):
    return [path for path in svg.iter(f"{SVG}path") if kind in path.get("class", "").split()]


def muted(svg):
    """The edges that carry nothing, as pairs of nodes."""
    return {
        (int(e.get("data-from")), int(e.get("data-to")), int(e.get("data-operand")))
        for e in paths_of(svg, "edge")
        if {"dead", "idle"} & set(e.get("class").split())
    }


def behind_a_relu():
    """w x + b is below 0, so that nothing reaches w, x and b, though their own derivatives are not 0."""
    w, x, b = (ag.Value(v, label=name) for name, v in {"w": 2.0, "x": -1.0, "b": 0.5}.items())
    y = (w * x + b).relu() + b.exp()
    y.backward()
    return y


def test_what_only_feeds_a_zero_is_muted_all_along_its_way():
    svg = parsed(draw(behind_a_relu()))
    kinds = {e.get("class") for e in paths_of(svg, "edge")}
    assert kinds == {"edge", "edge dead", "edge idle"}
    dead = [e for e in paths_of(svg, "edge") if "dead" in e.get("class")]
    assert len(dead) == 1  # the relu's own
    assert len(muted(svg)) == 5  # it, w x + b's two, and w's and x's
    idle = [g for g in svg.iter(f"{SVG}g") if "idle" in g.get("class", "").split()]
    names = {word for g in idle for word in words(g)}
    assert {"w", "x"} <= names
    assert "b" not in names  # which reaches y by its exponential


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_muted_edges_are_those_whose_seed_does_not_come_through(name):
    """Independently: an edge carries something where a seed that passes only nonzero derivatives comes through it."""
    root = GRAPHS[name]()
    order = ag.topological_order(root)
    index = {node: i for i, node in enumerate(order)}
    reached, wanted = {root}, set()
    for node in reversed(order):
        for operand, (p, d) in enumerate(zip(node.parents, node.local_grads, strict=True)):
            if isinstance(p, Constant):
                continue
            if node in reached and d != 0:
                reached.add(p)
            else:
                wanted.add((index[p], index[node], operand))
    svg = parsed(draw(root, fold=False))
    assert muted(svg) == wanted
    assert {i for i, on in enumerate(reached_by_gradients(Graph([root]))) if not on} == {
        index[n] for n in order if n not in reached and not isinstance(n, Constant)
    }


def test_a_folded_scope_that_carries_nothing_is_muted():
    x = ag.Value(-1.0, label="x")
    with ag.scope("off"):
        off = (x * 3).relu()
    with ag.scope("on"):
        on = x * 2
    y = off + on
    y.backward()
    svg = parsed(draw(y, fold="*"))
    assert {e.get("class") for e in paths_of(svg, "edge")} == {"edge", "edge dead"}
    with ag.scope("all"):
        y = (x * 3 + x * x) * 0.0
    y.backward()
    assert "edge dead" in {e.get("class") for e in paths_of(parsed(draw(y + x, fold="*")), "edge")}


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_every_edge_into_a_port_has_an_arrowhead(direction):
    svg = parsed(draw(GRAPHS["readme"](), direction=direction))
    assert len(paths_of(svg, "tip")) == len(paths_of(svg, "edge")) == 39
    crowded = parsed(draw(many(300), fold=False))
    assert len(paths_of(crowded, "tip")) < len(paths_of(crowded, "edge"))  # not where 300 edges end within 300 pixels


def widths(svg):
    return {
        (int(e.get("data-from")), int(e.get("data-to")), int(e.get("data-operand"))): (
            float(re.search(r"stroke-width:([\d.]+)", e.get("style"))[1]),
            e.get("class"),
        )
        for e in paths_of(svg, "edge")
    }


def test_width_grows_with_what_flows_back():
    root = GRAPHS["readme"]()
    order = ag.topological_order(root)
    found = widths(parsed(draw(root, flow=True, fold=False)))
    flows = {}
    for (source, user, operand), (width, kind) in found.items():
        node = order[user]
        assert node.parents[operand] is order[source]
        product = node.local_grads[operand] * node.grad
        flows[source, user, operand] = (abs(product), width)
        assert ("pos" in kind.split()) == (product > 0)
        assert ("neg" in kind.split()) == (product < 0)
    ranked = sorted(flows.values())
    assert [w for _, w in ranked] == sorted(w for _, w in ranked)
    assert ranked[-1][1] == pytest.approx(WIDEST)
    assert ranked[0] == (0.0, pytest.approx(THINNEST))
    most = ranked[-1][0]
    tenth = next(w for flow, w in ranked if flow / most > 0.0999)
    assert tenth > THINNEST + (WIDEST - THINNEST) * 0.66
    assert any(w.startswith("flows back along an edge") for w in words(parsed(draw(root, flow=True))))


def test_flow_through_folded_scopes_adds_up_to_the_gradient():
    root = perceptron(examples=1)
    root.backward()
    picture = draw(root, fold="*", flow=True)
    scene, graph = picture._frame.scene, picture._view.graph
    for v in range(len(graph.order)):
        card = scene.card_of.get(v)
        if card != v or v in graph.roots or v in graph.constants:
            continue
        ports = [p for c in scene.cards.values() for p in c.ports if p.source == v and p.node == v]
        others = [p for c in scene.cards.values() for p in c.ports if p.source == v and p.node != v]
        if ports and not others and scene.cards[v].kind == "node":
            assert sum(p.flow for p in ports) == pytest.approx(graph.grads[v])


def test_flow_before_backward_or_of_another_kind_is_refused():
    with pytest.raises(ag.StructureError, match="flow=True shows gradients, and there are none; call backward"):
        draw(ag.Value(1.0) * 2, flow=True)
    with pytest.raises(ag.OperandError, match="expected flow to be True or False, got 3"):
        draw(ag.Value(1.0) * 2, flow=3)


def test_an_infinite_flow_is_widest():
    x = ag.Value(0.0, label="x")
    y = x.log() + x * 0
    y.backward()
    assert {w for w, _ in widths(parsed(draw(y, flow=True))).values()} >= {WIDEST}


def test_the_path_of_product_0_is_muted_and_colours_go_to_the_others():
    x = ag.Value(-2.0, label="x")
    y = x.relu() + x * 3 + x * x
    y.backward()
    svg = parsed(draw(y, highlight=list(ag.paths(y, x))))
    keys = [key.get("class") for key in paths_of(svg, "key")]
    assert sorted(keys) == ["key a0 strong", "key a1", "key a2", "key nil"]  # 3 against -2, -2 and 0
    relu = next(i for i, node in enumerate(ag.topological_order(y)) if node.op == "relu")
    (edge,) = (e for e in paths_of(svg, "edge") if e.get("data-to") == str(relu))
    assert edge.get("class") == "edge dead on nil"
    (leaf,) = (g for g in svg.iter(f"{SVG}g") if g.get("data-node") == "0")
    assert "nil" not in leaf.get("class")  # other paths begin there
