"""Folded scopes, generated ones, and neighbourhoods: every node once, no cycles, derivatives through boxes."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import random
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from graphs import GRAPHS, HOSTILE, many, perceptron, rosenbrock, unrolled
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples
from test_draw import SVG, box, cards_of, curve_points, edges_of, parsed, words

import autograd_core as ag
import nn
from autograd_core._src.engine.value import Constant
from autograd_core._src.pictures import draw, text
from autograd_core._src.pictures.layout.layered import sorted_topologically
from autograd_core._src.pictures.layout.nested import _plots
from autograd_core._src.pictures.scene.build_scene import scene_of
from autograd_core._src.pictures.scene.collapsed import through
from autograd_core._src.pictures.view.folding import CARDS_OF_A_MAP, MAP, groups_of, states, view_of

LARGE = {
    "one example": lambda: perceptron(examples=1),
    "ten examples": lambda: perceptron(examples=10),
    "unrolled": lambda: unrolled(steps=20),
    "rosenbrock": lambda: rosenbrock(60),
    "tangle": lambda: many(400),
    "thin tangle": lambda: many(1500, total=False),
    "chain": lambda: chain(400),
    "sum of leaves": lambda: ag.sum([ag.Value(float(i)) for i in range(300)]),
    "scopes in a row": lambda: steps_in_a_row(130),
    "scopes side by side": lambda: steps_side_by_side(130),
}


def chain(n):
    """x * w + b, again and again."""
    y, w, b = (ag.Value(x, label=label) for label, x in {"x": 0.3, "w": 0.9, "b": 0.1}.items())
    for _ in range(n):
        y = y * w + b
    return y


def steps_in_a_row(n):
    y = ag.Value(0.5)
    for t in range(n):
        with ag.scope(f"step{t}"):
            y = y.sin() * 1.5
    return y


def steps_side_by_side(n):
    x, ys = ag.Value(0.5), []
    for t in range(n):
        with ag.scope(f"example{t}"):
            ys.append((x * float(t)).tanh())
    return ag.sum(ys)


names = st.sampled_from(["", "a", "b", "a/b", "a/c", "b/a", "a/b/c"])


@st.composite
def scoped(draw):
    """Random exact programs whose nodes are in random scopes, which are left and entered again."""
    number = st.fractions(-3, 3, max_denominator=5)
    nodes = []
    for _ in range(draw(st.integers(1, 4))):
        leaf = ag.Value(draw(number))
        leaf.scope = draw(names)
        nodes.append(leaf)
    for _ in range(draw(st.integers(1, 25))):
        k = st.integers(0, len(nodes) - 1).map(lambda i, n=len(nodes): n - 1 - i)
        x, y = nodes[draw(k)], nodes[draw(k)]
        made = draw(st.sampled_from([lambda x, y: x + y, lambda x, y: x * y, lambda x, _: x * 0, lambda x, _: 1 - x]))
        node = made(x, y)
        node.scope = draw(names)
        nodes.append(node)
    root = nodes[-1]
    root.backward()
    return root


def check(scene, view):
    """What holds for every scene."""
    graph = view.graph
    shown = {v for v, node in enumerate(graph.order) if not isinstance(node, Constant) or v == len(graph.order) - 1}
    assert view.shown <= shown
    assert scene.card_of.keys() - graph.constants == view.shown
    assert set(scene.card_of.values()) == {i for i, card in scene.cards.items() if card.kind in ("node", "fold")}
    for i, card in scene.cards.items():
        members = [v for v, j in scene.card_of.items() if j == i and v not in graph.constants]
        assert card.node == i
        assert (max(members, default=i), len(members) > 1) == (i, card.kind == "fold")
        assert all(port.is_constant or port.source in scene.cards for port in card.ports)
        assert len({port.operand for port in card.ports}) == len(card.ports)
    number = {i: k for k, i in enumerate(scene.cards)}
    into = [[number[p.source] for p in card.ports if not p.is_constant] for card in scene.cards.values()]
    assert len(sorted_topologically(into)) == len(scene.cards)
    for plot in _plots(scene, {i: card.scope for i, card in scene.cards.items()}).values():
        level = [[] for _ in plot.ends]
        for joint in plot.joints:
            level[joint.end].append(joint.start)
        assert len(sorted_topologically(level)) == len(level)


@pytest.mark.filterwarnings("ignore:draw. .* nothing")
@given(scoped(), st.sampled_from([None, "*", "a", "b", ("*", "*/*")]), st.sampled_from([(), "*", "*/*"]))
def test_every_node_is_on_one_card_and_no_way_leads_back(root, fold, unfold):
    try:
        view = view_of([root], fold=fold, unfold=unfold)
    except ag.RangeError:  # none of the program's scopes is called so
        return
    check(scene_of(view, "LR"), view)


@given(scoped())
def test_chips_of_a_folded_scope_are_derivatives_through_it(root):
    try:
        view = view_of([root], fold="*")
    except ag.RangeError:
        return
    graph, scene = view.graph, scene_of(view, "LR")
    for i, card in scene.cards.items():
        if card.kind != "fold" or card.captions[1] != "grad":
            continue
        inside = {v for v, j in scene.card_of.items() if j == i}
        exits = [v for v in inside if any(w not in inside for w in graph.users[v]) or v == len(graph.order) - 1]
        (end,) = set(exits) - graph.constants
        for port in card.ports:
            if port.node >= 0:
                wanted = sum_over_paths(graph, inside, port.node, end)
                assert port.title.endswith(f": {text.in_full(wanted)}")
                assert port.chip in ("×" + text.number(wanted), "")
                assert port.is_dead == (wanted == 0)


def sum_over_paths(graph, inside, start, end):
    """Over all paths within a group, one by one, the products of the local derivatives."""
    total, waiting = Fraction(0), [(end, Fraction(1))]
    while waiting:
        v, product = waiting.pop()
        if v == start:
            total += product
        elif v in inside:
            node = graph.order[v]
            for parent, slope in zip(node.parents, node.local_grads, strict=True):
                if not isinstance(parent, Constant):
                    waiting.append((graph.index[parent], product * slope))
    return total


@pytest.mark.parametrize("seed", range(40))
def test_chips_add_up_to_gradients(seed):
    """A value's gradient is the sum of its ports' derivatives times the gradients behind, through boxes as well."""
    rnd = random.Random(seed)
    nodes = [ag.Value(Fraction(rnd.randint(-9, 9), rnd.randint(1, 5))) for _ in range(4)]
    for k in range(30):
        with ag.scope("abcde"[k // 6]):
            x, y = rnd.choice(nodes[-8:]), rnd.choice(nodes[-8:])
            nodes.append(x * y if rnd.random() < 0.5 else x - y)
    root = ag.sum(nodes[-3:])
    root.backward()
    view = view_of([root], fold="?")
    graph, scene = view.graph, scene_of(view, "LR")
    sums, several = {}, set()
    for i, card in scene.cards.items():
        for port in card.ports:
            if card.captions[1] != "grad" or port.node < 0:
                several.update(v for v, j in scene.card_of.items() if j == port.source)
            else:
                inside = {v for v, j in scene.card_of.items() if j == i}
                end = next(v for v in inside if v == len(graph.order) - 1 or set(graph.users[v]) - inside)
                slope = through(graph, sorted(inside), end)[port.node] if card.folded else None
                if slope is None:
                    slope = graph.order[i].local_grads[port.operand]
                sums[port.node] = sums.get(port.node, 0) + slope * graph.grads[end]
    checked = {v: g for v, g in sums.items() if v not in several and not ends_inside(graph, scene, v)}
    assert checked
    for v, g in checked.items():
        assert g == graph.grads[v]


def ends_inside(graph, scene, v):
    """Whether a value is used on its own card as well."""
    return any(scene.card_of[w] == scene.card_of[v] for w in graph.users[v])


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("name", LARGE)
def test_large_graphs_fold_to_few_cards(name, direction):
    root = LARGE[name]()
    view = view_of([root])
    scene = scene_of(view, direction)
    check(scene, view)
    assert 1 < len(scene.cards) <= 100
    for path, other in itertools.islice(states(view), 30):
        further = scene_of(other, direction)
        assert len(further.cards) <= 300, path
        assert view.opened ^ other.opened
    check(further, other)


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("name", LARGE)
def test_folded_pictures_overlap_nowhere(name, direction):
    svg = parsed(draw(LARGE[name](), direction=direction))
    boxes = {i: box(card) for i, card in cards_of(svg).items()}
    for i, (x0, y0, x1, y1) in boxes.items():
        for j, (u0, v0, u1, v1) in boxes.items():
            assert i == j or x1 <= u0 or u1 <= x0 or y1 <= v0 or v1 <= y0, (i, j)
    for edge in edges_of(svg):
        ends = {int(edge.get("data-from")), int(edge.get("data-to"))}
        for x, y in curve_points(edge):
            for i, (x0, y0, x1, y1) in boxes.items():
                assert i in ends or not (x0 + 0.2 < x < x1 - 0.2 and y0 + 0.2 < y < y1 - 0.2), (edge.get("id"), i)


@pytest.mark.parametrize("name", LARGE)
def test_text_of_folded_cards_fits(name):
    for card in cards_of(parsed(draw(LARGE[name](), direction="LR"))).values():
        if not card.get("data-folded"):
            continue
        lines = {}
        for t in card.findall(f"{SVG}text"):
            size = {"name": 12, "caption": 9.5}.get(t.get("class"), 11)
            lines[t.get("y")] = lines.get(t.get("y"), 0) + text.extent(t.text, size)
        assert max(lines.values()) <= 208


def test_what_holds_scopes_is_opened_by_itself_and_like_scopes_together():
    found = {g.get("data-folded") for g in cards_of(parsed(draw(perceptron(examples=10), plates=False))).values()} - {None}
    neurons = {f"layer{k}/neuron{j}" for k in (1, 2) for j in range(8)} | {"layer3/neuron0"}
    assert found == neurons | {"10 × (sub, pow)", "9 × add", "20 leaves"}
    wide = draw(perceptron(examples=1, sizes=(2, 40, 40, 1)))
    found = {g.get("data-folded") for g in cards_of(parsed(wide)).values()} - {None}
    assert found == {"layer1", "layer2", "layer3"}
    with ag.scope("head"):
        y = chain(80) * 2.0
    with ag.scope("tail"):
        y = y.sin().cos()
    assert "data-folded" in draw(y).svg
    assert {g.get("data-scope") for g in parsed(draw(y)).iter(f"{SVG}g")} >= {"head", "tail"}


def test_nothing_is_folded_up_to_150_nodes():
    small = ag.Value(0.5) * 2.0  # the constant does not count
    for _ in range(148):
        small = small.sin()
    for root, folded in ((small, False), (small.sin(), True)):
        assert ("data-folded" in draw(root, plates=False).svg) is folded
        assert "data-folded" not in draw(root, fold=None).svg
        assert draw(root, fold=False).svg == draw(root, fold=None).svg


def test_a_folded_scope_says_what_it_is():
    root = GRAPHS["network"]()
    order = ag.topological_order(root)
    svg = parsed(draw(root, fold="layer*/neuron*", direction="LR"))
    cards = {g.get("data-folded"): g for g in cards_of(svg).values() if g.get("data-folded")}
    assert list(cards) == ["layer0/neuron0", "layer0/neuron1", "layer0/neuron2", "layer1/neuron0"]
    out = next(n for n in order if n.scope == "layer1/neuron0" and n.op == "tanh")

    def weights(scope):
        """The norm of the gradients of the weights that are used in it."""
        used = {p for n in order if n.scope.startswith(scope) for p in n.parents if p.label.startswith(("w", "b"))}
        return math.hypot(*(w.grad for w in used))

    said = words(cards["layer1/neuron0"])
    assert said[3:] == [
        *("▸", "neuron0", "dot, add, tanh"),
        f"4 leaves, |grad| {text.number(weights('layer1/neuron0'), digits=3)}",
        *("value", text.number(out.data), "grad", text.number(out.grad)),
    ]
    assert cards["layer1/neuron0"].get("data-node") == str(order.index(next(n for n in order if n is out)))
    hidden = [n for n in order if n.scope.startswith("layer0") and n.op == "tanh"]
    dot = out.parents[0].parents[0]
    for chip, h in zip(said[:3], hidden, strict=True):
        slope = (1 - out.data**2) * next(w for w, x in zip(dot.parents, dot.parents[3:], strict=False) if x is h).data
        assert float(chip.removeprefix("×").replace("−", "-")) == pytest.approx(slope, rel=1e-3)
    layer = draw(root, fold="layer0", direction="LR")
    (card,) = (g for g in cards_of(parsed(layer)).values() if g.get("data-folded"))
    low, high = min(h.data for h in hidden), max(h.data for h in hidden)
    assert words(card) == [
        *("3 edges", "3 edges", "▸", "layer0", "3 × (dot, add, tanh)"),
        f"9 leaves, |grad| {text.number(weights('layer0'), digits=3)}",
        *("3 values", f"{text.number(low)} … {text.number(high)}"),
        *("|grad|", text.number(math.hypot(*(h.grad for h in hidden)))),
    ]
    assert "Drawn as 12 cards, of which 1 is a folded scope (layer0)." in layer.svg


def test_before_backward_a_folded_scope_has_no_gradient():
    with ag.scope("s"):
        x = ag.Value(2.0)
        y = x * x
    z = y + x
    picture = draw(z, fold="s")
    (card,) = (g for g in cards_of(parsed(picture)).values() if g.get("data-folded"))
    assert words(card)[-2:] == ["|grad|", "not computed"]
    assert words(card)[-3] == "2 … 4"


def test_numbers_that_went_wrong_are_shown_on_folded_cards():
    with ag.scope("s"):
        xs = [ag.Value(x) for x in (float("nan"), 1.0, float("inf"))]
        ys = [x * 1.0 for x in xs]
    y = ag.sum(ys)
    y.backward()
    (card,) = (g for g in cards_of(parsed(draw(y, fold="s"))).values() if g.get("data-folded"))
    assert "1 … inf, nan" in words(card)
    with ag.scope("s"):
        ys = [ag.Value(x) * 1.0 for x in (-1.234567e-100, -1.234567e-200, float("nan"))]
    (card,) = (g for g in cards_of(parsed(draw(ag.sum(ys), fold="s"))).values() if g.get("data-folded"))
    assert "−1e−100 … −1e−200,…" in words(card)
    with ag.scope("s"):
        ys = [ag.Value(float("nan")) * 1.0 for _ in range(2)]
    (card,) = (g for g in cards_of(parsed(draw(ys[0] + ys[1], fold="s"))).values() if g.get("data-folded"))
    assert "nan" in words(card)


def test_fractions_beyond_floats_have_a_norm():
    huge = Fraction(10**400)
    x = ag.Value(huge)
    with ag.scope("s"):
        a, b = x * 3, x * 4
    y = a * 3 * huge + b * 4 * huge
    y.backward()
    (card,) = (g for g in cards_of(parsed(draw(y, fold="s"))).values() if g.get("data-folded"))
    assert words(card)[-1] == "5e400"


def test_dense_connections_are_bundled():
    root = perceptron(examples=1)
    root.backward()
    scene = scene_of(view_of([root], fold="layer*/neuron*"), "LR")
    (junction,) = (card for card in scene.cards.values() if card.kind == "junction")
    assert junction.scope == ("layer1",)
    assert [port.source for port in junction.ports] == sorted(
        i for i, card in scene.cards.items() if card.folded.startswith("layer1/")
    )
    users = [card for card in scene.cards.values() if card.folded.startswith("layer2/")]
    assert len(users) == 8
    for card in users:
        assert [(port.source, port.chip) for port in card.ports] == [(junction.node, "layer1, 8 edges")]
    picture = draw(root, fold="layer*/neuron*")
    assert picture.svg.count('class="junction"') == 1
    assert len(edges_of(parsed(picture))) == 2 * 8 + 8 + 8 + 8 + 2


def test_users_of_a_junction_tell_what_it_takes():
    for labels, said in (([f"x{k}" for k in range(8)], "x0 … x7, 8 edges"), ([""] * 8, "v9 … v16, 8 edges")):
        xs = [ag.Value(k / 8, label=label) for k, label in enumerate(labels)]
        ys = []
        for j in range(8):
            with ag.scope(f"unit{j}"):
                ys.append(ag.tanh(ag.dot([ag.Value(0.1 * k) for k in range(8)], xs)))
        scene = scene_of(view_of([ag.sum(ys)], fold="unit*"), "LR")
        ports = [port for card in scene.cards.values() if card.folded for port in card.ports]
        assert {port.chip for port in ports} == {said}
        names = ", ".join(scene.cards[i].name for i in sorted(scene.cards) if scene.cards[i].is_leaf)
        assert ports[0].title == f"8 edges into unit0, of {names}"


def test_a_junction_stands_where_no_way_leads_back():
    """Users beside the sources in one box: the bundle would have to leave that box and come back."""
    x = ag.Value(0.5)
    with ag.scope("box"):
        sources = []
        for i in range(2):
            with ag.scope(f"s{i}"):
                sources.append((x * float(i)).sin())
    with ag.scope("s"):
        sources.append((x * 7.0).sin())
    users = []
    for i in range(3):
        with ag.scope("box") if i == 0 else ag.scope("other"), ag.scope(f"u{i}"):
            users.append(ag.sum(sources).tanh() * 2.0)
    root = ag.sum(users)
    view = view_of([root], fold=("s", "*/*"))
    scene = scene_of(view, "LR")
    check(scene, view)
    assert not any(card.kind == "junction" for card in scene.cards.values())


def test_unfolding_opens_what_is_around():
    root = perceptron(examples=1)
    folded = {g.get("data-folded") for g in cards_of(parsed(draw(root, fold="*"))).values()} - {None}
    assert folded == {"layer1", "layer2", "layer3"}
    picture = draw(root, fold="*", unfold="layer2/neuron3")
    found = {g.get("data-folded") for g in cards_of(parsed(picture)).values()} - {None}
    assert found == {"layer1", "layer3"} | {f"layer2/neuron{j}" for j in range(8) if j != 3}
    assert {g.get("data-scope") for g in parsed(picture).iter(f"{SVG}g")} - {None} == {"layer2", "layer2/neuron3"}
    assert "layer2/neuron3" in picture.scopes
    everything = draw(root, unfold=["*", "*/*"])
    assert "data-folded" not in everything.svg
    both = draw(root, fold=["layer1", "layer[23]"])
    assert both.svg == draw(root, fold="*").svg


def test_uses_are_matched_with_and_without_their_number():
    root = unrolled(steps=3)
    scopes = draw(root, fold=None).scopes
    assert [s for s in scopes if "/" not in s][:3] == ["rnn · shared", "rnn · use 1 of 3", "rnn · use 2 of 3"]
    one = draw(root, fold="rnn · use 2 of 3")
    assert re.findall('data-folded="([^"]*)"', one.svg) == ["rnn · use 2 of 3"]
    all_of_them = draw(root, fold="rnn")
    assert len(re.findall("data-folded", all_of_them.svg)) == 4
    unfolded = draw(root, fold="*", unfold="rnn · use *")
    assert re.findall('data-folded="([^"]*)"', unfolded.svg) == ["rnn · shared"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"fold": "layer9"}, ag.RangeError, r"fold='layer9' is no scope of this graph; there are 'layer0', 'layer1', "),
        ({"unfold": "neuron0"}, ag.RangeError, "unfold='neuron0' is no scope"),
        ({"unfold": ["layer0", ""]}, ag.RangeError, "unfold='' is no scope"),
        ({"fold": 3}, ag.OperandError, r"expected fold to be a scope .*\"auto\", None, got 3 \(int\)"),
        ({"unfold": True}, ag.OperandError, r"got True \(bool\)"),
        ({"unfold": None}, ag.OperandError, r"expected unfold to be a scope .*, got None"),
        ({"unfold": [b"layer0"]}, ag.OperandError, r"got \[b'layer0'\] \(list\)"),
        ({"unfold": ag.Value(1.0)}, ag.OperandError, "expected unfold"),
        ({"around": 3}, ag.OperandError, r"expected around to be a Value of the graph, got 3 \(int\)"),
        ({"around": ag.Value(1.0)}, ag.StructureError, "is no node of this graph"),
        ({"hops": 0}, ag.RangeError, "hops to be at least 1, got 0"),
        ({"hops": True}, ag.OperandError, r"hops to be an int, got True \(bool\)"),
        ({"hops": 1.5}, ag.OperandError, r"hops to be an int, got 1.5 \(float\)"),
    ],
)
def test_what_cannot_be_folded_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        draw(GRAPHS["network"](), **options)


def test_a_message_lists_some_scopes_only():
    with pytest.raises(ag.RangeError, match=r"the graph has none \(see ag.scope\)"):
        draw(GRAPHS["readme"](), fold="x")
    with pytest.raises(ag.RangeError, match="and 12 more\n"):
        draw(perceptron(examples=1), fold="x")


def test_constants_cannot_be_a_neighbourhood():
    y = ag.Value(2.0) * 3.0
    with pytest.raises(ag.StructureError, match="is no node of this graph"):
        draw(y, around=y.parents[1])


@pytest.mark.parametrize("hops", [1, 2, 9])
@pytest.mark.parametrize("name", GRAPHS)
def test_a_neighbourhood_is_what_lies_within_some_edges(name, hops):
    root = GRAPHS[name]()
    order = ag.topological_order(root)
    middle = next(n for n in reversed(order[: len(order) // 2 + 1]) if not isinstance(n, Constant))
    wanted = {middle}
    for edges in ({n: n.parents for n in order}, {n: [m for m in order if uses(m, n)] for n in order}):
        near = {middle}
        for _ in range(hops):
            near = {p for n in near for p in edges[n] if not isinstance(p, Constant)}
            wanted |= near
    index = {node: i for i, node in enumerate(order)}
    view = view_of([root], around=middle, hops=hops)
    scene = scene_of(view, "LR")
    check(scene, view)
    assert {i for i, card in scene.cards.items() if card.kind == "node"} == {index[n] for n in wanted}
    assert [i for i, card in scene.cards.items() if card.is_centre] == [index[middle]]
    crossing = sum((a in wanted) != (b in wanted) for b in order for a in b.parents if not isinstance(a, Constant))
    stubs = [int(re.search(r"\+(\d+) more", card.label)[1]) for card in scene.cards.values() if card.kind == "stub"]
    assert sum(stubs) == crossing
    left_out = sum(not isinstance(n, Constant) for n in order) - len(wanted)
    assert (f"{left_out} nodes are not in view" in scene.description) == (left_out > 0)


def uses(user, node):
    return any(p is node for p in user.parents)


def test_many_operands_out_of_view_are_one_edge():
    root = GRAPHS["wide"]()
    x = root.parents[0].parents[40]
    svg = parsed(draw(root, around=x, hops=1, direction="LR"))
    assert len(edges_of(svg)) == 3
    assert "63 edges" in words(svg)
    assert "+63 more" in words(svg)


def test_a_neighbourhood_can_be_folded():
    root = perceptron(examples=3)
    weight = next(n for n in ag.topological_order(root) if n.scope == "layer1/neuron0")
    view = view_of([root], around=weight, hops=4, fold="layer2/*")
    check(scene_of(view, "LR"), view)
    svg = draw(root, around=weight, hops=4, fold="layer2/*").svg
    assert svg.count("data-folded") == 8
    assert " more" in svg


def test_hostile_scopes_are_names_and_nothing_else():
    scopes = [*HOSTILE, "a//b/", "/", "a/../b", "a · use 1 of 2", "*", "[a-", "x" * 5000 + "/y" * 100]
    y = ag.Value(0.5)
    for _turn in range(2):
        for scope in scopes:
            for _ in range(3):
                y = y * 1.01
                y.scope = scope
    y.backward()
    view = view_of([y], fold="*")
    check(scene_of(view, "LR"), view)
    for options in ({}, {"fold": "*"}, {"fold": None}, {"fold": view.scopes[-1]}):
        picture = draw(y, direction="LR", **options)
        known = {"svg", "title", "desc", "style", "g", "rect", "text", "path", "circle"}
        assert {e.tag.removeprefix(SVG) for e in parsed(picture).iter()} == known
        assert "<script>" not in picture.svg


def test_folded_pictures_are_the_same_bytes_in_every_process():
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; from test_folding import LARGE; "
        "from autograd_core._src.pictures import draw; import hashlib; "
        "s = ''.join(draw(f()).svg for f in LARGE.values()); print(hashlib.sha256(s.encode()).hexdigest())"
    )
    found = {hashlib.sha256("".join(draw(f()).svg for f in LARGE.values()).encode()).hexdigest()}
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent), str(Path(__file__).parents[1])],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        found.add(done.stdout.strip())
    assert len(found) == 1


def test_deep_chains_are_folded_without_recursion(recursion_limit_as_shipped):
    picture = draw(chain(20_000))
    assert len(cards_of(parsed(picture))) <= 20


def test_a_picture_stays_one_of_its_moment():
    root = perceptron(examples=1)
    picture = draw(root)
    before = [scene_of(view, "LR") for _, view in states(picture._view)]
    root.backward()
    assert [scene_of(view, "LR") for _, view in states(picture._view)] == before


@examples(10)
@given(st.integers(0, 10_000))
def test_random_tangles_fold(seed):
    rnd = random.Random(seed)
    pool = [ag.Value(rnd.random()) for _ in range(rnd.randint(1, 9))]
    for _ in range(rnd.randint(160, 500)):
        a, b = rnd.choice(pool[-rnd.randint(1, 200) :]), rnd.choice(pool)
        pool.append(rnd.choice([lambda a=a, b=b: a * b, lambda a=a, _=b: a.sin(), lambda a=a, _=b: a + 1.0])())
        if rnd.random() < 0.3:
            pool[-1].scope = f"s{rnd.randint(0, 80)}"
    view = view_of([ag.sum(pool)])
    scene = scene_of(view, "LR")
    check(scene, view)
    assert len(scene.cards) <= 300


@pytest.mark.parametrize("make", [lambda: perceptron(examples=1), GRAPHS["network"]])
def test_fold_true_folds_all_scopes(make):
    shown = cards_of(parsed(draw(make(), fold=True)))
    outer = {s.split("/")[0] for s in draw(make(), fold=None).scopes}
    assert {card.get("data-folded") for card in shown.values()} - {None} == outer
    opened = cards_of(parsed(draw(make(), fold=True, unfold=sorted(outer)[0])))
    folded = {card.get("data-folded") for card in opened.values()} - {None}
    assert sorted(outer)[0] not in folded
    assert folded > outer - {sorted(outer)[0]}


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (GRAPHS["neuron"], {"fold": True}, "fold=True folds nothing, .* the graph has none"),
        (GRAPHS["network"], {"unfold": "layer1"}, "unfold='layer1' changes nothing, .* fold=True .* there are 'layer"),
        (GRAPHS["network"], {"unfold": ["layer0", "layer1"]}, "unfold='layer0' changes nothing"),
    ],
)
def test_arguments_that_change_nothing_are_told(make, options, said):
    with pytest.warns(UserWarning, match=said):
        picture = draw(make(), **options)
    assert picture.svg == draw(make()).svg


def test_a_folded_card_tells_the_gradient_of_what_it_holds():
    root = GRAPHS["network"]()
    picture = draw(root, fold="layer0")
    [(s, group)] = groups_of(picture._view).items()
    graph = picture._view.graph
    leaves = [v for v in group if graph.is_leaf(v)]
    [card] = [g for g in cards_of(parsed(picture)).values() if g.get("data-folded") == "layer0"]
    norm = math.hypot(*(graph.grads[v] for v in leaves))
    assert f"{len(leaves)} leaves, |grad| {text.number(norm, digits=3)}" in " ".join(words(card))
    assert picture._view.tree.scopes[s].path == "layer0"
    assert [path.get("class") for path in card.iter(f"{SVG}path")][-1] == "bar norm"


def test_a_folded_network_stays_legible():
    picture = draw(perceptron(examples=1, sizes=(2, 8, 8, 1)))
    assert picture._frame.size()[0] < 1000 / 0.8


def of_a_batch():
    """A small network on many cases: 10 000 nodes, of which one case is drawn."""
    net = nn.MLP(2, [16, 16, 1], seed=1)
    return nn.hinge([net([k / 80 - 0.5, 0.3]) for k in range(80)], [[1 if k % 3 else -1] for k in range(80)])


def of_wide_layers():
    return nn.mse(nn.MLP(2, [64, 64, 1], seed=1)([0.5, -1.0]), [1.0])


@pytest.mark.parametrize("make", [of_a_batch, of_wide_layers], ids=["batch", "layers"])
def test_a_graph_of_many_thousand_nodes_is_a_map(make):
    """A card for each layer: what it is, how much of it there is, and the signal there."""
    root = make()
    root.backward()
    if len(ag.topological_order(root)) < MAP:
        root = root + ag.sum([ag.Value(1.0) for _ in range(MAP)])
        root.backward()
    picture = draw(root)
    cards = [card for card in picture._frame.scene.cards.values() if card.kind == "fold"]
    assert len(cards) <= CARDS_OF_A_MAP
    assert picture._frame.size()[1] < 1000
    for layer in ("layer1", "layer2", "layer3"):
        [card] = [card for card in cards if card.label == layer]
        assert re.search(r"\d leaves, \|grad\| \d", card.caption)
        assert "dot, add" in card.caption
        assert card.grad


def test_large_parts_without_structure_are_named_by_their_depth():
    root = many(7000, total=False)
    names = [card.label for card in draw(root)._frame.scene.cards.values() if card.kind == "fold"]
    spans = [tuple(map(int, re.findall(r"\d+", name))) for name in names if name.startswith("depth")]
    assert len(spans) > 5
    assert all(a <= b < c for (a, b), (c, _) in itertools.pairwise(sorted(spans)))


def test_bars_compare_norms_of_folded_scopes_too():
    root = of_wide_layers()
    root.backward()
    scene = draw(root, fold="*")._frame.scene
    sizes = {card.label: abs(card.bar) for card in scene.cards.values() if card.kind == "fold"}
    norms = {card.label: abs(float(card.grad.replace("−", "-"))) for card in scene.cards.values() if card.kind == "fold"}
    largest = max(*norms.values(), *(abs(node.grad) for node in ag.topological_order(root)))
    for label, norm in norms.items():
        assert sizes[label] == 6 - int(math.log10(largest / norm) + 1e-9)


def test_long_names_are_not_cut():
    for name in ("binary_cross_entropy_with_logits", "decoder_block_with_a_residual_path_1"):
        with ag.scope(name):
            x = ag.Value(0.5, label="x") * 2
            y = x.tanh() + x.sin()
        svg = draw(y, fold="*").svg
        assert f">{name}</text>" in svg
